/* mounts_said.c - the directives of a unit as wishes about paths. See mounts.h. Pure. */
#include <stdlib.h>
#include <string.h>

#include "core/mounts_priv.h"
#include "core/resolve.h"
#include "core/value.h"

static uint32_t keep_text(struct wants *all, const char *text, size_t n)
{
        uint32_t at = (uint32_t) all->texts.len;

        buf_add(&all->texts, text, n);
        buf_addc(&all->texts, '\0');
        return at;
}

static struct want *add(struct wants *all, const char *path, size_t n, enum plan_mount kind, struct origin origin)
{
        static struct want nowhere_to_put;
        size_t cap = all->cap ? all->cap * 2 : 32;

        if (all->count == all->cap) {
                struct want *more = reallocarray(all->list, cap, sizeof(*more));

                if (!more) {
                        all->failed = true;
                        return &nowhere_to_put;
                }
                all->list = more;
                all->cap = cap;
        }
        all->list[all->count] = (struct want) { .path = keep_text(all, path, n), .kind = kind, .ro = UNSAID,
                                                .noexec = UNSAID, .origin = origin };
        return &all->list[all->count++];
}

/* --- what the unit says ------------------------------------------------------------------------------------------- */

/* With RootDirectory= a path counts inside it when "+" says so or when it is written with the directory's own; any
 * other is out of sight anyway. NULL then. */
static const char *inside(const struct spec *s, const char *path, bool plus)
{
        const char *root = spec_str(s, D_SERVICE_RootDirectory);
        size_t n = strlen(root);

        if (plus || n < 2)
                return path;
        if (strncmp(path, root, n) != 0 || (path[n] != '/' && path[n] != '\0'))
                return NULL;
        return path[n] ? path + n : "/";
}

/* One item of ReadOnlyPaths= and its kin. */
static struct want *add_item(struct wants *all, const struct spec *s, enum directive d, size_t i, enum plan_mount kind)
{
        const char *text = spec_item(s, d, i);
        bool optional = text[0] == '-';
        bool plus = text[optional] == '+';
        struct want *w;

        text = inside(s, text + optional + plus, plus);
        if (!text)
                return NULL;
        w = add(all, text, strlen(text), kind, spec_item_origin(s, d, i));
        w->optional = optional;
        return w;
}

static void add_lists(struct wants *all, const struct spec *s)
{
        static const struct { enum directive d; int8_t ro, noexec; enum plan_mount kind; } lists[] = {
                { D_SERVICE_ReadOnlyPaths, 1, UNSAID, PLAN_MOUNT_KEEP },
                { D_SERVICE_ReadWritePaths, 0, UNSAID, PLAN_MOUNT_KEEP },
                { D_SERVICE_NoExecPaths, UNSAID, 1, PLAN_MOUNT_KEEP },
                { D_SERVICE_ExecPaths, UNSAID, 0, PLAN_MOUNT_KEEP },
                { D_SERVICE_InaccessiblePaths, UNSAID, UNSAID, PLAN_MOUNT_HIDE },
        };

        for (size_t l = 0; l < sizeof(lists) / sizeof(lists[0]); l++)
                for (size_t i = 0; i < spec_count(s, lists[l].d); i++) {
                        struct want *w = add_item(all, s, lists[l].d, i, lists[l].kind);

                        if (!w)
                                continue;
                        w->ro = lists[l].ro;
                        w->noexec = lists[l].noexec;
                }
}

/* SOURCE:DESTINATION:rbind */
static void add_binds(struct wants *all, const struct spec *s, enum directive d, bool ro)
{
        for (size_t i = 0; i < spec_count(s, d); i++) {
                const char *text = spec_item(s, d, i), *colon, *options;
                bool optional = text[0] == '-';
                struct want *w;

                text += optional;
                colon = strchr(text, ':');
                options = colon ? strchr(colon + 1, ':') : NULL;
                if (!options)
                        continue; /* the parser writes all three */
                w = add(all, colon + 1, (size_t) (options - colon - 1),
                        strcmp(options, ":norbind") == 0 ? PLAN_MOUNT_BIND_ONE : PLAN_MOUNT_BIND,
                        spec_item_origin(s, d, i));
                w->from = keep_text(all, text, (size_t) (colon - text));
                w->optional = optional;
                w->ro = ro ? 1 : UNSAID;
        }
}

