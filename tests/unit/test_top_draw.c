/* The pictures of `aldctl top`, compared letter by letter with tests/golden/top/; and what a picture of letters does not
 * show: styles, cuts, a terminal without letters beyond ASCII.
 *
 * ALD_GOLDEN=write build/tests/test_top_draw writes the pictures anew: look at the differences before committing them. */
#include "suite.h"
#include "top_rig.h" /* rig_* */

#include "ald/app/top_canvas.h" /* top_canvas_* */
#include "ald/app/top_draw.h"   /* top_draw */

#include <stdio.h>  /* fopen, open_memstream */
#include <string.h> /* strcmp, strstr */

static struct top_canvas canvas;
static char *shown;
static size_t shown_len;

static void begin(void)
{
        rig_begin(true);
        canvas = (struct top_canvas){.cells = NULL};
        shown = NULL;
}

static void end(void)
{
        free(shown);
        top_canvas_free(&canvas);
        rig_end();
}

static const char *draw(int rows, int columns)
{
        FILE *to;

        free(shown);
        ck_assert(top_canvas_resize(&canvas, rows, columns));
        top_draw(&canvas, &rig_model, &rig_ask);
        to = open_memstream(&shown, &shown_len);
        ck_assert_ptr_nonnull(to);
        top_canvas_print(&canvas, to);
        (void)fclose(to);
        return shown;
}

/* ---- States ---- */

/* Five minutes of a gauge: it rises with the flow, and each pulse of water shows. */
static void make_past(void)
{
        int64_t now_us = rig_model.wall_us;

        for (int64_t t_us = -300 * TIME_S; t_us < 0; t_us += TIME_S / 4) {
                double s = (double)(t_us / 1000) / 1000 + 300, value = s < 60 ? 0.87 : 2.3;
                int phase = (int)s % 41;

                if (s >= 100 && phase >= 21 && phase < 23)
                        value += 0.5;
                top_trend_add(&rig_model.trend, now_us + t_us, value);
        }
        for (int s = 100; s < 300; s++) {
                int64_t at_us = now_us + (s - 300) * TIME_S;

                if (s % 41 == 0)
                        top_trend_know(&rig_model.trend, 0, at_us, at_us + TIME_S);
                if (s % 41 == 21)
                        top_trend_know(&rig_model.trend, 1, at_us, at_us + TIME_S / 10);
        }
}

static void make_idle(void)
{
        rig_update("{\"status\": {\"state\": \"Idle\", \"in_run\": false, \"phase\": \"\", \"step\": \"\", "
                   "\"waiting\": "
                   "\"\", \"heating_left_s\": 0, \"open_in_s\": 0, \"open_waits\": \"\"}, \"tags\": "
                   "{\"carrier.flow.setpoint\": {\"commanded\": 10}, \"carrier.flow\": {\"value\": 10.02}}}");
}

static void make_heat_up(void)
{
        rig_update(
            "{\"tags\": {\"chamber.temperature\": {\"value\": 112.4}, \"nb.temperature\": {\"value\": "
            "41.27}, "
            "\"block.temperature\": {\"value\": 95.0, \"quality\": \"Uncertain\", \"why\": \"held\"}}}");
}

static void make_pulse(void)
{
        rig_update(
            "{\"status\": {\"phase\": \"coat\", \"step\": \"pulse nb 1 s\", \"waiting\": \"\", \"cycle\": 1, "
            "\"step_left_s\": 0.6, \"is_heating\": false, \"heating_left_s\": 0, \"is_bounded\": true}, "
            "\"tags\": "
            "{\"nb.valve\": {\"value\": 1, \"commanded\": 1}, \"water.valve\": {\"value\": 1}}}");
}

static void make_held(void)
{
        rig_update("{\"status\": {\"state\": \"Held\", \"reason\": \"held by olga\", \"phase\": \"coat\", "
                   "\"cycle\": 1, "
                   "\"step\": \"purge 20 s\", \"waiting\": \"\", \"expires_s\": 1790.5, \"expires_then\": "
                   "\"stop\"}}");
}

