#include "ald/app/web_files.h" /* own declarations */

#include "ald/app/digest.h"    /* digest_sha256 */
#include "ald/app/web_bytes.h" /* web_bytes_new */

#include <assert.h> /* assert */
#include <stdio.h>  /* snprintf */
#include <string.h> /* strcmp, strrchr */

enum { FILES_MAX = 64 };

static struct web_file files[FILES_MAX]; /* filled when first asked for */
static size_t file_count;

const char *web_files_type(const char *name)
{
        static const struct {
                const char *suffix, *type;
        } types[] = {
            {".html", "text/html; charset=utf-8"},
            {".css", "text/css; charset=utf-8"},
            {".js", "text/javascript; charset=utf-8"},
            {".svg", "image/svg+xml"},
            {".png", "image/png"},
            {".ico", "image/x-icon"},
            {".webmanifest", "application/manifest+json"},
            {".json", "application/json"},
            {".txt", "text/plain; charset=utf-8"},
        };
        const char *suffix = strrchr(name, '.');

        for (size_t i = 0; suffix != NULL && i < sizeof types / sizeof types[0]; i++)
                if (strcmp(types[i].suffix, suffix) == 0)
                        return types[i].type;
        return "application/octet-stream";
}

void web_files_tag(const void *bytes, size_t len, char etag[WEB_ETAG_CAP])
{
        char hex[DIGEST_HEX];

        digest_sha256(bytes, len, hex);
        (void)snprintf(etag, WEB_ETAG_CAP, "\"%s\"", hex);
}

bool web_files_make(struct web_file *file, const char *type, unsigned char *bytes, size_t len)
{
        *file =
            (struct web_file){.type = type, .bytes = bytes, .len = len, .shared = web_bytes_new(bytes, len)};
        if (file->shared != NULL)
                web_files_tag(bytes, len, file->etag);
        return file->shared != NULL;
}

static void fill(void)
{
        assert(web_data_count <= FILES_MAX);
        for (size_t i = 0; i < web_data_count; i++) {
                files[i] = (struct web_file){.type = web_files_type(web_data[i].name),
                    .bytes = web_data[i].bytes,
                    .len = web_data[i].len};
                web_files_tag(files[i].bytes, files[i].len, files[i].etag);
        }
        file_count = web_data_count;
}

const struct web_file *web_files_find(const char *path)
{
        const char *name = strcmp(path, "/") == 0 ? "/index.html" : path;

        if (file_count == 0)
                fill();
        for (size_t i = 0; i < file_count; i++)
                if (name[0] == '/' && strcmp(web_data[i].name, name + 1) == 0)
                        return &files[i];
        return NULL;
}
