/* aldctl schema: the formats of recipes and tool files for editors. */
#include "ald/app/aldctl.h"       /* own declarations */
#include "ald/app/aldctl_files.h" /* files_begin, files_end */
#include "ald/app/aldctl_show.h"  /* show_error */
#include "ald/app/jsonschema.h"   /* jsonschema_make */
#include "ald/base/diag.h"        /* diag_* */
#include "ald/file/file.h"        /* file_load_tool */

#include <stdlib.h> /* free */
#include <string.h> /* strcmp */

static bool put(json_t *schema, FILE *to)
{
        bool ok = json_dumpf(schema, to, JSON_INDENT(2)) == 0;

        return fputc('\n', to) != EOF && ok;
}

static bool is_kind(const char *word)
{
        for (size_t i = 0; jsonschema_name(i) != NULL; i++)
                if (strcmp(jsonschema_name(i), word) == 0)
                        return true;
        return false;
}

static enum aldctl_exit refuse(const char *word)
{
        char buf[200];
        struct text t;

        text_init(&t, buf, sizeof buf);
        for (size_t i = 0; jsonschema_name(i) != NULL; i++)
                text_add(&t, "%s%s", i == 0 ? "" : ", ", jsonschema_name(i));
        show_error("schema: '%.40s' is no kind of file: take one of %s", word, buf);
        return ALDCTL_USAGE;
}

/* NULL: told. */
static struct tool *read_tool(const char *path)
{
        struct diag *d = diag_new();
        struct tool *tool = d != NULL ? file_load_tool(path, NULL, NULL, d) : NULL;

        if (d != NULL && tool == NULL)
                diag_print(d, stderr, show_has_colour(stderr));
        diag_free(d);
        return tool;
}

enum aldctl_exit aldctl_schema(const struct aldctl_command *self, const struct aldctl_options *o)
{
        struct tool *tool = NULL;
        json_t *schema;
        struct files_new file;
        bool ok;

        (void)self;
        if (!is_kind(o->words[0]))
                return refuse(o->words[0]);
        if (o->tool != NULL)
                tool = read_tool(o->tool);
        if (o->tool != NULL && tool == NULL)
                return ALDCTL_FAILED;
        schema = jsonschema_make(o->words[0], tool);
        if (o->output == NULL)
                ok = put(schema, stdout);
        else
                ok = files_begin(&file, o->output) && files_end(&file, put(schema, file.to));
        json_decref(schema);
        free(tool);
        return ok ? ALDCTL_OK : ALDCTL_FAILED;
}
