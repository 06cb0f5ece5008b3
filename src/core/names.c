/* names.c - the texts of the enumerations of types.h. */
#include "core/directive.h"

static const char *const strategy_text[] = {
        [ONE_FOR_ONE] = "one_for_one", [ONE_FOR_ALL] = "one_for_all", [REST_FOR_ONE] = "rest_for_one",
};
STRTAB(strategy_names, strategy_text);

static const char *const escalation_text[] = { [ESCALATE] = "escalate", [ISOLATE] = "isolate" };
STRTAB(escalation_names, escalation_text);

static const char *const auto_shutdown_text[] = {
        [AUTO_NEVER] = "never", [AUTO_ANY_SIGNIFICANT] = "any_significant", [AUTO_ALL_SIGNIFICANT] = "all_significant",
};
STRTAB(auto_shutdown_names, auto_shutdown_text);

/* START_DEFAULT is what is meant when nothing is said: it has no text. */
static const char *const start_mode_text[] = { [START_PARALLEL] = "parallel", [START_SEQUENTIAL] = "sequential" };
STRTAB(start_mode_names, start_mode_text);

static const char *const restart_text[] = {
        [RESTART_PERMANENT] = "permanent", [RESTART_TRANSIENT] = "transient", [RESTART_TEMPORARY] = "temporary",
        [RESTART_ON_SUCCESS] = "on-success", [RESTART_ON_ABNORMAL] = "on-abnormal",
        [RESTART_ON_ABORT] = "on-abort", [RESTART_ON_WATCHDOG] = "on-watchdog",
};
STRTAB(restart_names, restart_text);

static const char *const service_type_text[] = {
        [TYPE_SIMPLE] = "simple", [TYPE_EXEC] = "exec", [TYPE_NOTIFY] = "notify", [TYPE_ONESHOT] = "oneshot",
        [TYPE_FORKING] = "forking", [TYPE_IDLE] = "idle",
};
STRTAB(service_type_names, service_type_text);

static const char *const kill_mode_text[] = {
        [KILL_CONTROL_GROUP] = "control-group", [KILL_MIXED] = "mixed", [KILL_PROCESS] = "process",
        [KILL_NONE] = "none",
};
STRTAB(kill_mode_names, kill_mode_text);

static const char *const node_kind_text[] = { [KIND_SUPERVISOR] = "supervisor", [KIND_SERVICE] = "service",
                                               [KIND_CHANNEL] = "channel" };
STRTAB(node_kind_names, node_kind_text);

static const char *const notify_access_text[] = {
        [NOTIFY_NONE] = "none", [NOTIFY_MAIN] = "main", [NOTIFY_EXEC] = "exec", [NOTIFY_ALL] = "all",
};
STRTAB(notify_access_names, notify_access_text);

static const char *const isolation_text[] = {
        [ISOLATION_STRICT] = "strict", [ISOLATION_BEST_EFFORT] = "best-effort",
};
STRTAB(isolation_names, isolation_text);

static const char *const on_daemon_death_text[] = {
        [ON_DEATH_KILL] = "kill", [ON_DEATH_LEAVE] = "leave",
};
STRTAB(on_daemon_death_names, on_daemon_death_text);

static const char *const control_access_text[] = {
        [CONTROL_NONE] = "none", [CONTROL_READ] = "read", [CONTROL_OWN] = "own", [CONTROL_ALL] = "all",
};
STRTAB(control_access_names, control_access_text);

static const char *const private_tmp_text[] = {
        [PRIVATE_TMP_NO] = "no", [PRIVATE_TMP_YES] = "yes", [PRIVATE_TMP_DISCONNECTED] = "disconnected",
};
STRTAB(private_tmp_names, private_tmp_text);

static const char *const protect_system_text[] = {
        [PROTECT_SYSTEM_NO] = "no", [PROTECT_SYSTEM_YES] = "yes", [PROTECT_SYSTEM_FULL] = "full",
        [PROTECT_SYSTEM_STRICT] = "strict",
};
STRTAB(protect_system_names, protect_system_text);

