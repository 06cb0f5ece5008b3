/* vocabulary.c - a service that says everything libcoppice can say, and one that answers it. Built by
 * tests/bats/libcoppice.bats against the installed library, so it uses nothing of ours but that.
 *
 *      vocabulary echo            answers every message with its body (TOPIC=slow: once TOPIC=go comes); TOPIC=end ends it
 *                                 with the status in the body
 *      vocabulary all [FILTER]    goes through checks[], "ok NAME" or "not ok NAME: ..." a line, then "done"; then is an echo */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <coppice.h>
#include <coppice/sd-daemon.h>

#include "checks.h"

#define PEER "/shop/echo"

static int echo(struct coppice *c)
{
        struct coppice_message *m;
        int r;

        while ((r = coppice_receive(c, COPPICE_FOREVER, &m)) == 0 || r == -EINTR) {
                struct coppice_message *go = NULL;

                if (r < 0)
                        continue;
                if (coppice_message_is(m, "TOPIC", "slow") && coppice_receive_key(c, "TOPIC", "go", COPPICE_FOREVER, &go) == 0)
                        (void) coppice_message_free(go);
                if (coppice_message_is(m, "TOPIC", "end"))
                        exit(atoi(coppice_message_body(m, NULL)));
                if (coppice_message_get(m, "REF") && !coppice_message_is(m, "FROM", "coppice"))
                        (void) coppice_reply(c, m, coppice_message_body(m, NULL), coppice_message_size(m));
                m = coppice_message_free(m);
        }
        return r;
}

/* --- messages ------------------------------------------------------------------------------------------------------------ */

static int a_message_holds_what_was_put_in(struct coppice *c)
{
        struct coppice_message *m;
        const char *key, *value;
        size_t at = 0, n = 0;

        (void) c;
        WANT(coppice_message_new(&m, PEER), 0);
        WANT(coppice_message_set(m, "TOPIC", "reserve"), 0);
        WANT(coppice_message_set(m, "X_TRACE", "a=b"), 0);
        WANT(coppice_message_set(m, "TOPIC", "order"), 0);
        WANT(coppice_message_set(m, "NONSENSE", "1"), -EINVAL);
        WANT(coppice_message_set(m, "TOPIC", "two\nlines"), -EINVAL);
        WANT(coppice_message_set(m, "TOPIC", ""), -EINVAL);
        WANT(coppice_message_set(m, "TOPIC", "EXIT"), -EPERM);
        WANT(coppice_message_set(m, "FROM", "/bank"), -EPERM);
        WANT(coppice_message_is(m, "TOPIC", "order"), 1);
        WANT(coppice_message_is(m, "X_TRACE", "a=b"), 1);
        WANT(coppice_message_set(m, "X_TRACE", NULL), 0);
        WANT(coppice_message_get(m, "X_TRACE") == NULL, 1);
        WANT(coppice_message_set_body(m, "a\0b", 3), 0);
        WANT(coppice_message_size(m), 3);
        WANT(memcmp(coppice_message_body(m, NULL), "a\0b\0", 4), 0);
        while (coppice_message_next(m, &at, &key, &value))
                n++;
        WANT(n, 2);
        WANT(coppice_message_take_fd(m, 0), -ENOENT);
        coppice_message_free(m);
        return 0;
}

static int question(struct coppice_message **ret, const char *to, const char *body)
{
        int r = coppice_message_new(ret, to);

        return r < 0 ? r : coppice_message_set_body(*ret, body, strlen(body));
}

static int a_question_is_answered(struct coppice *c)
{
        struct coppice_message *m, *answer;

        WANT(question(&m, PEER, "hello"), 0);
        for (int i = 0; i < 100; i++) {
                WANT(coppice_ask(c, m, 60 * SECOND, &answer), 0);
                WANT(coppice_message_is(answer, "FROM", PEER), 1);
                WANT(strcmp(coppice_message_body(answer, NULL), "hello"), 0);
                coppice_message_free(answer);
        }
        coppice_message_free(m);
        return 0;
}

