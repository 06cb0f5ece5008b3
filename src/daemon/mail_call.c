/* mail_call.c - what services ask of coppice itself (CALL=...). See mail.h. */
#include <string.h>

#include "daemon/mail.h"

struct calling {
        struct postbox *from;
        const struct message *m;
        struct parcel *p;
        struct buf more;        /* further lines of the answer */
};

typedef enum mail_result call_fn(struct calling *c);

/* Is anybody there? */
static enum mail_result call_ping(struct calling *c)
{
        (void) c;
        return MAIL_OK;
}

/* Messages of mine with this REF that wait for their time are not sent. */
static enum mail_result call_cancel(struct calling *c)
{
        unsigned n;

        if (!message_has(c->m, MESSAGE_VALUE))
                return MAIL_BAD_MESSAGE;
        n = later_cancel(c->from, &c->m->value[MESSAGE_VALUE]);
        message_put_number(&c->more, MESSAGE_COUNT, n);
        return n ? MAIL_OK : MAIL_NOT_FOUND;
}

/* I have read a message that I do not want yet: the payload is the message; it is the first to be read again. */
static enum mail_result call_return(struct calling *c)
{
        const char *problem;
        struct message m;

        if (message_parse(c->m->payload, c->m->payload_len, &m, &problem) < 0 || !message_has(&m, MESSAGE_FROM))
                return MAIL_BAD_MESSAGE;
        return mail_return(c->from, c->m->payload, (uint32_t) c->m->payload_len, c->p);
}

static const struct {
        const char *name;
        call_fn *fn;
} calls[] = {
        { "ping", call_ping },
        { "cancel", call_cancel },
        { "return", call_return },
};

void mail_call(struct postbox *from, const struct message *m, struct parcel *p)
{
        struct calling c = { .from = from, .m = m, .p = p, .more = BUF_INIT };

        for (size_t i = 0; i < ARRAY_LEN(calls); i++)
                if (message_is(m, MESSAGE_CALL, calls[i].name)) {
                        mail_tell(from, m, calls[i].fn(&c), &c.more);
                        buf_free(&c.more);
                        return;
                }
        mail_tell(from, m, MAIL_UNKNOWN_CALL, NULL);
}
