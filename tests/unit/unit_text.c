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
        assert_string_equal(spec_str(s, D_UNIT_Description), "Web server web on host.example");
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

/* One remark (or none) for each text. */
static void H2_H3_H5_H6_H7_what_is_refused_and_why(void **state)
{
        static const struct {
                const char *text, *remark;
        } rows[] = {
                /* H2 unknown keys and sections */
                { "[Service]\nExecStart=/x\nExecStrat=/y\n",
                  "a.service:3:1: error: unknown key ExecStrat= in [Service] (did you mean ExecStart=?)" },
                { "[Service]\nExecStart=/x\nAfter=b.service\n", "unknown key After= in [Service] (it belongs in [Unit])" },
                { "[Service]\nExecStart=/x\nSockets=x\n", "unknown key Sockets= in [Service] (this version does not support it" },
                { "[Unit]\nStartLimitBurst=3\n[Service]\nExecStart=/x\n", "(write MaxRestarts= in the supervisor)" },
                { "[Unit]\nMonitor=b.service\n[Service]\nExecStart=/x\n", "unknown key Monitor= in [Unit] (it belongs in [Service])" },
                { "[Service]\nExecStart=/x\nQuux=1\n", "unknown key Quux= in [Service] (take it out, or begin it with X-" },
                { "[Service]\nType=dbus\nExecStart=/x\n", "there is no message bus here: write notify" },
                { "[Service]\nType=notifi\nExecStart=/x\n", "(did you mean notify? one of simple" },
                { "[Service]\nExecStart=/x\n[Servise]\nA=1\n", "a.service:3:1: error: unknown section [Servise] (did you mean [Service]?)" },
                { "[Supervisor]\n[Service]\nExecStart=/x\n", "error: a unit of this kind has no [Supervisor]" },
                { "[service]\nExecStart=/x\n", "unknown section [service] (did you mean [Service]?)" },
                /* H3 twice */
                { "[Service]\nExecStart=/x\nNice=1\nNice=2\n", "a.service:4:1: warning: Nice= was set in line 3 already; this line counts" },
                { "[Service]\nExecStart=/x\nNice=1\nNice=\nNice=2\n", "" },
                { "[Service]\nExecStart=/x\n[Unit]\n[Service]\nNice=1\n",
                  "a.service:4:1: error: a second section [Service] (put its lines under the first, in line 1)" },
                /* syntax */
                { "ExecStart=/x\n[Service]\nExecStart=/x\n", "a.service:1:1: error: ExecStart= before any section" },
                { "[Service]\nExecStart=/x\njunk\n", "a.service:3:1: error: neither [Section], nor Key=Value, nor a comment" },
                { "[Service]\nExecStart=/x\n  =v\n", "a.service:3:3: error: no key before the =" },
                { "[Service]\nExecStart=/x\nNi ce=1\n", "a.service:3:3: error: not a key" },
                { "[Service\nExecStart=/x\n", "a.service:1:1: error: not a section" },
                { "[Service]x\nExecStart=/x\n", "not a section" },
                { "[Service]\nExecStart=/x \\", "error: the file ends after a \\" },
                { "[Service]\nExecStart=/x\nNice=1 # not a comment\n", "a.service:3:6: error: Nice=1 # not a comment: no number" },
                /* H5 bytes */
                { "\xef\xbb\xbf[Service]\nExecStart=/x\n", "a.service:1:1: error: a byte order mark" },
                { "[Service]\r\nExecStart=/x\r\n", "a.service:1:10: error: a carriage return" },
                { "[Service]\nExecStart=/x\nEnvironment=A=\x01\n", "a.service:3:15: error: a control character (0x01)" },
                { "[Service]\nExecStart=/x\n[Unit]\nDescription=caf\xe9\n", "a.service:4:16: error: not UTF-8" },
                { "[Unit]\nDescription=\xc0\xaf\n", "not UTF-8" }, { "[Unit]\nDescription=\xed\xa0\x80\n", "not UTF-8" },
                { "[Unit]\nDescription=\xf4\x90\x80\x80\n", "not UTF-8" }, { "# \xff\n[Service]\nExecStart=/x\n", "not UTF-8" },
                { "[Unit]\nDescription=a \xe2\x80\xae b\n", "a.service:2:15: error: a character that reorders the text" },
                { "[Unit]\nDescription=a \xe2\x81\xa6 b\n", "reorders" }, { "# \xe2\x80\xaa\n[Service]\nExecStart=/x\n", "reorders" },
                { "[Unit]\nDescription=caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x8c\xb1\n[Service]\nExecStart=/x\n", "" },
                { "[Unit]\nAfter=\xe2\x80\xae""ecivres.b.service\n[Service]\nExecStart=/x\n", "reorders" },
                { "[Unit]\nAfter\xe2\x80\xae=b.service\n[Service]\nExecStart=/x\n", "a.service:2:6: error: a character that" },
                /* H7, with the place */
                { "[Service]\nExecStart=/x\n  RestartSec =  10k\n",
                  "a.service:3:17: error: RestartSec=10k: no time span (write a number with a unit, such as 500ms" },
                { "[Service]\nExecStart=/x\nTimeoutStopSec=-1\n", "no time span" },
                { "[Service]\nExecStart=/x\nType=notfy\n", "did you mean notify? one of simple, exec" },
                { "[Service]\nExecStart=/x\nEnvironment=A=1 2B=3 C=4\n", "a.service:3:17: error: Environment=2B=3: no name of a variable" },
                { "[Service]\nExecStart=/x\nEnvironment=\"A=1\n", "a quote (\") is not closed" },
                { "[Service]\nExecStart=/x\nEnvironment=A=%q\n", "unknown specifier %q" },
                { "[Service]\nExecStart=/x\nEnvironment=A=%\n", "unknown specifier %" },
                { "[Service]\nExecStart=/x\nEnvironment=\"A=\\x00\"\n", "stands for no character" },
                { "[Unit]\nAfter=network.target\n[Service]\nExecStart=/x\n", "a.service:2:7: warning: After=network.target has no effect" },
                { "[Unit]\nAfter=db\n[Service]\nExecStart=/x\n", "After=db: no name of a unit (write name.service, name.supervisor or name.channel)" },
        };

        (void) state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                const char *heard = remarks_of("a.service", rows[i].text, strlen(rows[i].text), false);

                if (*rows[i].remark)
                        assert_contains(heard, rows[i].remark);
                else
                        assert_string_equal(heard, "");
        }
}

