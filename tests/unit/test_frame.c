/* Requests and replies against the frames printed in the Modbus Application Protocol V1.1b3, section 6, and every way in
 * which a reply can belong to somebody else. On a serial line the same, with the checksum of Modbus over Serial Line V1.02.
 * Random replies: 100,000 to each of the two decoders, a million where they are sanitized. ALD_FRAMES in the environment
 * gives another number. */

#include "suite.h"

#include "ald/base/random.h" /* random_below */
#include "ald/bus/frame.h"   /* frame_request, frame_reply */

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

/* ---- Serial lines ---- */

static struct sched_result rtu_reply_to(const struct sched_action *a, const uint8_t *reply, int len)
{
        struct sched_result r = {.outcome = SCHED_OK};

        frame_reply_rtu(a, reply, len, &r);
        return r;
}

START_TEST(serial_frames)
{
        /* The frame whose checksum MODBUS over Serial Line V1.02, 6.2.2 works out: 02 07 41 12. */
        static const uint8_t worked_out[] = {0x02, 0x07};
        static const uint8_t request[] = {0x11, 3, 0, 0x6B, 0, 3};
        static const uint8_t good[] = {0x11, 3, 6, 0x02, 0x2B, 0, 0, 0, 0x64};
        struct sched_action holding = read_of(TOOL_HOLDING, 0x6B, 3);
        uint8_t frame[FRAME_MAX];

        ck_assert_int_eq(frame_crc(worked_out, 2), 0x1241);
        ck_assert_int_eq(frame_request_rtu(&holding, frame), sizeof request);
        ck_assert_mem_eq(frame, request, sizeof request);
        memcpy(frame, good, sizeof good);
        int len = frame_seal_rtu(frame, sizeof good);
        ck_assert_int_eq(len, sizeof good + 2);
        ck_assert_int_eq(rtu_reply_to(&holding, frame, len).outcome, SCHED_OK);
        ck_assert_int_eq(rtu_reply_to(&holding, frame, len).words[0], 555);
        for (int at = 0; at < len; at++)
                for (int change = 1; change < 256; change++) {
                        frame[at] = (uint8_t)(frame[at] ^ change);
                        ck_assert_int_eq(rtu_reply_to(&holding, frame, len).outcome, SCHED_BAD_FRAME);
                        /* With a checksum that fits, the values may differ and the rest may not; what makes it an exception
                         * makes it too long for one. */
                        if (at < 3) {
                                frame_seal_rtu(frame, sizeof good);
                                ck_assert_int_eq(rtu_reply_to(&holding, frame, len).outcome, SCHED_BAD_FRAME);
                        }
                        memcpy(frame, good, sizeof good);
                        frame_seal_rtu(frame, sizeof good);
                }
        for (int cut = 0; cut < len; cut++)
                ck_assert_int_eq(rtu_reply_to(&holding, frame, cut).outcome, SCHED_BAD_FRAME);
}
END_TEST

#if defined(__SANITIZE_ADDRESS__)
#define FRAMES 1000000
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define FRAMES 1000000
#endif
#endif
#ifndef FRAMES
#define FRAMES 100000
#endif

static struct sched_action any_action(struct random *dice)
{
        enum tool_register reg = (enum tool_register)random_below(dice, 4);
        bool is_read = reg == TOOL_DISCRETE || reg == TOOL_INPUT || random_chance(dice, 700);
        int most = is_read ? (reg == TOOL_COIL || reg == TOOL_DISCRETE ? 128 : 125) : 8;
        struct sched_action a =
            read_of(reg, (int)random_below(dice, 65536), 1 + (int)random_below(dice, most));

        if (!is_read) {
                a.kind = SCHED_WRITE;
                a.multiple = a.count > 1 || random_chance(dice, 500);
        }
        return a;
}

/* What a device would answer, without its unit: a reply as it should be. */
static int proper_pdu(const struct sched_action *a, struct random *dice, uint8_t *pdu)
{
        uint8_t request[FRAME_MAX];

        frame_request_rtu(a, request);
        memcpy(pdu, request + 1, 5);
        if (a->kind == SCHED_WRITE)
                return 5;
        pdu[1] =
            (uint8_t)(a->reg == TOOL_COIL || a->reg == TOOL_DISCRETE ? (a->count + 7) / 8 : 2 * a->count);
        for (int i = 0; i < pdu[1]; i++)
                pdu[2 + i] = (uint8_t)random_next(dice);
        return 2 + pdu[1];
}

