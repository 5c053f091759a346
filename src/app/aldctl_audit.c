/* aldctl audit: who asked the daemon for what, and does the chain hold that proves it? */
#include "ald/app/aldctl.h"         /* own declarations */
#include "ald/app/aldctl_files.h"   /* files_catch_interrupts, files_interrupted */
#include "ald/app/aldctl_show.h"    /* show_* */
#include "ald/app/digest.h"         /* digest_sha256 */
#include "ald/base/time.h"          /* time_format_utc */
#include "ald/store/audit_verify.h" /* struct audit_verify */
#include "ald/store/query.h"        /* query_audits, query_verify */
#include "ald/store/seal.h"         /* seal_parse */

#include <stdio.h>  /* printf */
#include <stdlib.h> /* strtoll */
#include <string.h> /* strcmp, strspn */
#include <unistd.h> /* isatty */

enum { FINDINGS_TOLD = 20 };

static void add_json(json_t *o, const char *key, json_t *value)
{
        (void)json_object_set_new(o, key, value);
}

/* ---- the list ---- */

static void collect_audit(void *ctx, const struct query_audit *a)
{
        char utc[TIME_UTC_CAP];
        json_t *o = json_object();

        time_format_utc(a->t_us, utc);
        add_json(o, "id", json_integer(a->id));
        add_json(o, "time", json_string(utc));
        add_json(o, "uid", json_integer(a->uid));
        add_json(o, "pid", json_integer(a->pid));
        add_json(o, "user", json_string(a->user));
        add_json(o, "role", json_string(a->role));
        add_json(o, "command", json_string(a->command));
        add_json(o, "arguments", json_string(a->arguments));
        add_json(o, "state_before", json_string(a->state_before));
        add_json(o, "state_after", json_string(a->state_after));
        add_json(o, "result", json_string(a->result));
        add_json(o, "sha256", json_string(a->sha256));
        (void)json_array_append_new(ctx, o);
}

static void print_audit(void *ctx, const struct query_audit *a)
{
        char when[SHOW_TIME_CAP], line[400];
        struct seal seal;

        (void)ctx;
        show_local(a->t_us, true, when);
        (void)printf("%6lld  %-19s  %-10.10s %-9s ", (long long)a->id, when, a->user, a->role);
        if (seal_parse(a->role, a->command, a->arguments, a->result, &seal))
                (void)snprintf(line, sizeof line, "run %lld closed: %lld rows, tape of %lld pieces",
                    (long long)seal.run, (long long)seal.rows, (long long)seal.pieces);
        else
                (void)snprintf(line, sizeof line, "%s%s%s",
                    a->arguments[0] == '\0' ? a->command : a->arguments,
                    strcmp(a->result, "ok") == 0 ? "" : ": ", strcmp(a->result, "ok") == 0 ? "" : a->result);
        show_wrapped(stdout, line, 49, 51);
        (void)fputc('\n', stdout);
}

static int list(const struct aldctl_options *o, struct query *q)
{
        json_t *all = o->json ? json_array() : NULL;
        int found;

        if (!o->json)
                (void)printf("%s    ID  TIME                 USER       ROLE      COMMAND%s\n",
                    show_colour(stdout, SHOW_BOLD), show_colour(stdout, SHOW_PLAIN));
        found = query_audits(q, o->limit, o->json ? collect_audit : print_audit, all);
        if (found == 0 && o->json)
                show_json(all);
        else
                json_decref(all);
        return found;
}

/* ---- verify ---- */

struct verify {
        const struct aldctl_options *o;
        json_t *findings; /* NULL: to be printed */
        int64_t told;
        bool is_shown; /* progress stands in the line */
};

static void clear_progress(struct verify *v)
{
        if (v->is_shown)
                (void)fputs("\r                    \r", stderr);
        v->is_shown = false;
}

static void on_finding(void *ctx, int64_t id, const char *what)
{
        struct verify *v = ctx;

        if (v->told++ >= FINDINGS_TOLD)
                return;
        if (v->findings != NULL) {
                json_t *o = json_object();
                add_json(o, "id", json_integer(id));
                add_json(o, "text", json_string(what));
                (void)json_array_append_new(v->findings, o);
                return;
        }
        clear_progress(v);
        (void)printf("%s%s%s\n", show_colour(stdout, SHOW_RED), what, show_colour(stdout, SHOW_PLAIN));
}

