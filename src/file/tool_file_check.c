/* Checks of a tool file that need several sections. */
#include "ald/file/tool_file.h"

#include "ald/base/time.h"       /* TIME_MS */
#include "ald/link/codec.h"      /* codec_words */
#include "ald/link/plan.h"       /* plan_build */
#include "ald/link/quarantine.h" /* quarantine_check */
#include "ald/link/watchmap.h"   /* watchmap_has */

#include <string.h> /* strcmp */

void tool_file_set_classes(struct tool_file *f)
{
        struct tool *tool = f->tool;
        for (int i = 0; i < tool->line_count; i++) {
                struct tool_tag *valve = &tool->tags[tool->lines[i].valve];
                valve->class = TOOL_CLASS_PRECURSOR;
                /* A precursor's valve is not left open for as long as other outputs are when nobody renews it. */
                if (!f->tag[tool->lines[i].valve].has_lease)
                        valve->lease_us = 500 * TIME_MS;
        }
}

static struct diag_at tag_place(const struct tool_file *f, int tag, const char *key)
{
        const struct yaml_node *node = f->tag[tag].node, *at = node;
        if (key && node->kind == YAML_MAP)
                at = yaml_node_get(node, key);
        return at && at != node ? reader_at(&f->r, at) : reader_at_key(&f->r, node);
}

static bool touch(const struct tool_tag *a, const struct tool_tag *b)
{
        return a->device == b->device && a->reg == b->reg && a->address < b->address + codec_words(b->type) &&
               b->address < a->address + codec_words(a->type);
}

static void check_overlap(struct tool_file *f)
{
        const struct tool *tool = f->tool;
        for (int i = 0; i < tool->tag_count; i++) {
                for (int j = 0; j < i && f->tag[i].has_place; j++) {
                        const struct tool_tag *a = &tool->tags[i], *b = &tool->tags[j];
                        if (!f->tag[j].has_place || !touch(a, b))
                                continue;
                        diag_error(f->r.d, tag_place(f, i, "address"),
                            "tag '%s': its address is taken by '%s' on line %d", a->name, b->name, b->line);
                        break;
                }
        }
}

/* Nobody but the feed may write the watchdog's registers, and a tag there would be polled as a value. */
static void check_watchdog_registers(struct tool_file *f)
{
        const struct tool *tool = f->tool;
        for (int i = 0; i < tool->tag_count; i++) {
                const struct tool_tag *tag = &tool->tags[i];
                if (!f->tag[i].has_place || tag->reg != TOOL_HOLDING ||
                    !tool->devices[tag->device].watchdog.present)
                        continue;
                const struct tool_watchdog *w = &tool->devices[tag->device].watchdog;
                for (int k = 0; k < codec_words(tag->type) && w->timeout_us > 0; k++)
                        if (watchmap_has(w, tag->address + k))
                                diag_error(f->r.d, tag_place(f, i, "address"),
                                    "tag '%s': its address belongs to the watchdog of '%s'", tag->name,
                                    tool->devices[tag->device].name);
        }
}

static void check_line(struct tool_file *f, const struct tool_line *line)
{
        const struct tool_tag *valve = &f->tool->tags[line->valve];
        const struct tool_file_tag *more = &f->tag[line->valve];
        if (more->has_safe && valve->safe > 0)
                diag_error(f->r.d, tag_place(f, line->valve, "safe"),
                    "tag '%s': the valve of precursor '%s' must be safe closed", valve->name, line->name);
        if (!more->has_max_open)
                diag_error(f->r.d, tag_place(f, line->valve, "max_open"),
                    "tag '%s': 'max_open' is missing: the valve of precursor '%s' needs a longest opening",
                    valve->name, line->name);
        else if (valve->max_open_us < line->pulse_us_min && f->tag[line->valve].is_sound)
                diag_error(f->r.d, tag_place(f, line->valve, "max_open"),
                    "tag '%s': max_open is shorter than the min_pulse of precursor '%s'", valve->name,
                    line->name);
        if (more->has_lease && valve->lease_us == 0)
                diag_error(f->r.d, tag_place(f, line->valve, "lease"),
                    "tag '%s': the valve of precursor '%s' needs a lease above 0", valve->name, line->name);
}

/* What closes has a longest opening: valves, and reactive gases, which must have one, by a valve or by a flow controller
 * (V3). */
static void check_max_open(struct tool_file *f, int tag)
{
        const struct tool_tag *t = &f->tool->tags[tag];
        bool has = f->tag[tag].has_max_open;
        if (t->class == TOOL_CLASS_REACTIVE && !has)
                diag_error(f->r.d, tag_place(f, tag, "max_open"),
                    "tag '%s': 'max_open' is missing: a reactive gas needs a longest opening", t->name);
        if (t->class == TOOL_CLASS_PLAIN && has && !t->is_bit && !f->has_broken_loop)
                diag_error(f->r.d, tag_place(f, tag, "max_open"),
                    "tag '%s': only what opens and closes has a longest opening: a BIT, or a reactive gas's "
                    "flow",
                    t->name);
}

