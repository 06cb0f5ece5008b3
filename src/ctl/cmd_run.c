/* cmd_run.c - run and spawn: a command as a service that no file describes, with us or in the background. */
#include <signal.h>
#include <string.h>
#include <sys/stat.h>

#include "base/json.h"
#include "base/plan.h"
#include "base/utf8.h"
#include "core/reason.h"
#include "core/words.h"
#include "ctl/attach.h"
#include "ctl/local.h"

/* --- what is asked for ------------------------------------------------------------------------------------------------ */

struct transient {
        struct ctl *c;
        struct buf properties;    /* a JSON list, not closed */
        struct json list;
};

static void add_property(struct transient *t, const char *key, const char *value)
{
        autobuf struct buf text = BUF_INIT;

        buf_addf(&text, "%s=%s", key, value);
        json_str(&t->list, NULL, buf_text(&text));
}

/* Not a specifier: what the shell gave us is meant as it is. */
static void add_literal(struct transient *t, const char *key, const char *before, const char *value)
{
        autobuf struct buf text = BUF_INIT;

        buf_adds(&text, before);
        for (const char *p = value; *p; p++)
                buf_adds(&text, *p == '%' ? "%%" : (char[]) { *p, 0 });
        add_property(t, key, buf_text(&text));
}

/* "NAME=VALUE", or "NAME" for the value it has here. */
static void add_variable(struct transient *t, const char *arg)
{
        autobuf struct buf both = BUF_INIT, quoted = BUF_INIT;
        const char *value = getenv(arg);

        if (!strchr(arg, '=') && !value)
                return; /* unset here, unset there */
        buf_adds(&both, arg);
        if (!strchr(arg, '='))
                buf_addf(&both, "=%s", value);
        words_quote(buf_text(&both), true, &quoted);
        add_property(t, "Environment", buf_text(&quoted));
}

static bool says(const struct ctl *c, const char *key)
{
        size_t n = strlen(key);

        for (size_t i = 0; i < c->given_count; i++)
                if (strcmp(c->given[i].option->name, "property") == 0 && strncmp(c->given[i].arg, key, n) == 0 &&
                    c->given[i].arg[n + strspn(c->given[i].arg + n, " \t")] == '=')
                        return true;
        return false;
}

static const struct {
        const char *option, *key;
} short_forms[] = {
        { "timeout", "RuntimeMaxSec" }, { "memory-max", "MemoryMax" }, { "cpu-quota", "CPUQuota" },
        { "tasks-max", "TasksMax" },    { "user", "User" },
};

/* The properties first, as they were given: errors name them by their position. */
static void add_options(struct transient *t)
{
        for (size_t i = 0; i < t->c->given_count; i++)
                if (strcmp(t->c->given[i].option->name, "property") == 0)
                        json_str(&t->list, NULL, t->c->given[i].arg);
        for (size_t i = 0; i < t->c->given_count; i++) {
                const char *name = t->c->given[i].option->name, *arg = t->c->given[i].arg;

                if (strcmp(name, "setenv") == 0)
                        add_variable(t, arg);
                for (size_t k = 0; k < ARRAY_LEN(short_forms); k++)
                        if (strcmp(name, short_forms[k].option) == 0)
                                add_property(t, short_forms[k].key, arg);
        }
}

static void add_directory(struct transient *t)
{
        const char *asked = ctl_option(t->c, "working-directory");
        autofree char *here = asked ? NULL : getcwd(NULL, 0);

        if (says(t->c, "WorkingDirectory"))
                return;
        if (asked)
                add_literal(t, "WorkingDirectory", "", asked);
        else if (here && here[0] == '/' && !strpbrk(here, "\n\r") && !says(t->c, "RootDirectory"))
                add_literal(t, "WorkingDirectory", "-", here);
}

/* --- the command -------------------------------------------------------------------------------------------------------- */

/* The program by the caller's $PATH, as a shell would find it. What is not found stays as it is: the start says so.
 * In another root directory our path means nothing. */
