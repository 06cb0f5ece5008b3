pkglibexec_PROGRAMS += coppice-tee
coppice_tee_SOURCES = src/tee/main.c
coppice_tee_LDADD = liblib.a libproto.a libbase.a
coppice_tee_LDFLAGS = $(HARD_LDFLAGS) $(SAN_FLAGS) $(INIT_LDFLAGS)
