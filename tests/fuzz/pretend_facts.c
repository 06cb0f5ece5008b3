/* pretend_facts.c - what the pretended engine knows of nodes, mail, logs and transient services: always the same. */
#include "tests/fuzz/pretend_priv.h"

#include <string.h>

#include "core/bond.h"
#include "core/syscalls.h"
#include "daemon/mailroom.h"
#include "os/doctor.h"

uint32_t engine_client_join(struct engine *e, mail_heard_fn *heard, void *arg)
{
        (void) e, (void) heard, (void) arg;
        return 7;
}

void engine_client_leave(struct engine *e, uint32_t number)
{
        (void) e;
        must(number == 7, "only a client that joined leaves");
}

struct sending *engine_mail_send(struct engine *e, uint32_t number, const char *bytes, size_t n, unsigned flags,
                                 mail_sent_fn *done, void *arg)
{
        (void) e, (void) number, (void) bytes;
        if (flags & MAIL_SEND_TAKEN)
                return (struct sending *) e; /* nobody ever reads here */
        done(arg, n % 2 ? MAIL_OK : MAIL_FULL, 1);
        return NULL;
}

void engine_mail_forget(struct engine *e, struct sending *s)
{
        must(s == (struct sending *) e, "only what is under way is forgotten");
}

enum mail_result engine_channel_create(struct engine *e, node_id place, const char *name, const char *settings, struct err *err)
{
        (void) e, (void) place, (void) settings, (void) err;
        return name[0] == 'x' ? MAIL_EXISTS : MAIL_OK;
}

enum mail_result engine_channel_close(struct engine *e, const char *name)
{
        (void) e;
        return name[0] == 'x' ? MAIL_NOT_FOUND : MAIL_OK;
}

void engine_pipe_ends(struct engine *e, node_id id, engine_pipe_end_fn *fn, void *arg)
{
        struct pipe_end_told t = { .channel = "/media", .descriptor = "stdout", .writes = true, .pipe = { .capacity = -1 } };

        (void) e;
        if (id == 1)
                fn(arg, &t);
}

void engine_pipe_edges(struct engine *e, engine_pipe_edge_fn *fn, void *arg)
{
        (void) e;
        fn(arg, "/media", 1, 1);
}

void engine_channel_edges(struct engine *e, engine_pipe_edge_fn *fn, void *arg)
{
        (void) e;
        fn(arg, "/jobs", 1, 1);
}

void engine_channels(struct engine *e, engine_channel_fn *fn, void *arg)
{
        struct channel_facts f = { .path = "/jobs", .spec = core_node(e->core, 1)->spec, .waiting = 3 };

        fn(arg, &f);
}

bool engine_channel_may_claim(struct engine *e, const struct channel_claim *claim)
{
        (void) e;
        return !claim->word || claim->word[0] != 'f';
}

bool engine_channel_taken(struct engine *e, const char *word)
{
        (void) e;
        return word[0] == 'm';
}

void engine_channel_let_go(struct engine *e, const void *holder)
{
        (void) e;
        must(holder != NULL, "somebody lets go");
}

struct puller *engine_channel_receive(struct engine *e, const char *name, bool wait, const struct channel_claim *claim,
                                      mail_heard_fn *heard, void *arg)
{
        must(!claim->word || (*claim->word && strlen(claim->word) <= CHANNEL_CLAIM_MAX), "a claim is a word");
        if (wait && name[0] == 'w')
                return (struct puller *) e;
        if (name[0] == 'm')
                heard(arg, "FROM=/a\n\n\xff", 10);
        else
                heard(arg, NULL, MAIL_EMPTY);
        return NULL;
}

void engine_channel_forget(struct puller *p)
{
        must(p != NULL, "only what waits is forgotten");
}

