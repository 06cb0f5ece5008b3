/* unit_host.c - what this machine and the daemon's user say for the specifiers. See unit_dirs.h. */
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/account.h"
#include "base/cleanup.h"
#include "unit/unit_dirs.h"

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

static char *number(unsigned long n)
{
        char *text = NULL;

        return asprintf(&text, "%lu", n) < 0 ? NULL : text;
}

/* The first, which is owned, or else a place below the daemon's own. */
static char *or_below(char *path, const char *dir, const char *rest)
{
        char *other = NULL;

        if (path || !dir)
                return path;
        return asprintf(&other, "%s/%s", dir, rest) < 0 ? NULL : other;
}

static void learn_user_places(struct unit_host *h, const struct unit_options *o)
{
        h->runtime_dir = or_below(unit_xdg("XDG_RUNTIME_DIR", NULL, NULL, ""), o->runtime_dir, "run");
        h->state_dir = or_below(unit_xdg("XDG_STATE_HOME", h->home, ".local/state", ""), o->state_dir, "lib");
        h->cache_dir = or_below(unit_xdg("XDG_CACHE_HOME", h->home, ".cache", ""), o->state_dir, "cache");
        h->logs_dir = or_below(unit_xdg("XDG_STATE_HOME", h->home, ".local/state", "/log"), o->state_dir, "logs");
        h->config_dir = or_below(unit_xdg("XDG_CONFIG_HOME", h->home, ".config", ""), o->state_dir, "config");
}

static void learn_places(struct unit_host *h, const struct unit_options *o)
{
        static const char *const variables[] = { "TMPDIR", "TEMP", "TMP" };
        const char *tmp = NULL;

        for (size_t i = 0; i < ARRAY_LEN(variables) && !tmp; i++) {
                tmp = getenv(variables[i]);
                if (tmp && tmp[0] != '/')
                        tmp = NULL;
        }
        h->tmp_dir = strdup(tmp ? tmp : "/tmp");
        h->var_tmp_dir = strdup(tmp ? tmp : "/var/tmp");
        if (o->user) {
                learn_user_places(h, o);
                return;
        }
        h->runtime_dir = strdup("/run");
        h->state_dir = strdup("/var/lib");
        h->cache_dir = strdup("/var/cache");
        h->logs_dir = strdup("/var/log");
        h->config_dir = strdup("/etc");
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

static void learn_user(struct unit_host *h, bool user)
{
        struct account a = { 0 };
        bool known = account_by_uid(geteuid(), &a) == 0;

        h->home = home_of(known ? &a : NULL, user);
        h->user = known ? strdup(a.name) : number(geteuid());
        h->shell = known && a.shell[0] == '/' ? strdup(a.shell) : strdup("/bin/sh");
        account_done(&a);
        h->uid = number(geteuid());
        h->gid = number(getegid());
        h->group = account_group_name(getegid());
        if (!h->group)
                h->group = number(getegid());
}

/* systemd's words for what the kernel calls the machine, where they differ. */
static const char *architecture(const char *machine)
{
        static const char *const words[][2] = {
                { "x86_64", "x86-64" }, { "i386", "x86" }, { "i486", "x86" }, { "i586", "x86" }, { "i686", "x86" },
                { "aarch64", "arm64" }, { "aarch64_be", "arm64-be" }, { "ppc64le", "ppc64-le" }, { "ppcle", "ppc-le" },
        };

        for (size_t i = 0; i < ARRAY_LEN(words); i++)
                if (strcmp(machine, words[i][0]) == 0)
                        return words[i][1];
        return strncmp(machine, "armv", 4) == 0 ? machine[strlen(machine) - 1] == 'b' ? "arm-be" : "arm" : machine;
}

static void learn_machine(struct unit_host *h)
{
        struct utsname u;

        h->machine_id = read_id("/etc/machine-id");
        h->boot_id = read_id("/proc/sys/kernel/random/boot_id");
        if (uname(&u) < 0)
                return;
        h->hostname = strdup(u.nodename);
        h->short_hostname = strndup(u.nodename, strcspn(u.nodename, "."));
        h->kernel = strdup(u.release);
        h->architecture = strdup(architecture(u.machine));
}

/* What stands behind "NAME=", without the quotes of a shell; NULL: that is another line. */
static char *os_value(const char *line, const char *name)
{
        size_t n = strlen(name), end;
        char quote;

        if (strncmp(line, name, n) != 0 || line[n] != '=')
                return NULL;
        line += n + 1;
        quote = line[0] == '"' || line[0] == '\'' ? *line++ : '\0';
        end = strcspn(line, quote ? (char[]) { quote, '\n', 0 } : " \t\n");
        return strndup(line, end);
}

/* os-release(5): where the file lacks a name it is empty, and the ID of a system without one is "linux". */
static void learn_os(struct unit_host *h)
{
        const struct {
                const char *name, *otherwise, **field;
        } wanted[] = {
                { "ID", "linux", &h->os_id }, { "VERSION_ID", "", &h->os_version },
                { "VARIANT_ID", "", &h->os_variant }, { "BUILD_ID", "", &h->os_build },
        };
        autofclose FILE *f = fopen("/etc/os-release", "re");
        char line[512];

        if (!f)
                f = fopen("/usr/lib/os-release", "re");
        while (f && fgets(line, sizeof(line), f))
                for (size_t i = 0; i < ARRAY_LEN(wanted); i++)
                        if (!*wanted[i].field)
                                *wanted[i].field = os_value(line, wanted[i].name);
        for (size_t i = 0; f && i < ARRAY_LEN(wanted); i++)
                if (!*wanted[i].field)
                        *wanted[i].field = strdup(wanted[i].otherwise);
}

void unit_host_learn(struct unit_host *h, const struct unit_options *o)
{
        learn_user(h, o->user);
        learn_places(h, o);
        learn_machine(h);
        learn_os(h);
}

void unit_host_done(struct unit_host *h)
{
#define NAME_SPECIFIER(letter, function, what)
#define HOST_SPECIFIER(letter, field, example, what) free((char *) h->field);
#include "core/specifiers.def"
#undef NAME_SPECIFIER
#undef HOST_SPECIFIER
        *h = (struct unit_host) { 0 };
}
