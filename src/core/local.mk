noinst_LIBRARIES += libcore.a
libcore_a_SOURCES = \
	src/core/types.h src/core/names.c \
	src/core/directive.c src/core/directive.h src/core/directives.def \
	src/core/resolve.c src/core/resolve.h
