/* aldctl export: a run's record for other programs, as CSV tables or one JSON object (man ald-export(5)). */
#include "ald/app/aldctl.h"       /* own declarations */
#include "ald/app/aldctl_files.h" /* files_begin, files_end */
#include "ald/app/aldctl_rows.h"  /* rows_put_csv */
#include "ald/app/aldctl_show.h"  /* show_error */
#include "ald/base/time.h"        /* time_format_utc */
#include "ald/store/query.h"      /* query_run */

#include <errno.h>    /* errno */
#include <string.h>   /* strcmp, strlen */
#include <sys/stat.h> /* stat, mkdir */

static bool is_folder(const char *path)
{
        struct stat st;
        size_t len = strlen(path);

        if (stat(path, &st) == 0)
                return S_ISDIR(st.st_mode);
        return len > 0 && path[len - 1] == '/';
}

/* ---- JSON ---- */

static void put_key_text(FILE *to, const char *key, const char *text)
{
        (void)fprintf(to, ",\n\"%s\":", key);
        rows_put_json_text(to, text);
}

static void put_key_time(FILE *to, const char *key, int64_t t_us)
{
        char utc[TIME_UTC_CAP];

        time_format_utc(t_us, utc);
        if (t_us > 0)
                put_key_text(to, key, utc);
        else
                (void)fprintf(to, ",\n\"%s\":null", key);
}

static bool put_run(FILE *to, struct query *q, const struct query_run *run)
{
        struct query_texts texts;

        if (query_texts(q, run->id, &texts) != 1) {
                show_error("%s", query_why(q));
                return false;
        }
        (void)fprintf(to, "\"run\":{\"run\":%lld", (long long)run->id);
        put_key_text(to, "recipe", run->recipe);
        put_key_text(to, "state", run->state);
        put_key_text(to, "reason", run->reason);
        put_key_text(to, "operator", run->user);
        put_key_time(to, "started", run->started_us);
        put_key_time(to, "ended", run->ended_us);
        (void)fprintf(to, ",\n\"parameters\":%s", texts.parameters);
        put_key_text(to, "pressure_unit", run->pressure_unit);
        put_key_text(to, "recipe_sha256", run->recipe_sha256);
        put_key_text(to, "tool_sha256", run->tool_sha256);
        put_key_text(to, "version", run->version);
        put_key_text(to, "recipe_text", texts.recipe);
        put_key_text(to, "tool_text", texts.tool);
        (void)fputc('}', to);
        query_free_texts(&texts);
        return true;
}

static bool put_json(FILE *to, struct query *q, const struct query_run *run, const struct query_span *span)
{
        bool ok;

        (void)fputs("{\"format\":1,\n", to);
        ok = put_run(to, q, run);
        for (int table = 0; ok && table < QUERY_TABLES; table++) {
                (void)fprintf(to, ",\n\"%s\":", query_table_name((enum query_table)table));
                ok = rows_put_json(to, q, (enum query_table)table, span);
        }
        (void)fputs("}\n", to);
        return ok;
}

/* ---- where to ---- */

struct export
{
        const struct aldctl_options *o;
        struct query *q;
        struct query_run run;
        struct query_span span;
        bool is_json;
        enum query_table table; /* of --what */
};

static bool put_one(FILE *to, struct export *e)
{
        return e->is_json ? put_json(to, e->q, &e->run, &e->span)
                          : rows_put_csv(to, e->q, e->table, &e->span);
}

static bool write_file(const char *path, struct export *e)
{
        struct files_new file;

        return files_begin(&file, path) && files_end(&file, put_one(file.to, e));
}

static bool write_folder(const char *folder, struct export *e)
{
        char path[512], name[32];

        if (mkdir(folder, 0777) != 0 && errno != EEXIST) {
                show_error("%s: %s", folder, strerror(errno));
                return false;
        }
        for (int table = 0; table < QUERY_TABLES; table++) {
                e->table = (enum query_table)table;
                (void)snprintf(name, sizeof name, "%s.csv", query_table_name(e->table));
                if (!files_join(path, sizeof path, folder, name) || !write_file(path, e))
                        return false;
        }
        return true;
}

static bool write_out(struct export *e)
{
        const char *output = e->o->output;

        if (output == NULL)
                return put_one(stdout, e);
        if (!e->is_json && is_folder(output))
                return write_folder(output, e);
        return write_file(output, e);
}

/* ---- the command ---- */

static bool find_table(const char *name, enum query_table *table)
{
        for (int i = 0; i < QUERY_TABLES; i++)
                if (strcmp(query_table_name((enum query_table)i), name) == 0) {
                        *table = (enum query_table)i;
                        return true;
                }
        show_error("--what %s: samples, pulses, cycles, events, base or audit wanted", name);
        return false;
}

static bool take_options(const struct aldctl_options *o, struct export *e)
{
        e->table = QUERY_SAMPLES;
        e->is_json = o->json || (o->format != NULL && strcmp(o->format, "json") == 0);
        if (o->format != NULL && !e->is_json && strcmp(o->format, "csv") != 0) {
                show_error("--format %s: csv or json wanted", o->format);
                return false;
        }
        if (e->is_json && o->what != NULL) {
                show_error("--what goes with --format csv: JSON has all tables");
                return false;
        }
        if (o->what != NULL && o->output != NULL && is_folder(o->output)) {
                show_error(
                    "-o %s is a folder, which gets every table: leave --what, or name a file", o->output);
                return false;
        }
        return o->what == NULL || find_table(o->what, &e->table);
}

static enum aldctl_exit export(struct export *e, long long id) {
        int found = query_run(e->q, id, &e->run);

        if (found == 1) found = query_span(e->q, id, &e->span);
        if (!aldctl_is_found(e->q, id, found)) return ALDCTL_FAILED;
        files_catch_interrupts();
        if (write_out(e)) return ALDCTL_OK;
        return files_interrupted() ? ALDCTL_INTERRUPTED : ALDCTL_FAILED;
}

enum aldctl_exit aldctl_export(const struct aldctl_command *self, const struct aldctl_options *o)
{
        long long id = aldctl_run_number(self, o);
        struct export e = {.o = o};
        enum aldctl_exit code;

        if (id == 0 || !take_options(o, &e))
                return ALDCTL_USAGE;
        e.q = aldctl_open_database(o, &code);
        if (e.q == NULL)
                return code;
        code = export(&e, id);
        query_close(e.q);
        return code;
}
