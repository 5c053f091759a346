/* V8, L1 and L2: what the record says of pulses, and that it is complete. */
#include "check.h"

#include "ald/base/time.h" /* TIME_MS */

#include <stdlib.h> /* llabs */
#include <string.h> /* memset */

/* ---- V8 ---- */

/* The last opening of each valve as its device saw it. */
struct opening {
        int64_t open_us, close_us;
        int64_t
            calls_us; /* how long its two calls took: where between sending and answer an edge lies is not known */
        bool is_told; /* a record told of it */
};
struct openings {
        struct opening valve[TOOL_TAGS_MAX];
        int64_t call_us[TOOL_LINKS_MAX];
        /* When an event last told of a width, or of an edge, that is not as planned. */
        int64_t told_us[TOOL_LINES_MAX], edge_told_us[TOOL_LINES_MAX];
        bool is_beyond; /* in this turn a pulse of a run was wrong by more than its line's limit */
};
/* Rounding, and the report of an edge that was sent within the microsecond. */
#define EDGE_US INT64_C(1000)
/* So late an open may be sent (include/ald/link/pair.h). */
#define LATE_US INT64_C(20000)

static void judge_pulse(struct check_context *c, int64_t t_us, const struct record_pulse *r)
{
        struct openings *m = c->mine;
        int tag = c->tool->lines[r->line].valve;
        struct opening *o = &m->valve[tag];
        int64_t real_us = o->close_us - o->open_us, slack_us;

        if (r->outcome == PULSE_REVOKED || r->outcome == PULSE_REFUSED || r->outcome == PULSE_LATE) {
                if (o->open_us != 0 && !o->is_told)
                        check_fail(c, "pulse %s is recorded as %s, and the valve opened", r->path,
                            pulse_outcome_name((enum pulse_outcome)r->outcome));
                return;
        }
        if (r->outcome != PULSE_DONE)
                return;
        if (o->open_us == 0 || o->is_told || o->close_us < o->open_us) {
                check_fail(c, "pulse %s is recorded as done, and the valve did not open and close", r->path);
                return;
        }
        slack_us = o->calls_us + EDGE_US;
        if (llabs((long long)(real_us - r->width_us)) > slack_us)
                check_fail(c, "pulse %s is recorded with %lld us and was open for %lld", r->path,
                    (long long)r->width_us, (long long)real_us);
        /* What could not open in time does not open. */
        if (r->planned_width_us - r->width_us > LATE_US + EDGE_US && seen_is_awake(c->seen, o->open_us))
                check_fail(c, "pulse %s is recorded as done with %lld us of %lld: it opened late", r->path,
                    (long long)r->width_us, (long long)r->planned_width_us);
        if ((double)llabs((long long)(r->width_us - r->planned_width_us)) >
                c->tool->lines[r->line].width_tolerance_us &&
            m->told_us[r->line] != t_us)
                check_fail(c, "pulse %s is recorded as done with %lld us of %lld, and no event tells of it",
                    r->path, (long long)r->width_us, (long long)r->planned_width_us);
}

static int64_t worst_of(const struct record_pulse *r)
{
        int64_t late_us = llabs((long long)(r->opened_us - r->planned_open_us));
        int64_t close_us = llabs((long long)(r->closed_us - r->planned_open_us - r->planned_width_us));
        int64_t width_us = llabs((long long)(r->width_us - r->planned_width_us));

        late_us = close_us > late_us ? close_us : late_us;
        return width_us > late_us ? width_us : late_us;
}

/* The edges: told beyond the tolerance; beyond the limit no short dose counts as one. */
static void judge_edges(struct check_context *c, int64_t t_us, const struct record_pulse *r)
{
        const struct tool_line *line = &c->tool->lines[r->line];
        struct openings *m = c->mine;
        int64_t limit_us = tool_width_limit_us(line, r->planned_width_us);

        if (r->outcome != PULSE_DONE)
                return;
        if (r->closed_us - r->opened_us != r->width_us || r->open_acked_us < r->opened_us ||
            r->close_acked_us < r->closed_us)
                check_fail(c,
                    "pulse %s is recorded with edges that are not its width apart, or answered before "
                    "they were sent",
                    r->path);
        if ((double)worst_of(r) > line->width_tolerance_us && m->told_us[r->line] != t_us &&
            m->edge_told_us[r->line] != t_us)
                check_fail(c,
                    "pulse %s is recorded as done with an edge %lld us from its time, and no event "
                    "tells of it",
                    r->path, (long long)worst_of(r));
        m->is_beyond = worst_of(r) > limit_us;
        if (r->planned_width_us - r->width_us > limit_us)
                check_fail(c,
                    "pulse %s is recorded as done with %lld us of %lld: beyond its limit it is no dose",
                    r->path, (long long)r->width_us, (long long)r->planned_width_us);
}

