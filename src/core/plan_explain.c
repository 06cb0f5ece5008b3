/* plan_explain.c - a plan in words: the sentences of base/plan_steps.def with their blanks filled in. Pure. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>

#include "core/capability.h"
#include "core/plan_priv.h"

struct told {
        const struct plan_step *s;
        const char *text;
        struct buf *out;
};

static const char *nth(const struct told *t, size_t n)
{
        size_t at = 0;
        const char *word = NULL;

        for (size_t i = 0; i <= n; i++)
                word = plan_string(t->text, t->s->text_len, &at);
        return word ? word : "";
}

/* As one would write it in a shell, so that it can be tried there. */
static void quote(struct buf *out, const char *word)
{
        if (*word && word[strspn(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                       "_./:=@%+,-")] == 0) {
                buf_adds(out, word);
                return;
        }
        buf_addc(out, '\'');
        for (; *word; word++)
                if (*word == '\'')
                        buf_adds(out, "'\\''");
                else
                        buf_addc(out, *word);
        buf_addc(out, '\'');
}

static void tell_words(const struct told *t, size_t skip)
{
        const char *word;
        size_t at = 0;

        for (size_t i = 0; (word = plan_string(t->text, t->s->text_len, &at)); i++) {
                if (i < skip)
                        continue;
                if (i > skip)
                        buf_addc(t->out, ' ');
                quote(t->out, word);
        }
}

static void tell_limit(struct buf *out, int64_t v)
{
        if (v == -1)
                buf_adds(out, "infinity");
        else
                buf_addf(out, "%" PRIu64, (uint64_t) v);
}

static void tell_flags(const struct told *t)
{
        int64_t f = t->s->b;

        buf_adds(t->out, (f & O_ACCMODE) == O_RDONLY ? "reading"
                         : (f & O_ACCMODE) == O_RDWR ? "reading and writing"
                         : f & O_APPEND              ? "appending"
                                                     : "writing");
        if (f & O_TRUNC)
                buf_adds(t->out, " from empty");
        if (t->s->flags & PLAN_OPEN_TTY)
                buf_adds(t->out, " as controlling terminal");
}

static void tell_places(const struct told *t)
{
        const struct plan_place *p = (const void *) t->text;

        for (size_t i = 0; i < t->s->text_len / sizeof *p; i++) {
                buf_addf(t->out, "%s%d=", i ? " " : "", p[i].target);
                if (p[i].source >= 0)
                        buf_addf(t->out, "received[%d]", p[i].source);
                else if (p[i].source <= PLAN_SOURCE_OWN(0))
                        buf_addf(t->out, "own[%d]", PLAN_SOURCE_OWN(0) - p[i].source);
                else
                        buf_addf(t->out, "opened[%d]", PLAN_SOURCE_SLOT(0) - p[i].source);
        }
}

static bool has_cpu(const struct told *t, size_t cpu)
{
        const unsigned long *mask = (const void *) t->text;
        const size_t bits = 8 * sizeof *mask;

        return cpu < t->s->text_len * 8 && (mask[cpu / bits] >> cpu % bits & 1);
}

static void tell_cpus(const struct told *t)
{
        bool first = true;

        for (size_t cpu = 0, end; cpu < t->s->text_len * 8; cpu = end + 1) {
                for (end = cpu; has_cpu(t, end); end++)
                        ;
                if (end == cpu)
                        continue;
                buf_addf(t->out, first ? "%zu" : " %zu", cpu);
                if (end - cpu > 1)
                        buf_addf(t->out, "-%zu", end - 1);
                first = false;
        }
}

static void tell_ids(const struct told *t)
{
        const gid_t *ids = (const void *) t->text;
        size_t n = t->s->text_len / sizeof *ids;

        for (size_t i = 0; i < n; i++)
                buf_addf(t->out, "%s%u", i ? " " : "", ids[i]);
        if (n == 0)
                buf_adds(t->out, "none");
}

static void tell_attributes(const struct told *t)
{
        int64_t a = t->s->b;

        buf_addf(t->out, "%s%s%s%s", a & PLAN_ATTR_RDONLY ? ", read-only" : "", a & PLAN_ATTR_NOEXEC ? ", noexec" : "",
                 a & PLAN_ATTR_NOSUID ? ", nosuid" : "", a & PLAN_ATTR_NODEV ? ", nodev" : "");
        buf_addf(t->out, "%s%s%s%s%s", a & PLAN_TMPFS_NOATIME ? ", noatime" : "",
                 a & PLAN_TMPFS_NODIRATIME ? ", nodiratime" : "", a & PLAN_TMPFS_RELATIME ? ", relatime" : "",
                 a & PLAN_TMPFS_STRICTATIME ? ", strictatime" : "", a & PLAN_TMPFS_NOSYMFOLLOW ? ", nosymfollow" : "");
}

