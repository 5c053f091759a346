#include "tale.h"

#include "seen.h" /* seen_tag_of */

#include "ald/base/text.h"   /* struct text */
#include "ald/core/recipe.h" /* struct recipe */

#include <inttypes.h> /* PRId64 */
#include <string.h>   /* strcmp */

static void begin_line(struct tale *t, int64_t t_us)
{
        fprintf(t->out, "%12.6f  ", (double)t_us / 1e6);
}

void tale_say(struct tale *t, int64_t t_us, const char *text)
{
        if (t_us < t->from_us || t_us > t->to_us)
                return;
        begin_line(t, t_us);
        fprintf(t->out, "---- %s\n", text);
}

static void tell_value(struct tale *t, int tag, double value)
{
        char buf[64];
        struct text text;

        text_init(&text, buf, sizeof buf);
        tool_add_value(&text, &t->tool->tags[tag], value);
        fprintf(t->out, "%s %s", t->tool->tags[tag].name, buf);
}

static void tell_record(struct tale *t, const struct world_note *n)
{
        static const char *const runs[] = {"run begins", "run", "run ends", "cycle begins", "cycle ends",
            "pulse begins", "pulse ends", "pulse measured"};
        const struct record *r = n->record;

        if (r->kind == RECORD_SAMPLE || r->kind == RECORD_VALVE) /* each output is told of as it moves */
                return;
        begin_line(t, n->t_us);
        if (r->kind == RECORD_EVENT)
                fprintf(t->out, "%s %s: %s", r->u.event.kind, r->u.event.source, r->u.event.text);
        else if (r->kind == RECORD_AUDIT)
                fprintf(t->out, "audit %s %s %s: %s (%s -> %s)", r->u.audit.role, r->u.audit.user,
                    r->u.audit.command, r->u.audit.result, r->u.audit.state_before, r->u.audit.state_after);
        else if (r->kind == RECORD_BASE)
                fprintf(t->out, "base %s: %g at %g", r->u.base.is_after ? "after" : "before",
                    r->u.base.pressure, r->u.base.flow);
        else if (r->kind == RECORD_BOTTLE)
                fprintf(t->out, "a new bottle of %s", t->tool->lines[r->u.bottle.line].name);
        else if (r->kind <= RECORD_RUN_END)
                fprintf(t->out, "%s %" PRId64 ": %s %s", runs[r->kind], r->run_id, r->u.run.state,
                    r->u.run.reason);
        else if (r->kind <= RECORD_CYCLE_END)
                fprintf(t->out, "%s: %" PRId64, runs[r->kind], r->u.cycle.n);
        else
                fprintf(t->out, "%s: cycle %" PRId64 " %s attempt %d: %s, %" PRId64 " us of %" PRId64,
                    runs[r->kind], r->u.pulse.cycle, r->u.pulse.path, r->u.pulse.attempt,
                    pulse_outcome_name((enum pulse_outcome)r->u.pulse.outcome), r->u.pulse.width_us,
                    r->u.pulse.planned_width_us);
        fprintf(t->out, "%s\n", n->flag ? "" : "  [no place in the queue]");
}

static void tell_output(struct tale *t, const struct world_note *n)
{
        static const char *const by[] = {"", " by its watchdog", " without power", " by a second master"};

        if (t->is_known[n->tag] && t->value[n->tag] == n->value && n->by == WORLD_BY_REQUEST)
                return;
        t->is_known[n->tag] = true;
        t->value[n->tag] = n->value;
        if (n->t_us < t->from_us)
                return;
        begin_line(t, n->t_us);
        fprintf(t->out, "OUTPUT ");
        tell_value(t, n->tag, n->value);
        fprintf(t->out, "%s\n", by[n->by]);
}

