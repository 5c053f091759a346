#include "seen.h"

#include <math.h>   /* fabs, isfinite */
#include <string.h> /* memset, strstr */

/* Values are equal but for what a decimal scale costs. */
#define SAME 1e-6

void seen_init(struct seen *s, const struct tool *tool)
{
        memset(s, 0, sizeof *s);
        s->tool = tool;
        s->loop_us = s->workers_us = s->stalled_us = s->ended_us = s->turn_us = SEEN_NEVER;
        for (int i = 0; i < TOOL_TAGS_MAX; i++) {
                struct seen_output *o = &s->out[i];

                o->asked_us = o->told_us = o->changed_us = o->opened_us = o->closed_us = SEEN_NEVER;
                o->alien_us = o->told_changed_us = o->open_told_us = o->close_told_us = SEEN_NEVER;
                s->in[i].sent_us = s->in[i].got_us = s->in[i].good_sent_us = s->in[i].same_us = SEEN_NEVER;
                s->in[i].failed_us = SEEN_NEVER;
                s->bypass_until_us[i] = SEEN_NEVER;
                if (i < tool->tag_count && tool->tags[i].is_output)
                        o->told = o->value = tool->tags[i].safe;
        }
        for (int i = 0; i < TOOL_DEVICES_MAX; i++)
                s->expired_us[i] = SEEN_NEVER;
        for (int i = 0; i < TOOL_LINKS_MAX; i++)
                s->link[i].ill_us = s->link[i].up_us = s->link[i].call_us = s->link[i].mute_us =
                    s->link[i].lost_us = SEEN_NEVER;
}

bool seen_is_safe(const struct tool *tool, int tag, double value)
{
        return fabs(value - tool->tags[tag].safe) <= SAME;
}

bool seen_is_dosing(const struct tool *tool, int tag)
{
        return tag >= 0 && tool->tags[tag].is_output && tool->tags[tag].class != TOOL_CLASS_PLAIN;
}

bool seen_event(const struct world_note *n, const char *kind)
{
        return n->kind == WORLD_RECORD && n->record->kind == RECORD_EVENT &&
               strcmp(n->record->u.event.kind, kind) == 0;
}

static bool find_state(const char *text, size_t len, enum machine_state *out)
{
        for (int i = 0; i < MACHINE_STATE_COUNT; i++) {
                const char *name = machine_state_name((enum machine_state)i);

                if (strlen(name) == len && strncmp(name, text, len) == 0) {
                        *out = (enum machine_state)i;
                        return true;
                }
        }
        return false;
}

bool seen_transition(const struct record *r, enum machine_state *from, enum machine_state *to)
{
        const char *text = r->u.event.text, *arrow;

        if (r->kind != RECORD_EVENT || strcmp(r->u.event.kind, "state") != 0)
                return false;
        arrow = strstr(text, " -> ");
        return arrow != NULL && find_state(text, (size_t)(arrow - text), from) &&
               find_state(arrow + 4, strcspn(arrow + 4, ":"), to);
}

int seen_device_of(const struct tool *tool, int link, const struct sched_action *action)
{
        for (int i = 0; i < tool->device_count; i++) {
                const struct tool_device *d = &tool->devices[i];
                int its = action->kind == SCHED_WRITE ? d->link : d->poll_link;

                if (d->slave_id == action->slave_id && (its == link || d->link == link))
                        return i;
        }
        return TOOL_NONE;
}

/* Does the write start a pulse of this output, which its module times? */
static bool is_start(const struct tool_tag *t, const struct sched_action *action)
{
        return t->pulse.present && action->kind == SCHED_WRITE && action->reg == TOOL_HOLDING &&
               action->address == t->pulse.start_register && action->words[0] == t->pulse.start_value;
}

int seen_tag_of(const struct tool *tool, int device, const struct sched_action *action)
{
        for (int i = 0; i < tool->tag_count; i++) {
                const struct tool_tag *t = &tool->tags[i];

                if (t->is_output && t->device == device &&
                    ((t->reg == action->reg && t->address == action->address) || is_start(t, action)))
                        return i;
        }
        return TOOL_NONE;
}

bool seen_is_lamp(const struct tool *tool, int tag)
{
        return tool->devices[tool->tags[tag].device].proof_output == tag;
}

bool seen_is_lit(const struct seen *s, int device)
{
        int lamp = s->tool->devices[device].proof_output;

        for (int i = 0; lamp >= 0 && i < s->tool->tag_count; i++)
                if (s->tool->tags[i].is_output && s->tool->tags[i].device == device &&
                    seen_is_safe(s->tool, i, s->out[i].value) == (i == lamp))
                        return false;
        return lamp >= 0;
}

/* ---- notes ---- */

