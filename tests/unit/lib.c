/* lib.c - libcoppice without a daemon: messages, the queue of what is put aside, waits, and what refuses them, against the
 * other end of a socket pair that plays coppice. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "lib/parts.h"
#include "lib/wire.h"

#define SECOND INT64_C(1000000)

struct pair {
        struct coppice *c;
        int ours, theirs; /* theirs is coppice's end */
};

static int begin(void **state)
{
        struct pair *p = calloc(1, sizeof *p);
        int ends[2];

        if (!p || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
                return -1;
        p->ours = ends[0];
        p->theirs = ends[1];
        *state = p;
        return coppice_open_fd(&p->c, p->ours, 0);
}

static int end(void **state)
{
        struct pair *p = *state;

        (void) coppice_set_timeout(p->c, 0);
        (void) coppice_close(p->c);
        fd_close(&p->ours);
        fd_close(&p->theirs);
        free(p);
        return 0;
}

static void comes(struct pair *p, const char *text)
{
        assert_int_equal(send(p->theirs, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

/* The next message is that one. */
static void next_is(struct pair *p, const char *body)
{
        struct coppice_message *m;

        assert_int_equal(coppice_receive(p->c, 5 * SECOND, &m), 0);
        assert_string_equal(coppice_message_body(m, NULL), body);
        (void) coppice_message_free(m);
}

static void nothing_more(struct pair *p)
{
        struct coppice_message *m;

        assert_int_equal(coppice_try_receive(p->c, &m), -EAGAIN);
}

/* --- messages ------------------------------------------------------------------------------------------------------------ */

static void a_message_is_given_back_as_it_came(void **state)
{
        static const char *const rows[] = {
                "\n", "TO=/a\n\n", "FROM=/b\nTO=a=b=\nX_K= v \nREF=1\n\nbody\nTO=/x\n\n", "TOPIC=EXIT\nFROM=coppice\n\n",
        };

        (void) state;
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                struct coppice_message *m;
                struct buf bytes = BUF_INIT;

                assert_int_equal(message_take(&m, rows[i], strlen(rows[i]), NULL, 0), 0);
                message_bytes(m, &bytes);
                assert_string_equal(buf_text(&bytes), rows[i]);
                buf_free(&bytes);
                (void) coppice_message_free(m);
        }
}

static void what_is_sent_on_does_not_say_who_sent_it_first(void **state)
{
        static const char came[] = "FROM=/b\nTO=/a\nREF=1\nRESULT=ok\nX_K=v\n\nbody";
        struct coppice_message *m;
        struct buf bytes = BUF_INIT;

        (void) state;
        assert_int_equal(message_take(&m, came, sizeof came - 1, NULL, 0), 0);
        assert_int_equal(message_write(m, (struct line[]) { { MESSAGE_TO, "/c" }, { MESSAGE_REF, NULL } }, 2, &bytes), 0);
        assert_string_equal(buf_text(&bytes), "TO=/c\nREF=1\nX_K=v\n\nbody");
        buf_clear(&bytes);
        assert_int_equal(message_write(m, (struct line[]) { { MESSAGE_TO, "two\nlines" } }, 1, &bytes), -EINVAL);
        buf_free(&bytes);
        (void) coppice_message_free(m);
}

static void a_message_cannot_grow_beyond_what_may_be_sent(void **state)
{
        char value[MESSAGE_VALUE_MAX + 2], key[16];
        autofree char *body = calloc(1, COPPICE_MESSAGE_MAX + 1);
        struct coppice_message *m;
        struct pair *p = *state;
        int r = 0;

        memset(value, 'v', sizeof value);
        value[sizeof value - 1] = '\0';
        assert_int_equal(coppice_message_new(&m, "/a"), 0);
        assert_int_equal(coppice_message_set(m, "X_LONG", value), -EINVAL);
        value[MESSAGE_VALUE_MAX] = '\0';
        for (int i = 0; i < 10 && r == 0; i++) {
                (void) snprintf(key, sizeof key, "X_%d", i);
                r = coppice_message_set(m, key, value);
        }
        assert_int_equal(r, -E2BIG);
        assert_int_equal(coppice_message_set_body(m, body, COPPICE_MESSAGE_MAX + 1), -EMSGSIZE);
        assert_int_equal(coppice_message_set_body(m, body, COPPICE_MESSAGE_MAX), 0);
        assert_int_equal(coppice_send(p->c, m), -EMSGSIZE); /* with its head it is longer */
        (void) coppice_message_free(m);
        assert_int_equal(coppice_message_new(&m, "/a"), 0);
        for (int i = 0; i < MESSAGE_LINES_MAX; i++) {
                (void) snprintf(key, sizeof key, "X_%d", i);
                r = coppice_message_set(m, key, "1");
        }
        assert_int_equal(r, -E2BIG); /* TO was one of forty */
        assert_int_equal(coppice_message_set(m, "X_1", "2"), 0);
        (void) coppice_message_free(m);
}

static void every_word_of_refusal_has_an_errno(void **state)
{
        static const char *const words[] = {
#define MAIL(id, word, sentence) word,
#include "core/mail_results.def"
#undef MAIL
        };
        static const char *const rows[] = {
#define RESULT(word, code, when) word,
#include "lib/results.def"
#undef RESULT
        };

        (void) state;
        assert_int_equal(result_errno("ok"), 0);
        assert_int_equal(result_errno("never heard of"), -EIO);
        for (size_t i = 0; i < ARRAY_LEN(words); i++)
                if (strcmp(words[i], "ok") != 0 && strcmp(words[i], "wait") != 0 && strcmp(words[i], "failed") != 0 &&
                    result_errno(words[i]) == -EIO)
                        fail_msg("src/lib/results.def has no row for \"%s\"", words[i]);
        for (size_t i = 0; i < ARRAY_LEN(rows); i++)
                for (size_t k = 0; k < i; k++)
                        if (strcmp(rows[i], rows[k]) == 0)
                                fail_msg("src/lib/results.def has two rows for \"%s\"", rows[i]);
}

/* --- receiving ------------------------------------------------------------------------------------------------------------- */

static void what_does_not_fit_is_put_aside_in_its_order(void **state)
{
        struct pair *p = *state;
        struct coppice_message *m;

        comes(p, "TOPIC=a\n\n1");
        comes(p, "TOPIC=b\n\n2");
        comes(p, "TOPIC=a\n\n3");
        comes(p, "TOPIC=c\n\n4");
        assert_int_equal(coppice_receive_key(p->c, "TOPIC", "c", 5 * SECOND, &m), 0);
        (void) coppice_message_free(m);
        assert_int_equal(coppice_receive_key(p->c, "TOPIC", "b", 0, &m), 0);
        assert_int_equal(coppice_put_back(p->c, m), 0);
        comes(p, "TOPIC=a\n\n5");
        next_is(p, "2");
        next_is(p, "1");
        next_is(p, "3");
        next_is(p, "5");
        nothing_more(p);
}

static void the_last_of_the_queue_can_be_taken_and_the_queue_goes_on(void **state)
{
        struct pair *p = *state;
        struct coppice_message *m;

        comes(p, "TOPIC=a\n\n1");
        comes(p, "TOPIC=b\n\n2");
        assert_int_equal(coppice_receive_key(p->c, "TOPIC", "c", 0, &m), -EAGAIN);
        assert_int_equal(coppice_receive_key(p->c, "TOPIC", "b", 0, &m), 0);
        (void) coppice_message_free(m);
        comes(p, "TOPIC=b\n\n3");
        assert_int_equal(coppice_receive_key(p->c, "TOPIC", "c", 0, &m), -EAGAIN);
        next_is(p, "1");
        next_is(p, "3");
        nothing_more(p);
        assert_int_equal(p->c->saved_count, 0);
        assert_int_equal(p->c->saved_bytes, 0);
}

static void the_queue_is_bounded_in_bytes(void **state)
{
        struct pair *p = *state;
        struct coppice_message *m;

        assert_int_equal(coppice_set_saved_max(p->c, 100, 1), 0);
        comes(p, "TOPIC=a\n\n1");
        comes(p, "TOPIC=a\n\n2");
        assert_int_equal(coppice_receive_key(p->c, "TOPIC", "c", 5 * SECOND, &m), -ENOBUFS);
        next_is(p, "1");
        next_is(p, "2");
}

static void bad_bytes_are_thrown_away_and_the_end_is_told(void **state)
{
        struct pair *p = *state;
        struct coppice_message *m;

        comes(p, "no head");
        comes(p, "TOPIC=a\n\n1");
        assert_int_equal(coppice_receive(p->c, 0, &m), -EBADMSG);
        next_is(p, "1");
        fd_close(&p->theirs);
        assert_int_equal(coppice_receive(p->c, COPPICE_FOREVER, &m), -EPIPE);
        assert_int_equal(coppice_tell(p->c, "/a", NULL, "", 0), -EPIPE);
        assert_int_equal(coppice_ping(p->c), -EPIPE);
}

static void descriptors_nobody_wants_are_closed(void **state)
{
        struct pair *p = *state;
        struct iovec part = { (void *) (uintptr_t) "TOPIC=a\n\n", 9 };
        int ends[2], many[COPPICE_FDS_MAX + 1];
        struct coppice_message *m;
        char byte;

        assert_int_equal(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
        for (size_t i = 0; i < ARRAY_LEN(many); i++)
                many[i] = ends[1];
        assert_int_equal(wire_send(p->theirs, &part, 1, many, ARRAY_LEN(many)), 9);
        fd_close(&ends[1]);
        assert_int_equal(coppice_receive(p->c, 0, &m), 0);
        assert_int_equal(coppice_message_fds(m), COPPICE_FDS_MAX);
        (void) coppice_message_free(m);
        assert_int_equal(read(ends[0], &byte, 1), 0); /* nobody holds the other end */
        fd_close(&ends[0]);
}

static void the_descriptor_tells_of_what_is_put_aside_too(void **state)
{
        struct pair *p = *state;
        struct pollfd watch = { .fd = coppice_fd(p->c), .events = POLLIN };
        struct coppice_message *m;

        assert_true(watch.fd >= 0);
        assert_int_equal(coppice_fd(p->c), watch.fd);
        assert_int_equal(poll(&watch, 1, 0), 0);
        comes(p, "TOPIC=a\n\n1");
        assert_int_equal(poll(&watch, 1, 5000), 1);
        assert_int_equal(coppice_receive_key(p->c, "TOPIC", "b", 0, &m), -EAGAIN);
        assert_int_equal(poll(&watch, 1, 0), 1);
        assert_int_equal(coppice_try_receive(p->c, &m), 0);
        assert_int_equal(poll(&watch, 1, 0), 0);
        assert_int_equal(coppice_put_back(p->c, m), 0);
        assert_int_equal(poll(&watch, 1, 0), 1);
        next_is(p, "1");
        assert_int_equal(poll(&watch, 1, 0), 0);
}

/* --- requests --------------------------------------------------------------------------------------------------------------- */

/* The answer to the n-th request from now, before it is asked: coppice's end is not a thread. */
static void answers(struct pair *p, char kind, unsigned n, const char *lines)
{
        char text[200];

        (void) snprintf(text, sizeof text, "FROM=coppice\nTOPIC=DONE\nREF=%c%s-%llu\n%s\n\n", kind, p->c->mark + 1,
                        (unsigned long long) p->c->last_ref + n, lines);
        comes(p, text);
}

static void a_late_answer_is_dropped_an_early_one_found(void **state)
{
        struct pair *p = *state;

        comes(p, "TOPIC=a\n\n1");
        answers(p, 'c', 1, "RESULT=not-descendant");
        assert_int_equal(coppice_link(p->c, "/x"), -EPERM);
        assert_string_equal(coppice_refusal(p->c), "not-descendant");
        (void) coppice_set_timeout(p->c, 1000);
        assert_int_equal(coppice_link(p->c, "/x"), -ETIMEDOUT);
        assert_string_equal(coppice_refusal(p->c), "");
        answers(p, 'c', 0, "RESULT=ok");
        answers(p, 'c', 1, "RESULT=noproc");
        assert_int_equal(coppice_link(p->c, "/x"), -ESRCH);
        next_is(p, "1");
        nothing_more(p);
}

static void a_watch_that_is_given_up_is_heard_of_no_more(void **state)
{
        struct pair *p = *state;
        char ref[COPPICE_REF_SIZE], text[200];

        answers(p, 'm', 1, "RESULT=ok");
        assert_int_equal(coppice_monitor(p->c, "/x", ref), 0);
        (void) snprintf(text, sizeof text, "FROM=coppice\nTOPIC=DOWN\nREF=%s\nNODE=/x\nREASON=normal\n\n", ref);
        comes(p, text);
        answers(p, 'c', 1, "RESULT=not-found");
        assert_int_equal(coppice_demonitor(p->c, ref), 0); /* it had come: nothing was watched any more, but it is gone */
        nothing_more(p);
        answers(p, 'c', 1, "RESULT=not-found");
        assert_int_equal(coppice_demonitor(p->c, ref), -ENOENT);
}

static void names_are_read_line_by_line(void **state)
{
        struct pair *p = *state;
        char path[COPPICE_PATH_SIZE] = "";

        answers(p, 'c', 1, "RESULT=ok\nNODE=/shop/api");
        assert_int_equal(coppice_whereis(p->c, "till", path), 0);
        assert_string_equal(path, "/shop/api");
        answers(p, 'c', 1, "RESULT=not-found");
        assert_int_equal(coppice_whereis(p->c, "till", path), -ENOENT);
        answers(p, 'c', 1, "RESULT=ok");
        assert_int_equal(coppice_whereis(p->c, "till", path), -EBADMSG);
        assert_string_equal(path, "/shop/api");
}

static void a_message_of_any_of_some_channels_is_taken(void **state)
{
        struct pair *p = *state;
        const char *const names[] = { "jobs", "/shop/orders.channel", NULL };
        struct coppice_message *m;
        char bytes[200] = "", want[200];

        comes(p, "FROM=/x\nCHANNEL=/shop/other\n\n1");
        comes(p, "FROM=/x\nCHANNEL=/shop/jobs\n\n2");
        assert_int_equal(coppice_channel_select(p->c, names, 5000, &m), 0);
        assert_string_equal(coppice_message_body(m, NULL), "2");
        (void) coppice_message_free(m);
        assert_true(recv(p->theirs, bytes, sizeof bytes - 1, MSG_DONTWAIT) > 0);
        (void) snprintf(want, sizeof want, "CALL=select\nREF=%s-1\nTIMEOUT_USEC=5000\n\njobs\n/shop/orders.channel\n", p->c->mark);
        assert_string_equal(bytes, want);
        answers(p, 'c', 1, "RESULT=closed");
        assert_int_equal(coppice_channel_select(p->c, names, COPPICE_FOREVER, &m), -EPIPE);
        next_is(p, "1");
}

/* --- waiting ------------------------------------------------------------------------------------------------------------------ */

static void a_send_that_waits_goes_on_reading(void **state)
{
        struct pair *p = *state;
        autofree char *body = calloc(1, 60000);
        struct coppice_message *m;
        size_t sent = 0;
        int r;

        assert_int_equal(coppice_message_new(&m, "/a"), 0);
        assert_int_equal(coppice_message_set_body(m, body, 60000), 0);
        while ((r = coppice_try_send(p->c, m)) == 0)
                sent++;
        assert_int_equal(r, -EAGAIN);
        assert_true(sent > 0);
        comes(p, "TOPIC=a\n\n1");
        (void) coppice_set_timeout(p->c, 20000);
        assert_int_equal(coppice_send(p->c, m), -ETIMEDOUT);
        assert_int_equal(p->c->saved_count, 1);
        next_is(p, "1");
        (void) coppice_message_free(m);
}

static void on_alarm(int signal)
{
        (void) signal;
}

static void a_signal_ends_a_wait_but_not_that_for_an_answer(void **state)
{
        struct pair *p = *state;
        struct sigaction a = { .sa_handler = on_alarm, .sa_flags = SA_RESTART };
        struct itimerval often = { { 0, 2000 }, { 0, 2000 } }, never = { 0 };
        struct coppice_message *m, *q;

        assert_int_equal(sigaction(SIGALRM, &a, NULL), 0);
        (void) setitimer(ITIMER_REAL, &often, NULL);
        assert_int_equal(coppice_receive(p->c, COPPICE_FOREVER, &m), -EINTR);
        assert_int_equal(coppice_message_new(&q, "/a"), 0);
        assert_int_equal(coppice_ask(p->c, q, COPPICE_FOREVER, &m), -EINTR);
        (void) coppice_set_timeout(p->c, 50000);
        assert_int_equal(coppice_ping(p->c), -ETIMEDOUT);
        (void) setitimer(ITIMER_REAL, &never, NULL);
        (void) coppice_message_free(q);
}

static void a_child_may_only_free(void **state)
{
        struct pair *p = *state;
        struct coppice_message *m;
        int status;
        pid_t pid;

        comes(p, "TOPIC=a\n\n1");
        assert_int_equal(coppice_receive_key(p->c, "TOPIC", "b", 0, &m), -EAGAIN);
        pid = fork();
        if (pid == 0) {
                bool right = coppice_fd(p->c) == -ECHILD && coppice_try_receive(p->c, &m) == -ECHILD && coppice_ping(p->c) == -ECHILD &&
                             coppice_give_back(p->c) == -ECHILD && coppice_tell(p->c, "/a", NULL, "", 0) == -ECHILD;

                (void) coppice_close(p->c);
                _exit(right ? 0 : 1);
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(status, 0);
        assert_int_equal(recv(p->theirs, &status, sizeof status, MSG_DONTWAIT), -1); /* the child has given nothing back */
        next_is(p, "1");
}

static void what_is_no_mailbox_is_refused(void **state)
{
        struct coppice *c;
        int fds[2], stream[2];

        (void) state;
        assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, stream), 0);
        assert_int_equal(coppice_open_fd(&c, fds[0], 0), -ENOTSOCK);
        assert_int_equal(coppice_open_fd(&c, stream[0], 0), -EPROTOTYPE);
        assert_int_equal(coppice_open_fd(&c, -1, 0), -EBADF);
        (void) unsetenv("COPPICE_MAILBOX");
        assert_int_equal(coppice_open(&c, 0), -ENXIO);
        (void) setenv("COPPICE_MAILBOX", "1", 1);
        assert_int_equal(coppice_open(&c, 0), -EBADF);
        (void) setenv("COPPICE_MAILBOX", "9x", 1);
        assert_int_equal(coppice_open(&c, 0), -EBADF);
        (void) unsetenv("COPPICE_MAILBOX");
        wire_close((int[]) { fds[0], fds[1], stream[0], stream[1] }, 4);
}

static void what_was_put_aside_is_given_back_newest_first(void **state)
{
        struct pair *p = *state;
        struct coppice_message *m;
        char bytes[100];

        comes(p, "FROM=/x\nTOPIC=a\n\n1");
        comes(p, "FROM=/x\nTOPIC=a\n\n2");
        assert_int_equal(coppice_receive_key(p->c, "TOPIC", "b", 0, &m), -EAGAIN);
        (void) coppice_set_timeout(p->c, 1000);
        assert_int_equal(coppice_give_back(p->c), -ETIMEDOUT); /* nobody reads it, but it is on its way */
        memset(bytes, 0, sizeof bytes);
        assert_true(recv(p->theirs, bytes, sizeof bytes - 1, MSG_DONTWAIT) > 0);
        assert_string_equal(bytes, "CALL=return\n\nFROM=/x\nTOPIC=a\n\n2");
        memset(bytes, 0, sizeof bytes);
        assert_true(recv(p->theirs, bytes, sizeof bytes - 1, MSG_DONTWAIT) > 0);
        assert_string_equal(bytes, "CALL=return\n\nFROM=/x\nTOPIC=a\n\n1");
        nothing_more(p);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, begin, end)
int main(void)
{
        const struct CMUnitTest tests[] = {
                TEST(a_message_is_given_back_as_it_came),
                TEST(what_is_sent_on_does_not_say_who_sent_it_first),
                TEST(a_message_cannot_grow_beyond_what_may_be_sent),
                TEST(every_word_of_refusal_has_an_errno),
                TEST(what_does_not_fit_is_put_aside_in_its_order),
                TEST(the_last_of_the_queue_can_be_taken_and_the_queue_goes_on),
                TEST(the_queue_is_bounded_in_bytes),
                TEST(bad_bytes_are_thrown_away_and_the_end_is_told),
                TEST(descriptors_nobody_wants_are_closed),
                TEST(the_descriptor_tells_of_what_is_put_aside_too),
                TEST(a_late_answer_is_dropped_an_early_one_found),
                TEST(a_watch_that_is_given_up_is_heard_of_no_more),
                TEST(names_are_read_line_by_line),
                TEST(a_message_of_any_of_some_channels_is_taken),
                TEST(a_send_that_waits_goes_on_reading),
                TEST(a_signal_ends_a_wait_but_not_that_for_an_answer),
                TEST(a_child_may_only_free),
                TEST(what_is_no_mailbox_is_refused),
                TEST(what_was_put_aside_is_given_back_newest_first),
        };

        return cmocka_run_group_tests_name("libcoppice", tests, NULL, NULL);
}
