/* pipe_life.c - channels of Type=pipe come and go. See pipe_priv.h. */
#include <string.h>

#include "core/route.h"
#include "daemon/journal.h"
#include "daemon/pipe.h"
#include "daemon/pipe_priv.h"
#include "os/pipe.h"
#include "unit/unit_set.h"

enum { SAVED_FROM_UNIT = 1, SAVED_CLOSED = 2 };

static unsigned saved_flags(const struct pipe_channel *ch)
{
        return (ch->from_unit ? SAVED_FROM_UNIT : 0U) | (ch->closed ? SAVED_CLOSED : 0U);
}

static void write_down(const struct pipe_channel *ch)
{
        journal_pipe(ch->e, ch->place, ch->spec, saved_flags(ch));
}

/* --- which one ---------------------------------------------------------------------------------------------------- */

static struct pipe_channel *first(const struct engine *e)
{
        return e->pipes ? e->pipes->channels : NULL;
}

static bool is_called(const struct pipe_channel *ch, const char *name)
{
        return strcmp(spec_stem(ch->spec), name) == 0 || strcmp(spec_name(ch->spec), name) == 0;
}

struct pipe_channel *pipe_find(const struct engine *e, node_id scope, const char *name)
{
        for (struct pipe_channel *ch = first(e); name[0] == '/' && ch; ch = ch->next)
                if (strcmp(ch->path, name) == 0)
                        return ch;
        for (const struct node *s = core_node(e->core, scope); s; s = core_node(e->core, s->parent))
                for (struct pipe_channel *ch = first(e); ch; ch = ch->next)
                        if (ch->place == s->id && is_called(ch, name))
                                return ch;
        return NULL;
}

static struct pipe_channel *of_unit(const struct engine *e, node_id place, const char *name)
{
        for (struct pipe_channel *ch = first(e); ch; ch = ch->next)
                if (ch->place == place && strcmp(spec_name(ch->spec), name) == 0)
                        return ch;
        return NULL;
}

unsigned pipes_made(const struct engine *e, node_id place)
{
        unsigned n = 0;

        for (const struct pipe_channel *ch = first(e); ch; ch = ch->next)
                n += ch->place == place && !ch->from_unit;
        return n;
}

/* --- making and ending -------------------------------------------------------------------------------------------- */

static int make_lines(struct pipe_channel *ch)
{
        struct pipe_line *l;

        ch->lines = NULL;
        ch->line_count = 0;
        if (spec_int(ch->spec, D_CHANNEL_Deliver) == CHANNEL_ALL)
                return pipe_copy_lines(ch);
        if (pipe_line_add(ch, 0, &l) < 0)
                return -ENOMEM;
        l->from_count = spec_count(ch->spec, D_CHANNEL_From);
        l->to_count = spec_count(ch->spec, D_CHANNEL_To);
        return pipe_taps_read(ch->spec, D_CHANNEL_From, 0, l->from_count, &l->from) < 0 ||
               pipe_taps_read(ch->spec, D_CHANNEL_To, 0, l->to_count, &l->to) < 0 ? -ENOMEM : 0;
}

static void free_lines(struct pipe_line *lines, size_t n)
{
        for (size_t i = 0; i < n; i++)
                pipe_line_done(&lines[i]);
        free(lines);
}

static void free_channel(struct pipe_channel *ch)
{
        struct pipe_channel **at = &ch->e->pipes->channels;

        while (*at && *at != ch)
                at = &(*at)->next;
        if (*at)
                *at = ch->next;
        free_lines(ch->lines, ch->line_count);
        spec_unref(ch->spec);
        free(ch->copier);
        free(ch->path);
        free(ch);
}

static void drop_channel(struct pipe_channel *ch)
{
        journal_unpipe(ch->e, ch->place, spec_name(ch->spec));
        free_channel(ch);
}

static struct pipe_channel *make(struct engine *e, node_id place, struct spec *s, const char *path)
{
        struct pipe_channel *ch = calloc(1, sizeof *ch);

        if (!e->pipes)
                e->pipes = calloc(1, sizeof *e->pipes);
        if (!ch || !e->pipes) {
                free(ch);
                return NULL;
        }
        *ch = (struct pipe_channel) { .e = e, .path = strdup(path), .place = place, .spec = spec_ref(s),
                                      .next = e->pipes->channels };
        e->pipes->channels = ch;
        if (ch->path && make_lines(ch) == 0)
                return ch;
        free_channel(ch);
        return NULL;
}

