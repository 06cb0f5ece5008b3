/* library.c - the examples of the manual pages of libcoppice (library.awk puts them in; a test compiles them). */
#include <coppice.h>
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* page: coppice_send */
/* Tell everybody below /shop that prices have changed, and oneself to look again in a minute. */
int prices_changed(struct coppice *c)
{
        struct coppice_message *m;
        int r = coppice_message_new(&m, NULL);

        if (r == 0)
                r = coppice_message_set(m, "TOPIC", "prices");
        if (r == 0)
                r = coppice_broadcast(c, "/shop", m);
        if (r >= 0)
                r = coppice_schedule(c, m, 60 * 1000000, NULL);
        coppice_message_free(m);
        return r;
}
/* page: coppice_ask */
/* How many are in stock? */
int in_stock(struct coppice *c, const char *article)
{
        struct coppice_message *question, *answer;
        int r = coppice_message_new(&question, "stock");

        if (r < 0)
                return r;
        r = coppice_message_set_body(question, article, strlen(article));
        if (r == 0)
                r = coppice_ask(c, question, 500000, &answer);
        if (r == 0) {
                r = atoi(coppice_message_body(answer, NULL));
                coppice_message_free(answer);
        }
        coppice_message_free(question);
        return r;
}
/* page: coppice_receive */
/* In an event loop: called when coppice_fd() is readable. */
int on_mail(struct coppice *c, void (*handle)(struct coppice_message *m))
{
        struct coppice_message *m;
        int r;

        while ((r = coppice_receive(c, 0, &m)) == 0) {
                handle(m);
                m = coppice_message_free(m);
        }
        return r == -EAGAIN ? 0 : r;
}
/* page: coppice_link */
/* Go on without the cache when it ends, instead of ending with it. */
int watch_cache(struct coppice *c, char ref[COPPICE_REF_SIZE])
{
        int r = coppice_monitor(c, "cache", ref);

        return r == -ENOENT ? 0 : r;
}
/* page: coppice_spawn */
/* Run a program to its end, at most a minute, in 64 MiB. */
int sort_list(struct coppice *c, char reason[COPPICE_PATH_SIZE])
{
        static const char *const argv[] = { "sort", "-u", "/var/spool/list", NULL };
        static const char *const properties[] = { "MemoryMax=64M", "RuntimeMaxSec=60", NULL };
        struct coppice_child child = { .argv = argv, .properties = properties };
        char ref[COPPICE_REF_SIZE];
        int r = coppice_spawn_monitor(c, &child, NULL, ref);

        return r < 0 ? r : coppice_await(c, ref, COPPICE_FOREVER, reason);
}
/* page: coppice_channel */
/* Work on what is in a channel with Acknowledge=yes until it is closed. */
int work(struct coppice *c, bool (*done)(const struct coppice_message *m))
{
        struct coppice_message *m;
        int r;

        while ((r = coppice_channel_receive(c, "jobs", COPPICE_FOREVER, &m)) == 0) {
                if (done(m))
                        (void) coppice_channel_ack(c, m);
                m = coppice_message_free(m);
        }
        return r == -EPIPE ? 0 : r;
}
/* page: coppice_control */
/* Restart a service and say how it went. */
int restart(const char *node)
{
        const char *const params[] = { "nodes[]", node, NULL };
        struct coppice_control *k;
        const char *text;
        int r = coppice_control_open(&k, NULL);

        if (r < 0)
                return r;
        r = coppice_control_call(k, "Restart", params);
        if (r == 0 && coppice_control_text(k, "outcomes.0.text", &text) == 0)
                printf("%s: %s\n", node, text);
        coppice_control_close(k);
        return r;
}
/* page: coppice_notify */
/* The main loop of a daemon of Type=notify with WatchdogSec=. */
int serve(bool (*turn)(int64_t usec))
{
        uint64_t usec = 0;
        bool watched = coppice_watchdog_enabled(0, &usec) > 0;

        coppice_notify(0, "READY=1\nSTATUS=serving");
        while (turn(watched ? (int64_t) usec / 2 : COPPICE_FOREVER))
                if (watched)
                        coppice_notify(0, "WATCHDOG=1");
        return coppice_notify(0, "STOPPING=1");
}
