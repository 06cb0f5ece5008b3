/* kernel.h - what this kernel and this sandbox allow: asked once, remembered.
 * May be used by: os, daemon, ctl (doctor), tests.  May use: kernel interfaces. */
#ifndef OS_KERNEL_H
#define OS_KERNEL_H

#include <stdbool.h>
#include <sys/types.h>

struct kernel {
        bool proc;          /* /proc is mounted and shows us */
        bool pidfd;         /* pidfd_open, pidfd_send_signal */
        bool close_range;
        bool root;          /* effective uid 0 */
        bool container;     /* see virt */
        char virt[32];      /* "none", "docker", "podman", "lxc", "kvm", "qemu", ...; systemd's names */
        char release[65];
};

/* The answers; the first call asks. */
const struct kernel *kernel_get(void);

/* glibc 2.36 has these, musl and older ones not: always the raw call. -errno on failure. */
int kernel_pidfd_open(pid_t pid);
int kernel_pidfd_signal(int pidfd, int sig);

#endif
