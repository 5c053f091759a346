#include "ald/base/unit.h"

#include "ald/base/text.h" /* text_add */
#include "ald/base/time.h" /* TIME_NEVER */

#include <assert.h> /* assert */
#include <ctype.h>  /* isspace */
#include <math.h>   /* isfinite, llround */
#include <stdlib.h> /* strtod */
#include <string.h> /* strcmp, strspn */

/* Scales: 1 Torr = 101325/760 Pa (definition); degF by its definition; a standard cubic centimetre is not converted
 * to moles here. The first unit of a dimension is its base. */
static const struct unit units[] = {
    {"", UNIT_DIM_NONE, 1, 0},
    {"s", UNIT_DIM_TIME, 1, 0},
    {"us", UNIT_DIM_TIME, 1e-6, 0},
    {"ms", UNIT_DIM_TIME, 1e-3, 0},
    {"min", UNIT_DIM_TIME, 60, 0},
    {"h", UNIT_DIM_TIME, 3600, 0},
    {"d", UNIT_DIM_TIME, 86400, 0},
    {"degC", UNIT_DIM_TEMPERATURE, 1, 0},
    {"degF", UNIT_DIM_TEMPERATURE, 5.0 / 9.0, -160.0 / 9.0},
    {"K", UNIT_DIM_DIFFERENCE, 1, 0},
    {"K/s", UNIT_DIM_TEMP_RATE, 1, 0},
    {"K/min", UNIT_DIM_TEMP_RATE, 1.0 / 60.0, 0},
    {"Torr", UNIT_DIM_PRESSURE, 1, 0},
    {"mTorr", UNIT_DIM_PRESSURE, 1e-3, 0},
    {"Pa", UNIT_DIM_PRESSURE, 760.0 / 101325.0, 0},
    {"hPa", UNIT_DIM_PRESSURE, 76000.0 / 101325.0, 0},
    {"kPa", UNIT_DIM_PRESSURE, 760000.0 / 101325.0, 0},
    {"mbar", UNIT_DIM_PRESSURE, 76000.0 / 101325.0, 0},
    {"Torr/s", UNIT_DIM_PRESS_RATE, 1, 0},
    {"Torr/min", UNIT_DIM_PRESS_RATE, 1.0 / 60.0, 0},
    {"mTorr/s", UNIT_DIM_PRESS_RATE, 1e-3, 0},
    {"mTorr/min", UNIT_DIM_PRESS_RATE, 1e-3 / 60.0, 0},
    {"Pa/s", UNIT_DIM_PRESS_RATE, 760.0 / 101325.0, 0},
    {"sccm", UNIT_DIM_FLOW, 1, 0},
    {"slm", UNIT_DIM_FLOW, 1000, 0},
    {"sccm/s", UNIT_DIM_FLOW_RATE, 1, 0},
    {"sccm/min", UNIT_DIM_FLOW_RATE, 1.0 / 60.0, 0},
    {"rpm", UNIT_DIM_SPEED, 1, 0},
    {"rpm/s", UNIT_DIM_SPEED_RATE, 1, 0},
    {"nm", UNIT_DIM_LENGTH, 1, 0},
    {"um", UNIT_DIM_LENGTH, 1000, 0},
    {"g", UNIT_DIM_MASS, 1, 0},
    {"mg", UNIT_DIM_MASS, 1e-3, 0},
    {"kg", UNIT_DIM_MASS, 1e3, 0},
    {"m2/g", UNIT_DIM_AREA_BY_MASS, 1, 0},
    {"L", UNIT_DIM_VOLUME, 1, 0},
    {"mL", UNIT_DIM_VOLUME, 1e-3, 0},
    {"%", UNIT_DIM_RATIO, 1, 0},
    {"umol/m2", UNIT_DIM_SITES, 1, 0},
    {"sccm/Torr2", UNIT_DIM_CONDUCTANCE_2, 1, 0},
    {"sccm/Torr", UNIT_DIM_CONDUCTANCE, 1, 0},
    {"g/mol", UNIT_DIM_MOLAR_MASS, 1, 0},
};
enum { UNITS = sizeof units / sizeof units[0] };

