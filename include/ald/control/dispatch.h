/* From one line to its answer: the verb table decides what may be asked and how. Questions are answered here;
 * commands go to the owner, whose core decides and audits, and are answered by dispatch_reply(). */
#ifndef ALD_CONTROL_DISPATCH_H
#define ALD_CONTROL_DISPATCH_H

#include "ald/control/control.h" /* struct control_owner */
#include "ald/control/feed.h"    /* struct feed */
#include "ald/control/session.h" /* struct session */
#include "ald/core/event.h"      /* struct effect_reply */
#include "ald/core/tool.h"       /* struct tool */

#include <stddef.h> /* size_t */
#include <stdint.h> /* uint64_t */

struct dispatch {
        const struct control_owner *owner; /* borrowed */
        const struct tool *tool;           /* borrowed */
        struct feed *feed;                 /* borrowed */
        uint64_t last_reply;               /* numbers answers over all clients, from 1 */
};

void dispatch_line(struct dispatch *d, struct session *s, const char *line, size_t len);

/* Send the core's answer, if this session waits for it. */
void dispatch_reply(struct session *s, const struct effect_reply *reply);

/* What the owner estimates now, NULL = nothing. */
const struct outlook_now *dispatch_outlook(const struct control_owner *owner);

#endif
