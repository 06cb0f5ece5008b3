/* plan_env.c - the environment of a program, built from nothing but what is listed here, and $VARIABLES in commands.
 * See plan_priv.h. Pure.
 *
 * Later wins: what we set, PassEnvironment=, Environment=, EnvironmentFile=; at last UnsetEnvironment=. */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/mounts.h"
#include "core/plan_priv.h"

/* --- a row of NAME=VALUE texts ---------------------------------------------------------------------------------- */

/* Where the assignment of a name begins, or env->len. */
static size_t find(const struct buf *env, const char *name, size_t len)
{
        size_t at = 0;

        while (at < env->len && (strncmp(env->data + at, name, len) != 0 || env->data[at + len] != '='))
                at += strlen(env->data + at) + 1;
        return at;
}

static void cut(struct buf *env, size_t at)
{
        size_t n = strlen(env->data + at) + 1;

        memmove(env->data + at, env->data + at + n, env->len - at - n);
        env->len -= n;
}

static void drop(struct buf *env, const char *name, size_t len)
{
        size_t at = find(env, name, len);

        if (at < env->len)
                cut(env, at);
}

/* "NAME=VALUE", in place of one of that name. */
static void assign(struct buf *env, const char *text)
{
        const char *eq = strchr(text, '=');

        if (!eq)
                return;
        drop(env, text, (size_t) (eq - text));
        buf_add(env, text, strlen(text) + 1);
}

static void set(struct buf *env, const char *name, const char *value)
{
        if (!value)
                return;
        drop(env, name, strlen(name));
        buf_adds(env, name);
        buf_addc(env, '=');
        buf_add(env, value, strlen(value) + 1);
}

static void set_number(struct buf *env, const char *name, int64_t value)
{
        char digits[24];

        (void) snprintf(digits, sizeof digits, "%" PRId64, value);
        set(env, name, digits);
}

static const char *plan_env_get(const struct buf *env, const char *name, size_t len)
{
        size_t at = find(env, name, len);

        return at < env->len ? env->data + at + len + 1 : NULL;
}

/* --- what goes in ------------------------------------------------------------------------------------------------ */

static const char *own(const struct plan_facts *f, const char *name)
{
        size_t len = strlen(name);

        for (const char *const *e = f->environ; e && *e; e++)
                if (strncmp(*e, name, len) == 0 && (*e)[len] == '=')
                        return *e + len + 1;
        return NULL;
}

/* "/run/a:/run/b" */
static void set_directories(struct buf *env, const struct spec *s, enum directive d, const char *name, const char *root)
{
        size_t n = spec_count(s, d);

        if (n == 0 || !root)
                return;
        drop(env, name, strlen(name));
        buf_addf(env, "%s=", name);
        for (size_t i = 0; i < n; i++)
                buf_addf(env, "%s%s/%s", i ? ":" : "", root, spec_item(s, d, i));
        buf_addc(env, 0);
}

static void set_ours(const struct compiler *c, struct buf *env)
{
        const struct plan_facts *f = c->f;

        set(env, "PATH", PLAN_PATH);
        set(env, "LANG", own(f, "LANG"));
        set(env, "USER", f->user_name);
        set(env, "LOGNAME", f->user_name);
        set(env, "HOME", f->home);
        set(env, "SHELL", f->shell);
        set(env, "INVOCATION_ID", f->mark);
        set(env, "COPPICE_NODE", f->node);
        set_number(env, "COPPICE_INCARNATION", f->incarnation);
        set(env, "COPPICE_INCARNATION_ID", f->mark);
        set(env, "NOTIFY_SOCKET", f->notify_socket);
        if (f->fds.mailbox >= 0)
                set_number(env, "COPPICE_MAILBOX", plan_mailbox_target(c));
        if (f->watchdog_usec > 0 && !f->control)
                set_number(env, "WATCHDOG_USEC", f->watchdog_usec);
        if (f->fds.listen_count > 0 && !f->control) {
                set_number(env, "LISTEN_FDS", f->fds.listen_count);
                set(env, "LISTEN_FDNAMES", f->listen_names);
        }
        if (f->main_pid > 0)
                set_number(env, "MAINPID", plan_sandbox_joins(c) ? PLAN_INNER_PID : f->main_pid);
        set(env, "SERVICE_RESULT", f->service_result);
        set(env, "EXIT_CODE", f->exit_code);
        set(env, "EXIT_STATUS", f->exit_status);
        set_directories(env, c->s, D_SERVICE_RuntimeDirectory, "RUNTIME_DIRECTORY", f->runtime_root);
        set_directories(env, c->s, D_SERVICE_StateDirectory, "STATE_DIRECTORY", f->state_root);
        set_directories(env, c->s, D_SERVICE_CacheDirectory, "CACHE_DIRECTORY", f->cache_root);
        set_directories(env, c->s, D_SERVICE_LogsDirectory, "LOGS_DIRECTORY", f->logs_root);
        set_directories(env, c->s, D_SERVICE_ConfigurationDirectory, "CONFIGURATION_DIRECTORY", f->config_root);
        if (creds_wanted(c->s) && !c->privileged) {
                autobuf struct buf path = BUF_INIT;

                creds_path(c->s, f, &path);
                set(env, "CREDENTIALS_DIRECTORY", buf_text(&path));
        }
}

