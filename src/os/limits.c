/* limits.c - write limits: see limits.h. */
#include "os/limits.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysinfo.h>

#include "base/cleanup.h"
#include "os/cgroup_priv.h"
#include "os/fs.h"

/* The file of each limit and what stands in it when nothing was said. NULL: v1 knows no such thing, or it takes more
 * than one file (below). */
static const struct {
        const char *v2, *v1, *none;
} files[LIMIT_COUNT] = {
        [LIMIT_MEMORY_MIN] = { "memory.min", NULL, "0" },
        [LIMIT_MEMORY_LOW] = { "memory.low", NULL, "0" },
        [LIMIT_MEMORY_HIGH] = { "memory.high", NULL, "max" },
        [LIMIT_MEMORY_MAX] = { "memory.max", "memory.limit_in_bytes", "max" },
        [LIMIT_MEMORY_SWAP_MAX] = { "memory.swap.max", "memory.memsw.limit_in_bytes", "max" },
        [LIMIT_OOM_POLICY] = { "memory.oom.group", NULL, "0" },
        [LIMIT_CPU_QUOTA] = { "cpu.max", "cpu.cfs_quota_us", "max" },
        [LIMIT_CPU_WEIGHT] = { "cpu.weight", "cpu.shares", "100" },
        [LIMIT_CPUS] = { "cpuset.cpus", "cpuset.cpus", "" },
        [LIMIT_IO_WEIGHT] = { "io.weight", "blkio.bfq.weight", "100" },
        [LIMIT_IO_READ_BYTES] = { "io.max", "blkio.throttle.read_bps_device", "" },
        [LIMIT_IO_WRITE_BYTES] = { "io.max", "blkio.throttle.write_bps_device", "" },
        [LIMIT_IO_READ_COUNT] = { "io.max", "blkio.throttle.read_iops_device", "" },
        [LIMIT_IO_WRITE_COUNT] = { "io.max", "blkio.throttle.write_iops_device", "" },
        [LIMIT_TASKS_MAX] = { "pids.max", "pids.max", "max" },
};

/* The directory of a node's group for each controller, opened when first asked for. */
struct target {
        struct cgroup *c;
        char rel[PATH_MAX];
        const struct limits *l;
        unsigned on_v2;            /* CTL_BIT */
        int v2, v1[CTL_COUNT];     /* owned; -1 = not opened */
};

static void target_done(struct target *t)
{
        fd_close(&t->v2);
        for (int i = 0; i < CTL_COUNT; i++)
                fd_close(&t->v1[i]);
}

static int target_open(struct target *t, struct cgroup *c, const char *node)
{
        int r = cgroup_relative(node, t->rel, sizeof t->rel);

        t->c = c;
        t->v2 = -1;
        for (int i = 0; i < CTL_COUNT; i++)
                t->v1[i] = -1;
        if (r < 0)
                return r;
        cgroup_control_ask(c);
        if (c->backend == CGROUP_NONE)
                return 0;
        t->v2 = cgroup_open_dir(c->root, t->rel);
        return t->v2 < 0 ? t->v2 : 0;
}

/* The group's directory for a controller; borrowed. */
static int dir_of(struct target *t, enum controller ctl, bool make)
{
        if (t->on_v2 & CTL_BIT(ctl))
                return t->v2;
        if (t->v1[ctl] < 0) {
                int r = cgroup_v1_open(t->c, ctl, t->rel, make);

                if (r < 0)
                        return r;
                t->v1[ctl] = r;
        }
        return t->v1[ctl];
}

/* --- what is there ------------------------------------------------------------------------------------------------ */

static int64_t number_of(int dir, const char *file)
{
        char text[64];

        if (fs_read_small(dir, file, text, sizeof text) <= 0 || text[0] < '0' || text[0] > '9')
                return INT64_MAX;
        return strtoll(text, NULL, 10);
}

static int64_t smallest(int64_t a, int64_t b)
{
        return a < b ? a : b;
}

