/* The fingerprint of decisions: every field of every effect changes it, nothing else does, and it is the same everywhere. */
#include "suite.h"

#include "ald/core/trace.h"

#include "ald/core/recipe.h" /* struct recipe */

#include <check.h>  /* the test framework */
#include <math.h>   /* NAN */
#include <stddef.h> /* offsetof */
#include <string.h> /* memset */

/* Where a field lies in struct effect, and how wide it is (a text: its first byte). */
struct field {
        enum effect_kind effect;
        int record; /* -1 = of every kind, or no record */
        const char *name;
        size_t at, size;
};
#define SIZE(member) sizeof(((struct effect *)NULL)->member)
#define FIELD(kind, member)                                                                                  \
        {                                                                                                    \
                kind, -1, #member, offsetof(struct effect, member), SIZE(member)                             \
        }
#define TEXT(kind, member)                                                                                   \
        {                                                                                                    \
                kind, -1, #member, offsetof(struct effect, member), 1                                        \
        }
#define IN_RECORD(which, member)                                                                             \
        {                                                                                                    \
                EFFECT_RECORD, which, #member, offsetof(struct effect, u.record.member),                     \
                    SIZE(u.record.member)                                                                    \
        }
#define RECORD_TEXT(which, member)                                                                           \
        {                                                                                                    \
                EFFECT_RECORD, which, #member, offsetof(struct effect, u.record.member), 1                   \
        }
#define PULSE_FIELDS(which)                                                                                  \
        IN_RECORD(which, u.pulse.cycle), RECORD_TEXT(which, u.pulse.path),                                   \
            IN_RECORD(which, u.pulse.attempt), IN_RECORD(which, u.pulse.outcome),                            \
            IN_RECORD(which, u.pulse.line), IN_RECORD(which, u.pulse.planned_open_us),                       \
            IN_RECORD(which, u.pulse.planned_width_us), IN_RECORD(which, u.pulse.opened_us),                 \
            IN_RECORD(which, u.pulse.width_us), IN_RECORD(which, u.pulse.open_acked_us),                     \
            IN_RECORD(which, u.pulse.closed_us), IN_RECORD(which, u.pulse.close_acked_us),                   \
            IN_RECORD(which, u.pulse.is_device_timed), IN_RECORD(which, u.pulse.pressure_base),              \
            IN_RECORD(which, u.pulse.pressure_peak), IN_RECORD(which, u.pulse.pressure_area),                \
            IN_RECORD(which, u.pulse.pressure_fit), IN_RECORD(which, u.pulse.pressure_decay_us)
#define RUN_FIELDS(which)                                                                                    \
        RECORD_TEXT(which, u.run.state), RECORD_TEXT(which, u.run.reason), RECORD_TEXT(which, u.run.user)

