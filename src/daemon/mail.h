/* mail.h - mailboxes and channels, as the rest of the engine uses them. The inside of the mail room is in mail_priv.h,
 * what the control server may ask of it in mailroom.h, the contract with programs in coppice.mailbox(7).
 * May be used by: the files of daemon/ except the control server. */
#ifndef DAEMON_MAIL_H
#define DAEMON_MAIL_H

#include "daemon/engine.h"

struct unpack;
struct pack_map;
struct unit_set;

/* The mail room. mail_start(): 0 or -errno. */
int mail_start(struct engine *e);
void mail_stop(struct engine *e);
void mail_silence(struct engine *e);    /* from now on nothing is written down and nobody is told of anything */
void mail_push(struct engine *e);       /* at the end of a turn: send what is to be sent */

/* The mailbox of a node. mail_open() makes its sockets for an incarnation: 0 with the service's end, borrowed, in
 * *ret_theirs; or -errno. */
int mail_open(struct engine *e, node_id id, uint32_t incarnation, int *ret_theirs);
void mail_close(struct engine *e, node_id id);      /* the incarnation is over */
void mail_changed(struct engine *e, node_id id);    /* its spec is another one now */
void mail_forget(struct engine *e, node_id id);     /* the node is gone */
void mail_deliver(struct engine *e, const struct action *a); /* ACT_DELIVER: an EXIT or DOWN */

/* Channels of both types that unit files describe; ids: the node of each unit of the set (channel_api.c). */
void channels_load(struct engine *e, const struct unit_set *set, const node_id *ids);
void channels_place_gone(struct engine *e, node_id place); /* the supervisor they hang below is gone */

/* The journal: note what has changed as entries of its own (mail_log.c), write all there is for a snapshot, read one
 * entry back (mail_replay.c). */
void mail_note(struct engine *e);
void mail_save(struct engine *e);
void mail_replay(struct engine *e, struct unpack *u, struct pack_map *map);

/* Recovery (mail_resume.c). mail_resume(): a descriptor of init's store, by its name there; false: it is not one of the
 * mail room's, and fd is untouched. mail_resumed(): all of them are here; 0, or -errno: this engine cannot go on, the
 * next one has to take over what this one has not touched. */
int mail_desk(struct engine *e);        /* make a new desk (os/mailsock.h) and give init a copy; -errno */
bool mail_resume(struct engine *e, const char *name, int fd);
int mail_resumed(struct engine *e);
/* A running process was taken over as that incarnation (adopt.h): its mailbox is that incarnation's too. */
void mail_adopted(struct engine *e, node_id id, uint32_t incarnation);

#endif
