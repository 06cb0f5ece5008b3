/* limits.c - which limits hold for a node; what their counters tell is in limits_tell.c.
 *
 * A supervisor's limits are written when the first service below it starts; those of a service when the first process
 * of an incarnation does, into a group that counts from zero. What a service says nothing about costs it nothing but
 * one write: the default TasksMax=, where the pids controller belongs to the v2 tree. */
#include <stdio.h>
#include <string.h>

#include "core/resolve.h"
#include "daemon/engine_priv.h"
#include "daemon/limits.h"

struct bound *limits_bound(struct engine *e, node_id id)
{
        struct extra *x = engine_extra(e, id);

        if (x && !x->bound)
                x->bound = calloc(1, sizeof(*x->bound));
        return x ? x->bound : NULL;
}

void limits_free(struct bound *b)
{
        if (b)
                free(b->problems);
        free(b);
}

static enum isolation isolation_of(const struct engine *e, const struct spec *s)
{
        return spec_isolation(s, e->opt.isolation);
}

/* --- what cannot be had ------------------------------------------------------------------------------------------- */

static int refuse(const struct limits *l, const struct limit_problem *p, struct err *err)
{
        struct origin o = spec_origin(l->spec, limit_directive(p->limit, spec_kind(l->spec)));
        char text[100];

        (void) err_set(err, STAGE_LIMITS, p->error, "set %s: %s", limit_text(l, p->limit, text, sizeof(text)), p->why);
        err_where(err, o.file, o.line);
        err_hint(err, "`coppicectl doctor` tells what this place allows; Isolation=best-effort starts it without");
        return -p->error;
}

static void remember(struct engine *e, node_id id, const struct limit_problems *p)
{
        struct bound *b = limits_bound(e, id);

        if (!b)
                return;
        free(b->problems);
        b->problems = NULL;
        if (p->count == 0)
                return;
        b->problems = malloc(sizeof(*b->problems));
        if (b->problems)
                *b->problems = *p;
}

/* Strict: the first of them ends the start. Best-effort: all are logged and kept for status. */
static int judge(struct engine *e, node_id id, const struct limits *l, const struct limit_problems *p, struct err *err)
{
        char path[PATH_MAX_NODE], text[100];

        remember(e, id, p);
        if (p->count == 0)
                return 0;
        if (isolation_of(e, l->spec) == ISOLATION_STRICT)
                return refuse(l, &p->list[0], err);
        for (size_t i = 0; i < p->count; i++)
                log_warning("%s: %s is not enforced: %s", engine_path(e, id, path, sizeof(path)),
                            limit_text(l, p->list[i].limit, text, sizeof(text)), p->list[i].why);
        return 0;
}

/* --- supervisors -------------------------------------------------------------------------------------------------- */

static int bound_super(struct engine *e, node_id id, const struct spec *s, struct err *err)
{
        struct run *run = engine_run(e, id);
        struct limit_problems p = { 0 };
        struct limits l;
        char path[PATH_MAX_NODE];
        int r;

        if (run->flags & RUN_BOUNDED)
                return 0;
        limits_read(s, limits_facts(e->cgroup), &l);
        r = limits_apply(e->cgroup, engine_path(e, id, path, sizeof(path)), &l, l.said | l.implied, 0, 0, &p);
        if (r < 0)
                return err_set(err, STAGE_LIMITS, -r, "set the limits of %s: %s", path, strerror(-r));
        r = judge(e, id, &l, &p, err);
        if (r == 0)
                run->flags |= RUN_BOUNDED;
        return r;
}

/* The supervisors above, root first. *ret_any: one of them has limits; *ret_count: controllers whose victims must be
 * told apart, service by service. */
static int bound_above(struct engine *e, node_id id, bool *ret_any, unsigned *ret_count, struct err *err)
{
        const struct node *node = core_node(e->core, id);
        struct limits l;
        int r;

        if (!node)
                return 0;
        r = bound_above(e, node->parent, ret_any, ret_count, err);
        if (r < 0 || !limits_any(node->spec))
                return r;
        *ret_any = true;
        limits_read(node->spec, limits_facts(e->cgroup), &l);
        *ret_count |= limits_controllers(l.said) & (CTL_BIT(CTL_MEMORY) | CTL_BIT(CTL_PIDS));
        return bound_super(e, id, node->spec, err);
}

/* --- services ----------------------------------------------------------------------------------------------------- */

/* The default TasksMax=512 of a service that says nothing. On v2 it is one write; a group of its own in a v1 hierarchy
 * would cost a plain start a third more, so there all of them together have as many times 512 as there are nodes. */
