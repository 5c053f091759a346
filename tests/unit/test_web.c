/* aldweb by its parts: under which names it answers, which paths it has, how events are framed, how a slow reader is told
 * less, which questions make sense, which reports stay in memory, and that what it starts is bounded. */
#include "suite.h"

#include "../../src/app/web_child.h" /* web_child_start */

#include "ald/app/web_bytes.h"    /* web_bytes_new */
#include "ald/app/web_files.h"    /* web_files_find */
#include "ald/app/web_pace.h"     /* web_pace_decide */
#include "ald/app/web_question.h" /* web_question_parse */
#include "ald/app/web_rules.h"    /* web_rules_allow_host */
#include "ald/app/web_shelf.h"    /* web_shelf_find */
#include "ald/app/web_streams.h"  /* web_streams_frame */
#include "ald/base/text.h"        /* text_init */
#include "ald/base/time.h"        /* TIME_S */

#include <event2/buffer.h> /* evbuffer_new */
#include <event2/event.h>  /* event_base_new */

/* ---- Host and Origin ---- */

/* Listening at 192.168.1.5:8070, with --allow-host lab.example and --allow-host proxy.example:8443. */
static struct web_rules rules_of_lab(void)
{
        struct web_rules rules;
        const struct web_name listen = {.name = "192.168.1.5"}, lab = {.name = "lab.example"},
                              proxy = {.name = "proxy.example", .port = 8443};

        web_rules_init(&rules);
        ck_assert(web_rules_add(&rules, &listen, false));
        ck_assert(web_rules_add(&rules, &lab, true));
        ck_assert(web_rules_add(&rules, &proxy, true));
        return rules;
}

static const struct {
        const char *host;
        bool is_ours;
} hosts[] = {
    {"localhost", true},
    {"localhost:8070", true},
    {"LocalHost:9000", true}, /* ssh -L 9000:localhost:8070 */
    {"127.0.0.1:8070", true},
    {"[::1]:8070", true},
    {"[::1]", true},
    {"192.168.1.5:8070", true},
    {"lab.example", true},
    {"LAB.example:80", true},
    {"proxy.example:8443", true},
    {"proxy.example", false},
    {"proxy.example:80", false},
    {NULL, false},
    {"", false},
    {":8070", false},
    {"evil.example", false},
    {"evil.example:8070", false},
    {"localhost.evil.example", false},
    {"127.0.0.1.evil.example:8070", false},
    {"evil-localhost", false},
    {"localhost:", false},
    {"localhost:0", false},
    {"localhost:65536", false},
    {"localhost:80x", false},
    {"localhost:8070:8070", false},
    {"localhost ", false},
    {" localhost", false},
    {"user@localhost", false},
    {"localhost/", false},
    {"localhost,evil.example", false},
    {"::1", false},
    {"[::1", false},
    {"[::1]x", false},
    {"[]", false},
    {"[localhost]", false},
    {"192.168.1.6:8070", false},
    {"2130706433", false},
    {"localhost\xc3\xa4", false},
};

START_TEST(only_names_of_its_own_are_answered)
{
        const struct web_rules rules = rules_of_lab();

        ck_assert_msg(
            web_rules_allow_host(&rules, hosts[_i].host) == hosts[_i].is_ours, "%s", hosts[_i].host);
}
END_TEST

static const struct {
        const char *origin, *host;
        bool may;
} origins[] = {
    {NULL, "localhost:8070", true},
    {"http://localhost:8070", "localhost:8070", true},
    {"HTTP://LOCALHOST:8070", "localhost:8070", true},
    {"http://localhost", "localhost:80", true},
    {"http://localhost:80", "localhost", true},
    {"https://lab.example", "lab.example", true},
    {"https://lab.example", "127.0.0.1:8070", true}, /* a proxy that puts its own Host */
    {"https://proxy.example:8443", "127.0.0.1:8070", true},
    {"https://proxy.example", "127.0.0.1:8070", false},
    {"http://localhost:3000", "localhost:8070", false}, /* another server of this machine */
    {"http://127.0.0.1:8070", "localhost:8070", false},
    {"https://localhost", "localhost:8070", false},
    {"http://evil.example", "localhost:8070", false},
    {"http://evil.example:8070", "evil.example:8070x", false},
    {"null", "localhost:8070", false},
    {"", "localhost:8070", false},
    {"file://", "localhost:8070", false},
    {"ftp://localhost:8070", "localhost:8070", false},
    {"http://localhost:8070/", "localhost:8070", false}, /* an origin has no path */
    {"http://localhost:8070 http://evil.example", "localhost:8070", false},
    {"http://localhost:8070", NULL, false},
};

