/* The proof of device watchdogs: once per start of the daemon or of the device, while the tool rests, a harmless output goes on,
 * the heartbeat stops, and its fall is timed (SAFETY.md, good-master checklist b). The core lights the output as it moves any
 * other, through the arbiter and with its own cause (V5), keeps everything else on the device safe, and orders the proof; the
 * device's link does it (link/proof.h) and says how it ended. Until it has passed, nothing that relies on the watchdog opens
 * (F2). What a proof brings about is never taken for a trip, nor a trip for a proof: an expiry is the proof's own only if it
 * was seen between the order and the link's word of its end. */
#include "core_state.h"

#include "ald/base/time.h" /* TIME_S, time_add_duration */

#include <stdio.h> /* snprintf */

/* The output reads back on by then, or is no proof output. */
#define LIT_US (2 * TIME_S)
/* The link's word of the end comes this long after the watchdog's time, or the proof is called off; and then this long after. */
#define WORD_US    (4 * TIME_S)
#define STOPPED_US (10 * TIME_S)
/* One that was broken off is repeated no sooner. */
#define AGAIN_US TIME_S
/* What a proof takes beside the watchdog's time, where a start-up waits for it. */
#define BESIDE_US (2 * TIME_S)

static const char guidance[] =
    "Nothing that relies on it will open. Look at the module's settings, then `aldctl reset` "
    "proves it again.";

static bool has_proof(const struct core *core, int device)
{
        return core->tool->devices[device].watchdog.present && core->tool->devices[device].proof_output >= 0;
}

static int lamp_of(const struct core *core, int device)
{
        return core->tool->devices[device].proof_output;
}

static bool is_link_up(const struct core *core, int device)
{
        const struct tool_device *d = &core->tool->devices[device];

        return core->link[d->link].is_up && core->link[d->poll_link].is_up;
}

bool core_is_proving(const struct core *core, int device)
{
        uint8_t state = core->proof[device].state;

        return state == CORE_PROOF_LIT || state == CORE_PROOF_ORDERED || state == CORE_PROOF_STOPPED;
}

/* Nobody wants anything on the device but its safe value. */
static bool is_wanted_safe(const struct core *core, int device)
{
        for (int i = 0; i < core->tool->tag_count; i++) {
                const struct tool_tag *t = &core->tool->tags[i];
                const struct output *out = &core->outs.out[i];

                if (t->is_output && t->device == device && (out->wanted < t->safe || out->wanted > t->safe))
                        return false;
        }
        return true;
}

static bool is_confirmed(const struct core *core, int device)
{
        for (int i = 0; i < core->tool->tag_count; i++)
                if (core->tool->tags[i].is_output && core->tool->tags[i].device == device &&
                    !output_is_confirmed(&core->outs, &core->snap, i))
                        return false;
        return true;
}

/* The tool rests: nothing acts, or doses, or is about to. A start-up is the first such time. */
static bool is_resting(const struct core *core)
{
        if (core->is_shutting_down || core->pulse.is_live)
                return false;
        if (core->state == MACHINE_HELD)
                return true;
        if (core->recipe != NULL || interlock_has_latches(&core->locks))
                return false;
        return core->state == MACHINE_STOPPED || core->state == MACHINE_IDLE ||
               core->state == MACHINE_COMPLETE || core->state == MACHINE_CLEARING ||
               core->state == MACHINE_RESETTING || (core->state == MACHINE_ABORTING && core->is_starting_up);
}

/* A start-up and a reset are bounded: what does not fit into them comes after. */
static bool has_time(const struct core *core, int device)
{
        int64_t needs_us = core->tool->devices[device].watchdog.timeout_us + BESIDE_US;
        int64_t bound_us = machine_bound_us(core->state);

        return bound_us == TIME_NEVER || core->now_us - core->state_us + needs_us < bound_us;
}

static bool could_begin(const struct core *core, int device)
{
        return core->proof[device].state == CORE_PROOF_WANTED &&
               core->watchdog[device] == TOOL_WATCHDOG_RUNNING && is_link_up(core, device) &&
               is_resting(core) && has_time(core, device) && is_wanted_safe(core, device);
}

bool core_awaits_proof(const struct core *core)
{
        for (int i = 0; i < core->tool->device_count; i++)
                if (has_proof(core, i) && (core_is_proving(core, i) || could_begin(core, i)))
                        return true;
        return false;
}

/* ---- how it ends ---- */

