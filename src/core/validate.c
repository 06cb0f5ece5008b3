/* validate.c - the rules of one unit; those between units are in validate_tree.c. See validate.h. */
#include "core/validate.h"

#include <stdlib.h>
#include <string.h>

#include "core/mounts.h"
#include "core/resolve.h"

/* The unit under examination. */
struct examination {
        const struct spec *s;
        const bool *refused;
        struct remarks *remarks;
};

/* Is what the unit says of all of these what it meant to say? The list ends with D_NONE. */
static bool sure(const struct examination *x, const enum directive *d)
{
        for (; *d != D_NONE; d++)
                if (x->refused[*d])
                        return false;
        return true;
}
#define SURE(x, ...) sure((x), (const enum directive[]) { __VA_ARGS__, D_NONE })

static void refuse_at(struct examination *x, enum severity severity, struct origin at, const char *hint,
                      const char *what)
{
        remark(x->remarks, severity, at.line ? at.file : spec_file(x->s), at.line, 0, hint, "%s", what);
}

static void refuse(struct examination *x, enum directive d, const char *hint, const char *what)
{
        refuse_at(x, DIAG_ERROR, spec_origin(x->s, d), hint, what);
}

/* An error in our own units, a warning in files that were written for systemd. */
static void object(struct examination *x, enum directive d, const char *hint, const char *what)
{
        refuse_at(x, spec_foreign(x->s) ? DIAG_WARNING : DIAG_ERROR, spec_origin(x->s, d), hint, what);
}

static void check_exec_start(struct examination *x, enum service_type type)
{
        size_t n = spec_count(x->s, D_SERVICE_ExecStart);

        if (!SURE(x, D_SERVICE_ExecStart, D_SERVICE_Type, D_SERVICE_RemainAfterExit, D_SERVICE_ExecStop))
                return;
        if (n == 0 && !(type == TYPE_ONESHOT && spec_int(x->s, D_SERVICE_RemainAfterExit) &&
                        spec_count(x->s, D_SERVICE_ExecStop)))
                refuse(x, D_SERVICE_Type, "write ExecStart=/path/to/program in [Service]", "there is no ExecStart=");
        if (n > 1 && type != TYPE_ONESHOT)
                refuse_at(x, DIAG_ERROR, spec_item_origin(x->s, D_SERVICE_ExecStart, 1),
                          "write Type=oneshot, or ExecStartPre= for all but the last; a drop-in replaces it with an "
                          "empty ExecStart= first",
                          "more than one ExecStart=, which only Type=oneshot may have");
}

static void check_restart(struct examination *x, enum service_type type)
{
        enum restart restart = spec_restart(x->s);

        if (type == TYPE_ONESHOT && (restart == RESTART_PERMANENT || restart == RESTART_ON_SUCCESS))
                refuse(x, D_SERVICE_Restart, "write Restart=transient, or another Type=",
                       "a oneshot that is restarted after it has succeeded would never end");
        if (spec_has(x->s, D_SERVICE_RestartMaxDelaySec) && SURE(x, D_SERVICE_RestartSec) &&
            spec_int(x->s, D_SERVICE_RestartMaxDelaySec) < spec_int(x->s, D_SERVICE_RestartSec))
                refuse_at(x, DIAG_WARNING, spec_origin(x->s, D_SERVICE_RestartMaxDelaySec),
                          "RestartSec= counts", "RestartMaxDelaySec= is shorter than RestartSec=");
}

static void check_readiness(struct examination *x, enum service_type type)
{
        bool silent = spec_has(x->s, D_SERVICE_NotifyAccess) && spec_int(x->s, D_SERVICE_NotifyAccess) == NOTIFY_NONE;
        bool fd = spec_has(x->s, D_SERVICE_NotifyFd);

        if (!SURE(x, D_SERVICE_Type, D_SERVICE_NotifyFd, D_SERVICE_PIDFile))
                return;
        if (silent && type == TYPE_NOTIFY && !fd)
                refuse(x, D_SERVICE_NotifyAccess, "write NotifyAccess=main, or leave it out",
                       "Type=notify waits for a notification that NotifyAccess=none forbids");
        if (silent && spec_int(x->s, D_SERVICE_WatchdogSec) > 0)
                refuse(x, D_SERVICE_NotifyAccess, "write NotifyAccess=main, or leave it out",
                       "WatchdogSec= waits for notifications that NotifyAccess=none forbids");
        if (fd && (type == TYPE_ONESHOT || type == TYPE_FORKING))
                refuse(x, D_SERVICE_NotifyFd, "take it out, or write Type=notify",
                       "a oneshot is ready when it has ended, a forking service when it has forked: NotifyFd= means "
                       "nothing");
        if (type == TYPE_FORKING && spec_int(x->s, D_SERVICE_PrivatePIDs))
                refuse(x, D_SERVICE_PrivatePIDs, "keep the program in the foreground, with Type=simple or notify",
                       "Type=forking ends its first process, and with it the process namespace");
        if (type == TYPE_FORKING && !spec_has(x->s, D_SERVICE_PIDFile))
                refuse_at(x, DIAG_WARNING, spec_origin(x->s, D_SERVICE_Type),
                          "write PIDFile=, or better: keep the program in the foreground, with Type=simple",
                          "Type=forking without PIDFile=: its main process is the one that is left, if it is only one");
        if (type != TYPE_FORKING && spec_has(x->s, D_SERVICE_PIDFile))
                object(x, D_SERVICE_PIDFile, "take it out, or write Type=forking",
                       "PIDFile= has a meaning for Type=forking only");
}

