/* filter_names.c - the names that filters are written with: errors, families, namespaces,
 * architectures. See filter.h. */
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "core/filter.h"
#include "core/value.h"

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x80
#endif

static const char *const arch_text[] = {
        [FILTER_ARCH_NATIVE] = "native", [FILTER_ARCH_X86] = "x86", [FILTER_ARCH_X86_64] = "x86-64",
        [FILTER_ARCH_X32] = "x32", [FILTER_ARCH_ARM] = "arm", [FILTER_ARCH_ARM64] = "arm64",
};
STRTAB(filter_arch_names, arch_text);

static const char *const mode_text[] = { [FILTER_MODE_ENFORCE] = "enforce", [FILTER_MODE_LEARN] = "learn" };
STRTAB(filter_mode_names, mode_text);

#define FAMILY(name) [AF_##name] = "AF_" #name
static const char *const family_text[] = {
        FAMILY(UNIX), FAMILY(INET), FAMILY(AX25), FAMILY(IPX), FAMILY(APPLETALK), FAMILY(NETROM), FAMILY(BRIDGE),
        FAMILY(ATMPVC), FAMILY(X25), FAMILY(INET6), FAMILY(ROSE), FAMILY(DECnet), FAMILY(NETBEUI), FAMILY(SECURITY),
        FAMILY(KEY), FAMILY(NETLINK), FAMILY(PACKET), FAMILY(ASH), FAMILY(ECONET), FAMILY(ATMSVC), FAMILY(RDS),
        FAMILY(SNA), FAMILY(IRDA), FAMILY(PPPOX), FAMILY(WANPIPE), FAMILY(LLC), FAMILY(IB), FAMILY(MPLS), FAMILY(CAN),
        FAMILY(TIPC), FAMILY(BLUETOOTH), FAMILY(IUCV), FAMILY(RXRPC), FAMILY(ISDN), FAMILY(PHONET),
        FAMILY(IEEE802154), FAMILY(CAIF), FAMILY(ALG), FAMILY(NFC), FAMILY(VSOCK), FAMILY(KCM), FAMILY(QIPCRTR),
        FAMILY(SMC), FAMILY(XDP), [45] = "AF_MCTP",
};
static STRTAB(families, family_text);

static const struct { const char *name; uint64_t flag; } namespaces[] = {
        { "cgroup", CLONE_NEWCGROUP }, { "ipc", CLONE_NEWIPC }, { "mnt", CLONE_NEWNS }, { "net", CLONE_NEWNET },
        { "pid", CLONE_NEWPID }, { "time", CLONE_NEWTIME }, { "user", CLONE_NEWUSER }, { "uts", CLONE_NEWUTS },
};
enum { NAMESPACES = sizeof(namespaces) / sizeof(namespaces[0]), ERRNO_NAMED = 140, ERRNO_MAX = 4095 };

int filter_family(const char *name)
{
        if (strcmp(name, "AF_LOCAL") == 0 || strcmp(name, "AF_FILE") == 0)
                return AF_UNIX;
        if (strcmp(name, "AF_ROUTE") == 0)
                return AF_NETLINK;
        return strtab_value(&families, name);
}

uint64_t filter_namespace(const char *name)
{
        uint64_t all = 0;

        for (size_t i = 0; i < NAMESPACES; i++) {
                if (strcmp(namespaces[i].name, name) == 0)
                        return namespaces[i].flag;
                all |= namespaces[i].flag;
        }
        return strcmp(name, "all") == 0 ? all : 0;
}

int filter_errno(const char *text)
{
        static const struct { const char *name; int number; } others[] = { /* second names */
                { "ENOTSUP", EOPNOTSUPP }, { "EWOULDBLOCK", EAGAIN }, { "EDEADLOCK", EDEADLK },
        };
        int64_t n;

        if (strcmp(text, "kill") == 0)
                return FILTER_KILL;
        if (value_decimal(text, &n) == 0)
                return n >= 0 && n <= ERRNO_MAX ? (int) n : -EINVAL;
        for (int i = 1; i <= ERRNO_NAMED; i++)
                if (strcmp(errno_name(i), text) == 0 && text[1] != '?')
                        return i;
        for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
                if (strcmp(others[i].name, text) == 0)
                        return others[i].number;
        return -EINVAL;
}

