# Unit tests of libcoppice.
if HAVE_CMOCKA
check_PROGRAMS += tests/unit/lib tests/unit/lib_sd
TESTS += tests/unit/lib tests/unit/lib_sd
tests_unit_lib_SOURCES = tests/unit/lib.c
tests_unit_lib_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_lib_LDADD = liblib.a libproto.a libbase.a $(CMOCKA_LIBS)
tests_unit_lib_sd_SOURCES = tests/unit/lib_sd.c
tests_unit_lib_sd_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_lib_sd_LDADD = liblib.a libproto.a libbase.a $(CMOCKA_LIBS)
endif
