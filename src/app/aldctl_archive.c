/* aldctl archive: everything of a run in one file that can be proven on another machine (man ald-export(5)). */
#include "ald/app/aldctl_archive.h" /* own declarations */

#include "ald/app/aldctl_files.h" /* files_begin, files_end */
#include "ald/app/aldctl_rows.h"  /* rows_put_csv */
#include "ald/app/aldctl_show.h"  /* show_error */
#include "ald/app/digest.h"       /* struct digest */
#include "ald/base/time.h"        /* time_format_utc, TIME_S */
#include "ald/store/audit.h"      /* struct audit_head */
#include "ald/store/extract.h"    /* extract_run */

#include <archive.h>       /* archive_write_* */
#include <archive_entry.h> /* archive_entry_* */
#include <errno.h>         /* errno */
#include <stdlib.h>        /* mkdtemp */
#include <string.h>        /* strcmp, strerror */
#include <sys/stat.h>      /* stat */
#include <unistd.h>        /* unlink, rmdir */

/* A fast level: most of it is numbers, and 6 takes four times as long for a tenth less. */
#define XZ_OPTIONS "xz:compression-level=2,xz:threads=1"

/* ---- the members ---- */

static bool goes_on(void)
{
        return !files_interrupted();
}

static bool put_csv(FILE *to, struct archive_run *a, const struct archive_member *self)
{
        return rows_put_csv(to, a->q, (enum query_table)self->table, &a->span);
}

static bool put_recipe(FILE *to, struct archive_run *a, const struct archive_member *self)
{
        (void)self;
        return fputs(a->texts.recipe, to) >= 0;
}

static bool put_tool(FILE *to, struct archive_run *a, const struct archive_member *self)
{
        (void)self;
        return fputs(a->texts.tool, to) >= 0;
}

static bool put_parameters(FILE *to, struct archive_run *a, const struct archive_member *self)
{
        (void)self;
        return fputs(a->texts.parameters, to) >= 0;
}

static void keep_head(void *ctx, const struct query_audit *a)
{
        *(struct query_audit *)ctx = *a;
}

/* The database that goes into the archive. NULL: told. */
static struct query *open_extract(struct archive_run *a)
{
        char path[512], why[256];
        struct query *q;

        if (!files_join(path, sizeof path, a->folder, ARCHIVE_DATABASE))
                return NULL;
        q = query_open(path, why, sizeof why);
        if (q == NULL)
                show_error("%s", why);
        return q;
}

/* The chain's last record that is in the archive. */
static bool find_head(struct archive_run *a, struct query_audit *head)
{
        struct query *q = open_extract(a);
        bool ok = q != NULL && query_audits(q, 1, keep_head, head) == 0;

        query_close(q);
        return ok;
}

/* Of what is in the archive alone, so that it is the same whenever it is made. */
static bool put_report(FILE *to, struct archive_run *a, const struct archive_member *self)
{
        struct query *q = open_extract(a);
        bool ok = q != NULL && aldctl_put_page(q, a->run.id, a->run.ended_us, to) == ALDCTL_OK;

        (void)self;
        query_close(q);
        return ok;
}

static bool put_readme(FILE *to, struct archive_run *a, const struct archive_member *self)
{
        char started[TIME_UTC_CAP], ended[TIME_UTC_CAP];
        struct query_audit head = {.id = 0};
        size_t count;
        const struct archive_member *members = archive_members(&count);

        (void)self;
        if (!find_head(a, &head))
                return false;
        time_format_utc(a->run.started_us, started);
        time_format_utc(a->run.ended_us, ended);
        (void)fprintf(to, "Run %lld: %s, %s\n%s to %s, by %s, ald %s\n\n", (long long)a->run.id,
            a->run.recipe, a->run.state, started, ended, a->run.user, a->run.version);
        for (size_t i = 0; i < count; i++)
                if (members[i].put != put_readme)
                        (void)fprintf(to, "%-16s %s\n", members[i].name, members[i].help);
        (void)fprintf(to,
            "\nVerify: sha256sum -c SHA256SUMS, or all of it: aldctl archive --verify FILE.tar.xz\n"
            "audit head %lld:%s\n",
            (long long)head.id, head.sha256);
        return true;
}

