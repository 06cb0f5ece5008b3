/* mail_replay_channel.c - channels put together again. See mail_log.h. */
#include "core/snapshot.h"
#include "daemon/mail_replay.h"

static struct channel *read_channel(struct replay *x)
{
        return channel_of_id(x->r, (uint32_t) unpack_u(x->u));
}

static void replay_made(struct replay *x)
{
        uint32_t id = (uint32_t) unpack_u(x->u);
        node_id place = (node_id) unpack_u(x->u);
        bool from_unit = unpack_max(x->u, 1), closed = unpack_max(x->u, 1);
        autofree char *path = unpack_dup(x->u);
        struct spec *s = spec_load(x->u, x->map);
        struct channel *ch = channel_of_id(x->r, id);

        if (!s || !path || !core_node(x->e->core, place)) {
                spec_unref(s);
                return;
        }
        if (ch)
                channel_set_spec(ch, s);
        else
                ch = channel_new(x->r, place, s, path);
        spec_unref(s);
        if (!ch)
                return;
        ch->id = id;
        ch->from_unit = from_unit;
        ch->closed = closed;
        if (id > x->r->last_channel)
                x->r->last_channel = id;
}

static void add_unacked(struct channel *ch, uint64_t number, uint64_t reader, struct mail *m)
{
        struct unacked *u = ch && m ? calloc(1, sizeof *u) : NULL, **last;

        if (!u) {
                mail_drop(m);
                return;
        }
        *u = (struct unacked) { .number = number, .reader = (node_id) reader, .mail = m };
        for (last = &ch->unacked; *last; last = &(*last)->next)
                ;
        *last = u;
}

static void replay_given(struct replay *x, bool whole)
{
        struct channel *ch = read_channel(x);
        uint64_t number = unpack_u(x->u), reader = unpack_u(x->u);

        add_unacked(ch, number, reader, whole ? replay_mail(x) : ch ? box_cut(&ch->box.box, 0) : NULL);
}

static void replay_given_over(struct replay *x, bool acked)
{
        struct channel *ch = read_channel(x);
        uint64_t number = unpack_u(x->u);

        for (struct unacked **at = ch ? &ch->unacked : NULL; at && *at; at = &(*at)->next)
                if ((*at)->number == number) {
                        struct unacked *u = *at;

                        *at = u->next;
                        if (acked)
                                mail_drop(u->mail);
                        else
                                box_put(&ch->box.box, u->mail, 0);
                        free(u);
                        return;
                }
}

static void replay_claimed(struct replay *x)
{
        struct channel *ch = read_channel(x);
        uint64_t number = unpack_u(x->u);
        autofree char *word = unpack_dup(x->u);

        for (struct unacked *u = ch && word ? ch->unacked : NULL; u; u = u->next)
                if (u->number == number)
                        (void) snprintf(u->claim, sizeof u->claim, "%s", word);
}

static void replay_puller(struct replay *x)
{
        uint64_t serial = replay_serial(x);
        struct channel *ch = read_channel(x);
        uint64_t reader = unpack_u(x->u);
        nsec until = unpack_s(x->u);
        uint64_t group = replay_serial(x);
        autobuf struct buf question = BUF_INIT;
        struct puller *p;

        replay_text(x, &question);
        p = ch && !x->u->bad ? channel_resume_puller(ch, serial, (node_id) reader, until, question.data,
                                                     question.len) : NULL;
        if (p)
                p->group = group;
}

static void replay_puller_gone(struct replay *x)
{
        uint64_t serial = unpack_u(x->u);
        struct channel *ch = read_channel(x);

        for (struct puller *p = ch ? ch->pullers : NULL; p; p = p->next)
                if (p->serial == serial) {
                        channel_drop_puller(p);
                        return;
                }
}

bool replay_channel(struct replay *x, enum mail_entry kind)
{
        struct channel *ch;

        switch (kind) {
        case MLOG_CHANNEL: replay_made(x); break;
        case MLOG_CHANNEL_GONE:
                ch = read_channel(x);
                if (ch)
                        channel_free(ch);
                break;
        case MLOG_GIVEN: replay_given(x, false); break;
        case MLOG_UNACKED: replay_given(x, true); break;
        case MLOG_ACKED: replay_given_over(x, true); break;
        case MLOG_NOT_GIVEN: replay_given_over(x, false); break;
        case MLOG_CLAIMED: replay_claimed(x); break;
        case MLOG_PULLER: replay_puller(x); break;
        case MLOG_PULLER_GONE: replay_puller_gone(x); break;
        default: return false;
        }
        return true;
}
