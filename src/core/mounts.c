/* mounts.c - see mounts.h. Pure. */
#include "core/mounts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { UNSAID = -1 };

/* One wish about one path. */
struct want {
        uint32_t path, from, from2;  /* texts; 0 = none */
        enum plan_mount kind;
        int8_t ro, noexec;           /* 1, 0, UNSAID */
        bool optional, no_link;
        bool rescue;                 /* only when something new would cover it */
        bool inner, gone;            /* below something new; dropped */
        int64_t attributes;          /* nosuid, nodev */
        struct origin origin;
};

struct wants {
        struct want *list;
        size_t count, cap;
        struct buf texts;
        bool failed;
};

static bool is_new(const struct want *w)
{
        return w->kind != PLAN_MOUNT_KEEP;
}

static const char *path_of(const struct wants *all, const struct want *w)
{
        return all->texts.data + w->path;
}

static uint32_t keep_text(struct wants *all, const char *text, size_t n)
{
        uint32_t at = (uint32_t) all->texts.len;

        buf_add(&all->texts, text, n);
        buf_addc(&all->texts, '\0');
        return at;
}

static struct want *add(struct wants *all, const char *path, size_t n, enum plan_mount kind, struct origin origin)
{
        static struct want nowhere_to_put;
        size_t cap = all->cap ? all->cap * 2 : 32;

        if (all->count == all->cap) {
                struct want *more = reallocarray(all->list, cap, sizeof(*more));

                if (!more) {
                        all->failed = true;
                        return &nowhere_to_put;
                }
                all->list = more;
                all->cap = cap;
        }
        all->list[all->count] = (struct want) { .path = keep_text(all, path, n), .kind = kind, .ro = UNSAID,
                                                .noexec = UNSAID, .origin = origin };
        return &all->list[all->count++];
}

/* --- what the unit says ------------------------------------------------------------------------------------------- */

/* One item of ReadOnlyPaths= and its kin. */
static struct want *add_item(struct wants *all, const struct spec *s, enum directive d, size_t i, enum plan_mount kind)
{
        const char *text = spec_item(s, d, i);
        bool optional = text[0] == '-';
        struct want *w;

        text += optional;
        text += text[0] == '+';
        w = add(all, text, strlen(text), kind, spec_item_origin(s, d, i));
        w->optional = optional;
        return w;
}

static void add_lists(struct wants *all, const struct spec *s)
{
        static const struct { enum directive d; int8_t ro, noexec; enum plan_mount kind; } lists[] = {
                { D_SERVICE_ReadOnlyPaths, 1, UNSAID, PLAN_MOUNT_KEEP },
                { D_SERVICE_ReadWritePaths, 0, UNSAID, PLAN_MOUNT_KEEP },
                { D_SERVICE_NoExecPaths, UNSAID, 1, PLAN_MOUNT_KEEP },
                { D_SERVICE_ExecPaths, UNSAID, 0, PLAN_MOUNT_KEEP },
                { D_SERVICE_InaccessiblePaths, UNSAID, UNSAID, PLAN_MOUNT_HIDE },
        };

        for (size_t l = 0; l < sizeof(lists) / sizeof(lists[0]); l++)
                for (size_t i = 0; i < spec_count(s, lists[l].d); i++) {
                        struct want *w = add_item(all, s, lists[l].d, i, lists[l].kind);

                        w->ro = lists[l].ro;
                        w->noexec = lists[l].noexec;
                }
}

/* SOURCE:DESTINATION:rbind */
static void add_binds(struct wants *all, const struct spec *s, enum directive d, bool ro)
{
        for (size_t i = 0; i < spec_count(s, d); i++) {
                const char *text = spec_item(s, d, i), *colon, *options;
                bool optional = text[0] == '-';
                struct want *w;

                text += optional;
                colon = strchr(text, ':');
                options = colon ? strchr(colon + 1, ':') : NULL;
                if (!options)
                        continue; /* the parser writes all three */
                w = add(all, colon + 1, (size_t) (options - colon - 1),
                        strcmp(options, ":norbind") == 0 ? PLAN_MOUNT_BIND_ONE : PLAN_MOUNT_BIND,
                        spec_item_origin(s, d, i));
                w->from = keep_text(all, text, (size_t) (colon - text));
                w->optional = optional;
                w->ro = ro ? 1 : UNSAID;
        }
}

