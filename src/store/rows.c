#include "ald/store/rows.h"

#include "ald/base/text.h"       /* text_add, text_copy */
#include "ald/base/time.h"       /* time_format_utc */
#include "ald/core/event.h"      /* pulse_outcome_name */
#include "ald/store/closing.h"   /* struct closing */
#include "ald/store/counts.h"    /* counts_put_valve, counts_put_bottle */
#include "ald/store/rollup.h"    /* rollup_note, rollup_update */
#include "ald/store/statement.h" /* struct statements */

#include <assert.h>   /* assert */
#include <inttypes.h> /* PRId64 */
#include <stdlib.h>   /* calloc, free */
#include <string.h>   /* memset */

/* Samples of one tag left out in the transaction under way. */
struct left_out {
        int64_t count, first_us, last_us;
};

struct rows {
        struct statements sql;
        struct rows_config config;
        int64_t tag_id[TOOL_TAGS_MAX];
        struct audit_head head, head_committed;
        struct closing closing;
        bool is_told; /* a head was */
        int64_t duplicates, duplicates_now;
        struct left_out left_out[TOOL_TAGS_MAX];
        struct rollup *rollup;
};

static int put_event(struct rows *r, const struct record *record, const char *data)
{
        const struct record_event *e = &record->u.event;
        sqlite3_stmt *stmt = r->sql.prepared[STATEMENT_EVENT];

        sqlite3_bind_int64(stmt, 1, record->wall_us);
        if (record->run_id > 0)
                sqlite3_bind_int64(stmt, 2, record->run_id);
        statement_bind_text(stmt, 3, e->kind, sizeof e->kind);
        sqlite3_bind_text(
            stmt, 4, record_severity_name((enum record_severity)e->severity), -1, SQLITE_STATIC);
        statement_bind_text(stmt, 5, e->source, sizeof e->source);
        statement_bind_text(stmt, 6, e->text, sizeof e->text);
        sqlite3_bind_text(stmt, 7, data, -1, SQLITE_STATIC);
        return statement_run(&r->sql, stmt);
}

static void bind_resume(sqlite3_stmt *stmt, const struct recipe_resume *from)
{
        for (int at = 14; at <= 17; at++)
                sqlite3_bind_null(stmt, at);
        if (from->run_id == 0)
                return;
        sqlite3_bind_int64(stmt, 14, from->run_id);
        sqlite3_bind_int64(stmt, 15, from->cycle);
        sqlite3_bind_text(stmt, 16, from->path, -1, SQLITE_STATIC);
        sqlite3_bind_int(stmt, 17, from->attempt);
}

/* In the run's row: what the chain was then. */
static void bind_head(struct rows *r, sqlite3_stmt *stmt, int at)
{
        if (r->config.digest == NULL)
                return;
        sqlite3_bind_int64(stmt, at, r->head.id);
        sqlite3_bind_text(stmt, at + 1, r->head.sha256, -1, SQLITE_STATIC);
}

static int put_run_start(struct rows *r, const struct record *record, const struct runcopy *copy)
{
        const struct record_run *run = &record->u.run;
        sqlite3_stmt *stmt = r->sql.prepared[STATEMENT_RUN_START];
        int gauge = r->config.tool->gauge;

        assert(copy != NULL);
        sqlite3_bind_int64(stmt, 1, record->run_id);
        statement_bind_text(stmt, 2, run->state, sizeof run->state);
        statement_bind_text(stmt, 3, run->reason, sizeof run->reason);
        statement_bind_text(stmt, 4, run->user, sizeof run->user);
        sqlite3_bind_int64(stmt, 5, record->wall_us);
        statement_bind_text(stmt, 6, copy->recipe, sizeof copy->recipe);
        sqlite3_bind_text(stmt, 7, runcopy_parameters(copy), -1, sqlite3_free);
        sqlite3_bind_text(stmt, 8,
            runcopy_declared(copy, gauge >= 0 ? r->config.tool->tags[gauge].unit->name : ""), -1,
            sqlite3_free);
        sqlite3_bind_text(stmt, 9, copy->text, (int)copy->text_len, SQLITE_STATIC);
        sqlite3_bind_text(stmt, 10, copy->sha256, -1, SQLITE_STATIC);
        sqlite3_bind_text(stmt, 11, r->config.tool_text, -1, SQLITE_STATIC);
        sqlite3_bind_text(stmt, 12, r->config.tool_sha256, -1, SQLITE_STATIC);
        sqlite3_bind_text(stmt, 13, r->config.version, -1, SQLITE_STATIC);
        bind_resume(stmt, &copy->resume);
        bind_head(r, stmt, 18);
        closing_run_begins(&r->closing, record->run_id);
        return statement_run(&r->sql, stmt);
}

