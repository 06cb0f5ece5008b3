/* resolve.c - see resolve.h. */
#include "core/resolve.h"

static bool is_service(const struct spec *s)
{
        return spec_kind(s) == KIND_SERVICE;
}

/* The value of whichever of the two directives this kind of unit has. */
static int64_t of_kind(const struct spec *s, enum directive service, enum directive supervisor)
{
        return spec_int(s, is_service(s) ? service : supervisor);
}

enum restart spec_restart(const struct spec *s)
{
        if (!is_service(s))
                return (enum restart) spec_int(s, D_SUPERVISOR_Restart);
        if (spec_has(s, D_SERVICE_Restart))
                return (enum restart) spec_int(s, D_SERVICE_Restart);
        if (spec_foreign(s) || spec_int(s, D_SERVICE_Type) == TYPE_ONESHOT)
                return RESTART_TEMPORARY;
        return RESTART_PERMANENT;
}

bool spec_significant(const struct spec *s)
{
        return of_kind(s, D_SERVICE_Significant, D_SUPERVISOR_Significant) != 0;
}

nsec spec_restart_sec(const struct spec *s)
{
        return of_kind(s, D_SERVICE_RestartSec, D_SUPERVISOR_RestartSec);
}

nsec spec_restart_max_delay(const struct spec *s)
{
        nsec max = of_kind(s, D_SERVICE_RestartMaxDelaySec, D_SUPERVISOR_RestartMaxDelaySec);
        nsec first = spec_restart_sec(s);

        return max < first ? first : max;
}

int64_t spec_restart_factor(const struct spec *s)
{
        return of_kind(s, D_SERVICE_RestartFactor, D_SUPERVISOR_RestartFactor);
}

int64_t spec_restart_jitter(const struct spec *s)
{
        return of_kind(s, D_SERVICE_RestartJitter, D_SUPERVISOR_RestartJitter);
}

nsec spec_restart_reset(const struct spec *s)
{
        return of_kind(s, D_SERVICE_RestartResetSec, D_SUPERVISOR_RestartResetSec);
}

nsec spec_timeout_start(const struct spec *s)
{
        if (!is_service(s))
                return NSEC_NEVER;
        if (!spec_has(s, D_SERVICE_TimeoutStartSec) && spec_int(s, D_SERVICE_Type) == TYPE_ONESHOT)
                return NSEC_NEVER;
        return spec_int(s, D_SERVICE_TimeoutStartSec);
}

nsec spec_timeout_stop(const struct spec *s)
{
        return is_service(s) ? spec_int(s, D_SERVICE_TimeoutStopSec) : NSEC_NEVER;
}

enum notify_access spec_notify_access(const struct spec *s)
{
        if (spec_has(s, D_SERVICE_NotifyAccess))
                return (enum notify_access) spec_int(s, D_SERVICE_NotifyAccess);
        if (spec_int(s, D_SERVICE_Type) == TYPE_NOTIFY || spec_int(s, D_SERVICE_WatchdogSec) > 0)
                return NOTIFY_MAIN;
        return NOTIFY_NONE;
}

enum isolation spec_isolation(const struct spec *s, enum isolation daemon)
{
        return spec_has(s, D_SERVICE_Isolation) ? (enum isolation) spec_int(s, D_SERVICE_Isolation) : daemon;
}

enum start_mode spec_start_mode(const struct spec *s)
{
        if (spec_has(s, D_SUPERVISOR_StartMode))
                return (enum start_mode) spec_int(s, D_SUPERVISOR_StartMode);
        return spec_int(s, D_SUPERVISOR_Strategy) == ONE_FOR_ONE ? START_PARALLEL : START_SEQUENTIAL;
}

static bool dynamic(const struct spec *s)
{
        return spec_int(s, D_SERVICE_DynamicUser) > 0;
}

enum private_tmp spec_private_tmp(const struct spec *s)
{
        enum private_tmp said = (enum private_tmp) spec_int(s, D_SERVICE_PrivateTmp);

        return said == PRIVATE_TMP_NO && dynamic(s) ? PRIVATE_TMP_YES : said;
}

enum protect_system spec_protect_system(const struct spec *s)
{
        return dynamic(s) ? PROTECT_SYSTEM_STRICT : (enum protect_system) spec_int(s, D_SERVICE_ProtectSystem);
}

enum protect_home spec_protect_home(const struct spec *s)
{
        enum protect_home said = (enum protect_home) spec_int(s, D_SERVICE_ProtectHome);

        return said == PROTECT_HOME_NO && dynamic(s) ? PROTECT_HOME_READ_ONLY : said;
}

uint32_t spec_max_children(const struct spec *s)
{
        int64_t said = spec_int(s, D_SUPERVISOR_MaxChildren);

        if (said != SPEC_UNSET)
                return (uint32_t) said;
        return spec_count(s, D_SUPERVISOR_AllowSpawn) ? 100 : UINT32_MAX;
}
