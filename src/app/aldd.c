/* aldd: the daemon. One tool, one process, in the foreground. */

#include "ald/app/journal.h"  /* journal_start */
#include "ald/app/live.h"     /* live_new, live_run */
#include "ald/app/notify.h"   /* notify_start */
#include "ald/app/override.h" /* override_link */
#include "ald/app/version.h"  /* version_text */
#include "ald/base/diag.h"    /* diag_print */
#include "ald/base/text.h"    /* text_copy */
#include "ald/file/file.h"    /* file_load_tool */

#include <getopt.h>   /* getopt_long */
#include <signal.h>   /* sigaction */
#include <stdbool.h>  /* bool */
#include <stdio.h>    /* printf */
#include <stdlib.h>   /* getenv, free */
#include <string.h>   /* strchr, strcmp */
#include <sys/stat.h> /* stat */
#include <time.h>     /* nanosleep */
#include <unistd.h>   /* write, isatty */

/* Exit codes of the command-line contract (DESIGN.md, Programs). */
enum { EXIT_OK = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

static const char usage[] =
    "usage: aldd -c TOOL.yaml [options]\n"
    "The reactor controller: runs recipes, guards outputs, keeps the record, serves\n"
    "the control socket.\n"
    "\n"
    "  -c, --config FILE    the tool file\n"
    "  --socket PATH        control socket (ALD_SOCKET; /run/aldd/aldd.sock)\n"
    "  --db PATH            run database (ALD_DB; /var/lib/aldd/ald.db)\n"
    "  --link NAME=ADDRESS  another address for a link of the tool file:\n"
    "                       tcp://HOST:PORT or rtu:///dev/PATH\n"
    "  --no-realtime        no real-time priority, no locked memory\n"
    "  --check              say whether the tool file is sound; touch nothing\n"
    "  --notify-test        run each program of `notify` once; touch nothing else\n"
    "  -h, --help, --version\n"
    "\n"
    "It stays in the foreground; systemd is told READY once every output is confirmed\n"
    "safe or named. SIGTERM and SIGINT end it in order: a running pulse ends, outputs\n"
    "go safe, the record is closed.\n";

struct options {
        const char *config, *socket, *db;
        bool is_check, is_ordinary, is_notify_test;
        const char *links[TOOL_LINKS_MAX];
        int link_count;
};

static const char *env_or(const char *name, const char *otherwise)
{
        const char *value = getenv(name);

        return value != NULL && value[0] != '\0' ? value : otherwise;
}

/* EXIT_OK to go on with the options, -1 when all is said. */
static int read_options(int argc, char **argv, struct options *o)
{
        static const struct option longs[] = {
            {"config", required_argument, NULL, 'c'},
            {"socket", required_argument, NULL, 's'},
            {"db", required_argument, NULL, 'd'},
            {"link", required_argument, NULL, 'l'},
            {"check", no_argument, NULL, 'k'},
            {"no-realtime", no_argument, NULL, 'n'},
            {"notify-test", no_argument, NULL, 't'},
            {"help", no_argument, NULL, 'h'},
            {"version", no_argument, NULL, 'v'},
            {NULL, 0, NULL, 0},
        };
        int c;

        while ((c = getopt_long(argc, argv, "c:h", longs, NULL)) != -1) {
                if (c == 'h' || c == 'v') {
                        printf(c == 'h' ? "%s" : "aldd %s\n", c == 'h' ? usage : version_text());
                        return -1;
                }
                if (c == 'c')
                        o->config = optarg;
                else if (c == 's')
                        o->socket = optarg;
                else if (c == 'd')
                        o->db = optarg;
                else if (c == 'k')
                        o->is_check = true;
                else if (c == 'n')
                        o->is_ordinary = true;
                else if (c == 't')
                        o->is_notify_test = true;
                else if (c == 'l' && o->link_count < TOOL_LINKS_MAX)
                        o->links[o->link_count++] = optarg;
                else
                        return EXIT_USAGE;
        }
        if (optind < argc) {
                fprintf(stderr, "aldd: '%s' is not an option\n", argv[optind]);
                return EXIT_USAGE;
        }
        if (o->config == NULL) {
                fprintf(stderr, "aldd: no tool file: give one with -c TOOL.yaml\n");
                return EXIT_USAGE;
        }
        return EXIT_OK;
}

/* A tool file that anybody may change is no ground for interlocks (F2). */
static bool is_trusted(const char *path)
{
        struct stat st;

        if (stat(path, &st) != 0 || (st.st_mode & S_IWOTH) == 0)
                return true;
        fprintf(stderr, "%s: error: everybody may write this file; chmod o-w it\n", path);
        return false;
}

/* The same of the profiles that it rests on. */
static bool has_trusted_profiles(const struct tool *tool, const char *path)
{
        char of[600];

        for (int i = 0; i < tool->device_count; i++)
                if (tool->devices[i].profile[0] != '\0' &&
                    file_profile_path(path, tool->devices[i].profile, of, sizeof of) && !is_trusted(of))
                        return false;
        return true;
}

static struct tool *load_tool(const char *path, char **text, size_t *len)
{
        struct diag *d = diag_new();
        struct tool *tool = NULL;

