/* doctor.h - what this place allows: each thing Coppice could enforce, whether it can here, and if not, why.
 *
 * doctor.def lists the areas; an area is a function that gives its rows one after another. To add a thing is to add a
 * row to its area, or an area to the table; daemon, coppicectl, JSON and tests follow.
 * May be used by: daemon, ctl, tests.  May use: os, base. */
#ifndef OS_DOCTOR_H
#define OS_DOCTOR_H

#include "base/strtab.h"
#include "os/cgroup.h"

enum doctor_state { DOCTOR_YES, DOCTOR_PARTLY, DOCTOR_NO };
extern const struct strtab doctor_state_names; /* "yes", "partly", "no" */

struct doctor_row {
        const char *area;          /* "control groups" */
        const char *what;          /* "memory limits"; static */
        enum doctor_state state;
        char text[320];            /* how, or why not and what to do */
};

typedef void doctor_fn(void *arg, const struct doctor_row *row);

/* A doctor_fn that writes the row as an object; arg: the struct json of an array. */
void doctor_json(void *arg, const struct doctor_row *row);

/* Every row. `c` is what the daemon uses; NULL: look around without making anything, as somebody who would start a
 * daemon from here. */
void doctor_environment(struct cgroup *c, doctor_fn *fn, void *arg);

/* One area of doctor.def: row i, false beyond the last; area is filled in by the caller. */
struct doctor_place {
        struct cgroup *cgroup;
        bool only_looking;
};
typedef bool doctor_area_fn(const struct doctor_place *place, size_t i, struct doctor_row *ret);
#define AREA(name, fn) doctor_area_fn fn;
#include "os/doctor.def"
#undef AREA

#endif