static char *find_program(const struct ctl *c, const char *name)
{
        const char *path = getenv("PATH");
        autofree char *here = NULL;
        char *found = NULL;

        if (name[0] == '/' || says(c, "RootDirectory"))
                return strdup(name);
        if (strchr(name, '/')) {
                here = getcwd(NULL, 0);
                return asprintf(&found, "%s/%s", here ? here : "", name) < 0 ? NULL : found;
        }
        for (const char *p = path ? path : PLAN_PATH; *p; p += strspn(p, ":")) {
                int n = (int) strcspn(p, ":");
                struct stat st;

                if (n > 0 && *p == '/' && asprintf(&found, "%.*s/%s", n, p, name) > 0 && access(found, X_OK) == 0 &&
                    stat(found, &st) == 0 && S_ISREG(st.st_mode))
                        return found;
                free(ptr_steal(found));
                p += n;
        }
        return strdup(name);
}

static bool is_utf8(const char *text)
{
        for (size_t left = strlen(text), n; left > 0; text += n, left -= n) {
                n = utf8_length(text, left);
                if (n == 0)
                        return false;
        }
        return true;
}

/* Words that JSON cannot carry go as the text of ExecStart=, where any byte has an escape. */
static void add_as_text(struct transient *t, const char *program)
{
        autobuf struct buf text = BUF_INIT, first = BUF_INIT;

        buf_addf(&first, "@:%s", program);
        words_quote(buf_text(&first), true, &text);
        for (int i = 0; i < t->c->argc; i++) {
                buf_addc(&text, ' ');
                words_quote(i ? t->c->argv[i] : program, true, &text);
        }
        add_property(t, "ExecStart", buf_text(&text));
}

static int add_command(struct transient *t, struct json *j)
{
        autofree char *program = find_program(t->c, t->c->argv[0]);
        bool plain = program && is_utf8(program);

        if (!program)
                return ctl_error(CTL_FAILED, "out of memory");
        for (int i = 1; i < t->c->argc; i++)
                plain = plain && is_utf8(t->c->argv[i]);
        if (!plain) {
                add_as_text(t, program);
                return CTL_OK;
        }
        json_open(j, "command", '[');
        for (int i = 0; i < t->c->argc; i++)
                json_str(j, NULL, i ? t->c->argv[i] : program);
        json_close(j);
        return CTL_OK;
}

/* Parameters of SpawnTransient, left open. */
static int write_params(struct ctl *c, struct json *j, bool terminal)
{
        struct transient t = { .c = c };
        const char *term = getenv("TERM");
        int r;

        json_open(j, NULL, '{');
        if (ctl_option(c, "name"))
                json_str(j, "name", ctl_option(c, "name"));
        if (ctl_option(c, "supervisor"))
                json_str(j, "supervisor", ctl_option(c, "supervisor"));
        t.list = json_start(&t.properties);
        json_open(&t.list, NULL, '[');
        add_options(&t);
        add_directory(&t);
        if (terminal && term)
                add_variable(&t, "TERM");
        r = add_command(&t, j);
        json_close(&t.list);
        json_raw(j, "properties", buf_text(&t.properties));
        buf_free(&t.properties);
        return r;
}

/* --- run ------------------------------------------------------------------------------------------------------------------ */

enum { OPT_PROPERTY, OPT_NAME, OPT_SUPERVISOR, OPT_TIMEOUT, OPT_MEMORY, OPT_CPU, OPT_TASKS, OPT_USER, OPT_SETENV, OPT_DIRECTORY,
       OPT_PTY, OPT_PIPE, OPT_KEEP, OPT_LOCAL, OPT_REPORT };

#define COMMON_OPTIONS \
        [OPT_PROPERTY] = { "property", 'p', "KEY=VALUE", "Any directive of [Service] or [Unit]; may be given several times." }, \
        [OPT_NAME] = { "name", 0, "NAME", "What the node is called; run-1, run-2, ... if not given." }, \
        [OPT_SUPERVISOR] = { "supervisor", 0, "NODE", "The supervisor it hangs below; /transient if not given." }, \
        [OPT_TIMEOUT] = { "timeout", 0, "SPAN", "End it after this long, with exit status 124 (RuntimeMaxSec=)." }, \
        [OPT_MEMORY] = { "memory-max", 0, "SIZE", "Memory it may use, all its processes together (MemoryMax=)." }, \
        [OPT_CPU] = { "cpu-quota", 0, "PERCENT", "Processor time it may use, 100% being one processor (CPUQuota=)." }, \
        [OPT_TASKS] = { "tasks-max", 0, "NUMBER", "Processes and threads it may have (TasksMax=)." }, \
        [OPT_USER] = { "user", 'u', "USER", "The user it runs as (User=)." }, \
        [OPT_SETENV] = { "setenv", 'E', "NAME[=VALUE]", "An environment variable; with its value here if only a name is given." }, \
        [OPT_DIRECTORY] = { "working-directory", 'd', "DIR", "Where it runs; the present directory if not given." }

