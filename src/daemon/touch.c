/* touch.c - may the engine touch a path that a unit names? Not when its file system does not answer: then the start
 * fails or is skipped, and everything else goes on (FAILURES A17). */
#include <errno.h>
#include <string.h>

#include "daemon/engine_priv.h"
#include "daemon/touch.h"
#include "os/conditions.h"
#include "os/reach.h"
#include "unit/unit_set.h"

#define REST_AFTER 2. /* seconds without a question */

static void on_rest(struct ev_loop *loop, ev_timer *w, int revents)
{
        struct engine *e = container_of(w, struct engine, reach_timer);

        (void) loop;
        (void) revents;
        reach_rest(e->reach);
}

struct reach *touch_reach(struct engine *e)
{
        if (!e->reach)
                e->reach = reach_new("/proc/self/exe");
        return e->reach;
}

void touched(struct engine *e)
{
        if (!reach_helped(e->reach))
                return;
        ev_timer_stop(e->loop, &e->reach_timer);
        ev_timer_init(&e->reach_timer, on_rest, REST_AFTER, 0.);
        ev_timer_start(e->loop, &e->reach_timer);
}

bool touch_answers(struct engine *e, const char *path)
{
        int r = reach_ask(touch_reach(e), path);

        touched(e);
        return r == 0;
}

int touch_units(struct engine *e, struct err *err)
{
        for (size_t i = 0; i < unit_paths_count(e->paths); i++)
                if (!touch_answers(e, unit_paths_dir(e->paths, i)))
                        return err_set(err, STAGE_LOAD, ETIMEDOUT,
                                       "read the units in %s: its file system does not answer",
                                       unit_paths_dir(e->paths, i));
        return 0;
}

void touch_free(struct engine *e)
{
        reach_free(e->reach);
        e->reach = NULL;
}

/* The path of a condition, without "|" and "!"; of a pattern what stands before its first wildcard. */
static const char *path_of(const char *item, char *buf, size_t n)
{
        char *wild;

        item += strspn(item, "|!");
        (void) snprintf(buf, n, "%s", item);
        wild = strpbrk(buf, "*?[");
        if (wild) {
                *wild = '\0';
                wild = strrchr(buf, '/');
                if (wild)
                        wild[1] = '\0';
        }
        return buf;
}

static bool list_answers(struct engine *e, const struct spec *s, enum directive d, size_t *ret_item)
{
        char path[4096];

        for (size_t i = 0; i < spec_count(s, d); i++)
                if (!touch_answers(e, path_of(spec_item(s, d, i), path, sizeof path))) {
                        *ret_item = i;
                        return false;
                }
        return true;
}

bool touch_conditions(struct engine *e, const struct spec *s, enum directive *ret_directive, size_t *ret_item)
{
        static const enum directive of_paths[] = {
                D_UNIT_ConditionPathExists, D_UNIT_ConditionPathExistsGlob, D_UNIT_ConditionPathIsDirectory,
                D_UNIT_ConditionPathIsSymbolicLink, D_UNIT_ConditionPathIsMountPoint, D_UNIT_ConditionPathIsReadWrite,
                D_UNIT_ConditionDirectoryNotEmpty, D_UNIT_ConditionFileNotEmpty, D_UNIT_ConditionFileIsExecutable,
                D_UNIT_AssertPathExists, D_UNIT_AssertPathExistsGlob, D_UNIT_AssertPathIsDirectory,
                D_UNIT_AssertPathIsSymbolicLink, D_UNIT_AssertPathIsMountPoint, D_UNIT_AssertPathIsReadWrite,
                D_UNIT_AssertDirectoryNotEmpty, D_UNIT_AssertFileNotEmpty, D_UNIT_AssertFileIsExecutable,
        };

        for (size_t i = 0; i < sizeof of_paths / sizeof of_paths[0]; i++)
                if (!list_answers(e, s, of_paths[i], ret_item)) {
                        *ret_directive = of_paths[i];
                        return false;
                }
        return true;
}
