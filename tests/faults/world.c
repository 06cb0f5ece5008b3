/* world.c - see faults.h: a boot, a crash, a reload, a command, full log files, an end. */
#include "faults.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

const char *const verdict_names[VERDICT_COUNT] = {
        "missed", "unnoticed", "reported", "said", "again", "refused", "WRONG",
};

enum { PATIENCE_MS = 60000, BOOT_MS = 2500 };

static const struct { const char *name, *text; } files[] = {
        { "units/root.supervisor", "[Supervisor]\nMaxRestarts=1000000\n" },
        { "units/plain.service", "[Service]\nRestartSec=0\nExecStart=/bin/sh -c 'echo here; exec /bin/sleep 1000'\n" },
        { "units/rich.service", "[Service]\nType=notify\nRestartSec=0\nExecStartPre=/bin/true\nExecStopPost=/bin/true\n"
          "RuntimeDirectory=coppice-faults\nEnvironmentFile=%s/env\nMailbox=yes\nMemoryMax=64M\nTasksMax=30\nLimitNOFILE=64\n"
          "ExecStart=%s/tests/programs/tell READY=1 STATUS=up -- /bin/sleep 1000\n" },
        { "units/talker.service", "[Service]\nRestartSec=0\nLogMaxSize=2K\nLogMaxFiles=2\nExecStart=/bin/sh -c 'for i in 1 2 3 4 5 6 7 8 9; "
          "do for k in 1 2 3 4 5 6 7 8 9; do echo $i $k this is one of many lines that are all alike; done; done; exec /bin/sleep 1000'\n" },
        { "units/boxed.service", "[Service]\nType=exec\nRestartSec=0\nUser=nobody\nPrivateTmp=yes\nProtectSystem=yes\n"
          "NoNewPrivileges=yes\nSystemCallFilter=~keyctl\nIsolation=best-effort\nNice=1\nExecStart=/bin/sleep 1000\n" },
        { "env", "ONE=1\n" },
};

static const struct timespec a_moment = { 0, 3000000 };

static long long now_ms(void)
{
        struct timespec t;

        (void) clock_gettime(CLOCK_MONOTONIC, &t);
        return (long long) t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

bool wrong(struct world *w, const char *format, ...)
{
        va_list ap;

        va_start(ap, format);
        (void) vsnprintf(w->why, sizeof(w->why), format, ap);
        va_end(ap);
        return false;
}

bool until(struct world *w, bool (*holds)(struct world *w, void *arg), void *arg)
{
        const long long deadline = now_ms() + PATIENCE_MS;

        while (!holds(w, arg)) {
                if (w->trace->ended || w->trace->broken[0] || now_ms() > deadline)
                        return false;
                (void) ppoll(NULL, 0, &a_moment, NULL);
        }
        return true;
}

/* --- files ------------------------------------------------------------------------------------------------------- */

static bool put_file(const struct world *w, const char *name, const char *text)
{
        char path[128];
        FILE *f;

        (void) snprintf(path, sizeof(path), "%s/%s", w->dir, name);
        f = fopen(path, "we");
        if (!f)
                return false;
        for (const char *build = NULL; *text; text++)
                if (text[0] == '%' && text[1] == 's') { /* the first is the directory, what is left the programs */
                        build = strncmp(text, "%s/env", 6) == 0 ? w->dir : w->build;
                        (void) fputs(build, f);
                        text++;
                } else {
                        (void) fputc(*text, f);
                }
        return fclose(f) == 0;
}

static bool lay_out(const struct world *w)
{
        static const char *const dirs[] = { "/units", "/run", "/logs", "/state" };
        char path[128];

        for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++) {
                (void) snprintf(path, sizeof(path), "%s%s", w->dir, dirs[i]);
                if (mkdir(path, 0755) < 0)
                        return false;
        }
        for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
                if (!put_file(w, files[i].name, files[i].text))
                        return false;
        return true;
}

/* Does a file of the run hold this text? */
static bool file_has(const struct world *w, const char *name, const char *text)
{
        static char bytes[1 << 20];
        char path[128];
        size_t n;
        FILE *f;

        (void) snprintf(path, sizeof(path), "%s/%s", w->dir, name);
        f = fopen(path, "re");
        if (!f)
                return false;
        n = fread(bytes, 1, sizeof(bytes) - 1, f);
        (void) fclose(f);
        bytes[n] = '\0';
        for (size_t i = 0; i < n; i++)
                if (!bytes[i])
                        bytes[i] = '?';
        return *text ? strstr(bytes, text) != NULL : n > 0;
}

