/* cmd_send.c - send, cancel, ask, receive: from inside of a service as that service, from outside as an operator. */
#include <stdio.h>
#include <string.h>

#include "base/base64.h"
#include "base/json.h"
#include "core/value.h"
#include "ctl/compose.h"
#include "ctl/inside.h"

static const struct ctl_option send_options[] = {
        { "topic", 't', "TOPIC", "What it is about." },
        { "ref", 0, "REF", "A mark that comes back with an answer." },
        { "reply-to", 0, "NODE", "Where an answer shall go." },
        { "head", 0, "X_KEY=VALUE", "One more line of the head. May be given several times." },
        { "sync", 0, "delivered|taken", "Return when it lies in the mailbox, or was read there." },
        { "after", 0, "SPAN", "Send it that much later (inside of a service only)." },
        { 0 },
};

static void put_option(struct ctl *c, const char *name, enum message_key key, struct buf *out)
{
        if (ctl_option(c, name))
                message_put(out, key, ctl_option(c, name));
}

/* The lines that are the same for all ways; the head is left open. */
static int write_head(struct ctl *c, struct buf *out)
{
        message_put(out, MESSAGE_TO, c->argv[0]);
        put_option(c, "topic", MESSAGE_TOPIC, out);
        put_option(c, "reply-to", MESSAGE_REPLY_TO, out);
        return compose_own_lines(c, out);
}

static int finish(struct ctl *c, struct buf *out)
{
        message_end(out);
        return compose_payload(c, 1, out);
}

/* --- outside ------------------------------------------------------------------------------------------------------ */

static int send_outside(struct ctl *c)
{
        autobuf struct buf message = BUF_INIT;
        const char *sync = ctl_option(c, "sync");
        uint32_t reply;
        int r = write_head(c, &message);

        if (ctl_option(c, "after"))
                return ctl_error(CTL_USAGE, "--after is for services: nobody outside is there to have sent it later");
        put_option(c, "ref", MESSAGE_REF, &message);
        if (r == CTL_OK)
                r = finish(c, &message);
        if (r == CTL_OK)
                r = compose_call(c, "Send", &message, sync && strcmp(sync, "taken") == 0 ? "taken" : NULL, &reply);
        if (r == CTL_OK && c->json) {
                ctl_put_json(c, reply);
        }
        return r;
}

static int ask_outside(struct ctl *c)
{
        autobuf struct buf message = BUF_INIT, bytes = BUF_INIT;
        uint32_t reply;
        const char *text;
        int r = write_head(c, &message);

        put_option(c, "ref", MESSAGE_REF, &message);
        if (r == CTL_OK)
                r = finish(c, &message);
        c->over_with_us = true;
        if (r == CTL_OK)
                r = compose_call(c, "Ask", &message, NULL, &reply);
        if (r != CTL_OK)
                return r;
        text = jget_text(&c->doc, reply, "message");
        if (jget_true(&c->doc, reply, "base64")) {
                if (base64_decode(text, strlen(text), &bytes) < 0)
                        return ctl_error(CTL_FAILED, "the daemon's answer is not base64");
        } else {
                buf_adds(&bytes, text);
        }
        return message_show(c, buf_text(&bytes), bytes.len, true);
}

/* --- inside ------------------------------------------------------------------------------------------------------- */

static int add_after(struct ctl *c, struct buf *out)
{
        const char *after = ctl_option(c, "after");
        nsec span;

        if (!after)
                return CTL_OK;
        if (value_span(after, NSEC_PER_SEC, &span) < 0 || span == NSEC_NEVER)
                return ctl_error(CTL_USAGE, "--after=%s: a time span such as 500ms", after);
        message_put_number(out, MESSAGE_AFTER_USEC, span / NSEC_PER_USEC);
        return CTL_OK;
}

static int send_inside(struct ctl *c)
{
        autobuf struct buf message = BUF_INIT, answer = BUF_INIT;
        const char *sync = ctl_option(c, "sync"), *ref = ctl_option(c, "ref");
        char made_up[40];
        int r = write_head(c, &message);

        if (sync && !ref)
                ref = inside_ref(made_up);
        if (r == CTL_OK)
                r = add_after(c, &message);
        if (sync)
                message_put(&message, MESSAGE_SYNC, sync);
        if (ref)
                message_put(&message, MESSAGE_REF, ref);
        if (r == CTL_OK)
                r = finish(c, &message);
        if (r != CTL_OK)
                return r;
        c->about = c->argv[0];
        return sync ? inside_call_as(c, ref, &message, &answer) : inside_send(c, &message);
}

struct answer {
        const char *ref;
};

static bool is_answer(const struct message *m, void *arg)
{
        const struct answer *a = arg;

        return message_is(m, MESSAGE_REF, a->ref);
}

static int ask_inside(struct ctl *c)
{
        autobuf struct buf message = BUF_INIT, bytes = BUF_INIT;
        struct answer a;
        struct message m;
        const char *problem;
        char ref[40];
        int r = write_head(c, &message);

        a.ref = ctl_option(c, "ref") ? ctl_option(c, "ref") : inside_ref(ref);
        message_put(&message, MESSAGE_REF, a.ref);
        if (r == CTL_OK)
                r = finish(c, &message);
        if (r == CTL_OK)
                r = inside_send(c, &message);
        if (r == CTL_OK)
                r = inside_receive(c, is_answer, &a, &bytes);
        if (r == CTL_NOT_FOUND)
                return ctl_error(CTL_FAILED, "no answer within %lld ms", (long long) c->timeout_ms);
        if (r == CTL_OK && message_parse(bytes.data, bytes.len, &m, &problem) == 0 &&
            message_is(&m, MESSAGE_TOPIC, "BOUNCE") && message_is(&m, MESSAGE_FROM, "coppice"))
                return ctl_error(CTL_FAILED, "%s: %.*s", c->argv[0], (int) m.payload_len, m.payload);
        return r == CTL_OK ? message_show(c, bytes.data, bytes.len, true) : r;
}

