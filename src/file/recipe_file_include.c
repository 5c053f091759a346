/* `include`: other files whose blocks a recipe may use. They hold blocks and nothing else, so that a recipe's phases, its
 * parameters and its guards all stand in one place. All texts together are the recipe: they are recorded and hashed as
 * one (SAFETY S5). */
#include "ald/file/recipe_file.h"

#include "ald/file/format.h" /* format_open, format_check */
#include "ald/file/joined.h" /* joined_add */

#include <stdio.h>  /* snprintf */
#include <stdlib.h> /* realloc */
#include <string.h> /* strcmp */

struct raw {
        int64_t format;
        const struct yaml_node *blocks, *include;
};
static const struct key rows[] = {
    {"format", KEY_INT, true, KEY_AT(struct raw, format), .holds = &format_shape,
        .help = "format of this file: 1"},
    {"blocks", KEY_NODE, true, KEY_NODE_AT(struct raw, blocks), .holds = &shape_blocks,
        .help = "named steps for 'use'"},
    {"include", KEY_NODE, false, KEY_NODE_AT(struct raw, include), .holds = &shape_nothing,
        .help = "not in an included file"},
};
const struct keys recipe_file_include_keys = KEYS("an included file", rows);

static const char head_of_text[] = "# ---- include: %s ----\n";
const struct joined_form recipe_file_joined_form = {head_of_text, file_list_includes};

bool file_is_include(const char *name)
{
        size_t len = strlen(name);
        if (len == 0 || len >= FILE_NAME_CAP)
                return false;
        for (size_t i = 0; i < len; i++)
                if ((unsigned char)name[i] < ' ' || name[i] == 0x7F)
                        return false;
        /* Nothing empty (a slash in front too) and no ".." between slashes: it lies beside the recipe or below it. */
        for (const char *part = name; part; part = strchr(part, '/') ? strchr(part, '/') + 1 : NULL)
                if (part[0] == '/' || part[0] == '\0' ||
                    (strncmp(part, "..", 2) == 0 && (part[2] == '/' || part[2] == '\0')))
                        return false;
        return true;
}

bool file_beside(const char *path, const char *name, char *out, size_t cap)
{
        const char *slash = strrchr(path, '/');
        struct text t;
        text_init(&t, out, cap);
        text_add(&t, "%.*s%s", slash ? (int)(slash - path) + 1 : 0, path, name);
        return !t.truncated;
}

size_t file_list_includes(const char *text, size_t len, char (*names)[FILE_NAME_CAP], size_t max)
{
        struct diag *d = diag_new();
        struct format_source source;
        size_t count = 0;
        if (d && format_open(&source, "", text, len, d)) {
                const struct yaml_node *root = yaml_tree_root(source.tree), *list = NULL;
                if (root->kind == YAML_MAP)
                        list = yaml_node_get(root, "include");
                const struct yaml_node *n = list && list->kind == YAML_LIST ? list->first : NULL;
                for (; n && count < max; n = n->next)
                        if (n->kind == YAML_SCALAR && file_is_include(n->text))
                                text_copy(names[count++], FILE_NAME_CAP, n->text);
                yaml_tree_free(source.tree);
        }
        diag_free(d);
        return count;
}

static int count_lines(const struct recipe_file_text *text)
{
        int lines = 0;
        for (size_t i = 0; i < text->len; i++)
                lines += text->text[i] == '\n';
        return lines + (text->len > 0 && text->text[text->len - 1] != '\n');
}

void recipe_file_set_text(struct recipe_file *f, int number)
{
        f->text = number;
        f->r.source = f->texts[number].source;
}

/* Blocks that another file has already are told where they stand. */
static void check_names(struct recipe_file *f, int first)
{
        for (int i = first; i < f->block_count; i++) {
                for (int k = 0; k < first; k++) {
                        const struct recipe_file_block *a = &f->blocks[k], *b = &f->blocks[i];
                        if (strcmp(a->name, b->name) == 0)
                                diag_error(f->r.d, reader_at_key(&f->r, b->steps),
                                    "block '%s' stands in %s already, line %d", b->name,
                                    diag_path(f->r.d, f->texts[a->text].source), a->steps->key_line);
                }
        }
}

static void read_blocks(struct recipe_file *f, const struct yaml_node *root)
{
        struct raw raw = {0};
        struct keys_found found;
        int first = f->block_count;
        if (!format_check(&f->r, root))
                return;
        keys_read(&f->r, root, &recipe_file_include_keys, NULL, &raw, &found);
        if (raw.include)
                diag_error(f->r.d, reader_at_key(&f->r, raw.include),
                    "include: an included file includes no other: name it in the recipe itself");
        if (raw.blocks)
                recipe_file_read_blocks(f, raw.blocks);
        check_names(f, first);
}

