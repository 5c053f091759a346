#include "ald/link/load.h"

#include "ald/base/time.h"       /* TIME_NEVER, time_min */
#include "ald/link/codec.h"      /* codec_words */
#include "ald/link/quarantine.h" /* quarantine_silence_us */
#include "ald/link/registers.h"  /* registers_are_bits */
#include "ald/link/sched.h"      /* SCHED_MARGIN_US, SCHED_CALL_US */

#include <assert.h> /* assert */
#include <stddef.h> /* NULL */

static int64_t time_max(int64_t a_us, int64_t b_us)
{
        return a_us > b_us ? a_us : b_us;
}

/* ---- One call ---- */

/* Start, eight data, parity or a second stop, stop: a character has 11 bits in every setting that the standard knows
 * (Modbus over serial line 1.02, 2.5.1). */
enum { CHARACTER_BITS = 11, DEFAULT_BAUD = 19200 };

int64_t load_wire_us(const struct tool_link *link, int request_bytes, int reply_bytes)
{
        if (link->kind == TOOL_LINK_TCP)
                return LOAD_TCP_US;
        int baud = link->baud > 0 ? link->baud : DEFAULT_BAUD;
        return (int64_t)(request_bytes + reply_bytes) * CHARACTER_BITS * 1000000 / baud +
               2 * quarantine_silence_us(link);
}

int64_t load_answer_us(const struct tool *tool, int link, int device)
{
        if (tool->devices[device].answer_us > 0)
                return tool->devices[device].answer_us;
        return tool->links[link].kind == TOOL_LINK_TCP ? LOAD_ANSWER_TCP_US : LOAD_ANSWER_RTU_US;
}

static int data_bytes(enum tool_register reg, int count)
{
        return registers_are_bits(reg) ? (count + 7) / 8 : 2 * count;
}

int64_t load_read_us(const struct tool *tool, int link, int device, enum tool_register reg, int count)
{
        return load_wire_us(&tool->links[link], 8, 5 + data_bytes(reg, count)) +
               load_answer_us(tool, link, device);
}

/* Functions 5 and 6 echo the request; 15 and 16 answer with where and how many. */
static int64_t write_us(const struct tool *tool, int link, int device, enum tool_register reg, int count)
{
        bool is_multiple = count > 1 || tool->devices[device].write_multiple_only;
        int request = is_multiple ? 9 + data_bytes(reg, count) : 8;
        return load_wire_us(&tool->links[link], request, 8) + load_answer_us(tool, link, device);
}

int64_t load_write_us(const struct tool *tool, int link, int tag)
{
        const struct tool_tag *t = &tool->tags[tag];
        return write_us(tool, link, t->device, t->reg, t->reg == TOOL_COIL ? 1 : codec_words(t->type));
}

int64_t load_request_us(const struct tool *tool, int link, const struct plan_request *request)
{
        return load_read_us(tool, link, request->device, request->reg, request->count);
}

static bool goes_over(const struct tool *tool, const struct tool_line *line, int link)
{
        return tool->devices[tool->tags[line->valve].device].link == link;
}

bool load_has_pulses(const struct tool *tool, int link)
{
        for (int i = 0; i < tool->line_count; i++)
                if (goes_over(tool, &tool->lines[i], link))
                        return true;
        return false;
}

int64_t load_guard_us(const struct tool_link *link, const struct tool_device *device, int64_t call_us)
{
        int64_t twice = time_max(2 * call_us, SCHED_CALL_US);
        int64_t longest = link->kind == TOOL_LINK_TCP ? time_min(twice, link->timeout_us) : link->timeout_us;
        return longest + device->pause_us + SCHED_MARGIN_US;
}

/* ---- What a link does ---- */

/* A call of `call_us` to `device` over `link` every `period_us`: its part of the link's time, and of the device's. */
static double add_call(
    struct load *out, const struct tool *tool, int link, int device, int64_t call_us, double period_us)
{
        out->device_share[device] += (double)(call_us + tool->devices[device].pause_us) / period_us;
        out->wire += (double)(call_us - load_answer_us(tool, link, device)) / period_us;
        return (double)call_us / period_us;
}

