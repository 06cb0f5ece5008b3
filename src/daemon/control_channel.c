/* control_channel.c - methods about channels: Channels, ChannelCreate, ChannelReceive, ChannelTaken, ChannelClose. */
#include <string.h>

#include "base/base64.h"
#include "base/strtab.h"
#include "core/unit_text.h"
#include "daemon/control_priv.h"
#include "daemon/mailroom.h"
#include "proto/message.h"

/* --- Channels ----------------------------------------------------------------------------------------------------- */

enum { CHANNELS_LOOKED_AT = 256 }; /* for one that is called nearly so */

struct listing {
        struct json *j;
        const char *only;        /* NULL: all */
        unsigned count;
};

static bool is_called(const struct channel_facts *f, const char *name)
{
        return strcmp(f->path, name) == 0 || strcmp(spec_name(f->spec), name) == 0 ||
               strcmp(spec_stem(f->spec), name) == 0;
}

static void write_settings(struct json *j, const struct spec *s)
{
        autobuf struct buf text = BUF_INIT;
        const char *begin, *end;

        unit_text_print(s, false, &text);
        begin = strstr(buf_text(&text), "[Channel]\n");
        begin = begin ? begin + strlen("[Channel]\n") : "";
        end = strstr(begin, "\n[");
        json_strn(j, "settings", begin, end ? (size_t) (end - begin) + 1 : strlen(begin));
}

static void write_pipe(struct json *j, const struct channel_facts *f)
{
        const struct pipe_facts_told *p = f->pipe;

        json_open(j, "pipe", '{');
        json_str(j, "framing", strtab_text(&channel_framing_names, (int) spec_int(f->spec, D_CHANNEL_Framing)));
        json_str(j, "deliver", strtab_text(&channel_deliver_names, (int) spec_int(f->spec, D_CHANNEL_Deliver)));
        json_str(j, "close", strtab_text(&channel_close_names, (int) spec_int(f->spec, D_CHANNEL_Close)));
        json_int(j, "queued", p->queued);
        if (p->capacity >= 0)
                json_int(j, "capacity", p->capacity);
        if (p->asked > 0)
                json_int(j, "asked", p->asked);
        if (p->refused)
                json_str(j, "refused", strerror(p->refused));
        json_bool(j, "full", p->full);
        json_bool(j, "ended", p->ended);
        json_uint(j, "run", p->run);
        json_uint(j, "unread_runs", p->runs);
        json_int(j, "copied_queued", p->copied_queued);
        json_uint(j, "copied_full", p->copied_full);
        json_close(j);
}

static void write_channel(void *arg, const struct channel_facts *f)
{
        struct listing *l = arg;
        struct json *j = l->j;

        if (l->only && !is_called(f, l->only))
                return;
        l->count++;
        json_open(j, NULL, '{');
        json_str(j, "path", f->path);
        json_str(j, "unit", spec_name(f->spec));
        json_str(j, "type", f->pipe ? "pipe" : "message");
        json_bool(j, "from_unit", f->from_unit);
        json_bool(j, "closed", f->closed);
        write_settings(j, f->spec);
        json_uint(j, "waiting", f->waiting);
        json_int(j, "capacity", f->pipe && f->pipe->capacity >= 0
                 ? f->pipe->capacity : spec_int(f->spec, D_CHANNEL_Capacity));
        json_uint(j, "bytes", f->bytes);
        json_uint(j, "accepted", f->accepted);
        json_uint(j, "delivered", f->delivered);
        json_uint(j, "dropped", f->dropped);
        json_uint(j, "rejected", f->rejected);
        json_uint(j, "acked", f->acked);
        json_uint(j, "redelivered", f->redelivered);
        json_uint(j, "blocked", f->blocked);
        json_uint(j, "readers_waiting", f->readers_waiting);
        json_uint(j, "unacked", f->unacked);
        if (f->pipe)
                write_pipe(j, f);
        json_close(j);
}

struct names {
        const char *name[CHANNELS_LOOKED_AT];
        size_t count;
};

static void note_name(void *arg, const struct channel_facts *f)
{
        struct names *names = arg;

        if (names->count < ARRAY_LEN(names->name))
                names->name[names->count++] = spec_stem(f->spec);
}

/* There is none of that name: one that is meant perhaps, and where they all are. */
static void say_missing(struct call *c, const char *name, struct buf *text)
{
        struct names names = { .count = 0 };
        const char *near;

        engine_channels(call_engine(c), note_name, &names);
        near = strtab_nearest(names.name, names.count, name);
        buf_adds(text, "there is no such channel (");
        if (near)
                buf_addf(text, "did you mean %s? ", near);
        buf_adds(text, "coppicectl channel ls lists them)");
}

void call_refuse_channel(struct call *c, const char *name, int result, bool named)
{
        enum mail_result r = (enum mail_result) result;
        autobuf struct buf text = BUF_INIT;

        if (named)
                buf_addf(&text, "%.200s: ", name);
        if (r == MAIL_NOT_FOUND)
                say_missing(c, name, &text);
        else
                buf_adds(&text, mail_sentence(r));
        call_refuse(c, mail_word(r), buf_text(&text));
}