/* False: it would be too long. */
static bool path_of(const struct engine *e, node_id place, const struct spec *s, char path[PATH_MAX_NODE])
{
        (void) engine_path(e, place, path, PATH_MAX_NODE);
        if (strlen(path) + strlen(spec_stem(s)) + 2 > PATH_MAX_NODE)
                return false;
        if (path[1])
                strcat(path, "/");
        strcat(path, spec_stem(s));
        return true;
}

enum mail_result pipe_add(struct engine *e, node_id place, struct spec *s, bool from_unit)
{
        char path[PATH_MAX_NODE];
        struct pipe_channel *ch;

        if (!path_of(e, place, s, path))
                return MAIL_BAD_MESSAGE;
        if (core_find(e->core, NODE_ROOT, path, NULL) != NODE_NONE || pipe_find(e, NODE_NONE, path))
                return MAIL_EXISTS;
        ch = make(e, place, s, path);
        if (!ch)
                return MAIL_BUSY;
        ch->from_unit = from_unit;
        write_down(ch);
        return MAIL_OK;
}

static struct pipe_line *line_of(struct pipe_line *lines, size_t n, unsigned index)
{
        for (size_t i = 0; i < n; i++)
                if (lines[i].index == index)
                        return &lines[i];
        return NULL;
}

/* The lines of the new one go on with the pipes of the old one, as far as they mean the same. */
static void take_runs(struct pipe_channel *ch, struct pipe_line *old, size_t n)
{
        for (size_t i = 0; i < ch->line_count; i++) {
                struct pipe_line *from = line_of(old, n, ch->lines[i].index);

                if (!from)
                        continue;
                ch->lines[i].runs = ptr_steal(from->runs);
                ch->lines[i].last_run = from->last_run;
                ch->lines[i].refused = from->refused;
                ch->lines[i].ending = from->ending;
        }
}

/* It has other readers now, or none: another one begins, as soon as this one has gone. */
static void change_copier(struct pipe_channel *ch)
{
        bool all = spec_int(ch->spec, D_CHANNEL_Deliver) == CHANNEL_ALL;
        node_id id = ch->copier ? pipe_copier(ch) : NODE_NONE;

        if (id != NODE_NONE)
                engine_post(ch->e, &(struct event) { .kind = EVT_STOP, .node = id });
        if (!all)
                free(ptr_steal(ch->copier));
        ch->e->pipes->look = true;
}

static void resize(struct pipe_channel *ch)
{
        int64_t capacity = spec_int(ch->spec, D_CHANNEL_Capacity);

        for (size_t i = 0; i < ch->line_count && spec_has(ch->spec, D_CHANNEL_Capacity); i++) {
                struct pipe_line *l = &ch->lines[i];

                l->refused = 0;
                for (struct pipe_run *r = l->runs; r; r = r->next)
                        if (pipe_resize(r->in, capacity) < 0)
                                l->refused = errno;
        }
}

static void change(struct pipe_channel *ch, struct spec *s)
{
        struct pipe_line *old = ch->lines;
        size_t n = ch->line_count;
        bool same = spec_diff(ch->spec, s) < 0, size = !spec_same(ch->spec, s, D_CHANNEL_Capacity);
        bool others = !spec_same(ch->spec, s, D_CHANNEL_Deliver) || !spec_same(ch->spec, s, D_CHANNEL_To);
        struct spec *before = ch->spec;

        if (same && !ch->closed)
                return;
        ch->spec = spec_ref(s);
        if (make_lines(ch) < 0) {
                log_error("%s: out of memory: it stays as it was", ch->path);
                free_lines(ch->lines, ch->line_count);
                ch->lines = old;
                ch->line_count = n;
                spec_unref(ch->spec);
                ch->spec = before;
                return;
        }
        take_runs(ch, old, n);
        free_lines(old, n);
        spec_unref(before);
        if (size)
                resize(ch);
        if (others)
                change_copier(ch);
        ch->closed = false;
        write_down(ch);
}

static bool all_drained(const struct pipe_channel *ch)
{
        for (size_t i = 0; i < ch->line_count; i++)
                if (!pipe_line_drained(&ch->lines[i]))
                        return false;
        return true;
}

