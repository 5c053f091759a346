/* aldctl, the client: what its parts share. The command table in aldctl.c is the source of dispatch, of `--help` and of
 * the check of options; each command is one function in a file of its own kind (aldctl_*.c). */
#ifndef ALD_APP_ALDCTL_H
#define ALD_APP_ALDCTL_H

#include "ald/core/tool.h" /* TOOL_LINKS_MAX */

#include <stdbool.h> /* bool */
#include <stddef.h>  /* size_t */
#include <stdint.h>  /* int64_t, uint64_t */
#include <stdio.h>   /* FILE */

/* The exit codes that scripts may rely on (DESIGN.md, Programs). */
enum aldctl_exit {
        ALDCTL_OK = 0,
        ALDCTL_FAILED = 1,
        ALDCTL_USAGE = 2,
        ALDCTL_REFUSED = 3,       /* interlock, limit or state */
        ALDCTL_NOT_CONNECTED = 4, /* no daemon answers */
        ALDCTL_DENIED = 5,        /* no permission */
        ALDCTL_INTERRUPTED = 130  /* as a shell says of a program that Ctrl-C ended */
};

enum {
        ALDCTL_SETS_MAX = 64,
        ALDCTL_WORDS_MAX = 64 /* completion: a whole command line */,
        ALDCTL_ARGS_MAX = 16
};

/* The command line, taken apart. Texts are borrowed from argv and the environment. */
struct aldctl_options {
        const char *socket;                                        /* never NULL */
        const char *db;                                            /* NULL: ask the daemon */
        const char *tool;                                          /* -c */
        const char *powder_mass, *powder_area, *saturation, *plot; /* dry-run; NULL: not given */
        const char *output, *format, *what, *head, *verify;        /* -o and others; NULL: not given */
        const char *resume;                                        /* run: --resume; NULL: not given */
        const char *precursor;                                     /* pulses; NULL: not given */
        bool json, wait, help, all, text;
        int limit; /* --limit */
        size_t set_count;
        const char *sets[ALDCTL_SETS_MAX]; /* "NAME=VALUE", the '=' checked */
        int link_count;
        const char *links[TOOL_LINKS_MAX]; /* --link, as written */
        size_t arg_count;
        struct {
                const char *name;  /* of the verb's argument */
                const char *value; /* NULL: a switch */
        } args[ALDCTL_ARGS_MAX];   /* options that go to the daemon as they are */
        size_t word_count;
        const char *words[ALDCTL_WORDS_MAX]; /* after the command */
};

struct aldctl_command {
        const char *name;
        const char *usage; /* what follows the name, read by app/aldctl_usage.h */
        const char *help;  /* likewise: a line is a paragraph, or "  TAG  text" */
        uint64_t options;  /* set of OPT_ in aldctl.c */
        size_t words_min, words_max;
        enum aldctl_exit (*run)(const struct aldctl_command *self, const struct aldctl_options *options);
        const char *group; /* --help: of it and of those after it whose group is ""; NULL: a line alone */
};

struct aldctl_option {
        const char *name, *value; /* value: what it takes, "TIME" or "csv|json"; NULL = nothing */
        uint64_t bit;
        const char *help; /* NULL: told with its command */
        const char *arg;  /* the verb's argument that it is; NULL: it stays here */
};

/* The tables of aldctl.c. */
const struct aldctl_command *aldctl_commands(size_t *count);
const struct aldctl_option *aldctl_option_table(size_t *count);

struct query;
struct query_run;

/* aldctl_check.c */
enum aldctl_exit aldctl_check(const struct aldctl_command *self, const struct aldctl_options *o);
/* aldctl_device.c */
enum aldctl_exit aldctl_device(const struct aldctl_command *self, const struct aldctl_options *o);
/* aldctl_dryrun.c */
enum aldctl_exit aldctl_dryrun(const struct aldctl_command *self, const struct aldctl_options *o);
/* aldctl_command.c */
enum aldctl_exit aldctl_command(const struct aldctl_command *self,
    const struct aldctl_options *o); /* hold, open, ack, ...: the verb table's arguments */
