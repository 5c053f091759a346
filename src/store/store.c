#include "ald/store/store.h"

#include "ald/base/text.h"     /* text_add, text_copy */
#include "ald/base/time.h"     /* TIME_MS, TIME_S */
#include "ald/core/inputq.h"   /* struct inputq */
#include "ald/core/recq.h"     /* struct recq */
#include "ald/store/runcopy.h" /* struct runcopies */
#include "ald/store/writer.h"  /* struct writer */

#include <assert.h>      /* assert */
#include <poll.h>        /* poll */
#include <pthread.h>     /* thread, mutex, condition */
#include <sched.h>       /* SCHED_OTHER */
#include <signal.h>      /* sigset_t */
#include <stdatomic.h>   /* atomic_bool */
#include <stdlib.h>      /* calloc, free */
#include <string.h>      /* strdup, strlen */
#include <sys/eventfd.h> /* eventfd */
#include <time.h>        /* clock_gettime */
#include <unistd.h>      /* close, read, write */

/* A crash costs no more than a second of samples (L1): those since the last commit with samples, and those of the commit that
 * is under way, which may itself wait for one with events. What commits take on this disk is left for both, down to an interval
 * that wears it no more than it must. */
#define SAMPLES_EVERY_US     (750 * TIME_MS)
#define SAMPLES_EVERY_MIN_US (200 * TIME_MS)
#define RETRY_US             (250 * TIME_MS)
#define TIDY_EVERY_US        (100 * TIME_MS)
#define GIVE_UP_US           (3 * TIME_S)

/* A slow commit is forgotten over so many with samples. */
enum { SLOW_FADES = 16 };
/* One transaction: bounds how long a record waits behind the samples of a batch. */
enum { RECORDS_AT_ONCE = 1024, SAMPLES_AT_ONCE = 8192, INPUT_BYTES_AT_ONCE = 128 * 1024 };

struct store {
        struct store_config config; /* with these texts of its own */
        char *path, *tool_text, *tool_sha256, *version;
        struct recq *queue;
        struct inputq *inputs;
        struct runcopies copies;
        int wake_fd;   /* rings the writer */
        int notify_fd; /* rings the caller */
        pthread_t thread;
        bool has_thread;
        atomic_bool is_rung; /* the writer has been rung and has not yet looked */
        atomic_bool is_closing;
        atomic_bool is_open;    /* the writer keeps what is posted */
        atomic_bool is_overrun; /* records wait in numbers or were lost; the writer clears it */
        atomic_int_fast64_t refused_samples, refused_records; /* posted while not open */

        /* Held for copying only, never over the disk. */
        pthread_mutex_t mutex;
        pthread_cond_t opened;
        bool is_decided; /* opened or failed */
        bool disk_ok;
        char disk_why[STORE_WHY_CAP];
        bool was_ok;
        int notices;              /* told */
        struct store_state state; /* counts, and `ok` as last told */
        struct counts counts;     /* as found at open */
};

static int64_t now_us(void)
{
        struct timespec t;

        clock_gettime(CLOCK_MONOTONIC, &t);
        return (int64_t)t.tv_sec * TIME_S + t.tv_nsec / 1000;
}

static void ring(int fd)
{
        uint64_t one = 1;

        (void)!write(fd, &one, sizeof one); /* fails only when it has been rung 2^64 - 2 times */
}

static void quiet(int fd)
{
        uint64_t count;

        (void)!read(fd, &count, sizeof count);
}

/* With the mutex held: state.ok and why from their causes; rings when they changed. */
static void refresh_ok(struct store *s)
{
        char before[STORE_WHY_CAP];
        struct text t;

        text_copy(before, sizeof before, s->state.why);
        text_init(&t, s->state.why, sizeof s->state.why);
        if (!s->disk_ok) {
                text_add(&t, "%s", s->disk_why);
        } else if (atomic_load(&s->is_overrun)) {
                writer_add_path(&t, s->config.path);
                text_add(&t, "records come faster than the disk takes them");
        }
        s->state.ok = s->state.why[0] == '\0';
        if (strcmp(before, s->state.why) != 0 || s->state.ok != s->was_ok)
                ring(s->notify_fd);
        s->was_ok = s->state.ok;
}

/* What the operator must hear of beside it. */
static void tell_notice(struct store *s, const struct writer *w)
{
        int count;
        const char *notice = writer_notice(w, &count);

        if (count == s->notices) /* only this thread writes it */
                return;
        s->notices = count;
        pthread_mutex_lock(&s->mutex);
        text_copy(s->state.notice, sizeof s->state.notice, notice);
        s->state.notices = count;
        ring(s->notify_fd);
        pthread_mutex_unlock(&s->mutex);
}

