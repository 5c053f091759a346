/* aldctl mdoc: the parts of the manual pages that a table knows, as mdoc(7). A page has a line `.\" PART` where a part belongs
 * (src/app/pages.awk), so that nothing is written twice. */
#include "ald/app/aldctl.h"       /* own declarations */
#include "ald/app/aldctl_help.h"  /* aldctl_help_exit */
#include "ald/app/aldctl_show.h"  /* show_error */
#include "ald/app/aldctl_usage.h" /* aldctl_usage_next */
#include "ald/control/client.h"   /* CLIENT_OUT_MAX */
#include "ald/control/control.h"  /* CONTROL_CLIENTS_MAX */
#include "ald/control/feed.h"     /* FEED_EVENTS_MAX */
#include "ald/control/jsonrpc.h"  /* JSONRPC_LINE_MAX */
#include "ald/control/report.h"   /* report_verbs */
#include "ald/control/session.h"  /* SESSION_UPLOADS_MAX */
#include "ald/core/machine.h"     /* machine_state_name */
#include "ald/core/verb.h"        /* verb_find */
#include "ald/sim/sim.h"          /* sim_fault_help */

#include <string.h> /* strcmp, strcspn */

/* Text of our own tables: a row that would begin with a request is kept from it, and a backslash from being an escape. */
static void put_text(const char *text)
{
        if (text[0] == '.' || text[0] == '\'')
                (void)fputs("\\&", stdout);
        for (; text[0] != '\0'; text++) {
                /* Each sentence on a line of its own, so that the formatter spaces them alike. */
                bool is_end =
                    strchr(".?", text[0]) != NULL && text[1] == ' ' && text[2] >= 'A' && text[2] <= 'Z';

                if (text[0] == '\\')
                        (void)fputs("\\e", stdout);
                else
                        (void)fputc(text[0], stdout);
                if (is_end) {
                        (void)fputc('\n', stdout);
                        text++;
                }
        }
        (void)fputc('\n', stdout);
}

static void put_flag(const char *name)
{
        (void)printf(".Fl %s\n", name + 1); /* Fl writes the first '-' */
}

/* ---- Commands and options ---- */

static void put_usage(const char *name, const char *usage)
{
        struct aldctl_usage_token t;

        (void)printf(".Cm %s\n", name);
        while (aldctl_usage_next(&usage, &t)) {
                if (t.kind == ALDCTL_USAGE_FORM)
                        (void)printf(".Xc\n.It Xo\n.Cm %s\n", name);
                else if (t.kind == ALDCTL_USAGE_FLAG)
                        put_flag(t.text);
                else if (t.kind == ALDCTL_USAGE_CLOSE && strncmp(usage, "...", 3) == 0)
                        usage += 3, (void)printf(".Oc Ns ...\n");
                else
                        (void)printf(t.kind == ALDCTL_USAGE_OPEN    ? ".Oo\n"
                                     : t.kind == ALDCTL_USAGE_CLOSE ? ".Oc\n"
                                     : t.kind == ALDCTL_USAGE_WORD  ? ".Cm %s\n"
                                     : t.kind == ALDCTL_USAGE_PLACE ? ".Ar %s\n"
                                                                    : "%s\n",
                            t.text);
        }
}

static void put_tag(const char *tag)
{
        if (tag[0] != '-') {
                (void)printf(".It %s\n", tag);
                return;
        }
        (void)printf(".It");
        for (const char *at = tag; at[0] != '\0'; at += strspn(at, ", ")) {
                size_t len = strcspn(at, ",");

                (void)printf("%s Fl %.*s", at > tag ? " ," : "", (int)len - 1, at + 1);
                at += len;
        }
        (void)printf("\n");
}

static void put_help(const char *help)
{
        struct aldctl_usage_part part;
        bool is_list = false, is_first = true;

        for (; aldctl_usage_next_part(&help, &part); is_first = false) {
                bool is_item = part.tag[0] != '\0';

                if (is_item && !is_list)
                        (void)printf(".Bl -tag -width Ds\n");
                else if (!is_item && is_list)
                        (void)printf(".El\n");
                else if (!is_item && !is_first)
                        (void)printf(".Pp\n");
                is_list = is_item;
                if (is_item)
                        put_tag(part.tag);
                put_text(part.text);
        }
        if (is_list)
                (void)printf(".El\n");
}

static void put_commands(void)
{
        size_t count;
        const struct aldctl_command *commands = aldctl_commands(&count);

        (void)printf(".Bl -tag -width Ds\n");
        for (size_t i = 0; i < count; i++) {
                (void)printf(".It Xo\n");
                put_usage(commands[i].name, commands[i].usage);
                (void)printf(".Xc\n");
                put_help(commands[i].help);
        }
        (void)printf(".El\n");
}

