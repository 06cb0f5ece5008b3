/* options.h - the command line of coppiced, read by the engine. */
#ifndef DAEMON_OPTIONS_H
#define DAEMON_OPTIONS_H

#include <sys/types.h>

#include "base/log.h"
#include "core/types.h"

#define OPTIONS_UNIT_DIRS_MAX 16

enum log_target { TARGET_FILE, TARGET_CONSOLE };
enum machine_said { MACHINE_AUTO, MACHINE_YES, MACHINE_NO };

struct options {
        const char *unit_dirs[OPTIONS_UNIT_DIRS_MAX + 1]; /* --units, in order; NULL-terminated; none = search path */
        size_t unit_dir_count;
        const char *runtime_dir;  /* never NULL after options_defaults() */
        const char *log_dir;
        const char *state_dir;
        enum isolation isolation;
        enum log_target log_target;
        bool log_target_said;
        enum log_level log_level;
        nsec stop_timeout;        /* the whole shutdown */
        gid_t control_group;      /* may open the control socket and change things; (gid_t) -1 = none */
        char **command;           /* behind "--"; NULL = none; NULL-terminated */
        const char *cwd;          /* where we were started; NULL = unknown */
        int pid;                  /* of init */
        bool pid1, root;
        bool machine;             /* PID 1 of a machine, not of a container */
        int machine_said;         /* enum machine_said */
        uid_t uid;                /* effective: asked once */
};

enum options_result { OPTIONS_RUN, OPTIONS_DONE, OPTIONS_BAD };

/* Read argv. DONE: --help or --version has been printed; BAD: said why on standard error (exit 111). */
enum options_result options_parse(struct options *o, int argc, char **argv);

/* Fill in what was not said: directories by privilege, log target by what we run in. */
int options_defaults(struct options *o, struct err *err);

#endif
