# Unit tests of the base layer.
if HAVE_CMOCKA
check_PROGRAMS += tests/unit/base
TESTS += tests/unit/base
tests_unit_base_SOURCES = tests/unit/base.c
tests_unit_base_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_base_LDADD = libbase.a $(CMOCKA_LIBS)
endif
