#include "ald/control/peer.h"

#include "ald/base/text.h" /* text_copy */

#include <assert.h>     /* assert */
#include <grp.h>        /* getgrnam_r */
#include <pwd.h>        /* getpwnam_r, getpwuid_r */
#include <stdio.h>      /* snprintf */
#include <sys/socket.h> /* getsockopt, SO_PEERCRED, struct ucred */
#include <unistd.h>     /* geteuid */

#ifndef SO_PEERGROUPS
#define SO_PEERGROUPS 59 /* Linux 4.13, asm-generic/socket.h */
#endif

enum { PEER_LOOKUP_BYTES = 16384 };

static bool user_number(const char *name, uint32_t *uid)
{
        struct passwd pw, *found = NULL;
        char buf[PEER_LOOKUP_BYTES];

        if (getpwnam_r(name, &pw, buf, sizeof buf, &found) != 0 || found == NULL)
                return false;
        *uid = pw.pw_uid;
        return true;
}

static bool user_name(uint32_t uid, char name[TOOL_NAME_MAX])
{
        struct passwd pw, *found = NULL;
        char buf[PEER_LOOKUP_BYTES];

        if (getpwuid_r(uid, &pw, buf, sizeof buf, &found) != 0 || found == NULL)
                return false;
        text_copy(name, TOOL_NAME_MAX, pw.pw_name);
        return true;
}

static bool find_user(struct names *names, const char *name, uint32_t *uid)
{
        if (!user_number(name, uid))
                return false;
        names_put(names, *uid, name);
        return true;
}

static bool find_group(struct names *names, const char *name, uint32_t *gid)
{
        struct group gr, *found = NULL;
        char buf[PEER_LOOKUP_BYTES];
        uint32_t uid;

        if (getgrnam_r(name, &gr, buf, sizeof buf, &found) != 0 || found == NULL)
                return false;
        *gid = gr.gr_gid;
        for (int i = 0; i < NAMES_MAX && gr.gr_mem[i] != NULL; i++)
                (void)find_user(names, gr.gr_mem[i], &uid);
        return true;
}

void peer_resolve(struct peer_rules *rules, const struct tool *tool)
{
        char name[TOOL_NAME_MAX];

        assert(tool->access_count <= TOOL_ACCESS_MAX);
        *rules = (struct peer_rules){.own_uid = geteuid(), .names = names_new(user_name)};
        names_put(rules->names, 0, "root");
        if (user_name(rules->own_uid, name))
                names_put(rules->names, rules->own_uid, name);
        for (int i = 0; i < tool->access_count; i++) {
                const struct tool_access *a = &tool->access[i];
                struct peer_rule r = {.is_group = a->is_group, .role = a->role};
                if (a->is_group ? find_group(rules->names, a->name, &r.id)
                                : find_user(rules->names, a->name, &r.id))
                        rules->rule[rules->count++] = r;
        }
}

void peer_forget(struct peer_rules *rules)
{
        names_free(rules->names);
        rules->names = NULL;
}

enum tool_role peer_role(const struct peer_rules *rules, uint32_t uid, const gid_t *groups, size_t count)
{
        enum tool_role role = TOOL_ROLE_NONE;

        if (uid == 0 || uid == rules->own_uid)
                return TOOL_ROLE_ENGINEER;
        for (int i = 0; i < rules->count; i++) {
                const struct peer_rule *r = &rules->rule[i];
                bool matches = !r->is_group && r->id == uid;
                for (size_t g = 0; r->is_group && g < count; g++)
                        matches = matches || groups[g] == r->id;
                if (matches && r->role > role)
                        role = r->role;
        }
        return role;
}

/* Supplementary groups of the peer's process, and its own group last. */
static size_t groups_of(int fd, const struct ucred *cred, gid_t groups[PEER_GROUPS_MAX])
{
        socklen_t len = (PEER_GROUPS_MAX - 1) * sizeof groups[0];
        size_t count = 0;

        if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &len) == 0)
                count = len / sizeof groups[0];
        assert(count < PEER_GROUPS_MAX);
        groups[count++] = cred->gid;
        return count;
}

void peer_name(const struct peer_rules *rules, struct peer *peer)
{
        names_get(rules->names, peer->uid, peer->user);
}

bool peer_identify(const struct peer_rules *rules, int fd, struct peer *out)
{
        struct ucred cred;
        socklen_t len = sizeof cred;
        gid_t groups[PEER_GROUPS_MAX];
        size_t count;

        if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) != 0 || len != sizeof cred)
                return false;
        *out = (struct peer){.uid = cred.uid, .gid = cred.gid, .pid = (uint32_t)cred.pid};
        count = groups_of(fd, &cred, groups);
        out->role = peer_role(rules, cred.uid, groups, count);
        (void)snprintf(out->user, sizeof out->user, "uid %u", out->uid);
        /* Strangers are not looked up: they could make the daemon ask a directory as often as they like. */
        if (out->role != TOOL_ROLE_NONE)
                peer_name(rules, out);
        return true;
}