static int put_run(struct rows *r, const struct record *record, enum statement which)
{
        const struct record_run *run = &record->u.run;
        sqlite3_stmt *stmt = r->sql.prepared[which];

        sqlite3_bind_int64(stmt, 1, record->run_id);
        statement_bind_text(stmt, 2, run->state, sizeof run->state);
        statement_bind_text(stmt, 3, run->reason, sizeof run->reason);
        if (which == STATEMENT_RUN_END) {
                sqlite3_bind_int64(stmt, 5, record->wall_us);
                bind_head(r, stmt, 6);
                closing_run_ends(&r->closing, record->run_id);
        }
        return statement_run(&r->sql, stmt);
}

static int put_cycle(struct rows *r, const struct record *record)
{
        sqlite3_stmt *stmt = r->sql.prepared[STATEMENT_CYCLE];

        sqlite3_bind_int64(stmt, 1, record->run_id);
        sqlite3_bind_int64(stmt, 2, record->u.cycle.n);
        sqlite3_bind_int64(stmt, record->kind == RECORD_CYCLE_START ? 3 : 4, record->wall_us);
        return statement_run(&r->sql, stmt);
}

static int put_pulse(struct rows *r, const struct record *record, enum statement which)
{
        const struct record_pulse *p = &record->u.pulse;
        sqlite3_stmt *stmt = r->sql.prepared[which];

        assert(p->line < r->config.tool->line_count);
        sqlite3_bind_int64(stmt, 1, record->run_id);
        sqlite3_bind_int64(stmt, 2, p->cycle);
        statement_bind_text(stmt, 3, p->path, sizeof p->path);
        sqlite3_bind_int(stmt, 4, p->attempt);
        sqlite3_bind_text(stmt, 5,
            pulse_outcome_name(
                which == STATEMENT_PULSE_START ? PULSE_PENDING : (enum pulse_outcome)p->outcome),
            -1, SQLITE_STATIC);
        sqlite3_bind_text(stmt, 6, p->line < 0 ? "" : r->config.tool->lines[p->line].name, -1, SQLITE_STATIC);
        statement_bind_known(stmt, 7, p->planned_open_us);
        statement_bind_known(stmt, 8, p->planned_width_us);
        if (which == STATEMENT_PULSE_END) {
                statement_bind_known(stmt, 9, p->opened_us);
                statement_bind_known(stmt, 10, p->width_us);
                statement_bind_known(stmt, 14, p->open_acked_us);
                statement_bind_known(stmt, 15, p->closed_us);
                statement_bind_known(stmt, 16, p->close_acked_us);
                sqlite3_bind_int(stmt, 20, p->is_device_timed);
        } else if (which == STATEMENT_PULSE_METRICS) { /* NaN is bound as NULL by SQLite */
                sqlite3_bind_double(stmt, 11, p->pressure_base);
                sqlite3_bind_double(stmt, 12, p->pressure_peak);
                sqlite3_bind_double(stmt, 13, p->pressure_area);
                sqlite3_bind_double(stmt, 17, p->pressure_fit);
                statement_bind_known(stmt, 18, p->pressure_decay_us);
        }
        return statement_run(&r->sql, stmt);
}

static int put_base(struct rows *r, const struct record *record)
{
        const struct record_base *b = &record->u.base;
        sqlite3_stmt *stmt = r->sql.prepared[STATEMENT_BASE];

        sqlite3_bind_int64(stmt, 1, record->run_id);
        sqlite3_bind_text(stmt, 2, b->is_after ? "after" : "before", -1, SQLITE_STATIC);
        sqlite3_bind_int64(stmt, 3, record->wall_us);
        sqlite3_bind_double(stmt, 4, b->flow);
        sqlite3_bind_double(stmt, 5, b->pressure);
        sqlite3_bind_double(stmt, 6, b->spread);
        sqlite3_bind_int64(stmt, 7, b->samples);
        return statement_run(&r->sql, stmt);
}

static void bind_audit_texts(sqlite3_stmt *stmt, const struct record_audit *a)
{
        statement_bind_text(stmt, 5, a->user, sizeof a->user);
        statement_bind_text(stmt, 6, a->role, sizeof a->role);
        statement_bind_text(stmt, 7, a->command, sizeof a->command);
        statement_bind_text(stmt, 8, a->arguments, sizeof a->arguments);
        statement_bind_text(stmt, 9, a->state_before, sizeof a->state_before);
        statement_bind_text(stmt, 10, a->state_after, sizeof a->state_after);
        statement_bind_text(stmt, 11, a->result, sizeof a->result);
}

