noinst_LIBRARIES += libunit.a
libunit_a_SOURCES = \
	src/unit/unit_set.c src/unit/unit_known.c src/unit/unit_set.h src/unit/unit_set_priv.h \
	src/unit/unit_load.c src/unit/unit_check.c src/unit/unit_read.c src/unit/unit_index.c src/unit/unit_file.c src/unit/unit_paths.c src/unit/unit_host.c \
	src/unit/unit_dirs.h