/* The writer tells how its last attempt went; *why is "" when all is well. */
static void tell_disk(struct store *s, const char *why)
{
        struct text t;

        pthread_mutex_lock(&s->mutex);
        s->disk_ok = why[0] == '\0';
        text_init(&t, s->disk_why, sizeof s->disk_why);
        if (!s->disk_ok) {
                writer_add_path(&t, s->config.path);
                text_add(&t, "%s", why);
        }
        refresh_ok(s);
        pthread_mutex_unlock(&s->mutex);
}

/* What was written leaves the queue and enters the counts at once: nobody sees it in both or in neither. */
static void settle(struct store *s, const struct writer *w, const struct writer_batch *batch)
{
        pthread_mutex_lock(&s->mutex);
        runcopies_release(&s->copies, batch->starts);
        recq_release_records(s->queue, batch->records);
        recq_release_samples(s->queue, batch->samples);
        inputq_release(s->inputs, batch->inputs);
        s->state.stored = writer_samples(w);
        s->state.dropped = writer_duplicates(w);
        s->state.records_stored = writer_records(w);
        pthread_mutex_unlock(&s->mutex);
}

static void set_overrun(struct store *s, bool is_overrun)
{
        if (atomic_exchange(&s->is_overrun, is_overrun) == is_overrun)
                return;
        pthread_mutex_lock(&s->mutex);
        refresh_ok(s);
        pthread_mutex_unlock(&s->mutex);
}

/* ---- The writer's thread ---- */

static struct writer *begin(struct store *s)
{
        struct writer_found found = {0};
        char why[STORE_WHY_CAP];
        struct text t;

        text_init(&t, why, sizeof why);
        struct writer *w = writer_open(&s->config, &found, &t);
        assert(w != NULL || why[0] != '\0');
        if (w != NULL)
                writer_warn(w, &t);
        tell_disk(s, why);
        if (w != NULL)
                tell_notice(s, w);

        pthread_mutex_lock(&s->mutex);
        if (w != NULL) {
                s->state.next_run_id = found.next_run_id;
                s->state.interrupted_run = found.interrupted_run;
                s->state.was_left_open = found.was_left_open;
                s->counts = found.counts;
                s->state.past = found.past;
        }
        atomic_store(&s->is_open, w != NULL);
        s->is_decided = true;
        pthread_cond_signal(&s->opened);
        pthread_mutex_unlock(&s->mutex);
        return w;
}

static uint32_t at_most(uint32_t n, uint32_t max)
{
        return n < max ? n : max;
}

/* Write what is there now, or the disk fails (false, *why). What comes meanwhile rings for the next round: a stream of events
 * keeps neither the samples nor the log's checkpoint waiting. */
static bool write_out(struct store *s, struct writer *w, bool with_samples, struct text *why)
{
        uint32_t records = recq_records(s->queue), samples = with_samples ? recq_samples(s->queue) : 0;
        uint32_t inputs = inputq_used(s->inputs);

        while (records + samples + inputs > 0) {
                struct writer_batch batch = {
                    .records = at_most(records, RECORDS_AT_ONCE),
                    .samples = at_most(samples, SAMPLES_AT_ONCE),
                    .inputs = at_most(inputs, INPUT_BYTES_AT_ONCE),
                };

                if (!writer_write(w, s->queue, s->inputs, &s->copies, &batch, why))
                        return false;
                records -= batch.records;
                samples -= batch.samples;
                inputs -= at_most(batch.inputs, inputs); /* a run's end takes all that belongs to it */
                settle(s, w, &batch);
        }
        return true;
}

static bool mend(struct store *s, struct writer *w, struct text *why)
{
        struct writer_batch batch;
        bool ok = writer_mend(w, why);

        if (ok && writer_has_landed(w, s->queue, &batch))
                settle(s, w, &batch);
        return ok;
}

/* Samples wait while the disk is full, and are accounted for if that lasts longer than their queue; at the end they have no later
 * chance. */
static bool yields(struct store *s, const struct writer *w)
{
        return writer_is_full(w) && !atomic_load(&s->is_closing);
}

/* One round: what is due, then the log. True when the disk took it all. */
static bool work(struct store *s, struct writer *w, bool with_samples)
{
        char why[STORE_WHY_CAP];
        struct text t;

        text_init(&t, why, sizeof why);
        bool ok = mend(s, w, &t) && write_out(s, w, with_samples && !yields(s, w), &t) &&
                  writer_checkpoint(w, now_us(), &t);
        if (ok) {
                writer_tend(w);
                writer_warn(w, &t);
        }
        tell_notice(s, w);
        if (why[0] != '\0' || !s->disk_ok) /* only this thread writes disk_ok */
                tell_disk(s, why);
        if (ok && recq_records(s->queue) < recq_records_max(s->queue) / 4 &&
            inputq_used(s->inputs) < inputq_max(s->inputs) / 4)
                set_overrun(s, false);
        return ok;
}

