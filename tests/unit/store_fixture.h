/* A folder, a small tool, a recipe and ready-made records for the tests of the run database. */
#ifndef STORE_FIXTURE_H
#define STORE_FIXTURE_H

#include "ald/core/recipe.h" /* struct recipe */
#include "ald/core/record.h" /* struct record */
#include "ald/store/store.h" /* struct store */

#include <sqlite3.h> /* sqlite3 */
#include <stdbool.h> /* bool */
#include <stdint.h>  /* int64_t */

/* 2026-11-21T10:00:00Z */
#define FIXTURE_T0 INT64_C(1795255200000000)

enum { FIXTURE_PRESSURE, FIXTURE_NB_VALVE, FIXTURE_WATER_VALVE, FIXTURE_TAGS };

/* A fresh folder for one test and a path in it; removed by fixture_clean(). */
void fixture_make(void);
void fixture_clean(void);
const char *fixture_path(const char *name); /* of eight static buffers, in turn */

const struct tool *fixture_tool(void);
const struct recipe *fixture_recipe(void);
struct store_config fixture_config(const char *path);
/* Opened and found ok. */
struct store *fixture_open(const char *path);

struct record fixture_run(
    enum record_kind kind, int64_t run, int64_t t_us, const char *state, const char *reason);
struct record fixture_cycle(enum record_kind kind, int64_t run, int64_t t_us, int64_t n);
struct record fixture_pulse(enum record_kind kind, int64_t run, int64_t cycle, const char *path, int line);
/* A part of an opening that began at T0; what opened it counts once. */
struct record fixture_valve(enum record_valve_what what, int tag, int line, int64_t open_us);
struct record fixture_event(int64_t run, int64_t t_us, const char *text);
struct record fixture_audit(int64_t t_us, const char *command, const char *arguments);
struct record fixture_sample(int tag, int64_t t_us, double value);
void fixture_post(struct store *s, struct record r); /* asserts that it is taken */

/* Until the records posted so far are on disk (30 s at most). */
void fixture_await_records(struct store *s, int64_t n);
/* Until the state's ok is as wanted, told by store_fd() (30 s at most). */
void fixture_await_ok(struct store *s, bool ok);

/* Ask a database with a connection of its own; the text is static. */
int64_t fixture_number(const char *path, const char *sql);
const char *fixture_text(const char *path, const char *sql);
/* Open for writing, as somebody else would. */
sqlite3 *fixture_intrude(const char *path, const char *sql);

#endif
