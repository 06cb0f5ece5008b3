/* mail.c - postboxes: their sockets, what lies in them, who waits for room. See mail.h. */
#include "daemon/channel.h"

#include <string.h>

/* --- a postbox ------------------------------------------------------------------------------------------------------ */

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

void mail_drop(struct mail *m)
{
        for (int i = 0; m && i < m->fd_count; i++)
                (void) close(m->fds[i]);
        mail_free(m);
}

/* --- what the set reports ------------------------------------------------------------------------------------------- */

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

/* --- out ---------------------------------------------------------------------------------------------------------------- */

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
        sent = mailsock_send(to->ours, r->batch, n, &error);
        if (error) /* this one cannot be sent as it is, and would stand in everybody's way */
                log_warning("a message with descriptors is held back: %s", strerror(error));
        for (int i = sent; i < n; i++) {
                struct mail *m = mail_pack(&r->batch_parcel[i]);

                if (m)
                        box_not_passed(&to->box, m, (uint32_t) (n - i));
                else
                        no_memory(to);
        }
        if (sent < n)
                mail_watch(to);
}

void mail_sync(struct postbox *p)
{
        if (p->room->batch_to == p)
                mail_flush(p->room);
        if (p->theirs >= 0 && p->box.passed_count)
                (void) box_unread(&p->box, (uint64_t) mailsock_unread(p->theirs));
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
                mail_drop(box_remove(&p->box, BOX_DROPPED));
}

static enum mail_result hold(struct postbox *to, struct parcel *p)
{
        struct mail *m = mail_pack(p);

        if (!m)
                return MAIL_BUSY;
        box_hold(&to->box, m);
        mail_watch(to);
        return MAIL_OK;
}

/* There is room: into the outgoing batch, or behind what is held. */
static enum mail_result pass(struct postbox *to, struct parcel *p)
{
        struct mailroom *r = to->room;

        if (to->ours < 0 || to->box.held)
                return hold(to, p);
        if (r->batch_to != to || r->batch_count == MAIL_BATCH)
                mail_flush(r);
        if (to->box.held) /* the flush has found the socket full */
                return hold(to, p);
        if (box_reserve(&to->box, 1) < 0)
                return MAIL_BUSY;
        r->batch_to = to;
        r->batch_parcel[r->batch_count] = *p;
        r->batch[r->batch_count++] = (struct mailsock_out) {
                .a = p->head, .a_len = p->head_len, .b = p->body, .b_len = p->body_len,
                .fds = p->fds, .fd_count = p->fd_count ? *p->fd_count : 0,
        };
        box_pass(&to->box, p->head_len + p->body_len);
        return MAIL_OK;
}

enum mail_result mail_put(struct postbox *to, struct parcel *p)
{
        uint32_t len = p->head_len + p->body_len;

        if (!postbox_reachable(to))
                return MAIL_NOPROC;
        if (to->first && to->box.limits.overflow == OVERFLOW_BLOCK)
                return MAIL_WAIT; /* behind those who wait already */
        if (!box_has_room(&to->box, len))
                mail_sync(to);
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

        if (buf_failed(bytes) || !postbox_reachable(to) || pass(to, &p) != MAIL_OK)
                return;
        mail_flush(to->room); /* the bytes are the caller's */
}

/* --- waiting for room --------------------------------------------------------------------------------------------------- */

struct waiter *mail_wait(struct postbox *to, struct parcel *p, void (*done)(struct waiter *, enum mail_result), void *arg)
{
        struct waiter *w = calloc(1, sizeof *w);

        if (!w)
                return NULL;
        *w = (struct waiter) { .to = to, .mail = mail_pack(p), .done = done, .arg = arg };
        if (!w->mail) {
                free(w);
                return NULL;
        }
        if (to->last)
                to->last->next = w;
        else
                to->first = w;
        to->last = w;
        mail_watch(to);
        return w;
}

void waiter_leave(struct waiter *w)
{
        struct postbox *to = w->to;
        struct waiter *before = NULL;

        for (struct waiter *at = to->first; at && at != w; at = at->next)
                before = at;
        if (before)
                before->next = w->next;
        else
                to->first = w->next;
        if (to->last == w)
                to->last = before;
        w->next = NULL;
        mail_watch(to);
}

void waiter_free(struct waiter *w)
{
        mail_drop(w->mail);
        free(w);
}

bool mail_let_in(struct postbox *p)
{
        bool some = false;

        while (p->first) {
                struct waiter *w = p->first;
                struct parcel parcel = { .head = w->mail->bytes, .head_len = w->mail->len, .fds = w->mail->fds,
                                         .fd_count = &w->mail->fd_count };
                enum mail_result r;

                if (!box_has_room(&p->box, w->mail->len))
                        return some;
                r = box_offer(&p->box, w->mail->len) == BOX_ACCEPT ? pass(p, &parcel) : MAIL_FULL;
                mail_flush(p->room); /* the bytes go with the waiter */
                waiter_leave(w);
                w->done(w, r);
                some = true;
        }
        return some;
}

