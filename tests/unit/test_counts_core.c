/* The core tells each opening of each valve once, as the wire had it: in runs, by hand, over lost answers, restarts and pulses that
 * never opened; it goes on from what was counted before, and warns. */
#include "../../src/core/core_state.h" /* struct core: to make it forget what it told */
#include "scenario.h"
#include "suite.h"

#include "ald/core/count.h" /* struct counts */

/* Openings as the record adds them up, and as they stood on the wire. */
struct sum {
        int64_t actuations, open_us;
};
static struct sum told[TOOL_TAGS_MAX], wire[TOOL_TAGS_MAX];
static struct record_valve last[TOOL_TAGS_MAX];
static int told_of[TOOL_TAGS_MAX]; /* records */
static bool is_open[TOOL_TAGS_MAX], is_told_open[TOOL_TAGS_MAX];
static int64_t since_us[TOOL_TAGS_MAX];
static struct record_bottle new_bottle;
static int bottles_changed, renewed;
static struct scenario *s;

static void take_record(struct scenario *of, const struct record *r)
{
        const struct record_valve *v = &r->u.valve;

        (void)of;
        if (r->kind == RECORD_BOTTLE) {
                new_bottle = r->u.bottle;
                bottles_changed++;
        }
        if (r->kind != RECORD_VALVE)
                return;
        ck_assert(v->tag >= 0 && v->tag < s->tool->tag_count);
        bool opens = v->what == RECORD_VALVE_OPENED || v->what == RECORD_VALVE_PLANNED;
        renewed += v->what == RECORD_VALVE_RENEWED;
        if (v->what == RECORD_VALVE_RENEWED)
                return;
        /* First a beginning, then an end; only one that the start found open may begin without the other. */
        ck_assert_msg(is_told_open[v->tag] != opens || told_of[v->tag] == 0, "%s: told twice",
            s->tool->tags[v->tag].name);
        is_told_open[v->tag] = opens;
        told_of[v->tag]++;
        last[v->tag] = *v;
        told[v->tag].actuations += v->is_actuation;
        if (!opens)
                told[v->tag].open_us += v->open_us;
}

/* An oracle that knows nothing of the core: what changed on the wire. */
static void look_at_wire(struct scenario *of, int64_t t_us, int tag, double value)
{
        if (!tool_is_counted(of->tool, tag))
                return;
        if (since_us[tag] == 0)
                since_us[tag] = t_us;
        if ((value != 0) == is_open[tag])
                return;
        is_open[tag] = value != 0;
        wire[tag].actuations += is_open[tag];
        if (is_open[tag])
                since_us[tag] = t_us;
        else
                wire[tag].open_us += t_us - since_us[tag];
}

static void begin(struct tool *tool, const struct counts *counts)
{
        memset(told, 0, sizeof told);
        memset(wire, 0, sizeof wire);
        memset(since_us, 0, sizeof since_us);
        memset(told_of, 0, sizeof told_of);
        memset(is_told_open, 0, sizeof is_told_open);
        bottles_changed = renewed = 0;
        s = calloc(1, sizeof *s);
        ck_assert_ptr_nonnull(s);
        s->tool = tool;
        s->on_record = take_record;
        s->on_wire = look_at_wire;
        s->counts = counts;
        for (int i = 0; i < tool->tag_count; i++)
                is_open[i] = tool->tags[i].is_output &&
                             (counts != NULL && counts->valve[i].is_known ? counts->valve[i].is_open
                                                                          : tool->tags[i].safe > 0);
        scenario_begin(s, 0, true);
        scenario_await(s, MACHINE_STOPPED, TIME_MIN);
}

static void end(void)
{
        scenario_free(s);
}

static struct tool *reference(void)
{
        return support_tool(SUPPORT_TOOL);
}

static int command(enum verb verb, enum tool_role role, const char *object, int64_t for_us, double value,
    const char *name, const char *reason)
{
        struct command c = {.reply = 7,
            .verb = verb,
            .role = role,
            .uid = 1000,
            .pid = 1,
            .user = "ann",
            .tag = (int16_t)tool_find_output(s->tool, object),
            .for_us = for_us,
            .value = value};

        text_copy(c.name, sizeof c.name, name);
        text_copy(c.reason, sizeof c.reason, reason);
        virtual_command(s->v, &c);
        return s->reply.code;
}