static void begin(struct seen *s)
{
        s->is_alive = true;
        s->is_ending = false;
        s->is_starting_up = true;
        s->has_state = true;
        s->state = MACHINE_ABORTING; /* start-up is what Aborting does */
        s->state_us = s->begun_us = s->aborting_us = s->now_us;
        s->lives++;
        s->recipe = NULL;
        s->is_vented = false;
        s->turn_us = SEEN_NEVER;
        s->command_count = 0;
        s->loop_us = s->workers_us = s->stalled_us = SEEN_NEVER;
        for (int i = 0; i < TOOL_TAGS_MAX; i++) {
                struct seen_input *in = &s->in[i];

                /* A new process knows no value of the old one's. */
                in->sent_us = in->got_us = in->good_sent_us = in->same_us = in->failed_us = SEEN_NEVER;
                in->is_valid = false;
                s->bypass_until_us[i] = SEEN_NEVER;
        }
        for (int i = 0; i < TOOL_LINKS_MAX; i++) {
                s->link[i].is_up = s->link[i].in_call = false;
                s->link[i].fails = 0;
        }
}

static void fold_call(struct seen *s, const struct world_note *n)
{
        struct seen_link *l = &s->link[n->link];
        int tag;

        l->in_call = true;
        l->call_us = n->t_us;
        l->action = *n->action;
        if (n->action->kind == SCHED_CLOSE) {
                l->is_up = false;
                l->ill_us = n->t_us;
        }
        if (n->action->kind != SCHED_WRITE)
                return;
        tag = seen_tag_of(s->tool, seen_device_of(s->tool, n->link, n->action), n->action);
        if (tag >= 0)
                s->out[tag].asked_us = n->t_us;
}

static void fold_failure(struct seen *s, const struct world_note *n)
{
        for (int i = 0; i < s->tool->tag_count; i++) {
                const struct tool_tag *t = &s->tool->tags[i];

                if (t->device == n->device && t->reg == n->action->reg && t->address >= n->action->address &&
                    t->address < n->action->address + n->action->count)
                        s->in[i].failed_us = n->t_us;
        }
}

/* A first call that fails is repeated on a new connection, and nobody need know; with the second the link is lost. */
static void count_fails(struct seen_link *l, const struct world_note *n)
{
        bool is_answered = n->outcome == SCHED_OK || n->outcome == SCHED_EXCEPTION;

        if (n->action->kind == SCHED_CLOSE || (n->action->kind == SCHED_CONNECT && is_answered))
                return;
        l->fails = is_answered ? 0 : l->fails + 1;
        if (l->fails >= 2 || (!is_answered && n->action->kind == SCHED_CONNECT))
                l->lost_us = n->t_us;
}

static void fold_answer(struct seen *s, const struct world_note *n)
{
        struct seen_link *l = &s->link[n->link];

        l->in_call = false;
        count_fails(l, n);
        if (n->outcome != SCHED_OK && n->action->kind == SCHED_READ)
                fold_failure(s, n);
        bool is_expired = n->outcome == SCHED_EXCEPTION && n->device >= 0 && s->is_expired[n->device];
        if (is_expired && n->number == 4)
                s->expired_us[n->device] = n->t_us;
        else if (n->outcome != SCHED_OK)
                l->ill_us = n->t_us;
        if (n->t_us - l->call_us > SEEN_SLOW_US)
                l->ill_us = n->t_us;
        if (n->outcome == SCHED_OK && n->action->kind == SCHED_CONNECT) {
                l->is_up = true;
                l->up_us = n->t_us;
        } else if (is_expired && n->number != 4) {
                l->mute_us = n->t_us; /* a fault of the wire in its place */
        } else if (n->outcome != SCHED_OK && n->outcome != SCHED_EXCEPTION) {
                l->is_up = false;
                l->mute_us = n->t_us;
        }
}

/* `by_us`: when it was commanded, which is when the request was sent; t_us: when the device had it. */
static void tell(struct seen *s, int tag, double value, int64_t by_us, int64_t t_us)
{
        struct seen_output *o = &s->out[tag];

        if (value != o->told || o->told_changed_us == SEEN_NEVER)
                o->told_changed_us = t_us;
        if (value == 0 && o->told != 0)
                o->close_told_us = by_us;
        if (value == 0)
                o->open_told_us = SEEN_NEVER;
        else if (o->open_told_us == SEEN_NEVER)
                o->open_told_us = t_us;
        o->told = value;
        o->told_us = t_us;
}

/* A device that lost its power, or whose watchdog expired, holds nothing of what it was told: also where that changed
 * nothing to be seen, since the output was deaf and had stayed safe (seed 105037). */
static void forget_told(struct seen *s, int device)
{
        for (int i = 0; i < s->tool->tag_count; i++)
                if (s->tool->tags[i].is_output && s->tool->tags[i].device == device)
                        tell(s, i, s->tool->tags[i].safe, s->now_us, s->now_us);
}

