#include "ald/control/dispatch.h"

#include "ald/base/text.h"           /* text_nearest, text_add */
#include "ald/control/fill.h"        /* fill_command, fill_text */
#include "ald/control/jsonrpc.h"     /* jsonrpc_* */
#include "ald/control/params.h"      /* params_* */
#include "ald/control/report.h"      /* report_* */
#include "ald/control/report_tool.h" /* report_tool */
#include "ald/control/resumes.h"     /* resumes_read */
#include "ald/core/core.h"           /* core_get_status */
#include "ald/core/machine.h"        /* machine_state_name */
#include "ald/core/verb.h"           /* verb_find, verb_gate */

#include <assert.h> /* assert */
#include <stdio.h>  /* snprintf */
#include <time.h>   /* clock_gettime */

/* What goes back for a question: a result, or an error. */
struct answer {
        json_t *result;
        enum jsonrpc_code code; /* JSONRPC_NONE: `result` counts */
        char text[240];
        json_t *data;
};

/* One request on its way. */
struct request {
        struct dispatch *d;
        struct session *s;
        json_t *id; /* NULL: none was given; then only errors are answered, with a null id */
        json_t *params;
        const struct verb_entry *verb;
};

static int64_t wall_now_us(void)
{
        struct timespec t;

        (void)clock_gettime(CLOCK_REALTIME, &t);
        return (int64_t)t.tv_sec * INT64_C(1000000) + t.tv_nsec / 1000;
}

static enum jsonrpc_code code_of_exit(int exit_code)
{
        return exit_code == 3 ? JSONRPC_REFUSED : exit_code == 5 ? JSONRPC_DENIED : JSONRPC_FAILED;
}

static json_t *data_exit(int exit_code)
{
        json_t *data = json_object();

        (void)json_object_set_new(data, "exit", json_integer(exit_code));
        return data;
}

static void fail(struct session *s, json_t *id, enum jsonrpc_code code, const char *text, json_t *data)
{
        client_send(s->io, jsonrpc_error(id, code, text, data));
}

const struct outlook_now *dispatch_outlook(const struct control_owner *owner)
{
        return owner->outlook != NULL ? owner->outlook(owner->ctx) : NULL;
}

/* ---- Questions ---- */

static void answer_status(struct request *r, struct answer *a)
{
        const struct control_owner *owner = r->d->owner;

        a->result = report_status(r->d->tool, owner->core(owner->ctx), dispatch_outlook(owner));
        (void)json_object_set_new(a->result, "time", report_time(wall_now_us()));
}

static void answer_tags(struct request *r, struct answer *a)
{
        a->result = report_tags(r->d->tool, r->d->owner->core(r->d->owner->ctx));
}

static void answer_tool(struct request *r, struct answer *a)
{
        a->result = report_tool(r->d->tool);
}

static void answer_interlocks(struct request *r, struct answer *a)
{
        a->result = report_interlocks(r->d->tool, r->d->owner->core(r->d->owner->ctx));
}

static void answer_alarms(struct request *r, struct answer *a)
{
        a->result = report_alarms(r->d->owner->core(r->d->owner->ctx));
}

static void answer_help(struct request *r, struct answer *a)
{
        (void)r;
        a->result = report_verbs();
}

static void answer_subscribe(struct request *r, struct answer *a)
{
        const struct control_owner *owner = r->d->owner;

        feed_turn(r->d->feed, owner->core(owner->ctx), dispatch_outlook(owner), wall_now_us());
        a->result = feed_full(r->d->feed, &r->s->seen);
}

static void answer_upload(struct request *r, struct answer *a)
{
        const struct session_upload *upload = NULL;
        const char *why =
            session_upload(r->s, params_text(r->params, "name"), params_int(r->params, "offset"),
                params_text(r->params, "text"), params_bool(r->params, "last"), &upload);

        if (why != NULL) {
                a->code = JSONRPC_PARAMS;
                (void)snprintf(a->text, sizeof a->text, "upload: %s", why);
                return;
        }
        a->result = json_object();
        (void)json_object_set_new(a->result, "bytes", json_integer((json_int_t)upload->len));
        (void)json_object_set_new(a->result, "is_complete", json_boolean(upload->is_complete));
}

static void (*const answerers[VERB_COUNT])(struct request *r, struct answer *a) = {
    [VERB_STATUS] = answer_status,
    [VERB_TAGS] = answer_tags,
    [VERB_TOOL] = answer_tool,
    [VERB_INTERLOCKS] = answer_interlocks,
    [VERB_SUBSCRIBE] = answer_subscribe,
    [VERB_ALARMS] = answer_alarms,
    [VERB_HELP] = answer_help,
    [VERB_UPLOAD] = answer_upload,
};

static enum machine_state state_now(const struct request *r)
{
        struct core_status status;

        core_get_status(r->d->owner->core(r->d->owner->ctx), &status);
        return status.state;
}

