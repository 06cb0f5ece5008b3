/* wish.c - see wish.h. */
#include "ctl/wish.h"

#include <string.h>
#include <sys/stat.h>

#include "base/plan.h"
#include "base/utf8.h"
#include "core/words.h"

static void add_property(struct wish *t, const char *key, const char *value)
{
        buf_addf(&t->properties, "%s=%s", key, value);
        buf_addc(&t->properties, '\0');
}

/* Not a specifier: what the shell gave us is meant as it is. */
static void add_literal(struct wish *t, const char *key, const char *before, const char *value)
{
        autobuf struct buf text = BUF_INIT;

        buf_adds(&text, before);
        for (const char *p = value; *p; p++)
                buf_adds(&text, *p == '%' ? "%%" : (char[]) { *p, 0 });
        add_property(t, key, buf_text(&text));
}

/* "NAME=VALUE", or "NAME" for the value it has here. */
static void add_variable(struct wish *t, const char *arg)
{
        autobuf struct buf both = BUF_INIT, quoted = BUF_INIT;
        const char *value = getenv(arg);

        if (!strchr(arg, '=') && !value)
                return; /* unset here, unset there */
        buf_adds(&both, arg);
        if (!strchr(arg, '='))
                buf_addf(&both, "=%s", value);
        words_quote(buf_text(&both), true, &quoted);
        add_property(t, "Environment", buf_text(&quoted));
}

static bool says(const struct ctl *c, const char *key)
{
        size_t n = strlen(key);

        for (size_t i = 0; i < c->given_count; i++)
                if (strcmp(c->given[i].option->name, "property") == 0 && strncmp(c->given[i].arg, key, n) == 0 &&
                    c->given[i].arg[n + strspn(c->given[i].arg + n, " \t")] == '=')
                        return true;
        return false;
}

static const struct {
        const char *option, *key;
} short_forms[] = {
        { "timeout", "RuntimeMaxSec" }, { "memory-max", "MemoryMax" }, { "cpu-quota", "CPUQuota" },
        { "tasks-max", "TasksMax" },    { "user", "User" },
};

/* The properties first, as they were given: errors name them by their position. */
static void add_options(struct wish *t)
{
        for (size_t i = 0; i < t->c->given_count; i++)
                if (strcmp(t->c->given[i].option->name, "property") == 0)
                        buf_add(&t->properties, t->c->given[i].arg, strlen(t->c->given[i].arg) + 1);
        for (size_t i = 0; i < t->c->given_count; i++) {
                const char *name = t->c->given[i].option->name, *arg = t->c->given[i].arg;

                if (strcmp(name, "setenv") == 0)
                        add_variable(t, arg);
                for (size_t k = 0; k < ARRAY_LEN(short_forms); k++)
                        if (strcmp(name, short_forms[k].option) == 0)
                                add_property(t, short_forms[k].key, arg);
        }
}

static void add_directory(struct wish *t)
{
        const char *asked = ctl_option(t->c, "working-directory");
        autofree char *here = asked ? NULL : getcwd(NULL, 0);

        if (says(t->c, "WorkingDirectory"))
                return;
        if (asked)
                add_literal(t, "WorkingDirectory", "", asked);
        else if (here && here[0] == '/' && !strpbrk(here, "\n\r") && !says(t->c, "RootDirectory"))
                add_literal(t, "WorkingDirectory", "-", here);
}

/* --- the command -------------------------------------------------------------------------------------------------- */

/* The program by the caller's $PATH, as a shell would find it. What is not found stays as it is: the start says so.
 * In another root directory our path means nothing. */
static char *find_program(const struct ctl *c, const char *name)
{
        const char *path = getenv("PATH");
        autofree char *here = NULL;
        char *found = NULL;

        if (name[0] == '/' || says(c, "RootDirectory"))
                return strdup(name);
        if (strchr(name, '/')) {
                here = getcwd(NULL, 0);
                return asprintf(&found, "%s/%s", here ? here : "", name) < 0 ? NULL : found;
        }
        for (const char *p = path ? path : PLAN_PATH; *p; p += strspn(p, ":")) {
                int n = (int) strcspn(p, ":");
                struct stat st;

                if (n > 0 && *p == '/' && asprintf(&found, "%.*s/%s", n, p, name) > 0 && access(found, X_OK) == 0 &&
                    stat(found, &st) == 0 && S_ISREG(st.st_mode))
                        return found;
                free(ptr_steal(found));
                p += n;
        }
        return strdup(name);
}

static bool is_utf8(const char *text)
{
        for (size_t left = strlen(text), n; left > 0; text += n, left -= n) {
                n = utf8_length(text, left);
                if (n == 0)
                        return false;
        }
        return true;
}

/* Words that JSON cannot carry go as the text of ExecStart=, where any byte has an escape. */
static void add_as_text(struct wish *t, const char *program)
{
        autobuf struct buf text = BUF_INIT, first = BUF_INIT;

        buf_addf(&first, "@:%s", program);
        words_quote(buf_text(&first), true, &text);
        for (int i = 0; i < t->c->argc; i++) {
                buf_addc(&text, ' ');
                words_quote(i ? t->c->argv[i] : program, true, &text);
        }
        add_property(t, "ExecStart", buf_text(&text));
}

int wish_collect(struct ctl *c, bool terminal, struct wish *w)
{
        const char *term = getenv("TERM");

        *w = (struct wish) { .c = c, .properties = BUF_INIT };
        add_options(w);
        add_directory(w);
        if (terminal && term)
                add_variable(w, "TERM");
        if (c->argc > 0)
                w->program = find_program(c, c->argv[0]);
        if (buf_failed(&w->properties) || (c->argc > 0 && !w->program))
                return ctl_error(CTL_FAILED, "out of memory");
        return CTL_OK;
}

void wish_done(struct wish *w)
{
        buf_free(&w->properties);
        free(w->program);
}

/* --- for SpawnTransient ------------------------------------------------------------------------------------------- */

static bool is_plain(const struct wish *w)
{
        bool plain = !w->program || is_utf8(w->program);

        for (int i = 1; i < w->c->argc; i++)
                plain = plain && is_utf8(w->c->argv[i]);
        return plain;
}

void wish_write(struct wish *w, struct json *j)
{
        bool plain = is_plain(w);

        if (ctl_option(w->c, "name"))
                json_str(j, "name", ctl_option(w->c, "name"));
        if (ctl_option(w->c, "supervisor"))
                json_str(j, "supervisor", ctl_option(w->c, "supervisor"));
        if (!plain)
                add_as_text(w, w->program);
        json_open(j, "properties", '[');
        for (const char *p = w->properties.data; p && p < w->properties.data + w->properties.len; p += strlen(p) + 1)
                json_str(j, NULL, p);
        json_close(j);
        if (!plain || !w->program)
                return;
        json_open(j, "command", '[');
        for (int i = 0; i < w->c->argc; i++)
                json_str(j, NULL, i ? w->c->argv[i] : w->program);
        json_close(j);
}

bool wish_say_missing(const struct ctl *c, const char *node, uint32_t reply)
{
        const uint32_t list = jtok_get(&c->doc, reply, "not_enforced"), first = jtok_first(&c->doc, list);

        for (uint32_t t = first; t != JTOK_NONE; t = jtok_after(&c->doc, list, t)) {
                const char *value = jget_text(&c->doc, t, "requested"), *why = jget_text(&c->doc, t, "why");

                (void) ctl_error(0, "%s: %s=%s is not enforced: %s", node, jget_text(&c->doc, t, "directive"),
                                 value ? value : "", why ? why : "?");
        }
        return first != JTOK_NONE;
}
