/* Faults on demand: their words, and what each does to the simulated tool. */
#include "ald/base/time.h" /* TIME_S, TIME_MS */
#include "ald/sim/fault.h" /* fault_parse */
#include "ald/sim/sim.h"   /* sim_fault */

#include "unit/suite.h"
#include "unit/sim_tool.h" /* sim_tool_make */

#include <check.h> /* START_TEST */
#include <math.h>  /* isnan */

static struct tool tool;
static struct sim *sim;
static char why[1024];

static void setup(void)
{
        struct sim_config config = {.seed = 3, .ready = true};

        sim_tool_make(&tool);
        sim = sim_new(&tool, &config);
        ck_assert_ptr_nonnull(sim);
}

static void teardown(void)
{
        sim_free(sim);
}

static void run_s(double seconds)
{
        sim_advance(sim, sim_time_us(sim) + (int64_t)(seconds * 1e6 + 0.5));
}

static void inject(const char *spec)
{
        ck_assert_msg(sim_fault(sim, spec, why, sizeof why), "%s", why);
}

static struct sim_line nb(void)
{
        struct sim_line l;

        sim_get_line(sim, N_NB, &l);
        return l;
}

/* ---- Words. ---- */

START_TEST(test_grammar)
{
        struct fault f;

        ck_assert(fault_parse(&f, &tool, "stuck-open:nb.valve", why, sizeof why));
        ck_assert_int_eq(f.kind, FAULT_STUCK_OPEN);
        ck_assert_int_eq(f.tag, T_NB);
        ck_assert_int_eq(f.start_us, 0);
        ck_assert_int_eq(f.end_us, TIME_NEVER);
        ck_assert(fault_parse(&f, &tool, "slow:plant-io=400 ms@10 s+2s", why, sizeof why));
        ck_assert_int_eq(f.device, D_PLANT);
        ck_assert_int_eq(f.link, TOOL_NONE);
        ck_assert_double_eq(f.value, 400000);
        ck_assert_int_eq(f.start_us, 10 * TIME_S);
        ck_assert_int_eq(f.end_us, 12 * TIME_S);
        ck_assert(fault_parse(&f, &tool, "silent:plant+500ms", why, sizeof why));
        ck_assert_int_eq(f.link, 1);
        ck_assert_int_eq(f.end_us, 500 * TIME_MS);
        ck_assert(fault_parse(&f, &tool, "drift:chamber.temperature=+6 K/min@1min", why, sizeof why));
        ck_assert_double_eq_tol(f.value, 0.1, 1e-12);
        ck_assert(fault_parse(&f, &tool, "drift:chamber.pressure=1e+1 mTorr/s+5 s", why, sizeof why));
        ck_assert_double_eq_tol(f.value, 0.01, 1e-12);
        ck_assert_int_eq(f.end_us, 5 * TIME_S);
        ck_assert(fault_parse(&f, &tool, "reads:chamber.pressure=870 mTorr", why, sizeof why));
        ck_assert_double_eq_tol(f.value, 0.87, 1e-12);
        ck_assert(fault_parse(&f, &tool, "reads:lid.closed=off", why, sizeof why));
        ck_assert_double_eq(f.value, 0);
        ck_assert(fault_parse(&f, &tool, "motor-stall:bed", why, sizeof why));
        ck_assert_int_eq(f.loop, L_BED);
        ck_assert(fault_parse(&f, &tool, "heater-stuck-on:chamber.temperature", why, sizeof why));
        ck_assert_int_eq(f.loop, L_CHAMBER);
        ck_assert(fault_parse(&f, &tool, "stuck-closed:water", why, sizeof why)); /* a line by its name */
        ck_assert_int_eq(f.tag, T_WATER);
        ck_assert(fault_parse(&f, &tool, "clog=80 %", why, sizeof why));
        ck_assert_double_eq_tol(f.value, 0.8, 1e-12);
        ck_assert(fault_parse(&f, &tool, "emo@3 s", why, sizeof why));
        ck_assert_int_eq(f.start_us, 3 * TIME_S);
}
END_TEST

