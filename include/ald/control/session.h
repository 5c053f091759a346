/* What the daemon remembers of one client between two of its lines: who it is, the texts it is sending, the
 * commands it waits on, and the state it was told last. */
#ifndef ALD_CONTROL_SESSION_H
#define ALD_CONTROL_SESSION_H

#include "ald/control/client.h" /* struct client */
#include "ald/control/peer.h"   /* struct peer */

#include <jansson.h> /* json_t */

#include <stdbool.h> /* bool */
#include <stddef.h>  /* size_t */
#include <stdint.h>  /* uint64_t */

/* All uploaded texts (a recipe and what it includes) and one part of one (DESIGN.md, Files: 256 KiB). */
enum { SESSION_UPLOADS_MAX = 8 };
#define SESSION_UPLOAD_MAX ((size_t)256 * 1024)
#define SESSION_PART_MAX   ((size_t)8 * 1024)
/* Commands that wait for their answer, at once. */
enum { SESSION_PENDING_MAX = 16 };

struct session_upload {
        char name[256];
        char *text; /* NULL: none, the place is free. NUL-terminated */
        size_t len, cap;
        bool is_complete;
};

struct session_pending {
        uint64_t reply; /* 0 = free */
        json_t *id;     /* NULL: the request had none */
};

struct session {
        struct client *io;
        struct peer peer;
        struct session_upload uploads[SESSION_UPLOADS_MAX];
        struct session_pending pending[SESSION_PENDING_MAX];
        json_t *seen; /* NULL: not subscribed */
};

/* Take a part: it must follow what was sent before under that name; offset 0 begins that text anew. NULL, or why not
 * (static text). *so_far (may be NULL) gets the text as it is then. */
const char *session_upload(struct session *s, const char *name, long long offset, const char *text, bool last,
    const struct session_upload **so_far);
/* The whole upload of that name, or NULL. */
const struct session_upload *session_find_upload(const struct session *s, const char *name);
void session_drop_uploads(struct session *s);

/* Remember that `id` waits for answer `reply`. False: too many wait already. */
bool session_expect(struct session *s, uint64_t reply, json_t *id);
bool session_may_expect(const struct session *s);
/* Was `reply` awaited? *id (owned by the caller; may be NULL) gets whose. */
bool session_take(struct session *s, uint64_t reply, json_t **id);

/* Release everything but the connection. */
void session_clear(struct session *s);

#endif
