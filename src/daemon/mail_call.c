/* mail_call.c - what services ask of coppice itself (CALL=...). See mail_priv.h. */
#include <string.h>

#include "core/bond.h"
#include "daemon/channel.h"
#include "daemon/journal.h"
#include "daemon/mail.h"

struct calling {
        struct postbox *from;
        const struct message *m;
        struct parcel *p;
        struct buf more;        /* further lines of the answer */
        struct buf payload;     /* and what stands behind them */
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

/* --- channels (channel.h) ----------------------------------------------------------------------------------------- */

/* The message comes into the mailbox, with CHANNEL=; an answer only when none came. */
static enum mail_result call_receive(struct calling *c)
{
        struct channel *ch = channel_named(c->from, c->m);
        int64_t usec = message_number(c->m, MESSAGE_TIMEOUT_USEC);
        enum mail_result r = !ch ? MAIL_NOT_FOUND : usec == -2 ? MAIL_BAD_MESSAGE : channel_may_take(ch, c->from->node);

        return r == MAIL_OK ? channel_pull(ch, c->from, c->m, usec, 0) : r;
}

/* One message of the first of several that has one. */
static enum mail_result call_select(struct calling *c)
{
        int64_t usec = message_number(c->m, MESSAGE_TIMEOUT_USEC);

        return usec == -2 ? MAIL_BAD_MESSAGE : channel_select(c->from, c->m, usec, &c->payload);
}

static enum mail_result call_ack(struct calling *c)
{
        struct channel *ch = channel_named(c->from, c->m);
        enum mail_result r = ch ? channel_ack(ch, c->from->node, message_number(c->m, MESSAGE_ACK)) : MAIL_NOT_FOUND;

        if (ch && r == MAIL_NOT_FOUND)
                buf_adds(&c->payload, "it has given this service no message of that number, or it was acknowledged");
        return r;
}

static enum mail_result call_channel_create(struct calling *c)
{
        return channel_make(c->from, c->m);
}

/* Only one below the own supervisor that no unit describes. */
static enum mail_result call_channel_close(struct calling *c)
{
        const struct core *core = c->from->room->e->core;
        struct channel *ch = channel_named(c->from, c->m);

        if (!ch)
                return channel_close_pipe(c->from, c->m);
        if (ch->from_unit || !node_within(core, ch->place, core_node(core, c->from->node)->parent))
                return MAIL_NOT_DESCENDANT;
        channel_close(ch);
        return MAIL_OK;
}

/* --- links, monitors, names (core/bond.h) ------------------------------------------------------------------------- */

static enum mail_result in_words_of_mail(enum result r)
{
        switch (r) {
        case RESULT_OK: return MAIL_OK;
        case RESULT_NOT_FOUND: return MAIL_NOT_FOUND;
        case RESULT_ALREADY_PRESENT: return MAIL_EXISTS;
        case RESULT_NOPROC:
        case RESULT_NOT_RUNNING: return MAIL_NOPROC;
        case RESULT_BUSY: return MAIL_BUSY;
        case RESULT_SHUTTING_DOWN: return MAIL_SHUTTING_DOWN;
        default: return MAIL_FAILED;
        }
}

static void unlink_asking(struct asking *a)
{
        struct asking **at = &a->e->mail->asking;

        while (*at && *at != a)
                at = &(*at)->next;
        if (*at)
                *at = a->next;
}

static void on_decided(void *arg, uint32_t token, enum result result)
{
        struct asking *a = arg;
        struct postbox *from = postbox_of(a->e, a->from);
        const char *problem;
        struct message m;

        journal_text_over(a->e, a->text);
        a->e->mail->names++;
        if (from && from->incarnation == a->incarnation &&
            message_parse(a->question.data, a->question.len, &m, &problem) == 0)
                mail_tell(from, &m, in_words_of_mail(result), NULL);
        mlog_asked(a->e->mail, token);
        unlink_asking(a);
        asking_free(a);
}

void asking_free(struct asking *a)
{
        buf_free(&a->question);
        free(a);
}

/* The core answers questions of an engine before us too. */
void asking_resume(struct asking *a)
{
        if (!engine_expect(a->e, a->token, on_decided, a)) {
                unlink_asking(a);
                journal_text_over(a->e, a->text);
                asking_free(a);
        }
}

/* WAIT: the answer comes later. */
static enum mail_result ask_core(struct calling *c, struct event *event, const char *text)
{
        struct engine *e = c->from->room->e;
        struct asking *a = calloc(1, sizeof *a);

        if (!a)
                return MAIL_BUSY;
        *a = (struct asking) { .e = e, .from = c->from->node, .incarnation = c->from->incarnation,
                               .question = BUF_INIT };
        buf_add(&a->question, c->m->head, c->m->head_len);
        message_end(&a->question);
        if (text && *text)
                a->text = journal_text(e, text);
        event->arg2 = a->text;
        if (core_bond_reserve(e->core) == 0 && (!text || !*text || a->text))
                a->token = engine_request(e, event, on_decided, a);
        if (a->token) {
                a->next = e->mail->asking;
                e->mail->asking = a;
                mlog_asking(e->mail, a);
                return MAIL_WAIT;
        }
        journal_text_over(e, a->text);
        asking_free(a);
        return MAIL_BUSY;
}

/* NODE=, which must be one that the sender may act on. */
static enum mail_result target_of(struct calling *c, node_id *ret)
{
        const struct core *core = c->from->room->e->core;
        enum mail_result r;

