noinst_LIBRARIES += libcore.a
libcore_a_SOURCES = \
	src/core/types.h src/core/names.c \
	src/core/directive.c src/core/directive.h src/core/directives.def src/core/directives_sandbox.def \
	src/core/directives_resource.def src/core/directives_spawn.def \
	src/core/limits.c src/core/limits.h src/core/limits.def \
	src/core/directives_seccomp.def \
	src/core/resolve.c src/core/resolve.h \
	src/core/show.c src/core/show.h \
	src/core/core.h src/core/node.h src/core/event.h src/core/action.h src/core/record.h \
	src/core/results.def src/core/rules.def src/core/vocabulary.c \
	src/core/reason.c src/core/reason.h

# Units: text -> spec -> tree. A program that links libcore.a for these needs $(INIH_LIBS) as well.
AM_CPPFLAGS += $(INIH_CFLAGS)
libcore_a_SOURCES += \
	src/core/diag.c src/core/diag.h \
	src/core/value.c src/core/value_item.c src/core/value_limit.c src/core/value_row.c src/core/value_sandbox.c src/core/value_tmpfs.c src/core/value.h \
	src/core/elsewhere.def src/core/words.c src/core/words.h src/core/specifier.c src/core/specifiers.def \
	src/core/unit_name.c src/core/unit_text.c src/core/unit_text.h \
	src/core/unit_lines.c src/core/unit_lines.h \
	src/core/unit_apply.c src/core/unit_command.c src/core/unit_apply.h \
	src/core/unit_print.c \
	src/core/transient.c src/core/transient.h \
	src/core/spawnable.c src/core/spawnable.h src/core/spawnable.def \
	src/core/security.c src/core/security.h src/core/security.def \
	src/core/spec.c src/core/spec_build.c src/core/spec.h src/core/spec_build.h \
	src/core/branches.c src/core/branches.h src/core/validate.c src/core/validate_tree.c src/core/validate.h \
	src/core/unit_tree.c src/core/unit_tree.h \
	src/core/schema.c src/core/schema.h

# A spec into the steps of its process, and back into words.
libcore_a_SOURCES += \
	src/core/plan.c src/core/plan_env.c src/core/plan_streams.c src/core/plan_explain.c \
	src/core/plan.h src/core/plan_priv.h \
	src/core/plan_sandbox.c src/core/plan_landlock.c src/core/plan_creds.c src/core/sandbox.c src/core/sandbox.h src/core/mounts.c src/core/mounts_said.c src/core/mounts_priv.h src/core/mounts.h src/core/capability.c src/core/capability.h

# The decisions.
libcore_a_SOURCES += \
	src/core/core_state.h src/core/machine.h src/core/service.h src/core/supervisor.h src/core/order.h \
	src/core/core.c src/core/memory.c src/core/numbers.c src/core/children.c src/core/machine.c src/core/tree.c src/core/timer.c src/core/record.c src/core/explain.c \
	src/core/request.c src/core/queue.c src/core/call.c src/core/child.c src/core/super.c \
	src/core/supervisor.c src/core/settled.c src/core/job.c src/core/order.c src/core/link.c \
	src/core/service.c src/core/service_run.c src/core/service_end.c \
	src/core/snapshot.c src/core/snapshot_load.c src/core/snapshot_fields.c src/core/snapshot_priv.h \
	src/core/snapshot.h src/core/spec_save.c \
	src/core/intensity.c src/core/intensity.h src/core/restart.c src/core/restart.h

# Messages: what waits, who may say what to whom; links, monitors, names.
libcore_a_SOURCES += \
	src/core/channel_end.c src/core/channel_end.h src/core/validate_channels.c \
	src/core/mail.c src/core/mail.h src/core/mail_results.def src/core/route.c src/core/route.h src/core/directives_mail.def \
	src/core/bond.c src/core/bond_event.c src/core/bond_spawn.c src/core/emit.c src/core/bond_save.c src/core/bond.h src/core/bond_priv.h

# Filters of system calls. The table of names is made from the groups.
libcore_a_SOURCES += \
	src/core/syscalls.c src/core/syscalls.h src/core/syscall_groups.def \
	src/core/filter.c src/core/filter_names.c src/core/filter.h src/core/filter_denies.def \
	src/core/filter_check.c src/core/filter_cover.c src/core/filter_cover.h
src/core/syscall_table.h: src/core/syscall_groups.def src/core/syscall_table.awk
	@$(MKDIR_P) src/core
	$(AM_V_GEN)LC_ALL=C awk -f $(srcdir)/src/core/syscall_table.awk $(srcdir)/src/core/syscall_groups.def > $@.tmp && mv $@.tmp $@
BUILT_SOURCES += src/core/syscall_table.h
src/core/syscalls.$(OBJEXT): src/core/syscall_table.h
CLEANFILES += src/core/syscall_table.h
EXTRA_DIST += src/core/syscall_table.awk