static const struct {
        const char *name;
        enum unit_dim difference, rate;
} dims[UNIT_DIM_COUNT] = {
    [UNIT_DIM_NONE] = {"a bare number", UNIT_DIM_NONE, UNIT_DIM_NONE},
    [UNIT_DIM_TIME] = {"a time", UNIT_DIM_TIME, UNIT_DIM_NONE},
    [UNIT_DIM_TEMPERATURE] = {"a temperature", UNIT_DIM_DIFFERENCE, UNIT_DIM_TEMP_RATE},
    [UNIT_DIM_DIFFERENCE] = {"a temperature difference", UNIT_DIM_DIFFERENCE, UNIT_DIM_TEMP_RATE},
    [UNIT_DIM_TEMP_RATE] = {"a temperature ramp", UNIT_DIM_TEMP_RATE, UNIT_DIM_NONE},
    [UNIT_DIM_PRESSURE] = {"a pressure", UNIT_DIM_PRESSURE, UNIT_DIM_PRESS_RATE},
    [UNIT_DIM_PRESS_RATE] = {"a rate of pressure", UNIT_DIM_PRESS_RATE, UNIT_DIM_NONE},
    [UNIT_DIM_FLOW] = {"a flow", UNIT_DIM_FLOW, UNIT_DIM_FLOW_RATE},
    [UNIT_DIM_FLOW_RATE] = {"a flow ramp", UNIT_DIM_FLOW_RATE, UNIT_DIM_NONE},
    [UNIT_DIM_SPEED] = {"a speed", UNIT_DIM_SPEED, UNIT_DIM_SPEED_RATE},
    [UNIT_DIM_SPEED_RATE] = {"a speed ramp", UNIT_DIM_SPEED_RATE, UNIT_DIM_NONE},
    [UNIT_DIM_LENGTH] = {"a length", UNIT_DIM_LENGTH, UNIT_DIM_NONE},
    [UNIT_DIM_MASS] = {"a mass", UNIT_DIM_MASS, UNIT_DIM_NONE},
    [UNIT_DIM_AREA_BY_MASS] = {"a specific surface", UNIT_DIM_AREA_BY_MASS, UNIT_DIM_NONE},
    [UNIT_DIM_VOLUME] = {"a volume", UNIT_DIM_VOLUME, UNIT_DIM_NONE},
    [UNIT_DIM_RATIO] = {"a ratio", UNIT_DIM_RATIO, UNIT_DIM_NONE},
    [UNIT_DIM_SITES] = {"a site density", UNIT_DIM_SITES, UNIT_DIM_NONE},
    [UNIT_DIM_CONDUCTANCE] = {"a conductance", UNIT_DIM_CONDUCTANCE, UNIT_DIM_NONE},
    [UNIT_DIM_CONDUCTANCE_2] = {"a viscous conductance", UNIT_DIM_CONDUCTANCE_2, UNIT_DIM_NONE},
    [UNIT_DIM_MOLAR_MASS] = {"a molar mass", UNIT_DIM_MOLAR_MASS, UNIT_DIM_NONE},
};

static const double years_10_s = 10 * 365.25 * 86400;

const struct unit *unit_find(const char *name)
{
        for (size_t i = 0; i < UNITS; i++)
                if (strcmp(units[i].name, name) == 0)
                        return &units[i];
        return NULL;
}

const struct unit *unit_at(size_t i)
{
        return i < UNITS ? &units[i] : NULL;
}

const struct unit *unit_base(enum unit_dim dim)
{
        for (size_t i = 0; i < UNITS; i++)
                if (units[i].dim == dim)
                        return &units[i];
        assert(false && "every dimension has a unit");
        return NULL;
}

const char *unit_dim_name(enum unit_dim dim)
{
        assert(dim < UNIT_DIM_COUNT);
        return dims[dim].name;
}

enum unit_dim unit_dim_of_difference(enum unit_dim dim)
{
        assert(dim < UNIT_DIM_COUNT);
        return dims[dim].difference;
}

enum unit_dim unit_dim_of_rate(enum unit_dim dim)
{
        assert(dim < UNIT_DIM_COUNT);
        return dims[dim].rate;
}

