/* pipe.c - lines and their runs. See pipe_priv.h. */
#include "daemon/pipe.h"
#include "daemon/pipe_priv.h"

#include <string.h>

#include "os/pipe.h"

enum { ROOMY = 256 << 10 };

/* --- names -------------------------------------------------------------------------------------------------------- */

/* First outward from where the channel is, then anywhere: a channel may join services deep in two branches. */
node_id pipe_tap_node(const struct pipe_channel *ch, struct pipe_tap *tap)
{
        const struct core *core = ch->e->core;

        if (tap->node != NODE_NONE && core_node(core, tap->node))
                return tap->node;
        if (tap->copier)
                return tap->node = pipe_copier(ch);
        tap->node = core_outward(core, ch->place, tap->end.unit);
        if (tap->node == NODE_NONE)
                tap->node = core_find(core, ch->place, tap->end.unit, &(unsigned) { 0 });
        return tap->node;
}

/* Its name in init's store. "n" is the write end of one that no writer has got yet. */
static void store_name(const struct pipe_line *l, const struct pipe_run *r, char what, char buf[INIT_NAME_MAX])
{
        const char *path = l->channel->path;
        uint64_t hash = 14695981039346656037ULL; /* FNV-1a: for a path that is too long to stand there itself */

        for (const char *p = path; *p; p++)
                hash = (hash ^ (unsigned char) *p) * 1099511628211ULL;
        if (strlen(path) < 80)
                (void) snprintf(buf, INIT_NAME_MAX, "pipe:%c:%u:%u:%s", what, l->index, r->number, path);
        else
                (void) snprintf(buf, INIT_NAME_MAX, "pipe:%c:%u:%u:#%016llx", what, l->index, r->number,
                                (unsigned long long) hash);
}

static void store(const struct pipe_line *l, const struct pipe_run *r, char what, int fd)
{
        char name[INIT_NAME_MAX];

        store_name(l, r, what, name);
        if (initlink_store(l->channel->e->link, name, fd) < 0)
                log_debug("%s: init keeps no copy of it", name);
}

static void unstore(const struct pipe_line *l, const struct pipe_run *r, char what)
{
        char name[INIT_NAME_MAX];

        store_name(l, r, what, name);
        (void) initlink_unstore(l->channel->e->link, name);
}

bool pipe_store_name_is(const struct pipe_line *l, uint32_t run, char what, const char *name)
{
        char mine[INIT_NAME_MAX];

        store_name(l, &(struct pipe_run) { .number = run }, what, mine);
        return strcmp(mine, name) == 0;
}

/* --- runs --------------------------------------------------------------------------------------------------------- */

struct pipe_run *pipe_run_add(struct pipe_line *l, uint32_t number, int in, int out)
{
        struct pipe_run *r = calloc(1, sizeof *r), **at = &l->runs;

        if (!r)
                return NULL;
        *r = (struct pipe_run) { .number = number, .in = in, .out = out };
        while (*at && (*at)->number < number)
                at = &(*at)->next;
        r->next = *at;
        *at = r;
        if (l->last_run < number)
                l->last_run = number;
        return r;
}

static void end_run(struct pipe_line *l, struct pipe_run *r)
{
        if (r->out < 0)
                return;
        unstore(l, r, 'w');
        unstore(l, r, 'n'); /* an engine may have ended between the two */
        fd_close(&r->out);
}

static void drop_run(struct pipe_line *l, struct pipe_run *r)
{
        struct pipe_run **at = &l->runs;

        end_run(l, r);
        unstore(l, r, 'r');
        fd_close(&r->in);
        while (*at != r)
                at = &(*at)->next;
        *at = r->next;
        free(r);
}

static bool drained(const struct pipe_run *r)
{
        struct pipe_facts f;

        pipe_look(r->in, r->out, &f);
        return f.drained;
}

static struct pipe_run *newest(const struct pipe_line *l)
{
        struct pipe_run *r = l->runs;

        while (r && r->next)
                r = r->next;
        return r;
}

