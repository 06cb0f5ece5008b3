/* cmd_channel.c - channel create|ls|show|send|receive|try-send|try-receive|select|ack|peek|tap|close. */
#include <stdio.h>
#include <string.h>

#include "base/base64.h"
#include "base/json.h"
#include "core/value.h"
#include "ctl/compose.h"
#include "ctl/inside.h"
#include "lib/parts.h"

static const struct ctl_option channel_options[] = {
        { "supervisor", 0, "NODE", "create: the supervisor it hangs below; root if not given." },
        { "type", 0, "TYPE", "create: pipe or message; message if not given." },
        { "topic", 't', "TOPIC", "send: what the message is about." },
        { "ref", 0, "REF", "send: a mark that comes back with an answer." },
        { "head", 0, "X_KEY=VALUE", "send: one more line of the head. May be given several times." },
        { "payload", 'p', NULL, "receive, peek, tap: print the payload alone." },
        { 0 },
};

/* --- what is there ------------------------------------------------------------------------------------------------ */

/* "/media  pipe, 4096 of 65536 bytes queued, full" */
static void put_pipe(struct ctl *c, uint32_t p)
{
        const struct jdoc *d = &c->doc;
        long long capacity = (long long) jget_int(d, p, "capacity", -1), asked = (long long) jget_int(d, p, "asked", 0);

        buf_adds(&c->out, "  pipe");
        if (capacity >= 0)
                buf_addf(&c->out, ", %lld of %lld bytes queued", (long long) jget_int(d, p, "queued", 0), capacity);
        else
                buf_adds(&c->out, ", empty");
        if (jget_text(d, p, "refused"))
                buf_addf(&c->out, " (%lld asked for: %s)", asked, jget_text(d, p, "refused"));
        if (jget_true(d, p, "full"))
                buf_adds(&c->out, ", full");
        if (jget_int(d, p, "copied_queued", 0) > 0)
                buf_addf(&c->out, ", %lld bytes of copies to be read", (long long) jget_int(d, p, "copied_queued", 0));
        if (jget_int(d, p, "copied_full", 0) > 0)
                buf_addf(&c->out, ", %lld reader%s behind", (long long) jget_int(d, p, "copied_full", 0),
                         jget_int(d, p, "copied_full", 0) == 1 ? "" : "s");
        if (jget_true(d, p, "ended"))
                buf_adds(&c->out, ", its writers have finished");
        if (jget_int(d, p, "unread_runs", 0) > 1)
                buf_addf(&c->out, ", %lld runs to be read", (long long) jget_int(d, p, "unread_runs", 0));
}

static void put_line(struct ctl *c, uint32_t t)
{
        const struct jdoc *d = &c->doc;
        uint32_t pipe = jtok_get(d, t, "pipe");

        put_colored(c, COLOR_BOLD, jget_text(d, t, "path"));
        if (pipe != JTOK_NONE)
                put_pipe(c, pipe);
        else
        buf_addf(&c->out, "  %lld of %lld waiting, %lld delivered", (long long) jget_int(d, t, "waiting", 0),
                 (long long) jget_int(d, t, "capacity", 0), (long long) jget_int(d, t, "delivered", 0));
        if (jget_true(d, t, "closed"))
                buf_adds(&c->out, ", closed");
        buf_addc(&c->out, '\n');
}

static void put_all(struct ctl *c, uint32_t t)
{
        static const struct {
                const char *key, *text;
        } counts[] = {
                { "accepted", "accepted" }, { "delivered", "delivered" }, { "dropped", "dropped" },
                { "rejected", "refused" }, { "acked", "acknowledged" }, { "redelivered", "delivered again" },
                { "unacked", "being worked on" }, { "blocked", "senders wait for room" },
                { "readers_waiting", "readers wait for a message" },
        };
        const struct jdoc *d = &c->doc;

        put_line(c, t);
        for (size_t i = 0; i < ARRAY_LEN(counts); i++)
                if (jget_int(d, t, counts[i].key, 0) > 0)
                        buf_addf(&c->out, "  %lld %s\n", (long long) jget_int(d, t, counts[i].key, 0), counts[i].text);
        for (const char *p = jget_text(d, t, "settings"), *eol; p && *p; p = eol + (*eol == '\n')) {
                eol = strchrnul(p, '\n');
                buf_addf(&c->out, "  %.*s\n", (int) (eol - p), p);
        }
}

