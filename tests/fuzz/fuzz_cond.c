/* Conditions: any text is parsed against the reference tool's tags, and what is accepted is evaluated over a snapshot
 * that the input makes.
 *
 *     CONDITION [ "#" MODE { TAG VALUE STEP } ]
 *
 * MODE and the three bytes of each sample are any bytes; what they choose stands in make_snapshot(). A tag without a
 * sample has a Good value from the beginning, unless MODE says otherwise.
 *
 * Held: places of errors lie in the text; the tree is sound; the outcome is one of three, the same when asked twice,
 * and the one that sets of possible outcomes give (Kleene's logic written another way); a value that turns Bad may make
 * the outcome Bad, but never turns true to false or false to true (T5); the words kept for people compile to the same
 * tree; texts for people end in time. */
#include "fuzz/fuzz.h"

#include "ald/base/text.h"       /* text_init */
#include "ald/core/snapshot.h"   /* snapshot_fold */
#include "ald/file/cond_parse.h" /* cond_parse_node */

#include <math.h>   /* NAN */
#include <string.h> /* memchr */

enum { TEXT_CAP = 1024, SAMPLES_MAX = 64 };

static struct tool *tool;

/* A parameter that is broken itself was told where it stands, so there is none here: its users stay silent. */
static struct reader_parameter parameters[] = {{.name = "limit", .text = "950 mTorr"},
    {.name = "base", .text = "10 s"}, {.name = "bare", .text = "950"}};

int LLVMFuzzerInitialize(const int *argc, char ***argv)
{
        (void)argc;
        (void)argv;
        tool = fuzz_load_tool("config/rotary-ald.yaml");
        return 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed)
{
        return fuzz_mutate_terms(data, size, max, seed);
}

struct parsed {
        struct cond_pool pool;
        struct cond cond;
        int windows;
};

static bool parse(struct parsed *p, struct diag *d, const char *text, bool has_parameters)
{
        struct reader r = {.d = d,
            .source = diag_source(d, "cond", text, strlen(text)),
            .has_parameters = has_parameters,
            .parameters = parameters,
            .parameter_count = sizeof parameters / sizeof parameters[0]};
        struct yaml_node node = {.kind = YAML_SCALAR, .is_plain = true, .line = 1, .column = 1, .text = text};
        struct cond_parse c = {&r, tool, &p->pool, &p->windows};
        /* A text on several lines is in no source byte for byte: its errors are told where it begins. */
        node.inner = strchr(text, '\n') ? 0 : 1;
        p->pool.count = 0;
        p->windows = 0;
        return cond_parse_node(&c, &node, "until", &p->cond);
}

/* ---- The snapshot ---- */

/* Values that conditions turn on: the constants of the condition itself, the ends of what is valid, and no numbers. */
static double pick_value(const struct parsed *p, const struct tool_tag *tag, uint8_t by)
{
        const double fixed[] = {0, 1, -1, tag->valid_min, tag->valid_max, NAN, INFINITY, 1e300};
        const struct cond_node *n = &p->pool.nodes[by / 8 % p->pool.count];
        switch (by % 8) {
        case 0:
                return n->value;
        case 1:
                return n->value + n->span;
        case 2:
                return n->value - 2 * n->span - 1;
        default:
                return fixed[by / 8 % (sizeof fixed / sizeof fixed[0])];
        }
}

/* Fold one sample in: what it is worth and whether it is Good follow from two bytes. */
static void fold(
    const struct parsed *p, struct snapshot *snap, int tag, uint8_t value, int64_t t_us, bool is_bad)
{
        struct sample s = {
            .tag = (int16_t)tag, .t_us = t_us, .value = pick_value(p, &tool->tags[tag], value)};
        s.quality = is_bad ? QUALITY_BAD : QUALITY_GOOD;
        s.why = is_bad ? QUALITY_WHY_COMM : QUALITY_WHY_NONE;
        snapshot_fold(snap, tool, &s);
}

static void make_snapshot(const struct parsed *p, struct snapshot *snap, const uint8_t *data, size_t size)
{
        uint8_t mode = size > 0 ? data[0] : 0;
        int64_t now_us = 0;
        snapshot_init(snap, tool);
        for (int i = 0; i < p->pool.count; i++)
                if (p->pool.nodes[i].slot >= 0)
                        snapshot_watch(
                            snap, p->pool.nodes[i].slot, p->pool.nodes[i].a, p->pool.nodes[i].over_us);
        for (int i = 0; i < tool->tag_count && !(mode & 64); i++)
                fold(p, snap, i, size > 1 ? data[1 + (size_t)i % (size - 1)] : 0, 0, false);
        for (size_t i = 1; i + 2 < size && i < 3 * SAMPLES_MAX; i += 3) {
                now_us += data[i + 2] * INT64_C(20000);
                fold(p, snap, data[i] % tool->tag_count, data[i + 1], now_us, data[i + 2] % 8 == 7);
        }
        snapshot_age(snap, tool, now_us + (mode & 1 ? 1000 : 400000));
        snap->settled = (enum tri)(mode / 2 % 3);
        snap->is_exposing = mode & 8;
        snap->fresh_us = mode & 16 ? now_us / 2 : INT64_MIN;
}

/* ---- The outcome, by sets of what is possible ---- */

struct possible {
        bool is_true, is_false;
};

