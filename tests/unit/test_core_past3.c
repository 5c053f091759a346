/* Where features of the core meet: past bugs of their combinations, each as the fact that must hold since. */

#include "scenario.h"
#include "suite.h"

#include "ald/core/output.h" /* output_arbitrate, output_wrote */

#define TOOL "tests/table/tool-sentences.yaml"
#define HEAD "format: 1\nrecipe: met\ntitle: t\ntool: sentences\n"
/* What a niobium pulse asks for: flow, and a line hotter than its source. */
#define WARM                                                                                                 \
        "    - set: {carrier.flow: 20 sccm, nb.line.temperature: 130 degC, nb.temperature: 100 degC}\n"      \
        "    - wait: 60 s\n"
#define FINALLY "finally:\n  - purge: 1 s\n"

static struct scenario *s;

static void begin(struct tool *tool)
{
        s = scenario_new_with(tool, 0);
        scenario_await(s, MACHINE_STOPPED, 10 * TIME_S);
        scenario_run(s, TIME_S);
}

static void setup(void)
{
        begin(support_tool(TOOL));
}

static void teardown(void)
{
        scenario_free(s);
}

/* The same again on a tool that differs in `count` places. */
static void change_tool(const struct scenario_edit *edits, size_t count)
{
        struct diag *d = diag_new();
        size_t len;
        char *text = file_read(TOOL, &len, d);
        struct tool *tool;

        ck_assert_ptr_nonnull(text);
        for (size_t i = 0; i < count; i++)
                text = scenario_replace(text, &edits[i]);
        tool = file_compile_tool("edited.yaml", text, strlen(text), d);
        if (tool == NULL)
                diag_print(d, stderr, false);
        ck_assert_ptr_nonnull(tool);
        diag_free(d);
        free(text);
        scenario_free(s);
        begin(tool);
}

static void start(const char *text)
{
        recipe_free(s->recipe);
        s->recipe = support_recipe_text(s->tool, text, NULL, 0);
        ck_assert_int_eq(scenario_do(s, VERB_RUN), 0);
        scenario_await(s, MACHINE_EXECUTE, TIME_MIN);
}

/* A command by an engineer, who is the same person as scenario_do()'s; returns the reply's code. */
static int ask(struct command c)
{
        int replies = s->replies;

        c.reply = 7;
        c.role = TOOL_ROLE_ENGINEER;
        c.uid = 1000;
        snprintf(c.user, sizeof c.user, "ann");
        virtual_command(s->v, &c);
        ck_assert_int_eq(s->replies, replies + 1);
        return s->reply.code;
}

static void take(void)
{
        struct command c = {.verb = VERB_CONTROL, .tag = TOOL_NONE, .name = "take"};

        ck_assert_int_eq(ask(c), 0);
}

static int set(const char *name, double value)
{
        return ask((struct command){
            .verb = VERB_SET, .tag = (int16_t)tool_find_output(s->tool, name), .value = value});
}

static int move(enum verb verb, const char *name)
{
        return ask((struct command){.verb = verb, .tag = (int16_t)tool_find_output(s->tool, name)});
}

static double out(const char *name)
{
        return s->out[tool_find_output(s->tool, name)];
}

static void feign(const char *name, double value)
{
        s->bad_tag = scenario_tag(s, name);
        s->bad_value = value;
}

static void check_says(const char *text, const char *words)
{
        ck_assert_msg(strstr(text, words) != NULL, "'%s' does not say '%s'", text, words);
}

static void await_out(const char *name, double value, int64_t within_us)
{
        int64_t limit = virtual_now(s->v) + within_us;

        while (out(name) != value) {
                ck_assert_msg(virtual_now(s->v) < limit, "%s did not become %g", name, value);
                virtual_run(s->v, virtual_now(s->v) + TIME_MS);
        }
}

/* ---- by hand x the recipe ---- */

static const struct scenario_edit bed_by_hand = {
    "limits: [-10 rpm, 10 rpm], safe: 0 rpm,", "limits: [-10 rpm, 10 rpm], manual: inside, safe: 0 rpm,"};

START_TEST(a_set_by_hand_ends_the_rotation)
{
        change_tool(&bed_by_hand, 1);
        start(HEAD "phases:\n  a:\n    - rotate: {speed: 3 rpm, reverse_every: 20 s}\n    - wait: 5 min\n");
        await_out("bed.speed.setpoint", -3, 30 * TIME_S);
        ck_assert_int_eq(set("bed.speed", 1), 0);
        scenario_run(s, TIME_MIN);
        ck_assert(out("bed.speed.setpoint") == 1);
        ck_assert_int_eq(scenario_state(s), MACHINE_EXECUTE);
}
END_TEST

/* Hydrogen by hand inside a run, beside the recipe's own. */
static const struct scenario_edit hydrogen_by_hand = {
    "limits: [0 sccm, 200 sccm], safe: 0 sccm, max_open: 2 h,",
    "limits: [0 sccm, 200 sccm], manual: inside, safe: 0 sccm, max_open: 2 h,"};

