/* message.c - the format of messages: what a head may hold, what it may not, and that nothing runs over a bound. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "proto/message.h"

#define TEXT(s) (s), sizeof(s) - 1

static void a_head_is_lines_of_key_and_value_and_an_empty_line(void **state)
{
        static const struct {
                const char *bytes;
                size_t n;
                int want;
        } rows[] = {
                { TEXT("TO=/a\n\nhello"), 0 },
                { TEXT("TO=/a\n\n"), 0 },
                { TEXT("\n"), 0 },
                { TEXT("\n\n\n"), 0 },
                { TEXT("TO=a=b\nTOPIC= x \n\n"), 0 },
                { TEXT("X_TRACE_1=on\nX_T=\xc3\xa4\n\n\0\0"), 0 },
                { TEXT(""), -EBADMSG },
                { TEXT("TO=/a"), -EBADMSG },
                { TEXT("TO=/a\n"), -EBADMSG },
                { TEXT("TO\n\n"), -EBADMSG },
                { TEXT("=x\n\n"), -EBADMSG },
                { TEXT("TO=\n\n"), -EBADMSG },
                { TEXT("to=/a\n\n"), -EBADMSG },
                { TEXT("TOO=/a\n\n"), -EBADMSG },
                { TEXT("T=/a\n\n"), -EBADMSG },
                { TEXT("X_=1\n\n"), -EBADMSG },
                { TEXT("X_a=1\n\n"), -EBADMSG },
                { TEXT("TO=/a\nTO=/a\n\n"), -EBADMSG },
                { TEXT("X_A=1\nX_AB=2\nX_A=1\n\n"), -EBADMSG },
                { TEXT("TO=/a\r\n\r\n"), -EBADMSG },
                { TEXT("TO=/a\0\n\n"), -EBADMSG },
                { TEXT("TO=\x7f\n\n"), -EBADMSG },
                { TEXT("TO=\xc3\n\n"), -EBADMSG },
                { TEXT("TO=\xed\xa0\x80\n\n"), -EBADMSG },
                { TEXT(" TO=/a\n\n"), -EBADMSG },
                { TEXT("\0TO=/a\n\n"), -EBADMSG },
        };
        struct message m;
        const char *problem;

        (void) state;
        for (size_t i = 0; i < ARRAY_LEN(rows); i++)
                if (message_parse(rows[i].bytes, rows[i].n, &m, &problem) != rows[i].want)
                        fail_msg("row %zu: %s", i, rows[i].bytes);
}

static void a_message_gives_back_what_was_put_in(void **state)
{
        autobuf struct buf b = BUF_INIT;
        struct message m;
        const char *problem;
        char text[40];

        (void) state;
        message_put(&b, MESSAGE_TO, "/shop/stock");
        message_put_number(&b, MESSAGE_AFTER_USEC, 1500);
        message_put_own(&b, "X_SPAN", "a b");
        message_end(&b);
        buf_add(&b, "\0\n\n", 3);
        assert_false(buf_failed(&b));
        assert_int_equal(message_parse(b.data, b.len, &m, &problem), 0);
        assert_string_equal(message_copy(&m, MESSAGE_TO, text, sizeof text), "/shop/stock");
        assert_null(message_copy(&m, MESSAGE_TO, text, 11));
        assert_non_null(message_copy(&m, MESSAGE_TO, text, 12));
        assert_null(message_copy(&m, MESSAGE_TOPIC, text, sizeof text));
        assert_int_equal(message_number(&m, MESSAGE_AFTER_USEC), 1500);
        assert_int_equal(message_number(&m, MESSAGE_ACK), -1);
        assert_int_equal(message_number(&m, MESSAGE_TO), -2);
        assert_true(message_is(&m, MESSAGE_TO, "/shop/stock"));
        assert_false(message_is(&m, MESSAGE_TO, "/shop"));
        assert_int_equal(message_find(&m, "X_SPAN").len, 3);
        assert_null(message_find(&m, "X_SPA").at);
        assert_int_equal(m.payload_len, 3);
        assert_memory_equal(m.payload, "\0\n\n", 3);
}

/* Bytes of a message with a head of that many lines and a payload of that length. */
static struct buf made(size_t lines, size_t value, size_t payload)
{
        struct buf b = BUF_INIT;
        char key[32], text[2000];

