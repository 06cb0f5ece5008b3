/* stream.c - one pipe: its place in the table, reading it, draining it. See logd.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "logd/logd.h"

enum { SIDE_TRIES = 1000 };

/* --- the table ---------------------------------------------------------------------------------- */

static size_t place_of(const struct logd *l, uint32_t id)
{
        size_t low = 0, high = l->count;

        if (high > 0 && l->streams[high - 1]->id < id) /* ids mostly come in order */
                return high;
        while (low < high) {
                const size_t middle = (low + high) / 2;

                if (l->streams[middle]->id < id)
                        low = middle + 1;
                else
                        high = middle;
        }
        return low;
}

struct stream *stream_find(const struct logd *l, uint32_t id)
{
        const size_t at = place_of(l, id);

        return at < l->count && l->streams[at]->id == id ? l->streams[at] : NULL;
}

static int insert(struct logd *l, struct stream *s)
{
        const size_t at = place_of(l, s->id);

        if (l->count == l->room) {
                const size_t room = l->room ? l->room * 2 : 16;
                struct stream **grown = reallocarray(l->streams, room, sizeof *grown);

                if (!grown)
                        return -ENOMEM;
                l->streams = grown;
                l->room = room;
        }
        memmove(l->streams + at + 1, l->streams + at, (l->count - at) * sizeof *l->streams);
        l->streams[at] = s;
        l->count++;
        return 0;
}

static void stream_free(struct stream *s)
{
        fd_close(&s->fd);
        store_free(s->store);
        buf_free(&s->held);
        free(s->rate);
        free(s->ring);
        free(s->path);
        free(s);
}

struct stream *stream_add(struct logd *l, uint32_t id, int fd, const struct log_config *config, const char *path,
                          size_t len)
{
        struct stream *s = calloc(1, sizeof *s);
        const int flags = fcntl(fd, F_GETFL), size = fcntl(fd, F_GETPIPE_SZ);

        if (s) {
                s->id = id;
                s->fd = fd;
                s->config = *config;
                s->pipe_size = size > 0 ? (uint32_t) size : PIPE_USUAL;
                s->path = strndup(path, len);
        }
        if (!s || !s->path || insert(l, s) < 0) {
                if (s)
                        stream_free(s);
                else
                        (void) close(fd);
                return NULL;
        }
        (void) fcntl(fd, F_SETFL, flags | O_NONBLOCK);
        logd_watch(l, s);
        return s;
}

int stream_update(struct logd *l, struct stream *s, const struct log_config *config, const char *path, size_t len)
{
        const bool moved = strlen(s->path) != len || memcmp(s->path, path, len) != 0;
        const bool changed = s->config.sink != config->sink || s->config.format != config->format;
        char *copy = NULL;

        stream_drain(l, s); /* what was written under the old words is kept under them */
        if (moved && !(copy = strndup(path, len)))
                return -ENOMEM;
        if (moved || changed) {
                stream_finish_line(l, s);
                store_free(s->store);
                s->store = NULL;
        }
        if (moved) {
                free(s->path);
                s->path = copy;
        }
        s->config = *config;
        return 0;
}

void stream_remove(struct logd *l, struct stream *s)
{
        const size_t at = place_of(l, s->id);

        stream_drain(l, s);
        stream_finish_line(l, s);
        logd_forget(l, s);
        memmove(l->streams + at, l->streams + at + 1, (l->count - at - 1) * sizeof *l->streams);
        l->count--;
        stream_free(s);
}

/* --- reading ------------------------------------------------------------------------------------ */

/* A writer that fills its pipe waits for us: give it room for a whole round of ours. Fails softly where the user's
 * share of pipe memory is used up. */
static void grow(struct stream *s)
{
        const int size = fcntl(s->fd, F_SETPIPE_SZ, PIPE_BIG);

        s->pipe_size = size > 0 ? (uint32_t) size : s->pipe_size | 1; /* odd: asked, and refused */
}

