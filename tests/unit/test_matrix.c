/* The cause-and-effect matrix, cell by cell: for every interlock and every output, empty cells included, the cause is
 * made on the simulated tool during a run and the wire is watched. What is expected comes from the same table that people
 * read (core/matrix.h); what happens comes from the core. The causes are found by a solver from the condition itself, so
 * that a new interlock is tested by being written down. */
#include "unit/suite.h"
#include "unit/scenario.h"

#include "ald/core/matrix.h" /* matrix_at */

/* T1: the first safe write, and all of them on TCP. */
#define FIRST_US (10 * TIME_MS)
#define ALL_US   (250 * TIME_MS)
/* Samples come this often. */
#define SAMPLE_US (50 * TIME_MS)

/* The reference tool, and one with every kind beside those it has. */
static const struct scenario_edit every_kind[] = {
    {"interlocks:\n",
        "interlocks:\n"
        "  - {id: t-hold, trip: trap.temperature > 150 degC, for: 200 ms, then: hold}\n"
        "  - {id: t-hold-set, trip: trap.temperature > 170 degC, then: hold, set: {carrier.flow: 20 sccm, "
        "bed.speed: 1 rpm}}\n"
        "  - {id: t-stop, trip: block.temperature > 150 degC, then: stop}\n"
        "  - {id: t-stop-set, trip: block.temperature > 170 degC, then: stop, set: {nb.temperature: 0 "
        "degC}}\n"
        "  - {id: t-vote, trip: \"2 of (chamber.temperature > 190 degC, block.temperature > 140 degC, "
        "trap.temperature > 140 "
        "degC)\", then: hold}\n"
        "  - {id: t-rate, trip: bed.speed rate < -2 rpm/s over 1 s, then: stop}\n"
        "  - {id: t-armed, trip: nb.line.temperature < 60 degC, arm: nb.line.temperature > 100 degC, then: "
        "hold}\n"
        "  - {id: t-not, trip: not (nb.temperature < 130 degC or settled), then: hold}\n"
        "  - {id: t-within, trip: not chamber.temperature within 15 K of 175 degC, for: 500 ms, then: stop}\n"
        "  - {id: s-house, suspend: chamber.atmosphere, for: 200 ms}\n"
        "  - {id: p-bed, permit: [bed.speed], while: lid.closed and emo.ok}\n"
        "  - {id: p-gas, permit: [gas.valve], while: chamber.pressure < 4 Torr}\n"
        "  - {id: x-gas, exclusive: [gas.valve, nb.valve], purge_between: 1 s}\n"},
    {"tags:\n", "tags:\n  gas.valve: {device: valve-io, register: coil, address: 9, access: write, valve: "
                "yes, safe: closed, "
                "max_open: 1 h, failsafe: watchdog}\n"},
    {"  nb: {kind: precursor",
        "  gas: {kind: valve, valve: gas.valve, role: reactive}\n  nb: {kind: precursor"},
};

static struct tool *new_tool(int which)
{
        return which == 0 ? support_tool(SUPPORT_TOOL)
                          : scenario_edited_tool(every_kind, sizeof every_kind / sizeof every_kind[0]);
}

/* What this interlock's test looked at; nothing looked at is nothing tested. */
static struct {
        int effects, empty;
} looked;

static void note_looked(bool is_effect)
{
        looked.effects += is_effect;
        looked.empty += !is_effect;
}

static bool is_same(double a, double b)
{
        return fabs(a - b) < 1e-9;
}

/* ---- A run with its outputs away from safe, and one thing that doses ---- */

static const char sets[] =
    "        carrier.flow: 70 sccm\n        chamber.temperature: 175 degC\n        nb.temperature: 110 degC\n"
    "        nb.line.temperature: 130 degC\n        block.temperature: 120 degC\n        trap.temperature: "
    "120 degC\n"
    "        bed.speed: 3 rpm\n";

/* What a dose is: a pulse of a line, or a valve that is opened. */
struct dose {
        char name[TOOL_NAME_MAX];
        int tag;
        bool is_line;
};

