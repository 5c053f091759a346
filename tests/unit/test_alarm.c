/* The alarm machine against a table written apart from it, the list against a simple model, and what people may do. */
#include "ald/core/alarm.h"

#include "ald/base/time.h" /* TIME_S */
#include "unit/suite.h"

#include <stdio.h> /* fopen */

static struct tool tool;
static struct alarms list;
static int64_t now_us;

static struct alarm *one(void)
{
        return &list.item[0];
}

static void set_up(void)
{
        static const struct tool none;

        tool = none;
        tool.alarm_count = 1;
        tool.alarms[0] = (struct tool_alarm){.id = "one", .priority = TOOL_PRIORITY_LOW, .guidance = "Look."};
        alarm_init(&list, &tool);
        now_us = 1000 * TIME_S;
}

static unsigned feed_at(int which, bool is_true)
{
        return alarm_feed(&list, which, is_true, false, now_us, now_us);
}

static unsigned feed(bool is_true)
{
        return feed_at(0, is_true);
}

#define STATE(a) alarm_state_name((enum alarm_state)(a)->state)

/* ---- the table ---- */

static int state_named(const char *name)
{
        for (int s = 0; s < ALARM_STATE_COUNT; s++)
                if (strcmp(alarm_state_name((enum alarm_state)s), name) == 0)
                        return s;
        ck_abort_msg("tests/table/alarms.txt: no state '%s'", name);
        return -1;
}

START_TEST(every_state_meets_every_event)
{
        static const char *const columns[ALARM_EVENT_COUNT] = {
            "comes", "goes", "latches", "ack", "reset", "shelve", "unshelve", "suppress", "unsuppress"};
        FILE *from = fopen("tests/table/alarms.txt", "r");
        char line[400];
        int rows = 0;

        ck_assert_ptr_nonnull(from);
        while (fgets(line, sizeof line, from) != NULL) {
                const char *word = strtok(line, " \n");
                bool is_head = word != NULL && strcmp(word, "state") == 0;
                int state;

                if (word == NULL || word[0] == '#')
                        continue;
                state = is_head ? 0 : state_named(word);
                rows += !is_head;
                for (int e = 0; e < ALARM_EVENT_COUNT; e++) {
                        word = strtok(NULL, " \n");
                        ck_assert_ptr_nonnull(word);
                        if (is_head)
                                ck_assert_str_eq(word, columns[e]);
                        else
                                ck_assert_msg((int)alarm_next((enum alarm_state)state, (enum alarm_event)e) ==
                                                  (word[0] == '.' ? state : state_named(word)),
                                    "%s, %s: not %s", alarm_state_name((enum alarm_state)state), columns[e],
                                    word);
                }
                ck_assert_ptr_null(strtok(NULL, " \n"));
        }
        fclose(from);
        ck_assert_int_eq(rows, ALARM_STATE_COUNT);
}
END_TEST

/* ---- random walks against facts instead of states ---- */

struct model {
        bool is_true, stands, unseen, kept, shelved, suppressed, stood;
};

static const char *model_state(const struct model *m)
{
        if (m->shelved)
                return "shelved";
        if (m->suppressed)
                return "suppressed";
        if (m->stands)
                return m->unseen ? "unacknowledged" : "acknowledged";
        if (m->kept)
                return m->unseen ? "latched-unacknowledged" : "latched";
        return m->unseen ? "returned-unacknowledged" : "normal";
}

static void model_turn(struct model *m, bool is_suppressed, bool latches)
{
        if (m->shelved) {
                m->stood = m->stood || (m->is_true && !is_suppressed);
                return;
        }
        m->suppressed = is_suppressed && (m->stands || (!m->unseen && !m->kept));
        if (is_suppressed) {
                if (m->suppressed)
                        m->stands = m->unseen = m->kept = false;
                return;
        }
        if (m->is_true && !m->stands) {
                m->stands = m->unseen = true;
                m->kept = false;
        } else if (!m->is_true && m->stands) {
                m->stands = false;
                m->kept = latches;
        }
}

