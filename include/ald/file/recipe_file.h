/* The recipe compiler, inside its ring: what its parts share. Parameters and blocks are resolved here; what comes out
 * is a flat program whose times are known and whose limits were checked against the tool. */
#ifndef ALD_FILE_RECIPE_FILE_H
#define ALD_FILE_RECIPE_FILE_H

#include "ald/core/recipe.h" /* struct recipe */
#include "ald/file/file.h"   /* struct file_set */
#include "ald/file/keys.h"   /* struct keys */
#include "ald/file/reader.h" /* struct reader */

#include <stdbool.h> /* bool */
#include <stddef.h>  /* size_t */
#include <stdint.h>  /* uint8_t */

enum { RECIPE_FILE_BLOCKS_MAX = 128, RECIPE_FILE_USE_DEPTH_MAX = 16 };

/* One of the texts that are compiled together: 0 is the recipe itself, the others are included. */
struct recipe_file_text {
        const char *name;             /* as `include` names it */
        const struct yaml_node *node; /* there; NULL for the recipe itself */
        const char *text;             /* borrowed */
        size_t len;
        struct yaml_tree *tree;
        int source;       /* of diag_source() */
        int lines_before; /* in the text that holds them all */
};

struct recipe_file_block {
        const char *name;
        const struct yaml_node *steps;
        int text; /* that it stands in */
        bool is_used;
        bool is_open; /* being put in: a use of it now would never end */
        bool is_bad;  /* its errors were told: further uses stay silent */
};

struct recipe_file {
        struct reader r;
        const struct tool *tool;
        struct recipe *recipe;
        struct reader_parameter parameters[RECIPE_PARAMETERS_MAX];
        const struct yaml_node *parameter_node[RECIPE_PARAMETERS_MAX];
        const char *path;
        struct recipe_file_text texts[FILE_TEXTS_MAX];
        int text_count, text; /* `text`: being read */
        size_t bytes;         /* of all texts */
        struct recipe_file_block blocks[RECIPE_FILE_BLOCKS_MAX];
        int block_count;
        int windows;          /* of `steady`, the tool's included */
        int phase;            /* being compiled, -1 in `finally` */
        int loop_depth;       /* repeats that are open */
        int use_depth;        /* blocks that are open */
        size_t errors_before; /* in the diagnostics when this file was begun */
        int set_source;       /* of diag_source() for messages about --set, -1 = none yet */
        bool is_exposing;     /* inside an `expose` block */
        bool is_full;         /* no room for further ops: told */
        bool is_dry;          /* an unused block is looked at: its ops go nowhere */
        int scratch_count;
        struct recipe_op scratch;
        const struct yaml_node *op_node[RECIPE_OPS_MAX]; /* the step's verb, for messages of later checks */
        uint8_t op_text[RECIPE_OPS_MAX];                 /* the text it stands in */
        const struct yaml_node *cond_node[RECIPE_CONDS_MAX]; /* a block's condition is kept once */
};

/* `parameters:` and --set. */
void recipe_file_read_parameters(
    struct recipe_file *f, const struct yaml_node *map, const struct file_set *sets, size_t set_count);
void recipe_file_warn_unused_parameters(const struct recipe_file *f);

/* `include:`: the blocks of other files. */
void recipe_file_read_includes(
    struct recipe_file *f, const struct yaml_node *list, const struct file_library *library);
void recipe_file_warn_unused_includes(const struct recipe_file *f);
/* What follows stands in that text. */
void recipe_file_set_text(struct recipe_file *f, int number);
/* Make the recipe's text the whole of what was compiled. False: no memory. */
bool recipe_file_join_texts(struct recipe_file *f);
/* Release what was included. */
void recipe_file_free_texts(struct recipe_file *f);

/* `blocks:`: names only; their steps are compiled where they are used. */
void recipe_file_read_blocks(struct recipe_file *f, const struct yaml_node *map);
/* Compile the steps of blocks that nobody uses, for their errors only, and warn of each. */
void recipe_file_check_unused_blocks(struct recipe_file *f);

/* One step: its verb's value and the keys beside it, NULL where not given. */
struct recipe_file_step {
        const struct yaml_node *verb, *ramp, *for_us, *body, *until, *timeout, *otherwise, *coats;
};

/* Append the ops of a list of steps; `what` names it in messages. */
void recipe_file_compile_steps(struct recipe_file *f, const struct yaml_node *list, const char *what);
/* Append the op that ends a section. */
void recipe_file_end_section(struct recipe_file *f);

/* Append one op for the step at `node`; NULL when there is no room (told once). */
struct recipe_op *recipe_file_add_op(
    struct recipe_file *f, const struct yaml_node *node, enum recipe_op_kind kind);
