/* Files in: a tool file or a recipe becomes its compiled form, or a list of every error in it. */
#ifndef ALD_FILE_FILE_H
#define ALD_FILE_FILE_H

#include "ald/base/diag.h"   /* struct diag */
#include "ald/core/recipe.h" /* struct recipe */
#include "ald/core/tool.h"   /* struct tool */

#include <stdbool.h> /* bool */
#include <stddef.h>  /* size_t */

#define FILE_BYTES_MAX ((size_t)256 * 1024)

/* Read a whole file of at most FILE_BYTES_MAX bytes. NULL: an error stands in `d`. The text is NUL-terminated; the
 * caller frees it. */
char *file_read(const char *path, size_t *len, struct diag *d);

/* Compile a tool file's text. NULL when it has errors (they stand in `d`; warnings may stand there either way).
 * `path` is for messages. Free the result with free(). The device profiles that it names stand in the text itself, behind
 * it, as file_load_tool() gives it and the record keeps it; none is looked for elsewhere. */
struct tool *file_compile_tool(const char *path, const char *text, size_t len, struct diag *d);
/* Read a tool file and the profiles that it names (FILE_PROFILES beside it), and compile them. *text (`text` may be NULL)
 * gets everything that was read as one text, which the caller frees also when NULL is returned: it may be NULL then. */
struct tool *file_load_tool(const char *path, char **text, size_t *len, struct diag *d);

/* The same, but a plan that is too much for its link (link/load.h) is no error: for who wants to look at it. */
struct tool *file_load_tool_any_load(const char *path, struct diag *d);

/* Give a link another address: "tcp://HOST[:PORT]" (502 when not given) or "rtu:///dev/PATH". False: it is neither, and
 * the link may be half changed. */
bool file_link_address(struct tool_link *link, const char *address);

/* One --set NAME=VALUE. */
struct file_set {
        const char *name, *value; /* borrowed */
};

/* Texts of a recipe: its own and those it includes. */
enum { FILE_TEXTS_MAX = 8, FILE_NAME_CAP = 200 };

/* Where the texts that a recipe includes come from: a folder, or what a client sent. `find` gives the text at `path`
 * (the recipe's own path with its last part replaced), valid until the compilation is over, or NULL and *why. */
struct file_library {
        const char *(*find)(void *ctx, const char *path, size_t *len, const char **why);
        void *ctx;
};

/* Device profiles: FILE_PROFILES NAME.yaml beside the tool file. */
#define FILE_PROFILES "devices/"
enum { FILE_PROFILES_MAX = 12 };

/* Where the profiles that a tool file names come from. */
struct file_profiles {
        struct file_library library;
        /* The names of those that are there for a tool file at `path`; may be NULL. */
        size_t (*list)(void *ctx, const char *path, char (*names)[FILE_NAME_CAP], size_t max);
};

/* Compile a tool file's text with profiles from `profiles`. *joined (`joined` may be NULL) gets the texts as one when the
 * result is not NULL; the caller frees it. */
struct tool *file_compile_tool_with(const char *path, const char *text, size_t len,
    const struct file_profiles *profiles, char **joined, size_t *joined_len, struct diag *d);
/* The same as file_load_tool_any_load() is to file_load_tool(). */
struct tool *file_compile_tool_any_load(
    const char *path, const char *text, size_t len, const struct file_profiles *profiles, struct diag *d);
/* The path of a profile of the tool file at `path`. False: it does not fit. */
bool file_profile_path(const char *path, const char *profile, char *out, size_t cap);

/* Compile a recipe for a tool. NULL when it has errors. Free with recipe_free(). `library` may be NULL: then nothing can
 * be included. The result's text holds every text that was compiled; sha256 is left empty: the caller has the digest. */
struct recipe *file_compile_recipe_with(const char *path, const char *text, size_t len,
    const struct tool *tool, const struct file_set *sets, size_t set_count,
    const struct file_library *library, struct diag *d);
/* The same without a library. */
struct recipe *file_compile_recipe(const char *path, const char *text, size_t len, const struct tool *tool,
    const struct file_set *sets, size_t set_count, struct diag *d);
/* Compile a compiled recipe's `text` once more: the recipe's own, then those it included, as the record keeps them. */
struct recipe *file_compile_joined(const char *path, const char *text, size_t len, const struct tool *tool,
    const struct file_set *sets, size_t set_count, struct diag *d);

/* Where a line of a compiled recipe's text stands: the name of the included file, or NULL for the recipe itself, and the
 * line there. */
const char *file_find_line(const struct recipe *recipe, int line, char name[FILE_NAME_CAP], int *line_there);

/* The names in a recipe's `include` that can be names (the others are told when it is compiled); how many. */
size_t file_list_includes(const char *text, size_t len, char (*names)[FILE_NAME_CAP], size_t max);
/* May a recipe include a file of this name: beside it or below it? */
bool file_is_include(const char *name);
/* The path of `name` beside the file at `path`. False: it does not fit. */
bool file_beside(const char *path, const char *name, char *out, size_t cap);

#endif
