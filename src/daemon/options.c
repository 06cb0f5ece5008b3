/* options.c - the command line of coppiced. */
#include <getopt.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "core/value.h"
#include "daemon/options.h"
#include "os/kernel.h"
#include "os/reach.h"
#include "os/user.h"

static const char help[] =
        "Usage: coppiced [OPTION]... [-- COMMAND ARGUMENT...]\n"
        "Supervise a tree of services.\n"
        "\n"
        "      --units=DIR             read units from DIR only; may be given several times, the first wins\n"
        "      --runtime-dir=DIR       the control socket and what must not outlive a boot\n"
        "      --log-dir=DIR           a directory per service for what it writes\n"
        "      --state-dir=DIR         what must outlive a boot\n"
        "      --isolation=MODE        strict (default): a limit that cannot be enforced refuses the start;\n"
        "                              best-effort: start and say so\n"
        "      --log-target=TARGET     file or console; console is the default in a container\n"
        "      --log-level=LEVEL       error, warning, notice (default), info or debug\n"
        "      --stop-timeout=SPAN     the whole of a shutdown takes at most this long (default 9s)\n"
        "      --machine=auto|yes|no   whether PID 1 is that of a machine, which mounts /proc and its like and "
        "reboots\n"
        "      --control-group=GROUP   members may open the control socket and change things by it\n"
        "      --help, --version       print this, or the version, and exit\n"
        "\n"
        "COMMAND runs as main.service; when it ends, everything is stopped and its exit code is coppiced's.\n"
        "Signals: TERM, INT, QUIT, PWR, RTMIN+3 to RTMIN+5 stop everything, a second one in a hurry; HUP reads the "
        "units again;\n"
        "USR1 reopens the control socket; USR2 writes the state of the tree to standard error.\n";

enum { OPT_UNITS = 256, OPT_RUNTIME, OPT_LOG, OPT_STATE, OPT_ISOLATION, OPT_TARGET, OPT_LEVEL, OPT_STOP, OPT_GROUP,
       OPT_MACHINE, OPT_HELP, OPT_VERSION };

static const struct option longopts[] = {
        { "units", required_argument, NULL, OPT_UNITS },
        { "runtime-dir", required_argument, NULL, OPT_RUNTIME },
        { "log-dir", required_argument, NULL, OPT_LOG },
        { "state-dir", required_argument, NULL, OPT_STATE },
        { "isolation", required_argument, NULL, OPT_ISOLATION },
        { "log-target", required_argument, NULL, OPT_TARGET },
        { "log-level", required_argument, NULL, OPT_LEVEL },
        { "stop-timeout", required_argument, NULL, OPT_STOP },
        { "control-group", required_argument, NULL, OPT_GROUP },
        { "machine", required_argument, NULL, OPT_MACHINE },
        { "help", no_argument, NULL, OPT_HELP },
        { "version", no_argument, NULL, OPT_VERSION },
        { NULL, 0, NULL, 0 },
};

static enum options_result bad(const char *option, const char *value, const char *wanted)
{
        fprintf(stderr, "coppiced: --%s=%s: expected %s\n", option, value, wanted);
        return OPTIONS_BAD;
}

static enum options_result set_isolation(struct options *o, const char *value)
{
        int v = strtab_value(&isolation_names, value);

        if (v < 0)
                return bad("isolation", value, "strict or best-effort");
        o->isolation = (enum isolation) v;
        return OPTIONS_RUN;
}

static enum options_result set_target(struct options *o, const char *value)
{
        if (strcmp(value, "file") != 0 && strcmp(value, "console") != 0)
                return bad("log-target", value, "file or console");
        o->log_target = strcmp(value, "file") == 0 ? TARGET_FILE : TARGET_CONSOLE;
        o->log_target_said = true;
        return OPTIONS_RUN;
}

static enum options_result set_machine(struct options *o, const char *value)
{
        static const char *const words[] = { [MACHINE_AUTO] = "auto", [MACHINE_YES] = "yes", [MACHINE_NO] = "no" };

        for (int i = 0; i < 3; i++)
                if (strcmp(value, words[i]) == 0) {
                        o->machine_said = i;
                        return OPTIONS_RUN;
                }
        return bad("machine", value, "auto, yes or no");
}

static enum options_result set_level(struct options *o, const char *value)
{
        int v = log_level_from_name(value);

        if (v < 0)
                return bad("log-level", value, "error, warning, notice, info or debug");
        o->log_level = (enum log_level) v;
        return OPTIONS_RUN;
}

static enum options_result set_stop(struct options *o, const char *value)
{
        if (value_span(value, NSEC_PER_SEC, &o->stop_timeout) < 0 || o->stop_timeout < 0)
                return bad("stop-timeout", value, "a time span such as 9s or 1min 30s");
        return OPTIONS_RUN;
}

static enum options_result set_group(struct options *o, const char *value)
{
        struct reach *reach = reach_new("/proc/self/exe");
        struct user group;
        int r = value[0] == '\0' ? -EINVAL : user_lookup(reach, "", value, NULL, 0, &group, NULL);