static void set_options(struct wants *all, struct want *w, const char *options)
{
        autobuf struct buf own = BUF_INIT;

        buf_adds(&own, "mode=0755");
        w->attributes = PLAN_ATTR_NODEV;
        while (*options) {
                size_t n = strcspn(options, ",");

                if (n > 0 && !value_tmpfs_attribute(options, n, &w->attributes)) {
                        buf_addc(&own, ',');
                        buf_add(&own, options, n);
                }
                options += n + (options[n] == ',');
        }
        if (w->attributes & PLAN_ATTR_RDONLY)
                w->ro = 1;
        w->attributes &= ~PLAN_ATTR_RDONLY;
        w->from = keep_text(all, buf_text(&own), own.len);
}

static struct want *add_tmpfs(struct wants *all, const char *path, size_t n, const char *options, struct origin origin)
{
        struct want *w = add(all, path, n, PLAN_MOUNT_TMPFS, origin);

        set_options(all, w, options);
        return w;
}

static void add_tmpfs_list(struct wants *all, const struct spec *s)
{
        for (size_t i = 0; i < spec_count(s, D_SERVICE_TemporaryFileSystem); i++) {
                const char *text = spec_item(s, D_SERVICE_TemporaryFileSystem, i);
                size_t n = strcspn(text, ":");

                (void) add_tmpfs(all, text, n, text[n] ? text + n + 1 : "",
                                 spec_item_origin(s, D_SERVICE_TemporaryFileSystem, i));
        }
}

bool mounts_empty_root(const struct spec *s)
{
        for (size_t i = 0; i < spec_count(s, D_SERVICE_TemporaryFileSystem); i++)
                if (strcspn(spec_item(s, D_SERVICE_TemporaryFileSystem, i), ":") == 1)
                        return true;
        return false;
}

static struct want *add_ours(struct wants *all, const char *path, enum plan_mount kind, int8_t ro, struct origin origin)
{
        struct want *w = add(all, path, strlen(path), kind, origin);

        w->ro = ro;
        w->optional = true;
        return w;
}

static void add_private_tmp(struct wants *all, const struct spec *s, const char *name)
{
        static const char *const paths[] = { "/tmp", "/var/tmp" };
        struct origin origin = spec_origin(s, D_SERVICE_PrivateTmp);
        enum private_tmp how = spec_private_tmp(s);

        for (size_t i = 0; how != PRIVATE_TMP_NO && i < 2; i++) {
                autobuf struct buf from = BUF_INIT;
                struct want *w;

                if (how == PRIVATE_TMP_DISCONNECTED) {
                        w = add_tmpfs(all, paths[i], strlen(paths[i]), "mode=1777,nosuid", origin);
                } else {
                        w = add(all, paths[i], strlen(paths[i]), PLAN_MOUNT_BIND, origin);
                        buf_addf(&from, "%s/%s/tmp", paths[i], name);
                        w->from = keep_text(all, buf_text(&from), from.len);
                        w->attributes = PLAN_ATTR_NOSUID | PLAN_ATTR_NODEV;
                }
                w->optional = i > 0;
        }
}

static void add_directories(struct wants *all, const struct spec *s, enum directive d, const char *root)
{
        bool in_root = *spec_str(s, D_SERVICE_RootDirectory) != '\0';

        for (size_t i = 0; root && i < spec_count(s, d); i++) {
                autobuf struct buf path = BUF_INIT;
                struct want *w;

                buf_addf(&path, "%s/%s", root, spec_item(s, d, i));
                w = add(all, buf_text(&path), path.len, in_root ? PLAN_MOUNT_BIND : PLAN_MOUNT_KEEP,
                        spec_item_origin(s, d, i));
                w->ro = d == D_SERVICE_ConfigurationDirectory ? UNSAID : 0;
                w->from = keep_text(all, buf_text(&path), path.len); /* where they are made */
        }
}

/* With DynamicUser= these are in a directory that only root can enter, so that whoever gets the number next cannot
 * reach what is in it. The service sees another in its place, with its own directories. */
static void add_private(struct wants *all, const struct spec *s, enum directive d, const char *root)
{
        autobuf struct buf path = BUF_INIT;

        if (!root || spec_count(s, d) == 0)
                return;
        buf_addf(&path, "%s/private", root);
        (void) add_tmpfs(all, buf_text(&path), path.len, "ro,nosuid,size=64k", spec_origin(s, d));
        for (size_t i = 0; i < spec_count(s, d); i++) {
                struct want *w;

                buf_clear(&path);
                buf_addf(&path, "%s/private/%s", root, spec_item(s, d, i));
                w = add(all, buf_text(&path), path.len, PLAN_MOUNT_BIND, spec_item_origin(s, d, i));
                w->from = keep_text(all, buf_text(&path), path.len);
                w->attributes = PLAN_ATTR_NOSUID | PLAN_ATTR_NODEV;
        }
}

