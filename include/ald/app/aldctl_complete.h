/* What may stand in the place of the last word of a command line of aldctl, from the tables of aldctl.c. */
#ifndef ALD_APP_ALDCTL_COMPLETE_H
#define ALD_APP_ALDCTL_COMPLETE_H

#include "ald/app/aldctl_values.h" /* struct aldctl_values_to */

#include <stddef.h> /* size_t */

/* words[]: what follows `aldctl`, up to the one to be completed, which may be "" (count >= 1). What does not begin like that one is
 * left out; files and folders are for the caller to look up. `o` gives socket and database where the words do not. */
void aldctl_complete(const char *const *words, size_t count, const struct aldctl_options *o,
    const struct aldctl_values_to *to);

#endif
