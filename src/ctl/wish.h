/* wish.h - the service that run and spawn ask for: properties from the options, the program by the caller's $PATH.
 * Used by: cmd_run.c, cmd_spawn.c. */
#ifndef CTL_WISH_H
#define CTL_WISH_H

#include "base/json.h"
#include "ctl/ctl.h"

struct wish {
        struct ctl *c;
        struct buf properties;    /* owned: "Key=value" texts, each with its NUL; those of --property first,
                                   * as they were given */
        char *program;            /* owned; NULL when there is no command */
};

/* The options of both verbs; those of one alone have numbers from WISH_OPTIONS on. */
enum { OPT_PROPERTY, OPT_NAME, OPT_SUPERVISOR, OPT_TIMEOUT, OPT_MEMORY, OPT_CPU, OPT_TASKS, OPT_USER, OPT_SETENV,
       OPT_DIRECTORY, WISH_OPTIONS };

#define WISH_COMMON_OPTIONS \
        [OPT_PROPERTY] = { "property", 'p', "KEY=VALUE", \
                           "Any directive of [Service] or [Unit]; may be given several times." }, \
        [OPT_NAME] = { "name", 0, "NAME", "What the node is called; run-1, run-2, ... if not given." }, \
        [OPT_SUPERVISOR] = { "supervisor", 0, "NODE", "The supervisor it hangs below; /transient if not given." }, \
        [OPT_TIMEOUT] = { "timeout", 0, "SPAN", "End it after this long, with exit status 124 (RuntimeMaxSec=)." }, \
        [OPT_MEMORY] = { "memory-max", 0, "SIZE", "Memory it may use, all its processes together (MemoryMax=)." }, \
        [OPT_CPU] = { "cpu-quota", 0, "PERCENT", "Processor time it may use, 100% being one processor (CPUQuota=)." }, \
        [OPT_TASKS] = { "tasks-max", 0, "NUMBER", "Processes and threads it may have (TasksMax=)." }, \
        [OPT_USER] = { "user", 'u', "USER", "The user it runs as (User=)." }, \
        [OPT_SETENV] = { "setenv", 'E', "NAME[=VALUE]", \
                         "An environment variable; with its value here if only a name is given." }, \
        [OPT_DIRECTORY] = { "working-directory", 'd', "DIR", "Where it runs; the present directory if not given." }

/* From the arguments; with `terminal` TERM is passed on. Owed wish_done() also when it fails. */
int wish_collect(struct ctl *c, bool terminal, struct wish *ret);
void wish_done(struct wish *w);

/* As parameters of SpawnTransient, into an object that is open. */
void wish_write(struct wish *w, struct json *j);

/* Print each of `not_enforced` of a reply: what was asked for `node` and does not hold. True when there is any. */
bool wish_say_missing(const struct ctl *c, const char *node, uint32_t reply);

#endif
