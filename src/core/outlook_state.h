/* What the parts of the outlook share. */
#ifndef ALD_CORE_OUTLOOK_STATE_H
#define ALD_CORE_OUTLOOK_STATE_H

#include "ald/core/outlook.h" /* struct outlook_now */

#include "core_state.h" /* struct core, which is only read here */

#include <stdbool.h> /* bool */

struct outlook {
        const struct tool *tool;
        struct outlook_now now;
        struct snapshot ahead; /* the values at a time to come */
};

/* A time that cannot be told. */
#define OUTLOOK_UNKNOWN INT64_C(-1)

/* ---- outlook_open.c ---- */
/* What must still happen before the tool may be opened, for people; and how long the purges of it take. */
int64_t outlook_purge_us(const struct outlook *o, const struct core *core, struct text *waits);
void outlook_look_open(struct outlook *o, const struct core *core);

#endif
