/* aldctl runs and report: the run database, read directly; the daemon is only asked where it lies. */
#include "ald/app/aldctl.h"      /* own declarations */
#include "ald/app/aldctl_line.h" /* line_try: the hello names the database */
#include "ald/app/aldctl_show.h" /* show_* */
#include "ald/app/run_sum.h"     /* run_sum_add */
#include "ald/base/time.h"       /* time_format_utc, TIME_S */
#include "ald/store/query.h"     /* query_* */

#include <errno.h>  /* errno */
#include <math.h>   /* isnan, NAN */
#include <stdlib.h> /* strtoll */
#include <string.h> /* strcmp */
#include <unistd.h> /* access */

/* Where the database is: told, or as the daemon says. */
static enum aldctl_exit find_database(const struct aldctl_options *o, char *path, size_t cap)
{
        struct line l;
        enum aldctl_exit code;

        if (o->db != NULL) {
                text_copy(path, cap, o->db);
                return ALDCTL_OK;
        }
        code = line_try(&l, o->socket);
        if (code == ALDCTL_OK)
                text_copy(path, cap, show_get_text(l.hello, "db"));
        else
                show_error(
                    "where is the run database? The daemon at %s does not answer; --db or ALD_DB can say",
                    o->socket);
        line_close(&l);
        return code;
}

struct query *aldctl_open_database(const struct aldctl_options *o, enum aldctl_exit *code)
{
        char path[512], why[320];
        struct query *q = NULL;

        *code = find_database(o, path, sizeof path);
        if (*code != ALDCTL_OK)
                return NULL;
        q = query_open(path, why, sizeof why);
        if (q == NULL) {
                *code = access(path, R_OK) != 0 && errno == EACCES ? ALDCTL_DENIED : ALDCTL_FAILED;
                show_error("%s", why);
        }
        return q;
}

/* ---- Values ---- */

static json_t *json_time(int64_t us)
{
        char text[TIME_UTC_CAP];

        if (us <= 0)
                return json_null();
        time_format_utc(us, text);
        return json_string(text);
}

static json_t *json_seconds(int64_t us)
{
        return us < 0 ? json_null() : json_real((double)us / (double)TIME_S);
}

static json_t *json_number_or_null(double value)
{
        return isnan(value) ? json_null() : json_real(value);
}

static void add_json(json_t *o, const char *key, json_t *value)
{
        (void)json_object_set_new(o, key, value);
}

static json_t *json_run(const struct query_run *r)
{
        json_t *o = json_object();

        add_json(o, "run", json_integer(r->id));
        add_json(o, "recipe", json_string(r->recipe));
        add_json(o, "state", json_string(r->state));
        add_json(o, "reason", json_string(r->reason));
        add_json(o, "operator", json_string(r->user));
        add_json(o, "started", json_time(r->started_us));
        add_json(o, "ended", json_time(r->ended_us));
        add_json(o, "duration_s", json_seconds(r->ended_us > 0 ? r->ended_us - r->started_us : -1));
        add_json(o, "cycles", json_integer(r->cycles));
        add_json(o, "pulses", json_integer(r->pulses));
        add_json(o, "recipe_sha256", json_string(r->recipe_sha256));
        add_json(o, "tool_sha256", json_string(r->tool_sha256));
        add_json(o, "version", json_string(r->version));
        if (r->last_step[0] != '\0')
                add_json(o, "last_step", json_string(r->last_step));
        if (r->resumes != 0)
                add_json(o, "resumes",
                    json_pack("{s:I, s:I, s:s, s:i}", "run", (json_int_t)r->resumes, "cycle",
                        (json_int_t)r->resumes_cycle, "path", r->resumes_path, "attempt",
                        r->resumes_attempt));
        return o;
}

static void add_duration(struct text *t, const struct query_run *r)
{
        if (r->ended_us > 0)
                show_add_seconds(t, (double)(r->ended_us - r->started_us) / (double)TIME_S);
        else
                text_add(t, "open");
}

