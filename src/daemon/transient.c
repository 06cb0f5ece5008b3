/* transient.c - services without a file: made by a request, gone when they have ended, their results kept for a while.
 *
 * The node is an ordinary one, dynamic, so a reload leaves it alone. What is special is its end: as soon as it is at
 * rest (and the request to start it has been answered, so that a node that has not begun is not taken for one that is
 * done) its last death is copied into the table of results, whoever waits is told, and the node is deleted, all in
 * one turn. */
#include <string.h>

#include "daemon/journal.h"
#include "daemon/ledger.h"
#include "daemon/mail_spawn.h"
#include "daemon/transient.h"
#include "daemon/transient_priv.h"

#define ADOPTED UINT32_MAX           /* no request has that number */

static struct transient *find_serial(struct transients *t, uint64_t serial)
{
        for (size_t i = 0; t && i < t->count; i++)
                if (t->list[i].serial == serial)
                        return &t->list[i];
        return NULL;
}

static struct transient *find_node(const struct engine *e, node_id id)
{
        struct transients *t = e->transients;

        for (size_t i = 0; t && i < t->count; i++)
                if (t->list[i].node == id)
                        return &t->list[i];
        return NULL;
}

bool engine_is_transient(const struct engine *e, node_id id)
{
        return find_node(e, id) != NULL;
}

/* --- the end ----------------------------------------------------------------------------------------------------- */

static void end_done(struct transient_end *end)
{
        free(end->path);
        death_done(&end->death);
        *end = (struct transient_end) { 0 };
}

/* What is known of its last incarnation; of one that never lived the reason alone. */
static void take_death(struct engine *e, const struct transient *tr, struct death *ret)
{
        const struct death *last = engine_death(e, tr->node, 0);
        const struct node *node = core_node(e->core, tr->node);

        if (last && death_copy(ret, last) == 0)
                return;
        *ret = (struct death) { .ended = engine_now(e), .reason = REASON(REASON_LOST, 0) };
        if (node)
                ret->reason = node->last_reason;
}

static bool at_rest(const struct node *n)
{
        return n->state == STATE_INACTIVE || n->state == STATE_FAILED || n->state == STATE_FINISHED;
}

static struct transient_end *next_end(struct transients *t)
{
        struct transient_end *end = &t->ends[t->next_end];

        t->next_end = (t->next_end + 1) % TRANSIENT_ENDS;
        end_done(end);
        return end;
}

/* Entry i becomes a result. Whoever listens may ask for another one at once, so the list is in order before that. */
static void finish(struct engine *e, size_t i)
{
        struct transients *t = e->transients;
        struct transient tr = t->list[i];
        struct transient_end *end = next_end(t);

        *end = (struct transient_end) { .serial = tr.serial, .path = tr.path, .death = tr.death };
        if (tr.node != NODE_NONE)
                take_death(e, &tr, &end->death);
        journal_ended(e, t->names, end);
        t->list[i] = t->list[--t->count];
        if (tr.token && tr.token != ADOPTED)
                engine_request_forget(e, tr.token);
        if (tr.ops)
                tr.ops->ended(tr.arg, end);
}

/* What an engine before us was asked for, and may not have begun. */
static void look_at_adopted(struct transient *tr, const struct node *n)
{
        if (tr->token == ADOPTED && (n->started_at != NSEC_NEVER || n->last_reason.kind != REASON_NONE))
                tr->token = 0;
}

void transient_settle(struct engine *e)
{
        struct transients *t = e->transients;

        for (size_t i = 0; t && i < t->count;) {
                const struct node *n = core_node(e->core, t->list[i].node);

                if (n)
                        look_at_adopted(&t->list[i], n);

                if (n && (t->list[i].token || !at_rest(n))) {
                        i++;
                        continue;
                }
                if (n)
                        engine_post(e, &(struct event) { .kind = EVT_DELETE, .node = n->id });
                finish(e, i);
        }
}