/* What is in it can still be read; asked again it goes with what is in it. */
void pipe_close(struct pipe_channel *ch)
{
        bool again = ch->closed;

        ch->closed = true;
        pipe_line_close(&ch->lines[0]);
        for (size_t i = 1; i < ch->line_count; i++) /* ends when all has been copied, or now when nobody copies */
                ch->lines[i].ending = ch->e->pipes->look = true;
        if (ch->copier && pipe_copier(ch) == NODE_NONE && !pipe_line_unread(&ch->lines[0]))
                for (size_t i = 1; i < ch->line_count; i++)
                        pipe_line_close(&ch->lines[i]);
        if (again || all_drained(ch))
                drop_channel(ch);
        else
                write_down(ch);
}

void pipes_sweep(struct engine *e)
{
        for (struct pipe_channel *ch = first(e), *next; ch; ch = next) {
                next = ch->next;
                if (ch->closed && all_drained(ch))
                        drop_channel(ch);
        }
}

/* --- at run time: what verify says of units ----------------------------------------------------------------------- */

static bool has_end(struct pipe_channel *ch, node_id id, const struct channel_end *end)
{
        for (size_t i = 0; i < ch->line_count; i++)
                for (int side = 0; side < 2; side++) {
                        struct pipe_tap *taps = side ? ch->lines[i].to : ch->lines[i].from;

                        for (size_t k = 0; k < (side ? ch->lines[i].to_count : ch->lines[i].from_count); k++)
                                if (taps[k].end.fd == end->fd && strcmp(taps[k].end.name, end->name) == 0 &&
                                    pipe_tap_node(ch, &taps[k]) == id)
                                        return true;
                }
        return false;
}

static enum directive pipe_stream(int fd)
{
        return fd == 0 ? D_SERVICE_StandardInput : fd == 1 ? D_SERVICE_StandardOutput : D_SERVICE_StandardError;
}

static int check_end(struct engine *e, node_id place, struct channel_end end, bool within, struct err *err)
{
        struct pipe_channel here = { .e = e, .place = place };
        struct pipe_tap tap = { .end = end, .node = NODE_NONE };
        node_id id = pipe_tap_node(&here, &tap);
        const struct node *n = core_node(e->core, id);
        char name[CHANNEL_NAME_MAX + 4];

        if (!n || n->kind != KIND_SERVICE)
                return err_set(err, STAGE_LOAD, ENOENT, "%s: there is no such service", end.unit);
        if (within && !node_within(e->core, id, place))
                return err_set(err, STAGE_LOAD, EPERM, "%s is not below the supervisor of the one who asks", end.unit);
        (void) channel_end_print(&end, name, sizeof name);
        if (end.fd >= 0 && end.fd < 3 && spec_has(n->spec, pipe_stream(end.fd)))
                return err_set(err, STAGE_LOAD, EEXIST, "%s says %s= itself", end.unit,
                               directive_rows[pipe_stream(end.fd)].key);
        for (struct pipe_channel *ch = first(e); ch; ch = ch->next)
                if (!ch->closed && has_end(ch, id, &end))
                        return err_set(err, STAGE_LOAD, EEXIST, "%s:%s is an end of %s already", end.unit, name,
                                       ch->path);
        return 0;
}

int pipe_check(struct engine *e, node_id place, const struct spec *s, bool within, struct err *err)
{
        static const enum directive sides[2] = { D_CHANNEL_From, D_CHANNEL_To };
        int r = 0;

        for (size_t k = 0; k < 2; k++)
                for (size_t i = 0; i < spec_count(s, sides[k]) && r == 0; i++)
                        r = check_end(e, place, channel_end_of(s, sides[k], i), within, err);
        return r;
}

bool pipe_called(const struct engine *e, node_id place, const struct spec *s)
{
        return of_unit(e, place, spec_name(s)) != NULL;
}

/* --- units -------------------------------------------------------------------------------------------------------- */

static void load_one(struct engine *e, node_id place, struct spec *s)
{
        struct pipe_channel *ch = of_unit(e, place, spec_name(s));
        enum mail_result r = MAIL_OK;

        if (ch) {
                change(ch, s);
                ch->from_unit = true;
        } else {
                r = pipe_add(e, place, s, true);
                ch = of_unit(e, place, spec_name(s));
        }
        if (ch)
                ch->stays = true;
        if (r != MAIL_OK)
                log_error("%s: %s", spec_name(s),
                          r == MAIL_EXISTS ? "something else is called so there" : mail_sentence(r));
}