static int by_hand(enum verb verb, const char *object, int64_t for_us)
{
        return command(verb, TOOL_ROLE_OPERATOR, object, for_us, 0, "", "");
}

static void take_control(void)
{
        ck_assert_int_eq(command(VERB_CONTROL, TOOL_ROLE_OPERATOR, "", 0, 0, "take", ""), 0);
}

static void check_against_wire(const char *name)
{
        int tag = scenario_tag(s, name);

        ck_assert_msg(told[tag].actuations == wire[tag].actuations, "%s: told %lld, opened %lld", name,
            (long long)told[tag].actuations, (long long)wire[tag].actuations);
        ck_assert_msg(told[tag].open_us == wire[tag].open_us, "%s: told %lld us, open for %lld us", name,
            (long long)told[tag].open_us, (long long)wire[tag].open_us);
}

static void check_all_against_wire(void)
{
        for (int i = 0; i < s->tool->tag_count; i++)
                if (tool_is_counted(s->tool, i))
                        check_against_wire(s->tool->tags[i].name);
}

static const struct core_alarm_now *find_alarm(const char *id)
{
        static struct core_alarm_now a;

        for (int i = 0; i < core_count_alarms(virtual_core(s->v)); i++) {
                core_get_alarm(virtual_core(s->v), i, &a);
                if (strcmp(a.id, id) == 0 && a.stands)
                        return &a;
        }
        return NULL;
}

/* ---- once ---- */

START_TEST(a_run_is_told_as_the_wire_had_it)
{
        begin(reference(), NULL);
        scenario_start(s, "3", "5 s");
        scenario_await(s, MACHINE_COMPLETE, 4 * TIME_H);
        scenario_run(s, TIME_S);
        ck_assert_int_eq(told[scenario_tag(s, "nb.valve")].actuations, 3);
        ck_assert_int_eq(told[scenario_tag(s, "nb.valve")].open_us, 3 * TIME_S);
        ck_assert_int_eq(told[scenario_tag(s, "water.valve")].actuations, 3);
        ck_assert_int_eq(told[scenario_tag(s, "water.valve")].open_us, 300 * TIME_MS);
        ck_assert_int_eq(last[scenario_tag(s, "water.valve")].line, tool_find_line(s->tool, "water"));
        check_all_against_wire();
        end();
}
END_TEST

START_TEST(what_is_moved_by_hand_is_counted)
{
        begin(reference(), NULL);
        take_control();
        for (int i = 0; i < 3; i++) {
                ck_assert_int_eq(by_hand(VERB_CLOSE, "exhaust", 0), 0);
                scenario_run(s, TIME_S);
                ck_assert_int_eq(by_hand(VERB_OPEN, "exhaust", 0), 0);
                scenario_run(s, TIME_S);
                ck_assert_int_eq(by_hand(VERB_OPEN, "soft", 0), 0);
                scenario_run(s, 2 * TIME_S);
                ck_assert_int_eq(by_hand(VERB_CLOSE, "soft", 0), 0);
                scenario_run(s, TIME_S);
        }
        command(VERB_SET, TOOL_ROLE_OPERATOR, "carrier.flow", 0, 70, "", "");
        scenario_run(s, 20 * TIME_S);
        ck_assert_msg(by_hand(VERB_OPEN, "water", 200 * TIME_MS) == 0, "%s", s->reply.text);
        scenario_run(s, 2 * TIME_S);
        ck_assert_int_eq(told[scenario_tag(s, "exhaust.valve")].actuations, 3);
        ck_assert_int_eq(told[scenario_tag(s, "soft.valve")].actuations, 3);
        ck_assert_int_eq(told[scenario_tag(s, "water.valve")].actuations, 1);
        ck_assert_int_eq(told[scenario_tag(s, "water.valve")].open_us, 200 * TIME_MS);
        check_all_against_wire();
        end();
}
END_TEST

START_TEST(a_pulse_that_does_not_open_is_not_counted)
{
        begin(reference(), NULL);
        s->late_pulse = 2; /* the first of water */
        s->close_late_us = INT64_MAX;
        scenario_start(s, "2", "5 s");
        scenario_await_open(s, "nb.valve", 1);
        scenario_run(s, TIME_MIN);
        check_against_wire("nb.valve");
        check_against_wire("water.valve");
        int water = scenario_tag(s, "water.valve");
        ck_assert_int_eq(
            told_of[water], 2 * told[water].actuations + 2); /* one began and ended, and was not counted */
        end();
}
END_TEST

