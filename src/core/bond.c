/* bond.c - see bond.h: records, lists, births and deaths; bond_event.c has requests and signals. */
#include "core/bond_priv.h"
#include "core/machine.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { BONDS_SPARE = 16, TEXTS_MAX = 1 << 20 };

/* --- texts -------------------------------------------------------------------------------------------------------- */

const char *core_text(const struct core *c, uint32_t text)
{
        const struct bonds *b = c->bonds;

        return text && text <= b->text_count && b->texts[text - 1].text ? b->texts[text - 1].text : "";
}

/* The place of that text, else a free one, else BOND_NONE. */
static uint32_t find_text(const struct bonds *b, const char *text)
{
        uint32_t free_one = BOND_NONE;

        for (uint32_t i = 0; i < b->text_count; i++) {
                if (!b->texts[i].text)
                        free_one = i;
                else if (strcmp(b->texts[i].text, text) == 0)
                        return i;
        }
        return free_one;
}

uint32_t core_text_take(struct core *c, const char *text)
{
        struct bonds *b = c->bonds;
        uint32_t i = find_text(b, text);

        if (strlen(text) >= BOND_TEXT_MAX || (i == BOND_NONE && b->text_count == TEXTS_MAX))
                return 0;
        if (i == BOND_NONE) {
                struct bond_text *more = realloc(b->texts, (b->text_count + 1) * sizeof(*more));

                if (!more)
                        return 0;
                b->texts = more;
                i = b->text_count++;
                b->texts[i] = (struct bond_text) { 0 };
        }
        if (!b->texts[i].text)
                b->texts[i].text = strdup(text);
        if (!b->texts[i].text)
                return 0;
        b->texts[i].refs++;
        c->changes++;
        return i + 1;
}

void core_text_release(struct core *c, uint32_t text)
{
        struct bonds *b = c->bonds;

        if (!text)
                return;
        c->changes++;
        if (text <= b->text_count && b->texts[text - 1].refs && --b->texts[text - 1].refs == 0)
                b->garbage = true;
}

void bonds_sweep(struct core *c)
{
        struct bonds *b = c->bonds;

        for (uint32_t i = 0; b->garbage && i < b->text_count; i++)
                if (b->texts[i].refs == 0 && b->texts[i].text) {
                        free(b->texts[i].text);
                        b->texts[i].text = NULL;
                }
        b->garbage = false;
}

static void text_ref(struct core *c, uint32_t text)
{
        if (text && text <= c->bonds->text_count)
                c->bonds->texts[text - 1].refs++;
}

/* --- records ------------------------------------------------------------------------------------------------------ */

int bonds_new(struct core *c)
{
        c->bonds = calloc(1, sizeof(*c->bonds));
        if (!c->bonds)
                return -ENOMEM;
        c->bonds->free = c->bonds->first = c->bonds->last = BOND_NONE;
        return 0;
}

void bonds_free(struct core *c)
{
        struct bonds *b = c->bonds;

        if (!b)
                return;
        for (uint32_t i = 0; i < b->text_count; i++)
                free(b->texts[i].text);
        free(b->texts);
        free(b->pool);
        free(b);
        c->bonds = NULL;
}

/* Free records that are nobody's: what standing bonds may still need is theirs. */
static uint32_t spare(const struct bonds *b)
{
        return b->cap - b->used - (b->promised - b->standing);
}

static int grow(struct bonds *b, uint32_t cap)
{
        struct bond *more = realloc(b->pool, cap * sizeof(*more));

        if (!more)
                return -ENOMEM;
        b->pool = more;
        for (uint32_t i = b->cap; i < cap; i++) {
                b->pool[i] = (struct bond) { .next = { b->free, BOND_NONE }, .a = NODE_NONE, .b = NODE_NONE };
                b->free = i;
        }
        b->cap = cap;
        return 0;
}

int core_bond_reserve(struct core *c)
{
        struct bonds *b = c->bonds;

        c->changes += spare(b) < BONDS_SPARE;
        return spare(b) >= BONDS_SPARE ? 0 : grow(b, b->cap * 2 + 2 * BONDS_SPARE);
}

/* Each standing bond is one record, and another while its end is being told. */
static size_t needs(const struct spec *s)
{
        return spec_kind(s) != KIND_SERVICE
               ? 0 : 2 * (spec_count(s, D_SERVICE_LinkTo) + spec_count(s, D_SERVICE_Monitor));
}

/* What is still on its way to somebody keeps its record for good: a few at most. */
void bonds_promise_back(struct core *c, const struct spec *s)
{
        struct bonds *b = c->bonds;
        uint32_t n = (uint32_t) needs(s), idle = b->promised - b->standing;

        b->promised -= n < idle ? n : idle;
}

int bonds_promise(struct core *c, const struct spec *s)
{
        struct bonds *b = c->bonds;
        size_t n = needs(s);

        if (n == 0)
                return 0;
        if (b->cap - b->used < b->promised - b->standing + n && grow(b, (uint32_t) (b->cap + n)) < 0)
                return -ENOMEM;
        b->promised += (uint32_t) n;
        return 0;
}

