/* channel_api.c - channels as the control server and the unit files ask for them. See mailroom.h, channel.h. */
#include <string.h>

#include "core/route.h"
#include "daemon/channel.h"
#include "daemon/mail.h"
#include "daemon/pipe_priv.h"
#include "unit/unit_set.h"

/* --- units -------------------------------------------------------------------------------------------------------- */

static struct channel *of_unit(struct mailroom *r, node_id place, const struct spec *s)
{
        for (struct channel *ch = r->channels; ch; ch = ch->next)
                if (ch->place == place && strcmp(spec_name(ch->spec), spec_name(s)) == 0)
                        return ch;
        return NULL;
}

enum mail_result channel_missing(struct mailroom *r, node_id scope, const char *name)
{
        return pipe_find(r->e, scope, name) ? MAIL_IS_PIPE : MAIL_NOT_FOUND;
}

/* Closed ones that have been emptied: here nobody is busy with one. */
static void sweep(struct mailroom *r)
{
        struct channel *next;

        for (struct channel *ch = r->channels; ch; ch = next) {
                next = ch->next;
                if (ch->closed && !ch->box.box.head && !ch->unacked && !ch->pullers)
                        channel_free(ch);
        }
}

static void add_or_change(struct engine *e, node_id place, struct spec *s)
{
        struct channel *there = of_unit(e->mail, place, s);
        enum mail_result r = MAIL_OK;

        if (there) {
                there->from_unit = true;
                there->closed = false; /* written down with the spec */
                channel_set_spec(there, s);
        } else {
                r = channel_add(e->mail, place, s, true);
        }
        if (r == MAIL_OK)
                return;
        log_error("%s: %s", spec_name(s), r == MAIL_EXISTS ? "something else is called so there" : mail_sentence(r));
}

void channels_load(struct engine *e, const struct unit_set *set, const node_id *ids)
{
        struct channel *next;

        pipes_load(e, set, ids);
        if (!e->mail)
                return;
        sweep(e->mail);
        for (struct channel *ch = e->mail->channels; ch; ch = ch->next)
                ch->stays = !ch->from_unit;
        for (size_t i = 0; i < unit_set_channel_count(set); i++) {
                const struct unit_node *n = unit_set_channel(set, i);
                struct channel *ch;

                if (spec_int(n->spec, D_CHANNEL_Type) != CHANNEL_MESSAGE)
                        continue;
                add_or_change(e, ids[n->parent], n->spec);
                ch = of_unit(e->mail, ids[n->parent], n->spec);
                if (ch)
                        ch->stays = true;
        }
        for (struct channel *ch = e->mail->channels; ch; ch = next) {
                next = ch->next;
                if (!ch->stays)
                        channel_close(ch);
        }
}

/* The supervisor goes, and its channels with it. */
void channels_place_gone(struct engine *e, node_id place)
{
        struct channel *next;

        for (struct channel *ch = e->mail ? e->mail->channels : NULL; ch; ch = next) {
                next = ch->next;
                if (ch->place == place)
                        channel_free(ch);
        }
}

/* --- control ------------------------------------------------------------------------------------------------------ */

static void note_first(void *arg, const struct diag *d)
{
        struct err *err = arg;

        if (d->severity == DIAG_ERROR && !err->text[0])
                *err = d->err;
}

/* "Key=VALUE" lines, as in [Channel] of a unit. */
static struct spec *spec_of(struct engine *e, const char *name, const char *settings, struct err *err)
{
        autobuf struct buf text = BUF_INIT;
        struct unit_source source = { .file = "settings" };
        char full[256];
        struct spec *s = NULL;
        size_t n = strlen(name);