static int list(struct ctl *c, const char *only)
{
        uint32_t reply, channels;
        int r = only ? ctl_call_text(c, "Channels", "channel", only, &reply)
                : ctl_call(c, "Channels", NULL, false, &reply);

        if (r != CTL_OK)
                return r;
        channels = jtok_get(&c->doc, reply, "channels");
        if (c->json) {
                ctl_put_json(c, only ? jtok_first(&c->doc, channels) : channels);
                return CTL_OK;
        }
        for (uint32_t t = jtok_first(&c->doc, channels); t != JTOK_NONE; t = jtok_after(&c->doc, channels, t))
                only ? put_all(c, t) : put_line(c, t);
        return CTL_OK;
}

/* --- making, closing ---------------------------------------------------------------------------------------------- */

static int create_inside(struct ctl *c)
{
        autobuf struct buf lines = BUF_INIT, answer = BUF_INIT;

        message_put(&lines, MESSAGE_CALL, "channel-create");
        message_put(&lines, MESSAGE_CHANNEL, c->argv[1]);
        message_end(&lines);
        if (ctl_option(c, "type"))
                buf_addf(&lines, "Type=%s\n", ctl_option(c, "type"));
        for (int i = 2; i < c->argc; i++)
                buf_addf(&lines, "%s\n", c->argv[i]);
        return inside_call(c, &lines, &answer);
}

static int create(struct ctl *c)
{
        autobuf struct buf params = BUF_INIT;
        struct json j = json_start(&params);
        char type[40] = "";
        uint32_t reply;

        if (inside_fd(c) >= 0 && !ctl_option(c, "supervisor"))
                return create_inside(c);
        if (ctl_option(c, "type"))
                (void) snprintf(type, sizeof type, "Type=%.32s", ctl_option(c, "type"));
        json_open(&j, NULL, '{');
        json_str(&j, "name", c->argv[1]);
        if (ctl_option(c, "supervisor"))
                json_str(&j, "supervisor", ctl_option(c, "supervisor"));
        json_open(&j, "settings", '[');
        if (ctl_option(c, "type"))
                json_str(&j, NULL, type);
        for (int i = 2; i < c->argc; i++)
                json_str(&j, NULL, c->argv[i]);
        json_close(&j);
        json_close(&j);
        return ctl_call(c, "ChannelCreate", buf_text(&params), false, &reply);
}

static int inside_about(struct ctl *c, const char *call, struct buf *answer)
{
        autobuf struct buf lines = BUF_INIT;

        message_put(&lines, MESSAGE_CALL, call);
        message_put(&lines, MESSAGE_CHANNEL, c->argv[1]);
        return inside_call(c, &lines, answer);
}

static int close_it(struct ctl *c)
{
        autobuf struct buf answer = BUF_INIT;
        uint32_t reply;

        return inside_fd(c) >= 0 ? inside_about(c, "channel-close", &answer) :
               ctl_call_text(c, "ChannelClose", "channel", c->argv[1], &reply);
}

/* --- messages ----------------------------------------------------------------------------------------------------- */

static int send_it(struct ctl *c, bool try)
{
        autobuf struct buf message = BUF_INIT, answer = BUF_INIT;
        const char *ref = ctl_option(c, "ref");
        bool inside = inside_fd(c) >= 0;
        char made_up[40];
        uint32_t reply;
        int r;

        if (inside && !ref)
                ref = inside_ref(made_up);
        message_put(&message, MESSAGE_TO, c->argv[1]);
        if (ctl_option(c, "topic"))
                message_put(&message, MESSAGE_TOPIC, ctl_option(c, "topic"));
        if (ref)
                message_put(&message, MESSAGE_REF, ref);
        if (inside)
                message_put(&message, MESSAGE_SYNC, "delivered");
        if (inside && try)
                message_put(&message, MESSAGE_TIMEOUT_USEC, "0");
        r = compose_own_lines(c, &message);
        message_end(&message);
        if (r == CTL_OK)
                r = compose_payload(c, 2, &message);
        if (r != CTL_OK)
                return r;
        return inside ? inside_call_as(c, ref, &message, &answer)
               : compose_call(c, "Send", &message, try ? "try" : NULL, &reply);
}

