# The same tests on other ground: without privilege, where clone3 is not known, and PID 1 where all is forbidden. (Pure cgroup v2: tests/vm.mk.)
if HAVE_BATS
TESTS += tests/grounds/no-privilege tests/grounds/no-clone3
if !SANITIZERS
TESTS += tests/grounds/confined
endif
endif
EXTRA_DIST += tests/grounds/no-privilege tests/grounds/no-clone3 tests/grounds/confined
