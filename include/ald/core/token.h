/* The control token (SAFETY A2): at most one user holds it, and only the holder moves outputs. It belongs to a user, not
 * to a connection; it lapses when that user gives no command for a while, so that nobody has to be asked to let go.
 *
 * It can be handed over by name before the other user was ever seen; the uid is learnt from their first command. */
#ifndef ALD_CORE_TOKEN_H
#define ALD_CORE_TOKEN_H

#include "ald/core/tool.h" /* TOOL_NAME_MAX */
#include "ald/core/verb.h" /* enum verb_control */

#include <stdbool.h> /* bool */
#include <stdint.h>  /* int64_t */

struct text;

/* It lapses this long after the holder's last command, unless the tool file says otherwise (access: control_lapse). */
#define TOKEN_LAPSE_US INT64_C(600000000)

struct token {
        int64_t lapse_us;
        bool is_held;
        bool has_uid; /* false: handed over by name, and not seen since */
        uint32_t uid;
        char user[TOOL_NAME_MAX];
        int64_t since_us, until_us; /* until_us: it lapses then */
};

/* A user as a command names them. `user` is borrowed. */
struct token_user {
        uint32_t uid;
        const char *user;
};

/* Free, lapsing after lapse_us (0: TOKEN_LAPSE_US). */
void token_init(struct token *t, int64_t lapse_us);

bool token_is_held_by(const struct token *t, struct token_user who);
/* May a command that asks `control` of the token go on? */
bool token_allows(const struct token *t, enum verb_control control, struct token_user who);

/* It is theirs from now on, whoever had it. */
void token_take(struct token *t, struct token_user who, int64_t now_us);
/* It belongs to the user of that name from now on, though their uid is not known yet. */
void token_hand_over(struct token *t, const char *user, int64_t now_us);
void token_release(struct token *t);

/* They gave a command: what they hold lapses later. */
void token_use(struct token *t, struct token_user who, int64_t now_us);
/* Time passes. True when it lapsed by that: it is free, and `user` still names who had it. */
bool token_lapse(struct token *t, int64_t now_us);

/* Append who has it, since when and until when: "ann has control, taken 3 min ago; unless they give a command it lapses
 * in 7 min"; or that nobody has. */
void token_add_holder(struct text *text, const struct token *t, int64_t now_us);

#endif
