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

# The pages of libcoppice, from its header; each other function has a page that leads to that of its section.
LIBRARY_MANS = man/coppice.3 man/coppice_ask.3 man/coppice_call.3 man/coppice_channel.3 man/coppice_control.3 man/coppice_emit.3 man/coppice_link.3 \
	man/coppice_listen_fds.3 man/coppice_message.3 man/coppice_notify.3 man/coppice_open.3 man/coppice_receive.3 \
	man/coppice_register.3 man/coppice_send.3 man/coppice_spawn.3
LIBRARY_TEXT = $(srcdir)/src/lib/coppice.h $(srcdir)/src/lib/results.def $(srcdir)/man/library.c
man_MANS += $(LIBRARY_MANS)
CLEANFILES += $(LIBRARY_MANS)
EXTRA_DIST += man/library.awk man/library.c
$(LIBRARY_MANS): man/library.awk src/lib/coppice.h src/lib/results.def man/library.c
	@$(MKDIR_P) man
	$(AM_V_GEN)$(AWK) -v page=`basename $@ .3` -v date=2026-11-21 -v version=$(PACKAGE_VERSION) -f $(srcdir)/man/library.awk \
		$(LIBRARY_TEXT) >$@.new && mv $@.new $@
LIBRARY_LINKS = $(AWK) -v links=1 -f $(srcdir)/man/library.awk $(srcdir)/src/lib/coppice.h
install-library-links:
	$(MKDIR_P) "$(DESTDIR)$(man3dir)"
	$(LIBRARY_LINKS) | while read -r name page; do echo ".so man3/$$page.3" >"$(DESTDIR)$(man3dir)/$$name.3"; done
uninstall-library-links:
	$(LIBRARY_LINKS) | while read -r name page; do rm -f "$(DESTDIR)$(man3dir)/$$name.3"; done
.PHONY: install-library-links uninstall-library-links
install-data-local: install-library-links
uninstall-local: uninstall-library-links