bool plan_env_unset(const struct spec *s, const char *name)
{
        for (size_t i = 0; i < spec_count(s, D_SERVICE_UnsetEnvironment); i++)
                if (strcmp(spec_item(s, D_SERVICE_UnsetEnvironment, i), name) == 0)
                        return true;
        return false;
}

static void unset(struct buf *env, const char *item)
{
        const char *eq = strchr(item, '=');
        size_t len = eq ? (size_t) (eq - item) : strlen(item);
        size_t at = find(env, item, len);

        if (at < env->len && (!eq || strcmp(env->data + at, item) == 0))
                cut(env, at);
}

int plan_environment(const struct compiler *c, struct buf *env, struct err *err)
{
        const struct spec *s = c->s;

        set_ours(c, env);
        for (size_t i = 0; i < spec_count(s, D_SERVICE_PassEnvironment); i++) {
                const char *name = spec_item(s, D_SERVICE_PassEnvironment, i);

                set(env, name, own(c->f, name));
        }
        for (size_t i = 0; i < spec_count(s, D_SERVICE_Environment); i++)
                assign(env, spec_item(s, D_SERVICE_Environment, i));
        for (const char *p = c->f->env_files; p && *p; p += strlen(p) + 1)
                assign(env, p);
        for (size_t i = 0; !buf_failed(env) && i < spec_count(s, D_SERVICE_UnsetEnvironment); i++)
                unset(env, spec_item(s, D_SERVICE_UnsetEnvironment, i));
        return buf_failed(env) ? err_set(err, STAGE_RESOURCES, ENOMEM, "build the environment: out of memory") : 0;
}

/* --- $VAR and ${VAR} ------------------------------------------------------------------------------------------- */

static size_t name_length(const char *p)
{
        size_t n = 0;

        if (isdigit((unsigned char) *p))
                return 0;
        while (isalnum((unsigned char) p[n]) || p[n] == '_')
                n++;
        return n;
}

/* "${A}/x$$" -> "value/x$"; a "$A" inside a longer word is left alone, as in systemd. */
static void expand_in_place(const char *word, const struct buf *env, struct buf *out)
{
        while (*word) {
                size_t n;

                if (word[0] == '$' && word[1] == '$') {
                        buf_addc(out, '$');
                        word += 2;
                } else if (word[0] == '$' && word[1] == '{' && (n = name_length(word + 2)) && word[2 + n] == '}') {
                        const char *value = plan_env_get(env, word + 2, n);

                        buf_adds(out, value ? value : "");
                        word += n + 3;
                } else {
                        buf_addc(out, *word++);
                }
        }
        buf_addc(out, 0);
}

/* The value of a "$VAR" word as words of their own. A quote that is not closed ends with the value. */
static size_t split(const char *p, struct buf *out)
{
        size_t count = 0;

        for (;;) {
                char quote = 0;

                p += strspn(p, " \t\n\r");
                if (!*p)
                        return count;
                for (; *p && (quote || !strchr(" \t\n\r", *p)); p++) {
                        if (*p == '\\' && p[1] && quote != '\'')
                                buf_addc(out, *++p);
                        else if (quote ? *p == quote : *p == '"' || *p == '\'')
                                quote = quote ? 0 : *p;
                        else
                                buf_addc(out, *p);
                }
                buf_addc(out, 0);
                count++;
        }
}

static size_t expand_word(const char *word, const struct buf *env, struct buf *out)
{
        size_t n = word[0] == '$' ? name_length(word + 1) : 0;

        if (n && word[1 + n] == 0) {
                const char *value = plan_env_get(env, word + 1, n);

                return value ? split(value, out) : 0;
        }
        expand_in_place(word, env, out);
        return 1;
}

int plan_expand(const struct command *cmd, const struct buf *env, struct buf *argv, struct err *err)
{
        const char *word = cmd->args;
        size_t count = 0;

        for (size_t i = 0; i < cmd->argc; i++, word += strlen(word) + 1) {
                if (i == 0 || (cmd->flags & CMD_NO_ENV)) {
                        buf_add(argv, word, strlen(word) + 1);
                        count++;
                } else {
                        count += expand_word(word, env, argv);
                }
        }
        if (buf_failed(argv))
                return err_set(err, STAGE_RESOURCES, ENOMEM, "expand the command: out of memory");
        return (int) count;
}
