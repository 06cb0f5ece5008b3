/* journal.h - what the engine writes down so that the next one can go on where it ended; see recover.h for reading.
 *
 * The state of an engine is what went into it: the journal has a snapshot and everything since, in the order it
 * happened. An event is noted when it is posted, and again, as "now it is its turn, at this time", when the core takes
 * the step; whatever the step asks for that anybody else can see is done after that is written. A message of init or of
 * a service is written down before it is taken from its socket. So at any instruction an engine may be killed at, one
 * of these is true of each thing that happens: it is still in a socket, or it is in the journal, or nobody has seen it.
 *
 * Everything is collected in one frame and written by one call at these moments (journal_commit()):
 *   - after a step of the core and before its actions, unless all they do is to look at something;
 *   - before a message is taken from its socket;
 *   - before records are told, and before an answer goes to a client;
 *   - at the end of a turn, where the frame also says that the actions of the last step have been performed.
 *
 * What ARCHITECTURE.md calls *derived* is not here: it follows from the core, or the kernel is asked again.
 * May be used by: the files of daemon/.  May use: engine_priv.h, core/snapshot.h. */
#ifndef DAEMON_JOURNAL_H
#define DAEMON_JOURNAL_H

#include "core/snapshot.h"
#include "daemon/engine_priv.h"

/* An entry is its kind as one number, then what the comment says. New kinds go to the end; a kind that is not known
 * ends the reading. */
enum journal_entry {
        ENTRY_END,
        ENTRY_POST,     /* event: it is in the queue now */
        ENTRY_STEP,     /* time, more: the first of the queue is given to the core */
        ENTRY_TICK,     /* time: EVT_TICK is given to the core */
        ENTRY_DIRECT,   /* time, event: it is given to the core, before those in the queue */
        ENTRY_PERFORMED,/* the actions of the last step have been performed, but what they ask of init
                         * may wait for room */
        ENTRY_AT,       /* number: so many actions of the last step have been performed */
        ENTRY_DONE,     /* the actions of the last step have been performed, its records published */
        ENTRY_MARK,     /* mark: the message of init with that mark has been dealt with */
        ENTRY_PID,      /* struct pid_entry: we know this process */
        ENTRY_UNPID,    /* pid */
        ENTRY_RUN,      /* node, struct run */
        ENTRY_FORGET,   /* node: nothing is kept for it any more */
        ENTRY_EXTRA,    /* node, and what it has said about itself */
        ENTRY_NOW,      /* node, struct death: what is known of the end that is going on */
        ENTRY_NOT_NOW,  /* node: no end of it is going on */
        ENTRY_DEATH,    /* node, struct death: an incarnation is over */
        ENTRY_TAIL,     /* node, incarnation, text: its last words */
        ENTRY_ENGINE,   /* struct saved_engine */
        ENTRY_CGROUP,   /* bytes of cgroup_save() */
        ENTRY_REDO,     /* action of the last step, which may not have been performed */
        ENTRY_SEQ,      /* number of the last record that was published */
        ENTRY_ADD,      /* parent, 0 or 1: dynamic, 2: core_add_again(), spec: core_add() */
        ENTRY_LINK,     /* core_link() */
        ENTRY_EARLY,    /* pid, text: a notification that waits for init's word about the sender */
        ENTRY_HEARD,    /* pid: the first ENTRY_EARLY of that pid has been dealt with */
        ENTRY_GUARD,    /* node, and what its filter has stopped: seccomp_save() */
        ENTRY_PIPE,     /* place, flags, spec: a channel of Type=pipe, new or changed */
        ENTRY_UNPIPE,   /* place, name of its unit: it is gone */
        ENTRY_MAIL,     /* of the mail room: mail_log.c says what follows, mail_replay.c reads it */
        ENTRY_SPAWN,    /* child, spawner, incarnation, token, text, result + 1, question: a service
                         * waits for that start */
        ENTRY_SPAWN_TOLD, /* child: it was told */
        ENTRY_TEXT,     /* number, text: core_text_take() */
        ENTRY_TEXT_OVER,/* number: core_text_release() */
        ENTRY_ENDED,    /* names, path, struct death: the result of a transient service */
        ENTRY_USER,     /* node, and as whom its incarnation runs: identity_save() */
        ENTRY_SURVIVOR, /* node, pid, when it was born, incarnation: adopt.c; pid 0: it has ended */
};

