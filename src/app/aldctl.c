/* aldctl: check recipes, start and follow runs, ask the daemon, read the record.
 *
 * One table of commands and one of options: dispatch, the check of arguments, --help (aldctl_help.c), completion
 * (aldctl_complete.c) and manual (aldctl_mdoc.c) read them. */
#include "ald/app/aldctl.h"      /* own declarations */
#include "ald/app/aldctl_help.h" /* aldctl_help_* */
#include "ald/app/aldctl_show.h" /* show_error */
#include "ald/app/version.h"     /* version_text */
#include "ald/base/text.h"       /* text_nearest */

#include <assert.h> /* assert */
#include <signal.h> /* signal, SIGPIPE */
#include <stdio.h>  /* printf */
#include <stdlib.h> /* getenv, strtol */
#include <string.h> /* strcmp */

#define ALDCTL_SOCKET "/run/aldd/aldd.sock"

/* What may be given, as a set: more than an enumeration has bits for. */
#define OPT(n)          (UINT64_C(1) << (n))
#define OPT_SOCKET      OPT(0)
#define OPT_DB          OPT(1)
#define OPT_JSON        OPT(2)
#define OPT_HELP        OPT(3)
#define OPT_VERSION     OPT(4)
#define OPT_TOOL        OPT(5)
#define OPT_SET         OPT(6)
#define OPT_WAIT        OPT(7)
#define OPT_NOW         OPT(8)
#define OPT_REPEAT      OPT(9)
#define OPT_SKIP        OPT(10)
#define OPT_LIMIT       OPT(11)
#define OPT_AFTER_CYCLE OPT(12)
#define OPT_FOR         OPT(13)
#define OPT_REASON      OPT(14)
#define OPT_FORCE       OPT(15)
#define OPT_TO          OPT(16)
#define OPT_POWDER_MASS OPT(17)
#define OPT_POWDER_AREA OPT(18)
#define OPT_SATURATION  OPT(19)
#define OPT_PLOT        OPT(20)
#define OPT_LINK        OPT(21)
#define OPT_ALL         OPT(22)
#define OPT_OUTPUT      OPT(23)
#define OPT_LOT         OPT(24)
#define OPT_CONTENT     OPT(25)
#define OPT_RESUME      OPT(26)
#define OPT_PRECURSOR   OPT(27)
#define OPT_RUN         OPT(28)
#define OPT_FROM        OPT(29)
#define OPT_POINTS      OPT(30)
#define OPT_CSV         OPT(31)
#define OPT_FORMAT      OPT(32)
#define OPT_WHAT        OPT(33)
#define OPT_HEAD        OPT(34)
#define OPT_VERIFY      OPT(35)
#define OPT_TEXT        OPT(36)
#define OPT_ALWAYS      (OPT_SOCKET | OPT_DB | OPT_JSON | OPT_HELP | OPT_VERSION)

