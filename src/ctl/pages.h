/* pages.h - the completion scripts of coppicectl, made from the table of verbs: printed to standard output. 0.
 * Used by: pages.c, a build tool. */
#ifndef CTL_PAGES_H
#define CTL_PAGES_H

#include "ctl/ctl.h"

/* Print the completion for a shell, made from the tables of verbs and options. Returns an exit status. */
int pages_bash(void);
int pages_zsh(void);
int pages_fish(void);

#endif
