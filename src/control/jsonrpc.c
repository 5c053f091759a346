#include "ald/control/jsonrpc.h"

#include "ald/base/text.h" /* text_init, text_add */

#include <assert.h> /* assert */
#include <math.h>   /* isfinite */
#include <stdarg.h> /* va_list */
#include <stdio.h>  /* snprintf */
#include <stdlib.h> /* free, malloc, strtod */
#include <string.h> /* memcpy, strcmp, strlen */

static bool fault_set(struct jsonrpc_fault *f, enum jsonrpc_code code, const char *fmt, ...)
    TEXT_PRINTF(3, 4);

static bool fault_set(struct jsonrpc_fault *f, enum jsonrpc_code code, const char *fmt, ...)
{
        struct text t;
        va_list args;

        f->code = code;
        f->is_limit = code == JSONRPC_LIMIT;
        text_init(&t, f->text, sizeof f->text);
        va_start(args, fmt);
        text_addv(&t, fmt, args);
        va_end(args);
        return false;
}

/* The deepest nesting of brackets outside strings. For text that is no JSON the answer is any number, and jansson
 * refuses it afterwards; for JSON it is exact. */
static int nesting_of(const char *line, size_t len)
{
        int depth = 0, deepest = 0;
        bool in_string = false;

        for (size_t i = 0; i < len; i++) {
                char c = line[i];
                if (in_string) {
                        if (c == '\\')
                                i++;
                        else if (c == '"')
                                in_string = false;
                } else if (c == '"') {
                        in_string = true;
                } else if (c == '{' || c == '[') {
                        depth++;
                        if (depth > deepest)
                                deepest = depth;
                } else if (c == '}' || c == ']') {
                        depth--;
                }
        }
        return deepest;
}

static bool is_blank(const char *line, size_t len)
{
        for (size_t i = 0; i < len; i++)
                if (line[i] != ' ' && line[i] != '\t' && line[i] != '\r')
                        return false;
        return true;
}

