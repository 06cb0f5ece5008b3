/* loop.c - who is read when.
 *
 * A stream that says little waits in epoll and is read when epoll tells. One that says something again at once is
 * taken out of epoll and read by turns: each write to a pipe somebody polls wakes the poller, and that alone would
 * cost a chatty service (100 bytes a write) a third of its speed. Between two rounds we sleep for as long as the
 * fullest pipe takes to become a quarter full, never longer than SLEEP_MAX, and not at all while somebody is behind.
 * A stream quiet for QUIET goes back to epoll; when all have, nothing is left that could wake us for nothing. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "logd/logd.h"

enum {
        QUIET_US = 20000,
        AGAIN_US = 2000,      /* two reads within this make a stream busy */
        SLEEP_MIN_US = 50,
        SLEEP_MAX_US = 1000,
        OWES_US = 10000,      /* how often what the engine waits for is tried to be said */
        BLOCKED_US = 10000,   /* how often a stalled console's patience is looked at */
        FILL_GOAL = 256,      /* of 1024 */
        QUIT_PATIENCE_US = 1000000,
};

static uint64_t clock_us(clockid_t which)
{
        struct timespec t;

        (void) clock_gettime(which, &t);
        return (uint64_t) t.tv_sec * 1000000 + (uint64_t) t.tv_nsec / 1000;
}

uint64_t logd_mono_us(void)
{
        return clock_us(CLOCK_MONOTONIC);
}

uint64_t logd_wall_us(void)
{
        return clock_us(CLOCK_REALTIME);
}

/* --- busy or watched ---------------------------------------------------------------------------- */

void logd_watch(struct logd *l, struct stream *s)
{
        struct epoll_event ev = { .events = EPOLLIN, .data.u64 = s->id };

        if (epoll_ctl(l->epoll, EPOLL_CTL_ADD, s->fd, &ev) == 0)
                return;
        if (errno != EEXIST) /* nobody would tell us: look at it by turns, and try again when it is quiet */
                logd_wake(l, s);
}

void logd_wake(struct logd *l, struct stream *s)
{
        if (s->busy)
                return;
        (void) epoll_ctl(l->epoll, EPOLL_CTL_DEL, s->fd, NULL);
        s->busy = true;
        s->next_busy = l->busy;
        l->busy = s;
}

/* Give back the memory a flood took; what an idle logd keeps are the pages that small reads use. */
static void calm(struct logd *l)
{
        (void) madvise(l->in + IN_SMALL, IN_MAX - IN_SMALL, MADV_DONTNEED);
        (void) madvise(l->out + IN_SMALL, OUT_MAX - IN_SMALL, MADV_DONTNEED);
        buf_free(&l->lines);
        fd_close(&l->side[0]);
        fd_close(&l->side[1]);
}

static void unbusy(struct logd *l, struct stream *s)
{
        struct stream **at = &l->busy;

        while (*at && *at != s)
                at = &(*at)->next_busy;
        if (*at)
                *at = s->next_busy;
        s->busy = false;
        if (!l->busy)
                calm(l);
}

void logd_forget(struct logd *l, struct stream *s)
{
        if (s->busy)
                unbusy(l, s);
        else if (s->fd >= 0)
                (void) epoll_ctl(l->epoll, EPOLL_CTL_DEL, s->fd, NULL);
}

/* No writer is left. The engine keeps one, so this is a stream it is about to remove. */
static void ended(struct logd *l, struct stream *s)
{
        stream_finish_line(l, s);
        logd_forget(l, s);
        fd_close(&s->fd);
}

/* --- reading ------------------------------------------------------------------------------------ */

static void on_readable(struct logd *l, uint32_t id)
{
        struct stream *s = stream_find(l, id);
        uint64_t before;
        ssize_t n;

        if (!s || s->fd < 0 || s->busy)
                return;
        before = s->data_us;
        if (stream_blocked(l, s)) {
                logd_wake(l, s);
                return;
        }
        n = stream_read(l, s, IN_SMALL);
        if (n < 0)
                ended(l, s);
        else if (n == IN_SMALL || (before && l->now_us - before < AGAIN_US))
                logd_wake(l, s);
}

static void read_busy(struct logd *l, struct stream *s)
{
        uint32_t fill;
        ssize_t n;

        if (stream_blocked(l, s))
                return;
        n = stream_read(l, s, IN_MAX);
        if (n < 0) {
                ended(l, s);
                return;
        }
        if (n == 0 && l->now_us - s->data_us > QUIET_US) {
                unbusy(l, s);
                stream_shrink(s);
                logd_watch(l, s);
                return;
        }
        fill = (uint32_t) ((uint64_t) n * 1024 / s->pipe_size);
        if (fill > l->fill)
                l->fill = fill;
        if (n >= (s->config.sink == LOG_SINK_DIR ? IN_MAX : IN_SMALL))
                l->backlog = true;
}

