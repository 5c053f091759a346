/* Commands as bytes. */
#include "event_code_parts.h"

#include <assert.h> /* static_assert */
#include <string.h> /* memset */

static_assert(EVENT_CODE_MAX >= 256 + sizeof(struct command), "the longest command fits");

/* Bits of a command's byte of flags. */
enum { HAS_RECIPE = 1, IS_NOW = 2, IS_REPEAT = 4, IS_SKIP = 8, IS_AFTER_CYCLE = 16, IS_FORCE = 32 };

/* The texts of a command, in their order. */
struct command_text {
        char *at;
        size_t cap;
};
enum { COMMAND_TEXTS = 6 };
static void list_texts(struct command *c, struct command_text texts[COMMAND_TEXTS])
{
        texts[0] = (struct command_text){c->user, sizeof c->user};
        texts[1] = (struct command_text){c->name, sizeof c->name};
        texts[2] = (struct command_text){c->to, sizeof c->to};
        texts[3] = (struct command_text){c->reason, sizeof c->reason};
        texts[4] = (struct command_text){c->text, sizeof c->text};
        texts[5] = (struct command_text){c->refused, sizeof c->refused};
}

void event_code_put_command(const struct command *command, struct bytes_out *out)
{
        struct command c = *command;
        struct command_text texts[COMMAND_TEXTS];

        bytes_put_signed(out, c.verb);
        bytes_put_signed(out, c.role);
        bytes_put_u8(out, (uint8_t)((c.recipe != NULL ? HAS_RECIPE : 0) | (c.now ? IS_NOW : 0) |
                                    (c.repeat ? IS_REPEAT : 0) | (c.skip ? IS_SKIP : 0) |
                                    (c.after_cycle ? IS_AFTER_CYCLE : 0) | (c.force ? IS_FORCE : 0)));
        bytes_put_varint(out, c.reply);
        bytes_put_varint(out, c.uid);
        bytes_put_varint(out, c.pid);
        bytes_put_signed(out, c.tag);
        bytes_put_fixed(out, event_code_double_bits(c.value), 8);
        bytes_put_signed(out, c.for_us);
        list_texts(&c, texts);
        for (int i = 0; i < COMMAND_TEXTS; i++)
                bytes_put_text(out, texts[i].at, texts[i].cap);
}

void event_code_take_command(
    struct bytes_in *in, const struct tool *tool, const struct recipe *recipe, struct command *c)
{
        struct command_text texts[COMMAND_TEXTS];
        uint8_t flags;

        memset(c, 0, sizeof *c);
        c->verb = (enum verb)event_code_take_from(in, VERB_NONE + 1, VERB_COUNT - 1);
        c->role = (enum tool_role)event_code_take_from(in, TOOL_ROLE_NONE, TOOL_ROLE_ENGINEER);
        flags = bytes_take_u8(in);
        c->recipe = (flags & HAS_RECIPE) != 0 ? recipe : NULL;
        c->now = (flags & IS_NOW) != 0;
        c->repeat = (flags & IS_REPEAT) != 0;
        c->skip = (flags & IS_SKIP) != 0;
        c->after_cycle = (flags & IS_AFTER_CYCLE) != 0;
        c->force = (flags & IS_FORCE) != 0;
        c->reply = bytes_take_varint(in);
        c->uid = event_code_take_id(in);
        c->pid = event_code_take_id(in);
        c->tag = (int16_t)event_code_take_from(in, TOOL_NONE, tool->tag_count - 1);
        c->value = event_code_bits_double(bytes_take_fixed(in, 8));
        c->for_us = bytes_take_signed(in);
        list_texts(c, texts);
        for (int i = 0; i < COMMAND_TEXTS; i++)
                bytes_take_text(in, texts[i].at, texts[i].cap);
        if (!in->is_bad && !verb_at(c->verb)->is_command) /* a question never reaches the core */
                in->is_bad = true;
}
