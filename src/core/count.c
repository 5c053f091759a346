/* Openings: each one once, from where its edges are known.
 *
 * A valve that stays open is counted by what its link answered, or by its read-back where the answer was lost; a timed opening by
 * its two edges. At the start the record says how each was left, so that a valve which a restart finds open has not opened
 * again. What is told here (RECORD_VALVE) the store adds up; the sums kept here are to warn by, and move nothing. */
#include "core_state.h"

#include "ald/base/time.h" /* TIME_H, TIME_S */

#include <stdio.h>  /* snprintf */
#include <string.h> /* strcmp */

/* Read-backs that are counted in one turn; the others come with the next one. */
enum { SEEN_IN_A_TURN = 4 };

void core_init_counts(struct core *core, const struct counts *before)
{
        for (int i = 0; i < core->tool->tag_count; i++) {
                const struct tool_tag *t = &core->tool->tags[i];

                if (!tool_is_counted(core->tool, i))
                        continue;
                core->counts.valve[i].is_open = t->safe > 0;
                if (before == NULL)
                        continue;
                if (before->valve[i].is_known)
                        core->counts.valve[i].is_open = before->valve[i].is_open;
                core->counts.valve[i].actuations = before->valve[i].actuations;
                core->counts.valve[i].open_us = before->valve[i].open_us;
        }
        for (int i = 0; i < core->tool->line_count; i++) {
                core->counts.bottle[i].content_g = core->tool->lines[i].bottle.content_g;
                if (before != NULL)
                        core->counts.bottle[i] = before->bottle[i];
        }
}

/* ---- valves that stay open ---- */

static struct record_valve *tell(struct core *core, int tag, enum record_valve_what what)
{
        struct record_valve *v = &core_record(core, RECORD_VALVE)->u.valve;

        v->tag = (int16_t)tag;
        v->line = (int16_t)tool_find_line_of_valve(core->tool, tag);
        v->what = (uint8_t)what;
        return v;
}

static void see_open(struct core *core, int tag, int64_t at_us)
{
        struct record_valve *v = tell(core, tag, RECORD_VALVE_OPENED);

        v->is_actuation = !core->counts.valve[tag].is_open;
        v->since_us = core_wall(core, at_us);
        core->counts.valve[tag].actuations += v->is_actuation;
        core->counts.valve[tag].is_open = true;
        core->counts.valve[tag].since_us = at_us;
}

/* One that the record left open and nobody has seen open since adds nothing. */
static void see_closed(struct core *core, int tag, int64_t at_us)
{
        int64_t since_us = core->counts.valve[tag].is_seen ? core->counts.valve[tag].since_us : at_us;
        struct record_valve *v = tell(core, tag, RECORD_VALVE_CLOSED);

        v->open_us = at_us > since_us ? at_us - since_us : 0;
        core->counts.valve[tag].open_us += v->open_us;
        core->counts.valve[tag].is_open = false;
}

/* True: it was news. */
static bool see(struct core *core, int tag, bool is_open, int64_t at_us)
{
        bool is_seen = core->counts.valve[tag].is_seen, was_open = core->counts.valve[tag].is_open;

        if (is_open && (!was_open || !is_seen))
                see_open(core, tag, at_us);
        if (!is_open && was_open)
                see_closed(core, tag, at_us);
        core->counts.valve[tag].is_seen = true;
        return is_open != was_open || (is_open && !is_seen);
}

void core_count_write(struct core *core, const struct event_wrote *w)
{
        if (w->ok && tool_is_counted(core->tool, w->tag))
                see(core, w->tag, w->value > 0, w->sent_us);
}

static void see_read_backs(struct core *core)
{
        int n = 0;

        for (int i = 0; i < core->tool->tag_count && n < SEEN_IN_A_TURN; i++) {
                const struct output *out = &core->outs.out[i];
                bool is_open = out->commanded > 0;

                if (!tool_is_counted(core->tool, i) || !out->has_commanded || out->pulse_id != 0 ||
                    (core->counts.valve[i].is_seen && core->counts.valve[i].is_open == is_open) ||
                    !output_is_confirmed(&core->outs, &core->snap, i))
                        continue;
                n += see(core, i, is_open, out->commanded_us);
        }
}

/* ---- timed openings ---- */

void core_count_handed_over(struct core *core)
{
        const struct core_pulse *pulse = &core->pulse;
        struct record_valve *v = tell(core, pulse->tag, RECORD_VALVE_PLANNED);

        v->since_us = core_wall(core, pulse->open_us);
        v->open_us = pulse->close_us - pulse->open_us;
}

