/* control_seccomp.c - method Seccomp: the system calls a service uses, against those it may. */
#include <string.h>

#include "core/filter.h"
#include "daemon/control_priv.h"
#include "daemon/node_json.h"

/* The call a process was ended for counts as used: it was wanted, and it is what a new run would need. */
static void collect(struct call *c, node_id id, bool used[SYSCALLS_MAX])
{
        const bool *learned = engine_learned(call_engine(c), id);
        const struct denial *d = engine_denial(call_engine(c), id);
        int index = d ? syscall_find(d->call) : -1;

        if (learned)
                memcpy(used, learned, SYSCALLS_MAX * sizeof(*used));
        if (index >= 0)
                used[index] = true;
}

static void write_names(struct json *j, const char *key, const bool used[SYSCALLS_MAX], const struct filter *unless)
{
        json_open(j, key, '[');
        for (size_t i = 0; i < syscall_count(); i++)
                if (used[i] && (!unless || (unless->call[i] != FILTER_ALLOW && unless->call[i] != FILTER_LOG)))
                        json_str(j, NULL, syscall_name(i));
        json_close(j);
}

void method_Seccomp(struct call *c)
{
        autofree struct filter *present = calloc(1, sizeof(*present));
        bool used[SYSCALLS_MAX] = { false };
        const char *name = param_str(&c->in, "node", true);
        const struct node *n;
        struct json *j;
        node_id id;

        if (!call_params(c) || !call_node(c, name, &id))
                return;
        n = core_node(call_core(c), id);
        if (!n || n->kind != KIND_SERVICE) {
                call_fail(c, "BadValue", "parameter", "node", "message", "a supervisor makes no system calls");
                return;
        }
        if (!present) {
                call_fail(c, "Failed", "message", "out of memory", "hint", NULL);
                return;
        }
        collect(c, id, used);
        (void) filter_enforced(n->spec, present);
        j = call_open(c);
        json_path(j, "path", call_core(c), id);
        json_str(j, "mode", strtab_text(&filter_mode_names, (int) spec_int(n->spec, D_SERVICE_SystemCallFilterMode)));
        json_bool(j, "learned", engine_learned(call_engine(c), id) != NULL);
        write_names(j, "used", used, NULL);
        write_names(j, "missing", used, present);
        json_denial(j, "denied", engine_denial(call_engine(c), id));
        call_close(c, false);
}
