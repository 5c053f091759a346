/* Random commands of several people over the simulated tool, against a small model written from SAFETY.md: who has control,
 * what state, what is latched, what may move. It knows the wire, the record, the replies and the samples, and never looks
 * into the core. V1, V2, V3, V4, V9, A2 and A3 are checked on every edge and every record.
 *
 * ALD_MODEL_COMMANDS=1000000 ALD_MODEL_SEED=1 build/tests/test_operate_model    the long run */

#include "scenario.h"
#include "suite.h"

#include <stdint.h> /* uint64_t */

#define LAPSE_US     (30 * TIME_S)
#define STANDBY_US   (60 * TIME_S)
#define PURGE_US     (5 * TIME_S) /* min_purge of both lines, purge_between of both exclusions */
#define LEAD_US      (20 * TIME_MS)
#define MAY_BE(code) ((code) == CODE_EITHER)

enum { CODE_OK = 0, CODE_REFUSED = 3, CODE_DENIED = 5, CODE_EITHER = -1 };

struct person {
        uint32_t uid;
        const char *name;
        enum tool_role role;
};
static const struct person people[] = {{1000, "ann", TOOL_ROLE_OPERATOR}, {1001, "bob", TOOL_ROLE_OPERATOR},
    {1002, "eve", TOOL_ROLE_ENGINEER}, {1003, "vic", TOOL_ROLE_VIEWER}, {1004, "tom", TOOL_ROLE_NONE}};

static struct {
        struct scenario *s;
        uint64_t seed, random;
        long commands, accepted, openings, lapses, standbys, runs, trips;
        int64_t now_us;
        /* What the model believes. */
        enum machine_state state;
        bool in_run;
        bool is_held, has_uid;
        uint32_t uid;
        char user[TOOL_NAME_MAX];
        int64_t until_us;
        int64_t standby_us; /* countdown after a lapse, 0 = none */
        bool latched[TOOL_INTERLOCKS_MAX];
        bool latched_else;
        bool by_hand[TOOL_TAGS_MAX];
        double sample[TOOL_TAGS_MAX];
        int64_t purging_us; /* since, 0 = not */
        double carrier_before;
        int live; /* tag of the pulse under way, -1 = none */
        bool live_is_manual;
        int64_t open_us, close_us; /* planned edges of the pulse by hand */
        int64_t opened_us[TOOL_TAGS_MAX], closed_us[TOOL_TAGS_MAX], moved_us;
        /* The command that is being given. */
        const struct command *command;
        bool is_releasing;
        /* Places in the tool. */
        int nb, water, exhaust, vent, pump, spare, carrier, flow, running, pressure, lid, line, source, emo,
            bed;
} m;

