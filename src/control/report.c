#include "ald/control/report.h"

#include "ald/base/text.h"       /* text_init */
#include "ald/base/time.h"       /* time_format_utc, TIME_S */
#include "ald/control/jsonrpc.h" /* jsonrpc_text, jsonrpc_number */
#include "ald/core/machine.h"    /* machine_state_name, machine_in_run */
#include "ald/core/matrix.h"     /* matrix_at */
#include "ald/core/verb.h"       /* verb_table */

#include <assert.h> /* assert */
#include <math.h>   /* floor */
#include <stdlib.h> /* qsort */
#include <string.h> /* strlen */

static void add(json_t *o, const char *key, json_t *value)
{
        (void)json_object_set_new_nocheck(o, key, value);
}

static void add_text(json_t *o, const char *key, const char *text)
{
        add(o, key, jsonrpc_text(text));
}

static void add_bool(json_t *o, const char *key, bool value)
{
        add(o, key, json_boolean(value));
}

/* Tenths of a second: finer steps would only make differences that nobody reads. */
static void add_seconds(json_t *o, const char *key, int64_t us)
{
        add(o, key, json_real(floor((double)us / 1e5) / 10.0));
}

static json_t *number_or_null(int64_t value, int64_t none)
{
        return value == none ? json_null() : json_integer(value);
}

json_t *report_time(int64_t wall_us)
{
        char text[TIME_UTC_CAP];

        time_format_utc(wall_us, text);
        return json_string(text);
}

static json_t *latch_list(const struct core_status *s)
{
        json_t *list = json_array();

        assert(s->latch_count >= 0 && s->latch_count <= CORE_LATCHES_MAX);
        for (int i = 0; i < s->latch_count; i++) {
                const struct core_latch *l = &s->latches[i];
                json_t *o = json_object();
                add_text(o, "id", l->id);
                add_text(o, "text", l->text);
                add_text(o, "guidance", l->guidance);
                add(o, "time", report_time(l->wall_us));
                add_bool(o, "is_active", l->is_active);
                add_text(o, "action", tool_action_name(l->action));
                (void)json_array_append_new(list, o);
        }
        return list;
}

static json_t *bypass_list(const struct tool *tool, const struct core_status *s)
{
        json_t *list = json_array();

        for (int i = 0; i < s->bypass_count; i++) {
                const struct core_bypass *b = &s->bypasses[i];
                json_t *o = json_object();
                add_text(o, "tag", tool->tags[b->tag].name);
                add_text(o, "user", b->user);
                add_text(o, "reason", b->reason);
                add(o, "until", report_time(b->until_wall_us));
                (void)json_array_append_new(list, o);
        }
        return list;
}

static json_t *external_list(const struct tool *tool)
{
        json_t *list = json_array();

        for (int i = 0; i < tool->tag_count; i++)
                if (tool->tags[i].is_output && tool->tags[i].failsafe == TOOL_FAILSAFE_EXTERNAL)
                        (void)json_array_append_new(list, jsonrpc_text(tool->tags[i].name));
        return list;
}

static void add_unverified(json_t *o, const struct tool *tool)
{
        char names[TOOL_DEVICES_MAX * 2 * TOOL_NAME_MAX];
        struct text t;

        text_init(&t, names, sizeof names);
        tool_add_unverified(&t, tool);
        add_text(o, "unverified", names);
}

static void add_progress(json_t *o, const struct core_status *s)
{
        add(o, "cycle", json_integer(s->cycle));
        add(o, "cycles", json_integer(s->cycles));
        add_seconds(o, "elapsed_s", s->elapsed_us);
        add_seconds(o, "left_s", s->left_us);
        if (s->step_left_us < 0)
                add(o, "step_left_s", json_null());
        else
                add_seconds(o, "step_left_s", s->step_left_us);
        add_bool(o, "is_heating", s->is_heating);
        add_bool(o, "is_bounded", s->is_bounded);
        add_bool(o, "is_stopping_after_cycle", s->is_stopping_after_cycle);
        add_bool(o, "is_exposing", s->is_exposing);
        add_bool(o, "is_vented", s->is_vented);
}

/* Whole seconds: it is no better known. */
static void add_estimate(json_t *o, const char *key, int64_t us)
{
        add(o, key, us < 0 ? json_null() : json_integer(us / TIME_S));
}

static void add_outlook(json_t *o, const struct outlook_now *outlook)
{
        add_estimate(o, "heating_left_s", outlook != NULL ? outlook->heating_us : -1);
        add_estimate(o, "open_in_s", outlook != NULL ? outlook->open_us : -1);
        add_text(o, "open_waits", outlook != NULL ? outlook->open_waits : "");
}

