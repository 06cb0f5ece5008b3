/* control_tap.c - methods that look at what is in channels: ChannelPeek (what waits), ChannelTap (a stream of copies of
 * what comes), ChannelSelect (the first message of several). */
#include <string.h>

#include "base/base64.h"
#include "daemon/control_priv.h"
#include "daemon/mailroom.h"

enum { PEEK_MAX = 1000, PEEK_BYTES_MAX = 128 << 10 /* more than any one message */ };

/* --- ChannelPeek -------------------------------------------------------------------------------------------------- */

struct peeking {
        struct json *j;
        int64_t left;
        size_t bytes;
};

static bool write_one(void *arg, const struct mail *m)
{
        struct peeking *p = arg;

        p->bytes += m->len;
        if (p->left-- == 0 || p->bytes > PEEK_BYTES_MAX)
                return false;
        json_open(p->j, NULL, '{');
        json_message(p->j, m->bytes, m->len);
        json_close(p->j);
        return true;
}

void method_ChannelPeek(struct call *c)
{
        const char *name = param_str(&c->in, "channel", true);
        int64_t count = param_int(&c->in, "count", PEEK_MAX);
        autobuf struct buf text = BUF_INIT;
        struct json j = json_start(&text);
        struct peeking p = { .j = &j, .left = count };
        enum mail_result r;

        if (!call_params(c))
                return;
        if (count < 1 || count > PEEK_MAX) {
                call_fail(c, "BadValue", "parameter", "count", "message", "a number from 1 to 1000");
                return;
        }
        json_open(&j, NULL, '[');
        r = engine_channel_peek(call_engine(c), name, write_one, &p);
        json_close(&j);
        if (r != MAIL_OK) {
                call_refuse_channel(c, name, (int) r, false);
                return;
        }
        json_raw(call_open(c), "messages", buf_text(&text));
        call_close(c, false);
}

/* --- ChannelTap --------------------------------------------------------------------------------------------------- */

struct tapping {
        struct tap *tap;
        bool greeted;            /* the first reply comes at once: then the client knows that it listens */
};

static void reply(struct call *c, const struct mail *m, uint64_t missed, bool continues)
{
        autobuf struct buf coded = BUF_INIT;
        bool text = !m || base64_needless(m->bytes, m->len);
        struct json *j;

        if (!text)
                base64_encode(m->bytes, m->len, &coded);
        j = call_open(c);
        if (m)
                json_strn(j, "message", text ? m->bytes : buf_text(&coded), text ? m->len : coded.len);
        else
                json_nil(j, "message");
        json_bool(j, "base64", !text);
        if (missed)
                json_uint(j, "missed", missed);
        else
                json_nil(j, "missed");
        call_close(c, continues);
}

/* One reply; true = there is more yet. */
static bool produce_copy(struct call *c)
{
        struct tapping *t = c->state;
        struct mail *m;
        uint64_t missed;

        if (!t->greeted) {
                t->greeted = true;
                reply(c, NULL, 0, true);
                return true;
        }
        m = engine_tap_next(t->tap);
        if (m)
                reply(c, m, 0, true);
        else if (engine_tap_over(t->tap, &missed))
                reply(c, NULL, missed, false);
        mail_free(m);
        return m != NULL;
}

static void on_news(void *arg)
{
        conn_work(((struct call *) arg)->conn);
}

static void drop_tapping(struct call *c)
{
        struct tapping *t = c->state;

        if (t->tap)
                engine_tap_free(t->tap);
        free(t);
}

static const struct call_ops tapping_ops = { .produce = produce_copy, .drop = drop_tapping };
static const struct call_ops failing_ops = { .drop = drop_tapping };

void method_ChannelTap(struct call *c)
{
        const char *name = param_str(&c->in, "channel", true);
        struct tapping *t;
        enum mail_result r;

        if (!call_params(c))
                return;
        t = calloc(1, sizeof *t);
        if (!t) {
                call_fail(c, "Failed", "message", "out of memory", "hint", NULL);
                return;
        }
        c->state = t;
        c->ops = &failing_ops;
        t->tap = engine_channel_tap(call_engine(c), name, on_news, c, &r);
        if (!t->tap)
                call_refuse_channel(c, name, (int) r, false);
        else if (!c->in.more)
                reply(c, NULL, 0, false); /* it is there, and can be tapped */
        else
                c->ops = &tapping_ops;
}

/* --- ChannelSelect ------------------------------------------------------------------------------------------------ */

struct selecting {
        uint64_t group;          /* 0: over */
        const char *const *names; /* while it is being begun: borrowed */
        size_t at;
};

static void drop_selecting(struct call *c)
{
        struct selecting *s = c->state;

        if (s->group)
                engine_channel_forget_group(call_engine(c), s->group);
        free(s);
}

static void on_ending(struct call *c, int code)
{
        (void) code;
        call_fail(c, "ShuttingDown", NULL, NULL, NULL, NULL);
}

static const struct call_ops selecting_ops = { .ending = on_ending, .drop = drop_selecting };

/* Which of several it is about, where it is about one. */
static void refuse(struct call *c, const struct selecting *s, enum mail_result r)
{
        if (s->names && r != MAIL_EMPTY)
                call_refuse_channel(c, s->names[s->at], (int) r, true);
        else
                call_refuse(c, mail_word(r), mail_sentence(r));
}

static void on_heard(void *arg, const char *bytes, size_t n)
{
        struct call *c = arg;
        struct selecting *s = c->state;

        s->group = 0;
        if (c->done)
                return;
        if (bytes)
                call_message(c, bytes, n);
        else
                refuse(c, s, (enum mail_result) n);
}

void method_ChannelSelect(struct call *c)
{
        json_t *list = param_texts(&c->in, "channels", true);
        const char *word = param_str(&c->in, "claim", false);
        bool try = param_bool(&c->in, "try");
        const char *names[CHANNEL_SELECT_MAX];
        size_t n = json_array_size(list);
        struct channel_claim claim;
        struct selecting *s;

        if (!call_params(c) || !call_claim(c, word, &claim))
                return;
        if (n == 0 || n > CHANNEL_SELECT_MAX) {
                call_fail(c, "BadValue", "parameter", "channels", "message", "1 to 64 channels");
                return;
        }
        s = calloc(1, sizeof *s);
        if (!s) {
                call_fail(c, "Failed", "message", "out of memory", "hint", NULL);
                return;
        }
        for (size_t i = 0; i < n; i++)
                names[i] = json_string_value(json_array_get(list, i));
        c->state = s;
        c->ops = &selecting_ops;
        s->names = names;
        s->group = engine_channel_select(call_engine(c), names, n, !try, &claim, on_heard, c, &s->at);
        s->names = NULL;
}
