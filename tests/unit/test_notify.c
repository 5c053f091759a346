/* Which records become notifications, for whom, in which words; and what a queue leaves out. The processes are tested with real
 * ones (tests/system/test_notify.py). */
#include "scenario.h"
#include "suite.h"

#include "ald/app/notify_note.h"
#include "ald/app/notify_queue.h"

#include <jansson.h> /* json_loads */

enum { NOTES_MAX = 64 };
static struct notify_note notes[NOTES_MAX];
static int count;
static struct scenario *s;

static void collect(struct scenario *of, const struct record *r)
{
        if (count < NOTES_MAX && notify_note_of_record(&notes[count], of->tool, virtual_core(of->v), r))
                count++;
}

/* The first hook wants everything, the second grave alarms and completed runs. */
static void set_up(void)
{
        const struct scenario_edit edit = {"\n# The simulated twin",
            "\nnotify:\n"
            "  - {on: [complete, held, suspended, stopped, aborted, tripped, alarm, question, daemon],\n"
            "     run: /bin/all, priority: low}\n"
            "  - {on: [alarm, complete], run: /bin/grave, priority: critical}\n"
            "# The simulated twin"};

        s = scenario_new_with(scenario_edited_tool(&edit, 1), 0);
        s->on_record = collect;
        count = 0;
        scenario_await(s, MACHINE_STOPPED, TIME_MIN);
        scenario_run(s, 10 * TIME_S);
        ck_assert_int_eq(count, 0);
}

static void tear_down(void)
{
        scenario_free(s);
}

/* Exactly these since the last call, in order: "held aborted". */
static void told(const char *names)
{
        char all[512];
        struct text t;

        text_init(&t, all, sizeof all);
        for (int i = 0; i < count; i++)
                text_add(&t, "%s%s", i > 0 ? " " : "", notify_note_name(notes[i].what));
        ck_assert_str_eq(all, names);
        count = 0;
}

static void force(const char *tag, double value)
{
        int number = scenario_tag(s, tag);

        s->force[number].is_on = !isnan(value);
        s->force[number].value = value;
        s->force[number].per_s = 1e-3; /* a value that stands still would be frozen */
        s->force[number].from_us = virtual_now(s->v);
}

static void force_bit(const char *tag, double value)
{
        force(tag, value);
        s->force[scenario_tag(s, tag)].per_s = 0;
}

START_TEST(a_run_that_is_held_and_then_completes)
{
        s->tool->hooks[0].priority = TOOL_PRIORITY_CRITICAL; /* a pulse in a hold brings an alarm */
        scenario_start(s, "1", "20 s");
        scenario_await_open(s, "nb.valve", 1);
        told("");
        ck_assert_int_eq(scenario_do(s, VERB_HOLD), 0);
        scenario_await(s, MACHINE_HELD, TIME_MIN);
        ck_assert_str_eq(notes[0].state, "Held");
        ck_assert_str_eq(notes[0].recipe, "nb2o5-nmc532");
        ck_assert_str_eq(notes[0].user, "ann");
        ck_assert_int_eq(notes[0].run, 1);
        ck_assert_int_eq(notes[0].cycle, 1);
        ck_assert_int_eq(notes[0].cycles, 1);
        ck_assert_int_eq(notes[0].priority, TOOL_PRIORITY_HIGH);
        ck_assert_uint_eq(notes[0].hooks, 1);
        ck_assert_ptr_nonnull(strstr(notes[0].reason, "ann"));
        told("held");
        ck_assert_int_eq(scenario_do(s, VERB_RESUME), 0);
        scenario_await(s, MACHINE_COMPLETE, 2 * TIME_H);
        told("complete");
        ck_assert_uint_eq(notes[0].hooks, 3);
        ck_assert_str_eq(notes[0].text, "run 1 is complete");
}
END_TEST

START_TEST(a_run_that_is_stopped)
{
        scenario_start(s, "1", "20 s");
        scenario_await(s, MACHINE_EXECUTE, TIME_MIN);
        ck_assert_int_eq(scenario_do(s, VERB_STOP), 0);
        scenario_await(s, MACHINE_STOPPED, TIME_H);
        told("stopped");
}
END_TEST

