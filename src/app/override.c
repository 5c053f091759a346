#include "ald/app/override.h" /* own declarations */

#include "ald/base/text.h" /* text_init, text_add */
#include "ald/file/file.h" /* file_link_address */

#include <stdio.h>  /* snprintf */
#include <string.h> /* strchr */

bool override_link(struct tool *tool, const char *spec, char *why, size_t why_cap)
{
        const char *equals = strchr(spec, '=');
        char name[TOOL_NAME_MAX];
        struct text t;
        int link;

        text_init(&t, why, why_cap);
        if (equals == NULL || (size_t)(equals - spec) >= sizeof name) {
                text_add(&t, "--link %s: write NAME=tcp://HOST:PORT or NAME=rtu:///dev/PATH", spec);
                return false;
        }
        (void)snprintf(name, sizeof name, "%.*s", (int)(equals - spec), spec);
        link = tool_find_link(tool, name);
        if (link < 0) {
                text_add(&t, "--link %s: the tool file has no link '%s'; it has", spec, name);
                for (int i = 0; i < tool->link_count; i++)
                        text_add(&t, "%s %s", i > 0 ? "," : "", tool->links[i].name);
                return false;
        }
        if (!file_link_address(&tool->links[link], equals + 1)) {
                text_add(
                    &t, "--link %s: '%s' is neither tcp://HOST:PORT nor rtu:///dev/PATH", spec, equals + 1);
                return false;
        }
        return true;
}
