/* The terms of a condition: one tag and what it is tested against. The grammar around them is in cond_parse.c. */
#ifndef ALD_FILE_COND_TERM_H
#define ALD_FILE_COND_TERM_H

#include "ald/base/text.h"       /* TEXT_PRINTF */
#include "ald/file/cond_lex.h"   /* struct cond_lex */
#include "ald/file/cond_parse.h" /* struct cond_parse */

#include <stdbool.h> /* bool */
#include <stddef.h>  /* size_t */
#include <stdint.h>  /* int16_t */

enum { COND_TERM_CHAIN_MAX = 256 };

/* One condition on its way into the pool. Node numbers are -1 where an error was told. */
struct cond_term {
        const struct cond_parse *c;
        const struct yaml_node *node;
        const char *what;
        struct cond_lex lex;
        int nest;
        bool has_error;                     /* told; reading may go on */
        bool is_lost;                       /* told; the rest cannot be read */
        int16_t chain[COND_TERM_CHAIN_MAX]; /* operands of the and/or chains that are open */
        int chain_count;
};

/* Read "TAG [ test ]". Returns its node. */
int cond_term_parse(struct cond_term *p);

/* Tell an error at a byte of the condition's text. */
void cond_term_fail(struct cond_term *p, size_t offset, const char *fmt, ...) TEXT_PRINTF(3, 4);
/* Tell that the present token is not what is `wanted`, and give the rest up. Returns -1. */
int cond_term_lose(struct cond_term *p, const char *wanted);
/* Put a node into the pool; -1 with an error when it is full. */
int cond_term_add(struct cond_term *p, struct cond_node n);
struct cond_node cond_term_blank(enum cond_op op);
/* Put an operand onto the open chain; false with an error when it is full. */
bool cond_term_push(struct cond_term *p, int at);
/* "NUMBER of": the number, a whole one without a unit. Lost when it is none. */
int cond_term_take_count(struct cond_term *p);

#endif
