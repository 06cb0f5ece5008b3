/* kernel.c - see kernel.h. */
#include "os/kernel.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "os/fs.h"

int kernel_pidfd_open(pid_t pid)
{
        int fd = (int) syscall(SYS_pidfd_open, pid, 0);

        /* EINVAL: it is dying just now (FAILURES A9) */
        return fd >= 0 ? fd : errno == EINVAL ? -ESRCH : -errno;
}

int kernel_pidfd_signal(int pidfd, int sig)
{
        return syscall(SYS_pidfd_send_signal, pidfd, sig, NULL, 0) < 0 ? -errno : 0;
}

/* The value of a variable in the environment PID 1 was started with: container managers leave their name there. */
static bool pid1_says(char *virt, size_t n)
{
        char text[4096];
        int len = fs_read_small(AT_FDCWD, "/proc/1/environ", text, sizeof text);

        for (int at = 0; at < len; at += (int) strlen(text + at) + 1)
                if (strncmp(text + at, "container=", 10) == 0 && text[at + 10]) {
                        (void) snprintf(virt, n, "%.30s", text + at + 10);
                        return true;
                }
        return false;
}

static bool find_container(char *virt, size_t n)
{
        char text[512];

        if (access("/.dockerenv", F_OK) == 0)
                (void) snprintf(virt, n, "docker");
        else if (access("/run/.containerenv", F_OK) == 0)
                (void) snprintf(virt, n, "podman");
        else if (fs_read_small(AT_FDCWD, "/run/systemd/container", text, sizeof text) > 0)
                (void) snprintf(virt, n, "%.30s", text);
        else if (!pid1_says(virt, n))
                return false;
        return true;
}

/* Hypervisors as the firmware names them. */
static void find_machine(char *virt, size_t n)
{
        static const struct { const char *sign, *name; } signs[] = {
                { "QEMU", "qemu" }, { "KVM", "kvm" }, { "Amazon EC2", "amazon" }, { "Google", "google" },
                { "VMware", "vmware" }, { "VirtualBox", "oracle" }, { "innotek", "oracle" }, { "Xen", "xen" },
                { "Microsoft Corporation", "microsoft" }, { "Parallels", "parallels" }, { "Bochs", "bochs" },
        };
        static const char *const files[] = { "/sys/class/dmi/id/product_name", "/sys/class/dmi/id/sys_vendor",
                                             "/sys/class/dmi/id/board_vendor", "/sys/class/dmi/id/bios_vendor" };
        char text[2048];

        for (size_t f = 0; f < ARRAY_LEN(files); f++) {
                if (fs_read_small(AT_FDCWD, files[f], text, sizeof text) <= 0)
                        continue;
                for (size_t i = 0; i < ARRAY_LEN(signs); i++)
                        if (strstr(text, signs[i].sign)) {
                                (void) snprintf(virt, n, "%s", signs[i].name);
                                return;
                        }
        }
        /* No firmware tables: only that there is a hypervisor at all. */
        if (fs_read_small(AT_FDCWD, "/proc/cpuinfo", text, sizeof text) > 0 && strstr(text, " hypervisor"))
                (void) snprintf(virt, n, "vm-other");
}

static void ask(struct kernel *k)
{
        struct utsname u;
        int fd;

        k->root = geteuid() == 0;
        k->proc = access("/proc/self/stat", R_OK) == 0;
        fd = kernel_pidfd_open(getpid());
        k->pidfd = fd >= 0;
        if (fd >= 0)
                (void) close(fd);
        k->close_range = syscall(SYS_close_range, ~0U, ~0U, 0) == 0;
        if (uname(&u) == 0)
                (void) snprintf(k->release, sizeof k->release, "%s", u.release);
        (void) snprintf(k->virt, sizeof k->virt, "none");
        k->container = find_container(k->virt, sizeof k->virt);
        if (!k->container)
                find_machine(k->virt, sizeof k->virt);
}

const struct kernel *kernel_get(void)
{
        static struct kernel cache; /* one of the few roots: nothing in it changes while we run */
        static bool asked;

        if (!asked)
                ask(&cache);
        asked = true;
        return &cache;
}