static void see_pulses(struct check_context *c, const struct world_note *n)
{
        struct openings *m = c->mine;
        int tag;
        double value;

        if (n->kind == WORLD_BEGUN)
                memset(m->valve, 0, sizeof m->valve);
        if (n->kind == WORLD_TURN) {
                if (m->is_beyond && c->seen->state == MACHINE_EXECUTE)
                        check_fail(c, "a pulse was wrong by more than its line's limit, and the run goes on");
                m->is_beyond = false;
        }
        if (seen_told(c->tool, n, &tag, &value) && tool_find_line_of_valve(c->tool, tag) >= 0) {
                struct opening *o = &m->valve[tag];

                if (value != 0 && c->seen->out[tag].told == 0)
                        *o = (struct opening){.open_us = n->t_us, .calls_us = 2 * (n->t_us - n->sent_us)};
                else if (value == 0 && c->seen->out[tag].told != 0) {
                        o->close_us = n->t_us;
                        o->calls_us += n->kind == WORLD_REQUEST ? 2 * (n->t_us - n->sent_us) : 0;
                }
        }
        if (n->kind != WORLD_RECORD)
                return;
        if (n->record->kind == RECORD_EVENT && strstr(n->record->u.event.text, " instead of ") != NULL) {
                int line = tool_find_line(c->tool, n->record->u.event.source);

                if (line >= 0)
                        m->told_us[line] = n->t_us;
        }
        if (seen_event(n, "pulse") && (strstr(n->record->u.event.text, " late") != NULL ||
                                          strstr(n->record->u.event.text, " early") != NULL)) {
                int line = tool_find_line(c->tool, n->record->u.event.source);

                if (line >= 0)
                        m->edge_told_us[line] = n->t_us;
        }
        /* An opening by hand has no such record; what counts for a pulse opens after it was handed over. */
        if (n->record->kind == RECORD_PULSE_START)
                m->valve[c->tool->lines[n->record->u.pulse.line].valve] = (struct opening){0};
        if (n->record->kind != RECORD_PULSE_END)
                return;
        judge_pulse(c, n->t_us, &n->record->u.pulse);
        judge_edges(c, n->t_us, &n->record->u.pulse);
        m->valve[c->tool->lines[n->record->u.pulse.line].valve].is_told = true;
}

/* ---- L1 ---- */

struct account {
        int64_t produced, stored, gaps; /* of samples, in this life */
        bool is_full, was_full;         /* the disk, now and at the start */
};

static void close_account(struct check_context *c)
{
        struct account *m = c->mine;

        if (m->stored + m->gaps > m->produced)
                check_fail(c, "%lld samples stored and %lld in gaps, of %lld produced", (long long)m->stored,
                    (long long)m->gaps, (long long)m->produced);
}

static void see_account(struct check_context *c, const struct world_note *n)
{
        struct account *m = c->mine;

        if (n->kind == WORLD_FAULT && strcmp(n->text, "disk full") == 0)
                m->is_full = n->flag;
        if (n->kind == WORLD_BEGUN)
                *m = (struct account){.is_full = m->is_full, .was_full = m->is_full};
        m->produced += n->kind == WORLD_RECORD && n->record->kind == RECORD_SAMPLE;
        if (n->kind == WORLD_STORED && n->record == NULL) {
                m->stored += n->flag ? 0 : n->number;
                m->gaps += n->flag ? n->number : 0;
        }
        close_account(c);
        if (n->kind == WORLD_ENDED && !n->flag && !m->is_full && !m->was_full &&
            m->stored + m->gaps != m->produced)
                check_fail(c, "the daemon ended in order: %lld samples produced, %lld stored, %lld in gaps",
                    (long long)m->produced, (long long)m->stored, (long long)m->gaps);
}

/* ---- L2 ---- */

struct keeping {
        int64_t made,
            kept; /* records that are no samples, taken by the queue and on the disk, in this life */
        bool is_full, was_full; /* the disk, now and at the start */
};

/* The queue's own word on records that found no place. */
static bool is_loss(const struct record *r)
{
        return r->kind == RECORD_EVENT && strcmp(r->u.event.kind, "gap") == 0;
}

static void see_keeping(struct check_context *c, const struct world_note *n)
{
        struct keeping *m = c->mine;

        if (n->kind == WORLD_FAULT && strcmp(n->text, "disk full") == 0)
                m->is_full = n->flag;
        if (n->kind == WORLD_BEGUN)
                *m = (struct keeping){.is_full = m->is_full, .was_full = m->is_full};
        if (n->kind == WORLD_RECORD && n->record->kind != RECORD_SAMPLE) {
                m->made += n->flag;
                if (!n->flag && n->record->kind == RECORD_RUN_START)
                        check_fail(c, "a run starts whose start cannot be recorded");
        }
        /* Before its first turn a process closes the run that the last one left open. */
        if (n->kind == WORLD_STORED && n->record != NULL && c->seen->turn_us != SEEN_NEVER &&
            !is_loss(n->record))
                m->kept++;
        if (m->kept > m->made)
                check_fail(c, "%lld records stored of %lld made", (long long)m->kept, (long long)m->made);
        if (n->kind == WORLD_ENDED && !n->flag && !m->is_full && !m->was_full && m->kept != m->made)
                check_fail(c, "the daemon ended in order with %lld records of %lld stored",
                    (long long)m->kept, (long long)m->made);
}

const struct check check_record[] = {
    {"V8", "the record of a pulse says what the valve did",
        "the time between sending and arrival of both edges: where in it the edge lay is not known to the "
        "daemon. A width or an edge beyond the line's tolerance is told by an event, and beyond its limit "
        "the run "
        "is held. Cut and failed pulses are exempt",
        sizeof(struct openings),
        CHECK_SEES(BEGUN) | CHECK_SEES(REQUEST) | CHECK_SEES(OUTPUT) | CHECK_SEES(RECORD) | CHECK_SEES(TURN),
        see_pulses, NULL},
    {"L1", "samples: stored + gaps = produced",
        "exactly, at the end of a process in order, unless its disk was full; at any time never more",
        sizeof(struct account),
        CHECK_SEES(BEGUN) | CHECK_SEES(ENDED) | CHECK_SEES(RECORD) | CHECK_SEES(STORED) | CHECK_SEES(FAULT),
        see_account, NULL},
    {"L2", "no other record is dropped, and no run starts that cannot be recorded", "exactly, likewise",
        sizeof(struct keeping),
        CHECK_SEES(BEGUN) | CHECK_SEES(ENDED) | CHECK_SEES(RECORD) | CHECK_SEES(STORED) | CHECK_SEES(FAULT),
        see_keeping, NULL},
    {.id = NULL}};