START_TEST(only_its_own_pages_may_ask)
{
        const struct web_rules rules = rules_of_lab();

        ck_assert_msg(web_rules_allow_origin(&rules, origins[_i].origin, origins[_i].host) == origins[_i].may,
            "%s to %s", origins[_i].origin, origins[_i].host);
}
END_TEST

START_TEST(names_have_an_end)
{
        struct web_rules rules;
        const struct web_name name = {.name = "lab.example"};
        char longest[WEB_NAME_CAP + 1];
        struct web_name out;

        web_rules_init(&rules);
        while (rules.count < WEB_NAMES_MAX)
                ck_assert(web_rules_add(&rules, &name, true));
        ck_assert(!web_rules_add(&rules, &name, true));
        memset(longest, 'a', sizeof longest);
        longest[WEB_NAME_CAP - 1] = '\0';
        ck_assert(web_rules_parse(longest, &out));
        longest[WEB_NAME_CAP - 1] = 'a';
        longest[WEB_NAME_CAP] = '\0';
        ck_assert(!web_rules_parse(longest, &out));
}
END_TEST

/* ---- Paths ---- */

START_TEST(files_are_a_table)
{
        static const char *const none[] = {"", "index.html", "//index.html", "/./index.html",
            "/../index.html", "/web/../index.html", "/%69ndex.html", "/index.html/", "/INDEX.HTML",
            "/etc/passwd", "/../../../etc/passwd", "/.", "/..", "/index.html%00", "/\\index.html"};
        const struct web_file *page = web_files_find("/");

        ck_assert_ptr_nonnull(page);
        ck_assert_ptr_eq(page, web_files_find("/index.html"));
        ck_assert_str_eq(page->type, "text/html; charset=utf-8");
        ck_assert_uint_eq(strlen(page->etag), 66);
        ck_assert_uint_gt(page->len, 100);
        ck_assert_int_eq(memcmp(page->bytes, "<!DOCTYPE html>", 15), 0);
        for (size_t i = 0; i < sizeof none / sizeof none[0]; i++)
                ck_assert_msg(web_files_find(none[i]) == NULL, "%s", none[i]);
}
END_TEST

/* Every file of the page has a type that a browser takes: with nosniff it takes no other. */
START_TEST(files_have_types)
{
        ck_assert_uint_gt(web_data_count, 0);
        for (size_t i = 0; i < web_data_count; i++)
                ck_assert_msg(strcmp(web_files_type(web_data[i].name), "application/octet-stream") != 0, "%s",
                    web_data[i].name);
        ck_assert_str_eq(web_files_type("app.js"), "text/javascript; charset=utf-8");
        ck_assert_str_eq(web_files_type("a.css.exe"), "application/octet-stream");
        ck_assert_str_eq(web_files_type("css"), "application/octet-stream");
}
END_TEST

/* ---- Streams ---- */

static const struct {
        const char *event, *data, *wire;
} frames[] = {
    {"update", "{\"a\":1}", "event: update\nid: 7\ndata: {\"a\":1}\n\n"},
    {"lost", "", "event: lost\nid: 7\ndata: \n\n"},
    {"x", "one\ntwo", "event: x\nid: 7\ndata: one\ndata: two\n\n"},
    {"x", "one\n\nevent: evil\n", "event: x\nid: 7\ndata: one\ndata: \ndata: event: evil\n\n"},
};