/* Each service has a session, and so a share of the processor, of its own: more room between them means fewer switches
 * than in a shell's pipeline. Who is not root may have 64 MiB in
 * pipes at once: there the kernel's 64 KiB each stand. */
static int64_t capacity_of(const struct pipe_line *l)
{
        if (spec_has(l->channel->spec, D_CHANNEL_Capacity))
                return spec_int(l->channel->spec, D_CHANNEL_Capacity);
        return l->channel->e->opt.root ? ROOMY : 0;
}

static int begin_run(struct pipe_line *l, struct pipe_run **ret, struct err *err)
{
        int64_t capacity = capacity_of(l);
        int in, out, r;

        if (l->last_run - (l->runs ? l->runs->number : l->last_run) >= PIPE_RUNS_MAX) {
                (void) err_set(err, STAGE_FDS, EBUSY,
                               "begin a new run of channel %s: %d earlier ones have not been read",
                               l->channel->path, PIPE_RUNS_MAX);
                err_hint(err, "start its reader");
                return -EBUSY;
        }
        r = pipe_make(capacity, &in, &out, &l->refused);
        if (r < 0)
                return err_set(err, STAGE_FDS, -r, "make the pipe of channel %s: %s", l->channel->path, strerror(-r));
        *ret = pipe_run_add(l, l->last_run + 1, in, out);
        if (!*ret) {
                (void) close(in);
                (void) close(out);
                return err_set(err, STAGE_FDS, ENOMEM, "make the pipe of channel %s: out of memory", l->channel->path);
        }
        store(l, *ret, 'r', in);
        store(l, *ret, 'n', out);
        if (!spec_has(l->channel->spec, D_CHANNEL_Capacity))
                l->refused = 0; /* nobody asked for it */
        if (l->refused)
                log_warning("%s: Capacity=%lld cannot be had: %s; the kernel bounds what one user may have in pipes "
                            "(fs.pipe-max-size, fs.pipe-user-pages-soft)", l->channel->path, (long long) capacity,
                            strerror(l->refused));
        return 0;
}

/* --- what a service gets ------------------------------------------------------------------------------------------ */

/* The newest, if it has not ended. */
static int run_to_write(struct pipe_line *l, struct pipe_run **ret, struct err *err)
{
        struct pipe_run *r = newest(l);
        int code = 0;

        if (!r || r->out < 0)
                code = begin_run(l, &r, err);
        if (code < 0)
                return code;
        if (l->channel->copier)
                l->channel->e->pipes->look = true; /* somebody has to copy what comes */
        if (!r->used) {
                store(l, r, 'w', r->out);
                unstore(l, r, 'n');
                r->used = true;
        }
        *ret = r;
        return 0;
}

/* The oldest with something in it, or still to come; what has been read to its end is passed
 * over when there is another. */
static int run_to_read(struct pipe_line *l, struct pipe_run **ret, struct err *err)
{
        while (l->runs && l->runs->next && drained(l->runs))
                drop_run(l, l->runs);
        *ret = l->runs;
        return l->runs ? 0 : begin_run(l, ret, err);
}

static int give(struct pipe_line *l, bool writes, struct pipe_gift *ret, struct err *err)
{
        bool packets = spec_int(l->channel->spec, D_CHANNEL_Framing) == CHANNEL_PACKET;
        struct pipe_run *run;
        int r;

        r = writes ? run_to_write(l, &run, err) : run_to_read(l, &run, err);
        if (r < 0)
                return r;
        ret->fd = pipe_copy(writes ? run->out : run->in, writes, packets);
        return ret->fd >= 0 ? 0 : err_set(err, STAGE_FDS, -ret->fd, "copy an end of channel %s: %s", l->channel->path,
                                          strerror(-ret->fd));
}

struct giving {
        struct engine *e;
        node_id node;
        bool describe;              /* only say what it would be */
        struct pipe_gift *list;
        size_t count, max;
};

static bool gives_already(const struct giving *g, const struct channel_end *end)
{
        for (size_t i = 0; i < g->count; i++)
                if (g->list[i].target == end->fd && strcmp(g->list[i].name, end->name) == 0)
                        return true;
        return false;
}