        (void) snprintf(full, sizeof full, "%.200s%s", name,
                        n > 8 && strcmp(name + n - 8, ".channel") == 0 ? "" : ".channel");
        buf_addf(&text, "[Channel]\nType=message\n%s\n", settings);
        source.text = buf_text(&text);
        source.len = text.len;
        if (buf_failed(&text) || unit_text_parse(full, &source, 1, unit_paths_host(engine_unit_paths(e)), note_first,
                                                 err, &s) < 0) {
                if (!err->text[0])
                        (void) err_set(err, STAGE_LOAD, EINVAL, "%s: not a name and settings of a channel", full);
                return NULL;
        }
        return s;
}

/* What services make has nobody who answers for its size: is it more than all of theirs below one supervisor may be? */
static bool is_too_much(const struct engine *e, node_id place, const struct spec *s)
{
        bool queue = spec_int(s, D_CHANNEL_Type) == CHANNEL_MESSAGE;
        int64_t bytes = queue ? spec_int(s, D_CHANNEL_CapacityBytes) : 0;
        unsigned n = pipes_made(e, place);

        for (const struct channel *ch = e->mail->channels; ch; ch = ch->next)
                if (ch->place == place && !ch->from_unit) {
                        bytes += spec_int(ch->spec, D_CHANNEL_CapacityBytes);
                        n++;
                }
        return n >= CHANNELS_MADE_MAX || bytes > CHANNELS_MADE_BYTES ||
               (queue && spec_int(s, D_CHANNEL_Capacity) > CHANNELS_MADE_CAPACITY);
}

static enum mail_result create(struct engine *e, node_id place, struct spec *s, bool within, struct err *err)
{
        sweep(e->mail);
        pipes_sweep(e);
        if (within && is_too_much(e, place, s))
                return MAIL_BUSY;
        if (of_unit(e->mail, place, s) || pipe_called(e, place, s)) /* a name is one of either kind */
                return MAIL_EXISTS;
        if (spec_int(s, D_CHANNEL_Type) == CHANNEL_MESSAGE)
                return channel_add(e->mail, place, s, false);
        return pipe_check(e, place, s, within, err) < 0 ? MAIL_FAILED : pipe_add(e, place, s, false);
}

static enum mail_result parse_and_create(struct engine *e, node_id place, const char *name, const char *settings,
                                         bool within, struct err *err)
{
        struct spec *s = e->mail ? spec_of(e, name, settings, err) : NULL;
        enum mail_result r;

        if (!s)
                return MAIL_BAD_MESSAGE;
        r = create(e, place, s, within, err);
        spec_unref(s);
        return r;
}

enum mail_result engine_channel_create(struct engine *e, node_id place, const char *name, const char *settings,
                                       struct err *err)
{
        return parse_and_create(e, place, name, settings, false, err);
}

enum mail_result engine_channel_close(struct engine *e, const char *name)
{
        struct channel *ch = e->mail ? channel_find(e->mail, NODE_ROOT, name) : NULL;
        struct pipe_channel *pipe = ch ? NULL : pipe_find(e, NODE_ROOT, name);

        if (pipe)
                pipe_close(pipe);
        else if (ch)
                channel_close(ch);
        return ch || pipe ? MAIL_OK : MAIL_NOT_FOUND;
}

void engine_channels(struct engine *e, engine_channel_fn *fn, void *arg)
{
        if (e->mail)
                sweep(e->mail);
        for (const struct channel *ch = e->mail ? e->mail->channels : NULL; ch; ch = ch->next) {
                struct channel_facts f = {
                        .path = ch->path, .spec = ch->spec, .closed = ch->closed, .from_unit = ch->from_unit,
                        .waiting = box_count(&ch->box.box), .bytes = box_bytes(&ch->box.box),
                        .accepted = ch->box.box.accepted, .delivered = ch->delivered, .dropped = ch->box.box.dropped,
                        .rejected = ch->box.box.rejected, .acked = ch->acked, .redelivered = ch->redelivered,
                };

                for (const struct waiter *w = ch->box.first; w; w = w->next)
                        f.blocked++;
                for (const struct puller *p = ch->pullers; p; p = p->next)
                        f.readers_waiting++;
                for (const struct unacked *u = ch->unacked; u; u = u->next)
                        f.unacked++;
                fn(arg, &f);
        }
        pipes_tell(e, fn, arg);
}