static int doses_of(const struct tool *tool, struct dose *doses)
{
        int n = 0;

        for (int i = 0; i < tool->line_count; i++) {
                doses[n] = (struct dose){.tag = tool->lines[i].valve, .is_line = true};
                text_copy(doses[n++].name, TOOL_NAME_MAX, tool->lines[i].name);
        }
        for (int i = 0; i < tool->valve_count; i++) {
                if (tool->tags[tool->valves[i].tag].class != TOOL_CLASS_REACTIVE)
                        continue;
                doses[n] = (struct dose){.tag = tool->valves[i].tag};
                text_copy(doses[n++].name, TOOL_NAME_MAX, tool->valves[i].name);
        }
        return n;
}

static void add_dose(struct text *t, const struct dose *dose)
{
        if (dose->is_line)
                text_add(t, "    - pulse: %s\n      for: %s\n    - purge: 20 s\n", dose->name,
                    strcmp(dose->name, "nb") == 0 ? "5 s" : "2 s");
        else
                text_add(t, "    - open: %s\n    - wait: 20 s\n    - close: %s\n    - purge: 20 s\n",
                    dose->name, dose->name);
}

/* The other interlocks do nothing: a row is what this one does by itself. They are still evaluated, latched and told. */
static void isolate(struct tool *tool, int i)
{
        for (int k = 0; k < tool->interlock_count; k++) {
                struct tool_interlock *other = &tool->interlocks[k];

                if (k == i)
                        continue;
                other->then = TOOL_ACT_NONE;
                other->set_count = other->output_count = 0;
        }
}

static struct scenario *begin(int which, int i)
{
        struct tool *tool = new_tool(which);
        struct scenario *s;

        isolate(tool, i);
        s = scenario_new_with(tool, 0);

        scenario_await(s, MACHINE_STOPPED, TIME_MIN);
        return s;
}

static void start(struct scenario *s, const char *body)
{
        static char text[4000];
        struct text t;

        text_init(&t, text, sizeof text);
        text_add(&t,
            "format: 1\nrecipe: matrix\ntool: rotary-ald\nphases:\n  prepare:\n    - set:\n%s    - wait: 20 "
            "s\n  coat:\n"
            "%sfinally:\n  - purge: 2 s\n",
            sets, body);
        recipe_free(s->recipe);
        s->recipe = support_recipe_text(s->tool, text, NULL, 0);
        ck_assert_int_eq(scenario_do(s, VERB_RUN), 0);
}

static void await_open(struct scenario *s, int tag)
{
        int64_t limit = virtual_now(s->v) + 2 * TIME_MIN;

        while (s->out[tag] == 0 && virtual_now(s->v) < limit)
                virtual_run(s->v, virtual_now(s->v) + TIME_MS);
        ck_assert_msg(
            s->out[tag] != 0, "%s does not open: %s", s->tool->tags[tag].name, scenario_status(s).reason);
        /* The bed and the flow are where they were set. */
        scenario_run(s, 100 * TIME_MS);
        ck_assert_int_eq(scenario_state(s), MACHINE_EXECUTE);
}

static struct scenario *dosing(int which, int i, const struct dose *dose)
{
        struct scenario *s = begin(which, i);
        char body[400];
        struct text t;

        text_init(&t, body, sizeof body);
        add_dose(&t, dose);
        start(s, body);
        await_open(s, dose->tag);
        return s;
}

/* ---- The solver: samples that make a condition come out as wanted ---- */

static double live(struct scenario *s, int tag)
{
        struct core_tag now;

        core_get_tag(virtual_core(s->v), tag, &now);
        return s->force[tag].is_on ? s->force[tag].value : now.value;
}

static bool force(struct scenario *s, int tag, double value, double per_s)
{
        const struct tool_tag *t = &s->tool->tags[tag];

        /* A read-back is no cause: the core trips on it by itself (V7). */
        if (t->is_output || (t->has_valid && (value < t->valid_min || value > t->valid_max)))
                return false;
        s->force[tag].is_on = true;
        s->force[tag].value = value;
        s->force[tag].per_s = per_s;
        s->force[tag].from_us = virtual_now(s->v);
        return true;
}

static bool solve_compare(struct scenario *s, const struct cond_node *n, bool want)
{
        double ref = n->value + (n->b >= 0 ? live(s, n->b) * n->b_scale + n->b_offset : 0);
        double margin = fabs(ref) * 0.1 > 0.5 ? fabs(ref) * 0.1 : 0.5;
        bool is_below = n->cmp == COND_LT || n->cmp == COND_LE;

        ck_assert(n->cmp != COND_EQ);
        return force(s, n->a, is_below == want ? ref - margin : ref + margin, 0);
}