static int put_audit(struct rows *r, const struct record *record)
{
        sqlite3_stmt *stmt = r->sql.prepared[STATEMENT_AUDIT];
        struct audit_head next = r->head;
        int rc = audit_advance(&next, record, r->config.digest);

        if (rc != SQLITE_OK)
                return statement_failed(&r->sql, rc);
        sqlite3_bind_int64(stmt, 1, next.id);
        sqlite3_bind_int64(stmt, 2, record->wall_us);
        sqlite3_bind_int64(stmt, 3, record->u.audit.uid);
        sqlite3_bind_int64(stmt, 4, record->u.audit.pid);
        bind_audit_texts(stmt, &record->u.audit);
        if (r->config.digest != NULL) {
                sqlite3_bind_text(stmt, 12, r->head.sha256, -1, SQLITE_STATIC);
                sqlite3_bind_text(stmt, 13, next.sha256, -1, SQLITE_STATIC);
        }
        rc = statement_run(&r->sql, stmt);
        if (rc == SQLITE_OK)
                r->head = next;
        return rc;
}

static int put_any(struct rows *r, const struct record *record, const struct runcopy *copy)
{
        switch (record->kind) {
        case RECORD_RUN_START:
                return put_run_start(r, record, copy);
        case RECORD_RUN_STATE:
                return put_run(r, record, STATEMENT_RUN_STATE);
        case RECORD_RUN_END:
                return put_run(r, record, STATEMENT_RUN_END);
        case RECORD_CYCLE_START:
        case RECORD_CYCLE_END:
                return put_cycle(r, record);
        case RECORD_PULSE_START:
                return put_pulse(r, record, STATEMENT_PULSE_START);
        case RECORD_PULSE_END:
                return put_pulse(r, record, STATEMENT_PULSE_END);
        case RECORD_PULSE_METRICS:
                return put_pulse(r, record, STATEMENT_PULSE_METRICS);
        case RECORD_BASE:
                return put_base(r, record);
        case RECORD_EVENT:
                return put_event(r, record, NULL);
        case RECORD_AUDIT:
                return put_audit(r, record);
        case RECORD_VALVE:
                return counts_put_valve(&r->sql, r->config.tool, record);
        case RECORD_BOTTLE:
                return counts_put_bottle(&r->sql, r->config.tool, record);
        case RECORD_SAMPLE:
                break;
        }
        assert(record->kind != RECORD_SAMPLE); /* samples have a queue of their own */
        return SQLITE_MISUSE;
}

/* What its table refuses for itself must not stand in the way of all others: an event says so. Other codes are returned. */
static int note_refused(struct rows *r, int rc, int64_t run_id, int64_t wall_us)
{
        struct record note = {.kind = RECORD_EVENT, .wall_us = wall_us, .run_id = run_id};
        struct text t;

        if (rc != SQLITE_CONSTRAINT && rc != SQLITE_TOOBIG && rc != SQLITE_MISMATCH)
                return rc;
        text_copy(note.u.event.kind, sizeof note.u.event.kind, "gap");
        text_copy(note.u.event.source, sizeof note.u.event.source, "record");
        note.u.event.severity = RECORD_ALARM;
        text_init(&t, note.u.event.text, sizeof note.u.event.text);
        text_add(&t, "a record could not be kept: %s", r->sql.error);
        return put_event(r, &note, NULL);
}

/* Of what the closing of runs says: a record of its own, which must not stand in the way of the others either. */
static int put_closing(void *rows, const struct record *record)
{
        struct rows *r = rows;

        return note_refused(r, put_audit(r, record), 0, record->wall_us);
}

static int closed(struct rows *r, int rc)
{
        return rc == SQLITE_OK ? rc : statement_failed(&r->sql, rc);
}

int rows_put_record(struct rows *r, const struct record *record, const struct runcopy *copy)
{
        int rc = note_refused(r, put_any(r, record, copy), record->run_id, record->wall_us);

        if (rc == SQLITE_OK && record->kind != RECORD_AUDIT)
                rc = closed(r, closing_note(&r->closing, record->run_id, record->wall_us));
        return rc;
}

