/* A dry run for programs: one object, whose keys ald-dry-run(5) documents. What is not known or does not apply is null. */
#include "ald/app/aldctl_dryrun.h" /* own declarations */
#include "ald/app/aldctl_load.h"   /* load_pack_diagnostic */
#include "ald/base/time.h"         /* TIME_S */
#include "ald/core/core.h"         /* core_describe_op */

#include <math.h>   /* isfinite, fabs, rint */
#include <stdio.h>  /* snprintf */
#include <stdlib.h> /* strtod */

/* As many digits as mean something, and as compilers and sanitizers agree on. */
static json_t *number(double value)
{
        char buf[40];

        if (!isfinite(value))
                return json_null();
        (void)snprintf(buf, sizeof buf, "%.4g", value);
        return json_real(strtod(buf, NULL));
}

static json_t *seconds(int64_t us)
{
        return json_real((double)us / (double)TIME_S);
}

static void put(json_t *object, const char *key, json_t *value)
{
        (void)json_object_set_new(object, key, value);
}

static json_t *text_or_null(const char *text)
{
        json_t *value = text != NULL && text[0] != '\0' ? json_string(text) : NULL;

        return value != NULL ? value : json_null();
}

static json_t *pack_powder(const struct dryrun_report *r)
{
        const struct dryrun_result *d = r->result;

        return json_pack("{s:o, s:o, s:o, s:o, s:o}", "material", text_or_null(r->recipe->powder_material),
            "lot", text_or_null(r->recipe->powder_lot), "mass_g", number(d->powder_g > 0 ? d->powder_g : NAN),
            "area_m2", number(d->powder_m2 > 0 ? d->powder_m2 : NAN), "saturation_umol_per_m2",
            number(d->saturation_umol_m2));
}

static void put_residue(json_t *to, const struct dryrun_line *line, const struct adequacy_line *a)
{
        bool any = line->residue_source_line > 0;

        put(to, "residue_percent", number(any ? 100 * line->residue_part : NAN));
        put(to, "residue_umol", number(any ? line->residue_umol : NAN));
        put(to, "residue_umol_per_m2", number(a->residue_umol_m2));
}

static json_t *pack_line(const struct dryrun_line *line, const struct adequacy_line *a)
{
        json_t *to = json_object();
        bool doses = line->dose_pulses > 0;

        put(to, "pulses", json_integer(line->pulses));
        put(to, "open_s", seconds(line->open_us));
        put(to, "doses", json_integer(line->coat_doses));
        put(to, "delivered_run_umol", number(line->delivered_umol));
        put(to, "adsorbed_run_umol", number(line->adsorbed_umol));
        put(to, "exposure_run_torr_s", number(line->exposure_torr_s));
        put(to, "dose_pulses", doses ? json_integer(line->dose_pulses) : json_null());
        put(to, "dose_open_s", number(doses ? line->dose_open_us / (double)TIME_S : NAN));
        put(to, "delivered_umol", number(doses ? line->dose_umol : NAN));
        put(to, "needed_umol", number(a->needed_umol));
        put(to, "dose_ratio", number(a->dose_ratio));
        put(to, "dose_ratio_low", number(a->dose_ratio_low));
        put(to, "dose_ratio_high", number(a->dose_ratio_high));
        put(to, "umol_per_g", number(a->umol_per_g));
        put(to, "umol_per_m2", number(a->umol_per_m2));
        put(to, "limited_by", text_or_null(adequacy_limit_name(a->limited_by)));
        put(to, "exposure_torr_s", number(doses ? line->dose_exposure_torr_s : NAN));
        put(to, "damkoehler", number(a->damkoehler));
        put(to, "coverage_mixed", number(a->coverage_mixed));
        put(to, "coverage_plug", number(a->coverage_plug));
        put(to, "coverage_simulated", number(a->coverage_simulated));
        put(to, "outlet_part", number(a->outlet_part));
        put(to, "saturating_pulse_s", number(a->saturating_pulse_s));
        put(to, "saturating_pulses",
            isfinite(a->saturating_pulses) ? json_integer((json_int_t)a->saturating_pulses) : json_null());
        put(to, "turns_per_pulse", number(a->turns_per_pulse));
        put(to, "source_degc", number(doses ? line->source_degc : NAN));
        put(to, "source_torr", number(doses ? line->source_torr : NAN));
        put(to, "source_torr_low", number(doses ? a->vapour_low_torr : NAN));
        put(to, "source_torr_high", number(doses ? a->vapour_high_torr : NAN));
        put(to, "vapour_torr", number(doses ? line->vapour_torr : NAN));
        put(to, "chamber_torr", number(doses ? line->chamber_torr : NAN));
        put_residue(to, line, a);
        return to;
}

static json_t *pack_lines(const struct dryrun_report *r)
{
        json_t *lines = json_object();

        for (int i = 0; i < r->tool->line_count; i++)
                if (r->result->line[i].pulses > 0)
                        put(lines, r->tool->lines[i].name,
                            pack_line(&r->result->line[i], &r->adequacy.line[i]));
        return lines;
}

