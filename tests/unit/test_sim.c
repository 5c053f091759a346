/* The simulated tool: physics against closed forms and the numbers of PROCESS.md. */
#include "ald/base/time.h" /* TIME_S, TIME_MS */
#include "ald/sim/dose.h"  /* dose_deliver */
#include "ald/sim/gas.h"   /* gas_step */
#include "ald/sim/lag.h"   /* lag_step */
#include "ald/sim/noise.h" /* noise_normal */
#include "ald/sim/sim.h"   /* sim_new */

#include "unit/suite.h"
#include "unit/sim_tool.h" /* sim_tool_make */

#include <check.h> /* START_TEST */
#include <math.h>  /* exp, fabs */

static struct tool tool;
static struct sim *sim;

static void begin(bool ready, double powder_m2)
{
        struct sim_config config = {.seed = 7, .ready = ready, .powder_m2 = powder_m2};

        sim = sim_new(&tool, &config);
        ck_assert_ptr_nonnull(sim);
}

static void setup(void)
{
        sim_tool_make(&tool);
        sim = NULL;
}

static void teardown(void)
{
        sim_free(sim);
}

static void run_s(double seconds)
{
        sim_advance(sim, sim_time_us(sim) + (int64_t)(seconds * 1e6 + 0.5));
}

static void pulse(int tag, double seconds)
{
        sim_write(sim, tag, 1);
        run_s(seconds);
        sim_write(sim, tag, 0);
}

static struct sim_line line_now(int line)
{
        struct sim_line l;

        sim_get_line(sim, line, &l);
        return l;
}

/* ---- The gas balance. ---- */

START_TEST(test_gas_steady)
{
        struct gas gas = {.volume_litre = 0.5, .inflow_sccm = 10, .viscous_sccm_torr2 = 13.2};

        ck_assert_double_eq_tol(gas_steady_torr(&gas), sqrt(10 / 13.2), 1e-12);
        ck_assert_double_eq_tol(gas_step(&gas, 3, 3600), sqrt(10 / 13.2), 1e-9);
        gas.inflow_sccm = 70;
        ck_assert_double_eq_tol(gas_step(&gas, 0, 3600), sqrt(70 / 13.2), 1e-9);
}
END_TEST

/* A small disturbance fades with V / (2 k P), the slope of k P^2. */
START_TEST(test_gas_time_constant)
{
        struct gas gas = {.volume_litre = 0.5, .inflow_sccm = 70, .viscous_sccm_torr2 = 13.2};
        double steady = gas_steady_torr(&gas);
        double tau_s = 0.5 / (GAS_TORR_L_S_PER_SCCM * 2 * 13.2 * steady);

        ck_assert_double_eq_tol(tau_s, 0.65, 0.01); /* PROCESS.md: first purge constant of a real log */
        ck_assert_double_eq_tol(
            (gas_step(&gas, steady * 1.0001, tau_s) - steady) / (steady * 1e-4), exp(-1), 1e-4);
}
END_TEST

START_TEST(test_gas_pump_down)
{
        struct gas gas = {.volume_litre = 0.5, .viscous_sccm_torr2 = 13.2};
        double a = GAS_TORR_L_S_PER_SCCM * 13.2 / 0.5;

        ck_assert_double_eq_tol(gas_step(&gas, 760, 10), 760 / (1 + a * 760 * 10), 1e-9);
        ck_assert_double_eq(gas_step(&gas, 0, 10), 0);
}
END_TEST

START_TEST(test_gas_closed)
{
        struct gas gas = {.volume_litre = 0.5, .inflow_sccm = 10};

        ck_assert_double_eq_tol(gas_step(&gas, 0.87, 2), 0.87 + 2 * 10 * GAS_TORR_L_S_PER_SCCM / 0.5, 1e-12);
        ck_assert(isinf(gas_steady_torr(&gas)));
        gas.inflow_sccm = 760;
        gas.linear_sccm_torr = 1;
        ck_assert_double_eq_tol(gas_step(&gas, 0, 1e6), 760, 1e-9);
}
END_TEST

