/* A child process that is given bytes and gives bytes back. */
#ifndef ALD_APP_PLOT_CHILD_H
#define ALD_APP_PLOT_CHILD_H

#include <stddef.h> /* size_t */

struct text;

/* Run `program` (looked for in PATH), write `in` to its standard input, and return all of its standard output,
 * NUL-terminated, freed by the caller. NULL: `why` tells: it is missing (and which package has it), it failed (with the first
 * thing it said), or it was not done in time. */
char *plot_child_run(
    const char *program, char *const argv[], const char *in, size_t in_len, struct text *why);

#endif
