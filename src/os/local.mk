noinst_LIBRARIES += libos.a
libos_a_SOURCES = \
	src/os/conditions.c src/os/conditions.h \
	src/os/cgroup.c src/os/cgroup_node.c src/os/cgroup_adopt.c src/os/cgroup_left.c src/os/cgroup.h src/os/cgroup_priv.h \
	src/os/cgroup_find.c src/os/cgroup_procs.c src/os/cgroup_watch.c \
	src/os/cgroup_control.c src/os/cgroup_v1.c \
	src/os/limits.c src/os/limits_join.c src/os/limits_rest.c src/os/limits_count.c src/os/limits_io.c src/os/limits_device.c src/os/limits_watch.c src/os/limits.h \
	src/os/doctor.c src/os/doctor.h src/os/doctor.def \
	src/os/envfile.c src/os/envfile.h \
	src/os/fs.c src/os/fs.h \
	src/os/initlink.c src/os/initlink.h \
	src/os/memfile.c src/os/memfile.h \
	src/os/kernel.c src/os/kernel.h \
	src/os/mailsock.c src/os/maildesk.c src/os/mailsock.h \
	src/os/machine.c src/os/machine.h \
	src/os/sandbox_probe.c src/os/sandbox_probe.h \
	src/os/nogroup.c src/os/nogroup.h \
	src/os/pipe.c src/os/pipe.h \
	src/os/reach.c src/os/reach.h src/os/nss.c src/os/nss.h \
	src/os/notify.c src/os/notify.h \
	src/os/learned.c src/os/learned.h \
	src/os/seccomp.c src/os/seccomp_probe.c src/os/seccomp_program.c src/os/seccomp_table.c src/os/seccomp_priv.h src/os/seccomp.h src/os/bpf.h \
	src/os/user.c src/os/user.h