/* With the vent open and the pump running both terms act; the steady state solves Q = b P + k P^2. */
START_TEST(test_gas_vent_against_pump)
{
        struct gas gas = {
            .volume_litre = 0.5, .inflow_sccm = 1500, .linear_sccm_torr = 2, .viscous_sccm_torr2 = 13.2};
        double p = gas_steady_torr(&gas);

        ck_assert_double_eq_tol(2 * p + 13.2 * p * p, 1500, 1e-9);
        ck_assert_double_eq_tol(gas_step(&gas, 0, 1000), p, 1e-9);
        /* One step or many: the same. */
        double q = 0;

        for (int i = 0; i < 100; i++)
                q = gas_step(&gas, q, 1e-4);
        ck_assert_double_eq_tol(q, gas_step(&gas, 0, 1e-2), 1e-9);
}
END_TEST

/* ---- Lags. ---- */

START_TEST(test_lag)
{
        double mean, x = 0;

        ck_assert_double_eq_tol(lag_step(0, 10, 2, 0, 2, &mean), 10 * (1 - exp(-1)), 1e-12);
        ck_assert_double_eq_tol(mean, 10 - 10 * (1 - exp(-1)), 1e-12);
        /* Straight at 2/s until 2 x 0.5 is left, then exponential. */
        ck_assert_double_eq_tol(lag_step(0, 3, 0.5, 2, 0.5, &mean), 1, 1e-12);
        ck_assert_double_eq_tol(mean, 0.5, 1e-12);
        ck_assert_double_eq_tol(lag_step(0, 3, 0.5, 2, 1.5, NULL), 3 - exp(-1), 1e-12);
        ck_assert_double_eq_tol(lag_step(3, 0, 0.5, 2, 1.5, NULL), exp(-1), 1e-12);
        for (int i = 0; i < 1500; i++)
                x = lag_step(x, 3, 0.5, 2, 0.001, NULL);
        ck_assert_double_eq_tol(x, 3 - exp(-1), 1e-9);
        ck_assert_double_eq(lag_step(0, 3, 0.5, 2, 100, NULL), 3); /* it comes to rest */
}
END_TEST

START_TEST(test_heater_heats_and_only_loses)
{
        struct lag_heater h = {.tau_s = 20, .rate_max = 1.0 / 3, .cool_tau_s = 1800, .ambient = 22};

        ck_assert_double_eq_tol(lag_heat(&h, 22, 175, 60), 42, 1e-9);
        ck_assert_double_eq(lag_heat(&h, 22, 175, 3600), 175);
        ck_assert_double_eq_tol(lag_heat(&h, 175, 0, 1800), 22 + 153 * exp(-1), 1e-9);
        ck_assert_double_eq(lag_heat(&h, 175, 174, 3600), 174); /* held there */
        ck_assert_double_eq_tol(lag_heat(&h, 175, 0, 1e6), 22, 1e-6);
}
END_TEST

/* ---- Steady states of the whole tool. ---- */

START_TEST(test_base_pressures)
{
        begin(true, 0);
        ck_assert_double_eq_tol(sim_pressure_torr(sim), 0.870, 0.001);
        run_s(600);
        ck_assert_double_eq_tol(sim_pressure_torr(sim), sqrt(10 / 13.2), 1e-9);
        sim_write(sim, T_FLOW_SP, 70);
        run_s(60);
        ck_assert_double_eq_tol(sim_pressure_torr(sim), 2.303, 0.001);
        ck_assert_double_eq_tol(sim_read(sim, T_FLOW), 70, 0.2);
}
END_TEST

