#include "ald/app/aldctl_load.h" /* own declarations */

#include "ald/app/aldctl_show.h" /* show_error */
#include "ald/file/file.h"       /* file_read, file_load_tool, file_compile_* */
#include "ald/file/shelf.h"      /* struct shelf */

#include <stdio.h>  /* snprintf */
#include <stdlib.h> /* free */
#include <string.h> /* strchr */

/* The names of --set as the file ring takes them. */
struct sets {
        struct file_set list[ALDCTL_SETS_MAX];
        char names[ALDCTL_SETS_MAX][64];
};

static void split_sets(const struct aldctl_options *o, struct sets *s)
{
        for (size_t i = 0; i < o->set_count; i++) {
                const char *equals = strchr(o->sets[i], '=');
                (void)snprintf(
                    s->names[i], sizeof s->names[i], "%.*s", (int)(equals - o->sets[i]), o->sets[i]);
                s->list[i] = (struct file_set){.name = s->names[i], .value = equals + 1};
        }
}

void load_recipe(struct load *load, const struct aldctl_options *o, const struct tool *tool)
{
        struct sets sets;
        struct shelf shelf = {.count = 0};
        struct file_library library = shelf_library(&shelf);
        size_t len;
        char *text = file_read(o->words[0], &len, load->diag);

        split_sets(o, &sets);
        if (text != NULL)
                load->recipe = file_compile_recipe_with(
                    o->words[0], text, len, tool, sets.list, o->set_count, &library, load->diag);
        shelf_clear(&shelf);
        free(text);
}

enum aldctl_exit load_files(
    struct load *load, const struct aldctl_command *command, const struct aldctl_options *o)
{
        *load = (struct load){.diag = NULL};
        if (o->tool == NULL) {
                show_error("%s needs the tool file: -c TOOL.yaml", command->name);
                return ALDCTL_USAGE;
        }
        load->diag = diag_new();
        if (load->diag == NULL) {
                show_error("no memory");
                return ALDCTL_FAILED;
        }
        load->tool = file_load_tool(o->tool, NULL, NULL, load->diag);
        if (load->tool != NULL)
                load_recipe(load, o, load->tool);
        return load->recipe != NULL ? ALDCTL_OK : ALDCTL_FAILED;
}

void load_free(struct load *load)
{
        recipe_free(load->recipe);
        free(load->tool);
        diag_free(load->diag);
}

json_t *load_pack_diagnostic(const struct diag *d, size_t i)
{
        const struct diag_entry *e = diag_entry(d, i);
        json_t *text = json_string(e->text);

        /* A message may quote bytes of a file that is not UTF-8. */
        return json_pack("{s:s, s:s, s:i, s:i, s:o}", "severity", diag_severity_name(e->severity), "file",
            diag_path(d, e->at.source), "line", e->at.line, "column", e->at.column, "text",
            text != NULL ? text : json_string("the text is not UTF-8"));
}
