#include "ald/file/joined.h"

#include "ald/base/text.h" /* text_add */

#include <string.h> /* memcmp, memchr */

/* Lines that look like a head are tried up to this number: each costs a look at all before it. */
enum { HEAD_CAP = FILE_NAME_CAP + 40, TRIES_MAX = 64 };

static struct text head_line(const struct joined_form *form, const char *name, char buf[HEAD_CAP])
{
        const char *rest = strstr(form->head, "%s");
        struct text t;

        text_init(&t, buf, HEAD_CAP);
        text_add(&t, "%.*s%s%s", (int)(rest - form->head), form->head, name, rest + 2);
        return t;
}

/* Where the line that names a text begins, from `at` on, which begins a line; `end` when there is none. */
static const char *find_head(
    const struct joined_form *form, const char *at, const char *end, const char *name, size_t *len)
{
        char buf[HEAD_CAP];
        struct text head = head_line(form, name, buf);

        *len = head.len;
        while (at < end && ((size_t)(end - at) < head.len || memcmp(at, buf, head.len) != 0)) {
                const char *newline = memchr(at, '\n', (size_t)(end - at));
                at = newline ? newline + 1 : end;
        }
        return at;
}

/* The texts behind the first one, which says in its `own` bytes which they are. False: they are not there. */
static bool take_apart(struct joined *j, const char *text, size_t own, size_t len)
{
        const char *at = text + own, *end = text + len;
        size_t head_len;

        j->count = j->form->list(text, own, j->names, JOINED_TEXTS_MAX);
        for (size_t i = 0; i < j->count; i++) {
                const char *head = find_head(j->form, at, end, j->names[i], &head_len);
                if (head == end || (i == 0 && head != at))
                        return false;
                if (i > 0)
                        j->lens[i - 1] = (size_t)(head - j->texts[i - 1]);
                j->texts[i] = at = head + head_len;
                j->lens[i] = (size_t)(end - at);
        }
        return j->count > 0;
}

size_t joined_take_apart(
    struct joined *j, const struct joined_form *form, const char *path, const char *text, size_t len)
{
        size_t begin = (size_t)(strstr(form->head, "%s") - form->head);

        *j = (struct joined){.form = form, .path = path};
        /* A comment of somebody's may look like the line that ends the first text. */
        for (size_t at = 0, tries = 0; at < len && tries < TRIES_MAX;) {
                const char *newline = memchr(text + at, '\n', len - at);
                bool is_head = len - at > begin && memcmp(text + at, form->head, begin) == 0;
                tries += is_head;
                if (is_head && take_apart(j, text, at, len))
                        return at;
                at = newline ? (size_t)(newline + 1 - text) : len;
        }
        j->count = 0;
        return len;
}

static const char *find(void *ctx, const char *path, size_t *len, const char **why)
{
        const struct joined *j = ctx;
        char of[2 * FILE_NAME_CAP];

        for (size_t i = 0; i < j->count; i++) {
                if (!file_beside(j->path, j->names[i], of, sizeof of) || strcmp(of, path) != 0)
                        continue;
                *len = j->lens[i];
                return j->texts[i];
        }
        *why = "it is not in the text";
        return NULL;
}

struct file_library joined_library(struct joined *j)
{
        return (struct file_library){find, j};
}

size_t joined_room(const struct joined_form *form, size_t len)
{
        return len + strlen(form->head) + FILE_NAME_CAP + 1;
}

void joined_add(
    const struct joined_form *form, char *to, size_t *to_len, const char *name, const char *text, size_t len)
{
        char buf[HEAD_CAP];
        struct text head = head_line(form, name, buf);

        if (*to_len > 0 && to[*to_len - 1] != '\n')
                to[(*to_len)++] = '\n';
        memcpy(to + *to_len, buf, head.len);
        memcpy(to + *to_len + head.len, text, len);
        *to_len += head.len + len;
}
