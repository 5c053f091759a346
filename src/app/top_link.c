#include "ald/app/top_link.h" /* own declarations */

#include "ald/app/aldctl_show.h" /* show_get_text */
#include "ald/base/time.h"       /* TIME_S */

#include <assert.h> /* assert */
#include <string.h> /* strcmp */

/* How often a lost daemon is looked for; how long it may be silent before it is asked for a sign of life; how long an answer may
 * take. */
#define RETRY_US  (1 * TIME_S)
#define QUIET_US  (2 * TIME_S)
#define ANSWER_US (10 * TIME_S)
enum { MESSAGES_A_TURN = 200 };

/* ---- Asking ---- */

static bool ask(struct top_link *l, const char *verb, json_t *params, bool is_command, int64_t now_us)
{
        for (int i = 0; i < TOP_LINK_ASKED_MAX; i++) {
                if (l->asked[i].id != 0)
                        continue;
                if (!line_send(&l->line, verb, params)) {
                        line_close(&l->line); /* half a request may be on its way */
                        return false;
                }
                l->asked[i].id = l->line.last_id;
                l->asked[i].verb = verb;
                l->asked[i].is_command = is_command;
                l->asked[i].since_us = now_us;
                return true;
        }
        json_decref(params);
        return false;
}

static bool is_asked(const struct top_link *l, const char *verb)
{
        for (int i = 0; i < TOP_LINK_ASKED_MAX; i++)
                if (l->asked[i].id != 0 && strcmp(l->asked[i].verb, verb) == 0)
                        return true;
        return false;
}

/* Whoever waits for the answer to a command learns that none will come. */
static void give_up(struct top_link *l, struct top_model *m, struct top_ask *a, int i)
{
        char buf[160];
        struct text t;

        text_init(&t, buf, sizeof buf);
        text_add(&t, "%s: no answer came; look whether it was done", l->asked[i].verb);
        if (l->asked[i].is_command)
                top_ask_note(a, m, true, buf);
        l->asked[i].id = 0;
}

static void lose(struct top_link *l, struct top_model *m, struct top_ask *a, const char *why, int64_t now_us)
{
        for (int i = 0; i < TOP_LINK_ASKED_MAX; i++)
                if (l->asked[i].id != 0)
                        give_up(l, m, a, i);
        line_close(&l->line);
        l->has_hello = false;
        l->retry_us = now_us + RETRY_US;
        top_model_lost(m, why, now_us);
}

/* ---- Messages ---- */

static void begin(struct top_link *l, struct top_model *m, json_t *hello, int64_t now_us)
{
        l->has_hello = true;
        if (l->line.hello == NULL)
                l->line.hello = json_incref(hello);
        top_model_hello(m, hello, now_us);
        (void)ask(l, "subscribe", NULL, false, now_us);
        (void)ask(l, "tool", NULL, false, now_us);
}

static void take_answer(
    struct top_link *l, struct top_model *m, struct top_ask *a, int i, json_t *message, int64_t now_us)
{
        const char *verb = l->asked[i].verb;
        json_t *result = json_object_get(message, "result"), *error = json_object_get(message, "error");

        l->asked[i].id = 0;
        top_model_heard(m, now_us);
        if (l->asked[i].is_command) {
                top_ask_answer(a, m, verb, result, error);
        } else if (strcmp(verb, "subscribe") == 0) {
                if (result == NULL) {
                        lose(l, m, a, show_get_text(error, "message"), now_us);
                        return;
                }
                top_model_full(m, result, now_us);
                l->is_fresh = true;
        } else if (strcmp(verb, "tool") == 0) {
                top_model_tool(m, result);
        } else if (strcmp(verb, "alarms") == 0) {
                top_model_alarms(m, result);
        }
}

/* The daemon turned us away: too many clients, no permission. */
static void take_refusal(
    struct top_link *l, struct top_model *m, struct top_ask *a, const json_t *message, int64_t now_us)
{
        char why[160];

        (void)text_copy(why, sizeof why, show_get_text(json_object_get(message, "error"), "message"));
        lose(l, m, a, why[0] != '\0' ? why : "what answers there is not aldd", now_us);
}

