/* Was something in the write-ahead log damaged that had been committed?
 *
 * SQLite reads a log up to the first frame whose checksum does not match and takes the rest for the torn end of a crash, without
 * a word. What a crash tears is the one transaction that was being written, since each is synced before the next begins: a log
 * in which two transactions or more follow the bad frame was damaged later, and records that had been acknowledged are in it. */
#ifndef ALD_STORE_WALSCAN_H
#define ALD_STORE_WALSCAN_H

#include <stdbool.h> /* bool */

struct text;

/* Read PATH-wal from end to end; only while nobody writes to it. True: *why says at which frame it is damaged. A log that is
 * missing, empty or cannot be read is not. */
bool walscan_is_damaged(const char *path, struct text *why);

#endif
