#include "world_state.h" /* struct world */

#include "ald/base/text.h"    /* text_add */
#include "ald/base/time.h"    /* TIME_MS, TIME_NEVER, time_min */
#include "ald/core/core.h"    /* struct core_start, CORE_PURGED */
#include "ald/core/machine.h" /* machine_state_name */
#include "ald/core/recipe.h"  /* struct recipe */

#include <assert.h> /* assert */
#include <string.h> /* strcmp */

/* As in store/store.c. */
#define SAMPLES_EVERY_US (750 * TIME_MS)
#define RETRY_US         (250 * TIME_MS)
#define GIVE_UP_US       (3 * TIME_S)
enum { RECORDS_AT_ONCE = 1024, SAMPLES_AT_ONCE = 8192, STARTS_MAX = 8 };
/* A transaction on a healthy disk, and how late the writer's thread wakes, us. */
enum { COMMIT_US_MIN = 300, COMMIT_US_MAX = 3000, WAKE_US_MIN = 20, WAKE_US_MAX = 200 };

/* What the ballast is worth (store/ballast.h): 8 MiB at a page each. */
enum { BALLAST_RECORDS = 2048 };

static const char full[] = "the disk is full, its reserve too: records wait in memory: make room";
static const char ballast[] = "the disk is full: events go on into a reserve, samples wait: make room";
static const char overrun[] = "records come faster than the disk takes them";

bool world_disk_ok(const struct world *w)
{
        return w->disk.is_ok && !w->disk.is_overrun;
}

const char *world_disk_why(const struct world *w)
{
        if (w->disk.is_ok)
                return w->disk.is_overrun ? overrun : "";
        return w->disk.is_ballast_gone && w->disk.ballast_left > 0 ? ballast : full;
}

/* The loop hears of a change. */
static void refresh_ok(struct world *w)
{
        bool is_ok = world_disk_ok(w);

        if (is_ok != w->disk.was_ok)
                w->store_us =
                    time_min(w->store_us, w->now_us + random_between(&w->on_disk, WAKE_US_MIN, WAKE_US_MAX));
        w->disk.was_ok = is_ok;
}

static void set_overrun(struct world *w, bool is_overrun)
{
        w->disk.is_overrun = is_overrun;
        refresh_ok(w);
}

static void tell_disk(struct world *w, bool is_ok)
{
        w->disk.is_ok = is_ok;
        refresh_ok(w);
}

/* ---- The caller's side ---- */

static bool post_record(struct world *w, const struct record *r)
{
        struct world_disk *d = &w->disk;
        bool is_start = r->kind == RECORD_RUN_START, is_taken;

        if (is_start && d->starts == STARTS_MAX) {
                set_overrun(w, true);
                return false;
        }
        is_taken = recq_push(d->queue, r);
        if (is_start && is_taken)
                d->starts++;
        if (!is_taken || recq_records(d->queue) > recq_records_max(d->queue) / 4 * 3)
                set_overrun(w, true);
        if (!d->is_busy && !d->is_failing)
                d->due_us =
                    time_min(d->due_us, w->now_us + random_between(&w->on_disk, WAKE_US_MIN, WAKE_US_MAX));
        return is_taken;
}

bool world_disk_post(struct world *w, const struct record *r)
{
        if (!w->disk.is_open)
                return false;
        return r->kind == RECORD_SAMPLE ? recq_push(w->disk.queue, r) : post_record(w, r);
}

/* ---- The writer ---- */

static void tell_samples(struct world *w)
{
        struct world_note n = world_note(w, WORLD_STORED);

        for (uint32_t i = 0; i < w->disk.samples; i++) {
                const struct recq_sample *s = recq_sample(w->disk.queue, i);
                struct world_note gap = n;

                n.number += s->gap == 0;
                if (s->gap == 0)
                        continue;
                gap.tag = s->tag;
                gap.flag = true;
                gap.number = s->gap;
                world_tell(w, &gap);
        }
        if (n.number > 0)
                world_tell(w, &n);
}

/* On the disk from now on: what a later process finds. */
static void store_record(struct world *w, const struct record *r)
{
        struct world_note n = world_note(w, WORLD_STORED);

        if (r->kind == RECORD_EVENT)
                w->disk.was_left_open =
                    strcmp(r->u.event.kind, "state") != 0 || strcmp(r->u.event.source, CORE_PURGED) != 0;
        if (r->kind == RECORD_RUN_START)
                w->disk.run_open = w->disk.run_last = r->run_id;
        if (r->kind == RECORD_RUN_END && r->run_id == w->disk.run_open)
                w->disk.run_open = 0;
        n.record = r;
        world_tell(w, &n);
}

static void settle(struct world *w)
{
        struct world_disk *d = &w->disk;

        for (uint32_t i = 0; i < d->records; i++) {
                const struct record *r = recq_record(d->queue, i);

                d->starts -= r->kind == RECORD_RUN_START;
                store_record(w, r);
        }
        tell_samples(w);
        recq_release_records(d->queue, d->records);
        recq_release_samples(d->queue, d->samples);
}

static uint32_t at_most(uint32_t n, uint32_t max)
{
        return n < max ? n : max;
}

/* A full disk takes what the ballast leaves room for; it is given up by the first write that fails. */
static bool takes(struct world_disk *d)
{
        int wanted = (int)(d->records + d->samples);

        if (!d->is_full)
                return true;
        if (!d->is_ballast_gone) {
                d->is_ballast_gone = true;
                d->ballast_left = BALLAST_RECORDS;
                return false;
        }
        if (d->ballast_left < wanted)
                return false;
        d->ballast_left -= wanted;
        return true;
}