START_TEST(test_ready_state)
{
        begin(true, 0);
        run_s(1);
        ck_assert_double_eq_tol(sim_read(sim, T_CHAMBER), 175, 0.2);
        ck_assert_double_eq_tol(sim_read(sim, T_SOURCE), 110, 0.2);
        ck_assert_double_eq_tol(sim_read(sim, T_LINE), 130, 0.2);
        ck_assert_double_eq(sim_read(sim, T_RUNNING), 1);
        ck_assert_double_eq(sim_read(sim, T_ATMOSPHERE), 0);
        ck_assert_double_eq(sim_read(sim, T_LID), 1);
        ck_assert_double_eq(sim_read(sim, T_EMO), 1);
        ck_assert_double_eq(sim_read(sim, T_OVER), 0);
        ck_assert_double_eq(sim_read(sim, T_BED), 0);
        ck_assert_double_eq(sim_read(sim, T_EXHAUST), 1);
        /* The abort image of a start-up takes the power away; inertia keeps a run's temperatures near. */
        sim_write(sim, T_CHAMBER_SP, 0);
        sim_write(sim, T_SOURCE_SP, 0);
        run_s(30);
        ck_assert_double_ge(sim_read(sim, T_CHAMBER), 172);
        ck_assert_double_ge(sim_read(sim, T_SOURCE), 107.5);
        ck_assert_double_le(sim_read(sim, T_SOURCE), 109);
}
END_TEST

START_TEST(test_cold_state_and_pump_down)
{
        begin(false, 0);
        run_s(1);
        ck_assert_double_eq(sim_read(sim, T_ATMOSPHERE), 1);
        ck_assert_double_eq(sim_read(sim, T_RUNNING), 0);
        ck_assert_double_eq_tol(sim_read(sim, T_CHAMBER), 22, 0.2);
        sim_write(sim, T_PUMP, 1);
        run_s(1);
        ck_assert_double_eq(sim_read(sim, T_RUNNING), 0); /* not yet: 1 - exp(-1/2) of its speed */
        run_s(59);
        ck_assert_double_eq(sim_read(sim, T_RUNNING), 1);
        ck_assert_double_eq(sim_read(sim, T_ATMOSPHERE), 0);
        ck_assert_double_eq_tol(sim_pressure_torr(sim), sqrt(10 / 13.2), 1e-4);
}
END_TEST

START_TEST(test_closed_exhaust_and_stopped_pump)
{
        double rise = 10 * GAS_TORR_L_S_PER_SCCM / 0.5; /* Torr/s */

        begin(true, 0);
        sim_write(sim, T_EXHAUST, 0);
        run_s(4);
        ck_assert_double_eq_tol(sim_pressure_torr(sim), sqrt(10 / 13.2) + 4 * rise, 1e-6);
        sim_write(sim, T_EXHAUST, 1);
        run_s(60);
        ck_assert_double_eq_tol(sim_pressure_torr(sim), sqrt(10 / 13.2), 1e-6);
        sim_write(sim, T_PUMP, 0);
        run_s(100); /* fifty time constants of the pump */
        double p = sim_pressure_torr(sim);

        run_s(10);
        ck_assert_double_eq_tol(sim_pressure_torr(sim) - p, 10 * rise, 1e-3);
        ck_assert_double_eq(sim_read(sim, T_RUNNING), 0);
}
END_TEST

START_TEST(test_vent)
{
        begin(true, 0);
        sim_write(sim, T_FLOW_SP, 0);
        sim_write(sim, T_EXHAUST, 0);
        sim_write(sim, T_VENT, 1);
        run_s(20);
        ck_assert_double_eq_tol(sim_pressure_torr(sim), 760 * (1 - exp(-1)), 5);
        ck_assert_double_eq(sim_read(sim, T_ATMOSPHERE), 0);
        run_s(200);
        ck_assert_double_eq(sim_read(sim, T_ATMOSPHERE), 1);
        ck_assert_double_le(sim_pressure_torr(sim), 761);
}
END_TEST

