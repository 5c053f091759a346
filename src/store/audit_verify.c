#include "ald/store/audit_verify.h"

#include "ald/base/text.h"    /* text_add, text_copy */
#include "ald/store/schema.h" /* SCHEMA_EXTRACT_ID */
#include "ald/store/seal.h"   /* seal_parse, seal_read */

#include <assert.h>   /* assert */
#include <inttypes.h> /* PRId64 */
#include <string.h>   /* strcmp, strlen */

enum { SLICE = 4096, RUNS_AT_ONCE = 256, HEX = 64 };

/* Columns of a record as it is read: those of `canonical`, then the links. */
enum {
        COLUMN_ROLE = 5,
        COLUMN_COMMAND,
        COLUMN_ARGUMENTS,
        COLUMN_RESULT = 10,
        CANONICAL,
        COLUMN_PREV = CANONICAL,
        COLUMN_SHA
};
#define RECORD                                                                                               \
        "SELECT id, t_us, uid, pid, user, role, command, arguments, state_before, state_after, result, "     \
        "prev_sha256, sha256 FROM audit "

struct walk {
        sqlite3 *db;
        const struct audit_verify *how;
        struct audit_verified *out;
        int64_t next;     /* id to read from */
        int64_t all;      /* records, about */
        bool is_linked;   /* the record before was read, so that the next one must continue it */
        int64_t seal_id;  /* the closing record that ended the slice, 0 = none */
        struct seal seal; /* what it says */
        int64_t anchor;   /* an extract's: the record before its run, as the run's row says; -1 = not known */
        char anchor_sha256[65]; /* that record's */
};

static void find(struct walk *w, int64_t id, const char *fmt, ...) TEXT_PRINTF(3, 4);
static void find(struct walk *w, int64_t id, const char *fmt, ...)
{
        char what[256];
        struct text t;
        va_list args;

        text_init(&t, what, sizeof what);
        va_start(args, fmt);
        text_addv(&t, fmt, args);
        va_end(args);
        w->out->findings++;
        w->how->find(w->how->ctx, id, what);
}

static bool goes_on(void *walk)
{
        const struct walk *w = walk;

        return w->how->go_on == NULL || w->how->go_on(w->how->ctx, w->out->records, w->all);
}

/* A text of exactly these bytes: "" when the column holds anything else but one of 64. */
static void get_hex(sqlite3_stmt *stmt, int column, char hex[65])
{
        const char *text = sqlite3_column_type(stmt, column) == SQLITE_TEXT
                               ? (const char *)sqlite3_column_text(stmt, column)
                               : NULL;

        hex[0] = '\0';
        if (text != NULL && sqlite3_column_bytes(stmt, column) == HEX && strlen(text) == HEX)
                text_copy(hex, 65, text);
}

static bool is_text(sqlite3_stmt *stmt, int column, const char *text)
{
        return sqlite3_column_type(stmt, column) == SQLITE_TEXT &&
               sqlite3_column_bytes(stmt, column) == (int)strlen(text) &&
               strcmp((const char *)sqlite3_column_text(stmt, column), text) == 0;
}

/* ---- one record ---- */

/* Its own digest from what it names before it and what it says. */
static int digest_record(struct walk *w, sqlite3_stmt *stmt, char hex[65])
{
        const char *prev = (const char *)sqlite3_column_text(stmt, COLUMN_PREV);
        sqlite3_str *bytes = sqlite3_str_new(NULL);

        sqlite3_str_append(bytes, prev == NULL ? "" : prev, sqlite3_column_bytes(stmt, COLUMN_PREV));
        sqlite3_str_appendchar(bytes, 1, '\n');
        audit_add_row(bytes, stmt, CANONICAL);
        int rc = sqlite3_str_errcode(bytes);
        hex[0] = '\0';
        if (rc == SQLITE_OK)
                w->how->digest(sqlite3_str_value(bytes), (size_t)sqlite3_str_length(bytes), hex);
        sqlite3_free(sqlite3_str_finish(bytes));
        return rc;
}

static int64_t expected_first(const struct walk *w)
{
        return w->anchor > 0 ? w->anchor : 1;
}

