/* aldctl new: a commented recipe to start from, for the tool of a file, of the daemon, or of nobody. */
#include "ald/app/aldctl.h"      /* own declarations */
#include "ald/app/aldctl_line.h" /* line_try, line_ask */
#include "ald/app/aldctl_show.h" /* show_error */
#include "ald/app/new_recipe.h"  /* new_recipe_put */
#include "ald/base/diag.h"       /* diag_* */
#include "ald/file/file.h"       /* file_load_tool, file_compile_recipe */
#include "ald/file/reader.h"     /* reader_is_name */

#include <errno.h>  /* errno */
#include <stdint.h> /* SIZE_MAX */
#include <stdlib.h> /* free */
#include <string.h> /* strerror, strrchr */
#include <unistd.h> /* access, readlink, fsync */

/* `make install` puts it beside the program; no line is written that leads nowhere. */
static const char schema_place[] = "/share/ald/recipe.schema.json";

static const char *find_schema(char *path, size_t cap)
{
        ssize_t n = readlink("/proc/self/exe", path, cap - 1);
        char *slash;

        for (int up = 0; up < 2; up++) {
                if (n < 0)
                        return NULL;
                path[n] = '\0';
                slash = strrchr(path, '/');
                n = slash != NULL ? slash - path : -1;
        }
        if (n < 0 || (size_t)n + sizeof schema_place > cap)
                return NULL;
        memcpy(path + n, schema_place, sizeof schema_place);
        return access(path, R_OK) == 0 ? path : NULL;
}

/* ---- Its name ---- */

static bool is_name(const char *name)
{
        return reader_is_name(name) && strlen(name) < TOOL_NAME_MAX;
}

static enum aldctl_exit take_name(const struct aldctl_options *o, char name[TOOL_NAME_MAX])
{
        const char *from = o->word_count > 0 ? o->words[0] : "my-process";
        const char *slash = o->output != NULL ? strrchr(o->output, '/') : NULL;
        char base[TOOL_NAME_MAX];
        char *dot;

        /* The file's name is the recipe's, as far as it can be. */
        if (o->word_count == 0 && o->output != NULL &&
            text_copy(base, sizeof base, slash != NULL ? slash + 1 : o->output)) {
                dot = strrchr(base, '.');
                if (dot != NULL)
                        *dot = '\0';
                from = is_name(base) ? base : from;
        }
        if (is_name(from)) {
                text_copy(name, TOOL_NAME_MAX, from);
                return ALDCTL_OK;
        }
        show_error(
            "new: '%.60s' is no name: letters, digits, '.', '_' and '-', beginning with a letter, at most %d",
            from, TOOL_NAME_MAX - 1);
        return ALDCTL_USAGE;
}

/* ---- Its text ---- */

static char *write_text(const struct new_plan *plan)
{
        char *text = NULL;
        size_t len;
        FILE *to = open_memstream(&text, &len);

        if (to == NULL)
                return NULL;
        new_recipe_put(plan, to);
        return fclose(to) == 0 ? text : NULL;
}

/* How much `aldctl check` would tell of it. */
static size_t count_findings(const char *text, const struct tool *tool, struct diag *d)
{
        struct recipe *recipe = file_compile_recipe("the recipe", text, strlen(text), tool, NULL, 0, d);

        recipe_free(recipe);
        return diag_count(d) + 1000 * diag_errors(d);
}

/* The guesses are tried as `aldctl check` would: the first that nothing is told about, else the one with the least. */
static char *write_for_tool(struct new_plan *start, const struct tool *tool, struct diag **told)
{
        char *best = NULL;
        size_t least = SIZE_MAX;
        struct new_plan plan = *start;

        for (int i = 0; least > 0 && new_plan_for_tool(&plan, tool, i); i++, plan = *start) {
                struct diag *d = diag_new();
                char *text = write_text(&plan);
                size_t findings = text != NULL && d != NULL ? count_findings(text, tool, d) : SIZE_MAX;
                if (findings < least) {
                        char *worse = best;
                        struct diag *old = *told;
                        best = text, *told = d, least = findings;
                        text = worse, d = old;
                }
                free(text);
                diag_free(d);
        }
        return best;
}

static char *write_from_file(struct new_plan *plan, const struct aldctl_options *o, enum aldctl_exit *code)
{
        struct diag *d = diag_new(), *told = NULL;
        struct tool *tool = d != NULL ? file_load_tool(o->tool, NULL, NULL, d) : NULL;
        char *text = tool != NULL ? write_for_tool(plan, tool, &told) : NULL;

        if (tool == NULL && d != NULL)
                diag_print(d, stderr, show_has_colour(stderr));
        if (told != NULL && diag_count(told) > 0)
                diag_print(told, stderr, show_has_colour(stderr));
        *code = text != NULL && diag_errors(told) == 0 ? ALDCTL_OK : ALDCTL_FAILED;
        free(tool);
        diag_free(d);
        diag_free(told);
        return text;
}

static char *write_served(struct new_plan *plan, const struct aldctl_options *o, enum aldctl_exit *code)
{
        struct line l;
        json_t *told = NULL;

        *code = line_try(&l, o->socket);
        if (*code == ALDCTL_OK)
                *code = line_ask(&l, o, "tool", NULL, &told);
        else
                *code = ALDCTL_OK;
        if (told != NULL)
                new_plan_for_served(plan, told);
        else
                new_plan_for_none(plan);
        json_decref(told);
        line_close(&l);
        return *code == ALDCTL_OK ? write_text(plan) : NULL;
}

/* ---- Where it goes ---- */

/* Nobody's file is ever written over. */
static enum aldctl_exit put_file(const char *path, const char *text)
{
        FILE *to = fopen(path, "wx");
        bool ok;

        if (to == NULL && errno == EEXIST)
                show_error(
                    "%s is there already: it stays as it is; take another name, or print with no -o", path);
        else if (to == NULL)
                show_error("%s: %s", path, strerror(errno));
        if (to == NULL)
                return ALDCTL_FAILED;
        ok = fputs(text, to) != EOF && fflush(to) == 0 && fsync(fileno(to)) == 0;
        ok = fclose(to) == 0 && ok;
        if (!ok) {
                show_error("%s: %s", path, strerror(errno));
                (void)unlink(path);
        }
        return ok ? ALDCTL_OK : ALDCTL_FAILED;
}

enum aldctl_exit aldctl_new(const struct aldctl_command *self, const struct aldctl_options *o)
{
        char schema[600], *text;
        struct new_plan *plan = calloc(1, sizeof *plan);
        enum aldctl_exit code, put;

        (void)self;
        if (plan == NULL)
                return ALDCTL_FAILED;
        plan->schema = find_schema(schema, sizeof schema);
        code = take_name(o, plan->recipe);
        if (code != ALDCTL_OK) {
                free(plan);
                return code;
        }
        text = o->tool != NULL ? write_from_file(plan, o, &code) : write_served(plan, o, &code);
        free(plan);
        if (text == NULL)
                return code != ALDCTL_OK ? code : ALDCTL_FAILED;
        put = o->output != NULL            ? put_file(o->output, text)
              : fputs(text, stdout) != EOF ? ALDCTL_OK
                                           : ALDCTL_FAILED;
        free(text);
        return put != ALDCTL_OK ? put : code;
}
