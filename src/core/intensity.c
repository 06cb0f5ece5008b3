/* intensity.c - see intensity.h. */
#include "core/intensity.h"

#include <stdlib.h>

struct slot {
        uint32_t second;
        uint32_t count;
};

struct window {
        uint32_t max, period;
        uint32_t slots;      /* capacity of the ring */
        uint32_t head, len;  /* oldest slot, how many are used */
        struct slot slot[];
};

static uint32_t second_of(nsec at)
{
        return at < 0 ? 0 : (uint32_t) (at / NSEC_PER_SEC);
}

static uint32_t whole_seconds(nsec period)
{
        nsec s = period / NSEC_PER_SEC + (period % NSEC_PER_SEC != 0);

        return s > UINT32_MAX - 1 ? UINT32_MAX - 1 : (uint32_t) s;
}

struct window *window_new(uint32_t max, nsec period)
{
        uint32_t seconds = whole_seconds(period);
        uint32_t slots = max < seconds + 1 ? max : seconds + 1;
        struct window *w = calloc(1, sizeof(*w) + slots * sizeof(w->slot[0]));

        if (!w)
                return NULL;
        w->max = max;
        w->period = seconds;
        w->slots = slots;
        return w;
}

void window_free(struct window *w)
{
        free(w);
}

void window_clear(struct window *w)
{
        w->head = w->len = 0;
}

static const struct slot *slot_at(const struct window *w, uint32_t i)
{
        return &w->slot[(w->head + i) % w->slots];
}

static bool counts(const struct window *w, const struct slot *s, nsec now)
{
        return second_of(now) - s->second <= w->period;
}

uint32_t window_count(const struct window *w, nsec now)
{
        uint32_t n = 0;

        for (uint32_t i = 0; i < w->len; i++)
                if (counts(w, slot_at(w, i), now))
                        n += slot_at(w, i)->count;
        return n;
}

uint32_t window_max(const struct window *w)
{
        return w->max;
}

uint32_t window_period(const struct window *w)
{
        return w->period;
}

static void forget_old(struct window *w, nsec now)
{
        while (w->len > 0 && !counts(w, &w->slot[w->head], now)) {
                w->head = (w->head + 1) % w->slots;
                w->len--;
        }
}

static void add(struct window *w, uint32_t second, uint32_t count)
{
        struct slot *newest = w->len ? &w->slot[(w->head + w->len - 1) % w->slots] : NULL;

        if (newest && newest->second == second) {
                newest->count += count;
                return;
        }
        if (w->len == w->slots)
                return; /* cannot be: there are never more different seconds than slots */
        w->slot[(w->head + w->len) % w->slots] = (struct slot) { .second = second, .count = count };
        w->len++;
}

bool window_take(struct window *w, nsec now)
{
        forget_old(w, now);
        if (window_count(w, now) >= w->max)
                return false;
        add(w, second_of(now), 1);
        return true;
}

void window_copy(struct window *to, const struct window *from, nsec now)
{
        uint32_t skip = 0;

        window_clear(to);
        if (to->slots == 0)
                return;
        while (from->len - skip > to->slots)
                skip++; /* the newest seconds are those that matter longest */
        for (uint32_t i = skip; i < from->len; i++)
                if (counts(to, slot_at(from, i), now))
                        add(to, slot_at(from, i)->second, slot_at(from, i)->count);
}

uint32_t window_slot_count(const struct window *w)
{
        return w->len;
}

void window_slot(const struct window *w, uint32_t i, uint32_t *ret_second, uint32_t *ret_count)
{
        *ret_second = slot_at(w, i)->second;
        *ret_count = slot_at(w, i)->count;
}

void window_put(struct window *w, uint32_t second, uint32_t count)
{
        add(w, second, count);
}
