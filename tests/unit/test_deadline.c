/* Every decision that the core takes by the clock has a deadline that it told before. The core gets turns nobody asked for,
 * between its deadlines and without news: in none of them may it decide anything. A deadline it forgot to tell would be met
 * there first. */
#include "scenario.h" /* scenario_edited_tool */
#include "suite.h"

/* Samples come often enough that none gets old, and so that no delay is a multiple of their period; probes fall between them. */
static const int64_t every_us = 173 * TIME_MS, probe_us = 13 * TIME_MS;

struct rig {
        struct tool *tool;
        struct recipe *recipe;
        struct virtual *v;
        bool is_probing;
        int records, probes;
        int64_t moved_us; /* the last transition */
        int unheard;      /* an output whose writes fail from 75 s on; TOOL_NONE = none */
        bool has_ended;
};

static void on_record(void *ctx, const struct record *r)
{
        struct rig *rig = ctx;

        rig->records++;
        if (r->kind == RECORD_RUN_STATE)
                rig->moved_us = virtual_now(rig->v);
        rig->has_ended = rig->has_ended || r->kind == RECORD_RUN_END;
        if (!rig->is_probing || r->kind == RECORD_SAMPLE)
                return;
        ck_abort_msg("at %lld us, unannounced: record %d %s %s: %s", (long long)virtual_now(rig->v),
            (int)r->kind, r->kind == RECORD_EVENT ? r->u.event.kind : "",
            r->kind == RECORD_EVENT ? r->u.event.source : "", r->kind == RECORD_EVENT ? r->u.event.text : "");
}

static void on_wire(void *ctx, int64_t t_us, int tag, double value, enum cause cause)
{
        struct rig *rig = ctx;

        if (rig->is_probing)
                ck_abort_msg("at %lld us, unannounced: %s = %g (%s)", (long long)t_us,
                    rig->tool->tags[tag].name, value, cause_name(cause));
}

static bool obeys(void *ctx, int tag)
{
        const struct rig *rig = ctx;

        return tag != rig->unheard || rig->v == NULL || virtual_now(rig->v) < 75 * TIME_S;
}

/* Where outputs are being confirmed the core asks for a turn every 50 ms, and any turn may find that they are; after a
 * transition it asks for one, since what is watched is looked at before the machine moves. */
static bool is_confirming(const struct rig *rig)
{
        struct core_place place;

        core_get_place(virtual_core(rig->v), &place);
        if (virtual_now(rig->v) <= rig->moved_us + CORE_TURN_US_MAX)
                return true;
        if (place.state == MACHINE_STOPPING || place.state == MACHINE_COMPLETING)
                return !place.is_in_program;
        return machine_is_acting(place.state) && place.state != MACHINE_EXECUTE;
}

static void run(struct rig *rig, int64_t until_us)
{
        while (virtual_now(rig->v) < until_us) {
                struct event tick = {.kind = EVENT_TICK};

                virtual_run(rig->v, virtual_now(rig->v) + probe_us);
                if (is_confirming(rig))
                        continue;
                rig->is_probing = true;
                virtual_event(rig->v, &tick);
                rig->is_probing = false;
                rig->probes++;
        }
}

static void command(struct rig *rig, enum verb verb)
{
        struct command c = {.verb = verb, .role = TOOL_ROLE_OPERATOR, .user = "ann", .tag = TOOL_NONE};

        c.recipe = verb == VERB_RUN ? rig->recipe : NULL;
        virtual_command(rig->v, &c);
}

/* Steps of one phase, what goes wrong meanwhile (sim/fault.h; times are since the start-up), and what the record must say of it,
 * so that the case is one. */