static json_t *pack_actuations(const struct dryrun_report *r)
{
        json_t *valves = json_object();

        for (int i = 0; i < r->tool->tag_count; i++)
                if (r->result->actuations[i] > 0)
                        put(valves, r->tool->tags[i].name, json_integer(r->result->actuations[i]));
        return valves;
}

static json_t *pack_steps(const struct dryrun_report *r)
{
        json_t *steps = json_array();

        for (int i = 0; i < r->result->step_count; i++) {
                const struct dryrun_step *step = &r->result->steps[i];
                const struct recipe_op *op = &r->recipe->ops[step->op];
                char words[400];
                struct text t;

                text_init(&t, words, sizeof words);
                core_describe_op(&t, r->tool, r->recipe, step->op);
                (void)json_array_append_new(
                    steps, json_pack("{s:i, s:o, s:o, s:o, s:o, s:I, s:b}", "line", op->source_line, "phase",
                               op->phase >= 0 ? json_string(r->recipe->phases[op->phase].name)
                                              : json_string("finally"),
                               "text", text_or_null(words), "begun_s", seconds(step->begun_us), "lasted_s",
                               seconds(step->lasted_us), "times", (json_int_t)step->times, "is_heating",
                               step->is_heating));
        }
        return steps;
}

/* Warnings of compiling, as findings. */
static json_t *pack_diagnostics(const struct diag *d)
{
        json_t *list = json_array();

        for (size_t i = 0; i < diag_count(d); i++) {
                json_t *one = load_pack_diagnostic(d, i);

                put(one, "id", json_string("check"));
                put(one, "first_s", json_null());
                put(one, "count", json_integer(1));
                (void)json_array_append_new(list, one);
        }
        return list;
}

static json_t *pack_findings(const struct dryrun_report *r, const struct diag *load_diag)
{
        json_t *list = pack_diagnostics(load_diag);

        for (int i = 0; i < r->note_count; i++) {
                const struct dryrun_note *n = &r->notes[i];
                json_t *text = json_string(n->text);

                (void)json_array_append_new(
                    list, json_pack("{s:s, s:s, s:s, s:i, s:i, s:o, s:o, s:I}", "severity",
                              dryrun_severity_name(n->severity), "id", n->id, "file",
                              diag_path(r->places, n->at.source), "line", n->at.line, "column", n->at.column,
                              "text", text != NULL ? text : json_string("the text is not UTF-8"), "first_s",
                              n->first_us >= 0 ? seconds(n->first_us) : json_null(), "count",
                              (json_int_t)n->count));
        }
        return list;
}

static void put_run(json_t *to, const struct dryrun_report *r)
{
        const struct dryrun_result *d = r->result;

        put(to, "ended", json_string(machine_state_name(d->ended)));
        put(to, "reason", text_or_null(d->reason));
        put(to, "cycles", json_integer(d->cycles));
        put(to, "wall_cycles", json_integer(d->wall_cycles));
        put(to, "cycle_s", d->cycles > 0 ? seconds(d->cycle_us) : json_null());
        put(to, "deposition_s", seconds(d->deposition_us));
        put(to, "heating_s", seconds(d->heating_us));
        put(to, "duration_s", seconds(d->duration_us));
        put(to, "carrier_scc", number(d->carrier_scc));
        put(to, "pressure_min_torr", number(d->pressure_min_torr));
        put(to, "pressure_max_torr", number(d->pressure_max_torr));
}

static void put_film(json_t *to, const struct adequacy *a)
{
        put(to, "thickness_nm", number(a->thickness_nm));
        put(to, "walls_nm", number(a->walls_nm));
        put(to, "coverage", number(a->coverage));
        put(to, "thickness_from_dose_nm", number(a->thickness_from_dose_nm));
        put(to, "mass_gain_mg_per_g", number(a->mass_gain_mg_per_g));
        put(to, "mass_gain_from_dose_mg_per_g", number(a->mass_gain_from_dose_mg_per_g));
        put(to, "turns_per_pulse", number(a->turns_per_pulse));
}

json_t *dryrun_pack_json(const struct dryrun_report *r, const struct diag *load_diag)
{
        json_t *to = json_object();

        put(to, "file", json_string(r->recipe->path));
        put(to, "ok", json_boolean(dryrun_report_is_ok(r)));
        put(to, "recipe", json_string(r->recipe->name));
        put(to, "title", text_or_null(r->recipe->title));
        put(to, "tool", json_string(r->tool->name));
        put_run(to, r);
        put(to, "powder", pack_powder(r));
        put(to, "actuations", pack_actuations(r));
        put(to, "lines", pack_lines(r));
        put_film(to, &r->adequacy);
        put(to, "steps", pack_steps(r));
        put(to, "findings", pack_findings(r, load_diag));
        put(to, "findings_lost", json_integer(r->notes_lost));
        return to;
}

json_t *dryrun_pack_refused(const char *file, const struct diag *load_diag)
{
        return json_pack(
            "{s:s, s:b, s:n, s:o}", "file", file, "ok", 0, "recipe", "findings", pack_diagnostics(load_diag));
}