/* ---- runs ---- */

static void collect_run(void *ctx, const struct query_run *r)
{
        (void)json_array_append_new(ctx, json_run(r));
}

static void print_run(void *ctx, const struct query_run *r)
{
        char started[SHOW_TIME_CAP], took[40];
        struct text t;

        (void)ctx;
        show_local(r->started_us, true, started);
        text_init(&t, took, sizeof took);
        add_duration(&t, r);
        (void)printf("%5lld  %-20s %-12s %-20s %-14s %6lld %7lld  ", (long long)r->id, r->recipe, r->state,
            started, took, (long long)r->cycles, (long long)r->pulses);
        show_text(stdout, r->reason, false);
        (void)fputc('\n', stdout);
}

enum aldctl_exit aldctl_runs(const struct aldctl_command *self, const struct aldctl_options *o)
{
        enum aldctl_exit code;
        struct query *q = aldctl_open_database(o, &code);
        json_t *list = o->json ? json_array() : NULL;
        int failed;

        (void)self;
        if (q == NULL) {
                json_decref(list);
                return code;
        }
        if (!o->json)
                (void)printf("%s%5s  %-20s %-12s %-20s %-14s %6s %7s  %s%s\n", show_colour(stdout, SHOW_BOLD),
                    "RUN", "RECIPE", "STATE", "STARTED", "TOOK", "CYCLES", "PULSES", "REASON",
                    show_colour(stdout, SHOW_PLAIN));
        failed = query_runs(q, o->limit, o->json ? collect_run : print_run, list);
        if (failed != 0)
                show_error("%s", query_why(q));
        else if (o->json)
                show_json(json_incref(list));
        json_decref(list);
        query_close(q);
        return failed != 0 ? ALDCTL_FAILED : ALDCTL_OK;
}

/* ---- report ---- */

struct report {
        json_t *pulses, *events; /* NULL for people */
        struct run_sum sum;
        int event_count;
};

static json_t *json_pulse(const struct query_pulse *p)
{
        json_t *o = json_object();
        bool has_both = !isnan(p->peak) && !isnan(p->base);

        add_json(o, "cycle", json_integer(p->cycle));
        add_json(o, "path", json_string(p->path));
        add_json(o, "attempt", json_integer(p->attempt));
        add_json(o, "precursor", json_string(p->precursor));
        add_json(o, "outcome", json_string(p->outcome));
        add_json(o, "planned_open", json_time(p->planned_open_us));
        add_json(o, "opened", json_time(p->opened_us));
        add_json(o, "open_acked", json_time(p->open_acked_us));
        add_json(o, "closed", json_time(p->closed_us));
        add_json(o, "close_acked", json_time(p->close_acked_us));
        add_json(o, "planned_width_s", json_seconds(p->planned_width_us));
        add_json(o, "width_s", json_seconds(p->width_us));
        add_json(o, "timed_by", json_string(p->is_device_timed ? "module" : "link"));
        add_json(o, "pressure_base", json_number_or_null(p->base));
        add_json(o, "pressure_peak", json_number_or_null(p->peak));
        add_json(o, "pressure_rise", json_number_or_null(has_both ? p->peak - p->base : NAN));
        add_json(o, "pressure_area", json_number_or_null(p->area));
        add_json(o, "pressure_fit", json_number_or_null(p->fit));
        add_json(o, "pressure_decay_s", json_seconds(p->decay_us));
        return o;
}

static void add_ms(struct text *t, int64_t us)
{
        if (us < 0)
                text_add(t, "-");
        else
                text_add(t, "%.2f", (double)us / 1000.0);
}