/* The output goes off again, and what an expiry may have moved is written and read anew. */
static void end(struct core *core, int device, enum core_proof_state state)
{
        struct core_proof *p = &core->proof[device];
        int lamp = lamp_of(core, device);

        p->state = (uint8_t)state;
        p->since_us = core->now_us + AGAIN_US;
        output_want(&core->outs, lamp, core->tool->tags[lamp].safe, CAUSE_PROOF);
        output_end_proof(&core->outs, device, core->now_us);
}

static void fail(struct core *core, int device, const char *why)
{
        struct core_proof *p = &core->proof[device];

        text_copy(p->why, sizeof p->why, why);
        end(core, device, CORE_PROOF_FAILED);
        core_log(core, "watchdog", RECORD_ALARM, core->tool->devices[device].name, "not proven: %s", p->why);
}

static void pass(struct core *core, int device)
{
        const struct tool_device *d = &core->tool->devices[device];
        struct core_proof *p = &core->proof[device];

        end(core, device, p->is_stale ? CORE_PROOF_WANTED : CORE_PROOF_PASSED);
        p->is_stale = false;
        core_log(core, "watchdog", RECORD_INFO, d->name,
            "proven: %s fell %.3f s after the last feed (its time is %.3f s)",
            core->tool->tags[d->proof_output].name, (double)p->measured_us / 1e6,
            (double)d->watchdog.timeout_us / 1e6);
}

static void fold_outcome(struct core *core, const struct event_watchdog *w)
{
        struct core_proof *p = &core->proof[w->device];
        bool is_asked = p->state == CORE_PROOF_ORDERED || p->state == CORE_PROOF_STOPPED;

        if (!is_asked) { /* given up long ago; or there is nothing to prove, where no links are */
                if (p->state == CORE_PROOF_WANTED && w->proof == WATCHDOG_PROOF_PASSED)
                        p->state = CORE_PROOF_PASSED;
                return;
        }
        p->ended_us = w->seen_us;
        p->measured_us = w->measured_us;
        if (w->proof == WATCHDOG_PROOF_PASSED && p->state != CORE_PROOF_STOPPED) {
                pass(core, w->device);
        } else if (w->proof == WATCHDOG_PROOF_FAILED) {
                fail(core, w->device, w->why);
        } else {
                core_log(core, "watchdog", RECORD_WARNING, core->tool->devices[w->device].name,
                    "its proof was broken off and will be repeated: %s", w->why);
                end(core, w->device, CORE_PROOF_WANTED);
        }
}

/* A device that was restarted is proven anew. */
static void fold_restart(struct core_proof *p)
{
        if (p->state == CORE_PROOF_PASSED || p->state == CORE_PROOF_FAILED)
                p->state = CORE_PROOF_WANTED;
        else
                p->is_stale = p->state != CORE_PROOF_WANTED;
}

bool core_fold_proof(struct core *core, const struct event_watchdog *w)
{
        struct core_proof *p = &core->proof[w->device];
        bool is_asked = p->state == CORE_PROOF_ORDERED || p->state == CORE_PROOF_STOPPED;
        bool is_own = w->proof == WATCHDOG_PROOF_NO_NEWS && p->began_us != 0 && w->seen_us >= p->began_us &&
                      (is_asked || w->seen_us <= p->ended_us);

        if (w->status == TOOL_WATCHDOG_EXPIRED && is_own) {
                core_log(core, "watchdog", RECORD_INFO, core->tool->devices[w->device].name,
                    "expired, as its proof wants");
                return true;
        }
        if (w->status == TOOL_WATCHDOG_OFF)
                fold_restart(p);
        if (w->proof != WATCHDOG_PROOF_NO_NEWS)
                fold_outcome(core, w);
        return false;
}

/* ---- how it goes on ---- */

static void begin(struct core *core, int device)
{
        struct core_proof *p = &core->proof[device];
        int lamp = lamp_of(core, device);

        p->state = CORE_PROOF_LIT;
        p->is_stale = false;
        p->since_us = core->now_us;
        output_begin_proof(&core->outs, device);
        output_want(&core->outs, lamp, 1, CAUSE_PROOF);
        core_log(core, "watchdog", RECORD_INFO, core->tool->devices[device].name,
            "being proven: %s goes on, and nothing feeds it until it falls", core->tool->tags[lamp].name);
}

/* Somebody needs the output to be off, or the device is out of reach. */
static bool must_stop(const struct core *core, int device)
{
        return core->outs.out[lamp_of(core, device)].wanted < 1 || !is_link_up(core, device) ||
               core->watchdog[device] != TOOL_WATCHDOG_RUNNING;
}

