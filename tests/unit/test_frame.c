/* Requests and replies against the frames printed in the Modbus Application Protocol V1.1b3, section 6, and every way
 * in which a reply can belong to somebody else. */

#include "support.h" /* support_main */

#include "ald/bus/frame.h" /* frame_request, frame_reply */

static struct sched_action read_of(enum tool_register reg, int address, int count)
{
        return (struct sched_action){
            .kind = SCHED_READ, .slave_id = 0x11, .reg = reg, .address = address, .count = count};
}

static struct sched_action write_of(enum tool_register reg, int address, int count, bool multiple)
{
        struct sched_action a = read_of(reg, address, count);

        a.kind = SCHED_WRITE;
        a.multiple = multiple;
        return a;
}

static void check_request(const struct sched_action *a, const uint8_t *want, int len)
{
        uint8_t frame[FRAME_MAX];

        ck_assert_int_eq(frame_request(a, 0x1234, frame), len);
        ck_assert_mem_eq(frame, want, len);
}

#define REQUEST(a, ...)                                                                                      \
        do {                                                                                                 \
                static const uint8_t want[] = {__VA_ARGS__};                                                 \
                check_request(&(a), want, sizeof want);                                                      \
        } while (0)

static struct sched_result reply_to(const struct sched_action *a, const uint8_t *reply, int len)
{
        struct sched_result r = {.outcome = SCHED_OK};

        frame_reply(a, 0x1234, reply, len, &r);
        return r;
}

#define REPLY(a, ...)                                                                                        \
        reply_to(&(a), (const uint8_t[]){__VA_ARGS__}, (int)sizeof((const uint8_t[]){__VA_ARGS__}))

START_TEST(reads)
{
        struct sched_action coils = read_of(TOOL_COIL, 0x13, 19), holding = read_of(TOOL_HOLDING, 0x6B, 3),
                            discrete = read_of(TOOL_DISCRETE, 0xC4, 22), input = read_of(TOOL_INPUT, 8, 1);
        struct sched_result r;

        REQUEST(coils, 0x12, 0x34, 0, 0, 0, 6, 0x11, 1, 0, 0x13, 0, 0x13);
        r = REPLY(coils, 0x12, 0x34, 0, 0, 0, 6, 0x11, 1, 3, 0xCD, 0x6B, 0x05);
        ck_assert_int_eq(r.outcome, SCHED_OK);
        /* CD = 1100 1101: coils 27 to 20; 05: coils 38 to 36. */
        ck_assert_int_eq(r.words[0], 1);
        ck_assert_int_eq(r.words[1], 0);
        ck_assert_int_eq(r.words[7], 1);
        ck_assert_int_eq(r.words[16], 1);
        ck_assert_int_eq(r.words[17], 0);
        ck_assert_int_eq(r.words[18], 1);
        REQUEST(holding, 0x12, 0x34, 0, 0, 0, 6, 0x11, 3, 0, 0x6B, 0, 3);
        r = REPLY(holding, 0x12, 0x34, 0, 0, 0, 9, 0x11, 3, 6, 0x02, 0x2B, 0, 0, 0, 0x64);
        ck_assert_int_eq(r.outcome, SCHED_OK);
        ck_assert_int_eq(r.words[0], 555);
        ck_assert_int_eq(r.words[2], 100);
        REQUEST(discrete, 0x12, 0x34, 0, 0, 0, 6, 0x11, 2, 0, 0xC4, 0, 0x16);
        ck_assert_int_eq(
            REPLY(discrete, 0x12, 0x34, 0, 0, 0, 6, 0x11, 2, 3, 0xAC, 0xDB, 0x35).outcome, SCHED_OK);
        REQUEST(input, 0x12, 0x34, 0, 0, 0, 6, 0x11, 4, 0, 8, 0, 1);
        ck_assert_int_eq(REPLY(input, 0x12, 0x34, 0, 0, 0, 5, 0x11, 4, 2, 0, 10).words[0], 10);
}
END_TEST

