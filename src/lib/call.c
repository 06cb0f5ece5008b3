/* call.c - what is asked of coppice itself: links, monitors, exits, names, channels. See coppice.h, parts.h. */
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "lib/parts.h"
#include "lib/wire.h"

/* --- answers ------------------------------------------------------------------------------------------------------ */

static bool from_coppice(const struct coppice_message *m)
{
        return message_says(m, MESSAGE_FROM, "coppice");
}

static bool is_answer(const struct coppice_message *m)
{
        return from_coppice(m) && (message_says(m, MESSAGE_TOPIC, "DONE") || message_says(m, MESSAGE_TOPIC, "BOUNCE"));
}

struct awaited {
        const char *ref;
        bool foreign;
};

static int answers(const struct coppice_message *m, void *arg)
{
        const struct awaited *a = arg;

        return message_says(m, MESSAGE_REF, a->ref) && (is_answer(m) || (a->foreign && !from_coppice(m)));
}

int call_wait(struct coppice *c, const char *ref, int64_t deadline, bool foreign, struct coppice_message **ret)
{
        struct awaited a = { ref, foreign };
        struct coppice_message *m;
        int r = receive_wait(c, answers, &a, deadline, RECEIVE_NEW | (foreign ? 0 : RECEIVE_RESTART), &m);

        if (r < 0)
                return r;
        if (is_answer(m)) {
                const char *word = message_line(m, MESSAGE_RESULT);

                if (!word)
                        word = message_line(m, MESSAGE_REASON);
                r = mailbox_refused(c, word ? word : "failed");
        }
        if (r < 0)
                (void) coppice_message_free(m);
        else
                *ret = m;
        return r;
}

/* --- requests ----------------------------------------------------------------------------------------------------- */

int call_request(struct coppice *c, const struct coppice_message *m, const struct line *lines, size_t count, char kind,
                 char ret_ref[COPPICE_REF_SIZE], struct coppice_message **ret)
{
        static const struct coppice_message nothing;
        const int64_t deadline = wire_deadline(c->timeout);
        struct coppice_message *answer = NULL;
        struct line all[6];
        char ref[COPPICE_REF_SIZE];
        int r = mailbox_mine(c);

        if (r < 0)
                return r;
        mailbox_ref(c, kind, ref);
        if (count > 0)
                memcpy(all, lines, count * sizeof *lines);
        all[count] = (struct line) { MESSAGE_REF, ref };
        if (ret_ref)
                memcpy(ret_ref, ref, sizeof ref);
        r = send_lines(c, m ? m : &nothing, all, count + 1, deadline);
        if (r == 0)
                r = call_wait(c, ref, deadline, false, &answer);
        if (r == 0 && ret)
                *ret = answer;
        else
                (void) coppice_message_free(answer);
        return r;
}

#define REQUEST(c, ret, ...) \
        call_request((c), NULL, (struct line[]) { __VA_ARGS__ }, ARRAY_LEN(((struct line[]) { __VA_ARGS__ })), 'c', \
                     NULL, (ret))

int coppice_call(struct coppice *c, const struct coppice_message *m, struct coppice_message **ret_answer)
{
        return call_request(c, m, NULL, 0, 'c', NULL, ret_answer);
}

int coppice_ping(struct coppice *c)
{
        return REQUEST(c, NULL, { MESSAGE_CALL, "ping" });
}

/* --- links, monitors, exits --------------------------------------------------------------------------------------- */

int coppice_link(struct coppice *c, const char *node)
{
        return REQUEST(c, NULL, { MESSAGE_CALL, "link" }, { MESSAGE_NODE, node });
}

int coppice_unlink(struct coppice *c, const char *node)
{
        return REQUEST(c, NULL, { MESSAGE_CALL, "unlink" }, { MESSAGE_NODE, node });
}

int coppice_trap_exits(struct coppice *c, int on)
{
        return REQUEST(c, NULL, { MESSAGE_CALL, "trap-exit" }, { MESSAGE_VALUE, on ? "yes" : "no" });
}

