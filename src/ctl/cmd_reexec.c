/* cmd_reexec.c - daemon-reexec: another engine takes over, and answers before we come back. */
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "ctl/ctl.h"

static int run_reexec(struct ctl *c)
{
        const char *binary = ctl_option(c, "binary");
        autofree char *path = binary ? realpath(binary, NULL) : NULL;
        autobuf struct buf params = BUF_INIT;
        struct json j = json_start(&params);
        uint32_t reply;
        int r;

        if (binary && !path)
                return ctl_error(CTL_USAGE, "--binary=%s: there is no such file", binary);
        json_open(&j, NULL, '{');
        if (path)
                json_str(&j, "binary", path);
        json_close(&j);
        r = ctl_call(c, "DaemonReexec", buf_text(&params), false, &reply);
        if (r != CTL_OK || c->no_block)
                return r;
        r = ctl_wait_end(c); /* the old engine is gone; whoever connects waits for the new one */
        if (r == CTL_OK && !ctl_reconnect(c))
                return ctl_error(CTL_NO_DAEMON, "the daemon is gone");
        if (r == CTL_OK)
                r = ctl_call(c, "Version", NULL, false, &reply);
        if (r == CTL_OK && c->json)
                ctl_put_json(c, reply);
        else if (r == CTL_OK && !c->quiet)
                buf_addf(&c->out, "coppiced %s has taken over\n", jget_text(&c->doc, reply, "version"));
        return r;
}

static const struct ctl_option reexec_options[] = {
        { "binary", 0, "PATH", "The program to take over; kept until another one is given. If not given, the engine's "
          "own file "
                               "as it is on disk now." },
        { 0 },
};

const struct ctl_verb verb_daemon_reexec = {
        .name = "daemon-reexec", .args = "", .help = "Have another engine take over; services do not notice.",
        .prose = "For an upgrade, or to begin anew. The new program is tried first: it loads a copy of the state, and "
                 "when it cannot, the present engine goes on and the reason is told. Pids, restart counters, timers, "
                 "readiness and what lies in pipes and sockets are taken over. With --json: what version says of the "
                 "one that has taken over.",
        .options = reexec_options, .waits = true, .run = run_reexec,
};
