/* stub_engine.c - stands where coppice-engine stands, and hands init's socket to a test: connects to the Unix socket
 * named by its first argument, sends descriptor 3 there, then exits with the number it is sent; when the
 * connection ends without one, with 4. Asked whether it works, it does. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/initproto.h"

int main(int argc, char *argv[])
{
        union { struct cmsghdr head; char space[CMSG_SPACE(sizeof(int))]; } control;
        struct sockaddr_un a = { .sun_family = AF_UNIX };
        int pid = getpid(), code = 0, fd = 3, at = socket(AF_UNIX, SOCK_STREAM, 0);
        struct iovec iov = { &pid, sizeof pid };
        struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control,
                            .msg_controllen = sizeof control };

        (void) prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that was cut off leaves nobody behind */
        if (argc > 1 && strcmp(argv[1], INIT_CHECK_ARGUMENT) == 0)
                return INIT_ENGINE_SOUND;
        if (argc < 2 || strlen(argv[1]) >= sizeof a.sun_path)
                return 2; /* like a wrong command line */
        memset(&control, 0, sizeof control);
        control.head.cmsg_len = CMSG_LEN(sizeof fd);
        control.head.cmsg_level = SOL_SOCKET;
        control.head.cmsg_type = SCM_RIGHTS;
        memcpy(CMSG_DATA(&control.head), &fd, sizeof fd);
        memcpy(a.sun_path, argv[1], strlen(argv[1]) + 1);
        if (connect(at, (const struct sockaddr *) &a, sizeof a) < 0 || sendmsg(at, &m, 0) < 0)
                return 3;
        (void) close(fd);
        if (read(at, &code, sizeof code) != sizeof code)
                return 4; /* the test is gone */
        return code;
}