static void model_do(struct model *m, int what, bool is_suppressed, bool latches)
{
        bool is_kept = m->kept && !m->stands;

        if (what == 0 && !m->shelved && !m->suppressed)
                m->unseen = false;
        if (what == 1 && is_kept)
                m->kept = false;
        if (what == 2 && !is_kept && !m->shelved)
                *m = (struct model){.is_true = m->is_true, .shelved = true, .stood = m->stands};
        if (what == 3 && m->shelved) {
                bool comes = (m->is_true && !is_suppressed) || (latches && m->stood);
                *m = (struct model){.is_true = m->is_true, .stands = comes, .unseen = comes};
                if (comes && (!m->is_true || is_suppressed)) {
                        m->stands = false;
                        m->kept = latches;
                }
        }
}

static void do_it(int what)
{
        if (what == 0)
                alarm_ack(&list, 0);
        if (what == 1)
                alarm_reset(&list, 0);
        if (what == 2 && one()->state != ALARM_SHELVED)
                alarm_shelve(&list, 0, TIME_H, "ann", "noisy", now_us, now_us);
        if (what == 3)
                alarm_unshelve(&list, 0, now_us, now_us);
}

/* Turns are 31 s apart: nothing chatters. */
START_TEST(random_walks_agree_with_a_model)
{
        uint64_t random = (uint64_t)_i * 7919 + 1;
        struct model m = {false};
        bool latches = _i % 2 == 1, is_suppressed = false;

        tool.alarms[0].is_latching = latches;
        alarm_init(&list, &tool);
        for (int n = 0; n < 20000; n++) {
                random = random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
                now_us += 31 * TIME_S;
                m.is_true = (random >> 33) % 3 == 0 ? !m.is_true : m.is_true;
                is_suppressed = (random >> 40) % 8 == 0 ? !is_suppressed : is_suppressed;
                model_turn(&m, is_suppressed, latches);
                alarm_feed(&list, 0, m.is_true, is_suppressed, now_us, now_us);
                ck_assert_msg(strcmp(STATE(one()), model_state(&m)) == 0,
                    "seed %d, turn %d: %s, the model says %s", _i, n, STATE(one()), model_state(&m));
                model_do(&m, (int)((random >> 50) % 6), is_suppressed, latches);
                do_it((int)((random >> 50) % 6));
                ck_assert_msg(strcmp(STATE(one()), model_state(&m)) == 0,
                    "seed %d, turn %d, deed %d: %s, the model says %s", _i, n, (int)((random >> 50) % 6),
                    STATE(one()), model_state(&m));
        }
}
END_TEST

/* ---- delays ---- */

START_TEST(delays_run_from_the_change_and_begin_anew)
{
        one()->on_us = 5 * TIME_S;
        one()->off_us = 3 * TIME_S;
        ck_assert_uint_eq(feed(true), 0);
        now_us += 4 * TIME_S;
        ck_assert_uint_eq(feed(false), 0);
        ck_assert_uint_eq(feed(true), 0);
        now_us += 5 * TIME_S - 1;
        ck_assert_uint_eq(feed(true), 0);
        now_us += 1;
        ck_assert_uint_eq(feed(true), ALARM_NEWS_CAME);
        ck_assert_int_eq(one()->came_us, now_us);
        feed(false);
        now_us += 2 * TIME_S;
        feed(true);
        feed(false);
        now_us += 3 * TIME_S - 1;
        ck_assert_uint_eq(feed(false), 0);
        now_us += 1;
        ck_assert_uint_eq(feed(false), ALARM_NEWS_WENT);
        ck_assert_str_eq(STATE(one()), "returned-unacknowledged");
}
END_TEST

/* ---- chatter ---- */

