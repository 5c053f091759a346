/* What the fuzz harnesses share: a check that is on in every build, the tools they work with, the checks of
 * diagnostics and conditions, and a mutator that knows lines.
 *
 * A harness is a libFuzzer program (LLVMFuzzerTestOneInput). It looks for more than crashes: FUZZ_CHECK holds the
 * result against rules that are written here a second time, from the headers and the manuals, and not from the code
 * under test. tests/fuzz/fuzz.py knows how each one is run.
 *
 * Each harness is also built with FUZZ_CANARY, which plants one defect that only well-formed input reaches. The tests
 * demand that it is found within seconds: a harness that can find nothing is a defect itself. */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include "ald/base/diag.h" /* struct diag */
#include "ald/core/cond.h" /* struct cond_pool */
#include "ald/core/tool.h" /* struct tool */

#include <stdbool.h> /* bool */
#include <stddef.h>  /* size_t */
#include <stdint.h>  /* uint8_t */

/* libFuzzer's entries, and the one that it offers to mutators. */
int LLVMFuzzerInitialize(const int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max);

/* Tell what is wrong and end: libFuzzer then keeps the input. */
_Noreturn void fuzz_fail(const char *file, int line, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
#define FUZZ_CHECK(is, ...)                                                                                  \
        do {                                                                                                 \
                if (!(is))                                                                                   \
                        fuzz_fail(__FILE__, __LINE__, __VA_ARGS__);                                          \
        } while (0)

/* The planted defect. */
#ifdef FUZZ_CANARY
#define FUZZ_PLANT(is) FUZZ_CHECK(!(is), "canary")
#else
#define FUZZ_PLANT(is) ((void)0)
#endif

/* Count an input as accepted or refused; the totals are printed at the end, since a harness that sees only one of the
 * two tries nothing. */
void fuzz_count(bool is_accepted);

/* A tool from its file, by a path from the top of the tree; must be sound. */
struct tool *fuzz_load_tool(const char *path);

/* Every diagnostic has words without control characters, and points into the text that it is about: `text` as
 * compiled, under the name `path`. `has_result` must be true exactly when there are no errors. */
void fuzz_check_diag(const struct diag *d, const char *path, const char *text, size_t len, bool has_result);

/* A condition as compiled: a tree within the pool and within COND_DEPTH_MAX, of tags that exist and fit, with finite
 * numbers. `windows`: how many windows may be named. */
void fuzz_check_cond(const struct cond_pool *pool, int root, const struct tool *tool, int windows);

/* Change an input by lines as a person would: drop, double, swap or indent one, or put a value in another's place. */
size_t fuzz_mutate_lines(uint8_t *data, size_t size, size_t max, unsigned seed);

/* Change a condition: one that was accepted goes before it, joined to it; or bytes change. */
size_t fuzz_mutate_terms(uint8_t *data, size_t size, size_t max, unsigned seed);

/* Let the mutators begin with this input, which was accepted, now and then. */
void fuzz_keep_sound(const uint8_t *data, size_t size);

#endif