/* --- descriptors that came with the request: init keeps copies, for an engine after this one ---------------------- */

static void given_name(const struct extra *x, int i, char *buf, size_t n)
{
        (void) snprintf(buf, n, "given:#%u:%d:%s", (unsigned) x->node, i, x->given_terminal ? "tty" : "");
}

void transient_keep_given(struct extra *x, int i)
{
        char name[64];

        given_name(x, i, name, sizeof(name));
        if (initlink_store(x->e->link, name, x->given[i]) < 0)
                log_debug("%s: init keeps no copy of it", name);
}

bool transient_resume(struct engine *e, const char *name, int fd)
{
        unsigned node;
        struct extra *x;
        char tty[4] = "";
        int i;

        /* Without the journal numbers of nodes are others. */
        if (sscanf(name, "given:#%u:%d:%3s", &node, &i, tty) < 2 || i < 0 || i > 2 || e->journal_end == 0 ||
            !core_node(e->core, node))
                return false;
        x = engine_extra(e, node);
        if (!x || x->given[i] >= 0)
                return false;
        x->given[i] = fd;
        x->given_terminal = tty[0];
        return true;
}

static void close_given(struct extra *x)
{
        char name[64];

        for (int i = 0; i < 3; i++) {
                if (x->given[i] < 0)
                        continue;
                given_name(x, i, name, sizeof(name));
                (void) initlink_unstore(x->e->link, name);
                fd_close(&x->given[i]);
        }
}

/* Whoever reads what it wrote is to see its end of file now. */
void transient_closed(struct engine *e, node_id id)
{
        struct extra *x = engine_run(e, id)->extra;

        if (x)
                close_given(x);
}

/* Deleted by somebody else: its supervisor was restarted, or the whole branch taken away. We are in the middle of a
 * step: who waits is told by the next transient_settle(). */
void transient_forget(struct engine *e, node_id id)
{
        struct transient *tr = find_node(e, id);

        if (e->runs[id].extra)
                close_given(e->runs[id].extra);
        if (!tr)
                return;
        take_death(e, tr, &tr->death);
        tr->node = NODE_NONE;
}

void transient_disown(struct engine *e, node_id id)
{
        struct transients *t = e->transients;

        for (size_t i = 0; t && i < TRANSIENT_ENDS; i++)
                if (t->ends[i].death.reason.peer == id)
                        t->ends[i].death.reason.peer = NODE_NONE;
}

void transient_free(struct engine *e)
{
        struct transients *t = e->transients;

        if (!t)
                return;
        for (size_t i = 0; i < t->count; i++) {
                free(t->list[i].path);
                death_done(&t->list[i].death);
        }
        for (size_t i = 0; i < TRANSIENT_ENDS; i++)
                end_done(&t->ends[i]);
        free(t->list);
        free(ptr_steal(e->transients));
}

static const char *last_part(const char *path)
{
        const char *slash = strrchr(path, '/');

        return slash ? slash + 1 : path;
}

/* "/transient/run-1", "run-1" and "run-1.service" all mean it. */
static bool called(const char *path, const char *name)
{
        const char *stem = last_part(path);
        size_t n = strlen(stem);

        if (name[0] == '/')
                return strcmp(path, name) == 0;
        return strncmp(name, stem, n) == 0 && (name[n] == '\0' || strcmp(name + n, ".service") == 0);
}

const struct transient_end *engine_transient_ended(const struct engine *e, const char *name)
{
        const struct transients *t = e->transients;

        for (size_t k = 1; t && k <= TRANSIENT_ENDS; k++) {
                const struct transient_end *end = &t->ends[(t->next_end + TRANSIENT_ENDS - k) % TRANSIENT_ENDS];

                if (end->serial && called(end->path, name))
                        return end;
        }
        return NULL;
}