START_TEST(a_run_does_not_go_on_without_the_gas_that_a_lapse_closed)
{
        change_tool(&hydrogen_by_hand, 1);
        start(HEAD "phases:\n  reduce:\n    - set: {h2ar.flow: 100 sccm}\n    - wait: 1 h\n"
                   "    - set: {h2ar.flow: 0 sccm}\n");
        scenario_run(s, TIME_S);
        ck_assert_int_eq(set("h2ar.flow", 80), 0);
        scenario_run(s, 11 * TIME_MIN);
        ck_assert(!scenario_status(s).is_controlled);
        ck_assert(out("h2ar.flow") == 0);
        ck_assert_int_eq(scenario_state(s), MACHINE_HELD);
        ck_assert_int_eq(ask((struct command){.verb = VERB_RESUME}), 3);
        check_says(s->reply.text, "reactive gas");
}
END_TEST

/* The checker on the wire sees V9. */
START_TEST(an_expose_waits_for_the_purge_of_a_pulse_by_hand)
{
        change_tool(&(struct scenario_edit){"max_open: 2 s,", "max_open: 2 s, manual: inside,"}, 1);
        start(HEAD "phases:\n  a:\n" WARM
                   "    - expose: {flow: 0 sccm, close_below: 500 mTorr, limit: 3 Torr, at_most: 70 s}\n"
                   "      do: [{pulse: nb, for: 1 s}, {wait: 12 s}]\n    - purge: 10 s\n" FINALLY);
        scenario_run(s, 58 * TIME_S);
        ck_assert_int_eq(ask((struct command){.verb = VERB_OPEN,
                             .tag = (int16_t)tool_find_output(s->tool, "water"),
                             .for_us = 100 * TIME_MS}),
            0);
        scenario_run(s, 3 * TIME_S);
        check_says(scenario_status(s).waiting, "the purge of water");
        scenario_await(s, MACHINE_COMPLETE, 2 * TIME_H);
        ck_assert_int_eq(s->pulse_count, 1);
        ck_assert_int_eq(s->pulses[0].outcome, PULSE_DONE);
}
END_TEST

START_TEST(a_leak_check_waits_for_the_purge_of_a_pulse_by_hand)
{
        static const struct scenario_edit edits[] = {{"max_open: 2 s,", "max_open: 2 s, manual: inside,"},
            {"limits: [0 sccm, 200 sccm],\n     safe: 10 sccm,",
                "limits: [0 sccm, 200 sccm],\n     manual: inside, safe: 10 sccm,"}};

        change_tool(edits, 2);
        start(HEAD "phases:\n  a:\n" WARM "    - leak_check: {for: 10 s, limit: 1 Torr/min}\n" FINALLY);
        await_out("carrier.flow", 0, 2 * TIME_MIN);
        ck_assert_int_eq(set("carrier.flow", 10), 0);
        scenario_run(s, 2 * TIME_S);
        ck_assert_int_eq(ask((struct command){.verb = VERB_OPEN,
                             .tag = (int16_t)tool_find_output(s->tool, "water"),
                             .for_us = 100 * TIME_MS}),
            0);
        scenario_run(s, 5 * TIME_S);
        ck_assert(out("exhaust.valve") == 1);
        await_out("exhaust.valve", 0, 3 * TIME_S);
}
END_TEST

/* V2 over a crash: the process before died in a run and may have left the other precursor open. What the start-up closed is
 * purged like any dose; without a run to have died in nothing was left. */
static void dose_after_a_start(int64_t interrupted_run, bool was_left_open, const char *wait)
{
        char text[256];

        scenario_free(s);
        s = calloc(1, sizeof *s);
        ck_assert_ptr_nonnull(s);
        s->tool = support_tool(TOOL);
        s->was_left_open = was_left_open;
        scenario_begin(s, interrupted_run, true);
        scenario_await(s, interrupted_run != 0 ? MACHINE_ABORTED : MACHINE_STOPPED, 10 * TIME_S);
        if (interrupted_run != 0) {
                ck_assert_int_eq(scenario_do(s, VERB_RESET), 0);
                scenario_await(s, MACHINE_STOPPED, TIME_S);
        }
        snprintf(text, sizeof text,
            HEAD "phases:\n  a:\n    - set: {carrier.flow: 20 sccm}\n    - wait: %s\n"
                 "    - pulse: water\n      for: 100 ms\n    - purge: 8 s\n" FINALLY,
            wait);
        start(text);
}

START_TEST(what_a_crash_left_open_is_purged)
{
        dose_after_a_start(12, false, "2 s");
        scenario_await(s, MACHINE_HELD, 10 * TIME_S);
        check_says(scenario_status(s).reason, "water.valve excludes nb.valve, with a purge between of 5 s");
        ck_assert_int_eq(s->pulse_count, 0);
        dose_after_a_start(12, false, "6 s");
        scenario_await(s, MACHINE_COMPLETE, TIME_MIN);
        dose_after_a_start(0, false, "2 s");
        scenario_await(s, MACHINE_COMPLETE, TIME_MIN);
}
END_TEST

/* The same without a run: what was opened by hand, or dosed just before an end in order. */
START_TEST(what_an_end_left_to_purge_is_purged)
{
        dose_after_a_start(0, true, "2 s");
        scenario_await(s, MACHINE_HELD, 10 * TIME_S);
        check_says(scenario_status(s).reason, "water.valve excludes nb.valve, with a purge between of 5 s");
        dose_after_a_start(0, true, "6 s");
        scenario_await(s, MACHINE_COMPLETE, TIME_MIN);
}
END_TEST

/* An end in order tells, as its last word, that nothing is left to purge, or does not: a dose is purged (2) after 10 s, not (1)
 * after 2 s, and not (3) when a trip took the carrier away, whatever trickles through a flow controller told 0. */
