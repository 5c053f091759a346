/* aldctl schema: the formats of recipes and tool files for editors. */
#include "ald/app/aldctl.h"       /* own declarations */
#include "ald/app/aldctl_files.h" /* files_begin, files_end */
#include "ald/app/aldctl_show.h"  /* show_error */
#include "ald/app/jsonschema.h"   /* jsonschema_make */

static bool put(json_t *schema, FILE *to)
{
        bool ok = json_dumpf(schema, to, JSON_INDENT(2)) == 0;

        return fputc('\n', to) != EOF && ok;
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

enum aldctl_exit aldctl_schema(const struct aldctl_command *self, const struct aldctl_options *o)
{
        json_t *schema = jsonschema_make(o->words[0]);
        struct files_new file;
        bool ok;

        (void)self;
        if (schema == NULL)
                return refuse(o->words[0]);
        if (o->output == NULL)
                ok = put(schema, stdout);
        else
                ok = files_begin(&file, o->output) && files_end(&file, put(schema, file.to));
        json_decref(schema);
        return ok ? ALDCTL_OK : ALDCTL_FAILED;
}