static struct possible possible_at(const struct cond_pool *pool, int at, const struct snapshot *snap)
{
        const struct cond_node *n = &pool->nodes[at];
        struct possible a, b;
        int may = 0, must = 0;
        enum tri leaf;
        switch ((enum cond_op)n->op) {
        case COND_AND:
                a = possible_at(pool, n->left, snap);
                b = possible_at(pool, n->right, snap);
                return (struct possible){a.is_true && b.is_true, a.is_false || b.is_false};
        case COND_OR:
                a = possible_at(pool, n->left, snap);
                b = possible_at(pool, n->right, snap);
                return (struct possible){a.is_true || b.is_true, a.is_false && b.is_false};
        case COND_NOT:
                a = possible_at(pool, n->left, snap);
                return (struct possible){a.is_false, a.is_true};
        case COND_VOTE:
                for (int i = n->left; i >= 0; i = pool->nodes[i].right) {
                        a = possible_at(pool, pool->nodes[i].left, snap);
                        may += a.is_true;
                        must += !a.is_false;
                }
                return (struct possible){may >= n->count, must < n->count};
        default:
                leaf = cond_eval(pool, at, snap);
                return (struct possible){leaf != TRI_FALSE, leaf != TRI_TRUE};
        }
}

static void check_outcome(const struct parsed *p, struct snapshot *snap)
{
        enum tri is = cond_eval(&p->pool, p->cond.root, snap), now;
        struct possible set = possible_at(&p->pool, p->cond.root, snap);
        FUZZ_CHECK(is == TRI_FALSE || is == TRI_TRUE || is == TRI_BAD, "outcome %d", is);
        FUZZ_CHECK(set.is_true == (is != TRI_FALSE) && set.is_false == (is != TRI_TRUE),
            "outcome %d, but it may be true %d, false %d", is, set.is_true, set.is_false);
        FUZZ_CHECK(cond_eval(&p->pool, p->cond.root, snap) == is, "asked twice, two outcomes");
        for (int i = 0; i < tool->tag_count; i++) {
                if (!snapshot_is_good(snap, i) || !cond_uses_tag(&p->pool, p->cond.root, i))
                        continue;
                snap->tag[i].quality = QUALITY_BAD;
                snap->tag[i].why = QUALITY_WHY_COMM;
                snap->tag[i].value = i % 2 ? 1e300 : -1e300; /* nobody may look at it now */
                now = cond_eval(&p->pool, p->cond.root, snap);
                FUZZ_CHECK(now == is || now == TRI_BAD, "'%s' turns Bad: from %d to %d", tool->tags[i].name,
                    is, now);
                is = now;
        }
}

static void check_texts(const struct parsed *p, const struct snapshot *snap)
{
        char buf[192];
        struct text t;
        text_init(&t, buf, sizeof buf);
        cond_add_values(&t, &p->pool, p->cond.root, snap, tool);
        text_init(&t, buf, sizeof buf);
        cond_add_unmet(&t, &p->pool, p->cond.root, snap, tool);
        FUZZ_CHECK(t.len < sizeof buf && buf[t.len] == '\0', "a text without its end");
}

/* What people are shown says the same; a text that was cut says so by its dots. */
static void check_kept_words(const struct parsed *p)
{
        static struct parsed again;
        size_t len = strlen(p->cond.text);
        struct diag *d;
        if (len >= 3 && strcmp(p->cond.text + len - 3, "...") == 0)
                return;
        d = diag_new();
        FUZZ_CHECK(parse(&again, d, p->cond.text, false), "kept as '%s': %s", p->cond.text,
            diag_count(d) ? diag_entry(d, 0)->text : "");
        FUZZ_CHECK(again.pool.count == p->pool.count && again.cond.root == p->cond.root, "kept as '%s'",
            p->cond.text);
        for (int i = 0; i < again.pool.count; i++)
                FUZZ_CHECK(again.pool.nodes[i].op == p->pool.nodes[i].op &&
                               again.pool.nodes[i].a == p->pool.nodes[i].a,
                    "kept as '%s'", p->cond.text);
        diag_free(d);
}

#ifdef FUZZ_CANARY
static int count_ops(const struct cond_pool *pool, enum cond_op op)
{
        int count = 0;
        for (int i = 0; i < pool->count; i++)
                count += pool->nodes[i].op == op;
        return count;
}
#endif

static void try_accepted(const struct parsed *p, const uint8_t *data, size_t size)
{
        static struct snapshot snap;
        fuzz_check_cond(&p->pool, p->cond.root, tool, p->windows);
        FUZZ_PLANT(count_ops(&p->pool, COND_AND) == 3);
        make_snapshot(p, &snap, data, size);
        check_texts(p, &snap);
        check_outcome(p, &snap);
        check_kept_words(p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static struct parsed p;
        char text[TEXT_CAP];
        const uint8_t *hash = memchr(data, '#', size);
        size_t len = hash ? (size_t)(hash - data) : size, rest = hash ? size - len - 1 : 0;
        struct diag *d = diag_new();
        if (len >= TEXT_CAP)
                len = TEXT_CAP - 1;
        memcpy(text, data, len);
        text[len] = '\0';
        bool is_accepted = parse(&p, d, text, rest == 0 || !(hash[1] & 32));
        fuzz_count(is_accepted);
        fuzz_check_diag(d, "cond", text, strlen(text), is_accepted);
        if (is_accepted) {
                try_accepted(&p, hash ? hash + 1 : data, rest);
                fuzz_keep_sound(data, size);
        }
        diag_free(d);
        return 0;
}