static bool on_slice(void *ctx, int64_t done, int64_t all)
{
        struct verify *v = ctx;

        if (isatty(STDERR_FILENO) && all > 0) {
                (void)fprintf(stderr, "\r%3d %% verified ", (int)(100.0 * (double)done / (double)all));
                (void)fflush(stderr);
                v->is_shown = true;
        }
        return !files_interrupted();
}

bool aldctl_take_head(const char *text, struct audit_head *head)
{
        char *end;

        head->id = strtoll(text, &end, 10);
        if (head->id > 0 && *end == ':' && strlen(end + 1) == 64 &&
            strspn(end + 1, "0123456789abcdef") == 64) {
                text_copy(head->sha256, sizeof head->sha256, end + 1);
                return true;
        }
        show_error("--head %s: ID:SHA256 wanted, as in the daemon's journal (\"audit head 12:9f...\"), in a "
                   "run's archive or report",
            text);
        return false;
}

static void say_verified(const struct audit_verified *r, const struct audit_head *kept)
{
        if (r->findings > FINDINGS_TOLD)
                (void)printf("... and %lld more\n", (long long)(r->findings - FINDINGS_TOLD));
        if (r->extract != 0)
                (void)printf("an extract of run %lld, from record %lld on\n", (long long)r->extract,
                    (long long)r->first.id);
        (void)printf(
            "%s%s%s: records %lld to %lld; %lld run%s with heads, %lld closed, with %lld pieces of tape\n",
            show_colour(stdout, r->findings == 0 ? SHOW_GREEN : SHOW_RED),
            r->findings == 0 ? "whole" : "not as it was written", show_colour(stdout, SHOW_PLAIN),
            (long long)r->first.id, (long long)r->head.id, (long long)r->runs, r->runs == 1 ? "" : "s",
            (long long)r->sealed, (long long)r->pieces);
        if (r->head.id > 0)
                (void)printf("audit head %lld:%s\n", (long long)r->head.id, r->head.sha256);
        if (kept == NULL && r->findings == 0)
                (void)printf(
                    "A chain that was cut at its end shows only against a head kept elsewhere: --head\n");
}

static json_t *json_verified(const struct audit_verified *r, json_t *findings)
{
        json_t *o = json_object();

        add_json(o, "ok", json_boolean(r->findings == 0));
        add_json(o, "records", json_integer(r->records));
        add_json(o, "first", json_integer(r->first.id));
        add_json(o, "head", json_integer(r->head.id));
        add_json(o, "head_sha256", json_string(r->head.sha256));
        add_json(o, "runs", json_integer(r->runs));
        add_json(o, "closed", json_integer(r->sealed));
        add_json(o, "tape_pieces", json_integer(r->pieces));
        add_json(o, "extract_of_run", r->extract == 0 ? json_null() : json_integer(r->extract));
        add_json(o, "findings_count", json_integer(r->findings));
        add_json(o, "findings", findings);
        return o;
}

static enum aldctl_exit verify(const struct aldctl_options *o, struct query *q)
{
        struct verify v = {.o = o, .findings = o->json ? json_array() : NULL};
        struct audit_verified result;
        struct audit_head kept;
        struct audit_verify how = {.digest = digest_sha256, .find = on_finding, .go_on = on_slice, .ctx = &v};
        int done;

        if (o->head != NULL) {
                if (!aldctl_take_head(o->head, &kept))
                        return ALDCTL_USAGE;
                how.kept = &kept;
        }
        files_catch_interrupts();
        done = query_verify(q, &how, &result);
        clear_progress(&v);
        if (done != 0) {
                json_decref(v.findings);
                if (!files_interrupted())
                        show_error("%s", query_why(q));
                return files_interrupted() ? ALDCTL_INTERRUPTED : ALDCTL_FAILED;
        }
        if (o->json)
                show_json(json_verified(&result, v.findings));
        else
                say_verified(&result, how.kept);
        return result.findings == 0 ? ALDCTL_OK : ALDCTL_FAILED;
}

enum aldctl_exit aldctl_audit(const struct aldctl_command *self, const struct aldctl_options *o)
{
        bool is_verify = o->word_count > 0 && strcmp(o->words[0], "verify") == 0;
        enum aldctl_exit code;
        struct query *q;

        if (o->word_count > 0 && !is_verify) {
                show_error("'%s'? usage: aldctl %s %s", o->words[0], self->name, self->usage);
                return ALDCTL_USAGE;
        }
        q = aldctl_open_database(o, &code);
        if (q == NULL)
                return code;
        if (is_verify)
                code = verify(o, q);
        else if (list(o, q) != 0) {
                show_error("%s", query_why(q));
                code = ALDCTL_FAILED;
        }
        query_close(q);
        return code;
}
