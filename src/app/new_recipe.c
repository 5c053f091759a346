#include "ald/app/new_recipe.h" /* own declarations */

#include "ald/base/text.h" /* TEXT_PRINTF */

#include <stdarg.h> /* va_list */
#include <string.h> /* strlen */

/* Comments behind a line begin here, where it leaves room. */
enum { COMMENT_AT = 50 };

/* A line of the recipe and what is to be thought about it. */
static void put(FILE *to, const char *comment, const char *fmt, ...) TEXT_PRINTF(3, 4);
static void put(FILE *to, const char *comment, const char *fmt, ...)
{
        char buf[400];
        struct text t;
        va_list args;

        text_init(&t, buf, sizeof buf);
        va_start(args, fmt);
        text_addv(&t, fmt, args);
        va_end(args);
        if (comment == NULL)
                (void)fprintf(to, "%s\n", buf);
        else
                (void)fprintf(to, "%-*s # %s\n", COMMENT_AT, buf, comment);
}

static void put_head(const struct new_plan *p, FILE *to)
{
        if (p->schema != NULL)
                put(to, NULL, "# yaml-language-server: $schema=%s", p->schema);
        put(to, NULL, "# A recipe to start from, written by `aldctl new`%s.", p->said);
        put(to, NULL,
            "# What stands behind \"# ?\" is a guess: think about each of them, and replace it by what your "
            "process needs.");
        put(to, NULL,
            "# After every change `aldctl check`, then `aldctl dry-run`; `man ald-recipe` has the language.");
        put(to, NULL, "format: 1");
        put(to, NULL, "recipe: %s", p->recipe);
        put(to, "? for whoever looks at the run in a year", "title: What it makes, on what");
        put(to, NULL, "tool: %s", p->tool);
}

static void put_parameters(const struct new_plan *p, FILE *to)
{
        char buf[120];
        struct text least;

        put(to, "what --set may change from run to run", "parameters:");
        if (p->line_count > 0)
                put(to, "? wanted thickness by growth per cycle",
                    "  cycles: {default: 10, min: 1, max: 10000}");
        for (int i = 0; i < p->line_count; i++)
                put(to, "? saturates the surface: the dry run estimates", "  %s_pulse: {default: %s}",
                    p->lines[i].name, p->lines[i].pulse);
        text_init(&least, buf, sizeof buf);
        text_add(&least, "? until little of the pulse is left");
        if (p->least[0] != '\0')
                text_add(&least, "; the tool's least: %s", p->least);
        if (p->line_count > 0)
                put(to, buf, "  purge: {default: %s}", p->purge);
        put(to, "? until the sample is as warm as its surroundings", "  settle: {default: 10 min}");
        if (p->line_count == 0)
                return;
        put(to, NULL, "# ? what is coated: take the '#' away and the dry run reckons with it");
        put(to, NULL, "# powder: {material: NAME, mass: 1 g, area: 1 m2/g, lot: NUMBER}");
        put(to, NULL, "# expect: {growth_per_cycle: 0.1 nm}");
}

static void put_guards(const struct new_plan *p, FILE *to)
{
        bool is_begun = p->line_count == 0;

        for (int i = 0; i < p->heater_count && p->line_count > 0; i++) {
                if (p->heaters[i].within[0] == '\0')
                        continue;
                if (!is_begun)
                        put(to, "watched while it coats, beside the tool's interlocks", "guard:");
                is_begun = true;
                put(to, "? how far it may drift",
                    "  - {in: coat, tag: %s, within: %s, for: 30 s, else: hold}", p->heaters[i].name,
                    p->heaters[i].within);
        }
        if (p->bed[0] == '\0' || p->line_count == 0)
                return;
        if (!is_begun)
                put(to, "watched while it coats, beside the tool's interlocks", "guard:");
        put(to, "? a bed at rest is coated on top only",
            "  - {in: coat, tag: %s, within: %s, for: 5 s, else: hold}", p->bed, p->speed_within);
}