static void tell_mount(const struct told *t)
{
        const char *path = nth(t, 0), *from = nth(t, 1);
        int64_t a = t->s->b;

        switch ((enum plan_mount) t->s->a) {
        case PLAN_MOUNT_KEEP:
                if (a & (PLAN_ATTR_RDONLY | PLAN_ATTR_NOEXEC))
                        buf_addf(t->out, "make %s%s%s%s", path, a & PLAN_ATTR_RDONLY ? " read-only" : "",
                                 a & PLAN_ATTR_RDONLY && a & PLAN_ATTR_NOEXEC ? "," : "",
                                 a & PLAN_ATTR_NOEXEC ? " not executable" : "");
                else
                        buf_addf(t->out, "leave %s as it is", path);
                break;
        case PLAN_MOUNT_BIND: case PLAN_MOUNT_BIND_ONE:
                buf_addf(t->out, "show %s at %s", from, path);
                tell_attributes(t);
                break;
        case PLAN_MOUNT_TMPFS:
                buf_addf(t->out, "mount an empty file system in memory on %s (%s)", path, from);
                tell_attributes(t);
                break;
        case PLAN_MOUNT_FS:
                buf_addf(t->out, "mount a new %s on %s%s%s%s", from, path, *nth(t, 2) ? " (" : "", nth(t, 2),
                         *nth(t, 2) ? ")" : "");
                break;
        case PLAN_MOUNT_LINK:
                buf_addf(t->out, "make %s a link to %s", path, from);
                return;
        case PLAN_MOUNT_HIDE:
                buf_addf(t->out, "hide %s", path);
                break;
        case PLAN_MOUNT_COUNT:
                break;
        }
        if (t->s->flags & PLAN_MOUNT_OPTIONAL)
                buf_adds(t->out, ", if it exists");
}

static void tell_rights(const struct told *t)
{
        static const struct { int64_t bit; const char *name; } fs[] = {
                { PLAN_LL_READ_FILE, "reading" }, { PLAN_LL_WRITE_FILE, "writing" }, { PLAN_LL_EXECUTE, "executing" },
        }, net[] = { { PLAN_LL_BIND_TCP, "listening" }, { PLAN_LL_CONNECT_TCP, "connecting" } };
        bool port = t->s->op == PLAN_ALLOW_PORT, first = true;
        int64_t files = port ? 0 : t->s->a, ports = port ? t->s->a : t->s->op == PLAN_LANDLOCK ? t->s->b : 0;

        for (size_t i = 0; i < sizeof(fs) / sizeof(fs[0]); i++)
                if (files & fs[i].bit) {
                        buf_addf(t->out, "%s%s", first ? "" : ", ", fs[i].name);
                        first = false;
                }
        for (size_t i = 0; i < sizeof(net) / sizeof(net[0]); i++)
                if (ports & net[i].bit) {
                        buf_addf(t->out, "%s%s", first ? "" : ", ", net[i].name);
                        first = false;
                }
}

static void tell_known(const struct told *t)
{
        const struct plan_step *s = t->s;

        if (s->c == 0)
                buf_adds(t->out, "the daemon's user");
        else if (s->a == 0)
                buf_adds(t->out, "root");
        else
                buf_addf(t->out, "root and user %" PRId64, s->a);
}

static void tell_spaces(const struct told *t)
{
        static const struct { int64_t flag; const char *name; } spaces[] = {
                { CLONE_NEWNS, "mount" }, { CLONE_NEWNET, "network" }, { CLONE_NEWIPC, "IPC" },
                { CLONE_NEWPID, "process" }, { CLONE_NEWUTS, "host name" }, { CLONE_NEWUSER, "user" },
                { CLONE_NEWCGROUP, "cgroup" },
        };
        bool first = true;

        for (size_t i = 0; i < sizeof(spaces) / sizeof(spaces[0]); i++)
                if (t->s->a & spaces[i].flag) {
                        buf_addf(t->out, "%s%s", first ? "" : ", ", spaces[i].name);
                        first = false;
                }
        buf_adds(t->out, " namespace");
}

/* The words behind the program. */
static void tell_filter(const struct told *t)
{
        size_t at = t->s->c < 0 ? 0 : (size_t) t->s->c;
        const char *words = plan_string(t->text, t->s->text_len, &at);

        buf_adds(t->out, words ? words : "?");
}

static bool is(const char *key, size_t n, const char *name)
{
        return strlen(name) == n && memcmp(key, name, n) == 0;
}