static json_t *control_object(const struct core_status *s)
{
        json_t *o;

        if (!s->is_controlled)
                return json_null();
        o = json_object();
        add_text(o, "user", s->control_user);
        add(o, "since", report_time(s->control_since_wall_us));
        add(o, "until", report_time(s->control_until_wall_us));
        return o;
}

static void add_control(json_t *o, const struct core_status *s)
{
        add(o, "control", control_object(s));
        add(o, "by_hand_count", json_integer(s->by_hand_count));
        add_text(o, "by_hand", s->by_hand);
        if (s->standby_us < 0)
                add(o, "standby_s", json_null());
        else
                add_seconds(o, "standby_s", s->standby_us);
}

/* What happens by itself to a question that is not answered, or to a hold that is not resumed. */
static void add_expiry(json_t *o, const struct core_status *s)
{
        if (s->expires_us < 0)
                add(o, "expires_s", json_null());
        else
                add_seconds(o, "expires_s", s->expires_us);
        add_text(o, "expires_then", s->expires_us < 0 ? "" : tool_action_name(s->expires_then));
}

json_t *report_status(const struct tool *tool, const struct core *core, const struct outlook_now *outlook)
{
        struct core_status s;
        json_t *o = json_object();

        core_get_status(core, &s);
        add_text(o, "state", machine_state_name(s.state));
        add_bool(o, "in_run", machine_in_run(s.state));
        add(o, "run", number_or_null(s.run_id, 0));
        add_text(o, "recipe", s.recipe);
        add_text(o, "phase", s.phase);
        add_text(o, "step", s.step);
        add(o, "source_line", number_or_null(s.source_line, 0));
        add_text(o, "waiting", s.waiting);
        add_text(o, "asks", s.asks);
        add_expiry(o, &s);
        add_text(o, "reason", s.reason);
        add_progress(o, &s);
        add_outlook(o, outlook);
        add_bool(o, "store_ok", s.store_ok);
        add_text(o, "store_why", s.store_why);
        add(o, "latches", latch_list(&s));
        add(o, "bypasses", bypass_list(tool, &s));
        add(o, "unconfirmed_count", json_integer(s.unconfirmed_count));
        add_text(o, "unconfirmed", s.unconfirmed);
        add(o, "external_failsafe", external_list(tool));
        add_unverified(o, tool);
        add_control(o, &s);
        add(o, "alarms_shown", json_integer(s.alarms_shown));
        add(o, "alarms_unacknowledged", json_integer(s.alarms_unacked));
        add(o, "alarms_shelved", json_integer(s.alarms_shelved));
        add_bool(o, "is_flooded", s.is_flooded);
        add(o, "lags", json_integer(s.lags));
        return o;
}

/* ---- Tags ---- */

static const char *tag_kind(const struct tool_tag *tag)
{
        return tag->is_valve ? "valve" : tag->is_bit ? "switch" : "number";
}

static void add_failsafe(json_t *o, const struct tool_tag *tag)
{
        switch (tag->failsafe) {
        case TOOL_FAILSAFE_NONE:
                add_text(o, "failsafe", "none");
                break;
        case TOOL_FAILSAFE_WATCHDOG:
                add_text(o, "failsafe", "watchdog");
                break;
        case TOOL_FAILSAFE_DEVICE_TIMED:
                add_text(o, "failsafe", "device_timed");
                break;
        case TOOL_FAILSAFE_EXTERNAL:
                add_text(o, "failsafe", tag->failsafe_text);
                break;
        }
}

json_t *report_tag_facts(const struct tool_tag *tag)
{
        json_t *o = json_object();

        add_text(o, "kind", tag_kind(tag));
        add_text(o, "unit", tag->is_bit || tag->unit == NULL ? "" : tag->unit->name);
        add_bool(o, "is_output", tag->is_output);
        if (tag->is_output) {
                add(o, "safe", jsonrpc_number(tag->safe));
                add(o, "limit_min", jsonrpc_number(tag->limit_min));
                add(o, "limit_max", jsonrpc_number(tag->limit_max));
                add_failsafe(o, tag);
        }
        return o;
}

json_t *report_tag_now(const struct tool_tag *tag, const struct core_tag *now)
{
        json_t *o = json_object();

        add(o, "value", now->age_us < 0 ? json_null() : jsonrpc_number(now->value));
        add_text(o, "quality", quality_name(now->quality));
        add_text(o, "why", quality_why_name(now->why));
        if (tag->is_output)
                add(o, "commanded", now->has_commanded ? jsonrpc_number(now->commanded) : json_null());
        return o;
}

