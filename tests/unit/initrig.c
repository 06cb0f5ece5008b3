/* initrig.c - see initrig.h. */
#include "tests/unit/initrig.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/mount.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"

static const char *build_dir(void)
{
        const char *dir = getenv("COPPICE_BUILD");

        return dir ? dir : ".";
}

static void copy_program(const struct rig *r, const char *from, const char *to)
{
        char path[512];
        struct stat st;
        int in, out;

        (void) snprintf(path, sizeof path, "%s/%s", build_dir(), from);
        in = open(path, O_RDONLY | O_CLOEXEC);
        assert_true(in >= 0);
        assert_int_equal(fstat(in, &st), 0);
        (void) snprintf(path, sizeof path, "%s/%s", r->dir, to);
        out = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0755);
        assert_true(out >= 0);
        while (st.st_size > 0) {
                ssize_t n = sendfile(out, in, NULL, (size_t) st.st_size);

                assert_true(n > 0);
                st.st_size -= n;
        }
        (void) close(in);
        (void) close(out);
}

static int listen_at(const char *path)
{
        struct sockaddr_un a = { .sun_family = AF_UNIX };
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

        (void) snprintf(a.sun_path, sizeof a.sun_path, "%.100s", path);
        assert_int_equal(bind(fd, (const struct sockaddr *) &a, sizeof a), 0);
        assert_int_equal(listen(fd, 1), 0);
        return fd;
}

static _Noreturn void become_coppiced(const struct rig *r, const struct rig_how *how, const char *sock)
{
        char self[128], tool[512], names[256] = "";
        char *argv[32];
        int n = 0;
        sigset_t set;

        (void) snprintf(self, sizeof self, "%s/coppiced", r->dir);
        if (how->without) {
                (void) snprintf(tool, sizeof tool, "%s/tests/programs/without", build_dir());
                (void) snprintf(names, sizeof names, "%s", how->without);
                argv[n++] = tool;
                argv[n++] = (char *) (uintptr_t) how->without_errno;
                for (char *save, *w = strtok_r(names, " ", &save); w; w = strtok_r(NULL, " ", &save))
                        argv[n++] = w;
                argv[n++] = (char *) (uintptr_t) "--";
        }
        argv[n++] = self;
        argv[n++] = (char *) (uintptr_t) sock;
        argv[n] = NULL;
        if (how->bad_signals) {
                (void) signal(SIGCHLD, SIG_IGN);
                (void) signal(SIGPIPE, SIG_IGN);
                (void) signal(SIGHUP, SIG_IGN);
                /* 32 and 33 too, which the C library will not touch */
                for (int sig = 32; sig <= 33; sig++) {
                        const uint64_t ignore[4] = { 1 };

                        (void) syscall(SYS_rt_sigaction, sig, ignore, NULL, sizeof(uint64_t));
                }
                (void) sigemptyset(&set);
                (void) sigaddset(&set, SIGTERM);
                (void) sigprocmask(SIG_BLOCK, &set, NULL);
        }
        if (how->no_proc && (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
                             umount2("/proc", MNT_DETACH) < 0))
                _exit(77);
        if (how->leak_fd)
                (void) dup2(1, 57);
        for (int fd = 0; how->no_fds && fd < 3; fd++)
                (void) close(fd);
        (void) execv(argv[0], argv);
        _exit(127);
}

static int accept_engine(struct rig *r, int at)
{
        union { struct cmsghdr head; char space[CMSG_SPACE(sizeof(int))]; } control;
        struct iovec iov = { &r->engine, sizeof r->engine };
        struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control,
                            .msg_controllen = sizeof control };
        struct pollfd p = { .fd = at, .events = POLLIN };
        int status, fd = -1;

        while (poll(&p, 1, 50) == 0)
                if (waitpid(r->init, &status, WNOHANG) == r->init) {
                        r->init = 0;
                        assert_int_equal(WEXITSTATUS(status), 77); /* cannot be had here: skip */
                        return -1;
                }
        r->engine_at = accept4(at, NULL, NULL, SOCK_CLOEXEC);
        assert_true(recvmsg(r->engine_at, &m, MSG_CMSG_CLOEXEC) > 0);
        memcpy(&fd, CMSG_DATA(&control.head), sizeof fd);
        return fd;
}

static struct { char dir[64]; pid_t init, engine; } running; /* of the test under way */

int rig_clean(void **state)
{
        char command[128];

        (void) state;
        if (!running.dir[0])
                return 0;
        if (running.engine > 0)
                (void) kill(running.engine, SIGKILL);
        if (running.init > 0) {
                (void) kill(running.init, SIGKILL);
                (void) waitpid(running.init, NULL, 0);
        }
        (void) snprintf(command, sizeof command, "rm -rf %s", running.dir);
        running.dir[0] = 0;
        return system(command) == 0 ? 0 : -1;
}

