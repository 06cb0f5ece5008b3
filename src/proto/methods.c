/* methods.c - see methods.h. */
#include "proto/methods.h"

#include <stddef.h>
#include <string.h>

const struct method_row method_rows[M_COUNT] = {
#define METHOD(name, access, replies, text) [M_##name] = { #name, METHOD_##access, METHOD_##replies, text },
#include "proto/methods.def"
#undef METHOD
};

static const char manager_text[] =
#include "proto/varlink_text.h"
        ;

/* As the Varlink specification gives it. */
static const char service_text[] =
        "# The interface every Varlink service has.\n"
        "interface org.varlink.service\n"
        "\n"
        "method GetInfo() -> (\n"
        "  vendor: string,\n"
        "  product: string,\n"
        "  version: string,\n"
        "  url: string,\n"
        "  interfaces: []string\n"
        ")\n"
        "\n"
        "method GetInterfaceDescription(interface: string) -> (description: string)\n"
        "\n"
        "error InterfaceNotFound (interface: string)\n"
        "error MethodNotFound (method: string)\n"
        "error MethodNotImplemented (method: string)\n"
        "error InvalidParameter (parameter: string)\n"
        "error PermissionDenied ()\n"
        "error ExpectedMore ()\n";

enum method method_find(const char *qualified)
{
        static const char prefix[] = MANAGER_INTERFACE ".";

        if (strncmp(qualified, prefix, sizeof prefix - 1) != 0)
                return M_NONE;
        for (int m = 0; m < M_COUNT; m++)
                if (strcmp(method_rows[m].name, qualified + sizeof prefix - 1) == 0)
                        return (enum method) m;
        return M_NONE;
}

const char *interface_text(const char *interface)
{
        if (strcmp(interface, MANAGER_INTERFACE) == 0)
                return manager_text;
        if (strcmp(interface, SERVICE_INTERFACE) == 0)
                return service_text;
        return NULL;
}
