/* What aldctl replay says: that a run is decided the same, or where it is not, or why it cannot be played. */
#include "ald/app/aldctl.h"        /* struct aldctl_options */
#include "ald/app/aldctl_replay.h" /* own declarations */
#include "ald/app/aldctl_show.h"   /* show_* */
#include "ald/app/version.h"       /* version_text */
#include "ald/base/time.h"         /* TIME_S, time_format_utc */
#include "ald/core/event_code.h"   /* event_code_kind */

#include <stdio.h>  /* printf */
#include <string.h> /* strcmp */

/* How much of the record is shown around the first difference. */
static const int64_t around_us = TIME_S;

static const char *const verdicts[] = {"same", "different", "impossible"};

static void add_valve(struct text *t, const struct record_valve *v)
{
        static const char *const words[] = {[RECORD_VALVE_OPENED] = "opened",
            [RECORD_VALVE_CLOSED] = "closed",
            [RECORD_VALVE_PLANNED] = "to open",
            [RECORD_VALVE_ENDED] = "opened and closed",
            [RECORD_VALVE_RENEWED] = "renewed"};

        text_add(t, "count: output %d %s", v->tag, words[v->what % 5]);
}

static void add_record(struct text *t, const struct record *r)
{
        switch (r->kind) {
        case RECORD_RUN_START:
        case RECORD_RUN_STATE:
        case RECORD_RUN_END:
                text_add(t, "run %s %s", r->u.run.state, r->u.run.reason);
                break;
        case RECORD_CYCLE_START:
        case RECORD_CYCLE_END:
                text_add(t, "cycle %lld %s", (long long)r->u.cycle.n,
                    r->kind == RECORD_CYCLE_START ? "begins" : "ends");
                break;
        case RECORD_PULSE_START:
        case RECORD_PULSE_END:
        case RECORD_PULSE_METRICS:
                text_add(t, "pulse %s in cycle %lld", r->u.pulse.path, (long long)r->u.pulse.cycle);
                break;
        case RECORD_BASE:
                text_add(t, "base pressure %s the pulses: %g", r->u.base.is_after ? "after" : "before",
                    r->u.base.pressure);
                break;
        case RECORD_EVENT:
                text_add(t, "%s %s: %s", r->u.event.kind, r->u.event.source, r->u.event.text);
                break;
        case RECORD_AUDIT:
                text_add(t, "audit %s by %s: %s", r->u.audit.command, r->u.audit.user, r->u.audit.result);
                break;
        case RECORD_VALVE:
                add_valve(t, &r->u.valve);
                break;
        case RECORD_BOTTLE:
                text_add(t, "bottle of line %d, lot %s", r->u.bottle.line, r->u.bottle.lot);
                break;
        case RECORD_SAMPLE:
                break;
        }
}

/* A decision in words; nothing for those that every turn takes (feeds, samples kept). */
static void add_effect(struct text *t, const struct aldctl_replay *r, const struct effect *e)
{
        const struct tool_tag *tags = r->past.tool->tags;

        switch (e->kind) {
        case EFFECT_WRITE:
                text_add(t, "write %s ", tags[e->u.write.tag].name);
                tool_add_value(t, &tags[e->u.write.tag], e->u.write.value);
                text_add(t, " (%s)", cause_name((enum cause)e->u.write.cause));
                break;
        case EFFECT_PULSE:
                text_add(t, "pulse %s in %.3f ms for %.3f ms", tags[e->u.pulse.tag].name,
                    (double)(e->u.pulse.open_us - r->state.now_us) / 1e3,
                    (double)(e->u.pulse.close_us - e->u.pulse.open_us) / 1e3);
                break;
        case EFFECT_REVOKE:
                text_add(t, "take back the pulse of %s", tags[e->u.revoke.tag].name);
                break;
        case EFFECT_REARM:
                text_add(t, "re-arm %s", r->past.tool->devices[e->u.device].name);
                break;
        case EFFECT_PROVE:
                text_add(t, "%s the watchdog of %s", e->u.prove.stop ? "stop proving" : "prove",
                    r->past.tool->devices[e->u.prove.device].name);
                break;
        case EFFECT_RECORD:
                add_record(t, &e->u.record);
                break;
        case EFFECT_REPLY:
                text_add(t, "reply %d %s", e->u.reply.code, e->u.reply.text);
                break;
        case EFFECT_EXIT:
                text_add(t, "exit");
                break;
        case EFFECT_FEED:
        case EFFECT_READY:
        case EFFECT_RECIPE_DONE:
                break;
        }
}

/* The decisions of the turn that differs, each as a line, or into a list. */
static void tell_decided(const struct aldctl_replay *r, json_t *list)
{
        int said = 0;

        for (int i = 0; i < r->state.effects_now->count; i++) {
                char line[512];
                struct text t;

                text_init(&t, line, sizeof line);
                add_effect(&t, r, &r->state.effects_now->item[i]);
                if (line[0] == '\0')
                        continue;
                said++;
                if (list != NULL) {
                        (void)json_array_append_new(list, json_string(line));
                        continue;
                }
                (void)printf("  ");
                show_text(stdout, line, false);
                (void)printf("\n");
        }
        if (said == 0 && list == NULL)
                (void)printf("  nothing but samples kept and the time of the next turn\n");
}

