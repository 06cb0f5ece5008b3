/* snapshot_fields.c - which field of the core is saved, and how. One table for each struct; every field has a row, or
 * an OMIT that says why not. tests/arch holds them against the structs, so that a new field is not forgotten.
 *
 * A field that counts differently from before (another unit, another meaning) gets another name in the struct: readers
 * go by names. Flags have no names: a flag keeps its number for ever.
 * Used by: snapshot.c, snapshot_load.c.  Uses: core_state.h. */
#include <string.h>

#include "base/cleanup.h"
#include "core/bond.h"
#include "core/snapshot_priv.h"

/* --- names -------------------------------------------------------------------------------------------------------- */

static const char *of_table(const struct strtab *t, int v)
{
        const char *text = strtab_text(t, v);

        return strcmp(text, "?") == 0 ? "" : text;
}

static const char *event_name(int v) { return of_table(&event_names, v); }
static const char *state_name(int v) { return of_table(&state_names, v); }
static const char *phase_name(int v) { return of_table(&phase_names, v); }
static const char *rule_name(int v) { return rule_rows[v].name; }
static const char *stage_text(int v) { return stage_name((enum stage) v); }

/* Enumerations without a table of words. */
#define WORDS(function, ...) \
        static const char *function(int v) \
        { \
                static const char *const words[] = { __VA_ARGS__ }; \
                return words[v]; \
        } \
        enum { function##_count = sizeof((const char *const[]) { __VA_ARGS__ }) / sizeof(char *) }

WORDS(reason_name, "none", "normal", "shutdown", "exit", "signal", "out_of_memory", "timeout", "start_timeout",
      "stop_timeout", "watchdog", "seccomp", "spawn", "killed", "linked", "health", "limit_pids", "lost", "dependency",
      "condition", "protocol", "noproc");
WORDS(child_name, "down", "queued", "starting", "up", "stopping", "restarting", "gone");
WORDS(job_name, "none", "start", "unwind", "group_stop", "group_start", "group_fail", "one_start", "one_stop", "end");
WORDS(bond_name, "free", "link", "monitor", "name", "want_link", "want_monitor", "signal_link", "signal_down",
      "signal_sent");
WORDS(msg_name, "exit", "retry", "request", "try", "waiter");

_Static_assert((int) reason_name_count == REASON_KIND_COUNT, "every kind of reason has a word here");
_Static_assert((int) child_name_count == CHILD_STATUS_COUNT, "every status of a child has a word here");
_Static_assert((int) job_name_count == JOB_COUNT, "every job has a word here");
_Static_assert((int) bond_name_count == BOND_KIND_COUNT, "every kind of bond has a word here");
_Static_assert((int) msg_name_count == MSG_WAITER + 1, "every kind of message has a word here");

/* "SERVICE.ExecStart:COMMAND": a value that is kept in another way is another directive. */
static const char *directive_name(int v)
{
        static const char *const words[] = {
#define DIRECTIVE(section, key, type, def, min, max, names, change, enforced, help) #section "." #key ":" #type,
#include "core/directives.def"
#undef DIRECTIVE
                "-", /* D_NONE */
        };

        return words[v];
}

const struct pack_names event_kind_names = { "event", EVT_COUNT, event_name };
const struct pack_names stage_names = { "stage", STAGE_COUNT, stage_text };
const struct pack_names directive_names = { "directive", D_COUNT + 1, directive_name };
static const struct pack_names states = { "state", STATE_COUNT, state_name };
static const struct pack_names phases = { "phase", PHASE_COUNT, phase_name };
static const struct pack_names rules = { "rule", RULE_COUNT, rule_name };
const struct pack_names reason_kind_names = { "reason", REASON_KIND_COUNT, reason_name };
static const struct pack_names children = { "child", CHILD_STATUS_COUNT, child_name };
static const struct pack_names jobs = { "job", JOB_COUNT, job_name };
static const struct pack_names bonds = { "bond", BOND_KIND_COUNT, bond_name };
static const struct pack_names msgs = { "message", MSG_WAITER + 1, msg_name };

/* --- fields ------------------------------------------------------------------------------------------------------- */

#define F(type, member, kind) PACK_FIELD(struct type, member, kind),
#define N(type, member, names) PACK_ENUM(struct type, member, names),
#define OMIT(type, member)
#define R(type, member) \
        N(type, member.kind, reason_kind_names) N(type, member.stage, stage_names) \
        N(type, member.linked_kind, reason_kind_names) F(type, member.core_dumped, UINT) \
        F(type, member.code, INT) F(type, member.peer, ID)
#define TABLE(name, fields) const struct pack_struct name##_fields = { #name, fields, ARRAY_LEN(fields) }

static const struct pack_field of_reason[] = {
        N(reason, kind, reason_kind_names) N(reason, stage, stage_names) N(reason, linked_kind, reason_kind_names)
        F(reason, core_dumped, UINT) F(reason, code, INT) F(reason, peer, ID)
};
TABLE(reason, of_reason);

static const struct pack_field of_event[] = {
        N(event, kind, event_kind_names) F(event, role, UINT) F(event, flags, UINT) OMIT(event, pad)
        F(event, node, ID) F(event, incarnation, UINT) F(event, token, UINT) F(event, arg, INT) F(event, arg2, INT)
        R(event, reason)
};
TABLE(event, of_event);

static const struct pack_field of_core[] = {
        F(core, config.seed, UINT) F(core, config.record_capacity, UINT) F(core, config.machine, UINT)
        /* written behind it: */
        OMIT(core, bonds) OMIT(core, nodes) OMIT(core, stems) OMIT(core, heap) OMIT(core, ring) OMIT(core, pool)
        /* these too, so many of them; none from older versions: */
        OMIT(core, retired) OMIT(core, retired_head) F(core, retired_len, UINT) F(core, emitted, UINT)
        F(core, limit, UINT) F(core, capacity, UINT)
        OMIT(core, buried)                      /* nothing between steps but for the actions that were performed */
        F(core, heap_len, UINT)
        OMIT(core, actions) OMIT(core, action_len)
        F(core, ring_cap, UINT) F(core, seq, UINT)
        F(core, pool_cap, UINT)
        OMIT(core, pool_free) OMIT(core, pool_left) OMIT(core, requests) /* follow from the messages */
        F(core, work_head, ID) F(core, work_tail, ID)
        F(core, random, UINT) F(core, now, TIME) F(core, shutdown_at, TIME) F(core, shutdown_cause, UINT)
        F(core, shutdown_token, UINT) N(core, event, event_kind_names)
        F(core, hold, UINT) F(core, killing, UINT) F(core, over, UINT)
        OMIT(core, changes)                     /* counts from any number */
};
TABLE(core, of_core);

static const struct pack_field of_node[] = {
        OMIT(node, spec) OMIT(node, deps) OMIT(node, window) OMIT(node, super) OMIT(node, story)
        OMIT(node, waiters)                     /* written behind it */
        OMIT(node, buried) OMIT(node, dep_count)
        F(node, id, UINT) F(node, parent, ID) F(node, prev, ID) F(node, next, ID) F(node, first, ID) F(node, last, ID)
        F(node, kind, UINT) N(node, state, states) F(node, want, UINT) N(node, phase, phases)
        F(node, ready, UINT) F(node, frozen, UINT) F(node, stuck, UINT) F(node, dynamic, UINT)
        F(node, pid_main, UINT) F(node, pid_control, UINT) F(node, incarnation, UINT) F(node, restarts, UINT)
        R(node, last_reason)
        F(node, since, TIME) F(node, started_at, TIME) F(node, ready_at, TIME) F(node, next_start_at, TIME)
        F(node, deadline, TIME) F(node, runtime_at, TIME) F(node, watchdog_at, TIME) F(node, watchdog_every, TIME)
        F(node, cause, UINT) F(node, last_seq, UINT) F(node, born, UINT) F(node, peer, UINT) F(node, spawned, UINT)
        R(node, ending) R(node, raw)
        F(node, bonds, ID) F(node, heap_at, ID) F(node, spec_since, UINT)
        N(node, command, directive_names) F(node, command_at, UINT)
        F(node, flags, UINT) F(node, child_flags, UINT) N(node, child, children) F(node, backoff, UINT)
};
TABLE(node, of_node);

static const struct pack_field of_super[] = {
        OMIT(super, head) OMIT(super, tail) OMIT(super, window) /* written behind it */
        OMIT(super, busy) OMIT(super, dynamic)  /* counted anew */
        F(super, next_woken, ID) F(super, cursor, ID) F(super, from, ID) F(super, leader, ID) F(super, token, UINT)
        F(super, cause, UINT) F(super, delay, TIME) R(super, reason) N(super, job, jobs)
        N(super, event, event_kind_names) F(super, flags, UINT) F(super, woken, UINT) F(super, issued, UINT)
        F(super, gave_up, UINT) F(super, recheck, UINT)
};
TABLE(super, of_super);

static const struct pack_field of_msg[] = {
        F(msg, cause, UINT) OMIT(msg, next) F(msg, node, ID) F(msg, token, UINT) F(msg, incarnation, UINT)
        N(msg, kind, msgs) N(msg, event, event_kind_names) F(msg, flags, UINT) OMIT(msg, spare)
};
TABLE(msg, of_msg);

static const struct pack_field of_record[] = {
        F(record, seq, UINT) F(record, at, TIME) F(record, cause, UINT) F(record, node, ID) F(record, other, ID)
        F(record, incarnation, UINT) N(record, rule, rules) N(record, from, states) N(record, to, states)
        N(record, event, event_kind_names) R(record, reason) F(record, a, INT) F(record, b, INT)
};
TABLE(record, of_record);

static const struct pack_field of_dep[] = {
        F(dep, other, UINT) F(dep, kinds, UINT)
};
TABLE(dep, of_dep);

static const struct pack_field of_bond[] = {
        F(bond, cause, UINT) R(bond, reason) F(bond, a, ID) F(bond, b, ID) OMIT(bond, next) /* written behind it */
        F(bond, ref, UINT) F(bond, incarnation, UINT) N(bond, kind, bonds) F(bond, standing, UINT) OMIT(bond, pad)
};
TABLE(bond, of_bond);

static const struct pack_struct *const structs[] = {
        &reason_fields, &event_fields, &core_fields, &node_fields, &super_fields, &msg_fields, &record_fields,
        &dep_fields, &bond_fields,
};
static const struct pack_names *const names[] = {
        &event_kind_names, &stage_names, &directive_names, &states, &phases, &rules, &reason_kind_names,
        &children, &jobs, &msgs, &bonds,
};
const struct pack_schema core_schema = { structs, ARRAY_LEN(structs), names, ARRAY_LEN(names) };
