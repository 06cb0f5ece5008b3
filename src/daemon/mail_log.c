/* mail_log.c - what changes in the mail room, as entries of the journal; and all there is, for
 * a snapshot. See mail_priv.h.
 *
 * Lists are told as what happened to them, counts as what they are: once for each box that has changed, right before
 * the journal is written. Whoever reads it back (mail_replay.c) does not count. */
#include <string.h>

#include "core/snapshot.h"
#include "daemon/channel.h"
#include "daemon/journal.h"
#include "daemon/mail.h"
#include "daemon/mail_log.h"

/* NULL: nothing is written down. */
static struct buf *begin(const struct mailroom *r, enum mail_entry kind)
{
        struct buf *out = r->replaying ? NULL : journal_mail(r->e);

        if (out)
                pack_u(out, kind);
        return out;
}

static void put_box(struct buf *out, const struct postbox *p)
{
        pack_u(out, p->channel ? (uint64_t) p->channel->id << 1 | 1 : (uint64_t) p->node << 1);
}

static void put_mail(struct buf *out, const struct mail *m)
{
        pack_u(out, m->id);
        pack_u(out, m->fd_count);
        pack_u(out, m->due);
        pack_bytes(out, m->bytes, m->len);
}

static void put_text(struct buf *out, const struct buf *text)
{
        pack_bytes(out, text->data, text->len);
}

uint64_t mlog_serial(struct mailroom *r)
{
        return ++r->last_serial;
}

/* --- boxes -------------------------------------------------------------------------------------------------------- */

void mlog_changed(struct postbox *p)
{
        if (!p->room->replaying)
                list_add(p, LIST_NOTE);
}

void mlog_put(struct postbox *p, struct mail *m, uint32_t i, bool back)
{
        struct buf *out;

        mail_keep_fds(p->room, m);
        out = begin(p->room, MLOG_PUT);
        if (!out)
                return;
        put_box(out, p);
        pack_u(out, i);
        pack_u(out, back);
        put_mail(out, m);
}

void mlog_moved(struct postbox *to, const struct parcel *p)
{
        struct buf *out;

        mail_keep_fds(to->room, to->box.tail); /* they are, but for those of what has just come */
        out = begin(to->room, MLOG_MOVED);
        if (!out)
                return;
        put_box(out, to);
        put_box(out, p->origin);
        pack_bytes(out, p->head, p->head_len);
}

void mlog_cut(struct postbox *p, uint32_t i, uint32_t n)
{
        struct buf *out = n ? begin(p->room, MLOG_CUT) : NULL;

        if (!out)
                return;
        put_box(out, p);
        pack_u(out, i);
        pack_u(out, n);
}

void mlog_all_back(struct postbox *p)
{
        struct buf *out = begin(p->room, MLOG_ALL_BACK);

        if (out)
                put_box(out, p);
}

/* --- who waits ---------------------------------------------------------------------------------------------------- */

void mlog_wait(struct waiter *w)
{
        struct buf *out;

        mail_keep_fds(w->to->room, w->mail);
        out = begin(w->to->room, MLOG_WAIT);
        if (!out)
                return;
        pack_u(out, w->from->node);
        put_box(out, w->to);
        put_mail(out, w->mail);
}

/* That of a client is told whole: it is not known to wait. */
void mlog_let_in(struct waiter *w)
{
        struct buf *out;

        if (!w->from) {
                mlog_put(w->to, w->mail, UINT32_MAX, false);
                return;
        }
        out = begin(w->to->room, MLOG_LET_IN);
        if (out)
                pack_u(out, w->from->node);
}

void mlog_unwait(struct postbox *from)
{
        struct buf *out = begin(from->room, MLOG_UNWAIT);

        if (out)
                pack_u(out, from->node);
}

void mlog_input(struct postbox *p, struct mail *m)
{
        struct buf *out;

        mail_keep_fds(p->room, m);
        out = begin(p->room, MLOG_INPUT);
        if (!out)
                return;
        pack_u(out, p->node);
        put_mail(out, m);
}

void mlog_input_done(struct postbox *p)
{
        struct buf *out = begin(p->room, MLOG_INPUT_DONE);

        if (out)
                pack_u(out, p->node);
}

void mlog_later(struct later *l)
{
        struct buf *out;

        mail_keep_fds(l->room, l->mail);
        out = begin(l->room, MLOG_LATER);
        if (!out)
                return;
        pack_u(out, l->serial);
        pack_u(out, l->from);
        pack_s(out, l->at);
        put_mail(out, l->mail);
}