static void add_polls(struct load *out, const struct tool *tool, int link, const struct plan *plan)
{
        int64_t device_us[TOOL_DEVICES_MAX] = {0};
        for (int i = 0; i < plan->count; i++) {
                const struct plan_request *r = &plan->request[i];
                int64_t call_us = load_request_us(tool, link, r);
                out->polls += add_call(out, tool, link, r->device, call_us, (double)r->period_us);
                out->round_us += call_us;
                device_us[r->device] += call_us + tool->devices[r->device].pause_us;
        }
        for (int i = 0; i < tool->device_count; i++)
                out->round_us = time_max(
                    out->round_us, device_us[i]); /* its pauses do not overlap with anything of its own */
}

static bool is_fed(const struct tool *tool, int link, int device)
{
        const struct tool_device *d = &tool->devices[device];
        return d->link == link && d->watchdog.present && d->watchdog.feed_us > 0;
}

/* A look at a watchdog (link/watch.h): its status, or its time; with its counter, where it has one, whose read after a feed
 * is the same. */
static int look_calls(const struct tool_watchdog *dog)
{
        return dog->counter_register >= 0 ? 2 : 1;
}

static int64_t look_us(const struct tool *tool, int link, int device)
{
        return load_read_us(tool, link, device, TOOL_HOLDING, 1);
}

static void add_looks(
    struct load *out, double *share, const struct tool *tool, int link, int device, double period_us)
{
        for (int i = 0; i < look_calls(&tool->devices[device].watchdog); i++)
                *share += add_call(out, tool, link, device, look_us(tool, link, device), period_us);
}

/* A feed is a look and a write. */
static void add_feeds(struct load *out, const struct tool *tool, int link)
{
        for (int i = 0; i < tool->device_count; i++) {
                double period_us = (double)tool->devices[i].watchdog.feed_us;
                if (!is_fed(tool, link, i))
                        continue;
                add_looks(out, &out->feeds, tool, link, i, period_us);
                out->feeds +=
                    add_call(out, tool, link, i, write_us(tool, link, i, TOOL_HOLDING, 1), period_us);
        }
}

/* (The link ring shares no code with the core: the tool is read here, not asked.) */
static bool is_dosing(const struct tool *tool, int tag)
{
        for (int i = 0; i < tool->line_count; i++)
                if (tool->lines[i].valve == tag)
                        return true;
        return false;
}

/* Set-points and switches; what a precursor line's valve takes stands under its edges. */
static void add_writes(struct load *out, const struct tool *tool, int link)
{
        for (int i = 0; i < tool->tag_count; i++) {
                const struct tool_tag *t = &tool->tags[i];
                const struct tool_device *d = &tool->devices[t->device];
                if (!t->is_output || is_dosing(tool, i))
                        continue;
                if (d->link == link)
                        out->writes += add_call(
                            out, tool, link, t->device, load_write_us(tool, link, i), (double)LOAD_WRITE_US);
                if (d->poll_link == link && t->verify)
                        out->writes += add_call(out, tool, link, t->device,
                            load_read_us(tool, link, t->device, t->reg, codec_words(t->type)),
                            (double)LOAD_WRITE_US);
        }
}

static double period_of(const struct tool_line *line)
{
        int64_t period_us = line->pulse_us_min + line->purge_us_min;
        return (double)(period_us > 0 ? period_us : 1);
}

/* A whole pulse of what its watchdog guards is proven by a look after its close. */
static int proof_calls(const struct tool *tool, int link, int valve)
{
        const struct tool_tag *t = &tool->tags[valve];
        bool is_proven = t->failsafe == TOOL_FAILSAFE_WATCHDOG && is_fed(tool, link, t->device);
        return is_proven ? look_calls(&tool->devices[t->device].watchdog) : 0;
}

static int64_t pulse_us(const struct tool *tool, int link, int valve)
{
        return 2 * load_write_us(tool, link, valve) +
               proof_calls(tool, link, valve) * look_us(tool, link, tool->tags[valve].device);
}

