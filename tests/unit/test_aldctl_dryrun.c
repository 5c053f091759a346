/* aldctl dry-run: what is shown of a result, filled in by hand for the reference recipe. */
#include "suite.h"

#include "ald/app/aldctl_dryrun.h" /* dryrun_* */
#include "ald/base/time.h"         /* TIME_S */
#include "ald/file/file.h"         /* file_compile_* */

#include <check.h>  /* START_TEST */
#include <stdio.h>  /* open_memstream */
#include <stdlib.h> /* free */
#include <string.h> /* strstr */

static struct diag *diag;
static struct tool *tool;
static struct recipe *recipe;
static struct dryrun_result result;
static struct dryrun_step steps[64];
static struct dryrun_finding findings[4];
static struct dryrun_point points[400];
static struct dryrun_report *report;
static char *shown;
static size_t shown_len;

/* What a run would do: steps one after the other, each of `repeat` 30 times. */
static void make_steps(void)
{
        int64_t at_us = 0, times = 1;

        for (int op = 0; op < recipe->op_count; op++) {
                const struct recipe_op *o = &recipe->ops[op];
                int64_t lasts_us = o->kind == RECIPE_WAIT_UNTIL ? 10 * TIME_MIN : o->for_us;

                if (o->kind == RECIPE_REPEAT)
                        times = o->count;
                if (o->kind == RECIPE_REPEAT_END)
                        times = 1;
                if (o->kind >= RECIPE_REPEAT)
                        continue;
                steps[result.step_count++] = (struct dryrun_step){.op = op,
                    .begun_us = at_us,
                    .lasted_us = lasts_us * times,
                    .times = times,
                    .is_heating = o->kind == RECIPE_WAIT_UNTIL};
                at_us += lasts_us;
        }
        result.steps = steps;
}

static void make_points(void)
{
        for (int i = 0; i < 400; i++) {
                points[i] = (struct dryrun_point){.t_us = i * 10 * TIME_S, .pressure_torr = 0.87 + i * 0.01};
                points[i].open = i % 4 == 1 ? 1 : i % 4 == 3 ? 2 : 0;
                for (int k = 0; k < tool->loop_count; k++)
                        points[i].loop[k] = 20 + i * 0.3 + k;
        }
        result.points = result.cycle_points = points;
        result.point_count = 400;
        result.cycle_point_count = 5;
}

static void make_lines(void)
{
        result.line[0] = (struct dryrun_line){.pulses = 30,
            .open_us = 30 * TIME_S,
            .coat_doses = 30,
            .delivered_umol = 17.3,
            .dose_umol = 0.21,
            .dose_exposure_torr_s = 0.03,
            .dose_open_us = 1e6,
            .dose_pulses = 1,
            .vapour_torr = 0.025,
            .source_degc = 110,
            .source_torr = 0.028,
            .chamber_torr = 2.3,
            .chamber_degc = 175,
            .flow_sccm = 70,
            .bed_rpm = 3,
            .residue_umol = 0.02,
            .residue_part = 0.03,
            .residue_source_line = 30,
            .source_line = 26};
        result.line[1] = result.line[0];
        result.line[1].open_us = 3 * TIME_S;
        result.line[1].dose_open_us = 1e5;
        result.line[1].dose_umol = 12;
        result.line[1].source_line = 29;
}

static char *read_all(const char *path, size_t *len)
{
        char *text = file_read(path, len, diag);

        ck_assert_ptr_nonnull(text);
        return text;
}

