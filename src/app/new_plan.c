/* Guesses for a starting recipe, from a tool file, from what a daemon tells of its tool, or from nothing. */
#include "ald/app/new_recipe.h" /* own declarations */

#include "ald/app/aldctl_show.h" /* show_get_text */
#include "ald/base/text.h"       /* text_add_number */
#include "ald/base/time.h"       /* TIME_S */

#include <math.h>   /* sqrt */
#include <string.h> /* strcmp */

/* degC of the chamber, of what else is hot, and of the sources: from what many processes use down to what any tool bears. */
static const struct heat {
        double chamber, hot, source;
} heats[] = {{150, 120, 90}, {120, 110, 80}, {100, 100, 70}, {80, 80, 55}, {60, 60, 45}, {45, 45, 35}};
/* Parts of the carrier's range. */
static const double flows[] = {0.35, 0.5, 0.2, 0.8, 0.1};
enum { HEATS = sizeof heats / sizeof heats[0], FLOWS = sizeof flows / sizeof flows[0] };

static void say_value(char out[NEW_VALUE_CAP], double value, int digits, const char *unit)
{
        struct text t;

        text_init(&t, out, NEW_VALUE_CAP);
        text_add_number(&t, value, digits);
        if (unit[0] != '\0')
                text_add(&t, " %s", unit);
}

/* In one unit, as a file may have it. */
static void say_time(char out[NEW_VALUE_CAP], int64_t us)
{
        struct text t;

        text_init(&t, out, NEW_VALUE_CAP);
        if (us % TIME_S == 0)
                text_add(&t, "%lld s", (long long)(us / TIME_S));
        else if (us % TIME_MS == 0)
                text_add(&t, "%lld ms", (long long)(us / TIME_MS));
        else
                text_add(&t, "%lld us", (long long)us);
}

/* ---- From a tool file ---- */

static double within(double value, double low, double high)
{
        return value < low ? low : value > high ? high : value;
}

static double of_degc(double degc, const struct unit *unit)
{
        return unit->dim == UNIT_DIM_TEMPERATURE ? unit_convert(degc, unit_base(UNIT_DIM_TEMPERATURE), unit)
                                                 : degc;
}

static const char *difference_of(const struct unit *unit)
{
        return unit_base(unit_dim_of_difference(unit->dim))->name;
}

/* A guard that bears half of the tolerance more. */
static void say_guard(
    char out[NEW_VALUE_CAP], const struct tool_loop *loop, const struct unit *unit, double times)
{
        const struct unit *base = unit_base(unit_dim_of_difference(unit->dim));

        say_value(out, times * loop->tolerance * (unit->scale / base->scale), 3, difference_of(unit));
}

static bool is_source(const struct tool *tool, int loop)
{
        for (int i = 0; i < tool->line_count; i++)
                if (tool->lines[i].source == loop && loop != tool->chamber)
                        return true;
        return false;
}

static void plan_heater(struct new_heater *h, const struct tool *tool, int number, const struct heat *heat)
{
        const struct tool_loop *loop = &tool->loops[number];
        const struct tool_tag *set = &tool->tags[loop->setpoint];
        const struct unit *unit = set->unit;
        double at, cool;

        text_copy(h->name, sizeof h->name, tool->tags[loop->value].name);
        h->is_source = is_source(tool, number);
        h->is_chamber = number == tool->chamber;
        at = within(of_degc(h->is_source    ? heat->source
                            : h->is_chamber ? heat->chamber
                                            : heat->hot,
                        unit),
            set->limit_min, set->limit_max);
        cool = fmax(loop->standby, of_degc(40, unit)) +
               unit_convert_difference(15, unit_base(unit_dim_of_difference(unit->dim)), unit);
        if (cool >= at)
                cool = (fmax(loop->standby, of_degc(25, unit)) + at) / 2;
        say_value(h->at, at, 4, unit->name);
        say_value(h->cool, cool, 3, unit->name);
        if (h->is_chamber)
                say_guard(h->within, loop, unit, 1.5);
}