/* --- asking ------------------------------------------------------------------------------------------------------ */

/* coppicectl's answer into text; its exit status. What it complains of goes into the file "said". */
static int ctl(const struct world *w, const char *what, char *text, size_t size)
{
        char command[600];
        size_t n;
        int status;
        FILE *f;

        (void) snprintf(command, sizeof(command), "timeout -k 1 15 %s/coppicectl --socket %s/run/control --timeout 10s %s 2>>%s/said </dev/null",
                        w->build, w->dir, what, w->dir);
        f = popen(command, "re");
        if (!f)
                return -1;
        n = fread(text, 1, size - 1, f);
        text[n] = '\0';
        while (!feof(f) && !ferror(f)) {
                char more[256];

                (void) !fread(more, 1, sizeof(more), f);
        }
        status = pclose(f);
        return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void look_at(struct wanted *k, const json_t *n)
{
        const char *path = json_string_value(json_object_get(n, "path")), *state = json_string_value(json_object_get(n, "state")),
                   *type = json_string_value(json_object_get(n, "type"));

        if (!path || !state || !type || strcmp(type, "service") != 0 || strcmp(state, "running") != 0)
                return;
        k->running++;
        if (strcmp(path, k->name) == 0)
                k->pid = (int) json_integer_value(json_object_get(n, "main_pid"));
}

static void ask(const struct world *w, struct wanted *k)
{
        static char text[1 << 16];
        json_t *all;

        k->running = k->pid = 0;
        if (ctl(w, "list --json", text, sizeof(text)) != 0)
                return;
        all = json_loads(text, 0, NULL);
        for (size_t i = 0; i < json_array_size(all); i++)
                look_at(k, json_array_get(all, i));
        json_decref(all);
}

bool runs_again(struct world *w, void *arg)
{
        struct wanted *k = arg;

        ask(w, k);
        return k->pid > 0 && k->pid != k->other_than && k->running >= SERVICES;
}

struct order {
        const char *what;
        char text[4096];
};

static bool is_done(struct world *w, void *arg)
{
        struct order *o = arg;

        return ctl(w, o->what, o->text, sizeof(o->text)) == 0;
}

static bool do_until_done(struct world *w, const char *what)
{
        struct order o = { .what = what };

        return until(w, is_done, &o) || wrong(w, "`%s` is never done", what);
}

/* --- the life of a daemon -------------------------------------------------------------------------------------------- */

/* What could not be read at the start must have been told of, and is there when it is asked for again. */
static bool all_run(struct world *w, struct wanted *plain)
{
        const long long deadline = now_ms() + BOOT_MS;

        while (!w->trace->ended && now_ms() < deadline)
                if (runs_again(w, plain))
                        return true;
                else
                        (void) ppoll(NULL, 0, &a_moment, NULL);
        if (w->trace->ended)
                return false;
        if (!file_has(w, "output", strerror(w->trace->error))) /* it may only be slow */
                return until(w, runs_again, plain) ||
                       wrong(w, "after the start %d services run, and nobody was told why", plain->running);
        w->again = true;
        return do_until_done(w, "daemon-reload") && do_until_done(w, "start plain rich talker boxed") &&
               (until(w, runs_again, plain) || wrong(w, "after the start %d services run", plain->running));
}

/* A file beside the programs of PROGRAM_NEXT_MEMORY: see memory.c. */
static void point_file(const struct world *w, const char *from, const char *to)
{
        char path[2][300];

        (void) snprintf(path[0], sizeof(path[0]), "%s/%s", w->daemon, from ? from : to);
        (void) snprintf(path[1], sizeof(path[1]), "%s/%s", w->daemon, to);
        if (from)
                (void) rename(path[0], path[1]);
        else
                (void) close(open(path[1], O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
}

static bool has_another(struct world *w, void *arg)
{
        const int *last = arg;
        int engine = engine_of(w);

        return engine > 0 && engine != *last;
}

/* PROGRAM_NEXT: the engine is killed, and no service notices. */
static bool taken_over(struct world *w)
{
        static const char *const names[SERVICES] = { "/plain", "/rich", "/talker", "/boxed" };
        const enum program program = w->trace->program;
        int before[SERVICES], last;
        struct wanted k;

        if (program != PROGRAM_NEXT && program != PROGRAM_NEXT_MEMORY)
                return true;
        for (int i = 0; (last = engine_of(w)) == 0 && i < 1000; i++) /* the kernel's list is short while others end */
                (void) ppoll(NULL, 0, &a_moment, NULL);
        for (int i = 0; i < SERVICES; i++) {
                k = (struct wanted) { .name = names[i] };
                ask(w, &k);
                before[i] = k.pid;
        }
        if (program == PROGRAM_NEXT_MEMORY)
                point_file(w, "point.later", "point");
        if (last <= 1 || kill(last, SIGKILL) < 0 || !until(w, has_another, &last) || !do_until_done(w, "version"))
                return wrong(w, "no other engine has come");
        for (int i = 0; i < SERVICES; i++) {
                k = (struct wanted) { .name = names[i] };
                if (!until(w, runs_again, &k) || k.pid != before[i])
                        return wrong(w, "%s had process %d and has %d when another engine has taken over", names[i], before[i], k.pid);
        }
        w->trace->over = true;
        if (program == PROGRAM_NEXT_MEMORY)
                point_file(w, NULL, "point.over");
        return true;
}

static bool live(struct world *w)
{
        struct wanted plain = { .name = "/plain" };

        if (!all_run(w, &plain) || !taken_over(w))
                return false;
        plain.other_than = plain.pid;
        if (plain.pid <= 1 || kill(plain.pid, SIGKILL) < 0)
                return wrong(w, "its process %d cannot be killed", plain.pid);
        if (!until(w, runs_again, &plain))
                return wrong(w, "it is not started again when it has been killed: %d run, its process is %d", plain.running, plain.pid);
        if (!put_file(w, "units/late.service", "[Service]\nRestartSec=0\nRestart=permanent\nExecStart=/bin/sleep 1000\n"))
                return wrong(w, "no unit can be written");
        return do_until_done(w, "daemon-reload") && do_until_done(w, "start late") && do_until_done(w, "run -- /bin/true") &&
               do_until_done(w, "logs talker") && do_until_done(w, "send rich hello") && do_until_done(w, "status late --json") && do_until_done(w, "stop late") &&
               check_rights(w) && check_family(w);
}

static bool has_ended(struct world *w, void *arg)
{
        (void) arg;
        return w->trace->ended;
}

/* The sanitizers' words, and those of our own about an end that nobody wished for. */
static bool said_nothing_bad(struct world *w)
{
        const bool gave_up = w->trace->program == PROGRAM_ENGINE_MEMORY && file_has(w, "output", "error: out of memory") &&
                             file_has(w, "output", "(ABRT)"); /* where nothing sensible can be done: the next engine goes on */

        const bool next = w->trace->program == PROGRAM_NEXT || w->trace->program == PROGRAM_NEXT_MEMORY;
        static const char *const bad[] = {
                "AddressSanitizer", "LeakSanitizer: detected", "runtime error:", "init crashed", "Assertion", "stack smashing", "is still there",
                "makes no sense", "beginning anew", "(SEGV)", "(BUS)", "(FPE)",
                "the engine was killed", "the engine ended", /* where one is killed, another may say that it cannot take over */
        };
        const size_t count = sizeof(bad) / sizeof(bad[0]) - (next ? 2 : 0);

        for (size_t i = 0; i < count; i++)
                if (file_has(w, "output", bad[i]) && !(gave_up && strcmp(bad[i], "the engine was killed") == 0))
                        return wrong(w, "its output has \"%s\"", bad[i]);
        return true;
}

static enum verdict judge_refusal(struct world *w)
{
        const int status = w->trace->status;

        if (!WIFEXITED(status) || WEXITSTATUS(status) == 0 || w->trace->left)
                (void) wrong(w, "it did not start: status %x, %u processes left", (unsigned) status, w->trace->left);
        else if (!file_has(w, "output", ""))
                (void) wrong(w, "it ended with %d and without a word", WEXITSTATUS(status));
        else if (said_nothing_bad(w))
                return VERDICT_REFUSED;
        return VERDICT_WRONG;
}

static bool end(struct world *w)
{
        w->ending = !w->trace->target_ended;
        if (w->trace->init > 1)
                (void) kill(w->trace->init, SIGTERM);
        if (!until(w, has_ended, NULL))
                return w->trace->ended || wrong(w, "it does not end");
        return true;
}

/* The log writer may give up while it starts, when it says so: another one takes over. At the end it may be killed once it has
 * said that all is written. */
static bool ended_well(const struct world *w)
{
        const struct trace *t = w->trace;

        if (t->program == PROGRAM_NEXT && WIFSIGNALED(t->target_status))
                return WTERMSIG(t->target_status) == SIGABRT && file_has(w, "output", "error: out of memory");
        if (t->program != PROGRAM_LOGD && t->program != PROGRAM_LOGD_MEMORY && t->program != PROGRAM_NEXT)
                return t->program == PROGRAM_INIT || t->target_status == 0;
        if (WIFSIGNALED(t->target_status))
                return w->ending && WTERMSIG(t->target_status) == SIGKILL;
        if (file_has(w, "output", "LeakSanitizer does not work under ptrace")) /* it has no environment that would say so */
                return true;
        return WEXITSTATUS(t->target_status) == 0 || file_has(w, "output", strerror(t->error)) ||
               (t->error == ENOMEM && file_has(w, "output", "out of memory"));
}

static enum verdict judge(struct world *w)
{
        const struct trace *t = w->trace;

        if (t->status != 0 || t->left) {
                (void) wrong(w, "it ended with status %x, %u processes left", (unsigned) t->status, t->left);
                return VERDICT_WRONG;
        }
        if (t->target_ended && !ended_well(w)) {
                (void) wrong(w, "the %s ended with status %x", program_names[t->program], (unsigned) t->target_status);
                return VERDICT_WRONG;
        }
        if (!said_nothing_bad(w))
                return VERDICT_WRONG;
        if (t->wanted.call >= 0 && !t->hit)
                return VERDICT_MISSED;
        if (w->again)
                return VERDICT_AGAIN;
        if (file_has(w, "output", strerror(t->error)) || (t->error == ENOMEM && file_has(w, "output", "memory")) || file_has(w, "said", strerror(t->error)))
                return VERDICT_REPORTED;
        return file_has(w, "output", "warning: ") || file_has(w, "output", "error: ") ? VERDICT_SAID : VERDICT_UNNOTICED;
}

static pid_t start_tracing(struct world *w)
{
        char program[200], units[100], run[100], logs[100], state[100], output[100];
        char *argv[] = { program, (char[]) { "--units" }, units, (char[]) { "--runtime-dir" }, run, (char[]) { "--log-dir" }, logs,
                         (char[]) { "--state-dir" }, state, NULL };
        pid_t pid = fork();

        if (pid != 0)
                return pid;
        (void) snprintf(program, sizeof(program), "%s/coppiced", w->daemon);
        (void) snprintf(units, sizeof(units), "%s/units", w->dir);
        (void) snprintf(run, sizeof(run), "%s/run", w->dir);
        (void) snprintf(logs, sizeof(logs), "%s/logs", w->dir);
        (void) snprintf(state, sizeof(state), "%s/state", w->dir);
        (void) snprintf(output, sizeof(output), "%s/output", w->dir);
        trace_run(w->trace, argv, output);
        _exit(0);
}

enum verdict world_run(struct world *w)
{
        enum verdict v = VERDICT_WRONG;
        pid_t tracer;
        bool lived;

        w->why[0] = '\0';
        w->again = false;
        if (!lay_out(w) || (tracer = start_tracing(w)) < 0) {
                (void) wrong(w, "no room for the run: %s", strerror(errno));
                return VERDICT_WRONG;
        }
        lived = live(w);
        if (lived && end(w))
                v = VERDICT_COUNT;
        if (!w->trace->ended && v == VERDICT_WRONG)
                (void) kill(tracer, SIGKILL); /* and all that is traced */
        (void) waitpid(tracer, NULL, 0);
        if (w->trace->broken[0]) {
                (void) wrong(w, "tracing: %s", w->trace->broken);
                return VERDICT_WRONG;
        }
        if (w->trace->ended && !lived)
                return judge_refusal(w);
        return v == VERDICT_COUNT ? judge(w) : v;
}
