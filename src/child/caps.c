/* caps.c - capabilities beyond giving them all away (ids.c does that). See child.h. */
#include "child/child.h"

#include <errno.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CAPS_MAX 64

/* The three sets of a process as masks. */
struct sets {
        uint64_t effective, permitted, inheritable;
};

static int get_sets(struct sets *ret)
{
        struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
        struct __user_cap_data_struct data[2] = { { 0 } };

        if (syscall(SYS_capget, &head, data) < 0)
                return -errno;
        ret->effective = data[0].effective | (uint64_t) data[1].effective << 32;
        ret->permitted = data[0].permitted | (uint64_t) data[1].permitted << 32;
        ret->inheritable = data[0].inheritable | (uint64_t) data[1].inheritable << 32;
        return 0;
}

static int put_sets(const struct sets *sets)
{
        struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
        struct __user_cap_data_struct data[2];

        for (int i = 0; i < 2; i++)
                data[i] = (struct __user_cap_data_struct) { (uint32_t) (sets->effective >> 32 * i),
                                                            (uint32_t) (sets->permitted >> 32 * i),
                                                            (uint32_t) (sets->inheritable >> 32 * i) };
        return syscall(SYS_capset, &head, data) < 0 ? -errno : 0;
}

/* Needs CAP_SETPCAP, so it comes before the ids. Each one is looked at: what is gone already needs no right. */
int child_bounding(struct child *c, const struct plan_step *s, const char *text)
{
        uint64_t keep = (uint64_t) s->a;

        (void) c, (void) text;
        for (unsigned long cap = 0; cap < CAPS_MAX; cap++) {
                int has;

                if (keep >> cap & 1)
                        continue;
                has = prctl(PR_CAPBSET_READ, cap, 0, 0, 0);
                if (has < 0)
                        return 0; /* the kernel knows no higher one */
                if (has && prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) < 0)
                        return -errno;
        }
        return 0;
}

/* The change of uid has left the permitted set (PLAN_KEEP_CAPS) and taken the effective one, which this needs. */
int child_securebits(struct child *c, const struct plan_step *s, const char *text)
{
        struct sets sets;
        int r = get_sets(&sets);

        (void) c, (void) text;
        if (r < 0)
                return r;
        sets.effective = sets.permitted;
        r = put_sets(&sets);
        if (r < 0)
                return r;
        return prctl(PR_SET_SECUREBITS, (unsigned long) s->a, 0, 0, 0) < 0 ? -errno : 0;
}

/* a: the capabilities to take along; b: the process is no longer root, so these are all it may keep. */
int child_ambient(struct child *c, const struct plan_step *s, const char *text)
{
        uint64_t want = (uint64_t) s->a;
        struct sets sets;
        int r = get_sets(&sets);

        (void) c, (void) text;
        if (r < 0)
                return r;
        if (want & ~sets.permitted)
                return -EPERM;
        if (s->b)
                sets.permitted = sets.effective = want;
        sets.inheritable = want;
        r = put_sets(&sets);
        for (unsigned long cap = 0; r == 0 && cap < CAPS_MAX; cap++)
                if (want >> cap & 1 && prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, cap, 0, 0) < 0)
                        r = -errno;
        return r;
}
