/* sandbox.c - what the sandbox of a service needs from the engine: stand-ins for hidden paths,
 * what it goes without, ids. */
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "core/filter.h"
#include "core/mounts.h"
#include "daemon/engine_priv.h"
#include "daemon/rundir.h"
#include "daemon/sandbox.h"
#include "daemon/seccomp.h"
#include "daemon/touch.h"
#include "os/fs.h"
#include "os/sandbox_probe.h"
#include "os/seccomp.h"

static void paths_of(const struct engine *e, struct sandbox_paths *ret)
{
        (void) snprintf(ret->dir, sizeof(ret->dir), "%s/hidden/directory", e->opt.runtime_dir);
        (void) snprintf(ret->file, sizeof(ret->file), "%s/hidden/file", e->opt.runtime_dir);
}

/* NULL: who asks for nothing does not pay for the probe. */
static const struct sandbox_probe *probe_for(const struct spec *s)
{
        return sandbox_needs(s, false) || spec_int(s, D_SERVICE_ProtectHostname) > 0 ? sandbox_probe() : NULL;
}

int sandbox_known(const struct spec *s, struct err *err)
{
        const struct sandbox_probe *p = probe_for(s);

        if (!p || !p->failed)
                return 0;
        return err_set(err, STAGE_NAMESPACE, p->failed, "try which parts of a sandbox can be had here: %s",
                       strerror(p->failed));
}

void sandbox_facts(const struct engine *e, const struct spec *s, struct sandbox_paths *paths, struct plan_sandbox *ret)
{
        const struct sandbox_probe *p = probe_for(s);

        ret->can = p ? p->can : 0;
        ret->can_by_user = p ? p->can_by_user : 0;
        ret->needs_nnp = !seccomp_privileged(); /* the kernel asks for the same right as for a filter */
        ret->best_effort = spec_isolation(s, e->opt.isolation) == ISOLATION_BEST_EFFORT;
        paths_of(e, paths);
        ret->stand_in_dir = paths->dir;
        ret->stand_in_file = paths->file;
        ret->control_socket = e->control_path;
}

/* Directory and file of mode 0, of no use to anybody, so that they can be shown in place of what is hidden. */
static int make_stand_ins(const struct engine *e, struct err *err)
{
        struct sandbox_paths paths = { .dir = "" };
        char above[sizeof(paths.dir)];
        int fd;

        paths_of(e, &paths);
        (void) snprintf(above, sizeof(above), "%s/hidden", e->opt.runtime_dir);
        if (mkdir(above, 0755) < 0 && errno != EEXIST)
                return err_sys(err, STAGE_NAMESPACE, "make %s", above);
        if (mkdir(paths.dir, 0) < 0 && errno != EEXIST)
                return err_sys(err, STAGE_NAMESPACE, "make %s", paths.dir);
        fd = open(paths.file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0);
        if (fd < 0 && errno != EEXIST)
                return err_sys(err, STAGE_NAMESPACE, "make %s", paths.file);
        if (fd >= 0)
                (void) close(fd);
        return 0;
}

int sandbox_prepare(const struct engine *e, const struct spec *s, struct err *err)
{
        return mounts_wanted(s) ? make_stand_ins(e, err) : 0;
}

void sandbox_end(const struct engine *e)
{
        struct sandbox_paths paths = { .dir = "" };
        char above[sizeof(paths.dir)];

        paths_of(e, &paths);
        (void) snprintf(above, sizeof(above), "%s/hidden", e->opt.runtime_dir);
        (void) unlink(paths.file);
        (void) rmdir(paths.dir);
        (void) rmdir(above);
}

/* --- what cannot be had ------------------------------------------------------------------------------------------- */

static void row(const struct spec *s, enum sandbox_part part, struct engine_limit *ret)
{
        enum directive d = sandbox_asked_by(s, part);
        autobuf struct buf value = BUF_INIT;

        spec_print(s, d, &value);
        *ret = (struct engine_limit) { .directive = directive_rows[d].key, .controller = "namespace", .backend = "-" };
        (void) snprintf(ret->requested, sizeof(ret->requested), "%.90s", buf_text(&value));
        (void) snprintf(ret->why, sizeof(ret->why), "%s is not permitted here", sandbox_part_name(part));
}

static void filter_row(const struct spec *s, enum directive d, struct engine_limit *ret)
{
        autobuf struct buf value = BUF_INIT;

        spec_print(s, d, &value);
        for (char *p = value.data; p && *p; p++)
                *p = *p == '\n' ? ' ' : *p;
        *ret = (struct engine_limit) { .directive = directive_rows[d].key, .controller = "seccomp", .backend = "-" };
        (void) snprintf(ret->requested, sizeof(ret->requested), "%.90s", buf_text(&value));
        (void) snprintf(ret->why, sizeof(ret->why), "no filter of system calls can be installed here%s",
                        filter_is_all_of(d) ? "" : "; what else it does holds");
}