static void read_round(struct logd *l)
{
        struct stream *s, *next;

        l->fill = 0;
        l->backlog = false;
        for (s = l->busy; s; s = next) {
                next = s->next_busy;
                read_busy(l, s);
        }
}

/* --- the console -------------------------------------------------------------------------------- */

static void serve_console(struct logd *l, int i)
{
        struct console *c = &l->console[i];
        struct epoll_event ev = { .events = EPOLLOUT, .data.u64 = TAG_CONSOLE + (uint64_t) i };
        bool want;

        if (c->waiting.len > 0)
                console_flush(c, l->now_us);
        want = c->waiting.len > 0;
        if (want == l->console_watched[i])
                return;
        if (epoll_ctl(l->epoll, want ? EPOLL_CTL_ADD : EPOLL_CTL_DEL, c->fd, &ev) == 0)
                l->console_watched[i] = want;
        if (!want)
                buf_free(&c->waiting);
}

/* --- the loop ----------------------------------------------------------------------------------- */

/* Microseconds until the next round; -1 = until something happens. */
static int64_t pause_of_round(const struct logd *l, uint64_t since_us)
{
        uint64_t wait;

        if (!l->busy)
                return l->owes ? OWES_US : -1;
        if (l->backlog)
                return 0;
        if (console_state(&l->console[0], l->now_us) == CONSOLE_FULL ||
            console_state(&l->console[1], l->now_us) == CONSOLE_FULL)
                return BLOCKED_US;
        if (l->fill == 0)
                return SLEEP_MAX_US;
        wait = since_us * FILL_GOAL / l->fill;
        return wait < SLEEP_MIN_US ? SLEEP_MIN_US : wait > SLEEP_MAX_US ? SLEEP_MAX_US : (int64_t) wait;
}

static int64_t pause_us(const struct logd *l, uint64_t since_us)
{
        const int64_t pause = pause_of_round(l, since_us);
        int64_t marker;

        if (l->tell_us == 0)
                return pause;
        marker = l->tell_us > l->now_us ? (int64_t) (l->tell_us - l->now_us) : 0;
        return pause < 0 || marker < pause ? marker : pause;
}

static int wait_events(struct logd *l, struct epoll_event *ev, int max, int64_t us)
{
        struct timespec t = { .tv_sec = us / 1000000, .tv_nsec = us % 1000000 * 1000 };
        int n = epoll_pwait2(l->epoll, ev, max, us < 0 ? NULL : &t, NULL);

        if (n < 0 && (errno == ENOSYS || errno == EPERM))
                n = epoll_wait(l->epoll, ev, max, us < 0 ? -1 : (int) ((us + 999) / 1000));
        return n;
}

static void dispatch(struct logd *l, uint64_t tag)
{
        if (tag == TAG_CONTROL)
                control_receive(l);
        else if (tag == TAG_TIDY)
                tidy_ended(l);
        else if (tag < TAG_TIDY)
                on_readable(l, (uint32_t) tag);
}

static void turn(struct logd *l)
{
        struct epoll_event ev[64];
        const uint64_t round = l->round_us;
        int n;

        n = wait_events(l, ev, 64, pause_us(l, l->now_us - round));
        l->round_us = l->now_us;
        l->now_us = logd_mono_us();
        for (int i = 0; i < n; i++)
                dispatch(l, ev[i].data.u64);
        read_round(l);
        sink_tell_due(l);
        control_pay(l);
        for (int i = 0; i < 2; i++)
                serve_console(l, i);
}

/* What the console has not taken yet gets a second of its attention. */
static void flush_consoles(struct logd *l)
{
        const uint64_t until = logd_mono_us() + QUIT_PATIENCE_US;
        struct epoll_event ev[4];

        do {
                l->now_us = logd_mono_us();
                for (int i = 0; i < 2; i++)
                        serve_console(l, i);
                if (!l->console_watched[0] && !l->console_watched[1])
                        return;
                (void) wait_events(l, ev, 4, 1000);
        } while (l->now_us < until);
}

int logd_loop(struct logd *l)
{
        while (!l->quitting)
                turn(l);
        while (l->count > 0)
                stream_remove(l, l->streams[l->count - 1]);
        flush_consoles(l);
        if (l->tidy_pid > 0) { /* it loses nothing: the next rotation starts another */
                (void) kill(l->tidy_pid, SIGKILL);
                (void) waitpid(l->tidy_pid, NULL, 0);
        }
        control_send(l, LOGMSG_FLUSHED, 0, 0);
        return 0;
}
