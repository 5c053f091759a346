#include "ald/file/shelf.h"

#include "ald/base/text.h" /* text_copy */

#include <dirent.h> /* opendir */
#include <stdlib.h> /* free */
#include <string.h> /* strlen */

static const char *find(void *ctx, const char *path, size_t *len, const char **why)
{
        struct shelf *shelf = ctx;
        struct diag *d = shelf->count < SHELF_TEXTS_MAX ? diag_new() : NULL;
        char *text = d != NULL ? file_read(path, len, d) : NULL;

        text_copy(shelf->why, sizeof shelf->why,
            d != NULL && diag_count(d) > 0 ? diag_entry(d, 0)->text : "no memory");
        *why = shelf->why;
        diag_free(d);
        if (text != NULL)
                shelf->texts[shelf->count++] = text;
        return text;
}

static int compare(const void *a, const void *b)
{
        return strcmp(a, b);
}

static size_t list(void *ctx, const char *path, char (*names)[FILE_NAME_CAP], size_t max)
{
        static const char end[] = ".yaml";
        char folder[2 * FILE_NAME_CAP];
        DIR *dir = file_beside(path, FILE_PROFILES, folder, sizeof folder) ? opendir(folder) : NULL;
        size_t count = 0;

        (void)ctx;
        for (const struct dirent *e; dir != NULL && count < max && (e = readdir(dir)) != NULL;) {
                size_t len = strlen(e->d_name), rest = sizeof end - 1;
                if (len <= rest || len - rest >= FILE_NAME_CAP || strcmp(e->d_name + len - rest, end) != 0)
                        continue;
                memcpy(names[count], e->d_name, len - rest);
                names[count++][len - rest] = '\0';
        }
        if (dir != NULL)
                closedir(dir);
        qsort(names, count, FILE_NAME_CAP, compare);
        return count;
}

struct file_library shelf_library(struct shelf *shelf)
{
        return (struct file_library){find, shelf};
}

struct file_profiles shelf_profiles(struct shelf *shelf)
{
        return (struct file_profiles){shelf_library(shelf), list};
}

void shelf_clear(struct shelf *shelf)
{
        while (shelf->count > 0)
                free(shelf->texts[--shelf->count]);
}

struct tool *file_load_tool(const char *path, char **text, size_t *len, struct diag *d)
{
        struct shelf shelf = {.count = 0};
        struct file_profiles profiles = shelf_profiles(&shelf);
        struct tool *tool = NULL;
        char *joined = NULL;
        size_t own_len;
        char *own = file_read(path, &own_len, d);

        if (own != NULL)
                tool = file_compile_tool_with(
                    path, own, own_len, &profiles, text != NULL ? &joined : NULL, len, d);
        free(own);
        shelf_clear(&shelf);
        if (text != NULL)
                *text = joined;
        return tool;
}

struct tool *file_load_tool_any_load(const char *path, struct diag *d)
{
        struct shelf shelf = {.count = 0};
        struct file_profiles profiles = shelf_profiles(&shelf);
        struct tool *tool = NULL;
        size_t len;
        char *text = file_read(path, &len, d);

        if (text != NULL)
                tool = file_compile_tool_any_load(path, text, len, &profiles, d);
        free(text);
        shelf_clear(&shelf);
        return tool;
}
