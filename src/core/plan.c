/* plan.c - a spec, and what was looked up for it, into steps. See plan.h. Pure.
 *
 * The order is that of DESIGN section 9, and each place has its reason:
 *   - session and signals first: nothing of what follows may be interrupted by what was meant for the daemon;
 *   - the cgroup before anything that uses memory or time;
 *   - /proc/self is written before the process is made undumpable, which gives those files to root;
 *   - files are opened and directories made with the daemon's rights, before the ids are given away;
 *   - files of StandardOutput= and its kin are the machine's, not the sandbox's: opened before
 *     the mounts, as systemd does;
 *   - the limit of descriptors after the descriptors are in place: placing them needs numbers above it;
 *   - groups, gid, uid in this order: each needs the right that the next takes away;
 *   - the working directory with the rights of the user, who will have to read it;
 *   - PDEATHSIG after the uid change, which erases it;
 *   - no_new_privs last of all, so that it hinders nothing before. */
#include "core/plan.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "core/filter.h"
#include "core/plan_priv.h"

/* --- writing steps --------------------------------------------------------------------------------------------- */

static const struct origin nowhere = { "", 0 };

static void put(struct compiler *c, const struct step *s, uint32_t line)
{
        static const char zeros[8];
        size_t pad = (8 - s->len % 8) % 8;
        struct plan_step head = {
                .size = (uint32_t) (sizeof head + s->len + pad), .text_len = (uint32_t) s->len,
                .op = (uint16_t) s->op, .flags = (uint16_t) s->flags, .line = line,
                .stage = (uint16_t) (s->stage == STAGE_NONE ? plan_rows[s->op].stage : s->stage),
                .a = s->a, .b = s->b, .c = s->c,
        };

        buf_add(c->out, &head, sizeof head);
        if (s->len)
                buf_add(c->out, s->text, s->len);
        buf_add(c->out, zeros, pad);
        c->steps++;
}

void plan_add(struct compiler *c, const struct step *s)
{
        const char *file = s->origin.file;

        if (s->origin.line && strcmp(file, c->file) != 0) {
                put(c, &(struct step) { .op = PLAN_FILE, .text = file, .len = strlen(file) + 1 }, 0);
                (void) snprintf(c->file, sizeof c->file, "%s", file);
        }
        put(c, s, s->origin.line);
}

void plan_add_text(struct compiler *c, enum plan_op op, struct origin origin, const char *text)
{
        plan_add(c, &(struct step) { .op = op, .origin = origin, .text = text, .len = strlen(text) + 1 });
}

static void add_plain(struct compiler *c, enum plan_op op)
{
        plan_add(c, &(struct step) { .op = op, .origin = nowhere });
}

/* --- process ---------------------------------------------------------------------------------------------------- */

static const struct { enum directive d; int resource; } limits[] = {
        { D_SERVICE_LimitCPU, RLIMIT_CPU }, { D_SERVICE_LimitFSIZE, RLIMIT_FSIZE },
        { D_SERVICE_LimitDATA, RLIMIT_DATA }, { D_SERVICE_LimitSTACK, RLIMIT_STACK },
        { D_SERVICE_LimitCORE, RLIMIT_CORE }, { D_SERVICE_LimitRSS, RLIMIT_RSS },
        { D_SERVICE_LimitAS, RLIMIT_AS }, { D_SERVICE_LimitNPROC, RLIMIT_NPROC },
        { D_SERVICE_LimitMEMLOCK, RLIMIT_MEMLOCK }, { D_SERVICE_LimitLOCKS, RLIMIT_LOCKS },
        { D_SERVICE_LimitSIGPENDING, RLIMIT_SIGPENDING }, { D_SERVICE_LimitMSGQUEUE, RLIMIT_MSGQUEUE },
        { D_SERVICE_LimitNICE, RLIMIT_NICE }, { D_SERVICE_LimitRTPRIO, RLIMIT_RTPRIO },
        { D_SERVICE_LimitRTTIME, RLIMIT_RTTIME },
};

