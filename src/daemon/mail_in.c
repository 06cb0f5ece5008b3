/* mail_in.c - what services send: read in batches, checked, sent on; and what they are told
 * about it. See mail_priv.h. */
#include <string.h>

#include "daemon/channel.h"

enum {
        BATCHES_PER_CALL = 4,   /* of one sender before others have their turn */
        GO_ON_MAX = 1024,       /* messages that waited, handled in one go */
        ANSWERS_MAX = 64,       /* answers of ours that may lie unread beside its messages */
        INPUT_BYTES_MAX = 16 << 20, /* more than the messages that have waited for their time, a batch, and
                                     * what a socket holds */
};

/* --- telling the sender ------------------------------------------------------------------------------------------- */

bool mail_overflows(const struct postbox *p)
{
        return p->box.held > p->box.limits.messages + ANSWERS_MAX;
}

void mail_choke(struct postbox *p)
{
        if (mail_overflows(p) && p->ours >= 0)
                p->choked = true;
}

/* Asked for an answer: exactly one DONE. Else silence means that it went well. */
static bool wants_done(const struct message *m)
{
        return message_has(m, MESSAGE_REF) && (message_has(m, MESSAGE_CALL) || message_has(m, MESSAGE_SYNC));
}

static bool has_end(const struct buf *lines)
{
        return memmem(lines->data, lines->len, "\n\n", 2) != NULL || lines->data[0] == '\n';
}

static void write_answer(const struct message *m, enum mail_result r, const struct buf *more, struct buf *out)
{
        const struct message_text *ref = &m->value[MESSAGE_REF], *to = &m->value[MESSAGE_TO];
        bool done = wants_done(m);

        message_put(out, MESSAGE_FROM, "coppice");
        message_put(out, MESSAGE_TOPIC, done ? "DONE" : "BOUNCE");
        if (ref->at)
                message_putn(out, MESSAGE_REF, ref->at, ref->len);
        if (to->at)
                message_putn(out, MESSAGE_TO, to->at, to->len);
        message_put(out, done ? MESSAGE_RESULT : MESSAGE_REASON, mail_word(r));
        if (more && more->len) /* lines; with a payload of its own it has the empty line too */
                buf_add(out, more->data, more->len);
        if (more && more->len && has_end(more))
                return; /* it has its own sentence */
        message_end(out);
        if (r != MAIL_OK)
                buf_adds(out, mail_sentence(r));
}

void mail_tell(struct postbox *from, const struct message *m, enum mail_result r, const struct buf *more)
{
        autobuf struct buf out = BUF_INIT;

        bool fine = r == MAIL_OK || r == MAIL_DROPPED; /* to drop is what the receiver's policy says: no news */

        if (!fine) {
                from->bounced++;
                mlog_changed(from);
        }
        if ((fine && !wants_done(m)) || !postbox_reachable(from))
                return;
        write_answer(m, r, more, &out);
        mail_put_own(from, &out);
        mail_choke(from);
}

void mail_was_taken(struct notice *n, enum mail_result r)
{
        struct postbox *from = postbox_of(n->e, n->sender);
        struct message m;
        const char *problem;

        if (from && message_parse(n->question.data, n->question.len, &m, &problem) == 0)
                mail_tell(from, &m, r, NULL);
        buf_free(&n->question);
        free(n);
}

/* SYNC=taken: the answer comes when it has been read. */
static bool tell_when_taken(struct postbox *from, struct postbox *to, const struct message *m)
{
        struct notice *n = calloc(1, sizeof *n);

        if (!n)
                return false;
        *n = (struct notice) { .tell = mail_was_taken, .e = to->room->e, .sender = from->node, .question = BUF_INIT };
        buf_add(&n->question, m->head, m->head_len);
        message_end(&n->question);
        notice_add(to, n);
        return true;
}

static void told(struct postbox *from, struct postbox *to, const struct message *m, enum mail_result r,
                 const struct buf *more)
{
        if (r == MAIL_OK && to && message_is(m, MESSAGE_SYNC, "taken") && message_has(m, MESSAGE_REF) &&
            tell_when_taken(from, to, m))
                return;
        mail_tell(from, m, r, more);
}

