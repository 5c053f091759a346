/* The poll plan: which reads fetch the tags of one link. Neighbouring registers of one device, table and period are
 * merged into one read; a register that no tag declares is never read (it may have side effects or not exist), save the
 * device's signature where it touches a read. */
#ifndef ALD_LINK_PLAN_H
#define ALD_LINK_PLAN_H

#include "ald/core/tool.h" /* struct tool */

#include <stdbool.h> /* bool */
#include <stdint.h>  /* int16_t, int64_t */

enum {
        PLAN_REQUESTS_MAX = 128,
        PLAN_TAGS_MAX = 64,
        PLAN_WORDS_MAX = 125, /* registers in one read (Modbus application protocol 1.1b3, 6.3) */
        PLAN_BITS_MAX = 128   /* coils in one read: a bound of our buffers, well below the protocol's 2000 */
};

/* A watchdog's status is read this often, as a request of its own. */
#define PLAN_WATCHDOG_US INT64_C(250000)

struct plan_request {
        int16_t device;
        enum tool_register reg;
        int address; /* first register or coil on the wire */
        int count;   /* registers or coils */
        int64_t period_us;
        int tag_count;
        int16_t tags[PLAN_TAGS_MAX]; /* in order of address */
        int16_t signature_at; /* where among the words its device's signature stands, -1 = not among them */
        int16_t watchdog_of;  /* device whose watchdog status this reads, else -1 (then tag_count > 0) */
};

struct plan {
        int count;
        struct plan_request request[PLAN_REQUESTS_MAX];
};

/* Plan the reads that go over `link` (devices whose poll_link it is). Inputs are read, and outputs that are verified
 * are read back like inputs; a tag without a period is not. False: more than PLAN_REQUESTS_MAX requests. */
bool plan_build(struct plan *plan, const struct tool *tool, int link);

#endif
