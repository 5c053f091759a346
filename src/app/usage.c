#include "ald/app/usage.h"

#include "ald/base/unit.h" /* unit_convert, unit_base, unit_find */
#include "ald/sim/dose.h"  /* dose_deliver */
#include "ald/sim/gas.h"   /* GAS_UMOL_S_PER_SCCM */

#include <math.h> /* isfinite */

/* A Good value of a tag in `unit`; false: there is none. */
static bool read_tag(
    const struct tool *tool, const struct core *core, int tag, const char *unit, double *value)
{
        struct core_tag now;

        if (tag < 0)
                return false;
        core_get_tag(core, tag, &now);
        if (now.quality != QUALITY_GOOD)
                return false;
        *value = unit_convert(now.value, tool->tags[tag].unit, unit_find(unit));
        return true;
}

static bool read_loop(
    const struct tool *tool, const struct core *core, int loop, const char *unit, double *value)
{
        return loop >= 0 && read_tag(tool, core, tool->loops[loop].value, unit, value);
}

double usage_of_pulse_umol(const struct tool *tool, const struct core *core, const struct event_pulse *p)
{
        int line = tool_find_line_of_valve(tool, p->tag);
        struct dose dose = {0};
        struct dose_at at = {.is_open = true, .chamber_litre = tool->sim.volume_litre};
        struct tool_sim_line n;
        double umol;

        if (line < 0 || !tool_knows_delivery(tool, line) || p->open_sent_us == 0 ||
            p->close_sent_us <= p->open_sent_us)
                return 0;
        n = tool->sim.line[line];
        dose_complete(&n);
        at.h_s = (double)(p->close_sent_us - p->open_sent_us) * 1e-6;
        at.source_degc = n.bottle_degc;
        if ((tool->lines[line].source >= 0 &&
                !read_loop(tool, core, tool->lines[line].source, "degC", &at.source_degc)) ||
            !read_tag(tool, core, tool->gauge, "Torr", &at.chamber_torr))
                return 0;
        if (n.delivery == TOOL_DELIVERY_THROUGH &&
            !read_loop(tool, core, tool->carrier, "sccm", &at.carrier_sccm))
                return 0;
        if (at.chamber_torr < 0)
                at.chamber_torr = 0;
        dose_fill(&dose, &n, at.source_degc);
        umol = dose_deliver(&dose, &n, &at).vapour_sccm * GAS_UMOL_S_PER_SCCM * at.h_s;
        return isfinite(umol) && umol > 0 ? umol : 0;
}