int rows_put_input(struct rows *r, const struct tape_piece *piece)
{
        sqlite3_stmt *stmt = r->sql.prepared[STATEMENT_INPUT];

        sqlite3_bind_int64(stmt, 1, piece->run_id);
        sqlite3_bind_int64(stmt, 2, piece->n);
        sqlite3_bind_int64(stmt, 3, piece->wall_us);
        sqlite3_bind_text(stmt, 4, tape_kind_name(piece->kind), -1, SQLITE_STATIC);
        if (piece->len > 0)
                sqlite3_bind_blob(stmt, 5, piece->bytes, (int)piece->len, SQLITE_STATIC);
        int rc = statement_run(&r->sql, stmt);
        return rc == SQLITE_OK ? closed(r, closing_piece(&r->closing, piece))
                               : note_refused(r, rc, piece->run_id, piece->wall_us);
}

/* An event that accounts for samples which are not in the table. */
static int put_gap(struct rows *r, int tag, struct left_out gap, const char *reason)
{
        struct record note = {.kind = RECORD_EVENT, .wall_us = gap.last_us};
        char first[TIME_UTC_CAP], last[TIME_UTC_CAP], data[256];
        struct text t;

        time_format_utc(gap.first_us, first);
        time_format_utc(gap.last_us, last);
        note.u.event.severity = RECORD_WARNING;
        text_copy(note.u.event.kind, sizeof note.u.event.kind, "gap");
        text_copy(note.u.event.source, sizeof note.u.event.source, r->config.tool->tags[tag].name);
        text_init(&t, note.u.event.text, sizeof note.u.event.text);
        text_add(&t, "%" PRId64 " samples not kept between %s and %s: %s", gap.count, first, last, reason);
        text_init(&t, data, sizeof data);
        text_add(&t,
            "{\"tag_id\":%" PRId64 ",\"first_us\":%" PRId64 ",\"last_us\":%" PRId64 ",\"count\":%" PRId64
            ",\"reason\":\"%s\"}",
            r->tag_id[tag], gap.first_us, gap.last_us, gap.count, reason);
        assert(!t.truncated);
        return put_event(r, &note, data);
}

static void leave_out(struct rows *r, const struct recq_sample *s)
{
        struct left_out *gap = &r->left_out[s->tag];

        if (gap->count == 0 || s->t_us < gap->first_us)
                gap->first_us = s->t_us;
        if (gap->count == 0 || s->t_us > gap->last_us)
                gap->last_us = s->t_us;
        gap->count++;
        r->duplicates_now++;
}

int rows_put_sample(struct rows *r, const struct recq_sample *s)
{
        sqlite3_stmt *stmt = r->sql.prepared[STATEMENT_SAMPLE];

        assert(s->tag >= 0 && s->tag < r->config.tool->tag_count);
        if (s->gap > 0)
                return put_gap(r, s->tag,
                    (struct left_out){.count = s->gap, .first_us = s->t_us, .last_us = s->u.last_us},
                    "the disk was too slow");
        sqlite3_bind_int64(stmt, 1, r->tag_id[s->tag]);
        sqlite3_bind_int64(stmt, 2, s->t_us);
        sqlite3_bind_double(stmt, 3, s->u.value); /* NaN becomes NULL */
        sqlite3_bind_int(stmt, 4, s->quality);
        int rc = statement_run(&r->sql, stmt);
        if (rc != SQLITE_OK)
                return rc;
        if (sqlite3_changes(r->sql.db) == 0)
                leave_out(r, s);
        else
                rollup_note(r->rollup, r->tag_id[s->tag], s->t_us);
        return rc;
}

static int put_left_out(struct rows *r)
{
        int rc = SQLITE_OK;

        for (int tag = 0; r->duplicates_now > 0 && tag < r->config.tool->tag_count && rc == SQLITE_OK;
             tag++) {
                if (r->left_out[tag].count > 0)
                        rc = put_gap(r, tag, r->left_out[tag], "a second sample at the same time");
        }
        return rc;
}

static void tell_head(struct rows *r, const char *when)
{
        if (r->config.tell_head != NULL && r->config.digest != NULL)
                r->config.tell_head(r->head_committed.id, r->head_committed.sha256, when);
        r->is_told = true;
}

static void forget_transaction(struct rows *r)
{
        if (r->duplicates_now > 0)
                memset(r->left_out, 0, sizeof r->left_out);
        r->duplicates_now = 0;
}

int rows_begin(struct rows *r)
{
        assert(r->duplicates_now == 0);
        r->head = r->head_committed;
        closing_begin(&r->closing);
        return statement_run_text(&r->sql, "BEGIN IMMEDIATE");
}

