/* spawn.c - what a start by way of init costs an engine that has grown, against forking from it.
 *
 *     make tests/bench/spawn && tests/bench/spawn [ROUNDS [MIB]]
 *
 * A real coppiced is started in a temporary directory with this program as its engine. It starts a program that does
 * nothing ROUNDS times (default 1000) each way in turn, then touches MIB (default 100) of memory and does so again. The
 * time of one is from the request until its exit is known. By init it must stay what it was. Not part of
 * `make check`. */
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/plan.h"
#include "os/initlink.h"

#define NOTHING "tests/programs/nothing"

static _Noreturn void die(const char *what)
{
        perror(what);
        exit(EXIT_FAILURE);
}

static double now_us(void)
{
        struct timespec t;

        (void) clock_gettime(CLOCK_MONOTONIC, &t);
        return (double) t.tv_sec * 1e6 + (double) t.tv_nsec / 1e3;
}

/* --- the three ways ---------------------------------------------------------------------------------------------- */

static void add(struct buf *plan, enum plan_op op, int64_t a, const void *text, size_t len)
{
        static const char zeros[8];
        const size_t pad = (8 - len % 8) % 8;
        const struct plan_step s = { .size = (uint32_t) (sizeof s + len + pad), .text_len = (uint32_t) len, .op = (uint16_t) op,
                                     .stage = (uint16_t) plan_rows[op].stage, .a = a };
        struct plan_head *head;

        buf_add(plan, &s, sizeof s);
        if (len)
                buf_add(plan, text, len);
        buf_add(plan, zeros, pad);
        head = (void *) plan->data;
        head->size = (uint32_t) plan->len;
        head->steps++;
}

/* About what core/plan.c makes of a unit with nothing but ExecStart=. */
static void make_plan(struct buf *plan, const char *program)
{
        const struct plan_head head = { .magic = PLAN_MAGIC };
        const struct plan_place places[] = { { 0, PLAN_SOURCE_SLOT(0) }, { 1, PLAN_SOURCE_OWN(1) }, { 2, PLAN_SOURCE_OWN(2) } };
        char words[PATH_MAX * 2];
        const size_t n = strlen(program) + 1;

        memcpy(words, program, n); /* the file, then argv[0] */
        memcpy(words + n, program, n);
        buf_add(plan, &head, sizeof head);
        add(plan, PLAN_SESSION, 0, NULL, 0);
        add(plan, PLAN_SIGNALS, 0, NULL, 0);
        add(plan, PLAN_UNDUMPABLE, 0, NULL, 0);
        add(plan, PLAN_UMASK, 022, NULL, 0);
        add(plan, PLAN_OPEN, 0, "/dev/null", sizeof "/dev/null");
        add(plan, PLAN_PLACE, 0, places, sizeof places);
        add(plan, PLAN_CHDIR, 0, "/", 2);
        add(plan, PLAN_CAPS, 0, NULL, 0);
        add(plan, PLAN_DEATHSIG, 9, NULL, 0);
        add(plan, PLAN_ENV, 0, "PATH=" PLAN_PATH, sizeof "PATH=" PLAN_PATH);
        add(plan, PLAN_EXEC, 0, words, n * 2);
        if (buf_failed(plan))
                die("make a plan");
}

static void await_exit(struct initlink *l)
{
        struct pollfd p = { .fd = initlink_fd(l), .events = POLLIN };
        struct initlink_msg m;

        for (;;) {
                const int r = initlink_receive(l, &m);

                if (r == 0)
                        (void) poll(&p, 1, -1);
                else if (r < 0 || m.kind == INIT_SPAWN_FAILED)
                        die("talk to init");
                else if (m.kind == INIT_EXITED)
                        return;
        }
}

static double by_init(struct initlink *l, const struct buf *plan)
{
        const double start = now_us();

        if (initlink_spawn(l, 1, plan->data, plan->len, NULL, 0, -1, NULL) < 0)
                die("ask init");
        await_exit(l);
        return now_us() - start;
}

