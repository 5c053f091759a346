/* JSON-RPC lines: every byte string gives a request or an error, and every message is one line of JSON. */
#include "suite.h"

#include "ald/control/jsonrpc.h"

#include <check.h>  /* START_TEST */
#include <math.h>   /* NAN, INFINITY */
#include <stdint.h> /* uint64_t */
#include <stdio.h>  /* snprintf */
#include <stdlib.h> /* free */
#include <string.h> /* strlen, memcpy */

static const struct {
        const char *line;
        int code;         /* 0 = a request */
        const char *says; /* must stand in the text */
} lines[] = {
    {"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"status\"}", 0, ""},
    {"{\"jsonrpc\":\"2.0\",\"id\":\"a\",\"method\":\"hold\",\"params\":{\"now\":true}}\r", 0, ""},
    {"{\"jsonrpc\":\"2.0\",\"id\":null,\"method\":\"status\",\"params\":{}}", 0, ""},
    {"{\"jsonrpc\":\"2.0\",\"method\":\"abort\"}", 0, ""},
    {"{\"jsonrpc\":\"2.0\",\"method\":\"x\",\"params\":{\"a\":\"[[[[[[[[[[[[[[[[[[[[[[[[\\\"[[\"}}", 0, ""},
    {"", JSONRPC_PARSE, "empty"},
    {"   \t\r", JSONRPC_PARSE, "empty"},
    {"garbage", JSONRPC_PARSE, "not JSON"},
    {"{\"jsonrpc\":\"2.0\",\"method\":\"status\"", JSONRPC_PARSE, "not JSON"},
    {"{\"jsonrpc\":\"2.0\",\"method\":\"status\"} {}", JSONRPC_PARSE, "not JSON"},
    {"{\"jsonrpc\":\"2.0\",\"method\":\"\xff\xfe\"}", JSONRPC_PARSE, "decode byte"},
    {"{\"jsonrpc\":\"2.0\",\"method\":\"a\\u0000b\"}", JSONRPC_PARSE, "not JSON"},
    {"{\"jsonrpc\":\"2.0\",\"method\":\"a\",\"method\":\"b\"}", JSONRPC_PARSE, "duplicate"},
    {"{\"jsonrpc\":\"2.0\",\"id\":99999999999999999999,\"method\":\"a\"}", JSONRPC_PARSE, "big"},
    {"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"a\",\"params\":{\"x\":1e999}}", JSONRPC_PARSE, "overflow"},
    {"{\"jsonrpc\":\"2.0\",\"id\":NaN,\"method\":\"a\"}", JSONRPC_PARSE, "not JSON"},
    {"[]", JSONRPC_REQUEST, "batch"},
    {"[{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"abort\"}]", JSONRPC_REQUEST, "batch"},
    {"12", JSONRPC_REQUEST, "object"},
    {"\"abort\"", JSONRPC_REQUEST, "object"},
    {"null", JSONRPC_REQUEST, "object"},
    {"{}", JSONRPC_REQUEST, "jsonrpc"},
    {"{\"jsonrpc\":\"1.0\",\"id\":1,\"method\":\"a\"}", JSONRPC_REQUEST, "2.0"},
    {"{\"jsonrpc\":2.0,\"id\":1,\"method\":\"a\"}", JSONRPC_REQUEST, "2.0"},
    {"{\"jsonrpc\":\"2.0\",\"id\":1}", JSONRPC_REQUEST, "method"},
    {"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":7}", JSONRPC_REQUEST, "method"},
    {"{\"jsonrpc\":\"2.0\",\"id\":{},\"method\":\"a\"}", JSONRPC_REQUEST, "id"},
    {"{\"jsonrpc\":\"2.0\",\"id\":\"0123456789012345678901234567890123456789012345678901234567890123x\","
     "\"method\":\"a\"}",
        JSONRPC_REQUEST, "id"},
    {"{\"jsonrpc\":\"2.0\",\"id\":1.5,\"method\":\"a\"}", JSONRPC_REQUEST, "id"},
    {"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"a\",\"parms\":{}}", JSONRPC_REQUEST, "parms"},
    {"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"a\",\"params\":[1]}", JSONRPC_PARAMS, "by name"},
    {"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"a\",\"params\":\"x\"}", JSONRPC_PARAMS, "by name"},
};

START_TEST(a_line_is_a_request_or_an_error)
{
        struct jsonrpc_request r;
        struct jsonrpc_fault f;
        bool ok = jsonrpc_parse(lines[_i].line, strlen(lines[_i].line), &r, &f);

        ck_assert_msg(ok == (lines[_i].code == 0), "%s: %s", lines[_i].line, f.text);
        ck_assert_msg((int)f.code == lines[_i].code, "%s: code %d, %s", lines[_i].line, (int)f.code, f.text);
        ck_assert_msg(strstr(f.text, lines[_i].says) != NULL, "%s: %s", lines[_i].line, f.text);
        ck_assert(!f.is_limit);
        jsonrpc_release(&r);
}
END_TEST