static void plan_carrier(struct new_plan *p, const struct tool *tool, double part)
{
        const struct tool_loop *loop = &tool->loops[tool->carrier];
        const struct tool_tag *set = &tool->tags[loop->setpoint];
        double rest =
            loop->standby > 0 ? loop->standby : set->limit_min + (set->limit_max - set->limit_min) / 20;

        text_copy(p->carrier, sizeof p->carrier, tool->tags[loop->value].name);
        say_value(p->rest, rest, 3, set->unit->name);
        say_value(p->flow, fmax(rest, set->limit_max * part), 2, set->unit->name);
        if (tool->gauge < 0 || set->unit->dim != UNIT_DIM_FLOW)
                return;
        const struct tool_tag *gauge = &tool->tags[tool->gauge];
        /* Q = k P^2 as the simulated twin has it, and some more. */
        double torr =
            1.15 * sqrt(unit_convert(rest, set->unit, unit_base(UNIT_DIM_FLOW)) / tool->sim.k_sccm_torr2);
        double base = unit_convert(torr, unit_base(UNIT_DIM_PRESSURE), gauge->unit);
        text_copy(p->gauge, sizeof p->gauge, gauge->name);
        say_value(
            p->base, gauge->has_valid ? fmin(base, 0.9 * gauge->valid_max) : base, 2, gauge->unit->name);
}

static void plan_bed(struct new_plan *p, const struct tool *tool)
{
        const struct tool_loop *loop = &tool->loops[tool->bed];
        const struct tool_tag *set = &tool->tags[loop->setpoint];

        text_copy(p->bed, sizeof p->bed, tool->tags[loop->value].name);
        say_value(p->speed, set->limit_max * 0.3, 2, set->unit->name);
        say_guard(p->speed_within, loop, set->unit, 3);
}

/* Long for a source that is heated, since it has little vapour. */
static void plan_line(struct new_line *l, const struct tool *tool, int number)
{
        const struct tool_line *line = &tool->lines[number];
        const struct tool_tag *valve = &tool->tags[line->valve];
        int64_t us = line->source >= 0 ? TIME_S : 100 * TIME_MS;

        if (valve->max_open_us > 0 && us > valve->max_open_us)
                us = valve->max_open_us;
        if (us < line->pulse_us_min)
                us = line->pulse_us_min;
        if (valve->pulse.present)
                us = time_nearest(us, valve->pulse.width_unit_us);
        text_copy(l->name, sizeof l->name, line->name);
        say_time(l->pulse, us);
}

static void plan_purge(struct new_plan *p, const struct tool *tool)
{
        int64_t least = 0, us;

        for (int i = 0; i < tool->line_count; i++) {
                least = tool->lines[i].purge_us_min > least ? tool->lines[i].purge_us_min : least;
                for (int k = 0; k < i; k++)
                        if (tool_excludes(tool, tool->lines[i].valve, tool->lines[k].valve, &us) &&
                            us > least)
                                least = us;
        }
        say_time(p->purge, 2 * least > 20 * TIME_S ? 2 * least : 20 * TIME_S);
        if (least > 0)
                say_time(p->least, least);
}

/* What is off or closed in the tool's standby. */
static void plan_way_out(struct new_plan *p, const struct tool *tool)
{
        if (tool->pump_run >= 0 && !(tool->tags[tool->pump_run].image[TOOL_IMAGE_STANDBY].value > 0))
                text_copy(p->pump, sizeof p->pump, tool->tags[tool->pump_run].name);
        if (tool->exhaust >= 0 && !(tool->tags[tool->exhaust].image[TOOL_IMAGE_STANDBY].value > 0))
                text_copy(p->exhaust, sizeof p->exhaust, tool->tags[tool->exhaust].name);
}

bool new_plan_for_tool(struct new_plan *p, const struct tool *tool, int i)
{
        if (i >= HEATS * FLOWS)
                return false;
        p->heater_count = 0;
        p->said = ", sound for this tool as it stands";
        text_copy(p->tool, sizeof p->tool, tool->name);
        if (tool->carrier >= 0)
                plan_carrier(p, tool, flows[i / HEATS]);
        if (tool->bed >= 0)
                plan_bed(p, tool);
        for (int k = 0; k < tool->loop_count; k++)
                if (tool->loops[k].kind == TOOL_LOOP_HEATER)
                        plan_heater(&p->heaters[p->heater_count++], tool, k, &heats[i % HEATS]);
        p->line_count = tool->line_count;
        for (int k = 0; k < tool->line_count; k++)
                plan_line(&p->lines[k], tool, k);
        plan_purge(p, tool);
        plan_way_out(p, tool);
        return true;
}

/* ---- From what a daemon tells ---- */

static const json_t *find(const json_t *equipment, const char *name)
{
        size_t i;
        json_t *e;

        json_array_foreach(equipment, i, e)
        {
                if (name[0] != '\0' && strcmp(show_get_text(e, "name"), name) == 0)
                        return e;
        }
        return NULL;
}

