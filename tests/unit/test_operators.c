/* Control of the tool and outputs moved by hand, in virtual time: who may, what stands against it, what follows when control
 * lapses (A2, V3, V4, V9). */

#include "scenario.h"
#include "suite.h"

static struct scenario *s;

static void setup(void)
{
        s = scenario_new(0);
        scenario_await(s, MACHINE_STOPPED, 10 * TIME_S);
        scenario_run(s, TIME_S);
}

static void setup_edited(const struct scenario_edit *edits, size_t count)
{
        scenario_free(s);
        s = scenario_new_with(scenario_edited_tool(edits, count), 0);
        scenario_await(s, MACHINE_STOPPED, 10 * TIME_S);
        scenario_run(s, TIME_S);
}

static void teardown(void)
{
        scenario_free(s);
}

/* ---- people ---- */

struct person {
        uint32_t uid;
        const char *name;
        enum tool_role role;
};
static const struct person ann = {1000, "ann", TOOL_ROLE_OPERATOR}, bob = {1001, "bob", TOOL_ROLE_OPERATOR},
                           eve = {1002, "eve", TOOL_ROLE_ENGINEER};

static int ask(const struct person *who, struct command c)
{
        int audits = s->audits, replies = s->replies;

        c.reply = 7;
        c.uid = who->uid;
        c.role = who->role;
        snprintf(c.user, sizeof c.user, "%s", who->name);
        virtual_command(s->v, &c);
        ck_assert_int_eq(s->replies, replies + 1);
        ck_assert_msg(s->audits == audits + 1, "A3: %d audit records", s->audits - audits);
        ck_assert_uint_eq(s->audit.uid, who->uid);
        return s->reply.code;
}

static int control(const struct person *who, const char *action, const char *to, bool force)
{
        struct command c = {.verb = VERB_CONTROL, .tag = TOOL_NONE, .force = force};

        snprintf(c.name, sizeof c.name, "%s", action);
        snprintf(c.to, sizeof c.to, "%s", to);
        return ask(who, c);
}

static void take(const struct person *who)
{
        ck_assert_int_eq(control(who, "take", "", false), 0);
}

static int move(const struct person *who, enum verb verb, const char *name, double value, int64_t for_us)
{
        return ask(who, (struct command){.verb = verb,
                            .tag = (int16_t)tool_find_output(s->tool, name),
                            .value = value,
                            .for_us = for_us});
}

static int set(const struct person *who, const char *name, double value)
{
        return move(who, VERB_SET, name, value, 0);
}

static double wire(const char *name)
{
        return s->out[tool_find_output(s->tool, name)];
}

static bool says(const char *text, const char *words)
{
        return strstr(text, words) != NULL;
}

#define REFUSED_WITH(words)                                                                                  \
        ck_assert_msg(                                                                                       \
            s->reply.code == 3 && says(s->reply.text, words), "%d: %s", s->reply.code, s->reply.text)

/* ---- the token ---- */

START_TEST(only_the_holder_moves_outputs)
{
        ck_assert_int_eq(set(&ann, "carrier.flow", 70), 3);
        REFUSED_WITH("nobody has control");
        ck_assert(says(s->reply.hint, "control take"));
        take(&ann);
        ck_assert_int_eq(set(&bob, "carrier.flow", 70), 3);
        REFUSED_WITH("ann has control");
        ck_assert(says(s->reply.hint, "abort"));
        ck_assert(wire("carrier.flow") < 69);
        ck_assert_int_eq(set(&ann, "carrier.flow", 70), 0);
        ck_assert(wire("carrier.flow") > 69);
        ck_assert_str_eq(scenario_status(s).control_user, "ann");
        ck_assert_str_eq(scenario_status(s).by_hand, "carrier.flow.setpoint");
}
END_TEST

