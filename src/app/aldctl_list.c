/* aldctl status, tags, interlocks, alarms: one question, one answer. */
#include "ald/app/aldctl.h"        /* own declarations */
#include "ald/app/aldctl_line.h"   /* line_ask */
#include "ald/app/aldctl_matrix.h" /* matrix_print */
#include "ald/app/aldctl_show.h"   /* show_* */
#include "ald/app/aldctl_view.h"   /* view_add_line */

#include <string.h> /* strcmp */

/* Ask one question on a connection of its own. */
static enum aldctl_exit question(const struct aldctl_options *o, const char *verb, json_t **result)
{
        struct line l;
        enum aldctl_exit code = line_open(&l, o);

        *result = NULL;
        if (code == ALDCTL_OK)
                code = line_ask(&l, o, verb, NULL, result);
        line_close(&l);
        return code;
}

enum aldctl_exit aldctl_status(const struct aldctl_command *self, const struct aldctl_options *o)
{
        char buf[1024];
        struct text t;
        json_t *status;
        enum aldctl_exit code = question(o, self->name, &status);

        if (code != ALDCTL_OK)
                return code;
        if (o->json) {
                show_json(status);
                return ALDCTL_OK;
        }
        text_init(&t, buf, sizeof buf);
        view_add_line(&t, status);
        show_wrapped(stdout, buf, 0, 2);
        (void)fputc('\n', stdout);
        view_print_concerns(stdout, status);
        json_decref(status);
        return ALDCTL_OK;
}

/* ---- tags ---- */

static void add_commanded(struct text *t, const json_t *tag)
{
        const char *kind = show_get_text(tag, "kind");
        const json_t *commanded = json_object_get(tag, "commanded");
        bool is_on = show_get_number(tag, "commanded", 0) != 0;

        if (!json_is_number(commanded))
                return;
        if (strcmp(kind, "valve") == 0)
                text_add(t, "%s", is_on ? "open" : "closed");
        else if (strcmp(kind, "switch") == 0)
                text_add(t, "%s", is_on ? "on" : "off");
        else
                text_add_number(t, json_number_value(commanded), 6);
}

static void print_tag(const json_t *tag)
{
        char commanded[40], quality[80], age[32];
        const char *why = show_get_text(tag, "why"), *text = show_get_text(tag, "text");
        bool is_good = strcmp(show_get_text(tag, "quality"), "Good") == 0;
        struct text t;

        text_init(&t, commanded, sizeof commanded);
        add_commanded(&t, tag);
        text_init(&t, quality, sizeof quality);
        text_add(&t, "%s%s%s%s", show_get_text(tag, "quality"), why[0] != '\0' ? " (" : "", why,
            why[0] != '\0' ? ")" : "");
        text_init(&t, age, sizeof age);
        if (show_get_number(tag, "age_s", -1) >= 0)
                show_add_seconds(&t, show_get_number(tag, "age_s", 0));
        (void)printf("%-30s %-16s %-10s %s%-22s%s %-8s ", show_get_text(tag, "name"),
            text[0] != '\0' ? text : "-", commanded, is_good ? "" : show_colour(stdout, SHOW_YELLOW), quality,
            is_good ? "" : show_colour(stdout, SHOW_PLAIN), age);
        show_text(stdout, show_get_text(tag, "failsafe"), false);
        (void)fputc('\n', stdout);
}

/* What the values rest on that nobody has tried. */
static enum aldctl_exit print_unverified(const struct aldctl_options *o)
{
        json_t *status;
        enum aldctl_exit code = question(o, "status", &status);

        if (code != ALDCTL_OK)
                return code;
        view_print_unverified(stdout, status);
        json_decref(status);
        return ALDCTL_OK;
}

enum aldctl_exit aldctl_tags(const struct aldctl_command *self, const struct aldctl_options *o)
{
        json_t *tags;
        enum aldctl_exit code = question(o, self->name, &tags);

        if (code != ALDCTL_OK)
                return code;
        if (o->json) {
                show_json(tags);
                return ALDCTL_OK;
        }
        (void)printf("%s%-30s %-16s %-10s %-22s %-8s %s%s\n", show_colour(stdout, SHOW_BOLD), "TAG", "VALUE",
            "COMMANDED", "QUALITY", "AGE", "FAIL-SAFE", show_colour(stdout, SHOW_PLAIN));
        for (size_t i = 0; i < json_array_size(tags); i++)
                print_tag(json_array_get(tags, i));
        json_decref(tags);
        return print_unverified(o);
}

/* ---- interlocks ---- */

static void add_outputs(struct text *t, const json_t *lock)
{
        const json_t *outputs = json_object_get(lock, "outputs");

        for (size_t i = 0; i < json_array_size(outputs); i++)
                text_add(t, "%s%s", i > 0 ? ", " : "", json_string_value(json_array_get(outputs, i)));
}

static void print_line(const char *name, const char *text)
{
        if (text[0] == '\0')
                return;
        (void)printf("    %-8s ", name);
        show_wrapped(stdout, text, 13, 13);
        (void)fputc('\n', stdout);
}

