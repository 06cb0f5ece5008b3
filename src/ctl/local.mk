noinst_LIBRARIES += liblogread.a
liblogread_a_SOURCES = src/ctl/logfile.c src/ctl/logfile.h src/ctl/logread.c src/ctl/logread.h
liblogread_a_CFLAGS = $(AM_CFLAGS) $(PACK_CFLAGS)

# Everything but main(), so that the tests and the page maker have the table of verbs too.
noinst_LIBRARIES += libctl.a
libctl_a_SOURCES = \
	src/ctl/client.c src/ctl/ctl.h \
	src/ctl/cmd_ask.c \
	src/ctl/cmd_await.c \
	src/ctl/cmd_bond.c src/ctl/cmd_channel.c src/ctl/cmd_send.c src/ctl/compose.c src/ctl/compose.h src/ctl/inside.c src/ctl/inside.h \
	src/ctl/cmd_daemon.c \
	src/ctl/cmd_deaths.c \
	src/ctl/cmd_events.c \
	src/ctl/cmd_explain.c \
	src/ctl/cmd_graph.c \
	src/ctl/cmd_help.c src/ctl/help.h \
	src/ctl/cmd_list.c \
	src/ctl/cmd_logs.c \
	src/ctl/cmd_metrics.c src/ctl/cmd_reexec.c \
	src/ctl/cmd_reload.c \
	src/ctl/cmd_run.c src/ctl/cmd_spawn.c src/ctl/wish.c src/ctl/wish.h \
	src/ctl/cmd_schema.c \
	src/ctl/cmd_seccomp.c \
	src/ctl/attach.c src/ctl/attach.h \
	src/ctl/local.c src/ctl/local.h \
	src/ctl/cmd_security.c \
	src/ctl/cmd_doctor.c src/ctl/cmd_set.c src/ctl/cmd_show.c \
	src/ctl/cmd_status.c \
	src/ctl/cmd_tree.c \
	src/ctl/cmd_verify.c \
	src/ctl/cmd_why.c \
	src/ctl/loglines.c src/ctl/loglines.h \
	src/ctl/args.c \
	src/ctl/offline.c src/ctl/offline.h \
	src/ctl/print.c src/ctl/say.c \
	src/ctl/verbs.c src/ctl/verbs.def src/ctl/other_verbs.def
CTL_LIBS = libctl.a liblogread.a libsim.a libunit.a libos.a libcore.a liblib.a libproto.a libbase.a $(INIH_LIBS) $(PACK_LIBS)

bin_PROGRAMS += coppicectl
coppicectl_SOURCES = src/ctl/main.c
coppicectl_LDADD = $(CTL_LIBS)
coppicectl_LDFLAGS = $(HARD_LDFLAGS) $(SAN_FLAGS) $(CTL_LDFLAGS)

# The manual page and the completions come from the table of verbs.
noinst_PROGRAMS += src/ctl/pages
src_ctl_pages_SOURCES = src/ctl/pages.c src/ctl/pages.h src/ctl/complete.c
src_ctl_pages_LDADD = $(CTL_LIBS)

CTL_PAGES = man/coppicectl.1 contrib/completions/coppicectl.bash contrib/completions/_coppicectl contrib/completions/coppicectl.fish
CLEANFILES += $(CTL_PAGES)
EXTRA_DIST += man/coppicectl.1.in
nodist_man_MANS += man/coppicectl.1
man/coppicectl.1: src/ctl/pages$(EXEEXT) $(srcdir)/man/coppicectl.1.in
	@$(MKDIR_P) man
	$(AM_V_GEN)src/ctl/pages man <$(srcdir)/man/coppicectl.1.in >$@.new && mv $@.new $@
contrib/completions/coppicectl.bash: src/ctl/pages$(EXEEXT)
	@$(MKDIR_P) contrib/completions
	$(AM_V_GEN)src/ctl/pages bash >$@.new && mv $@.new $@
contrib/completions/_coppicectl: src/ctl/pages$(EXEEXT)
	@$(MKDIR_P) contrib/completions
	$(AM_V_GEN)src/ctl/pages zsh >$@.new && mv $@.new $@
contrib/completions/coppicectl.fish: src/ctl/pages$(EXEEXT)
	@$(MKDIR_P) contrib/completions
	$(AM_V_GEN)src/ctl/pages fish >$@.new && mv $@.new $@

# A page for each verb, beside that of all of them.
install-verb-pages: src/ctl/pages$(EXEEXT)
	$(MKDIR_P) "$(DESTDIR)$(man1dir)"
	src/ctl/pages verbs "$(DESTDIR)$(man1dir)"
uninstall-verb-pages:
	rm -f "$(DESTDIR)$(man1dir)"/coppicectl-*.1
.PHONY: install-verb-pages uninstall-verb-pages
install-data-local: install-verb-pages
uninstall-local: uninstall-verb-pages

bashcompletiondir = $(datadir)/bash-completion/completions
zshcompletiondir = $(datadir)/zsh/site-functions
fishcompletiondir = $(datadir)/fish/vendor_completions.d
zshcompletion_DATA = contrib/completions/_coppicectl
fishcompletion_DATA = contrib/completions/coppicectl.fish
noinst_DATA = contrib/completions/coppicectl.bash
install-data-hook: contrib/completions/coppicectl.bash
	$(MKDIR_P) "$(DESTDIR)$(bashcompletiondir)"
	$(INSTALL_DATA) contrib/completions/coppicectl.bash "$(DESTDIR)$(bashcompletiondir)/coppicectl"
uninstall-hook:
	rm -f "$(DESTDIR)$(bashcompletiondir)/coppicectl"
