/* filter_check.c - what in the filter of a unit is likely not what was meant. See validate.h. */
#include <stdio.h>
#include <string.h>

#include "core/filter.h"
#include "core/validate.h"

static void warn(struct remarks *remarks, struct origin at, const char *hint, const char *what, const char *about)
{
        remark(remarks, DIAG_WARNING, at.file, at.line, 0, hint, "%s%s", about, what);
}

/* The calls that stay allowed whatever is written. */
static bool is_vital(const char *name)
{
        static const char *const vital[] = { "execve", "exit", "exit_group", "rt_sigreturn", "sigreturn" };

        for (size_t i = 0; i < sizeof(vital) / sizeof(vital[0]); i++)
                if (strcmp(vital[i], name) == 0)
                        return true;
        return false;
}

static void check_item(const struct spec *s, size_t i, bool deny_list, struct remarks *remarks)
{
        const char *item = spec_item(s, D_SERVICE_SystemCallFilter, i);
        struct origin at = spec_item_origin(s, D_SERVICE_SystemCallFilter, i);
        char name[64] = "";
        bool out = item[0] == '~';

        (void) snprintf(name, sizeof(name), "%.*s", (int) strcspn(item + out, ":"), item + out);
        if (out && is_vital(name))
                warn(remarks, at, "take it out",
                     ": without it no program could be started or end, so it stays allowed", name);
        if (deny_list && !out && strchr(item, ':'))
                warn(remarks, at, "leave the error out, or begin the line with ~",
                     ": this line takes the call out of a list of what is forbidden, where an error means nothing",
                     item);
}

void validate_filter(const struct spec *s, struct remarks *remarks)
{
        size_t n = spec_count(s, D_SERVICE_SystemCallFilter);
        bool learns = spec_int(s, D_SERVICE_SystemCallFilterMode) == FILTER_MODE_LEARN;

        for (size_t i = 0; i < n; i++)
                check_item(s, i, spec_item(s, D_SERVICE_SystemCallFilter, 0)[0] == '~', remarks);
        if (learns)
                warn(remarks, spec_origin(s, D_SERVICE_SystemCallFilterMode),
                     "`coppicectl seccomp` prints what was learned",
                     " forbids nothing and makes every system call slower", "SystemCallFilterMode=learn");
        if (n == 0 && spec_has(s, D_SERVICE_SystemCallErrorNumber))
                warn(remarks, spec_origin(s, D_SERVICE_SystemCallErrorNumber), "write SystemCallFilter= as well",
                     " has no effect without SystemCallFilter=", "SystemCallErrorNumber=");
}

/* The listener of a filter ends with coppiced, and the kernel answers ENOSYS to every call that it would be told of. */
void validate_left_filter(const struct spec *s, struct remarks *remarks)
{
        struct filter f;
        bool learns = spec_int(s, D_SERVICE_SystemCallFilterMode) == FILTER_MODE_LEARN;
        struct origin at = learns ? spec_origin(s, D_SERVICE_SystemCallFilterMode) : filter_origin(s);

        if (learns)
                remark(remarks, DIAG_ERROR, at.file, at.line, 0, "take one of the two out",
                       "SystemCallFilterMode=learn needs coppiced: every call of what OnDaemonDeath=leave has left "
                       "would fail with ENOSYS");
        else if (filter_of(s, &f) && filter_tells(&f))
                remark(remarks, DIAG_WARNING, at.file, at.line, 0, "write SystemCallErrorNumber=EPERM",
                       "a call that this filter kills for fails with ENOSYS instead once coppiced has ended and "
                       "OnDaemonDeath=leave has left the process");
}