/* "1024", "18446744073709551615" for infinity, which as int64 is -1 and as rlim_t RLIM_INFINITY. */
static int64_t limit_value(const char *text)
{
        return (int64_t) strtoull(text, NULL, 10);
}

static void add_limit(struct compiler *c, enum directive d, int resource)
{
        if (spec_count(c->s, d) < 2)
                return;
        plan_add(c, &(struct step) { .op = PLAN_LIMIT, .origin = spec_origin(c->s, d), .a = resource,
                                     .b = limit_value(spec_item(c->s, d, 0)),
                                     .c = limit_value(spec_item(c->s, d, 1)) });
}

static void add_number(struct compiler *c, enum plan_op op, enum directive d)
{
        int64_t v = spec_int(c->s, d);

        if (v != SPEC_UNSET)
                plan_add(c, &(struct step) { .op = op, .origin = spec_origin(c->s, d), .a = v });
}

#define CPUS_MAX 8192
#define WORD_BITS (8 * sizeof(unsigned long))

/* "3", "0-7" -> the kernel's mask, in words of its own, as long as the highest processor needs. */
static void add_affinity(struct compiler *c)
{
        unsigned long mask[CPUS_MAX / WORD_BITS] = { 0 };
        size_t n = spec_count(c->s, D_SERVICE_CPUAffinity), words = 0;

        for (size_t i = 0; i < n; i++) {
                const char *text = spec_item(c->s, D_SERVICE_CPUAffinity, i);
                char *end;
                unsigned long first = strtoul(text, &end, 10);
                unsigned long last = *end == '-' ? strtoul(end + 1, NULL, 10) : first;

                for (unsigned long cpu = first; cpu <= last && cpu < CPUS_MAX; cpu++) {
                        mask[cpu / WORD_BITS] |= 1UL << cpu % WORD_BITS;
                        if (cpu / WORD_BITS >= words)
                                words = cpu / WORD_BITS + 1;
                }
        }
        if (words)
                plan_add(c, &(struct step) { .op = PLAN_AFFINITY, .text = mask, .len = words * sizeof mask[0],
                                             .origin = spec_origin(c->s, D_SERVICE_CPUAffinity) });
}

static void add_process(struct compiler *c)
{
        add_plain(c, PLAN_SESSION);
        add_plain(c, PLAN_SIGNALS);
        if (c->f->fds.cgroup >= 0)
                plan_add_text(c, PLAN_CGROUP, nowhere, c->f->cgroup_path ? c->f->cgroup_path : "of its own");
        if (c->f->fds.join >= 0) {
                const char *names = c->f->join_names ? c->f->join_names : "";

                plan_add(c, &(struct step) { .op = PLAN_JOIN, .origin = nowhere, .a = c->f->fds.join,
                                             .b = c->f->fds.join_count, .text = names, .len = strlen(names) + 1 });
        }
        for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++)
                add_limit(c, limits[i].d, limits[i].resource);
        add_number(c, PLAN_NICE, D_SERVICE_Nice);
        add_number(c, PLAN_OOM, D_SERVICE_OOMScoreAdjust);
        add_affinity(c);
        plan_sandbox_enter(c);
        plan_sandbox_user_first(c); /* writes to /proc/self too */
        add_plain(c, PLAN_UNDUMPABLE);
        add_number(c, PLAN_UMASK, D_SERVICE_UMask);
}

/* --- directories ------------------------------------------------------------------------------------------------ */

