/* play.h - what the files that play a script share; nobody else includes it. */
#ifndef SIM_PLAY_H
#define SIM_PLAY_H

#include "sim/story.h"

enum { MAX_ANSWERS = 4096 };

struct play {
        struct sim *sim;
        const struct script *script;
        const struct script_step *step;
        struct story story;
        struct err *err;
        const char *asked[MAX_ANSWERS];  /* by token: the request's verb */
        node_id asked_node[MAX_ANSWERS];
};

/* simulate.c: errors name the line in hand; play_find() resolves a node as an operator would write it. */
int play_fail(struct play *p, int code, const char *fmt, const char *what, const char *hint);
int play_find(struct play *p, const char *name, node_id *ret);

/* change.c */
int play_change(struct play *p, node_id id, uint32_t argc, char **argv);
int play_add(struct play *p, uint32_t argc, char **argv);

#endif