START_TEST(an_end_tells_whether_all_is_purged)
{
        struct command open = {
            .verb = VERB_OPEN, .tag = (int16_t)tool_find_output(s->tool, "water"), .for_us = 100 * TIME_MS};
        const struct record_event *last;

        take();
        scenario_run(s, 10 * TIME_S);
        if (_i > 0)
                ck_assert_int_eq(ask(open), 0);
        if (_i == 3) {
                scenario_run(s, 2 * TIME_S);
                feign("chamber.pressure", 6);
        }
        scenario_run(s, _i == 1 ? 2 * TIME_S : 10 * TIME_S);
        ck_assert_int_eq(ask((struct command){.verb = VERB_SHUTDOWN}), 0);
        for (int i = 0; i < 300 && !scenario_has_event(s, "state", "shutdown"); i++)
                scenario_run(s, 100 * TIME_MS);
        last = &s->events[s->event_count - 1];
        ck_assert_str_eq(last->kind, "state");
        ck_assert_str_eq(last->source, _i == 1 || _i == 3 ? "shutdown" : CORE_PURGED);
}
END_TEST

static bool is_handed_over;

static void note_hand_over(struct scenario *scenario, const struct record *r)
{
        (void)scenario;
        is_handed_over = is_handed_over || r->kind == RECORD_PULSE_START;
}

/* V2: between its hand-over and its edge somebody shuts the exhaust. */
START_TEST(a_pulse_whose_purge_breaks_off_is_taken_back)
{
        struct event shut = {.kind = EVENT_SAMPLES, .u.samples.count = 1};
        int edges;

        dose_after_a_start(12, false, "6 s");
        edges = s->edge_count;
        is_handed_over = false;
        s->on_record = note_hand_over;
        for (int i = 0; i < 10000 && !is_handed_over; i++)
                scenario_run(s, TIME_MS);
        ck_assert(is_handed_over);
        scenario_run(s, TIME_MS); /* a value that is younger than the last */
        shut.u.samples.item[0] = (struct sample){.tag = (int16_t)scenario_tag(s, "exhaust.valve"),
            .quality = QUALITY_GOOD,
            .t_us = virtual_now(s->v)};
        virtual_event(s->v, &shut);
        scenario_await(s, MACHINE_HELD, 2 * TIME_S);
        ck_assert_int_eq(s->pulse_count, 1);
        ck_assert_int_eq(s->pulses[0].outcome, PULSE_REVOKED);
        for (int i = edges; i < s->edge_count; i++)
                ck_assert(s->edges[i].value == 0);
        check_says(scenario_status(s).reason, "taken back");
}
END_TEST

/* S2: the pulse that a program ends with was not whole, which is known only after its end was due. */
START_TEST(a_program_does_not_end_before_its_last_pulse_is_known)
{
        int valve = scenario_tag(s, "water.valve");
        struct event failed = {
            .kind = EVENT_PULSE, .u.pulse = {.tag = (int16_t)valve, .outcome = PULSE_FAILED}};

        start(HEAD "phases:\n  a:\n    - set: {carrier.flow: 20 sccm}\n    - wait: 2 s\n"
                   "    - pulse: water\n      for: 100 ms\n" FINALLY);
        scenario_await_open(s, "water.valve", 1);
        while (s->out[valve] != 0)
                virtual_run(s->v, virtual_now(s->v) + TIME_MS / 10);
        failed.u.pulse.close_sent_us = failed.u.pulse.close_acked_us = virtual_now(s->v);
        failed.u.pulse.open_sent_us = failed.u.pulse.open_acked_us = virtual_now(s->v) - 100 * TIME_MS;
        for (uint32_t id = 1; id < 1000 && s->pulse_count == 0; id++) { /* whichever it has */
                failed.u.pulse.id = id;
                virtual_event(s->v, &failed);
        }
        ck_assert_int_eq(s->pulse_count, 1);
        scenario_await(s, MACHINE_HELD, 2 * TIME_S);
        ck_assert_int_eq(scenario_do(s, VERB_RESUME), 0);
        scenario_await(s, MACHINE_COMPLETE, TIME_MIN);
        ck_assert_int_eq(s->pulse_count, 2);
        ck_assert_int_eq(s->pulses[1].outcome, PULSE_DONE);
        ck_assert_int_eq(s->cycles_ended, s->cycles_begun);
}
END_TEST

/* The link was down for the first close: the purge counts from the one that was acknowledged, and nothing is sure before. */
START_TEST(a_close_that_reached_nobody_begins_no_purge)
{
        int nb = scenario_tag(s, "nb.valve");
        struct outputs *o = calloc(1, sizeof *o);
        struct interlocks *locks = calloc(1, sizeof *locks);
        struct snapshot *snap = calloc(1, sizeof *snap);
        struct effects *out = calloc(1, sizeof *out);
        struct event_wrote w = {.tag = (int16_t)nb};

        ck_assert(o != NULL && locks != NULL && snap != NULL && out != NULL);
        output_init(o, s->tool);
        interlock_init(locks, s->tool, 0);
        snapshot_init(snap, s->tool);
        o->was_left_open = true;
        output_want(o, nb, 0, CAUSE_STARTUP);
        for (int i = 0; i < 2; i++) {
                snap->now_us = (10 + 4 * i) * TIME_S;
                out->count = 0;
                output_arbitrate(o, locks, snap, out);
                ck_assert_int_eq(out->count, 1);
                ck_assert(output_may_be_open(o, nb));
                w.id = out->item[0].u.write.id;
                w.ok = i == 1;
                w.sent_us = snap->now_us;
                output_wrote(o, &w, snap->now_us + 80 * TIME_MS);
        }
        ck_assert(!output_may_be_open(o, nb));
        ck_assert_int_eq(o->out[nb].closed_us, 14 * TIME_S + 80 * TIME_MS);
        free(out);
        free(snap);
        free(locks);
        free(o);
}
END_TEST