uint64_t engine_channel_select(struct engine *e, const char *const *names, size_t n, bool wait, const struct channel_claim *claim,
                               mail_heard_fn *heard, void *arg, size_t *ret_at)
{
        *ret_at = n - 1;
        must(n > 0 && n <= CHANNEL_SELECT_MAX, "so many channels and no more");
        return engine_channel_receive(e, names[n - 1], wait, claim, heard, arg) ? 1 : 0;
}

void engine_channel_forget_group(struct engine *e, uint64_t group)
{
        (void) e;
        must(group != 0, "only what waits is forgotten");
}

enum mail_result engine_channel_peek(struct engine *e, const char *name, engine_peek_fn *fn, void *arg)
{
        struct mail *m = mail_new("FROM=/a\n\n\xff", 10, NULL, 0);

        (void) e;
        while (m && fn(arg, m))
                ;
        mail_free(m);
        return name[0] == 'm' ? MAIL_OK : MAIL_NOT_FOUND;
}

struct tap {
        unsigned left;
};

/* It has two copies to give, then it has been cut. */
struct tap *engine_channel_tap(struct engine *e, const char *name, mail_news_fn *news, void *arg, enum mail_result *ret)
{
        struct tap *t = name[0] == 'm' ? calloc(1, sizeof *t) : NULL;

        (void) e, (void) news, (void) arg;
        *ret = t ? MAIL_OK : MAIL_NOT_FOUND;
        if (t)
                t->left = 2;
        return t;
}

struct mail *engine_tap_next(struct tap *t)
{
        return t->left && t->left-- ? mail_new("FROM=/a\n\n\xff", 10, NULL, 0) : NULL;
}

bool engine_tap_over(const struct tap *t, uint64_t *ret_missed)
{
        *ret_missed = 3;
        return t->left == 0;
}

void engine_tap_free(struct tap *t)
{
        free(t);
}

bool engine_bond(struct engine *e, struct event *event, const char *text, engine_done_fn *fn, void *arg)
{
        if (text && *text)
                event->arg2 = core_text_take(e->core, text);
        return core_bond_reserve(e->core) == 0 && engine_request(e, event, fn, arg) != 0;
}

bool engine_mail_facts(struct engine *e, node_id id, struct mail_facts *ret)
{
        (void) e;
        *ret = (struct mail_facts) { .waiting = 2, .capacity = 100, .blocked = 1 };
        return id == 1;
}

const struct said *engine_said(const struct engine *e, node_id id)
{
        static char text[] = "tells \"\\ \033[31m\xff of itself", bus[] = "a.b";
        static const struct said some[] = { { 0 }, { .text = text }, { .error = EIO, .bus_error = bus, .exit_status = 256 } };

        (void) e;
        return &some[id == 1 || id == 2 ? id : 0];
}

const char *engine_left(const struct engine *e, node_id id, char *buf, size_t n)
{
        (void) e;
        if (id != 3)
                return NULL;
        (void) snprintf(buf, n, "waits for process 12");
        return buf;
}

void engine_counters(struct engine *e, node_id id, struct limit_counters *ret)
{
        (void) e, (void) id;
        memset(ret, 0xff, sizeof *ret);
}

void engine_limits(struct engine *e, node_id id, engine_limit_fn *fn, void *arg)
{
        struct engine_limit l = { .directive = "MemoryMax", .controller = "memory", .backend = "v2", .requested = "1G" };

        (void) e, (void) id;
        fn(arg, &l);
}

void engine_limits_missing(struct engine *e, node_id id, engine_limit_fn *fn, void *arg)
{
        engine_limits(e, id, fn, arg);
}

void engine_doctor(struct engine *e, void (*fn)(void *arg, const struct doctor_row *row), void *arg)
{
        struct doctor_row row = { .area = "limits", .what = "memory", .state = DOCTOR_NO, .text = "a pretend world" };

        (void) e;
        fn(arg, &row);
}

int engine_usage(struct engine *e, node_id id, struct cgroup_usage *ret)
{
        (void) e;
        *ret = (struct cgroup_usage) { 4096, 17, 1 };
        return id % 2 ? 0 : -ENOENT;
}

