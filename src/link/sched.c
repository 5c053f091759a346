#include "ald/link/sched.h"

#include "ald/base/time.h"        /* TIME_NEVER, time_min */
#include "ald/link/codec.h"       /* codec_encode */
#include "ald/link/load.h"        /* load_has_pulses */
#include "ald/link/sched_state.h" /* struct sched */

#include <assert.h> /* assert */
#include <stdlib.h> /* calloc, free */
#include <string.h> /* memset */

static void init_devices(struct sched *s)
{
        for (int i = 0; i < s->tool->device_count; i++) {
                const struct tool_device *d = &s->tool->devices[i];
                s->manners[i] = (struct sched_manners){.call_us = SCHED_CALL_US,
                    .ready_us = INT64_MIN,
                    .quiet_us = INT64_MIN,
                    .status = -1,
                    .status_reported = -1};
                s->has_watch[i] = d->link == s->link_index && d->watchdog.present;
                if (s->has_watch[i])
                        watch_init(&s->watches[i], &d->watchdog,
                            d->proof_output >= 0 ? &s->tool->tags[d->proof_output] : NULL);
        }
}

/* Does this link carry calls of its own accord, which will show whether it works? */
static bool has_proof(const struct sched *s)
{
        for (int i = 0; i < s->tool->device_count; i++)
                if (s->has_watch[i])
                        return true;
        return s->polls.plan.count > 0;
}

/* False: a safe value does not fit its register; nothing could ever make that output safe. */
static bool init_outputs(struct sched *s)
{
        for (int i = 0; i < s->tool->tag_count; i++) {
                const struct tool_tag *t = &s->tool->tags[i];
                uint16_t words[CODEC_WORDS_MAX];
                if (!t->is_output || s->tool->devices[t->device].link != s->link_index)
                        continue;
                if (!codec_encode(t, t->safe, words))
                        return false;
                s->outputs[s->output_count++] = (int16_t)i;
        }
        return true;
}

struct sched *sched_new(const struct tool *tool, int link, int64_t now_us)
{
        assert(tool && link >= 0 && link < tool->link_count);
        struct sched *s = calloc(1, sizeof *s);
        if (!s)
                return NULL;
        s->tool = tool;
        s->link = &tool->links[link];
        s->link_index = link;
        s->now_us = now_us;
        s->turn_us = INT64_MIN;
        s->expected_us = TIME_NEVER;
        s->has_pulses = load_has_pulses(tool, link);
        if (!pollset_init(&s->polls, tool, link, now_us) || !sched_init_serial(s) || !init_outputs(s)) {
                free(s);
                return NULL;
        }
        init_devices(s);
        sched_timed_init(s);
        gate_init(&s->gate, tool, link, now_us);
        if (s->quarantine.is_serial)
                s->gate.doubt_us = s->quarantine.length_us;
        conn_init(&s->conn, s->link, has_proof(s), now_us);
        return s;
}

void sched_free(struct sched *s)
{
        free(s);
}

void sched_left_open(struct sched *s)
{
        gate_left_open(&s->gate);
}

/* ---- Reports of orders. Room for every order under way is kept free. ---- */

static int count_pairs(const struct sched *s)
{
        int n = 0;
        for (int i = 0; i < SCHED_PAIRS_MAX; i++)
                n += pair_is_live(&s->pairs[i]);
        return n;
}

/* Places for reports that no order under way will need. */
static int count_free_reports(const struct sched *s)
{
        return SCHED_REPORTS_MAX - s->report_count - s->writes.count - count_pairs(s);
}

bool sched_hears(const struct sched *s)
{
        return count_free_reports(s) > 0;
}

int sched_room(const struct sched *s)
{
        int reports = count_free_reports(s) - SCHED_REPORTS_SPARE;
        int writes = WRITEQ_MAX - s->writes.count;
        int room = reports < writes ? reports : writes;
        return room > 0 ? room : 0;
}

static struct sched_report_item *push_report(struct sched *s)
{
        if (s->report_count == SCHED_REPORTS_MAX)
                return NULL;
        int at = (s->report_head + s->report_count++) % SCHED_REPORTS_MAX;
        memset(&s->reports[at], 0, sizeof s->reports[at]);
        s->reports[at].n = s->report_n++;
        return &s->reports[at];
}

void sched_push_pulse(struct sched *s, const struct event_pulse *pulse)
{
        struct sched_report_item *item = push_report(s);
        if (!item)
                return; /* only ever an order that was refused for want of room */
        item->is_pulse = true;
        item->u.pulse = *pulse;
}

void sched_push_wrote(void *ctx, const struct event_wrote *wrote)
{
        struct sched_report_item *item = push_report(ctx);
        if (item)
                item->u.wrote = *wrote;
}