static int a_refusal_is_an_errno_and_a_word(struct coppice *c)
{
        struct coppice_message *m, *answer;

        WANT(question(&m, "/shop/nobody", ""), 0);
        WANT(coppice_ask(c, m, 60 * SECOND, &answer), -ENOENT);
        WANT(strcmp(coppice_refusal(c), "not-found"), 0);
        WANT(coppice_send_sync(c, m, COPPICE_DELIVERED, 60 * SECOND), -ENOENT);
        WANT(coppice_message_set(m, "TO", "/shop/mute"), 0);
        WANT(coppice_send_sync(c, m, COPPICE_DELIVERED, 60 * SECOND), -EOPNOTSUPP);
        WANT(strcmp(coppice_refusal(c), "no-mailbox"), 0);
        WANT(coppice_link(c, "/other"), -EPERM);
        coppice_message_free(m);
        return 0;
}

static int what_cannot_be_delivered_comes_back(struct coppice *c)
{
        struct coppice_message *m;

        WANT(coppice_tell(c, "/shop/nobody", NULL, "x", 1), 0);
        WANT(coppice_receive_key(c, "TOPIC", "BOUNCE", 60 * SECOND, &m), 0);
        WANT(coppice_message_is(m, "REASON", "not-found"), 1);
        coppice_message_free(m);
        return 0;
}

static int a_send_waits_until_it_was_taken(struct coppice *c)
{
        struct coppice_message *m;

        WANT(question(&m, PEER, "x"), 0);
        WANT(coppice_send_sync(c, m, COPPICE_DELIVERED, 60 * SECOND), 0);
        WANT(coppice_send_sync(c, m, COPPICE_TAKEN, 60 * SECOND), 0);
        coppice_message_free(m);
        return 0;
}

static int nothing_comes_in_time(struct coppice *c)
{
        struct coppice_message *m;
        struct timespec a, b;

        WANT(coppice_try_receive(c, &m), -EAGAIN);
        (void) clock_gettime(CLOCK_MONOTONIC, &a);
        WANT(coppice_receive(c, 30000, &m), -ETIMEDOUT);
        (void) clock_gettime(CLOCK_MONOTONIC, &b);
        WANT((b.tv_sec - a.tv_sec) * 1000000 + (b.tv_nsec - a.tv_nsec) / 1000 >= 30000, 1);
        return 0;
}

static int to_self(struct coppice *c, const char *topic, const char *body)
{
        return coppice_tell(c, coppice_self(), topic, body, strlen(body));
}

static int body_is(struct coppice_message *m, const char *text)
{
        int same = strcmp(coppice_message_body(m, NULL), text) == 0;

        coppice_message_free(m);
        return same;
}

static int a_selective_receive_leaves_the_others_in_order(struct coppice *c)
{
        struct coppice_message *m;

        WANT(to_self(c, "a", "1"), 0);
        WANT(to_self(c, "a", "2"), 0);
        WANT(to_self(c, "b", "3"), 0);
        WANT(coppice_receive_key(c, "TOPIC", "b", 60 * SECOND, &m), 0);
        WANT(body_is(m, "3"), 1);
        WANT(coppice_receive(c, 60 * SECOND, &m), 0);
        WANT(coppice_message_is(m, "TOPIC", "a"), 1);
        WANT(coppice_put_back(c, m), 0);
        WANT(coppice_receive(c, 60 * SECOND, &m), 0);
        WANT(body_is(m, "1"), 1);
        WANT(coppice_receive_key(c, "TOPIC", "a", 60 * SECOND, &m), 0);
        WANT(body_is(m, "2"), 1);
        WANT(coppice_try_receive(c, &m), -EAGAIN);
        return 0;
}