json_t *report_tags(const struct tool *tool, const struct core *core)
{
        json_t *list = json_array();

        for (int i = 0; i < tool->tag_count; i++) {
                const struct tool_tag *tag = &tool->tags[i];
                json_t *o = json_object(), *facts = report_tag_facts(tag), *values;
                struct core_tag now;
                char words[64] = "";
                struct text t;

                core_get_tag(core, i, &now);
                values = report_tag_now(tag, &now);
                text_init(&t, words, sizeof words);
                if (now.age_us >= 0)
                        tool_add_value(&t, tag, now.value);
                add_text(o, "name", tag->name);
                add_text(o, "text", words);
                (void)json_object_update(o, facts);
                (void)json_object_update(o, values);
                if (now.age_us < 0)
                        add(o, "age_s", json_null());
                else
                        add(o, "age_s", jsonrpc_number((double)now.age_us / 1e6));
                json_decref(facts);
                json_decref(values);
                (void)json_array_append_new(list, o);
        }
        return list;
}

/* ---- Interlocks ---- */

static json_t *output_list(const struct tool *tool, const struct tool_interlock *lock)
{
        json_t *list = json_array();

        assert(lock->output_count <= TOOL_VALVES_MAX);
        for (int i = 0; i < lock->output_count; i++)
                (void)json_array_append_new(list, jsonrpc_text(tool->tags[lock->outputs[i]].name));
        return list;
}

/* Its row of the cause-and-effect matrix: the cells that are not empty, in as few bytes as a large tool needs them. */
static json_t *effect_map(const struct tool *tool, int interlock)
{
        json_t *map = json_object();

        for (int i = 0; i < tool->tag_count; i++) {
                struct matrix_cell cell;
                json_t *list;

                if (!tool->tags[i].is_output)
                        continue;
                cell = matrix_at(tool, interlock, i);
                if (cell.effect == MATRIX_NOTHING)
                        continue;
                list = json_array();
                (void)json_array_append_new(list, jsonrpc_text(matrix_effect_name(cell.effect)));
                (void)json_array_append_new(list, jsonrpc_number(cell.value));
                (void)json_array_append_new(list,
                    json_boolean(!(cell.value < tool->tags[i].safe) && !(cell.value > tool->tags[i].safe)));
                add(map, tool->tags[i].name, list);
        }
        return map;
}

/* What a trip sets beyond the image, for people. */
static void add_settings(json_t *o, const struct tool *tool, const struct tool_interlock *lock)
{
        char words[512];
        struct text t;

        text_init(&t, words, sizeof words);
        for (int i = 0; i < lock->set_count; i++) {
                text_add(&t, "%s%s ", i > 0 ? ", " : "", tool->tags[lock->set[i].tag].name);
                tool_add_value(&t, &tool->tags[lock->set[i].tag], lock->set[i].value);
        }
        add_text(o, "sets", words);
}

static json_t *one_interlock(
    const struct tool *tool, const struct tool_interlock *lock, const struct core_interlock *now)
{
        static const char *const kinds[] = {[TOOL_TRIP] = "trip",
            [TOOL_PERMIT] = "permit",
            [TOOL_EXCLUSIVE] = "exclusive",
            [TOOL_SUSPEND] = "suspend"};
        json_t *o = json_object();

        add_text(o, "id", lock->id);
        add_text(o, "kind", kinds[lock->kind]);
        add_text(o, "condition", lock->when.text);
        add(o, "is_true", now->condition == TRI_BAD ? json_null() : json_boolean(now->condition == TRI_TRUE));
        add_text(o, "values", now->values);
        add_text(o, "action", lock->kind == TOOL_TRIP ? tool_action_name(lock->then) : "");
        add(o, "for_s", jsonrpc_number((double)lock->for_us / 1e6));
        add(o, "grace_s", jsonrpc_number((double)lock->grace_us / 1e6));
        add_text(o, "arm", lock->arm.root >= 0 ? lock->arm.text : "");
        add_bool(o, "is_armed", now->is_armed);
        add_bool(o, "is_latched", now->is_latched);
        add_bool(o, "is_permitted", now->is_permitted);
        add(o, "outputs", output_list(tool, lock));
        add(o, "purge_between_s",
            lock->kind == TOOL_EXCLUSIVE ? jsonrpc_number((double)lock->purge_us / 1e6) : json_null());
        add_settings(o, tool, lock);
        add_text(o, "guidance", lock->guidance);
        add(o, "effects", effect_map(tool, (int)(lock - tool->interlocks)));
        return o;
}

