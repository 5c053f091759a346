#include "ald/base/diag.h"

#include <assert.h> /* assert */
#include <stdlib.h> /* calloc, free */
#include <string.h> /* memcpy, memchr */

enum { SOURCES_MAX = 32, LINE_SHOWN_MAX = 160 };

struct source {
        char *path;
        char *text; /* NULL: no lines to show */
};

struct diag {
        int source_count;
        struct source sources[SOURCES_MAX];
        size_t errors, count, lost;
        struct diag_entry entries[DIAG_ENTRIES_MAX];
};

struct diag *diag_new(void)
{
        return calloc(1, sizeof(struct diag));
}

void diag_free(struct diag *d)
{
        if (d == NULL)
                return;
        for (int i = 0; i < d->source_count; i++) {
                free(d->sources[i].path);
                free(d->sources[i].text);
        }
        free(d);
}

static char *copy(const char *bytes, size_t len)
{
        char *to = calloc(1, len + 1);

        if (to != NULL)
                memcpy(to, bytes, len);
        return to;
}

int diag_source(struct diag *d, const char *path, const char *text, size_t len)
{
        struct source *s;

        if (d->source_count == SOURCES_MAX)
                return SOURCES_MAX - 1;
        s = &d->sources[d->source_count];
        s->path = copy(path, strlen(path));
        s->text = text != NULL ? copy(text, len) : NULL;
        return d->source_count++;
}

/* Entries stay sorted by place, so that a reader goes through the file from top to bottom. */
static bool stands_before(struct diag_at a, struct diag_at b)
{
        if (a.source != b.source)
                return a.source < b.source;
        if (a.line != b.line)
                return a.line < b.line;
        return a.column < b.column;
}

/* The same words at the same place: two devices may rest on one profile. */
static bool is_said(const struct diag *d, const struct diag_entry *e)
{
        for (size_t i = d->count; i > 0 && !stands_before(d->entries[i - 1].at, e->at); i--)
                if (!stands_before(e->at, d->entries[i - 1].at) &&
                    d->entries[i - 1].severity == e->severity && strcmp(d->entries[i - 1].text, e->text) == 0)
                        return true;
        return false;
}

TEXT_PRINTF(4, 0)
static void add(struct diag *d, enum diag_severity severity, struct diag_at at, const char *fmt, va_list args)
{
        struct diag_entry e = {.severity = severity, .at = at};
        struct text t;
        size_t i;

        text_init(&t, e.text, sizeof e.text);
        text_addv(&t, fmt, args);
        text_clean(e.text);
        if (is_said(d, &e))
                return;
        d->errors += severity == DIAG_ERROR;
        if (d->count == DIAG_ENTRIES_MAX) {
                d->lost++;
                return;
        }
        for (i = d->count; i > 0 && stands_before(at, d->entries[i - 1].at); i--)
                d->entries[i] = d->entries[i - 1];
        d->entries[i] = e;
        d->count++;
}

void diag_error(struct diag *d, struct diag_at at, const char *fmt, ...)
{
        va_list args;

        va_start(args, fmt);
        add(d, DIAG_ERROR, at, fmt, args);
        va_end(args);
}

void diag_warning(struct diag *d, struct diag_at at, const char *fmt, ...)
{
        va_list args;

        va_start(args, fmt);
        add(d, DIAG_WARNING, at, fmt, args);
        va_end(args);
}

void diag_note(struct diag *d, struct diag_at at, const char *fmt, ...)
{
        va_list args;

        va_start(args, fmt);
        add(d, DIAG_NOTE, at, fmt, args);
        va_end(args);
}

size_t diag_errors(const struct diag *d)
{
        return d->errors;
}

size_t diag_count(const struct diag *d)
{
        return d->count;
}

const struct diag_entry *diag_entry(const struct diag *d, size_t i)
{
        assert(i < d->count);
        return &d->entries[i];
}

const char *diag_path(const struct diag *d, int source)
{
        if (source < 0 || source >= d->source_count || d->sources[source].path == NULL)
                return "?";
        return d->sources[source].path;
}

const char *diag_severity_name(enum diag_severity s)
{
        static const char *const names[] = {"error", "warning", "note"};

        return names[s];
}

static const char *find_line(const struct diag *d, struct diag_at at, size_t *len)
{
        const char *p, *end;

        if (at.source < 0 || at.source >= d->source_count || at.line < 1)
                return NULL;
        p = d->sources[at.source].text;
        for (int line = 1; p != NULL && line < at.line; line++) {
                p = strchr(p, '\n');
                if (p != NULL)
                        p++;
        }
        if (p == NULL)
                return NULL;
        end = strchr(p, '\n');
        *len = end != NULL ? (size_t)(end - p) : strlen(p);
        if (*len > 0 && p[*len - 1] == '\r')
                (*len)--;
        return p;
}

/* The line and a caret under the column, for a terminal: control characters show as one blank each, bytes of no letter
 * as '?', and a letter of several bytes is one place on the screen. */
static void add_caret(const struct diag *d, struct diag_at at, struct text *t)
{
        size_t len = 0, places = 0;
        const char *line = find_line(d, at, &len);

        if (line == NULL)
                return;
        text_add(t, "    ");
        for (size_t i = 0; i < len && i < LINE_SHOWN_MAX;) {
                size_t n = text_letter(line + i, len - i);

                if (n == 1)
                        text_add(t, "%c", (unsigned char)line[i] < ' ' || line[i] == 0x7F ? ' ' : line[i]);
                else
                        text_add(t, "%.*s", n == 0 ? 1 : (int)n, n == 0 ? "?" : line + i);
                i += n == 0 ? 1 : n;
                places += at.column > 0 && i < (size_t)at.column;
        }
        text_add(t, "%s\n", len > LINE_SHOWN_MAX ? "..." : "");
        if (at.column >= 1 && (size_t)at.column <= len + 1 && at.column <= LINE_SHOWN_MAX)
                text_add(t, "    %*s^\n", (int)places, "");
}

static void add_head(
    const struct diag *d, const struct diag_entry *e, struct text *t, const char *on, const char *off)
{
        text_add(t, "%s", diag_path(d, e->at.source));
        if (e->at.line > 0)
                text_add(t, ":%d:%d", e->at.line, e->at.column > 0 ? e->at.column : 1);
        text_add(t, ": %s%s:%s %s\n", on, diag_severity_name(e->severity), off, e->text);
}

void diag_add_entry(const struct diag *d, size_t i, struct text *t)
{
        const struct diag_entry *e = diag_entry(d, i);

        add_head(d, e, t, "", "");
        add_caret(d, e->at, t);
}

void diag_print(const struct diag *d, FILE *to, bool colour)
{
        static const char *const on[] = {"\033[1;31m", "\033[1;35m", "\033[1;36m"};

        for (size_t i = 0; i < d->count; i++) {
                char buf[1200];
                struct text t;

                text_init(&t, buf, sizeof buf);
                add_head(
                    d, &d->entries[i], &t, colour ? on[d->entries[i].severity] : "", colour ? "\033[0m" : "");
                add_caret(d, d->entries[i].at, &t);
                fputs(buf, to);
        }
        if (d->lost > 0)
                fprintf(to, "%s: and %zu more\n", diag_path(d, 0), d->lost);
}