static void fold_output(struct seen *s, const struct world_note *n)
{
        struct seen_output *o = &s->out[n->tag];

        if (n->value != o->value) {
                o->changed_us = n->t_us;
                o->by = n->by;
                if (n->value == 0)
                        o->closed_us = n->t_us;
                else if (o->value == 0)
                        o->opened_us = n->t_us;
                if (n->by != WORLD_BY_REQUEST && n->by != WORLD_BY_MODULE)
                        o->alien_us = n->t_us;
        }
        o->value = n->value;
        /* What drives an output safe without us ends what we told it. */
        if (n->by == WORLD_BY_WATCHDOG || n->by == WORLD_BY_REBOOT)
                tell(s, n->tag, n->value, n->t_us, n->t_us);
}

static void fold_sample(struct seen *s, const struct world_note *n)
{
        const struct tool_tag *t = &s->tool->tags[n->tag];
        struct seen_input *in = &s->in[n->tag];

        if (in->sent_us != SEEN_NEVER && n->sent_us <= in->sent_us)
                return;
        in->is_valid =
            isfinite(n->value) && (!t->has_valid || (n->value >= t->valid_min && n->value <= t->valid_max));
        if (in->is_valid &&
            (in->good_sent_us == SEEN_NEVER || memcmp(&in->value, &n->value, sizeof n->value) != 0))
                in->same_us = n->sent_us;
        in->sent_us = n->sent_us;
        in->got_us = n->t_us;
        if (!in->is_valid)
                return;
        in->value = n->value;
        in->good_sent_us = n->sent_us;
}

static void fold_event(struct seen *s, const struct world_note *n)
{
        enum machine_state from, to;

        if (seen_event(n, "state") && strcmp(n->record->u.event.source, "shutdown") == 0)
                s->is_ending = true; /* its last turn: the links and the record are wound up */
        if (seen_transition(n->record, &from, &to)) {
                s->state = to;
                s->state_us = n->t_us;
                s->is_starting_up = false;
                s->aborting_us = to == MACHINE_ABORTING  ? n->t_us
                                 : to == MACHINE_ABORTED ? s->aborting_us
                                                         : SEEN_NEVER;
        }
        if (seen_event(n, "step") && strncmp(n->record->u.event.text, "vented:", 7) == 0)
                s->is_vented = true;
        if (seen_event(n, "step") && strncmp(n->record->u.event.text, "pumped down:", 12) == 0)
                s->is_vented = false;
        if (seen_event(n, "bypass") && strstr(n->record->u.event.text, " ended: ") != NULL) {
                int tag = tool_find_tag(s->tool, n->record->u.event.source);

                if (tag >= 0)
                        s->bypass_until_us[tag] = SEEN_NEVER;
        }
}

static void fold_record(struct seen *s, const struct world_note *n)
{
        if (n->record->kind == RECORD_RUN_START) {
                s->recipe = n->record->u.run.recipe;
                s->run_us = n->t_us;
        }
        if (n->record->kind == RECORD_RUN_END)
                s->recipe = NULL;
        if (n->record->kind == RECORD_EVENT)
                fold_event(s, n);
}

static void fold_reply(struct seen *s, const struct world_note *n)
{
        const struct command *k = seen_command(s);

        if (k != NULL && k->verb == VERB_BYPASS && n->reply->code == 0 && k->tag >= 0)
                s->bypass_until_us[k->tag] = n->t_us + k->for_us;
}

static void fold_turn(struct seen *s, const struct world_note *n)
{
        s->turn_us = n->t_us;
        if (n->number != EVENT_COMMAND || s->command_count == 0)
                return;
        s->command_count--;
        memmove(&s->commands[0], &s->commands[1], (size_t)s->command_count * sizeof s->commands[0]);
}

const struct command *seen_command(const struct seen *s)
{
        return s->command_count > 0 ? &s->commands[0] : NULL;
}

bool seen_resets(const struct seen *s, const struct world_note *n)
{
        const struct command *k = seen_command(s);

        return n->reply->code == 0 && k != NULL && (k->verb == VERB_RESET || k->verb == VERB_RESUME);
}

static void fold_stall(struct seen *s, const struct world_note *n)
{
        s->loop_us = n->t_us + n->number;
        if (n->flag)
                s->workers_us = s->loop_us;
        s->stalled_us = s->loop_us > s->workers_us ? s->loop_us : s->workers_us;
}