/* aldctl_run.c */
enum aldctl_exit aldctl_run(const struct aldctl_command *self, const struct aldctl_options *o);
/* aldctl_list.c */
enum aldctl_exit aldctl_status(const struct aldctl_command *self, const struct aldctl_options *o);
enum aldctl_exit aldctl_tags(const struct aldctl_command *self, const struct aldctl_options *o);
enum aldctl_exit aldctl_interlocks(const struct aldctl_command *self, const struct aldctl_options *o);
enum aldctl_exit aldctl_alarms(const struct aldctl_command *self, const struct aldctl_options *o);
/* aldctl_bypass.c */
enum aldctl_exit aldctl_bypass(const struct aldctl_command *self, const struct aldctl_options *o);
/* aldctl_watch.c */
enum aldctl_exit aldctl_watch(const struct aldctl_command *self, const struct aldctl_options *o);
/* top.c */
enum aldctl_exit aldctl_top(const struct aldctl_command *self, const struct aldctl_options *o);
/* aldctl_history.c */
enum aldctl_exit aldctl_runs(const struct aldctl_command *self, const struct aldctl_options *o);
enum aldctl_exit aldctl_report(const struct aldctl_command *self, const struct aldctl_options *o);
/* The run database that the options name, or the daemon; NULL: *code, and the reason was told. */
struct query *aldctl_open_database(const struct aldctl_options *o, enum aldctl_exit *code);
/* The run that a word names; 0: it names none, which was told. */
long long aldctl_read_run(const struct aldctl_command *self, const char *word);
/* The same of the command's first word. */
long long aldctl_run_number(const struct aldctl_command *self, const struct aldctl_options *o);
/* The run of that number in the record; false: there is none, or it cannot be read, which was told. */
bool aldctl_find_run(struct query *q, long long id, struct query_run *run);
/* The same of what another question about a run came to: 1 found, 0 no such run, -1 error, as query_run() has it. */
bool aldctl_is_found(struct query *q, long long id, int found);
/* aldctl_counters.c */
enum aldctl_exit aldctl_counters(const struct aldctl_command *self, const struct aldctl_options *o);
/* aldctl_report.c: the run as one page into `path`. */
enum aldctl_exit aldctl_report_page(struct query *q, long long id, const char *path);
/* The same to a stream, as it would have been at now_us (UTC). */
enum aldctl_exit aldctl_put_page(struct query *q, long long id, int64_t now_us, FILE *to);
/* aldctl_pulses.c */
enum aldctl_exit aldctl_pulses(const struct aldctl_command *self, const struct aldctl_options *o);
/* aldctl_trend.c */
enum aldctl_exit aldctl_trend(const struct aldctl_command *self, const struct aldctl_options *o);
/* aldctl_latency.c */
enum aldctl_exit aldctl_latency(const struct aldctl_command *self, const struct aldctl_options *o);
/* aldctl_audit.c */
enum aldctl_exit aldctl_audit(const struct aldctl_command *self, const struct aldctl_options *o);
struct audit_head;
/* What --head says; false: told. */
bool aldctl_take_head(const char *text, struct audit_head *head);
/* aldctl_archive.c */
enum aldctl_exit aldctl_archive(const struct aldctl_command *self, const struct aldctl_options *o);
/* aldctl_export.c */
enum aldctl_exit aldctl_export(const struct aldctl_command *self, const struct aldctl_options *o);
/* aldctl_completion.c: for shells */
enum aldctl_exit aldctl_completion(const struct aldctl_command *self, const struct aldctl_options *o);
/* aldctl_mdoc.c: for the manual pages */
enum aldctl_exit aldctl_mdoc(const struct aldctl_command *self, const struct aldctl_options *o);
/* aldctl_diff.c */
enum aldctl_exit aldctl_diff(const struct aldctl_command *self, const struct aldctl_options *o);
/* aldctl_new.c */
enum aldctl_exit aldctl_new(const struct aldctl_command *self, const struct aldctl_options *o);
/* aldctl_schema.c */
enum aldctl_exit aldctl_schema(const struct aldctl_command *self, const struct aldctl_options *o);
/* aldctl_replay.c */
enum aldctl_exit aldctl_replay(const struct aldctl_command *self, const struct aldctl_options *o);

#endif
