#include "unit/store_fixture.h"

#include "ald/base/unit.h" /* unit_find */

#include <check.h>  /* ck_assert */
#include <ftw.h>    /* nftw */
#include <math.h>   /* NAN */
#include <poll.h>   /* poll */
#include <stdio.h>  /* snprintf */
#include <stdlib.h> /* mkdtemp */
#include <string.h> /* memset */
#include <time.h>   /* nanosleep */
#include <unistd.h> /* unlink */

static char folder[256];

void fixture_make(void)
{
        const char *base = getenv("TMPDIR");

        snprintf(folder, sizeof folder, "%s/ald-store-XXXXXX", base == NULL ? "/tmp" : base);
        ck_assert_ptr_nonnull(mkdtemp(folder));
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
        (void)st;
        (void)flag;
        (void)ftw;
        return remove(path);
}

void fixture_clean(void)
{
        nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

const char *fixture_path(const char *name)
{
        static char paths[8][512];
        static int turn;
        char *path = paths[turn++ % 8];

        snprintf(path, sizeof paths[0], "%s/%s", folder, name);
        return path;
}

const struct tool *fixture_tool(void)
{
        static struct tool tool;
        static const char *const names[FIXTURE_TAGS] = {"chamber.pressure", "nb.valve", "water.valve"};

        memset(&tool, 0, sizeof tool);
        tool.tag_count = FIXTURE_TAGS;
        tool.line_count = 2;
        for (int i = 0; i < FIXTURE_TAGS; i++) {
                snprintf(tool.tags[i].name, sizeof tool.tags[i].name, "%s", names[i]);
                tool.tags[i].is_output = tool.tags[i].is_bit = tool.tags[i].is_valve = i != FIXTURE_PRESSURE;
                tool.tags[i].unit = i == FIXTURE_PRESSURE ? unit_find("Torr") : unit_base(UNIT_DIM_NONE);
        }
        snprintf(tool.lines[0].name, sizeof tool.lines[0].name, "nb");
        tool.lines[0].valve = FIXTURE_NB_VALVE;
        tool.pump_run = TOOL_NONE;
        snprintf(tool.lines[1].name, sizeof tool.lines[1].name, "water");
        tool.lines[1].valve = FIXTURE_WATER_VALVE;
        return &tool;
}

const struct recipe *fixture_recipe(void)
{
        static struct recipe recipe;
        static char text[] = "format: 1\nrecipe: small\n# \"quoted\", \\ and \xc3\xa9\n";

        memset(&recipe, 0, sizeof recipe);
        snprintf(recipe.name, sizeof recipe.name, "small");
        memset(recipe.sha256, 'a', 64);
        recipe.text = text;
        recipe.text_len = strlen(text);
        recipe.parameter_count = 2;
        snprintf(recipe.parameters[0].name, sizeof recipe.parameters[0].name, "cycles");
        snprintf(recipe.parameters[0].value, sizeof recipe.parameters[0].value, "2");
        snprintf(recipe.parameters[1].name, sizeof recipe.parameters[1].name, "purge");
        snprintf(recipe.parameters[1].value, sizeof recipe.parameters[1].value, "20 s \"\\\t");
        snprintf(recipe.powder_material, sizeof recipe.powder_material, "NMC532");
        recipe.powder_g = 1;
        recipe.growth_nm = 0.167;
        return &recipe;
}

struct store_config fixture_config(const char *path)
{
        return (struct store_config){
            .path = path,
            .tool = fixture_tool(),
            .tool_text = "format: 1\ntool: t\n",
            .tool_sha256 = "bbbb",
            .version = "v1",
        };
}

struct store *fixture_open(const char *path)
{
        struct store_config config = fixture_config(path);
        struct store *s = store_open(&config);
        struct store_state state;

        ck_assert_ptr_nonnull(s);
        store_get_state(s, &state);
        ck_assert_msg(state.ok, "%s", state.why);
        return s;
}

struct record fixture_run(
    enum record_kind kind, int64_t run, int64_t t_us, const char *state, const char *reason)
{
        struct record r = {.kind = kind, .wall_us = t_us, .run_id = run};

        r.u.run.recipe = kind == RECORD_RUN_START ? fixture_recipe() : NULL;
        snprintf(r.u.run.state, sizeof r.u.run.state, "%s", state);
        snprintf(r.u.run.reason, sizeof r.u.run.reason, "%s", reason);
        snprintf(r.u.run.user, sizeof r.u.run.user, "ada");
        return r;
}

struct record fixture_cycle(enum record_kind kind, int64_t run, int64_t t_us, int64_t n)
{
        struct record r = {.kind = kind, .wall_us = t_us, .run_id = run};

        r.u.cycle.n = n;
        return r;
}

struct record fixture_pulse(enum record_kind kind, int64_t run, int64_t cycle, const char *path, int line)
{
        struct record r = {.kind = kind, .wall_us = FIXTURE_T0 + cycle * 1000000, .run_id = run};

        r.u.pulse = (struct record_pulse){.cycle = cycle,
            .attempt = 1,
            .line = (int16_t)line,
            .planned_open_us = FIXTURE_T0 + cycle * 1000000,
            .planned_width_us = 100000,
            .opened_us = -1,
            .width_us = -1,
            .open_acked_us = -1,
            .closed_us = -1,
            .close_acked_us = -1,
            .pressure_base = NAN,
            .pressure_peak = NAN,
            .pressure_area = NAN,
            .pressure_fit = NAN,
            .pressure_decay_us = -1};
        snprintf(r.u.pulse.path, sizeof r.u.pulse.path, "%s", path);
        return r;
}

struct record fixture_valve(enum record_valve_what what, int tag, int line, int64_t open_us)
{
        struct record r = {.kind = RECORD_VALVE, .wall_us = FIXTURE_T0};

        r.u.valve = (struct record_valve){.tag = (int16_t)tag,
            .line = (int16_t)line,
            .what = (uint8_t)what,
            .is_actuation = what == RECORD_VALVE_OPENED || what == RECORD_VALVE_ENDED,
            .since_us = FIXTURE_T0,
            .open_us = open_us};
        return r;
}

struct record fixture_event(int64_t run, int64_t t_us, const char *text)
{
        struct record r = {.kind = RECORD_EVENT, .wall_us = t_us, .run_id = run};

        snprintf(r.u.event.kind, sizeof r.u.event.kind, "note");
        snprintf(r.u.event.source, sizeof r.u.event.source, "test");
        snprintf(r.u.event.text, sizeof r.u.event.text, "%s", text);
        return r;
}

struct record fixture_audit(int64_t t_us, const char *command, const char *arguments)
{
        struct record r = {.kind = RECORD_AUDIT, .wall_us = t_us};

        r.u.audit.uid = 1000;
        r.u.audit.pid = 4242;
        snprintf(r.u.audit.user, sizeof r.u.audit.user, "ada");
        snprintf(r.u.audit.role, sizeof r.u.audit.role, "operator");
        snprintf(r.u.audit.command, sizeof r.u.audit.command, "%s", command);
        snprintf(r.u.audit.arguments, sizeof r.u.audit.arguments, "%s", arguments);
        snprintf(r.u.audit.state_before, sizeof r.u.audit.state_before, "Idle");
        snprintf(r.u.audit.state_after, sizeof r.u.audit.state_after, "Starting");
        snprintf(r.u.audit.result, sizeof r.u.audit.result, "ok");
        return r;
}

struct record fixture_sample(int tag, int64_t t_us, double value)
{
        struct record r = {.kind = RECORD_SAMPLE, .wall_us = t_us};

        r.u.sample = (struct record_sample){.tag = (int16_t)tag, .t_us = t_us, .value = value};
        return r;
}

void fixture_post(struct store *s, struct record r)
{
        ck_assert(store_post(s, &r));
}

void fixture_await_records(struct store *s, int64_t n)
{
        const struct timespec moment = {.tv_nsec = 1000000};
        struct store_state state;

        for (int i = 0; i < 30000; i++) {
                store_get_state(s, &state);
                if (state.records_stored >= n)
                        return;
                nanosleep(&moment, NULL); /* nothing tells of a commit; the database is asked again */
        }
        ck_abort_msg(
            "%lld of %lld records stored; %s", (long long)state.records_stored, (long long)n, state.why);
}

void fixture_await_ok(struct store *s, bool ok)
{
        struct pollfd fd = {.fd = store_fd(s), .events = POLLIN};
        struct store_state state;

        for (;;) {
                store_get_state(s, &state);
                if (state.ok == ok)
                        return;
                ck_assert_msg(poll(&fd, 1, 30000) == 1, "ok stays %d: %s", state.ok, state.why);
        }
}

static sqlite3_stmt *ask(sqlite3 **db, const char *path, const char *sql)
{
        sqlite3_stmt *stmt = NULL;

        ck_assert_int_eq(sqlite3_open_v2(path, db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
        sqlite3_busy_timeout(*db, 5000);
        ck_assert_msg(
            sqlite3_prepare_v2(*db, sql, -1, &stmt, NULL) == SQLITE_OK, "%s: %s", sql, sqlite3_errmsg(*db));
        ck_assert_msg(sqlite3_step(stmt) == SQLITE_ROW, "%s: %s", sql, sqlite3_errmsg(*db));
        return stmt;
}

int64_t fixture_number(const char *path, const char *sql)
{
        sqlite3 *db;
        sqlite3_stmt *stmt = ask(&db, path, sql);
        int64_t value = sqlite3_column_int64(stmt, 0);

        sqlite3_finalize(stmt);
        sqlite3_close(db);
        return value;
}

const char *fixture_text(const char *path, const char *sql)
{
        static char text[4096];
        sqlite3 *db;
        sqlite3_stmt *stmt = ask(&db, path, sql);
        const char *found = (const char *)sqlite3_column_text(stmt, 0);

        snprintf(text, sizeof text, "%s", found == NULL ? "NULL" : found);
        sqlite3_finalize(stmt);
        sqlite3_close(db);
        return text;
}

sqlite3 *fixture_intrude(const char *path, const char *sql)
{
        sqlite3 *db;

        ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
        sqlite3_busy_timeout(db, 5000);
        ck_assert_msg(
            sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK, "%s: %s", sql, sqlite3_errmsg(db));
        return db;
}