START_TEST(a_raw_nul_is_refused)
{
        const char line[] = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ab\0rt\"}";
        struct jsonrpc_request r;
        struct jsonrpc_fault f;

        ck_assert(!jsonrpc_parse(line, sizeof line - 1, &r, &f));
        ck_assert_int_eq(f.code, JSONRPC_PARSE);
        jsonrpc_release(&r);
}
END_TEST

START_TEST(an_error_can_name_the_id)
{
        const char *line = "{\"jsonrpc\":\"2.0\",\"id\":\"q7\",\"method\":[]}";
        struct jsonrpc_request r;
        struct jsonrpc_fault f;

        ck_assert(!jsonrpc_parse(line, strlen(line), &r, &f));
        ck_assert_str_eq(json_string_value(r.id), "q7");
        jsonrpc_release(&r);
}
END_TEST

/* {"jsonrpc":"2.0","id":1,"method":"a","params":{"x":[[...]]}} with `depth` levels in all. */
static size_t nested_line(char *out, int depth)
{
        int n = sprintf(out, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"a\",\"params\":{\"x\":");

        for (int i = 2; i < depth; i++)
                out[n++] = '[';
        for (int i = 2; i < depth; i++)
                out[n++] = ']';
        n += sprintf(out + n, "}}");
        return (size_t)n;
}

START_TEST(nesting_is_bounded)
{
        static char line[JSONRPC_LINE_MAX + 200];
        struct jsonrpc_request r;
        struct jsonrpc_fault f;
        size_t len = nested_line(line, JSONRPC_DEPTH_MAX);

        ck_assert_msg(jsonrpc_parse(line, len, &r, &f), "%s: %s", line, f.text);
        jsonrpc_release(&r);
        len = nested_line(line, JSONRPC_DEPTH_MAX + 1);
        ck_assert(!jsonrpc_parse(line, len, &r, &f));
        ck_assert_int_eq(f.code, JSONRPC_LIMIT);
        ck_assert(f.is_limit);
        jsonrpc_release(&r);
        memset(line, '[', JSONRPC_LINE_MAX);
        ck_assert(!jsonrpc_parse(line, JSONRPC_LINE_MAX, &r, &f));
        ck_assert(f.is_limit);
        jsonrpc_release(&r);
}
END_TEST

START_TEST(length_is_bounded)
{
        static char line[JSONRPC_LINE_MAX + 2];
        struct jsonrpc_request r;
        struct jsonrpc_fault f;
        size_t head = strlen(strcpy(line, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"a\"}"));

        memset(line + head, ' ', sizeof line - head);
        ck_assert(jsonrpc_parse(line, JSONRPC_LINE_MAX, &r, &f));
        jsonrpc_release(&r);
        ck_assert(!jsonrpc_parse(line, JSONRPC_LINE_MAX + 1, &r, &f));
        ck_assert(f.is_limit);
        jsonrpc_release(&r);
}
END_TEST

static void check_line(json_t *message, const char *want)
{
        size_t len = 0;
        char *line = jsonrpc_line(message, &len);

        ck_assert_ptr_nonnull(line);
        ck_assert_uint_eq(len, strlen(line));
        ck_assert_str_eq(line, want);
        free(line);
}

START_TEST(messages_are_one_line)
{
        json_t *id = json_integer(5);

        check_line(
            jsonrpc_result(id, json_string("a\nb")), "{\"jsonrpc\":\"2.0\",\"id\":5,\"result\":\"a\\nb\"}\n");
        check_line(jsonrpc_error(NULL, JSONRPC_REFUSED, "no", NULL),
            "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32003,\"message\":\"no\"}}\n");
        check_line(jsonrpc_notification("hello", json_object()),
            "{\"jsonrpc\":\"2.0\",\"method\":\"hello\",\"params\":{}}\n");
        ck_assert_ptr_null(jsonrpc_result(id, NULL));
        json_decref(id);
}
END_TEST

START_TEST(any_bytes_become_text)
{
        static const struct {
                const char *bytes, *text;
        } cases[] = {
            {"plain", "plain"},
            {"175 \xc2\xb0"
             "C",
                "175 \xc2\xb0"
                "C"},
            {"cut \xc2", "cut ?"},
            {"cut \xe2\x82", "cut ??"},
            {"\xff\xfe", "??"},
            {"\xc0\x80", "??"},
            {"\xed\xa0\x80", "???"},
            {"\xf4\x90\x80\x80", "????"},
            {"\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80"},
        };

        for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
                json_t *text = jsonrpc_text(cases[i].bytes);
                ck_assert_ptr_nonnull(text);
                ck_assert_str_eq(json_string_value(text), cases[i].text);
                json_decref(text);
        }
}
END_TEST