/* Closed, and acknowledged, as if nobody had ever opened it. */
static void close_first(struct outputs *o, struct interlocks *locks, struct snapshot *snap, int tag)
{
        struct effects *out = calloc(1, sizeof *out);
        struct event_wrote w = {.tag = (int16_t)tag, .ok = true, .sent_us = snap->now_us};

        ck_assert_ptr_nonnull(out);
        output_want(o, tag, 0, CAUSE_STARTUP);
        output_arbitrate(o, locks, snap, out);
        ck_assert_int_eq(out->count, 1);
        w.id = out->item[0].u.write.id;
        output_wrote(o, &w, snap->now_us);
        free(out);
}

/* V2: a purge counts from when the valve is surely closed. What the schedule planned stands for an edge that went out on time
 * and was answered as edges are: a recipe's purge may be no longer than the group's. */
START_TEST(a_purge_counts_from_the_answer_of_a_close)
{
        static const struct {
                int64_t sent_us, acked_us; /* behind the plan; 0 acked: no answer */
                bool is_device_timed;
                int64_t from_us;
        } closes[] = {{200, 1200, false, 0}, {-50, 900, false, 0}, {4000, 40000, false, 0},
            {200, 90000, false, 90000}, {6000, 7000, false, 7000}, {-100000, -99000, false, -99000},
            {0, 90000, true, 0}, {200, 0, false, 0}};
        struct interlocks *locks = calloc(1, sizeof *locks);
        struct snapshot *snap = calloc(1, sizeof *snap);
        struct effects *out = calloc(1, sizeof *out);
        int64_t plan_us = 12 * TIME_S;
        int nb = scenario_tag(s, "nb.valve");

        ck_assert(locks != NULL && snap != NULL && out != NULL);
        interlock_init(locks, s->tool, 0);
        snapshot_init(snap, s->tool);
        snap->now_us = 10 * TIME_S;
        for (size_t i = 0; i < sizeof closes / sizeof closes[0]; i++) {
                struct outputs *o = calloc(1, sizeof *o);
                struct event_pulse p = {.tag = (int16_t)nb,
                    .outcome = PULSE_DONE,
                    .is_device_timed = closes[i].is_device_timed,
                    .open_sent_us = 11 * TIME_S,
                    .close_sent_us = plan_us + closes[i].sent_us,
                    .close_acked_us = closes[i].acked_us != 0 ? plan_us + closes[i].acked_us : 0};

                ck_assert_ptr_nonnull(o);
                output_init(o, s->tool);
                for (int k = 0; k < s->tool->tag_count; k++)
                        if (k == nb || (s->tool->tags[k].is_output && tool_excludes(s->tool, nb, k, NULL)))
                                close_first(o, locks, snap, k);
                out->count = 0;
                p.id = output_pulse(o, nb, 11 * TIME_S, plan_us, out);
                output_pulsed(o, &p, plan_us + 100 * TIME_MS);
                ck_assert_msg(o->out[nb].closed_us == plan_us + closes[i].from_us, "row %d: %lld us", (int)i,
                    (long long)(o->out[nb].closed_us - plan_us));
                ck_assert(output_may_be_open(o, nb) == (closes[i].acked_us == 0));
                if (closes[i].acked_us == 0) { /* the read-back is its answer */
                        snap->now_us = plan_us + 301 * TIME_MS;
                        snap->tag[nb] =
                            (struct snapshot_tag){.quality = QUALITY_GOOD, .t_us = plan_us + 300 * TIME_MS};
                        out->count = 0;
                        output_arbitrate(o, locks, snap, out);
                        ck_assert_int_eq(o->out[nb].closed_us, plan_us + 300 * TIME_MS);
                        ck_assert(!output_may_be_open(o, nb));
                }
                free(o);
        }
        free(out);
        free(snap);
        free(locks);
}
END_TEST

/* S6: the purge between two precursors was whole before the block shut the carrier. */
START_TEST(a_purge_that_was_whole_counts_in_an_expose)
{
        start(HEAD "phases:\n  a:\n" WARM "    - repeat: 2\n      do:\n"
                   "        - expose: {flow: 0 sccm, limit: 3 Torr, at_most: 70 s}\n"
                   "          do: [{pulse: nb, for: 1 s}, {wait: 12 s}]\n        - purge: 10 s\n"
                   "        - pulse: water\n          for: 100 ms\n        - purge: 10 s\n" FINALLY);
        scenario_await(s, MACHINE_COMPLETE, TIME_H);
        ck_assert_int_eq(s->pulse_count, 4);
}
END_TEST

/* ---- by hand x trips, outside a run ---- */

