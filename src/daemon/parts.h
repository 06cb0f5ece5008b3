/* parts.h - inside of the engine: its state, and the functions its files have for each other.
 * May be used by: the files of daemon/ except the control server, which keeps to engine.h. */
#ifndef DAEMON_PARTS_H
#define DAEMON_PARTS_H

#include <ev.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "core/diag.h"
#include "core/resolve.h"
#include "daemon/control.h"
#include "daemon/engine.h"
#include "daemon/options.h"
#include "daemon/watch.h"
#include "os/initlink.h"
#include "os/kernel.h"
#include "os/nogroup.h"
#include "os/user.h"

/* --- pids.c: every living process that we started, by its pid --------------------------------------------------- */

enum pid_kind {
        PID_MAIN = ROLE_MAIN,
        PID_CONTROL = ROLE_CONTROL,
        PID_LOGD,      /* the log writer */
        PID_UNRUN,     /* its plan failed: people know, the core hears of it when it has ended */
        PID_FORMER,    /* was main until MAINPID= named another */
};

struct pid_entry {
        pid_t pid;
        node_id node;
        uint32_t incarnation;
        uint32_t kind : 4;     /* enum pid_kind */
        uint32_t role : 4;     /* UNRUN: whose start failed */
        uint32_t stage : 8;    /* UNRUN: where */
        uint32_t error : 16;   /* UNRUN: errno */
};

struct pid_map {
        struct pid_entry *slots; /* owned; open addressing, pid 0 = free */
        size_t cap, used;
};

int pid_map_put(struct pid_map *m, struct pid_entry entry); /* replaces; -ENOMEM */
struct pid_entry *pid_map_get(const struct pid_map *m, pid_t pid); /* valid until the next put or drop */
void pid_map_drop(struct pid_map *m, pid_t pid);
void pid_map_free(struct pid_map *m);

/* The same for the engine's map, written down. */
int engine_knows(struct engine *e, struct pid_entry entry);
void engine_unknows(struct engine *e, pid_t pid);

/* --- said.c: what a service has said about itself ---------------------------------------------------------------- */

struct notify_fields;
void said_take(struct engine *e, node_id id, const struct notify_fields *f);
void said_clear(struct said *s); /* a new incarnation */
/* Whose notifications are believed now: NOTIFYACCESS= counts before NotifyAccess= until the incarnation is over. */
enum notify_access said_access(const struct engine *e, node_id id, const struct spec *s);

/* --- what the engine keeps for a node --------------------------------------------------------------------------- */

struct stored_fd {
        int fd;                /* owned; init keeps another copy under the same name */
        char *name;            /* owned: FDNAME= */
        char *init_name;       /* owned: in init's store */
        bool poll;             /* FDPOLL: closed when the other side hangs up */
        struct ev_io watch;
        struct engine *e;
        node_id node;
};

/* Only for nodes that need it: most services have none of this. */
struct extra {
        struct engine *e;
        node_id node;
        struct said said;

        struct ev_io ready;    /* NotifyFd=: read end */
        struct ev_io exec;     /* waits for the exec of the process of `exec_request` */
        uint64_t exec_request;
        bool executed;         /* seen before INIT_SPAWNED */

        int log_in, log_out;   /* the pipe to logd: read end, write end; -1 = none */
        char *log_path;        /* owned: path of the node, part of the pipe's name in init's store */

        struct stored_fd **fds; /* owned */
        size_t fd_count;

        struct identity *identity; /* owned; identity.h: as whom the incarnation runs; NULL = not said, or not known */
        uid_t dynamic;         /* DynamicUser=: its number, 0 = none yet */
        struct guard *guard;   /* owned; seccomp.c: its filter, and who listens to it; NULL = has none */

        struct ev_io pidfile;  /* inotify of the directory of PIDFile= */
        struct postbox *postbox; /* owned by mail.c; NULL without Mailbox= */