void mlog_later_gone(const struct later *l)
{
        struct buf *out = begin(l->room, MLOG_LATER_GONE);

        if (out)
                pack_u(out, l->serial);
}

void mlog_notice(const struct postbox *p, const struct notice *n)
{
        struct buf *out = begin(p->room, MLOG_NOTICE);

        if (!out)
                return;
        pack_u(out, n->serial);
        put_box(out, p);
        pack_u(out, n->number);
        pack_u(out, n->sender);
        put_text(out, &n->question);
}

void mlog_noticed(const struct postbox *p, const struct notice *n)
{
        struct buf *out = begin(p->room, MLOG_NOTICED);

        if (!out)
                return;
        pack_u(out, n->serial);
        put_box(out, p);
}

void mlog_ticket(struct mailroom *r, const struct ticket *t)
{
        struct buf *out = begin(r, MLOG_TICKET);

        if (!out)
                return;
        pack_u(out, (uint64_t) (t - r->tickets));
        pack_u(out, t->asker);
        pack_u(out, t->asked);
        pack_u(out, t->ref);
        pack_u(out, t->client);
        pack_u(out, t->valid);
}

void mlog_asking(struct mailroom *r, const struct asking *a)
{
        struct buf *out = begin(r, MLOG_ASKING);

        if (!out)
                return;
        pack_u(out, a->token);
        pack_u(out, a->from);
        pack_u(out, a->incarnation);
        pack_u(out, a->text);
        put_text(out, &a->question);
}

void mlog_asked(struct mailroom *r, uint32_t token)
{
        struct buf *out = begin(r, MLOG_ASKED);

        if (out)
                pack_u(out, token);
}

void mlog_clients(struct mailroom *r)
{
        struct buf *out = begin(r, MLOG_ROOM);

        if (!out)
                return;
        pack_u(out, r->last_client);
        pack_u(out, r->last_channel);
        pack_u(out, r->last_serial);
}

/* --- channels ----------------------------------------------------------------------------------------------------- */

void mlog_channel(struct channel *ch)
{
        struct buf *out = begin(ch->room, MLOG_CHANNEL);

        if (!out)
                return;
        pack_u(out, ch->id);
        pack_u(out, ch->place);
        pack_u(out, ch->from_unit);
        pack_u(out, ch->closed);
        pack_text(out, ch->path);
        spec_save(ch->spec, out);
        mlog_changed(&ch->box);
}

static struct buf *about(const struct channel *ch, enum mail_entry kind, uint64_t number)
{
        struct buf *out = begin(ch->room, kind);

        if (!out)
                return NULL;
        pack_u(out, ch->id);
        pack_u(out, number);
        return out;
}

void mlog_channel_gone(const struct channel *ch)
{
        struct buf *out = begin(ch->room, MLOG_CHANNEL_GONE);

        if (out)
                pack_u(out, ch->id);
}

void mlog_given(struct channel *ch, const struct unacked *u)
{
        struct buf *out = about(ch, MLOG_GIVEN, u->number);

        if (out)
                pack_u(out, u->reader);
        mlog_claimed(ch, u);
}

void mlog_claimed(const struct channel *ch, const struct unacked *u)
{
        struct buf *out = u->reader == NODE_NONE ? about(ch, MLOG_CLAIMED, u->number) : NULL;

        if (out)
                pack_text(out, u->claim);
}

void mlog_acked(struct channel *ch, uint64_t number)
{
        (void) about(ch, MLOG_ACKED, number);
}

void mlog_not_given(struct channel *ch, uint64_t number)
{
        (void) about(ch, MLOG_NOT_GIVEN, number);
}

void mlog_puller(const struct puller *p)
{
        struct buf *out = begin(p->channel->room, MLOG_PULLER);

        if (!out)
                return;
        pack_u(out, p->serial);
        pack_u(out, p->channel->id);
        pack_u(out, p->reader);
        pack_s(out, p->until);
        pack_u(out, p->group);
        put_text(out, &p->question);
}

void mlog_puller_gone(const struct puller *p)
{
        struct buf *out = begin(p->channel->room, MLOG_PULLER_GONE);

        if (!out)
                return;
        pack_u(out, p->serial);
        pack_u(out, p->channel->id);
}

/* --- counts, right before the journal is written ------------------------------------------------------------------ */

