#include "ald/store/schema.h"

#include "ald/base/text.h" /* text_add */

#include <assert.h> /* assert */
#include <stdio.h>  /* snprintf */
#include <string.h> /* strcmp */

/* Times are UTC microseconds since 1970. Row order is chosen by measurement: 28 bytes a sample with (tag_id, t_us),
 * which is also what a trend reads. The comments are inside the SQL so that any client's `.schema` shows them. */
static const char schema_1[] =
    "CREATE TABLE run(\n"
    " id INTEGER PRIMARY KEY,\n"
    " recipe TEXT NOT NULL,\n"
    " state TEXT NOT NULL,\n"
    " reason TEXT NOT NULL,\n"
    " operator TEXT NOT NULL,\n"
    " started_us INTEGER NOT NULL,\n"
    " ended_us INTEGER, /* NULL: under way */\n"
    " parameters TEXT NOT NULL, /* JSON: {name: value as written} */\n"
    " declared TEXT NOT NULL, /* JSON: powder, expectation and plan, as the recipe declares them; unit of "
    "pulse.pressure_* */\n"
    " recipe_text TEXT NOT NULL,\n"
    " recipe_sha256 TEXT NOT NULL,\n"
    " tool_text TEXT NOT NULL,\n"
    " tool_sha256 TEXT NOT NULL,\n"
    " version TEXT NOT NULL\n"
    ") STRICT;\n"
    "CREATE TABLE cycle(\n"
    " run_id INTEGER NOT NULL REFERENCES run(id),\n"
    " n INTEGER NOT NULL, /* from 1 */\n"
    " started_us INTEGER,\n"
    " ended_us INTEGER,\n"
    " PRIMARY KEY(run_id, n)\n"
    ") STRICT, WITHOUT ROWID;\n"
    "CREATE TABLE pulse(\n"
    " run_id INTEGER NOT NULL REFERENCES run(id),\n"
    " cycle INTEGER NOT NULL, /* 0: outside a cycle */\n"
    " path TEXT NOT NULL, /* where in the recipe's program */\n"
    " attempt INTEGER NOT NULL,\n"
    " outcome TEXT NOT NULL, /* open, done, cut, revoked, refused, failed, interrupted */\n"
    " precursor TEXT NOT NULL,\n"
    " planned_open_us INTEGER,\n"
    " opened_us INTEGER, /* NULL: not known */\n"
    " planned_width_us INTEGER,\n"
    " width_us INTEGER,\n"
    " pressure_base REAL, /* the gauge's unit */\n"
    " pressure_peak REAL,\n"
    " pressure_area REAL, /* the gauge's unit x s */\n"
    " PRIMARY KEY(run_id, cycle, path, attempt)\n"
    ") STRICT, WITHOUT ROWID;\n"
    "CREATE TABLE tag(\n"
    " id INTEGER PRIMARY KEY,\n"
    " name TEXT NOT NULL,\n"
    " unit TEXT NOT NULL, /* a tag whose unit changes goes on under a new id */\n"
    " UNIQUE(name, unit)\n"
    ") STRICT;\n"
    "CREATE TABLE sample(\n"
    " tag_id INTEGER NOT NULL REFERENCES tag(id),\n"
    " t_us INTEGER NOT NULL,\n"
    " value REAL, /* NULL: not a number */\n"
    " quality INTEGER NOT NULL, /* 0 Good, 1 Uncertain, 2 Bad */\n"
    " PRIMARY KEY(tag_id, t_us)\n"
    ") STRICT, WITHOUT ROWID;\n"
    "CREATE TABLE sample_rollup(\n"
    " tag_id INTEGER NOT NULL REFERENCES tag(id),\n"
    " period INTEGER NOT NULL, /* us */\n"
    " t_us INTEGER NOT NULL, /* start of the period */\n"
    " min REAL,\n"
    " max REAL,\n"
    " mean REAL,\n"
    " count INTEGER NOT NULL,\n"
    " PRIMARY KEY(tag_id, period, t_us)\n"
    ") STRICT, WITHOUT ROWID;\n"
    "CREATE TABLE input( /* what reached the core in a run: `aldctl replay` reads it */\n"
    " run_id INTEGER NOT NULL REFERENCES run(id),\n"
    " n INTEGER NOT NULL, /* events count from 1: a row holds those from n on, or the core after event n */\n"
    " t_us INTEGER NOT NULL, /* of event n */\n"
    " kind TEXT NOT NULL, /* snapshot: the core as this version lays it out; events: packed, each with a "
    "fold of what\n"
    "   was decided; gap: lost from event n to the next snapshot; end: the run ended before event n */\n"
    " payload BLOB, /* NULL: gap, end */\n"
    " PRIMARY KEY(run_id, n)\n"
    ") STRICT, WITHOUT ROWID;\n"
    "CREATE TABLE event(\n"
    " id INTEGER PRIMARY KEY,\n"
    " t_us INTEGER NOT NULL,\n"
    " run_id INTEGER REFERENCES run(id), /* NULL: outside a run */\n"
    " kind TEXT NOT NULL,\n"
    " severity TEXT NOT NULL, /* info, warning, alarm, trip */\n"
    " source TEXT NOT NULL,\n"
    " text TEXT NOT NULL,\n"
    " data TEXT /* JSON */\n"
    ") STRICT;\n"
    "CREATE INDEX event_t_us ON event(t_us);\n"
    "CREATE INDEX event_run_id ON event(run_id) WHERE run_id IS NOT NULL;\n"
    "CREATE TABLE audit(\n"
    " id INTEGER PRIMARY KEY,\n"
    " t_us INTEGER NOT NULL,\n"
    " uid INTEGER NOT NULL,\n"
    " pid INTEGER NOT NULL,\n"
    " user TEXT NOT NULL,\n"
    " role TEXT NOT NULL,\n"
    " command TEXT NOT NULL,\n"
    " arguments TEXT NOT NULL,\n"
    " state_before TEXT NOT NULL,\n"
    " state_after TEXT NOT NULL,\n"
    " result TEXT NOT NULL,\n"
    " prev_sha256 TEXT,\n"
    " sha256 TEXT\n"
    ") STRICT;\n"
    "CREATE TABLE counter(\n"
    " name TEXT PRIMARY KEY,\n"
    " value INTEGER NOT NULL\n"
    ") STRICT, WITHOUT ROWID;\n";

