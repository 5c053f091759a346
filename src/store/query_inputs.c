/* Questions of a replay: what was in force in a run, and what reached the core in it. */
#include "query_state.h"

#include "ald/base/text.h" /* text_copy */

#include <stdlib.h> /* free */
#include <string.h> /* strcmp, strdup */

static char *get_copy(sqlite3_stmt *stmt, int column)
{
        const char *text = (const char *)sqlite3_column_text(stmt, column);

        return strdup(text == NULL ? "" : text);
}

int query_texts(struct query *q, int64_t run_id, struct query_texts *out)
{
        sqlite3_stmt *stmt =
            query_ask(q, "SELECT recipe_text, tool_text, parameters FROM run WHERE id = ?1", run_id);
        int found;

        *out = (struct query_texts){NULL, NULL, NULL};
        if (stmt == NULL)
                return -1;
        found = query_next(q, stmt);
        if (found == 1) {
                *out = (struct query_texts){get_copy(stmt, 0), get_copy(stmt, 1), get_copy(stmt, 2)};
                if (out->recipe == NULL || out->tool == NULL || out->parameters == NULL) {
                        query_free_texts(out);
                        found = query_fail(q, "out of memory");
                }
        }
        sqlite3_finalize(stmt);
        return found;
}

void query_free_texts(struct query_texts *texts)
{
        free(texts->recipe);
        free(texts->tool);
        free(texts->parameters);
        *texts = (struct query_texts){NULL, NULL, NULL};
}

static enum tape_kind find_kind(const char *name)
{
        int kind = 0;

        while (kind < TAPE_KINDS && (name == NULL || strcmp(tape_kind_name((enum tape_kind)kind), name) != 0))
                kind++;
        return (enum tape_kind)kind;
}

int query_inputs(struct query *q, int64_t run_id, int64_t after, int limit,
    bool (*row)(void *ctx, const struct tape_piece *piece), void *ctx)
{
        sqlite3_stmt *stmt = query_ask(q,
            "SELECT n, t_us, kind, payload FROM input WHERE run_id = ?1 AND n > ?2 ORDER BY n LIMIT ?3",
            run_id);
        bool goes_on = true;
        int found = 0;

        if (stmt == NULL)
                return -1;
        sqlite3_bind_int64(stmt, 2, after);
        sqlite3_bind_int(stmt, 3, limit);
        while (goes_on && (found = query_next(q, stmt)) == 1) {
                struct tape_piece piece = {.run_id = run_id,
                    .n = sqlite3_column_int64(stmt, 0),
                    .wall_us = sqlite3_column_int64(stmt, 1),
                    .kind = find_kind((const char *)sqlite3_column_text(stmt, 2))};

                piece.bytes = sqlite3_column_blob(stmt, 3); /* before its length (SQLite's manual) */
                piece.len = (uint32_t)sqlite3_column_bytes(stmt, 3);
                goes_on = row(ctx, &piece);
        }
        sqlite3_finalize(stmt);
        return found < 0 ? -1 : 0;
}
