/* aldctl run, in two parts: a recipe from a file (aldctl_run.c), and the rest of a run that was interrupted (aldctl_resume.c). */
#ifndef ALD_APP_ALDCTL_RUN_H
#define ALD_APP_ALDCTL_RUN_H

#include "ald/app/aldctl.h" /* enum aldctl_exit */
#include "ald/file/file.h"  /* FILE_TEXTS_MAX */

#include <jansson.h> /* json_t */

#include <stddef.h> /* size_t */

struct line;

enum { RUN_NAME_MAX = 200 };

/* One text on its way to the daemon, under the name that it has there. */
struct aldctl_parcel {
        char name[2 * RUN_NAME_MAX];
        char *text; /* free() */
        size_t len;
};

/* The recipe of the command's first word and what it includes (room for FILE_TEXTS_MAX); how many, or 0 after saying which cannot
 * be read. */
size_t aldctl_run_pack(const struct aldctl_options *o, struct aldctl_parcel *parcels);

/* Send the texts, start the first one with `params` of verb `run` (taken), and follow it if asked to. */
enum aldctl_exit aldctl_run_start(struct line *l, const struct aldctl_options *o,
    const struct aldctl_parcel *parcels, size_t count, json_t *params);

/* run --resume */
enum aldctl_exit aldctl_resume(const struct aldctl_command *self, const struct aldctl_options *o);

#endif
