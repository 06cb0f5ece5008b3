/* say.c - the engine's own messages about services: what went wrong, at most some lines a second (FAILURES C12). */
#include <signal.h>

#include "daemon/engine_priv.h"
#include "daemon/say.h"

enum { LINES_PER_SEC = 10 };

/* May another line be written now? The first line after a silence tells how many were left out. What is final has
 * lines of its own: the end of all must not go unsaid because of what crashes in a loop beside it. */
static bool may_say(struct engine *e, bool final)
{
        nsec now = engine_now(e);
        unsigned *said = final ? &e->said_final : &e->said;

        if (now - e->said_since >= NSEC_PER_SEC) {
                if (e->unsaid > 0)
                        log_notice("%u more messages like these were left out; see coppicectl events", e->unsaid);
                e->said_since = now;
                e->said = e->said_final = e->unsaid = 0;
        }
        if (*said >= LINES_PER_SEC && log_get_level() < LOG_LEVEL_INFO) {
                e->unsaid++;
                return false;
        }
        ++*said;
        return true;
}

void say_err(struct engine *e, const struct err *err)
{
        if (may_say(e, false))
                log_err(LOG_LEVEL_WARNING, err);
}

/* One line a second: a service may leave orphans by the thousand. */
void say_orphan(struct engine *e, const struct init_exit *x)
{
        nsec now = engine_now(e);

        if (e->orphan_said && now - e->orphan_said < NSEC_PER_SEC) {
                e->orphans++;
                return;
        }
        log_info("reaped process %d, which a service had left behind: %s %d; %u others since the last such line",
                 (int) x->pid, x->code == CLD_EXITED ? "status" : "signal", (int) x->status, e->orphans);
        e->orphan_said = now;
        e->orphans = 0;
}

/* A supervisor or service is given up, or kept from its next start for who knows how long, whatever those above it make
 * of that. A loop of crashes comes to none of these for each of its rounds. */
static bool is_final(const struct record *r)
{
        return r->rule == RULE_INTENSITY || r->rule == RULE_INTENSITY_CHILD || r->rule == RULE_INTENSITY_GROUP ||
               r->rule == RULE_STUCK || r->rule == RULE_EMERGENCY;
}

/* What a person wants to know without having asked: a decision after an abnormal end, and giving up. */
static bool worth_it(const struct record *r)
{
        switch ((enum rule) r->rule) {
        case RULE_INTENSITY:
        case RULE_INTENSITY_CHILD:
        case RULE_INTENSITY_GROUP:
        case RULE_STUCK:
        case RULE_START_TIMEOUT:
        case RULE_STOP_TIMEOUT:
        case RULE_WATCHDOG:
        case RULE_WATCHDOG_OWN:
        case RULE_SHUTDOWN_KILL:
        case RULE_CONDITION_UNMET:
        case RULE_ASSERT_FAILED:
        case RULE_BAD_SPEC:
        case RULE_EMERGENCY:
                return true;
        case RULE_ENDED:
                /* these were told when they came */
                return reason_abnormal(&r->reason) && r->reason.kind != REASON_SPAWN &&
                       r->reason.kind != REASON_CONDITION;
        default:
                return false;
        }
}

static void say(struct engine *e, const struct record *r, enum log_level level)
{
        autobuf struct buf text = BUF_INIT;

        core_explain(e->core, r, &text);
        log_msg(level, "%s", buf_text(&text));
}

void say_records(struct engine *e, uint64_t first, uint64_t last)
{
        bool all = log_get_level() >= LOG_LEVEL_INFO;

        for (uint64_t seq = first; seq <= last; seq++) {
                const struct record *r = core_record(e->core, seq);

                if (r && worth_it(r) && may_say(e, is_final(r)))
                        say(e, r, LOG_LEVEL_NOTICE);
                else if (r && all && !worth_it(r))
                        say(e, r, LOG_LEVEL_INFO);
        }
}