static double by_fork(const char *program, bool share)
{
        const double start = now_us();
        const pid_t pid = share ? vfork() : fork();

        if (pid == 0) {
                (void) execl(program, program, (char *) NULL);
                _exit(127);
        }
        if (pid < 0 || waitpid(pid, NULL, 0) != pid)
                die("fork");
        return now_us() - start;
}

/* --- the engine -------------------------------------------------------------------------------------------------- */

static int compare(const void *a, const void *b)
{
        const double x = *(const double *) a, y = *(const double *) b;

        return (x > y) - (x < y);
}

static double quantile(double *v, size_t n, size_t percent)
{
        qsort(v, n, sizeof *v, compare);
        return v[n * percent / 100];
}

static void measure(struct initlink *l, const struct buf *plan, const char *program, size_t rounds, size_t mib)
{
        autofree double *init = calloc(rounds, sizeof *init), *plain = calloc(rounds, sizeof *plain),
                        *shared = calloc(rounds, sizeof *shared);

        if (!init || !plain || !shared)
                die("get memory");
        for (size_t i = 0; i < rounds; i++) {
                init[i] = by_init(l, plan);
                plain[i] = by_fork(program, false);
                shared[i] = by_fork(program, true);
        }
        printf("engine + %3zu MiB: by init %4.0f us (p10 %4.0f, p99 %4.0f)   fork %4.0f us   vfork %4.0f us\n", mib,
               quantile(init, rounds, 50), quantile(init, rounds, 10), quantile(init, rounds, 99),
               quantile(plain, rounds, 50), quantile(shared, rounds, 50));
        (void) fflush(stdout);
}

static int engine(size_t rounds, size_t mib)
{
        struct buf plan = BUF_INIT;
        char program[PATH_MAX];
        struct initlink *l;
        char *grown;

        if (!realpath(NOTHING, program))
                die(NOTHING);
        if (initlink_open(INIT_ENGINE_FD, &l, NULL) < 0)
                die("talk to init");
        make_plan(&plan, program);
        (void) by_init(l, &plan);
        measure(l, &plan, program, rounds, 0);
        grown = malloc(mib << 20);
        if (!grown)
                die("grow");
        for (size_t i = 0; i < mib << 20; i += 4096)
                grown[i] = (char) i;
        measure(l, &plan, program, rounds, mib);
        (void) initlink_goodbye(l, 0, INIT_END_EXIT);
        free(grown);
        buf_free(&plan);
        return EXIT_SUCCESS;
}

/* --- the start --------------------------------------------------------------------------------------------------- */

/* coppiced looks for its engine beside itself. */
static void link_there(const char *dir, const char *program, const char *name, char path[PATH_MAX])
{
        char real[PATH_MAX];

        (void) snprintf(path, PATH_MAX, "%s/%s", dir, name);
        if (!realpath(program, real) || link(real, path) < 0)
                die(path);
}

int main(int argc, char *argv[])
{
        char dir[] = "spawn-bench.XXXXXX", init[PATH_MAX], self[PATH_MAX];
        const char *slash = strrchr(argv[0], '/');
        pid_t pid;

        if (strcmp(slash ? slash + 1 : argv[0], "coppice-engine") == 0)
                return engine(argc > 1 ? strtoul(argv[1], NULL, 10) : 1000, argc > 2 ? strtoul(argv[2], NULL, 10) : 100);
        if (!mkdtemp(dir))
                die(dir);
        link_there(dir, "coppiced", "coppiced", init);
        link_there(dir, "/proc/self/exe", "coppice-engine", self);
        argv[0] = init;
        pid = fork();
        if (pid == 0) {
                (void) execv(init, argv);
                die(init);
        }
        if (pid < 0 || waitpid(pid, NULL, 0) != pid)
                die("wait for coppiced");
        (void) unlink(init);
        (void) unlink(self);
        return rmdir(dir) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
