/* The schematic: what flows into the chamber on the left, the chamber, what leaves it on the right; then the other heaters. */
#include "ald/app/top_draw.h" /* own declarations */

#include "ald/app/aldctl_show.h" /* show_get_text */

#include <math.h>   /* fabs, isnan */
#include <string.h> /* strcmp */

enum { BOX_ROWS = 6, OPEN_SIGN = 0x25CF, CLOSED_SIGN = 0x25CB, THIN = 0x2500, THICK = 0x2501 };

/* Where things stand, in columns; a wide terminal gives names and numbers more room. */
struct plan {
        int name, value, valve, joint, box, box_width, right;
};

static struct plan make_plan(const struct top_canvas *c)
{
        int more = (c->columns - 80) / 5;
        struct plan p;

        more = more < 0 ? 0 : more > 8 ? 8 : more;
        p.name = 1;
        p.value = p.name + 8 + more;
        p.valve = p.value + 21 + more;
        p.joint = p.valve + 10;
        p.box = p.joint + 3;
        p.box_width = 21 + more;
        p.right = p.box + p.box_width;
        return p;
}

/* ---- Valves ---- */

enum valve { VALVE_CLOSED, VALVE_OPEN, VALVE_OPENS, VALVE_CLOSES, VALVE_UNKNOWN };

static enum valve look_at(const struct top_model *m, const char *tag)
{
        double is = top_draw_number(m, tag, "value"), wanted = top_draw_number(m, tag, "commanded");

        if (isnan(is) || strcmp(show_get_text(top_model_tag(m, tag), "quality"), "Bad") == 0)
                return VALVE_UNKNOWN;
        if (isnan(wanted) || (is > 0.5) == (wanted > 0.5))
                return is > 0.5 ? VALVE_OPEN : VALVE_CLOSED;
        return wanted > 0.5 ? VALVE_OPENS : VALVE_CLOSES;
}

static const struct {
        const char *word;
        uint32_t sign, pipe;
} valves[] = {[VALVE_CLOSED] = {"closed", CLOSED_SIGN, THIN},
    [VALVE_OPEN] = {"open", OPEN_SIGN, THICK},
    [VALVE_OPENS] = {"opens", OPEN_SIGN, THICK},
    [VALVE_CLOSES] = {"closes", CLOSED_SIGN, THIN},
    [VALVE_UNKNOWN] = {"unknown", '!', THIN}};

/* The valve's sign and word; the column behind. */
static int draw_valve(struct top_canvas *c, const struct top_model *m, const char *tag, int row, int column,
    enum top_style open_style)
{
        enum valve v = look_at(m, tag);
        enum top_style style = v == VALVE_UNKNOWN                    ? TOP_ALARM
                               : v == VALVE_OPEN || v == VALVE_OPENS ? open_style
                                                                     : TOP_PLAIN;

        top_canvas_fill(c, row, column, 1, style, valves[v].sign);
        return top_canvas_say(c, row, column + 2, 10, style, "%s%s", valves[v].word,
            v != VALVE_UNKNOWN && top_model_is_stale(m) ? "?" : "");
}

static bool is_flowing(const struct top_model *m, const char *tag)
{
        enum valve v = look_at(m, tag);

        return v == VALVE_OPEN || v == VALVE_OPENS;
}

/* ---- The left: what comes in ---- */

static const json_t *find_role(const struct top_model *m, const char *role)
{
        const json_t *e;

        for (int i = 0; (e = top_model_equipment(m, "valve", i)) != NULL; i++)
                if (strcmp(show_get_text(e, "role"), role) == 0)
                        return e;
        return NULL;
}

/* Flows, precursor lines, the vent. */
static const json_t *inlet(const struct top_model *m, int i)
{
        const json_t *e;

        for (int k = 0; (e = top_model_equipment(m, "flow", k)) != NULL; k++)
                if (i-- == 0)
                        return e;
        for (int k = 0; (e = top_model_equipment(m, "precursor", k)) != NULL; k++)
                if (i-- == 0)
                        return e;
        return i == 0 ? find_role(m, "vent") : NULL;
}

