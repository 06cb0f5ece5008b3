/* pipe_tell.c - what people see of channels of Type=pipe. See mailroom.h, pipe_priv.h. */
#include <string.h>

#include "daemon/pipe_priv.h"
#include "os/pipe.h"

/* What readers have before them is all runs together; whether a write would wait is a matter of the newest. */
static void tell_line(const struct pipe_line *l, struct pipe_facts_told *ret)
{
        const struct spec *s = l->channel->spec;
        struct pipe_facts f;

        *ret = (struct pipe_facts_told) { .asked = spec_has(s, D_CHANNEL_Capacity)
                                          ? spec_int(s, D_CHANNEL_Capacity) : 0,
                                          .refused = l->refused, .run = l->last_run, .capacity = -1 };
        for (const struct pipe_run *r = l->runs; r; r = r->next) {
                pipe_look(r->in, r->out, &f);
                ret->queued += f.queued;
                ret->capacity = f.capacity;
                ret->full = f.full;
                ret->ended = r->out < 0;
                ret->runs += !f.drained;
        }
}

static void count_reader(const struct pipe_line *l, struct pipe_facts_told *ret)
{
        struct pipe_facts_told one;

        tell_line(l, &one);
        ret->copied_queued += one.queued;
        ret->copied_full += one.full;
}

void pipes_tell(struct engine *e, engine_channel_fn *fn, void *arg)
{
        pipes_sweep(e);
        for (const struct pipe_channel *ch = e->pipes ? e->pipes->channels : NULL; ch; ch = ch->next) {
                struct pipe_facts_told told;

                tell_line(&ch->lines[0], &told);
                for (size_t i = 1; i < ch->line_count; i++)
                        count_reader(&ch->lines[i], &told);
                fn(arg, &(struct channel_facts) { .path = ch->path, .spec = ch->spec, .closed = ch->closed,
                                                  .from_unit = ch->from_unit,
                                                  .pipe = &told, .bytes = (uint64_t) told.queued });
        }
}

/* --- of one service ----------------------------------------------------------------------------------------------- */

static void tell_ends(const struct pipe_line *l, node_id id, bool writes, engine_pipe_end_fn *fn, void *arg)
{
        struct pipe_tap *taps = writes ? l->from : l->to;
        char name[CHANNEL_NAME_MAX + 4];

        for (size_t i = 0; i < (writes ? l->from_count : l->to_count); i++) {
                struct pipe_end_told told = { .channel = l->channel->path, .writes = writes };

                if (pipe_tap_node(l->channel, &taps[i]) != id)
                        continue;
                told.descriptor = channel_end_print(&taps[i].end, name, sizeof name);
                tell_line(l, &told.pipe);
                fn(arg, &told);
        }
}

void engine_pipe_ends(struct engine *e, node_id id, engine_pipe_end_fn *fn, void *arg)
{
        for (const struct pipe_channel *ch = e->pipes ? e->pipes->channels : NULL; ch; ch = ch->next)
                for (size_t i = 0; i < ch->line_count; i++) {
                        tell_ends(&ch->lines[i], id, true, fn, arg);
                        tell_ends(&ch->lines[i], id, false, fn, arg);
                }
}

/* --- of all of them ----------------------------------------------------------------------------------------------- */

static node_id service_of(struct pipe_channel *ch, enum directive side, size_t i)
{
        struct pipe_tap tap = { .end = channel_end_of(ch->spec, side, i), .node = NODE_NONE };

        return pipe_tap_node(ch, &tap);
}

void engine_pipe_edges(struct engine *e, engine_pipe_edge_fn *fn, void *arg)
{
        for (struct pipe_channel *ch = e->pipes ? e->pipes->channels : NULL; ch; ch = ch->next)
                for (size_t f = 0; f < spec_count(ch->spec, D_CHANNEL_From); f++)
                        for (size_t t = 0; t < spec_count(ch->spec, D_CHANNEL_To); t++) {
                                node_id from = service_of(ch, D_CHANNEL_From, f), to = service_of(ch, D_CHANNEL_To, t);

                                if (from != NODE_NONE && to != NODE_NONE)
                                        fn(arg, ch->path, from, to);
                        }
}