/* The next transaction of a round, or its end. */
static void begin_batch(struct world *w)
{
        struct world_disk *d = &w->disk;

        d->records = at_most(recq_records(d->queue), RECORDS_AT_ONCE);
        d->samples = d->with_samples ? at_most(recq_samples(d->queue), SAMPLES_AT_ONCE) : 0;
        d->is_busy = d->records + d->samples > 0;
        if (d->is_busy) {
                d->due_us =
                    w->now_us + random_between(&w->on_disk, COMMIT_US_MIN, COMMIT_US_MAX) + d->slow_us;
                return;
        }
        d->is_ballast_gone = d->is_ballast_gone && d->is_full;
        if (!d->is_ok && !d->is_ballast_gone)
                tell_disk(w, true);
        if (d->is_overrun)
                set_overrun(w, false);
        if (d->with_samples || d->is_ballast_gone)
                d->samples_due_us = w->now_us + SAMPLES_EVERY_US;
        d->due_us = d->samples_due_us;
        if (d->is_closing)
                d->due_us = recq_records(d->queue) + recq_samples(d->queue) == 0 ? TIME_NEVER : w->now_us;
}

static void begin_round(struct world *w)
{
        struct world_disk *d = &w->disk;

        d->is_failing = false;
        if (d->is_closing)
                recq_end(d->queue);
        d->with_samples =
            w->now_us >= d->samples_due_us || recq_samples(d->queue) > recq_samples_max(d->queue) / 2;
        /* They leave the ballast to the records. */
        d->with_samples = d->is_closing || (d->with_samples && !d->is_ballast_gone);
        begin_batch(w);
}

static void end_batch(struct world *w)
{
        struct world_disk *d = &w->disk;

        d->is_busy = false;
        if (!takes(d)) {
                tell_disk(w, false);
                d->is_failing = true;
                d->due_us = w->now_us + RETRY_US;
                return;
        }
        settle(w);
        begin_batch(w);
}

int64_t world_disk_due(const struct world *w)
{
        return w->disk.is_open ? w->disk.due_us : TIME_NEVER;
}

void world_disk_run(struct world *w)
{
        if (w->disk.is_busy)
                end_batch(w);
        else
                begin_round(w);
}

/* ---- Beginning and end ---- */

/* What store/recover.c writes: the run that a crash left open has ended. */
static void close_run(struct world *w)
{
        struct record r = {
            .kind = RECORD_RUN_END, .wall_us = w->now_us + w->wall_offset_us, .run_id = w->disk.run_open};

        text_copy(r.u.run.state, sizeof r.u.run.state, machine_state_name(MACHINE_ABORTED));
        text_copy(r.u.run.reason, sizeof r.u.run.reason, "daemon ended during the run (crash or power cut)");
        store_record(w, &r);
}

bool world_disk_open(struct world *w, struct core_start *start)
{
        struct world_disk *d = &w->disk;

        d->queue = recq_new(RECQ_RECORDS_DEFAULT, RECQ_SAMPLES_DEFAULT);
        if (d->queue == NULL)
                return false;
        d->is_busy = d->is_failing = d->is_closing = d->is_overrun = false;
        d->starts = 0;
        d->due_us = d->samples_due_us = w->now_us + SAMPLES_EVERY_US;
        /* An open run is closed before anything else; where that cannot be written the record is not opened at all, and
         * this process keeps nothing. */
        if (d->is_full && !d->is_ballast_gone) {
                d->is_ballast_gone = true;
                d->ballast_left = BALLAST_RECORDS;
        }
        d->is_open = d->run_open == 0 || !d->is_full || d->ballast_left > 0;
        d->is_ok = d->was_ok = d->is_open && !(d->is_full && d->is_ballast_gone);
        start->next_run_id = d->is_open ? d->run_last + 1 : 1;
        start->interrupted_run = d->is_open ? d->run_open : 0;
        start->was_left_open = d->was_left_open || !d->is_open;
        start->store_ok = d->is_ok;
        text_copy(start->store_why, sizeof start->store_why, world_disk_why(w));
        if (d->is_open && d->run_open != 0)
                close_run(w);
        return true;
}

void world_disk_close(struct world *w)
{
        struct world_disk *d = &w->disk;

        d->is_closing = true;
        d->give_up_us = w->now_us + GIVE_UP_US;
        if (d->is_open && !d->is_busy)
                d->due_us = w->now_us;
}

bool world_disk_is_closed(const struct world *w)
{
        const struct world_disk *d = &w->disk;

        if (!d->is_open)
                return true;
        return !d->is_busy && (d->due_us == TIME_NEVER || (d->is_failing && w->now_us >= d->give_up_us));
}

void world_disk_drop(struct world *w)
{
        recq_free(w->disk.queue);
        w->disk.queue = NULL;
        w->disk.is_open = false;
}

void world_disk(struct world *w, int64_t us, bool full_now)
{
        assert(us >= 0);
        if (w->disk.is_full != full_now)
                world_tell_fault(w, "disk full", full_now, TOOL_NONE, TOOL_NONE);
        if ((w->disk.slow_us > 0) != (us > 0))
                world_tell_fault(w, "disk slow", us > 0, TOOL_NONE, TOOL_NONE);
        w->disk.slow_us = us;
        w->disk.is_full = full_now;
}