START_TEST(control_goes_from_hand_to_hand)
{
        take(&ann);
        take(&ann); /* one's own, again */
        ck_assert_int_eq(control(&bob, "take", "", false), 3);
        ck_assert_int_eq(control(&bob, "take", "", true), 5); /* engineers only */
        ck_assert_int_eq(control(&bob, "release", "", false), 3);
        ck_assert_int_eq(set(&ann, "carrier.flow", 70), 0);
        ck_assert_int_eq(control(&ann, "release", "bob", false), 0);
        ck_assert_int_eq(set(&ann, "carrier.flow", 60), 3);
        ck_assert_int_eq(set(&bob, "carrier.flow", 60), 0); /* no gap: it was not brought to standby */
        ck_assert_int_eq(control(&eve, "take", "", false), 3);
        ck_assert_int_eq(control(&eve, "take", "", true), 0);
        ck_assert_str_eq(s->audit.result, "ok, taken from bob");
        ck_assert(wire("carrier.flow") > 59);
        ck_assert_int_eq(control(&eve, "keep", "", false), 3);
        ck_assert_int_eq(control(&eve, "take", "bob", false), 3);
}
END_TEST

/* A free token is taken by the commands of a run, and others are refused meanwhile; abort needs none. */
START_TEST(a_run_takes_control)
{
        scenario_start(s, "2", "10 s");
        ck_assert_str_eq(scenario_status(s).control_user, "ann");
        scenario_await(s, MACHINE_EXECUTE, TIME_MIN);
        ck_assert_int_eq(ask(&bob, (struct command){.verb = VERB_HOLD}), 3);
        REFUSED_WITH("ann has control");
        ck_assert_int_eq(ask(&bob, (struct command){.verb = VERB_ABORT}), 0);
        ck_assert_str_eq(scenario_status(s).control_user, "ann");
}
END_TEST

/* A refused command does not take what is free. */
START_TEST(a_refusal_takes_nothing)
{
        ck_assert_int_eq(ask(&bob, (struct command){.verb = VERB_RUN}), 3);
        ck_assert(!scenario_status(s).is_controlled);
}
END_TEST

START_TEST(a_lapse_in_a_run_only_frees_the_token)
{
        static const struct scenario_edit edits[] = {{"access:\n", "access:\n  control_lapse: 20 s\n"},
            {"limits: [0 degC, 180 degC],\n     safe: 0 degC, poll: 1 s,",
                "limits: [0 degC, 180 degC],\n     manual: inside, safe: 0 degC, poll: 1 s,"}};

        setup_edited(edits, 2);
        scenario_start(s, "4", "20 s");
        scenario_await_open(s, "nb.valve", 1);
        take(&ann);
        ck_assert_int_eq(set(&ann, "nb.line.temperature", 131), 0);
        scenario_run(s, 15 * TIME_S);
        ck_assert(scenario_status(s).is_controlled);
        scenario_run(s, 6 * TIME_S);
        ck_assert(!scenario_status(s).is_controlled);
        scenario_run(s, 65 * TIME_S);
        ck_assert(fabs(wire("nb.line.temperature") - 131) < 1e-9); /* the run goes on as it is */
        ck_assert_int_eq(scenario_state(s), MACHINE_EXECUTE);
        ck_assert(!scenario_has_event(s, "alarm", "control-lapsed"));
        scenario_await(s, MACHINE_COMPLETE, TIME_H);
        ck_assert_int_eq(s->pulse_count, 8);
}
END_TEST

START_TEST(a_lapse_brings_what_was_moved_to_standby_after_an_alarm)
{
        take(&ann);
        ck_assert_int_eq(set(&ann, "carrier.flow", 70), 0);
        scenario_run(s, 599 * TIME_S);
        ck_assert(scenario_status(s).is_controlled);
        ck_assert(!scenario_has_event(s, "alarm", "control-lapsed"));
        scenario_run(s, 2 * TIME_S);
        ck_assert(!scenario_status(s).is_controlled);
        ck_assert(scenario_has_event(s, "alarm", "control-lapsed"));
        scenario_run(s, 58 * TIME_S);
        ck_assert(wire("carrier.flow") > 69);
        ck_assert(scenario_status(s).standby_us > 0);
        scenario_run(s, 2 * TIME_S);
        ck_assert(fabs(wire("carrier.flow") - 10) < 1e-9);
        ck_assert_int_eq(scenario_status(s).by_hand_count, 0);
        ck_assert_int_eq(scenario_status(s).standby_us, -1);
}
END_TEST

