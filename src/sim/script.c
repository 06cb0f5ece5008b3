/* script.c - reading the language of `coppicectl simulate`. See script.h. */
#include "sim/script.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "core/event.h"
#include "core/unit_text.h"
#include "core/value.h"

/* The arguments of a verb, a letter each: n node, s signal, r reason, i number, t time, w where a start fails,
 * o on or off, S state, v verdict, e event, u the word "until", N a unit's name, a assignments to the end of the
 * line. What follows a ? may be missing; a * stands for any number of nodes. */
static const struct {
        const char *name, *args, *usage;
} verbs[VERB_COUNT] = {
        [VERB_KILL]            = { "kill", "ns", "kill NODE SIGNAL" },
        [VERB_EXIT]            = { "exit", "nr", "exit NODE CODE|REASON" },
        [VERB_EXIT_MANY]       = { "exit-many", "n*r", "exit-many NODE... CODE|REASON" },
        [VERB_FAIL_START]      = { "fail-start", "ni?w", "fail-start NODE COUNT [STAGE[:ERRNO]|ExecX]" },
        [VERB_HANG]            = { "hang", "n?o", "hang NODE [on|off]" },
        [VERB_HANG_STOP]       = { "hang-stop", "n?o", "hang-stop NODE [on|off]" },
        [VERB_READY]           = { "ready", "n", "ready NODE" },
        [VERB_READY_AFTER]     = { "ready-after", "nt", "ready-after NODE TIME" },
        [VERB_RUN_FOR]         = { "run-for", "nt?r", "run-for NODE TIME [CODE|REASON]" },
        [VERB_IGNORE_TERM]     = { "ignore-term", "n?o", "ignore-term NODE [on|off]" },
        [VERB_LEAVE]           = { "leave", "n?o", "leave NODE [on|off]" },
        [VERB_STUCK]           = { "stuck", "n?o", "stuck NODE [on|off]" },
        [VERB_WATCHDOG_STOP]   = { "watchdog-stop", "n?o", "watchdog-stop NODE [on|off]" },
        [VERB_CONDITION]       = { "condition", "nv", "condition NODE pass|skip|fail" },
        [VERB_LATE]            = { "late", "ne?ir", "late NODE EVENT [INCARNATION [REASON]]" },
        [VERB_START]           = { "start", "n", "start NODE" },
        [VERB_STOP]            = { "stop", "n", "stop NODE" },
        [VERB_RESTART]         = { "restart", "n", "restart NODE" },
        [VERB_RELOAD]          = { "reload", "n", "reload NODE" },
        [VERB_RESET_FAILED]    = { "reset-failed", "n", "reset-failed NODE" },
        [VERB_FREEZE]          = { "freeze", "n", "freeze NODE" },
        [VERB_THAW]            = { "thaw", "n", "thaw NODE" },
        [VERB_DELETE]          = { "delete", "n", "delete NODE" },
        [VERB_SIGNAL]          = { "signal", "ns", "signal NODE SIGNAL" },
        [VERB_END]             = { "end", "nr", "end NODE REASON" },
        [VERB_SHUTDOWN]        = { "shutdown", "?t", "shutdown [TIME]" },
        [VERB_CHANGE]          = { "change", "na", "change NODE KEY=VALUE..." },
        [VERB_ADD]             = { "add", "Nna", "add UNIT SUPERVISOR KEY=VALUE..." },
        [VERB_RUN]             = { "run", "?ut", "run TIME | run until TIME" },
        [VERB_SETTLE]          = { "settle", "?t", "settle [TIME]" },
        [VERB_MARK]            = { "mark", "", "mark" },
        [VERB_EXPECT]          = { "expect", "nS?r", "expect NODE STATE [REASON]" },
        [VERB_EXPECT_RESTARTS] = { "expect-restarts", "ni", "expect-restarts NODE COUNT" },
        [VERB_EXPECT_STARTED]  = { "expect-started", "*", "expect-started [NODE...]" },
        [VERB_EXPECT_ENDED]    = { "expect-ended", "*", "expect-ended [NODE...]" },
        [VERB_EXPECT_EXIT]     = { "expect-exit", "i", "expect-exit CODE" },
};

