noinst_LIBRARIES += libchild.a
libchild_a_SOURCES = \
	src/child/child.h \
	src/child/caps.c \
	src/child/credentials.c \
	src/child/descriptors.c \
	src/child/exec.c \
	src/child/files.c \
	src/child/ids.c \
	src/child/landlock.c \
	src/child/mounts.c \
	src/child/mounts_old.c \
	src/child/namespaces.c \
	src/child/pids.c \
	src/child/process.c \
	src/child/seccomp.c \
	src/child/walk.c
