#include "ald/sim/gas.h"

#include <assert.h> /* assert */
#include <math.h>   /* exp, tanh, sqrt, INFINITY */

/* Below this the viscous term moves nothing that a double can hold beside the others. */
static const double viscous_least = 1e-9;

static double linear_step(const struct gas *gas, double rate, double p_torr, double h_s)
{
        double steady;

        if (gas->linear_sccm_torr <= 0)
                return p_torr + rate * gas->inflow_sccm * h_s;
        steady = gas->inflow_sccm / gas->linear_sccm_torr;
        return steady + (p_torr - steady) * exp(-rate * gas->linear_sccm_torr * h_s);
}

double gas_step(const struct gas *gas, double p_torr, double h_s)
{
        double rate = GAS_TORR_L_S_PER_SCCM / gas->volume_litre; /* Torr/s for each sccm */
        double k = gas->viscous_sccm_torr2;
        double shift, inflow, steady, y, turn;

        assert(p_torr >= 0 && h_s >= 0);
        assert(gas->inflow_sccm >= 0 && gas->linear_sccm_torr >= 0);
        if (k < viscous_least)
                return linear_step(gas, rate, p_torr, h_s);
        /* Completing the square leaves a Riccati equation, y' = rate k (steady^2 - y^2), whose solution is the
         * addition formula of tanh. */
        shift = gas->linear_sccm_torr / (2 * k);
        inflow = gas->inflow_sccm + k * shift * shift;
        steady = sqrt(inflow / k);
        y = p_torr + shift;
        turn = tanh(rate * k * steady * h_s);
        if (turn < 1e-8)
                y = (y + rate * inflow * h_s) / (1 + rate * k * y * h_s);
        else
                y = steady * (y + steady * turn) / (steady + y * turn);
        return y > shift ? y - shift : 0;
}

double gas_steady_torr(const struct gas *gas)
{
        double k = gas->viscous_sccm_torr2;
        double shift;

        if (k >= viscous_least) {
                shift = gas->linear_sccm_torr / (2 * k);
                return sqrt(gas->inflow_sccm / k + shift * shift) - shift;
        }
        if (gas->linear_sccm_torr > 0)
                return gas->inflow_sccm / gas->linear_sccm_torr;
        return gas->inflow_sccm > 0 ? INFINITY : 0;
}
