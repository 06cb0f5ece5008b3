/* channel.c - queues of messages that no service owns. See channel.h. */
#include "daemon/channel.h"

#include <string.h>

static const struct core *core_of(const struct channel *ch)
{
        return ch->room->e->core;
}

static bool acknowledged(const struct channel *ch)
{
        return spec_int(ch->spec, D_CHANNEL_Acknowledge);
}

/* --- which one, and who may --------------------------------------------------------------------------------------- */

static bool is_called(const struct channel *ch, const char *name)
{
        return strcmp(spec_stem(ch->spec), name) == 0 || strcmp(spec_name(ch->spec), name) == 0;
}

struct channel *channel_find(struct mailroom *r, node_id scope, const char *name)
{
        for (struct channel *ch = r->channels; name[0] == '/' && ch; ch = ch->next)
                if (strcmp(ch->path, name) == 0)
                        return ch;
        for (const struct node *s = core_node(r->e->core, scope); s; s = core_node(r->e->core, s->parent))
                for (struct channel *ch = r->channels; ch; ch = ch->next)
                        if (ch->place == s->id && is_called(ch, name))
                                return ch;
        return NULL;
}

static bool listed(const struct channel *ch, enum directive d, node_id id)
{
        for (size_t i = 0; i < spec_count(ch->spec, d); i++)
                if (core_outward(core_of(ch), ch->place, spec_item(ch->spec, d, i)) == id)
                        return true;
        return false;
}

enum mail_result channel_may_send(const struct channel *ch, node_id from)
{
        node_id by;

        if (ch->closed)
                return MAIL_CLOSED;
        if (spec_count(ch->spec, D_CHANNEL_From) > 0)
                return listed(ch, D_CHANNEL_From, from) ? MAIL_OK : MAIL_FORBIDDEN;
        return route_into(core_of(ch), from, ch->place, &by) ? MAIL_OK : MAIL_FORBIDDEN;
}

enum mail_result channel_may_take(const struct channel *ch, node_id reader)
{
        node_id by;

        if (spec_count(ch->spec, D_CHANNEL_To) > 0)
                return listed(ch, D_CHANNEL_To, reader) ? MAIL_OK : MAIL_FORBIDDEN;
        return route_out_of(core_of(ch), ch->place, reader, &by) ? MAIL_OK : MAIL_FORBIDDEN;
}

/* --- making and ending -------------------------------------------------------------------------------------------- */

static struct box_limits limits_of(const struct spec *s)
{
        return (struct box_limits) {
                .messages = (uint32_t) spec_int(s, D_CHANNEL_Capacity),
                .bytes = (uint64_t) spec_int(s, D_CHANNEL_CapacityBytes),
                .overflow = (uint8_t) spec_int(s, D_CHANNEL_Overflow),
                .keep = true,
        };
}

struct channel *channel_new(struct mailroom *r, node_id place, struct spec *s, const char *path)
{
        struct box_limits limits = limits_of(s);
        struct channel *ch = calloc(1, sizeof *ch);

        if (!ch || !(ch->path = strdup(path))) {
                free(ch);
                return NULL;
        }
        ch->room = r;
        ch->place = place;
        ch->spec = spec_ref(s);
        ch->box = (struct postbox) { .room = r, .node = NODE_NONE, .ours = -1, .theirs = -1, .channel = ch };
        box_init(&ch->box.box, &limits);
        ch->next = r->channels;
        r->channels = ch;
        return ch;
}

enum mail_result channel_add(struct mailroom *r, node_id place, struct spec *s, bool from_unit)
{
        char path[PATH_MAX_NODE];
        struct channel *ch;

        (void) engine_path(r->e, place, path, sizeof path);
        if (strlen(path) + strlen(spec_stem(s)) + 2 > sizeof path)
                return MAIL_BAD_MESSAGE;
        if (path[1])
                strcat(path, "/");
        strcat(path, spec_stem(s));
        if (core_find(r->e->core, NODE_ROOT, path, NULL) != NODE_NONE || channel_find(r, NODE_NONE, path))
                return MAIL_EXISTS;
        ch = channel_new(r, place, s, path);
        if (!ch)
                return MAIL_BUSY;
        ch->id = ++r->last_channel;
        ch->from_unit = from_unit;
        mlog_channel(ch);
        return MAIL_OK;
}

void channel_set_spec(struct channel *ch, struct spec *s)
{
        struct spec *old = ch->spec;

        ch->spec = spec_ref(s);
        ch->box.box.limits = limits_of(s);
        spec_unref(old);
        mlog_channel(ch);
        channel_pump(ch);
}