/* A further member is a further row: its name in order, what makes it. */
static const struct archive_member members[] = {
    {"README.txt", "this text", put_readme, 0, false},
    {ARCHIVE_SUMS, "SHA-256 of every other member", NULL, 0, false},
    {"audit.csv", "who asked for what; the run's part of the audit chain", put_csv, QUERY_AUDIT, false},
    {"base.csv", "pressure at a steady flow before and after", put_csv, QUERY_BASE, false},
    {"cycles.csv", "begin and end of each cycle", put_csv, QUERY_CYCLES, false},
    {"events.csv", "what happened: steps, holds, trips, notes, gaps", put_csv, QUERY_EVENTS, false},
    {"parameters.json", "the recipe's parameters as they were set", put_parameters, 0, false},
    {"pulses.csv", "each pulse: planned and actual edges, pressures", put_csv, QUERY_PULSES, false},
    {"recipe.yaml", "the recipe that ran", put_recipe, 0, false},
    {"report.html", "the run as a page, with plots, for a browser and for paper", put_report, 0, true},
    {ARCHIVE_DATABASE, "everything, for aldctl --db run.sqlite report|replay|export|audit", NULL, 0, false},
    {"samples.csv", "every value: time, tag, value, unit, quality, lost", put_csv, QUERY_SAMPLES, false},
    {"tool.yaml", "the tool file that was in force", put_tool, 0, false},
};

const struct archive_member *archive_members(size_t *count)
{
        *count = sizeof members / sizeof members[0];
        return members;
}

const struct archive_member *archive_find(const char *name)
{
        for (size_t i = 0; i < sizeof members / sizeof members[0]; i++)
                if (strcmp(members[i].name, name) == 0)
                        return &members[i];
        return NULL;
}

/* ---- making them ---- */

static bool make_database(struct archive_run *a)
{
        char path[512], why[256];

        if (!files_join(path, sizeof path, a->folder, ARCHIVE_DATABASE))
                return false;
        if (extract_run(a->q, &a->span, path, goes_on, why, sizeof why) == 0)
                return true;
        if (why[0] != '\0')
                show_error("%s", why);
        return false;
}

static FILE *open_member(struct archive_run *a, const char *name, const char *mode)
{
        char path[512];
        FILE *f = NULL;

        if (files_join(path, sizeof path, a->folder, name)) {
                f = fopen(path, mode);
                if (f == NULL)
                        show_error("%s: %s", path, strerror(errno));
        }
        return f;
}

static bool close_member(FILE *f, const char *name, bool ok)
{
        bool is_kept = !ferror(f);

        if (fclose(f) == 0 && is_kept)
                return ok;
        show_error("%s: %s", name, strerror(errno));
        return false;
}

static bool digest_file(struct archive_run *a, const char *name, char hex[DIGEST_HEX])
{
        FILE *f = open_member(a, name, "r");
        char block[65536];
        struct digest d;
        size_t n;

        if (f == NULL)
                return false;
        digest_begin(&d);
        while ((n = fread(block, 1, sizeof block, f)) > 0)
                digest_add(&d, block, n);
        digest_end(&d, hex);
        return close_member(f, name, true);
}

static bool make_sums(struct archive_run *a)
{
        FILE *f = open_member(a, ARCHIVE_SUMS, "wx");
        char hex[DIGEST_HEX];
        bool ok = f != NULL;

        for (size_t i = 0; ok && i < sizeof members / sizeof members[0]; i++) {
                if (strcmp(members[i].name, ARCHIVE_SUMS) == 0)
                        continue;
                ok = digest_file(a, members[i].name, hex);
                if (ok)
                        (void)fprintf(f, "%s  %s\n", hex, members[i].name);
        }
        return f != NULL && close_member(f, ARCHIVE_SUMS, ok);
}

static bool make_members(struct archive_run *a)
{
        bool ok = make_database(a);

        for (size_t i = 0; ok && i < sizeof members / sizeof members[0]; i++) {
                if (members[i].put == NULL)
                        continue;
                FILE *f = open_member(a, members[i].name, "wx");
                ok = f != NULL && close_member(f, members[i].name, members[i].put(f, a, &members[i]));
        }
        return ok && make_sums(a);
}

static void remove_members(struct archive_run *a)
{
        char path[512];

        for (size_t i = 0; i < sizeof members / sizeof members[0]; i++)
                if (snprintf(path, sizeof path, "%s/%s", a->folder, members[i].name) < (int)sizeof path)
                        (void)unlink(path);
        (void)rmdir(a->folder);
}

/* ---- the file ---- */

static bool copy_data(struct archive *tar, FILE *f)
{
        char block[65536];
        size_t n;

        while (goes_on() && (n = fread(block, 1, sizeof block, f)) > 0)
                if (archive_write_data(tar, block, n) < 0)
                        return false;
        return goes_on() && !ferror(f);
}

