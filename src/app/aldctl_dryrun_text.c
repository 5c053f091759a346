/* A dry run for people: what comes of it first, at the end powder and film, and the findings with their places. */
#include "ald/app/aldctl_dryrun.h" /* own declarations */
#include "ald/app/aldctl_show.h"   /* show_fit */
#include "ald/base/time.h"         /* time_add_duration, TIME_* */

#include <inttypes.h> /* PRId64 */
#include <math.h>     /* isnan */
#include <string.h>   /* strlen */

const char *dryrun_style(const struct dryrun_page *p, enum dryrun_style s)
{
        static const char *const escapes[] = {"\033[0m", "\033[1m", "\033[31m", "\033[32m", "\033[33m"};

        return p->colour ? escapes[s] : "";
}

/* ---- What comes of it ---- */

static void print_outcome(const struct dryrun_page *p)
{
        const struct dryrun_result *d = p->r->result;
        bool ok = dryrun_report_is_ok(p->r);
        int warnings = 0, errors = 0;

        for (int i = 0; i < p->r->note_count; i++) {
                warnings += p->r->notes[i].severity == DRYRUN_WARNING;
                errors += p->r->notes[i].severity == DRYRUN_ERROR;
        }
        (void)fprintf(p->to, "  %s%s%s",
            dryrun_style(p, ok ? warnings > 0 ? DRYRUN_YELLOW : DRYRUN_GREEN : DRYRUN_RED),
            d->ended == MACHINE_COMPLETE ? "runs to Complete" : "would not end as planned",
            dryrun_style(p, DRYRUN_PLAIN));
        if (errors > 0)
                (void)fprintf(p->to, ", %d error%s", errors, errors == 1 ? "" : "s");
        if (warnings > 0)
                (void)fprintf(p->to, ", %d warning%s", warnings, warnings == 1 ? "" : "s");
        (void)fprintf(p->to, "\n");
        if (d->ended != MACHINE_COMPLETE)
                (void)fprintf(p->to, "  %s: %.*s\n", machine_state_name(d->ended),
                    (int)show_fit(d->reason, 80), d->reason);
}

static void print_fact(const struct dryrun_page *p, const char *name, const char *value)
{
        (void)fprintf(p->to, "    %-12s %s\n", name, value);
}

static void print_durations(const struct dryrun_page *p)
{
        const struct dryrun_result *d = p->r->result;
        char buf[160];
        struct text t;

        text_init(&t, buf, sizeof buf);
        dryrun_add_lasting(&t, d->duration_us);
        print_fact(p, "in all", buf);
        if (d->cycles > 0) {
                text_init(&t, buf, sizeof buf);
                time_add_duration(&t, d->deposition_us);
                text_add(&t, ": %" PRId64 " cycles of ", d->cycles);
                time_add_duration(&t, d->cycle_us);
                print_fact(p, "deposition", buf);
        }
        if (d->wall_cycles > 0) {
                text_init(&t, buf, sizeof buf);
                text_add(&t, "%" PRId64 " cycles", d->wall_cycles);
                print_fact(p, "on the walls", buf);
        }
        if (d->heating_us == 0)
                return;
        text_init(&t, buf, sizeof buf);
        dryrun_add_lasting(&t, d->heating_us);
        text_add(&t, " of waiting for temperatures");
        print_fact(p, "heat-up", buf);
}

static void print_amounts(const struct dryrun_page *p)
{
        const struct dryrun_result *d = p->r->result;
        char buf[200];
        struct text t;

        text_init(&t, buf, sizeof buf);
        dryrun_add_number(&t, d->pressure_min_torr, 3, "to ");
        dryrun_add_number(&t, d->pressure_max_torr, 3, "Torr");
        if (d->carrier_scc >= 1) {
                text_add(&t, ", ");
                dryrun_add_number(&t, d->carrier_scc / 1000, 3, "L of inert gas (at 0 degC and 1 atm)");
        }
        print_fact(p, "pressure", buf);
        for (int i = 0; i < p->r->tool->line_count; i++) {
                const struct dryrun_line *line = &d->line[i];

                if (line->pulses == 0)
                        continue;
                text_init(&t, buf, sizeof buf);
                text_add(&t, "%" PRId64 " openings, ", line->pulses);
                dryrun_add_lasting(&t, line->open_us);
                text_add(&t, " open; ");
                if (line->delivered_umol >= 1e4)
                        dryrun_add_number(&t, line->delivered_umol / 1000, 3, "mmol into the chamber");
                else
                        dryrun_add_number(&t, line->delivered_umol, 3, "umol into the chamber");
                print_fact(p, p->r->tool->lines[i].name, buf);
        }
}

/* Valves that are no precursor line; those were told with what they let in. */
static void print_valves(const struct dryrun_page *p)
{
        const struct tool *tool = p->r->tool;
        char buf[200];
        struct text t;

        text_init(&t, buf, sizeof buf);
        for (int i = 0; i < tool->tag_count; i++)
                if (p->r->result->actuations[i] > 0 && tool_find_line_of_valve(tool, i) == TOOL_NONE &&
                    t.len < 60)
                        text_add(&t, "%s%s %" PRId64, t.len > 0 ? ", " : "", tool->tags[i].name,
                            p->r->result->actuations[i]);
        if (t.len > 0)
                text_add(&t, " openings and closings");
        if (t.len > 0)
                print_fact(p, "valves", buf);
}

/* ---- Powder and film ---- */