/* Each refusal and what its message must say. */
static const struct {
        const char *spec, *says;
} refused[] = {
    {"", "unknown kind"},
    {"stuk-open:nb.valve", "did you mean 'stuck-open'?"},
    {"explode:nb.valve", "accepted: stuck-closed, stuck-open, frozen"},
    {"stuck-open", "needs a valve"},
    {"stuck-open:", "needs a valve"},
    {"stuck-open:nb.valv", "did you mean 'nb.valve'?"},
    {"stuck-open:chamber.pressure", "no valve of this tool"},
    {"stuck-open:xyz", "(accepted: nb.valve, water.valve, exhaust.valve, vent.valve)"},
    {"frozen:nb.valve", "no input of this tool"},
    {"nan:lid.closed", "no floating-point input"},
    {"nan:bed.speed", "no floating-point input"}, /* an INT16 register holds no NaN */
    {"drift:lid.closed=1", "no rate of change"},
    {"drift:chamber.pressure=1", "no unit"},
    {"drift:chamber.pressure=1 K/min", "K/min"},
    {"drift:chamber.pressure", "needs a value"},
    {"reads:chamber.pressure=3 degC", "not a pressure"},
    {"reads:lid.closed=maybe", "on or off"},
    {"frozen:chamber.pressure=1 Torr", "takes no value"},
    {"bottle-empty:exhaust.valve", "no precursor line"},
    {"bottle-empty:watr", "(accepted: nb.valve, water.valve)"},
    {"flow-stuck:bed", "no flow"},
    {"motor-stall:chamber", "no motor"},
    {"heater-stuck-on:bed", "no heater"},
    {"slow:plant-io", "needs a value"},
    {"slow:plant-io=4", "no unit"},
    {"slow:nowhere=1 s", "no device or link"},
    {"emo:now", "takes no target"},
    {"lid-open@soon", "'soon' does not begin with a number"},
    {"lid-open@1 s+0 s", "lasts no time"},
    {"lid-open+", "a time"},
    {"lid-open+2 s@1 s", "2 s@1 s"}, /* the order is fixed */
    {"leak=-3 sccm", "out of range"},
    {"clog=120 %", "out of range"},
    {"stuck-open:nb.valve:again", "'nb.valve:again' is no valve"},
};

START_TEST(test_refusals)
{
        struct fault f = {.kind = FAULT_EMO};

        ck_assert_msg(
            !fault_parse(&f, &tool, refused[_i].spec, why, sizeof why), "%s was taken", refused[_i].spec);
        ck_assert_msg(strstr(why, refused[_i].says) != NULL, "%s: \"%s\" does not say \"%s\"",
            refused[_i].spec, why, refused[_i].says);
        ck_assert_int_eq(f.kind, FAULT_EMO); /* untouched */
}
END_TEST

START_TEST(test_refusal_of_length)
{
        char spec[400];

        memset(spec, 'x', sizeof spec - 1);
        spec[sizeof spec - 1] = '\0';
        ck_assert(!sim_fault(sim, spec, why, sizeof why));
        ck_assert(!sim_fault(sim, "frozen:nothing", why, 20)); /* a short buffer is no trap */
        ck_assert_uint_lt(strlen(why), 20);
        for (int i = 0; i < FAULTS_MAX; i++)
                inject("emo@1 h");
        ck_assert(!sim_fault(sim, "emo@1 h", why, sizeof why));
        ck_assert_ptr_nonnull(strstr(why, "the most that can be given"));
}
END_TEST

/* Every kind has its line in the help. */
START_TEST(test_help)
{
        static const char *const names[] = {
            "stuck-closed:", "stuck-open:", "frozen:", "nan:", "drift:", "reads:", "deaf:", "flow-stuck:",
            "motor-stall:", "heater-stuck-on:", "heater-dead:", "bottle-empty:", "bottle-low:", "pump-fail",
            "leak=", "clog=", "lid-open", "emo", "slow:", "silent:", "drop:", "absent:", "watchdog-dead:"};

        ck_assert_uint_eq(sizeof names / sizeof names[0], FAULT_KIND_COUNT);
        for (size_t i = 0; i < FAULT_KIND_COUNT; i++)
                ck_assert_msg(strstr(sim_fault_help(), names[i]) != NULL, "%s", names[i]);
}
END_TEST

