/* The run database's tables, as a list of migrations, and the check that a file is one of ours.
 *
 * Names of tables and columns are a public contract: a migration adds, it never renames or drops. */
#ifndef ALD_STORE_SCHEMA_H
#define ALD_STORE_SCHEMA_H

#include <sqlite3.h> /* sqlite3 */
#include <stdbool.h> /* bool */
#include <stdint.h>  /* INT32_C */

struct text;

#define SCHEMA_APPLICATION_ID INT32_C(0x414C4452) /* "ALDR" in the file's header */
#define SCHEMA_EXTRACT_ID                                                                                    \
        INT32_C(0x414C4458) /* "ALDX": one run taken out (store/extract.h), to be read only */

/* The newest schema this program knows (PRAGMA user_version). */
int schema_version(void);

/* Is this a run database this program can read? An empty file counts with version 0. Reads only. Out: *version.
 * False: *why says what it is instead (without the path). */
bool schema_check(sqlite3 *db, int *version, struct text *why);

/* Make the tables in an empty database, with `application_id`; nothing is set up for writing. False: *why. */
bool schema_make(sqlite3 *db, int32_t application_id, struct text *why);

/* Set up the connection for writing: WAL, synchronous=FULL, checkpoints by hand. False: *why. */
bool schema_use_wal(sqlite3 *db, struct text *why);

/* Check, set up the connection, create or migrate. False: *why; a file that is not ours is untouched. */
bool schema_prepare(sqlite3 *db, struct text *why);

/* Is every page what it should be? A file of up to 64 MiB is read in well under a second; of a larger one only what SQLite meets
 * by itself is known, unless `whole`. False: *why, which begins with "damaged" when that is what it is. */
bool schema_check_sound(sqlite3 *db, bool whole, struct text *why);

#endif
