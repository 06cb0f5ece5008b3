/* restart.c - see restart.h. */
#include "core/restart.h"

#include <ctype.h>
#include <stdlib.h>

#include "core/resolve.h"

enum { SIG_HUP = 1, SIG_INT = 2, SIG_PIPE = 13, SIG_TERM = 15 };

static bool exit_set_has(const struct spec *s, enum directive d, const struct reason *r)
{
        if (spec_kind(s) != KIND_SERVICE || !spec_has(s, d))
                return false;
        for (size_t i = 0; i < spec_count(s, d); i++) {
                const char *item = spec_item(s, d, i);
                bool number = isdigit((unsigned char) item[0]);

                if (number && r->kind == REASON_EXIT && atoi(item) == r->code)
                        return true;
                if (number && r->kind == REASON_NORMAL && atoi(item) == 0)
                        return true;
                if (!number && r->kind == REASON_SIGNAL && signal_number(item) == r->code)
                        return true;
        }
        return false;
}

bool end_is_clean(const struct spec *s, const struct reason *r)
{
        if (!reason_abnormal(r))
                return true;
        if (r->kind == REASON_SIGNAL && spec_int(s, D_SERVICE_Type) != TYPE_ONESHOT &&
            (r->code == SIG_HUP || r->code == SIG_INT || r->code == SIG_TERM || r->code == SIG_PIPE))
                return true;
        return exit_set_has(s, D_SERVICE_SuccessExitStatus, r);
}

/* What systemd calls a clean end, an exit code, a signal, a timeout, the watchdog; the rows of its table. */
enum end_class { END_CLEAN, END_CODE, END_SIGNAL, END_TIMEOUT, END_WATCHDOG, END_OTHER };

static enum end_class classify(const struct reason *r)
{
        switch (r->kind) {
        case REASON_NONE: case REASON_NORMAL: case REASON_SHUTDOWN:
                return END_CLEAN;
        case REASON_EXIT: case REASON_SPAWN: case REASON_PROTOCOL:
                return END_CODE;
        case REASON_SIGNAL: case REASON_SECCOMP: case REASON_KILLED:
                return END_SIGNAL;
        case REASON_TIMEOUT: case REASON_START_TIMEOUT: case REASON_STOP_TIMEOUT:
                return END_TIMEOUT;
        case REASON_WATCHDOG: case REASON_HEALTH:
                return END_WATCHDOG;
        default:
                return END_OTHER; /* out of memory, a lost process, a limit: treated as systemd treats OOM */
        }
}

#define BIT(x) (1U << (x))

static const unsigned comes_back[] = {
        [RESTART_PERMANENT] = ~0U,
        [RESTART_TRANSIENT] = ~BIT(END_CLEAN),
        [RESTART_TEMPORARY] = 0,
        [RESTART_ON_SUCCESS] = BIT(END_CLEAN),
        [RESTART_ON_ABNORMAL] = BIT(END_SIGNAL) | BIT(END_TIMEOUT) | BIT(END_WATCHDOG) | BIT(END_OTHER),
        [RESTART_ON_ABORT] = BIT(END_SIGNAL),
        [RESTART_ON_WATCHDOG] = BIT(END_WATCHDOG),
};

enum verdict_of_restart restart_decide(const struct spec *s, const struct reason *reason, const struct reason *raw)
{
        if (exit_set_has(s, D_SERVICE_RestartPreventExitStatus, raw))
                return STAYS_DOWN_PREVENTED;
        if (comes_back[spec_restart(s)] & BIT(classify(reason)))
                return COMES_BACK;
        if (exit_set_has(s, D_SERVICE_RestartForceExitStatus, raw))
                return COMES_BACK_FORCED;
        return STAYS_DOWN;
}

/* a * b / c without overflow for any sensible delay; saturates. */
static nsec scale(nsec a, int64_t b, int64_t c)
{
        __int128 wide = (__int128) a * b / c;

        return wide > NSEC_NEVER ? NSEC_NEVER : (nsec) wide;
}

nsec restart_delay(const struct spec *s, unsigned n)
{
        nsec delay = spec_restart_sec(s), max = spec_restart_max_delay(s);
        int64_t factor = spec_restart_factor(s);

        for (unsigned i = 0; i < n && delay < max && factor > 1000; i++)
                delay = scale(delay, factor, 1000);
        return delay < max ? delay : max;
}

nsec restart_jitter(const struct spec *s, nsec delay, uint64_t random)
{
        nsec spread = scale(delay, spec_restart_jitter(s), 10000);
        uint64_t range;

        if (spread <= 0 || delay == NSEC_NEVER)
                return delay;
        range = (uint64_t) spread * 2 + 1;
        return delay - spread + (nsec) (random % range);
}
