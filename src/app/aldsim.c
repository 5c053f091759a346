/* aldsim: the simulated tool. It reads the tool file that the daemon reads, and serves its registers over Modbus TCP,
 * and over Modbus RTU on pseudo-terminals, with the physics of the reactor behind them. */
#include "ald/app/aldsim_edges.h"  /* aldsim_edges_open */
#include "ald/app/aldsim_tool.h"   /* aldsim_tool_new */
#include "ald/app/journal.h"       /* journal_start */
#include "ald/app/version.h"       /* version_text */
#include "ald/base/diag.h"         /* diag_print */
#include "ald/base/text.h"         /* text_init */
#include "ald/base/time.h"         /* TIME_MS */
#include "ald/base/unit.h"         /* unit_parse */
#include "ald/bus/bus.h"           /* bus_now_us */
#include "ald/bus/serial_server.h" /* serial_server_start */
#include "ald/bus/server.h"        /* server_start */
#include "ald/file/file.h"         /* file_load_tool */
#include "ald/sim/fault.h"         /* FAULTS_MAX */
#include "ald/sim/sim.h"           /* sim_fault_help */

#include <errno.h>  /* errno */
#include <getopt.h> /* getopt_long */
#include <math.h>   /* isfinite */
#include <signal.h> /* sigtimedwait */
#include <stdio.h>  /* printf */
#include <stdlib.h> /* strtod, free */
#include <string.h> /* strrchr, strerror */
#include <time.h>   /* struct timespec */
#include <unistd.h> /* isatty */

