/* mail_life.c - postboxes come and go: with their nodes, with incarnations, with the engine. See mail_priv.h. */
#include <string.h>

#include "core/bond.h"
#include "daemon/channel.h"
#include "daemon/mail.h"

struct box_limits mail_limits(const struct spec *s)
{
        int64_t bytes = spec_int(s, D_SERVICE_MailboxCapacityBytes);

        return (struct box_limits) {
                .messages = (uint32_t) spec_int(s, D_SERVICE_MailboxCapacity),
                .bytes = (uint64_t) bytes,
                .overflow = (uint8_t) spec_int(s, D_SERVICE_MailboxOverflow),
                .keep = spec_int(s, D_SERVICE_MailboxKeep),
        };
}

/* --- an incarnation ----------------------------------------------------------------------------------------------- */

/* "mail:/path" is our end, "mailbox:/path" the service's; with the number of the node where the path is longer than
 * what init can keep, which only counts together with the journal. The node may be gone already. */
static const char *kept_as(const struct postbox *p, const char *what, char name[INIT_NAME_MAX])
{
        const char *path = p->from + strlen("FROM=");
        int n = (int) p->from_len - (int) strlen("FROM=") - 1;

        if (snprintf(name, INIT_NAME_MAX, "%s:%.*s", what, n, path) >= INIT_NAME_MAX)
                (void) snprintf(name, INIT_NAME_MAX, "%s:#%u", what, (unsigned) p->node);
        return name;
}

static void deposit(struct postbox *p)
{
        struct engine *e = p->room->e;
        char name[INIT_NAME_MAX];

        if (initlink_store(e->link, kept_as(p, "mail", name), p->ours) < 0 ||
            initlink_store(e->link, kept_as(p, "mailbox", name), p->theirs) < 0)
                log_warning("%s: init keeps no copy of a mailbox, which ends with this engine", name);
}

void mail_withdraw(struct postbox *p)
{
        struct engine *e = p->room->e;
        char name[INIT_NAME_MAX];

        (void) initlink_unstore(e->link, kept_as(p, "mail", name));
        (void) initlink_unstore(e->link, kept_as(p, "mailbox", name));
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
        p->box.limits = mail_limits(core_node(e->core, id)->spec);
        p->watched = MAILSOCK_IN;
        p->incarnation = incarnation;
        deposit(p);
        mail_due(p);
        channels_reader_changed(p->room);
        *ret_theirs = p->theirs;
        return 0;
}

void mail_refuse_waiters(struct postbox *p, enum mail_result r)
{
        while (p->first) {
                struct waiter *w = p->first;

                waiter_leave(w);
                if (!p->room->replaying) {
                        w->done(w, r);
                        continue;
                }
                if (w->from)
                        w->from->waits = NULL;
                waiter_free(w);
        }
}

void mail_lose_all(struct postbox *p)
{
        mlog_cut(p, 0, p->box.held);
        mlog_changed(p);
        while (p->box.head)
                mail_drop(box_remove(&p->box, BOX_LOST));
        mail_refuse_waiters(p, p->channel ? MAIL_CLOSED : MAIL_NOPROC);
        mail_tell_notices(p, MAIL_NOPROC);
}

/* What a channel will deliver again must not be there twice. */
static void drop_unacknowledged(struct postbox *p)
{
        const char *problem;
        struct mail *next;
        struct message m;
        uint32_t i = 0;

        for (struct mail *at = p->room->channels ? p->box.head : NULL; at; at = next) {
                next = at->next;
                if (message_parse(at->bytes, at->len, &m, &problem) < 0 || !message_has(&m, MESSAGE_ACK)) {
                        i++;
                        continue;
                }
                mail_drop(box_cut(&p->box, i));
                mlog_cut(p, i, 1);
                p->box.lost++;
        }
        mlog_changed(p);
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
                mail_take_back(p);
                drop_unacknowledged(p);
                if (p->box.limits.keep)
                        mail_commit(p->room); /* what has come back is nowhere else */
                mailset_remove(p->room->set, p->ours);
                fd_close(&p->ours);
                fd_close(&p->theirs);
                mail_withdraw(p);
                p->choked = false;
                if (p->input)
                        mail_ready(p);
        }
        if (!postbox_reachable(p))
                mail_lose_all(p);
        channels_reader_ended(p->room, id);
}

/* The first; nobody is told. */
static void notice_free(struct postbox *p)
{
        struct notice *n = p->notices;

        p->notices = n->next;
        buf_free(&n->question);
        free(n);
}

/* Nobody has to be told any more what became of the messages of that one: its number may become another's. */
static void notices_forget(struct engine *e, node_id sender)
{
        for (node_id id = 0; id < e->run_cap; id++) {
                struct postbox *p = postbox_of(e, id);

                for (struct notice *n = p ? p->notices : NULL; n; n = n->next)
                        if (n->sender == sender)
                                n->sender = NODE_NONE;
        }
}

void mail_forget(struct engine *e, node_id id)
{
        struct postbox *p = postbox_of(e, id);

        if (!p)
                return;
        if (!p->room->replaying)
                mail_close(e, id);
        mail_lose_all(p);
        later_forget(p);
        tickets_forget(p->room, id);
        notices_forget(e, id);
        if (p->waits) {
                waiter_leave(p->waits);
                waiter_free(p->waits);
        }
        while (p->notices)
                notice_free(p);
        while (p->input)
                mail_drop(mail_unqueue(p));
        lists_leave(p);
        fd_close(&p->ours);
        fd_close(&p->theirs);
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
        p->box.limits = mail_limits(core_node(e->core, id)->spec);
        mail_due(p);
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