static const struct {
        const char *what, *fault, *unheard, *head, *steps;
        int64_t run_us;
} cases[] = {
    {"timed steps, pulses, their measurement", NULL, NULL, "",
        "    - set: {carrier.flow: 70 sccm}\n    - wait: 20 s\n    - repeat: 3\n"
        "      do: [{pulse: water, for: 100 ms}, {purge: 9 s}]\n",
        5 * TIME_MIN},
    {"a ramp, a rotation, a condition that holds, a timeout", NULL, NULL, "",
        "    - set: {carrier.flow: 70 sccm}\n    - rotate: {speed: 3 rpm, reverse_every: 7 s, stop_in: "
        "pulse, lead: 2 s}\n"
        "    - set: {chamber.temperature: 90 degC}\n      ramp: 10 K/min\n"
        "    - wait: {until: carrier.flow > 60 sccm, for: 11 s, timeout: 2 min}\n"
        "    - wait: {until: chamber.pressure > 5 Torr, timeout: 17 s, else: continue}\n"
        "    - pulse: water\n      for: 100 ms\n    - purge: 11 s\n    - wait: 2 min\n",
        10 * TIME_MIN},
    {"an expose that waits for the purge before it, and its at_most", NULL, NULL,
        "on_hold: {at_most: 3 min, then: stop}\n",
        "    - set: {carrier.flow: 10 sccm}\n    - wait: 20 s\n    - pulse: water\n      for: 100 ms\n"
        "    - expose: {flow: 0 sccm, limit: 4 Torr, at_most: 20 s}\n      do:\n        - wait: {until: "
        "chamber.pressure > 700 Torr, timeout: 10 min}\n"
        "    - purge: 20 s\n",
        10 * TIME_MIN},
    {"a leak check", NULL, NULL, "",
        "    - set: {carrier.flow: 10 sccm}\n    - wait: 20 s\n    - leak_check: {for: 1 min, limit: 2 "
        "mTorr/min}\n",
        5 * TIME_MIN},
    {"a question that nobody answers, the purge of the stop", NULL, NULL, "",
        "    - set: {carrier.flow: 10 sccm}\n    - wait: 20 s\n    - pulse: water\n      for: 100 ms\n    - "
        "purge: 9 s\n"
        "    - confirm: Is anybody there?\n      timeout: 25 s\n      else: stop\n",
        5 * TIME_MIN},
    {"a guard, a hold that nobody ends", NULL, NULL,
        "on_hold: {at_most: 8 min, then: stop}\n"
        "guard:\n  - {in: coat, tag: bed.speed, within: 0.3 rpm, for: 1 s, else: hold}\n",
        "    - rotate: {speed: 3 rpm, reverse_every: 30 s}\n    - wait: 2 min\n", 15 * TIME_MIN},
    {"a heater that does not heat", "heater-dead:chamber@90s", NULL,
        "on_hold: {at_most: 2 min, then: stop}\n",
        "    - set: {chamber.temperature: 170 degC}\n    - wait: 5 min\n", 10 * TIME_MIN},
    {"a flow that does not follow, alarms with delays", "flow-stuck:carrier@75s+2 min", NULL, "",
        "    - wait: 10 s\n    - set: {carrier.flow: 70 sccm}\n    - wait: 3 min\n", 10 * TIME_MIN},
    {"a motor that does not turn", "motor-stall:bed@75s", NULL, "on_hold: {at_most: 2 min, then: stop}\n",
        "    - wait: 10 s\n    - set: {bed.speed: 3 rpm}\n    - wait: 3 min\n", 10 * TIME_MIN},
    {"a line colder than its source", NULL, NULL, "",
        "    - set: {nb.temperature: 80 degC}\n    - wait: 10 min\n", 20 * TIME_MIN},
    {"an output that does not follow", "deaf:vent.valve@75s", NULL, "on_hold: {at_most: 2 min, then: stop}\n",
        "    - wait: 10 s\n    - open: vent\n    - wait: 3 min\n", 10 * TIME_MIN},
    {"an output whose writes fail", NULL, "carrier.flow.setpoint", "on_hold: {at_most: 2 min, then: stop}\n",
        "    - wait: 20 s\n    - set: {carrier.flow: 70 sccm}\n    - wait: 1 min\n", 10 * TIME_MIN},
    {"a gauge that cannot be read", "nan:chamber.pressure@80s+20s", NULL,
        "on_hold: {at_most: 2 min, then: stop}\n", "    - wait: 3 min\n", 10 * TIME_MIN},
    {"heaters without a temperature", "nan:chamber.temperature@80s+20s", NULL,
        "on_hold: {at_most: 2 min, then: stop}\n",
        "    - set: {chamber.temperature: 100 degC}\n    - wait: 3 min\n", 10 * TIME_MIN},
};

START_TEST(announces_what_the_clock_decides)
{
        struct rig rig = {.tool = support_tool(SUPPORT_TOOL)};
        struct virtual_config config = {.sim = {.is_exact = true},
            .start = {.wall_us = 1, .next_run_id = 1, .store_ok = true, .turn_us_max = TIME_H},
            .watch = {.ctx = &rig, .record = on_record, .wire = on_wire, .obeys = obeys},
            .sample_us = every_us};
        char text[4096], why[128];
        int before;

        snprintf(text, sizeof text, "format: 1\nrecipe: test\ntool: rotary-ald\n%sphases:\n  coat:\n%s",
            cases[_i].head, cases[_i].steps);
        rig.recipe = support_recipe_text(rig.tool, text, NULL, 0);
        /* Longer than a pulse is measured, so that one deadline does not stand for the other. */
        rig.tool->lines[tool_find_line(rig.tool, "water")].purge_us_min = 7 * TIME_S;
        rig.unheard = cases[_i].unheard != NULL ? tool_find_tag(rig.tool, cases[_i].unheard) : TOOL_NONE;
        rig.v = virtual_new(rig.tool, &config);
        ck_assert_ptr_nonnull(rig.v);
        if (cases[_i].fault != NULL)
                ck_assert_msg(sim_fault(virtual_sim(rig.v), cases[_i].fault, why, sizeof why), "%s", why);
        ck_assert(virtual_run_to(rig.v, MACHINE_STOPPED, TIME_MIN));
        command(&rig, VERB_RESET);
        run(&rig, TIME_MIN);
        before = rig.records;
        command(&rig, VERB_RUN);
        run(&rig, TIME_MIN + cases[_i].run_us);
        ck_assert_msg(rig.has_ended, "%s: still runs", cases[_i].what);
        ck_assert_int_gt(rig.records - before, 10);
        ck_assert_int_gt(rig.probes, 1000);
        virtual_free(rig.v);
        recipe_free(rig.recipe);
        free(rig.tool);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("deadlines");
        TCase *tc = tcase_create("deadlines");

        tcase_set_timeout(tc, 60);
        tcase_add_loop_test(tc, announces_what_the_clock_decides, 0, (int)(sizeof cases / sizeof cases[0]));
        suite_add_tcase(suite, tc);
        return suite_main(suite);
}