static void print_powder(const struct dryrun_page *p)
{
        const struct dryrun_result *d = p->r->result;
        const struct recipe *r = p->r->recipe;
        char buf[200];
        struct text t;

        if (d->powder_m2 <= 0)
                return;
        text_init(&t, buf, sizeof buf);
        dryrun_add_number(&t, d->powder_g, 3, "g");
        if (r->powder_material[0] != '\0')
                text_add(&t, " of %.30s", r->powder_material);
        text_add(&t, ", ");
        dryrun_add_number(&t, d->powder_m2, 3, "m2; a whole half-cycle takes ");
        dryrun_add_number(&t, d->saturation_umol_m2, 3, "umol/m2 (");
        dryrun_add_number(&t, d->saturation_umol_m2 * ADEQUACY_NM_M2_UMOL, 2, "nm)");
        print_fact(p, "powder", buf);
}

static void add_film(struct text *t, double nm, double mg_per_g)
{
        dryrun_add_number(t, nm, 3, "nm");
        if (!isnan(mg_per_g)) {
                text_add(t, ", ");
                dryrun_add_number(t, mg_per_g, 2, "mg on each gram");
        }
}

static void print_film(const struct dryrun_page *p)
{
        const struct adequacy *a = &p->r->adequacy;
        char buf[200];
        struct text t;

        (void)fprintf(p->to, "\n%s%s%s\n", dryrun_style(p, DRYRUN_BOLD), "POWDER AND FILM",
            dryrun_style(p, DRYRUN_PLAIN));
        print_powder(p);
        if (!isnan(a->thickness_nm)) {
                text_init(&t, buf, sizeof buf);
                add_film(&t, a->thickness_nm, a->mass_gain_mg_per_g);
                text_add(&t, ": %" PRId64 " cycles of ", a->coating_cycles);
                dryrun_add_number(&t, p->r->recipe->growth_nm, 3, "nm, as the recipe expects");
                print_fact(p, "declared", buf);
        }
        if (!isnan(a->walls_nm)) {
                text_init(&t, buf, sizeof buf);
                dryrun_add_number(&t, a->walls_nm, 3, "nm declared");
                print_fact(p, "on the walls", buf);
        }
        if (!isnan(a->thickness_from_dose_nm) && a->coating_cycles > 0) {
                text_init(&t, buf, sizeof buf);
                add_film(&t, a->thickness_from_dose_nm, a->mass_gain_from_dose_mg_per_g);
                text_add(&t, ": %" PRId64 " cycles of ", a->coating_cycles);
                dryrun_add_number(&t, a->dose_growth_nm, 2, "nm, one layer covered to ");
                dryrun_add_percent(&t, a->coverage);
                print_fact(p, "from dose", buf);
        }
        if (!isnan(a->mass_gain_mg_per_g) || !isnan(a->mass_gain_from_dose_mg_per_g))
                (void)fprintf(p->to, "    %-12s as niobium oxide of %.2g g/cm3\n", "", ADEQUACY_FILM_G_CM3);
}

/* ---- Findings ---- */

/* Text in rows: the first has `room` columns, the others stand indented. */
static void wrap(char *to, size_t cap, const char *text, int room)
{
        struct text t;

        text_init(&t, to, cap);
        while ((int)strlen(text) > room) {
                int n = room;

                while (n > room / 2 && text[n] != ' ')
                        n--;
                text_add(&t, "%.*s\n        ", n, text);
                text += n;
                while (*text == ' ')
                        text++;
                room = DRYRUN_COLUMNS - 8;
        }
        text_add(&t, "%s", text);
}

static void tell(struct diag *d, const struct dryrun_note *note, struct diag_at at, const char *path)
{
        static void (*const add[])(struct diag *, struct diag_at, const char *, ...) = {
            diag_note, diag_warning, diag_error};
        char whole[512], rows_of[640];
        struct text t;
        int room = DRYRUN_COLUMNS - (int)strlen(path) - 20;

        text_init(&t, whole, sizeof whole);
        text_add(&t, "%s", note->text);
        if (note->first_us >= 0) {
                text_add(&t, " (");
                if (note->count > 1)
                        text_add(&t, "%" PRId64 " times, first ", note->count);
                text_add(&t, "at ");
                dryrun_add_time(&t, note->first_us);
                text_add(&t, ")");
        }
        wrap(rows_of, sizeof rows_of, whole, room > 40 ? room : 40);
        add[note->severity](d, at, "%s", rows_of);
}

static void print_findings(const struct dryrun_page *p)
{
        const struct dryrun_report *r = p->r;

        if (r->note_count == 0)
                return;
        (void)fprintf(
            p->to, "\n%s%s%s\n", dryrun_style(p, DRYRUN_BOLD), "FINDINGS", dryrun_style(p, DRYRUN_PLAIN));
        for (int i = 0; i < r->note_count; i++)
                tell(r->places, &r->notes[i], r->notes[i].at, diag_path(r->places, r->notes[i].at.source));
        diag_print(r->places, p->to, p->colour);
        if (r->notes_lost > 0)
                (void)fprintf(p->to, "and %" PRId64 " more\n", r->notes_lost);
}

void dryrun_print_text(FILE *to, const struct dryrun_report *r, bool colour)
{
        struct dryrun_page page = {.to = to, .colour = colour, .r = r};

        (void)fprintf(to, "%s%s%s%s%.*s\n", dryrun_style(&page, DRYRUN_BOLD), r->recipe->name,
            dryrun_style(&page, DRYRUN_PLAIN), r->recipe->title[0] != '\0' ? ": " : "",
            (int)show_fit(r->recipe->title, 70), r->recipe->title);
        print_outcome(&page);
        print_durations(&page);
        print_amounts(&page);
        print_valves(&page);
        dryrun_print_timeline(&page);
        dryrun_print_precursors(&page);
        if (r->result->powder_m2 > 0 || !isnan(r->adequacy.thickness_nm) || !isnan(r->adequacy.walls_nm))
                print_film(&page);
        print_findings(&page);
}
