#include "ald/app/web_rules.h" /* own declarations */

#include "ald/base/text.h" /* text_copy */

#include <stdlib.h>  /* strtol */
#include <string.h>  /* strchr, strcmp, strlen */
#include <strings.h> /* strncasecmp */

/* ---- Names ---- */

static bool is_name(const char *text, size_t len, bool is_address6)
{
        static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789";

        if (len == 0 || len >= WEB_NAME_CAP)
                return false;
        for (size_t i = 0; i < len; i++) {
                char c = text[i];

                if (c >= 'A' && c <= 'Z')
                        c = (char)(c - 'A' + 'a');
                if (c == '\0' || strchr(is_address6 ? "0123456789abcdef:." : letters, c) == NULL)
                        if (is_address6 || (c != '-' && c != '.' && c != '_'))
                                return false;
        }
        return true;
}

static bool take_port(const char *text, int *port)
{
        long n = 0;

        *port = 0;
        if (*text == '\0')
                return true;
        if (*text++ != ':' || *text == '\0' || strlen(text) > 5)
                return false;
        for (; *text != '\0'; text++) {
                if (*text < '0' || *text > '9')
                        return false;
                n = 10 * n + (*text - '0');
        }
        *port = (int)n;
        return n >= 1 && n <= 65535;
}

bool web_rules_parse(const char *text, struct web_name *out)
{
        bool is_address6 = text[0] == '[';
        const char *from = text + is_address6, *end = from + strcspn(from, is_address6 ? "]" : ":");
        size_t len = (size_t)(end - from);

        if (!is_name(from, len, is_address6) || (is_address6 && *end != ']'))
                return false;
        for (size_t i = 0; i < len; i++)
                out->name[i] = (char)(from[i] >= 'A' && from[i] <= 'Z' ? from[i] - 'A' + 'a' : from[i]);
        out->name[len] = '\0';
        return take_port(end + is_address6, &out->port);
}

/* ---- The table ---- */

void web_rules_init(struct web_rules *rules)
{
        static const char *const loopback[] = {"localhost", "127.0.0.1", "::1"};

        *rules = (struct web_rules){.count = 0};
        for (size_t i = 0; i < sizeof loopback / sizeof loopback[0]; i++) {
                struct web_name name = {.port = 0};

                (void)text_copy(name.name, sizeof name.name, loopback[i]);
                (void)web_rules_add(rules, &name, false);
        }
}

bool web_rules_add(struct web_rules *rules, const struct web_name *name, bool is_told)
{
        if (rules->count == WEB_NAMES_MAX)
                return false;
        rules->names[rules->count] = *name;
        rules->is_told[rules->count++] = is_told;
        return true;
}

static bool has_name(const struct web_rules *rules, const struct web_name *name, bool only_told)
{
        for (size_t i = 0; i < rules->count; i++) {
                const struct web_name *known = &rules->names[i];

                if ((rules->is_told[i] || !only_told) && strcmp(known->name, name->name) == 0 &&
                    (known->port == 0 || known->port == name->port))
                        return true;
        }
        return false;
}

bool web_rules_allow_host(const struct web_rules *rules, const char *host)
{
        struct web_name name;

        return host != NULL && web_rules_parse(host, &name) && has_name(rules, &name, false);
}

/* The place that an origin names, with the port that its scheme means where it tells none. */
static bool parse_origin(const char *origin, struct web_name *out, int *port_of_scheme)
{
        static const struct {
                const char *text;
                int port;
        } schemes[] = {{"http://", 80}, {"https://", 443}};

        for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++) {
                size_t len = strlen(schemes[i].text);

                if (strncasecmp(origin, schemes[i].text, len) != 0)
                        continue;
                *port_of_scheme = schemes[i].port;
                return web_rules_parse(origin + len, out);
        }
        return false;
}

bool web_rules_allow_origin(const struct web_rules *rules, const char *origin, const char *host)
{
        struct web_name from, to;
        int standard;

        if (origin == NULL)
                return true;
        if (!parse_origin(origin, &from, &standard))
                return false;
        if (from.port == 0)
                from.port = standard;
        if (has_name(rules, &from, true))
                return true;
        if (host == NULL || !web_rules_parse(host, &to))
                return false;
        if (to.port == 0)
                to.port = standard;
        return strcmp(from.name, to.name) == 0 && from.port == to.port;
}
