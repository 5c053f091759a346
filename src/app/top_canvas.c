#include "ald/app/top_canvas.h" /* own declarations */

#include "ald/app/aldctl_show.h" /* show_fit_words */

#include <assert.h> /* assert */
#include <stdarg.h> /* va_list */
#include <stdlib.h> /* calloc, free */
#include <string.h> /* strlen */
#include <wchar.h>  /* wcwidth */

enum { ELLIPSIS = 0x2026 };

bool top_canvas_resize(struct top_canvas *c, int rows, int columns)
{
        struct top_cell *cells;

        assert(rows >= 1 && columns >= 1);
        cells = calloc((size_t)rows * (size_t)columns, sizeof *cells);
        if (cells == NULL)
                return false;
        free(c->cells);
        c->cells = cells;
        c->rows = rows;
        c->columns = columns;
        top_canvas_clear(c);
        return true;
}

void top_canvas_free(struct top_canvas *c)
{
        free(c->cells);
        *c = (struct top_canvas){.cells = NULL};
}

void top_canvas_clear(struct top_canvas *c)
{
        for (int i = 0; i < c->rows * c->columns; i++)
                c->cells[i] = (struct top_cell){.letter = ' ', .style = TOP_PLAIN};
}

/* ---- Letters ---- */

/* What stands for a sign where the terminal has ASCII only. */
static uint32_t ascii(uint32_t letter)
{
        static const struct {
                uint32_t from;
                char to;
        } signs[] = {{0x2500, '-'}, {0x2501, '='}, {0x2502, '|'}, {0x2503, '|'}, {0x250C, '+'}, {0x2510, '+'},
            {0x2514, '+'}, {0x2518, '+'}, {0x251C, '+'}, {0x2524, '+'}, {0x252B, '+'}, {0x2523, '+'},
            {0x2513, '+'}, {0x251B, '+'}, {0x250F, '+'}, {0x2517, '+'}, {0x253C, '+'}, {0x254B, '+'},
            {0x25CF, '@'}, {0x25CB, 'o'}, {0x25B6, '>'}, {ELLIPSIS, '~'}, {0x2588, '#'}, {0x2580, '#'},
            {0x00B7, '.'}, {0x2013, '-'}, {0x00B0, 'd'}, {0x00B5, 'u'}};

        for (size_t i = 0; i < sizeof signs / sizeof signs[0]; i++)
                if (signs[i].from == letter)
                        return (uint32_t)signs[i].to;
        return letter < 0x7F ? letter : '?';
}

/* The next letter of UTF-8 text and its columns (0: none, it joins the one before); the bytes taken. */
static size_t next_letter(const struct top_canvas *c, const char *p, uint32_t *letter, int *columns)
{
        size_t len = text_letter(p, strlen(p));
        uint32_t value = (unsigned char)p[0];

        *columns = 1;
        if (len == 0 || value < ' ' || value == 0x7F) {
                *letter = '?';
                return 1;
        }
        if (len > 1) {
                value &= 0x7Fu >> len;
                for (size_t i = 1; i < len; i++)
                        value = value << 6 | ((unsigned char)p[i] & 0x3F);
                *columns = c->is_ascii ? 1 : wcwidth((wchar_t)value);
                if (c->is_ascii)
                        value = ascii(value);
        }
        if (*columns < 0) {
                *columns = 1;
                value = '?';
        }
        *letter = value;
        return len;
}

static void set_cell(struct top_canvas *c, int row, int column, enum top_style style, uint32_t letter)
{
        if (row < 0 || row >= c->rows || column < 0 || column >= c->columns)
                return;
        c->cells[row * c->columns + column] = (struct top_cell){.letter = letter, .style = style};
}

/* How many columns the text takes. */
static int measure(const struct top_canvas *c, const char *text)
{
        int sum = 0, columns;
        uint32_t letter;

        while (*text != '\0') {
                text += next_letter(c, text, &letter, &columns);
                sum += columns;
        }
        return sum;
}

int top_canvas_put(
    struct top_canvas *c, int row, int column, int width, enum top_style style, const char *text)
{
        int end = column + width < c->columns ? column + width : c->columns, columns;
        bool is_cut = measure(c, text) > end - column;
        uint32_t letter;