/* Without one of these a run is refused by the core; the tool itself may be looked at and worked on (SAFETY F2). */
static void warn_failsafe(struct tool_file *f, int tag)
{
        const struct tool_tag *t = &f->tool->tags[tag];
        if (t->class != TOOL_CLASS_PLAIN && t->failsafe == TOOL_FAILSAFE_EXTERNAL)
                diag_warning(f->r.d, tag_place(f, tag, "failsafe"), "tag '%s': a %s: runs will be refused",
                    t->name,
                    t->class == TOOL_CLASS_PRECURSOR
                        ? "precursor valve needs the fail-safe watchdog or device_timed"
                        : "reactive gas needs the fail-safe watchdog");
}

/* What a register holds always is no value, and what the watchdog holds changes. */
static void check_signature(struct tool_file *f, int device)
{
        const struct tool_device *d = &f->tool->devices[device];
        const struct tool_signature *g = &d->signature;
        const struct tool_watchdog *w = &d->watchdog;
        bool is_watchdog = g->reg == TOOL_HOLDING && w->timeout_us > 0 && watchmap_has(w, g->address);
        struct diag_at at = reader_at_key(&f->r, f->device_node[device]);
        if (!g->present)
                return;
        if (is_watchdog)
                diag_error(f->r.d, at, "device '%s': its signature belongs to its watchdog", d->name);
        for (int i = 0; i < f->tool->tag_count; i++) {
                const struct tool_tag *t = &f->tool->tags[i];
                if (f->tag[i].has_place && t->is_output && t->device == device && t->reg == g->reg &&
                    g->address >= t->address && g->address < t->address + codec_words(t->type))
                        diag_error(f->r.d, at, "device '%s': its signature belongs to '%s', which is written",
                            d->name, t->name);
        }
}

/* All units of a serial line are served by one link: two would speak at once (C1). */
static void check_lines(struct tool_file *f)
{
        const struct tool *tool = f->tool;
        for (int i = 0; i < tool->link_count; i++)
                for (int k = 0; k < i; k++)
                        if (tool->links[i].kind == TOOL_LINK_RTU && tool->links[k].kind == TOOL_LINK_RTU &&
                            tool->links[i].path[0] && strcmp(tool->links[i].path, tool->links[k].path) == 0)
                                diag_error(f->r.d, (struct diag_at){f->r.source, tool->links[i].line, 3},
                                    "link '%s': '%s' serves that line already (line %d): one link serves all "
                                    "units of "
                                    "a serial line",
                                    tool->links[i].name, tool->links[k].name, tool->links[k].line);
}

/* A late answer on a serial line must be told from the next one (link/quarantine.h). Only of a tool that is sound so far: a
 * tag that could not be read may be the one that it needs. */
static void check_probes(struct tool_file *f)
{
        for (int i = 0; i < f->tool->link_count; i++) {
                char buf[320];
                struct text why;
                struct plan plan;
                text_init(&why, buf, sizeof buf);
                if (f->tool->links[i].kind == TOOL_LINK_RTU && plan_build(&plan, f->tool, i) &&
                    !quarantine_check(f->tool, i, &plan, &why))
                        diag_error(f->r.d, (struct diag_at){f->r.source, f->tool->links[i].line, 3},
                            "link '%s': %s", f->tool->links[i].name, buf);
        }
}

static void warn_unused_links(struct tool_file *f)
{
        const struct tool *tool = f->tool;
        for (int i = 0; i < tool->link_count; i++) {
                bool is_used = false;
                for (int k = 0; k < tool->device_count; k++)
                        is_used = is_used || tool->devices[k].link == i || tool->devices[k].poll_link == i;
                if (!is_used)
                        diag_warning(f->r.d, (struct diag_at){f->r.source, tool->links[i].line, 1},
                            "link '%s' has no device", tool->links[i].name);
        }
}

void tool_file_check(struct tool_file *f)
{
        check_overlap(f);
        check_watchdog_registers(f);
        tool_file_check_pulses(f);
        for (int i = 0; i < f->tool->line_count; i++)
                if (!f->tag[f->tool->lines[i].valve].is_unknown)
                        check_line(f, &f->tool->lines[i]);
        for (int i = 0; i < f->tool->tag_count; i++)
                if (f->tool->tags[i].is_output && !f->tag[i].is_unknown) {
                        check_max_open(f, i);
                        warn_failsafe(f, i);
                }
        tool_file_check_watchdogs(f);
        for (int i = 0; i < f->tool->device_count; i++)
                check_signature(f, i);
        check_lines(f);
        if (diag_errors(f->r.d) == 0)
                check_probes(f);
        warn_unused_links(f);
}
