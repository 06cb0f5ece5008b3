/* pool-client.c - needs the backend often and shortly: pool-client POOL TIMES. To show what then happens, client 1 crashes in its
 * first life with a borrowed connection in its hands. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <coppice.h>

#define SECOND INT64_C(1000000)

/* Something that is done by way of a connection of the pool. */
static int add_one(struct coppice *c, const char *pool, int crash)
{
        struct coppice_message *question, *answer;
        char text[40];
        int fd, r = coppice_message_new(&question, pool);

        if (r < 0)
                return r;
        r = coppice_message_set(question, "TOPIC", "borrow");
        if (r == 0)
                r = coppice_ask(c, question, 10 * SECOND, &answer);
        (void) coppice_message_free(question);
        if (r < 0)
                return r;
        fd = coppice_message_take_fd(answer, 0);
        (void) coppice_message_free(answer);
        if (fd < 0 || write(fd, "1\n", 2) != 2 || read(fd, text, sizeof text) <= 0)
                return -1;
        if (crash)
                abort();
        (void) close(fd);
        return coppice_tell(c, pool, "return", NULL, 0);
}

int main(int argc, char **argv)
{
        const char *life = getenv("COPPICE_INCARNATION");
        struct coppice *c;
        int r, doomed;

        if (argc != 3 || coppice_open(&c, 0) < 0) {
                (void) fprintf(stderr, "pool-client is a service with Mailbox=yes: pool-client POOL TIMES\n");
                return EXIT_FAILURE;
        }
        doomed = strcmp(coppice_self(), "/bank/client@1") == 0 && life && strcmp(life, "1") == 0;
        for (int i = 1; i <= atoi(argv[2]); i++) {
                r = add_one(c, argv[1], doomed && i == 10);
                if (r < 0) {
                        (void) fprintf(stderr, "add: %s\n", strerror(-r));
                        return EXIT_FAILURE;
                }
        }
        (void) coppice_close(c);
        return EXIT_SUCCESS;
}
