/* main.c - coppice-logd: start, and the log directory. See logd.h and base/logproto.h. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "logd/logd.h"

/* --- the log directory -------------------------------------------------------------------------- */

static int make_all(const char *path)
{
        autofree char *copy = strdup(path);

        if (!copy)
                return -ENOMEM;
        for (char *at = copy + 1; (at = strchr(at, '/')) != NULL; *at++ = '/') {
                *at = '\0';
                if (mkdir(copy, 0755) < 0 && errno != EEXIST)
                        return -errno;
        }
        return mkdir(copy, 0750) < 0 && errno != EEXIST ? -errno : 0;
}

int logd_open_root(struct logd *l)
{
        int r = l->log_dir ? make_all(l->log_dir) : -ENOTDIR;

        /* A directory that is there and need not be made is fine even where nothing can be made. */
        l->root = l->log_dir ? open(l->log_dir, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
        if (l->root >= 0)
                return 0;
        l->root_error = r < 0 ? -r : errno;
        return -l->root_error;
}

/* --- start -------------------------------------------------------------------------------------- */

/* The daemon ends us by a message or by closing the socket; a Ctrl-C at its terminal must not take the last lines. */
static void ignore_signals(void)
{
        static const int ignored[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGPIPE, SIGUSR1, SIGUSR2, SIGXFSZ };

        for (size_t i = 0; i < ARRAY_LEN(ignored); i++)
                (void) signal(ignored[i], SIG_IGN);
}

/* Two descriptors a service. */
static void raise_files(void)
{
        struct rlimit r;

        if (getrlimit(RLIMIT_NOFILE, &r) < 0)
                return;
        r.rlim_cur = r.rlim_max;
        (void) setrlimit(RLIMIT_NOFILE, &r);
}

static int set_up(struct logd *l)
{
        struct epoll_event ev = { .events = EPOLLIN, .data.u64 = TAG_CONTROL };
        char *pages = mmap(NULL, IN_MAX + OUT_MAX, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

        l->epoll = epoll_create1(EPOLL_CLOEXEC);
        if (pages == MAP_FAILED || l->epoll < 0 || epoll_ctl(l->epoll, EPOLL_CTL_ADD, l->control, &ev) < 0)
                return -errno;
        (void) madvise(pages, IN_MAX + OUT_MAX, MADV_NOHUGEPAGE); /* two MiB would be eight times our bound */
        l->in = pages;
        l->out = pages + IN_MAX;
        l->now_us = logd_mono_us();
        for (int i = 0; i < 2; i++)
                console_open(&l->console[i], i + 1);
        return 0;
}

static const char *option(const char *arg, const char *name)
{
        const size_t n = strlen(name);

        return strncmp(arg, name, n) == 0 ? arg + n : NULL;
}

static int parse(struct logd *l, int argc, char **argv)
{
        const char *value;
        int level;

        for (int i = 1; i < argc; i++) {
                if ((value = option(argv[i], "--control=")) != NULL)
                        l->control = atoi(value);
                else if ((value = option(argv[i], "--log-dir=")) != NULL)
                        l->log_dir = value;
                else if ((value = option(argv[i], "--log-level=")) != NULL &&
                         (level = log_level_from_name(value)) >= 0)
                        log_set_level((enum log_level) level);
                else
                        return -EINVAL;
        }
        return l->control < 0 ? -EINVAL : 0;
}

int main(int argc, char **argv)
{
        struct logd l = { .control = -1, .root = -1, .tidy_fd = -1, .side = { -1, -1 } };
        int r;

        log_open("coppice-logd");
        if (argc > 1 && strcmp(argv[1], "--tidy") == 0)
                return tidy_main(argc, argv);
        if (parse(&l, argc, argv) < 0) {
                log_error("usage: coppice-logd --control=FD [--log-dir=DIR] [--log-level=LEVEL] (started by the "
                          "daemon)");
                return 2;
        }
        log_nonblocking();
        ignore_signals();
        raise_files();
        (void) umask(0077 & ~0050); /* the group may read, as the modes in store.c say */
        (void) prctl(PR_SET_TIMERSLACK, 1UL);
        (void) fcntl(l.control, F_SETFD, FD_CLOEXEC);
        l.self = (const char *) getauxval(AT_EXECFN);
        if (l.log_dir && logd_open_root(&l) < 0)
                log_warning("log directory %s: %s: output is not kept until it can be made", l.log_dir,
                            strerror(l.root_error));
        r = set_up(&l);
        if (r < 0) {
                log_error("start: %s", strerror(-r));
                return 1;
        }
        control_send(&l, LOGMSG_READY, 0, 0);
        r = logd_loop(&l);
        for (int i = 0; i < 2; i++)
                console_close(&l.console[i]);
        buf_free(&l.lines);
        free(l.streams);
        return r;
}
