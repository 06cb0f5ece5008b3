/* mail_find.c - whom a TO= means, who may answer whom, and clients of the control socket as correspondents. */
#include <string.h>

#include "core/bond.h"
#include "core/snapshot.h"
#include "daemon/mail_priv.h"

/* --- names -------------------------------------------------------------------------------------------------------- */

/* The last one is remembered: most senders have one correspondent. Nodes do not change their names, so only a new node
 * or a new registered name can change the answer. */
static bool remembered(const struct mailroom *r, const struct postbox *p, const struct message_text *to)
{
        return p->to_node != NODE_NONE && p->to_changes == core_changes(r->e->core) && p->to_names == r->names &&
               strlen(p->to_text) == to->len && memcmp(p->to_text, to->at, to->len) == 0 &&
               core_node(r->e->core, p->to_node);
}

static void remember(const struct mailroom *r, struct postbox *p, const struct message_text *to, node_id id)
{
        if (to->len >= sizeof p->to_text)
                return;
        memcpy(p->to_text, to->at, to->len);
        p->to_text[to->len] = '\0';
        p->to_node = id;
        p->to_changes = core_changes(r->e->core);
        p->to_names = r->names;
}

enum mail_result mail_find(struct mailroom *r, struct postbox *sender, const struct message_text *to, node_id *ret)
{
        const struct core *core = r->e->core;
        char name[MESSAGE_VALUE_MAX + 1];

        if (remembered(r, sender, to)) {
                *ret = sender->to_node;
                return MAIL_OK;
        }
        memcpy(name, to->at, to->len);
        name[to->len] = '\0';
        *ret = NODE_NONE;
        if (name[0] != '/') /* a registered name goes before that of a unit */
                *ret = core_whereis(core, core_node(core, sender->node)->parent, name, true);
        if (*ret == NODE_NONE)
                *ret = core_outward(core, core_node(core, sender->node)->parent, name);
        if (*ret == NODE_NONE)
                return MAIL_NOT_FOUND;
        remember(r, sender, to, *ret);
        return MAIL_OK;
}

/* --- tickets: an answer may go back where the question came from -------------------------------------------------- */

static uint32_t hash(const struct message_text *t)
{
        uint32_t h = 2166136261u;

        for (size_t i = 0; i < t->len; i++)
                h = (h ^ (unsigned char) t->at[i]) * 16777619u;
        return h;
}

static struct ticket *ticket_place(struct mailroom *r, uint32_t asker, node_id asked, const struct message *m)
{
        uint32_t h = hash(&m->value[MESSAGE_REF]) ^ asker * 2654435761u ^ asked * 40503u;

        return &r->tickets[(h ^ h >> 16) % TICKETS];
}

static void write_ticket(struct mailroom *r, struct ticket *at, struct ticket now)
{
        *at = now;
        mlog_ticket(r, at);
}

void ticket_give(struct mailroom *r, uint32_t asker, bool client, node_id asked, const struct message *m)
{
        if (message_has(m, MESSAGE_REF))
                write_ticket(r, ticket_place(r, asker, asked, m),
                             (struct ticket) { asker, asked, hash(&m->value[MESSAGE_REF]), client, true });
}

static bool ticket_take(struct mailroom *r, uint32_t asker, bool client, node_id asked, const struct message *m)
{
        struct ticket *t = message_has(m, MESSAGE_REF) ? ticket_place(r, asker, asked, m) : NULL;

        if (!t || !t->valid || t->asker != asker || t->asked != asked || t->client != client ||
            t->ref != hash(&m->value[MESSAGE_REF]))
                return false;
        write_ticket(r, t, (struct ticket) { 0 });
        return true;
}

bool ticket_use(struct mailroom *r, node_id asker, node_id asked, const struct message *m)
{
        return ticket_take(r, asker, false, asked, m);
}

/* Only where the answer would not be let through by itself. */
void ticket_make(struct mailroom *r, node_id asker, node_id asked, const struct message *m)
{
        const struct core *core = r->e->core;
        node_id by;

        if (message_has(m, MESSAGE_REF) && core_node(core, asker)->parent != core_node(core, asked)->parent &&
            !route_message(core, asked, asker, &by))
                ticket_give(r, asker, false, asked, m);
}

/* A number may become another's. */
void tickets_forget(struct mailroom *r, node_id id)
{
        for (size_t i = 0; i < TICKETS; i++)
                if (r->tickets[i].asked == id || (!r->tickets[i].client && r->tickets[i].asker == id))
                        r->tickets[i].valid = false;
}

/* --- clients ------------------------------------------------------------------------------------------------------ */

uint32_t engine_client_join(struct engine *e, mail_heard_fn *heard, void *arg)
{
        struct client *c = e->mail ? calloc(1, sizeof *c) : NULL;

        if (!c)
                return 0;
        if (++e->mail->last_client == 0)
                e->mail->last_client = 1;
        mlog_clients(e->mail);
        *c = (struct client) { .next = e->mail->clients, .number = e->mail->last_client, .heard = heard, .arg = arg };
        e->mail->clients = c;
        return c->number;
}

void engine_client_leave(struct engine *e, uint32_t number)
{
        for (struct client **at = e->mail ? &e->mail->clients : NULL; at && *at; at = &(*at)->next)
                if ((*at)->number == number) {
                        struct client *c = *at;

                        *at = c->next;
                        free(c);
                        return;
                }
}

/* NOT_FOUND: it is not for a client at all. */
enum mail_result mail_to_client(struct postbox *from, const struct message *m, struct parcel *p)
{
        const struct message_text *to = &m->value[MESSAGE_TO];
        struct mailroom *r = from->room;
        unsigned long number;
        char text[32];

        if (to->len < 8 || memcmp(to->at, "client:", 7) != 0)
                return MAIL_NOT_FOUND;
        if (!message_copy(m, MESSAGE_TO, text, sizeof text))
                return MAIL_NOPROC;
        number = strtoul(text + 7, NULL, 10);
        for (struct client *c = r->clients; c; c = c->next) {
                autobuf struct buf whole = BUF_INIT;

                if (c->number != number)
                        continue;
                if (!ticket_take(r, c->number, true, from->node, m))
                        return MAIL_FORBIDDEN;
                buf_add(&whole, p->head, p->head_len);
                buf_add(&whole, p->body, p->body_len);
                if (buf_failed(&whole))
                        return MAIL_BUSY;
                c->heard(c->arg, whole.data, whole.len); /* the list may have changed: do not go on */
                return MAIL_OK;
        }
        return MAIL_NOPROC;
}
