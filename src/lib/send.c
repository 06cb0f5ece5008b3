/* send.c - what goes: sent, answered, scheduled. See coppice.h, parts.h. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "lib/parts.h"
#include "lib/wire.h"

/* Whoever waits to send goes on reading: of two who send to each other one may wait for the
 * other's mailbox to empty. */
int send_bytes(struct coppice *c, const struct buf *bytes, const int *fds, size_t fd_count, int64_t deadline)
{
        const struct iovec part = { bytes->data, bytes->len };
        bool listen = deadline != 0;

        for (;;) {
                ssize_t n = wire_send(c->fd, &part, 1, fds, fd_count);
                int r;

                if (n != -EAGAIN)
                        return n < 0 ? (int) n : 0;
                r = wire_wait(c->fd, (short) (POLLOUT | (listen ? POLLIN : 0)), deadline);
                if (r < 0)
                        return r;
                if (r & POLLIN && !(r & POLLOUT))
                        listen = receive_aside(c) == -EAGAIN;
        }
}

int send_lines(struct coppice *c, const struct coppice_message *m, const struct line *also, size_t count,
               int64_t deadline)
{
        autobuf struct buf bytes = BUF_INIT;
        int r = message_write(m, also, count, &bytes);

        for (size_t i = 0; i < m->fd_count; i++)
                if (m->fds[i] < 0)
                        return -EBADF; /* it has been taken out */
        return r < 0 ? r : send_bytes(c, &bytes, m->fds, m->fd_count, deadline);
}

int coppice_send(struct coppice *c, const struct coppice_message *m)
{
        int r = mailbox_mine(c);

        return r < 0 ? r : send_lines(c, m, NULL, 0, wire_deadline(c->timeout));
}

int coppice_try_send(struct coppice *c, const struct coppice_message *m)
{
        int r = mailbox_mine(c);

        return r < 0 ? r : send_lines(c, m, NULL, 0, 0);
}

/* A message on the stack of whoever wants one for a moment. */
#define automessage __attribute__((cleanup(clear)))
static void clear(struct coppice_message *m)
{
        buf_free(&m->head);
        buf_free(&m->body);
}

static int send_body(struct coppice *c, const struct line *lines, size_t count, const void *body, size_t n)
{
        automessage struct coppice_message m = { 0 };
        int r = mailbox_mine(c);

        if (r == 0)
                r = coppice_message_set_body(&m, body, n);
        return r < 0 ? r : send_lines(c, &m, lines, count, wire_deadline(c->timeout));
}

int coppice_tell(struct coppice *c, const char *to, const char *topic, const void *body, size_t n)
{
        return send_body(c, (struct line[]) { { MESSAGE_TO, to }, { MESSAGE_TOPIC, topic } }, 2, body, n);
}

static int sync_to(struct coppice *c, const char *to, const struct coppice_message *m, const char *until,
                   int64_t deadline, struct coppice_message **ret)
{
        const char *own = message_line(m, MESSAGE_REF);
        char ref[COPPICE_REF_SIZE];
        int r = mailbox_mine(c);

        if (r < 0)
                return r;
        if (!own)
                mailbox_ref(c, 'c', ref);
        r = send_lines(c, m, (struct line[]) { { MESSAGE_TO, to }, { MESSAGE_REF, own ? NULL : ref },
                                               { MESSAGE_SYNC, until } }, 3, deadline);
        return r < 0 ? r : call_wait(c, own ? own : ref, deadline, false, ret);
}

int coppice_send_sync(struct coppice *c, const struct coppice_message *m, enum coppice_until until,
                      int64_t timeout_usec)
{
        struct coppice_message *done = NULL;
        int r = sync_to(c, NULL, m, until == COPPICE_TAKEN ? "taken" : "delivered", wire_deadline(timeout_usec), &done);

        (void) coppice_message_free(done);
        return r;
}

/* A decimal number of a line, 0 when it is not there. */
static int number_of(const struct coppice_message *m, enum message_key key)
{
        const char *text = message_line(m, key);

        return text ? (int) strtol(text, NULL, 10) : 0;
}

