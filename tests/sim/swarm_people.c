/* People of all roles who do anything at any time, with and without sense; and the operator of the liveness phase. */
#include "swarm.h"

#include "ald/base/text.h" /* text_copy */
#include "ald/base/time.h" /* TIME_S */
#include "ald/core/core.h" /* core_get_status */

#include <stdio.h>  /* snprintf */
#include <string.h> /* strstr */

static const struct person {
        const char *user;
        uint32_t uid;
        enum tool_role role;
} people[] = {{"ann", 1000, TOOL_ROLE_OPERATOR}, {"dan", 1003, TOOL_ROLE_ENGINEER},
    {"bob", 1001, TOOL_ROLE_OPERATOR}, {"eve", 1002, TOOL_ROLE_VIEWER}, {"nobody", 65534, TOOL_ROLE_NONE}};

static int64_t draw(struct swarm *s, int64_t n)
{
        return random_below(&s->on_people, n);
}

static bool one_in(struct swarm *s, int64_t n)
{
        return draw(s, n) == 0;
}

bool swarm_command(struct swarm *s, struct command *c)
{
        c->reply = ++s->replies;
        return world_command(s->world, c);
}

static void name(struct command *c, const struct person *p)
{
        text_copy(c->user, sizeof c->user, p->user);
        c->uid = p->uid;
        c->pid = p->uid + 1;
        c->role = p->role;
}

/* ---- arguments ---- */

static int any_tag(struct swarm *s, bool only_outputs)
{
        int tag = (int)draw(s, s->tool->tag_count);

        while (only_outputs && !s->tool->tags[tag].is_output)
                tag = (tag + 1) % s->tool->tag_count;
        return tag;
}

static int any_valve(struct swarm *s)
{
        static const char *const valves[] = {
            "nb.valve", "water.valve", "exhaust.valve", "vent.valve", "soft.valve"};

        return one_in(s, 8) ? any_tag(s, false) : tool_find_tag(s->tool, valves[draw(s, 5)]);
}

static int64_t any_time(struct swarm *s)
{
        static const int64_t senseless[] = {0, -1, 1, INT64_MAX};

        return one_in(s, 6) ? senseless[draw(s, 4)] : (1 + draw(s, 3000)) * TIME_MS;
}

static double any_value(struct swarm *s, int tag)
{
        const struct tool_tag *t = &s->tool->tags[tag];

        if (one_in(s, 10))
                return one_in(s, 2) ? -1e9 : 1e9;
        if (t->is_bit)
                return (double)draw(s, 2);
        return t->limit_min + (double)draw(s, 100) / 100 * (t->limit_max - t->limit_min);
}

static void fill_bypass(struct swarm *s, struct command *c)
{
        static const char *const inputs[] = {
            "lid.closed", "chamber.temperature", "nb.line.temperature", "emo.ok"};

        c->tag = (int16_t)tool_find_tag(s->tool, inputs[draw(s, 4)]);
        c->for_us = one_in(s, 8) ? any_time(s) : (1 + draw(s, 60)) * TIME_S;
        text_copy(c->reason, sizeof c->reason, one_in(s, 8) ? "" : "swarm");
}

static void fill_control(struct swarm *s, struct command *c)
{
        bool is_take = !one_in(s, 4);

        text_copy(c->name, sizeof c->name, one_in(s, 20) ? "shake" : is_take ? "take" : "release");
        c->force = one_in(s, 4);
        if (!is_take && one_in(s, 2))
                text_copy(c->to, sizeof c->to, people[draw(s, 3)].user);
}

