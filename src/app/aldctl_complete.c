#include "ald/app/aldctl_complete.h"

#include "ald/app/aldctl_usage.h" /* aldctl_usage_words */
#include "ald/base/text.h"        /* text_copy */

#include <assert.h> /* assert */
#include <string.h> /* strcmp, strncmp */

enum { FOUND_MAX = 16 };

/* The command line so far. */
struct line_so_far {
        const struct aldctl_command *command; /* NULL: none yet */
        const struct aldctl_option *open;     /* it takes the last word; NULL: none does */
        const char *words[ALDCTL_WORDS_MAX];  /* after the command */
        size_t word_count;
        uint64_t given;
        bool only_words; /* behind "--" */
        struct aldctl_options o;
};

/* Candidates on their way: those that begin like the word to be completed. */
struct sieve {
        const char *begin;  /* what is written of it */
        const char *before; /* "--format=", put before each; else "" */
        const struct aldctl_values_to *to;
};

static void sift(void *ctx, const char *word, const char *about)
{
        const struct sieve *s = ctx;
        char whole[256];

        if (word[0] != ':' && strncmp(word, s->begin, strlen(s->begin)) != 0)
                return;
        if (word[0] == ':' || snprintf(whole, sizeof whole, "%s%s", s->before, word) >= (int)sizeof whole)
                text_copy(whole, sizeof whole, word);
        s->to->put(s->to->ctx, whole, about);
}

/* ---- Reading what is there ---- */

/* The options that say whom to ask. */
static void note_value(struct line_so_far *l, const char *value)
{
        if (strcmp(l->open->name, "--socket") == 0)
                l->o.socket = value;
        else if (strcmp(l->open->name, "--db") == 0)
                l->o.db = value;
        else if (strcmp(l->open->name, "-c") == 0)
                l->o.tool = value;
}

static void note_option(struct line_so_far *l, const char *word)
{
        size_t len = strcspn(word, "=");
        const struct aldctl_option *option = aldctl_usage_find_option(word, len);

        if (option == NULL)
                return;
        l->given |= option->bit;
        if (option->value == NULL)
                return;
        l->open = option;
        if (word[len] == '=') {
                note_value(l, word + len + 1);
                l->open = NULL;
        }
}

static const struct aldctl_command *find_command(const char *name)
{
        size_t count;
        const struct aldctl_command *commands = aldctl_commands(&count);

        for (size_t i = 0; i < count; i++)
                if (strcmp(commands[i].name, name) == 0)
                        return &commands[i];
        return NULL;
}

/* bash hands over "--name=value" as three words. */
static void note_word(struct line_so_far *l, const char *word)
{
        if (l->open != NULL && strcmp(word, "=") == 0)
                return;
        if (l->open != NULL) {
                note_value(l, word);
                l->open = NULL;
        } else if (!l->only_words && strcmp(word, "--") == 0) {
                l->only_words = true;
        } else if (!l->only_words && word[0] == '-') {
                note_option(l, word);
        } else if (l->command == NULL) {
                l->command = find_command(word);
        } else if (l->word_count < ALDCTL_WORDS_MAX) {
                l->words[l->word_count++] = word;
        }
}

/* ---- What fits ---- */

/* What may be given more than once is of the kind NAME=VALUE. */
static void put_options(const struct line_so_far *l, struct sieve *s)
{
        size_t count;
        const struct aldctl_option *options = aldctl_option_table(&count);

        for (size_t i = 0; i < count; i++) {
                const struct aldctl_option *o = &options[i];
                bool is_taken = l->command != NULL && (l->command->options & o->bit) != 0;
                bool is_again =
                    (l->given & o->bit) != 0 && (o->value == NULL || strchr(o->value, '=') == NULL);

                if ((is_taken || o->help != NULL) && !is_again)
                        sift(s, o->name, o->help != NULL ? o->help : o->value != NULL ? o->value : "");
        }
}

static void put_commands(struct sieve *s)
{
        size_t count;
        const struct aldctl_command *commands = aldctl_commands(&count);
        struct aldctl_usage_part part;

        for (size_t i = 0; i < count; i++) {
                const char *help = commands[i].help;
                sift(s, commands[i].name, aldctl_usage_next_part(&help, &part) ? part.text : "");
        }
}

static void put_words(const struct line_so_far *l, struct sieve *s)
{
        const struct aldctl_values_to through = {sift, s};
        struct aldctl_usage_token found[FOUND_MAX];
        size_t count = aldctl_usage_words(l->command, l->words, l->word_count, found, FOUND_MAX);

        for (size_t i = 0; i < count; i++)
                if (found[i].kind == ALDCTL_USAGE_WORD)
                        sift(s, found[i].text, "");
                else
                        aldctl_values_put(found[i].text, l->command, &l->o, &through);
        if (count == 0 && s->begin[0] == '\0' && !l->only_words)
                put_options(l, s);
}

static void put_value(const struct line_so_far *l, const struct aldctl_option *option, struct sieve *s)
{
        static const struct aldctl_command none = {.name = ""};
        const struct aldctl_values_to through = {sift, s};

        aldctl_values_put(option->value, l->command != NULL ? l->command : &none, &l->o, &through);
}

void aldctl_complete(
    const char *const *words, size_t count, const struct aldctl_options *o, const struct aldctl_values_to *to)
{
        struct line_so_far l = {.o = *o};
        const char *last = words[count - 1];
        struct sieve s = {last, "", to};
        const struct aldctl_option *option;
        char before[64];
        size_t len = strcspn(last, "=");

        assert(count > 0);
        l.o.tool = NULL;
        for (size_t i = 0; i + 1 < count; i++)
                note_word(&l, words[i]);
        if (l.open != NULL) {
                s.begin = strcmp(last, "=") == 0 ? "" : last;
                put_value(&l, l.open, &s);
        } else if (!l.only_words && last[0] == '-' && last[len] == '=') {
                option = aldctl_usage_find_option(last, len);
                (void)snprintf(before, sizeof before, "%.*s=", (int)len, last);
                s.begin = last + len + 1;
                s.before = before;
                if (option != NULL && option->value != NULL)
                        put_value(&l, option, &s);
        } else if (!l.only_words && last[0] == '-') {
                put_options(&l, &s);
        } else if (l.command == NULL) {
                put_commands(&s);
        } else {
                put_words(&l, &s);
        }
}
