/* spawn.c - services that start services, and wait for their end. See coppice.h, parts.h. */
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "lib/parts.h"
#include "lib/wire.h"

/* A line for each property, an empty one, the words of the command with their NULs. */
static int write_body(const struct coppice_child *what, struct buf *out)
{
        for (const char *const *p = what->properties; p && *p; p++) {
                if (strchr(*p, '\n') || !**p)
                        return -EINVAL;
                buf_adds(out, *p);
                buf_addc(out, '\n');
        }
        if (what->argv || what->properties)
                buf_addc(out, '\n');
        for (const char *const *word = what->argv; word && *word; word++)
                buf_add(out, *word, strlen(*word) + 1);
        return buf_failed(out) ? -ENOMEM : 0;
}

/* A child that could not be started is told of as DOWN too, to whom nobody waits for it any more. */
static void forget_watch(struct coppice *c, const char *ref)
{
        char refusal[sizeof c->refusal];

        memcpy(refusal, c->refusal, sizeof refusal);
        (void) coppice_demonitor(c, ref);
        memcpy(c->refusal, refusal, sizeof refusal);
}

static int spawn(struct coppice *c, const struct coppice_child *what, const char *tie, char *ret_path, char *ret_ref)
{
        const struct line lines[] = { { MESSAGE_CALL, "spawn" }, { MESSAGE_NAME, what->name },
                                      { MESSAGE_NODE, what->supervisor }, { MESSAGE_VALUE, tie } };
        struct coppice_message *m, *done = NULL;
        autobuf struct buf body = BUF_INIT;
        char ref[COPPICE_REF_SIZE] = "";
        const char *path;
        int r = coppice_message_new(&m, NULL);

        if (r < 0)
                return r;
        r = write_body(what, &body);
        if (r == 0)
                r = coppice_message_set_body(m, buf_text(&body), body.len);
        for (size_t i = 0; r == 0 && i < what->fd_count; i++)
                r = coppice_message_add_fd(m, what->fds[i]);
        if (r == 0)
                r = call_request(c, m, lines, ARRAY_LEN(lines), ret_ref ? 'm' : 'c', ref, &done);
        if (r < 0 && ret_ref && r != -ECHILD)
                forget_watch(c, ref);
        path = r == 0 ? message_line(done, MESSAGE_NODE) : NULL;
        if (path && ret_path && strlen(path) < COPPICE_PATH_SIZE)
                memcpy(ret_path, path, strlen(path) + 1);
        if (r == 0 && ret_ref)
                memcpy(ret_ref, ref, sizeof ref);
        (void) coppice_message_free(m);
        (void) coppice_message_free(done);
        return r;
}

int coppice_spawn(struct coppice *c, const struct coppice_child *what, char ret_path[COPPICE_PATH_SIZE])
{
        return spawn(c, what, NULL, ret_path, NULL);
}

int coppice_spawn_link(struct coppice *c, const struct coppice_child *what, char ret_path[COPPICE_PATH_SIZE])
{
        return spawn(c, what, "link", ret_path, NULL);
}

int coppice_spawn_monitor(struct coppice *c, const struct coppice_child *what, char ret_path[COPPICE_PATH_SIZE],
                          char ret_ref[COPPICE_REF_SIZE])
{
        return spawn(c, what, "monitor", ret_path, ret_ref);
}

int coppice_spawn_link_monitor(struct coppice *c, const struct coppice_child *what, char ret_path[COPPICE_PATH_SIZE],
                               char ret_ref[COPPICE_REF_SIZE])
{
        return spawn(c, what, "link,monitor", ret_path, ret_ref);
}

static int is_its_end(const struct coppice_message *m, void *arg)
{
        return call_is_down(m, arg);
}

int coppice_await(struct coppice *c, const char *ref, int64_t timeout_usec, char ret_reason[COPPICE_PATH_SIZE])
{
        struct coppice_message *down;
        const char *reason;
        int r = coppice_receive_match(c, is_its_end, (void *) (uintptr_t) ref, timeout_usec, &down);

        if (r < 0)
                return r;
        reason = message_line(down, MESSAGE_REASON);
        if (reason && ret_reason && strlen(reason) < COPPICE_PATH_SIZE)
                memcpy(ret_reason, reason, strlen(reason) + 1);
        (void) coppice_message_free(down);
        return reason ? 0 : -EBADMSG;
}

int coppice_try_await(struct coppice *c, const char *ref, char ret_reason[COPPICE_PATH_SIZE])
{
        return coppice_await(c, ref, 0, ret_reason);
}
