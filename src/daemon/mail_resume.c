/* mail_resume.c - after another engine: sockets find their boxes, descriptors their messages, and what was on its way
 * when that engine ended arrives. See mail_priv.h. */
#include <string.h>

#include "core/bond.h"
#include "daemon/channel.h"
#include "daemon/journal.h"
#include "daemon/mail.h"

#define DESK_NAME "mail-desk"

/* --- descriptors of init's store ---------------------------------------------------------------------------------- */

int mail_desk(struct engine *e)
{
        autoclose int fd = -1;
        int r = mailsock_desk_new(&fd, &e->mail->desk);

        if (r < 0)
                return r;
        e->mail->done = (struct desk_done) { 0 };
        return fd < 0 ? 0 : initlink_store(e->link, DESK_NAME, fd);
}

/* Every mail there is; until fn says true. */
typedef bool mail_fn(struct mail *m, void *arg);

static bool any_of(struct mail *m, mail_fn *fn, void *arg)
{
        for (; m; m = m->next)
                if (fn(m, arg))
                        return true;
        return false;
}

static bool any_in_box(struct postbox *p, mail_fn *fn, void *arg)
{
        for (struct waiter *w = p->first; w; w = w->next)
                if (fn(w->mail, arg))
                        return true;
        return any_of(p->box.head, fn, arg) || any_of(p->input, fn, arg);
}

static bool any_mail(struct mailroom *r, mail_fn *fn, void *arg)
{
        for (node_id id = 0; id < r->e->run_cap; id++)
                if (postbox_of(r->e, id) && any_in_box(postbox_of(r->e, id), fn, arg))
                        return true;
        for (struct channel *ch = r->channels; ch; ch = ch->next) {
                if (any_in_box(&ch->box, fn, arg))
                        return true;
                for (struct unacked *u = ch->unacked; u; u = u->next)
                        if (fn(u->mail, arg))
                                return true;
        }
        for (struct later *l = r->later; l; l = l->next)
                if (fn(l->mail, arg))
                        return true;
        return false;
}

struct kept {
        struct engine *e;
        unsigned long long id;
        int index, fd;
};

static bool takes(struct mail *m, void *arg)
{
        struct kept *k = arg;

        if (m->id != k->id || k->index < 0 || k->index >= m->fd_count || m->fds[k->index] >= 0)
                return false;
        m->fds[k->index] = k->fd;
        m->keeper = k->e;
        return true;
}

static bool resume_fd(struct engine *e, const char *name, int fd)
{
        struct kept k = { .e = e, .fd = fd };

        return sscanf(name, "mailfd:%llu:%d", &k.id, &k.index) == 2 && any_mail(e->mail, takes, &k);
}

static bool resume_desk(struct engine *e, int fd)
{
        if (e->mail->desk || mailsock_desk_open(fd, &e->mail->desk) < 0)
                return false;
        (void) close(fd); /* init has it, and it is mapped */
        return true;
}

/* A path, or the number of a node, which are others' without the journal. */
static node_id named(const struct engine *e, const char *text)
{
        if (text[0] == '#')
                return e->journal_end > 0 ? (node_id) strtoul(text + 1, NULL, 10) : NODE_NONE;
        return text[0] == '/' ? core_find(e->core, NODE_ROOT, text, NULL) : NODE_NONE;
}

/* Our end of a mailbox or the service's; mail_life.c says how they are called. False: nobody's. */
bool mail_resume(struct engine *e, const char *name, int fd)
{
        bool ours = strncmp(name, "mail:", 5) == 0;
        const char *path = ours ? name + 5 : strncmp(name, "mailbox:", 8) == 0 ? name + 8 : NULL;
        node_id id = path && e->mail ? named(e, path) : NODE_NONE;
        const struct node *n = core_node(e->core, id);
        struct postbox *p;

        if (e->mail && strcmp(name, DESK_NAME) == 0)
                return resume_desk(e, fd);
        if (e->mail && strncmp(name, "mailfd:", 7) == 0)
                return resume_fd(e, name, fd);
        /* Of a tree that begins anew nothing lives yet: see mail_adopted(). */
        p = n && n->kind == KIND_SERVICE && (core_lives(e->core, id) || e->journal_end == 0)
            ? postbox_make(e, id) : NULL;
        if (!p || (ours ? p->ours : p->theirs) >= 0)
                return false;
        *(ours ? &p->ours : &p->theirs) = fd;
        return true;
}

/* --- what lies on the desk ---------------------------------------------------------------------------------------- */

/* Which messages of the batch that was being read have been sent straight on. */
struct went {
        bool is[MAIL_BATCH + 1];
        node_id to[MAIL_BATCH + 1];
};

static void note_sent(struct mailroom *r, const struct mailsock_sent *s, struct went *went)
{
        struct postbox *to = postbox_of(r->e, (node_id) s->who);

        for (int i = 0; i < s->count; i++) {
                if (s->kind == SENT_HELD && to && to->box.head) {
                        if (box_reserve(&to->box, 1) == 0)
                                mail_drop(box_held_passed(&to->box));
                        mlog_cut(to, 0, 1);
                } else if (s->kind == SENT_STRAIGHT && s->sources[i] <= MAIL_BATCH) {
                        went->is[s->sources[i]] = true;
                        went->to[s->sources[i]] = (node_id) s->who;
                        if (to && box_reserve(&to->box, 1) == 0)
                                box_pass(&to->box, s->lens[i], 0);
                }
                if (to)
                        mlog_changed(to);
        }
}

