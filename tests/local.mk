# How tests run: each program of TESTS through tests/driver, which writes down every result in it (cmocka and bats
# print TAP). One fragment for each area.
TEST_EXTENSIONS = .bats
LOG_DRIVER = $(SHELL) $(top_srcdir)/tests/driver
BATS_LOG_DRIVER = $(SHELL) $(top_srcdir)/tests/driver
BATS_LOG_COMPILER = $(BATS)
AM_BATS_LOG_FLAGS = --tap
AM_TESTS_ENVIRONMENT = \
	CMOCKA_MESSAGE_OUTPUT=TAP; export CMOCKA_MESSAGE_OUTPUT; \
	COPPICE_BUILD='$(abs_top_builddir)'; export COPPICE_BUILD; \
	COPPICE_SOURCE='$(abs_top_srcdir)'; export COPPICE_SOURCE; \
	COPPICE_SANITIZED='$(SAN_FLAGS)'; export COPPICE_SANITIZED; \
	CC='$(CC)'; export CC;
EXTRA_DIST += tests/driver

# Their order is that in which they begin: the longest first, so that none is left running alone at the end.
include tests/vm.mk
include tests/grounds.mk
include tests/unit-base.mk
include tests/unit-core.mk
include tests/unit-daemon.mk
include tests/unit-logd.mk
include tests/unit-lib.mk
include tests/unit-os.mk
include tests/unit-seccomp.mk
include tests/unit-proto.mk
include tests/unit-unit.mk
include tests/bats.mk
include tests/model.mk
include tests/sim.mk
include tests/fuzz.mk
include tests/faults.mk
