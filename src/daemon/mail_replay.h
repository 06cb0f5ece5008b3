/* mail_replay.h - what the files that read the mail room back share. Used by: mail_replay*.c */
#ifndef DAEMON_MAIL_REPLAY_H
#define DAEMON_MAIL_REPLAY_H

#include "daemon/channel.h"
#include "daemon/mail_log.h"

struct replay {
        struct engine *e;
        struct mailroom *r;
        struct unpack *u;
        struct pack_map *map;
};

uint64_t replay_serial(struct replay *x);             /* none that is new will be as low */
struct mail *replay_mail(struct replay *x);           /* owned; NULL: damaged, or no memory */
void replay_text(struct replay *x, struct buf *ret);  /* ret is the caller's to free */
bool replay_channel(struct replay *x, enum mail_entry kind); /* false: it is about something else */

#endif