const char *verb_name(enum verb v)
{
        return verbs[v].name;
}

const char *verb_usage(enum verb v)
{
        return verbs[v].usage;
}

int script_reason(const char *text, struct reason *ret)
{
        int64_t code;
        int sig;

        if (value_decimal(text, &code) == 0) {
                if (code < 0 || code > 255)
                        return -EINVAL;
                *ret = code ? REASON(REASON_EXIT, (int32_t) code) : REASON(REASON_NORMAL, 0);
                return 0;
        }
        sig = signal_number(text);
        if (sig > 0) {
                *ret = REASON(REASON_SIGNAL, sig);
                return 0;
        }
        return reason_parse(text, ret);
}

static int errno_value(const char *name)
{
        for (int e = 1; e < 134; e++)
                if (strcmp(errno_name(e), name) == 0)
                        return e;
        return -1;
}

int script_where(const char *text, enum directive *ret_command, enum stage *ret_stage, int *ret_errno)
{
        enum directive d = directive_find(SECTION_SERVICE, text);
        char stage[40];
        const char *colon = strchr(text, ':');
        size_t n = colon ? (size_t) (colon - text) : strlen(text);
        int number, code = ENOENT;

        if (d != D_NONE && directive_rows[d].type == VT_COMMAND && d != D_SERVICE_ExecStart) {
                *ret_command = d;
                return 0;
        }
        if (n >= sizeof(stage))
                return -EINVAL;
        memcpy(stage, text, n);
        stage[n] = '\0';
        number = stage_from_name(stage);
        if (colon)
                code = errno_value(colon + 1);
        if (number <= 0 || code < 0)
                return -EINVAL;
        *ret_command = D_NONE;
        *ret_stage = (enum stage) number;
        *ret_errno = code;
        return 0;
}

int script_time(const char *text, nsec *ret)
{
        nsec t;

        if (value_span(text, NSEC_PER_SEC, &t) < 0 || t < 0 || t == NSEC_NEVER)
                return -EINVAL;
        *ret = t;
        return 0;
}

int script_on_off(const char *text, bool *ret)
{
        int64_t v = 1;

        if (text && value_bool(text, &v) < 0)
                return -EINVAL;
        *ret = v != 0;
        return 0;
}

int script_verdict(const char *text)
{
        static const char *const names[] = { "pass", "skip", "fail" };

        for (int i = 0; i < 3; i++)
                if (strcmp(text, names[i]) == 0)
                        return i;
        return -1;
}

/* What an argument of that letter must look like; NULL when `text` does. */
static const char *mistake(char letter, const char *text)
{
        struct reason r;
        struct unit_name name;
        enum directive d;
        enum stage st;
        nsec t;
        int64_t i;
        bool b;
        int e;

        switch (letter) {
        case 's':
                return signal_number(text) > 0 ? NULL : "a signal is written as SEGV, SIGSEGV or 11";
        case 'r':
                return script_reason(text, &r) == 0 ? NULL :
                       "a reason is an exit code, a signal's name, or one of normal, exit:N, signal:NAME, "
                       "out_of_memory, watchdog, ...";
        case 'i':
                return value_decimal(text, &i) == 0 && i >= 0 && i <= INT32_MAX ? NULL : "a number is expected";
        case 't':
                return script_time(text, &t) == 0 ? NULL : "a time is written as 500ms, 2s or 1min30s";
        case 'w':
                return script_where(text, &d, &st, &e) == 0 ? NULL :
                       "where a start fails is a stage (EXEC, USER, EXEC:ENOENT) or a command (ExecStartPre)";
        case 'o':
                return script_on_off(text, &b) == 0 ? NULL : "on or off is expected";
        case 'S':
                return strtab_value(&state_names, text) >= 0 ? NULL :
                       "a state is inactive, starting, running, reloading, stopping, backoff, failed or finished";
        case 'v':
                return script_verdict(text) >= 0 ? NULL : "pass, skip or fail is expected";
        case 'e':
                return strtab_value(&event_names, text) > (int) EVT_SHUTDOWN ? NULL :
                       "an event of the world is expected: exited, empty, ready, spawned, ...";
        case 'N':
                return unit_name_parse(text, &name, NULL) == 0 && !name.is_template ? NULL :
                       "a unit's name ends in .service or .supervisor";
        case 'u':
                return strcmp(text, "until") == 0 ? NULL : "the word until is expected";
        default:
                return NULL;
        }
}

