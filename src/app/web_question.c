#include "ald/app/web_question.h" /* own declarations */

#include "ald/app/aldctl_show.h" /* show_parse_time */
#include "ald/base/text.h"       /* text_add */
#include "ald/base/time.h"       /* TIME_MS */

#include <event2/http.h>           /* evhttp_parse_query_str */
#include <event2/keyvalq_struct.h> /* struct evkeyvalq */

#include <stddef.h> /* offsetof */
#include <string.h> /* strcmp, strlen */

enum type { NUMBER, TIME, NAME };

/* One parameter: where it goes, and which kinds of question have it (must have it). */
static const struct parameter {
        const char *name;
        enum type type;
        size_t at;
        int64_t min, max;
        unsigned of, needed_by; /* sets of 1 << kind */
} parameters[] = {
    {"limit", NUMBER, offsetof(struct web_question, limit), 1, WEB_RUNS_MAX, 1U << WEB_ASK_RUNS, 0},
    {"before", NUMBER, offsetof(struct web_question, before), 1, INT64_MAX, 1U << WEB_ASK_RUNS, 0},
    {"tag", NAME, offsetof(struct web_question, tag), 0, 0, 1U << WEB_ASK_TREND, 1U << WEB_ASK_TREND},
    {"run", NUMBER, offsetof(struct web_question, run), 1, INT64_MAX,
        1U << WEB_ASK_TREND | 1U << WEB_ASK_OVERLAY, 1U << WEB_ASK_OVERLAY},
    {"from", TIME, offsetof(struct web_question, from_us), 0, 0, 1U << WEB_ASK_TREND, 0},
    {"to", TIME, offsetof(struct web_question, to_us), 0, 0, 1U << WEB_ASK_TREND, 0},
    {"points", NUMBER, offsetof(struct web_question, points), 2, WEB_POINTS_MAX, 1U << WEB_ASK_TREND, 0},
    {"precursor", NAME, offsetof(struct web_question, precursor), 0, 0, 1U << WEB_ASK_OVERLAY,
        1U << WEB_ASK_OVERLAY},
    {"last", NUMBER, offsetof(struct web_question, last), 1, WEB_PULSES_MAX, 1U << WEB_ASK_OVERLAY, 0},
};
enum { PARAMETERS = sizeof parameters / sizeof parameters[0] };

/* Digits alone; -1: not a number, or too long a one. */
static int64_t parse_number(const char *text)
{
        int64_t n = 0;

        if (*text == '\0' || strlen(text) > 18)
                return -1;
        for (; *text != '\0'; text++) {
                if (*text < '0' || *text > '9')
                        return -1;
                n = 10 * n + (*text - '0');
        }
        return n;
}

int64_t web_question_run(const char *text)
{
        int64_t n = parse_number(text);

        return n > 0 ? n : 0;
}

/* Milliseconds since the epoch, or UTC text. */
static int64_t parse_time(const char *text)
{
        int64_t ms = parse_number(text);

        if (ms >= 0)
                return ms <= INT64_MAX / TIME_MS ? ms * TIME_MS : -1;
        return show_parse_time(text);
}

static bool take_name(char *to, const char *text)
{
        for (const char *c = text; *c != '\0'; c++)
                if ((unsigned char)*c < ' ' || (unsigned char)*c > '~')
                        return false;
        return text[0] != '\0' && text_copy(to, TOOL_NAME_MAX, text);
}

static bool take(
    struct web_question *q, const struct parameter *p, const char *text, struct text *why, struct text *hint)
{
        char *to = (char *)q + p->at;
        int64_t n;

        if (p->type == NAME) {
                if (take_name(to, text))
                        return true;
                text_add(hint, "%s is the name of a %s", p->name, p->name);
        } else {
                n = p->type == TIME ? parse_time(text) : parse_number(text);
                if (p->type == TIME ? n >= 0 : n >= p->min && n <= p->max) {
                        memcpy(to, &n, sizeof n);
                        return true;
                }
                if (p->type == TIME)
                        text_add(hint, "%s is milliseconds since the epoch, or UTC as 2026-11-21T10:15:30Z",
                            p->name);
                else if (p->max == INT64_MAX)
                        text_add(hint, "%s is a number from %lld", p->name, (long long)p->min);
                else
                        text_add(hint, "%s is a number from %lld to %lld", p->name, (long long)p->min,
                            (long long)p->max);
        }
        text_add(why, "%s=%.40s makes no sense", p->name, text);
        return false;
}

static const struct parameter *find(const char *name, unsigned kind)
{
        for (size_t i = 0; i < PARAMETERS; i++)
                if ((parameters[i].of & kind) != 0 && strcmp(parameters[i].name, name) == 0)
                        return &parameters[i];
        return NULL;
}

static void add_known(struct text *hint, unsigned kind)
{
        size_t count = 0;

        for (size_t i = 0; i < PARAMETERS; i++)
                if ((parameters[i].of & kind) != 0)
                        text_add(hint, "%s%s", count++ == 0 ? "known here: " : ", ", parameters[i].name);
        if (count == 0)
                text_add(hint, "this path has none");
}

static bool take_all(
    struct web_question *q, const struct evkeyvalq *given, struct text *why, struct text *hint)
{
        unsigned kind = 1U << q->kind, seen = 0;

        for (const struct evkeyval *g = given->tqh_first; g != NULL; g = g->next.tqe_next) {
                const struct parameter *p = find(g->key, kind);

                if (p == NULL) {
                        text_add(why, "there is no parameter '%.40s'", g->key);
                        add_known(hint, kind);
                        return false;
                }
                if (!take(q, p, g->value, why, hint))
                        return false;
                seen |= 1U << (p - parameters);
        }
        for (size_t i = 0; i < PARAMETERS; i++)
                if ((parameters[i].needed_by & kind) != 0 && (seen & 1U << i) == 0) {
                        text_add(why, "the parameter '%s' is missing", parameters[i].name);
                        add_known(hint, kind);
                        return false;
                }
        return true;
}

bool web_question_parse(struct web_question *q, enum web_question_kind kind, const char *query,
    struct text *why, struct text *hint)
{
        struct evkeyvalq given = {NULL, &given.tqh_first};
        bool ok;

        *q = (struct web_question){.kind = kind,
            .before = INT64_MAX,
            .limit = 50,
            .points = 1000,
            .last = 5,
            .from_us = -1,
            .to_us = -1};
        if (query != NULL && query[0] != '\0' && evhttp_parse_query_str(query, &given) != 0) {
                text_add(why, "what follows the '?' makes no sense");
                add_known(hint, 1U << kind);
                return false;
        }
        ok = take_all(q, &given, why, hint);
        evhttp_clear_headers(&given);
        if (ok && q->run > 0 && (q->from_us >= 0 || q->to_us >= 0)) {
                text_add(why, "either run, or from and to");
                ok = false;
        }
        return ok;
}
