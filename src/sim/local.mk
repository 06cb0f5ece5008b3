noinst_LIBRARIES += libsim.a
libsim_a_SOURCES = \
	src/sim/sim.c src/sim/sim.h src/sim/world.h \
	src/sim/process.c \
	src/sim/queue.c
