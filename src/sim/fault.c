#include "ald/sim/fault.h"

#include "ald/base/text.h" /* text_add, text_nearest */
#include "ald/base/time.h" /* TIME_NEVER, time_add */

#include "fault_value.h" /* fault_value_read */

#include <assert.h> /* assert */
#include <stddef.h> /* size_t, NULL */
#include <string.h> /* strcmp, strcspn, strlen */

/* What stands behind the colon, and behind the equals sign. */
enum target { NO_TARGET, VALVE, LINE, INPUT, NUMBER, OUTPUT, TAG, FLOW, MOTOR, HEATER, WIRE, WATCHED };

struct kind {
        const char *name;
        enum target target;
        enum fault_value value;
};

static const struct kind kinds[FAULT_KIND_COUNT] = {
    [FAULT_STUCK_CLOSED] = {"stuck-closed", VALVE, FAULT_VALUE_NONE},
    [FAULT_STUCK_OPEN] = {"stuck-open", VALVE, FAULT_VALUE_NONE},
    [FAULT_FROZEN] = {"frozen", INPUT, FAULT_VALUE_NONE},
    [FAULT_NAN] = {"nan", NUMBER, FAULT_VALUE_NONE},
    [FAULT_DRIFT] = {"drift", INPUT, FAULT_VALUE_RATE},
    [FAULT_READS] = {"reads", INPUT, FAULT_VALUE_READING},
    [FAULT_DEAF] = {"deaf", OUTPUT, FAULT_VALUE_NONE},
    [FAULT_FLOW_STUCK] = {"flow-stuck", FLOW, FAULT_VALUE_NONE},
    [FAULT_MOTOR_STALL] = {"motor-stall", MOTOR, FAULT_VALUE_NONE},
    [FAULT_HEATER_STUCK_ON] = {"heater-stuck-on", HEATER, FAULT_VALUE_NONE},
    [FAULT_HEATER_DEAD] = {"heater-dead", HEATER, FAULT_VALUE_NONE},
    [FAULT_BOTTLE_EMPTY] = {"bottle-empty", LINE, FAULT_VALUE_NONE},
    [FAULT_BOTTLE_LOW] = {"bottle-low", LINE, FAULT_VALUE_PERCENT},
    [FAULT_PUMP_FAIL] = {"pump-fail", NO_TARGET, FAULT_VALUE_NONE},
    [FAULT_LEAK] = {"leak", NO_TARGET, FAULT_VALUE_FLOW},
    [FAULT_CLOG] = {"clog", NO_TARGET, FAULT_VALUE_PERCENT},
    [FAULT_LID_OPEN] = {"lid-open", NO_TARGET, FAULT_VALUE_NONE},
    [FAULT_EMO] = {"emo", NO_TARGET, FAULT_VALUE_NONE},
    [FAULT_SLOW] = {"slow", WIRE, FAULT_VALUE_DELAY},
    [FAULT_SILENT] = {"silent", WIRE, FAULT_VALUE_NONE},
    [FAULT_DROP] = {"drop", WIRE, FAULT_VALUE_NONE},
    [FAULT_ABSENT] = {"absent", TAG, FAULT_VALUE_NONE},
    [FAULT_WATCHDOG_DEAD] = {"watchdog-dead", WATCHED, FAULT_VALUE_NONE},
};

