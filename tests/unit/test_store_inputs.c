/* Tapes of runs in the run database: pieces come back as they were posted, in order, whatever the disk does; and the run is told
 * to hold before one is lost (SAFETY L2). */
#include "unit/suite.h"
#include "unit/store_fixture.h"

#include "ald/store/query.h" /* query_inputs */

#include <check.h>  /* the test framework */
#include <string.h> /* memset */

#define T0 FIXTURE_T0

enum { PIECE_BYTES = 500 };

static struct tape_piece piece_of(enum tape_kind kind, int64_t run, int64_t n)
{
        static unsigned char bytes[PIECE_BYTES];
        bool is_empty = kind == TAPE_GAP || kind == TAPE_END;

        memset(bytes, (int)(n & 0xff), sizeof bytes);
        return (struct tape_piece){.kind = kind,
            .run_id = run,
            .n = n,
            .wall_us = T0 + n,
            .bytes = is_empty ? NULL : bytes,
            .len = is_empty ? 0 : PIECE_BYTES};
}

static bool post(struct store *s, enum tape_kind kind, int64_t run, int64_t n)
{
        struct tape_piece piece = piece_of(kind, run, n);

        return store_post_input(s, &piece);
}

static int64_t seen[4000];
static int seen_count, pages;

static bool on_piece(void *ctx, const struct tape_piece *got)
{
        struct tape_piece want = piece_of(got->kind, got->run_id, got->n);

        (void)ctx;
        ck_assert_int_eq(got->wall_us, want.wall_us);
        ck_assert_uint_eq(got->len, want.len);
        ck_assert(got->len == 0 || memcmp(got->bytes, want.bytes, want.len) == 0);
        seen[seen_count++] = got->n;
        return got->n != 999;
}

/* All pieces of a run, page by page. */
static void read_all(const char *db, int64_t run)
{
        char why[256];
        struct query *q = query_open(db, why, sizeof why);
        int before;

        ck_assert_msg(q != NULL, "%s", why);
        seen_count = 0;
        pages = 0;
        do {
                before = seen_count;
                ck_assert_int_eq(
                    query_inputs(q, run, before == 0 ? -1 : seen[before - 1], 7, on_piece, NULL), 0);
                pages++;
        } while (seen_count > before);
        query_close(q);
}

START_TEST(pieces_come_back)
{
        const char *db = fixture_path("a.db");
        struct store *s = fixture_open(db);

        fixture_post(s, fixture_run(RECORD_RUN_START, 1, T0, "Execute", ""));
        ck_assert(post(s, TAPE_SNAPSHOT, 1, 0));
        for (int64_t n = 1; n < 20; n += 2)
                ck_assert(post(s, TAPE_EVENTS, 1, n));
        ck_assert(post(s, TAPE_GAP, 1, 21));
        ck_assert(post(s, TAPE_SNAPSHOT, 1, 30));
        ck_assert(post(s, TAPE_END, 1, 31));
        ck_assert(post(s, TAPE_SNAPSHOT, 2, 0)); /* of another run */
        store_close(s);
        ck_assert_str_eq(
            fixture_text(db, "SELECT group_concat(kind || n, ' ') FROM (SELECT * FROM input WHERE run_id = 1 "
                             "AND kind <> 'events' ORDER BY n)"),
            "snapshot0 gap21 snapshot30 end31");
        ck_assert_int_eq(fixture_number(db, "SELECT count(*) FROM input WHERE payload IS NULL"), 2);
        read_all(db, 1);
        ck_assert_int_eq(seen_count, 14);
        ck_assert_int_eq(pages, 3);
        read_all(db, 3);
        ck_assert_int_eq(seen_count, 0);
}
END_TEST

START_TEST(the_row_that_ends_the_list_is_the_last)
{
        const char *db = fixture_path("a.db");
        struct store *s = fixture_open(db);
        char why[256];

        for (int64_t n = 998; n < 1003; n++)
                ck_assert(post(s, TAPE_EVENTS, 1, n));
        store_close(s);
        struct query *q = query_open(db, why, sizeof why);
        seen_count = 0;
        ck_assert_int_eq(query_inputs(q, 1, -1, 100, on_piece, NULL), 0);
        ck_assert_int_eq(seen_count, 2);
        query_close(q);
}
END_TEST

