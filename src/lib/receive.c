/* receive.c - what comes: read, matched, put aside, given back. See coppice.h, parts.h. */
#include <errno.h>
#include <linux/sockios.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>

#include "base/cleanup.h"
#include "lib/parts.h"
#include "lib/wire.h"

/* --- what is put aside -------------------------------------------------------------------------------------------- */

void receive_signal(struct coppice *c)
{
        eventfd_t count;

        if (c->signal < 0)
                return;
        if (c->saved)
                (void) eventfd_write(c->signal, 1);
        else
                (void) eventfd_read(c->signal, &count);
}

bool receive_has_room(const struct coppice *c)
{
        return c->saved_count < c->saved_max && c->saved_bytes < c->saved_bytes_max;
}

static void save(struct coppice *c, struct coppice_message *m)
{
        m->next = NULL;
        *c->saved_end = m;
        c->saved_end = &m->next;
        c->saved_bytes += message_weight(m);
        if (c->saved_count++ == 0)
                receive_signal(c);
}

/* Take the one at `at` out of the queue. */
static struct coppice_message *unsave(struct coppice *c, struct coppice_message **at)
{
        struct coppice_message *m = *at;

        *at = m->next;
        if (!m->next)
                c->saved_end = at;
        m->next = NULL;
        c->saved_bytes -= message_weight(m);
        if (--c->saved_count == 0)
                receive_signal(c);
        return m;
}

size_t receive_forget(struct coppice *c, coppice_match_fn *match, void *arg)
{
        size_t n = 0;

        for (struct coppice_message **at = &c->saved; *at;)
                if (match(*at, arg)) {
                        (void) coppice_message_free(unsave(c, at));
                        n++;
                } else {
                        at = &(*at)->next;
                }
        return n;
}

int coppice_put_back(struct coppice *c, struct coppice_message *m)
{
        int r = mailbox_mine(c);

        if (r < 0)
                return r;
        m->next = c->saved;
        if (!c->saved)
                c->saved_end = &m->next;
        c->saved = m;
        c->saved_bytes += message_weight(m);
        if (c->saved_count++ == 0)
                receive_signal(c);
        return 0;
}

/* --- what comes --------------------------------------------------------------------------------------------------- */

/* The answer to a request that was given up: nobody knows it any more. */
static bool too_late(const struct coppice *c, const struct coppice_message *m)
{
        const char *ref = message_line(m, MESSAGE_REF);

        return ref && strncmp(ref, c->mark, strlen(c->mark)) == 0 && ref[strlen(c->mark)] == '-';
}

/* One message, if there is one: -EAGAIN, -EPIPE, -EBADMSG. */
static int read_one(struct coppice *c, struct coppice_message **ret)
{
        int fds[COPPICE_FDS_MAX], r;
        size_t fd_count = COPPICE_FDS_MAX;
        ssize_t n;

        if (!c->room)
                c->room = malloc(MESSAGE_RECEIVE_MAX);
        if (!c->room)
                return -ENOMEM;
        n = wire_receive(c->fd, c->room, MESSAGE_RECEIVE_MAX, fds, &fd_count);
        if (n <= 0)
                return n == 0 || n == -ECONNRESET ? -EPIPE : n == -EMSGSIZE ? -EBADMSG : (int) n;
        r = message_take(ret, c->room, (size_t) n, fds, fd_count);
        if (r < 0)
                wire_close(fds, fd_count);
        return r == -EMSGSIZE ? -EBADMSG : r;
}

/* One that fits, of what lies in the mailbox; the others are put aside. -EAGAIN: there is nothing more. */
static int drain(struct coppice *c, coppice_match_fn *match, void *arg, struct coppice_message **ret)
{
        for (;;) {
                struct coppice_message *m;
                int r;

                if (match && !receive_has_room(c))
                        return -ENOBUFS;
                r = read_one(c, &m);
                if (r < 0)
                        return r;
                if (!match || match(m, arg)) {
                        *ret = m;
                        return 0;
                }
                if (too_late(c, m))
                        (void) coppice_message_free(m);
                else
                        save(c, m);
        }
}