START_TEST(events_are_framed)
{
        struct evbuffer *to = evbuffer_new();

        ck_assert(web_streams_frame(to, 7, frames[_i].event, frames[_i].data, strlen(frames[_i].data)));
        ck_assert_uint_eq(evbuffer_get_length(to), strlen(frames[_i].wire));
        ck_assert_int_eq(memcmp(evbuffer_pullup(to, -1), frames[_i].wire, strlen(frames[_i].wire)), 0);
        evbuffer_free(to);
}
END_TEST

START_TEST(who_reads_is_told_all)
{
        struct web_pace p = {.moved_us = 0};

        for (int64_t t_us = 0; t_us < 100 * TIME_S; t_us += TIME_S / 10) {
                ck_assert_int_eq(web_pace_decide(&p, true, 0, t_us), WEB_PACE_SEND);
                web_pace_note(&p, 1000);
        }
        ck_assert_int_eq(web_pace_decide(&p, false, 500, 100 * TIME_S), WEB_PACE_SKIP);
}
END_TEST

/* What waits stays bounded; the state comes whole once it has read. */
START_TEST(who_falls_behind_is_told_the_state)
{
        struct web_pace p = {.moved_us = 0};
        size_t queued = 0, sent = 0;

        for (int i = 0; i < 1000; i++)
                if (web_pace_decide(&p, true, queued, i * 1000) == WEB_PACE_SEND) {
                        queued += 1000;
                        sent++;
                        web_pace_note(&p, 1000);
                }
        ck_assert_uint_le(queued, WEB_PACE_QUEUED_MAX + 1000);
        ck_assert_uint_ge(sent, WEB_PACE_QUEUED_MAX / 1000);
        ck_assert_int_eq(web_pace_decide(&p, true, 1, 2 * TIME_S), WEB_PACE_SKIP);  /* not all of it yet */
        ck_assert_int_eq(web_pace_decide(&p, false, 0, 3 * TIME_S), WEB_PACE_FULL); /* without news */
        ck_assert_int_eq(web_pace_decide(&p, true, 0, 3 * TIME_S), WEB_PACE_SEND);
}
END_TEST

START_TEST(who_never_reads_is_dropped)
{
        struct web_pace p = {.moved_us = 0};
        const int64_t end_us = WEB_PACE_PATIENCE_US;

        web_pace_note(&p, 5000);
        ck_assert_int_eq(web_pace_decide(&p, true, 5000, end_us), WEB_PACE_SEND);
        ck_assert_int_eq(web_pace_decide(&p, true, 5000, end_us + 1), WEB_PACE_DROP);
        /* Whoever takes a byte now and then stays. */
        p = (struct web_pace){.queued = 5000};
        for (int i = 1; i < 100; i++)
                ck_assert_int_ne(
                    web_pace_decide(&p, false, 5000 - (size_t)i, i * (end_us - 1)), WEB_PACE_DROP);
        /* What is sent while it reads does not hide that it read: 100 bytes taken, 1000 put. */
        p = (struct web_pace){.queued = 0};
        for (int i = 1; i < 50; i++) {
                ck_assert_int_ne(
                    web_pace_decide(&p, true, p.queued - (p.queued > 100 ? 100 : 0), i * (end_us - 1)),
                    WEB_PACE_DROP);
                web_pace_note(&p, 1000);
        }
}
END_TEST

/* ---- Questions ---- */