static int count_inlets(const struct top_model *m)
{
        int n = 0;

        while (inlet(m, n) != NULL)
                n++;
        return n;
}

static void draw_inlet(
    struct top_canvas *c, const struct top_model *m, const struct plan *p, const json_t *e, int row)
{
        const char *kind = show_get_text(e, "kind"), *valve = show_get_text(e, "valve");
        const json_t *shown =
            strcmp(kind, "precursor") == 0 ? top_model_named(m, show_get_text(e, "source")) : e;
        bool is_flow = strcmp(kind, "flow") == 0;
        bool flows =
            is_flow ? top_draw_number(m, show_get_text(e, "value"), "value") > 0.5 : is_flowing(m, valve);
        enum top_style open = strcmp(kind, "precursor") == 0 ? TOP_OPEN : TOP_WARN, style;
        uint32_t pipe = flows ? THICK : THIN;
        char buf[64];
        struct text t;
        int at;

        text_init(&t, buf, sizeof buf);
        style = shown != NULL && show_get_text(shown, "value")[0] != '\0' ? top_draw_loop(&t, m, shown, true)
                                                                          : TOP_PLAIN;
        (void)top_canvas_put(c, row, p->name, p->value - p->name - 1, TOP_PLAIN, show_get_text(e, "name"));
        (void)top_canvas_put(c, row, p->value, p->valve - p->value - 2, style, buf);
        top_canvas_fill(
            c, row, p->valve - 2, p->joint - p->valve + 2, flows && !is_flow ? open : TOP_DIM, pipe);
        if (valve[0] == '\0')
                return;
        at = draw_valve(c, m, valve, row, p->valve, open);
        top_canvas_fill(c, row, p->valve + 1, 1, TOP_PLAIN, ' ');
        if (at < p->joint)
                top_canvas_fill(c, row, at, 1, TOP_PLAIN, ' ');
}

static void draw_inlets(
    struct top_canvas *c, const struct top_model *m, const struct plan *p, int row, int rows)
{
        int count = count_inlets(m), shown = count > rows ? rows - 1 : count;

        for (int i = 0; i < shown; i++) {
                draw_inlet(c, m, p, inlet(m, i), row + i);
                top_canvas_fill(c, row + i, p->joint, 1, TOP_DIM,
                    i == 0           ? (i == shown - 1 ? THIN : 0x2510)
                    : i == shown - 1 ? 0x2518
                                     : 0x2524);
        }
        if (shown < count)
                (void)top_canvas_say(
                    c, row + shown, p->name, p->joint, TOP_DIM, "and %d more (aldctl tags)", count - shown);
        if (shown > 1) {
                top_canvas_fill(c, row + 1, p->joint, 1, TOP_DIM, shown == 2 ? 0x2534 : 0x253C);
                top_canvas_fill(c, row + 1, p->joint + 1, p->box - p->joint - 1, TOP_DIM, THIN);
        }
}

/* ---- The chamber ---- */

/* The heater that is neither a bottle's nor a line's and is called chamber, else the first of them. */
static bool is_of_a_line(const struct top_model *m, const char *name)
{
        const json_t *e;

        for (int i = 0; (e = top_model_equipment(m, "precursor", i)) != NULL; i++)
                if (strcmp(show_get_text(e, "source"), name) == 0)
                        return true;
        return false;
}

static const json_t *chamber_heater(const struct top_model *m)
{
        const json_t *e = top_model_named(m, "chamber");

        if (e != NULL && strcmp(show_get_text(e, "kind"), "heater") == 0)
                return e;
        for (int i = 0; (e = top_model_equipment(m, "heater", i)) != NULL; i++)
                if (!is_of_a_line(m, show_get_text(e, "name")))
                        return e;
        return NULL;
}