const char *fault_help(void)
{
        return "KIND[:TARGET][=VALUE][@START][+DURATION], for example slow:plant-io=400 ms@10 s+2 s\n"
               "  stuck-closed:VALVE       the valve stays closed; its coil and read-back follow\n"
               "  stuck-open:VALVE         the valve stays open; its coil and read-back follow\n"
               "  frozen:INPUT             the input shows the value it had when the fault began\n"
               "  nan:INPUT                the floating-point input shows no number\n"
               "  drift:INPUT=RATE         the input shows more and more, for example 2 K/min\n"
               "  reads:INPUT=VALUE        the input shows this value (on or off for a switch)\n"
               "  deaf:OUTPUT              the output takes writes and ignores them\n"
               "  flow-stuck:FLOW          the controller lets in what it did when the fault began\n"
               "  motor-stall:MOTOR        the motor stands still\n"
               "  heater-stuck-on:HEATER   the zone heats at full power, whatever its set-point\n"
               "  heater-dead:HEATER       the zone has no power\n"
               "  bottle-empty:LINE        the line's bottle gives nothing, though its valve opens\n"
               "  bottle-low:LINE=PART     the line's bottle gives less, for example 30 %\n"
               "  pump-fail                the pump stops\n"
               "  leak=FLOW                air enters the chamber, for example 20 sccm\n"
               "  clog=PART                the exhaust loses conductance, for example 80 %\n"
               "  lid-open                 the lid switch opens; the motor loses its torque\n"
               "  emo                      the emergency-off button: heaters, motor and precursor valves "
               "lose power\n"
               "  slow:DEVICE=DELAY        replies of a device or link come late (real time)\n"
               "  silent:DEVICE            a device or link never answers\n"
               "  drop:DEVICE              a device or link drops the connection instead of an answer\n"
               "  absent:TAG               its device has no such register: a read gets exception 2\n"
               "  watchdog-dead:DEVICE     the module's watchdog never acts; it looks as if it ran\n";
}

/* ---- Words and the names they could have been. ---- */

struct choice {
        const struct tool *tool;
        enum target target;
};

static bool tag_fits(const struct tool *tool, int number, enum target target)
{
        const struct tool_tag *tag = &tool->tags[number];

        switch (target) {
        case VALVE:
                return tag->is_output && tag->is_valve;
        case LINE:
                return tool_find_line_of_valve(tool, number) != TOOL_NONE;
        case INPUT:
                return !tag->is_output;
        case NUMBER:
                return !tag->is_output && (tag->type == TOOL_FLOAT32 || tag->type == TOOL_FLOAT64);
        case OUTPUT:
                return tag->is_output;
        case TAG:
                return true;
        case NO_TARGET:
        case FLOW:
        case MOTOR:
        case HEATER:
        case WIRE:
        case WATCHED:
                return false;
        }
        return false;
}

static bool loop_fits(const struct tool_loop *loop, enum target target)
{
        return (target == FLOW && loop->kind == TOOL_LOOP_FLOW) ||
               (target == MOTOR && loop->kind == TOOL_LOOP_MOTOR) ||
               (target == HEATER && loop->kind == TOOL_LOOP_HEATER);
}

static size_t choice_count(const struct tool *tool)
{
        return (size_t)(tool->tag_count + tool->loop_count + tool->device_count + tool->link_count);
}

/* Every name of the tool in one row; "" for one that does not fit the fault. */
static const char *choice_name(const void *ctx, size_t i)
{
        const struct choice *c = ctx;
        const struct tool *tool = c->tool;
        int n = (int)i;

        if (n < tool->tag_count)
                return tag_fits(tool, n, c->target) ? tool->tags[n].name : "";
        n -= tool->tag_count;
        if (n < tool->loop_count)
                return loop_fits(&tool->loops[n], c->target) ? tool->loops[n].name : "";
        n -= tool->loop_count;
        if (n < tool->device_count)
                return c->target == WIRE || (c->target == WATCHED && tool->devices[n].watchdog.present)
                           ? tool->devices[n].name
                           : "";
        return c->target == WIRE ? tool->links[n - tool->device_count].name : "";
}

static const char *kind_name(const void *ctx, size_t i)
{
        (void)ctx;
        return kinds[i].name;
}

static void add_nearest(
    struct text *t, const char *word, const char *(*name_at)(const void *, size_t), const void *ctx, size_t n)
{
        const char *near = text_nearest(word, name_at, ctx, n);
        const char *comma = "";

