/* The control socket's lines: each line of the input goes through dispatch with a session and an owner of our own, so
 * that the parser, the arguments, the gate, uploads and waiting answers are all tried, without a socket.
 *
 *     ROLE STATE "\n" { LINE "\n" }
 *
 * ROLE is '0' (none) to '3' (engineer), STATE 'a' (Stopped) and on in the order of enum machine_state; other bytes are
 * brought into range.
 *
 * Held: every line gets at most one answer, at once or from the core, and none is lost (A5); each answer is one line
 * of JSON-RPC; a command reaches the owner only from a line that this file, reading it anew, finds to be sound, under
 * the peer's own role; memory stays bounded. */
#include "fuzz/fuzz.h"

#include "../../src/core/core_state.h" /* struct core: its state is set from outside */
#include "ald/control/dispatch.h"      /* dispatch_line */
#include "ald/control/jsonrpc.h"       /* jsonrpc_line */

#include <stdio.h>  /* snprintf */
#include <stdlib.h> /* free */
#include <string.h> /* memchr, strcmp */

enum { LINES_MAX = 8, HELD_MAX = 64 };

/* Instead of a socket. */
struct client {
        int answers;  /* to the present line */
        size_t bytes; /* sent in all */
        int owed;
        bool is_ending;
};

static struct {
        struct tool *tool;
        struct core *core;
        struct recipe *recipe;
        struct dispatch dispatch;
        struct session session;
        struct client client;
        const char *line; /* being dispatched */
        size_t len;
        int commands;            /* that it gave */
        bool has_commanded;      /* a line of this input gave one */
        uint64_t held[HELD_MAX]; /* commands whose answer is kept back */
        int held_count;
} world;

/* ---- The client: what it is sent ---- */

static void check_message(const char *line, size_t len)
{
        json_t *m = json_loadb(line, len, JSON_REJECT_DUPLICATES, NULL);
        const json_t *error = json_object_get(m, "error");
        FUZZ_CHECK(len > 0 && memchr(line, '\n', len) == line + len - 1, "not one line: %s", line);
        FUZZ_CHECK(json_is_object(m), "not an object: %s", line);
        FUZZ_CHECK(json_is_string(json_object_get(m, "jsonrpc")) && json_object_get(m, "id"), "%s", line);
        FUZZ_CHECK((json_object_get(m, "result") != NULL) != (error != NULL), "%s", line);
        FUZZ_CHECK(!error || (json_is_integer(json_object_get(error, "code")) &&
                                 json_string_length(json_object_get(error, "message")) > 0),
            "%s", line);
        json_decref(m);
}

/* Most of the time would go into the same long tables (help, tags): one in so many is read back, and an input that has
 * asked for one has asked enough. */
enum { SHORT_MAX = 1500, BYTES_MAX = 3000 };
static unsigned long_answers;

void client_send(struct client *client, json_t *message)
{
        size_t len = 0;
        FUZZ_CHECK(message, "no message");
        char *line = jsonrpc_line(message, &len);
        FUZZ_CHECK(line, "no line");
        client->answers++;
        client->bytes += len;
        if (len < SHORT_MAX || ++long_answers % 16 == 0)
                check_message(line, len);
        free(line);
}

void client_end(struct client *client, json_t *id, enum jsonrpc_code code, const char *text)
{
        client_send(client, jsonrpc_error(id, code, text, NULL));
        client->is_ending = true;
}

void client_owe(struct client *client, int more)
{
        client->owed += more;
        FUZZ_CHECK(client->owed >= 0 && client->owed <= SESSION_PENDING_MAX, "%d answers owed", client->owed);
}

/* ---- The owner: what reaches it ---- */

static const struct verb_arg *find_arg(const struct verb_entry *verb, const char *name)
{
        for (int i = 0; i < VERB_ARGS_MAX && verb->args[i].name; i++)
                if (strcmp(verb->args[i].name, name) == 0)
                        return &verb->args[i];
        return NULL;
}

static bool is_fit(const struct verb_arg *arg, json_t *value)
{
        const char *key;
        json_t *entry;
        if (arg->type != VERB_ARG_MAP)
                return arg->type == VERB_ARG_BOOL  ? json_is_boolean(value)
                       : arg->type == VERB_ARG_INT ? json_is_integer(value)
                                                   : json_is_string(value);
        json_object_foreach(value, key, entry)
        {
                if (!json_is_string(entry) && !json_is_integer(entry))
                        return false;
        }
        return json_is_object(value);
}

