/* fuzz_mailbox.c - any datagram in a mailbox, read by libcoppice: it comes out as it went in or is refused, selective
 * receives lose nothing, and what was put aside is counted right. The first byte says how the rest is cut into datagrams. */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/parts.h"

#define MUST(condition)                                                                                                \
        do {                                                                                                           \
                if (!(condition)) {                                                                                    \
                        (void) fprintf(stderr, "broken promise: %s\n", #condition);                                    \
                        abort();                                                                                       \
                }                                                                                                      \
        } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is asked for by key is there, and whatever there is can be asked for. */
static void check_lines(const struct coppice_message *m)
{
        const char *key, *value;
        size_t at = 0;

        while (coppice_message_next(m, &at, &key, &value))
                MUST(coppice_message_get(m, key) == value && coppice_message_is(m, key, value) && *value);
        MUST(coppice_message_get(m, "NONE") == NULL);
        MUST(coppice_message_body(m, &at)[coppice_message_size(m)] == '\0' && at == coppice_message_size(m));
}

/* The bytes are the next ones that were written and are no nonsense. */
static void check_bytes(const struct coppice_message *m, const uint8_t *sent, size_t n)
{
        struct buf bytes = BUF_INIT;

        message_bytes(m, &bytes);
        MUST(!buf_failed(&bytes) && bytes.len == n && memcmp(bytes.data, sent, n) == 0);
        buf_free(&bytes);
}

static int has_topic(const struct coppice_message *m, void *arg)
{
        (void) arg;
        return coppice_message_get(m, "TOPIC") != NULL;
}

static void drain(struct coppice *c, const uint8_t *data, size_t size, size_t cut)
{
        struct coppice_message *m;
        int r;

        if (size <= cut) { /* one datagram */
                r = coppice_receive(c, 0, &m);
                MUST(r == 0 || r == -EBADMSG);
                if (r == 0) {
                        check_lines(m);
                        check_bytes(m, data, size);
                        (void) coppice_message_free(m);
                }
                return;
        }
        do {
                r = coppice_receive_match(c, has_topic, NULL, 0, &m);
                MUST(r == 0 || r == -EBADMSG || r == -EAGAIN || r == -ENOBUFS);
                if (r == 0) {
                        check_lines(m);
                        (void) coppice_message_free(m);
                }
        } while (r == 0 || r == -EBADMSG);
        while ((r = coppice_receive(c, 0, &m)) == 0 || r == -EBADMSG)
                if (r == 0)
                        (void) coppice_message_free(m);
        MUST(r == -EAGAIN && c->saved == NULL && c->saved_count == 0 && c->saved_bytes == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct coppice *c;
        int ends[2];
        size_t cut;

        if (size < 2 || size > 60000)
                return 0;
        cut = data[0] & 0x80 ? (data[0] & 0x7fU) + 1 : size;
        data++;
        size--;
        MUST(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) == 0);
        MUST(coppice_open_fd(&c, ends[0], 0) == 0);
        (void) coppice_set_saved_max(c, 8, 1 << 20);
        for (size_t at = 0; at < size; at += cut)
                if (send(ends[1], data + at, size - at < cut ? size - at : cut, MSG_NOSIGNAL) < 0)
                        break;
        drain(c, data, size, cut);
        (void) close(ends[1]);
        (void) coppice_close(c);
        (void) close(ends[0]);
        return 0;
}
