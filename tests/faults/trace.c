/* trace.c - see faults.h.
 *
 * We are the parent of coppiced and look at its children until the program we are here for is found; the others are let
 * go as soon as they run one. A call that is to fail is made number -1, which the kernel knows not to do, and gets its
 * result at its end. */
#include "faults.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

const char *const program_names[PROGRAM_END] = { "init", "engine", "logd", "next", "child", "engine-memory", "logd-memory", "next-memory" };

enum { TRACED_MAX = 64, STACK_WORDS = 1024 };

struct range { uint64_t from, to; };

/* Where the code of a program lies, and that of the linker, whose own calls are not looked at. */
struct image {
        struct range text, linker;
        uint64_t base;
        char path[256];
        const unsigned char *bytes; /* of the file */
        size_t size;
};

struct traced {
        pid_t pid;
        bool looked_at;   /* its calls are stops */
        int pending;      /* the error that the call under way ends with */
};

static struct {
        struct trace *t;
        struct traced list[TRACED_MAX];
        struct image image;
        bool found;       /* the program has been found: no other of its name is taken */
        bool first_seen;  /* the engine before PROGRAM_NEXT */
        long long until;  /* ms; a lasting failure */
        bool over;        /* the failure has happened */
} s;

/* May we trace at all? */
bool trace_possible(void)
{
#ifdef __x86_64__
        pid_t pid = fork();
        int status = 1;

        if (pid == 0)
                _exit(ptrace(PTRACE_TRACEME, 0, 0, 0) < 0 ? 1 : 0);
        return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
#else
        return false;
#endif
}

void site_print(FILE *out, const struct site *site)
{
        (void) fprintf(out, "%s at", call_name(site->call));
        for (int i = 0; i < FRAMES && site->frames[i]; i++)
                (void) fprintf(out, " %x", site->frames[i]);
}

#ifdef __x86_64__

static long long now_ms(void)
{
        struct timespec t;

        (void) clock_gettime(CLOCK_MONOTONIC, &t);
        return (long long) t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void broken(const char *what)
{
        if (!s.t->broken[0])
                (void) snprintf(s.t->broken, sizeof(s.t->broken), "%s: %s", what, strerror(errno));
}

/* --- who is traced ---------------------------------------------------------------------------------------------- */

static struct traced *find(pid_t pid)
{
        for (int i = 0; i < TRACED_MAX; i++)
                if (s.list[i].pid == pid)
                        return &s.list[i];
        return NULL;
}

static struct traced *find_or_add(pid_t pid)
{
        struct traced *p = find(pid);

        if (p)
                return p;
        p = find(0);
        if (!p) {
                errno = ENOSPC;
                broken("trace one more process");
                return NULL;
        }
        *p = (struct traced) { .pid = pid };
        return p;
}

static void let_go(pid_t pid)
{
        struct traced *p = find(pid);

        (void) ptrace(PTRACE_DETACH, pid, 0, 0);
        if (p)
                *p = (struct traced) { 0 };
}

static void go_on(const struct traced *p, int sig)
{
        (void) ptrace(p->looked_at ? PTRACE_SYSCALL : PTRACE_CONT, p->pid, 0, sig);
}

/* --- where a call comes from -------------------------------------------------------------------------------------- */

static void read_maps(pid_t pid)
{
        char path[64], line[512], name[256];
        unsigned long from, to, at;
        char mode[8];
        struct stat st;
        FILE *f;
        int fd;

        (void) snprintf(path, sizeof(path), "/proc/%d/exe", (int) pid);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0 || fstat(fd, &st) < 0)
                return broken("open a program");
        if (s.image.bytes)
                (void) munmap((void *) (uintptr_t) s.image.bytes, s.image.size);
        s.image = (struct image) { .size = (size_t) st.st_size };
        s.image.bytes = mmap(NULL, s.image.size, PROT_READ, MAP_PRIVATE, fd, 0);
        (void) close(fd);
        if (readlink(path, s.image.path, sizeof(s.image.path) - 1) < 0)
                return broken("name a program");
        (void) snprintf(path, sizeof(path), "/proc/%d/maps", (int) pid);
        f = fopen(path, "re");
        if (!f)
                return broken("read maps");
        while (fgets(line, sizeof(line), f)) {
                if (sscanf(line, "%lx-%lx %7s %lx %*s %*s %255s", &from, &to, mode, &at, name) != 5)
                        continue;
                if (strcmp(name, s.image.path) == 0 && mode[2] == 'x') {
                        s.image.text = (struct range) { from, to };
                        s.image.base = from - at;
                } else if (strstr(name, "/ld-linux") && mode[2] == 'x') {
                        s.image.linker = (struct range) { from, to };
                }
        }
        (void) fclose(f);
}

static bool within(const struct range *r, uint64_t at)
{
        return at >= r->from && at < r->to;
}

