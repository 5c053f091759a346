#include "ald/app/web_lib.h" /* own declarations */

#include "ald/app/web_bytes.h" /* web_bytes_drop */
#include "ald/app/web_files.h" /* web_files_make */
#include "ald/app/web_reply.h" /* web_reply_file */

#include <stdbool.h> /* bool */
#include <stdio.h>   /* fopen */
#include <stdlib.h>  /* getenv, malloc, free */
#include <string.h>  /* strcmp */

/* The whole library is an eighth of a megabyte. */
static const size_t file_max = (size_t)4 * 1024 * 1024;

/* What is served, and under which names it may be installed. */
static const struct {
        const char *name, *installed[2];
} parts[] = {
    {"dygraph.min.js", {"dygraph.min.js", "dygraph.js"}},
    {"dygraph.min.css", {"dygraph.min.css", "dygraph.css"}},
    {"dygraph.css", {"dygraph.css", "dygraph.min.css"}},
};

/* All of a file, freed by the caller; NULL: it cannot be read. */
static unsigned char *read_file(const char *path, size_t *len)
{
        FILE *from = fopen(path, "re");
        unsigned char *bytes;
        bool ok;

        if (from == NULL)
                return NULL;
        bytes = malloc(file_max);
        *len = bytes != NULL ? fread(bytes, 1, file_max, from) : 0;
        ok = ferror(from) == 0 && *len > 0 && *len < file_max;
        (void)fclose(from);
        if (ok)
                return bytes;
        free(bytes);
        return NULL;
}

static unsigned char *find_part(size_t part, size_t *len)
{
        const char *folder = getenv("ALD_JAVASCRIPT");
        unsigned char *bytes = NULL;

        if (folder == NULL || folder[0] == '\0')
                folder = "/usr/share/javascript/dygraphs";
        for (size_t i = 0; i < 2 && bytes == NULL; i++) {
                char path[512];

                if (snprintf(path, sizeof path, "%s/%s", folder, parts[part].installed[i]) < (int)sizeof path)
                        bytes = read_file(path, len);
        }
        return bytes;
}

void web_lib_answer(struct evhttp_request *req, const char *name)
{
        struct web_file file;
        unsigned char *bytes = NULL;
        size_t len;

        for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
                if (strcmp(parts[i].name, name) == 0)
                        bytes = find_part(i, &len);
        if (bytes == NULL) {
                web_reply_error(req, 404, "the chart library is not installed here, or has no such file",
                    "the Debian package libjs-dygraphs has it; ALD_JAVASCRIPT names another folder");
                return;
        }
        if (!web_files_make(&file, web_files_type(name), bytes, len)) {
                web_reply_busy(req, "no memory", "try again later");
                return;
        }
        web_reply_file(req, &file, NULL);
        web_bytes_drop(file.shared);
}
