/* The recorder's queue: order, gaps per tag with exact counts, refused records, and two threads at once. */
#include "suite.h"

#include "ald/core/recq.h"

#include "ald/core/tool.h" /* TOOL_TAGS_MAX */

#include <check.h>   /* the test framework */
#include <pthread.h> /* a second thread */
#include <stdio.h>   /* snprintf */
#include <string.h>  /* strstr */

enum { RECORDS = 8, SAMPLES = 512 };

static struct record sample(int tag, int64_t t_us)
{
        struct record r = {.kind = RECORD_SAMPLE, .wall_us = t_us};

        r.u.sample = (struct record_sample){
            .tag = (int16_t)tag, .quality = (int16_t)(t_us % 3), .t_us = t_us, .value = (double)t_us / 4};
        return r;
}

static struct record event(int64_t wall_us)
{
        struct record r = {.kind = RECORD_EVENT, .wall_us = wall_us, .run_id = 7};

        snprintf(r.u.event.text, sizeof r.u.event.text, "%lld", (long long)wall_us);
        return r;
}

static bool push_sample(struct recq *q, int tag, int64_t t_us)
{
        struct record r = sample(tag, t_us);

        return recq_push(q, &r);
}

static bool push_event(struct recq *q, int64_t wall_us)
{
        struct record r = event(wall_us);

        return recq_push(q, &r);
}

START_TEST(keeps_order_and_content)
{
        struct recq *q = recq_new(RECORDS, SAMPLES);

        for (int round = 0; round < 1000; round++) { /* several times round the ring */
                for (int i = 0; i < 5; i++) {
                        ck_assert(push_event(q, round * 5 + i));
                        ck_assert(push_sample(q, i, round * 5 + i));
                }
                ck_assert_uint_eq(recq_records(q), 5);
                ck_assert_uint_eq(recq_samples(q), 5);
                for (uint32_t i = 0; i < 5; i++) {
                        struct record want = event(round * 5 + (int)i);
                        const struct recq_sample *s = recq_sample(q, i);

                        ck_assert_int_eq(recq_record(q, i)->wall_us, want.wall_us);
                        ck_assert_str_eq(recq_record(q, i)->u.event.text, want.u.event.text);
                        ck_assert_int_eq(s->t_us, round * 5 + (int)i);
                        ck_assert_int_eq(s->tag, (int)i);
                        ck_assert_int_eq(s->quality, s->t_us % 3);
                        ck_assert_double_eq(s->u.value, (double)s->t_us / 4);
                        ck_assert_uint_eq(s->gap, 0);
                }
                recq_release_records(q, 2);
                recq_release_records(q, 3);
                recq_release_samples(q, 5);
        }
        ck_assert_int_eq(recq_dropped(q), 0);
        ck_assert_int_eq(recq_lost(q), 0);
        recq_free(q);
}
END_TEST

START_TEST(full_ring_opens_one_gap_per_tag)
{
        struct recq *q = recq_new(RECORDS, SAMPLES);

        for (int i = 0; i < SAMPLES; i++)
                ck_assert(push_sample(q, 0, i));
        for (int i = 0; i < 30; i++) /* tags 1 and 2 in turn: 15 each, at 1000.. */
                ck_assert(!push_sample(q, 1 + i % 2, 1000 + i));
        ck_assert_int_eq(recq_dropped(q), 30);

        recq_release_samples(q, 10); /* room, but not yet a quarter */
        ck_assert(!push_sample(q, 1, 2000));
        recq_release_samples(q, SAMPLES / 4 - 10);
        ck_assert(push_sample(q, 2, 3000));
        ck_assert_int_eq(recq_dropped(q), 31);

        uint32_t at = SAMPLES - SAMPLES / 4; /* after what is left: two gaps, then the sample */
        ck_assert_uint_eq(recq_samples(q), at + 3);
        const struct recq_sample *one = recq_sample(q, at), *two = recq_sample(q, at + 1);
        ck_assert_int_eq(one->tag, 1);
        ck_assert_uint_eq(one->gap, 16);
        ck_assert_int_eq(one->t_us, 1000);
        ck_assert_int_eq(one->u.last_us, 2000);
        ck_assert_int_eq(two->tag, 2);
        ck_assert_uint_eq(two->gap, 15);
        ck_assert_int_eq(two->t_us, 1001);
        ck_assert_int_eq(two->u.last_us, 1029);
        ck_assert_int_eq(recq_sample(q, at + 2)->t_us, 3000);
        recq_free(q);
}
END_TEST

START_TEST(gap_of_every_tag_fits)
{
        struct recq *q = recq_new(RECORDS, SAMPLES);

        for (int i = 0; i < SAMPLES; i++)
                ck_assert(push_sample(q, 0, i));
        for (int tag = 0; tag < TOOL_TAGS_MAX; tag++)
                ck_assert(!push_sample(q, tag, 1000));
        recq_release_samples(q, TOOL_TAGS_MAX); /* the gaps alone would fill this: no room for the sample */
        ck_assert(!push_sample(q, 3, 2000));
        recq_release_samples(q, 1);
        ck_assert(push_sample(q, 3, 3000));
        ck_assert_uint_eq(recq_samples(q), SAMPLES);
        recq_free(q);
}
END_TEST

