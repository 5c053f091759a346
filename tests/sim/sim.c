/* The fault simulation as a program (make sim): many seeds over some processes, or one with its transcript.
 *
 *     build/tests/sim --seeds 500 [--first 1] [--jobs 2] [--minutes 10]
 *     build/tests/sim --list tests/sim/seeds.txt     the seeds that ever failed, and after # why
 *     build/tests/sim --drills                       what chance seldom brings together (drill.h); --drill 3: one of them
 *     build/tests/sim --seed 17 [--verbose] [--wire] [--from S] [--to S]
 *
 * `--timed` has the water valve on a module that times pulses itself. `--mutant N` in the program with the
 * mutants (make mutants): the safety code with that one broken on purpose; with `--until-breach` a seed ends at the first breach.
 *
 * A process that dies (an assert of the product) fails the seed it was at; the others go on. The hash at the end is over the
 * hashes of all seeds in their order: it must be the same under gcc and clang, at any -O, with and without sanitizers
 * (tests/sim/determinism.sh). Run from the top of the source tree. */
#include "drill.h"
#include "mutant.h"
#include "swarm.h"
#include "tale.h"

#include "ald/base/time.h" /* TIME_S, TIME_MS */

#include <errno.h>    /* errno */
#include <inttypes.h> /* PRIx64 */
#include <poll.h>     /* poll */
#include <stdio.h>    /* printf */
#include <stdlib.h>   /* strtoll, calloc */
#include <string.h>   /* strcmp */
#include <sys/wait.h> /* waitpid */
#include <time.h>     /* clock_gettime */
#include <unistd.h>   /* fork, pipe */

enum { JOBS_MAX = 16 };

struct options {
        uint64_t seed, first, count;
        const char *list;
        int jobs, drill;
        int64_t minutes;
        bool one, verbose, wire, quiet, calm, until_breach, drills, timed;
        double from_s, to_s;
};

struct run {
        struct options options;
        struct swarm_kit kit;
        uint64_t *seeds;
        size_t count;
        struct swarm_result total;
        uint64_t *hashes;
        size_t passed, failed, done;
        double begun_s, told_s;
};

/* 8 of 10 minutes are the safety phase; how long recovery takes is for the tool to say. */
static int64_t safety_us(const struct options *o)
{
        return o->minutes * TIME_MIN / 10 * 8;
}