const struct limit_facts *limits_facts(struct cgroup *c)
{
        struct sysinfo s = { 0 };
        autoclose int own = -1;

        if (c->facts.memory)
                return &c->facts;
        cgroup_control_ask(c);
        (void) sysinfo(&s);
        c->facts.memory = (int64_t) s.totalram * s.mem_unit;
        c->facts.tasks = smallest(number_of(AT_FDCWD, "/proc/sys/kernel/pid_max"),
                                  number_of(AT_FDCWD, "/proc/sys/kernel/threads-max"));
        if (c->own)
                own = cgroup_open_dir(AT_FDCWD, c->own);
        if (own >= 0) {
                c->facts.memory = smallest(c->facts.memory, number_of(own, "memory.max"));
                c->facts.tasks = smallest(c->facts.tasks, number_of(own, "pids.max"));
        }
        if (c->v1[CTL_MEMORY].own >= 0)
                c->facts.memory = smallest(c->facts.memory, number_of(c->v1[CTL_MEMORY].own, "memory.limit_in_bytes"));
        if (c->v1[CTL_PIDS].own >= 0)
                c->facts.tasks = smallest(c->facts.tasks, number_of(c->v1[CTL_PIDS].own, "pids.max"));
        return &c->facts;
}

static bool has_v1(const struct cgroup *c, enum controller ctl)
{
        return c->v1[ctl].own >= 0 && !c->v1[ctl].error;
}

unsigned limits_available(struct cgroup *c)
{
        unsigned bits = 0;

        cgroup_control_ask(c);
        for (int i = 0; i < CTL_COUNT; i++)
                if ((c->v2_offered & CTL_BIT(i) && !c->v2_error[i]) || has_v1(c, (enum controller) i))
                        bits |= CTL_BIT(i);
        if (c->backend != CGROUP_NONE && limits_bpf_works(c))
                bits |= CTL_BIT(CTL_DEVICES);
        return bits;
}

const char *limits_backend(struct cgroup *c, enum controller ctl)
{
        if (!(limits_available(c) & CTL_BIT(ctl)))
                return "-";
        return c->v2_offered & CTL_BIT(ctl) || (ctl == CTL_DEVICES && c->backend != CGROUP_NONE && limits_bpf_works(c))
                       ? "v2" : "v1";
}

static char *why_not(struct cgroup *c, enum controller ctl, char *buf, size_t n)
{
        const struct cgroup_v1 *v = &c->v1[ctl];

        if (c->v2_offered & CTL_BIT(ctl) && c->v2_error[ctl] == EBUSY)
                (void) snprintf(buf, n, "other processes are in %s: start coppiced in a group of its own", c->own);
        else if (ctl == CTL_CPU && c->v2_offered & CTL_BIT(ctl) && c->v2_error[ctl] == EINVAL) /* FAILURES D13 */
                (void) snprintf(buf, n,
                                "%s/cgroup.subtree_control: perhaps a real-time process is outside the root group",
                                c->own);
        else if (c->v2_offered & CTL_BIT(ctl) && c->v2_error[ctl])
                (void) snprintf(buf, n, "%s/cgroup.subtree_control: %s", c->own, strerrordesc_np(c->v2_error[ctl]));
        else if (v->error == EPERM && ctl == CTL_DEVICES)
                (void) snprintf(buf, n, "only root of the machine may say which devices, in %s", v->path);
        else if (v->error)
                (void) snprintf(buf, n, "no group can be made in %s: %s", v->path ? v->path : "v1",
                                strerrordesc_np(v->error));
        else if (c->backend == CGROUP_NONE)
                (void) snprintf(buf, n, "%s", c->why);
        else if (ctl == CTL_DEVICES)
                (void) snprintf(buf, n,
                                "the kernel takes no program for devices from us, and v1 has no such controller");
        else
                (void) snprintf(buf, n, "%s/cgroup.controllers does not offer it, and v1 has it not", c->own);
        return buf;
}

char *limits_why_not(struct cgroup *c, enum controller ctl, char *buf, size_t n)
{
        if (limits_available(c) & CTL_BIT(ctl))
                (void) snprintf(buf, n, "%s", "");
        else
                (void) why_not(c, ctl, buf, n);
        return buf;
}

/* --- texts of the files ------------------------------------------------------------------------------------------- */

