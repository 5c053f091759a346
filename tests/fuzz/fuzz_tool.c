/* Tool files: any bytes are compiled.
 *
 * Held: a tool or errors, never both or neither, each error with a place in the text; an accepted tool names only what
 * it has, its numbers are finite and ordered, safe values and images are within the limits, precursors have what SAFETY
 * asks of them (V1, V2, F2), no two tags share a register, and a core takes its first turns with it. */
#include "fuzz/fuzz.h"

#include "ald/core/core.h"     /* core_new, core_step */
#include "ald/core/snapshot.h" /* SNAPSHOT_WINDOWS_MAX */
#include "ald/file/file.h"     /* file_compile_tool */
#include "ald/link/codec.h"    /* codec_words */

#include <math.h>   /* isfinite */
#include <stdlib.h> /* free */
#include <string.h> /* memchr, strcmp */

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed)
{
        return fuzz_mutate_lines(data, size, max, seed);
}

static bool is_in(int number, int count)
{
        return number >= 0 && number < count;
}

static bool is_none_or_in(int number, int count)
{
        return number == TOOL_NONE || is_in(number, count);
}

static bool is_name(const char *name)
{
        return name[0] != '\0' && memchr(name, '\0', TOOL_NAME_MAX);
}

static bool is_output(const struct tool *tool, int tag)
{
        return is_in(tag, tool->tag_count) && tool->tags[tag].is_output;
}

static bool is_output_or_none(const struct tool *tool, int tag)
{
        return tag == TOOL_NONE || is_output(tool, tag);
}

/* ---- Links and devices ---- */

static void check_link(const struct tool_link *link)
{
        FUZZ_CHECK(is_name(link->name), "a link without a name");
        if (link->kind == TOOL_LINK_TCP)
                FUZZ_CHECK(
                    link->host[0] && link->port >= 1 && link->port <= 65535, "link %s: address", link->name);
        else
                FUZZ_CHECK(link->path[0] == '/' && strchr("NEO", link->parity) && link->parity &&
                               link->baud > 0 && (link->stop_bits == 1 || link->stop_bits == 2),
                    "link %s: line", link->name);
        FUZZ_CHECK(link->timeout_us >= 10000 && link->timeout_us <= 5000000, "link %s: timeout", link->name);
        FUZZ_CHECK(link->backoff_us_min > 0 && link->backoff_us_max >= link->backoff_us_min,
            "link %s: backoff", link->name);
}

static bool is_register(int number)
{
        return number >= 0 && number <= 65535;
}

static void check_watchdog(const struct tool_device *device)
{
        const struct tool_watchdog *w = &device->watchdog;
        if (!w->present)
                return;
        FUZZ_CHECK(w->timeout_us > 0 && w->timeout_us <= 1000000, "watchdog of %s: timeout", device->name);
        FUZZ_CHECK(w->feed_us > 0 && w->feed_us <= w->timeout_us / 3, "watchdog of %s: feed", device->name);
        FUZZ_CHECK(w->time_unit_us > 0 && w->timeout_us / w->time_unit_us >= 1 &&
                       w->timeout_us / w->time_unit_us <= 65535,
            "watchdog of %s: unit", device->name);
        FUZZ_CHECK(is_register(w->time_register) && is_register(w->trigger_register) &&
                       (w->status_register == TOOL_NONE || is_register(w->status_register)) &&
                       (w->counter_register == TOOL_NONE || is_register(w->counter_register)),
            "watchdog of %s: registers", device->name);
        FUZZ_CHECK(w->status_register >= 0 || w->counter_register >= 0 || w->restart_count > 0,
            "watchdog of %s: nothing tells that it expired", device->name);
        for (int i = 0; i < w->setup_count; i++)
                FUZZ_CHECK(is_register(w->setup[i].address), "watchdog of %s: setup", device->name);
        for (int i = 0; i < w->restart_count; i++)
                FUZZ_CHECK(is_register(w->restart[i].address), "watchdog of %s: restart", device->name);
}

static void check_device(const struct tool *tool, const struct tool_device *device)
{
        FUZZ_CHECK(is_name(device->name), "a device without a name");
        FUZZ_CHECK(is_in(device->link, tool->link_count) && is_in(device->poll_link, tool->link_count),
            "device %s: link", device->name);
        FUZZ_CHECK(device->slave_id >= 0 && device->slave_id <= 255, "device %s: slave_id", device->name);
        FUZZ_CHECK(device->read_words_max >= 1 && device->read_words_max <= 125 && device->pause_us >= 0,
            "device %s: reads", device->name);
        check_watchdog(device);
}

