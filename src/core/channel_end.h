/* channel_end.h - one end of a channel as From= and To= name it: a service, and which of its descriptors. Pure.
 *
 *      producer.service              its stdout in From=, its stdin in To=
 *      producer.service:stderr       stdin, stdout, stderr; or a number from 0 to 1023
 *      producer.service:fd:results   one of those that come with $LISTEN_FDS, by its name in $LISTEN_FDNAMES
 *
 * Used by: value, validate, daemon.  Tested by: tests/unit/validate.c */
#ifndef CORE_CHANNEL_END_H
#define CORE_CHANNEL_END_H

#include "core/spec.h"

enum { CHANNEL_FD_MAX = 1023, CHANNEL_NAME_MAX = 64, CHANNEL_COPIES_MAX = 31 /* readers of Deliver=all */ };

struct channel_end {
        char unit[256];               /* "producer.service" */
        char name[CHANNEL_NAME_MAX];  /* "results"; "" unless it goes by name */
        int fd;                       /* its number in the program; -1 when it goes by name */
        bool said;                    /* not just the default */
};

/* False when the descriptor, or the length of it all, makes no sense. That the unit is one is not looked at. */
bool channel_end_parse(const char *text, bool writes, struct channel_end *ret);

/* Item i of D_CHANNEL_From or D_CHANNEL_To of a spec, which has been checked. */
struct channel_end channel_end_of(const struct spec *s, enum directive d, size_t i);

/* "stdin", "stdout", "stderr", "7", "fd:results" into buf[n]; returns buf. */
char *channel_end_print(const struct channel_end *end, char *buf, size_t n);

/* Both are the same descriptor of a service. */
bool channel_end_same(const struct channel_end *a, const struct channel_end *b);

#endif
