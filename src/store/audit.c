#include "ald/store/audit.h"

#include "ald/base/text.h" /* text_copy */

#include <assert.h> /* assert */
#include <string.h> /* strnlen */

static void add_bytes(sqlite3_str *to, const char *text, size_t len)
{
        sqlite3_str_appendchar(to, 1, '"');
        for (size_t i = 0; i < len; i++) {
                unsigned char c = (unsigned char)text[i];

                if (c < 0x20) {
                        sqlite3_str_appendf(to, "\\u%04x", c);
                } else {
                        if (c == '"' || c == '\\')
                                sqlite3_str_appendchar(to, 1, '\\');
                        sqlite3_str_appendchar(to, 1, text[i]);
                }
        }
        sqlite3_str_appendchar(to, 1, '"');
}

void audit_add_json(sqlite3_str *to, const char *text, size_t max)
{
        add_bytes(to, text, strnlen(text, max));
}

static void add_blob(sqlite3_str *to, const unsigned char *bytes, int len)
{
        sqlite3_str_appendall(to, "x\"");
        for (int i = 0; i < len; i++)
                sqlite3_str_appendf(to, "%02x", bytes[i]);
        sqlite3_str_appendchar(to, 1, '"');
}

static void add_column(sqlite3_str *to, sqlite3_stmt *row, int column)
{
        const char *text;

        switch (sqlite3_column_type(row, column)) {
        case SQLITE_INTEGER:
                sqlite3_str_appendf(to, "%lld", sqlite3_column_int64(row, column));
                break;
        case SQLITE_FLOAT:
                sqlite3_str_appendf(to, "%!.17g", sqlite3_column_double(row, column));
                break;
        case SQLITE_TEXT:
                text =
                    (const char *)sqlite3_column_text(row, column); /* before its length (SQLite's manual) */
                add_bytes(to, text == NULL ? "" : text, (size_t)sqlite3_column_bytes(row, column));
                break;
        case SQLITE_BLOB:
                text = sqlite3_column_blob(row, column);
                add_blob(to, (const unsigned char *)text, sqlite3_column_bytes(row, column));
                break;
        default:
                sqlite3_str_appendall(to, "null");
                break;
        }
}

void audit_add_row(sqlite3_str *to, sqlite3_stmt *row, int columns)
{
        while (columns > 0 && sqlite3_column_type(row, columns - 1) == SQLITE_NULL)
                columns--;
        sqlite3_str_appendchar(to, 1, '[');
        for (int i = 0; i < columns; i++) {
                if (i > 0)
                        sqlite3_str_appendchar(to, 1, ',');
                add_column(to, row, i);
        }
        sqlite3_str_appendchar(to, 1, ']');
}

int audit_read_head(sqlite3 *db, struct audit_head *head)
{
        sqlite3_stmt *stmt = NULL;
        int rc =
            sqlite3_prepare_v2(db, "SELECT id, sha256 FROM audit ORDER BY id DESC LIMIT 1", -1, &stmt, NULL);

        *head = (struct audit_head){0};
        if (rc == SQLITE_OK)
                rc = sqlite3_step(stmt);
        if (rc == SQLITE_ROW) {
                const char *hex = (const char *)sqlite3_column_text(stmt, 1);

                head->id = sqlite3_column_int64(stmt, 0);
                text_copy(head->sha256, sizeof head->sha256, hex == NULL ? "" : hex);
        }
        sqlite3_finalize(stmt);
        return rc == SQLITE_ROW || rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static void add_canonical(sqlite3_str *to, int64_t id, const struct record *r)
{
        const struct record_audit *a = &r->u.audit;
        const struct {
                const char *text;
                size_t max;
        } texts[] = {
            {a->user, sizeof a->user},
            {a->role, sizeof a->role},
            {a->command, sizeof a->command},
            {a->arguments, sizeof a->arguments},
            {a->state_before, sizeof a->state_before},
            {a->state_after, sizeof a->state_after},
            {a->result, sizeof a->result},
        };

        sqlite3_str_appendf(to, "[%lld,%lld,%lld,%lld", (sqlite3_int64)id, (sqlite3_int64)r->wall_us,
            (sqlite3_int64)a->uid, (sqlite3_int64)a->pid);
        for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
                sqlite3_str_appendchar(to, 1, ',');
                audit_add_json(to, texts[i].text, texts[i].max);
        }
        sqlite3_str_appendchar(to, 1, ']');
}

int audit_advance(struct audit_head *head, const struct record *r, audit_digest *digest)
{
        assert(r->kind == RECORD_AUDIT && head->id >= 0);
        sqlite3_str *bytes = sqlite3_str_new(NULL);

        head->id++;
        sqlite3_str_appendf(bytes, "%s\n", head->sha256);
        add_canonical(bytes, head->id, r);
        int rc = sqlite3_str_errcode(bytes);
        head->sha256[0] = '\0';
        if (rc == SQLITE_OK && digest != NULL)
                digest(sqlite3_str_value(bytes), (size_t)sqlite3_str_length(bytes), head->sha256);
        sqlite3_free(sqlite3_str_finish(bytes));
        return rc;
}
