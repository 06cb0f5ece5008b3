# Tests against the real binaries. A file of tests/bats is listed here once; without bats they are not run, and
# configure has said so.
BATS_TESTS =
# Those that take long, the longest first.
BATS_TESTS += tests/bats/recover.bats
BATS_TESTS += tests/bats/pid1.bats
BATS_TESTS += tests/bats/limits.bats
BATS_TESTS += tests/bats/ctl.bats
BATS_TESTS += tests/bats/behaviour.bats
BATS_TESTS += tests/bats/container.bats
BATS_TESTS += tests/bats/faults.bats
BATS_TESTS += tests/bats/daemon.bats
BATS_TESTS += tests/bats/mail.bats
BATS_TESTS += tests/bats/seccomp.bats
BATS_TESTS += tests/bats/sandbox.bats
BATS_TESTS += tests/bats/channels.bats
# The others.
BATS_TESTS += tests/arch/arch.bats
BATS_TESTS += tests/bats/access.bats
BATS_TESTS += tests/bats/conditions.bats
BATS_TESTS += tests/bats/bonds.bats
BATS_TESTS += tests/bats/ctl_json.bats
BATS_TESTS += tests/bats/directives.bats
BATS_TESTS += tests/bats/drift.bats
BATS_TESTS += tests/bats/example_health.bats tests/bats/example_tasks.bats
BATS_TESTS += tests/bats/example_gossip.bats tests/bats/example_heartbeat.bats tests/bats/example_pool.bats
BATS_TESTS += tests/bats/example_pipeline.bats
BATS_TESTS += tests/bats/example_trace.bats
BATS_TESTS += tests/bats/example_bank.bats
BATS_TESTS += tests/bats/example_pair.bats
BATS_TESTS += tests/bats/example_sum.bats
BATS_TESTS += tests/bats/example_counter.bats
BATS_TESTS += tests/bats/hidden.bats
BATS_TESTS += tests/bats/hostile.bats
BATS_TESTS += tests/bats/lib.bats
BATS_TESTS += tests/bats/libcoppice.bats
BATS_TESTS += tests/bats/instants.bats
BATS_TESTS += tests/bats/left.bats
BATS_TESTS += tests/bats/install.bats
BATS_TESTS += tests/bats/names.bats
BATS_TESTS += tests/bats/nogroup.bats
BATS_TESTS += tests/bats/mail_ctl.bats tests/bats/mail_storm.bats
BATS_TESTS += tests/bats/notify.bats
BATS_TESTS += tests/bats/pipes.bats
BATS_TESTS += tests/bats/process.bats
BATS_TESTS += tests/bats/programs.bats
BATS_TESTS += tests/bats/readme.bats
BATS_TESTS += tests/bats/run.bats
BATS_TESTS += tests/bats/reload.bats
BATS_TESTS += tests/bats/security.bats
BATS_TESTS += tests/bats/simulate.bats
BATS_TESTS += tests/bats/spawn.bats
BATS_TESTS += tests/bats/storm.bats
BATS_TESTS += tests/bats/units.bats
BATS_TESTS += tests/bats/wild.bats

EXTRA_DIST += $(BATS_TESTS)
EXTRA_DIST += tests/bats/hostile_client.py tests/bats/drift.py
EXTRA_DIST += tests/bats/lib.bash tests/bats/library.bash tests/bats/chaos.bash
EXTRA_DIST += tests/states/record tests/states/list tests/states/0.1.0-f0ee9fb.gz tests/states/0.1.0-1de225a.gz
EXTRA_DIST += tests/bats/script_example.bash tests/bats/spawner.py tests/bats/killer.py tests/bats/wild.py
EXTRA_DIST += tests/bats/terminal.py tests/bats/typing.py
EXTRA_DIST += tests/bats/mailbox.py tests/bats/talker.bash
EXTRA_DIST += tests/bats/varlink_client.py
EXTRA_DIST += tests/programs/vocabulary.c tests/programs/operator.c tests/programs/checks.h
if HAVE_BATS
TESTS += $(BATS_TESTS)
endif
