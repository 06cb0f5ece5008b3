/* mail_replay.c - the mail room put together again from the journal, entry by entry. See mail_log.h.
 *
 * Nobody is told anything here and nothing is counted: both has been written down. What an entry speaks of may be gone
 * by the time it is read (a node is forgotten first, then what that meant to others is told): then it means nothing. */
#include <string.h>

#include "core/snapshot.h"
#include "daemon/channel.h"
#include "daemon/mail.h"
#include "daemon/mail_replay.h"

/* --- parts of entries --------------------------------------------------------------------------------------------- */

static struct postbox *box_of_node(struct replay *x, uint64_t node)
{
        const struct node *n = node < NODE_NONE ? core_node(x->e->core, (node_id) node) : NULL;

        return n && n->kind == KIND_SERVICE ? postbox_make(x->e, n->id) : NULL;
}

static struct postbox *read_node(struct replay *x)
{
        return box_of_node(x, unpack_u(x->u));
}

static struct postbox *read_box(struct replay *x)
{
        uint64_t which = unpack_u(x->u);
        struct channel *ch;

        if (!(which & 1))
                return box_of_node(x, which >> 1);
        ch = channel_of_id(x->r, (uint32_t) (which >> 1));
        return ch ? &ch->box : NULL;
}

uint64_t replay_serial(struct replay *x)
{
        uint64_t serial = unpack_u(x->u);

        if (serial > x->r->last_serial)
                x->r->last_serial = serial;
        return serial;
}

/* Its descriptors come later, out of init's store. NULL: damaged, or no memory. */
struct mail *replay_mail(struct replay *x)
{
        uint64_t id = replay_serial(x), fds = unpack_max(x->u, MAILSOCK_FDS);
        bool due = unpack_max(x->u, 1);
        size_t n;
        const void *bytes = unpack_bytes(x->u, &n);
        struct mail *m = x->u->bad ? NULL : mail_new(bytes, n, NULL, 0);

        if (!m)
                return NULL;
        m->id = id;
        m->due = due;
        m->fds = fds ? malloc(fds * sizeof *m->fds) : NULL;
        m->fd_count = (uint8_t) (m->fds ? fds : 0);
        for (int i = 0; i < m->fd_count; i++)
                m->fds[i] = -1;
        return m;
}

void replay_text(struct replay *x, struct buf *ret)
{
        size_t n;
        const void *bytes = unpack_bytes(x->u, &n);

        *ret = BUF_INIT;
        if (bytes && n > 0)
                buf_add(ret, bytes, n);
}

/* --- boxes -------------------------------------------------------------------------------------------------------- */

static void replay_counts(struct replay *x, bool channel, struct postbox *p)
{
        uint64_t c[12] = { 0 };

        for (int i = 0; i < (channel ? 12 : 8); i++)
                c[i] = unpack_u(x->u);
        if (!p)
                return;
        p->box.last = c[0];
        p->box.accepted = c[1];
        p->box.taken = c[2];
        p->box.dropped = c[3];
        p->box.rejected = c[4];
        p->box.lost = c[5];
        p->sent = c[6];
        p->bounced = c[7];
        if (p->channel) {
                p->channel->last_number = c[8];
                p->channel->delivered = c[9];
                p->channel->acked = c[10];
                p->channel->redelivered = c[11];
        }
}

static void replay_box(struct replay *x)
{
        const struct unpack ahead = *x->u;
        bool channel = unpack_u(x->u) & 1;
        uint64_t passed, news;
        struct postbox *p;

        *x->u = ahead;
        p = read_box(x);
        replay_counts(x, channel, p);
        passed = unpack_max(x->u, UINT32_MAX);
        news = unpack_max(x->u, UINT32_MAX);
        for (uint64_t i = 0; i < news && !x->u->bad; i++) {
                uint32_t len = (uint32_t) unpack_max(x->u, UINT32_MAX);

                if (p && box_add_passed(&p->box, len) < 0)
                        x->u->bad = true;
        }
        if (p)
                box_keep_passed(&p->box, (uint32_t) passed);
}

