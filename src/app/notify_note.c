#include "ald/app/notify_note.h"

#include "ald/base/text.h"       /* text_copy, text_add */
#include "ald/base/time.h"       /* time_add_duration, TIME_S */
#include "ald/control/jsonrpc.h" /* jsonrpc_text */
#include "ald/control/report.h"  /* report_time */
#include "ald/core/core.h"       /* core_get_status, core_get_alarm */
#include "ald/core/record.h"     /* struct record */

#include <string.h> /* memset, strcmp */

const char *notify_note_name(unsigned what)
{
        return what < TOOL_NOTIFY_COUNT ? tool_notify_name((enum tool_notify)what) : "test";
}

/* ---- which records are told ---- */

static const enum tool_priority priorities[TOOL_NOTIFY_COUNT] = {
    [TOOL_NOTIFY_COMPLETE] = TOOL_PRIORITY_LOW,
    [TOOL_NOTIFY_HELD] = TOOL_PRIORITY_HIGH,
    [TOOL_NOTIFY_SUSPENDED] = TOOL_PRIORITY_MEDIUM,
    [TOOL_NOTIFY_STOPPED] = TOOL_PRIORITY_MEDIUM,
    [TOOL_NOTIFY_ABORTED] = TOOL_PRIORITY_HIGH,
    [TOOL_NOTIFY_TRIPPED] = TOOL_PRIORITY_CRITICAL,
    [TOOL_NOTIFY_ALARM] = TOOL_PRIORITY_MEDIUM, /* its own, where it has one */
    [TOOL_NOTIFY_QUESTION] = TOOL_PRIORITY_HIGH,
    [TOOL_NOTIFY_DAEMON] = TOOL_PRIORITY_LOW,
};

/* Resting states of a run that its people want to know of. */
static int of_state(const struct record_run *run)
{
        static const struct {
                enum machine_state state;
                enum tool_notify what;
        } told[] = {{MACHINE_COMPLETE, TOOL_NOTIFY_COMPLETE}, {MACHINE_HELD, TOOL_NOTIFY_HELD},
            {MACHINE_SUSPENDED, TOOL_NOTIFY_SUSPENDED}, {MACHINE_STOPPED, TOOL_NOTIFY_STOPPED},
            {MACHINE_ABORTED, TOOL_NOTIFY_ABORTED}};

        for (size_t i = 0; i < sizeof told / sizeof told[0]; i++)
                if (strcmp(run->state, machine_state_name(told[i].state)) == 0)
                        return (int)told[i].what;
        return -1;
}

static int of_event(const struct record_event *e)
{
        if (strcmp(e->kind, "trip") == 0 && e->severity == RECORD_TRIP)
                return TOOL_NOTIFY_TRIPPED;
        if (strcmp(e->kind, "alarm") == 0 && e->severity >= RECORD_WARNING)
                return TOOL_NOTIFY_ALARM;
        if (strcmp(e->kind, "confirm") == 0 && e->severity == RECORD_WARNING)
                return TOOL_NOTIFY_QUESTION;
        return -1;
}

static uint32_t wanted_by(const struct tool *tool, unsigned what, unsigned priority)
{
        uint32_t hooks = 0;

        for (int i = 0; i < tool->hook_count; i++) {
                const struct tool_hook *h = &tool->hooks[i];
                bool is_grave = what != TOOL_NOTIFY_ALARM || priority >= (unsigned)h->priority;

                if (what >= TOOL_NOTIFY_COUNT || ((h->on & 1u << what) != 0 && is_grave))
                        hooks |= UINT32_C(1) << i;
        }
        return hooks;
}

/* ---- what is said of them ---- */

static void begin(struct notify_note *note, unsigned what, int64_t wall_us)
{
        memset(note, 0, sizeof *note);
        note->what = (uint8_t)what;
        note->priority = (uint8_t)(what < TOOL_NOTIFY_COUNT ? priorities[what] : (unsigned)TOOL_PRIORITY_LOW);
        note->wall_us = wall_us;
}

static void add_status(struct notify_note *note, const struct core_status *s)
{
        note->run = s->run_id;
        note->cycle = s->cycle;
        note->cycles = s->cycles;
        text_copy(note->recipe, sizeof note->recipe, s->recipe);
        text_copy(note->state, sizeof note->state, machine_state_name(s->state));
        text_copy(note->reason, sizeof note->reason, s->reason);
}

/* The run's own words: the machine may have gone on in the same turn. */
static void add_run(struct notify_note *note, const struct record *r)
{
        const struct record_run *run = &r->u.run;
        struct text t;

        note->run = r->run_id;
        text_copy(note->state, sizeof note->state, run->state);
        text_copy(note->reason, sizeof note->reason, run->reason);
        text_copy(note->user, sizeof note->user, run->user);
        text_init(&t, note->text, sizeof note->text);
        text_add(&t, "run %lld is %s%s%s", (long long)r->run_id, notify_note_name(note->what),
            run->reason[0] != '\0' ? ": " : "", run->reason);
}

