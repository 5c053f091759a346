/* A dry run for people: when what happens, and a table of the precursors with a column for each. */
#include "ald/app/aldctl_dryrun.h" /* own declarations */
#include "ald/base/time.h"         /* time_add_duration, TIME_* */
#include "ald/core/core.h"         /* core_describe_op */

#include <inttypes.h> /* PRId64 */
#include <math.h>     /* isnan, isinf */
#include <string.h>   /* strlen, strncmp */

void dryrun_add_time(struct text *t, int64_t us)
{
        int64_t s = (us + TIME_S / 2) / TIME_S;

        text_add(t, "%" PRId64 ":%02" PRId64 ":%02" PRId64, s / 3600, s / 60 % 60, s % 60);
}

/* Durations beyond a second without digits nobody reads. */
void dryrun_add_lasting(struct text *t, int64_t us)
{
        int64_t unit = us >= 100 * TIME_S ? TIME_S : us >= 10 * TIME_S ? TIME_S / 10 : TIME_MS;

        time_add_duration(t, us < TIME_S ? us : (us + unit / 2) / unit * unit);
}

/* ---- When what happens ---- */

enum { WORDS_AT = 2, BEGINS_AT = 66, WORDS_WIDTH = 60 };

static const struct dryrun_step *step_of(const struct dryrun_page *p, int op)
{
        for (int i = 0; i < p->r->result->step_count; i++)
                if (p->r->result->steps[i].op == op)
                        return &p->r->result->steps[i];
        return NULL;
}

/* One row: what, when it first begins, how long it lasts (each time and in all). */
static void print_row(
    const struct dryrun_page *p, int depth, const char *words, const struct dryrun_step *step)
{
        char buf[64];
        struct text t;
        int at = WORDS_AT + 2 * depth, room = BEGINS_AT - at - 2;
        size_t len = strlen(words);

        text_init(&t, buf, sizeof buf);
        if (step != NULL && step->times > 0) {
                dryrun_add_time(&t, step->begun_us);
                if (step->lasted_us > 0)
                        text_add(&t, "  ");
                if (step->times > 1 && step->lasted_us > 0) {
                        text_add(&t, "%" PRId64 " x ", step->times);
                        dryrun_add_lasting(&t, step->lasted_us / step->times);
                } else if (step->lasted_us > 0)
                        dryrun_add_lasting(&t, step->lasted_us);
        } else if (step != NULL)
                text_add(&t, "not reached");
        while (len > (size_t)room) {
                int n = room;

                while (n > room / 2 && words[n] != ' ')
                        n--;
                (void)fprintf(p->to, "%*s%.*s\n", at, "", n, words);
                words += n;
                while (*words == ' ')
                        words++;
                len = strlen(words);
                at = WORDS_AT + 2 * depth + 2;
                room = BEGINS_AT - at - 2;
        }
        if (buf[0] != '\0')
                (void)fprintf(p->to, "%*s%-*s%s\n", at, "", BEGINS_AT - at, words, buf);
        else
                (void)fprintf(p->to, "%*s%s\n", at, "", words);
}

static bool joins(const struct recipe *r, int op)
{
        return r->ops[op].kind == RECIPE_SET && r->ops[op + 1].kind == RECIPE_SET &&
               r->ops[op].source_line == r->ops[op + 1].source_line;
}

/* What the op does; several `set` of one line are one row. Returns the last op of it. */
static int describe(const struct dryrun_page *p, int op, struct text *t)
{
        const struct recipe *r = p->r->recipe;

        core_describe_op(t, p->r->tool, r, op);
        while (joins(r, op)) {
                char buf[160];
                struct text one;

                text_init(&one, buf, sizeof buf);
                core_describe_op(&one, p->r->tool, r, ++op);
                text_add(t, ", %s", strncmp(buf, "set ", 4) == 0 ? buf + 4 : buf);
        }
        return op;
}