/* Through the base unit; where one scale is a power of ten of the other, dividing by the inverse keeps decimal
 * numbers exact (870 mTorr is 0.87, not 0.8700000000000001). */
static double scaled(double value, double scale)
{
        double inverse = 1 / scale;
        double whole = floor(inverse + 0.5);

        return scale < 1 && fabs(inverse - whole) < 1e-9 * inverse ? value / whole : value * scale;
}

static double unscaled(double value, double scale)
{
        double inverse = 1 / scale;
        double whole = floor(inverse + 0.5);

        return scale < 1 && fabs(inverse - whole) < 1e-9 * inverse ? value * whole : value / scale;
}

double unit_convert(double value, const struct unit *from, const struct unit *to)
{
        assert(from->dim == to->dim);
        if (from == to)
                return value;
        return unscaled(scaled(value, from->scale) + from->offset - to->offset, to->scale);
}

double unit_convert_difference(double value, const struct unit *from, const struct unit *to)
{
        assert(from->dim == unit_dim_of_difference(to->dim));
        return from == to ? value : unscaled(scaled(value, from->scale), to->scale);
}

enum unit_status unit_parse(const char *text, enum unit_dim dim, double *value, const struct unit **unit)
{
        char *end;
        double v = strtod(text, &end);
        const struct unit *u;
        char name[16];

        /* strtod also reads hexadecimal, "inf" and "nan", which no quantity is written with. */
        if (end == text || strspn(text, "+-.0123456789") == 0 ||
            memchr(text, 'x', (size_t)(end - text)) != NULL)
                return UNIT_ERR_NUMBER;
        while (isspace((unsigned char)*end))
                end++;
        if (*end == '\0' && dim != UNIT_DIM_NONE)
                return UNIT_ERR_NO_UNIT;
        u = text_copy(name, sizeof name, end) ? unit_find(name) : NULL;
        if (u == NULL)
                return UNIT_ERR_UNKNOWN;
        if (u->dim != dim)
                return UNIT_ERR_DIM;
        if (!isfinite(v) || (dim == UNIT_DIM_TIME && (v < 0 || v * u->scale > years_10_s)))
                return UNIT_ERR_RANGE;
        *value = v;
        *unit = u;
        return UNIT_OK;
}

enum unit_status unit_parse_time(const char *text, int64_t *us)
{
        double value;
        const struct unit *unit;
        enum unit_status status = unit_parse(text, UNIT_DIM_TIME, &value, &unit);

        if (status == UNIT_OK)
                *us = llround(unit->scale < 1 ? value * (unit->scale * 1e6) : value * unit->scale * 1e6);
        return status;
}

static void add_fitting(struct text *t, enum unit_dim dim)
{
        size_t n = 0, shown = 0;

        for (size_t i = 0; i < UNITS; i++)
                n += units[i].dim == dim;
        for (size_t i = 0; i < UNITS; i++) {
                if (units[i].dim != dim)
                        continue;
                text_add(t, "%s%s", shown == 0 ? "" : shown + 1 == n ? " or " : ", ", units[i].name);
                shown++;
        }
}

void unit_explain(struct text *t, enum unit_status status, const char *given, enum unit_dim dim)
{
        switch (status) {
        case UNIT_OK:
                return;
        case UNIT_ERR_NUMBER:
                text_add(t, "'%s' does not begin with a number", given);
                break;
        case UNIT_ERR_NO_UNIT:
                text_add(t, "'%s' has no unit", given);
                break;
        case UNIT_ERR_UNKNOWN:
                text_add(t, "'%s' has an unknown unit", given);
                break;
        case UNIT_ERR_DIM:
                text_add(t, "'%s' is not %s", given, unit_dim_name(dim));
                break;
        case UNIT_ERR_RANGE:
                text_add(t, "'%s' is out of range", given);
                break;
        }
        if (dim == UNIT_DIM_NONE) {
                text_add(t, ": write a bare number, without a unit");
                return;
        }
        text_add(t, ": %s is a number with ", unit_dim_name(dim));
        add_fitting(t, dim);
}

void unit_add_value(struct text *t, double value, const struct unit *unit)
{
        text_add_number(t, value, 5);
        if (unit->name[0] != '\0')
                text_add(t, " %s", unit->name);
}