/* Both edges of a pulse as planned, written and acknowledged. NULL: not known, or of a time before this version. */
static const char schema_2[] =
    "ALTER TABLE pulse ADD COLUMN open_acked_us INTEGER /* the device's answer to the open */;\n"
    "ALTER TABLE pulse ADD COLUMN closed_us INTEGER /* the last close was sent */;\n"
    "ALTER TABLE pulse ADD COLUMN close_acked_us INTEGER /* its answer */;\n";

/* Who timed a pulse. */
static const char schema_timed[] = "ALTER TABLE pulse ADD COLUMN device_timed INTEGER /* 1: width_us is what "
                                   "its module was told, and kept by its "
                                   "count; else that of two writes */;\n";

/* What a run's record needs to explain itself: what it goes on from, what the tool was like, which audit it belongs to. */
static const char schema_4[] =
    "ALTER TABLE run ADD COLUMN resumes INTEGER REFERENCES run(id) /* the run that this one goes on with "
    "*/;\n"
    "ALTER TABLE run ADD COLUMN resumes_cycle INTEGER /* at this pulse of it */;\n"
    "ALTER TABLE run ADD COLUMN resumes_path TEXT;\n"
    "ALTER TABLE run ADD COLUMN resumes_attempt INTEGER /* which was not done and is repeated; 0: on behind "
    "it "
    "*/;\n"
    "ALTER TABLE run ADD COLUMN last_step TEXT /* interrupted: the last step known to have begun */;\n"
    "ALTER TABLE run ADD COLUMN audit_id INTEGER /* head of the audit chain when the run began; 0: none yet "
    "*/;\n"
    "ALTER TABLE run ADD COLUMN audit_sha256 TEXT;\n"
    "ALTER TABLE run ADD COLUMN audit_id_ended INTEGER /* and when it ended */;\n"
    "ALTER TABLE run ADD COLUMN audit_sha256_ended TEXT;\n"
    "ALTER TABLE pulse ADD COLUMN pressure_decay_us INTEGER /* from the close until 1/e of the rise then is "
    "left */;\n"
    "ALTER TABLE pulse ADD COLUMN pressure_fit REAL /* pressure_area by least squares of a response's shape: "
    "what trends judge */;\n"
    "CREATE TABLE base( /* pressure at a steady flow without precursor: leaks and clogging show here */\n"
    " run_id INTEGER NOT NULL REFERENCES run(id),\n"
    " moment TEXT NOT NULL, /* before, after */\n"
    " t_us INTEGER NOT NULL, /* its end */\n"
    " flow REAL, /* mean, the carrier's unit */\n"
    " pressure REAL, /* mean, the gauge's unit */\n"
    " spread REAL, /* standard deviation of its samples */\n"
    " samples INTEGER NOT NULL,\n"
    " PRIMARY KEY(run_id, moment)\n"
    ") STRICT, WITHOUT ROWID;\n"
    "ALTER TABLE sample_rollup ADD COLUMN uncertain INTEGER NOT NULL DEFAULT 0 /* of `count` */;\n"
    "ALTER TABLE sample_rollup ADD COLUMN bad INTEGER NOT NULL DEFAULT 0 /* beside `count`: Bad or not a "
    "number; not in min, max, mean */;\n"
    "CREATE TABLE rollup_mark( /* up to where sample_rollup has been made */\n"
    " tag_id INTEGER NOT NULL REFERENCES tag(id),\n"
    " period INTEGER NOT NULL, /* of sample_rollup: samples before t_us are in it. 0: those before t_us "
    "are kept\n"
    "   within runs only; -1: nor there */\n"
    " t_us INTEGER NOT NULL,\n"
    " PRIMARY KEY(tag_id, period)\n"
    ") STRICT, WITHOUT ROWID;\n"
    "CREATE INDEX run_started_us ON run(started_us, ended_us);\n"
    "CREATE INDEX event_gap ON event(t_us) WHERE kind = 'gap';\n"
    "CREATE TABLE opening( /* a valve that is open, or about to be: what a crash finds and counts.\n"
    "   Table counter has for each output that was ever open, by its tag: VALVE.actuations (how often it "
    "opened),\n"
    "   VALVE.open_us (how long, up to its last close), and the tool file's limits of them, where it has "
    "any:\n"
    "   VALVE.actuations.limit, VALVE.open_us.limit; for the pump likewise: its starts, and the time it was "
    "on */\n"
    " valve TEXT PRIMARY KEY,\n"
    " precursor TEXT, /* its line; NULL: none */\n"
    " since_us INTEGER, /* NULL: open when the record ended, and not seen since */\n"
    " planned_us INTEGER /* how long; counted when it ends. NULL: until it is closed; its actuation is "
    "counted "
    "already */\n"
    ") STRICT, WITHOUT ROWID;\n"
    "CREATE TABLE bottle( /* what each precursor came from, and how much of it was used */\n"
    " id INTEGER PRIMARY KEY,\n"
    " precursor TEXT NOT NULL,\n"
    " lot TEXT NOT NULL,\n"
    " content_g REAL, /* when it was new; NULL: not known */\n"
    " since_us INTEGER, /* NULL: before anybody said */\n"
    " until_us INTEGER, /* NULL: it is in use */\n"
    " pulses INTEGER NOT NULL,\n"
    " open_us INTEGER NOT NULL, /* open time of its valve */\n"
    " used_umol REAL NOT NULL, /* estimate, from the delivery that the tool file describes */\n"
    " unreckoned INTEGER NOT NULL, /* pulses that are not in used_umol */\n"
    " molar_mass REAL, /* g/mol; NULL: no estimate */\n"
    " warn_g REAL, /* people are told below so much; NULL: never */\n"
    " pulses_limit INTEGER /* or after so many pulses; NULL: never */\n"
    ") STRICT;\n"
    "CREATE UNIQUE INDEX bottle_in_use ON bottle(precursor) WHERE until_us IS NULL;\n"
    "CREATE TABLE batch(n INTEGER NOT NULL /* transactions so far: after a failed sync it tells which one is "
    "the last "
    "*/) STRICT;\n"
    "INSERT INTO batch VALUES(0);\n";