START_TEST(a_trip_and_the_abort_that_follows)
{
        scenario_start(s, "1", "20 s");
        scenario_await_open(s, "nb.valve", 1);
        force_bit("emo.ok", 0);
        scenario_await(s, MACHINE_ABORTED, TIME_MIN);
        ck_assert_str_eq(notes[0].source, "emergency-stop");
        ck_assert_str_ne(notes[0].guidance, "");
        ck_assert_int_eq(notes[0].priority, TOOL_PRIORITY_CRITICAL);
        ck_assert_str_eq(notes[1].state, "Aborted");
        ck_assert_ptr_nonnull(strstr(notes[1].reason, "emo.ok"));
        told("tripped aborted");
}
END_TEST

/* Outside of a run a trip is told, and no run is. */
START_TEST(a_trip_outside_of_a_run)
{
        force_bit("emo.ok", 0);
        scenario_await(s, MACHINE_ABORTED, TIME_MIN);
        ck_assert_int_eq(notes[0].run, 0);
        told("tripped");
}
END_TEST

static void shelve(const char *id)
{
        struct command c = {.reply = 7,
            .verb = VERB_SHELVE,
            .role = TOOL_ROLE_OPERATOR,
            .uid = 1000,
            .user = "ann",
            .tag = TOOL_NONE,
            .for_us = TIME_H,
            .reason = "known"};

        text_copy(c.name, sizeof c.name, id);
        virtual_command(s->v, &c);
        ck_assert_msg(s->reply.code == 0, "%s", s->reply.text);
}

START_TEST(an_alarm_that_comes)
{
        force("chamber.pressure", 4.5);
        scenario_run(s, 10 * TIME_S);
        ck_assert_str_eq(notes[0].source, "pressure-high");
        ck_assert_int_eq(notes[0].priority, TOOL_PRIORITY_HIGH);
        ck_assert_uint_eq(notes[0].hooks, 1); /* it is not critical */
        ck_assert_ptr_nonnull(strstr(notes[0].text, "4.5"));
        ck_assert_ptr_nonnull(strstr(notes[0].guidance, "filter"));
        told("alarm");
        /* Neither its shelving nor its going is news. */
        shelve("pressure-high");
        ck_assert(scenario_has_event(s, "alarm", "pressure-high"));
        force("chamber.pressure", 1);
        scenario_run(s, 10 * TIME_S);
        told("");
}
END_TEST

START_TEST(a_question)
{
        s->recipe = support_recipe_text(s->tool,
            "format: 1\nrecipe: asks\ntitle: It asks\ntool: rotary-ald\nphases:\n  one:\n"
            "    - confirm: Is the powder in?\n      timeout: 10 min\n      else: abort\n",
            NULL, 0);
        ck_assert_int_eq(scenario_do(s, VERB_RUN), 0);
        scenario_run(s, 30 * TIME_S);
        ck_assert_str_eq(notes[0].text, "asks: Is the powder in?");
        ck_assert_str_eq(notes[0].guidance, "Answer with `aldctl confirm` within 10 min 00 s, else: abort");
        told("question");
        scenario_run(s, 11 * TIME_MIN);
        told("aborted");
}
END_TEST

/* ---- the daemon's own, and the line ---- */

START_TEST(who_wants_none_gets_none)
{
        struct notify_note note;

        ck_assert(notify_note_of_daemon(&note, s->tool, virtual_core(s->v), TOOL_NOTIFY_DAEMON, "it", 5));
        ck_assert_uint_eq(note.hooks, 1);
        ck_assert_str_eq(note.state, "Stopped");
        ck_assert(notify_note_of_daemon(&note, s->tool, NULL, NOTIFY_TEST, "it", 5));
        ck_assert_uint_eq(note.hooks, 3); /* a test is for all */
        s->tool->hook_count = 0;
        ck_assert(!notify_note_of_daemon(&note, s->tool, NULL, TOOL_NOTIFY_DAEMON, "it", 5));
}
END_TEST

