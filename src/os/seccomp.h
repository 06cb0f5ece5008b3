/* seccomp.h - a filter of system calls as a program of the kernel's, and what the kernel says about it afterwards.
 *
 * Names become numbers for each kind of call the processor has (native ones by our own table, others by libseccomp),
 * and the verdicts a program: a binary search over ranges of numbers, so that neither a call nor the installation
 * pays for the length of a list. Calls whose arguments matter jump to a check behind the search.
 *
 * WHO IS TOLD. A verdict that ends the process is compiled as SECCOMP_RET_USER_NOTIF: the kernel stops the caller and
 * tells the listener which call it was; the engine notes it and kills the process, which never gets an answer. The wait
 * status alone (SIGSYS) would not say. The child turns these verdicts into SECCOMP_RET_KILL_PROCESS where there can be
 * no listener: in an old kernel, or below an outer filter that has one already (child/seccomp.c).
 *
 * THE GATE. Between the installation and exec the child must hand its listener over, and report a failed exec: a
 * sendmsg() that the filter need not allow. So the program lets sendmsg() and ppoll() pass when their sixth argument,
 * which the kernel ignores, is a number of 64 random bits. It is in the plan, which the program executed never sees.
 *
 * May be used by: daemon, tests.  May use: base, core/filter.h, libseccomp. */
#ifndef OS_SECCOMP_H
#define OS_SECCOMP_H

#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "core/filter.h"

/* The program (struct sock_filter after struct sock_filter) into out, which is cleared. `gate` is the secret, 0 = no
 * gate. -E2BIG for one longer than the kernel takes, -ENOMEM. */
int seccomp_compile(const struct filter *f, uint64_t gate, struct buf *out, struct err *err);

/* 64 random bits; 0 when the kernel gives none. */
uint64_t seccomp_secret(void);

/* May this process install a filter without no_new_privs? (CAP_SYS_ADMIN) */
bool seccomp_privileged(void);

/* Does the kernel, and whoever filters us, take filters at all? */
bool seccomp_available(void);

/* Can a filter have a listener here? Tried in a child: 0, or -errno. */
int seccomp_try_listener(void);

/* A call that waits for its verdict at a listener. */
struct seccomp_call {
        uint64_t id;
        pid_t pid;              /* of the process (its first thread), 0 when it cannot be known */
        pid_t inner;            /* its number in a process namespace right below ours, 0 = it is in none */
        int number;
        enum filter_arch arch;  /* FILTER_ARCH_NATIVE, or which other */
        char name[48];          /* "keyctl"; its number where it has no name */
        char comm[17];          /* of the caller, "" when it cannot be known */
};

/* The next call: 1; 0 when none waits; -ENOTCONN when nobody has this filter any more; -errno. Never blocks. Without
 * `who`, pid and comm are not looked up (which costs more than all the rest). */
int seccomp_next(int listener, bool who, struct seccomp_call *ret);

/* Let it go on as if there were no filter. -ENOENT: it does not wait any more. */
int seccomp_continue(int listener, const struct seccomp_call *call);

/* End its process: 1; where that is not possible the call gets EPERM: 0. -ENOENT: it does not wait any more. */
int seccomp_kill(int listener, const struct seccomp_call *call);

#endif