/* How long the cause must stand, and how long an unreadable input is borne. */
static void print_times(const json_t *lock)
{
        bool is_permit = strcmp(show_get_text(lock, "kind"), "permit") == 0;
        char buf[120];
        struct text t;

        text_init(&t, buf, sizeof buf);
        if (show_get_number(lock, "for_s", 0) > 0) {
                text_add(&t, "for ");
                show_add_seconds(&t, show_get_number(lock, "for_s", 0));
        }
        if (!is_permit) {
                text_add(&t, "%sunreadable for ", t.len > 0 ? ", or " : "");
                show_add_seconds(&t, show_get_number(lock, "grace_s", 0));
        }
        print_line("", buf);
}

static void print_interlock(const json_t *lock)
{
        char outputs[512];
        enum show_colour colour;
        const char *word = matrix_lock_word(lock, &colour), *kind = show_get_text(lock, "kind");
        struct text t;

        text_init(&t, outputs, sizeof outputs);
        add_outputs(&t, lock);
        (void)printf("%s%s%s: %s%s%s\n", show_colour(stdout, SHOW_BOLD), show_get_text(lock, "id"),
            show_colour(stdout, SHOW_PLAIN), show_colour(stdout, colour), word,
            show_colour(stdout, SHOW_PLAIN));
        if (strcmp(kind, "exclusive") == 0) {
                text_add(&t, " never together");
                if (show_get_number(lock, "purge_between_s", 0) > 0) {
                        text_add(&t, ", purge between ");
                        show_add_seconds(&t, show_get_number(lock, "purge_between_s", 0));
                }
                print_line("outputs", outputs);
                return;
        }
        print_line(strcmp(kind, "trip") == 0      ? "trips if"
                   : strcmp(kind, "suspend") == 0 ? "waits if"
                                                  : "while",
            show_get_text(lock, "condition"));
        print_times(lock);
        print_line("armed by", show_get_text(lock, "arm"));
        print_line("now", show_get_text(lock, "values"));
        print_line("then", show_get_text(lock, "action"));
        print_line("sets", show_get_text(lock, "sets"));
        print_line("opens", outputs);
        print_line("guidance", show_get_text(lock, "guidance"));
}

enum aldctl_exit aldctl_interlocks(const struct aldctl_command *self, const struct aldctl_options *o)
{
        json_t *locks;
        enum aldctl_exit code = question(o, self->name, &locks);

        if (code != ALDCTL_OK)
                return code;
        if (o->json) {
                show_json(locks);
                return ALDCTL_OK;
        }
        matrix_print(stdout, locks);
        (void)fputc('\n', stdout);
        for (size_t i = 0; i < json_array_size(locks); i++)
                print_interlock(json_array_get(locks, i));
        json_decref(locks);
        return ALDCTL_OK;
}

/* ---- alarms ---- */

static enum show_colour alarm_colour(const json_t *alarm)
{
        const char *priority = show_get_text(alarm, "priority"), *state = show_get_text(alarm, "state");

        if (strcmp(state, "shelved") == 0 || strcmp(state, "suppressed") == 0)
                return SHOW_DIM;
        return strcmp(priority, "high") == 0 || strcmp(priority, "critical") == 0 ? SHOW_RED : SHOW_YELLOW;
}

static void print_shelf(const json_t *alarm)
{
        char when[SHOW_TIME_CAP], buf[256];
        struct text t;

        if (show_get_text(alarm, "shelved_until")[0] == '\0')
                return;
        show_local(show_parse_time(show_get_text(alarm, "shelved_until")), false, when);
        text_init(&t, buf, sizeof buf);
        text_add(&t, "until %s by %s: %s", when, show_get_text(alarm, "shelved_by"),
            show_get_text(alarm, "shelved_reason"));
        print_line("shelved", buf);
}

static void print_alarm(const json_t *alarm)
{
        char age[32] = "-", text[256];
        struct text t;

        if (show_get_number(alarm, "age_s", -1) >= 0) {
                text_init(&t, age, sizeof age);
                show_add_seconds(&t, show_get_number(alarm, "age_s", 0));
        }
        (void)printf("%-9s %-24s %s%-24s%s %s\n", show_get_text(alarm, "priority"),
            show_get_text(alarm, "id"), show_colour(stdout, alarm_colour(alarm)),
            show_get_text(alarm, "state"), show_colour(stdout, SHOW_PLAIN), age);
        text_init(&t, text, sizeof text);
        text_add(&t, "%s%s", show_get_text(alarm, "text"),
            json_is_true(json_object_get(alarm, "is_chattering")) ? " (chatters)" : "");
        print_line("came as", text);
        print_line("guidance", show_get_text(alarm, "guidance"));
        print_shelf(alarm);
}

enum aldctl_exit aldctl_alarms(const struct aldctl_command *self, const struct aldctl_options *o)
{
        json_t *alarms;
        enum aldctl_exit code = question(o, self->name, &alarms);

        if (code != ALDCTL_OK)
                return code;
        if (o->json) {
                show_json(alarms);
                return ALDCTL_OK;
        }
        if (json_array_size(alarms) == 0)
                (void)printf("no alarms\n");
        else
                (void)printf("%s%-9s %-24s %-24s %s%s\n", show_colour(stdout, SHOW_BOLD), "PRIORITY", "ALARM",
                    "STATE", "AGE", show_colour(stdout, SHOW_PLAIN));
        for (size_t i = 0; i < json_array_size(alarms); i++)
                print_alarm(json_array_get(alarms, i));
        json_decref(alarms);
        return ALDCTL_OK;
}