static void print_pulse(const struct query_pulse *p)
{
        char opened[SHOW_TIME_CAP] = "-", buf[3][32];
        struct text t;
        bool is_done = strcmp(p->outcome, "done") == 0;

        if (p->opened_us > 0)
                show_local(p->opened_us, false, opened);
        text_init(&t, buf[0], sizeof buf[0]);
        add_ms(&t, p->planned_width_us);
        text_init(&t, buf[1], sizeof buf[1]);
        add_ms(&t, p->width_us);
        text_init(&t, buf[2], sizeof buf[2]);
        if (isnan(p->peak) || isnan(p->base))
                text_add(&t, "-");
        else
                text_add(&t, "%.4f", p->peak - p->base);
        (void)printf("%5lld %3d  %-10s %-9s %12s %12s %13s  %s%s%s%s\n", (long long)p->cycle, p->attempt,
            p->precursor, opened, buf[0], buf[1], buf[2], is_done ? "" : show_colour(stdout, SHOW_YELLOW),
            p->outcome, is_done ? "" : show_colour(stdout, SHOW_PLAIN),
            p->is_device_timed ? ", timed by its module" : "");
}

static void on_pulse(void *ctx, const struct query_pulse *p)
{
        struct report *s = ctx;

        run_sum_add(&s->sum, p);
        if (s->pulses != NULL)
                (void)json_array_append_new(s->pulses, json_pulse(p));
        else
                print_pulse(p);
}

static void print_head(const struct query_run *r)
{
        char started[SHOW_TIME_CAP], took[40], planned[40], rise[24];
        struct text t;

        show_local(r->started_us, true, started);
        text_init(&t, took, sizeof took);
        add_duration(&t, r);
        (void)printf("%srun %lld: %s, %s%s", show_colour(stdout, SHOW_BOLD), (long long)r->id, r->recipe,
            r->state, show_colour(stdout, SHOW_PLAIN));
        if (r->reason[0] != '\0') {
                (void)printf(": ");
                show_text(stdout, r->reason, false);
        }
        if (r->resumes != 0)
                (void)printf("\ngoes on with run %lld %s cycle %lld, %s", (long long)r->resumes,
                    r->resumes_attempt > 0 ? "at" : "behind", (long long)r->resumes_cycle, r->resumes_path);
        text_init(&t, planned, sizeof planned);
        if (r->timed_us > 0)
                time_add_duration(&t, r->timed_us);
        else
                text_add(&t, "not known");
        (void)printf("\nstarted %s by %s, took %s (planned: %s, heat-up and other waits apart); %lld cycles, "
                     "%lld pulses\n",
            started, r->user, took, planned, (long long)r->cycles, (long long)r->pulses);
        (void)printf("recipe sha256 %.16s, tool sha256 %.16s, version %s\n\n", r->recipe_sha256,
            r->tool_sha256, r->version);
        (void)snprintf(
            rise, sizeof rise, "RISE (%s)", r->pressure_unit[0] != '\0' ? r->pressure_unit : "gauge");
        (void)printf("%sCYCLE TRY  PRECURSOR  OPENED    PLANNED (ms)  ACTUAL (ms)  %12s  OUTCOME%s\n",
            show_colour(stdout, SHOW_BOLD), rise, show_colour(stdout, SHOW_PLAIN));
}

static void print_sum(const struct run_sum *s)
{
        char planned[40], actual[40];
        struct text t;

        if (s->count == 0) {
                (void)printf("no pulses were recorded\n");
                return;
        }
        text_init(&t, planned, sizeof planned);
        text_add_number(&t, (double)(s->planned_to_us - s->planned_from_us) / (double)TIME_S, 7);
        text_init(&t, actual, sizeof actual);
        text_add_number(&t, (double)(s->to_us - s->from_us) / (double)TIME_S, 7);
        (void)printf("\nfirst opening to last close: planned %s s, actual %s s (%+.2f ms)\n", planned, actual,
            (double)((s->to_us - s->from_us) - (s->planned_to_us - s->planned_from_us)) / 1000.0);
        (void)printf("largest width error %.2f ms; %d of %d pulses done\n",
            (double)s->width_error_us_max / 1000.0, s->count - s->not_done, s->count);
}

