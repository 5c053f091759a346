/* Anything at any time: operators, faults, bypasses, a store that fails and control that lapses, against a recipe with every kind
 * of step. Nothing is foretold; what must hold always is checked at every turn: V1, V2 and V9 on the wire by scenario.h; here
 * V4, V6, S3, the way out at rest (V9), that a vented chamber is left alone, and that the core does not spin. A seed is one
 * walk, and the number of its test.
 *
 * ALD_WALK_SEEDS=1-300 ALD_WALK_ACTIONS=600 build/tests/test_walk    a longer one */

#include "scenario.h"
#include "suite.h"

#include <stdarg.h>   /* va_list */
#include <stdint.h>   /* uint64_t */
#include <sys/mman.h> /* mmap: a failed test is a process that ended */

/* `make test` walks 16 x 300 in about 3 s; from so many actions on the walks must have got about. */
enum { SEEDS = 16, ACTIONS = 300, ACTIONS_THAT_TELL = SEEDS * ACTIONS };
enum { TRAIL_LINES = 24, TRAIL_TEXT_MAX = 200 };
/* The core acts at most once for each cause, and has far fewer causes than this at one instant. */
enum { TURNS_AT_ONCE_MAX = 200 };

/* Holding and its like are bounded by 60 s, and Aborting follows; a `finally` and the vent's way out last longer. */
#define BOUND_US         (70 * TIME_S)
#define BOUND_FINALLY_US (200 * TIME_S)
/* So long after a transition the writes that it asks for may be on their way. */
#define CLOSING_US (100 * TIME_MS)

/* What outlives a failed walk, whose process Check ends on the spot. */
static struct shared {
        long seed, actions; /* of the walk under way; seed 0 = none */
        long line_count;
        char lines[TRAIL_LINES][TRAIL_TEXT_MAX];
        /* Over all walks. */
        long walked, entered[MACHINE_STATE_COUNT], pulses, exposes, vents, pump_downs, standbys;
} * shared;

static bool is_long; /* asked for by hand: say what it came to */

static struct {
        struct scenario *s;
        uint64_t random;
        enum machine_state state; /* as the last turn left it */
        bool is_vented, is_exposing;
        int64_t since_us, turned_us; /* in this state; the last turn */
        int turns_at_once;
        int moves[3]; /* of exhaust, vent and soft valve */
} w;

/* ---- what people and plant may come upon ---- */

static const char recipe_text[] =
    "format: 1\nrecipe: every-step\ntool: sentences\nphases:\n"
    "%s"
    "  prepare:\n"
    "    - set: {carrier.flow: 20 sccm, nb.line.temperature: 130 degC, nb.temperature: 100 degC}\n"
    "    - rotate: {speed: 3 rpm, reverse_every: 20 s, stop_in: pulse, lead: 2 s}\n"
    "    - wait: 5 s\n"
    "    - confirm: Go on?\n      timeout: 20 s\n      else: continue\n"
    "    - wait: {until: nb.line.temperature > nb.temperature + 6 K, for: 3 s, timeout: 5 min, else: "
    "continue}\n"
    "    - leak_check: {for: 10 s, limit: 1 Torr/min, else: continue}\n"
    "    - wait: 10 s\n"
    "  coat:\n"
    "    - repeat: 3\n      do:\n"
    "        - pulse: nb\n          for: 1 s\n"
    "        - purge: 8 s\n"
    "        - expose: {flow: 0 sccm, close_below: 800 mTorr, limit: 3 Torr, at_most: 70 s}\n"
    "          do:\n"
    "            - repeat: 3\n              until: chamber.pressure > 1 Torr\n              else: continue\n"
    "              do: [{pulse: nb, for: 500 ms}, {wait: 5 s}]\n"
    "        - purge: 10 s\n"
    "        - pulse: water\n          for: 100 ms\n"
    "        - purge: {until: chamber.pressure < 2 Torr, for: 6 s, timeout: 30 s, else: continue}\n"
    "  reduce: [{set: {h2ar.flow: 50 sccm}}, {wait: 20 s}, {set: {h2ar.flow: 0 sccm}}, {wait: 10 s}]\n"
    "%s"
    "on_hold: {at_most: 5 min, then: stop, resume: %s}\n"
    "finally:\n  - purge: 2 s\n  - confirm: Done?\n    timeout: 5 s\n    else: continue\n";