/* Find and parse one; NULL with an error told at `node`. */
static struct recipe_file_text *open_text(
    struct recipe_file *f, const struct yaml_node *node, const char *name, const struct file_library *library)
{
        char path[2 * FILE_NAME_CAP];
        const char *why = "no file can be included here";
        struct recipe_file_text *to = &f->texts[f->text_count];
        const struct recipe_file_text *before = to - 1;
        size_t all = f->bytes;
        *to = (struct recipe_file_text){.name = name, .node = node};
        bool fits = file_beside(f->path, name, path, sizeof path);
        to->text = library && fits ? library->find(library->ctx, path, &to->len, &why) : NULL;
        if (!to->text) {
                reader_error(&f->r, node, "include: '%s' cannot be read: %s", name,
                    fits ? why : "its path is too long");
                return NULL;
        }
        if (to->len > FILE_BYTES_MAX - all) {
                reader_error(&f->r, node, "include: with '%s' the recipe is longer than 256 KiB", name);
                return NULL;
        }
        struct format_source source;
        if (!format_open(&source, path, to->text, to->len, f->r.d))
                return NULL;
        to->source = source.number;
        to->tree = source.tree;
        to->lines_before = before->lines_before + count_lines(before) + 1;
        f->bytes += to->len;
        f->text_count++;
        return to;
}

static bool may_include(struct recipe_file *f, const struct yaml_node *node, const char *name)
{
        if (!file_is_include(name)) {
                reader_error(&f->r, node,
                    "include: '%.60s' is no name of a file beside the recipe or below it (no '..', no '/' in "
                    "front, "
                    "at most %d bytes)",
                    name, FILE_NAME_CAP - 1);
                return false;
        }
        for (int i = 1; i < f->text_count; i++) {
                if (strcmp(f->texts[i].name, name) != 0)
                        continue;
                reader_error(&f->r, node, "include: '%s' is named twice", name);
                return false;
        }
        if (f->text_count == FILE_TEXTS_MAX)
                reader_error(&f->r, node, "include: too many files: at most %d", FILE_TEXTS_MAX - 1);
        return f->text_count < FILE_TEXTS_MAX;
}

void recipe_file_read_includes(
    struct recipe_file *f, const struct yaml_node *list, const struct file_library *library)
{
        if (list->kind != YAML_LIST || list->count == 0) {
                reader_error(&f->r, list, "include: takes a list of files: [blocks.yaml, ...]");
                return;
        }
        for (const struct yaml_node *n = list->first; n; n = n->next) {
                const char *name = reader_text(&f->r, n, "include");
                struct recipe_file_text *text =
                    name && may_include(f, n, name) ? open_text(f, n, name, library) : NULL;
                if (!text)
                        continue;
                recipe_file_set_text(f, f->text_count - 1);
                read_blocks(f, yaml_tree_root(text->tree));
                recipe_file_set_text(f, 0);
        }
}

void recipe_file_warn_unused_includes(const struct recipe_file *f)
{
        for (int i = 1; i < f->text_count; i++) {
                bool is_used = false;
                for (int k = 0; k < f->block_count; k++)
                        is_used = is_used || (f->blocks[k].text == i && f->blocks[k].is_used);
                if (!is_used)
                        diag_warning(f->r.d, reader_at(&f->r, f->texts[i].node),
                            "include: no block of '%s' is used", f->texts[i].name);
        }
}

bool recipe_file_join_texts(struct recipe_file *f)
{
        struct recipe *recipe = f->recipe;
        size_t cap = recipe->text_len + 1;
        for (int i = 1; i < f->text_count; i++)
                cap += joined_room(&recipe_file_joined_form, f->texts[i].len);
        char *text = realloc(recipe->text, cap);
        if (!text)
                return false;
        recipe->text = text;
        for (int i = 1; i < f->text_count; i++)
                joined_add(&recipe_file_joined_form, text, &recipe->text_len, f->texts[i].name,
                    f->texts[i].text, f->texts[i].len);
        text[recipe->text_len] = '\0';
        return true;
}

const char *file_find_line(const struct recipe *recipe, int line, char name[FILE_NAME_CAP], int *line_there)
{
        const char *p = recipe->text, *found = NULL;
        size_t before = strcspn(head_of_text, "%");
        int begins = 0;

        for (int n = 1; p && n < line; n++, p = strchr(p, '\n'), p = p ? p + 1 : NULL) {
                size_t len = strcspn(p, "\n"), behind = strlen(head_of_text) - before - strlen("%s\n");
                if (len <= before + behind || strncmp(p, head_of_text, before) != 0 ||
                    strncmp(p + len - behind, head_of_text + before + strlen("%s"), behind) != 0)
                        continue;
                if (len - before - behind < FILE_NAME_CAP)
                        found = p + before;
                snprintf(name, FILE_NAME_CAP, "%.*s", (int)(len - before - behind), p + before);
                begins = n;
        }
        *line_there = line - begins;
        return found ? name : NULL;
}

void recipe_file_free_texts(struct recipe_file *f)
{
        for (int i = 1; i < f->text_count; i++)
                yaml_tree_free(f->texts[i].tree);
}

struct recipe *file_compile_joined(const char *path, const char *text, size_t len, const struct tool *tool,
    const struct file_set *sets, size_t set_count, struct diag *d)
{
        struct joined joined;
        size_t own = joined_take_apart(&joined, &recipe_file_joined_form, path, text, len);
        struct file_library library = joined_library(&joined);
        return file_compile_recipe_with(path, text, own, tool, sets, set_count, &library, d);
}
