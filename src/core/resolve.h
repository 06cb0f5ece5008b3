/* resolve.h - values whose default depends on other values of the unit, or on where it came from.
 *
 * Read these directives through here, never with spec_int(): the table can only hold one default.
 * Used by: core, engine, ctl.  Uses: spec.h. */
#ifndef CORE_RESOLVE_H
#define CORE_RESOLVE_H

#include "core/spec.h"

/* Restart= of a service or of a supervisor. Unset: permanent, but temporary for Type=oneshot and for a service in a
 * file from a systemd directory. */
enum restart spec_restart(const struct spec *s);

/* The values both kinds of node have: what they count for, and how long to wait before a restart. */
bool spec_significant(const struct spec *s);
nsec spec_restart_sec(const struct spec *s);
nsec spec_restart_max_delay(const struct spec *s);   /* never less than spec_restart_sec() */
int64_t spec_restart_factor(const struct spec *s);   /* thousandths */
int64_t spec_restart_jitter(const struct spec *s);   /* hundredths of a percent */
nsec spec_restart_reset(const struct spec *s);

/* TimeoutStartSec=: unset means 90s, but NSEC_NEVER for Type=oneshot. NSEC_NEVER for a supervisor. */
nsec spec_timeout_start(const struct spec *s);

/* TimeoutStopSec=: NSEC_NEVER for a supervisor, whose children have their own. */
nsec spec_timeout_stop(const struct spec *s);

/* NotifyAccess=: unset means main for Type=notify and with WatchdogSec=, else none. */
enum notify_access spec_notify_access(const struct spec *s);

/* PrivateTmp=, ProtectSystem=, ProtectHome=: DynamicUser=yes asks for more of them. */
enum private_tmp spec_private_tmp(const struct spec *s);
enum protect_system spec_protect_system(const struct spec *s);
enum protect_home spec_protect_home(const struct spec *s);

/* Isolation=: unset means the daemon's own. */
enum isolation spec_isolation(const struct spec *s, enum isolation daemon);

/* MaxChildren= of a supervisor: unset means UINT32_MAX, but 100 with AllowSpawn=. */
uint32_t spec_max_children(const struct spec *s);

/* StartMode=: unset means parallel for one_for_one, sequential for the others. */
enum start_mode spec_start_mode(const struct spec *s);

#endif