/* Before all else, or when all is done. */
static const char vent_text[] =
    "  handle:\n"
    "    - set: {nb.temperature: safe, nb.line.temperature: safe}\n"
    "    - vent: {flow: 200 sccm, until: chamber.atmosphere, timeout: 2 h}\n    - wait: 5 s\n"
    "    - pump_down: {soft: 10 Torr, until: chamber.pressure < 1 Torr, timeout: 1 h}\n";

static const struct scenario_edit house_rules[] = {
    {"  - id: no-mixing\n",
        "  - id: house\n    suspend: n2.flow < -3 sccm\n    for: 500 ms\n"
        "  - id: trap-hot\n    trip: trap.temperature > 150 degC\n    then: hold\n    set: {bed.speed: 1 "
        "rpm}\n"
        "  - id: block-hot\n    trip: block.temperature > 150 degC\n    then: stop\n    set: {carrier.flow: "
        "5 sccm}\n"
        "  - id: h2-permit\n    permit: [h2ar.flow.setpoint]\n    while: lid.closed\n"
        "  - id: exhaust-permit\n    permit: [exhaust.valve]\n    while: trap.temperature < 140 degC\n"
        "  - id: no-mixing\n"},
    {"\naccess:\n", "\nbypass:\n  inputs: [lid.closed, trap.temperature]\n  at_once: 2\n  longest: 4 "
                    "h\naccess:\n  control_lapse: 20 s\n"},
};
/* Every output may be moved by hand: each stands in the tool file in one of these ways. */
static const struct scenario_edit by_hand[] = {
    {"access: write, valve", "access: write, manual: inside, valve"},
    {"access: write, limits", "access: write, manual: inside, limits"},
    {"access: write, safe", "access: write, manual: inside, safe"},
    {"access: write,\n", "access: write, manual: inside,\n"},
};

/* What is read instead; `one_in`: the worse ones would otherwise end most walks in Aborted. */
static const struct fault {
        const char *tag;
        double value;
        unsigned one_in;
} faults[] = {
    {"lid.closed", 0, 4},
    {"trap.temperature", 145, 1},
    {"trap.temperature", 160, 1},
    {"block.temperature", 160, 1},
    {"n2.flow", -4, 1},
    {"chamber.pressure", 4, 4},
    {"chamber.pressure", (double)NAN, 4},
    {"emo.ok", 0, 4},
    {"heater.over-temperature", (double)NAN, 1},
    {"carrier.flow", 3, 1},
    {"n2.flow", (double)NAN, 1},
};

/* The valves first. */
enum { OUTPUTS_TO_OPEN = 7 };
static const char *const outputs[] = {"nb", "water", "h2ar.flow", "carrier.flow", "exhaust", "vent", "soft",
    "bed.speed", "chamber.temperature", "pump.run", "n2.flow", "nb.line.temperature"};

/* ---- the trail ---- */

__attribute__((format(printf, 1, 2))) static void note(const char *format, ...)
{
        char *line = shared->lines[shared->line_count++ % TRAIL_LINES];
        int n = snprintf(line, TRAIL_TEXT_MAX, "%10.3f s ", (double)virtual_now(w.s->v) / (double)TIME_S);
        va_list list;

        va_start(list, format);
        vsnprintf(line + n, (size_t)(TRAIL_TEXT_MAX - n), format, list);
        va_end(list);
}

/* The walk before this one failed if it never ended. */
static void show_broken_walk(void)
{
        long n = shared->line_count;

        if (shared->seed == 0)
                return;
        fprintf(stderr, "The walk of seed %ld broke after:\n", shared->seed);
        for (long i = n > TRAIL_LINES ? n - TRAIL_LINES : 0; i < n; i++)
                fprintf(stderr, "  %s\n", shared->lines[i % TRAIL_LINES]);
        fprintf(stderr, "Again: ALD_WALK_SEEDS=%ld-%ld ALD_WALK_ACTIONS=%ld build/tests/test_walk\n",
            shared->seed, shared->seed, shared->actions);
        shared->seed = 0;
}