static void add_directories(struct compiler *c, enum directive d, enum directive mode, enum stage stage,
                            const char *root, bool to_user)
{
        const struct plan_facts *f = c->f;
        bool own = to_user && f->have_user && f->root;
        bool private = to_user && d != D_SERVICE_RuntimeDirectory && spec_int(c->s, D_SERVICE_DynamicUser);

        if (private && root && spec_count(c->s, d))
                plan_private(c, d, stage, root);
        for (size_t i = 0; root && i < spec_count(c->s, d); i++) {
                const char *name = spec_item(c->s, d, i);
                char text[8192];
                int n = snprintf(text, sizeof text, "%s%c%s%s", root, 0, private ? "private/" : "", name);

                if (n < 0 || (size_t) n >= sizeof text)
                        continue; /* longer than any path: the parser refuses it */
                plan_add(c, &(struct step) { .op = PLAN_DIRECTORY, .stage = stage, .flags = private ? PLAN_OWN_ALL : 0,
                                             .origin = spec_item_origin(c->s, d, i),
                                             .a = spec_int(c->s, mode), .b = own ? (int64_t) f->uid : -1,
                                             .c = own ? (int64_t) f->gid : -1, .text = text, .len = (size_t) n + 1 });
                if (private)
                        plan_private_link(c, stage, root, name, spec_item_origin(c->s, d, i));
        }
}

static void add_all_directories(struct compiler *c)
{
        const struct plan_facts *f = c->f;

        add_directories(c, D_SERVICE_RuntimeDirectory, D_SERVICE_RuntimeDirectoryMode, STAGE_RUNTIME_DIRECTORY,
                        f->runtime_root, true);
        add_directories(c, D_SERVICE_StateDirectory, D_SERVICE_StateDirectoryMode, STAGE_STATE_DIRECTORY,
                        f->state_root, true);
        add_directories(c, D_SERVICE_CacheDirectory, D_SERVICE_CacheDirectoryMode, STAGE_CACHE_DIRECTORY,
                        f->cache_root, true);
        add_directories(c, D_SERVICE_LogsDirectory, D_SERVICE_LogsDirectoryMode, STAGE_LOGS_DIRECTORY,
                        f->logs_root, true);
        add_directories(c, D_SERVICE_ConfigurationDirectory, D_SERVICE_ConfigurationDirectoryMode,
                        STAGE_CONFIGURATION_DIRECTORY, f->config_root, false);
}

/* --- rights ----------------------------------------------------------------------------------------------------- */

static bool becomes_root(const struct compiler *c)
{
        const struct plan_facts *f = c->f;

        return !f->have_user || c->keep_ids ? f->root : f->uid == 0;
}

static void add_ids(struct compiler *c)
{
        const struct plan_facts *f = c->f;
        struct origin user = spec_origin(c->s, D_SERVICE_User);
        struct origin group = spec_origin(c->s, D_SERVICE_Group);

        bool other = f->have_user && !c->keep_ids;

        if (!group.line)
                group = user;
        if (other && f->root) /* nobody else may; and who is not root has no more groups than he has */
                plan_add(c, &(struct step) { .op = PLAN_GROUPS, .origin = group, .text = f->groups,
                                             .len = f->group_count * sizeof f->groups[0] });
        plan_sandbox_user_last(c, becomes_root(c)); /* knows no other groups, so it comes after them */
        plan_sandbox_bounding(c, becomes_root(c));  /* and gives the whole set back */
        if (!other)
                return;
        plan_add(c, &(struct step) { .op = PLAN_GID, .origin = group, .a = f->gid });
        plan_add(c, &(struct step) { .op = PLAN_UID, .origin = user, .a = f->uid,
                                     .flags = plan_keeps_caps(c) ? PLAN_KEEP_CAPS : 0 });
}

static void add_chdir(struct compiler *c)
{
        const char *path = spec_str(c->s, D_SERVICE_WorkingDirectory);
        unsigned flags = 0;

        if (path[0] == '-') {
                flags = PLAN_OPTIONAL;
                path++;
        }
        if (strcmp(path, "~") == 0)
                path = c->f->home ? c->f->home : "/";
        if (!path[0])
                path = "/";
        plan_add(c, &(struct step) { .op = PLAN_CHDIR, .flags = flags, .text = path, .len = strlen(path) + 1,
                                     .origin = spec_origin(c->s, D_SERVICE_WorkingDirectory) });
}

