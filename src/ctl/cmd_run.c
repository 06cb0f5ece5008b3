/* cmd_run.c - run: a command as a service that no file describes, for as long as we are with it. */
#include <signal.h>
#include <string.h>

#include "base/json.h"
#include "core/reason.h"
#include "ctl/attach.h"
#include "ctl/local.h"
#include "ctl/wish.h"

/* --- run ---------------------------------------------------------------------------------------------------------- */

enum { OPT_PTY = WISH_OPTIONS, OPT_PIPE, OPT_KEEP, OPT_LOCAL, OPT_REPORT };

static const struct ctl_option run_options[] = {
        WISH_COMMON_OPTIONS,
        [OPT_PTY] = { "pty", 't', NULL, "Give it a terminal of its own, whatever we have." },
        [OPT_PIPE] = { "pipe", 'P', NULL, "Give it our own descriptors, also on a terminal." },
        [OPT_KEEP] = { "keep", 0, NULL, "Let it run on when coppicectl ends before it." },
        [OPT_LOCAL] = { "local", 0, NULL, "With a daemon of its own, started for this and gone afterwards." },
        [OPT_REPORT] = { "report", 0, "FILE", "Write the report of --json to a file." },
        { 0 },
};

enum { BACK_TRIES = 200, BACK_PAUSE_MS = 50 };

struct running {
        struct ctl *c;
        struct attach attach;
        char *node;               /* owned */
};

/* What a terminal would send to everybody goes to everybody. */
static void on_signal(void *arg, int sig)
{
        struct running *r = arg;
        autobuf struct buf params = BUF_INIT;
        struct json j = json_start(&params);
        bool all = sig == SIGINT || sig == SIGQUIT || sig == SIGHUP;

        json_open(&j, NULL, '{');
        json_open(&j, "nodes", '[');
        json_str(&j, NULL, r->node);
        json_close(&j);
        json_str(&j, "signal", signal_name(sig));
        json_str(&j, "whom", all ? "all" : "main");
        json_close(&j);
        ctl_tell(r->c, "Kill", buf_text(&params));
}

/* The engine has gone and another one takes its place; the service did not notice, nor shall who sits before it. */
static int come_back(struct running *r, uint32_t *ret)
{
        autobuf struct buf params = BUF_INIT;
        struct json j = json_start(&params);
        int code = CTL_OK;

        json_open(&j, NULL, '{');
        json_str(&j, "node", r->node);
        json_bool(&j, "keep", ctl_option(r->c, "keep") != NULL);
        json_close(&j);
        for (int tries = 0; tries < BACK_TRIES && code == CTL_OK; tries++) {
                if (ctl_reconnect(r->c)) {
                        r->c->lost_is_fine = false;
                        return ctl_call(r->c, "AttachTransient", buf_text(&params), true, ret);
                }
                code = attach_carry(&r->attach, -1, BACK_PAUSE_MS, on_signal, r);
        }
        return code == CTL_OK ? ctl_error(CTL_NO_DAEMON,
                                          "the daemon is gone, and no other one came within 10 s") : code;
}

/* Wait for the next reply, carrying meanwhile. */
static int next_reply(struct running *r, uint32_t *ret)
{
        struct ctl *c = r->c;
        int code = CTL_OK;

        if (frame_pending(&c->in) == 0)
                code = attach_carry(&r->attach, c->fd, -1, on_signal, r);
        if (code != CTL_OK)
                return code;
        c->lost_is_fine = true;
        c->turned_away = false;
        code = ctl_next(c, ret);
        return code != CTL_OK && c->turned_away ? come_back(r, ret) : code;
}

/* Ask, and wait until it has ended: then *ret is the last reply. */
static int run_attached(struct running *r, const char *params, const int *fds, size_t count, uint32_t *ret)
{
        struct ctl *c = r->c;
        int code = ctl_call_fds(c, "SpawnTransient", params, true, fds, count, ret);

        while (code == CTL_OK && ctl_continues(c)) {
                free(r->node);
                r->node = strdup(jget_text(&c->doc, *ret, "node"));
                if (!c->quiet)
                        (void) wish_say_missing(c, jget_text(&c->doc, *ret, "node"), *ret);
                code = next_reply(r, ret);
        }
        attach_drain(&r->attach);
        attach_close(&r->attach);
        return code;
}

/* What an exit status alone does not tell. */
static void say_end(const struct ctl *c, const char *node, uint32_t death)
{
        const char *reason = jget_text(&c->doc, death, "reason"), *error = jget_text(&c->doc, death, "error");
        static const char *const known[] = { "normal", "shutdown", "exit:", "signal:INT", "signal:PIPE" };

        if (error) {
                (void) ctl_error(0, "%s", error);
                return;
        }
        for (size_t i = 0; reason && i < ARRAY_LEN(known); i++)
                if (strncmp(reason, known[i], strlen(known[i])) == 0)
                        return;
        (void) ctl_error(0, "%s ended: %s", node, reason ? reason : "?");
}

