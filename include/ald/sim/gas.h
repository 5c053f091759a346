/* The gas balance of the chamber, V dP/dt = Q - b P - k P^2, solved exactly for a constant inflow over one step, so
 * that the result does not depend on how time is cut and pressure cannot become negative.
 *
 * Why k P^2: the exhaust filter of a rotary bed flows viscously (PROCESS.md, section 3: 870 mTorr at 10 sccm and
 * 2.30 Torr at 70 sccm with k = 13.2 sccm/Torr^2). */
#ifndef ALD_SIM_GAS_H
#define ALD_SIM_GAS_H

/* 1 sccm as Torr L/s at 273.15 K: 760 Torr x 1 cm3 a minute (PROCESS.md: 0.01267). */
#define GAS_TORR_L_S_PER_SCCM (760.0 / 60000.0)
/* 1 sccm as umol/s: 22414 cm3 a mole at 273.15 K and 1 atm. */
#define GAS_UMOL_S_PER_SCCM (1e6 / (22413.97 * 60.0))

struct gas {
        double volume_litre; /* > 0 */
        double inflow_sccm;  /* >= 0: everything that enters, whatever the pressure */
        double
            linear_sccm_torr; /* b >= 0: flow that grows with the pressure (the vent valve, back to the air) */
        double viscous_sccm_torr2; /* k >= 0: the exhaust; 0 = closed */
};

/* The pressure (Torr) after h_s >= 0 seconds from p_torr >= 0. */
double gas_step(const struct gas *gas, double p_torr, double h_s);

/* The pressure at which inflow and outflow agree; INFINITY when there is inflow and no way out. */
double gas_steady_torr(const struct gas *gas);

#endif
