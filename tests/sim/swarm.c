#include "swarm.h"

#include "drill.h" /* drill_at */

#include "ald/base/time.h" /* TIME_S */
#include "ald/core/core.h" /* core_get_status */

#include <stdarg.h> /* va_list */
#include <stdio.h>  /* snprintf */
#include <string.h> /* memset, strcmp */

static const char *const count_names[SWARM_COUNTS] = {"runs", "completed", "cycles", "pulses done",
    "pulses cut", "pulses otherwise", "trips", "permits lost", "exposures", "vents", "bypasses",
    "moves by hand", "watchdogs expired", "processes ended", "commands", "refusals", "given up",
    "trips in a pulse", "holds in a pulse", "crashes in a pulse", "stalls in a pulse", "watchdogs in a pulse",
    "trips in a purge", "holds in a purge", "crashes in a purge", "trips in an expose", "holds in an expose",
    "crashes in an expose", "trips in a vent", "holds in a vent", "trips in a leak check",
    "holds in a leak check", "pulses repeated"};

bool swarm_count_is_owed(int count)
{
        return count != SWARM_GIVEN_UP;
}

const char *swarm_count_name(int count)
{
        return count_names[count];
}

void swarm_say(struct swarm *s, const char *fmt, ...)
{
        char text[160];
        va_list args;

        if (s->config->say == NULL)
                return;
        va_start(args, fmt);
        vsnprintf(text, sizeof text, fmt, args);
        va_end(args);
        s->config->say(s->config->ctx, world_now(s->world), text);
}

/* ---- what the notes come to ---- */

/* Records of a turn come before or after the note of it: where the run stood is in either. */
static enum swarm_where where_now(const struct swarm *s)
{
        return s->where != SWARM_ELSEWHERE ? s->where : s->was;
}

static void count_trip(struct swarm *s)
{
        static const int in[] = {[SWARM_IN_PURGE] = SWARM_TRIPS_IN_PURGE,
            [SWARM_IN_EXPOSE] = SWARM_TRIPS_IN_EXPOSE,
            [SWARM_IN_VENT] = SWARM_TRIPS_IN_VENT,
            [SWARM_IN_LEAK_CHECK] = SWARM_TRIPS_IN_LEAK_CHECK};

        s->is_tripped = true;
        s->out->counts[SWARM_TRIPS]++;
        s->out->counts[SWARM_TRIPS_IN_PULSE] += s->is_open;
        if (where_now(s) != SWARM_ELSEWHERE)
                s->out->counts[in[where_now(s)]]++;
}

static void count_hold(struct swarm *s)
{
        static const int in[] = {[SWARM_IN_PURGE] = SWARM_HOLDS_IN_PURGE,
            [SWARM_IN_EXPOSE] = SWARM_HOLDS_IN_EXPOSE,
            [SWARM_IN_VENT] = SWARM_HOLDS_IN_VENT,
            [SWARM_IN_LEAK_CHECK] = SWARM_HOLDS_IN_LEAK_CHECK};

        s->out->counts[SWARM_HOLDS_IN_PULSE] += s->is_open;
        if (where_now(s) != SWARM_ELSEWHERE)
                s->out->counts[in[where_now(s)]]++;
}

static void count_end(struct swarm *s, bool was_killed)
{
        int32_t *n = s->out->counts;

        n[SWARM_ENDED]++;
        n[SWARM_CRASHES_IN_PULSE] += was_killed && s->is_open;
        n[SWARM_CRASHES_IN_PURGE] += was_killed && s->where == SWARM_IN_PURGE;
        n[SWARM_CRASHES_IN_EXPOSE] += was_killed && s->where == SWARM_IN_EXPOSE;
        s->where = s->was = SWARM_ELSEWHERE;
}

static void count_event(struct swarm *s, const struct record_event *e)
{
        int32_t *n = s->out->counts;

        n[SWARM_PERMITS_LOST] += strcmp(e->kind, "permit") == 0;
        n[SWARM_BYPASSES] += strcmp(e->kind, "bypass") == 0 && strstr(e->text, " ended: ") == NULL;
        n[SWARM_MOVES_BY_HAND] += strcmp(e->kind, "manual") == 0;
        n[SWARM_EXPOSURES] += strcmp(e->kind, "step") == 0 && strstr(e->text, "the exhaust opens") != NULL;
        n[SWARM_VENTS] += strcmp(e->kind, "step") == 0 && strncmp(e->text, "vented", 6) == 0;
        if (strcmp(e->kind, "trip") == 0)
                count_trip(s);
}