/* The gate for questions, which the core never sees. */
static bool passes_gate(const struct request *r, struct answer *a)
{
        enum machine_state state = state_now(r);
        enum verb_refusal refusal = verb_gate(r->verb->verb, r->s->peer.role, state);

        if (refusal == VERB_ALLOWED)
                return true;
        if (refusal == VERB_REFUSED_ROLE) {
                a->code = JSONRPC_DENIED;
                a->data = data_exit(5);
                (void)json_object_set_new(
                    a->data, "hint", json_string("the tool file's `access` gives roles to users and groups"));
                (void)snprintf(a->text, sizeof a->text, "%s needs the role of %s; %s is %s", r->verb->name,
                    tool_role_name(r->verb->role), r->s->peer.user, tool_role_name(r->s->peer.role));
        } else {
                a->code = JSONRPC_REFUSED;
                a->data = data_exit(3);
                (void)snprintf(a->text, sizeof a->text, "%s is not allowed in state %s", r->verb->name,
                    machine_state_name(state));
        }
        return false;
}

static void do_question(struct request *r)
{
        struct answer a = {.code = JSONRPC_NONE};

        assert(answerers[r->verb->verb] != NULL);
        if (passes_gate(r, &a))
                answerers[r->verb->verb](r, &a);
        if (a.code != JSONRPC_NONE)
                fail(r->s, r->id, a.code, a.text, a.data);
        else if (r->id != NULL)
                client_send(r->s->io, jsonrpc_result(r->id, a.result));
        else
                json_decref(a.result);
}

/* ---- Commands ---- */

static void begin_command(const struct request *r, struct command *c)
{
        *c = (struct command){.verb = r->verb->verb,
            .role = r->s->peer.role,
            .uid = r->s->peer.uid,
            .pid = r->s->peer.pid,
            .tag = TOOL_NONE};
        text_copy(c->user, sizeof c->user, r->s->peer.user);
        fill_text(r->verb, r->params, c);
}

/* Arguments that make no sense. The client is told here, with what would; of a command the core keeps the audit record
 * (A3). */
static void fail_params(struct request *r, const struct params_fault *fault)
{
        json_t *data = data_exit(2);
        struct command c;

        (void)json_object_set_new(data, "argument", jsonrpc_text(fault->argument));
        (void)json_object_set_new(data, "expected", jsonrpc_text(fault->expected));
        fail(r->s, r->id, JSONRPC_PARAMS, fault->text, data);
        if (!r->verb->is_command)
                return;
        begin_command(r, &c);
        text_copy(c.refused, sizeof c.refused, fault->text);
        r->d->owner->command(r->d->owner->ctx, &c);
}

/* Hand it over. A departed answer must not keep a command from being carried out: abort goes through even when the
 * client has not read the answers to the commands before. */
static void hand_over(struct request *r, struct command *c)
{
        c->reply = ++r->d->last_reply;
        if (!session_expect(r->s, c->reply, r->id)) {
                assert(r->verb->is_never_limited);
                c->reply = 0;
                fail(r->s, r->id, JSONRPC_LIMIT,
                    "handed over, but too many answers are awaited to report on it", data_exit(1));
        }
        r->d->owner->command(r->d->owner->ctx, c);
}

static void fail_diagnostics(struct request *r, const char *name, const char *why)
{
        json_t *data = data_exit(1);
        char text[320];

        (void)json_object_set_new(data, "diagnostics", jsonrpc_text(why));
        (void)snprintf(text, sizeof text, "%s was refused: it has errors", name);
        fail(r->s, r->id, JSONRPC_FAILED, text, data);
}

static void fail_no_upload(struct request *r, const char *name)
{
        struct params_fault fault = {
            .argument = "recipe", .expected = "the name of a recipe that was uploaded whole"};

        (void)snprintf(fault.text, sizeof fault.text,
            "run: recipe '%.120s' was not uploaded whole on this connection", name);
        fail_params(r, &fault);
}

/* What was uploaded whole, the recipe first. */
static size_t gather(const struct session *s, const struct session_upload *recipe, struct control_text *to)
{
        size_t count = 0;

        to[count++] = (struct control_text){recipe->name, recipe->text, recipe->len};
        for (int i = 0; i < SESSION_UPLOADS_MAX; i++) {
                const struct session_upload *u = &s->uploads[i];
                if (u->is_complete && u != recipe)
                        to[count++] = (struct control_text){u->name, u->text, u->len};
        }
        return count;
}

/* What stands against going on with a run: told with what would be accepted, and audited (A3). */
static void refuse_resume(struct request *r, struct command *c, const struct resume_refusal *refused)
{
        json_t *data = data_exit(3);

        (void)json_object_set_new(data, "hint", jsonrpc_text(refused->hint));
        fail(r->s, r->id, JSONRPC_REFUSED, refused->text, data);
        text_copy(c->refused, sizeof c->refused, refused->text);
        r->d->owner->command(r->d->owner->ctx, c);
}

/* A recipe is compiled only for who may run it, when it could run. Who may not is sent to the core as it is, without
 * a recipe, which refuses it at its gate and keeps the audit record. */
