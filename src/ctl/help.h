/* help.h - the table of verbs in words, for `help` and --help. */
#ifndef CTL_HELP_H
#define CTL_HELP_H

#include "ctl/ctl.h"

/* Write the list of verbs, or all about one verb, into c->out. */
void help_all(struct ctl *c);
void help_verb(struct ctl *c, const struct ctl_verb *v);

#endif