/* migrations[i] leads from version i to i + 1, in one transaction. */
static const char *const migrations[] = {schema_1, schema_2, schema_timed, schema_4};

int schema_version(void)
{
        return (int)(sizeof migrations / sizeof migrations[0]);
}

/* One integer from a statement without parameters; false on error. */
static bool ask(sqlite3 *db, const char *sql, int64_t *value)
{
        sqlite3_stmt *stmt = NULL;
        bool ok =
            sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) == SQLITE_OK && sqlite3_step(stmt) == SQLITE_ROW;

        if (ok)
                *value = sqlite3_column_int64(stmt, 0);
        sqlite3_finalize(stmt);
        return ok;
}

static void explain(sqlite3 *db, struct text *why)
{
        if (sqlite3_errcode(db) == SQLITE_NOTADB)
                text_add(why, "not an SQLite database");
        else
                text_add(why, "%s", sqlite3_errmsg(db));
}

bool schema_check(sqlite3 *db, int *version, struct text *why)
{
        int64_t application, user, tables;

        assert(db != NULL && version != NULL);
        if (!ask(db, "PRAGMA application_id", &application) || !ask(db, "PRAGMA user_version", &user) ||
            !ask(db, "SELECT count(*) FROM sqlite_schema", &tables)) {
                explain(db, why);
                return false;
        }
        bool is_empty = application == 0 && user == 0 && tables == 0;
        if (!is_empty && application != SCHEMA_APPLICATION_ID && application != SCHEMA_EXTRACT_ID) {
                text_add(why, "an SQLite database of another program (application_id 0x%08x, not 0x%08x)",
                    (unsigned)application, (unsigned)SCHEMA_APPLICATION_ID);
                return false;
        }
        if (user < 0 || user > schema_version()) {
                text_add(why, "made by a newer version (schema %d; this program knows up to %d)", (int)user,
                    schema_version());
                return false;
        }
        *version = (int)user;
        return true;
}