        reach_free(reach);
        if (r < 0)
                return bad("control-group", value, "a group that exists");
        o->control_group = group.gid;
        user_done(&group);
        return OPTIONS_RUN;
}

/* A directory is kept absolute: the engine changes to / so that it holds nobody's file system busy. */
static enum options_result set_dir(const char **field, const char *option, const char *value)
{
        char *path = NULL, cwd[4096];

        if (value[0] == '\0')
                return bad(option, value, "a directory");
        if (value[0] == '/')
                path = strdup(value);
        else if (!getcwd(cwd, sizeof(cwd)) || asprintf(&path, "%s/%s", cwd, value) < 0)
                path = NULL;
        if (!path) {
                fprintf(stderr, "coppiced: --%s=%s: %s\n", option, value, strerror(errno));
                return OPTIONS_BAD;
        }
        free((void *) (uintptr_t) *field);
        *field = path;
        return OPTIONS_RUN;
}

static enum options_result add_units(struct options *o, const char *value)
{
        if (o->unit_dir_count == OPTIONS_UNIT_DIRS_MAX)
                return bad("units", value, "at most 16 directories");
        if (set_dir(&o->unit_dirs[o->unit_dir_count], "units", value) != OPTIONS_RUN)
                return OPTIONS_BAD;
        o->unit_dir_count++;
        return OPTIONS_RUN;
}

static enum options_result apply(struct options *o, int opt, const char *value)
{
        switch (opt) {
        case OPT_UNITS: return add_units(o, value);
        case OPT_RUNTIME: return set_dir(&o->runtime_dir, "runtime-dir", value);
        case OPT_LOG: return set_dir(&o->log_dir, "log-dir", value);
        case OPT_STATE: return set_dir(&o->state_dir, "state-dir", value);
        case OPT_ISOLATION: return set_isolation(o, value);
        case OPT_TARGET: return set_target(o, value);
        case OPT_LEVEL: return set_level(o, value);
        case OPT_STOP: return set_stop(o, value);
        case OPT_GROUP: return set_group(o, value);
        case OPT_MACHINE: return set_machine(o, value);
        case OPT_HELP: fputs(help, stdout); return OPTIONS_DONE;
        case OPT_VERSION: printf("coppiced %s\n", PACKAGE_VERSION); return OPTIONS_DONE;
        default: fputs("Try `coppiced --help'.\n", stderr); return OPTIONS_BAD;
        }
}

enum options_result options_parse(struct options *o, int argc, char **argv)
{
        static char program[] = "coppiced";
        int opt;

        *o = (struct options) { .log_level = LOG_LEVEL_NOTICE, .stop_timeout = 9 * NSEC_PER_SEC,
                                .control_group = (gid_t) -1 };
        if (argc > 0)
                argv[0] = program; /* getopt's messages name the program people started */
        while ((opt = getopt_long(argc, argv, "+", longopts, NULL)) != -1) {
                enum options_result r = apply(o, opt, optarg);

                if (r != OPTIONS_RUN)
                        return r;
        }
        if (optind < argc && strcmp(argv[optind - 1], "--") != 0) {
                fprintf(stderr, "coppiced: unexpected argument %s; a command goes behind --\n", argv[optind]);
                return OPTIONS_BAD;
        }
        if (optind < argc)
                o->command = argv + optind;
        return OPTIONS_RUN;
}

/* BASE/coppice, where BASE is $name or else below $HOME; as root the fixed place. */
static int place(const char **field, bool root, const char *fixed, const char *name, const char *below_home)
{
        const char *base = getenv(name), *home = getenv("HOME");
        char *path = NULL;
        int n;

        if (*field)
                return 0;
        if (root)
                n = asprintf(&path, "%s", fixed);
        else if (base && base[0] == '/')
                n = asprintf(&path, "%s/coppice", base);
        else if (below_home && home && home[0] == '/')
                n = asprintf(&path, "%s/%s/coppice", home, below_home);
        else
                n = asprintf(&path, "/tmp/coppice-%lu", (unsigned long) geteuid());
        if (n < 0)
                return -ENOMEM;
        *field = path;
        return 0;
}

int options_defaults(struct options *o, struct err *err)
{
        autofree char *logs = NULL;

        o->uid = geteuid();
        o->root = o->uid == 0;
        if (place(&o->runtime_dir, o->root, "/run/coppice", "XDG_RUNTIME_DIR", NULL) < 0 ||
            place(&o->state_dir, o->root, "/var/lib/coppice", "XDG_STATE_HOME", ".local/state") < 0)
                return err_set(err, STAGE_RESOURCES, ENOMEM, "out of memory");
        if (!o->log_dir && !o->root) {
                if (asprintf(&logs, "%s/log", o->state_dir) < 0)
                        return err_set(err, STAGE_RESOURCES, ENOMEM, "out of memory");
                o->log_dir = ptr_steal(logs);
        }
        if (place(&o->log_dir, true, "/var/log/coppice", "", NULL) < 0)
                return err_set(err, STAGE_RESOURCES, ENOMEM, "out of memory");
        if (!o->log_target_said && (o->command || (o->pid1 && kernel_get()->container)))
                o->log_target = TARGET_CONSOLE;
        return 0;
}
