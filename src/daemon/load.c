/* load.c - unit files -> the tree, at boot. Single units come in later by absent.c. */
#include <fcntl.h>
#include <string.h>

#include "daemon/absent.h"
#include "daemon/engine_priv.h"
#include "daemon/load.h"
#include "daemon/mail.h"
#include "unit/unit_set.h"

const char *engine_load_report(const struct engine *e)
{
        return buf_text(&e->load_report);
}

const struct unit_paths *engine_unit_paths(const struct engine *e)
{
        return e->paths;
}

void load_note(struct engine *e, bool fatal, const struct err *err)
{
        char line[1000];

        buf_addf(&e->load_report, "%s\n", err_format(err, line, sizeof(line)));
        log_err(fatal ? LOG_LEVEL_ERROR : LOG_LEVEL_WARNING, err);
}

static void note_diags(struct engine *e, const struct unit_set *set)
{
        for (size_t i = 0; i < unit_set_diag_count(set); i++) {
                const struct diag *d = unit_set_diag(set, i);

                load_note(e, d->severity == DIAG_ERROR, &d->err);
        }
}

/* Names that mean nothing were told when the units were read; new is only which part of a circle does not count. */
static void on_link_problem(void *arg, const struct err *err)
{
        if (err->code == ELOOP)
                load_note(arg, true, err);
}

/* --- coppiced -- CMD ARGS ----------------------------------------------------------------------------------------- */

/* A word as a unit file takes it literally, whatever bytes it has. */
static void add_word(struct buf *out, const char *word)
{
        buf_addc(out, '"');
        for (const unsigned char *p = (const unsigned char *) word; *p; p++) {
                if (*p == '"' || *p == '\\')
                        buf_addf(out, "\\%c", *p);
                else if (*p == '%')
                        buf_adds(out, "%%");
                else if (*p < ' ' || *p >= 127)
                        buf_addf(out, "\\x%02x", *p);
                else
                        buf_addc(out, (char) *p);
        }
        buf_addc(out, '"');
}

/* The program by the caller's $PATH: that is what a shell would have run. */
static char *find_program(const char *name)
{
        const char *path = getenv("PATH");
        char *found = NULL;

        if (strchr(name, '/'))
                return name[0] == '/' ? strdup(name) : realpath(name, NULL);
        for (const char *p = path ? path : PLAN_PATH; *p; p += strspn(p, ":")) {
                int n = (int) strcspn(p, ":");

                if (n > 0 && asprintf(&found, "%.*s/%s", n, p, name) > 0 && access(found, X_OK) == 0)
                        return found;
                free(ptr_steal(found));
                p += n;
        }
        return strdup(name);
}