/* Lid, emergency stop and cut-out: the one that is amiss, else the lid. */
static enum top_style add_inputs(struct text *t, const struct top_model *m)
{
        static const struct {
                const char *key;
                double good;
                const char *words, *amiss;
        } inputs[] = {{"emo", 1, "", "EMERGENCY STOP"}, {"over_temperature", 0, "", "OVER-TEMPERATURE"},
            {"lid", 1, "lid closed", "LID OPEN"}};
        const json_t *e = top_model_equipment(m, "inputs", 0);

        for (size_t i = 0; i < sizeof inputs / sizeof inputs[0]; i++) {
                const char *tag = show_get_text(e, inputs[i].key);

                if (tag[0] == '\0')
                        continue;
                if (fabs(top_draw_number(m, tag, "value") - inputs[i].good) > 0.5) {
                        text_add(t, "%s", inputs[i].amiss);
                        return TOP_ALARM;
                }
                if (strcmp(show_get_text(top_model_tag(m, tag), "quality"), "Bad") == 0) {
                        text_add(t, "%s !", inputs[i].key);
                        return TOP_ALARM;
                }
                if (inputs[i].words[0] != '\0')
                        text_add(t, "%s%s", inputs[i].words, top_model_is_stale(m) ? " ?" : "");
        }
        return TOP_PLAIN;
}

static enum top_style add_gauge(struct text *t, const struct top_model *m)
{
        const json_t *gauge = top_model_equipment(m, "gauge", 0);
        enum top_style style = top_draw_value(t, m, show_get_text(gauge, "value"), -1);

        text_add(t, " %s", show_get_text(gauge, "unit"));
        if (top_draw_number(m, show_get_text(gauge, "atmosphere"), "value") > 0.5)
                text_add(t, ", vented");
        return style == TOP_PLAIN ? TOP_BOLD : style;
}

static void draw_box(struct top_canvas *c, const struct top_model *m, const struct plan *p, int row, int rows)
{
        const json_t *heater = chamber_heater(m), *motor;
        int at = row + 1, last = row + rows - 1, width = p->box_width - 3;
        char buf[96];
        struct text t;
        enum top_style style;

        top_canvas_frame(c, row, p->box, rows, p->box_width, TOP_PLAIN);
        (void)top_canvas_say(c, row, p->box + 2, width - 1, TOP_BOLD, " %s ",
            heater != NULL ? show_get_text(heater, "name") : "chamber");
        if (m->gauge != NULL && at < last) {
                text_init(&t, buf, sizeof buf);
                style = add_gauge(&t, m);
                (void)top_canvas_put(c, at++, p->box + 2, width, style, buf);
        }
        if (heater != NULL && at < last) {
                text_init(&t, buf, sizeof buf);
                style = top_draw_loop(&t, m, heater, true);
                (void)top_canvas_put(c, at++, p->box + 2, width, style, buf);
        }
        for (int i = 0; (motor = top_model_equipment(m, "motor", i)) != NULL && at < last; i++) {
                text_init(&t, buf, sizeof buf);
                text_add(&t, "%s ", show_get_text(motor, "name"));
                style = top_draw_loop(&t, m, motor, true);
                (void)top_canvas_put(c, at++, p->box + 2, width, style, buf);
        }
        text_init(&t, buf, sizeof buf);
        style = add_inputs(&t, m);
        if (at < last)
                (void)top_canvas_put(c, at, p->box + 2, width, style, buf);
}

/* ---- The right: what goes out ---- */

static enum top_style add_pump(struct text *t, const struct top_model *m, const json_t *pump)
{
        const char *running = show_get_text(pump, "running"), *run = show_get_text(pump, "run");
        bool is_told = top_draw_number(m, run, "commanded") > 0.5 || top_draw_number(m, run, "value") > 0.5;
        double is = running[0] != '\0' ? top_draw_number(m, running, "value") : is_told;
        bool is_bad = strcmp(show_get_text(top_model_tag(m, running), "quality"), "Bad") == 0;