/* --- forms -------------------------------------------------------------------------------------------------------- */

static int errno_item(const char *text, struct buf *out, const char **ret_what, char *hint, size_t n)
{
        if (filter_errno(text) == -EINVAL) {
                *ret_what = "no error";
                (void) snprintf(hint, n, "write a name such as EPERM, a number from 0 to 4095, or kill");
                return -EINVAL;
        }
        buf_adds(out, text);
        return 0;
}

static int syscall_item(const char *text, struct buf *out, const char **ret_what, char *hint, size_t n)
{
        const char *near, *colon = strchr(text, ':');
        size_t len = colon ? (size_t) (colon - text) : strlen(text);
        char name[64] = "";

        if (len < sizeof(name))
                memcpy(name, text, len);
        if (name[0] == '@' ? syscall_group_find(name) < 0 : syscall_find(name) < 0) {
                *ret_what = name[0] == '@' ? "no group of system calls" : "no system call";
                near = syscall_nearest(name);
                if (near)
                        (void) snprintf(hint, n, "did you mean %s?", near);
                else
                        (void) snprintf(hint, n, "`coppicectl seccomp --groups` prints groups and calls");
                return -EINVAL;
        }
        if (colon && filter_errno(colon + 1) == -EINVAL)
                return errno_item(colon + 1, out, ret_what, hint, n);
        buf_adds(out, text);
        return 0;
}

static int table_item(const char *text, const char *const *words, size_t count, const char *what, const char *way,
                      const char **ret_what, char *hint, size_t n)
{
        const char *near = strtab_nearest(words, count, text);

        *ret_what = what;
        if (near)
                (void) snprintf(hint, n, "did you mean %s?", near);
        else
                (void) snprintf(hint, n, "%s", way);
        return -EINVAL;
}

static int family_item(const char *text, struct buf *out, const char **ret_what, char *hint, size_t n)
{
        int family = filter_family(text);

        if (family < 0 && strcmp(text, "none") != 0)
                return table_item(text, families.text, (size_t) families.count, "no address family",
                                  "write names such as AF_UNIX AF_INET AF_INET6, or none", ret_what, hint, n);
        buf_adds(out, family < 0 ? text : strtab_text(&families, family));
        return 0;
}

static int namespace_item(const char *text, struct buf *out, const char **ret_what, char *hint, size_t n)
{
        const char *words[NAMESPACES];
        int64_t yes;

        if (value_bool(text, &yes) == 0) {
                buf_adds(out, yes ? "yes" : "no");
                return 0;
        }
        for (size_t i = 0; i < NAMESPACES; i++)
                words[i] = namespaces[i].name;
        if (filter_namespace(text) == 0 || strcmp(text, "all") == 0)
                return table_item(text, words, NAMESPACES, "no kind of namespace",
                                  "write yes, no, or names: cgroup ipc mnt net pid time user uts", ret_what, hint, n);
        buf_adds(out, text);
        return 0;
}

int filter_item(const char *form, const char *text, struct buf *out, const char **ret_what, char *hint, size_t n)
{
        bool signed_item = strcmp(form, "errno") != 0 && strcmp(form, "arch") != 0 && text[0] == '~';

        if (signed_item)
                buf_addc(out, *text++);
        if (strcmp(form, "errno") == 0)
                return errno_item(text, out, ret_what, hint, n);
        if (strcmp(form, "family") == 0)
                return family_item(text, out, ret_what, hint, n);
        if (strcmp(form, "namespace") == 0)
                return namespace_item(text, out, ret_what, hint, n);
        if (strcmp(form, "syscall") == 0)
                return syscall_item(text, out, ret_what, hint, n);
        if (strtab_value(&filter_arch_names, text) < 0)
                return table_item(text, filter_arch_names.text, (size_t) filter_arch_names.count,
                                  "no architecture", "write native", ret_what, hint, n);
        buf_adds(out, text);
        return 0;
}