static int what_is_put_aside_is_bounded(struct coppice *c)
{
        struct coppice_message *m;

        WANT(coppice_set_saved_max(c, 2, 1 << 20), 0);
        for (int i = 0; i < 4; i++)
                WANT(to_self(c, "a", "x"), 0);
        WANT(coppice_receive_key(c, "TOPIC", "none", 60 * SECOND, &m), -ENOBUFS);
        for (int i = 0; i < 4; i++) {
                WANT(coppice_receive(c, 60 * SECOND, &m), 0);
                coppice_message_free(m);
        }
        WANT(coppice_try_receive(c, &m), -EAGAIN);
        WANT(coppice_set_saved_max(c, 1000, 8 << 20), 0);
        return 0;
}

static int the_descriptor_is_readable_while_there_is_something(struct coppice *c)
{
        struct pollfd p = { .fd = coppice_fd(c), .events = POLLIN };
        struct coppice_message *m;

        WANT(p.fd >= 0, 1);
        WANT(poll(&p, 1, 0), 0);
        WANT(to_self(c, "a", "aside"), 0);
        WANT(poll(&p, 1, 60000), 1);
        WANT(coppice_receive_key(c, "TOPIC", "b", 1000, &m), -ETIMEDOUT);
        WANT(poll(&p, 1, 0), 1); /* put aside, but there */
        WANT(coppice_receive(c, 0, &m), 0);
        WANT(body_is(m, "aside"), 1);
        WANT(poll(&p, 1, 0), 0);
        return 0;
}

static int a_message_to_oneself_comes_when_it_is_time(struct coppice *c)
{
        struct coppice_message *m, *got;
        char ref[COPPICE_REF_SIZE], never[COPPICE_REF_SIZE];

        WANT(question(&m, NULL, "late"), 0);
        WANT(coppice_schedule(c, m, 20000, ref), 0);
        WANT(coppice_schedule(c, m, 3600 * (uint64_t) SECOND, never), 0);
        WANT(coppice_receive_key(c, "REF", ref, 60 * SECOND, &got), 0);
        WANT(body_is(got, "late"), 1);
        WANT(coppice_cancel(c, never), 1);
        WANT(coppice_cancel(c, ref), -ENOENT);
        coppice_message_free(m);
        return 0;
}

static int a_supervisor_is_all_its_other_children(struct coppice *c)
{
        struct coppice_message *m, *got;

        WANT(question(&m, NULL, "all"), 0);
        WANT(coppice_message_set(m, "REF", "to-all"), 0);
        WANT(coppice_broadcast(c, "/shop", m), 2); /* the others */
        for (int i = 0; i < 2; i++) {
                WANT(coppice_receive(c, 60 * SECOND, &got), 0);
                WANT(body_is(got, "all"), 1);
        }
        coppice_message_free(m);
        return 0;
}

static int descriptors_travel_along(struct coppice *c)
{
        struct coppice_message *m, *got;
        int ends[2], fd;
        char byte = 0;

        WANT(pipe(ends), 0);
        WANT(question(&m, coppice_self(), "pipe"), 0);
        WANT(coppice_message_add_fd(m, ends[1]), 0);
        WANT(coppice_send(c, m), 0);
        coppice_message_free(m);
        close(ends[1]);
        WANT(coppice_receive(c, 60 * SECOND, &got), 0);
        WANT(coppice_message_fds(got), 1);
        fd = coppice_message_take_fd(got, 0);
        WANT(fd >= 0, 1);
        WANT(coppice_message_take_fd(got, 0), -ENOENT);
        coppice_message_free(got);
        WANT(write(fd, "!", 1), 1);
        WANT(read(ends[0], &byte, 1), 1);
        WANT(byte, '!');
        close(fd);
        close(ends[0]);
        return 0;
}

/* --- links, monitors, names, channels --------------------------------------------------------------------------------------- */

static int end_of(struct coppice *c, const char *node, const char *status)
{
        return coppice_tell(c, node, "end", status, strlen(status));
}

