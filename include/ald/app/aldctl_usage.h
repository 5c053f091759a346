/* Reading what the command table says of a command: its usage as tokens, its help as paragraphs and items. --help, completion and
 * manual are made of the same text by it. */
#ifndef ALD_APP_ALDCTL_USAGE_H
#define ALD_APP_ALDCTL_USAGE_H

#include "ald/app/aldctl.h" /* struct aldctl_command */

#include <stdbool.h> /* bool */
#include <stddef.h>  /* size_t */

enum aldctl_usage_kind {
        ALDCTL_USAGE_OPEN,  /* "[" */
        ALDCTL_USAGE_CLOSE, /* "]" */
        ALDCTL_USAGE_OR,    /* "|" by itself */
        ALDCTL_USAGE_MORE,  /* "...", behind what may be given again */
        ALDCTL_USAGE_FORM,  /* "aldctl COMMAND": another form begins */
        ALDCTL_USAGE_FLAG,  /* "--set", "-c" */
        ALDCTL_USAGE_PLACE, /* "RECIPE": something that the user names; also "csv|json" */
        ALDCTL_USAGE_WORD   /* "take": as it stands */
};
struct aldctl_usage_token {
        enum aldctl_usage_kind kind;
        char text[64];
};
/* The token at *at, which moves on; false: there is none. */
bool aldctl_usage_next(const char **at, struct aldctl_usage_token *token);

/* What may stand as word number `given` of a command (0 = the first after its name), when words[] are those before it:
 * PLACE and WORD tokens. How many were put into found[], at most `cap`. */
size_t aldctl_usage_words(const struct aldctl_command *command, const char *const *words, size_t given,
    struct aldctl_usage_token *found, size_t cap);

struct aldctl_usage_part {
        char tag[64]; /* of an item: "--run", else "" */
        char text[1024];
};
/* The paragraph or item of a help text at *at, which moves on; false: there is none. */
bool aldctl_usage_next_part(const char **at, struct aldctl_usage_part *part);

/* The option of that name; NULL: there is none. */
const struct aldctl_option *aldctl_usage_find_option(const char *name, size_t len);

#endif
