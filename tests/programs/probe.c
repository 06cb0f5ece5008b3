/* probe.c - print what a program was given: one "name value" line a fact, on standard output or into the file named
 * by PROBE_OUT. Tests of the plan start it and compare (FAILURES E16, E17). With an argument that begins with a dash
 * it also: -sleep waits for a signal afterwards, -exit=N exits with N. */
#include <dirent.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

extern char **environ;

static void print_status_line(FILE *out, const char *key, const char *name)
{
        FILE *f = fopen("/proc/self/status", "re");
        char line[1024];
        size_t len = strlen(key);

        while (f && fgets(line, sizeof line, f))
                if (strncmp(line, key, len) == 0) {
                        char *v = line + len + strspn(line + len, " \t");

                        v[strcspn(v, "\n")] = 0;
                        fprintf(out, "%s %s\n", name, v);
                }
        if (f)
                (void) fclose(f);
}

static void print_descriptors(FILE *out, int before)
{
        DIR *d = opendir("/proc/self/fd");
        const struct dirent *e;

        while (d && (e = readdir(d))) {
                int fd = atoi(e->d_name);
                char link[64], target[512];
                ssize_t n;

                if (e->d_name[0] == '.' || fd == dirfd(d) || fd == before)
                        continue;
                (void) snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
                n = readlink(link, target, sizeof target - 1);
                target[n < 0 ? 0 : n] = 0;
                fprintf(out, "fd%d %s\n", fd, target);
        }
        if (d)
                (void) closedir(d);
}

static void print_limits(FILE *out)
{
        static const struct { const char *name; int resource; } all[] = {
                { "NOFILE", RLIMIT_NOFILE }, { "CORE", RLIMIT_CORE }, { "NPROC", RLIMIT_NPROC }, { "CPU", RLIMIT_CPU },
                { "MEMLOCK", RLIMIT_MEMLOCK }, { "RTTIME", RLIMIT_RTTIME }, { "FSIZE", RLIMIT_FSIZE },
        };

        for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
                struct rlimit r = { 0, 0 };

                (void) getrlimit((__rlimit_resource_t) all[i].resource, &r);
                fprintf(out, "limit-%s %lld:%lld\n", all[i].name, (long long) r.rlim_cur, (long long) r.rlim_max);
        }
}

/* The slice of processor time it gets, where the kernel tells. */
static void print_slice(FILE *out)
{
        struct { uint32_t size, policy; uint64_t flags; int32_t nice; uint32_t priority; uint64_t runtime, rest[2]; } a = { 0 };

        (void) syscall(SYS_sched_getattr, 0, &a, sizeof a, 0);
        fprintf(out, "slice %llu %llu\n", (unsigned long long) a.runtime, (unsigned long long) a.flags);
}

static void print_ids(FILE *out)
{
        gid_t groups[256];
        int n = getgroups(256, groups);

        fprintf(out, "uid %u %u\ngid %u %u\ngroups", getuid(), geteuid(), getgid(), getegid());
        for (int i = 0; i < n; i++)
                fprintf(out, " %u", groups[i]);
        fputc('\n', out);
}

static void print_process(FILE *out)
{
        char text[4096] = "";
        cpu_set_t set;
        mode_t mask = umask(0);
        int sig = 0, fd;

        (void) umask(mask);
        fprintf(out, "pid %d\nppid %d\nleader %d\nsession-leader %d\n", getpid(), getppid(), getpgrp() == getpid(),
                getsid(0) == getpid());
        fprintf(out, "umask %04o\nnice %d\ncwd %s\n", mask, getpriority(PRIO_PROCESS, 0),
                getcwd(text, sizeof text) ? text : "?");
        (void) prctl(PR_GET_PDEATHSIG, &sig);
        fprintf(out, "deathsig %d\nno-new-privs %d\ndumpable %d\n", sig, prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0),
                prctl(PR_GET_DUMPABLE, 0, 0, 0, 0));
        fprintf(out, "cpus %d\n", sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : -1);
        fprintf(out, "timerslack %d\nioprio %ld\nkeyring %ld\n", prctl(PR_GET_TIMERSLACK, 0, 0, 0, 0),
                syscall(SYS_ioprio_get, 1, 0), syscall(SYS_keyctl, 0 /* KEYCTL_GET_KEYRING_ID */, -3 /* session */, 0));
        fd = open("/dev/tty", O_RDWR | O_CLOEXEC);
        fprintf(out, "tty %d\n", fd >= 0);
        if (fd >= 0)
                (void) close(fd);
}

static void print_file(FILE *out, const char *name, const char *path)
{
        FILE *f = fopen(path, "re");
        char line[1024];

        while (f && fgets(line, sizeof line, f)) {
                line[strcspn(line, "\n")] = 0;
                fprintf(out, "%s %s\n", name, line);
        }
        if (f)
                (void) fclose(f);
}

int main(int argc, char *argv[])
{
        const char *path = getenv("PROBE_OUT");
        FILE *out = path ? fopen(path, "we") : stdout;

        if (!out)
                return 99;
        for (int i = 0; i < argc; i++)
                fprintf(out, "arg%d %s\n", i, argv[i]);
        for (char **e = environ; *e; e++)
                fprintf(out, "env %s\n", *e);
        print_ids(out);
        print_process(out);
        print_limits(out);
        print_slice(out);
        print_status_line(out, "SigIgn:", "sigign");
        print_status_line(out, "SigBlk:", "sigblk");
        print_status_line(out, "CapInh:", "capinh");
        print_status_line(out, "CapPrm:", "capprm");
        print_status_line(out, "CapEff:", "capeff");
        print_status_line(out, "CapAmb:", "capamb");
        print_status_line(out, "CapBnd:", "capbnd");
        fprintf(out, "securebits %d\n", prctl(PR_GET_SECUREBITS, 0, 0, 0, 0));
        print_file(out, "oom", "/proc/self/oom_score_adj");
        print_file(out, "cgroup", "/proc/self/cgroup");
        print_descriptors(out, path ? fileno(out) : -1);
        fprintf(out, "end\n");
        (void) fflush(out);
        for (int i = 1; i < argc; i++) {
                if (strcmp(argv[i], "-sleep") == 0)
                        pause();
                if (strncmp(argv[i], "-exit=", 6) == 0)
                        return atoi(argv[i] + 6);
        }
        return 0;
}
