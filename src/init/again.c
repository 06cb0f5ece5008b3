/* again.c - an engine has ended: what of it, and the next one. See init.h.
 *
 * The services do not notice. We hold everything as it is: nobody is reaped (zombies are the queue), the store keeps
 * the journal and all descriptors, the socket keeps what was said; then another engine is started, at once the first
 * time, later with growing pauses, for ever: an engine that cannot live is no reason to end what runs. */
#include "init/init.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include "base/log.h"

#define LIVED_MS       10000 /* who lived so long was no failure to start */
#define PAUSE_FIRST_MS 100
#define PAUSE_MAX_MS   10000
#define STRUCK_PER_END 5     /* so many engines that were killed, or lacked something, while they took over count as one
                              * that ended by itself */
#define GIVEN_TRIES    3     /* a program that was given to us and does not come up in so many attempts is given up */
#define LAST_WORDS_TRIES 100 /* to read what an engine said before it ended */

int64_t now_ms(void)
{
        struct timespec t;

        (void) clock_gettime(CLOCK_MONOTONIC, &t);
        return (int64_t) t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static _Noreturn void engine_never_came(struct init *in, int code, int status)
{
        last_goodbye(in, code == CLD_EXITED ? status : 128 + status);
}

static int64_t pause_ms(const struct init *in)
{
        int64_t pause = PAUSE_FIRST_MS;

        if (in->failures <= 1)
                return 0;
        for (uint32_t i = 2; i < in->failures && pause < in->pause_max; i++)
                pause *= 2;
        return pause < in->pause_max ? pause : in->pause_max;
}

static void report(const struct init *in, int code, int status)
{
        const int64_t pause = pause_ms(in);

        if (code == CLD_EXITED)
                log_error("the engine ended with status %d without finishing; the services go on, another one "
                          "takes over in %lld ms (attempt %u)", status, (long long) pause, in->failures);
        else
                log_error("the engine was killed by signal %d (%s); the services go on, another one takes over in "
                          "%lld ms (attempt %u)", status, sigabbrev_np(status) ? sigabbrev_np(status) : "?",
                          (long long) pause, in->failures);
}

void engine_later(struct init *in)
{
        in->retry_at = now_ms() + pause_ms(in);
}

void engine_patience(struct init *in)
{
        const char *text = getenv("COPPICE_ENGINE_PAUSE_MAX_MS"); /* tests kill engines by the hundred */

        in->pause_max = text && atoi(text) > 0 ? atoi(text) : PAUSE_MAX_MS;
}

/* What ends of itself while it takes over may well die of what it takes over. A SIGKILL is somebody's will or the
 * kernel's lack of memory: only many in a row speak against the state. */
static void count_unborn(struct init *in, int code, int status)
{
        const bool says_little = (code == CLD_KILLED && status == SIGKILL) ||
                                 (code == CLD_EXITED && status == INIT_ENGINE_LACKS);

        if (in->up)
                return;
        /* A program that was given to us is given up for that as for any other end: see GIVEN_TRIES. */
        if (code == CLD_EXITED && status == INIT_ENGINE_ABSENT && store_find(&in->store, INIT_STORE_ENGINE) < 0) {
                in->broken = true;
                return;
        }
        if (says_little && ++in->struck < STRUCK_PER_END)
                return;
        in->struck = 0;
        in->unborn++;
}

void engine_died(struct init *in, int code, int status)
{
        const int64_t now = now_ms();

        count_unborn(in, code, status);
        in->former = in->engine;
        in->engine = 0;
        in->up = in->hello_due = false;
        in->draining = true;
        in->store.handed_out = UINT32_MAX;
        in->retry_at = now;
        /* We were told of its end by another way than of what it said before. All of that counts, a goodbye above all:
         * where the kernel lacks memory for a moment it is asked again. */
        for (int tries = 0; in->draining && queue_has_room(in) && tries < LAST_WORDS_TRIES; tries++)
                read_last_words(in);
        if (in->goodbye)
                last_goodbye(in, in->exit_code);
        if (!in->booted)
                engine_never_came(in, code, status);
        if (in->reexec) {
                in->reexec = false;
                in->failures = 0;
                return;
        }
        in->failures = now - in->engine_since >= LIVED_MS ? 1 : in->failures + 1;
        if (in->unborn == GIVEN_TRIES && store_find(&in->store, INIT_STORE_ENGINE) >= 0) {
                log_error("the program of the engine that was asked for does not come up; going back to the old one");
                store_drop(&in->store, INIT_STORE_ENGINE);
                in->unborn = 0;
        }
        engine_later(in);
        report(in, code, status);
}

void engine_again(struct init *in)
{
        int r;

        if (in->engine > 0 || check_runs(in) || now_ms() < in->retry_at)
                return;
        r = start_engine(in);
        if (r == 0)
                return;
        in->failures++;
        engine_later(in);
        log_error("start an engine: %s; trying again", strerror(-r));
}

int engine_wait_ms(const struct init *in)
{
        int64_t left = in->retry_at - now_ms();

        if (in->engine > 0)
                return -1;
        if (in->check > 0)
                return CHECK_LOOK_MS;
        return left <= 0 ? 0 : (int) left;
}
