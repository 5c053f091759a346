/* A trip at every event of a reference run (SAFETY T1, T3, V3, V4): the run is walked once; before each of its turns the
 * machine is copied, the trip is injected into the copy, and the wire says whether all is safe within the budget.
 * TRIP_TELL=1 says how many there were. */
#include "scenario.h"

#include "ald/core/interlock.h" /* INTERLOCK_FIRST_VALUE_US */

enum { TURNS_MAX = 20000 };

#define CONFIRM_US (250 * TIME_MS)  /* all outputs confirmed safe (SAFETY, budgets) */
#define AFTER_US   (1500 * TIME_MS) /* how long it is watched afterwards */

enum kind { EMO, OVER_TEMPERATURE, LOST_GAUGE, ABORT, WATCHDOG, KINDS };

static const struct {
        const char *first_out; /* NULL: a command latches nothing */
        const char *tag;       /* a sample of which trips */
        double value;
        int64_t grace_us; /* from the first such sample to the decision */
        const char *trip; /* whose `set` is over the image */
} kinds[KINDS] = {
    [EMO] = {"emergency-stop", "emo.ok", 0, 0, "emergency-stop"},
    [OVER_TEMPERATURE] = {"over-temperature", "heater.over-temperature", 1, 0, "over-temperature"},
    [LOST_GAUGE] = {"over-pressure", "chamber.pressure", NAN, 500 * TIME_MS, "over-pressure"},
    [ABORT] = {NULL, NULL, 0, 0, NULL},
    [WATCHDOG] = {"watchdog-valve-io", NULL, 0, 0, NULL},
};

/* The trial under way. */
static struct trial {
        enum kind kind;
        int at; /* turn after which it is injected */
        bool is_injected, is_decided;
        int64_t injected_us, decided_us;
        double image[TOOL_TAGS_MAX]; /* what every output must be */
        bool is_pulsing;             /* as it is injected or decided */
        bool is_over;                /* the run had ended before */
} trial;

#define TRIAL_CHECK(ok, what, ...)                                                                           \
        ck_assert_msg(ok, "%s injected after turn %d: " what, trial_name(), trial.at, __VA_ARGS__)

static const char *trial_name(void)
{
        static const char *const names[KINDS] = {
            "EMO", "over-temperature", "lost gauge", "abort", "watchdog"};

        return names[trial.kind];
}

/* The abort image, and what the trip sets beyond it: read from the tool by this test, not asked of the core. */
static void make_image(const struct tool *tool)
{
        for (int i = 0; i < tool->tag_count; i++)
                trial.image[i] = tool->tags[i].image[TOOL_IMAGE_ABORT].value;
        for (int i = 0; i < tool->interlock_count && kinds[trial.kind].trip != NULL; i++)
                for (int k = 0; k < tool->interlocks[i].set_count; k++)
                        if (strcmp(tool->interlocks[i].id, kinds[trial.kind].trip) == 0)
                                trial.image[tool->interlocks[i].set[k].tag] =
                                    tool->interlocks[i].set[k].value;
}

/* The module's outputs fall by themselves, and it takes no writes until it is restarted. */
static void expire(struct scenario *s)
{
        int device = tool_find_device(s->tool, "valve-io");
        struct event e = {.kind = EVENT_WATCHDOG,
            .u.watchdog = {.device = (int16_t)device, .status = TOOL_WATCHDOG_EXPIRED}};

        sim_device_safe(virtual_sim(s->v), device);
        for (int i = 0; i < s->tool->tag_count; i++)
                if (s->tool->tags[i].is_output && s->tool->tags[i].device == device)
                        s->out[i] = s->tool->tags[i].safe;
        s->deaf_device = device;
        virtual_event(s->v, &e);
}

