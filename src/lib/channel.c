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
        const char *const *names; /* the last one is NULL */
        const char *ref;
};

bool channel_is_called(const char *path, const char *name)
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
        for (const char *const *name = p->names; path && *name; name++)
                if (channel_is_called(path, *name))
                        return 1;
        return 0;
}

/* Ask, and wait for the message, or for the word that there is none. */
static int pull(struct coppice *c, const struct coppice_message *m, const char *call, const char *channel,
                struct pull *p, int64_t timeout_usec, struct coppice_message **ret)
{
        char ref[COPPICE_REF_SIZE], usec[24];
        struct coppice_message *got;
        int r = mailbox_mine(c);

        if (r < 0)
                return r;
        mailbox_ref(c, 'c', ref);
        p->ref = ref;
        (void) snprintf(usec, sizeof usec, "%lld", (long long) timeout_usec);
        r = send_lines(c, m, (struct line[]) { { MESSAGE_CALL, call }, { MESSAGE_CHANNEL, channel },
                                               { MESSAGE_REF, ref },
                                               { MESSAGE_TIMEOUT_USEC, timeout_usec < 0 ? NULL : usec } }, 4,
                                               wire_deadline(c->timeout));
        if (r == 0) /* coppice ends the wait, unless it is not there to */
                r = receive_wait(c, is_pulled, p,
                                 timeout_usec < 0 || c->timeout < 0 ? -1 : wire_deadline(timeout_usec + c->timeout + 1),
                                 RECEIVE_NEW, &got);
        if (r < 0)
                return r;
        if (!message_says(got, MESSAGE_FROM, "coppice")) {
                *ret = got;
                return 0;
        }
        r = mailbox_refused(c, message_line(got, MESSAGE_RESULT) ? message_line(got, MESSAGE_RESULT) : "failed");
        (void) coppice_message_free(got);
        return r == 0 ? -EBADMSG : r;
}

int coppice_channel_receive(struct coppice *c, const char *name, int64_t timeout_usec, struct coppice_message **ret)
{
        static const struct coppice_message nothing;
        struct pull p = { .names = (const char *const[]) { name, NULL } };

        return pull(c, &nothing, "receive", name, &p, timeout_usec, ret);
}

int coppice_channel_select(struct coppice *c, const char *const *names, int64_t timeout_usec,
                           struct coppice_message **ret)
{
        struct pull p = { .names = names };
        autobuf struct buf list = BUF_INIT;
        struct coppice_message *m;
        int r = coppice_message_new(&m, NULL);

        if (r < 0)
                return r;
        for (const char *const *name = names; *name; name++) {
                buf_adds(&list, *name);
                buf_addc(&list, '\n');
        }
        r = buf_failed(&list) ? -ENOMEM : coppice_message_set_body(m, buf_text(&list), list.len);
        if (r == 0)
                r = pull(c, m, "select", NULL, &p, timeout_usec, ret);
        (void) coppice_message_free(m);
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
        return send_lines(c, &nothing, (struct line[]) { { MESSAGE_CALL, "ack" }, { MESSAGE_CHANNEL, channel },
                                                         { MESSAGE_ACK, ack } },
                          3, wire_deadline(c->timeout));
}