static const struct aldctl_command commands[] = {
    {"check", "RECIPE -c TOOL [--set NAME=VALUE]...", "is the recipe sound for the tool? needs no daemon",
        OPT_TOOL | OPT_SET, 1, 1, aldctl_check, "make, check and try recipes"},
    {"dry-run",
        "RECIPE -c TOOL [--set NAME=VALUE]... [--powder-mass MASS] [--powder-area AREA] [--saturation SITES] "
        "[--plot FILE.svg]",
        "the whole run in virtual time on the simulated tool: how long, what acts, is the dose enough?\n"
        "  --powder-mass, --powder-area  what is in the bed (\"1 g\", \"0.4 m2/g\") instead of the recipe's "
        "powder\n"
        "  --saturation                  what a half-cycle takes (\"1.04 umol/m2\" unless given)\n"
        "  --plot                        draw the run and one cycle",
        OPT_TOOL | OPT_SET | OPT_POWDER_MASS | OPT_POWDER_AREA | OPT_SATURATION | OPT_PLOT, 1, 1,
        aldctl_dryrun, ""},
    {"new", "[NAME] [-c TOOL] [-o FILE.yaml]",
        "a commented recipe to start from, on the screen or in a file that must not be there yet\n"
        "  -c  for the tool of that file, and sound for it; else for the daemon's, else with example names",
        OPT_TOOL | OPT_OUTPUT, 0, 1, aldctl_new, ""},
    {"schema", "recipe|blocks|tool|profile [-c TOOL] [-o FILE.json]",
        "the format of a kind of file as a JSON Schema, for editors: man ald-recipe(5) says how they take "
        "it\n"
        "  -c  recipe, blocks: for that tool, with the names and units of what it has",
        OPT_OUTPUT | OPT_TOOL, 1, 1, aldctl_schema, ""},
    {"run",
        "RECIPE [--set NAME=VALUE]... [--wait]\n"
        "aldctl run --resume RUN [RECIPE] [--repeat | --skip] [--wait]",
        "start a recipe; --wait follows it to its end\n"
        "  --resume  go on with a run that was interrupted: the daemon asks an operator, brings back what "
        "was in "
        "force, waits until it is settled and purges; then the half-cycle runs whole again, or its pulse "
        "once "
        "more. Recipe, parameters, tool file and version are those of that run; a RECIPE beside it must be "
        "the "
        "same.\n"
        "  --repeat, --skip  a pulse that was cut, where the recipe asks what to do with it",
        OPT_SET | OPT_WAIT | OPT_RESUME | OPT_REPEAT | OPT_SKIP, 0, 1, aldctl_run,
        "start a recipe; what the tool does"},
    {"status", "", "what the tool is doing and what it waits for", 0, 0, 0, aldctl_status, ""},
    {"watch", "", "the same, live, until interrupted", 0, 0, 0, aldctl_watch, ""},
    {"top", "",
        "the whole tool on a screen, live: state, times, schematic, pressure, alarms, events\n"
        "  Its keys hold, resume, stop and abort the run, acknowledge alarms and answer what the recipe "
        "asks;\n"
        "  each asks first. ? has them all, q quits. It wants a terminal of 72 x 22 or more.",
        0, 0, 0, aldctl_top, ""},
    {"hold", "[--now]", "hold the run; --now cuts a running pulse", OPT_NOW, 0, 0, aldctl_command,
        "hold, go on; end in order; all safe at once"},
    {"resume", "[--repeat | --skip]", "go on with a held run (and the pulse that was cut)",
        OPT_REPEAT | OPT_SKIP, 0, 0, aldctl_command, ""},
    {"stop", "[--after-cycle]", "end the run in order: pulse, purge, finally, standby", OPT_AFTER_CYCLE, 0, 0,
        aldctl_command, ""},
    {"abort", "", "everything safe at once", 0, 0, 0, aldctl_command, ""},
    {"reset", "", "clear trips whose cause is gone", 0, 0, 0, aldctl_command,
        "clear trips whose cause is gone; answer yes"},
    {"confirm", "", "answer yes to what the recipe asks", 0, 0, 0, aldctl_command, ""},
    {"control", "take [--force] | release [--to USER]", "take or release control of the tool",
        OPT_FORCE | OPT_TO, 1, 1, aldctl_command, "move outputs by hand, with control"},
    {"open", "VALVE [--for TIME]", "open a valve by hand; a precursor for a time only", OPT_FOR, 1, 1,
        aldctl_command, ""},
    {"close", "VALVE", "close a valve by hand; a precursor always closes", 0, 1, 1, aldctl_command, ""},
    {"set", "TAG VALUE", "set a flow, heater, motor or switch: 70 sccm, on, standby, safe", 0, 2, 2,
        aldctl_command, ""},
    {"tags", "", "every value with its quality and age", 0, 0, 0, aldctl_tags,
        "every value; bus plans; what acts on what"},
    {"device", "plan | probe TAG [-c TOOL] [--link NAME=ADDRESS]...",
        "plan: what is asked of the devices, how often, and how much of each link's time that takes. No "
        "daemon.\n"
        "probe: reads the registers of one tag once, with functions 1 to 4 only: it never writes. The words "
        "are "
        "shown as they came and decoded in all four byte orders; the tool file's is marked, and which of "
        "them "
        "lie within `valid`. On TCP it opens one more connection: a module that takes only one refuses it, "
        "or "
        "drops the daemon's. On a serial line stop the daemon first: two masters spoil each other's calls.\n"
        "  -c      the tool file (/etc/ald/tool.yaml)\n"
        "  --link  another address for a link: tcp://HOST:PORT or rtu:///dev/PATH",
        OPT_TOOL | OPT_LINK, 1, 2, aldctl_device, ""},
    {"interlocks", "", "causes and effects, and every interlock with its live values", 0, 0, 0,
        aldctl_interlocks, ""},
    {"alarms", "", "every alarm that is not normal, and what to do about it", 0, 0, 0, aldctl_alarms,
        "what is wrong, what to do; silence it"},
    {"ack", "[ALARM]", "acknowledge an alarm, or all; moves no output", 0, 0, 1, aldctl_command, ""},
    {"shelve", "ALARM --for TIME --reason TEXT", "silence a nuisance alarm for a time, at most 8 h",
        OPT_FOR | OPT_REASON, 1, 1, aldctl_command, ""},
    {"unshelve", "ALARM", "end a shelving early", 0, 1, 1, aldctl_command, ""},
    {"bypass", "[TAG --for TIME --reason TEXT]", "leave an input out of the interlocks; without TAG: list",
        OPT_FOR | OPT_REASON, 0, 1, aldctl_bypass, "leave an input out of the interlocks"},
    {"unbypass", "TAG", "end a bypass early", 0, 1, 1, aldctl_command, ""},
    {"runs", "[--limit N]", "the last runs (20)", OPT_LIMIT, 0, 0, aldctl_runs,
        "the last runs, one of them, tags, pulses"},
    {"report", "RUN [-o FILE.html]",
        "what was recorded of a run, pulse by pulse\n"
        "  -o  the whole run as one page for a browser and for paper, with plots (by gnuplot), metrics, the "
        "texts in force and a paragraph of methods",
        OPT_OUTPUT, 1, 1, aldctl_report, ""},
    {"diff", "RECIPE RUN [--set NAME=VALUE]... [-c TOOL] [--text]",
        "what a recipe says otherwise than it did in a run: parameters, steps, guards, whatever else; no "
        "daemon\n"
        "  --set   parameters that it would be run with\n"
        "  -c      the tool file too; without it the recipe is taken to be for the tool as it was then\n"
        "  --text  the texts line by line besides\n"
        "Ends with 0 whether there are differences or not: --json has \"same\".",
        OPT_SET | OPT_TOOL | OPT_TEXT, 2, 2, aldctl_diff, ""},
    {"trend", "TAG [--run RUN | --from TIME --to TIME] [--points N] [--json | --csv]",
        "how a tag went: the last hour, a run, or any time; no spike is lost however long that is\n"
        "  --from, --to  \"2026-11-21 10:15\" (local), \"2026-11-21T10:15:30Z\" (UTC), or how long ago: 2h, "
        "\"3 d\"\n"
        "  --points      at most so many (2000), each with its minimum, maximum and mean",
        OPT_RUN | OPT_FROM | OPT_TO | OPT_POINTS | OPT_CSV, 1, 1, aldctl_trend, ""},
    {"pulses", "[RUN] [--limit N] [--precursor NAME]",
        "what each precursor's pulses brought, in the last runs (20) or in one, and the base pressure\n"
        "CUSUM: low or high where their areas differ from those before by more than chance has it",
        OPT_LIMIT | OPT_PRECURSOR, 0, 1, aldctl_pulses, ""},
    {"counters", "[reset VALVE]",
        "how often and how long valves were open, what is left in the bottles;\n"
        "  reset VALVE  it was replaced: count from zero",
        0, 0, 2, aldctl_counters, "wear of valves, what is left in bottles"},
    {"bottle", "LINE [--lot TEXT] [--content MASS]",
        "the bottle of a precursor line was changed: count what comes out of the new one",
        OPT_LOT | OPT_CONTENT, 1, 1, aldctl_command, ""},
    {"latency", "[RUN | --all]",
        "how late edges were and how wrong widths, of the last run unless it is said", OPT_ALL, 0, 1,
        aldctl_latency, "was it on time; is it decided so again?"},
    {"replay", "RUN", "decide a recorded run once more: is it decided the same? needs no daemon", 0, 1, 1,
        aldctl_replay, ""},
    {"export", "RUN [--format csv|json] [-o FILE | -o FOLDER/] [--what TABLE]",
        "a run's record for other programs: man ald-export(5) has the columns\n"
        "  --format  csv unless given; json: one object with everything\n"
        "  --what    csv: samples, pulses, cycles, events, base or audit (samples unless given)\n"
        "  -o        a file, whole or not at all; csv: a folder gets every table",
        OPT_FORMAT | OPT_OUTPUT | OPT_WHAT, 1, 1, aldctl_export, "a run's record as files; who asked what"},
    {"archive", "RUN -o FILE.tar.xz | --verify FILE [--head ID:SHA256]",
        "everything of a run that has ended in one file: database, tables, texts, sums (man ald-export(5))\n"
        "  --verify  is such a file what was written? needs no daemon and no database\n"
        "  --head    and is its part of the audit chain the one that a head kept elsewhere names?",
        OPT_OUTPUT | OPT_VERIFY | OPT_HEAD, 0, 1, aldctl_archive, ""},
    {"audit", "[--limit N] | verify [--head ID:SHA256]",
        "who asked for what, newest first (20)\n"
        "verify: does the chain of these records hold, and each run's record that they close? needs no "
        "daemon\n"
        "  --head  a head kept elsewhere (journal of the daemon, archive, report): was the chain cut at its "
        "end?",
        OPT_LIMIT | OPT_HEAD, 0, 1, aldctl_audit, ""},
    {"completion", "bash | zsh | words [WORD]...",
        "prints what makes a shell complete commands, options and values\n"
        "bash: eval \"$(aldctl completion bash)\" in ~/.bashrc; zsh: the same in ~/.zshrc, behind compinit. "
        "`make install` puts both where the shells find them.\n"
        "words: what may stand in the place of the last of these words, one a line: what the shells ask.",
        0, 1, ALDCTL_WORDS_MAX, aldctl_completion, "for shells; for the manual pages"},
    {"mdoc", "commands | options | exits | verbs | states | limits | faults",
        "a part of the manual pages as mdoc(7), from the tables that this program reads; `make` uses it", 0,
        1, 1, aldctl_mdoc, ""},
};
enum { COMMANDS = sizeof commands / sizeof commands[0] };

