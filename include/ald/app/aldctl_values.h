/* Words that fit a place on aldctl's command line, for completion: from a running daemon, the tool file or the run database,
 * whichever can say. Nothing here may keep a shell waiting: what does not answer at once gives nothing. */
#ifndef ALD_APP_ALDCTL_VALUES_H
#define ALD_APP_ALDCTL_VALUES_H

#include "ald/app/aldctl.h" /* struct aldctl_options */

/* Takes a word and what it is ("" = nothing to say). */
struct aldctl_values_to {
        void (*put)(void *ctx, const char *word, const char *about);
        void *ctx;
};

/* What fits `place` ("RUN", "TAG", "FILE.svg", "csv|json", ...) of `command`. With o->tool names come from that file, else from
 * the daemon. A place that is a file's is answered by ":files SUFFIX" or ":folders", for the shell to look itself. */
void aldctl_values_put(const char *place, const struct aldctl_command *command,
    const struct aldctl_options *o, const struct aldctl_values_to *to);

#endif
