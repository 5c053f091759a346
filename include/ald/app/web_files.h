/* The page's files, which are part of the program: the Makefile turns src/app/web/ into a table of bytes. */
#ifndef ALD_APP_WEB_FILES_H
#define ALD_APP_WEB_FILES_H

#include <stdbool.h> /* bool */
#include <stddef.h>  /* size_t */

struct web_bytes;

/* As the Makefile makes them (build/gen/web_data.c): the name in the folder, and what is in the file. */
struct web_blob {
        const char *name;
        const unsigned char *bytes;
        size_t len;
};
extern const struct web_blob web_data[];
extern const size_t web_data_count;

/* SHA-256 in quotes. */
enum { WEB_ETAG_CAP = 68 };

struct web_file {
        const char *type; /* for Content-Type */
        const unsigned char *bytes;
        size_t len;
        char etag[WEB_ETAG_CAP];
        struct web_bytes *shared; /* what holds the bytes; NULL: they are part of the program */
};

/* What type of file a name tells of. */
const char *web_files_type(const char *name);
/* The strong ETag of some bytes. */
void web_files_tag(const void *bytes, size_t len, char etag[WEB_ETAG_CAP]);

/* A file of bytes that are malloc()'s and are taken; `shared` is the caller's to drop. False: no memory, and they are freed. */
bool web_files_make(struct web_file *file, const char *type, unsigned char *bytes, size_t len);

/* The file at a path as requests have it, "/app.js"; "/" is the page itself. NULL: there is none, whatever else the
 * path may mean: paths are compared, never opened. */
const struct web_file *web_files_find(const char *path);

#endif
