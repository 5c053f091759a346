/* A1 to A3: who may do what, and that it is on record. Roles and the token are kept here in a model of their own. */
#include "check.h"

#include "ald/base/time.h" /* TIME_S */

#include <stdio.h>  /* snprintf */
#include <string.h> /* strcmp */

enum { OK = 0, DENIED = 5 };

/* ---- A1 ---- */

static enum tool_role least_role(enum verb verb)
{
        return verb == VERB_BYPASS || verb == VERB_SHUTDOWN ? TOOL_ROLE_ENGINEER : TOOL_ROLE_OPERATOR;
}

static bool is_ours(const struct seen *s, const struct world_note *n)
{
        return seen_command(s) != NULL && n->reply->reply == seen_command(s)->reply;
}

static void see_roles(struct check_context *c, const struct world_note *n)
{
        const struct command *k = seen_command(c->seen);
        bool is_denied = k != NULL && k->role < least_role(k->verb);

        if (k == NULL)
                return;
        if (n->kind == WORLD_REPLY && is_ours(c->seen, n) && is_denied != (n->reply->code == DENIED) &&
            !(k->verb == VERB_CONTROL && k->force))
                check_fail(c, "verb %d by role %d was answered %d: %s", (int)k->verb, (int)k->role,
                    n->reply->code, n->reply->text);
        if (n->kind == WORLD_RECORD && n->record->kind == RECORD_AUDIT && is_denied &&
            (strcmp(n->record->u.audit.state_before, n->record->u.audit.state_after) != 0 ||
                strcmp(n->record->u.audit.result, "ok") == 0))
                check_fail(c, "%s by %s without the role had an effect: %s", n->record->u.audit.command,
                    k->user, n->record->u.audit.result);
        if (is_denied && seen_event(n, "manual") && strstr(n->record->u.event.text, k->user) != NULL &&
            c->seen->command_count == 1)
                check_fail(c, "%s without the role moved %s", k->user, n->record->u.event.source);
}

/* ---- A2 ---- */

struct token_model {
        bool is_held, has_uid;
        uint32_t uid;
        char user[TOOL_NAME_MAX];
        int64_t until_us;
};
/* A turn of the core is no further away: a lapse is on record by then. */
#define LAPSE_SLACK_US INT64_C(60000)

static bool holds(const struct token_model *m, const struct command *k)
{
        return m->is_held && (m->has_uid ? m->uid == k->uid : strcmp(m->user, k->user) == 0);
}

static int64_t lapse_us(const struct tool *tool)
{
        return tool->control_lapse_us > 0 ? tool->control_lapse_us : 600 * TIME_S;
}

static void give(struct token_model *m, const struct command *k, int64_t until_us)
{
        m->is_held = m->has_uid = true;
        m->uid = k->uid;
        snprintf(m->user, sizeof m->user, "%s", k->user);
        m->until_us = until_us;
}

static bool takes(enum verb verb)
{
        return verb == VERB_RUN || verb == VERB_HOLD || verb == VERB_RESUME || verb == VERB_STOP ||
               verb == VERB_RESET || verb == VERB_CONFIRM;
}

static bool wants_token(const struct check_context *c, const struct command *k)
{
        bool is_dosing = k->tag >= 0 && k->tag < c->tool->tag_count && seen_is_dosing(c->tool, k->tag);

        return k->verb == VERB_OPEN || k->verb == VERB_SET || (k->verb == VERB_CLOSE && !is_dosing);
}

static void control(struct check_context *c, const struct command *k, int64_t now_us)
{
        struct token_model *m = c->mine;

        if (strcmp(k->name, "take") == 0) {
                if (m->is_held && !holds(m, k) && !(k->force && k->role >= TOOL_ROLE_ENGINEER))
                        check_fail(c, "%s took control that %s has", k->user, m->user);
                give(m, k, now_us + lapse_us(c->tool));
        } else if (k->to[0] != '\0' && strcmp(k->to, m->user) != 0) {
                m->has_uid = false;
                snprintf(m->user, sizeof m->user, "%s", k->to);
                m->until_us = now_us + lapse_us(c->tool);
        } else if (k->to[0] == '\0') {
                m->is_held = false;
        }
}