static void print_ops(const struct dryrun_page *p, int first, int end)
{
        const struct recipe *r = p->r->recipe;
        int depth = 1;

        for (int op = first; op < end; op++) {
                char words[1024];
                struct text t;
                int kind = r->ops[op].kind, last = op;

                text_init(&t, words, sizeof words);
                if (kind == RECIPE_REPEAT_END || kind == RECIPE_EXPOSE_END)
                        depth--;
                if (kind == RECIPE_REPEAT_END || kind == RECIPE_END)
                        continue;
                if (kind == RECIPE_REPEAT)
                        text_add(&t,
                            "%s%" PRId64 " times%s:", r->ops[r->ops[op].jump].cond >= 0 ? "at most " : "",
                            r->ops[op].count, r->ops[op].is_walls ? ", on the walls" : "");
                else
                        last = describe(p, op, &t);
                print_row(p, depth, words, kind == RECIPE_REPEAT ? NULL : step_of(p, op));
                if (kind == RECIPE_REPEAT || kind == RECIPE_EXPOSE)
                        depth++;
                op = last;
        }
}

/* Ops that belong together, under a name, with the time from their first step to the next part's. */
static void print_part(const struct dryrun_page *p, const char *name, int first, int end)
{
        const struct dryrun_result *d = p->r->result;
        struct dryrun_step part = {.begun_us = d->duration_us};
        int64_t ends_us = d->duration_us;

        for (int i = 0; i < d->step_count; i++) {
                const struct dryrun_step *step = &d->steps[i];

                if (step->times == 0)
                        continue;
                if (step->op >= end && step->begun_us < ends_us)
                        ends_us = step->begun_us;
                if (step->op >= first && step->op < end &&
                    (part.times == 0 || step->begun_us < part.begun_us)) {
                        part.times = 1;
                        part.begun_us = step->begun_us;
                }
        }
        /* A turn of the core in which everything passed is no time for people. */
        part.lasted_us = ends_us - part.begun_us >= 100 * TIME_MS ? ends_us - part.begun_us : 0;
        (void)fprintf(p->to, "%s", dryrun_style(p, DRYRUN_BOLD));
        print_row(p, 0, name, &part);
        (void)fprintf(p->to, "%s", dryrun_style(p, DRYRUN_PLAIN));
        print_ops(p, first, end);
}

void dryrun_print_timeline(const struct dryrun_page *p)
{
        const struct recipe *r = p->r->recipe;

        (void)fprintf(p->to, "\n%s%-*s%s%s\n", dryrun_style(p, DRYRUN_BOLD), BEGINS_AT, "TIMELINE",
            "BEGINS   LASTS", dryrun_style(p, DRYRUN_PLAIN));
        for (int i = 0; i < r->phase_count; i++)
                print_part(p, r->phases[i].name, r->phases[i].first,
                    i + 1 < r->phase_count ? r->phases[i + 1].first : r->finally_first);
        if (r->ops[r->finally_first].kind != RECIPE_END)
                print_part(p, "finally", r->finally_first, r->op_count);
}

/* ---- Each precursor: a table with a column for each line ---- */

struct cell {
        const struct dryrun_line *line;
        const struct adequacy_line *a;
        const struct tool_line *tool;
        int64_t max_open_us; /* 0 = none */
};

static void cell_pulses(struct text *t, const struct cell *c)
{
        text_add(t, "%d x ", c->line->dose_pulses);
        dryrun_add_lasting(t, (int64_t)(c->line->dose_open_us / c->line->dose_pulses + 0.5));
}

static void cell_source(struct text *t, const struct cell *c)
{
        dryrun_add_number(t, c->line->source_degc, 3, "degC");
}

