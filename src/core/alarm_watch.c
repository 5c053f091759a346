#include "core_state.h"

#include <stdarg.h> /* va_list */
#include <stdio.h>  /* vsnprintf */

void core_alarm(struct core *core, const char *id, bool stands, enum tool_priority priority,
    const char *guidance, const char *fmt, ...)
{
        char text[192];
        va_list args;

        (void)guidance;
        if (!stands)
                return;
        va_start(args, fmt);
        vsnprintf(text, sizeof text, fmt, args);
        va_end(args);
        core_log(
            core, "alarm", priority >= TOOL_PRIORITY_HIGH ? RECORD_ALARM : RECORD_WARNING, id, "%s", text);
}