/* ---- Deeds. ---- */

START_TEST(test_stuck_valves)
{
        inject("stuck-closed:nb.valve+10 s");
        sim_write(sim, T_NB, 1);
        run_s(1);
        ck_assert_double_eq(sim_read(sim, T_NB), 1); /* the coil follows */
        ck_assert(!nb().is_open);
        ck_assert_double_eq(nb().delivered_umol, 0);
        run_s(9.5);
        ck_assert(nb().is_open); /* the fault has ended */
        sim_write(sim, T_NB, 0);
        inject("stuck-open:nb.valve");
        run_s(1);
        ck_assert_double_eq(sim_read(sim, T_NB), 0);
        ck_assert(nb().is_open);
        inject("stuck-closed:exhaust.valve");
        double p = sim_pressure_torr(sim);

        run_s(10);
        ck_assert_double_ge(sim_pressure_torr(sim), p + 2);
}
END_TEST

START_TEST(test_frozen_and_its_times)
{
        inject("frozen:chamber.pressure@2 s+3 s");
        run_s(1.9);
        double a = sim_read(sim, T_PRESSURE);

        run_s(0.05);
        ck_assert_double_ne(sim_read(sim, T_PRESSURE), a); /* not yet */
        run_s(0.1);
        a = sim_read(sim, T_PRESSURE);
        sim_write(sim, T_FLOW_SP, 100);
        run_s(2.9);
        ck_assert(sim_read(sim, T_PRESSURE) == a); /* bit for bit */
        run_s(0.2);
        ck_assert_double_ge(sim_read(sim, T_PRESSURE), 1.5);
        ck_assert_int_eq(sim_fault_count(sim), 1);
        ck_assert(!sim_fault_at(sim, 0)->is_active);
}
END_TEST

START_TEST(test_nan_drift_reads)
{
        inject("nan:chamber.pressure@1 s+1 s");
        ck_assert(!isnan(sim_read(sim, T_PRESSURE)));
        run_s(1.5);
        ck_assert(isnan(sim_read(sim, T_PRESSURE)));
        ck_assert_double_eq_tol(sim_pressure_torr(sim), 0.870, 0.001); /* the gauge only */
        run_s(1);
        ck_assert(!isnan(sim_read(sim, T_PRESSURE)));
        inject("drift:chamber.temperature=60 K/min@10 s");
        run_s(17.5);
        ck_assert_double_eq_tol(sim_read(sim, T_CHAMBER), 185, 0.2);
        inject("reads:heater.over-temperature=on");
        ck_assert_double_eq(sim_read(sim, T_OVER), 1);
        inject("reads:chamber.temperature=201 degC");
        ck_assert_double_eq(sim_read(sim, T_CHAMBER), 201);
}
END_TEST

START_TEST(test_deaf)
{
        inject("deaf:carrier.flow.setpoint@1 s");
        sim_write(sim, T_FLOW_SP, 20);
        run_s(2);
        sim_write(sim, T_FLOW_SP, 70);
        run_s(5);
        ck_assert_double_eq(sim_read(sim, T_FLOW_SP), 20);
        ck_assert_double_eq_tol(sim_read(sim, T_FLOW), 20, 0.2);
}
END_TEST

START_TEST(test_flow_stuck)
{
        sim_write(sim, T_FLOW_SP, 20);
        inject("flow-stuck:carrier@5 s+5 s");
        run_s(6);
        sim_write(sim, T_FLOW_SP, 70);
        run_s(3);
        ck_assert_double_eq(sim_read(sim, T_FLOW_SP), 70); /* it takes the set-point */
        ck_assert_double_eq_tol(sim_read(sim, T_FLOW), 20, 0.2);
        run_s(3);
        ck_assert_double_eq_tol(sim_read(sim, T_FLOW), 70, 0.5);
}
END_TEST

