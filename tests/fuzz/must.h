/* must.h - what a fuzz target promises. */
#pragma once

#include <stdio.h>
#include <stdlib.h>

#define MUST(condition)                                                                                                \
        do {                                                                                                           \
                if (!(condition)) {                                                                                    \
                        (void) fprintf(stderr, "broken promise: %s\n", #condition);                                    \
                        abort();                                                                                       \
                }                                                                                                      \
        } while (0)