/* While its output only waits to be read back, nothing would let it fall within T1's time (seed 430). */
static bool is_tripped(const struct core *core)
{
        return core->state != MACHINE_HELD && interlock_has_latches(&core->locks);
}

static void order(struct core *core, int device, bool stop)
{
        struct core_proof *p = &core->proof[device];

        core_emit(core, EFFECT_PROVE)->u.prove =
            (struct effect_prove){.device = (int16_t)device, .stop = stop};
        p->since_us = core->now_us;
        if (!stop)
                p->began_us = core->now_us;
        p->state = stop ? CORE_PROOF_STOPPED : CORE_PROOF_ORDERED;
        if (stop)
                output_want(&core->outs, lamp_of(core, device), 0, CAUSE_PROOF);
}

static void go_on(struct core *core, int device)
{
        struct core_proof *p = &core->proof[device];
        int64_t passed_us = core->now_us - p->since_us;

        switch ((enum core_proof_state)p->state) {
        case CORE_PROOF_WANTED:
                if (could_begin(core, device) && passed_us >= 0 && is_confirmed(core, device))
                        begin(core, device);
                break;
        case CORE_PROOF_LIT:
                if (must_stop(core, device) || is_tripped(core))
                        end(core, device, CORE_PROOF_WANTED);
                else if (output_is_confirmed(&core->outs, &core->snap, lamp_of(core, device)))
                        order(core, device, false);
                else if (passed_us > LIT_US)
                        fail(core, device, "its output does not read back on");
                break;
        case CORE_PROOF_ORDERED:
                if (must_stop(core, device) ||
                    passed_us > core->tool->devices[device].watchdog.timeout_us + WORD_US)
                        order(core, device, true);
                break;
        case CORE_PROOF_STOPPED:
                if (passed_us > STOPPED_US)
                        fail(core, device, "its link says nothing of its end");
                break;
        case CORE_PROOF_PASSED:
        case CORE_PROOF_FAILED:
                break;
        }
}

static void alarm(struct core *core, int device)
{
        struct core_proof *p = &core->proof[device];
        bool stands = p->state == CORE_PROOF_FAILED;
        char id[TOOL_NAME_MAX + 8];

        if (!stands && !p->is_alarmed)
                return;
        p->is_alarmed = stands;
        snprintf(id, sizeof id, "proof-%s", core->tool->devices[device].name);
        core_alarm(core, id, stands, TOOL_PRIORITY_HIGH, guidance, "the watchdog of %s failed its proof: %s",
            core->tool->devices[device].name, p->why);
}

void core_prove_watchdogs(struct core *core)
{
        for (int i = 0; i < core->tool->device_count; i++) {
                if (!has_proof(core, i))
                        continue;
                go_on(core, i);
                alarm(core, i);
        }
}

void core_prove_again(struct core *core)
{
        for (int i = 0; i < core->tool->device_count; i++)
                if (core->proof[i].state == CORE_PROOF_FAILED)
                        core->proof[i].state = CORE_PROOF_WANTED;
}

/* ---- what stands on it ---- */

bool core_refuse_unproven(const struct core *core, int tag, struct effect_reply *reply)
{
        const char *name = core->tool->tags[tag].name;
        int device = core->tool->tags[tag].device;
        const struct tool_device *d = &core->tool->devices[device];
        const struct core_proof *p = &core->proof[device];
        char text[256];

        if (p->state == CORE_PROOF_PASSED)
                return false;
        if (p->state == CORE_PROOF_FAILED) {
                snprintf(text, sizeof text, "%s relies on the watchdog of %s, which failed its proof: %s",
                    name, d->name, p->why);
                core_refuse(
                    reply, text, "look at the module's settings, then `aldctl reset` proves it again");
        } else if (d->proof_output < 0) {
                snprintf(text, sizeof text, "%s relies on the watchdog of %s, which has not been proven",
                    name, d->name);
                core_refuse(reply, text,
                    "declare a harmless coil of the device as its `proof_output` in the tool file");
        } else {
                snprintf(text, sizeof text, "%s relies on the watchdog of %s, which %s", name, d->name,
                    core_is_proving(core, device) ? "is being proven" : "has not been proven yet");
                core_refuse(reply, text,
                    "it is proven at rest, with everything on the device safe: try again in a few seconds");
        }
        return true;
}
