/* Runs that go on where another one was interrupted (core/resume.h): the two of them do the recipe's pulses once each, in order. */
#include "one_scenario.h"
#include "resume_rig.h" /* SUPER */
#include "suite.h"

#include "ald/core/position.h" /* position_compare */
#include "ald/core/resume.h"   /* resume_prepare */

enum { PLACES_MAX = 256, PULSES_MAX = 64 };

/* What the record tells of the last pulse, after each of its rows. */
struct place {
        int64_t cycle;
        char path[64];
        int attempt;
        enum pulse_outcome outcome;
};
static struct place places[PLACES_MAX];
static int place_count;
/* Pulses that were done, in their order. */
static struct {
        int64_t cycle;
        char path[64];
} done[PULSES_MAX];
static int done_count;
static int64_t cycle_begun[PULSES_MAX], cycle_ended[PULSES_MAX];
static int begun_count, ended_count;

static void note_place(const struct record_pulse *p, enum pulse_outcome outcome)
{
        struct place *to = &places[place_count];

        ck_assert_int_lt(place_count, PLACES_MAX);
        *to = (struct place){.cycle = p->cycle, .attempt = p->attempt, .outcome = outcome};
        snprintf(to->path, sizeof to->path, "%s", p->path);
        place_count++;
}

static void keep(struct scenario *s_, const struct record *r)
{
        (void)s_;
        if (r->kind == RECORD_PULSE_START)
                note_place(&r->u.pulse, PULSE_INTERRUPTED); /* as the next start of the daemon finds it */
        if (r->kind == RECORD_CYCLE_START)
                cycle_begun[begun_count++] = r->u.cycle.n;
        if (r->kind == RECORD_CYCLE_END)
                cycle_ended[ended_count++] = r->u.cycle.n;
        if (r->kind != RECORD_PULSE_END)
                return;
        note_place(&r->u.pulse, (enum pulse_outcome)r->u.pulse.outcome);
        if (r->u.pulse.outcome != PULSE_DONE)
                return;
        ck_assert_int_lt(done_count, PULSES_MAX);
        done[done_count].cycle = r->u.pulse.cycle;
        snprintf(done[done_count++].path, sizeof done[0].path, "%s", r->u.pulse.path);
}

static void forget(void)
{
        place_count = done_count = begun_count = ended_count = 0;
}

/* A tool on which the daemon has just started again after a crash. */
static void restart(void)
{
        /* The recipe goes with the scenario, the tool too. */
        if (s != NULL)
                scenario_free(s);
        s = scenario_new(1);
        s->on_record = keep;
        scenario_await(s, MACHINE_ABORTED, 10 * TIME_S);
        ck_assert_int_eq(scenario_do(s, VERB_RESET), 0);
        scenario_await(s, MACHINE_STOPPED, TIME_MIN);
}

static void compile(const char *text)
{
        recipe_free(s->recipe);
        s->recipe = support_recipe_text(s->tool, text, NULL, 0);
}

static bool prepare(const struct place *from, struct resume_refusal *why)
{
        struct resume_from place = {.run_id = 12,
            .cycle = from->cycle,
            .path = from->path,
            .attempt = from->attempt,
            .outcome = from->outcome};

        return resume_prepare(s->recipe, s->tool, &place, why);
}

static void resume(const char *text, const struct place *from)
{
        struct resume_refusal why = {.text = ""};

        compile(text);
        ck_assert_msg(prepare(from, &why), "%s", why.text);
        ck_assert_int_eq(scenario_do(s, VERB_RUN), 0);
        scenario_await(s, MACHINE_EXECUTE, TIME_MIN);
}

static void confirm(void)
{
        ck_assert_str_ne(scenario_status(s).asks, "");
        ck_assert_int_eq(scenario_do(s, VERB_CONFIRM), 0);
}

static int reference_count;
static char reference[PULSES_MAX][96];

static void name_done(int i, char out[96])
{
        snprintf(out, 96, "%lld %s", (long long)done[i].cycle, done[i].path);
}

