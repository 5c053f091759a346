/* The writer's SQL: one prepared statement for each thing that is written. */
#ifndef ALD_STORE_STATEMENT_H
#define ALD_STORE_STATEMENT_H

#include <sqlite3.h> /* sqlite3_stmt */
#include <stddef.h>  /* size_t */
#include <stdint.h>  /* int64_t */

enum statement {
        STATEMENT_RUN_START,
        STATEMENT_RUN_STATE,
        STATEMENT_RUN_END,
        STATEMENT_CYCLE,
        STATEMENT_PULSE_START,
        STATEMENT_PULSE_END,
        STATEMENT_PULSE_METRICS,
        STATEMENT_BASE,
        STATEMENT_EVENT,
        STATEMENT_AUDIT,
        STATEMENT_SAMPLE,
        STATEMENT_COUNTER,
        STATEMENT_COUNTER_ZERO,
        STATEMENT_OPENING_BEGIN,
        STATEMENT_OPENING_END,
        STATEMENT_OPENING_ANEW,
        STATEMENT_BOTTLE_USED,
        STATEMENT_BOTTLE_END,
        STATEMENT_BOTTLE_BEGIN,
        STATEMENT_INPUT,
        STATEMENT_BATCH,
        STATEMENT_COUNT
};

struct statements {
        sqlite3 *db; /* borrowed */
        sqlite3_stmt *prepared[STATEMENT_COUNT];
        char error[160]; /* the last one, in words */
};

/* All of these return an SQLite code and leave `error` behind when it is not SQLITE_OK. */
int statement_prepare(struct statements *s, sqlite3 *db);
/* Run a bound statement that gives no rows and make it ready for the next. */
int statement_run(struct statements *s, sqlite3_stmt *stmt);
int statement_run_text(struct statements *s, const char *sql);
/* Remember the database's words for `rc`, which is returned. */
int statement_failed(struct statements *s, int rc);
void statement_finalize(struct statements *s);

/* Bind text of a field of `max` bytes; it must live until the statement has run. */
void statement_bind_text(sqlite3_stmt *stmt, int at, const char *text, size_t max);
/* Bind a time or width of which negative means "not known" (NULL). */
void statement_bind_known(sqlite3_stmt *stmt, int at, int64_t value);

#endif
