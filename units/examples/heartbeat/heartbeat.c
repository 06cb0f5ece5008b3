/* heartbeat.c - ready, alive, stopping: what a daemon says to its supervisor, in the words of sd_notify(3), without
 * libsystemd. Its work is to count beats. USR1 makes it hang, as a bug would: the watchdog ends it. */
#define _GNU_SOURCE /* ppoll */
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#include <coppice/sd-daemon.h>

static volatile sig_atomic_t told;

static void on_signal(int signal)
{
        told = signal;
}

int main(void)
{
        struct sigaction action = { .sa_handler = on_signal };
        uint64_t usec = 2000000; /* without a watchdog there is a beat a second */
        struct timespec pause;
        sigset_t ours, before;

        (void) sd_watchdog_enabled(0, &usec);
        pause = (struct timespec) { (time_t) (usec / 2 / 1000000), (long) (usec / 2 % 1000000 * 1000) };
        (void) sigemptyset(&ours);
        (void) sigaddset(&ours, SIGTERM);
        (void) sigaddset(&ours, SIGUSR1);
        (void) sigprocmask(SIG_BLOCK, &ours, &before); /* they come in ppoll() and nowhere else */
        (void) sigaction(SIGTERM, &action, NULL);
        (void) sigaction(SIGUSR1, &action, NULL);
        (void) sd_notify(0, "READY=1");
        for (unsigned beats = 1; told != SIGTERM; beats++) {
                (void) sd_notifyf(0, "WATCHDOG=1\nSTATUS=%u beats", beats);
                (void) ppoll(NULL, 0, told == SIGUSR1 ? NULL : &pause, &before);
        }
        (void) sd_notify(0, "STOPPING=1\nSTATUS=good bye");
        return EXIT_SUCCESS;
}
