# Fault injection: each system call of the daemon fails in turn. See tests/faults/faults.h.
check_PROGRAMS += tests/faults/faults
tests_faults_faults_SOURCES = tests/faults/main.c tests/faults/errors.c tests/faults/hold.c tests/faults/trace.c tests/faults/world.c tests/faults/faults.h
tests_faults_faults_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
tests_faults_faults_LDADD = $(JANSSON_LIBS)

# The engine and the log writer with allocations that fail; beside them the test puts a coppiced.
check_PROGRAMS += tests/faults/memory/coppice-engine tests/faults/memory/coppice-logd
MEMORY_WRAP = $(AM_LDFLAGS) -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=reallocarray,--wrap=strdup,--wrap=strndup
tests_faults_memory_coppice_engine_SOURCES = src/daemon/main.c tests/faults/memory.c
tests_faults_memory_coppice_engine_LDFLAGS = $(MEMORY_WRAP)
tests_faults_memory_coppice_engine_LDADD = $(coppice_engine_LDADD)
tests_faults_memory_coppice_logd_SOURCES = src/logd/main.c tests/faults/memory.c
tests_faults_memory_coppice_logd_LDFLAGS = $(MEMORY_WRAP)
tests_faults_memory_coppice_logd_LDADD = $(coppice_logd_LDADD)
CLEANFILES += tests/faults/memory/coppiced tests/faults/memory/point.over tests/faults/memory/point.sites
CLEANFILES += tests/faults/memory/point.hit
