/* courier.c - messages and kills: is anything lost, is anything there twice (FAILURES F13)?
 *
 *      courier new FILE COUNT                   what is known of COUNT messages: a file that all of them map
 *      courier send FILE TO                     a service that sends them, each once in all of its lives
 *      courier receive FILE [CHANNEL]           a service that takes them; from a channel it says so for each (ACK=)
 *      courier storm FILE KILLS SEED INIT       kill the engine of INIT, the sender, the receiver, in turns by chance
 *
 * Both services may be killed at any instruction: what the kernel says of each message, taken or sent, goes straight into
 * the file (the length in the reply of sendmmsg() and recvmmsg()). So it is known of each message whether it was sent,
 * whether it was acknowledged (SYNC=delivered), and how often it was received. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { ROOM = 66636, WINDOW = 200, PATIENCE_MS = 60000 };
#define NOT_YET UINT32_MAX

/* One call of the kernel that moves one message. */
struct move {
        struct mmsghdr header;
        uint64_t number;
        bool counted, known;       /* known: what follows is what was before it is counted, so counting can begin again */
        uint64_t last, disorder, again;
        uint8_t received;
        char bytes[ROOM];
};

struct book {
        uint64_t count, next;      /* next: the first number that has not been tried */
        volatile uint64_t received; /* about */
        uint64_t last, disorder, again;
        volatile int sender, receiver; /* pids */
        struct move out, in;
        struct {
                uint8_t sent, acked, received;
        } of[];
};

static struct book *book;
static uint64_t waiting; /* the sender: so many answers are still to come, as far as it knows */

static void fail(const char *what)
{
        perror(what);
        exit(1);
}

