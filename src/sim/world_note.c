#include "world_state.h" /* struct world */

#include <math.h>   /* isnan */
#include <string.h> /* memcpy */

/* ---- The digest: by values, never by the bytes of structs. ---- */

/* A word at a time: notes are many, and a digest of bytes would cost more than the core. */
static uint64_t fold(uint64_t hash, uint64_t word)
{
        hash = (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
        return hash ^ (hash >> 29);
}

static uint64_t fold_int(uint64_t hash, int64_t value)
{
        return fold(hash, (uint64_t)value);
}

static uint64_t fold_double(uint64_t hash, double value)
{
        uint64_t bits = UINT64_C(0x7ff8000000000000); /* every NaN counts as the same */

        if (!isnan(value))
                memcpy(&bits, &value, sizeof bits);
        return fold(hash, bits);
}

static uint64_t fold_text(uint64_t hash, const char *text)
{
        uint64_t word = 0;
        int n = 0;

        for (; *text != '\0'; text++) {
                word = word << 8 | (uint8_t)*text;
                if (++n % 8 == 0)
                        hash = fold(hash, word);
        }
        return fold(fold(hash, word), (uint64_t)n);
}

static uint64_t fold_action(uint64_t hash, const struct sched_action *a)
{
        hash = fold_int(hash, (int64_t)a->kind);
        if (a->kind != SCHED_READ && a->kind != SCHED_WRITE)
                return hash;
        hash = fold_int(hash, (int64_t)a->slave_id << 40 | (int64_t)a->reg << 32 | (int64_t)a->address << 8 |
                                  (int64_t)a->count);
        for (int i = 0; a->kind == SCHED_WRITE && i < a->count; i++)
                hash = fold_int(hash, a->words[i]);
        return hash;
}

static uint64_t fold_pulse(uint64_t hash, const struct record_pulse *p)
{
        hash = fold_int(hash, p->cycle);
        hash = fold_text(hash, p->path);
        hash = fold_int(hash, p->attempt);
        hash = fold_int(hash, p->outcome);
        hash = fold_int(hash, p->line);
        hash = fold_int(hash, p->planned_open_us);
        hash = fold_int(hash, p->planned_width_us);
        hash = fold_int(hash, p->opened_us);
        hash = fold_int(hash, p->width_us);
        hash = fold_double(hash, p->pressure_base);
        hash = fold_double(hash, p->pressure_peak);
        return fold_double(hash, p->pressure_area);
}

static uint64_t fold_audit(uint64_t hash, const struct record_audit *a)
{
        hash = fold_int(hash, a->uid);
        hash = fold_text(hash, a->user);
        hash = fold_text(hash, a->role);
        hash = fold_text(hash, a->command);
        hash = fold_text(hash, a->arguments);
        hash = fold_text(hash, a->state_before);
        hash = fold_text(hash, a->state_after);
        return fold_text(hash, a->result);
}

static uint64_t fold_record(uint64_t hash, const struct record *r)
{
        hash = fold_int(hash, (int64_t)r->kind);
        hash = fold_int(hash, r->wall_us);
        hash = fold_int(hash, r->run_id);
        switch (r->kind) {
        case RECORD_RUN_START:
        case RECORD_RUN_STATE:
        case RECORD_RUN_END:
                return fold_text(fold_text(hash, r->u.run.state), r->u.run.reason);
        case RECORD_CYCLE_START:
        case RECORD_CYCLE_END:
                return fold_int(hash, r->u.cycle.n);
        case RECORD_PULSE_START:
        case RECORD_PULSE_END:
        case RECORD_PULSE_METRICS:
                return fold_pulse(hash, &r->u.pulse);
        case RECORD_EVENT:
                hash = fold_text(fold_text(hash, r->u.event.kind), r->u.event.source);
                return fold_int(fold_text(hash, r->u.event.text), r->u.event.severity);
        case RECORD_AUDIT:
                return fold_audit(hash, &r->u.audit);
        case RECORD_SAMPLE:
                hash = fold_int(hash, (int64_t)r->u.sample.tag << 8 | r->u.sample.quality);
                return fold_double(fold_int(hash, r->u.sample.t_us), r->u.sample.value);
        }
        return hash;
}

static uint64_t fold_reply(uint64_t hash, const struct effect_reply *r)
{
        hash = fold_int(fold_int(hash, (int64_t)r->reply), r->code);
        hash = fold_text(fold_text(hash, r->text), r->interlock);
        hash = fold_text(fold_text(hash, r->condition), r->values);
        return fold_int(fold_text(hash, r->hint), r->run_id);
}

static uint64_t fold_command(uint64_t hash, const struct command *c)
{
        hash = fold_int(hash, (int64_t)c->verb);
        hash = fold_int(hash, (int64_t)c->reply);
        hash = fold_int(fold_int(hash, c->uid), c->tag);
        return fold_double(fold_int(hash, c->for_us), c->value);
}

static uint64_t fold_note(uint64_t hash, const struct world_note *n)
{
        hash = fold_int(hash, n->t_us);
        hash = fold_int(hash, (int64_t)n->kind << 56 | (int64_t)(n->link & 0xff) << 48 |
                                  (int64_t)(n->device & 0xff) << 40 | (int64_t)(n->tag & 0xffff) << 16 |
                                  (int64_t)n->by << 8 | (int64_t)n->outcome << 1 | (int64_t)n->flag);
        hash = fold_int(hash, n->wall_us);
        hash = fold_int(hash, n->number);
        hash = fold_double(hash, n->value);
        hash = fold_int(hash, n->sent_us);
        if (n->action != NULL)
                hash = fold_action(hash, n->action);
        if (n->record != NULL)
                hash = fold_record(hash, n->record);
        if (n->command != NULL)
                hash = fold_command(hash, n->command);
        if (n->reply != NULL)
                hash = fold_reply(hash, n->reply);
        if (n->text != NULL)
                hash = fold_text(hash, n->text);
        return hash;
}

/* What a turn orders; records and replies are notes of their own. */
void world_fold_effects(struct world *w)
{
        uint64_t hash = w->hash;

        for (int i = 0; i < w->effects.count; i++) {
                const struct effect *e = &w->effects.item[i];

                hash = fold_int(hash, (int64_t)e->kind);
                if (e->kind == EFFECT_WRITE) {
                        hash = fold_int(hash, (int64_t)e->u.write.id << 24 | (int64_t)e->u.write.cause << 16 |
                                                  (int64_t)e->u.write.tag);
                        hash = fold_double(hash, e->u.write.value);
                } else if (e->kind == EFFECT_PULSE) {
                        hash = fold_int(hash, (int64_t)e->u.pulse.id << 16 | (int64_t)e->u.pulse.tag);
                        hash = fold_int(fold_int(hash, e->u.pulse.open_us), e->u.pulse.close_us);
                } else if (e->kind == EFFECT_REVOKE) {
                        hash = fold_int(hash, e->u.revoke.id);
                } else if (e->kind == EFFECT_REARM) {
                        hash = fold_int(hash, e->u.device);
                }
        }
        w->hash = hash;
}

/* ---- Telling ---- */

struct world_note world_note(const struct world *w, enum world_note_kind kind)
{
        return (struct world_note){.kind = kind,
            .t_us = w->now_us,
            .wall_us = w->now_us + w->wall_offset_us,
            .link = TOOL_NONE,
            .device = TOOL_NONE,
            .tag = TOOL_NONE};
}

void world_tell(struct world *w, const struct world_note *note)
{
        w->hash = fold_note(w->hash, note);
        if (w->config.see != NULL)
                w->config.see(w->config.ctx, note);
}

void world_tell_fault(struct world *w, const char *text, bool begins, int link, int device)
{
        struct world_note n = world_note(w, WORLD_FAULT);

        n.text = text;
        n.flag = begins;
        n.link = link;
        n.device = device;
        world_tell(w, &n);
}