void pipes_load(struct engine *e, const struct unit_set *set, const node_id *ids)
{
        pipes_sweep(e);
        for (struct pipe_channel *ch = first(e); ch; ch = ch->next)
                ch->stays = !ch->from_unit;
        for (size_t i = 0; i < unit_set_channel_count(set); i++) {
                const struct unit_node *n = unit_set_channel(set, i);

                if (spec_int(n->spec, D_CHANNEL_Type) == CHANNEL_PIPE)
                        load_one(e, ids[n->parent], n->spec);
        }
        for (struct pipe_channel *ch = first(e), *next; ch; ch = next) {
                next = ch->next;
                if (!ch->stays && !ch->closed)
                        pipe_close(ch);
        }
}

/* Its number may become another's: no line goes on to take that one for it. */
static void forget_taps(struct pipe_channel *ch, node_id id)
{
        for (size_t i = 0; i < ch->line_count; i++) {
                struct pipe_line *l = &ch->lines[i];

                for (size_t k = 0; k < l->from_count; k++)
                        if (l->from[k].node == id)
                                l->from[k].node = NODE_NONE;
                for (size_t k = 0; k < l->to_count; k++)
                        if (l->to[k].node == id)
                                l->to[k].node = NODE_NONE;
        }
}

void pipes_node_gone(struct engine *e, node_id id)
{
        for (struct pipe_channel *ch = first(e), *next; ch; ch = next) {
                next = ch->next;
                if (ch->place == id)
                        drop_channel(ch);
                else
                        forget_taps(ch, id);
        }
}

void pipes_free(struct engine *e)
{
        while (first(e))
                free_channel(first(e));
        free(ptr_steal(e->pipes));
}

/* --- another engine ----------------------------------------------------------------------------------------------- */

void pipes_save(struct engine *e, void (*fn)(struct engine *e, node_id place, const struct spec *s, unsigned flags))
{
        for (struct pipe_channel *ch = first(e); ch; ch = ch->next)
                fn(e, ch->place, ch->spec, saved_flags(ch));
}

bool pipes_restore(struct engine *e, node_id place, struct spec *s, unsigned flags)
{
        struct pipe_channel *ch = of_unit(e, place, spec_name(s));
        char path[PATH_MAX_NODE];

        if (ch)
                free_channel(ch); /* it has no pipes yet: they come after the journal */
        if (spec_kind(s) != KIND_CHANNEL || !path_of(e, place, s, path))
                return false;
        ch = make(e, place, s, path);
        if (!ch)
                return false;
        ch->from_unit = flags & SAVED_FROM_UNIT;
        ch->closed = flags & SAVED_CLOSED;
        return true;
}

void pipes_dropped(struct engine *e, node_id place, const char *unit)
{
        struct pipe_channel *ch = of_unit(e, place, unit);

        if (ch)
                free_channel(ch);
}

static struct pipe_line *line_called(const struct engine *e, const char *name, unsigned index, uint32_t run, char what)
{
        for (struct pipe_channel *ch = first(e); ch; ch = ch->next) {
                struct pipe_line *l = line_of(ch->lines, ch->line_count, index);

                if (l && pipe_store_name_is(l, run, what, name))
                        return l;
        }
        return NULL;
}

bool pipes_stored(struct engine *e, const char *name, int fd)
{
        struct pipe_line *l;
        struct pipe_run *r;
        unsigned index, run;
        char what;

        if (sscanf(name, "pipe:%c:%u:%u:", &what, &index, &run) != 3)
                return false;
        l = line_called(e, name, index, run, what);
        r = l ? l->runs : NULL;
        while (r && r->number != run)
                r = r->next;
        if (l && !r)
                r = pipe_run_add(l, run, -1, -1);
        if (!r)
                return false;
        r->used |= what == 'w';
        if ((what == 'r' ? r->in : r->out) >= 0)
                return false;
        *(what == 'r' ? &r->in : &r->out) = fd;
        return true;
}

/* The end of a writer may have been on its way. */
void pipes_resumed(struct engine *e)
{
        for (struct pipe_channel *ch = first(e); ch; ch = ch->next)
                for (size_t i = 0; i < ch->line_count; i++) {
                        pipe_line_resumed(&ch->lines[i]);
                        ch->lines[i].ending = e->pipes->look = true;
                }
}
