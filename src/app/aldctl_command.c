/* aldctl hold, resume, stop, abort, open, set and whatever else is one verb with its arguments. */
#include "ald/app/aldctl.h"      /* own declarations */
#include "ald/app/aldctl_line.h" /* line_ask, line_tell */
#include "ald/app/aldctl_show.h" /* show_* */
#include "ald/core/verb.h"       /* verb_find */

#include <assert.h> /* assert */
#include <pwd.h>    /* getpwnam */
#include <string.h> /* strcmp */

static void add_option(json_t *params, const struct verb_arg *arg, const struct aldctl_options *o)
{
        for (size_t i = 0; i < o->arg_count; i++)
                if (strcmp(o->args[i].name, arg->name) == 0)
                        (void)json_object_set_new(params, arg->name,
                            o->args[i].value != NULL ? json_string(o->args[i].value) : json_true());
}

/* The verb's arguments: words by their place, options by their name. A word that is no UTF-8 text is left out: the
 * daemon asks for it. */
static json_t *params_of(const struct aldctl_command *self, const struct aldctl_options *o)
{
        const struct verb_entry *verb = verb_find(self->name);
        json_t *params = json_object();
        size_t word = 0;

        assert(verb != NULL); /* test_verbs holds the two tables together */
        for (size_t i = 0; i < VERB_ARGS_MAX && verb->args[i].name != NULL; i++) {
                const struct verb_arg *arg = &verb->args[i];

                if (!verb_arg_is_word(arg))
                        add_option(params, arg, o);
                else if (word < o->word_count)
                        (void)json_object_set_new(params, arg->name, json_string(o->words[word++]));
        }
        return params;
}

/* What the command line can tell without the daemon: an argument that is missing, a user who does not exist. (The daemon
 * looks nobody up while it runs: a network directory could stop it.) */
static bool is_sound(const struct aldctl_command *self, json_t *params)
{
        const struct verb_entry *verb = verb_find(self->name);
        const char *to = show_get_text(params, "to");

        for (size_t i = 0; i < VERB_ARGS_MAX && verb->args[i].name != NULL; i++) {
                const struct verb_arg *arg = &verb->args[i];

                if (!arg->required || verb_arg_is_word(arg) || json_object_get(params, arg->name) != NULL)
                        continue;
                show_error("%s: --%s is missing: %s\nusage: aldctl %s %s", self->name, arg->name, arg->help,
                    self->name, self->usage);
                return false;
        }
        if (to[0] != '\0' && getpwnam(to) == NULL) {
                show_error("%s: this machine has no user '%s'", self->name, to);
                return false;
        }
        return true;
}

enum aldctl_exit aldctl_command(const struct aldctl_command *self, const struct aldctl_options *o)
{
        struct line l;
        json_t *result = NULL, *params = params_of(self, o);
        enum aldctl_exit code;

        if (!is_sound(self, params)) {
                json_decref(params);
                return ALDCTL_USAGE;
        }
        code = line_open(&l, o);
        if (code == ALDCTL_OK)
                code = line_ask(&l, o, self->name, params, &result);
        else
                json_decref(params);
        if (code == ALDCTL_OK)
                line_tell(o, result);
        line_close(&l);
        return code;
}