struct reader {
        struct remarks remarks;
        const char *file;
        uint32_t line;
        nsec last_at;      /* the latest absolute time so far */
};

static int wrong(struct reader *r, size_t column, const char *hint, const char *fmt, const char *what)
{
        struct err e = { 0 };

        (void) err_set(&e, STAGE_LOAD, EINVAL, "%s '%s'", fmt, what);
        if (hint)
                err_hint(&e, "%s", hint);
        remark_err(&r->remarks, DIAG_ERROR, r->file, r->line, (uint32_t) column, &e);
        return -EINVAL;
}

static int wrong_usage(struct reader *r, enum verb v)
{
        char hint[160];

        (void) snprintf(hint, sizeof(hint), "write: %s", verb_usage(v));
        return wrong(r, 0, hint, "wrong number of arguments for", verb_name(v));
}

static int check_assignments(struct reader *r, char *const *argv, size_t argc)
{
        for (size_t i = 0; i < argc; i++)
                if (!strchr(argv[i], '=') || argv[i][0] == '=')
                        return wrong(r, 0, "write KEY=VALUE without blanks", "not an assignment:", argv[i]);
        return 0;
}

/* Hold the words behind a verb against its letters. */
static int check_args(struct reader *r, enum verb v, char *const *argv, size_t argc)
{
        const char *letters = verbs[v].args;
        bool optional = false;
        size_t at = 0;

        for (; *letters; letters++) {
                const char *why;

                if (*letters == '?') {
                        optional = true;
                        continue;
                }
                if (*letters == 'a')
                        return at < argc ? check_assignments(r, &argv[at], argc - at) : wrong_usage(r, v);
                if (*letters == '*') {
                        at = argc - (letters[1] && argc > at ? 1 : 0);
                        continue;
                }
                if (at == argc && !optional)
                        return wrong_usage(r, v);
                if (at == argc)
                        return 0;
                why = mistake(*letters, argv[at]);
                if (why && *letters == 'u') /* "run 5s" leaves the word out */
                        continue;
                if (why)
                        return wrong(r, 0, why, "no good:", argv[at]);
                at++;
        }
        return at == argc ? 0 : wrong_usage(r, v);
}

static int read_verb(struct reader *r, const char *word, enum verb *ret)
{
        const char *names[VERB_COUNT], *near;
        char hint[100];

        for (int v = 0; v < VERB_COUNT; v++) {
                names[v] = verbs[v].name;
                if (strcmp(word, names[v]) == 0) {
                        *ret = (enum verb) v;
                        return 0;
                }
        }
        near = strtab_nearest(names, VERB_COUNT, word);
        if (near)
                (void) snprintf(hint, sizeof(hint), "did you mean '%s'?", near);
        else
                (void) snprintf(hint, sizeof(hint), "coppice.simulate(7) lists the verbs");
        return wrong(r, 0, hint, "unknown verb", word);
}

