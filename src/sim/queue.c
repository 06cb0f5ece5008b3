/* queue.c - what will happen, by time: a binary heap, and a shelf for what waits for a frozen process. */
#include "sim/world.h"

#include <stdlib.h>


void *grow(void *list, size_t *cap, size_t need, size_t size)
{
        if (need <= *cap)
                return list;
        *cap = need < 64 ? 64 : need * 2;
        list = reallocarray(list, *cap, size);
        if (!list)
                abort();
        return list;
}

static bool before(const struct due *a, const struct due *b)
{
        return a->at != b->at ? a->at < b->at : a->key < b->key;
}

static void swap(struct due *a, struct due *b)
{
        struct due t = *a;

        *a = *b;
        *b = t;
}

static void push(struct sim *s, const struct due *d)
{
        size_t i = s->due_count;

        s->heap = grow(s->heap, &s->due_cap, i + 1, sizeof(*s->heap));
        s->heap[i] = *d;
        s->due_count++;
        for (; i && before(&s->heap[i], &s->heap[(i - 1) / 2]); i = (i - 1) / 2)
                swap(&s->heap[i], &s->heap[(i - 1) / 2]);
}

void due_push(struct sim *s, struct due d, nsec delay)
{
        d.at = delay > NSEC_NEVER - s->now ? NSEC_NEVER : s->now + delay;
        d.key = s->config.shuffle ? sim_random(s) : s->counter++;
        if (d.at != NSEC_NEVER)
                push(s, &d);
}

const struct due *due_first(const struct sim *s)
{
        return s->due_count ? &s->heap[0] : NULL;
}

struct due due_pop(struct sim *s)
{
        struct due first = s->heap[0];
        size_t i = 0, n = --s->due_count;

        s->heap[0] = s->heap[n];
        for (;;) {
                size_t least = i, l = 2 * i + 1, r = l + 1;

                if (l < n && before(&s->heap[l], &s->heap[least]))
                        least = l;
                if (r < n && before(&s->heap[r], &s->heap[least]))
                        least = r;
                if (least == i)
                        return first;
                swap(&s->heap[i], &s->heap[least]);
                i = least;
        }
}

void due_park(struct sim *s, const struct due *d)
{
        s->parked = grow(s->parked, &s->parked_cap, s->parked_count + 1, sizeof(*s->parked));
        s->parked[s->parked_count++] = *d;
}

void due_unpark(struct sim *s)
{
        size_t kept = 0, n = s->parked_count;

        for (size_t i = 0; i < n; i++) {
                const struct sim_process *p = process_by_pid(s, s->parked[i].pid);

                if (p && held(s, p))
                        s->parked[kept++] = s->parked[i];
                else if (p)
                        due_push(s, s->parked[i], 0);
        }
        s->parked_count = kept;
}