static void number_text(int64_t v, bool v1, char *buf, size_t n)
{
        if (v == INT64_MAX)
                (void) snprintf(buf, n, "%s", v1 ? "-1" : "max");
        else
                (void) snprintf(buf, n, "%lld", (long long) v);
}

static void cpus_text(const struct limits *l, char *buf, size_t n)
{
        enum directive d = limit_directive(LIMIT_CPUS, spec_kind(l->spec));
        size_t at = 0;

        buf[0] = 0;
        for (size_t i = 0; i < spec_count(l->spec, d) && at < n; i++)
                at += (size_t) snprintf(buf + at, n - at, "%s%s", i ? "," : "", spec_item(l->spec, d, i));
}

/* What is written to the one file of a limit. */
static void text_of(const struct target *t, enum limit limit, bool v1, bool none, char *buf, size_t n)
{
        int64_t v = t->l->value[limit];

        if (none)
                (void) snprintf(buf, n, "%s", v1 && strcmp(files[limit].none, "max") == 0 && limit != LIMIT_TASKS_MAX
                                                      ? "-1" : files[limit].none);
        else if (limit == LIMIT_CPUS)
                cpus_text(t->l, buf, n);
        else if (limit == LIMIT_OOM_POLICY)
                (void) snprintf(buf, n, "%d", v == OOM_KILL);
        else if (limit == LIMIT_CPU_QUOTA && !v1)
                (void) snprintf(buf, n, "%lld %lld", (long long) v, (long long) t->l->period_usec);
        else
                number_text(v, v1 && limit != LIMIT_TASKS_MAX, buf, n);
}

/* --- limits of more than one file --------------------------------------------------------------------------------- */

/* v1 counts memory and swap together, and wants memory <= both at any moment. */
static int write_memory_v1(int dir, int64_t memory, int64_t swap)
{
        char limit[32], both[32];
        int r;

        number_text(memory, true, limit, sizeof limit);
        number_text(memory == INT64_MAX || swap == INT64_MAX ? INT64_MAX : memory + swap, true, both, sizeof both);
        r = fs_write_small(dir, "memory.limit_in_bytes", limit);
        if (r == -EINVAL) { /* above the old sum: raise that first */
                (void) fs_write_small(dir, "memory.memsw.limit_in_bytes", "-1");
                r = fs_write_small(dir, "memory.limit_in_bytes", limit);
        }
        if (r < 0)
                return r;
        r = fs_write_small(dir, "memory.memsw.limit_in_bytes", both);
        return r == -ENOENT ? -EOPNOTSUPP : r; /* a kernel without swap accounting */
}

static int apply_memory_v1(struct target *t, int dir, enum limit limit, bool none)
{
        const struct limits *l = t->l;
        uint32_t has = l->said | l->implied;
        int64_t memory = has & LIMIT_BIT(LIMIT_MEMORY_MAX) ? l->value[LIMIT_MEMORY_MAX] : INT64_MAX;
        int64_t swap = has & LIMIT_BIT(LIMIT_MEMORY_SWAP_MAX) ? l->value[LIMIT_MEMORY_SWAP_MAX] : INT64_MAX;
        int r;

        if (limit == LIMIT_MEMORY_SWAP_MAX && memory == INT64_MAX && swap != INT64_MAX && !none)
                return -EOPNOTSUPP; /* v1 has no limit for swap alone */
        r = write_memory_v1(dir, memory, swap);
        /* Without swap accounting the limit itself is there all the same. */
        return r == -EOPNOTSUPP && (limit == LIMIT_MEMORY_MAX || none) ? 0 : r;
}

static int apply_quota_v1(struct target *t, int dir, bool none)
{
        char text[32];
        int r;

        (void) fs_write_small(dir, "cpu.cfs_quota_us", "-1"); /* the new period must not make the old quota too much */
        number_text(none ? 100000 : t->l->period_usec, true, text, sizeof text);
        r = fs_write_small(dir, "cpu.cfs_period_us", text);
        if (r < 0 || none)
                return r;
        number_text(t->l->value[LIMIT_CPU_QUOTA], true, text, sizeof text);
        return fs_write_small(dir, "cpu.cfs_quota_us", text);
}

