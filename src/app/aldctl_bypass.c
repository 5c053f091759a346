/* aldctl bypass: begin one, or list the inputs that the interlocks do without for a time. */
#include "ald/app/aldctl.h"      /* own declarations */
#include "ald/app/aldctl_line.h" /* line_ask */
#include "ald/app/aldctl_show.h" /* show_* */
#include "ald/app/aldctl_view.h" /* view_print_bypasses */

/* What is bypassed now. */
static enum aldctl_exit list(struct line *l, const struct aldctl_options *o)
{
        json_t *status = NULL;
        enum aldctl_exit code = line_ask(l, o, "status", NULL, &status);

        if (code != ALDCTL_OK)
                return code;
        if (o->json)
                show_json(json_incref(json_object_get(status, "bypasses")));
        else if (json_array_size(json_object_get(status, "bypasses")) == 0)
                (void)printf("nothing is bypassed\n");
        else
                view_print_bypasses(stdout, status);
        json_decref(status);
        return ALDCTL_OK;
}

enum aldctl_exit aldctl_bypass(const struct aldctl_command *self, const struct aldctl_options *o)
{
        struct line l;
        enum aldctl_exit code;

        if (o->arg_count != (o->word_count == 0 ? 0 : 2)) {
                show_error("bypass takes TAG, --for TIME and --reason TEXT together, or nothing to list");
                return ALDCTL_USAGE;
        }
        if (o->word_count > 0)
                return aldctl_command(self, o);
        code = line_open(&l, o);
        if (code == ALDCTL_OK)
                code = list(&l, o);
        line_close(&l);
        return code;
}