static void H5_text_behind_a_nul_is_not_lost_silently(void **state)
{
        static const char text[] = "[Service]\nExecStart=/x\nNice=1\0 2\nUser=root\n";

        (void) state;
        assert_contains(remarks_of("a.service", text, sizeof(text) - 1, false),
                        "a.service:3:7: error: a control character (0x00)");
}

static void H4_a_line_at_the_limit_is_read_and_one_byte_more_is_refused(void **state)
{
        (void) state;
        for (int extra = -1; extra <= 1; extra++) {
                struct buf text = BUF_INIT;
                struct heard h = { 0 };
                struct spec *s;

                buf_adds(&text, "[Service]\nExecStart=/x\n[Unit]\nDescription=");
                for (size_t n = strlen("Description="); n < (size_t) (UNIT_LINE_MAX + extra); n++)
                        buf_addc(&text, 'a');
                buf_adds(&text, "\n");
                s = parse_text("a.service", buf_text(&text), text.len, false, &h);
                if (extra <= 0) {
                        assert_int_equal(strlen(spec_str(s, D_UNIT_Description)),
                                         (size_t) (UNIT_LINE_MAX + extra) - strlen("Description="));
                } else {
                        assert_null(s);
                        assert_contains(buf_text(&h.text), "a line of 65537 bytes; at most 65536 are read");
                }
                spec_unref(s);
                buf_free(&text);
                buf_free(&h.text);
        }
}

static void H4_long_lines_become_no_new_keys(void **state)
{
        struct buf text = BUF_INIT;
        struct spec *s;

        (void) state;
        buf_adds(&text, "[Service]\nExecStart=/bin/x ");
        for (int i = 0; i < 170; i++)
                buf_addc(&text, 'x');
        buf_adds(&text, "User=evil;Group=evil\n    Nice=5\n");
        s = parse_good("a.service", buf_text(&text));
        assert_false(spec_has(s, D_SERVICE_User));
        assert_int_equal(spec_int(s, D_SERVICE_Nice), 5); /* H6: an indented line is a line of its own */
        assert_false(spec_has(s, D_SERVICE_Group));
        assert_int_equal(spec_count(s, D_SERVICE_ExecStart), 1);
        spec_unref(s);
        buf_free(&text);
}

