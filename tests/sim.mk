# The oracle of OTP's semantics, and the simulation of whole trees.
check_PROGRAMS += tests/sim/otp-check
tests_sim_otp_check_SOURCES = tests/sim/otp_check.c tests/sim/otp_oracle.c tests/sim/otp_oracle.h \
	tests/sim/otp_random.c tests/sim/random.h
tests_sim_otp_check_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
tests_sim_otp_check_LDADD = $(JANSSON_LIBS)

TESTS += tests/sim/otp-oracle.sh
EXTRA_DIST += tests/sim/otp-oracle.sh
EXTRA_DIST += tests/otp/FORMAT.md tests/otp/public-seed1.jsonl.gz tests/otp/batch-seed1.jsonl.gz

# Random trees, random mishaps, invariants.
check_PROGRAMS += tests/sim/trees
tests_sim_trees_SOURCES = tests/sim/trees.c tests/sim/run.c tests/sim/scenario.c tests/sim/scenario.h tests/sim/random.h \
	tests/sim/witness.c tests/sim/witness.h tests/sim/invariants.c tests/sim/invariants_state.c tests/sim/malloc.c
tests_sim_trees_LDADD = libsim.a libunit.a libcore.a libbase.a $(INIH_LIBS)
tests_sim_trees_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=malloc -Wl,--wrap=calloc -Wl,--wrap=realloc \
	-Wl,--wrap=reallocarray -Wl,--wrap=strdup -Wl,--wrap=strndup
TESTS += tests/sim/trees tests/sim/mutants.sh
EXTRA_DIST += tests/sim/mutants.sh

# Snapshots of the core: the restored one is the same.
check_PROGRAMS += tests/sim/twins
tests_sim_twins_SOURCES = tests/sim/twins.c tests/sim/run.c tests/sim/scenario.c tests/sim/scenario.h tests/sim/random.h \
	tests/sim/witness.c tests/sim/witness.h tests/sim/invariants.c tests/sim/invariants_state.c
tests_sim_twins_LDADD = libsim.a libunit.a libcore.a libbase.a $(INIH_LIBS)
tests_sim_twins_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=core_step -Wl,--wrap=core_free -Wl,--wrap=core_add \
	-Wl,--wrap=core_link -Wl,--wrap=core_set_spec
TESTS += tests/sim/twins
EXTRA_DIST += tests/sim/snapshot-fields.sh
TESTS += tests/sim/snapshot-fields.sh
