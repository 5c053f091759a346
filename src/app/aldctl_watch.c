/* aldctl watch, and what `run --wait` shows.
 *
 * On a terminal one line at the bottom is redrawn in place and events scroll above it. Elsewhere a line is written
 * when something happened (another state, step or cycle) and every 5 s while time passes. */
#include "ald/app/aldctl_watch.h" /* own declarations */

#include "ald/app/aldctl_show.h" /* show_* */
#include "ald/app/aldctl_view.h" /* view_* */
#include "ald/store/query.h"     /* query_run: how a run ended that was reset meanwhile */

#include <signal.h> /* sigaction */
#include <stdlib.h> /* free */
#include <string.h> /* strcmp, strspn */
#include <time.h>   /* clock_gettime */

enum { WATCH_QUIET_S = 5, WATCH_TICK_MS = 1000, WATCH_ROWS_MAX = 3 };

static volatile sig_atomic_t is_interrupted;

static void on_interrupt(int number)
{
        (void)number;
        is_interrupted = 1;
}

/* No SA_RESTART: poll() returns, and the loop sees it. */
static void catch_interrupts(void)
{
        struct sigaction action = {.sa_handler = on_interrupt};

        (void)sigemptyset(&action.sa_mask);
        (void)sigaction(SIGINT, &action, NULL);
        (void)sigaction(SIGTERM, &action, NULL);
        (void)sigaction(SIGHUP, &action, NULL);
}

struct display {
        bool is_terminal;
        int rows;        /* drawn at the bottom of the terminal, 0 to WATCH_ROWS_MAX */
        char key[1024];  /* what the last line said, without what counts down */
        char line[1024]; /* the last line */
        double written_s;
};

