# A virtual machine with nothing but cgroup v2, or nothing but v1: what a machine with a hybrid layout cannot show. A sanitized build is
# too slow under the translator.
EXTRA_DIST += tests/vm/boot tests/vm/guest tests/vm/machine tests/vm/pure-v2 tests/vm/v1-only
if !SANITIZERS
TESTS += tests/vm/pure-v2 tests/vm/machine tests/vm/v1-only
endif

# The kernel that the machine boots and the packages of real programs are kept in the build directory.
distclean-local:
	rm -rf vm programs
