/* operator.c - a client of the control socket that says everything libcoppice can say there. See vocabulary.c. */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>

#include <coppice.h>

#include "checks.h"

#define PARAMS(...) ((const char *const[]) { __VA_ARGS__, NULL })

static int a_reply_is_read_by_place(struct coppice_control *k)
{
        const char *text;
        int64_t number;

        WANT(coppice_control_call(k, "Status", PARAMS("node", "/shop/echo")), 0);
        WANT(coppice_control_text(k, "status.state", &text), 0);
        WANT(strcmp(text, "running"), 0);
        WANT(coppice_control_number(k, "status.main_pid", &number), 0);
        WANT(number > 1, 1);
        WANT(coppice_control_number(k, "status.ready", &number), 0);
        WANT(number, 1);
        WANT(coppice_control_text(k, "status.restarts", &text), -EINVAL);
        WANT(coppice_control_number(k, "status.state", &number), -EINVAL);
        WANT(coppice_control_text(k, "status.nothing", &text), -ENOENT);
        WANT(coppice_control_size(k, "status.links"), 0);
        WANT(coppice_control_call(k, "List", NULL), 0);
        WANT(coppice_control_size(k, "nodes") > 4, 1);
        WANT(coppice_control_text(k, "nodes.0.path", &text), 0);
        WANT(text[0], '/');
        WANT(coppice_control_text(k, "nodes.99999.path", &text), -ENOENT);
        WANT(strncmp(coppice_control_json(k), "{\"nodes\":[{", 11), 0);
        WANT(strcmp(coppice_control_error(k), ""), 0);
        return 0;
}

static int an_error_has_a_name_and_an_errno(struct coppice_control *k)
{
        const char *text;

        WANT(coppice_control_call(k, "Status", PARAMS("node", "/nobody")), -ENOENT);
        WANT(strcmp(coppice_control_error(k), "NoSuchNode"), 0);
        WANT(coppice_control_text(k, "node", &text), 0);
        WANT(strcmp(text, "/nobody"), 0);
        WANT(coppice_control_call(k, "Nonsense", NULL), -ENOSYS);
        WANT(coppice_control_call(k, "Exit", PARAMS("node", "/shop/echo", "reason", "nonsense")), -EINVAL);
        WANT(coppice_control_call(k, "Whereis", PARAMS("name", "nobody")), -ENOENT);
        WANT(coppice_control_call(k, "org.varlink.service.GetInfo", NULL), 0);
        return 0;
}

static int lists_and_other_values_are_passed(struct coppice_control *k)
{
        int64_t pid, other;

        WANT(coppice_control_call(k, "Status", PARAMS("node", "/shop/mortal")), 0);
        WANT(coppice_control_number(k, "status.main_pid", &pid), 0);
        WANT(coppice_control_call(k, "Restart", PARAMS("nodes[]", "/shop/mortal", "no_block:", "false", "nodes[]", "/other")), 0);
        WANT(coppice_control_size(k, "outcomes"), 2);
        WANT(coppice_control_call(k, "Status", PARAMS("node", "/shop/mortal")), 0);
        WANT(coppice_control_number(k, "status.main_pid", &other), 0);
        WANT(pid != other, 1);
        WANT(coppice_control_call(k, "Status", PARAMS("node", NULL)), -EINVAL);
        return 0;
}

static int a_question_is_answered(struct coppice_control *k)
{
        struct coppice_message *m, *answer;
        size_t n;

        WANT(coppice_message_new(&m, "/shop/echo"), 0);
        WANT(coppice_message_set_body(m, "\0\1\377", 3), 0);
        WANT(coppice_control_send(k, m, COPPICE_TAKEN), 0);
        WANT(coppice_control_ask(k, m, &answer), 0);
        WANT(memcmp(coppice_message_body(answer, &n), "\0\1\377", 3), 0);
        WANT(n, 3);
        WANT(coppice_message_is(answer, "FROM", "/shop/echo"), 1);
        coppice_message_free(answer);
        WANT(coppice_message_set_body(m, "text \"quoted\"\n", 14), 0);
        WANT(coppice_control_ask(k, m, &answer), 0);
        WANT(strcmp(coppice_message_body(answer, NULL), "text \"quoted\"\n"), 0);
        coppice_message_free(answer);
        WANT(coppice_message_set(m, "TO", "/shop/mute"), 0);
        WANT(coppice_control_send(k, m, COPPICE_DELIVERED), -EOPNOTSUPP);
        WANT(strcmp(coppice_control_error(k), "Refused"), 0);
        coppice_message_free(m);
        return 0;
}