static void inject(struct scenario *s)
{
        trial.is_injected = true;
        trial.injected_us = virtual_now(s->v);
        for (int i = 0; i < s->tool->line_count; i++)
                trial.is_pulsing = trial.is_pulsing || s->out[s->tool->lines[i].valve] != 0;
        if (kinds[trial.kind].tag != NULL) {
                s->bad_tag = scenario_tag(s, kinds[trial.kind].tag);
                s->bad_value = kinds[trial.kind].value;
        } else if (trial.kind == ABORT) {
                scenario_do(s, VERB_ABORT);
        } else {
                expire(s);
        }
}

/* The turn that decides: Aborting, and every output at its image on the wire by what this very turn ordered. Only a
 * valve that a pulse holds closes by its revoke, which is carried out at the same time but after this. */
static void see_decision(struct scenario *s)
{
        enum machine_state state = scenario_state(s);

        if (state != MACHINE_ABORTING && state != MACHINE_ABORTED) {
                trial.is_over = s->runs_ended > 0;
                return;
        }
        trial.is_decided = true;
        trial.decided_us = virtual_now(s->v);
        s->edge_count = 0;
        for (int i = 0; i < s->tool->tag_count; i++)
                if (s->tool->tags[i].class == TOOL_CLASS_PRECURSOR)
                        trial.is_pulsing = trial.is_pulsing || s->out[i] != 0;
                else if (s->tool->tags[i].is_output)
                        TRIAL_CHECK(s->has_out[i] && s->out[i] == trial.image[i],
                            "T1: the turn that decided left %s at %g", s->tool->tags[i].name, s->out[i]);
}

static void on_turn(struct scenario *s)
{
        if (!trial.is_injected && s->turns == trial.at)
                inject(s);
        else if (trial.is_injected && !trial.is_decided)
                see_decision(s);
}

/* A trip closes at the instant of its decision. A gauge that is lost takes a permit away long before it trips: its first
 * bad sample closes. */
static void check_closes(struct scenario *s)
{
        bool is_permit = trial.kind == LOST_GAUGE;
        int64_t by_us = is_permit ? trial.injected_us + 50 * TIME_MS : trial.decided_us;

        for (int i = 0; i < s->tool->line_count; i++)
                TRIAL_CHECK(s->closed_us[s->tool->lines[i].valve] <= by_us, "%s: %s was closed too late",
                    is_permit ? "V4" : "T1", s->tool->lines[i].name);
}

static void check_safe(struct scenario *s, const char *when)
{
        for (int i = 0; i < s->tool->tag_count; i++)
                if (s->tool->tags[i].is_output)
                        TRIAL_CHECK(s->out[i] == trial.image[i], "T1: %s is %g %s", s->tool->tags[i].name,
                            s->out[i], when);
}

/* V4: since the decision. */
static void check_opens(struct scenario *s)
{
        for (int i = 0; i < s->edge_count; i++)
                TRIAL_CHECK(
                    s->edges[i].value == 0, "V4: %s opened afterwards", s->tool->tags[s->edges[i].tag].name);
}

static void check_record(struct scenario *s)
{
        struct core_status status = scenario_status(s);
        const char *first = kinds[trial.kind].first_out;

        TRIAL_CHECK(status.state == MACHINE_ABORTED, "V6: the state is %s", machine_state_name(status.state));
        TRIAL_CHECK(status.unconfirmed_count == 0, "V6: not confirmed: %s", status.unconfirmed);
        TRIAL_CHECK(
            s->runs_ended == 1 && strcmp(s->run_end.state, trial.is_over ? "Complete" : "Aborted") == 0,
            "the run's record was closed %d times, at last as %s", s->runs_ended, s->run_end.state);
        if (first == NULL)
                TRIAL_CHECK(status.latch_count == 0, "T3: %s is latched", status.latches[0].id);
        else
                TRIAL_CHECK(status.latch_count > 0 && strcmp(status.latches[0].id, first) == 0,
                    "T3: the first-out is %s", status.latch_count > 0 ? status.latches[0].id : "none");
}

