/* reach.c - see reach.h. */
#include "os/reach.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "os/fs.h"
#include "os/nss.h"

enum { HELPER_FD = 3, STUCK_MAX = 16, PATH_LEN = 4096, KEPT_MAX = REACH_KEEP };

struct kept {                    /* an answer */
        char *question, *text;   /* owned; NULL = free */
        size_t question_len, len;
        int64_t at;              /* when it came, reach_now() */
};

struct reach {
        const char *program;
        int sock;                /* -1: no helper */
        pid_t pid;
        pid_t stuck[STUCK_MAX];  /* were killed and have not ended yet; 0 = free */
        char gone[PATH_LEN];     /* the mount that did not answer, "" = none ... */
        int64_t gone_until;      /* ... and how long it is not asked again, in seconds */
        int64_t names_until;     /* the name service has not answered: the same */
        bool held;
        int64_t since;           /* while held: answers from before count for nothing */
        char wanted[REACH_QUESTION_MAX];
        size_t wanted_len;       /* 0 = nothing */
        struct kept kept[KEPT_MAX];
        unsigned kept_next;      /* the oldest */
};

static int64_t now_sec(void)
{
        struct timespec t;

        (void) clock_gettime(CLOCK_MONOTONIC, &t);
        return t.tv_sec;
}

