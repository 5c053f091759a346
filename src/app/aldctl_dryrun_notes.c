/* What a person should know of a dry run: the run's own findings with their places, and what the numbers say of the powder. */
#include "ald/app/aldctl_dryrun.h" /* own declarations */
#include "ald/base/time.h"         /* time_add_duration, TIME_S */
#include "ald/file/file.h"         /* file_find_line, file_beside */
#include "ald/sim/bed.h"           /* BED_SATURATED */

#include <math.h>   /* isnan, isinf, fabs, floor, fmin, log10, pow, round */
#include <stdlib.h> /* calloc, free */
#include <string.h> /* strchr, strcmp */

void dryrun_add_number(struct text *t, double value, int digits, const char *unit)
{
        /* 770 and 100, not 7.7e+02 and 1e+02. */
        if (fabs(value) >= 1 && fabs(value) < 1e6) {
                double place = pow(10, floor(log10(fabs(value))) + 1 - digits);

                text_add_number(t, round(value / place) * place, 7);
        } else {
                text_add_number(t, value, digits);
        }
        text_add(t, "%s%s", unit[0] != '\0' ? " " : "", unit);
}

void dryrun_add_percent(struct text *t, double part)
{
        dryrun_add_number(t, part < 0.0995 ? 100 * part : round(100 * part), 2 + (part >= 0.995), "%");
}

/* ---- Places ---- */

static const char *line_of_text(const char *text, int line)
{
        for (; text != NULL && line > 1; line--) {
                text = strchr(text, '\n');
                text = text != NULL ? text + 1 : NULL;
        }
        return text;
}

static int source_of(struct dryrun_report *r, const char *path, const char *text)
{
        enum { TEXTS = FILE_TEXTS_MAX };

        for (int i = 0; i < TEXTS; i++)
                if (strcmp(diag_path(r->places, i), path) == 0)
                        return i;
        return diag_source(r->places, path, text, strlen(text));
}

/* The step's verb in the file that holds it. */
static struct diag_at place_of(struct dryrun_report *r, int32_t source_line)
{
        const char *path = r->recipe->path, *text = r->recipe->text, *p;
        char name[FILE_NAME_CAP], beside[2 * FILE_NAME_CAP];
        struct diag_at at = {.column = 1};

        if (source_line <= 0) {
                at.source = source_of(r, path, text);
                return at;
        }
        if (file_find_line(r->recipe, source_line, name, &at.line) != NULL &&
            file_beside(path, name, beside, sizeof beside)) {
                path = beside;
                text = line_of_text(r->recipe->text, source_line - at.line + 1);
        }
        at.source = source_of(r, path, text != NULL ? text : "");
        p = line_of_text(r->recipe->text, source_line);
        for (; p != NULL && (*p == ' ' || *p == '-'); p++)
                at.column++;
        return at;
}

bool dryrun_add_note(struct dryrun_report *r, enum dryrun_severity severity, const char *id,
    int32_t source_line, const char *fmt, ...)
{
        struct dryrun_note *note;
        struct text t;
        va_list args;

        if (r->note_count == DRYRUN_NOTES_MAX) {
                r->notes_lost++;
                return false;
        }
        note = &r->notes[r->note_count++];
        note->severity = severity;
        note->count = 1;
        note->first_us = -1;
        note->at = place_of(r, source_line);
        text_copy(note->id, sizeof note->id, id);
        text_init(&t, note->text, sizeof note->text);
        va_start(args, fmt);
        text_addv(&t, fmt, args);
        va_end(args);
        text_clean(note->text);
        return true;
}

/* ---- The dose ---- */

/* "pulses of 2 s, or 3 pulses of 1 s a dose", as far as the valve may stay open. */
static void add_remedy(struct text *t, const struct dryrun_report *r, int i)
{
        const struct adequacy_line *a = &r->adequacy.line[i];
        const struct dryrun_line *line = &r->result->line[i];
        int64_t most_us = r->tool->tags[r->tool->lines[i].valve].max_open_us;
        double open_s = line->dose_open_us / line->dose_pulses / (double)TIME_S;

        if (isinf(a->saturating_pulse_s) && isinf(a->saturating_pulses))
                return;
        text_add(t, "; %.0f %% needs ", BED_SATURATED * 100);
        if (!isinf(a->saturating_pulse_s) &&
            (most_us == 0 || a->saturating_pulse_s * (double)TIME_S <= (double)most_us)) {
                text_add(t, "pulses of ");
                dryrun_add_number(t, a->saturating_pulse_s, 2, "s");
                text_add(t, ", or ");
        }
        dryrun_add_number(t, a->saturating_pulses, 6, "pulses of ");
        dryrun_add_number(t, open_s, 3, "s in a dose");
}

static void note_too_little(struct dryrun_report *r, int i)
{
        const struct adequacy_line *a = &r->adequacy.line[i];
        const struct dryrun_line *line = &r->result->line[i];
        char buf[400];
        struct text t;

        text_init(&t, buf, sizeof buf);
        text_add(&t, "%s: ", r->tool->lines[i].name);
        if (a->limited_by == ADEQUACY_DELIVERY)
                text_add(&t, "too little for this powder: a dose brings ");
        else
                text_add(&t, "enough is delivered, but too much leaves unused: a dose brings ");
        dryrun_add_number(&t, line->dose_umol, 2, "umol, the bed takes ");
        dryrun_add_number(&t, a->needed_umol, 2, "umol");
        text_add(&t, ", so ");
        dryrun_add_percent(&t, fmin(a->coverage_mixed, a->coverage_plug));
        text_add(&t, " is covered");
        add_remedy(&t, r, i);
        (void)dryrun_add_note(r, DRYRUN_WARNING, "dose", line->source_line, "%s", buf);
}