static double now_s(void)
{
        struct timespec ts;

        clock_gettime(CLOCK_MONOTONIC, &ts);
        return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* ---- one seed, told ---- */

static void on_note(void *ctx, const struct world_note *n)
{
        tale_note(ctx, n);
}

static void on_word(void *ctx, int64_t t_us, const char *text)
{
        tale_say(ctx, t_us, text);
}

static void tell_seed(struct run *run, uint64_t seed, int64_t from_us, int64_t to_us, bool wire)
{
        struct tale tale = {
            .out = stdout, .with_wire = wire, .from_us = from_us, .to_us = to_us, .tool = run->kit.tool[1]};
        struct swarm_config config = {.kit = &run->kit,
            .seed = seed,
            .safety_us = safety_us(&run->options),
            .drill = run->options.drills ? (int)seed : run->options.drill,
            .see = on_note,
            .ctx = &tale,
            .say = on_word};
        struct swarm_result *result = calloc(1, sizeof *result);

        if (result != NULL)
                swarm_run(&config, result);
        free(result);
        fflush(stdout);
}

/* What its number is the number of. */
static const char *kind_of(const struct options *o)
{
        return o->drills || o->drill > 0 ? "drill" : "seed";
}

static void tell_breach(struct run *run, const struct swarm_result *r)
{
        int64_t t_us = r->first.t_us;

        printf("\n%s %" PRIu64 ": %s is broken at %.6f s: %s\n", kind_of(&run->options), r->seed, r->first_id,
            (double)t_us / 1e6, r->first.text);
        if (run->options.quiet)
                return;
        printf("the last of it:\n");
        fflush(stdout);
        tell_seed(run, r->seed, t_us - 2 * TIME_S, t_us, false);
        printf("again: build/tests/sim --%s %" PRIu64 " --minutes %" PRId64 "%s --verbose\n",
            kind_of(&run->options), r->seed, run->options.minutes, run->options.timed ? " --timed" : "");
        fflush(stdout);
}

static int run_one(struct run *run)
{
        const struct options *o = &run->options;
        struct swarm_result *r = calloc(1, sizeof *r);
        struct swarm_config config = {.kit = &run->kit,
            .seed = o->seed,
            .safety_us = safety_us(o),
            .until_breach = o->until_breach,
            .drill = o->drill};
        double begun_s, took_s;
        int status;

        /* First, for who looks at a seed in which the process dies. */
        if (o->verbose)
                tell_seed(run, o->seed, (int64_t)(o->from_s * 1e6), (int64_t)(o->to_s * 1e6), o->wire);
        begun_s = now_s();
        if (r == NULL || !swarm_run(&config, r))
                return EXIT_FAILURE;
        took_s = now_s() - begun_s;
        if (r->breaches > 0)
                tell_breach(run, r);
        printf("%s %" PRIu64 ": %s, %.0f s in %.2f s, recovered in %.0f s, hash %016" PRIx64 "\n", kind_of(o),
            o->seed, r->breaches > 0 ? "FAILED" : "passed", (double)r->virtual_us / 1e6, took_s,
            (double)r->alive_us / 1e6, r->hash);
        status = r->breaches > 0 ? EXIT_FAILURE : EXIT_SUCCESS;
        free(r);
        return status;
}

/* ---- many seeds: children that take every jobs-th ---- */

/* What goes through the pipe: the index of a seed, first as it begins, then with its result. */
struct message {
        size_t at;
        bool is_done;
        struct swarm_result result;
};

struct child {
        pid_t pid;
        int fd;
        size_t at; /* index of the seed under way */
        bool is_over;
};

static void put(int fd, const struct message *m)
{
        const char *p = (const char *)m;
        size_t left = sizeof *m;

        while (left > 0) {
                ssize_t n = write(fd, p, left);

                if (n <= 0)
                        _exit(EXIT_FAILURE);
                p += n;
                left -= (size_t)n;
        }
}

static bool get(int fd, struct message *m)
{
        char *p = (char *)m;
        size_t left = sizeof *m;

        while (left > 0) {
                ssize_t n = read(fd, p, left);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n <= 0)
                        return false;
                p += n;
                left -= (size_t)n;
        }
        return true;
}

/* R3, by comparison: a second world in which the wall clock's steps are drawn and not made. Every output does the same at the
 * same time. For one seed in eight of those that have such steps. */
static void compare_clocks(const struct swarm_config *config, struct swarm_result *r)
{
        struct swarm_config still = *config;
        struct swarm_result *other;

        if (r->faults[SWARM_CLOCK] == 0 || r->seed % 8 != 0 || r->breaches > 0)
                return;
        other = calloc(1, sizeof *other);
        still.still_clock = true;
        if (other != NULL && swarm_run(&still, other) && other->outputs != r->outputs) {
                r->breaches++;
                snprintf(r->first_id, sizeof r->first_id, "R3");
                snprintf(
                    r->first.text, sizeof r->first.text, "steps of the wall clock changed what outputs did");
        }
        free(other);
}

static void work(struct run *run, size_t from, int fd)
{
        static struct message m;

        for (size_t i = from; i < run->count; i += (size_t)run->options.jobs) {
                struct swarm_config config = {.kit = &run->kit,
                    .seed = run->seeds[i],
                    .safety_us = safety_us(&run->options),
                    .drill = run->options.drills ? (int)run->seeds[i] : 0};

                memset(&m, 0, sizeof m);
                m.at = i;
                put(fd, &m);
                if (!swarm_run(&config, &m.result))
                        _exit(EXIT_FAILURE);
                compare_clocks(&config, &m.result);
                m.is_done = true;
                put(fd, &m);
        }
        _exit(EXIT_SUCCESS);
}

