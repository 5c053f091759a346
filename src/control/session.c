#include "ald/control/session.h"

#include "ald/base/text.h" /* text_copy */

#include <assert.h> /* assert */
#include <stdlib.h> /* free, realloc */
#include <string.h> /* memcpy, strcmp, strlen */

void session_drop_upload(struct session *s)
{
        free(s->upload.text);
        s->upload = (struct session_upload){.text = NULL};
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

const char *session_upload(struct session *s, const char *name, long long offset, const char *text, bool last)
{
        struct session_upload *u = &s->upload;
        size_t len = strlen(text);

        if (!name_is_fit(name))
                return "the name must have 1 to 255 bytes and no control characters";
        if (len > SESSION_PART_MAX)
                return "a part has at most 8 KiB";
        if (offset == 0) {
                session_drop_upload(s);
                text_copy(u->name, sizeof u->name, name);
        }
        if (strcmp(u->name, name) != 0 || u->is_complete || offset < 0 || (size_t)offset != u->len)
                return "the part does not follow what was sent before; begin again with offset 0";
        if (u->len + len > SESSION_UPLOAD_MAX) {
                session_drop_upload(s);
                return "a recipe has at most 256 KiB";
        }
        if (!upload_reserve(u, len))
                return "no memory for it";
        memcpy(u->text + u->len, text, len + 1);
        u->len += len;
        u->is_complete = last;
        return NULL;
}

const struct session_upload *session_find_upload(const struct session *s, const char *name)
{
        const struct session_upload *u = &s->upload;

        return u->is_complete && strcmp(u->name, name) == 0 ? u : NULL;
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
        session_drop_upload(s);
        for (int i = 0; i < SESSION_PENDING_MAX; i++) {
                json_decref(s->pending[i].id);
                s->pending[i] = (struct session_pending){.reply = 0};
        }
        json_decref(s->seen);
        s->seen = NULL;
}