struct bond *bond_take(struct core *c, enum bond_kind kind, bool standing)
{
        struct bonds *b = c->bonds;
        struct bond *d;

        if (b->free == BOND_NONE || (standing ? b->standing == b->promised : spare(b) == 0))
                return NULL;
        d = &b->pool[b->free];
        b->free = d->next[0];
        b->used++;
        b->standing += standing;
        *d = (struct bond) { .kind = (uint8_t) kind, .standing = standing, .a = NODE_NONE, .b = NODE_NONE,
                             .next = { BOND_NONE, BOND_NONE }, .reason = REASON(REASON_NONE, 0) };
        return d;
}

void bond_give(struct core *c, struct bond *d)
{
        struct bonds *b = c->bonds;

        core_text_release(c, d->ref);
        b->used--;
        b->standing -= d->standing;
        *d = (struct bond) { .next = { b->free, BOND_NONE }, .a = NODE_NONE, .b = NODE_NONE };
        b->free = (uint32_t) (d - b->pool);
}

/* --- lists: a bond is in those of both its nodes, in the order in which they were tied ---------------------------- */

static uint32_t *next_of(struct bond *d, node_id id)
{
        return &d->next[d->a == id ? 0 : 1];
}

static void append(struct core *c, struct bond *d, node_id id)
{
        uint32_t *at = &c->nodes[id]->bonds;

        while (*at != BOND_NONE)
                at = next_of(&c->bonds->pool[*at], id);
        *at = (uint32_t) (d - c->bonds->pool);
}

void bond_tie(struct core *c, struct bond *d, node_id a, node_id b, uint32_t ref)
{
        d->a = a;
        d->b = b;
        d->ref = ref;
        d->next[0] = d->next[1] = BOND_NONE;
        text_ref(c, ref);
        append(c, d, a);
        append(c, d, b);
}

static void leave_list(struct core *c, struct bond *d, node_id id)
{
        struct node *n = node_at(c, id);
        uint32_t me = (uint32_t) (d - c->bonds->pool);

        for (uint32_t *at = n ? &n->bonds : NULL; at && *at != BOND_NONE; at = next_of(&c->bonds->pool[*at], id))
                if (*at == me) {
                        *at = *next_of(d, id);
                        return;
                }
}

static void untie(struct core *c, struct bond *d)
{
        leave_list(c, d, d->a);
        leave_list(c, d, d->b);
        d->next[0] = d->next[1] = BOND_NONE;
}

void bond_drop(struct core *c, struct bond *d)
{
        untie(c, d);
        bond_give(c, d);
}

struct bond *bond_step(const struct core *c, const struct node *n, uint32_t *at)
{
        if (*at == BOND_NONE)
                *at = n->bonds;
        else
                *at = *next_of(&c->bonds->pool[*at], n->id);
        return *at == BOND_NONE ? NULL : &c->bonds->pool[*at];
}

struct bond *bond_between(const struct core *c, const struct node *n, node_id other, enum bond_kind kind)
{
        uint32_t at = BOND_NONE;
        struct bond *d;

        while ((d = bond_step(c, n, &at)))
                if (d->kind == kind && (d->a == n->id ? d->b : d->a) == other)
                        return d;
        return NULL;
}

unsigned bond_count(const struct core *c, const struct node *n)
{
        uint32_t at = BOND_NONE;
        unsigned count = 0;

        while (bond_step(c, n, &at))
                count++;
        return count;
}

/* --- signals ------------------------------------------------------------------------------------------------------ */

static void queue(struct core *c, struct bond *d, enum bond_kind kind, const struct node *to, node_id from,
                  const struct reason *r, uint64_t cause)
{
        struct bonds *b = c->bonds;
        uint32_t me = (uint32_t) (d - b->pool);

        d->kind = (uint8_t) kind;
        d->a = to->id;
        d->b = from;
        d->incarnation = to->incarnation;
        d->reason = *r;
        d->cause = cause;
        d->next[0] = d->next[1] = BOND_NONE;
        if (b->last == BOND_NONE)
                b->first = me;
        else
                b->pool[b->last].next[0] = me;
        b->last = me;
}

bool bond_signal(struct core *c, enum bond_kind kind, const struct node *to, node_id from, const struct reason *r,
                 uint32_t ref, uint64_t cause)
{
        struct bond *d = bond_take(c, kind, false);

        if (!d)
                return false;
        d->ref = ref;
        text_ref(c, ref);
        queue(c, d, kind, to, from, r, cause);
        return true;
}

/* --- births and deaths -------------------------------------------------------------------------------------------- */

bool node_lives(const struct node *n)
{
        return n->phase != PHASE_NONE && (is_super(n) ? n->phase == PHASE_UP : (n->flags & NF_OPENED) != 0);
}

bool core_lives(const struct core *c, node_id id)
{
        const struct node *n = node_at(c, id);

        return n && node_lives(n);
}

