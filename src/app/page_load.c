/* What a report is made of, gathered from the record. */
#include "ald/core/resume.h" /* resume_again */
#include "ald/base/time.h"   /* TIME_S */
#include "ald/store/trend.h" /* query_trend */
#include "page.h"            /* own declarations */

#include <assert.h> /* assert */
#include <math.h>   /* NAN, fmin, fmax, isnan */
#include <stdlib.h> /* realloc, free */
#include <string.h> /* memcpy, strcmp, strstr */
#include <time.h>   /* clock_gettime */

/* Runs before this one that are listed; and how far back one of another recipe is looked for. */
enum { BEFORE_MAX = 12, BEFORE_SEEN_MAX = 500 };
/* A dry run that takes longer is given up: a recipe of millions of cycles is not worth the wait. */
static const int64_t dose_patience_s = 20;

/* ---- Lists ---- */

const void *page_item(const struct page_list *list, size_t i)
{
        assert(i < list->count);
        return (const char *)list->items + i * list->size;
}

bool page_append(struct page_list *list, const void *item)
{
        if (list->count == list->cap) {
                size_t cap = list->cap == 0 ? 64 : 2 * list->cap;
                void *items = realloc(list->items, cap * list->size);

                if (items == NULL)
                        return false;
                list->items = items;
                list->cap = cap;
        }
        memcpy((char *)list->items + list->count * list->size, item, list->size);
        list->count++;
        return true;
}

/* A list being filled by a question's rows. */
struct filling {
        struct page_list *list;
        bool is_full; /* no memory */
};

static void take(struct filling *f, const void *item)
{
        f->is_full = !page_append(f->list, item) || f->is_full;
}

static void take_pulse(void *ctx, const struct query_pulse *p)
{
        take(ctx, p);
}

static void take_event(void *ctx, const struct query_event *e)
{
        take(ctx, e);
}

static void take_audit(void *ctx, const struct query_report_audit *a)
{
        take(ctx, a);
}

static void take_base(void *ctx, const struct query_base *b)
{
        take(ctx, b);
}

/* ---- Rows ---- */

/* False: `why` tells. */
static bool is_whole(const struct page *r, int found, const struct filling *f, struct text *why)
{
        if (found < 0)
                text_add(why, "%s", query_why(r->q));
        else if (f->is_full)
                text_add(why, "no memory");
        return found >= 0 && !f->is_full;
}

static bool load_rows(struct page *r, struct text *why)
{
        int64_t id = r->run.id;
        struct filling pulses = {&r->pulses, false}, events = {&r->events, false},
                       states = {&r->states, false}, audits = {&r->audits, false}, bases = {&r->bases, false};

        return is_whole(r, query_pulses(r->q, id, take_pulse, &pulses), &pulses, why) &&
               is_whole(r, query_events(r->q, id, take_event, &events), &events, why) &&
               is_whole(r, query_report_states(r->q, id, take_event, &states), &states, why) &&
               is_whole(r, query_bases(r->q, id, take_base, &bases), &bases, why) &&
               is_whole(r, query_report_audits(r->q, r->run.started_us, r->end_us, take_audit, &audits),
                   &audits, why);
}

/* The last runs before this one, whatever they were, and further back until one of another recipe is among them. */
static bool load_before(struct page *r, struct text *why)
{
        bool has_other = false;
        int seen = 0;

        for (int64_t id = r->run.id - 1; id > 0 && seen < BEFORE_SEEN_MAX; id--, seen++) {
                struct query_run run;
                int found = query_run(r->q, id, &run);
                bool is_other;

                if (found < 0) {
                        text_add(why, "%s", query_why(r->q));
                        return false;
                }
                is_other = found == 1 && strcmp(run.recipe, r->run.recipe) != 0;
                if (found == 0 || (r->before.count >= BEFORE_MAX && !is_other))
                        continue;
                if (!page_append(&r->before, &run)) {
                        text_add(why, "no memory");
                        return false;
                }
                has_other = has_other || is_other;
                if (r->before.count >= BEFORE_MAX && has_other) {
                        r->is_before_cut = id > 1;
                        return true;
                }
        }
        return true;
}

/* ---- What follows from them ---- */