/* One word of the options of TemporaryFileSystem=: the mount's own become attributes. */
static bool attribute(struct want *w, const char *word, size_t n)
{
        static const struct { const char *on, *off; int64_t bit; } words[] = {
                { "nosuid", "suid", PLAN_ATTR_NOSUID }, { "nodev", "dev", PLAN_ATTR_NODEV },
                { "noexec", "exec", PLAN_ATTR_NOEXEC }, { "ro", "rw", PLAN_ATTR_RDONLY },
        };

        for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
                if (strlen(words[i].on) == n && memcmp(words[i].on, word, n) == 0)
                        w->attributes |= words[i].bit;
                else if (strlen(words[i].off) == n && memcmp(words[i].off, word, n) == 0)
                        w->attributes &= ~words[i].bit;
                else
                        continue;
                return true;
        }
        return false;
}

static void set_options(struct wants *all, struct want *w, const char *options)
{
        autobuf struct buf own = BUF_INIT;

        buf_adds(&own, "mode=0755");
        w->attributes = PLAN_ATTR_NODEV;
        while (*options) {
                size_t n = strcspn(options, ",");

                if (n > 0 && !attribute(w, options, n)) {
                        buf_addc(&own, ',');
                        buf_add(&own, options, n);
                }
                options += n + (options[n] == ',');
        }
        if (w->attributes & PLAN_ATTR_RDONLY)
                w->ro = 1;
        w->attributes &= ~PLAN_ATTR_RDONLY;
        w->from = keep_text(all, buf_text(&own), own.len);
}

static struct want *add_tmpfs(struct wants *all, const char *path, size_t n, const char *options, struct origin origin)
{
        struct want *w = add(all, path, n, PLAN_MOUNT_TMPFS, origin);

        set_options(all, w, options);
        return w;
}

static void add_tmpfs_list(struct wants *all, const struct spec *s)
{
        for (size_t i = 0; i < spec_count(s, D_SERVICE_TemporaryFileSystem); i++) {
                const char *text = spec_item(s, D_SERVICE_TemporaryFileSystem, i);
                size_t n = strcspn(text, ":");

                (void) add_tmpfs(all, text, n, text[n] ? text + n + 1 : "",
                                 spec_item_origin(s, D_SERVICE_TemporaryFileSystem, i));
        }
}

static struct want *add_ours(struct wants *all, const char *path, enum plan_mount kind, int8_t ro, struct origin origin)
{
        struct want *w = add(all, path, strlen(path), kind, origin);

        w->ro = ro;
        w->optional = true;
        return w;
}

static void add_private_tmp(struct wants *all, const struct spec *s, const char *name)
{
        static const char *const paths[] = { "/tmp", "/var/tmp" };
        struct origin origin = spec_origin(s, D_SERVICE_PrivateTmp);
        int64_t how = spec_int(s, D_SERVICE_PrivateTmp);

        for (size_t i = 0; how != PRIVATE_TMP_NO && i < 2; i++) {
                autobuf struct buf from = BUF_INIT;
                struct want *w;

                if (how == PRIVATE_TMP_DISCONNECTED) {
                        w = add_tmpfs(all, paths[i], strlen(paths[i]), "mode=1777,nosuid", origin);
                } else {
                        w = add(all, paths[i], strlen(paths[i]), PLAN_MOUNT_BIND, origin);
                        buf_addf(&from, "%s/%s/tmp", paths[i], name);
                        w->from = keep_text(all, buf_text(&from), from.len);
                        w->attributes = PLAN_ATTR_NOSUID | PLAN_ATTR_NODEV;
                }
                w->optional = i > 0;
        }
}