static bool solve(struct scenario *s, int root, bool want)
{
        const struct cond_pool *pool = &s->tool->conds;
        const struct cond_node *n = &pool->nodes[root];
        bool is_below = n->cmp == COND_LT || n->cmp == COND_LE;
        int solved = 0, wanted = 0, items = 0;

        switch ((enum cond_op)n->op) {
        case COND_COMPARE:
                return solve_compare(s, n, want);
        case COND_BIT:
                return force(s, n->a, want, 0);
        case COND_WITHIN:
                return force(s, n->a, want ? n->value : n->value + 1.2 * n->span, 0);
        case COND_RATE:
                return force(
                    s, n->a, live(s, n->a), is_below == want ? 2 * n->value - 0.1 : 2 * n->value + 0.1);
        case COND_AND:
        case COND_OR:
                if ((n->op == COND_AND) == want)
                        return solve(s, n->left, want) && solve(s, n->right, want);
                return solve(s, n->left, want) || solve(s, n->right, want);
        case COND_NOT:
                return solve(s, n->left, !want);
        case COND_VOTE:
                for (int at = n->left; at >= 0; at = pool->nodes[at].right)
                        items++;
                wanted = want ? n->count : items - n->count + 1;
                for (int at = n->left; at >= 0 && solved < wanted; at = pool->nodes[at].right)
                        solved += solve(s, pool->nodes[at].left, want);
                return solved == wanted;
        case COND_SETTLED: /* moves away by itself, when the values do */
        case COND_EXPOSING:
                return !want;
        case COND_STEADY:
        case COND_LIST:
                return false;
        }
        return false;
}

/* Every input that it looks at cannot be read. */
static void spoil(struct scenario *s, int root)
{
        for (int i = 0; i < s->tool->tag_count; i++) {
                if (s->tool->tags[i].is_output || !cond_uses_tag(&s->tool->conds, root, i))
                        continue;
                s->force[i].is_on = true;
                s->force[i].value = NAN;
        }
}

/* ---- Trips ---- */

static int64_t rate_us(const struct tool *tool, const struct tool_interlock *lock)
{
        const struct cond_node *n = &tool->conds.nodes[lock->when.root];

        return n->op == COND_RATE ? n->over_us : 0;
}

/* The turn in which the interlock latched, no later than it may. */
static int64_t await_latch(struct scenario *s, int i, int64_t least_us, int64_t most_us)
{
        int64_t from = virtual_now(s->v);
        struct core_interlock now;

        for (;;) {
                core_get_interlock(virtual_core(s->v), i, &now);
                if (now.is_latched)
                        break;
                ck_assert_msg(virtual_now(s->v) - from <= most_us, "T1: %s does not trip: %s (%s)",
                    s->tool->interlocks[i].id, now.values, scenario_status(s).reason);
                virtual_run(s->v, virtual_now(s->v) + TIME_MS);
        }
        ck_assert_msg(virtual_now(s->v) - from >= least_us, "%s trips too early", s->tool->interlocks[i].id);
        return virtual_now(s->v);
}

struct before {
        double out[TOOL_TAGS_MAX];
        int moves[TOOL_TAGS_MAX];
};

static void keep(const struct scenario *s, struct before *b)
{
        memcpy(b->out, s->out, sizeof b->out);
        memcpy(b->moves, s->moves, sizeof b->moves);
}

static void check_cell(struct scenario *s, int i, int o, const struct before *b, const char *when)
{
        struct matrix_cell cell = matrix_at(s->tool, i, o);

        note_looked(cell.effect == MATRIX_FORCES);
        if (cell.effect == MATRIX_FORCES)
                ck_assert_msg(is_same(s->out[o], cell.value), "T1: %s (%s): %s is %g, not %g",
                    s->tool->interlocks[i].id, when, s->tool->tags[o].name, s->out[o], cell.value);
        else
                ck_assert_msg(s->moves[o] == b->moves[o], "%s (%s): %s moved to %g",
                    s->tool->interlocks[i].id, when, s->tool->tags[o].name, s->out[o]);
}

static void check_row(struct scenario *s, int i, const struct before *b, bool only_dosing, const char *when)
{
        for (int o = 0; o < s->tool->tag_count; o++)
                if (s->tool->tags[o].is_output &&
                    (!only_dosing || s->tool->tags[o].class != TOOL_CLASS_PLAIN))
                        check_cell(s, i, o, b, when);
}