#define FAIL_UNLESS(what, ...)                                                                               \
        do {                                                                                                 \
                if (!(what)) {                                                                               \
                        fprintf(stderr,                                                                      \
                            "ALD_MODEL_SEED=%llu, command %ld, t %lld us: ", (unsigned long long)m.seed,     \
                            m.commands, (long long)m.now_us);                                                \
                        fprintf(stderr, __VA_ARGS__);                                                        \
                        fprintf(stderr, "\n");                                                               \
                        ck_abort_msg("%s", #what);                                                           \
                }                                                                                            \
        } while (0)

static uint64_t draw(uint64_t n)
{
        m.random ^= m.random << 13;
        m.random ^= m.random >> 7;
        m.random ^= m.random << 17;
        return m.random % n;
}

/* ---- the model: conditions of the reference tool, by hand ---- */

static bool is_dosing(int tag)
{
        return tag == m.nb || tag == m.water;
}

static bool permitted(int tag)
{
        if (!is_dosing(tag))
                return true;
        if (!(m.sample[m.flow] > 5) || m.sample[m.running] == 0 || !(m.sample[m.pressure] < 10))
                return false;
        if (m.sample[m.lid] == 0 || m.sample[m.vent] != 0)
                return false;
        return tag != m.nb || m.sample[m.line] > m.sample[m.source] + 5;
}

static bool is_open(int tag)
{
        return m.s->out[tag] != 0 || m.live == tag;
}

/* The exclusions: nb, water and the vent valve, each with the others, 5 s of purge between. Near a limit of time the two may
 * differ by a turn's order. */
static int excluded(int tag, int64_t at_us)
{
        const int group[] = {m.nb, m.water, m.vent};
        int worst = CODE_OK;

        if (tag != m.nb && tag != m.water && tag != m.vent)
                return CODE_OK;
        for (int i = 0; i < 3; i++) {
                int64_t closed = m.closed_us[group[i]], since;

                if (group[i] == tag)
                        continue;
                if (is_open(group[i]))
                        return CODE_REFUSED;
                if (closed == 0)
                        continue;
                if (m.purging_us == 0)
                        return CODE_REFUSED;
                since = closed > m.purging_us ? closed : m.purging_us;
                if (llabs(at_us - since - PURGE_US) < 3 * TIME_MS)
                        worst = CODE_EITHER;
                else if (at_us - since < PURGE_US)
                        return CODE_REFUSED;
        }
        return worst;
}

/* V9: the way out and the carrier are needed while a precursor is open and for its purge. */
static int purge_needs(int tag, double value)
{
        const int lines[] = {m.nb, m.water};
        int worst = CODE_OK;

        if ((tag != m.exhaust && tag != m.carrier) || value > 0)
                return CODE_OK;
        for (int i = 0; i < 2; i++) {
                int64_t since = m.now_us - m.closed_us[lines[i]];

                if (is_open(lines[i]))
                        return CODE_REFUSED;
                if (m.closed_us[lines[i]] == 0)
                        continue;
                if (llabs(since - PURGE_US) < 3 * TIME_MS)
                        worst = CODE_EITHER;
                else if (since < PURGE_US)
                        return CODE_REFUSED;
        }
        return worst;
}

static bool has_latches(void)
{
        for (int i = 0; i < m.s->tool->interlock_count; i++)
                if (m.latched[i])
                        return true;
        return m.latched_else;
}

/* Does a latched cause still stand? Those with a delay cannot be told from here while their condition is true, nor can
 * those that the core raises by itself. */
static int cause_stands(void)
{
        const struct tool *tool = m.s->tool;
        int worst = m.latched_else ? CODE_EITHER : CODE_OK;

        for (int i = 0; i < tool->interlock_count; i++) {
                const char *id = tool->interlocks[i].id;

                if (tool->interlocks[i].kind != TOOL_TRIP)
                        continue;
                if (strcmp(id, "emergency-stop") == 0 && m.sample[m.emo] == 0)
                        return CODE_REFUSED;
                if (strcmp(id, "bed-fast") == 0 && m.sample[m.bed] > 4)
                        return CODE_REFUSED;
                if (strcmp(id, "over-pressure") == 0 && m.sample[m.pressure] > 5)
                        worst = CODE_EITHER;
                if (strcmp(id, "chamber-hot") == 0 &&
                    m.sample[tool_find_tag(tool, "chamber.temperature")] > 200)
                        worst = CODE_EITHER;
        }
        return worst;
}

/* ---- the model: who may ---- */

static bool is_holder(uint32_t uid, const char *user)
{
        return m.is_held && (m.has_uid ? m.uid == uid : strcmp(m.user, user) == 0);
}

#define BIT(state) (UINT32_C(1) << MACHINE_##state)
static const struct rule {
        enum verb verb;
        char control; /* f: free, t: takes, h: holds */
        enum tool_role role;
        uint32_t states;
        bool is_elsewhere; /* its handler is not this model's matter */
} rules[] = {
    {VERB_RUN, 't', TOOL_ROLE_OPERATOR, BIT(STOPPED) | BIT(IDLE) | BIT(COMPLETE), false},
    {VERB_HOLD, 't', TOOL_ROLE_OPERATOR,
        BIT(EXECUTE) | BIT(UNHOLDING) | BIT(SUSPENDING) | BIT(SUSPENDED) | BIT(UNSUSPENDING), false},
    {VERB_RESUME, 't', TOOL_ROLE_OPERATOR, BIT(HELD), false},
    {VERB_STOP, 't', TOOL_ROLE_OPERATOR,
        UINT32_MAX & ~(BIT(STOPPED) | BIT(STOPPING) | BIT(ABORTING) | BIT(ABORTED) | BIT(CLEARING)), false},
    {VERB_ABORT, 'f', TOOL_ROLE_OPERATOR, UINT32_MAX & ~(BIT(ABORTING) | BIT(ABORTED)), false},
    {VERB_RESET, 't', TOOL_ROLE_OPERATOR, BIT(STOPPED) | BIT(IDLE) | BIT(COMPLETE) | BIT(ABORTED), false},
    {VERB_CONFIRM, 't', TOOL_ROLE_OPERATOR, BIT(EXECUTE) | BIT(STOPPING) | BIT(COMPLETING), true},
    {VERB_ACK, 'f', TOOL_ROLE_OPERATOR, UINT32_MAX, true},
    {VERB_UNSHELVE, 'f', TOOL_ROLE_OPERATOR, UINT32_MAX, true},
    {VERB_BYPASS, 'f', TOOL_ROLE_ENGINEER, UINT32_MAX, true},
    {VERB_UNBYPASS, 'f', TOOL_ROLE_OPERATOR, UINT32_MAX, true},
    {VERB_CONTROL, 'f', TOOL_ROLE_OPERATOR, UINT32_MAX, false},
    {VERB_OPEN, 'h', TOOL_ROLE_OPERATOR,
        BIT(STOPPED) | BIT(IDLE) | BIT(COMPLETE) | BIT(EXECUTE) | BIT(HELD) | BIT(SUSPENDED), false},
    {VERB_CLOSE, 'f', TOOL_ROLE_OPERATOR, UINT32_MAX, false},
    {VERB_SET, 'h', TOOL_ROLE_OPERATOR,
        BIT(STOPPED) | BIT(IDLE) | BIT(COMPLETE) | BIT(EXECUTE) | BIT(HELD) | BIT(SUSPENDED), false},
};

static const struct rule *rule_of(const struct command *c)
{
        enum verb verb = c->verb;

        /* To close what is no precursor is to move it. */
        if (verb == VERB_CLOSE && c->tag >= 0 && !is_dosing(c->tag))
                verb = VERB_SET;
        for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++)
                if (rules[i].verb == verb)
                        return &rules[i];
        ck_abort_msg("no rule");
        return NULL;
}