static int an_end_is_told_once(struct coppice *c)
{
        struct coppice_message *m;
        char ref[COPPICE_REF_SIZE], other[COPPICE_REF_SIZE];

        WANT(coppice_monitor(c, "/shop/mortal", ref), 0);
        WANT(coppice_monitor(c, "/shop/mortal", other), 0);
        WANT(coppice_demonitor(c, other), 0);
        WANT(end_of(c, "/shop/mortal", "3"), 0);
        WANT(coppice_receive_key(c, "REF", ref, 60 * SECOND, &m), 0);
        WANT(coppice_message_is(m, "TOPIC", "DOWN"), 1);
        WANT(coppice_message_is(m, "NODE", "/shop/mortal"), 1);
        WANT(coppice_message_is(m, "REASON", "exit:3"), 1);
        coppice_message_free(m);
        WANT(coppice_receive_key(c, "REF", other, 1000, &m), -ETIMEDOUT);
        return 0;
}

/* Until it lives again. */
static int wait_for_life(struct coppice *c, const char *node)
{
        struct coppice_message *m, *answer;
        int r = question(&m, node, "there?");

        while (r == 0 && (r = coppice_ask(c, m, 60 * SECOND, &answer)) == -ESRCH)
                r = poll(NULL, 0, 5);
        if (r == 0)
                coppice_message_free(answer);
        coppice_message_free(m);
        return r;
}

static int a_trapped_end_is_a_message(struct coppice *c)
{
        struct coppice_message *m;

        WANT(wait_for_life(c, "/shop/mortal"), 0);
        WANT(coppice_trap_exits(c, 1), 0);
        WANT(coppice_link(c, "/shop/mortal"), 0);
        WANT(end_of(c, "/shop/mortal", "4"), 0);
        WANT(coppice_receive_key(c, "TOPIC", "EXIT", 60 * SECOND, &m), 0);
        WANT(coppice_message_is(m, "REASON", "exit:4"), 1);
        coppice_message_free(m);
        WANT(wait_for_life(c, "/shop/mortal"), 0);
        WANT(coppice_link(c, "/shop/mortal"), 0);
        WANT(coppice_unlink(c, "/shop/mortal"), 0);
        WANT(coppice_trap_exits(c, 0), 0);
        return 0;
}

static int others_are_ended(struct coppice *c)
{
        struct coppice_message *m;
        char ref[COPPICE_REF_SIZE];

        WANT(wait_for_life(c, "/shop/mortal"), 0);
        WANT(coppice_monitor(c, "/shop/mortal", ref), 0);
        WANT(coppice_exit(c, "/shop/mortal", "exit:9"), 0);
        WANT(coppice_receive_key(c, "REF", ref, 60 * SECOND, &m), 0);
        WANT(coppice_message_is(m, "REASON", "exit:9"), 1);
        coppice_message_free(m);
        WANT(wait_for_life(c, "/shop/mortal"), 0);
        WANT(coppice_monitor(c, "/shop/mortal", ref), 0);
        WANT(coppice_kill(c, "/shop/mortal"), 0);
        WANT(coppice_receive_key(c, "REF", ref, 60 * SECOND, &m), 0);
        WANT(coppice_message_is(m, "REASON", "killed"), 1);
        coppice_message_free(m);
        return 0;
}

static int count(const char *name, const char *path, void *arg)
{
        *(int *) arg += strcmp(name, "till") == 0 && strcmp(path, PEER) == 0;
        return 0;
}

static int names_are_found(struct coppice *c)
{
        char path[COPPICE_PATH_SIZE];
        int n = 0;

        WANT(coppice_register(c, "till", PEER), 0);
        WANT(coppice_register(c, "till", NULL), -EEXIST);
        WANT(coppice_whereis(c, "till", path), 0);
        WANT(strcmp(path, PEER), 0);
        WANT(coppice_whereis_local(c, "till", path), 0);
        WANT(coppice_registered(c, count, &n), 0);
        WANT(n, 1);
        WANT(coppice_unregister(c, "till"), 0);
        WANT(coppice_whereis(c, "till", path), -ENOENT);
        return 0;
}

