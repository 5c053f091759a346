#include "ald/store/seal.h"

#include "ald/base/text.h" /* text_add, text_copy */

#include <inttypes.h> /* PRId64, SCNd64 */
#include <stdio.h>    /* sscanf, snprintf */
#include <string.h>   /* strcmp */
#include <unistd.h>   /* getuid, getpid */

enum { PIECES_AT_ONCE = 512, KIND_MAX = 20 };

static const struct {
        const char *name, *sql;
} tables[] = {
    {"run", "SELECT * FROM run WHERE id = ?1"},
    {"base", "SELECT * FROM base WHERE run_id = ?1 ORDER BY moment"},
    {"cycle", "SELECT * FROM cycle WHERE run_id = ?1 ORDER BY n"},
    {"pulse", "SELECT * FROM pulse WHERE run_id = ?1 ORDER BY cycle, path, attempt"},
    {"event", "SELECT * FROM event WHERE run_id = ?1 ORDER BY id"},
};

static bool goes_on(const struct seal_pause *pause)
{
        return pause == NULL || pause->between(pause->ctx);
}

/* ---- the tape ---- */

static void fold_piece(struct seal_tape *tape, int64_t n, int64_t t_us, const char *kind, const void *payload,
    size_t len, audit_digest *digest)
{
        char bytes[65 + 65 + 96], hex[65];

        digest(payload == NULL ? "" : payload, payload == NULL ? 0 : len, hex);
        int used = snprintf(
            bytes, sizeof bytes, "%s\n%" PRId64 "\n%" PRId64 "\n%.20s\n%s", tape->sha256, n, t_us, kind, hex);
        digest(bytes, (size_t)used, tape->sha256);
        tape->count++;
        tape->last = n;
}

void seal_tape_add(struct seal_tape *tape, const struct tape_piece *piece, audit_digest *digest)
{
        if (digest == NULL)
                return;
        if (tape->run_id != piece->run_id)
                *tape = (struct seal_tape){.run_id = piece->run_id, .last = -1};
        if (piece->n <= tape->last) /* not in the order of the table: it is read there */
                tape->last = INT64_MAX;
        else
                fold_piece(tape, piece->n, piece->wall_us, tape_kind_name(piece->kind), piece->bytes,
                    piece->len, digest);
}

/* A piece with a value of another type than the table's is none that was written. */
static const char *get_kind(sqlite3_stmt *stmt)
{
        bool is_sound =
            sqlite3_column_type(stmt, 0) == SQLITE_INTEGER &&
            sqlite3_column_type(stmt, 1) == SQLITE_INTEGER && sqlite3_column_type(stmt, 2) == SQLITE_TEXT &&
            sqlite3_column_bytes(stmt, 2) <= KIND_MAX &&
            sqlite3_column_type(stmt, 3) == (sqlite3_column_bytes(stmt, 3) > 0 ? SQLITE_BLOB : SQLITE_NULL);
        const char *kind = is_sound ? (const char *)sqlite3_column_text(stmt, 2) : NULL;

        return kind != NULL && (int)strlen(kind) == sqlite3_column_bytes(stmt, 2) ? kind : "?";
}