static void on_event(void *ctx, const struct query_event *e)
{
        struct report *s = ctx;
        char when[SHOW_TIME_CAP], buf[400];
        bool is_grave = strcmp(e->severity, "info") != 0;

        if (s->events != NULL) {
                json_t *o = json_object();
                add_json(o, "time", json_time(e->t_us));
                add_json(o, "kind", json_string(e->kind));
                add_json(o, "severity", json_string(e->severity));
                add_json(o, "source", json_string(e->source));
                add_json(o, "text", json_string(e->text));
                (void)json_array_append_new(s->events, o);
                return;
        }
        show_local(e->t_us, false, when);
        (void)printf("%s%s ", s->event_count++ == 0 ? "\n" : "", when);
        (void)snprintf(buf, sizeof buf, "%s%s%s: %s", is_grave ? e->severity : "", is_grave ? " " : "",
            e->source, e->text);
        show_wrapped(stdout, buf, 9, 9);
        (void)fputc('\n', stdout);
}

static enum aldctl_exit report_run(
    const struct aldctl_options *o, struct query *q, const struct query_run *run)
{
        struct report s = {.pulses = o->json ? json_array() : NULL, .events = o->json ? json_array() : NULL};
        json_t *out;
        int found;

        if (!o->json)
                print_head(run);
        found = query_pulses(q, run->id, on_pulse, &s);
        if (found == 0 && !o->json)
                print_sum(&s.sum);
        if (found == 0)
                found = query_events(q, run->id, on_event, &s);
        if (found != 0) {
                show_error("%s", query_why(q));
                json_decref(s.pulses);
                json_decref(s.events);
                return ALDCTL_FAILED;
        }
        if (!o->json)
                return ALDCTL_OK;
        out = json_run(run);
        add_json(out, "planned_span_s", json_seconds(s.sum.planned_to_us - s.sum.planned_from_us));
        add_json(out, "span_s", json_seconds(s.sum.to_us - s.sum.from_us));
        add_json(out, "width_error_s_max", json_seconds(s.sum.width_error_us_max));
        add_json(out, "pulse_rows", s.pulses);
        add_json(out, "events", s.events);
        show_json(out);
        return ALDCTL_OK;
}

long long aldctl_read_run(const struct aldctl_command *self, const char *word)
{
        char *end;
        long long id = strtoll(word, &end, 10);

        if (*end == '\0' && id > 0)
                return id;
        show_error("'%s' is no run number; usage: aldctl %s %s", word, self->name, self->usage);
        return 0;
}

long long aldctl_run_number(const struct aldctl_command *self, const struct aldctl_options *o)
{
        return aldctl_read_run(self, o->words[0]);
}

bool aldctl_is_found(struct query *q, long long id, int found)
{
        if (found == 0)
                show_error("there is no run %lld; `aldctl runs` lists them", id);
        else if (found < 0)
                show_error("%s", query_why(q));
        return found == 1;
}

bool aldctl_find_run(struct query *q, long long id, struct query_run *run)
{
        return aldctl_is_found(q, id, query_run(q, id, run));
}

enum aldctl_exit aldctl_report(const struct aldctl_command *self, const struct aldctl_options *o)
{
        struct query_run run;
        enum aldctl_exit code;
        struct query *q;
        long long id = aldctl_run_number(self, o);

        if (id == 0)
                return ALDCTL_USAGE;
        if (o->output != NULL && o->json) {
                show_error("-o writes a page, --json an object: one of them");
                return ALDCTL_USAGE;
        }
        q = aldctl_open_database(o, &code);
        if (q == NULL)
                return code;
        if (!aldctl_find_run(q, id, &run))
                code = ALDCTL_FAILED;
        else if (o->output != NULL)
                code = aldctl_report_page(q, id, o->output);
        else
                code = report_run(o, q, &run);
        query_close(q);
        return code;
}