static int a_channel_hands_out_what_was_put_in(struct coppice *c)
{
        struct coppice_message *m;

        WANT(coppice_channel_create(c, "jobs", "Capacity=4\nAcknowledge=yes\n"), 0);
        WANT(coppice_channel_create(c, "jobs", NULL), -EEXIST);
        WANT(coppice_channel_try_receive(c, "jobs", &m), -EAGAIN);
        WANT(coppice_channel_receive(c, "jobs", 20000, &m), -ETIMEDOUT);
        WANT(coppice_tell(c, "jobs", NULL, "one", 3), 0);
        WANT(coppice_channel_receive(c, "jobs", 60 * SECOND, &m), 0);
        WANT(coppice_message_get(m, "ACK") != NULL, 1);
        WANT(coppice_channel_ack(c, m), 0);
        WANT(body_is(m, "one"), 1);
        WANT(coppice_channel_close(c, "jobs"), 0);
        WANT(coppice_channel_try_receive(c, "jobs", &m), -ENOENT);
        return 0;
}

static int a_full_channel_refuses_who_will_not_wait(struct coppice *c)
{
        struct coppice_message *m;

        WANT(coppice_channel_create(c, "narrow", "Capacity=1\n"), 0);
        WANT(coppice_message_new(&m, "narrow"), 0);
        WANT(coppice_message_set(m, "TIMEOUT_USEC", "0"), 0);
        WANT(coppice_send_sync(c, m, COPPICE_DELIVERED, 60 * SECOND), 0);
        WANT(coppice_send_sync(c, m, COPPICE_DELIVERED, 60 * SECOND), -EXFULL);
        WANT(coppice_message_set(m, "TIMEOUT_USEC", "5"), 0);
        WANT(coppice_send_sync(c, m, COPPICE_DELIVERED, 60 * SECOND), -EINVAL);
        m = coppice_message_free(m);
        WANT(coppice_channel_receive(c, "narrow", 60 * SECOND, &m), 0);
        (void) coppice_message_free(m);
        WANT(coppice_channel_close(c, "narrow"), 0);
        return 0;
}

static int an_event_of_ones_own_is_text_of_one_line(struct coppice *c)
{
        char text[129];

        memset(text, 'x', 128);
        text[128] = '\0';
        WANT(coppice_emit(c, text), -EINVAL);
        WANT(coppice_emit(c, text + 1), 0);
        WANT(coppice_emit(c, ""), -EINVAL);
        WANT(coppice_emit(c, "one\ntwo"), -EINVAL);
        return 0;
}

static int the_first_of_several_channels_is_taken(struct coppice *c)
{
        const char *const names[] = { "left", "right", NULL };
        struct coppice_message *m;

        WANT(coppice_channel_create(c, "left", NULL), 0);
        WANT(coppice_channel_create(c, "right", NULL), 0);
        WANT(coppice_channel_select(c, names, 0, &m), -EAGAIN);
        WANT(coppice_channel_select(c, names, 20000, &m), -ETIMEDOUT);
        WANT(coppice_tell(c, "right", NULL, "one", 3), 0);
        WANT(coppice_channel_select(c, names, 60 * SECOND, &m), 0);
        WANT(coppice_message_is(m, "CHANNEL", "/shop/right"), 1);
        WANT(body_is(m, "one"), 1);
        WANT(coppice_channel_close(c, "left"), 0);
        WANT(coppice_channel_close(c, "right"), 0);
        return 0;
}

/* --- children ---------------------------------------------------------------------------------------------------------------- */

#define SHELL(...) (const char *const[]) { "/bin/sh", "-c", __VA_ARGS__, NULL }

