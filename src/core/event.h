/* event.h - everything the core can be told. Plain data of fixed size: the journal stores these bytes.
 *
 * An event names a node and, when it is about a process, the incarnation it belongs to: an event for an
 * incarnation that is over, or for a node that is gone, is harmless and ignored. */
#ifndef CORE_EVENT_H
#define CORE_EVENT_H

#include "core/reason.h"

enum event_kind {
        EVT_NONE,
        EVT_TICK,             /* time has passed: nothing else happened */
        /* requests; answered by exactly one ACT_DONE when token != 0 */
        EVT_START,            /* want up */
        EVT_STOP,             /* want down */
        EVT_RESTART,          /* stop if up, then start; does not count as a failure */
        EVT_RELOAD,           /* ExecReload= */
        EVT_SIGNAL,           /* `kill`: send arg = signal to role; nothing else is changed */
        EVT_EXIT,             /* `exit NODE REASON`: end the incarnation for event.reason, as a failure of its own */
        EVT_RESET_FAILED,     /* failed -> inactive; intensity window and backoff forgotten */
        EVT_FREEZE, EVT_THAW,
        EVT_DELETE,           /* stop it, then forget the node and what is below it */
        EVT_ADDED,            /* core_add() put the node here: start it (OTP start_child) */
        EVT_SHUTDOWN,         /* orderly end of everything; arg = the whole budget in ns */
        /* links, monitors, names (bond.h); node = who asks; answered as requests are; incarnation 0 = whatever it is */
        EVT_LINK,             /* arg = the other; noproc when that does not live, to one who traps exits as EXIT too */
        EVT_UNLINK,           /* arg = the other */
        EVT_MONITOR,          /* arg = whom; arg2 = text that comes back in DOWN, 0 = none (core_text_take()) */
        EVT_DEMONITOR,        /* arg2 = text; 0: arg = whom */
        EVT_REGISTER,         /* node = holder, arg = scope, arg2 = name (a text) */
        EVT_UNREGISTER,       /* node = scope, arg2 = name */
        EVT_TRAP_EXIT,        /* arg = on or off, for this incarnation */
        EVT_EXIT_SIGNAL,      /* node = whom; arg = who sends it; reason */
        EVT_SPAWN,            /* node = who spawns; arg = the child, which core_add() has put below a supervisor that
                               * is up: start it; arg2 = enum spawn_tie << 32 | text of the monitor. Answered as
                               * EVT_START of the child is */
        EVT_EMIT,             /* node says something for the records: arg2 = text */
        /* from the world */
        EVT_CHECKED,          /* answer to ACT_CHECK; arg = enum verdict; arg2 = which was unmet: (directive
                               * + 1) << 32 | item */
        EVT_SPAWNED,          /* a process exists: arg = pid */
        EVT_EXECED,           /* it runs the program now (only when ACT_SPAWN asked for it) */
        EVT_SPAWN_FAILED,     /* it never ran the program: reason = spawn:STAGE:ERRNO; no EXITED follows */
        EVT_EXITED,           /* the process of `role` has ended: reason as the kernel told it; arg = pid */
        EVT_EMPTY,            /* answer to ACT_WATCH_EMPTY: no process of the incarnation is left */
        EVT_STUCK,            /* processes survive SIGKILL (uninterruptible sleep); EVT_EMPTY may still come */
        /* from the service itself (sd_notify, NotifyFd=, PIDFile=), already verified */
        EVT_READY,
        EVT_RELOADING, EVT_STOPPING,
        EVT_MAINPID,          /* arg = pid of the new main process; 0: a forking service has left none that is known */
        EVT_WATCHDOG,         /* WATCHDOG=1 */
        EVT_WATCHDOG_TRIGGER, /* WATCHDOG=trigger */
        EVT_WATCHDOG_USEC,    /* arg = new interval in ns, 0 = off */
        EVT_EXTEND_TIMEOUT,   /* arg = ns from now */
        EVT_OOM,              /* the kernel killed a process of it for want of memory: reason */
        EVT_COUNT
};
extern const struct strtab event_names; /* "start", "exited", ... */

enum verdict { VERDICT_PASS, VERDICT_SKIP, VERDICT_FAIL }; /* Condition*= unmet: SKIP; Assert*= unmet: FAIL */

/* What ties a child to who spawns it, from its first moment (bond.h). */
enum spawn_tie { SPAWN_LINK = 1, SPAWN_MONITOR = 2 };

/* Flags of a request. */
enum {
        REQ_STRICT = 1,       /* answer as OTP's supervisor does (start: running, restarting, not_found ...) */
        REQ_ALONE = 8,        /* start: when the root supervisor is down it comes up with no other
                               * child than this one */
        EVENT_MORE = 4,       /* any event: others of the same instant follow. Supervisors take note but decide only
                               * at the first event without it, so that a thousand deaths at once are one restart of
                               * the group (FAILURES C8, otp/README fact 12). End such a row with EVT_TICK. */
};

struct event {
        uint8_t kind;         /* enum event_kind */
        uint8_t role;         /* enum role */
        uint8_t flags;        /* REQ_* */
        uint8_t pad;
        node_id node;
        uint32_t incarnation; /* 0 = whatever it is now (requests) */
        uint32_t token;       /* names the request in ACT_DONE; 0 = nobody waits */
        int64_t arg;
        int64_t arg2;
        struct reason reason;
};

#endif