/* Does anything the service writes go to the log? */
static bool is_logged(const struct spec *s)
{
        const char *error = spec_str(s, D_SERVICE_StandardError);

        return strcmp(spec_str(s, D_SERVICE_StandardOutput), "log") == 0 || strcmp(error, "log") == 0;
}

static void check_log(struct examination *x)
{
        static const enum directive settings[] = {
                D_SERVICE_LogMaxSize, D_SERVICE_LogMaxFiles, D_SERVICE_LogMaxAge, D_SERVICE_LogFormat,
                D_SERVICE_LogRateLimit, D_SERVICE_LogCompress,
        };

        if (!SURE(x, D_SERVICE_StandardOutput, D_SERVICE_StandardError))
                return;
        for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++)
                if (!is_logged(x->s) && spec_has(x->s, settings[i])) {
                        refuse_at(x, DIAG_WARNING, spec_origin(x->s, settings[i]), "write StandardOutput=log",
                                  "settings of a log that nothing is written to");
                        return;
                }
}

static void check_messages(struct examination *x)
{
        static const enum directive needy[] = { D_SERVICE_Monitor, D_SERVICE_TrapExit };

        for (size_t i = 0; i < sizeof(needy) / sizeof(needy[0]) && !spec_int(x->s, D_SERVICE_Mailbox) &&
                           SURE(x, D_SERVICE_Mailbox); i++)
                if (needy[i] == D_SERVICE_TrapExit ? spec_int(x->s, needy[i]) != 0 : spec_count(x->s, needy[i]) > 0)
                        refuse(x, needy[i], "write Mailbox=yes", "what it would be told has no mailbox to go to");
        for (size_t i = 0; i < spec_count(x->s, D_SERVICE_LinkTo); i++) {
                const char *name = spec_item(x->s, D_SERVICE_LinkTo, i), *dot = strrchr(name, '.');

                if (!dot || strcmp(dot, ".service") != 0)
                        refuse_at(x, DIAG_ERROR, spec_item_origin(x->s, D_SERVICE_LinkTo, i), "name a service",
                                  "LinkTo= is between services: a supervisor ends with its children");
        }
}

/* What cannot outlive the daemon, or would be taken away by the next one. */
static void check_leave(struct examination *x)
{
        static const struct { enum directive d; const char *what; } needs_us[] = {
                { D_SERVICE_PrivatePIDs, "the process that keeps a process namespace ends with coppiced: "
                                         "OnDaemonDeath=leave would leave nothing" },
                { D_SERVICE_DynamicUser, "the next coppiced may give the number of this user to somebody else while "
                                         "OnDaemonDeath=leave keeps its processes" },
                { D_SERVICE_PrivateTmp, "the next coppiced removes the directories of PrivateTmp= that "
                                        "OnDaemonDeath=leave would need" },
        };

        if (spec_int(x->s, D_SERVICE_OnDaemonDeath) != ON_DEATH_LEAVE)
                return;
        for (size_t i = 0; i < sizeof(needs_us) / sizeof(needs_us[0]); i++) /* PrivateTmp=disconnected is harmless */
                if (spec_int(x->s, needs_us[i].d) == 1 && SURE(x, needs_us[i].d))
                        refuse(x, D_SERVICE_OnDaemonDeath, "take one of the two out", needs_us[i].what);
        if (is_logged(x->s) && SURE(x, D_SERVICE_StandardOutput, D_SERVICE_StandardError))
                refuse_at(x, DIAG_WARNING, spec_origin(x->s, D_SERVICE_OnDaemonDeath),
                          "write StandardOutput=append:/a/file, or null",
                          "nobody reads the log of what OnDaemonDeath=leave has left: it gets SIGPIPE when it writes");
        if (SURE(x, D_SERVICE_SystemCallFilter, D_SERVICE_SystemCallFilterMode, D_SERVICE_SystemCallErrorNumber))
                validate_left_filter(x->s, x->remarks);
}

/* There is one root. */
static void check_root(struct examination *x)
{
        if (SURE(x, D_SERVICE_RootDirectory) && *spec_str(x->s, D_SERVICE_RootDirectory) && mounts_empty_root(x->s))
                refuse(x, D_SERVICE_TemporaryFileSystem, "take RootDirectory= out, or TemporaryFileSystem=/",
                       "an empty file system on / leaves nothing of RootDirectory=");
}