static int a_child_is_started_and_awaited(struct coppice *c)
{
        static const char *const lines[] = { "Environment=STATUS=5", NULL };
        struct coppice_child what = { .argv = SHELL("read line; echo got $line; exit $STATUS"), .name = "sum", .properties = lines };
        char path[COPPICE_PATH_SIZE], ref[COPPICE_REF_SIZE], reason[COPPICE_PATH_SIZE] = "", text[20] = "";
        int in[2], out[2];

        WANT(pipe(in), 0);
        WANT(pipe(out), 0);
        what.fds = (int[]) { in[0], out[1] };
        what.fd_count = 2;
        WANT(coppice_spawn_monitor(c, &what, path, ref), 0);
        WANT(strcmp(path, "/shop/sum"), 0);
        close(in[0]);
        close(out[1]);
        WANT(coppice_try_await(c, ref, reason), -EAGAIN);
        WANT(coppice_await(c, ref, 1000, NULL), -ETIMEDOUT);
        WANT(write(in[1], "it\n", 3), 3);
        WANT(coppice_await(c, ref, 60 * SECOND, reason), 0);
        WANT(strcmp(reason, "exit:5"), 0);
        WANT(read(out[0], text, sizeof text - 1), 7);
        WANT(strcmp(text, "got it\n"), 0);
        close(in[1]);
        close(out[0]);
        return 0;
}

static int a_linked_child_is_trapped(struct coppice *c)
{
        struct coppice_child what = { .argv = SHELL("exit 6") };
        char path[COPPICE_PATH_SIZE], ref[COPPICE_REF_SIZE], reason[COPPICE_PATH_SIZE];
        struct coppice_message *m;

        WANT(coppice_trap_exits(c, 1), 0);
        WANT(coppice_spawn_link(c, &what, path), 0);
        WANT(coppice_receive_key(c, "TOPIC", "EXIT", 60 * SECOND, &m), 0);
        WANT(coppice_message_is(m, "NODE", path), 1);
        WANT(coppice_message_is(m, "REASON", "exit:6"), 1);
        coppice_message_free(m);
        /* Watched as well: both are told, each once. */
        WANT(coppice_spawn_link_monitor(c, &what, path, ref), 0);
        WANT(coppice_await(c, ref, 60 * SECOND, reason), 0);
        WANT(strcmp(reason, "exit:6"), 0);
        WANT(coppice_receive_key(c, "TOPIC", "EXIT", 60 * SECOND, &m), 0);
        WANT(coppice_message_is(m, "NODE", path), 1);
        coppice_message_free(m);
        WANT(coppice_ping(c), 0);
        WANT(coppice_try_receive(c, &m), -EAGAIN);
        WANT(coppice_trap_exits(c, 0), 0);
        return 0;
}

static int a_child_that_cannot_be_is_refused(struct coppice *c)
{
        struct coppice_child what = { .argv = (const char *const[]) { "/nonexistent/program", NULL } };
        char ref[COPPICE_REF_SIZE] = "";
        struct coppice_message *m;

        WANT(coppice_spawn_monitor(c, &what, NULL, ref), -EIO);
        WANT(strcmp(coppice_refusal(c), "failed"), 0);
        WANT(ref[0], '\0');
        WANT(coppice_receive_key(c, "TOPIC", "DOWN", 20000, &m), -ETIMEDOUT);
        what.argv = SHELL("exit 0");
        what.name = "echo";
        WANT(coppice_spawn(c, &what, NULL), -EEXIST);
        what.supervisor = "/";
        WANT(coppice_spawn(c, &what, NULL), -EPERM);
        what = (struct coppice_child) { .name = "worker@1" };
        WANT(coppice_spawn(c, &what, NULL), -EACCES);
        WANT(strcmp(coppice_refusal(c), "not-allowed"), 0);
        what = (struct coppice_child) { .argv = SHELL("exit 0"), .properties = (const char *const[]) { "two\nlines", NULL } };
        WANT(coppice_spawn(c, &what, NULL), -EINVAL);
        return 0;
}

/* --- signals, forks, descriptors ------------------------------------------------------------------------------------------ */

static void nothing(int signal)
{
        (void) signal;
}