/* The very last step before exec: everything before would otherwise have to be allowed. */
static void add_filter(struct compiler *c)
{
        const struct plan_filter none = { 0 }, *f = c->f->filter ? c->f->filter : &none;
        autobuf struct buf text = BUF_INIT, words = BUF_INIT;

        if (c->privileged || c->f->filter_left_out)
                return;
        filter_words(c->s, &words);
        if (words.len == 0)
                return;
        buf_add(&text, f->program, f->size);
        buf_add(&text, buf_text(&words), words.len + 1);
        plan_add(c, &(struct step) { .op = PLAN_SECCOMP, .origin = filter_origin(c->s), .a = f->flags,
                                     .b = (int64_t) f->gate, .c = (int64_t) f->size, .text = text.data,
                                     .len = text.len });
        c->failed |= buf_failed(&text) || buf_failed(&words);
}

/* Only who may administer the system may install a filter and keep the right to gain rights by exec. */
static bool filter_needs_nnp(const struct compiler *c, bool root)
{
        return !c->privileged && c->f->filter && (!root || c->f->filter->needs_nnp);
}

static void add_rights(struct compiler *c)
{
        bool root = becomes_root(c);
        bool drop = c->f->root && !root && !plan_keeps_caps(c);

        add_ids(c);
        /* a plain service has that of init, which is empty too */
        if (c->box.parts || (c->f->have_user && !c->keep_ids))
                add_plain(c, PLAN_KEYRING);
        add_chdir(c);
        if (!c->privileged)
                plan_add(c, &(struct step) { .op = PLAN_CAPS, .origin = nowhere, .a = drop });
        plan_sandbox_caps(c, root);
        if (spec_int(c->s, D_SERVICE_OnDaemonDeath) != ON_DEATH_LEAVE)
                plan_add(c, &(struct step) { .op = PLAN_DEATHSIG, .origin = nowhere, .a = SIGKILL });
        if (plan_no_new_privs(c, root) || filter_needs_nnp(c, root) ||
            ((!root || c->f->sandbox.needs_nnp) && plan_landlocks(c)))
                plan_add(c, &(struct step) { .op = PLAN_NO_NEW_PRIVS,
                                             .origin = spec_origin(c->s, D_SERVICE_NoNewPrivileges) });
}

/* --- program ---------------------------------------------------------------------------------------------------- */

static int add_program(struct compiler *c, const struct command *cmd, struct err *err)
{
        autobuf struct buf env = BUF_INIT;
        autobuf struct buf words = BUF_INIT;
        autobuf struct buf text = BUF_INIT;
        int r = plan_environment(c, &env, err);

        if (r < 0)
                return r;
        r = plan_expand(cmd, &env, &words, err);
        if (r < 0)
                return r;
        plan_add(c, &(struct step) { .op = PLAN_ENV, .origin = nowhere, .text = env.data, .len = env.len });
        if (c->f->watchdog_usec > 0 && !c->f->control && !plan_env_unset(c->s, "WATCHDOG_PID"))
                plan_add_text(c, PLAN_ENV_PID, nowhere, "WATCHDOG_PID");
        if (c->f->fds.listen_count > 0 && !c->f->control && !plan_env_unset(c->s, "LISTEN_PID"))
                plan_add_text(c, PLAN_ENV_PID, nowhere, "LISTEN_PID");
        add_filter(c);
        buf_add(&text, cmd->path, strlen(cmd->path) + 1);
        buf_add(&text, words.data, words.len);
        plan_add(c, &(struct step) { .op = PLAN_EXEC, .origin = cmd->origin, .text = text.data, .len = text.len,
                                     .flags = strchr(cmd->path, '/') ? 0 : PLAN_SEARCH });
        return buf_failed(&env) || buf_failed(&words) || buf_failed(&text) ? -ENOMEM : 0;
}