static void H4_a_file_of_garbage_or_of_ten_megabytes_is_refused_briefly(void **state)
{
        struct heard h = { 0 };
        char *big = malloc(10 << 20);

        (void) state;
        memset(big, 'a', 10 << 20);
        assert_null(parse_text("a.service", big, 10 << 20, false, &h));
        assert_contains(buf_text(&h.text), "larger than 256 KiB");
        for (int i = 0; i < UNIT_TEXT_MAX; i++)
                big[i] = (char) (i % 2 ? '\n' : 'j');
        assert_null(parse_text("a.service", big, UNIT_TEXT_MAX, false, &h));
        assert_true(h.errors < 60);
        free(big);
        buf_free(&h.text);
}

/* Each row: the value of ExecStart=, and each command as flags, program and words. */
static void command_lines(void **state)
{
        static const struct {
                const char *value, *expected; /* "!..." is the remark */
        } rows[] = {
                { "/bin/x", "0 /bin/x [/bin/x]" },
                { "x a  b\tc", "0 x [x][a][b][c]" },
                { "-/bin/x a", "1 /bin/x [/bin/x][a]" },
                { "@/bin/x y a", "2 /bin/x [y][a]" },
                { "-@:/bin/x y", "7 /bin/x [y]" },
                { "+/bin/x", "8 /bin/x [/bin/x]" },
                { "!!/bin/x", "16 /bin/x [/bin/x]" },
                { "/bin/x a ; /bin/y b", "0 /bin/x [/bin/x][a]|0 /bin/y [/bin/y][b]" },
                { "/bin/x a \\; b", "0 /bin/x [/bin/x][a][;][b]" },
                { "/bin/x a \";\" b", "0 /bin/x [/bin/x][a][;][b]" },
                { "/bin/x a;b ;c", "0 /bin/x [/bin/x][a;b][;c]" },
                { "/bin/x 'a b' \"c d\" e'f g'h", "0 /bin/x [/bin/x][a b][c d][ef gh]" },
                { "/bin/x '' \"\"", "0 /bin/x [/bin/x][][]" },
                { "/bin/x a\\ b", "!" }, /* "\ " is no escape: two words, with a warning */
                { "/bin/x a\\sb \\x41 \\101 \\u20ac '\\n'", "0 /bin/x [/bin/x][a b][A][A][\xe2\x82\xac][\n]" },
                { "/bin/sh -c 'grep \"\\.\" $X'", "0 /bin/sh [/bin/sh][-c][grep \"\\.\" $X]" },
                { "/bin/x $A ${B} $$", "0 /bin/x [/bin/x][$A][${B}][$$]" },
                { "/bin/x %n %N %p %i %% %t/%S", "0 /bin/x [/bin/x][a.service][a][a][][%][/run//var/lib]" },
                { "/bin/x # no comment", "0 /bin/x [/bin/x][#][no][comment]" },
                { "bin/x", "!the program's path is relative" }, { "/", "!a directory is no program" },
                { "/bin/", "!a directory is no program" }, { "-", "!no program to run" },
                { "@/bin/x", "!@ asks for an argv[0] and there is none" },
                { "+!/bin/x", "!the prefixes + and ! exclude each other" },
                { "; /bin/x", "!an empty command" }, { "/bin/x ; ; /bin/y", "!an empty command" },
                { "/bin/x 'a", "!a quote (') is not closed" }, { "/bin/x \\x00", "!stands for no character" },
                { "/bin/x %z", "!unknown specifier %z" }, { "\"\" a", "!no program to run" },
        };

        (void) state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                struct buf text = BUF_INIT, got = BUF_INIT;
                struct heard h = { 0 };
                struct spec *s;

                buf_addf(&text, "[Service]\nType=oneshot\nExecStart=%s\n", rows[i].value);
                s = parse_text("a.service", buf_text(&text), text.len, false, &h);
                if (rows[i].expected[0] == '!') {
                        assert_contains(buf_text(&h.text), rows[i].expected + 1);
                        assert_true(h.errors + h.warnings > 0);
                } else {
                        assert_non_null(s);
                        for (size_t c = 0; c < spec_count(s, D_SERVICE_ExecStart); c++) {
                                struct command command = spec_command(s, D_SERVICE_ExecStart, c);
                                const char *arg = command.args;

                                buf_addf(&got, "%s%u %s ", c ? "|" : "", command.flags, command.path);
                                for (size_t k = 0; k < command.argc; k++, arg += strlen(arg) + 1)
                                        buf_addf(&got, "[%s]", arg);
                        }
                        assert_string_equal(buf_text(&got), rows[i].expected);
                }
                spec_unref(s);
                buf_free(&text);
                buf_free(&got);
                buf_free(&h.text);
        }
}