static int read_pieces(sqlite3 *db, struct seal_tape *tape, audit_digest *digest)
{
        sqlite3_stmt *stmt = NULL;
        int rc = sqlite3_prepare_v2(db,
            "SELECT n, t_us, kind, payload FROM input WHERE run_id = ?1 AND n > ?2 ORDER BY n LIMIT ?3", -1,
            &stmt, NULL);

        sqlite3_bind_int64(stmt, 1, tape->run_id);
        sqlite3_bind_int64(stmt, 2, tape->last);
        sqlite3_bind_int(stmt, 3, PIECES_AT_ONCE);
        while (rc == SQLITE_OK && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
                const char *kind = get_kind(stmt);
                const void *payload = sqlite3_column_blob(stmt, 3); /* before its length (SQLite's manual) */

                fold_piece(tape, sqlite3_column_int64(stmt, 0), sqlite3_column_int64(stmt, 1), kind, payload,
                    (size_t)sqlite3_column_bytes(stmt, 3), digest);
                rc = SQLITE_OK;
        }
        sqlite3_finalize(stmt);
        return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static int read_tape(
    sqlite3 *db, struct seal_tape *tape, audit_digest *digest, const struct seal_pause *pause)
{
        int64_t before;
        int rc;

        do {
                before = tape->last;
                rc = goes_on(pause) ? read_pieces(db, tape, digest) : SQLITE_INTERRUPT;
        } while (rc == SQLITE_OK && tape->last > before);
        return rc;
}

/* ---- the rows ---- */

static int fold_row(sqlite3_stmt *stmt, const char *table, struct seal *out, audit_digest *digest)
{
        sqlite3_str *bytes = sqlite3_str_new(NULL);

        sqlite3_str_appendf(bytes, "%s\n%s\n", out->rows_sha256, table);
        audit_add_row(bytes, stmt, sqlite3_column_count(stmt));
        int rc = sqlite3_str_errcode(bytes);
        if (rc == SQLITE_OK)
                digest(sqlite3_str_value(bytes), (size_t)sqlite3_str_length(bytes), out->rows_sha256);
        sqlite3_free(sqlite3_str_finish(bytes));
        out->rows++;
        return rc;
}

static int read_table(sqlite3 *db, size_t table, struct seal *out, audit_digest *digest)
{
        sqlite3_stmt *stmt = NULL;
        int rc = sqlite3_prepare_v2(db, tables[table].sql, -1, &stmt, NULL);

        sqlite3_bind_int64(stmt, 1, out->run);
        while (rc == SQLITE_OK && (rc = sqlite3_step(stmt)) == SQLITE_ROW)
                rc = fold_row(stmt, tables[table].name, out, digest);
        sqlite3_finalize(stmt);
        return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

int seal_read(sqlite3 *db, int64_t run, const struct seal_tape *tape, audit_digest *digest,
    const struct seal_pause *pause, struct seal *out)
{
        struct seal_tape read = {.run_id = run, .last = -1};
        int rc = SQLITE_OK;

        *out = (struct seal){.run = run};
        for (size_t i = 0; i < sizeof tables / sizeof tables[0] && rc == SQLITE_OK; i++) {
                rc = goes_on(pause) ? read_table(db, i, out, digest) : SQLITE_INTERRUPT;
                if (i == 0 && out->rows == 0)
                        return rc;
        }
        if (rc == SQLITE_OK && (tape == NULL || tape->run_id != run || tape->last == INT64_MAX)) {
                rc = read_tape(db, &read, digest, pause);
                tape = &read;
        }
        if (rc != SQLITE_OK)
                return rc;
        out->pieces = tape->count;
        text_copy(out->tape_sha256, sizeof out->tape_sha256, tape->sha256);
        return SQLITE_OK;
}

/* ---- the record ---- */

void seal_make_record(const struct seal *seal, int64_t wall_us, struct record *out)
{
        struct record_audit *a = &out->u.audit;
        struct text t;

        *out = (struct record){.kind = RECORD_AUDIT, .wall_us = wall_us};
        a->uid = (uint32_t)getuid();
        a->pid = (uint32_t)getpid();
        text_copy(a->user, sizeof a->user, "aldd");
        text_copy(a->role, sizeof a->role, SEAL_ROLE);
        text_copy(a->command, sizeof a->command, SEAL_COMMAND);
        text_init(&t, a->arguments, sizeof a->arguments);
        text_add(&t, "run %" PRId64 " rows %" PRId64 " %s", seal->run, seal->rows, seal->rows_sha256);
        text_init(&t, a->result, sizeof a->result);
        text_add(&t, "tape %" PRId64 " %s", seal->pieces, seal->tape_sha256);
}

bool seal_parse(
    const char *role, const char *command, const char *arguments, const char *result, struct seal *out)
{
        *out = (struct seal){0};
        if (role == NULL || command == NULL || arguments == NULL || result == NULL ||
            strcmp(role, SEAL_ROLE) != 0 || strcmp(command, SEAL_COMMAND) != 0)
                return false;
        return sscanf(arguments, "run %" SCNd64 " rows %" SCNd64 " %64[0-9a-f]", &out->run, &out->rows,
                   out->rows_sha256) == 3 &&
               sscanf(result, "tape %" SCNd64 " %64[0-9a-f]", &out->pieces, out->tape_sha256) >= 1;
}

int seal_find(sqlite3 *db, int64_t run, int64_t after, int64_t *id)
{
        sqlite3_stmt *stmt = NULL;
        char like[40];
        int rc = sqlite3_prepare_v2(db,
            "SELECT max(id) FROM audit WHERE id > ?1 AND command = '" SEAL_COMMAND "' AND role = '" SEAL_ROLE
            "' AND arguments GLOB ?2",
            -1, &stmt, NULL);

        snprintf(like, sizeof like, "run %" PRId64 " *", run);
        sqlite3_bind_int64(stmt, 1, after);
        sqlite3_bind_text(stmt, 2, like, -1, SQLITE_STATIC);
        *id = 0;
        if (rc == SQLITE_OK)
                rc = sqlite3_step(stmt);
        if (rc == SQLITE_ROW)
                *id = sqlite3_column_int64(stmt, 0); /* NULL reads as 0 */
        sqlite3_finalize(stmt);
        return rc == SQLITE_ROW ? SQLITE_OK : rc;
}

int seal_next_open(sqlite3 *db, int64_t *run)
{
        sqlite3_stmt *stmt = NULL;
        int rc = sqlite3_prepare_v2(db,
            "SELECT min(id) FROM run WHERE ended_us IS NOT NULL AND audit_id IS NOT NULL AND audit_id_ended "
            "IS NULL",
            -1, &stmt, NULL);

        *run = 0;
        if (rc == SQLITE_OK)
                rc = sqlite3_step(stmt);
        if (rc == SQLITE_ROW)
                *run = sqlite3_column_int64(stmt, 0);
        sqlite3_finalize(stmt);
        return rc == SQLITE_ROW ? SQLITE_OK : rc;
}

int seal_close_row(sqlite3 *db, int64_t run, const struct audit_head *head)
{
        sqlite3_stmt *stmt = NULL;
        int rc = sqlite3_prepare_v2(
            db, "UPDATE run SET audit_id_ended = ?2, audit_sha256_ended = ?3 WHERE id = ?1", -1, &stmt, NULL);

        sqlite3_bind_int64(stmt, 1, run);
        sqlite3_bind_int64(stmt, 2, head->id);
        sqlite3_bind_text(stmt, 3, head->sha256, -1, SQLITE_STATIC);
        if (rc == SQLITE_OK)
                rc = sqlite3_step(stmt);
        sqlite3_finalize(stmt);
        return rc == SQLITE_DONE ? SQLITE_OK : rc;
}