START_TEST(whoever_takes_control_after_a_lapse_keeps_the_outputs)
{
        take(&ann);
        ck_assert_int_eq(set(&ann, "carrier.flow", 70), 0);
        scenario_run(s, 610 * TIME_S);
        take(&bob);
        scenario_run(s, 120 * TIME_S);
        ck_assert(wire("carrier.flow") > 69);
        ck_assert_int_eq(control(&bob, "release", "", false), 0);
        ck_assert(fabs(wire("carrier.flow") - 10) < 1e-9); /* at once */
}
END_TEST

/* Any command of the holder counts, a refused one too; somebody else's does not. */
START_TEST(commands_keep_control)
{
        take(&ann);
        for (int i = 0; i < 4; i++) {
                scenario_run(s, 500 * TIME_S);
                ck_assert(scenario_status(s).is_controlled);
                ask(&ann, (struct command){.verb = VERB_RESUME});
                ask(&bob, (struct command){.verb = VERB_RESUME});
        }
        scenario_run(s, 590 * TIME_S);
        ask(&bob, (struct command){.verb = VERB_RESUME});
        scenario_run(s, 11 * TIME_S);
        ck_assert(!scenario_status(s).is_controlled);
}
END_TEST

/* ---- openings ---- */

START_TEST(a_precursor_opens_for_a_time)
{
        take(&ann);
        ck_assert_int_eq(move(&ann, VERB_OPEN, "nb", 0, 0), 3);
        REFUSED_WITH("--for");
        ck_assert_int_eq(set(&ann, "nb.valve", 1), 3);
        ck_assert_int_eq(move(&ann, VERB_OPEN, "nb", 0, 5 * TIME_S + 1), 3);
        REFUSED_WITH("20 ms to 5 s");
        ck_assert_int_eq(move(&ann, VERB_OPEN, "nb", 0, 19 * TIME_MS), 3);
        int before = s->edge_count;
        ck_assert_int_eq(move(&ann, VERB_OPEN, "nb", 0, TIME_S), 0);
        ck_assert_int_eq(move(&ann, VERB_OPEN, "nb", 0, TIME_S), 3);
        REFUSED_WITH("one opening at a time");
        scenario_run(s, 2 * TIME_S);
        ck_assert_int_eq(s->edge_count, before + 2);
        ck_assert_int_eq(s->edges[before + 1].t_us - s->edges[before].t_us, TIME_S);
        ck_assert_int_eq(s->pulse_count, 0); /* an event, no row of a run */
        ck_assert(scenario_has_event(s, "manual", "nb"));
}
END_TEST

START_TEST(a_refusal_names_interlock_condition_and_values)
{
        take(&ann);
        ck_assert_int_eq(move(&ann, VERB_OPEN, "nb", 0, TIME_S), 0);
        scenario_run(s, 3 * TIME_S);
        ck_assert_int_eq(move(&ann, VERB_OPEN, "water", 0, 100 * TIME_MS), 3);
        ck_assert_str_eq(s->reply.interlock, "no-mixing");
        ck_assert_msg(says(s->reply.condition, "5 s") && says(s->reply.values, "purged for 1.98 s"), "%s: %s",
            s->reply.condition, s->reply.values);
        scenario_run(s, 5 * TIME_S);
        ck_assert_int_eq(set(&ann, "carrier.flow", 0), 0);
        scenario_run(s, 5 * TIME_S);
        ck_assert_int_eq(move(&ann, VERB_OPEN, "nb", 0, TIME_S), 3);
        ck_assert_str_eq(s->reply.interlock, "precursor-needs-flow");
        ck_assert_msg(
            says(s->reply.condition, "carrier.flow > 5 sccm") && says(s->reply.values, "pump.running"),
            "%s: %s", s->reply.condition, s->reply.values);
        ck_assert(s->reply.hint[0] != '\0');
}
END_TEST

START_TEST(closing_a_precursor_is_free_and_cuts)
{
        take(&ann);
        ck_assert_int_eq(move(&ann, VERB_OPEN, "nb", 0, 4 * TIME_S), 0);
        scenario_run(s, TIME_S);
        ck_assert(wire("nb") == 1);
        ck_assert_int_eq(move(&bob, VERB_CLOSE, "nb", 0, 0), 0); /* without control */
        scenario_run(s, 10 * TIME_MS);
        ck_assert(wire("nb") == 0);
        ck_assert_int_eq(move(&bob, VERB_CLOSE, "nb", 0, 0), 0);
        ck_assert(says(s->reply.text, "closed already"));
        /* Any other valve is moved by its close. */
        ck_assert_int_eq(move(&bob, VERB_CLOSE, "exhaust", 0, 0), 3);
        REFUSED_WITH("ann has control");
}
END_TEST

