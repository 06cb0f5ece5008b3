/* value_item.c - texts and items of lists: the forms of directives.def. See value.h. */
#include "core/value.h"

#include <errno.h>
#include <string.h>

#include "core/channel_end.h"
#include "core/filter.h"
#include "core/limits.h"
#include "core/reason.h"
#include "core/unit_text.h"

int value_path(const char *path, struct buf *out)
{
        size_t start = out->len;

        if (path[0] != '/' || strlen(path) >= 4096)
                return -EINVAL;
        while (*path) {
                size_t n;

                path += strspn(path, "/");
                n = strcspn(path, "/");
                if (n == 2 && path[0] == '.' && path[1] == '.')
                        return -EINVAL;
                if (n > 0 && !(n == 1 && path[0] == '.')) {
                        buf_addc(out, '/');
                        buf_add(out, path, n);
                }
                path += n;
        }
        if (out->len == start)
                buf_addc(out, '/');
        return 0;
}

static int path_item(enum directive d, const char *text, bool dash, struct buf *out, struct err *err)
{
        const char *p = text;

        if (dash && *p == '-')
                buf_addc(out, *p++);
        if (value_path(p, out) < 0)
                return value_refuse(d, text, err, "not an absolute path without \"..\"",
                                    "write a path that begins with /");
        return 0;
}

static int cwd_item(enum directive d, const char *text, struct buf *out, struct err *err)
{
        if (strcmp(text[0] == '-' ? text + 1 : text, "~") == 0) {
                buf_adds(out, text);
                return 0;
        }
        return path_item(d, text, true, out, err);
}

static bool all_of(const char *text, const char *set)
{
        return *text && strspn(text, set) == strlen(text);
}

#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
#define DIGITS "0123456789"

/* A name as adduser would take it, a little wider ("$" at the end is Samba's), or a number the kernel knows. Every
 * text that begins with a digit is meant as a number: "0x0" and "007" are nobody's name (FAILURES E9). 65535 is what a
 * 16-bit -1 looks like. */
static int user_item(enum directive d, const char *text, struct buf *out, struct err *err)
{
        int64_t number;

        if (strchr(DIGITS, text[0])) {
                if (value_decimal(text, &number) < 0 || number > 4294967294 || number == 65535)
                        return value_refuse(d, text, err, "no user or group number", "0 to 4294967294, but not 65535");
        } else if (!all_of(text, LETTERS DIGITS "_.-$") || strchr("-.$", text[0]) || strlen(text) > 256) {
                return value_refuse(d, text, err, "no user or group name", "write a name or a number");
        }
        buf_adds(out, text);
        return 0;
}

static bool env_name(const char *text, size_t n)
{
        if (n == 0 || strchr(DIGITS, text[0]))
                return false;
        return strspn(text, LETTERS DIGITS "_") >= n;
}

static int env_item(enum directive d, const char *text, bool need_value, bool may_value, struct buf *out,
                    struct err *err)
{
        const char *eq = strchr(text, '=');

        if (!env_name(text, eq ? (size_t) (eq - text) : strlen(text)))
                return value_refuse(d, text, err, "no name of a variable", "letters, digits and _, no digit first");
        if (need_value && !eq)
                return value_refuse(d, text, err, "no value",
                                    "write NAME=VALUE, with quotes around both if there are spaces");
        if (!may_value && eq)
                return value_refuse(d, text, err, "only names go here",
                                    "write the name without =; Environment= sets values");
        buf_adds(out, text);
        return 0;
}

/* A relative directory, as RuntimeDirectory= takes it: checked as if it hung below the root. */
static int dirname_item(enum directive d, const char *text, struct buf *out, struct err *err)
{
        autobuf struct buf below_root = BUF_INIT, normal = BUF_INIT;

        buf_addf(&below_root, "/%s", text);
        if (strchr(text, ':'))
                return value_refuse(d, text, err, "links to directories, NAME:LINK, are not made",
                                    "write the name alone, and make the link in ExecStartPre=");
        if (text[0] == '/' || value_path(buf_text(&below_root), &normal) < 0 || normal.len < 2)
                return value_refuse(d, text, err, "not a relative path without \"..\"", "write a name such as myapp");
        buf_adds(out, buf_text(&normal) + 1);
        return 0;
}