static void on_record(struct scenario *s, const struct record *r)
{
        (void)s;
        shared->pulses += r->kind == RECORD_PULSE_END;
        shared->standbys += r->kind == RECORD_EVENT && strcmp(r->u.event.kind, "control") == 0 &&
                            strcmp(r->u.event.source, "standby") == 0;
        if (r->kind == RECORD_EVENT)
                note("%s %s %s", r->u.event.kind, r->u.event.source, r->u.event.text);
        if (r->kind == RECORD_AUDIT)
                note("%s asks %s: %s", r->u.audit.user, r->u.audit.command, r->u.audit.result);
}

/* ---- what must hold at every turn ---- */

/* A core that asks for a turn at once again and again would starve its daemon. */
static void check_spin(const struct core_status *status, int64_t now_us)
{
        w.turns_at_once = now_us == w.turned_us ? w.turns_at_once + 1 : 0;
        w.turned_us = now_us;
        ck_assert_msg(w.turns_at_once < TURNS_AT_ONCE_MAX, "R2: spins in %s: %s",
            machine_state_name(status->state), status->waiting);
}

static void check_bound(const struct core_status *status, int64_t here_us)
{
        enum machine_state state = status->state;
        bool is_finally = state == MACHINE_STOPPING || state == MACHINE_COMPLETING;

        if (!machine_is_acting(state) || state == MACHINE_EXECUTE)
                return;
        ck_assert_msg(here_us < (is_finally ? BOUND_FINALLY_US : BOUND_US), "S3: %lld s in %s: %s",
            (long long)(here_us / TIME_S), machine_state_name(state), status->waiting);
}

/* A running pulse ends by itself on the way to a hold or a stop. */
static bool may_end_pulse(enum machine_state state)
{
        return state == MACHINE_HOLDING || state == MACHINE_SUSPENDING || state == MACHINE_STOPPING ||
               state == MACHINE_COMPLETING;
}

static void check_closed(const struct core_status *status, int64_t here_us)
{
        if (machine_may_pulse(status->state) || status->by_hand_count > 0 || here_us < CLOSING_US)
                return;
        for (int i = 0; i < w.s->tool->tag_count; i++) {
                const struct tool_tag *t = &w.s->tool->tags[i];

                if (!t->is_output || t->class == TOOL_CLASS_PLAIN ||
                    (t->is_valve && may_end_pulse(status->state)))
                        continue;
                ck_assert_msg(w.s->out[i] == t->safe, "V4: %s is %g in %s", t->name, w.s->out[i],
                    machine_state_name(status->state));
        }
}

/* What was moved by hand stays, a vented chamber is left as it is, and a trip's own safe values outrank the image. */
static void check_image(const struct core_status *status, int64_t here_us)
{
        enum tool_image image = machine_image(status->state);

        if (machine_is_acting(status->state) || machine_in_run(status->state) || here_us == 0 ||
            status->unconfirmed_count > 0 || status->is_vented || status->latch_count > 0)
                return;
        for (int i = 0; i < w.s->tool->tag_count; i++) {
                const struct tool_tag *t = &w.s->tool->tags[i];
                bool is_left = !t->is_output || t->image[image].keep || w.s->out[i] == t->safe;

                if (!is_left && strstr(status->by_hand, t->name) == NULL)
                        ck_assert_msg(w.s->out[i] == t->image[image].value,
                            "V6: %s is %g in %s, the image says %g", t->name, w.s->out[i],
                            machine_state_name(status->state), t->image[image].value);
        }
}

/* An expose or a leak check ends before the run rests: the purge goes on there. What was shut by hand stays so, and a
 * pump-down is held as it is, with its soft valve as the way out. */
static void check_way_out(const struct core_status *status, int64_t here_us)
{
        int exhaust = w.s->tool->exhaust;

        if (machine_is_acting(status->state) || here_us < CLOSING_US || status->is_vented ||
            w.s->cause[exhaust] == CAUSE_OPERATOR || w.s->cause[w.s->tool->soft] == CAUSE_OPERATOR)
                return;
        ck_assert_msg(!status->is_exposing && (w.s->out[exhaust] != 0 || w.s->out[w.s->tool->soft] != 0),
            "V9: the exhaust stays shut in %s", machine_state_name(status->state));
}