/* One line pulses at a time: the one that takes most. */
static void add_edges(struct load *out, const struct tool *tool, int link)
{
        int most = TOOL_NONE;
        double share = 0;
        for (int i = 0; i < tool->line_count; i++) {
                const struct tool_line *line = &tool->lines[i];
                if (!goes_over(tool, line, link))
                        continue;
                double part = (double)pulse_us(tool, link, line->valve) / period_of(line);
                if (most == TOOL_NONE || part > share) {
                        most = i;
                        share = part;
                }
        }
        if (most == TOOL_NONE)
                return;
        int valve = tool->lines[most].valve;
        for (int edge = 0; edge < 2; edge++)
                out->edges += add_call(out, tool, link, tool->tags[valve].device,
                    load_write_us(tool, link, valve), period_of(&tool->lines[most]));
        if (proof_calls(tool, link, valve) > 0)
                add_looks(
                    out, &out->edges, tool, link, tool->tags[valve].device, period_of(&tool->lines[most]));
}

static void find_busiest(struct load *out, const struct tool *tool)
{
        out->busiest = TOOL_NONE;
        for (int i = 0; i < tool->device_count; i++)
                if (out->device_share[i] > 0 &&
                    (out->busiest == TOOL_NONE || out->device_share[i] > out->device_share[out->busiest]))
                        out->busiest = i;
}

/* ---- Beside pulses on the same link ---- */

static int64_t request_guard_us(const struct tool *tool, int link, const struct plan_request *r)
{
        return load_guard_us(&tool->links[link], &tool->devices[r->device], load_request_us(tool, link, r));
}

/* The longer call of a feed's two. */
static int64_t feed_call_us(const struct tool *tool, int link, int device)
{
        return time_max(write_us(tool, link, device, TOOL_HOLDING, 1), look_us(tool, link, device));
}

/* Until a feed is there that is due now. */
static int64_t feed_us(const struct tool *tool, int link, int device)
{
        return look_us(tool, link, device) + tool->devices[device].pause_us +
               write_us(tool, link, device, TOOL_HOLDING, 1);
}

static int64_t feed_guard_us(const struct tool *tool, int link, int device)
{
        return load_guard_us(&tool->links[link], &tool->devices[device], feed_call_us(tool, link, device));
}

/* The longest guard window of what is called here beside edges, and the longest such call. */
static void find_longest(struct load *out, const struct tool *tool, int link, const struct plan *plan)
{
        for (int i = 0; i < plan->count; i++) {
                out->guard_us = time_max(out->guard_us, request_guard_us(tool, link, &plan->request[i]));
                out->call_us = time_max(out->call_us, load_request_us(tool, link, &plan->request[i]));
        }
        for (int i = 0; i < tool->device_count; i++) {
                if (!is_fed(tool, link, i))
                        continue;
                out->guard_us = time_max(out->guard_us, feed_guard_us(tool, link, i));
                out->call_us = time_max(out->call_us, feed_call_us(tool, link, i));
        }
}

static int64_t room_us(int64_t between_us, int64_t guard_us, int64_t edge_us)
{
        return time_max(between_us - guard_us - edge_us, 0);
}

/* The line whose pulses of the shortest period leave the least, with the longest guard window. */
static void find_room(struct load *out, const struct tool *tool, int link)
{
        for (int i = 0; i < tool->line_count; i++) {
                const struct tool_line *line = &tool->lines[i];
                if (!goes_over(tool, line, link))
                        continue;
                int64_t edge_us = load_write_us(tool, link, line->valve);
                int64_t room = room_us(line->pulse_us_min, out->guard_us, edge_us) +
                               room_us(line->purge_us_min, out->guard_us, edge_us);
                double free_share = (double)room / period_of(line);
                if (out->line != TOOL_NONE && free_share >= out->free_share)
                        continue;
                out->line = i;
                out->free_share = free_share;
        }
}

/* How long a call with this guard window has to wait beside the worst pulse of any line; *worst_us gets its width. A pulse
 * that is narrower than a window and an edge has no room in it, nor has the window before it: the worst is just as wide as
 * that, if the valve may be open for so long and not all of its pulses are wider. */
static int64_t blackout_us(const struct tool *tool, int link, int64_t guard_us, int64_t *worst_us)
{
        int64_t longest_us = 0;
        for (int i = 0; i < tool->line_count; i++) {
                const struct tool_line *line = &tool->lines[i];
                if (!goes_over(tool, line, link))
                        continue;
                int64_t full_us = guard_us + load_write_us(tool, link, line->valve);
                int64_t open_us = tool->tags[line->valve].max_open_us;
                int64_t widest_us = open_us > 0 ? time_min(open_us, full_us) : full_us;
                bool has_room = line->pulse_us_min >= full_us;
                int64_t blackout = full_us + (has_room ? 0 : widest_us);
                if (blackout <= longest_us)
                        continue;
                longest_us = blackout;
                *worst_us = has_room ? line->pulse_us_min : widest_us;
        }
        return longest_us;
}