/* Those that outlive the service. */
static void add_kept(struct wants *all, const struct spec *s, enum directive d, const char *root)
{
        if (spec_int(s, D_SERVICE_DynamicUser))
                add_private(all, s, d, root);
        else
                add_directories(all, s, d, root);
}

static void add_system(struct wants *all, const struct spec *s, const struct plan_facts *f)
{
        /* Before /usr was merged these were directories of their own; now they are links into it. */
        static const char *const programs[] = { "/bin", "/sbin", "/lib", "/lib32", "/lib64" };
        struct origin o = spec_origin(s, D_SERVICE_ProtectSystem);
        enum protect_system how = spec_protect_system(s);

        if (how == PROTECT_SYSTEM_STRICT) {
                (void) add_ours(all, "/", PLAN_MOUNT_KEEP, 1, o);
                (void) add_ours(all, "/dev", PLAN_MOUNT_KEEP, 0, o);
                (void) add_ours(all, "/proc", PLAN_MOUNT_KEEP, 0, o);
                (void) add_ours(all, "/sys", PLAN_MOUNT_KEEP, 0, o);
        } else if (how != PROTECT_SYSTEM_NO) {
                (void) add_ours(all, "/usr", PLAN_MOUNT_KEEP, 1, o);
                (void) add_ours(all, "/boot", PLAN_MOUNT_KEEP, 1, o);
                (void) add_ours(all, "/efi", PLAN_MOUNT_KEEP, 1, o);
                for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++)
                        add_ours(all, programs[i], PLAN_MOUNT_KEEP, 1, o)->no_link = true;
        }
        if (how == PROTECT_SYSTEM_FULL)
                (void) add_ours(all, "/etc", PLAN_MOUNT_KEEP, 1, o);
        add_directories(all, s, D_SERVICE_RuntimeDirectory, f->runtime_root);
        add_kept(all, s, D_SERVICE_StateDirectory, f->state_root);
        add_kept(all, s, D_SERVICE_CacheDirectory, f->cache_root);
        add_kept(all, s, D_SERVICE_LogsDirectory, f->logs_root);
        add_directories(all, s, D_SERVICE_ConfigurationDirectory, f->config_root);
}

static void add_home(struct wants *all, const struct spec *s)
{
        static const char *const homes[] = { "/home", "/root", "/run/user" };
        struct origin o = spec_origin(s, D_SERVICE_ProtectHome);
        enum protect_home how = spec_protect_home(s);

        for (size_t i = 0; i < 3 && how != PROTECT_HOME_NO; i++) {
                if (how == PROTECT_HOME_YES)
                        (void) add_ours(all, homes[i], PLAN_MOUNT_HIDE, UNSAID, o);
                else if (how == PROTECT_HOME_READ_ONLY)
                        (void) add_ours(all, homes[i], PLAN_MOUNT_KEEP, 1, o);
                else
                        add_tmpfs(all, homes[i], strlen(homes[i]), "ro,nosuid,noexec,size=64k", o)->optional = true;
        }
}

static struct want *add_fs(struct wants *all, const char *path, const char *type, const char *options,
                           struct origin origin)
{
        struct want *w = add_ours(all, path, PLAN_MOUNT_FS, UNSAID, origin);

        w->from = keep_text(all, type, strlen(type));
        w->from2 = keep_text(all, options, strlen(options));
        w->attributes = PLAN_ATTR_NOSUID | PLAN_ATTR_NODEV | PLAN_ATTR_NOEXEC;
        w->optional = false;
        return w;
}

/* /proc anew: for a process namespace, and to show less. */
static void add_proc(struct wants *all, const struct spec *s, unsigned parts)
{
        static const char *const hide[] = { [PROTECT_PROC_DEFAULT] = "", [PROTECT_PROC_NOACCESS] = "hidepid=1",
                                            [PROTECT_PROC_INVISIBLE] = "hidepid=2",
                                            [PROTECT_PROC_PTRACEABLE] = "hidepid=4" };
        int64_t protect = spec_int(s, D_SERVICE_ProtectProc), subset = spec_int(s, D_SERVICE_ProcSubset);
        autobuf struct buf options = BUF_INIT;
        enum directive by = protect ? D_SERVICE_ProtectProc : subset ? D_SERVICE_ProcSubset : D_SERVICE_PrivatePIDs;

        if (!(parts & SANDBOX_PROC))
                return;
        buf_adds(&options, hide[protect]);
        if (subset == PROC_SUBSET_PID)
                buf_addf(&options, "%ssubset=pid", options.len ? "," : "");
        add_fs(all, "/proc", "proc", buf_text(&options), spec_origin(s, by));
}

