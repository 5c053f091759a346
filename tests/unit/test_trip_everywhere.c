/* A trip at every event of a run (SAFETY T1, T3, V3, V4, V6): the run is walked once; before each of its turns the machine
 * is copied, the trip is injected into the copy, and the wire says whether all is safe within the budget. Two runs are
 * walked: the reference recipe, and one with what else the tool can do: operation by hand, vent and pump-down, leak check,
 * rotation, expose, a search, a reactive gas, a suspend, and a hold.
 * TRIP_TELL=1 says how many there were, and how long each took in virtual time. */
#include "scenario.h"
#include "suite.h"

#include "ald/core/interlock.h" /* INTERLOCK_FIRST_VALUE_US */

enum { TURNS_MAX = 20000 };

#define CONFIRM_US (250 * TIME_MS)  /* all outputs confirmed safe (SAFETY, budgets) */
#define AFTER_US   (1500 * TIME_MS) /* how long it is watched afterwards */

#define SENTENCES_TOOL "tests/table/tool-sentences.yaml"

enum kind { EMO, OVER_TEMPERATURE, LOST_GAUGE, ABORT, WATCHDOG, HOLD_TRIP, STOP_TRIP, KINDS };

static const struct {
        const char *name;
        enum tool_action act;
        const char *first_out; /* NULL: a command latches nothing */
        const char *tag;       /* a sample of which trips */
        double value;
        int64_t grace_us; /* from the first such sample to the decision */
        const char *trip; /* whose `set` is over the image */
} kinds[KINDS] = {
    [EMO] = {"EMO", TOOL_ACT_ABORT, "emergency-stop", "emo.ok", 0, 0, "emergency-stop"},
    [OVER_TEMPERATURE] = {"over-temperature", TOOL_ACT_ABORT, "over-temperature", "heater.over-temperature",
        1, 0, "over-temperature"},
    [LOST_GAUGE] = {"lost gauge", TOOL_ACT_ABORT, "over-pressure", "chamber.pressure", NAN, 500 * TIME_MS,
        "over-pressure"},
    [ABORT] = {"abort", TOOL_ACT_ABORT, NULL, NULL, 0, 0, NULL},
    [WATCHDOG] = {"watchdog", TOOL_ACT_ABORT, "watchdog-valve-io", NULL, 0, 0, NULL},
    [HOLD_TRIP] = {"hold trip", TOOL_ACT_HOLD, "block-hot", "block.temperature", 160, 0, "block-hot"},
    [STOP_TRIP] = {"stop trip", TOOL_ACT_STOP, "trap-hot", "trap.temperature", 160, 0, "trap-hot"},
};

/* The trial under way. */
static struct trial {
        enum kind kind;
        int at; /* turn after which it is injected */
        bool is_injected, is_decided;
        int64_t injected_us, decided_us;
        double image[TOOL_TAGS_MAX];           /* what every output must be */
        bool is_pulsing;                       /* as it is injected or decided */
        enum machine_state before;             /* in which it is decided */
        bool in_run, was_vented, was_exposing; /* then */
        bool is_up_or_down; /* then: vent and pump-down shut the exhaust as steps, not as a block */
        int ended;          /* runs, from the copy on, before it */
} trial;

/* What is walked, and how far its people are. */
struct route {
        const char *name;
        struct scenario *(*begin)(void);
        void (*drive)(struct scenario *s); /* after each turn */
};
static struct script {
        const struct route *route;
        bool is_started, is_over;
        int runs_ended, deed;
        int64_t deed_us;
} script;

static struct {
        int64_t decided_us, confirmed_us;
} longest;
#define note_longest(which, us) (longest.which = (us) > longest.which ? (us) : longest.which)

#define TRIAL_CHECK(ok, what, ...)                                                                           \
        ck_assert_msg(ok, "%s injected after turn %d, %s: " what, kinds[trial.kind].name, trial.at,          \
            machine_state_name(trial.before), __VA_ARGS__)

/* What the trip must bring about at once, read from the tool by this test, not asked of the core: NaN = nothing. An abort
 * and what its trip sets beyond the image; a hold's image; a stop closes what doses, and the rest follows in order. */
