/* aldctl bypass and unbypass: inputs that the interlocks do without for a time. */
#include "ald/app/aldctl.h"      /* own declarations */
#include "ald/app/aldctl_line.h" /* line_ask */
#include "ald/app/aldctl_show.h" /* show_* */
#include "ald/app/aldctl_view.h" /* view_print_bypasses */

static enum aldctl_exit tell(struct line *l, const struct aldctl_options *o, const char *verb, json_t *params)
{
        json_t *result = NULL;
        enum aldctl_exit code = line_ask(l, o, verb, params, &result);

        if (code != ALDCTL_OK)
                return code;
        if (o->json) {
                show_json(result);
                return ALDCTL_OK;
        }
        show_text(stdout, show_get_text(result, "text"), false);
        (void)fputc('\n', stdout);
        json_decref(result);
        return ALDCTL_OK;
}

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

static json_t *params_of(const struct aldctl_options *o)
{
        json_t *params = json_object();

        (void)json_object_set_new(params, "tag", json_string(o->words[0]));
        if (o->for_time != NULL)
                (void)json_object_set_new(params, "for", json_string(o->for_time));
        if (o->reason != NULL)
                (void)json_object_set_new(params, "reason", json_string(o->reason));
        return params;
}

enum aldctl_exit aldctl_bypass(const struct aldctl_command *self, const struct aldctl_options *o)
{
        struct line l;
        bool has_options = o->for_time != NULL || o->reason != NULL;
        enum aldctl_exit code;

        if (o->word_count == 0 ? has_options : o->for_time == NULL || o->reason == NULL) {
                show_error("bypass takes TAG, --for TIME and --reason TEXT together, or nothing to list");
                return ALDCTL_USAGE;
        }
        code = line_open(&l, o);
        if (code == ALDCTL_OK)
                code = o->word_count == 0 ? list(&l, o) : tell(&l, o, self->name, params_of(o));
        line_close(&l);
        return code;
}

enum aldctl_exit aldctl_unbypass(const struct aldctl_command *self, const struct aldctl_options *o)
{
        struct line l;
        enum aldctl_exit code = line_open(&l, o);

        if (code == ALDCTL_OK)
                code = tell(&l, o, self->name, params_of(o));
        line_close(&l);
        return code;
}
