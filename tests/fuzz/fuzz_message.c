/* fuzz_message.c - any bytes as a message: what is accepted is what was there, and prints and reads back the same. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/message.h"
#include "tests/fuzz/must.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_bounds(const struct message *m, const char *bytes, size_t size)
{
        MUST(m->head == bytes && m->head_len < size);
        MUST(m->payload + m->payload_len == bytes + size);
        MUST(bytes[m->head_len] == '\n' && m->payload == bytes + m->head_len + 1);
        for (int i = 0; i < MESSAGE_KEY_COUNT; i++) {
                const struct message_text *v = &m->value[i];
                struct message_text same = message_find(m, message_keys[i].text);

                MUST(v->at == same.at && (!v->at || v->len == same.len));
                MUST(!v->at || (v->at > bytes && v->at + v->len < bytes + m->head_len && message_value_ok(v->at, v->len)));
        }
}

/* Written anew from what was understood, the known keys mean the same. */
static void check_again(const struct message *m)
{
        struct buf out = BUF_INIT;
        struct message again;
        const char *problem;

        for (int i = 0; i < MESSAGE_KEY_COUNT; i++)
                if (m->value[i].at)
                        message_putn(&out, (enum message_key) i, m->value[i].at, m->value[i].len);
        message_end(&out);
        buf_add(&out, m->payload, m->payload_len);
        MUST(!buf_failed(&out));
        MUST(message_parse(out.data, out.len, &again, &problem) == 0);
        for (int i = 0; i < MESSAGE_KEY_COUNT; i++) {
                MUST(again.value[i].len == m->value[i].len && message_number(&again, (enum message_key) i) == message_number(m, (enum message_key) i));
                MUST(!m->value[i].at || memcmp(again.value[i].at, m->value[i].at, m->value[i].len) == 0);
        }
        MUST(again.payload_len == m->payload_len && memcmp(again.payload, m->payload, m->payload_len) == 0);
        MUST(message_sendable(m, &problem) != 0 || message_sendable(&again, &problem) == 0);
        buf_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        char *bytes = malloc(size ? size : 1); /* exact, so that a step too far is seen */
        const char *problem = NULL;
        struct message m;

        MUST(bytes);
        if (size)
                memcpy(bytes, data, size);
        if (message_parse(bytes, size, &m, &problem) == 0) {
                check_bounds(&m, bytes, size);
                check_again(&m);
        } else {
                MUST(problem && *problem);
        }
        free(bytes);
        return 0;
}
