#include "ald/core/verb.h"

#include <assert.h> /* assert */
#include <string.h> /* strcmp */

#define S(s) MACHINE_BIT(MACHINE_##s)
#define ANY  (MACHINE_BIT(MACHINE_STATE_COUNT) - 1)
#define IN_RUN                                                                                               \
        (S(STARTING) | S(EXECUTE) | S(COMPLETING) | S(HOLDING) | S(HELD) | S(UNHOLDING) | S(SUSPENDING) |    \
            S(SUSPENDED) | S(UNSUSPENDING))
#define STARTABLE (S(STOPPED) | S(IDLE) | S(COMPLETE))
/* By hand: at rest; in a run only what the tool file lets move there (tool_tag.manual). */
#define MANUAL (STARTABLE | S(EXECUTE) | S(HELD) | S(SUSPENDED))

/* Hands on the tool: at rest, also after an abort; in a run that waits or runs, what it does not use. */
#define AT_WORK (MANUAL | S(ABORTED))

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
    {.verb = VERB_TOOL,
        .name = "tool",
        .role = TOOL_ROLE_VIEWER,
        .states = ANY,
        .on_socket = true,
        .help = "the equipment: what the tags are"},
    {.verb = VERB_INTERLOCKS,
        .name = "interlocks",
        .role = TOOL_ROLE_VIEWER,
        .states = ANY,
        .on_socket = true,
        .help = "every interlock with its condition and live values"},
    {.verb = VERB_ALARMS,
        .name = "alarms",
        .role = TOOL_ROLE_VIEWER,
        .states = ANY,
        .on_socket = true,
        .help = "every alarm that is not normal, with its state and what to do"},
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
        .args = {{"name", VERB_ARG_TEXT, true, "file name of the text"},
            {"offset", VERB_ARG_INT, true, "bytes sent before this part"},
            {"text", VERB_ARG_TEXT, true, "at most 8 KiB of it"},
            {"last", VERB_ARG_BOOL, false, "nothing follows"}},
        .help = "send a part of a recipe, or of a file beside it that it includes"},
    {.verb = VERB_RUN,
        .name = "run",
        .role = TOOL_ROLE_OPERATOR,
        .states = STARTABLE,
        .is_command = true,
        .on_socket = true,
        .control = VERB_TAKES,
        .args = {{"recipe", VERB_ARG_TEXT, true, "name of an uploaded recipe"},
            {"set", VERB_ARG_MAP, false, "parameters by name"},
            {"resumes", VERB_ARG_MAP, false,
                "the recorded run to go on with, its last pulse, what was in force"},
            {"repeat", VERB_ARG_BOOL, false, "repeat a pulse that was cut (where the recipe asks)"},
            {"skip", VERB_ARG_BOOL, false, "do not repeat it"}},
        .help = "start a recipe, or go on with a run that was interrupted"},
    {.verb = VERB_HOLD,
        .name = "hold",
        .role = TOOL_ROLE_OPERATOR,
        .states = S(EXECUTE) | S(UNHOLDING) | S(SUSPENDING) | S(SUSPENDED) | S(UNSUSPENDING),
        .is_command = true,
        .on_socket = true,
        .control = VERB_TAKES,
        .args = {{"now", VERB_ARG_BOOL, false, "cut a running pulse instead of letting it end"}},
        .help = "hold the run; a running pulse ends first"},
    {.verb = VERB_RESUME,
        .name = "resume",
        .role = TOOL_ROLE_OPERATOR,
        .states = S(HELD),
        .is_command = true,
        .on_socket = true,
        .control = VERB_TAKES,
        .args = {{"repeat", VERB_ARG_BOOL, false, "repeat a pulse that was cut (where the recipe asks)"},
            {"skip", VERB_ARG_BOOL, false, "do not repeat it"}},
        .help = "go on with a held run, the purge whole again"},
    {.verb = VERB_STOP,
        .name = "stop",
        .role = TOOL_ROLE_OPERATOR,
        .states = IN_RUN | S(RESETTING) | S(IDLE) | S(COMPLETE),
        .is_command = true,
        .on_socket = true,
        .control = VERB_TAKES,
        .args = {{"after_cycle", VERB_ARG_BOOL, false, "at the end of the present cycle"}},
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
        .control = VERB_TAKES,
        .help = "clear latched trips whose cause is gone"},
    {.verb = VERB_CONFIRM,
        .name = "confirm",
        .role = TOOL_ROLE_OPERATOR,
        .states = S(EXECUTE) | S(STOPPING) | S(COMPLETING),
        .is_command = true,
        .on_socket = true,
        .control = VERB_TAKES,
        .help = "answer yes to what the recipe asks"},
    {.verb = VERB_ACK,
        .name = "ack",
        .role = TOOL_ROLE_OPERATOR,
        .states = ANY,
        .is_command = true,
        .on_socket = true,
        .args = {{"alarm", VERB_ARG_TEXT, false, "its id; none: all of them"}},
        .help = "acknowledge alarms; moves no output"},
    {.verb = VERB_SHELVE,
        .name = "shelve",
        .role = TOOL_ROLE_OPERATOR,
        .states = ANY,
        .is_command = true,
        .on_socket = true,
        .args = {{"alarm", VERB_ARG_TEXT, true, "its id"},
            {"for", VERB_ARG_TIME, true, "how long, at most 8 h"}, {"reason", VERB_ARG_OPTION, true, "why"}},
        .help = "silence a nuisance alarm for a time"},
    {.verb = VERB_UNSHELVE,
        .name = "unshelve",
        .role = TOOL_ROLE_OPERATOR,
        .states = ANY,
        .is_command = true,
        .on_socket = true,
        .args = {{"alarm", VERB_ARG_TEXT, true, "its id"}},
        .help = "end a shelving early"},
    {.verb = VERB_BYPASS,
        .name = "bypass",
        .role = TOOL_ROLE_ENGINEER,
        .states = ANY,
        .is_command = true,
        .on_socket = true,
        .args = {{"tag", VERB_ARG_INPUT, true, "an input that the tool file lets bypass"},
            {"for", VERB_ARG_TIME, true, "how long, at most what the tool file allows"},
            {"reason", VERB_ARG_OPTION, true, "why"}},
        .help = "leave an input out of the interlocks for a time"},
    {.verb = VERB_UNBYPASS,
        .name = "unbypass",
        .role = TOOL_ROLE_OPERATOR,
        .states = ANY,
        .is_command = true,
        .on_socket = true,
        .args = {{"tag", VERB_ARG_INPUT, true, "the input"}},
        .help = "end a bypass early"},
    {.verb = VERB_CONTROL,
        .name = "control",
        .role = TOOL_ROLE_OPERATOR,
        .states = ANY,
        .is_command = true,
        .on_socket = true,
        .args = {{"action", VERB_ARG_TEXT, true, "take or release"},
            {"to", VERB_ARG_OPTION, false, "release: the user who gets it"},
            {"force", VERB_ARG_BOOL, false, "take: from whoever has it (engineers)"}},
        .help = "take or release the control token"},
    {.verb = VERB_OPEN,
        .name = "open",
        .role = TOOL_ROLE_OPERATOR,
        .states = MANUAL,
        .is_command = true,
        .on_socket = true,
        .control = VERB_HOLDS,
        .args = {{"valve", VERB_ARG_OUTPUT, true, "valve or precursor line"},
            {"for", VERB_ARG_TIME, false, "how long; a precursor needs it, within max_open"}},
        .help = "open a valve by hand"},
    {.verb = VERB_CLOSE,
        .name = "close",
        .role = TOOL_ROLE_OPERATOR,
        .states = ANY,
        .is_command = true,
        .on_socket = true,
        .args = {{"valve", VERB_ARG_OUTPUT, true, "valve or precursor line"}},
        .help = "close a valve by hand; a precursor's always closes"},
    {.verb = VERB_SET,
        .name = "set",
        .role = TOOL_ROLE_OPERATOR,
        .states = MANUAL,
        .is_command = true,
        .on_socket = true,
        .control = VERB_HOLDS,
        .args = {{"tag", VERB_ARG_OUTPUT, true, "a flow, heater, motor or switch"},
            {"value", VERB_ARG_VALUE, true, "with its unit, or on, off, safe, standby"}},
        .help = "move a set-point or switch by hand"},
    {.verb = VERB_BOTTLE,
        .name = "bottle",
        .role = TOOL_ROLE_OPERATOR,
        .states = AT_WORK,
        .is_command = true,
        .on_socket = true,
        .args = {{"line", VERB_ARG_OUTPUT, true, "precursor line"},
            {"lot", VERB_ARG_OPTION, false, "what stands on the new bottle"},
            {"content", VERB_ARG_MASS, false, "how much is in it (the tool file's)"}},
        .help = "say that the bottle of a precursor line was changed"},
    {.verb = VERB_COUNTERS,
        .name = "counters",
        .role = TOOL_ROLE_ENGINEER,
        .states = ANY,
        .is_command = true,
        .on_socket = true,
        .args = {{"action", VERB_ARG_TEXT, true, "reset"},
            {"valve", VERB_ARG_OUTPUT, true, "a valve that was replaced, or the pump"}},
        .help = "count a valve's openings from zero: it was replaced"},
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

bool verb_arg_is_word(const struct verb_arg *arg)
{
        return arg->type == VERB_ARG_TEXT || arg->type == VERB_ARG_OUTPUT || arg->type == VERB_ARG_INPUT ||
               arg->type == VERB_ARG_VALUE;
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
