/* bpf.h - writing programs of struct sock_filter. Used by: os/seccomp.c, os/seccomp_program.c. */
#ifndef OS_BPF_H
#define OS_BPF_H

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>

#include "base/buf.h"

static inline size_t bpf_here(const struct buf *b)
{
        return b->len / sizeof(struct sock_filter);
}

static inline void bpf_add(struct buf *b, uint16_t code, uint32_t k, uint8_t jt, uint8_t jf)
{
        struct sock_filter insn = { .code = code, .jt = jt, .jf = jf, .k = k };

        buf_add(b, &insn, sizeof(insn));
}

/* Load 32 bits of the call at this offset. */
static inline void bpf_load(struct buf *b, size_t offset)
{
        bpf_add(b, BPF_LD | BPF_W | BPF_ABS, (uint32_t) offset, 0, 0);
}

static inline void bpf_return(struct buf *b, uint32_t action)
{
        bpf_add(b, BPF_RET | BPF_K, action, 0, 0);
}

/* A jump whose goal is not known yet: bpf_land() says that it is here. */
static inline size_t bpf_jump(struct buf *b)
{
        bpf_add(b, BPF_JMP | BPF_JA, 0, 0, 0);
        return bpf_here(b) - 1;
}

static inline void bpf_land(struct buf *b, size_t from)
{
        if (!buf_failed(b))
                ((struct sock_filter *) (void *) b->data)[from].k = (uint32_t) (bpf_here(b) - from - 1);
}

/* The halves of an argument: low 32 bits, high 32 bits. */
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define BPF_ARG_LOW(n)  (offsetof(struct seccomp_data, args) + 8 * (n))
#define BPF_ARG_HIGH(n) (BPF_ARG_LOW(n) + 4)
#else
#define BPF_ARG_HIGH(n) (offsetof(struct seccomp_data, args) + 8 * (n))
#define BPF_ARG_LOW(n)  (BPF_ARG_HIGH(n) + 4)
#endif

#endif
