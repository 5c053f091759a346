#include "ald/control/session.h"

#include "ald/base/text.h" /* text_copy */

#include <assert.h> /* assert */
#include <stdlib.h> /* free, realloc */
#include <string.h> /* memcpy, strcmp, strlen */

static void drop(struct session_upload *u)
{
        free(u->text);
        u->text = NULL;
        u->name[0] = '\0';
        u->len = u->cap = 0;
        u->is_complete = false;
}

void session_drop_uploads(struct session *s)
{
        for (int i = 0; i < SESSION_UPLOADS_MAX; i++)
                drop(&s->uploads[i]);
}

static bool upload_reserve(struct session_upload *u, size_t more)
{
        size_t cap = u->cap == 0 ? SESSION_PART_MAX : u->cap;
        char *grown;

        while (cap < u->len + more + 1)
                cap *= 2;
        if (cap == u->cap)
                return true;
        grown = realloc(u->text, cap);
        if (grown == NULL)
                return false;
        u->text = grown;
        u->cap = cap;
        return true;
}

/* It will stand in messages, logs and the record. */
static bool name_is_fit(const char *name)
{
        size_t len = strlen(name);

        for (size_t i = 0; i < len; i++)
                if ((unsigned char)name[i] < ' ' || name[i] == 0x7F)
                        return false;
        return len > 0 && len < sizeof((struct session_upload *)0)->name;
}

/* The text of that name, else a free place, else NULL. */
static struct session_upload *place_of(struct session *s, const char *name)
{
        struct session_upload *free_place = NULL;

        for (int i = SESSION_UPLOADS_MAX - 1; i >= 0; i--) {
                struct session_upload *u = &s->uploads[i];
                if (u->text != NULL && strcmp(u->name, name) == 0)
                        return u;
                if (u->text == NULL)
                        free_place = u;
        }
        return free_place;
}

static size_t bytes_in_all(const struct session *s)
{
        size_t bytes = 0;

        for (int i = 0; i < SESSION_UPLOADS_MAX; i++)
                bytes += s->uploads[i].len;
        return bytes;
}

/* Room for `more` bytes of a text at its place. NULL, or why not. */
static const char *make_room(struct session *s, struct session_upload *u, size_t more)
{
        if (bytes_in_all(s) + more > SESSION_UPLOAD_MAX) {
                drop(u);
                return "a recipe and what it includes have at most 256 KiB in all";
        }
        return upload_reserve(u, more) ? NULL : "no memory for it";
}

const char *session_upload(struct session *s, const char *name, long long offset, const char *text, bool last,
    const struct session_upload **so_far)
{
        struct session_upload *u;
        size_t len = strlen(text);
        const char *why;

        if (!name_is_fit(name))
                return "the name must have 1 to 255 bytes and no control characters";
        if (len > SESSION_PART_MAX)
                return "a part has at most 8 KiB";
        u = place_of(s, name);
        if (u == NULL && offset == 0)
                return "at most 8 texts wait on a connection; 'run' takes them all";
        if (offset == 0)
                drop(u);
        if (u == NULL || u->is_complete || offset < 0 || (size_t)offset != u->len)
                return "the part does not follow what was sent before; begin again with offset 0";
        why = make_room(s, u, len);
        if (why != NULL)
                return why;
        text_copy(u->name, sizeof u->name, name);
        memcpy(u->text + u->len, text, len + 1);
        u->len += len;
        u->is_complete = last;
        if (so_far != NULL)
                *so_far = u;
        return NULL;
}

const struct session_upload *session_find_upload(const struct session *s, const char *name)
{
        for (int i = 0; i < SESSION_UPLOADS_MAX; i++)
                if (s->uploads[i].is_complete && strcmp(s->uploads[i].name, name) == 0)
                        return &s->uploads[i];
        return NULL;
}

bool session_expect(struct session *s, uint64_t reply, json_t *id)
{
        assert(reply != 0);
        for (int i = 0; i < SESSION_PENDING_MAX; i++)
                if (s->pending[i].reply == 0) {
                        s->pending[i].reply = reply;
                        s->pending[i].id = json_incref(id);
                        client_owe(s->io, 1);
                        return true;
                }
        return false;
}

bool session_may_expect(const struct session *s)
{
        for (int i = 0; i < SESSION_PENDING_MAX; i++)
                if (s->pending[i].reply == 0)
                        return true;
        return false;
}

bool session_take(struct session *s, uint64_t reply, json_t **id)
{
        for (int i = 0; reply != 0 && i < SESSION_PENDING_MAX; i++)
                if (s->pending[i].reply == reply) {
                        *id = s->pending[i].id;
                        s->pending[i] = (struct session_pending){.reply = 0};
                        return true;
                }
        return false;
}

void session_clear(struct session *s)
{
        session_drop_uploads(s);
        for (int i = 0; i < SESSION_PENDING_MAX; i++) {
                json_decref(s->pending[i].id);
                s->pending[i] = (struct session_pending){.reply = 0};
        }
        json_decref(s->seen);
        s->seen = NULL;
}
