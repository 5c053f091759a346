/* What a browser asks of the record: a kind of question and its parameters, checked against one table. */
#ifndef ALD_APP_WEB_QUESTION_H
#define ALD_APP_WEB_QUESTION_H

#include "ald/core/tool.h" /* TOOL_NAME_MAX */

#include <stdbool.h> /* bool */
#include <stdint.h>  /* int64_t */

struct text;

enum web_question_kind {
        WEB_ASK_RUNS,
        WEB_ASK_RUN,
        WEB_ASK_TREND,
        WEB_ASK_OVERLAY,
        WEB_ASK_REPORT, /* may there be one, and will it stay as it is? */
        WEB_ASK_KINDS
};

/* Most runs, points and pulses of one answer. */
enum { WEB_RUNS_MAX = 500, WEB_POINTS_MAX = 10000, WEB_PULSES_MAX = 50 };

struct web_question {
        enum web_question_kind kind;
        int64_t run;    /* 0: none was named */
        int64_t before; /* runs below that number */
        int64_t limit, points, last;
        int64_t from_us, to_us; /* UTC; -1: not said */
        char tag[TOOL_NAME_MAX], precursor[TOOL_NAME_MAX];
};

/* The parameters of an address, "limit=20&before=7", of now_us (UTC). False: `why` says what is wrong, `hint` what would do. */
bool web_question_parse(struct web_question *q, enum web_question_kind kind, const char *query,
    struct text *why, struct text *hint);

/* "7" as a run's number; 0: it is none. */
int64_t web_question_run(const char *text);

#endif
