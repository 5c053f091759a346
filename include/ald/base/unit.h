/* The one unit table. A quantity in a file is text with its unit; a number without one is an error that names
 * the units that would fit. Each tag keeps one unit of its own, in which its value is held in the core, on the
 * screen and in the database; conversion happens once, when a file is compiled. */
#ifndef ALD_BASE_UNIT_H
#define ALD_BASE_UNIT_H

#include <stdbool.h> /* bool */
#include <stddef.h>  /* size_t */
#include <stdint.h>  /* int64_t */

struct text;

enum unit_dim {
        UNIT_DIM_NONE, /* a bare number or a bit: no unit */
        UNIT_DIM_TIME,
        UNIT_DIM_TEMPERATURE,   /* a point on a scale: degC */
        UNIT_DIM_DIFFERENCE,    /* a difference of temperatures: K */
        UNIT_DIM_TEMP_RATE,     /* K/min */
        UNIT_DIM_PRESSURE,      /* absolute: Torr */
        UNIT_DIM_PRESS_RATE,    /* Torr/min */
        UNIT_DIM_FLOW,          /* sccm */
        UNIT_DIM_FLOW_RATE,     /* sccm/s */
        UNIT_DIM_SPEED,         /* rpm */
        UNIT_DIM_SPEED_RATE,    /* rpm/s */
        UNIT_DIM_LENGTH,        /* nm */
        UNIT_DIM_MASS,          /* g */
        UNIT_DIM_AREA_BY_MASS,  /* m2/g */
        UNIT_DIM_VOLUME,        /* L */
        UNIT_DIM_RATIO,         /* % */
        UNIT_DIM_SITES,         /* umol/m2 */
        UNIT_DIM_CONDUCTANCE,   /* sccm/Torr: Q = c P */
        UNIT_DIM_CONDUCTANCE_2, /* sccm/Torr2: k of Q = k P^2 */
        UNIT_DIM_MOLAR_MASS,    /* g/mol */
        UNIT_DIM_COUNT
};

/* base value = value * scale + offset; the base unit of a dimension has scale 1, offset 0. */
struct unit {
        const char *name;
        enum unit_dim dim;
        double scale;
        double offset;
};

/* The unit of that exact name, or NULL. The result is static. */
const struct unit *unit_find(const char *name);

/* The units by number, those of one dimension in order; NULL behind the last. */
const struct unit *unit_at(size_t i);

/* The base unit of a dimension (UNIT_DIM_NONE gives the unit named ""). */
const struct unit *unit_base(enum unit_dim dim);

/* What a dimension is called in messages: "a temperature", "a time". */
const char *unit_dim_name(enum unit_dim dim);

/* The dimension of a difference of two values of `dim`: temperatures differ by K, all others by their own. */
enum unit_dim unit_dim_of_difference(enum unit_dim dim);
/* The dimension of a rate of change of `dim` (UNIT_DIM_NONE where there is none). */
enum unit_dim unit_dim_of_rate(enum unit_dim dim);

/* `value` in `from` expressed in `to`; both of one dimension. */
double unit_convert(double value, const struct unit *from, const struct unit *to);
/* A difference (a tolerance, a step) in unit `from` of a difference's dimension, expressed as a difference in
 * tag unit `to`: 3 K on a degC tag is 3, on a degF tag 5.4. */
double unit_convert_difference(double value, const struct unit *from, const struct unit *to);

enum unit_status {
        UNIT_OK,
        UNIT_ERR_NUMBER,  /* does not begin with a number */
        UNIT_ERR_NO_UNIT, /* a bare number where a quantity belongs */
        UNIT_ERR_UNKNOWN, /* a unit that is in no table */
        UNIT_ERR_DIM,     /* a known unit of another dimension */
        UNIT_ERR_RANGE    /* not finite, or a time beyond 10 years or negative */
};

/* Parse "20 s", "870 mTorr". Out: *value in *unit as written (not converted).
 * UNIT_DIM_NONE accepts a bare number only. On error *value and *unit are untouched. */
enum unit_status unit_parse(const char *text, enum unit_dim dim, double *value, const struct unit **unit);

/* Parse a time to whole microseconds, rounded to nearest. */
enum unit_status unit_parse_time(const char *text, int64_t *us);

/* Append what was wrong and what would fit: "'20' has no unit: a time takes us, ms, s, min, h or d". */
void unit_explain(struct text *t, enum unit_status status, const char *given, enum unit_dim dim);

/* Append "2.3 Torr", "110 degC"; a bit (dim NONE with is_bit at the caller) is the caller's affair. */
void unit_add_value(struct text *t, double value, const struct unit *unit);

#endif
