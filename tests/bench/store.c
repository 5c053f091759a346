/* What keeping samples costs: a day's load, or an hour of it, goes through the daemon's own writer as fast as that takes
 * it, with the times and the batches of a second that it would have.
 *
 * Usage: store PATH HOURS [TAGS [RATE [tidy]]]. PATH is made anew. With `tidy` samples are kept for a day only, and are
 * older than that: each is removed again. */
#include "ald/base/text.h"    /* text_init */
#include "ald/base/time.h"    /* TIME_S */
#include "ald/base/unit.h"    /* unit_find */
#include "ald/core/inputq.h"  /* inputq_new */
#include "ald/core/recq.h"    /* recq_push */
#include "ald/store/writer.h" /* writer_write */

#include <inttypes.h> /* PRId64 */
#include <math.h>     /* sin */
#include <signal.h>   /* signal */
#include <stdio.h>    /* printf */
#include <stdlib.h>   /* exit, strtol */
#include <string.h>   /* strstr */
#include <sys/stat.h> /* stat */
#include <time.h>     /* clock_gettime */
#include <unistd.h>   /* unlink */

/* 2026-01-01T00:00:00Z */
#define BEGIN_US INT64_C(1767225600000000)

struct load {
        struct tool tool;
        int tags, rate; /* samples a second of each */
        struct recq *queue;
        struct inputq *inputs;
        struct runcopies copies;
        struct writer *writer;
        int64_t pushed;
        double worst_s; /* longest time in one second's commit, on the clock */
};

static volatile sig_atomic_t is_interrupted;

static void interrupt(int number)
{
        (void)number;
        is_interrupted = 1;
}