enum { EXIT_OK = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

/* Physics move at least this often, also when nobody asks. */
static const int64_t tick_us = 20 * TIME_MS;
/* The powder of the reference recipe, when nothing else is said. */
static const double default_mass_g = 1, default_area_m2_g = 0.4;
static const double speed_max = 1e5;

struct options {
        const char *tool_path;
        const char *listen;
        const char *ptys[TOOL_LINKS_MAX]; /* LINK=PATH, as given */
        int pty_count;
        const char *edges_path; /* NULL: no log of edges */
        bool ready;
        double speed;
        uint64_t seed;
        double mass_g, area_m2_g;
        const char *faults[FAULTS_MAX];
        int fault_count;
};

static const char help[] = "usage: aldsim -c TOOL.yaml [options]\n"
                           "Serve a simulated tool over Modbus TCP and RTU.\n"
                           "\n"
                           "  -c, --config TOOL.yaml  the tool file\n"
                           "  --listen HOST:PORT      instead of the tool file's first endpoint; others\n"
                           "                          on the next ports; port 0: any free port for each\n"
                           "  --pty LINK=PATH         serve LINK as a serial line: a pseudo-terminal, PATH\n"
                           "  --ready                 start pumped down and hot, not cold and at the air\n"
                           "  --speed X               physics X times faster; what modules time does not\n"
                           "  --fault SPEC            a fault; may be given again; `help` lists them\n"
                           "  --edges FILE            append each output's changes: TAG VALUE MONOTONIC_US\n"
                           "  --seed N                of the instruments' noise (1)\n"
                           "  --powder-mass MASS      in the bed ('1 g'; '0 g' is an empty bed)\n"
                           "  --powder-area AREA      of the powder ('0.4 m2/g')\n"
                           "  -h, --help, --version\n"
                           "\n"
                           "It prints 'aldsim: link NAME ADDRESS' for each link, then 'aldsim: ready'; what\n"
                           "happens goes to standard error. It ends on SIGINT or SIGTERM.\n"
                           "Exit codes: 0 ok, 1 failed, 2 usage.\n";

static int usage(const char *what, const char *given, const char *accepted)
{
        fprintf(stderr, "aldsim: %s '%s': %s\n", what, given, accepted);
        return EXIT_USAGE;
}

/* ---- Options. ---- */

static bool parse_number(const char *text, double most, double *value)
{
        char *end;

        *value = strtod(text, &end);
        return end != text && *end == '\0' && isfinite(*value) && *value > 0 && *value <= most;
}

static bool parse_seed(const char *text, uint64_t *seed)
{
        char *end;

        errno = 0;
        *seed = strtoull(text, &end, 10);
        return errno == 0 && end != text && *end == '\0' && text[0] != '-';
}

static int parse_quantity(const char *option, const char *text, enum unit_dim dim, double *value)
{
        char line[256];
        const struct unit *unit;
        struct text why;
        enum unit_status status = unit_parse(text, dim, value, &unit);

        text_init(&why, line, sizeof line);
        if (status != UNIT_OK) {
                unit_explain(&why, status, text, dim);
                return usage(option, text, line);
        }
        *value = unit_convert(*value, unit, unit_base(dim));
        return *value >= 0 ? EXIT_OK : usage(option, text, "0 or more");
}

enum {
        OPT_LISTEN = 256,
        OPT_PTY,
        OPT_EDGES,
        OPT_READY,
        OPT_SPEED,
        OPT_FAULT,
        OPT_SEED,
        OPT_MASS,
        OPT_AREA,
        OPT_VERSION
};

static const struct option long_options[] = {
    {"config", required_argument, NULL, 'c'},
    {"listen", required_argument, NULL, OPT_LISTEN},
    {"pty", required_argument, NULL, OPT_PTY},
    {"edges", required_argument, NULL, OPT_EDGES},
    {"ready", no_argument, NULL, OPT_READY},
    {"speed", required_argument, NULL, OPT_SPEED},
    {"fault", required_argument, NULL, OPT_FAULT},
    {"seed", required_argument, NULL, OPT_SEED},
    {"powder-mass", required_argument, NULL, OPT_MASS},
    {"powder-area", required_argument, NULL, OPT_AREA},
    {"version", no_argument, NULL, OPT_VERSION},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

static int take_option(struct options *o, int option)
{
        switch (option) {
        case 'c':
                o->tool_path = optarg;
                return EXIT_OK;
        case OPT_LISTEN:
                o->listen = optarg;
                return EXIT_OK;
        case OPT_PTY:
                if (o->pty_count == TOOL_LINKS_MAX)
                        return usage("--pty", optarg, "too many of these");
                o->ptys[o->pty_count++] = optarg;
                return EXIT_OK;
        case OPT_EDGES:
                o->edges_path = optarg;
                return EXIT_OK;
        case OPT_READY:
                o->ready = true;
                return EXIT_OK;
        case OPT_SPEED:
                if (!parse_number(optarg, speed_max, &o->speed))
                        return usage("--speed", optarg, "a number above 0, at most 100000");
                return EXIT_OK;
        case OPT_FAULT:
                if (strcmp(optarg, "help") == 0) {
                        fputs(sim_fault_help(), stdout);
                        exit(EXIT_OK);
                }
                if (o->fault_count == FAULTS_MAX)
                        return usage("--fault", optarg, "too many faults");
                o->faults[o->fault_count++] = optarg;
                return EXIT_OK;
        case OPT_SEED:
                if (!parse_seed(optarg, &o->seed))
                        return usage("--seed", optarg, "a whole number from 0");
                return EXIT_OK;
        case OPT_MASS:
                return parse_quantity("--powder-mass", optarg, UNIT_DIM_MASS, &o->mass_g);
        case OPT_AREA:
                return parse_quantity("--powder-area", optarg, UNIT_DIM_AREA_BY_MASS, &o->area_m2_g);
        case OPT_VERSION:
                printf("aldsim %s\n", version_text());
                exit(EXIT_OK);
        case 'h':
                fputs(help, stdout);
                exit(EXIT_OK);
        default: /* getopt has said what is wrong */
                fputs("aldsim: try 'aldsim --help'\n", stderr);
                return EXIT_USAGE;
        }
}

static int parse_options(struct options *o, int argc, char **argv)
{
        int option, status;

        *o =
            (struct options){.speed = 1, .seed = 1, .mass_g = default_mass_g, .area_m2_g = default_area_m2_g};
        while ((option = getopt_long(argc, argv, "c:h", long_options, NULL)) != -1)
                if ((status = take_option(o, option)) != EXIT_OK)
                        return status;
        if (optind < argc)
                return usage("argument", argv[optind], "none is taken; try 'aldsim --help'");
        if (o->tool_path != NULL)
                return EXIT_OK;
        fputs("aldsim: which tool? -c TOOL.yaml\n", stderr);
        return EXIT_USAGE;
}

/* ---- The tool. ---- */

static bool use_colour(void)
{
        return isatty(STDERR_FILENO) && getenv("NO_COLOR") == NULL;
}

/* NULL: every diagnostic was printed. */
static struct tool *load_tool(const char *path)
{
        struct diag *diag = diag_new();
        struct tool *tool = NULL;

        if (diag == NULL)
                return NULL;
        tool = file_load_tool(path, NULL, NULL, diag);
        diag_print(diag, stderr, use_colour());
        diag_free(diag);
        return tool;
}

/* The links that --pty names become serial lines; at[] is where they are to be found. */
static int take_ptys(struct tool *tool, const struct options *o, const char *at[TOOL_LINKS_MAX])
{
        for (int i = 0; i < o->pty_count; i++) {
                const char *equals = strchr(o->ptys[i], '=');
                char name[TOOL_NAME_MAX];
                int length = equals == NULL ? 0 : (int)(equals - o->ptys[i]);
                int link;

                snprintf(name, sizeof name, "%.*s", length, o->ptys[i]);
                link = tool_find_link(tool, name);
                if (equals == NULL || equals[1] == '\0' || link < 0)
                        return usage("--pty", o->ptys[i], "LINK=PATH, with a link of the tool file");
                if (!text_copy(tool->links[link].path, sizeof tool->links[link].path, equals + 1))
                        return usage("--pty", o->ptys[i], "the path is too long: at most 63 bytes");
                tool->links[link].kind = TOOL_LINK_RTU;
                at[link] = equals + 1;
        }
        return EXIT_OK;
}

static struct aldsim_tool *make_tool(const struct tool *tool, const struct options *o, int *status)
{
        struct sim_config config = {
            .seed = o->seed, .ready = o->ready, .powder_m2 = o->mass_g * o->area_m2_g};
        struct aldsim_tool *behind = aldsim_tool_new(tool, &config, o->speed);
        char why[512];

        *status = EXIT_FAILED;
        if (behind == NULL) {
                fputs("aldsim: out of memory\n", stderr);
                return NULL;
        }
        for (int i = 0; i < o->fault_count; i++) {
                if (aldsim_tool_fault(behind, o->faults[i], why, sizeof why))
                        continue;
                fprintf(stderr, "aldsim: %s\n", why);
                aldsim_tool_free(behind);
                *status = EXIT_USAGE;
                return NULL;
        }
        return behind;
}

/* ---- Serving. ---- */

struct servers {
        struct server *tcp;           /* NULL: the tool has no such link */
        struct serial_server *serial; /* likewise */
};

static void print_tcp(const struct server *server, const struct tool *tool, int link, const char *listen)
{
        /* Host part of "HOST:PORT", or the link's own. */
        const char *colon = listen == NULL ? NULL : strrchr(listen, ':');
        const char *host = colon == NULL ? tool->links[link].host : listen;
        int length = colon == NULL ? (int)strlen(host) : (int)(colon - listen);

        printf("aldsim: link %s tcp://%.*s:%d\n", tool->links[link].name, length, host,
            server_port(server, link));
}

static void print_links(const struct servers *servers, const struct tool *tool, const char *listen)
{
        for (int i = 0; i < tool->link_count; i++) {
                if (tool->links[i].kind == TOOL_LINK_TCP)
                        print_tcp(servers->tcp, tool, i, listen);
                else
                        printf("aldsim: link %s rtu://%s\n", tool->links[i].name,
                            serial_server_path(servers->serial, i));
        }
        printf("aldsim: ready\n");
        fflush(stdout);
}

static bool has_link(const struct tool *tool, enum tool_link_kind kind)
{
        for (int i = 0; i < tool->link_count; i++)
                if (tool->links[i].kind == kind)
                        return true;
        return false;
}

static bool start_servers(struct servers *servers, const struct tool *tool, const struct server_tool *behind,
    const char *listen, const char *const at[TOOL_LINKS_MAX])
{
        char why[400];

        *servers = (struct servers){NULL, NULL};
        if (has_link(tool, TOOL_LINK_TCP) || listen != NULL) {
                servers->tcp = server_start(tool, behind, listen, why, sizeof why);
                if (servers->tcp == NULL) {
                        fprintf(stderr, "aldsim: cannot serve: %s\n", why);
                        return false;
                }
        }
        if (!has_link(tool, TOOL_LINK_RTU))
                return true;
        servers->serial = serial_server_start(tool, behind, at, why, sizeof why);
        if (servers->serial == NULL) {
                fprintf(stderr, "aldsim: cannot serve: %s\n", why);
                server_stop(servers->tcp);
        }
        return servers->serial != NULL;
}

/* Returns when a signal to end has come. */
static void tick_until_signal(struct aldsim_tool *behind, struct aldsim_edges *edges, const sigset_t *ends)
{
        for (;;) {
                int64_t next_us = aldsim_tool_tick(behind);
                int64_t left_us = time_min(tick_us, next_us - bus_now_us());
                struct timespec wait = {.tv_nsec = left_us > 0 ? (long)(left_us * 1000) : 0};

                if (edges != NULL)
                        aldsim_edges_write(edges);
                if (sigtimedwait(ends, NULL, &wait) > 0)
                        return;
        }
}

static int serve(const struct tool *tool, struct aldsim_tool *behind, struct aldsim_edges *edges,
    const char *listen, const char *const at[TOOL_LINKS_MAX])
{
        struct server_tool callbacks = aldsim_tool_callbacks(behind);
        struct servers servers;
        sigset_t ends;

        /* Blocked before the servers' threads begin, so that only the ticker sees them. */
        sigemptyset(&ends);
        sigaddset(&ends, SIGINT);
        sigaddset(&ends, SIGTERM);
        pthread_sigmask(SIG_BLOCK, &ends, NULL);
        signal(SIGPIPE, SIG_IGN);
        journal_start();
        if (!start_servers(&servers, tool, &callbacks, listen, at)) {
                journal_stop();
                return EXIT_FAILED;
        }
        print_links(&servers, tool, listen);
        tick_until_signal(behind, edges, &ends);
        server_stop(servers.tcp);
        serial_server_stop(servers.serial);
        journal_stop();
        return EXIT_OK;
}

/* Serve, and log the edges if a file was named for them. */
static int serve_logged(const struct tool *tool, struct aldsim_tool *behind, const struct options *o,
    const char *const at[TOOL_LINKS_MAX])
{
        struct aldsim_edges *edges = NULL;
        int64_t lost;
        int status;

        if (o->edges_path != NULL && (edges = aldsim_edges_open(tool, o->edges_path)) == NULL) {
                fprintf(stderr, "aldsim: --edges %s: %s\n", o->edges_path, strerror(errno));
                return EXIT_FAILED;
        }
        aldsim_tool_log_edges(behind, edges);
        status = serve(tool, behind, edges, o->listen, at);
        aldsim_tool_log_edges(behind, NULL);
        lost = aldsim_edges_close(edges);
        if (lost == 0)
                return status;
        fprintf(stderr, "aldsim: --edges %s: %lld changes could not be written\n", o->edges_path,
            (long long)lost);
        return EXIT_FAILED;
}

int main(int argc, char **argv)
{
        struct options options;
        struct tool *tool;
        struct aldsim_tool *behind = NULL;
        const char *at[TOOL_LINKS_MAX] = {NULL};
        int status = parse_options(&options, argc, argv);

        if (status != EXIT_OK)
                return status;
        tool = load_tool(options.tool_path);
        if (tool == NULL)
                return EXIT_FAILED;
        status = take_ptys(tool, &options, at);
        if (status == EXIT_OK)
                behind = make_tool(tool, &options, &status);
        if (behind != NULL)
                status = serve_logged(tool, behind, &options, at);
        aldsim_tool_free(behind);
        free(tool);
        return status;
}