/* The place of an op's step, for messages of later checks. */
struct diag_at recipe_file_at_op(const struct recipe_file *f, int32_t op);
/* Append "of line 12" of op's step, with the file where `seen_from` stands in another. */
void recipe_file_add_line(const struct recipe_file *f, struct text *t, int32_t op, int32_t seen_from);
/* Append, in place of a step that cannot be read, a long wait: no later check then misses the purge that it may have
 * been. The recipe is refused anyway. */
void recipe_file_add_unknown(struct recipe_file *f, const struct yaml_node *node);

/* What single steps become; `node` is the verb's value. */
void recipe_file_compile_wait(struct recipe_file *f, const struct yaml_node *node, enum recipe_op_kind timed,
    enum recipe_op_kind until);
void recipe_file_compile_pulse(
    struct recipe_file *f, const struct yaml_node *node, const struct yaml_node *width);
void recipe_file_compile_valve(struct recipe_file *f, const struct yaml_node *node, double value);
void recipe_file_compile_note(struct recipe_file *f, const struct yaml_node *node);
void recipe_file_compile_confirm(struct recipe_file *f, const struct recipe_file_step *step);
void recipe_file_compile_repeat(struct recipe_file *f, const struct recipe_file_step *step);
void recipe_file_compile_expose(struct recipe_file *f, const struct recipe_file_step *step);
void recipe_file_compile_rotate(struct recipe_file *f, const struct recipe_file_step *step);
void recipe_file_compile_pump_down(struct recipe_file *f, const struct recipe_file_step *step);
void recipe_file_compile_vent(struct recipe_file *f, const struct recipe_file_step *step);
void recipe_file_compile_leak_check(struct recipe_file *f, const struct recipe_file_step *step);
/* `set:` with `ramp:` (may be NULL). */
void recipe_file_compile_set(
    struct recipe_file *f, const struct yaml_node *map, const struct yaml_node *ramp);
/* Compile a condition into the recipe; its number or -1 with errors told. A node's condition is kept once. */
int recipe_file_read_cond(struct recipe_file *f, const struct yaml_node *node, const char *what);
/* The same for conditions that no one wrote: "tag < value" and, for a bit, "tag". */
int recipe_file_make_below(struct recipe_file *f, const struct yaml_node *node, int tag, double value);
int recipe_file_make_bit(struct recipe_file *f, const struct yaml_node *node, int tag);
/* A quantity in the unit of the tool's carrier set-point or gauge, checked against its limits or valid range. False:
 * told, or the tool has no such equipment. */
bool recipe_file_read_flow(
    struct recipe_file *f, const struct yaml_node *node, const char *what, double *value);
bool recipe_file_read_pressure(
    struct recipe_file *f, const struct yaml_node *node, const char *what, double *value);
/* Does the tool have what `verb` needs (`what`: "an exhaust valve")? False: told. */
bool recipe_file_want_equipment(
    struct recipe_file *f, const struct yaml_node *verb, int number, const char *what);
/* `guard:`, once the phases are known. */
void recipe_file_read_guards(struct recipe_file *f, const struct yaml_node *list);

/* Work out tail_us, body_us, timed_us, cycles and pulses. */
void recipe_file_measure(struct recipe_file *f);
/* Pulses of different precursors with too little purge between; flow or exhaust shut too early after a pulse (V9). */
void recipe_file_check_purges(struct recipe_file *f);
/* An `expose` whose timed steps last longer than it may; `coats: walls` where no cycles are; a pulse after a vent. */
void recipe_file_check_blocks(struct recipe_file *f);
/* What can be told of the tool's state at each step: heat without flow, a pulse that no permit allows, a wait that can only
 * time out ... (recipe_file_walk.h). False: no memory. */
bool recipe_file_check_states(struct recipe_file *f);
/* Numbers that make no sense for a whole recipe: conditions that are never or always true, guards that never act, waits of
 * weeks, counts beyond a valve's life. */
void recipe_file_check_bounds(struct recipe_file *f);

/* The form of a recipe and what it includes as one text. */
extern const struct joined_form recipe_file_joined_form;

/* Every table of keys of the format, for the documentation's test. */
const struct keys *const *recipe_file_keys(size_t *count);
/* Steps by number: the table of the verb's keys, its first row being the verb; NULL behind the last. */
const struct keys *recipe_file_step_keys(size_t i);

extern const struct keys recipe_file_root_keys, recipe_file_parameter_keys, recipe_file_guard_keys,
    recipe_file_until_keys, recipe_file_expose_keys, recipe_file_rotate_keys, recipe_file_pump_down_keys,
    recipe_file_vent_keys, recipe_file_leak_check_keys, recipe_file_include_keys;
/* What a timeout does: hold, stop, abort or continue. */
extern const struct key_word recipe_file_ends[];
extern const struct shape recipe_file_end_shape;
/* What `repeat` and its `coats` take. */
extern const struct shape recipe_file_count_shape, recipe_file_coats_shape;

#endif