static void bound_plainly(struct engine *e, const struct spec *s, const char *path, int group)
{
        struct limits l;

        if (group < 0 || strcmp(limits_backend(e->cgroup, CTL_PIDS), "v2") != 0)
                return;
        if (limits_quick_tasks(group, spec_int(s, D_SERVICE_TasksMax)) == 0)
                return;
        limits_read(s, limits_facts(e->cgroup), &l);
        (void) limits_apply(e->cgroup, path, &l, l.implied, 0, 0, NULL);
}

static int bound_fully(struct engine *e, node_id id, const struct spec *s, const char *path, unsigned count,
                       struct err *err)
{
        struct limit_problems p = { 0 };
        struct bound *b = limits_bound(e, id);
        struct limits l;
        int r;

        if (!b)
                return err_set(err, STAGE_RESOURCES, ENOMEM, "out of memory");
        (void) limits_drop(e->cgroup, path); /* busy: what KillMode= has left is there, and `base` knows its share */
        limits_read(s, limits_facts(e->cgroup), &l);
        r = limits_apply(e->cgroup, path, &l, l.said | l.implied, 0, count | spec_delegated(s), &p);
        if (r < 0)
                return err_set(err, STAGE_LIMITS, -r, "set the limits of its group: %s", strerror(-r));
        limits_count_from_now(e, id, path, b);
        engine_run(e, id)->flags |= RUN_COUNTED;
        return judge(e, id, &l, &p, err);
}

/* Who waits for the end of a service that was given his own descriptors (`coppicectl run`) is told what it has used.
 * One such start more or less that takes a millisecond is of no account, other than one of hundreds of restarts. */
static unsigned counted_anyway(struct engine *e, node_id id)
{
        const struct run *run = engine_peek(e, id);
        const int *given = run && run->extra ? run->extra->given : NULL;

        if (!given || (given[0] < 0 && given[1] < 0 && given[2] < 0))
                return 0;
        return (CTL_BIT(CTL_MEMORY) | CTL_BIT(CTL_PIDS) | CTL_BIT(CTL_CPUACCT)) & limits_available(e->cgroup);
}

enum { TASKS_EACH = 512 }; /* the default of TasksMax= */

int limits_begin(struct engine *e, node_id id, const struct spec *s, const char *path, int group, bool fresh,
                 struct err *err)
{
        struct run *run = engine_run(e, id);
        const struct node *node = core_node(e->core, id);
        bool any = limits_any(s);
        unsigned count = counted_anyway(e, id);
        int r;

        if (run->flags & RUN_BOUNDED)
                return 0;
        limits_rest_room(e->cgroup, (int64_t) id, TASKS_EACH); /* who has a group of his own begins there too */
        any = any || count;
        r = bound_above(e, node->parent, &any, &count, err);
        if (r == 0 && any)
                r = bound_fully(e, id, s, path, count, err);
        else if (r == 0 && fresh)
                bound_plainly(e, s, path, group);
        if (r == 0)
                limits_devices_implied(e->cgroup, group, s, fresh);
        if (r == 0)
                run->flags |= RUN_BOUNDED;
        return r;
}

/* --- a changed spec ----------------------------------------------------------------------------------------------- */

static const struct limit_facts no_facts = { 1, 1 };

uint32_t limits_had(const struct spec *s)
{
        struct limits l;

        limits_read(s, &no_facts, &l);
        return l.said | l.implied;
}

static void note_all(struct engine *e, node_id id, const struct limits *l, const struct limit_problems *p)
{
        char path[PATH_MAX_NODE], text[100];

        remember(e, id, p);
        for (size_t i = 0; i < p->count; i++)
                log_warning("%s: %s is not enforced: %s", engine_path(e, id, path, sizeof(path)),
                            limit_text(l, p->list[i].limit, text, sizeof(text)), p->list[i].why);
}

/* Write what is said now, take back what is not said any more. */
static void write_again(struct engine *e, node_id id, const struct spec *s, uint32_t before, unsigned count)
{
        struct limit_problems p = { 0 };
        char path[PATH_MAX_NODE];
        struct limits l;
        uint32_t now;
        int r;

        limits_read(s, limits_facts(e->cgroup), &l);
        now = l.said | l.implied;
        r = limits_apply(e->cgroup, engine_path(e, id, path, sizeof(path)), &l, now, before & ~now, count, &p);
        if (r < 0)
                log_warning("%s: change its limits: %s", path, strerror(-r));
        note_all(e, id, &l, &p);
}

