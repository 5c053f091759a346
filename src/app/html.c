#include "ald/app/html.h"

#include <assert.h> /* assert */
#include <stdarg.h> /* va_list */
#include <stdlib.h> /* free */
#include <string.h> /* strcmp, strlen, memcmp */

void html_init(struct html *h, FILE *to)
{
        *h = (struct html){.to = to};
}

/* ---- Text ---- */

/* U+202A to U+202E and U+2066 to U+2069: what follows them reads in another order than it is written. */
static bool turns_direction(const unsigned char *p, size_t len)
{
        return len == 3 && p[0] == 0xE2 &&
               ((p[1] == 0x80 && p[2] >= 0xAA && p[2] <= 0xAE) ||
                   (p[1] == 0x81 && p[2] >= 0xA6 && p[2] <= 0xA9));
}

/* U+0080 to U+009F, the second row of control characters. */
static bool is_control(const unsigned char *p, size_t len)
{
        if (len == 1)
                return (p[0] < ' ' && p[0] != '\n' && p[0] != '\t') || p[0] == 0x7F;
        return len == 2 && p[0] == 0xC2 && p[1] < 0xA0;
}

static const char *find_escape(char c)
{
        switch (c) {
        case '&':
                return "&amp;";
        case '<':
                return "&lt;";
        case '>':
                return "&gt;";
        case '"':
                return "&quot;";
        case '\'':
                return "&#39;";
        default:
                return NULL;
        }
}

void html_put(struct html *h, const char *text)
{
        size_t left = strlen(text);

        while (left > 0) {
                const unsigned char *p = (const unsigned char *)text;
                const char *escape = find_escape(*text);
                size_t len = text_letter(text, left);

                if (escape != NULL)
                        (void)fputs(escape, h->to);
                else if (len == 0 || is_control(p, len) || turns_direction(p, len))
                        (void)fputc('?', h->to);
                else
                        (void)fwrite(text, 1, len, h->to);
                text += len > 0 ? len : 1;
                left -= len > 0 ? len : 1;
        }
}

static void put_formatted(struct html *h, const char *fmt, va_list args) TEXT_PRINTF(2, 0);
static void put_formatted(struct html *h, const char *fmt, va_list args)
{
        char *all = NULL;

        if (vasprintf(&all, fmt, args) < 0) {
                (void)fputs("(no memory)", h->to);
                return;
        }
        html_put(h, all);
        free(all);
}

void html_text(struct html *h, const char *fmt, ...)
{
        va_list args;

        va_start(args, fmt);
        put_formatted(h, fmt, args);
        va_end(args);
}

void html_raw(struct html *h, const char *markup, size_t len)
{
        (void)fwrite(markup, 1, len, h->to);
}

/* ---- Elements ---- */

static void put_attribute(struct html *h, const char *name, const char *value)
{
        (void)fprintf(h->to, " %s=\"", name);
        html_put(h, value);
        (void)fputc('"', h->to);
}

/* Is a line of its own easier to read for who looks at the source? Inside text it would be a space. */
static bool stands_alone(const char *name)
{
        static const char *const inside[] = {"a", "b", "code", "data", "em", "pre", "span", "strong"};

        for (size_t i = 0; i < sizeof inside / sizeof inside[0]; i++)
                if (strcmp(name, inside[i]) == 0)
                        return false;
        return true;
}

static void begin(struct html *h, const char *name)
{
        assert(h->depth < HTML_DEPTH_MAX);
        h->open[h->depth++] = name;
        (void)fprintf(h->to, "<%s", name);
}

void html_open(struct html *h, const char *name, ...)
{
        va_list args;
        const char *attribute;

        begin(h, name);
        va_start(args, name);
        while ((attribute = va_arg(args, const char *)) != NULL)
                put_attribute(h, attribute, va_arg(args, const char *));
        va_end(args);
        (void)fputc('>', h->to);
}

void html_close(struct html *h, const char *name)
{
        assert(h->depth > 0 && strcmp(h->open[h->depth - 1], name) == 0);
        h->depth--;
        (void)fprintf(h->to, "</%s>%s", name, stands_alone(name) ? "\n" : "");
}

/* An element without attributes, or with a class alone. */
static void open_class(struct html *h, const char *name, const char *class)
{
        begin(h, name);
        if (class != NULL)
                put_attribute(h, "class", class);
        (void)fputc('>', h->to);
}

void html_element(struct html *h, const char *name, const char *class, const char *fmt, ...)
{
        va_list args;

        open_class(h, name, class);
        va_start(args, fmt);
        put_formatted(h, fmt, args);
        va_end(args);
        html_close(h, name);
}

void html_data(struct html *h, const char *id, double value, const char *fmt, ...)
{
        char number[40];
        va_list args;

        (void)snprintf(number, sizeof number, "%.12g", value);
        html_open(h, "data", "id", id, "value", number, HTML_END);
        va_start(args, fmt);
        put_formatted(h, fmt, args);
        va_end(args);
        html_close(h, "data");
}

/* ---- Tables ---- */

static const char *class_of(const struct html *h, int column)
{
        return h->columns[column].is_number ? "n" : NULL;
}

void html_table_begin(struct html *h, const char *id, const struct html_column *columns, int count)
{
        assert(h->columns == NULL && count > 0);
        h->columns = columns;
        h->column_count = count;
        html_open(h, "div", "class", "wide", HTML_END);
        html_open(h, "table", "id", id, HTML_END);
        open_class(h, "thead", NULL);
        open_class(h, "tr", NULL);
        for (int i = 0; i < count; i++)
                html_element(h, "th", class_of(h, i), "%s", columns[i].head);
        html_close(h, "tr");
        html_close(h, "thead");
        open_class(h, "tbody", NULL);
}

void html_table_end(struct html *h)
{
        assert(h->columns != NULL);
        h->columns = NULL;
        html_close(h, "tbody");
        html_close(h, "table");
        html_close(h, "div");
}

void html_row_begin(struct html *h, const char *class)
{
        assert(h->columns != NULL);
        h->column = 0;
        open_class(h, "tr", class);
}

void html_row_end(struct html *h)
{
        assert(h->column == h->column_count);
        html_close(h, "tr");
}

void html_cell(struct html *h, const char *fmt, ...)
{
        va_list args;

        assert(h->column < h->column_count);
        open_class(h, "td", class_of(h, h->column++));
        va_start(args, fmt);
        put_formatted(h, fmt, args);
        va_end(args);
        html_close(h, "td");
}

void html_facts_begin(struct html *h, const char *id)
{
        html_open(h, "table", "class", "facts", "id", id, HTML_END);
        open_class(h, "tbody", NULL);
}

void html_facts_end(struct html *h)
{
        html_close(h, "tbody");
        html_close(h, "table");
}

void html_fact_begin(struct html *h, const char *name)
{
        open_class(h, "tr", NULL);
        html_open(h, "th", "scope", "row", HTML_END);
        html_put(h, name);
        html_close(h, "th");
        open_class(h, "td", NULL);
}

void html_fact_end(struct html *h)
{
        html_close(h, "td");
        html_close(h, "tr");
}

void html_fact(struct html *h, const char *name, const char *fmt, ...)
{
        va_list args;

        html_fact_begin(h, name);
        va_start(args, fmt);
        put_formatted(h, fmt, args);
        va_end(args);
        html_fact_end(h);
}