#define TRIP(id, text, when)                                                                                 \
        "{\"id\": \"" id "\", \"text\": \"" text                                                             \
        "\", \"guidance\": \"Check the exhaust filter and the pump.\", "                                     \
        "\"time\": \"" when "\", \"is_active\": true, \"action\": \"abort\"}"
#define ALARM(id, priority, state, text, when)                                                               \
        "{\"id\": \"" id "\", \"priority\": \"" priority "\", \"state\": \"" state "\", \"text\": \"" text   \
        "\", \"guidance\": \"Do what is to be done about " id ".\", \"time\": \"" when "\", \"age_s\": 3}"
#define OVER "over-pressure: trips on chamber.pressure > 5 Torr (chamber.pressure 6.2 Torr)"

static void make_tripped(void)
{
        rig_update(
            "{\"status\": {\"state\": \"Aborted\", \"in_run\": false, \"step\": \"\", \"waiting\": \"\", "
            "\"reason\": \"" OVER
            "\", \"alarms_shown\": 2, \"alarms_unacknowledged\": 2, \"latches\": [" TRIP("over-pressure",
                OVER, "2026-11-22T04:30:05.100Z") "]}, \"tags\": {\"nb.valve\": {\"quality\": "
                                                  "\"Bad\", \"why\": \"no answer\"}, "
                                                  "\"lid.closed\": {\"value\": 0}, "
                                                  "\"pump.running\": {\"value\": 0}, "
                                                  "\"carrier.flow\": {\"quality\": \"Bad\"}}}");
        rig_alarms("[" ALARM("pump-stopped", "critical", "latched-unacknowledged", "not pump.running",
            "2026-11-22T04:30:07Z") "," ALARM("over-pressure", "high", "latched-unacknowledged", OVER,
            "2026-11-22T04:30:05Z") "]");
}

static void make_flood(void)
{
        char text[8192];
        struct text t;

        make_tripped();
        text_init(&t, text, sizeof text);
        text_add(
            &t, "[" ALARM("pump-stopped", "critical", "latched", "not pump.running",
                    "2026-11-22T04:30:07Z") "," ALARM("over-pressure", "high", "latched-unacknowledged", OVER,
                    "2026-11-22T04:30:05Z") "," ALARM("pressure-high", "high", "shelved",
                    "chamber.pressure > 4 Torr", "2026-11-22T04:30:05Z") "," ALARM("no-carrier", "medium",
                    "returned-unacknowledged", "carrier.flow < 5 sccm", "2026-11-22T04:30:06Z"));
        for (int i = 1; i <= 9; i++)
                text_add(&t,
                    ", {\"id\": \"wear-%d\", \"priority\": \"low\", \"state\": \"unacknowledged\", \"text\": "
                    "\"\", "
                    "\"guidance\": \"\", \"time\": \"2026-11-22T04:30:08Z\"}",
                    i);
        text_add(&t, "]");
        rig_alarms(text);
        rig_update("{\"status\": {\"is_flooded\": true, \"alarms_shown\": 12, \"alarms_unacknowledged\": 11, "
                   "\"alarms_shelved\": 1}}");
}

static void make_silent(void)
{
        make_pulse();
        rig_pass(7 * TIME_S);
}

static void make_lost(void)
{
        make_pulse();
        top_model_lost(&rig_model, "", rig_now_us);
        rig_pass(95 * TIME_S);
}

static void make_asked(void)
{
        rig_update("{\"status\": {\"asks\": \"Is the powder in and the lid closed?\", \"phase\": \"load\", "
                   "\"expires_s\": "
                   "590.0, \"expires_then\": \"abort\", \"is_vented\": true, \"bypasses\": [{\"tag\": "
                   "\"lid.closed\", "
                   "\"user\": \"olga\", \"reason\": \"switch\", \"until\": \"2026-11-22T05:30:00Z\"}], "
                   "\"by_hand_count\": 1, \"by_hand\": \"vent.valve\"}, \"tags\": {\"vent.valve\": "
                   "{\"commanded\": 1}}}");
}

