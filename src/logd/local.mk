noinst_LIBRARIES += liblogd.a
liblogd_a_SOURCES = \
	src/logd/console.c src/logd/console.h \
	src/logd/control.c \
	src/logd/logd.h \
	src/logd/loop.c \
	src/logd/rate.c src/logd/rate.h \
	src/logd/compress.c src/logd/compress.h \
	src/logd/shape.c src/logd/shape.h \
	src/logd/sink.c \
	src/logd/store.c src/logd/store.h \
	src/logd/stream.c \
	src/logd/tail.c \
	src/logd/tidy.c
liblogd_a_CFLAGS = $(AM_CFLAGS) $(PACK_CFLAGS)

pkglibexec_PROGRAMS += coppice-logd
coppice_logd_SOURCES = src/logd/main.c
coppice_logd_LDADD = liblogd.a libbase.a $(PACK_LIBS)
