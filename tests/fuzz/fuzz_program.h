/* The rules of a compiled recipe (include/ald/core/recipe.h), written a second time. */
#ifndef TESTS_FUZZ_FUZZ_PROGRAM_H
#define TESTS_FUZZ_FUZZ_PROGRAM_H

#include "fuzz/fuzz.h" /* FUZZ_CHECK */

#include "ald/core/recipe.h" /* struct recipe */

/* Ends the harness at the first rule that does not hold. */
void fuzz_check_program(const struct recipe *recipe, const struct tool *tool);

#endif