static double clock_s(clockid_t id)
{
        struct timespec t;

        clock_gettime(id, &t);
        return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void fail(const char *what, const char *why)
{
        fprintf(stderr, "%s: %s\n", what, why);
        exit(1);
}

/* Bytes that this process has had written to the disk. */
static int64_t written_bytes(void)
{
        char text[512] = "";
        FILE *f = fopen("/proc/self/io", "r");

        if (f == NULL)
                return 0;
        size_t len = fread(text, 1, sizeof text - 1, f);
        (void)fclose(f);
        text[len] = '\0';
        const char *at = strstr(text, "\nwrite_bytes: ");
        return at == NULL ? 0 : strtoll(at + 14, NULL, 10);
}

static int64_t file_bytes(const char *path, const char *suffix)
{
        char name[512];
        struct stat st;

        snprintf(name, sizeof name, "%s%s", path, suffix);
        return stat(name, &st) == 0 ? (int64_t)st.st_size : 0;
}

static void make_tool(struct load *l)
{
        l->tool.tag_count = l->tags;
        for (int i = 0; i < l->tags; i++) {
                snprintf(l->tool.tags[i].name, sizeof l->tool.tags[i].name, "tag.%03d", i);
                l->tool.tags[i].unit = unit_find("Torr");
        }
}

/* One second's samples: each tag at its rate, somewhere in its interval, as polls come. */
static void push_second(struct load *l, int64_t second)
{
        for (int n = 0; n < l->rate; n++)
                for (int tag = 0; tag < l->tags; tag++) {
                        int64_t t_us =
                            BEGIN_US + second * TIME_S + n * TIME_S / l->rate + tag * 31 + rand() % 29;
                        struct record r = {.kind = RECORD_SAMPLE};

                        r.u.sample = (struct record_sample){.tag = (int16_t)tag,
                            .t_us = t_us,
                            .value = 2.3 + sin((double)second / 60.0 + tag) + 0.002 * (rand() % 1000)};
                        if (!recq_push(l->queue, &r))
                                fail("queue", "full");
                        l->pushed++;
                }
}

static void write_second(struct load *l, int64_t second)
{
        char why[192] = "";
        struct text t;
        double begun_s = clock_s(CLOCK_MONOTONIC);

        text_init(&t, why, sizeof why);
        while (recq_samples(l->queue) > 0) {
                struct writer_batch batch = {.samples = recq_samples(l->queue)};

                if (!writer_write(l->writer, l->queue, l->inputs, &l->copies, &batch, &t))
                        fail("write", why);
                recq_release_samples(l->queue, batch.samples);
        }
        if (!writer_checkpoint(l->writer, second * TIME_S, &t))
                fail("checkpoint", why);
        bool more = l->tool.history.samples_us > 0;
        while (more)
                if (!writer_tidy(l->writer, &more, &t))
                        fail("tidy", why);
        l->worst_s = fmax(l->worst_s, clock_s(CLOCK_MONOTONIC) - begun_s);
}

static struct writer *open_writer(const struct store_config *config)
{
        struct writer_found found;
        char why[192] = "";
        struct text t;

        text_init(&t, why, sizeof why);
        (void)unlink(config->path);
        struct writer *w = writer_open(config, &found, &t);
        if (w == NULL)
                fail(config->path, why);
        return w;
}

static void report(const struct load *l, const char *path, double seconds, double cpu_s, double took_s)
{
        int64_t bytes = file_bytes(path, "");
        double written = (double)written_bytes();

        printf("fed       %.0f s of %d tags at %d Hz, %" PRId64 " samples, in %.1f s: %.0f samples/s\n",
            seconds, l->tags, l->rate, l->pushed, took_s, (double)l->pushed / took_s);
        printf("kept      %" PRId64 ", left out or lost %" PRId64 "\n", writer_samples(l->writer),
            l->pushed - writer_samples(l->writer) + recq_dropped(l->queue));
        printf(
            "CPU       %.2f %% of a core (%.2f ms a second)\n", cpu_s / seconds * 100, cpu_s / seconds * 1e3);
        printf("commit    %.1f ms at worst, with its fsync and checkpoint\n", l->worst_s * 1e3);
        printf("disk      %.1f bytes a sample with rollups, %.2f GB a day; log %.1f MiB\n",
            (double)bytes / (double)l->pushed, (double)bytes / seconds * 86400 / 1e9,
            (double)file_bytes(path, "-wal") / 1048576.0);
        printf("written   %.0f KB a second, %.1f GB a day\n", written / seconds / 1e3,
            written / seconds * 86400 / 1e9);
}

int main(int argc, char **argv)
{
        static struct load l;
        int64_t seconds, i;

        if (argc < 3)
                fail("usage", "store PATH HOURS [TAGS [RATE [tidy]]]");
        seconds = (int64_t)(strtod(argv[2], NULL) * 3600);
        l.tags = argc > 3 ? (int)strtol(argv[3], NULL, 10) : 50;
        l.rate = argc > 4 ? (int)strtol(argv[4], NULL, 10) : 1000 / l.tags;
        if (seconds < 1 || l.tags < 1 || l.tags > TOOL_TAGS_MAX || l.rate < 1)
                fail("usage", "HOURS above 0, TAGS from 1 to 256, RATE from 1 on");
        make_tool(&l);
        if (argc > 5)
                l.tool.history.samples_us = 24 * TIME_H;
        struct store_config config = {
            .path = argv[1], .tool = &l.tool, .tool_text = "", .tool_sha256 = "", .version = "bench"};
        l.queue = recq_new(RECQ_RECORDS_DEFAULT, RECQ_SAMPLES_DEFAULT);
        l.inputs = inputq_new(INPUTQ_BYTES_DEFAULT);
        l.writer = open_writer(&config);

        double cpu_s = clock_s(CLOCK_PROCESS_CPUTIME_ID), begun_s = clock_s(CLOCK_MONOTONIC), fed_s = 0;
        signal(SIGINT, interrupt); /* what was fed until then is told */
        for (i = 0; i < seconds && !is_interrupted; i++) {
                double before_s = clock_s(CLOCK_PROCESS_CPUTIME_ID);

                push_second(&l, i);
                fed_s += clock_s(CLOCK_PROCESS_CPUTIME_ID) - before_s; /* ours, not the writer's */
                write_second(&l, i);
                if (i % 3600 == 3599)
                        fprintf(stderr, "\r%d of %g h", (int)(i / 3600) + 1, (double)seconds / 3600);
        }
        fputc('\n', stderr);
        cpu_s = clock_s(CLOCK_PROCESS_CPUTIME_ID) - cpu_s - fed_s;
        double took_s = clock_s(CLOCK_MONOTONIC) - begun_s;
        report(&l, argv[1], (double)i, cpu_s, took_s);
        writer_close(l.writer);
        recq_free(l.queue);
        inputq_free(l.inputs);
        return 0;
}
