# Unit tests of the control protocol.
if HAVE_CMOCKA
check_PROGRAMS += tests/unit/varlink_frame tests/unit/message
TESTS += tests/unit/varlink_frame tests/unit/message
tests_unit_varlink_frame_SOURCES = tests/unit/varlink_frame.c
tests_unit_varlink_frame_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS) $(JANSSON_CFLAGS)
tests_unit_varlink_frame_LDADD = libproto.a libbase.a $(JANSSON_LIBS) $(CMOCKA_LIBS)
tests_unit_message_SOURCES = tests/unit/message.c
tests_unit_message_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_message_LDADD = libproto.a libbase.a $(CMOCKA_LIBS)
endif

EXTRA_PROGRAMS += tests/bench/jtok
tests_bench_jtok_SOURCES = tests/bench/jtok.c
tests_bench_jtok_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
tests_bench_jtok_LDADD = libproto.a libbase.a $(JANSSON_LIBS)

EXTRA_PROGRAMS += tests/bench/mail_bench
tests_bench_mail_bench_SOURCES = tests/bench/mail_bench.c
EXTRA_DIST += tests/bench/filters tests/bench/mail tests/bench/pipeline tests/bench/reexec
