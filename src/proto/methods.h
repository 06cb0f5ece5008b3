/* methods.h - the table of methods as the program sees it; methods.def is the table itself. */
#ifndef PROTO_METHODS_H
#define PROTO_METHODS_H

#include <stdbool.h>

#define MANAGER_INTERFACE "io.coppice.Manager"
#define SERVICE_INTERFACE "org.varlink.service"

enum method_access { METHOD_ANYONE, METHOD_OWN, METHOD_MUTATING };
enum method_replies { METHOD_ONCE, METHOD_MORE };

enum method {
#define METHOD(name, access, replies, text) M_##name,
#include "proto/methods.def"
#undef METHOD
        M_COUNT,
        M_NONE = M_COUNT
};

struct method_row {
        const char *name; /* "List" */
        enum method_access access;
        enum method_replies replies;
        const char *text;
};
extern const struct method_row method_rows[M_COUNT];

/* "io.coppice.Manager.List" -> M_List; M_NONE for anything else. */
enum method method_find(const char *qualified);

/* The interface definitions, as GetInterfaceDescription returns them; NULL for an interface we have not. */
const char *interface_text(const char *interface);

#endif
