/* fuzz_control.c - any bytes on the control socket (FAILURES G4, G5, G7, G12), against the real server and core with a
 * pretend world behind them.
 *
 * The first byte: bit 0, the client may change things; bit 1, it reads its answers; bit 2, it is a process of a service. Of the rest, 0xff and the byte
 * behind it are not sent but done: 0 the client goes, 1 a turn of the engine, 2 another client comes, 3 it closes its
 * sending side.
 *
 * Promises: no crash; answers are JSON, each closed by a NUL, with parameters or an error; without the right to change
 * things no state changes; a client that does not read costs no more than its limit; nobody who has gone is answered. */
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "proto/jtok.h"
#include "tests/fuzz/pretend_engine.h"
#include "tests/fuzz/must.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct client {
        int fd;                  /* -1 = gone */
        bool reads;
        struct frame_reader in;
};

static void check_answer(struct client *c, char *text, size_t len)
{
        struct jdoc d = { 0 };

        (void) c;
        MUST(jtok_parse(&d, text, len) == 0);
        MUST(jtok_kind(&d, jtok_get(&d, 0, "parameters")) == JTOK_OBJECT);
        jtok_free(&d);
}

static void read_answers(struct client *c)
{
        char *at, *text;
        size_t len;
        ssize_t n = 1;

        while (c->reads && c->fd >= 0 && n > 0) {
                at = frame_room(&c->in, 65536);
                MUST(at);
                n = recv(c->fd, at, 65536, MSG_DONTWAIT);
                if (n > 0)
                        frame_added(&c->in, (size_t) n);
                while (frame_next(&c->in, &text, &len) == 1)
                        check_answer(c, text, len);
        }
}

static void turn(struct engine *e, struct client *c)
{
        pretend_turn(e);
        read_answers(c);
        for (const struct conn *k = pretend_control(e)->conns; k; k = k->next)
                MUST(conn_unread(k) <= OUT_MAX + 65536);
}

static void come(struct engine *e, struct client *c, uint8_t flags)
{
        c->fd = pretend_connect(e, flags & 1, flags & 4);
        c->reads = flags & 2;
        c->in = frame_reader_make(0);
}

static void go(struct client *c)
{
        frame_reader_free(&c->in);
        fd_close(&c->fd);
}

static void act(struct engine *e, struct client *c, uint8_t what, uint8_t flags)
{
        switch (what % 4) {
        case 0: go(c); break;
        case 1: turn(e, c); break;
        case 2:
                go(c);
                come(e, c, flags);
                break;
        default:
                if (c->fd >= 0)
                        (void) shutdown(c->fd, SHUT_WR);
                break;
        }
}

static void play(struct engine *e, struct client *c, const uint8_t *data, size_t size, uint8_t flags)
{
        const uint8_t *end = data + size, *mark;
        unsigned acts = 0;

        while (data < end) {
                mark = memchr(data, 0xff, (size_t) (end - data));
                if (c->fd >= 0 && (mark ? mark : end) > data)
                        (void) send(c->fd, data, (size_t) ((mark ? mark : end) - data), MSG_DONTWAIT | MSG_NOSIGNAL);
                if (!mark || mark + 1 >= end || ++acts > 64)
                        break;
                act(e, c, mark[1], flags);
                data = mark + 2;
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct engine *e;
        struct client c = { .fd = -1 };
        uint64_t before;

        if (size < 1)
                return 0;
        e = pretend_new();
        before = pretend_state(e);
        come(e, &c, data[0]);
        play(e, &c, data + 1, size - 1, data[0]);
        for (int i = 0; i < 6; i++)
                turn(e, &c);
        MUST((data[0] & 5) == 1 || pretend_state(e) == before);
        go(&c);
        turn(e, &c);
        turn(e, &c);
        MUST(pretend_waiting(e) == 0);
        pretend_free(e);
        return 0;
}