static int expect_control(const struct command *c)
{
        bool mine = is_holder(c->uid, c->user);

        if (strcmp(c->name, "take") == 0) {
                if (c->to[0] != '\0')
                        return CODE_REFUSED;
                if (!m.is_held || mine)
                        return CODE_OK;
                return !c->force ? CODE_REFUSED : c->role == TOOL_ROLE_ENGINEER ? CODE_OK : CODE_DENIED;
        }
        if (strcmp(c->name, "release") != 0 || c->force)
                return CODE_REFUSED;
        return mine ? CODE_OK : CODE_REFUSED;
}

/* By hand outside a run; water and carrier inside one too, precursors there only while it executes; the pump never. */
static bool may_by_hand(int tag, double value)
{
        if (tag == m.pump || tag == m.spare)
                return false;
        if (!m.in_run)
                return true;
        if (tag != m.water && tag != m.carrier)
                return false;
        return !is_dosing(tag) || value == m.s->tool->tags[tag].safe || m.state == MACHINE_EXECUTE;
}

static int either(int a, int b)
{
        return a == CODE_REFUSED || b == CODE_REFUSED ? CODE_REFUSED
               : MAY_BE(a) || MAY_BE(b)               ? CODE_EITHER
                                                      : CODE_OK;
}

static int expect_move(int tag, double value)
{
        const struct tool_tag *t = &m.s->tool->tags[tag];

        if (!may_by_hand(tag, value))
                return CODE_REFUSED;
        if (value == t->safe)
                return purge_needs(tag, value);
        if (has_latches())
                return CODE_REFUSED;
        return either(purge_needs(tag, value), value != 0 ? excluded(tag, m.now_us) : CODE_OK);
}

static int expect_dose(int tag, int64_t for_us)
{
        int64_t max_us = tag == m.nb ? 5 * TIME_S : 2 * TIME_S;

        if (!may_by_hand(tag, 1) || has_latches() || for_us < 20 * TIME_MS || for_us > max_us || m.live >= 0)
                return CODE_REFUSED;
        /* V9: it can leave. */
        if (!permitted(tag) || m.s->out[m.exhaust] == 0 || m.s->out[m.carrier] == 0)
                return CODE_REFUSED;
        /* Its own last close is reported a moment after it. */
        return excluded(tag, m.now_us + LEAD_US);
}

static int expect_open(int tag, int64_t for_us)
{
        if (!m.s->tool->tags[tag].is_valve)
                return CODE_REFUSED;
        if (is_dosing(tag))
                return expect_dose(tag, for_us);
        if (!may_by_hand(tag, 1) || for_us != 0)
                return CODE_REFUSED;
        return expect_move(tag, 1);
}

static int expect_close(int tag)
{
        if (is_dosing(tag))
                return CODE_OK;
        return m.s->tool->tags[tag].is_valve ? expect_move(tag, 0) : CODE_REFUSED;
}

static int expect_set(const struct command *c)
{
        const struct tool_tag *t = &m.s->tool->tags[c->tag];

        if (t->is_bit && c->value != 0 && c->value != 1)
                return CODE_REFUSED;
        if (t->is_valve)
                return c->value != 0 ? expect_open(c->tag, c->for_us) : expect_close(c->tag);
        if (!t->is_bit && !(c->value >= t->limit_min && c->value <= t->limit_max))
                return CODE_REFUSED;
        return expect_move(c->tag, c->value);
}

