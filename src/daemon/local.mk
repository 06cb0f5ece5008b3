noinst_LIBRARIES += libdaemon.a
libdaemon_a_SOURCES = \
	src/daemon/control.h \
	src/daemon/empty.c src/daemon/empty.h \
	src/daemon/engine.c src/daemon/engine.h src/daemon/engine_priv.h src/daemon/run.h \
	src/daemon/exit.c src/daemon/exit.h \
	src/daemon/gather.c src/daemon/gather.h \
	src/daemon/identity.c src/daemon/identity.h \
	src/daemon/journal.c src/daemon/journal.h src/daemon/journal_priv.h src/daemon/journal_entries.c src/daemon/journal_snapshot.c src/daemon/journal_fields.c \
	src/daemon/recover.c src/daemon/recover_entries.c src/daemon/recover_priv.h src/daemon/reconcile.c src/daemon/reexec.c src/daemon/adopt.c src/daemon/adopt.h src/daemon/left.c src/daemon/left.h src/daemon/left_list.c src/daemon/left_note.c src/daemon/left_watch.c src/daemon/left_priv.h src/daemon/recover.h \
	src/daemon/ledger.c src/daemon/ledger.h \
	src/daemon/limits.c src/daemon/limits_tell.c src/daemon/limits.h \
	src/daemon/link.c src/daemon/link.h \
	src/daemon/absent.c \
	src/daemon/absent.h \
	src/daemon/check.c \
	src/daemon/check.h \
	src/daemon/load.c src/daemon/load.h \
	src/daemon/logd.c src/daemon/logd.h \
	src/daemon/logs.c src/daemon/logs.h \
	src/daemon/channel.c src/daemon/channel.h src/daemon/channel_api.c src/daemon/channel_hold.c src/daemon/channel_read.c src/daemon/channel_tap.c \
	src/daemon/mail.c src/daemon/mail.h src/daemon/mail_priv.h src/daemon/mailroom.h \
	src/daemon/mail_call.c src/daemon/mail_spawn.c src/daemon/mail_spawn.h src/daemon/mail_find.c src/daemon/mail_in.c src/daemon/mail_later.c src/daemon/mail_life.c src/daemon/mail_out.c \
	src/daemon/mail_log.c src/daemon/mail_log.h src/daemon/mail_replay.c src/daemon/mail_replay_channel.c src/daemon/mail_replay.h src/daemon/mail_resume.c src/daemon/mail_room.c src/daemon/mail_wait.c \
	src/daemon/notify.c src/daemon/notify.h src/daemon/said.c src/daemon/said.h src/daemon/touch.c src/daemon/touch.h \
	src/daemon/options.c src/daemon/options.h \
	src/daemon/watch.h \
	src/daemon/peer.c src/daemon/peer.h \
	src/daemon/perform.c src/daemon/perform.h \
	src/daemon/pidfile.c src/daemon/pidfile.h \
	src/daemon/pipe.c src/daemon/pipe_copy.c src/daemon/pipe_life.c src/daemon/pipe_tell.c src/daemon/pipe.h src/daemon/pipe_priv.h \
	src/daemon/pids.c src/daemon/pids.h \
	src/daemon/ready.c src/daemon/ready.h \
	src/daemon/reload.c \
	src/daemon/rundir.c src/daemon/rundir.h \
	src/daemon/private_tmp.c \
	src/daemon/sandbox.c src/daemon/sandbox.h \
	src/daemon/say.c src/daemon/say.h \
	src/daemon/seccomp.c src/daemon/seccomp.h src/daemon/seccomp_listen.c src/daemon/seccomp_priv.h \
	src/daemon/set.c \
	src/daemon/signals.c src/daemon/signals.h \
	src/daemon/socket.c src/daemon/socket.h \
	src/daemon/spawn.c src/daemon/spawn.h \
	src/daemon/store.c src/daemon/store.h \
	src/daemon/transient.c src/daemon/transient.h src/daemon/transient_begin.c src/daemon/transient_priv.h \
	src/daemon/usage.c

# The control server; it reaches the engine only through engine.h, so that its fuzz target can bring another.
noinst_LIBRARIES += libcontrol.a
libcontrol_a_SOURCES = \
	src/daemon/control.c \
	src/daemon/control_access.c src/daemon/control_ahead.c \
	src/daemon/control_ask.c \
	src/daemon/control_conn.c \
	src/daemon/control_doctor.c \
	src/daemon/control_events.c \
	src/daemon/control_mail.c src/daemon/control_bond.c src/daemon/control_channel.c src/daemon/control_tap.c \
	src/daemon/control_names.c \
	src/daemon/control_priv.h \
	src/daemon/control_read.c \
	src/daemon/control_reexec.c \
	src/daemon/control_reload.c \
	src/daemon/control_set.c \
	src/daemon/control_spawn.c \
	src/daemon/control_wait.c \
	src/daemon/control_seccomp.c \
	src/daemon/control_why.c \
	src/daemon/node_json.c src/daemon/node_json.h
libcontrol_a_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)

pkglibexec_PROGRAMS += coppice-engine
coppice_engine_SOURCES = src/daemon/main.c
coppice_engine_LDADD = \
	libdaemon.a libcontrol.a libdaemon.a libunit.a libos.a libproto.a libcore.a libbase.a \
	$(EV_LIBS) $(INIH_LIBS) $(JANSSON_LIBS) $(SECCOMP_LIBS)
