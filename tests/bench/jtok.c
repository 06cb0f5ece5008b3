/* jtok.c - what reading a list of 1,000 nodes costs coppicectl: its own reader against jansson.
 *     make tests/bench/jtok && tests/bench/jtok */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "proto/jtok.h"

enum { NODES = 1000, ROUNDS = 200 };

static double now_ms(void)
{
        struct timespec t;

        (void) clock_gettime(CLOCK_MONOTONIC, &t);
        return (double) t.tv_sec * 1e3 + (double) t.tv_nsec / 1e6;
}

static void make_list(struct buf *out)
{
        buf_adds(out, "{\"parameters\":{\"nodes\":[");
        for (int i = 0; i < NODES; i++)
                buf_addf(out,
                         "%s{\"path\":\"/s%d\",\"unit\":\"s%d.service\",\"type\":\"service\",\"state\":\"running\",\"want\":\"up\","
                         "\"ready\":true,\"main_pid\":%d,\"restarts\":0,\"last_reason\":null,"
                         "\"since\":\"2026-11-21T04:17:07.123456Z\"}",
                         i ? "," : "", i, i, 1000 + i);
        buf_adds(out, "]}}");
}

int main(void)
{
        struct buf list = BUF_INIT;
        struct jdoc d = { 0 };
        double own = 1e9, other = 1e9, t;
        char *copy;

        make_list(&list);
        copy = malloc(list.len + 1);
        if (!copy || buf_failed(&list))
                return EXIT_FAILURE;
        for (int i = 0; i < ROUNDS; i++) {
                memcpy(copy, list.data, list.len + 1);
                t = now_ms();
                if (jtok_parse(&d, copy, list.len) < 0)
                        return EXIT_FAILURE;
                own = now_ms() - t < own ? now_ms() - t : own;
                t = now_ms();
                json_decref(json_loadb(list.data, list.len, 0, NULL));
                other = now_ms() - t < other ? now_ms() - t : other;
        }
        printf("%d nodes, %zu bytes: jtok %.2f ms, jansson %.2f ms (best of %d)\n", NODES, list.len, own, other, ROUNDS);
        jtok_free(&d);
        buf_free(&list);
        free(copy);
        return EXIT_SUCCESS;
}
