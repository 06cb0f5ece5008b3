/* mounts_priv.h - what mounts.c and mounts_said.c share. */
#ifndef CORE_MOUNTS_PRIV_H
#define CORE_MOUNTS_PRIV_H

#include "core/mounts.h"
#include "core/sandbox.h"

enum { UNSAID = -1 };

/* One wish about one path. */
struct want {
        uint32_t path, from, from2;  /* texts; 0 = none. KEEP with from: BIND where something new hides it */
        enum plan_mount kind;
        int8_t ro, noexec;           /* 1, 0, UNSAID */
        bool optional, no_link;
        bool make;                   /* for one that is optional: the mount point is made all the same */
        bool weak;                   /* part of something larger: whatever else is said of the path wins */
        bool rescue;                 /* only when something new would cover it */
        bool inner, gone;            /* below something new; dropped */
        int64_t attributes;          /* nosuid, nodev */
        struct origin origin;
};

struct wants {
        struct want *list;
        size_t count, cap;
        struct buf texts;
        bool failed;
};

/* Everything the unit asks for, in no order. mounts_said.c */
void mounts_said(struct wants *all, const struct spec *s, const struct plan_facts *f, unsigned parts,
                 const char *private_tmp);

#endif
