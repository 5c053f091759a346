/* One table of keys for each mapping of a file format. The table serves the reading, "did you mean", the list of
 * missing keys, and the schema for editors (app/jsonschema.h); a test holds the man page against it. */
#ifndef ALD_FILE_KEYS_H
#define ALD_FILE_KEYS_H

#include "ald/file/reader.h" /* struct reader, struct yaml_node */
#include "ald/file/shape.h"  /* struct shape */

#include <stdbool.h> /* bool */
#include <stddef.h>  /* size_t, offsetof */

enum { KEYS_MAX = 32 };

/* What a key holds, and the C type it is stored as. */
enum key_kind {
        KEY_NODE,     /* const struct yaml_node *: read by hand later */
        KEY_WORDS,    /* char []: free text */
        KEY_NAME,     /* char [] */
        KEY_BOOL,     /* bool */
        KEY_INT,      /* int64_t */
        KEY_NUMBER,   /* double */
        KEY_TIME,     /* int64_t, us */
        KEY_QUANTITY, /* double, in `unit` */
        KEY_WORD      /* int: the value of one of `words` */
};

struct key_word {
        const char *name; /* NULL ends the list */
        int value;
};

struct key {
        const char *name;
        enum key_kind kind;
        bool required;
        size_t offset, size;          /* in the struct that is filled */
        const char *unit;             /* QUANTITY */
        double min, max;              /* INT, NUMBER, TIME (us), QUANTITY: closed range; both 0 = free */
        const struct key_word *words; /* WORD */
        const struct shape *holds;    /* NODE, always; else what is narrower than its kind */
        bool is_own;                  /* not to be had from a lender (struct keys) */
        const char *help;
};

#define KEY_AT(type, member) .offset = offsetof(type, member), .size = sizeof(((type *)0)->member)

/* The same for KEY_NODE, whose size is known. */
#define KEY_NODE_AT(type, member) .offset = offsetof(type, member)

/* Exactly one case of a mapping is given, by its key: with it come all that it needs and none that are foreign to it. */
struct keys_case {
        const char *key;
        const char *what; /* "a trip": in messages */
        const char *needs, *foreign[8];
};

struct keys {
        const char *what; /* "tag", "link": in messages and in the documentation */
        const struct key *row;
        size_t count;                  /* <= KEYS_MAX */
        const struct keys_case *cases; /* the last one's key is NULL; NULL: none */
        const char *lender; /* the key that names where others may come from, required ones too; NULL: none */
};

/* A table with the cases of its mapping (NULL: none) and the name of its lender (NULL: none). */
#define KEYS_WITH(what_, rows, cases_, lender_)                                                              \
        {                                                                                                    \
                .what = (what_), .row = (rows), .count = sizeof(rows) / sizeof((rows)[0]),                   \
                .cases = (cases_), .lender = (lender_)                                                       \
        }
#define KEYS(what_, rows) KEYS_WITH(what_, rows, NULL, NULL)

/* What was found in one mapping. */
struct keys_found {
        const struct keys *keys;
        const struct yaml_node *map;
        const struct yaml_node *node[KEYS_MAX];
};

/* Read a mapping: store what it holds into `out`, leave the rest as it is. `name` (NULL for none) is said after
 * keys->what in messages: "tag 'nb.valve': ...". False: something was wrong, and told. */
bool keys_read(const struct reader *r, const struct yaml_node *map, const struct keys *keys, const char *name,
    void *out, struct keys_found *found);

/* The node of a key, NULL when it was not given. The key must be in the table (asserted). */
const struct yaml_node *keys_node(const struct keys_found *found, const char *key);

/* The case that is given; NULL: none, or more than one. */
const struct keys_case *keys_find_case(const struct keys_found *found);

/* May this key of the table come from its lender? Unknown ones too, so that they are told there. */
bool keys_is_lent(const struct keys *keys, const char *key);

/* One of a list of words, or an error that names them. */
bool keys_word(const struct reader *r, const struct yaml_node *node, const char *what,
    const struct key_word *words, int *out);

#endif
