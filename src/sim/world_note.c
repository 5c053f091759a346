#include "world_state.h" /* struct world */

#include "ald/core/trace.h" /* trace_fold_int */

/* ---- The digest: by values, never by the bytes of structs. What a turn decides is folded in the turn (world_daemon.c). ---- */

static uint64_t fold_action(uint64_t hash, const struct sched_action *a)
{
        hash = trace_fold_int(hash, (int64_t)a->kind);
        if (a->kind != SCHED_READ && a->kind != SCHED_WRITE)
                return hash;
        hash = trace_fold_int(hash, (int64_t)a->slave_id << 40 | (int64_t)a->reg << 32 |
                                        (int64_t)a->address << 8 | (int64_t)a->count);
        for (int i = 0; a->kind == SCHED_WRITE && i < a->count; i++)
                hash = trace_fold_int(hash, a->words[i]);
        return hash;
}

static uint64_t fold_command(uint64_t hash, const struct command *c)
{
        hash = trace_fold_int(hash, (int64_t)c->verb);
        hash = trace_fold_int(hash, (int64_t)c->reply);
        hash = trace_fold_int(trace_fold_int(hash, c->uid), c->tag);
        return trace_fold_double(trace_fold_int(hash, c->for_us), c->value);
}

static uint64_t fold_note(uint64_t hash, const struct world_note *n)
{
        hash = trace_fold_int(hash, n->t_us);
        hash = trace_fold_int(hash, (int64_t)n->kind << 56 | (int64_t)(n->link & 0xff) << 48 |
                                        (int64_t)(n->device & 0xff) << 40 | (int64_t)(n->tag & 0xffff) << 16 |
                                        (int64_t)n->by << 8 | (int64_t)n->outcome << 1 | (int64_t)n->flag);
        hash = trace_fold_int(hash, n->wall_us);
        hash = trace_fold_int(hash, n->number);
        hash = trace_fold_double(hash, n->value);
        hash = trace_fold_int(hash, n->sent_us);
        if (n->action != NULL)
                hash = fold_action(hash, n->action);
        if (n->record != NULL)
                hash = trace_fold_int(trace_fold_int(hash, (int64_t)n->record->kind), n->record->wall_us);
        if (n->command != NULL)
                hash = fold_command(hash, n->command);
        if (n->reply != NULL)
                hash = trace_fold_int(hash, (int64_t)n->reply->reply);
        if (n->text != NULL)
                hash = trace_fold_text(hash, n->text);
        return hash;
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