static void tell_blank(const struct told *t, const char *key, size_t n)
{
        const struct plan_step *s = t->s;

        if (is(key, n, "a"))
                buf_addf(t->out, "%" PRId64, s->a);
        else if (is(key, n, "b"))
                s->b < 0 ? buf_adds(t->out, "as made") : buf_addf(t->out, "%" PRId64, s->b);
        else if (is(key, n, "c"))
                s->c < 0 ? buf_adds(t->out, "as made") : buf_addf(t->out, "%" PRId64, s->c);
        else if (is(key, n, "oct"))
                buf_addf(t->out, "%04" PRIo64, (uint64_t) s->a);
        else if (is(key, n, "s"))
                buf_adds(t->out, nth(t, 0));
        else if (is(key, n, "2"))
                buf_adds(t->out, nth(t, 1));
        else if (is(key, n, "words"))
                tell_words(t, 1);
        else if (is(key, n, "all"))
                tell_words(t, 0);
        else if (is(key, n, "limit"))
                buf_adds(t->out, plan_limit_name((int) s->a));
        else if (is(key, n, "from"))
                tell_limit(t->out, s->b);
        else if (is(key, n, "to"))
                tell_limit(t->out, s->c);
        else if (is(key, n, "sig"))
                buf_addf(t->out, "SIG%s", signal_name((int) s->a) ? signal_name((int) s->a) : "?");
        else if (is(key, n, "flags"))
                tell_flags(t);
        else if (is(key, n, "places"))
                tell_places(t);
        else if (is(key, n, "cpus"))
                tell_cpus(t);
        else if (is(key, n, "filter"))
                tell_filter(t);
        else if (is(key, n, "ids"))
                tell_ids(t);
        else if (is(key, n, "caps"))
                capability_print((uint64_t) s->a, t->out);
        else if (is(key, n, "bits"))
                securebits_print((unsigned) s->a, t->out);
        else if (is(key, n, "spaces"))
                tell_spaces(t);
        else if (is(key, n, "rights"))
                tell_rights(t);
        else if (is(key, n, "who"))
                tell_known(t);
        else if (is(key, n, "pids"))
                buf_adds(t->out, s->a ? "be a process of that namespace, beside the main one"
                                      : "be process 2 of the process namespace, below a small init that reaps");
        else if (is(key, n, "mount"))
                tell_mount(t);
}

static void tell(const struct plan_step *s, const char *text, struct buf *out)
{
        struct told t = { s, text, out };

        for (const char *p = plan_rows[s->op].text; *p;) {
                const char *end = *p == '{' ? strchr(p, '}') : NULL;

                if (!end) {
                        buf_addc(out, *p++);
                        continue;
                }
                tell_blank(&t, p + 1, (size_t) (end - p - 1));
                p = end + 1;
        }
        if (s->op == PLAN_CHDIR && (s->flags & PLAN_OPTIONAL))
                buf_adds(out, ", or / if it cannot be entered");
        if (s->op == PLAN_EXEC && (s->flags & PLAN_SEARCH))
                buf_adds(out, ", looked for in " PLAN_PATH);
}

/* What is shown as the kind of a step: its stage, or its own name when it cannot fail. */
static const char *kind_of(const struct plan_step *s)
{
        return s->stage == STAGE_NONE ? plan_rows[s->op].name : stage_name((enum stage) s->stage);
}

struct reader {
        struct plan_iter it;
        const char *file;
        unsigned number;
};

/* The next step worth telling; 1, 0, -EBADMSG. */
static int next(struct reader *r, const struct plan_step **ret_s, const char **ret_text)
{
        int got;

        while ((got = plan_next(&r->it, ret_s, ret_text)) == 1) {
                if ((*ret_s)->op != PLAN_FILE) {
                        r->number++;
                        return 1;
                }
                r->file = *ret_text;
        }
        return got;
}

int plan_explain(const void *plan, size_t size, struct buf *out)
{
        struct reader r = { .file = "" };
        const struct plan_step *s;
        const char *text, *base;
        int got = plan_open(&r.it, plan, size);

        if (got < 0)
                return got;
        while ((got = next(&r, &s, &text)) == 1) {
                buf_addf(out, "%2u  %-18s ", r.number, kind_of(s));
                tell(s, text, out);
                base = strrchr(r.file, '/');
                if (s->line)
                        buf_addf(out, "   (%s:%u)", base ? base + 1 : r.file, s->line);
                buf_addc(out, '\n');
        }
        return got;
}

int plan_explain_json(const void *plan, size_t size, struct json *j, const char *key)
{
        autobuf struct buf words = BUF_INIT;
        struct reader r = { .file = "" };
        const struct plan_step *s;
        const char *text;
        int got = plan_open(&r.it, plan, size);

        if (got < 0)
                return got;
        json_open(j, key, '[');
        while ((got = next(&r, &s, &text)) == 1) {
                buf_clear(&words);
                tell(s, text, &words);
                json_open(j, NULL, '{');
                json_uint(j, "step", r.number);
                json_str(j, "op", plan_rows[s->op].name);
                json_str(j, "stage", stage_name((enum stage) s->stage));
                json_str(j, "text", buf_text(&words));
                json_str(j, "file", s->line ? r.file : "");
                json_uint(j, "line", s->line);
                json_close(j);
        }
        json_close(j);
        return got;
}