static void count_record(struct swarm *s, const struct record *r)
{
        int32_t *n = s->out->counts;
        enum machine_state from, to;

        switch (r->kind) {
        case RECORD_RUN_START:
                n[SWARM_RUNS]++;
                break;
        case RECORD_RUN_END:
                n[SWARM_COMPLETED] += strcmp(r->u.run.state, "Complete") == 0;
                break;
        case RECORD_CYCLE_END:
                n[SWARM_CYCLES]++;
                break;
        case RECORD_PULSE_START:
                s->is_handed_over = true;
                s->width_us = r->u.pulse.planned_width_us;
                n[SWARM_REPEATED] += r->u.pulse.attempt > 1;
                swarm_meet_pulse(s);
                break;
        case RECORD_PULSE_END:
                n[r->u.pulse.outcome == PULSE_DONE    ? SWARM_PULSES_DONE
                    : r->u.pulse.outcome == PULSE_CUT ? SWARM_PULSES_CUT
                                                      : SWARM_PULSES_OTHER]++;
                break;
        case RECORD_EVENT:
                count_event(s, &r->u.event);
                if (seen_transition(r, &from, &to)) {
                        s->out->states[to]++;
                        if (to == MACHINE_HOLDING && from == MACHINE_EXECUTE)
                                count_hold(s);
                        s->state = to;
                }
                break;
        default:
                break;
        }
}

static void count_note(struct swarm *s, const struct world_note *n)
{
        int32_t *counts = s->out->counts;

        s->out->notes++;
        switch (n->kind) {
        case WORLD_RECORD:
                count_record(s, n->record);
                break;
        case WORLD_BEGUN:
                s->out->states[MACHINE_ABORTING]++; /* start-up is what it does first */
                s->state = MACHINE_ABORTING;
                break;
        case WORLD_TURN:
                swarm_look(s);
                break;
        case WORLD_ENDED:
                count_end(s, n->flag);
                break;
        case WORLD_STALL:
                counts[SWARM_STALLS_IN_PULSE] += s->is_open;
                break;
        case WORLD_WATCHDOG:
                counts[SWARM_WATCHDOGS] += n->number == TOOL_WATCHDOG_EXPIRED;
                counts[SWARM_WATCHDOGS_IN_PULSE] += n->number == TOOL_WATCHDOG_EXPIRED && s->is_open;
                break;
        case WORLD_OUTPUT:
                s->out->outputs = random_mix(s->out->outputs ^ (uint64_t)n->t_us) ^
                                  random_mix((uint64_t)n->tag) ^ (uint64_t)(int64_t)(n->value * 1e6);
                if (seen_is_dosing(s->tool, n->tag))
                        s->is_open = n->value != 0;
                break;
        case WORLD_COMMAND:
                counts[SWARM_COMMANDS]++;
                break;
        case WORLD_REPLY:
                counts[SWARM_REFUSED] += n->reply->code != 0;
                if (strncmp(n->reply->text, "the record is not sound", 23) == 0)
                        s->was_refused_store = true;
                if (n->reply->code != 0 && strstr(n->reply->text, "failed its proof") != NULL)
                        s->was_refused_proof = true;
                if (n->reply->code != 0 && s->temper != SWARM_STORMY) {
                        s->was_refused_control = strstr(n->reply->text, " needs control, and ") != NULL;
                        s->is_reset_due = n->reply->interlock[0] != '\0';
                }
                break;
        default:
                break;
        }
}

static void see(void *ctx, const struct world_note *n)
{
        struct swarm *s = ctx;

        count_note(s, n);
        closes_see(&s->closes, n);
        if (s->config->see != NULL)
                s->config->see(s->config->ctx, n);
        checks_see(s->checks, n);
        /* Where it is killed must not depend on the wall clock: a step of it is a note of its own (R3, seed 101640). */
        if (n->kind != WORLD_CLOCK && s->crash_in > 0 && --s->crash_in == 0)
                world_crash(s->world, s->down_us);
}

/* ---- the phases ---- */

static bool is_over(const struct swarm *s)
{
        return s->config->until_breach && checks_count(s->checks) > 0;
}

#define PIECE_US (5 * TIME_MS)

static void run_safety(struct swarm *s)
{
        while (world_now(s->world) < s->end_us && !is_over(s)) {
                int64_t next_us = swarm_fault_due(s);

                next_us = s->people_us < next_us ? s->people_us : next_us;
                next_us = next_us < s->end_us ? next_us : s->end_us;
                /* In short pieces: what is told on the way may bring forward what people do next. */
                while (next_us > world_now(s->world) && s->people_us >= next_us) {
                        int64_t piece_us = world_now(s->world) + PIECE_US;

                        world_run(s->world, piece_us < next_us ? piece_us : next_us);
                }
                if (world_now(s->world) >= s->end_us)
                        break;
                swarm_make_faults(s);
                if (world_now(s->world) >= s->people_us)
                        swarm_act(s);
        }
}

/* From the worst: a chamber at the air that is pumped down, zones as cold as the room, and whatever still stands. */
#define RECOVER_US (20 * TIME_MIN)

