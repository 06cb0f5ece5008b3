/* mail.c - postboxes: their sockets, what lies in them, who waits for room. See mail_priv.h. */
#include "daemon/channel.h"
#include "daemon/mail.h"

#include <string.h>

#include "base/shortage.h"

/* --- a postbox ---------------------------------------------------------------------------------------------------- */

struct postbox *postbox_of(const struct engine *e, node_id id)
{
        const struct run *run = engine_peek(e, id);

        return run && run->extra ? run->extra->postbox : NULL;
}

struct postbox *postbox_make(struct engine *e, node_id id)
{
        const struct node *node = core_node(e->core, id);
        struct extra *x = engine_extra(e, id);
        char path[PATH_MAX_NODE];
        struct postbox *p;
        struct box_limits limits;

        if (!x || !node || node->kind != KIND_SERVICE || !e->mail)
                return NULL;
        if (x->postbox)
                return x->postbox;
        p = calloc(1, sizeof *p);
        if (!p || asprintf(&p->from, "FROM=%s\n", engine_path(e, id, path, sizeof path)) < 0) {
                free(p);
                return NULL;
        }
        p->room = e->mail;
        p->node = id;
        p->ours = p->theirs = -1;
        p->from_len = (uint32_t) strlen(p->from);
        p->to_node = NODE_NONE;
        limits = mail_limits(node->spec);
        box_init(&p->box, &limits);
        x->postbox = p;
        return p;
}

/* Has everybody who could still bring it up given up on it? */
static bool settled(const struct postbox *p)
{
        const struct node *n = core_node(p->room->e->core, p->node);

        return !n || n->state == STATE_FAILED || n->state == STATE_FINISHED ||
               (n->state == STATE_INACTIVE && n->want == WANT_DOWN);
}

bool postbox_reachable(const struct postbox *p)
{
        if (p->channel)
                return true;
        return p->ours >= 0 || (p->box.limits.keep && !settled(p));
}

/* init keeps another copy of a descriptor that waits. */
static void kept_name(const struct mail *m, int i, bool drop)
{
        struct engine *e = m->keeper;
        char name[48];

        (void) snprintf(name, sizeof name, "mailfd:%llu:%d", (unsigned long long) m->id, i);
        if (drop)
                (void) initlink_unstore(e->link, name);
        else if (initlink_store(e->link, name, m->fds[i]) < 0)
                log_debug("init keeps no copy of a descriptor that waits with a message");
}

void mail_keep_fds(struct mailroom *r, struct mail *m)
{
        if (m->fd_count == 0 || m->keeper || m->id || r->replaying) /* with an id: init has them already */
                return;
        m->keeper = r->e;
        m->id = mlog_serial(r);
        for (int i = 0; i < m->fd_count; i++)
                kept_name(m, i, false);
}

void mail_drop(struct mail *m)
{
        for (int i = 0; m && i < m->fd_count; i++) {
                if (m->keeper)
                        kept_name(m, i, true);
                fd_close(&m->fds[i]);
        }
        mail_free(m);
}

/* --- what the set reports ----------------------------------------------------------------------------------------- */

void mail_watch(struct postbox *p)
{
        unsigned what = 0;

        if (p->ours < 0)
                return;
        if (!p->waits && !p->input && !p->choked)
                what |= MAILSOCK_IN;
        if (p->box.held || p->first || p->notices || p->choked || p->wanted)
                what |= MAILSOCK_OUT;
        if (what == p->watched)
                return;
        if ((what ^ p->watched) & MAILSOCK_OUT)
                mailsock_exact(p->ours, p->notices != NULL);
        p->watched = what;
        (void) mailset_change(p->room->set, p->ours, what, p);
}

/* --- out ---------------------------------------------------------------------------------------------------------- */

bool mail_fds_fit(const struct mail *list, unsigned more)
{
        unsigned n = more;

        for (; more > 0 && list; list = list->next)
                n += list->fd_count;
        return n <= MAIL_FDS_MAX;
}

struct mail *mail_pack(struct parcel *p)
{
        struct mail *m = mail_new(p->head, p->head_len, p->body, p->body_len);
        uint8_t n = p->fd_count ? *p->fd_count : 0;

        if (!m || n == 0)
                return m;
        m->fds = malloc(n * sizeof *m->fds);
        if (!m->fds) {
                mail_free(m);
                return NULL;
        }
        memcpy(m->fds, p->fds, n * sizeof *m->fds);
        m->fd_count = n;
        *p->fd_count = 0;
        if (p->whole) {
                m->id = p->whole->id;
                m->keeper = ptr_steal(p->whole->keeper);
        }
        return m;
}

static void no_memory(const struct postbox *p)
{
        char path[PATH_MAX_NODE];

        log_error("%s: out of memory: a message for it is lost", engine_path(p->room->e, p->node, path, sizeof path));
}