bool rig_start(struct rig *r, struct rig_how how)
{
        char sock[128];
        int at, fd;

        *r = (struct rig) { .engine_at = -1, .listening = -1 };
        (void) strcpy(r->dir, "/tmp/initrig.XXXXXX");
        assert_non_null(mkdtemp(r->dir));
        assert_int_equal(chmod(r->dir, 0755), 0);
        copy_program(r, "coppiced", "coppiced");
        copy_program(r, "tests/programs/stub_engine", "coppice-engine");
        copy_program(r, "tests/programs/probe", "probe");
        (void) snprintf(sock, sizeof sock, "%s/engine.sock", r->dir);
        at = listen_at(sock);
        r->init = fork();
        if (r->init == 0)
                become_coppiced(r, &how, sock);
        (void) strcpy(running.dir, r->dir);
        running.init = r->init;
        running.engine = 0;
        fd = accept_engine(r, at);
        running.engine = r->engine;
        r->listening = at;
        if (fd < 0)
                return false;
        assert_int_equal(initlink_open(fd, &r->link, NULL), 0);
        assert_int_equal(initlink_init(r->link), r->init); /* by this a later engine knows whether init has died */
        rig_expect(r, INIT_HELLO);
        return true;
}

void rig_engine_dies(struct rig *r)
{
        assert_int_equal(kill(r->engine, SIGKILL), 0);
        rig_next_engine(r);
}

void rig_next_engine(struct rig *r)
{
        int fd;

        initlink_free(r->link);
        r->link = NULL;
        (void) close(r->engine_at);
        fd = accept_engine(r, r->listening);
        assert_true(fd >= 0);
        running.engine = r->engine;
        assert_int_equal(initlink_open(fd, &r->link, NULL), 0);
        assert_int_equal(initlink_init(r->link), r->init); /* by this a later engine knows whether init has died */
}

void rig_stop(struct rig *r)
{
        char command[128];
        int status;

        initlink_free(r->link);
        if (r->engine_at >= 0)
                (void) close(r->engine_at);
        if (r->listening >= 0)
                (void) close(r->listening);
        if (r->init > 0 && r->booted) {
                (void) kill(r->init, SIGKILL); /* else it would start one engine after the other */
        }
        if (r->init > 0) {
                if (r->engine > 0)
                        (void) kill(r->engine, SIGKILL);
                assert_int_equal(waitpid(r->init, &status, 0), r->init);
        }
        (void) snprintf(command, sizeof command, "rm -rf %s", r->dir);
        running.dir[0] = 0;
        assert_int_equal(system(command), 0);
}

bool rig_any(struct rig *r, int ms)
{
        struct pollfd p = { .fd = initlink_fd(r->link), .events = POLLIN };
        int got;

        while ((got = initlink_receive(r->link, &r->msg)) == 0) {
                if (initlink_pending(r->link))
                        assert_int_equal(initlink_flush(r->link), 0);
                p.events = (short) (POLLIN | (initlink_pending(r->link) ? POLLOUT : 0));
                if (poll(&p, 1, ms) == 0)
                        return false;
        }
        assert_int_equal(got, 1);
        return true;
}

void rig_expect(struct rig *r, enum init_kind kind)
{
        do {
                if (!rig_any(r, 60000))
                        fail_msg("no message of kind %d came", (int) kind);
        } while (r->msg.kind != kind);
}

struct init_exit rig_exit_of(struct rig *r, pid_t pid)
{
        for (;;) {
                rig_expect(r, INIT_EXITED);
                for (uint32_t i = 0; i < r->msg.exited->count; i++)
                        if (r->msg.exited->list[i].pid == pid)
                                return r->msg.exited->list[i];
        }
}

