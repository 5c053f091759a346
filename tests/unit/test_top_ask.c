/* The keys of `aldctl top`: nothing is sent that was not asked first, and nothing to a state that has changed meanwhile. */
#include "suite.h"
#include "top_rig.h" /* rig_* */

#include <string.h> /* strcmp, strstr */

static struct top_send sent;

static void begin(void)
{
        rig_begin(true);
        rig_update("{\"status\": {\"cycle\": 1}}");
}

static enum top_does press(int key)
{
        return top_ask_press(&rig_ask, &rig_model, key, &sent);
}

static const struct {
        char key, answer;
        const char *status; /* beside a run in its first cycle */
        const char *verb, *option;
        const char *says; /* in the title */
} ways[] = {{'h', 'y', "{}", "hold", NULL, "Hold run 1 (nb2o5-nmc532)?"},
    {'r', 'y', "{\"state\": \"Held\"}", "resume", NULL, "Resume run 1"},
    {'r', 'p', "{\"state\": \"Held\"}", "resume", "repeat", "Resume run 1"},
    {'r', 'o', "{\"state\": \"Held\"}", "resume", "skip", "Resume run 1"},
    {'s', 'y', "{}", "stop", "after_cycle", "At the end of this cycle, stop run 1"},
    {'S', 'y', "{}", "stop", NULL, "Stop run 1"}, {'a', 'y', "{}", "abort", NULL, "Abort run 1"},
    {'a', 'Y', "{\"state\": \"Idle\", \"in_run\": false}", "abort", NULL, "Abort?"},
    {'c', 'y', "{\"asks\": \"Is the lid closed?\"}", "confirm", NULL, "Answer yes"},
    {'k', 'y', "{\"alarms_unacknowledged\": 2}", "ack", NULL, "Acknowledge 2 alarms?"},
    {'R', 'y', "{\"state\": \"Aborted\", \"in_run\": false}", "reset", NULL, "Reset?"}};

static void set_status(const char *status)
{
        char update[512];

        (void)snprintf(update, sizeof update, "{\"status\": %s}", status);
        rig_update(update);
}

START_TEST(a_key_asks_and_yes_sends)
{
        set_status(ways[_i].status);
        ck_assert_int_eq(press(ways[_i].key), TOP_DOES_NOTHING);
        ck_assert_int_eq(rig_ask.over, TOP_OVER_QUESTION);
        ck_assert_msg(strstr(rig_ask.title, ways[_i].says) != NULL, "%s", rig_ask.title);
        ck_assert_int_gt(strlen(rig_ask.text), 10);
        ck_assert_int_eq(press(ways[_i].answer), TOP_DOES_SEND);
        ck_assert_str_eq(sent.verb, ways[_i].verb);
        if (ways[_i].option == NULL)
                ck_assert_ptr_null(sent.params);
        else
                ck_assert(json_is_true(json_object_get(sent.params, ways[_i].option)));
        ck_assert_int_eq(rig_ask.over, TOP_OVER_NOTHING);
        json_decref(sent.params);
}
END_TEST

START_TEST(only_yes_is_yes)
{
        static const int keys[] = {'\r', '\n', ' ', 'a', 'h', 'x', 'p', 'o', 'n', TOP_KEY_ESCAPE};

        for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
                ck_assert_int_eq(press('a'), TOP_DOES_NOTHING);
                ck_assert_int_eq(press(keys[i]), TOP_DOES_NOTHING);
                ck_assert_int_eq(rig_ask.over,
                    keys[i] == 'n' || keys[i] == TOP_KEY_ESCAPE ? TOP_OVER_NOTHING : TOP_OVER_QUESTION);
        }
        ck_assert_int_eq(press('y'), TOP_DOES_NOTHING); /* to nothing */
}
END_TEST

START_TEST(no_keeps_quiet)
{
        (void)press('h');
        ck_assert_int_eq(press('q'), TOP_DOES_NOTHING); /* leaves the question, not the program */
        ck_assert_int_eq(rig_ask.over, TOP_OVER_NOTHING);
        ck_assert_int_eq(press('q'), TOP_DOES_QUIT);
}
END_TEST

static const struct {
        char key;
        const char *status, *role, *says;
} useless[] = {{'r', "{}", "operator", "resume: not while Execute"},
    {'h', "{\"state\": \"Idle\"}", "operator", "hold: not while Idle"},
    {'c', "{}", "operator", "confirm: nothing is asked"},
    {'k', "{}", "engineer", "ack: no alarm waits for it"},
    {'s', "{\"cycle\": 0}", "operator", "after cycle: no cycle is under way"},
    {'h', "{}", "viewer", "hold: needs the role operator, yours is viewer"},
    {'h', "{\"state\": \"Dreaming\"}", "operator", "a state that this aldctl does not know"}};

START_TEST(a_key_of_no_use_says_why)
{
        char key;
        const char *word;

        rig_hello(useless[_i].role);
        set_status(useless[_i].status);
        ck_assert_int_eq(press(useless[_i].key), TOP_DOES_NOTHING);
        ck_assert_int_eq(rig_ask.over, TOP_OVER_NOTHING);
        ck_assert_msg(strstr(rig_ask.note, useless[_i].says) != NULL, "%s", rig_ask.note);
        ck_assert(rig_ask.is_note_bad);
        for (int i = 0; top_ask_hint(&rig_model, i, &key, &word); i++)
                ck_assert_int_ne(key, useless[_i].key); /* and is not offered */
}
END_TEST

START_TEST(without_a_daemon_nothing_is_asked)
{
        top_model_lost(&rig_model, "", rig_now_us);
        (void)press('a');
        ck_assert_int_eq(rig_ask.over, TOP_OVER_NOTHING);
        ck_assert_ptr_nonnull(strstr(rig_ask.note, "no connection"));
}
END_TEST

