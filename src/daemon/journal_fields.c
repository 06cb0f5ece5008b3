/* journal_fields.c - the tables by which the engine's own structs are written down. See journal.h and base/pack.h;
 * tests/sim/snapshot-fields.sh holds them against the structs, as those of the core. */
#include "daemon/journal.h"

#define F(type, member, kind) PACK_FIELD(struct type, member, kind),
#define N(type, member, names) PACK_ENUM(struct type, member, names),
#define OMIT(type, member)
#define R(type, member) \
        N(type, member.kind, reason_kind_names) N(type, member.stage, stage_names) \
        N(type, member.linked_kind, reason_kind_names) F(type, member.core_dumped, UINT) F(type, member.code, INT) \
        F(type, member.peer, ID)
#define TABLE(name, fields) const struct pack_struct name##_fields = { #name, fields, ARRAY_LEN(fields) }

static const struct pack_field of_engine[] = {
        F(saved_engine, boot_mark, UINT) F(saved_engine, last_token, UINT) F(saved_engine, store_serial, UINT)
        F(saved_engine, command_node, ID) F(saved_engine, signals_seen, INT)
        F(saved_engine, exit_code, INT) F(saved_engine, end, INT)
        F(saved_engine, log_level, INT) F(saved_engine, stopping, UINT) F(saved_engine, finishing, UINT)
        F(saved_engine, reload_due, UINT)
};
TABLE(saved_engine, of_engine);

static const struct pack_field of_pid[] = {
        F(saved_pid, pid, INT) F(saved_pid, node, ID) F(saved_pid, incarnation, UINT) F(saved_pid, error, UINT)
        F(saved_pid, kind, UINT) F(saved_pid, role, UINT) N(saved_pid, stage, stage_names)
};
TABLE(pid, of_pid);

static const struct pack_field of_run[] = {
        F(run, pid[0], INT) F(run, pid[1], INT) F(run, leader, INT) F(run, incarnation, UINT) F(run, flags, UINT)
        F(run, started, TIME) OMIT(run, extra) /* entries of their own */
};
TABLE(run, of_run);

static const struct pack_field of_said[] = {
        OMIT(said, text) OMIT(said, bus_error) /* written behind it */
        F(said, error, INT) F(said, exit_status, INT) F(said, access, INT)
};
TABLE(said, of_said);

static const struct pack_field of_death[] = {
        F(death, incarnation, UINT) R(death, reason) F(death, ran, UINT) F(death, code, INT) F(death, status, INT)
        F(death, started, TIME) F(death, ended, TIME) F(death, utime_usec, INT) F(death, stime_usec, INT)
        F(death, maxrss_kb, INT) F(death, minflt, UINT) F(death, majflt, UINT) F(death, inblock, UINT)
        F(death, oublock, UINT) F(death, memory_peak, INT) F(death, tasks_peak, INT) F(death, cpu_usec, INT)
        F(death, throttled_usec, INT) F(death, oom_kills, INT)
        OMIT(death, error) OMIT(death, tail) OMIT(death, tail_len) /* written behind it */
};
TABLE(death, of_death);

static const char *action_name(int v)
{
        return strtab_text(&action_names, v);
}
static const struct pack_names actions = { "action", ACT_COUNT, action_name };

static const struct pack_field of_action[] = {
        N(action, kind, actions) F(action, role, UINT) F(action, result, UINT) F(action, confirm_exec, UINT)
        F(action, node, ID) F(action, incarnation, UINT) F(action, token, UINT) N(action, directive, directive_names)
        F(action, index, UINT) F(action, arg, INT) R(action, reason) F(action, cause, UINT)
};
TABLE(action, of_action);

static const struct pack_struct *const structs[] = {
        &saved_engine_fields, &pid_fields, &run_fields, &said_fields, &death_fields, &action_fields, &event_fields,
};
static const struct pack_names *const names[] = {
        &event_kind_names, &stage_names, &reason_kind_names, &directive_names, &actions,
};
const struct pack_schema engine_schema = { structs, ARRAY_LEN(structs), names, ARRAY_LEN(names) };
