/* aldctl archive --verify: is the archive of a run what was written, on any machine, without a daemon or another database? */
#include "ald/app/aldctl_archive.h" /* own declarations */
#include "ald/app/aldctl_files.h"   /* files_catch_interrupts */
#include "ald/app/aldctl_show.h"    /* show_error, show_json */
#include "ald/app/digest.h"         /* struct digest */
#include "ald/store/audit_verify.h" /* struct audit_verify */

#include <archive.h>       /* archive_read_* */
#include <archive_entry.h> /* archive_entry_* */
#include <errno.h>         /* errno */
#include <stdlib.h>        /* mkstemp, getenv */
#include <string.h>        /* strcmp, strerror */
#include <sys/stat.h>      /* stat */
#include <unistd.h>        /* write, unlink */

/* A tar file is filled with zeros up to whole records of 20 blocks. */
enum { MEMBERS_MAX = 32, SUMS_MAX = 8192, BLOCK = 65536, TAR_RECORD = 10240 };

struct seen {
        char name[64], sha256[DIGEST_HEX];
        bool is_listed; /* in SHA256SUMS */
};

struct check {
        const struct aldctl_options *o;
        json_t *findings;
        struct seen seen[MEMBERS_MAX];
        size_t seen_count;
        char folder[64]; /* "run-12/" */
        char sums[SUMS_MAX];
        size_t sums_len;
        char database[540]; /* where its copy is; "": none */
        int64_t unpacked;   /* bytes of the tar file */
        struct query_run run;
        struct audit_verified chain;
};

static void find(struct check *c, const char *fmt, ...) TEXT_PRINTF(2, 3);
static void find(struct check *c, const char *fmt, ...)
{
        char what[400];
        struct text t;
        va_list args;

        text_init(&t, what, sizeof what);
        va_start(args, fmt);
        text_addv(&t, fmt, args);
        va_end(args);
        text_clean(what);
        (void)json_array_append_new(c->findings, json_string(what));
}

static bool goes_on(void)
{
        return !files_interrupted();
}

static struct seen *find_seen(struct check *c, const char *name)
{
        for (size_t i = 0; i < c->seen_count; i++)
                if (strcmp(c->seen[i].name, name) == 0)
                        return &c->seen[i];
        return NULL;
}

/* ---- the file ---- */

static struct archive *open_archive(struct check *c, bool as_tar)
{
        struct archive *a = archive_read_new();
        bool ok = a != NULL && archive_read_support_filter_xz(a) == ARCHIVE_OK &&
                  (as_tar ? archive_read_support_format_tar(a) : archive_read_support_format_raw(a)) ==
                      ARCHIVE_OK &&
                  archive_read_open_filename(a, c->o->verify, BLOCK) == ARCHIVE_OK;

        if (ok)
                return a;
        find(c, "the file cannot be read: %s", a == NULL ? "out of memory" : archive_error_string(a));
        archive_read_free(a);
        return NULL;
}

/* To its very end: a tar's reader stops at the last member, before what the compression says about the whole. */
static bool is_sound(struct check *c)
{
        struct archive *a = open_archive(c, false);
        struct archive_entry *entry;
        struct stat st;
        char block[BLOCK];
        la_ssize_t n = -1;
        bool ok = false;

        if (a == NULL)
                return false;
        if (archive_read_next_header(a, &entry) == ARCHIVE_OK)
                while (goes_on() && (n = archive_read_data(a, block, sizeof block)) > 0)
                        c->unpacked += n;
        if (n != 0)
                find(c, "the file is damaged: %s",
                    archive_error_string(a) == NULL ? "not an xz file" : archive_error_string(a));
        else if (archive_filter_code(a, 0) != ARCHIVE_FILTER_XZ)
                find(c, "the file is no .tar.xz");
        else if (stat(c->o->verify, &st) == 0 && st.st_size != archive_filter_bytes(a, -1))
                find(c, "%lld bytes follow the archive",
                    (long long)(st.st_size - archive_filter_bytes(a, -1)));
        else
                ok = true;
        archive_read_free(a);
        return ok;
}

/* ---- the members ---- */

/* "run-12/NAME" of a plain file, once; its NAME, or NULL: told. */
static const char *check_name(struct check *c, struct archive_entry *entry)
{
        const char *path = archive_entry_pathname(entry), *slash = path == NULL ? NULL : strchr(path, '/');

        if (slash == NULL || slash[1] == '\0' || strchr(slash + 1, '/') != NULL ||
            (size_t)(slash + 2 - path) > sizeof c->folder || strlen(slash + 1) >= sizeof c->seen[0].name ||
            archive_entry_filetype(entry) != AE_IFREG || archive_entry_hardlink(entry) != NULL) {
                find(c, "'%s' is no member of a run's archive", path == NULL ? "" : path);
                return NULL;
        }
        if (c->seen_count == 0)
                text_copy(c->folder, (size_t)(slash + 2 - path), path);
        if (strncmp(path, c->folder, strlen(c->folder)) != 0) {
                find(c, "'%s' is of another run than the first member", path);
                return NULL;
        }
        if (find_seen(c, slash + 1) != NULL)
                find(c, "%s is there twice", slash + 1);
        else if (archive_find(slash + 1) == NULL)
                find(c, "%s is no member of a run's archive", slash + 1);
        return slash + 1;
}