static int expect_handler(const struct command *c)
{
        bool moves = c->verb == VERB_OPEN || c->verb == VERB_CLOSE || c->verb == VERB_SET;

        if (c->refused[0] != '\0' || (moves && (c->tag < 0 || !m.s->tool->tags[c->tag].is_output)))
                return CODE_REFUSED;
        switch (c->verb) {
        case VERB_RUN:
                return c->recipe == NULL || has_latches() ? CODE_REFUSED : CODE_OK;
        case VERB_RESUME:
        case VERB_RESET:
                return cause_stands();
        case VERB_CONTROL:
                return expect_control(c);
        case VERB_OPEN:
                return expect_open(c->tag, c->for_us);
        case VERB_CLOSE:
                return expect_close(c->tag);
        case VERB_SET:
                return expect_set(c);
        default:
                return CODE_OK;
        }
}

static int expect(const struct command *c)
{
        const struct rule *rule = rule_of(c);
        bool mine = is_holder(c->uid, c->user);

        if (c->role < rule->role)
                return CODE_DENIED;
        if (c->refused[0] != '\0')
                return CODE_REFUSED;
        if ((rule->states & (UINT32_C(1) << m.state)) == 0)
                return CODE_REFUSED;
        if ((rule->control == 'h' && !mine) || (rule->control == 't' && m.is_held && !mine))
                return CODE_REFUSED;
        return rule->is_elsewhere ? CODE_EITHER : expect_handler(c);
}

/* ---- the model: what follows ---- */

static void give(bool has_uid, uint32_t uid, const char *user)
{
        m.is_held = true;
        m.has_uid = has_uid;
        m.uid = uid;
        snprintf(m.user, sizeof m.user, "%s", user);
        m.until_us = m.now_us + LAPSE_US;
        m.standby_us = 0;
}

static bool any_by_hand(void)
{
        for (int i = 0; i < m.s->tool->tag_count; i++)
                if (m.by_hand[i])
                        return true;
        return m.live >= 0 && m.live_is_manual;
}

static void pass_time(void)
{
        if (m.is_held && m.now_us >= m.until_us) {
                m.is_held = false;
                m.lapses++;
                if (!m.in_run && any_by_hand())
                        m.standby_us = m.now_us + STANDBY_US;
        }
        if (m.standby_us != 0 && (m.in_run || !any_by_hand()))
                m.standby_us = 0;
}

static double standby_of(int tag)
{
        return m.s->tool->tags[tag].image[TOOL_IMAGE_STANDBY].value;
}

static void follow(const struct command *c)
{
        const struct rule *rule = rule_of(c);

        m.accepted++;
        if (rule->control == 't')
                give(true, c->uid, c->user);
        switch (c->verb) {
        case VERB_RUN:
                m.in_run = true;
                m.runs++;
                break;
        case VERB_RESET:
        case VERB_RESUME:
                memset(m.latched, 0, sizeof m.latched);
                m.latched_else = false;
                break;
        case VERB_CONTROL:
                if (strcmp(c->name, "take") == 0)
                        give(true, c->uid, c->user);
                else if (c->to[0] == '\0')
                        m.is_held = false;
                else if (strcmp(c->to, m.user) != 0)
                        give(false, 0, c->to);
                break;
        case VERB_OPEN:
        case VERB_SET:
        case VERB_CLOSE:
                if (!is_dosing(c->tag))
                        m.by_hand[c->tag] = m.s->out[c->tag] != standby_of(c->tag);
                break;
        default:
                break;
        }
}

/* A pulse by hand begins: known before the core says a word, so that its edges can be held against it. */
static void plan_pulse(const struct command *c)
{
        m.live = c->tag;
        m.live_is_manual = true;
        m.open_us = m.now_us + LEAD_US;
        m.close_us = m.open_us + c->for_us;
}

/* ---- checkers on the wire and in the record ---- */

static bool was_image_due(void)
{
        bool ends = m.state == MACHINE_STOPPING || m.state == MACHINE_COMPLETING;

        return ends || m.is_releasing || m.moved_us == m.now_us ||
               (m.standby_us != 0 && m.now_us >= m.standby_us);
}