        if (d == NULL)
                return NULL;
        tool = file_load_tool(path, text, len, d);
        if (tool != NULL)
                notify_check(tool, d);
        diag_print(d, stderr, isatty(STDERR_FILENO) && getenv("NO_COLOR") == NULL);
        if (tool == NULL || diag_errors(d) > 0)
                fprintf(stderr, "aldd: %s: %zu error%s; nothing was touched\n", path, diag_errors(d),
                    diag_errors(d) == 1 ? "" : "s");
        if (diag_errors(d) > 0) {
                free(tool);
                tool = NULL;
        }
        diag_free(d);
        return tool;
}

static void say_sound(const struct tool *tool, const char *path)
{
        char names[TOOL_DEVICES_MAX * 2 * TOOL_NAME_MAX];
        struct text t;

        text_init(&t, names, sizeof names);
        printf("%s: sound: tool %s, %d links, %d devices, %d tags, %d precursor lines, %d interlocks\n", path,
            tool->name, tool->link_count, tool->device_count, tool->tag_count, tool->line_count,
            tool->interlock_count);
        tool_add_unverified(&t, tool);
        if (t.len > 0)
                printf("%s: not verified on hardware, the profiles of: %s\n", path, names);
}

/* An assert failed: the core is silent from here on, so the links' leases write safe values within half a second;
 * this thread waits for that, then the process ends. Pulses under way end by their links in any case (F1). */
static void on_abort(int signal)
{
        static const char words[] = "aldd: internal error: outputs are left to their leases\n";
        struct timespec ts = {.tv_nsec = 700000000};

        (void)signal;
        if (write(STDERR_FILENO, words, sizeof words - 1) < 0)
                return;
        nanosleep(&ts, NULL);
}

/* A thread at a real-time priority computes without end, and nothing below it runs. */
static void on_runaway(int signal)
{
        static const char words[] = "aldd: internal error: a real-time thread does not wait any more\n";

        ssize_t n = write(STDERR_FILENO, words, sizeof words - 1);

        (void)signal;
        (void)n;
        abort();
}

static int serve(const struct tool *tool, const char *text, size_t len, const struct options *o)
{
        struct live_config config = {.tool = tool,
            .tool_text = text,
            .tool_text_len = len,
            .socket_path = o->socket,
            .db_path = o->db};
        struct sigaction abort_action = {.sa_handler = on_abort}, runaway_action = {.sa_handler = on_runaway};
        struct live *live;
        int code = EXIT_FAILED;

        signal(SIGPIPE, SIG_IGN);
        sigaction(SIGABRT, &abort_action, NULL);
        sigaction(SIGXCPU, &runaway_action, NULL);
        config.notify = notify_start(tool); /* while there is little to fork */
        journal_start();
        realtime_begin(&config.realtime, !o->is_ordinary);
        live = live_new(&config);
        if (live != NULL)
                code = live_run(live);
        live_free(live);
        journal_stop();
        return code;
}

int main(int argc, char **argv)
{
        struct options o = {.socket = env_or("ALD_SOCKET", "/run/aldd/aldd.sock"),
            .db = env_or("ALD_DB", "/var/lib/aldd/ald.db")};
        char *text = NULL, why[512];
        size_t len = 0;
        struct tool *tool;
        int code = read_options(argc, argv, &o);

        if (code != EXIT_OK) {
                if (code == EXIT_USAGE)
                        fputs("aldd --help tells more\n", stderr);
                return code < 0 ? EXIT_OK : code;
        }
        if (!is_trusted(o.config) || (tool = load_tool(o.config, &text, &len)) == NULL) {
                free(text);
                return EXIT_FAILED;
        }
        if (!has_trusted_profiles(tool, o.config))
                code = EXIT_FAILED;
        for (int i = 0; i < o.link_count && code == EXIT_OK; i++)
                if (!override_link(tool, o.links[i], why, sizeof why)) {
                        fprintf(stderr, "aldd: %s\n", why);
                        code = EXIT_USAGE;
                }
        if (code == EXIT_OK && o.is_check)
                say_sound(tool, o.config);
        else if (code == EXIT_OK && o.is_notify_test)
                code = notify_test(tool) ? EXIT_OK : EXIT_FAILED;
        else if (code == EXIT_OK)
                code = serve(tool, text, len, &o);
        free(tool);
        free(text);
        return code;
}