        if (near != NULL && near[0] != '\0')
                text_add(t, "; did you mean '%s'?", near);
        text_add(t, " (accepted: ");
        for (size_t i = 0; i < n; i++) {
                const char *name = name_at(ctx, i);

                if (name[0] == '\0')
                        continue;
                text_add(t, "%s%s", comma, name);
                comma = ", ";
        }
        text_add(t, ")");
}

static const char *target_name(enum target target)
{
        static const char *const names[] = {
            [NO_TARGET] = "target",
            [VALVE] = "valve",
            [LINE] = "precursor line",
            [INPUT] = "input",
            [NUMBER] = "floating-point input",
            [OUTPUT] = "output",
            [TAG] = "tag",
            [FLOW] = "flow",
            [MOTOR] = "motor",
            [HEATER] = "heater",
            [WIRE] = "device or link",
            [WATCHED] = "device with a watchdog",
        };
        return names[target];
}

/* ---- The parts of a specification. ---- */

struct parts {
        char text[FAULT_SPEC_MAX];
        char *kind, *target, *value, *start, *duration; /* into text; NULL = not given */
};

/* Where a value ends: at '@', or at a '+' that is neither its sign nor an exponent's. */
static size_t value_length(const char *value)
{
        size_t n = value[0] == '+' ? 1 : 0;

        while (value[n] != '\0' && value[n] != '@' &&
               !(value[n] == '+' && !(n > 0 && (value[n - 1] == 'e' || value[n - 1] == 'E'))))
                n++;
        return n;
}

/* End the part that `at` points behind and begin the next, when `mark` stands there. */
static char *next_part(char **at, const char *mark, char wanted)
{
        if (*mark != wanted)
                return NULL;
        *at += 1;
        return *at;
}

static bool split(struct parts *p, const char *spec)
{
        char *at = p->text;
        char mark;

        *p = (struct parts){0};
        if (!text_copy(p->text, sizeof p->text, spec))
                return false;
        p->kind = at;
        at += strcspn(at, ":=@+");
        mark = *at;
        *at = '\0';
        if ((p->target = next_part(&at, &mark, ':')) != NULL) {
                at += strcspn(at, "=@+");
                mark = *at;
                *at = '\0';
        }
        if ((p->value = next_part(&at, &mark, '=')) != NULL) {
                at += value_length(at);
                mark = *at;
                *at = '\0';
        }
        if ((p->start = next_part(&at, &mark, '@')) != NULL) {
                at += strcspn(at, "+");
                mark = *at;
                *at = '\0';
        }
        p->duration = next_part(&at, &mark, '+');
        return mark == '\0' || p->duration != NULL;
}

static bool find_kind(struct fault *f, const struct parts *p, struct text *why)
{
        for (int i = 0; i < FAULT_KIND_COUNT; i++) {
                if (strcmp(kinds[i].name, p->kind) == 0) {
                        f->kind = (enum fault_kind)i;
                        return true;
                }
        }
        text_add(why, "unknown kind of fault '%s'", p->kind);
        add_nearest(why, p->kind, kind_name, NULL, FAULT_KIND_COUNT);
        return false;
}

