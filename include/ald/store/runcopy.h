/* What a run's row needs of its recipe, copied while the recipe is at hand: the writer comes to it later. */
#ifndef ALD_STORE_RUNCOPY_H
#define ALD_STORE_RUNCOPY_H

#include "ald/core/recipe.h" /* struct recipe, struct recipe_parameter */

#include <stdatomic.h> /* _Atomic */
#include <stdbool.h>   /* bool */
#include <stddef.h>    /* size_t */
#include <stdint.h>    /* uint32_t */

struct runcopy {
        char recipe[TOOL_NAME_MAX];
        char sha256[65];
        int parameter_count;
        struct recipe_parameter parameters[RECIPE_PARAMETERS_MAX];
        char powder_material[TOOL_NAME_MAX], powder_lot[TOOL_NAME_MAX];
        double powder_g, powder_m2_g, growth_nm, thickness_nm;
        int64_t cycles, timed_us; /* what the recipe plans */
        struct recipe_resume resume;
        size_t text_len;
        char text[]; /* with a NUL */
};

/* A copy (free()), or NULL when memory is out. */
struct runcopy *runcopy_new(const struct recipe *recipe);

/* Copies on their way to the writer, in the order of the RECORD_RUN_STARTs in the records' queue, which also carries the
 * visibility: a start is queued after its copy, and the writer looks for a copy when it sees the start. */
enum { RUNCOPIES_MAX = 8 };
struct runcopies {
        uint32_t head;         /* producer's */
        _Atomic uint32_t tail; /* consumer's */
        struct runcopy *at[RUNCOPIES_MAX];
};
/* The producer: false when memory is out or RUNCOPIES_MAX starts wait. */
bool runcopies_push(struct runcopies *c, const struct recipe *recipe);
/* The producer: take the last one back, whose start could not be queued. */
void runcopies_unpush(struct runcopies *c);
/* The consumer: the i-th that waits (borrowed); release the first n. */
const struct runcopy *runcopies_at(const struct runcopies *c, uint32_t i);
void runcopies_release(struct runcopies *c, uint32_t n);

/* JSON for columns run.parameters and run.declared; from sqlite3_malloc, NULL when memory is out. */
char *runcopy_parameters(const struct runcopy *copy);
char *runcopy_declared(const struct runcopy *copy, const char *pressure_unit);

#endif
