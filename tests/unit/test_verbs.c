/* Every verb x role x machine state x control (free, own, another's) against the table of expectations in
 * tests/table/verbs.txt. A real core is brought into each state; a refusal changes nothing in it, and each command leaves
 * exactly one audit record (S4, A2, A3). */

#include "../../src/core/core_state.h" /* struct core: to keep a core in a state, and to compare two */
#include "scenario.h"
#include "suite.h"

#include <ctype.h> /* isspace */

enum { ROWS_MAX = 48 };
enum { FREE, OWN, OTHER, CONTROLS };
enum outcome { ALLOWED, REFUSED_ROLE, REFUSED_STATE, REFUSED_TOKEN };
static const char *const outcomes[] = {"allowed", "role", "state", "token"};
static const char *const controls[] = {"free", "own", "another's"};

/* ---- the table ---- */

struct row {
        char verb[24], object[32];
        enum tool_role role;
        bool control[CONTROLS], state[MACHINE_STATE_COUNT];
};
static struct row rows[ROWS_MAX];
static int row_count;

static enum tool_role role_of(const char *name)
{
        for (int r = TOOL_ROLE_NONE; r <= TOOL_ROLE_ENGINEER; r++)
                if (strcmp(tool_role_name((enum tool_role)r), name) == 0)
                        return (enum tool_role)r;
        ck_abort_msg("no role %s", name);
        return TOOL_ROLE_NONE;
}

/* "set carrier.flow  operator  .y.  y . y ...": words up to the role are the verb and its object. */
static void read_row(char *line)
{
        struct row *row = &rows[row_count++];
        char *words[32] = {NULL};
        int n = 0, at = 1;

        ck_assert_int_lt(row_count, ROWS_MAX);
        for (char *w = strtok(line, " \n"); w != NULL && n < 32; w = strtok(NULL, " \n"))
                words[n++] = w;
        ck_assert_int_ge(n, 3 + MACHINE_STATE_COUNT);
        ck_assert_ptr_nonnull(words[0]);
        text_copy(row->verb, sizeof row->verb, words[0]);
        if (n == 4 + MACHINE_STATE_COUNT)
                text_copy(row->object, sizeof row->object, words[at++]);
        ck_assert_msg(n == at + 2 + MACHINE_STATE_COUNT, "%s: %d words", row->verb, n);
        row->role = role_of(words[at++]);
        for (int i = 0; i < CONTROLS; i++)
                row->control[i] = words[at][i] == 'y';
        at++;
        for (int i = 0; i < MACHINE_STATE_COUNT; i++)
                row->state[i] = words[at + i][0] == 'y';
}

static void read_rows(void)
{
        FILE *f = fopen("tests/table/verbs.txt", "r");
        char line[256];

        ck_assert_ptr_nonnull(f);
        row_count = 0;
        while (fgets(line, sizeof line, f) != NULL)
                if (line[0] != '#' && !isspace((unsigned char)line[0]))
                        read_row(line);
        fclose(f);
}

static enum outcome expected(const struct row *row, enum tool_role role, int state, int control)
{
        if (role < row->role)
                return REFUSED_ROLE;
        if (!row->state[state])
                return REFUSED_STATE;
        return row->control[control] ? ALLOWED : REFUSED_TOKEN;
}

static const struct verb_entry *verb_named(const char *name)
{
        size_t count;
        const struct verb_entry *table = verb_table(&count);

        for (size_t i = 0; i < count; i++)
                if (strcmp(table[i].name, name) == 0)
                        return &table[i];
        ck_abort_msg("no verb %s", name);
        return NULL;
}

/* ---- a core in each state ---- */

static struct scenario *s;
static struct core *core;
static struct effects effects, idle_effects;

static void setup(void)
{
        read_rows();
        s = scenario_new(0);
        core = virtual_core(s->v);
        scenario_await(s, MACHINE_STOPPED, 10 * TIME_S);
        scenario_run(s, TIME_S);
}

static void teardown(void)
{
        scenario_free(s);
}

/* A transition that no command of this tool causes. */
static void go(enum machine_cause cause)
{
        effects.count = 0;
        core->out = &effects;
        ck_assert(core_go(core, cause, "test"));
        core->out = NULL;
}

static void to_execute(void)
{
        scenario_start(s, "1", "5 s");
        scenario_await(s, MACHINE_EXECUTE, TIME_MIN);
        scenario_run(s, TIME_S);
}