/* Nothing of this machine or hour: the same run gives the same bytes. */
static bool add_member(struct archive *tar, struct archive_run *a, const char *name)
{
        struct archive_entry *entry = archive_entry_new();
        FILE *f = open_member(a, name, "r");
        char path[96];
        struct stat st;
        bool ok = entry != NULL && f != NULL && fstat(fileno(f), &st) == 0;

        (void)snprintf(path, sizeof path, "run-%lld/%s", (long long)a->run.id, name);
        if (ok) {
                archive_entry_set_pathname(entry, path);
                archive_entry_set_size(entry, st.st_size);
                archive_entry_set_filetype(entry, AE_IFREG);
                archive_entry_set_perm(entry, 0644);
                archive_entry_set_mtime(entry, (time_t)(a->run.ended_us / TIME_S), 0);
                ok = archive_write_header(tar, entry) == ARCHIVE_OK && copy_data(tar, f);
                if (!ok && goes_on())
                        show_error("%s: %s", name,
                            archive_error_string(tar) != NULL ? archive_error_string(tar) : "cannot be read");
        }
        archive_entry_free(entry);
        return f != NULL && close_member(f, name, ok);
}

static bool write_tar(FILE *to, struct archive_run *a)
{
        struct archive *tar = archive_write_new();
        bool ok = tar != NULL && archive_write_set_format_pax_restricted(tar) == ARCHIVE_OK &&
                  archive_write_add_filter_xz(tar) == ARCHIVE_OK &&
                  archive_write_set_options(tar, XZ_OPTIONS) == ARCHIVE_OK &&
                  archive_write_open_fd(tar, fileno(to)) == ARCHIVE_OK;

        if (!ok)
                show_error("the archive cannot be begun: %s",
                    tar == NULL ? "out of memory" : archive_error_string(tar));
        for (size_t i = 0; ok && i < sizeof members / sizeof members[0]; i++)
                ok = add_member(tar, a, members[i].name);
        if (ok && archive_write_close(tar) != ARCHIVE_OK) {
                show_error("the archive cannot be ended: %s", archive_error_string(tar));
                ok = false;
        }
        archive_write_free(tar);
        return ok;
}

static bool write_archive(struct archive_run *a, const char *path)
{
        char folder[540];
        struct files_new file;
        bool ok = false;

        if (!files_begin(&file, path))
                return false;
        (void)snprintf(folder, sizeof folder, "%.500s.members.XXXXXX", path);
        if (mkdtemp(folder) == NULL)
                show_error("%s: %s", folder, strerror(errno));
        else {
                a->folder = folder;
                ok = make_members(a) && write_tar(file.to, a);
                remove_members(a);
        }
        return files_end(&file, ok);
}

/* ---- the command ---- */

static bool find_run(struct archive_run *a, long long id)
{
        int found = query_run(a->q, id, &a->run);

        if (found == 1 && a->run.ended_us == 0) {
                show_error("run %lld has not ended: it is archived when it has", id);
                return false;
        }
        if (found == 1)
                found = query_span(a->q, id, &a->span);
        if (found == 1)
                found = query_texts(a->q, id, &a->texts);
        return aldctl_is_found(a->q, id, found);
}

static enum aldctl_exit archive_run(const struct aldctl_options *o, long long id)
{
        struct archive_run a = {.q = NULL};
        enum aldctl_exit code;

        a.q = aldctl_open_database(o, &code);
        if (a.q == NULL)
                return code;
        code = ALDCTL_FAILED;
        if (find_run(&a, id)) {
                files_catch_interrupts();
                if (write_archive(&a, o->output))
                        code = ALDCTL_OK;
                else if (files_interrupted())
                        code = ALDCTL_INTERRUPTED;
        }
        query_free_texts(&a.texts);
        query_close(a.q);
        return code;
}

enum aldctl_exit aldctl_archive(const struct aldctl_command *self, const struct aldctl_options *o)
{
        long long id;

        if (o->verify != NULL && o->word_count == 0 && o->output == NULL)
                return archive_verify(o);
        if (o->verify != NULL || o->word_count == 0 || o->output == NULL || o->head != NULL) {
                show_error("usage: aldctl %s %s", self->name, self->usage);
                return ALDCTL_USAGE;
        }
        id = aldctl_run_number(self, o);
        if (id == 0)
                return ALDCTL_USAGE;
        enum aldctl_exit code = archive_run(o, id);
        return code != ALDCTL_OK
                   ? code
                   : archive_verify(&(struct aldctl_options){.verify = o->output, .json = o->json});
}
