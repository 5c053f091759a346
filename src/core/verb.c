#include "ald/core/verb.h"

#include <assert.h> /* assert */
#include <string.h> /* strcmp */

#define S(s) MACHINE_BIT(MACHINE_##s)
#define ANY  (MACHINE_BIT(MACHINE_STATE_COUNT) - 1)
#define IN_RUN                                                                                               \
        (S(STARTING) | S(EXECUTE) | S(COMPLETING) | S(HOLDING) | S(HELD) | S(UNHOLDING) | S(SUSPENDING) |    \
            S(SUSPENDED) | S(UNSUSPENDING))
#define STARTABLE (S(STOPPED) | S(IDLE) | S(COMPLETE))

static const struct verb_entry verbs[] = {
    {.verb = VERB_STATUS,
        .name = "status",
        .role = TOOL_ROLE_VIEWER,
        .states = ANY,
        .on_socket = true,
        .help = "what the tool is doing and what it waits for"},
    {.verb = VERB_TAGS,
        .name = "tags",
        .role = TOOL_ROLE_VIEWER,
        .states = ANY,
        .on_socket = true,
        .help = "every tag with value, quality and age"},
    {.verb = VERB_INTERLOCKS,
        .name = "interlocks",
        .role = TOOL_ROLE_VIEWER,
        .states = ANY,
        .on_socket = true,
        .help = "every interlock with its condition and live values"},
    {.verb = VERB_SUBSCRIBE,
        .name = "subscribe",
        .role = TOOL_ROLE_VIEWER,
        .states = ANY,
        .on_socket = true,
        .help = "the full state once, then what changes"},
    {.verb = VERB_HELP,
        .name = "help",
        .role = TOOL_ROLE_VIEWER,
        .states = ANY,
        .on_socket = true,
        .help = "the table of verbs"},
    {.verb = VERB_UPLOAD,
        .name = "upload",
        .role = TOOL_ROLE_OPERATOR,
        .states = ANY,
        .on_socket = true,
        .args = {{"name", VERB_ARG_TEXT, true, "file name of the recipe"},
            {"offset", VERB_ARG_INT, true, "bytes sent before this part"},
            {"text", VERB_ARG_TEXT, true, "at most 8 KiB of the recipe"},
            {"last", VERB_ARG_BOOL, false, "nothing follows"}},
        .help = "send a part of a recipe's text"},
    {.verb = VERB_RUN,
        .name = "run",
        .role = TOOL_ROLE_OPERATOR,
        .states = STARTABLE,
        .is_command = true,
        .on_socket = true,
        .args = {{"recipe", VERB_ARG_TEXT, true, "name of an uploaded recipe"},
            {"set", VERB_ARG_MAP, false, "parameters by name"}},
        .help = "start a recipe"},
    {.verb = VERB_HOLD,
        .name = "hold",
        .role = TOOL_ROLE_OPERATOR,
        .states = S(EXECUTE) | S(UNHOLDING) | S(SUSPENDING) | S(SUSPENDED) | S(UNSUSPENDING),
        .is_command = true,
        .on_socket = true,
        .args = {{"now", VERB_ARG_BOOL, false, "cut a running pulse instead of letting it end"}},
        .help = "hold the run; a running pulse ends first"},
    {.verb = VERB_RESUME,
        .name = "resume",
        .role = TOOL_ROLE_OPERATOR,
        .states = S(HELD),
        .is_command = true,
        .on_socket = true,
        .args = {{"repeat", VERB_ARG_BOOL, false, "repeat a pulse that was cut (where the recipe asks)"},
            {"skip", VERB_ARG_BOOL, false, "do not repeat it"}},
        .help = "go on with a held run, the purge whole again"},
    {.verb = VERB_STOP,
        .name = "stop",
        .role = TOOL_ROLE_OPERATOR,
        .states = IN_RUN | S(RESETTING) | S(IDLE) | S(COMPLETE),
        .is_command = true,
        .on_socket = true,
        .help = "end the run in order: pulse ends, purge, finally, standby"},
    {.verb = VERB_ABORT,
        .name = "abort",
        .role = TOOL_ROLE_OPERATOR,
        .states = ANY & ~(S(ABORTED) | S(ABORTING)),
        .is_command = true,
        .on_socket = true,
        .is_never_limited = true,
        .help = "everything safe at once"},
    {.verb = VERB_RESET,
        .name = "reset",
        .role = TOOL_ROLE_OPERATOR,
        .states = S(ABORTED) | S(STOPPED) | S(IDLE) | S(COMPLETE),
        .is_command = true,
        .on_socket = true,
        .help = "clear latched trips whose cause is gone"},
    {.verb = VERB_SHUTDOWN,
        .name = "shutdown",
        .role = TOOL_ROLE_ENGINEER,
        .states = ANY,
        .is_command = true,
        .help = "end the daemon in order"},
};

const struct verb_entry *verb_table(size_t *count)
{
        *count = sizeof verbs / sizeof verbs[0];
        return verbs;
}

const struct verb_entry *verb_find(const char *name)
{
        for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++)
                if (verbs[i].on_socket && strcmp(verbs[i].name, name) == 0)
                        return &verbs[i];
        return NULL;
}

const struct verb_entry *verb_at(enum verb verb)
{
        for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++)
                if (verbs[i].verb == verb)
                        return &verbs[i];
        assert(false && "every verb has its row");
        return NULL;
}

enum verb_refusal verb_gate(enum verb verb, enum tool_role role, enum machine_state state)
{
        const struct verb_entry *entry = verb_at(verb);

        if (role < entry->role)
                return VERB_REFUSED_ROLE;
        if ((entry->states & MACHINE_BIT(state)) == 0)
                return VERB_REFUSED_STATE;
        return VERB_ALLOWED;
}
