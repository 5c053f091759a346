/* The audit chain: each record carries the SHA-256 of the one before it and its own, so that an edit, a deletion, an
 * insertion or a swap breaks it.
 *
 *     sha256 = SHA-256(prev_sha256 "\n" canonical)          prev_sha256 = "" for the first
 *     canonical = JSON array [id,t_us,uid,pid,"user","role","command","arguments","state_before","state_after","result"]
 *
 * without spaces; in strings only quote, backslash and bytes below 0x20 are escaped (the latter as \u00xx), all other
 * bytes stand as they are. */
#ifndef ALD_STORE_AUDIT_H
#define ALD_STORE_AUDIT_H

#include "ald/core/record.h" /* struct record */

#include <sqlite3.h> /* sqlite3, sqlite3_str */
#include <stddef.h>  /* size_t */
#include <stdint.h>  /* int64_t */

typedef void audit_digest(const void *data, size_t len, char hex[65]);

/* The last link: what the next record continues. */
struct audit_head {
        int64_t id;      /* 0: no record yet */
        char sha256[65]; /* "": none, or the last record was not chained */
};

/* Read the head. Returns an SQLite code. */
int audit_read_head(sqlite3 *db, struct audit_head *head);

/* Move the head on to record *r: its id becomes head->id, its digest head->sha256. Returns an SQLite code
 * (SQLITE_NOMEM). */
int audit_advance(struct audit_head *head, const struct record *r, audit_digest *digest);

/* Append the first `columns` of a row as they are stored, in the form of `canonical`: NULL as null, a real with 17 digits, a blob as
 * x"hex"; a text's NUL bytes are escaped too. NULLs at the end are left out. For a record of this table that is `canonical`. */
void audit_add_row(sqlite3_str *to, sqlite3_stmt *row, int columns);

/* Append bytes up to `max` or a NUL as a JSON string with its quotes. */
void audit_add_json(sqlite3_str *to, const char *text, size_t max);

#endif
