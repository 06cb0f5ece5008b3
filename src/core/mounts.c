/* mounts.c - order and precedence of mounts. See mounts.h. Pure. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/mounts_priv.h"

static bool is_new(const struct want *w)
{
        return w->kind != PLAN_MOUNT_KEEP;
}

static const char *path_of(const struct wants *all, const struct want *w)
{
        return all->texts.data + w->path;
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
        enum { WEAK = 3 };
        static const int rank[PLAN_MOUNT_COUNT] = {
                [PLAN_MOUNT_HIDE] = 0, [PLAN_MOUNT_BIND] = 1, [PLAN_MOUNT_BIND_ONE] = 1, [PLAN_MOUNT_TMPFS] = 2,
                [PLAN_MOUNT_FS] = 2, [PLAN_MOUNT_LINK] = 2, [PLAN_MOUNT_KEEP] = WEAK + 1,
        };
        const struct wants *all = arg;
        const struct want *x = a, *y = b;
        int r = compare_paths(path_of(all, x), path_of(all, y));

        if (r == 0)
                r = x->rescue - y->rescue;
        if (r == 0)
                r = (x->weak ? WEAK : rank[x->kind]) - (y->weak ? WEAK : rank[y->kind]);
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
                w->gone = true;
                if (w->weak)
                        continue;
                first->ro = w->ro > first->ro ? w->ro : first->ro;
                first->noexec = w->noexec > first->noexec ? w->noexec : first->noexec;
                first->from = is_new(first) || first->from ? first->from : w->from;
                first->optional &= w->optional;
                first->no_link &= w->no_link;
                if (!first->origin.line)
                        first->origin = w->origin;
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
                if (w->inner && w->from && w->kind == PLAN_MOUNT_KEEP)
                        w->kind = PLAN_MOUNT_BIND;
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
        const char *path = path_of(all, w), *from = all->texts.data + w->from, *from2 = all->texts.data + w->from2;
        const char *dir = f->sandbox.stand_in_dir, *file = f->sandbox.stand_in_file;
        int64_t off = (w->ro ? 0 : PLAN_ATTR_RDONLY) | (w->noexec ? 0 : PLAN_ATTR_NOEXEC);

        *op = (struct mount_op) { .kind = w->kind, .origin = w->origin, .text = (uint32_t) m->texts.len };
        op->set = w->attributes | (w->ro ? PLAN_ATTR_RDONLY : 0) | (w->noexec ? PLAN_ATTR_NOEXEC : 0);
        op->clear = w->inner && !is_new(w) ? off : 0;
        op->flags = (w->optional ? PLAN_MOUNT_OPTIONAL : 0U) | (w->inner ? PLAN_MOUNT_INNER : 0U) |
                    (w->no_link ? PLAN_MOUNT_NO_LINK : 0U);
        buf_add(&m->texts, path, strlen(path) + 1);
        if (w->kind == PLAN_MOUNT_HIDE) {
                buf_add(&m->texts, dir ? dir : "", dir ? strlen(dir) + 1 : 1);
                buf_add(&m->texts, file ? file : "", file ? strlen(file) + 1 : 1);
        } else if (is_new(w)) {
                op->flags |= w->kind == PLAN_MOUNT_FS && w->optional && !w->make ? 0U : PLAN_MOUNT_MAKE;
                buf_add(&m->texts, from, strlen(from) + 1);
                if (w->kind == PLAN_MOUNT_FS)
                        buf_add(&m->texts, from2, strlen(from2) + 1);
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

int mounts_compile(const struct spec *s, const struct plan_facts *f, unsigned parts, const char *private_tmp,
                   struct mounts *ret)
{
        struct wants all = { .texts = BUF_INIT };
        int r = -ENOMEM;

        mounts_said(&all, s, f, parts, private_tmp);
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