static const struct aldctl_option options[] = {
    {"--socket", "PATH", OPT_SOCKET, "the daemon's socket (ALD_SOCKET, else " ALDCTL_SOCKET ")", NULL},
    {"--db", "PATH", OPT_DB, "the run database (ALD_DB, else as the daemon says)", NULL},
    {"--json", NULL, OPT_JSON, "one JSON object or array, times in UTC", NULL},
    {"--help", NULL, OPT_HELP, "this text; after a command, its usage", NULL},
    {"--version", NULL, OPT_VERSION, "the version", NULL},
    {"-c", "TOOL", OPT_TOOL, NULL, NULL},
    {"--set", "NAME=VALUE", OPT_SET, NULL, NULL},
    {"--wait", NULL, OPT_WAIT, NULL, NULL},
    {"--limit", "N", OPT_LIMIT, NULL, NULL},
    {"--all", NULL, OPT_ALL, NULL, NULL},
    {"--now", NULL, OPT_NOW, NULL, "now"},
    {"--repeat", NULL, OPT_REPEAT, NULL, "repeat"},
    {"--skip", NULL, OPT_SKIP, NULL, "skip"},
    {"--after-cycle", NULL, OPT_AFTER_CYCLE, NULL, "after_cycle"},
    {"--for", "TIME", OPT_FOR, NULL, "for"},
    {"--reason", "TEXT", OPT_REASON, NULL, "reason"},
    {"--force", NULL, OPT_FORCE, NULL, "force"},
    {"--to", "USER or TIME", OPT_TO, NULL, "to"},
    {"--lot", "TEXT", OPT_LOT, NULL, "lot"},
    {"--content", "MASS", OPT_CONTENT, NULL, "content"},
    {"--powder-mass", "MASS", OPT_POWDER_MASS, NULL, NULL},
    {"--powder-area", "AREA", OPT_POWDER_AREA, NULL, NULL},
    {"--saturation", "SITES", OPT_SATURATION, NULL, NULL},
    {"--plot", "FILE.svg", OPT_PLOT, NULL, NULL},
    {"-o", "FILE", OPT_OUTPUT, NULL, NULL},
    {"--link", "NAME=ADDRESS", OPT_LINK, NULL, NULL},
    {"--resume", "RUN", OPT_RESUME, NULL, NULL},
    {"--precursor", "NAME", OPT_PRECURSOR, NULL, NULL},
    {"--run", "RUN", OPT_RUN, NULL, "run"},
    {"--from", "TIME", OPT_FROM, NULL, "from"},
    {"--points", "N", OPT_POINTS, NULL, "points"},
    {"--csv", NULL, OPT_CSV, NULL, "csv"},
    {"--format", "csv|json", OPT_FORMAT, NULL, NULL},
    {"--what", "samples|pulses|cycles|events|base|audit", OPT_WHAT, NULL, NULL},
    {"--head", "ID:SHA256", OPT_HEAD, NULL, NULL},
    {"--verify", "FILE", OPT_VERIFY, NULL, NULL},
    {"--text", NULL, OPT_TEXT, NULL, NULL},
};
enum { OPTIONS = sizeof options / sizeof options[0] };

