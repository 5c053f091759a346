/* What keeps edges on time on a machine that does other things: the links' workers run at a real-time priority, the loop
 * that hands pulses over just below them, and the memory that they use stays. What is not allowed is no reason to refuse
 * the tool: it is told. */
#ifndef ALD_BUS_REALTIME_H
#define ALD_BUS_REALTIME_H

#include <pthread.h> /* pthread_t */
#include <stdbool.h> /* bool */

struct text;

struct realtime {
        bool is_asked;
        int worker, loop;             /* priorities of SCHED_FIFO, 0 = not allowed */
        bool is_locked;               /* memory */
        int fifo_errno, memory_errno; /* why not */
};

/* Below the 50 of a kernel's interrupt threads, which bring the replies. */
enum { REALTIME_PRIORITY = 40 };
/* A real-time thread that computes so long without waiting once is a bug that would hang the machine: the process gets
 * SIGXCPU, and a second later SIGKILL. */
enum { REALTIME_RUNAWAY_S = 2 };

/* Find out what is allowed and keep the memory: once, in main, before there are threads. Not `is_asked`: nothing is done. */
void realtime_begin(struct realtime *rt, bool is_asked);
/* Give a thread a priority; threads that it starts have none of it. 0: leave it as it is. */
bool realtime_raise(pthread_t thread, int priority);
/* Have the pages of this thread's stack ready. */
void realtime_touch_stack(void);
/* All that was asked for is so. */
bool realtime_is_whole(const struct realtime *rt);
/* One line for the log: what is so, what is not, and what would allow it. */
void realtime_describe(struct text *t, const struct realtime *rt, int links);

#endif
