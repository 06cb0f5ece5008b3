noinst_LIBRARIES += libsim.a
libsim_a_SOURCES = \
	src/sim/change.c \
	src/sim/play.h \
	src/sim/process.c \
	src/sim/queue.c \
	src/sim/script.c src/sim/script.h \
	src/sim/sim.c src/sim/sim.h src/sim/world.h \
	src/sim/simulate.c src/sim/simulate.h \
	src/sim/story.c src/sim/story.h \
	src/sim/tree.c