int64_t reach_now(void)
{
        struct timespec t;

        (void) clock_gettime(CLOCK_MONOTONIC, &t);
        return (int64_t) t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

struct reach *reach_new(const char *program)
{
        struct reach *r = calloc(1, sizeof *r);

        if (r)
                *r = (struct reach) { .program = program, .sock = -1 };
        return r;
}

/* --- mounts ----------------------------------------------------------------------------------------------------- */

/* Kinds of file system whose answers come from elsewhere: another machine, or a program. */
static bool from_elsewhere(const char *kind)
{
        static const char *const kinds[] = { "nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afs", "ceph", "glusterfs",
                                             "lustre", "ocfs2", "gfs2", "coda", "ncpfs", "autofs", "virtiofs", "pvfs2",
                                             "beegfs" };

        for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
                if (strcmp(kind, kinds[i]) == 0)
                        return true;
        return strncmp(kind, "fuse", 4) == 0 && strcmp(kind, "fusectl") != 0;
}

static bool below(const char *path, const char *mount)
{
        size_t n = strlen(mount);

        return strncmp(path, mount, n) == 0 && (path[n] == '/' || path[n] == '\0' || (n > 0 && mount[n - 1] == '/'));
}

/* One line of mountinfo: "36 35 98:0 /root /mount options ... - kind source options". */
static bool read_line(char *line, const char **ret_mount, const char **ret_kind)
{
        char *dash = strstr(line, " - "), *save = NULL, *word = NULL;

        if (!dash)
                return false;
        *dash = '\0';
        *ret_kind = dash + 3;
        dash[3 + strcspn(dash + 3, " ")] = '\0';
        for (int i = 0; i < 5; i++)
                word = strtok_r(i == 0 ? line : NULL, " ", &save);
        *ret_mount = word;
        return word != NULL;
}

/* Is anything mounted here that could fail to answer? The mount of `path` into mount[n]; by its name, for
 * to ask would be to touch it. A link may lead from anywhere to anywhere: so one such mount is enough to
 * be careful with every path. */
static bool must_ask(const char *path, char *mount, size_t n)
{
        autobuf struct buf text = BUF_INIT;
        bool elsewhere = false;
        char *save = NULL;
        size_t longest = 0;

        (void) snprintf(mount, n, "/");
        if (fs_read("/proc/self/mountinfo", 4U << 20, &text, NULL) < 0)
                return false;
        buf_addc(&text, '\0');
        for (char *line = strtok_r(text.data, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
                const char *at, *kind;

                if (!read_line(line, &at, &kind))
                        continue;
                elsewhere |= from_elsewhere(kind);
                if (below(path, at) && strlen(at) >= longest) {
                        longest = strlen(at);
                        (void) snprintf(mount, n, "%s", at);
                }
        }
        return elsewhere;
}

/* --- the helper --------------------------------------------------------------------------------------------------- */

int reach_main(void)
{
        static char answer[REACH_ANSWER_MAX];
        char q[REACH_QUESTION_MAX];
        struct stat s;
        ssize_t n;

        (void) prctl(PR_SET_PDEATHSIG, SIGKILL); /* in the middle of a question it would not hear of the engine's end */
        while ((n = recv(HELPER_FD, q, sizeof q - 1, 0)) > 0) {
                size_t len = 1;

                q[n] = '\0';
                answer[0] = '\0';
                if (q[0] == REACH_NAMES) {
                        len = nss_answer(q + 1, answer);
                } else {
                        (void) stat(q + 1, &s);
                        (void) access(q + 1, R_OK);
                }
                if (send(HELPER_FD, answer, len, MSG_NOSIGNAL) < 0)
                        break;
        }
        return 0;
}

static int start(struct reach *r)
{
        char *argv[] = { (char *) "coppice-engine", (char *) REACH_ARGUMENT, NULL };
        char *env[] = { NULL };
        posix_spawn_file_actions_t fds;
        autoclose int theirs = -1;
        int pair[2], rc;

        if (r->sock >= 0)
                return 0;
        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
                return -errno;
        r->sock = pair[0];
        theirs = fcntl(pair[1], F_DUPFD_CLOEXEC, HELPER_FD + 1); /* not 3 itself: dup2 onto itself would keep CLOEXEC */
        (void) close(pair[1]);
        if (theirs < 0 || posix_spawn_file_actions_init(&fds) != 0) {
                fd_close(&r->sock);
                return -EMFILE;
        }
        rc = posix_spawn_file_actions_adddup2(&fds, theirs, HELPER_FD);
        if (rc == 0)
                rc = posix_spawn(&r->pid, r->program, &fds, NULL, argv, env);
        (void) posix_spawn_file_actions_destroy(&fds);
        if (rc != 0)
                fd_close(&r->sock);
        return -rc;
}

/* Those that were killed in the middle of a question and have ended since. */
static void collect(struct reach *r)
{
        for (int i = 0; i < STUCK_MAX; i++)
                if (r->stuck[i] > 0 && waitpid(r->stuck[i], NULL, WNOHANG) != 0)
                        r->stuck[i] = 0;
}

/* It hangs in the kernel, perhaps even beyond SIGKILL: it is not waited for. */
static void give_up(struct reach *r)
{
        (void) kill(r->pid, SIGKILL);
        fd_close(&r->sock);
        collect(r);
        for (int i = 0; i < STUCK_MAX; i++)
                if (r->stuck[i] == 0) {
                        r->stuck[i] = r->pid;
                        break;
                }
        r->pid = 0;
}

/* The length of the answer; 0 when there is none in time. */
static ssize_t answer_of(int sock, int ms, char *answer, size_t room)
{
        struct pollfd p = { .fd = sock, .events = POLLIN };
        ssize_t n;
        int r;

        do
                r = poll(&p, 1, ms);
        while (r < 0 && errno == EINTR);
        n = r > 0 ? recv(sock, answer, room, MSG_DONTWAIT) : 0;
        return n < 0 ? 0 : n;
}

/* Ask and wait. The length of the answer; -ETIMEDOUT, and the helper is gone; -errno when there can be none. A helper
 * that has ended since its last answer, for whatever reason, is replaced. */
static ssize_t exchange(struct reach *r, const char *question, size_t len, int ms, char *answer, size_t room)
{
        collect(r);
        for (int tries = 0; tries < 2; tries++) {
                bool asked;
                ssize_t n;
                int rc = start(r);

                if (rc < 0)
                        return rc;
                asked = send(r->sock, question, len, MSG_NOSIGNAL) >= 0;
                n = asked ? answer_of(r->sock, ms, answer, room) : 0;
                if (n > 0)
                        return n;
                give_up(r);
                if (asked)
                        break;
        }
        return -ETIMEDOUT;
}

/* --- answers that are there already ------------------------------------------------------------------------------- */

static struct kept *kept_of(struct reach *r, const char *question, size_t n)
{
        for (size_t i = 0; i < KEPT_MAX; i++) {
                struct kept *k = &r->kept[i];

                if (k->question && k->question_len == n && memcmp(k->question, question, n) == 0)
                        return k;
        }
        return NULL;
}

static const struct kept *kept_answer(struct reach *r, const char *question, size_t n)
{
        const struct kept *k = kept_of(r, question, n);

        return k && k->at >= (r->held ? r->since : reach_now() - REACH_KEEP_MS) ? k : NULL;
}

static void kept_free(struct kept *k)
{
        free(k->question);
        free(k->text);
        *k = (struct kept) { 0 };
}

static int want(struct reach *r, const char *question, size_t n)
{
        if (r->wanted_len == 0 && n < sizeof r->wanted) {
                memcpy(r->wanted, question, n);
                r->wanted_len = n;
        }
        return -EINPROGRESS;
}

static void mount_is_gone(struct reach *r, const char *mount)
{
        (void) snprintf(r->gone, sizeof r->gone, "%s", mount);
        r->gone_until = now_sec() + REACH_GONE_SEC;
}

void reach_hold(struct reach *r, int64_t since)
{
        if (!r)
                return;
        r->held = true;
        r->since = since;
        r->wanted_len = 0;
}

void reach_unhold(struct reach *r)
{
        if (r)
                r->held = false;
}

const char *reach_wanted(const struct reach *r, size_t *ret_len)
{
        if (!r || r->wanted_len == 0)
                return NULL;
        if (ret_len)
                *ret_len = r->wanted_len;
        return r->wanted;
}

static void keep_failure(struct reach *r, const char *question, size_t n)
{
        char path[PATH_LEN], mount[PATH_LEN];

        if (question[0] == REACH_NAMES) {
                r->names_until = now_sec() + REACH_GONE_SEC;
                return;
        }
        (void) snprintf(path, sizeof path, "%.*s", (int) (n - 1), question + 1);
        (void) must_ask(path, mount, sizeof mount);
        mount_is_gone(r, mount);
}

void reach_keep(struct reach *r, const char *question, size_t n, const char *answer, ssize_t len)
{
        struct kept *k;

        if (!r || n == 0)
                return;
        if (len <= 0) {
                keep_failure(r, question, n);
                return;
        }
        k = kept_of(r, question, n);
        if (!k) {
                k = &r->kept[r->kept_next];
                r->kept_next = (r->kept_next + 1) % KEPT_MAX;
        }
        kept_free(k);
        k->question = malloc(n);
        k->text = malloc((size_t) len);
        if (!k->question || !k->text) { /* as if nobody knew */
                kept_free(k);
                keep_failure(r, question, n);
                return;
        }
        memcpy(k->question, question, n);
        memcpy(k->text, answer, (size_t) len);
        k->question_len = n;
        k->len = (size_t) len;
        k->at = reach_now();
}

int reach_send(struct reach *r, const char *question, size_t n)
{
        collect(r);
        for (int tries = 0; tries < 2; tries++) {
                int rc = start(r);

                if (rc < 0)
                        return rc;
                if (send(r->sock, question, n, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0)
                        return r->sock;
                give_up(r); /* it has ended since its last answer */
        }
        return -EPIPE;
}

ssize_t reach_take(struct reach *r, char *answer)
{
        ssize_t n = recv(r->sock, answer, REACH_ANSWER_MAX, MSG_DONTWAIT);

        return n > 0 ? n : n < 0 && (errno == EAGAIN || errno == EINTR) ? -EAGAIN : -EPIPE;
}

void reach_lose(struct reach *r)
{
        if (r->sock >= 0)
                give_up(r);
}

int reach_ask(struct reach *r, const char *path)
{
        char mount[PATH_LEN], question[PATH_LEN + 1], answer;
        int n;

        if (!r || !must_ask(path, mount, sizeof mount))
                return 0;
        if (r->gone[0] && now_sec() >= r->gone_until)
                r->gone[0] = '\0';
        if (r->gone[0] && strcmp(r->gone, mount) == 0)
                return -ETIMEDOUT;
        n = snprintf(question, sizeof question, "%c%s", REACH_PATH, path);
        if (n >= REACH_QUESTION_MAX || kept_answer(r, question, (size_t) n))
                return 0;
        if (r->held)
                return want(r, question, (size_t) n);
        if (exchange(r, question, (size_t) n, REACH_MS, &answer, 1) != -ETIMEDOUT)
                return 0;
        mount_is_gone(r, mount);
        return -ETIMEDOUT;
}

ssize_t reach_names(struct reach *r, const char *question, size_t n, char *answer)
{
        const struct kept *k = kept_answer(r, question, n);
        ssize_t got;

        if (k) {
                memcpy(answer, k->text, k->len);
                return (ssize_t) k->len;
        }
        if (now_sec() < r->names_until)
                return -ETIMEDOUT;
        if (r->held)
                return want(r, question, n);
        got = exchange(r, question, n, REACH_NAMES_MS, answer, REACH_ANSWER_MAX);
        if (got == -ETIMEDOUT)
                r->names_until = now_sec() + REACH_GONE_SEC;
        return got;
}

int reach_helped(const struct reach *r)
{
        return r && r->sock >= 0;
}

void reach_rest(struct reach *r)
{
        if (!r || r->sock < 0)
                return;
        fd_close(&r->sock);
        (void) kill(r->pid, SIGKILL); /* its last question has been answered; what a module does at its end
                                       * is not waited for */
        (void) waitpid(r->pid, NULL, 0);
        r->pid = 0;
}

void reach_free(struct reach *r)
{
        reach_rest(r);
        for (size_t i = 0; r && i < KEPT_MAX; i++)
                kept_free(&r->kept[i]);
        free(r);
}