void channel_free(struct channel *ch)
{
        struct channel **at = &ch->room->channels;

        while (*at != ch)
                at = &(*at)->next;
        *at = ch->next;
        ch->closed = true;
        channel_untap(ch);
        mlog_channel_gone(ch);
        while (ch->pullers)
                channel_send_away(ch->pullers, MAIL_CLOSED);
        while (ch->unacked) {
                struct unacked *u = ch->unacked;

                ch->unacked = u->next;
                mail_drop(u->mail);
                free(u);
        }
        mail_lose_all(&ch->box);
        lists_leave(&ch->box);
        box_free(&ch->box.box);
        spec_unref(ch->spec);
        free(ch->path);
        free(ch);
}

/* What waits in it can still be taken; then it goes. */
void channel_close(struct channel *ch)
{
        ch->closed = true;
        mlog_channel(ch);
        mail_refuse_waiters(&ch->box, MAIL_CLOSED);
        channel_pump(ch);
        if (!ch->box.box.head && !ch->unacked)
                channel_free(ch);
}

/* --- delivering --------------------------------------------------------------------------------------------------- */

static unsigned outstanding(const struct channel *ch, node_id reader, uint64_t *ret_bytes)
{
        unsigned n = 0;

        *ret_bytes = 0;
        for (const struct unacked *u = ch->unacked; u; u = u->next)
                if (u->reader == reader) {
                        *ret_bytes += u->mail->len;
                        n++;
                }
        return n;
}

/* The first who asked; but nobody gets more without acknowledging any than what the whole channel may hold. */
static struct puller *next_puller(const struct channel *ch)
{
        const struct box_limits *limits = &ch->box.box.limits;
        uint64_t bytes;

        for (struct puller *p = ch->pullers; p; p = p->next)
                if (p->reader == NODE_NONE || !acknowledged(ch) ||
                    (outstanding(ch, p->reader, &bytes) < limits->messages && bytes < limits->bytes))
                        return p;
        return NULL;
}

static bool write_head(struct channel *ch, struct buf *head)
{
        message_put(head, MESSAGE_CHANNEL, ch->path);
        if (acknowledged(ch))
                message_put_number(head, MESSAGE_ACK, (int64_t) (ch->last_number + 1));
        return !buf_failed(head);
}

/* Into a mailbox that has room, or whose owner has asked for it (`force`). A copy: the message stays in the channel. */
static bool give(struct channel *ch, const struct mail *m, struct postbox *to, bool force)
{
        autobuf struct buf head = BUF_INIT;
        uint8_t none = 0, *fd_count = spec_int(ch->spec, D_CHANNEL_Deliver) == CHANNEL_ALL
                       ? &none : (uint8_t *) (uintptr_t) &m->fd_count;
        struct parcel p;
        enum mail_result r;

        if (!write_head(ch, &head))
                return false;
        p = (struct parcel) { .head = head.data, .head_len = (uint32_t) head.len, .body = m->bytes, .body_len = m->len,
                              .fds = m->fds, .fd_count = fd_count, .origin = &ch->box };
        if (fd_count == &m->fd_count)
                p.whole = (struct mail *) (uintptr_t) m;
        r = force ? mail_put_forced(to, &p) : mail_put(to, &p);
        return r == MAIL_OK;
}

void channel_gone(struct channel *ch, struct unacked *u)
{
        struct mail *m = box_remove(&ch->box.box, BOX_TAKEN);
        struct unacked **last = &ch->unacked;

        ch->last_number++;
        ch->delivered++;
        mlog_changed(&ch->box);
        if (ch->box.notices)
                mail_due(&ch->box);
        if (!u) {
                mlog_cut(&ch->box, 0, 1);
                mail_drop(m);
                return;
        }
        u->number = ch->last_number;
        u->mail = m;
        mlog_given(ch, u);
        while (*last)
                last = &(*last)->next;
        *last = u;
}

/* The oldest message has gone to `reader`: done with, or remembered until it is acknowledged. */
static void gone_to(struct channel *ch, node_id reader)
{
        struct unacked *u = acknowledged(ch) && reader != NODE_NONE ? calloc(1, sizeof *u) : NULL;

        if (u)
                u->reader = reader;
        channel_gone(ch, u);
}

static struct postbox *living_reader(struct channel *ch, size_t i)
{
        node_id id = core_outward(core_of(ch), ch->place, spec_item(ch->spec, D_CHANNEL_To, i));
        struct postbox *p = id == NODE_NONE ? NULL : postbox_of(ch->room->e, id);