void mail_flush(struct mailroom *r)
{
        struct postbox *to = r->batch_to;
        int n = r->batch_count, error, sent;

        r->batch_count = 0;
        r->batch_to = NULL;
        if (n == 0)
                return;
        sent = mailsock_send(r->desk, r->slots_used++, to->node, SENT_STRAIGHT, to->ours, r->batch, n, &error);
        r->done.sent = mailsock_last_sent(r->desk);
        if (error && !error_passes(error)) /* mail_pass_on() tries this one once more, or it stood in everybody's way */
                log_warning("a message is held back: it cannot be sent: %s", strerror(error));
        for (int i = sent; i < n; i++) {
                struct mail *m = mail_pack(&r->batch_parcel[i]);

                if (!m) {
                        no_memory(to);
                        continue;
                }
                box_not_passed(&to->box, m, (uint32_t) (n - i));
                mlog_put(to, m, UINT32_MAX, false);
        }
        if (sent < n)
                mail_watch(to);
}

void mail_sync(struct postbox *p)
{
        if (p->room->batch_to == p)
                mail_flush(p->room);
        if (p->theirs >= 0 && p->box.passed_count && box_unread(&p->box, (uint64_t) mailsock_unread(p->theirs)) > 0)
                mlog_changed(p);
}

/* The oldest of those held. */
static void remove_first(struct postbox *p, enum box_end how)
{
        mail_drop(box_remove(&p->box, how));
        mlog_cut(p, 0, 1);
}

static void drop_oldest(struct postbox *p)
{
        if (p->room->batch_to == p)
                mail_flush(p->room);
        if (p->box.passed_count && mailsock_drop(p->theirs) == 1)
                box_passed_dropped(&p->box);
        else if (p->box.passed_count)
                (void) box_unread(&p->box, 0); /* its owner was faster: all has been read */
        else
                remove_first(p, BOX_DROPPED);
        mlog_changed(p);
}

static enum mail_result hold(struct postbox *to, struct parcel *p)
{
        struct mail *m = mail_pack(p);

        if (!m)
                return MAIL_BUSY;
        box_hold(&to->box, m);
        if (to->channel)
                channel_tapped(to->channel, m);
        if (p->origin)
                mlog_moved(to, p);
        else
                mlog_put(to, m, UINT32_MAX, false);
        p->origin = NULL;
        mail_due(to);
        return MAIL_OK;
}

/* There is room: into the outgoing batch, straight from where it was read to; or behind what is held. */
static enum mail_result pass(struct postbox *to, struct parcel *p)
{
        struct mailroom *r = to->room;

        mlog_changed(to);
        if (p->source == 0 || to->ours < 0 || to->box.held)
                return hold(to, p);
        if (r->batch_to != to)
                mail_flush(r);
        if (to->box.held) /* the flush has found the socket full */
                return hold(to, p);
        if (box_reserve(&to->box, 1) < 0)
                return MAIL_BUSY;
        r->batch_to = to;
        r->batch_parcel[r->batch_count] = *p;
        r->batch[r->batch_count++] = (struct mailsock_out) {
                .a = p->head, .a_len = p->head_len, .b = p->body, .b_len = p->body_len,
                .fds = p->fds, .fd_count = p->fd_count ? *p->fd_count : 0, .source = p->source,
        };
        box_pass(&to->box, p->head_len + p->body_len, p->fd_count ? *p->fd_count : 0);
        return MAIL_OK;
}

/* In the socket and held here together: what is in the socket may have to be taken back, and nothing is lost then. */
static bool fds_fit(struct postbox *to, unsigned more)
{
        if (more == 0 || mail_fds_fit(to->box.head, more + to->box.passed_fds))
                return true;
        mail_sync(to);
        return mail_fds_fit(to->box.head, more + to->box.passed_fds);
}

enum mail_result mail_put(struct postbox *to, struct parcel *p)
{
        uint32_t len = p->head_len + p->body_len;

        if (!postbox_reachable(to))
                return MAIL_NOPROC;
        if (!fds_fit(to, p->fd_count ? *p->fd_count : 0)) {
                to->box.rejected++;
                mlog_changed(to);
                return MAIL_FULL;
        }
        if (to->first && to->box.limits.overflow == OVERFLOW_BLOCK)
                return MAIL_WAIT; /* behind those who wait already */
        if (!box_has_room(&to->box, len))
                mail_sync(to);
        mlog_changed(to);
        for (;;) {
                switch (box_offer(&to->box, len)) {
                case BOX_ACCEPT: return pass(to, p);
                case BOX_WAIT: return MAIL_WAIT;
                case BOX_REJECT: return MAIL_FULL;
                case BOX_DROP: return MAIL_DROPPED;
                case BOX_TOO_LONG: return MAIL_TOO_LONG;
                case BOX_MAKE_ROOM: drop_oldest(to); break;
                }
        }
}

enum mail_result mail_put_forced(struct postbox *to, struct parcel *p)
{
        return postbox_reachable(to) ? pass(to, p) : MAIL_NOPROC;
}

void mail_put_own(struct postbox *to, struct buf *bytes)
{
        struct parcel p = { .head = bytes->data, .head_len = (uint32_t) bytes->len };

        if (!buf_failed(bytes) && postbox_reachable(to))
                (void) pass(to, &p);
}

/* --- room has come, perhaps --------------------------------------------------------------------------------------- */