        memset(text, 'v', sizeof text);
        for (size_t i = 0; i < lines; i++) {
                (void) snprintf(key, sizeof key, "X_K%zu=", i);
                buf_adds(&b, key);
                buf_add(&b, text, value);
                buf_addc(&b, '\n');
        }
        message_end(&b);
        memset(buf_reserve(&b, payload + 1), 'p', payload);
        b.len += payload;
        return b;
}

static void F12_everything_has_a_bound_and_one_more_is_refused(void **state)
{
        static const struct {
                size_t lines, value, payload;
                int parse, send;
        } rows[] = {
                { 1, 1024, 0, 0, 0 },
                { 1, 1025, 0, -EBADMSG, 0 },
                { 40, 20, 0, 0, 0 },
                { 41, 20, 0, -EMSGSIZE, 0 },
                { 0, 0, MESSAGE_MAX - 1, 0, 0 },
                { 0, 0, MESSAGE_MAX, 0, -EMSGSIZE },
                { 0, 0, MESSAGE_RECEIVE_MAX - 1, 0, -EMSGSIZE },
                { 0, 0, MESSAGE_RECEIVE_MAX, -EMSGSIZE, 0 },
                { 7, 1000, 0, 0, 0 },
                { 7, 1020, 0, 0, -EMSGSIZE },
                { 9, 1000, 0, -EMSGSIZE, 0 },
        };

        (void) state;
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                struct buf b = made(rows[i].lines, rows[i].value, rows[i].payload);
                struct message m;
                const char *problem;

                if (message_parse(b.data, b.len, &m, &problem) != rows[i].parse)
                        fail_msg("row %zu", i);
                if (rows[i].parse == 0 && message_sendable(&m, &problem) != rows[i].send)
                        fail_msg("row %zu, to send", i);
                buf_free(&b);
        }
}

static void what_only_coppice_writes_is_not_sent_by_others(void **state)
{
        static const struct {
                const char *text;
                int want;
        } rows[] = {
                { "TO=/a\n\n", 0 },         { "TO=/a\nFROM=/b\n\n", -EPERM }, { "RESULT=ok\n\n", -EPERM },
                { "COUNT=1\n\n", -EPERM },  { "TOPIC=EXIT\n\n", -EPERM },     { "TOPIC=DOWN\n\n", -EPERM },
                { "TOPIC=DOWNS\n\n", 0 },   { "TOPIC=BOUNCE\n\n", -EPERM },   { "TOPIC=DONE\n\n", -EPERM },
                { "TOPIC=down\n\n", 0 },    { "TOPIC=PRESSURE\n\n", -EPERM },
        };

        (void) state;
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                struct message m;
                const char *problem = NULL;

                assert_int_equal(message_parse(rows[i].text, strlen(rows[i].text), &m, &problem), 0);
                if (message_sendable(&m, &problem) != rows[i].want || (rows[i].want && !problem))
                        fail_msg("%s", rows[i].text);
        }
}

static void a_value_that_cannot_stand_in_a_head_is_not_written(void **state)
{
        static const char *const wrong[] = { "", "a\nb", "\x01", "\xff" };

        (void) state;
        for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
                autobuf struct buf b = BUF_INIT;

                message_put(&b, MESSAGE_TOPIC, wrong[i]);
                assert_true(buf_failed(&b));
        }
        for (size_t i = 0; i < 3; i++) {
                autobuf struct buf b = BUF_INIT;

                message_put_own(&b, (const char *[]) { "TOPIC", "X_", "X_é" }[i], "v");
                assert_true(buf_failed(&b));
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_head_is_lines_of_key_and_value_and_an_empty_line),
                cmocka_unit_test(a_message_gives_back_what_was_put_in),
                cmocka_unit_test(F12_everything_has_a_bound_and_one_more_is_refused),
                cmocka_unit_test(what_only_coppice_writes_is_not_sent_by_others),
                cmocka_unit_test(a_value_that_cannot_stand_in_a_head_is_not_written),
        };

        return cmocka_run_group_tests_name("message", tests, NULL, NULL);
}