static bool start(struct run *run, struct child *c, size_t from)
{
        int fds[2];

        fflush(stdout);
        c->is_over = from >= run->count;
        if (c->is_over)
                return true;
        if (pipe(fds) != 0)
                return false;
        c->pid = fork();
        if (c->pid < 0)
                return false;
        if (c->pid == 0) {
                close(fds[0]);
                work(run, from, fds[1]);
        }
        close(fds[1]);
        c->fd = fds[0];
        c->at = from;
        return true;
}

static void add(struct swarm_result *to, const struct swarm_result *r)
{
        to->virtual_us += r->virtual_us;
        to->notes += r->notes;
        to->alive_us = r->alive_us > to->alive_us ? r->alive_us : to->alive_us;
        closes_add(&to->closes, &r->closes);
        for (int i = 0; i < SWARM_FAULTS; i++)
                to->faults[i] += r->faults[i];
        for (int i = 0; i < MACHINE_STATE_COUNT; i++)
                to->states[i] += r->states[i];
        for (int i = 0; i < SWARM_COUNTS; i++)
                to->counts[i] += r->counts[i];
}

static void tell_progress(struct run *run)
{
        double s = now_s();

        run->done++;
        if (run->options.quiet || s - run->told_s < 15)
                return;
        run->told_s = s;
        printf(
            "%zu of %zu seeds, %zu failed, %.0f s\n", run->done, run->count, run->failed, s - run->begun_s);
        fflush(stdout);
}

static void take(struct run *run, struct child *c, const struct message *m)
{
        c->at = m->at;
        if (!m->is_done)
                return;
        run->hashes[m->at] = m->result.hash;
        add(&run->total, &m->result);
        run->passed += m->result.breaches == 0;
        run->failed += m->result.breaches > 0;
        if (m->result.breaches > 0)
                tell_breach(run, &m->result);
        tell_progress(run);
}

/* It is at its end, or it died in a seed. */
static bool bury(struct run *run, struct child *c)
{
        int status = 0;

        close(c->fd);
        waitpid(c->pid, &status, 0);
        c->is_over = true;
        if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SUCCESS)
                return true;
        run->failed++;
        printf("\n%s %" PRIu64 ": the process died (%s %d)\nagain: build/tests/sim --%s %" PRIu64
               " --minutes %" PRId64 "%s --verbose\n",
            kind_of(&run->options), run->seeds[c->at], WIFSIGNALED(status) ? "signal" : "exit",
            WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status), kind_of(&run->options),
            run->seeds[c->at], run->options.minutes, run->options.timed ? " --timed" : "");
        tell_progress(run);
        return start(run, c, c->at + (size_t)run->options.jobs);
}

static bool run_all(struct run *run)
{
        static struct child children[JOBS_MAX];
        static struct message m;
        int jobs = run->options.jobs, left = jobs;

        for (int i = 0; i < jobs; i++)
                if (!start(run, &children[i], (size_t)i))
                        return false;
        while (left > 0) {
                struct pollfd fds[JOBS_MAX];

                left = 0;
                for (int i = 0; i < jobs; i++) {
                        fds[i] = (struct pollfd){
                            .fd = children[i].is_over ? -1 : children[i].fd, .events = POLLIN};
                        left += !children[i].is_over;
                }
                if (left > 0 && poll(fds, (nfds_t)jobs, -1) < 0 && errno != EINTR)
                        return false;
                for (int i = 0; i < jobs; i++) {
                        if (children[i].is_over || fds[i].revents == 0)
                                continue;
                        if (get(children[i].fd, &m))
                                take(run, &children[i], &m);
                        else if (!bury(run, &children[i]))
                                return false;
                }
        }
        return true;
}

/* ---- the summary ---- */

/* From so many simulated hours on everything must have happened. */
enum { HOURS_THAT_TELL = 40 };

