/* mail_log.h - what follows ENTRY_MAIL in the journal. A *box* is twice the number of its node, or twice
 * that of the channel and one; a *mail* is its id, number of descriptors, whether it is due, and its
 * bytes. New kinds go to the end.
 * Used by: mail_log.c, mail_replay.c */
#ifndef DAEMON_MAIL_LOG_H
#define DAEMON_MAIL_LOG_H

enum mail_entry {
        MLOG_END,
        MLOG_DESK,      /* read, read_at, back, sent: what has been dealt with of what lies on the desk */
        MLOG_ROOM,      /* last_client, last_channel, last_serial */
        MLOG_BOX,       /* box, 6 counts, sent, bounced; of a channel 4 more; passed_count, number of
                         * new lengths, these */
        MLOG_PUT,       /* box, index, back, mail: it is held there */
        MLOG_MOVED,     /* box, origin, head: the first of the input of origin, or a copy of the oldest in that channel,
                         * is the last held, with that head */
        MLOG_CUT,       /* box, index, count: these are not held any more */
        MLOG_ALL_BACK,  /* box */
        MLOG_WAIT,      /* node, box, mail */
        MLOG_LET_IN,    /* node: its message that waits is the last held there */
        MLOG_UNWAIT,    /* node */
        MLOG_INPUT,     /* node, mail */
        MLOG_INPUT_DONE,/* node: the first */
        MLOG_LATER,     /* serial, node, at, mail */
        MLOG_LATER_GONE,/* serial */
        MLOG_NOTICE,    /* serial, box, number, sender, question */
        MLOG_NOTICED,   /* serial, box */
        MLOG_TICKET,    /* place, asker, asked, ref, client, valid */
        MLOG_CHANNEL,   /* id, place, from_unit, closed, path, spec */
        MLOG_CHANNEL_GONE, /* id */
        MLOG_GIVEN,     /* id, number, reader: the oldest is with him now */
        MLOG_UNACKED,   /* id, number, reader, mail */
        MLOG_ACKED,     /* id, number */
        MLOG_NOT_GIVEN, /* id, number: it is the oldest again */
        MLOG_PULLER,    /* serial, id, reader, until, group, question */
        MLOG_PULLER_GONE, /* serial, id */
        MLOG_ASKING,    /* token, node, incarnation, text, question */
        MLOG_ASKED,     /* token */
        MLOG_CLAIMED,   /* id, number, word: the one that was given, or said to be unacknowledged, right before */
};

#endif
