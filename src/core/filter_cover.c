/* filter_cover.c - see filter_cover.h. A set cover by greed: the group that gains most first, until none gains. */
#include "core/filter_cover.h"

#include <string.h>

enum { EXTRA_WEIGHT = 10 /* so many calls too much weigh as one word */ };

struct cover {
        const bool *used;
        bool allowed[SYSCALLS_MAX];
        bool chosen[64];         /* by group */
};

struct count {
        const struct cover *c;
        bool seen[SYSCALLS_MAX];
        int gained, extra;
};

static void count_one(void *arg, size_t i)
{
        struct count *n = arg;

        if (n->seen[i] || n->c->allowed[i] || syscall_number(i) < 0)
                return; /* what this processor does not have costs nothing */
        n->seen[i] = true;
        if (n->c->used[i])
                n->gained++;
        else
                n->extra++;
}

/* Words saved, in tenths. */
static int gain_of(const struct cover *c, size_t group)
{
        struct count n = { .c = c };

        (void) syscall_each(syscall_group_name(group), count_one, &n);
        return (n.gained - 1) * EXTRA_WEIGHT - n.extra;
}

static void allow_one(void *arg, size_t i)
{
        ((struct cover *) arg)->allowed[i] = true;
}

static void choose(struct cover *c, size_t group)
{
        c->chosen[group] = true;
        (void) syscall_each(syscall_group_name(group), allow_one, c);
}

/* Groups of groups would let in too much of what was never asked for. */
static bool is_mixed(size_t group)
{
        return strchr(syscall_group_members(group), '@') != NULL;
}

static bool choose_best(struct cover *c)
{
        size_t best = SIZE_MAX;
        int most = 0;

        for (size_t g = 0; g < syscall_group_count(); g++) {
                int gain = c->chosen[g] || is_mixed(g) ? 0 : gain_of(c, g);

                if (gain > most) {
                        most = gain;
                        best = g;
                }
        }
        if (best == SIZE_MAX)
                return false;
        choose(c, best);
        return true;
}

static size_t write_words(const struct cover *c, struct buf *out)
{
        size_t extra = 0, begin = out->len;

        for (size_t g = 0; g < syscall_group_count(); g++)
                if (c->chosen[g] && strcmp(syscall_group_name(g), "@default") != 0)
                        buf_addf(out, "%s%s", out->len > begin ? " " : "", syscall_group_name(g));
        for (size_t i = 0; i < syscall_count(); i++) {
                if (c->used[i] && !c->allowed[i])
                        buf_addf(out, "%s%s", out->len > begin ? " " : "", syscall_name(i));
                extra += c->allowed[i] && !c->used[i] && syscall_number(i) >= 0;
        }
        return extra;
}

size_t filter_cover_from(const char *group, const bool used[SYSCALLS_MAX], struct buf *out)
{
        struct cover c = { .used = used };
        int first = syscall_group_find(group);

        choose(&c, (size_t) syscall_group_find("@default"));
        if (first >= 0)
                choose(&c, (size_t) first);
        while (choose_best(&c))
                ;
        return write_words(&c, out);
}

size_t filter_cover(const bool used[SYSCALLS_MAX], struct buf *out)
{
        return filter_cover_from("@default", used, out);
}