/* The copied machine, with the trip. */
static void try_trip(struct scenario *s, enum kind kind, int at)
{
        bool is_aborted;

        trial = (struct trial){.kind = kind, .at = at};
        make_image(s->tool);
        while (!trial.is_decided) {
                virtual_run(s->v, virtual_now(s->v) + TIME_MS);
                TRIAL_CHECK(!trial.is_injected || trial.is_decided ||
                                virtual_now(s->v) - trial.injected_us <= kinds[kind].grace_us + 60 * TIME_MS,
                    "T1: no decision%s", "");
        }
        check_safe(s, "after the instant of the decision");
        check_closes(s);
        is_aborted = virtual_run_to(s->v, MACHINE_ABORTED, trial.decided_us + CONFIRM_US);
        check_opens(s);
        TRIAL_CHECK(is_aborted, "T1: not confirmed in time: %s", scenario_status(s).unconfirmed);
        virtual_run(s->v, virtual_now(s->v) + AFTER_US);
        check_opens(s);
        check_safe(s, "afterwards");
        check_record(s);
}

/* Make `to` the machine that `from` is; what it saw before does not matter. */
static void fork_scenario(struct scenario *to, const struct scenario *from)
{
        virtual_copy(to->v, from->v);
        memcpy(to->out, from->out, sizeof to->out);
        memcpy(to->has_out, from->has_out, sizeof to->has_out);
        memcpy(to->closed_us, from->closed_us, sizeof to->closed_us);
        to->turns = from->turns;
        to->edge_count = to->event_count = to->pulse_count = to->runs_ended = 0;
        to->bad_tag = to->deaf_device = -1;
        to->on_turn = on_turn;
}

/* ---- the reference run ---- */

static int64_t turn_us[TURNS_MAX]; /* when each turn was, from the run's beginning on */

static void note_turn(struct scenario *s)
{
        ck_assert_int_lt(s->turns, TURNS_MAX);
        turn_us[s->turns] = virtual_now(s->v);
}

static struct scenario *begin_run(struct tool *tool)
{
        struct scenario *s = scenario_new_with(tool, 0);

        scenario_await(s, MACHINE_STOPPED, TIME_MIN);
        scenario_run(
            s, INTERLOCK_FIRST_VALUE_US); /* from here on no input is borne for want of a first value */
        s->on_turn = note_turn;
        scenario_start(s, "2", "5 s");
        return s;
}

START_TEST(test_trip_at_every_event)
{
        int trials = 0, pulsing = 0;
        struct scenario *walk = begin_run(support_tool(SUPPORT_TOOL)), *s;
        int first = walk->turns + 1, last;

        scenario_await(walk, MACHINE_COMPLETE, TIME_H);
        last = walk->turns;
        scenario_free(walk);
        walk = begin_run(support_tool(SUPPORT_TOOL));
        s = calloc(1, sizeof *s);
        ck_assert_ptr_nonnull(s);
        *s = (struct scenario){.tool = walk->tool};
        scenario_begin(s, 0);
        for (int at = first; at < last; at++) {
                if (turn_us[at] - 1 > virtual_now(walk->v))
                        virtual_run(walk->v, turn_us[at] - 1);
                ck_assert_int_lt(walk->turns, at);
                fork_scenario(s, walk);
                try_trip(s, (enum kind)_i, at);
                pulsing += trial.is_pulsing;
                trials++;
        }
        if (getenv("TRIP_TELL") != NULL)
                fprintf(stderr, "%s: %d turns, %d trials, %d within a pulse\n", trial_name(), last - first,
                    trials, pulsing);
        ck_assert_int_gt(pulsing, 0);
        virtual_free(s->v);
        free(s);
        scenario_free(walk);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("trip everywhere");
        TCase *tc = tcase_create("every event");

        tcase_set_timeout(tc, 600);
        tcase_add_loop_test(tc, test_trip_at_every_event, 0, KINDS);
        suite_add_tcase(suite, tc);
        return support_main(suite);
}