static int never(const struct coppice_message *m, void *arg)
{
        (void) m;
        (void) arg;
        return 0;
}

int receive_aside(struct coppice *c)
{
        struct coppice_message *none;

        return drain(c, never, NULL, &none);
}

int receive_wait(struct coppice *c, coppice_match_fn *match, void *arg, int64_t deadline, unsigned how,
                 struct coppice_message **ret)
{
        for (struct coppice_message **at = &c->saved; !(how & RECEIVE_NEW) && *at; at = &(*at)->next)
                if (match(*at, arg)) {
                        *ret = unsave(c, at);
                        return 0;
                }
        for (;;) {
                int r = drain(c, match, arg, ret);

                if (r != -EAGAIN || deadline == 0) /* who does not wait is not interrupted either */
                        return r;
                r = wire_wait(c->fd, POLLIN, deadline);
                if (r < 0 && (r != -EINTR || !(how & RECEIVE_RESTART)))
                        return r;
        }
}

static int anything(const struct coppice_message *m, void *arg)
{
        return !too_late(arg, m);
}

int coppice_receive(struct coppice *c, int64_t timeout_usec, struct coppice_message **ret)
{
        int r = mailbox_mine(c);

        if (r < 0)
                return r;
        if (c->saved) {
                *ret = unsave(c, &c->saved);
                return 0;
        }
        return receive_wait(c, anything, c, wire_deadline(timeout_usec), 0, ret);
}

int coppice_try_receive(struct coppice *c, struct coppice_message **ret)
{
        return coppice_receive(c, 0, ret);
}

int coppice_receive_match(struct coppice *c, coppice_match_fn *match, void *arg, int64_t timeout_usec,
                          struct coppice_message **ret)
{
        int r = mailbox_mine(c);

        return r < 0 ? r : receive_wait(c, match, arg, wire_deadline(timeout_usec), 0, ret);
}

struct wanted {
        const char *key, *value;
};

static int is_wanted(const struct coppice_message *m, void *arg)
{
        const struct wanted *w = arg;

        return coppice_message_is(m, w->key, w->value);
}

int coppice_receive_key(struct coppice *c, const char *key, const char *value, int64_t timeout_usec,
                        struct coppice_message **ret)
{
        struct wanted w = { key, value };

        return coppice_receive_match(c, is_wanted, &w, timeout_usec, ret);
}

/* --- giving back -------------------------------------------------------------------------------------------------- */

/* Until coppice has read what we sent: whoever receives next shall find it in its place again. The kernel wakes nobody
 * for that, and coppice reads at once, so this looks every millisecond. */
static int wait_until_read(struct coppice *c, int64_t deadline)
{
        int unread = 0;

        while (ioctl(c->fd, SIOCOUTQ, &unread) == 0 && unread > 0) {
                if (deadline >= 0 && wire_now() >= deadline)
                        return -ETIMEDOUT;
                (void) poll(NULL, 0, 1);
        }
        return 0;
}

static struct coppice_message **last_saved(struct coppice *c)
{
        struct coppice_message **at = &c->saved;

        while ((*at)->next)
                at = &(*at)->next;
        return at;
}

/* The newest first: each goes before what was given back already. */
int coppice_give_back(struct coppice *c)
{
        static const char call[] = "CALL=return\n\n";
        const int64_t deadline = wire_deadline(c->timeout);
        int r = mailbox_mine(c);

        if (r < 0 || !c->saved)
                return r;
        while (r == 0 && c->saved) {
                struct coppice_message **at = last_saved(c);
                autobuf struct buf bytes = BUF_INIT;

                buf_add(&bytes, call, sizeof call - 1);
                message_bytes(*at, &bytes);
                r = buf_failed(&bytes) ? -ENOMEM : send_bytes(c, &bytes, (*at)->fds, (*at)->fd_count, deadline);
                if (r == 0)
                        (void) coppice_message_free(unsave(c, at));
        }
        return r < 0 ? r : wait_until_read(c, deadline);
}