static void check_service(struct examination *x)
{
        enum service_type type = (enum service_type) spec_int(x->s, D_SERVICE_Type);

        check_exec_start(x, type);
        check_restart(x, type);
        check_readiness(x, type);
        check_messages(x);
        check_log(x);
        check_leave(x);
        check_root(x);
        if (SURE(x, D_SERVICE_SystemCallFilter))
                validate_filter(x->s, x->remarks);
}

static int compare_texts(const void *a, const void *b)
{
        return strcmp(*(const char *const *) a, *(const char *const *) b);
}

static void check_children(struct examination *x)
{
        size_t n = spec_count(x->s, D_SUPERVISOR_Children);
        const char **names = n ? calloc(n, sizeof(*names)) : NULL;

        if (!names)
                return;
        for (size_t i = 0; i < n; i++)
                names[i] = spec_item(x->s, D_SUPERVISOR_Children, i);
        qsort(names, n, sizeof(*names), compare_texts);
        for (size_t i = 1; i < n; i++)
                if (strcmp(names[i - 1], names[i]) == 0)
                        remark(x->remarks, DIAG_ERROR, spec_file(x->s),
                               spec_origin(x->s, D_SUPERVISOR_Children).line, 0,
                               "list each child once", "Children= names %s twice", names[i]);
        free(names);
}

/* OTP: what comes at run time comes below a simple_one_for_one supervisor: nobody in there depends on his neighbour. */
static void check_dynamic(struct examination *x, enum directive d)
{
        if (spec_has(x->s, d) && spec_int(x->s, D_SUPERVISOR_Strategy) != ONE_FOR_ONE)
                refuse(x, d, "write Strategy=one_for_one, or put a supervisor of that kind below this one",
                       "children that come at run time go with Strategy=one_for_one");
}

static void check_supervisor(struct examination *x)
{
        check_dynamic(x, D_SUPERVISOR_MaxChildren);
        check_dynamic(x, D_SUPERVISOR_AllowSpawn);
        if (spec_int(x->s, D_SUPERVISOR_Strategy) != ONE_FOR_ONE && spec_start_mode(x->s) == START_PARALLEL)
                refuse(x, D_SUPERVISOR_StartMode, "take it out, or write Strategy=one_for_one",
                       "StartMode=parallel goes with Strategy=one_for_one only");
        if (spec_restart(x->s) > RESTART_TEMPORARY)
                refuse(x, D_SUPERVISOR_Restart, "write permanent, transient or temporary",
                       "a supervisor does not end in the ways this Restart= tells apart");
        if (strcmp(spec_name(x->s), "root.supervisor") == 0 && spec_has(x->s, D_UNIT_Supervisor))
                refuse(x, D_UNIT_Supervisor, "take it out", "nothing is above root");
        check_children(x);
}

static void check_self(struct examination *x)
{
        static const enum directive lists[] = {
                D_UNIT_After, D_UNIT_Before, D_UNIT_Requires, D_UNIT_Wants, D_UNIT_BindsTo, D_UNIT_PartOf,
                D_UNIT_Conflicts, D_SUPERVISOR_Children,
        };

        for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
                for (size_t k = 0; k < spec_count(x->s, lists[i]); k++)
                        if (strcmp(spec_item(x->s, lists[i], k), spec_name(x->s)) == 0)
                                remark(x->remarks, DIAG_ERROR, spec_item_origin(x->s, lists[i], k).file,
                                       spec_item_origin(x->s, lists[i], k).line, 0, "take the name out",
                                       "%s= names the unit itself", directive_rows[lists[i]].key);
        if (strcmp(spec_str(x->s, D_UNIT_Supervisor), spec_name(x->s)) == 0)
                refuse(x, D_UNIT_Supervisor, "name another supervisor", "Supervisor= names the unit itself");
}

void validate_unit(const struct spec *s, const bool *refused, struct remarks *remarks)
{
        struct examination x = { .s = s, .refused = refused, .remarks = remarks };

        if (spec_kind(s) == KIND_CHANNEL) {
                validate_channel(s, refused, remarks);
                return;
        }
        if (spec_kind(s) == KIND_SERVICE)
                check_service(&x);
        else
                check_supervisor(&x);
        check_self(&x);
        if (spec_significant(s) && spec_restart(s) == RESTART_PERMANENT &&
            SURE(&x, D_SERVICE_Restart, D_SUPERVISOR_Restart))
                refuse(&x, spec_kind(s) == KIND_SERVICE ? D_SERVICE_Significant : D_SUPERVISOR_Significant,
                       "write Restart=transient or temporary",
                       "Significant= goes with children that may end for good, and this one is permanent");
}
