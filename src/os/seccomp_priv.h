/* seccomp_priv.h - what the files that make the program of a filter share.
 *
 *      seccomp_table.c    how each call of each kind is treated
 *      seccomp_program.c  the same as a program
 *      seccomp.c          what the kernel says afterwards
 */
#ifndef OS_SECCOMP_PRIV_H
#define OS_SECCOMP_PRIV_H

#include "os/seccomp.h"

enum { NUMBERS = 1024, X32_BIT = 0x40000000 };

/* How a call is treated: a verdict of filter.h, or 10000 + a check. */
enum check { CHECK_FAMILY, CHECK_NS_FIRST, CHECK_NS_SECOND, CHECK_REALTIME, CHECK_MODE_1, CHECK_MODE_2, CHECK_OPEN,
             CHECK_OPENAT, CHECK_MMAP, CHECK_PROT, CHECK_SHMAT, CHECK_PERSONALITY, CHECK_COUNT };
enum { TREAT_CHECK = 10000, TREAT_LOG = 1000 /* the check passes with LOG */ };

/* One kind of call. */
struct kind {
        uint32_t audit;          /* AUDIT_ARCH_* */
        uint32_t token;          /* libseccomp's; 0 = native */
        enum filter_arch arch;
        int bit;                 /* set in every number of this kind */
};

extern const struct kind seccomp_kinds[]; /* the native one first; x32 behind the one whose architecture it shares */
extern const size_t seccomp_kind_count;

struct table {
        const struct kind *kind;
        const struct filter *f;
        int treat[NUMBERS];      /* by number */
};

/* Fills treat[] for the kind and the filter that are in it. */
void seccomp_table_fill(struct table *t);

/* The number of a call in a kind, without the bit; -1 = it has none. */
int seccomp_number_in(const struct kind *k, size_t index);

/* Of which kind a call is that the kernel tells us of, and libseccomp's name for a kind. */
enum filter_arch seccomp_arch_of(uint32_t audit, int number);
uint32_t seccomp_token_of(enum filter_arch arch);

#endif