static void put_counts(struct buf *out, const struct postbox *p)
{
        const struct box *b = &p->box;
        const uint64_t counts[] = { b->last, b->accepted, b->taken, b->dropped, b->rejected, b->lost, p->sent,
                                    p->bounced };

        put_box(out, p);
        for (size_t i = 0; i < ARRAY_LEN(counts); i++)
                pack_u(out, counts[i]);
        if (p->channel) {
                pack_u(out, p->channel->last_number);
                pack_u(out, p->channel->delivered);
                pack_u(out, p->channel->acked);
                pack_u(out, p->channel->redelivered);
        }
}

/* The last `n` lengths of those in the socket. */
static void note_box(struct postbox *p, uint32_t n)
{
        struct buf *out = begin(p->room, MLOG_BOX);
        struct box *b = &p->box;

        if (n > b->passed_count)
                n = b->passed_count;
        b->news = 0;
        if (!out)
                return;
        put_counts(out, p);
        pack_u(out, b->passed_count);
        pack_u(out, n);
        for (uint32_t i = b->passed_count - n; i < b->passed_count; i++)
                pack_u(out, box_passed_len(b, i));
}

static void note_desk(struct mailroom *r)
{
        const struct desk_done *now = &r->done;
        struct buf *out;

        if (memcmp(&r->noted, now, sizeof *now) == 0)
                return;
        r->noted = *now;
        out = begin(r, MLOG_DESK);
        if (!out)
                return;
        pack_u(out, now->read);
        pack_u(out, now->read_at);
        pack_u(out, now->back);
        pack_u(out, now->sent);
}

void mail_note(struct engine *e)
{
        struct mailroom *r = e->mail;
        struct postbox *p;

        if (!r || r->replaying)
                return;
        mail_flush(r); /* an answer to a client may be written down amid a batch */
        while ((p = list_pop(r, LIST_NOTE)))
                note_box(p, p->box.news);
        note_desk(r);
}

/* --- all there is ------------------------------------------------------------------------------------------------- */

static void save_box(struct postbox *p)
{
        uint32_t i = 0;

        note_box(p, UINT32_MAX);
        for (struct mail *m = p->box.head; m; m = m->next, i++)
                mlog_put(p, m, UINT32_MAX, i < p->back);
}

static void save_postbox(struct postbox *p)
{
        save_box(p);
        for (struct mail *m = p->input; m; m = m->next)
                mlog_input(p, m);
}

static void save_expectations(const struct postbox *p)
{
        for (struct waiter *w = p->first; w; w = w->next)
                if (w->from)
                        mlog_wait(w);
        for (const struct notice *n = p->notices; n; n = n->next)
                if (n->serial)
                        mlog_notice(p, n);
}

static void save_channel(struct channel *ch)
{
        mlog_channel(ch);
        save_box(&ch->box);
        for (const struct unacked *u = ch->unacked; u; u = u->next) {
                struct buf *out = about(ch, MLOG_UNACKED, u->number);

                if (!out)
                        continue;
                pack_u(out, u->reader);
                put_mail(out, u->mail);
                mlog_claimed(ch, u);
        }
        for (const struct puller *p = ch->pullers; p; p = p->next)
                if (p->serial)
                        mlog_puller(p);
}

static void mail_silently_flush(struct mailroom *r)
{
        r->replaying = true;
        mail_flush(r);
        r->replaying = false;
}

static void save_room(struct mailroom *r)
{
        mlog_clients(r);
        r->noted = (struct desk_done) { .read = UINT64_MAX };
        note_desk(r);
        for (size_t i = 0; i < TICKETS; i++)
                if (r->tickets[i].valid)
                        mlog_ticket(r, &r->tickets[i]);
        for (struct later *l = r->later; l; l = l->next)
                mlog_later(l);
        for (const struct asking *a = r->asking; a; a = a->next)
                mlog_asking(r, a);
}

void mail_save(struct engine *e)
{
        struct mailroom *r = e->mail;

        if (!r)
                return;
        mail_silently_flush(r); /* all of it is told below */
        while (list_pop(r, LIST_NOTE))
                ;
        for (struct channel *ch = r->channels; ch; ch = ch->next)
                save_channel(ch);
        for (node_id id = 0; id < e->run_cap; id++)
                if (postbox_of(e, id))
                        save_postbox(postbox_of(e, id));
        for (struct channel *ch = r->channels; ch; ch = ch->next)
                save_expectations(&ch->box);
        for (node_id id = 0; id < e->run_cap; id++)
                if (postbox_of(e, id))
                        save_expectations(postbox_of(e, id));
        save_room(r);
        while (list_pop(r, LIST_NOTE)) /* mlog_channel() */
                ;
}
