/* unit_paths.c - where units are looked for. See unit_set.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "unit/unit_dirs.h"

static const char *const system_dirs[] = {
        "/etc/coppice", "/run/coppice/units", "/usr/local/lib/coppice/units", "/usr/lib/coppice/units", NULL,
};

static const char *const systemd_system_dirs[] = {
        "/etc/systemd/system", "/run/systemd/system", "/usr/local/lib/systemd/system", "/usr/lib/systemd/system",
        "/lib/systemd/system", NULL,
};

static const char *const systemd_user_dirs[] = {
        "/etc/systemd/user", "/usr/local/lib/systemd/user", "/usr/lib/systemd/user", "/etc/systemd/system",
        "/usr/lib/systemd/system", NULL,
};

static bool ends_with(const char *text, const char *end)
{
        size_t n = strlen(text), m = strlen(end);

        return n >= m && strcmp(text + n - m, end) == 0;
}

static bool is_foreign(const char *path)
{
        return ends_with(path, "/systemd/system") || ends_with(path, "/systemd/user");
}

/* An absolute path without "./" before it and slashes at its end; NULL when memory is short. */
static char *absolute(const char *path)
{
        autofree char *here = path[0] == '/' ? NULL : getcwd(NULL, 0);
        char *full = NULL;
        size_t n;

        while (here && path[0] == '.' && (path[1] == '/' || path[1] == '\0'))
                path += path[1] ? 2 : 1;
        if (asprintf(&full, "%s%s%s", here ? here : "", here ? "/" : "", path) < 0)
                return NULL;
        for (n = strlen(full); n > 1 && full[n - 1] == '/'; n--)
                full[n - 1] = '\0';
        return full;
}

static int add_dir(struct unit_paths *p, const char *path, bool fallback, bool required)
{
        struct unit_dir dir = { .path = absolute(path), .fallback = fallback, .required = required };
        struct unit_dir *grown;

        if (!dir.path)
                return -ENOMEM;
        for (size_t i = 0; i < p->count; i++)
                if (strcmp(p->dirs[i].path, dir.path) == 0) {
                        free(dir.path);
                        return 0;
                }
        grown = reallocarray(p->dirs, p->count + 1, sizeof(*grown));
        if (!grown) {
                free(dir.path);
                return -ENOMEM;
        }
        dir.foreign = fallback || is_foreign(dir.path);
        p->dirs = grown;
        p->dirs[p->count++] = dir;
        return 0;
}

static int add_dirs(struct unit_paths *p, const char *const *dirs, bool fallback)
{
        for (; *dirs; dirs++)
                if (add_dir(p, *dirs, fallback, false) < 0)
                        return -ENOMEM;
        return 0;
}

char *unit_xdg(const char *variable, const char *home, const char *otherwise, const char *rest)
{
        const char *base = getenv(variable);
        char *path = NULL;
        int n;

        if (base && base[0] == '/')
                n = asprintf(&path, "%s%s", base, rest);
        else if (home && otherwise)
                n = asprintf(&path, "%s/%s%s", home, otherwise, rest);
        else
                return NULL;
        return n < 0 ? NULL : path;
}

static int add_user_dirs(struct unit_paths *p)
{
        static const struct {
                const char *variable, *otherwise, *rest;
        } places[] = {
                { "XDG_CONFIG_HOME", ".config", "/coppice" },
                { "XDG_RUNTIME_DIR", NULL, "/coppice/units" },
                { "XDG_DATA_HOME", ".local/share", "/coppice/units" },
        };

        for (size_t i = 0; i < ARRAY_LEN(places); i++) {
                autofree char *dir = unit_xdg(places[i].variable, p->host.home, places[i].otherwise, places[i].rest);

                if (dir && add_dir(p, dir, false, false) < 0)
                        return -ENOMEM;
        }
        if (add_dir(p, "/etc/coppice/user", false, false) < 0)
                return -ENOMEM;
        return add_dir(p, "/usr/lib/coppice/user", false, false);
}

static int fill(struct unit_paths *p, const struct unit_options *o)
{
        const char *const *systemd = o->user ? systemd_user_dirs : systemd_system_dirs;
        int r = 0;

        for (size_t i = 0; i < o->dir_count && r == 0; i++)
                r = add_dir(p, o->dirs[i], false, true);
        if (r == 0 && o->dir_count == 0)
                r = o->user ? add_user_dirs(p) : add_dirs(p, system_dirs, false);
        if (r == 0 && o->set_dir)
                r = add_dir(p, o->set_dir, false, false);
        p->own = p->count;
        if (r == 0)
                r = add_dirs(p, o->systemd_dirs ? o->systemd_dirs : systemd, true);
        return r;
}

int unit_paths_new(const struct unit_options *o, struct unit_paths **ret, struct err *err)
{
        struct unit_paths *p = calloc(1, sizeof(*p));

        if (!p)
                return err_set(err, STAGE_LOAD, ENOMEM, "no memory for the search path");
        p->check_owner = o->check_owner;
        unit_host_learn(&p->host, o);
        if (fill(p, o) < 0) {
                unit_paths_free(p);
                return err_set(err, STAGE_LOAD, ENOMEM, "no memory for the search path");
        }
        *ret = p;
        return 0;
}

void unit_paths_free(struct unit_paths *p)
{
        if (!p)
                return;
        for (size_t i = 0; i < p->count; i++)
                free(p->dirs[i].path);
        unit_host_done(&p->host);
        free(p->dirs);
        free(p);
}

const struct unit_host *unit_paths_host(const struct unit_paths *p)
{
        return &p->host;
}

size_t unit_paths_count(const struct unit_paths *p)
{
        return p->own;
}

const char *unit_paths_dir(const struct unit_paths *p, size_t i)
{
        return p->dirs[i].path;
}
