/* attach.c - see attach.h. */
#include "ctl/attach.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <time.h>

enum { PENDING_MAX = 64 << 10, DRAIN_MS = 1000, ESCAPE = 0x1d, ESCAPES = 3, ESCAPE_MS = 1000 };

/* Sent on to the service when there is no terminal between us. */
static const int forwarded[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2 };

static int64_t now_ms(void)
{
        struct timespec t;

        (void) clock_gettime(CLOCK_MONOTONIC, &t);
        return (int64_t) t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* TTOU and TTIN are blocked so that setting the terminal back works wherever the shell has put us by then. */
static int open_signals(struct attach *a)
{
        sigset_t set;

        (void) sigemptyset(&set);
        for (size_t i = 0; i < ARRAY_LEN(forwarded); i++)
                (void) sigaddset(&set, forwarded[i]);
        (void) sigaddset(&set, SIGWINCH);
        (void) sigaddset(&set, SIGCONT);
        a->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
        if (a->signals < 0)
                return -errno;
        (void) sigaddset(&set, SIGTTOU);
        (void) sigaddset(&set, SIGTTIN);
        (void) sigaddset(&set, SIGPIPE);
        return sigprocmask(SIG_BLOCK, &set, NULL) < 0 ? -errno : 0;
}

static bool at_terminal(void)
{
        return isatty(STDIN_FILENO) && isatty(STDOUT_FILENO) && tcgetpgrp(STDIN_FILENO) == getpgrp();
}

static void copy_size(const struct attach *a)
{
        struct winsize size;

        if (ioctl(STDIN_FILENO, TIOCGWINSZ, &size) == 0 || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0)
                (void) ioctl(a->master, TIOCSWINSZ, &size);
}

static void make_raw(struct attach *a)
{
        struct termios t = a->before;

        cfmakeraw(&t);
        if (tcsetattr(STDIN_FILENO, TCSADRAIN, &t) == 0)
                a->raw = true;
}

/* The service's side is set as the caller's was: its line editing, its characters. */
static int open_terminal(struct attach *a)
{
        bool caller = tcgetattr(STDIN_FILENO, &a->before) == 0;
        int unlock = 0;

        a->master = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
        if (a->master < 0)
                return -errno;
        if (ioctl(a->master, TIOCSPTLCK, &unlock) < 0)
                return -errno;
        a->slave = ioctl(a->master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
        if (a->slave < 0)
                return -errno;
        copy_size(a);
        if (caller) {
                (void) tcsetattr(a->slave, TCSANOW, &a->before);
                make_raw(a);
        }
        return 0;
}

int attach_open(struct attach *a, int terminal)
{
        int r;

        *a = (struct attach) { .master = -1, .slave = -1, .signals = -1 };
        r = open_signals(a);
        if (r < 0)
                return ctl_error(CTL_FAILED, "wait for signals: %s", strerror(-r));
        if (terminal == 0 || (terminal < 0 && !at_terminal()))
                return CTL_OK;
        r = open_terminal(a);
        return r < 0 ? ctl_error(CTL_FAILED, "make a terminal: %s", strerror(-r)) : CTL_OK;
}

size_t attach_fds(const struct attach *a, int fds[3], int index[3])
{
        size_t n = 0;

        for (int i = 0; i < 3; i++) {
                bool ours = a->slave >= 0 && (i < 2 || isatty(STDERR_FILENO));

                index[i] = -1;
                if (!ours && fcntl(i, F_GETFD) < 0)
                        continue; /* closed: as if from /dev/null */
                index[i] = ours && n > 0 ? 0 : (int) n;
                if (index[i] == (int) n)
                        fds[n++] = ours ? a->slave : i;
        }
        return n;
}

/* --- carrying ----------------------------------------------------------------------------------------------------- */

static bool write_all(int fd, const char *bytes, size_t n)
{
        while (n > 0) {
                ssize_t done = write(fd, bytes, n);

                if (done < 0 && errno == EINTR)
                        continue;
                if (done < 0 && errno == EAGAIN) { /* somebody shares the terminal and has set it so */
                        struct pollfd p = { .fd = fd, .events = POLLOUT };

                        (void) poll(&p, 1, -1);
                        continue;
                }
                if (done < 0)
                        return false;
                bytes += done;
                n -= (size_t) done;
        }
        return true;
}

/* What the service wrote. False: the caller's terminal is gone. */
static bool carry_out(struct attach *a)
{
        char bytes[16 << 10];
        ssize_t n = read(a->master, bytes, sizeof bytes);

        if (n > 0)
                return write_all(STDOUT_FILENO, bytes, (size_t) n);
        if (n == 0 || (errno != EAGAIN && errno != EINTR))
                a->output_ended = true; /* nobody has the other end open any more */
        return true;
}

static bool escaped(struct attach *a, const char *bytes, size_t n)
{
        int64_t now = now_ms();

        if (a->escapes > 0 && now - a->escape_ms > ESCAPE_MS)
                a->escapes = 0;
        for (size_t i = 0; i < n && a->escapes < ESCAPES; i++) {
                a->escapes = bytes[i] == ESCAPE ? a->escapes + 1 : 0;
                a->escape_ms = now;
        }
        return a->escapes == ESCAPES;
}

/* What the caller typed; false when he has hung up or wants to leave. */
static bool carry_in(struct attach *a)
{
        static const char end_of_input = 4; /* Ctrl-D */
        char bytes[4096];
        ssize_t n = read(STDIN_FILENO, bytes, sizeof bytes);

        if (n < 0)
                return errno == EAGAIN || errno == EINTR;
        if (n == 0) {
                a->input_ended = true;
                buf_addc(&a->to_service, end_of_input);
                return !isatty(STDIN_FILENO);
        }
        buf_add(&a->to_service, bytes, (size_t) n);
        return !escaped(a, bytes, (size_t) n);
}

static void pass_typed(struct attach *a)
{
        ssize_t n = write(a->master, buf_text(&a->to_service), a->to_service.len);

        if (n > 0)
                buf_consume(&a->to_service, (size_t) n);
}

static bool goes_on(int sig)
{
        for (size_t i = 0; i < ARRAY_LEN(forwarded); i++)
                if (forwarded[i] == sig)
                        return true;
        return false;
}

static void take_signals(struct attach *a, void (*on_signal)(void *arg, int sig), void *arg)
{
        struct signalfd_siginfo info;

        while (read(a->signals, &info, sizeof info) == (ssize_t) sizeof info) {
                int sig = (int) info.ssi_signo;

                if (goes_on(sig))
                        on_signal(arg, sig);
                else if (a->master >= 0 && sig == SIGCONT && a->raw)
                        make_raw(a); /* the shell has set its own modes meanwhile */
                if (a->master >= 0 && !goes_on(sig))
                        copy_size(a);
        }
}

int attach_carry(struct attach *a, int daemon_fd, int ms, void (*on_signal)(void *arg, int sig), void *arg)
{
        enum { DAEMON, SIGNALS, MASTER, INPUT, COUNT };
        int64_t until = now_ms() + ms, left;

        for (;;) {
                bool typing = a->master >= 0 && !a->input_ended && !a->output_ended && a->to_service.len < PENDING_MAX;
                struct pollfd p[COUNT] = {
                        [DAEMON] = { .fd = daemon_fd, .events = POLLIN },
                        [SIGNALS] = { .fd = a->signals, .events = POLLIN },
                        [MASTER] = { .fd = a->output_ended ? -1 : a->master,
                                     .events = (short) (POLLIN | (a->to_service.len ? POLLOUT : 0)) },
                        [INPUT] = { .fd = typing ? STDIN_FILENO : -1, .events = POLLIN },
                };

                left = until > now_ms() ? until - now_ms() : 0;
                if (poll(p, COUNT, ms < 0 ? -1 : (int) left) < 0 && errno != EINTR)
                        return ctl_error(CTL_FAILED, "wait: %s", strerror(errno));
                fd_close(&a->slave); /* the service has its own by now: its last close is to be seen here */
                if (p[SIGNALS].revents)
                        take_signals(a, on_signal, arg);
                if (p[MASTER].revents & (POLLIN | POLLHUP) && !carry_out(a))
                        return CTL_FAILED;
                if (p[INPUT].revents && !carry_in(a))
                        return CTL_FAILED;
                if (a->to_service.len > 0 && !a->output_ended)
                        pass_typed(a);
                if (p[DAEMON].revents || (ms >= 0 && left == 0))
                        return CTL_OK;
        }
}

void attach_drain(struct attach *a)
{
        int64_t until = now_ms() + DRAIN_MS;
        struct pollfd p = { .fd = a->master, .events = POLLIN };

        if (a->master < 0)
                return;
        fd_close(&a->slave);
        while (!a->output_ended && now_ms() < until)
                if (poll(&p, 1, (int) (until - now_ms())) > 0 && !carry_out(a))
                        return;
}

void attach_close(struct attach *a)
{
        if (a->raw)
                (void) tcsetattr(STDIN_FILENO, TCSADRAIN, &a->before);
        a->raw = false;
        fd_close(&a->master);
        fd_close(&a->slave);
        fd_close(&a->signals);
        buf_free(&a->to_service);
}