START_TEST(closing_a_recipes_pulse_holds_the_run)
{
        scenario_start(s, "2", "10 s");
        scenario_await_open(s, "nb.valve", 1);
        scenario_run(s, 300 * TIME_MS);
        ck_assert_int_eq(move(&bob, VERB_CLOSE, "nb", 0, 0), 0);
        scenario_await(s, MACHINE_HELD, 5 * TIME_S);
        ck_assert_int_eq(s->pulses[0].outcome, PULSE_CUT);
        ck_assert(says(scenario_status(s).reason, "closed by bob"));
        scenario_do(s, VERB_RESUME);
        scenario_await(s, MACHINE_COMPLETE, TIME_H);
        ck_assert_int_eq(s->pulse_count, 5); /* the cut one is repeated */
}
END_TEST

/* No opening outlives the control it was made with. */
START_TEST(a_lapse_or_release_closes_a_live_pulse)
{
        static const struct scenario_edit edits[] = {{"access:\n", "access:\n  control_lapse: 2 s\n"}};

        setup_edited(edits, 1);
        take(&ann);
        ck_assert_int_eq(move(&ann, VERB_OPEN, "nb", 0, 5 * TIME_S), 0);
        scenario_run(s, 1900 * TIME_MS);
        ck_assert(wire("nb") == 1);
        scenario_run(s, 200 * TIME_MS);
        ck_assert(wire("nb") == 0);
        scenario_run(s, 6 * TIME_S);
        take(&ann);
        ck_assert_int_eq(move(&ann, VERB_OPEN, "nb", 0, 5 * TIME_S), 0);
        scenario_run(s, TIME_S);
        ck_assert_int_eq(control(&ann, "release", "", false), 0);
        scenario_run(s, 10 * TIME_MS);
        ck_assert(wire("nb") == 0);
}
END_TEST

/* A permit that is lost closes a pulse by hand as it does a recipe's (V4). */
START_TEST(a_lost_permit_closes_a_pulse_by_hand)
{
        take(&ann);
        ck_assert_int_eq(move(&ann, VERB_OPEN, "nb", 0, 5 * TIME_S), 0);
        scenario_run(s, TIME_S);
        s->bad_tag = scenario_tag(s, "lid.closed");
        s->bad_value = 0;
        scenario_run(s, 200 * TIME_MS);
        ck_assert(wire("nb") == 0);
}
END_TEST

START_TEST(nothing_without_a_failsafe_is_dosed)
{
        struct event off = {.kind = EVENT_WATCHDOG, .u.watchdog = {.device = 0, .status = TOOL_WATCHDOG_OFF}};

        take(&ann);
        virtual_event(s->v, &off);
        ck_assert_int_eq(move(&ann, VERB_OPEN, "nb", 0, TIME_S), 3);
        REFUSED_WITH("watchdog");
        ck_assert_int_eq(set(&ann, "carrier.flow", 70), 0);
}
END_TEST

/* A reactive gas: its valve opens for a time only; its flow may be set, and does not outlive the control it was set with. */
START_TEST(a_reactive_gas_does_not_flow_without_control)
{
        static const struct scenario_edit edits[] = {
            {"tags:\n",
                "tags:\n"
                "  h2.flow: {device: flow, register: holding, address: 1301, type: FLOAT32, unit: sccm}\n"
                "  h2.flow.setpoint: {device: valve-io, register: holding, address: 1311, type: FLOAT32,\n"
                "     byte_order: ABCD, unit: sccm,\n"
                "     access: write, limits: [0 sccm, 100 sccm], safe: 0 sccm, max_open: 1 h,\n"
                "     failsafe: watchdog}\n"},
            {"equipment:\n", "equipment:\n  h2: {kind: flow, value: h2.flow, setpoint: h2.flow.setpoint, "
                             "tolerance: 1 sccm,\n"
                             "    reactive: yes}\n"},
            {"address: 3, type: BIT,", "address: 3, max_open: 1 h, type: BIT,"},
            {"role: vent}", "role: reactive}"}};

        setup_edited(edits, sizeof edits / sizeof edits[0]);
        take(&ann);
        ck_assert_int_eq(move(&ann, VERB_OPEN, "vent", 0, 0), 3);
        REFUSED_WITH("opens for a time only");
        ck_assert_int_eq(set(&ann, "h2.flow", 50), 0);
        ck_assert(wire("h2.flow") > 49);
        scenario_run(s, 605 * TIME_S);
        ck_assert(!scenario_status(s).is_controlled);
        ck_assert(wire("h2.flow") == 0); /* at once, not after a minute */
        take(&ann);
        ck_assert_int_eq(set(&ann, "h2.flow", 50), 0);
        ck_assert_int_eq(control(&ann, "release", "", false), 0);
        ck_assert(wire("h2.flow") == 0);
}
END_TEST

