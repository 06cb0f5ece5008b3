/* control_events.c - the stream of records.
 *
 * A subscriber is a cursor over the core's own ring of records: nothing is copied for it, so one that does not read
 * costs nothing and holds up nobody. When the ring has gone round before it reads on, it is told how many records
 * it has missed (`lagged`). Snapshot and number come in one reply, so nothing lies between them (FAILURES G13). */
#include <string.h>

#include "daemon/control_priv.h"
#include "daemon/node_json.h"

enum { RECORDS_PER_REPLY = 64 };

struct stream {
        uint64_t next;           /* the first record not sent yet */
        node_id under;
        uint64_t born;           /* of that node: its number may become another's */
        bool snapshot;           /* still to be sent */
        bool greeted;            /* the first reply comes at once: then the client knows that it listens */
};

/* The node that was asked about; NULL: it is gone. */
static const struct node *top_of(const struct core *c, const struct stream *s)
{
        const struct node *n = core_node(c, s->under);

        return n && n->born == s->born ? n : NULL;
}

static bool is_below(const struct core *c, node_id id, const struct stream *s)
{
        const struct node *n;

        if (s->under == NODE_ROOT)
                return true;
        if (!top_of(c, s))
                return false;
        while (id != s->under) {
                n = core_node(c, id);
                if (!n)
                        return false;
                id = n->parent;
        }
        return true;
}

/* The oldest record that is still kept, by halving: the kept ones are all from some number on. */
static uint64_t oldest(const struct core *c)
{
        uint64_t last = core_last_seq(c), low = 1, high = last, middle;

        while (low < high) {
                middle = low + (high - low) / 2;
                if (core_record(c, middle))
                        high = middle;
                else
                        low = middle + 1;
        }
        return last ? low : 1;
}

/* Is there a reply to send? Records about other branches are passed over. */
static bool anything(const struct core *c, struct stream *s)
{
        const struct record *r;

        if (!s->greeted)
                return true;
        for (; s->next <= core_last_seq(c); s->next++) {
                r = core_record(c, s->next);
                if (!r || is_below(c, core_meant(c, r, r->node), s))
                        return true;
        }
        return false;
}

static void write_snapshot(struct call *c, struct json *j, const struct stream *s)
{
        const struct core *core = call_core(c);
        const struct node *top = top_of(core, s);
        int depth = 0;

        json_open(j, "nodes", '[');
        for (node_id id = top ? top->id : NODE_NONE; id != NODE_NONE; id = node_after(core, s->under, id, &depth))
                json_node(j, NULL, call_engine(c), core_node(core, id));
        json_close(j);
}

static void write_records(struct call *c, struct json *j, struct stream *s, unsigned max)
{
        const struct core *core = call_core(c);
        uint64_t last = core_last_seq(core);
        unsigned n = 0;

        json_open(j, "records", '[');
        for (; s->next <= last && n < max; s->next++) {
                const struct record *r = core_record(core, s->next);

                if (!r || !is_below(core, core_meant(core, r, r->node), s))
                        continue;
                json_record(j, NULL, call_engine(c), r);
                n++;
        }
        json_close(j);
}

/* One reply: the snapshot, or the records that are there. */
static void write_reply(struct call *c, bool continues)
{
        struct stream *s = c->state;
        const struct core *core = call_core(c);
        uint64_t first = oldest(core), missed = 0;
        struct json *j = call_open(c);
        bool snapshot = s->snapshot;

        if (s->next < first) {
                missed = first - s->next;
                s->next = first;
        }
        if (snapshot)
                write_snapshot(c, j, s);
        else
                json_nil(j, "nodes");
        write_records(c, j, s, snapshot ? 0 : continues ? RECORDS_PER_REPLY : UINT32_MAX);
        json_uint(j, "seq", s->next - 1);
        if (missed)
                json_uint(j, "lagged", missed);
        else
                json_nil(j, "lagged");
        s->snapshot = false;
        s->greeted = true;
        call_close(c, continues);
}

static bool produce_records(struct call *c)
{
        struct stream *s = c->state;

        if (anything(call_core(c), s))
                write_reply(c, true);
        return anything(call_core(c), s);
}

static void on_published(struct call *c, uint64_t first, uint64_t last)
{
        (void) first, (void) last;
        conn_work(c->conn);
}

static void drop_stream(struct call *c)
{
        free(c->state);
}

static const struct call_ops stream_ops = { .produce = produce_records, .published = on_published,
                                            .drop = drop_stream };
static const struct call_ops once_ops = { .drop = drop_stream };

void method_Events(struct call *c)
{
        const struct core *core = call_core(c);
        bool replay = param_has(&c->in, "since"), snapshot = param_bool(&c->in, "snapshot");
        int64_t since = param_int(&c->in, "since", 0);
        struct stream *s;
        node_id under;

        if (!call_under(c, "under", &under))
                return;
        if (since < 0) {
                call_fail(c, "BadValue", "parameter", "since", "message", "a number from 0 on");
                return;
        }
        s = malloc(sizeof *s);
        if (!s) {
                call_fail(c, "Failed", "message", "out of memory", "hint", NULL);
                return;
        }
        *s = (struct stream) { .under = under, .born = core_node(core, under)->born, .snapshot = snapshot,
                               .next = core_last_seq(core) + 1 };
        if (!snapshot && (replay || !c->in.more))
                s->next = since > 0 ? (uint64_t) since : oldest(core);
        c->state = s;
        c->ops = c->in.more ? &stream_ops : &once_ops;
        if (!c->in.more)
                write_reply(c, false);
}