/* In a vent the exhaust is shut, so nothing counts as purging any more: what was purged before counts. */
START_TEST(a_vent_goes_on_after_a_hold)
{
        int vent = scenario_tag(s, "vent.valve");

        start(HEAD "phases:\n  handle:\n    - set: {carrier.flow: 20 sccm}\n    - wait: 2 s\n"
                   "    - pulse: water\n      for: 100 ms\n    - purge: 8 s\n"
                   "    - vent: {flow: 20 sccm, until: chamber.atmosphere, timeout: 2 h}\n" FINALLY);
        while (s->out[vent] == 0)
                scenario_run(s, TIME_S);
        scenario_run(s, 3 * TIME_S);
        ck_assert_int_eq(scenario_do(s, VERB_HOLD), 0);
        scenario_await(s, MACHINE_HELD, TIME_S);
        scenario_run(s, 3 * TIME_S);
        ck_assert_int_eq(scenario_do(s, VERB_RESUME), 0);
        scenario_run(s, 2 * TIME_S);
        ck_assert_int_eq(scenario_state(s), MACHINE_EXECUTE);
        ck_assert(s->out[vent] == 1);
}
END_TEST

/* A vent whose valve has to wait for a purge does not shut the exhaust first: nothing would purge any more, and the carrier
 * would fill the chamber. */
START_TEST(a_vent_that_must_wait_shuts_nothing)
{
        int vent = scenario_tag(s, "vent.valve"), exhaust = scenario_tag(s, "exhaust.valve");

        start(HEAD "phases:\n  handle:\n    - set: {carrier.flow: 20 sccm}\n    - wait: 2 s\n"
                   "    - pulse: water\n      for: 100 ms\n    - purge: 8 s\n    - wait: 4 s\n"
                   "    - vent: {flow: 20 sccm, until: chamber.atmosphere, timeout: 2 h}\n" FINALLY);
        scenario_await_open(s, "water.valve", 1);
        scenario_run(s, 300 * TIME_MS);
        s->bad_tag = scenario_tag(s, "carrier.flow");
        scenario_run(s, 11 * TIME_S);
        s->bad_tag = -1;
        scenario_await(s, MACHINE_HELD, 10 * TIME_S);
        ck_assert_msg(
            strstr(scenario_status(s).reason, "purged for") != NULL, "%s", scenario_status(s).reason);
        ck_assert(!scenario_status(s).is_vented);
        ck_assert(s->out[exhaust] == 1);
        scenario_run(s, 10 * TIME_S);
        ck_assert_int_eq(scenario_do(s, VERB_RESUME), 0);
        for (int i = 0; i < 60 && s->out[vent] == 0; i++)
                scenario_run(s, TIME_S);
        ck_assert_msg(s->out[vent] == 1, "%s: %s", scenario_status(s).step, scenario_status(s).reason);
        ck_assert(s->out[exhaust] == 0);
}
END_TEST

static void tell_watchdog(uint8_t status)
{
        struct event event = {.kind = EVENT_WATCHDOG,
            .u.watchdog = {.device = (int16_t)tool_find_device(s->tool, "valve-io"), .status = status}};

        virtual_event(s->v, &event);
}

/* A module whose watchdog expired and which was then switched off and on says off; its link arms it again only on a reset. */
START_TEST(a_reset_arms_a_watchdog_that_expired_and_was_restarted)
{
        tell_watchdog(TOOL_WATCHDOG_EXPIRED);
        scenario_await(s, MACHINE_ABORTED, TIME_MIN);
        tell_watchdog(TOOL_WATCHDOG_OFF);
        scenario_run(s, TIME_S);
        ck_assert_int_eq(scenario_do(s, VERB_RESET), 0);
        scenario_await(s, MACHINE_STOPPED, TIME_MIN);
}
END_TEST

/* What stands may be an input of the very module that answers nothing until its watchdog is reset (WAGO: exception 4). */
START_TEST(a_refused_reset_starts_an_expired_watchdog_again)
{
        int emo = scenario_tag(s, "emo.ok");

        s->force[emo].is_on = true;
        s->force[emo].value = NAN;
        tell_watchdog(TOOL_WATCHDOG_EXPIRED);
        scenario_await(s, MACHINE_ABORTED, TIME_MIN);
        scenario_run(s, 2 * TIME_S);
        s->event_count = 0;
        ck_assert_int_eq(scenario_do(s, VERB_RESET), 3);
        ck_assert_msg(strstr(s->reply.hint, "the watchdog of valve-io is being started again") != NULL, "%s",
            s->reply.hint);
        scenario_run(s, TIME_S);
        ck_assert(scenario_has_event(s, "watchdog", "valve-io"));
        ck_assert_int_eq(scenario_state(s), MACHINE_ABORTED);
        s->force[emo].is_on = false;
        scenario_run(s, TIME_S);
        ck_assert_int_eq(scenario_do(s, VERB_RESET), 0);
        scenario_await(s, MACHINE_STOPPED, TIME_MIN);
}
END_TEST

/* T1: the budget of a safe write counts from when the bus is free, not from the next try. */
START_TEST(what_failed_is_tried_again_as_soon_as_its_link_is_up)
{
        int heat = tool_find_device(s->tool, "heat"),
            setpoint = scenario_tag(s, "chamber.temperature.setpoint");
        struct event up = {.kind = EVENT_LINK, .u.link = {.link = s->tool->devices[heat].link, .up = true}};

        start(HEAD "phases:\n  warm: [{set: {chamber.temperature: 100 degC}}, {wait: 10 s}]\n" FINALLY);
        scenario_run(s, TIME_S);
        ck_assert(s->out[setpoint] == 100);
        s->deaf_device = heat;
        ck_assert_int_eq(scenario_do(s, VERB_ABORT), 0);
        scenario_run(s, 70 * TIME_MS);
        s->deaf_device = -1;
        virtual_event(s->v, &up);
        ck_assert(s->out[setpoint] == 0);
}
END_TEST