static const struct field fields[] = {
    FIELD(EFFECT_WRITE, u.write.id),
    FIELD(EFFECT_WRITE, u.write.tag),
    FIELD(EFFECT_WRITE, u.write.cause),
    FIELD(EFFECT_WRITE, u.write.is_safe),
    FIELD(EFFECT_WRITE, u.write.value),
    FIELD(EFFECT_PULSE, u.pulse.id),
    FIELD(EFFECT_PULSE, u.pulse.tag),
    FIELD(EFFECT_PULSE, u.pulse.open_us),
    FIELD(EFFECT_PULSE, u.pulse.close_us),
    FIELD(EFFECT_REVOKE, u.revoke.id),
    FIELD(EFFECT_REVOKE, u.revoke.tag),
    FIELD(EFFECT_REARM, u.device),
    FIELD(EFFECT_REPLY, u.reply.reply),
    FIELD(EFFECT_REPLY, u.reply.code),
    TEXT(EFFECT_REPLY, u.reply.text),
    TEXT(EFFECT_REPLY, u.reply.interlock),
    TEXT(EFFECT_REPLY, u.reply.condition),
    TEXT(EFFECT_REPLY, u.reply.values),
    TEXT(EFFECT_REPLY, u.reply.hint),
    FIELD(EFFECT_REPLY, u.reply.run_id),
    FIELD(EFFECT_RECORD, u.record.wall_us),
    FIELD(EFFECT_RECORD, u.record.run_id),
    RUN_FIELDS(RECORD_RUN_START),
    RUN_FIELDS(RECORD_RUN_STATE),
    RUN_FIELDS(RECORD_RUN_END),
    IN_RECORD(RECORD_CYCLE_START, u.cycle.n),
    IN_RECORD(RECORD_CYCLE_END, u.cycle.n),
    PULSE_FIELDS(RECORD_PULSE_START),
    PULSE_FIELDS(RECORD_PULSE_END),
    PULSE_FIELDS(RECORD_PULSE_METRICS),
    IN_RECORD(RECORD_BASE, u.base.is_after),
    IN_RECORD(RECORD_BASE, u.base.flow),
    IN_RECORD(RECORD_BASE, u.base.pressure),
    IN_RECORD(RECORD_BASE, u.base.spread),
    IN_RECORD(RECORD_BASE, u.base.samples),
    RECORD_TEXT(RECORD_EVENT, u.event.kind),
    IN_RECORD(RECORD_EVENT, u.event.severity),
    RECORD_TEXT(RECORD_EVENT, u.event.source),
    RECORD_TEXT(RECORD_EVENT, u.event.text),
    IN_RECORD(RECORD_AUDIT, u.audit.uid),
    IN_RECORD(RECORD_AUDIT, u.audit.pid),
    RECORD_TEXT(RECORD_AUDIT, u.audit.user),
    RECORD_TEXT(RECORD_AUDIT, u.audit.role),
    RECORD_TEXT(RECORD_AUDIT, u.audit.command),
    RECORD_TEXT(RECORD_AUDIT, u.audit.arguments),
    RECORD_TEXT(RECORD_AUDIT, u.audit.state_before),
    RECORD_TEXT(RECORD_AUDIT, u.audit.state_after),
    RECORD_TEXT(RECORD_AUDIT, u.audit.result),
    IN_RECORD(RECORD_SAMPLE, u.sample.tag),
    IN_RECORD(RECORD_SAMPLE, u.sample.quality),
    IN_RECORD(RECORD_SAMPLE, u.sample.t_us),
    IN_RECORD(RECORD_SAMPLE, u.sample.value),
    IN_RECORD(RECORD_VALVE, u.valve.tag),
    IN_RECORD(RECORD_VALVE, u.valve.line),
    IN_RECORD(RECORD_VALVE, u.valve.what),
    IN_RECORD(RECORD_VALVE, u.valve.is_actuation),
    IN_RECORD(RECORD_VALVE, u.valve.since_us),
    IN_RECORD(RECORD_VALVE, u.valve.open_us),
    IN_RECORD(RECORD_VALVE, u.valve.used_umol),
    IN_RECORD(RECORD_BOTTLE, u.bottle.line),
    IN_RECORD(RECORD_BOTTLE, u.bottle.content_g),
    RECORD_TEXT(RECORD_BOTTLE, u.bottle.lot),
};
enum { FIELDS = sizeof fields / sizeof fields[0] };

static struct effects effects, others;

/* One effect of this kind whose unused bytes are `fill`, its texts empty. */
static void make(struct effects *e, const struct field *f, unsigned char fill)
{
        struct effect *item = &e->item[0];

        memset(e, fill, sizeof *e);
        e->count = 1;
        item->kind = f->effect;
        if (f->effect == EFFECT_RECORD) {
                item->u.record.kind = f->record < 0 ? RECORD_RUN_END : (enum record_kind)f->record;
                item->u.record.wall_us = item->u.record.run_id = 0;
        }
        for (int i = 0; i < FIELDS; i++)
                if (fields[i].effect == f->effect && (fields[i].record < 0 || fields[i].record == f->record ||
                                                         (int)item->u.record.kind == fields[i].record))
                        memset((char *)item + fields[i].at, 0, fields[i].size);
        if (f->record == RECORD_RUN_START)
                item->u.record.u.run.recipe = NULL;
}

START_TEST(every_field_counts)
{
        const struct field *f = &fields[_i];

        for (size_t byte = 0; byte < f->size; byte++) {
                make(&effects, f, 0);
                make(&others, f, 0);
                ((char *)&others.item[0])[f->at + byte] ^= 1;
                ck_assert_msg(
                    trace_fold_effects(TRACE_START, &effects) != trace_fold_effects(TRACE_START, &others),
                    "byte %d of %s does not count", (int)byte, f->name);
        }
}
END_TEST

