/* mail_wait.c - who waits for room in a box, and who to hear that his message was read. See mail_priv.h. */
#include "daemon/channel.h"

/* --- waiting for room --------------------------------------------------------------------------------------------- */

struct waiter *mail_wait(struct postbox *to, struct parcel *p, void (*done)(struct waiter *, enum mail_result),
                         void *arg)
{
        struct waiter *w = calloc(1, sizeof *w);

        if (!w)
                return NULL;
        *w = (struct waiter) { .to = to, .from = done == mail_waits ? arg : NULL, .mail = mail_pack(p), .done = done,
                               .arg = arg };
        if (!w->mail) {
                free(w);
                return NULL;
        }
        if (to->last)
                to->last->next = w;
        else
                to->first = w;
        to->last = w;
        if (w->from)
                mlog_wait(w);
        mail_watch(to);
        return w;
}

void waiter_leave(struct waiter *w)
{
        struct postbox *to = w->to;
        struct waiter *before = NULL;

        for (struct waiter *at = to->first; at && at != w; at = at->next)
                before = at;
        if (before)
                before->next = w->next;
        else
                to->first = w->next;
        if (to->last == w)
                to->last = before;
        w->next = NULL;
        mail_watch(to);
}

void waiter_free(struct waiter *w)
{
        if (!w->in_box)
                mail_drop(w->mail);
        free(w);
}

/* Its message, with all that hangs on it, goes into the box. */
static enum mail_result let_in(struct postbox *p, struct waiter *w)
{
        box_hold(&p->box, w->mail);
        if (p->channel)
                channel_tapped(p->channel, w->mail);
        w->in_box = true;
        mlog_let_in(w);
        mlog_changed(p);
        mail_due(p);
        return MAIL_OK;
}

bool mail_let_in(struct postbox *p)
{
        bool some = false;

        while (p->first) {
                struct waiter *w = p->first;
                enum mail_result r;

                if (!box_has_room(&p->box, w->mail->len))
                        return some;
                r = box_offer(&p->box, w->mail->len) == BOX_ACCEPT ? let_in(p, w) : MAIL_FULL;
                waiter_leave(w);
                w->done(w, r);
                some = true;
        }
        return some;
}

/* --- who wants to know that his message was read ------------------------------------------------------------------ */

void notice_add(struct postbox *p, struct notice *n)
{
        n->next = NULL;
        if (n->serial == 0)
                n->number = p->box.last;
        if (p->last_notice)
                p->last_notice->next = n;
        else
                p->notices = n;
        p->last_notice = n;
        if (n->tell == mail_was_taken && n->serial == 0) {
                n->serial = mlog_serial(p->room);
                mlog_notice(p, n);
        }
        mail_watch(p);
}

/* All whose message is gone from the box; `r` says in which way. */
void mail_tell_notices(struct postbox *p, enum mail_result r)
{
        while (p->notices && p->notices->number < box_first(&p->box)) {
                struct notice *n = p->notices;

                p->notices = n->next;
                if (!p->notices)
                        p->last_notice = NULL;
                if (n->serial)
                        mlog_noticed(p, n);
                n->tell(n, r);
        }
}
