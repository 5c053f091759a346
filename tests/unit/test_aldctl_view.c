/* How a status reads in one line, and the small helpers of aldctl's screen. */
#include "suite.h"

#include "ald/app/aldctl_show.h"
#include "ald/app/aldctl_view.h"
#include "ald/base/text.h"

#include <check.h>  /* START_TEST */
#include <stdlib.h> /* setenv */
#include <string.h> /* strcmp */

#define COMMON "\"run\":3,\"recipe\":\"nb2o5\","

static const struct {
        const char *status, *line;
} lines[] = {
    {"{\"state\":\"Idle\",\"in_run\":false,\"run\":null}", "Idle"},
    {"{\"state\":\"Execute\",\"in_run\":true," COMMON
     "\"phase\":\"prepare\",\"step\":\"wait until settled\",\"waiting\":\"nb.temperature 104.2 of 110 degC\","
     "\"cycle\":0,\"cycles\":30,\"left_s\":1233.0,\"step_left_s\":null,\"is_heating\":true}",
        "Execute, prepare: waiting for nb.temperature 104.2 of 110 degC; 20 min 33 s left, heating apart"},
    {"{\"state\":\"Execute\",\"in_run\":true," COMMON
     "\"phase\":\"coat\",\"step\":\"purge 20 s\",\"waiting\":\"\",\"cycle\":3,\"cycles\":30,\"left_s\":740.2,"
     "\"step_left_s\":12.3,\"is_heating\":false,\"is_bounded\":false}",
        "Execute, coat: cycle 3 of 30, purge 20 s, 12 s of it left; 12 min 20 s left, waits apart"},
    {"{\"state\":\"Execute\",\"in_run\":true," COMMON "\"phase\":\"coat\",\"step\":\"pulse water 100 "
     "ms\",\"waiting\":\"\",\"cycle\":30,\"cycles\":30,\"left_s\":20.1,"
     "\"step_left_s\":0.1,\"is_heating\":false,\"is_bounded\":true}",
        "Execute, coat: cycle 30 of 30, pulse water 100 ms; 20 s left"},
    {"{\"state\":\"Execute\",\"in_run\":true," COMMON
     "\"phase\":\"coat\",\"step\":\"purge 20 s\",\"waiting\":\"\",\"cycle\":3,\"cycles\":30,\"left_s\":740.2,"
     "\"step_left_s\":12.3,\"is_bounded\":false,\"heating_left_s\":1140,\"open_in_s\":3000,\"open_waits\":"
     "\"x\"}",
        "Execute, coat: cycle 3 of 30, purge 20 s, 12 s of it left; 12 min 20 s left, about 19 min of waits "
        "apart"},
    {"{\"state\":\"Execute\",\"in_run\":true," COMMON
     "\"phase\":\"finish\",\"waiting\":\"nb.temperature 61 degC, wants < 60 degC\",\"left_s\":60,"
     "\"step_left_s\":null,\"is_heating\":true,\"heating_left_s\":55,\"open_in_s\":8100,\"open_waits\":"
     "\"x\"}",
        "Execute, finish: waiting for nb.temperature 61 degC, wants < 60 degC; 1 min 00 s left, about 55 s "
        "of "
        "heating "
        "apart; may be opened in about 2 h 15 min"},
    {"{\"state\":\"Complete\",\"in_run\":false," COMMON "\"open_in_s\":600,\"open_waits\":\"x\"}",
        "Complete: run 3 nb2o5; may be opened in about 10 min"},
    {"{\"state\":\"Idle\",\"in_run\":false,\"heating_left_s\":0,\"open_in_s\":0,\"open_waits\":\"\"}",
        "Idle; may be opened"},
    {"{\"state\":\"Idle\",\"in_run\":false,\"open_in_s\":null,\"open_waits\":\"x\"}", "Idle"},
    {"{\"state\":\"Held\",\"in_run\":true," COMMON
     "\"phase\":\"coat\",\"step\":\"purge 20 s\",\"reason\":\"held by olga\",\"cycle\":3,\"cycles\":30}",
        "Held, coat: held by olga; cycle 3 of 30, purge 20 s"},
    {"{\"state\":\"Aborted\",\"in_run\":false," COMMON "\"reason\":\"over-pressure tripped\"}",
        "Aborted: over-pressure tripped, run 3 nb2o5"},
    {"{\"state\":\"Complete\",\"in_run\":false," COMMON "\"reason\":\"\"}", "Complete: run 3 nb2o5"},
    {"{\"state\":\"Idle\",\"alarms_shown\":2,\"alarms_unacknowledged\":1,\"alarms_shelved\":3,\"is_flooded\":"
     "true}",
        "Idle (2 alarms, 1 unacknowledged, 3 shelved, a flood)"},
    {"{\"state\":\"Idle\",\"alarms_shown\":1,\"alarms_unacknowledged\":0,\"alarms_shelved\":0,\"is_flooded\":"
     "false}",
        "Idle (1 alarm)"},
    {"{\"state\":\"Idle\",\"alarms_shown\":0,\"alarms_shelved\":1}", "Idle (0 alarms, 1 shelved)"},
    {"{\"state\":\"Execute\",\"in_run\":true," COMMON "\"phase\":\"vent\",\"step\":\"confirm: Closed?\","
     "\"waiting\":\"an operator's confirm: Closed?\",\"asks\":\"Closed?\",\"left_s\":5,\"is_vented\":true}",
        "Execute [asks: `aldctl confirm`, vented], vent: Closed?"},
    {"{\"state\":\"Execute\",\"in_run\":true," COMMON
     "\"phase\":\"coat\",\"step\":\"wait 6 s\",\"left_s\":9,\"is_bounded\":true,\"is_exposing\":true,"
     "\"is_stopping_after_cycle\":true,\"bypasses\":[{}]}",
        "Execute [exposing, stops after this cycle, 1 bypassed], coat: wait 6 s; 9 s left"},
    {"{\"state\":\"Execute\",\"in_run\":true," COMMON
     "\"phase\":\"pump\",\"waiting\":\"lid.closed off\",\"left_s\":0,\"is_bounded\":false}",
        "Execute, pump: waiting for lid.closed off"}, /* no time left is known */
    {"{\"state\":\"Suspended\",\"in_run\":true," COMMON
     "\"phase\":\"coat\",\"step\":\"wait 6 s\",\"reason\":\"gas: low\",\"waiting\":\"gas: low\"}",
        "Suspended, coat: gas: low, wait 6 s"},
    {"{}", ""}, /* a daemon that says nothing is no reason to fall over */
    {"{\"state\":7,\"phase\":[],\"left_s\":\"x\",\"in_run\":true}", ""},
};

