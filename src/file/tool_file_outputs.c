/* What only outputs have: limits, safe value, verification, leases, fail-safe. A default that could hurt is refused:
 * limits, safe and failsafe must be written. */
#include "ald/base/time.h"          /* TIME_MS */
#include "ald/file/tool_file_tag.h" /* struct tool_file_work */
#include "ald/file/value.h"         /* value_read */

#include <math.h>   /* fabs */
#include <string.h> /* strncmp */

/* Silence of the core beyond this brings an output to its safe value. It is longer than the device watchdogs (1 s),
 * which are the faster protection where there is one, and the same for every output: what silence leads to is what
 * `safe` says, be it off or running. */
static const int64_t lease_us_default = 2 * TIME_S;
/* Four turns of the core (CORE_TURN_US_MAX): a shorter lease would lapse in a healthy one. */
static const int64_t lease_us_least = 200 * TIME_MS;

const struct key_word tool_file_manual_words[] = {{"outside", TOOL_MANUAL_OUTSIDE},
    {"inside", TOOL_MANUAL_INSIDE}, {"never", TOOL_MANUAL_NEVER}, {NULL, 0}};

/* What makes an output safe without us: a word, or "external: TEXT" as a text or as a mapping. */
static const struct key_word failsafes[] = {
    {"watchdog", TOOL_FAILSAFE_WATCHDOG}, {"device_timed", TOOL_FAILSAFE_DEVICE_TIMED}, {NULL, 0}};
static const struct key_word external_words[] = {{"external:", TOOL_FAILSAFE_EXTERNAL}, {NULL, 0}};
static const struct key failsafe_rows[] = {{"external", KEY_NODE, true, .holds = &shape_text,
    .help = "in words, what makes it safe outside of the modules"}};
const struct keys tool_file_failsafe_keys = KEYS("failsafe", failsafe_rows);
static const struct shape failsafe_word = {.kind = SHAPE_WORD, .words = failsafes};
static const struct shape external_text = {.kind = SHAPE_BEGIN, .words = external_words};
static const struct shape external_map = {.kind = SHAPE_KEYS, .keys = &tool_file_failsafe_keys};
static const struct shape external = {.kind = SHAPE_EITHER, .of = &external_text, .or_else = &external_map};
const struct shape tool_file_failsafe_shape = {
    .kind = SHAPE_EITHER, .of = &failsafe_word, .or_else = &external};

static int find_word(const struct key_word *words, const char *text)
{
        for (; words->name; words++)
                if (strcmp(words->name, text) == 0)
                        return words->value;
        return -1;
}

static void take_limits(struct tool_file_work *w)
{
        struct tool_tag *tag = w->tag;
        const struct yaml_node *node = w->raw->limits;
        if (tag->is_bit) {
                tag->limit_max = 1;
                if (node)
                        tool_file_fail_tag(w, "limits", "a bit has no limits");
        } else if (!node) {
                tool_file_fail_tag(
                    w, "limits", "'limits' is missing: what may be commanded, [lowest, highest]");
        } else if (tag->unit) {
                reader_range(&w->f->r, node, "limits", tag->unit, &tag->limit_min, &tag->limit_max);
        }
}

static void take_safe(struct tool_file_work *w)
{
        struct tool_tag *tag = w->tag;
        const struct yaml_node *node = w->raw->safe;
        if (!node) {
                tool_file_fail_tag(
                    w, "safe", "'safe' is missing: what silence, a trip and a stop of the daemon lead to");
                return;
        }
        w->more->has_safe = value_read(&w->f->r, node, "safe", tag, &tag->safe) &&
                            value_check_limits(&w->f->r, node, "safe", tag, tag->safe);
}

static void take_verify(struct tool_file_work *w)
{
        struct tool_tag *tag = w->tag;
        const struct yaml_node *node = w->raw->verify_within;
        int64_t polls = tag->is_bit ? 2 : 3;
        int64_t least = tag->is_bit ? 500 * TIME_MS : 2 * TIME_S;
        tag->verify = w->raw->verify;
        /* One count of an integer, a thousandth of the range of a float. */
        tag->verify_within = tag->type == TOOL_FLOAT32 || tag->type == TOOL_FLOAT64
                                 ? (tag->limit_max - tag->limit_min) / 1000
                                 : fabs(tag->scale);
        if (tag->is_bit)
                tag->verify_within = 0;
        if (node && tag->is_bit)
                tool_file_fail_tag(w, "verify_within", "a bit is read back as it is");
        else if (node && tag->unit)
                reader_difference(&w->f->r, node, "verify_within", tag->unit, &tag->verify_within);
        tag->follow_us = polls * tag->poll_us > least ? polls * tag->poll_us : least;
        if (w->raw->follow > 0)
                tag->follow_us = w->raw->follow;
        if (tag->verify && tag->follow_us <= tag->poll_us)
                tool_file_fail_tag(w, "follow", "not longer than its poll: every write would trip");
}