/* The whole run, uninterrupted: its pulses and what the record told after each row. */
static int learn(const char *text, struct place *all)
{
        forget();
        scenario_free(s);
        s = scenario_new(0);
        s->on_record = keep;
        scenario_await(s, MACHINE_STOPPED, 10 * TIME_S);
        compile(text);
        ck_assert_int_eq(scenario_do(s, VERB_RUN), 0);
        scenario_await(s, MACHINE_COMPLETE, TIME_H);
        reference_count = done_count;
        for (int i = 0; i < done_count; i++)
                name_done(i, reference[i]);
        memcpy(all, places, sizeof places);
        return place_count;
}

static void check_union(const char *what, int first, int second)
{
        char name[96];

        ck_assert_msg(done_count == reference_count, "%s %d, %d: %d pulses, not %d", what, first, second,
            done_count, reference_count);
        for (int i = 0; i < done_count; i++) {
                name_done(i, name);
                ck_assert_msg(strcmp(name, reference[i]) == 0, "%s %d, %d: pulse %d is %s, not %s", what,
                    first, second, i, name, reference[i]);
        }
}

/* What the run did up to its place `n`, as if it ended there. */
static void redo(const struct place *all, int n)
{
        forget();
        for (int i = 0; i < n; i++) {
                places[place_count++] = all[i];
                if (all[i].outcome != PULSE_DONE)
                        continue;
                done[done_count].cycle = all[i].cycle;
                snprintf(done[done_count++].path, sizeof done[0].path, "%s", all[i].path);
        }
}

START_TEST(test_every_half_cycle)
{
        static struct place all[PLACES_MAX];
        int count = learn(SUPER, all);

        ck_assert_int_eq(reference_count, 1 + 2 * 3 + 2 + 1);
        ck_assert_int_eq(count, 2 * reference_count);
        for (int n = 1; n < count; n++) {
                redo(all, n);
                begun_count = ended_count = 0;
                restart();
                resume(SUPER, &all[n - 1]);
                confirm();
                scenario_await(s, MACHINE_COMPLETE, TIME_H);
                check_union("interrupted at", n, 0);
                /* The repeated pulse is an attempt of its own. */
                ck_assert_int_eq(places[n].attempt, all[n - 1].outcome == PULSE_DONE ? 1 : 2);
                /* Cycles go on under their numbers, and the one that was interrupted is begun again. */
                for (int i = 0; i < ended_count; i++)
                        ck_assert_int_eq(cycle_ended[i], 4 - ended_count + i + 1);
                for (int i = 0; i < begun_count; i++)
                        ck_assert_int_eq(cycle_begun[i], 4 - begun_count + i + 1);
                ck_assert_int_ge(begun_count, ended_count);
                ck_assert_int_le(begun_count, 4);
        }
}
END_TEST

START_TEST(test_a_resume_of_a_resume)
{
        static struct place all[PLACES_MAX], second[PLACES_MAX];
        int count = learn(SUPER, all), n = 7;

        /* The second run is interrupted in turn, everywhere behind its first row. */
        redo(all, n);
        restart();
        resume(SUPER, &all[n - 1]);
        confirm();
        scenario_await(s, MACHINE_COMPLETE, TIME_H);
        memcpy(second, places, sizeof places);
        ck_assert_int_gt(place_count, n + 4);
        count = place_count;
        for (int m = n + 1; m < count; m += 2) {
                redo(second, m);
                restart();
                resume(SUPER, &second[m - 1]);
                confirm();
                scenario_await(s, MACHINE_COMPLETE, TIME_H);
                check_union("interrupted at", n, m);
        }
}
END_TEST

/* Held and gone on with, wherever: what was taken up is repeated or runs whole, and no pulse twice. */
START_TEST(test_held_on_the_way)
{
        static struct place all[PLACES_MAX];

        learn(SUPER, all);
        for (int n = 5; n <= 6; n++)
                for (int64_t after_us = 0; after_us < 16 * TIME_S; after_us += 700 * TIME_MS) {
                        redo(all, n);
                        restart();
                        resume(SUPER, &all[n - 1]);
                        confirm();
                        scenario_run(s, after_us);
                        ck_assert_int_eq(scenario_do(s, VERB_HOLD), 0);
                        scenario_await(s, MACHINE_HELD, TIME_MIN);
                        ck_assert_int_eq(scenario_do(s, VERB_RESUME), 0);
                        scenario_await(s, MACHINE_COMPLETE, TIME_H);
                        check_union("held", n, (int)(after_us / TIME_MS));
                }
}
END_TEST

