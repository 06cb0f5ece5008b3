/* seccomp_table.c - how each call of each kind is treated. See seccomp_priv.h. */
#include "os/seccomp_priv.h"

#include <errno.h>
#include <linux/audit.h>
#include <seccomp.h>

const struct kind seccomp_kinds[] = {
#if defined(__x86_64__)
        { AUDIT_ARCH_X86_64, 0, FILTER_ARCH_X86_64, 0 },
        { AUDIT_ARCH_X86_64, SCMP_ARCH_X32, FILTER_ARCH_X32, X32_BIT },
        { AUDIT_ARCH_I386, SCMP_ARCH_X86, FILTER_ARCH_X86, 0 },
#elif defined(__aarch64__)
        { AUDIT_ARCH_AARCH64, 0, FILTER_ARCH_ARM64, 0 },
        { AUDIT_ARCH_ARM, SCMP_ARCH_ARM, FILTER_ARCH_ARM, 0 },
#elif defined(__i386__)
        { AUDIT_ARCH_I386, 0, FILTER_ARCH_X86, 0 },
#else
#error "os/seccomp_table.c: tell the kinds of calls of this processor"
#endif
};
const size_t seccomp_kind_count = sizeof(seccomp_kinds) / sizeof(seccomp_kinds[0]);

enum filter_arch seccomp_arch_of(uint32_t audit, int number)
{
        for (size_t i = 1; i < seccomp_kind_count; i++)
                if (seccomp_kinds[i].audit == audit && (!seccomp_kinds[i].bit || number & seccomp_kinds[i].bit))
                        return seccomp_kinds[i].arch;
        return FILTER_ARCH_NATIVE;
}

uint32_t seccomp_token_of(enum filter_arch arch)
{
        for (size_t i = 1; i < seccomp_kind_count; i++)
                if (seccomp_kinds[i].arch == arch)
                        return seccomp_kinds[i].token;
        return SCMP_ARCH_NATIVE;
}

int seccomp_number_in(const struct kind *k, size_t index)
{
        int n = syscall_number(index);

        if (k->token == 0)
                return n;
        if (n >= 424 && n < 512) /* since then all processors count alike */
                return n;
        n = seccomp_syscall_resolve_name_arch(k->token, syscall_name(index));
        if (n < 0)
                return -1;
        return n & ~k->bit;
}

/* --- which calls have their arguments looked at ------------------------------------------------------------------- */

static const struct { const char *name; enum check check; } family_calls[] = { { "socket", CHECK_FAMILY } };
static const struct { const char *name; enum check check; } namespace_calls[] = {
        { "unshare", CHECK_NS_FIRST }, { "clone", CHECK_NS_FIRST }, { "setns", CHECK_NS_SECOND },
};
static const struct { const char *name; enum check check; } mode_calls[] = {
        { "chmod", CHECK_MODE_1 }, { "fchmod", CHECK_MODE_1 }, { "fchmodat", CHECK_MODE_2 },
        { "fchmodat2", CHECK_MODE_2 }, { "creat", CHECK_MODE_1 }, { "mkdir", CHECK_MODE_1 },
        { "mkdirat", CHECK_MODE_2 }, { "mknod", CHECK_MODE_1 },
        { "mknodat", CHECK_MODE_2 }, { "open", CHECK_OPEN }, { "openat", CHECK_OPENAT },
};
static const struct { const char *name; enum check check; } memory_calls[] = {
        { "mmap", CHECK_MMAP }, { "mmap2", CHECK_MMAP }, { "mprotect", CHECK_PROT }, { "pkey_mprotect", CHECK_PROT },
        { "shmat", CHECK_SHMAT },
};

static int *treat_of(struct table *t, const char *name)
{
        int index = syscall_find(name), n = index < 0 ? -1 : seccomp_number_in(t->kind, (size_t) index);

        return n >= 0 && n < NUMBERS ? &t->treat[n] : NULL;
}

/* Only what is allowed so far needs a look. */
static void look_at(struct table *t, const char *name, enum check check)
{
        int *treat = treat_of(t, name);

        if (treat && (*treat == FILTER_ALLOW || *treat == FILTER_LEARN))
                *treat = TREAT_CHECK + (int) check;
        else if (treat && *treat == FILTER_LOG)
                *treat = TREAT_CHECK + TREAT_LOG + (int) check;
}

/* Calls whose arguments lie in memory, where no filter sees them: refused as if the kernel did not have them, so that
 * programs fall back on those that can be looked at. */
static void hide(struct table *t, const char *name, int error)
{
        int *treat = treat_of(t, name);

        if (treat && *treat < 0 && *treat != FILTER_KILL)
                *treat = error;
}

#define LOOK(list)                                                             \
        for (size_t i = 0; i < sizeof(list) / sizeof((list)[0]); i++)          \
                look_at(t, (list)[i].name, (list)[i].check)

static void look_at_arguments(struct table *t)
{
        const struct filter *f = t->f;
        bool old_mmap = t->kind->audit == AUDIT_ARCH_I386;

        if (f->families_said) {
                LOOK(family_calls);
                hide(t, "socketcall", EAFNOSUPPORT);
        }
        if (f->namespaces) {
                LOOK(namespace_calls);
                hide(t, "clone3", ENOSYS);
        }
        if (f->realtime) {
                look_at(t, "sched_setscheduler", CHECK_REALTIME);
                hide(t, "sched_setattr", EPERM);
        }
        if (f->suid_sgid) {
                LOOK(mode_calls);
                hide(t, "openat2", ENOSYS);
        }
        if (f->write_execute) {
                if (old_mmap) /* there mmap has a struct in memory and mmap2 is the one that everybody uses */
                        hide(t, "mmap", EPERM);
                LOOK(memory_calls);
        }
        if (f->personality)
                look_at(t, "personality", CHECK_PERSONALITY);
}

/* i386 has one call for all of sockets and one for all of System V: it gets the worst of what its parts get. */
static void worst_of(struct table *t, const char *whole, const char *const *parts, size_t n)
{
        int *treat = treat_of(t, whole);

        for (size_t i = 0; treat && i < n; i++) {
                int index = syscall_find(parts[i]), verdict = index < 0 ? FILTER_ALLOW : t->f->call[index];

                if (*treat == FILTER_ALLOW && (verdict >= 0 || verdict == FILTER_KILL))
                        *treat = verdict;
        }
}

void seccomp_table_fill(struct table *t)
{
        static const char *const sockets[] = {
                "socket", "bind", "connect", "listen", "accept4", "getsockname", "getpeername", "socketpair", "sendto",
                "recvfrom", "shutdown", "setsockopt", "getsockopt", "sendmsg", "recvmsg", "recvmmsg", "sendmmsg",
        };
        static const char *const sysv[] = {
                "semop", "semget", "semctl", "semtimedop", "msgsnd", "msgrcv", "msgget", "msgctl", "shmat", "shmdt",
                "shmget", "shmctl",
        };

        for (size_t i = 0; i < NUMBERS; i++)
                t->treat[i] = t->f->unknown;
        for (size_t i = 0; i < syscall_count(); i++) {
                int n = seccomp_number_in(t->kind, i);

                if (n >= 0 && n < NUMBERS)
                        t->treat[n] = t->f->call[i];
        }
        worst_of(t, "socketcall", sockets, sizeof(sockets) / sizeof(sockets[0]));
        worst_of(t, "ipc", sysv, sizeof(sysv) / sizeof(sysv[0]));
        look_at_arguments(t);
}
