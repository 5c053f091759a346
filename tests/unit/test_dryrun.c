/* The dry run: numbers of the reference process, sparse against dense sampling, and every kind of finding. */
#include "scenario.h" /* scenario_edited_tool */
#include "suite.h"

#include "ald/sim/dryrun.h" /* dryrun_run */

/* ---- helpers ---- */

struct rig {
        struct tool *tool;
        struct recipe *recipe;
        struct dryrun *d;
        const struct dryrun_result *r;
};

static void rig_run(struct rig *rig)
{
        struct dryrun_config config = {.tool = rig->tool, .recipe = rig->recipe};

        rig->d = dryrun_new(&config);
        ck_assert_ptr_nonnull(rig->d);
        ck_assert(dryrun_run(rig->d));
        rig->r = dryrun_get(rig->d);
}

static struct rig rig_file(const char *path, const struct file_set *sets, size_t count)
{
        struct rig rig = {.tool = support_tool(SUPPORT_TOOL)};

        rig.recipe = support_recipe(rig.tool, path, sets, count);
        rig_run(&rig);
        return rig;
}

/* A recipe of one phase, `coat`, whose steps are given, each line indented by four. */
static struct recipe *steps_recipe(const struct tool *tool, const char *head, const char *steps)
{
        char text[4096];

        snprintf(text, sizeof text, "format: 1\nrecipe: test\ntool: rotary-ald\n%sphases:\n  coat:\n%s", head,
            steps);
        return support_recipe_text(tool, text, NULL, 0);
}

static struct rig rig_steps_on(struct tool *tool, const char *head, const char *steps)
{
        struct rig rig = {.tool = tool};

        rig.recipe = steps_recipe(tool, head, steps);
        rig_run(&rig);
        return rig;
}

static struct rig rig_steps(const char *head, const char *steps)
{
        return rig_steps_on(support_tool(SUPPORT_TOOL), head, steps);
}

static void rig_free(struct rig *rig)
{
        dryrun_free(rig->d);
        recipe_free(rig->recipe);
        free(rig->tool);
}

static void print_findings(const struct dryrun_result *r)
{
        for (int i = 0; i < r->finding_count; i++)
                fprintf(stderr, "%s: line %d: %s: %s (%lld)\n", dryrun_severity_name(r->findings[i].severity),
                    (int)r->findings[i].source_line, r->findings[i].id, r->findings[i].text,
                    (long long)r->findings[i].count);
}

static const struct dryrun_finding *find(const struct dryrun_result *r, const char *id)
{
        for (int i = 0; i < r->finding_count; i++)
                if (strcmp(r->findings[i].id, id) == 0)
                        return &r->findings[i];
        print_findings(r);
        ck_abort_msg("no finding %s", id);
        return NULL;
}

static int count(const struct dryrun_result *r, enum dryrun_severity least)
{
        int n = 0;

        for (int i = 0; i < r->finding_count; i++)
                n += r->findings[i].severity >= least;
        return n;
}

static const struct dryrun_line *line_of(const struct rig *rig, const char *name)
{
        return &rig->r->line[tool_find_line(rig->tool, name)];
}

/* ---- the reference process ---- */

START_TEST(reference_numbers)
{
        struct rig rig = rig_file(SUPPORT_RECIPE, NULL, 0);
        const struct dryrun_result *r = rig.r;

        ck_assert_int_eq(r->ended, MACHINE_COMPLETE);
        ck_assert_str_eq(r->reason, "");
        ck_assert_int_eq(r->cycles, 30);
        ck_assert_int_eq(r->wall_cycles, 0);
        ck_assert_int_eq(r->cycle_us, 41100 * TIME_MS);
        ck_assert_int_eq(r->deposition_us, 20 * TIME_MIN + 33 * TIME_S);
        ck_assert_int_eq(line_of(&rig, "nb")->pulses, 30);
        ck_assert_int_eq(line_of(&rig, "water")->pulses, 30);
        ck_assert_int_eq(line_of(&rig, "nb")->open_us, 30 * TIME_S);
        ck_assert_int_eq(line_of(&rig, "water")->open_us, 3 * TIME_S);
        if (count(r, DRYRUN_INFO) > 0)
                print_findings(r);
        ck_assert_int_eq(count(r, DRYRUN_INFO), 0);
        /* From standby to 175 and 110 degC with 10 min of settling, and down to 60 degC again. */
        ck_assert_int_gt(r->heating_us, 30 * TIME_MIN);
        ck_assert_int_lt(r->heating_us, 60 * TIME_MIN);
        rig_free(&rig);
}
END_TEST

