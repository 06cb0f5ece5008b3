/* args.c - coppicectl's command line: read it, run the verb, write what it said. */
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/value.h"
#include "ctl/ctl.h"
#include "ctl/help.h"

const char *ctl_option(const struct ctl *c, const char *name)
{
        const struct ctl_option *o = c->verb->options;

        for (int i = 0; o && o[i].name; i++)
                if (strcmp(o[i].name, name) == 0)
                        return c->value[i];
        return NULL;
}

int ctl_flush(struct ctl *c)
{
        size_t at = 0;
        ssize_t n;
        int r = 0;

        while (at < c->out.len) {
                n = write(STDOUT_FILENO, c->out.data + at, c->out.len - at);
                if (n < 0 && errno == EAGAIN) /* whoever has the other end has made it so */
                        (void) poll(&(struct pollfd) { .fd = STDOUT_FILENO, .events = POLLOUT }, 1, -1);
                if (n < 0 && (errno == EINTR || errno == EAGAIN))
                        continue;
                if (n < 0) {
                        r = -errno;
                        break;
                }
                at += (size_t) n;
        }
        buf_clear(&c->out);
        return r;
}

/* --- the command line --------------------------------------------------------------------------------------------- */

enum { GLOBAL_SOCKET, GLOBAL_JSON, GLOBAL_TIMEOUT, GLOBAL_NO_BLOCK, GLOBAL_NO_COLOR, GLOBAL_QUIET, GLOBAL_HELP,
       GLOBAL_VERSION };

const struct ctl_option ctl_global_options[] = {
        [GLOBAL_SOCKET] = { "socket", 0, "PATH", "Talk to the daemon on this socket." },
        [GLOBAL_JSON] = { "json", 0, NULL, "Print JSON with stable names." },
        [GLOBAL_TIMEOUT] = { "timeout", 0, "SPAN", "Wait no longer than this (\"5s\") for what is asked for." },
        [GLOBAL_NO_BLOCK] = { "no-block", 0, NULL, "Do not wait until what was asked for has been done." },
        [GLOBAL_NO_COLOR] = { "no-color", 0, NULL, "No colours, also on a terminal." },
        [GLOBAL_QUIET] = { "quiet", 'q', NULL, "Say nothing when all goes well." },
        [GLOBAL_HELP] = { "help", 'h', NULL, "Tell what a verb does." },
        [GLOBAL_VERSION] = { "version", 0, NULL, "Tell the version of coppicectl." },
        { 0 },
};

struct line {
        char **argv;
        int argc, at;
        bool help, version;
};

static int set_global(struct ctl *c, struct line *l, int option, const char *arg)
{
        nsec span;

        switch (option) {
        case GLOBAL_SOCKET: c->socket = arg; break;
        case GLOBAL_JSON:
                c->json = true;
                ctl_say_json();
                break;
        case GLOBAL_NO_BLOCK: c->no_block = true; break;
        case GLOBAL_NO_COLOR: c->color = false; break;
        case GLOBAL_QUIET: c->quiet = true; break;
        case GLOBAL_HELP: l->help = true; break;
        case GLOBAL_VERSION: l->version = true; break;
        case GLOBAL_TIMEOUT:
                if (value_span(arg, NSEC_PER_SEC, &span) < 0)
                        return ctl_error(CTL_USAGE, "--timeout=%s: a time span such as 5s or 1min", arg);
                c->timeout_ms = span == NSEC_NEVER ? -1 : (span + NSEC_PER_MSEC - 1) / NSEC_PER_MSEC;
                break;
        default: break;
        }
        return CTL_OK;
}

static int find_option(const struct ctl_option *o, const char *name, size_t n)
{
        for (int i = 0; o && o[i].name; i++)
                if ((n > 1 && strlen(o[i].name) == n && memcmp(o[i].name, name, n) == 0) ||
                    (n == 1 && o[i].letter == *name))
                        return i;
        return -1;
}

static int unknown_option(const struct ctl *c, const char *word)
{
        return ctl_error(CTL_USAGE, "%s: no such option; see coppicectl %s%s--help", word, c->verb ? c->verb->name : "",
                         c->verb ? " " : "");
}

static int keep_given(struct ctl *c, const struct ctl_option *o, const char *arg)
{
        struct ctl_given *more = realloc(c->given, (c->given_count + 1) * sizeof *more);

        if (!more)
                return ctl_error(CTL_FAILED, "out of memory");
        c->given = more;
        c->given[c->given_count++] = (struct ctl_given) { o, arg };
        return CTL_OK;
}

/* "--name", "--name=ARG", "--name ARG", "-f", "-n ARG", "-n5". */
static int read_option(struct ctl *c, struct line *l)
{
        const char *word = l->argv[l->at++], *name = word + (word[1] == '-' ? 2 : 1), *equals = strchr(name, '=');
        bool is_long = word[1] == '-';
        size_t n = is_long ? (equals ? (size_t) (equals - name) : strlen(name)) : 1;
        const struct ctl_option *table = c->verb ? c->verb->options : NULL;
        const char *arg = is_long ? (equals ? equals + 1 : NULL) : name[1] ? name + 1 : NULL;
        int own = is_long && n == 1 ? -1 : find_option(table, name, n),
                global = own < 0 ? find_option(ctl_global_options, name, n) : -1;
        const struct ctl_option *o;

        if (own < 0 && global < 0)
                return unknown_option(c, word);
        o = own >= 0 ? &table[own] : &ctl_global_options[global];
        if (!o->arg && arg)
                return ctl_error(CTL_USAGE, "--%s takes no argument", o->name);
        if (o->arg && !arg) {
                if (l->at == l->argc)
                        return ctl_error(CTL_USAGE, "--%s needs an argument: %s", o->name, o->arg);
                arg = l->argv[l->at++];
        }
        if (own < 0)
                return set_global(c, l, global, arg);
        c->value[own] = arg ? arg : "";
        return keep_given(c, o, c->value[own]);
}