static void add_kernel(struct wants *all, const struct spec *s)
{
        static const char *const tunables[] = {
                "/proc/acpi", "/proc/apm", "/proc/asound", "/proc/bus", "/proc/fs", "/proc/irq", "/proc/latency_stats",
                "/proc/mtrr", "/proc/scsi", "/proc/sys", "/proc/sysrq-trigger", "/proc/timer_stats", "/sys",
        };
        static const struct { enum directive d; const char *path; enum plan_mount kind; int8_t ro; } rest[] = {
                { D_SERVICE_ProtectKernelTunables, "/proc/kallsyms", PLAN_MOUNT_HIDE, UNSAID },
                { D_SERVICE_ProtectKernelTunables, "/proc/kcore", PLAN_MOUNT_HIDE, UNSAID },
                { D_SERVICE_ProtectKernelTunables, "/sys/fs/bpf", PLAN_MOUNT_KEEP, 0 },
                { D_SERVICE_ProtectKernelTunables, "/sys/fs/cgroup", PLAN_MOUNT_KEEP, 0 },
                { D_SERVICE_ProtectKernelModules, "/lib/modules", PLAN_MOUNT_HIDE, UNSAID },
                { D_SERVICE_ProtectKernelModules, "/usr/lib/modules", PLAN_MOUNT_HIDE, UNSAID },
                { D_SERVICE_ProtectKernelLogs, "/dev/kmsg", PLAN_MOUNT_HIDE, UNSAID },
                { D_SERVICE_ProtectKernelLogs, "/proc/kmsg", PLAN_MOUNT_HIDE, UNSAID },
                { D_SERVICE_ProtectControlGroups, "/sys/fs/cgroup", PLAN_MOUNT_KEEP, 1 },
        };
        struct origin o = spec_origin(s, D_SERVICE_ProtectKernelTunables);

        for (size_t i = 0; spec_int(s, D_SERVICE_ProtectKernelTunables) && i < sizeof(tunables) / sizeof(tunables[0]);
             i++)
                (void) add_ours(all, tunables[i], PLAN_MOUNT_KEEP, 1, o);
        for (size_t i = 0; i < sizeof(rest) / sizeof(rest[0]); i++)
                if (spec_int(s, rest[i].d))
                        (void) add_ours(all, rest[i].path, rest[i].kind, rest[i].ro, spec_origin(s, rest[i].d));
}

static void add_queues(struct wants *all, const struct spec *s)
{
        struct want *w = add_fs(all, "/dev/mqueue", "mqueue", "", spec_origin(s, D_SERVICE_PrivateIPC));

        w->optional = true;
        w->make = spec_int(s, D_SERVICE_PrivateDevices) > 0; /* in a /dev of its own */
}

/* The machine's own at the same path. */
static struct want *add_same(struct wants *all, const char *path, struct origin origin)
{
        struct want *w = add_ours(all, path, PLAN_MOUNT_BIND, UNSAID, origin);

        w->from = keep_text(all, path, strlen(path));
        return w;
}

/* A /dev of the few things every program may expect. */
static void add_devices(struct wants *all, const struct spec *s)
{
        static const char *const shown[] = {
                "/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty", "/dev/pts",
                "/dev/shm", "/dev/mqueue", "/dev/hugepages", "/dev/log",
        };
        static const char *const links[][2] = {
                { "/dev/fd", "/proc/self/fd" }, { "/dev/stdin", "/proc/self/fd/0" },
                { "/dev/stdout", "/proc/self/fd/1" }, { "/dev/stderr", "/proc/self/fd/2" }, { "/dev/ptmx", "pts/ptmx" },
        };
        struct origin o = spec_origin(s, D_SERVICE_PrivateDevices);
        struct want *w;

        if (!spec_int(s, D_SERVICE_PrivateDevices))
                return;
        w = add_tmpfs(all, "/dev", 4, "ro,nosuid,noexec,size=64k", o);
        for (size_t i = 0; i < sizeof(shown) / sizeof(shown[0]); i++) {
                w = add_same(all, shown[i], o);
                w->noexec = 1;
                w->weak = true;
                w->attributes = PLAN_ATTR_NOSUID;
        }
        for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++) {
                w = add_ours(all, links[i][0], PLAN_MOUNT_LINK, UNSAID, o);
                w->from = keep_text(all, links[i][1], strlen(links[i][1]));
        }
}