/* --- waiting ------------------------------------------------------------------------------------------------------ */

/* A waits for room at B, B for room at C ...: back at A nobody of them goes on by himself (FAILURES F16). */
static void look_for_ring(const struct postbox *from)
{
        char a[PATH_MAX_NODE], b[PATH_MAX_NODE];
        const struct postbox *at = from;

        for (int i = 0; at && at->waits && i < 64; i++) {
                at = at->waits->to;
                if (at != from)
                        continue;
                log_warning("%s and %s wait for room in each other's mailbox: one of them has to read first",
                            engine_path(from->room->e, from->node, a, sizeof a),
                            engine_path(from->room->e, from->waits->to->node, b, sizeof b));
                return;
        }
}

void mail_waits(struct waiter *w, enum mail_result r)
{
        struct postbox *from = w->from;
        struct message m;
        const char *problem;

        from->waits = NULL;
        if (!w->in_box)
                mlog_unwait(from);
        /* Its own bytes follow the line we put before them. */
        if (message_parse(w->mail->bytes + from->from_len, w->mail->len - from->from_len, &m, &problem) == 0)
                told(from, w->to, &m, r, NULL);
        waiter_free(w);
        mail_ready(from);
}

/* --- sending on --------------------------------------------------------------------------------------------------- */

struct postbox *mail_box_for(struct engine *e, node_id id)
{
        const struct node *n = core_node(e->core, id);

        return n && n->kind == KIND_SERVICE && spec_int(n->spec, D_SERVICE_Mailbox) ? postbox_make(e, id) : NULL;
}

/* To every child of a supervisor that has a mailbox. Nobody waits here: whoever has no room goes without. */
static enum mail_result broadcast(struct postbox *from, node_id super, struct parcel *p, struct buf *more)
{
        struct engine *e = from->room->e;
        int64_t reached = 0;

        for (node_id id = core_first_child(e->core, super); id != NODE_NONE; id = core_next_sibling(e->core, id)) {
                struct postbox *to = id == from->node ? NULL : mail_box_for(e, id);
                struct parcel copy = { .head = p->head, .body = p->body, .head_len = p->head_len,
                                       .body_len = p->body_len };
                enum mail_result r = to ? mail_put(to, &copy) : MAIL_NO_MAILBOX;

                if (r == MAIL_WAIT)
                        to->box.rejected++;
                reached += r == MAIL_OK;
        }
        message_put_number(more, MESSAGE_COUNT, reached);
        return MAIL_OK;
}

/* TIMEOUT_USEC=0: the sender would rather be refused than wait. */
static enum mail_result or_full(struct postbox *to, const struct message *m, enum mail_result r)
{
        if (r != MAIL_WAIT || !message_has(m, MESSAGE_TIMEOUT_USEC))
                return r;
        to->box.rejected++;
        mlog_changed(to);
        return MAIL_FULL;
}

static enum mail_result into_channel(struct postbox *from, const struct message *m, struct parcel *p,
                                     struct postbox **ret_to)
{
        node_id super = core_node(from->room->e->core, from->node)->parent;
        char name[MESSAGE_VALUE_MAX + 1];
        struct channel *ch;
        enum mail_result r;

        if (!message_copy(m, MESSAGE_TO, name, sizeof name))
                return MAIL_NOT_FOUND;
        ch = channel_find(from->room, super, name);
        r = ch ? channel_may_send(ch, from->node) : channel_missing(from->room, super, name);
        if (r == MAIL_OK)
                r = or_full(&ch->box, m, channel_put(ch, p));
        if (r == MAIL_OK || r == MAIL_WAIT)
                *ret_to = &ch->box;
        return r;
}

void mail_went(struct postbox *from, struct postbox *to, const struct message *m)
{
        from->sent++;
        mlog_changed(from);
        ticket_make(from->room, from->node, to->node, m);
        told(from, to, m, MAIL_OK, NULL);
}

