/* security.h - how much a service could do if it turned against us: a score, and what would lower it.
 *
 * A row of security.def is one question with a weight; the score is the share of the weight that is answered badly,
 * 0 (nothing) to 100 (everything), shown as 0.0 to 10.0. Weights are those of `systemd-analyze security` where it asks
 * the same, so that the numbers compare. A row counts when the question makes sense for the unit.
 * Pure. Used by: ctl (security).  Tested by: tests/unit/security.c */
#ifndef CORE_SECURITY_H
#define CORE_SECURITY_H

#include "core/diag.h"
#include "core/spec.h"

enum security_check {
#define SECURITY(id, name, key, weight, judge, param, good, bad, effort, line) SECURITY_##id,
#include "core/security.def"
#undef SECURITY
        SECURITY_COUNT
};

struct security_verdict {
        int bad;             /* percent of the weight, 0 = good, 100 = bad; -1 = does not count */
        const char *text;    /* the sentence */
};

struct subject;          /* security.c */
struct security_row {
        const char *name;    /* "CapabilityBoundingSet=~CAP_SYS_ADMIN" */
        enum directive directive;
        unsigned weight;
        struct security_verdict (*judge)(const struct subject *x, enum directive d, const struct security_row *row);
        uint64_t param;      /* of the judge: a mask, a number */
        const char *word;    /* of the judge: "@mount" */
        const char *good, *bad;
        int effort;          /* of `line`: 1 hardly ever breaks anything, 2 seldom, 3 needs thought */
        const char *line;    /* what makes it good; "" when nothing does */
};
extern const struct security_row security_rows[SECURITY_COUNT];

struct security_report {
        unsigned score;      /* 0 to 100 */
        struct security_verdict verdicts[SECURITY_COUNT];
};

/* `root`: the daemon runs as root, so a service without User= does. */
void security_judge(const struct spec *s, bool root, struct security_report *ret);

struct security_advice {
        const char *line;    /* "PrivateTmp=yes" */
        int effort;
        unsigned gain;       /* by how much the score falls */
        enum security_check why; /* the heaviest question it answers */
};

/* Lines that lower the score, each tried out on its own: the least effort first, then the greatest gain. `advice` has
 * room for SECURITY_COUNT. Returns how many. */
size_t security_advise(const struct spec *s, bool root, struct security_advice *advice);

/* "safe", "exposed" ...: the word for a score, systemd's scale in small letters. */
const char *security_word(unsigned score);

#endif
