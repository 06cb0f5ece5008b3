# Tests of the log writer: its computing, and the real program over its protocol. The benchmark is built by name only:
# make tests/bench/logd_throughput
EXTRA_PROGRAMS = tests/bench/logd_throughput
tests_bench_logd_throughput_SOURCES = tests/bench/logd_throughput.c
tests_bench_logd_throughput_LDADD = libbase.a

if HAVE_CMOCKA
LOGD_TESTS = tests/unit/logd_pure tests/unit/logd_driver tests/unit/logd_faults tests/unit/logread
check_PROGRAMS += $(LOGD_TESTS)
TESTS += $(LOGD_TESTS)
tests_unit_logd_pure_SOURCES = tests/unit/logd_pure.c
tests_unit_logd_pure_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_logd_pure_LDADD = liblogd.a libbase.a $(CMOCKA_LIBS)
LOGD_BENCH = tests/unit/logd_bench.c tests/unit/logd_bench.h
tests_unit_logd_driver_SOURCES = tests/unit/logd_driver.c $(LOGD_BENCH)
tests_unit_logd_driver_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_logd_driver_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)
tests_unit_logd_driver_LDADD = libbase.a $(CMOCKA_LIBS)
tests_unit_logd_faults_SOURCES = tests/unit/logd_faults.c $(LOGD_BENCH)
tests_unit_logd_faults_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_logd_faults_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)
tests_unit_logd_faults_LDADD = libbase.a $(CMOCKA_LIBS)
tests_unit_logread_SOURCES = tests/unit/logread.c
tests_unit_logread_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS) $(PACK_CFLAGS)
tests_unit_logread_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=poll
tests_unit_logread_LDADD = liblogread.a libbase.a $(CMOCKA_LIBS) $(PACK_LIBS)
endif