static void cell_vapour(struct text *t, const struct cell *c)
{
        double scale = c->line->source_torr < 1 ? 1000 : 1;

        dryrun_add_number(t, c->line->source_torr * scale, 3, scale > 1 ? "mTorr" : "Torr");
        text_add(t, " (");
        dryrun_add_number(t, c->a->vapour_low_torr * scale, 2, "");
        text_add(t, "-");
        dryrun_add_number(t, c->a->vapour_high_torr * scale, 2, "");
        text_add(t, ")");
}

static void cell_delivered(struct text *t, const struct cell *c)
{
        dryrun_add_number(t, c->line->dose_umol, 3, "umol");
}

static void cell_needed(struct text *t, const struct cell *c)
{
        dryrun_add_number(t, c->a->needed_umol, 3, "umol");
}

static void cell_ratio(struct text *t, const struct cell *c)
{
        dryrun_add_number(t, c->a->dose_ratio, 2, "");
        text_add(t, " (");
        dryrun_add_number(t, c->a->dose_ratio_low, 2, "");
        text_add(t, "-");
        dryrun_add_number(t, c->a->dose_ratio_high, 2, "");
        text_add(t, ")");
}

static void cell_by_powder(struct text *t, const struct cell *c)
{
        dryrun_add_number(t, c->a->umol_per_g, 2, "/g, ");
        dryrun_add_number(t, c->a->umol_per_m2, 2, "/m2");
}

static void cell_exposure(struct text *t, const struct cell *c)
{
        dryrun_add_number(t, c->line->dose_exposure_torr_s, 2, "Torr s");
}

static void cell_mixed(struct text *t, const struct cell *c)
{
        dryrun_add_percent(t, c->a->coverage_mixed);
}

static void cell_plug(struct text *t, const struct cell *c)
{
        dryrun_add_percent(t, c->a->coverage_plug);
}

static void cell_limit(struct text *t, const struct cell *c)
{
        text_add(t, "%s", adequacy_limit_name(c->a->limited_by));
}

static void cell_saturating_pulse(struct text *t, const struct cell *c)
{
        if (isinf(c->a->saturating_pulse_s)) {
                text_add(t, "none");
        } else if (c->a->saturating_pulse_s * (double)TIME_S < (double)c->tool->pulse_us_min) {
                text_add(t, "its shortest, ");
                time_add_duration(t, c->tool->pulse_us_min);
        } else if (c->a->saturating_pulse_s < 1) {
                dryrun_add_number(t, c->a->saturating_pulse_s * 1000, 2, "ms");
        } else {
                dryrun_add_number(t, c->a->saturating_pulse_s, 2, "s");
        }
        if (c->max_open_us > 0 && !isinf(c->a->saturating_pulse_s) &&
            c->a->saturating_pulse_s * (double)TIME_S > (double)c->max_open_us) {
                text_add(t, " (at most ");
                time_add_duration(t, c->max_open_us);
                text_add(t, ")");
        }
}

static void cell_saturating_pulses(struct text *t, const struct cell *c)
{
        if (isinf(c->a->saturating_pulses))
                text_add(t, "none");
        else
                dryrun_add_number(t, c->a->saturating_pulses, 6, "");
}

static void cell_turns(struct text *t, const struct cell *c)
{
        dryrun_add_percent(t, c->a->turns_per_pulse);
}

static void cell_residue(struct text *t, const struct cell *c)
{
        if (c->line->residue_source_line == 0) {
                text_add(t, "no other");
                return;
        }
        if (c->line->residue_part < 1e-4) {
                text_add(t, "< 0.01 %%");
                return;
        }
        dryrun_add_percent(t, c->line->residue_part);
        if (!isnan(c->a->residue_umol_m2)) {
                text_add(t, ", ");
                dryrun_add_number(t, c->a->residue_umol_m2, 2, "umol/m2");
        }
}

