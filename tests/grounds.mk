# The same tests on other ground: without privilege, and where clone3 is not known. (Pure cgroup v2: tests/vm.mk.)
if HAVE_BATS
TESTS += tests/grounds/no-privilege tests/grounds/no-clone3
endif
EXTRA_DIST += tests/grounds/no-privilege tests/grounds/no-clone3
