#include "bench/loop.h"

#include <inttypes.h> /* PRId64 */
#include <sched.h>    /* sched_setscheduler */
#include <stdio.h>    /* printf */
#include <stdlib.h>   /* atoi, calloc */
#include <string.h>   /* strcmp */
#include <sys/mman.h> /* mlockall */
#include <time.h>     /* clock_nanosleep */
#include <unistd.h>   /* getopt */

/* Above the kernel's own threads of this policy, below the instrument's. */
enum { PRIORITY = 60 };

static struct planned {
        int64_t open_us, width_us;
} * plan;
static int planned, planned_max;
static long long errors;

static void fail(const char *why)
{
        fprintf(stderr,
            "usage: loop -v VALVES_PORT -p PLANT_PORT -n COUNT -g GAP_US -w WIDTH_US [-w ...]\n"
            "            [-s same | -s other -o SLOW_PORT] [-f]\n%s\n",
            why);
        exit(2);
}

static void take_priority(void)
{
        struct sched_param param = {.sched_priority = PRIORITY};

        if (sched_setscheduler(0, SCHED_FIFO, &param) != 0 || mlockall(MCL_CURRENT | MCL_FUTURE) != 0) {
                perror("real-time priority");
                exit(1);
        }
}

static void take(struct loop *loop, int option, const char *value)
{
        if (option == 'v')
                loop->valves_port = atoi(value);
        else if (option == 'p')
                loop->plant_port = atoi(value);
        else if (option == 'n')
                loop->count = atoi(value);
        else if (option == 'g')
                loop->gap_us = atoll(value);
        else if (option == 'w' && loop->width_count < LOOP_WIDTHS_MAX)
                loop->width_us[loop->width_count++] = atoll(value);
        else if (option == 's')
                loop->slow = strcmp(value, "same") == 0 ? LOOP_SLOW_SAME : LOOP_SLOW_OTHER;
        else if (option == 'o')
                loop->slow_port = atoi(value);
        else if (option == 'f')
                loop->is_fifo = true;
        else
                fail("an option that it does not have");
}

void loop_begin(struct loop *loop, int argc, char **argv)
{
        int option;

        *loop = (struct loop){0};
        while ((option = getopt(argc, argv, "v:p:n:g:w:s:o:f")) != -1)
                take(loop, option, optarg);
        if (loop->valves_port <= 0 || loop->plant_port <= 0 || loop->count <= 0 || loop->width_count == 0)
                fail("ports, count and widths are missing");
        if (loop->slow == LOOP_SLOW_OTHER && loop->slow_port <= 0)
                fail("-s other takes a port with -o");
        planned_max = loop_total(loop);
        plan = calloc((size_t)planned_max, sizeof *plan);
        if (plan == NULL)
                fail("out of memory");
        for (int i = 0; i < planned_max; i++)
                plan[i].open_us = -1; /* its pages are there before the first pulse */
        if (loop->is_fifo)
                take_priority();
}

int64_t loop_now_us(void)
{
        struct timespec t;

        clock_gettime(CLOCK_MONOTONIC, &t);
        return t.tv_sec * INT64_C(1000000) + t.tv_nsec / 1000;
}

void loop_sleep_until(int64_t t_us)
{
        struct timespec t = {.tv_sec = t_us / 1000000, .tv_nsec = t_us % 1000000 * 1000};

        while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) != 0)
                continue;
}

int loop_total(const struct loop *loop)
{
        return loop->count * loop->width_count;
}

int64_t loop_width(const struct loop *loop, int pulse)
{
        return loop->width_us[pulse % loop->width_count];
}

void loop_plan(int64_t open_us, int64_t width_us)
{
        if (planned < planned_max)
                plan[planned++] = (struct planned){open_us, width_us};
}

void loop_error(void)
{
        errors++;
}

int loop_end(void)
{
        for (int i = 0; i < planned; i++)
                printf("pulse %" PRId64 " %" PRId64 "\n", plan[i].open_us, plan[i].width_us);
        printf("errors %lld\n", errors);
        free(plan);
        return fflush(stdout) == 0 ? 0 : 1;
}
