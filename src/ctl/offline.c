/* offline.c - see offline.h. */
#include "ctl/offline.h"

#include <string.h>

static bool ends_with(const char *text, const char *end)
{
        size_t n = strlen(text), m = strlen(end);

        return n > m && strcmp(text + n - m, end) == 0;
}

bool offline_file(const char *arg)
{
        return (ends_with(arg, ".service") || ends_with(arg, ".supervisor") || ends_with(arg, ".channel")) &&
               unit_file_there(arg);
}

int offline_paths(const struct ctl *c, struct unit_paths **ret)
{
        size_t given = c ? c->given_count : 0;
        autofree const char **dirs = calloc(given + 1, sizeof *dirs);
        struct unit_options o = { .dirs = dirs, .user = geteuid() != 0 };
        struct err err = { 0 };

        if (!dirs)
                return ctl_error(CTL_FAILED, "out of memory");
        for (size_t i = 0; i < given; i++)
                if (strcmp(c->given[i].option->name, "units") == 0)
                        dirs[o.dir_count++] = c->given[i].arg;
        return unit_paths_new(&o, ret, &err) < 0 ? ctl_fail(CTL_FAILED, &err) : CTL_OK;
}

int offline_load(const char *file, struct spec **ret)
{
        struct unit_paths *paths = NULL;
        struct err err = { 0 };
        int r = offline_paths(NULL, &paths);

        if (r != CTL_OK)
                return r;
        if (unit_load_file(paths, file, ctl_diag, NULL, ret, &err) < 0)
                r = ctl_fail(err.code == ENOENT ? CTL_NOT_FOUND : CTL_FAILED, &err);
        unit_paths_free(paths);
        return r;
}
