#include "check.h"

#include "locks.h" /* struct lock_watch */

#include <assert.h> /* assert */
#include <stdarg.h> /* va_list */
#include <stdio.h>  /* vsnprintf */
#include <stdlib.h> /* calloc, free */

enum { CHECKS_MAX = 80 };

static const struct check *const families[] = {check_valves, check_outputs, check_trips, check_sequence,
    check_samples, check_bus, check_heat, check_record, check_people, check_latch, check_link, check_steps,
    check_purge, check_proof, check_closes, check_counts};

static struct check table[CHECKS_MAX];
static size_t table_count;

const struct check *check_table(size_t *count)
{
        for (size_t f = 0; table_count == 0 && f < sizeof families / sizeof families[0]; f++) {
                static size_t n;

                for (const struct check *c = families[f]; c->id != NULL; c++) {
                        assert(n < CHECKS_MAX);
                        table[n++] = *c;
                }
                if (f + 1 == sizeof families / sizeof families[0])
                        table_count = n;
        }
        *count = table_count;
        return table;
}

void check_fail(struct check_context *c, const char *fmt, ...)
{
        va_list args;

        if (c->breach->id != NULL)
                return;
        c->breach->id = c->id;
        c->breach->t_us = c->seen->now_us;
        va_start(args, fmt);
        vsnprintf(c->breach->text, sizeof c->breach->text, fmt, args);
        va_end(args);
}

struct checks {
        struct seen seen;
        struct lock_watch locks;
        struct check_breach breach[CHECKS_MAX];
        int order[CHECKS_MAX];
        int count;
        void *mine[CHECKS_MAX];
};

struct checks *checks_new(const struct tool *tool)
{
        struct checks *c = calloc(1, sizeof *c);
        const struct check *all;
        size_t n;

        if (c == NULL)
                return NULL;
        all = check_table(&n);
        seen_init(&c->seen, tool);
        lock_init(&c->locks, tool);
        for (size_t i = 0; i < n; i++) {
                c->mine[i] = calloc(1, all[i].size > 0 ? all[i].size : 1);
                if (c->mine[i] == NULL) {
                        checks_free(c);
                        return NULL;
                }
        }
        return c;
}

void checks_free(struct checks *c)
{
        for (int i = 0; c != NULL && i < CHECKS_MAX; i++)
                free(c->mine[i]);
        free(c);
}

static struct check_context context(struct checks *c, size_t i)
{
        return (struct check_context){.seen = &c->seen,
            .tool = c->seen.tool,
            .mine = c->mine[i],
            .breach = &c->breach[i],
            .id = table[i].id,
            .locks = &c->locks};
}

static void note_breach(struct checks *c, size_t i)
{
        for (int k = 0; k < c->count; k++)
                if (c->order[k] == (int)i)
                        return;
        if (c->breach[i].id != NULL)
                c->order[c->count++] = (int)i;
}

void checks_see(struct checks *c, const struct world_note *n)
{
        for (size_t i = 0; i < table_count; i++) {
                struct check_context x = context(c, i);

                if (c->breach[i].id != NULL || (table[i].kinds >> n->kind & 1) == 0)
                        continue;
                table[i].see(&x, n);
                if (c->breach[i].id == NULL)
                        continue;
                c->breach[i].t_us = n->t_us;
                note_breach(c, i);
        }
        seen_note(&c->seen, n);
        lock_note(&c->locks, &c->seen, n);
}

void checks_end(struct checks *c)
{
        for (size_t i = 0; i < table_count; i++) {
                struct check_context x = context(c, i);

                if (c->breach[i].id == NULL && table[i].end != NULL)
                        table[i].end(&x);
                note_breach(c, i);
        }
}

int checks_count(const struct checks *c)
{
        return c->count;
}

const struct check_breach *checks_at(const struct checks *c, int i)
{
        return &c->breach[c->order[i]];
}

const struct seen *checks_seen(const struct checks *c)
{
        return &c->seen;
}
