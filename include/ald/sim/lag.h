/* Things that follow a set-point: first-order lag with a greatest rate, and heaters, which can only heat. Exact for
 * any step, so that the result does not depend on how time is cut. */
#ifndef ALD_SIM_LAG_H
#define ALD_SIM_LAG_H

/* `x` after h_s seconds on its way to `target`: time constant tau_s (<= 0: none), at most rate_max a second in either
 * direction (0 = no limit). *mean (may be NULL) gets its average over the step. Reaches `target` exactly in the end. */
double lag_step(double x, double target, double tau_s, double rate_max, double h_s, double *mean);

struct lag_heater {
        double tau_s;      /* lag when heating */
        double rate_max;   /* K/s when heating, 0 = no limit */
        double cool_tau_s; /* thermal inertia: time constant towards ambient without power, > 0 */
        double ambient;    /* degC */
};

/* A zone at x degC: heats towards a warmer target, cools by its losses alone towards a colder one and stays there. */
double lag_heat(const struct lag_heater *heater, double x, double target, double h_s);

#endif
