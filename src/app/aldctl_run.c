/* aldctl run: a recipe goes to the daemon, with what it includes. */
#include "ald/app/aldctl_run.h"   /* own declarations */
#include "ald/app/aldctl_line.h"  /* line_ask */
#include "ald/app/aldctl_show.h"  /* show_* */
#include "ald/app/aldctl_watch.h" /* watch_run */
#include "ald/base/diag.h"        /* diag_new: errors of reading the file */

#include <stdlib.h> /* free */
#include <string.h> /* strchr, strrchr, strlen, memchr */

/* Parts of a recipe's text in one request (control/session.h has the limit). */
enum { RUN_PART_MAX = 8 * 1024, RUN_PATH_MAX = 4096 };

/* The end of the part that begins at `text`: at most RUN_PART_MAX bytes, and never inside a letter. What JSON must
 * escape makes the line longer: six times at the worst, which the line's own limit would refuse. */
static size_t part_bytes(const char *text, size_t left)
{
        size_t n = 0, line = 0;

        while (n < left && n < RUN_PART_MAX && line < RUN_PART_MAX + RUN_PART_MAX / 2) {
                line += (unsigned char)text[n] < ' ' || text[n] == '"' || text[n] == '\\' ? 6 : 1;
                n++;
        }
        while (n < left && n > 0 && ((unsigned char)text[n] & 0xC0) == 0x80)
                n--;
        return n;
}

static enum aldctl_exit send_part(struct line *l, const struct aldctl_options *o, const char *name,
    const char *text, size_t offset, size_t n, bool last)
{
        json_t *result = NULL;
        enum aldctl_exit code;

        code = line_ask(l, o, "upload",
            json_pack("{s:s, s:I, s:o, s:b}", "name", name, "offset", (json_int_t)offset, "text",
                json_stringn(text + offset, n), "last", (int)last),
            &result);
        json_decref(result);
        return code;
}

static enum aldctl_exit upload(
    struct line *l, const struct aldctl_options *o, const char *name, const char *text, size_t len)
{
        enum aldctl_exit code = ALDCTL_OK;
        size_t offset = 0;

        do {
                size_t n = part_bytes(text + offset, len - offset);
                code = send_part(l, o, name, text, offset, n, offset + n == len);
                offset += n;
        } while (code == ALDCTL_OK && offset < len);
        return code;
}

/* NULL after saying which cannot be sent. */
static json_t *sets_of(const struct aldctl_options *o)
{
        json_t *sets = json_object();

        for (size_t i = 0; i < o->set_count; i++) {
                const char *equals = strchr(o->sets[i], '=');
                char name[64];
                (void)snprintf(name, sizeof name, "%.*s", (int)(equals - o->sets[i]), o->sets[i]);
                if (json_object_set_new(sets, name, json_string(equals + 1)) == 0)
                        continue;
                /* Never leave one out in silence: the run would go with the default. */
                show_error("--set %s: not UTF-8 text", o->sets[i]);
                json_decref(sets);
                return NULL;
        }
        return sets;
}

/* The first line that is not UTF-8 text, from 1; 0 = none. JSON carries nothing else, so the daemon could not even be
 * asked. */
static int foreign_line(const char *text, size_t len)
{
        int number = 1;

        for (size_t at = 0; at < len; number++) {
                const char *end = memchr(text + at, '\n', len - at);
                size_t n = end != NULL ? (size_t)(end - (text + at)) : len - at;
                json_t *line = memchr(text + at, '\0', n) == NULL ? json_stringn(text + at, n) : NULL;
                if (line == NULL)
                        return number;
                json_decref(line);
                at += n + 1;
        }
        return 0;
}

/* The whole file, or NULL after saying why not. */
static char *read_recipe(const struct aldctl_options *o, const char *path, size_t *len)
{
        struct diag *d = diag_new();
        char *text = d != NULL ? file_read(path, len, d) : NULL;
        int foreign = text != NULL ? foreign_line(text, *len) : 0;

        if (foreign > 0) {
                diag_error(d, (struct diag_at){diag_source(d, path, NULL, 0), foreign, 1},
                    "not UTF-8 text; save the file as UTF-8");
                free(text);
                text = NULL;
        }
        if (text == NULL && o->json)
                show_json(json_pack(
                    "{s:{s:s, s:s}}", "error", "message", "the recipe cannot be read", "file", path));
        if (text == NULL && d != NULL)
                diag_print(d, stderr, show_has_colour(stderr));
        diag_free(d);
        return text;
}