START_TEST(a_status_reads_in_one_line)
{
        char buf[1024];
        struct text t;
        json_t *status = json_loads(lines[_i].status, 0, NULL);

        ck_assert_ptr_nonnull(status);
        text_init(&t, buf, sizeof buf);
        view_add_line(&t, status);
        ck_assert_str_eq(buf, lines[_i].line);
        json_decref(status);
}
END_TEST

static void key_of(const char *status, char *buf, size_t cap)
{
        struct text t;
        json_t *s = json_loads(status, 0, NULL);

        text_init(&t, buf, cap);
        view_add_key(&t, s);
        json_decref(s);
}

START_TEST(counting_down_is_no_news)
{
#define PURGE(left, cycle)                                                                                   \
        "{\"state\":\"Execute\",\"in_run\":true,\"phase\":\"coat\",\"step\":\"purge 20 "                     \
        "s\",\"step_left_s\":" left ",\"left_s\":" left ",\"cycle\":" cycle ",\"cycles\":30}"
        char a[512], b[512], c[512];

        key_of(PURGE("19.0", "3"), a, sizeof a);
        key_of(PURGE("12.0", "3"), b, sizeof b);
        key_of(PURGE("12.0", "4"), c, sizeof c);
        ck_assert_str_eq(a, b);
        ck_assert_str_ne(b, c);
}
END_TEST

START_TEST(updates_fold_in)
{
        json_t *full = json_loads("{\"status\":{\"state\":\"Idle\",\"cycle\":1},"
                                  "\"tags\":{\"p\":{\"value\":1.0,\"quality\":\"Good\"}}}",
            0, NULL);
        json_t *update = json_loads(
            "{\"status\":{\"cycle\":2},\"tags\":{\"p\":{\"value\":2.5},\"unknown\":{\"value\":1}}}", 0, NULL);
        struct view v;

        view_begin(&v, full);
        view_fold(&v, update);
        ck_assert_str_eq(show_get_text(v.status, "state"), "Idle");
        ck_assert_double_eq(show_get_number(v.status, "cycle", 0), 2);
        ck_assert_double_eq(show_get_number(json_object_get(v.tags, "p"), "value", 0), 2.5);
        ck_assert_str_eq(show_get_text(json_object_get(v.tags, "p"), "quality"), "Good");
        /* The answer itself stays as it was. */
        ck_assert_double_eq(show_get_number(json_object_get(full, "status"), "cycle", 0), 1);
        view_end(&v);
        json_decref(full);
        json_decref(update);
}
END_TEST

START_TEST(events_are_lines_in_local_time)
{
        char buf[256];
        struct text t;
        json_t *e = json_loads(
            "{\"time\":\"2026-11-21T10:15:30.5Z\",\"severity\":\"trip\",\"source\":\"over-pressure\","
            "\"text\":\"5.2 Torr\"}",
            0, NULL);

        ck_assert_int_eq(setenv("TZ", "UTC-2", 1), 0);
        text_init(&t, buf, sizeof buf);
        view_add_event(&t, e);
        ck_assert_str_eq(buf, "12:15:30 trip over-pressure: 5.2 Torr");
        json_decref(e);
}
END_TEST

