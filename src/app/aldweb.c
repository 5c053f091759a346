/* aldweb: the page. An ordinary client of the control socket that browsers watch; it only reads. */
#include "ald/app/version.h"    /* version_text */
#include "ald/app/web_rules.h"  /* web_rules_parse */
#include "ald/app/web_server.h" /* web_server_new */
#include "ald/base/text.h"      /* text_init */

#include <event2/event.h>      /* event_base_dispatch */
#include <jansson.h>           /* json_object_seed */
#include <systemd/sd-daemon.h> /* sd_notify */

#include <arpa/inet.h>  /* inet_aton, inet_pton */
#include <getopt.h>     /* getopt_long */
#include <netinet/in.h> /* INADDR_ANY, IN6_IS_ADDR_UNSPECIFIED */
#include <signal.h>     /* SIGTERM */
#include <stdio.h>      /* printf */
#include <stdlib.h>     /* getenv */
#include <string.h>     /* strcmp */

/* Exit codes of the command-line contract (DESIGN.md, Programs). */
enum { EXIT_OK = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };
enum { LISTEN_MAX = 4 };

static const char usage[] = "usage: aldweb [options]\n"
                            "The reactor in a browser: its state, trends, runs, reports. It only reads.\n"
                            "\n"
                            "      --listen HOST:PORT  serve there, up to four times (127.0.0.1:8070)\n"
                            "      --allow-host NAME[:PORT]\n"
                            "                          answer to that name too: of a proxy in front\n"
                            "      --socket PATH       control socket (ALD_SOCKET; /run/aldd/aldd.sock)\n"
                            "      --db PATH           run database (ALD_DB; where the daemon says)\n"
                            "      --version, --help\n"
                            "\n"
                            "Whoever can reach the address can watch: there is no password. From another\n"
                            "room: ssh -L 8070:localhost:8070 MACHINE, then http://localhost:8070/\n"
                            "ALD_JAVASCRIPT: the chart library, if not in /usr/share/javascript/dygraphs.\n";

struct options {
        const char *socket, *db;
        struct web_name listen[LISTEN_MAX];
        size_t listen_count;
        struct web_rules rules;
};

static const char *env_or(const char *name, const char *otherwise)
{
        const char *value = getenv(name);

        return value != NULL && value[0] != '\0' ? value : otherwise;
}

/* ---- Options ---- */

static bool take_listen(struct options *o, const char *text)
{
        const char *colon = strrchr(text, ':');
        bool is_any_port = colon != NULL && strcmp(colon, ":0") == 0; /* the kernel chooses */
        struct web_name *at = &o->listen[o->listen_count];
        char name[WEB_NAME_CAP];

        if (o->listen_count == LISTEN_MAX) {
                fprintf(stderr, "aldweb: --listen %s: at most %d addresses\n", text, LISTEN_MAX);
                return false;
        }
        (void)snprintf(
            name, sizeof name, "%.*s", is_any_port ? (int)(colon - text) : (int)strlen(text), text);
        if (!web_rules_parse(name, at) || (at->port == 0 && !is_any_port)) {
                fprintf(
                    stderr, "aldweb: --listen %s: HOST:PORT wanted, as 127.0.0.1:8070 or [::1]:8070\n", text);
                return false;
        }
        o->listen_count++;
        return true;
}

static bool take_name(struct options *o, const char *text)
{
        struct web_name name;

        if (!web_rules_parse(text, &name))
                fprintf(stderr, "aldweb: --allow-host %s: NAME or NAME:PORT wanted, without http://\n", text);
        else if (!web_rules_add(&o->rules, &name, true))
                fprintf(stderr, "aldweb: --allow-host %s: too many names\n", text);
        else
                return true;
        return false;
}

/* EXIT_OK to go on with the options, -1 when all is said. */
static int read_options(int argc, char **argv, struct options *o)
{
        static const struct option longs[] = {
            {"listen", required_argument, NULL, 'l'},
            {"allow-host", required_argument, NULL, 'a'},
            {"socket", required_argument, NULL, 's'},
            {"db", required_argument, NULL, 'd'},
            {"help", no_argument, NULL, 'h'},
            {"version", no_argument, NULL, 'v'},
            {NULL, 0, NULL, 0},
        };
        int c;

        while ((c = getopt_long(argc, argv, "h", longs, NULL)) != -1) {
                if (c == 'h' || c == 'v') {
                        printf(c == 'h' ? "%s" : "aldweb %s\n", c == 'h' ? usage : version_text());
                        return -1;
                }
                if (c == 's')
                        o->socket = optarg;
                else if (c == 'd')
                        o->db = optarg;
                else if (c == '?' || (c == 'l' && !take_listen(o, optarg)) ||
                         (c == 'a' && !take_name(o, optarg)))
                        return EXIT_USAGE;
        }
        if (optind < argc) {
                fprintf(stderr, "aldweb: '%s' is not an option\n", argv[optind]);
                return EXIT_USAGE;
        }
        if (o->listen_count == 0)
                (void)take_listen(o, "127.0.0.1:8070");
        return EXIT_OK;
}