void mail_send(struct postbox *from, const struct message *m, struct parcel *p)
{
        struct mailroom *r = from->room;
        autobuf struct buf more = BUF_INIT;
        struct postbox *to = NULL;
        node_id id, by;
        enum mail_result result = mail_to_client(from, m, p);

        if (result == MAIL_NOT_FOUND) {
                result = mail_find(r, from, &m->value[MESSAGE_TO], &id);
                if (result == MAIL_OK && !route_message(r->e->core, from->node, id, &by) &&
                    !ticket_use(r, id, from->node, m))
                        result = MAIL_FORBIDDEN;
                if (result == MAIL_OK && core_node(r->e->core, id)->kind == KIND_SUPERVISOR)
                        result = broadcast(from, id, p, &more);
                else if (result == MAIL_OK)
                        result = (to = mail_box_for(r->e, id)) ? or_full(to, m, mail_put(to, p)) : MAIL_NO_MAILBOX;
                if (to && (result == MAIL_OK || result == MAIL_WAIT))
                        ticket_make(r, from->node, id, m);
        }
        if (result == MAIL_NOT_FOUND)
                result = into_channel(from, m, p, &to);
        if (result == MAIL_WAIT) {
                from->waits = mail_wait(to, p, mail_waits, from);
                if (from->waits) {
                        look_for_ring(from);
                        return;
                }
                result = MAIL_BUSY;
        }
        told(from, to, m, result, &more);
}

/* --- reading ------------------------------------------------------------------------------------------------------ */

/* What was received may be longer than what may be sent, so this is told by its bytes. */
static const char give_back[] = "CALL=return\n\n";

static void given_back(struct postbox *from, const char *bytes, uint32_t len, struct parcel *came_with)
{
        struct message m;
        const char *problem;
        enum mail_result r = MAIL_BAD_MESSAGE;

        if (message_parse(bytes, len, &m, &problem) == 0 && message_has(&m, MESSAGE_FROM))
                r = mail_return(from, bytes, len, came_with);
        if (r == MAIL_OK)
                mail_choke(from);
        else
                mail_tell(from, &(struct message) { 0 }, r, NULL);
}

static void handle(struct postbox *from, struct parcel *p, bool due)
{
        const char *problem, *bytes = p->body;
        uint32_t len = p->body_len;
        struct message m;
        int64_t after;

        p->head = from->from;
        p->head_len = from->from_len;
        if (len > sizeof give_back - 1 && memcmp(bytes, give_back, sizeof give_back - 1) == 0) {
                given_back(from, bytes + sizeof give_back - 1, len - (uint32_t) (sizeof give_back - 1), p);
                return;
        }
        from->sent++;
        mlog_changed(from);
        if (message_parse(bytes, len, &m, &problem) < 0) {
                mail_tell(from, &(struct message) { 0 }, MAIL_BAD_MESSAGE, NULL);
                return;
        }
        after = due ? -1 : message_number(&m, MESSAGE_AFTER_USEC);
        if (message_sendable(&m, &problem) < 0 || after == -2)
                mail_tell(from, &m, MAIL_BAD_MESSAGE, NULL);
        else if (message_has(&m, MESSAGE_CALL))
                mail_call(from, &m, p);
        else if (!message_has(&m, MESSAGE_TO) || message_has(&m, MESSAGE_CHANNEL) || message_has(&m, MESSAGE_ACK) ||
                 message_number(&m, MESSAGE_TIMEOUT_USEC) > 0 || message_number(&m, MESSAGE_TIMEOUT_USEC) == -2)
                mail_tell(from, &m, MAIL_BAD_MESSAGE, NULL);
        else if (message_has(&m, MESSAGE_SYNC) && !message_has(&m, MESSAGE_REF))
                mail_tell(from, &m, MAIL_NO_REF, NULL);
        else if (after >= 0)
                mail_tell(from, &m, later_add(from, p, after), NULL);
        else
                mail_send(from, &m, p);
}

static bool stopped(const struct postbox *p)
{
        return p->waits || p->choked || p->input;
}

void mail_queue(struct postbox *p, struct mail *m)
{
        m->next = NULL;
        if (p->last_input)
                p->last_input->next = m;
        else
                p->input = m;
        p->last_input = m;
        p->input_bytes += sizeof *m + m->len;
        mlog_input(p, m);
}

struct mail *mail_unqueue(struct postbox *p)
{
        struct mail *m = p ? p->input : NULL;