/* A running service: new groups of v1 begin to count now, and its processes move there. */
static void change_service(struct engine *e, node_id id, uint32_t before)
{
        const struct node *node = core_node(e->core, id);
        struct run *run = engine_run(e, id);
        bool any = limits_any(node->spec), counted = run->flags & RUN_COUNTED;
        struct bound *b = limits_bound(e, id);
        struct err err = { 0 };
        char path[PATH_MAX_NODE];
        unsigned count = 0;
        int r;

        if (!(run->flags & RUN_BOUNDED) || !b)
                return;
        (void) bound_above(e, node->parent, &any, &count, &err);
        if (!any && !counted)
                return;
        write_again(e, id, node->spec, before, count);
        run->flags |= RUN_COUNTED;
        r = limits_settle(e->cgroup, engine_path(e, id, path, sizeof(path)));
        if (r < 0)
                log_warning("%s: move its processes to the groups of its limits: %s", path, strerror(-r));
        if (!counted || b->base.oom_kills < 0)
                limits_count_from_now(e, id, path, b);
}

static void change_below(struct engine *e, node_id id)
{
        for (node_id child = core_first_child(e->core, id); child != NODE_NONE;
             child = core_next_sibling(e->core, child)) {
                if (core_node(e->core, child)->kind == KIND_SERVICE)
                        change_service(e, child, 0);
                else
                        change_below(e, child);
        }
}

void limits_changed(struct engine *e, node_id id, uint32_t before)
{
        const struct node *node = core_node(e->core, id);
        bool any = node && (before || limits_any(node->spec));

        if (!any || !(engine_run(e, id)->flags & RUN_BOUNDED || node->kind == KIND_SUPERVISOR))
                return;
        if (node->kind == KIND_SERVICE) {
                change_service(e, id, before);
                return;
        }
        if (engine_run(e, id)->flags & RUN_BOUNDED)
                write_again(e, id, node->spec, before, 0);
        change_below(e, id);
}

int limits_join_names(struct engine *e, node_id id, const struct spec *s, char *buf, size_t n)
{
        const struct node *node;
        unsigned bits = 0;
        size_t at = 0;
        struct limits l;
        int count = 0;

        buf[0] = '\0';
        if (limits_any(s)) {
                limits_read(s, limits_facts(e->cgroup), &l);
                bits = limits_controllers(l.said | l.implied);
        }
        bits |= counted_anyway(e, id);
        for (node = core_node(e->core, id); node && (node = core_node(e->core, node->parent));)
                if (limits_any(node->spec)) {
                        limits_read(node->spec, limits_facts(e->cgroup), &l);
                        bits |= limits_controllers(l.said);
                }
        for (int i = 0; i < CTL_COUNT && at < n; i++)
                if (bits & CTL_BIT(i) && strcmp(limits_backend(e->cgroup, (enum controller) i), "v1") == 0)
                        at += (size_t) snprintf(buf + at, n - at, "%s%s", count++ ? ", " : "",
                                                strtab_text(&controller_names, i));
        return count;
}

int limits_enter(struct engine *e, node_id id, const char *path, int fds[CTL_COUNT], struct err *err)
{
        int n;

        if (!(engine_run(e, id)->flags & RUN_COUNTED))
                return 0;
        n = limits_join(e->cgroup, path, fds);
        return n < 0 ? err_set(err, STAGE_LIMITS, -n, "open the control groups of its limits: %s", strerror(-n)) : n;
}

/* Commands beside the main process have a group of their own: the service may have handed controllers on in its own. */
int limits_delegate(struct engine *e, const struct spec *s, const char *path, uid_t uid, gid_t gid, bool control,
                    int *ret_fd, struct err *err)
{
        const char *inner = control ? "coppice-control" : spec_str(s, D_SERVICE_DelegateSubgroup);
        struct origin o = spec_origin(s, D_SERVICE_Delegate);
        int r;

        if (!spec_delegates(s) || cgroup_backend(e->cgroup) == CGROUP_NONE)
                return 0;
        r = cgroup_delegate(e->cgroup, path, uid, gid);
        if (r == 0 && inner[0] != '\0')
                r = cgroup_inner(e->cgroup, path, inner, uid, gid, ret_fd);
        if (r < 0) {
                (void) err_set(err, STAGE_CGROUP, -r, "hand its control group to the service: %s", strerror(-r));
                err_where(err, o.file, o.line);
        }
        return r;
}
