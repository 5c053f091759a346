/* A file of some MiB beside the database that holds nothing: room kept for the day when the disk is full. Given up then, events
 * and audit go on into the room that it leaves (SAFETY, trap 8). */
#ifndef ALD_STORE_BALLAST_H
#define ALD_STORE_BALLAST_H

#include <stdbool.h> /* bool */
#include <stdint.h>  /* int64_t */

struct text;

enum { BALLAST_BYTES_DEFAULT = 8 << 20 };

enum ballast_state {
        BALLAST_HELD,
        BALLAST_NO_ROOM, /* *why: the disk has less than twice its size free, or took it and ran out */
        BALLAST_FAILED   /* *why: it cannot be made here for another reason */
};

/* Make PATH-ballast, with its blocks allocated, unless it is there already. Only where the disk keeps as much free beside it, so
 * that a disk which is filling up does not swing between the two states. */
enum ballast_state ballast_make(const char *path, int64_t bytes, struct text *why);
/* Give its blocks back. */
void ballast_release(const char *path);
/* There is one, and the disk has no room (less than 1 MiB) for anything else. */
bool ballast_is_wanted(const char *path);

#endif
