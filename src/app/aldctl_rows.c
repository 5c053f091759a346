#include "ald/app/aldctl_rows.h"

#include "ald/app/aldctl_files.h" /* files_interrupted */
#include "ald/app/aldctl_show.h"  /* show_error */
#include "ald/base/text.h"        /* text_letter */
#include "ald/base/time.h"        /* time_format_utc */

#include <math.h>   /* isfinite */
#include <stdlib.h> /* strtod */
#include <string.h> /* strpbrk, strcmp */
#include <unistd.h> /* isatty */

enum { PROGRESS_ROWS = 100000, CELL_MAX = 64 };

struct rows {
        FILE *to;
        const struct query_column *columns;
        int count;
        bool is_json;
        long long done;
};

/* ---- cells ---- */

void rows_put_json_text(FILE *to, const char *text)
{
        size_t left = strlen(text);

        (void)fputc('"', to);
        while (left > 0) {
                size_t n = text_letter(text, left);

                if (n == 0)
                        (void)fputs("\\ufffd", to);
                else if ((unsigned char)*text < 0x20)
                        (void)fprintf(to, "\\u%04x", (unsigned)*text);
                else {
                        if (*text == '"' || *text == '\\')
                                (void)fputc('\\', to);
                        (void)fwrite(text, 1, n, to);
                }
                n = n == 0 ? 1 : n;
                text += n;
                left -= n;
        }
        (void)fputc('"', to);
}

/* Spreadsheets and pandas take a cell in quotes as it is. */
static void put_csv_text(FILE *to, const char *text)
{
        if (strpbrk(text, "\",\r\n") == NULL) {
                (void)fputs(text, to);
                return;
        }
        (void)fputc('"', to);
        for (; *text != '\0'; text++) {
                if (*text == '"')
                        (void)fputc('"', to);
                (void)fputc(*text, to);
        }
        (void)fputc('"', to);
}

static void put_text(const struct rows *r, const char *text)
{
        if (r->is_json)
                rows_put_json_text(r->to, text);
        else
                put_csv_text(r->to, text);
}

/* The shortest text that reads back as the same number. */
static void put_number(const struct rows *r, double number)
{
        char buf[CELL_MAX];

        if (!isfinite(number)) {
                (void)fputs(r->is_json ? "null" : "", r->to);
                return;
        }
        for (int digits = 15; digits <= 17; digits++) {
                (void)snprintf(buf, sizeof buf, "%.*g", digits, number);
                if (strtod(buf, NULL) == number)
                        break;
        }
        (void)fputs(buf, r->to);
}

static void put_integer(const struct rows *r, enum query_kind kind, int64_t integer)
{
        char utc[TIME_UTC_CAP];

        switch (kind) {
        case QUERY_TIME:
                time_format_utc(integer, utc);
                put_text(r, utc);
                break;
        case QUERY_SECONDS:
                (void)fprintf(r->to, "%.6f", (double)integer / (double)TIME_S);
                break;
        case QUERY_YES:
                (void)fputs(integer != 0 ? "true" : "false", r->to);
                break;
        default:
                (void)fprintf(r->to, "%lld", (long long)integer);
                break;
        }
}

static void put_value(const struct rows *r, enum query_kind kind, const struct query_value *v)
{
        if (v->is == QUERY_IS_INTEGER)
                put_integer(r, kind, v->integer);
        else if (v->is == QUERY_IS_NUMBER)
                put_number(r, v->number);
        else if (v->is == QUERY_IS_TEXT)
                put_text(r, v->text == NULL ? "" : v->text);
        else if (r->is_json)
                (void)fputs("null", r->to);
}

/* ---- rows ---- */

static void show_progress(struct rows *r)
{
        if (++r->done % PROGRESS_ROWS != 0 || !isatty(STDERR_FILENO) || isatty(fileno(r->to)))
                return;
        (void)fprintf(stderr, "\r%lld rows ", r->done);
        (void)fflush(stderr);
}

static bool put_row(void *rows, const struct query_value *values)
{
        struct rows *r = rows;

        if (r->is_json)
                (void)fputs(r->done > 0 ? ",\n[" : "[", r->to);
        for (int i = 0; i < r->count; i++) {
                if (i > 0)
                        (void)fputc(',', r->to);
                put_value(r, r->columns[i].kind, &values[i]);
        }
        (void)fputc(r->is_json ? ']' : '\n', r->to);
        show_progress(r);
        return !files_interrupted() && !ferror(r->to);
}

static void put_head(const struct rows *r, const struct query_span *span)
{
        const char *p = span->pressure_unit[0] != '\0' ? span->pressure_unit : "gauge";
        char name[CELL_MAX];

        for (int i = 0; i < r->count; i++) {
                const char *unit = r->columns[i].unit;

                if (unit == NULL)
                        (void)snprintf(name, sizeof name, "%s", r->columns[i].name);
                else if (unit[0] == 'p')
                        (void)snprintf(name, sizeof name, "%s (%s%s)", r->columns[i].name, p, unit + 1);
                else
                        (void)snprintf(name, sizeof name, "%s (%s)", r->columns[i].name, unit);
                if (i > 0)
                        (void)fputc(',', r->to);
                put_text(r, name);
        }
}

static bool put_rows(struct rows *r, struct query *q, enum query_table table, const struct query_span *span)
{
        int found = query_export(q, table, span, put_row, r);

        if (r->done >= PROGRESS_ROWS && isatty(STDERR_FILENO) && !isatty(fileno(r->to)))
                (void)fputs("\r                    \r", stderr);
        if (found != 0)
                show_error("%s", query_why(q));
        return found == 0 && !files_interrupted() && !ferror(r->to);
}

bool rows_put_csv(FILE *to, struct query *q, enum query_table table, const struct query_span *span)
{
        struct rows r = {.to = to};

        r.columns = query_columns(table, &r.count);
        put_head(&r, span);
        (void)fputc('\n', to);
        return put_rows(&r, q, table, span);
}

bool rows_put_json(FILE *to, struct query *q, enum query_table table, const struct query_span *span)
{
        struct rows r = {.to = to, .is_json = true};

        r.columns = query_columns(table, &r.count);
        (void)fputs("{\"columns\":[", to);
        put_head(&r, span);
        (void)fputs("],\"rows\":[\n", to);
        bool ok = put_rows(&r, q, table, span);
        (void)fputs("]}", to);
        return ok;
}