static void replay_put(struct replay *x)
{
        struct postbox *p = read_box(x);
        uint32_t i = (uint32_t) unpack_max(x->u, UINT32_MAX);
        bool back = unpack_max(x->u, 1);
        struct mail *m = replay_mail(x);

        if (!m || !p) {
                mail_drop(m);
                return;
        }
        box_put(&p->box, m, i);
        p->back += back;
}

static void replay_cut(struct replay *x)
{
        struct postbox *p = read_box(x);
        uint32_t i = (uint32_t) unpack_max(x->u, UINT32_MAX);

        for (uint64_t n = unpack_max(x->u, UINT32_MAX); p && n > 0; n--) {
                struct mail *m = box_cut(&p->box, i);

                if (!m)
                        break;
                mail_drop(m);
        }
}

static void replay_moved(struct replay *x)
{
        struct postbox *to = read_box(x), *origin = read_box(x);
        size_t n;
        const void *head = unpack_bytes(x->u, &n);
        struct mail *popped = origin && !origin->channel ? mail_unqueue(origin) : NULL;
        struct mail *from = popped ? popped : origin && origin->channel ? origin->box.head : NULL;

        if (from && to && !x->u->bad) {
                struct parcel p = { .head = head, .head_len = (uint32_t) n, .body = from->bytes, .body_len = from->len,
                                    .fds = from->fds, .fd_count = &from->fd_count, .whole = from };
                struct mail *m = mail_pack(&p);

                if (m)
                        box_put(&to->box, m, UINT32_MAX);
        }
        mail_drop(popped);
}

/* --- who waits ---------------------------------------------------------------------------------------------------- */

static void replay_wait(struct replay *x)
{
        struct postbox *from = read_node(x), *to = read_box(x);
        struct mail *m = replay_mail(x);

        if (m && from && to && !from->waits) {
                struct parcel p = { .head = m->bytes, .head_len = m->len, .fds = m->fds, .fd_count = &m->fd_count,
                                    .whole = m };

                from->waits = mail_wait(to, &p, mail_waits, from);
        }
        mail_drop(m);
}

static void replay_wait_over(struct replay *x, bool let_in)
{
        struct postbox *from = read_node(x);
        struct waiter *w = from ? ptr_steal(from->waits) : NULL;

        if (!w)
                return;
        waiter_leave(w);
        w->in_box = let_in;
        if (let_in)
                box_put(&w->to->box, w->mail, UINT32_MAX);
        waiter_free(w);
}

static void replay_input(struct replay *x)
{
        struct postbox *p = read_node(x);
        struct mail *m = replay_mail(x);

        if (m && p)
                mail_queue(p, m);
        else
                mail_drop(m);
}

static void replay_later(struct replay *x)
{
        uint64_t serial = replay_serial(x);
        struct postbox *from = read_node(x);
        nsec at = unpack_s(x->u);
        struct mail *m = replay_mail(x);
        struct later *l = m && from ? calloc(1, sizeof *l) : NULL;

        if (!l) {
                mail_drop(m);
                return;
        }
        *l = (struct later) { .room = x->r, .from = from->node, .serial = serial, .at = at, .mail = m,
                              .next = x->r->later };
        x->r->later = l;
        from->later++;
        from->later_bytes += m->len;
}

static struct later *later_of(struct replay *x, uint64_t serial)
{
        struct later *l = x->r->later;

        while (l && l->serial != serial)
                l = l->next;
        return l;
}

static void replay_notice(struct replay *x)
{
        uint64_t serial = replay_serial(x);
        struct postbox *p = read_box(x);
        uint64_t number = unpack_u(x->u), sender = unpack_u(x->u);
        struct notice *n = p ? calloc(1, sizeof *n) : NULL;
        struct buf question;

        replay_text(x, &question);
        if (!n) {
                buf_free(&question);
                return;
        }
        *n = (struct notice) { .tell = mail_was_taken, .e = x->e, .sender = (node_id) sender, .number = number,
                               .serial = serial, .question = question };
        notice_add(p, n);
}

static void replay_noticed(struct replay *x)
{
        uint64_t serial = unpack_u(x->u);
        struct postbox *p = read_box(x);
        struct notice **at = p ? &p->notices : NULL, *n;

        while (at && *at && (*at)->serial != serial)
                at = &(*at)->next;
        if (!at || !*at)
                return;
        n = *at;
        *at = n->next;
        p->last_notice = NULL;
        for (struct notice *i = p->notices; i; i = i->next)
                p->last_notice = i;
        buf_free(&n->question);
        free(n);
}

