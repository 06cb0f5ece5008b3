/* mail.c - postboxes: their sockets, what lies in them, who waits for room. See mail.h. */
#include "daemon/channel.h"

#include <string.h>

enum { EVENTS_PER_CALL = 64 };

/* --- a postbox ------------------------------------------------------------------------------------------------------ */

struct postbox *postbox_of(const struct engine *e, node_id id)
{
        const struct run *run = engine_peek(e, id);

        return run && run->extra ? run->extra->postbox : NULL;
}

static struct box_limits limits_of(const struct spec *s)
{
        int64_t bytes = spec_int(s, D_SERVICE_MailboxCapacityBytes);

        return (struct box_limits) {
                .messages = (uint32_t) spec_int(s, D_SERVICE_MailboxCapacity),
                .bytes = (uint64_t) bytes,
                .overflow = (uint8_t) spec_int(s, D_SERVICE_MailboxOverflow),
                .keep = spec_int(s, D_SERVICE_MailboxKeep),
        };
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
        limits = limits_of(node->spec);
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
static void tell_notices(struct postbox *p, enum mail_result r)
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
static void take_back(struct postbox *p)
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
        take_back(p);
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
        take_back(p);
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

static void pump(struct postbox *p)
{
        mail_sync(p);
        tell_notices(p, MAIL_OK);
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

static void on_set(struct ev_loop *loop, ev_io *w, int revents)
{
        struct mailroom *r = container_of(w, struct mailroom, watch);
        struct mailsock_event events[EVENTS_PER_CALL];
        int n = mailset_wait(r->set, events, EVENTS_PER_CALL);

        (void) loop;
        (void) revents;
        for (int i = 0; i < n; i++) {
                struct postbox *p = events[i].arg;

                if (events[i].what & MAILSOCK_OUT)
                        pump(p);
                if (events[i].what & MAILSOCK_IN)
                        mail_readable(p);
        }
        mail_go_on(r);
        mailsock_reader_rest(r->reader);
        mailsock_reader_rest(r->taker);
}

/* --- an incarnation ------------------------------------------------------------------------------------------------------- */

static void deposit(struct postbox *p)
{
        struct engine *e = p->room->e;
        char path[PATH_MAX_NODE], name[PATH_MAX_NODE + 16];

        (void) engine_path(e, p->node, path, sizeof path);
        (void) snprintf(name, sizeof name, "mail:%s", path);
        if (initlink_store(e->link, name, p->ours) < 0)
                log_debug("%s: init keeps no copy of its mailbox", path);
        (void) snprintf(name, sizeof name, "mailbox:%s", path);
        (void) initlink_store(e->link, name, p->theirs);
}

static void withdraw(struct postbox *p)
{
        struct engine *e = p->room->e;
        const char *path = p->from + strlen("FROM="); /* the node may be gone already */
        int n = (int) p->from_len - (int) strlen("FROM=") - 1;
        char name[PATH_MAX_NODE + 16];

        (void) snprintf(name, sizeof name, "mail:%.*s", n, path);
        (void) initlink_unstore(e->link, name);
        (void) snprintf(name, sizeof name, "mailbox:%.*s", n, path);
        (void) initlink_unstore(e->link, name);
}

int mail_open(struct engine *e, node_id id, uint32_t incarnation, int *ret_theirs)
{
        struct postbox *p = postbox_make(e, id);
        int r;

        if (!p)
                return -ENOMEM;
        if (p->ours >= 0 && p->incarnation == incarnation) {
                *ret_theirs = p->theirs;
                return 0;
        }
        if (p->ours >= 0)
                mail_close(e, id);
        r = mailsock_pair(&p->ours, &p->theirs);
        if (r < 0)
                return r;
        r = mailset_add(e->mail->set, p->ours, MAILSOCK_IN, p);
        if (r < 0) {
                fd_close(&p->ours);
                fd_close(&p->theirs);
                return r;
        }
        p->box.limits = limits_of(core_node(e->core, id)->spec);
        p->watched = MAILSOCK_IN;
        p->incarnation = incarnation;
        p->inode = mailsock_inode(p->theirs);
        deposit(p);
        pump(p);
        channels_reader_changed(p->room);
        *ret_theirs = p->theirs;
        return 0;
}

void mail_refuse_waiters(struct postbox *p, enum mail_result r)
{
        while (p->first) {
                struct waiter *w = p->first;

                waiter_leave(w);
                w->done(w, r);
        }
}

void mail_lose_all(struct postbox *p)
{
        while (p->box.head)
                mail_drop(box_remove(&p->box, BOX_LOST));
        mail_refuse_waiters(p, p->channel ? MAIL_CLOSED : MAIL_NOPROC);
        tell_notices(p, MAIL_NOPROC);
}

/* What a channel will deliver again must not be there twice. */
static void drop_unacknowledged(struct postbox *p)
{
        struct box all = p->box;
        const char *problem;
        struct message m;

        if (!p->room->channels)
                return;
        p->box.head = p->box.tail = NULL;
        p->box.held = 0;
        p->box.held_bytes = 0;
        for (struct mail *at = all.head, *next; at; at = next) {
                next = at->next;
                if (message_parse(at->bytes, at->len, &m, &problem) == 0 && message_has(&m, MESSAGE_ACK)) {
                        p->box.lost++;
                        mail_drop(at);
                        continue;
                }
                box_hold(&p->box, at);
                p->box.accepted--;
                p->box.last--;
        }
}

void mail_close(struct engine *e, node_id id)
{
        struct postbox *p = postbox_of(e, id);

        if (e->mail)
                e->mail->names++; /* those of this one are gone */
        if (!p)
                return;
        if (p->ours >= 0) {
                mail_last_words(p);
                take_back(p);
                drop_unacknowledged(p);
                mailset_remove(p->room->set, p->ours);
                fd_close(&p->ours);
                fd_close(&p->theirs);
                withdraw(p);
                p->inode = 0;
                p->choked = false;
                if (p->input)
                        mail_ready(p);
        }
        if (!postbox_reachable(p))
                mail_lose_all(p);
        channels_reader_ended(p->room, id);
        mail_go_on(p->room);
}

void mail_forget(struct engine *e, node_id id)
{
        struct postbox *p = postbox_of(e, id);

        if (!p)
                return;
        mail_close(e, id);
        mail_lose_all(p);
        later_forget(p);
        if (p->waits) {
                waiter_leave(p->waits);
                waiter_free(p->waits);
        }
        while (p->input) {
                struct mail *m = p->input;

                p->input = m->next;
                mail_drop(m);
        }
        for (struct postbox **at = &p->room->ready; *at; at = &(*at)->next_ready)
                if (*at == p) {
                        *at = p->next_ready;
                        break;
                }
        box_free(&p->box);
        free(p->from);
        engine_extra(e, id)->postbox = NULL;
        free(p);
}

void mail_changed(struct engine *e, node_id id)
{
        struct postbox *p = postbox_of(e, id);

        if (!p)
                return;
        p->box.limits = limits_of(core_node(e->core, id)->spec);
        pump(p);
}

node_id mail_owner(const struct engine *e, int fd)
{
        uint64_t inode = mailsock_inode(fd);

        for (node_id id = 0; inode && id < e->run_cap; id++) {
                const struct postbox *p = postbox_of(e, id);

                if (p && p->inode == inode)
                        return id;
        }
        return NODE_NONE;
}

bool engine_mail_facts(struct engine *e, node_id id, struct mail_facts *ret)
{
        struct postbox *p = postbox_of(e, id);

        if (!p)
                return false;
        mail_sync(p);
        *ret = (struct mail_facts) {
                .waiting = box_count(&p->box), .capacity = p->box.limits.messages, .bytes = box_bytes(&p->box),
                .accepted = p->box.accepted, .taken = p->box.taken, .dropped = p->box.dropped,
                .rejected = p->box.rejected, .lost = p->box.lost, .sent = p->sent, .bounced = p->bounced,
                .sender_waits = p->waits != NULL,
        };
        for (const struct waiter *w = p->first; w; w = w->next)
                ret->blocked++;
        return true;
}

/* --- the room --------------------------------------------------------------------------------------------------------------- */

static void on_again(struct ev_loop *loop, ev_timer *w, int revents)
{
        struct mailroom *r = container_of(w, struct mailroom, again);

        (void) loop;
        (void) revents;
        mail_go_on(r);
}

int mail_start(struct engine *e)
{
        struct mailroom *r = calloc(1, sizeof *r);

        if (!r)
                return -ENOMEM;
        r->e = e;
        r->set = mailset_new();
        if (r->set < 0 || mailsock_reader_new(&r->reader) < 0 || mailsock_reader_new(&r->taker) < 0) {
                int code = r->set < 0 ? r->set : -ENOMEM;

                fd_close(&r->set);
                mailsock_reader_free(r->reader);
                free(r);
                return code;
        }
        ev_io_init(&r->watch, on_set, r->set, EV_READ);
        ev_io_start(e->loop, &r->watch);
        ev_timer_init(&r->again, on_again, 0., 0.);
        e->mail = r;
        return 0;
}

void mail_stop(struct engine *e)
{
        struct mailroom *r = e->mail;

        if (!r)
                return;
        while (r->channels)
                channel_free(r->channels);
        for (node_id id = 0; id < e->run_cap; id++)
                mail_forget(e, id);
        ev_io_stop(e->loop, &r->watch);
        ev_timer_stop(e->loop, &r->again);
        fd_close(&r->set);
        mailsock_reader_free(r->reader);
        mailsock_reader_free(r->taker);
        while (r->clients) {
                struct client *c = r->clients;

                r->clients = c->next;
                free(c);
        }
        free(r);
        e->mail = NULL;
}
