/* A damaged database is moved aside, never mended and never written again: what it holds is evidence, and `sqlite3 .recover` may
 * still read most of it. */
#ifndef ALD_STORE_ASIDE_H
#define ALD_STORE_ASIDE_H

#include <stdbool.h> /* bool */
#include <stdint.h>  /* int64_t */

struct text;

/* Does the header of a file that SQLite refuses still carry our application id? If not it may be anybody's, and stays. */
bool aside_is_ours(const char *path);

/* Rename PATH to PATH.corrupt-20261122T003000Z, and -wal and -shm with it, so that the copy opens as a whole. No connection of
 * this process may be open. Out: the new name of the file without its folder. False: *why. */
bool aside_move(const char *path, int64_t wall_us, char moved[64], struct text *why);

#endif
