/* script.h - the language of `coppicectl simulate`: what befalls the tree, and when.
 *
 * One step a line: [TIME] VERB ARGUMENT...; "#" begins a comment. TIME is a span since the start of the tree ("2s",
 * "1min30s"), or with a + since the line before ("+10ms"); without it the step follows the line before at once.
 * coppice.simulate(7) tells the verbs to users; the table in script.c is their list.
 *
 * May be used by: ctl, tests.  Uses: core (values, reasons, diag). */
#ifndef SIM_SCRIPT_H
#define SIM_SCRIPT_H

#include "base/buf.h"
#include "core/diag.h"
#include "core/directive.h"
#include "core/reason.h"

enum verb {
        VERB_KILL, VERB_EXIT, VERB_EXIT_MANY, VERB_FAIL_START, VERB_HANG, VERB_HANG_STOP, VERB_READY,
        VERB_READY_AFTER, VERB_RUN_FOR, VERB_IGNORE_TERM, VERB_LEAVE, VERB_STUCK, VERB_WATCHDOG_STOP,
        VERB_CONDITION, VERB_LATE,
        VERB_START, VERB_STOP, VERB_RESTART, VERB_RELOAD, VERB_RESET_FAILED, VERB_FREEZE, VERB_THAW, VERB_DELETE,
        VERB_SIGNAL, VERB_END, VERB_SHUTDOWN, VERB_CHANGE, VERB_ADD,
        VERB_RUN, VERB_SETTLE, VERB_MARK,
        VERB_EXPECT, VERB_EXPECT_RESTARTS, VERB_EXPECT_STARTED, VERB_EXPECT_ENDED, VERB_EXPECT_EXIT,
        VERB_COUNT
};

enum when { WHEN_NEXT, WHEN_AT, WHEN_AFTER };

enum { SCRIPT_WORDS = 64 };

struct script_step {
        uint8_t verb;            /* enum verb */
        uint8_t when;            /* enum when */
        nsec time;               /* AT, AFTER */
        uint32_t line;
        uint32_t argc;
        char **argv;             /* owned; NULL-terminated */
};

struct script {
        char *file;              /* owned; for messages */
        struct script_step *steps;
        size_t count;
};

/* Read a script; every mistake goes to `report` (may be NULL). 0, -EINVAL or -ENOMEM. */
int script_parse(const char *file, const char *text, size_t len, diag_fn *report, void *arg, struct script *ret);
void script_free(struct script *s);

/* A step as a line of the language, without a newline. */
void script_print(const struct script_step *s, struct buf *out);

const char *verb_name(enum verb v);  /* "fail-start" */
const char *verb_usage(enum verb v); /* "fail-start NODE COUNT [WHERE]" */

/* The forms of arguments. 0 or -EINVAL. */
int script_reason(const char *text, struct reason *ret);  /* "0", "3", "SEGV", "out_of_memory", "spawn:EXEC:ENOENT" */
int script_where(const char *text, enum directive *ret_command, enum stage *ret_stage, int *ret_errno);
int script_time(const char *text, nsec *ret);
int script_on_off(const char *text, bool *ret);           /* NULL is on */
int script_verdict(const char *text);                     /* enum verdict; -1 */

#endif