static void replay_ticket(struct replay *x)
{
        uint64_t place = unpack_max(x->u, TICKETS - 1);
        struct ticket t;

        t.asker = (uint32_t) unpack_u(x->u);
        t.asked = (node_id) unpack_u(x->u);
        t.ref = (uint32_t) unpack_u(x->u);
        t.client = unpack_max(x->u, 1);
        t.valid = unpack_max(x->u, 1);
        if (!x->u->bad)
                x->r->tickets[place] = t;
}

static void replay_asking(struct replay *x)
{
        struct asking *a = calloc(1, sizeof *a);
        uint32_t token = (uint32_t) unpack_u(x->u), text;
        uint64_t from = unpack_u(x->u), incarnation = unpack_u(x->u);
        struct buf question;

        text = (uint32_t) unpack_u(x->u);
        replay_text(x, &question);
        if (!a) {
                buf_free(&question);
                return;
        }
        *a = (struct asking) { .e = x->e, .from = (node_id) from, .incarnation = (uint32_t) incarnation,
                               .question = question, .token = token, .text = text, .next = x->r->asking };
        x->r->asking = a;
}

static void replay_asked(struct replay *x)
{
        uint32_t token = (uint32_t) unpack_u(x->u);

        for (struct asking **at = &x->r->asking; *at; at = &(*at)->next)
                if ((*at)->token == token) {
                        struct asking *a = *at;

                        *at = a->next;
                        asking_free(a);
                        return;
                }
}

/* --- an entry ----------------------------------------------------------------------------------------------------- */

static void replay_desk(struct replay *x)
{
        struct desk_done *d = &x->r->done;

        d->read = unpack_u(x->u);
        d->read_at = unpack_u(x->u);
        d->back = unpack_u(x->u);
        d->sent = unpack_u(x->u);
}

static void replay_room(struct replay *x)
{
        x->r->last_client = (uint32_t) unpack_u(x->u);
        x->r->last_channel = (uint32_t) unpack_u(x->u);
        (void) replay_serial(x);
}

static void replay_one(struct replay *x)
{
        struct postbox *p;
        struct later *l;
        enum mail_entry kind = (enum mail_entry) unpack_u(x->u);

        switch (kind) {
        case MLOG_DESK: replay_desk(x); break;
        case MLOG_ROOM: replay_room(x); break;
        case MLOG_BOX: replay_box(x); break;
        case MLOG_PUT: replay_put(x); break;
        case MLOG_MOVED: replay_moved(x); break;
        case MLOG_CUT: replay_cut(x); break;
        case MLOG_ALL_BACK:
                p = read_box(x);
                if (p)
                        p->back = 0;
                break;
        case MLOG_WAIT: replay_wait(x); break;
        case MLOG_LET_IN: replay_wait_over(x, true); break;
        case MLOG_UNWAIT: replay_wait_over(x, false); break;
        case MLOG_INPUT: replay_input(x); break;
        case MLOG_INPUT_DONE: mail_drop(mail_unqueue(read_node(x))); break;
        case MLOG_LATER: replay_later(x); break;
        case MLOG_LATER_GONE:
                l = later_of(x, unpack_u(x->u));
                if (l)
                        later_drop(l);
                break;
        case MLOG_NOTICE: replay_notice(x); break;
        case MLOG_NOTICED: replay_noticed(x); break;
        case MLOG_TICKET: replay_ticket(x); break;
        case MLOG_ASKING: replay_asking(x); break;
        case MLOG_ASKED: replay_asked(x); break;
        default:
                if (!replay_channel(x, kind))
                        x->u->bad = true;
        }
}

void mail_replay(struct engine *e, struct unpack *u, struct pack_map *map)
{
        struct replay x = { .e = e, .r = e->mail, .u = u, .map = map };

        if (!e->mail) { /* no descriptor for it: all of this is lost, and what follows cannot be told apart */
                u->bad = true;
                return;
        }
        e->mail->replaying = true;
        replay_one(&x);
        e->mail->replaying = false;
}