int rig_init_status(struct rig *r)
{
        int status = 0;

        assert_int_equal(waitpid(r->init, &status, 0), r->init);
        r->init = 0;
        return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void rig_engine_exit(struct rig *r, int code)
{
        assert_int_equal(write(r->engine_at, &code, sizeof code), sizeof code);
}

/* --- plans --------------------------------------------------------------------------------------------------- */

void planner_add(struct planner *p, enum plan_op op, unsigned flags, int64_t a, int64_t b, int64_t c, const void *text,
                 size_t len)
{
        static const char zeros[8];
        size_t pad = (8 - len % 8) % 8;
        struct plan_step s = { .size = (uint32_t) (sizeof s + len + pad), .text_len = (uint32_t) len,
                               .op = (uint16_t) op, .stage = (uint16_t) plan_rows[op].stage, .flags = (uint16_t) flags,
                               .line = 7, .a = a, .b = b, .c = c };

        buf_add(&p->bytes, &s, sizeof s);
        if (len)
                buf_add(&p->bytes, text, len);
        buf_add(&p->bytes, zeros, pad);
        p->steps++;
}

void planner_text(struct planner *p, enum plan_op op, const char *text)
{
        planner_add(p, op, 0, 0, 0, 0, text, strlen(text) + 1);
}

void planner_begin(struct planner *p)
{
        struct plan_head head = { 0 };

        *p = (struct planner) { .steps = 0 };
        buf_add(&p->bytes, &head, sizeof head);
        planner_text(p, PLAN_FILE, "test.service");
        planner_add(p, PLAN_SESSION, 0, 0, 0, 0, NULL, 0);
        planner_add(p, PLAN_SIGNALS, 0, 0, 0, 0, NULL, 0);
}

void planner_standard(struct planner *p)
{
        const struct plan_place places[] = { { 0, PLAN_SOURCE_OWN(0) }, { 1, PLAN_SOURCE_OWN(1) },
                                             { 2, PLAN_SOURCE_OWN(2) } };

        planner_add(p, PLAN_PLACE, 0, 0, 0, 0, places, sizeof places);
}

static size_t row_length(const char *row)
{
        size_t n = 0;

        while (row[n])
                n += strlen(row + n) + 1;
        return n;
}

void planner_exec(struct planner *p, const char *env_row, const char *args)
{
        struct buf text = BUF_INIT;

        planner_add(p, PLAN_ENV, 0, 0, 0, 0, env_row, row_length(env_row));
        buf_add(&text, args, strlen(args) + 1);
        buf_add(&text, args, row_length(args));
        planner_add(p, PLAN_EXEC, 0, 0, 0, 0, text.data, text.len);
        buf_free(&text);
}

const void *planner_end(struct planner *p, size_t *ret_size)
{
        struct plan_head head = { PLAN_MAGIC, (uint32_t) p->bytes.len, p->steps, 0 };

        memcpy(p->bytes.data, &head, sizeof head);
        *ret_size = p->bytes.len;
        return p->bytes.data;
}

static uint64_t send_plan(struct rig *r, struct planner *p, const int *fds, size_t n, int cgroup)
{
        static uint64_t request = 1000;
        size_t size;
        const void *bytes = planner_end(p, &size);

        assert_int_equal(initlink_spawn(r->link, ++request, bytes, size, fds, n, cgroup, NULL), 0);
        buf_free(&p->bytes);
        return request;
}

pid_t rig_spawn(struct rig *r, struct planner *p, const int *fds, size_t n, int cgroup)
{
        uint64_t request = send_plan(r, p, fds, n, cgroup);

        do /* a child that failed before may have told so ahead of init's word that it was born */
                rig_expect(r, INIT_SPAWNED);
        while (r->msg.spawned->request != request);
        return r->msg.spawned->pid;
}

pid_t spawn_shell(struct rig *r, const char *script, const int *fds, size_t n)
{
        char args[1024] = "/bin/sh\0-c";
        struct planner p;

        (void) snprintf(args + 11, sizeof args - 12, "%s", script);
        planner_begin(&p);
        planner_standard(&p);
        planner_exec(&p, "PATH=/bin:/usr/bin\0", args);
        return rig_spawn(r, &p, fds, n, -1);
}

const struct init_spawn_failed *rig_spawn_fails(struct rig *r, struct planner *p, const int *fds, size_t n)
{
        uint64_t request = send_plan(r, p, fds, n, -1);

        do
                rig_expect(r, INIT_SPAWN_FAILED);
        while (r->msg.spawn_failed->request != request);
        return r->msg.spawn_failed;
}

char *rig_probe(struct rig *r, struct planner *p, const int *fds, size_t n, int cgroup, const char *env_row)
{
        char args[256] = { 0 }, path[128], env[2048] = { 0 };
        size_t at;
        struct init_exit e;
        char *said = calloc(1, 65536);
        FILE *f;

        (void) snprintf(args, sizeof args - 1, "%s/probe", r->dir);
        (void) snprintf(path, sizeof path, "%s/out/probe", r->dir);
        (void) snprintf(env, sizeof env - 1, "PROBE_OUT=%s", path);
        at = strlen(env) + 1;
        memcpy(env + at, env_row, row_length(env_row));
        path[strlen(path) - 6] = 0;
        (void) mkdir(path, 0777);
        (void) chmod(path, 0777);
        path[strlen(path)] = '/';
        planner_exec(p, env, args);
        e = rig_exit_of(r, rig_spawn(r, p, fds, n, cgroup));
        assert_int_equal(e.code, CLD_EXITED);
        assert_int_equal(e.status, 0);
        f = fopen(path, "re");
        assert_non_null(f);
        assert_true(fread(said, 1, 65535, f) > 0);
        (void) fclose(f);
        (void) unlink(path);
        return said;
}

const char *probe_value(const char *said, const char *name)
{
        static char value[4096];
        size_t len = strlen(name);

        for (const char *line = said; *line; line = strchrnul(line, '\n') + (*strchrnul(line, '\n') == '\n'))
                if (strncmp(line, name, len) == 0 && line[len] == ' ') {
                        (void) snprintf(value, sizeof value, "%.*s", (int) (strchrnul(line, '\n') - line - (ptrdiff_t) len - 1),
                                        line + len + 1);
                        return value;
                }
        return "";
}
