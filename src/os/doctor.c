/* doctor.c - see doctor.h. */
#include "os/doctor.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/json.h"
#include "os/cgroup_priv.h"
#include "os/kernel.h"
#include "os/limits.h"
#include "os/sandbox_probe.h"
#include "os/seccomp.h"

static const char *const state_texts[] = { [DOCTOR_YES] = "yes", [DOCTOR_PARTLY] = "partly", [DOCTOR_NO] = "no" };
STRTAB(doctor_state_names, state_texts);

static const struct {
        const char *name;
        doctor_area_fn *fn;
} areas[] = {
#define AREA(name, fn) { name, fn },
#include "os/doctor.def"
#undef AREA
};

static void say(struct doctor_row *r, const char *what, enum doctor_state state, const char *fmt, ...)
        __attribute__((format(printf, 4, 5)));
static void say(struct doctor_row *r, const char *what, enum doctor_state state, const char *fmt, ...)
{
        va_list ap;

        r->what = what;
        r->state = state;
        va_start(ap, fmt);
        (void) vsnprintf(r->text, sizeof r->text, fmt, ap);
        va_end(ap);
}

/* --- kernel ------------------------------------------------------------------------------------------------------- */

bool doctor_kernel(const struct doctor_place *place, size_t i, struct doctor_row *ret)
{
        const struct kernel *k = kernel_get();

        (void) place;
        switch (i) {
        case 0:
                say(ret, "release", DOCTOR_YES, "Linux %s, %s%s", k->release,
                    strcmp(k->virt, "none") == 0 ? "on a machine of its own" : k->virt,
                    k->root ? ", as root" : ", not as root");
                return true;
        case 1:
                say(ret, "/proc", k->proc ? DOCTOR_YES : DOCTOR_NO, "%s",
                    k->proc ? "it is mounted and shows us"
                            : "without it processes that left their session are not found, and little is told "
                            "of others");
                return true;
        case 2:
                say(ret, "pidfd", k->pidfd ? DOCTOR_YES : DOCTOR_NO, "%s",
                    k->pidfd ? "a signal reaches the process that was meant, never one with its number"
                             : "the kernel (before 5.3) or a filter has it not: signals go by number");
                return true;
        case 3:
                say(ret, "close_range", k->close_range ? DOCTOR_YES : DOCTOR_PARTLY, "%s",
                    k->close_range ? "descriptors are closed with one call"
                                   : "the kernel (before 5.9) or a filter has it not: a start costs more");
                return true;
        default:
                return false;
        }
}

/* --- control groups ----------------------------------------------------------------------------------------------- */

bool doctor_groups(const struct doctor_place *place, size_t i, struct doctor_row *ret)
{
        struct cgroup *c = place->cgroup;
        bool any = cgroup_backend(c) != CGROUP_NONE;
        unsigned memory = limits_available(c) & CTL_BIT(CTL_MEMORY);

        switch (i) {
        case 0:
                if (any)
                        say(ret, "tracking and killing", DOCTOR_YES,
                            "each service has a group below %s (%s): it is killed as a whole, whatever it forks",
                            place->only_looking ? c->own : cgroup_root_path(c),
                            strtab_text(&cgroup_backend_names, (int) cgroup_backend(c)));
                else
                        say(ret, "tracking and killing", DOCTOR_PARTLY,
                            "by session and environment, not free of races: %s", cgroup_why(c));
                return true;
        case 1:
                say(ret, "freezing", any ? DOCTOR_YES : DOCTOR_PARTLY, "%s",
                    any ? "the whole group at once" : "by SIGSTOP, which a parent can see");
                return true;
        case 2:
                say(ret, "out_of_memory", memory ? DOCTOR_YES : DOCTOR_NO, "%s",
                    memory ? "kills by the kernel are counted for each service that has a memory limit or "
                    "MemoryAccounting=yes"
                           : "a kill by the kernel cannot be told from another SIGKILL");
                return true;
        default:
                return false;
        }
}

/* What each controller is for. */
static const struct {
        enum controller controller;
        const char *what, *directives;
} uses[] = {
        { CTL_MEMORY, "memory", "MemoryMax=, MemorySwapMax=, OOMPolicy=" },
        { CTL_CPU, "processor time", "CPUQuota=, CPUWeight=" },
        { CTL_CPUSET, "processors", "AllowedCPUs=" },
        { CTL_PIDS, "tasks", "TasksMax=" },
        { CTL_DEVICES, "devices", "DevicePolicy=, DeviceAllow=" },
        { CTL_IO, "disks", "IOReadBandwidthMax= and its kin, IOWeight= where a scheduler weighs" },
};

/* Whoever would start a daemon here shares the group with it: then v2 hands controllers on only in the real root. */
static bool crowded(const struct cgroup *c)
{
        char path[PATH_MAX];

        (void) snprintf(path, sizeof path, "%s/cgroup.type", c->own);
        return access(path, F_OK) == 0;
}

/* What bounds those that say nothing of TasksMax=. */
static const char *rest(const struct doctor_place *place, char *buf, size_t n)
{
        const int64_t max = limits_rest_max(place->cgroup);

        if (max >= 0)
                (void) snprintf(buf, n, "all others together: %lld", (long long) max);
        else
                (void) snprintf(buf, n, "%s", place->only_looking && limits_rest_alone(place->cgroup)
                                ? "all others together: 512 for each node" : "all others are not bounded");
        return buf;
}

