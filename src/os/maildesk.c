/* maildesk.c - messages in and out of sockets, on a desk that outlives us. See mailsock.h.
 *
 * The kernel writes msg_len of one message after it has taken or sent it and before it looks at the next one, and a
 * process that is killed ends when it comes back from the call: so a length that is not NOT_YET says that it was
 * done. */
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/rights.h"
#include "base/shortage.h"
#include "os/mailsock.h"

#define LONG_MESSAGE 4096
#define NOT_YET      UINT32_MAX
#define TRIES        64

typedef RIGHTS_ROOM(MAILSOCK_FDS) rights_room;

static const char magic[8] = "maildsk1"; /* of the layout below: another one is another desk */

struct tray {
        uint64_t serial, who;     /* serial 0: half made */
        uint64_t last;            /* serial of the latest use */
        struct mmsghdr headers[MAILSOCK_BATCH];
};

struct slot {
        uint64_t serial, who;
        uint32_t kind, count;
        uint8_t sources[MAILSOCK_BATCH];
        struct mmsghdr headers[MAILSOCK_BATCH];
};

struct page {
        char magic[8];
        uint64_t size, last_sent;
        struct tray trays[MAILSOCK_TRAYS];
        struct slot slots[MAILSOCK_SLOTS];
};

enum {
        BYTES_AT = (sizeof(struct page) + 4095) / 4096 * 4096,
        TRAY_BYTES = MAILSOCK_BATCH * MAILSOCK_MAX,
        DESK_SIZE = BYTES_AT + MAILSOCK_TRAYS * TRAY_BYTES,
};

struct mailsock_desk {
        struct page *page;       /* mapped, DESK_SIZE */
        bool shared, was_long;
        struct iovec parts[MAILSOCK_BATCH];
        rights_room rooms[MAILSOCK_BATCH];
        struct mailsock_in in[MAILSOCK_TRAYS][MAILSOCK_BATCH];
};

/* --- its life ----------------------------------------------------------------------------------------------------- */

static char *place_of(struct mailsock_desk *d, enum mailsock_tray tray, int i)
{
        return (char *) d->page + BYTES_AT + (size_t) tray * TRAY_BYTES + (size_t) i * MAILSOCK_MAX;
}

static int map(int fd, struct mailsock_desk **ret)
{
        struct mailsock_desk *d = calloc(1, sizeof *d);
        int flags = fd < 0 ? MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE : MAP_SHARED;

        if (!d)
                return -ENOMEM;
        d->page = mmap(NULL, DESK_SIZE, PROT_READ | PROT_WRITE, flags, fd, 0);
        if (d->page == MAP_FAILED) {
                free(d);
                return -ENOMEM;
        }
        d->shared = fd >= 0;
        for (int tray = 0; tray < MAILSOCK_TRAYS; tray++)
                for (int i = 0; i < MAILSOCK_BATCH; i++)
                        d->in[tray][i].bytes = place_of(d, (enum mailsock_tray) tray, i);
        *ret = d;
        return 0;
}

int mailsock_desk_new(int *ret_fd, struct mailsock_desk **ret)
{
        autoclose int fd = memfd_create("coppice-desk", MFD_CLOEXEC);
        int r;

        if (fd >= 0 && ftruncate(fd, DESK_SIZE) < 0)
                fd_close(&fd);
        r = map(fd, ret);
        if (r < 0)
                return r;
        memcpy((*ret)->page->magic, magic, sizeof magic);
        (*ret)->page->size = DESK_SIZE;
        *ret_fd = fd_steal(&fd);
        return 0;
}

int mailsock_desk_open(int fd, struct mailsock_desk **ret)
{
        struct stat st;
        int r;

        if (fstat(fd, &st) < 0 || st.st_size != DESK_SIZE)
                return -EBADMSG;
        r = map(fd, ret);
        if (r < 0)
                return r;
        if (memcmp((*ret)->page->magic, magic, sizeof magic) == 0 && (*ret)->page->size == DESK_SIZE)
                return 0;
        mailsock_desk_free(*ret);
        return -EBADMSG;
}

void mailsock_desk_free(struct mailsock_desk *d)
{
        if (!d)
                return;
        (void) munmap(d->page, DESK_SIZE);
        free(d);
}

bool mailsock_desk_is_long(const struct mailsock_desk *d)
{
        return d && d->was_long;
}

void mailsock_desk_rest(struct mailsock_desk *d)
{
        (void) madvise((char *) d->page + BYTES_AT, MAILSOCK_TRAYS * TRAY_BYTES,
                       d->shared ? MADV_REMOVE : MADV_DONTNEED);
        d->was_long = false;
}

/* --- receiving ---------------------------------------------------------------------------------------------------- */

/* The serial is written last, and compilers keep to that: with it the tray counts. */
static void begin(uint64_t *serial, uint64_t next)
{
        __atomic_store_n(serial, next, __ATOMIC_RELEASE);
}