struct wanted {
        const struct ctl *c;
        const char *ref;
        int last;                /* of the arguments from 1 on, which are channels */
};

/* The message of a channel that was asked for, or the word that there is none. Others send into
 * the mailbox by themselves. */
static bool is_wanted(const struct message *m, void *arg)
{
        const struct wanted *w = arg;
        char path[MESSAGE_VALUE_MAX + 1];

        if (message_is(m, MESSAGE_FROM, "coppice"))
                return message_is(m, MESSAGE_REF, w->ref);
        if (!message_copy(m, MESSAGE_CHANNEL, path, sizeof path))
                return false;
        for (int i = 1; i <= w->last; i++)
                if (channel_is_called(path, w->c->argv[i]))
                        return true;
        return false;
}

static int acknowledge(struct ctl *c, const struct message *m)
{
        autobuf struct buf lines = BUF_INIT;

        if (!message_has(m, MESSAGE_ACK))
                return CTL_OK;
        message_put(&lines, MESSAGE_CALL, "ack");
        message_putn(&lines, MESSAGE_CHANNEL, m->value[MESSAGE_CHANNEL].at, m->value[MESSAGE_CHANNEL].len);
        message_putn(&lines, MESSAGE_ACK, m->value[MESSAGE_ACK].at, m->value[MESSAGE_ACK].len);
        message_end(&lines);
        return inside_send(c, &lines);
}

/* Done with a message of a channel with Acknowledge=yes. */
static int ack_it(struct ctl *c)
{
        autobuf struct buf lines = BUF_INIT, answer = BUF_INIT;

        if (c->argc != 3)
                return ctl_error(CTL_USAGE, "channel ack NAME NUMBER: the number is that of the message's ACK=");
        if (inside_fd(c) < 0)
                return ctl_error(CTL_USAGE,
                                 "channel ack: a message was given to a service, so one says it is done with it");
        message_put(&lines, MESSAGE_CALL, "ack");
        message_put(&lines, MESSAGE_CHANNEL, c->argv[1]);
        message_put(&lines, MESSAGE_ACK, c->argv[2]);
        return inside_call(c, &lines, &answer);
}

/* What is asked for: one channel, or the lines of a payload. */
static void put_question(struct ctl *c, const char *ref, bool try, bool select, struct buf *ask)
{
        message_put(ask, MESSAGE_CALL, select ? "select" : "receive");
        message_put(ask, MESSAGE_REF, ref);
        if (!select)
                message_put(ask, MESSAGE_CHANNEL, c->argv[1]);
        if (try || c->timeout_ms >= 0)
                message_put_number(ask, MESSAGE_TIMEOUT_USEC, try ? 0 : c->timeout_ms * 1000);
        message_end(ask);
        for (int i = 1; select && i < c->argc; i++)
                buf_addf(ask, "%s\n", c->argv[i]);
}

static int receive_inside(struct ctl *c, bool try, bool select)
{
        autobuf struct buf ask = BUF_INIT, got = BUF_INIT;
        char ref[40];
        struct wanted w = { .c = c, .ref = inside_ref(ref), .last = select ? c->argc - 1 : 1 };
        struct message m;
        const char *problem;
        int r;

        put_question(c, w.ref, try, select, &ask);
        c->timeout_ms = -1; /* the engine ends the wait */
        r = inside_send(c, &ask);
        if (r == CTL_OK)
                r = inside_receive(c, is_wanted, &w, &got);
        if (r != CTL_OK || message_parse(got.data, got.len, &m, &problem) < 0)
                return r;
        if (message_is(&m, MESSAGE_FROM, "coppice")) {
                if (!message_is(&m, MESSAGE_RESULT, "empty") && !message_is(&m, MESSAGE_RESULT, "timeout"))
                        (void) ctl_error(0, "%s: %.*s", c->about, (int) m.payload_len, m.payload);
                return message_is(&m, MESSAGE_RESULT, "forbidden") ? CTL_DENIED : CTL_NOT_FOUND;
        }
        r = acknowledge(c, &m);
        return r == CTL_OK ? message_show(c, got.data, got.len, ctl_option(c, "payload") != NULL) : r;
}

