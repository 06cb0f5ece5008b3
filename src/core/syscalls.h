/* syscalls.h - the names of system calls, their numbers here, and the groups of SystemCallFilter=.
 *
 * A call is known by its place in the sorted table of names ("index"): names are the same on every processor, numbers
 * are not. Pure. Used by: filter, reason, os/seccomp, daemon, ctl.  Tested by: tests/unit/filter.c */
#ifndef CORE_SYSCALLS_H
#define CORE_SYSCALLS_H

#include <stdbool.h>
#include <stddef.h>

#define SYSCALLS_MAX 640 /* the table is shorter: tests/unit/filter.c */

size_t syscall_count(void);                  /* how many names there are */
const char *syscall_name(size_t index);      /* "read" */
int syscall_number(size_t index);            /* on this processor; -1 = has none, or the headers are older */
int syscall_find(const char *name);          /* index, -1 = unknown */
const char *syscall_by_number(int number);   /* name, NULL = unknown */

/* Groups, in the order of systemd's documentation. */
size_t syscall_group_count(void);
const char *syscall_group_name(size_t group);    /* "@aio" */
const char *syscall_group_help(size_t group);
const char *syscall_group_members(size_t group); /* words; those that begin with "@" are groups */
int syscall_group_find(const char *name);        /* with its "@"; -1 = unknown */

/* Call fn for every call of `name`: one call, or a group with the groups in it. Some come more than once.
 * False: neither a call nor a group. */
bool syscall_each(const char *name, void (*fn)(void *arg, size_t index), void *arg);

/* The nearest spelling among calls and groups; NULL when nothing is near. */
const char *syscall_nearest(const char *name);

#endif
