/* mail_out.c - messages of clients of the control socket, who are operators: no policy stands in their way, and nobody
 * but them waits when there is no room. See mailroom.h. */
#include <string.h>

#include "core/bond.h"
#include "daemon/channel.h"
#include "daemon/journal.h"

struct sending {
        struct engine *e;
        mail_sent_fn *done;         /* NULL: the client has gone */
        void *arg;
        struct waiter *waiter;      /* NULL once it is in the box */
        bool wait;                  /* for room */
        bool taken;                 /* done is called when it was read */
        char from[32];              /* "FROM=client:N\n" */
};

static void over(struct sending *s, enum mail_result r, unsigned count)
{
        if (s->done)
                s->done(s->arg, r, count);
        free(s);
}

static void on_taken(struct notice *n, enum mail_result r)
{
        struct sending *s = n->arg;

        free(n);
        over(s, r, 1);
}

/* It lies in the box. True when that is not the end of it. */
static bool wait_for_reader(struct sending *s, struct postbox *to)
{
        struct notice *n = s->taken ? calloc(1, sizeof *n) : NULL;

        if (!n)
                return false;
        *n = (struct notice) { .tell = on_taken, .e = s->e, .arg = s };
        notice_add(to, n);
        return true;
}

static void on_room(struct waiter *w, enum mail_result r)
{
        struct sending *s = w->arg;

        s->waiter = NULL;
        if (r != MAIL_OK || !wait_for_reader(s, w->to))
                over(s, r, 1);
        waiter_free(w);
}

static enum mail_result find(struct engine *e, const struct message *m, node_id *ret)
{
        char name[MESSAGE_VALUE_MAX + 1];
        unsigned matches = 0;

        if (!message_copy(m, MESSAGE_TO, name, sizeof name))
                return MAIL_BAD_MESSAGE;
        *ret = name[0] == '/' ? NODE_NONE : core_whereis(e->core, NODE_ROOT, name, false);
        if (*ret == NODE_NONE)
                *ret = core_find(e->core, NODE_ROOT, name, &matches);
        return *ret != NODE_NONE ? MAIL_OK : matches > 1 ? MAIL_AMBIGUOUS : MAIL_NOT_FOUND;
}

static enum mail_result to_children(struct engine *e, node_id super, const struct parcel *p, unsigned *ret_count)
{
        *ret_count = 0;
        for (node_id id = core_first_child(e->core, super); id != NODE_NONE; id = core_next_sibling(e->core, id)) {
                struct postbox *to = mail_box_for(e, id);
                struct parcel copy = *p;

                *ret_count += to && mail_put(to, &copy) == MAIL_OK;
        }
        return MAIL_OK;
}

static enum mail_result check(const char *bytes, size_t n, struct message *m)
{
        const char *problem;

        if (message_parse(bytes, n, m, &problem) < 0 || message_sendable(m, &problem) < 0 ||
            message_has(m, MESSAGE_CALL) ||
            message_has(m, MESSAGE_AFTER_USEC) || message_has(m, MESSAGE_SYNC) || message_has(m, MESSAGE_CHANNEL) ||
            message_has(m, MESSAGE_ACK))
                return MAIL_BAD_MESSAGE;
        return MAIL_OK;
}

static enum mail_result deliver_to_channel(struct sending *s, const struct message *m, struct parcel *p)
{
        char name[MESSAGE_VALUE_MAX + 1];
        struct channel *ch;
        enum mail_result r;

        if (!message_copy(m, MESSAGE_TO, name, sizeof name))
                return MAIL_NOT_FOUND;
        ch = channel_find(s->e->mail, NODE_ROOT, name);
        if (!ch)
                return channel_missing(s->e->mail, NODE_ROOT, name);
        r = ch->closed ? MAIL_CLOSED : channel_put(ch, p);
        if (r == MAIL_WAIT && !s->wait)
                return MAIL_FULL;
        if (r == MAIL_WAIT)
                s->waiter = mail_wait(&ch->box, p, on_room, s);
        return r == MAIL_WAIT && !s->waiter ? MAIL_BUSY : r;
}

static enum mail_result deliver(struct sending *s, uint32_t number, const struct message *m, struct parcel *p,
                                unsigned *ret_count)
{
        struct engine *e = s->e;
        struct postbox *to;
        node_id id;
        enum mail_result r = find(e, m, &id);

        *ret_count = 1;
        if (r == MAIL_NOT_FOUND)
                return deliver_to_channel(s, m, p);
        if (r != MAIL_OK)
                return r;
        if (core_node(e->core, id)->kind == KIND_SUPERVISOR)
                return to_children(e, id, p, ret_count);
        to = mail_box_for(e, id);
        if (!to)
                return MAIL_NO_MAILBOX;
        r = mail_put(to, p);
        if (r == MAIL_OK || r == MAIL_WAIT)
                ticket_give(e->mail, number, true, id, m);
        if (r == MAIL_WAIT && !s->wait)
                return MAIL_FULL;
        if (r == MAIL_WAIT)
                s->waiter = mail_wait(to, p, on_room, s);
        if (r == MAIL_OK && wait_for_reader(s, to))
                r = MAIL_WAIT;
        return r == MAIL_WAIT && !s->waiter && !s->taken ? MAIL_BUSY : r;
}

struct sending *engine_mail_send(struct engine *e, uint32_t number, const char *bytes, size_t n, unsigned flags,
                                 mail_sent_fn *done, void *arg)
{
        struct sending *s = e->mail ? calloc(1, sizeof *s) : NULL;
        struct message m;
        enum mail_result r = s ? check(bytes, n, &m) : MAIL_BUSY;
        unsigned count = 0;

        if (r == MAIL_OK) {
                struct parcel p = { .head = s->from, .body = bytes, .body_len = (uint32_t) n };

                *s = (struct sending) { .e = e, .done = done, .arg = arg, .taken = flags & MAIL_SEND_TAKEN,
                                       .wait = !(flags & MAIL_SEND_TRY) };
                p.head_len = (uint32_t) snprintf(s->from, sizeof s->from, "FROM=client:%u\n", number);
                r = deliver(s, number, &m, &p, &count);
        }
        if (r == MAIL_WAIT)
                return s;
        free(s);
        done(arg, r, count);
        return NULL;
}

void engine_mail_forget(struct engine *e, struct sending *s)
{
        (void) e;
        s->done = NULL;
        if (!s->waiter)
                return; /* its notice frees it */
        waiter_leave(s->waiter);
        waiter_free(s->waiter);
        free(s);
}

/* --- links, monitors, names, asked for by an operator ------------------------------------------------------------- */

struct bond_asking {
        struct engine *e;
        engine_done_fn *fn;
        void *arg;
        uint32_t text;
};

static void on_decided(void *arg, uint32_t token, enum result result)
{
        struct bond_asking *a = arg;

        journal_text_over(a->e, a->text);
        if (a->e->mail)
                a->e->mail->names++;
        a->fn(a->arg, token, result);
        free(a);
}

bool engine_bond(struct engine *e, struct event *event, const char *text, engine_done_fn *fn, void *arg)
{
        struct bond_asking *a = calloc(1, sizeof *a);

        if (!a)
                return false;
        *a = (struct bond_asking) { .e = e, .fn = fn, .arg = arg };
        if (text && *text) {
                a->text = journal_text(e, text);
                event->arg2 = a->text;
        }
        if (core_bond_reserve(e->core) == 0 && (!text || !*text || a->text) && engine_request(e, event, on_decided, a))
                return true;
        journal_text_over(e, a->text);
        free(a);
        return false;
}
