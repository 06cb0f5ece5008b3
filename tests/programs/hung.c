/* hung.c - a file system that does not answer, for the tests (FAILURES A17): hung DIRECTORY mounts one whose server is this
 * program, says so, and never answers a question. It goes when standard input ends. Exits 77 when it may not mount. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/mount.h>
#include <unistd.h>

int main(int argc, char *argv[])
{
        char options[64], byte;
        int fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);

        if (argc != 2 || fd < 0)
                return 77;
        (void) snprintf(options, sizeof options, "fd=%d,rootmode=40000,user_id=0,group_id=0", fd);
        if (mount("hung", argv[1], "fuse", 0, options) < 0)
                return 77;
        puts("hung");
        (void) fflush(stdout);
        while (read(0, &byte, 1) > 0)
                ;
        return umount2(argv[1], MNT_DETACH) < 0;
}
