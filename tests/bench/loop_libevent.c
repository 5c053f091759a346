/* What a lab writes next: libevent's timers, with libmodbus called from them. */
#include "bench/lab.h" /* lab_connect */

#include <event2/event.h> /* evtimer_new */
#include <stdlib.h>       /* exit */

static struct loop loop;
static struct lab *lab;
static struct event_base *base;
static struct event *edge;
static int pulse;
static int is_open;
static int64_t asked_us; /* for when the next edge was asked */

static void ask(int64_t after_us)
{
        struct timeval tv = {.tv_sec = after_us / 1000000, .tv_usec = after_us % 1000000};

        asked_us = loop_now_us() + after_us;
        evtimer_add(edge, &tv);
}

static void on_edge(evutil_socket_t fd, short what, void *arg)
{
        (void)fd, (void)what, (void)arg;
        if (!is_open && pulse == loop_total(&loop)) {
                event_base_loopbreak(base);
                return;
        }
        if (!is_open)
                loop_plan(asked_us, loop_width(&loop, pulse));
        /* The time is asked before the call: its answer must not lengthen the pulse. */
        ask(is_open ? loop.gap_us : loop_width(&loop, pulse));
        is_open = !is_open;
        pulse += !is_open;
        lab_drive(lab, is_open);
}

static void on_poll(evutil_socket_t fd, short what, void *arg)
{
        (void)fd, (void)what, (void)arg;
        lab_poll(lab);
}

int main(int argc, char **argv)
{
        struct timeval period = {.tv_usec = LOOP_GAUGE_US};
        struct event *poll;

        loop_begin(&loop, argc, argv);
        lab = lab_connect(&loop);
        base = event_base_new();
        edge = base == NULL ? NULL : evtimer_new(base, on_edge, NULL);
        poll = base == NULL ? NULL : event_new(base, -1, EV_PERSIST, on_poll, NULL);
        if (edge == NULL || poll == NULL)
                exit(1);
        event_add(poll, &period);
        ask(loop.gap_us);
        event_base_dispatch(base);
        return loop_end();
}