static void make_image(const struct tool *tool)
{
        enum tool_action act = kinds[trial.kind].act;

        for (int i = 0; i < tool->tag_count; i++) {
                const struct tool_tag *t = &tool->tags[i];

                trial.image[i] = NAN;
                if (act == TOOL_ACT_ABORT)
                        trial.image[i] = t->image[TOOL_IMAGE_ABORT].value;
                else if (act == TOOL_ACT_HOLD && !t->image[TOOL_IMAGE_HOLD].keep)
                        trial.image[i] = t->image[TOOL_IMAGE_HOLD].value;
                else if (t->is_output && t->class != TOOL_CLASS_PLAIN)
                        trial.image[i] = t->safe;
        }
        for (int i = 0; i < tool->interlock_count && kinds[trial.kind].trip != NULL; i++)
                for (int k = 0; k < tool->interlocks[i].set_count; k++)
                        if (strcmp(tool->interlocks[i].id, kinds[trial.kind].trip) == 0)
                                trial.image[tool->interlocks[i].set[k].tag] =
                                    tool->interlocks[i].set[k].value;
}

static bool is_due(const struct tool *tool, int tag)
{
        return tool->tags[tag].is_output && !isnan(trial.image[tag]);
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

/* A vent disarms what is armed (DESIGN): there the lost gauge is no trip. */
static bool is_armed(struct scenario *s)
{
        for (int i = 0; i < s->tool->interlock_count && kinds[trial.kind].trip != NULL; i++) {
                struct core_interlock now;

                core_get_interlock(virtual_core(s->v), i, &now);
                if (strcmp(s->tool->interlocks[i].id, kinds[trial.kind].trip) == 0)
                        return now.is_armed;
        }
        return true;
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

static bool is_decided(const struct core_status *status)
{
        if (kinds[trial.kind].act == TOOL_ACT_ABORT)
                return status->state == MACHINE_ABORTING || status->state == MACHINE_ABORTED;
        return status->latch_count > 0;
}

/* The turn that decides: every output that is due at its image on the wire by what this very turn ordered. Only a valve that
 * a pulse holds closes by its revoke, which is carried out at the same time but after this. */
static void see_decision(struct scenario *s)
{
        struct core_status status = scenario_status(s);

        if (!is_decided(&status)) {
                trial.before = status.state;
                trial.in_run = script.is_started && script.runs_ended + s->runs_ended == 0;
                trial.was_vented = status.is_vented;
                trial.was_exposing = status.is_exposing;
                trial.is_up_or_down =
                    strcmp(status.phase, "air") == 0 && strncmp(status.step, "leak", 4) != 0;
                trial.ended = s->runs_ended;
                return;
        }
        trial.is_decided = true;
        trial.decided_us = virtual_now(s->v);
        s->edge_count = 0;
        for (int i = 0; i < s->tool->tag_count; i++)
                if (s->tool->tags[i].class == TOOL_CLASS_PRECURSOR)
                        trial.is_pulsing = trial.is_pulsing || s->out[i] != 0;
                else if (is_due(s->tool, i))
                        TRIAL_CHECK(s->has_out[i] && s->out[i] == trial.image[i],
                            "T1: the turn that decided left %s at %g", s->tool->tags[i].name, s->out[i]);
}

static void on_turn(struct scenario *s)
{
        if (trial.is_decided)
                return;
        see_decision(s);
        if (trial.is_injected)
                return;
        if (s->turns == trial.at)
                inject(s);
        else
                script.route->drive(s);
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
                if (is_due(s->tool, i))
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

static bool is_bed(const struct scenario *s, const char *name)
{
        for (int i = 0; i < s->tool->loop_count; i++)
                if (s->tool->loops[i].kind == TOOL_LOOP_MOTOR)
                        return strcmp(s->tool->tags[s->tool->loops[i].setpoint].name, name) == 0;
        return false;
}

static void check_rest(struct scenario *s, enum machine_state state)
{
        struct core_status status = scenario_status(s);
        const char *first = kinds[trial.kind].first_out;

        TRIAL_CHECK(status.state == state, "V6: the state is %s", machine_state_name(status.state));
        /* A bed that turns to and fro does so in a hold too. */
        TRIAL_CHECK(status.unconfirmed_count == 0 || (state == MACHINE_HELD && is_bed(s, status.unconfirmed)),
            "V6: not confirmed: %s", status.unconfirmed);
        if (first == NULL)
                TRIAL_CHECK(status.latch_count == 0, "T3: %s is latched", status.latches[0].id);
        else
                TRIAL_CHECK(status.latch_count > 0 && strcmp(status.latches[0].id, first) == 0,
                    "T3: the first-out is %s", status.latch_count > 0 ? status.latches[0].id : "none");
}

static void check_run(struct scenario *s, int ended, const char *as)
{
        TRIAL_CHECK(
            s->runs_ended == trial.ended + ended, "the run's record was closed %d times", s->runs_ended);
        TRIAL_CHECK(ended == 0 || strcmp(s->run_end.state, as) == 0, "the run's record was closed as %s",
            s->run_end.state);
}

static void check_aborted(struct scenario *s)
{
        check_rest(s, MACHINE_ABORTED);
        check_run(s, trial.in_run, "Aborted");
}

/* V6, V9: a hold keeps the rest, and no block outlasts it. The bed may turn on. */
static void check_held(struct scenario *s)
{
        const struct tool *tool = s->tool;

        check_rest(s, MACHINE_HELD);
        check_run(s, 0, "");
        TRIAL_CHECK(!scenario_status(s).is_exposing, "V9: still exposing%s", "");
        TRIAL_CHECK(trial.is_up_or_down || s->out[tool->exhaust] != 0, "V9: the exhaust is closed%s", "");
        TRIAL_CHECK(!trial.was_exposing || s->out[tool->loops[tool->carrier].setpoint] > 0,
            "V9: no carrier after an expose%s", "");
}

/* V6: the standby image, but for what a vent left as it is. */
static void check_stopped(struct scenario *s)
{
        const struct tool *tool = s->tool;

        check_rest(s, MACHINE_STOPPED);
        check_run(s, 1, "Stopped");
        for (int i = 0; i < tool->tag_count; i++) {
                bool stays = trial.was_vented && (i == tool->exhaust || i == tool->vent || i == tool->soft);

                if (tool->tags[i].is_output && !stays)
                        TRIAL_CHECK(s->out[i] == tool->tags[i].image[TOOL_IMAGE_STANDBY].value,
                            "V6: %s is %g", tool->tags[i].name, s->out[i]);
        }
}

static void settle(struct scenario *s)
{
        virtual_run(s->v, virtual_now(s->v) + AFTER_US);
        check_opens(s);
        check_safe(s, "afterwards");
}

static void follow_abort(struct scenario *s)
{
        bool is_aborted = virtual_run_to(s->v, MACHINE_ABORTED, trial.decided_us + CONFIRM_US);

        note_longest(confirmed_us, virtual_now(s->v) - trial.decided_us);
        TRIAL_CHECK(is_aborted, "T1: not confirmed in time: %s", scenario_status(s).unconfirmed);
        settle(s);
        check_aborted(s);
}

/* Where the state knows no hold, the latch stands and what doses is closed. */
static void follow_hold(struct scenario *s)
{
        bool holds = machine_next(trial.before, MACHINE_ON_HOLD) >= 0 || trial.before == MACHINE_HOLDING ||
                     trial.before == MACHINE_HELD;

        if (holds) {
                bool is_held = virtual_run_to(s->v, MACHINE_HELD, trial.decided_us + CONFIRM_US);

                note_longest(confirmed_us, virtual_now(s->v) - trial.decided_us);
                TRIAL_CHECK(is_held, "T1: not held in time: %s", scenario_status(s).unconfirmed);
                check_held(s);
        }
        settle(s);
        if (holds)
                check_held(s);
        if (trial.in_run && (trial.before == MACHINE_RESETTING || trial.before == MACHINE_IDLE))
                check_stopped(s);
}

static void follow_stop(struct scenario *s)
{
        if (!trial.in_run) {
                settle(s);
                return;
        }
        TRIAL_CHECK(virtual_run_to(s->v, MACHINE_STOPPED, trial.decided_us + TIME_MIN), "S3: %s",
            machine_state_name(scenario_state(s)));
        settle(s);
        check_stopped(s);
}

/* The copied machine, with the trip; false: it was none there. */
static bool try_trip(struct scenario *s, enum kind kind, int at)
{
        trial = (struct trial){.kind = kind, .at = at};
        make_image(s->tool);
        while (!trial.is_decided) {
                virtual_run(s->v, virtual_now(s->v) + TIME_MS);
                if (trial.is_injected && !trial.is_decided && !is_armed(s))
                        return false;
                TRIAL_CHECK(!trial.is_injected || trial.is_decided ||
                                virtual_now(s->v) - trial.injected_us <= kinds[kind].grace_us + 60 * TIME_MS,
                    "T1: no decision%s", "");
        }
        check_safe(s, "after the instant of the decision");
        check_closes(s);
        note_longest(decided_us, trial.decided_us - trial.injected_us - kinds[kind].grace_us);
        if (kinds[kind].act == TOOL_ACT_ABORT)
                follow_abort(s);
        else if (kinds[kind].act == TOOL_ACT_HOLD)
                follow_hold(s);
        else
                follow_stop(s);
        return true;
}

/* Make `to` the machine that `from` is; what it saw before does not matter. */
static void fork_scenario(struct scenario *to, const struct scenario *from)
{
        virtual_copy(to->v, from->v);
        memcpy(to->out, from->out, sizeof to->out);
        memcpy(to->has_out, from->has_out, sizeof to->has_out);
        memcpy(to->closed_us, from->closed_us, sizeof to->closed_us);
        memcpy(to->force, from->force, sizeof to->force);
        to->turns = from->turns;
        to->recipe = from->recipe; /* to be given once more by the script */
        to->edge_count = to->event_count = to->pulse_count = to->runs_ended = 0;
        to->bad_tag = to->deaf_device = -1;
        to->on_turn = on_turn;
}

/* ---- the runs ---- */

/* The tools have a trip that holds and one that stops beside their own. */
#define MORE_TRIPS                                                                                           \
        "interlocks:\n"                                                                                      \
        "  - {id: block-hot, trip: block.temperature > 150 degC, then: hold}\n"                              \
        "  - {id: trap-hot, trip: trap.temperature > 150 degC, then: stop}\n"

static struct scenario *begin_reference(void)
{
        static const struct scenario_edit edits[] = {{"interlocks:\n", MORE_TRIPS}};
        struct scenario *s = scenario_new_with(scenario_edited_tool(edits, 1), 0);

        scenario_await(s, MACHINE_STOPPED, TIME_MIN);
        /* From here on no input is borne for want of a first value. */
        scenario_run(s, INTERLOCK_FIRST_VALUE_US);
        scenario_start(s, "2", "5 s");
        script.is_started = true;
        return s;
}

static void drive_reference(struct scenario *s)
{
        script.is_over = scenario_state(s) == MACHINE_COMPLETE;
}

static const char language_text[] =
    "format: 1\nrecipe: language\ntool: sentences\nphases:\n  air:\n"
    "    - wait: 5 s\n    - vent: {flow: 200 sccm, until: chamber.pressure > 20 Torr, timeout: 2 min}\n"
    "    - pump_down: {soft: 10 Torr, until: chamber.pressure < 2 Torr, timeout: 2 min}\n"
    "    - leak_check: {for: 1 s, limit: 1000 Torr/min}\n"
    "  coat:\n"
    "    - set: {carrier.flow: 20 sccm}\n    - purge: 6 s\n"
    "    - rotate: {speed: 3 rpm, reverse_every: 3 s, stop_in: pulse, lead: 1 s}\n"
    "    - pulse: water\n      for: 200 ms\n    - purge: 5 s\n"
    "    - set: {h2ar.flow: 50 sccm}\n    - wait: 500 ms\n    - set: {h2ar.flow: 0 sccm}\n"
    "    - expose: {flow: 0 sccm, close_below: 2 Torr, limit: 4.5 Torr, at_most: 20 s}\n"
    "      do:\n        - repeat: 2\n          until: chamber.pressure > 4.4 Torr\n          else: continue\n"
    "          do: [{pulse: li, for: 200 ms}, {wait: 1 s}]\n"
    "    - purge: 6 s\n"
    "    - pulse: water\n      for: 100 ms\n    - purge: 5 s\n"
    "    - set: {h2ar.flow: 50 sccm}\n    - wait: 300 ms\n"
    "finally:\n  - wait: 300 ms\n  - set: {h2ar.flow: 0 sccm}\n  - purge: 1 s\n";

static struct scenario *begin_language(void)
{
        static const struct scenario_edit edits[] = {
            {"interlocks:\n", MORE_TRIPS "  - {id: house, suspend: furnace.temperature > 800 degC}\n"},
            {"volume: 0.5 L", "volume: 0.1 L"}};
        struct scenario *s = scenario_new_with(scenario_edited_file(SENTENCES_TOOL, edits, 2), 0);

        scenario_await(s, MACHINE_STOPPED, TIME_MIN);
        scenario_run(s, INTERLOCK_FIRST_VALUE_US);
        s->recipe = support_recipe_text(s->tool, language_text, NULL, 0);
        return s;
}

static void give(struct scenario *s, struct command c, const char *tag)
{
        /* The trip came in the turn of the command before. */
        if (trial.is_injected)
                return;
        c.reply = 7;
        c.role = TOOL_ROLE_OPERATOR;
        c.uid = 1000;
        c.pid = 1;
        c.tag = tag != NULL ? (int16_t)scenario_tag(s, tag) : TOOL_NONE;
        text_copy(c.user, sizeof c.user, "ann");
        c.recipe = c.verb == VERB_RUN ? s->recipe : NULL;
        virtual_command(s->v, &c);
        ck_assert_msg(s->reply.code == 0, "%s: %s", verb_at(c.verb)->name, s->reply.text);
}

static void by_hand(struct scenario *s)
{
        give(s, (struct command){.verb = VERB_CONTROL, .name = "take"}, NULL);
        give(s, (struct command){.verb = VERB_SET, .value = 2}, "bed.speed.setpoint");
        give(s, (struct command){.verb = VERB_SET, .value = 30}, "h2ar.flow.setpoint");
        give(s, (struct command){.verb = VERB_OPEN, .for_us = 300 * TIME_MS}, "water.valve");
}

static void by_hand_no_more(struct scenario *s)
{
        give(s, (struct command){.verb = VERB_SET, .value = 0}, "h2ar.flow.setpoint");
}

static void begin_run(struct scenario *s)
{
        script.is_started = true;
        give(s, (struct command){.verb = VERB_RUN}, NULL);
}

static void make_house(struct scenario *s)
{
        int tag = scenario_tag(s, "furnace.temperature");

        s->force[tag].is_on = true;
        s->force[tag].value = 850;
}

static void unmake_house(struct scenario *s)
{
        memset(s->force, 0, sizeof s->force);
}

static void hold(struct scenario *s)
{
        give(s, (struct command){.verb = VERB_HOLD}, NULL);
}

static void resume(struct scenario *s)
{
        give(s, (struct command){.verb = VERB_RESUME}, NULL);
}

static void leave_by_hand(struct scenario *s)
{
        by_hand(s);
        give(s, (struct command){.verb = VERB_CONTROL, .name = "release"}, NULL);
}

static void end(struct scenario *s)
{
        (void)s;
        script.is_over = true;
}

static bool is_exposing(struct scenario *s)
{
        return scenario_status(s).is_exposing && s->out[scenario_tag(s, "li.valve")] == 0;
}

static bool is_purging_after(struct scenario *s)
{
        return s->pulse_count >= 4 && !scenario_status(s).is_exposing;
}

/* What people do, one after the other: in which state, what else must be so, and how long after the last deed. */
static const struct deed {
        enum machine_state state;
        bool (*when)(struct scenario *s);
        int64_t after_us;
        void (*do_it)(struct scenario *s);
} deeds[] = {
    {MACHINE_STOPPED, NULL, 0, by_hand},
    {MACHINE_STOPPED, NULL, 800 * TIME_MS, by_hand_no_more},
    {MACHINE_STOPPED, NULL, 200 * TIME_MS, begin_run},
    {MACHINE_EXECUTE, is_exposing, 0, make_house},
    {MACHINE_SUSPENDED, NULL, 300 * TIME_MS, unmake_house},
    {MACHINE_EXECUTE, is_purging_after, 0, hold},
    {MACHINE_HELD, NULL, 200 * TIME_MS, resume},
    {MACHINE_COMPLETE, NULL, 300 * TIME_MS, by_hand},
    {MACHINE_COMPLETE, NULL, 400 * TIME_MS, leave_by_hand},
    {MACHINE_COMPLETE, NULL, 500 * TIME_MS, end},
};

static void drive_language(struct scenario *s)
{
        const struct deed *deed = &deeds[script.deed];

        if (script.is_over || scenario_state(s) != deed->state ||
            virtual_now(s->v) < script.deed_us + deed->after_us || (deed->when != NULL && !deed->when(s)))
                return;
        script.deed++;
        script.deed_us = virtual_now(s->v);
        deed->do_it(s);
}

static const struct route routes[] = {
    {"reference", begin_reference, drive_reference}, {"language", begin_language, drive_language}};
enum { ROUTES = sizeof routes / sizeof routes[0] };

static int64_t turn_us[TURNS_MAX]; /* when each turn was, from the run's beginning on */

static void note_turn(struct scenario *s)
{
        ck_assert_int_lt(s->turns, TURNS_MAX);
        turn_us[s->turns] = virtual_now(s->v);
        script.route->drive(s);
}

static struct scenario *begin_walk(const struct route *route)
{
        struct scenario *s;

        script = (struct script){.route = route};
        s = route->begin();
        s->on_turn = note_turn;
        script.deed_us = virtual_now(s->v);
        return s;
}

/* How many turns it has. */
static int walk_whole(const struct route *route, int *first)
{
        struct scenario *walk = begin_walk(route);
        int64_t limit_us = virtual_now(walk->v) + 5 * TIME_MIN;
        int last;

        *first = walk->turns + 1;
        while (!script.is_over && virtual_now(walk->v) < limit_us)
                virtual_run(walk->v, virtual_now(walk->v) + 10 * TIME_MS);
        ck_assert_msg(script.is_over, "deed %d: %s, %s (%s)", script.deed,
            machine_state_name(scenario_state(walk)), scenario_status(walk).step,
            scenario_status(walk).reason);
        last = walk->turns;
        scenario_free(walk);
        return last;
}

static struct scenario *new_fork(const struct scenario *walk)
{
        struct scenario *s = calloc(1, sizeof *s);

        ck_assert_ptr_nonnull(s);
        *s = (struct scenario){.tool = walk->tool};
        scenario_begin(s, 0, true);
        return s;
}

static void tell(const struct route *route, enum kind kind, int turns, int trials, int pulsing)
{
        if (getenv("TRIP_TELL") != NULL)
                fprintf(stderr,
                    "%s, %s: %d turns, %d trials, %d within a pulse; decided within %.1f ms, at rest and "
                    "confirmed %.1f ms later\n",
                    route->name, kinds[kind].name, turns, trials, pulsing,
                    (double)longest.decided_us / TIME_MS, (double)longest.confirmed_us / TIME_MS);
}

START_TEST(test_trip_at_every_event)
{
        const struct route *route = &routes[_i / KINDS];
        enum kind kind = (enum kind)(_i % KINDS);
        int trials = 0, pulsing = 0, first, last = walk_whole(route, &first);
        struct scenario *walk = begin_walk(route), *s = new_fork(walk);

        for (int at = first; at < last; at++) {
                struct script here;

                if (turn_us[at] - 1 > virtual_now(walk->v))
                        virtual_run(walk->v, turn_us[at] - 1);
                ck_assert_int_lt(walk->turns, at);
                script.runs_ended = walk->runs_ended;
                here = script;
                fork_scenario(s, walk);
                trials += try_trip(s, kind, at);
                pulsing += trial.is_pulsing;
                script = here;
                trial = (struct trial){.is_injected = false};
        }
        tell(route, kind, last - first, trials, pulsing);
        ck_assert_int_gt(pulsing, 0);
        ck_assert_int_gt(trials, (last - first) / 2);
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
        tcase_add_loop_test(tc, test_trip_at_every_event, 0, ROUTES * KINDS);
        suite_add_tcase(suite, tc);
        return suite_main(suite);
}