static void check_nothing_dosed(void)
{
        for (int i = 0; i < s->edge_count; i++)
                ck_assert_msg(s->edges[i].value == 0, "%s opened", s->tool->tags[s->edges[i].tag].name);
}

/* S7: nothing is dosed, heated or moved before an operator has confirmed; nobody's answer ends the run. */
START_TEST(test_nobody_answers)
{
        struct place from = {1, "coat[3]/1", 1, PULSE_INTERRUPTED};
        int flow = s->tool->loops[s->tool->carrier].setpoint;
        double before = s->out[flow];

        forget();
        restart();
        before = s->out[flow];
        resume(SUPER, &from);
        scenario_run(s, 29 * TIME_MIN);
        ck_assert_int_eq(scenario_state(s), MACHINE_EXECUTE);
        ck_assert_str_eq(scenario_status(s).phase, "resume");
        ck_assert(s->out[flow] == before);
        scenario_await(s, MACHINE_STOPPED, 5 * TIME_MIN);
        check_nothing_dosed();
        ck_assert_ptr_nonnull(strstr(s->run_end.reason, "nobody confirmed"));
}
END_TEST

START_TEST(test_ended_while_it_prepares)
{
        static const enum verb verbs[] = {VERB_STOP, VERB_ABORT};
        struct place from = {1, "coat[3]/1", 1, PULSE_INTERRUPTED};

        for (int i = 0; i < 4; i++) {
                forget();
                restart();
                resume(SUPER, &from);
                if (i >= 2) {
                        confirm();
                        scenario_run(s, 2 * TIME_S);
                }
                ck_assert_int_eq(scenario_do(s, verbs[i % 2]), 0);
                scenario_await(s, i % 2 == 0 ? MACHINE_STOPPED : MACHINE_ABORTED, TIME_MIN);
                check_nothing_dosed();
                ck_assert_int_eq(s->runs_ended, 1);
        }
}
END_TEST

/* What was taken up is a half-cycle like any other: a stop in it purges whole before `finally`. */
START_TEST(test_stopped_in_the_half_cycle_taken_up)
{
        struct place from = {1, "coat[8]", 1, PULSE_DONE};
        int64_t limit, stopped_us;

        forget();
        restart();
        resume(SUPER, &from);
        confirm();
        limit = virtual_now(s->v) + TIME_MIN;
        while (strcmp(scenario_status(s).phase, "coat") != 0) {
                ck_assert_int_lt(virtual_now(s->v), limit);
                virtual_run(s->v, virtual_now(s->v) + 10 * TIME_MS);
        }
        stopped_us = virtual_now(s->v);
        ck_assert_int_eq(scenario_do(s, VERB_STOP), 0);
        scenario_await(s, MACHINE_STOPPED, TIME_MIN);
        ck_assert_int_ge(virtual_now(s->v) - stopped_us, (7 + 1) * TIME_S);
        check_nothing_dosed();
}
END_TEST

/* ---- the preparation ---- */

static void list_preparation(char *out, size_t cap)
{
        struct text t;

        text_init(&t, out, cap);
        for (int32_t i = s->recipe->resume.first; s->recipe->ops[i].kind != RECIPE_RESUMED; i++) {
                text_add(&t, "%s", t.len > 0 ? "; " : "");
                core_describe_op(&t, s->tool, s->recipe, i);
        }
}

static void check_preparation(const char *text, struct place from, const char *wanted)
{
        struct resume_refusal why = {.text = ""};
        char told[1024];

        compile(text);
        ck_assert_msg(prepare(&from, &why), "%s", why.text);
        list_preparation(told, sizeof told);
        ck_assert_str_eq(told, wanted);
        ck_assert_int_eq(s->recipe->ops[s->recipe->op_count - 1].kind, RECIPE_END);
}

