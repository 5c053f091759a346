/* Who is at the other end of a connection, and what may they do: the kernel's word, never the message's (SAFETY A1).
 *
 * The names in the tool's access list are looked up once, at start; a connection is then judged by numbers alone
 * (SO_PEERCRED, SO_PEERGROUPS; Linux 4.13 or later), because a look-up in a network directory could stop the loop. These are the
 * groups of the peer's process, the same ones that let it open the socket file. */
#ifndef ALD_CONTROL_PEER_H
#define ALD_CONTROL_PEER_H

#include "ald/control/names.h" /* struct names */
#include "ald/core/tool.h"     /* struct tool, enum tool_role */

#include <stdbool.h>   /* bool */
#include <stddef.h>    /* size_t */
#include <sys/types.h> /* gid_t, uid_t */

struct peer {
        uint32_t uid, gid, pid;
        enum tool_role role;
        char user
            [TOOL_NAME_MAX]; /* for people and the audit record; "uid 1001" when it has no name, or none yet */
};

struct peer_rule {
        bool is_group;
        uint32_t id;
        enum tool_role role;
};

enum { PEER_GROUPS_MAX = 256 };

struct peer_rules {
        uint32_t own_uid; /* the daemon's own */
        int count;
        struct peer_rule rule[TOOL_ACCESS_MAX];
        struct names *names;
};

/* Look the access list's names up. Names that this machine does not know match nobody. peer_forget() ends it. */
void peer_resolve(struct peer_rules *rules, const struct tool *tool);
void peer_forget(struct peer_rules *rules);

/* The highest role that the uid or one of its groups has; root and the daemon's own user are engineers. */
enum tool_role peer_role(const struct peer_rules *rules, uint32_t uid, const gid_t *groups, size_t count);

/* Identify the peer of a Unix stream socket. False: the kernel does not tell (errno). */
bool peer_identify(const struct peer_rules *rules, int fd, struct peer *out);
/* The name of one that was identified, as far as it is known by now. */
void peer_name(const struct peer_rules *rules, struct peer *peer);

#endif
