#include "ald/file/reader.h"

#include <assert.h> /* assert */
#include <ctype.h>  /* isalpha */
#include <errno.h>  /* ERANGE */
#include <math.h>   /* isfinite */
#include <stdarg.h> /* va_list */
#include <stdlib.h> /* strtoll */
#include <string.h> /* strcmp */

enum { SHOWN_NAMES_MAX = 25, MESSAGE_CAP = 400 };

struct diag_at reader_at(const struct reader *r, const struct yaml_node *node)
{
        (void)r;
        return (struct diag_at){node->source, node->line, node->column};
}

struct diag_at reader_at_key(const struct reader *r, const struct yaml_node *node)
{
        if (!node->key)
                return reader_at(r, node);
        return (struct diag_at){node->source, node->key_line, node->key_column};
}

void reader_error(const struct reader *r, const struct yaml_node *node, const char *fmt, ...)
{
        char buf[MESSAGE_CAP];
        struct text t;
        va_list args;
        if (node->kind == YAML_BROKEN)
                return;
        text_init(&t, buf, sizeof buf);
        va_start(args, fmt);
        text_addv(&t, fmt, args);
        va_end(args);
        diag_error(r->d, reader_at(r, node), "%s", buf);
}

static const char *parameter_at(const void *ctx, size_t i)
{
        return ((const struct reader *)ctx)->parameters[i].name;
}

const char *reader_parameter(const struct reader *r, struct diag_at at, const char *name)
{
        for (size_t i = 0; i < r->parameter_count; i++) {
                if (strcmp(r->parameters[i].name, name) == 0) {
                        r->parameters[i].is_used = true;
                        return r->parameters[i].text;
                }
        }
        reader_unknown(r, at, NULL, "parameter", name, parameter_at, r, r->parameter_count);
        return NULL;
}

const char *reader_text(const struct reader *r, const struct yaml_node *node, const char *what)
{
        if (node->kind == YAML_BROKEN)
                return NULL;
        if (node->kind != YAML_SCALAR) {
                reader_error(r, node, "%s: takes one value, not %s", what, yaml_kind_name(node->kind));
                return NULL;
        }
        if (node->text[0] == '\0' && node->is_plain) {
                diag_error(r->d, reader_at_key(r, node), "%s: has no value", what);
                return NULL;
        }
        if (r->has_parameters && node->text[0] == '$')
                return reader_parameter(r, reader_at(r, node), node->text + 1);
        return node->text;
}

static struct reader_parameter *parameter_of(const struct reader *r, const struct yaml_node *node)
{
        if (!r->has_parameters || node->kind != YAML_SCALAR || node->text[0] != '$')
                return NULL;
        for (size_t i = 0; i < r->parameter_count; i++)
                if (strcmp(r->parameters[i].name, node->text + 1) == 0)
                        return &r->parameters[i];
        return NULL;
}

/* A value that cannot be read. A parameter's is told where it stands, once, since there it must be mended. */
static void refuse_value(
    const struct reader *r, const struct yaml_node *node, const char *what, const char *why)
{
        struct reader_parameter *p = parameter_of(r, node);
        if (!p) {
                reader_error(r, node, "%s: %s", what, why);
                return;
        }
        diag_error(r->d, p->at, "parameter '%s': %s (it is used as '%.40s' on line %d)", p->name, why, what,
            node->line);
        p->text = NULL;
}

static void explain_unit(const struct reader *r, const struct yaml_node *node, const char *what,
    enum unit_status status, const char *given, enum unit_dim dim)
{
        char buf[MESSAGE_CAP], shown[64];
        struct text t;
        text_init(&t, buf, sizeof buf);
        text_copy(shown, sizeof shown, given);
        unit_explain(&t, status, shown, dim);
        refuse_value(r, node, what, buf);
}

bool reader_words(
    const struct reader *r, const struct yaml_node *node, const char *what, char *out, size_t cap)
{
        const char *text = reader_text(r, node, what);
        if (!text)
                return false;
        if (strlen(text) >= cap) {
                reader_error(r, node, "%s: %zu bytes are too long: at most %zu", what, strlen(text), cap - 1);
                return false;
        }
        /* A folded text ends in a line feed that nobody meant. */
        text_copy(out, cap, text);
        size_t len = strlen(out);
        while (len > 0 && (out[len - 1] == '\n' || out[len - 1] == ' '))
                out[--len] = '\0';
        return true;
}

bool reader_is_name(const char *text)
{
        if (!isalpha((unsigned char)text[0]))
                return false;
        for (const char *p = text; *p; p++)
                if (!isalnum((unsigned char)*p) && !strchr("._-", *p))
                        return false;
        return true;
}

bool reader_name(
    const struct reader *r, const struct yaml_node *node, const char *what, char *out, size_t cap)
{
        const char *text = reader_text(r, node, what);
        if (!text)
                return false;
        if (!reader_is_name(text)) {
                reader_error(r, node,
                    "%s: '%.60s' is no name: letters, digits, '.', '_' and '-', beginning with a letter",
                    what, text);
                return false;
        }
        return reader_words(r, node, what, out, cap);
}

bool reader_bool(const struct reader *r, const struct yaml_node *node, const char *what, bool *out)
{
        const char *text = reader_text(r, node, what);
        if (!text)
                return false;
        bool yes = strcmp(text, "yes") == 0 || strcmp(text, "true") == 0;
        if (!yes && strcmp(text, "no") != 0 && strcmp(text, "false") != 0) {
                reader_error(r, node, "%s: '%.60s' is neither yes nor no", what, text);
                return false;
        }
        *out = yes;
        return true;
}