/* ---- Tags ---- */

static bool is_within(const struct tool_tag *tag, double value)
{
        if (tag->is_bit)
                return value == 0 || value == 1;
        return value >= tag->limit_min && value <= tag->limit_max;
}

static void check_output(const struct tool_tag *tag)
{
        FUZZ_CHECK(
            tag->reg == TOOL_COIL || tag->reg == TOOL_HOLDING, "output %s cannot be written", tag->name);
        FUZZ_CHECK(tag->failsafe > TOOL_FAILSAFE_NONE && tag->failsafe <= TOOL_FAILSAFE_EXTERNAL,
            "output %s: failsafe", tag->name);
        FUZZ_CHECK(is_within(tag, tag->safe), "output %s: safe value %g", tag->name, tag->safe);
        FUZZ_CHECK(tag->lease_us >= 0 && tag->max_open_us >= 0 && tag->follow_us >= 0, "output %s: times",
            tag->name);
        FUZZ_CHECK(isfinite(tag->verify_within) && tag->verify_within >= 0, "output %s: verify", tag->name);
        for (int i = 0; i < TOOL_IMAGE_COUNT; i++)
                FUZZ_CHECK(tag->image[i].keep ? i == TOOL_IMAGE_HOLD : is_within(tag, tag->image[i].value),
                    "output %s: image %d", tag->name, i);
}

static void check_tag(const struct tool *tool, const struct tool_tag *tag)
{
        FUZZ_CHECK(is_name(tag->name) && tag->unit, "tag '%s' without a name or unit", tag->name);
        FUZZ_CHECK(is_in(tag->device, tool->device_count), "tag %s: device", tag->name);
        FUZZ_CHECK(tag->address >= 0 && tag->address + codec_words(tag->type) - 1 <= 65535,
            "tag %s: address %d", tag->name, tag->address);
        FUZZ_CHECK(
            isfinite(tag->scale) && tag->scale != 0 && isfinite(tag->offset), "tag %s: scale", tag->name);
        FUZZ_CHECK(tag->poll_us > 0 && tag->stale_us > 0 && tag->freeze_us >= 0 && tag->log_us >= 0,
            "tag %s: times", tag->name);
        FUZZ_CHECK(!tag->has_valid || tag->valid_min < tag->valid_max, "tag %s: valid", tag->name);
        FUZZ_CHECK(isfinite(tag->log_deadband) && tag->log_deadband >= 0, "tag %s: deadband", tag->name);
        if (tag->is_output)
                check_output(tag);
}

/* Addresses and names stand for one thing each. */
static void check_apart(const struct tool *tool)
{
        for (int i = 0; i < tool->tag_count; i++) {
                for (int j = 0; j < i; j++) {
                        const struct tool_tag *a = &tool->tags[i], *b = &tool->tags[j];
                        bool is_apart = a->device != b->device || a->reg != b->reg ||
                                        a->address >= b->address + codec_words(b->type) ||
                                        b->address >= a->address + codec_words(a->type);
                        FUZZ_CHECK(is_apart, "%s and %s share a register", a->name, b->name);
                        FUZZ_CHECK(strcmp(a->name, b->name) != 0, "%s is there twice", a->name);
                }
        }
}

/* ---- Equipment ---- */

static void check_loop(const struct tool *tool, const struct tool_loop *loop)
{
        FUZZ_CHECK(
            is_name(loop->name) && is_in(loop->value, tool->tag_count) && is_output(tool, loop->setpoint),
            "loop '%s': tags", loop->name);
        FUZZ_CHECK(!tool->tags[loop->value].is_bit && !tool->tags[loop->setpoint].is_bit, "loop %s of bits",
            loop->name);
        FUZZ_CHECK(tool->tags[loop->value].unit->dim == tool->tags[loop->setpoint].unit->dim,
            "loop %s: units", loop->name);
        FUZZ_CHECK(isfinite(loop->tolerance) && loop->tolerance >= 0 && isfinite(loop->ramp_max) &&
                       loop->ramp_max >= 0 && is_within(&tool->tags[loop->setpoint], loop->standby),
            "loop %s: numbers", loop->name);
        FUZZ_CHECK(loop->rise_us >= 0 && loop->follow_us >= 0 && isfinite(loop->rise_by) &&
                       isfinite(loop->follow_within),
            "loop %s: watched numbers", loop->name);
}

