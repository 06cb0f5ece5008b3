noinst_LIBRARIES += liblogread.a
liblogread_a_SOURCES = src/ctl/logread.c src/ctl/logread.h
liblogread_a_CFLAGS = $(AM_CFLAGS) $(ZLIB_CFLAGS)
