/* JSON-RPC 2.0 lines: bytes in, a checked request or an error out; values in, one line out.
 *
 * The parser is total: every byte string gives a request or an error (SAFETY A5). jansson parses, but its own bound
 * on nesting (2048) is far above what a client needs, so nesting is counted before it sees the line. */
#ifndef ALD_CONTROL_JSONRPC_H
#define ALD_CONTROL_JSONRPC_H

#include <jansson.h> /* json_t */

#include <stdbool.h> /* bool */
#include <stddef.h>  /* size_t */

/* Bytes of one line without its newline (DESIGN.md, Control socket). */
#define JSONRPC_LINE_MAX ((size_t)16 * 1024)
/* Nested objects and arrays; the request itself is the first. */
#define JSONRPC_DEPTH_MAX 16
/* Bytes of a textual id. */
#define JSONRPC_ID_MAX 64

enum jsonrpc_code {
        JSONRPC_NONE = 0,
        JSONRPC_PARSE = -32700,   /* no JSON */
        JSONRPC_REQUEST = -32600, /* JSON, but no request */
        JSONRPC_METHOD = -32601,  /* no such verb */
        JSONRPC_PARAMS = -32602,  /* arguments do not fit; data: argument, expected */
        JSONRPC_FAILED = -32001,  /* exit code 1; a recipe with errors has data.diagnostics */
        JSONRPC_REFUSED = -32003, /* exit code 3: interlock, limit or state */
        JSONRPC_DENIED = -32005,  /* exit code 5: no permission */
        JSONRPC_LIMIT = -32010    /* a limit of the socket was passed; the connection is closed */
};

struct jsonrpc_fault {
        enum jsonrpc_code code;
        bool is_limit; /* the connection must be closed */
        char text[240];
};

/* `root` owns all; the others point into it. */
struct jsonrpc_request {
        json_t *root;
        json_t *id;         /* NULL: none was given, or none that may be echoed */
        const char *method; /* UTF-8 without NUL */
        json_t *params;     /* an object, or NULL */
};

/* Read one line (len bytes, no newline; any bytes). True: *out is a request. False: *fault says why not; out->id
 * may be set, so that the error can name it. Release *out either way. */
bool jsonrpc_parse(const char *line, size_t len, struct jsonrpc_request *out, struct jsonrpc_fault *fault);
void jsonrpc_release(struct jsonrpc_request *request);

/* Messages. `id` is borrowed (NULL becomes null); result, data and params are taken, also on failure.
 * NULL when memory is out. */
json_t *jsonrpc_result(json_t *id, json_t *result);
json_t *jsonrpc_error(json_t *id, enum jsonrpc_code code, const char *text, json_t *data);
json_t *jsonrpc_notification(const char *method, json_t *params);

/* The message as one line with its newline, *len bytes; NULL when memory is out or `message` (taken) is NULL.
 * Free with free(). */
char *jsonrpc_line(json_t *message, size_t *len);

/* A JSON text from bytes of any kind: what is not UTF-8 becomes '?'. Truncated messages end inside a letter. */
json_t *jsonrpc_text(const char *bytes);
/* A JSON number with 7 significant digits (what a 32-bit float carries), null when it is not finite. */
json_t *jsonrpc_number(double value);

#endif