int rows_commit(struct rows *r)
{
        int rc = put_left_out(r);

        if (rc == SQLITE_OK && r->rollup != NULL)
                rc = rollup_update(r->rollup, ROLLUP_PERIODS_AT_ONCE);
        if (rc == SQLITE_OK)
                rc = closed(r, closing_put_due(&r->closing));
        if (rc == SQLITE_OK)
                rc = statement_run(&r->sql, r->sql.prepared[STATEMENT_BATCH]);
        if (rc == SQLITE_OK)
                rc = statement_run_text(&r->sql, "COMMIT");
        if (rc != SQLITE_OK)
                return rc;
        if (r->rollup != NULL)
                rollup_commit(r->rollup);
        r->head_committed = r->head;
        closing_commit(&r->closing);
        if (r->closing.when != NULL)
                tell_head(r, r->closing.when);
        r->duplicates += r->duplicates_now;
        forget_transaction(r);
        return SQLITE_OK;
}

void rows_rollback(struct rows *r)
{
        /* SQLite has already rolled back by itself after some errors (disk full). */
        if (sqlite3_get_autocommit(r->sql.db) == 0)
                sqlite3_exec(r->sql.db, "ROLLBACK", NULL, NULL, NULL);
        if (r->rollup != NULL)
                rollup_rollback(r->rollup);
        forget_transaction(r);
}

const char *rows_error(const struct rows *r)
{
        return r->sql.error;
}

struct statements *rows_statements(struct rows *r)
{
        return &r->sql;
}

struct rollup *rows_rollup(struct rows *r)
{
        return r->rollup;
}

int64_t rows_duplicates(const struct rows *r)
{
        return r->duplicates;
}

int64_t rows_duplicates_now(const struct rows *r)
{
        return r->duplicates_now;
}

static int find_tag(struct rows *r, sqlite3_stmt *stmt, int tag)
{
        const struct tool_tag *t = &r->config.tool->tags[tag];

        sqlite3_bind_text(stmt, 1, t->name, -1, SQLITE_STATIC);
        sqlite3_bind_text(stmt, 2, t->unit == NULL ? "" : t->unit->name, -1, SQLITE_STATIC);
        int rc = sqlite3_step(stmt);
        if (rc == SQLITE_ROW) {
                r->tag_id[tag] = sqlite3_column_int64(stmt, 0);
                rc = sqlite3_step(stmt);
        }
        if (rc != SQLITE_DONE)
                statement_failed(&r->sql, rc);
        sqlite3_reset(stmt);
        return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

/* A tag keeps its number as long as its name and unit stay. */
static int find_tags(struct rows *r)
{
        sqlite3_stmt *stmt = NULL;
        int rc = sqlite3_prepare_v2(r->sql.db,
            "INSERT INTO tag(name, unit) VALUES(?1, ?2) ON CONFLICT DO UPDATE SET name = excluded.name"
            " RETURNING id",
            -1, &stmt, NULL);

        if (rc != SQLITE_OK)
                return statement_failed(&r->sql, rc);
        for (int tag = 0; tag < r->config.tool->tag_count && rc == SQLITE_OK; tag++)
                rc = find_tag(r, stmt, tag);
        sqlite3_finalize(stmt);
        return rc;
}

struct rows *rows_new(sqlite3 *db, const struct rows_config *config, struct text *why)
{
        assert(db != NULL && config->tool != NULL);
        struct rows *r = calloc(1, sizeof *r);

        if (r == NULL) {
                text_add(why, "out of memory");
                return NULL;
        }
        r->config = *config;
        r->closing = (struct closing){.db = db, .digest = config->digest, .put = put_closing, .ctx = r};
        int rc = statement_prepare(&r->sql, db);
        if (rc == SQLITE_OK) {
                rc = audit_read_head(db, &r->head_committed);
                if (rc != SQLITE_OK)
                        statement_failed(&r->sql, rc);
        }
        if (rc == SQLITE_OK)
                rc = rows_begin(r);
        if (rc == SQLITE_OK)
                rc = find_tags(r);
        if (rc == SQLITE_OK)
                rc = closed(r, closing_put_interrupted(&r->closing, &r->head, config->wall_us));
        if (rc == SQLITE_OK)
                rc = rows_commit(r);
        if (rc == SQLITE_OK)
                r->rollup = rollup_new(&r->sql, &rc);
        if (rc == SQLITE_OK)
                return r;
        text_add(why, "%s", r->sql.error);
        rows_rollback(r);
        rows_free(r);
        return NULL;
}

void rows_free(struct rows *r)
{
        if (r == NULL)
                return;
        if (r->is_told)
                tell_head(r, "closed");
        rollup_free(r->rollup);
        statement_finalize(&r->sql);
        free(r);
}