static void add_environment(struct buf *out)
{
        extern char **environ;

        buf_adds(out, "\nPassEnvironment=");
        for (char **v = environ; *v; v++) {
                size_t n = strcspn(*v, "=");

                if (n > 0 && strspn(*v, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789") == n &&
                    !(**v >= '0' && **v <= '9'))
                        buf_addf(out, "%.*s ", (int) n, *v);
        }
}

/* Joined to the daemon as a shell would join it: its environment, directory, input and output. */
static int main_service_text(const struct engine *e, struct buf *out)
{
        autofree char *program = find_program(e->opt.command[0]), *cwd = realpath(e->opt.cwd ? e->opt.cwd : "/", NULL);

        if (!program)
                return -ENOENT;
        buf_adds(out, "[Unit]\nDescription=The command of this daemon\n[Service]\nRestart=temporary\nSignificant=yes\n"
                 "StandardInput=inherit\nStandardOutput=inherit\nStandardError=inherit\nExecStart=@:");
        add_word(out, program);
        for (char **word = e->opt.command; *word; word++) {
                buf_addc(out, ' ');
                add_word(out, *word);
        }
        add_environment(out);
        if (cwd && strpbrk(cwd, "%\\\n\"' \t") == NULL)
                buf_addf(out, "\nWorkingDirectory=-%s", cwd);
        buf_addc(out, '\n');
        return buf_failed(out) ? -ENOMEM : 0;
}

static void report_to_engine(void *arg, const struct diag *d)
{
        load_note(arg, d->severity == DIAG_ERROR, &d->err);
}

static int add_main_service(struct engine *e, struct err *err)
{
        autobuf struct buf text = BUF_INIT;
        struct unit_source source = { .file = "command line" };
        struct spec *spec;
        int r = main_service_text(e, &text);

        if (r < 0)
                return err_set(err, STAGE_LOAD, -r, "find %s: %s", e->opt.command[0], strerror(-r));
        source.text = text.data;
        source.len = text.len;
        r = unit_text_parse("main.service", &source, 1, unit_paths_host(e->paths), report_to_engine, e, &spec);
        if (r < 0)
                return err_set(err, STAGE_LOAD, -r, "make main.service of the command line: %s", strerror(-r));
        r = core_add(e->core, NODE_ROOT, spec, false, &e->command_node, err);
        spec_unref(spec);
        return r;
}

/* With a command the root ends when that does, with its exit code, whatever root.supervisor says. */
struct spec *load_root(struct engine *e, struct spec *root)
{
        static const char ours[] = "[Supervisor]\nAutoShutdown=any_significant\nExitCodeFrom=main.service\n";
        autobuf struct buf text = BUF_INIT;
        struct unit_source sources[2] = { { .file = spec_file(root) },
                                          { .file = "command line", .text = ours, .len = sizeof(ours) - 1 } };
        struct spec *both;

        if (!e->opt.command)
                return spec_ref(root);
        unit_text_print(root, false, &text);
        sources[0].text = buf_text(&text);
        sources[0].len = text.len;
        if (unit_text_parse("root.supervisor", sources, 2, unit_paths_host(e->paths), report_to_engine, e, &both) < 0)
                return NULL;
        return both;
}

/* --- the tree ----------------------------------------------------------------------------------------------------- */

static int add_all(struct engine *e, const struct unit_set *set, struct err *err)
{
        size_t n = unit_set_count(set);
        autofree node_id *ids = calloc(n + 1, sizeof(*ids));

        if (!ids)
                return err_set(err, STAGE_RESOURCES, ENOMEM, "out of memory");
        for (size_t i = 1; i < n; i++) {
                const struct unit_node *node = unit_set_node(set, i);
                int r = core_add(e->core, ids[node->parent], node->spec, false, &ids[i], err);

                if (r < 0)
                        return r;
        }
        channels_load(e, set, ids);
        return 0;
}

static int seed(uint64_t *ret)
{
        return getentropy(ret, sizeof(*ret));
}

static int build(struct engine *e, const struct unit_set *set, struct err *err)
{
        struct core_config config = { .machine = e->opt.machine && !e->opt.command };
        struct spec *root;
        int r;

        if (seed(&config.seed) < 0 || seed(&e->boot_mark) < 0)
                return err_sys(err, STAGE_RESOURCES, "get random bytes");
        root = load_root(e, unit_set_node(set, 0)->spec);
        if (!root)
                return err_set(err, STAGE_LOAD, EINVAL, "build the root supervisor");
        e->core = core_new(&config, root);
        spec_unref(root);
        if (!e->core)
                return err_set(err, STAGE_RESOURCES, ENOMEM, "out of memory");
        r = add_all(e, set, err);
        if (r == 0 && e->opt.command)
                r = add_main_service(e, err);
        if (r == 0)
                (void) core_link(e->core, on_link_problem, e, NULL); /* each problem has been reported */
        return r;
}

int load_paths(struct engine *e, struct err *err)
{
        char set_path[PATH_MAX_NODE];
        struct unit_options o = { .dirs = e->opt.unit_dirs, .dir_count = e->opt.unit_dir_count,
                                  .user = !e->opt.root && !e->opt.pid1,
                                  .check_owner = e->opt.root, .runtime_dir = e->opt.runtime_dir,
                                  .state_dir = e->opt.state_dir, .set_dir = set_dir(e, set_path, sizeof(set_path)) };

        return unit_paths_new(&o, &e->paths, err);
}

/* PID 1 of a machine comes up without them: somebody has to be there whom one can ask. */
int load_dirs(const struct engine *e, struct err *err)
{
        for (size_t i = 0; i < e->opt.unit_dir_count && !e->opt.machine; i++) {
                const char *dir = e->opt.unit_dirs[i];
                int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

                if (fd < 0) {
                        (void) err_sys(err, STAGE_LOAD, "read the units in %s", dir);
                        err_hint(err, "create the directory, or name another one by --units");
                        return -err->code;
                }
                (void) close(fd);
        }
        return 0;
}

int load_first(struct engine *e, struct err *err)
{
        struct unit_set *set;
        int r = unit_set_load(e->paths, &set, err);

        if (r < 0)
                return r;
        note_diags(e, set);
        absent_note(e, set);
        r = build(e, set, err);
        unit_set_free(set);
        return r;
}
