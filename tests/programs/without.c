/* without.c - run a program as if the kernel or a container's filter did not know some system calls:
 *
 *      without ERRNO NAME... -- PROGRAM ARGS
 *
 * NAME:NUMBER: only when the first argument is that number. ERRNO is a symbol such as ENOSYS or EPERM. Exits 77 when no filter can be installed here. */
#include <errno.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int number_of(const char *symbol)
{
        if (strcmp(symbol, "0") == 0)
                return 0;
        for (int e = 1; e < 140; e++)
                if (strerrorname_np(e) && strcmp(strerrorname_np(e), symbol) == 0)
                        return e;
        return ENOSYS;
}

int main(int argc, char *argv[])
{
        scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
        int i = 2;

        for (; i < argc && strcmp(argv[i], "--") != 0; i++) {
                char *colon = strchr(argv[i], ':');
                struct scmp_arg_cmp first = SCMP_A0(SCMP_CMP_EQ, colon ? strtoul(colon + 1, NULL, 10) : 0, 0);
                int nr;

                if (colon)
                        *colon = '\0';
                nr = seccomp_syscall_resolve_name(argv[i]);
                if (nr == __NR_SCMP_ERROR ||
                    seccomp_rule_add_array(filter, SCMP_ACT_ERRNO((unsigned) number_of(argv[1])), nr, colon ? 1 : 0, &first) < 0) {
                        (void) fprintf(stderr, "without: no system call %s\n", argv[i]);
                        return 77;
                }
        }
        if (!filter || i + 1 >= argc || seccomp_load(filter) < 0)
                return 77;
        seccomp_release(filter);
        (void) execvp(argv[i + 1], argv + i + 1);
        return 127;
}