/* How that is done here which another supervisor calls so; NULL. */
static const char *otherwise(const char *name)
{
        static const struct {
                const char *word, *here;
        } others[] = {
#define OTHER(word, here) { word, here },
#include "ctl/other_verbs.def"
#undef OTHER
        };

        for (size_t i = 0; i < ARRAY_LEN(others); i++)
                if (strcmp(others[i].word, name) == 0)
                        return others[i].here;
        return NULL;
}

int ctl_unknown_verb(const char *name)
{
        const char *names[64], *here = otherwise(name);
        size_t n = 0;
        const char *near;

        if (here)
                return ctl_error(CTL_USAGE, "%s: no such verb; here: %s", name, here);
        while (n < ARRAY_LEN(names) && ctl_verbs[n]) {
                names[n] = ctl_verbs[n]->name;
                n++;
        }
        near = strtab_nearest(names, n, name);
        return ctl_error(CTL_USAGE, "%s: no such verb%s%s%s; see coppicectl help", name, near ? " (did you mean " : "",
                         near ? near : "", near ? "?)" : "");
}

/* Options may stand anywhere; what is left are the verb and its arguments, moved to the front of argv. */
static int read_line(struct ctl *c, struct line *l)
{
        bool options = true;
        int r;

        c->argv = l->argv;
        for (l->at = 1; l->at < l->argc;) {
                const char *word = l->argv[l->at];

                if (options && strcmp(word, "--") == 0) {
                        options = false;
                        l->at++;
                } else if (options && word[0] == '-' && word[1]) {
                        r = read_option(c, l);
                        if (r != CTL_OK)
                                return r;
                } else if (!c->verb) {
                        c->verb = ctl_verb_find(word);
                        if (!c->verb)
                                return ctl_unknown_verb(word);
                        l->at++;
                } else {
                        c->argv[c->argc++] = l->argv[l->at++];
                        options = options && !c->verb->command;
                }
        }
        return CTL_OK;
}

static int check_count(const struct ctl *c)
{
        const struct ctl_verb *v = c->verb;

        if (c->argc < v->min_args)
                return ctl_error(CTL_USAGE, "%s: an argument is missing: coppicectl %s %s", v->name, v->name, v->args);
        if (v->max_args >= 0 && c->argc > v->max_args)
                return ctl_error(CTL_USAGE, "%s: too many arguments: coppicectl %s %s", v->name, v->name, v->args);
        return CTL_OK;
}

/* Is --json among our own words? It counts for mistakes that stand before it as well. */
static bool wants_json(const struct line *l)
{
        const struct ctl_verb *verb = NULL;

        for (int i = 1; i < l->argc && strcmp(l->argv[i], "--") != 0; i++) {
                if (strcmp(l->argv[i], "--json") == 0)
                        return true;
                if (l->argv[i][0] == '-')
                        continue;
                if (verb && verb->command)
                        return false;
                if (!verb)
                        verb = ctl_verb_find(l->argv[i]);
        }
        return false;
}

static int run(struct ctl *c, struct line *l)
{
        int r;

        if (wants_json(l))
                ctl_say_json();
        r = read_line(c, l);
        if (r != CTL_OK)
                return r;
        if (l->version && !c->verb) {
                buf_adds(&c->out, "coppicectl " PACKAGE_VERSION "\n");
                return CTL_OK;
        }
        if (!c->verb || (l->help && !c->verb)) {
                help_all(c);
                return l->help || l->argc == 1 ? CTL_OK : CTL_USAGE;
        }
        if (l->help) {
                help_verb(c, c->verb);
                return CTL_OK;
        }
        r = check_count(c);
        return r == CTL_OK ? c->verb->run(c) : r;
}

/* Else the first descriptors of our own would take their places, and be handed to what `run` runs. */
static void have_streams(void)
{
        for (int fd; (fd = open("/dev/null", O_RDWR)) >= 0;)
                if (fd > STDERR_FILENO) {
                        (void) close(fd);
                        return;
                }
}

int ctl_main(int argc, char **argv)
{
        struct ctl c = { .fd = -1, .timeout_ms = -1, .deadline_ms = -1 };
        struct line l = { .argv = argv, .argc = argc };
        const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");
        int code, r;

        c.color = isatty(STDOUT_FILENO) && !(no_color && *no_color) && !(term && strcmp(term, "dumb") == 0);
        have_streams();
        code = run(&c, &l);
        r = ctl_flush(&c);
        if (r < 0 && code == CTL_OK)
                code = ctl_error(CTL_FAILED, "write to standard output: %s", strerror(-r));
        buf_free(&c.out);
        frame_reader_free(&c.in);
        jtok_free(&c.doc);
        fd_close(&c.fd);
        free(c.given);
        return code;
}
