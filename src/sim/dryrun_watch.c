/* What people should know, told by the core's own records: a dry run adds no rule of its own. */
#include "dryrun_state.h"

#include <stdarg.h> /* va_list */
#include <string.h> /* strcmp, strncmp, strstr */

const char *dryrun_severity_name(enum dryrun_severity severity)
{
        static const char *const names[] = {
            [DRYRUN_INFO] = "info", [DRYRUN_WARNING] = "warning", [DRYRUN_ERROR] = "error"};

        return names[severity];
}

static struct dryrun_finding *find_same(
    struct dryrun *d, enum dryrun_severity severity, const char *id, int32_t source_line)
{
        for (int i = 0; i < d->result.finding_count; i++) {
                struct dryrun_finding *f = &d->finding[i];

                if (f->severity == severity && f->source_line == source_line && strcmp(f->id, id) == 0)
                        return f;
        }
        return NULL;
}

static void add(
    struct dryrun *d, enum dryrun_severity severity, const char *id, int32_t source_line, const char *text)
{
        struct dryrun_finding *f = find_same(d, severity, id, source_line);

        d->found_in_turn++;
        if (f != NULL) {
                f->count++;
                return;
        }
        if (d->result.finding_count == DRYRUN_FINDINGS_MAX) {
                d->result.findings_lost++;
                return;
        }
        f = &d->finding[d->result.finding_count++];
        *f = (struct dryrun_finding){
            .severity = severity, .source_line = source_line, .first_us = dryrun_time(d), .count = 1};
        text_copy(f->id, sizeof f->id, id);
        text_copy(f->text, sizeof f->text, text);
}

void dryrun_find(struct dryrun *d, enum dryrun_severity severity, const char *id, const char *fmt, ...)
{
        char text[256];
        struct text t;
        va_list args;

        text_init(&t, text, sizeof text);
        va_start(args, fmt);
        text_addv(&t, fmt, args);
        va_end(args);
        add(d, severity, id, dryrun_source_line(d), text);
}

/* ---- events of the core ---- */

/* The id of an interlock that a text begins with: "over-pressure: trips on ...". */
static void take_id(char *id, size_t cap, const char *text, const char *otherwise)
{
        size_t n = strcspn(text, " :");

        if (text[n] != ':' || n >= cap) {
                text_copy(id, cap, otherwise);
                return;
        }
        memcpy(id, text, n);
        id[n] = '\0';
}

/* Why a run leaves its course, by the words of its reason (core/program.c, core/step.c, core/act.c). */
static const struct {
        const char *words, *id;
} reasons[] = {
    {"guard of line", "guard"},
    {"not reached in", "timeout"},
    {"nobody confirmed", "timeout"},
    {"did not end in time", "timeout"},
    {"was not opened", "refused"},
    {"was not moved", "refused"},
    {"was not restored", "refused"},
    {"leak check", "leak"},
    {"expose of line", "expose"},
    {"held for more than", "held"},
};

/* A reason names the line that it is of, which is not always the one the run stands at: "line 12: ...". */
static int32_t line_of(const struct dryrun *d, const char *reason)
{
        static const char *const words[] = {"line ", "guard of line ", "expose of line "};

        for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
                size_t n = strlen(words[i]);
                int32_t line = 0;

                if (strncmp(reason, words[i], n) != 0)
                        continue;
                for (const char *p = reason + n; *p >= '0' && *p <= '9' && line < 1000000; p++)
                        line = line * 10 + (*p - '0');
                return line;
        }
        return dryrun_source_line(d);
}

static const char *id_of(const char *reason, const char *otherwise)
{
        for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++)
                if (strstr(reason, reasons[i].words) != NULL)
                        return reasons[i].id;
        return otherwise;
}

static void watch_trip(struct dryrun *d, const struct record_event *e)
{
        add(d, DRYRUN_ERROR, e->source, dryrun_source_line(d), e->text);
}

