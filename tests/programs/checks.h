/* checks.h - for programs that check the installed libcoppice: "ok NAME" or "not ok NAME: ..." a line for each, then "done". */
#include <stdio.h>
#include <string.h>

#define SECOND INT64_C(1000000)

static char problem[300];

static int fail(int line, const char *expression, long got)
{
        (void) snprintf(problem, sizeof problem, "line %d: %s is %ld", line, expression, got);
        return -1;
}

/* A check ends at its first broken promise: the line of it, and what came instead. */
#define WANT(expression, want)                                                                                         \
        do {                                                                                                           \
                long got_ = (long) (expression);                                                                       \
                if (got_ != (long) (want))                                                                             \
                        return fail(__LINE__, #expression, got_);                                                      \
        } while (0)

#define CHECK(name) { #name, name }
#define RUN_CHECKS(checks, arg, filter)                                                                                \
        do {                                                                                                           \
                for (size_t i_ = 0; i_ < sizeof(checks) / sizeof(checks)[0]; i_++) {                                   \
                        if (!strstr((checks)[i_].name, (filter)))                                                      \
                                continue;                                                                              \
                        if ((checks)[i_].run(arg) == 0)                                                                \
                                printf("ok %s\n", (checks)[i_].name);                                                  \
                        else                                                                                           \
                                printf("not ok %s: %s\n", (checks)[i_].name, problem);                                 \
                        (void) fflush(stdout);                                                                         \
                }                                                                                                      \
                printf("done\n");                                                                                      \
                (void) fflush(stdout);                                                                                 \
        } while (0)
