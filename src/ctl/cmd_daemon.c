/* cmd_daemon.c - verbs about the daemon itself: version, log-level, shutdown. */
#include <poll.h>
#include <string.h>
#include <sys/syscall.h>

#include "base/json.h"
#include "core/value.h"
#include "ctl/ctl.h"

static void put_line(struct ctl *c, const char *name, const char *value)
{
        buf_addf(&c->out, "%12s  %s\n", name, value ? value : "-");
}

/* Ours, and behind it what the daemon says of itself. */
static void put_version_json(struct ctl *c, uint32_t reply)
{
        autobuf struct buf theirs = BUF_INIT;

        if (reply != JTOK_NONE)
                jtok_print(&c->doc, reply, &theirs);
        buf_adds(&c->out, "{\"coppicectl\":\"" PACKAGE_VERSION "\"");
        if (theirs.len > 2) /* "{...}" */
                buf_addf(&c->out, ",%.*s", (int) (theirs.len - 2), theirs.data + 1);
        buf_adds(&c->out, "}\n");
}

/* The version of the tool comes first and needs no daemon; its absence is told, not a failure. */
static int run_version(struct ctl *c)
{
        const struct jdoc *d = &c->doc;
        uint32_t reply;
        int r = ctl_call(c, "Version", NULL, false, &reply);

        if (c->json) {
                put_version_json(c, r == CTL_OK ? reply : JTOK_NONE);
                return r;
        }
        buf_adds(&c->out, "coppicectl " PACKAGE_VERSION "\n");
        if (r != CTL_OK)
                return r;
        buf_addf(&c->out, "coppiced %s, pid %lld, %lld nodes%s\n", jget_text(d, reply, "version"),
                 (long long) jget_int(d, reply, "pid", 0), (long long) jget_int(d, reply, "nodes", 0),
                 jget_true(d, reply, "stopping") ? ", shutting down" : "");
        put_line(c, "runtime", jget_text(d, reply, "runtime_dir"));
        put_line(c, "state", jget_text(d, reply, "state_dir"));
        put_line(c, "logs", jget_text(d, reply, "log_dir"));
        put_line(c, "log target", jget_text(d, reply, "log_target"));
        put_line(c, "log level", jget_text(d, reply, "log_level"));
        put_line(c, "isolation", jget_text(d, reply, "isolation"));
        if (jget_text(d, reply, "load_report") && *jget_text(d, reply, "load_report")) {
                buf_adds(&c->out, "Problems in unit files:\n");
                put_safe(&c->out, jget_text(d, reply, "load_report"));
        }
        return CTL_OK;
}

static int run_level(struct ctl *c)
{
        uint32_t reply;
        int r = ctl_call_text(c, "LogLevel", "level", c->argc ? c->argv[0] : NULL, &reply);

        if (r != CTL_OK)
                return r;
        if (c->json)
                ctl_put_json(c, reply);
        else if (!c->quiet || c->argc == 0)
                buf_addf(&c->out, "%s\n", jget_text(&c->doc, reply, "level"));
        return CTL_OK;
}

/* A descriptor that becomes readable when the daemon has ended; -1 when the kernel or a pid namespace hides it. */
static int watch_daemon(struct ctl *c, int *ret_fd)
{
        uint32_t reply;
        int64_t pid;
        int r = ctl_call(c, "Version", NULL, false, &reply);

        *ret_fd = -1;
        if (r != CTL_OK)
                return r;
        pid = jget_int(&c->doc, reply, "pid", 0);
        if (pid > 1)
                *ret_fd = (int) syscall(SYS_pidfd_open, (pid_t) pid, 0);
        return CTL_OK;
}

static int run_shutdown(struct ctl *c)
{
        static const char *const ends[] = { "halt", "poweroff", "reboot" };
        autobuf struct buf params = BUF_INIT;
        struct json j = json_start(&params);
        autoclose int daemon = -1;
        struct pollfd p = { .events = POLLIN };
        const char *end = NULL;
        uint32_t reply;
        nsec span;
        int r;

        json_open(&j, NULL, '{');
        if (ctl_option(c, "within")) {
                if (value_span(ctl_option(c, "within"), NSEC_PER_SEC, &span) < 0 || span == NSEC_NEVER)
                        return ctl_error(CTL_USAGE, "--within=%s: a time span such as 5s", ctl_option(c, "within"));
                json_int(&j, "timeout_usec", span / NSEC_PER_USEC);
        }
        for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
                if (!ctl_option(c, ends[i]))
                        continue;
                if (end)
                        return ctl_error(CTL_USAGE, "--%s and --%s: only one of them can be", end, ends[i]);
                end = ends[i];
                json_str(&j, "end", end);
        }
        json_close(&j);
        r = watch_daemon(c, &daemon);
        if (r == CTL_OK)
                r = ctl_call(c, "Shutdown", buf_text(&params), false, &reply);
        if (r != CTL_OK || c->no_block)
                return r;
        r = ctl_wait_end(c);
        p.fd = daemon;
        if (r == CTL_OK && daemon >= 0)
                (void) poll(&p, 1, c->timeout_ms < 0 ? 10000 : (int) c->timeout_ms);
        return r;
}

static const struct ctl_option shutdown_options[] = {
        { "within", 0, "SPAN", "Bound the whole: what is left then is killed. If not given, what --stop-timeout= of "
          "coppiced says." },
        { "poweroff", 0, NULL,
          "As PID 1 of a machine: then switch it off. This is what it does unless told otherwise." },
        { "reboot", 0, NULL, "As PID 1 of a machine: then boot it again." },
        { "halt", 0, NULL, "As PID 1 of a machine: then stop the processors." },
        { 0 },
};

const struct ctl_verb verb_version = {
        .name = "version", .args = "",
        .help = "Tell the versions of coppicectl and of the daemon, and where things lie.",
        .prose = "The first line (with --json: \"coppicectl\") needs no daemon; without one the exit status is 7.",
        .run = run_version,
};
const struct ctl_verb verb_log_level = {
        .name = "log-level", .args = "[LEVEL]", .help = "Tell or change how much the daemon itself says.",
        .prose = "Levels are error, warning, notice, info and debug.", .max_args = 1,
        .words = "error warning notice info debug", .run = run_level,
};
const struct ctl_verb verb_shutdown = {
        .name = "shutdown", .args = "", .help = "Stop everything in order, then end the daemon.",
        .prose = "Waits until the daemon has ended.", .options = shutdown_options, .waits = true, .run = run_shutdown,
};
