/* base.c - the base layer: buffers, errors, enum tables, JSON writing. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/account.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "base/strtab.h"

static void a_buffer_grows_and_stays_terminated(void **state)
{
        autobuf struct buf b = BUF_INIT;

        (void) state;
        for (int i = 0; i < 1000; i++)
                buf_addf(&b, "%03d", i);
        assert_int_equal(b.len, 3000);
        assert_int_equal(strlen(buf_text(&b)), 3000);
        assert_memory_equal(buf_text(&b) + 2997, "999", 4);
}

static void nsswitch_conf_says_who_knows_accounts(void **state)
{
        static const struct { const char *text; enum account_order passwd; } rows[] = {
                { "", ACCOUNT_FILES_ONLY },
                { "group: sss\n", ACCOUNT_FILES_ONLY },
                { "passwd:files\n", ACCOUNT_FILES_ONLY },
                { "# passwd: sss\n  passwd :\t files  # sss\r\n", ACCOUNT_FILES_ONLY },
                { "passwd: files systemd", ACCOUNT_FILES_FIRST },
                { "group: files\npasswd: files [NOTFOUND=return] sss\n", ACCOUNT_FILES_FIRST },
                { "passwd: files[SUCCESS=continue] sss\n", ACCOUNT_OTHERS_FIRST },
                { "passwd: files [success=merge] sss\n", ACCOUNT_OTHERS_FIRST },
                { "passwd: sss files\n", ACCOUNT_OTHERS_FIRST },
                { "passwd: compat\n", ACCOUNT_OTHERS_FIRST },
                { "passwd: filesystem\n", ACCOUNT_OTHERS_FIRST },
                { "passwd:\n", ACCOUNT_OTHERS_FIRST },
        };

        (void) state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
                if (account_order_in(rows[i].text, "passwd") != rows[i].passwd)
                        fail_msg("read wrongly: %s", rows[i].text);
}

static int no_group(void *arg, gid_t gid)
{
        (void) arg;
        (void) gid;
        return 0;
}

static void I2_an_account_that_cannot_be_looked_for_is_not_one_that_is_not_there(void **state)
{
        struct rlimit before, few;
        struct account a = { 0 };
        gid_t gid;
        int user, number, group, members, fd = dup(0);

        (void) state;
        assert_int_equal(account_by_name("nobody of that name", &a), -ENOENT);
        assert_int_equal(account_group("nobody of that name", &gid), -ENOENT);
        assert_int_equal(account_groups("nobody of that name", no_group, NULL), 0);
        assert_true(fd >= 0);
        (void) close(fd);
        assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
        few = (struct rlimit) { .rlim_cur = (rlim_t) fd, .rlim_max = before.rlim_max };
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
        user = account_by_name("root", &a);
        number = account_by_uid(0, &a);
        group = account_group("root", &gid);
        members = account_groups("root", no_group, NULL);
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
        assert_int_equal(user, -EMFILE);
        assert_int_equal(number, -EMFILE);
        assert_int_equal(group, -EMFILE);
        assert_int_equal(members, -EMFILE);
}

static void a_buffer_that_failed_swallows_every_call(void **state)
{
        autobuf struct buf b = BUF_INIT;

        (void) state;
        buf_adds(&b, "kept");
        assert_null(buf_reserve(&b, SIZE_MAX - 2));
        assert_true(buf_failed(&b));
        buf_adds(&b, "lost");
        assert_int_equal(b.len, 4);
        assert_null(buf_steal(&b));
        assert_false(buf_failed(&b));
}

static void consuming_keeps_the_rest(void **state)
{
        autobuf struct buf b = BUF_INIT;

        (void) state;
        buf_adds(&b, "abcdef");
        buf_consume(&b, 4);
        assert_string_equal(buf_text(&b), "ef");
        buf_consume(&b, 2);
        assert_string_equal(buf_text(&b), "");
}

static void an_error_reads_unit_stage_cause_line_and_way_out(void **state)
{
        struct err err = { 0 };
        char line[512];

        (void) state;
        errno = ENOENT;
        assert_int_equal(err_sys(&err, STAGE_EXEC, "execute %s", "/usr/bin/nope"), -ENOENT);
        err_unit(&err, "web");
        err_unit(&err, "later");
        err_where(&err, "web.service", 4);
        err_hint(&err, "correct ExecStart=");
        assert_string_equal(err_format(&err, line, sizeof line),
                            "web: EXEC: execute /usr/bin/nope: No such file or directory "
                            "(web.service:4; correct ExecStart=)");
}

static void an_error_from_an_unset_errno_is_still_an_error(void **state)
{
        struct err err = { 0 };

        (void) state;
        errno = 0;
        assert_int_equal(err_sys(&err, STAGE_NONE, "read"), -EIO);
        assert_int_equal(err_set(NULL, STAGE_NONE, EINVAL, "nobody listens"), -EINVAL);
}

static void a_long_file_name_keeps_its_tail(void **state)
{
        struct err err = { 0 };
        char file[400];

        (void) state;
        memset(file, 'd', sizeof file);
        strcpy(file + sizeof file - 12, "/x.service");
        err_where(&err, file, 1);
        assert_string_equal(err.file + strlen(err.file) - 10, "/x.service");
}

static void every_stage_has_a_name_of_its_own(void **state)
{
        (void) state;
        for (int i = 1; i < STAGE_COUNT; i++) {
                assert_int_equal(stage_from_name(stage_name((enum stage) i)), i);
                assert_true(stage_what((enum stage) i)[0] != '\0');
        }
        assert_string_equal(stage_name((enum stage) 9999), "?");
}

static const struct {
        const char *word, *nearest;
} slips[] = {
        { "ExecStrat", "ExecStart" }, { "execstart", "ExecStart" }, { "Restrat", "Restart" },
        { "Nice", "Nice" },           { "Nce", "Nice" },            { "Zebra", NULL },
        { "Ncie", "Nice" },           { "ecin", NULL },
};

static void a_slip_of_the_pen_finds_the_nearest_word(void **state)
{
        static const char *const words[] = { "ExecStart", NULL, "Restart", "Nice", "WatchdogSec" };

        (void) state;
        for (size_t i = 0; i < sizeof slips / sizeof slips[0]; i++) {
                const char *got = strtab_nearest(words, 5, slips[i].word);

                if (slips[i].nearest)
                        assert_string_equal(got, slips[i].nearest);
                else
                        assert_null(got);
        }
}

static const struct {
        const char *bytes;
        size_t n;
        const char *json;
} texts[] = {
        { "plain", 5, "\"plain\"" },
        { "a\"b\\c", 5, "\"a\\\"b\\\\c\"" },
        { "\n\t\x01\x7f", 4, "\"\\n\\t\\u0001\\u007f\"" },
        { "a\0b", 3, "\"a\\u0000b\"" },
        { "\xc3\xa9", 2, "\"\xc3\xa9\"" },
        { "\xc3", 1, "\"\xef\xbf\xbd\"" },
        { "\xed\xa0\x80", 3, "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"" },
        { "\xf0\x9f\x8c\xb3", 4, "\"\xf0\x9f\x8c\xb3\"" },
        { "\xc0\xaf", 2, "\"\xef\xbf\xbd\xef\xbf\xbd\"" },
};

static void json_texts_are_escaped_and_always_valid_utf8(void **state)
{
        (void) state;
        for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
                autobuf struct buf b = BUF_INIT;
                struct json j = json_start(&b);

                json_strn(&j, NULL, texts[i].bytes, texts[i].n);
                assert_string_equal(buf_text(&b), texts[i].json);
        }
}

static void json_places_its_own_commas(void **state)
{
        autobuf struct buf b = BUF_INIT;
        struct json j = json_start(&b);

        (void) state;
        json_open(&j, NULL, '{');
        json_int(&j, "a", -1);
        json_open(&j, "b", '[');
        json_bool(&j, NULL, true);
        json_nil(&j, NULL);
        json_open(&j, NULL, '{');
        json_close(&j);
        json_close(&j);
        json_str(&j, "c", NULL);
        json_num(&j, "d", 0.5);
        json_close(&j);
        assert_string_equal(buf_text(&b), "{\"a\":-1,\"b\":[true,null,{}],\"c\":null,\"d\":0.5}");
}

static void json_refuses_to_nest_without_end(void **state)
{
        autobuf struct buf b = BUF_INIT;
        struct json j = json_start(&b);

        (void) state;
        for (int i = 0; i < 40; i++)
                json_open(&j, NULL, '[');
        assert_true(buf_failed(&b));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_buffer_grows_and_stays_terminated),
                cmocka_unit_test(nsswitch_conf_says_who_knows_accounts),
                cmocka_unit_test(I2_an_account_that_cannot_be_looked_for_is_not_one_that_is_not_there),
                cmocka_unit_test(a_buffer_that_failed_swallows_every_call),
                cmocka_unit_test(consuming_keeps_the_rest),
                cmocka_unit_test(an_error_reads_unit_stage_cause_line_and_way_out),
                cmocka_unit_test(an_error_from_an_unset_errno_is_still_an_error),
                cmocka_unit_test(a_long_file_name_keeps_its_tail),
                cmocka_unit_test(every_stage_has_a_name_of_its_own),
                cmocka_unit_test(a_slip_of_the_pen_finds_the_nearest_word),
                cmocka_unit_test(json_texts_are_escaped_and_always_valid_utf8),
                cmocka_unit_test(json_places_its_own_commas),
                cmocka_unit_test(json_refuses_to_nest_without_end),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