static int open_copy(struct check *c)
{
        const char *base = getenv("TMPDIR");

        (void)snprintf(c->database, sizeof c->database, "%.500s/ald-verify-XXXXXX",
            base == NULL || base[0] == '\0' ? "/tmp" : base);
        int fd = mkstemp(c->database);
        if (fd < 0) {
                find(c, "%s: %s", c->database, strerror(errno));
                c->database[0] = '\0';
        }
        return fd;
}

static bool write_all(int fd, const char *bytes, size_t len)
{
        while (len > 0) {
                ssize_t n = write(fd, bytes, len);

                if (n < 0 && errno != EINTR)
                        return false;
                bytes += n > 0 ? n : 0;
                len -= n > 0 ? (size_t)n : 0;
        }
        return true;
}

/* The sums are kept, the database is copied, the rest only goes through the digest. */
static bool read_member(struct check *c, struct archive *a, struct seen *s)
{
        bool is_sums = strcmp(s->name, ARCHIVE_SUMS) == 0;
        int copy = strcmp(s->name, ARCHIVE_DATABASE) == 0 && c->database[0] == '\0' ? open_copy(c) : -1;
        char block[BLOCK];
        struct digest d;
        la_ssize_t n;
        bool ok = true;

        digest_begin(&d);
        while (ok && goes_on() && (n = archive_read_data(a, block, sizeof block)) > 0) {
                digest_add(&d, block, (size_t)n);
                if (is_sums && c->sums_len + (size_t)n < sizeof c->sums) {
                        memcpy(c->sums + c->sums_len, block, (size_t)n);
                        c->sums_len += (size_t)n;
                }
                if (copy >= 0 && !write_all(copy, block, (size_t)n)) {
                        find(c, "%s: %s", c->database, strerror(errno));
                        ok = false;
                }
        }
        digest_end(&d, s->sha256);
        if (copy >= 0)
                (void)close(copy);
        return ok && goes_on();
}

static bool read_members(struct check *c)
{
        struct archive *a = open_archive(c, true);
        struct archive_entry *entry;
        int rc = ARCHIVE_FATAL;
        bool ok = a != NULL;

        while (ok && (rc = archive_read_next_header(a, &entry)) == ARCHIVE_OK) {
                const char *name = check_name(c, entry);

                ok = name != NULL && c->seen_count < MEMBERS_MAX;
                if (!ok)
                        break;
                text_copy(c->seen[c->seen_count].name, sizeof c->seen[0].name, name);
                ok = read_member(c, a, &c->seen[c->seen_count++]);
        }
        if (ok && rc != ARCHIVE_EOF) {
                find(c, "the archive is damaged: %s", archive_error_string(a));
                ok = false;
        } else if (ok && c->unpacked - archive_filter_bytes(a, 0) >= TAR_RECORD) {
                find(c, "something follows the last member");
        }
        archive_read_free(a);
        return ok;
}

/* ---- the sums ---- */

/* "SHA256  NAME" as sha256sum writes it. */
static void check_sum(struct check *c, char *line)
{
        struct seen *s =
            strlen(line) > 66 && line[64] == ' ' && line[65] == ' ' ? find_seen(c, line + 66) : NULL;

        if (s == NULL) {
                find(c, "%s names what is not there: %s", ARCHIVE_SUMS, line);
                return;
        }
        if (strncmp(line, s->sha256, 64) != 0)
                find(c, "%s was changed: its SHA-256 is not that in %s", s->name, ARCHIVE_SUMS);
        s->is_listed = true;
}

static void check_sums(struct check *c)
{
        char *line = c->sums, *end;
        size_t count;
        const struct archive_member *members = archive_members(&count);

        for (size_t i = 0; i < count; i++)
                if (!members[i].is_optional && find_seen(c, members[i].name) == NULL)
                        find(c, "%s is missing", members[i].name);
        c->sums[c->sums_len] = '\0';
        for (; (end = strchr(line, '\n')) != NULL; line = end + 1) {
                *end = '\0';
                check_sum(c, line);
        }
        for (size_t i = 0; i < c->seen_count; i++)
                if (!c->seen[i].is_listed && strcmp(c->seen[i].name, ARCHIVE_SUMS) != 0)
                        find(c, "%s is not in %s", c->seen[i].name, ARCHIVE_SUMS);
}

/* ---- the database ---- */

