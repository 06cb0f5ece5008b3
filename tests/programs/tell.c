/* tell.c - a service that talks sd_notify, for the tests.
 *
 *      tell [--fd N] [--barrier] TEXT... [-- COMMAND ARGUMENT...]
 *
 * Sends one datagram of all TEXTs, each on its line, to $NOTIFY_SOCKET, with descriptor N when asked; --barrier then
 * waits until the daemon has read it. At the end COMMAND is executed, so that the pid stays the same. */
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int send_text(const char *text, size_t n, int fd)
{
        struct sockaddr_un to = { .sun_family = AF_UNIX };
        char control[CMSG_SPACE(sizeof(int))] __attribute__((aligned(8))) = { 0 };
        struct iovec iov = { .iov_base = (char *) (unsigned long) text, .iov_len = n };
        struct msghdr m = { .msg_name = &to, .msg_namelen = sizeof(to), .msg_iov = &iov, .msg_iovlen = 1 };
        const char *path = getenv("NOTIFY_SOCKET");
        int sock = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

        if (!path || strlen(path) >= sizeof(to.sun_path) || sock < 0) {
                fputs("tell: no NOTIFY_SOCKET\n", stderr);
                return -1;
        }
        strcpy(to.sun_path, path);
        if (fd >= 0) {
                struct cmsghdr *c;

                m.msg_control = control;
                m.msg_controllen = sizeof(control);
                c = CMSG_FIRSTHDR(&m);
                c->cmsg_level = SOL_SOCKET;
                c->cmsg_type = SCM_RIGHTS;
                c->cmsg_len = CMSG_LEN(sizeof(int));
                memcpy(CMSG_DATA(c), &fd, sizeof(int));
        }
        if (sendmsg(sock, &m, MSG_NOSIGNAL) < 0) {
                perror("tell: sendmsg");
                return -1;
        }
        return close(sock);
}

static int barrier(void)
{
        int fds[2];
        struct pollfd p = { .events = 0 };

        if (pipe2(fds, O_CLOEXEC) < 0 || send_text("BARRIER=1", 9, fds[1]) < 0)
                return -1;
        (void) close(fds[1]);
        p.fd = fds[0];
        if (poll(&p, 1, 20000) != 1) { /* hung up once the daemon has closed its end */
                fputs("tell: the barrier does not fall\n", stderr);
                return -1;
        }
        return close(fds[0]);
}

int main(int argc, char **argv)
{
        char text[4096] = "";
        size_t n = 0;
        int i, fd = -1, wait = 0;

        for (i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
                if (strcmp(argv[i], "--barrier") == 0)
                        wait = 1;
                else if (strcmp(argv[i], "--fd") == 0 && i + 1 < argc)
                        fd = atoi(argv[++i]);
                else if (n + strlen(argv[i]) + 1 < sizeof(text))
                        n += (size_t) sprintf(text + n, "%s\n", argv[i]);
        }
        if (send_text(text, n, fd) < 0 || (wait && barrier() < 0))
                return 1;
        if (i + 1 < argc) {
                execv(argv[i + 1], argv + i + 1);
                perror(argv[i + 1]);
                return 127;
        }
        return 0;
}
