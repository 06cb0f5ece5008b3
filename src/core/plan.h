/* plan.h - compile a spec and what was looked up for it into a plan (base/plan.h). Pure.
 *
 * The caller (daemon) does the looking up: users, groups, environment files, descriptors. The same bytes are
 * performed by the child and printed by plan_explain().
 * Used by: daemon, ctl (explain without a daemon), tests.  Uses: spec, base/plan. */
#ifndef CORE_PLAN_H
#define CORE_PLAN_H

#include <sys/types.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/plan.h"
#include "core/reason.h"
#include "core/spec.h"

/* One end of a channel. */
struct plan_end {
        int target;            /* its number in the program; -1: one of `listen`, by its name */
        int source;            /* index of the received descriptor */
        bool writes;
        const char *name;      /* "results", when it goes by name */
        const char *channel;   /* "/shop/media" */
        struct origin origin;  /* the line of the channel that says so */
};

/* Which received descriptor is what: indices into the list sent with the request, -1 = there is none. */
struct plan_fds {
        int cgroup;          /* directory of the leaf; also told to init for CLONE_INTO_CGROUP */
        int in, out, err;    /* for StandardX=log and fd names; the others are opened by the plan itself */
        int join, join_count; /* cgroup v1: the first of the `tasks` files to enter, and how many */
        int pids;            /* the process namespace of the main process, which a control command enters */
        int notify;          /* write end for NotifyFd= */
        int mailbox;         /* the service's end of its mailbox */
        int listen;          /* the first of `listen_count` descriptors from the service's own store */
        int listen_count;
        bool terminal;       /* one of in, out, err is a terminal that shall be the controlling one */
        const struct plan_end *ends; /* of channels, borrowed; those of descriptors 0 to 2 are in, out, err as well */
        size_t end_count;
};
#define PLAN_FDS_NONE ((struct plan_fds) { .cgroup = -1, .in = -1, .out = -1, .err = -1, .join = -1, .pids = -1, \
                                            .notify = -1, .mailbox = -1, .listen = -1 })

/* For the sandbox. */
struct plan_sandbox {
        unsigned can, can_by_user;                /* SANDBOX_* parts, see core/sandbox.h */
        bool needs_nnp;                           /* the daemon may not put Landlock's rules on without no_new_privs */
        bool best_effort;                         /* leave out what cannot be had, rather than refuse */
        const char *stand_in_dir, *stand_in_file; /* of mode 0, shown in place of what is hidden */
        const char *control_socket;               /* stays reachable whatever is mounted over it; may be NULL */
};

/* The compiled filter of system calls (os/seccomp.h); a plan that is only explained has none. */
struct plan_filter {
        const void *program;
        size_t size;
        uint64_t gate;
        unsigned flags;      /* SECCOMP_FILTER_FLAG_* */
        bool needs_nnp;      /* the daemon may not install one without no_new_privs */
};

struct plan_facts {
        struct plan_sandbox sandbox;
        const char *node;             /* "/shop/api" */
        uint32_t incarnation;
        const char *mark;             /* unique text of the incarnation: COPPICE_INCARNATION_ID,
                                       * INVOCATION_ID (32 hex) */
        bool root;                    /* the daemon's effective uid is 0 */
        uid_t daemon_uid;

        /* User=, Group=, SupplementaryGroups= as looked up; have_user when User= or Group= says anything. */
        bool have_user;
        uid_t uid;
        gid_t gid;
        const gid_t *groups;
        size_t group_count;
        const char *user_name, *home, *shell; /* NULL when User= is unset */

        /* Each a row of NUL-terminated NAME=VALUE texts ending with an empty one (os/envfile.h), or NULL. */
        const char *env_files;        /* all EnvironmentFile=, in order */
        const char *const *environ;   /* the daemon's own, for PassEnvironment=; NULL-terminated or NULL */

        const struct plan_filter *filter; /* NULL: the plan is only explained; see plan_filter */
        bool filter_left_out;             /* none can be installed here, and the unit runs without (best-effort) */

        const char *notify_socket;    /* path of the notification socket, NULL = none */
        int64_t watchdog_usec;        /* > 0: WATCHDOG_USEC */
        const char *listen_names;     /* "a:b:c" for LISTEN_FDNAMES */
        struct plan_fds fds;
        const char *cgroup_path;      /* for explain; NULL when there is no cgroup */
        const char *join_names;       /* for explain: the controllers of fds.join, "memory, pids" */

        /* Directories that RuntimeDirectory= and its kin are made in. */
        const char *runtime_root, *state_root, *cache_root, *logs_root, *config_root;

        /* Control commands only. */
        pid_t main_pid;               /* > 0: MAINPID */
        const char *service_result;   /* ExecStop=, ExecStopPost=: SERVICE_RESULT */
        const char *exit_code;        /* "exited", "killed", "dumped" */
        const char *exit_status;      /* "0", "TERM" */
        bool control;                 /* not the main process: no watchdog, no descriptor store, no NotifyFd= */
};

/* Compile command `index` of `directive` (D_SERVICE_ExecStart ...) into out, which is cleared first.
 * -errno and err (STAGE_RESOURCES, STAGE_ENVIRONMENT, STAGE_EXEC ...; with file and line) on failure. */
int plan_compile(const struct spec *s, const struct plan_facts *facts, enum directive directive, size_t index,
                 struct buf *out, struct err *err);

/* The parts of the sandbox that a service asks for and cannot have: with best_effort it goes without. */
unsigned plan_sandbox_missing(const struct spec *s, const struct plan_facts *facts);

/* PrivateTmp=yes: the name below /tmp and /var/tmp of an incarnation's directories. */
#define PLAN_PRIVATE_TMP_MAX 64
void plan_private_tmp(const char *mark, char buf[PLAN_PRIVATE_TMP_MAX]);

/* "7  LIMITS  set NOFILE to 1024:4096   (web.service:9)", one line a step, appended to out. -EBADMSG when the
 * bytes are no plan. plan_explain_json writes an array of {step, op, stage, text, file, line} under `key`. */
int plan_explain(const void *plan, size_t size, struct buf *out);
int plan_explain_json(const void *plan, size_t size, struct json *j, const char *key);

/* What SERVICE_RESULT, EXIT_CODE and EXIT_STATUS say for a reason, in systemd's words; code and status are NULL
 * when there was no exit. `status` is written into buf[n]. */
const char *plan_service_result(const struct reason *r);
void plan_exit_texts(const struct reason *r, const char **ret_code, const char **ret_status, char *buf, size_t n);

/* Expand $VAR and ${VAR} in one command as systemd does: "${VAR}" anywhere in a word is replaced in place; a word
 * that is exactly "$VAR" becomes zero or more words, split at white space, quotes honoured; "$$" is "$"; unset
 * names are empty. The first word (the path) is never expanded. argv receives the words, each with its NUL;
 * returns how many, or -errno. Exposed for its tests. */
int plan_expand(const struct command *cmd, const struct buf *env, struct buf *argv, struct err *err);

#endif
