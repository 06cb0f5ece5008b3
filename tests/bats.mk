# Tests against the real binaries. A file of tests/bats is listed here once; without bats they are not run, and
# configure has said so.
BATS_TESTS = \
	tests/arch/arch.bats \
	tests/bats/ctl.bats \
	tests/bats/daemon.bats \
	tests/bats/lib.bats \
	tests/bats/notify.bats \
	tests/bats/simulate.bats

EXTRA_DIST += $(BATS_TESTS) tests/bats/lib.bash tests/bats/varlink_client.py tests/bats/hostile_client.py
if HAVE_BATS
TESTS += $(BATS_TESTS)
endif
