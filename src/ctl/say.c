/* say.c - what coppicectl says on standard error: a line for people, or, with --json, an object a line. */
#include <stdarg.h>
#include <stdio.h>

#include "base/json.h"
#include "core/diag.h"
#include "ctl/ctl.h"

/* Where words go is one of the few roots of the program, as in base/log.c: errors come from everywhere. */
static bool as_json;

void ctl_say_json(void)
{
        as_json = true;
}

static void put(const char *bytes, size_t n)
{
        (void) !write(STDERR_FILENO, bytes, n);
}

/* One word for each exit status; they are in the manual page. */
static const char *error_word(int code)
{
        switch (code) {
        case CTL_OK: return "note";
        case CTL_USAGE: return "usage";
        case CTL_NOT_FOUND: return "not_found";
        case CTL_DENIED: return "denied";
        case CTL_NO_DAEMON: return "no_daemon";
        default: return "failed";
        }
}

static void put_object(int code, const char *message)
{
        autobuf struct buf text = BUF_INIT;
        struct json j = json_start(&text);

        json_open(&j, NULL, '{');
        json_str(&j, "error", error_word(code));
        json_str(&j, "message", message);
        json_int(&j, "exit_status", code);
        json_close(&j);
        buf_addc(&text, '\n');
        put(buf_text(&text), text.len);
}

int ctl_error(int code, const char *fmt, ...)
{
        char text[2000];
        va_list ap;
        int start = snprintf(text, sizeof text, "coppicectl: "), n = start;

        va_start(ap, fmt);
        n += vsnprintf(text + n, sizeof text - (size_t) n - 1, fmt, ap);
        va_end(ap);
        if (n > (int) sizeof text - 2)
                n = (int) sizeof text - 2;
        if (as_json) {
                put_object(code, text + start);
                return code;
        }
        text[n] = '\n';
        put(text, (size_t) n + 1);
        return code;
}

int ctl_fail(int code, const struct err *err)
{
        char text[700];

        return ctl_error(code, "%s", err_format(err, text, sizeof text));
}

void ctl_json_diag(struct json *j, const struct diag *d)
{
        json_open(j, NULL, '{');
        json_str(j, "severity", d->severity == DIAG_ERROR ? "error" : "warning");
        json_str(j, "unit", d->err.unit[0] ? d->err.unit : NULL);
        json_str(j, "file", d->err.file[0] ? d->err.file : NULL);
        json_uint(j, "line", d->err.line);
        json_uint(j, "column", d->column);
        json_str(j, "text", d->err.text);
        json_str(j, "hint", d->err.hint[0] ? d->err.hint : NULL);
        json_close(j);
}

void ctl_diag(void *arg, const struct diag *d)
{
        autobuf struct buf text = BUF_INIT;
        struct json j = json_start(&text);

        (void) arg;
        if (as_json)
                ctl_json_diag(&j, d);
        else
                diag_print(d, &text);
        buf_addc(&text, '\n');
        put(buf_text(&text), text.len);
}
