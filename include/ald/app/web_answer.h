/* Answers from the record, as JSON. Each opens the database for itself and gives up in time (store/query.h); they run in the
 * worker's thread (web_work.h), never in the loop's. */
#ifndef ALD_APP_WEB_ANSWER_H
#define ALD_APP_WEB_ANSWER_H

#include "ald/app/web_question.h" /* struct web_question */

#include <stdbool.h> /* bool */
#include <stddef.h>  /* size_t */

struct web_answer {
        int code;        /* of HTTP */
        char *json;      /* freed by the caller; NULL: text and hint tell */
        bool is_settled; /* of WEB_ASK_REPORT: what is recorded of the run will not change any more */
        char text[320], hint[200];
};

/* `db`: the database. */
void web_answer(const struct web_question *question, const char *db, struct web_answer *out);

#endif