START_TEST(numbers_have_no_binary_tail)
{
        json_t *list = json_array();
        char *text;

        json_array_append_new(list, jsonrpc_number((double)0.87F));
        json_array_append_new(list, jsonrpc_number((double)104.2F));
        json_array_append_new(list, jsonrpc_number(NAN));
        json_array_append_new(list, jsonrpc_number(-INFINITY));
        text = json_dumps(list, JSON_COMPACT | JSON_REAL_PRECISION(12));
        ck_assert_str_eq(text, "[0.87,104.2,null,null]");
        free(text);
        json_decref(list);
}
END_TEST

/* ---- Mutations ---- */

static uint64_t random_next(uint64_t *state)
{
        *state ^= *state << 13;
        *state ^= *state >> 7;
        *state ^= *state << 17;
        return *state;
}

/* One change: a bit, a byte, a doubled or a lost piece, or a word that parsers trip over. */
static size_t mutate(char *line, size_t len, size_t cap, uint64_t *rng)
{
        static const char *const words[] = {"\"", "\\", "{", "}", "[", "]", "null", "1e400", "-", "\\u0000",
            "\\ud800", "\xc3\x28", "\xf8\x88", ",", ":", "\"id\":", "\x01", "0x1", "99999999999999999999",
            "//"};
        size_t at = len > 0 ? random_next(rng) % len : 0, piece = random_next(rng) % 9 + 1;
        const char *word = words[random_next(rng) % (sizeof words / sizeof words[0])];

        switch (random_next(rng) % 5) {
        case 0:
                if (len > 0)
                        line[at] = (char)(line[at] ^ (1 << random_next(rng) % 8));
                return len;
        case 1:
                if (len > 0)
                        line[at] = (char)random_next(rng);
                return len;
        case 2:
                if (at + piece > len)
                        piece = len - at;
                memmove(line + at, line + at + piece, len - at - piece);
                return len - piece;
        case 3:
                if (at + piece > len || len + piece > cap)
                        return len;
                memmove(line + at + piece, line + at, len - at);
                return len + piece;
        default:
                piece = strlen(word);
                if (len + piece > cap)
                        return len;
                memmove(line + at + piece, line + at, len - at);
                memcpy(line + at, word, piece);
                return len + piece;
        }
}

/* Whatever came in, what goes out is one line of JSON. */
static void check_answer(struct jsonrpc_request *r, const struct jsonrpc_fault *f)
{
        size_t len = 0;
        char *line = jsonrpc_line(jsonrpc_error(r->id, f->code, f->text, NULL), &len);
        json_t *back;

        ck_assert_ptr_nonnull(line);
        ck_assert_ptr_eq(memchr(line, '\n', len), line + len - 1);
        back = json_loadb(line, len, 0, NULL);
        ck_assert_msg(back != NULL, "%s", line);
        json_decref(back);
        free(line);
}

START_TEST(mutated_lines_give_a_request_or_an_error)
{
        const uint64_t seed = UINT64_C(0x5EED0A1D) + (uint64_t)_i;
        uint64_t rng = seed;
        long good = 0, bad = 0;

        for (long n = 0; n < 30000; n++) {
                char line[600];
                size_t which = random_next(&rng) % 5, len = strlen(lines[which].line);
                struct jsonrpc_request r;
                struct jsonrpc_fault f;

                memcpy(line, lines[which].line, len);
                for (uint64_t k = random_next(&rng) % 6; k > 0; k--)
                        len = mutate(line, len, sizeof line, &rng);
                if (jsonrpc_parse(line, len, &r, &f)) {
                        ck_assert_ptr_nonnull(r.method);
                        ck_assert(r.params == NULL || json_is_object(r.params));
                        ck_assert(f.code == JSONRPC_NONE);
                        good++;
                } else {
                        ck_assert_msg(f.code == JSONRPC_PARSE || f.code == JSONRPC_REQUEST ||
                                          f.code == JSONRPC_PARAMS || f.code == JSONRPC_LIMIT,
                            "seed %llu, line %ld", (unsigned long long)seed, n);
                        ck_assert(f.text[0] != '\0');
                        check_answer(&r, &f);
                        bad++;
                }
                jsonrpc_release(&r);
        }
        /* The mutations must reach both sides, else nothing was tried. */
        ck_assert_int_gt(good, 2500);
        ck_assert_int_gt(bad, 10000);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("jsonrpc");
        TCase *tc = tcase_create("lines");

        tcase_set_timeout(tc, 60);
        tcase_add_loop_test(tc, a_line_is_a_request_or_an_error, 0, sizeof lines / sizeof lines[0]);
        tcase_add_test(tc, a_raw_nul_is_refused);
        tcase_add_test(tc, an_error_can_name_the_id);
        tcase_add_test(tc, nesting_is_bounded);
        tcase_add_test(tc, length_is_bounded);
        tcase_add_test(tc, messages_are_one_line);
        tcase_add_test(tc, any_bytes_become_text);
        tcase_add_test(tc, numbers_have_no_binary_tail);
        tcase_add_loop_test(tc, mutated_lines_give_a_request_or_an_error, 0, 3);
        suite_add_tcase(suite, tc);
        return suite_main(suite);
}
