/* settled.c - has a service ended for good, as far as anybody can say now? See core.h. */
#include "core/core_state.h"

static bool comes_with_sibling(const struct core *c, const struct node *n)
{
        for (unsigned i = 0; n->child_flags & CF_PULL && i < n->dep_count; i++) {
                const struct node *o = node_at(c, n->deps[i].other);

                if (o && n->deps[i].kinds & (DEP_REQUIRES | DEP_BINDS) &&
                    (o->child == CHILD_QUEUED || o->child == CHILD_STARTING || o->child == CHILD_STOPPING ||
                     o->child == CHILD_RESTARTING || o->child_flags & (CF_AGAIN | CF_DEAD)))
                        return true;
        }
        return false;
}

/* Does what the supervisor is busy with start this child, or may it? A start that has passed it by does not. */
static bool job_may_start(const struct core *c, const struct node *s, const struct node *child)
{
        const struct node *at = node_at(c, s->super->cursor);

        switch ((enum job) s->super->job) {
        case JOB_START:
        case JOB_GROUP_START:
                for (; at; at = node_at(c, at->next))
                        if (at == child)
                                return true;
                return false;
        case JOB_GROUP_STOP:
                return child->child != CHILD_GONE;
        case JOB_ONE_START:
                return at == child;
        default:
                return false;
        }
}

static bool on_its_way(const struct node *n)
{
        return n->child == CHILD_QUEUED || n->child == CHILD_STARTING || n->child == CHILD_STOPPING ||
               n->child == CHILD_RESTARTING || n->child_flags & (CF_AGAIN | CF_DEAD);
}

bool core_settled(const struct core *c, node_id id)
{
        const struct node *n = node_at(c, id);

        if (!n)
                return true;
        /* A oneshot that stays "running" after its end has nothing more to write. */
        if (n->kind == KIND_SERVICE && n->phase == PHASE_UP && !n->pid_main &&
            spec_int(n->spec, D_SERVICE_RemainAfterExit))
                return true;
        if ((n->state != STATE_INACTIVE && n->state != STATE_FAILED && n->state != STATE_FINISHED) || on_its_way(n) ||
            comes_with_sibling(c, n))
                return false;
        for (const struct node *s = node_at(c, n->parent); s; n = s, s = node_at(c, s->parent))
                if (job_may_start(c, s, n) || (s->parent != NODE_NONE && on_its_way(s) && s->child != CHILD_STARTING))
                        return false;
        return true;
}