        text_add(t, "%s %s", show_get_text(pump, "name"),
            isnan(is) || is_bad ? "!"
            : is > 0.5          ? "on"
            : is_told           ? "STOPPED"
                                : "off");
        if (!is_bad && top_model_is_stale(m))
                text_add(t, "?");
        return is_bad || isnan(is) || (is < 0.5 && is_told) ? TOP_ALARM : TOP_PLAIN;
}

static void draw_outlets(
    struct top_canvas *c, const struct top_model *m, const struct plan *p, int row, int rows)
{
        static const char *const roles[] = {"exhaust", "soft", ""};
        const json_t *e, *pump = top_model_equipment(m, "pump", 0);
        int at = row + 1, last = row + rows - 1, width = c->columns - p->right;
        char buf[64];
        struct text t;
        enum top_style style;

        for (size_t i = 0; i < sizeof roles / sizeof roles[0] && at < last; i++) {
                enum valve v;

                e = find_role(m, roles[i]);
                if (e == NULL)
                        continue;
                v = look_at(m, show_get_text(e, "valve"));
                top_canvas_fill(c, at, p->right, 1, TOP_DIM, valves[v].pipe);
                top_canvas_fill(
                    c, at, p->right + 1, 1, v == VALVE_UNKNOWN ? TOP_ALARM : TOP_PLAIN, valves[v].sign);
                (void)top_canvas_say(c, at++, p->right + 3, width - 3,
                    v == VALVE_UNKNOWN ? TOP_ALARM : TOP_PLAIN, "%s %s%s", show_get_text(e, "name"),
                    valves[v].word, top_model_is_stale(m) ? "?" : "");
        }
        if (pump == NULL || at >= row + rows)
                return;
        text_init(&t, buf, sizeof buf);
        style = add_pump(&t, m, pump);
        top_canvas_fill(c, at, p->right, 1, TOP_DIM, THIN);
        top_canvas_fill(c, at, p->right + 1, 1, TOP_DIM, 0x25B6);
        (void)top_canvas_put(c, at, p->right + 3, width - 3, style, buf);
}

/* ---- The other heaters ---- */

static bool is_other(const struct top_model *m, const json_t *heater)
{
        return heater != chamber_heater(m) && !is_of_a_line(m, show_get_text(heater, "name"));
}

static void draw_heaters(struct top_canvas *c, const struct top_model *m, int row, int rows)
{
        const json_t *e;
        int at = 1;

        for (int i = 0; (e = top_model_equipment(m, "heater", i)) != NULL; i++) {
                char buf[96];
                struct text t;
                enum top_style style;

                if (!is_other(m, e))
                        continue;
                text_init(&t, buf, sizeof buf);
                style = top_draw_loop(&t, m, e, true);
                if (at > 1 && at + (int)(strlen(show_get_text(e, "name")) + t.len) + 1 >= c->columns &&
                    rows-- > 1) {
                        at = 1;
                        row++;
                }
                at = top_canvas_say(c, row, at, c->columns - at, TOP_DIM, "%s ", show_get_text(e, "name"));
                at = top_canvas_put(c, row, at, c->columns - at, style, buf) + 3;
        }
}

int top_draw_tool_rows(const struct top_model *m)
{
        int inlets = count_inlets(m), others = 0;
        const json_t *e;

        for (int i = 0; (e = top_model_equipment(m, "heater", i)) != NULL; i++)
                others += is_other(m, e);
        return (inlets > BOX_ROWS ? inlets : BOX_ROWS) + (others > 0);
}

void top_draw_tool(struct top_canvas *c, const struct top_model *m, int row, int rows)
{
        struct plan p = make_plan(c);
        int heaters = top_draw_tool_rows(m) > BOX_ROWS && rows > BOX_ROWS ? 1 : 0;

        draw_inlets(c, m, &p, row, rows - heaters);
        draw_box(c, m, &p, row, BOX_ROWS);
        draw_outlets(c, m, &p, row, BOX_ROWS);
        if (heaters > 0)
                draw_heaters(c, m, row + rows - 1, 1);
}
