/* Notes when the machine stands still: on each core a thread that sleeps 1 ms and looks how late it wakes. With the
 * highest real-time priority, where that is allowed, only the machine itself can be late. Until SIGTERM; then it prints
 * "fifo 0|1" and "stall CORE DUE_US UNTIL_US" for each. */
#include <inttypes.h> /* PRId64 */
#include <pthread.h>  /* pthread_create */
#include <sched.h>    /* SCHED_FIFO */
#include <signal.h>   /* sigwait */
#include <stdbool.h>  /* bool */
#include <stdio.h>    /* printf */
#include <stdlib.h>   /* calloc */
#include <sys/mman.h> /* mlockall */
#include <time.h>     /* clock_nanosleep */
#include <unistd.h>   /* sysconf */

enum { CORES_MAX = 256, STALLS_MAX = 100000, PERIOD_US = 1000, LATE_US = 500, PRIORITY = 98 };

struct stall {
        int64_t due_us, until_us;
};

static struct core {
        struct stall *stalls;
        int count;
} cores[CORES_MAX];
static volatile sig_atomic_t is_over;
static bool is_fifo;

static int64_t now_us(void)
{
        struct timespec t;

        clock_gettime(CLOCK_MONOTONIC, &t);
        return t.tv_sec * INT64_C(1000000) + t.tv_nsec / 1000;
}

static void *watch(void *arg)
{
        struct core *core = arg;
        int64_t due_us = now_us();

        while (!is_over) {
                struct timespec t;
                int64_t woke_us;

                due_us += PERIOD_US;
                t = (struct timespec){.tv_sec = due_us / 1000000, .tv_nsec = due_us % 1000000 * 1000};
                clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
                woke_us = now_us();
                if (woke_us - due_us <= LATE_US)
                        continue;
                if (core->count < STALLS_MAX)
                        core->stalls[core->count++] = (struct stall){due_us, woke_us};
                due_us = woke_us;
        }
        return NULL;
}

static bool start(pthread_t *thread, int number)
{
        pthread_attr_t attr;
        cpu_set_t set;

        cores[number].stalls = calloc(STALLS_MAX, sizeof(struct stall));
        CPU_ZERO(&set);
        CPU_SET(number, &set);
        pthread_attr_init(&attr);
        pthread_attr_setaffinity_np(&attr, sizeof set, &set);
        return cores[number].stalls != NULL && pthread_create(thread, &attr, watch, &cores[number]) == 0;
}

int main(void)
{
        struct sched_param param = {.sched_priority = PRIORITY};
        long count = sysconf(_SC_NPROCESSORS_ONLN);
        pthread_t threads[CORES_MAX];
        bool is_started[CORES_MAX] = {false};
        sigset_t ends;
        int which;

        sigemptyset(&ends);
        sigaddset(&ends, SIGTERM);
        sigaddset(&ends, SIGINT);
        pthread_sigmask(SIG_BLOCK, &ends, NULL);
        is_fifo = sched_setscheduler(0, SCHED_FIFO, &param) == 0; /* the threads inherit it */
        if (is_fifo)
                (void)mlockall(MCL_CURRENT | MCL_FUTURE);
        for (int i = 0; i < count && i < CORES_MAX; i++)
                is_started[i] = start(&threads[i], i); /* a core that we may not use has no thread */
        sigwait(&ends, &which);
        is_over = 1;
        printf("fifo %d\n", is_fifo);
        for (int i = 0; i < count && i < CORES_MAX; i++) {
                if (!is_started[i])
                        continue;
                pthread_join(threads[i], NULL);
                for (int k = 0; k < cores[i].count; k++)
                        printf("stall %d %" PRId64 " %" PRId64 "\n", i, cores[i].stalls[k].due_us,
                            cores[i].stalls[k].until_us);
        }
        return 0;
}
