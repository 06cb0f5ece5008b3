# Fuzz targets. Each is one file with LLVMFuzzerTestOneInput() and a corpus of its name. `make check` replays the
# corpus with a plain main; with --enable-fuzzing (and clang) libFuzzer drives them:
#     ./configure --enable-fuzzing --enable-sanitizers CC=clang && make check tests/fuzz/units.dict
#     tests/fuzz/fuzz_unit_text -dict=tests/fuzz/units.dict NEW_CORPUS tests/fuzz/corpus/unit_text
FUZZ_TARGETS = tests/fuzz/fuzz_unit_text tests/fuzz/fuzz_value tests/fuzz/fuzz_control tests/fuzz/fuzz_message tests/fuzz/fuzz_mailbox \
	tests/fuzz/fuzz_journal tests/fuzz/fuzz_notify tests/fuzz/fuzz_logline
FUZZ_LIBS = libcore.a libbase.a $(INIH_LIBS)
if FUZZING
FUZZ_MAIN =
FUZZ_LINK = $(AM_LDFLAGS) -fsanitize=fuzzer
else
FUZZ_MAIN = tests/fuzz/replay.c tests/fuzz/must.h
FUZZ_LINK = $(AM_LDFLAGS)
TESTS += $(FUZZ_TARGETS)
endif
check_PROGRAMS += $(FUZZ_TARGETS) tests/fuzz/dictionary
EXTRA_DIST += tests/fuzz/corpus tests/fuzz/replay.c

tests_fuzz_fuzz_unit_text_SOURCES = tests/fuzz/fuzz_unit_text.c $(FUZZ_MAIN)
tests_fuzz_fuzz_unit_text_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir) -DFUZZ_NAME='"unit_text"'
tests_fuzz_fuzz_unit_text_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_fuzz_unit_text_LDADD = $(FUZZ_LIBS)

tests_fuzz_fuzz_value_SOURCES = tests/fuzz/fuzz_value.c $(FUZZ_MAIN)
tests_fuzz_fuzz_value_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir) -DFUZZ_NAME='"value"'
tests_fuzz_fuzz_value_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_fuzz_value_LDADD = $(FUZZ_LIBS)

tests_fuzz_fuzz_control_SOURCES = tests/fuzz/fuzz_control.c tests/fuzz/pretend_engine.c tests/fuzz/pretend_facts.c \
	tests/fuzz/pretend_engine.h tests/fuzz/pretend_priv.h $(FUZZ_MAIN)
tests_fuzz_fuzz_control_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir) -DFUZZ_NAME='"control"'
tests_fuzz_fuzz_control_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
tests_fuzz_fuzz_control_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_fuzz_control_LDADD = libcontrol.a libproto.a libos.a $(FUZZ_LIBS) $(JANSSON_LIBS) $(EV_LIBS)

tests_fuzz_fuzz_message_SOURCES = tests/fuzz/fuzz_message.c $(FUZZ_MAIN)
tests_fuzz_fuzz_message_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir) -DFUZZ_NAME='"message"'
tests_fuzz_fuzz_message_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_fuzz_message_LDADD = libproto.a libbase.a


tests_fuzz_fuzz_mailbox_SOURCES = tests/fuzz/fuzz_mailbox.c $(FUZZ_MAIN)
tests_fuzz_fuzz_mailbox_CPPFLAGS = $(AM_CPPFLAGS) -DFUZZ_NAME='"mailbox"'
tests_fuzz_fuzz_mailbox_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_fuzz_mailbox_LDADD = liblib.a libproto.a libbase.a

tests_fuzz_dictionary_SOURCES = tests/fuzz/dictionary.c
tests_fuzz_fuzz_journal_SOURCES = tests/fuzz/fuzz_journal.c $(FUZZ_MAIN)
tests_fuzz_fuzz_journal_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir) -DFUZZ_NAME='"journal"'
tests_fuzz_fuzz_journal_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_fuzz_journal_LDADD = libdaemon.a libcontrol.a libdaemon.a libunit.a libos.a libproto.a libcore.a libbase.a \
	$(EV_LIBS) $(INIH_LIBS) $(JANSSON_LIBS) $(SECCOMP_LIBS)

tests_fuzz_fuzz_notify_SOURCES = tests/fuzz/fuzz_notify.c $(FUZZ_MAIN)
tests_fuzz_fuzz_notify_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir) -DFUZZ_NAME='"notify"'
tests_fuzz_fuzz_notify_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_fuzz_notify_LDADD = libos.a libbase.a

tests_fuzz_fuzz_logline_SOURCES = tests/fuzz/fuzz_logline.c $(FUZZ_MAIN)
tests_fuzz_fuzz_logline_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir) -DFUZZ_NAME='"logline"'
tests_fuzz_fuzz_logline_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
tests_fuzz_fuzz_logline_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_fuzz_logline_LDADD = liblogd.a libbase.a $(JANSSON_LIBS)

tests_fuzz_dictionary_LDADD = $(FUZZ_LIBS)
tests/fuzz/units.dict: tests/fuzz/dictionary$(EXEEXT)
	$(AM_V_GEN)tests/fuzz/dictionary >$@
CLEANFILES += tests/fuzz/units.dict
