/* sink.c - bytes read from a stream to where they belong: rate limit, shape, store or console. See logd.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "logd/logd.h"
#include "logd/shape.h"

/* Shaped lines gather in l->lines up to this before they are written. */
enum { LINES_FLUSH = 64 * 1024, MARKER_MAX = 160 };

static const char *stamp_now(struct logd *l)
{
        if (l->stamp_us != l->wall_us) {
                log_stamp(l->wall_us, l->stamp);
                l->stamp_us = l->wall_us;
        }
        return l->stamp;
}

/* --- a directory -------------------------------------------------------------------------------- */

/* Can the store be written to now? Opens what is missing, the log directory itself included. */
static bool ready(struct logd *l, struct store *st)
{
        if (!store_may_try(st, l->wall_us))
                return false;
        if (l->root < 0 && logd_open_root(l) < 0) {
                st->trouble = l->root_error;
                st->retry_us = l->wall_us + STORE_RETRY_US;
                return false;
        }
        st->root = l->root;
        return store_open(st, l->wall_us) == 0;
}

static struct store *store_of(struct logd *l, struct stream *s)
{
        if (s->store)
                return s->store;
        s->store = store_new(l->root, s->path, &s->config);
        if (!s->store)
                return NULL;
        (void) ready(l, s->store);
        if (s->marked)
                store_mark(s->store);
        if (s->config.format == LOG_FORMAT_TIME)
                s->midline = s->store->midline; /* the line a logd before us did not finish goes on */
        if (s->config.format == LOG_FORMAT_JSON && s->store->midline)
                (void) store_write(s->store, "\n", 1, l->wall_us); /* an object it did not finish never will be */
        if (s->store->trouble)
                control_problem(l, s, s->store->trouble, "open");
        return s->store;
}

/* One line of our own among the service's, in the format of the file. */
static size_t marker(struct logd *l, const struct stream *s, char out[MARKER_MAX * 4], const char *text)
{
        const char *gap = s->store && s->store->midline ? "\n" : "";
        struct buf line = BUF_INIT;
        int n;

        if (s->config.format == LOG_FORMAT_JSON) {
                shape_json(&line, stamp_now(l), "coppice-logd", text, strlen(text), false);
                n = snprintf(out, MARKER_MAX * 4, "%s%s", gap, buf_text(&line));
                buf_free(&line);
        } else {
                n = snprintf(out, MARKER_MAX * 4, "%s%.*scoppice-logd: %s\n", gap,
                             s->config.format == LOG_FORMAT_TIME ? LOG_STAMP_LEN : 0, stamp_now(l), text);
        }
        return n < 0 ? 0 : (size_t) n;
}

/* Tell in the log itself what it lost while the disk was in trouble. */
static bool tell_loss(struct logd *l, struct stream *s)
{
        char text[MARKER_MAX], line[MARKER_MAX * 4];
        struct store *st = s->store;
        size_t n;

        if (st->lost == 0)
                return true;
        (void) snprintf(text, sizeof text, "%llu bytes lost: the log could not be written",
                        (unsigned long long) st->lost);
        n = marker(l, s, line, text);
        if (store_write(st, line, n, l->wall_us) < n)
                return false;
        st->lost = 0;
        return true;
}

static void lose(struct stream *s, const char *data, size_t n)
{
        s->store->lost += n;
        s->dropped_bytes += n;
        s->midline = false; /* what comes next gets a stamp of its own */
        ring_add(&s->ring, data, n);
}

static void to_store(struct logd *l, struct stream *s, const char *data, size_t n)
{
        struct store *st = store_of(l, s);
        uint32_t rotations;
        int before;
        size_t done = 0;

        if (!st) {
                s->dropped_bytes += n;
                return;
        }
        before = st->trouble;
        rotations = st->rotations;
        if (ready(l, st) && tell_loss(l, s))
                done = store_write(st, data, n, l->wall_us);
        if (done < n)
                lose(s, data + done, n - done);
        if (st->trouble && st->trouble != before)
                control_problem(l, s, st->trouble, "write");
        if (before && !st->trouble) {
                control_problem(l, s, 0, "write");
                free(s->ring);
                s->ring = NULL;
        }
        if (st->rotations != rotations) {
                s->tidy = true;
                tidy_start(l);
        }
}