#define ASKS(how) "confirm: Go on with run 12 " how " Same powder, the chamber not opened since?; "

/* As the program would have come there: in a loop's first pass what stands behind the place was not yet, later it was. */
START_TEST(test_what_was_in_force)
{
        check_preparation(SUPER, (struct place){1, "coat[3]/2", 1, PULSE_INTERRUPTED},
            ASKS("at cycle 1: pulse nb again (attempt 2)?") "set bed.speed 3 rpm; set carrier.flow 70 sccm; "
                                                            "wait until settled; purge 12 s");
        check_preparation(SUPER, (struct place){1, "coat[8]", 3, PULSE_CUT},
            ASKS("at cycle 1: pulse water again (attempt 4)?") "set bed.speed 3 rpm; set carrier.flow 50 "
                                                               "sccm; wait until settled; purge 12 s");
        check_preparation(SUPER, (struct place){0, "prepare[3]", 1, PULSE_DONE},
            ASKS("at cycle 0, behind its pulse water?") "set carrier.flow 70 sccm; set bed.speed 3 rpm; wait "
                                                        "until settled; purge 12 s");
        check_preparation(SUPER, (struct place){3, "more[2]", 1, PULSE_DONE},
            ASKS("at cycle 3, behind its pulse water?") "set bed.speed 3 rpm; set carrier.flow 50 sccm; wait "
                                                        "until settled; purge 12 s");
}
END_TEST

#define LOOP                                                                                                 \
        "format: 1\nrecipe: loop\ntitle: t\ntool: rotary-ald\nphases:\n  coat:\n"                            \
        "    - repeat: 3\n      do:\n"                                                                       \
        "        - {pulse: water, for: 50 ms}\n        - purge: 6 s\n"                                       \
        "        - set: {carrier.flow: 50 sccm}\n        - purge: 6 s\n"                                     \
        "        - rotate: {speed: 3 rpm, reverse_every: 20 s, stop_in: pulse, lead: 2 s}\n"

START_TEST(test_what_a_pass_before_left)
{
        check_preparation(LOOP, (struct place){1, "coat[1]", 1, PULSE_DONE},
            ASKS("at cycle 1, behind its pulse water?") "wait until settled; purge 6 s");
        check_preparation(LOOP, (struct place){2, "coat[1]", 1, PULSE_DONE},
            ASKS("at cycle 2, behind its pulse water?") "set carrier.flow 50 sccm; wait until settled; "
                                                        "rotate bed at 3 rpm, reversed every 20 s; "
                                                        "purge 6 s");
}
END_TEST

/* Sources heat last, when the lines are warm, and all stays as long as the recipe says. */
START_TEST(test_the_shipped_recipe)
{
        struct place from = {30, "coat[3]", 1, PULSE_INTERRUPTED};
        struct resume_refusal why = {.text = ""};
        char told[1024];

        recipe_free(s->recipe);
        s->recipe = support_recipe(s->tool, SUPPORT_RECIPE, NULL, 0);
        ck_assert_msg(prepare(&from, &why), "%s", why.text);
        list_preparation(told, sizeof told);
        ck_assert_str_eq(told,
            ASKS("at cycle 30: pulse water again (attempt 2)?") "set bed.speed 3 rpm; set carrier.flow 70 "
                                                                "sccm; set chamber.temperature 175 degC; "
                                                                "set nb.line.temperature 130 degC; set "
                                                                "block.temperature 130 degC; set "
                                                                "trap.temperature 130 degC; "
                                                                "wait until settled; set nb.temperature 110 "
                                                                "degC; wait until settled for 10 min 00 s; "
                                                                "purge 20 s");
        /* What is left: the purge of the preparation, a pulse of 100 ms, its purge, and `finally` apart. */
        ck_assert_int_eq(s->recipe->timed_us, 20 * TIME_S + 100 * TIME_MS + 20 * TIME_S);
        ck_assert_int_eq(s->recipe->cycles, 30);
}
END_TEST

/* ---- refusals ---- */

