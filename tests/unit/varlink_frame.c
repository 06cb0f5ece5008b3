/* varlink_frame.c - the bytes of the control protocol: frames, calls, replies, and the client's JSON reader against
 * jansson. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "proto/frame.h"
#include "proto/jtok.h"
#include "proto/methods.h"
#include "proto/varlink.h"

static void put(struct frame_reader *r, const char *bytes, size_t n)
{
        char *at = frame_room(r, n);

        assert_non_null(at);
        memcpy(at, bytes, n);
        frame_added(r, n);
}

static void messages_come_out_whole_however_the_bytes_come_in(void **state)
{
        static const char bytes[] = "{\"a\":1}\0\0{\"b\":2}"; /* the last NUL is the literal's own */
        static const char *const want[] = { "{\"a\":1}", "", "{\"b\":2}" };
        char *text;
        size_t len;

        (void) state;
        for (size_t step = 1; step <= sizeof bytes; step++) {
                struct frame_reader r = frame_reader_make(16);
                size_t seen = 0;

                for (size_t at = 0; at < sizeof bytes; at += step) {
                        put(&r, bytes + at, step < sizeof bytes - at ? step : sizeof bytes - at);
                        while (frame_next(&r, &text, &len) == 1) {
                                assert_true(seen < ARRAY_LEN(want));
                                assert_string_equal(text, want[seen]);
                                assert_int_equal(len, strlen(want[seen]));
                                seen++;
                        }
                }
                assert_int_equal(seen, ARRAY_LEN(want));
                assert_int_equal(frame_pending(&r), 0);
                frame_reader_free(&r);
        }
}

static void G5_a_message_over_the_limit_is_refused_before_its_end_is_seen(void **state)
{
        static const struct {
                size_t length;
                bool ended;
                int want;
        } rows[] = { { 16, true, 1 }, { 16, false, 0 }, { 17, true, -EMSGSIZE }, { 17, false, -EMSGSIZE } };
        char bytes[32] = "", *text;
        size_t len;

        (void) state;
        memset(bytes, 'x', 17);
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                struct frame_reader r = frame_reader_make(16);

                put(&r, bytes, rows[i].length);
                if (rows[i].ended)
                        put(&r, "", 1);
                assert_int_equal(frame_next(&r, &text, &len), rows[i].want);
                frame_reader_free(&r);
        }
}

static void G4_what_is_no_call_is_refused(void **state)
{
        static const struct {
                const char *text;
                int want;
        } rows[] = {
                { "{\"method\":\"a.B\"}", 0 },
                { "{\"method\":\"a.B\",\"parameters\":null,\"more\":false}", 0 },
                { "{\"method\":\"a.B\",\"parameters\":{},\"more\":true}", 0 },
                { "", -EBADMSG },
                { "[]", -EBADMSG },
                { "{}", -EBADMSG },
                { "{\"method\":7}", -EBADMSG },
                { "{\"method\":\"a.B\",\"parameters\":[]}", -EBADMSG },
                { "{\"method\":\"a.B\",\"more\":1}", -EBADMSG },
                { "{\"method\":\"a.B\",\"upgrade\":true}", -EBADMSG },
                { "{\"method\":\"a.B\",\"more\":true,\"oneway\":true}", -EBADMSG },
                { "{\"method\":\"a.B\",\"method\":\"a.C\"}", -EBADMSG },
                { "{\"method\":\"a.B\"} x", -EBADMSG },
                { "{\"method\":\"a.\xff\"}", -EBADMSG },
        };
        struct varlink_call c;

        (void) state;
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                int r = varlink_call_parse(&c, rows[i].text, strlen(rows[i].text));

                if (r != rows[i].want)
                        fail_msg("%s: %d", rows[i].text, r);
                if (r == 0)
                        varlink_call_free(&c);
        }
}

static void G12_a_parameter_no_method_asked_for_is_named_and_refused(void **state)
{
        static const struct {
                const char *params, *bad;
        } rows[] = {
                { "{\"node\":\"x\"}", NULL },
                { "{\"node\":\"x\",\"lines\":null}", NULL },
                { "{\"node\":\"x\",\"lines\":5,\"names\":[\"a\"],\"all\":true}", NULL },
                { "{}", "node" },
                { "{\"node\":1}", "node" },
                { "{\"node\":\"x\",\"lines\":\"5\"}", "lines" },
                { "{\"node\":\"x\",\"names\":[1]}", "names" },
                { "{\"node\":\"x\",\"names\":\"a\"}", "names" },
                { "{\"node\":\"x\",\"all\":1}", "all" },
                { "{\"node\":\"x\",\"__class__\":{}}", "__class__" },
        };
        char text[200];
        struct varlink_call c;

        (void) state;
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                (void) snprintf(text, sizeof text, "{\"method\":\"a.B\",\"parameters\":%s}", rows[i].params);
                assert_int_equal(varlink_call_parse(&c, text, strlen(text)), 0);
                (void) param_str(&c, "node", true);
                (void) param_int(&c, "lines", 0);
                (void) param_texts(&c, "names", false);
                (void) param_bool(&c, "all");
                assert_int_equal(params_done(&c), !rows[i].bad);
                if (rows[i].bad)
                        assert_string_equal(c.bad, rows[i].bad);
                varlink_call_free(&c);
        }
}

