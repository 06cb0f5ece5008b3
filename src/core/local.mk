noinst_LIBRARIES += libcore.a
libcore_a_SOURCES = \
	src/core/types.h src/core/names.c \
	src/core/directive.c src/core/directive.h src/core/directives.def \
	src/core/resolve.c src/core/resolve.h \
	src/core/core.h src/core/node.h src/core/event.h src/core/action.h src/core/record.h \
	src/core/results.def src/core/rules.def src/core/vocabulary.c \
	src/core/reason.c src/core/reason.h
