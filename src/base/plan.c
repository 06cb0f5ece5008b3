/* plan.c - see plan.h. The readers run in the child after fork: no heap, no locks. */
#include "base/plan.h"

#include <errno.h>
#include <string.h>
#include <sys/resource.h>

const struct plan_row plan_rows[PLAN_OP_COUNT] = {
#define STEP(id, name, stage, text) [PLAN_##id] = { name, STAGE_##stage, text },
#include "base/plan_steps.def"
#undef STEP
};

int plan_open(struct plan_iter *it, const void *bytes, size_t size)
{
        struct plan_head head;

        if (size < sizeof head || size > PLAN_MAX || (uintptr_t) bytes % 8 != 0)
                return -EBADMSG;
        memcpy(&head, bytes, sizeof head);
        if (head.magic != PLAN_MAGIC || head.size != size)
                return -EBADMSG;
        *it = (struct plan_iter) { .bytes = bytes, .size = size, .at = sizeof head, .left = head.steps,
                                   .index = UINT32_MAX };
        return 0;
}

/* Texts of these are bytes; those of all others are strings, and the last one ends with its NUL. */
static bool text_ends(const struct plan_step *s)
{
        if (s->op == PLAN_AFFINITY || s->op == PLAN_PLACE || s->op == PLAN_GROUPS)
                return true;
        if (s->text_len == 0)
                return s->op != PLAN_FILE && s->op != PLAN_DIRECTORY && s->op != PLAN_OPEN && s->op != PLAN_CHROOT &&
                       s->op != PLAN_CHDIR && s->op != PLAN_ENV_PID && s->op != PLAN_EXEC && s->op != PLAN_MOUNT &&
                       s->op != PLAN_ROOT && s->op != PLAN_ALLOW && s->op != PLAN_ALLOW_REST &&
                       s->op != PLAN_CREDENTIAL && s->op != PLAN_LINK && s->op != PLAN_CREDENTIALS;
        return ((const char *) (s + 1))[s->text_len - 1] == 0;
}

int plan_next(struct plan_iter *it, const struct plan_step **ret_step, const char **ret_text)
{
        const struct plan_step *s = (const void *) (it->bytes + it->at);

        if (it->left == 0)
                return it->at == it->size ? 0 : -EBADMSG;
        if (it->size - it->at < sizeof *s || s->size < sizeof *s || s->size > it->size - it->at ||
            s->size % 8 != 0 || s->text_len > s->size - sizeof *s || s->op >= PLAN_OP_COUNT ||
            s->stage >= STAGE_COUNT || !text_ends(s))
                return -EBADMSG;
        *ret_step = s;
        *ret_text = (const char *) (s + 1);
        it->at += s->size;
        it->left--;
        it->index++;
        return 1;
}

const char *plan_string(const char *text, size_t len, size_t *at)
{
        const char *start = text + *at;
        const char *end = *at < len ? memchr(start, 0, len - *at) : NULL;

        if (!end)
                return NULL;
        *at = (size_t) (end - text) + 1;
        return start;
}

const char *plan_limit_name(int resource)
{
        static const char *const names[] = {
                [RLIMIT_CPU] = "CPU", [RLIMIT_FSIZE] = "FSIZE", [RLIMIT_DATA] = "DATA", [RLIMIT_STACK] = "STACK",
                [RLIMIT_CORE] = "CORE", [RLIMIT_RSS] = "RSS", [RLIMIT_NOFILE] = "NOFILE", [RLIMIT_AS] = "AS",
                [RLIMIT_NPROC] = "NPROC", [RLIMIT_MEMLOCK] = "MEMLOCK", [RLIMIT_LOCKS] = "LOCKS",
                [RLIMIT_SIGPENDING] = "SIGPENDING", [RLIMIT_MSGQUEUE] = "MSGQUEUE", [RLIMIT_NICE] = "NICE",
                [RLIMIT_RTPRIO] = "RTPRIO", [RLIMIT_RTTIME] = "RTTIME",
        };

        return resource >= 0 && (size_t) resource < sizeof names / sizeof names[0] ? names[resource] : "?";
}
