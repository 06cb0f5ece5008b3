/* children.c - the list of children of a supervisor when it changes: other places (core_order()), and out of the tree.
 * Takes and frees nothing: what is forgotten is buried, and freed by memory.c when the step is over.
 * Used by: request.c, child.c, the daemon's reload.  Uses: machine.h. */
#include <errno.h>

#include "core/bond_priv.h"
#include "core/machine.h"
#include "core/order.h"
#include "core/supervisor.h"

static void unlink_child(struct core *c, struct node *p, struct node *n)
{
        if (n->prev != NODE_NONE)
                c->nodes[n->prev]->next = n->next;
        else
                p->first = n->next;
        if (n->next != NODE_NONE)
                c->nodes[n->next]->prev = n->prev;
        else
                p->last = n->prev;
}

static void link_behind(struct core *c, struct node *p, struct node *n, node_id before)
{
        node_id after = before == NODE_NONE ? p->first : c->nodes[before]->next;

        n->prev = before;
        n->next = after;
        if (before == NODE_NONE)
                p->first = n->id;
        else
                c->nodes[before]->next = n->id;
        if (after == NODE_NONE)
                p->last = n->id;
        else
                c->nodes[after]->prev = n->id;
}

int core_order(struct core *c, node_id parent, const node_id *ids, size_t n)
{
        struct node *p = node_at(c, parent);
        node_id before = NODE_NONE;

        if (!p || !is_super(p))
                return -EINVAL;
        for (size_t i = 0; i < n; i++) {
                const struct node *child = node_at(c, ids[i]);

                if (!child || child->parent != parent)
                        return -EINVAL;
        }
        for (size_t i = 0; i < n; i++) {
                struct node *child = c->nodes[ids[i]];

                if (child->prev != before) {
                        if (p->super->job != JOB_NONE)
                                return -EBUSY; /* the first that moves: nothing has been changed */
                        c->changes++;
                        unlink_child(c, p, child);
                        link_behind(c, p, child, before);
                }
                before = child->id;
        }
        return 0;
}

/* --- leaving ------------------------------------------------------------------------------------------------------ */

/* No job may keep the number of a node that is gone. */
static void leave_job(struct core *c, struct node *p, const struct node *n)
{
        struct super *j = p->super;
        bool group = j->job == JOB_GROUP_STOP || j->job == JOB_GROUP_FAIL;
        bool backward = j->job == JOB_END || j->job == JOB_UNWIND || group;

        if (j->leader == n->id)
                j->leader = NODE_NONE;
        if (j->from == n->id) {
                j->from = first_live(c, n->next);
                if (group && j->cursor == n->id) {
                        j->cursor = NODE_NONE;
                        j->issued = false;
                }
        }
        if (j->cursor != n->id)
                return;
        j->issued = false;
        if (j->job == JOB_ONE_START || j->job == JOB_ONE_STOP)
                job_over(c, p);
        else
                j->cursor = backward ? last_live(c, n->prev) : first_live(c, n->next);
}

static void leave_work(struct core *c, struct node *n)
{
        struct super *s = n->super;
        node_id before = NODE_NONE;

        if (!s->woken)
                return;
        for (node_id id = c->work_head; id != n->id; id = c->nodes[id]->super->next_woken)
                before = id;
        if (before == NODE_NONE)
                c->work_head = s->next_woken;
        else
                c->nodes[before]->super->next_woken = s->next_woken;
        if (c->work_tail == n->id)
                c->work_tail = before;
        s->woken = false;
}

static void forget_children(struct core *c, struct node *n)
{
        while (n->first != NODE_NONE)
                core_forget(c, c->nodes[n->first]);
}

/* Is anything of it or below it still there, were it only a process that SIGKILL does not end? */
bool core_has_life(const struct core *c, const struct node *n)
{
        if (!is_super(n))
                return n->phase != PHASE_NONE;
        for (node_id id = n->first; id != NODE_NONE; id = c->nodes[id]->next)
                if (core_has_life(c, c->nodes[id]))
                        return true;
        return false;
}

void core_forget(struct core *c, struct node *n)
{
        struct node *p = parent_of(c, n);

        if (is_super(n)) {
                queue_clear(c, n);
                forget_children(c, n);
                leave_work(c, n);
        }
        answer_all(c, n, RESULT_STOPPED);
        if (p) {
                queue_disown(c, p, n->id);
                leave_job(c, p, n);
                p->super->busy[n->child]--;
                p->super->dynamic -= n->dynamic;
                unlink_child(c, p, n);
                p->super->recheck = true; /* who waited for it */
                core_wake(c, p);
        }
        (void) note(c, n, RULE_FORGOTTEN, n->cause);
        (void) act(c, n, ACT_FORGET);
        timer_remove(c, n);
        order_drop(c, n);
        bonds_forget(c, n);
        bonds_promise_back(c, n->spec);
        index_drop(c, n);
        retire(c, n);
        c->nodes[n->id] = NULL;
        n->buried = c->buried;
        c->buried = n;
}