static void check_arguments(const struct verb_entry *verb, json_t *params)
{
        const char *key;
        json_t *value;
        json_object_foreach(params, key, value)
        {
                const struct verb_arg *arg = find_arg(verb, key);
                FUZZ_CHECK(arg && is_fit(arg, value), "%s with '%s' reached the owner", verb->name, key);
        }
        for (int i = 0; i < VERB_ARGS_MAX && verb->args[i].name; i++)
                FUZZ_CHECK(!verb->args[i].required || json_object_get(params, verb->args[i].name),
                    "%s without '%s' reached the owner", verb->name, verb->args[i].name);
}

/* The line read a second time, by the rules of JSON-RPC 2.0 and the table of verbs. One whose arguments make no sense reaches
 * the owner too, as refused, for the audit record alone (A3). */
static void check_line(const struct command *c, bool is_refused)
{
        json_t *root = json_loadb(world.line, world.len, JSON_REJECT_DUPLICATES, NULL), *params;
        const struct verb_entry *verb = verb_at(c->verb);
        const char *method = json_string_value(json_object_get(root, "method"));
        const char *version = json_string_value(json_object_get(root, "jsonrpc"));
        FUZZ_CHECK(
            json_is_object(root) && version && strcmp(version, "2.0") == 0, "no request reached the owner");
        FUZZ_CHECK(
            method && strcmp(method, verb->name) == 0, "%s became %s", method ? method : "?", verb->name);
        FUZZ_CHECK(verb->is_command && verb->on_socket, "%s is no command for clients", verb->name);
        params = json_object_get(root, "params");
        FUZZ_CHECK(
            is_refused || !params || json_is_object(params), "%s with params that are no object", verb->name);
        if (!is_refused)
                check_arguments(verb, params);
        json_decref(root);
}

static bool is_clean(const char *text, size_t cap)
{
        size_t len = 0;
        while (len < cap && text[len] != '\0' && (unsigned char)text[len] >= ' ' && text[len] != 0x7F)
                len++;
        return len < cap && text[len] == '\0';
}

static void on_command(void *ctx, const struct command *c)
{
        (void)ctx;
        world.commands++;
        check_line(c, c->refused[0] != '\0');
        FUZZ_CHECK(c->refused[0] == '\0' || (c->reply == 0 && c->recipe == NULL), "%s is refused and goes on",
            c->text);
        FUZZ_CHECK(c->role == world.session.peer.role && c->uid == world.session.peer.uid &&
                       strcmp(c->user, world.session.peer.user) == 0,
            "%s under another name", c->text);
        FUZZ_CHECK(is_clean(c->text, sizeof c->text), "control characters for the record");
        FUZZ_CHECK(memchr(c->name, '\0', sizeof c->name) && memchr(c->to, '\0', sizeof c->to) &&
                       memchr(c->reason, '\0', sizeof c->reason),
            "a text without its end");
        FUZZ_CHECK(c->tag >= TOOL_NONE && c->tag < world.tool->tag_count && c->for_us >= 0,
            "tag %d for %lld us", c->tag, (long long)c->for_us);
        FUZZ_PLANT(c->verb == VERB_RUN && c->recipe && strchr(c->text, '='));
        if (c->reply != 0 && world.held_count < HELD_MAX)
                world.held[world.held_count++] = c->reply;
}

static const struct core *on_core(void *ctx)
{
        (void)ctx;
        return world.core;
}

/* A text with an '!' has errors; what a compiler does with texts is another harness's. */
static const struct recipe *on_compile(void *ctx, const struct control_text *texts, size_t count,
    const char *const *set_names, const char *const *set_values, size_t sets, struct control_resume *resume,
    const char **why)
{
        (void)ctx;
        FUZZ_CHECK(count >= 1 && count <= SESSION_UPLOADS_MAX, "%zu texts", count);
        for (size_t i = 0; i < count; i++)
                FUZZ_CHECK(texts[i].name[0] != '\0' && strlen(texts[i].text) == texts[i].len,
                    "an upload without name or end");
        for (size_t i = 0; i < sets; i++)
                FUZZ_CHECK(set_names[i] && set_values[i], "set %zu of %zu", i, sets);
        if (resume != NULL) {
                FUZZ_CHECK(resume->from.path && resume->recipe_sha256 && resume->tool_sha256 &&
                               resume->version && resume->from.run_id >= 0 && resume->from.attempt >= 0,
                    "what goes on with nothing");
                if (resume->from.attempt == 0) {
                        (void)snprintf(resume->refused.text, sizeof resume->refused.text, "no \xff");
                        return NULL;
                }
        }
        *why = "1:1: error: an '!' \xff";
        return strchr(texts[0].text, '!') ? NULL : world.recipe;
}