/* ---- Serving ---- */

static bool is_loopback(const char *name)
{
        return strncmp(name, "127.", 4) == 0 || strcmp(name, "::1") == 0 || strcmp(name, "localhost") == 0;
}

/* Any spelling of 0.0.0.0 or ::, also of the one within the other. */
static bool stands_for_all(const char *name)
{
        struct in_addr v4;
        struct in6_addr v6;

        if (inet_aton(name, &v4) != 0)
                return v4.s_addr == INADDR_ANY;
        if (inet_pton(AF_INET6, name, &v6) != 1)
                return false;
        if (IN6_IS_ADDR_V4MAPPED(&v6))
                return memcmp(v6.s6_addr + 12, "\0\0\0", 4) == 0;
        return IN6_IS_ADDR_UNSPECIFIED(&v6);
}

static bool listen_all(struct web_server *server, const struct options *o)
{
        for (size_t i = 0; i < o->listen_count; i++) {
                const struct web_name *at = &o->listen[i];
                bool is_v6 = strchr(at->name, ':') != NULL;
                char words[256];
                struct text why;
                int port;

                text_init(&why, words, sizeof words);
                if (!web_server_listen(server, at, &port, &why)) {
                        fprintf(
                            stderr, "aldweb: cannot listen at %s port %d: %s\n", at->name, at->port, words);
                        return false;
                }
                if (!is_loopback(at->name))
                        fprintf(stderr,
                            "aldweb: warning: %s is not the loopback: whoever reaches it can watch; there is "
                            "no "
                            "password\n",
                            at->name);
                if (stands_for_all(at->name))
                        printf("aldweb: http://localhost:%d/\n", port);
                else
                        printf("aldweb: http://%s%s%s:%d/\n", is_v6 ? "[" : "", at->name, is_v6 ? "]" : "",
                            port);
        }
        (void)fflush(stdout);
        return true;
}

static void on_signal(evutil_socket_t signal, short what, void *ctx)
{
        (void)signal;
        (void)what;
        sd_notify(0, "STOPPING=1");
        (void)event_base_loopbreak(ctx);
}

static int serve(struct event_base *base, const struct options *o)
{
        struct web_server_config config = {
            .base = base, .socket = o->socket, .db = o->db, .rules = &o->rules};
        struct event *term = evsignal_new(base, SIGTERM, on_signal, base);
        struct event *interrupt = evsignal_new(base, SIGINT, on_signal, base);
        struct web_server *server = web_server_new(&config);
        int code = EXIT_FAILED;

        if (server == NULL || term == NULL || interrupt == NULL || evsignal_add(term, NULL) != 0 ||
            evsignal_add(interrupt, NULL) != 0) {
                fprintf(stderr, "aldweb: no memory\n");
        } else if (listen_all(server, o)) {
                sd_notify(0, "READY=1");
                code = event_base_dispatch(base) == 0 ? EXIT_OK : EXIT_FAILED;
        }
        web_server_free(server);
        if (term != NULL)
                event_free(term);
        if (interrupt != NULL)
                event_free(interrupt);
        return code;
}

int main(int argc, char **argv)
{
        struct options o = {
            .socket = env_or("ALD_SOCKET", "/run/aldd/aldd.sock"), .db = env_or("ALD_DB", NULL)};
        struct event_base *base;
        int code;

        web_rules_init(&o.rules);
        code = read_options(argc, argv, &o);
        if (code != EXIT_OK) {
                if (code == EXIT_USAGE)
                        fputs("aldweb --help tells more\n", stderr);
                return code < 0 ? EXIT_OK : code;
        }
        /* The addresses that it listens at are names of its own, unless they stand for all addresses. */
        for (size_t i = 0; i < o.listen_count; i++) {
                struct web_name name = o.listen[i];

                name.port = 0;
                if (!stands_for_all(name.name))
                        (void)web_rules_add(&o.rules, &name, false);
        }
        (void)signal(SIGPIPE, SIG_IGN);
        json_object_seed(0); /* before there is a second thread */
        base = event_base_new();
        if (base == NULL) {
                fprintf(stderr, "aldweb: no event loop\n");
                return EXIT_FAILED;
        }
        code = serve(base, &o);
        event_base_free(base);
        libevent_global_shutdown();
        return code;
}
