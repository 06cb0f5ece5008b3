/* channel_tap.c - looking at a channel: what waits in it; and watching it: an operator gets a copy of each message that
 * comes in, and takes nothing out. See channel.h, mailroom.h. Nobody waits for a tap: one that is not read from is cut,
 * and told how much it has missed. */
#include "daemon/channel.h"

enum { TAP_MESSAGES_MAX = 1024, TAP_BYTES_MAX = 1 << 20 };

struct tap {
        struct tap *next;
        struct mailroom *room;
        struct channel *channel;     /* NULL: it has ended, or the tap was cut */
        struct mail *first, *last;   /* owned; not taken yet */
        unsigned count;
        size_t bytes;
        uint64_t missed;             /* cut: so many were not taken */
        bool told;                   /* that it is over */
        mail_news_fn *news;
        void *arg;
};

static struct mail *pop(struct tap *t)
{
        struct mail *m = t->first;

        if (!m)
                return NULL;
        t->first = m->next;
        if (!t->first)
                t->last = NULL;
        t->count--;
        t->bytes -= m->len;
        return m;
}

static void leave(struct tap *t)
{
        if (t->channel)
                t->channel->taps--;
        t->channel = NULL;
}

static void cut(struct tap *t)
{
        t->missed = t->count + 1;
        while (t->first)
                mail_free(pop(t));
        leave(t);
}

static void copy_to(struct tap *t, const struct mail *m)
{
        bool room = t->count < TAP_MESSAGES_MAX && t->bytes + m->len <= TAP_BYTES_MAX;
        struct mail *copy = room ? mail_new(m->bytes, m->len, NULL, 0) : NULL;

        if (!copy) {
                cut(t);
                return;
        }
        if (t->last)
                t->last->next = copy;
        else
                t->first = copy;
        t->last = copy;
        t->count++;
        t->bytes += m->len;
}

void channel_tapped(struct channel *ch, const struct mail *m)
{
        for (struct tap *t = ch->taps ? ch->room->taps : NULL; t; t = t->next)
                if (t->channel == ch)
                        copy_to(t, m);
}

void channel_untap(struct channel *ch)
{
        for (struct tap *t = ch->taps ? ch->room->taps : NULL; t; t = t->next)
                if (t->channel == ch)
                        leave(t);
}

/* Never amid a batch: whoever is told may answer a client, and then the journal is written. */
void channels_tell_taps(struct mailroom *r)
{
        for (struct tap *t = r->taps, *next; t; t = next) {
                bool over = !t->channel && !t->told;

                next = t->next;
                t->told = t->told || over;
                if (t->first || over)
                        t->news(t->arg);
        }
}

enum mail_result engine_channel_peek(struct engine *e, const char *name, engine_peek_fn *fn, void *arg)
{
        const struct channel *ch = e->mail ? channel_find(e->mail, NODE_ROOT, name) : NULL;
        const struct mail *m = ch ? ch->box.box.head : NULL;

        if (!ch)
                return e->mail ? channel_missing(e->mail, NODE_ROOT, name) : MAIL_NOT_FOUND;
        while (m && fn(arg, m))
                m = m->next;
        return MAIL_OK;
}

struct tap *engine_channel_tap(struct engine *e, const char *name, mail_news_fn *news, void *arg, enum mail_result *ret)
{
        struct channel *ch = e->mail ? channel_find(e->mail, NODE_ROOT, name) : NULL;
        struct tap *t = ch ? calloc(1, sizeof *t) : NULL;

        *ret = t ? MAIL_OK : ch ? MAIL_BUSY : e->mail ? channel_missing(e->mail, NODE_ROOT, name) : MAIL_NOT_FOUND;
        if (!t)
                return NULL;
        *t = (struct tap) { .next = e->mail->taps, .room = e->mail, .channel = ch, .news = news, .arg = arg };
        e->mail->taps = t;
        ch->taps++;
        return t;
}

struct mail *engine_tap_next(struct tap *t)
{
        return pop(t);
}

bool engine_tap_over(const struct tap *t, uint64_t *ret_missed)
{
        *ret_missed = t->missed;
        return !t->channel && !t->first;
}

void engine_tap_free(struct tap *t)
{
        struct tap **at = &t->room->taps;

        while (*at != t)
                at = &(*at)->next;
        *at = t->next;
        leave(t);
        while (t->first)
                mail_free(pop(t));
        free(t);
}