static int uri_item(enum directive d, const char *text, struct buf *out, struct err *err)
{
        static const char *const schemes[] = { "man:", "info:", "file:", "http://", "https://" };

        for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++)
                if (strncmp(text, schemes[i], strlen(schemes[i])) == 0 && text[strlen(schemes[i])]) {
                        buf_adds(out, text);
                        return 0;
                }
        return value_refuse(d, text, err, "no address", "begin it with man:, info:, file:, http:// or https://");
}

/* systemd's words for "where the log is". */
static bool means_log(const char *text)
{
        static const char *const words[] = {
                "log", "journal", "syslog", "kmsg", "journal+console", "syslog+console", "kmsg+console",
        };

        for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
                if (strcmp(text, words[i]) == 0)
                        return true;
        return false;
}

/* Length of the prefix that wants a path behind it, 0 when it is none. */
static size_t path_prefix(const char *text, bool output)
{
        if (strncmp(text, "file:", 5) == 0)
                return 5;
        if (output && strncmp(text, "append:", 7) == 0)
                return 7;
        if (output && strncmp(text, "truncate:", 9) == 0)
                return 9;
        return 0;
}

static int stdio_item(enum directive d, const char *text, bool output, struct buf *out, struct err *err)
{
        size_t n = path_prefix(text, output);

        if (output && means_log(text)) {
                buf_adds(out, "log");
                return 0;
        }
        if (n > 0) {
                buf_add(out, text, n);
                return path_item(d, text + n, false, out, err);
        }
        if (strcmp(text, "null") == 0 || strcmp(text, "inherit") == 0 || strcmp(text, "tty") == 0 ||
            (strncmp(text, "fd:", 3) == 0 && all_of(text + 3, LETTERS DIGITS "_.-") && strlen(text) <= 255)) {
                buf_adds(out, text);
                return 0;
        }
        return value_refuse(d, text, err, "not one of the values",
                      output ? "one of log, null, inherit, tty, file:PATH, append:PATH, truncate:PATH, fd:NAME"
                             : "one of null, inherit, tty, file:PATH, fd:NAME");
}

static int unit_item(enum directive d, const char *text, struct buf *out, struct err *err)
{
        struct unit_name name;
        struct err why = { 0 };

        if (unit_name_parse(text, &name, &why) < 0) {
                (void) value_refuse(d, text, err, "no name of a unit", why.hint[0] ? why.hint : why.text);
                return -EINVAL;
        }
        if (name.is_template)
                return value_refuse(d, text, err, "a template never runs",
                                    "name an instance, such as worker@1.service");
        buf_adds(out, text);
        return 0;
}

/* One end of a channel. The way out of a misspelt descriptor is the list of all. */
static int end_item(enum directive d, const char *text, struct buf *out, struct err *err)
{
        struct channel_end end;

        if (!channel_end_parse(text, d == D_CHANNEL_From, &end))
                return value_refuse(d, text, err, "no descriptor of a service",
                              "write SERVICE:stdin, :stdout, :stderr, a number from 3 to 1023, or fd:NAME");
        if (unit_item(d, end.unit, out, err) < 0)
                return -EINVAL;
        buf_adds(out, text + strlen(end.unit));
        return 0;
}

static int supervisor_item(enum directive d, const char *text, struct buf *out, struct err *err)
{
        autobuf struct buf full = BUF_INIT;
        struct unit_name name;

        buf_adds(&full, text);
        if (unit_name_parse(text, &name, NULL) < 0)
                buf_adds(&full, ".supervisor");
        if (unit_name_parse(buf_text(&full), &name, NULL) < 0 || name.kind != KIND_SUPERVISOR || name.is_template)
                return value_refuse(d, text, err, "no name of a supervisor", "write name.supervisor");
        buf_adds(out, buf_text(&full));
        return 0;
}