/* Behind a call instruction? What only looks like an address is no return address. */
static bool is_return(uint64_t at)
{
        const unsigned char *p;
        uint64_t offset = at - s.image.base;

        if (!within(&s.image.text, at) || offset < 8 || offset >= s.image.size)
                return false;
        p = s.image.bytes + offset;
        return p[-5] == 0xe8 || (p[-2] == 0xff && (p[-1] & 0x38) == 0x10) || (p[-3] == 0xff && (p[-2] & 0x38) == 0x10) ||
               (p[-6] == 0xff && (p[-5] & 0x38) == 0x10);
}

static void take_frames(pid_t pid, const struct __ptrace_syscall_info *i, struct site *ret)
{
        uint64_t stack[STACK_WORDS];
        struct iovec here = { stack, sizeof(stack) }, there = { (void *) (uintptr_t) i->stack_pointer, sizeof(stack) };
        ssize_t n;
        int k = 0;

        if (within(&s.image.text, i->instruction_pointer))
                ret->frames[k++] = (uint32_t) (i->instruction_pointer - s.image.base);
        do { /* the stack may end sooner */
                n = process_vm_readv(pid, &here, 1, &there, 1, 0);
                here.iov_len = there.iov_len /= 2;
        } while (n < 0 && here.iov_len >= 64);
        for (ssize_t at = 0; at < n / 8 && k < FRAMES; at++)
                if (is_return(stack[at]))
                        ret->frames[k++] = (uint32_t) (stack[at] - s.image.base);
}

static bool same(const struct site *a, const struct site *b)
{
        return a->call == b->call && memcmp(a->frames, b->frames, sizeof(a->frames)) == 0;
}

static struct site *site_of(const struct site *which)
{
        struct trace *t = s.t;

        for (uint32_t i = 0; i < t->site_count; i++)
                if (same(&t->sites[i], which))
                        return &t->sites[i];
        if (t->site_count == SITES_MAX)
                return NULL;
        t->sites[t->site_count] = *which;
        return &t->sites[t->site_count++];
}

/* --- stops --------------------------------------------------------------------------------------------------------- */

static bool fails(const struct site *here, uint32_t before)
{
        if (s.t->wanted.call < 0)
                return false;
        if (s.over)
                return s.t->lasting && here->call == s.t->wanted.call && now_ms() < s.until;
        if (!same(here, &s.t->wanted) || before != s.t->which)
                return false;
        s.over = true;
        s.until = now_ms() + WHILE_MS;
        s.t->hit = true;
        return true;
}

static void on_entry(struct traced *p, const struct __ptrace_syscall_info *i)
{
        const int *errors = errors_of((long) i->entry.nr, (const uint64_t *) i->entry.args);
        struct site here = { .call = (long) i->entry.nr }, *known;
        struct user_regs_struct regs;

        if (!errors || s.t->over || within(&s.image.linker, i->instruction_pointer))
                return;
        memcpy(here.errors, errors, sizeof(here.errors));
        take_frames(p->pid, i, &here);
        known = site_of(&here);
        if (!known || !fails(&here, known->times++))
                return;
        s.t->failed++;
        if (ptrace(PTRACE_GETREGS, p->pid, 0, &regs) < 0)
                return broken("read registers");
        regs.orig_rax = (unsigned long long) -1;
        if (ptrace(PTRACE_SETREGS, p->pid, 0, &regs) < 0)
                return broken("write registers");
        p->pending = s.t->error;
}

static void on_exit_of_call(struct traced *p)
{
        struct user_regs_struct regs;

        if (!p->pending || ptrace(PTRACE_GETREGS, p->pid, 0, &regs) < 0)
                return;
        regs.rax = (unsigned long long) -p->pending;
        (void) ptrace(PTRACE_SETREGS, p->pid, 0, &regs);
        p->pending = 0;
}

static void on_call(struct traced *p)
{
        struct __ptrace_syscall_info i;

        if (ptrace(PTRACE_GET_SYSCALL_INFO, p->pid, sizeof(i), &i) <= 0)
                return broken("ask for a system call");
        if (i.op == PTRACE_SYSCALL_INFO_ENTRY)
                on_entry(p, &i);
        else
                on_exit_of_call(p);
}

static bool named(pid_t pid, const char *name)
{
        char path[64], comm[32] = "";
        FILE *f;

        (void) snprintf(path, sizeof(path), "/proc/%d/comm", (int) pid);
        f = fopen(path, "re");
        if (f && !fgets(comm, sizeof(comm), f))
                comm[0] = '\0';
        if (f)
                (void) fclose(f);
        return strncmp(comm, name, strlen(name)) == 0;
}

