noinst_LIBRARIES += libbase.a
libbase_a_SOURCES = \
	src/base/account.c src/base/account.h \
	src/base/base64.c src/base/base64.h \
	src/base/buf.c src/base/buf.h \
	src/base/cleanup.h \
	src/base/err.c src/base/err.h src/base/stages.def \
	src/base/escape.c src/base/escape.h \
	src/base/json.c src/base/json.h \
	src/base/log.c src/base/log.h \
	src/base/logproto.h src/base/initproto.h \
	src/base/pack.c src/base/pack.h \
	src/base/plan.c src/base/plan.h src/base/plan_steps.def \
	src/base/rights.c src/base/rights.h \
	src/base/shortage.h \
	src/base/logstore.c src/base/logstore.h \
	src/base/slice.c src/base/slice.h \
	src/base/strtab.c src/base/strtab.h \
	src/base/utf8.c src/base/utf8.h