static void make_question(void)
{
        struct top_send send;

        make_pulse();
        ck_assert_int_eq(top_ask_press(&rig_ask, &rig_model, 'h', &send), TOP_DOES_NOTHING);
}

static void make_refusal(void)
{
        json_t *error = rig_read(
            "{\"message\": \"over-pressure still stands\", \"data\": {\"interlock\": \"over-pressure\", "
            "\"condition\": \"chamber.pressure > 5 Torr\", \"values\": \"chamber.pressure 6.2 Torr\", "
            "\"hint\": \"Check the exhaust filter and the pump, then reset again once the pressure is "
            "below its limit.\"}}");

        make_tripped();
        top_ask_answer(&rig_ask, &rig_model, "reset", NULL, error);
        json_decref(error);
}

static void make_help(void)
{
        struct top_send send;

        (void)top_ask_press(&rig_ask, &rig_model, '?', &send);
}

static void make_list(void)
{
        struct top_send send;

        make_flood();
        (void)top_ask_press(&rig_ask, &rig_model, 'i', &send);
}

static const struct {
        const char *name;
        void (*make)(void);
} states[] = {{"idle", make_idle}, {"heat-up", make_heat_up}, {"pulse", make_pulse}, {"held", make_held},
    {"tripped", make_tripped}, {"flood", make_flood}, {"silent", make_silent}, {"lost", make_lost},
    {"asked", make_asked}, {"question", make_question}, {"refusal", make_refusal}, {"help", make_help},
    {"list", make_list}};
enum { STATES = sizeof states / sizeof states[0] };

static const struct {
        int rows, columns;
} sizes[] = {{24, 80}, {40, 120}, {12, 40}};
enum { SIZES = sizeof sizes / sizeof sizes[0] };

/* ---- Golden pictures ---- */

static void compare(const char *picture, const char *path)
{
        const char *write = getenv("ALD_GOLDEN");
        char golden[16384];
        size_t len;
        FILE *f = fopen(path, write != NULL && strcmp(write, "write") == 0 ? "w" : "r");

        ck_assert_msg(f != NULL, "%s cannot be opened", path);
        if (write != NULL && strcmp(write, "write") == 0) {
                ck_assert_uint_eq(fwrite(picture, 1, strlen(picture), f), strlen(picture));
                ck_assert_int_eq(fclose(f), 0);
                return;
        }
        len = fread(golden, 1, sizeof golden - 1, f);
        golden[len] = '\0';
        (void)fclose(f);
        ck_assert_msg(strcmp(golden, picture) == 0, "%s differs from:\n%s", path, picture);
}

START_TEST(pictures_are_as_they_were)
{
        int state = _i % STATES, size = _i / STATES;
        char path[128];

        make_past();
        states[state].make();
        (void)snprintf(path, sizeof path, "tests/golden/top/%s-%dx%d.txt", states[state].name,
            sizes[size].columns, sizes[size].rows);
        compare(draw(sizes[size].rows, sizes[size].columns), path);
}
END_TEST

START_TEST(ascii_is_enough)
{
        canvas.is_ascii = true;
        make_past();
        make_tripped();
        (void)draw(24, 80);
        for (size_t i = 0; i < shown_len; i++)
                ck_assert_msg((unsigned char)shown[i] < 0x7F, "%s", shown + i);
        ck_assert(strchr(shown, '?') == strstr(shown, "? help")); /* every sign has its stand-in */
        compare(shown, "tests/golden/top/ascii-80x24.txt");
}
END_TEST

/* ---- What must be there ---- */

