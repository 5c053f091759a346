/* Scalars of a file: text -> times, quantities, whole numbers, words, names, each with an error that says what would
 * have been accepted. Recipe parameters (`$name`) are put in here, so that a value is checked where it is used. */
#ifndef ALD_FILE_READER_H
#define ALD_FILE_READER_H

#include "ald/base/diag.h" /* struct diag_at */
#include "ald/base/text.h" /* TEXT_PRINTF */
#include "ald/base/unit.h" /* enum unit_dim */
#include "ald/file/yaml.h" /* struct yaml_node */

#include <stdbool.h> /* bool */
#include <stddef.h>  /* size_t */
#include <stdint.h>  /* int64_t */

/* A `$name` and the text that stands for it. */
struct reader_parameter {
        const char *name, *text; /* borrowed; text NULL = broken, said already: users stay silent */
        struct diag_at at;       /* where the text stands: there a mistake in it is told */
        bool is_used;
};

struct reader {
        struct diag *d;
        int source;
        bool has_parameters; /* `$` means a parameter (recipes) */
        struct reader_parameter *parameters;
        size_t parameter_count;
};

struct diag_at reader_at(const struct reader *r, const struct yaml_node *node);
/* The place of a node's key; of the node itself in a list. */
struct diag_at reader_at_key(const struct reader *r, const struct yaml_node *node);
/* An error at a node. A YAML_BROKEN node stays silent: its error was told. */
void reader_error(const struct reader *r, const struct yaml_node *node, const char *fmt, ...)
    TEXT_PRINTF(3, 4);

/* The text that stands for `$name` (name without the dollar), or NULL with an error at `at` (none for a parameter
 * that is broken itself). */
const char *reader_parameter(const struct reader *r, struct diag_at at, const char *name);

/* All of these: `what` is the key's name for messages; true and *out set, or false with an error told. */

/* The scalar's text, parameters put in (borrowed from the tree or the parameter), or NULL with an error told. */
const char *reader_text(const struct reader *r, const struct yaml_node *node, const char *what);
/* Free text of fewer than `cap` bytes. */
bool reader_words(
    const struct reader *r, const struct yaml_node *node, const char *what, char *out, size_t cap);
/* A name: letters, digits, '.', '_', '-', beginning with a letter. */
bool reader_name(
    const struct reader *r, const struct yaml_node *node, const char *what, char *out, size_t cap);
bool reader_bool(const struct reader *r, const struct yaml_node *node, const char *what, bool *out);
/* A whole number, decimal or 0x. */
bool reader_int(const struct reader *r, const struct yaml_node *node, const char *what, int64_t *out);
bool reader_number(const struct reader *r, const struct yaml_node *node, const char *what, double *out);
bool reader_time(const struct reader *r, const struct yaml_node *node, const char *what, int64_t *us);
/* A quantity in `unit`. */
bool reader_quantity(const struct reader *r, const struct yaml_node *node, const char *what,
    const struct unit *unit, double *out);
/* A difference (tolerance, deadband) of two values in `unit`. */
bool reader_difference(const struct reader *r, const struct yaml_node *node, const char *what,
    const struct unit *unit, double *out);
/* A rate of change in `unit` per second. */
bool reader_rate(const struct reader *r, const struct yaml_node *node, const char *what,
    const struct unit *unit, double *out);
/* A list of exactly two quantities [low, high] in `unit`, low < high. */
bool reader_range(const struct reader *r, const struct yaml_node *node, const char *what,
    const struct unit *unit, double *low, double *high);

bool reader_is_name(const char *text);

/* Append ": did you mean 'x'?" where a name is near, else "; here are: a, b, c" while they are few. */
void reader_suggest(struct text *t, const char *word, const char *(*name_at)(const void *ctx, size_t i),
    const void *ctx, size_t n);

/* Tell at `at`: "what: no NOUN named 'name'" with the nearest name (`what` may be NULL). */
void reader_unknown(const struct reader *r, struct diag_at at, const char *what, const char *noun,
    const char *name, const char *(*name_at)(const void *ctx, size_t i), const void *ctx, size_t n);

#endif
