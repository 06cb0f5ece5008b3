/* pids.c - every living process that we started, by its pid.
 *
 * Open addressing with linear probing; a removal moves later entries back, so there are no tombstones and a lookup
 * stays as short as the load (at most one half) allows. An entry lives until init has reaped its pid. */
#include "daemon/engine_priv.h"
#include "daemon/pids.h"

static size_t home(const struct pid_map *m, pid_t pid)
{
        return ((uint32_t) pid * 2654435769U) & (m->cap - 1);
}

static struct pid_entry *find(const struct pid_map *m, pid_t pid)
{
        size_t i;

        for (i = home(m, pid); m->slots[i].pid != 0 && m->slots[i].pid != pid; i = (i + 1) & (m->cap - 1))
                ;
        return &m->slots[i];
}

static int grow(struct pid_map *m)
{
        struct pid_map bigger = { .cap = m->cap ? m->cap * 2 : 64 };

        bigger.slots = calloc(bigger.cap, sizeof(*bigger.slots));
        if (!bigger.slots)
                return -ENOMEM;
        for (size_t i = 0; i < m->cap; i++)
                if (m->slots[i].pid != 0)
                        *find(&bigger, m->slots[i].pid) = m->slots[i];
        bigger.used = m->used;
        free(m->slots);
        *m = bigger;
        return 0;
}

int pid_map_put(struct pid_map *m, struct pid_entry entry)
{
        struct pid_entry *slot;

        if ((m->used + 1) * 2 > m->cap) {
                int r = grow(m);

                if (r < 0)
                        return r;
        }
        slot = find(m, entry.pid);
        if (slot->pid == 0)
                m->used++;
        *slot = entry;
        return 0;
}

struct pid_entry *pid_map_get(const struct pid_map *m, pid_t pid)
{
        struct pid_entry *slot;

        if (m->cap == 0 || pid <= 0)
                return NULL;
        slot = find(m, pid);
        return slot->pid ? slot : NULL;
}

void pid_map_drop(struct pid_map *m, pid_t pid)
{
        struct pid_entry *slot = pid_map_get(m, pid);
        size_t hole, i;

        if (!slot)
                return;
        hole = (size_t) (slot - m->slots);
        for (i = (hole + 1) & (m->cap - 1); m->slots[i].pid != 0; i = (i + 1) & (m->cap - 1)) {
                size_t h = home(m, m->slots[i].pid);

                if (((i - h) & (m->cap - 1)) >= ((i - hole) & (m->cap - 1))) {
                        m->slots[hole] = m->slots[i];
                        hole = i;
                }
        }
        m->slots[hole] = (struct pid_entry) { 0 };
        m->used--;
}

void pid_map_free(struct pid_map *m)
{
        free(m->slots);
        *m = (struct pid_map) { 0 };
}
