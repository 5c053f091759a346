/* What may be believed of a serial line. Pure.
 *
 * A Modbus RTU reply names the unit and the function, and a read's reply the number of bytes, but not the request. A reply
 * that comes after its request was given up is taken for the answer to the next one, and every later answer is then one
 * behind, without an error, for the rest of the run (SAFETY, trap 1; Q3). So on a serial line:
 *
 *   - After a time-out, a bad frame, bytes that nobody asked for, or when the line was just opened, it is quarantined: for
 *     the longest time in which an answer may still come, 3 x the response timeout or the longest `worst_answer` of its
 *     units, whichever is longer. What comes meanwhile is thrown away (the line is drained).
 *   - Then some unit must answer a *probe*: a read whose function and number of bytes no other read of that unit has, so
 *     that no late reply can pass for its answer. An exception will do: it is an answer, and a module whose watchdog
 *     expired gives no other. A unit whose own call failed answers a probe of its own before it is read again; the others
 *     need not wait for it.
 *   - No two reads of a unit that follow one another have the same function and number of bytes: where they would, the
 *     probe is read between them. A reply that was sent twice is then no answer to the read after it either.
 *
 * A probe reads only what is declared: the unit's signature, whole tags, a part of a value, an output that is not polled,
 * or neighbouring registers of its watchdog, in this order. A unit that is read and has no such read is refused.
 *
 * What does not wait: closes of pulses and safe values. The echo of a single write carries its address and value, so no
 * late reply to a read and no echo of another value is taken for it. The late echo of an earlier equal write is taken for
 * it, rightly: that write was done (units answer in order), and since opens wait, none of the opposite value can have been
 * sent between the two. The echo of a multiple write carries no values; there an earlier write of another value may answer,
 * and the gate therefore believes a safe value after a lost write only when it is acknowledged again, sent a quarantine
 * later (gate.h).
 *
 * Feeds of a watchdog that is known to run do not wait either. They are writes too, and the silence may be longer than the
 * watchdog's time: a unit that is late would close the valves of its neighbour, which is sound. No more is kept alive by it
 * than the interlocks allow: what cannot be read meanwhile grows stale, and its trips write safe values, which go out. A
 * feed that is not answered is not repeated; arming and asking wait.
 *
 * A reply that comes later than `worst_answer` says can still be mistaken, if nothing else was read meanwhile that it
 * spoils; a signature tells it apart. */
#ifndef ALD_LINK_QUARANTINE_H
#define ALD_LINK_QUARANTINE_H

#include "ald/core/tool.h" /* struct tool */
#include "ald/link/plan.h" /* struct plan */

#include <stdbool.h> /* bool */
#include <stdint.h>  /* int64_t, uint32_t */

struct text;

struct quarantine_read {
        enum tool_register reg;
        int address;
        int count; /* registers or bits; 0 = there is none */
        bool is_signature;
};

struct quarantine {
        const struct tool *tool; /* borrowed */
        int link;
        bool is_serial;     /* false: nothing below ever holds anything up */
        int64_t length_us;  /* of a quarantine */
        int64_t silence_us; /* between two frames: 3.5 characters */
        int64_t until_us;   /* nothing but what makes safe before */
        int64_t free_us;    /* nothing at all before */
        bool is_proven;     /* a unit answered its probe since */
        uint32_t units;     /* devices that are read over this line, a bit each */
        uint32_t unproven;  /* of them: those whose own call failed since their last probe */
        uint32_t mute;      /* devices that did not answer since anyone did */
        struct quarantine_read probe[TOOL_DEVICES_MAX];
        struct quarantine_read last[TOOL_DEVICES_MAX]; /* the last read of each unit */
        int64_t count;                                 /* of quarantines */
};

/* How long an answer may still come on `link`. */
int64_t quarantine_length_us(const struct tool *tool, int link);
/* 3.5 characters of 11 bits, or 1.75 ms above 19200 baud (MODBUS over Serial Line V1.02, 2.5.1.1). */
int64_t quarantine_silence_us(const struct tool_link *link);

/* Has every unit that is read over `link` a probe? False: `why` says which has none and what would help. Always true on
 * TCP. */
bool quarantine_check(const struct tool *tool, int link, const struct plan *plan, struct text *why);

void quarantine_init(struct quarantine *q, const struct tool *tool, int link, const struct plan *plan);
/* The line was opened: what was asked of it before is not known. */
void quarantine_opened(struct quarantine *q, int64_t now_us);
/* A call to `device` (TOOL_NONE: nobody asked) failed. True: no unit has answered since the last that did. */
bool quarantine_failed(struct quarantine *q, int device, int64_t now_us);
/* The line was used, until now. */
void quarantine_used(struct quarantine *q, int64_t now_us);
/* `device` answered; `read` is what was read, NULL for a write. */
void quarantine_answered(struct quarantine *q, int device, const struct quarantine_read *read, bool is_probe);

/* Must all but what makes safe wait? Then until_us says for how long. */
bool quarantine_holds(const struct quarantine *q, int64_t now_us);
/* The quarantine is over, but no unit has answered a probe yet. */
bool quarantine_is_open(const struct quarantine *q);
/* Must `device` be probed before this read? */
bool quarantine_wants_probe(const struct quarantine *q, int device, enum tool_register reg, int count);
/* Has its own call failed since its last probe? */
bool quarantine_is_doubted(const struct quarantine *q, int device);

#endif
