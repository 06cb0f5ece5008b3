/* verbs.c - the table of verbs. A new one is its own file, a line in verbs.def and one in local.mk. */
#include <string.h>

#include "ctl/ctl.h"

#define VERB(name) extern const struct ctl_verb verb_##name;
#include "ctl/verbs.def"
#undef VERB

const struct ctl_verb *const ctl_verbs[] = {
#define VERB(name) &verb_##name,
#include "ctl/verbs.def"
#undef VERB
        NULL,
};

const struct ctl_verb *ctl_verb_find(const char *name)
{
        for (int i = 0; ctl_verbs[i]; i++)
                if (strcmp(ctl_verbs[i]->name, name) == 0)
                        return ctl_verbs[i];
        return NULL;
}