#define IN_COAT "format: 1\nrecipe: r\ntitle: t\ntool: rotary-ald\nphases:\n  coat:\n"
#define DOSE    "    - {pulse: water, for: 50 ms}\n    - purge: 6 s\n"
#define SEARCH                                                                                               \
        "    - repeat: 3\n      until: chamber.pressure < 2 Torr\n      else: continue\n"                    \
        "      do: [{pulse: water, for: 50 ms}, {purge: 6 s}]\n"

static const struct {
        const char *text;
        struct place from;
        const char *words;
} refusals[] = {
    {SUPER, {3, "coat[3]/2", 1, PULSE_DONE}, "is no place"},
    {SUPER, {0, "coat[3]/2", 1, PULSE_DONE}, "is no place"},
    {SUPER, {1, "coat[3]/3", 1, PULSE_DONE}, "is no place"},
    {SUPER, {1, "coat[3]/0", 1, PULSE_DONE}, "is no place"},
    {SUPER, {1, "coat[3]", 1, PULSE_DONE}, "is no place"},
    {SUPER, {1, "coat[3]/1/1", 1, PULSE_DONE}, "is no place"},
    {SUPER, {1, "coat[3]/1x", 1, PULSE_DONE}, "is no place"},
    {SUPER, {1, "coat[4]/1", 1, PULSE_DONE}, "is no place"},
    {SUPER, {1, "coat[99]/1", 1, PULSE_DONE}, "is no place"},
    {SUPER, {1, "coat[99999999999999999999]", 1, PULSE_DONE}, "is no place"},
    {SUPER, {1, "coat", 1, PULSE_DONE}, "is no place"},
    {SUPER, {1, "[3]/1", 1, PULSE_DONE}, "is no place"},
    {SUPER, {1, "", 1, PULSE_DONE}, "is no place"},
    {SUPER, {1, "other[1]", 1, PULSE_DONE}, "is no place"},
    {SUPER, {1, "prepare[3]", 1, PULSE_DONE}, "is no place"},
    {SUPER, {INT64_MAX, "coat[3]/2", 1, PULSE_DONE}, "is no place"},
    {SUPER, {1, "coat[3]/2", 0, PULSE_DONE}, "is no pulse of a run"},
    {SUPER, {4, "last[1]", 1, PULSE_DONE}, "behind its last pulse"},
    {IN_COAT SEARCH DOSE, {1, "coat[1]", 1, PULSE_DONE}, "a loop around line 10 that ends on a condition"},
    /* How many cycles the search had, the recipe does not tell. */
    {IN_COAT SEARCH DOSE DOSE, {2, "coat[4]", 1, PULSE_DONE}, "is no place"},
    {IN_COAT DOSE "    - expose: {flow: 0 sccm, close_below: 2 Torr, limit: 4 Torr, at_most: 40 s}\n"
                  "      do: [{pulse: nb, for: 200 ms}, {wait: 3 s}]\n    - purge: 6 s\n" DOSE,
        {0, "coat[3]", 1, PULSE_DONE}, "in an expose"},
    {IN_COAT DOSE "    - vent: {flow: 100 sccm, until: chamber.atmosphere, timeout: 2 h}\n"
                  "    - pump_down: {soft: 10 Torr, until: chamber.pressure < 1 Torr, timeout: 1 h}\n"
                  "    - set: {carrier.flow: 20 sccm}\n    - purge: 6 s\n" DOSE,
        {0, "coat[0]", 1, PULSE_INTERRUPTED}, "vents"},
};

START_TEST(test_refusals)
{
        struct resume_refusal why = {.text = ""};
        int32_t ops;

        compile(refusals[_i].text);
        ops = s->recipe->op_count;
        ck_assert_msg(!prepare(&refusals[_i].from, &why), "%d was taken", _i);
        ck_assert_msg(strstr(why.text, refusals[_i].words) != NULL, "%d: %s", _i, why.text);
        ck_assert_str_ne(why.hint, "");
        /* As it was. */
        ck_assert_int_eq(s->recipe->op_count, ops);
        ck_assert_int_eq(s->recipe->resume.run_id, 0);
}
END_TEST