/* Is it the record after the one before? */
static void check_place(struct walk *w, int64_t id)
{
        int64_t expected = w->out->records > 0 ? w->out->head.id + 1 : expected_first(w);

        if (w->out->extract != 0 && w->anchor < 0 && w->out->records == 0) {
                w->is_linked = false; /* of a run without heads */
                return;
        }
        if (id == expected)
                return;
        w->is_linked = false;
        if (id < expected)
                find(w, id, "record %" PRId64 " stands before the first one, %" PRId64, id, expected);
        else if (id == expected + 1)
                find(w, expected, "record %" PRId64 " is missing", expected);
        else
                find(w, expected, "records %" PRId64 " to %" PRId64 " are missing", expected, id - 1);
}

/* `names_last`: it names the record that was read before it. */
static void check_link(struct walk *w, sqlite3_stmt *stmt, int64_t id, bool names_last)
{
        bool is_anchor = w->out->extract != 0 && w->anchor > 0 && id == w->anchor;

        if (is_anchor) {
                if (!is_text(stmt, COLUMN_SHA, w->anchor_sha256))
                        find(w, id, "record %" PRId64 " is not the one at which the run began", id);
        } else if (w->is_linked && !names_last) {
                find(w, id,
                    "record %" PRId64 " does not continue record %" PRId64
                    ": it names another SHA-256 before it",
                    id, id - 1);
        }
}

static void note_seal(struct walk *w, sqlite3_stmt *stmt, int64_t id)
{
        if (seal_parse((const char *)sqlite3_column_text(stmt, COLUMN_ROLE),
                (const char *)sqlite3_column_text(stmt, COLUMN_COMMAND),
                (const char *)sqlite3_column_text(stmt, COLUMN_ARGUMENTS),
                (const char *)sqlite3_column_text(stmt, COLUMN_RESULT), &w->seal))
                w->seal_id = id;
}

static int check_record(struct walk *w, sqlite3_stmt *stmt)
{
        int64_t id = sqlite3_column_int64(stmt, 0);
        char computed[65], stored[65];

        get_hex(stmt, COLUMN_SHA, stored);
        bool names_last =
            is_text(stmt, COLUMN_PREV, w->out->head.sha256); /* before it is read as another type */
        int rc = digest_record(w, stmt, computed);
        if (rc != SQLITE_OK)
                return rc;
        check_place(w, id);
        if (stored[0] == '\0' && sqlite3_column_type(stmt, COLUMN_SHA) == SQLITE_NULL)
                find(w, id, "record %" PRId64 " is not chained: it has no SHA-256", id);
        else if (strcmp(stored, computed) != 0)
                find(w, id, "record %" PRId64 " was changed: its SHA-256 is not that of what it says", id);
        else
                note_seal(w, stmt, id);
        check_link(w, stmt, id, names_last);
        if (w->out->records++ == 0)
                w->out->first.id = id;
        w->out->head.id = id;
        text_copy(w->out->head.sha256, sizeof w->out->head.sha256, stored);
        w->is_linked = true;
        return SQLITE_OK;
}

/* ---- a run against its closing record ---- */

static void compare_seal(struct walk *w, int64_t id, const struct seal *is)
{
        const struct seal *was = &w->seal;

        if (is->rows == 0) {
                find(w, was->run, "run %" PRId64 " is missing: record %" PRId64 " closed it", was->run, id);
                return;
        }
        if (is->rows != was->rows)
                find(w, was->run,
                    "run %" PRId64 " was changed: it has %" PRId64
                    " rows (cycles, pulses, events ...), record %" PRId64 " closed it with %" PRId64,
                    was->run, is->rows, id, was->rows);
        else if (strcmp(is->rows_sha256, was->rows_sha256) != 0)
                find(w, was->run,
                    "run %" PRId64 " was changed: its rows are not those that record %" PRId64 " closed",
                    was->run, id);
        if (is->pieces == 0 && was->pieces > 0)
                find(w, was->run, "run %" PRId64 ": its tape (table input) is gone, %" PRId64 " pieces",
                    was->run, was->pieces);
        else if (is->pieces != was->pieces || strcmp(is->tape_sha256, was->tape_sha256) != 0)
                find(w, was->run,
                    "run %" PRId64 " was changed: its tape (table input) is not that which record %" PRId64
                    " closed",
                    was->run, id);
}

static bool is_same(const struct seal *a, const struct seal *b)
{
        return a->rows == b->rows && a->pieces == b->pieces && strcmp(a->rows_sha256, b->rows_sha256) == 0 &&
               strcmp(a->tape_sha256, b->tape_sha256) == 0;
}