/* Where a text stands; the style of its first letter. */
static enum top_style style_at(const char *text)
{
        for (int row = 0; row < canvas.rows; row++)
                for (int column = 0; column + (int)strlen(text) <= canvas.columns; column++) {
                        const struct top_cell *cell = &canvas.cells[row * canvas.columns + column];
                        size_t i = 0;

                        while (text[i] != '\0' && cell[i].letter == (uint32_t)text[i])
                                i++;
                        if (text[i] == '\0')
                                return cell->style;
                }
        ck_abort_msg("'%s' is not in:\n%s", text, shown);
        return TOP_STYLES;
}

static bool is_shown(const char *text)
{
        return strstr(shown, text) != NULL;
}

START_TEST(any_size_is_drawn)
{
        make_past();
        for (int state = 0; state < STATES; state++) {
                states[state].make();
                for (int rows = 1; rows < 60; rows += state == 0 ? 1 : 7)
                        for (int columns = 1; columns < 260; columns += 13)
                                (void)draw(rows, columns);
        }
}
END_TEST

/* Nobody is misled by colours that are not seen: the signs say it too. */
START_TEST(old_and_bad_values_are_marked)
{
        make_pulse();
        (void)draw(24, 80);
        ck_assert(is_shown("175 degC") && strchr(shown, '?') == strstr(shown, "? help"));
        ck_assert_int_ne(style_at("174.1"), TOP_DIM);
        rig_update("{\"tags\": {\"nb.temperature\": {\"quality\": \"Bad\"}, \"carrier.flow\": {\"quality\": "
                   "\"Uncertain\"}}}");
        (void)draw(24, 80);
        ck_assert(is_shown("109.0 ! < 110 degC"));
        ck_assert_int_eq(style_at("109.0 !"), TOP_ALARM);
        ck_assert(is_shown("70.1 ? = 70 sccm"));
        rig_pass(TOP_SILENCE_US);
        (void)draw(24, 80);
        ck_assert(is_shown("NO ANSWER for 5 s"));
        ck_assert(is_shown("174.1 ?") && is_shown("open?") && is_shown("pump on?"));
        ck_assert_int_eq(style_at("174.1 ?"), TOP_DIM);
}
END_TEST

START_TEST(a_valve_that_does_not_follow_says_so)
{
        rig_update(
            "{\"tags\": {\"nb.valve\": {\"commanded\": 1, \"value\": 0}, \"water.valve\": {\"commanded\": 0, "
            "\"value\": 1}}}");
        (void)draw(24, 80);
        ck_assert(is_shown("opens") && is_shown("closes"));
}
END_TEST

START_TEST(the_first_out_is_on_top_of_a_flood)
{
        make_flood();
        (void)draw(24, 80);
        ck_assert(is_shown("A FLOOD OF ALARMS: 12, 11 not acknowledged (k), 1 shelved"));
        ck_assert_ptr_nonnull(strstr(shown, "first high over-pressure"));
        ck_assert(!is_shown("wear-1"));
        (void)draw(40, 120);
        ck_assert_ptr_nonnull(strstr(shown, "first high over-pressure"));
        ck_assert(strstr(shown, "first high over-pressure") < strstr(shown, "pump-stopped"));
        ck_assert(!is_shown("wear-1"));
        ck_assert(is_shown("those of low priority among them"));
}
END_TEST

START_TEST(everything_of_the_tool_is_there)
{
        static const char *const words[] = {"carrier", "nb", "water", "vent", "exhaust", "soft", "pump",
            "nb-line", "block", "trap", "bed", "lid closed", "chamber", "safe to open in about 45 min",
            "heat-up about 12 min", "2 min 2"};

        (void)draw(24, 80);
        for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
                ck_assert_msg(is_shown(words[i]), "'%s' is not in:\n%s", words[i], shown);
}
END_TEST

/* An older daemon tells less; nothing is made up. */
START_TEST(what_is_not_told_is_not_shown)
{
        (void)json_object_del(rig_model.view.status, "open_in_s");
        (void)json_object_del(rig_model.view.status, "heating_left_s");
        (void)draw(24, 80);
        ck_assert(!is_shown("safe to open"));
        ck_assert(is_shown("left + heat-up;"));
}
END_TEST

