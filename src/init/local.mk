bin_PROGRAMS += coppiced
coppiced_SOURCES = \
	src/init/init.h \
	src/init/again.c \
	src/init/check.c \
	src/init/last.c \
	src/init/listeners.c \
	src/init/loop.c \
	src/init/main.c \
	src/init/reap.c \
	src/init/spawn.c \
	src/init/store.c
coppiced_LDADD = libchild.a libbase.a
coppiced_LDFLAGS = $(HARD_LDFLAGS) $(SAN_FLAGS) $(INIT_LDFLAGS) $(NEAR_LDFLAGS)
EXTRA_coppiced_DEPENDENCIES = $(srcdir)/src/init/near.ld
EXTRA_DIST += src/init/near.ld
