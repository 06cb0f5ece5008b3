/* exec.c - the last steps: environment and program. See child.h. */
#include "child/child.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int child_env(struct child *c, const struct plan_step *s, const char *text)
{
        c->env = s;
        c->env_text = text;
        return 0;
}

/* WATCHDOG_PID and LISTEN_PID name the process itself: nobody knows the number before. */
int child_env_pid(struct child *c, const struct plan_step *s, const char *text)
{
        size_t len = strnlen(text, s->text_len);
        char *out;

        if (c->pid_var_count == CHILD_PID_VARS || len + 24 > sizeof c->pid_vars[0])
                return -EBADMSG;
        out = c->pid_vars[c->pid_var_count++];
        memcpy(out, text, len);
        out[len] = '=';
        (void) child_digits(out + len + 1, getpid());
        return 0;
}

static size_t count_strings(const struct plan_step *s, const char *text)
{
        size_t n = 0, at = 0;

        while (plan_string(text, s->text_len, &at))
                n++;
        return n;
}

/* Execute `name` from the fixed path. Like the shell: the first that can be executed; when one was there but
 * refused, that is the answer, not "no such file" of the directories behind it. Not part of child_exec(): who has a
 * path need not touch the memory for one. */
static __attribute__((noinline)) int search(const char *name, char *const *argv, char *const *envp)
{
        char path[PATH_MAX];
        size_t name_len = strlen(name);
        int seen = ENOENT;

        for (const char *dir = PLAN_PATH; *dir;) {
                size_t len = strcspn(dir, ":");

                if (len + 1 + name_len >= sizeof path)
                        return -ENAMETOOLONG;
                memcpy(path, dir, len);
                path[len] = '/';
                memcpy(path + len + 1, name, name_len + 1);
                (void) execve(path, argv, envp);
                if (errno == EACCES)
                        seen = EACCES;
                else if (errno != ENOENT && errno != ENOTDIR)
                        return -errno;
                dir += len + (dir[len] == ':');
        }
        return -seen;
}

int child_exec(struct child *c, const struct plan_step *s, const char *text)
{
        size_t argc = count_strings(s, text);
        size_t envc = c->env ? count_strings(c->env, c->env_text) : 0;
        size_t bytes = (argc + envc + CHILD_PID_VARS + 2) * sizeof(char *);
        size_t at = 0, n = 0;
        const char *path = plan_string(text, s->text_len, &at);
        const char *few[128], **argv = few, **envp, *word;
        int r;

        if (!path || argc < 2)
                return -EBADMSG;
        if (bytes > sizeof few)
                argv = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if ((void *) argv == MAP_FAILED)
                return -errno;
        while ((word = plan_string(text, s->text_len, &at)))
                argv[n++] = word;
        argv[n++] = NULL;
        envp = argv + n;
        at = n = 0;
        while (c->env && (word = plan_string(c->env_text, c->env->text_len, &at)))
                envp[n++] = word;
        for (int i = 0; i < c->pid_var_count; i++)
                envp[n++] = c->pid_vars[i];
        envp[n] = NULL;
        r = child_filter(c);
        if (r < 0)
                return r;
        if (s->flags & PLAN_SEARCH)
                return search(path, (char *const *) (uintptr_t) argv, (char *const *) (uintptr_t) envp);
        (void) execve(path, (char *const *) (uintptr_t) argv, (char *const *) (uintptr_t) envp);
        return -errno;
}
