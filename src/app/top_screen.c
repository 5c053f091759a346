#include "ald/app/top_screen.h" /* own declarations */

#include "ald/app/aldctl_show.h" /* show_has_colour */
#include "ald/app/top_ask.h"     /* TOP_KEY_* */

#define NCURSES_WIDECHAR 1
#include <curses.h> /* newterm, get_wch, mvadd_wch, tigetstr */
#include <stdint.h> /* intptr_t */
#include <stdlib.h> /* mbtowc */

/* An escape by itself is known after so long. */
enum { ESCAPE_MS = 25 };

static SCREEN *screen;
static bool has_colour;

/* ---- Styles ---- */

static const struct {
        attr_t with, without; /* colour */
        short colour;         /* -1 = the terminal's own */
} styles[TOP_STYLES] = {[TOP_PLAIN] = {A_NORMAL, A_NORMAL, -1},
    [TOP_BOLD] = {A_BOLD, A_BOLD, -1},
    [TOP_DIM] = {A_DIM, A_DIM, -1},
    [TOP_BAR] = {A_REVERSE, A_REVERSE, -1},
    [TOP_ALERT] = {A_REVERSE | A_BOLD, A_REVERSE | A_BOLD, COLOR_RED},
    [TOP_GOOD] = {A_BOLD, A_BOLD, COLOR_GREEN},
    [TOP_OPEN] = {A_BOLD, A_BOLD, COLOR_CYAN},
    [TOP_WARN] = {A_BOLD, A_BOLD, COLOR_YELLOW},
    [TOP_ALARM] = {A_BOLD, A_BOLD | A_UNDERLINE, COLOR_RED}};

static void begin_colours(void)
{
        has_colour =
            show_has_colour(stdout) && has_colors() && start_color() == OK && use_default_colors() == OK;
        for (short i = 0; has_colour && i < TOP_STYLES; i++)
                (void)init_pair((short)(i + 1), styles[i].colour, -1);
}

/* ---- The terminal ---- */

bool top_screen_is_ascii(void)
{
        wchar_t letter = 0;

        return mbtowc(&letter, "\xE2\x94\x80", 3) != 3 || letter != 0x2500;
}

bool top_screen_open(void)
{
        const char *cursor;

        screen = newterm(NULL, stdout, stdin);
        if (screen == NULL)
                return false;
        cursor = tigetstr("cup");
        if (cursor == NULL || (intptr_t)cursor == -1) {
                top_screen_close();
                return false;
        }
        (void)set_escdelay(ESCAPE_MS);
        (void)cbreak();
        (void)noecho();
        (void)nonl();
        (void)keypad(stdscr, TRUE);
        (void)nodelay(stdscr, TRUE);
        (void)curs_set(0);
        begin_colours();
        return true;
}

void top_screen_close(void)
{
        if (screen == NULL)
                return;
        (void)endwin();
        delscreen(screen);
        screen = NULL;
}

void top_screen_size(int *rows, int *columns)
{
        *rows = LINES > 1 ? LINES : 1;
        *columns = COLS > 1 ? COLS : 1;
}

int top_screen_key(void)
{
        wint_t key;

        switch (get_wch(&key)) {
        case OK:
                return (int)key;
        case KEY_CODE_YES:
                if (key == KEY_RESIZE)
                        return TOP_SCREEN_RESIZED;
                return key == KEY_UP ? TOP_KEY_UP : key == KEY_DOWN ? TOP_KEY_DOWN : 0;
        default:
                return TOP_SCREEN_NO_KEY;
        }
}

/* ---- Pictures ---- */

static void show_cell(const struct top_cell *cell, int row, int column)
{
        wchar_t letter[2] = {(wchar_t)cell->letter, L'\0'};
        cchar_t shown;

        if (cell->letter == 0)
                return; /* the letter before reaches here */
        (void)setcchar(&shown, letter, has_colour ? styles[cell->style].with : styles[cell->style].without,
            has_colour ? (short)(cell->style + 1) : 0, NULL);
        (void)mvadd_wch(row, column, &shown);
}

void top_screen_show(const struct top_canvas *c)
{
        for (int row = 0; row < c->rows && row < LINES; row++)
                for (int i = 0; i < c->columns && i < COLS; i++)
                        show_cell(&c->cells[row * c->columns + i], row, i);
        (void)refresh();
}

void top_screen_redraw(void)
{
        (void)clearok(stdscr, TRUE);
}