START_TEST(end_hands_over_open_gaps)
{
        struct recq *q = recq_new(RECORDS, SAMPLES);

        for (int i = 0; i < SAMPLES; i++)
                ck_assert(push_sample(q, 0, i));
        ck_assert(recq_end(q));
        ck_assert(!push_sample(q, 5, 1000));
        ck_assert(!recq_end(q));
        recq_release_samples(q, 1);
        ck_assert(recq_end(q));
        ck_assert_uint_eq(recq_sample(q, SAMPLES - 1)->gap, 1);
        ck_assert_int_eq(recq_sample(q, SAMPLES - 1)->tag, 5);
        recq_free(q);
}
END_TEST

START_TEST(full_records_are_refused_then_told_of)
{
        struct recq *q = recq_new(RECORDS, SAMPLES);

        for (int i = 0; i < RECORDS; i++)
                ck_assert(push_event(q, i));
        ck_assert(!push_event(q, 1000000));
        ck_assert(!push_event(q, 2000000));
        ck_assert_int_eq(recq_lost(q), 2);
        ck_assert(push_sample(q, 0, 1)); /* samples have a ring of their own */

        recq_release_records(q, 2);
        ck_assert(push_event(q, 3000000) == true);
        const struct record *told = recq_record(q, RECORDS - 2);
        ck_assert_str_eq(told->u.event.kind, "gap");
        ck_assert_int_eq(told->u.event.severity, RECORD_ALARM);
        ck_assert_int_eq(told->run_id, 7);
        ck_assert_ptr_nonnull(strstr(told->u.event.text, "2 records lost between 1970-01-01T00:00:01"));
        ck_assert_ptr_nonnull(strstr(told->u.event.text, "1970-01-01T00:00:02"));
        ck_assert_int_eq(recq_record(q, RECORDS - 1)->wall_us, 3000000);
        ck_assert_int_eq(recq_lost(q), 2);
        recq_free(q);
}
END_TEST

/* Two threads: what arrives plus what the gaps account for is what was produced, in order for each tag. */
enum { PRODUCED = 300000, TAGS = 7 };

static void *produce(void *queue)
{
        struct recq *q = queue;

        for (int64_t i = 0; i < PRODUCED; i++) {
                push_sample(q, (int)(i % TAGS), i);
                if (i % 64 == 0)
                        push_event(q, i);
        }
        return NULL;
}

struct tally {
        int64_t samples, gaps, records, last_us[TAGS], last_record;
};

static void take(struct recq *q, struct tally *t, uint32_t samples)
{
        for (uint32_t i = 0; i < samples; i++) {
                const struct recq_sample *s = recq_sample(q, i);

                ck_assert_int_gt(s->t_us, t->last_us[s->tag]);
                t->last_us[s->tag] = s->gap > 0 ? s->u.last_us : s->t_us;
                t->samples += s->gap == 0;
                t->gaps += s->gap;
        }
        recq_release_samples(q, samples);
        uint32_t records = recq_records(q);
        for (uint32_t i = 0; i < records; i++) {
                ck_assert_int_ge(recq_record(q, i)->wall_us, t->last_record);
                t->last_record = recq_record(q, i)->wall_us;
                t->records += strcmp(recq_record(q, i)->u.event.kind, "gap") != 0;
        }
        recq_release_records(q, records);
}

START_TEST(two_threads_lose_nothing_unaccounted)
{
        struct recq *q = recq_new(RECORDS, SAMPLES);
        struct tally tally = {.last_record = -1};
        pthread_t producer;
        void *joined = NULL;
        bool is_over = false;

        for (int i = 0; i < TAGS; i++)
                tally.last_us[i] = -1;
        ck_assert_int_eq(pthread_create(&producer, NULL, produce, q), 0);
        while (!is_over) {
                is_over = pthread_tryjoin_np(producer, &joined) == 0;
                if (is_over)
                        while (!recq_end(q))
                                take(q, &tally, recq_samples(q));
                take(q, &tally, recq_samples(q));
        }
        ck_assert_int_eq(tally.samples + tally.gaps, PRODUCED);
        ck_assert_int_eq(tally.gaps, recq_dropped(q));
        ck_assert_int_eq(tally.records + recq_lost(q), (PRODUCED + 63) / 64);
        recq_free(q);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("recq");
        TCase *tcase = tcase_create("recq");

        tcase_set_timeout(tcase, 60);
        tcase_add_test(tcase, keeps_order_and_content);
        tcase_add_test(tcase, full_ring_opens_one_gap_per_tag);
        tcase_add_test(tcase, gap_of_every_tag_fits);
        tcase_add_test(tcase, end_hands_over_open_gaps);
        tcase_add_test(tcase, full_records_are_refused_then_told_of);
        tcase_add_test(tcase, two_threads_lose_nothing_unaccounted);
        suite_add_tcase(suite, tcase);
        return suite_main(suite);
}