/* V4, V7: a request that comes much too late opens a valve that was closed meanwhile; it is not left open for as long as a valve
 * may take to follow. */
START_TEST(a_closed_precursor_that_reads_open_trips_at_once)
{
        int edges = s->edge_count, valve = scenario_tag(s, "water.valve");

        ck_assert_int_ge(s->tool->tags[valve].follow_us, 500 * TIME_MS);
        s->deviant_tag = valve;
        scenario_run(s, 150 * TIME_MS);
        ck_assert_int_eq(scenario_state(s), MACHINE_ABORTING);
        ck_assert_int_ge(s->edge_count, edges + 1);
        ck_assert(s->out[valve] == 0);
}
END_TEST

/* C3: one look at a valve that strayed writes it once, however many turns come before the next look. */
START_TEST(what_strayed_is_written_once_for_each_look)
{
        int edges = s->edge_count, valve = scenario_tag(s, "water.valve");
        int polls = (int)(TIME_S / s->tool->tags[valve].poll_us);

        s->deviant_tag = valve;
        scenario_run(s, TIME_S);
        ck_assert_int_ge(s->edge_count - edges, polls - 2);
        ck_assert_int_le(s->edge_count - edges, 2 * polls + 2); /* a write hurries the next look */
}
END_TEST

/* V2: what somebody else let in is purged like any other dose before another precursor may open. */
START_TEST(what_another_opened_is_purged_before_anything_else_opens)
{
        struct command open = {
            .verb = VERB_OPEN, .tag = (int16_t)tool_find_output(s->tool, "nb"), .for_us = 100 * TIME_MS};

        scenario_run(s, 10 * TIME_S);
        s->deviant_tag = scenario_tag(s, "water.valve");
        scenario_run(s, 150 * TIME_MS);
        s->deviant_tag = -1;
        scenario_await(s, MACHINE_ABORTED, 2 * TIME_S);
        ck_assert_int_eq(scenario_do(s, VERB_RESET), 0);
        scenario_await(s, MACHINE_STOPPED, 2 * TIME_S);
        take();
        ck_assert_int_eq(ask(open), 3);
        check_says(s->reply.condition, "excludes water.valve");
        scenario_run(s, 10 * TIME_S);
        ck_assert_int_eq(ask(open), 0);
}
END_TEST

START_TEST(a_trip_closes_a_gas_that_flows_by_hand)
{
        change_tool((struct scenario_edit[]){{"  - id: no-mixing\n",
                        "  - id: trap-hot\n    trip: trap.temperature > 150 degC\n    then: hold\n  - id: "
                        "no-mixing\n"}},
            1);
        take();
        ck_assert_int_eq(set("h2ar.flow", 50), 0);
        scenario_run(s, 5 * TIME_S);
        ck_assert(out("h2ar.flow") == 50);
        feign("trap.temperature", 160);
        scenario_run(s, 2 * TIME_S);
        ck_assert_int_eq(scenario_status(s).latch_count, 1);
        ck_assert(out("h2ar.flow") == 0);
}
END_TEST

START_TEST(what_a_latched_trip_sets_is_not_set_by_hand)
{
        change_tool(
            (struct scenario_edit[]){
                {"    grace: 500 ms                        # how long an unreadable gauge is borne\n"
                 "    then: abort\n",
                    "    grace: 500 ms\n    then: stop\n"}},
            1);
        take();
        scenario_run(s, 5 * TIME_S);
        feign("chamber.pressure", 6);
        scenario_run(s, 2 * TIME_S);
        ck_assert_int_eq(scenario_status(s).latch_count, 1);
        ck_assert(out("carrier.flow") == 0);
        ck_assert_int_eq(set("carrier.flow", 10), 3); /* its safe value, yet not what the trip wants */
        ck_assert_str_eq(s->reply.interlock, "over-pressure");
        ck_assert(out("carrier.flow") == 0);
}
END_TEST

START_TEST(no_heat_by_hand_under_the_cut_out)
{
        change_tool(
            (struct scenario_edit[]){
                {"  - id: over-temperature\n    trip: heater.over-temperature\n"
                 "    then: abort\n    guidance: The hardware cut-out has acted. Find the zone "
                 "before the cut-out is reset.\n",
                    ""}},
            1);
        take();
        feign("heater.over-temperature", 1);
        scenario_run(s, 4 * TIME_S);
        ck_assert_int_eq(set("chamber.temperature", 50), 3);
        check_says(s->reply.text, "over-temperature");
        check_says(s->reply.values, "heater.over-temperature");
        ck_assert(out("chamber.temperature.setpoint") == 0);
        ck_assert_int_eq(set("chamber.temperature", 0), 0);
        s->bad_tag = -1;
        scenario_run(s, TIME_S);
        ck_assert_int_eq(set("chamber.temperature", 50), 0);
}
END_TEST

START_TEST(no_bed_by_hand_under_an_open_lid)
{
        take();
        feign("lid.closed", 0);
        scenario_run(s, TIME_S);
        ck_assert_int_eq(set("bed.speed", 2), 3);
        ck_assert_str_eq(s->reply.interlock, "motor-needs-lid");
        ck_assert(out("bed.speed") == 0);
}
END_TEST

