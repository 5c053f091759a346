/* The scenario of a program whose tests each have one, and what they ask of it by name. */
#ifndef TESTS_UNIT_ONE_SCENARIO_H
#define TESTS_UNIT_ONE_SCENARIO_H

#include "scenario.h"

static struct scenario *s;

static inline void setup(void)
{
        s = scenario_new(0);
        scenario_await(s, MACHINE_STOPPED, 10 * TIME_S);
}

static inline void teardown(void)
{
        scenario_free(s);
}

static inline double out(const char *name)
{
        return s->out[scenario_tag(s, name)];
}

static inline void feign(const char *name, double value)
{
        s->bad_tag = scenario_tag(s, name);
        s->bad_value = value;
}

static inline void check_reason(const char *words)
{
        ck_assert_msg(strstr(scenario_status(s).reason, words) != NULL, "the reason is '%s', not '%s'",
            scenario_status(s).reason, words);
}

/* Run until an output stands so on the wire. */
static inline void await_out(const char *name, double value, int64_t within_us)
{
        int64_t limit = virtual_now(s->v) + within_us;

        while (out(name) != value) {
                ck_assert_msg(virtual_now(s->v) < limit, "%s did not become %g", name, value);
                virtual_run(s->v, virtual_now(s->v) + TIME_MS);
        }
}

#endif
