/* mail_life.c - postboxes come and go: with their nodes, with incarnations, with the engine. See mail.h. */
#include <string.h>

#include "core/bond.h"
#include "daemon/channel.h"

enum { EVENTS_PER_CALL = 64 };

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
        p->box.limits = mail_limits(core_node(e->core, id)->spec);
        p->watched = MAILSOCK_IN;
        p->incarnation = incarnation;
        p->inode = mailsock_inode(p->theirs);
        deposit(p);
        mail_pump(p);
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
        mail_tell_notices(p, MAIL_NOPROC);
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
                mail_take_back(p);
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
        mail_close(e, id);
        mail_lose_all(p);
        later_forget(p);
        tickets_forget(p->room, id);
        notices_forget(e, id);
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
        p->box.limits = mail_limits(core_node(e->core, id)->spec);
        mail_pump(p);
}

/* --- after another engine -------------------------------------------------------------------------------------------- */

/* "mail:/path" is our end, "mailbox:/path" the service's. False: nobody's. */
bool mail_resume(struct engine *e, const char *name, int fd)
{
        bool ours = strncmp(name, "mail:", 5) == 0;
        const char *path = ours ? name + 5 : strncmp(name, "mailbox:", 8) == 0 ? name + 8 : NULL;
        node_id id = path && *path == '/' && e->mail ? core_find(e->core, NODE_ROOT, path, NULL) : NODE_NONE;
        const struct node *n = core_node(e->core, id);
        struct postbox *p = n && n->kind == KIND_SERVICE && core_lives(e->core, id) ? postbox_make(e, id) : NULL;

        if (!p || (ours ? p->ours : p->theirs) >= 0)
                return false;
        *(ours ? &p->ours : &p->theirs) = fd;
        return true;
}

static void go_on_with(struct postbox *p)
{
        const struct node *n = core_node(p->room->e->core, p->node);

        if (p->ours < 0 || p->theirs < 0 || mailset_add(p->room->set, p->ours, MAILSOCK_IN, p) < 0) {
                log_warning("%s: its mailbox could not be taken over", spec_name(n->spec));
                withdraw(p);
                fd_close(&p->ours);
                fd_close(&p->theirs);
                return;
        }
        p->watched = MAILSOCK_IN;
        p->incarnation = n->incarnation;
        p->inode = mailsock_inode(p->theirs);
        mail_take_back(p); /* so that we know what lies there */
        p->box.accepted = p->box.last = p->box.held;
        mail_pump(p);
}

void mail_resumed(struct engine *e)
{
        for (node_id id = 0; e->mail && id < e->run_cap; id++) {
                struct postbox *p = postbox_of(e, id);

                if (p && (p->ours >= 0 || p->theirs >= 0))
                        go_on_with(p);
        }
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
                        mail_pump(p);
                if (events[i].what & MAILSOCK_IN)
                        mail_readable(p);
        }
        mail_go_on(r);
        mailsock_reader_rest(r->reader);
        mailsock_reader_rest(r->taker);
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
        mail_spawn_stop(r);
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