START_TEST(test_motor)
{
        begin(true, 0);
        sim_write(sim, T_BED_SP, 3);
        run_s(0.5);
        ck_assert_double_eq_tol(sim_read(sim, T_BED), 1, 0.02); /* 2 rpm/s */
        run_s(10);
        ck_assert_double_eq_tol(sim_read(sim, T_BED), 3, 0.05);
}
END_TEST

/* ---- Doses. ---- */

START_TEST(test_vapour_pressures)
{
        ck_assert_double_eq_tol(dose_vapour_torr(&tool.sim.line[N_NB], 90) * 1e3, 6.6, 0.1);
        ck_assert_double_eq_tol(dose_vapour_torr(&tool.sim.line[N_NB], 100) * 1e3, 14, 0.2);
        ck_assert_double_eq_tol(dose_vapour_torr(&tool.sim.line[N_NB], 110) * 1e3, 28, 0.2);
        ck_assert_double_eq_tol(dose_vapour_torr(&tool.sim.line[N_NB], 120) * 1e3, 54, 0.7);
        ck_assert_double_eq_tol(dose_vapour_torr(&tool.sim.line[N_WATER], 20), 17.5, 0.1);
        ck_assert_double_eq_tol(dose_vapour_torr(&tool.sim.line[N_WATER], 25), 23.7, 0.1);
}
END_TEST

START_TEST(test_through_formula)
{
        struct dose dose = {0};
        struct dose_at at = {.h_s = 1,
            .clear_part = 1,
            .is_open = true,
            .source_degc = 110,
            .chamber_torr = 2.3,
            .chamber_litre = 0.5,
            .carrier_sccm = 70};
        struct tool_sim_line *line = &tool.sim.line[N_NB];

        ck_assert_double_eq_tol(dose_deliver(&dose, line, &at).vapour_sccm, 0.86, 0.005);
        line->pickup = 0.5;
        ck_assert_double_eq_tol(dose_deliver(&dose, line, &at).vapour_sccm, 0.43, 0.005);
        line->bottle_flow_sccm = 7;
        ck_assert_double_eq_tol(dose_deliver(&dose, line, &at).vapour_sccm, 0.043, 0.0005);
        at.is_open = false;
        ck_assert_double_eq(dose_deliver(&dose, line, &at).vapour_sccm, 0);
}
END_TEST

/* PROCESS.md, dose adequacy: 0.64 umol of niobium in 1 s, visible as about half a per cent of 2.3 Torr. */
START_TEST(test_niobium_pulse)
{
        begin(true, 0);
        sim_write(sim, T_FLOW_SP, 70);
        run_s(60);
        double before = sim_pressure_torr(sim);

        pulse(T_NB, 1);
        ck_assert_double_eq_tol(line_now(N_NB).delivered_umol, 0.64, 0.01);
        double rise = sim_pressure_torr(sim) / before - 1;

        ck_assert_double_ge(rise, 0.003);
        ck_assert_double_le(rise, 0.012);
        run_s(20);
        ck_assert_double_eq_tol(line_now(N_NB).delivered_umol, 0.64, 0.01); /* and no more after it */
        ck_assert_double_eq_tol(sim_pressure_torr(sim), before, 5e-4);
}
END_TEST

START_TEST(test_water_pulse)
{
        begin(true, 0);
        sim_write(sim, T_FLOW_SP, 70);
        run_s(60);
        double before = sim_pressure_torr(sim);

        pulse(T_WATER, 0.1);
        double peak = sim_pressure_torr(sim);

        ck_assert_double_ge(peak, before * 1.1);
        ck_assert_double_le(peak, 5); /* the over-pressure trip of the reference tool */
        ck_assert_double_ge(line_now(N_WATER).delivered_umol, 5);
        run_s(20);
        ck_assert_double_eq_tol(sim_pressure_torr(sim), before, before * 0.01);
}
END_TEST