START_TEST(times_are_read)
{
        ck_assert_int_eq(show_parse_time("1970-01-01T00:00:01.250000Z"), 1250000);
        ck_assert_int_eq(show_parse_time("1970-01-02T00:00:00Z"), INT64_C(86400000000));
        ck_assert_int_eq(show_parse_time("yesterday"), -1);
        ck_assert_int_eq(show_parse_time("1970-01-01T00:00:01+01:00"), -1);
}
END_TEST

START_TEST(durations_have_no_idle_digits)
{
        static const struct {
                double s;
                const char *text;
        } cases[] = {{0, "0 s"}, {0.04, "0 s"}, {8.53, "8.5 s"}, {12.3, "12 s"}, {59.96, "1 min 00 s"},
            {740.2, "12 min 20 s"}, {7500, "2 h 05 min"}, {-1, "?"}};

        for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
                char buf[64];
                struct text t;
                text_init(&t, buf, sizeof buf);
                show_add_seconds(&t, cases[i].s);
                ck_assert_str_eq(buf, cases[i].text);
        }
}
END_TEST

START_TEST(a_row_is_cut_between_letters)
{
        ck_assert_uint_eq(show_fit("abcdef", 3), 3);
        ck_assert_uint_eq(show_fit("abc", 10), 3);
        ck_assert_uint_eq(show_fit("a\xc2\xb0"
                                   "b",
                              2),
            3);
        ck_assert_uint_eq(show_fit("abc", 0), 0);
}
END_TEST

START_TEST(control_characters_do_not_reach_the_screen)
{
        char *out = NULL;
        size_t len = 0;
        FILE *f = open_memstream(&out, &len);

        show_text(f, "a\033[2Jb\nc\x7f", false);
        show_text(f, "|d\ne", true);
        fclose(f);
        ck_assert_str_eq(out, "a?[2Jb?c?|d\ne");
        free(out);
}
END_TEST

static const struct {
        const char *status, *concerns;
} concerns[] = {
    {"{\"state\":\"Execute\",\"asks\":\"Closed?\",\"expires_s\":599.2,\"expires_then\":\"stop\",\"store_ok\":"
     "true}",
        "  asks        Closed?\n              yes: `aldctl confirm` (else stop in 9 min 59 s)\n"},
    {"{\"state\":\"Held\",\"expires_s\":8.5,\"expires_then\":\"abort\",\"store_ok\":true}",
        "  held        `aldctl resume` goes on, `aldctl stop` ends the run (else abort in 8.5 s)\n"},
    {"{\"state\":\"Suspended\",\"expires_s\":null,\"store_ok\":true}",
        "  suspended   goes on by itself once the cause is gone; `aldctl stop` ends the run\n"},
    {"{\"state\":\"Complete\",\"is_vented\":true,\"store_ok\":true}",
        "  vented      no precursor opens and trips with `arm` are off until the next pump_down\n"},
    {"{\"state\":\"Aborted\",\"store_ok\":true,\"latches\":[{\"id\":\"hot\",\"text\":\"hot: trips on t > 1 "
     "K\",\"is_active\":true,\"guidance\":\"Cool it.\",\"time\":\"1970-01-01T00:00:01Z\"}]}",
        "  tripped     02:00:01 hot: trips on t > 1 K (still so)\n              Cool it.\n"
        "  aborted     look at the tool, then `aldctl reset`\n"},
};

START_TEST(what_a_person_may_do_is_said)
{
        json_t *status = json_loads(concerns[_i].status, 0, NULL);
        char *out = NULL;
        size_t len = 0;
        FILE *f = open_memstream(&out, &len);

        ck_assert_int_eq(setenv("TZ", "UTC-2", 1), 0);
        ck_assert_ptr_nonnull(status);
        view_print_concerns(f, status);
        fclose(f);
        ck_assert_str_eq(out, concerns[_i].concerns);
        free(out);
        json_decref(status);
}
END_TEST

START_TEST(rows_break_between_words)
{
        ck_assert_uint_eq(view_row("Execute: purge 20 s; 12 s left", 80), 30);
        ck_assert_uint_eq(
            view_row("Execute: purge 20 s; 12 s left", 25), 19); /* the time left stays together */
        ck_assert_uint_eq(view_row("Held: by a person who came", 14), 10);
        ck_assert_uint_eq(view_row("Unbreakable", 5), 5);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("aldctl_view");
        TCase *tc = tcase_create("lines");

        tcase_add_loop_test(tc, a_status_reads_in_one_line, 0, sizeof lines / sizeof lines[0]);
        tcase_add_loop_test(tc, what_a_person_may_do_is_said, 0, sizeof concerns / sizeof concerns[0]);
        tcase_add_test(tc, rows_break_between_words);
        tcase_add_test(tc, counting_down_is_no_news);
        tcase_add_test(tc, updates_fold_in);
        tcase_add_test(tc, events_are_lines_in_local_time);
        tcase_add_test(tc, times_are_read);
        tcase_add_test(tc, durations_have_no_idle_digits);
        tcase_add_test(tc, a_row_is_cut_between_letters);
        tcase_add_test(tc, control_characters_do_not_reach_the_screen);
        suite_add_tcase(suite, tc);
        return suite_main(suite);
}