static void on_exec(struct traced *p)
{
        static const char *const names[] = { "coppiced", "coppice-engine", "coppice-logd", "coppice-engine" };
        const enum program program = s.t->program;

        p->pending = 0;
        if (p->pid == s.t->init) {
                if (program == PROGRAM_INIT || program == PROGRAM_CHILD)
                        read_maps(p->pid);
                p->looked_at = s.found = program == PROGRAM_INIT;
                s.t->target = s.found ? p->pid : 0;
                go_on(p, 0);
                return;
        }
        if (s.found || program >= PROGRAM_CHILD || !named(p->pid, names[program])) {
                let_go(p->pid);
                return;
        }
        if (program == PROGRAM_NEXT && !s.first_seen) {
                s.first_seen = true;
                let_go(p->pid);
                return;
        }
        s.found = p->looked_at = true;
        s.t->target = p->pid;
        read_maps(p->pid);
        go_on(p, 0);
}

static pid_t parent_of(pid_t pid)
{
        char path[64], line[128];
        int parent = -1;
        FILE *f;

        (void) snprintf(path, sizeof(path), "/proc/%d/status", (int) pid);
        f = fopen(path, "re");
        while (f && parent < 0 && fgets(line, sizeof(line), f))
                (void) sscanf(line, "PPid: %d", &parent);
        if (f)
                (void) fclose(f);
        return parent;
}

/* A child of somebody we trace. */
static void on_birth(struct traced *p)
{
        const bool of_init = parent_of(p->pid) == s.t->init;

        p->looked_at = of_init && s.t->program == PROGRAM_CHILD;
        if (!of_init || (s.found && !p->looked_at))
                let_go(p->pid);
        else
                go_on(p, 0);
}

static void on_stop(pid_t pid, int status)
{
        const int sig = WSTOPSIG(status), event = status >> 16;
        bool known = find(pid) != NULL;
        struct traced *p = find_or_add(pid);

        if (!p)
                return;
        if (sig == (SIGTRAP | 0x80)) {
                on_call(p);
                go_on(p, 0);
        } else if (event == PTRACE_EVENT_EXEC) {
                on_exec(p);
        } else if (event == PTRACE_EVENT_STOP && sig != SIGTRAP) {
                (void) ptrace(PTRACE_LISTEN, pid, 0, 0);
        } else if (event == PTRACE_EVENT_STOP && !known) {
                on_birth(p);
        } else {
                go_on(p, event ? 0 : sig);
        }
}

static void on_end(pid_t pid, int status)
{
        struct traced *p = find(pid);

        if (p)
                *p = (struct traced) { 0 };
        if (pid == s.t->target) {
                s.t->target_status = status;
                s.t->target_ended = true;
        }
        if (pid == s.t->init) {
                s.t->status = status;
                s.t->ended = true;
        }
}

/* --- life ------------------------------------------------------------------------------------------------------------ */

static pid_t start(char *const argv[], const char *output)
{
        const pid_t parent = getpid();
        pid_t pid = fork();
        int status;

        if (pid == 0) {
                int out = open(output, O_WRONLY | O_CREAT | O_APPEND, 0600), in = open("/dev/null", O_RDONLY);

                (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
                if (getppid() != parent || out < 0 || dup2(in, 0) < 0 || dup2(out, 1) < 0 || dup2(out, 2) < 0)
                        _exit(99);
                (void) personality(ADDR_NO_RANDOMIZE);
                (void) raise(SIGSTOP);
                (void) execv(argv[0], argv);
                _exit(99);
        }
        if (pid < 0 || waitpid(pid, &status, WUNTRACED) != pid)
                return -1;
        if (ptrace(PTRACE_SEIZE, pid, 0, PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEEXEC | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK |
                                         PTRACE_O_TRACECLONE | PTRACE_O_EXITKILL) < 0)
                return -1;
        (void) kill(pid, SIGCONT);
        return pid;
}

/* Whoever is left when coppiced is gone is our child now, or the child of one. None of them stays. */
static unsigned end_those_left(void)
{
        char path[64];
        unsigned n = 0;
        int pid;
        FILE *f;

        while (waitpid(-1, NULL, __WALL | WNOHANG) > 0)
                ;
        (void) snprintf(path, sizeof(path), "/proc/self/task/%d/children", (int) getpid());
        while ((f = fopen(path, "re")) && fscanf(f, "%d", &pid) == 1) {
                (void) fclose(f);
                (void) kill(pid, SIGKILL);
                (void) waitpid(pid, NULL, __WALL);
                n++;
        }
        if (f)
                (void) fclose(f);
        return n;
}

void trace_run(struct trace *t, char *const argv[], const char *output)
{
        int status;
        pid_t pid;

        s.t = t;
        (void) prctl(PR_SET_CHILD_SUBREAPER, 1);
        t->init = start(argv, output);
        if (t->init < 0)
                return broken("trace coppiced");
        (void) find_or_add(t->init);
        while (!t->ended && (pid = waitpid(-1, &status, __WALL)) > 0) {
                if (WIFSTOPPED(status))
                        on_stop(pid, status);
                else
                        on_end(pid, status);
        }
        t->left = end_those_left();
}

#else
void trace_run(struct trace *t, char *const argv[], const char *output)
{
        (void) argv;
        (void) output;
        (void) snprintf(t->broken, sizeof(t->broken), "written for one kind of machine only");
}
#endif