/* In the order of their serials; there are few. */
static void look_at_slots(struct mailroom *r, struct went *went)
{
        struct mailsock_sent s, best;
        uint64_t after = r->done.sent;

        do {
                best = (struct mailsock_sent) { 0 };
                for (unsigned i = 0; i < MAILSOCK_SLOTS; i++) {
                        mailsock_sent(r->desk, i, &s);
                        if (s.serial > after && (best.serial == 0 || s.serial < best.serial))
                                best = s;
                }
                if (best.serial)
                        note_sent(r, &best, went);
                after = best.serial;
        } while (best.serial);
        r->done.sent = mailsock_last_sent(r->desk);
}

/* It was read, and that is all we know. */
static void read_again(struct postbox *from, const struct mailsock_in *in)
{
        struct parcel p = { .head = in->bytes, .head_len = in->len };
        const char *problem;
        struct message m;
        struct mail *mail;

        if (in->cut) {
                mail_tell(from, &(struct message) { 0 }, MAIL_TOO_LONG, NULL);
                return;
        }
        if (in->stripped) { /* better known than without what it was sent for */
                if (message_parse(in->bytes, in->len, &m, &problem) < 0)
                        m = (struct message) { 0 };
                mail_tell(from, &m, MAIL_FAILED, NULL);
                return;
        }
        mail = mail_pack(&p);
        if (mail)
                mail_queue(from, mail);
        mail_ready(from);
}

static void arrived(struct postbox *from, const struct mailsock_in *in, const struct went *went, int i)
{
        struct postbox *to = postbox_of(from->room->e, went->to[i + 1]);
        const char *problem;
        struct message m;

        if (!went->is[i + 1])
                read_again(from, in);
        else if (to && message_parse(in->bytes, in->len, &m, &problem) == 0)
                mail_went(from, to, &m);
}

static void look_at_read(struct mailroom *r, const struct went *went)
{
        uint64_t serial = mailsock_received(r->desk, MAILSOCK_READ), who;
        struct mailsock_in *in;
        int n = mailsock_found(r->desk, MAILSOCK_READ, &who, &in);
        int first = serial == r->done.read ? (int) r->done.read_at : 0;
        struct postbox *from = postbox_of(r->e, (node_id) who);

        for (int i = first; from && serial >= r->done.read && i < n; i++)
                arrived(from, &in[i], went, i);
        r->done.read = serial;
        r->done.read_at = MAIL_BATCH;
}

static void look_at_back(struct mailroom *r)
{
        uint64_t serial = mailsock_received(r->desk, MAILSOCK_TAKE), who;
        struct mailsock_in *in;
        int n = mailsock_found(r->desk, MAILSOCK_TAKE, &who, &in);
        struct postbox *p = postbox_of(r->e, (node_id) who);

        for (int i = 0; p && serial > r->done.back && i < n; i++)
                mail_came_back(p, &in[i]);
        r->done.back = serial;
}

/* Without the journal: it names nodes by numbers that are others' now, and nearly all of it had been
 * dealt with and written down. */
static void desk_passed(struct mailroom *r)
{
        r->done = (struct desk_done) { .read = mailsock_received(r->desk, MAILSOCK_READ), .read_at = MAIL_BATCH,
                                       .back = mailsock_received(r->desk, MAILSOCK_TAKE),
                                       .sent = mailsock_last_sent(r->desk) };
}

/* --- going on ----------------------------------------------------------------------------------------------------- */

/* 0; -errno: not now. */
static int go_on_with(struct postbox *p)
{
        const struct node *n = core_node(p->room->e->core, p->node);
        int r;

        if (p->input)
                mail_ready(p);
        mail_due(p);
        if (p->ours < 0 && p->theirs < 0)
                return 0;
        r = p->ours < 0 || p->theirs < 0 ? -EBADF : mailset_add(p->room->set, p->ours, MAILSOCK_IN, p);
        if (r < 0 && r != -EBADF)
                return r;
        if (r < 0) {
                log_warning("%s: its mailbox could not be taken over", spec_name(n->spec));
                mail_withdraw(p);
                fd_close(&p->ours);
                fd_close(&p->theirs);
                return 0;
        }
        p->watched = MAILSOCK_IN;
        p->incarnation = n->incarnation;
        p->box.limits = mail_limits(n->spec);
        return 0;
}

void mail_adopted(struct engine *e, node_id id, uint32_t incarnation)
{
        struct postbox *p = postbox_of(e, id);

        if (p && p->ours >= 0)
                p->incarnation = incarnation;
}

static void wait_again(struct mailroom *r)
{
        struct asking *next;

        for (struct later *l = r->later; l; l = l->next)
                later_arm(l);
        for (struct asking *a = r->asking; a; a = next) {
                next = a->next;
                asking_resume(a);
        }
        for (struct channel *ch = r->channels; ch; ch = ch->next) {
                channel_arm(ch);
                channel_pump(ch);
                mail_due(&ch->box);
        }
        channels_wait_for_claims(r);
}

int mail_resumed(struct engine *e)
{
        struct mailroom *r = e->mail;
        struct went went = { .is = { false } };
        int code = 0;

        if (!r)
                return 0;
        for (node_id id = 0; id < e->run_cap && code == 0; id++)
                if (postbox_of(e, id))
                        code = go_on_with(postbox_of(e, id));
        if (code < 0)
                return code;
        wait_again(r);
        if (r->desk && e->journal_end == 0) {
                desk_passed(r);
        } else if (r->desk) {
                look_at_slots(r, &went);
                look_at_back(r);
                look_at_read(r, &went);
                journal_commit(e);
        } else {
                code = mail_desk(e);
        }
        return code;
}