static void check_line(const struct tool *tool, const struct tool_line *line)
{
        FUZZ_CHECK(is_name(line->name) && is_output(tool, line->valve), "line '%s': valve", line->name);
        const struct tool_tag *valve = &tool->tags[line->valve];
        FUZZ_CHECK(valve->class == TOOL_CLASS_PRECURSOR && valve->is_valve && valve->is_bit, "line %s: class",
            line->name);
        FUZZ_CHECK(
            valve->safe == 0 && valve->lease_us > 0, "line %s: its valve is not safe closed", line->name);
        FUZZ_CHECK(valve->image[TOOL_IMAGE_HOLD].value == 0 && !valve->image[TOOL_IMAGE_HOLD].keep &&
                       valve->image[TOOL_IMAGE_STANDBY].value == 0 &&
                       valve->image[TOOL_IMAGE_ABORT].value == 0,
            "line %s: a resting state opens it", line->name);
        FUZZ_CHECK(
            line->pulse_us_min > 0 && valve->max_open_us >= line->pulse_us_min && line->purge_us_min >= 0,
            "line %s: times", line->name);
        FUZZ_CHECK(
            is_none_or_in(line->source, tool->loop_count) && is_none_or_in(line->hot_line, tool->loop_count),
            "line %s: loops", line->name);
        FUZZ_CHECK(isfinite(line->hot_line_by) && isfinite(line->gauge_rise) &&
                       isfinite(line->width_tolerance_us) && line->depletion >= 0 && line->depletion < 1,
            "line %s: numbers", line->name);
}

static void check_places(const struct tool *tool)
{
        const int16_t outputs[] = {tool->pump_run, tool->exhaust, tool->vent, tool->soft};
        const int16_t tags[] = {
            tool->gauge, tool->pump_running, tool->atmosphere, tool->lid, tool->emo, tool->over_temperature};
        const int16_t loops[] = {tool->carrier, tool->chamber, tool->bed};
        for (size_t i = 0; i < sizeof outputs / sizeof outputs[0]; i++)
                FUZZ_CHECK(is_output_or_none(tool, outputs[i]), "place %zu is no output", i);
        for (size_t i = 0; i < sizeof tags / sizeof tags[0]; i++)
                FUZZ_CHECK(is_none_or_in(tags[i], tool->tag_count), "place %zu is no tag", i);
        for (size_t i = 0; i < sizeof loops / sizeof loops[0]; i++)
                FUZZ_CHECK(is_none_or_in(loops[i], tool->loop_count), "place %zu is no loop", i);
        for (int i = 0; i < tool->valve_count; i++)
                FUZZ_CHECK(
                    is_name(tool->valves[i].name) && is_output(tool, tool->valves[i].tag), "valve %d", i);
}

/* ---- Interlocks and alarms ---- */

static void check_condition(const struct tool *tool, const struct cond *cond, bool is_wanted)
{
        FUZZ_CHECK(cond->root >= 0 || !is_wanted, "a condition is missing");
        if (cond->root >= 0)
                fuzz_check_cond(&tool->conds, cond->root, tool, SNAPSHOT_WINDOWS_MAX);
}

/* A gate sees one link, so an exclusion must lie on one (V1, F2). */
static void check_exclusion(const struct tool *tool, const struct tool_interlock *lock)
{
        FUZZ_CHECK(lock->output_count >= 2 && lock->purge_us >= 0, "exclusion %s", lock->id);
        int link = tool->devices[tool->tags[lock->outputs[0]].device].link;
        for (int i = 1; i < lock->output_count; i++)
                FUZZ_CHECK(tool->devices[tool->tags[lock->outputs[i]].device].link == link,
                    "exclusion %s is on two links", lock->id);
}

static void check_interlock(const struct tool *tool, const struct tool_interlock *lock)
{
        FUZZ_CHECK(
            is_name(lock->id) && lock->kind <= TOOL_SUSPEND && lock->for_us >= 0 && lock->grace_us >= 0,
            "interlock '%s'", lock->id);
        FUZZ_CHECK(lock->output_count >= 0 && lock->output_count <= TOOL_VALVES_MAX, "%s: outputs", lock->id);
        FUZZ_CHECK(lock->set_count >= 0 && lock->set_count <= TOOL_SETS_MAX, "%s: sets", lock->id);
        for (int i = 0; i < lock->output_count; i++)
                FUZZ_CHECK(is_output(tool, lock->outputs[i]), "%s: output %d", lock->id, i);
        for (int i = 0; i < lock->set_count; i++)
                FUZZ_CHECK(is_output(tool, lock->set[i].tag) &&
                               is_within(&tool->tags[lock->set[i].tag], lock->set[i].value),
                    "%s: set %d", lock->id, i);
        check_condition(tool, &lock->when, lock->kind != TOOL_EXCLUSIVE);
        check_condition(tool, &lock->arm, false);
        if (lock->kind == TOOL_TRIP)
                FUZZ_CHECK(lock->then >= TOOL_ACT_HOLD && lock->then <= TOOL_ACT_ABORT, "%s: then", lock->id);
        if (lock->kind == TOOL_PERMIT)
                FUZZ_CHECK(lock->output_count >= 1, "permit %s of nothing", lock->id);
        if (lock->kind == TOOL_EXCLUSIVE)
                check_exclusion(tool, lock);
}