START_TEST(reference_physics)
{
        struct rig rig = rig_file(SUPPORT_RECIPE, NULL, 0);
        const struct dryrun_line *nb = line_of(&rig, "nb"), *water = line_of(&rig, "water");

        /* 70 sccm against k = 13.2 is 2.30 Torr; niobium ethoxide at 110 degC has 10^(9.8 - 4350/383.15) Torr, of which the
         * carrier takes 90 %. */
        ck_assert_double_eq_tol(nb->source_torr, 0.02785, 0.0005);
        ck_assert_double_eq_tol(nb->vapour_torr, 0.9 * nb->source_torr, 0.001);
        ck_assert_double_eq_tol(nb->chamber_torr, 2.31, 0.02);
        ck_assert_double_eq_tol(nb->flow_sccm, 70.8, 0.5);
        ck_assert_double_eq_tol(nb->chamber_degc, 175, 0.01);
        ck_assert_double_eq_tol(nb->bed_rpm, 3, 0.01);
        /* 70 sccm x p/(P - p) for 1 s. */
        ck_assert_double_eq_tol(nb->dose_umol, 70 * 0.02507 / (2.31 - 0.02507) * 1e6 / (22413.97 * 60), 0.01);
        ck_assert_double_eq_tol(nb->dose_open_us, 1e6, 1e-6);
        ck_assert_double_eq_tol(water->dose_open_us, 1e5, 1e-6);
        ck_assert_int_eq(nb->dose_pulses, 1);
        ck_assert_int_eq(nb->coat_doses, 30);
        ck_assert_double_eq_tol(nb->delivered_umol, 30 * nb->dose_umol, 0.01 * nb->delivered_umol);
        ck_assert_double_gt(water->dose_umol, 10);
        /* What is left after 20 s of purge: 1.2 to 4.5 % of the peak (PROCESS.md, section 4). */
        ck_assert(nb->residue_part > 0.012 && nb->residue_part < 0.045);
        ck_assert(water->residue_part > 0.012 && water->residue_part < 0.045);
        /* 10 and 70 sccm of carrier. */
        ck_assert_double_eq_tol(
            rig.r->carrier_scc, 70.0 / 60 * (double)rig.r->duration_us / 1e6, 0.05 * rig.r->carrier_scc);
        ck_assert_double_eq_tol(rig.r->powder_m2, 0.4, 1e-12);
        rig_free(&rig);
}
END_TEST

/* Everything that took time is in the timeline, once. */
START_TEST(reference_timeline)
{
        struct rig rig = rig_file(SUPPORT_RECIPE, NULL, 0);
        const struct dryrun_result *r = rig.r;
        int64_t lasted_us = 0, heating_us = 0, pulses = 0;

        for (int i = 0; i < r->step_count; i++) {
                const struct recipe_op *op = &rig.recipe->ops[r->steps[i].op];

                ck_assert(i == 0 || r->steps[i].op > r->steps[i - 1].op);
                ck_assert(i == 0 || r->steps[i].begun_us >= r->steps[i - 1].begun_us);
                lasted_us += r->steps[i].lasted_us;
                heating_us += r->steps[i].is_heating ? r->steps[i].lasted_us : 0;
                if (op->kind == RECIPE_PURGE && op->phase >= 0) {
                        ck_assert_int_eq(r->steps[i].times, 30);
                        ck_assert_int_eq(r->steps[i].lasted_us, 30 * 20 * TIME_S);
                }
                pulses += op->kind == RECIPE_PULSE ? r->steps[i].times : 0;
        }
        ck_assert_int_eq(pulses, 60);
        ck_assert_int_eq(heating_us, r->heating_us);
        /* Besides, outputs are confirmed at both ends. */
        ck_assert_int_ge(r->duration_us, lasted_us);
        ck_assert_int_le(r->duration_us - lasted_us, TIME_S);
        ck_assert_int_gt(r->point_count, 100);
        for (int i = 1; i < r->point_count; i++)
                ck_assert_int_ge(r->points[i].t_us, r->points[i - 1].t_us);
        rig_free(&rig);
}
END_TEST

static const char *const shipped[] = {
    "conditioning", "leak-check", "mfc-zero", "nb2o5-nmc532", "pump-down", "standby", "vent"};