static int add_gift(struct giving *g, struct pipe_line *l, const struct pipe_tap *tap, bool writes, struct err *err)
{
        struct pipe_gift gift = { .fd = -1, .target = tap->end.fd, .name = tap->end.name, .channel = l->channel->path,
                                  .writes = writes, .origin = tap->origin };
        char name[CHANNEL_NAME_MAX + 4];
        int r;

        if (g->count == g->max || gives_already(g, &tap->end)) {
                r = err_set(err, STAGE_FDS, EEXIST, "be an end of channel %s: %s", l->channel->path,
                            g->count == g->max ? "too many channels" : "another channel has that descriptor");
                err_where(err, tap->origin.file, tap->origin.line);
                err_hint(err, "%s goes to one channel", channel_end_print(&tap->end, name, sizeof name));
                return r;
        }
        r = g->describe ? 0 : give(l, writes, &gift, err);
        if (r == 0)
                g->list[g->count++] = gift;
        else
                err_where(err, tap->origin.file, tap->origin.line);
        return r;
}

/* What is in a closed channel can still be read, and copied for its readers. */
static bool closed_to(const struct pipe_line *l, const struct pipe_tap *tap, bool writes)
{
        return l->channel->closed && !tap->copier && (writes || !l->runs);
}

static int give_side(struct giving *g, struct pipe_line *l, bool writes, struct err *err)
{
        struct pipe_tap *taps = writes ? l->from : l->to;
        size_t n = writes ? l->from_count : l->to_count;
        int r = 0;

        for (size_t i = 0; i < n && r == 0; i++)
                if (pipe_tap_node(l->channel, &taps[i]) == g->node && !closed_to(l, &taps[i], writes))
                        r = add_gift(g, l, &taps[i], writes, err);
        return r;
}

int pipes_give(struct engine *e, node_id id, bool describe, struct pipe_gift *list, size_t max, size_t *ret_count,
               struct err *err)
{
        struct giving g = { .e = e, .node = id, .describe = describe, .list = list, .max = max };
        int r = 0;

        for (struct pipe_channel *ch = e->pipes ? e->pipes->channels : NULL; ch && r == 0; ch = ch->next)
                for (size_t i = 0; i < ch->line_count && r == 0; i++) {
                        r = give_side(&g, &ch->lines[i], true, err);
                        if (r == 0)
                                r = give_side(&g, &ch->lines[i], false, err);
                }
        *ret_count = r < 0 ? 0 : g.count;
        if (r < 0)
                pipes_gifts_done(list, g.count);
        return r;
}

void pipes_gifts_done(struct pipe_gift *list, size_t n)
{
        for (size_t i = 0; i < n; i++)
                fd_close(&list[i].fd);
}

/* --- ends --------------------------------------------------------------------------------------------------------- */

static bool has(const struct pipe_channel *ch, struct pipe_tap *taps, size_t n, node_id id)
{
        for (size_t i = 0; i < n; i++)
                if (pipe_tap_node(ch, &taps[i]) == id)
                        return true;
        return false;
}

/* A reader that ended well has seen the end of what it had: its next life is about the next run. One that failed is to
 * see that end again. */
static void reader_ended(struct pipe_line *l, bool well)
{
        if (well && l->runs && l->runs->out < 0 && drained(l->runs))
                drop_run(l, l->runs);
}

static void writer_ended(struct engine *e, node_id id)
{
        for (struct pipe_channel *ch = e->pipes ? e->pipes->channels : NULL; ch; ch = ch->next)
                for (size_t i = 0; i < ch->line_count; i++)
                        if (has(ch, ch->lines[i].from, ch->lines[i].from_count, id))
                                ch->lines[i].ending = e->pipes->look = true;
}

void pipes_closed(struct engine *e, node_id id, const struct reason *reason)
{
        bool well = reason->kind == REASON_NORMAL || reason->kind == REASON_SHUTDOWN;

        writer_ended(e, id);
        for (struct pipe_channel *ch = e->pipes ? e->pipes->channels : NULL; ch; ch = ch->next)
                for (size_t i = 0; i < ch->line_count; i++)
                        if (has(ch, ch->lines[i].to, ch->lines[i].to_count, id))
                                reader_ended(&ch->lines[i], well);
}

