#include "ald/core/trace.h"

#include "ald/core/recipe.h" /* struct recipe */

#include <assert.h>  /* assert, static_assert */
#include <stdbool.h> /* false */
#include <string.h>  /* memcpy */

#define FNV_PRIME UINT64_C(0x100000001b3)
#define NAN_BITS  UINT64_C(0x7ff8000000000000)

static_assert(sizeof(double) == sizeof(uint64_t), "a double has 64 bits");

uint64_t trace_fold_bytes(uint64_t hash, const void *bytes, uint32_t len)
{
        const unsigned char *at = bytes;

        for (uint32_t i = 0; i < len; i++)
                hash = (hash ^ at[i]) * FNV_PRIME;
        return hash;
}

/* A word at a time: turns are many, and a fold of bytes would cost more than what it watches. */
static uint64_t fold(uint64_t hash, uint64_t word)
{
        hash = (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
        return hash ^ (hash >> 29);
}

uint64_t trace_fold_int(uint64_t hash, int64_t value)
{
        return fold(hash, (uint64_t)value);
}

uint64_t trace_fold_double(uint64_t hash, double value)
{
        uint64_t bits;

        memcpy(&bits, &value, sizeof bits);
        return fold(hash, value != value ? NAN_BITS : bits);
}

/* With its length: "ab", "c" is not "a", "bc". */
uint64_t trace_fold_text(uint64_t hash, const char *text)
{
        uint64_t word = 0;
        uint64_t n = 0;

        for (; *text != '\0'; text++) {
                word = word << 8 | (unsigned char)*text;
                if (++n % 8 == 0)
                        hash = fold(hash, word);
        }
        return fold(fold(hash, word), n);
}

/* ---- records ---- */

static uint64_t fold_resume(uint64_t hash, const struct recipe_resume *from)
{
        hash = trace_fold_int(hash, from->run_id);
        hash = trace_fold_int(hash, from->cycle);
        hash = trace_fold_text(hash, from->path);
        return trace_fold_int(hash, from->attempt);
}

static uint64_t fold_run(uint64_t hash, const struct record_run *run, enum record_kind kind)
{
        if (kind == RECORD_RUN_START) { /* in the others the recipe may be gone when it is looked at */
                hash = trace_fold_text(hash, run->recipe == NULL ? "" : run->recipe->name);
                hash = trace_fold_text(hash, run->recipe == NULL ? "" : run->recipe->sha256);
                if (run->recipe != NULL && run->recipe->resume.run_id != 0)
                        hash = fold_resume(hash, &run->recipe->resume);
        }
        hash = trace_fold_text(hash, run->state);
        hash = trace_fold_text(hash, run->reason);
        return trace_fold_text(hash, run->user);
}

/* Each kind of record of a pulse sets its own part (record.h); the rest is zero. */
static uint64_t fold_pulse(uint64_t hash, const struct record_pulse *p)
{
        hash = trace_fold_int(hash, p->cycle);
        hash = trace_fold_text(hash, p->path);
        hash = trace_fold_int(hash, p->attempt);
        hash = trace_fold_int(hash, p->outcome);
        hash = trace_fold_int(hash, p->line);
        hash = trace_fold_int(hash, p->planned_open_us);
        hash = trace_fold_int(hash, p->planned_width_us);
        hash = trace_fold_int(hash, p->opened_us);
        hash = trace_fold_int(hash, p->width_us);
        hash = trace_fold_int(hash, p->open_acked_us);
        hash = trace_fold_int(hash, p->closed_us);
        hash = trace_fold_int(hash, p->close_acked_us);
        hash = trace_fold_int(hash, p->is_device_timed);
        hash = trace_fold_double(hash, p->pressure_base);
        hash = trace_fold_double(hash, p->pressure_peak);
        hash = trace_fold_double(hash, p->pressure_area);
        hash = trace_fold_double(hash, p->pressure_fit);
        return trace_fold_int(hash, p->pressure_decay_us);
}

static uint64_t fold_base(uint64_t hash, const struct record_base *b)
{
        hash = trace_fold_int(hash, b->is_after);
        hash = trace_fold_double(hash, b->flow);
        hash = trace_fold_double(hash, b->pressure);
        hash = trace_fold_double(hash, b->spread);
        return trace_fold_int(hash, b->samples);
}

static uint64_t fold_event(uint64_t hash, const struct record_event *e)
{
        hash = trace_fold_text(hash, e->kind);
        hash = trace_fold_int(hash, e->severity);
        hash = trace_fold_text(hash, e->source);
        return trace_fold_text(hash, e->text);
}

static uint64_t fold_audit(uint64_t hash, const struct record_audit *a)
{
        hash = trace_fold_int(hash, a->uid);
        hash = trace_fold_int(hash, a->pid);
        hash = trace_fold_text(hash, a->user);
        hash = trace_fold_text(hash, a->role);
        hash = trace_fold_text(hash, a->command);
        hash = trace_fold_text(hash, a->arguments);
        hash = trace_fold_text(hash, a->state_before);
        hash = trace_fold_text(hash, a->state_after);
        return trace_fold_text(hash, a->result);
}

static uint64_t fold_sample(uint64_t hash, const struct record_sample *s)
{
        hash = trace_fold_int(hash, s->tag);
        hash = trace_fold_int(hash, s->quality);
        hash = trace_fold_int(hash, s->t_us);
        return trace_fold_double(hash, s->value);
}

static uint64_t fold_valve(uint64_t hash, const struct record_valve *v)
{
        hash = trace_fold_int(hash, v->tag);
        hash = trace_fold_int(hash, v->line);
        hash = trace_fold_int(hash, v->what);
        hash = trace_fold_int(hash, v->is_actuation);
        hash = trace_fold_int(hash, v->since_us);
        hash = trace_fold_int(hash, v->open_us);
        return trace_fold_double(hash, v->used_umol);
}

static uint64_t fold_bottle(uint64_t hash, const struct record_bottle *b)
{
        hash = trace_fold_int(hash, b->line);
        hash = trace_fold_double(hash, b->content_g);
        return trace_fold_text(hash, b->lot);
}

uint64_t trace_fold_record(uint64_t hash, const struct record *r)
{
        hash = trace_fold_int(hash, r->kind);
        hash = trace_fold_int(hash, r->wall_us);
        hash = trace_fold_int(hash, r->run_id);
        switch (r->kind) {
        case RECORD_RUN_START:
        case RECORD_RUN_STATE:
        case RECORD_RUN_END:
                return fold_run(hash, &r->u.run, r->kind);
        case RECORD_CYCLE_START:
        case RECORD_CYCLE_END:
                return trace_fold_int(hash, r->u.cycle.n);
        case RECORD_PULSE_START:
        case RECORD_PULSE_END:
        case RECORD_PULSE_METRICS:
                return fold_pulse(hash, &r->u.pulse);
        case RECORD_BASE:
                return fold_base(hash, &r->u.base);
        case RECORD_EVENT:
                return fold_event(hash, &r->u.event);
        case RECORD_AUDIT:
                return fold_audit(hash, &r->u.audit);
        case RECORD_SAMPLE:
                return fold_sample(hash, &r->u.sample);
        case RECORD_VALVE:
                return fold_valve(hash, &r->u.valve);
        case RECORD_BOTTLE:
                return fold_bottle(hash, &r->u.bottle);
        }
        assert(false && "a kind of record");
        return hash;
}

/* ---- effects ---- */

static uint64_t fold_write(uint64_t hash, const struct effect_write *w)
{
        hash = trace_fold_int(hash, w->id);
        hash = trace_fold_int(hash, w->tag);
        hash = trace_fold_int(hash, w->cause);
        hash = trace_fold_int(hash, w->is_safe);
        return trace_fold_double(hash, w->value);
}

static uint64_t fold_reply(uint64_t hash, const struct effect_reply *r)
{
        hash = trace_fold_int(hash, (int64_t)r->reply);
        hash = trace_fold_int(hash, r->code);
        hash = trace_fold_text(hash, r->text);
        hash = trace_fold_text(hash, r->interlock);
        hash = trace_fold_text(hash, r->condition);
        hash = trace_fold_text(hash, r->values);
        hash = trace_fold_text(hash, r->hint);
        return trace_fold_int(hash, r->run_id);
}

static uint64_t fold_effect(uint64_t hash, const struct effect *e)
{
        hash = trace_fold_int(hash, e->kind);
        switch (e->kind) {
        case EFFECT_WRITE:
                return fold_write(hash, &e->u.write);
        case EFFECT_PULSE:
                hash = trace_fold_int(hash, e->u.pulse.id);
                hash = trace_fold_int(hash, e->u.pulse.tag);
                hash = trace_fold_int(hash, e->u.pulse.open_us);
                return trace_fold_int(hash, e->u.pulse.close_us);
        case EFFECT_REVOKE:
                hash = trace_fold_int(hash, e->u.revoke.id);
                return trace_fold_int(hash, e->u.revoke.tag);
        case EFFECT_REARM:
                return trace_fold_int(hash, e->u.device);
        case EFFECT_PROVE:
                hash = trace_fold_int(hash, e->u.prove.device);
                return trace_fold_int(hash, e->u.prove.stop);
        case EFFECT_RECORD:
                return trace_fold_record(hash, &e->u.record);
        case EFFECT_REPLY:
                return fold_reply(hash, &e->u.reply);
        case EFFECT_RECIPE_DONE: /* where the recipe lies in memory has no meaning */
        case EFFECT_FEED:
        case EFFECT_READY:
        case EFFECT_EXIT:
                return hash;
        }
        assert(false && "a kind of effect");
        return hash;
}

uint64_t trace_fold_effects(uint64_t hash, const struct effects *effects)
{
        hash = trace_fold_int(hash, effects->count);
        for (int i = 0; i < effects->count; i++)
                hash = fold_effect(hash, &effects->item[i]);
        return hash;
}