static void lose_first(struct postbox *p, int error)
{
        char path[PATH_MAX_NODE];

        log_warning("%s: a message is lost: it cannot be sent: %s", engine_path(p->room->e, p->node, path, sizeof path),
                    strerror(error));
        remove_first(p, BOX_LOST);
}

/* What is held goes on into the socket, as far as that takes it. All of it is in the journal. What cannot be sent for
 * now, as when the user has too many descriptors under way, stays the next. */
void mail_pass_on(struct postbox *p)
{
        struct mailroom *r = p->room;

        while (p->box.head && p->ours >= 0) {
                struct mailsock_out out[MAIL_BATCH];
                int n = 0, sent, error;

                if (box_reserve(&p->box, MAIL_BATCH) < 0) {
                        mail_try_later(p);
                        return;
                }
                for (struct mail *m = p->box.head; m && n < MAIL_BATCH; m = m->next)
                        out[n++] = (struct mailsock_out) { .a = m->bytes, .a_len = m->len, .fds = m->fds,
                                                           .fd_count = m->fd_count };
                if (r->slots_used == MAILSOCK_SLOTS)
                        mail_commit(r);
                sent = mailsock_send(r->desk, r->slots_used++, p->node, SENT_HELD, p->ours, out, n, &error);
                r->done.sent = mailsock_last_sent(r->desk);
                for (int i = 0; i < sent; i++)
                        mail_drop(box_held_passed(&p->box));
                mlog_cut(p, 0, (uint32_t) sent);
                mlog_changed(p);
                if (error && !error_passes(error)) {
                        lose_first(p, error);
                        continue;
                }
                if (error)
                        mail_try_later(p);
                if (sent < n)
                        return;
        }
}

void mail_came_back(struct postbox *p, struct mailsock_in *in)
{
        struct parcel parcel = { .head = in->bytes, .head_len = in->len, .fds = in->fds, .fd_count = &in->fd_count };
        struct mail *m;

        m = mail_pack(&parcel);
        if (!m) {
                no_memory(p);
                return;
        }
        box_keep_passed(&p->box, p->box.passed_count ? p->box.passed_count - 1 : 0);
        box_put(&p->box, m, p->back);
        mlog_put(p, m, p->back++, true);
        mlog_changed(p);
}

void mail_all_back(struct postbox *p)
{
        (void) box_unread(&p->box, 0);
        p->back = 0;
        mlog_all_back(p);
        mlog_changed(p);
}

/* What was sent and not read comes back, in order, with its descriptors. */
void mail_take_back(struct postbox *p)
{
        struct mailroom *r = p->room;
        struct mailsock_in *in;
        int n;

        mail_sync(p);
        do {
                mail_commit(r); /* what lay in the tray */
                n = mailsock_receive(r->desk, MAILSOCK_TAKE, p->node, p->theirs, MAIL_BATCH, &in);
                for (int i = 0; i < n; i++)
                        mail_came_back(p, &in[i]);
                r->done.back = mailsock_received(r->desk, MAILSOCK_TAKE);
        } while (n == MAIL_BATCH);
        mail_all_back(p);
}

enum mail_result mail_return(struct postbox *p, const char *bytes, uint32_t len, struct parcel *came_with)
{
        struct parcel parcel = { .head = bytes, .head_len = len, .fds = came_with->fds,
                                 .fd_count = came_with->fd_count };
        struct mail *m;

        if (p->ours < 0)
                return MAIL_NOPROC;
        m = mail_pack(&parcel);
        if (!m)
                return MAIL_BUSY;
        mail_take_back(p);
        box_return(&p->box, m);
        mlog_put(p, m, 0, false);
        mlog_changed(p);
        mail_due(p);
        return MAIL_OK;
}

/* demonitor: a DOWN with that REF that is in the box already. All is taken back first, whatever is between. */
static bool is_that_down(const struct mail *at, const struct message_text *ref)
{
        const char *problem;
        struct message m;

        return message_parse(at->bytes, at->len, &m, &problem) == 0 && message_is(&m, MESSAGE_TOPIC, "DOWN") &&
               message_is(&m, MESSAGE_FROM, "coppice") && m.value[MESSAGE_REF].len == ref->len &&
               memcmp(m.value[MESSAGE_REF].at, ref->at, ref->len) == 0;
}

void mail_take_out(struct postbox *p, const struct message_text *ref)
{
        struct mail *next;
        uint32_t i = 0;

        if (p->ours < 0)
                return;
        mail_take_back(p);
        for (struct mail *at = p->box.head; at; at = next) {
                next = at->next;
                if (!is_that_down(at, ref)) {
                        i++;
                        continue;
                }
                mail_drop(box_cut(&p->box, i));
                mlog_cut(p, i, 1);
                p->box.taken++;
        }
        mlog_changed(p);
        mail_due(p);
}

void mail_settle(struct postbox *p)
{
        mail_sync(p);
        mail_tell_notices(p, MAIL_OK);
        (void) mail_let_in(p);
        if (p->choked && p->box.held == 0) {
                p->choked = false;
                mail_ready(p);
        }
        if (p->wanted) {
                p->wanted = false;
                channels_reader_changed(p->room);
        }
}