/* Exit codes that have names: LSB and sysexits.h. Those of the stages before exec are in base/stages.def. */
static const struct {
        const char *name;
        int code;
} exit_names[] = {
        { "SUCCESS", 0 }, { "FAILURE", 1 }, { "INVALIDARGUMENT", 2 }, { "NOTIMPLEMENTED", 3 }, { "NOPERMISSION", 4 },
        { "NOTINSTALLED", 5 }, { "NOTCONFIGURED", 6 }, { "NOTRUNNING", 7 }, { "USAGE", 64 }, { "DATAERR", 65 },
        { "NOINPUT", 66 }, { "NOUSER", 67 }, { "NOHOST", 68 }, { "UNAVAILABLE", 69 }, { "SOFTWARE", 70 },
        { "OSERR", 71 }, { "OSFILE", 72 }, { "CANTCREAT", 73 }, { "IOERR", 74 }, { "TEMPFAIL", 75 },
        { "PROTOCOL", 76 }, { "NOPERM", 77 }, { "CONFIG", 78 }, { "EXCEPTION", 255 },
};

int value_exit_status(const char *text)
{
        int64_t number;
        int stage;

        if (value_decimal(text, &number) == 0)
                return number >= 0 && number <= 255 ? (int) number : -EINVAL;
        for (size_t i = 0; i < sizeof(exit_names) / sizeof(exit_names[0]); i++)
                if (strcmp(exit_names[i].name, text) == 0)
                        return exit_names[i].code;
        stage = *text ? stage_from_name(text) : -1;
        return stage > 0 && stage_exit_status((enum stage) stage) > 0 ? stage_exit_status((enum stage) stage) : -EINVAL;
}

/* Kept as the decimal code, or the signal's name without SIG. */
static int exit_item(enum directive d, const char *text, struct buf *out, struct err *err)
{
        int code = value_exit_status(text), sig;

        if (code >= 0) {
                buf_addf(out, "%d", code);
                return 0;
        }
        sig = all_of(text, LETTERS DIGITS "+-") && !strchr(DIGITS "+-", text[0]) ? signal_number(text) : -1;
        if (sig < 1)
                return value_refuse(d, text, err, "no exit code or signal",
                              "write 0 to 255, a name such as TEMPFAIL, or a signal such as SIGTERM");
        if (signal_name(sig))
                buf_adds(out, signal_name(sig));
        else
                buf_adds(out, text);
        return 0;
}

/* "3" or "0-7". */
static int cpu_item(enum directive d, const char *text, struct buf *out, struct err *err)
{
        static const char what[] = "no processor number or range";
        static const char hint[] = "write numbers and ranges from 0 to 8191, such as 0 2-5";
        char first[8] = "";
        const char *dash = strchr(text, '-');
        size_t n = dash ? (size_t) (dash - text) : strlen(text);
        int64_t from, to;

        if (n >= sizeof(first))
                return value_refuse(d, text, err, what, hint);
        memcpy(first, text, n);
        if (value_decimal(first, &from) < 0 || value_decimal(dash ? dash + 1 : text, &to) < 0)
                return value_refuse(d, text, err, what, hint);
        if (from < 0 || to > 8191)
                return value_refuse(d, text, err, what, hint);
        if (to < from)
                return value_refuse(d, text, err, "a range that runs backwards", hint);
        buf_adds(out, text);
        return 0;
}

/* "[|][!]argument", as systemd.unit(5) orders the two. */
static int condition_item(enum directive d, const char *text, struct buf *out, struct err *err)
{
        const char *p = text;

        if (*p == '|')
                buf_addc(out, *p++);
        if (*p == '!')
                buf_addc(out, *p++);
        if (!*p)
                return value_refuse(d, text, err, "nothing to check", "write [|][!]argument");
        if (strcmp(directive_rows[d].min, "path") == 0)
                return path_item(d, p, false, out, err);
        buf_adds(out, p);
        return 0;
}