static bool is_waiting(const char *state)
{
        static const char *const names[] = {
            "Holding", "Held", "Unholding", "Suspending", "Suspended", "Unsuspending"};

        for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
                if (strcmp(state, names[i]) == 0)
                        return true;
        return false;
}

/* "Execute -> Holding: held by ada": the state that is entered, and why. False: no change of state. */
static bool read_change(const char *text, char state[24], const char **why)
{
        const char *to = strstr(text, " -> ");
        size_t len;

        if (to == NULL)
                return false;
        to += strlen(" -> ");
        len = strcspn(to, ":");
        *why = to[len] == ':' ? to + len + 1 + (to[len + 1] == ' ') : "";
        len = len < 23 ? len : 23;
        memcpy(state, to, len);
        state[len] = '\0';
        return true;
}

static bool find_waits(struct page *r)
{
        struct page_wait wait = {0};
        bool is_in = false;

        for (size_t i = 0; i < r->states.count; i++) {
                const struct query_event *e = page_item(&r->states, i);
                char state[24];
                const char *why;

                if (strcmp(e->kind, "state") != 0 || !read_change(e->text, state, &why) ||
                    is_waiting(state) == is_in)
                        continue;
                is_in = !is_in;
                if (is_in) {
                        wait = (struct page_wait){
                            .from_us = e->t_us, .is_suspended = strncmp(state, "Susp", 4) == 0};
                        text_copy(wait.why, sizeof wait.why, why);
                        continue;
                }
                wait.to_us = e->t_us;
                if (!page_append(&r->waits, &wait))
                        return false;
        }
        if (!is_in)
                return true;
        wait.to_us = r->end_us;
        wait.is_open = true;
        return page_append(&r->waits, &wait);
}

static void add_up(struct page *r)
{
        for (size_t i = 0; i < r->pulses.count; i++) {
                const struct query_pulse *p = page_item(&r->pulses, i);
                int64_t closed_us = p->closed_us > 0  ? p->closed_us
                                    : p->width_us > 0 ? p->opened_us + p->width_us
                                                      : p->opened_us;

                run_sum_add(&r->sum, p);
                if (p->opened_us <= 0)
                        continue;
                if (r->coat_from_us == 0 || p->opened_us < r->coat_from_us)
                        r->coat_from_us = p->opened_us;
                if (closed_us > r->coat_to_us)
                        r->coat_to_us = closed_us;
        }
}

static void compile(struct page *r)
{
        struct resume_refusal refusal;
        const struct recipe_resume was = aldctl_past_resume(&r->run);

        if (!aldctl_past_load(&r->past, r->q, &r->run))
                text_copy(r->why_not, sizeof r->why_not, r->past.why);
        r->tool = r->past.tool;
        /* A run that went on with another one had its preparation before its program. */
        if (r->why_not[0] == '\0' && was.run_id != 0 &&
            !resume_again(r->past.recipe, r->past.tool, &was, &refusal))
                text_copy(r->why_not, sizeof r->why_not, refusal.text);
        r->recipe = r->why_not[0] == '\0' ? r->past.recipe : NULL;
}

/* ---- The dose, as a dry run of what was in force has it ---- */

static int64_t monotonic_s(void)
{
        struct timespec now;

        (void)clock_gettime(CLOCK_MONOTONIC, &now);
        return now.tv_sec;
}

static bool has_patience(void *ctx, double part)
{
        (void)part;
        return monotonic_s() < *(const int64_t *)ctx;
}

static void compute_dose(struct page *r)
{
        int64_t until_s = monotonic_s() + dose_patience_s;
        struct dryrun_config config = {
            .tool = r->tool, .recipe = r->recipe, .progress = has_patience, .ctx = &until_s};
        struct text why;

        text_init(&why, r->no_dose, sizeof r->no_dose);
        if (r->recipe == NULL) {
                text_add(&why, "%s", r->why_not);
                return;
        }
        r->dry = dryrun_new(&config);
        if (r->dry != NULL && dryrun_run(r->dry)) {
                adequacy_eval(&r->adequacy, dryrun_get(r->dry), r->tool, r->recipe);
                return;
        }
        text_add(
            &why, r->dry == NULL ? "no memory" : "the dry run took longer than %d s", (int)dose_patience_s);
        dryrun_free(r->dry);
        r->dry = NULL;
}