static void refuse(struct load *out, enum load_verdict verdict, const struct tool *tool, int link,
    int64_t guard_us, int64_t needed_us)
{
        out->verdict = verdict;
        out->guard_us = guard_us;
        out->blackout_us = blackout_us(tool, link, guard_us, &out->worst_us);
        out->needed_us = needed_us;
}

/* The tag whose stale_after is missed by most. A value is as old as its period when the window begins, then nothing is
 * read, then everything is due at once. */
static void find_stale(struct load *out, const struct tool *tool, int link, const struct plan *plan)
{
        int64_t most_us = 0;
        for (int i = 0; i < plan->count; i++) {
                const struct plan_request *r = &plan->request[i];
                int64_t guard_us = request_guard_us(tool, link, r), width_us;
                int64_t needed_us =
                    r->period_us + blackout_us(tool, link, guard_us, &width_us) + out->round_us;
                for (int k = 0; k < r->tag_count; k++) {
                        int64_t over_us = needed_us - tool->tags[r->tags[k]].stale_us;
                        if (over_us <= most_us)
                                continue;
                        most_us = over_us;
                        out->tag = r->tags[k];
                        refuse(out, LOAD_STALE, tool, link, guard_us, needed_us);
                }
        }
}

/* A feed goes before polls, but not before the call that is under way. */
static void find_unfed(struct load *out, const struct tool *tool, int link)
{
        for (int i = 0; i < tool->device_count; i++) {
                const struct tool_watchdog *dog = &tool->devices[i].watchdog;
                if (!is_fed(tool, link, i))
                        continue;
                int64_t guard_us = feed_guard_us(tool, link, i), width_us;
                int64_t needed_us = dog->feed_us + blackout_us(tool, link, guard_us, &width_us) +
                                    out->call_us + feed_us(tool, link, i);
                if (needed_us <= dog->timeout_us)
                        continue;
                out->device = i;
                refuse(out, LOAD_UNFED, tool, link, guard_us, needed_us);
        }
}

static void judge(struct load *out, const struct tool *tool, int link, const struct plan *plan)
{
        double others = out->share - out->edges;
        if (out->share > LOAD_SHARE_MAX) {
                out->verdict = LOAD_FULL;
        } else if (out->busiest != TOOL_NONE && out->device_share[out->busiest] > LOAD_SHARE_MAX) {
                out->verdict = LOAD_DEVICE_FULL;
        } else if (out->is_shared && others > LOAD_SHARE_MAX * out->free_share) {
                out->verdict = LOAD_NO_ROOM;
        } else if (out->is_shared) {
                find_stale(out, tool, link, plan);
                find_unfed(out, tool, link);
        }
}

void load_compute(struct load *out, const struct tool *tool, int link, const struct plan *plan)
{
        assert(out && tool && plan && link >= 0 && link < tool->link_count);
        *out = (struct load){.line = TOOL_NONE, .tag = TOOL_NONE, .device = TOOL_NONE, .free_share = 1};
        add_polls(out, tool, link, plan);
        add_feeds(out, tool, link);
        add_writes(out, tool, link);
        add_edges(out, tool, link);
        out->share = out->polls + out->feeds + out->writes + out->edges;
        find_busiest(out, tool);
        find_longest(out, tool, link, plan);
        find_room(out, tool, link);
        out->is_shared = out->line != TOOL_NONE && out->guard_us > 0;
        out->blackout_us = blackout_us(tool, link, out->guard_us, &out->worst_us);
        judge(out, tool, link, plan);
}

void load_set_leads(struct tool *tool)
{
        for (int i = 0; i < tool->line_count; i++) {
                int link = tool->devices[tool->tags[tool->lines[i].valve].device].link;
                struct plan plan;
                struct load load;
                tool->lines[i].lead_us = 0;
                if (!plan_build(&plan, tool, link))
                        continue; /* which is refused elsewhere */
                load_compute(&load, tool, link, &plan);
                tool->lines[i].lead_us = load.is_shared ? load.guard_us : 0;
        }
}