static const char *const protect_home_text[] = {
        [PROTECT_HOME_NO] = "no", [PROTECT_HOME_YES] = "yes", [PROTECT_HOME_READ_ONLY] = "read-only",
        [PROTECT_HOME_TMPFS] = "tmpfs",
};
STRTAB(protect_home_names, protect_home_text);

static const char *const protect_proc_text[] = {
        [PROTECT_PROC_DEFAULT] = "default", [PROTECT_PROC_NOACCESS] = "noaccess",
        [PROTECT_PROC_INVISIBLE] = "invisible", [PROTECT_PROC_PTRACEABLE] = "ptraceable",
};
STRTAB(protect_proc_names, protect_proc_text);

static const char *const proc_subset_text[] = { [PROC_SUBSET_ALL] = "all", [PROC_SUBSET_PID] = "pid" };
STRTAB(proc_subset_names, proc_subset_text);

static const char *const mount_flags_text[] = {
        [MOUNT_FLAGS_SLAVE] = "slave", [MOUNT_FLAGS_PRIVATE] = "private", [MOUNT_FLAGS_SHARED] = "shared",
};
STRTAB(mount_flags_names, mount_flags_text);

static const char *const log_format_text[] = { [LOG_RAW] = "raw", [LOG_TIME] = "time", [LOG_JSON] = "json" };
STRTAB(log_format_names, log_format_text);

static const char *const log_compress_text[] = {
        [LOG_PLAIN] = "no", [LOG_GZIP] = "gzip",
#ifdef HAVE_ZSTD
        [LOG_ZSTD] = "zstd", /* a word nobody could obey is none */
#endif
};
STRTAB(log_compress_names, log_compress_text);

static const char *const oom_policy_text[] = { [OOM_STOP] = "stop", [OOM_CONTINUE] = "continue", [OOM_KILL] = "kill" };
STRTAB(oom_policy_names, oom_policy_text);

static const char *const device_policy_text[] = {
        [DEVICES_AUTO] = "auto", [DEVICES_CLOSED] = "closed", [DEVICES_STRICT] = "strict",
};
STRTAB(device_policy_names, device_policy_text);

static const char *const section_text[] = {
        [SECTION_UNIT] = "Unit", [SECTION_SERVICE] = "Service", [SECTION_SUPERVISOR] = "Supervisor",
        [SECTION_CHANNEL] = "Channel", [SECTION_INSTALL] = "Install",
};
STRTAB(section_names, section_text);

enum section section_of_kind(enum node_kind kind)
{
        return kind == KIND_SERVICE ? SECTION_SERVICE : kind == KIND_CHANNEL ? SECTION_CHANNEL : SECTION_SUPERVISOR;
}

static const char *const channel_type_text[] = { [CHANNEL_PIPE] = "pipe", [CHANNEL_MESSAGE] = "message" };
STRTAB(channel_type_names, channel_type_text);

static const char *const channel_deliver_text[] = { [CHANNEL_ONE] = "one", [CHANNEL_ALL] = "all" };
STRTAB(channel_deliver_names, channel_deliver_text);

static const char *const channel_framing_text[] = { [CHANNEL_STREAM] = "stream", [CHANNEL_PACKET] = "packet" };
STRTAB(channel_framing_names, channel_framing_text);

static const char *const channel_close_text[] = { [CHANNEL_CLOSE_FINISH] = "finish", [CHANNEL_CLOSE_NEVER] = "never" };
STRTAB(channel_close_names, channel_close_text);

static const char *const state_text[] = {
        [STATE_INACTIVE] = "inactive", [STATE_STARTING] = "starting", [STATE_RUNNING] = "running",
        [STATE_RELOADING] = "reloading", [STATE_STOPPING] = "stopping", [STATE_BACKOFF] = "backoff",
        [STATE_FAILED] = "failed", [STATE_FINISHED] = "finished",
};
STRTAB(state_names, state_text);
