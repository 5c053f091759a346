/* The whole daemon but its system calls, in virtual time: core, schedules and gate above the simulated tool (gate_rig.h). */
#ifndef TESTS_UNIT_MACHINE_RIG_H
#define TESTS_UNIT_MACHINE_RIG_H

#include "gate_rig.h"
#include "support.h"

#include "ald/core/core.h"

enum { EVENTS = 1024 };

static struct machine {
        struct tool *tool; /* taken */
        struct rig rig;
        struct core *core;
        struct effects effects;
        struct event queue[EVENTS];
        int queued, refused, turns, runs_ended;
        int cut_at, cut_link; /* after that turn this link is cut; 0 = never */
        int64_t cut_us;
        int64_t due_us;
} m;

static inline void machine_report(void *ctx, int link, struct event *e)
{
        (void)ctx;
        (void)link;
        ck_assert_int_lt(m.queued, EVENTS);
        m.queue[m.queued++] = *e;
        m.refused += e->kind == EVENT_WROTE && e->u.wrote.cause == CAUSE_GATE;
        m.refused += e->kind == EVENT_PULSE && e->u.pulse.outcome == PULSE_REFUSED;
}

static inline struct sched *machine_sched(int tag)
{
        return m.rig.link[m.tool->devices[m.tool->tags[tag].device].link].s;
}

static inline void machine_carry_out(const struct effect *e)
{
        if (e->kind == EFFECT_WRITE)
                sched_write(machine_sched(e->u.write.tag), &e->u.write, m.rig.now_us);
        if (e->kind == EFFECT_PULSE)
                sched_pulse(machine_sched(e->u.pulse.tag), &e->u.pulse, m.rig.now_us);
        if (e->kind == EFFECT_REVOKE)
                sched_revoke(machine_sched(e->u.revoke.tag), e->u.revoke.id, m.rig.now_us);
        for (int i = 0; i < m.tool->link_count && e->kind == EFFECT_FEED; i++) {
                sched_feed(m.rig.link[i].s, m.rig.now_us);
                sched_expect(m.rig.link[i].s, e->u.expected_us);
        }
        m.runs_ended += e->kind == EFFECT_RECORD && e->u.record.kind == RECORD_RUN_END;
        if (e->kind == EFFECT_PROVE)
                sched_prove(m.rig.link[m.tool->devices[e->u.prove.device].link].s, &e->u.prove, m.rig.now_us);
        if (e->kind == EFFECT_REARM)
                sched_rearm(m.rig.link[m.tool->devices[e->u.device].link].s, e->u.device);
}

static inline void machine_turn(struct event *e)
{
        e->now_us = m.rig.now_us;
        e->wall_us = 1700000000 * TIME_S + m.rig.now_us;
        m.due_us = core_step(m.core, e, &m.effects);
        for (int i = 0; i < m.effects.count; i++)
                machine_carry_out(&m.effects.item[i]);
        for (int i = 0; i < m.tool->link_count; i++)
                rig_ask(&m.rig, i);
        if (++m.turns != m.cut_at)
                return;
        m.rig.link[m.cut_link].is_cut = true;
        m.cut_us = m.rig.now_us;
}

static inline void machine_run(int64_t until_us)
{
        while (m.rig.now_us < until_us) {
                rig_advance(&m.rig, time_min(until_us, m.due_us));
                for (int i = 0; i < m.queued; i++) /* a turn may queue more */
                        machine_turn(&m.queue[i]);
                m.queued = 0;
                if (m.rig.now_us >= m.due_us)
                        machine_turn(&(struct event){.kind = EVENT_TICK});
        }
}

static inline enum machine_state machine_now(void)
{
        static struct core_status status;

        core_get_status(m.core, &status);
        return status.state;
}

static inline struct core_start machine_start(int64_t now_us)
{
        return (struct core_start){
            .now_us = now_us, .wall_us = 1700000000 * TIME_S, .next_run_id = 1, .store_ok = true};
}

/* Start up above the tool (taken), which is ready: the machine is Stopped then. */
static inline void machine_begin(struct tool *tool, uint64_t seed)
{
        struct sim_config sim = {.seed = seed, .ready = true};
        struct core_start start = machine_start(TIME_S);

        memset(&m, 0, sizeof m);
        m.tool = tool;
        rig_init(&m.rig, tool, seed, TIME_S);
        m.rig.report = machine_report;
        m.rig.sim = sim_new(tool, &sim);
        m.core = core_new(tool, &start);
        m.due_us = TIME_S;
        ck_assert(m.rig.sim && m.core);
        machine_run(6 * TIME_S);
        RIG_CHECK(&m.rig, machine_now() == MACHINE_STOPPED, "it did not start up: %s",
            machine_state_name(machine_now()));
}

static inline void machine_end(void)
{
        core_free(m.core);
        sim_free(m.rig.sim);
        rig_free(&m.rig);
        free(m.tool);
}

/* A command by an operator. */
static inline void machine_do(enum verb verb, const struct recipe *recipe)
{
        struct event e = {.kind = EVENT_COMMAND};

        e.u.command = (struct command){
            .reply = 1, .verb = verb, .role = TOOL_ROLE_OPERATOR, .user = "ann", .recipe = recipe};
        machine_turn(&e);
}

#endif