/* ---- All of it ---- */

static void init(struct page *r, struct query *q, int64_t now_us)
{
        *r = (struct page){.q = q, .now_us = now_us, .more = {.audit_id = -1}};
        r->pulses.size = sizeof(struct query_pulse);
        r->events.size = r->states.size = sizeof(struct query_event);
        r->audits.size = sizeof(struct query_report_audit);
        r->bases.size = sizeof(struct query_base);
        r->waits.size = sizeof(struct page_wait);
        r->before.size = sizeof(struct query_run);
}

int page_load(struct page *r, struct query *q, int64_t run_id, int64_t now_us, struct text *why)
{
        int found;

        init(r, q, now_us);
        found = query_run(q, run_id, &r->run);
        if (found == 1)
                found = query_report_run(q, run_id, &r->more);
        if (found == 1)
                found = query_texts(q, run_id, &r->texts);
        if (found != 1) {
                if (found < 0)
                        text_add(why, "%s", query_why(q));
                return found;
        }
        r->end_us = r->run.ended_us > 0 ? r->run.ended_us : now_us;
        r->end_us = r->end_us > r->run.started_us ? r->end_us : r->run.started_us + 1;
        if (!load_rows(r, why) || !load_before(r, why))
                return -1;
        add_up(r);
        if (!find_waits(r)) {
                text_add(why, "no memory");
                return -1;
        }
        compile(r);
        compute_dose(r);
        return 1;
}

void page_free(struct page *r)
{
        struct page_list *lists[] = {
            &r->pulses, &r->events, &r->states, &r->audits, &r->bases, &r->waits, &r->before};

        for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++)
                free(lists[i]->items);
        dryrun_free(r->dry);
        aldctl_past_free(&r->past);
        query_free_texts(&r->texts);
}

/* ---- Asked by more than one section ---- */

bool page_is_complete(const struct page *r)
{
        return strcmp(r->run.state, "Complete") == 0;
}

const char *page_gauge(const struct page *r)
{
        return r->tool != NULL && r->tool->gauge >= 0 ? r->tool->tags[r->tool->gauge].name : NULL;
}

size_t page_list_precursors(const struct page *r, const char *names[PAGE_LINES_MAX])
{
        size_t count = 0;

        for (size_t i = 0; i < r->pulses.count && count < PAGE_LINES_MAX; i++) {
                const struct query_pulse *p = page_item(&r->pulses, i);
                size_t k = 0;

                while (k < count && strcmp(names[k], p->precursor) != 0)
                        k++;
                if (k == count)
                        names[count++] = p->precursor;
        }
        return count;
}

/* A tag's points, for its median. */
struct measuring {
        struct page_measure m;
        struct page_list means; /* double */
};

static void take_point(void *ctx, const struct trend_point *p)
{
        struct measuring *m = ctx;

        m->m.samples += p->count;
        m->m.bad += p->bad;
        if (p->count == 0 || isnan(p->mean))
                return;
        m->m.min = fmin(m->m.min, p->min); /* of a NaN and a number, the number */
        m->m.max = fmax(m->m.max, p->max);
        (void)page_append(&m->means, &p->mean);
}

void page_trend(struct page *r, const char *tag, int64_t from_us, int64_t to_us, int points,
    void (*row)(void *ctx, const struct trend_point *p), void *ctx)
{
        struct trend_info info;

        if (query_trend(r->q, tag, from_us, to_us, points, &info, row, ctx) < 0)
                text_copy(r->trouble, sizeof r->trouble, query_why(r->q));
}

struct page_measure page_measure(struct page *r, const char *tag, int64_t from_us, int64_t to_us)
{
        enum { PARTS = 20000 };
        struct measuring m = {
            .m = {.median = NAN, .min = NAN, .max = NAN}, .means = {.size = sizeof(double)}};

        if (tag == NULL || from_us >= to_us)
                return m.m;
        page_trend(r, tag, from_us, to_us, PARTS, take_point, &m);
        m.m.median = page_median(m.means.items, m.means.count);
        free(m.means.items);
        return m.m;
}