static void add_trip(struct notify_note *note, const struct core_status *s)
{
        for (int i = 0; i < s->latch_count; i++)
                if (strcmp(s->latches[i].id, note->source) == 0)
                        text_copy(note->guidance, sizeof note->guidance, s->latches[i].guidance);
}

/* False: the event is not of an alarm's coming (somebody shelved it). */
static bool add_alarm(struct notify_note *note, const struct core *core, const struct record *r)
{
        int count = core_count_alarms(core);

        for (int i = 0; i < count; i++) {
                struct core_alarm_now a;

                core_get_alarm(core, i, &a);
                if (strcmp(a.id, note->source) != 0)
                        continue;
                text_copy(note->guidance, sizeof note->guidance, a.guidance);
                note->priority = (uint8_t)a.priority;
                return a.came_wall_us == r->wall_us && a.state != ALARM_SHELVED;
        }
        /* A flood, or a list that is full. */
        note->priority = TOOL_PRIORITY_HIGH;
        return r->u.event.severity >= RECORD_ALARM;
}

static void add_question(struct notify_note *note, const struct core_status *s)
{
        struct text t;

        text_init(&t, note->guidance, sizeof note->guidance);
        text_add(&t, "Answer with `aldctl confirm`");
        if (s->expires_us < 0)
                return;
        text_add(&t, " within ");
        time_add_duration(&t, (s->expires_us + TIME_S - 1) / TIME_S * TIME_S);
        text_add(&t, ", else: %s", tool_action_name(s->expires_then));
}

static bool add_event(
    struct notify_note *note, const struct core *core, const struct core_status *s, const struct record *r)
{
        text_copy(note->source, sizeof note->source, r->u.event.source);
        text_copy(note->text, sizeof note->text, r->u.event.text);
        if (note->what == TOOL_NOTIFY_TRIPPED)
                add_trip(note, s);
        if (note->what == TOOL_NOTIFY_QUESTION)
                add_question(note, s);
        return note->what != TOOL_NOTIFY_ALARM || add_alarm(note, core, r);
}

bool notify_note_of_record(
    struct notify_note *note, const struct tool *tool, const struct core *core, const struct record *r)
{
        struct core_status s;
        int what = r->kind == RECORD_RUN_STATE ? of_state(&r->u.run)
                   : r->kind == RECORD_EVENT   ? of_event(&r->u.event)
                                               : -1;

        if (what < 0)
                return false;
        begin(note, (unsigned)what, r->wall_us);
        core_get_status(core, &s);
        add_status(note, &s);
        if (r->kind == RECORD_RUN_STATE)
                add_run(note, r);
        else if (!add_event(note, core, &s, r))
                return false;
        note->hooks = wanted_by(tool, note->what, note->priority);
        return note->hooks != 0;
}

bool notify_note_of_daemon(struct notify_note *note, const struct tool *tool, const struct core *core,
    unsigned what, const char *text, int64_t wall_us)
{
        struct core_status s;

        begin(note, what, wall_us);
        if (core != NULL) {
                core_get_status(core, &s);
                add_status(note, &s);
        }
        text_copy(note->text, sizeof note->text, text);
        note->hooks = wanted_by(tool, what, note->priority);
        return note->hooks != 0;
}

/* ---- as JSON ---- */

static void add(json_t *o, const char *key, json_t *value)
{
        (void)json_object_set_new_nocheck(o, key, value);
}

size_t notify_note_line(
    const struct notify_note *note, const struct tool *tool, const char *host, char out[NOTIFY_LINE_CAP])
{
        json_t *o = json_object();
        size_t len;

        add(o, "event", json_string(notify_note_name(note->what)));
        add(o, "priority", json_string(tool_priority_name((enum tool_priority)note->priority)));
        add(o, "time", report_time(note->wall_us));
        add(o, "tool", jsonrpc_text(tool->name));
        add(o, "host", jsonrpc_text(host));
        add(o, "text", jsonrpc_text(note->text));
        add(o, "guidance", jsonrpc_text(note->guidance));
        add(o, "source", jsonrpc_text(note->source));
        add(o, "run", note->run != 0 ? json_integer(note->run) : json_null());
        add(o, "recipe", jsonrpc_text(note->recipe));
        add(o, "user", jsonrpc_text(note->user));
        add(o, "state", jsonrpc_text(note->state));
        add(o, "reason", jsonrpc_text(note->reason));
        add(o, "cycle", json_integer(note->cycle));
        add(o, "cycles", json_integer(note->cycles));
        add(o, "more", json_integer(note->more));
        len = json_dumpb(o, out, NOTIFY_LINE_CAP - 1, JSON_COMPACT);
        json_decref(o);
        if (len == 0 || len >= NOTIFY_LINE_CAP)
                return 0;
        out[len] = '\n';
        return len + 1;
}
