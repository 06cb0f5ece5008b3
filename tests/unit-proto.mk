# Unit tests of the control protocol.
if HAVE_CMOCKA
check_PROGRAMS += tests/unit/varlink_frame
TESTS += tests/unit/varlink_frame
tests_unit_varlink_frame_SOURCES = tests/unit/varlink_frame.c
tests_unit_varlink_frame_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS) $(JANSSON_CFLAGS)
tests_unit_varlink_frame_LDADD = libproto.a libbase.a $(JANSSON_LIBS) $(CMOCKA_LIBS)
endif