static void prepare(struct mailsock_desk *d, struct tray *t, enum mailsock_tray tray, uint64_t who, int max)
{
        begin(&t->serial, 0);
        for (int i = 0; i < MAILSOCK_BATCH; i++)
                t->headers[i].msg_len = NOT_YET;
        for (int i = 0; i < max; i++) {
                d->parts[i] = (struct iovec) { place_of(d, tray, i), MAILSOCK_MAX };
                t->headers[i].msg_hdr = (struct msghdr) { .msg_iov = &d->parts[i], .msg_iovlen = 1,
                                                          .msg_control = &d->rooms[i],
                                                          .msg_controllen = sizeof d->rooms[i] };
        }
        t->who = who;
        begin(&t->serial, ++t->last);
}

static void describe(struct mailsock_desk *d, struct mailsock_in *in, struct mmsghdr *m, bool mine)
{
        in->len = m->msg_len < MAILSOCK_MAX ? m->msg_len : MAILSOCK_MAX;
        in->cut = m->msg_hdr.msg_flags & (MSG_TRUNC | MSG_CTRUNC);
        in->stripped = !mine && m->msg_hdr.msg_controllen > 0;
        in->fd_count = (uint8_t) (mine && m->msg_hdr.msg_controllen > 0
                                  ? rights_take(&m->msg_hdr, in->fds, MAILSOCK_FDS) : 0);
        d->was_long = d->was_long || in->len > LONG_MESSAGE;
}

/* What passes is tried at once again, not for ever: what could not be moved would be seen only at the next edge. */
static bool again(int error, int *tries)
{
        return error != EAGAIN && error_passes(error) && ++*tries < TRIES;
}

int mailsock_receive(struct mailsock_desk *d, enum mailsock_tray tray, uint64_t who, int fd, int max,
                     struct mailsock_in **ret)
{
        struct tray *t = &d->page->trays[tray];
        int n, tries = 0;

        prepare(d, t, tray, who, max);
        do
                n = recvmmsg(fd, t->headers, (unsigned) max, MSG_DONTWAIT | MSG_CMSG_CLOEXEC, NULL);
        while (n < 0 && again(errno, &tries));
        if (n < 0)
                return error_passes(errno) ? 0 : -errno;
        for (int i = 0; i < n; i++)
                describe(d, &d->in[tray][i], &t->headers[i], true);
        *ret = d->in[tray];
        return n;
}

uint64_t mailsock_received(const struct mailsock_desk *d, enum mailsock_tray tray)
{
        return d->page->trays[tray].last;
}

int mailsock_found(struct mailsock_desk *d, enum mailsock_tray tray, uint64_t *ret_who, struct mailsock_in **ret)
{
        struct tray *t = &d->page->trays[tray];
        int n = 0;

        for (; n < MAILSOCK_BATCH && t->headers[n].msg_len != NOT_YET; n++)
                describe(d, &d->in[tray][n], &t->headers[n], false);
        *ret_who = t->who;
        *ret = d->in[tray];
        return t->serial ? n : 0;
}

/* --- sending ------------------------------------------------------------------------------------------------------ */

int mailsock_send(struct mailsock_desk *d, unsigned slot, uint64_t who, uint32_t kind, int fd,
                  const struct mailsock_out *list, int n, int *ret_error)
{
        struct slot *s = &d->page->slots[slot];
        struct iovec parts[MAILSOCK_BATCH][2];
        rights_room rooms[MAILSOCK_BATCH];
        int sent = 0, tries = 0;

        begin(&s->serial, 0);
        for (int i = 0; i < n; i++) {
                /* const is lost: the kernel only reads. */
                parts[i][0] = (struct iovec) { (void *) (uintptr_t) list[i].a, list[i].a_len };
                parts[i][1] = (struct iovec) { (void *) (uintptr_t) list[i].b, list[i].b_len };
                s->headers[i] = (struct mmsghdr) { .msg_hdr = { .msg_iov = parts[i], .msg_iovlen = 2 },
                                                   .msg_len = NOT_YET };
                s->sources[i] = list[i].source;
                rights_put(&s->headers[i].msg_hdr, &rooms[i], list[i].fds, list[i].fd_count);
        }
        s->who = who;
        s->kind = kind;
        s->count = (uint32_t) n;
        begin(&s->serial, ++d->page->last_sent);
        *ret_error = 0;
        while (sent < n) {
                int r = sendmmsg(fd, s->headers + sent, (unsigned) (n - sent), MSG_DONTWAIT | MSG_NOSIGNAL);

                if (r < 0 && errno != ETOOMANYREFS && again(errno, &tries))
                        continue;
                if (r < 0) {
                        if (errno != EAGAIN)
                                *ret_error = errno;
                        break;
                }
                sent += r;
        }
        return sent;
}

void mailsock_sent(const struct mailsock_desk *d, unsigned slot, struct mailsock_sent *ret)
{
        const struct slot *s = &d->page->slots[slot];

        *ret = (struct mailsock_sent) { .serial = s->serial, .who = s->who, .kind = s->kind };
        for (uint32_t i = 0; i < s->count && i < MAILSOCK_BATCH && s->headers[i].msg_len != NOT_YET; i++) {
                ret->lens[i] = s->headers[i].msg_len;
                ret->sources[i] = s->sources[i];
                ret->count++;
        }
}

uint64_t mailsock_last_sent(const struct mailsock_desk *d)
{
        return d->page->last_sent;
}
