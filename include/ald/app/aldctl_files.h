/* Files that aldctl writes: whole or not at all. A file comes into being under a temporary name beside its own, and gets its name
 * when all of it is on disk; what is given up leaves nothing behind. */
#ifndef ALD_APP_ALDCTL_FILES_H
#define ALD_APP_ALDCTL_FILES_H

#include <stdbool.h> /* bool */
#include <stddef.h>  /* size_t */
#include <stdio.h>   /* FILE */

/* From here on SIGINT, SIGTERM and SIGHUP only ask to end: long work looks at files_interrupted(). */
void files_catch_interrupts(void);
bool files_interrupted(void);

struct files_new {
        FILE *to; /* NULL: none is open */
        char path[512], temporary[540];
};

/* Begin the file at `path`. False: told. */
bool files_begin(struct files_new *f, const char *path);
/* Sync it and give it its name (mode 0666 less the umask); with `is_good` false, or when it cannot be done (told), it is removed.
 * True when the file stands. */
bool files_end(struct files_new *f, bool is_good);

/* "FOLDER/NAME"; false when it is too long (told). */
bool files_join(char *to, size_t cap, const char *folder, const char *name);

#endif