void engine_channel_edges(struct engine *e, engine_pipe_edge_fn *fn, void *arg)
{
        for (const struct channel *ch = e->mail ? e->mail->channels : NULL; ch; ch = ch->next)
                for (size_t f = 0; f < spec_count(ch->spec, D_CHANNEL_From); f++)
                        for (size_t t = 0; t < spec_count(ch->spec, D_CHANNEL_To); t++) {
                                node_id from = core_outward(e->core, ch->place, spec_item(ch->spec, D_CHANNEL_From, f));
                                node_id to = core_outward(e->core, ch->place, spec_item(ch->spec, D_CHANNEL_To, t));

                                if (from != NODE_NONE && to != NODE_NONE)
                                        fn(arg, ch->path, from, to);
                        }
}

struct puller *engine_channel_receive(struct engine *e, const char *name, bool wait, const struct channel_claim *claim,
                                      mail_heard_fn *heard, void *arg)
{
        struct channel *ch = e->mail ? channel_find(e->mail, NODE_ROOT, name) : NULL;
        enum mail_result r = ch ? MAIL_OK : e->mail ? channel_missing(e->mail, NODE_ROOT, name) : MAIL_NOT_FOUND;
        struct puller *p;

        if (e->mail && channel_claimed(e->mail, claim, false, heard, arg))
                return NULL;
        if (ch && !ch->box.box.head && (!wait || ch->closed))
                r = ch->closed ? MAIL_CLOSED : MAIL_EMPTY;
        p = r == MAIL_OK ? channel_add_puller(ch) : NULL;
        if (!p) {
                heard(arg, NULL, r == MAIL_OK ? MAIL_BUSY : (size_t) r);
                return NULL;
        }
        p->heard = heard;
        p->arg = arg;
        channel_claim_by(p, claim);
        if (ch->box.box.head)
                channel_move(ch);
        for (struct puller *at = ch->pullers; at; at = at->next)
                if (at == p)
                        return p; /* those before it have taken what there was */
        return NULL;
}

void engine_channel_forget(struct puller *p)
{
        channel_drop_puller(p);
}

static bool group_waits(struct channel *const *list, size_t n, uint64_t group)
{
        for (size_t i = 0; i < n; i++)
                for (const struct puller *p = list[i]->pullers; p; p = p->next)
                        if (p->group == group)
                                return true;
        return false;
}

uint64_t engine_channel_select(struct engine *e, const char *const *names, size_t n, bool wait,
                               const struct channel_claim *claim, mail_heard_fn *heard, void *arg, size_t *ret_at)
{
        struct channel *list[CHANNEL_SELECT_MAX] = { NULL };
        bool any = false;
        enum mail_result r = MAIL_OK;
        uint64_t group;

        if (e->mail && channel_claimed(e->mail, claim, true, heard, arg))
                return 0;
        for (size_t i = 0; i < n && r == MAIL_OK; i++) {
                list[i] = e->mail ? channel_find(e->mail, NODE_ROOT, names[i]) : NULL;
                r = list[i] ? MAIL_OK : e->mail ? channel_missing(e->mail, NODE_ROOT, names[i]) : MAIL_NOT_FOUND;
                if (r == MAIL_OK && !list[i]->box.box.head && list[i]->closed)
                        r = MAIL_CLOSED;
                any = any || (r == MAIL_OK && list[i]->box.box.head);
                *ret_at = i;
        }
        if (r == MAIL_OK && !any && !wait)
                r = MAIL_EMPTY;
        group = r == MAIL_OK ? mlog_serial(e->mail) : 0;
        for (size_t i = 0; i < n && r == MAIL_OK; i++) {
                struct puller *p = channel_add_puller(list[i]);

                if (!p)
                        continue;
                p->group = group;
                p->heard = heard;
                p->arg = arg;
                channel_claim_by(p, claim);
        }
        for (size_t i = 0; i < n && r == MAIL_OK; i++)
                if (group_waits(list, n, group))
                        channel_move(list[i]);
        if (r != MAIL_OK)
                heard(arg, NULL, (size_t) r);
        return r == MAIL_OK && group_waits(list, n, group) ? group : 0;
}