/* What begins or ends a tape is on the disk at once; the others within the time of samples. */
START_TEST(a_tape_begins_on_the_disk_at_once)
{
        const char *db = fixture_path("a.db");
        struct store *s = fixture_open(db);
        struct store_state state;

        fixture_post(s, fixture_run(RECORD_RUN_START, 1, T0, "Execute", ""));
        ck_assert(post(s, TAPE_SNAPSHOT, 1, 0));
        for (int i = 0; fixture_number(db, "SELECT count(*) FROM input") < 1; i++)
                ck_assert_int_lt(i, 100000);
        ck_assert(post(s, TAPE_EVENTS, 1, 1));
        for (int i = 0; fixture_number(db, "SELECT count(*) FROM input") < 2; i++)
                ck_assert_int_lt(i, 1000000);
        store_get_state(s, &state);
        ck_assert(state.ok);
        store_close(s);
}
END_TEST

/* A row that is there already must not stand in the way of all others. */
START_TEST(a_piece_the_table_refuses_is_told_of)
{
        const char *db = fixture_path("a.db");
        struct store *s = fixture_open(db);

        ck_assert(post(s, TAPE_EVENTS, 1, 5));
        ck_assert(post(s, TAPE_EVENTS, 1, 5));
        ck_assert(post(s, TAPE_EVENTS, 1, 6));
        store_close(s);
        ck_assert_int_eq(fixture_number(db, "SELECT count(*) FROM input"), 2);
        ck_assert_int_eq(
            fixture_number(db, "SELECT count(*) FROM event WHERE kind = 'gap' AND severity = 'alarm'"), 1);
}
END_TEST

/* L2, L4: the disk stalls. The caller never waits; the store is not ok well before a piece is refused; what was taken is all
 * there once, when the disk has come back. */
START_TEST(a_stalled_disk_holds_the_run_before_it_loses_a_piece)
{
        const char *db = fixture_path("a.db");
        struct store_config config = fixture_config(db);
        struct store_state state;
        int64_t taken = 0, warned_at = 0;

        config.inputs_max = 64 * 1024;
        struct store *s = store_open(&config);
        sqlite3 *other = fixture_intrude(db, "BEGIN IMMEDIATE");
        while (post(s, TAPE_EVENTS, 1, taken + 1)) {
                taken++;
                store_get_state(s, &state);
                if (!state.ok && warned_at == 0)
                        warned_at = taken;
                ck_assert_int_lt(taken, 1000);
        }
        ck_assert_int_gt(taken, 64 * 1024 / (PIECE_BYTES + 64));
        ck_assert_int_gt(warned_at, 0);
        ck_assert_int_lt(warned_at, taken * 4 / 5);
        store_get_state(s, &state);
        ck_assert(!state.ok && state.records_lost == 1);
        ck_assert(
            !post(s, TAPE_GAP, 1, taken + 1)); /* nothing until half is free; offering it again is no loss */
        store_get_state(s, &state);
        ck_assert_int_eq(state.records_lost, 1);
        sqlite3_close(other);
        fixture_await_ok(s, true);
        ck_assert(post(s, TAPE_GAP, 1, taken + 1));
        store_close(s);
        ck_assert_int_eq(fixture_number(db, "SELECT count(*) FROM input"), taken + 1);
        ck_assert_int_eq(fixture_number(db, "SELECT max(n) FROM input WHERE kind = 'events'"), taken);
}
END_TEST

static void on_event(void *ctx, const struct query_event *e)
{
        int64_t *sum_us = ctx;

        *sum_us += e->t_us - T0;
}

START_TEST(events_within_a_time)
{
        const char *db = fixture_path("a.db");
        struct store *s = fixture_open(db);
        int64_t sum_us = 0;
        char why[256];

        for (int64_t t = 0; t < 10; t++)
                fixture_post(s, fixture_event(0, T0 + t, "x"));
        store_close(s);
        struct query *q = query_open(db, why, sizeof why);
        ck_assert_int_eq(query_events_between(q, T0 + 3, T0 + 5, on_event, &sum_us), 0);
        ck_assert_int_eq(sum_us, 3 + 4 + 5);
        query_close(q);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("store inputs");
        TCase *tcase = tcase_create("store inputs");

        tcase_set_timeout(tcase, 120);
        tcase_add_checked_fixture(tcase, fixture_make, fixture_clean);
        tcase_add_test(tcase, pieces_come_back);
        tcase_add_test(tcase, the_row_that_ends_the_list_is_the_last);
        tcase_add_test(tcase, a_tape_begins_on_the_disk_at_once);
        tcase_add_test(tcase, a_piece_the_table_refuses_is_told_of);
        tcase_add_test(tcase, a_stalled_disk_holds_the_run_before_it_loses_a_piece);
        tcase_add_test(tcase, events_within_a_time);
        suite_add_tcase(suite, tcase);
        return suite_main(suite);
}