static bool load_line(const char *line, size_t len, json_t **root, struct jsonrpc_fault *fault)
{
        json_error_t error;

        if (len > JSONRPC_LINE_MAX)
                return fault_set(fault, JSONRPC_LIMIT, "the line is longer than %zu bytes", JSONRPC_LINE_MAX);
        if (is_blank(line, len))
                return fault_set(
                    fault, JSONRPC_PARSE, "an empty line; a request is one JSON object on one line");
        if (nesting_of(line, len) > JSONRPC_DEPTH_MAX)
                return fault_set(fault, JSONRPC_LIMIT, "nested deeper than %d", JSONRPC_DEPTH_MAX);
        *root = json_loadb(line, len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
        if (*root != NULL)
                return true;
        /* jansson quotes the bytes around the place; they may be any bytes, and jsonrpc_text() tames them. */
        return fault_set(fault, JSONRPC_PARSE, "not JSON at byte %d: %s", error.position, error.text);
}

static bool id_may_be_echoed(const json_t *id)
{
        if (json_is_string(id))
                return json_string_length(id) <= JSONRPC_ID_MAX;
        return json_is_integer(id) || json_is_null(id);
}

static bool members_are_known(json_t *root, struct jsonrpc_fault *fault)
{
        static const char *const known[] = {"jsonrpc", "id", "method", "params"};
        const char *key;
        json_t *value;

        json_object_foreach(root, key, value)
        {
                bool found = false;
                for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
                        found = found || strcmp(key, known[i]) == 0;
                if (!found)
                        return fault_set(fault, JSONRPC_REQUEST,
                            "unknown member '%.40s'; a request has jsonrpc, id, method and params", key);
        }
        return true;
}

/* The parts of the request, in the order in which a person would like to hear of them. */
static bool take_members(struct jsonrpc_request *out, struct jsonrpc_fault *fault)
{
        json_t *id = json_object_get(out->root, "id");
        const json_t *version = json_object_get(out->root, "jsonrpc");
        const json_t *method = json_object_get(out->root, "method");
        json_t *params = json_object_get(out->root, "params");

        if (id != NULL && !id_may_be_echoed(id))
                return fault_set(fault, JSONRPC_REQUEST,
                    "id must be an integer, null or text of at most %d bytes", JSONRPC_ID_MAX);
        out->id = id;
        if (!members_are_known(out->root, fault))
                return false;
        if (!json_is_string(version) || strcmp(json_string_value(version), "2.0") != 0)
                return fault_set(fault, JSONRPC_REQUEST, "jsonrpc must be \"2.0\"");
        if (!json_is_string(method))
                return fault_set(fault, JSONRPC_REQUEST, "method must be the name of a verb, as text");
        if (params != NULL && !json_is_object(params))
                return fault_set(fault, JSONRPC_PARAMS, "params must be an object: arguments go by name");
        out->method = json_string_value(method);
        out->params = params;
        return true;
}

bool jsonrpc_parse(const char *line, size_t len, struct jsonrpc_request *out, struct jsonrpc_fault *fault)
{
        assert(line != NULL || len == 0);

        *out = (struct jsonrpc_request){.root = NULL};
        *fault = (struct jsonrpc_fault){.code = JSONRPC_NONE};
        if (!load_line(line, len, &out->root, fault))
                return false;
        if (json_is_array(out->root))
                return fault_set(fault, JSONRPC_REQUEST, "batches are not taken; send one request a line");
        if (!json_is_object(out->root))
                return fault_set(fault, JSONRPC_REQUEST, "a request is a JSON object");
        return take_members(out, fault);
}

void jsonrpc_release(struct jsonrpc_request *request)
{
        json_decref(request->root);
        *request = (struct jsonrpc_request){.root = NULL};
}

static json_t *message_new(void)
{
        json_t *m = json_object();

        json_object_set_new(m, "jsonrpc", json_string("2.0"));
        return m;
}

/* Every member must have found memory, else the message would say something else than was meant. */
static json_t *message_finish(json_t *m, size_t members)
{
        if (m != NULL && json_object_size(m) == members)
                return m;
        json_decref(m);
        return NULL;
}

static void add_id(json_t *m, json_t *id)
{
        if (id != NULL)
                json_object_set(m, "id", id);
        else
                json_object_set_new(m, "id", json_null());
}

json_t *jsonrpc_result(json_t *id, json_t *result)
{
        json_t *m = message_new();

        add_id(m, id);
        json_object_set_new(m, "result", result);
        return message_finish(m, 3);
}

json_t *jsonrpc_error(json_t *id, enum jsonrpc_code code, const char *text, json_t *data)
{
        json_t *m = message_new();
        json_t *error = json_object();

        json_object_set_new(error, "code", json_integer(code));
        json_object_set_new(error, "message", jsonrpc_text(text));
        if (data != NULL)
                json_object_set_new(error, "data", data);
        add_id(m, id);
        json_object_set_new(m, "error", error);
        return message_finish(m, 3);
}

json_t *jsonrpc_notification(const char *method, json_t *params)
{
        json_t *m = message_new();

        json_object_set_new(m, "method", json_string(method));
        json_object_set_new(m, "params", params);
        return message_finish(m, 3);
}

char *jsonrpc_line(json_t *message, size_t *len)
{
        /* 12 digits show every 7-digit number and microseconds of a week without binary tails. */
        char *text = message != NULL ? json_dumps(message, JSON_COMPACT | JSON_REAL_PRECISION(12)) : NULL;
        char *line = NULL;

        json_decref(message);
        if (text == NULL)
                return NULL;
        *len = strlen(text) + 1;
        line = realloc(text, *len + 1);
        if (line == NULL) {
                free(text);
                return NULL;
        }
        memcpy(line + *len - 1, "\n", 2);
        return line;
}

json_t *jsonrpc_text(const char *bytes)
{
        json_t *text = json_string(bytes);
        char *clean;
        size_t len;

        if (text != NULL)
                return text;
        len = strlen(bytes);
        clean = malloc(len + 1);
        if (clean == NULL)
                return NULL;
        memcpy(clean, bytes, len + 1);
        text_clean(clean);
        text = json_string(clean);
        free(clean);
        return text;
}

json_t *jsonrpc_number(double value)
{
        char digits[32];

        if (!isfinite(value))
                return json_null();
        (void)snprintf(digits, sizeof digits, "%.7g", value);
        return json_real(strtod(digits, NULL));
}