/* --- who wants to know that his message was read ------------------------------------------------------------------------- */

void notice_add(struct postbox *p, struct notice *n)
{
        n->next = NULL;
        n->number = p->box.last;
        if (p->last_notice)
                p->last_notice->next = n;
        else
                p->notices = n;
        p->last_notice = n;
        mail_watch(p);
}

/* All whose message is gone from the box; `r` says in which way. */
void mail_tell_notices(struct postbox *p, enum mail_result r)
{
        while (p->notices && p->notices->number < box_first(&p->box)) {
                struct notice *n = p->notices;

                p->notices = n->next;
                if (!p->notices)
                        p->last_notice = NULL;
                n->tell(n, r);
        }
}

/* --- room has come, perhaps ------------------------------------------------------------------------------------------------ */

/* What is held goes on into the socket, as far as that takes it. */
static void push_held(struct postbox *p)
{
        while (p->box.head && p->ours >= 0) {
                struct mailsock_out out[MAIL_BATCH];
                int n = 0, sent, error;

                if (box_reserve(&p->box, MAIL_BATCH) < 0)
                        return;
                for (struct mail *m = p->box.head; m && n < MAIL_BATCH; m = m->next)
                        out[n++] = (struct mailsock_out) { .a = m->bytes, .a_len = m->len, .fds = m->fds,
                                                           .fd_count = m->fd_count };
                sent = mailsock_send(p->ours, out, n, &error);
                for (int i = 0; i < sent; i++)
                        mail_drop(box_held_passed(&p->box));
                if (error)
                        mail_drop(box_remove(&p->box, BOX_LOST));
                else if (sent < n)
                        return;
        }
}

/* What was sent and not read comes back, in order, with its descriptors. */
void mail_take_back(struct postbox *p)
{
        struct mail *place = NULL;
        struct mailsock_in *in;

        mail_sync(p);
        while (mailsock_receive(p->room->taker, p->theirs, 1, &in) > 0) {
                struct parcel parcel = { .head = in->bytes, .head_len = in->len, .fds = in->fds, .fd_count = &in->fd_count };
                struct mail *m = mail_pack(&parcel);

                if (m)
                        box_take_back(&p->box, m, &place);
                else
                        no_memory(p);
        }
        (void) box_unread(&p->box, 0);
}

enum mail_result mail_return(struct postbox *p, const char *bytes, uint32_t len, struct parcel *came_with)
{
        struct parcel parcel = { .head = bytes, .head_len = len, .fds = came_with->fds, .fd_count = came_with->fd_count };
        struct mail *m;

        if (p->ours < 0)
                return MAIL_NOPROC;
        m = mail_pack(&parcel);
        if (!m)
                return MAIL_BUSY;
        mail_take_back(p);
        box_return(&p->box, m);
        push_held(p);
        mail_watch(p);
        return MAIL_OK;
}

/* demonitor: a DOWN with that REF that is in the box already. All is taken back first, whatever is between. */
void mail_take_out(struct postbox *p, const struct message_text *ref)
{
        struct box all;
        const char *problem;
        struct message m;

        if (p->ours < 0)
                return;
        mail_take_back(p);
        all = p->box;
        p->box.head = p->box.tail = NULL;
        p->box.held = 0;
        p->box.held_bytes = 0;
        for (struct mail *at = all.head, *next; at; at = next) {
                next = at->next;
                if (message_parse(at->bytes, at->len, &m, &problem) == 0 && message_is(&m, MESSAGE_TOPIC, "DOWN") &&
                    message_is(&m, MESSAGE_FROM, "coppice") && m.value[MESSAGE_REF].len == ref->len &&
                    memcmp(m.value[MESSAGE_REF].at, ref->at, ref->len) == 0) {
                        p->box.taken++;
                        mail_drop(at);
                        continue;
                }
                box_hold(&p->box, at);
                p->box.accepted--;
                p->box.last--;
        }
        push_held(p);
        mail_watch(p);
}

void mail_pump(struct postbox *p)
{
        mail_sync(p);
        mail_tell_notices(p, MAIL_OK);
        push_held(p);
        (void) mail_let_in(p);
        if (p->choked && p->box.held == 0) {
                p->choked = false;
                mail_ready(p);
        }
        if (p->wanted) {
                p->wanted = false;
                channels_reader_changed(p->room);
        }
        mail_watch(p);
}
