/* What the files of query share: how a question is put. */
#ifndef ALD_STORE_QUERY_STATE_H
#define ALD_STORE_QUERY_STATE_H

#include "ald/store/query.h" /* struct query */

#include <sqlite3.h> /* sqlite3, sqlite3_stmt */
#include <stddef.h>  /* size_t */
#include <stdint.h>  /* int64_t */

/* A statement whose first parameter is bound, with its deadline running. NULL: query_why() tells. */
sqlite3_stmt *query_ask(struct query *q, const char *sql, int64_t argument);
/* The connection, for one more question: its deadline runs. */
sqlite3 *query_renew(struct query *q);
/* Text of a column, "" for NULL. */
void query_get_text(sqlite3_stmt *stmt, int column, char *to, size_t cap);
/* 1: a row; 0: no more; -1: error. */
int query_next(struct query *q, sqlite3_stmt *stmt);
/* Remember a reason, with the path; -1. */
int query_fail(struct query *q, const char *reason);

/* Columns: a text, "" for NULL; a time or width, -1 for NULL; a number, NaN for NULL. */
void query_get_text(sqlite3_stmt *stmt, int column, char *to, size_t cap);
int64_t query_get_known(sqlite3_stmt *stmt, int column);
double query_get_number(sqlite3_stmt *stmt, int column);

#endif
