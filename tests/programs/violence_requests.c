/* violence_requests.c - see violence.c: the engine is killed while somebody asks it for something.
 *
 * Whoever was told that it is done may rely on it; who was told nothing may find it done or not begun, never half. Each
 * request is asked for with the engine killed one system call later than before, until all of it fits; in between it is
 * taken back. Of what it is not about nothing may have changed. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/programs/violence.h"

enum effect { GOES_DOWN, COMES_UP, IS_RENEWED, APPEARS };
enum shape { NEITHER, BEFORE, AFTER };

/* Shell commands; $ctl and $units are set. */
static const struct request {
        const char *name, *subject; /* a service, or a supervisor with all below it */
        enum effect effect;
        const char *prepare, *ask, *undo;
} table[] = {
        { "stop", "/plain", GOES_DOWN, ":", "$ctl stop /plain", "$ctl start /plain" },
        { "start", "/notify", COMES_UP, "$ctl stop /notify", "$ctl start /notify", ":" },
        { "restart", "/before", IS_RENEWED, ":", "$ctl restart /before", ":" },
        { "stop of a branch", "/pair", GOES_DOWN, ":", "$ctl stop /pair", "$ctl start /pair" },
        { "start of a branch", "/pair", COMES_UP, "$ctl stop /pair", "$ctl start /pair", ":" },
        { "spawn", "/transient/extra", APPEARS, ":", "$ctl spawn --name extra -- /bin/sleep 1000",
          "$ctl stop /transient/extra" },
        { "reload", "/added", APPEARS, "printf '[Service]\\nExecStart=/bin/sleep 1000\\n' >$units/added.service",
          "$ctl daemon-reload", "rm $units/added.service; $ctl daemon-reload" },
};

static pid_t shell(const char *command, bool quiet)
{
        pid_t pid = fork();

        if (pid == 0) {
                if (quiet && !freopen("/dev/null", "w", stderr))
                        _exit(126);
                if (!freopen("/dev/null", "w", stdout))
                        _exit(126);
                (void) execl("/bin/sh", "sh", "-c", command, (char *) NULL);
                _exit(127);
        }
        return pid;
}

