/* cgrouprig.h - a tree of groups of one's own for tests; tests are skipped where none may be made. */
#ifndef TESTS_CGROUPRIG_H
#define TESTS_CGROUPRIG_H

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "os/cgroup_priv.h"

extern char dir[64];      /* the runtime directory */
extern struct cgroup *c;

int open_tree(void **state);
int close_tree(void **state);
void need_tree(void);
pid_t run_in(const char *node, const char *script); /* a shell in the group of a node; it has joined when this returns */
void wait_empty(const char *node);
void count_cookie(void *arg, uint64_t cookie);      /* adds it up */

#define TREE_TEST(f) cmocka_unit_test_setup_teardown(f, open_tree, close_tree)

#endif
