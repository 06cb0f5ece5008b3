# libcoppice. The room once for our own programs and tests (liblib.a), and once as programs get it: position-independent,
# joined with what it needs of base and proto into one object that shows nothing but coppice_*; static and shared library
# are made of that.
LIB_SOURCES = \
	src/lib/coppice.h src/lib/sd-daemon.h src/lib/parts.h src/lib/results.def src/lib/wire.h \
	src/lib/call.c src/lib/channel.c src/lib/connect.c src/lib/control.c src/lib/listen.c src/lib/mailbox.c src/lib/msg.c src/lib/notify.c \
	src/lib/receive.c src/lib/results.c src/lib/send.c src/lib/spawn.c src/lib/wire.c
noinst_LIBRARIES += liblib.a liblib_pic.a
liblib_a_SOURCES = $(LIB_SOURCES)
liblib_pic_a_SOURCES = $(LIB_SOURCES) \
	src/base/base64.c src/base/buf.c src/base/escape.c src/base/json.c src/base/rights.c src/base/utf8.c \
	src/proto/frame.c src/proto/jtok.c src/proto/message.c
liblib_pic_a_CFLAGS = -std=gnu11 $(WARN_CFLAGS) $(HARD_CFLAGS) $(SAN_FLAGS) -fPIC -fvisibility=hidden -fno-lto

LIB_SONAME = libcoppice.so.0
src/lib/joined.o: liblib_pic.a
	@$(MKDIR_P) src/lib
	$(AM_V_GEN)$(LD) -r -o $@.new --whole-archive liblib_pic.a && $(OBJCOPY) --localize-hidden $@.new $@ && rm -f $@.new
libcoppice.a: src/lib/joined.o
	$(AM_V_AR)rm -f $@ && $(AR) cr $@ src/lib/joined.o && $(RANLIB) $@
$(LIB_SONAME): src/lib/joined.o src/lib/libcoppice.map
	$(AM_V_CCLD)$(CC) $(CFLAGS) $(SAN_FLAGS) $(LDFLAGS) $(HARD_LDFLAGS) -shared -Wl,-soname,$(LIB_SONAME) \
		-Wl,--version-script=$(srcdir)/src/lib/libcoppice.map -o $@ src/lib/joined.o

libfiledir = $(libdir)
nodist_libfile_DATA = libcoppice.a $(LIB_SONAME)
include_HEADERS = src/lib/coppice.h
sdincludedir = $(includedir)/coppice
sdinclude_HEADERS = src/lib/sd-daemon.h
pkgconfigdir = $(libdir)/pkgconfig
nodist_pkgconfig_DATA = src/lib/coppice.pc
CLEANFILES += libcoppice.a $(LIB_SONAME) src/lib/joined.o
EXTRA_DIST += src/lib/libcoppice.map

install-exec-hook:
	$(MKDIR_P) "$(DESTDIR)$(libdir)"
	ln -sf $(LIB_SONAME) "$(DESTDIR)$(libdir)/libcoppice.so"
uninstall-libcoppice-link:
	rm -f "$(DESTDIR)$(libdir)/libcoppice.so"
uninstall-local: uninstall-libcoppice-link

# The library alone, for the tests and for who wants no more.
.PHONY: install-libcoppice uninstall-libcoppice-link
install-libcoppice: libcoppice.a $(LIB_SONAME) install-includeHEADERS install-sdincludeHEADERS install-nodist_libfileDATA install-nodist_pkgconfigDATA install-man3 install-library-links
	$(MAKE) $(AM_MAKEFLAGS) install-exec-hook