static void setup(void)
{
        size_t len;
        char *text;

        diag = diag_new();
        text = read_all("config/rotary-ald.yaml", &len);
        tool = file_compile_tool("rotary-ald.yaml", text, len, diag);
        ck_assert_ptr_nonnull(tool);
        free(text);
        text = read_all("recipes/nb2o5-nmc532.yaml", &len);
        recipe = file_compile_recipe("recipes/nb2o5-nmc532.yaml", text, len, tool, NULL, 0, diag);
        ck_assert_ptr_nonnull(recipe);
        free(text);
        result = (struct dryrun_result){.ended = MACHINE_COMPLETE,
            .duration_us = 4000 * TIME_S,
            .heating_us = 40 * TIME_MIN,
            .deposition_us = 1233 * TIME_S,
            .cycles = 30,
            .cycle_us = 41100 * TIME_MS,
            .carrier_scc = 2345,
            .powder_g = 1,
            .powder_m2 = 0.4,
            .saturation_umol_m2 = 1.04,
            .pressure_min_torr = 0.87,
            .pressure_max_torr = 2.4};
        make_steps();
        make_points();
        make_lines();
        shown = NULL;
        report = NULL;
}

static void teardown(void)
{
        free(shown);
        dryrun_report_free(report);
        recipe_free(recipe);
        free(tool);
        diag_free(diag);
}

static const char *show(void (*print)(FILE *to, const struct dryrun_report *r))
{
        FILE *to = open_memstream(&shown, &shown_len);

        report = dryrun_report_new(tool, recipe, &result);
        ck_assert_ptr_nonnull(report);
        print(to, report);
        (void)fclose(to);
        return shown;
}

static void print_plain(FILE *to, const struct dryrun_report *r)
{
        dryrun_print_text(to, r, false);
}

static void says(const char *what)
{
        if (strstr(shown, what) == NULL)
                (void)puts(shown);
        ck_assert_msg(strstr(shown, what) != NULL, "'%s' is not in what is above", what);
}

START_TEST(test_text)
{
        findings[0] = (struct dryrun_finding){.severity = DRYRUN_WARNING,
            .id = "pressure-high",
            .text = "pressure-high: chamber.pressure > 4 Torr",
            .source_line = 39,
            .first_us = 65 * TIME_MIN,
            .count = 3};
        result.findings = findings;
        result.finding_count = 1;
        show(print_plain);
        says("nb2o5-nmc532: Amorphous Nb2O5");
        says("runs to Complete, 2 warnings\n");
        says("20 min 33 s: 30 cycles of 41.1 s");
        says("30 openings, 30 s open");
        says("30 openings, 3 s open");
        says("30 times:\n      pulse nb 1 s ");
        ck_assert_ptr_null(strstr(shown, " \n"));
        says("30 x 20 s");
        says("set carrier.flow 10 sccm, bed.speed 3 rpm");
        says("0.5 (0.25-1)");
        says("5.01 nm, 9.2 mg on each gram: 30 cycles of 0.167 nm");
        says("recipes/nb2o5-nmc532.yaml:39:7: warning: pressure-high: chamber.pressure > 4 Torr (3 times,\n"
             "        first at 1:05:00)\n        - repeat: $cycles\n          ^\n");
        says("  coat                                                            0:30:00  41.1 s\n");
        says("nb: too little for this powder: a dose brings 0.21");
        /* Nothing wider than a screen; no colour that nobody asked for. */
        for (const char *line = shown; line != NULL && *line != '\0'; line = strchr(line, '\n') + 1)
                ck_assert_msg(strcspn(line, "\n") <= DRYRUN_COLUMNS, "%.*s", (int)strcspn(line, "\n"), line);
        ck_assert_ptr_null(strchr(shown, '\033'));
}
END_TEST

START_TEST(test_numbers)
{
        static const struct {
                double value;
                int digits;
                const char *text;
        } cases[] = {{769, 2, "770 s"}, {0.0276, 2, "0.028 s"}, {2.345, 2, "2.3 s"}, {1, 3, "1 s"},
            {12345, 2, "12000 s"}, {1.5e7, 3, "1.5e+07 s"}, {99.6, 2, "100 s"}, {0, 2, "0 s"}};

        for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
                char buf[40];
                struct text t;

                text_init(&t, buf, sizeof buf);
                dryrun_add_number(&t, cases[i].value, cases[i].digits, "s");
                ck_assert_str_eq(buf, cases[i].text);
        }
}
END_TEST

START_TEST(test_residue)
{
        result.line[1].residue_umol = 0.5;
        show(print_plain);
        says("recipes/nb2o5-nmc532.yaml:30:");
        says("1.2 times what a half-cycle");
}
END_TEST

