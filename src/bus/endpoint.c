#include "ald/bus/endpoint.h"

#include "ald/base/text.h" /* text_copy */

#include <errno.h>      /* errno */
#include <netdb.h>      /* getaddrinfo, getnameinfo */
#include <stdio.h>      /* snprintf */
#include <stdlib.h>     /* strtol */
#include <string.h>     /* memcpy, strrchr */
#include <sys/socket.h> /* socket, bind, listen */
#include <unistd.h>     /* close */

static void add_link(const struct tool_link *l, int link, struct endpoint *list, int *count)
{
        for (int i = 0; i < *count; i++) {
                if (list[i].port == l->port && strcmp(list[i].host, l->host) == 0) {
                        list[i].links |= 1u << link;
                        return;
                }
        }
        struct endpoint *e = &list[(*count)++];
        *e = (struct endpoint){.port = l->port, .links = 1u << link, .fd = -1};
        text_copy(e->host, sizeof e->host, l->host);
}

int endpoint_collect(const struct tool *tool, struct endpoint list[TOOL_LINKS_MAX])
{
        int count = 0;
        for (int i = 0; i < tool->link_count; i++)
                if (tool->links[i].kind == TOOL_LINK_TCP)
                        add_link(&tool->links[i], i, list, &count);
        return count;
}

bool endpoint_replace(struct endpoint *list, int count, const char *at, char *why, size_t why_cap)
{
        const char *colon = strrchr(at, ':');
        char *end = NULL;
        long port = colon ? strtol(colon + 1, &end, 10) : -1;
        size_t host_len = colon ? (size_t)(colon - at) : 0;
        if (!colon || end == colon + 1 || *end || port < 0 || port + count > 65536 || host_len == 0 ||
            host_len >= sizeof list[0].host) {
                snprintf(why, why_cap,
                    "cannot listen at '%s': HOST:PORT with a port of 0 (any free one) to 65535 fits", at);
                return false;
        }
        for (int i = 0; i < count; i++) {
                struct endpoint *e = &list[i];
                memcpy(e->host, at, host_len);
                e->host[host_len] = '\0';
                e->port = port == 0 ? 0 : (int)port + i;
        }
        return true;
}

static int bound_port(int fd)
{
        struct sockaddr_storage addr;
        socklen_t len = sizeof addr;
        if (getsockname(fd, (struct sockaddr *)&addr, &len) != 0)
                return -1;
        char port[8];
        if (getnameinfo((struct sockaddr *)&addr, len, NULL, 0, port, sizeof port, NI_NUMERICSERV) != 0)
                return -1;
        return (int)strtol(port, NULL, 10);
}

/* A listening socket, or -1 with errno set (0: the host is unknown). */
static int open_listener(const struct endpoint *e)
{
        char port[8];
        struct addrinfo *found = NULL;
        const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV | AI_PASSIVE};
        snprintf(port, sizeof port, "%d", e->port);
        errno = 0;
        if (getaddrinfo(e->host, port, &hints, &found) != 0 || !found) {
                errno = 0;
                return -1;
        }
        int one = 1;
        int fd = socket(found->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (fd >= 0 && (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) != 0 ||
                           bind(fd, found->ai_addr, found->ai_addrlen) != 0 || listen(fd, 16) != 0)) {
                int err = errno;
                close(fd);
                errno = err;
                fd = -1;
        }
        freeaddrinfo(found);
        return fd;
}

bool endpoint_listen(struct endpoint *list, int count, char *why, size_t why_cap)
{
        for (int i = 0; i < count; i++) {
                struct endpoint *e = &list[i];
                e->fd = open_listener(e);
                if (e->fd < 0) {
                        snprintf(why, why_cap, "cannot listen at %s:%d: %s", e->host, e->port,
                            errno ? strerror(errno) : "the host has no known address");
                        return false;
                }
                e->port = bound_port(e->fd);
        }
        return true;
}

void endpoint_close(struct endpoint *list, int count)
{
        for (int i = 0; i < count; i++)
                if (list[i].fd >= 0)
                        close(list[i].fd);
}
