/* pool.c - a connection pool: pool BACKEND SIZE. Who sends TOPIC=borrow gets a connection, as a descriptor in the answer,
 * and sends TOPIC=return when it is done; who finds none free waits, first come first served.
 *
 * The pool monitors each borrower. When one ends before it has returned what it had, nobody knows what is half said on that
 * connection: it is shut for whoever still holds it, and a new one takes its place. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <coppice.h>

enum { SLOTS = 16, WAITING = 100 };
#define SECOND INT64_C(1000000)

struct slot {
        int fd;                        /* -1: none yet */
        char borrower[COPPICE_PATH_SIZE], watch[COPPICE_REF_SIZE]; /* "" : free */
};

struct pool {
        struct coppice *c;
        const char *backend;
        struct slot slots[SLOTS];
        int size;
        struct coppice_message *waiting[WAITING]; /* the first is at `first` */
        int first, count;
};

/* A connection of its own, from the backend's hands. */
static int connect_backend(struct pool *p)
{
        struct coppice_message *question, *answer;
        int fd = -1;

        if (coppice_message_new(&question, p->backend) < 0)
                return -1;
        if (coppice_message_set(question, "TOPIC", "connect") == 0 && coppice_ask(p->c, question, 5 * SECOND, &answer) == 0) {
                fd = coppice_message_take_fd(answer, 0);
                (void) coppice_message_free(answer);
        }
        (void) coppice_message_free(question);
        return fd;
}

static int lend(struct pool *p, struct slot *s, const struct coppice_message *m)
{
        const char *borrower = coppice_message_get(m, "FROM");
        struct coppice_message *answer;
        int r = -1;

        if (s->fd < 0)
                s->fd = connect_backend(p);
        if (s->fd < 0 || coppice_monitor(p->c, borrower, s->watch) < 0)
                return -1;
        (void) snprintf(s->borrower, sizeof s->borrower, "%s", borrower);
        if (coppice_message_new(&answer, NULL) == 0) {
                r = coppice_message_add_fd(answer, s->fd);
                if (r == 0)
                        r = coppice_reply_with(p->c, m, answer);
                (void) coppice_message_free(answer);
        }
        return r;
}

static void serve_the_next(struct pool *p)
{
        for (struct slot *s = p->slots; s < p->slots + p->size && p->count > 0; s++)
                if (!s->borrower[0]) {
                        (void) lend(p, s, p->waiting[p->first]);
                        (void) coppice_message_free(p->waiting[p->first]);
                        p->first = (p->first + 1) % WAITING;
                        p->count--;
                }
}

static void on_return(struct pool *p, const char *borrower)
{
        for (struct slot *s = p->slots; s < p->slots + p->size; s++)
                if (strcmp(s->borrower, borrower) == 0) {
                        s->borrower[0] = '\0';
                        (void) coppice_demonitor(p->c, s->watch);
                        return;
                }
}

static void on_down(struct pool *p, const char *ref)
{
        for (struct slot *s = p->slots; s < p->slots + p->size; s++)
                if (s->borrower[0] && strcmp(s->watch, ref) == 0) {
                        (void) printf("%s has ended with a connection: it is replaced\n", s->borrower);
                        (void) fflush(stdout);
                        s->borrower[0] = '\0';
                        (void) shutdown(s->fd, SHUT_RDWR);
                        (void) close(s->fd);
                        s->fd = -1;
                        return;
                }
}

/* NULL: the message is kept. */
static struct coppice_message *handle(struct pool *p, struct coppice_message *m)
{
        if (coppice_message_is(m, "TOPIC", "borrow") && p->count < WAITING) {
                p->waiting[(p->first + p->count++) % WAITING] = m;
                return NULL;
        }
        if (coppice_message_is(m, "TOPIC", "return"))
                on_return(p, coppice_message_get(m, "FROM"));
        if (coppice_message_is(m, "TOPIC", "DOWN"))
                on_down(p, coppice_message_get(m, "REF"));
        return m;
}

int main(int argc, char **argv)
{
        static struct pool p;
        struct coppice_message *m;

        if (argc != 3 || coppice_open(&p.c, 0) < 0) {
                (void) fprintf(stderr, "pool is a service with Mailbox=yes: pool BACKEND SIZE\n");
                return EXIT_FAILURE;
        }
        p.backend = argv[1];
        p.size = atoi(argv[2]) < SLOTS ? atoi(argv[2]) : SLOTS;
        for (int i = 0; i < p.size; i++)
                p.slots[i].fd = -1;
        (void) coppice_notify(0, "READY=1");
        while (coppice_receive(p.c, COPPICE_FOREVER, &m) == 0) {
                (void) coppice_message_free(handle(&p, m));
                serve_the_next(&p);
        }
        return EXIT_FAILURE;
}
