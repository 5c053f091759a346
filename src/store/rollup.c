#include "ald/store/rollup.h"

#include "ald/store/statement.h" /* struct statements */

#include <assert.h> /* assert */
#include <stdlib.h> /* calloc, free, bsearch */
#include <string.h> /* memcpy */

const int64_t rollup_period_us[ROLLUP_LEVELS] = {ROLLUP_PERIOD_0, ROLLUP_PERIOD_1, ROLLUP_PERIOD_2};

struct rollup_tag {
        int64_t id;
        int64_t newest_us;              /* of its samples; INT64_MIN: it has none */
        int64_t mark_us[ROLLUP_LEVELS]; /* INT64_MIN: nothing is made yet */
};

enum sql { SQL_SAMPLES, SQL_ROLLUPS, SQL_NEXT_SAMPLE, SQL_NEXT_ROLLUP, SQL_MARK, SQL_COUNT };

struct rollup {
        struct statements *sql;
        sqlite3_stmt *prepared[SQL_COUNT];
        int count;
        struct rollup_tag *tags, *committed; /* in order of their ids */
        bool is_changed;                     /* tags differ from what is committed */
        bool is_behind;
        int turn; /* where the next update begins: none waits for ever */
};

/* A row gives way only to one of as many samples: retention may have taken some. */
#define PUT_ROLLUP(from)                                                                                     \
        "INSERT INTO sample_rollup(tag_id, period, t_us, min, max, mean, count, uncertain, bad)"             \
        " SELECT ?1, ?2, ?3, * FROM (" from ") WHERE n + bad > 0 ON CONFLICT DO UPDATE SET"                  \
        " min = excluded.min, max = excluded.max, mean = excluded.mean, count = excluded.count,"             \
        " uncertain = excluded.uncertain, bad = excluded.bad"                                                \
        " WHERE excluded.count + excluded.bad >= count + bad"

static const char *const texts[SQL_COUNT] = {
    [SQL_SAMPLES] = PUT_ROLLUP(
        "SELECT min(v), max(v), avg(v), count(v) AS n, count(CASE WHEN quality = 1 THEN v END),"
        " count(*) - count(v) AS bad FROM (SELECT quality, CASE WHEN quality < 2 THEN value END AS v"
        " FROM sample WHERE tag_id = ?1 AND t_us >= ?3 AND t_us < ?3 + ?2)"),
    [SQL_ROLLUPS] =
        PUT_ROLLUP("SELECT min(min), max(max), total(mean * count) / nullif(total(count), 0),"
                   " coalesce(sum(count), 0) AS n, sum(uncertain), coalesce(sum(bad), 0) AS bad"
                   " FROM sample_rollup WHERE tag_id = ?1 AND period = ?4 AND t_us >= ?3 AND t_us < ?3 + ?2"),
    [SQL_NEXT_SAMPLE] = "SELECT min(t_us) FROM sample WHERE tag_id = ?1 AND t_us >= ?2",
    [SQL_NEXT_ROLLUP] =
        "SELECT min(t_us) FROM sample_rollup WHERE tag_id = ?1 AND t_us >= ?2 AND period = ?3",
    [SQL_MARK] = ("INSERT INTO rollup_mark(tag_id, period, t_us) VALUES(?1, ?2, ?3)"
                  " ON CONFLICT DO UPDATE SET t_us = excluded.t_us"),
};

/* The start of the period that holds t_us; times before 1970 too. */
static int64_t start_of(int64_t t_us, int level)
{
        int64_t rest = t_us % rollup_period_us[level];

        return t_us - (rest < 0 ? rest + rollup_period_us[level] : rest);
}

/* ---- Open ---- */