/* A draw into a large empty chamber gives all of the head space: 50 mL at 110 degC hold 0.059 umol. */
START_TEST(test_niobium_draw)
{
        tool.sim.line[N_NB].delivery = TOOL_DELIVERY_DRAW;
        tool.sim.line[N_NB].bottle_litre = 0.05;
        tool.sim.line[N_NB].conductance_sccm_torr = 50;
        tool.sim.volume_litre = 1000;
        begin(true, 0);
        sim_write(sim, T_FLOW_SP, 0);
        sim_write(sim, T_PUMP, 1);
        run_s(3e7); /* with k P^2 alone, vacuum takes its time */
        ck_assert_double_le(sim_pressure_torr(sim), 3e-4);
        pulse(T_NB, 5);
        ck_assert_double_eq_tol(line_now(N_NB).delivered_umol, 0.0586, 0.001);
        pulse(T_NB, 5); /* empty: nothing more */
        ck_assert_double_eq_tol(line_now(N_NB).delivered_umol, 0.0586, 0.001);
        run_s(20); /* refilled */
        pulse(T_NB, 5);
        ck_assert_double_eq_tol(line_now(N_NB).delivered_umol, 2 * 0.0586, 0.002);
}
END_TEST

/* 28 mTorr cannot draw into 2.3 Torr: carrier fills the bottle instead. */
START_TEST(test_draw_against_pressure)
{
        tool.sim.line[N_NB].delivery = TOOL_DELIVERY_DRAW;
        begin(true, 0);
        sim_write(sim, T_FLOW_SP, 70);
        run_s(60);
        pulse(T_NB, 1);
        ck_assert_double_eq(line_now(N_NB).delivered_umol, 0);
        /* That carrier pushes vapour out once the chamber is at a lower pressure. */
        sim_write(sim, T_FLOW_SP, 10);
        run_s(60);
        pulse(T_NB, 5);
        ck_assert_double_eq_tol(line_now(N_NB).delivered_umol, 0.0586 * (1 - 0.870 / 2.33), 0.002);
}
END_TEST

START_TEST(test_purge_tails)
{
        begin(true, 0);
        sim_write(sim, T_FLOW_SP, 70);
        run_s(60);
        pulse(T_WATER, 0.02);
        double peak = line_now(N_WATER).residue_umol;

        run_s(20);
        double left = line_now(N_WATER).residue_umol / peak;

        /* A1 e^(-20/0.65) + A2 e^(-20/15), A2/A1 = 0.1. */
        ck_assert_double_eq_tol(left, 0.1 / 1.1 * exp(-20.0 / 15), 0.002);
        run_s(15);
        ck_assert_double_eq_tol(line_now(N_WATER).residue_umol / peak, left * exp(-1), 1e-4);
        run_s(3600);
        ck_assert_double_eq(line_now(N_WATER).residue_umol, 0);
}
END_TEST

/* ---- The powder. ---- */

START_TEST(test_supply_limited_uptake)
{
        begin(true, 10); /* 10.4 umol of sites: far more than a pulse brings */
        sim_write(sim, T_FLOW_SP, 70);
        run_s(60);
        pulse(T_NB, 1);
        run_s(60);
        struct sim_line nb = line_now(N_NB);

        ck_assert_double_ge(nb.adsorbed_umol, 0.98 * nb.delivered_umol);
        ck_assert_double_le(nb.adsorbed_umol, nb.delivered_umol);
        ck_assert_double_eq_tol(nb.coverage, nb.adsorbed_umol / nb.sites_umol, 1e-9);
        ck_assert_double_eq_tol(nb.released_umol, nb.adsorbed_umol, 1e-12);
}
END_TEST

/* What a bed takes of the niobium it gives back as ethanol, one for one: steady pressure proves no saturation. */
START_TEST(test_ligands_keep_the_pressure)
{
        double rise[3];

        for (int i = 0; i < 3; i++) {
                tool.sim.line[N_NB].released = i == 2 ? 0 : 1;
                begin(true, i == 0 ? 0 : 10);
                sim_write(sim, T_FLOW_SP, 70);
                run_s(60);
                rise[i] = -sim_pressure_torr(sim);
                pulse(T_NB, 1);
                rise[i] += sim_pressure_torr(sim);
                sim_free(sim);
                sim = NULL;
        }
        ck_assert_double_eq_tol(rise[1] / rise[0], 1, 0.02);
        ck_assert_double_le(rise[2], 0.05 * rise[0]);
}
END_TEST

