/* channel_read.c - who asks a channel for messages, acknowledges them, and ends. See channel.h. */
#include "daemon/channel.h"

static void free_puller(struct puller *p)
{
        struct puller **at = &p->channel->pullers;

        while (*at != p)
                at = &(*at)->next;
        *at = p->next;
        if (p->serial)
                mlog_puller_gone(p);
        ev_timer_stop(p->channel->room->e->loop, &p->timer);
        buf_free(&p->question);
        free(p);
}

void channels_drop_group(struct mailroom *r, uint64_t group)
{
        for (struct channel *ch = r->channels; group && ch; ch = ch->next)
                for (struct puller *p = ch->pullers, *next; p; p = next) {
                        next = p->next;
                        if (p->group == group)
                                free_puller(p);
                }
}

/* It has its message, or will have none; so do those that were asked for in its place. */
void channel_served(struct puller *p)
{
        struct mailroom *r = p->channel->room;
        uint64_t group = p->group;

        free_puller(p);
        channels_drop_group(r, group);
}

/* Whoever waits for a message gets none. */
void channel_send_away(struct puller *p, enum mail_result r)
{
        struct postbox *reader = p->reader == NODE_NONE ? NULL : postbox_of(p->channel->room->e, p->reader);
        struct message m;
        const char *problem;

        if (p->heard)
                p->heard(p->arg, NULL, (size_t) r);
        else if (reader && message_parse(p->question.data, p->question.len, &m, &problem) == 0)
                mail_tell(reader, &m, r, NULL);
        channel_served(p);
}

/* --- what readers do ---------------------------------------------------------------------------------------------- */

static void on_late(struct ev_loop *loop, ev_timer *w, int revents)
{
        struct puller *p = container_of(w, struct puller, timer);

        (void) loop;
        (void) revents;
        channel_send_away(p, MAIL_TIMEOUT);
}

static struct puller *add_puller(struct channel *ch, int64_t usec)
{
        struct puller *p = calloc(1, sizeof *p), **last = &ch->pullers;

        if (!p)
                return NULL;
        *p = (struct puller) { .channel = ch, .reader = NODE_NONE, .question = BUF_INIT };
        p->until = usec > 0 ? engine_now(ch->room->e) + usec * NSEC_PER_USEC : NSEC_NEVER;
        ev_timer_init(&p->timer, on_late, 0., 0.);
        while (*last)
                last = &(*last)->next;
        *last = p;
        return p;
}

static void arm(struct puller *p)
{
        struct engine *e = p->channel->room->e;
        nsec now = engine_now(e);

        if (p->until == NSEC_NEVER)
                return;
        ev_now_update(e->loop);
        ev_timer_set(&p->timer, p->until > now ? (double) (p->until - now) * 1e-9 : 0., 0.);
        ev_timer_start(e->loop, &p->timer);
}

void channel_arm(struct channel *ch)
{
        for (struct puller *p = ch->pullers; p; p = p->next)
                arm(p);
}

struct puller *channel_resume_puller(struct channel *ch, uint64_t serial, node_id reader, nsec until,
                                     const void *question, size_t n)
{
        struct puller *p = add_puller(ch, -1);

        if (!p)
                return NULL;
        p->serial = serial;
        p->reader = reader;
        p->until = until;
        buf_add(&p->question, question, n);
        return p;
}

struct channel *channel_of_id(struct mailroom *r, uint32_t id)
{
        struct channel *ch = r->channels;

        while (ch && ch->id != id)
                ch = ch->next;
        return ch;
}

static bool asks_already(const struct channel *ch, node_id reader)
{
        unsigned n = 0;

        for (const struct puller *p = ch->pullers; p; p = p->next)
                n += p->reader == reader;
        return n >= CHANNEL_PULLERS_MAX;
}

enum mail_result channel_pull(struct channel *ch, struct postbox *reader, const struct message *m, int64_t usec,
                              uint64_t group)
{
        struct puller *p;

        if (group == 0 && !ch->box.box.head && (usec == 0 || ch->closed))
                return ch->closed ? MAIL_CLOSED : MAIL_EMPTY;
        p = asks_already(ch, reader->node) ? NULL : add_puller(ch, usec);
        if (!p)
                return MAIL_BUSY;
        p->reader = reader->node;
        p->group = group;
        buf_add(&p->question, m->head, m->head_len);
        message_end(&p->question);
        p->serial = mlog_serial(ch->room);
        mlog_puller(p);
        arm(p);
        channel_pump(ch);
        return MAIL_WAIT;
}

enum mail_result channel_ack(struct channel *ch, node_id reader, int64_t number)
{
        for (struct unacked **at = &ch->unacked; *at; at = &(*at)->next) {
                struct unacked *u = *at;

                if (u->reader != reader || (int64_t) u->number != number)
                        continue;
                *at = u->next;
                mlog_acked(ch, u->number);
                mail_drop(u->mail);
                free(u);
                ch->acked++;
                mlog_changed(&ch->box);
                channel_pump(ch);
                return MAIL_OK;
        }
        return MAIL_NOT_FOUND;
}

struct puller *channel_add_puller(struct channel *ch)
{
        return add_puller(ch, -1);
}

void channel_drop_puller(struct puller *p)
{
        free_puller(p);
}

void channels_reader_changed(struct mailroom *r)
{
        for (struct channel *ch = r->channels; ch; ch = ch->next)
                if (ch->box.box.head)
                        channel_pump(ch);
}

/* The newest first. */
void channel_take_back(struct channel *ch, unacked_is_fn *is, const void *arg)
{
        for (;;) {
                struct unacked **found = NULL, *u;

                for (struct unacked **at = &ch->unacked; *at; at = &(*at)->next)
                        if (is(*at, arg))
                                found = at;
                if (!found)
                        return;
                u = *found;
                *found = u->next;
                box_return(&ch->box.box, u->mail);
                mlog_not_given(ch, u->number);
                ch->redelivered++;
                mlog_changed(&ch->box);
                free(u);
                channel_pump(ch);
        }
}

static bool is_with(const struct unacked *u, const void *reader)
{
        return u->reader == *(const node_id *) reader;
}

void channels_reader_ended(struct mailroom *r, node_id reader)
{
        for (struct channel *ch = r->channels; ch; ch = ch->next) {
                for (struct puller *p = ch->pullers, *next; p; p = next) {
                        next = p->next;
                        if (p->reader == reader)
                                free_puller(p);
                }
                channel_take_back(ch, is_with, &reader);
        }
        channels_reader_changed(r);
}