/* An opening whose close is not known counts as it was planned. */
void core_count_pulse(struct core *core, const struct event_pulse *p)
{
        const struct core_pulse *pulse = &core->pulse;
        struct record_valve *v = tell(core, pulse->tag, RECORD_VALVE_ENDED);
        struct count_bottle *bottle = v->line >= 0 ? &core->counts.bottle[v->line] : NULL;

        v->is_actuation = p->open_sent_us != 0;
        if (!v->is_actuation)
                return;
        v->open_us = p->close_sent_us > p->open_sent_us ? p->close_sent_us - p->open_sent_us
                                                        : pulse->close_us - pulse->open_us;
        v->used_umol = p->used_umol;
        core->counts.valve[pulse->tag].actuations++;
        core->counts.valve[pulse->tag].open_us += v->open_us;
        if (bottle == NULL)
                return;
        bottle->pulses++;
        bottle->open_us += v->open_us;
        bottle->used_umol += v->used_umol;
}

/* ---- limits that warn ---- */

/* True: the alarm is to be fed. Texts are made only where one stands or has just ended. */
static bool is_news(bool stands, bool *is_told)
{
        bool was_told = *is_told;

        *is_told = stands;
        return stands || was_told;
}

/* The present opening included. */
static int64_t open_time(const struct core *core, int tag)
{
        bool is_open = core->counts.valve[tag].is_open && core->counts.valve[tag].is_seen;

        return core->counts.valve[tag].open_us +
               (is_open ? core->now_us - core->counts.valve[tag].since_us : 0);
}

static void watch_valve(struct core *core, int tag)
{
        const struct tool_tag *t = &core->tool->tags[tag];
        int64_t actuations = core->counts.valve[tag].actuations, open_us = open_time(core, tag);
        bool is_often = t->actuations_max > 0 && actuations > t->actuations_max;
        char id[TOOL_NAME_MAX], guidance[TOOL_TEXT_MAX];
        bool is_long;

        is_long = t->open_us_max > 0 && open_us > t->open_us_max;
        if (!is_news(is_often || is_long, &core->counts.valve[tag].is_told))
                return;
        snprintf(id, sizeof id, "worn-%.42s", t->name);
        snprintf(guidance, sizeof guidance,
            "Replace it when the tool is at rest, then `aldctl counters reset %s`.", t->name);
        if (is_often)
                core_alarm(core, id, true, TOOL_PRIORITY_LOW, guidance,
                    "%s went %s %lld times; its limit is %lld", t->name, t->is_valve ? "open" : "on",
                    (long long)actuations, (long long)t->actuations_max);
        else
                core_alarm(core, id, is_long, TOOL_PRIORITY_LOW, guidance,
                    "%s was %s for %.1f h; its limit is %.1f h", t->name, t->is_valve ? "open" : "on",
                    (double)open_us / (double)TIME_H, (double)t->open_us_max / (double)TIME_H);
}

static double left_g(const struct core *core, int line)
{
        const struct count_bottle *b = &core->counts.bottle[line];

        return b->content_g - b->used_umol * 1e-6 * core->tool->sim.line[line].molar_mass;
}

static void watch_bottle(struct core *core, int line)
{
        const struct tool_line *l = &core->tool->lines[line];
        const struct count_bottle *b = &core->counts.bottle[line];
        bool is_often = l->bottle.pulses_max > 0 && b->pulses > l->bottle.pulses_max;
        bool is_low = l->bottle.warn_part > 0 && b->content_g > 0 && tool_knows_delivery(core->tool, line) &&
                      left_g(core, line) <= l->bottle.warn_part * b->content_g;
        char id[TOOL_NAME_MAX], guidance[TOOL_TEXT_MAX];

        if (!is_news(is_often || is_low, &core->counts.is_bottle_told[line]))
                return;
        snprintf(id, sizeof id, "bottle-%.40s", l->name);
        snprintf(
            guidance, sizeof guidance, "Change the bottle after the run, then `aldctl bottle %s`.", l->name);
        if (is_often)
                core_alarm(core, id, true, TOOL_PRIORITY_LOW, guidance,
                    "the bottle of %s gave %lld pulses; its limit is %lld", l->name, (long long)b->pulses,
                    (long long)l->bottle.pulses_max);
        else
                core_alarm(core, id, is_low, TOOL_PRIORITY_LOW, guidance,
                    "the bottle of %s holds about %.3g g of %.3g g", l->name, left_g(core, line),
                    b->content_g);
}

void core_watch_counts(struct core *core)
{
        see_read_backs(core);
        for (int i = 0; i < core->tool->tag_count; i++)
                if (core->tool->tags[i].is_output)
                        watch_valve(core, i);
        for (int i = 0; i < core->tool->line_count; i++)
                watch_bottle(core, i);
}

/* ---- the verbs ---- */