/* An answer that is lost: the read-back counts, once, and a late answer not again. */
START_TEST(a_lost_answer_is_counted_by_the_read_back)
{
        struct event wrote = {.kind = EVENT_WROTE};

        begin(reference(), NULL);
        int tag = scenario_tag(s, "exhaust.valve");
        struct core *core = virtual_core(s->v);
        take_control();
        ck_assert_int_eq(by_hand(VERB_CLOSE, "exhaust", 0), 0);
        scenario_run(s, TIME_S);
        int64_t at_us = core_wall(core, core->now_us);
        ck_assert_int_eq(by_hand(VERB_OPEN, "exhaust", 0), 0);
        scenario_run(s, 10 * TIME_MS);
        ck_assert_int_eq(told[tag].actuations, 1);                   /* by its answer */
        core->counts.valve[tag].is_open = is_told_open[tag] = false; /* as if none had come */
        scenario_run(s, 2 * TIME_S);
        ck_assert_int_eq(told[tag].actuations, 2);
        ck_assert_int_eq(last[tag].since_us, at_us);
        /* No answer, and the valve did not move: nothing. */
        s->deaf_tag = tag;
        ck_assert_int_eq(by_hand(VERB_CLOSE, "exhaust", 0), 0);
        scenario_run(s, 200 * TIME_MS);
        ck_assert(is_told_open[tag]);
        /* And every answer twice. */
        wrote.u.wrote = (struct event_wrote){.tag = (int16_t)tag, .ok = true, .value = 1, .id = 4000000000U};
        wrote.u.wrote.sent_us = virtual_now(s->v);
        virtual_event(s->v, &wrote);
        ck_assert_int_eq(told[tag].actuations, 2);
        end();
}
END_TEST

/* ---- from one process to the next ---- */

START_TEST(a_restart_finds_what_is_open_and_counts_only_what_moved)
{
        struct tool *tool = reference();
        static struct counts counts;
        int exhaust = tool_find_tag(tool, "exhaust.valve"), vent = tool_find_tag(tool, "vent.valve"),
            nb = tool_find_tag(tool, "nb.valve");

        /* The exhaust rests open, as it was left: no opening. The vent valve was left open, and is closed. */
        memset(&counts, 0, sizeof counts);
        counts.valve[exhaust] = (struct count_valve){10, 500, true, true};
        counts.valve[vent] = (struct count_valve){4, 600, true, true};
        counts.valve[nb] = (struct count_valve){7, 700, true, false};
        begin(tool, &counts);
        ck_assert_int_eq(told_of[exhaust], 1);
        ck_assert_int_eq(last[exhaust].what, RECORD_VALVE_OPENED);
        ck_assert_int_eq(told[exhaust].actuations, 0);
        ck_assert_int_eq(told_of[vent], 1);
        ck_assert_int_eq(last[vent].what, RECORD_VALVE_CLOSED);
        ck_assert_int_eq(last[vent].open_us, 0); /* nobody saw it */
        ck_assert_int_eq(told_of[nb], 0);
        ck_assert_int_eq(virtual_core(s->v)->counts.valve[exhaust].actuations, 10);
        ck_assert_int_eq(virtual_core(s->v)->counts.valve[nb].open_us, 700);
        end();
        /* It died with the exhaust shut: what opens it now is an opening. */
        tool = reference();
        counts.valve[exhaust].is_open = false;
        begin(tool, &counts);
        ck_assert_int_eq(told[exhaust].actuations, 1);
        ck_assert_int_eq(virtual_core(s->v)->counts.valve[exhaust].actuations, 11);
        end();
        /* Nothing is known: it is thought to rest where it is safe. */
        begin(reference(), NULL);
        ck_assert_int_eq(told_of[exhaust], 1);
        ck_assert_int_eq(told[exhaust].actuations, 0);
        end();
}
END_TEST

/* ---- limits ---- */

static const struct scenario_edit limits[] = {
    {"failsafe: watchdog, maintenance: {actuations: 1000000}}",
        "failsafe: watchdog, maintenance: {actuations: 3, open: 100 h}}"},
    {"bottle: {content: 25 g, warn_at: 10 %}}", "bottle: {content: 25 g, warn_at: 10 %, pulses: 1000}}"}};

