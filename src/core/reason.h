/* reason.h - why an incarnation ended: one vocabulary for core, status, JSON, messages, logs and journal
 * (DESIGN section 3).
 *
 *     normal  shutdown  exit:3  signal:SEGV  out_of_memory  out_of_memory:system (no limit of ours: the machine's)
 *     timeout  start_timeout  stop_timeout  watchdog
 *     seccomp:keyctl  spawn:EXEC:ENOENT  killed  linked:/app/db:signal:SEGV  health  limit:pids  lost
 *     dependency:/app/db (never ran: what it requires could not be started)  dependency (... is no sibling at all)
 *     condition (ExecCondition= or Assert*=)
 *     noproc (it did not live when it was linked to or monitored: only in EXIT, DOWN and linked:PATH:noproc)
 *     protocol (a notify service ended or closed without READY=1, a forking one left no main process)
 */
#ifndef CORE_REASON_H
#define CORE_REASON_H

#include <stddef.h>

#include "core/types.h"

enum reason_kind {
        REASON_NONE,           /* has not ended yet: "" */
        REASON_NORMAL, REASON_SHUTDOWN, REASON_EXIT, REASON_SIGNAL, REASON_OUT_OF_MEMORY, REASON_TIMEOUT,
        REASON_START_TIMEOUT, REASON_STOP_TIMEOUT, REASON_WATCHDOG, REASON_SECCOMP, REASON_SPAWN, REASON_KILLED,
        REASON_LINKED, REASON_HEALTH, REASON_LIMIT_PIDS, REASON_LOST, REASON_DEPENDENCY, REASON_CONDITION,
        REASON_PROTOCOL, REASON_NOPROC,
        REASON_KIND_COUNT
};

/* Plain data: travels in events, actions, journal records. */
struct reason {
        uint8_t kind;          /* enum reason_kind */
        uint8_t stage;         /* SPAWN: enum stage */
        uint8_t linked_kind;   /* LINKED: the peer's kind */
        uint8_t core_dumped;   /* SIGNAL: 1 when the kernel wrote a core */
        int32_t code;          /* EXIT: status; SIGNAL: number; SPAWN: errno; SECCOMP: reason_seccomp() or -1; LINKED:
                                * peer's; OUT_OF_MEMORY: 1 = the machine had none; DEPENDENCY: 1 = no such sibling */
        node_id peer;          /* LINKED, DEPENDENCY: who */
};

#define REASON(k, c) ((struct reason) { .kind = (uint8_t) (k), .code = (c), .peer = NODE_NONE })

/* `normal` and `shutdown` are not abnormal, neither is linked:PATH:shutdown; everything else is. SuccessExitStatus= is
 * applied before: the core turns a clean exit into REASON_NORMAL. */
bool reason_abnormal(const struct reason *r);

/* Alike in kind, stage, code and peer. */
bool reason_equal(const struct reason *a, const struct reason *b);

/* Text into buf[n], always terminated; peer_path is the path of r->peer or NULL (then "?"). Returns buf. */
char *reason_format(const struct reason *r, const char *peer_path, char *buf, size_t n);

/* Text back into a reason; 0 or -EINVAL. Peers are not resolved (NODE_NONE). Used by `exit NODE REASON`, scripts
 * and the journal's tests: parse(format(r)) == r for every reason without a peer. "kill", as Erlang asks for it, is
 * "killed". */
int reason_parse(const char *text, struct reason *ret);

/* From a wait status as waitid(2) gives it: how = si_code (CLD_*), status = si_status. */
struct reason reason_from_wait(int how, int status);

/* The code of a SECCOMP reason: call `number` of the kind `arch` (core/filter.h; 0 = native). */
int reason_seccomp(int number, int arch);

/* Exit code a container runtime expects for it: N for exit:N, 128+N for signal:N, 0 for normal and shutdown, the
 * stage's number or 70 for spawn, 137 for out_of_memory and killed, 124 for the timeouts, else 1. */
int reason_exit_code(const struct reason *r);

/* "SEGV" for 11; NULL when unknown. And back: accepts "SEGV", "SIGSEGV", "11", "RTMIN+3"; -1 when unknown. */
const char *signal_name(int sig);
int signal_number(const char *name);
const char *signal_nearest(const char *name); /* what was meant by a slip of the pen; NULL when nothing is near */

#endif