START_TEST(test_saturation_and_exchange)
{
        tool.sim.line[N_NB].tail_part = tool.sim.line[N_WATER].tail_part = 0; /* purges leave nothing */
        begin(true, 0.1); /* 0.104 umol of sites: a sixth of a pulse */
        sim_write(sim, T_FLOW_SP, 70);
        run_s(60);
        for (int cycle = 1; cycle <= 3; cycle++) {
                pulse(T_NB, 1);
                run_s(20);
                ck_assert_double_ge(line_now(N_NB).coverage, 0.95);
                ck_assert_double_le(line_now(N_NB).coverage + line_now(N_WATER).coverage, 1 + 1e-12);
                ck_assert_double_le(line_now(N_NB).adsorbed_umol, cycle * 0.104 + 1e-9);
                pulse(T_WATER, 0.1);
                run_s(20);
                ck_assert_double_ge(line_now(N_WATER).coverage, 0.95);
                ck_assert_double_le(line_now(N_NB).coverage, 0.05);
        }
        ck_assert_double_ge(line_now(N_NB).adsorbed_umol, 3 * 0.95 * 0.104);
        ck_assert_double_eq_tol(line_now(N_WATER).released_umol, 1.6 * line_now(N_WATER).adsorbed_umol, 1e-9);
}
END_TEST

/* With a slow tail, water that outlasts the purge takes part of the next half-cycle back: the reason why the purge
 * residue is reported. */
START_TEST(test_residue_reacts)
{
        begin(true, 0.1);
        sim_write(sim, T_FLOW_SP, 70);
        run_s(60);
        pulse(T_WATER, 0.1);
        run_s(5);
        pulse(T_NB, 1);
        double covered = line_now(N_NB).coverage;

        run_s(20);
        ck_assert_double_ge(covered, 0.3);
        ck_assert_double_le(line_now(N_NB).coverage, covered / 2);
}
END_TEST

/* ---- Numbers. ---- */

static void scenario(void)
{
        sim_write(sim, T_FLOW_SP, 70);
        sim_write(sim, T_BED_SP, 3);
}

/* The same hour of valve edges, with time cut into pieces of `piece_us`. */
static void run_in_pieces(int64_t span_us, int64_t piece_us)
{
        int64_t end_us = sim_time_us(sim) + span_us;

        while (sim_time_us(sim) < end_us)
                sim_advance(sim, time_min(end_us, sim_time_us(sim) + piece_us));
}

struct outcome {
        double pressure, peak, nb, water, coverage;
};

static struct outcome outcome_of(int64_t piece_us)
{
        struct outcome o;

        begin(true, 1);
        scenario();
        run_in_pieces(3 * TIME_S, piece_us);
        sim_write(sim, T_NB, 1);
        run_in_pieces(TIME_S, piece_us);
        sim_write(sim, T_NB, 0);
        run_in_pieces(5 * TIME_S, piece_us);
        sim_write(sim, T_WATER, 1);
        run_in_pieces(100 * TIME_MS, piece_us);
        sim_write(sim, T_WATER, 0);
        o.peak = sim_pressure_torr(sim);
        run_in_pieces(2 * TIME_S, piece_us);
        o.pressure = sim_pressure_torr(sim);
        o.nb = line_now(N_NB).adsorbed_umol;
        o.water = line_now(N_WATER).delivered_umol;
        o.coverage = line_now(N_WATER).coverage;
        sim_free(sim);
        sim = NULL;
        return o;
}