static void take(struct top_link *l, struct top_model *m, struct top_ask *a, json_t *message, int64_t now_us)
{
        const char *method = show_get_text(message, "method");
        json_t *params = json_object_get(message, "params");
        int id = (int)show_get_number(message, "id", 0);

        if (!l->has_hello) {
                if (strcmp(method, "hello") == 0)
                        begin(l, m, params, now_us);
                else
                        take_refusal(l, m, a, message, now_us);
        } else if (strcmp(method, "update") == 0) {
                top_model_update(m, params, now_us);
        } else if (strcmp(method, "event") == 0) {
                top_model_event(m, params);
        } else if (id == 0 && json_object_get(message, "error") != NULL) {
                take_refusal(l, m, a, message, now_us);
        } else {
                for (int i = 0; i < TOP_LINK_ASKED_MAX; i++)
                        if (id != 0 && l->asked[i].id == id) {
                                take_answer(l, m, a, i, message, now_us);
                                return;
                        }
        }
}

static void read_all(struct top_link *l, struct top_model *m, struct top_ask *a, int64_t now_us)
{
        for (int n = 0; n < MESSAGES_A_TURN && l->line.fd >= 0; n++) {
                json_t *message;
                enum line_got got = line_next(&l->line, 0, &message);

                if (got == LINE_MESSAGE)
                        take(l, m, a, message, now_us);
                else if (got == LINE_CLOSED)
                        lose(l, m, a, "", now_us);
                json_decref(message);
                if (got != LINE_MESSAGE)
                        return;
        }
}

/* ---- Turns ---- */

static void retry(struct top_link *l, struct top_model *m, struct top_ask *a, int64_t now_us)
{
        enum aldctl_exit code;

        if (now_us < l->retry_us)
                return;
        line_close(&l->line);
        code = line_dial(&l->line, l->path);
        l->asked_us = now_us;
        if (code != ALDCTL_OK)
                lose(l, m, a, code == ALDCTL_DENIED ? "no permission" : "", now_us);
}

static void keep_alive(struct top_link *l, struct top_model *m, int64_t now_us)
{
        if (m->wants_alarms && m->view.status != NULL && !is_asked(l, "alarms"))
                m->wants_alarms = !ask(l, "alarms", NULL, false, now_us);
        if (top_model_age_us(m) < QUIET_US || now_us - l->asked_us < QUIET_US || is_asked(l, "status"))
                return;
        l->asked_us = now_us;
        (void)ask(l, "status", NULL, false, now_us);
}

void top_link_run(struct top_link *l, struct top_model *m, struct top_ask *a, int64_t now_us)
{
        if (l->line.fd >= 0)
                read_all(l, m, a, now_us);
        top_model_tick(m, now_us);
        if (l->line.fd < 0) {
                if (m->lost_us < 0)
                        lose(l, m, a, "", now_us);
                retry(l, m, a, now_us);
                return;
        }
        if (!l->has_hello) {
                if (now_us - l->asked_us > ANSWER_US)
                        lose(l, m, a, "it does not answer", now_us);
                return;
        }
        for (int i = 0; i < TOP_LINK_ASKED_MAX; i++)
                if (l->asked[i].id != 0 && l->asked[i].is_command &&
                    now_us - l->asked[i].since_us > ANSWER_US)
                        give_up(l, m, a, i);
        keep_alive(l, m, now_us);
}

void top_link_command(struct top_link *l, struct top_model *m, struct top_ask *a, struct top_send *send)
{
        assert(send->verb != NULL);
        if (l->line.fd < 0 || !l->has_hello) {
                json_decref(send->params);
                top_ask_note(a, m, true, "no connection to the daemon, nothing was sent");
        } else if (!ask(l, send->verb, send->params, true, m->now_us)) {
                top_ask_note(a, m, true, "it could not be sent; look whether it was done");
        }
        send->params = NULL;
}

void top_link_begin(
    struct top_link *l, struct line *open, const char *path, struct top_model *m, int64_t now_us)
{
        *l = (struct top_link){.line = *open, .path = path};
        *open = (struct line){.fd = -1};
        begin(l, m, l->line.hello, now_us);
}

void top_link_end(struct top_link *l)
{
        line_close(&l->line);
}
