/* plan_landlock.c - Landlock rules of a service as steps. See plan_priv.h. Pure.
 *
 * Two uses: what the unit says with Landlock*=, and ReadOnlyPaths= and its kin where nobody may mount. Landlock only
 * knows "nowhere but": so the second works when all is read-only but some paths, or when what is to be read-only are
 * entries of the root directory, whose neighbours can then be listed. */
#include <string.h>

#include "core/mounts.h"
#include "core/plan_priv.h"

enum {
        RIGHTS_READ = PLAN_LL_READ_FILE | PLAN_LL_READ_DIR,
        RIGHTS_WRITE = PLAN_LL_WRITE,
        RIGHTS_EXEC = PLAN_LL_EXECUTE,
};

static const struct origin nowhere = { "", 0 };

/* Devices that keep nothing, so that nobody has to name them. */
static const char *const harmless[] = { "/dev/null", "/dev/zero", "/dev/full", "/dev/tty" };

static void allow(struct compiler *c, const char *path, int64_t rights, bool optional, struct origin origin)
{
        if (rights)
                plan_add(c, &(struct step) { .op = PLAN_ALLOW, .a = rights, .origin = origin, .text = path,
                                             .len = strlen(path) + 1, .flags = optional ? PLAN_MOUNT_OPTIONAL : 0 });
}

static void begin(struct compiler *c, int64_t fs, int64_t net, struct origin origin)
{
        plan_add(c, &(struct step) { .op = PLAN_LANDLOCK, .a = fs, .b = net, .origin = origin });
        for (size_t i = 0; i < sizeof(harmless) / sizeof(harmless[0]); i++)
                allow(c, harmless[i], fs & (PLAN_LL_READ_FILE | PLAN_LL_WRITE_FILE), true, nowhere);
}

static void end(struct compiler *c)
{
        plan_add(c, &(struct step) { .op = PLAN_RESTRICT, .origin = nowhere });
}

/* --- in the unit's own words -------------------------------------------------------------------------------------- */

static void allow_list(struct compiler *c, enum directive d, int64_t rights)
{
        for (size_t i = 0; i < spec_count(c->s, d); i++) {
                const char *path = spec_item(c->s, d, i);
                bool optional = path[0] == '-';

                if (strcmp(path, "none") != 0)
                        allow(c, path + optional, rights, optional, spec_item_origin(c->s, d, i));
        }
}

static void allow_ports(struct compiler *c, enum directive d, int64_t rights)
{
        for (size_t i = 0; i < spec_count(c->s, d); i++) {
                const char *port = spec_item(c->s, d, i);
                int64_t number = 0;

                if (strcmp(port, "none") == 0)
                        continue;
                for (; *port; port++)
                        number = number * 10 + (*port - '0');
                plan_add(c, &(struct step) { .op = PLAN_ALLOW_PORT, .a = rights, .b = number,
                                             .origin = spec_item_origin(c->s, d, i) });
        }
}

/* Directories that are made for the service are there to be written. */
static void allow_own(struct compiler *c, enum directive d, const char *root, int64_t rights)
{
        for (size_t i = 0; root && i < spec_count(c->s, d); i++) {
                autobuf struct buf path = BUF_INIT;

                buf_addf(&path, "%s/%s", root, spec_item(c->s, d, i));
                allow(c, buf_text(&path), rights, true, spec_item_origin(c->s, d, i));
        }
}

static void add_said(struct compiler *c)
{
        const struct spec *s = c->s;
        bool read = spec_count(s, D_SERVICE_LandlockRead), write = spec_count(s, D_SERVICE_LandlockWrite);
        bool exec = spec_count(s, D_SERVICE_LandlockExecute);
        bool bind = spec_count(s, D_SERVICE_LandlockBindTCP), connect = spec_count(s, D_SERVICE_LandlockConnectTCP);
        int64_t fs = (read ? RIGHTS_READ : 0) | (write ? RIGHTS_WRITE : 0) | (exec ? RIGHTS_EXEC : 0);
        int64_t net = (bind ? PLAN_LL_BIND_TCP : 0) | (connect ? PLAN_LL_CONNECT_TCP : 0);
        enum directive first = read ? D_SERVICE_LandlockRead : write ? D_SERVICE_LandlockWrite
                             : exec ? D_SERVICE_LandlockExecute : bind ? D_SERVICE_LandlockBindTCP
                             : D_SERVICE_LandlockConnectTCP;

        if (!fs && !net)
                return;
        begin(c, fs, net, spec_origin(s, first));
        allow_list(c, D_SERVICE_LandlockRead, RIGHTS_READ);
        allow_list(c, D_SERVICE_LandlockWrite, fs & (RIGHTS_READ | RIGHTS_WRITE));
        allow_list(c, D_SERVICE_LandlockExecute, fs & (RIGHTS_READ | RIGHTS_EXEC));
        allow_own(c, D_SERVICE_RuntimeDirectory, c->f->runtime_root, fs & (RIGHTS_READ | RIGHTS_WRITE));
        allow_own(c, D_SERVICE_StateDirectory, c->f->state_root, fs & (RIGHTS_READ | RIGHTS_WRITE));
        allow_own(c, D_SERVICE_CacheDirectory, c->f->cache_root, fs & (RIGHTS_READ | RIGHTS_WRITE));
        allow_own(c, D_SERVICE_LogsDirectory, c->f->logs_root, fs & (RIGHTS_READ | RIGHTS_WRITE));
        allow_ports(c, D_SERVICE_LandlockBindTCP, PLAN_LL_BIND_TCP);
        allow_ports(c, D_SERVICE_LandlockConnectTCP, PLAN_LL_CONNECT_TCP);
        end(c);
}

