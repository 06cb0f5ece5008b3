/* random.h - random numbers that a seed repeats, for the programs in here. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* splitmix64: small, and every seed is a good one. */
static inline uint64_t random_next(uint64_t *state)
{
        uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

        z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
        z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
        return z ^ (z >> 31);
}

static inline int below(uint64_t *state, int n)
{
        return (int) (random_next(state) % (uint64_t) n);
}

static inline bool percent(uint64_t *state, int p)
{
        return below(state, 100) < p;
}

static inline const char *pick(uint64_t *state, const char *const *of, int n)
{
        return of[below(state, n)];
}

#define PICK(state, ...) pick(state, (const char *const[]) { __VA_ARGS__ }, \
                              (int) (sizeof((const char *const[]) { __VA_ARGS__ }) / sizeof(const char *)))