/* The REF of the request is that of the DOWN too, which may come before the DONE: it is not one that late answers
 * have. */
int coppice_monitor(struct coppice *c, const char *node, char ret_ref[COPPICE_REF_SIZE])
{
        const struct line lines[] = { { MESSAGE_CALL, "monitor" }, { MESSAGE_NODE, node } };

        char ref[COPPICE_REF_SIZE];
        int r = call_request(c, NULL, lines, ARRAY_LEN(lines), 'm', ref, NULL);

        if (r == 0)
                memcpy(ret_ref, ref, sizeof ref);
        return r;
}

bool call_is_down(const struct coppice_message *m, const char *ref)
{
        return from_coppice(m) && message_says(m, MESSAGE_TOPIC, "DOWN") && message_says(m, MESSAGE_REF, ref);
}

static int is_down(const struct coppice_message *m, void *arg)
{
        return call_is_down(m, arg);
}

int coppice_demonitor(struct coppice *c, const char *ref)
{
        int r = REQUEST(c, NULL, { MESSAGE_CALL, "demonitor" }, { MESSAGE_VALUE, ref });

        if (r == -ECHILD)
                return r;
        return receive_forget(c, is_down, (void *) (uintptr_t) ref) > 0 && r == -ENOENT ? 0 : r;
}

int coppice_exit(struct coppice *c, const char *node, const char *reason)
{
        return REQUEST(c, NULL, { MESSAGE_CALL, "exit" }, { MESSAGE_NODE, node ? node : coppice_self() },
                       { MESSAGE_REASON, reason });
}

int coppice_kill(struct coppice *c, const char *node)
{
        return coppice_exit(c, node, "killed");
}

/* --- names -------------------------------------------------------------------------------------------------------- */

int coppice_emit(struct coppice *c, const char *text)
{
        return REQUEST(c, NULL, { MESSAGE_CALL, "event" }, { MESSAGE_VALUE, text });
}

int coppice_register(struct coppice *c, const char *name, const char *node)
{
        return REQUEST(c, NULL, { MESSAGE_CALL, "register" }, { MESSAGE_NAME, name }, { MESSAGE_NODE, node });
}

int coppice_unregister(struct coppice *c, const char *name)
{
        return REQUEST(c, NULL, { MESSAGE_CALL, "unregister" }, { MESSAGE_NAME, name });
}

static int whereis(struct coppice *c, const char *call, const char *name, char *ret_path)
{
        struct coppice_message *answer = NULL;
        const char *path;
        int r = REQUEST(c, &answer, { MESSAGE_CALL, call }, { MESSAGE_NAME, name });

        if (r < 0)
                return r;
        path = message_line(answer, MESSAGE_NODE);
        if (path && strlen(path) < COPPICE_PATH_SIZE)
                memcpy(ret_path, path, strlen(path) + 1);
        else
                r = -EBADMSG;
        (void) coppice_message_free(answer);
        return r;
}

int coppice_whereis(struct coppice *c, const char *name, char ret_path[COPPICE_PATH_SIZE])
{
        return whereis(c, "whereis", name, ret_path);
}

int coppice_whereis_local(struct coppice *c, const char *name, char ret_path[COPPICE_PATH_SIZE])
{
        return whereis(c, "whereis-local", name, ret_path);
}

int coppice_registered(struct coppice *c, coppice_name_fn *fn, void *arg)
{
        struct coppice_message *answer = NULL;
        int r = REQUEST(c, &answer, { MESSAGE_CALL, "registered" });
        char *line, *rest = r == 0 ? answer->body.data : NULL;

        while (r == 0 && rest && (line = strsep(&rest, "\n")) && *line) {
                char *path = strchr(line, ' ');

                if (!path)
                        break;
                *path++ = '\0';
                r = fn(line, path, arg);
        }
        (void) coppice_message_free(answer);
        return r;
}