static void check_text(struct check *c, const char *name, const char *text, const char *sha256)
{
        const struct seen *s = find_seen(c, name);
        char hex[DIGEST_HEX];

        digest_sha256(text, strlen(text), hex);
        if (sha256 != NULL && strcmp(hex, sha256) != 0)
                find(c,
                    "the text of %s in the database is not the one that was in force: its SHA-256 differs",
                    name);
        if (s != NULL && strcmp(hex, s->sha256) != 0)
                find(c, "%s is not the text in the database", name);
}

static void check_texts(struct check *c, struct query *q)
{
        struct query_texts texts;

        if (query_texts(q, c->run.id, &texts) != 1) {
                find(c, "%s", query_why(q));
                return;
        }
        check_text(c, "recipe.yaml", texts.recipe, c->run.recipe_sha256);
        check_text(c, "tool.yaml", texts.tool, c->run.tool_sha256);
        check_text(c, "parameters.json", texts.parameters, NULL);
        query_free_texts(&texts);
}

static void on_finding(void *ctx, int64_t id, const char *what)
{
        (void)id;
        find(ctx, "%s", what);
}

static bool on_slice(void *ctx, int64_t done, int64_t all)
{
        (void)ctx;
        (void)done;
        (void)all;
        return goes_on();
}

static void check_chain(struct check *c, struct query *q)
{
        struct audit_head kept;
        struct audit_verify how = {.digest = digest_sha256, .find = on_finding, .go_on = on_slice, .ctx = c};

        if (c->o->head != NULL && aldctl_take_head(c->o->head, &kept))
                how.kept = &kept;
        if (query_verify(q, &how, &c->chain) != 0)
                find(c, "%s", query_why(q));
        else if (c->chain.extract == 0)
                find(c, "%s is no extract of one run", ARCHIVE_DATABASE);
}

static void on_run(void *ctx, const struct query_run *run)
{
        *(struct query_run *)ctx = *run;
}

static void check_database(struct check *c)
{
        char why[400];
        struct query *q = query_open(c->database, why, sizeof why);
        int found = 0;

        if (q == NULL) {
                find(c, "%s: %s", ARCHIVE_DATABASE, why);
                return;
        }
        found = query_integrity(q, why, sizeof why);
        if (found != 0)
                find(c, "%s is damaged: %s", ARCHIVE_DATABASE, found < 0 ? query_why(q) : why);
        else if (query_runs(q, 1, on_run, &c->run) != 0 || c->run.id == 0)
                find(c, "%s has no run", ARCHIVE_DATABASE);
        else {
                check_texts(c, q);
                check_chain(c, q);
        }
        query_close(q);
}

/* ---- what is said ---- */

static enum aldctl_exit say(struct check *c)
{
        bool is_whole = json_array_size(c->findings) == 0;
        size_t i;
        json_t *what, *out;

        if (c->o->json) {
                out = json_pack("{s:b,s:I,s:I,s:I,s:I,s:s,s:O}", "ok", is_whole, "run", (json_int_t)c->run.id,
                    "members", (json_int_t)c->seen_count, "first", (json_int_t)c->chain.first.id, "head",
                    (json_int_t)c->chain.head.id, "head_sha256", c->chain.head.sha256, "findings",
                    c->findings);
                show_json(out);
                return is_whole ? ALDCTL_OK : ALDCTL_FAILED;
        }
        json_array_foreach(c->findings, i, what)
        {
                (void)printf("%s%s%s\n", show_colour(stdout, SHOW_RED), json_string_value(what),
                    show_colour(stdout, SHOW_PLAIN));
        }
        if (!is_whole) {
                (void)printf("%s is not as it was written\n", c->o->verify);
                return ALDCTL_FAILED;
        }
        (void)printf(
            "%swhole%s: run %lld, %s, %s: %zu members, audit records %lld to %lld\naudit head %lld:%s\n",
            show_colour(stdout, SHOW_GREEN), show_colour(stdout, SHOW_PLAIN), (long long)c->run.id,
            c->run.recipe, c->run.state, c->seen_count, (long long)c->chain.first.id,
            (long long)c->chain.head.id, (long long)c->chain.head.id, c->chain.head.sha256);
        return ALDCTL_OK;
}

enum aldctl_exit archive_verify(const struct aldctl_options *o)
{
        struct check c = {.o = o, .findings = json_array()};
        struct audit_head kept;
        struct stat st;
        enum aldctl_exit code;

        if (o->head != NULL && !aldctl_take_head(o->head, &kept)) {
                json_decref(c.findings);
                return ALDCTL_USAGE;
        }
        if (stat(o->verify, &st) != 0) {
                show_error("%s: %s", o->verify, strerror(errno));
                json_decref(c.findings);
                return ALDCTL_FAILED;
        }
        files_catch_interrupts();
        if (is_sound(&c) && read_members(&c)) {
                check_sums(&c);
                if (c.database[0] != '\0')
                        check_database(&c);
        }
        if (c.database[0] != '\0')
                (void)unlink(c.database);
        code = files_interrupted() ? ALDCTL_INTERRUPTED : say(&c);
        json_decref(c.findings);
        return code;
}