/* The message of a reply. */
static int show_reply(struct ctl *c, uint32_t reply)
{
        const char *text = jget_text(&c->doc, reply, "message");
        autobuf struct buf bytes = BUF_INIT;

        if (!jget_true(&c->doc, reply, "base64"))
                buf_adds(&bytes, text);
        else if (base64_decode(text, strlen(text), &bytes) < 0)
                return ctl_error(CTL_FAILED, "the daemon's answer is not base64");
        return message_show(c, buf_text(&bytes), bytes.len, ctl_option(c, "payload") != NULL);
}

/* It has been printed, and now it may go. Until then it goes back when we end, and another engine sends it again. */
static int confirm(struct ctl *c, const char *claim)
{
        uint32_t reply;
        int r = ctl_flush(c);

        return r < 0 ? ctl_error(CTL_FAILED, "write to standard output: %s; the message goes back", strerror(-r)) :
                       ctl_call_text(c, "ChannelTaken", "claim", claim, &reply);
}

static int receive_it(struct ctl *c, bool try, bool select)
{
        autobuf struct buf params = BUF_INIT;
        struct json j = json_start(&params);
        char claim[40];
        uint32_t reply;
        int r;

        if (inside_fd(c) >= 0)
                return receive_inside(c, try, select);
        json_open(&j, NULL, '{');
        json_str(&j, "claim", inside_ref(claim));
        if (select)
                json_open(&j, "channels", '[');
        else
                json_str(&j, "channel", c->argv[1]);
        for (int i = 1; select && i < c->argc; i++)
                json_str(&j, NULL, c->argv[i]);
        if (select)
                json_close(&j);
        if (try)
                json_bool(&j, "try", true);
        json_close(&j);
        c->lost_is_fine = c->over_with_us = true;
        r = ctl_call(c, select ? "ChannelSelect" : "ChannelReceive", buf_text(&params), false, &reply);
        if (r != CTL_OK)
                return c->timed_out || (try && r == CTL_NOT_FOUND) ? CTL_NOT_FOUND : r;
        r = show_reply(c, reply);
        return r == CTL_OK ? confirm(c, claim) : r;
}

/* The messages that wait, as they would be received; they stay. */
static int peek(struct ctl *c)
{
        autobuf struct buf params = BUF_INIT;
        struct json j = json_start(&params);
        uint32_t reply, messages;
        int64_t count = 10;
        int r;

        if (c->argc > 3 || (c->argc == 3 && (value_decimal(c->argv[2], &count) < 0 || count < 1 || count > 1000)))
                return ctl_error(CTL_USAGE, "channel peek NAME [COUNT]: a number from 1 to 1000");
        json_open(&j, NULL, '{');
        json_str(&j, "channel", c->argv[1]);
        json_int(&j, "count", count);
        json_close(&j);
        r = ctl_call(c, "ChannelPeek", buf_text(&params), false, &reply);
        messages = r == CTL_OK ? jtok_get(&c->doc, reply, "messages") : JTOK_NONE;
        for (uint32_t t = messages == JTOK_NONE ? JTOK_NONE : jtok_first(&c->doc, messages);
             r == CTL_OK && t != JTOK_NONE;
             t = jtok_after(&c->doc, messages, t)) {
                if (c->out.len && !c->json && !ctl_option(c, "payload"))
                        buf_addc(&c->out, '\n');
                r = show_reply(c, t);
                if (c->out.len && c->out.data[c->out.len - 1] != '\n')
                        buf_addc(&c->out, '\n');
        }
        return r;
}

/* --- watching ----------------------------------------------------------------------------------------------------- */

/* Each copy, until the channel has gone. When another engine takes over it goes on; what comes in between is not
 * seen. */
