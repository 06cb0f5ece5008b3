/* left_list.c - who was left, in order and by name. See left_priv.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/engine_priv.h"
#include "daemon/left_priv.h"

enum { ROOM_FIRST = 64 };

static size_t hash_of(const char *node)
{
        uint64_t h = 14695981039346656037U; /* FNV-1a */

        while (*node)
                h = (h ^ (unsigned char) *node++) * 1099511628211U;
        return (size_t) h;
}

static void name_it(struct left *f, struct left_one *l)
{
        struct left_one **head = &f->named[hash_of(l->node) & (f->cap - 1)];

        l->next = *head;
        *head = l;
}

static int grow(struct left *f)
{
        const size_t cap = f->cap ? f->cap * 2 : ROOM_FIRST;
        struct left_one **named = calloc(cap, sizeof(*named)), **list;

        list = named ? reallocarray(f->list, cap, sizeof(struct left_one *)) : NULL;
        if (!list) {
                free(named);
                return -ENOMEM;
        }
        free(f->named);
        f->list = list;
        f->named = named;
        f->cap = cap;
        for (size_t i = 0; i < f->count; i++)
                name_it(f, f->list[i]);
        return 0;
}

int left_add(struct left *f, const struct left_one *l)
{
        struct left_one *one = malloc(sizeof(*one));

        if (!one || (f->count == f->cap && grow(f) < 0)) {
                free(one);
                return -ENOMEM;
        }
        *one = *l;
        one->at = f->count;
        f->list[f->count++] = one;
        name_it(f, one);
        return 0;
}

void left_drop(struct left *f, struct left_one *l)
{
        struct left_one **p = &f->named[hash_of(l->node) & (f->cap - 1)];

        left_unwatch(f, l);
        while (*p != l)
                p = &(*p)->next;
        *p = l->next;
        f->list[l->at] = f->list[--f->count];
        f->list[l->at]->at = l->at;
        free(l->node);
        free(l->group);
        free(l);
}

struct left_one *left_named(const struct left *f, const char *node, const struct left_one *after)
{
        struct left_one *l = f->cap == 0 ? NULL : after ? after->next : f->named[hash_of(node) & (f->cap - 1)];

        while (l && strcmp(l->node, node) != 0)
                l = l->next;
        return l;
}
