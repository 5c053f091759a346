#include "ald/core/token.h"

#include "ald/base/text.h" /* text_add, text_copy */
#include "ald/base/time.h" /* time_add, time_add_duration, TIME_S */

#include <assert.h> /* assert */
#include <string.h> /* strcmp */

void token_init(struct token *t, int64_t lapse_us)
{
        assert(lapse_us >= 0);
        *t = (struct token){.lapse_us = lapse_us > 0 ? lapse_us : TOKEN_LAPSE_US};
}

bool token_is_held_by(const struct token *t, struct token_user who)
{
        if (!t->is_held)
                return false;
        return t->has_uid ? t->uid == who.uid : strcmp(t->user, who.user) == 0;
}

bool token_allows(const struct token *t, enum verb_control control, struct token_user who)
{
        switch (control) {
        case VERB_FREE:
                return true;
        case VERB_TAKES:
                return !t->is_held || token_is_held_by(t, who);
        case VERB_HOLDS:
                return token_is_held_by(t, who);
        }
        assert(false && "every kind of control has its rule");
        return false;
}

static void give(struct token *t, const char *user, int64_t now_us)
{
        t->is_held = true;
        text_copy(t->user, sizeof t->user, user);
        t->since_us = now_us;
        t->until_us = time_add(now_us, t->lapse_us);
}

void token_take(struct token *t, struct token_user who, int64_t now_us)
{
        if (token_is_held_by(t, who)) {
                token_use(t, who, now_us);
                return;
        }
        give(t, who.user, now_us);
        t->has_uid = true;
        t->uid = who.uid;
}

void token_hand_over(struct token *t, const char *user, int64_t now_us)
{
        give(t, user, now_us);
        t->has_uid = false;
        t->uid = 0;
}

void token_release(struct token *t)
{
        t->is_held = false;
}

void token_use(struct token *t, struct token_user who, int64_t now_us)
{
        if (!token_is_held_by(t, who))
                return;
        t->has_uid = true;
        t->uid = who.uid;
        t->until_us = time_add(now_us, t->lapse_us);
}

bool token_lapse(struct token *t, int64_t now_us)
{
        if (!t->is_held || now_us < t->until_us)
                return false;
        t->is_held = false;
        return true;
}

/* Whole seconds: a person reads it. */
static void add_seconds(struct text *text, int64_t us)
{
        time_add_duration(text, us / TIME_S * TIME_S);
}

void token_add_holder(struct text *text, const struct token *t, int64_t now_us)
{
        if (!t->is_held) {
                text_add(text, "nobody has control");
                return;
        }
        text_add(text, "%s has control, taken ", t->user);
        add_seconds(text, now_us - t->since_us);
        text_add(text, " ago; unless they give a command it lapses in ");
        add_seconds(text, t->until_us - now_us);
}