static int a_signal_ends_a_wait(struct coppice *c)
{
        struct sigaction a = { .sa_handler = nothing, .sa_flags = SA_RESTART };
        struct itimerspec soon = { .it_value = { 0, 20000000 }, .it_interval = { 0, 20000000 } }, off = { .it_value = { 0, 0 } };
        struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1 };
        struct coppice_message *m;
        timer_t timer;

        WANT(sigaction(SIGUSR1, &a, NULL), 0);
        WANT(timer_create(CLOCK_MONOTONIC, &event, &timer), 0);
        WANT(timer_settime(timer, 0, &soon, NULL), 0);
        WANT(coppice_receive(c, COPPICE_FOREVER, &m), -EINTR);
        soon.it_value.tv_nsec = soon.it_interval.tv_nsec = 100000;
        WANT(timer_settime(timer, 0, &soon, NULL), 0);
        for (int i = 0; i < 200; i++) /* requests go on */
                WANT(coppice_ping(c), 0);
        WANT(timer_settime(timer, 0, &off, NULL), 0);
        WANT(timer_delete(timer), 0);
        return 0;
}

static int in_a_child(struct coppice *c)
{
        struct coppice *own;
        struct coppice_message *m;

        if (coppice_ping(c) != -ECHILD || coppice_try_receive(c, &m) != -ECHILD)
                return 1;
        (void) coppice_close(c);
        if (coppice_open(&own, 0) != 0)
                return 2;
        if (coppice_tell(own, coppice_self(), "child", "born", 4) != 0)
                return 3;
        return coppice_close(own) ? 4 : 0;
}

static int a_child_has_its_own(struct coppice *c)
{
        struct coppice_message *m;
        int status;
        pid_t pid;

        WANT(to_self(c, "aside", "kept"), 0);
        WANT(coppice_receive_key(c, "TOPIC", "child", 30000, &m), -ETIMEDOUT);
        pid = fork();
        if (pid == 0)
                _exit(in_a_child(c));
        WANT(waitpid(pid, &status, 0), pid);
        WANT(status, 0);
        WANT(coppice_receive_key(c, "TOPIC", "child", 60 * SECOND, &m), 0);
        WANT(body_is(m, "born"), 1);
        WANT(coppice_receive(c, 0, &m), 0);
        WANT(body_is(m, "kept"), 1);
        return 0;
}

static int what_was_put_aside_can_be_given_back(struct coppice *c)
{
        struct coppice *other;
        struct coppice_message *m;

        WANT(to_self(c, "a", "1"), 0);
        WANT(to_self(c, "a", "2"), 0);
        WANT(coppice_receive_key(c, "TOPIC", "b", 50000, &m), -ETIMEDOUT);
        WANT(coppice_open(&other, 0), 0);
        WANT(coppice_try_receive(other, &m), -EAGAIN);
        WANT(coppice_give_back(c), 0);
        WANT(coppice_receive(other, 60 * SECOND, &m), 0);
        WANT(body_is(m, "1"), 1);
        WANT(coppice_receive(other, 60 * SECOND, &m), 0);
        WANT(body_is(m, "2"), 1);
        coppice_close(other);
        return 0;
}

static int late_answers_are_dropped(struct coppice *c)
{
        struct coppice_message *m, *answer;

        WANT(question(&m, PEER, "late"), 0);
        WANT(coppice_message_set(m, "TOPIC", "slow"), 0);
        WANT(coppice_ask(c, m, 20000, &answer), -ETIMEDOUT);
        WANT(coppice_tell(c, PEER, "go", NULL, 0), 0);
        WANT(coppice_message_set(m, "TOPIC", NULL), 0);
        WANT(coppice_ask(c, m, 60 * SECOND, &answer), 0); /* it comes behind the late one */
        WANT(body_is(answer, "late"), 1);
        WANT(coppice_try_receive(c, &m), -EAGAIN);
        return 0;
}

