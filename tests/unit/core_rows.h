/* core_rows.h - tests of the decision core as rows: an event in words -> the actions it causes, in words.
 *
 *      static const struct unit_row units[] = { { "/", "web.service", "[Service]\nExecStart=/w\n" }, { 0 } };
 *      static const struct row rows[] = {
 *              { "boot",              "open web; spawn web ExecStart" },
 *              { "spawned web",       "", "web=running" },
 *              { "+1s exited web exit:3", "watch web" },
 *              { "empty web",         "close web exit:3", "web=backoff" },
 *              { 0 } };
 *
 * Events: [+TIME] VERB [NODE] [ARGUMENT]
 *      boot; tick; shutdown TIME; start, stop, restart, reload, delete, reset_failed, freeze, thaw NODE (answered:
 *      "done OK"); kill NODE SIGNAL; exit NODE REASON; checked NODE pass|skip|fail; spawned, execed, empty, stuck,
 *      ready, reloading, stopping, watchdog, watchdog_trigger NODE; mainpid NODE PID; extend NODE TIME;
 *      exited NODE [REASON]; spawn_failed NODE; with a "!" behind NODE the control process is meant.
 *      link A B, unlink A B, monitor A B [REF], demonitor A REF, register A NAME, unregister SCOPE NAME, trap A on|off,
 *      exit_signal A FROM REASON; beget A NAME [link|monitor|link,monitor [REF]]: EVT_SPAWN of a new service beside
 *      A; one called cautious has a condition
 * Actions: "check N; open N; spawn N DIRECTIVE[#INDEX]; signal N all|main|control SIG; kill N; watch N; close N REASON;
 *      freeze N; thaw N; forget N; deliver N EXIT|DOWN WHOM REASON [REF]; done RESULT; exit CODE; emergency". SIGCONT is left out: it follows every stop signal.
 * States: "NODE=STATE ..." checked after the event. */
#ifndef TESTS_UNIT_CORE_ROWS_H
#define TESTS_UNIT_CORE_ROWS_H

#include "core/core.h"

struct unit_row {
        const char *parent;   /* path; NULL ends the table; "" = this one is root itself */
        const char *name, *text;
};

struct row {
        const char *event;    /* NULL ends the table */
        const char *actions;
        const char *states;   /* NULL = not checked */
};

struct rows {
        struct core *core;
        nsec now;
        int32_t next_pid;
};

/* A tree of these units; fails the test when it cannot be made. */
struct rows rows_begin(const struct unit_row *units);
void rows_end(struct rows *r);

/* Feed the rows; fails the test at the first that differs, printing it. */
void rows_run(struct rows *r, const struct row *rows);

/* Feed one event, whatever it causes. */
void rows_feed(struct rows *r, const char *event);

/* The same, with what it causes. */
struct actions rows_step(struct rows *r, const char *event);

/* begin, run, end. */
void rows_play(const struct unit_row *units, const struct row *rows);

/* What `why` says of a node, the newest sentence first, one a line. Owned by the caller. */
char *rows_why(struct rows *r, const char *name);

#endif