static const struct {
        enum web_question_kind kind;
        const char *query, *why; /* NULL: it makes sense */
} questions[] = {
    {WEB_ASK_RUNS, NULL, NULL},
    {WEB_ASK_RUNS, "", NULL},
    {WEB_ASK_RUNS, "limit=500&before=7", NULL},
    {WEB_ASK_RUNS, "limit=501", "limit=501"},
    {WEB_ASK_RUNS, "limit=0", "limit=0"},
    {WEB_ASK_RUNS, "limit=-1", "limit=-1"},
    {WEB_ASK_RUNS, "limit=1e3", "limit=1e3"},
    {WEB_ASK_RUNS, "limit=", "limit="},
    {WEB_ASK_RUNS, "before=99999999999999999999", "before=99999999999999999999"},
    {WEB_ASK_RUNS, "tag=x", "no parameter 'tag'"},
    {WEB_ASK_RUN, "run=7", "no parameter 'run'"},
    {WEB_ASK_TREND, "tag=chamber.pressure", NULL},
    {WEB_ASK_TREND, "tag=chamber.pressure&run=3&points=10000", NULL},
    {WEB_ASK_TREND, "tag=a&from=1795321354474&to=2026-11-21T10:15:30Z", NULL},
    {WEB_ASK_TREND, "tag=a&from=yesterday", "from=yesterday"},
    {WEB_ASK_TREND, "tag=a&from=999999999999999999", "from=999999999999999999"},
    {WEB_ASK_TREND, "tag=a&run=3&from=1", "either run"},
    {WEB_ASK_TREND, "tag=a&points=1", "points=1"},
    {WEB_ASK_TREND, "tag=a%0Ab", "tag="},
    {WEB_ASK_TREND, "tag=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        "tag=aaa"},
    {WEB_ASK_TREND, "run=3", "'tag' is missing"},
    {WEB_ASK_OVERLAY, "run=1&precursor=nb&last=50", NULL},
    {WEB_ASK_OVERLAY, "run=1&precursor=nb&last=51", "last=51"},
    {WEB_ASK_OVERLAY, "precursor=nb", "'run' is missing"},
    {WEB_ASK_OVERLAY, "run=1", "'precursor' is missing"},
};

START_TEST(questions_are_checked)
{
        char words[160], more[200];
        struct web_question q;
        struct text why, hint;
        bool ok;

        text_init(&why, words, sizeof words);
        text_init(&hint, more, sizeof more);
        ok = web_question_parse(&q, questions[_i].kind, questions[_i].query, &why, &hint);
        ck_assert_msg(ok == (questions[_i].why == NULL), "%s: %s", questions[_i].query, words);
        if (!ok)
                ck_assert_msg(strstr(words, questions[_i].why) != NULL, "%s: %s", questions[_i].query, words);
}
END_TEST

START_TEST(questions_are_taken)
{
        char words[160], more[200];
        struct web_question q;
        struct text why, hint;

        text_init(&why, words, sizeof words);
        text_init(&hint, more, sizeof more);
        ck_assert(web_question_parse(
            &q, WEB_ASK_TREND, "tag=nb.valve&points=7&from=1500&to=1970-01-01T00:00:02.5Z", &why, &hint));
        ck_assert_str_eq(q.tag, "nb.valve");
        ck_assert_int_eq(q.points, 7);
        ck_assert_int_eq(q.from_us, 1500000);
        ck_assert_int_eq(q.to_us, 2500000);
        ck_assert(web_question_parse(&q, WEB_ASK_RUNS, "before=12", &why, &hint));
        ck_assert_int_eq(q.before, 12);
        ck_assert_int_eq(q.limit, 50);
        ck_assert_int_eq(web_question_run("17"), 17);
        ck_assert_int_eq(web_question_run("0"), 0);
        ck_assert_int_eq(web_question_run("-1"), 0);
        ck_assert_int_eq(web_question_run("1/"), 0);
        ck_assert_int_eq(web_question_run(""), 0);
}
END_TEST

/* ---- Children ---- */

struct seen {
        struct event_base *base;
        bool is_good;
        size_t len;
        char why[256];
};

static void on_done(void *ctx, const struct web_child_end *end)
{
        struct seen *seen = ctx;

        seen->is_good = end->is_good;
        seen->len = evbuffer_get_length(end->out);
        (void)snprintf(seen->why, sizeof seen->why, "%s", end->why);
        (void)event_base_loopbreak(seen->base);
}

static struct seen run_child(const char *script, int limit_s, size_t bytes_max)
{
        char shell[] = "sh", command[] = "-c", words[512];
        char *const argv[] = {shell, command, words, NULL};
        struct seen seen = {.base = event_base_new()};

        (void)snprintf(words, sizeof words, "%s", script);
        ck_assert_ptr_nonnull(
            web_child_start(seen.base, "/bin/sh", argv, limit_s, bytes_max, on_done, &seen));
        (void)event_base_dispatch(seen.base);
        event_base_free(seen.base);
        return seen;
}

START_TEST(a_child_tells_what_it_says)
{
        struct seen seen = run_child("head -c 300000 /dev/zero", 30, 1000000);

        ck_assert_msg(seen.is_good, "%s", seen.why);
        ck_assert_uint_eq(seen.len, 300000);
        seen = run_child("echo no such run >&2; exit 1", 30, 1000);
        ck_assert(!seen.is_good);
        ck_assert_ptr_nonnull(strstr(seen.why, "no such run"));
        ck_assert(!run_child("kill -9 $$", 30, 1000).is_good);
}
END_TEST

/* Nor does what it started itself keep us. */
START_TEST(a_child_is_bounded)
{
        struct seen seen = run_child("sleep 1000 & sleep 1000", 1, 1000);

        ck_assert(!seen.is_good);
        ck_assert_ptr_nonnull(strstr(seen.why, "not done after 1 s"));
        seen = run_child("cat /dev/zero", 30, 100000);
        ck_assert(!seen.is_good);
        ck_assert_ptr_nonnull(strstr(seen.why, "more than 100000 bytes"));
}
END_TEST

START_TEST(a_child_that_is_not_there)
{
        char name[] = "nothing";
        char *const argv[] = {name, NULL};
        struct event_base *base = event_base_new();
        struct seen seen = {.base = base};

        ck_assert_ptr_null(web_child_start(base, "/nowhere/nothing", argv, 1, 10, on_done, &seen));
        ck_assert_int_eq(errno, ENOENT);
        event_base_free(base);
}
END_TEST

/* ---- Reports in memory ---- */

/* Of `len` bytes that nobody writes to: what is not touched costs nothing. */
static struct web_file make_file(size_t len)
{
        unsigned char *bytes = malloc(len);

        ck_assert_ptr_nonnull(bytes);
        bytes[0] = bytes[len - 1] = 'x';
        return (struct web_file){.bytes = bytes, .len = len, .shared = web_bytes_new(bytes, len)};
}

/* Somebody begins to read it. */
static struct evbuffer *read_file(const struct web_file *file)
{
        struct evbuffer *to = evbuffer_new();

        ck_assert(web_bytes_put(file->shared, to));
        return to;
}

START_TEST(bytes_live_as_long_as_a_holder)
{
        struct web_file file = make_file(1000);
        struct evbuffer *one = read_file(&file), *other = read_file(&file);

        ck_assert_uint_eq(evbuffer_get_length(one), 1000);
        ck_assert_ptr_eq(evbuffer_pullup(one, 1), file.bytes); /* no copy */
        ck_assert_int_eq(evbuffer_drain(one, 1000), 0);
        ck_assert(web_bytes_is_shared(file.shared));
        evbuffer_free(one);
        web_bytes_drop(file.shared);
        ck_assert_uint_eq(evbuffer_pullup(other, -1)[999], 'x');
        evbuffer_free(other);

        file = make_file(1000);
        one = read_file(&file);
        evbuffer_free(one);
        ck_assert(!web_bytes_is_shared(file.shared));
        web_bytes_drop(file.shared);
        web_bytes_drop(NULL);
}
END_TEST

static void add_page(struct web_shelf *s, int64_t run, size_t len, time_t now_s)
{
        const struct web_file file = make_file(len);

        ck_assert(web_shelf_make_room(s, now_s));
        web_shelf_add(s, run, "a.db", &file, now_s);
}

START_TEST(the_pages_used_last_are_kept)
{
        struct web_shelf shelf = {.count = 0};

        for (int64_t run = 1; run <= WEB_SHELF_KEPT; run++)
                add_page(&shelf, run, 10, 0);
        ck_assert_ptr_nonnull(web_shelf_find(&shelf, 1, "a.db", 0));
        ck_assert_ptr_null(web_shelf_find(&shelf, 1, "b.db", 0));
        add_page(&shelf, 9, 10, 1);
        ck_assert_uint_eq(shelf.count, WEB_SHELF_KEPT);
        ck_assert_ptr_null(web_shelf_find(&shelf, 2, "a.db", 1));
        ck_assert_ptr_nonnull(web_shelf_find(&shelf, 1, "a.db", WEB_SHELF_KEPT_S));
        ck_assert_ptr_null(web_shelf_find(&shelf, 1, "a.db", WEB_SHELF_KEPT_S + 1));
        ck_assert(web_shelf_make_room(&shelf, WEB_SHELF_KEPT_S + 1));
        ck_assert_uint_eq(shelf.count, 1); /* run 9, of a second later */
        web_shelf_clear(&shelf);
        ck_assert_uint_eq(shelf.count, 0);
}
END_TEST

START_TEST(a_page_under_way_is_for_its_readers)
{
        struct web_shelf shelf = {.count = 0};
        struct web_file file = make_file(10);
        struct evbuffer *reader = read_file(&file);

        web_shelf_add(&shelf, 0, "a.db", &file, 0);
        ck_assert_uint_eq(shelf.count, 1);
        ck_assert_ptr_null(web_shelf_find(&shelf, 7, "a.db", 0));
        evbuffer_free(reader);
        ck_assert(web_shelf_make_room(&shelf, 0));
        ck_assert_uint_eq(shelf.count, 0);
}
END_TEST

/* Neither many pages nor large ones: what is read stays, what is only kept goes, and then there is no room. */
START_TEST(what_slow_readers_hold_is_bounded)
{
        struct web_shelf shelf = {.count = 0};
        struct evbuffer *readers[WEB_SHELF_MAX];
        size_t count = 0;

        for (; count < WEB_SHELF_MAX; count++) {
                struct web_file file = make_file(10);

                ck_assert(web_shelf_make_room(&shelf, 0));
                readers[count] = read_file(&file);
                web_shelf_add(&shelf, (int64_t)count + 1, "a.db", &file, 0);
        }
        ck_assert(!web_shelf_make_room(&shelf, 0));
        ck_assert_ptr_nonnull(web_shelf_find(&shelf, 1, "a.db", 0));
        for (size_t i = 0; i < count; i++)
                evbuffer_free(readers[i]);
        ck_assert(web_shelf_make_room(&shelf, 0));
        ck_assert_uint_eq(shelf.count, WEB_SHELF_KEPT);

        add_page(&shelf, 100, WEB_SHELF_BYTES_MAX / 2, 0);
        readers[0] = read_file(web_shelf_find(&shelf, 100, "a.db", 0));
        add_page(&shelf, 101, WEB_SHELF_BYTES_MAX / 2, 0);
        ck_assert(web_shelf_make_room(&shelf, 0)); /* without 101, which nobody reads */
        ck_assert_uint_eq(shelf.count, 1);
        add_page(&shelf, 102, WEB_SHELF_BYTES_MAX / 2, 0);
        readers[1] = read_file(web_shelf_find(&shelf, 102, "a.db", 0));
        ck_assert(!web_shelf_make_room(&shelf, 0));
        evbuffer_free(readers[0]);
        evbuffer_free(readers[1]);
        web_shelf_clear(&shelf);
}
END_TEST

int main(void)
{
        const TTest *const tests[] = {names_have_an_end, files_are_a_table, files_have_types,
            who_reads_is_told_all, who_falls_behind_is_told_the_state, who_never_reads_is_dropped,
            questions_are_taken, bytes_live_as_long_as_a_holder, the_pages_used_last_are_kept,
            a_page_under_way_is_for_its_readers, what_slow_readers_hold_is_bounded,
            a_child_tells_what_it_says, a_child_is_bounded, a_child_that_is_not_there};
        Suite *suite = suite_create("web");
        TCase *tc = tcase_create("web");

        tcase_set_timeout(tc, 60);
        tcase_add_loop_test(tc, only_names_of_its_own_are_answered, 0, sizeof hosts / sizeof hosts[0]);
        tcase_add_loop_test(tc, only_its_own_pages_may_ask, 0, sizeof origins / sizeof origins[0]);
        tcase_add_loop_test(tc, events_are_framed, 0, sizeof frames / sizeof frames[0]);
        tcase_add_loop_test(tc, questions_are_checked, 0, sizeof questions / sizeof questions[0]);
        for (size_t i = 0; i < sizeof tests / sizeof tests[0]; i++)
                tcase_add_test(tc, tests[i]);
        suite_add_tcase(suite, tc);
        return suite_main(suite);
}