/* No image but that of an abort moves what holds the chamber vented; a lapse of control does not either. */
static void check_vented(const struct core_status *status)
{
        const struct scenario *s = w.s;
        const int tags[] = {s->tool->exhaust, s->tool->vent, s->tool->soft};
        bool may_move = !status->is_vented || !w.is_vented || status->state == MACHINE_ABORTING ||
                        status->state == MACHINE_ABORTED;

        for (size_t i = 0; i < sizeof tags / sizeof tags[0]; i++) {
                int moves = s->moves[tags[i]];

                ck_assert_msg(may_move || moves == w.moves[i] || s->cause[tags[i]] != CAUSE_IMAGE,
                    "V6: %s becomes %g in a vented chamber in %s", s->tool->tags[tags[i]].name,
                    s->out[tags[i]], machine_state_name(status->state));
                w.moves[i] = moves;
        }
}

static void count_progress(const struct core_status *status)
{
        shared->entered[status->state] += status->state != w.state;
        shared->vents += status->is_vented && !w.is_vented;
        shared->pump_downs += !status->is_vented && w.is_vented;
        shared->exposes += status->is_exposing && !w.is_exposing;
        w.state = status->state;
        w.is_vented = status->is_vented;
        w.is_exposing = status->is_exposing;
}

static void on_turn(struct scenario *s)
{
        struct core_status status = scenario_status(s);
        int64_t now_us = virtual_now(s->v);

        if (status.state != w.state)
                w.since_us = now_us;
        check_spin(&status, now_us);
        check_vented(&status);
        check_bound(&status, now_us - w.since_us);
        check_closed(&status, now_us - w.since_us);
        check_image(&status, now_us - w.since_us);
        check_way_out(&status, now_us - w.since_us);
        count_progress(&status);
}

/* ---- the walk ---- */

static unsigned draw(unsigned n)
{
        w.random = w.random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        return (unsigned)(w.random >> 33) % n;
}

static bool one_in(unsigned n)
{
        return draw(n) == 0;
}

static bool any_hold(struct command *c)
{
        c->now = one_in(2);
        return true;
}

static bool any_resume(struct command *c)
{
        c->repeat = one_in(2);
        c->skip = !c->repeat && one_in(2);
        return true;
}

static bool any_stop(struct command *c)
{
        c->after_cycle = !one_in(4);
        return true;
}

static bool any_abort(struct command *c)
{
        (void)c;
        return one_in(3);
}

static bool any_bypass(struct command *c)
{
        c->tag = (int16_t)scenario_tag(w.s, one_in(2) ? "lid.closed" : "trap.temperature");
        c->for_us = (1 + draw(60)) * TIME_S;
        snprintf(c->reason, sizeof c->reason, "a walk");
        return true;
}

static bool any_control(struct command *c)
{
        bool is_take = !one_in(4);

        snprintf(c->name, sizeof c->name, "%s", is_take ? "take" : "release");
        c->force = is_take && one_in(2);
        if (!is_take && one_in(2))
                snprintf(c->to, sizeof c->to, "bob");
        return true;
}

/* Mostly what holds the chamber vented, if it is. */
static const char *any_valve(void)
{
        static const char *const vented[] = {"exhaust", "vent", "soft"};

        return w.is_vented && !one_in(4) ? vented[draw(3)] : outputs[draw(OUTPUTS_TO_OPEN)];
}

static bool any_open(struct command *c)
{
        c->tag = (int16_t)tool_find_output(w.s->tool, any_valve());
        c->for_us = one_in(3) ? 0 : (1 + draw(2000)) * TIME_MS;
        return true;
}

static bool any_close(struct command *c)
{
        c->tag = (int16_t)tool_find_output(w.s->tool, any_valve());
        return true;
}

static bool any_set(struct command *c)
{
        c->tag = (int16_t)tool_find_output(w.s->tool, outputs[draw(sizeof outputs / sizeof outputs[0])]);
        c->value = one_in(3) ? 0 : draw(10);
        return true;
}

/* Where a run may begin the core has given back the last recipe. */
static bool any_run(struct command *c)
{
        enum machine_state state = scenario_state(w.s);
        const char *load = one_in(6) ? vent_text : "",
                   *unload = load != vent_text && one_in(2) ? vent_text : "";
        char text[4000];

        if (state != MACHINE_STOPPED && state != MACHINE_IDLE && state != MACHINE_COMPLETE)
                return false;
        snprintf(text, sizeof text, recipe_text, load, unload, one_in(2) ? "ask" : "repeat");
        recipe_free(w.s->recipe);
        w.s->recipe = support_recipe_text(w.s->tool, text, NULL, 0);
        c->recipe = w.s->recipe;
        return true;
}

