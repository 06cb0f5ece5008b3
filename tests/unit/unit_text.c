/* unit_text.c - unit files as text: syntax, specifiers, commands, and what is refused. FAILURES H1 to H10. */
#include <ini.h>

#include "tests/unit/units.h"

static const char web[] =
        "# a comment\n"
        "[Unit]\n"
        "Description=Web server %p on %H\n"
        "After=db.service cache.service\n"
        "After=log.service\n"
        "\n"
        "[Service]\n"
        "ExecStart=/usr/bin/web --root \"/srv/a b\" \\\n"
        "    ; no comment can hide here, this line is one\n"
        "    --port=80\n"
        "Restart=on-failure\n"
        "  RestartSec = 1min 500ms\n"
        "Environment=A=1 \"B=two words\" 'C=it\\'s'\n"
        "LimitNOFILE=1024:infinity\n"
        "X-Whatever=ignored\n"
        "[X-Section]\n"
        "anything=goes\n"
        "[Install]\n"
        "WantedBy=multi-user.target\n";

static void a_usual_unit_is_read(void **state)
{
        struct spec *s = parse_good("web.service", web);
        struct command c = spec_command(s, D_SERVICE_ExecStart, 0);

        (void) state;
        assert_string_equal(spec_name(s), "web.service");
        assert_string_equal(spec_stem(s), "web");
        assert_string_equal(spec_str(s, D_UNIT_Description), "Web server web on host");
        assert_int_equal(spec_count(s, D_UNIT_After), 3);
        assert_string_equal(spec_item(s, D_UNIT_After, 2), "log.service");
        assert_int_equal(spec_item_origin(s, D_UNIT_After, 2).line, 5);
        assert_string_equal(spec_item_origin(s, D_UNIT_After, 2).file, "web.service");
        assert_int_equal(spec_int(s, D_SERVICE_Restart), RESTART_TRANSIENT);
        assert_int_equal(spec_int(s, D_SERVICE_RestartSec), 60 * NSEC_PER_SEC + 500 * NSEC_PER_MSEC);
        assert_int_equal(spec_origin(s, D_SERVICE_RestartSec).line, 12);
        assert_int_equal(spec_count(s, D_SERVICE_Environment), 3);
        assert_string_equal(spec_item(s, D_SERVICE_Environment, 1), "B=two words");
        assert_string_equal(spec_item(s, D_SERVICE_Environment, 2), "C=it's");
        assert_string_equal(spec_item(s, D_SERVICE_LimitNOFILE, 0), "1024");
        assert_string_equal(spec_item(s, D_SERVICE_LimitNOFILE, 1), "18446744073709551615");
        assert_string_equal(c.path, "/usr/bin/web");
        assert_int_equal(c.argc, 4);
        assert_string_equal(c.args + strlen(c.args) + 1, "--root");
        assert_int_equal(c.origin.line, 8);
        spec_unref(s);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_usual_unit_is_read),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