enum aldctl_exit aldctl_run_start(struct line *l, const struct aldctl_options *o,
    const struct aldctl_parcel *parcels, size_t count, json_t *params)
{
        json_t *result = NULL;
        json_int_t run;
        enum aldctl_exit code = ALDCTL_OK;

        (void)json_object_set_new(params, "recipe", json_string(parcels[0].name));
        for (size_t i = 0; i < count && code == ALDCTL_OK; i++)
                code = upload(l, o, parcels[i].name, parcels[i].text, parcels[i].len);
        if (code == ALDCTL_OK)
                code = line_ask(l, o, "run", json_incref(params), &result);
        json_decref(params);
        if (code != ALDCTL_OK)
                return code;
        run = json_integer_value(json_object_get(result, "run"));
        if (o->wait && o->json)
                json_decref(result); /* one object in all: the one at the end */
        else
                line_tell(o, result);
        return o->wait ? watch_run(l, o, run) : ALDCTL_OK;
}

static enum aldctl_exit start(
    struct line *l, const struct aldctl_options *o, const struct aldctl_parcel *parcels, size_t count)
{
        json_t *sets = sets_of(o);

        if (sets == NULL)
                return ALDCTL_USAGE;
        return aldctl_run_start(l, o, parcels, count, json_pack("{s:o}", "set", sets));
}

/* The daemon looks an included text up beside the recipe's name, as a reader of the disk would. */
size_t aldctl_run_pack(const struct aldctl_options *o, struct aldctl_parcel *parcels)
{
        const char *path = o->words[0], *slash = strrchr(path, '/');
        char names[FILE_TEXTS_MAX - 1][FILE_NAME_CAP];
        size_t count = 0, included;

        (void)snprintf(parcels[0].name, sizeof parcels[0].name, "%s",
            strlen(path) > RUN_NAME_MAX && slash != NULL ? slash + 1 : path);
        parcels[0].text = read_recipe(o, path, &parcels[0].len);
        if (parcels[0].text == NULL)
                return 0;
        included = file_list_includes(parcels[0].text, parcels[0].len, names, FILE_TEXTS_MAX - 1);
        for (count = 1; count <= included; count++) {
                struct aldctl_parcel *p = &parcels[count];
                char from[RUN_PATH_MAX];
                if (!file_beside(path, names[count - 1], from, sizeof from) ||
                    !file_beside(parcels[0].name, names[count - 1], p->name, sizeof p->name)) {
                        show_error("%s: the path is too long", names[count - 1]);
                        return 0;
                }
                p->text = read_recipe(o, from, &p->len);
                if (p->text == NULL)
                        return 0;
        }
        return count;
}

static enum aldctl_exit run_recipe(const struct aldctl_options *o)
{
        struct aldctl_parcel parcels[FILE_TEXTS_MAX] = {{.text = NULL}};
        struct line l;
        size_t count = aldctl_run_pack(o, parcels);
        enum aldctl_exit code = ALDCTL_FAILED;

        if (count > 0) {
                code = line_open(&l, o);
                if (code == ALDCTL_OK)
                        code = start(&l, o, parcels, count);
                line_close(&l);
        }
        for (size_t i = 0; i < FILE_TEXTS_MAX; i++)
                free(parcels[i].text);
        return code;
}

enum aldctl_exit aldctl_run(const struct aldctl_command *self, const struct aldctl_options *o)
{
        if (o->resume != NULL)
                return aldctl_resume(self, o);
        if (o->word_count == 1 && o->arg_count == 0)
                return run_recipe(o);
        show_error(o->word_count == 0 ? "run: a recipe is missing" : "run: --%s goes with --resume RUN",
            o->arg_count > 0 ? o->args[0].name : "");
        (void)fprintf(stderr, "usage: aldctl %s %s\n", self->name, self->usage);
        return ALDCTL_USAGE;
}