/* The worst that may stand in a note is one line that a pipe takes at once. */
START_TEST(any_note_is_one_line_of_json)
{
        char line[NOTIFY_LINE_CAP];
        struct notify_note note;

        memset(&note, '\x01', sizeof note);
        note.what = TOOL_NOTIFY_ALARM;
        note.priority = TOOL_PRIORITY_HIGH;
        char *const texts[] = {
            note.recipe, note.state, note.user, note.source, note.reason, note.text, note.guidance};
        const size_t caps[] = {sizeof note.recipe, sizeof note.state, sizeof note.user, sizeof note.source,
            sizeof note.reason, sizeof note.text, sizeof note.guidance};
        for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
                texts[i][caps[i] - 1] = '\0';
        size_t len = notify_note_line(&note, s->tool, "host\xff\n", line);
        ck_assert_uint_gt(len, 2);
        ck_assert_uint_lt(len, sizeof line);
        ck_assert_ptr_eq(memchr(line, '\n', len), line + len - 1);
        json_t *o = json_loadb(line, len, 0, NULL);
        ck_assert_ptr_nonnull(o);
        ck_assert_uint_eq(json_object_size(o), 16);
        ck_assert_str_eq(json_string_value(json_object_get(o, "event")), "alarm");
        ck_assert_str_eq(json_string_value(json_object_get(o, "priority")), "high");
        json_decref(o);
}
END_TEST

/* ---- the queue ---- */

static struct notify_queue queue;

static void put(int64_t run, enum tool_priority priority)
{
        const struct notify_note note = {.run = run, .priority = (uint8_t)priority};

        notify_queue_put(&queue, &note);
}

START_TEST(a_flood_is_counted_and_nothing_grave_is_lost)
{
        struct notify_note note;
        int taken = 0, more = 0;
        int64_t last = -1;

        memset(&queue, 0, sizeof queue);
        for (int64_t i = 0; i < 40; i++)
                put(i, i == 30 ? TOOL_PRIORITY_CRITICAL : TOOL_PRIORITY_MEDIUM);
        ck_assert_int_eq(queue.count, NOTIFY_QUEUE_MAX);
        bool has_trip = false;
        while (notify_queue_take(&queue, &note)) {
                ck_assert_int_gt(note.run, last); /* in the order in which they came */
                last = note.run;
                has_trip = has_trip || note.run == 30;
                taken++;
                more += note.more;
        }
        ck_assert(has_trip);
        ck_assert_int_eq(taken, NOTIFY_QUEUE_MAX);
        ck_assert_int_eq(taken + more, 40); /* every one is told or counted */
}
END_TEST

/* The same for any mixture. */
START_TEST(every_note_is_told_or_counted)
{
        struct notify_note note;
        unsigned random = (unsigned)_i + 1;
        int in = 0, out = 0, lost_grave = 0, critical = 0;

        memset(&queue, 0, sizeof queue);
        for (int i = 0; i < 200; i++) {
                random = random * 1103515245u + 12345u;
                if ((random >> 16) % 3 != 0) {
                        enum tool_priority priority = (enum tool_priority)((random >> 20) % 4);
                        in++;
                        /* Few of them: they always fit. */
                        if (priority == TOOL_PRIORITY_CRITICAL && critical >= NOTIFY_QUEUE_MAX / 2)
                                priority = TOOL_PRIORITY_LOW;
                        critical += priority == TOOL_PRIORITY_CRITICAL;
                        put(i, priority);
                } else if ((random >> 18) % 4 == 0 && notify_queue_take(&queue, &note)) {
                        out += 1 + note.more;
                        lost_grave += note.priority == TOOL_PRIORITY_CRITICAL;
                }
                ck_assert_int_le(queue.count, NOTIFY_QUEUE_MAX);
        }
        while (notify_queue_take(&queue, &note)) {
                out += 1 + note.more;
                lost_grave += note.priority == TOOL_PRIORITY_CRITICAL;
        }
        ck_assert_int_eq(in, out);
        ck_assert_int_eq(lost_grave, critical);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("notify");
        TCase *tc = tcase_create("notify"), *queues = tcase_create("queue");

        tcase_add_checked_fixture(tc, set_up, tear_down);
        tcase_add_test(tc, a_run_that_is_held_and_then_completes);
        tcase_add_test(tc, a_run_that_is_stopped);
        tcase_add_test(tc, a_trip_and_the_abort_that_follows);
        tcase_add_test(tc, a_trip_outside_of_a_run);
        tcase_add_test(tc, an_alarm_that_comes);
        tcase_add_test(tc, a_question);
        tcase_add_test(tc, who_wants_none_gets_none);
        tcase_add_test(tc, any_note_is_one_line_of_json);
        tcase_add_test(queues, a_flood_is_counted_and_nothing_grave_is_lost);
        tcase_add_loop_test(queues, every_note_is_told_or_counted, 0, 50);
        suite_add_tcase(suite, tc);
        suite_add_tcase(suite, queues);
        return suite_main(suite);
}
