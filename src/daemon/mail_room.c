/* mail_room.c - the room itself: who is to be looked at, when something is sent, when it is
 * written down. See mail_priv.h. */
#include "daemon/channel.h"
#include "daemon/journal.h"
#include "daemon/mail.h"
#include "daemon/mail_spawn.h"

/* So often in one turn; what is left then waits for the next, so that others have theirs. */
enum { ROUNDS = 32, EVENTS_PER_CALL = MAIL_ROUND };
#define STUCK_SEC .25

/* --- lists -------------------------------------------------------------------------------------------------------- */

void list_add(struct postbox *p, enum postbox_list which)
{
        struct mailroom *r = p->room;

        if (p->in_list[which])
                return;
        p->in_list[which] = true;
        p->after[which] = NULL;
        if (r->last[which])
                r->last[which]->after[which] = p;
        else
                r->first[which] = p;
        r->last[which] = p;
}

struct postbox *list_pop(struct mailroom *r, enum postbox_list which)
{
        struct postbox *p = r->first[which];

        if (!p)
                return NULL;
        r->first[which] = p->after[which];
        if (!r->first[which])
                r->last[which] = NULL;
        p->in_list[which] = false;
        return p;
}

static void list_drop(struct postbox *p, enum postbox_list which)
{
        struct mailroom *r = p->room;
        struct postbox *before = NULL;

        if (!p->in_list[which])
                return;
        for (struct postbox *at = r->first[which]; at != p; at = at->after[which])
                before = at;
        if (before)
                before->after[which] = p->after[which];
        else
                r->first[which] = p->after[which];
        if (r->last[which] == p)
                r->last[which] = before;
        p->in_list[which] = false;
}

void lists_leave(struct postbox *p)
{
        struct mailroom *r = p->room;

        for (int which = 0; which < LISTS; which++)
                list_drop(p, (enum postbox_list) which);
        for (int i = 0; i < r->round_count; i++)
                if (r->round[i] == p)
                        r->round[i] = NULL;
}

void mail_due(struct postbox *p)
{
        list_add(p, LIST_DUE);
}

static void on_stuck(struct ev_loop *loop, ev_timer *w, int revents)
{
        struct mailroom *r = container_of(w, struct mailroom, stuck);
        struct postbox *p;

        (void) loop; /* the turn that follows sends */
        (void) revents;
        while ((p = list_pop(r, LIST_STUCK)))
                mail_due(p);
}

void mail_try_later(struct postbox *p)
{
        struct mailroom *r = p->room;

        list_add(p, LIST_STUCK);
        if (ev_is_active(&r->stuck))
                return;
        ev_timer_init(&r->stuck, on_stuck, STUCK_SEC, 0.);
        ev_timer_start(r->e->loop, &r->stuck);
}

/* --- sending what waits ------------------------------------------------------------------------------------------- */

void mail_commit(struct mailroom *r)
{
        mail_flush(r);
        journal_doing(r->e);
        journal_commit(r->e);
        r->slots_used = 0;
}

/* Everybody on the list is asked for news, then all of that is written down, then they are sent what they have coming;
 * but a channel may have been closed meanwhile. */
static void one_round(struct mailroom *r)
{
        struct postbox *p;

        while (r->round_count < MAIL_ROUND && (p = list_pop(r, LIST_DUE))) {
                r->round[r->round_count++] = p;
                mail_settle(p);
        }
        channels_go_on(r);
        mail_go_on(r);
        mail_commit(r);
        for (int i = 0; i < r->round_count; i++)
                if (r->round[i]) {
                        mail_pass_on(r->round[i]);
                        mail_watch(r->round[i]);
                }
        r->round_count = 0;
}

static bool anything_left(const struct mailroom *r)
{
        return r->first[LIST_DUE] || r->first[LIST_READY] || r->channels_due;
}

void mail_push(struct engine *e)
{
        struct mailroom *r = e->mail;

        if (r && r->taps)
                channels_tell_taps(r);
        for (int i = 0; r && anything_left(r) && i < ROUNDS; i++)
                one_round(r);
        if (r && mailsock_desk_is_long(r->desk)) {
                mail_commit(r);
                mailsock_desk_rest(r->desk);
        }
        if (r && anything_left(r) && !ev_is_active(&r->again)) {
                ev_timer_set(&r->again, 0., 0.);
                ev_timer_start(e->loop, &r->again);
        }
}

/* --- its life ----------------------------------------------------------------------------------------------------- */

static void on_set(struct ev_loop *loop, ev_io *w, int revents)
{
        struct mailroom *r = container_of(w, struct mailroom, watch);
        struct mailsock_event events[EVENTS_PER_CALL];
        int n;

        if (watch_renewed(loop, w, revents))
                return;
        n = mailset_wait(r->set, events, EVENTS_PER_CALL);
        for (int i = 0; i < n; i++) {
                struct postbox *p = events[i].arg;

                if (events[i].what & MAILSOCK_OUT)
                        mail_due(p);
                if (events[i].what & MAILSOCK_IN)
                        mail_readable(p);
        }
}

static void on_again(struct ev_loop *loop, ev_timer *w, int revents)
{
        (void) loop; /* the turn that follows does it */
        (void) w;
        (void) revents;
}

int mail_start(struct engine *e)
{
        struct mailroom *r = calloc(1, sizeof *r);

        if (!r)
                return -ENOMEM;
        r->e = e;
        r->set = mailset_new();
        if (r->set < 0) {
                int code = r->set;

                free(r);
                return code;
        }
        ev_io_init(&r->watch, on_set, r->set, EV_READ);
        ev_io_start(e->loop, &r->watch);
        ev_timer_init(&r->again, on_again, 0., 0.);
        ev_init(&r->stuck, on_stuck);
        e->mail = r;
        return 0;
}

static void free_lists(struct mailroom *r)
{
        while (r->clients) {
                struct client *c = r->clients;

                r->clients = c->next;
                free(c);
        }
        while (r->asking) {
                struct asking *a = r->asking;

                r->asking = a->next;
                asking_free(a);
        }
}

void mail_silence(struct engine *e)
{
        e->mail->replaying = true;
}

void mail_stop(struct engine *e)
{
        struct mailroom *r = e->mail;

        if (!r)
                return;
        r->replaying = true; /* nobody is told */
        mail_spawn_stop(e);
        while (r->channels)
                channel_free(r->channels);
        for (node_id id = 0; id < e->run_cap; id++)
                mail_forget(e, id);
        ev_io_stop(e->loop, &r->watch);
        ev_timer_stop(e->loop, &r->again);
        ev_timer_stop(e->loop, &r->stuck);
        ev_timer_stop(e->loop, &r->unclaimed);
        fd_close(&r->set);
        mailsock_desk_free(r->desk);
        free_lists(r);
        free(r);
        e->mail = NULL;
}
