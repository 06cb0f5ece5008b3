/* compose.c - see compose.h. */
#include "ctl/compose.h"

#include <stdio.h>
#include <string.h>

#include "base/base64.h"
#include "base/json.h"
#include "proto/message.h"

static int put_own_line(const char *line, struct buf *out)
{
        const char *eq = strchr(line, '=');
        char key[MESSAGE_KEY_MAX + 1];

        if (!eq || eq - line > MESSAGE_KEY_MAX)
                return ctl_error(CTL_USAGE, "--head=%s: X_KEY=VALUE", line);
        (void) snprintf(key, sizeof key, "%.*s", (int) (eq - line), line);
        if (!message_key_own(key, strlen(key)))
                return ctl_error(CTL_USAGE, "--head=%s: a key of one's own is X_ and A-Z 0-9 _", line);
        message_put_own(out, key, eq + 1);
        return CTL_OK;
}

int compose_own_lines(struct ctl *c, struct buf *out)
{
        int r = CTL_OK;

        for (size_t i = 0; r == CTL_OK && i < c->given_count; i++)
                if (strcmp(c->given[i].option->name, "head") == 0)
                        r = put_own_line(c->given[i].arg, out);
        return r;
}

static int read_stdin(struct buf *out)
{
        ssize_t n;

        do {
                char *at = buf_reserve(out, 8192);

                n = at ? read(STDIN_FILENO, at, 8192) : -1;
                if (n > 0)
                        out->len += (size_t) n;
        } while (n > 0 && out->len <= MESSAGE_MAX);
        return n < 0 ? ctl_error(CTL_FAILED, "read standard input: %s", strerror(errno)) : CTL_OK;
}

/* The head as it is, "" when it can be sent: a key that stands twice is only seen here. */
static const char *problem_of(const struct buf *message)
{
        const char *problem = "";
        struct message m;

        if (buf_failed(message))
                return "values are text of 1 to 1024 bytes in one line";
        return message_parse(message->data, message->len, &m, &problem) < 0 ? problem : "";
}

int compose_payload(struct ctl *c, int first, struct buf *out)
{
        const char *problem;
        int r = CTL_OK;

        if (c->argc == first + 1 && strcmp(c->argv[first], "-") == 0)
                r = read_stdin(out);
        else
                for (int i = first; i < c->argc; i++)
                        buf_addf(out, "%s%s", i > first ? " " : "", c->argv[i]);
        if (r != CTL_OK)
                return r;
        if (out->len > MESSAGE_MAX)
                return ctl_error(CTL_USAGE, "a message is at most 64 KiB");
        problem = problem_of(out);
        return *problem ? ctl_error(CTL_USAGE, "a message cannot hold that: %s", problem) : CTL_OK;
}

int compose_call(struct ctl *c, const char *method, const struct buf *message, const char *flag, uint32_t *ret)
{
        autobuf struct buf params = BUF_INIT, coded = BUF_INIT;
        struct json j = json_start(&params);
        bool text = base64_needless(message->data, message->len);

        if (!text)
                base64_encode(message->data, message->len, &coded);
        json_open(&j, NULL, '{');
        json_strn(&j, "message", text ? message->data : coded.data, text ? message->len : coded.len);
        if (!text)
                json_bool(&j, "base64", true);
        if (flag)
                json_bool(&j, flag, true);
        json_close(&j);
        return ctl_call(c, method, buf_text(&params), false, ret);
}