        int given[3];          /* owned; transient.c: descriptors 0 to 2 from whoever asked for it; -1 = none */
        bool given_terminal;

        struct death *deaths;  /* owned; a ring once it has DEATHS_MAX entries, newest at death_next - 1 */
        uint32_t death_count, death_cap, death_next;
        struct bound *bound;   /* owned; limits.h */
        struct death *now;     /* owned; what is known so far of the present incarnation's end */
};
enum { DEATHS_MAX = 20 };

/* Written into the journal as they are: a bit keeps its meaning. */
enum {
        RUN_GROUP = 1 << 0,    /* its cgroup has been made */
        RUN_DIRS = 1 << 1,     /* RuntimeDirectory= may have been made */
        RUN_WATCHED = 1 << 2,  /* emptiness is being waited for */
        RUN_PROBE = 1 << 3,    /* no cgroup: look again at every exit */
        RUN_NAMED = 1 << 4,    /* the service named its main process itself: it need not be a child of init */
        RUN_ORPHANED = 1 << 5, /* its unit file is gone: it is deleted once it has been stopped (FAILURES H15) */
        RUN_KILLED = 1 << 6,   /* SIGKILL was sent to all of it; again until it is empty, where that is not atomic */
        RUN_CLEAN = 1 << 7,    /* its cgroup was found empty since a process was last born into it */
        RUN_BOUNDED = 1 << 8,  /* its limits have been written (a supervisor: for good) */
        RUN_COUNTED = 1 << 9,  /* ... and its group counts what is used: look before it is removed */
        RUN_TMP = 1 << 10,     /* directories of PrivateTmp= may have been made */
        RUN_CREDS = 1 << 11,   /* a directory for credentials may have been made */
        RUN_DIRTY = 1 << 12,   /* journal.c: may differ from what is written there */
        RUN_ASKED = 1 << 13,   /* init owes an answer to a request for its main process, */
        RUN_ASKED_CONTROL = RUN_ASKED << 1, /* and for a control command: RUN_ASKED << role */
        RUN_END = 1 << 15,
};
_Static_assert(RUN_GROUP + RUN_DIRS + RUN_WATCHED + RUN_PROBE + RUN_NAMED + RUN_ORPHANED + RUN_KILLED + RUN_CLEAN + RUN_BOUNDED +
               RUN_COUNTED + RUN_TMP + RUN_CREDS + RUN_DIRTY + RUN_ASKED + RUN_ASKED_CONTROL == RUN_END - 1, "each flag has a bit of its own, none is left out");

struct run {
        pid_t pid[2];          /* ROLE_MAIN, ROLE_CONTROL; 0 = none */
        pid_t leader;          /* the latest process that leads a session of the incarnation */
        uint32_t incarnation;
        uint32_t flags;        /* RUN_* */
        nsec started;          /* its main process */
        struct extra *extra;   /* owned; NULL for most */
};

/* --- the engine ---------------------------------------------------------------------------------------------------- */

struct request {
        uint32_t token;
        engine_done_fn *fn;
        void *arg;
};

struct answer {
        uint32_t token;
        uint8_t result;
};

struct logd; /* logs.c */

struct engine {
        struct options opt;
        uint64_t init_start;          /* nogroup_birth(); 0 = not known */
        struct ev_loop *loop;
        struct core *core;
        struct unit_paths *paths;     /* owned */
        struct buf load_report;
        struct absent *absent;        /* owned; NULL = not known; absent.h */
        node_id command_node;         /* main.service of the command line, which no file describes; else NODE_NONE */

        struct initlink *link;
        struct ev_io link_watch;
        bool link_writing;
        struct ev_prepare turn;       /* runs engine_turn() before every sleep */
        struct ev_timer tick;         /* core_deadline() */
        nsec tick_at;