static void take_lease(struct tool_file_work *w)
{
        struct tool_tag *tag = w->tag;
        w->more->has_max_open = keys_node(w->found, "max_open") != NULL;
        w->more->has_lease = keys_node(w->found, "lease") != NULL;
        tag->max_open_us = w->raw->max_open;
        tag->lease_us = w->more->has_lease ? w->raw->lease : lease_us_default;
        if (tag->lease_us > 0 && tag->lease_us < lease_us_least)
                tool_file_fail_tag(
                    w, "lease", "below 200 ms: the core's turns that renew it come every 50 ms");
}

static void take_external(struct tool_file_work *w, const char *text)
{
        while (*text == ' ')
                text++;
        w->tag->failsafe = TOOL_FAILSAFE_EXTERNAL;
        if (*text == '\0')
                tool_file_fail_tag(w, "failsafe", "external: say in words what makes it safe");
        else if (!text_copy(w->tag->failsafe_text, sizeof w->tag->failsafe_text, text))
                tool_file_fail_tag(w, "failsafe", "external: at most %d bytes", TOOL_TEXT_MAX - 1);
}

static void take_failsafe(struct tool_file_work *w)
{
        const struct yaml_node *node = w->raw->failsafe;
        if (!node) {
                tool_file_fail_tag(w, "failsafe",
                    "'failsafe' is missing: what makes it safe without us: watchdog, device_timed or "
                    "\"external: TEXT\"");
                return;
        }
        if (node->kind == YAML_MAP && node->count == 1 &&
            strcmp(node->first->key, failsafe_rows[0].name) == 0) {
                const char *said = reader_text(&w->f->r, node->first, "external");
                if (said)
                        take_external(w, said);
                return;
        }
        const char *text = reader_text(&w->f->r, node, "failsafe");
        if (!text)
                return;
        size_t external_len = strlen(external_words[0].name);
        int word = find_word(failsafes, text);
        if (word >= 0)
                w->tag->failsafe = (enum tool_failsafe)word;
        else if (strncmp(text, external_words[0].name, external_len) == 0)
                take_external(w, text + external_len);
        else
                tool_file_fail_tag(w, "failsafe",
                    "'%.40s' is not known: watchdog, device_timed or \"external: TEXT\"", text);
        int device = w->tag->device;
        if (w->tag->failsafe == TOOL_FAILSAFE_WATCHDOG && device >= 0 &&
            !w->f->tool->devices[device].watchdog.present)
                tool_file_fail_tag(
                    w, "failsafe", "its device '%s' has no watchdog", w->f->tool->devices[device].name);
        if (w->tag->failsafe == TOOL_FAILSAFE_DEVICE_TIMED && !w->more->has_pulse)
                tool_file_fail_tag(w, "failsafe",
                    "device_timed needs 'pulse': the registers by which its module times a pulse; else "
                    "watchdog "
                    "or \"external: TEXT\"");
}

void tool_file_read_output(struct tool_file_work *w)
{
        if (w->more->has_place && w->tag->reg != TOOL_COIL && w->tag->reg != TOOL_HOLDING) {
                tool_file_fail_tag(w, "access", "only a coil or a holding register can be written");
                w->more->has_place = false;
        }
        take_limits(w);
        take_safe(w);
        take_verify(w);
        take_lease(w);
        tool_file_read_pulse(w);
        take_failsafe(w);
        tool_file_read_maintenance(w);
        w->tag->manual = (enum tool_manual)w->raw->manual;
}

void tool_file_refuse_output_keys(struct tool_file_work *w)
{
        static const char *const keys[] = {"limits", "safe", "verify", "verify_within", "follow", "max_open",
            "lease", "failsafe", "manual", "pulse", "maintenance"};
        for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
                if (!keys_node(w->found, keys[i]))
                        continue;
                tool_file_fail_tag(w, keys[i], "'%s' is for outputs: is 'access: write' missing?", keys[i]);
                return;
        }
}
