# Unit tests of the unit language.
if HAVE_CMOCKA
UNIT_TESTS = tests/unit/unit_text tests/unit/unit_set
check_PROGRAMS += $(UNIT_TESTS)
TESTS += $(UNIT_TESTS)
EXTRA_DIST += tests/unit/units.h

tests_unit_unit_text_SOURCES = tests/unit/unit_text.c
tests_unit_unit_text_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)
tests_unit_unit_text_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_unit_text_LDADD = libcore.a libbase.a $(INIH_LIBS) $(CMOCKA_LIBS)

tests_unit_unit_set_SOURCES = tests/unit/unit_set.c
tests_unit_unit_set_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)
tests_unit_unit_set_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_unit_set_LDADD = libunit.a libcore.a libbase.a $(INIH_LIBS) $(CMOCKA_LIBS)
endif