        struct event *queue;          /* owned; ring */
        size_t queue_cap, queue_head, queue_len;
        struct request *requests;     /* owned */
        size_t request_count, request_cap;
        struct answer *answers;       /* owned; delivered at the end of the turn */
        size_t answer_count, answer_cap;
        uint32_t last_token;
        uint64_t published;           /* sequence number of the last record that was published */

        struct run *runs;             /* owned; by node id */
        size_t run_cap;
        struct pid_map pids;
        struct buf plan;              /* scratch of every spawn */
        uint64_t boot_mark;           /* first half of every INVOCATION_ID */
        bool tmp_noted;               /* private_tmp.c: it is on disk */

        struct cgroup *cgroup;
        struct ev_io oom_watch;       /* limits.c */
        struct ev_timer oom_timer;    /* ... only for a moment after news */
        unsigned oom_rounds;
        struct ev_io empty_watch;     /* cgroup.events */
        struct ev_timer empty_timer;  /* only while emptiness is waited for */
        size_t probing;               /* nodes with RUN_PROBE */

        struct filter_program *filters; /* owned; seccomp.c: those in use, by their settings */

        int notify_fd;
        struct ev_io notify_watch;
        char *notify_path;            /* owned */
        struct early *early;          /* owned; notify.c: said before init's word about the sender was read */
        unsigned unsure;              /* ... or while it could not be told who the sender is: so many, */
        struct ev_timer unsure_timer; /* looked at again by this */

        int lock_fd;
        char *control_path;           /* owned */
        struct control *control;
        struct ev_timer socket_timer; /* only while there is no socket yet (FAILURES J11) */
        struct logd *logd;
        struct mailroom *mail;        /* owned; mail.h */
        struct pipes *pipes;          /* owned; pipe.h; NULL until there is one */
        uint32_t store_serial;

        nsec said_since;              /* say.c: the present second */
        unsigned said, unsaid;
        struct reach *reach;          /* owned; NULL until a unit names a path (touch.c) */
        struct ev_timer reach_timer;
        struct checks *checks;        /* owned; NULL until a start has to ask; check.c */
        nsec orphan_said;             /* when a reaped orphan was told of last */
        unsigned orphans;             /* reaped since, untold */

        struct journal *journal;      /* owned; NULL = there is none */
        struct trial *trial;          /* owned; reexec.c: a program that may take our place */
        bool leaving;                 /* it does: end as soon as nothing waits to be sent */
        struct action *redo;          /* owned; recovered: actions of the last step, perhaps not performed */
        size_t redo_count;
        bool performed;               /* ... they were, but messages to init had not been sent */
        int lacking;                  /* errno: a descriptor of init's store could not be taken for want of something; 0 = none */
        const struct actions *doing;  /* being performed; NULL = none are */
        uint32_t doing_at, doing_base; /* so many of them have been; of which so many before the latest snapshot */
        uint64_t journal_begin, journal_end; /* recovered: where to go on writing */
        struct survivor *survivors;   /* owned; adopt.c: what runs and was not started by what is in the journal */
        size_t survivor_count;
        int kept_control;             /* recovered: the listening socket; else -1 */
        uint32_t failures;            /* engines before us that did not live long */
        uint64_t last_mark;           /* of the last message of init that was dealt with */

        struct transients *transients; /* owned; NULL until there is one */
        struct mail_spawn *spawns;    /* owned; mail_spawn.c: who waits for a child to start */

        int signals_seen;             /* TERM, INT, QUIT so far */
        enum init_end end;            /* what init does when all has ended; EXIT unless PID 1 of a machine */
        int exit_code;                /* asked for with a shutdown; -1 = none */
        bool stopping, finishing, done;
        struct ev_timer finish_timer;
};