void sched_fail_write(struct sched *s, int i, enum cause cause, int64_t sent_us)
{
        const struct effect_write order = s->writes.item[i].order;
        struct event_wrote how = {.cause = (uint8_t)cause, .sent_us = sent_us};
        writeq_end(&s->writes, i, &how, sched_push_wrote, s);
        if (order.is_safe)
                sched_owe(s, order.tag, order.cause);
}

void sched_owe(struct sched *s, int tag, enum cause cause)
{
        assert(tag >= 0 && tag < s->tool->tag_count);
        struct sched_owed *o = &s->owed[tag];
        if (o->is_owed)
                return;
        o->is_owed = true;
        o->cause = (uint8_t)cause;
        o->retry_us = INT64_MIN;
}

/* ---- Orders ---- */

struct pair *sched_pair_of(struct sched *s, int tag)
{
        for (int i = 0; i < SCHED_PAIRS_MAX; i++)
                if (pair_is_live(&s->pairs[i]) && s->pairs[i].times.tag == tag)
                        return &s->pairs[i];
        return NULL;
}

static struct pair *find_free_pair(struct sched *s)
{
        for (int i = 0; i < SCHED_PAIRS_MAX; i++)
                if (!pair_is_live(&s->pairs[i]))
                        return &s->pairs[i];
        return NULL;
}

static void revoke(struct sched *s, struct pair *p, int64_t now_us)
{
        if (!pair_revoke(p, now_us))
                return;
        struct event_pulse ended;
        pair_end_closed(p, PULSE_REVOKED, &ended);
        sched_push_pulse(s, &ended);
}

bool sched_write(struct sched *s, const struct effect_write *w, int64_t now_us)
{
        assert(w->tag >= 0 && w->tag < s->tool->tag_count && s->tool->tags[w->tag].is_output);
        assert(s->tool->devices[s->tool->tags[w->tag].device].link == s->link_index);
        struct effect_write order = *w;
        order.is_safe = w->value == s->tool->tags[w->tag].safe; /* its own judgement, not the core's word */
        struct pair *p = sched_pair_of(s, w->tag);
        if (order.is_safe && p)
                revoke(s, p, now_us); /* room or not */
        if (sched_room(s) == 0 || !writeq_add(&s->writes, &order)) {
                struct event_wrote no = {.tag = w->tag, .cause = w->cause, .id = w->id, .value = w->value};
                sched_push_wrote(s, &no);
                if (order.is_safe)
                        sched_owe(s, w->tag, w->cause);
                return false;
        }
        if (order.is_safe)
                s->owed[w->tag].is_owed = s->job == SCHED_JOB_OWED && s->job_index == w->tag;
        return true;
}

static bool is_sound_pulse(struct sched *s, const struct effect_pulse *o)
{
        const struct tool_tag *t = &s->tool->tags[o->tag];
        if (o->open_us < 0 || o->close_us <= o->open_us || sched_pair_of(s, o->tag) || s->is_stopping)
                return false;
        return t->max_open_us <= 0 || o->close_us - o->open_us <= t->max_open_us; /* SAFETY V3 */
}

static bool refuse_pulse(struct sched *s, const struct effect_pulse *o, bool has_room)
{
        struct event_pulse no = {.id = o->id, .tag = o->tag, .outcome = PULSE_REFUSED};
        sched_push_pulse(s, &no);
        return has_room;
}

bool sched_pulse(struct sched *s, const struct effect_pulse *o, int64_t now_us)
{
        assert(o->tag >= 0 && o->tag < s->tool->tag_count && s->tool->tags[o->tag].is_output);
        assert(s->tool->devices[s->tool->tags[o->tag].device].link == s->link_index);
        (void)now_us;
        struct pair *p = find_free_pair(s);
        bool has_room = p && sched_room(s) > 0;
        if (!has_room || !is_sound_pulse(s, o))
                return refuse_pulse(s, o, has_room);
        if (s->tool->tags[o->tag].pulse.present)
                return sched_timed_arm(s, p, o) || refuse_pulse(s, o, true);
        pair_arm(p, o);
        return true;
}

void sched_revoke(struct sched *s, uint32_t id, int64_t now_us)
{
        for (int i = 0; i < SCHED_PAIRS_MAX; i++)
                if (pair_is_live(&s->pairs[i]) && s->pairs[i].times.id == id)
                        revoke(s, &s->pairs[i], now_us);
}

void sched_revoke_all(struct sched *s, int64_t now_us)
{
        for (int i = 0; i < SCHED_PAIRS_MAX; i++)
                revoke(s, &s->pairs[i], now_us);
}

