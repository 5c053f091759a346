/* A tag's value in a few letters, with the sign of its quality, and against its set-point. */
#include "ald/app/top_draw.h" /* own declarations */

#include "ald/app/aldctl_show.h" /* show_get_text */
#include "ald/base/text.h"       /* text_add_number */

#include <math.h>   /* fabs, isnan */
#include <string.h> /* strcmp */

double top_draw_number(const struct top_model *m, const char *tag, const char *key)
{
        return show_get_number(top_model_tag(m, tag), key, NAN);
}

enum top_style top_draw_value(struct text *t, const struct top_model *m, const char *tag, int decimals)
{
        const char *quality = show_get_text(top_model_tag(m, tag), "quality");
        double value = top_draw_number(m, tag, "value");

        if (isnan(value))
                text_add(t, "-");
        else if (decimals >= 0)
                text_add(t, "%.*f", decimals, value);
        else if (fabs(value) < 0.1)
                text_add_number(t, value, 3);
        else /* always as many digits: a number that changes its width cannot be read */
                text_add(t, "%.*f",
                    fabs(value) < 1     ? 4
                    : fabs(value) < 10  ? 3
                    : fabs(value) < 100 ? 2
                                        : 1,
                    value);
        if (strcmp(quality, "Bad") == 0) {
                text_add(t, " !");
                return TOP_ALARM;
        }
        if (top_model_is_stale(m) || strcmp(quality, "Good") != 0) {
                text_add(t, " ?");
                return TOP_WARN;
        }
        return TOP_PLAIN;
}

/* "104.2 < 110 degC": a value against its set-point. */
enum top_style top_draw_loop(struct text *t, const struct top_model *m, const json_t *e, bool with_unit)
{
        const char *setpoint = show_get_text(e, "setpoint"), *value = show_get_text(e, "value");
        bool is_motor = strcmp(show_get_text(e, "kind"), "motor") == 0;
        enum top_style style = top_draw_value(t, m, value, is_motor ? 2 : 1);
        double wanted = top_draw_number(m, setpoint, "commanded"), is = top_draw_number(m, value, "value"),
               within;

        wanted = isnan(wanted) ? top_draw_number(m, setpoint, "value") : wanted;
        within = show_get_number(e, "tolerance", fabs(wanted) * 0.02);
        if (strcmp(show_get_text(e, "kind"), "heater") == 0 && wanted <= 0) {
                text_add(t, " %s off", with_unit ? show_get_text(e, "unit") : "");
                return style;
        }
        if (!isnan(wanted)) {
                text_add(t, " %s ", is < wanted - within ? "<" : is > wanted + within ? ">" : "=");
                text_add_number(t, wanted, 4);
                if (style == TOP_PLAIN && fabs(is - wanted) > within)
                        style = TOP_BOLD;
        }
        if (with_unit)
                text_add(t, " %s", show_get_text(e, "unit"));
        return style;
}