static void tell_action(struct tale *t, const struct world_note *n, const char *what)
{
        static const char *const kinds[] = {"wait", "connect", "close", "write", "read"};
        static const char *const outcomes[] = {"ok", "timeout", "bad frame", "exception", "closed"};
        int tag = n->device >= 0 ? seen_tag_of(t->tool, n->device, n->action) : TOOL_NONE;

        begin_line(t, n->t_us);
        fprintf(t->out, "%s %s %s", what, t->tool->links[n->link].name, kinds[n->action->kind]);
        if (n->action->kind >= SCHED_WRITE)
                fprintf(t->out, " unit %d reg %d at %d x %d", n->action->slave_id, (int)n->action->reg,
                    n->action->address, n->action->count);
        if (n->action->kind == SCHED_WRITE)
                fprintf(t->out, " = %u %s", n->action->words[0], tag >= 0 ? t->tool->tags[tag].name : "");
        if (n->kind == WORLD_ANSWER)
                fprintf(t->out, ": %s", outcomes[n->outcome]);
        if (n->number != 0)
                fprintf(t->out, " (exception %" PRId64 ")", n->number);
        fprintf(t->out, "\n");
}

static void tell_wire(struct tale *t, const struct world_note *n)
{
        if (n->kind == WORLD_CALL)
                tell_action(t, n, "call");
        else if (n->kind == WORLD_REQUEST)
                tell_action(t, n, "  at the device:");
        else if (n->kind == WORLD_ANSWER)
                tell_action(t, n, "  answer");
        if (n->kind != WORLD_SAMPLE && n->kind != WORLD_TURN)
                return;
        begin_line(t, n->t_us);
        fprintf(t->out, n->kind == WORLD_TURN ? "turn %" PRId64 "\n" : "  sample ", n->number);
        if (n->kind == WORLD_TURN)
                return;
        tell_value(t, n->tag, n->value);
        fprintf(t->out, "\n");
}

static void tell_plain(struct tale *t, const struct world_note *n)
{
        static const char *const dogs[] = {"off", "running", "expired"};

        begin_line(t, n->t_us);
        switch (n->kind) {
        case WORLD_BEGUN:
                fprintf(t->out, "==== daemon %" PRId64 " begins\n", n->number);
                break;
        case WORLD_ENDED:
                fprintf(t->out, "==== the daemon %s\n", n->flag ? "was killed" : "ended in order");
                break;
        case WORLD_WATCHDOG:
                fprintf(
                    t->out, "WATCHDOG of %s: %s\n", t->tool->devices[n->device].name, dogs[n->number % 3]);
                break;
        case WORLD_COMMAND:
                fprintf(t->out, "> %s (%s): %s %s%s%s%s%s\n", n->command->user,
                    tool_role_name(n->command->role), verb_at(n->command->verb)->name,
                    n->command->skip ? "--skip " : n->command->name,
                    n->command->tag >= 0 ? t->tool->tags[n->command->tag].name : "",
                    n->command->recipe != NULL ? n->command->recipe->name : "",
                    n->command->now ? " --now" : "", n->command->force ? " --force" : "");
                break;
        case WORLD_REPLY:
                fprintf(t->out, "< %d %s\n", n->reply->code, n->reply->text);
                break;
        case WORLD_READY:
                fprintf(t->out, "READY\n");
                break;
        case WORLD_FAULT:
                fprintf(t->out, "FAULT %s: %s\n", n->flag ? "begins" : "ends", n->text);
                break;
        case WORLD_STALL:
                fprintf(t->out, "FAULT the loop%s for %" PRId64 " ms\n",
                    n->flag ? " and the workers stand still" : " stands still", n->number / 1000);
                break;
        case WORLD_CLOCK:
                fprintf(t->out, "FAULT the wall clock steps by %" PRId64 " ms\n", n->number / 1000);
                break;
        default:
                fprintf(t->out, "the recipe is given back\n");
                break;
        }
}

void tale_note(struct tale *t, const struct world_note *n)
{
        if (n->kind == WORLD_OUTPUT && n->t_us <= t->to_us) {
                tell_output(t, n);
                return;
        }
        if (n->t_us < t->from_us || n->t_us > t->to_us || n->kind == WORLD_STORED)
                return;
        if (n->kind == WORLD_RECORD) {
                tell_record(t, n);
                return;
        }
        if (n->kind == WORLD_CALL || n->kind == WORLD_REQUEST || n->kind == WORLD_ANSWER ||
            n->kind == WORLD_SAMPLE || n->kind == WORLD_TURN) {
                if (t->with_wire)
                        tell_wire(t, n);
                return;
        }
        tell_plain(t, n);
}