        if (!m)
                return NULL;
        p->input = m->next;
        if (!p->input)
                p->last_input = NULL;
        p->input_bytes -= sizeof *m + m->len;
        m->next = NULL;
        return m;
}

/* Read already, but one before it waits. One incarnation cannot leave much of that behind, a thousand can. */
static void keep(struct postbox *p, struct mailsock_in *in)
{
        struct parcel parcel = { .head = in->bytes, .head_len = in->len, .fds = in->fds, .fd_count = &in->fd_count };
        struct mail *m = p->input_bytes < INPUT_BYTES_MAX && mail_fds_fit(p->input, in->fd_count)
                         ? mail_pack(&parcel) : NULL;

        if (m)
                mail_queue(p, m);
        else
                mail_tell(p, &(struct message) { 0 }, MAIL_BUSY, NULL);
}

static void close_left(struct mailsock_in *in)
{
        for (int i = 0; i < in->fd_count; i++)
                (void) close(in->fds[i]);
        in->fd_count = 0;
}

/* One batch; true when there may be more. *left: less by the bytes that were read. */
static bool read_batch(struct postbox *p, int64_t *left)
{
        struct mailroom *r = p->room;
        struct mailsock_in *in;
        int n;

        mail_commit(r); /* what lay in the tray has been dealt with */
        n = mailsock_receive(r->desk, MAILSOCK_READ, p->node, p->ours, MAIL_BATCH, &in);
        r->done.read = mailsock_received(r->desk, MAILSOCK_READ);
        for (int i = 0; i < n; i++) {
                struct parcel parcel = { .body = in[i].bytes, .body_len = in[i].len, .fds = in[i].fds,
                                         .fd_count = &in[i].fd_count, .source = (uint8_t) (i + 1) };

                r->done.read_at = (uint64_t) i;
                *left -= in[i].len;
                if (in[i].cut)
                        mail_tell(p, &(struct message) { 0 }, MAIL_TOO_LONG, NULL);
                else if (stopped(p))
                        keep(p, &in[i]);
                else
                        handle(p, &parcel, false);
        }
        r->done.read_at = MAIL_BATCH;
        mail_flush(r); /* until here the bytes of the batch have to stay */
        for (int i = 0; i < n; i++)
                close_left(&in[i]);
        return n == MAIL_BATCH;
}

void mail_readable(struct postbox *p)
{
        bool more = true;
        int64_t any = 0;

        for (int i = 0; i < BATCHES_PER_CALL && more && !stopped(p); i++)
                more = read_batch(p, &any);
        mail_watch(p);
        if (more && (p->watched & MAILSOCK_OUT) && (p->watched & MAILSOCK_IN)) /* an edge: ask for it again */
                (void) mailset_change(p->room->set, p->ours, p->watched, p);
}

/* What cannot go on is kept, and goes on when it can. Whoever else has the socket by now may go on writing: what comes
 * from now on was not said by this incarnation. */
void mail_last_words(struct postbox *p)
{
        int64_t left = mailsock_unread(p->ours);

        while (left > 0 && read_batch(p, &left))
                ;
}

/* --- going on ----------------------------------------------------------------------------------------------------- */

void mail_ready(struct postbox *p)
{
        list_add(p, LIST_READY);
}

static int handle_input(struct postbox *p, int budget)
{
        while (p->input && !p->waits && !p->choked && budget > 0) {
                struct mail *m = mail_unqueue(p);
                struct parcel parcel;

                parcel = (struct parcel) { .body = m->bytes, .body_len = m->len, .fds = m->fds,
                                           .fd_count = &m->fd_count, .whole = m, .origin = p };
                handle(p, &parcel, m->due);
                if (parcel.origin) /* else that was written down with where it has gone */
                        mlog_input_done(p);
                mail_drop(m);
                budget--;
        }
        mail_watch(p);
        return budget;
}

void mail_go_on(struct mailroom *r)
{
        struct postbox *p;
        int budget = GO_ON_MAX;

        while (budget > 0 && (p = list_pop(r, LIST_READY))) {
                budget = handle_input(p, budget);
                if (budget == 0 && p->input)
                        mail_ready(p);
        }
}
