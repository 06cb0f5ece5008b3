# Unit tests of the unit language.
if HAVE_CMOCKA
UNIT_TESTS = \
	tests/unit/unit_text \
	tests/unit/unit_disk \
	tests/unit/unit_set \
	tests/unit/directives \
	tests/unit/value \
	tests/unit/spec \
	tests/unit/validate \
	tests/unit/security
check_PROGRAMS += $(UNIT_TESTS)
TESTS += $(UNIT_TESTS)
EXTRA_DIST += tests/unit/units.h

tests_unit_unit_text_SOURCES = tests/unit/unit_text.c
tests_unit_unit_text_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)
tests_unit_unit_text_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_unit_text_LDADD = libcore.a libbase.a $(INIH_LIBS) $(CMOCKA_LIBS)

tests_unit_unit_set_SOURCES = tests/unit/unit_set.c tests/unit/unit_dir.h
tests_unit_unit_set_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)
tests_unit_unit_set_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_unit_set_LDADD = libunit.a libcore.a libbase.a $(INIH_LIBS) $(CMOCKA_LIBS)
tests_unit_unit_disk_SOURCES = tests/unit/unit_disk.c tests/unit/unit_dir.h
tests_unit_unit_disk_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)
tests_unit_unit_disk_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_unit_disk_LDADD = libunit.a libcore.a libbase.a $(INIH_LIBS) $(CMOCKA_LIBS)

tests_unit_directives_SOURCES = tests/unit/directives.c
tests_unit_directives_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)
tests_unit_directives_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_directives_LDADD = libcore.a libbase.a $(JANSSON_LIBS) $(INIH_LIBS) $(CMOCKA_LIBS)

tests_unit_value_SOURCES = tests/unit/value.c
tests_unit_value_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)
tests_unit_value_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_value_LDADD = libcore.a libbase.a $(INIH_LIBS) $(CMOCKA_LIBS)

tests_unit_spec_SOURCES = tests/unit/spec.c
tests_unit_spec_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)
tests_unit_spec_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_spec_LDADD = libcore.a libbase.a $(INIH_LIBS) $(CMOCKA_LIBS)

tests_unit_security_SOURCES = tests/unit/security.c
tests_unit_security_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)
tests_unit_security_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_security_LDADD = libcore.a libbase.a $(INIH_LIBS) $(CMOCKA_LIBS)

tests_unit_validate_SOURCES = tests/unit/validate.c
tests_unit_validate_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)
tests_unit_validate_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_validate_LDADD = libcore.a libbase.a $(INIH_LIBS) $(CMOCKA_LIBS)
endif