/* --- line by line ------------------------------------------------------------------------------- */

static void flush_lines(struct logd *l, struct stream *s)
{
        if (buf_failed(&l->lines))
                s->dropped_bytes += l->lines.len;
        else if (l->lines.len > 0)
                to_store(l, s, l->lines.data, l->lines.len);
        buf_clear(&l->lines);
}

static void to_console(struct logd *l, struct stream *s)
{
        struct console *c = &l->console[s->config.sink == LOG_SINK_STDERR];

        if (buf_failed(&l->lines) || !console_put(c, l->lines.data, l->lines.len, l->now_us)) {
                s->dropped_bytes += l->lines.len;
                s->dropped_lines++;
        }
        buf_clear(&l->lines);
        if (c->waiting.len >= CONSOLE_MAX)
                console_flush(c, l->now_us);
}

/* A whole line, or a piece of one that is too long or has lost its end. */
static void emit(struct logd *l, struct stream *s, const char *line, size_t n, bool partial)
{
        if (s->config.sink != LOG_SINK_DIR) {
                ring_add(&s->ring, line, n);
                ring_add(&s->ring, "\n", 1);
                shape_console(&l->lines, s->path, line, n);
                to_console(l, s);
                return;
        }
        shape_json(&l->lines, stamp_now(l), s->path, line, n, partial);
        if (l->lines.len >= LINES_FLUSH)
                flush_lines(l, s);
}

/* The marker of a rate limit goes where the service's own lines go. */
void sink_tell_drops(struct logd *l, struct stream *s)
{
        char text[MARKER_MAX], line[MARKER_MAX * 4];
        struct rate *r = s->rate;

        if (!r || (r->dropped_lines == 0 && r->dropped_bytes == 0))
                return;
        (void) snprintf(text, sizeof text, "%llu lines (%llu bytes) dropped by LogRateLimit=",
                        (unsigned long long) r->dropped_lines, (unsigned long long) r->dropped_bytes);
        r->dropped_lines = r->dropped_bytes = r->tell_us = 0;
        if (s->config.sink != LOG_SINK_DIR) {
                emit(l, s, text, strlen(text), false);
                return;
        }
        flush_lines(l, s);
        to_store(l, s, line, marker(l, s, line, text));
}

/* Does the line that begins here pass? Decided once for the whole of it, by the length that is known so far. */
static bool admit(struct logd *l, struct stream *s, size_t n)
{
        if (!s->rate && !(s->rate = calloc(1, sizeof *s->rate)))
                return true;
        return rate_admit(s->rate, &s->config, l->now_us, n);
}

/* The next line that passes brings the marker. When none does, an interval later it comes by itself. */
static void arrange_marker(struct logd *l, struct stream *s)
{
        s->rate->tell_us = l->now_us + rate_interval(&s->config);
        if (l->tell_us == 0 || s->rate->tell_us < l->tell_us)
                l->tell_us = s->rate->tell_us;
}

void sink_tell_due(struct logd *l)
{
        if (l->tell_us == 0 || l->now_us < l->tell_us)
                return;
        l->tell_us = 0;
        l->wall_us = logd_wall_us();
        for (size_t i = 0; i < l->count; i++) {
                struct stream *s = l->streams[i];
                struct rate *r = s->rate;

                if (!r || r->tell_us == 0)
                        continue;
                if (r->tell_us <= l->now_us && s->midline && !s->dropping)
                        arrange_marker(l, s); /* not into the middle of a line that passes */
                else if (r->tell_us <= l->now_us)
                        sink_tell_drops(l, s);
                else if (l->tell_us == 0 || r->tell_us < l->tell_us)
                        l->tell_us = r->tell_us;
        }
}

