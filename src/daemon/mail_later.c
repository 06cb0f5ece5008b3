/* mail_later.c - messages that wait for their time (AFTER_USEC=). Bounded for each sender; those of a service that is
 * forgotten are forgotten with it, an end of its incarnation alone changes nothing. See mail_priv.h. */
#include <string.h>

#include "daemon/mail_priv.h"

enum { LATER_MAX = 1000, LATER_BYTES_MAX = 4 << 20 };
#define LATER_USEC_MAX (INT64_C(366) * 86400 * 1000000)

static void unlink_later(struct later *l)
{
        struct later **at = &l->room->later;

        while (*at != l)
                at = &(*at)->next;
        *at = l->next;
        ev_timer_stop(l->room->e->loop, &l->timer);
}

/* From now on it is a message like any other, behind those of its sender that wait already. */
static void on_time(struct ev_loop *loop, ev_timer *w, int revents)
{
        struct later *l = container_of(w, struct later, timer);
        struct postbox *from = postbox_of(l->room->e, l->from);

        (void) loop;
        (void) revents;
        unlink_later(l);
        mlog_later_gone(l);
        from->later--; /* it is there: what waits for its time goes with it */
        from->later_bytes -= l->mail->len;
        l->mail->due = true;
        mail_queue(from, l->mail);
        mail_ready(from);
        free(l);
}

static bool fds_fit(const struct postbox *from, const struct parcel *p)
{
        unsigned n = p->fd_count ? *p->fd_count : 0;

        for (const struct later *l = n > 0 ? from->room->later : NULL; l; l = l->next)
                if (l->from == from->node)
                        n += l->mail->fd_count;
        return n <= MAIL_FDS_MAX;
}

enum mail_result later_add(struct postbox *from, struct parcel *p, int64_t usec)
{
        struct mailroom *r = from->room;
        struct later *l;

        if (usec > LATER_USEC_MAX)
                return MAIL_BAD_MESSAGE;
        if (from->later >= LATER_MAX || from->later_bytes + p->body_len > LATER_BYTES_MAX || !fds_fit(from, p))
                return MAIL_BUSY;
        l = calloc(1, sizeof *l);
        if (!l)
                return MAIL_BUSY;
        p->head_len = 0;
        *l = (struct later) { .room = r, .from = from->node, .serial = mlog_serial(r), .mail = mail_pack(p),
                              .at = engine_now(r->e) + usec * NSEC_PER_USEC, .next = r->later };
        if (!l->mail) {
                free(l);
                return MAIL_BUSY;
        }
        r->later = l;
        from->later++;
        from->later_bytes += l->mail->len;
        mlog_later(l);
        later_arm(l);
        return MAIL_OK;
}

void later_arm(struct later *l)
{
        struct engine *e = l->room->e;
        nsec now = engine_now(e);

        ev_now_update(e->loop);
        ev_timer_init(&l->timer, on_time, l->at > now ? (double) (l->at - now) * 1e-9 : 0., 0.);
        ev_timer_start(e->loop, &l->timer);
}

void later_drop(struct later *l)
{
        struct postbox *from = postbox_of(l->room->e, l->from);

        unlink_later(l);
        from->later--;
        from->later_bytes -= l->mail->len;
        mail_drop(l->mail);
        free(l);
}

static bool has_ref(const struct mail *mail, const struct message_text *ref)
{
        const char *problem;
        struct message m;

        return message_parse(mail->bytes, mail->len, &m, &problem) == 0 && m.value[MESSAGE_REF].len == ref->len &&
               memcmp(m.value[MESSAGE_REF].at, ref->at, ref->len) == 0;
}

unsigned later_cancel(struct postbox *from, const struct message_text *ref)
{
        struct later *next;
        unsigned n = 0;

        for (struct later *l = from->room->later; l; l = next) {
                next = l->next;
                if (l->from == from->node && has_ref(l->mail, ref)) {
                        mlog_later_gone(l);
                        later_drop(l);
                        n++;
                }
        }
        return n;
}

void later_forget(struct postbox *from)
{
        struct later *next;

        for (struct later *l = from->room->later; l && from->later; l = next) {
                next = l->next;
                if (l->from == from->node) {
                        mlog_later_gone(l);
                        later_drop(l);
                }
        }
}