/* What `text` becomes in the Description= of that unit; else the first remark. */
static void expands(const char *unit, const char *text, const char *expected)
{
        struct heard h = { 0 };
        struct spec *s;
        char file[200];
        int n = snprintf(file, sizeof(file), "[Unit]\nDescription=%s\n[Service]\nExecStart=/x\n", text);

        s = parse_text(unit, file, (size_t) n, false, &h);
        if (s)
                assert_string_equal(spec_str(s, D_UNIT_Description), expected);
        else
                assert_contains(buf_text(&h.text), expected);
        spec_unref(s);
        buf_free(&h.text);
}

static void specifiers(void **state)
{
        static const struct {
                const char *unit, *text, *expected;
        } rows[] = {
                { "job@a-b.service", "%n %N %p %i %I %f %%", "job@a-b.service job@a-b job a-b a/b /a/b %" },
                { "job@a\\x2db-c.service", "%n %N %i %I %f", "job@a\\x2db-c.service job@a\\x2db-c a\\x2db-c a-b/c /a-b/c" },
                { "a-b\\x2dc-d\\x2De.service", "%p %P %j %J %f [%i] [%I]", "a-b\\x2dc-d\\x2De a/b-c/d-e d\\x2De d-e /a/b-c/d-e [] []" },
                { "job@\\xc3\\xa9\\x2e\\x2e\\x5cx.service", "%I", "\xc3\xa9..\\x" },
                { "job@a\\x2fb.service", "%i %I", "a\\x2fb a/b" },
                { "job@a\\xc3.service", "%i %I", "what %I of job@a\\xc3 stands for is no text" },
                { "job@a\\x0ab.service", "%I", "what %I of job@a\\x0ab stands for is no text" },
                { "job@a\\x0ab.service", "%i", "a\\x0ab" },
                { "a.service", "%d %t %S %C %L %E %T %V", "/run/credentials/a.service /run /var/lib /var/cache /var/log /etc /tmp /var/tmp" },
                { "a.service", "%u %U %g %G %h %s", "root 0 root 0 /root /bin/sh" },
                { "a.service", "%H %l %m %b", "host.example host 0123456789abcdef0123456789abcdef fedcba9876543210fedcba9876543210" },
                { "a.service", "%v %a %o %w [%W] [%B]", "6.1.0 x86-64 debian 12 [] []" },
                { "a.service", "%q", "unknown specifier %q" },
                { "a.service", "100%", "unknown specifier %" },
                { "a.service", "%\xc3\xa9", "there are %n %N %p %P %i %I %j %J %f %d %t" },
        };

        (void) state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
                expands(rows[i].unit, rows[i].text, rows[i].expected);
}

static void specifiers_in_other_values(void **state)
{
        struct spec *s = parse_good("job@a\\x2db.service", "[Unit]\nAfter=db@%i.service x@a\\x2db.service\n"
                                                         "[Service]\nExecStart=/x\nEnvironmentFile=-/etc/%p/%I.env\n");

        (void) state;
        assert_string_equal(spec_item(s, D_SERVICE_EnvironmentFile, 0), "-/etc/job/a-b.env");
        assert_string_equal(spec_item(s, D_UNIT_After, 0), "db@a\\x2db.service");
        assert_string_equal(spec_item(s, D_UNIT_After, 1), "x@a\\x2db.service");
        spec_unref(s);
        s = parse_good("a.supervisor", "[Supervisor]\nAllowSpawn=my\\x2djob@.service command\n");
        assert_string_equal(spec_item(s, D_SUPERVISOR_AllowSpawn, 0), "my\\x2djob@.service");
        assert_string_equal(spec_item(s, D_SUPERVISOR_AllowSpawn, 1), "command");
        spec_unref(s);
}

static void a_specifier_that_is_not_known_here_is_an_error(void **state)
{
        static const char text[] = "[Service]\nExecStart=/x %m\n";
        struct unit_source source = { .file = "a.service", .text = text, .len = sizeof(text) - 1 };
        struct unit_host nothing = { 0 };
        struct heard h = { 0 };
        struct spec *s = NULL;

        (void) state;
        assert_int_not_equal(unit_text_parse("a.service", &source, 1, &nothing, hear, &h, &s), 0);
        assert_contains(buf_text(&h.text), "what %m stands for is not known on this machine");
        buf_free(&h.text);
}