static void fill(struct swarm *s, struct command *c)
{
        const struct swarm_kit *kit = s->config->kit;

        switch (c->verb) {
        case VERB_RUN:
                c->recipe = one_in(s, 12) ? NULL : kit->recipe[s->tool_i][draw(s, SWARM_RECIPES)];
                break;
        case VERB_HOLD:
                c->now = one_in(s, 2);
                break;
        case VERB_RESUME:
                c->repeat = one_in(s, 2);
                c->skip = one_in(s, 3);
                break;
        case VERB_STOP:
                c->after_cycle = one_in(s, 2);
                break;
        case VERB_BYPASS:
        case VERB_UNBYPASS:
                fill_bypass(s, c);
                break;
        case VERB_CONTROL:
                fill_control(s, c);
                break;
        case VERB_OPEN:
        case VERB_CLOSE:
                c->tag = (int16_t)any_valve(s);
                c->for_us = any_time(s);
                break;
        case VERB_SET:
                c->tag = (int16_t)any_tag(s, !one_in(s, 8));
                c->value = any_value(s, c->tag);
                break;
        case VERB_ACK:
        case VERB_SHELVE:
        case VERB_UNSHELVE:
                text_copy(c->name, sizeof c->name,
                    one_in(s, 2)   ? ""
                    : one_in(s, 2) ? "pump-stopped"
                                   : "no-such");
                c->for_us = any_time(s);
                text_copy(c->reason, sizeof c->reason, "swarm");
                break;
        default:
                break;
        }
        if (one_in(s, 60))
                text_copy(c->refused, sizeof c->refused, "what stands there makes no sense");
}

/* ---- what is done ---- */

static const struct {
        enum verb verb;
        int weight;
} deeds[] = {{VERB_RUN, 4}, {VERB_HOLD, 2}, {VERB_RESUME, 4}, {VERB_STOP, 1}, {VERB_ABORT, 1},
    {VERB_RESET, 3}, {VERB_CONFIRM, 2}, {VERB_ACK, 2}, {VERB_SHELVE, 1}, {VERB_UNSHELVE, 1}, {VERB_BYPASS, 1},
    {VERB_UNBYPASS, 1}, {VERB_CONTROL, 2}, {VERB_OPEN, 3}, {VERB_CLOSE, 2}, {VERB_SET, 3}};

static enum verb any_verb(struct swarm *s)
{
        int64_t total = 0, n;
        size_t i = 0;

        for (size_t k = 0; k < sizeof deeds / sizeof deeds[0]; k++)
                total += deeds[k].weight;
        for (n = draw(s, total); n >= deeds[i].weight; i++)
                n -= deeds[i].weight;
        return deeds[i].verb;
}

/* What leads on from where most else is refused; without it worlds would stand there. */
static enum verb sensible_verb(struct swarm *s)
{
        if (s->was_refused_control || s->is_reset_due) {
                enum verb verb = s->was_refused_control ? VERB_CONTROL : VERB_RESET;

                s->was_refused_control = s->is_reset_due = false;
                return verb;
        }
        switch (s->state) {
        case MACHINE_ABORTED:
                return VERB_RESET;
        case MACHINE_HELD:
                return VERB_RESUME;
        case MACHINE_STOPPED:
        case MACHINE_COMPLETE:
        case MACHINE_IDLE:
                return VERB_RUN;
        case MACHINE_EXECUTE:
                return one_in(s, 3) ? VERB_CONFIRM : VERB_ACK;
        default:
                return VERB_ACK;
        }
}

static bool draw_sense(struct swarm *s)
{
        static const int per_mille[SWARM_TEMPERS] = {
            [SWARM_CALM] = 960, [SWARM_MIDDLING] = 800, [SWARM_STORMY] = 500};

        return random_chance(&s->on_people, per_mille[s->temper]);
}

/* In calm seeds one person does nearly all, and takes control back from others. */
static const struct person *draw_person(struct swarm *s, bool is_sensible)
{
        if (one_in(s, s->temper == SWARM_CALM ? 20 : 3))
                return &people[draw(s, 5)];
        return &people[is_sensible || s->temper == SWARM_CALM ? 0 : draw(s, 2)];
}

static void make_sensible(struct swarm *s, struct command *c)
{
        c->refused[0] = '\0';
        if (s->temper == SWARM_STORMY)
                return;
        c->skip = false;
        if (c->verb == VERB_CONTROL) {
                text_copy(c->name, sizeof c->name, "take");
                c->force = true;
        }
        if (c->verb == VERB_RUN && (c->recipe == NULL || one_in(s, 2)))
                c->recipe = s->config->kit->recipe[s->tool_i][one_in(s, 2) ? SWARM_DOSES : SWARM_EXPOSE];
}