/* Fields of the engine itself. */
struct saved_engine {
        uint64_t boot_mark;
        uint32_t last_token, store_serial;
        node_id command_node;
        int32_t signals_seen, exit_code, end, log_level;
        bool stopping, finishing, reload_due;
};

extern const struct pack_schema engine_schema;
extern const struct pack_struct saved_engine_fields, pid_fields, run_fields, death_fields, action_fields, said_fields;

/* Flags of struct run that mean the same to the next engine. */
enum {
        RUN_SAVED = RUN_GROUP | RUN_DIRS | RUN_TMP | RUN_CREDS | RUN_KILLED | RUN_ORPHANED | RUN_BOUNDED | RUN_COUNTED |
                    RUN_NAMED | RUN_WATCHED | RUN_PROBE,
};

/* A plain copy of the bit fields of struct pid_entry. */
struct saved_pid {
        int32_t pid;
        node_id node;
        uint32_t incarnation;
        uint16_t error;
        uint8_t kind, role, stage;
};

/* --- for the life of the engine --- */
int journal_start(struct engine *e);              /* a new one, into init's store; without memory for it: -errno */
/* Go on with this one, whose last whole frame ends at `end`; takes fd, also when it fails. */
int journal_adopt(struct engine *e, int fd, uint64_t begin, uint64_t end);
int journal_copy(struct engine *e);               /* as it is now; owned, or -errno */

/* --- what happens; all of these do nothing while there is no journal --- */
void journal_posted(struct engine *e, const struct event *event);
void journal_step(struct engine *e, nsec now, bool more);
void journal_tick(struct engine *e, nsec now);
void journal_direct(struct engine *e, nsec now, const struct event *event);
void journal_doing(struct engine *e);             /* in the midst of a step: so many actions have been performed */
void journal_performed(struct engine *e);         /* the actions of a step */
void journal_done(struct engine *e);              /* a turn has ended, and nothing waits to be sent to init */
void journal_message(struct engine *e, uint64_t mark);
/* core_add() of a dynamic node, with a number that was used before where nobody can take it for that one, and an entry
 * that tells it in place of the snapshot that it would ask for. */
int journal_add(struct engine *e, node_id parent, struct spec *spec, node_id *ret_id, struct err *err);
/* core_text_take() and core_text_release(), told by an entry in place of the snapshot that they would ask for. */
uint32_t journal_text(struct engine *e, const char *text);
void journal_text_over(struct engine *e, uint32_t text);
void journal_ended(struct engine *e, unsigned names, const struct transient_end *end);
/* not dynamic; no entry */
int journal_add_unit(struct engine *e, node_id parent, struct spec *spec, node_id *ret_id, struct err *err);
void journal_pid(struct engine *e, const struct pid_entry *entry);
void journal_unpid(struct engine *e, pid_t pid);
void journal_run(struct engine *e, node_id id);   /* it may have changed: what it is then is written at the commit */
void journal_forget(struct engine *e, node_id id);
void journal_extra(struct engine *e, node_id id);
void journal_now(struct engine *e, node_id id);
void journal_death(struct engine *e, node_id id, const struct death *d);
void journal_tail(struct engine *e, node_id id, uint32_t incarnation, const char *text, size_t n);
void journal_early(struct engine *e, pid_t pid, const char *text, size_t n);
void journal_guard(struct engine *e, node_id id);
void journal_identity(struct engine *e, node_id id);
void journal_heard(struct engine *e, pid_t pid);
void journal_survivor(struct engine *e, node_id id, pid_t pid, uint64_t born, uint32_t incarnation);
void journal_pipe(struct engine *e, node_id place, const struct spec *s, unsigned flags);
void journal_unpipe(struct engine *e, node_id place, const char *unit);
struct buf *journal_mail(struct engine *e);       /* where to write what follows ENTRY_MAIL; NULL: nothing is written */
struct buf *journal_spawn(struct engine *e, bool told); /* where to write what follows; NULL: nothing is written */
void journal_changed(struct engine *e);           /* more than entries tell: the next commit is a snapshot. Changes of
                                                   * the tree by other means than a step are seen without it */
void journal_settle(struct engine *e);            /* a snapshot that is due: before an event leaves the queue */
void journal_commit(struct engine *e);
void journal_bound(struct engine *e);             /* commit, and a snapshot when it is time for one: between turns */

#endif