static void H10_names(void **state)
{
        static const struct {
                const char *name;
                bool good;
        } rows[] = {
                { "a.service", true }, { "a.b-c_d:e.service", true }, { "a@1.service", true }, { "a@.service", true },
                { "a.supervisor", true }, { "a@x.y-z.service", true }, { "dbus-org.freedesktop.x.service", true },
                { "", false }, { ".service", false }, { "a", false }, { "a.target", false }, { "-a.service", false },
                { ".a.service", false }, { "a@.b.service", false }, { "a@-x.service", false }, { "a@..service", false },
                { "a@b@c.service", false }, { "a/b.service", false }, { "a@a/b.service", false }, { "a@%n.service", false },
                { "a@a\\x2db.service", true }, { "a\\x2db@\\xC3\\xa9.service", true }, { "a@\\x2f.service", true }, { "\\x2e.service", true },
                { "a@a\\b.service", false }, { "a@a\\x2.service", false }, { "a@a\\x2g.service", false }, { "a@\\.service", false },
                { "a@a\\x00.service", false }, { "a@b\\x.service", false }, { "a@b\\n.service", false },
                { "a b.service", false }, { "\xc3\xa9.service", false }, { "@1.service", false }, { "a\n.service", false },
        };
        struct unit_name n;
        struct err err = { 0 };
        char longest[400];

        (void) state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                if ((unit_name_parse(rows[i].name, &n, &err) == 0) != rows[i].good)
                        print_error("\"%s\"\n", rows[i].name);
                assert_int_equal(unit_name_parse(rows[i].name, &n, NULL) == 0, rows[i].good);
        }
        for (int len = 63; len <= 300; len += len == 63 || len == 64 ? 1 : 235) {
                (void) snprintf(longest, sizeof(longest), "a@%0*d.service", len, 7);
                assert_int_equal(unit_name_parse(longest, &n, NULL) == 0, len <= 64);
        }
        for (int len = 127; len <= 129; len++) {
                (void) snprintf(longest, sizeof(longest), "%0*d@%064d.service", len, 7, 7);
                assert_int_equal(unit_name_parse(longest, &n, NULL) == 0, len <= 128);
        }
        assert_int_equal(unit_name_parse("worker@3.service", &n, NULL), 0);
        assert_string_equal(n.stem, "worker@3");
        assert_string_equal(n.prefix, "worker");
        assert_string_equal(n.instance, "3");
}

static void foreign_files_are_read_leniently(void **state)
{
        static const char text[] =
                "[Unit]\nDescription=x\nAfter=network.target foo.socket bad\\name.service w@.service b.service\n"
                "DefaultDependencies=no\nOnFailure=x.service\n"
                "[Service]\nExecStart=/x\nSockets=x\n[Mount]\nWhat=x\n[Unit]\nStartLimitBurst=3\n"
                "[Install]\nWantedBy=multi-user.target\nAlso=foo@.socket\n";
        struct heard h = { 0 };
        struct spec *s = parse_text("a.service", text, sizeof(text) - 1, true, &h);

        (void) state;
        assert_non_null(s);
        assert_int_equal(h.errors, 0);
        assert_int_equal(spec_count(s, D_UNIT_After), 1);
        assert_string_equal(spec_item(s, D_INSTALL_Also, 0), "foo@.socket");
        assert_contains(buf_text(&h.text), "warning: unknown key Sockets=");
        assert_contains(buf_text(&h.text), "warning: unknown section [Mount]");
        assert_contains(buf_text(&h.text), "warning: a second section [Unit]");
        buf_free(&h.text);
        spec_unref(s);
}