/* With Isolation=best-effort: a row for each directive, in part or whole, that the service goes without. */
static void each_missing(const struct spec *s, const struct plan_facts *f, engine_limit_fn *fn, void *arg)
{
        unsigned missing = f->sandbox.best_effort ? plan_sandbox_missing(s, f) : 0;
        struct engine_limit filter;
        enum directive d;

        for (size_t at = 0; f->filter_left_out && filter_source(s, &at, &d);) {
                filter_row(s, d, &filter);
                fn(arg, &filter);
        }
        for (unsigned i = 0; i < SANDBOX_PARTS; i++) {
                struct engine_limit l;

                if (!(missing >> i & 1))
                        continue;
                row(s, (enum sandbox_part) (1U << i), &l);
                fn(arg, &l);
        }
}

void sandbox_limits(struct engine *e, const struct spec *s, engine_limit_fn *fn, void *arg)
{
        struct plan_facts f = { .root = e->opt.root, .daemon_uid = e->opt.uid, .uid = e->opt.uid };
        struct sandbox_paths paths = { .dir = "" };

        if (spec_kind(s) != KIND_SERVICE)
                return;
        sandbox_facts(e, s, &paths, &f.sandbox);
        f.filter_left_out = seccomp_left_out(e, s);
        f.have_user = *spec_str(s, D_SERVICE_User) != '\0';
        f.uid += f.have_user; /* some other */
        each_missing(s, &f, fn, arg);
}

static void say_row(void *arg, const struct engine_limit *l)
{
        log_warning("%s: %s= is not enforced: %s", (const char *) arg, l->directive, l->why);
}

void sandbox_say_missing(const struct spec *s, const struct plan_facts *f)
{
        each_missing(s, f, say_row, (void *) (uintptr_t) f->node);
}

/* --- DynamicUser= ------------------------------------------------------------------------------------------------- */

struct asking {
        const struct engine *e;
        node_id id;
};

/* After a crash of the engine nobody but the process itself knows its number. */
static bool runs_as(const struct engine *e, node_id id, const struct run *run, uid_t uid)
{
        const struct node *node = run->pid[ROLE_MAIN] ? core_node(e->core, id) : NULL;
        char path[64];
        struct stat st;

        if (!node || spec_kind(node->spec) != KIND_SERVICE || !spec_int(node->spec, D_SERVICE_DynamicUser))
                return false;
        (void) snprintf(path, sizeof(path), "/proc/%d", (int) run->pid[ROLE_MAIN]);
        return stat(path, &st) == 0 && st.st_uid == uid;
}

static bool taken(void *arg, uid_t uid)
{
        const struct asking *a = arg;

        for (node_id id = 0; id < a->e->run_cap; id++) {
                const struct run *run = &a->e->runs[id];

                if (id != a->id && ((run->extra && run->extra->dynamic == uid) || runs_as(a->e, id, run, uid)))
                        return true;
        }
        return false;
}

int sandbox_dynamic_user(struct engine *e, node_id id, const struct spec *s, struct user *ret, struct err *err)
{
        const char *said = spec_str(s, D_SERVICE_User);
        struct asking asking = { e, id };
        struct extra *x = engine_extra(e, id);
        int r;

        if (!x)
                return err_set(err, STAGE_RESOURCES, ENOMEM, "out of memory");
        if (!e->opt.root) {
                r = err_set(err, STAGE_USER, EPERM, "take a number for DynamicUser=: only root may change users");
                err_hint(err, "run the daemon as root, or take DynamicUser= out");
                return r;
        }
        r = user_dynamic(touch_reach(e), *said ? said : spec_stem(s), taken, &asking, ret, err);
        if (r == 0)
                x->dynamic = ret->uid;
        return r;
}

/* --- process namespaces ------------------------------------------------------------------------------------------- */

bool sandbox_watched(const struct engine *e, node_id id)
{
        const struct node *node = core_node(e->core, id);

        return node && spec_kind(node->spec) == KIND_SERVICE && spec_int(node->spec, D_SERVICE_PrivatePIDs);
}

/* Number 2 of a namespace right below ours; see child/pids.c. */
bool sandbox_is_program(pid_t pid)
{
        char path[64], text[4096], *line;
        unsigned outer, inner, more;

        (void) snprintf(path, sizeof(path), "/proc/%d/status", (int) pid);
        if (fs_read_small(AT_FDCWD, path, text, sizeof(text)) <= 0)
                return false;
        line = strstr(text, "\nNSpid:");
        return line && sscanf(line + 7, "%u %u %u", &outer, &inner, &more) == 2 && inner == 2;
}

/* Of an incarnation that is over: the mount point, or where nobody could mount the secrets themselves. */
void sandbox_remove_credentials(struct engine *e, node_id id)
{
        const struct node *node = core_node(e->core, id);
        const char *runtime = rundir_root(e, "runtime"); /* NULL for who has none: not root, and no $XDG_RUNTIME_DIR */
        int root = node && runtime ? open(runtime, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
        int budget = INT32_MAX;
        char name[300];

        if (root < 0)
                return;
        (void) snprintf(name, sizeof(name), "credentials/%s", spec_name(node->spec));
        rundir_remove_below(root, name, 0, &budget);
        (void) unlinkat(root, name, AT_REMOVEDIR);
        (void) close(root);
}