START_TEST(a_valve_with_a_longest_opening_opens_for_a_time)
{
        static const struct scenario_edit edits[] = {
            {"valve: yes, safe: closed, poll: 100 ms,",
                "valve: yes, safe: closed, max_open: 3 s, poll: 100 ms,"},
            {"role: vent}", "role: reactive}"}};
        int64_t t0;

        setup_edited(edits, 2);
        take(&ann);
        ck_assert_int_eq(move(&ann, VERB_SET, "vent", 1, 0), 3);
        REFUSED_WITH("--for");
        ck_assert_int_eq(move(&ann, VERB_OPEN, "vent", 0, 4 * TIME_S), 3);
        ck_assert_int_eq(move(&ann, VERB_OPEN, "vent", 0, TIME_S), 0);
        t0 = virtual_now(s->v);
        ck_assert_int_eq(move(&ann, VERB_OPEN, "nb", 0, TIME_S), 3);
        ck_assert_str_eq(s->reply.interlock, "no-vent-on-precursor");
        scenario_run(s, 500 * TIME_MS);
        ck_assert(wire("vent") == 1);
        scenario_run(s, 530 * TIME_MS);
        ck_assert(wire("vent") == 0 && s->closed_us[scenario_tag(s, "vent.valve")] == t0 + 1020 * TIME_MS);
}
END_TEST

/* ---- set-points and switches ---- */

START_TEST(limits_are_refused_never_clipped)
{
        double before = wire("carrier.flow");

        take(&ann);
        ck_assert_int_eq(set(&ann, "carrier.flow", 200.5), 3);
        REFUSED_WITH("0 sccm to 200 sccm");
        ck_assert_int_eq(set(&ann, "carrier.flow", -1), 3);
        ck_assert_int_eq(set(&ann, "carrier.flow", NAN), 3);
        ck_assert_int_eq(set(&ann, "pump.run", 0.5), 3);
        ck_assert_int_eq(set(&ann, "nb.valve", NAN), 3);
        ck_assert(fabs(wire("carrier.flow") - before) < 1e-9);
        ck_assert_int_eq(move(&ann, VERB_OPEN, "pump.run", 0, 0), 3);
        REFUSED_WITH("no valve");
        ck_assert_int_eq(move(&ann, VERB_OPEN, "carrier.flow", 0, 0), 3);
        ck_assert_int_eq(move(&ann, VERB_OPEN, "exhaust", 0, TIME_S), 3);
        REFUSED_WITH("no --for");
        ck_assert_int_eq(move(&ann, VERB_SET, "nothing", 0, 0), 3);
        REFUSED_WITH("no such output");
        ck_assert_int_eq(set(&ann, "pump.run", 0), 0);
        ck_assert(wire("pump.run") == 0);
}
END_TEST

START_TEST(the_purge_path_stays_open_after_a_pulse)
{
        take(&ann);
        ck_assert_int_eq(move(&ann, VERB_OPEN, "nb", 0, TIME_S), 0);
        scenario_run(s, 500 * TIME_MS);
        ck_assert_int_eq(set(&ann, "carrier.flow", 0), 3);
        REFUSED_WITH("purge of nb");
        ck_assert_int_eq(move(&ann, VERB_CLOSE, "exhaust", 0, 0), 3);
        scenario_run(s, 5 * TIME_S); /* 4.5 s of its 5 s */
        ck_assert_int_eq(move(&ann, VERB_CLOSE, "exhaust", 0, 0), 3);
        scenario_run(s, TIME_S);
        ck_assert_int_eq(set(&ann, "carrier.flow", 0), 0);
        ck_assert_int_eq(move(&ann, VERB_CLOSE, "exhaust", 0, 0), 0);
}
END_TEST