static void breach_liveness(struct swarm *s)
{
        struct core_status status = {.state = MACHINE_ABORTED};

        if (world_core(s->world) != NULL)
                core_get_status(world_core(s->world), &status);
        s->out->breaches++;
        if (s->out->first_id[0] != '\0')
                return;
        snprintf(s->out->first_id, sizeof s->out->first_id, "S3 live");
        s->out->first.t_us = world_now(s->world);
        snprintf(s->out->first.text, sizeof s->out->first.text,
            "no run completed within %d min without faults: %s, %.80s, %.120s", (int)(RECOVER_US / TIME_MIN),
            machine_state_name(status.state), status.waiting, status.reason);
}

static void run_liveness(struct swarm *s)
{
        int64_t begun_us = world_now(s->world);

        swarm_say(s, "all faults end; the tool has to recover");
        swarm_end_faults(s);
        s->was_refused_store = false;
        while (world_now(s->world) - begun_us < RECOVER_US && !is_over(s)) {
                world_run(s->world, world_now(s->world) + 2 * TIME_S);
                if (swarm_recover(s)) {
                        s->out->alive_us = world_now(s->world) - begun_us;
                        return;
                }
        }
        if (!is_over(s))
                breach_liveness(s);
}

/* In order, so that the accounts can be closed (L1, L2). */
static void run_end(struct swarm *s)
{
        struct command c = {
            .verb = VERB_SHUTDOWN, .role = TOOL_ROLE_ENGINEER, .tag = TOOL_NONE, .user = "signal"};

        swarm_say(s, "the end");
        swarm_command(s, &c);
        for (int i = 0; i < 300 && world_core(s->world) != NULL; i++)
                world_run(s->world, world_now(s->world) + 100 * TIME_MS);
        checks_end(s->checks);
}

static void take_breaches(struct swarm *s)
{
        int n = checks_count(s->checks);

        if (n > 0 && (s->out->first_id[0] == '\0' || checks_at(s->checks, 0)->t_us < s->out->first.t_us)) {
                s->out->first = *checks_at(s->checks, 0);
                snprintf(s->out->first_id, sizeof s->out->first_id, "%s", s->out->first.id);
        }
        s->out->breaches += n;
        s->out->first.id = NULL; /* it goes through a pipe */
}

static void plan(struct swarm *s)
{
        static const int64_t people_most[SWARM_TEMPERS] = {
            [SWARM_CALM] = 8 * TIME_S, [SWARM_MIDDLING] = 20 * TIME_S, [SWARM_STORMY] = 30 * TIME_S};

        uint64_t seed = s->config->seed;

        s->on_plan = random_split(seed, 101);
        s->on_people = random_split(seed, 103);
        s->on_meet = random_split(seed, 107);
        s->tool_i = s->config->drill > 0 ? drill_at(s->config->drill)->tool
                                         : (int)random_below(&s->on_plan, SWARM_TOOLS);
        s->tool = s->config->kit->tool[s->tool_i];
        s->end_us = s->config->safety_us;
        s->disk_until_us = INT64_MAX;
        s->temper = (enum swarm_temper)random_below(&s->on_plan, SWARM_TEMPERS);
        s->people_every_us = random_between(
            &s->on_plan, s->temper == SWARM_CALM ? 2 * TIME_S : 500 * TIME_MS, people_most[s->temper]);
        s->people_us = random_between(&s->on_plan, 0, 5 * TIME_S);
        swarm_plan_faults(s);
}

bool swarm_run(const struct swarm_config *config, struct swarm_result *out)
{
        struct swarm s = {.config = config, .out = out};
        struct world_config world = {
            .seed = config->seed, .wall_us = 1700000000 * TIME_S, .see = see, .ctx = &s};
        bool ok;

        memset(out, 0, sizeof *out);
        out->seed = config->seed;
        plan(&s);
        world.tool = s.tool;
        world.sim = (struct sim_config){.seed = config->seed, .ready = true, .powder_m2 = 0.4};
        s.checks = checks_new(s.tool);
        if (s.checks != NULL)
                s.closes =
                    (struct closes){.seen = checks_seen(s.checks), .tool = s.tool, .seed = config->seed};
        s.world = s.checks != NULL ? world_new(s.tool, &world) : NULL;
        ok = s.world != NULL;
        if (ok) {
                if (config->drill > 0) {
                        drill_at(config->drill)->run(&s);
                } else {
                        run_safety(&s);
                        run_liveness(&s);
                }
                run_end(&s);
                take_breaches(&s);
                out->closes = s.closes.result;
                out->hash = world_hash(s.world);
                out->virtual_us = world_now(s.world);
        }
        world_free(s.world);
        checks_free(s.checks);
        return ok;
}
