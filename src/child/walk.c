/* walk.c - perform a plan step by step; say which one failed. See child.h. */
#include "child/child.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static int child_file(struct child *c, const struct plan_step *s, const char *text)
{
        size_t at = 0;

        c->file = plan_string(text, s->text_len, &at);
        return 0;
}

/* Said for people: the descriptor comes with the others. */
static int child_channel(struct child *c, const struct plan_step *s, const char *text)
{
        (void) c, (void) s, (void) text;
        return 0;
}

static child_step *const steps[PLAN_OP_COUNT] = {
        [PLAN_FILE] = child_file,
        [PLAN_SESSION] = child_session,
        [PLAN_SIGNALS] = child_signals,
        [PLAN_CGROUP] = child_cgroup,
        [PLAN_JOIN] = child_join,
        [PLAN_LIMIT] = child_limit,
        [PLAN_NICE] = child_nice,
        [PLAN_OOM] = child_oom,
        [PLAN_AFFINITY] = child_affinity,
        [PLAN_UNDUMPABLE] = child_undumpable,
        [PLAN_UMASK] = child_umask,
        [PLAN_DIRECTORY] = child_directory,
        [PLAN_LINK] = child_link,
        [PLAN_OPEN] = child_open,
        [PLAN_CHANNEL] = child_channel,
        [PLAN_PLACE] = child_place,
        [PLAN_TERMINAL] = child_terminal,
        [PLAN_CREDENTIAL] = child_credential,
        [PLAN_CREDENTIALS] = child_credentials,
        [PLAN_USERNS] = child_userns,
        [PLAN_NAMESPACES] = child_namespaces,
        [PLAN_ENTER] = child_enter,
        [PLAN_PIDS] = child_pids,
        [PLAN_ROOT] = child_root,
        [PLAN_MOUNT] = child_mount,
        [PLAN_SEAL] = child_seal,
        [PLAN_CHROOT] = child_chroot,
        [PLAN_CHDIR] = child_chdir,
        [PLAN_BOUNDING] = child_bounding,
        [PLAN_GROUPS] = child_groups,
        [PLAN_GID] = child_gid,
        [PLAN_UID] = child_uid,
        [PLAN_KEYRING] = child_keyring,
        [PLAN_CAPS] = child_caps,
        [PLAN_SECUREBITS] = child_securebits,
        [PLAN_AMBIENT] = child_ambient,
        [PLAN_DEATHSIG] = child_deathsig,
        [PLAN_NO_NEW_PRIVS] = child_no_new_privs,
        [PLAN_LANDLOCK] = child_landlock,
        [PLAN_ALLOW] = child_allow,
        [PLAN_ALLOW_REST] = child_allow_rest,
        [PLAN_ALLOW_PORT] = child_allow_port,
        [PLAN_RESTRICT] = child_restrict,
        [PLAN_ENV] = child_env,
        [PLAN_ENV_PID] = child_env_pid,
        [PLAN_SECCOMP] = child_seccomp,
        [PLAN_EXEC] = child_exec,
};

size_t child_digits(char *buf, int64_t n)
{
        uint64_t left = n < 0 ? 0 - (uint64_t) n : (uint64_t) n;
        char reversed[24];
        size_t count = 0, len = 0;

        do {
                reversed[count++] = (char) ('0' + left % 10);
                left /= 10;
        } while (left);
        if (n < 0)
                buf[len++] = '-';
        while (count)
                buf[len++] = reversed[--count];
        buf[len] = 0;
        return len;
}

static void copy_text(char *dst, size_t n, const char *src)
{
        size_t len = src ? strnlen(src, n - 1) : 0;

        if (len)
                memcpy(dst, src, len);
        dst[len] = 0;
}

/* What a person needs to know to find the cause: the path, the limit, the name. */
static const char *object_of(const struct child *c, const struct plan_step *s, const char *text)
{
        size_t at = 0;

        if (c->object)
                return c->object;
        switch ((enum plan_op) s->op) {
        case PLAN_LIMIT:
                return plan_limit_name((int) s->a);
        case PLAN_CGROUP:
        case PLAN_JOIN:
        case PLAN_OPEN:
        case PLAN_CHROOT:
        case PLAN_ROOT:
        case PLAN_ALLOW:
        case PLAN_CHDIR:
        case PLAN_EXEC:
                return plan_string(text, s->text_len, &at);
        default:
                return NULL;
        }
}

static _Noreturn void fail(const struct child *c, const struct plan_step *s, const char *text, uint32_t index,
                           int error)
{
        enum stage stage = s ? (enum stage) s->stage : STAGE_PLAN;
        int status = stage_exit_status(stage);
        struct init_spawn_failed m;

        memset(&m, 0, sizeof m);
        m.h = (struct init_header) { INIT_PROTO_VERSION, INIT_SPAWN_FAILED, sizeof m, 0 };
        m.request = c->job->request;
        m.pid = c->pid;
        m.error = error;
        m.stage = (uint16_t) stage;
        m.step = (uint16_t) index;
        m.line = s ? s->line : 0;
        copy_text(m.file, sizeof m.file, c->file);
        copy_text(m.object, sizeof m.object, s ? object_of(c, s, text) : NULL);
        child_send(c, c->report, &m, sizeof m, -1);
        _exit(status ? status : 70);
}

static int open_plan(const struct child_job *job, struct plan_iter *it)
{
        void *map;

        if (job->plan)
                return plan_open(it, job->plan, job->plan_size);
        if (job->plan_size > PLAN_MAX)
                return -EBADMSG;
        map = mmap(NULL, job->plan_size, PROT_READ, MAP_PRIVATE, job->plan_fd, 0);
        return map == MAP_FAILED ? -errno : plan_open(it, map, job->plan_size);
}

void child_run(const struct child_job *job)
{
        /* Not on the stack: few need them, and each page of it that is touched is a page fault. */
        static int mounts[PLAN_MOUNTS_MAX], creds[PLAN_CREDENTIALS_MAX];
        struct child c = { .job = job, .report = job->report, .keeper = job->keeper, .own = { 0, 1, 2 },
                           .stand_ins = { -1, -1 }, .proc = -1,
                           .pid = getpid(), .parent = job->parent, .mounts = mounts, .creds = creds };
        const struct plan_step *s = NULL;
        const char *text = NULL;
        struct plan_iter it = { 0 };
        int r;

        for (int i = 0; i < PLAN_FD_SLOTS; i++)
                c.slots[i] = -1;
        memcpy(c.fds, job->fds, job->fd_count * sizeof c.fds[0]);
        r = child_own_descriptors(job);
        if (r < 0)
                fail(&c, NULL, NULL, 0, -r);
        if (job->oom_give_back)
                (void) child_write_oom(job->oom); /* whoever may lower it may raise it */
        r = open_plan(job, &it);
        c.it = &it;
        c.start = it;
        while (r >= 0) {
                r = plan_next(&it, &s, &text);
                if (r <= 0)
                        break;
                c.object = NULL;
                r = steps[s->op](&c, s, text);
                if (r < 0)
                        fail(&c, c.blame ? c.blame : s, text, it.index, -r);
        }
        /* Only EXEC leaves a plan: one that ends without it, or cannot be read, is damaged. */
        fail(&c, NULL, NULL, 0, r < 0 ? -r : EBADMSG);
}