static int tell_row(
    const char *what, const char *(*name)(int), const int32_t *n, int count, bool (*is_owed)(int))
{
        int missing = 0;

        printf("%s: ", what);
        for (int i = 0; i < count; i++)
                printf("%s%s %d", i > 0 ? ", " : "", name(i), n[i]);
        printf("\n");
        for (int i = 0; is_owed != NULL && i < count; i++) {
                if (n[i] > 0 || !is_owed(i))
                        continue;
                printf("MISSING: %s: %s never came\n", what, name(i));
                missing++;
        }
        return missing;
}

static const char *state_name(int state)
{
        return machine_state_name((enum machine_state)state);
}

static bool is_always_owed(int i)
{
        return i >= 0;
}

/* How late pulses close at their module (V3), by what befell them. */
static void tell_closes(const struct closes_result *r)
{
        printf("closes behind plan: ");
        for (int i = 0; i < CLOSES_CLASSES; i++) {
                printf("%s%s %" PRId64, i > 0 ? ", " : "", closes_class_name(i), r->count[i]);
                if (r->count[i] > 0)
                        printf(" (latest %+.1f ms, seed %" PRIu64 " at %.3f s; %" PRId64 " above %d ms)",
                            (double)r->latest_us[i] / 1e3, r->seed[i], (double)r->t_us[i] / 1e6, r->late[i],
                            (int)(CLOSES_LATE_US / TIME_MS));
        }
        printf("\n");
}