/* 1 to 10000 with 100 in the middle is 2 to 262144 with 1024 in the middle; the lowest stands beside both. */
static int apply_weight(struct target *t, int dir, bool v1, bool none)
{
        int64_t weight = none ? 100 : t->l->value[LIMIT_CPU_WEIGHT];
        char text[32];
        int r = fs_write_small(dir, "cpu.idle", weight == 0 ? "1" : "0");

        if (weight == 0)
                return r;
        if (v1)
                weight = weight * 1024 / 100 < 2 ? 2 : weight * 1024 / 100;
        number_text(weight, v1, text, sizeof text);
        return fs_write_small(dir, v1 ? "cpu.shares" : "cpu.weight", text);
}

/* v1 takes no empty set: the parent's instead. */
static int reset_cpus_v1(int dir)
{
        char text[4096];
        int n = fs_read_small(dir, "../cpuset.cpus", text, sizeof text);

        return n < 0 ? n : fs_write_small(dir, "cpuset.cpus", text);
}

/* Neither in cgroup.controllers nor a file: on v2 a program, which needs no group but the one there is. */
static int apply_devices(struct target *t, bool none)
{
        uint32_t has = t->l->said & (LIMIT_BIT(LIMIT_DEVICE_POLICY) | LIMIT_BIT(LIMIT_DEVICE_ALLOW));
        int dir, r = -ENOENT;

        none = none && !has; /* one of the two is taken back, the other stays */
        if (t->v2 >= 0)
                r = limits_devices_v2(t->v2, t->l);
        if (r == 0 || (none && t->c->v1[CTL_DEVICES].root < 0))
                return r == -ENOENT ? 0 : r;
        dir = dir_of(t, CTL_DEVICES, !none);
        return dir < 0 ? (r == -ENOENT ? dir : r) : limits_devices_v1(dir, t->l);
}

static int apply_one(struct target *t, enum limit limit, bool none)
{
        enum controller ctl = limit_controller(limit);
        int dir = ctl == CTL_DEVICES ? -ENOENT : dir_of(t, ctl, !none);
        bool v1 = dir != t->v2;
        char text[4096];

        if (ctl == CTL_DEVICES)
                return apply_devices(t, none);
        if (dir < 0)
                return none && dir == -ENOENT ? 0 : dir;
        if (!files[limit].v2)
                return 0; /* accounting: that there is a group is all */
        if (v1 && (limit == LIMIT_MEMORY_MAX || limit == LIMIT_MEMORY_SWAP_MAX))
                return apply_memory_v1(t, dir, limit, none);
        if (ctl == CTL_IO)
                return limits_io(dir, v1, t->l, limit, none);
        if (v1 && limit == LIMIT_CPU_QUOTA)
                return apply_quota_v1(t, dir, none);
        if (limit == LIMIT_CPU_WEIGHT)
                return apply_weight(t, dir, v1, none);
        if (v1 && limit == LIMIT_CPUS && none)
                return reset_cpus_v1(dir);
        if (v1 && limit == LIMIT_OOM_POLICY)
                return 0; /* the engine ends the rest itself when it hears of the first */
        if (v1 && !files[limit].v1)
                return none ? 0 : -EOPNOTSUPP;
        text_of(t, limit, v1, none, text, sizeof text);
        return fs_write_small(dir, v1 ? files[limit].v1 : files[limit].v2, text[0] ? text : "\n");
}

/* --- a whole set -------------------------------------------------------------------------------------------------- */

/* infinity: what no controller bounds is not bounded. */
static bool had_anyway(const struct target *t, enum limit limit, int error)
{
        bool most = limit == LIMIT_MEMORY_HIGH || limit == LIMIT_MEMORY_MAX || limit == LIMIT_MEMORY_SWAP_MAX ||
                    limit == LIMIT_TASKS_MAX;

        return most && t->l->value[limit] == INT64_MAX &&
               (error == EOPNOTSUPP || !(limits_available(t->c) & CTL_BIT(limit_controller(limit))));
}