START_TEST(test_steps_do_not_matter)
{
        struct outcome fine = outcome_of(TIME_MS), coarse = outcome_of(TIME_S),
                       odd = outcome_of(37 * TIME_MS);

        ck_assert_double_eq_tol(coarse.peak / fine.peak, 1, 1e-3);
        ck_assert_double_eq_tol(coarse.pressure / fine.pressure, 1, 1e-4);
        ck_assert_double_eq_tol(coarse.nb / fine.nb, 1, 3e-3);
        ck_assert_double_eq_tol(coarse.water / fine.water, 1, 1e-3);
        ck_assert_double_eq_tol(coarse.coverage, fine.coverage, 3e-3);
        ck_assert_double_eq_tol(odd.peak / fine.peak, 1, 1e-3);
        ck_assert_double_eq_tol(odd.nb / fine.nb, 1, 2e-3);
}
END_TEST

START_TEST(test_noise)
{
        double sum = 0, square = 0;
        int n = 20000;

        for (int i = 0; i < n; i++) {
                double x = noise_normal(7, 3, i);

                ck_assert(fabs(x) <= 6);
                sum += x;
                square += x * x;
        }
        ck_assert_double_eq_tol(sum / n, 0, 0.03);
        ck_assert_double_eq_tol(square / n, 1, 0.03);
        ck_assert_double_ne(noise_normal(7, 3, 1), noise_normal(8, 3, 1));
        ck_assert_double_ne(noise_normal(7, 3, 1), noise_normal(7, 4, 1));
        /* Fixed for all time and every compiler: it is integer arithmetic. */
        ck_assert_double_eq(noise_normal(7, 3, 1), noise_normal(7, 3, 1));
}
END_TEST

START_TEST(test_gauge_noise)
{
        double square = 0, p;

        begin(true, 0);
        run_s(10);
        p = sim_pressure_torr(sim);
        for (int i = 0; i < 2000; i++) {
                sim_advance(sim, sim_time_us(sim) + TIME_MS);
                square += pow(sim_read(sim, T_PRESSURE) / p - 1, 2);
        }
        ck_assert_double_eq_tol(sqrt(square / 2000), 0.002, 0.0002);
        ck_assert_double_eq(sim_read(sim, T_PRESSURE), sim_read(sim, T_PRESSURE));
}
END_TEST

START_TEST(test_same_seed_same_values)
{
        struct sim_config config = {.seed = 11, .ready = true, .powder_m2 = 0.4};
        struct sim *other = sim_new(&tool, &config);

        config.seed = 11;
        sim = sim_new(&tool, &config);
        for (int i = 1; i < 500; i++) {
                sim_advance(sim, i * 17 * TIME_MS);
                sim_advance(other, i * 17 * TIME_MS);
                sim_read(other, T_FLOW); /* reading changes nothing */
                sim_write(sim, T_NB, i % 50 < 10);
                sim_write(other, T_NB, i % 50 < 10);
                for (int tag = 0; tag < T_COUNT; tag++)
                        ck_assert(sim_read(sim, tag) == sim_read(other, tag));
        }
        sim_free(other);
        config.seed = 12;
        other = sim_new(&tool, &config);
        sim_advance(other, sim_time_us(sim));
        ck_assert_double_ne(sim_read(sim, T_CHAMBER), sim_read(other, T_CHAMBER));
        sim_free(other);
}
END_TEST