START_TEST(what_chatters_stands_until_it_is_quiet)
{
        for (int i = 0; i < ALARM_CHATTER_COMINGS; i++) {
                ck_assert_uint_eq(feed(true), ALARM_NEWS_CAME);
                ck_assert_uint_eq(feed(false), ALARM_NEWS_WENT);
                now_us += 10 * TIME_S;
        }
        ck_assert_uint_eq(feed(true), ALARM_NEWS_CAME | ALARM_NEWS_CHATTERS);
        ck_assert(one()->is_chattering);
        /* It goes on: not a word of it, and what was acknowledged stays so. */
        alarm_ack(&list, 0);
        for (int i = 0; i < 500; i++) {
                now_us += 7 * TIME_S;
                ck_assert_uint_eq(feed(i % 2 == 1), 0);
        }
        ck_assert_str_eq(STATE(one()), "acknowledged");
        feed(false);
        now_us += ALARM_QUIET_US - 1;
        ck_assert_uint_eq(feed(false), 0);
        now_us += 1;
        ck_assert_uint_eq(feed(false), ALARM_NEWS_WENT | ALARM_NEWS_CALM);
        ck_assert_str_eq(STATE(one()), "normal");
}
END_TEST

START_TEST(as_many_as_allowed_within_a_minute_do_not_chatter)
{
        for (int i = 0; i < 50; i++) {
                ck_assert_uint_eq(feed(true) & ALARM_NEWS_CHATTERS, 0);
                feed(false);
                now_us += ALARM_CHATTER_US / ALARM_CHATTER_COMINGS;
        }
}
END_TEST

/* ---- floods ---- */

static void raise_own(int n, enum tool_priority priority)
{
        char id[16];
        int which;

        snprintf(id, sizeof id, "own-%d", n);
        which = alarm_make_own(&list, id);
        ck_assert_int_ge(which, 0);
        list.item[which].priority = (uint8_t)priority;
        feed_at(which, true);
}

START_TEST(a_flood_counts_what_is_of_low_priority)
{
        int64_t untold = -1;

        for (int i = 0; i < ALARM_FLOOD_COMINGS; i++) {
                raise_own(i, TOOL_PRIORITY_HIGH);
                now_us += 10 * TIME_S;
        }
        ck_assert(!list.is_flooded);
        ck_assert_uint_eq(
            feed(true), ALARM_NEWS_CAME | ALARM_NEWS_FLOOD); /* the eleventh is told once more */
        ck_assert(list.is_flooded);
        feed(false);
        ck_assert_uint_eq(feed(true), ALARM_NEWS_CAME | ALARM_NEWS_UNTOLD);
        ck_assert_uint_eq(feed(false), ALARM_NEWS_WENT | ALARM_NEWS_UNTOLD);
        raise_own(90, TOOL_PRIORITY_MEDIUM);
        ck_assert(!alarm_flood_ended(&list, now_us, &untold));
        now_us += ALARM_FLOOD_US - 1;
        ck_assert(!alarm_flood_ended(&list, now_us - 20 * TIME_S, &untold));
        now_us += 1;
        ck_assert(alarm_flood_ended(&list, now_us, &untold));
        ck_assert_int_eq(untold, 1);
        ck_assert(!list.is_flooded);
        ck_assert(!alarm_flood_ended(&list, now_us, &untold)); /* told once */
}
END_TEST

START_TEST(ten_alarms_in_ten_minutes_are_no_flood)
{
        for (int i = 0; i < 60; i++) {
                raise_own(i, TOOL_PRIORITY_HIGH);
                now_us += ALARM_FLOOD_US / ALARM_FLOOD_COMINGS;
        }
        ck_assert(!list.is_flooded);
}
END_TEST

/* ---- the shelf ---- */

