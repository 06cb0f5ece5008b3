/* types.h - the words of the decision core.
 *
 * core/ is PURE: no system call, no clock, no libev, no printf to anywhere, no global that changes, no allocation
 * inside core_step(). Time is an argument. A test holds the archive's undefined symbols against a short list.
 * May be used by: os, proto, unit, sim, daemon, ctl.  May use: base. */
#ifndef CORE_TYPES_H
#define CORE_TYPES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/strtab.h"

typedef uint32_t node_id;      /* a place in the tree; never reused while the daemon lives */
typedef int64_t nsec;          /* nanoseconds; CLOCK_MONOTONIC in the daemon, virtual elsewhere */

#define NODE_NONE  UINT32_MAX
#define NODE_ROOT  0U
#define NSEC_NEVER INT64_MAX
#define NSEC_PER_SEC  INT64_C(1000000000)
#define NSEC_PER_MSEC INT64_C(1000000)
#define NSEC_PER_USEC INT64_C(1000)

enum node_kind { KIND_SUPERVISOR, KIND_SERVICE, KIND_CHANNEL }; /* a channel is a unit, but no node of the core */

enum strategy { ONE_FOR_ONE, ONE_FOR_ALL, REST_FOR_ONE };
enum escalation { ESCALATE, ISOLATE };
enum auto_shutdown { AUTO_NEVER, AUTO_ANY_SIGNIFICANT, AUTO_ALL_SIGNIFICANT };
/* How a supervisor starts and stops its children. SEQUENTIAL is OTP's way (one after another, each ready before
 * the next, stops likewise); PARALLEL only keeps the order of the calls and what After= asks for. The default is
 * PARALLEL for one_for_one and SEQUENTIAL for the others, which allow nothing else. */
enum start_mode { START_DEFAULT, START_PARALLEL, START_SEQUENTIAL };

/* Restart=. The first three are OTP's; the rest are systemd's other values, which OTP has no word for.
 * always = permanent, on-failure = transient, no = temporary. */
enum restart {
        RESTART_PERMANENT, RESTART_TRANSIENT, RESTART_TEMPORARY,
        RESTART_ON_SUCCESS, RESTART_ON_ABNORMAL, RESTART_ON_ABORT, RESTART_ON_WATCHDOG,
};

enum service_type { TYPE_SIMPLE, TYPE_EXEC, TYPE_NOTIFY, TYPE_ONESHOT, TYPE_FORKING, TYPE_IDLE };
enum kill_mode { KILL_CONTROL_GROUP, KILL_MIXED, KILL_PROCESS, KILL_NONE };

/* NotifyAccess=, Isolation=, LogFormat=, LogCompress=. */
enum notify_access { NOTIFY_NONE, NOTIFY_MAIN, NOTIFY_EXEC, NOTIFY_ALL };
enum isolation { ISOLATION_STRICT, ISOLATION_BEST_EFFORT };
/* OnDaemonDeath=. */
enum on_daemon_death { ON_DEATH_KILL, ON_DEATH_LEAVE };
/* ControlAccess=: each word includes those before it. */
enum control_access { CONTROL_NONE, CONTROL_READ, CONTROL_OWN, CONTROL_ALL };
/* PrivateTmp=, ProtectSystem=, ProtectHome=, ProtectProc=, ProcSubset=, MountFlags=. */
enum private_tmp { PRIVATE_TMP_NO, PRIVATE_TMP_YES, PRIVATE_TMP_DISCONNECTED };
enum protect_system { PROTECT_SYSTEM_NO, PROTECT_SYSTEM_YES, PROTECT_SYSTEM_FULL, PROTECT_SYSTEM_STRICT };
enum protect_home { PROTECT_HOME_NO, PROTECT_HOME_YES, PROTECT_HOME_READ_ONLY, PROTECT_HOME_TMPFS };
enum protect_proc { PROTECT_PROC_DEFAULT, PROTECT_PROC_NOACCESS, PROTECT_PROC_INVISIBLE, PROTECT_PROC_PTRACEABLE };
enum proc_subset { PROC_SUBSET_ALL, PROC_SUBSET_PID };
enum mount_flags { MOUNT_FLAGS_SLAVE, MOUNT_FLAGS_PRIVATE, MOUNT_FLAGS_SHARED };
enum log_format { LOG_RAW, LOG_TIME, LOG_JSON };
enum device_policy { DEVICES_AUTO, DEVICES_CLOSED, DEVICES_STRICT };
enum oom_policy { OOM_STOP, OOM_CONTINUE, OOM_KILL };
enum log_compress { LOG_PLAIN, LOG_GZIP, LOG_ZSTD };

/* Type=, Deliver=, Framing=, Close= of a channel. */
enum channel_type { CHANNEL_PIPE, CHANNEL_MESSAGE };
enum channel_deliver { CHANNEL_ONE, CHANNEL_ALL };
enum channel_framing { CHANNEL_STREAM, CHANNEL_PACKET };
enum channel_close { CHANNEL_CLOSE_FINISH, CHANNEL_CLOSE_NEVER };

/* The state a person sees (DESIGN 3, "want against state"). */
enum state {
        STATE_INACTIVE, STATE_STARTING, STATE_RUNNING, STATE_RELOADING, STATE_STOPPING, STATE_BACKOFF,
        STATE_FAILED, STATE_FINISHED, STATE_COUNT
};
extern const struct strtab state_names;        /* "inactive" ... */

/* Which process of an incarnation an event or an action is about. */
enum role { ROLE_MAIN, ROLE_CONTROL, ROLE_ALL };

extern const struct strtab strategy_names, escalation_names, auto_shutdown_names, start_mode_names,
        restart_names, service_type_names, kill_mode_names, node_kind_names, notify_access_names, isolation_names,
        on_daemon_death_names,
        log_format_names, log_compress_names, private_tmp_names, protect_system_names, protect_home_names,
        mount_flags_names, protect_proc_names, proc_subset_names, oom_policy_names, device_policy_names, overflow_names,
        message_policy_names, control_access_names;
extern const struct strtab filter_mode_names;
extern const struct strtab channel_type_names, channel_deliver_names, channel_framing_names, channel_close_names;

#endif