static void check_opening(int tag)
{
        bool is_planned = m.live_is_manual && m.live == tag && m.now_us == m.open_us;

        m.openings++;
        FAIL_UNLESS(m.in_run || is_planned, "A2: %s opened by nobody", m.s->tool->tags[tag].name);
        /* An edge of the very instant in which the run was held or stopped had left by then. */
        FAIL_UNLESS(
            !m.in_run || m.state == MACHINE_EXECUTE || m.state == MACHINE_STARTING ||
                m.state == MACHINE_UNHOLDING ||
                ((m.state == MACHINE_STOPPING || m.state == MACHINE_HOLDING) && m.moved_us == m.now_us),
            "V4: %s opened in state %s", m.s->tool->tags[tag].name, machine_state_name(m.state));
        FAIL_UNLESS(
            m.in_run || m.is_held, "A2: %s opened while nobody has control", m.s->tool->tags[tag].name);
        FAIL_UNLESS(permitted(tag), "V4: %s opened without its permits", m.s->tool->tags[tag].name);
}

static void check_operator(int tag)
{
        const struct command *c = m.command;

        FAIL_UNLESS(c != NULL && c->tag == tag, "A2: %s moved by no command", m.s->tool->tags[tag].name);
        FAIL_UNLESS((c->verb == VERB_CLOSE && is_dosing(tag)) || is_holder(c->uid, c->user),
            "A2: %s moved by %s, who has no control", m.s->tool->tags[tag].name, c->user);
}

static void on_wire(void *ctx, int64_t t_us, int tag, double value, enum cause cause)
{
        const struct scenario *s = ctx;
        double was = s->out[tag];

        m.now_us = t_us;
        scenario_wire(ctx, t_us, tag, value, cause); /* V1, V2, V5 */
        if (is_dosing(tag) && value != 0 && was == 0) {
                check_opening(tag);
                m.opened_us[tag] = t_us;
        }
        if (is_dosing(tag) && value == 0 && was != 0)
                FAIL_UNLESS(t_us - m.opened_us[tag] <= s->tool->tags[tag].max_open_us,
                    "V3: %s open for %lld us", s->tool->tags[tag].name, (long long)(t_us - m.opened_us[tag]));
        if (value == 0 && was != 0)
                m.closed_us[tag] = t_us;
        if (cause == CAUSE_OPERATOR)
                check_operator(tag);
        else
                m.by_hand[tag] = false;
        if (cause == CAUSE_IMAGE)
                FAIL_UNLESS(was_image_due(), "%s went to an image, and nothing asked for one",
                    s->tool->tags[tag].name);
        if (cause != CAUSE_TRIP && cause != CAUSE_STARTUP)
                FAIL_UNLESS(purge_needs(tag, value) != CODE_REFUSED, "V9: %s closed in a purge",
                    s->tool->tags[tag].name);
}

static enum machine_state state_named(const char *name, size_t len)
{
        for (int i = 0; i < MACHINE_STATE_COUNT; i++)
                if (strlen(machine_state_name((enum machine_state)i)) == len &&
                    strncmp(machine_state_name((enum machine_state)i), name, len) == 0)
                        return (enum machine_state)i;
        ck_abort_msg("no state %s", name);
        return MACHINE_STATE_COUNT;
}

/* "Stopped -> Resetting: reset by ann" */
static void on_state(const char *text)
{
        const char *arrow = strstr(text, " -> ");
        enum machine_state from;

        if (arrow == NULL)
                return;
        from = state_named(text, (size_t)(arrow - text));
        FAIL_UNLESS(from == m.state, "S4: from %s, and the state was %s", machine_state_name(from),
            machine_state_name(m.state));
        m.state = state_named(arrow + 4, strcspn(arrow + 4, ":"));
        m.moved_us = m.now_us;
        if (m.state == MACHINE_RESETTING || m.state == MACHINE_ABORTING || m.state == MACHINE_CLEARING ||
            m.state == MACHINE_STOPPED)
                memset(m.by_hand, 0, sizeof m.by_hand);
}

static void on_trip(const char *id)
{
        m.trips++;
        for (int i = 0; i < m.s->tool->interlock_count; i++)
                if (strcmp(m.s->tool->interlocks[i].id, id) == 0) {
                        m.latched[i] = true;
                        return;
                }
        m.latched_else = true;
}

static void on_record(void *ctx, const struct record *r)
{
        m.now_us = r->wall_us - 1700000000 * TIME_S + 10 * TIME_S;
        scenario_record(ctx, r);
        if (r->kind == RECORD_PULSE_START) {
                m.live = m.s->tool->lines[r->u.pulse.line].valve;
                m.live_is_manual = false;
        }
        if (r->kind == RECORD_PULSE_END)
                m.live = -1;
        if (r->kind == RECORD_RUN_END)
                m.in_run = false;
        if (r->kind != RECORD_EVENT)
                return;
        if (strcmp(r->u.event.kind, "state") == 0)
                on_state(r->u.event.text);
        if (strcmp(r->u.event.kind, "trip") == 0)
                on_trip(r->u.event.source);
        if (strcmp(r->u.event.kind, "manual") == 0 && strstr(r->u.event.text, ": open for ") != NULL)
                m.live = -1;
}