static void open_book(const char *path, uint64_t count)
{
        int fd = open(path, O_RDWR | O_CLOEXEC | (count ? O_CREAT : 0), 0666);
        struct stat st;

        if (fd < 0 || (count && ftruncate(fd, (off_t) (sizeof *book + (count + 1) * 3)) < 0) || fstat(fd, &st) < 0)
                fail(path);
        book = mmap(NULL, (size_t) st.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        if (book == MAP_FAILED)
                fail("mmap");
        if (count) {
                book->count = count;
                book->next = 1;
                book->out.counted = book->in.counted = true;
        }
}

static int box(void)
{
        const char *fd = getenv("COPPICE_MAILBOX");

        return fd ? atoi(fd) : -1;
}

/* --- the sender ---------------------------------------------------------------------------------------------------- */

static void count_sent(void)
{
        struct move *m = &book->out;

        if (m->counted)
                return;
        if (m->header.msg_len != NOT_YET)
                book->of[m->number].sent = 1;
        m->counted = true;
}

/* True when there was one. */
static bool take_answer(bool wait)
{
        static char bytes[ROOM];
        ssize_t n = recv(box(), bytes, sizeof bytes - 1, wait ? 0 : MSG_DONTWAIT);
        const char *ref;
        uint64_t number;

        if (n <= 0)
                return false;
        bytes[n] = '\0';
        ref = strstr(bytes, "REF=");
        number = ref ? strtoull(ref + 4, NULL, 10) : 0;
        if (!strstr(bytes, "RESULT=ok") || number == 0 || number > book->count) {
                (void) fprintf(stderr, "an answer that nobody expects: %s\n", bytes);
                exit(1);
        }
        book->of[number].acked++;
        waiting -= waiting > 0;
        return true;
}

static void send_next(const char *to)
{
        struct move *m = &book->out;
        struct iovec part = { m->bytes, 0 };

        m->number = book->next;
        part.iov_len = (size_t) snprintf(m->bytes, ROOM, "TO=%s\nSYNC=delivered\nREF=%llu\n\n%llu", to, (unsigned long long) m->number,
                                         (unsigned long long) m->number);
        m->header = (struct mmsghdr) { .msg_hdr = { .msg_iov = &part, .msg_iovlen = 1 }, .msg_len = NOT_YET };
        book->next++;
        __atomic_store_n(&m->counted, false, __ATOMIC_RELEASE);
        while (sendmmsg(box(), &m->header, 1, MSG_DONTWAIT) < 0) {
                struct pollfd p = { .fd = box(), .events = POLLIN | POLLOUT };

                if (errno != EINTR && errno != EAGAIN)
                        fail("send");
                (void) poll(&p, 1, -1);
                while (take_answer(false)) /* whoever reads none of them is not read from either */
                        ;
        }
        count_sent();
}

static void send_all(const char *to)
{
        count_sent(); /* by the one before us */
        book->sender = getpid();
        while (book->next <= book->count) {
                send_next(to);
                waiting++;
                while (take_answer(waiting >= WINDOW)) /* those of the one before us too */
                        ;
        }
        for (;;)
                (void) take_answer(true);
}

/* --- the receiver --------------------------------------------------------------------------------------------------- */

static void acknowledge(const char *channel, const char *bytes)
{
        const char *ack = strstr(bytes, "ACK=");
        char text[200];
        int n = snprintf(text, sizeof text, "CALL=ack\nCHANNEL=%s\nACK=%.*s\n\n", channel, ack ? (int) strcspn(ack + 4, "\n") : 0,
                         ack ? ack + 4 : "");

        if (send(box(), text, (size_t) n, 0) < 0)
                fail("send");
}

static void count_received(const char *channel)
{
        struct move *m = &book->in;
        const char *payload;
        uint64_t number;

        if (m->counted || m->header.msg_len == NOT_YET)
                return;
        m->bytes[m->header.msg_len < ROOM ? m->header.msg_len : ROOM - 1] = '\0';
        if (strncmp(m->bytes, "FROM=coppice\n", 13) == 0) { /* an acknowledgement came too late */
                m->counted = true;
                return;
        }
        payload = strstr(m->bytes, "\n\n");
        number = payload ? strtoull(payload + 2, NULL, 10) : 0;
        if (number == 0 || number > book->count) {
                (void) fprintf(stderr, "a message that nobody has sent: %s\n", m->bytes);
                exit(1);
        }
        if (!m->known) {
                m->number = number;
                m->last = book->last;
                m->disorder = book->disorder;
                m->again = book->again;
                m->received = book->of[number].received;
                __atomic_store_n(&m->known, true, __ATOMIC_RELEASE);
        }
        book->disorder = m->disorder + (number <= m->last);
        book->last = number;
        book->again = m->again + (m->received > 0);
        book->of[number].received = (uint8_t) (m->received + 1);
        __atomic_store_n(&m->counted, true, __ATOMIC_RELEASE);
        book->received = book->received + 1;
        if (channel)
                acknowledge(channel, m->bytes);
}

static void receive_all(const char *channel)
{
        struct move *m = &book->in;

        count_received(channel);
        book->receiver = getpid();
        for (;;) {
                struct iovec part = { m->bytes, ROOM };

                m->header = (struct mmsghdr) { .msg_hdr = { .msg_iov = &part, .msg_iovlen = 1 }, .msg_len = NOT_YET };
                m->known = false;
                __atomic_store_n(&m->counted, false, __ATOMIC_RELEASE);
                if (recvmmsg(box(), &m->header, 1, 0, NULL) < 0 && errno != EINTR)
                        fail("recv");
                count_received(channel);
        }
}

/* --- the storm ------------------------------------------------------------------------------------------------------- */

static uint64_t state;

static uint64_t next_random(void)
{
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        return state;
}

static long long now_ms(void)
{
        struct timespec t;

        (void) clock_gettime(CLOCK_MONOTONIC, &t);
        return (long long) t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void wait_usec(long usec)
{
        const struct timespec t = { usec / 1000000, usec % 1000000 * 1000 };

        (void) ppoll(NULL, 0, &t, NULL);
}

static pid_t engine_of(pid_t init)
{
        char path[64], name[32];
        FILE *f, *comm;
        int pid, found = 0;

        (void) snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int) init, (int) init);
        f = fopen(path, "re");
        while (f && !found && fscanf(f, "%d", &pid) == 1) {
                (void) snprintf(path, sizeof path, "/proc/%d/comm", pid);
                comm = fopen(path, "re");
                if (comm && fscanf(comm, "%31s", name) == 1 && strcmp(name, "coppice-engine") == 0)
                        found = pid;
                if (comm)
                        (void) fclose(comm);
        }
        if (f)
                (void) fclose(f);
        return found;
}

