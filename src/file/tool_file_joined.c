/* A tool file and its profiles as one text, which the record of a run keeps and hashes (SAFETY S5). */
#include "ald/file/format.h"    /* format_open */
#include "ald/file/joined.h"    /* joined_add */
#include "ald/file/tool_file.h" /* struct tool_file */

#include <stdlib.h> /* malloc */
#include <string.h> /* memcpy */

void tool_file_name_profile(const char *profile, char out[FILE_NAME_CAP])
{
        struct text t;

        text_init(&t, out, FILE_NAME_CAP);
        text_add(&t, FILE_PROFILES "%s.yaml", profile);
}

bool tool_file_is_profile(const char *name)
{
        return reader_is_name(name) && strlen(name) < TOOL_NAME_MAX;
}

/* The names of the profiles that the devices of a tool file name, each once, in the order in which they are read. */
static size_t list_of(const struct yaml_node *devices, char (*names)[FILE_NAME_CAP], size_t max)
{
        size_t count = 0;

        for (const struct yaml_node *n = devices->first; n && count < max; n = n->next) {
                const struct yaml_node *p = n->kind == YAML_MAP ? yaml_node_get(n, "profile") : NULL;
                size_t k = 0;
                if (!p || p->kind != YAML_SCALAR || !tool_file_is_profile(p->text))
                        continue;
                tool_file_name_profile(p->text, names[count]);
                while (strcmp(names[k], names[count]) != 0)
                        k++;
                count += k == count;
        }
        return count;
}

static size_t list_profiles(const char *text, size_t len, char (*names)[FILE_NAME_CAP], size_t max)
{
        struct diag *d = diag_new();
        struct format_source source;
        size_t count = 0;

        if (d && format_open(&source, "", text, len, d)) {
                const struct yaml_node *root = yaml_tree_root(source.tree), *devices = NULL;
                if (root->kind == YAML_MAP)
                        devices = yaml_node_get(root, "devices");
                if (devices && devices->kind == YAML_MAP)
                        count = list_of(devices, names, max);
                yaml_tree_free(source.tree);
        }
        diag_free(d);
        return count;
}

const struct joined_form tool_file_joined_form = {"# ---- profile: %s ----\n", list_profiles};

static size_t join(const struct tool_file_profiles *all, char *to, const char *text, size_t len)
{
        char name[FILE_NAME_CAP];

        memcpy(to, text, len);
        for (int i = 0; i < all->count; i++) {
                const struct tool_file_profile *p = &all->list[i];
                tool_file_name_profile(p->name, name);
                joined_add(&tool_file_joined_form, to, &len, name, p->text, p->len);
        }
        to[len] = '\0';
        return len;
}

static bool is_about(size_t len, size_t text_len)
{
        return len == text_len || len == text_len + 1; /* a line feed that was missing at its end */
}

/* A comment that looks like the head of a text may have got in between. */
static bool comes_apart(const struct tool_file_profiles *all, const char *text, size_t len)
{
        struct joined again;
        joined_take_apart(&again, &tool_file_joined_form, all->path, text, len);
        bool ok = again.count == (size_t)all->count;

        for (int i = 0; ok && i < all->count; i++)
                ok = is_about(again.lens[i], all->list[i].len);
        return ok;
}

bool tool_file_join_texts(
    struct tool_file *f, const char *text, size_t len, char **joined, size_t *joined_len)
{
        const struct tool_file_profiles *all = &f->profiles;
        const char *why = "memory is out";
        size_t cap = len + 1;

        for (int i = 0; i < all->count; i++)
                cap += joined_room(&tool_file_joined_form, all->list[i].len);
        char *to = malloc(cap);
        if (to) {
                *joined_len = join(all, to, text, len);
                if (comes_apart(all, to, *joined_len)) {
                        *joined = to;
                        return true;
                }
                why = "a line looks like '# ---- profile: ... ----', by which the record tells texts apart: "
                      "write it otherwise";
        }
        free(to);
        diag_error(f->r.d, (struct diag_at){f->r.source, 0, 0}, "%s", why);
        return false;
}