static void add_directories(struct wants *all, const struct spec *s, enum directive d, const char *root)
{
        for (size_t i = 0; root && i < spec_count(s, d); i++) {
                autobuf struct buf path = BUF_INIT;
                struct want *w;

                buf_addf(&path, "%s/%s", root, spec_item(s, d, i));
                w = add(all, buf_text(&path), path.len, PLAN_MOUNT_KEEP, spec_item_origin(s, d, i));
                w->ro = 0;
        }
}

static void add_system(struct wants *all, const struct spec *s, const struct plan_facts *f)
{
        /* Before /usr was merged these were directories of their own; now they are links into it. */
        static const char *const programs[] = { "/bin", "/sbin", "/lib", "/lib32", "/lib64" };
        struct origin o = spec_origin(s, D_SERVICE_ProtectSystem);
        int64_t how = spec_int(s, D_SERVICE_ProtectSystem);

        if (how == PROTECT_SYSTEM_STRICT) {
                (void) add_ours(all, "/", PLAN_MOUNT_KEEP, 1, o);
                (void) add_ours(all, "/dev", PLAN_MOUNT_KEEP, 0, o);
                (void) add_ours(all, "/proc", PLAN_MOUNT_KEEP, 0, o);
                (void) add_ours(all, "/sys", PLAN_MOUNT_KEEP, 0, o);
        } else if (how != PROTECT_SYSTEM_NO) {
                (void) add_ours(all, "/usr", PLAN_MOUNT_KEEP, 1, o);
                (void) add_ours(all, "/boot", PLAN_MOUNT_KEEP, 1, o);
                (void) add_ours(all, "/efi", PLAN_MOUNT_KEEP, 1, o);
                for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++)
                        add_ours(all, programs[i], PLAN_MOUNT_KEEP, 1, o)->no_link = true;
        }
        if (how == PROTECT_SYSTEM_FULL)
                (void) add_ours(all, "/etc", PLAN_MOUNT_KEEP, 1, o);
        add_directories(all, s, D_SERVICE_RuntimeDirectory, f->runtime_root);
        add_directories(all, s, D_SERVICE_StateDirectory, f->state_root);
        add_directories(all, s, D_SERVICE_CacheDirectory, f->cache_root);
        add_directories(all, s, D_SERVICE_LogsDirectory, f->logs_root);
}

static void add_home(struct wants *all, const struct spec *s)
{
        static const char *const homes[] = { "/home", "/root", "/run/user" };
        struct origin o = spec_origin(s, D_SERVICE_ProtectHome);
        int64_t how = spec_int(s, D_SERVICE_ProtectHome);

        for (size_t i = 0; i < 3 && how != PROTECT_HOME_NO; i++) {
                if (how == PROTECT_HOME_YES)
                        (void) add_ours(all, homes[i], PLAN_MOUNT_HIDE, UNSAID, o);
                else if (how == PROTECT_HOME_READ_ONLY)
                        (void) add_ours(all, homes[i], PLAN_MOUNT_KEEP, 1, o);
                else
                        add_tmpfs(all, homes[i], strlen(homes[i]), "ro,nosuid,noexec,size=64k", o)->optional = true;
        }
}

/* What the service reaches us by stays in its place, whatever is put on top of the directory it is in. */
static void add_rescue(struct wants *all, const char *path)
{
        struct want *w;

        if (!path || path[0] != '/')
                return;
        w = add(all, path, strlen(path), PLAN_MOUNT_BIND, (struct origin) { "", 0 });
        w->from = keep_text(all, path, strlen(path));
        w->rescue = w->optional = true;
}