static bool on_sample(void *ctx, struct sample *sample)
{
        bool kept = scenario_tamper(ctx, sample);

        m.sample[sample->tag] = sample->value;
        return kept;
}

/* What a turn sees when it begins: the samples, and the carrier as it was commanded before. */
static void look_at_purge(double carrier)
{
        bool is_purging = m.sample[m.flow] > 0 && m.sample[m.flow] >= 0.5 * carrier &&
                          m.sample[m.exhaust] != 0 && m.sample[m.running] != 0;

        if (!is_purging)
                m.purging_us = 0;
        else if (m.purging_us == 0)
                m.purging_us = m.now_us;
}

static void on_turn(void *ctx, const struct core *core, int64_t now_us)
{
        const struct scenario *s = ctx;

        (void)core;
        m.now_us = now_us;
        look_at_purge(m.carrier_before);
        m.carrier_before = s->out[m.carrier];
        if (m.standby_us != 0 && now_us >= m.standby_us) {
                for (int i = 0; i < s->tool->tag_count; i++)
                        FAIL_UNLESS(!m.by_hand[i], "%s is not at standby a minute after the lapse",
                            s->tool->tags[i].name);
                m.standby_us = 0;
                m.standbys++;
        }
        pass_time();
}

/* ---- random people ---- */

static const char recipe_text[] =
    "format: 1\nrecipe: quick\ntool: rotary-ald\nphases:\n  prepare:\n"
    "    - set: {carrier.flow: 70 sccm, bed.speed: 3 rpm}\n"
    "    - wait: {until: carrier.flow > 60 sccm, timeout: 1 min}\n  coat:\n"
    "    - repeat: 3\n      do:\n        - pulse: water\n          for: 100 ms\n"
    "        - purge: 6 s\nfinally:\n  - purge: 5 s\n";

static struct command any_control(struct command c)
{
        static const char *const to[] = {"", "", "", "ann", "bob", "eve"};

        c.verb = VERB_CONTROL;
        snprintf(c.name, sizeof c.name, "%s", draw(5) > 0 ? "take" : draw(8) > 0 ? "release" : "keep");
        if (c.name[0] == 'r' || draw(20) == 0)
                snprintf(c.to, sizeof c.to, "%s", to[draw(6)]);
        c.force = draw(6) == 0;
        return c;
}

static double any_value(int tag)
{
        const struct tool_tag *t = &m.s->tool->tags[tag];

        switch (draw(8)) {
        case 0:
                return t->safe;
        case 1:
                return standby_of(tag);
        case 2:
                return t->is_bit ? 2 : t->limit_max + 0.5;
        case 3:
                return t->is_bit ? 0.5 : t->limit_min - 0.5;
        case 4:
                return draw(4) == 0 ? (double)NAN : 0;
        default:
                if (t->is_bit)
                        return (double)draw(2);
                return t->limit_min + (t->limit_max - t->limit_min) * (double)draw(1000) / 1000;
        }
}

/* Mostly outputs, and mostly what may be moved without ending everything. */
static int any_output(void)
{
        int tag;

        if (draw(100) < 3)
                return draw(2) == 0 ? TOOL_NONE : m.pressure;
        if (draw(3) == 0)
                return draw(2) == 0 ? m.nb : m.water;
        if (draw(3) == 0)
                return m.carrier;
        do {
                tag = (int)draw((uint64_t)m.s->tool->tag_count);
        } while (!m.s->tool->tags[tag].is_output || ((tag == m.vent || tag == m.exhaust) && draw(30) != 0));
        return tag;
}

static struct command any_command(const struct person *who)
{
        static const enum verb others[] = {VERB_HOLD, VERB_HOLD, VERB_RESUME, VERB_RESUME, VERB_RESUME,
            VERB_RESUME, VERB_STOP, VERB_ABORT, VERB_RESET, VERB_RESET, VERB_RESET, VERB_RESET, VERB_RUN,
            VERB_RUN, VERB_CONFIRM, VERB_ACK, VERB_UNSHELVE, VERB_BYPASS, VERB_UNBYPASS};
        struct command c = {.reply = 7, .role = who->role, .uid = who->uid, .pid = 5, .tag = TOOL_NONE};
        uint64_t what = draw(100);