static int check_seal(struct walk *w)
{
        const struct seal_pause pause = {goes_on, w};
        int64_t later = 0, id = w->seal_id;
        struct seal is;
        int rc = seal_read(w->db, w->seal.run, NULL, w->how->digest, &pause, &is);

        w->seal_id = 0;
        w->out->sealed++;
        w->out->pieces += w->seal.pieces;
        if (rc != SQLITE_OK || is_same(&is, &w->seal))
                return rc;
        rc = seal_find(w->db, w->seal.run, id, &later); /* what came late is in another one */
        if (rc == SQLITE_OK && later == 0)
                compare_seal(w, id, &is);
        else
                w->out->sealed--;
        return rc;
}

/* ---- the chain ---- */

static int walk_slice(struct walk *w, bool *is_more)
{
        sqlite3_stmt *stmt = NULL;
        int64_t before = w->out->records;
        int rc = sqlite3_prepare_v2(w->db, RECORD "WHERE id >= ?1 ORDER BY id LIMIT ?2", -1, &stmt, NULL);

        sqlite3_bind_int64(stmt, 1, w->next);
        sqlite3_bind_int(stmt, 2, SLICE);
        while (rc == SQLITE_OK && w->seal_id == 0 && (rc = sqlite3_step(stmt)) == SQLITE_ROW)
                rc = check_record(w, stmt);
        sqlite3_finalize(stmt);
        *is_more = w->out->records > before && w->out->head.id < INT64_MAX;
        w->next = *is_more ? w->out->head.id + 1 : w->next;
        return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static int walk_chain(struct walk *w)
{
        bool is_more = true;
        int rc = SQLITE_OK;

        w->next = INT64_MIN;
        w->is_linked = w->out->extract == 0 || w->anchor == 0; /* the first one continues "" */
        while (rc == SQLITE_OK && is_more) {
                rc = goes_on(w) ? walk_slice(w, &is_more) : SQLITE_INTERRUPT;
                if (rc == SQLITE_OK && w->seal_id != 0)
                        rc = check_seal(w);
        }
        return rc;
}

/* ---- heads ---- */

/* Is the record with this number the one that a head names? `who` begins the sentence that says what is not. */
static int check_head(struct walk *w, int64_t finding_id, const char *who, int64_t id, const char *sha256)
{
        sqlite3_stmt *stmt = NULL;
        int rc;

        if (w->out->extract != 0 && (id > w->out->head.id || id < w->out->first.id)) {
                find(w, finding_id,
                    "%s names record %" PRId64 ", but this extract has records %" PRId64 " to %" PRId64, who,
                    id, w->out->first.id, w->out->head.id);
                return SQLITE_OK;
        }
        if (id > w->out->head.id) {
                find(w, finding_id,
                    "%s names record %" PRId64 ", but the chain ends at record %" PRId64
                    ": what followed is missing",
                    who, id, w->out->head.id);
                return SQLITE_OK;
        }
        rc = sqlite3_prepare_v2(w->db, RECORD "WHERE id = ?1", -1, &stmt, NULL);
        sqlite3_bind_int64(stmt, 1, id);
        if (rc == SQLITE_OK)
                rc = sqlite3_step(stmt);
        if (rc == SQLITE_DONE)
                find(w, finding_id, "%s names record %" PRId64 ", which is missing", who, id);
        else if (rc == SQLITE_ROW && !is_text(stmt, COLUMN_SHA, sha256))
                find(w, finding_id, "%s names record %" PRId64 " with another SHA-256 than the chain has",
                    who, id);
        sqlite3_finalize(stmt);
        return rc == SQLITE_DONE || rc == SQLITE_ROW ? SQLITE_OK : rc;
}

/* A head that a run's row holds at `column` (number, SHA-256); NULL: of a time before heads were kept. */
static int check_run_head(struct walk *w, sqlite3_stmt *stmt, int column, const char *what)
{
        int64_t run = sqlite3_column_int64(stmt, 0), id = sqlite3_column_int64(stmt, column);
        char who[64], hex[65];
        struct text t;

        if (sqlite3_column_type(stmt, column) == SQLITE_NULL)
                return SQLITE_OK;
        get_hex(stmt, column + 1, hex);
        if (id == 0 && is_text(stmt, column + 1, ""))
                return SQLITE_OK;
        text_init(&t, who, sizeof who);
        text_add(&t, "the %s of run %" PRId64, what, run);
        return check_head(w, run, who, id, hex);
}

static int check_run(struct walk *w, sqlite3_stmt *stmt)
{
        int64_t run = sqlite3_column_int64(stmt, 0), seal = 0;
        int rc = check_run_head(w, stmt, 1, "begin");

        if (sqlite3_column_type(stmt, 1) != SQLITE_NULL)
                w->out->runs++;
        if (rc == SQLITE_OK)
                rc = check_run_head(w, stmt, 3, "end");
        if (rc != SQLITE_OK || sqlite3_column_type(stmt, 3) == SQLITE_NULL)
                return rc;
        rc = seal_find(w->db, run, sqlite3_column_int64(stmt, 3), &seal);
        if (rc == SQLITE_OK && seal == 0)
                find(w, run, "run %" PRId64 " has ended, but its closing record is missing", run);
        return rc;
}

static int check_runs(struct walk *w)
{
        int64_t last = INT64_MIN, before;
        int rc = SQLITE_OK;

        do {
                sqlite3_stmt *stmt = NULL;

                if (!goes_on(w))
                        return SQLITE_INTERRUPT;
                before = last;
                rc = sqlite3_prepare_v2(w->db,
                    "SELECT id, audit_id, audit_sha256, audit_id_ended, audit_sha256_ended FROM run WHERE id "
                    "> ?1"
                    " ORDER BY id LIMIT ?2",
                    -1, &stmt, NULL);
                sqlite3_bind_int64(stmt, 1, last);
                sqlite3_bind_int(stmt, 2, RUNS_AT_ONCE);
                while (rc == SQLITE_OK && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
                        last = sqlite3_column_int64(stmt, 0);
                        rc = check_run(w, stmt);
                }
                sqlite3_finalize(stmt);
                rc = rc == SQLITE_DONE ? SQLITE_OK : rc;
        } while (rc == SQLITE_OK && last > before);
        return rc;
}

/* ---- all of it ---- */

static int ask(sqlite3 *db, const char *sql, sqlite3_stmt **stmt)
{
        int rc = sqlite3_prepare_v2(db, sql, -1, stmt, NULL);

        return rc == SQLITE_OK ? sqlite3_step(*stmt) : rc;
}

/* An extract's chain begins at the record that its only run's row names. */
static int find_anchor(struct walk *w)
{
        sqlite3_stmt *stmt = NULL;
        int rc = ask(w->db, "SELECT id, audit_id, audit_sha256 FROM run", &stmt);

        w->anchor = -1;
        if (rc == SQLITE_ROW) {
                w->out->extract = sqlite3_column_int64(stmt, 0);
                if (sqlite3_column_type(stmt, 1) != SQLITE_NULL)
                        w->anchor = sqlite3_column_int64(stmt, 1);
                get_hex(stmt, 2, w->anchor_sha256);
        }
        sqlite3_finalize(stmt);
        if (rc == SQLITE_DONE)
                find(w, 0, "the run of this extract is missing");
        return rc == SQLITE_ROW || rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static int begin(struct walk *w)
{
        sqlite3_stmt *stmt = NULL;
        bool is_extract = false;
        int rc = ask(w->db,
            "SELECT application_id, (SELECT max(id) - min(id) + 1 FROM audit) FROM pragma_application_id",
            &stmt);

        if (rc == SQLITE_ROW) {
                is_extract = sqlite3_column_int64(stmt, 0) == SCHEMA_EXTRACT_ID;
                w->all = sqlite3_column_int64(stmt, 1);
        }
        sqlite3_finalize(stmt);
        if (rc != SQLITE_ROW)
                return rc;
        return is_extract ? find_anchor(w) : SQLITE_OK;
}

int audit_verify(sqlite3 *db, const struct audit_verify *how, struct audit_verified *out)
{
        struct walk w = {.db = db, .how = how, .out = out};

        assert(how->digest != NULL && how->find != NULL);
        *out = (struct audit_verified){0};
        int rc = begin(&w);
        if (rc == SQLITE_OK)
                rc = walk_chain(&w);
        if (rc == SQLITE_OK)
                rc = check_runs(&w);
        if (rc == SQLITE_OK && how->kept != NULL)
                rc = check_head(&w, how->kept->id, "the head given", how->kept->id, how->kept->sha256);
        return rc;
}