uint64_t engine_transient_listen(struct engine *e, node_id id, const struct transient_ops *ops, void *arg)
{
        struct transient *tr = find_node(e, id);

        if (!tr || tr->ops) /* one listener: the other is still there */
                return 0;
        tr->ops = ops;
        tr->arg = arg;
        return tr->serial;
}

void engine_transient_leave(struct engine *e, uint64_t serial, bool stop)
{
        struct transient *tr = find_serial(e->transients, serial);

        if (!tr)
                return;
        tr->ops = NULL;
        if (stop && tr->node != NODE_NONE)
                engine_post(e, &(struct event) { .kind = EVT_STOP, .node = tr->node });
}

/* --- the list ----------------------------------------------------------------------------------------------------- */

int transient_room(struct engine *e, struct err *err)
{
        struct transients *t = e->transients;
        struct transient *more;

        if (!t)
                t = e->transients = calloc(1, sizeof(*t));
        if (t && t->count == TRANSIENTS_MAX)
                return err_set(err, STAGE_RESOURCES, EMFILE, "more than %d transient services", TRANSIENTS_MAX);
        if (t && t->count == t->cap) {
                more = realloc(t->list, (t->cap * 2 + 4) * sizeof(*more));
                if (more) {
                        t->list = more;
                        t->cap = t->cap * 2 + 4;
                }
        }
        return t && t->count < t->cap ? 0 : err_set(err, STAGE_RESOURCES, ENOMEM, "out of memory");
}

/* Oldest first. */
void transient_save(struct engine *e)
{
        const struct transients *t = e->transients;

        for (size_t k = 0; t && k < TRANSIENT_ENDS; k++) {
                const struct transient_end *end = &t->ends[(t->next_end + k) % TRANSIENT_ENDS];

                if (end->serial)
                        journal_ended(e, t->names, end);
        }
}

bool transient_ended_read(struct engine *e, unsigned names, char *path, const struct death *d)
{
        struct transients *t;

        if (transient_room(e, NULL) < 0)
                return false;
        t = e->transients;
        t->names = names;
        *next_end(t) = (struct transient_end) { .serial = ++t->serial, .path = path, .death = *d };
        return true;
}

/* They are known by what they are. Who waits for one has lost his connection with the engine before us, and attaches
 * again; whoever does not is taken for one who does not mind. */
void transient_adopt(struct engine *e)
{
        char path[PATH_MAX_NODE];

        for (node_id id = 1; id < core_node_limit(e->core); id++) {
                const struct node *n = core_node(e->core, id);
                struct transients *t;

                if (!n || !n->dynamic || n->kind != KIND_SERVICE ||
                    (spec_file(n->spec)[0] && !n->spawned && !mail_spawn_waits(e, id)) ||
                     transient_room(e, NULL) < 0)
                        continue;
                t = e->transients;
                t->list[t->count] = (struct transient) { .serial = ++t->serial, .node = id, .token = ADOPTED,
                                                         .path = strdup(engine_path(e, id, path, sizeof(path))) };
                if (t->list[t->count].path)
                        t->count++;
        }
}

bool transient_expect(struct engine *e, node_id id, uint32_t token, const struct transient_ops *ops, void *arg,
                      uint64_t *ret_serial)
{
        struct transient *tr = find_node(e, id);

        if (!tr || !engine_expect(e, token, transient_started, e))
                return false;
        tr->token = token;
        tr->ops = ops;
        tr->arg = arg;
        *ret_serial = tr->serial;
        return true;
}

uint32_t transient_token(const struct engine *e, uint64_t serial)
{
        const struct transient *tr = find_serial(e->transients, serial);

        return tr ? tr->token : 0;
}

void transient_started(void *arg, uint32_t token, enum result result)
{
        struct engine *e = arg;
        struct transients *t = e->transients;

        for (size_t i = 0; t && i < t->count; i++)
                if (t->list[i].token == token) {
                        t->list[i].token = 0;
                        if (t->list[i].ops && t->list[i].ops->started)
                                t->list[i].ops->started(t->list[i].arg, result);
                        return;
                }
}