static void drop(struct logd *l, struct stream *s, size_t n, bool ended)
{
        if (s->rate->tell_us == 0)
                arrange_marker(l, s);
        s->dropped_bytes += n;
        s->dropped_lines += ended;
        s->rate->dropped_bytes += n;
        s->rate->dropped_lines += ended;
}

/* JSON and console want whole lines: what has no end yet is held. */
static void feed_held(struct logd *l, struct stream *s, const char *data, size_t n, bool ended)
{
        const size_t text = n - ended;

        if (!ended && s->held.len + n < SHAPE_LINE_MAX) {
                buf_add(&s->held, data, n);
                if (buf_failed(&s->held))
                        buf_free(&s->held);
                return;
        }
        if (s->held.len == 0) {
                emit(l, s, data, text, !ended);
                return;
        }
        buf_add(&s->held, data, text);
        emit(l, s, buf_text(&s->held), s->held.len, !ended);
        buf_free(&s->held);
}

/* One segment: up to and with a newline, or without one at the end of what was read. */
static void feed_segment(struct logd *l, struct stream *s, const char *data, size_t n, bool ended)
{
        const bool begins = !s->midline;

        if (begins && rate_limited(&s->config)) {
                s->dropping = !admit(l, s, n);
                if (!s->dropping)
                        sink_tell_drops(l, s);
        }
        s->midline = !ended;
        if (s->dropping) {
                drop(l, s, n, ended);
                s->dropping = !ended;
                return;
        }
        s->lines += ended;
        if (s->config.sink != LOG_SINK_DIR || s->config.format == LOG_FORMAT_JSON) {
                feed_held(l, s, data, n, ended);
                return;
        }
        if (begins && s->config.format == LOG_FORMAT_TIME)
                buf_add(&l->lines, stamp_now(l), LOG_STAMP_LEN);
        buf_add(&l->lines, data, n);
        if (l->lines.len >= LINES_FLUSH)
                flush_lines(l, s);
}

static void feed_lines(struct logd *l, struct stream *s, const char *data, size_t n)
{
        const bool hold = s->config.sink != LOG_SINK_DIR || s->config.format == LOG_FORMAT_JSON;

        if (s->config.sink == LOG_SINK_DIR)
                (void) store_of(l, s); /* knows whether we begin inside a line */
        while (n > 0) {
                const size_t most = hold && n > SHAPE_LINE_MAX - s->held.len ? SHAPE_LINE_MAX - s->held.len : n;
                const char *nl = memchr(data, '\n', most);
                const size_t len = nl ? (size_t) (nl + 1 - data) : most;

                feed_segment(l, s, data, len, nl != NULL);
                data += len;
                n -= len;
        }
        flush_lines(l, s);
        if (l->lines.cap > 4 * LINES_FLUSH)
                buf_free(&l->lines);
}

/* --- as they come ------------------------------------------------------------------------------- */

static void feed_stamped(struct logd *l, struct stream *s, const char *data, size_t n)
{
        (void) store_of(l, s); /* knows whether we begin inside a line */
        while (n > 0) {
                size_t len;
                const size_t taken = shape_time(&s->midline, stamp_now(l), data, n, l->out, OUT_MAX, &len, &s->lines);

                to_store(l, s, l->out, len);
                data += taken;
                n -= taken;
        }
}

void sink_feed(struct logd *l, struct stream *s, const char *data, size_t n)
{
        if (s->config.sink != LOG_SINK_DIR || s->config.format == LOG_FORMAT_JSON || rate_limited(&s->config))
                feed_lines(l, s, data, n);
        else if (s->config.format == LOG_FORMAT_TIME)
                feed_stamped(l, s, data, n);
        else
                to_store(l, s, data, n);
}

void sink_finish_line(struct logd *l, struct stream *s)
{
        if (s->held.len > 0) {
                emit(l, s, s->held.data, s->held.len, true);
                buf_free(&s->held);
        }
        flush_lines(l, s);
        sink_tell_drops(l, s);
        if (s->config.sink == LOG_SINK_DIR && s->config.format == LOG_FORMAT_TIME && s->store && s->store->midline)
                to_store(l, s, "\n", 1);
        s->midline = false;
        flush_lines(l, s);
}