        snprintf(c.user, sizeof c.user, "%s", who->name);
        if (what < 18)
                return any_control(c);
        if (what < 70) {
                c.verb = what < 38 ? VERB_OPEN : what < 48 ? VERB_CLOSE : VERB_SET;
                c.tag = (int16_t)any_output();
                if (c.tag >= 0)
                        c.value = any_value(c.tag);
                if (c.verb == VERB_OPEN && (is_dosing(c.tag) ? draw(6) != 0 : draw(6) == 0))
                        c.for_us = draw(4) == 0 ? (int64_t)draw(8000000) : (int64_t)draw(1000000);
        } else {
                c.verb = others[draw(sizeof others / sizeof others[0])];
                c.recipe = c.verb == VERB_RUN && draw(8) > 0 ? m.s->recipe : NULL;
                c.now = c.verb == VERB_HOLD && draw(2) == 0;
                c.skip = c.verb == VERB_RESUME && draw(4) == 0;
                snprintf(c.name, sizeof c.name, "nothing");
        }
        if (draw(200) == 0)
                snprintf(c.refused, sizeof c.refused, "nonsense");
        return c;
}

static int64_t any_pause(void)
{
        switch (draw(20)) {
        case 0:
                return (int64_t)draw(45 * TIME_S);
        case 1:
                return draw(10) == 0 ? 95 * TIME_S : 0;
        case 2:
        case 3:
        case 4:
        case 5:
                return (int64_t)draw(5 * TIME_S);
        default:
                return (int64_t)draw(300 * TIME_MS);
        }
}

static void check_audit(const struct command *c, enum machine_state before, int audits)
{
        const struct record_audit *a = &m.s->audit;

        FAIL_UNLESS(m.s->audits == audits + 1, "A3: %d records", m.s->audits - audits);
        FAIL_UNLESS(a->uid == c->uid && a->pid == 5 && strcmp(a->user, c->user) == 0 &&
                        strcmp(a->role, tool_role_name(c->role)) == 0 &&
                        strcmp(a->state_before, machine_state_name(before)) == 0,
            "A3: the record names another");
        FAIL_UNLESS(
            (strncmp(a->result, "ok", 2) == 0) == (m.s->reply.code == 0), "A3: result '%s'", a->result);
}

/* A live pulse of the recipe that is closed by hand holds a run that can be held. */
static void give_command(const struct command *c)
{
        struct scenario *s = m.s;
        int audits = s->audits, want, got;
        enum machine_state before = m.state;
        bool is_release = c->verb == VERB_CONTROL && c->name[0] == 'r' && c->to[0] == '\0' && !c->force;
        bool had_pulse = m.live >= 0 && m.live_is_manual;

        m.now_us = virtual_now(s->v);
        pass_time();
        look_at_purge(s->out[m.carrier]);
        if (is_holder(c->uid, c->user)) {
                m.until_us = m.now_us + LAPSE_US;
                m.has_uid = true;
                m.uid = c->uid;
        }
        want = expect(c);
        m.command = c;
        m.is_releasing = is_release && want == CODE_OK;
        virtual_command(s->v, c);
        m.command = NULL;
        m.is_releasing = false;
        got = s->reply.code;
        FAIL_UNLESS(want == got || (MAY_BE(want) && (got == CODE_OK || got == CODE_REFUSED)),
            "%s %s by %s in %s: %d (%s), the model says %d", verb_at(c->verb)->name,
            c->tag >= 0 ? s->tool->tags[c->tag].name : c->name, c->user, machine_state_name(before), got,
            s->reply.text, want);
        check_audit(c, before, audits);
        if (got != CODE_OK) {
                FAIL_UNLESS(
                    m.state == before || m.moved_us != m.now_us || m.s->audit.state_after[0] != '\0', "S4");
                return;
        }
        if ((c->verb == VERB_OPEN || (c->verb == VERB_SET && c->value != 0)) && is_dosing(c->tag))
                plan_pulse(c);
        follow(c);
        if (is_release && had_pulse) {
                virtual_run(s->v, virtual_now(s->v) + 2 * TIME_MS);
                FAIL_UNLESS(m.in_run || (s->out[m.nb] == 0 && s->out[m.water] == 0),
                    "A2: a pulse outlives its control");
        }
}

/* ---- the run ---- */

static const struct scenario_edit edits[] = {
    /* A trip that only holds: it latches in states in which outputs move by hand. */
    {"interlocks:\n", "interlocks:\n  - id: bed-fast\n    trip: bed.speed > 4 rpm\n    then: hold\n"
                      "    guidance: Let it slow down.\n"},
    {"access:\n", "access:\n  control_lapse: 30 s\n"},
    {"max_open: 2 s,", "max_open: 2 s, manual: inside,"},
    {"access: write, limits: [0 sccm, 200 sccm]",
        "access: write, manual: inside, limits: [0 sccm, 200 sccm]"},
    {"access: write, safe: on, poll: 200 ms,", "access: write, manual: never, safe: on, poll: 200 ms,"},
};