/* engine.c */
void engine_start_turns(struct engine *e);
struct event engine_queue_pop(struct engine *e);
/* Give the core an event at once, before those in the queue: only from a callback, never while actions are performed. */
void engine_step(struct engine *e, const struct event *event);
struct run *engine_run(struct engine *e, node_id id);        /* makes room; never NULL for a node of the core */
const struct run *engine_peek(const struct engine *e, node_id id); /* NULL when there is nothing yet */
struct extra *engine_extra(struct engine *e, node_id id);    /* makes it; NULL when memory is short */
void engine_forget(struct engine *e, node_id id);            /* drop all that is kept for the node */
void engine_answer(struct engine *e, uint32_t token, enum result result);
bool engine_expect(struct engine *e, uint32_t token, engine_done_fn *fn, void *arg); /* an answer to an engine before us */
char *engine_path(const struct engine *e, node_id id, char *buf, size_t n);
#define PATH_MAX_NODE 1024

/* link.c: what init says */
int link_open(struct engine *e, struct err *err);
int link_greet(struct engine *e, struct err *err); /* wait for HELLO, and for the store */
void link_watch(struct engine *e);
void link_drain(struct engine *e);
void link_flush(struct engine *e);

/* perform.c: the actions of a step, in order */
void perform(struct engine *e, const struct actions *actions);
void perform_open(struct engine *e, const struct action *a);
void perform_kill(struct engine *e, node_id id); /* SIGKILL to everything of a node and below it */

/* adopt.c: what runs is taken for what would be started */
void adopt_find(struct engine *e);
bool adopt_has(const struct engine *e, node_id id);
bool adopt_spawn(struct engine *e, const struct action *a, const struct spec *spec); /* false: start it */

/* spawn.c */
void spawn(struct engine *e, const struct action *a);
void request_split(uint64_t request, node_id *node, uint32_t *incarnation, enum role *role);
uint64_t spawn_request(node_id node, uint32_t incarnation, enum role role);
void spawn_failed(struct engine *e, node_id node, uint32_t incarnation, enum role role, const struct err *err);
/* The two halves of it: tell people, and tell the core. */
void spawn_failure_told(struct engine *e, node_id node, enum role role, const struct err *err);
void spawn_failure_posted(struct engine *e, node_id node, uint32_t incarnation, enum role role, enum stage stage,
                          int error);
/* The text for COPPICE_INCARNATION_ID and INVOCATION_ID: 32 hex digits and NUL. */
void spawn_mark(const struct engine *e, node_id node, uint32_t incarnation, char buf[33]);

/* touch.c: does the file system of a path answer? If not it must not be touched. */
struct reach;
bool touch_answers(struct engine *e, const char *path);
/* All paths of a unit's conditions and assertions; else which one does not. */
bool touch_conditions(struct engine *e, const struct spec *s, enum directive *ret_directive, size_t *ret_item);
struct reach *touch_reach(struct engine *e); /* whom to ask for names; NULL when memory is short */
void touched(struct engine *e);              /* after that: the helper goes when it has not been asked for a while */
int touch_units(struct engine *e, struct err *err); /* do the directories of units answer? -ETIMEDOUT */
void touch_free(struct engine *e);

/* rundir.c */
void rundir_remove(struct engine *e, node_id id);    /* RuntimeDirectory= of an incarnation that is over */
const char *rundir_root(const struct engine *e, const char *kind); /* "runtime", "state", ...: where they are made */
/* Remove what is below a directory and, for all but the first one, the directory. Stops when *budget entries were
 * removed, which is then negative. */
void rundir_remove_below(int parent, const char *name, int depth, int *budget);

/* empty.c */
void empty_start(struct engine *e);
void empty_watch(struct engine *e, node_id id, uint32_t incarnation);
void empty_forget(struct engine *e, node_id id);
void empty_process_gone(struct engine *e); /* some process has been reaped */
struct nogroup_id empty_nogroup(const struct engine *e, node_id id, char mark[33]);