START_TEST(writes)
{
        struct sched_action coil = write_of(TOOL_COIL, 0xAC, 1, false),
                            word = write_of(TOOL_HOLDING, 1, 1, false),
                            coils = write_of(TOOL_COIL, 0x13, 1, true),
                            words = write_of(TOOL_HOLDING, 1, 2, true);

        coil.words[0] = coils.words[0] = 1;
        word.words[0] = 3;
        words.words[0] = 0x000A;
        words.words[1] = 0x0102;
        REQUEST(coil, 0x12, 0x34, 0, 0, 0, 6, 0x11, 5, 0, 0xAC, 0xFF, 0);
        ck_assert_int_eq(REPLY(coil, 0x12, 0x34, 0, 0, 0, 6, 0x11, 5, 0, 0xAC, 0xFF, 0).outcome, SCHED_OK);
        REQUEST(word, 0x12, 0x34, 0, 0, 0, 6, 0x11, 6, 0, 1, 0, 3);
        ck_assert_int_eq(REPLY(word, 0x12, 0x34, 0, 0, 0, 6, 0x11, 6, 0, 1, 0, 3).outcome, SCHED_OK);
        REQUEST(coils, 0x12, 0x34, 0, 0, 0, 8, 0x11, 15, 0, 0x13, 0, 1, 1, 1);
        ck_assert_int_eq(REPLY(coils, 0x12, 0x34, 0, 0, 0, 6, 0x11, 15, 0, 0x13, 0, 1).outcome, SCHED_OK);
        REQUEST(words, 0x12, 0x34, 0, 0, 0, 11, 0x11, 16, 0, 1, 0, 2, 4, 0, 0x0A, 1, 2);
        ck_assert_int_eq(REPLY(words, 0x12, 0x34, 0, 0, 0, 6, 0x11, 16, 0, 1, 0, 2).outcome, SCHED_OK);
        /* The close of a coil is 0000; an echo of the opposite edge confirms nothing. */
        coil.words[0] = 0;
        REQUEST(coil, 0x12, 0x34, 0, 0, 0, 6, 0x11, 5, 0, 0xAC, 0, 0);
        ck_assert_int_eq(
            REPLY(coil, 0x12, 0x34, 0, 0, 0, 6, 0x11, 5, 0, 0xAC, 0xFF, 0).outcome, SCHED_BAD_FRAME);
}
END_TEST

START_TEST(exceptions)
{
        struct sched_action holding = read_of(TOOL_HOLDING, 0x6B, 3);
        struct sched_result r = REPLY(holding, 0x12, 0x34, 0, 0, 0, 3, 0x11, 0x83, 2);

        ck_assert_int_eq(r.outcome, SCHED_EXCEPTION);
        ck_assert_int_eq(r.exception, 2);
        ck_assert_str_eq(r.text, "Illegal data address");
        r = REPLY(holding, 0x12, 0x34, 0, 0, 0, 3, 0x11, 0x83, 99);
        ck_assert_int_eq(r.outcome, SCHED_EXCEPTION);
        ck_assert_int_eq(r.exception, 99);
        /* An exception to another function is none of ours. */
        ck_assert_int_eq(REPLY(holding, 0x12, 0x34, 0, 0, 0, 3, 0x11, 0x84, 2).outcome, SCHED_BAD_FRAME);
}
END_TEST

START_TEST(replies_of_others_are_no_replies)
{
        static const uint8_t good[] = {0x12, 0x34, 0, 0, 0, 9, 0x11, 3, 6, 0x02, 0x2B, 0, 0, 0, 0x64};
        struct sched_action holding = read_of(TOOL_HOLDING, 0x6B, 3),
                            write = write_of(TOOL_HOLDING, 1, 1, false);

        /* Any byte of the header changed by any amount: transaction, protocol, length, unit, function, count. */
        for (int at = 0; at < 9; at++)
                for (int change = 1; change < 256; change++) {
                        uint8_t bad[sizeof good];

                        memcpy(bad, good, sizeof good);
                        bad[at] = (uint8_t)(bad[at] ^ change);
                        ck_assert_msg(reply_to(&holding, bad, sizeof bad).outcome == SCHED_BAD_FRAME,
                            "byte %d ^ %02x", at, (unsigned)change);
                }
        /* Cut at any length, and glued to a further byte. */
        for (int len = 0; len < (int)sizeof good; len++)
                ck_assert_int_eq(reply_to(&holding, good, len).outcome, SCHED_BAD_FRAME);
        ck_assert_int_eq(
            REPLY(write, 0x12, 0x34, 0, 0, 0, 7, 0x11, 6, 0, 1, 0, 0, 9).outcome, SCHED_BAD_FRAME);
        ck_assert_int_eq(REPLY(write, 0x12, 0x34, 0, 0, 0, 6, 0x11, 6, 0, 2, 0, 0).outcome, SCHED_BAD_FRAME);
}
END_TEST

int main(void)
{
        const TTest *const tests[] = {reads, writes, exceptions, replies_of_others_are_no_replies};
        Suite *suite = suite_create("frame");
        TCase *tc = tcase_create("frame");

        for (size_t i = 0; i < sizeof tests / sizeof tests[0]; i++)
                tcase_add_test(tc, tests[i]);
        suite_add_tcase(suite, tc);
        return support_main(suite);
}