START_TEST(shipped_recipes)
{
        char path[96];
        struct rig rig;

        snprintf(path, sizeof path, "recipes/%s.yaml", shipped[_i]);
        rig = rig_file(path, NULL, 0);
        if (count(rig.r, DRYRUN_WARNING) > 0)
                print_findings(rig.r);
        ck_assert_int_eq(count(rig.r, DRYRUN_WARNING), 0);
        ck_assert_int_eq(rig.r->ended, MACHINE_COMPLETE);
        ck_assert_int_eq(rig.r->wall_cycles, rig.recipe->wall_cycles);
        ck_assert_int_eq(rig.r->cycles, rig.recipe->cycles - rig.recipe->wall_cycles);
        rig_free(&rig);
}
END_TEST

START_TEST(many_cycles)
{
        struct file_set sets[] = {{"cycles", "100000"}};
        struct rig rig = rig_file(SUPPORT_RECIPE, sets, 1);

        ck_assert_int_eq(rig.r->ended, MACHINE_COMPLETE);
        ck_assert_int_eq(rig.r->cycles, 100000);
        ck_assert_int_eq(rig.r->deposition_us, 41100 * TIME_MS * 100000);
        ck_assert_int_eq(line_of(&rig, "nb")->open_us, 100000 * TIME_S);
        ck_assert_int_eq(line_of(&rig, "water")->pulses, 100000);
        ck_assert_double_eq_tol(line_of(&rig, "nb")->delivered_umol, 1e5 * line_of(&rig, "nb")->dose_umol,
            1e-6 * line_of(&rig, "nb")->delivered_umol);
        ck_assert_int_le(rig.r->point_count, 4096);
        rig_free(&rig);
}
END_TEST

/* ---- sparse against dense ---- */

enum { TOLD_MAX = 512 };

/* A run by a virtual runner: what it recorded. */
struct told {
        struct virtual *v;
        int64_t started_us, ended_us;
        int event_count, pulse_count, metrics_count;
        struct record_event event[TOLD_MAX];
        int64_t event_us[TOLD_MAX];
        struct record_pulse pulse[TOLD_MAX], metrics[TOLD_MAX];
        char reason[192];
        double delivered[TOOL_LINES_MAX], adsorbed[TOOL_LINES_MAX];
};

static void told_record(void *ctx, const struct record *r)
{
        struct told *t = ctx;

        if (r->kind == RECORD_RUN_START)
                t->started_us = r->wall_us;
        if (t->started_us == 0 || t->ended_us != 0)
                return;
        if (r->kind == RECORD_EVENT) {
                ck_assert_int_lt(t->event_count, TOLD_MAX);
                t->event_us[t->event_count] = r->wall_us - t->started_us;
                t->event[t->event_count++] = r->u.event;
        }
        if (r->kind == RECORD_PULSE_END)
                t->pulse[t->pulse_count++] = r->u.pulse;
        if (r->kind == RECORD_PULSE_METRICS)
                t->metrics[t->metrics_count++] = r->u.pulse;
        if (r->kind == RECORD_RUN_END) {
                t->ended_us = r->wall_us - t->started_us;
                text_copy(t->reason, sizeof t->reason, r->u.run.reason);
        }
}

static struct told *told_run(
    const struct tool *tool, const struct recipe *recipe, int64_t sparse_us, int64_t limit_us)
{
        struct told *t = calloc(1, sizeof *t);
        struct virtual_config config = {.sim = {.is_exact = true, .powder_m2 = 0.4},
            .start = {.wall_us = 1, .next_run_id = 1, .store_ok = true},
            .watch = {.ctx = t, .record = told_record},
            .sparse_us = sparse_us};
        struct command c = {.verb = VERB_RESET, .role = TOOL_ROLE_OPERATOR, .user = "ann", .tag = TOOL_NONE};

        ck_assert_ptr_nonnull(t);
        t->v = virtual_new(tool, &config);
        ck_assert(virtual_run_to(t->v, MACHINE_STOPPED, TIME_MIN));
        virtual_command(t->v, &c);
        /* Until nothing moves: then sparse looks are rare. */
        virtual_run(t->v, 15 * TIME_MIN);
        c.verb = VERB_RUN;
        c.recipe = recipe;
        virtual_command(t->v, &c);
        while (t->ended_us == 0 && virtual_now(t->v) < limit_us)
                virtual_run(t->v, virtual_now(t->v) + TIME_S);
        for (int i = 0; i < tool->line_count; i++) {
                struct sim_line line;

                sim_get_line(virtual_sim(t->v), i, &line);
                t->delivered[i] = line.delivered_umol;
                t->adsorbed[i] = line.adsorbed_umol;
        }
        virtual_free(t->v);
        return t;
}

