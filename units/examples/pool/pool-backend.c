/* pool-backend.c - a service that costs something for each connection: it adds the numbers that come by one, a line each,
 * and answers with the sum of all. A connection is a socket that it hands out in its answer to TOPIC=connect, so that there
 * is no address anybody could come by. TOPIC=report: "sum SUM most MOST", the most connections at one time. */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <coppice.h>

enum { CONNECTIONS = 16 };

struct backend {
        struct coppice *c;
        struct pollfd fds[1 + CONNECTIONS]; /* the mailbox, then the connections */
        int count, most;
        long sum;
};

static void connect_somebody(struct backend *b, const struct coppice_message *question)
{
        struct coppice_message *answer;
        int ends[2];

        if (b->count == CONNECTIONS || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
                return;
        if (coppice_message_new(&answer, NULL) == 0) {
                if (coppice_message_add_fd(answer, ends[1]) == 0)
                        (void) coppice_reply_with(b->c, question, answer);
                (void) coppice_message_free(answer);
        }
        (void) close(ends[1]);
        b->fds[1 + b->count++] = (struct pollfd) { .fd = ends[0], .events = POLLIN };
        if (b->count > b->most)
                b->most = b->count;
}

static void on_mail(struct backend *b)
{
        struct coppice_message *m;
        char text[80];

        while (coppice_try_receive(b->c, &m) == 0) {
                if (coppice_message_is(m, "TOPIC", "connect"))
                        connect_somebody(b, m);
                if (coppice_message_is(m, "TOPIC", "report"))
                        (void) coppice_reply(b->c, m, text, (size_t) snprintf(text, sizeof text, "sum %ld most %d\n", b->sum, b->most));
                (void) coppice_message_free(m);
        }
}

/* A line at a time: nobody sends the next before the answer. Returns 0 when the other end is gone. */
static int serve(struct backend *b, int fd)
{
        char text[40];
        ssize_t n = read(fd, text, sizeof text - 1);

        if (n <= 0)
                return 0;
        text[n] = '\0';
        b->sum += atol(text);
        n = snprintf(text, sizeof text, "%ld\n", b->sum);
        return send(fd, text, (size_t) n, MSG_NOSIGNAL) == n;
}

int main(void)
{
        static struct backend b;

        if (coppice_open(&b.c, 0) < 0)
                return EXIT_FAILURE;
        b.fds[0] = (struct pollfd) { .fd = coppice_fd(b.c), .events = POLLIN };
        (void) coppice_notify(0, "READY=1");
        while (poll(b.fds, 1 + (nfds_t) b.count, -1) > 0) {
                for (int i = b.count; i > 0; i--)
                        if (b.fds[i].revents && !serve(&b, b.fds[i].fd)) {
                                (void) close(b.fds[i].fd);
                                b.fds[i] = b.fds[b.count--];
                        }
                if (b.fds[0].revents)
                        on_mail(&b);
        }
        return EXIT_FAILURE;
}