START_TEST(beyond_a_limit_people_are_told_until_it_is_replaced)
{
        static struct counts counts;
        struct tool *tool = scenario_edited_tool(limits, 2);
        int nb = tool_find_tag(tool, "nb.valve");

        memset(&counts, 0, sizeof counts);
        counts.valve[nb] = (struct count_valve){2, 0, true, false};
        begin(tool, &counts);
        scenario_start(s, "2", "5 s");
        scenario_await_open(s, "nb.valve", 1);
        scenario_run(s, 3 * TIME_S);
        ck_assert_ptr_null(find_alarm("worn-nb.valve")); /* at the limit */
        scenario_await_open(s, "nb.valve", 2);
        scenario_run(s, 3 * TIME_S);
        const struct core_alarm_now *a = find_alarm("worn-nb.valve");
        ck_assert_ptr_nonnull(a);
        ck_assert_int_eq(a->priority, TOOL_PRIORITY_LOW);
        ck_assert_str_eq(a->text, "nb.valve went open 4 times; its limit is 3");
        ck_assert_ptr_nonnull(strstr(a->guidance, "aldctl counters reset nb.valve"));
        scenario_await(s, MACHINE_COMPLETE, 4 * TIME_H);
        end();
        /* It stands after a restart, in the first turns; for the open time likewise. */
        counts.valve[nb] = (struct count_valve){4, 0, true, false};
        begin(scenario_edited_tool(limits, 2), &counts);
        ck_assert_ptr_nonnull(find_alarm("worn-nb.valve"));
        end();
        counts.valve[nb] = (struct count_valve){3, 100 * TIME_H + 1, true, false};
        begin(scenario_edited_tool(limits, 2), &counts);
        a = find_alarm("worn-nb.valve");
        ck_assert_ptr_nonnull(a);
        ck_assert_str_eq(a->text, "nb.valve was open for 100.0 h; its limit is 100.0 h");
        /* Gone with the reset, which an engineer may, of what is counted. */
        ck_assert_int_eq(command(VERB_COUNTERS, TOOL_ROLE_OPERATOR, "nb.valve", 0, 0, "reset", ""), 5);
        ck_assert_int_eq(command(VERB_COUNTERS, TOOL_ROLE_ENGINEER, "nb.valve", 0, 0, "forget", ""), 3);
        ck_assert_int_eq(command(VERB_COUNTERS, TOOL_ROLE_ENGINEER, "carrier.flow", 0, 0, "reset", ""), 3);
        ck_assert_int_eq(renewed, 0);
        ck_assert_int_eq(command(VERB_COUNTERS, TOOL_ROLE_ENGINEER, "nb.valve", 0, 0, "reset", ""), 0);
        scenario_run(s, TIME_S);
        ck_assert_ptr_null(find_alarm("worn-nb.valve"));
        ck_assert_int_eq(renewed, 1);
        ck_assert(scenario_has_event(s, "counters", "nb.valve"));
        end();
}
END_TEST

/* What the runner reckons reaches the sums and the record, and an unmoved core decides the same without it. */
START_TEST(a_bottle_that_runs_out_is_told)
{
        static struct counts counts;
        struct tool *tool = scenario_edited_tool(limits, 2);
        int line = tool_find_line(tool, "nb");

        memset(&counts, 0, sizeof counts);
        /* 318.21 g/mol: 70,700 umol are 22.50 g. */
        counts.bottle[line] = (struct count_bottle){.pulses = 900, .used_umol = 70700, .content_g = 25};
        begin(tool, &counts);
        ck_assert_ptr_null(find_alarm("bottle-nb"));
        virtual_core(s->v)->counts.bottle[line].used_umol += 10;
        scenario_run(s, TIME_S);
        const struct core_alarm_now *a = find_alarm("bottle-nb");
        ck_assert_ptr_nonnull(a);
        ck_assert_str_eq(a->text, "the bottle of nb holds about 2.5 g of 25 g");
        end();
        counts.bottle[line] = (struct count_bottle){.pulses = 1001, .content_g = 25, .lot = "A 1"};
        begin(scenario_edited_tool(limits, 2), &counts);
        ck_assert_ptr_nonnull(find_alarm("bottle-nb"));
        ck_assert_int_eq(command(VERB_BOTTLE, TOOL_ROLE_VIEWER, "nb", 0, 20, "", "B 2"), 5);
        ck_assert_int_eq(command(VERB_BOTTLE, TOOL_ROLE_OPERATOR, "exhaust", 0, 20, "", "B 2"), 3);
        ck_assert_int_eq(bottles_changed, 0);
        ck_assert_int_eq(command(VERB_BOTTLE, TOOL_ROLE_OPERATOR, "nb", 0, 20, "", "B 2"), 0);
        scenario_run(s, TIME_S);
        ck_assert_ptr_null(find_alarm("bottle-nb"));
        ck_assert_int_eq(bottles_changed, 1);
        ck_assert_int_eq(new_bottle.line, line);
        ck_assert_double_eq(new_bottle.content_g, 20);
        ck_assert_str_eq(new_bottle.lot, "B 2");
        for (int i = 0; i < s->event_count; i++)
                if (strcmp(s->events[i].kind, "bottle") == 0)
                        ck_assert_str_eq(s->events[i].text, "changed by ann: new, lot B 2, 20 g; old, lot A "
                                                            "1, 25 g: 1001 pulses, open 0.0 s, "
                                                            "gave about 0 g");
        ck_assert(scenario_has_event(s, "bottle", "nb"));
        ck_assert_int_eq(command(VERB_BOTTLE, TOOL_ROLE_OPERATOR, "nb", 0, 0, "", ""), 0);
        ck_assert_double_eq(new_bottle.content_g, 25); /* the tool file's */
        end();
}
END_TEST