static void note_problem(struct target *t, enum limit limit, int error, struct limit_problems *p)
{
        enum controller ctl = limit_controller(limit);
        struct limit_problem *one;
        char why[160];

        if (!p || !(t->l->said & LIMIT_BIT(limit)) || p->count == LIMIT_COUNT || had_anyway(t, limit, error))
                return;
        one = &p->list[p->count++];
        one->limit = limit;
        one->error = error;
        if (!(limits_available(t->c) & CTL_BIT(ctl)))
                (void) snprintf(one->why, sizeof one->why, "there is no %s controller: %s",
                                strtab_text(&controller_names, (int) ctl), why_not(t->c, ctl, why, sizeof why));
        else if (limit == LIMIT_IO_WEIGHT && error == ENOENT)
                (void) snprintf(one->why, sizeof one->why,
                                "no scheduler here weighs: it takes BFQ, or io.cost of cgroup v2");
        else if (error == ENOTBLK)
                (void) snprintf(one->why, sizeof one->why, "a path of it is no disk, and on none");
        else if (limit == LIMIT_MEMORY_SWAP_MAX && error == EOPNOTSUPP && !(t->on_v2 & CTL_BIT(ctl)))
                (void) snprintf(one->why, sizeof one->why,
                                "cgroup v1 bounds swap and memory together only: it takes MemoryMax= too");
        else if (error == EOPNOTSUPP && !(t->on_v2 & CTL_BIT(ctl)))
                (void) snprintf(one->why, sizeof one->why, "the %s controller of cgroup v1 cannot do it; v2 can",
                                strtab_text(&controller_names, (int) ctl));
        else
                (void) snprintf(one->why, sizeof one->why, "the kernel refused it: %s", strerrordesc_np(error));
}

/* The group above, whose subtree_control hands controllers to the node's. */
static void enable_above(struct target *t, unsigned wanted)
{
        char above[PATH_MAX];
        char *slash;

        if (t->c->backend == CGROUP_NONE)
                return;
        (void) snprintf(above, sizeof above, "%s", t->rel);
        slash = strrchr(above, '/');
        if (slash)
                *slash = 0;
        t->on_v2 = cgroup_control_enable(t->c, slash ? above : strcmp(above, ".") == 0 ? NULL : ".", wanted);
}

int limits_apply(struct cgroup *c, const char *node, const struct limits *l, uint32_t which, uint32_t reset,
                 unsigned also, struct limit_problems *ret)
{
        __attribute__((cleanup(target_done))) struct target t = { .l = l };
        int r = target_open(&t, c, node);

        if (r < 0)
                return r;
        enable_above(&t, limits_controllers(which | reset) | also);
        for (int i = 0; i < CTL_COUNT; i++)
                if (also & CTL_BIT(i))
                        (void) dir_of(&t, (enum controller) i, true);
        for (int i = 0; i < LIMIT_COUNT; i++) {
                bool none = !(which & LIMIT_BIT(i));

                if (!((which | reset) & LIMIT_BIT(i)))
                        continue;
                r = apply_one(&t, (enum limit) i, none);
                if (r < 0 && !none)
                        note_problem(&t, (enum limit) i, -r, ret);
        }
        return 0;
}

int limits_quick_tasks(int group, int64_t max)
{
        char text[32];

        number_text(max, false, text, sizeof text);
        return fs_write_small(group, "pids.max", text);
}

int limits_effective(struct cgroup *c, const char *node, enum limit l, char *buf, size_t n)
{
        __attribute__((cleanup(target_done))) struct target t = { 0 };
        enum controller ctl = limit_controller(l);
        const char *file;
        int dir, r = target_open(&t, c, node);

        if (r < 0)
                return r;
        if (ctl == CTL_DEVICES)
                return -ENOENT;
        if (c->v2_enabled & CTL_BIT(ctl))
                t.on_v2 = CTL_BIT(ctl);
        dir = dir_of(&t, ctl, false);
        if (dir < 0)
                return dir;
        file = dir == t.v2 ? files[l].v2 : files[l].v1;
        if (l == LIMIT_IO_WEIGHT)
                file = limits_io_weight_file(dir, dir != t.v2);
        if (dir != t.v2 && l == LIMIT_MEMORY_SWAP_MAX)
                return -ENOENT; /* v1 has it only together with memory */
        return file ? fs_read_small(dir, file, buf, n) : -ENOENT;
}
