/* unit_paths.c - where units are looked for, and what the machine says for the specifiers. See unit_set.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/account.h"
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

/* $VARIABLE/rest, or $HOME/otherwise/rest; NULL when neither is known. */
static char *xdg(const char *variable, const char *home, const char *otherwise, const char *rest)
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
                autofree char *dir = xdg(places[i].variable, p->host.home, places[i].otherwise, places[i].rest);

                if (dir && add_dir(p, dir, false, false) < 0)
                        return -ENOMEM;
        }
        if (add_dir(p, "/etc/coppice/user", false, false) < 0)
                return -ENOMEM;
        return add_dir(p, "/usr/lib/coppice/user", false, false);
}

/* --- what the specifiers stand for -------------------------------------------------------------------------------- */

/* A line of lower-case hex digits, dashes left out, as machine-id and boot_id are; NULL when it is none. */
static char *read_id(const char *file)
{
        autoclose int fd = open(file, O_RDONLY | O_CLOEXEC);
        char text[64], id[33] = "";
        ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text));
        size_t used = 0;

        for (ssize_t i = 0; i < n && text[i] != '\n'; i++) {
                if (text[i] == '-')
                        continue;
                if (!strchr("0123456789abcdef", text[i]) || used == 32)
                        return NULL;
                id[used++] = text[i];
        }
        return used == 32 ? strdup(id) : NULL;
}

static char *host_name(void)
{
        char name[256];

        return gethostname(name, sizeof(name)) == 0 ? strdup(name) : NULL;
}

static char *number(unsigned long n)
{
        char *text = NULL;

        return asprintf(&text, "%lu", n) < 0 ? NULL : text;
}

static char *home_of(const struct account *a, bool user)
{
        const char *home = getenv("HOME");

        if (user && home && home[0] == '/')
                return strdup(home);
        if (a && a->home[0] == '/')
                return strdup(a->home);
        return geteuid() == 0 ? strdup("/root") : NULL;
}

/* The first, which is owned, or else a place below the daemon's own. */
static char *or_below(char *path, const char *dir, const char *rest)
{
        char *other = NULL;

        if (path || !dir)
                return path;
        return asprintf(&other, "%s/%s", dir, rest) < 0 ? NULL : other;
}

static void learn_user_places(struct unit_paths *p, const struct unit_options *o)
{
        char **t = p->texts;

        t[6] = or_below(xdg("XDG_RUNTIME_DIR", NULL, NULL, ""), o->runtime_dir, "run");
        t[7] = or_below(xdg("XDG_STATE_HOME", t[0], ".local/state", ""), o->state_dir, "lib");
        t[8] = or_below(xdg("XDG_CACHE_HOME", t[0], ".cache", ""), o->state_dir, "cache");
        t[9] = or_below(xdg("XDG_STATE_HOME", t[0], ".local/state", "/log"), o->state_dir, "logs");
}

static void learn_host(struct unit_paths *p, const struct unit_options *o)
{
        bool user = o->user;
        struct account a = { 0 };
        bool known = account_by_uid(geteuid(), &a) == 0;
        char **t = p->texts;

        t[0] = home_of(known ? &a : NULL, user);
        t[1] = known ? strdup(a.name) : number(geteuid());
        account_done(&a);
        t[2] = number(geteuid());
        t[3] = host_name();
        t[4] = read_id("/etc/machine-id");
        t[5] = read_id("/proc/sys/kernel/random/boot_id");
        if (user) {
                learn_user_places(p, o);
        } else {
                t[6] = strdup("/run");
                t[7] = strdup("/var/lib");
                t[8] = strdup("/var/cache");
                t[9] = strdup("/var/log");
        }
        p->host = (struct unit_host) {
                .home = t[0], .user = t[1], .uid = t[2], .hostname = t[3], .machine_id = t[4], .boot_id = t[5],
                .runtime_dir = t[6], .state_dir = t[7], .cache_dir = t[8], .logs_dir = t[9],
        };
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
        learn_host(p, o);
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
        for (size_t i = 0; i < ARRAY_LEN(p->texts); i++)
                free(p->texts[i]);
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
