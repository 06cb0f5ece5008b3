# Manual pages. Lists of directives come from the table, put in by man/fill at build time.
noinst_PROGRAMS += man/fill
man_fill_SOURCES = man/fill.c
man_fill_LDADD = libcore.a libbase.a

FILLED_MANS = man/coppiced.8 man/coppice.service.5 man/coppice.supervisor.5 man/coppice.channel.5
man_MANS = $(FILLED_MANS) man/io.coppice.Manager.7
dist_man_MANS += man/coppice.simulate.7 man/coppice.mailbox.7
EXTRA_DIST += man/interface.awk man/io.coppice.Manager.7.in
EXTRA_DIST += man/coppiced.8.in man/coppice.service.5.in man/coppice.supervisor.5.in man/coppice.channel.5.in
CLEANFILES += $(FILLED_MANS) man/io.coppice.Manager.7

# The interface of the control socket, from its description.
INTERFACE = $(srcdir)/src/proto/io.coppice.Manager.varlink
man/io.coppice.Manager.7: man/io.coppice.Manager.7.in man/interface.awk src/proto/io.coppice.Manager.varlink
	$(AM_V_GEN)$(AWK) -v version=$(PACKAGE_VERSION) -f $(srcdir)/man/interface.awk $(INTERFACE) \
		$(srcdir)/man/io.coppice.Manager.7.in >$@.new && mv $@.new $@

$(FILLED_MANS): man/fill$(EXEEXT)
man/coppiced.8: $(srcdir)/man/coppiced.8.in
	$(AM_V_GEN)man/fill <$(srcdir)/man/coppiced.8.in >$@.new && mv $@.new $@
man/coppice.service.5: $(srcdir)/man/coppice.service.5.in
	$(AM_V_GEN)man/fill <$(srcdir)/man/coppice.service.5.in >$@.new && mv $@.new $@
man/coppice.supervisor.5: $(srcdir)/man/coppice.supervisor.5.in
	$(AM_V_GEN)man/fill <$(srcdir)/man/coppice.supervisor.5.in >$@.new && mv $@.new $@
man/coppice.channel.5: $(srcdir)/man/coppice.channel.5.in
	$(AM_V_GEN)man/fill <$(srcdir)/man/coppice.channel.5.in >$@.new && mv $@.new $@
