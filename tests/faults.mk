# Fault injection: each system call of the daemon fails in turn. See tests/faults/faults.h.
check_PROGRAMS += tests/faults/faults
tests_faults_faults_SOURCES = tests/faults/main.c tests/faults/errors.c tests/faults/trace.c tests/faults/world.c tests/faults/faults.h
tests_faults_faults_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
tests_faults_faults_LDADD = $(JANSSON_LIBS)