void method_Channels(struct call *c)
{
        struct listing l = { .only = param_str(&c->in, "channel", false) };
        autobuf struct buf text = BUF_INIT;
        struct json j = json_start(&text);

        if (!call_params(c))
                return;
        l.j = &j;
        json_open(&j, NULL, '[');
        engine_channels(call_engine(c), write_channel, &l);
        json_close(&j);
        if (l.only && l.count == 0) {
                call_refuse_channel(c, l.only, MAIL_NOT_FOUND, false);
                return;
        }
        json_raw(call_open(c), "channels", buf_text(&text));
        call_close(c, false);
}

/* --- making, closing ---------------------------------------------------------------------------------------------- */

static bool add_settings(struct call *c, json_t *list, struct buf *out)
{
        for (size_t i = 0; i < json_array_size(list); i++) {
                const char *line = json_string_value(json_array_get(list, i));

                if (strpbrk(line, "\n[") || !strchr(line, '=')) {
                        call_fail(c, "BadValue", "parameter", "settings", "message", "each is one Key=VALUE");
                        return false;
                }
                buf_addf(out, "%s\n", line);
        }
        return true;
}

static void answer(struct call *c, const char *name, enum mail_result r)
{
        if (r != MAIL_OK) {
                call_refuse_channel(c, name, (int) r, false);
                return;
        }
        (void) call_open(c);
        call_close(c, false);
}

void method_ChannelCreate(struct call *c)
{
        const char *name = param_str(&c->in, "name", true), *super = param_str(&c->in, "supervisor", false);
        json_t *settings = param_texts(&c->in, "settings", false);
        autobuf struct buf lines = BUF_INIT;
        struct err err = { 0 };
        node_id place = NODE_ROOT;
        enum mail_result r;

        if (!call_params(c) || (super && !call_node(c, super, &place)) || !add_settings(c, settings, &lines))
                return;
        if (core_node(call_core(c), place)->kind != KIND_SUPERVISOR) {
                call_fail(c, "BadValue", "parameter", "supervisor", "message", "a channel hangs below a supervisor");
                return;
        }
        r = engine_channel_create(call_engine(c), place, name, buf_text(&lines), &err);
        if (err.text[0])
                call_fail_err(c, &err);
        else
                answer(c, name, r);
}

void method_ChannelClose(struct call *c)
{
        const char *name = param_str(&c->in, "channel", true);

        if (call_params(c))
                answer(c, name, engine_channel_close(call_engine(c), name));
}

/* --- taking ------------------------------------------------------------------------------------------------------- */

struct taking {
        struct puller *puller;
        const char *name;        /* borrowed from the request */
};

static void drop_taking(struct call *c)
{
        struct taking *t = c->state;

        if (t->puller)
                engine_channel_forget(t->puller);
        free(t);
}

static void on_ending(struct call *c, int code)
{
        (void) code;
        call_fail(c, "ShuttingDown", NULL, NULL, NULL, NULL);
}

static const struct call_ops taking_ops = { .ending = on_ending, .drop = drop_taking };

static void on_heard(void *arg, const char *bytes, size_t n)
{
        struct call *c = arg;
        struct taking *t = c->state;

        t->puller = NULL;
        if (c->done)
                return;
        if (bytes)
                call_message(c, bytes, n);
        else
                answer(c, t->name, (enum mail_result) n);
}

bool call_claim(struct call *c, const char *word, struct channel_claim *ret)
{
        if (word && (!*word || strlen(word) > CHANNEL_CLAIM_MAX)) {
                call_fail(c, "BadValue", "parameter", "claim", "message",
                          "a word of 1 to 47 bytes that nobody else makes up");
                return false;
        }
        *ret = (struct channel_claim) { .word = word, .holder = c->conn };
        if (!engine_channel_may_claim(call_engine(c), ret)) {
                call_fail(c, "Failed", "message", "this connection holds 16 messages already",
                          "hint", "say ChannelTaken of those that have arrived");
                return false;
        }
        c->conn->holds = c->conn->holds || word;
        return true;
}

void method_ChannelReceive(struct call *c)
{
        const char *name = param_str(&c->in, "channel", true), *word = param_str(&c->in, "claim", false);
        bool try = param_bool(&c->in, "try");
        struct channel_claim claim;
        struct taking *t;

        if (!call_params(c) || !call_claim(c, word, &claim))
                return;
        t = calloc(1, sizeof *t);
        if (!t) {
                call_fail(c, "Failed", "message", "out of memory", "hint", NULL);
                return;
        }
        c->state = t;
        c->ops = &taking_ops;
        t->name = name;
        t->puller = engine_channel_receive(call_engine(c), name, !try, &claim, on_heard, c);
}

void method_ChannelTaken(struct call *c)
{
        const char *word = param_str(&c->in, "claim", true);

        if (!call_params(c))
                return;
        json_bool(call_open(c), "held", engine_channel_taken(call_engine(c), word));
        call_close(c, false);
}