static const struct ctl_option run_options[] = {
        COMMON_OPTIONS,
        [OPT_PTY] = { "pty", 't', NULL, "Give it a terminal of its own, whatever we have." },
        [OPT_PIPE] = { "pipe", 'P', NULL, "Give it our own descriptors, also on a terminal." },
        [OPT_KEEP] = { "keep", 0, NULL, "Let it run on when coppicectl ends before it." },
        [OPT_LOCAL] = { "local", 0, NULL, "With a daemon of its own, started for this and gone afterwards." },
        [OPT_REPORT] = { "report", 0, "FILE", "Write the report of --json to a file." },
        { 0 },
};

static const struct ctl_option spawn_options[] = { COMMON_OPTIONS, { 0 } };

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
        return code == CTL_OK ? ctl_error(CTL_NO_DAEMON, "the daemon is gone, and no other one came within 10 s") : code;
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
        size_t count;

        code = attach_open(&r->attach, ctl_option(c, "pty") ? 1 : ctl_option(c, "pipe") ? 0 : -1);
        if (code == CTL_OK)
                code = write_params(c, &j, r->attach.master >= 0);
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

static int run_spawn(struct ctl *c)
{
        autobuf struct buf params = BUF_INIT;
        struct json j = json_start(&params);
        uint32_t reply;
        int r = write_params(c, &j, false);

        json_close(&j);
        if (r == CTL_OK)
                r = ctl_call(c, "SpawnTransient", buf_text(&params), false, &reply);
        if (r != CTL_OK)
                return r;
        if (c->json)
                ctl_put_json(c, reply);
        else
                buf_addf(&c->out, "%s\n", jget_text(&c->doc, reply, "node"));
        return CTL_OK;
}

const struct ctl_verb verb_run = {
        .name = "run", .args = "[--] COMMAND [ARGUMENT...]", .help = "Run a command as a service and wait for its end.",
        .prose = "It is a service like any other, made of the properties given here instead of a file: limited, sandboxed, "
                 "shown by status, tree and why while it lives, and forgotten when it has ended. It is not restarted, unless "
                 "Restart= says so.\n"
                 "Standard input, output and error are ours. On a terminal it gets a terminal of its own, with our size; "
                 "Ctrl-C and the like are its affair, and Ctrl-] three times leaves it. Else the signals INT, TERM, HUP, QUIT, "
                 "USR1 and USR2 that reach coppicectl are sent on to it. When coppicectl is ended, so is the service. Of the environment nothing "
                 "is passed on but what --setenv= names, and TERM to a terminal.\n"
                 "The exit status is that of the command; 128 and the number of the signal that ended it; 124 when its time "
                 "was up, 137 when its memory was; when it could not be started that of the step that failed, 203 for a "
                 "program that cannot be executed, and the reason on standard error. With --json the last line of output is "
                 "a report: reason, times, memory, processor time.",
        .options = run_options, .min_args = 1, .max_args = -1, .complete = COMPLETE_FILES, .command = true, .run = run_run,
};
const struct ctl_verb verb_spawn = {
        .name = "spawn", .args = "[--] COMMAND [ARGUMENT...]", .help = "Run a command as a service in the background.",
        .prose = "Prints the path of its node once it has started. What it writes is logged as of any service; await NODE "
                 "waits for its end and tells its result, also when it has ended already: the last 256 results are kept.",
        .options = spawn_options, .min_args = 1, .max_args = -1, .complete = COMPLETE_FILES, .command = true, .run = run_spawn,
};
