/* limits_count.c - what a group used and what struck it: see limits.h.
 *
 * v2: memory.events counts the group and all below it, memory.events.local only the group itself; `oom` counts where
 * the limit is that was hit, `oom_kill` where the victim was. v1: memory.oom_control has oom_kill of the group itself,
 * memory.failcnt and memory.memsw.failcnt how often its own limits were hit. */
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "os/cgroup_priv.h"
#include "os/fs.h"
#include "os/limits.h"

static void count_v2(int dir, struct limit_counters *ret)
{
        char text[CGROUP_TEXT];

        ret->oom_kills = cgroup_number(dir, "memory.events", "oom_kill ");
        if (ret->oom_kills >= 0) {
                cgroup_text(dir, "memory.events.local", text);
                ret->oom_kills_own = cgroup_number_of(text, "oom_kill ");
                ret->oom_group_kills = cgroup_number_of(text, "oom_group_kill ");
                ret->oom_hits = cgroup_number_of(text, "oom ");
                ret->memory = cgroup_number(dir, "memory.current", "");
                ret->memory_peak = cgroup_number(dir, "memory.peak", "");
        }
        ret->pids_hits = cgroup_number(dir, "pids.events", "max ");
        if (ret->pids_hits >= 0) {
                ret->tasks = cgroup_number(dir, "pids.current", "");
                ret->tasks_peak = cgroup_number(dir, "pids.peak", "");
        }
        cgroup_text(dir, "cpu.stat", text);
        ret->cpu_usec = cgroup_number_of(text, "usage_usec ");
        ret->throttled_usec = cgroup_number_of(text, "throttled_usec ");
        ret->throttled = cgroup_number_of(text, "nr_throttled ");
}

/* Memory alone and memory with swap have limits of their own; where they are equal only the second is hit. */
static int64_t failures(int dir)
{
        int64_t memory = cgroup_number(dir, "memory.failcnt", "");
        int64_t both = cgroup_number(dir, "memory.memsw.failcnt", "");

        return memory < 0 ? memory : memory + (both > 0 ? both : 0);
}

static void count_v1(enum controller ctl, int dir, struct limit_counters *ret)
{
        switch (ctl) {
        case CTL_MEMORY:
                ret->oom_kills = ret->oom_kills_own = cgroup_number(dir, "memory.oom_control", "oom_kill ");
                ret->oom_hits = failures(dir);
                ret->memory = cgroup_number(dir, "memory.usage_in_bytes", "");
                ret->memory_peak = cgroup_number(dir, "memory.max_usage_in_bytes", "");
                break;
        case CTL_PIDS:
                ret->pids_hits = cgroup_number(dir, "pids.events", "max ");
                ret->tasks = cgroup_number(dir, "pids.current", "");
                ret->tasks_peak = cgroup_number(dir, "pids.peak", "");
                break;
        case CTL_CPU:
                ret->throttled = cgroup_number(dir, "cpu.stat", "nr_throttled ");
                ret->throttled_usec = cgroup_number(dir, "cpu.stat", "throttled_time ");
                if (ret->throttled_usec >= 0)
                        ret->throttled_usec /= 1000;
                break;
        case CTL_CPUACCT:
                if (ret->cpu_usec < 0) { /* else v2 has told, in microseconds */
                        ret->cpu_usec = cgroup_number(dir, "cpuacct.usage", "");
                        if (ret->cpu_usec > 0)
                                ret->cpu_usec /= 1000;
                }
                break;
        default:
                break;
        }
}

int limits_count(struct cgroup *c, const char *node, struct limit_counters *ret)
{
        struct limit_counters found;
        char rel[PATH_MAX];
        int r = cgroup_relative(node, rel, sizeof rel);
        bool any = false;

        if (r < 0)
                return r;
        memset(&found, 0xff, sizeof found); /* -1 in each */
        if (c->backend != CGROUP_NONE) {
                autoclose int dir = cgroup_open_dir(c->root, rel);

                if (dir >= 0)
                        count_v2(dir, &found);
                any = dir >= 0;
        }
        for (int i = 0; i < CTL_COUNT; i++) {
                autoclose int dir = cgroup_v1_open(c, (enum controller) i, rel, false);

                if (dir >= 0)
                        count_v1((enum controller) i, dir, &found);
                any |= dir >= 0;
        }
        if (!any)
                return -ENOENT;
        *ret = found;
        return 0;
}

/* How often a memory limit of this very group was hit. */
static int64_t hits_of(struct cgroup *c, const char *rel)
{
        autoclose int v2 = c->backend != CGROUP_NONE ? cgroup_open_dir(c->root, rel) : -1;
        autoclose int v1 = cgroup_v1_open(c, CTL_MEMORY, rel, false);
        int64_t n = v2 >= 0 ? cgroup_number(v2, "memory.events.local", "oom ") : -1;

        if (n < 0 && v1 >= 0)
                n = failures(v1);
        return n < 0 ? 0 : n;
}

/* kernel: since 6.11 or so failcnt stays 0; then only the peak tells. A charge of several pages fails a little
 * below. */
static bool was_full(struct cgroup *c, const char *rel)
{
        autoclose int dir = cgroup_v1_open(c, CTL_MEMORY, rel, false);
        int64_t limit = dir < 0 ? -1 : cgroup_number(dir, "memory.limit_in_bytes", "");
        int64_t peak = dir < 0 ? -1 : cgroup_number(dir, "memory.max_usage_in_bytes", "");

        return limit >= 0 && peak >= limit - limit / 64 - (256 << 10);
}

bool limits_v1_full(struct cgroup *c, const char *node)
{
        char rel[PATH_MAX];
        char *slash;

        if (cgroup_relative(node, rel, sizeof rel) < 0 || c->v1[CTL_MEMORY].root < 0)
                return false;
        while (!was_full(c, rel)) {
                slash = strrchr(rel, '/');
                if (!slash)
                        return was_full(c, ".");
                *slash = 0;
        }
        return true;
}

int64_t limits_oom_hits_above(struct cgroup *c, const char *node)
{
        char rel[PATH_MAX];
        int64_t sum = 0;
        char *slash;

        if (cgroup_relative(node, rel, sizeof rel) < 0 || strcmp(rel, ".") == 0)
                return 0;
        while ((slash = strrchr(rel, '/'))) {
                *slash = 0;
                sum += hits_of(c, rel);
        }
        return sum + hits_of(c, ".");
}
