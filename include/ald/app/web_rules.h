/* Under which names aldweb answers. A page of another site can make a browser ask whatever address it likes, and with DNS
 * rebinding it does so under a name of its own and reads the answer: so a request counts only when its Host is a name that
 * this server is known by, and when a page of this server asks. An address of the loopback may be reached through a tunnel
 * (ssh -L), so its port does not matter.
 * Source: RFC 9110, 7.2 (Host); RFC 6454, 7 (Origin). */
#ifndef ALD_APP_WEB_RULES_H
#define ALD_APP_WEB_RULES_H

#include <stdbool.h> /* bool */
#include <stddef.h>  /* size_t */

enum { WEB_NAME_CAP = 256, WEB_NAMES_MAX = 32 };

/* A name or address with a port. */
struct web_name {
        char name[WEB_NAME_CAP]; /* lower case; of an IPv6 address without brackets */
        int port;                /* 0 = none was given */
};

struct web_rules {
        struct web_name names[WEB_NAMES_MAX];
        bool is_told[WEB_NAMES_MAX]; /* by --allow-host: pages of it may ask as well */
        size_t count;
};

/* "NAME", "NAME:PORT", "[::1]:PORT". False: it is none. */
bool web_rules_parse(const char *text, struct web_name *out);

/* The names of the loopback. */
void web_rules_init(struct web_rules *rules);
/* One more; of port 0 with any port. False: no room. */
bool web_rules_add(struct web_rules *rules, const struct web_name *name, bool is_told);

/* Is that the value of a Host by which this server goes? NULL: none was sent. */
bool web_rules_allow_host(const struct web_rules *rules, const char *host);
/* May a page of `origin` ask, in a request for `host`? NULL: the request names none, as when a person follows a link. */
bool web_rules_allow_origin(const struct web_rules *rules, const char *origin, const char *host);

#endif
