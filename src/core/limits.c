/* limits.c - see limits.h. */
#include "core/limits.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "core/value.h"

static const char *const controller_texts[] = {
        [CTL_MEMORY] = "memory", [CTL_CPU] = "cpu", [CTL_CPUSET] = "cpuset", [CTL_PIDS] = "pids", [CTL_IO] = "io",
        [CTL_DEVICES] = "devices", [CTL_CPUACCT] = "cpuacct",
};
STRTAB(controller_names, controller_texts);

static const struct {
        enum directive service, supervisor;
        enum controller controller;
} rows[LIMIT_COUNT] = {
#define LIMIT(id, key, ctl) [LIMIT_##id] = { D_SERVICE_##key, D_SUPERVISOR_##key, CTL_##ctl },
#include "core/limits.def"
#undef LIMIT
};

enum directive limit_directive(enum limit l, enum node_kind kind)
{
        return kind == KIND_SERVICE ? rows[l].service : rows[l].supervisor;
}

enum controller limit_controller(enum limit l)
{
        return rows[l].controller;
}

bool limits_any(const struct spec *s)
{
        return spec_kind(s) == KIND_SERVICE ? spec_has_any(s, D_SERVICE_MemoryMax, D_SERVICE_DelegateSubgroup)
                                            : spec_has_any(s, D_SUPERVISOR_MemoryMax, D_SUPERVISOR_TasksAccounting);
}

bool spec_delegates(const struct spec *s)
{
        size_t n = spec_kind(s) == KIND_SERVICE ? spec_count(s, D_SERVICE_Delegate) : 0;

        /* the last word counts, as in systemd */
        return n > 0 && strcmp(spec_item(s, D_SERVICE_Delegate, n - 1), "no") != 0;
}

unsigned spec_delegated(const struct spec *s)
{
        unsigned bits = 0;

        if (!spec_delegates(s))
                return 0;
        for (size_t i = 0; i < spec_count(s, D_SERVICE_Delegate); i++) {
                int ctl = strtab_value(&controller_names, spec_item(s, D_SERVICE_Delegate, i));

                if (strcmp(spec_item(s, D_SERVICE_Delegate, i), "yes") == 0)
                        bits |= CTL_BIT(CTL_CPU) | CTL_BIT(CTL_CPUSET) | CTL_BIT(CTL_IO) | CTL_BIT(CTL_MEMORY) |
                                CTL_BIT(CTL_PIDS);
                else if (ctl >= 0)
                        bits |= CTL_BIT(ctl);
        }
        return bits;
}

enum oom_policy spec_oom_policy(const struct spec *s)
{
        int64_t policy = spec_int(s, limit_directive(LIMIT_OOM_POLICY, spec_kind(s)));

        if (policy != SPEC_UNSET)
                return (enum oom_policy) policy;
        return spec_kind(s) == KIND_SERVICE && !spec_delegates(s) ? OOM_STOP : OOM_CONTINUE;
}

/* A share of `all`; anything else is an amount already. */
static int64_t amount(int64_t v, int64_t all)
{
        if (v >= 0)
                return v;
        return all / 10000 * -v + all % 10000 * -v / 10000;
}

static void set(struct limits *l, uint32_t *which, enum limit limit, int64_t value)
{
        *which |= LIMIT_BIT(limit);
        l->value[limit] = value;
}

static void take_said(struct limits *l, const struct spec *s, const struct limit_facts *facts)
{
        for (int i = 0; i < LIMIT_COUNT; i++) {
                enum directive d = limit_directive((enum limit) i, spec_kind(s));
                int64_t v;

                if (!spec_has(s, d))
                        continue;
                v = directive_is_list(d) ? 0 : spec_int(s, d);
                if (directive_rows[d].type == VT_AMOUNT)
                        v = amount(v, rows[i].controller == CTL_PIDS ? facts->tasks : facts->memory);
                if (directive_rows[d].type != VT_BOOL || v)
                        set(l, &l->said, (enum limit) i, v);
        }
}

/* Percent of a processor -> microseconds in a period; the kernel takes no less than 1 ms. */
static void take_quota(struct limits *l, const struct spec *s)
{
        nsec period = spec_int(s, spec_kind(s) == KIND_SERVICE ? D_SERVICE_CPUQuotaPeriodSec
                                                               : D_SUPERVISOR_CPUQuotaPeriodSec);
        int64_t quota;

        l->period_usec = period / NSEC_PER_USEC;
        if (!(l->said & LIMIT_BIT(LIMIT_CPU_QUOTA)))
                return;
        quota = l->value[LIMIT_CPU_QUOTA] * l->period_usec / 10000;
        if (quota < 1000) { /* a small share of a short period: a longer period has room for it */
                l->period_usec = 1000 * 10000 / l->value[LIMIT_CPU_QUOTA];
                if (l->period_usec > 1000000)
                        l->period_usec = 1000000;
                quota = l->value[LIMIT_CPU_QUOTA] * l->period_usec / 10000;
        }
        l->value[LIMIT_CPU_QUOTA] = quota < 1000 ? 1000 : quota;
}

void limits_read(const struct spec *s, const struct limit_facts *facts, struct limits *ret)
{
        enum directive tasks = limit_directive(LIMIT_TASKS_MAX, spec_kind(s));

        *ret = (struct limits) { .spec = s };
        take_said(ret, s, facts);
        take_quota(ret, s);
        if (!(ret->said & LIMIT_BIT(LIMIT_TASKS_MAX)) && spec_int(s, tasks) != INT64_MAX)
                set(ret, &ret->implied, LIMIT_TASKS_MAX, spec_int(s, tasks));
        if (ret->said & LIMIT_BIT(LIMIT_MEMORY_MAX) && ret->value[LIMIT_MEMORY_MAX] != INT64_MAX &&
            !(ret->said & LIMIT_BIT(LIMIT_MEMORY_SWAP_MAX))) /* FAILURES D16 */
                set(ret, &ret->implied, LIMIT_MEMORY_SWAP_MAX, 0);
}

unsigned limits_controllers(uint32_t which)
{
        unsigned bits = 0;

        for (int i = 0; i < LIMIT_COUNT; i++)
                if (which & LIMIT_BIT(i))
                        bits |= CTL_BIT(rows[i].controller);
        return bits;
}

char *limit_text(const struct limits *l, enum limit which, char *buf, size_t n)
{
        enum directive d = limit_directive(which, spec_kind(l->spec));
        autobuf struct buf text = BUF_INIT;

        if (l->implied & LIMIT_BIT(which))
                value_print(d, l->value[which], &text);
        else
                spec_print(l->spec, d, &text);
        (void) snprintf(buf, n, "%s=%s", directive_rows[d].key, buf_text(&text));
        return buf;
}