/* Noise, or a proper reply with a few of its bytes changed, cut or with some behind; rarely untouched. */
static int any_pdu(const struct sched_action *a, struct random *dice, uint8_t *pdu)
{
        int len = proper_pdu(a, dice, pdu), changes = (int)random_below(dice, 4);

        if (random_chance(dice, 300)) {
                len = (int)random_below(dice, 250);
                for (int i = 0; i < len; i++)
                        pdu[i] = (uint8_t)random_next(dice);
                return len;
        }
        for (int i = 0; i < changes; i++)
                pdu[random_below(dice, len)] = (uint8_t)random_next(dice);
        if (random_chance(dice, 200))
                len = (int)random_below(dice, len + 1);
        else if (random_chance(dice, 100))
                len += (int)random_below(dice, 250 - len > 4 ? 4 : 1);
        return len;
}

/* Is it the answer, by a look of its own at the bytes? */
static bool is_proper(const struct sched_action *a, const uint8_t *pdu, int len)
{
        uint8_t request[FRAME_MAX];

        frame_request_rtu(a, request);
        if (len < 2 || pdu[0] != request[1])
                return false;
        if (a->kind == SCHED_WRITE)
                return len == 5 && memcmp(pdu, request + 1, 5) == 0;
        return len == 2 + pdu[1] &&
               pdu[1] == (a->reg == TOOL_COIL || a->reg == TOOL_DISCRETE ? (a->count + 7) / 8 : 2 * a->count);
}

static void check_outcome(const struct sched_action *a, const struct sched_result *r, const uint8_t *pdu,
    int len, bool is_addressed, int64_t *good)
{
        bool is_exception = len == 2 && (pdu[0] & 0x80) != 0;

        ck_assert(r->outcome == SCHED_OK || r->outcome == SCHED_BAD_FRAME || r->outcome == SCHED_EXCEPTION);
        ck_assert_int_eq(r->outcome == SCHED_OK, is_addressed && is_proper(a, pdu, len));
        ck_assert(r->outcome != SCHED_EXCEPTION || (is_addressed && is_exception));
        *good += r->outcome == SCHED_OK;
}

static int put_tcp(const struct sched_action *a, const uint8_t *pdu, int len, uint8_t *frame)
{
        const uint8_t header[] = {0x12, 0x34, 0, 0, 0, (uint8_t)(len + 1), (uint8_t)a->slave_id};

        memcpy(frame, header, sizeof header);
        memcpy(frame + sizeof header, pdu, (size_t)len);
        return (int)sizeof header + len;
}

START_TEST(random_replies)
{
        const char *given = getenv("ALD_FRAMES");
        int64_t frames = given != NULL ? strtoll(given, NULL, 10) : FRAMES, good_tcp = 0, good_rtu = 0;
        struct random dice = random_split(5, 3);

        for (int64_t n = 0; n < frames; n++) {
                struct sched_action a = any_action(&dice);
                uint8_t pdu[FRAME_MAX];
                int len = any_pdu(&a, &dice, pdu);
                /* On the heap and as long as it is, so that a sanitizer sees every byte read behind it. */
                uint8_t *frame = malloc(FRAME_MAX), *exact;
                int size = put_tcp(&a, pdu, len, frame);
                bool is_spoiled = random_chance(&dice, 200);
                struct sched_result r;

                if (is_spoiled)
                        frame[random_below(&dice, 7)] ^= (uint8_t)random_between(&dice, 1, 255);
                exact = memcpy(malloc((size_t)size), frame, (size_t)size);
                r = reply_to(&a, exact, size);
                check_outcome(&a, &r, pdu, len, !is_spoiled, &good_tcp);
                free(exact);
                frame[0] = (uint8_t)a.slave_id;
                memcpy(frame + 1, pdu, (size_t)len);
                size = frame_seal_rtu(frame, 1 + len);
                if (is_spoiled)
                        frame[random_below(&dice, 2) == 0 ? 0 : size - 1] ^=
                            (uint8_t)random_between(&dice, 1, 255);
                exact = memcpy(malloc((size_t)size), frame, (size_t)size);
                r = rtu_reply_to(&a, exact, size);
                check_outcome(&a, &r, pdu, len, !is_spoiled, &good_rtu);
                free(exact);
                free(frame);
        }
        ck_assert_int_gt(good_tcp, frames / 20);
        ck_assert_int_gt(good_rtu, frames / 20);
}
END_TEST

int main(void)
{
        const TTest *const tests[] = {
            reads, writes, exceptions, replies_of_others_are_no_replies, serial_frames, random_replies};
        Suite *suite = suite_create("frame");
        TCase *tc = tcase_create("frame");

        tcase_set_timeout(tc, 300);
        for (size_t i = 0; i < sizeof tests / sizeof tests[0]; i++)
                tcase_add_test(tc, tests[i]);
        suite_add_tcase(suite, tc);
        return suite_main(suite);
}