static double now_s(void)
{
        struct timespec t;

        (void)clock_gettime(CLOCK_MONOTONIC, &t);
        return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static int64_t wall_us(void)
{
        struct timespec t;

        (void)clock_gettime(CLOCK_REALTIME, &t);
        return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* ---- The display ---- */

static void wipe(struct display *d)
{
        for (; d->rows > 1; d->rows--)
                (void)fputs("\r\033[K\033[A", stdout);
        if (d->rows > 0)
                (void)fputs("\r\033[K", stdout);
        d->rows = 0;
}

static void print_row(const char *text, size_t len)
{
        char row[sizeof((struct display *)0)->line];

        (void)snprintf(row, sizeof row, "%.*s", (int)len, text);
        show_text(stdout, row, false);
}

/* As many rows as the line needs and WATCH_ROWS_MAX allow; what is left over is cut off. */
static void draw(struct display *d)
{
        const char *rest = d->line;
        int columns = show_columns(stdout) - 1;

        wipe(d);
        columns = columns > 10 ? columns : 10;
        do {
                size_t len = view_row(rest, d->rows == 0 ? columns : columns - 1);
                (void)fputs(d->rows > 0 ? "\n " : "", stdout);
                print_row(rest, len);
                rest += len;
                rest += strspn(rest, "; ");
                d->rows++;
        } while (*rest != '\0' && d->rows < WATCH_ROWS_MAX);
        (void)fflush(stdout);
}

static void write_plain(struct display *d)
{
        char when[SHOW_TIME_CAP];

        show_local(wall_us(), false, when);
        (void)printf("%s ", when);
        show_text(stdout, d->line, false);
        (void)fputc('\n', stdout);
        (void)fflush(stdout);
        d->written_s = now_s();
}

static void show_status(struct display *d, const json_t *status)
{
        char key[sizeof d->key], line[sizeof d->line];
        struct text t;
        bool has_happened, has_moved;

        text_init(&t, key, sizeof key);
        view_add_key(&t, status);
        text_init(&t, line, sizeof line);
        view_add_line(&t, status);
        has_happened = strcmp(key, d->key) != 0;
        has_moved = strcmp(line, d->line) != 0;
        text_copy(d->key, sizeof d->key, key);
        text_copy(d->line, sizeof d->line, line);
        if (d->is_terminal && (has_moved || d->rows == 0))
                draw(d);
        else if (!d->is_terminal && (has_happened || (has_moved && now_s() - d->written_s >= WATCH_QUIET_S)))
                write_plain(d);
}

static void show_event(struct display *d, const json_t *event)
{
        char buf[512];
        struct text t;
        bool is_grave = view_is_grave(event);

        wipe(d);
        text_init(&t, buf, sizeof buf);
        view_add_event(&t, event);
        (void)fputs(is_grave ? show_colour(stdout, SHOW_YELLOW) : show_colour(stdout, SHOW_DIM), stdout);
        show_wrapped(stdout, buf, 0, 9);
        (void)printf("%s\n", show_colour(stdout, SHOW_PLAIN));
        if (d->is_terminal && d->line[0] != '\0')
                draw(d);
        (void)fflush(stdout);
}

/* Leave the last line standing. */
static void end_display(struct display *d)
{
        if (d->rows > 0)
                (void)fputc('\n', stdout);
        d->rows = 0;
        (void)fflush(stdout);
}

/* ---- Following ---- */

/* One message of the subscription. */
static void take(struct display *d, struct view *v, json_t *message)
{
        const char *method = show_get_text(message, "method");
        json_t *params = json_object_get(message, "params");

        if (strcmp(method, "event") == 0) {
                show_event(d, params);
        } else if (strcmp(method, "update") == 0) {
                view_fold(v, params);
                show_status(d, v->status);
        }
}

static enum aldctl_exit subscribe(
    struct line *l, const struct aldctl_options *o, struct view *v, json_t **full)
{
        enum aldctl_exit code = line_ask(l, o, "subscribe", NULL, full);

        if (code == ALDCTL_OK)
                view_begin(v, *full);
        return code;
}

static enum aldctl_exit watch_plain(struct line *l, struct view *v)
{
        struct display d = {.is_terminal = show_columns(stdout) > 0};
        enum line_got got = LINE_MESSAGE;

        view_print_concerns(stdout, v->status);
        show_status(&d, v->status);
        while (!is_interrupted && got != LINE_CLOSED) {
                json_t *message;
                got = line_next(l, WATCH_TICK_MS, &message);
                if (got == LINE_MESSAGE)
                        take(&d, v, message);
                json_decref(message);
        }
        end_display(&d);
        return got == LINE_CLOSED ? ALDCTL_NOT_CONNECTED : ALDCTL_OK;
}

/* One object a line: {"full": ...}, then {"update": ...} and {"event": ...}. */
static enum aldctl_exit watch_json(struct line *l, json_t *full)
{
        enum line_got got = LINE_MESSAGE;

        show_json(json_pack("{s:O}", "full", full));
        while (!is_interrupted && got != LINE_CLOSED) {
                json_t *message;
                got = line_next(l, WATCH_TICK_MS, &message);
                if (got == LINE_MESSAGE && json_object_get(message, "params") != NULL)
                        show_json(json_pack(
                            "{s:O}", show_get_text(message, "method"), json_object_get(message, "params")));
                json_decref(message);
        }
        return got == LINE_CLOSED ? ALDCTL_NOT_CONNECTED : ALDCTL_OK;
}

enum aldctl_exit aldctl_watch(const struct aldctl_command *self, const struct aldctl_options *o)
{
        struct line l;
        struct view v = {.status = NULL};
        json_t *full = NULL;
        enum aldctl_exit code = line_open(&l, o);

        (void)self;
        catch_interrupts();
        if (code == ALDCTL_OK)
                code = subscribe(&l, o, &v, &full);
        if (code == ALDCTL_OK) {
                code = o->json ? watch_json(&l, full) : watch_plain(&l, &v);
                if (code != ALDCTL_OK)
                        show_error("the daemon closed the connection");
        }
        json_decref(full);
        view_end(&v);
        line_close(&l);
        return code;
}

/* ---- run --wait ---- */

struct wait {
        json_int_t run;
        bool has_begun; /* the run was seen under way */
        bool is_over;
        char state[16], reason[256];
};

/* `run` passes through Resetting and Idle before the run begins; the same Idle after it means that somebody has reset
 * the tool before we saw how the run ended. */
static void judge(struct wait *w, const json_t *status)
{
        const char *state = show_get_text(status, "state");
        json_int_t run = json_integer_value(json_object_get(status, "run"));
        bool is_resting = strcmp(state, "Complete") == 0 || strcmp(state, "Stopped") == 0 ||
                          strcmp(state, "Aborted") == 0 || (strcmp(state, "Idle") == 0 && w->has_begun);

        if (run == w->run && json_is_true(json_object_get(status, "in_run")))
                w->has_begun = true;
        if (run > w->run || is_resting) {
                w->is_over = true;
                text_copy(w->state, sizeof w->state, run == w->run ? state : "");
                text_copy(w->reason, sizeof w->reason, run == w->run ? show_get_text(status, "reason") : "");
        }
}

/* The record knows how a run ended when the display missed it. */
static void ask_record(struct wait *w, const struct line *l, const struct aldctl_options *o)
{
        const char *path = o->db != NULL ? o->db : show_get_text(l->hello, "db");
        char why[256];
        struct query_run run;
        struct query *q;

        if (strcmp(w->state, "Complete") == 0 || strcmp(w->state, "Stopped") == 0 ||
            strcmp(w->state, "Aborted") == 0)
                return;
        text_copy(w->state, sizeof w->state, "unknown");
        q = path[0] != '\0' ? query_open(path, why, sizeof why) : NULL;
        if (q != NULL && query_run(q, w->run, &run) == 1 && run.ended_us != 0) {
                text_copy(w->state, sizeof w->state, run.state);
                text_copy(w->reason, sizeof w->reason, run.reason);
        }
        query_close(q);
}

/* The result in the end, once; `exit` is in the JSON too. */
static enum aldctl_exit tell(const struct wait *w, const struct aldctl_options *o, enum aldctl_exit code)
{
        if (o->json) {
                show_json(json_pack("{s:I, s:s, s:s, s:i}", "run", w->run, "state", w->state, "reason",
                    w->reason, "exit", (int)code));
                return code;
        }
        (void)printf("%srun %lld %s%s%s%s\n",
            show_colour(stdout, code == ALDCTL_OK ? SHOW_GREEN : SHOW_YELLOW), (long long)w->run, w->state,
            w->reason[0] != '\0' ? ": " : "", w->reason, show_colour(stdout, SHOW_PLAIN));
        (void)fflush(stdout);
        return code;
}

static enum aldctl_exit tell_end(struct wait *w, const struct line *l, const struct aldctl_options *o)
{
        if (w->is_over) {
                ask_record(w, l, o);
                return tell(w, o, strcmp(w->state, "Complete") == 0 ? ALDCTL_OK : ALDCTL_FAILED);
        }
        if (is_interrupted) {
                text_copy(w->state, sizeof w->state, "detached");
                text_copy(w->reason, sizeof w->reason,
                    "the run goes on; `aldctl watch` shows it, `aldctl stop` ends it");
                return tell(w, o, ALDCTL_FAILED);
        }
        text_copy(w->state, sizeof w->state, "unknown");
        text_copy(w->reason, sizeof w->reason, "the connection to the daemon was lost");
        return tell(w, o, ALDCTL_NOT_CONNECTED);
}

enum aldctl_exit watch_run(struct line *l, const struct aldctl_options *o, json_int_t run)
{
        struct display d = {.is_terminal = !o->json && show_columns(stdout) > 0};
        struct wait w = {.run = run};
        struct view v = {.status = NULL};
        json_t *full = NULL, *message;
        enum aldctl_exit code;
        enum line_got got = LINE_MESSAGE;

        catch_interrupts();
        code = subscribe(l, o, &v, &full);
        json_decref(full);
        if (code != ALDCTL_OK)
                return code;
        judge(&w, v.status);
        while (!w.is_over && !is_interrupted && got != LINE_CLOSED) {
                if (!o->json)
                        show_status(&d, v.status);
                got = line_next(l, WATCH_TICK_MS, &message);
                if (got == LINE_MESSAGE && !o->json)
                        take(&d, &v, message);
                else if (got == LINE_MESSAGE)
                        view_fold(&v, json_object_get(message, "params"));
                json_decref(message);
                judge(&w, v.status);
        }
        end_display(&d);
        code = tell_end(&w, l, o);
        view_end(&v);
        return code;
}
