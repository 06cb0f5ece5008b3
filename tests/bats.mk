# Tests against the real binaries. A file of tests/bats is listed here once; without bats they are not run, and
# configure has said so.
BATS_TESTS = \
	tests/arch/arch.bats \
	tests/bats/lib.bats

EXTRA_DIST += $(BATS_TESTS) tests/bats/lib.bash
if HAVE_BATS
TESTS += $(BATS_TESTS)
endif