#define ASKING SUPER "on_hold: {at_most: 2 min, then: stop, resume: ask}\n"

START_TEST(test_the_recipe_asks)
{
        struct resume_from from = {
            .run_id = 12, .cycle = 1, .path = "coat[3]/2", .attempt = 2, .outcome = PULSE_INTERRUPTED};
        struct resume_refusal why = {.text = ""};

        compile(ASKING);
        ck_assert(!resume_prepare(s->recipe, s->tool, &from, &why));
        ck_assert_ptr_nonnull(strstr(why.text, "asks what to do"));
        from.skip = true;
        ck_assert(resume_prepare(s->recipe, s->tool, &from, &why));
        ck_assert_int_eq(s->recipe->resume.attempt, 0);
        from.skip = false;
        from.repeat = true;
        compile(ASKING);
        ck_assert(resume_prepare(s->recipe, s->tool, &from, &why));
        ck_assert_int_eq(s->recipe->resume.attempt, 2);
        /* A pulse that never opened is no question, nor one that was done. */
        from.repeat = false;
        from.outcome = PULSE_REVOKED;
        compile(ASKING);
        ck_assert(resume_prepare(s->recipe, s->tool, &from, &why));
        ck_assert_int_eq(s->recipe->resume.attempt, 2);
        from.repeat = true;
        from.outcome = PULSE_DONE;
        compile(ASKING);
        ck_assert(!resume_prepare(s->recipe, s->tool, &from, &why));
        ck_assert_ptr_nonnull(strstr(why.text, "nothing to repeat or skip"));
}
END_TEST

/* Every pulse of the program is found again by what the record calls it, and they compare as they come. */
START_TEST(test_places)
{
        struct position at, found, last = {.op = -1};
        struct position_move move;
        int64_t cycle = 0;
        int pulses = 0;

        compile(SUPER);
        position_start(&at, 0);
        while (s->recipe->ops[at.op].kind != RECIPE_END) {
                char path[64];
                struct text t;

                text_init(&t, path, sizeof path);
                position_add_path(&t, &at, s->recipe);
                if (s->recipe->ops[at.op].kind == RECIPE_PULSE) {
                        ck_assert_msg(position_find(s->recipe, cycle, path, &found), "%s", path);
                        ck_assert_int_eq(position_compare(&found, &at), 0);
                        ck_assert_int_gt(position_compare(&at, &last), 0);
                        ck_assert_int_lt(position_compare(&last, &at), 0);
                        last = at;
                        pulses++;
                }
                position_advance(&at, s->recipe, &move);
                cycle += move.cycles_begun;
        }
        ck_assert_int_eq(pulses, (int)s->recipe->pulses);
}
END_TEST

static void setup_crashed(void)
{
        forget();
        s = NULL;
        restart();
}

int main(void)
{
        Suite *suite = suite_create("resume");
        TCase *runs = tcase_create("runs"), *plans = tcase_create("plans");

        tcase_add_checked_fixture(runs, setup_crashed, teardown);
        tcase_set_timeout(runs, 120);
        tcase_add_test(runs, test_every_half_cycle);
        tcase_add_test(runs, test_a_resume_of_a_resume);
        tcase_add_test(runs, test_held_on_the_way);
        tcase_add_test(runs, test_nobody_answers);
        tcase_add_test(runs, test_ended_while_it_prepares);
        tcase_add_test(runs, test_stopped_in_the_half_cycle_taken_up);
        tcase_add_checked_fixture(plans, setup_crashed, teardown);
        tcase_add_test(plans, test_what_was_in_force);
        tcase_add_test(plans, test_what_a_pass_before_left);
        tcase_add_test(plans, test_the_shipped_recipe);
        tcase_add_loop_test(plans, test_refusals, 0, sizeof refusals / sizeof refusals[0]);
        tcase_add_test(plans, test_the_recipe_asks);
        tcase_add_test(plans, test_places);
        suite_add_tcase(suite, runs);
        suite_add_tcase(suite, plans);
        return suite_main(suite);
}
