/* Several texts as one: a recipe with what it includes, a tool file with its profiles. The record keeps and hashes one text, and
 * compiles it again (SAFETY S5): each further text stands behind a line that names it, and the first text says itself which
 * they are. */
#ifndef ALD_FILE_JOINED_H
#define ALD_FILE_JOINED_H

#include "ald/file/file.h" /* FILE_NAME_CAP, struct file_library */

#include <stdbool.h> /* bool */
#include <stddef.h>  /* size_t */

enum { JOINED_TEXTS_MAX = 16 };

/* What is joined. */
struct joined_form {
        const char *head; /* the line that begins a further text: a format with one %s, its name */
        /* The names that the first text gives, in the order in which their texts follow. */
        size_t (*list)(const char *text, size_t len, char (*names)[FILE_NAME_CAP], size_t max);
};

/* A joined text taken apart; borrows the text and the path. */
struct joined {
        const struct joined_form *form;
        const char *path; /* of the first text */
        size_t count;     /* of the further texts */
        char names[JOINED_TEXTS_MAX][FILE_NAME_CAP];
        const char *texts[JOINED_TEXTS_MAX];
        size_t lens[JOINED_TEXTS_MAX];
};

/* Take a text apart. Returns the length of the first text: all of it where no others follow. */
size_t joined_take_apart(
    struct joined *j, const struct joined_form *form, const char *path, const char *text, size_t len);
/* The further texts as a library, in which they lie beside the first one's path. */
struct file_library joined_library(struct joined *j);

/* Room that joined_add() needs for a text of `len` bytes. */
size_t joined_room(const struct joined_form *form, size_t len);
/* Put a further text behind the *to_len bytes at `to`, which has the room. */
void joined_add(
    const struct joined_form *form, char *to, size_t *to_len, const char *name, const char *text, size_t len);

#endif