/* --- in place of mounts ------------------------------------------------------------------------------------------- */

static const char *path_of(const struct mounts *m, const struct mount_op *op)
{
        return m->texts.data + op->text;
}

/* The root is restricted, and nothing below an exception is again. Or: only entries of the root are. */
static bool expressible(const struct mounts *m, int64_t attribute)
{
        bool root = m->count && strcmp(path_of(m, &m->ops[0]), "/") == 0 && (m->ops[0].set & attribute);

        for (size_t i = 0; i < m->count; i++) {
                const char *path = path_of(m, &m->ops[i]);

                if (strcmp(path, "/") == 0)
                        continue;
                if (!root && (strchr(path + 1, '/') || !(m->ops[i].set & attribute)) && (m->ops[i].set & attribute))
                        return false;
                for (size_t k = 0; root && k < i; k++) {
                        const char *up = path_of(m, &m->ops[k]);
                        size_t n = strlen(up);

                        if (n > 1 && !(m->ops[k].set & attribute) && (m->ops[i].set & attribute) &&
                            strncmp(path, up, n) == 0 && path[n] == '/')
                                return false;
                }
        }
        return true;
}

bool plan_landlock_can_mount(const struct mounts *m)
{
        for (size_t i = 0; i < m->count; i++)
                if (m->ops[i].kind != PLAN_MOUNT_KEEP)
                        return false;
        return expressible(m, PLAN_ATTR_RDONLY) && expressible(m, PLAN_ATTR_NOEXEC);
}

/* "Everything in / but these": their names. */
static void allow_rest(struct compiler *c, const struct mounts *m, int64_t attribute, int64_t rights)
{
        autobuf struct buf names = BUF_INIT;

        buf_add(&names, "/", 2);
        for (size_t i = 0; i < m->count; i++) {
                const char *path = path_of(m, &m->ops[i]);

                if (m->ops[i].set & attribute)
                        buf_add(&names, path + 1, strlen(path + 1) + 1);
        }
        plan_add(c, &(struct step) { .op = PLAN_ALLOW_REST, .a = rights, .origin = nowhere, .text = names.data,
                                     .len = names.len });
        c->failed |= buf_failed(&names);
}

static void add_attribute(struct compiler *c, const struct mounts *m, int64_t attribute, int64_t rights)
{
        bool root, any = false;

        for (size_t i = 0; i < m->count; i++)
                any |= m->ops[i].set & attribute;
        if (!any)
                return;
        root = strcmp(path_of(m, &m->ops[0]), "/") == 0 && (m->ops[0].set & attribute);
        begin(c, rights, 0, m->ops[0].origin);
        for (size_t i = 0; i < m->count; i++)
                if (!(m->ops[i].set & attribute))
                        allow(c, path_of(m, &m->ops[i]), rights, m->ops[i].flags & PLAN_MOUNT_OPTIONAL,
                              m->ops[i].origin);
        if (!root)
                allow_rest(c, m, attribute, rights);
        end(c);
}

bool plan_landlocks(const struct compiler *c)
{
        return (c->box.parts & (SANDBOX_LANDLOCK | SANDBOX_LANDLOCK_TCP)) || c->box.by_landlock;
}

int plan_landlock(struct compiler *c)
{
        struct mounts m = { 0 };
        int r;

        if (c->box.parts & (SANDBOX_LANDLOCK | SANDBOX_LANDLOCK_TCP))
                add_said(c);
        if (!c->box.by_landlock)
                return 0;
        r = mounts_compile(c->s, c->f, c->box.parts, "", &m);
        if (r < 0)
                return r;
        add_attribute(c, &m, PLAN_ATTR_RDONLY, RIGHTS_WRITE);
        add_attribute(c, &m, PLAN_ATTR_NOEXEC, RIGHTS_EXEC);
        mounts_free(&m);
        return 0;
}