static int summarize(struct run *run)
{
        double took_s = now_s() - run->begun_s, virtual_s = (double)run->total.virtual_us / 1e6;
        bool must = virtual_s >= HOURS_THAT_TELL * 3600.0 && !run->options.calm;
        uint64_t hash = UINT64_C(0xcbf29ce484222325);
        int missing = 0;

        for (size_t i = 0; i < run->count; i++)
                hash = random_mix(hash ^ run->hashes[i]);
        missing += tell_row(
            "faults", swarm_fault_name, run->total.faults, SWARM_FAULTS, must ? is_always_owed : NULL);
        missing += tell_row(
            "states", state_name, run->total.states, MACHINE_STATE_COUNT, must ? is_always_owed : NULL);
        missing += tell_row(
            "came to", swarm_count_name, run->total.counts, SWARM_COUNTS, must ? swarm_count_is_owed : NULL);
        tell_closes(&run->total.closes);
        printf("%zu seeds, %.1f simulated hours, %.0f virtual s per s, %.1f million notes, slowest recovery "
               "%.0f s, %.0f s\n",
            run->count, virtual_s / 3600, virtual_s / took_s, (double)run->total.notes / 1e6,
            (double)run->total.alive_us / 1e6, took_s);
        printf("hash %016" PRIx64 "\n", hash);
        printf("%zu passed, %zu failed\n", run->passed, run->failed + (size_t)missing);
        return run->failed == 0 && missing == 0 && run->passed == run->count ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* ---- options ---- */

static bool read_list(struct run *run)
{
        FILE *f = fopen(run->options.list, "r");
        char line[512];
        size_t room = 4096;

        run->seeds = calloc(room, sizeof run->seeds[0]);
        if (f == NULL || run->seeds == NULL) {
                fprintf(stderr, "%s cannot be read\n", run->options.list);
                return false;
        }
        while (fgets(line, sizeof line, f) != NULL && run->count < room) {
                char *end;
                uint64_t seed = strtoull(line, &end, 10);

                if (end != line)
                        run->seeds[run->count++] = seed;
        }
        fclose(f);
        return true;
}

static bool list_seeds(struct run *run)
{
        if (run->options.list != NULL)
                return read_list(run);
        run->count = run->options.drills ? (size_t)drill_count() : run->options.count;
        run->seeds = calloc(run->count > 0 ? run->count : 1, sizeof run->seeds[0]);
        for (size_t i = 0; run->seeds != NULL && i < run->count; i++)
                run->seeds[i] = run->options.first + i;
        return run->seeds != NULL;
}

static int usage(void)
{
        fprintf(stderr,
            "usage: sim --seeds N [--first N] [--jobs N] [--minutes N] [--quiet]\n"
            "       sim --list FILE [--jobs N] [--minutes N] [--quiet]\n"
            "       sim --seed N [--minutes N] [--verbose [--wire] [--from S] [--to S]] [--until-breach]\n"
            "       sim --drills [--jobs N]; sim --drill N, as with --seed\n"
            "       [--timed] with each of them: the water valve's module times its pulses itself\n"
            "       [--mutant N] with each of them, in the program that has mutants\n"
            "       sim --checkers\n");
        return 2;
}

static int list_checkers(void)
{
        size_t n;
        const struct check *all = check_table(&n);

        for (size_t i = 0; i < n; i++)
                printf("%-3s %s\n      %s\n", all[i].id, all[i].what, all[i].limit);
        return EXIT_SUCCESS;
}

static bool read_flag(struct options *o, const char *word)
{
        if (strcmp(word, "--verbose") == 0)
                o->verbose = true;
        else if (strcmp(word, "--wire") == 0)
                o->wire = true;
        else if (strcmp(word, "--drills") == 0)
                o->drills = true;
        else if (strcmp(word, "--timed") == 0)
                o->timed = true;
        else if (strcmp(word, "--until-breach") == 0)
                o->until_breach = true;
        else if (strcmp(word, "--quiet") == 0)
                o->quiet = true;
        else
                return false;
        return true;
}

static bool read_value(struct options *o, const char *word, const char *value)
{
        char *end;
        double number = strtod(value, &end);

        if (strcmp(word, "--list") == 0) {
                o->list = value;
                return true;
        }
        if (*end != '\0' || end == value || number < 0)
                return false;
        if (strcmp(word, "--seed") == 0) {
                o->one = true;
                o->seed = strtoull(value, NULL, 10);
        } else if (strcmp(word, "--seeds") == 0) {
                o->count = strtoull(value, NULL, 10);
        } else if (strcmp(word, "--first") == 0) {
                o->first = strtoull(value, NULL, 10);
        } else if (strcmp(word, "--jobs") == 0) {
                o->jobs = (int)number;
        } else if (strcmp(word, "--minutes") == 0) {
                o->minutes = (int64_t)number;
        } else if (strcmp(word, "--drill") == 0 && number >= 1 && number <= drill_count()) {
                o->one = true;
                o->drill = (int)number;
                o->seed = (uint64_t)number;
        } else if (strcmp(word, "--mutant") == 0 && number <= mutant_count) {
                mutant_now = (int)number;
        } else if (strcmp(word, "--from") == 0) {
                o->from_s = number;
        } else if (strcmp(word, "--to") == 0) {
                o->to_s = number;
        } else {
                return false;
        }
        return true;
}

static bool read_options(struct options *o, int argc, char **argv)
{
        *o = (struct options){.first = 1, .jobs = 2, .minutes = 10, .to_s = 1e12};
        for (int i = 1; i < argc; i++) {
                if (read_flag(o, argv[i]))
                        continue;
                if (i + 1 == argc || !read_value(o, argv[i], argv[i + 1]))
                        return false;
                i++;
        }
        return o->jobs >= 1 && o->jobs <= JOBS_MAX && o->minutes >= 1 &&
               (o->one || o->count > 0 || o->list != NULL || o->drills);
}

int main(int argc, char **argv)
{
        static struct run run;
        int status;

        if (argc == 2 && strcmp(argv[1], "--checkers") == 0)
                return list_checkers();
        if (!read_options(&run.options, argc, argv))
                return usage();
        if (!swarm_kit_load(&run.kit, run.options.timed))
                return EXIT_FAILURE;
        run.begun_s = run.told_s = now_s();
        if (run.options.one) {
                status = run_one(&run);
        } else if (list_seeds(&run)) {
                run.hashes = calloc(run.count > 0 ? run.count : 1, sizeof run.hashes[0]);
                status = run.hashes != NULL && run_all(&run) ? summarize(&run) : EXIT_FAILURE;
        } else {
                status = EXIT_FAILURE;
        }
        free(run.hashes);
        free(run.seeds);
        swarm_kit_free(&run.kit);
        return status;
}
