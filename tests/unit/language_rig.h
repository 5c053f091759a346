/* Recipes beyond set, wait, pulse and purge, on a tool that has every word of the language. */
#ifndef TESTS_UNIT_LANGUAGE_RIG_H
#define TESTS_UNIT_LANGUAGE_RIG_H

#include "one_scenario.h"

#define TOOL "tests/table/tool-sentences.yaml"
#define HEAD "format: 1\nrecipe: words\ntitle: t\ntool: sentences\n"
/* What a niobium pulse asks for: flow, and a line hotter than its source. */
#define WARM                                                                                                 \
        "    - set: {carrier.flow: 20 sccm, nb.line.temperature: 130 degC, nb.temperature: 100 degC}\n"      \
        "    - wait: 60 s\n"
#define FINALLY "finally:\n  - purge: 1 s\n"
#define EXPOSE                                                                                               \
        "    - expose: {flow: 0 sccm, close_below: 500 mTorr, limit: 3 Torr, at_most: 70 s}\n"               \
        "      do:\n        - repeat: 3\n          do: [{pulse: nb, for: 1 s}, {wait: 12 s}]\n"              \
        "    - purge: 10 s\n    - pulse: water\n      for: 100 ms\n    - purge: 10 s\n"
#define EXPOSING HEAD "phases:\n  coat:\n" WARM EXPOSE FINALLY
#define LEAKING                                                                                              \
        HEAD "phases:\n  check:\n    - set: {carrier.flow: 20 sccm, n2.flow: 5 sccm}\n    - wait: 5 s\n"     \
             "    - leak_check: {for: 1 min, limit: 2 mTorr/min}\n    - wait: 10 s\n" FINALLY

static inline void setup_words(void)
{
        s = scenario_new_with(support_tool(TOOL), 0);
        scenario_await(s, MACHINE_STOPPED, 10 * TIME_S);
}

static inline void start(const char *text)
{
        recipe_free(s->recipe);
        s->recipe = support_recipe_text(s->tool, text, NULL, 0);
        ck_assert_int_eq(scenario_do(s, VERB_RUN), 0);
        scenario_await(s, MACHINE_EXECUTE, TIME_MIN);
}

static inline int ask(struct command c)
{
        int replies = s->replies;

        c.reply = 7;
        c.role = TOOL_ROLE_ENGINEER;
        c.uid = 1000; /* who started the run, and so has control */
        snprintf(c.user, sizeof c.user, "ann");
        virtual_command(s->v, &c);
        ck_assert_int_eq(s->replies, replies + 1);
        return s->reply.code;
}

static inline void leave_execute(int64_t within_us)
{
        int64_t limit = virtual_now(s->v) + within_us;

        while (scenario_state(s) == MACHINE_EXECUTE) {
                ck_assert_msg(virtual_now(s->v) < limit, "still in Execute");
                virtual_run(s->v, virtual_now(s->v) + TIME_MS);
        }
}

static inline bool logged(const char *words)
{
        for (int i = 0; i < s->event_count; i++)
                if (strstr(s->events[i].text, words) != NULL)
                        return true;
        return false;
}

#endif