static void put_options(void)
{
        size_t count;
        const struct aldctl_option *options = aldctl_option_table(&count);

        (void)printf(".Bl -tag -width Ds\n");
        for (size_t i = 0; i < count; i++)
                if (options[i].help != NULL) {
                        (void)printf(".It Fl %s%s%s\n", options[i].name + 1,
                            options[i].value != NULL ? " Ar " : "",
                            options[i].value != NULL ? options[i].value : "");
                        put_text(options[i].help);
                }
        (void)printf(".El\n");
}

static void put_exits(void)
{
        (void)printf(".Bl -tag -width Ds -compact\n");
        for (int code = 0; aldctl_help_exit(code) != NULL; code++)
                (void)printf(".It %d\n%s\n", code, aldctl_help_exit(code));
        (void)printf(".El\n");
}

/* ---- The control socket ---- */

static void put_arguments(const json_t *list)
{
        const json_t *arg;
        size_t i;

        if (json_array_size(list) > 0)
                (void)printf(".Bl -tag -width Ds -compact\n");
        json_array_foreach(list, i, arg)
        {
                (void)printf(".It Va %s Pq %s%s\n", show_get_text(arg, "name"), show_get_text(arg, "type"),
                    json_is_true(json_object_get(arg, "required")) ? ", required" : "");
                put_text(show_get_text(arg, "help"));
        }
        if (json_array_size(list) > 0)
                (void)printf(".El\n");
}

static void put_states(uint32_t states)
{
        const char *before = "";

        if (states == MACHINE_BIT(MACHINE_STATE_COUNT) - 1) {
                (void)printf("every state");
                return;
        }
        for (int s = 0; s < MACHINE_STATE_COUNT; s++)
                if ((states & MACHINE_BIT(s)) != 0) {
                        (void)printf("%s%s", before, machine_state_name((enum machine_state)s));
                        before = ", ";
                }
}

static void put_verbs(void)
{
        json_t *verbs = report_verbs();
        const json_t *verb;
        size_t i;

        (void)printf(".Bl -tag -width Ds\n");
        json_array_foreach(verbs, i, verb)
        {
                const char *name = show_get_text(verb, "name"), *control = show_get_text(verb, "control");

                (void)printf(".It Ic %s\n", name);
                put_text(show_get_text(verb, "help"));
                (void)printf(".br\nRole %s", show_get_text(verb, "role"));
                if (strcmp(control, "free") != 0)
                        (void)printf(", %s control", control);
                (void)printf("; in ");
                put_states(verb_find(name)->states);
                (void)printf(".\n");
                put_arguments(json_object_get(verb, "arguments"));
        }
        (void)printf(".El\n");
        json_decref(verbs);
}

static void put_all_states(void)
{
        (void)printf(".Bl -bullet -compact -offset indent\n");
        for (int s = 0; s < MACHINE_STATE_COUNT; s++)
                (void)printf(".It\n%s%s\n", machine_state_name((enum machine_state)s),
                    machine_in_run((enum machine_state)s) ? " (in a run)" : "");
        (void)printf(".El\n");
}

static void put_limits(void)
{
        (void)printf(".Bl -bullet -compact -offset indent\n");
        (void)printf(".It\n%d clients, %d of one user\n", CONTROL_CLIENTS_MAX, CONTROL_CLIENTS_PER_UID);
        (void)printf(".It\n%zu KiB a line, nested at most %d deep; an id of at most %d bytes\n",
            JSONRPC_LINE_MAX / 1024, JSONRPC_DEPTH_MAX, JSONRPC_ID_MAX);
        (void)printf(
            ".It\n%d commands that wait for their answers; abort is never held back\n", SESSION_PENDING_MAX);
        (void)printf(".It\n%zu KiB that the client has not read yet\n", CLIENT_OUT_MAX / 1024);
        (void)printf(".It\n%d uploaded texts at a time\n", SESSION_UPLOADS_MAX);
        (void)printf(".It\nthe last %d events with a subscription\n", FEED_EVENTS_MAX);
        (void)printf(".El\n");
}

/* ---- The simulated tool ---- */

static void put_faults(void)
{
        struct aldctl_usage_part part;
        const char *at = sim_fault_help();

        (void)aldctl_usage_next_part(&at, &part); /* how one is written: the page tells it */
        (void)printf(".Bl -tag -width Ds -compact\n");
        while (aldctl_usage_next_part(&at, &part)) {
                (void)printf(".It Cm %s\n", part.tag);
                put_text(part.text);
        }
        (void)printf(".El\n");
}

enum aldctl_exit aldctl_mdoc(const struct aldctl_command *self, const struct aldctl_options *o)
{
        static const struct {
                const char *name;
                void (*put)(void);
        } parts[] = {{"commands", put_commands}, {"options", put_options}, {"exits", put_exits},
            {"verbs", put_verbs}, {"states", put_all_states}, {"limits", put_limits}, {"faults", put_faults}};

        for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
                if (strcmp(o->words[0], parts[i].name) == 0) {
                        parts[i].put();
                        return ALDCTL_OK;
                }
        show_error("usage: aldctl %s %s", self->name, self->usage);
        return ALDCTL_USAGE;
}