START_TEST(what_stands_comes_back_from_the_shelf_at_expiry)
{
        feed(true);
        ck_assert(alarm_shelve(&list, 0, TIME_H, "ann", "noisy", now_us, now_us));
        ck_assert_int_eq(list.shelved, 1);
        ck_assert_str_eq(STATE(one()), "shelved");
        now_us += TIME_H - 1;
        ck_assert_int_eq(alarm_find_expired(&list, now_us), -1);
        now_us += 1;
        ck_assert_int_eq(alarm_find_expired(&list, now_us), 0);
        ck_assert_uint_eq(alarm_unshelve(&list, 0, now_us, now_us), ALARM_NEWS_CAME);
        ck_assert_str_eq(STATE(one()), "unacknowledged");
        ck_assert_int_eq(list.shelved, 0);
        ck_assert_int_eq(alarm_find_expired(&list, now_us), -1);
}
END_TEST

START_TEST(what_is_gone_comes_back_normal)
{
        feed(true);
        alarm_shelve(&list, 0, TIME_H, "ann", "noisy", now_us, now_us);
        ck_assert_uint_eq(feed(false), 0);
        ck_assert_uint_eq(alarm_unshelve(&list, 0, now_us, now_us), 0);
        ck_assert_str_eq(STATE(one()), "normal");
}
END_TEST

START_TEST(a_longer_shelving_replaces_the_first)
{
        alarm_shelve(&list, 0, TIME_MIN, "ann", "noisy", now_us, now_us);
        ck_assert(alarm_shelve(&list, 0, TIME_H, "bob", "still", now_us, now_us));
        ck_assert_int_eq(list.shelved, 1);
        ck_assert_int_eq(alarm_find_expired(&list, now_us + TIME_MIN), -1);
        ck_assert_str_eq(one()->shelved_by, "bob");
}
END_TEST

START_TEST(a_trip_is_not_shelved)
{
        one()->is_trip = true;
        feed(true);
        ck_assert(!alarm_shelve(&list, 0, TIME_H, "ann", "noisy", now_us, now_us));
        ck_assert_str_eq(STATE(one()), "unacknowledged");
        ck_assert_int_eq(list.shelved, 0);
}
END_TEST

/* ---- the list ---- */

START_TEST(the_list_is_bounded_and_gives_places_of_normal_alarms_away)
{
        char id[16];

        for (int i = 0; i < ALARM_OWN_MAX; i++)
                raise_own(i, TOOL_PRIORITY_HIGH);
        ck_assert_int_eq(alarm_make_own(&list, "one-more"), -1);
        ck_assert_int_eq(alarm_make_own(&list, "own-3"), 4); /* known ones are found */
        feed_at(4, false);
        ck_assert_int_eq(alarm_make_own(&list, "one-more"), -1); /* gone, but nobody has seen it */
        alarm_ack(&list, 4);
        ck_assert_int_eq(alarm_make_own(&list, "one-more"), 4);
        ck_assert_int_eq(alarm_find(&list, "own-3"), -1);
        snprintf(id, sizeof id, "one");
        ck_assert_int_eq(alarm_find(&list, id), 0);
        ck_assert_int_eq(alarm_find_own(&list, id), -1); /* the tool file's are not the core's */
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("alarm");
        TCase *tc = tcase_create("alarm");

        tcase_add_checked_fixture(tc, set_up, NULL);
        tcase_add_test(tc, every_state_meets_every_event);
        tcase_add_loop_test(tc, random_walks_agree_with_a_model, 0, 20);
        tcase_add_test(tc, delays_run_from_the_change_and_begin_anew);
        tcase_add_test(tc, what_chatters_stands_until_it_is_quiet);
        tcase_add_test(tc, as_many_as_allowed_within_a_minute_do_not_chatter);
        tcase_add_test(tc, a_flood_counts_what_is_of_low_priority);
        tcase_add_test(tc, ten_alarms_in_ten_minutes_are_no_flood);
        tcase_add_test(tc, what_stands_comes_back_from_the_shelf_at_expiry);
        tcase_add_test(tc, what_is_gone_comes_back_normal);
        tcase_add_test(tc, a_longer_shelving_replaces_the_first);
        tcase_add_test(tc, a_trip_is_not_shelved);
        tcase_add_test(tc, the_list_is_bounded_and_gives_places_of_normal_alarms_away);
        suite_add_tcase(suite, tc);
        return suite_main(suite);
}
