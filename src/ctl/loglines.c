/* loglines.c - see loglines.h. */
#include "ctl/loglines.h"

#include <string.h>

#include "base/escape.h"
#include "ctl/logread.h"

struct add {
        struct buf *out;
        const char *indent;
};

static int add_line(void *arg, const char *line, size_t n)
{
        const struct add *a = arg;

        buf_adds(a->out, a->indent);
        escape_text(a->out, line, n);
        buf_addc(a->out, '\n');
        return 0;
}

void loglines_add(struct ctl *c, const char *dir, uint64_t n, const char *indent)
{
        struct add add = { &c->out, indent };
        struct err err = { 0 };
        const char *slash = strrchr(dir, '/');
        autofree char *parent = strndup(dir, slash ? (size_t) (slash - dir) : 0);
        struct logread_options o = { .log_dir = parent, .path = slash ? slash : dir, .last = n, .stop_fd = -1 };

        if (parent)
                (void) logread(&o, add_line, &add, &err);
}
