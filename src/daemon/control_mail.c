/* control_mail.c - methods that send messages: Send, Ask. A client is somebody who can be answered: client:N. */
#include <string.h>

#include "base/base64.h"
#include "daemon/control_priv.h"
#include "daemon/mailroom.h"
#include "proto/message.h"

struct posting {
        struct buf message;
        uint32_t client;         /* 0 = none joined */
        struct sending *sending; /* under way */
        bool ask;
};

static void drop_posting(struct call *c)
{
        struct posting *p = c->state;

        if (p->sending)
                engine_mail_forget(call_engine(c), p->sending);
        if (p->client)
                engine_client_leave(call_engine(c), p->client);
        buf_free(&p->message);
        free(p);
}

static void on_ending(struct call *c, int code)
{
        (void) code;
        call_fail(c, "ShuttingDown", NULL, NULL, NULL, NULL);
}

static const struct call_ops posting_ops = { .ending = on_ending, .drop = drop_posting };

void call_refuse(struct call *c, const char *result, const char *sentence)
{
        call_fail(c, "Refused", "result", result, "message", sentence);
}

static void on_sent(void *arg, enum mail_result r, unsigned count)
{
        struct call *c = arg;
        struct posting *p = c->state;

        p->sending = NULL;
        if (c->done)
                return;
        if (r != MAIL_OK) {
                call_refuse(c, mail_word(r), mail_sentence(r));
        } else if (!p->ask) {
                json_uint(call_open(c), "count", count);
                call_close(c, false);
        }
}

static bool is_text(const char *bytes, size_t n)
{
        struct message m;
        const char *problem;

        return message_parse(bytes, n, &m, &problem) == 0 && base64_needless(m.payload, m.payload_len);
}

void json_message(struct json *j, const char *bytes, size_t n)
{
        autobuf struct buf coded = BUF_INIT;
        bool text = is_text(bytes, n);

        if (!text)
                base64_encode(bytes, n, &coded);
        json_strn(j, "message", text ? bytes : buf_text(&coded), text ? n : coded.len);
        json_bool(j, "base64", !text);
}

void call_message(struct call *c, const char *bytes, size_t n)
{
        json_message(call_open(c), bytes, n);
        call_close(c, false);
}

static void on_heard(void *arg, const char *bytes, size_t n)
{
        struct call *c = arg;
        const struct posting *p = c->state;

        if (!c->done && p->ask)
                call_message(c, bytes, n);
}

/* Without a REF an answer could not be told from anything else. */
static bool add_ref(struct posting *p)
{
        struct message m;
        const char *problem;
        autobuf struct buf with = BUF_INIT;

        if (message_parse(p->message.data, p->message.len, &m, &problem) < 0 || message_has(&m, MESSAGE_REF))
                return true;
        buf_addf(&with, "REF=%u\n", p->client);
        buf_add(&with, p->message.data, p->message.len);
        if (buf_failed(&with))
                return false;
        buf_free(&p->message);
        p->message = with;
        with = BUF_INIT;
        return true;
}

static void post(struct call *c, bool ask)
{
        const char *text = param_str(&c->in, "message", true);
        bool base64 = param_bool(&c->in, "base64"), taken = !ask && param_bool(&c->in, "taken");
        bool try = !ask && param_bool(&c->in, "try");
        struct posting *p;

        if (!call_params(c))
                return;
        p = calloc(1, sizeof *p);
        if (!p) {
                call_fail(c, "Failed", "message", "out of memory", "hint", NULL);
                return;
        }
        p->ask = ask;
        c->state = p;
        c->ops = &posting_ops;
        if (base64 && base64_decode(text, strlen(text), &p->message) < 0) {
                call_fail(c, "BadValue", "parameter", "message", "message", "it is not base64");
                return;
        }
        if (!base64)
                buf_adds(&p->message, text);
        p->client = engine_client_join(call_engine(c), on_heard, c);
        if (p->client == 0 || (ask && !add_ref(p)) || buf_failed(&p->message)) {
                call_fail(c, "Failed", "message", "out of memory", "hint", NULL);
                return;
        }
        p->sending = engine_mail_send(call_engine(c), p->client, buf_text(&p->message), p->message.len,
                                      (taken ? MAIL_SEND_TAKEN : 0U) | (try ? MAIL_SEND_TRY : 0U), on_sent, c);
}

void method_Send(struct call *c)
{
        post(c, false);
}

void method_Ask(struct call *c)
{
        post(c, true);
}