bool reader_int(const struct reader *r, const struct yaml_node *node, const char *what, int64_t *out)
{
        const char *text = reader_text(r, node, what);
        char *end, why[96];
        if (!text)
                return false;
        bool is_hex = strncmp(text, "0x", 2) == 0 && isxdigit((unsigned char)text[2]);
        const char *digits = text[0] == '-' || text[0] == '+' ? text + 1 : text;
        errno = 0;
        long long value = strtoll(text, &end, is_hex ? 16 : 10);
        if (!isdigit((unsigned char)digits[0]) || *end != '\0' || errno == ERANGE) {
                struct text t;
                text_init(&t, why, sizeof why);
                text_add(&t, "'%.60s' is not a whole number", text);
                refuse_value(r, node, what, why);
                return false;
        }
        *out = value;
        return true;
}

bool reader_number(const struct reader *r, const struct yaml_node *node, const char *what, double *out)
{
        const struct unit *unit;
        const char *text = reader_text(r, node, what);
        if (!text)
                return false;
        enum unit_status status = unit_parse(text, UNIT_DIM_NONE, out, &unit);
        if (status != UNIT_OK)
                explain_unit(r, node, what, status, text, UNIT_DIM_NONE);
        return status == UNIT_OK;
}

bool reader_time(const struct reader *r, const struct yaml_node *node, const char *what, int64_t *us)
{
        const char *text = reader_text(r, node, what);
        if (!text)
                return false;
        enum unit_status status = unit_parse_time(text, us);
        if (status != UNIT_OK)
                explain_unit(r, node, what, status, text, UNIT_DIM_TIME);
        return status == UNIT_OK;
}

static bool read_dim(const struct reader *r, const struct yaml_node *node, const char *what,
    enum unit_dim dim, double *value, const struct unit **unit)
{
        const char *text = reader_text(r, node, what);
        if (!text)
                return false;
        enum unit_status status = unit_parse(text, dim, value, unit);
        if (status != UNIT_OK)
                explain_unit(r, node, what, status, text, dim);
        return status == UNIT_OK;
}

bool reader_quantity(const struct reader *r, const struct yaml_node *node, const char *what,
    const struct unit *unit, double *out)
{
        const struct unit *given;
        double value;
        if (!read_dim(r, node, what, unit->dim, &value, &given))
                return false;
        *out = unit_convert(value, given, unit);
        return true;
}

bool reader_difference(const struct reader *r, const struct yaml_node *node, const char *what,
    const struct unit *unit, double *out)
{
        const struct unit *given;
        double value;
        if (!read_dim(r, node, what, unit_dim_of_difference(unit->dim), &value, &given))
                return false;
        if (value < 0) {
                reader_error(r, node, "%s: must not be negative", what);
                return false;
        }
        *out = unit_convert_difference(value, given, unit);
        return true;
}

bool reader_rate(const struct reader *r, const struct yaml_node *node, const char *what,
    const struct unit *unit, double *out)
{
        enum unit_dim dim = unit_dim_of_rate(unit->dim);
        const struct unit *given;
        double value;
        if (dim == UNIT_DIM_NONE) {
                reader_error(r, node, "%s: %s has no rate of change", what, unit_dim_name(unit->dim));
                return false;
        }
        if (!read_dim(r, node, what, dim, &value, &given))
                return false;
        if (value <= 0) {
                reader_error(r, node, "%s: must be above zero", what);
                return false;
        }
        /* The base unit of a rate is the base unit of its difference per second. */
        double base = unit_convert(value, given, unit_base(dim));
        *out = unit_convert_difference(base, unit_base(unit_dim_of_difference(unit->dim)), unit);
        return true;
}

bool reader_range(const struct reader *r, const struct yaml_node *node, const char *what,
    const struct unit *unit, double *low, double *high)
{
        double a, b;
        if (node->kind == YAML_BROKEN)
                return false;
        if (node->kind != YAML_LIST || node->count != 2) {
                reader_error(r, node, "%s: takes a list of two values: [lowest, highest]", what);
                return false;
        }
        bool ok = reader_quantity(r, node->first, what, unit, &a);
        ok = reader_quantity(r, node->first->next, what, unit, &b) && ok;
        if (ok && !(a < b)) {
                reader_error(r, node, "%s: the first value must be below the second", what);
                ok = false;
        }
        if (ok) {
                *low = a;
                *high = b;
        }
        return ok;
}

void reader_suggest(struct text *t, const char *word, const char *(*name_at)(const void *ctx, size_t i),
    const void *ctx, size_t n)
{
        const char *near = text_nearest(word, name_at, ctx, n);
        if (near) {
                text_add(t, ": did you mean '%s'?", near);
                return;
        }
        if (n == 0 || n > SHOWN_NAMES_MAX)
                return;
        text_add(t, "; here are: ");
        for (size_t i = 0; i < n; i++)
                text_add(t, "%s%s", i == 0 ? "" : ", ", name_at(ctx, i));
}

void reader_unknown(const struct reader *r, struct diag_at at, const char *what, const char *noun,
    const char *name, const char *(*name_at)(const void *ctx, size_t i), const void *ctx, size_t n)
{
        char buf[MESSAGE_CAP];
        struct text t;
        text_init(&t, buf, sizeof buf);
        if (what)
                text_add(&t, "%s: ", what);
        text_add(&t, "no %s named '%.60s'", noun, name);
        reader_suggest(&t, name, name_at, ctx, n);
        diag_error(r->d, at, "%s", buf);
}