static bool is_filter_form(const char *form)
{
        static const char *const forms[] = { "syscall", "errno", "arch", "family", "namespace" };

        for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++)
                if (strcmp(form, forms[i]) == 0)
                        return true;
        return false;
}

static int filter_form(enum directive d, const char *form, const char *text, struct buf *out, struct err *err)
{
        const char *what = "";
        char hint[160] = "";

        return filter_item(form, text, out, &what, hint, sizeof(hint)) < 0 ? value_refuse(d, text, err, what, hint) : 0;
}

/* "PATH AMOUNT": the path may have blanks, the amount is the last word. */
static int io_item(enum directive d, const char *text, struct buf *out, struct err *err)
{
        static const char hint[] = "write a path and an amount a second, such as /dev/vda 10M, or infinity";
        autobuf struct buf path = BUF_INIT;
        const char *last = strrchr(text, ' ');
        int64_t amount;
        size_t n;

        if (!last)
                return value_refuse(d, text, err, "no path and amount", hint);
        for (n = (size_t) (last - text); n > 0 && text[n - 1] == ' '; n--)
                ;
        buf_add(&path, text, n);
        if (value_size(last + 1, &amount) < 0 || amount == 0)
                return value_refuse(d, text, err, "no amount", hint);
        if (path_item(d, buf_text(&path), false, out, err) < 0)
                return -EINVAL;
        if (out->data[out->len - 1] == ' ') /* "/ / 3": written so it would be read as another one */
                return value_refuse(d, text, err, "no path", hint);
        buf_addc(out, ' ');
        value_print_size(amount, out);
        return 0;
}

/* "/dev/null rw", "char-pts": kept with the rights written out. */
static int device_item(enum directive d, const char *text, struct buf *out, struct err *err)
{
        static const char hint[] = "write a path in /dev, char-NAME or block-NAME, then r, w, m or several of them";
        autobuf struct buf node = BUF_INIT, path = BUF_INIT;
        const char *space = strrchr(text, ' ');
        const char *rights = space && all_of(space + 1, "rwm") && strlen(space + 1) <= 3 ? space + 1 : NULL;
        size_t n = rights ? (size_t) (space - text) : strlen(text);

        while (n > 0 && text[n - 1] == ' ')
                n--;
        buf_add(&node, text, n);
        if (space && !rights && !strchr(space + 1, '/'))
                return value_refuse(d, text, err, "no rights", hint);
        if (strncmp(buf_text(&node), "char-", 5) == 0 || strncmp(buf_text(&node), "block-", 6) == 0) {
                const char *driver = strchr(buf_text(&node), '-') + 1;

                if (!*driver || strchr(driver, ' ') || (strchr(driver, '/') && strncmp(driver, "/dev/", 5) != 0))
                        return value_refuse(d, text, err, "no driver", hint);
                buf_adds(out, buf_text(&node));
        } else if (strncmp(buf_text(&node), "/dev/", 5) != 0) {
                return value_refuse(d, text, err, "no device", hint);
        } else if (path_item(d, buf_text(&node), false, &path, err) < 0) {
                return -EINVAL;
        } else if (strncmp(buf_text(&path), "/dev/", 5) != 0 || /* "/dev/" is the directory */
                   buf_text(&path)[path.len - 1] == ' ') {      /* which ends the path */
                return value_refuse(d, text, err, "no device", hint);
        } else {
                buf_adds(out, buf_text(&path));
        }
        buf_addf(out, " %s", rights ? rights : "rwm");
        return 0;
}