START_TEST(a_bottle_is_not_changed_under_a_run_or_an_open_valve)
{
        begin(reference(), NULL);
        scenario_start(s, "2", "5 s");
        scenario_await(s, MACHINE_EXECUTE, TIME_MIN);
        ck_assert_int_eq(command(VERB_BOTTLE, TOOL_ROLE_OPERATOR, "nb", 0, 0, "", ""), 3);
        ck_assert_str_eq(s->reply.text, "the run uses nb");
        ck_assert_int_eq(scenario_do(s, VERB_HOLD), 0);
        scenario_await(s, MACHINE_HELD, TIME_MIN);
        ck_assert_int_eq(command(VERB_BOTTLE, TOOL_ROLE_OPERATOR, "water", 0, 0, "", ""), 3);
        ck_assert_int_eq(scenario_do(s, VERB_ABORT), 0);
        scenario_await(s, MACHINE_ABORTED, TIME_MIN);
        ck_assert_int_eq(command(VERB_BOTTLE, TOOL_ROLE_OPERATOR, "nb", 0, 0, "", ""), 0);
        ck_assert_int_eq(scenario_do(s, VERB_RESET), 0);
        scenario_await(s, MACHINE_STOPPED, TIME_MIN);
        command(VERB_SET, TOOL_ROLE_OPERATOR, "carrier.flow", 0, 70, "", "");
        scenario_run(s, 20 * TIME_S);
        ck_assert_msg(by_hand(VERB_OPEN, "water", TIME_S) == 0, "%s", s->reply.text);
        scenario_run(s, 500 * TIME_MS);
        ck_assert_int_eq(command(VERB_BOTTLE, TOOL_ROLE_OPERATOR, "nb", 0, 0, "", ""), 3);
        ck_assert_str_eq(s->reply.text, "water.valve may be open");
        scenario_run(s, 2 * TIME_S);
        ck_assert_int_eq(command(VERB_BOTTLE, TOOL_ROLE_OPERATOR, "water", 0, 0, "", ""), 0);
        ck_assert_int_eq(bottles_changed, 2);
        end();
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("counts of the core");
        TCase *c = tcase_create("counts");

        tcase_set_timeout(c, 60);
        tcase_add_test(c, a_run_is_told_as_the_wire_had_it);
        tcase_add_test(c, what_is_moved_by_hand_is_counted);
        tcase_add_test(c, a_pulse_that_does_not_open_is_not_counted);
        tcase_add_test(c, a_lost_answer_is_counted_by_the_read_back);
        tcase_add_test(c, a_restart_finds_what_is_open_and_counts_only_what_moved);
        tcase_add_test(c, beyond_a_limit_people_are_told_until_it_is_replaced);
        tcase_add_test(c, a_bottle_that_runs_out_is_told);
        tcase_add_test(c, a_bottle_is_not_changed_under_a_run_or_an_open_valve);
        suite_add_tcase(suite, c);
        return suite_main(suite);
}