START_TEST(test_failed)
{
        result.ended = MACHINE_HELD;
        text_copy(result.reason, sizeof result.reason, "guard of line 20");
        show(print_plain);
        says("would not end as planned");
        says("Held: guard of line 20");
        ck_assert(!dryrun_report_is_ok(report));
}
END_TEST

START_TEST(test_error_is_not_ok)
{
        findings[0] =
            (struct dryrun_finding){.severity = DRYRUN_ERROR, .id = "overlap", .text = "x", .count = 1};
        result.findings = findings;
        result.finding_count = 1;
        show(print_plain);
        ck_assert(!dryrun_report_is_ok(report));
}
END_TEST

START_TEST(test_json)
{
        static const char *const of_run[] = {"recipe", "cycles", "cycle_s", "deposition_s", "duration_s",
            "lines", "thickness_nm", "thickness_from_dose_nm", "mass_gain_mg_per_g", "turns_per_pulse",
            "findings"};
        static const char *const of_line[] = {"pulses", "open_s", "delivered_umol", "needed_umol",
            "dose_ratio", "limited_by", "exposure_torr_s", "coverage_mixed", "coverage_plug",
            "saturating_pulse_s"};
        json_t *json, *nb, *finding;

        show(print_plain);
        json = dryrun_pack_json(report, diag);
        for (size_t i = 0; i < sizeof of_run / sizeof of_run[0]; i++)
                ck_assert_msg(json_object_get(json, of_run[i]) != NULL, "%s", of_run[i]);
        nb = json_object_get(json_object_get(json, "lines"), "nb");
        for (size_t i = 0; i < sizeof of_line / sizeof of_line[0]; i++)
                ck_assert_msg(json_object_get(nb, of_line[i]) != NULL, "%s", of_line[i]);
        ck_assert_int_eq(json_integer_value(json_object_get(json, "cycles")), 30);
        ck_assert_double_eq(json_real_value(json_object_get(json, "cycle_s")), 41.1);
        ck_assert_double_eq(json_real_value(json_object_get(nb, "open_s")), 30);
        ck_assert_str_eq(json_string_value(json_object_get(nb, "limited_by")), "delivery");
        finding = json_array_get(json_object_get(json, "findings"), 0);
        ck_assert_str_eq(json_string_value(json_object_get(finding, "severity")), "warning");
        ck_assert_str_eq(json_string_value(json_object_get(finding, "id")), "dose");
        ck_assert_int_eq(json_integer_value(json_object_get(finding, "line")), 26);
        json_decref(json);
}
END_TEST

START_TEST(test_plot)
{
        show(plot_print_svg);
        says("<svg xmlns=\"http://www.w3.org/2000/svg\" version=\"1.1\"");
        says("</svg>\n");
        says(">Torr<");
        says(">degC<");
        says(">One cycle<");
        ck_assert_ptr_null(strstr(shown, "nan"));
        ck_assert_ptr_null(strstr(shown, "inf"));
        free(shown);
        dryrun_report_free(report);
        /* A run without cycles, without any point. */
        result.cycles = result.cycle_us = 0;
        result.point_count = 0;
        result.duration_us = 0;
        show(plot_print_svg);
        ck_assert_ptr_null(strstr(shown, "One cycle"));
        ck_assert_ptr_null(strstr(shown, "nan"));
        ck_assert_ptr_null(strstr(shown, "inf"));
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("aldctl_dryrun");
        TCase *tc = tcase_create("aldctl_dryrun");

        suite_add_tcase(suite, tc);
        tcase_add_checked_fixture(tc, setup, teardown);
        tcase_add_test(tc, test_text);
        tcase_add_test(tc, test_numbers);
        tcase_add_test(tc, test_residue);
        tcase_add_test(tc, test_failed);
        tcase_add_test(tc, test_error_is_not_ok);
        tcase_add_test(tc, test_json);
        tcase_add_test(tc, test_plot);
        return suite_main(suite);
}