static int ended(pid_t pid)
{
        int status = -1;

        while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
                ;
        return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

static bool concerns(const struct request *r, const char *path)
{
        const size_t n = strlen(r->subject);

        return strncmp(path, r->subject, n) == 0 && (path[n] == '\0' || path[n] == '/');
}

static const struct service *find(const struct look *l, const char *path)
{
        for (int i = 0; i < l->count; i++)
                if (strcmp(l->list[i].path, path) == 0)
                        return &l->list[i];
        return NULL;
}

/* Nothing is half: what runs has one process, what does not has none. */
static bool whole(const struct service *s)
{
        const int processes = v.cgroup[0] ? processes_in(s->path) : -1;

        if (s->running)
                return kill(s->pid, 0) == 0 && (!v.cgroup[0] || processes == 1);
        return processes <= 0;
}

static enum shape shape_of(const struct request *r, const struct service *before, const struct service *now)
{
        const bool same = before && now->running && before->running && now->pid == before->pid;

        if (!whole(now))
                return NEITHER;
        switch (r->effect) {
        case GOES_DOWN:
                return same ? BEFORE : now->running ? NEITHER : AFTER;
        case COMES_UP: case APPEARS:
                return now->running ? AFTER : BEFORE;
        case IS_RENEWED:
                return same ? BEFORE : now->running ? AFTER : NEITHER;
        }
        return NEITHER;
}

/* All of the subject before or all of it after, and nothing else changed. */
static enum shape shape(const struct request *r, const struct look *before, const struct look *now, char why[400])
{
        enum shape all = NEITHER;
        int others = 0, concerned = 0;

        for (int i = 0; i < before->count; i++)
                others += !concerns(r, before->list[i].path);
        for (int i = 0; i < now->count; i++) {
                const struct service *s = &now->list[i], *was = find(before, s->path);
                const char *what = concerns(r, s->path) ? NULL : was ? differs(was, s) : "is new";
                enum shape one = concerns(r, s->path) ? shape_of(r, was, s) : all;

                (void) snprintf(why, 400, "%s %s", s->path, what ? what : "is neither as before nor as after");
                others -= !concerns(r, s->path);
                if (what || (concerned > 0 && one != all))
                        return NEITHER;
                concerned += concerns(r, s->path);
                all = one;
        }
        (void) snprintf(why, 400, "%d services are not there", others);
        return others != 0 ? NEITHER : concerned > 0 ? all : BEFORE;
}

/* Waits until it is one of the two, and the one that was promised if any was. */
static enum shape comes_to(const struct request *r, const struct look *before, bool promised)
{
        const long long deadline = now_ms() + PATIENCE_MS;
        char why[400] = "nobody answers";
        struct look now;

        while (now_ms() < deadline) {
                enum shape s = look(&now) ? shape(r, before, &now, why) : NEITHER;

                if (s == AFTER || (s == BEFORE && !promised))
                        return s;
                if (s == BEFORE)
                        (void) snprintf(why, sizeof(why), "it was told to be done, and is not");
                wait_usec(1000);
        }
        printf("# %s, after %u kills: %s\n", r->name, v.kills, why);
        return NEITHER;
}

struct asking {
        const char *command;
        pid_t pid;
};

static void ask(void *arg)
{
        struct asking *a = arg;

        a->pid = v.asks = shell(a->command, true);
}

static bool done(const char *command)
{
        int status = ended(shell(command, false));

        if (status != 0)
                printf("# exit status %d: %s\n", status, command);
        return status == 0;
}

/* One kill. *ret_rest: the request was over before its turn came. False when something is wrong. */
static bool once(const struct request *r, unsigned n, bool *ret_rest, unsigned *told)
{
        struct asking a = { r->ask, -1 };
        struct look before;
        enum shape s;
        int killed, status;

        if (!done(r->prepare) || !look(&before))
                return false;
        killed = kill_after(wait_for_engine(), n, ask, &a);
        status = a.pid > 0 ? ended(a.pid) : 128;
        v.asks = 0;
        if (killed < 0) {
                printf("# the engine cannot be traced: %s\n", strerror(errno));
                return false;
        }
        *ret_rest = killed == 0;
        *told += status == 0;
        s = comes_to(r, &before, status == 0);
        return s != NEITHER && (s == BEFORE || done(r->undo)) &&
               (r->effect != COMES_UP || s == AFTER || done(r->ask));
}

static bool each_step(const struct request *r, unsigned stride)
{
        const unsigned kills = v.kills;
        unsigned n = 1, told = 0;
        bool rest = false;

        for (unsigned rests = 0; rests < 2; n += stride) {
                if (!once(r, n, &rest, &told)) {
                        printf("# %s, the engine killed at system call %u\n", r->name, n);
                        return false;
                }
                rests += rest;
        }
        printf("# %s: %u kills, %u times told that it is done\n", r->name, v.kills - kills, told);
        (void) fflush(stdout);
        return true;
}

int requests(const char *units, unsigned stride)
{
        if (setenv("ctl", v.ctl, 1) < 0 || setenv("units", units, 1) < 0)
                return 2;
        for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
                if (!each_step(&table[i], stride > 0 ? stride : 1))
                        return 1;
        printf("# %u kills\n", v.kills);
        return 0;
}

int during(const char *command, unsigned n)
{
        struct asking a = { command, -1 };
        int killed = kill_after(wait_for_engine(), n, ask, &a), status = a.pid > 0 ? ended(a.pid) : 128;

        if (killed < 0)
                printf("# the engine cannot be traced: %s\n", strerror(errno));
        if (status != 0)
                printf("# exit status %d, the engine killed at system call %u: %s\n", status, n, command);
        return killed < 0 || status != 0 ? 1 : killed ? 0 : 3;
}