START_TEST(a_latched_trip_forbids_all_but_safe)
{
        take(&ann);
        ck_assert_int_eq(set(&ann, "carrier.flow", 70), 0);
        s->bad_tag = scenario_tag(s, "nb.temperature");
        s->bad_value = NAN;
        ck_assert_int_eq(set(&ann, "nb.temperature", 60), 0);
        scenario_run(s, 6 * TIME_S); /* heated without a Good temperature: a trip that only holds (H1) */
        ck_assert_int_eq(scenario_status(s).latch_count, 1);
        ck_assert_int_eq(set(&ann, "carrier.flow", 80), 3);
        REFUSED_WITH("heater-nb-source is latched");
        ck_assert_str_eq(s->reply.interlock, "heater-nb-source");
        ck_assert_int_eq(move(&ann, VERB_OPEN, "water", 0, 100 * TIME_MS), 3);
        ck_assert_int_eq(set(&ann, "carrier.flow", 10), 0); /* its safe value */
}
END_TEST

START_TEST(no_heat_without_a_temperature)
{
        take(&ann);
        s->bad_tag = scenario_tag(s, "nb.temperature");
        s->bad_value = NAN;
        scenario_run(s, 4 * TIME_S);
        ck_assert_int_eq(set(&ann, "nb.temperature", 60), 3);
        REFUSED_WITH("without a Good temperature");
        ck_assert(says(s->reply.values, "nb.temperature"));
}
END_TEST

/* ---- inside a run ---- */

START_TEST(in_a_run_only_what_the_tool_file_allows)
{
        static const struct scenario_edit edits[] = {
            {"limits: [0 degC, 180 degC],\n     safe: 0 degC, poll: 1 s,",
                "limits: [0 degC, 180 degC],\n     manual: inside, safe: 0 degC, poll: 1 s,"},
            {"access: write, safe: on, poll: 200 ms,",
                "access: write, manual: never, safe: on, poll: 200 ms,"}};

        setup_edited(edits, 2);
        take(&ann);
        ck_assert_int_eq(set(&ann, "pump.run", 0), 3);
        REFUSED_WITH("not moved by hand");
        scenario_start(s, "2", "10 s");
        scenario_await_open(s, "nb.valve", 1);
        ck_assert_int_eq(set(&ann, "carrier.flow", 20), 3);
        REFUSED_WITH("in a run");
        ck_assert_int_eq(set(&ann, "nb.line.temperature", 131), 0);
        ck_assert(fabs(wire("nb.line.temperature") - 131) < 1e-9);
        scenario_await(s, MACHINE_COMPLETE, TIME_H);
        ck_assert_int_eq(scenario_status(s).by_hand_count, 0); /* the standby image ended it */
        ck_assert(fabs(wire("nb.line.temperature") - 60) < 1e-9);
}
END_TEST

/* A pulse by hand inside a run never meets the recipe's: the recipe waits for its end, and the exclusions hold. */
START_TEST(a_pulse_by_hand_in_a_run_is_kept_apart)
{
        static const struct scenario_edit edits[] = {
            {"safe: closed,\n     max_open: 2 s,", "safe: closed, manual: inside,\n     max_open: 2 s,"}};

        setup_edited(edits, 1);
        scenario_start(s, "2", "10 s");
        scenario_await_open(s, "nb.valve", 1);
        scenario_run(s, 6500 * TIME_MS);
        ck_assert_int_eq(move(&ann, VERB_OPEN, "water", 0, 2 * TIME_S), 0);
        scenario_run(s, 500 * TIME_MS);
        ck_assert(wire("water") == 1);
        ck_assert_int_eq(scenario_do(s, VERB_HOLD), 0);
        scenario_run(s, 50 * TIME_MS);
        ck_assert(wire("water") == 0); /* the hold image ended it */
        scenario_await(s, MACHINE_HELD, 5 * TIME_S);
        ck_assert_int_eq(move(&ann, VERB_OPEN, "water", 0, TIME_S), 3);
        REFUSED_WITH("does not move in state Held");
        scenario_do(s, VERB_RESUME);
        scenario_await(s, MACHINE_COMPLETE, TIME_H);
        ck_assert_int_eq(s->pulse_count, 4); /* none of them by hand */
}
END_TEST

