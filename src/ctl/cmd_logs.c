/* cmd_logs.c - logs: what services have written. The daemon tells where; the files are read here. */
#include <stdio.h>
#include <string.h>

#include "base/escape.h"
#include "base/json.h"
#include "core/value.h"
#include "ctl/ctl.h"
#include "ctl/logread.h"

enum { OPT_LINES, OPT_FOLLOW, OPT_SINCE, OPT_ALL };
static const struct ctl_option options[] = {
        [OPT_LINES] = { "lines", 'n', "N", "The last N lines; 50 if not given." },
        [OPT_FOLLOW] = { "follow", 'f', NULL, "Go on with what is written from now on." },
        [OPT_SINCE] = { "since", 0, "SPAN", "Only what was written within this time (\"10min\")." },
        [OPT_ALL] = { "all", 'a', NULL, "All that is kept, not only the last lines." },
        { 0 },
};

static int put_line(void *arg, const char *line, size_t n)
{
        struct ctl *c = arg;

        if (c->json) {
                struct json j = json_start(&c->out);

                json_open(&j, NULL, '{');
                json_strn(&j, "line", line, n);
                json_close(&j);
        } else if (isatty(STDOUT_FILENO)) {
                escape_text(&c->out, line, n);
        } else {
                buf_add(&c->out, line, n);
        }
        buf_addc(&c->out, '\n');
        if (c->value[OPT_FOLLOW] || c->out.len > 64 << 10)
                ctl_flush(c);
        return 0;
}

static int read_options(const struct ctl *c, struct logread_options *o)
{
        nsec span;
        int64_t n;

        o->last = c->value[OPT_ALL] || c->value[OPT_SINCE] ? LOGREAD_ALL : 50;
        o->follow = c->value[OPT_FOLLOW] != NULL;
        o->stop_fd = -1;
        if (c->value[OPT_LINES]) {
                if (value_decimal(c->value[OPT_LINES], &n) < 0 || n < 0)
                        return ctl_error(CTL_USAGE, "--lines=%s: a number of lines", c->value[OPT_LINES]);
                o->last = (uint64_t) n;
        }
        if (c->value[OPT_SINCE]) {
                if (value_span(c->value[OPT_SINCE], NSEC_PER_SEC, &span) < 0 || span == NSEC_NEVER)
                        return ctl_error(CTL_USAGE, "--since=%s: a time span such as 10min", c->value[OPT_SINCE]);
                o->since_us = (uint64_t) (wall_usec() - span / NSEC_PER_USEC);
        }
        return CTL_OK;
}

/* Output that goes to no file: what the daemon remembers of the last incarnation. */
static int put_tail(struct ctl *c, uint32_t reply)
{
        uint32_t tail = jtok_get(&c->doc, reply, "tail");

        for (uint32_t t = jtok_first(&c->doc, tail); t != JTOK_NONE; t = jtok_after(&c->doc, tail, t))
                (void) put_line(c, jtok_text(&c->doc, t), strlen(jtok_text(&c->doc, t)));
        if (jtok_size(&c->doc, tail) == 0)
                return ctl_error(CTL_NOT_FOUND, "%s: its output goes to no file (StandardOutput=, --log-target=)",
                                 jget_text(&c->doc, reply, "path"));
        return CTL_OK;
}

static int run_logs(struct ctl *c)
{
        struct logread_options o = { 0 };
        autofree char *dir = NULL, *path = NULL;
        struct err err = { 0 };
        const char *found;
        char *slash;
        uint32_t reply;
        int r = read_options(c, &o);

        if (r == CTL_OK)
                r = ctl_call_text(c, "LogInfo", "node", c->argv[0], &reply);
        if (r != CTL_OK)
                return r;
        found = jget_text(&c->doc, reply, "directory");
        if (!found)
                return put_tail(c, reply);
        dir = strdup(found);
        slash = dir ? strrchr(dir, '/') : NULL;
        if (!slash)
                return ctl_error(CTL_FAILED, "out of memory");
        path = strdup(slash);
        *slash = '\0';
        o.log_dir = dir;
        o.path = path;
        r = logread(&o, put_line, c, &err);
        return r == -ENOENT ? CTL_OK : r < 0 ? ctl_fail(r == -EACCES ? CTL_DENIED : CTL_FAILED, &err) : CTL_OK;
}

const struct ctl_verb verb_logs = {
        .name = "logs", .args = "NODE", .help = "Print what a service has written.",
        .prose = "Rotated files included, in the order it was written. What lies in the service's pipe when the verb "
                 "is called is seen. One that run or spawn has started can be asked for by its name after it has "
                 "ended, too. With --json an object {line} a line.",
        .options = options, .min_args = 1, .max_args = 1, .complete = COMPLETE_NODES, .run = run_logs,
};