/* The same events in the same order; times differ by what one looks later. */
static void same_events(const struct told *a, const struct told *b, int64_t within_us)
{
        for (int i = 0; i < a->event_count && i < b->event_count; i++) {
                ck_assert_msg(strcmp(a->event[i].kind, b->event[i].kind) == 0 &&
                                  strcmp(a->event[i].source, b->event[i].source) == 0,
                    "event %d: %s %s: %s, sparse %s %s: %s", i, a->event[i].kind, a->event[i].source,
                    a->event[i].text, b->event[i].kind, b->event[i].source, b->event[i].text);
                ck_assert_msg(llabs(a->event_us[i] - b->event_us[i]) <= within_us,
                    "event %d (%s %s): %lld us, sparse %lld us", i, a->event[i].source, a->event[i].text,
                    (long long)a->event_us[i], (long long)b->event_us[i]);
        }
        ck_assert_int_eq(a->event_count, b->event_count);
}

/* The schedule is absolute from the first pulse on, but for waits between pulses, which may end late_us later. */
static void same_pulses(const struct told *a, const struct told *b, int64_t late_us)
{
        ck_assert_int_eq(a->pulse_count, b->pulse_count);
        ck_assert_int_eq(a->metrics_count, b->metrics_count);
        for (int i = 0; i < a->pulse_count; i++) {
                ck_assert_str_eq(a->pulse[i].path, b->pulse[i].path);
                ck_assert_int_eq(a->pulse[i].cycle, b->pulse[i].cycle);
                ck_assert_int_le(llabs((a->pulse[i].planned_open_us - a->pulse[0].planned_open_us) -
                                       (b->pulse[i].planned_open_us - b->pulse[0].planned_open_us)),
                    late_us);
                ck_assert_int_eq(a->pulse[i].width_us, b->pulse[i].width_us);
                ck_assert_int_eq(a->pulse[i].outcome, b->pulse[i].outcome);
        }
        for (int i = 0; i < a->metrics_count; i++) {
                double area = a->metrics[i].pressure_area;

                /* The base is the mean of a second's readings, wherever they fall. */
                ck_assert_double_eq_tol(b->metrics[i].pressure_base, a->metrics[i].pressure_base,
                    0.02 * a->metrics[i].pressure_base);
                ck_assert_double_eq_tol(b->metrics[i].pressure_area, area, 0.25 * area + 2e-3);
        }
}

static void compare(const struct tool *tool, const struct recipe *recipe, int64_t within_us, int64_t late_us)
{
        struct told *dense = told_run(tool, recipe, 0, 12 * TIME_H);
        struct told *sparse = told_run(tool, recipe, 10 * TIME_S, 12 * TIME_H);

        same_events(dense, sparse, within_us);
        same_pulses(dense, sparse, late_us);
        /* But for the values behind it. */
        ck_assert_int_eq(strncmp(dense->reason, sparse->reason, strcspn(dense->reason, "(") + 1), 0);
        ck_assert_int_le(llabs(dense->ended_us - sparse->ended_us), within_us);
        for (int i = 0; i < tool->line_count; i++) {
                ck_assert_double_eq_tol(
                    dense->delivered[i], sparse->delivered[i], 2e-3 * dense->delivered[i] + 1e-9);
                ck_assert_double_eq_tol(
                    dense->adsorbed[i], sparse->adsorbed[i], 1e-2 * dense->adsorbed[i] + 1e-9);
        }
        free(dense);
        free(sparse);
}

START_TEST(sparse_is_dense)
{
        struct tool *tool = support_tool(SUPPORT_TOOL);
        struct file_set sets[] = {{"cycles", "5"}, {"settle", "1 min"}};
        struct recipe *recipe = support_recipe(tool, SUPPORT_RECIPE, sets, 2);

        compare(tool, recipe, 3 * TIME_S, 0);
        recipe_free(recipe);
        free(tool);
}
END_TEST

/* Steps whose course depends on live values: bed to and fro, an expose, windows, ramps, a timeout that goes on. */
static const char lively_steps[] =
    "    - set: {carrier.flow: 70 sccm}\n"
    "    - wait: {until: chamber.pressure steady 5 mTorr over 20 s, timeout: 5 min}\n"
    "    - rotate: {speed: 3 rpm, reverse_every: 17 s, stop_in: pulse, lead: 2 s}\n"
    "    - set: {chamber.temperature: 90 degC}\n"
    "      ramp: 10 K/min\n"
    "    - wait: {until: chamber.pressure > 3 Torr, timeout: 40 s, else: continue}\n"
    "    - repeat: 4\n"
    "      do: [{pulse: water, for: 100 ms}, {purge: 12 s}]\n"
    "    - set: {carrier.flow: 10 sccm}\n"
    "    - wait: 20 s\n"
    "    - expose: {flow: 0 sccm, close_below: 300 mTorr, limit: 4 Torr, at_most: 4 min}\n"
    "      do:\n"
    "        - pulse: water\n"
    "          for: 50 ms\n"
    "        - wait: 20 s\n"
    "    - purge: 40 s\n"
    "    - wait: {until: settled, timeout: 20 min}\n";

