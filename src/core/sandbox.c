/* sandbox.c - see sandbox.h. Pure. */
#include "core/sandbox.h"

#include "core/mounts.h"

static bool says(const struct spec *s, enum directive d)
{
        return directive_is_list(d) ? spec_count(s, d) > 0 : spec_has(s, d) && spec_int(s, d) > 0;
}

static unsigned needs_of(const struct spec *s, bool outside)
{
        /* What a number nobody has for long leaves in shared memory would be that of whoever gets it next. */
        bool ipc = spec_int(s, D_SERVICE_PrivateIPC) || spec_int(s, D_SERVICE_DynamicUser);
        bool proc = spec_int(s, D_SERVICE_ProtectProc) != PROTECT_PROC_DEFAULT ||
                    spec_int(s, D_SERVICE_ProcSubset) != PROC_SUBSET_ALL;
        bool pids = spec_int(s, D_SERVICE_PrivatePIDs) && !outside;

        return (mounts_wanted(s) || pids || ipc || proc ? SANDBOX_MOUNTS : 0U) |
               (spec_int(s, D_SERVICE_PrivateNetwork) ? SANDBOX_NET : 0U) | (ipc ? SANDBOX_IPC : 0U) |
               (pids ? SANDBOX_PIDS : 0U) | (spec_int(s, D_SERVICE_PrivateUsers) ? SANDBOX_USERS : 0U) |
               (pids || proc ? SANDBOX_PROC : 0U) |
               (spec_count(s, D_SERVICE_LandlockRead) || spec_count(s, D_SERVICE_LandlockWrite) ||
                spec_count(s, D_SERVICE_LandlockExecute) ? SANDBOX_LANDLOCK : 0U) |
               (spec_count(s, D_SERVICE_LandlockBindTCP) || spec_count(s, D_SERVICE_LandlockConnectTCP)
                ? SANDBOX_LANDLOCK_TCP : 0U);
}

/* Asked again and again at every start, and most units have nothing of it. */
unsigned sandbox_needs(const struct spec *s, bool outside)
{
        return spec_has_any(s, SANDBOX_FIRST, SANDBOX_LAST) ? needs_of(s, outside) : 0;
}

struct sandbox_choice sandbox_choose(const struct spec *s, bool outside, unsigned can, unsigned can_by_user,
                                     bool change_user)
{
        unsigned needs = sandbox_needs(s, outside);
        unsigned by_user = needs & can_by_user;

        /* The kernel lets a user namespace have a /proc only together with its own process namespace. */
        if (!(by_user & SANDBOX_PIDS))
                by_user &= ~(unsigned) SANDBOX_PROC;
        if (!(needs & ~can) || change_user || (by_user & ~can) == 0)
                return (struct sandbox_choice) { .parts = needs & can, .missing = needs & ~can };
        return (struct sandbox_choice) { .parts = by_user, .missing = needs & ~by_user, .by_user = true };
}

enum directive sandbox_asked_by(const struct spec *s, enum sandbox_part part)
{
        static const enum directive mounts[] = {
                D_SERVICE_ProtectSystem, D_SERVICE_ProtectHome, D_SERVICE_PrivateTmp, D_SERVICE_PrivateDevices,
                D_SERVICE_ReadOnlyPaths, D_SERVICE_InaccessiblePaths, D_SERVICE_BindPaths, D_SERVICE_BindReadOnlyPaths,
                D_SERVICE_TemporaryFileSystem, D_SERVICE_NoExecPaths, D_SERVICE_ReadWritePaths, D_SERVICE_ExecPaths,
                D_SERVICE_ProtectKernelTunables, D_SERVICE_ProtectKernelModules, D_SERVICE_ProtectKernelLogs,
                D_SERVICE_ProtectControlGroups, D_SERVICE_ProtectProc, D_SERVICE_ProcSubset, D_SERVICE_PrivateIPC,
                D_SERVICE_PrivatePIDs, D_SERVICE_LoadCredential, D_SERVICE_SetCredential, D_SERVICE_DynamicUser,
                D_SERVICE_MountFlags,
        };

        switch (part) {
        case SANDBOX_NET: return D_SERVICE_PrivateNetwork;
        case SANDBOX_IPC: return says(s, D_SERVICE_PrivateIPC) ? D_SERVICE_PrivateIPC : D_SERVICE_DynamicUser;
        case SANDBOX_PIDS: return D_SERVICE_PrivatePIDs;
        case SANDBOX_USERS: return D_SERVICE_PrivateUsers;
        case SANDBOX_PROC:
                return says(s, D_SERVICE_ProtectProc) ? D_SERVICE_ProtectProc
                       : says(s, D_SERVICE_ProcSubset) ? D_SERVICE_ProcSubset : D_SERVICE_PrivatePIDs;
        case SANDBOX_LANDLOCK:
                return says(s, D_SERVICE_LandlockWrite) ? D_SERVICE_LandlockWrite
                       : says(s, D_SERVICE_LandlockRead) ? D_SERVICE_LandlockRead : D_SERVICE_LandlockExecute;
        case SANDBOX_LANDLOCK_TCP:
                return says(s, D_SERVICE_LandlockBindTCP) ? D_SERVICE_LandlockBindTCP : D_SERVICE_LandlockConnectTCP;
        case SANDBOX_MOUNTS: break;
        }
        for (size_t i = 0; i < sizeof(mounts) / sizeof(mounts[0]); i++)
                if (says(s, mounts[i]))
                        return mounts[i];
        return D_SERVICE_PrivateMounts;
}

const char *sandbox_part_name(enum sandbox_part part)
{
        switch (part) {
        case SANDBOX_MOUNTS: return "a mount namespace";
        case SANDBOX_NET: return "a network namespace";
        case SANDBOX_IPC: return "an IPC namespace";
        case SANDBOX_PIDS: return "a process namespace";
        case SANDBOX_USERS: return "a user namespace";
        case SANDBOX_PROC: return "a /proc of its own";
        case SANDBOX_LANDLOCK: return "Landlock for files";
        case SANDBOX_LANDLOCK_TCP: return "Landlock for TCP ports";
        }
        return "?";
}
