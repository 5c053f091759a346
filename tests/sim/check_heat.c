/* H1, M1 and M2: heater power, motion, and precursor in a moving bed. */
#include "check.h"
#include "locks.h" /* lock_is_good */

#include "ald/base/time.h"   /* TIME_S */
#include "ald/core/recipe.h" /* struct recipe */

#include <math.h>   /* fabs */
#include <string.h> /* memset */

/* ---- H1 ---- */

/* SAFETY: a Good temperature younger than 3 s. A turn decides, and its write goes out. */
#define YOUNG_US INT64_C(3000000)
#define TURN_US  INT64_C(100000)

/* Neither its temperature nor the cut-out's "off" is young enough to heat on. */
static int64_t blind_since(const struct check_context *c, const struct tool_loop *loop)
{
        const struct seen *s = c->seen;
        int64_t since_us = SEEN_NEVER;
        const int tags[] = {loop->value, c->tool->over_temperature};

        for (int i = 0; i < 2; i++) {
                int64_t good_us;

                if (tags[i] < 0)
                        continue;
                good_us =
                    s->in[tags[i]].good_sent_us > s->begun_us ? s->in[tags[i]].good_sent_us : s->begun_us;
                if (s->now_us - good_us > YOUNG_US && good_us + YOUNG_US > since_us)
                        since_us = good_us + YOUNG_US;
        }
        return since_us;
}

static void see_heating(struct check_context *c, const struct world_note *n)
{
        int tag;
        double value;

        for (int i = 0; i < c->tool->loop_count; i++) {
                const struct tool_loop *loop = &c->tool->loops[i];
                const struct tool_tag *t = &c->tool->tags[loop->setpoint];
                int64_t since_us;

                if (loop->kind != TOOL_LOOP_HEATER)
                        continue;
                if (seen_told(c->tool, n, &tag, &value) && tag == loop->setpoint && value > t->safe) {
                        if (value > t->limit_max + 1e-6)
                                check_fail(c, "%s is told %g, its limit is %g", t->name, value, t->limit_max);
                        since_us = blind_since(c, loop);
                        if (since_us != SEEN_NEVER && n->sent_us - since_us > TURN_US &&
                            value > c->seen->out[tag].told)
                                check_fail(c, "%s is told %g without a young Good temperature or cut-out",
                                    t->name, value);
                }
                if (n->kind != WORLD_TURN || c->seen->out[loop->setpoint].value <= t->safe)
                        continue;
                since_us = blind_since(c, loop);
                if (since_us != SEEN_NEVER && n->t_us - since_us > CHECK_FREE_US &&
                    seen_output_is_well(c->seen, loop->setpoint, since_us) &&
                    seen_is_awake(c->seen, since_us) && seen_lived(c->seen, since_us))
                        check_fail(c, "%s stays at %g for %lld ms without a Good temperature or cut-out",
                            t->name, c->seen->out[loop->setpoint].value,
                            (long long)((n->t_us - since_us) / TIME_MS));
        }
}

/* ---- M1 ---- */

struct lid {
        int64_t open_us; /* seen open, and turning, since; 0 = not */
};

static bool is_turning(const struct seen *s, const struct tool_loop *bed)
{
        return fabs(s->out[bed->setpoint].value) > 0;
}

static void see_motion(struct check_context *c, const struct world_note *n)
{
        struct lid *m = c->mine;
        const struct tool_loop *bed;
        const struct tool_tag *t;
        bool is_open;
        int tag;
        double value;

        if (c->tool->bed < 0 || c->tool->lid < 0)
                return;
        bed = &c->tool->loops[c->tool->bed];
        t = &c->tool->tags[bed->setpoint];
        if (seen_told(c->tool, n, &tag, &value) && tag == bed->setpoint &&
            (value > t->limit_max + 1e-6 || value < t->limit_min - 1e-6))
                check_fail(c, "%s is told %g, which its limits forbid", t->name, value);
        /* Open, turning by its own word, and not left out by an engineer: the tool's interlock stops it. */
        is_open = lock_is_good(c->seen, c->tool->lid) && c->seen->in[c->tool->lid].value == 0 &&
                  c->seen->bypass_until_us[c->tool->lid] == SEEN_NEVER && lock_is_good(c->seen, bed->value) &&
                  fabs(c->seen->in[bed->value].value) > 0.6 && is_turning(c->seen, bed);
        if (n->kind != WORLD_TURN)
                return;
        if (!is_open || m->open_us == 0)
                m->open_us = is_open ? n->t_us : 0;
        /* 100 ms is the interlock's own delay. */
        if (m->open_us != 0 && n->t_us - m->open_us > 100 * TIME_MS + CHECK_FREE_US &&
            seen_output_is_well(c->seen, bed->setpoint, m->open_us) && seen_is_awake(c->seen, m->open_us) &&
            seen_lived(c->seen, m->open_us))
                check_fail(c, "the bed is told %g with the lid open for %lld ms",
                    c->seen->out[bed->setpoint].value, (long long)((n->t_us - m->open_us) / TIME_MS));
}

/* ---- M2 ---- */

static bool stops_in_pulse(const struct recipe *r)
{
        for (int i = 0; r != NULL && i < r->finally_first; i++)
                if (r->ops[i].kind == RECIPE_ROTATE)
                        return r->ops[i].stops;
        return false;
}

static void see_bed(struct check_context *c, const struct world_note *n)
{
        int tag;
        double value;

        if (c->tool->bed < 0 || !seen_told(c->tool, n, &tag, &value) || value == 0 ||
            c->seen->out[tag].told != 0 || tool_find_line_of_valve(c->tool, tag) < 0)
                return;
        if (stops_in_pulse(c->seen->recipe) && c->seen->state == MACHINE_EXECUTE &&
            is_turning(c->seen, &c->tool->loops[c->tool->bed]) &&
            seen_output_is_well(c->seen, c->tool->loops[c->tool->bed].setpoint, n->t_us - TIME_S))
                check_fail(c, "%s opens while the bed is told to turn", c->tool->tags[tag].name);
}

#define TOLD CHECK_SEES(REQUEST)

const struct check check_heat[] = {
    {"H1", "heater power only with a Good temperature and cut-out younger than 3 s, within limits",
        "100 ms for the turn and its write; what stays on is judged while its link answers: controllers have "
        "no watchdog. "
        "The rise test is a unit test's",
        0, TOLD | CHECK_SEES(TURN), see_heating, NULL},
    {"M1", "the bed turns within its limits, and not with the lid open",
        "the interlock's 100 ms and 250 ms while its link answers", sizeof(struct lid),
        TOLD | CHECK_SEES(TURN), see_motion, NULL},
    {"M2", "precursor enters a bed that stands where the recipe stops it in pulses",
        "by set-point, while its link answers; recipes whose first `rotate` stops in pulses", 0, TOLD,
        see_bed, NULL},
    {.id = NULL}};
