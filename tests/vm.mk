# A virtual machine with nothing but cgroup v2: what this machine's hybrid layout cannot show. contrib/check runs it.
EXTRA_DIST += tests/vm/boot tests/vm/guest
