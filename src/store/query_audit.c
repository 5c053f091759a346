/* Questions about the audit chain, and about the file as a whole. */
#include "query_state.h"

#include "ald/store/audit_verify.h" /* audit_verify */

#include <string.h> /* strcmp */

static void get_audit(sqlite3_stmt *stmt, struct query_audit *a)
{
        const struct {
                char *to;
                size_t cap;
        } texts[] = {{a->user, sizeof a->user}, {a->role, sizeof a->role}, {a->command, sizeof a->command},
            {a->arguments, sizeof a->arguments}, {a->state_before, sizeof a->state_before},
            {a->state_after, sizeof a->state_after}, {a->result, sizeof a->result},
            {a->sha256, sizeof a->sha256}};

        a->id = sqlite3_column_int64(stmt, 0);
        a->t_us = sqlite3_column_int64(stmt, 1);
        a->uid = sqlite3_column_int64(stmt, 2);
        a->pid = sqlite3_column_int64(stmt, 3);
        for (int i = 0; i < (int)(sizeof texts / sizeof texts[0]); i++)
                query_get_text(stmt, 4 + i, texts[i].to, texts[i].cap);
}

int query_audits(struct query *q, int limit, void (*row)(void *ctx, const struct query_audit *a), void *ctx)
{
        sqlite3_stmt *stmt = query_ask(q,
            "SELECT id, t_us, uid, pid, user, role, command, arguments, state_before, state_after, result, "
            "sha256"
            " FROM audit ORDER BY id DESC LIMIT ?1",
            limit);
        struct query_audit a;
        int found;

        if (stmt == NULL)
                return -1;
        while ((found = query_next(q, stmt)) == 1) {
                get_audit(stmt, &a);
                row(ctx, &a);
        }
        sqlite3_finalize(stmt);
        return found;
}

/* Between two slices the question that was asked is over: the next one gets a deadline of its own. */
struct pauses {
        struct query *q;
        const struct audit_verify *how;
};

static void pass_finding(void *ctx, int64_t id, const char *what)
{
        const struct pauses *p = ctx;

        p->how->find(p->how->ctx, id, what);
}

static bool go_on(void *ctx, int64_t done, int64_t all)
{
        const struct pauses *p = ctx;

        query_renew(p->q);
        return p->how->go_on == NULL || p->how->go_on(p->how->ctx, done, all);
}

int query_verify(struct query *q, const struct audit_verify *how, struct audit_verified *out)
{
        struct pauses p = {q, how};
        const struct audit_verify inner = {
            .digest = how->digest, .kept = how->kept, .find = pass_finding, .go_on = go_on, .ctx = &p};
        sqlite3 *db = query_renew(q);

        return audit_verify(db, &inner, out) == SQLITE_OK ? 0 : query_fail(q, sqlite3_errmsg(db));
}

int query_integrity(struct query *q, char *why, int why_cap)
{
        sqlite3 *db = query_renew(q);
        sqlite3_stmt *stmt;
        int found = -1;

        sqlite3_progress_handler(
            db, 0, NULL, NULL); /* there is no other reader or writer to be kept waiting */
        stmt = query_ask(q, "PRAGMA integrity_check(1)", 0);
        if (stmt != NULL && query_next(q, stmt) == 1) {
                query_get_text(stmt, 0, why, (size_t)why_cap);
                found = strcmp(why, "ok") != 0;
        }
        sqlite3_finalize(stmt);
        return found;
}