static void on_event(void *ctx, const struct query_event *e)
{
        struct aldctl_replay *r = ctx;
        char line[512], utc[TIME_UTC_CAP];
        struct text t;

        text_init(&t, line, sizeof line);
        text_add(&t, "%+8.3f s  %s %s: %s", (double)(e->t_us - r->state.wall_us) / (double)TIME_S, e->kind,
            e->source, e->text);
        if (r->recorded == NULL) {
                (void)printf("  ");
                show_text(stdout, line, false);
                (void)printf("\n");
                return;
        }
        time_format_utc(e->t_us, utc);
        (void)json_array_append_new(r->recorded, json_pack("{s:s, s:s, s:s, s:s}", "time", utc, "kind",
                                                     e->kind, "source", e->source, "text", e->text));
}

static void on_pulse(void *ctx, const struct query_pulse *p)
{
        struct aldctl_replay *r = ctx;
        struct query_event e = {.t_us = p->planned_open_us, .kind = "pulse"};
        int64_t in_us = p->planned_open_us - r->state.wall_us;

        if (in_us < -around_us || in_us > around_us)
                return;
        (void)snprintf(e.source, sizeof e.source, "%s", p->precursor);
        (void)snprintf(
            e.text, sizeof e.text, "planned for %.3f ms (%s)", (double)p->planned_width_us / 1e3, p->outcome);
        on_event(r, &e);
}

static void tell_recorded(struct aldctl_replay *r)
{
        int64_t t_us = r->state.wall_us;

        if (query_events_between(r->q, t_us - around_us, t_us + around_us, on_event, r) != 0 ||
            query_pulses(r->q, r->run.id, on_pulse, r) != 0)
                show_error("%s", query_why(r->q));
}

static void print_difference(struct aldctl_replay *r)
{
        char when[SHOW_TIME_CAP];

        show_local(r->state.wall_us, true, when);
        (void)printf("%sdecided otherwise%s at event %lld (%s), %.6f s after the start, %s\n",
            show_colour(stdout, SHOW_RED), show_colour(stdout, SHOW_PLAIN), (long long)r->state.n,
            event_code_kind(r->state.event->kind),
            (double)(r->state.now_us - r->state.start_us) / (double)TIME_S, when);
        (void)printf("%lld events before it are decided as recorded\n", (long long)r->state.events - 1);
        (void)printf("decided now in that turn:\n");
        tell_decided(r, NULL);
        (void)printf("recorded within a second of it:\n");
        tell_recorded(r);
}

static void print_verdict(struct aldctl_replay *r)
{
        char took[40];
        struct text t;

        (void)printf("%srun %lld: %s, %s%s, recorded by version %s\n", show_colour(stdout, SHOW_BOLD),
            (long long)r->run.id, r->run.recipe, r->run.state, show_colour(stdout, SHOW_PLAIN),
            r->run.version);
        if (strcmp(r->run.version, version_text()) != 0)
                (void)printf("this is version %s\n", version_text());
        if (r->verdict == ALDCTL_IMPOSSIBLE) {
                (void)fflush(stdout);
                show_error("it cannot be replayed: %s", r->why);
                return;
        }
        if (r->verdict == ALDCTL_DIFFERENT) {
                print_difference(r);
                return;
        }
        text_init(&t, took, sizeof took);
        time_add_duration(&t, r->state.now_us - r->state.start_us);
        (void)printf("%sdecided the same%s: %lld events in %s, %lld decisions\n",
            show_colour(stdout, SHOW_GREEN), show_colour(stdout, SHOW_PLAIN), (long long)r->state.events,
            took, (long long)r->state.effects);
        if (r->why[0] != '\0')
                (void)printf(
                    "%s%s%s\n", show_colour(stdout, SHOW_YELLOW), r->why, show_colour(stdout, SHOW_PLAIN));
}

static json_t *json_difference(struct aldctl_replay *r)
{
        json_t *decided = json_array();
        char utc[TIME_UTC_CAP];

        r->recorded = json_array();
        tell_recorded(r);
        tell_decided(r, decided);
        time_format_utc(r->state.wall_us, utc);
        return json_pack("{s:I, s:s, s:s, s:f, s:o, s:o}", "event", (json_int_t)r->state.n, "kind",
            event_code_kind(r->state.event->kind), "time", utc, "at_s",
            (double)(r->state.now_us - r->state.start_us) / (double)TIME_S, "decided", decided, "recorded",
            r->recorded);
}

static void print_json(struct aldctl_replay *r)
{
        json_t *out = json_pack("{s:I, s:s, s:s, s:s, s:b, s:s, s:I, s:I, s:I, s:f, s:s, s:s}", "run",
            (json_int_t)r->run.id, "recipe", r->run.recipe, "state", r->run.state, "verdict",
            verdicts[r->verdict], "complete", r->state.is_ended && r->state.lost == 0, "why", r->why,
            "events", (json_int_t)r->state.events, "decisions", (json_int_t)r->state.effects, "lost",
            (json_int_t)r->state.lost, "duration_s",
            (double)(r->state.now_us - r->state.start_us) / (double)TIME_S, "recorded_by", r->run.version,
            "version", version_text());

        (void)json_object_set_new(
            out, "difference", r->verdict == ALDCTL_DIFFERENT ? json_difference(r) : json_null());
        show_json(out);
}

void aldctl_replay_say(struct aldctl_replay *r)
{
        if (r->o->json)
                print_json(r);
        else
                print_verdict(r);
}