START_TEST(test_bottle_empty)
{
        struct sim_line line;

        inject("bottle-empty:water");
        sim_write(sim, T_WATER, 1);
        run_s(1);
        sim_write(sim, T_WATER, 0);
        sim_get_line(sim, N_WATER, &line);
        ck_assert_double_eq(sim_read(sim, T_WATER), 0);
        ck_assert_double_eq(line.delivered_umol, 0);
        sim_write(sim, T_NB, 1);
        run_s(1);
        ck_assert_double_gt(nb().delivered_umol, 0); /* the other line has its own bottle */
}
END_TEST

START_TEST(test_motor_stall)
{
        sim_write(sim, T_BED_SP, 3);
        inject("motor-stall:bed@10 s+10 s");
        run_s(9);
        ck_assert_double_eq_tol(sim_read(sim, T_BED), 3, 0.05);
        run_s(2);
        ck_assert_double_eq(sim_read(sim, T_BED), 0);
        ck_assert_double_eq(sim_read(sim, T_BED_SP), 3);
        run_s(15);
        ck_assert_double_eq_tol(sim_read(sim, T_BED), 3, 0.05);
}
END_TEST

START_TEST(test_heaters)
{
        inject("heater-stuck-on:chamber");
        inject("heater-dead:nb-source");
        sim_write(sim, T_CHAMBER_SP, 0);
        run_s(60);
        ck_assert_double_eq_tol(sim_read(sim, T_CHAMBER), 175 + 20, 0.2);
        ck_assert_double_le(sim_read(sim, T_SOURCE), 108);
        ck_assert_double_eq(sim_read(sim, T_OVER), 0);
        run_s(540);
        /* The hardware cut-out at 360 degC takes the power from every zone. */
        ck_assert_double_eq(sim_read(sim, T_OVER), 1);
        ck_assert_double_le(sim_read(sim, T_CHAMBER), 361);
        ck_assert_double_le(sim_read(sim, T_LINE), 129.9);
        double hot = sim_read(sim, T_CHAMBER);

        run_s(20);
        ck_assert_double_le(sim_read(sim, T_CHAMBER), hot);
}
END_TEST

START_TEST(test_pump_leak_clog)
{
        inject("leak=30 sccm+100 s");
        run_s(60);
        ck_assert_double_eq_tol(sim_pressure_torr(sim), sqrt(40 / 13.2), 1e-4);
        run_s(60);
        ck_assert_double_eq_tol(sim_pressure_torr(sim), sqrt(10 / 13.2), 1e-4);
        inject("clog=75 %");
        run_s(60);
        ck_assert_double_eq_tol(sim_pressure_torr(sim), 2 * sqrt(10 / 13.2), 1e-4);
        inject("pump-fail");
        run_s(10);
        ck_assert_double_eq(sim_read(sim, T_RUNNING), 0);
        ck_assert_double_eq(sim_read(sim, T_PUMP), 1);
}
END_TEST

START_TEST(test_lid)
{
        sim_write(sim, T_BED_SP, 3);
        run_s(10);
        inject("lid-open+60 s");
        run_s(0.3);
        ck_assert_double_eq(sim_read(sim, T_LID), 0);
        ck_assert_double_ge(sim_read(sim, T_BED), 0.5); /* long enough to be seen turning with an open lid */
        run_s(10);
        ck_assert_double_le(sim_read(sim, T_BED), 0.01); /* safe torque off */
        run_s(60);
        ck_assert_double_eq(sim_read(sim, T_LID), 1);
}
END_TEST

START_TEST(test_emo)
{
        sim_write(sim, T_BED_SP, 3);
        sim_write(sim, T_NB, 1);
        run_s(10);
        inject("emo");
        run_s(10);
        ck_assert_double_eq(sim_read(sim, T_EMO), 0);
        ck_assert(!nb().is_open);
        ck_assert_double_le(sim_read(sim, T_BED), 0.01);
        ck_assert_double_le(sim_read(sim, T_CHAMBER), 174.5);
        ck_assert_double_eq(sim_read(sim, T_NB), 1); /* registers know nothing of it */
}
END_TEST