/* What registers mean, worked out anew (link/codec.c is under test). NaN: a type that no output of the tools here has. */
static double decode(const struct tool_tag *t, const uint16_t *words)
{
        bool is_low_first = t->order == TOOL_ORDER_CDAB || t->order == TOOL_ORDER_DCBA;
        bool is_swapped = t->order == TOOL_ORDER_BADC || t->order == TOOL_ORDER_DCBA;
        uint32_t w[2] = {words[is_low_first ? 1 : 0], words[is_low_first ? 0 : 1]}, bits;
        float single;

        if (t->type == TOOL_INT16)
                return (int16_t)words[0] * t->scale + t->offset;
        if (t->type == TOOL_UINT16)
                return words[0] * t->scale + t->offset;
        if (t->type != TOOL_FLOAT32)
                return (double)NAN;
        for (int i = 0; i < 2 && is_swapped; i++)
                w[i] = (w[i] << 8 | w[i] >> 8) & 0xffff;
        bits = w[0] << 16 | w[1];
        memcpy(&single, &bits, sizeof single);
        return (double)single * t->scale + t->offset;
}

bool seen_told(const struct tool *tool, const struct world_note *n, int *tag, double *value)
{
        /* A module that times a pulse ends what it was told with its start. */
        if (n->kind == WORLD_OUTPUT && n->by == WORLD_BY_MODULE) {
                *tag = n->tag;
                *value = n->value;
                return true;
        }
        if (n->kind != WORLD_REQUEST || n->action->kind != SCHED_WRITE || n->number != 0)
                return false;
        *tag = seen_tag_of(tool, n->device, n->action);
        if (*tag < 0)
                return false;
        *value = is_start(&tool->tags[*tag], n->action) ? 1
                 : n->action->reg == TOOL_COIL          ? n->action->words[0] != 0
                                                        : decode(&tool->tags[*tag], n->action->words);
        return !isnan(*value);
}

void seen_note(struct seen *s, const struct world_note *n)
{
        int tag;
        double value;

        s->now_us = n->t_us;
        s->wall_us = n->wall_us;
        if (seen_told(s->tool, n, &tag, &value))
                tell(s, tag, value, n->sent_us, n->t_us);
        switch (n->kind) {
        case WORLD_BEGUN:
                begin(s);
                break;
        case WORLD_ENDED:
                s->is_alive = false;
                s->was_killed = n->flag;
                s->ended_us = n->t_us;
                s->recipe = NULL;
                s->command_count = 0;
                break;
        case WORLD_TURN:
                fold_turn(s, n);
                break;
        case WORLD_CALL:
                fold_call(s, n);
                break;
        case WORLD_ANSWER:
                fold_answer(s, n);
                break;
        case WORLD_OUTPUT:
                fold_output(s, n);
                break;
        case WORLD_SAMPLE:
                fold_sample(s, n);
                break;
        case WORLD_RECORD:
                fold_record(s, n);
                break;
        case WORLD_COMMAND:
                if (s->command_count < SEEN_COMMANDS_MAX)
                        s->commands[s->command_count++] = *n->command;
                break;
        case WORLD_REPLY:
                fold_reply(s, n);
                break;
        case WORLD_STALL:
                fold_stall(s, n);
                break;
        case WORLD_WATCHDOG:
                s->is_expired[n->device] = n->number == TOOL_WATCHDOG_EXPIRED;
                if (s->is_expired[n->device])
                        forget_told(s, n->device);
                break;
        case WORLD_FAULT:
                if (n->flag && n->device >= 0 && strncmp(n->text, "reboot of ", 10) == 0)
                        forget_told(s, n->device);
                break;
        default:
                break;
        }
}

/* ---- what follows from it ---- */

bool seen_is_well(const struct seen *s, int link, int64_t since_us)
{
        const struct seen_link *l = &s->link[link];

        return l->is_up && l->up_us < since_us && l->ill_us < since_us &&
               (!l->in_call || s->now_us - l->call_us <= SEEN_SLOW_US);
}

/* It took a value and holds another one, which nobody else gave it. */
static bool is_deaf(const struct seen *s, int tag)
{
        const struct seen_output *o = &s->out[tag];

        return o->told_us != SEEN_NEVER && fabs(o->value - o->told) > SAME && o->alien_us < o->told_us;
}

bool seen_output_is_well(const struct seen *s, int tag, int64_t since_us)
{
        int device = s->tool->tags[tag].device;
        const struct tool_device *d = &s->tool->devices[device];

        if (s->is_expired[device] || s->expired_us[device] >= since_us)
                return false;
        return seen_is_well(s, d->link, since_us) && seen_is_well(s, d->poll_link, since_us) &&
               s->out[tag].alien_us < since_us && s->out[tag].alien_us <= s->out[tag].told_us &&
               !is_deaf(s, tag);
}

bool seen_is_awake(const struct seen *s, int64_t since_us)
{
        return s->stalled_us == SEEN_NEVER || s->stalled_us < since_us;
}

bool seen_lived(const struct seen *s, int64_t since_us)
{
        return s->is_alive && !s->is_ending && s->begun_us <= since_us;
}