static int tap(struct ctl *c)
{
        uint32_t reply;
        int r;

        do {
                autobuf struct buf params = BUF_INIT;
                struct json j = json_start(&params);

                json_open(&j, NULL, '{');
                json_str(&j, "channel", c->argv[1]);
                json_close(&j);
                c->turned_away = false;
                c->lost_is_fine = true;
                r = ctl_call(c, "ChannelTap", buf_text(&params), true, &reply);
                while (r == CTL_OK) {
                        if (jtok_kind(&c->doc, jtok_get(&c->doc, reply, "message")) == JTOK_TEXT) {
                                r = show_reply(c, reply);
                                if (c->out.len && c->out.data[c->out.len - 1] != '\n')
                                        buf_addc(&c->out, '\n');
                                ctl_flush(c);
                        }
                        if (jget_int(&c->doc, reply, "missed", 0) > 0)
                                return ctl_error(CTL_FAILED, "%s: cut: %lld messages were not read in time", c->argv[1],
                                                 (long long) jget_int(&c->doc, reply, "missed", 0));
                        if (r != CTL_OK || !ctl_continues(c))
                                return r;
                        r = ctl_next(c, &reply);
                }
        } while (c->turned_away && ctl_reconnect(c));
        return c->turned_away ? ctl_error(CTL_NO_DAEMON, "the daemon closed the connection") : r;
}

static int run_channel(struct ctl *c)
{
        const char *what = c->argv[0];

        if (strcmp(what, "ls") == 0 && c->argc == 1)
                return list(c, NULL);
        if (c->argc < 2)
                return ctl_error(CTL_USAGE, "channel ls, or channel create|show|send|receive|try-send|try-receive|"
                                 "select|ack|peek|tap|close NAME ...");
        c->about = c->argv[1];
        if (strcmp(what, "create") == 0)
                return create(c);
        if (strcmp(what, "show") == 0)
                return list(c, c->argv[1]);
        if (strcmp(what, "send") == 0 || strcmp(what, "try-send") == 0)
                return send_it(c, what[0] == 't');
        if (strcmp(what, "receive") == 0 || strcmp(what, "try-receive") == 0)
                return receive_it(c, what[0] == 't', false);
        if (strcmp(what, "select") == 0 || strcmp(what, "try-select") == 0) {
                c->about = what; /* the answer says which of them */
                return receive_it(c, what[0] == 't', true);
        }
        if (strcmp(what, "ack") == 0)
                return ack_it(c);
        if (strcmp(what, "peek") == 0)
                return peek(c);
        if (strcmp(what, "tap") == 0)
                return tap(c);
        if (strcmp(what, "close") == 0)
                return close_it(c);
        return ctl_error(CTL_USAGE, "channel %s: there are create, ls, show, send, receive, select, try-send, "
                         "try-receive, try-select, ack, peek, tap, close", what);
}

const struct ctl_verb verb_channel = {
        .name = "channel", .args = "ls | create NAME [KEY=VALUE...] | show|close NAME | [try-]send NAME [WORD...|-] | "
                "[try-]receive NAME | [try-]select NAME... | ack NAME NUMBER | peek NAME [COUNT] | tap NAME",
        .help = "Make, look at, use and close channels: pipes and queues of messages between services.",
        .prose = "create makes one at run time, with the settings of [Channel] in coppice.channel(5); a pipe needs "
                 "--type=pipe, From= and To=, and its services get their ends at their next start. show tells how many "
                 "bytes lie in a pipe and whether its writers wait. close ends a pipe for its readers; asked again, "
                 "what was not read goes too. A queue of messages lets nothing more in once it is closed; what is in "
                 "it can still be taken.\n"
                 "send waits while the channel is full (Overflow=block), try-send fails instead; \"-\" as the only "
                 "word is standard input. receive takes the oldest message and waits for one, at most as long as "
                 "--timeout says; try-receive does not. Both exit with 3 when there is none. select does the same with "
                 "several channels: one message, of the first of them that has one; CHANNEL= in its head says which. "
                 "What is received leaves the channel for good once all of it has been printed, which counts as "
                 "acknowledged; when coppicectl ends before, it stands in front again, and an end of the engine "
                 "neither loses it nor has it printed twice.\n"
                 "peek shows the oldest COUNT messages that wait (10), tap a copy of each message that comes in; both "
                 "take nothing out. Whoever reads a tap too slowly is cut and told how many were missed.\n"
                 "Inside of a service with Mailbox=yes all of this is done as that service, but for ls, show, peek and "
                 "tap, which are an operator's. ack is only for a service: it is done with a message that came into "
                 "its mailbox with CHANNEL=NAME and ACK=NUMBER.",
        .options = channel_options, .min_args = 1, .max_args = -1,
        .words = "ls create show close send try-send receive try-receive select try-select ack peek tap",
        .run = run_channel,
};