static bool run_sql(sqlite3 *db, const char *sql, struct text *why)
{
        if (sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK)
                return true;
        explain(db, why);
        return false;
}

/* A damaged file is better found now than in the middle of a run. */
enum { CHECK_PAGES_MAX = 16384 };

bool schema_check_sound(sqlite3 *db, bool whole, struct text *why)
{
        sqlite3_stmt *stmt = NULL;
        int64_t pages;
        bool ok = false;

        if (!ask(db, "PRAGMA page_count", &pages)) {
                explain(db, why);
                return false;
        }
        if (!whole && pages > CHECK_PAGES_MAX)
                return true;
        if (sqlite3_prepare_v2(db, "PRAGMA quick_check(1)", -1, &stmt, NULL) == SQLITE_OK &&
            sqlite3_step(stmt) == SQLITE_ROW) {
                const char *found = (const char *)sqlite3_column_text(stmt, 0);
                ok = found != NULL && strcmp(found, "ok") == 0;
                if (!ok)
                        text_add(why, "damaged: %s", found == NULL ? "unreadable" : found);
        } else {
                explain(db, why);
        }
        sqlite3_finalize(stmt);
        return ok;
}

static bool ask_for_wal(sqlite3 *db, struct text *why)
{
        sqlite3_stmt *stmt = NULL;
        bool ok = false;

        if (sqlite3_prepare_v2(db, "PRAGMA journal_mode=WAL", -1, &stmt, NULL) == SQLITE_OK &&
            sqlite3_step(stmt) == SQLITE_ROW) {
                const char *mode = (const char *)sqlite3_column_text(stmt, 0);
                ok = mode != NULL && strcmp(mode, "wal") == 0;
                if (!ok)
                        text_add(why,
                            "the file system does not carry a write-ahead log (journal_mode stays %s)",
                            mode == NULL ? "unknown" : mode);
        } else {
                explain(db, why);
        }
        sqlite3_finalize(stmt);
        return ok;
}

bool schema_use_wal(sqlite3 *db, struct text *why)
{
        return ask_for_wal(db, why) &&
               run_sql(db,
                   "PRAGMA foreign_keys=OFF; PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=0; PRAGMA "
                   "cache_size=-1024; PRAGMA temp_store=MEMORY",
                   why);
}

static bool migrate(sqlite3 *db, int version, int32_t application_id, struct text *why)
{
        char mark[96];

        snprintf(mark, sizeof mark, "PRAGMA application_id=%d; PRAGMA user_version=%d; COMMIT",
            (int)application_id, version + 1);
        if (run_sql(db, "BEGIN IMMEDIATE", why) && run_sql(db, migrations[version], why) &&
            run_sql(db, mark, why))
                return true;
        sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
        return false;
}

bool schema_make(sqlite3 *db, int32_t application_id, struct text *why)
{
        for (int version = 0; version < schema_version(); version++) {
                if (!migrate(db, version, application_id, why))
                        return false;
        }
        return true;
}

/* What was taken out for one run must not be gone on with: its chain and its numbers are another database's. */
static bool is_whole(sqlite3 *db, struct text *why)
{
        int64_t application = 0;

        if (!ask(db, "PRAGMA application_id", &application)) {
                explain(db, why);
                return false;
        }
        if (application == SCHEMA_EXTRACT_ID)
                text_add(why,
                    "an extract of one run (aldctl archive): it can be read, nothing more is recorded in it");
        return application != SCHEMA_EXTRACT_ID;
}

bool schema_prepare(sqlite3 *db, struct text *why)
{
        int version;

        if (!schema_check(db, &version, why) || !is_whole(db, why))
                return false;
        if (sqlite3_db_readonly(db, "main") != 0) {
                text_add(why, "read-only");
                return false;
        }
        if (!schema_check_sound(db, false, why) || !schema_use_wal(db, why))
                return false;
        for (; version < schema_version(); version++) {
                if (!migrate(db, version, SCHEMA_APPLICATION_ID, why))
                        return false;
        }
        return true;
}
