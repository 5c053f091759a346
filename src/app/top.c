/* aldctl top: the tool on one screen.
 *
 * One loop waits for keys and for the time of the next picture, whichever comes first. The model
 * (top_model) is folded from what the daemon sends, the picture (top_draw) is drawn from the model, the screen (top_screen)
 * writes what differs. */
#include "ald/app/aldctl.h"      /* own declaration */
#include "ald/app/aldctl_show.h" /* show_error */
#include "ald/app/top_ask.h"     /* top_ask_press */
#include "ald/app/top_draw.h"    /* top_draw */
#include "ald/app/top_link.h"    /* top_link_run */
#include "ald/app/top_past.h"    /* top_past_fill */
#include "ald/app/top_screen.h"  /* top_screen_show */
#include "ald/base/time.h"       /* TIME_MS */

#include <locale.h> /* setlocale */
#include <poll.h>   /* poll */
#include <signal.h> /* sigaction */
#include <stdlib.h> /* calloc */
#include <time.h>   /* clock_gettime */
#include <unistd.h> /* isatty */

/* Pictures come at most so often; a key shows at once. */
#define PICTURE_US (200 * TIME_MS)
/* The record is asked for pulses so often in a run. */
#define LOOK_US (10 * TIME_S)

static volatile sig_atomic_t is_ended;

struct top {
        struct top_model model;
        struct top_ask ask;
        struct top_link link;
        struct top_canvas canvas;
        const char *db; /* NULL: as the daemon says */
        int64_t drawn_us, looked_us;
        bool is_pressed; /* a key was: show what it did */
};

static void on_end(int number)
{
        (void)number;
        is_ended = 1;
}

/* The terminal is given back in the loop's own time. */
static void catch_ends(void)
{
        static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
        struct sigaction action = {.sa_handler = on_end};

        (void)sigemptyset(&action.sa_mask);
        for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++)
                (void)sigaction(signals[i], &action, NULL);
}

static int64_t now_us(void)
{
        struct timespec t;

        (void)clock_gettime(CLOCK_MONOTONIC, &t);
        return (int64_t)t.tv_sec * TIME_S + t.tv_nsec / 1000;
}

/* ---- One turn ---- */

/* For a key, or for the time of the next picture: what the daemon says is read then, ten times a second would wake us for
 * nothing. */
static void wait_for_key(const struct top *top)
{
        struct pollfd keys = {.fd = STDIN_FILENO, .events = POLLIN};
        int64_t left_us = top->drawn_us + PICTURE_US - now_us();

        (void)poll(&keys, 1, left_us > 0 ? (int)(left_us / TIME_MS) + 1 : 0);
        if ((keys.revents & (POLLHUP | POLLERR | POLLNVAL)) != 0)
                is_ended = 1;
}

/* The picture has the size of the terminal; false: memory is out. */
static bool fit(struct top *top)
{
        int rows, columns;

        top_screen_size(&rows, &columns);
        if (rows == top->canvas.rows && columns == top->canvas.columns)
                return true;
        return top_canvas_resize(&top->canvas, rows, columns);
}

static void take_keys(struct top *top)
{
        int key;

        while (!is_ended && (key = top_screen_key()) != TOP_SCREEN_NO_KEY) {
                struct top_send send;

                top->is_pressed = true;
                if (key == TOP_SCREEN_RESIZED || key == 'L' - '@') {
                        top_screen_redraw();
                        continue;
                }
                if (!top_draw_fits(&top->canvas) && key != 'q')
                        continue; /* nobody answers what cannot be read */
                switch (top_ask_press(&top->ask, &top->model, key, &send)) {
                case TOP_DOES_NOTHING:
                        break;
                case TOP_DOES_QUIT:
                        is_ended = 1;
                        break;
                case TOP_DOES_SEND:
                        top_link_command(&top->link, &top->model, &top->ask, &send);
                        break;
                }
        }
}

/* What the record knows: all of the window after a new begin, then the pulses of each cycle once they are written. */
static void look_back(struct top *top)
{
        const char *path = top->db != NULL ? top->db : show_get_text(top->link.line.hello, "db");
        bool in_run = json_is_true(json_object_get(top->model.view.status, "in_run"));

        if (top->link.is_fresh)
                top_past_fill(&top->model, path);
        else if (in_run && now_us() - top->looked_us >= LOOK_US)
                top_past_refresh(&top->model, path);
        else
                return;
        top->link.is_fresh = false;
        top->looked_us = now_us();
}

static bool follow(struct top *top)
{
        while (!is_ended) {
                wait_for_key(top);
                take_keys(top);
                top_link_run(&top->link, &top->model, &top->ask, now_us());
                look_back(top);
                top_ask_tick(&top->ask, &top->model);
                if (!fit(top))
                        return false;
                if (!top_draw_fits(&top->canvas))
                        top_ask_leave(&top->ask);
                if (!top->is_pressed && now_us() < top->drawn_us + PICTURE_US)
                        continue;
                top_draw(&top->canvas, &top->model, &top->ask);
                top_screen_show(&top->canvas);
                top->drawn_us = now_us();
                top->is_pressed = false;
        }
        return true;
}

/* ---- Begin and end ---- */

static enum aldctl_exit refuse(const struct aldctl_options *o)
{
        if (o->json)
                return line_say(o, ALDCTL_USAGE, "top shows a screen and has no --json",
                    "`aldctl watch --json` has it for programs");
        if (isatty(STDIN_FILENO) != 1 || isatty(STDOUT_FILENO) != 1)
                return line_say(o, ALDCTL_FAILED, "top needs a terminal for its screen and keys",
                    "`aldctl watch` writes lines anywhere");
        return ALDCTL_OK;
}

static enum aldctl_exit show(struct top *top, const struct aldctl_options *o, struct line *l)
{
        bool is_sound;

        if (!top_screen_open())
                return line_say(o, ALDCTL_FAILED, "this terminal (TERM) cannot show a screen",
                    "`aldctl watch` writes lines on any");
        catch_ends();
        top_model_init(&top->model);
        top->db = o->db;
        top->canvas.is_ascii = top_screen_is_ascii();
        top_link_begin(&top->link, l, o->socket, &top->model, now_us());
        is_sound = follow(top);
        top_screen_close();
        top_link_end(&top->link);
        top_model_free(&top->model);
        top_canvas_free(&top->canvas);
        if (!is_sound)
                show_error("memory is out");
        return is_sound ? ALDCTL_OK : ALDCTL_FAILED;
}

enum aldctl_exit aldctl_top(const struct aldctl_command *self, const struct aldctl_options *o)
{
        struct top *top;
        struct line l = {.fd = -1};
        enum aldctl_exit code = refuse(o);

        (void)self;
        if (code != ALDCTL_OK)
                return code;
        (void)setlocale(LC_CTYPE, "");
        code = line_open(&l, o);
        top = code == ALDCTL_OK ? calloc(1, sizeof *top) : NULL;
        if (top != NULL)
                code = show(top, o, &l);
        else if (code == ALDCTL_OK)
                show_error("memory is out");
        free(top);
        line_close(&l);
        return code;
}