/* What a stop brings about in the end. */
static void check_end(struct scenario *s, int i)
{
        scenario_await(s, MACHINE_STOPPED, 10 * TIME_MIN);
        scenario_run(s, ALL_US);
        for (int o = 0; o < s->tool->tag_count; o++) {
                struct matrix_cell cell;

                if (!s->tool->tags[o].is_output)
                        continue;
                cell = matrix_at(s->tool, i, o);
                ck_assert_msg(
                    cell.effect == MATRIX_FORCES || cell.effect == MATRIX_ENDS_AT, "a stop moves everything");
                ck_assert_msg(is_same(s->out[o], cell.value), "%s: %s ends at %g, not %g",
                    s->tool->interlocks[i].id, s->tool->tags[o].name, s->out[o], cell.value);
        }
}

/* `bad`: its inputs cannot be read, which counts as tripped after the grace (T5). */
static void check_trip(int which, int i, const struct dose *dose, bool bad)
{
        struct scenario *s = dosing(which, i, dose);
        const struct tool_interlock *lock = &s->tool->interlocks[i];
        const char *when = bad ? "unreadable" : dose->name;
        int64_t delay = bad ? lock->grace_us : lock->for_us + rate_us(s->tool, lock),
                slack = SAMPLE_US + TIME_MS;
        struct before b;

        keep(s, &b);
        if (bad)
                spoil(s, lock->when.root);
        else
                ck_assert_msg(solve(s, lock->when.root, true), "%s: no cause was found", lock->id);
        /* The window of a rate holds what was before: it tells before it holds the new slope alone. */
        await_latch(s, i, rate_us(s->tool, lock) > 0 && !bad ? 0 : delay, delay + slack);
        scenario_run(s, FIRST_US - TIME_MS);
        check_row(s, i, &b, true, when);
        scenario_run(s, ALL_US - FIRST_US);
        check_row(s, i, &b, false, when);
        if (lock->then == TOOL_ACT_STOP && !bad)
                check_end(s, i);
        scenario_free(s);
}

/* ---- Suspends ---- */

/* Forces what its row says, latches nothing, and lets the run go on once it is gone. */
static void check_suspend(int which, int i, const struct dose *dose, bool bad)
{
        struct scenario *s = dosing(which, i, dose);
        const struct tool_interlock *lock = &s->tool->interlocks[i];
        struct before b;

        keep(s, &b);
        if (bad)
                spoil(s, lock->when.root);
        else
                ck_assert_msg(solve(s, lock->when.root, true), "%s: no cause was found", lock->id);
        scenario_run(s, (bad ? lock->grace_us : lock->for_us) - TIME_MS);
        ck_assert_int_eq(scenario_state(s), MACHINE_EXECUTE);
        scenario_run(s, SAMPLE_US + TIME_MS + FIRST_US);
        check_row(s, i, &b, true, dose->name);
        scenario_run(s, ALL_US - FIRST_US);
        check_row(s, i, &b, false, dose->name);
        scenario_await(s, MACHINE_SUSPENDED, 6 * TIME_S);
        ck_assert_int_eq(scenario_status(s).latch_count, 0);
        for (int o = 0; o < s->tool->tag_count; o++)
                if (s->tool->tags[o].is_output && matrix_at(s->tool, i, o).effect != MATRIX_NOTHING)
                        ck_assert_msg(is_same(s->out[o], matrix_at(s->tool, i, o).value), "%s: %s is %g",
                            lock->id, s->tool->tags[o].name, s->out[o]);
        memset(s->force, 0, sizeof s->force);
        scenario_run(s, SAMPLE_US + lock->for_us + TIME_S);
        /* A reactive gas that was cut is asked about. */
        ck_assert_msg(scenario_state(s) == (dose->is_line ? MACHINE_EXECUTE : MACHINE_HELD), "%s (%s): %s",
            lock->id, dose->name, scenario_status(s).reason);
        scenario_free(s);
}

/* ---- Permits ---- */

static bool names(const struct tool_interlock *lock, int tag)
{
        for (int i = 0; i < lock->output_count; i++)
                if (lock->outputs[i] == tag)
                        return true;
        return false;
}

/* Is anything away from safe that this permit lets be so? */
static bool is_in_use(const struct scenario *s, const struct tool_interlock *lock)
{
        for (int i = 0; i < lock->output_count; i++)
                if (!is_same(s->out[lock->outputs[i]], s->tool->tags[lock->outputs[i]].safe))
                        return true;
        return false;
}

