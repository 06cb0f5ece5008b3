# Unit tests of the engine's pure parts.
if HAVE_CMOCKA
check_PROGRAMS += tests/unit/pids
TESTS += tests/unit/pids
tests_unit_pids_SOURCES = tests/unit/pids.c src/daemon/pids.c
tests_unit_pids_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_pids_LDADD = $(CMOCKA_LIBS)
endif

# A service that talks sd_notify, for tests/bats/notify.bats.
check_PROGRAMS += tests/programs/violence
tests_programs_violence_SOURCES = tests/programs/violence.c tests/programs/violence.h tests/programs/violence_look.c \
	tests/programs/violence_requests.c
tests_programs_violence_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)
tests_programs_violence_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
tests_programs_violence_LDADD = $(JANSSON_LIBS)
check_PROGRAMS += tests/programs/courier
tests_programs_courier_SOURCES = tests/programs/courier.c
check_PROGRAMS += tests/programs/spoil
tests_programs_spoil_SOURCES = tests/programs/spoil.c
tests_programs_spoil_LDADD = libproto.a libbase.a
check_PROGRAMS += tests/programs/hung tests/programs/tell tests/programs/mute tests/programs/deaf
tests_programs_hung_SOURCES = tests/programs/hung.c
tests_programs_mute_SOURCES = tests/programs/mute.c
tests_programs_tell_SOURCES = tests/programs/tell.c
tests_programs_deaf_SOURCES = tests/programs/deaf.c
# A module of the name service. Not a program: no sanitizer, no hardening, nothing of ours in it.
check_DATA = tests/programs/nss_hang.so
EXTRA_DIST += tests/programs/nss_hang.c
CLEANFILES += tests/programs/nss_hang.so
tests/programs/nss_hang.so: $(srcdir)/tests/programs/nss_hang.c
	@$(MKDIR_P) tests/programs
	$(AM_V_CCLD)$(CC) -O1 -fPIC -shared -o $@ $(srcdir)/tests/programs/nss_hang.c