static void check_alarm(const struct tool *tool, const struct tool_alarm *alarm)
{
        FUZZ_CHECK(is_name(alarm->id) && alarm->on_us >= 0 && alarm->off_us >= 0, "alarm '%s'", alarm->id);
        FUZZ_CHECK(
            isfinite(alarm->deadband) && alarm->deadband >= 0 && alarm->priority <= TOOL_PRIORITY_CRITICAL,
            "alarm %s", alarm->id);
        check_condition(tool, &alarm->when, true);
        check_condition(tool, &alarm->suppress, false);
}

static void check_counts(const struct tool *tool)
{
        FUZZ_CHECK(
            is_in(tool->link_count, TOOL_LINKS_MAX + 1) && is_in(tool->device_count, TOOL_DEVICES_MAX + 1) &&
                is_in(tool->tag_count, TOOL_TAGS_MAX + 1) && is_in(tool->loop_count, TOOL_LOOPS_MAX + 1) &&
                is_in(tool->line_count, TOOL_LINES_MAX + 1) &&
                is_in(tool->valve_count, TOOL_VALVES_MAX + 1) &&
                is_in(tool->interlock_count, TOOL_INTERLOCKS_MAX + 1) &&
                is_in(tool->alarm_count, TOOL_ALARMS_MAX + 1) &&
                is_in(tool->access_count, TOOL_ACCESS_MAX + 1),
            "counts");
        FUZZ_CHECK(is_name(tool->name) && tool->link_count > 0, "a tool without name or link");
        FUZZ_CHECK(tool->bypass_max >= 0 && tool->bypass_us_max >= 0 &&
                       tool->bypass_us_max <= INT64_C(8) * 3600 * 1000000,
            "bypasses");
}

/* ---- The whole ---- */

static void check_tool(const struct tool *tool)
{
        check_counts(tool);
        for (int i = 0; i < tool->link_count; i++)
                check_link(&tool->links[i]);
        for (int i = 0; i < tool->device_count; i++)
                check_device(tool, &tool->devices[i]);
        for (int i = 0; i < tool->tag_count; i++)
                check_tag(tool, &tool->tags[i]);
        check_apart(tool);
        for (int i = 0; i < tool->loop_count; i++)
                check_loop(tool, &tool->loops[i]);
        for (int i = 0; i < tool->line_count; i++)
                check_line(tool, &tool->lines[i]);
        check_places(tool);
        for (int i = 0; i < tool->interlock_count; i++)
                check_interlock(tool, &tool->interlocks[i]);
        for (int i = 0; i < tool->alarm_count; i++)
                check_alarm(tool, &tool->alarms[i]);
}

/* The core asserts what it takes for granted of a tool. */
static void check_core(const struct tool *tool)
{
        static struct effects out;
        struct core_start start = {.store_ok = true};
        struct core *core = core_new(tool, &start);
        struct event tick = {.kind = EVENT_TICK};
        for (int i = 0; i < 3; i++, tick.now_us += CORE_TURN_US_MAX) {
                core_step(core, &tick, &out);
                for (int k = 0; k < out.count; k++)
                        FUZZ_CHECK(out.item[k].kind != EFFECT_WRITE || out.item[k].u.write.is_safe,
                            "start-up writes %g", out.item[k].u.write.value);
        }
        core_free(core);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        const char *text = (const char *)data;
        struct diag *d = diag_new();
        struct tool *tool = file_compile_tool("tool", text, size, d);
        size_t bom = size >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;
        fuzz_count(tool);
        fuzz_check_diag(d, "tool", text + bom, size - bom, tool);
        if (tool) {
                check_tool(tool);
                check_core(tool);
                FUZZ_PLANT(tool->line_count > 0 && tool->gauge == TOOL_NONE);
                fuzz_keep_sound(data, size);
        }
        free(tool);
        diag_free(d);
        return 0;
}