static const char *command_name(const void *ctx, size_t i)
{
        (void)ctx;
        return commands[i].name;
}

static const char *option_name(const void *ctx, size_t i)
{
        (void)ctx;
        return options[i].name;
}

const struct aldctl_command *aldctl_commands(size_t *count)
{
        *count = COMMANDS;
        return commands;
}

const struct aldctl_option *aldctl_option_table(size_t *count)
{
        *count = OPTIONS;
        return options;
}

/* ---- Taking the command line apart ---- */

struct args {
        int argc;
        char **argv;
        int at;
        const struct aldctl_command *command;
        uint64_t given; /* bits of the options seen */
        struct aldctl_options options;
};

static bool find_command(struct args *a, const char *word)
{
        const char *near;

        for (size_t i = 0; i < COMMANDS; i++)
                if (strcmp(commands[i].name, word) == 0)
                        a->command = &commands[i];
        if (a->command != NULL)
                return true;
        near = text_nearest(word, command_name, NULL, COMMANDS);
        if (near != NULL)
                show_error("unknown command '%s'; did you mean '%s'?", word, near);
        else
                show_error("unknown command '%s'; `aldctl --help` lists them", word);
        return false;
}

static bool take_word(struct args *a, const char *word)
{
        if (a->command == NULL)
                return find_command(a, word);
        if (a->options.word_count >= ALDCTL_WORDS_MAX) {
                show_error("too many arguments");
                return false;
        }
        a->options.words[a->options.word_count++] = word;
        return true;
}