/* ---- vent x by hand x lapse ---- */

START_TEST(a_lapse_does_not_pump_a_vented_chamber)
{
        start(HEAD "phases:\n  up:\n    - vent: {flow: 20 sccm, until: chamber.atmosphere, timeout: 2 h}\n");
        scenario_await(s, MACHINE_COMPLETE, 2 * TIME_H);
        take();
        ck_assert(out("exhaust.valve") == 0);
        ck_assert_int_eq(move(VERB_CLOSE, "exhaust"), 0);
        ck_assert_int_eq(set("block.temperature", 30), 0);
        scenario_run(s, 12 * TIME_MIN);
        ck_assert(!scenario_status(s).is_controlled);
        ck_assert(out("block.temperature.setpoint") == 60);
        ck_assert(out("exhaust.valve") == 0);
        ck_assert(scenario_status(s).is_vented);
}
END_TEST

/* ---- timeouts and questions x hold and stop ---- */

START_TEST(a_timeout_used_by_one_step_is_not_counted_on_another)
{
        start(HEAD "phases:\n  a:\n" WARM "    - pulse: water\n      for: 100 ms\n"
                   "    - purge: {until: chamber.pressure < 2 Torr, for: 6 s, timeout: 30 s, else: hold}\n"
                   "    - wait: {until: chamber.temperature > 300 degC, timeout: 2 h}\n" FINALLY);
        scenario_await_open(s, "water.valve", 1);
        scenario_run(s, TIME_MIN);
        check_says(scenario_status(s).waiting, "chamber.temperature");
        ck_assert_int_eq(scenario_do(s, VERB_HOLD), 0);
        scenario_await(s, MACHINE_HELD, 5 * TIME_S);
        ck_assert_int_eq(scenario_do(s, VERB_RESUME), 0);
        scenario_await(s, MACHINE_EXECUTE, 5 * TIME_S);
        /* Back in the purge, whose 30 s nobody has used. */
        scenario_run(s, 3 * TIME_S);
        ck_assert_int_eq(scenario_state(s), MACHINE_EXECUTE);
        scenario_run(s, 10 * TIME_S);
        check_says(scenario_status(s).waiting, "chamber.temperature");
}
END_TEST

START_TEST(a_run_that_stops_asks_nothing)
{
        start(HEAD "phases:\n  a:\n" WARM "    - pulse: water\n      for: 100 ms\n    - purge: 10 s\n"
                   "    - confirm: Go on?\n      timeout: 1 h\n" FINALLY);
        scenario_await_open(s, "water.valve", 1);
        scenario_run(s, 15 * TIME_S);
        ck_assert_str_eq(scenario_status(s).asks, "Go on?");
        ck_assert_int_eq(scenario_do(s, VERB_STOP), 0);
        ck_assert_int_eq(scenario_state(s), MACHINE_STOPPING);
        ck_assert_str_eq(scenario_status(s).asks, "");
        ck_assert_int_eq(scenario_do(s, VERB_CONFIRM), 3);
        scenario_await(s, MACHINE_STOPPED, TIME_MIN);
}
END_TEST

/* ---- latches x refusals, alarms ---- */

static const struct scenario_edit trap_hot = {"  - id: no-mixing\n",
    "  - id: trap-hot\n    trip: trap.temperature > 150 degC\n    then: hold\n  - id: no-mixing\n"};

START_TEST(a_refused_resume_resets_nothing)
{
        struct event event = {.kind = EVENT_STORE, .u.store = {.ok = false, .why = "disk full"}};

        change_tool(&trap_hot, 1);
        start(HEAD "phases:\n  a:\n    - wait: 5 min\n");
        feign("trap.temperature", 160);
        scenario_await(s, MACHINE_HELD, 10 * TIME_S);
        s->bad_tag = -1;
        scenario_run(s, 2 * TIME_S);
        virtual_event(s->v, &event);
        ck_assert_int_eq(scenario_do(s, VERB_RESUME), 3);
        check_says(s->reply.text, "disk full");
        ck_assert_int_eq(scenario_status(s).latch_count, 1);
        ck_assert_int_eq(scenario_state(s), MACHINE_HELD);
}
END_TEST

static struct core_alarm_now find_alarm(const char *id)
{
        struct core_alarm_now a = {.state = ALARM_NORMAL};

        for (int i = 0; i < core_count_alarms(virtual_core(s->v)); i++) {
                core_get_alarm(virtual_core(s->v), i, &a);
                if (strcmp(a.id, id) == 0)
                        return a;
        }
        return (struct core_alarm_now){.state = ALARM_NORMAL};
}

START_TEST(the_alarm_of_a_trip_that_chattered_ends_with_its_reset)
{
        change_tool(&trap_hot, 1);
        for (int i = 0; i < 6; i++) {
                feign("trap.temperature", 160);
                scenario_run(s, 1500 * TIME_MS);
                s->bad_tag = -1;
                scenario_run(s, 1500 * TIME_MS);
        }
        ck_assert(find_alarm("trap-hot").is_chattering);
        ck_assert_int_eq(scenario_do(s, VERB_ACK), 0);
        ck_assert_int_eq(scenario_do(s, VERB_RESET), 0);
        scenario_run(s, 5 * TIME_MIN);
        ck_assert_int_eq(scenario_status(s).latch_count, 0);
        ck_assert_str_eq(alarm_state_name(find_alarm("trap-hot").state), "normal");
}
END_TEST