/* The death with the node and the exit status before it, one line. */
static void put_report(const struct ctl *c, uint32_t reply, struct buf *out)
{
        uint32_t death = jtok_get(&c->doc, reply, "death");
        autobuf struct buf text = BUF_INIT, head = BUF_INIT;
        struct json j = json_start(&head);

        jtok_print(&c->doc, death, &text);
        json_open(&j, NULL, '{');
        json_str(&j, "node", jget_text(&c->doc, reply, "node"));
        json_int(&j, "exit_code", jget_int(&c->doc, reply, "exit_code", 1));
        buf_addf(out, "%s,%s\n", buf_text(&head), buf_text(&text) + 1);
}

static int write_report(const char *file, const struct buf *text)
{
        autofclose FILE *f = fopen(file, "we");

        if (!f || fwrite(buf_text(text), 1, text->len, f) != text->len || fflush(f) != 0)
                return ctl_error(CTL_FAILED, "%s: %s", file, strerror(errno));
        return CTL_OK;
}

static int finish_run(struct ctl *c, uint32_t reply)
{
        uint32_t death = jtok_get(&c->doc, reply, "death");
        autobuf struct buf report = BUF_INIT;

        if (!c->quiet)
                say_end(c, jget_text(&c->doc, reply, "node"), death);
        put_report(c, reply, &report);
        if (c->json)
                buf_add(&c->out, report.data, report.len);
        if (ctl_option(c, "report") && write_report(ctl_option(c, "report"), &report) != CTL_OK)
                return CTL_FAILED;
        return (int) jget_int(&c->doc, reply, "exit_code", CTL_FAILED);
}

/* The terminal and the signals are ours from here on. */
static int ask_and_carry(struct running *r, uint32_t *ret_reply)
{
        static const char *const names[3] = { "stdin", "stdout", "stderr" };
        autobuf struct buf params = BUF_INIT;
        struct json j = json_start(&params);
        struct ctl *c = r->c;
        int fds[3], index[3], code;
        struct wish wish;
        size_t count;

        code = attach_open(&r->attach, ctl_option(c, "pty") ? 1 : ctl_option(c, "pipe") ? 0 : -1);
        if (code != CTL_OK)
                return code;
        code = wish_collect(c, r->attach.master >= 0, &wish);
        json_open(&j, NULL, '{');
        if (code == CTL_OK)
                wish_write(&wish, &j);
        wish_done(&wish);
        if (code != CTL_OK)
                return code;
        count = attach_fds(&r->attach, fds, index);
        for (int i = 0; i < 3; i++)
                if (index[i] >= 0)
                        json_int(&j, names[i], index[i]);
        json_bool(&j, "terminal", r->attach.master >= 0);
        json_bool(&j, "keep", ctl_option(c, "keep") != NULL);
        json_close(&j);
        return run_attached(r, buf_text(&params), fds, count, ret_reply);
}

static int run_run(struct ctl *c)
{
        struct running r = { .c = c, .attach = { .master = -1, .slave = -1, .signals = -1 } };
        struct local local = { .leash = -1 };
        uint32_t reply;
        int code = CTL_OK;

        if (ctl_option(c, "local") && (c->socket || ctl_option(c, "keep") || ctl_option(c, "supervisor")))
                return ctl_error(CTL_USAGE, "--local goes neither with --socket nor with --keep or --supervisor");
        if (ctl_option(c, "local"))
                code = local_start(&local, c);
        if (code == CTL_OK)
                code = ask_and_carry(&r, &reply);
        attach_close(&r.attach);
        if (code == CTL_OK)
                code = finish_run(c, reply);
        fd_close(&c->fd);
        local_stop(&local);
        free(r.node);
        return code;
}

const struct ctl_verb verb_run = {
        .name = "run", .args = "[--] COMMAND [ARGUMENT...]", .help = "Run a command as a service and wait for its end.",
        .prose = "It is a service like any other, made of the properties given here instead of a file: limited, "
                 "sandboxed, shown by status, tree and why while it lives, and forgotten when it has ended. It is not "
                 "restarted, unless Restart= says so.\n"
                 "Standard input, output and error are ours. On a terminal it gets a terminal of its own, with our "
                 "size; Ctrl-C and the like are its affair, and Ctrl-] three times leaves it. Else the signals INT, "
                 "TERM, HUP, QUIT, USR1 and USR2 that reach coppicectl are sent on to it. When coppicectl is ended, so "
                 "is the service. Of the environment nothing is passed on but what --setenv= names, and TERM to a "
                 "terminal.\n"
                 "The exit status is that of the command; 128 and the number of the signal that ended it; 124 when its "
                 "time was up, 137 when its memory was; when it could not be started that of the step that failed, 203 "
                 "for a program that cannot be executed, and the reason on standard error. With --json the last line "
                 "of output is a report: reason, times, memory, processor time.",
        .options = run_options, .min_args = 1, .max_args = -1, .complete = COMPLETE_FILES, .command = true,
        .run = run_run,
};
