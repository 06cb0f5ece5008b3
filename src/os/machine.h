/* machine.h - being PID 1 of a machine rather than of a container: the kernel's file systems at the start, nobody's
 * data at risk at the end.
 *
 * May be used by: daemon, tests.  May use: base, kernel interfaces. */
#ifndef OS_MACHINE_H
#define OS_MACHINE_H

#include <stdbool.h>

/* Our PID 1 is that of the machine: we are in the kernel's own pid namespace and nobody set $container (FAILURES
 * J17: reboot(2) in a namespace would end the namespace). Only meaningful when init is PID 1. */
bool machine_is(void);

/* Mount /proc, /sys, /dev, /dev/pts, /dev/shm, /run and the cgroup v2 tree where nothing is mounted yet, and keep
 * Ctrl-Alt-Del from rebooting at once: it is SIGINT to PID 1 from here on (reboot(2)). What fails is logged: a machine
 * that lacks one of them may still be able to say so. */
void machine_start(void);

/* Swap off, unmount all but the kernel's own file systems, the root read-only. After every service has ended. Tries
 * as long as a pass unmounts something; what is left is logged and made read-only. */
void machine_release(void);

#endif