/* Back to the usual size once it is quiet: large pipes count against the user's share of pipe memory, and when that
 * is used up every further pipe of the user gets two pages only. */
void stream_shrink(struct stream *s)
{
        int size;

        if (s->pipe_size <= PIPE_USUAL)
                return;
        size = fcntl(s->fd, F_SETPIPE_SZ, PIPE_USUAL);
        if (size > 0)
                s->pipe_size = (uint32_t) size;
}

static bool open_side(struct logd *l)
{
        if (l->side[0] >= 0)
                return true;
        if (pipe2(l->side, O_CLOEXEC | O_NONBLOCK) < 0)
                return false;
        (void) fcntl(l->side[0], F_SETPIPE_SZ, PIPE_BIG);
        return true;
}

/* They are there, whatever a first read says; left there they would become another stream's. */
static ssize_t take_from_side(struct logd *l, size_t n)
{
        ssize_t done;
        int tries = 0;

        do
                done = read(l->side[0], l->in, n);
        while (done < 0 && ++tries < SIDE_TRIES);
        if (done == (ssize_t) n)
                return done;
        fd_close(&l->side[0]);
        fd_close(&l->side[1]);
        return done;
}

/* read() copies while it holds the pipe's lock, and a writer of small lines feels that (5 % of its speed). Moving the
 * pages into a pipe of our own takes a fiftieth of the time; they are copied from there. */
static ssize_t take(struct logd *l, const struct stream *s, size_t max)
{
        ssize_t n;

        if (max <= IN_SMALL || !open_side(l))
                return read(s->fd, l->in, max);
        n = splice(s->fd, NULL, l->side[1], NULL, max, SPLICE_F_NONBLOCK);
        if (n < 0 && errno == EINVAL)
                return read(s->fd, l->in, max); /* not a pipe */
        return n > 0 ? take_from_side(l, (size_t) n) : n;
}

ssize_t stream_read(struct logd *l, struct stream *s, size_t max)
{
        ssize_t n;

        if (s->config.sink != LOG_SINK_DIR && max > IN_SMALL)
                max = IN_SMALL;
        do
                n = take(l, s, max);
        while (n < 0 && errno == EINTR);
        if (n < 0)
                return 0; /* an error of a read is no end: whoever writes would wait for ever */
        if (n == 0)
                return -1;
        s->data_us = l->now_us;
        s->bytes += (uint64_t) n;
        l->wall_us = logd_wall_us();
        if ((size_t) n >= s->pipe_size / 2 && s->pipe_size < PIPE_BIG && !(s->pipe_size & 1))
                grow(s);
        sink_feed(l, s, l->in, (size_t) n);
        return n;
}

void stream_drain(struct logd *l, struct stream *s)
{
        size_t left = 2 * (size_t) PIPE_BIG;

        while (s->fd >= 0 && left > 0) {
                const ssize_t n = stream_read(l, s, IN_MAX);

                if (n <= 0)
                        return;
                left = left > (size_t) n ? left - (size_t) n : 0;
        }
}

void stream_finish_line(struct logd *l, struct stream *s)
{
        l->wall_us = logd_wall_us();
        sink_finish_line(l, s);
}

void stream_mark(struct logd *l, struct stream *s)
{
        stream_drain(l, s);
        if (s->config.format != LOG_FORMAT_RAW || s->config.sink != LOG_SINK_DIR)
                stream_finish_line(l, s);
        else
                sink_tell_drops(l, s);
        s->marked = true;
        s->dropping = false;
        if (s->store)
                store_mark(s->store);
        free(s->ring);
        s->ring = NULL;
}

bool stream_blocked(const struct logd *l, const struct stream *s)
{
        if (s->config.sink == LOG_SINK_DIR)
                return false;
        return console_state(&l->console[s->config.sink == LOG_SINK_STDERR], l->now_us) == CONSOLE_FULL;
}
