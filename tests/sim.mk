# The oracle of OTP's semantics, and the simulation of whole trees.
check_PROGRAMS += tests/sim/otp-check
tests_sim_otp_check_SOURCES = tests/sim/otp_check.c tests/sim/otp_oracle.c tests/sim/otp_oracle.h \
	tests/sim/otp_random.c
tests_sim_otp_check_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
tests_sim_otp_check_LDADD = $(JANSSON_LIBS)

TESTS += tests/sim/otp-oracle.sh
EXTRA_DIST += tests/sim/otp-oracle.sh
EXTRA_DIST += tests/otp/FORMAT.md tests/otp/public-seed1.jsonl.gz tests/otp/batch-seed1.jsonl.gz
