/* ids.c - steps that give rights away. Each is read back: a change that did not happen is a failure (E8). */
#include "child/child.h"

#include <errno.h>
#include <linux/capability.h>
#include <linux/keyctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The raw calls: the C library's own would tell threads that this process does not have. */
#ifdef SYS_setresuid32
#define SETRESUID SYS_setresuid32
#define SETRESGID SYS_setresgid32
#define SETGROUPS SYS_setgroups32
#else
#define SETRESUID SYS_setresuid
#define SETRESGID SYS_setresgid
#define SETGROUPS SYS_setgroups
#endif

int child_groups(struct child *c, const struct plan_step *s, const char *text)
{
        size_t n = s->text_len / sizeof(gid_t);

        (void) c;
        if (syscall(SETGROUPS, n, text) < 0)
                return -errno;
        return getgroups(0, NULL) == (int) n ? 0 : -EPERM;
}

int child_gid(struct child *c, const struct plan_step *s, const char *text)
{
        gid_t want = (gid_t) s->a, r = 0, e = 0, saved = 0;

        (void) c, (void) text;
        if (syscall(SETRESGID, want, want, want) < 0 || getresgid(&r, &e, &saved) < 0)
                return -errno;
        return r == want && e == want && saved == want ? 0 : -EPERM;
}

int child_uid(struct child *c, const struct plan_step *s, const char *text)
{
        uid_t want = (uid_t) s->a, r = 0, e = 0, saved = 0;

        (void) c, (void) text;
        if ((s->flags & PLAN_KEEP_CAPS) && prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0)
                return -errno;
        if (syscall(SETRESUID, want, want, want) < 0 || getresuid(&r, &e, &saved) < 0)
                return -errno;
        if (r != want || e != want || saved != want)
                return -EPERM;
        if (want != 0 && syscall(SETRESUID, 0, 0, 0) == 0)
                return -EPERM; /* the way back is open: not one instruction of the program shall run */
        return 0;
}

/* Keys of the other services are none of this one's business (FAILURES E17); those of whoever started the daemon init
 * has left behind. It belongs to the user, so it comes after the ids. Not having one is no harm: a kernel without
 * keys, a container's filter, or too many of them for this user. */
int child_keyring(struct child *c, const struct plan_step *s, const char *text)
{
        (void) c, (void) s, (void) text;
        (void) syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL);
        return 0;
}

/* Inheritable capabilities of the daemon must not reach a program by way of file capabilities, ambient ones would
 * reach any; the kernel lets nothing be ambient that is not inheritable. Permitted and effective went with uid 0; that
 * they did is checked. */
int child_caps(struct child *c, const struct plan_step *s, const char *text)
{
        struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
        struct __user_cap_data_struct data[2] = { { 0 } };

        (void) c, (void) text;
        if (syscall(SYS_capget, &head, data) < 0)
                return -errno;
        if (data[0].inheritable || data[1].inheritable) {
                data[0].inheritable = data[1].inheritable = 0; /* what was ambient goes with it */
                if (syscall(SYS_capset, &head, data) < 0)
                        return -errno;
        }
        if (s->a && (data[0].permitted || data[1].permitted || data[0].effective || data[1].effective))
                return -EPERM;
        return 0;
}