static int open_descriptors(void)
{
        int n = 0;

        for (int fd = 0; fd < 200; fd++)
                n += fcntl(fd, F_GETFD) >= 0;
        return n;
}

static int nothing_is_left_open(struct coppice *c)
{
        const int before = open_descriptors();
        struct coppice *other;
        struct coppice_message *m;

        for (int i = 0; i < 20; i++) {
                WANT(coppice_open(&other, 0), 0);
                WANT(coppice_fd(other) >= 0, 1);
                WANT(coppice_ping(other), 0);
                coppice_close(other);
                WANT(question(&m, coppice_self(), "fd"), 0);
                WANT(coppice_message_add_fd(m, 0), 0);
                WANT(coppice_send(c, m), 0);
                coppice_message_free(m);
                WANT(coppice_receive(c, 60 * SECOND, &m), 0);
                coppice_message_free(m); /* the descriptor has not been taken */
                WANT(coppice_notify(0, "STATUS=counting"), 1);
                WANT(coppice_notify_barrier(0, 60000000), 1);
        }
        WANT(open_descriptors(), before);
        return 0;
}

/* --- notify -------------------------------------------------------------------------------------------------------------------- */

static int the_supervisor_hears_it(struct coppice *c)
{
        uint64_t usec = 0;

        (void) c;
        WANT(sd_notifyf(0, "STATUS=%d checks", 42), 1);
        WANT(sd_notify_barrier(0, 60000000), 1);
        WANT(sd_watchdog_enabled(0, &usec), 1);
        WANT(usec, 600000000);
        WANT(sd_notify(0, "WATCHDOG=1"), 1);
        WANT(sd_listen_fds(0), 0);
        WANT(sd_is_fifo(0, NULL), 0);
        return 0;
}

static const struct {
        const char *name;
        int (*run)(struct coppice *c);
} checks[] = {
        CHECK(a_message_holds_what_was_put_in),
        CHECK(a_question_is_answered),
        CHECK(a_refusal_is_an_errno_and_a_word),
        CHECK(what_cannot_be_delivered_comes_back),
        CHECK(a_send_waits_until_it_was_taken),
        CHECK(nothing_comes_in_time),
        CHECK(a_selective_receive_leaves_the_others_in_order),
        CHECK(what_is_put_aside_is_bounded),
        CHECK(the_descriptor_is_readable_while_there_is_something),
        CHECK(a_message_to_oneself_comes_when_it_is_time),
        CHECK(a_supervisor_is_all_its_other_children),
        CHECK(descriptors_travel_along),
        CHECK(an_end_is_told_once),
        CHECK(a_trapped_end_is_a_message),
        CHECK(others_are_ended),
        CHECK(names_are_found),
        CHECK(a_channel_hands_out_what_was_put_in),
        CHECK(a_full_channel_refuses_who_will_not_wait),
        CHECK(an_event_of_ones_own_is_text_of_one_line),
        CHECK(the_first_of_several_channels_is_taken),
        CHECK(a_child_is_started_and_awaited),
        CHECK(a_linked_child_is_trapped),
        CHECK(a_child_that_cannot_be_is_refused),
        CHECK(a_signal_ends_a_wait),
        CHECK(a_child_has_its_own),
        CHECK(what_was_put_aside_can_be_given_back),
        CHECK(late_answers_are_dropped),
        CHECK(nothing_is_left_open),
        CHECK(the_supervisor_hears_it),
};

int main(int argc, char **argv)
{
        struct coppice *c;
        int r = coppice_open(&c, 0);

        if (r < 0 || argc < 2) {
                (void) fprintf(stderr, "no mailbox: %s\n", strerror(-r));
                return EXIT_FAILURE;
        }
        (void) coppice_notify(0, "READY=1");
        if (strcmp(argv[1], "all") == 0)
                RUN_CHECKS(checks, c, argc > 2 ? argv[2] : "");
        r = echo(c);
        (void) coppice_close(c);
        return r == -EPIPE ? EXIT_SUCCESS : EXIT_FAILURE;
}
