/* syscalls.c - see syscalls.h. */
#include "core/syscalls.h"

#include <asm/unistd.h>
#include <stdlib.h>
#include <string.h>

#include "base/strtab.h"

/* Since 424 a new call has the same number on every processor, so headers may be older than what is known of it. */
#define LATER(name, number) { #name, number }
static const struct later {
        const char *name;
        int number;
} later[] = {
        LATER(cachestat, 451), LATER(fchmodat2, 452), LATER(map_shadow_stack, 453), LATER(futex_wake, 454),
        LATER(futex_wait, 455), LATER(futex_requeue, 456), LATER(statmount, 457), LATER(listmount, 458),
        LATER(lsm_get_self_attr, 459), LATER(lsm_set_self_attr, 460), LATER(lsm_list_modules, 461), LATER(mseal, 462),
        LATER(setxattrat, 463), LATER(getxattrat, 464), LATER(listxattrat, 465), LATER(removexattrat, 466),
        LATER(open_tree_attr, 467), LATER(file_getattr, 468), LATER(file_setattr, 469),
        LATER(listns, 470), LATER(rseq_slice_yield, 471),
#ifdef __x86_64__
        LATER(uretprobe, 335), LATER(uprobe, 336),
#endif
};

static const struct row {
        const char *name;
        int number;
} rows[] = {
#include "core/syscall_table.h"
};
static const size_t row_count = sizeof(rows) / sizeof(rows[0]);

static const struct group {
        const char *name, *help, *members;
} groups[] = {
#define GROUP(id, name, help, members) { name, help, members },
#include "core/syscall_groups.def"
#undef GROUP
};
static const size_t group_count = sizeof(groups) / sizeof(groups[0]);

size_t syscall_count(void)
{
        return row_count;
}

const char *syscall_name(size_t index)
{
        return rows[index].name;
}

int syscall_number(size_t index)
{
        if (rows[index].number >= 0)
                return rows[index].number;
        for (size_t i = 0; i < sizeof(later) / sizeof(later[0]); i++)
                if (strcmp(later[i].name, rows[index].name) == 0)
                        return later[i].number;
        return -1;
}

static int compare_rows(const void *name, const void *row)
{
        return strcmp(name, ((const struct row *) row)->name);
}

int syscall_find(const char *name)
{
        const struct row *row = bsearch(name, rows, row_count, sizeof(rows[0]), compare_rows);

        return row ? (int) (row - rows) : -1;
}

const char *syscall_by_number(int number)
{
        for (size_t i = 0; number >= 0 && i < row_count; i++)
                if (syscall_number(i) == number)
                        return rows[i].name;
        return NULL;
}

size_t syscall_group_count(void)
{
        return group_count;
}

const char *syscall_group_name(size_t group)
{
        return groups[group].name;
}

const char *syscall_group_help(size_t group)
{
        return groups[group].help;
}

const char *syscall_group_members(size_t group)
{
        return groups[group].members;
}

int syscall_group_find(const char *name)
{
        for (size_t i = 0; i < group_count; i++)
                if (strcmp(groups[i].name, name) == 0)
                        return (int) i;
        return -1;
}

/* Groups are at most three deep: @known, @system-service, ... tests/unit/filter.c walks them all. */
static void each_member(const char *members, void (*fn)(void *arg, size_t index), void *arg)
{
        char word[64];

        while (*members) {
                size_t n = strcspn(members, " ");

                if (n > 0 && n < sizeof(word)) {
                        memcpy(word, members, n);
                        word[n] = '\0';
                        (void) syscall_each(word, fn, arg);
                }
                members += n + (members[n] == ' ');
        }
}

bool syscall_each(const char *name, void (*fn)(void *arg, size_t index), void *arg)
{
        int found;

        if (name[0] == '@') {
                found = syscall_group_find(name);
                if (found >= 0)
                        each_member(groups[found].members, fn, arg);
        } else {
                found = syscall_find(name);
                if (found >= 0)
                        fn(arg, (size_t) found);
        }
        return found >= 0;
}

const char *syscall_nearest(const char *name)
{
        const char *words[SYSCALLS_MAX + 64];
        size_t n = 0;

        for (size_t i = 0; name[0] != '@' && i < row_count && n < SYSCALLS_MAX; i++)
                words[n++] = rows[i].name;
        for (size_t i = 0; name[0] == '@' && i < group_count; i++)
                words[n++] = groups[i].name;
        return strtab_nearest(words, n, name);
}