void engine_channel_forget_group(struct engine *e, uint64_t group)
{
        channels_drop_group(e->mail, group);
}

/* --- calls of services -------------------------------------------------------------------------------------------- */

struct channel *channel_named(struct postbox *from, const struct message *m)
{
        struct engine *e = from->room->e;
        char name[MESSAGE_VALUE_MAX + 1];

        return message_copy(m, MESSAGE_CHANNEL, name, sizeof name) ?
               channel_find(from->room, core_node(e->core, from->node)->parent, name) : NULL;
}

enum mail_result channel_make(struct postbox *from, const struct message *m)
{
        struct engine *e = from->room->e;
        autofree char *settings = strndup(m->payload, m->payload_len);
        char name[MESSAGE_VALUE_MAX + 1];
        struct err err = { 0 };

        if (!settings || !message_copy(m, MESSAGE_CHANNEL, name, sizeof name))
                return MAIL_BAD_MESSAGE;
        return parse_and_create(e, core_node(e->core, from->node)->parent, name, settings, true, &err);
}

enum mail_result channel_close_pipe(struct postbox *from, const struct message *m)
{
        struct engine *e = from->room->e;
        node_id super = core_node(e->core, from->node)->parent;
        char name[MESSAGE_VALUE_MAX + 1];
        struct pipe_channel *ch = message_copy(m, MESSAGE_CHANNEL, name, sizeof name)
                                  ? pipe_find(e, super, name) : NULL;

        if (!ch)
                return MAIL_NOT_FOUND;
        if (ch->from_unit || !node_within(e->core, ch->place, super))
                return MAIL_NOT_DESCENDANT;
        pipe_close(ch);
        return MAIL_OK;
}

static size_t line_length(const char *at, const char *end)
{
        const char *eol = memchr(at, '\n', (size_t) (end - at));

        return (size_t) ((eol ? eol : end) - at);
}

/* CALL=select: the names are lines of the payload. */
enum mail_result channel_select(struct postbox *reader, const struct message *m, int64_t usec, struct buf *why)
{
        struct mailroom *r = reader->room;
        struct channel *list[CHANNEL_SELECT_MAX];
        uint64_t group = mlog_serial(r);
        size_t n = 0, len;
        enum mail_result result;
        bool any = false;

        for (const char *at = m->payload, *end = m->payload + m->payload_len; at < end; at += len + 1, n++) {
                char name[MESSAGE_VALUE_MAX + 1];

                len = line_length(at, end);
                if (n == CHANNEL_SELECT_MAX || len == 0 || len > MESSAGE_VALUE_MAX)
                        return MAIL_BAD_MESSAGE;
                memcpy(name, at, len);
                name[len] = '\0';
                list[n] = channel_find(r, core_node(r->e->core, reader->node)->parent, name);
                result = list[n] ? channel_may_take(list[n], reader->node) : MAIL_NOT_FOUND;
                if (result == MAIL_OK && !list[n]->box.box.head && list[n]->closed)
                        result = MAIL_CLOSED;
                if (result != MAIL_OK) {
                        buf_addf(why, "%s: %s", name, mail_sentence(result));
                        return result;
                }
                any = any || list[n]->box.box.head;
        }
        if (n == 0 || (!any && usec == 0))
                return n ? MAIL_EMPTY : MAIL_BAD_MESSAGE;
        for (size_t i = 0; i < n; i++) {
                /* the first one watches the time for all */
                result = channel_pull(list[i], reader, m, i ? -1 : usec, group);
                if (result != MAIL_WAIT) {
                        channels_drop_group(r, group);
                        return result;
                }
        }
        return MAIL_WAIT;
}