static void wait_until(struct store *s, int64_t until_us, bool is_failing)
{
        struct pollfd fd = {.fd = s->wake_fd, .events = POLLIN};
        int64_t left_us = until_us - now_us();

        if (is_failing) { /* records go on coming; the next attempt waits for its time all the same */
                atomic_store(&s->is_rung, true);
                quiet(s->wake_fd);
        }
        poll(&fd, 1, left_us <= 0 ? 0 : (int)(left_us / 1000 + 1));
        quiet(s->wake_fd);
        atomic_store(&s->is_rung, false); /* before the queue is looked at: nothing is overslept */
}

static bool is_empty(struct store *s)
{
        return recq_records(s->queue) == 0 && recq_samples(s->queue) == 0 && inputq_used(s->inputs) == 0;
}

/* The caller is in store_close() and produces no more: its side of the queue is ours. */
static void finish(struct store *s, struct writer *w)
{
        int64_t give_up_us = now_us() + GIVE_UP_US;
        bool ok;

        do {
                bool nothing_owed = recq_end(s->queue);

                ok = work(s, w, true);
                if (ok && nothing_owed && is_empty(s))
                        return;
                if (!ok)
                        wait_until(s, now_us() + RETRY_US, true);
        } while (ok || now_us() < give_up_us);
}

/* What can wait: a slice of it while no record does. When to look again. */
static int64_t tidy(struct store *s, struct writer *w, int64_t due_us)
{
        char why[160];
        struct text t;
        bool more;

        if (recq_records(s->queue) > 0)
                return due_us;
        text_init(&t, why, sizeof why);
        if (!writer_tidy(w, &more, &t)) {
                tell_disk(s, why); /* the next write clears it */
                return now_us() + RETRY_US;
        }
        return more ? time_min(due_us, now_us() + TIDY_EVERY_US) : due_us;
}

static int64_t samples_every_us(int64_t slow_us)
{
        int64_t every_us = SAMPLES_EVERY_US - 2 * slow_us;

        return every_us > SAMPLES_EVERY_MIN_US ? every_us : SAMPLES_EVERY_MIN_US;
}

static void *write_records(void *store)
{
        struct store *s = store;
        struct writer *w = begin(s);

        if (w == NULL)
                return NULL;
        int64_t sampled_us = now_us(), slow_us = 0; /* the slowest commit of late */
        while (!atomic_load(&s->is_closing)) {
                int64_t round_us = now_us();
                bool with_samples = round_us - sampled_us >= samples_every_us(slow_us) ||
                                    recq_samples(s->queue) > recq_samples_max(s->queue) / 2;

                bool ok = work(s, w, with_samples);
                int64_t took_us = now_us() - round_us;
                if (with_samples)
                        slow_us -= slow_us / SLOW_FADES;
                slow_us = took_us > slow_us ? took_us : slow_us;
                if (ok && with_samples)
                        sampled_us = round_us;
                int64_t due_us =
                    ok ? tidy(s, w, sampled_us + samples_every_us(slow_us)) : now_us() + RETRY_US;
                wait_until(s, due_us, !ok);
        }
        finish(s, w);
        writer_close(w);
        return NULL;
}

/* ---- The caller's side ---- */

/* No signal and no real-time priority of the caller's reaches the writer. */
static bool start_thread(struct store *s)
{
        const struct sched_param plain = {.sched_priority = 0};
        sigset_t all, before;
        pthread_attr_t attr;

        pthread_attr_init(&attr);
        pthread_attr_setinheritsched(&attr, PTHREAD_EXPLICIT_SCHED);
        pthread_attr_setschedpolicy(&attr, SCHED_OTHER);
        pthread_attr_setschedparam(&attr, &plain);
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before);
        s->has_thread = pthread_create(&s->thread, &attr, write_records, s) == 0;
        pthread_sigmask(SIG_SETMASK, &before, NULL);
        pthread_attr_destroy(&attr);
        if (s->has_thread)
                pthread_setname_np(s->thread, "store");
        return s->has_thread;
}

static void init_lock(struct store *s)
{
        pthread_mutexattr_t attr;

        pthread_mutexattr_init(&attr);
        pthread_mutexattr_setprotocol(&attr, PTHREAD_PRIO_INHERIT);
        pthread_mutex_init(&s->mutex, &attr);
        pthread_mutexattr_destroy(&attr);
        pthread_cond_init(&s->opened, NULL);
}

static bool copy_config(struct store *s, const struct store_config *config)
{
        s->config = *config;
        s->config.path = s->path = strdup(config->path);
        s->config.tool_text = s->tool_text = strdup(config->tool_text);
        s->config.tool_sha256 = s->tool_sha256 = strdup(config->tool_sha256);
        s->config.version = s->version = strdup(config->version);
        return s->path != NULL && s->tool_text != NULL && s->tool_sha256 != NULL && s->version != NULL;
}