static void drop_ins_change_scalars_add_to_lists_and_reset(void **state)
{
        static const char main_text[] = "[Unit]\nConditionUser=x\nConditionPathExists=/a\n[Service]\nExecStart=/x\nNice=1\n"
                                        "Environment=A=1\nRestart=no\n";
        static const char drop_in[] = "[Service]\nNice=2\nEnvironment=B=2\nRestart=\nExecStart=\nExecStart=/y\n"
                                      "[Unit]\nConditionPathExists=\nConditionPathExists=/b\n";
        struct unit_source sources[] = {
                { .file = "main", .text = main_text, .len = sizeof(main_text) - 1 },
                { .file = "drop", .text = drop_in, .len = sizeof(drop_in) - 1 },
        };
        struct heard h = { 0 };
        struct spec *s = NULL;

        (void) state;
        assert_int_equal(unit_text_parse("a.service", sources, 2, &unit_host_example, hear, &h, &s), 0);
        assert_string_equal(buf_text(&h.text), "");
        assert_int_equal(spec_int(s, D_SERVICE_Nice), 2);
        assert_string_equal(spec_origin(s, D_SERVICE_Nice).file, "drop");
        assert_int_equal(spec_count(s, D_SERVICE_Environment), 2);
        assert_string_equal(spec_item_origin(s, D_SERVICE_Environment, 0).file, "main");
        assert_false(spec_has(s, D_SERVICE_Restart));
        assert_int_equal(spec_count(s, D_SERVICE_ExecStart), 1);
        assert_string_equal(spec_command(s, D_SERVICE_ExecStart, 0).path, "/y");
        assert_false(spec_has(s, D_UNIT_ConditionUser)); /* emptying one condition empties all */
        assert_int_equal(spec_count(s, D_UNIT_ConditionPathExists), 1);
        assert_string_equal(spec_file(s), "main");
        assert_string_equal(spec_drop_in(s, 0), "drop");
        spec_unref(s);
}

/* --- inih itself, as it is installed: if one of these changes, unit_lines.h has something to reconsider ------------ */

struct caught {
        char text[2048];
};

static int catch_pair(void *arg, const char *section, const char *key, const char *value)
{
        struct caught *c = arg;
        size_t n = strlen(c->text);

        (void) snprintf(c->text + n, sizeof(c->text) - n, "[%s]%s=%.20s;", section, key, value);
        return 1;
}

static void the_installed_inih_keeps_the_short_lines_it_is_fed_whole(void **state)
{
        struct caught c = { "" };

        (void) state;
        assert_int_equal(ini_parse_string("[Supervisor]\nConditionPathIsSymbolicLink=123456\nA-b=0\n", catch_pair, &c), 0);
        assert_string_equal(c.text, "[Supervisor]ConditionPathIsSymbolicLink=123456;[Supervisor]A-b=0;");
}

static void canary_the_traps_of_inih_are_real_and_never_reach_us(void **state)
{
        struct caught c = { "" };
        struct buf text = BUF_INIT;
        struct spec *s;

        (void) state;
        buf_adds(&text, "[Service]\nExecStart=/bin/x ");
        while (text.len < strlen("[Service]\n") + 199)
                buf_addc(&text, 'x');
        buf_adds(&text, "User=nobody\nNice=1 ; 2\n   Group=x\n");
        (void) ini_parse_string(buf_text(&text), catch_pair, &c);
        print_message("# inih alone reads: %s\n", c.text);
        if (strstr(c.text, "User=nobody")) /* split: the tail of a long line became a key */
                print_message("# trap: a long line is split\n");
        if (strstr(c.text, "Nice=1;"))
                print_message("# trap: a value is cut at \" ;\"\n");
        buf_clear(&text);
        buf_adds(&text, "[Service]\nExecStart=/bin/x ");
        while (text.len < strlen("[Service]\n") + 199)
                buf_addc(&text, 'x');
        buf_adds(&text, "User=nobody;y\n   Group=x\n");
        s = parse_good("a.service", buf_text(&text));
        assert_false(spec_has(s, D_SERVICE_User));
        assert_string_equal(spec_str(s, D_SERVICE_Group), "x");
        spec_unref(s);
        buf_free(&text);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_usual_unit_is_read),
                cmocka_unit_test(H2_H3_H5_H6_H7_what_is_refused_and_why),
                cmocka_unit_test(H5_text_behind_a_nul_is_not_lost_silently),
                cmocka_unit_test(H4_a_line_at_the_limit_is_read_and_one_byte_more_is_refused),
                cmocka_unit_test(H4_long_lines_become_no_new_keys),
                cmocka_unit_test(H4_a_file_of_garbage_or_of_ten_megabytes_is_refused_briefly),
                cmocka_unit_test(command_lines),
                cmocka_unit_test(specifiers),
                cmocka_unit_test(specifiers_in_other_values),
                cmocka_unit_test(a_specifier_that_is_not_known_here_is_an_error),
                cmocka_unit_test(H10_names),
                cmocka_unit_test(foreign_files_are_read_leniently),
                cmocka_unit_test(drop_ins_change_scalars_add_to_lists_and_reset),
                cmocka_unit_test(the_installed_inih_keeps_the_short_lines_it_is_fed_whole),
                cmocka_unit_test(canary_the_traps_of_inih_are_real_and_never_reach_us),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