        if (!message_has(c->m, MESSAGE_NODE))
                return MAIL_BAD_MESSAGE;
        r = mail_find(c->from->room, c->from, &c->m->value[MESSAGE_NODE], ret);
        if (r != MAIL_OK)
                return r;
        return route_act(core, c->from->node, *ret) ? MAIL_OK : MAIL_NOT_DESCENDANT;
}

static struct event event_of(const struct calling *c, enum event_kind kind)
{
        return (struct event) { .kind = (uint8_t) kind, .flags = REQ_STRICT, .node = c->from->node,
                                .incarnation = c->from->incarnation };
}

static enum mail_result with_target(struct calling *c, enum event_kind kind, const char *text)
{
        struct event e = event_of(c, kind);
        node_id other;
        enum mail_result r = target_of(c, &other);

        e.arg = other;
        return r == MAIL_OK ? ask_core(c, &e, text) : r;
}

static enum mail_result call_link(struct calling *c)
{
        return with_target(c, EVT_LINK, NULL);
}

static enum mail_result call_unlink(struct calling *c)
{
        return with_target(c, EVT_UNLINK, NULL);
}

static enum mail_result call_monitor(struct calling *c)
{
        char ref[BOND_TEXT_MAX] = "";

        if (message_has(c->m, MESSAGE_REF) && !message_copy(c->m, MESSAGE_REF, ref, sizeof ref))
                return MAIL_BAD_MESSAGE;
        return with_target(c, EVT_MONITOR, ref);
}

/* VALUE= is the REF of the monitor; without it NODE= says whom. A DOWN that has come already is taken out again. */
static enum mail_result call_demonitor(struct calling *c)
{
        struct event e = event_of(c, EVT_DEMONITOR);
        char ref[BOND_TEXT_MAX];

        if (!message_has(c->m, MESSAGE_VALUE))
                return with_target(c, EVT_DEMONITOR, NULL);
        if (!message_copy(c->m, MESSAGE_VALUE, ref, sizeof ref))
                return MAIL_BAD_MESSAGE;
        mail_take_out(c->from, &c->m->value[MESSAGE_VALUE]);
        return ask_core(c, &e, ref);
}

static enum mail_result call_trap_exit(struct calling *c)
{
        struct event e = event_of(c, EVT_TRAP_EXIT);

        e.arg = message_is(c->m, MESSAGE_VALUE, "yes");
        return e.arg || message_is(c->m, MESSAGE_VALUE, "no") ? ask_core(c, &e, NULL) : MAIL_BAD_MESSAGE;
}

/* It traps exits, perhaps, and reads none of them. */
static bool hears_nothing(const struct calling *c, node_id id)
{
        struct postbox *to = postbox_of(c->from->room->e, id);

        return to && mail_overflows(to);
}

/* An exit signal to somebody below the own supervisor, or to oneself. */
static enum mail_result call_exit(struct calling *c)
{
        struct event e = { .kind = EVT_EXIT_SIGNAL, .arg = c->from->node };
        char reason[200];
        enum mail_result r;

        if (!message_copy(c->m, MESSAGE_REASON, reason, sizeof reason) || reason_parse(reason, &e.reason) < 0) {
                buf_adds(&c->payload, "REASON= is a word such as normal, shutdown, killed, exit:3 or signal:SEGV");
                return MAIL_BAD_MESSAGE;
        }
        r = target_of(c, &e.node);
        if (r == MAIL_OK && e.reason.kind != REASON_KILLED && hears_nothing(c, e.node))
                r = MAIL_FULL;
        return r == MAIL_OK ? ask_core(c, &e, NULL) : r;
}

/* VALUE= is what it has to say. */
static enum mail_result call_event(struct calling *c)
{
        struct event e = event_of(c, EVT_EMIT);
        char text[BOND_TEXT_MAX];

        return message_copy(c->m, MESSAGE_VALUE, text, sizeof text) ? ask_core(c, &e, text) : MAIL_BAD_MESSAGE;
}

static enum mail_result call_spawn(struct calling *c)
{
        return mail_spawn(c->from, c->m, c->p, &c->payload);
}

static bool name_of(const struct calling *c, char name[BOND_TEXT_MAX])
{
        return message_copy(c->m, MESSAGE_NAME, name, BOND_TEXT_MAX) && !strpbrk(name, "/ :");
}

/* Itself, or (NODE=) somebody below its own supervisor, in the scope of that supervisor. */
static enum mail_result call_register(struct calling *c)
{
        struct event e = event_of(c, EVT_REGISTER);
        char name[BOND_TEXT_MAX];
        enum mail_result r = MAIL_OK;