static int read_time(struct reader *r, const char *word, struct script_step *s)
{
        if (*word != '+' && !isdigit((unsigned char) *word))
                return 0;
        s->when = *word == '+' ? WHEN_AFTER : WHEN_AT;
        if (script_time(word + (*word == '+'), &s->time) < 0)
                return wrong(r, 1, "write 2s, 1min30s or +10ms", "not a time:", word);
        if (s->when == WHEN_AT && s->time < r->last_at)
                return wrong(r, 1, "times only go forward; write +TIME for one after the line before",
                             "this is before the line above:", word);
        if (s->when == WHEN_AT)
                r->last_at = s->time;
        return 1;
}

static size_t split(char *line, char **words, size_t max)
{
        size_t n = 0;
        char *save = NULL;

        for (char *w = strtok_r(line, " \t\r", &save); w && *w != '#' && n < max; w = strtok_r(NULL, " \t\r", &save))
                words[n++] = w;
        return n;
}

static int read_line(struct reader *r, char *line, struct script *s)
{
        char *words[SCRIPT_WORDS];
        size_t n = split(line, words, SCRIPT_WORDS), first;
        struct script_step step = { .line = r->line };
        struct script_step *list;
        enum verb v = VERB_KILL;
        int timed;

        if (!n)
                return 0;
        timed = read_time(r, words[0], &step);
        if (timed < 0)
                return timed;
        first = (size_t) timed;
        if (first == n)
                return wrong(r, 0, "write TIME VERB ARGUMENT...", "nothing happens at", words[0]);
        if (read_verb(r, words[first], &v) < 0 || check_args(r, v, words + first + 1, n - first - 1) < 0)
                return -EINVAL;
        step.verb = (uint8_t) v;
        step.argc = (uint32_t) (n - first - 1);
        step.argv = calloc(step.argc + 1, sizeof(*step.argv));
        list = reallocarray(s->steps, s->count + 1, sizeof(*list));
        if (list)
                s->steps = list;
        if (!step.argv || !list) {
                free(step.argv);
                return -ENOMEM;
        }
        for (uint32_t i = 0; i < step.argc; i++)
                if (!(step.argv[i] = strdup(words[first + 1 + i])))
                        step.argc = i; /* cut short: memory is gone, the next call will tell */
        s->steps[s->count++] = step;
        return 0;
}

int script_parse(const char *file, const char *text, size_t len, diag_fn *report, void *arg, struct script *ret)
{
        struct reader r = { .remarks = { .report = report, .arg = arg, .unit = "" }, .file = file };
        struct script s = { .file = strdup(file) };
        autofree char *copy = strndup(text, len);
        int bad = copy && s.file ? 0 : -ENOMEM;

        for (char *line = copy, *end; line && bad != -ENOMEM; line = end) {
                int err;

                end = strchr(line, '\n');
                if (end)
                        *end++ = '\0';
                r.line++;
                err = read_line(&r, line, &s);
                bad = err ? err : bad;
        }
        if (bad) {
                script_free(&s);
                return bad;
        }
        *ret = s;
        return 0;
}

void script_free(struct script *s)
{
        for (size_t i = 0; i < s->count; i++) {
                for (uint32_t k = 0; k < s->steps[i].argc; k++)
                        free(s->steps[i].argv[k]);
                free(s->steps[i].argv);
        }
        free(s->steps);
        free(s->file);
        *s = (struct script) { 0 };
}

void script_print(const struct script_step *s, struct buf *out)
{
        if (s->when != WHEN_NEXT) {
                autobuf struct buf span = BUF_INIT;

                value_print_span(s->time, &span);
                if (s->when == WHEN_AFTER)
                        buf_addc(out, '+');
                for (const char *p = buf_text(&span); *p; p++) /* one word: "1min30s" */
                        if (*p != ' ')
                                buf_addc(out, *p);
                buf_addc(out, ' ');
        }
        buf_adds(out, verb_name((enum verb) s->verb));
        for (uint32_t i = 0; i < s->argc; i++)
                buf_addf(out, " %s", s->argv[i]);
}