static bool take_set(struct args *a, const char *value)
{
        assert(value != NULL); /* take_option() saw to it */
        const char *equals = strchr(value, '=');

        if (equals == NULL || equals == value || equals - value >= 64) {
                show_error("--set %s: NAME=VALUE wanted, for instance --set cycles=2", value);
                return false;
        }
        if (a->options.set_count >= ALDCTL_SETS_MAX) {
                show_error("more than %d --set", ALDCTL_SETS_MAX);
                return false;
        }
        a->options.sets[a->options.set_count++] = value;
        return true;
}

static bool take_link(struct args *a, const char *value)
{
        if (a->options.link_count >= TOOL_LINKS_MAX) {
                show_error("more than %d --link", TOOL_LINKS_MAX);
                return false;
        }
        a->options.links[a->options.link_count++] = value;
        return true;
}

static bool take_limit(struct args *a, const char *value)
{
        assert(value != NULL); /* take_option() saw to it */
        char *end;
        long n = strtol(value, &end, 10);

        if (*end != '\0' || n < 1 || n > 1000000) {
                show_error("--limit %s: a number from 1 to 1000000 wanted", value);
                return false;
        }
        a->options.limit = (int)n;
        return true;
}

static bool set_option(struct args *a, uint64_t bit, const char *value)
{
        struct aldctl_options *o = &a->options;

        a->given |= bit;
        switch (bit) {
        case OPT_SOCKET:
                o->socket = value;
                break;
        case OPT_DB:
                o->db = value;
                break;
        case OPT_TOOL:
                o->tool = value;
                break;
        case OPT_SET:
                return take_set(a, value);
        case OPT_LIMIT:
                return take_limit(a, value);
        case OPT_POWDER_MASS:
                o->powder_mass = value;
                break;
        case OPT_POWDER_AREA:
                o->powder_area = value;
                break;
        case OPT_SATURATION:
                o->saturation = value;
                break;
        case OPT_PLOT:
                o->plot = value;
                break;
        case OPT_OUTPUT:
                o->output = value;
                break;
        case OPT_LINK:
                return take_link(a, value);
        case OPT_RESUME:
                o->resume = value;
                break;
        case OPT_PRECURSOR:
                o->precursor = value;
                break;
        case OPT_FORMAT:
                o->format = value;
                break;
        case OPT_WHAT:
                o->what = value;
                break;
        case OPT_HEAD:
                o->head = value;
                break;
        case OPT_VERIFY:
                o->verify = value;
                break;
        case OPT_ALL:
                o->all = true;
                break;
        case OPT_TEXT:
                o->text = true;
                break;
        case OPT_JSON:
                o->json = true;
                break;
        case OPT_WAIT:
                o->wait = true;
                break;
        default:
                break;
        }
        return true;
}