static void collect(struct wants *all, const struct spec *s, const struct plan_facts *f, const char *private_tmp)
{
        buf_addc(&all->texts, '\0'); /* offset 0 stands for no text */
        add_lists(all, s);
        add_binds(all, s, D_SERVICE_BindPaths, false);
        add_binds(all, s, D_SERVICE_BindReadOnlyPaths, true);
        add_tmpfs_list(all, s);
        add_private_tmp(all, s, private_tmp);
        add_system(all, s, f);
        add_home(all, s);
        add_rescue(all, f->notify_socket);
        add_rescue(all, f->sandbox.control_socket);
}

/* --- order and precedence ----------------------------------------------------------------------------------------- */

/* As strcmp, but a path comes right before those below it. */
static int compare_paths(const char *a, const char *b)
{
        if (a[1] == '\0' || b[1] == '\0') /* the root */
                return (b[1] == '\0') - (a[1] == '\0');
        while (*a && *a == *b)
                a++, b++;
        if (*a == *b)
                return 0;
        return (*a == '/' ? 1 : (unsigned char) *a) - (*b == '/' ? 1 : (unsigned char) *b);
}

static int compare(const void *a, const void *b, void *arg)
{
        static const int rank[PLAN_MOUNT_COUNT] = {
                [PLAN_MOUNT_HIDE] = 0, [PLAN_MOUNT_BIND] = 1, [PLAN_MOUNT_BIND_ONE] = 1, [PLAN_MOUNT_TMPFS] = 2,
                [PLAN_MOUNT_KEEP] = 3,
        };
        const struct wants *all = arg;
        const struct want *x = a, *y = b;
        int r = compare_paths(path_of(all, x), path_of(all, y));

        if (r == 0)
                r = x->rescue - y->rescue;
        if (r == 0)
                r = rank[x->kind] - rank[y->kind];
        return r ? r : x->path < y->path ? -1 : x->path > y->path;
}

static bool is_below(const char *path, const char *above)
{
        size_t n = strlen(above);

        if (n == 1)
                return path[1] != '\0';
        return strncmp(path, above, n) == 0 && path[n] == '/';
}

static struct want *above(const struct wants *all, size_t i)
{
        for (size_t k = i; k-- > 0;)
                if (!all->list[k].gone && is_below(path_of(all, &all->list[i]), path_of(all, &all->list[k])))
                        return &all->list[k];
        return NULL;
}

static void merge_same_paths(struct wants *all)
{
        struct want *first = NULL;

        for (size_t i = 0; i < all->count; i++) {
                struct want *w = &all->list[i];

                if (!first || strcmp(path_of(all, first), path_of(all, w)) != 0) {
                        first = w;
                        continue;
                }
                first->ro = w->ro > first->ro ? w->ro : first->ro;
                first->noexec = w->noexec > first->noexec ? w->noexec : first->noexec;
                first->optional &= w->optional;
                first->no_link &= w->no_link;
                if (!first->origin.line)
                        first->origin = w->origin;
                w->gone = true;
        }
}

/* Fill in what a path says nothing about from what is above it; drop what then changes nothing. */
static void settle(struct wants *all)
{
        for (size_t i = 0; i < all->count; i++) {
                struct want *w = &all->list[i];
                const struct want *up = w->gone ? NULL : above(all, i);
                int8_t ro = up ? up->ro : 0, noexec = up ? up->noexec : 0;

                if (w->gone)
                        continue;
                w->inner = up && (is_new(up) || up->inner);
                w->gone = (up && up->kind == PLAN_MOUNT_HIDE) || (w->rescue && !w->inner);
                if (w->ro == UNSAID)
                        w->ro = is_new(w) ? 0 : ro;
                if (w->noexec == UNSAID)
                        w->noexec = noexec;
                if (!is_new(w) && w->ro == ro && w->noexec == noexec)
                        w->gone = true;
        }
}

/* --- the result --------------------------------------------------------------------------------------------------- */