static void watch_permit(struct dryrun *d, const struct record_event *e)
{
        char id[TOOL_NAME_MAX];

        take_id(id, sizeof id, e->text, "permit");
        add(d, DRYRUN_ERROR, id, dryrun_source_line(d), e->text);
}

static void watch_alarm(struct dryrun *d, const struct record_event *e)
{
        if (e->severity >= RECORD_WARNING)
                add(d, DRYRUN_WARNING, e->source, dryrun_source_line(d), e->text);
}

static void watch_question(struct dryrun *d, const struct record_event *e)
{
        if (e->severity >= RECORD_WARNING)
                add(d, DRYRUN_INFO, "question", dryrun_source_line(d), e->text);
}

/* A step that came to no good end, and the program goes on behind it. */
static void watch_step(struct dryrun *d, const struct record_event *e)
{
        if (e->severity >= RECORD_WARNING && strncmp(e->text, "line ", 5) == 0)
                add(d, DRYRUN_WARNING, id_of(e->text, "step"), line_of(d, e->text), e->text);
}

static void watch_leak(struct dryrun *d, const struct record_event *e)
{
        add(d, e->severity >= RECORD_WARNING ? DRYRUN_ERROR : DRYRUN_INFO, "leak", dryrun_source_line(d),
            e->text);
}

/* A pulse that is taken back, an output that is set safe: told unless their cause was. */
static void watch_problem(struct dryrun *d, const struct record_event *e)
{
        if (e->severity >= RECORD_WARNING && d->found_in_turn == 0)
                add(d, e->severity >= RECORD_ALARM ? DRYRUN_ERROR : DRYRUN_WARNING, e->kind,
                    line_of(d, e->text), e->text);
}

/* "Execute -> Holding: REASON": told unless its cause was, in this very turn. */
static void watch_state(struct dryrun *d, const struct record_event *e)
{
        static const char *const off_course[] = {"-> Holding", "-> Stopping", "-> Aborting", "-> Suspending"};
        const char *to = NULL, *reason;

        for (size_t i = 0; i < sizeof off_course / sizeof off_course[0] && to == NULL; i++)
                to = strstr(e->text, off_course[i]);
        if (to == NULL || d->found_in_turn > 0)
                return;
        reason = strstr(to, ": ");
        reason = reason != NULL ? reason + 2 : to + 3;
        add(d, DRYRUN_ERROR, id_of(reason, e->source), line_of(d, reason), reason);
}

/* What the events of each kind mean here; others (notes, writes, phases) mean nothing. */
static const struct {
        const char *kind;
        void (*watch)(struct dryrun *d, const struct record_event *e);
} kinds[] = {
    {"trip", watch_trip},
    {"permit", watch_permit},
    {"alarm", watch_alarm},
    {"confirm", watch_question},
    {"step", watch_step},
    {"leak", watch_leak},
    {"expose", watch_problem},
    {"pulse", watch_problem},
    {"output", watch_problem},
    {"state", watch_state},
};

void dryrun_watch_record(struct dryrun *d, const struct record *r)
{
        if (r->kind != RECORD_EVENT)
                return;
        for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
                if (strcmp(r->u.event.kind, kinds[i].kind) == 0)
                        kinds[i].watch(d, &r->u.event);
}

void dryrun_watch_end(struct dryrun *d)
{
        d->result.findings = d->finding;
        if (d->result.ended == MACHINE_COMPLETE)
                return;
        if (d->is_refused)
                dryrun_find(d, DRYRUN_ERROR, "refused", "the run does not start: %s", d->result.reason);
        else if (d->has_ended)
                dryrun_find(d, DRYRUN_ERROR, "end", "the run ends in %s: %s",
                    machine_state_name(d->result.ended), d->result.reason);
        else
                dryrun_find(d, DRYRUN_ERROR, "end", "the run stands in %s: %s",
                    machine_state_name(d->result.ended), d->result.reason);
}