/* Also by the equipment's name: "nb" for its valve, a process value for its loop. */
static void look_up(struct fault *f, const struct tool *tool, enum target target, const char *word)
{
        int tag = tool_find_tag(tool, word);
        int line = tool_find_line(tool, word);
        int valve = tool_find_valve(tool, word);

        if (target == FLOW || target == MOTOR || target == HEATER) {
                for (int i = 0; i < tool->loop_count; i++)
                        if (loop_fits(&tool->loops[i], target) &&
                            (strcmp(tool->loops[i].name, word) == 0 ||
                                (tag >= 0 && tool->loops[i].value == tag)))
                                f->loop = (int16_t)i;
                return;
        }
        if (target == WATCHED) {
                int device = tool_find_device(tool, word);

                if (device != TOOL_NONE && tool->devices[device].watchdog.present)
                        f->device = (int16_t)device;
                return;
        }
        if (target == WIRE) {
                f->device = (int16_t)tool_find_device(tool, word);
                f->link = (int16_t)(f->device == TOOL_NONE ? tool_find_link(tool, word) : TOOL_NONE);
                return;
        }
        if ((target == VALVE || target == LINE) && tag == TOOL_NONE)
                tag = line != TOOL_NONE    ? tool->lines[line].valve
                      : valve != TOOL_NONE ? tool->valves[valve].tag
                                           : tag;
        if (tag != TOOL_NONE && tag_fits(tool, tag, target))
                f->tag = (int16_t)tag;
}

static bool find_target(struct fault *f, const struct tool *tool, const struct parts *p, struct text *why)
{
        const struct kind *kind = &kinds[f->kind];
        struct choice choice = {tool, kind->target};

        if (kind->target == NO_TARGET) {
                if (p->target == NULL)
                        return true;
                text_add(why, "'%s' takes no target, but ':%s' was given", kind->name, p->target);
                return false;
        }
        if (p->target == NULL || p->target[0] == '\0') {
                text_add(why, "'%s' needs a %s: %s:NAME", kind->name, target_name(kind->target), kind->name);
                add_nearest(why, "", choice_name, &choice, choice_count(tool));
                return false;
        }
        look_up(f, tool, kind->target, p->target);
        if (f->tag != TOOL_NONE || f->loop != TOOL_NONE || f->device != TOOL_NONE || f->link != TOOL_NONE)
                return true;
        text_add(why, "'%s': '%s' is no %s of this tool", kind->name, p->target, target_name(kind->target));
        add_nearest(why, p->target, choice_name, &choice, choice_count(tool));
        return false;
}

static bool find_value(struct fault *f, const struct tool *tool, const struct parts *p, struct text *why)
{
        const struct kind *kind = &kinds[f->kind];

        if ((kind->value == FAULT_VALUE_NONE) != (p->value == NULL)) {
                text_add(
                    why, p->value == NULL ? "'%s' needs a value: =VALUE" : "'%s' takes no value", kind->name);
                return false;
        }
        return p->value == NULL ||
               fault_value_read(
                   kind->value, f->tag == TOOL_NONE ? NULL : &tool->tags[f->tag], p->value, &f->value, why);
}

static bool find_times(struct fault *f, const struct parts *p, struct text *why)
{
        int64_t duration_us = TIME_NEVER;

        if (p->start != NULL && !fault_value_time(p->start, &f->start_us, why))
                return false;
        if (p->duration != NULL && !fault_value_time(p->duration, &duration_us, why))
                return false;
        if (duration_us == 0) {
                text_add(why, "'+%s': a fault that lasts no time does nothing", p->duration);
                return false;
        }
        f->end_us = time_add(f->start_us, duration_us);
        return true;
}

bool fault_parse(struct fault *out, const struct tool *tool, const char *spec, char *why, int why_cap)
{
        struct fault f = {.tag = TOOL_NONE, .loop = TOOL_NONE, .device = TOOL_NONE, .link = TOOL_NONE};
        struct parts p;
        struct text t;

        assert(why_cap > 0);
        text_init(&t, why, (size_t)why_cap);
        if (!split(&p, spec)) {
                text_add(&t, "'%.100s' is not written KIND[:TARGET][=VALUE][@START][+DURATION]", spec);
                return false;
        }
        text_add(&t, "fault '%s': ", spec);
        if (!find_kind(&f, &p, &t) || !find_target(&f, tool, &p, &t) || !find_value(&f, tool, &p, &t) ||
            !find_times(&f, &p, &t))
                return false;
        text_copy(f.spec, sizeof f.spec, spec);
        *out = f;
        why[0] = '\0';
        return true;
}