/* Random outputs for hours: every number stays finite, no pressure below nothing, no coverage beyond the whole. */
START_TEST(test_anything_goes)
{
        uint64_t state = (uint64_t)_i + 1;

        begin(_i % 2, 0.3);
        for (int i = 0; i < 4000; i++) {
                state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
                int tag = (int)((state >> 33) % T_COUNT);
                double part = (double)((state >> 40) & 0xff) / 255;
                double total = 0;

                if (tool.tags[tag].is_output)
                        sim_write(
                            sim, tag, tool.tags[tag].is_bit ? part > 0.5 : part * tool.tags[tag].limit_max);
                sim_advance(sim, sim_time_us(sim) + (int64_t)((state >> 20) % (5 * TIME_S)));
                for (int t = 0; t < T_COUNT; t++)
                        ck_assert(isfinite(sim_read(sim, t)));
                ck_assert_double_ge(sim_pressure_torr(sim), 0);
                ck_assert_double_le(sim_pressure_torr(sim), 800);
                for (int l = 0; l < N_COUNT; l++) {
                        struct sim_line line = line_now(l);

                        ck_assert_double_ge(line.residue_umol, 0);
                        ck_assert_double_ge(line.coverage, 0);
                        ck_assert_double_le(line.adsorbed_umol, line.delivered_umol + 1e-9);
                        total += line.coverage;
                }
                ck_assert_double_le(total, 1 + 1e-9);
        }
}
END_TEST

/* Tags may use any unit of their dimension. */
START_TEST(test_units_of_tags)
{
        tool.tags[T_PRESSURE].unit = unit_find("mTorr");
        tool.tags[T_CHAMBER].unit = unit_find("degF");
        begin(true, 0);
        ck_assert_double_eq_tol(sim_read(sim, T_PRESSURE), 870, 10);
        ck_assert_double_eq_tol(sim_read(sim, T_CHAMBER), 347, 0.5);
}
END_TEST

START_TEST(test_device_safe)
{
        begin(true, 0);
        sim_write(sim, T_NB, 1);
        sim_write(sim, T_EXHAUST, 0);
        sim_write(sim, T_BED_SP, 3);
        sim_device_safe(sim, D_VALVES);
        ck_assert_double_eq(sim_read(sim, T_NB), 0);
        ck_assert_double_eq(sim_read(sim, T_EXHAUST), 1);
        ck_assert_double_eq(sim_read(sim, T_BED_SP), 3); /* another device */
        ck_assert(!line_now(N_NB).is_open);
}
END_TEST

int main(void)
{
        Suite *s = suite_create("sim");
        TCase *c = tcase_create("physics");

        tcase_add_checked_fixture(c, setup, teardown);
        tcase_set_timeout(c, 60);
        tcase_add_test(c, test_gas_steady);
        tcase_add_test(c, test_gas_time_constant);
        tcase_add_test(c, test_gas_pump_down);
        tcase_add_test(c, test_gas_closed);
        tcase_add_test(c, test_gas_vent_against_pump);
        tcase_add_test(c, test_lag);
        tcase_add_test(c, test_heater_heats_and_only_loses);
        tcase_add_test(c, test_base_pressures);
        tcase_add_test(c, test_ready_state);
        tcase_add_test(c, test_cold_state_and_pump_down);
        tcase_add_test(c, test_closed_exhaust_and_stopped_pump);
        tcase_add_test(c, test_vent);
        tcase_add_test(c, test_motor);
        tcase_add_test(c, test_vapour_pressures);
        tcase_add_test(c, test_through_formula);
        tcase_add_test(c, test_niobium_pulse);
        tcase_add_test(c, test_water_pulse);
        tcase_add_test(c, test_niobium_draw);
        tcase_add_test(c, test_draw_against_pressure);
        tcase_add_test(c, test_purge_tails);
        tcase_add_test(c, test_supply_limited_uptake);
        tcase_add_test(c, test_ligands_keep_the_pressure);
        tcase_add_test(c, test_saturation_and_exchange);
        tcase_add_test(c, test_residue_reacts);
        tcase_add_test(c, test_steps_do_not_matter);
        tcase_add_test(c, test_noise);
        tcase_add_test(c, test_gauge_noise);
        tcase_add_test(c, test_same_seed_same_values);
        tcase_add_loop_test(c, test_anything_goes, 0, 6);
        tcase_add_test(c, test_units_of_tags);
        tcase_add_test(c, test_device_safe);
        suite_add_tcase(s, c);
        return suite_main(s);
}