static void every_method_is_found_by_its_name_and_no_other(void **state)
{
        char name[64];

        (void) state;
        for (int m = 0; m < M_COUNT; m++) {
                (void) snprintf(name, sizeof name, MANAGER_INTERFACE ".%s", method_rows[m].name);
                assert_int_equal(method_find(name), m);
                assert_true(strlen(method_rows[m].text) > 10);
                (void) snprintf(name, sizeof name, "method %s(", method_rows[m].name);
                assert_non_null(strstr(interface_text(MANAGER_INTERFACE), name));
        }
        assert_int_equal(method_find("List"), M_NONE);
        assert_int_equal(method_find(MANAGER_INTERFACE ".list"), M_NONE);
        assert_int_equal(method_find(MANAGER_INTERFACE "."), M_NONE);
        assert_null(interface_text("io.coppice"));
        assert_non_null(interface_text(SERVICE_INTERFACE));
}

/* --- jtok ---------------------------------------------------------------------------------------------------------- */

static const char *const documents[] = {
        "{}", "[]", "null", "true", "-0", "1.5e-3", "\"\"", " [1 , 2,\n{\"a\":[]} ] ", "\"\\u00e9\\n\\\"\\\\\\/\\ud83d\\ude00\"",
        "{\"a\":{\"b\":[1,2,{\"c\":null}]},\"d\":\"x\",\"e\":-17,\"f\":false}",
        /* not JSON */
        "", "{", "}", "[1,]", "{\"a\"}", "{\"a\":}", "{a:1}", "[1 2]", "01", "1.", ".5", "+1", "\"", "\"\\x\"", "\"\\ud800\"",
        "\"\t\"", "tru", "nul", "[1]]", "{\"a\":1,}", "1e", "--1", "[", "\"\\u12", "{\"a\":1]",
};

static void jtok_accepts_what_jansson_accepts_and_prints_the_same(void **state)
{
        (void) state;
        for (size_t i = 0; i < ARRAY_LEN(documents); i++) {
                json_t *want = json_loads(documents[i], JSON_DECODE_ANY, NULL), *got;
                autofree char *text = strdup(documents[i]);
                autobuf struct buf out = BUF_INIT;
                struct jdoc d = { 0 };
                int r = jtok_parse(&d, text, strlen(text));

                if ((r == 0) != (want != NULL))
                        fail_msg("%s: jtok says %d", documents[i], r);
                if (want) {
                        jtok_print(&d, 0, &out);
                        got = json_loads(buf_text(&out), JSON_DECODE_ANY, NULL);
                        assert_non_null(got);
                        assert_true(json_equal(want, got));
                        json_decref(got);
                }
                json_decref(want);
                jtok_free(&d);
        }
}

static void jtok_finds_members_and_elements(void **state)
{
        char text[] = "{\"n\":{\"path\":\"/web\",\"pid\":17,\"x\":null},\"list\":[1,[2,3],{\"a\":4},5],\"yes\":true}";
        struct jdoc d = { 0 };
        uint32_t list, t;
        int64_t seen = 0;

        (void) state;
        assert_int_equal(jtok_parse(&d, text, strlen(text)), 0);
        assert_string_equal(jget_text(&d, jtok_get(&d, 0, "n"), "path"), "/web");
        assert_int_equal(jget_int(&d, jtok_get(&d, 0, "n"), "pid", -1), 17);
        assert_null(jget_text(&d, jtok_get(&d, 0, "n"), "x"));
        assert_int_equal(jget_int(&d, jtok_get(&d, 0, "nothing"), "pid", -1), -1);
        assert_true(jget_true(&d, 0, "yes"));
        list = jtok_get(&d, 0, "list");
        assert_int_equal(jtok_size(&d, list), 4);
        for (t = jtok_first(&d, list); t != JTOK_NONE; t = jtok_after(&d, list, t))
                seen = seen * 10 + jtok_int(&d, t, 0);
        assert_int_equal(seen, 1005);
        jtok_free(&d);
}

static void jtok_refuses_depth_without_end(void **state)
{
        char text[400];
        struct jdoc d = { 0 };

        (void) state;
        memset(text, '[', 300);
        memset(text + 150, ']', 150);
        text[300] = '\0';
        assert_int_equal(jtok_parse(&d, text, 300), -EBADMSG);
        jtok_free(&d);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(messages_come_out_whole_however_the_bytes_come_in),
                cmocka_unit_test(G5_a_message_over_the_limit_is_refused_before_its_end_is_seen),
                cmocka_unit_test(G4_what_is_no_call_is_refused),
                cmocka_unit_test(G12_a_parameter_no_method_asked_for_is_named_and_refused),
                cmocka_unit_test(every_method_is_found_by_its_name_and_no_other),
                cmocka_unit_test(jtok_accepts_what_jansson_accepts_and_prints_the_same),
                cmocka_unit_test(jtok_finds_members_and_elements),
                cmocka_unit_test(jtok_refuses_depth_without_end),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