START_TEST(sparse_is_dense_lively)
{
        struct tool *tool = support_tool(SUPPORT_TOOL);
        struct recipe *recipe = steps_recipe(tool, "", lively_steps);

        compare(tool, recipe, 3 * TIME_S, 250 * TIME_MS);
        recipe_free(recipe);
        free(tool);
}
END_TEST

/* A trip by a live value, a guard, an alarm with a delay: at the same time, but for a fraction of a second. */
static const struct {
        struct scenario_edit edit;
        const char *head, *steps;
} acting[] = {
    {{"> 5 Torr\n    arm: chamber.pressure < 3", "> 2.2 Torr\n    arm: chamber.pressure < 1"}, "",
        "    - set: {carrier.flow: 70 sccm}\n    - wait: 1 min\n"},
    {{"> 5 Torr\n    arm: chamber.pressure < 3", "> 2.5 Torr\n    arm: chamber.pressure < 1"}, "",
        "    - set: {carrier.flow: 70 sccm}\n    - wait: 20 s\n    - pulse: water\n      for: 1 s\n"
        "    - purge: 20 s\n"},
    {{"when: chamber.pressure > 4 Torr", "when: chamber.pressure > 2 Torr"}, "",
        "    - set: {carrier.flow: 70 sccm}\n    - wait: 1 min\n    - set: {carrier.flow: 10 sccm}\n"
        "    - wait: 1 min\n"},
    {{"when: chamber.pressure > 4 Torr", "when: chamber.pressure > 4 Torr"},
        "on_hold: {at_most: 6 min, then: stop}\n"
        "guard:\n  - {in: coat, tag: bed.speed, within: 0.3 rpm, for: 1 s, else: hold}\n",
        "    - set: {carrier.flow: 70 sccm, bed.speed: 3 rpm}\n    - wait: {until: settled, timeout: 1 min}\n"
        "    - wait: 1 min\n    - rotate: {speed: 3 rpm, reverse_every: 30 s}\n    - wait: 5 min\n"},
};

START_TEST(acts_at_the_same_time)
{
        struct tool *tool = scenario_edited_tool(&acting[_i].edit, 1);
        struct recipe *recipe = steps_recipe(tool, acting[_i].head, acting[_i].steps);

        compare(tool, recipe, 500 * TIME_MS, 0);
        recipe_free(recipe);
        free(tool);
}
END_TEST

/* ---- findings ---- */

