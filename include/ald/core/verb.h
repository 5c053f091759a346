/* The one table of verbs: what a client may ask, with which arguments, from which role on, in which machine
 * states. Dispatch, client help, completion and manual read it; one gate (verb_gate) reads it before anything
 * runs. */
#ifndef ALD_CORE_VERB_H
#define ALD_CORE_VERB_H

#include "ald/core/machine.h" /* enum machine_state */
#include "ald/core/tool.h"    /* enum tool_role */

#include <stdbool.h> /* bool */
#include <stddef.h>  /* size_t */
#include <stdint.h>  /* uint32_t */

enum verb {
        VERB_NONE,
        /* Questions: answered without the core. */
        VERB_STATUS,
        VERB_TAGS,
        VERB_TOOL,
        VERB_INTERLOCKS,
        VERB_ALARMS,
        VERB_SUBSCRIBE,
        VERB_HELP,
        VERB_UPLOAD, /* part of a recipe's text */
        /* Commands: go through the core as events. */
        VERB_RUN,
        VERB_HOLD,
        VERB_RESUME,
        VERB_STOP,
        VERB_ABORT,
        VERB_RESET,
        VERB_CONFIRM,
        VERB_ACK,
        VERB_SHELVE,
        VERB_UNSHELVE,
        VERB_BYPASS,
        VERB_UNBYPASS,
        VERB_CONTROL,
        VERB_OPEN,
        VERB_CLOSE,
        VERB_SET,
        VERB_BOTTLE,
        VERB_COUNTERS,
        VERB_SHUTDOWN, /* from a signal, not from the socket */
        VERB_COUNT
};

enum verb_arg_type {
        VERB_ARG_TEXT, /* a word given by its place on a command line */
        VERB_ARG_BOOL,
        VERB_ARG_INT,
        VERB_ARG_MAP,
        VERB_ARG_OPTION, /* text given as --name on a command line */
        VERB_ARG_TIME,   /* a time with its unit, given as --name; becomes command.for_us */
        VERB_ARG_OUTPUT, /* an output by any name that people use for it; becomes command.tag */
        VERB_ARG_INPUT,  /* an input's tag; becomes command.tag */
        VERB_ARG_MASS,   /* a mass with its unit, given as --name; becomes command.value in g */
        VERB_ARG_VALUE   /* a value of the output named before it; becomes command.value */
};
struct verb_arg {
        const char *name; /* NULL ends the list */
        enum verb_arg_type type;
        bool required;
        const char *help;
};
enum { VERB_ARGS_MAX = 6 };

/* What a verb asks of the control token (A2). */
enum verb_control {
        VERB_FREE,  /* nothing: it moves no output, or only to safety */
        VERB_TAKES, /* nobody else may hold it; a token that is free is taken by this very command */
        VERB_HOLDS  /* it must be held already */
};

struct verb_entry {
        enum verb verb;
        const char *name;
        enum tool_role role; /* least */
        uint32_t states;     /* bit i: allowed in machine state i */
        bool is_command;     /* goes to the core and is audited */
        bool on_socket;      /* clients may ask for it */
        enum verb_control control;
        bool is_never_limited; /* abort: no rate limit ever holds it back */
        struct verb_arg args[VERB_ARGS_MAX];
        const char *help;
};

const struct verb_entry *verb_table(size_t *count);
const struct verb_entry *verb_find(const char *name); /* NULL when unknown or not on the socket */
const struct verb_entry *verb_at(enum verb verb);

/* Is it given by its place on a command line, not as --name? */
bool verb_arg_is_word(const struct verb_arg *arg);

enum verb_refusal { VERB_ALLOWED, VERB_REFUSED_ROLE, VERB_REFUSED_STATE };
/* The gate: role first, then state. (Then comes the token, which the core knows.) */
enum verb_refusal verb_gate(enum verb verb, enum tool_role role, enum machine_state state);

#endif