/* ---- the room of one turn ---- */

static struct command shelve(const char *id, int64_t for_us)
{
        struct command c = {.verb = VERB_SHELVE, .tag = TOOL_NONE, .for_us = for_us, .reason = "a nuisance"};

        snprintf(c.name, sizeof c.name, "%s", id);
        return c;
}

START_TEST(all_shelvings_that_end_at_once_have_room)
{
        char list[12000];
        struct text t;
        int64_t until_us;

        text_init(&t, list, sizeof list);
        text_add(&t, "alarms:\n");
        for (int i = 0; i < TOOL_ALARMS_MAX; i++)
                text_add(&t, "  - {id: low-%d, when: not lid.closed, latch: yes, guidance: x}\n", i);
        text_add(&t, "\naccess:\n");
        change_tool(&(struct scenario_edit){"access:\n", list}, 1);
        until_us = virtual_now(s->v) + TIME_MIN;
        for (int i = 0; i < TOOL_ALARMS_MAX; i++) {
                char id[16];

                snprintf(id, sizeof id, "low-%d", i);
                ck_assert_int_eq(ask(shelve(id, until_us - virtual_now(s->v))), 0);
        }
        ck_assert_int_eq(scenario_status(s).alarms_shelved, TOOL_ALARMS_MAX);
        feign("lid.closed", 0);
        scenario_run(s, 5 * TIME_S);
        s->bad_tag = -1;
        scenario_run(s, 2 * TIME_MIN);
        ck_assert_int_eq(scenario_status(s).alarms_shelved, 0);
        ck_assert_str_eq(alarm_state_name(find_alarm("low-63").state), "latched-unacknowledged");
}
END_TEST

/* A module that answers nothing for a minute, with the carrier's set-point to be made safe at it: one line of it. */
START_TEST(a_write_that_goes_on_failing_is_told_once)
{
        int flow = scenario_tag(s, "carrier.flow.setpoint"), failures = 0;

        start(HEAD "phases:\n  a:\n    - set: {carrier.flow: 70 sccm}\n    - wait: 1 h\n" FINALLY);
        scenario_run(s, 5 * TIME_S);
        s->deaf_device = s->tool->tags[flow].device;
        ck_assert_int_eq(scenario_do(s, VERB_ABORT), 0);
        scenario_run(s, TIME_MIN);
        s->deaf_device = -1;
        scenario_run(s, 5 * TIME_S);
        for (int i = 0; i < s->event_count; i++)
                if (strcmp(s->events[i].source, "carrier.flow.setpoint") == 0 &&
                    strcmp(s->events[i].kind, "output") == 0 &&
                    strstr(s->events[i].text, "not acknowledged") != NULL)
                        failures++;
        ck_assert_int_eq(failures, 1);
        ck_assert(s->out[flow] == s->tool->tags[flow].safe);
}
END_TEST

static Suite *core_past3_suite(void)
{
        const TTest *const tests[] = {a_write_that_goes_on_failing_is_told_once,
            a_set_by_hand_ends_the_rotation, a_run_does_not_go_on_without_the_gas_that_a_lapse_closed,
            a_trip_closes_a_gas_that_flows_by_hand, what_a_latched_trip_sets_is_not_set_by_hand,
            no_heat_by_hand_under_the_cut_out, an_expose_waits_for_the_purge_of_a_pulse_by_hand,
            a_leak_check_waits_for_the_purge_of_a_pulse_by_hand, a_purge_that_was_whole_counts_in_an_expose,
            a_closed_precursor_that_reads_open_trips_at_once, what_strayed_is_written_once_for_each_look,
            what_another_opened_is_purged_before_anything_else_opens, what_a_crash_left_open_is_purged,
            what_an_end_left_to_purge_is_purged, a_pulse_whose_purge_breaks_off_is_taken_back,
            a_program_does_not_end_before_its_last_pulse_is_known,
            a_close_that_reached_nobody_begins_no_purge, a_purge_counts_from_the_answer_of_a_close,
            what_failed_is_tried_again_as_soon_as_its_link_is_up, a_vent_goes_on_after_a_hold,
            a_vent_that_must_wait_shuts_nothing, a_refused_reset_starts_an_expired_watchdog_again,
            a_reset_arms_a_watchdog_that_expired_and_was_restarted, no_bed_by_hand_under_an_open_lid,
            a_lapse_does_not_pump_a_vented_chamber, a_timeout_used_by_one_step_is_not_counted_on_another,
            a_run_that_stops_asks_nothing, a_refused_resume_resets_nothing,
            the_alarm_of_a_trip_that_chattered_ends_with_its_reset, all_shelvings_that_end_at_once_have_room};
        Suite *suite = suite_create("core_past3");
        TCase *met = tcase_create("met");

        tcase_add_checked_fixture(met, setup, teardown);
        tcase_set_timeout(met, 60);
        for (size_t i = 0; i < sizeof tests / sizeof tests[0]; i++)
                tcase_add_test(met, tests[i]);
        tcase_add_loop_test(met, an_end_tells_whether_all_is_purged, 0, 4);
        suite_add_tcase(suite, met);
        return suite;
}

int main(void)
{
        return suite_main(core_past3_suite());
}