static const struct {
        const char *id;
        enum dryrun_severity severity;
        int32_t source_line; /* steps begin at line 6, with a head one later for each line of it */
        enum machine_state ended;
        struct scenario_edit edit;
        const char *head, *steps;
} raises[] = {
    {"over-pressure", DRYRUN_ERROR, 7, MACHINE_ABORTED,
        {"> 5 Torr\n    arm: chamber.pressure < 3", "> 2.2 Torr\n    arm: chamber.pressure < 1"}, "",
        "    - set: {carrier.flow: 70 sccm}\n    - wait: 1 min\n"},
    {"pressure-high", DRYRUN_WARNING, 7, MACHINE_COMPLETE,
        {"when: chamber.pressure > 4 Torr", "when: chamber.pressure > 2 Torr"}, "",
        "    - set: {carrier.flow: 70 sccm}\n    - wait: 1 min\n"},
    {"timeout", DRYRUN_ERROR, 6, MACHINE_HELD, {"k: 13.2", "k: 13.2"}, "",
        "    - wait: {until: chamber.temperature > 300 degC, timeout: 5 min, else: hold}\n"},
    {"timeout", DRYRUN_ERROR, 6, MACHINE_STOPPED, {"k: 13.2", "k: 13.2"}, "",
        "    - wait: {until: chamber.temperature > 300 degC, timeout: 5 min, else: stop}\n"},
    {"timeout", DRYRUN_ERROR, 6, MACHINE_ABORTED, {"k: 13.2", "k: 13.2"}, "",
        "    - wait: {until: chamber.temperature > 300 degC, timeout: 5 min, else: abort}\n"},
    {"timeout", DRYRUN_WARNING, 6, MACHINE_COMPLETE, {"k: 13.2", "k: 13.2"}, "",
        "    - wait: {until: chamber.temperature > 300 degC, timeout: 5 min, else: continue}\n"},
    {"guard", DRYRUN_ERROR, 5, MACHINE_HELD, {"k: 13.2", "k: 13.2"},
        "guard:\n  - {in: coat, tag: bed.speed, within: 0.3 rpm, for: 1 s, else: hold}\n",
        "    - set: {bed.speed: 3 rpm}\n    - wait: {until: settled, timeout: 1 min}\n"
        "    - rotate: {speed: 3 rpm, reverse_every: 30 s}\n    - wait: 2 min\n"},
    /* The permit of niobium is not there yet: its line is told to be hot, and still as cold as its source. */
    {"refused", DRYRUN_ERROR, 7, MACHINE_HELD, {"    nb.line.temperature: 60", "    nb.line.temperature: 40"},
        "",
        "    - set: {carrier.flow: 70 sccm, nb.line.temperature: 60 degC}\n    - pulse: nb\n      for: 1 s\n"
        "    - purge: 20 s\n"},
    /* It is lost while the valve is open. */
    {"precursor-needs-flow", DRYRUN_ERROR, 8, MACHINE_HELD,
        {"chamber.pressure < 10 Torr", "chamber.pressure < 2.5 Torr"}, "",
        "    - set: {carrier.flow: 70 sccm}\n    - wait: 20 s\n    - pulse: water\n      for: 1 s\n"
        "    - purge: 20 s\n"},
    {"leak", DRYRUN_ERROR, 7, MACHINE_HELD, {"  gauge_noise: 0.2 %\n", "  leak: 0.01 sccm\n"}, "",
        "    - set: {carrier.flow: 10 sccm}\n    - leak_check: {for: 1 min, limit: 2 mTorr/min, else: "
        "hold}\n"},
    /* Of the check, though the program has gone on from it. */
    {"leak", DRYRUN_INFO, 7, MACHINE_COMPLETE, {"k: 13.2", "k: 13.2"}, "",
        "    - set: {carrier.flow: 10 sccm}\n    - leak_check: {for: 1 min, limit: 2 mTorr/min, else: "
        "hold}\n    - wait: 1 s\n"},
    {"question", DRYRUN_INFO, 6, MACHINE_COMPLETE, {"k: 13.2", "k: 13.2"}, "",
        "    - confirm: Is the powder loaded?\n      timeout: 10 min\n      else: stop\n"},
    {"expose", DRYRUN_ERROR, 7, MACHINE_HELD, {"k: 13.2", "k: 13.2"}, "",
        "    - set: {carrier.flow: 10 sccm}\n    - expose: {flow: 0 sccm, close_below: 300 mTorr, limit: 1 "
        "Torr, at_most: 4 min}\n"
        "      do:\n        - pulse: water\n          for: 100 ms\n        - wait: 20 s\n    - purge: 20 "
        "s\n"},
    {"cold-line-nb", DRYRUN_WARNING, 7, MACHINE_COMPLETE, {"k: 13.2", "k: 13.2"}, "",
        "    - set: {carrier.flow: 10 sccm, nb.temperature: 80 degC}\n    - wait: 15 min\n"},
};

START_TEST(raises_finding)
{
        struct rig rig =
            rig_steps_on(scenario_edited_tool(&raises[_i].edit, 1), raises[_i].head, raises[_i].steps);
        const struct dryrun_finding *f = find(rig.r, raises[_i].id);

        ck_assert_msg(f->severity == raises[_i].severity && f->source_line == raises[_i].source_line,
            "%s of line %d: %s", dryrun_severity_name(f->severity), (int)f->source_line, f->text);
        ck_assert_str_eq(machine_state_name(rig.r->ended), machine_state_name(raises[_i].ended));
        /* How it ended is told as well, and nothing else. */
        if (rig.r->finding_count != 1 + (rig.r->ended != MACHINE_COMPLETE))
                print_findings(rig.r);
        ck_assert_int_eq(rig.r->finding_count, 1 + (rig.r->ended != MACHINE_COMPLETE));
        if (rig.r->ended != MACHINE_COMPLETE) {
                ck_assert_int_eq(find(rig.r, "end")->severity, DRYRUN_ERROR);
                ck_assert_str_ne(rig.r->reason, "");
        }
        rig_free(&rig);
}
END_TEST