static bool heal_all(struct command *c)
{
        (void)c;
        for (int i = 0; i < TOOL_TAGS_MAX; i++)
                w.s->force[i].is_on = false;
        return false;
}

static bool any_fault(struct command *c)
{
        const struct fault *f = &faults[draw(sizeof faults / sizeof faults[0])];
        int tag = scenario_tag(w.s, f->tag);

        (void)c;
        if (!one_in(f->one_in))
                return false;
        note("%s reads %g", f->tag, f->value);
        w.s->force[tag].is_on = true;
        w.s->force[tag].value = f->value;
        return false;
}

static void set_store(bool is_ok)
{
        struct event e = {.kind = EVENT_STORE, .u.store = {.ok = is_ok, .why = "disk"}};

        virtual_event(w.s->v, &e);
}

static bool any_store(struct command *c)
{
        (void)c;
        set_store(!one_in(3));
        return false;
}

/* What may be done; `fill` says false if no command comes of it. */
static const struct deed {
        unsigned weight;
        enum verb verb;
        bool (*fill)(struct command *c);
} deeds[] = {
    {1, VERB_HOLD, any_hold},
    {3, VERB_RESUME, any_resume},
    {1, VERB_STOP, any_stop},
    {1, VERB_ABORT, any_abort},
    {2, VERB_RESET, NULL},
    {1, VERB_CONFIRM, NULL},
    {1, VERB_ACK, NULL},
    {1, VERB_BYPASS, any_bypass},
    {1, VERB_CONTROL, any_control},
    {2, VERB_OPEN, any_open},
    {1, VERB_CLOSE, any_close},
    {2, VERB_SET, any_set},
    {2, VERB_RUN, any_run},
    {1, VERB_COUNT, heal_all},
    {1, VERB_COUNT, any_fault},
    {1, VERB_COUNT, any_store},
};
enum { DEEDS = sizeof deeds / sizeof deeds[0] };

/* What leads on from a state in which most else is refused: without it the walks would stand there. */
static const struct {
        enum machine_state state;
        enum verb verb;
        unsigned one_in;
} ways_on[] = {
    {MACHINE_ABORTED, VERB_RESET, 2},
    {MACHINE_HELD, VERB_RESUME, 2},
    {MACHINE_STOPPED, VERB_RUN, 3},
    {MACHINE_COMPLETE, VERB_RUN, 3},
};

static const struct deed *deed_of(enum verb verb)
{
        const struct deed *d = deeds;

        while (d->verb != verb)
                d++;
        return d;
}

static const struct deed *any_deed(void)
{
        const struct deed *d = deeds;
        unsigned total = 0, n;

        for (size_t i = 0; i < sizeof ways_on / sizeof ways_on[0]; i++)
                if (scenario_state(w.s) == ways_on[i].state && one_in(ways_on[i].one_in))
                        return deed_of(ways_on[i].verb);
        /* Without control nothing moves by hand. */
        if (!machine_in_run(w.state) && !scenario_status(w.s).is_controlled && one_in(3))
                return deed_of(VERB_CONTROL);
        if (!machine_in_run(w.state) && w.is_vented && one_in(3))
                return deed_of(one_in(2) ? VERB_OPEN : VERB_CLOSE);
        for (int i = 0; i < DEEDS; i++)
                total += deeds[i].weight;
        for (n = draw(total); n >= d->weight; d++)
                n -= d->weight;
        return d;
}

/* Faults and a full disk pass, or every walk would end in one of them. */
static void let_pass(void)
{
        if (one_in(6) || (scenario_state(w.s) == MACHINE_ABORTED && one_in(2)))
                heal_all(NULL);
        if (one_in(6))
                set_store(true);
}

static void do_anything(void)
{
        const struct deed *deed = any_deed();
        bool is_bob = one_in(10);
        struct command c = {.reply = 7,
            .verb = deed->verb,
            .role = TOOL_ROLE_ENGINEER,
            .uid = is_bob ? 1001 : 1000,
            .pid = 1,
            .tag = TOOL_NONE};

        snprintf(c.user, sizeof c.user, "%s", is_bob ? "bob" : "ann");
        if (deed->fill == NULL || deed->fill(&c))
                virtual_command(w.s->v, &c);
}