START_TEST(nothing_else_counts)
{
        const struct field *f = &fields[_i];

        make(&effects, f, 0);
        make(&others, f, 0xa5);
        ck_assert_msg(trace_fold_effects(TRACE_START, &effects) == trace_fold_effects(TRACE_START, &others),
            "padding beside %s counts", f->name);
}
END_TEST

START_TEST(kinds_order_and_number_count)
{
        static const struct field write = {.effect = EFFECT_WRITE, .record = -1};
        uint64_t one, two;

        make(&effects, &write, 0);
        one = trace_fold_effects(TRACE_START, &effects);
        effects.item[0].kind = EFFECT_FEED;
        ck_assert(trace_fold_effects(TRACE_START, &effects) != one);
        effects.item[0].kind = EFFECT_WRITE;
        effects.item[1] = effects.item[0];
        effects.item[1].u.write.tag = 1;
        effects.count = 2;
        two = trace_fold_effects(TRACE_START, &effects);
        ck_assert(two != one);
        effects.item[0].u.write.tag = 1;
        effects.item[1].u.write.tag = 0;
        ck_assert(trace_fold_effects(TRACE_START, &effects) != two);
        effects.count = 0;
        ck_assert(trace_fold_effects(TRACE_START, &effects) != TRACE_START);
}
END_TEST

/* A recipe counts by what it is, never by where it lies. */
START_TEST(a_recipe_counts_by_its_digest)
{
        static const struct field start = {.effect = EFFECT_RECORD, .record = RECORD_RUN_START};
        static struct recipe a, b;
        uint64_t hash;

        make(&effects, &start, 0);
        effects.item[0].u.record.u.run.recipe = &a;
        hash = trace_fold_effects(TRACE_START, &effects);
        effects.item[0].u.record.u.run.recipe = &b;
        ck_assert(trace_fold_effects(TRACE_START, &effects) == hash);
        b.sha256[0] = 'f';
        ck_assert(trace_fold_effects(TRACE_START, &effects) != hash);
        memset(&b, 0, sizeof b);
        b.name[0] = 'n';
        ck_assert(trace_fold_effects(TRACE_START, &effects) != hash);
}
END_TEST

/* Known answers: FNV-1a's published test vectors, and the same on every machine. */
START_TEST(known_answers)
{
        ck_assert(trace_fold_bytes(TRACE_START, "", 0) == TRACE_START);
        ck_assert(trace_fold_bytes(TRACE_START, "a", 1) == UINT64_C(0xaf63dc4c8601ec8c));
        ck_assert(trace_fold_bytes(TRACE_START, "foobar", 6) == UINT64_C(0x85944171f73967e8));
        ck_assert(trace_fold_int(TRACE_START, 'a') == UINT64_C(0x2173504146135696));
        ck_assert(trace_fold_text(TRACE_START, "foobars of eight") == UINT64_C(0x3d434b6cca59552f));
        ck_assert(trace_fold_text(TRACE_START, "foobars ") != trace_fold_text(TRACE_START, "foobars"));
        ck_assert(trace_fold_double(TRACE_START, NAN) == trace_fold_double(TRACE_START, -NAN));
        ck_assert(trace_fold_double(TRACE_START, 0.0) != trace_fold_double(TRACE_START, -0.0));
        ck_assert(trace_fold_text(trace_fold_text(TRACE_START, "ab"), "c") !=
                  trace_fold_text(trace_fold_text(TRACE_START, "a"), "bc"));
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("trace");
        TCase *tests = tcase_create("trace");

        tcase_add_loop_test(tests, every_field_counts, 0, FIELDS);
        tcase_add_loop_test(tests, nothing_else_counts, 0, FIELDS);
        tcase_add_test(tests, kinds_order_and_number_count);
        tcase_add_test(tests, a_recipe_counts_by_its_digest);
        tcase_add_test(tests, known_answers);
        suite_add_tcase(suite, tests);
        return suite_main(suite);
}
