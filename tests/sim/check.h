/* Independent checkers: one for each invariant of SAFETY.md that can be seen from outside. They watch the notes of a world,
 * through what seen.h gathers from them, and are told nothing by the core.
 *
 * Each is a row of the table in check.c, with what it can see, what it cannot, and how far it is tolerant and why. A row
 * that finds its invariant broken says so once; what comes after the first breach of an invariant tells nothing new. */
#ifndef TESTS_SIM_CHECK_H
#define TESTS_SIM_CHECK_H

#include "seen.h" /* struct seen */

#include <stddef.h> /* size_t */

enum { CHECK_TEXT_MAX = 320 };

struct check_breach {
        const char *id; /* static */
        int64_t t_us;
        char text[CHECK_TEXT_MAX];
};

/* Budgets of SAFETY.md. All outputs confirmed safe when the bus is free (Modbus TCP); where it is not, the module's own
 * watchdog: it is no longer fed once a safe value has not been confirmed in time, and expires within 1.0 s. */
#define CHECK_FREE_US INT64_C(250000)
#define CHECK_DOG_US  (CHECK_FREE_US + INT64_C(1000000))

/* What a checker works with: facts as they were before the note, and memory of its own, zeroed. */
struct check_context {
        const struct seen *seen;
        const struct tool *tool;
        void *mine;
        struct check_breach *breach; /* id NULL: none yet */
        const char *id;
        struct lock_watch *locks; /* shared: the interlocks as judged from the samples (locks.h) */
};

#define CHECK_SEES(kind) (UINT32_C(1) << WORLD_##kind)
struct check {
        const char *id;    /* "V1" */
        const char *what;  /* the invariant in short */
        const char *limit; /* what it cannot see, and its tolerance with the reason */
        size_t size;       /* of its memory */
        uint32_t kinds;    /* of notes that it wants: CHECK_SEES() of each */
        void (*see)(struct check_context *c, const struct world_note *n);
        void (*end)(struct check_context *c); /* the world came to its end; NULL allowed */
};

const struct check *check_table(size_t *count);

/* Say that the invariant is broken; the first word counts. */
__attribute__((format(printf, 2, 3))) void check_fail(struct check_context *c, const char *fmt, ...);

struct checks; /* opaque: one world's checkers */
struct checks *checks_new(const struct tool *tool);
void checks_free(struct checks *c);
void checks_see(struct checks *c, const struct world_note *n);
void checks_end(struct checks *c);
/* Breaches so far, in the order of the table. */
int checks_count(const struct checks *c);
const struct check_breach *checks_at(const struct checks *c, int i);
const struct seen *checks_seen(const struct checks *c);

/* Invariants in families, each in a file of its own. */
extern const struct check check_valves[], check_outputs[], check_trips[], check_sequence[], check_samples[],
    check_bus[], check_heat[], check_record[], check_people[], check_latch[], check_link[], check_steps[],
    check_purge[], check_proof[], check_closes[], check_counts[];

#endif