/* Files in shared memory outlive who made them, and with DynamicUser= the number they belong to. */
static void add_shared_memory(struct wants *all, const struct spec *s)
{
        if (spec_int(s, D_SERVICE_DynamicUser))
                add_tmpfs(all, "/dev/shm", 8, "nosuid,nodev,mode=1777",
                          spec_origin(s, D_SERVICE_DynamicUser))->optional = true;
}

/* What a program in a root directory of its own expects there. New ones of /proc and /sys only root may mount. */
static void add_api(struct wants *all, const struct spec *s, bool root)
{
        struct origin o = spec_origin(s, D_SERVICE_MountAPIVFS);

        if (!spec_int(s, D_SERVICE_MountAPIVFS) || (!*spec_str(s, D_SERVICE_RootDirectory) && !mounts_empty_root(s)))
                return;
        (root ? add_fs(all, "/proc", "proc", "", o) : add_same(all, "/proc", o))->weak = true;
        (root ? add_fs(all, "/sys", "sysfs", "", o) : add_same(all, "/sys", o))->weak = true;
        add_tmpfs(all, "/run", 4, "nosuid", o)->weak = true;
        add_same(all, "/dev", o)->weak = true;
}

/* Memory that is never swapped out. */
static void add_creds(struct wants *all, const struct spec *s, const struct plan_facts *f)
{
        autobuf struct buf path = BUF_INIT;

        if (!creds_wanted(s))
                return;
        creds_path(s, f, &path);
        add_fs(all, buf_text(&path), "ramfs", "mode=0700",
               spec_origin(s, spec_count(s, D_SERVICE_LoadCredential) ? D_SERVICE_LoadCredential
                           : D_SERVICE_SetCredential));
}

/* What the service reaches us by stays in its place, whatever is put on top of the directory it is in. */
static void add_rescue(struct wants *all, const char *path)
{
        struct want *w;

        if (!path || path[0] != '/')
                return;
        w = add(all, path, strlen(path), PLAN_MOUNT_BIND, (struct origin) { "", 0 });
        w->from = keep_text(all, path, strlen(path));
        w->rescue = w->optional = true;
}

void mounts_said(struct wants *all, const struct spec *s, const struct plan_facts *f, unsigned parts,
                 const char *private_tmp)
{
        buf_addc(&all->texts, '\0'); /* offset 0 stands for no text */
        add_lists(all, s);
        add_binds(all, s, D_SERVICE_BindPaths, false);
        add_binds(all, s, D_SERVICE_BindReadOnlyPaths, true);
        add_tmpfs_list(all, s);
        add_private_tmp(all, s, private_tmp);
        add_system(all, s, f);
        add_home(all, s);
        add_api(all, s, f->sandbox.can & SANDBOX_PROC);
        add_proc(all, s, parts);
        add_kernel(all, s);
        add_devices(all, s);
        add_shared_memory(all, s);
        if (parts & SANDBOX_IPC) /* the queues of the old namespace would be seen there */
                add_queues(all, s);
        add_creds(all, s, f);
        add_rescue(all, f->notify_socket);
        if (spec_int(s, D_SERVICE_ControlAccess) != CONTROL_NONE)
                add_rescue(all, f->sandbox.control_socket);
}

bool mounts_wanted(const struct spec *s)
{
        static const enum directive lists[] = {
                D_SERVICE_ReadOnlyPaths, D_SERVICE_ReadWritePaths, D_SERVICE_InaccessiblePaths, D_SERVICE_NoExecPaths,
                D_SERVICE_ExecPaths, D_SERVICE_BindPaths, D_SERVICE_BindReadOnlyPaths, D_SERVICE_TemporaryFileSystem,
                D_SERVICE_LoadCredential, D_SERVICE_SetCredential,
        };

        static const enum directive switches[] = {
                D_SERVICE_PrivateMounts, D_SERVICE_PrivateDevices, D_SERVICE_ProtectKernelTunables,
                D_SERVICE_ProtectKernelModules, D_SERVICE_ProtectKernelLogs, D_SERVICE_ProtectControlGroups,
                D_SERVICE_MountAPIVFS,
        };

        if (!spec_has_any(s, SANDBOX_FIRST, SANDBOX_LAST))
                return false;
        for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
                if (spec_count(s, lists[i]) > 0)
                        return true;
        for (size_t i = 0; i < sizeof(switches) / sizeof(switches[0]); i++)
                if (spec_int(s, switches[i]))
                        return true;
        return spec_has(s, D_SERVICE_MountFlags) ||
               spec_private_tmp(s) != PRIVATE_TMP_NO || spec_protect_system(s) != PROTECT_SYSTEM_NO ||
               spec_protect_home(s) != PROTECT_HOME_NO;
}