static bool is_over(void)
{
        if (book->next <= book->count || !book->out.counted)
                return false;
        for (uint64_t i = 1; i <= book->count; i++)
                if (book->of[i].sent && !book->of[i].received)
                        return false;
        return true;
}

static int verdict(void)
{
        uint64_t lost = 0, lost_acked = 0, twice = 0, unsent = 0, sent = 0, acked = 0, received = 0;

        for (uint64_t i = 1; i <= book->count; i++) {
                lost += book->of[i].sent && !book->of[i].received;
                lost_acked += book->of[i].acked && !book->of[i].received;
                twice += book->of[i].received > 1 || book->of[i].acked > 1;
                unsent += !book->of[i].sent && book->of[i].received;
                sent += book->of[i].sent;
                acked += book->of[i].acked > 0;
                received += book->of[i].received > 0;
        }
        printf("%llu messages: %llu sent, %llu acknowledged, %llu received; lost %llu (acknowledged: %llu), twice %llu, "
               "received though not sent %llu, out of order %llu\n",
               (unsigned long long) book->count, (unsigned long long) sent, (unsigned long long) acked,
               (unsigned long long) received, (unsigned long long) lost, (unsigned long long) lost_acked,
               (unsigned long long) twice, (unsigned long long) unsent, (unsigned long long) book->disorder);
        return lost || lost_acked || unsent ? 1 : 0;
}

/* Until so many have been received, or nothing is left to be received. */
static void wait_until(uint64_t received)
{
        long long begin = now_ms();
        uint64_t seen = book->received;

        while (book->received < received && !is_over()) {
                if (book->received != seen) {
                        seen = book->received;
                        begin = now_ms();
                }
                if (now_ms() - begin > PATIENCE_MS) {
                        printf("nothing has moved for %d s\n", PATIENCE_MS / 1000);
                        (void) verdict();
                        exit(1);
                }
                wait_usec(200);
        }
}

static int storm(unsigned kills, uint64_t seed, pid_t init)
{
        unsigned of[3] = { 0 };
        long long begin = now_ms();
        int bad;

        state = seed * 2654435761U + 88172645463325252U;
        for (unsigned i = 0; i < kills && !is_over(); i++) {
                unsigned which = (unsigned) (next_random() % 5);
                pid_t victim;

                wait_until(book->count / (kills + 1) * (i + 1));
                wait_usec((long) (next_random() % 2000));
                victim = which == 0 ? engine_of(init) : which < 3 ? book->sender : book->receiver;
                if (victim > 0 && kill(victim, SIGKILL) == 0)
                        of[which == 0 ? 0 : which < 3 ? 1 : 2]++;
        }
        wait_until(UINT64_MAX);
        wait_usec(100000); /* what should not come has this long to come */
        printf("%u kills of the engine, %u of the sender, %u of the receiver, in %lld ms\n", of[0], of[1], of[2], now_ms() - begin);
        bad = verdict();
        /* A channel that is told of each message may deliver again what was not told; nothing else may. */
        if (getenv("COURIER_AGAIN") ? book->again > of[2] : book->again || book->disorder)
                bad = 1;
        return bad;
}

int main(int argc, char **argv)
{
        const char *mode = argc > 2 ? argv[1] : "";

        if (argc < 3 || (strcmp(mode, "storm") == 0 && argc != 6)) {
                (void) fprintf(stderr, "courier: see the top of tests/programs/courier.c\n");
                return 2;
        }
        open_book(argv[2], strcmp(mode, "new") == 0 ? strtoull(argv[3], NULL, 10) : 0);
        if (strcmp(mode, "send") == 0)
                send_all(argv[3]);
        else if (strcmp(mode, "receive") == 0)
                receive_all(argc > 3 ? argv[3] : NULL);
        else if (strcmp(mode, "storm") == 0)
                return storm((unsigned) atoi(argv[3]), strtoull(argv[4], NULL, 10), atoi(argv[5]));
        return 0;
}
