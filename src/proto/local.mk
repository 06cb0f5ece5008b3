noinst_LIBRARIES += libproto.a
libproto_a_SOURCES = \
	src/proto/frame.c src/proto/frame.h \
	src/proto/journal.c src/proto/journal.h \
	src/proto/jtok.c src/proto/jtok.h \
	src/proto/message.c src/proto/message.h src/proto/message_keys.def \
	src/proto/methods.c src/proto/methods.h src/proto/methods.def \
	src/proto/varlink.c src/proto/varlink.h
libproto_a_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)

# The interface as a C string; the tables of methods and results are held against it on the way.
src/proto/varlink_text.h: src/proto/methods.def src/core/results.def src/proto/io.coppice.Manager.varlink \
                          src/proto/check-varlink.awk
	@$(MKDIR_P) src/proto
	$(AM_V_GEN)LC_ALL=C awk -f $(srcdir)/src/proto/check-varlink.awk $(srcdir)/src/proto/methods.def \
	        $(srcdir)/src/core/results.def $(srcdir)/src/proto/io.coppice.Manager.varlink > $@.tmp && mv $@.tmp $@
BUILT_SOURCES += src/proto/varlink_text.h
src/proto/libproto_a-methods.$(OBJEXT): src/proto/varlink_text.h
CLEANFILES += src/proto/varlink_text.h
EXTRA_DIST += src/proto/check-varlink.awk

varlinkdir = $(datadir)/varlink
dist_varlink_DATA = src/proto/io.coppice.Manager.varlink