/* notify.c */
void notify_start(struct engine *e);
void notify_stop(struct engine *e);
void notify_drain(struct engine *e);
/* Notifications that are held: for the journal, and back from it (without their descriptors). */
void notify_each_early(struct engine *e, void (*fn)(struct engine *e, pid_t pid, const char *text, size_t len));
void notify_resume_early(struct engine *e, pid_t pid, const char *text, size_t len);
bool notify_is_anothers(const struct engine *e, node_id id, pid_t pid); /* it cannot become this one's main process */
void notify_forget_early(struct engine *e, pid_t pid); /* its first; pid 0: all */
void notify_retry(struct engine *e); /* init has told of a process: what was said too early may count now */
void notify_main_pid(struct engine *e, node_id id, pid_t pid); /* verified already */

/* store.c: the descriptors a service has deposited */
void store_take(struct engine *e, node_id id, const char *name, bool poll, int *fds, int count);
void store_sweep(struct extra *x); /* before they are handed out: close those whose other side has hung up */
void store_remove(struct engine *e, node_id id, const char *name);
void store_forget(struct engine *e, node_id id); /* the service was stopped: close them */
bool store_resume(struct engine *e, const char *init_name, int fd); /* recovered; false: not ours */
int store_find(const struct engine *e, node_id id, const char *name); /* borrowed; -1 */

/* ready.c: NotifyFd= and the confirmation of exec */
int ready_pipe(struct engine *e, node_id id, int *ret_write);
void ready_answered(struct engine *e, node_id id); /* init has: what it said meanwhile may be read */
int exec_pipe(struct engine *e, node_id id, uint64_t request, int *ret_write);
void exec_spawned(struct engine *e, node_id id, uint64_t request);
void ready_resume(struct engine *e, node_id id, int fd); /* recovered */
void exec_resume(struct engine *e, node_id id, int fd);
void ready_forget(struct engine *e, node_id id);

/* seccomp.c: filters of system calls */
/* The compiled filter of a node for its next process; *ret is filled and true is returned when there is one. */
int seccomp_gather(struct engine *e, node_id id, const struct spec *s, struct plan_filter *ret, bool *ret_any,
                   struct err *err);
bool seccomp_left_out(const struct engine *e, const struct spec *s); /* none can be installed, and Isolation= is best-effort */
void seccomp_listen(struct engine *e, const struct init_listener *m, int fd); /* owns fd */
bool seccomp_resume(struct engine *e, const char *name, int fd); /* one of init's store; false: not ours, fd untouched */
/* A filter did it, to this process or to one whose end it has passed on as its exit status; *ret is what wait() said. */
bool seccomp_ended(const struct engine *e, node_id id, pid_t pid, struct reason *ret);
struct buf;
struct unpack;
void seccomp_save(const struct engine *e, node_id id, struct buf *out); /* of one that has a guard: for the journal */
void seccomp_guard_load(struct engine *e, node_id id, struct unpack *u);
void seccomp_again(struct engine *e, node_id id); /* recovered: a call that the last engine took and did not decide */
void seccomp_close(struct engine *e, node_id id, uint32_t incarnation); /* nobody of the incarnation is left */
void seccomp_forget(struct engine *e, node_id id);

/* pidfile.c: which process is the main one of a forking service */
void pidfile_wait(struct engine *e, node_id id);
void pidfile_forget(struct engine *e, node_id id);

/* mail.c: mailboxes (mail.h) */
int mail_start(struct engine *e);
void mail_stop(struct engine *e);
void mail_silence(struct engine *e);                /* nobody is told of anything any more */
void mail_push(struct engine *e);                   /* what is to be sent; at the end of a turn */
/* For the journal: what has changed, as entries of its own (mail_log.c); all there is, for a snapshot; one entry, read
 * back (mail_replay.c). */