        while (*text != '\0') {
                text += next_letter(c, text, &letter, &columns);
                if (columns == 0)
                        continue;
                if (column + columns > end - is_cut)
                        break;
                set_cell(c, row, column, style, letter);
                if (columns == 2)
                        set_cell(c, row, column + 1, style, 0);
                column += columns;
        }
        if (is_cut && column < end)
                set_cell(c, row, column++, style, c->is_ascii ? ascii(ELLIPSIS) : ELLIPSIS);
        return column;
}

int top_canvas_say(
    struct top_canvas *c, int row, int column, int width, enum top_style style, const char *fmt, ...)
{
        char buf[512];
        struct text t;
        va_list args;

        text_init(&t, buf, sizeof buf);
        va_start(args, fmt);
        text_addv(&t, fmt, args);
        va_end(args);
        return top_canvas_put(c, row, column, width, style, buf);
}

int top_canvas_wrap(
    struct top_canvas *c, int row, int rows, int column, int width, enum top_style style, const char *text)
{
        int used = 0;

        while (*text != '\0' && used < rows && width > 0) {
                bool is_last = used + 1 == rows;
                size_t n = is_last ? strlen(text) : show_fit_words(text, width);
                char part[512];

                if (n > sizeof part - 1)
                        n = show_fit(text, (int)(sizeof part / 4) - 1);
                (void)memcpy(part, text, n);
                part[n] = '\0';
                (void)top_canvas_put(c, row + used, column, width, style, part);
                text += n + (text[n] == ' ');
                used++;
        }
        return used;
}

void top_canvas_fill(
    struct top_canvas *c, int row, int column, int count, enum top_style style, uint32_t letter)
{
        for (int i = 0; i < count; i++)
                set_cell(c, row, column + i, style, c->is_ascii ? ascii(letter) : letter);
}

void top_canvas_rule(struct top_canvas *c, int row, enum top_style style, const char *text)
{
        int end;

        top_canvas_fill(c, row, 0, c->columns, TOP_DIM, 0x2500);
        end = top_canvas_say(c, row, 2, c->columns - 4, style, " %s ", text);
        assert(end <= c->columns);
}

void top_canvas_frame(struct top_canvas *c, int row, int column, int rows, int columns, enum top_style style)
{
        for (int i = 0; i < rows; i++) {
                bool is_edge = i == 0 || i == rows - 1;

                top_canvas_fill(c, row + i, column, columns, style, is_edge ? 0x2500 : ' ');
                top_canvas_fill(c, row + i, column, 1, style,
                    i == 0          ? 0x250C
                    : i == rows - 1 ? 0x2514
                                    : 0x2502);
                top_canvas_fill(c, row + i, column + columns - 1, 1, style,
                    i == 0          ? 0x2510
                    : i == rows - 1 ? 0x2518
                                    : 0x2502);
        }
}

void top_canvas_veil(struct top_canvas *c, int from_row, int to_row)
{
        for (int row = from_row < 0 ? 0 : from_row; row < to_row && row < c->rows; row++)
                for (int i = 0; i < c->columns; i++)
                        c->cells[row * c->columns + i].style = TOP_DIM;
}

/* ---- Text ---- */

static void print_letter(uint32_t letter, FILE *to)
{
        if (letter < 0x80) {
                (void)fputc((int)letter, to);
        } else if (letter < 0x800) {
                (void)fprintf(to, "%c%c", (int)(0xC0 | letter >> 6), (int)(0x80 | (letter & 0x3F)));
        } else if (letter < 0x10000) {
                (void)fprintf(to, "%c%c%c", (int)(0xE0 | letter >> 12), (int)(0x80 | (letter >> 6 & 0x3F)),
                    (int)(0x80 | (letter & 0x3F)));
        } else {
                (void)fprintf(to, "%c%c%c%c", (int)(0xF0 | letter >> 18), (int)(0x80 | (letter >> 12 & 0x3F)),
                    (int)(0x80 | (letter >> 6 & 0x3F)), (int)(0x80 | (letter & 0x3F)));
        }
}

void top_canvas_print(const struct top_canvas *c, FILE *to)
{
        for (int row = 0; row < c->rows; row++) {
                const struct top_cell *cells = &c->cells[row * c->columns];
                int end = c->columns;

                while (end > 0 && cells[end - 1].letter == ' ')
                        end--;
                for (int i = 0; i < end; i++)
                        if (cells[i].letter != 0)
                                print_letter(cells[i].letter, to);
                (void)fputc('\n', to);
        }
}
