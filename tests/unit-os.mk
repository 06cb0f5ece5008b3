# Tests of init, the child and the os layer. Those of init start the real coppiced with a stub for its engine.
check_PROGRAMS += tests/programs/probe tests/programs/stub_engine tests/programs/without
check_PROGRAMS += tests/programs/hungry
tests_programs_hungry_SOURCES = tests/programs/hungry.c
check_PROGRAMS += tests/programs/oddity
tests_programs_oddity_SOURCES = tests/programs/oddity.c
tests_programs_oddity_LDADD = -lpthread
tests_programs_probe_SOURCES = tests/programs/probe.c
tests_programs_stub_engine_SOURCES = tests/programs/stub_engine.c
tests_programs_without_SOURCES = tests/programs/without.c
tests_programs_without_CFLAGS = $(AM_CFLAGS) $(SECCOMP_CFLAGS)
tests_programs_without_LDADD = $(SECCOMP_LIBS)

if HAVE_CMOCKA
OS_TESTS = tests/unit/init tests/unit/init_child tests/unit/plan tests/unit/sandbox tests/unit/cgroup tests/unit/cgroup_odd tests/unit/os
check_PROGRAMS += $(OS_TESTS)
TESTS += $(OS_TESTS)

tests_unit_init_SOURCES = tests/unit/init.c tests/unit/initrig.c tests/unit/initrig.h
tests_unit_init_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)
tests_unit_init_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_init_LDADD = libos.a libbase.a $(CMOCKA_LIBS)
tests_unit_init_child_SOURCES = tests/unit/init_child.c tests/unit/initrig.c tests/unit/initrig.h
tests_unit_init_child_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)
tests_unit_init_child_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_init_child_LDADD = libos.a libbase.a $(CMOCKA_LIBS)

tests_unit_plan_SOURCES = tests/unit/plan.c
tests_unit_plan_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)
tests_unit_plan_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_plan_LDADD = libcore.a libbase.a $(INIH_LIBS) $(CMOCKA_LIBS)

tests_unit_sandbox_SOURCES = tests/unit/sandbox.c
tests_unit_sandbox_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)
tests_unit_sandbox_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_sandbox_LDADD = libcore.a libbase.a $(INIH_LIBS) $(CMOCKA_LIBS)

tests_unit_cgroup_SOURCES = tests/unit/cgroup.c tests/unit/cgrouprig.c tests/unit/cgrouprig.h
tests_unit_cgroup_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)
tests_unit_cgroup_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_cgroup_LDADD = libos.a libcore.a libbase.a $(INIH_LIBS) $(CMOCKA_LIBS)

tests_unit_cgroup_odd_SOURCES = tests/unit/cgroup_odd.c tests/unit/cgrouprig.c tests/unit/cgrouprig.h
tests_unit_cgroup_odd_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)
tests_unit_cgroup_odd_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_cgroup_odd_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=fs_write_small
tests_unit_cgroup_odd_LDADD = libos.a libcore.a libbase.a $(INIH_LIBS) $(CMOCKA_LIBS)

tests_unit_os_SOURCES = tests/unit/os.c
tests_unit_os_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)
tests_unit_os_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_os_LDADD = libos.a libcore.a libbase.a $(INIH_LIBS) $(CMOCKA_LIBS)
endif

# The benchmarks are built with the tests, and run by hand (HACKING.md).
check_PROGRAMS += tests/bench/spawn tests/bench/lives tests/programs/nothing tests/programs/beacon tests/programs/tally
tests_programs_nothing_SOURCES = tests/programs/nothing.c
tests_programs_nothing_CFLAGS = -O2 -fno-stack-protector
tests_programs_nothing_LDFLAGS = -static -nostartfiles
tests_programs_beacon_SOURCES = tests/programs/beacon.c
tests_programs_beacon_CFLAGS = -O2 -fno-stack-protector
tests_programs_beacon_LDFLAGS = -static -nostartfiles
tests_programs_tally_SOURCES = tests/programs/tally.c
tests_programs_tally_CFLAGS = -O2 -fno-stack-protector
tests_programs_tally_LDFLAGS = -static -nostartfiles
tests_bench_spawn_SOURCES = tests/bench/spawn.c
tests_bench_spawn_LDADD = libos.a libbase.a
tests_bench_spawn_DEPENDENCIES = coppiced tests/programs/nothing libos.a libbase.a
tests_bench_lives_SOURCES = tests/bench/lives.c
tests_bench_lives_LDADD = libos.a libcore.a libbase.a $(INIH_LIBS)
tests_bench_lives_DEPENDENCIES = coppiced coppice-engine tests/programs/beacon libos.a libbase.a