static void begin(uint64_t seed)
{
        struct scenario *s = calloc(1, sizeof *s);
        struct virtual_config config = {.sim = {.seed = seed, .ready = true},
            .start = {
                .now_us = 10 * TIME_S, .wall_us = 1700000000 * TIME_S, .next_run_id = 1, .store_ok = true}};

        ck_assert_ptr_nonnull(s);
        memset(&m, 0, sizeof m);
        m.s = s;
        m.seed = seed;
        m.random = seed * UINT64_C(0x9E3779B97F4A7C15) + 1;
        m.live = -1;
        m.state = MACHINE_ABORTING;
        s->tool = scenario_edited_tool(edits, sizeof edits / sizeof edits[0]);
        s->recipe = support_recipe_text(s->tool, recipe_text, NULL, 0);
        s->bad_tag = s->deaf_tag = s->deviant_tag = s->deaf_device = -1;
        m.nb = scenario_tag(s, "nb.valve");
        m.water = scenario_tag(s, "water.valve");
        m.exhaust = scenario_tag(s, "exhaust.valve");
        m.vent = scenario_tag(s, "vent.valve");
        m.pump = scenario_tag(s, "pump.run");
        m.spare = scenario_tag(s, "spare.relay");
        m.carrier = scenario_tag(s, "carrier.flow.setpoint");
        m.flow = scenario_tag(s, "carrier.flow");
        m.running = scenario_tag(s, "pump.running");
        m.pressure = scenario_tag(s, "chamber.pressure");
        m.lid = scenario_tag(s, "lid.closed");
        m.line = scenario_tag(s, "nb.line.temperature");
        m.source = scenario_tag(s, "nb.temperature");
        m.emo = scenario_tag(s, "emo.ok");
        m.bed = scenario_tag(s, "bed.speed");
        config.watch = (struct virtual_watch){.ctx = s,
            .record = on_record,
            .reply = scenario_reply,
            .wire = on_wire,
            .turn = on_turn,
            .tamper = on_sample,
            .obeys = scenario_obeys};
        s->v = virtual_new(s->tool, &config);
        ck_assert_ptr_nonnull(s->v);
        scenario_await(s, MACHINE_STOPPED, 10 * TIME_S);
}

/* Somebody presses the emergency stop now and then, and lets it go. */
static void press_emo(void)
{
        if (m.s->bad_tag < 0 && draw(400) == 0)
                m.s->bad_tag = m.emo;
        else if (m.s->bad_tag >= 0 && draw(20) == 0)
                m.s->bad_tag = -1;
}

static const struct person *anybody(void)
{
        static const int weights[] = {40, 70, 88, 96, 100};
        int n = (int)draw(100), i = 0;

        /* Who has control does most of the work. */
        for (size_t k = 0; m.is_held && draw(2) == 0 && k < sizeof people / sizeof people[0]; k++)
                if (is_holder(people[k].uid, people[k].name))
                        return &people[k];
        while (n >= weights[i])
                i++;
        return &people[i];
}

static long number_from(const char *name, long otherwise)
{
        const char *text = getenv(name);

        return text != NULL && text[0] != '\0' ? strtol(text, NULL, 10) : otherwise;
}

START_TEST(no_difference)
{
        long n = number_from("ALD_MODEL_COMMANDS", 20000);

        begin((uint64_t)number_from("ALD_MODEL_SEED", 1));
        for (m.commands = 1; m.commands <= n; m.commands++) {
                struct command c;

                scenario_run(m.s, any_pause());
                press_emo();
                c = any_command(anybody());
                give_command(&c);
        }
        if (getenv("ALD_MODEL_COMMANDS") != NULL)
                fprintf(stderr,
                    "%ld commands, %ld accepted, %ld openings, %ld lapses, %ld to standby, %ld runs, %ld "
                    "trips, %lld s\n",
                    n, m.accepted, m.openings, m.lapses, m.standbys, m.runs, m.trips,
                    (long long)(virtual_now(m.s->v) / TIME_S));
        /* It was no walk in the dark. */
        ck_assert(m.accepted > n / 6 && m.openings > n / 150 && m.lapses > n / 1000 && m.runs > n / 500);
        ck_assert(m.standbys > n / 50000 && m.trips > n / 2000);
        scenario_free(m.s);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("operate_model");
        TCase *c = tcase_create("model");

        tcase_set_timeout(c, 7200);
        tcase_add_test(c, no_difference);
        suite_add_tcase(suite, c);
        return suite_main(suite);
}