static void emit(const struct wants *all, const struct want *w, const struct plan_facts *f, struct mounts *m)
{
        struct mount_op *op = &m->ops[m->count++];
        const char *path = path_of(all, w), *from = all->texts.data + w->from;
        int64_t off = (w->ro ? 0 : PLAN_ATTR_RDONLY) | (w->noexec ? 0 : PLAN_ATTR_NOEXEC);

        *op = (struct mount_op) { .kind = w->kind, .origin = w->origin, .text = (uint32_t) m->texts.len };
        op->set = w->attributes | (w->ro ? PLAN_ATTR_RDONLY : 0) | (w->noexec ? PLAN_ATTR_NOEXEC : 0);
        op->clear = w->inner && !is_new(w) ? off : 0;
        op->flags = (w->optional ? PLAN_MOUNT_OPTIONAL : 0U) | (w->inner ? PLAN_MOUNT_INNER : 0U) |
                    (w->no_link ? PLAN_MOUNT_NO_LINK : 0U);
        buf_add(&m->texts, path, strlen(path) + 1);
        if (w->kind == PLAN_MOUNT_HIDE) {
                buf_add(&m->texts, f->sandbox.stand_in_dir, strlen(f->sandbox.stand_in_dir) + 1);
                buf_add(&m->texts, f->sandbox.stand_in_file, strlen(f->sandbox.stand_in_file) + 1);
        } else if (is_new(w)) {
                op->flags |= PLAN_MOUNT_MAKE;
                buf_add(&m->texts, from, strlen(from) + 1);
        }
        op->len = (uint32_t) m->texts.len - op->text;
}

static int finish(const struct wants *all, const struct plan_facts *f, struct mounts *ret)
{
        struct mounts m = { .texts = BUF_INIT };
        size_t left = 0;

        for (size_t i = 0; i < all->count; i++)
                left += !all->list[i].gone;
        if (left > PLAN_MOUNTS_MAX)
                return -E2BIG;
        m.ops = calloc(left + 1, sizeof(*m.ops));
        if (!m.ops)
                return -ENOMEM;
        for (size_t i = 0; i < all->count; i++)
                if (!all->list[i].gone)
                        emit(all, &all->list[i], f, &m);
        if (buf_failed(&m.texts)) {
                mounts_free(&m);
                return -ENOMEM;
        }
        *ret = m;
        return 0;
}

int mounts_compile(const struct spec *s, const struct plan_facts *f, const char *private_tmp, struct mounts *ret)
{
        struct wants all = { .texts = BUF_INIT };
        int r = -ENOMEM;

        collect(&all, s, f, private_tmp);
        if (!all.failed && !buf_failed(&all.texts)) {
                if (all.count)
                        qsort_r(all.list, all.count, sizeof(*all.list), compare, &all);
                merge_same_paths(&all);
                settle(&all);
                r = finish(&all, f, ret);
        }
        free(all.list);
        buf_free(&all.texts);
        return r;
}

void mounts_free(struct mounts *m)
{
        free(m->ops);
        buf_free(&m->texts);
        *m = (struct mounts) { 0 };
}

bool mounts_wanted(const struct spec *s)
{
        static const enum directive lists[] = {
                D_SERVICE_ReadOnlyPaths, D_SERVICE_ReadWritePaths, D_SERVICE_InaccessiblePaths, D_SERVICE_NoExecPaths,
                D_SERVICE_ExecPaths, D_SERVICE_BindPaths, D_SERVICE_BindReadOnlyPaths, D_SERVICE_TemporaryFileSystem,
        };

        for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
                if (spec_count(s, lists[i]) > 0)
                        return true;
        return spec_int(s, D_SERVICE_PrivateMounts) || spec_has(s, D_SERVICE_MountFlags) ||
               spec_int(s, D_SERVICE_PrivateTmp) != PRIVATE_TMP_NO ||
               spec_int(s, D_SERVICE_ProtectSystem) != PROTECT_SYSTEM_NO ||
               spec_int(s, D_SERVICE_ProtectHome) != PROTECT_HOME_NO;
}
