/* The control socket: JSON-RPC 2.0, one object a line, on a Unix socket (DESIGN.md, Control socket). It parses,
 * checks arguments against the verb table, applies limits, and asks its owner; it decides nothing about the tool.
 * Bytes of a client can never end the daemon (SAFETY A4, A5). */
#ifndef ALD_CONTROL_CONTROL_H
#define ALD_CONTROL_CONTROL_H

#include "ald/core/core.h"    /* struct core_status, struct core_tag */
#include "ald/core/event.h"   /* struct command, struct effect_reply */
#include "ald/core/outlook.h" /* struct outlook_now */
#include "ald/core/recipe.h"  /* struct recipe */
#include "ald/core/resume.h"  /* struct resume_from */
#include "ald/core/tool.h"    /* struct tool */

#include <stdbool.h> /* bool */
#include <stddef.h>  /* size_t */

struct control; /* opaque */
struct event_base;
struct peer;

/* Connections at once, in all and of one user (DESIGN.md, Control socket). */
enum { CONTROL_CLIENTS_MAX = 32, CONTROL_CLIENTS_PER_UID = 8, CONTROL_PROTOCOL = 1 };

/* One uploaded text. */
struct control_text {
        const char *name, *text; /* borrowed; NUL-terminated */
        size_t len;
};

/* A run to go on with, as its record tells. */
struct control_resume {
        struct resume_from from;
        const char *recipe_sha256, *tool_sha256, *version; /* in force then; borrowed */
        struct resume_refusal refused; /* out: what stands against it; text "" = nothing */
};

/* What the daemon does for its clients. */
struct control_owner {
        void *ctx;
        /* A command passed the gate's look at role and state or was refused there: the core decides and audits.
         * Its reply comes back through control_reply(). */
        void (*command)(void *ctx, const struct command *command);
        const struct core *(*core)(void *ctx);
        /* What is estimated for people; NULL, or a NULL from it: nothing is told. */
        const struct outlook_now *(*outlook)(void *ctx);
        /* Compile an uploaded recipe, texts[0]; it may include the others (`count` in all). With `resume` (else NULL) it is the
         * recorded text of that run, and what is made goes on there. NULL: `why` (borrowed until the next call) holds the
         * diagnostics as text, unless resume->refused says what stands against it. */
        const struct recipe *(*compile)(void *ctx, const struct control_text *texts, size_t count,
            const char *const *set_names, const char *const *set_values, size_t sets,
            struct control_resume *resume, const char **why);
};

struct control_config {
        struct event_base *base; /* borrowed */
        const char *path;        /* of the socket */
        const struct tool *tool; /* borrowed */
        const char *version;
        const char *db_path; /* told in the hello, for clients that read history */
        struct control_owner owner;
        /* NULL: the kernel's word (control/peer.h). Tests put other peers in its place. */
        bool (*identify)(void *ctx, int fd, struct peer *out);
        void *identify_ctx;
};

/* Listen. NULL: *why explains (why_cap bytes): path too long, a live daemon already there, no permission. */
struct control *control_new(const struct control_config *config, char *why, int why_cap);
void control_free(struct control *c);

/* Answer a command (effect EFFECT_REPLY). Unknown or departed clients are ignored. */
void control_reply(struct control *c, const struct effect_reply *reply);

/* Something worth telling subscribers: an event record. */
void control_event(struct control *c, const struct record *r);
/* Time to send subscribers what changed (the daemon calls this at about 10 Hz). */
void control_publish(struct control *c);

#endif
