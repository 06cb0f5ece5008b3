/* snapshot_priv.h - the tables that snapshot.c writes by and snapshot_load.c reads by. Nobody else includes it. */
#ifndef CORE_SNAPSHOT_PRIV_H
#define CORE_SNAPSHOT_PRIV_H

#include "core/core_state.h"
#include "core/snapshot.h"

extern const struct pack_struct core_fields, node_fields, super_fields, record_fields, msg_fields, dep_fields,
        bond_fields;

#endif
