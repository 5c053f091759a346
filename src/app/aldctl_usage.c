#include "ald/app/aldctl_usage.h"

#include <ctype.h>  /* isupper */
#include <stdio.h>  /* snprintf */
#include <string.h> /* strlen, strcspn */

enum { DEPTH_MAX = 4 };

const struct aldctl_option *aldctl_usage_find_option(const char *name, size_t len)
{
        size_t count;
        const struct aldctl_option *options = aldctl_option_table(&count);

        for (size_t i = 0; i < count; i++)
                if (strlen(options[i].name) == len && strncmp(options[i].name, name, len) == 0)
                        return &options[i];
        return NULL;
}

/* ---- Usage ---- */

static size_t token_length(const char *text)
{
        size_t len = strcspn(text, " \n[]");

        if (text[0] == '[' || text[0] == ']')
                return 1;
        if (strncmp(text, "...", 3) == 0)
                return 3;
        return len > 3 && strncmp(text + len - 3, "...", 3) == 0 ? len - 3 : len;
}

/* A place is written large ("RUN", "FILE.html"), or as the words that fit ("csv|json"). */
static enum aldctl_usage_kind kind_of(const char *word)
{
        static const struct {
                const char *text;
                enum aldctl_usage_kind kind;
        } signs[] = {{"[", ALDCTL_USAGE_OPEN}, {"]", ALDCTL_USAGE_CLOSE}, {"|", ALDCTL_USAGE_OR},
            {"...", ALDCTL_USAGE_MORE}, {"aldctl", ALDCTL_USAGE_FORM}};

        for (size_t i = 0; i < sizeof signs / sizeof signs[0]; i++)
                if (strcmp(signs[i].text, word) == 0)
                        return signs[i].kind;
        if (word[0] == '-')
                return ALDCTL_USAGE_FLAG;
        return isupper((unsigned char)word[0]) || strchr(word, '|') != NULL ? ALDCTL_USAGE_PLACE
                                                                            : ALDCTL_USAGE_WORD;
}

bool aldctl_usage_next(const char **at, struct aldctl_usage_token *token)
{
        const char *p = *at + strspn(*at, " \n");
        size_t len = token_length(p);

        if (len == 0)
                return false;
        (void)snprintf(token->text, sizeof token->text, "%.*s", (int)len, p);
        token->kind = kind_of(token->text);
        p += len;
        if (token->kind == ALDCTL_USAGE_FORM) { /* the command's name belongs to it */
                p += strspn(p, " ");
                p += token_length(p);
        }
        *at = p;
        return true;
}

/* Where an alternative begins: how many words came before it, and whether those given fit them. */
struct state {
        size_t words;
        bool fits;
};

static bool has(const struct aldctl_usage_token *found, size_t count, const char *text)
{
        for (size_t i = 0; i < count; i++)
                if (strcmp(found[i].text, text) == 0)
                        return true;
        return false;
}

size_t aldctl_usage_words(const struct aldctl_command *command, const char *const *words, size_t given,
    struct aldctl_usage_token *found, size_t cap)
{
        struct state now = {0, true}, begun[DEPTH_MAX] = {{0, true}};
        struct aldctl_usage_token t, skip;
        const struct aldctl_option *option;
        const char *at = command->usage;
        size_t depth = 0, count = 0;

        while (aldctl_usage_next(&at, &t)) {
                if (t.kind == ALDCTL_USAGE_OPEN && depth + 1 < DEPTH_MAX)
                        begun[++depth] = now;
                else if (t.kind == ALDCTL_USAGE_CLOSE && depth > 0)
                        depth--;
                else if (t.kind == ALDCTL_USAGE_FORM)
                        now = begun[depth = 0];
                else if (t.kind == ALDCTL_USAGE_OR)
                        now = begun[depth];
                option =
                    t.kind == ALDCTL_USAGE_FLAG ? aldctl_usage_find_option(t.text, strlen(t.text)) : NULL;
                if (option != NULL && option->value != NULL)
                        (void)aldctl_usage_next(&at, &skip);
                if (t.kind != ALDCTL_USAGE_PLACE && t.kind != ALDCTL_USAGE_WORD)
                        continue;
                if (now.words == given && now.fits && count < cap && !has(found, count, t.text))
                        found[count++] = t;
                if (now.words < given && t.kind == ALDCTL_USAGE_WORD && strcmp(t.text, words[now.words]) != 0)
                        now.fits = false;
                now.words++;
        }
        return count;
}

/* ---- Help ---- */

/* "  TAG  text": the length of TAG; 0: this line is a paragraph. */
static size_t item_tag(const char *line, size_t len)
{
        const char *gap;

        if (len < 3 || strncmp(line, "  ", 2) != 0 || line[2] == ' ')
                return 0;
        for (gap = line + 2; gap + 1 < line + len; gap++)
                if (gap[0] == ' ' && gap[1] == ' ')
                        return (size_t)(gap - line) - 2;
        return 0;
}

bool aldctl_usage_next_part(const char **at, struct aldctl_usage_part *part)
{
        const char *line = *at;
        size_t len = strcspn(line, "\n"), tag = item_tag(line, len), from = tag > 0 ? 2 + tag : 0;

        if (line[0] == '\0')
                return false;
        *at = line + len + (line[len] == '\n');
        (void)snprintf(part->tag, sizeof part->tag, "%.*s", (int)tag, line + 2);
        from += strspn(line + from, " ");
        (void)snprintf(part->text, sizeof part->text, "%.*s", (int)(len - from), line + from);
        return true;
}
