#include "core_state.h"

#include <math.h>   /* fabs */
#include <stdarg.h> /* va_list */
#include <string.h> /* memset */

/* `content`: the record's own part, cleared. Samples are many, and small beside the others. */
static struct record *new_record(struct core *core, enum record_kind kind, size_t content)
{
        struct effect *e = core_emit(core, EFFECT_RECORD);
        struct record *r = &e->u.record;

        memset(&r->u, 0, content);
        r->kind = kind;
        r->wall_us = core->wall_us;
        r->run_id = core->recipe != NULL ? core->run_id : 0;
        return r;
}

struct record *core_record(struct core *core, enum record_kind kind)
{
        return new_record(core, kind, sizeof((struct record *)NULL)->u);
}

void core_log(struct core *core, const char *kind, enum record_severity severity, const char *source,
    const char *fmt, ...)
{
        struct record_event *event = &core_record(core, RECORD_EVENT)->u.event;
        struct text t;
        va_list args;

        text_copy(event->kind, sizeof event->kind, kind);
        text_copy(event->source, sizeof event->source, source);
        event->severity = severity;
        text_init(&t, event->text, sizeof event->text);
        va_start(args, fmt);
        text_addv(&t, fmt, args);
        va_end(args);
}

void core_log_run(struct core *core, enum record_kind kind)
{
        struct record *r = core_record(core, kind);

        r->run_id = core->run_id;
        r->u.run.recipe = core->recipe;
        text_copy(r->u.run.state, sizeof r->u.run.state, machine_state_name(core->state));
        text_copy(r->u.run.reason, sizeof r->u.run.reason, core->reason);
        text_copy(r->u.run.user, sizeof r->u.run.user, core->operator_name);
}

void core_log_sample(struct core *core, int tag)
{
        const struct tool_tag *t = &core->tool->tags[tag];
        const struct snapshot_tag *st = &core->snap.tag[tag];
        struct core_logged *last = &core->logged[tag];
        struct record *r;

        if (st->quality == last->quality && last->t_us != INT64_MIN && st->t_us - last->t_us < t->log_us &&
            fabs(st->value - last->value) <= t->log_deadband)
                return;
        last->t_us = st->t_us;
        last->value = st->value;
        last->quality = st->quality;
        r = new_record(core, RECORD_SAMPLE, sizeof r->u.sample);
        r->u.sample = (struct record_sample){.tag = (int16_t)tag,
            .quality = st->quality,
            .t_us = core_wall(core, st->t_us),
            .value = st->value};
}