/* An option that goes to the daemon as it is. */
static bool add_arg(struct args *a, uint64_t bit, const char *name, const char *value)
{
        struct aldctl_options *o = &a->options;

        if (o->arg_count >= ALDCTL_ARGS_MAX) {
                show_error("too many options");
                return false;
        }
        a->given |= bit;
        o->args[o->arg_count].name = name;
        o->args[o->arg_count++].value = value;
        return true;
}

/* "--name", "--name VALUE" or "--name=VALUE". */
static bool take_option(struct args *a, const char *word)
{
        size_t len = strcspn(word, "=");
        const char *near;
        char name[64];

        for (size_t i = 0; i < OPTIONS; i++) {
                const char *value = NULL;
                if (strlen(options[i].name) != len || strncmp(options[i].name, word, len) != 0)
                        continue;
                if (options[i].value != NULL)
                        value = word[len] == '=' ? word + len + 1 : a->at < a->argc ? a->argv[a->at++] : NULL;
                if ((options[i].value != NULL) != (value != NULL) ||
                    (options[i].value == NULL && word[len] == '=')) {
                        show_error("%s takes %s", options[i].name,
                            options[i].value != NULL ? options[i].value : "no value");
                        return false;
                }
                return options[i].arg != NULL ? add_arg(a, options[i].bit, options[i].arg, value)
                                              : set_option(a, options[i].bit, value);
        }
        (void)snprintf(name, sizeof name, "%.*s", (int)(len < 60 ? len : 60), word);
        near = text_nearest(name, option_name, NULL, OPTIONS);
        if (near != NULL)
                show_error("unknown option '%s'; did you mean '%s'?", name, near);
        else
                show_error("unknown option '%s'; `aldctl --help` lists them", name);
        return false;
}

static bool take_all(struct args *a)
{
        bool only_words = false;

        while (a->at < a->argc) {
                const char *word = a->argv[a->at++];
                if (!only_words && strcmp(word, "--") == 0)
                        only_words = true;
                else if (!only_words && word[0] == '-' && word[1] != '\0' ? !take_option(a, word)
                                                                          : !take_word(a, word))
                        return false;
        }
        return true;
}

/* Do the options and words fit the command? */
static bool fits(const struct args *a)
{
        const struct aldctl_command *c = a->command;
        uint64_t strange = a->given & ~(c->options | OPT_ALWAYS);

        for (size_t i = 0; i < OPTIONS; i++)
                if ((options[i].bit & strange) != 0) {
                        show_error("%s does not take %s", c->name, options[i].name);
                        return false;
                }
        if (a->options.word_count < c->words_min || a->options.word_count > c->words_max) {
                show_error(a->options.word_count < c->words_min ? "%s: something is missing"
                                                                : "%s: too many arguments",
                    c->name);
                return false;
        }
        if ((a->given & OPT_REPEAT) != 0 && (a->given & OPT_SKIP) != 0) {
                show_error("--repeat and --skip exclude one another");
                return false;
        }
        return true;
}

static const char *from_environment(const char *name, const char *otherwise)
{
        const char *value = getenv(name);

        return value != NULL && value[0] != '\0' ? value : otherwise;
}

static int run(int argc, char **argv)
{
        struct args a = {.argc = argc, .argv = argv, .at = 1};

        a.options.socket = from_environment("ALD_SOCKET", ALDCTL_SOCKET);
        a.options.db = from_environment("ALD_DB", NULL);
        a.options.limit = 20;
        if (!take_all(&a))
                return ALDCTL_USAGE;
        if ((a.given & OPT_VERSION) != 0) {
                (void)printf("aldctl %s\n", version_text());
                return ALDCTL_OK;
        }
        if (a.command == NULL) {
                aldctl_help_all();
                return (a.given & OPT_HELP) != 0 ? ALDCTL_OK : ALDCTL_USAGE;
        }
        if ((a.given & OPT_HELP) != 0) {
                aldctl_help_of(a.command);
                return ALDCTL_OK;
        }
        if (!fits(&a)) {
                aldctl_help_usage(stderr, a.command);
                return ALDCTL_USAGE;
        }
        return (int)a.command->run(a.command, &a.options);
}

int main(int argc, char **argv)
{
        int exit;

        /* `aldctl watch | head` ends with an error of writing, not by a signal. */
        (void)signal(SIGPIPE, SIG_IGN);
        show_open();
        exit = run(argc, argv);
        if (!show_close() && exit == ALDCTL_OK)
                exit = ALDCTL_FAILED;
        return exit;
}
