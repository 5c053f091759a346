/* The poll plan: which reads fetch the tags of one link. Neighbouring registers of one device, table and period are
 * merged into one read; a register that no tag declares is never read (it may have side effects or not exist). */
#ifndef ALD_LINK_PLAN_H
#define ALD_LINK_PLAN_H

#include "ald/core/tool.h" /* struct tool */

#include <stdint.h> /* int16_t, int64_t */

enum { PLAN_REQUESTS_MAX = 128, PLAN_TAGS_MAX = 64 };

struct plan_request {
        int16_t device;
        enum tool_register reg;
        int address; /* first register or coil on the wire */
        int count;   /* registers or coils */
        int64_t period_us;
        int tag_count;
        int16_t tags[PLAN_TAGS_MAX]; /* in order of address */
        int16_t watchdog_of;         /* device whose watchdog status this reads, else -1 (then tag_count > 0) */
};

struct plan {
        int count;
        struct plan_request request[PLAN_REQUESTS_MAX];
};

/* Plan the reads that go over `link` (devices whose poll_link it is). Outputs that are verified are read back like
 * inputs. False: more than PLAN_REQUESTS_MAX requests. */
bool plan_build(struct plan *plan, const struct tool *tool, int link);

#endif
