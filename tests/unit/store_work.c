#include "unit/store_work.h"

#include "unit/store_fixture.h" /* fixture_post and friends */

#include <check.h>  /* ck_assert */
#include <stdio.h>  /* snprintf */
#include <stdlib.h> /* getenv, atoi */
#include <time.h>   /* clock_gettime */

#define T0 FIXTURE_T0

int64_t work_now_us(void)
{
        struct timespec t;

        clock_gettime(CLOCK_MONOTONIC, &t);
        return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* A count that CI keeps small. */
int work_count(const char *name, int by_default)
{
        const char *text = getenv(name);

        return text == NULL ? by_default : atoi(text);
}

void work_digest(const void *data, size_t len, char hex[65])
{
        const unsigned char *bytes = data;
        unsigned sum = 1;

        for (size_t i = 0; i < len; i++)
                sum = sum * 31 + bytes[i];
        snprintf(hex, 65, "%064x", sum);
}

struct store_state work_state(struct store *s)
{
        struct store_state state;

        store_get_state(s, &state);
        return state;
}

void work_events(struct store *s, struct work *w, int n)
{
        char text[32];

        for (int i = 0; i < n; i++) {
                snprintf(text, sizeof text, "event %lld", (long long)++w->events);
                fixture_post(s, fixture_event(0, T0 + w->events, text));
        }
}

void work_samples(struct store *s, struct work *w, int n)
{
        for (int i = 0; i < n; i++) {
                struct record sample = fixture_sample((int)(w->samples % FIXTURE_TAGS), T0 + w->samples, 1);

                (void)store_post(s, &sample);
                w->samples++;
        }
}

/* All kinds of records, in several transactions that begin when the one before is safe. */
void work_do(struct store *s, struct work *w)
{
        int64_t before = work_state(s).records_stored;

        for (int round = 1; round <= 4; round++) {
                struct tape_piece piece = {.kind = TAPE_EVENTS,
                    .run_id = 1,
                    .n = w->pieces,
                    .wall_us = T0,
                    .bytes = (const unsigned char *)"abc",
                    .len = 3};

                work_samples(s, w, 90);
                ck_assert(store_post_input(s, &piece));
                w->pieces++;
                work_events(s, w, 20);
                fixture_post(s, fixture_audit(T0 + ++w->audits, "hold", ""));
                fixture_await_records(s, before + round * 21);
        }
}

static void check_gaps(const char *db, const struct work *w)
{
        int64_t stored = fixture_number(db, "SELECT count(*) FROM sample");
        int64_t gaps =
            fixture_number(db, "SELECT coalesce(sum(data ->> 'count'), 0) FROM event WHERE kind = 'gap'");

        ck_assert_int_eq(stored + gaps, w->samples);
}

void work_check(const char *db, const struct work *w)
{
        ck_assert_str_eq(fixture_text(db, "PRAGMA integrity_check"), "ok");
        ck_assert_int_eq(fixture_number(db, "SELECT count(*) FROM event WHERE kind = 'note'"), w->events);
        ck_assert_int_eq(
            fixture_number(db, "SELECT count(DISTINCT text) FROM event WHERE kind = 'note'"), w->events);
        ck_assert_int_eq(fixture_number(db, "SELECT count(*) FROM audit"), w->audits);
        ck_assert_int_eq(fixture_number(db, "SELECT count(*) FROM audit a JOIN audit b ON b.id = a.id + 1"
                                            " AND b.prev_sha256 = a.sha256"),
            w->audits > 0 ? w->audits - 1 : 0);
        ck_assert_int_eq(fixture_number(db, "SELECT count(*) FROM input"), w->pieces);
        check_gaps(db, w);
}