static void put_base(const struct new_plan *p, FILE *to)
{
        put(to, NULL, "    # Base pressure first: it tells whether the chamber is tight and dry.");
        if (p->pump[0] != '\0')
                put(to, NULL, "    - set: {%s: on}", p->pump);
        if (p->exhaust[0] != '\0')
                put(to, NULL, "    - open: %s", p->exhaust);
        if (p->carrier[0] != '\0')
                put(to, NULL, "    - set: {%s: %s}", p->carrier, p->rest);
        if (p->bed[0] != '\0')
                put(to, "? so that the bed tumbles", "    - set: {%s: %s}", p->bed, p->speed);
        if (p->gauge[0] != '\0')
                put(to, "? a little above what it reaches",
                    "    - wait: {until: %s < %s, for: 1 min, timeout: 30 min}", p->gauge, p->base);
        if (p->carrier[0] == '\0')
                return;
        put(to, NULL, "    # Then the carrier: nothing is heated without flow.");
        put(to, "? carries the pulses, and purges", "    - set: {%s: %s}", p->carrier, p->flow);
}

static int count_heaters(const struct new_plan *p, bool is_source)
{
        int n = 0;

        for (int i = 0; i < p->heater_count; i++)
                n += p->heaters[i].is_source == is_source;
        return n;
}

static void put_heaters(const struct new_plan *p, bool is_source, FILE *to)
{
        put(to, NULL, "    - set:");
        for (int i = 0; i < p->heater_count; i++) {
                const struct new_heater *h = &p->heaters[i];

                if (h->is_source != is_source)
                        continue;
                put(to,
                    is_source       ? "? enough vapour, and it does not decompose"
                    : h->is_chamber ? "? within the window of your process"
                                    : "? hotter than the sources: nothing condenses",
                    "        %s: %s", h->name, h->at);
        }
}

static void put_prepare(const struct new_plan *p, FILE *to)
{
        put(to, NULL, "phases:\n  prepare:");
        put_base(p, to);
        if (count_heaters(p, false) > 0) {
                put(to, NULL, "    # Chamber and lines are hot before any source is.");
                put_heaters(p, false, to);
                put(to, "? the heat-up takes less", "    - wait: {until: settled, timeout: 2 h}");
        }
        if (count_heaters(p, true) > 0) {
                put(to, NULL, "    # Sources heat last, and cool first.");
                put_heaters(p, true, to);
        }
        put(to, "everything within its tolerance, for so long",
            "    - wait: {until: settled, for: $settle, timeout: 3 h}");
}

static void put_coat(const struct new_plan *p, FILE *to)
{
        if (p->line_count == 0)
                return;
        put(to, NULL, "  coat:\n    - repeat: $cycles\n      do:");
        for (int i = 0; i < p->line_count; i++) {
                put(to, i == 0 ? "? which precursors, in which order" : NULL, "        - pulse: %s",
                    p->lines[i].name);
                put(to, NULL, "          for: $%s_pulse\n        - purge: $purge", p->lines[i].name);
        }
}

static void put_finish(const struct new_plan *p, FILE *to)
{
        const char *chamber = NULL;

        for (int i = 0; i < p->heater_count; i++)
                if (p->heaters[i].is_chamber)
                        chamber = p->heaters[i].name;
        if (p->heater_count == 0)
                return;
        put(to, NULL, "  finish:");
        if (count_heaters(p, true) > 0)
                put(to, NULL, "    # Its line stays hot until a source is cold.");
        for (int i = 0; i < p->heater_count; i++)
                if (p->heaters[i].is_source)
                        put(to, NULL, "    - set: {%s: standby}", p->heaters[i].name);
        for (int i = 0; i < p->heater_count; i++)
                if (p->heaters[i].is_source)
                        put(to, "? cold enough", "    - wait: {until: %s < %s, timeout: 4 h}",
                            p->heaters[i].name, p->heaters[i].cool);
        if (chamber != NULL)
                put(to, NULL, "    - set: {%s: standby}", chamber);
        else if (count_heaters(p, true) == 0)
                put(to, NULL, "    - note: the end");
}

void new_recipe_put(const struct new_plan *p, FILE *to)
{
        put_head(p, to);
        put_parameters(p, to);
        put_guards(p, to);
        put_prepare(p, to);
        put_coat(p, to);
        put_finish(p, to);
        put(to, "? how long a surface may wait", "on_hold: {at_most: 30 min, then: stop, resume: repeat}");
        put(to, "at the end, and after a stop", "finally:");
        put(to, "? until the last pulse is gone", "  - purge: 1 min");
}
