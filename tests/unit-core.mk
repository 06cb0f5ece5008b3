# Tests of the decision core.
check_PROGRAMS += tests/otp-replay
tests_otp_replay_SOURCES = tests/otp/replay.c tests/otp/world.c tests/otp/world.h
tests_otp_replay_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)
tests_otp_replay_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
tests_otp_replay_LDADD = libcore.a libbase.a $(JANSSON_LIBS) $(INIH_LIBS)
TESTS += tests/otp/vectors
EXTRA_DIST += tests/otp/vectors tests/otp/FORMAT.md tests/otp/public-seed1.jsonl.gz tests/otp/batch-seed1.jsonl.gz
CLEANFILES += tests/otp-public.out tests/otp-batch.out tests/otp-canary.out tests/otp-long.out tests/otp-bad.out

if HAVE_CMOCKA
CORE_TESTS = tests/unit/service tests/unit/supervisor tests/unit/order tests/unit/decide tests/unit/bond tests/unit/spawnin tests/unit/mail
check_PROGRAMS += $(CORE_TESTS)
TESTS += $(CORE_TESTS)
core_cppflags = $(AM_CPPFLAGS) -I$(top_srcdir)
core_cflags = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
core_ldadd = libcore.a libbase.a $(INIH_LIBS) $(CMOCKA_LIBS)

tests_unit_service_SOURCES = tests/unit/service.c tests/unit/core_rows.c tests/unit/core_rows.h
tests_unit_service_CPPFLAGS = $(core_cppflags)
tests_unit_service_CFLAGS = $(core_cflags)
tests_unit_service_LDADD = $(core_ldadd)

tests_unit_supervisor_SOURCES = tests/unit/supervisor.c tests/unit/core_rows.c tests/unit/core_rows.h
tests_unit_supervisor_CPPFLAGS = $(core_cppflags)
tests_unit_supervisor_CFLAGS = $(core_cflags)
tests_unit_supervisor_LDADD = $(core_ldadd)

tests_unit_order_SOURCES = tests/unit/order.c tests/unit/core_rows.c tests/unit/core_rows.h
tests_unit_order_CPPFLAGS = $(core_cppflags)
tests_unit_order_CFLAGS = $(core_cflags)
tests_unit_order_LDADD = $(core_ldadd)

tests_unit_bond_SOURCES = tests/unit/bond.c tests/unit/core_rows.c tests/unit/core_rows.h
tests_unit_bond_CPPFLAGS = $(core_cppflags)
tests_unit_bond_CFLAGS = $(core_cflags)
tests_unit_bond_LDADD = $(core_ldadd)
tests_unit_spawnin_SOURCES = tests/unit/spawnin.c tests/unit/core_rows.c tests/unit/core_rows.h
tests_unit_spawnin_CPPFLAGS = $(core_cppflags)
tests_unit_spawnin_CFLAGS = $(core_cflags)
tests_unit_spawnin_LDADD = $(core_ldadd)
EXTRA_DIST += tests/erlang/README tests/erlang/bonds.escript tests/erlang/bonds.table tests/erlang/compare

tests_unit_mail_SOURCES = tests/unit/mail.c tests/unit/core_rows.c tests/unit/core_rows.h
tests_unit_mail_CPPFLAGS = $(core_cppflags)
tests_unit_mail_CFLAGS = $(core_cflags)
tests_unit_mail_LDADD = $(core_ldadd)

tests_unit_decide_SOURCES = tests/unit/decide.c
tests_unit_decide_CPPFLAGS = $(core_cppflags)
tests_unit_decide_CFLAGS = $(core_cflags)
tests_unit_decide_LDADD = $(core_ldadd)
endif
