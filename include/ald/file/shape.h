/* What a key may hold, as data: for keys that are read by hand (KEY_NODE), and for texts that are narrower than their kind
 * says. Only who must know a format without reading a file looks at it: the schema for editors (app/jsonschema.h). */
#ifndef ALD_FILE_SHAPE_H
#define ALD_FILE_SHAPE_H

#include <stdbool.h> /* bool */
#include <stdint.h>  /* int64_t */

struct keys;
struct key_word;

enum shape_kind {
        SHAPE_TEXT, /* any */
        SHAPE_NAME,
        SHAPE_LINE,  /* the name of a precursor line, */
        SHAPE_VALVE, /* of a valve that is none, */
        SHAPE_LOOP,  /* of a process value that has a set-point */
        SHAPE_CONDITION,
        SHAPE_UNIT,  /* one of base/unit.h, or `none` */
        SHAPE_BEGIN, /* a text that begins with one of `words` and goes on */
        SHAPE_WORD,  /* one of `words` */
        SHAPE_INT,   /* from min to max */
        SHAPE_NUMBER,
        SHAPE_TIME,
        SHAPE_QUANTITY, /* of the dimension of `unit` */
        SHAPE_AMOUNT,   /* a quantity of any dimension, or a bare number */
        SHAPE_SPAN,     /* a difference of two quantities of one dimension */
        SHAPE_RATE,     /* a change of a quantity by a time */
        SHAPE_VALUE,    /* of an output: an amount, or on, off, open, closed */
        SHAPE_TARGET,   /* a value, or safe, standby */
        SHAPE_KEYS,     /* a mapping of `keys` */
        SHAPE_LENT,     /* a mapping of those of `keys` that may come from its lender, none required */
        SHAPE_FORMS, /* a mapping whose keys are forms[i], i being the value of the one of `words` at its key `by` */
        SHAPE_MAP,    /* a mapping of names to `of`, min to max of them */
        SHAPE_LIST,   /* a list of `of`, min to max of them */
        SHAPE_STEPS,  /* a list of a recipe's steps */
        SHAPE_EITHER, /* `of` or `or_else` */
        SHAPE_NOTHING /* the key is known, to say that it does not belong there */
};

struct shape {
        enum shape_kind kind;
        bool is_free;
        int64_t min, max; /* max 0 = any */
        const char *unit, *by;
        const struct key_word *words;
        const struct keys *keys;
        const struct keys *const *forms;
        const struct shape *of, *or_else;
};

extern const struct shape shape_text, shape_name, shape_names, shape_one_or_more_names, shape_line,
    shape_valve, shape_loop, shape_condition, shape_unit, shape_number, shape_time, shape_amount, shape_range,
    shape_span, shape_rate, shape_pressure_rate, shape_flow, shape_pressure, shape_speed, shape_values,
    shape_targets, shape_value, shape_steps, shape_blocks, shape_nothing;

#endif