START_TEST(a_run_from_idle_begins_at_standby)
{
        scenario_do(s, VERB_RESET);
        scenario_await(s, MACHINE_IDLE, TIME_MIN);
        ck_assert_int_eq(set(&ann, "bed.speed", 8), 0);
        scenario_start(s, "1", "10 s");
        ck_assert_int_eq(scenario_state(s), MACHINE_RESETTING);
        ck_assert(wire("bed.speed") == 0);
        scenario_await(s, MACHINE_EXECUTE, TIME_MIN);
}
END_TEST

START_TEST(an_abort_ends_manual_operation)
{
        take(&ann);
        ck_assert_int_eq(set(&ann, "carrier.flow", 70), 0);
        ck_assert_int_eq(move(&ann, VERB_OPEN, "nb", 0, 5 * TIME_S), 0);
        scenario_run(s, TIME_S);
        ck_assert_int_eq(ask(&bob, (struct command){.verb = VERB_ABORT}), 0);
        scenario_run(s, 10 * TIME_MS);
        ck_assert(wire("nb") == 0);
        scenario_await(s, MACHINE_ABORTED, 5 * TIME_S);
        scenario_check_image(s, TOOL_IMAGE_ABORT);
        ck_assert_int_eq(scenario_status(s).by_hand_count, 0);
}
END_TEST

/* What control could not make sense of is refused for the record alone. */
START_TEST(what_made_no_sense_is_audited)
{
        struct command c = {.verb = VERB_SET, .tag = TOOL_NONE, .refused = "set: '70' has no unit"};

        take(&ann);
        ck_assert_int_eq(ask(&ann, c), 3);
        ck_assert_str_eq(s->audit.result, "set: '70' has no unit");
        ck_assert_str_eq(s->audit.state_before, "Stopped");
        ck_assert_str_eq(s->audit.role, "operator");
}
END_TEST

static TCase *cases(const char *name, const TTest *const *tests, size_t count)
{
        TCase *c = tcase_create(name);

        tcase_add_checked_fixture(c, setup, teardown);
        tcase_set_timeout(c, 120);
        for (size_t i = 0; i < count; i++)
                tcase_add_test(c, tests[i]);
        return c;
}

int main(void)
{
        const TTest *const token[] = {only_the_holder_moves_outputs, control_goes_from_hand_to_hand,
            a_run_takes_control, a_refusal_takes_nothing, a_lapse_in_a_run_only_frees_the_token,
            a_lapse_brings_what_was_moved_to_standby_after_an_alarm,
            whoever_takes_control_after_a_lapse_keeps_the_outputs, commands_keep_control};
        const TTest *const openings[] = {a_precursor_opens_for_a_time,
            a_refusal_names_interlock_condition_and_values, closing_a_precursor_is_free_and_cuts,
            closing_a_recipes_pulse_holds_the_run, a_lapse_or_release_closes_a_live_pulse,
            a_reactive_gas_does_not_flow_without_control, a_valve_with_a_longest_opening_opens_for_a_time,
            a_lost_permit_closes_a_pulse_by_hand, nothing_without_a_failsafe_is_dosed};
        const TTest *const values[] = {limits_are_refused_never_clipped,
            the_purge_path_stays_open_after_a_pulse, a_latched_trip_forbids_all_but_safe,
            no_heat_without_a_temperature};
        const TTest *const runs[] = {in_a_run_only_what_the_tool_file_allows,
            a_pulse_by_hand_in_a_run_is_kept_apart, a_run_from_idle_begins_at_standby,
            an_abort_ends_manual_operation, what_made_no_sense_is_audited};
        Suite *suite = suite_create("operators");

        suite_add_tcase(suite, cases("control", token, sizeof token / sizeof token[0]));
        suite_add_tcase(suite, cases("openings", openings, sizeof openings / sizeof openings[0]));
        suite_add_tcase(suite, cases("values", values, sizeof values / sizeof values[0]));
        suite_add_tcase(suite, cases("runs", runs, sizeof runs / sizeof runs[0]));
        return suite_main(suite);
}