json_t *report_interlocks(const struct tool *tool, const struct core *core)
{
        json_t *list = json_array();

        for (int i = 0; i < tool->interlock_count; i++) {
                struct core_interlock now;
                core_get_interlock(core, i, &now);
                (void)json_array_append_new(list, one_interlock(tool, &tool->interlocks[i], &now));
        }
        return list;
}

/* ---- Alarms ---- */

/* The gravest first, then the one that came first. */
static int compare_alarms(const void *a, const void *b)
{
        const struct core_alarm_now *x = a, *y = b;

        if (x->priority != y->priority)
                return x->priority > y->priority ? -1 : 1;
        return x->came_wall_us < y->came_wall_us ? -1 : x->came_wall_us > y->came_wall_us;
}

static json_t *one_alarm(const struct core_alarm_now *a)
{
        bool is_shelved = a->state == ALARM_SHELVED;
        json_t *o = json_object();

        add_text(o, "id", a->id);
        add_text(o, "priority", tool_priority_name(a->priority));
        add_text(o, "state", alarm_state_name(a->state));
        add_text(o, "text", a->text);
        add_text(o, "guidance", a->guidance);
        add_bool(o, "stands", a->stands);
        add_bool(o, "is_trip", a->is_trip);
        add_bool(o, "is_chattering", a->is_chattering);
        add(o, "comings", json_integer(a->comings));
        add(o, "time", a->age_us < 0 ? json_null() : report_time(a->came_wall_us));
        if (a->age_us < 0)
                add(o, "age_s", json_null());
        else
                add_seconds(o, "age_s", a->age_us);
        add(o, "shelved_until", is_shelved ? report_time(a->until_wall_us) : json_null());
        add_text(o, "shelved_by", is_shelved ? a->shelved_by : "");
        add_text(o, "shelved_reason", is_shelved ? a->reason : "");
        return o;
}

json_t *report_alarms(const struct core *core)
{
        static struct core_alarm_now alarms[ALARM_MAX];
        int count = core_count_alarms(core);
        json_t *list = json_array();

        for (int i = 0; i < count; i++)
                core_get_alarm(core, i, &alarms[i]);
        qsort(alarms, (size_t)count, sizeof alarms[0], compare_alarms);
        for (int i = 0; i < count; i++)
                (void)json_array_append_new(list, one_alarm(&alarms[i]));
        return list;
}

/* ---- Events and verbs ---- */

json_t *report_event(const struct record *r)
{
        json_t *o = json_object();

        assert(r->kind == RECORD_EVENT);
        add(o, "time", report_time(r->wall_us));
        add(o, "run", number_or_null(r->run_id, 0));
        add_text(o, "kind", r->u.event.kind);
        add_text(o, "severity", record_severity_name((enum record_severity)r->u.event.severity));
        add_text(o, "source", r->u.event.source);
        add_text(o, "text", r->u.event.text);
        return o;
}

static json_t *arg_list(const struct verb_entry *verb)
{
        static const char *const types[] = {[VERB_ARG_TEXT] = "text",
            [VERB_ARG_BOOL] = "bool",
            [VERB_ARG_INT] = "int",
            [VERB_ARG_MAP] = "map",
            [VERB_ARG_OPTION] = "text",
            [VERB_ARG_TIME] = "time",
            [VERB_ARG_MASS] = "mass",
            [VERB_ARG_OUTPUT] = "output",
            [VERB_ARG_INPUT] = "input",
            [VERB_ARG_VALUE] = "value"};
        json_t *list = json_array();

        for (size_t i = 0; i < VERB_ARGS_MAX && verb->args[i].name != NULL; i++) {
                json_t *o = json_object();
                add_text(o, "name", verb->args[i].name);
                add_text(o, "type", types[verb->args[i].type]);
                add_bool(o, "required", verb->args[i].required);
                add_text(o, "help", verb->args[i].help);
                (void)json_array_append_new(list, o);
        }
        return list;
}

json_t *report_verbs(void)
{
        static const char *const controls[] = {
            [VERB_FREE] = "free", [VERB_TAKES] = "takes", [VERB_HOLDS] = "holds"};
        json_t *list = json_array();
        size_t count;
        const struct verb_entry *verbs = verb_table(&count);

        for (size_t i = 0; i < count; i++) {
                json_t *o;
                if (!verbs[i].on_socket)
                        continue;
                o = json_object();
                add_text(o, "name", verbs[i].name);
                add_text(o, "role", tool_role_name(verbs[i].role));
                add_text(o, "control", controls[verbs[i].control]);
                add_text(o, "help", verbs[i].help);
                add(o, "arguments", arg_list(&verbs[i]));
                (void)json_array_append_new(list, o);
        }
        return list;
}