static int delegate_item(enum directive d, const char *text, struct buf *out, struct err *err)
{
        int64_t yes;
        int ctl = strcmp(text, "blkio") == 0 ? CTL_IO : strcmp(text, "cpuacct") == 0 ? CTL_CPU
                                                      : strtab_value(&controller_names, text);

        if (value_bool(text, &yes) == 0) {
                buf_adds(out, yes ? "yes" : "no");
                return 0;
        }
        if (ctl < 0 || ctl == CTL_DEVICES)
                return value_refuse(d, text, err, "no controller",
                                    "yes, no, or a list of cpu, cpuset, io, memory, pids");
        buf_adds(out, strtab_text(&controller_names, ctl));
        return 0;
}

/* One part of a path, no file of the kernel's (those have a dot) and none of ours. */
static int groupname_item(enum directive d, const char *text, struct buf *out, struct err *err)
{
        if (!all_of(text, LETTERS DIGITS "_-") || strlen(text) > 64 || strncmp(text, "coppice", 7) == 0)
                return value_refuse(d, text, err, "no name for a group", "letters, digits, - and _; not coppice...");
        buf_adds(out, text);
        return 0;
}

static int spawnable_item(enum directive d, const char *text, struct buf *out, struct err *err)
{
        struct unit_name name;

        if (strcmp(text, "command") != 0 && strcmp(text, "root-command") != 0 &&
            (unit_name_parse(text, &name, NULL) < 0 || !name.is_template || name.kind != KIND_SERVICE))
                return value_refuse(d, text, err, "nothing to spawn",
                                    "write command, root-command or a template such as worker@.service");
        buf_adds(out, text);
        return 0;
}

int value_item(enum directive d, const char *text, struct buf *out, struct err *err)
{
        const struct directive_row *row = &directive_rows[d];
        const char *form = row->min;
        int r = value_sandbox_item(d, text, out, err);

        if (r <= 0)
                return r;
        switch (row->type) {
        case VT_ENVIRON: return env_item(d, text, true, true, out, err);
        case VT_EXITSET: return exit_item(d, text, out, err);
        case VT_CPUS: return cpu_item(d, text, out, err);
        case VT_CONDITION: return condition_item(d, text, out, err);
        case VT_UNITS: form = *form ? form : "unit"; break;
        default: break;
        }
        if (is_filter_form(form)) return filter_form(d, form, text, out, err);
        if (strcmp(form, "unit") == 0) return unit_item(d, text, out, err);
        if (strcmp(form, "end") == 0) return end_item(d, text, out, err);
        if (strcmp(form, "supervisor") == 0) return supervisor_item(d, text, out, err);
        if (strcmp(form, "user") == 0) return user_item(d, text, out, err);
        if (strcmp(form, "path") == 0) return path_item(d, text, false, out, err);
        if (strcmp(form, "envfile") == 0) return path_item(d, text, true, out, err);
        if (strcmp(form, "cwd") == 0) return cwd_item(d, text, out, err);
        if (strcmp(form, "dirname") == 0) return dirname_item(d, text, out, err);
        if (strcmp(form, "envname") == 0) return env_item(d, text, false, false, out, err);
        if (strcmp(form, "envremove") == 0) return env_item(d, text, false, true, out, err);
        if (strcmp(form, "iobytes") == 0 || strcmp(form, "iocount") == 0) return io_item(d, text, out, err);
        if (strcmp(form, "device") == 0) return device_item(d, text, out, err);
        if (strcmp(form, "delegate") == 0) return delegate_item(d, text, out, err);
        if (strcmp(form, "spawnable") == 0) return spawnable_item(d, text, out, err);
        if (strcmp(form, "groupname") == 0) return groupname_item(d, text, out, err);
        if (strcmp(form, "uri") == 0) return uri_item(d, text, out, err);
        if (strcmp(form, "stdin") == 0) return stdio_item(d, text, false, out, err);
        if (strcmp(form, "stdout") == 0) return stdio_item(d, text, true, out, err);
        buf_adds(out, text);
        return 0;
}