static bool is_in_program(const struct core *core, int line)
{
        for (int32_t i = 0; core->recipe != NULL && i < core->recipe->op_count; i++)
                if (core->recipe->ops[i].kind == RECIPE_PULSE && core->recipe->ops[i].line == line)
                        return true;
        return false;
}

/* Nobody opens a bottle that the run draws from, or while anything is dosed. */
static bool refuse_bottle(const struct core *core, int line, struct effect_reply *reply)
{
        char text[256];

        if (line < 0) {
                struct text hint;

                core_refuse(reply, "bottle: that is no precursor line", "");
                text_init(&hint, reply->hint, sizeof reply->hint);
                for (int i = 0; i < core->tool->line_count; i++)
                        text_add(
                            &hint, "%s%s", i > 0 ? ", " : "precursor lines are: ", core->tool->lines[i].name);
                return true;
        }
        if (is_in_program(core, line)) {
                snprintf(text, sizeof text, "the run uses %s", core->tool->lines[line].name);
                core_refuse(reply, text, "wait for the run to end, or `aldctl stop`; then change the bottle");
                return true;
        }
        for (int i = 0; i < core->tool->tag_count; i++) {
                const struct tool_tag *t = &core->tool->tags[i];

                if (!t->is_output || t->class == TOOL_CLASS_PLAIN || !output_may_be_open(&core->outs, i))
                        continue;
                snprintf(text, sizeof text, "%s may be open", t->name);
                core_refuse(reply, text, "a bottle is changed with every precursor closed");
                return true;
        }
        return false;
}

static void add_lot(struct text *t, const char *lot, double content_g)
{
        if (lot[0] != '\0')
                text_add(t, ", lot %s", lot);
        if (content_g > 0)
                text_add(t, ", %.4g g", content_g);
}

/* What the old one gave, and what the new one is. */
static void log_bottle(struct core *core, int line, const struct count_bottle *now, const char *user)
{
        const struct count_bottle *old = &core->counts.bottle[line];
        char text[224];
        struct text t;

        text_init(&t, text, sizeof text);
        text_add(&t, "changed by %.47s: new", user);
        add_lot(&t, now->lot, now->content_g);
        text_add(&t, "; old");
        add_lot(&t, old->lot, old->content_g);
        text_add(
            &t, ": %lld pulses, open %.1f s", (long long)old->pulses, (double)old->open_us / (double)TIME_S);
        if (tool_knows_delivery(core->tool, line))
                text_add(
                    &t, ", gave about %.3g g", old->used_umol * 1e-6 * core->tool->sim.line[line].molar_mass);
        core_log(core, "bottle", RECORD_INFO, core->tool->lines[line].name, "%s", text);
}

void core_do_bottle(struct core *core, const struct command *command, struct effect_reply *reply)
{
        int line = command->tag >= 0 ? tool_find_line_of_valve(core->tool, command->tag) : TOOL_NONE;
        struct count_bottle now = {0};
        struct record_bottle *b;

        if (refuse_bottle(core, line, reply))
                return;
        now.content_g = command->value > 0 ? command->value : core->tool->lines[line].bottle.content_g;
        text_copy(now.lot, sizeof now.lot, command->reason);
        log_bottle(core, line, &now, command->user);
        b = &core_record(core, RECORD_BOTTLE)->u.bottle;
        b->line = (int16_t)line;
        b->content_g = now.content_g;
        text_copy(b->lot, sizeof b->lot, now.lot);
        core->counts.bottle[line] = now;
        snprintf(reply->text, sizeof reply->text, "%s has a new bottle: its counts begin at zero",
            core->tool->lines[line].name);
}

void core_do_counters(struct core *core, const struct command *command, struct effect_reply *reply)
{
        int tag = command->tag;

        if (strcmp(command->name, "reset") != 0) {
                core_refuse(reply, "counters: the action is `reset`", "`aldctl counters` alone lists them");
                return;
        }
        if (tag < 0 || tag >= core->tool->tag_count || !tool_is_counted(core->tool, tag)) {
                core_refuse(reply, "counters: it has no counts", "`aldctl counters` lists what is counted");
                return;
        }
        core_log(core, "counters", RECORD_INFO, core->tool->tags[tag].name,
            "from zero again, by %.47s; it had opened %lld times and was open for %.1f s", command->user,
            (long long)core->counts.valve[tag].actuations, (double)open_time(core, tag) / (double)TIME_S);
        tell(core, tag, RECORD_VALVE_RENEWED);
        core->counts.valve[tag].actuations = core->counts.valve[tag].open_us = 0;
        core->counts.valve[tag].since_us = core->now_us;
        snprintf(
            reply->text, sizeof reply->text, "the counts of %s begin at zero", core->tool->tags[tag].name);
}