void sched_feed(struct sched *s, int64_t turn_us)
{
        if (turn_us > s->turn_us)
                s->turn_us = turn_us;
}

void sched_expect(struct sched *s, int64_t open_us)
{
        s->expected_us = s->has_pulses ? open_us : TIME_NEVER;
}

void sched_rearm(struct sched *s, int device)
{
        assert(device >= 0 && device < s->tool->device_count);
        if (s->has_watch[device])
                watch_rearm(&s->watches[device]);
}

void sched_stop(struct sched *s, int64_t now_us)
{
        s->is_stopping = true;
        sched_revoke_all(s, now_us);
        for (int i = 0; i < s->output_count; i++) {
                int tag = s->outputs[i];
                if (s->tool->tags[tag].lease_us > 0 && s->gate.out[tag].is_energised &&
                    !s->gate.out[tag].is_timed)
                        sched_owe(s, tag, CAUSE_SHUTDOWN); /* nobody will renew its lease */
        }
}

bool sched_is_idle(const struct sched *s)
{
        if (s->job != SCHED_JOB_NONE || s->writes.count > 0 || count_pairs(s) > 0)
                return false;
        for (int i = 0; i < s->output_count; i++)
                if (s->owed[s->outputs[i]].is_owed)
                        return false;
        return true;
}

int64_t sched_skipped(const struct sched *s)
{
        return s->polls.skipped;
}

int64_t sched_next_edge(const struct sched *s)
{
        int64_t edge = TIME_NEVER;
        for (int i = 0; i < SCHED_PAIRS_MAX; i++)
                edge = time_min(edge, pair_edge(&s->pairs[i]));
        return edge;
}

/* ---- What the worker asks ---- */

void sched_next(struct sched *s, int64_t now_us, struct sched_action *action)
{
        assert(s->job == SCHED_JOB_NONE && now_us >= s->now_us);
        s->now_us = now_us;
        if (s->turn_us > now_us)
                s->turn_us = now_us; /* a turn cannot lie ahead, whatever the core says */
        memset(action, 0, sizeof *action);
        sched_pick(s, action);
        assert(action->kind == SCHED_WAIT || s->job != SCHED_JOB_NONE);
}

void sched_done(struct sched *s, const struct sched_result *result)
{
        assert(s->job != SCHED_JOB_NONE);
        if (result->done_us > s->now_us)
                s->now_us = result->done_us;
        sched_finish(s, result);
        assert(s->job == SCHED_JOB_NONE);
}

void sched_lost(struct sched *s, int64_t now_us, const char *why)
{
        assert(s->job == SCHED_JOB_NONE);
        if (s->conn.is_connected && !s->conn.must_drop && conn_broke(&s->conn, now_us, why))
                pollset_fail_all(&s->polls, now_us);
}

/* ---- Reports ---- */

/* The oldest report of an owed safe value, or NULL. */
static struct sched_owed *find_owed_report(struct sched *s)
{
        struct sched_owed *first = NULL;
        for (int i = 0; i < s->output_count; i++) {
                struct sched_owed *o = &s->owed[s->outputs[i]];
                if (o->is_done && (!first || o->report_n < first->report_n))
                        first = o;
        }
        return first;
}

static bool report_order(struct sched *s, struct event *out)
{
        const struct sched_owed *owed = find_owed_report(s);
        if (s->report_count == 0 || (owed && owed->report_n < s->reports[s->report_head].n))
                return false;
        const struct sched_report_item *item = &s->reports[s->report_head];
        s->report_head = (s->report_head + 1) % SCHED_REPORTS_MAX;
        s->report_count--;
        out->kind = item->is_pulse ? EVENT_PULSE : EVENT_WROTE;
        if (item->is_pulse)
                out->u.pulse = item->u.pulse;
        else
                out->u.wrote = item->u.wrote;
        return true;
}

static bool report_owed(struct sched *s, struct event *out)
{
        struct sched_owed *o = find_owed_report(s);
        if (!o)
                return false;
        o->is_done = false;
        out->kind = EVENT_WROTE;
        out->u.wrote = o->report;
        return true;
}

static bool report_link(struct sched *s, struct event *out)
{
        struct event_link link;
        if (!conn_report(&s->conn, &link))
                return false;
        link.link = (int16_t)s->link_index;
        out->kind = EVENT_LINK;
        out->u.link = link;
        return true;
}

bool sched_report(struct sched *s, struct event *out)
{
        out->now_us = 0;
        out->wall_us = 0;
        return report_order(s, out) || report_owed(s, out) || sched_report_watchdog(s, out) ||
               report_link(s, out) || pollset_report(&s->polls, out);
}