static void do_run(struct request *r, struct command *c)
{
        struct params_map set;
        const char *name = params_text(r->params, "recipe"), *why = "";
        const struct session_upload *upload;
        struct control_text texts[SESSION_UPLOADS_MAX];
        struct control_resume *resume = NULL;
        struct params_fault fault;
        struct resumes resumes;

        if (verb_gate(VERB_RUN, c->role, state_now(r)) != VERB_ALLOWED) {
                hand_over(r, c);
                return;
        }
        upload = session_find_upload(r->s, name);
        if (upload == NULL) {
                fail_no_upload(r, name);
                return;
        }
        if (resumes_is_asked(r->params)) {
                if (!resumes_read(r->params, &resumes, &fault)) {
                        fail_params(r, &fault);
                        return;
                }
                resume = &resumes.resume;
                resume->from.repeat = c->repeat;
                resume->from.skip = c->skip;
        }
        params_read_map(r->params, "set", &set);
        c->recipe = r->d->owner->compile(r->d->owner->ctx, texts, gather(r->s, upload, texts), set.names,
            set.values, set.count, resume, &why);
        session_drop_uploads(r->s);
        if (c->recipe != NULL) {
                hand_over(r, c);
                return;
        }
        if (resume != NULL && resume->refused.text[0] != '\0') {
                refuse_resume(r, c, &resume->refused);
                return;
        }
        /* The client is told here, with the lines; the core refuses for the audit record alone (A3). */
        fail_diagnostics(r, name, why);
        r->d->owner->command(r->d->owner->ctx, c);
}

static void do_command(struct request *r)
{
        struct command c;
        struct params_fault fault;

        if (!r->verb->is_never_limited && !session_may_expect(r->s)) {
                fail(r->s, r->id, JSONRPC_LIMIT, "too many commands wait for their answers", data_exit(1));
                return;
        }
        begin_command(r, &c);
        /* Who may not ask is refused by the core's gate, whatever the arguments say. */
        bool may_ask = c.role >= r->verb->role;
        if (may_ask && !fill_command(r->d->tool, r->verb, r->params, &c, &fault))
                fail_params(r, &fault);
        else if (may_ask && r->verb->verb == VERB_RUN)
                do_run(r, &c);
        else
                hand_over(r, &c);
}

void dispatch_reply(struct session *s, const struct effect_reply *reply)
{
        json_t *id = NULL, *body;

        if (!session_take(s, reply->reply, &id))
                return;
        if (reply->code == 0 && id != NULL) {
                body = json_object();
                (void)json_object_set_new(body, "text", jsonrpc_text(reply->text));
                if (reply->run_id != 0)
                        (void)json_object_set_new(body, "run", json_integer(reply->run_id));
                client_send(s->io, jsonrpc_result(id, body));
        } else if (reply->code != 0) {
                body = data_exit(reply->code);
                (void)json_object_set_new(body, "interlock", jsonrpc_text(reply->interlock));
                (void)json_object_set_new(body, "condition", jsonrpc_text(reply->condition));
                (void)json_object_set_new(body, "values", jsonrpc_text(reply->values));
                (void)json_object_set_new(body, "hint", jsonrpc_text(reply->hint));
                fail(s, id, code_of_exit(reply->code), reply->text, body);
        }
        json_decref(id);
        client_owe(s->io, -1);
}

/* ---- Lines ---- */

static const char *verb_name(const void *ctx, size_t i)
{
        const struct verb_entry *const *list = ctx;

        return list[i]->name;
}

static void fail_unknown_verb(struct session *s, json_t *id, const char *method)
{
        const struct verb_entry *on_socket[VERB_COUNT];
        size_t count = 0, all;
        const struct verb_entry *table = verb_table(&all);
        const char *near;
        char text[200];

        assert(all <= VERB_COUNT);
        for (size_t i = 0; i < all; i++)
                if (table[i].on_socket)
                        on_socket[count++] = &table[i];
        near = text_nearest(method, verb_name, on_socket, count);
        (void)snprintf(text, sizeof text, "unknown verb '%.60s'; %s%s%s", method,
            near != NULL ? "did you mean '" : "'help' lists them", near != NULL ? near : "",
            near != NULL ? "'?" : "");
        fail(s, id, JSONRPC_METHOD, text, NULL);
}

static void do_request(struct dispatch *d, struct session *s, const struct jsonrpc_request *in)
{
        struct request r = {
            .d = d, .s = s, .id = in->id, .params = in->params, .verb = verb_find(in->method)};
        struct params_fault fault;

        if (r.verb == NULL) {
                fail_unknown_verb(s, r.id, in->method);
        } else if (!params_check(r.verb, r.params, &fault)) {
                fail_params(&r, &fault);
        } else if (r.verb->is_command) {
                do_command(&r);
        } else {
                do_question(&r);
        }
}

void dispatch_line(struct dispatch *d, struct session *s, const char *line, size_t len)
{
        struct jsonrpc_request in;
        struct jsonrpc_fault fault;

        if (jsonrpc_parse(line, len, &in, &fault))
                do_request(d, s, &in);
        else if (fault.is_limit)
                client_end(s->io, in.id, fault.code, fault.text);
        else
                fail(s, in.id, fault.code, fault.text, NULL);
        jsonrpc_release(&in);
}