static void note_dose(struct dryrun_report *r, int i)
{
        const struct adequacy_line *a = &r->adequacy.line[i];
        const struct dryrun_line *line = &r->result->line[i];

        if (a->limited_by == ADEQUACY_DELIVERY || a->limited_by == ADEQUACY_KINETICS)
                note_too_little(r, i);
        else if (a->limited_by == ADEQUACY_PURGE && a->coverage_low < BED_SATURATED)
                (void)dryrun_add_note(r, DRYRUN_INFO, "dose-margin", line->source_line,
                    "%s: enough if the vapour pressure is as assumed; were it %.2g times lower, %.0f %% "
                    "would be "
                    "covered",
                    r->tool->lines[i].name, line->source_torr / a->vapour_low_torr, 100 * a->coverage_low);
        else if (a->limited_by == ADEQUACY_NONE && line->pulses > 0 && r->adequacy.coating_cycles > 0 &&
                 r->result->powder_m2 <= 0)
                (void)dryrun_add_note(r, DRYRUN_INFO, "powder", line->source_line,
                    "%s: the powder's mass and area are not known, so its dose is not judged (`powder`, or "
                    "--powder-mass and --powder-area)",
                    r->tool->lines[i].name);
}

/* A purge that is long enough by the tool's limit may still leave what many surface layers take: of a precursor with a high
 * vapour pressure a small part is a lot. */
static void note_residue(struct dryrun_report *r, int i)
{
        const double enough = 0.1;
        const struct dryrun_line *line = &r->result->line[i];
        double residue = r->adequacy.line[i].residue_umol_m2, layer = r->result->saturation_umol_m2;
        char buf[80];
        struct text t;

        if (isnan(residue) || residue < enough * layer)
                return;
        text_init(&t, buf, sizeof buf);
        dryrun_add_number(&t, residue, 2, "umol");
        (void)dryrun_add_note(r, DRYRUN_INFO, "residue", line->residue_source_line,
            "as this pulse opens, the purge has left %s of %s for each m2 of powder, %.2g times what a "
            "half-cycle "
            "takes: that much can grow without limiting itself",
            buf, r->tool->lines[i].name, residue / layer);
}

/* ---- The film ---- */

static void note_film(struct dryrun_report *r)
{
        const struct adequacy *a = &r->adequacy;
        double growth = r->recipe->growth_nm, full = r->result->saturation_umol_m2 * ADEQUACY_NM_M2_UMOL;
        double declared = r->recipe->thickness_nm;

        if (!isnan(a->thickness_nm) && declared > 0 && fabs(a->thickness_nm - declared) > 0.1 * declared)
                (void)dryrun_add_note(r, DRYRUN_INFO, "thickness", 0,
                    "expect: %lld cycles of %.3g nm are %.3g nm, where %.3g nm are declared",
                    (long long)a->coating_cycles, growth, a->thickness_nm, declared);
        if (!isnan(a->thickness_nm) && !isnan(a->coverage) && growth > 1.5 * full)
                (void)dryrun_add_note(r, DRYRUN_INFO, "growth", 0,
                    "expect: the declared %.3g nm a cycle are %.2g times what %.3g umol/m2 make (%.2g nm): "
                    "more "
                    "than one self-limited layer",
                    growth, growth / full, r->result->saturation_umol_m2, full);
}

void dryrun_add_notes(struct dryrun_report *r)
{
        for (int i = 0; i < r->tool->line_count; i++) {
                note_dose(r, i);
                note_residue(r, i);
        }
        note_film(r);
}

/* ---- The report ---- */

struct dryrun_report *dryrun_report_new(
    const struct tool *tool, const struct recipe *recipe, const struct dryrun_result *result)
{
        struct dryrun_report *r = calloc(1, sizeof *r);

        if (r == NULL)
                return NULL;
        r->tool = tool;
        r->recipe = recipe;
        r->result = result;
        r->places = diag_new();
        if (r->places == NULL) {
                free(r);
                return NULL;
        }
        (void)source_of(r, recipe->path, recipe->text);
        adequacy_eval(&r->adequacy, result, tool, recipe);
        r->notes_lost = result->findings_lost;
        for (int i = 0; i < result->finding_count; i++) {
                const struct dryrun_finding *f = &result->findings[i];

                if (!dryrun_add_note(r, f->severity, f->id, f->source_line, "%s", f->text))
                        continue;
                r->notes[r->note_count - 1].count = f->count;
                r->notes[r->note_count - 1].first_us = f->first_us;
        }
        dryrun_add_notes(r);
        return r;
}

void dryrun_report_free(struct dryrun_report *r)
{
        if (r == NULL)
                return;
        diag_free(r->places);
        free(r);
}

bool dryrun_report_is_ok(const struct dryrun_report *r)
{
        for (int i = 0; i < r->note_count; i++)
                if (r->notes[i].severity == DRYRUN_ERROR)
                        return false;
        return r->result->ended == MACHINE_COMPLETE;
}
