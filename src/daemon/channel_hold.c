/* channel_hold.c - what a client was sent and has not said it has. See mailroom.h, channel.h.
 *
 * Between the journal and the client's hands there is always an instant at which the engine, the client or the
 * connection may end. So the message is written down as held before it is sent, under a word that the client has made
 * up: by it the client can ask again after the engine has ended, and says at last that it has the message. */
#include <string.h>

#include "daemon/channel.h"

/* Of several channels it matters which one it was. */
static bool write_bytes(const struct channel *ch, const struct mail *m, bool named, struct buf *out)
{
        if (named)
                message_put(out, MESSAGE_CHANNEL, ch->path);
        buf_add(out, m->bytes, m->len);
        return !buf_failed(out);
}

void channel_claim_by(struct puller *p, const struct channel_claim *claim)
{
        (void) snprintf(p->claim, sizeof p->claim, "%s", claim->word ? claim->word : "");
        p->holder = claim->holder;
}

static struct unacked *held_for(const struct puller *p)
{
        struct unacked *u = calloc(1, sizeof *u);

        if (!u)
                return NULL;
        u->reader = NODE_NONE;
        u->holder = p->holder;
        memcpy(u->claim, p->claim, sizeof u->claim);
        return u;
}

/* Out of the channel first: what `heard` writes to the client may take the journal along, and may end the
 * connection. */
void channel_to_client(struct channel *ch, struct puller *p, const struct mail *m)
{
        autobuf struct buf bytes = BUF_INIT;
        struct unacked *u = p->claim[0] ? held_for(p) : NULL;
        mail_heard_fn *heard = p->heard;
        void *arg = p->arg;

        if (!write_bytes(ch, m, p->group != 0, &bytes) || (p->claim[0] && !u)) {
                free(u);
                channel_send_away(p, MAIL_BUSY);
                return;
        }
        channel_served(p);
        channel_gone(ch, u);
        heard(arg, buf_text(&bytes), bytes.len);
}

/* Where it is in the list of *ret_channel. */
static struct unacked **find(struct mailroom *r, const char *word, struct channel **ret_channel)
{
        for (struct channel *ch = r->channels; ch; ch = ch->next)
                for (struct unacked **at = &ch->unacked; *at; at = &(*at)->next)
                        if ((*at)->reader == NODE_NONE && strcmp((*at)->claim, word) == 0) {
                                *ret_channel = ch;
                                return at;
                        }
        return NULL;
}

bool channel_claimed(struct mailroom *r, const struct channel_claim *claim, bool named, mail_heard_fn *heard, void *arg)
{
        autobuf struct buf bytes = BUF_INIT;
        struct channel *ch;
        struct unacked **at = claim->word ? find(r, claim->word, &ch) : NULL;

        if (!at)
                return false;
        if (!write_bytes(ch, (*at)->mail, named, &bytes)) {
                heard(arg, NULL, MAIL_BUSY);
                return true;
        }
        (*at)->holder = claim->holder;
        heard(arg, buf_text(&bytes), bytes.len);
        return true;
}

bool engine_channel_may_claim(struct engine *e, const struct channel_claim *claim)
{
        struct channel *ch;
        unsigned n = 0;

        if (!e->mail || !claim->word || find(e->mail, claim->word, &ch))
                return true;
        for (ch = e->mail->channels; ch; ch = ch->next)
                for (const struct unacked *u = ch->unacked; u; u = u->next)
                        n += u->reader == NODE_NONE && u->holder == claim->holder;
        return n < CHANNEL_CLAIMS_MAX;
}

bool engine_channel_taken(struct engine *e, const char *word)
{
        struct channel *ch;
        struct unacked **at = e->mail ? find(e->mail, word, &ch) : NULL, *u;

        if (!at)
                return false;
        u = *at;
        *at = u->next;
        mlog_acked(ch, u->number);
        mail_drop(u->mail);
        free(u);
        return true;
}

/* --- those who do not come back ----------------------------------------------------------------------------------- */

static bool is_held_by(const struct unacked *u, const void *holder)
{
        return u->reader == NODE_NONE && u->holder == holder;
}

static void take_back_all(struct mailroom *r, const void *holder)
{
        for (struct channel *ch = r->channels; ch; ch = ch->next)
                channel_take_back(ch, is_held_by, holder);
}

void engine_channel_let_go(struct engine *e, const void *holder)
{
        if (e->mail)
                take_back_all(e->mail, holder);
}

static void on_unclaimed(struct ev_loop *loop, ev_timer *w, int revents)
{
        (void) loop;
        (void) revents;
        take_back_all(container_of(w, struct mailroom, unclaimed), NULL);
}

void channels_wait_for_claims(struct mailroom *r)
{
        ev_now_update(r->e->loop);
        ev_timer_init(&r->unclaimed, on_unclaimed, CHANNEL_CLAIM_SEC, 0.);
        ev_timer_start(r->e->loop, &r->unclaimed);
}