static void judge_holder(struct check_context *c, const struct world_note *n)
{
        struct token_model *m = c->mine;
        const struct command *k = seen_command(c->seen);

        if (holds(m, k)) {
                m->has_uid = true;
                m->uid = k->uid;
                m->until_us = n->t_us + lapse_us(c->tool);
        }
        if (n->reply->code != OK)
                return;
        if (wants_token(c, k) && !holds(m, k))
                check_fail(c, "%s moves an output without control", k->user);
        if (takes(k->verb) && m->is_held && !holds(m, k))
                check_fail(c, "%s commands while %s has control", k->user, m->user);
        if (takes(k->verb))
                give(m, k, n->t_us + lapse_us(c->tool));
        if (k->verb == VERB_CONTROL)
                control(c, k, n->t_us);
}

static void see_lapse(struct check_context *c, const struct world_note *n)
{
        struct token_model *m = c->mine;

        if (seen_event(n, "control") && strcmp(n->record->u.event.text, "control lapsed") == 0) {
                if (!m->is_held || n->t_us < m->until_us)
                        check_fail(c, "control of %s lapsed before its time", n->record->u.event.source);
                m->is_held = false;
        }
        if (n->kind == WORLD_TURN && m->is_held && n->t_us - m->until_us > LAPSE_SLACK_US &&
            seen_is_awake(c->seen, m->until_us) && seen_lived(c->seen, m->until_us))
                check_fail(c, "control of %s has not lapsed in its time", m->user);
}

static void see_holder(struct check_context *c, const struct world_note *n)
{
        struct token_model *m = c->mine;
        const struct command *k = seen_command(c->seen);

        if (n->kind == WORLD_BEGUN)
                m->is_held = false;
        see_lapse(c, n);
        if (n->kind != WORLD_REPLY || !is_ours(c->seen, n))
                return;
        judge_holder(c, n);
        if (k->verb == VERB_ABORT && k->role >= TOOL_ROLE_OPERATOR && n->reply->code != OK &&
            k->refused[0] == '\0' && c->seen->state != MACHINE_ABORTING && c->seen->state != MACHINE_ABORTED)
                check_fail(c, "an abort by %s was refused in %s: %s", k->user,
                    machine_state_name(c->seen->state), n->reply->text);
}

/* ---- A3 ---- */

struct audits {
        int records, replies;
};

static void see_audit(struct check_context *c, const struct world_note *n)
{
        struct audits *m = c->mine;
        const struct command *k = seen_command(c->seen);

        if (n->kind == WORLD_BEGUN)
                *m = (struct audits){0};
        if (n->kind == WORLD_RECORD && n->record->kind == RECORD_AUDIT) {
                const struct record_audit *a = &n->record->u.audit;

                m->records++;
                if (k == NULL)
                        check_fail(c, "%s is audited, and nobody commanded it", a->command);
                else if (a->uid != k->uid || a->pid != k->pid || strcmp(a->user, k->user) != 0 ||
                         strcmp(a->role, tool_role_name(k->role)) != 0 || a->result[0] == '\0')
                        check_fail(c, "the audit of %s names %s (%u)", a->command, a->user, (unsigned)a->uid);
        }
        if (n->kind == WORLD_REPLY && k != NULL) {
                m->replies++;
                if (n->reply->reply != k->reply)
                        check_fail(c, "an answer goes to another one");
                if (n->reply->code != OK && n->reply->text[0] == '\0')
                        check_fail(c, "a refusal says nothing");
        }
        if (n->kind != WORLD_TURN)
                return;
        if (m->records != (n->number == EVENT_COMMAND))
                check_fail(c, "a turn of %s command has %d audit records",
                    n->number == EVENT_COMMAND ? "a" : "no", m->records);
        if (n->number == EVENT_COMMAND && k != NULL && m->replies != (k->reply != 0))
                check_fail(c, "a command has %d answers", m->replies);
        *m = (struct audits){0};
}

#define TURN_OF_COMMAND                                                                                      \
        (CHECK_SEES(BEGUN) | CHECK_SEES(COMMAND) | CHECK_SEES(RECORD) | CHECK_SEES(REPLY) | CHECK_SEES(TURN))

const struct check check_people[] = {
    {"A1", "who has not the role changes nothing",
        "by the answer, the audit and the record of moves by hand. Where roles come from "
        "is the socket's",
        0, TURN_OF_COMMAND, see_roles, NULL},
    {"A2", "only the holder of control moves outputs; abort is open to all",
        "60 ms for a lapse to be on record (a turn)", sizeof(struct token_model), TURN_OF_COMMAND, see_holder,
        NULL},
    {"A3", "one audit record for each command, whatever came of it",
        "exactly; commands that a process did not live to hear are "
        "nobody's",
        sizeof(struct audits), TURN_OF_COMMAND, see_audit, NULL},
    {.id = NULL}};