void mail_note(struct engine *e);
void mail_save(struct engine *e);
struct unpack;
struct pack_map;
void mail_replay(struct engine *e, struct unpack *u, struct pack_map *map);
int mail_desk(struct engine *e);                    /* a new one, kept by init; -errno */
int mail_open(struct engine *e, node_id id, uint32_t incarnation, int *ret_theirs); /* borrowed: the service's end */
void mail_close(struct engine *e, node_id id);      /* the incarnation is over */
void mail_forget(struct engine *e, node_id id);
bool mail_resume(struct engine *e, const char *name, int fd); /* a descriptor of init's store; takes it when it is a mailbox */
void mail_adopted(struct engine *e, node_id id, uint32_t incarnation); /* its process was found, and is taken for that one */
/* All of them are here. 0; -errno: the next engine has to take over what this one has not touched. */
int mail_resumed(struct engine *e);
void mail_deliver(struct engine *e, const struct action *a); /* ACT_DELIVER: EXIT or DOWN */
/* mail_spawn.c: services that wait for children they have spawned, written down, and known to the next engine */
struct unpack;
void mail_spawn_save(struct engine *e);
void mail_spawn_read(struct engine *e, struct unpack *u);   /* ENTRY_SPAWN */
void mail_spawn_told(struct engine *e, node_id child);      /* ENTRY_SPAWN_TOLD */
void mail_spawn_answered(struct engine *e, uint32_t token, enum result result); /* in a step that is taken again */
bool mail_spawn_waits(const struct engine *e, node_id child);
void mail_spawn_resumed(struct engine *e);                  /* after transient_adopt() */
void mail_spawn_stop(struct engine *e);
struct unit_set;
/* channel_api.c: those that unit files describe; ids: the node of each unit of the set */
void channels_load(struct engine *e, const struct unit_set *set, const node_id *ids);
void channels_place_gone(struct engine *e, node_id place);
void mail_changed(struct engine *e, node_id id);    /* a new spec */
node_id mail_owner(const struct engine *e, int fd); /* whose mailbox (the service's end) this is; NODE_NONE */

/* pipe.c, pipe_life.c: channels of Type=pipe (pipe.h) */
struct pipe_gift {
        int fd;                    /* owned by whoever asked; -1 when it was only described */
        int target;                /* its number in the program; -1: it goes by name */
        const char *name;          /* in $LISTEN_FDNAMES */
        const char *channel;       /* its path */
        bool writes;
        struct origin origin;      /* the line of the channel */
};
enum { PIPE_GIFTS_MAX = 32 };      /* of one service */
/* The ends of channels that the main process of a node starts with; `describe`: nothing is made. All are borrowed until
 * the engine's next turn. -errno and no descriptor is left open. */
int pipes_give(struct engine *e, node_id id, bool describe, struct pipe_gift *list, size_t max, size_t *ret_count, struct err *err);
void pipes_gifts_done(struct pipe_gift *list, size_t n); /* close them */
void pipes_closed(struct engine *e, node_id id, const struct reason *reason); /* an incarnation is over */
void pipes_exited(struct engine *e, node_id id);    /* its main process is */
void pipes_settle(struct engine *e);                /* at the end of a turn: which pipes have ended for good? */
bool pipes_stored(struct engine *e, const char *name, int fd); /* a descriptor of init's store; takes it when it is one */
void pipes_resumed(struct engine *e);               /* all of them are here */
void pipes_save(struct engine *e, void (*fn)(struct engine *e, node_id place, const struct spec *s, unsigned flags));
bool pipes_restore(struct engine *e, node_id place, struct spec *s, unsigned flags); /* from the journal */
void pipes_dropped(struct engine *e, node_id place, const char *unit);
void pipes_node_gone(struct engine *e, node_id id); /* the supervisor of some, or what stands at their ends */
void pipes_free(struct engine *e);

