#include "ald/sim/lag.h"

#include <assert.h> /* assert */
#include <math.h>   /* exp, fabs */
#include <stddef.h> /* NULL */

/* Nearer than this, relative, the target counts as reached: the state comes to rest and costs nothing more. */
static const double rest = 1e-9;

static double settle(double x, double target)
{
        return fabs(target - x) <= rest * (1 + fabs(target)) ? target : x;
}

double lag_step(double x, double target, double tau_s, double rate_max, double h_s, double *mean)
{
        double lag = tau_s > 0 ? tau_s : 0;
        double error = target - x;
        double area = 0; /* integral of the value over the step */
        double left_s = h_s;

        assert(h_s >= 0 && rate_max >= 0);
        if (rate_max > 0 && fabs(error) > rate_max * lag) {
                /* Straight at the greatest rate, until the lag alone would be slower. */
                double straight_s = fabs(error) / rate_max - lag;
                double s = straight_s < left_s ? straight_s : left_s;
                double moved = error > 0 ? rate_max * s : -rate_max * s;

                area = (x + moved / 2) * s;
                x += moved;
                error = target - x;
                left_s -= s;
        }
        if (left_s > 0 || h_s <= 0) {
                double after = lag > 0 ? error * exp(-left_s / lag) : 0;

                area += target * left_s - (error - after) * lag;
                x = target - after;
        }
        if (mean != NULL)
                *mean = h_s > 0 ? area / h_s : x;
        return settle(x, target);
}

double lag_heat(const struct lag_heater *heater, double x, double target, double h_s)
{
        double cooled;

        assert(heater->cool_tau_s > 0 && h_s >= 0);
        if (target >= x)
                return lag_step(x, target, heater->tau_s, heater->rate_max, h_s, NULL);
        cooled = heater->ambient + (x - heater->ambient) * exp(-h_s / heater->cool_tau_s);
        if (cooled < target && x > target)
                return target;
        return settle(cooled, heater->ambient);
}
