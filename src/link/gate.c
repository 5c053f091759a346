#include "ald/link/gate.h"

#include "ald/base/time.h" /* TIME_NEVER, time_add */

#include <assert.h> /* assert */
#include <string.h> /* memset */

static bool is_ours(const struct gate *gate, int tag)
{
        const struct tool_tag *t = &gate->tool->tags[tag];
        return t->is_output && gate->tool->devices[t->device].link == gate->link;
}

/* NaN is neither safe nor closed. */
static bool is_safe(const struct gate *gate, int tag, double value)
{
        return value == gate->tool->tags[tag].safe;
}

static bool is_closed(double value)
{
        return value == 0.0;
}

void gate_init(struct gate *gate, const struct tool *tool, int link, int64_t now_us)
{
        assert(gate && tool && link >= 0 && link < tool->link_count);
        memset(gate, 0, sizeof *gate);
        gate->tool = tool;
        gate->link = link;
        gate->doubt_us = tool->links[link].timeout_us;
        for (int i = 0; i < tool->tag_count; i++)
                gate->out[i] = (struct gate_output){.is_energised = tool->tags[i].max_open_us > 0,
                    .energised_us = now_us,
                    .closed_us = INT64_MIN,
                    .sure_us = INT64_MIN};
}

void gate_left_open(struct gate *gate)
{
        for (int i = 0; i < gate->tool->tag_count; i++)
                gate->out[i].may_be_open = gate->out[i].may_be_open || !gate->out[i].is_known;
}

static bool names(const struct tool_interlock *k, int tag)
{
        for (int i = 0; i < k->output_count; i++)
                if (k->outputs[i] == tag)
                        return true;
        return false;
}

/* The first member of the group, other than `tag`, that is not known to be closed. */
static int find_open_member(const struct gate *gate, const struct tool_interlock *k, int tag)
{
        for (int i = 0; i < k->output_count; i++) {
                int other = k->outputs[i];
                if (other == tag || !is_ours(gate, other))
                        continue;
                if (!gate->out[other].is_known || gate->out[other].may_be_open)
                        return other;
        }
        return TOOL_NONE;
}

int gate_blocker(const struct gate *gate, int tag)
{
        assert(tag >= 0 && tag < gate->tool->tag_count);
        for (int i = 0; i < gate->tool->interlock_count; i++) {
                const struct tool_interlock *k = &gate->tool->interlocks[i];
                if (k->kind != TOOL_EXCLUSIVE || !names(k, tag))
                        continue;
                int other = find_open_member(gate, k, tag);
                if (other != TOOL_NONE)
                        return other;
        }
        return TOOL_NONE;
}

/* Was a member of one of its groups closed so lately that the group's purge is not over? */
static bool is_purging(const struct gate *gate, int tag, int64_t now_us)
{
        for (int i = 0; i < gate->tool->interlock_count; i++) {
                const struct tool_interlock *k = &gate->tool->interlocks[i];
                if (k->kind != TOOL_EXCLUSIVE || k->purge_us <= GATE_PURGE_SLACK_US || !names(k, tag))
                        continue;
                for (int m = 0; m < k->output_count; m++) {
                        int64_t closed_us = gate->out[k->outputs[m]].closed_us;
                        if (k->outputs[m] != tag && closed_us != INT64_MIN &&
                            now_us < time_add(closed_us, k->purge_us - GATE_PURGE_SLACK_US))
                                return true;
                }
        }
        return false;
}

enum gate_verdict gate_check(const struct gate *gate, int tag, double value, int64_t now_us)
{
        assert(tag >= 0 && tag < gate->tool->tag_count);
        if (is_safe(gate, tag, value) || is_closed(value))
                return GATE_PASS;
        int other = gate_blocker(gate, tag);
        if (other != TOOL_NONE)
                return gate->out[other].may_be_open ? GATE_EXCLUDED : GATE_UNKNOWN;
        return is_purging(gate, tag, now_us) ? GATE_PURGING : GATE_PASS;
}

void gate_sending(struct gate *gate, int tag, double value, int64_t now_us)
{
        assert(tag >= 0 && tag < gate->tool->tag_count);
        struct gate_output *o = &gate->out[tag];
        if (!is_closed(value))
                o->may_be_open = true;
        if (is_safe(gate, tag, value))
                return;
        if (!o->is_energised)
                o->energised_us = now_us;
        o->is_energised = o->is_leased = true;
}

void gate_acked(struct gate *gate, int tag, double value, int64_t sent_us, int64_t done_us)
{
        assert(tag >= 0 && tag < gate->tool->tag_count);
        struct gate_output *o = &gate->out[tag];
        if (o->is_lost)
                o->sure_us = time_add(done_us, gate->doubt_us);
        o->is_lost = false;
        if (sent_us < o->sure_us)
                return; /* gate_sending() has noted the worst of it */
        if (o->may_be_open && is_closed(value))
                o->closed_us = sent_us;
        o->is_known = true;
        o->may_be_open = !is_closed(value);
        if (is_safe(gate, tag, value))
                o->is_energised = o->is_leased = false;
}

void gate_lost(struct gate *gate, int tag, double value)
{
        assert(tag >= 0 && tag < gate->tool->tag_count);
        if (!is_safe(gate, tag, value)) /* a safe value that comes late does no harm */
                gate->out[tag].is_lost = true;
}

bool gate_is_doubtful(const struct gate *gate, int tag, int64_t *from_us)
{
        assert(tag >= 0 && tag < gate->tool->tag_count && from_us);
        *from_us = gate->out[tag].sure_us;
        return gate->out[tag].is_energised;
}

void gate_set_timed(struct gate *gate, int tag, bool is_timed)
{
        assert(tag >= 0 && tag < gate->tool->tag_count);
        gate->out[tag].is_timed = is_timed;
}

int64_t gate_limit(const struct gate *gate, int tag, int64_t turn_us, enum cause *cause)
{
        assert(tag >= 0 && tag < gate->tool->tag_count && cause);
        const struct tool_tag *t = &gate->tool->tags[tag];
        const struct gate_output *o = &gate->out[tag];
        *cause = CAUSE_NONE;
        if (!o->is_energised || o->is_timed)
                return TIME_NEVER;
        int64_t limit = TIME_NEVER;
        if (t->max_open_us > 0) {
                limit = time_add(o->energised_us, t->max_open_us);
                *cause = CAUSE_DEADLINE;
        }
        if (t->lease_us > 0 && o->is_leased && time_add(turn_us, t->lease_us) < limit) {
                limit = time_add(turn_us, t->lease_us);
                *cause = CAUSE_LEASE;
        }
        return limit;
}