char *engine_cgroup_path(const struct engine *e, node_id id, char *buf, size_t n)
{
        (void) e;
        (void) snprintf(buf, n, "/sys/fs/cgroup/n%u", id);
        return buf;
}

size_t engine_pids(struct engine *e, node_id id, pid_t *pids, size_t max)
{
        (void) e, (void) id;
        if (max)
                pids[0] = 4711;
        return 1000;
}

char *engine_log_dir_of(const struct engine *e, const char *path, char *buf, size_t n)
{
        (void) e;
        (void) snprintf(buf, n, "/nowhere%s", path);
        return buf;
}

char *engine_log_dir(const struct engine *e, node_id id, char *buf, size_t n)
{
        (void) e;
        (void) snprintf(buf, n, "%s", id % 2 ? "/var/log/x" : "");
        return buf;
}

void engine_log_flush(struct engine *e, node_id id, void (*fn)(void *arg, int result), void *arg)
{
        if (e->flushed || id == 3) {
                fn(arg, -EPIPE); /* the real one may answer at once as well */
                return;
        }
        e->flushed = fn;
        e->flush_arg = arg;
}

void engine_log_flush_forget(struct engine *e, void *arg)
{
        if (e->flush_arg == arg)
                e->flushed = NULL;
}

bool engine_orphaned(const struct engine *e, node_id id)
{
        (void) e;
        return id % 3 == 2;
}

const struct denial *engine_denial(const struct engine *e, node_id id)
{
        static const struct denial d = { .incarnation = 1, .pid = 7, .call = "keyctl", .remedy = "SystemCallFilter=keyctl" };

        (void) e;
        return id % 3 == 1 ? &d : NULL;
}

const bool *engine_learned(const struct engine *e, node_id id)
{
        static const bool all[SYSCALLS_MAX] = { true, true };

        (void) e;
        return id % 3 == 2 ? all : NULL;
}

const struct death *engine_death(const struct engine *e, node_id id, size_t i)
{
        static char tail[] = "one\ntwo\nwithout end";
        static const struct death d = { .incarnation = 1, .ran = true, .tail = tail, .tail_len = sizeof tail - 1 };

        (void) e;
        return id % 3 == 1 && i < 3 ? &d : NULL;
}

int death_exit_code(const struct death *d)
{
        return d->status;
}

int engine_transient(struct engine *e, const struct transient_request *q, const struct transient_ops *ops, void *arg,
                     uint64_t *ret_serial, node_id *ret_id, struct err *err)
{
        (void) e, (void) ops, (void) arg;
        if (q->argc == 0)
                return err_set(err, STAGE_LOAD, EINVAL, "property 1 (X): is no assignment");
        *ret_serial = 1;
        *ret_id = 1;
        return 0;
}

uint64_t engine_transient_listen(struct engine *e, node_id id, const struct transient_ops *ops, void *arg)
{
        (void) e, (void) ops, (void) arg;
        return id == 2;
}

void engine_transient_leave(struct engine *e, uint64_t serial, bool stop)
{
        (void) e, (void) stop;
        must(serial == 1, "only what was asked for is left");
}

bool engine_is_transient(const struct engine *e, node_id id)
{
        (void) e;
        return id == 2;
}

const struct transient_end *engine_transient_ended(const struct engine *e, const char *name)
{
        static char path[] = "/transient/run-1";
        static const struct transient_end end = { .serial = 1, .path = path, .death = { .ran = true, .status = 3 } };

        (void) e;
        return strcmp(name, path) == 0 ? &end : NULL;
}

void engine_peer(struct engine *e, int fd, struct peer *ret)
{
        (void) e;
        (void) fd;
        *ret = (struct peer) { .kind = PEER_OUTSIDE };
}

bool engine_peer_lives(const struct engine *e, const struct peer *p)
{
        return core_node(e->core, p->node) != NULL;
}