/* RemainAfterExit=: its incarnation goes on, but it writes nothing any more. */
void pipes_exited(struct engine *e, node_id id)
{
        const struct node *n = core_node(e->core, id);

        if (n && n->kind == KIND_SERVICE && spec_int(n->spec, D_SERVICE_RemainAfterExit))
                writer_ended(e, id);
}

static bool lives(const struct engine *e, node_id id)
{
        const struct node *n = core_node(e->core, id);

        return n && n->phase != PHASE_NONE && !core_settled(e->core, id);
}

/* True: this has been decided. A writer that lives decides it: we hear of its end. */
static bool decide(struct pipe_line *l)
{
        struct engine *e = l->channel->e;
        bool all = true;

        for (size_t i = 0; i < l->from_count; i++) {
                node_id id = pipe_tap_node(l->channel, &l->from[i]);

                if (lives(e, id))
                        return true;
                all = all && core_settled(e->core, id);
        }
        if (!all)
                return false;
        for (struct pipe_run *r = l->runs; r; r = r->next)
                if (r->used || l->channel->closed)
                        end_run(l, r);
        return true;
}

void pipes_settle(struct engine *e)
{
        if (!e->pipes || !e->pipes->look)
                return;
        e->pipes->look = false;
        for (struct pipe_channel *ch = e->pipes->channels; ch; ch = ch->next)
                for (size_t i = 0; i < ch->line_count; i++) {
                        struct pipe_line *l = &ch->lines[i];

                        if (l->ending)
                                l->ending = spec_int(ch->spec, D_CHANNEL_Close) == CHANNEL_CLOSE_FINISH && !decide(l);
                        e->pipes->look |= l->ending;
                }
        for (struct pipe_channel *ch = e->pipes->channels; ch; ch = ch->next)
                e->pipes->look |= pipe_copier_see(ch);
}

/* --- the life of a line ------------------------------------------------------------------------------------------- */

int pipe_taps_read(const struct spec *s, enum directive d, size_t first, size_t n, struct pipe_tap **ret)
{
        struct pipe_tap *taps = calloc(n + 1, sizeof *taps);

        if (!taps)
                return -ENOMEM;
        for (size_t i = 0; i < n; i++)
                taps[i] = (struct pipe_tap) { .end = channel_end_of(s, d, first + i), .node = NODE_NONE,
                                              .origin = spec_item_origin(s, d, first + i) };
        *ret = taps;
        return 0;
}

int pipe_line_add(struct pipe_channel *ch, unsigned index, struct pipe_line **ret)
{
        struct pipe_line *more = realloc(ch->lines, (ch->line_count + 1) * sizeof *more);

        if (!more)
                return -ENOMEM;
        ch->lines = more;
        *ret = &more[ch->line_count++];
        **ret = (struct pipe_line) { .channel = ch, .index = index };
        return 0;
}

void pipe_line_done(struct pipe_line *l)
{
        while (l->runs)
                drop_run(l, l->runs);
        free(l->from);
        free(l->to);
}

void pipe_line_close(struct pipe_line *l)
{
        for (struct pipe_run *r = l->runs; r; r = r->next)
                end_run(l, r);
}

bool pipe_line_unread(const struct pipe_line *l)
{
        for (const struct pipe_run *r = l->runs; r; r = r->next)
                if (r->used && !drained(r))
                        return true;
        return false;
}

bool pipe_line_drained(const struct pipe_line *l)
{
        for (const struct pipe_run *r = l->runs; r; r = r->next)
                if (!drained(r))
                        return false;
        return true;
}

/* A run whose read end did not come back is of no use; one that lost its write end has ended. */
void pipe_line_resumed(struct pipe_line *l)
{
        for (struct pipe_run *r = l->runs, *next; r; r = next) {
                next = r->next;
                if (r->in < 0)
                        drop_run(l, r);
        }
}