static void check_permit_cell(struct scenario *s, int i, int o, const struct before *b, bool is_lost)
{
        struct matrix_cell cell = matrix_at(s->tool, i, o);

        note_looked(is_lost && cell.effect != MATRIX_NOTHING);
        if (is_lost && (cell.effect == MATRIX_PERMITS || cell.effect == MATRIX_FOLLOWS))
                ck_assert_msg(is_same(s->out[o], cell.value), "V4: %s lost: %s is %g, not %g",
                    s->tool->interlocks[i].id, s->tool->tags[o].name, s->out[o], cell.value);
        else
                ck_assert_msg(s->moves[o] == b->moves[o], "%s (%s): %s moved to %g",
                    s->tool->interlocks[i].id, is_lost ? "lost" : "not in use", s->tool->tags[o].name,
                    s->out[o]);
}

/* Lost while something doses: what it permits closes at once, and the run holds. */
static void check_permit_lost(int which, int i, const struct dose *dose, bool bad)
{
        struct scenario *s = dosing(which, i, dose);
        const struct tool_interlock *lock = &s->tool->interlocks[i];
        bool is_lost = is_in_use(s, lock);
        struct before b;

        keep(s, &b);
        if (bad)
                spoil(s, lock->when.root);
        else
                ck_assert_msg(solve(s, lock->when.root, false), "%s: no cause was found", lock->id);
        scenario_run(s, SAMPLE_US + FIRST_US);
        for (int o = 0; o < s->tool->tag_count; o++)
                if (s->tool->tags[o].is_output && s->tool->tags[o].class != TOOL_CLASS_PLAIN)
                        check_permit_cell(s, i, o, &b, is_lost);
        scenario_run(s, ALL_US - FIRST_US);
        for (int o = 0; o < s->tool->tag_count; o++)
                if (s->tool->tags[o].is_output)
                        check_permit_cell(s, i, o, &b, is_lost);
        ck_assert_int_eq(scenario_state(s), is_lost ? MACHINE_HELD : MACHINE_EXECUTE);
        scenario_free(s);
}

/* Not given beforehand: what it names does not open, and what it does not name opens all the same. */
static void check_permit_refused(int which, int i, const struct dose *dose)
{
        struct scenario *s = begin(which, i);
        const struct tool_interlock *lock = &s->tool->interlocks[i];
        char body[400];
        struct text t;

        text_init(&t, body, sizeof body);
        add_dose(&t, dose);
        start(s, body);
        scenario_run(s, 10 * TIME_S);
        if (!is_in_use(s, lock)) {
                int moves = s->moves[dose->tag];

                ck_assert(solve(s, lock->when.root, false));
                scenario_run(s, 12 * TIME_S);
                ck_assert_msg(
                    (s->moves[dose->tag] == moves) == names(lock, dose->tag), "%s: %s", lock->id, dose->name);
                ck_assert_int_eq(scenario_state(s), names(lock, dose->tag) ? MACHINE_HELD : MACHINE_EXECUTE);
        }
        scenario_free(s);
}

/* ---- Exclusions ---- */

/* After `first` closed, and with a purge that does not end, `second` opens only when this does not exclude it. */
static void check_pair(int which, int i, const struct dose *first, const struct dose *second)
{
        struct scenario *s = begin(which, i);
        struct tool_interlock *lock = &s->tool->interlocks[i];
        bool excludes = names(lock, first->tag) && names(lock, second->tag);
        struct before b;
        char body[1000];
        struct text t;

        lock->purge_us = 0;
        text_init(&t, body, sizeof body);
        add_dose(&t, first);
        /* Set-points are in no group: each moves. */
        text_add(&t, "    - set: {carrier.flow: 71 sccm, bed.speed: 2 rpm, chamber.temperature: 176 degC}\n");
        add_dose(&t, second);
        start(s, body);
        lock->purge_us = TIME_H;
        await_open(s, first->tag);
        keep(s, &b);
        scenario_run(s, 45 * TIME_S);
        ck_assert_msg(!excludes == (s->moves[second->tag] > b.moves[second->tag]), "V2: %s: %s after %s: %s",
            lock->id, second->name, first->name, scenario_status(s).reason);
        note_looked(excludes);
        ck_assert_int_eq(scenario_state(s) == MACHINE_HELD, excludes);
        ck_assert(is_same(s->out[scenario_tag(s, "carrier.flow.setpoint")], 71));
        ck_assert(is_same(s->out[scenario_tag(s, "bed.speed.setpoint")], 2));
        ck_assert(is_same(s->out[scenario_tag(s, "chamber.temperature.setpoint")], 176));
        scenario_free(s);
}