/* A purge of 6 s leaves more than 5 % of the peak, and the tool's limit decides what is said. */
START_TEST(warns_of_overlap)
{
        struct file_set sets[] = {{"cycles", "3"}, {"purge", "8 s"}};
        struct rig rig = rig_file(SUPPORT_RECIPE, sets, 2);
        const struct dryrun_finding *f = find(rig.r, "overlap");

        ck_assert_int_eq(f->severity, DRYRUN_WARNING);
        ck_assert_int_eq(f->count, 3);
        ck_assert_int_eq(f->source_line, line_of(&rig, "nb")->residue_source_line);
        ck_assert_int_eq(rig.r->ended, MACHINE_COMPLETE);
        ck_assert_double_gt(line_of(&rig, "nb")->residue_part, 0.05);
        rig_free(&rig);

        struct scenario_edit edit = {"overlap_limit: 5 %", "overlap_limit: 0 %"};
        struct rig none = {.tool = scenario_edited_tool(&edit, 1)};

        none.recipe = support_recipe(none.tool, SUPPORT_RECIPE, sets, 2);
        rig_run(&none);
        ck_assert_int_eq(none.r->finding_count, 0);
        rig_free(&none);
}
END_TEST

/* All pulses of one line in a cycle are one dose. */
START_TEST(counts_doses)
{
        struct rig rig = rig_steps("",
            "    - set: {carrier.flow: 70 sccm}\n    - wait: 20 s\n    - repeat: 4\n"
            "      do:\n        - repeat: 3\n          do: [{pulse: water, for: 50 ms}, {purge: 6 s}]\n"
            "        - purge: 10 s\n");
        const struct dryrun_line *water = line_of(&rig, "water");

        ck_assert_int_eq(rig.r->ended, MACHINE_COMPLETE);
        ck_assert_int_eq(rig.r->cycles, 4);
        ck_assert_int_eq(water->pulses, 12);
        ck_assert_int_eq(water->coat_doses, 4);
        ck_assert_int_eq(water->dose_pulses, 3);
        ck_assert_double_eq_tol(water->dose_open_us, 150e3, 1e-6);
        ck_assert_double_eq_tol(water->dose_umol * 4, water->delivered_umol, 0.1 * water->delivered_umol);
        rig_free(&rig);
}
END_TEST

/* ---- periods that repeat ---- */

/* One period of water and niobium by hand, moves of uneven length; `odd` makes it another one. */
static void drive_period(struct sim *sim, const struct tool *tool, bool odd)
{
        static const int64_t moves_us[] = {50000, 130000, 410000, 1700000, 9000000};
        int nb = tool_find_tag(tool, "nb.valve"), water = tool_find_tag(tool, "water.valve");

        sim_mark(sim);
        for (int half = 0; half < 2; half++) {
                sim_write(sim, half == 0 ? nb : water, 1);
                sim_advance(sim, sim_time_us(sim) + (half == 0 ? TIME_S : 100 * TIME_MS));
                sim_write(sim, half == 0 ? nb : water, 0);
                for (size_t i = 0; i < sizeof moves_us / sizeof moves_us[0]; i++)
                        sim_advance(sim, sim_time_us(sim) + moves_us[i] + (odd && i == 4 ? 3 * TIME_S : 0));
        }
}

static void same_sims(const struct sim *a, const struct sim *b, const struct tool *tool)
{
        struct sim_gas gas[2];

        ck_assert_double_eq_tol(sim_pressure_torr(a), sim_pressure_torr(b), 1e-8);
        sim_get_gas(a, &gas[0]);
        sim_get_gas(b, &gas[1]);
        ck_assert_double_eq_tol(gas[0].torr_s, gas[1].torr_s, 1e-8 * gas[0].torr_s);
        ck_assert_double_eq_tol(gas[0].in_sccm_s, gas[1].in_sccm_s, 1e-8 * gas[0].in_sccm_s);
        ck_assert_double_eq_tol(gas[0].inert_scc, gas[1].inert_scc, 1e-8 * gas[0].inert_scc);
        for (int i = 0; i < tool->line_count; i++) {
                struct sim_line x, y;

                sim_get_line(a, i, &x);
                sim_get_line(b, i, &y);
                ck_assert_double_eq_tol(x.coverage, y.coverage, 1e-8);
                ck_assert_double_eq_tol(x.residue_umol, y.residue_umol, 1e-8);
                ck_assert_double_eq_tol(x.delivered_umol, y.delivered_umol, 1e-8 * x.delivered_umol);
                ck_assert_double_eq_tol(x.adsorbed_umol, y.adsorbed_umol, 1e-8 * x.adsorbed_umol);
                ck_assert_double_eq_tol(x.exposure_torr_s, y.exposure_torr_s, 1e-8 * x.exposure_torr_s);
        }
}

