#include "ald/app/aldctl_help.h"

#include "ald/app/aldctl_show.h"  /* show_fit_words */
#include "ald/app/aldctl_usage.h" /* aldctl_usage_next_part */
#include "ald/base/text.h"        /* text_add */

#include <string.h> /* strlen */

/* One column is left free: a terminal of 80 must not break the row. */
enum { COLUMNS = 79 };

const char *aldctl_help_exit(int code)
{
        static const char *const meaning[] = {[ALDCTL_OK] = "ok",
            [ALDCTL_FAILED] = "failed",
            [ALDCTL_USAGE] = "usage",
            [ALDCTL_REFUSED] = "refused",
            [ALDCTL_NOT_CONNECTED] = "not connected",
            [ALDCTL_DENIED] = "no permission"};

        return code >= 0 && code < (int)(sizeof meaning / sizeof meaning[0]) ? meaning[code] : NULL;
}

/* ---- All commands ---- */

static bool begins_group(const struct aldctl_command *c)
{
        return c->group == NULL || c->group[0] != '\0';
}

/* Commands that belong together stand in one row. */
static void add_names(struct text *t, const struct aldctl_command *commands, size_t first, size_t count)
{
        text_add(t, "%s", commands[first].name);
        for (size_t i = first + 1; i < count && !begins_group(&commands[i]); i++)
                text_add(t, ", %s", commands[i].name);
}

static void print_groups(const struct aldctl_command *commands, size_t count)
{
        char names[COLUMNS];
        struct text t;
        int widest = 0;

        for (size_t i = 0; i < count; i++) {
                text_init(&t, names, sizeof names);
                if (begins_group(&commands[i]))
                        add_names(&t, commands, i, count);
                if ((int)t.len > widest)
                        widest = (int)t.len;
        }
        for (size_t i = 0; i < count; i++) {
                const struct aldctl_command *c = &commands[i];
                size_t line = strcspn(c->help, "\n"), room = show_fit_words(c->help, COLUMNS - widest - 4);

                if (!begins_group(c))
                        continue;
                text_init(&t, names, sizeof names);
                add_names(&t, commands, i, count);
                /* A text for the group is written to fit (test_manual.py); a command's own help may be longer. */
                if (c->group != NULL)
                        (void)printf("  %-*s  %s\n", widest, names, c->group);
                else
                        (void)printf(
                            "  %-*s  %.*s\n", widest, names, (int)(line < room ? line : room), c->help);
        }
}

static void print_exits(void)
{
        (void)printf("exit codes:");
        for (int code = 0; aldctl_help_exit(code) != NULL; code++)
                (void)printf("%s %d %s", code > 0 ? "," : "", code, aldctl_help_exit(code));
        (void)printf("\n");
}

void aldctl_help_all(void)
{
        size_t count, options_count;
        const struct aldctl_command *commands = aldctl_commands(&count);
        const struct aldctl_option *options = aldctl_option_table(&options_count);

        (void)printf("usage: aldctl [OPTION]... COMMAND [ARGUMENT]...\n\n");
        print_groups(commands, count);
        (void)printf("\n");
        for (size_t i = 0; i < options_count; i++)
                if (options[i].help != NULL)
                        (void)printf("  %-9s%-5s %s\n", options[i].name,
                            options[i].value != NULL ? options[i].value : "", options[i].help);
        print_exits();
}

/* ---- One command ---- */

/* Text in rows of whole words; it begins in column `at`, the further rows are indented. */
static void print_wrapped(FILE *to, const char *text, int at, int indent)
{
        for (;;) {
                size_t n = show_fit_words(text, COLUMNS - at);

                (void)fprintf(to, "%.*s\n", (int)n, text);
                text += n;
                text += strspn(text, " ");
                if (text[0] == '\0')
                        return;
                (void)fprintf(to, "%*s", indent, "");
                at = indent;
        }
}

/* A row is broken between arguments, not within brackets or between an option and what it takes. */
static size_t unit_length(const char *usage)
{
        size_t n = 0;
        int depth = 0;

        for (; usage[n] != '\0' && usage[n] != '\n'; n++) {
                depth += (usage[n] == '[') - (usage[n] == ']');
                if (usage[n] == ' ' && depth == 0 &&
                    !(usage[0] == '-' && strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZ", usage[n + 1])))
                        break;
        }
        return n;
}

void aldctl_help_usage(FILE *to, const struct aldctl_command *c)
{
        const char *at = c->usage;
        int indent = (int)(strlen("usage: aldctl ") + strlen(c->name)), column = indent;

        (void)fprintf(to, "usage: aldctl %s", c->name);
        while (at[0] != '\0') {
                size_t n = unit_length(at);
                bool is_form = at > c->usage && at[-1] == '\n';

                if (is_form) {
                        (void)fprintf(to, "\n%*s", (int)strlen("usage:"), "");
                        column = (int)strlen("usage:");
                } else if (column + 1 + (int)n > COLUMNS) {
                        (void)fprintf(to, "\n%*s", indent, "");
                        column = indent;
                }
                (void)fprintf(to, " %.*s", (int)n, at);
                column += 1 + (int)n;
                at += n + (at[n] != '\0');
        }
        (void)fputc('\n', to);
}

static int widest_tag(const char *help)
{
        struct aldctl_usage_part part;
        int widest = 0;

        while (aldctl_usage_next_part(&help, &part))
                if ((int)strlen(part.tag) > widest)
                        widest = (int)strlen(part.tag);
        return widest;
}

void aldctl_help_of(const struct aldctl_command *c)
{
        struct aldctl_usage_part part;
        const char *at = c->help;
        int indent = 4 + widest_tag(at);

        aldctl_help_usage(stdout, c);
        while (aldctl_usage_next_part(&at, &part)) {
                if (part.tag[0] == '\0') {
                        print_wrapped(stdout, part.text, 0, 0);
                        continue;
                }
                (void)printf("  %-*s", indent - 2, part.tag);
                print_wrapped(stdout, part.text, indent, indent);
        }
}