        if (!name_of(c, name))
                return MAIL_BAD_MESSAGE;
        if (message_has(c->m, MESSAGE_NODE)) {
                r = target_of(c, &e.node);
                e.incarnation = 0;
        }
        e.arg = core_node(c->from->room->e->core, c->from->node)->parent;
        return r == MAIL_OK ? ask_core(c, &e, name) : r;
}

static enum mail_result call_unregister(struct calling *c)
{
        struct event e = { .kind = EVT_UNREGISTER };
        char name[BOND_TEXT_MAX];

        if (!name_of(c, name))
                return MAIL_BAD_MESSAGE;
        e.node = core_node(c->from->room->e->core, c->from->node)->parent;
        return ask_core(c, &e, name);
}

static enum mail_result whereis(struct calling *c, bool outward)
{
        struct engine *e = c->from->room->e;
        char name[BOND_TEXT_MAX], path[PATH_MAX_NODE];
        node_id id;

        if (!name_of(c, name))
                return MAIL_BAD_MESSAGE;
        id = core_whereis(e->core, core_node(e->core, c->from->node)->parent, name, outward);
        if (id == NODE_NONE)
                return MAIL_NOT_FOUND;
        message_put(&c->more, MESSAGE_NODE, engine_path(e, id, path, sizeof path));
        return MAIL_OK;
}

static enum mail_result call_whereis(struct calling *c)
{
        return whereis(c, true);
}

static enum mail_result call_whereis_local(struct calling *c)
{
        return whereis(c, false);
}

/* The names of its own scope in the payload, "NAME PATH" a line. */
static enum mail_result call_registered(struct calling *c)
{
        struct engine *e = c->from->room->e;
        node_id scope = core_node(e->core, c->from->node)->parent;
        uint32_t at = BOND_NONE;
        const struct bond *d;
        char path[PATH_MAX_NODE];
        int64_t n = 0;

        while ((d = core_bond_next(e->core, scope, &at)))
                if (d->kind == BOND_NAME && d->a == scope) {
                        buf_addf(&c->payload, "%s %s\n", core_text(e->core, d->ref),
                                 engine_path(e, d->b, path, sizeof path));
                        n++;
                }
        message_put_number(&c->more, MESSAGE_COUNT, n);
        return MAIL_OK;
}

/* --- what the core has to say ------------------------------------------------------------------------------------- */

void mail_deliver(struct engine *e, const struct action *a)
{
        struct postbox *p = postbox_of(e, a->node);
        autobuf struct buf out = BUF_INIT;
        char path[PATH_MAX_NODE], peer[PATH_MAX_NODE], reason[PATH_MAX_NODE + 80];

        if (!p)
                return;
        message_put(&out, MESSAGE_FROM, "coppice");
        message_put(&out, MESSAGE_TOPIC, a->role == DELIVER_EXIT ? "EXIT" : "DOWN");
        if (a->token)
                message_put(&out, MESSAGE_REF, core_text(e->core, a->token));
        message_put(&out, MESSAGE_NODE, engine_path(e, (node_id) a->arg, path, sizeof path));
        message_put(&out, MESSAGE_REASON, reason_format(&a->reason, engine_path(e, a->reason.peer, peer, sizeof peer),
                                                        reason, sizeof reason));
        message_end(&out);
        mail_put_own(p, &out);
        mail_choke(p);
}

static const struct {
        const char *name;
        call_fn *fn;
} calls[] = {
        { "ping", call_ping },
        { "cancel", call_cancel },
        { "receive", call_receive },
        { "select", call_select },
        { "ack", call_ack },
        { "channel-create", call_channel_create },
        { "channel-close", call_channel_close },
        { "link", call_link },
        { "unlink", call_unlink },
        { "monitor", call_monitor },
        { "demonitor", call_demonitor },
        { "trap-exit", call_trap_exit },
        { "exit", call_exit },
        { "event", call_event },
        { "spawn", call_spawn },
        { "register", call_register },
        { "unregister", call_unregister },
        { "whereis", call_whereis },
        { "whereis-local", call_whereis_local },
        { "registered", call_registered },
};

static void run_call(struct calling *c, call_fn *fn)
{
        enum mail_result r = fn(c);

        if (c->payload.len) {
                message_end(&c->more);
                buf_add(&c->more, c->payload.data, c->payload.len);
        }
        if (r != MAIL_WAIT)
                mail_tell(c->from, c->m, r, &c->more);
        buf_free(&c->more);
        buf_free(&c->payload);
}

void mail_call(struct postbox *from, const struct message *m, struct parcel *p)
{
        struct calling c = { .from = from, .m = m, .p = p, .more = BUF_INIT, .payload = BUF_INIT };

        for (size_t i = 0; i < ARRAY_LEN(calls); i++)
                if (message_is(m, MESSAGE_CALL, calls[i].name)) {
                        run_call(&c, calls[i].fn);
                        return;
                }
        mail_tell(from, m, MAIL_UNKNOWN_CALL, NULL);
}