/* ---- The table ---- */

/* The vent valve opens in no pulse, but takes part in exclusions. */
static int partners_of(const struct tool *tool, struct dose *doses)
{
        int n = doses_of(tool, doses);

        for (int i = 0; i < tool->valve_count; i++) {
                if (tool->valves[i].tag != tool->vent)
                        continue;
                doses[n] = (struct dose){.tag = tool->vent};
                text_copy(doses[n++].name, TOOL_NAME_MAX, tool->valves[i].name);
        }
        return n;
}

static void check_exclusion(int which, int i)
{
        struct tool *tool = new_tool(which);
        struct dose doses[TOOL_LINES_MAX + TOOL_VALVES_MAX];
        int n = partners_of(tool, doses);

        for (int a = 0; a < n; a++)
                for (int b = 0; b < n; b++)
                        if (a != b)
                                check_pair(which, i, &doses[a], &doses[b]);
        free(tool);
}

static void check_interlock(int which, int i, enum tool_interlock_kind kind)
{
        struct tool *tool = new_tool(which);
        struct dose doses[TOOL_LINES_MAX + TOOL_VALVES_MAX];
        int n = doses_of(tool, doses);

        for (int k = 0; k < n; k++) {
                if (kind == TOOL_TRIP) {
                        check_trip(which, i, &doses[k], false);
                        check_trip(which, i, &doses[k], true);
                } else if (kind == TOOL_SUSPEND) {
                        check_suspend(which, i, &doses[k], false);
                        check_suspend(which, i, &doses[k], true);
                } else {
                        check_permit_lost(which, i, &doses[k], false);
                        check_permit_lost(which, i, &doses[k], true);
                        check_permit_refused(which, i, &doses[k]);
                }
        }
        free(tool);
}

/* Checks of cells, by what is expected of them: MATRIX_TELL=1 says how many. */
static void tell(const struct tool *tool, int which, int i)
{
        if (getenv("MATRIX_TELL") != NULL)
                fprintf(stderr, "%d %s: %d cells with an effect and %d empty ones were looked at\n", which,
                    tool->interlocks[i].id, looked.effects, looked.empty);
        ck_assert_int_gt(looked.effects, 0);
}

/* One test an interlock: 0 to 63 the reference tool's, from 64 the other's. */
START_TEST(every_cell_holds)
{
        int which = _i / TOOL_INTERLOCKS_MAX, i = _i % TOOL_INTERLOCKS_MAX;
        struct tool *tool = new_tool(which);
        bool is_there = i < tool->interlock_count;
        enum tool_interlock_kind kind = tool->interlocks[i].kind;

        looked.effects = looked.empty = 0;
        if (is_there && kind == TOOL_EXCLUSIVE)
                check_exclusion(which, i);
        else if (is_there)
                check_interlock(which, i, kind);
        if (is_there)
                tell(tool, which, i);
        free(tool);
}
END_TEST

/* The loops over interlocks and outputs above are not empty, and each kind of cell is among them. */
START_TEST(every_kind_of_cell_is_there)
{
        struct tool *tool = new_tool(1);
        int cells[MATRIX_EFFECTS] = {0};

        for (int i = 0; i < tool->interlock_count; i++)
                for (int o = 0; o < tool->tag_count; o++)
                        if (tool->tags[o].is_output)
                                cells[matrix_at(tool, i, o).effect]++;
        for (int e = 0; e < MATRIX_EFFECTS; e++)
                ck_assert_msg(cells[e] > 0, "no cell '%s'", matrix_effect_name((enum matrix_effect)e));
        free(tool);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("matrix");
        TCase *tc = tcase_create("matrix");
        tcase_set_timeout(tc, 120);
        tcase_add_test(tc, every_kind_of_cell_is_there);
        tcase_add_loop_test(tc, every_cell_holds, 0, 2 * TOOL_INTERLOCKS_MAX);
        suite_add_tcase(suite, tc);
        return suite_main(suite);
}
