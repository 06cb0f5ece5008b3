/* check.c - is it the program? Asked before what the last engine saved is given up. See init.h.
 *
 * Engines that end while they take over die of the state, or of themselves: a bad program after an upgrade, a library
 * that does not fit. So the program is run alone, with nothing to take over, once before the last engine that is given
 * the state and once before the first that is not. Where it does not work even so, the state has nothing to do with it:
 * everything is kept, and it is tried alone until it works, for ever; then counting begins anew. Both times, so that a
 * program which is replaced once meanwhile is not taken for one that has been there all the time.
 *
 * It is a child like an engine, and is never waited for but in poll(): while there is one there is no engine. */
#include "init/init.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include "base/log.h"

#define CHECK_MAX_MS  30000
#define COMPLAINT_MS  (3600 * 1000LL) /* how often one that does not work is spoken of */

bool check_due(const struct init *in)
{
        return in->broken || (in->unborn + 1 >= INIT_UNBORN_MAX && !in->checked);
}

/* Whose words are worth hearing. */
bool check_speaks(const struct init *in)
{
        return now_ms() >= in->complain_at;
}

static void works(struct init *in)
{
        in->checked = true;
        in->retry_at = now_ms();
        if (!in->broken)
                return;
        log_notice("the program of the engine works again; it goes on with all that was saved");
        in->broken = false;
        in->complain_at = 0;
        in->failures = in->unborn = in->struck = 0;
}

static bool too_long(const struct init *in)
{
        return now_ms() - in->engine_since >= CHECK_MAX_MS;
}

static void complain(struct init *in, const siginfo_t *end)
{
        const char *name = end->si_code == CLD_EXITED ? NULL : sigabbrev_np(end->si_status);

        log_error("the program of the engine does not work, even with nothing to take over: %s %d%s%s%s%s; services, "
                  "their ends and what is known of them are kept; put one in place that works: it is tried again, at "
                  "most %d s later", end->si_code == CLD_EXITED ? "status" : "signal", end->si_status, name ? " (" : "",
                  name ? name : "", name ? ")" : "", too_long(in) ? ", it did not end by itself" : "",
                  in->pause_max > 2000 ? in->pause_max / 1000 : 1);
        in->complain_at = now_ms() + COMPLAINT_MS;
}

/* It lacked something, or somebody killed it: that says nothing of it. */
static bool says_nothing(const struct init *in, const siginfo_t *end)
{
        return (end->si_code == CLD_EXITED && end->si_status == INIT_ENGINE_LACKS) ||
               (end->si_code == CLD_KILLED && end->si_status == SIGKILL && !too_long(in));
}

static void over(struct init *in, const siginfo_t *end)
{
        in->check = 0;
        if (end->si_code == CLD_EXITED && end->si_status == INIT_ENGINE_SOUND) {
                works(in);
                return;
        }
        if (!says_nothing(in, end)) {
                if (check_speaks(in))
                        complain(in, end);
                in->broken = true;
        }
        in->failures++;
        engine_later(in);
}

bool check_runs(struct init *in)
{
        siginfo_t end = { .si_pid = 0 };

        if (in->check == 0)
                return false;
        if (waitid(P_PID, (id_t) in->check, &end, WEXITED | WNOHANG) < 0)
                in->check = 0; /* that number is nobody's any more */
        else if (end.si_pid == in->check)
                over(in, &end);
        else if (too_long(in))
                (void) kill(in->check, SIGKILL);
        return in->check > 0;
}