/* Played back or computed, the plant is the same: in equal periods, in one that differs, after it, and when a fault comes. */
START_TEST(repeats_what_is_equal)
{
        struct tool *tool = support_tool(SUPPORT_TOOL);
        struct sim_config config = {.ready = true, .is_exact = true, .powder_m2 = 0.4};
        struct sim *computed = sim_new(tool, &config), *played;
        char why[128];

        config.may_repeat = true;
        played = sim_new(tool, &config);
        for (int i = 0; i < 240; i++) {
                bool odd = i == 100 || i == 150 || i == 151;

                if (i == 200) {
                        ck_assert(sim_fault(computed, "clog=50 %", why, sizeof why));
                        ck_assert(sim_fault(played, "clog=50 %", why, sizeof why));
                }
                drive_period(computed, tool, odd);
                drive_period(played, tool, odd);
                same_sims(computed, played, tool);
                /* It is known by the fortieth, and again before the next change. */
                if (i == 60 || i == 99 || i == 140 || i == 199)
                        ck_assert_msg(sim_is_repeating(played), "period %d is computed", i);
                if (i == 100 || i == 150 || i == 200)
                        ck_assert_msg(!sim_is_repeating(played), "period %d is played", i);
        }
        ck_assert(!sim_is_repeating(computed));
        sim_free(computed);
        sim_free(played);
        free(tool);
}
END_TEST

static bool give_up(void *ctx, double part)
{
        ck_assert(part >= 0 && part <= 1);
        return --*(int *)ctx > 0;
}

START_TEST(gives_up)
{
        struct rig rig = {.tool = support_tool(SUPPORT_TOOL)};
        int calls = 3;
        struct dryrun_config config = {.tool = rig.tool, .progress = give_up, .ctx = &calls};
        struct file_set sets[] = {{"cycles", "100000"}};

        rig.recipe = support_recipe(rig.tool, SUPPORT_RECIPE, sets, 1);
        config.recipe = rig.recipe;
        rig.d = dryrun_new(&config);
        ck_assert(!dryrun_run(rig.d));
        ck_assert_int_eq(calls, 0);
        rig_free(&rig);
}
END_TEST

/* The core's own promise: turns up to 10 s apart are no lag. */
START_TEST(sparse_turns_are_no_lag)
{
        struct tool *tool = support_tool(SUPPORT_TOOL);
        struct virtual_config config = {
            .sim = {.is_exact = true}, .start = {.store_ok = true}, .sparse_us = 10 * TIME_S};
        struct virtual *v = virtual_new(tool, &config);
        struct core_status status;

        virtual_run(v, 2 * TIME_H);
        core_get_status(virtual_core(v), &status);
        ck_assert_int_eq(status.state, MACHINE_STOPPED);
        ck_assert_int_eq(status.lags, 0);
        ck_assert_int_eq(status.alarms_shown, 0);
        virtual_free(v);
        free(tool);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("dry run");
        TCase *one = tcase_create("reference"), *same = tcase_create("sparse"),
              *told = tcase_create("findings");

        tcase_set_timeout(one, 300);
        tcase_add_test(one, reference_numbers);
        tcase_add_test(one, reference_physics);
        tcase_add_test(one, reference_timeline);
        tcase_add_loop_test(one, shipped_recipes, 0, (int)(sizeof shipped / sizeof shipped[0]));
        tcase_add_test(one, many_cycles);
        tcase_add_test(one, counts_doses);
        tcase_add_test(one, gives_up);
        suite_add_tcase(suite, one);
        tcase_set_timeout(same, 120);
        tcase_add_test(same, sparse_is_dense);
        tcase_add_test(same, sparse_is_dense_lively);
        tcase_add_loop_test(same, acts_at_the_same_time, 0, (int)(sizeof acting / sizeof acting[0]));
        tcase_add_test(same, sparse_turns_are_no_lag);
        tcase_add_test(same, repeats_what_is_equal);
        suite_add_tcase(suite, same);
        tcase_set_timeout(told, 60);
        tcase_add_loop_test(told, raises_finding, 0, (int)(sizeof raises / sizeof raises[0]));
        tcase_add_test(told, warns_of_overlap);
        suite_add_tcase(suite, told);
        return suite_main(suite);
}
