#include "closes.h"

#include "check.h" /* struct check */

#include "ald/base/time.h"  /* TIME_MS */
#include "ald/core/event.h" /* struct effect_reply */

#include <string.h> /* memset */

const char *closes_class_name(int class)
{
        static const char *const name[CLOSES_CLASSES] = {
            [CLOSES_PLAIN] = "plain",
            [CLOSES_SLOW] = "long on the wire",
            [CLOSES_FAILED] = "one call failed",
            [CLOSES_FAILED_MORE] = "several failed",
            [CLOSES_REFUSED] = "not executed at first",
            [CLOSES_STALLED] = "worker stood still",
        };

        return name[class];
}

void closes_add(struct closes_result *to, const struct closes_result *r)
{
        for (int i = 0; i < CLOSES_CLASSES; i++) {
                if (r->count[i] > 0 && (to->count[i] == 0 || r->latest_us[i] > to->latest_us[i])) {
                        to->latest_us[i] = r->latest_us[i];
                        to->seed[i] = r->seed[i];
                        to->t_us[i] = r->t_us[i];
                }
                to->count[i] += r->count[i];
                to->late[i] += r->late[i];
        }
}

static enum closes_class class_of(const struct closes_pulse *p)
{
        if (p->is_stalled)
                return CLOSES_STALLED;
        if (p->is_refused)
                return CLOSES_REFUSED;
        if (p->transit_us > CLOSES_SLOW_US)
                return CLOSES_SLOW;
        if (p->failures > 0)
                return p->failures > 1 ? CLOSES_FAILED_MORE : CLOSES_FAILED;
        return CLOSES_PLAIN;
}

static void count(struct closes *c, struct closes_pulse *p, int64_t t_us)
{
        int64_t late_us = t_us - p->begun_us - p->plan_us;
        const enum closes_class class = class_of(p);
        struct closes_result one = {0};

        one.count[class] = 1;
        one.late[class] = late_us > CLOSES_LATE_US;
        one.latest_us[class] = late_us;
        one.seed[class] = c->seed;
        one.t_us[class] = t_us;
        closes_add(&c->result, &one);
}

static int tag_of(const struct closes *c, int device, const struct sched_action *a)
{
        int tag;

        if (a->kind != SCHED_WRITE || a->reg != TOOL_COIL || device < 0)
                return TOOL_NONE;
        tag = seen_tag_of(c->tool, device, a);
        return tag >= 0 && seen_is_dosing(c->tool, tag) ? tag : TOOL_NONE;
}

static void see_call(struct closes *c, const struct world_note *n)
{
        int device = n->action->kind == SCHED_WRITE ? seen_device_of(c->tool, n->link, n->action) : TOOL_NONE;
        int tag = tag_of(c, device, n->action);

        if (tag >= 0 && n->action->words[0] != 0)
                c->pulse[tag] = (struct closes_pulse){.plan_us = c->pulse[tag].plan_us, .begun_us = n->t_us};
}

static void see_answer(struct closes *c, const struct world_note *n)
{
        bool is_answer = n->outcome == SCHED_OK || n->outcome == SCHED_EXCEPTION;

        for (int i = 0; !is_answer && i < c->tool->tag_count; i++)
                if (c->tool->devices[c->tool->tags[i].device].link == n->link)
                        c->pulse[i].failures++;
}

static void see_request(struct closes *c, const struct world_note *n)
{
        int tag = tag_of(c, n->device, n->action);
        struct closes_pulse *p;

        if (tag < 0 || n->action->words[0] != 0)
                return;
        p = &c->pulse[tag];
        p->is_refused |= n->number != 0 || p->is_open; /* its output would have been told of before */
        p->transit_us = n->t_us - n->sent_us;
        if (p->closed_us == n->t_us)
                count(c, p, n->t_us);
        p->closed_us = 0;
}

static void see_output(struct closes *c, const struct world_note *n)
{
        struct closes_pulse *p = &c->pulse[n->tag];

        if (!seen_is_dosing(c->tool, n->tag))
                return;
        if (n->value != 0) {
                p->is_open = p->begun_us != 0 && n->by == WORLD_BY_REQUEST;
                return;
        }
        if (p->is_open && n->by == WORLD_BY_REQUEST)
                p->closed_us = n->t_us; /* see_request() is told next of what did it */
        p->is_open = false;
}

void closes_see(struct closes *c, const struct world_note *n)
{
        const struct command *k = seen_command(c->seen);

        switch (n->kind) {
        case WORLD_BEGUN:
        case WORLD_ENDED:
                memset(c->pulse, 0, sizeof c->pulse);
                break;
        case WORLD_STALL:
                for (int i = 0; n->flag && i < c->tool->tag_count; i++)
                        c->pulse[i].is_stalled = true;
                break;
        case WORLD_RECORD:
                if (n->record->kind == RECORD_PULSE_START)
                        c->pulse[c->tool->lines[n->record->u.pulse.line].valve].plan_us =
                            n->record->u.pulse.planned_width_us;
                break;
        case WORLD_REPLY:
                if (k != NULL && k->verb == VERB_OPEN && n->reply->code == 0 && k->tag >= 0)
                        c->pulse[k->tag].plan_us = k->for_us;
                break;
        case WORLD_CALL:
                see_call(c, n);
                break;
        case WORLD_ANSWER:
                see_answer(c, n);
                break;
        case WORLD_REQUEST:
                see_request(c, n);
                break;
        case WORLD_OUTPUT:
                see_output(c, n);
                break;
        default:
                break;
        }
}

/* ---- V3f ---- */

static void see_late(struct check_context *c, const struct world_note *n)
{
        static const enum closes_class judged[] = {CLOSES_PLAIN, CLOSES_FAILED};
        struct closes *m = c->mine;

        m->seen = c->seen;
        m->tool = c->tool;
        closes_see(m, n);
        for (size_t i = 0; i < sizeof judged / sizeof judged[0]; i++)
                if (m->result.late[judged[i]] > 0)
                        check_fail(c, "a pulse was closed %lld ms later than planned (%s)",
                            (long long)(m->result.latest_us[judged[i]] / TIME_MS),
                            closes_class_name(judged[i]));
}

const struct check check_closes[] = {
    {"V3f", "a close is never later than 50 ms beyond plan while its module executes writes",
        "not where requests are long on the wire, more than one call fails, the module "
        "refuses, or the worker's thread stands still",
        sizeof(struct closes),
        CHECK_SEES(BEGUN) | CHECK_SEES(ENDED) | CHECK_SEES(STALL) | CHECK_SEES(RECORD) | CHECK_SEES(REPLY) |
            CHECK_SEES(CALL) | CHECK_SEES(ANSWER) | CHECK_SEES(REQUEST) | CHECK_SEES(OUTPUT),
        see_late, NULL},
    {.id = NULL}};