static bool feeds_a_line(const json_t *equipment, const char *heater)
{
        size_t i;
        json_t *e;

        json_array_foreach(equipment, i, e)
        {
                if (strcmp(show_get_text(e, "kind"), "precursor") == 0 &&
                    strcmp(show_get_text(e, "source"), heater) == 0)
                        return true;
        }
        return false;
}

static void add_heater(
    struct new_plan *p, const char *value, const char *unit, bool is_source, bool is_chamber)
{
        const struct unit *u = unit_find(unit);
        struct new_heater *h = &p->heaters[p->heater_count];

        if (p->heater_count == TOOL_LOOPS_MAX || u == NULL)
                return;
        text_copy(h->name, sizeof h->name, value);
        h->is_source = is_source;
        h->is_chamber = is_chamber;
        say_value(h->at,
            of_degc(is_source    ? heats[0].source
                    : is_chamber ? heats[0].chamber
                                 : heats[0].hot,
                u),
            4, unit);
        say_value(h->cool, of_degc(60, u), 4, unit);
        if (is_chamber)
                text_copy(h->within, sizeof h->within, "3 K");
        p->heater_count++;
}

static void add_line(struct new_plan *p, const char *name, bool is_heated)
{
        struct new_line *l = &p->lines[p->line_count];

        if (p->line_count == TOOL_LINES_MAX)
                return;
        text_copy(l->name, sizeof l->name, name);
        say_time(l->pulse, is_heated ? TIME_S : 100 * TIME_MS);
        p->line_count++;
}

static void set_carrier(struct new_plan *p, const char *name, const char *unit)
{
        const struct unit *u = unit_find(unit);

        if (u == NULL || u->dim != UNIT_DIM_FLOW || p->carrier[0] != '\0')
                return;
        text_copy(p->carrier, sizeof p->carrier, name);
        say_value(p->rest, unit_convert(10, unit_base(UNIT_DIM_FLOW), u), 3, unit);
        say_value(p->flow, unit_convert(50, unit_base(UNIT_DIM_FLOW), u), 3, unit);
}

static void set_bed(struct new_plan *p, const char *name)
{
        text_copy(p->bed, sizeof p->bed, name);
        text_copy(p->speed, sizeof p->speed, "3 rpm");
        text_copy(p->speed_within, sizeof p->speed_within, "0.3 rpm");
}

static void set_gauge(struct new_plan *p, const char *name)
{
        text_copy(p->gauge, sizeof p->gauge, name);
        text_copy(p->base, sizeof p->base, "1 Torr");
}

static void add_served(struct new_plan *p, const json_t *equipment, const json_t *e)
{
        const char *kind = show_get_text(e, "kind"), *name = show_get_text(e, "name"),
                   *value = show_get_text(e, "value"), *unit = show_get_text(e, "unit");
        bool is_source = feeds_a_line(equipment, name);

        if (strcmp(kind, "flow") == 0 && json_is_true(json_object_get(e, "inert")))
                set_carrier(p, value, unit);
        else if (strcmp(kind, "heater") == 0)
                add_heater(p, value, unit, is_source, !is_source && strcmp(name, "chamber") == 0);
        else if (strcmp(kind, "motor") == 0)
                set_bed(p, value);
        else if (strcmp(kind, "precursor") == 0)
                add_line(p, name, find(equipment, show_get_text(e, "source")) != NULL);
        else if (strcmp(kind, "gauge") == 0)
                set_gauge(p, value);
}

void new_plan_for_served(struct new_plan *p, const json_t *told)
{
        const json_t *equipment = json_object_get(told, "equipment");
        size_t i;
        json_t *e;

        p->said = " from what the daemon tells of its tool; its limits are not known here";
        text_copy(p->tool, sizeof p->tool, show_get_text(told, "tool"));
        text_copy(p->purge, sizeof p->purge, "20 s");
        json_array_foreach(equipment, i, e)
        {
                add_served(p, equipment, e);
        }
}

void new_plan_for_none(struct new_plan *p)
{
        p->said = " without a tool file: every name in it is an example";
        text_copy(p->tool, sizeof p->tool, "my-tool");
        text_copy(p->purge, sizeof p->purge, "20 s");
        set_carrier(p, "carrier.flow", "sccm");
        set_gauge(p, "chamber.pressure");
        add_heater(p, "chamber.temperature", "degC", false, true);
        add_heater(p, "metal.line.temperature", "degC", false, false);
        add_heater(p, "metal.temperature", "degC", true, false);
        add_line(p, "metal", true);
        add_line(p, "water", false);
}