START_TEST(test_wire)
{
        ck_assert_int_eq(sim_wire_delay(sim, D_PLANT, false), 0);
        inject("slow:plant-io=400 ms+10 s");
        ck_assert_int_eq(sim_wire_delay(sim, D_PLANT, false), 400000);
        ck_assert_int_eq(sim_wire_delay(sim, D_PLANT, true), 400000);
        ck_assert_int_eq(sim_wire_delay(sim, D_FLOW, false), 0);
        /* A link: writes to the valves go over it, their polls do not. */
        inject("silent:valves+10 s");
        ck_assert_int_eq(sim_wire_delay(sim, D_VALVES, true), -1);
        ck_assert_int_eq(sim_wire_delay(sim, D_VALVES, false), 0);
        inject("drop:plant-io@5 s+1 s");
        run_s(5.5);
        ck_assert_int_eq(sim_wire_delay(sim, D_PLANT, false), -2); /* the worst wins */
        run_s(1);
        ck_assert_int_eq(sim_wire_delay(sim, D_PLANT, false), 400000);
        run_s(10);
        ck_assert_int_eq(sim_wire_delay(sim, D_PLANT, false), 0);
        ck_assert_int_eq(sim_wire_delay(sim, D_VALVES, true), 0);
}
END_TEST

/* A fault begins at its time, not at the next call: cutting time differently changes nothing. */
START_TEST(test_absent)
{
        inject("absent:chamber.pressure@5 s+1 s");
        ck_assert(!sim_is_absent(sim, T_PRESSURE));
        run_s(5.5);
        ck_assert(sim_is_absent(sim, T_PRESSURE));
        ck_assert(!sim_is_absent(sim, T_NB));
        run_s(1);
        ck_assert(!sim_is_absent(sim, T_PRESSURE));
        ck_assert(!sim_fault(sim, "absent:chamber.presure", why, sizeof why));
        ck_assert_ptr_nonnull(strstr(why, "did you mean 'chamber.pressure'"));
}
END_TEST

START_TEST(test_times_are_exact)
{
        inject("stuck-open:nb.valve@1234567us+1s");
        sim_write(sim, T_FLOW_SP, 70);
        run_s(60);
        double whole = nb().delivered_umol;
        struct sim_config config = {.seed = 3, .ready = true};

        ck_assert_double_ge(whole, 0.4);
        sim_free(sim);
        sim = sim_new(&tool, &config);
        inject("stuck-open:nb.valve@1234567us+1s");
        sim_write(sim, T_FLOW_SP, 70);
        for (int i = 0; i < 6000; i++)
                run_s(0.01);
        ck_assert_double_eq_tol(nb().delivered_umol / whole, 1, 2e-3);
}
END_TEST

int main(void)
{
        Suite *s = suite_create("sim_fault");
        TCase *c = tcase_create("faults");

        tcase_add_checked_fixture(c, setup, teardown);
        tcase_set_timeout(c, 60);
        tcase_add_test(c, test_grammar);
        tcase_add_loop_test(c, test_refusals, 0, sizeof refused / sizeof refused[0]);
        tcase_add_test(c, test_refusal_of_length);
        tcase_add_test(c, test_help);
        tcase_add_test(c, test_stuck_valves);
        tcase_add_test(c, test_frozen_and_its_times);
        tcase_add_test(c, test_nan_drift_reads);
        tcase_add_test(c, test_deaf);
        tcase_add_test(c, test_flow_stuck);
        tcase_add_test(c, test_bottle_empty);
        tcase_add_test(c, test_motor_stall);
        tcase_add_test(c, test_heaters);
        tcase_add_test(c, test_pump_leak_clog);
        tcase_add_test(c, test_lid);
        tcase_add_test(c, test_emo);
        tcase_add_test(c, test_wire);
        tcase_add_test(c, test_absent);
        tcase_add_test(c, test_times_are_exact);
        suite_add_tcase(s, c);
        return suite_main(s);
}
