# Manual pages. Lists of directives come from the table, put in by man/fill at build time.
noinst_PROGRAMS += man/fill
man_fill_SOURCES = man/fill.c
man_fill_LDADD = libcore.a libbase.a

FILLED_MANS = man/coppiced.8 man/coppice.service.5 man/coppice.supervisor.5 man/coppice.channel.5
man_MANS = $(FILLED_MANS)
dist_man_MANS += man/coppice.simulate.7
EXTRA_DIST += man/coppiced.8.in man/coppice.service.5.in man/coppice.supervisor.5.in man/coppice.channel.5.in
CLEANFILES += $(FILLED_MANS)

$(FILLED_MANS): man/fill$(EXEEXT)
man/coppiced.8: $(srcdir)/man/coppiced.8.in
	$(AM_V_GEN)man/fill <$(srcdir)/man/coppiced.8.in >$@.new && mv $@.new $@
man/coppice.service.5: $(srcdir)/man/coppice.service.5.in
	$(AM_V_GEN)man/fill <$(srcdir)/man/coppice.service.5.in >$@.new && mv $@.new $@
man/coppice.supervisor.5: $(srcdir)/man/coppice.supervisor.5.in
	$(AM_V_GEN)man/fill <$(srcdir)/man/coppice.supervisor.5.in >$@.new && mv $@.new $@
man/coppice.channel.5: $(srcdir)/man/coppice.channel.5.in
	$(AM_V_GEN)man/fill <$(srcdir)/man/coppice.channel.5.in >$@.new && mv $@.new $@