/* What meets a pulse or a block: a deed that ends it, or a fault. */
static void act_hurried(struct swarm *s)
{
        static const enum verb verbs[] = {
            VERB_HOLD, VERB_HOLD, VERB_HOLD, VERB_ABORT, VERB_STOP, VERB_CLOSE, VERB_OPEN, VERB_SET};
        struct command c = {.tag = TOOL_NONE};

        if (one_in(s, 3)) {
                swarm_strike(s);
                return;
        }
        name(&c, &people[0]);
        c.verb = verbs[draw(s, (int64_t)(sizeof verbs / sizeof verbs[0]))];
        fill(s, &c);
        c.now = c.verb == VERB_HOLD && !one_in(s, 4);
        swarm_command(s, &c);
}

static void act(struct swarm *s)
{
        bool is_sensible = draw_sense(s);
        const struct person *p = draw_person(s, is_sensible);
        struct command c = {.tag = TOOL_NONE};

        name(&c, p);
        c.verb = is_sensible ? sensible_verb(s) : any_verb(s);
        fill(s, &c);
        if (is_sensible)
                make_sensible(s, &c);
        swarm_command(s, &c);
}

void swarm_act(struct swarm *s)
{
        bool is_hurried = s->is_hurried;

        s->is_hurried = false;
        s->people_us = world_now(s->world) +
                       (one_in(s, 3) ? draw(s, 300 * TIME_MS) : TIME_MS + draw(s, 2 * s->people_every_us));
        if (is_hurried)
                act_hurried(s);
        else
                act(s);
}

/* ---- the liveness phase ---- */

static void do_verb(struct swarm *s, enum verb verb)
{
        struct command c = {.verb = verb, .tag = TOOL_NONE, .repeat = verb == VERB_RESUME};

        name(&c, &people[1]);
        if (verb == VERB_CONTROL) {
                text_copy(c.name, sizeof c.name, "take");
                c.force = true;
        }
        if (verb == VERB_RUN)
                c.recipe = s->config->kit->recipe[s->tool_i][SWARM_LIVE];
        swarm_command(s, &c);
}

/* A store that could not be opened at the start is opened by the next process. */
static void restart(struct swarm *s)
{
        do_verb(s, VERB_SHUTDOWN);
        s->was_refused_store = false;
}

bool swarm_recover(struct swarm *s)
{
        struct core_status status;

        if (world_core(s->world) == NULL) {
                world_crash(s->world, 100 * TIME_MS);
                return false;
        }
        core_get_status(world_core(s->world), &status);
        if (status.state == MACHINE_COMPLETE && strcmp(status.recipe, "live") == 0)
                return true;
        if (s->was_refused_store) {
                restart(s);
                return false;
        }
        do_verb(s, VERB_CONTROL);
        do_verb(s, VERB_ACK);
        switch (status.state) {
        case MACHINE_ABORTED:
                do_verb(s, VERB_RESET);
                break;
        case MACHINE_HELD:
                /* As people do: what is held again at once, time after time, is ended. */
                if (++s->resumes % 8 == 0) {
                        s->out->counts[SWARM_GIVEN_UP]++;
                        do_verb(s, VERB_STOP);
                } else {
                        do_verb(s, VERB_RESUME);
                }
                break;
        case MACHINE_STOPPED:
        case MACHINE_IDLE:
        case MACHINE_COMPLETE:
                /* A proof that failed stands until somebody looks at it, and has it repeated as the refusal says. */
                do_verb(s, status.latch_count > 0 || s->was_refused_proof ? VERB_RESET : VERB_RUN);
                s->was_refused_proof = false;
                break;
        case MACHINE_EXECUTE:
                if (strcmp(status.recipe, "live") != 0)
                        do_verb(s, VERB_STOP);
                break;
        default:
                break;
        }
        if (status.asks[0] != '\0')
                do_verb(s, VERB_CONFIRM);
        return false;
}