static void bring_to(enum machine_state state)
{
        switch (state) {
        case MACHINE_STOPPED:
                break;
        case MACHINE_RESETTING:
                scenario_do(s, VERB_RESET);
                break;
        case MACHINE_IDLE:
                scenario_do(s, VERB_RESET);
                scenario_await(s, MACHINE_IDLE, TIME_MIN);
                break;
        case MACHINE_STARTING: /* passed within a turn: put there by hand */
                to_execute();
                core->state = MACHINE_STARTING;
                break;
        case MACHINE_COMPLETING:
        case MACHINE_COMPLETE:
                to_execute();
                scenario_await(s, state, TIME_H);
                break;
        case MACHINE_EXECUTE:
                to_execute();
                break;
        case MACHINE_HOLDING:
        case MACHINE_HELD:
        case MACHINE_UNHOLDING:
                to_execute();
                scenario_do(s, VERB_HOLD);
                if (state == MACHINE_HOLDING)
                        break;
                scenario_await(s, MACHINE_HELD, TIME_MIN);
                if (state == MACHINE_UNHOLDING)
                        scenario_do(s, VERB_RESUME);
                break;
        case MACHINE_SUSPENDING:
        case MACHINE_SUSPENDED:
        case MACHINE_UNSUSPENDING:
                to_execute();
                go(MACHINE_ON_SUSPEND);
                if (state == MACHINE_SUSPENDING)
                        break;
                go(MACHINE_ON_DONE);
                if (state == MACHINE_UNSUSPENDING)
                        go(MACHINE_ON_UNSUSPEND);
                break;
        case MACHINE_STOPPING:
                to_execute();
                scenario_do(s, VERB_STOP);
                break;
        case MACHINE_ABORTING:
        case MACHINE_ABORTED:
        case MACHINE_CLEARING:
                scenario_do(s, VERB_ABORT);
                if (state == MACHINE_ABORTING)
                        break;
                scenario_await(s, MACHINE_ABORTED, TIME_MIN);
                if (state == MACHINE_CLEARING)
                        scenario_do(s, VERB_RESET);
                break;
        case MACHINE_STATE_COUNT:
                break;
        }
        ck_assert_msg(core->state == state, "%s instead of %s", machine_state_name(core->state),
            machine_state_name(state));
}

/* ---- one cell ---- */

static struct event command_event(const struct row *row, enum tool_role role)
{
        struct event event = {.kind = EVENT_COMMAND, .now_us = core->now_us, .wall_us = core->wall_us};
        struct command *c = &event.u.command;
        const struct verb_entry *verb = verb_named(row->verb);

        *c = (struct command){.reply = 7,
            .verb = verb->verb,
            .role = role,
            .uid = 1000,
            .pid = 77,
            .tag = TOOL_NONE,
            .user = "ann",
            .text = "as typed"};
        if (verb->verb == VERB_CONTROL)
                snprintf(c->name, sizeof c->name, "%s", row->object);
        else if (row->object[0] != '\0')
                c->tag = (int16_t)tool_find_output(s->tool, row->object);
        c->value = verb->verb == VERB_SET ? 70 : 0;
        c->for_us = strcmp(row->object, "nb") == 0 && verb->verb == VERB_OPEN ? TIME_S : 0;
        return event;
}

static enum outcome outcome_of(const struct effect_reply *reply)
{
        if (strstr(reply->text, "needs the role of") != NULL) {
                ck_assert_int_eq(reply->code, 5);
                return REFUSED_ROLE;
        }
        if (strstr(reply->text, "is not possible in state") != NULL) {
                ck_assert_int_eq(reply->code, 3);
                return REFUSED_STATE;
        }
        if (strstr(reply->text, "needs control") != NULL) {
                ck_assert_int_eq(reply->code, 3);
                return REFUSED_TOKEN;
        }
        return ALLOWED; /* a handler may still refuse: that is not the gate's */
}

/* The same turn without the command must have left the same core. */
static void check_unchanged(const struct core *idle, const char *what)
{
        int writes = 0, idle_writes = 0;

        for (int i = 0; i < effects.count; i++)
                writes += effects.item[i].kind <= EFFECT_REVOKE;
        for (int i = 0; i < idle_effects.count; i++)
                idle_writes += idle_effects.item[i].kind <= EFFECT_REVOKE;
        ck_assert_msg(writes == idle_writes, "%s: it wrote", what);
        ck_assert_msg(core->state == idle->state && core->recipe == idle->recipe &&
                          core->run_id == idle->run_id && core->token.is_held == idle->token.is_held &&
                          core->token.uid == idle->token.uid,
            "%s: it changed state, run or control", what);
        ck_assert_msg(memcmp(&core->outs, &idle->outs, sizeof core->outs) == 0, "%s: it moved outputs", what);
        ck_assert_msg(
            memcmp(&core->locks, &idle->locks, sizeof core->locks) == 0, "%s: it changed latches", what);
        ck_assert_msg(memcmp(core->setpoint, idle->setpoint, sizeof core->setpoint) == 0,
            "%s: it changed set-points", what);
}