static int add_all(struct compiler *c, const struct command *cmd, struct err *err)
{
        const char *root = spec_str(c->s, D_SERVICE_RootDirectory);
        int r;

        r = plan_sandbox_begin(c, err);
        if (r < 0)
                return r;
        add_process(c);
        add_all_directories(c);
        plan_sandbox_directories(c);
        r = plan_streams(c, err);
        if (r == 0)
                r = plan_creds_open(c, err);
        if (r == 0)
                r = plan_sandbox_namespaces(c, err);
        if (r < 0)
                return r;
        plan_creds_fill(c);
        add_limit(c, D_SERVICE_LimitNOFILE, RLIMIT_NOFILE);
        if (root[0] && !plan_pivots(c))
                plan_add_text(c, PLAN_CHROOT, spec_origin(c->s, D_SERVICE_RootDirectory), root);
        add_rights(c);
        r = plan_landlock(c);
        return r < 0 ? r : add_program(c, cmd, err);
}

int plan_compile(const struct spec *s, const struct plan_facts *facts, enum directive directive, size_t index,
                 struct buf *out, struct err *err)
{
        struct compiler c = { .s = s, .f = facts, .out = out };
        struct plan_head head = { .magic = PLAN_MAGIC };
        struct command cmd;
        int r;

        buf_clear(out);
        if (index >= spec_count(s, directive))
                return err_set(err, STAGE_PLAN, EINVAL, "find command %zu of %s=: there is none", index,
                               directive_rows[directive].key);
        cmd = spec_command(s, directive, index);
        c.privileged = cmd.flags & CMD_FULL_PRIVILEGES;
        c.keep_ids = cmd.flags & (CMD_FULL_PRIVILEGES | CMD_NO_SETUID);
        buf_add(out, &head, sizeof head);
        r = add_all(&c, &cmd, err);
        if (r == -ENOMEM || (r == 0 && (buf_failed(out) || c.failed)))
                return err_set(err, STAGE_RESOURCES, ENOMEM, "compile the plan: out of memory");
        if (r == 0 && out->len > PLAN_MAX)
                return err_set(err, STAGE_EXEC, E2BIG, "compile the plan: arguments and environment are %zu bytes",
                               out->len);
        if (r < 0)
                return r;
        head.size = (uint32_t) out->len;
        head.steps = c.steps;
        memcpy(out->data, &head, sizeof head);
        return 0;
}

/* --- words of systemd ------------------------------------------------------------------------------------------- */

const char *plan_service_result(const struct reason *r)
{
        switch ((enum reason_kind) r->kind) {
        case REASON_NONE: case REASON_NORMAL: case REASON_SHUTDOWN:
                return "success";
        case REASON_EXIT:
                return "exit-code";
        case REASON_SIGNAL: case REASON_KILLED:
                return r->core_dumped ? "core-dump" : "signal";
        case REASON_OUT_OF_MEMORY:
                return "oom-kill";
        case REASON_TIMEOUT: case REASON_START_TIMEOUT: case REASON_STOP_TIMEOUT:
                return "timeout";
        case REASON_WATCHDOG:
                return "watchdog";
        case REASON_CONDITION:
                return "exec-condition";
        case REASON_PROTOCOL:
                return "protocol";
        case REASON_SPAWN: case REASON_DEPENDENCY: case REASON_LIMIT_PIDS:
                return "resources";
        default:
                return "signal";
        }
}

void plan_exit_texts(const struct reason *r, const char **ret_code, const char **ret_status, char *buf, size_t n)
{
        const char *name;

        *ret_code = *ret_status = NULL;
        if (r->kind == REASON_EXIT || r->kind == REASON_NORMAL) {
                (void) snprintf(buf, n, "%d", r->kind == REASON_EXIT ? r->code : 0);
                *ret_code = "exited";
                *ret_status = buf;
        } else if (r->kind == REASON_SIGNAL || r->kind == REASON_KILLED) {
                name = signal_name(r->kind == REASON_SIGNAL ? r->code : SIGKILL);
                if (name)
                        (void) snprintf(buf, n, "%s", name);
                else
                        (void) snprintf(buf, n, "%d", r->code);
                *ret_code = r->core_dumped ? "dumped" : "killed";
                *ret_status = buf;
        } else if (r->kind == REASON_SECCOMP) {
                (void) snprintf(buf, n, "SYS");
                *ret_code = "killed";
                *ret_status = buf;
        }
}