int coppice_broadcast(struct coppice *c, const char *supervisor, const struct coppice_message *m)
{
        struct coppice_message *done = NULL;
        int r = sync_to(c, supervisor, m, "delivered", wire_deadline(c->timeout), &done);

        if (r == 0)
                r = number_of(done, MESSAGE_COUNT);
        (void) coppice_message_free(done);
        return r;
}

int coppice_schedule(struct coppice *c, const struct coppice_message *m, uint64_t usec, char ret_ref[COPPICE_REF_SIZE])
{
        const char *own = message_line(m, MESSAGE_REF), *to = message_line(m, MESSAGE_TO);
        char ref[COPPICE_REF_SIZE], after[24];
        int r = mailbox_mine(c);

        if (r < 0)
                return r;
        if (own && strlen(own) >= sizeof ref && ret_ref)
                return -EINVAL;
        if (!own)
                mailbox_ref(c, 't', ref);
        (void) snprintf(after, sizeof after, "%llu", (unsigned long long) usec);
        r = send_lines(c, m, (struct line[]) { { MESSAGE_TO, to ? to : coppice_self() },
                                               { MESSAGE_REF, own || !ret_ref ? NULL : ref },
                                               { MESSAGE_AFTER_USEC, after } },
                       3, wire_deadline(c->timeout));
        if (r == 0 && ret_ref)
                memcpy(ret_ref, own ? own : ref, strlen(own ? own : ref) + 1);
        return r;
}

int coppice_cancel(struct coppice *c, const char *ref)
{
        automessage struct coppice_message m = { 0 };
        struct coppice_message *answer = NULL;
        int r = coppice_message_set(&m, "CALL", "cancel");

        if (r == 0)
                r = coppice_message_set(&m, "VALUE", ref);
        if (r == 0)
                r = coppice_call(c, &m, &answer);
        if (r == 0)
                r = number_of(answer, MESSAGE_COUNT);
        (void) coppice_message_free(answer);
        return r;
}

/* --- question and answer ------------------------------------------------------------------------------------------ */

int coppice_ask(struct coppice *c, const struct coppice_message *m, int64_t timeout_usec,
                struct coppice_message **ret_answer)
{
        const int64_t deadline = wire_deadline(timeout_usec);
        const char *own = message_line(m, MESSAGE_REF);
        char ref[COPPICE_REF_SIZE];
        int r = mailbox_mine(c);

        if (r == 0 && (message_line(m, MESSAGE_SYNC) || message_line(m, MESSAGE_CALL)))
                r = -EINVAL;
        if (r < 0)
                return r;
        if (!own)
                mailbox_ref(c, 'c', ref);
        r = send_lines(c, m, (struct line[]) { { MESSAGE_REF, own ? NULL : ref } }, 1, deadline);
        return r < 0 ? r : call_wait(c, own ? own : ref, deadline, true, ret_answer);
}

static const char *back_to(const struct coppice_message *question)
{
        const char *to = message_line(question, MESSAGE_REPLY_TO);

        return to ? to : message_line(question, MESSAGE_FROM);
}

int coppice_reply(struct coppice *c, const struct coppice_message *question, const void *body, size_t n)
{
        const char *to = back_to(question);

        return !to ? -EINVAL : send_body(c, (struct line[]) { { MESSAGE_TO, to },
                                                              { MESSAGE_REF, message_line(question, MESSAGE_REF) } },
                                         2, body, n);
}

int coppice_reply_with(struct coppice *c, const struct coppice_message *question, struct coppice_message *answer)
{
        const char *to = back_to(question);
        int r = mailbox_mine(c);

        if (r < 0 || !to)
                return r < 0 ? r : -EINVAL;
        return send_lines(c, answer,
                          (struct line[]) { { MESSAGE_TO, to }, { MESSAGE_REF, message_line(question, MESSAGE_REF) } },
                          2, wire_deadline(c->timeout));
}