/* ledger.c */
void ledger_started(struct engine *e, node_id id);
void ledger_exited(struct engine *e, node_id id, const struct init_exit *x);
void ledger_used(struct engine *e, node_id id, const struct limit_counters *used);
void ledger_failed(struct engine *e, node_id id, const struct err *err); /* NULL: it has not, after all */
bool ledger_error_is(const struct engine *e, node_id id, const char *line); /* as err_format() has it; NULL: none */
void ledger_close(struct engine *e, node_id id, uint32_t incarnation, const struct reason *reason);
void ledger_tail(struct engine *e, node_id id, uint32_t incarnation, const char *text, size_t n);
void ledger_free(struct extra *x);
void ledger_disown(struct engine *e, node_id id);   /* another node gets that number: reasons name it no more */
/* From the journal; both take what *d owns. NULL: nothing is known yet. */
void ledger_restore(struct engine *e, node_id id, struct death *d);
void ledger_restore_now(struct engine *e, node_id id, struct death *d);
int death_copy(struct death *to, const struct death *from); /* with texts of its own */
void death_done(struct death *d);

/* transient.c */
void transient_adopt(struct engine *e);              /* those that an engine before us was asked for */
/* One of them that a service waits for: its start is answered by that token. False: it is not there. */
bool transient_expect(struct engine *e, node_id id, uint32_t token, const struct transient_ops *ops, void *arg, uint64_t *ret_serial);
uint32_t transient_token(const struct engine *e, uint64_t serial); /* of its start, 0 when that was answered */
void transient_settle(struct engine *e);             /* those that are at rest become results */
void transient_forget(struct engine *e, node_id id); /* the node is gone */
void transient_closed(struct engine *e, node_id id); /* an incarnation is over and no other comes */
void transient_disown(struct engine *e, node_id id); /* as ledger_disown() */
void transient_free(struct engine *e);
void transient_save(struct engine *e);               /* the results, for a snapshot */
bool transient_ended_read(struct engine *e, unsigned names, char *path, const struct death *d); /* takes both; false: no memory */
bool transient_resume(struct engine *e, const char *name, int fd); /* a descriptor of init's store; false: nobody's */

/* logs.c: coppice-logd */
int logs_init(struct engine *e);
int logs_start(struct engine *e);                   /* unless it runs or is about to */
/* The descriptor a service writes its output to, made when first asked for; borrowed. -errno. */
int logs_pipe(struct engine *e, node_id id, struct err *err);
void logs_begin(struct engine *e, node_id id);      /* an incarnation begins */
void logs_tail(struct engine *e, node_id id, uint32_t incarnation);
void logs_changed(struct engine *e, node_id id);    /* a new spec */
void logs_forget(struct engine *e, node_id id);
void logs_level(struct engine *e);
void logs_spawned(struct engine *e, pid_t pid);
void logs_exited(struct engine *e, const struct init_exit *x);
void logs_failed(struct engine *e, const struct err *err);
void logs_quit(struct engine *e, void (*then)(struct engine *e)); /* flush everything, then call */
void logs_free(struct engine *e);

int load_paths(struct engine *e, struct err *err);
int load_first(struct engine *e, struct err *err);
struct spec *load_root(struct engine *e, struct spec *root); /* with a command, the root says more; a new reference */
void load_note(struct engine *e, bool fatal, const struct err *err);

/* reload.c: a node that stays gets another spec; what is live counts at once */
int reload_one(struct engine *e, node_id id, struct spec *after, struct err *err);
const char *set_dir(const struct engine *e, char *buf, size_t n); /* set.c: drop-ins of `set --runtime` */

/* say.c: the engine's own messages about services, at most some a second */
void say_err(struct engine *e, const struct err *err);
struct init_exit;
void say_orphan(struct engine *e, const struct init_exit *x); /* somebody ended whom we did not start (FAILURES A19) */
void say_records(struct engine *e, uint64_t first, uint64_t last);

/* socket.c: runtime directory, lock, control socket */
int socket_lock(struct engine *e, struct err *err); /* -EWOULDBLOCK: another daemon; everything else waits */
int socket_start(struct engine *e);
void socket_again(struct engine *e);
void socket_stop(struct engine *e);

/* signals.c */
void signals_arrived(struct engine *e, const struct init_daemon_signal *s);

/* exit.c */
void exit_finish(struct engine *e, int code);
void exit_clean(struct engine *e);

#endif