static void free_store(struct store *s)
{
        runcopies_release(
            &s->copies, s->copies.head - atomic_load_explicit(&s->copies.tail, memory_order_relaxed));
        recq_free(s->queue);
        inputq_free(s->inputs);
        if (s->wake_fd >= 0)
                close(s->wake_fd);
        if (s->notify_fd >= 0)
                close(s->notify_fd);
        free(s->path);
        free(s->tool_text);
        free(s->tool_sha256);
        free(s->version);
        pthread_cond_destroy(&s->opened);
        pthread_mutex_destroy(&s->mutex);
        free(s);
}

struct store *store_open(const struct store_config *config)
{
        assert(config->path != NULL && config->tool != NULL);
        struct store *s = calloc(1, sizeof *s);

        if (s == NULL)
                return NULL;
        init_lock(s);
        s->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        s->notify_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        s->queue = recq_new(config->records_max > 0 ? config->records_max : RECQ_RECORDS_DEFAULT,
            config->samples_max > 0 ? config->samples_max : RECQ_SAMPLES_DEFAULT);
        s->inputs = inputq_new(config->inputs_max > 0 ? config->inputs_max : INPUTQ_BYTES_DEFAULT);
        if (!copy_config(s, config) || s->queue == NULL || s->inputs == NULL || s->wake_fd < 0 ||
            s->notify_fd < 0) {
                free_store(s);
                return NULL;
        }
        s->state.next_run_id = 1;
        if (!start_thread(s)) {
                tell_disk(s, "no thread for its writer could be started");
                return s;
        }
        pthread_mutex_lock(&s->mutex);
        while (!s->is_decided)
                pthread_cond_wait(&s->opened, &s->mutex);
        pthread_mutex_unlock(&s->mutex);
        return s;
}

void store_close(struct store *s)
{
        if (s == NULL)
                return;
        if (s->has_thread) {
                atomic_store(&s->is_closing, true);
                ring(s->wake_fd);
                pthread_join(s->thread, NULL);
        }
        free_store(s);
}

static bool refuse(struct store *s, const struct record *r)
{
        atomic_fetch_add(r->kind == RECORD_SAMPLE ? &s->refused_samples : &s->refused_records, 1);
        return false;
}

static void wake_writer(struct store *s)
{
        if (!atomic_exchange(&s->is_rung, true))
                ring(s->wake_fd);
}

static bool post_record(struct store *s, const struct record *r)
{
        bool is_start = r->kind == RECORD_RUN_START;

        if (is_start && !runcopies_push(&s->copies, r->u.run.recipe)) {
                set_overrun(s, true);
                return refuse(s, r);
        }
        bool is_taken = recq_push(s->queue, r);
        if (is_start && !is_taken)
                runcopies_unpush(&s->copies);
        if (!is_taken || recq_records(s->queue) > recq_records_max(s->queue) / 4 * 3)
                set_overrun(s, true);
        wake_writer(s);
        return is_taken;
}

bool store_post(struct store *s, const struct record *r)
{
        assert(s != NULL && r != NULL);
        if (!atomic_load(&s->is_open))
                return refuse(s, r);
        if (r->kind != RECORD_SAMPLE)
                return post_record(s, r);
        assert(r->u.sample.tag >= 0 && r->u.sample.tag < s->config.tool->tag_count);
        return recq_push(s->queue, r);
}

bool store_post_input(struct store *s, const struct tape_piece *piece)
{
        assert(s != NULL && piece != NULL);
        bool is_taken = atomic_load(&s->is_open) && inputq_push(s->inputs, piece);

        if (!is_taken && piece->kind != TAPE_GAP) /* which is offered again and again */
                atomic_fetch_add(&s->refused_records, 1);
        if (atomic_load(&s->is_open) && (!is_taken || inputq_used(s->inputs) > inputq_max(s->inputs) / 4 * 3))
                set_overrun(s, true);
        if (piece->kind != TAPE_EVENTS || inputq_used(s->inputs) > inputq_max(s->inputs) / 2)
                wake_writer(s);
        return is_taken;
}

void store_get_state(struct store *s, struct store_state *out)
{
        quiet(s->notify_fd);
        pthread_mutex_lock(&s->mutex);
        *out = s->state;
        out->queued = (size_t)recq_records(s->queue) + recq_samples(s->queue);
        pthread_mutex_unlock(&s->mutex);
        out->dropped += recq_dropped(s->queue) + atomic_load(&s->refused_samples);
        out->records_lost = recq_lost(s->queue) + atomic_load(&s->refused_records);
}

void store_get_counts(const struct store *s, struct counts *out)
{
        *out = s->counts; /* written before store_open() returned */
}

int store_fd(const struct store *s)
{
        return s->notify_fd;
}
