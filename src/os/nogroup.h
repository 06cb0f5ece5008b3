/* nogroup.h - which processes belong to an incarnation, where there is no cgroup to ask.
 *
 * A process belongs to it when its session or process group is the one the main process leads, or it carries the
 * incarnation's mark in its environment (COPPICE_INCARNATION_ID), or its parent belongs to it. Without /proc only
 * the process group of the leader can be reached. This is not race-free: a process that is being forked while we
 * look may be missed, so killing is repeated until nobody is found.
 *
 * May be used by: daemon, tests.  May use: base, /proc. */
#ifndef OS_NOGROUP_H
#define OS_NOGROUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct nogroup_id {
        pid_t leader;       /* of its session: pid of the main process, or of the last control process; 0 = none */
        const char *mark;   /* value of COPPICE_INCARNATION_ID; never empty */
};

/* Pids into pids[max], zombies left out; returns how many there are, or -errno (no /proc: -ENOENT). */
int nogroup_pids(const struct nogroup_id *id, pid_t *pids, size_t max);

/* Signal them all, `except` left out (0 = none). Returns how many got it. Each is held by a pidfd and looked at
 * again before it is signalled, so a recycled pid is never hit. */
int nogroup_signal(const struct nogroup_id *id, int sig, pid_t except);

/* Signal one of them. -ESRCH when it is none of them, or cannot be reached this way. */
int nogroup_signal_one(const struct nogroup_id *id, pid_t pid, int sig);

int nogroup_populated(const struct nogroup_id *id); /* 1, 0, -errno */

/* The node a process belongs to: COPPICE_NODE of its environment into buf[n]. -ESRCH when it has none; -EAGAIN when it
 * cannot be told now: while exec replaces a program the kernel shows no environment, it shows that of a program which
 * nobody may read to root only, and descriptors or memory may be short. Only good for a hint: a process can write its
 * own environment. */
int nogroup_node_of(pid_t pid, char *buf, size_t n);

struct nogroup_birth {
        pid_t parent;  /* 0: one that the present namespace does not show; when it has ended, the
                        * nearest subreaper above */
        uint64_t start; /* clock ticks since boot (proc(5), starttime); nobody is older than its parent */
        bool zombie;    /* it has ended; only its status is still there */
};

/* -ESRCH: no such process, or it is not shown. Any other error (-EMFILE, -ENOMEM...) says nothing about it. */
int nogroup_birth(pid_t pid, struct nogroup_birth *ret);

#endif