static void check_audit(const struct row *row, const char *what, enum tool_role role, int state)
{
        const struct record_audit *audit = NULL;
        const struct effect_reply *reply = NULL;
        int audits = 0;

        for (int i = 0; i < effects.count; i++) {
                if (effects.item[i].kind == EFFECT_REPLY)
                        reply = &effects.item[i].u.reply;
                if (effects.item[i].kind != EFFECT_RECORD || effects.item[i].u.record.kind != RECORD_AUDIT)
                        continue;
                audits++;
                audit = &effects.item[i].u.record.u.audit;
        }
        ck_assert_msg(audits == 1 && reply != NULL, "A3: %s: %d audit records", what, audits);
        ck_assert_uint_eq(audit->uid, 1000);
        ck_assert_uint_eq(audit->pid, 77);
        ck_assert_str_eq(audit->user, "ann");
        ck_assert_str_eq(audit->role, tool_role_name(role));
        ck_assert_str_eq(audit->command, row->verb);
        ck_assert_str_eq(audit->arguments, "as typed");
        ck_assert_str_eq(audit->state_before, machine_state_name((enum machine_state)state));
        if (reply->code != 0)
                ck_assert_str_eq(audit->state_after, audit->state_before);
        ck_assert_msg(
            (reply->code == 0) == (strncmp(audit->result, "ok", 2) == 0), "%s: '%s'", what, audit->result);
}

static const struct effect_reply *the_reply(void)
{
        for (int i = 0; i < effects.count; i++)
                if (effects.item[i].kind == EFFECT_REPLY)
                        return &effects.item[i].u.reply;
        ck_abort_msg("no reply");
        return NULL;
}

static void set_control(int control)
{
        token_init(&core->token, 0);
        if (control != FREE)
                token_take(&core->token,
                    (struct token_user){
                        .uid = control == OWN ? 1000 : 9, .user = control == OWN ? "ann" : "olga"},
                    core->now_us);
}

static int check_cell(const struct core *base, const struct row *row, enum tool_role role, int control)
{
        static struct core idle;
        struct event event, tick = {.kind = EVENT_TICK, .now_us = base->now_us, .wall_us = base->wall_us};
        enum outcome want = expected(row, role, (int)base->state, control), got;
        char what[160];

        snprintf(what, sizeof what, "%s %s as %s in %s, control %s", row->verb, row->object,
            tool_role_name(role), machine_state_name(base->state), controls[control]);
        *core = *base;
        set_control(control);
        core_step(core, &tick, &idle_effects);
        idle = *core;
        *core = *base;
        set_control(control);
        event = command_event(row, role);
        core_step(core, &event, &effects);
        got = outcome_of(the_reply());
        ck_assert_msg(
            got == want, "%s: %s, not %s: %s", what, outcomes[got], outcomes[want], the_reply()->text);
        check_audit(row, what, role, (int)base->state);
        if (the_reply()->code != 0 && want != ALLOWED)
                check_unchanged(&idle, what);
        return 1;
}

START_TEST(every_cell)
{
        static struct core base;
        int cells = 0;

        bring_to((enum machine_state)_i);
        base = *core;
        base.is_shutting_down = false;
        for (int r = 0; r < row_count; r++) {
                if (!verb_named(rows[r].verb)->is_command)
                        continue;
                for (int role = TOOL_ROLE_NONE; role <= TOOL_ROLE_ENGINEER; role++)
                        for (int control = 0; control < CONTROLS; control++)
                                cells += check_cell(&base, &rows[r], (enum tool_role)role, control);
        }
        *core = base;
        ck_assert_int_ge(cells, 20 * 4 * CONTROLS);
}
END_TEST

/* Questions pass the same gate, before the core. */
START_TEST(questions_and_coverage)
{
        size_t count;
        const struct verb_entry *table = verb_table(&count);

        for (int r = 0; r < row_count; r++)
                for (int role = TOOL_ROLE_NONE; role <= TOOL_ROLE_ENGINEER; role++)
                        for (int st = 0; st < MACHINE_STATE_COUNT; st++) {
                                const struct verb_entry *verb = verb_named(rows[r].verb);
                                enum outcome want = expected(&rows[r], (enum tool_role)role, st, OWN);

                                if (verb->is_command)
                                        continue;
                                ck_assert_msg((int)verb_gate(verb->verb, (enum tool_role)role,
                                                  (enum machine_state)st) == (int)want,
                                    "%s in %s", rows[r].verb, machine_state_name((enum machine_state)st));
                        }
        for (size_t i = 0; i < count; i++) {
                bool has_row = false;

                for (int r = 0; r < row_count; r++)
                        has_row = has_row || strcmp(rows[r].verb, table[i].name) == 0;
                ck_assert_msg(has_row, "tests/table/verbs.txt says nothing about '%s'", table[i].name);
        }
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("verbs");
        TCase *c = tcase_create("table");

        tcase_add_checked_fixture(c, setup, teardown);
        tcase_set_timeout(c, 120);
        tcase_add_loop_test(c, every_cell, 0, MACHINE_STATE_COUNT);
        tcase_add_test(c, questions_and_coverage);
        suite_add_tcase(suite, c);
        return suite_main(suite);
}