enum { OF_ANY, OF_DOSE, OF_POWDER };
static const struct {
        const char *name;
        int of; /* OF_DOSE: of lines that dose the powder; OF_POWDER: of a bed with powder */
        void (*add)(struct text *t, const struct cell *c);
} rows[] = {
    {"one dose", OF_DOSE, cell_pulses},
    {"source", OF_DOSE, cell_source},
    {"vapour pressure (from-to)", OF_DOSE, cell_vapour},
    {"delivered", OF_DOSE, cell_delivered},
    {"needed", OF_POWDER, cell_needed},
    {"delivered / needed (from-to)", OF_POWDER, cell_ratio},
    {"delivered, umol", OF_POWDER, cell_by_powder},
    {"exposure", OF_DOSE, cell_exposure},
    {"covered, well mixed gas", OF_POWDER, cell_mixed},
    {"covered, plug flow", OF_POWDER, cell_plug},
    {"limited by", OF_POWDER, cell_limit},
    {"saturating pulse (95 %)", OF_POWDER, cell_saturating_pulse},
    {"or pulses as they are", OF_POWDER, cell_saturating_pulses},
    {"of a bed turn, each pulse", OF_DOSE, cell_turns},
    {"left at the next's opening", OF_ANY, cell_residue},
};

static bool has(int of, const struct cell *c)
{
        return of == OF_ANY || (of == OF_DOSE && c->line->dose_pulses > 0) ||
               (of == OF_POWDER && !isnan(c->a->needed_umol));
}

enum { LABEL_WIDTH = 30, CELL_WIDTH = 22, CELLS_MAX = 3 };

static void print_cells(const struct dryrun_page *p, const struct cell *cells, int count)
{
        (void)fprintf(
            p->to, "\n%s%-*s", dryrun_style(p, DRYRUN_BOLD), LABEL_WIDTH + WORDS_AT, "PRECURSORS, EACH DOSE");
        for (int i = 0; i < count; i++)
                (void)fprintf(
                    p->to, "%-*.*s", i + 1 < count ? CELL_WIDTH : 0, CELL_WIDTH - 1, cells[i].tool->name);
        (void)fprintf(p->to, "%s\n", dryrun_style(p, DRYRUN_PLAIN));
        for (size_t row = 0; row < sizeof rows / sizeof rows[0]; row++) {
                char line[256] = "";
                struct text t;
                bool any = false;

                text_init(&t, line, sizeof line);
                text_add(&t, "%*s%-*s", WORDS_AT, "", LABEL_WIDTH, rows[row].name);
                for (int i = 0; i < count; i++) {
                        char buf[64];
                        struct text one;

                        text_init(&one, buf, sizeof buf);
                        if (has(rows[row].of, &cells[i]))
                                rows[row].add(&one, &cells[i]);
                        any = any || buf[0] != '\0';
                        text_add(&t, "%-*s ", CELL_WIDTH - 1, buf);
                }
                while (t.len > 0 && line[t.len - 1] == ' ')
                        line[--t.len] = '\0';
                if (any)
                        (void)fprintf(p->to, "%s\n", line);
        }
}

void dryrun_print_precursors(const struct dryrun_page *p)
{
        struct cell cells[CELLS_MAX];
        int count = 0;

        for (int i = 0; i < p->r->tool->line_count; i++) {
                if (p->r->result->line[i].pulses == 0)
                        continue;
                cells[count++] = (struct cell){.line = &p->r->result->line[i],
                    .a = &p->r->adequacy.line[i],
                    .tool = &p->r->tool->lines[i],
                    .max_open_us = p->r->tool->tags[p->r->tool->lines[i].valve].max_open_us};
                if (count == CELLS_MAX) {
                        print_cells(p, cells, count);
                        count = 0;
                }
        }
        if (count > 0)
                print_cells(p, cells, count);
        if (p->r->adequacy.turns_per_pulse < 1 && !isnan(p->r->adequacy.coverage))
                (void)fprintf(p->to,
                    "%*sBoth models take the powder as mixed: a pulse of a small part of a turn covers it "
                    "less evenly.\n",
                    WORDS_AT, "");
}