/* --- verbs -------------------------------------------------------------------------------------------------------- */

static int run_send(struct ctl *c)
{
        const char *sync = ctl_option(c, "sync");

        if (sync && strcmp(sync, "delivered") != 0 && strcmp(sync, "taken") != 0)
                return ctl_error(CTL_USAGE, "--sync=%s: delivered or taken", sync);
        return inside_fd(c) >= 0 ? send_inside(c) : send_outside(c);
}

static int run_ask(struct ctl *c)
{
        return inside_fd(c) >= 0 ? ask_inside(c) : ask_outside(c);
}

static int run_cancel(struct ctl *c)
{
        autobuf struct buf lines = BUF_INIT, answer = BUF_INIT;

        if (inside_fd(c) < 0)
                return ctl_error(CTL_USAGE, "only a service has messages that wait for their time: inside of one with "
                                 "Mailbox=yes");
        message_put(&lines, MESSAGE_CALL, "cancel");
        message_put(&lines, MESSAGE_VALUE, c->argv[0]);
        c->about = c->argv[0];
        return inside_call(c, &lines, &answer);
}

static const struct ctl_option receive_options[] = {
        { "topic", 't', "TOPIC", "Only one about that." },
        { "from", 0, "PATH", "Only one from there." },
        { "ref", 0, "REF", "Only one with that mark." },
        { "head", 0, "KEY=VALUE", "Only one with that line in its head. May be given several times." },
        { "payload", 'p', NULL, "Print the payload alone." },
        { "try", 0, NULL, "Do not wait: exit status 3 when there is none." },
        { 0 },
};

static bool fits(const struct message *m, enum message_key key, const char *want)
{
        return !want || message_is(m, key, want);
}

/* The lines that --head asks for. */
static bool has_lines(const struct message *m, const struct ctl *c)
{
        for (size_t i = 0; i < c->given_count; i++) {
                const char *line = c->given[i].arg, *eq = strchrnul(line, '=');
                char key[MESSAGE_KEY_MAX + 1];
                struct message_text v;

                if (strcmp(c->given[i].option->name, "head") != 0)
                        continue;
                (void) snprintf(key, sizeof key, "%.*s", (int) (eq - line), line);
                v = message_find(m, key);
                if (!v.at || v.len != strlen(eq + 1) || memcmp(v.at, eq + 1, v.len) != 0)
                        return false;
        }
        return true;
}

static bool is_wanted(const struct message *m, void *arg)
{
        const struct ctl *c = arg;

        return has_lines(m, c) && fits(m, MESSAGE_TOPIC, ctl_option(c, "topic")) &&
               fits(m, MESSAGE_FROM, ctl_option(c, "from")) && fits(m, MESSAGE_REF, ctl_option(c, "ref"));
}

static int run_receive(struct ctl *c)
{
        autobuf struct buf bytes = BUF_INIT;
        int r;

        if (inside_fd(c) < 0)
                return ctl_error(CTL_USAGE,
                                 "receive works inside of a service with Mailbox=yes: there is no $COPPICE_MAILBOX");
        for (size_t i = 0; i < c->given_count; i++)
                if (strcmp(c->given[i].option->name, "head") == 0 && !strchr(c->given[i].arg, '='))
                        return ctl_error(CTL_USAGE, "--head=%s: KEY=VALUE", c->given[i].arg);
        if (ctl_option(c, "try"))
                c->timeout_ms = 0;
        r = inside_receive(c, is_wanted, c, &bytes);
        return r == CTL_OK ? message_show(c, bytes.data, bytes.len, ctl_option(c, "payload") != NULL) : r;
}

const struct ctl_verb verb_send = {
        .name = "send", .args = "NODE [WORD...|-]",
        .help = "Send a message to a service, or to all children of a supervisor.",
        .prose = "The payload is the words, or standard input for \"-\". Inside of a service with Mailbox=yes the "
                 "message is from that service, and returns at once: what could not be delivered comes back to the "
                 "mailbox as BOUNCE, unless --sync waits for it. Outside it is from an operator, whom no "
                 "MessagePolicy= stops, and returns when it is delivered. NODE may be a registered name. See "
                 "coppice.mailbox(7).",
        .options = send_options, .min_args = 1, .max_args = -1, .complete = COMPLETE_NODES, .run = run_send,
};
const struct ctl_verb verb_cancel = {
        .name = "cancel", .args = "REF", .help = "Inside of a service: do not send what it has said to send later.",
        .prose = "All its messages with that mark (send --after=SPAN --ref=REF) that wait for their time; exit status "
                 "3 when there is none.",
        .min_args = 1, .max_args = 1, .run = run_cancel,
};
const struct ctl_verb verb_ask = {
        .name = "ask", .args = "NODE [WORD...|-]",
        .help = "Send a message to a service, wait for its answer and print that.",
        .prose = "The answer is the first message to the sender that carries the same REF. --timeout bounds the wait. "
                 "Inside of a service the question is from that service; other messages that come meanwhile stay in "
                 "its mailbox.",
        .options = send_options, .min_args = 1, .max_args = -1, .complete = COMPLETE_NODES, .run = run_ask,
};
const struct ctl_verb verb_receive = {
        .name = "receive", .args = "", .help = "Take the next message out of the mailbox, inside of a service.",
        .prose = "Waits for one, at most as long as --timeout says; exit status 3 when none came. With a condition the "
                 "first one that fits is taken, the others stay where they are. Prints the head, an empty line and the "
                 "payload.",
        .options = receive_options, .max_args = 0, .run = run_receive,
};