/* From within a pulse up to the lapse of control, the standby that follows it, and the end of a hold. */
static int64_t any_pause(void)
{
        if (one_in(400))
                return 6 * TIME_MIN;
        if (one_in(!machine_in_run(w.state) && scenario_status(w.s).by_hand_count > 0 ? 5 : 100))
                return 90 * TIME_S;
        if (one_in(20))
                return draw(60000) * TIME_MS;
        return one_in(3) ? draw(1000) * INT64_C(100) : draw(4000) * TIME_MS;
}

static struct tool *make_tool(void)
{
        char *text = scenario_edited_text(
            "tests/table/tool-sentences.yaml", house_rules, sizeof house_rules / sizeof house_rules[0]);

        for (size_t i = 0; i < sizeof by_hand / sizeof by_hand[0]; i++)
                while (strstr(text, by_hand[i].was) != NULL)
                        text = scenario_replace(text, &by_hand[i]);
        return scenario_compile_tool(text);
}

static void begin(long seed)
{
        show_broken_walk();
        memset(&w, 0, sizeof w);
        w.random = (uint64_t)seed * 7919 + 1;
        w.s = scenario_new_with(make_tool(), 0);
        shared->seed = seed;
        shared->line_count = 0;
        scenario_await(w.s, MACHINE_STOPPED, 10 * TIME_S);
        w.state = MACHINE_STOPPED;
        w.since_us = virtual_now(w.s->v);
        w.s->on_turn = on_turn;
        w.s->on_record = on_record;
}

START_TEST(walk)
{
        begin(_i);
        for (long i = 0; i < shared->actions; i++) {
                let_pass();
                do_anything();
                scenario_run(w.s, any_pause());
        }
        shared->walked += shared->actions;
        shared->seed = 0;
        scenario_free(w.s);
}
END_TEST

/* A walk that stands still breaks nothing either. About a third of what the seeds of `make test` come to. */
START_TEST(got_about)
{
        const long *entered = shared->entered;
        const struct {
                const char *what;
                long got, floor;
        } rows[] = {
            {"Stopped", entered[MACHINE_STOPPED], 60},
            {"Idle", entered[MACHINE_IDLE], 15},
            {"Complete", entered[MACHINE_COMPLETE], 1},
            {"Held", entered[MACHINE_HELD], 100},
            {"Suspended", entered[MACHINE_SUSPENDED], 7},
            {"Aborted", entered[MACHINE_ABORTED], 40},
            {"pulses", shared->pulses, 100},
            {"exposes", shared->exposes, 20},
            {"vents", shared->vents, 7},
            {"pump-downs", shared->pump_downs, 4},
            {"lapses to standby", shared->standbys, 1},
        };

        for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
                if (is_long)
                        fprintf(stderr, "%s %ld, ", rows[i].what, rows[i].got);
                ck_assert_msg(shared->walked < ACTIONS_THAT_TELL || rows[i].got >= rows[i].floor,
                    "the walks came to %ld %s, not %ld", rows[i].got, rows[i].what, rows[i].floor);
        }
        if (is_long)
                fprintf(stderr, "%ld actions\n", shared->walked);
}
END_TEST

static long number_from(const char *name, long otherwise)
{
        const char *text = getenv(name);

        return text != NULL ? strtol(text, NULL, 10) : otherwise;
}

static Suite *make_suite(int from, int to)
{
        Suite *suite = suite_create("walk");
        TCase *c = tcase_create("walk");

        tcase_set_timeout(c, 600);
        tcase_add_loop_test(c, walk, from, to + 1);
        tcase_add_test(c, got_about);
        suite_add_tcase(suite, c);
        return suite;
}

int main(void)
{
        const char *seeds = getenv("ALD_WALK_SEEDS");
        int from = 1, to = SEEDS, code;

        if (seeds != NULL && (sscanf(seeds, "%d-%d", &from, &to) != 2 || from < 1 || to < from)) {
                fprintf(stderr, "ALD_WALK_SEEDS is '%s', not FROM-TO with 1 <= FROM <= TO\n", seeds);
                return EXIT_FAILURE;
        }
        shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        if (shared == MAP_FAILED)
                return EXIT_FAILURE;
        is_long = seeds != NULL;
        shared->actions = number_from("ALD_WALK_ACTIONS", ACTIONS);
        code = suite_main(make_suite(from, to));
        show_broken_walk();
        return code;
}