/* It waits for an end that does not come; the reply of it must not be taken for that of the next call. */
static int a_call_that_was_given_up_is_not_mixed_up(struct coppice_control *k)
{
        const char *text;

        WANT(coppice_control_set_timeout(k, 20000), 0);
        WANT(coppice_control_call(k, "Await", PARAMS("nodes[]", "/shop/mortal")), -ETIMEDOUT);
        WANT(coppice_control_set_timeout(k, COPPICE_FOREVER), 0);
        {
                struct coppice_control *other;

                WANT(coppice_control_open(&other, NULL), 0);
                WANT(coppice_control_call(other, "Exit", PARAMS("node", "/shop/mortal", "reason", "exit:7")), 0);
                WANT(coppice_control_close(other) == NULL, 1);
        }
        WANT(coppice_control_call(k, "Whereis", PARAMS("name", "nobody")), -ENOENT);
        WANT(coppice_control_call(k, "Status", PARAMS("node", "/shop/echo")), 0);
        WANT(coppice_control_text(k, "status.path", &text), 0);
        WANT(strcmp(text, "/shop/echo"), 0);
        return 0;
}

static int replies_without_end_are_read_in_a_loop(struct coppice_control *k)
{
        struct coppice_control *stream;
        struct pollfd p = { .events = POLLIN };
        int64_t seq = 0;
        int r;

        WANT(coppice_control_open(&stream, NULL), 0);
        WANT(coppice_control_start(stream, "Events", PARAMS("snapshot:", "true"), COPPICE_MORE, NULL, 0), 0);
        WANT(coppice_control_next(stream, 60 * SECOND), 1);
        WANT(coppice_control_size(stream, "nodes") > 4, 1);
        WANT(coppice_control_next(stream, 0), -EAGAIN);
        WANT(coppice_control_call(k, "Exit", PARAMS("node", "/shop/mortal", "reason", "exit:8")), 0);
        p.fd = coppice_control_fd(stream);
        while (seq == 0) {
                WANT(poll(&p, 1, 60000), 1);
                while ((r = coppice_control_next(stream, 0)) == 1)
                        if (coppice_control_size(stream, "records") > 0)
                                WANT(coppice_control_number(stream, "records.0.seq", &seq), 0);
                WANT(r, -EAGAIN);
        }
        WANT(coppice_control_close(stream) == NULL, 1);
        return 0;
}

static int a_daemon_that_is_not_there(struct coppice_control *k)
{
        struct coppice_control *other;

        (void) k;
        WANT(coppice_control_open(&other, "/nonexistent/control"), -ENOENT);
        WANT(coppice_control_close(NULL) == NULL, 1);
        return 0;
}

static const struct {
        const char *name;
        int (*run)(struct coppice_control *k);
} checks[] = {
        CHECK(a_reply_is_read_by_place),
        CHECK(an_error_has_a_name_and_an_errno),
        CHECK(lists_and_other_values_are_passed),
        CHECK(a_question_is_answered),
        CHECK(a_call_that_was_given_up_is_not_mixed_up),
        CHECK(replies_without_end_are_read_in_a_loop),
        CHECK(a_daemon_that_is_not_there),
};

int main(int argc, char **argv)
{
        struct coppice_control *k;
        int r = coppice_control_open(&k, NULL);

        if (r < 0) {
                (void) fprintf(stderr, "no daemon: %s\n", strerror(-r));
                return EXIT_FAILURE;
        }
        RUN_CHECKS(checks, k, argc > 1 ? argv[1] : "");
        (void) coppice_control_close(k);
        return EXIT_SUCCESS;
}
