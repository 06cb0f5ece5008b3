/* emit.c - EVT_EMIT: what services say for the records (`events`, `why`, the log). A record has a fixed size, so the
 * texts lie beside: those of the last EMITTED_MAX records of that rule, which a snapshot holds too.
 * Used by: bond_event.c, explain.c, snapshot*.c.  Uses: bond_priv.h.  Tested by: tests/unit/spawnin.c */
#include "base/buf.h"
#include "base/pack.h"
#include "core/bond_priv.h"
#include "core/machine.h"

static void keep(struct core *c, uint64_t seq, uint32_t text)
{
        struct bonds *b = c->bonds;
        uint32_t oldest = 0;

        for (uint32_t i = 1; i < EMITTED_MAX; i++)
                if (b->emitted[i].seq < b->emitted[oldest].seq)
                        oldest = i;
        core_text_release(c, b->emitted[oldest].text);
        c->emitted += b->emitted[oldest].seq == 0;
        b->emitted[oldest] = (struct emitted) { .seq = seq, .text = text };
}

enum result bond_emit(struct core *c, struct node *n, const struct event *e)
{
        uint32_t text = (uint32_t) e->arg2;

        if (!text || text > c->bonds->text_count)
                return RESULT_FAILED;
        c->bonds->texts[text - 1].refs++;
        keep(c, note(c, n, RULE_EMITTED, 0), text);
        return RESULT_OK;
}

const char *core_emitted(const struct core *c, uint64_t seq)
{
        for (uint32_t i = 0; seq && i < EMITTED_MAX; i++)
                if (c->bonds->emitted[i].seq == seq)
                        return core_text(c, c->bonds->emitted[i].text);
        return NULL;
}

void emitted_save(const struct core *c, struct buf *out)
{
        for (uint32_t i = 0; i < EMITTED_MAX; i++)
                if (c->bonds->emitted[i].seq) {
                        pack_u(out, c->bonds->emitted[i].seq);
                        pack_u(out, c->bonds->emitted[i].text);
                }
}

bool emitted_load(struct core *c, struct unpack *u, uint32_t count)
{
        if (count > EMITTED_MAX)
                return false;
        for (uint32_t i = 0; i < count; i++) {
                c->bonds->emitted[i].seq = unpack_u(u);
                c->bonds->emitted[i].text = (uint32_t) unpack_max(u, c->bonds->text_count);
                if (u->bad || c->bonds->emitted[i].seq == 0 || c->bonds->emitted[i].seq > c->seq)
                        return false;
        }
        c->emitted = count;
        return true;
}