/* Who is on his way down already is not tied to again: his end would end the next incarnation of the one he went
 * with. */
static bool may_be_tied(const struct node *n)
{
        return node_lives(n) && (is_super(n) || n->ending.kind == REASON_NONE);
}

/* A pair is linked once: a second wish for it waits. */
static void tie_if_both_live(struct core *c, struct bond *d)
{
        struct node *a = c->nodes[d->a], *b = c->nodes[d->b];
        bool link = d->kind == BOND_WANT_LINK;

        if ((d->kind != BOND_WANT_LINK && d->kind != BOND_WANT_MONITOR) || !may_be_tied(a) || !may_be_tied(b) ||
            (link && bond_between(c, a, b->id, BOND_LINK)))
                return;
        d->kind = link ? BOND_LINK : BOND_MONITOR;
        (void) note_other(c, a, link ? RULE_LINKED : RULE_MONITORS, a->cause, b->id);
}

static void stand(struct core *c, struct node *n, enum directive d, enum bond_kind want)
{
        for (size_t i = 0; i < spec_count(n->spec, d); i++) {
                node_id other = core_outward(c, n->parent, spec_item(n->spec, d, i));
                struct bond *bond = other == NODE_NONE || other == n->id ? NULL : bond_take(c, want, true);

                if (!bond) {
                        (void) note_ab(c, n, RULE_BOND_UNKNOWN, n->cause, d, 0);
                        continue;
                }
                bond_tie(c, bond, n->id, other, 0);
        }
}

void bonds_born(struct core *c, struct node *n)
{
        uint32_t at = BOND_NONE;
        uint64_t cause = n->cause;
        struct bond *d;

        if (!is_super(n) && (spec_has(n->spec, D_SERVICE_LinkTo) || spec_has(n->spec, D_SERVICE_Monitor))) {
                stand(c, n, D_SERVICE_LinkTo, BOND_WANT_LINK);
                stand(c, n, D_SERVICE_Monitor, BOND_WANT_MONITOR);
        }
        while ((d = bond_step(c, n, &at)))
                tie_if_both_live(c, d);
        n->cause = cause;
}

/* Tell the one at the other end. The record of a bond that ends becomes the signal; a standing one stays, and a new
 * record is taken, which was promised. */
void bond_tell(struct core *c, struct bond *d, const struct node *gone, const struct reason *r)
{
        struct node *to = c->nodes[d->a == gone->id ? d->b : d->a];
        enum bond_kind kind = d->kind == BOND_LINK ? BOND_SIGNAL_LINK : BOND_SIGNAL_DOWN;
        bool stays = d->standing && d->b == gone->id;
        struct bond *signal = d;

        if (stays) {
                d->kind = d->kind == BOND_LINK ? BOND_WANT_LINK : BOND_WANT_MONITOR;
                signal = bond_take(c, kind, true);
                if (!signal)
                        return;
        } else {
                untie(c, d);
        }
        queue(c, signal, kind, to, gone->id, r, gone->cause);
}

static void ended(struct core *c, struct bond *d, const struct node *n, const struct reason *r)
{
        switch ((enum bond_kind) d->kind) {
        case BOND_LINK:
                bond_tell(c, d, n, r);
                break;
        case BOND_MONITOR:
                if (d->b == n->id)
                        bond_tell(c, d, n, r);
                else
                        bond_drop(c, d);
                break;
        case BOND_NAME:
                if (d->b == n->id)
                        bond_drop(c, d);
                break;
        default: /* a wish of its own: the next incarnation has it again */
                if (!bond_promise_ended(c, d, n, r) && d->a == n->id)
                        bond_drop(c, d);
                break;
        }
}

void bonds_died(struct core *c, struct node *n, const struct reason *r)
{
        uint32_t at = n->bonds;

        while (at != BOND_NONE) {
                struct bond *d = &c->bonds->pool[at];

                at = *next_of(d, n->id);
                ended(c, d, n, r);
        }
}

void bonds_forget(struct core *c, struct node *n)
{
        bond_promises_unborn(c, n);
        while (n->bonds != BOND_NONE)
                bond_drop(c, &c->bonds->pool[n->bonds]);
}

/* --- reading ------------------------------------------------------------------------------------------------------ */

node_id core_whereis(const struct core *c, node_id scope, const char *name, bool outward)
{
        uint32_t text = find_text(c->bonds, name);

        if (text == BOND_NONE || !c->bonds->texts[text].text)
                return NODE_NONE;
        for (const struct node *s = node_at(c, scope); s; s = outward ? parent_of(c, s) : NULL) {
                uint32_t at = BOND_NONE;
                const struct bond *d;

                while ((d = bond_step(c, s, &at)))
                        if (d->kind == BOND_NAME && d->a == s->id && d->ref == text + 1)
                                return d->b;
        }
        return NODE_NONE;
}

const struct bond *core_bond_next(const struct core *c, node_id id, uint32_t *at)
{
        const struct node *n = node_at(c, id);

        return n ? bond_step(c, n, at) : NULL;
}