        return p && p->ours >= 0 ? p : NULL;
}

/* Room by what the kernel says; if there is none we hear when there is. */
static bool has_room(struct postbox *p, uint32_t len)
{
        uint32_t whole = len + MESSAGE_FROM_MAX / 2;

        if (!p->first && box_has_room(&p->box, whole))
                return true;
        mail_sync(p);
        if (!p->first && box_has_room(&p->box, whole))
                return true;
        p->wanted = true;
        mail_watch(p);
        return false;
}

static bool to_one(struct channel *ch, const struct mail *m)
{
        struct postbox *best = NULL;
        uint64_t bytes;

        for (size_t i = 0; i < spec_count(ch->spec, D_CHANNEL_To); i++) {
                struct postbox *p = living_reader(ch, i);

                if (!p || (acknowledged(ch) && outstanding(ch, p->node, &bytes) > 0) || !has_room(p, m->len))
                        continue;
                if (!best || box_count(&p->box) < box_count(&best->box))
                        best = p;
        }
        if (!best)
                return false;
        if (!give(ch, m, best, false)) { /* it holds as many descriptors as it may: when it has read some */
                best->wanted = true;
                mail_watch(best);
                return false;
        }
        gone_to(ch, best->node);
        return true;
}

/* Overflow=block: all of them or none yet; else those that have no room go without. */
static bool to_all(struct channel *ch, const struct mail *m)
{
        size_t n = spec_count(ch->spec, D_CHANNEL_To);
        bool block = spec_int(ch->spec, D_CHANNEL_Overflow) == OVERFLOW_BLOCK, any = false;

        for (size_t i = 0; i < n; i++) {
                struct postbox *p = living_reader(ch, i);

                if (p && block && !has_room(p, m->len))
                        return false;
                any = any || p;
        }
        for (size_t i = 0; any && i < n; i++) {
                struct postbox *p = living_reader(ch, i);

                if (p && !give(ch, m, p, false)) {
                        p->box.rejected++;
                        mlog_changed(p);
                }
        }
        if (any)
                gone_to(ch, NODE_NONE);
        return any;
}

static void to_puller(struct channel *ch, struct puller *p, const struct mail *m)
{
        node_id reader = p->reader;
        struct postbox *to;

        if (p->heard) {
                channel_to_client(ch, p, m);
                return;
        }
        to = postbox_of(ch->room->e, reader);
        if (!to || to->ours < 0 || !give(ch, m, to, true)) {
                channel_drop_puller(p); /* the next one */
                return;
        }
        mail_choke(to);
        channel_served(p);
        gone_to(ch, reader);
}

static bool move_one(struct channel *ch)
{
        const struct mail *m = ch->box.box.head;
        struct puller *p = m ? next_puller(ch) : NULL;

        if (!m)
                return false;
        if (p) {
                to_puller(ch, p, m);
                return true;
        }
        if (spec_count(ch->spec, D_CHANNEL_To) == 0)
                return false;
        return spec_int(ch->spec, D_CHANNEL_Deliver) == CHANNEL_ALL ? to_all(ch, m) : to_one(ch, m);
}

void channel_pump(struct channel *ch)
{
        ch->due = true;
        ch->room->channels_due = true;
}

void channels_go_on(struct mailroom *r)
{
        if (!r->channels_due)
                return;
        r->channels_due = false;
        for (struct channel *ch = r->channels; ch; ch = ch->next)
                if (ch->due) {
                        ch->due = false;
                        channel_move(ch);
                }
}

void channel_move(struct channel *ch)
{
        if (ch->pumping)
                return;
        ch->pumping = true;
        do
                while (move_one(ch))
                        ;
        while (mail_let_in(&ch->box) && ch->box.box.head);
        ch->pumping = false;
        if (ch->closed && !ch->box.box.head)
                while (ch->pullers)
                        channel_send_away(ch->pullers, MAIL_CLOSED);
}

enum mail_result channel_put(struct channel *ch, struct parcel *p)
{
        enum mail_result r;

        if (p->fd_count && *p->fd_count > 0 &&
            (acknowledged(ch) || spec_int(ch->spec, D_CHANNEL_Deliver) == CHANNEL_ALL))
                return MAIL_BAD_MESSAGE; /* a descriptor can be given away once */
        r = mail_put(&ch->box, p);
        if (r == MAIL_OK)
                channel_pump(ch);
        return r;
}
