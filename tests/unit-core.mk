# Tests of the decision core.
check_PROGRAMS += tests/otp-replay
tests_otp_replay_SOURCES = tests/otp/replay.c
tests_otp_replay_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
tests_otp_replay_LDADD = libcore.a libbase.a $(JANSSON_LIBS) $(INIH_LIBS)
TESTS += tests/otp/vectors
EXTRA_DIST += tests/otp/vectors tests/otp/FORMAT.md tests/otp/public-seed1.jsonl.gz tests/otp/batch-seed1.jsonl.gz
CLEANFILES += tests/otp-public.out tests/otp-batch.out tests/otp-canary.out
