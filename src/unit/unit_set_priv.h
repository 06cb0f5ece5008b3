/* unit_set_priv.h - what unit_set.c (the tree) and unit_known.c (the units there are) share; nobody else includes
 * it. */
#ifndef UNIT_UNIT_SET_PRIV_H
#define UNIT_UNIT_SET_PRIV_H

#include "unit/unit_dirs.h"

struct known {
        char *name;            /* owned by the set's list of names */
        struct spec *spec;     /* owned; NULL when it is not to be had */
        struct husk husk;      /* of one that cannot run: for further remarks, and to say who needs it. Of a
                                * supervisor always */
        enum unit_status status;
        bool only_listed;
        bool for_husks;        /* only units with errors ask for it: no part of the tree */
};

struct unit_set {
        struct known *known;   /* sorted by name */
        size_t known_count, known_cap;
        struct unit_node *nodes;
        size_t node_count;
        struct unit_node *channels;
        size_t channel_count;
        uint32_t *by_name;     /* nodes sorted by name */
        struct diag *diags;
        size_t diag_count, diag_cap;
        struct remarks remarks;
        struct unit_index index;
        bool failed;           /* a remark could not be kept */
};

/* By name; NULL. The first known_count are sorted whenever somebody outside of unit_known.c looks. */
struct known *known_find(const struct unit_set *set, const char *name);

/* Read every unit of our own, whatever they ask for, and, marked as such, what those with errors ask for. -ENOMEM. */
int known_read(struct unit_set *set);

/* Names that only systemd's directories have: known, and read when they are needed. -ENOMEM. */
int known_add_foreign(struct unit_set *set);

#endif
