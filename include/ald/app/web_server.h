/* The server: which requests are heard at all, and who answers them. It only reads: GET and HEAD. */
#ifndef ALD_APP_WEB_SERVER_H
#define ALD_APP_WEB_SERVER_H

#include "ald/app/web_rules.h" /* struct web_rules */

#include <stdbool.h> /* bool */
#include <stddef.h>  /* size_t */

struct event_base;
struct text;
struct web_server; /* opaque */

struct web_server_config {
        struct event_base *base;       /* borrowed */
        const char *socket;            /* of the daemon; borrowed */
        const char *db;                /* borrowed; NULL: as the daemon says */
        const struct web_rules *rules; /* borrowed */
};

struct web_server *web_server_new(const struct web_server_config *config);
void web_server_free(struct web_server *s); /* NULL allowed */

/* Listen at an address. False: `why` tells. The port that it is (0: the kernel chose). */
bool web_server_listen(struct web_server *s, const struct web_name *at, int *port, struct text *why);

#endif
