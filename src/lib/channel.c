/* channel.c - channels, from inside of a service. See coppice.h, parts.h. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "lib/parts.h"
#include "lib/wire.h"

int coppice_channel_create(struct coppice *c, const char *name, const char *settings)
{
        struct coppice_message *m;
        int r = coppice_message_new(&m, NULL);

        if (r < 0)
                return r;
        r = coppice_message_set(m, "CALL", "channel-create");
        if (r == 0)
                r = coppice_message_set(m, "CHANNEL", name);
        if (r == 0 && settings)
                r = coppice_message_set_body(m, settings, strlen(settings));
        if (r == 0)
                r = coppice_call(c, m, NULL);
        (void) coppice_message_free(m);
        return r;
}

int coppice_channel_close(struct coppice *c, const char *name)
{
        struct coppice_message *m;
        int r = coppice_message_new(&m, NULL);

        if (r < 0)
                return r;
        r = coppice_message_set(m, "CALL", "channel-close");
        if (r == 0)
                r = coppice_message_set(m, "CHANNEL", name);
        if (r == 0)
                r = coppice_call(c, m, NULL);
        (void) coppice_message_free(m);
        return r;
}

struct pull {
        const char *name, *ref;
};

/* CHANNEL= says the whole path; the name that was asked for may be its end, with or without ".channel". */
static bool is_called(const char *path, const char *name)
{
        const size_t n = strlen(name), stem = n > 8 && strcmp(name + n - 8, ".channel") == 0 ? n - 8 : n;
        const char *last = strrchr(path, '/');

        return strcmp(path, name) == 0 || (last && strlen(last + 1) == stem && memcmp(last + 1, name, stem) == 0);
}

static int is_pulled(const struct coppice_message *m, void *arg)
{
        const struct pull *p = arg;
        const char *path = message_line(m, MESSAGE_CHANNEL);

        if (message_says(m, MESSAGE_FROM, "coppice"))
                return message_says(m, MESSAGE_TOPIC, "DONE") && message_says(m, MESSAGE_REF, p->ref);
        return path && is_called(path, p->name);
}

int coppice_channel_receive(struct coppice *c, const char *name, int64_t timeout_usec, struct coppice_message **ret)
{
        static const struct coppice_message nothing;
        const int64_t deadline = wire_deadline(c->timeout);
        char ref[COPPICE_REF_SIZE], usec[24];
        struct pull p = { name, ref };
        struct coppice_message *m;
        int r = mailbox_mine(c);

        if (r < 0)
                return r;
        mailbox_ref(c, 'c', ref);
        (void) snprintf(usec, sizeof usec, "%lld", (long long) timeout_usec);
        r = send_lines(c, &nothing, (struct line[]) { { MESSAGE_CALL, "receive" }, { MESSAGE_CHANNEL, name }, { MESSAGE_REF, ref },
                                                      { MESSAGE_TIMEOUT_USEC, timeout_usec < 0 ? NULL : usec } }, 4, deadline);
        if (r == 0) /* coppice ends the wait, unless it is not there to */
                r = receive_wait(c, is_pulled, &p, timeout_usec < 0 || c->timeout < 0 ? -1 : wire_deadline(timeout_usec + c->timeout + 1),
                                 RECEIVE_NEW, &m);
        if (r == 0 && message_says(m, MESSAGE_FROM, "coppice")) {
                r = mailbox_refused(c, message_line(m, MESSAGE_RESULT) ? message_line(m, MESSAGE_RESULT) : "failed");
                (void) coppice_message_free(m);
                return r == 0 ? -EBADMSG : r;
        }
        if (r == 0)
                *ret = m;
        return r;
}

int coppice_channel_try_receive(struct coppice *c, const char *name, struct coppice_message **ret)
{
        return coppice_channel_receive(c, name, 0, ret);
}

int coppice_channel_ack(struct coppice *c, const struct coppice_message *m)
{
        const char *channel = message_line(m, MESSAGE_CHANNEL), *ack = message_line(m, MESSAGE_ACK);
        static const struct coppice_message nothing;
        int r = mailbox_mine(c);

        if (r < 0 || !ack || !channel)
                return r;
        return send_lines(c, &nothing, (struct line[]) { { MESSAGE_CALL, "ack" }, { MESSAGE_CHANNEL, channel }, { MESSAGE_ACK, ack } },
                          3, wire_deadline(c->timeout));
}