START_TEST(somebody_elses_text_cannot_steer_the_terminal)
{
        rig_update("{\"status\": {\"waiting\": \"\\u001b[2J\\u0007\\tover\"}}");
        (void)draw(24, 80);
        ck_assert(is_shown("waiting for ?[2J??over"));
        for (size_t i = 0; i < shown_len; i++)
                ck_assert((unsigned char)shown[i] >= ' ' || shown[i] == '\n');
}
END_TEST

/* ---- The canvas ---- */

START_TEST(letters_take_their_columns)
{
        ck_assert(top_canvas_resize(&canvas, 1, 10));
        ck_assert_int_eq(top_canvas_put(&canvas, 0, 0, 4, TOP_PLAIN, "abcd"), 4);
        ck_assert_int_eq(top_canvas_put(&canvas, 0, 0, 3, TOP_PLAIN, "abcd"), 3);
        ck_assert_uint_eq(canvas.cells[2].letter, 0x2026);
        ck_assert_int_eq(top_canvas_put(&canvas, 0, 8, 9, TOP_PLAIN, "abcd"), 10); /* cut at the edge */
        top_canvas_clear(&canvas);
        ck_assert_int_eq(top_canvas_put(&canvas, 0, 0, 10, TOP_PLAIN, "\xE6\xB0\xB4-"), 3); /* wide */
        ck_assert_uint_eq(canvas.cells[0].letter, 0x6C34);
        ck_assert_uint_eq(canvas.cells[1].letter, 0);
        ck_assert_int_eq(top_canvas_put(&canvas, 0, 0, 10, TOP_PLAIN, "\xFF\x01"), 2);
        ck_assert_uint_eq(canvas.cells[0].letter, '?');
        ck_assert_uint_eq(canvas.cells[1].letter, '?');
        ck_assert_int_eq(
            top_canvas_put(&canvas, 0, -2, 4, TOP_PLAIN, "abcd"), 2); /* the left part is outside */
        ck_assert_uint_eq(canvas.cells[0].letter, 'c');
        (void)top_canvas_put(&canvas, 7, 0, 4, TOP_PLAIN, "abcd"); /* outside */
}
END_TEST

START_TEST(text_wraps_between_words)
{
        ck_assert(top_canvas_resize(&canvas, 3, 10));
        ck_assert_int_eq(top_canvas_wrap(&canvas, 0, 3, 0, 10, TOP_PLAIN, "one two three four five"), 3);
        ck_assert_uint_eq(canvas.cells[10].letter, 't');
        ck_assert_int_eq(top_canvas_wrap(&canvas, 0, 2, 0, 10, TOP_PLAIN, "one two three four five"), 2);
        ck_assert_uint_eq(canvas.cells[19].letter, 0x2026);
        ck_assert_int_eq(top_canvas_wrap(&canvas, 0, 3, 0, 10, TOP_PLAIN, ""), 0);
}
END_TEST

int main(void)
{
        const TTest *const tests[] = {ascii_is_enough, any_size_is_drawn, old_and_bad_values_are_marked,
            a_valve_that_does_not_follow_says_so, the_first_out_is_on_top_of_a_flood,
            everything_of_the_tool_is_there, what_is_not_told_is_not_shown,
            somebody_elses_text_cannot_steer_the_terminal, letters_take_their_columns,
            text_wraps_between_words};
        Suite *suite = suite_create("top_draw");
        TCase *tc = tcase_create("pictures");

        tcase_add_checked_fixture(tc, begin, end);
        tcase_add_loop_test(tc, pictures_are_as_they_were, 0, STATES * SIZES);
        for (size_t i = 0; i < sizeof tests / sizeof tests[0]; i++)
                tcase_add_test(tc, tests[i]);
        suite_add_tcase(suite, tc);
        return suite_main(suite);
}
