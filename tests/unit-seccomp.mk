# Filters of system calls: a program that makes calls by name, and the verdicts and programs made of units.
check_PROGRAMS += tests/programs/call
tests_programs_call_SOURCES = tests/programs/call.c
tests_programs_call_LDADD = libcore.a libbase.a $(INIH_LIBS) -lpthread

if HAVE_CMOCKA
check_PROGRAMS += tests/unit/filter
TESTS += tests/unit/filter
tests_unit_filter_SOURCES = tests/unit/filter.c
tests_unit_filter_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)
tests_unit_filter_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_filter_LDADD = libos.a libcore.a libbase.a $(INIH_LIBS) $(SECCOMP_LIBS) $(CMOCKA_LIBS)
endif