static void say_v1(const struct doctor_place *place, size_t use, struct doctor_row *ret)
{
        const struct cgroup *c = place->cgroup;
        enum controller ctl = uses[use].controller;
        char others[80];

        say(ret, uses[use].what, ctl == CTL_MEMORY || ctl == CTL_PIDS ? DOCTOR_PARTLY : DOCTOR_YES,
            "cgroup v1 at %s: %s%s%s", c->v1[ctl].path, uses[use].directives,
            ctl == CTL_MEMORY ? "; not MemoryHigh=, MemoryLow=, MemoryMin=, which only v2 has"
            : ctl == CTL_PIDS
            ? " where a unit says it, and for what `coppicectl run` runs; " : "",
            ctl == CTL_PIDS ? rest(place, others, sizeof others) : "");
}

bool doctor_limits(const struct doctor_place *place, size_t i, struct doctor_row *ret)
{
        struct cgroup *c = place->cgroup;
        char why[200];

        if (i >= sizeof uses / sizeof uses[0])
                return false;
        if (!(limits_available(c) & CTL_BIT(uses[i].controller)))
                say(ret, uses[i].what, DOCTOR_NO, "%s", limits_why_not(c, uses[i].controller, why, sizeof why));
        else if (strcmp(limits_backend(c, uses[i].controller), "v1") == 0)
                say_v1(place, i, ret);
        else if (place->only_looking && uses[i].controller != CTL_DEVICES && crowded(c))
                say(ret, uses[i].what, DOCTOR_PARTLY,
                    "cgroup v2 at %s, if coppiced is alone in its group (systemd-run --scope -p Delegate=yes coppiced, "
                    "or as PID 1 of a container)", c->own);
        else
                say(ret, uses[i].what, DOCTOR_YES, "cgroup v2 at %s: %s", c->own, uses[i].directives);
        return true;
}

/* --- when the daemon itself is killed ----------------------------------------------------------------------------- */

static void say_end_of_init(const struct doctor_place *place, struct doctor_row *ret)
{
        if (!place->only_looking && getppid() == 1)
                say(ret, "coppiced is killed", DOCTOR_YES,
                    "it is PID 1 here: the kernel ends everything it runs with it, OnDaemonDeath=leave or not");
        else if (cgroup_backend(place->cgroup) != CGROUP_NONE)
                say(ret, "coppiced is killed", DOCTOR_YES,
                    "its services are killed with it; what they leave in their groups, whatever session it is in, is "
                    "ended by the next one before that starts anything, but for OnDaemonDeath=leave");
        else
                say(ret, "coppiced is killed", DOCTOR_PARTLY,
                    "its services are killed with it, but what they have started goes on, where PrivatePIDs= does not "
                    "keep it together: %s", cgroup_why(place->cgroup));
}

bool doctor_deaths(const struct doctor_place *place, size_t i, struct doctor_row *ret)
{
        switch (i) {
        case 0:
                say(ret, "the engine is killed", DOCTOR_YES,
                    "its services do not notice; another one goes on with what it knew");
                return true;
        case 1:
                say_end_of_init(place, ret);
                return true;
        default:
                return false;
        }
}

/* --- filters, sandbox --------------------------------------------------------------------------------------------- */

bool doctor_filters(const struct doctor_place *place, size_t i, struct doctor_row *ret)
{
        bool any = seccomp_available();
        int error = any && i == 1 ? -seccomp_try_listener() : 0;

        (void) place;
        switch (i) {
        case 0:
                say(ret, "seccomp", any ? DOCTOR_YES : DOCTOR_NO, "%s",
                    any ? "SystemCallFilter= and all that is a filter underneath"
                        : "the kernel, or what confines us, takes no filters");
                return true;
        case 1:
                if (!any || error == 0)
                        say(ret, "naming the call", any ? DOCTOR_YES : DOCTOR_NO, "%s",
                            any ? "the reason of an end by filter names the call; SystemCallFilterMode=learn"
                            : "no filters");
                else
                        say(ret, "naming the call", DOCTOR_PARTLY,
                            "a filter holds, but the reason is signal:SYS, and nothing can be learned: %s",
                            error == EBUSY ? "an outer filter has the one listener there can be"
                            : error == EINVAL ? "the kernel is older than 5.0" : strerrordesc_np(error));
                return true;
        default:
                return false;
        }
}

bool doctor_sandbox(const struct doctor_place *place, size_t i, struct doctor_row *ret)
{
        struct sandbox_row row;

        (void) place;
        if (!sandbox_row(i, &row))
                return false;
        say(ret, row.what, row.ok ? DOCTOR_YES : DOCTOR_NO, "%s", row.sentence);
        return true;
}

void doctor_environment(struct cgroup *c, doctor_fn *fn, void *arg)
{
        struct doctor_place place = { .cgroup = c };
        struct cgroup *looked = NULL;

        if (!c && cgroup_look(&looked) < 0)
                return;
        if (!c)
                place = (struct doctor_place) { .cgroup = looked, .only_looking = true };
        for (size_t a = 0; a < sizeof areas / sizeof areas[0]; a++) {
                struct doctor_row row = { .area = areas[a].name };

                for (size_t i = 0; areas[a].fn(&place, i, &row); i++)
                        fn(arg, &row);
        }
        cgroup_free(looked);
}

void doctor_json(void *arg, const struct doctor_row *row)
{
        struct json *j = arg;

        json_open(j, NULL, '{');
        json_str(j, "area", row->area);
        json_str(j, "what", row->what);
        json_str(j, "state", strtab_text(&doctor_state_names, (int) row->state));
        json_str(j, "text", row->text);
        json_close(j);
}