/* ---- What changes while somebody thinks ---- */

START_TEST(another_question_takes_the_answer_back)
{
        set_status("{\"asks\": \"Is the powder in?\"}");
        (void)press('c');
        ck_assert_ptr_nonnull(strstr(rig_ask.text, "Is the powder in?"));
        rig_pass(TIME_S);
        ck_assert_int_eq(rig_ask.over, TOP_OVER_QUESTION);
        set_status("{\"asks\": \"May the chamber be vented?\"}");
        rig_pass(1);
        ck_assert_int_eq(rig_ask.over, TOP_OVER_NOTHING);
        ck_assert_int_eq(press('y'), TOP_DOES_NOTHING);
}
END_TEST

START_TEST(another_state_takes_the_question_back)
{
        (void)press('h');
        set_status("{\"state\": \"Aborted\", \"in_run\": false}");
        rig_pass(1);
        ck_assert_int_eq(rig_ask.over, TOP_OVER_NOTHING);
        ck_assert_ptr_nonnull(strstr(rig_ask.note, "not while Aborted"));
}
END_TEST

START_TEST(another_run_takes_the_question_back)
{
        (void)press('S');
        set_status("{\"run\": 2}");
        rig_pass(1);
        ck_assert_int_eq(rig_ask.over, TOP_OVER_NOTHING);
}
END_TEST

/* Nobody acknowledges what came after the question; in a flood it could never be answered. */
START_TEST(another_alarm_takes_the_question_back)
{
        set_status("{\"alarms_unacknowledged\": 2}");
        (void)press('k');
        set_status("{\"alarms_unacknowledged\": 3}");
        rig_pass(1);
        ck_assert_int_eq(rig_ask.over, TOP_OVER_NOTHING);
        set_status("{\"is_flooded\": true}");
        (void)press('k');
        set_status("{\"alarms_unacknowledged\": 9}");
        rig_pass(1);
        ck_assert_int_eq(rig_ask.over, TOP_OVER_QUESTION);
}
END_TEST

START_TEST(a_lost_daemon_takes_the_question_back)
{
        (void)press('h');
        top_model_lost(&rig_model, "", rig_now_us);
        rig_pass(1);
        ck_assert_int_eq(rig_ask.over, TOP_OVER_NOTHING);
}
END_TEST

/* ---- Answers ---- */

START_TEST(a_refusal_stands_until_a_key)
{
        json_t *error =
            rig_read("{\"message\": \"over-pressure still stands\", \"data\": {\"hint\": \"wait\"}}");

        top_ask_answer(&rig_ask, &rig_model, "reset", NULL, error);
        json_decref(error);
        ck_assert_int_eq(rig_ask.over, TOP_OVER_REFUSAL);
        ck_assert_str_eq(rig_ask.title, "reset was refused");
        ck_assert_str_eq(rig_ask.text, "over-pressure still stands\nhint: wait");
        rig_pass(60 * TIME_S);
        ck_assert_int_eq(press('a'), TOP_DOES_NOTHING); /* goes back, and asks nothing */
        ck_assert_int_eq(rig_ask.over, TOP_OVER_NOTHING);
}
END_TEST

START_TEST(an_answer_is_a_note)
{
        json_t *result = rig_read("{\"text\": \"holding at the next safe point\"}");

        top_ask_answer(&rig_ask, &rig_model, "hold", result, NULL);
        json_decref(result);
        ck_assert_str_eq(rig_ask.note, "holding at the next safe point");
        ck_assert(!rig_ask.is_note_bad && rig_ask.note_until_us > rig_now_us);
}
END_TEST

START_TEST(help_tells_every_key)
{
        char key;
        const char *word, *row;

        set_status("{\"alarms_unacknowledged\": 1, \"asks\": \"?\", \"latches\": [{\"id\": \"x\"}]}");
        for (int i = 0; top_ask_hint(&rig_model, i, &key, &word); i++) {
                char first[] = {key, ' ', ' ', '\0'}, further[] = {' ', ' ', key, ' ', ' ', '\0'};
                bool is_told = false;

                for (int k = 0; (row = top_ask_help(k)) != NULL; k++)
                        is_told = is_told || strncmp(row, first, 3) == 0 || strstr(row, further) != NULL;
                ck_assert_msg(is_told, "%c", key);
        }
}
END_TEST

START_TEST(the_window_turns)
{
        ck_assert_int_eq(top_ask_window_s(&rig_ask), 300);
        (void)press('t');
        ck_assert_int_eq(top_ask_window_s(&rig_ask), 1800);
        (void)press('t');
        ck_assert_int_eq(top_ask_window_s(&rig_ask), 60);
}
END_TEST

int main(void)
{
        const TTest *const tests[] = {only_yes_is_yes, no_keeps_quiet, without_a_daemon_nothing_is_asked,
            another_question_takes_the_answer_back, another_state_takes_the_question_back,
            another_run_takes_the_question_back, another_alarm_takes_the_question_back,
            a_lost_daemon_takes_the_question_back, a_refusal_stands_until_a_key, an_answer_is_a_note,
            help_tells_every_key, the_window_turns};
        Suite *suite = suite_create("top_ask");
        TCase *tc = tcase_create("keys");

        tcase_add_checked_fixture(tc, begin, rig_end);
        tcase_add_loop_test(tc, a_key_asks_and_yes_sends, 0, sizeof ways / sizeof ways[0]);
        tcase_add_loop_test(tc, a_key_of_no_use_says_why, 0, sizeof useless / sizeof useless[0]);
        for (size_t i = 0; i < sizeof tests / sizeof tests[0]; i++)
                tcase_add_test(tc, tests[i]);
        suite_add_tcase(suite, tc);
        return suite_main(suite);
}