static const struct control_owner owner = {.command = on_command, .core = on_core, .compile = on_compile};

/* ---- The run ---- */

int LLVMFuzzerInitialize(const int *argc, char ***argv)
{
        struct core_start start = {.store_ok = true};
        (void)argc;
        (void)argv;
        world.tool = fuzz_load_tool("tests/table/tool/base.yaml");
        world.core = core_new(world.tool, &start);
        world.recipe = calloc(1, sizeof *world.recipe);
        FUZZ_CHECK(world.core && world.recipe, "memory is out");
        world.dispatch = (struct dispatch){.owner = &owner, .tool = world.tool, .feed = feed_new(world.tool)};
        return 0;
}

/* The core's answers to what was kept back; every second line, so that some wait while others are asked. */
static void answer_held(void)
{
        static const int codes[] = {0, 3, 1, 5};
        for (int i = 0; i < world.held_count; i++) {
                struct effect_reply reply = {
                    .reply = world.held[i], .code = codes[i % 4], .text = "so be it"};
                int before = world.client.answers;
                dispatch_reply(&world.session, &reply);
                FUZZ_CHECK(world.client.answers <= before + 1, "two answers to one command");
        }
        world.held_count = 0;
}

/* Does the line ask for an answer: has it an id, or is it no request at all? */
static bool wants_answer(void)
{
        json_t *root = json_loadb(world.line, world.len, JSON_REJECT_DUPLICATES, NULL);
        bool wants = !json_is_object(root) || json_object_get(root, "id");
        json_decref(root);
        return wants;
}

/* All texts together stay within the limit. */
static void check_uploads(void)
{
        size_t bytes = 0, reserved = 0;
        for (int i = 0; i < SESSION_UPLOADS_MAX; i++) {
                bytes += world.session.uploads[i].len;
                reserved += world.session.uploads[i].cap;
        }
        FUZZ_CHECK(bytes <= SESSION_UPLOAD_MAX &&
                       reserved <= 2 * SESSION_UPLOAD_MAX + SESSION_UPLOADS_MAX * SESSION_PART_MAX,
            "uploads of %zu bytes in %zu", bytes, reserved);
}

static void try_line(const char *line, size_t len)
{
        world.line = line;
        world.len = len;
        world.commands = 0;
        world.client.answers = 0;
        dispatch_line(&world.dispatch, &world.session, line, len);
        fuzz_count(world.commands > 0);
        world.has_commanded = world.has_commanded || world.commands > 0;
        FUZZ_CHECK(world.commands <= 1 && world.client.answers <= 1, "%d commands, %d answers to one line",
            world.commands, world.client.answers);
        FUZZ_CHECK(world.commands + world.client.answers > 0 || !wants_answer(), "no answer to: %.*s",
            (int)len, line);
        check_uploads();
}

static void begin(uint8_t role, uint8_t state)
{
        world.client = (struct client){.owed = 0};
        world.session = (struct session){
            .io = &world.client, .peer = {.uid = 1000, .gid = 1000, .pid = 7, .user = "mara"}};
        world.session.peer.role = (enum tool_role)((uint8_t)(role - '0') % (TOOL_ROLE_ENGINEER + 1));
        world.core->state = (enum machine_state)((uint8_t)(state - 'a') % MACHINE_STATE_COUNT);
        world.core->recipe = machine_in_run(world.core->state) ? world.recipe : NULL;
        world.held_count = 0;
        world.has_commanded = false;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed)
{
        return fuzz_mutate_lines(data, size, max, seed);
}

static bool goes_on(const char *at, const char *end)
{
        return at < end && !world.client.is_ending && world.client.bytes < BYTES_MAX;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        int lines = 0;
        if (size < 3)
                return 0;
        begin(data[0], data[1]);
        const char *at = (const char *)data + 3, *end = (const char *)data + size;
        for (; lines < LINES_MAX && goes_on(at, end); lines++) {
                const char *newline = memchr(at, '\n', (size_t)(end - at));
                const char *stop = newline ? newline : end;
                try_line(at, (size_t)(stop - at));
                if (lines % 2 == 1)
                        answer_held();
                at = stop + 1;
        }
        /* After an odd number of lines the client leaves while an answer is on its way. */
        FUZZ_CHECK(
            lines % 2 == 1 || world.client.owed == 0, "%d answers are owed for ever", world.client.owed);
        session_clear(&world.session);
        if (world.has_commanded)
                fuzz_keep_sound(data, size);
        return 0;
}
