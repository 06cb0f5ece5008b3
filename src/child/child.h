/* child.h - from fork to exec: the child of init performs its plan.
 *
 * Everything here runs between fork and exec: no heap, no stdio, no locks, only system calls and the stack.
 * One operation of base/plan_steps.def is one function; walk.c holds the table of them.
 *
 * May be used by: init, tests.  May use: base. */
#ifndef CHILD_CHILD_H
#define CHILD_CHILD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>

#include "base/initproto.h"
#include "base/plan.h"

/* What init knows and the plan does not. All borrowed. */
struct child_job {
        uint64_t request;
        const void *plan;        /* NULL when it lies in descriptor plan_fd */
        size_t plan_size;
        int plan_fd;
        const int *fds;          /* received descriptors; PLACE and CGROUP name them by index */
        size_t fd_count;
        int cgroup;              /* index of the cgroup directory, -1 = none */
        bool in_cgroup;          /* born there */
        bool handlers_clear;     /* the kernel has reset the handlers; nothing is ignored */
        pid_t parent;            /* init, to notice that it died before PDEATHSIG was set */
        int report;              /* socket for SPAWN_FAILED */
        int keeper;              /* socket for the listener of a filter; -1 = the same */
        struct rlimit nofile;    /* of the daemon when it was started; given back before the plan's own limit */
        bool oom_give_back;      /* init has made itself less likely to be killed: write `oom` back */
        int oom;
        int unshare_from;        /* the table of descriptors is init's own: first take a copy of those below; 0 = no */
        uint32_t *unshared;      /* if child_needs_fds(): set to 1 (shared memory) once that is done ... */
        int wake;                /* ... and this eventfd is written */
};

/* Are there received descriptors that the child uses? A group it was born in is none. */
static inline bool child_needs_fds(const struct child_job *job)
{
        return job->fd_count > (job->in_cgroup ? 1 : 0);
}

/* Perform the plan. Ends in the program or, having told the engine why, in _exit. */
_Noreturn void child_run(const struct child_job *job);

/* --- for the steps ------------------------------------------------------------------------------------- */

#define CHILD_PID_VARS 4

struct child {
        const struct child_job *job;
        int report, keeper;                  /* these and the next three: moved out of the way by PLACE */
        int own[3];                          /* 0 to 2 of the daemon */
        int fds[INIT_FDS_MAX];               /* received */
        int slots[PLAN_FD_SLOTS];            /* opened by OPEN; -1 = not */
        const char *file;                    /* of the last FILE step */
        const struct plan_step *env;
        const char *env_text;
        char pid_vars[CHILD_PID_VARS][64];   /* ENV_PID */
        int pid_var_count;
        const char *object;                  /* for the report, when it is not the step's first string */
        const struct plan_iter *it;          /* behind the step that is being performed */
        struct plan_iter start;              /* the plan from its beginning */
        int *mounts;                         /* PLAN_MOUNTS_MAX copies for the MOUNT steps, in their
                                              * order; see mounts.c */
        int mount_at;                        /* how many of them are done */
        int proc;                            /* /proc, also when it is out of sight; -1 = none */
        int *creds;                          /* PLAN_CREDENTIALS_MAX that CREDENTIAL has opened; negative = nothing */
        int cred_count;
        int ruleset;                         /* between LANDLOCK and RESTRICT */
        uint64_t handled;                    /* the rights it is about */
        bool old;                            /* no open_tree: see mounts_old.c */
        int mountinfo;                       /* then: the table of mounts */
        bool pivoted;                        /* ROOT has put the old root directory on top of the new one */
        pid_t pid, parent;                   /* as init and the engine know them */
        int stand_ins[2];                    /* for hidden directories and files; -1 = none */
        const struct plan_step *filter;      /* SECCOMP: installed by EXEC at the last moment */
        const char *filter_text;
        const struct plan_step *blame;       /* the step that failed, when it is not the one being performed */
        uint64_t gate;                       /* 0 until a filter is installed */
};

/* 0 or -errno. EXEC returns only on failure. */
typedef int child_step(struct child *c, const struct plan_step *s, const char *text);

child_step child_session, child_signals, child_cgroup, child_join, child_limit, child_nice, child_oom, child_affinity,
        child_undumpable, child_umask, child_deathsig, child_no_new_privs;        /* process.c */
child_step child_directory, child_link, child_chroot, child_chdir;                            /* files.c */
child_step child_open, child_place, child_terminal;                               /* descriptors.c */
child_step child_groups, child_gid, child_uid, child_keyring, child_caps;                        /* ids.c */
child_step child_env, child_env_pid, child_exec;                                  /* exec.c */
child_step child_seccomp;                                                         /* seccomp.c */

/* Install the filter of the SECCOMP step, if there was one, and hand over its listener. 0 or -errno. From here
 * on only execve, exit_group and child_send() are sure to be allowed. seccomp.c */
int child_filter(struct child *c);

/* Send to the engine (c->report) or init (c->keeper), waiting for room; allowed by any filter. seccomp.c */
void child_send(const struct child *c, int to, const void *message, size_t size, int fd);

child_step child_pids, child_enter;                                                          /* pids.c */
child_step child_userns, child_namespaces;                                                      /* namespaces.c */
child_step child_root, child_mount, child_seal, child_take_sources;                     /* mounts.c */
child_step child_credential, child_credentials;                                   /* credentials.c */
child_step child_landlock, child_allow, child_allow_rest, child_allow_port, child_restrict; /* landlock.c */
child_step child_bounding, child_securebits, child_ambient;                       /* caps.c */

/* mounts_old.c: is it needed (c->old); the three things mounts.c does by open_tree, move_mount and mount_setattr. */
int child_old_begin(struct child *c);
int child_old_take(int dir, const char *path);
int child_old_attach(const struct child *c, int fd, const char *path, bool recursive); /* closes fd */
int child_old_end(struct child *c);

/* Own copy of the descriptor table, own descriptors only. descriptors.c */
int child_own_descriptors(const struct child_job *job);

/* Every signal to its default by the raw call: the C library refuses to touch the two it keeps for threads, but
 * who started us may have had them ignored. Also used by init itself. process.c */
void child_default_signals(void);

/* Decimal digits of n and a NUL into buf (24 bytes are enough). Returns the length. */
size_t child_digits(char *buf, int64_t n);

/* Our own oom_score_adj. 0 or -errno. process.c */
int child_write_oom(int64_t value);

#endif