static int read_tags(struct rollup *r)
{
        sqlite3_stmt *stmt = NULL;
        int rc = sqlite3_prepare_v2(r->sql->db,
            "SELECT id, (SELECT max(t_us) FROM sample WHERE tag_id = tag.id),"
            " (SELECT t_us FROM rollup_mark WHERE tag_id = tag.id AND period = ?1),"
            " (SELECT t_us FROM rollup_mark WHERE tag_id = tag.id AND period = ?2),"
            " (SELECT t_us FROM rollup_mark WHERE tag_id = tag.id AND period = ?3),"
            " (SELECT count(*) FROM tag) FROM tag ORDER BY id",
            -1, &stmt, NULL);

        _Static_assert(ROLLUP_LEVELS == 3, "a column each");
        for (int i = 0; i < ROLLUP_LEVELS && rc == SQLITE_OK; i++)
                rc = sqlite3_bind_int64(stmt, i + 1, rollup_period_us[i]);
        while (rc == SQLITE_OK && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
                size_t count = (size_t)sqlite3_column_int64(stmt, 5);

                rc = SQLITE_OK;
                if (r->tags == NULL && (r->tags = calloc(count, sizeof *r->tags)) == NULL) {
                        rc = SQLITE_NOMEM;
                        break;
                }
                struct rollup_tag *t = &r->tags[r->count++];
                t->id = sqlite3_column_int64(stmt, 0);
                t->newest_us =
                    sqlite3_column_type(stmt, 1) == SQLITE_NULL ? INT64_MIN : sqlite3_column_int64(stmt, 1);
                for (int i = 0; i < ROLLUP_LEVELS; i++)
                        t->mark_us[i] = sqlite3_column_type(stmt, i + 2) == SQLITE_NULL
                                            ? INT64_MIN
                                            : sqlite3_column_int64(stmt, i + 2);
        }
        sqlite3_finalize(stmt);
        return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static int open_all(struct rollup *r)
{
        int rc = SQLITE_OK;

        for (int i = 0; i < SQL_COUNT && rc == SQLITE_OK; i++)
                rc = sqlite3_prepare_v3(
                    r->sql->db, texts[i], -1, SQLITE_PREPARE_PERSISTENT, &r->prepared[i], NULL);
        if (rc == SQLITE_OK)
                rc = read_tags(r);
        if (rc != SQLITE_OK)
                return rc;
        r->committed = calloc((size_t)r->count + 1, sizeof *r->committed);
        if (r->committed == NULL)
                return SQLITE_NOMEM;
        r->is_changed = r->is_behind = true;
        rollup_commit(r);
        return SQLITE_OK;
}

struct rollup *rollup_new(struct statements *sql, int *rc)
{
        struct rollup *r = calloc(1, sizeof *r);

        if (r == NULL) {
                *rc = SQLITE_NOMEM;
                return NULL;
        }
        r->sql = sql;
        *rc = open_all(r);
        if (*rc == SQLITE_OK)
                return r;
        statement_failed(sql, *rc);
        rollup_free(r);
        return NULL;
}

void rollup_free(struct rollup *r)
{
        if (r == NULL)
                return;
        for (int i = 0; i < SQL_COUNT; i++)
                sqlite3_finalize(r->prepared[i]);
        free(r->tags);
        free(r->committed);
        free(r);
}

/* ---- A transaction ---- */

static int compare_ids(const void *key, const void *tag)
{
        int64_t id = *(const int64_t *)key, other = ((const struct rollup_tag *)tag)->id;

        return (id > other) - (id < other);
}

void rollup_note(struct rollup *r, int64_t tag_id, int64_t t_us)
{
        struct rollup_tag *t = bsearch(&tag_id, r->tags, (size_t)r->count, sizeof *r->tags, compare_ids);

        assert(t != NULL);
        r->is_changed = true;
        if (t_us > t->newest_us)
                t->newest_us = t_us;
        for (int i = 0; i < ROLLUP_LEVELS; i++)
                if (t_us < t->mark_us[i])
                        t->mark_us[i] = start_of(t_us, i);
}

/* The start of the first period at or after from_us with something in it; end_us when there is none before that. */
static int find_next(struct rollup *r, const struct rollup_tag *t, int level, int64_t end_us, int64_t *at_us)
{
        sqlite3_stmt *stmt = r->prepared[level == 0 ? SQL_NEXT_SAMPLE : SQL_NEXT_ROLLUP];

        sqlite3_bind_int64(stmt, 1, t->id);
        sqlite3_bind_int64(stmt, 2, *at_us);
        if (level > 0)
                sqlite3_bind_int64(stmt, 3, rollup_period_us[level - 1]);
        int rc = sqlite3_step(stmt);
        bool is_none = rc != SQLITE_ROW || sqlite3_column_type(stmt, 0) == SQLITE_NULL;

        *at_us = is_none ? end_us : time_min(end_us, start_of(sqlite3_column_int64(stmt, 0), level));
        sqlite3_reset(stmt);
        return rc == SQLITE_ROW ? SQLITE_OK : statement_failed(r->sql, rc);
}

static int make_period(struct rollup *r, const struct rollup_tag *t, int level, int64_t at_us)
{
        sqlite3_stmt *stmt = r->prepared[level == 0 ? SQL_SAMPLES : SQL_ROLLUPS];

        sqlite3_bind_int64(stmt, 1, t->id);
        sqlite3_bind_int64(stmt, 2, rollup_period_us[level]);
        sqlite3_bind_int64(stmt, 3, at_us);
        if (level > 0)
                sqlite3_bind_int64(stmt, 4, rollup_period_us[level - 1]);
        return statement_run(r->sql, stmt);
}

/* Up to where a level can be made: the period under way is not. */
static int64_t find_end(const struct rollup_tag *t, int level)
{
        int64_t known_us = level == 0 ? t->newest_us : t->mark_us[level - 1];

        return known_us == INT64_MIN ? INT64_MIN : start_of(known_us, level);
}

/* *left: periods that may still be made. */
static int make_level(struct rollup *r, struct rollup_tag *t, int level, int *left)
{
        int64_t period_us = rollup_period_us[level], end_us = find_end(t, level);
        int rc = SQLITE_OK;

        while (t->mark_us[level] < end_us && rc == SQLITE_OK && *left > 0) {
                int64_t at_us = t->mark_us[level];

                /* Over a time without samples in one step. */
                if (end_us - period_us != at_us)
                        rc = find_next(r, t, level, end_us, &at_us);
                if (rc == SQLITE_OK && at_us < end_us) {
                        rc = make_period(r, t, level, at_us);
                        at_us += period_us;
                        (*left)--;
                }
                t->mark_us[level] = at_us;
        }
        return rc;
}

static int put_marks(struct rollup *r, int i)
{
        sqlite3_stmt *stmt = r->prepared[SQL_MARK];
        int rc = SQLITE_OK;

        for (int level = 0; level < ROLLUP_LEVELS && rc == SQLITE_OK; level++) {
                if (r->tags[i].mark_us[level] == r->committed[i].mark_us[level])
                        continue;
                sqlite3_bind_int64(stmt, 1, r->tags[i].id);
                sqlite3_bind_int64(stmt, 2, rollup_period_us[level]);
                sqlite3_bind_int64(stmt, 3, r->tags[i].mark_us[level]);
                rc = statement_run(r->sql, stmt);
        }
        return rc;
}

int rollup_update(struct rollup *r, int periods)
{
        int rc = SQLITE_OK, left = periods;

        if (!r->is_changed)
                return rc;
        for (int n = 0; n < r->count && rc == SQLITE_OK; n++) {
                int i = (r->turn + n) % r->count;

                for (int level = 0; level < ROLLUP_LEVELS && rc == SQLITE_OK; level++)
                        rc = make_level(r, &r->tags[i], level, &left);
                if (rc == SQLITE_OK)
                        rc = put_marks(r, i);
        }
        r->is_behind = left <= 0;
        r->turn = r->count == 0 ? 0 : (r->turn + 1) % r->count;
        return rc;
}

int rollup_catch_up(struct rollup *r, int periods)
{
        r->is_changed |= r->is_behind;
        return rollup_update(r, periods);
}

void rollup_commit(struct rollup *r)
{
        if (r->is_changed && r->count > 0)
                memcpy(r->committed, r->tags, (size_t)r->count * sizeof *r->tags);
        r->is_changed = false;
}

void rollup_rollback(struct rollup *r)
{
        if (r->is_changed && r->count > 0)
                memcpy(r->tags, r->committed, (size_t)r->count * sizeof *r->tags);
        if (r->is_changed)
                r->is_behind = true;
        r->is_changed = false;
}

bool rollup_is_behind(const struct rollup *r)
{
        return r->is_behind;
}

int rollup_tags(const struct rollup *r)
{
        return r->count;
}

int64_t rollup_tag_id(const struct rollup *r, int i)
{
        assert(i >= 0 && i < r->count);
        return r->committed[i].id;
}

int64_t rollup_mark(const struct rollup *r, int i)
{
        assert(i >= 0 && i < r->count);
        return r->committed[i].mark_us[0];
}
