/* security.c - see security.h: the judges, the sum, the advice. */
#include "core/security.h"

#include <stdlib.h>
#include <string.h>

#include "core/capability.h"
#include "core/filter.h"
#include "core/mounts.h"
#include "core/resolve.h"
#include "core/unit_text.h"

#define GOOD   ((struct security_verdict) { 0, row->good })
#define BAD    ((struct security_verdict) { 100, row->bad })
#define NOTHING ((struct security_verdict) { -1, "" })
#define PARTLY(percent, sentence) ((struct security_verdict) { (percent), (sentence) })

/* Who is judged; its filter is worked out once. */
struct subject {
        const struct spec *s;
        bool root;           /* the daemon is */
        struct filter filter;
};

#define JUDGE(name) \
        static struct security_verdict judge_##name(const struct subject *x, enum directive d, \
                                                    const struct security_row *row)
#define UNUSED (void) x, (void) d, (void) row

/* --- values ------------------------------------------------------------------------------------------------------- */

/* The value in effect as text; true when it is one of these words (NULL ends them). */
static bool is_one_of(const struct spec *s, enum directive d, const char *const *words)
{
        autobuf struct buf text = BUF_INIT;

        spec_print(s, d, &text);
        for (; *words; words++)
                if (strcmp(buf_text(&text), *words) == 0)
                        return true;
        return false;
}

#define IS(...) is_one_of(x->s, d, (const char *const[]) { __VA_ARGS__, NULL })

static bool is_on(const struct spec *s, enum directive d)
{
        return !is_one_of(s, d, (const char *const[]) { "", "no", NULL });
}

/* Does it run as root in the end? */
static bool privileged(const struct spec *s, bool root)
{
        const char *user = spec_str(s, D_SERVICE_User);

        if (user[0] == '\0')
                return root && !is_on(s, D_SERVICE_DynamicUser);
        return strcmp(user, "root") == 0 || strcmp(user, "0") == 0;
}

static bool no_new_privileges(const struct spec *s, bool root)
{
        if (spec_has(s, D_SERVICE_NoNewPrivileges))
                return spec_int(s, D_SERVICE_NoNewPrivileges);
        return !privileged(s, root);
}

/* What it may have at most: who is not root and gets no new privileges has what he keeps, and nothing to gain. */
static uint64_t bounding(const struct spec *s, bool root)
{
        uint64_t ambient = capability_mask(s, D_SERVICE_AmbientCapabilities, 0);
        uint64_t unset = !privileged(s, root) && no_new_privileges(s, root) ? ambient : CAPABILITY_ALL;

        return capability_mask(s, D_SERVICE_CapabilityBoundingSet, unset);
}

/* --- judges ------------------------------------------------------------------------------------------------------- */

/* Something, be it a word, a directory or a bound. */
JUDGE(on)
{
        UNUSED;
        return IS("", "no", "/", "infinity") ? BAD : GOOD;
}

JUDGE(off)
{
        UNUSED;
        return IS("", "no") ? GOOD : BAD;
}

JUDGE(no_core)
{
        UNUSED;
        return IS("0") ? GOOD : BAD;
}

JUDGE(user)
{
        UNUSED;
        if (privileged(x->s, x->root))
                return BAD;
        if (is_on(x->s, D_SERVICE_DynamicUser))
                return PARTLY(0, "it runs as a user made for it");
        if (IS("nobody", "65534"))
                return PARTLY(90, "it runs as nobody, whom it shares with others");
        return spec_str(x->s, d)[0] ? GOOD : PARTLY(0, "it runs as the daemon's user, who is not root");
}

JUDGE(groups)
{
        UNUSED;
        if (privileged(x->s, x->root))
                return NOTHING;
        return spec_count(x->s, d) > 0 ? BAD : GOOD;
}

JUDGE(new_privileges)
{
        UNUSED;
        return no_new_privileges(x->s, x->root) ? GOOD : BAD;
}

JUDGE(ambient)
{
        UNUSED;
        return capability_mask(x->s, d, 0) ? BAD : GOOD;
}

JUDGE(capability)
{
        UNUSED;
        return bounding(x->s, x->root) & row->param ? BAD : GOOD;
}

JUDGE(tmp)
{
        UNUSED;
        return spec_private_tmp(x->s) == PRIVATE_TMP_NO ? BAD : GOOD;
}

JUDGE(system)
{
        UNUSED;
        switch (spec_protect_system(x->s)) {
        case PROTECT_SYSTEM_STRICT: return GOOD;
        case PROTECT_SYSTEM_FULL: return PARTLY(30, "it cannot write to the system's programs and settings");
        case PROTECT_SYSTEM_YES: return PARTLY(50, "it cannot write to the system's programs");
        default: return BAD;
        }
}

JUDGE(home)
{
        UNUSED;
        switch (spec_protect_home(x->s)) {
        case PROTECT_HOME_YES: return GOOD;
        case PROTECT_HOME_TMPFS: return PARTLY(10, "it sees empty home directories");
        case PROTECT_HOME_READ_ONLY: return PARTLY(50, "it can read home directories");
        default: return BAD;
        }
}

JUDGE(suid)
{
        UNUSED;
        return x->filter.suid_sgid ? GOOD : BAD;
}

JUDGE(own_mounts)
{
        UNUSED;
        return mounts_wanted(x->s) ? GOOD : BAD;
}

JUDGE(proc)
{
        UNUSED;
        if (IS("invisible", "ptraceable"))
                return GOOD;
        return IS("noaccess") ? PARTLY(33, "it sees others in /proc, but nothing of them") : BAD;
}

JUDGE(proc_subset)
{
        UNUSED;
        return IS("pid") ? GOOD : BAD;
}

JUDGE(landlock)
{
        UNUSED;
        return spec_has(x->s, D_SERVICE_LandlockRead) || spec_has(x->s, D_SERVICE_LandlockWrite) ||
               spec_has(x->s, D_SERVICE_LandlockExecute) ? GOOD : BAD;
}

JUDGE(landlock_net)
{
        UNUSED;
        if (is_on(x->s, D_SERVICE_PrivateNetwork))
                return NOTHING;
        return spec_has(x->s, D_SERVICE_LandlockBindTCP) && spec_has(x->s, D_SERVICE_LandlockConnectTCP) ? GOOD :
               spec_has(x->s, D_SERVICE_LandlockBindTCP) || spec_has(x->s, D_SERVICE_LandlockConnectTCP)
                       ? PARTLY(50, "Landlock bounds its connections one way") :
               BAD;
}

JUDGE(umask)
{
        int64_t mask = spec_int(x->s, d);

        UNUSED;
        if (!(mask & 0002))
                return BAD;
        if (!(mask & 0004))
                return PARTLY(50, "what it makes others may read");
        if (!(mask & 0020))
                return PARTLY(20, "what it makes its group may change");
        return mask & 0040 ? GOOD : PARTLY(10, "what it makes its group may read");
}

JUDGE(control)
{
        UNUSED;
        switch (spec_int(x->s, d)) {
        case CONTROL_NONE: return GOOD;
        case CONTROL_READ: return PARTLY(10, "it may look at what the daemon does");
        case CONTROL_OWN: return PARTLY(40, "it may stop and start its siblings");
        default: return BAD;
        }
}

JUDGE(notify)
{
        UNUSED;
        return spec_notify_access(x->s) == NOTIFY_ALL ? BAD : GOOD;
}

/* --- system calls ------------------------------------------------------------------------------------------------- */

struct search {
        const struct filter *f;
        bool found;
};

static void look_for_allowed(void *arg, size_t index)
{
        struct search *q = arg;

        if (syscall_number(index) >= 0 && q->f->call[index] < 0 && q->f->call[index] != FILTER_KILL)
                q->found = true;
}

JUDGE(calls)
{
        struct search q = { .f = &x->filter };

        UNUSED;
        (void) syscall_each(row->word, look_for_allowed, &q);
        return q.found ? BAD : GOOD;
}

JUDGE(architectures)
{
        UNUSED;
        if (!x->filter.archs_said)
                return BAD;
        return x->filter.archs & (x->filter.archs - 1)
               ? PARTLY(80, "calls of several kinds of processors are open to it") : GOOD;
}

JUDGE(families)
{
        UNUSED;
        return !x->filter.families_said || x->filter.families & row->param ? BAD : GOOD;
}

JUDGE(other_families)
{
        UNUSED;
        return !x->filter.families_said || x->filter.families_others || x->filter.families & ~row->param ? BAD : GOOD;
}

JUDGE(namespaces)
{
        UNUSED;
        return x->filter.namespaces & row->param ? GOOD : BAD;
}

/* --- the table ---------------------------------------------------------------------------------------------------- */

#define ONE(n)  .param = (n)
#define CAP(n)  (UINT64_C(1) << (n))
#define FAMILY(n) (UINT64_C(1) << (n))
#define CALLS(group) .word = (group)
const struct security_row security_rows[SECURITY_COUNT] = {
#define SECURITY(id, title, key, share, question, parameter, yes, no, cost, advice) \
        [SECURITY_##id] = { .name = title, .directive = D_SERVICE_##key, .weight = share, \
                            .judge = judge_##question, parameter, .good = yes, .bad = no, .effort = cost, \
                            .line = advice },
#include "core/security.def"
#undef SECURITY
};

void security_judge(const struct spec *s, bool root, struct security_report *ret)
{
        struct subject x = { .s = s, .root = root };
        uint64_t bad = 0, all = 0;

        (void) filter_of(s, &x.filter);
        for (int i = 0; i < SECURITY_COUNT; i++) {
                const struct security_row *row = &security_rows[i];
                struct security_verdict *v = &ret->verdicts[i];

                *v = row->judge(&x, row->directive, row);
                if (v->bad < 0)
                        continue;
                bad += (uint64_t) v->bad * row->weight;
                all += row->weight;
        }
        ret->score = all ? (unsigned) ((bad + all - 1) / all) : 0; /* rounded up: 0 is only for who has earned it */
}

const char *security_word(unsigned score)
{
        static const struct {
                unsigned from;
                const char *word;
        } words[] = {
                { 100, "dangerous" }, { 90, "unsafe" }, { 75, "exposed" }, { 50, "medium" }, { 10, "ok" },
                { 1, "safe" },
        };

        for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
                if (score >= words[i].from)
                        return words[i].word;
        return "perfect";
}

/* --- advice ------------------------------------------------------------------------------------------------------- */

/* The unit with one line more, as a drop-in. NULL when that is no unit. */
static struct spec *with_line(const struct spec *s, const struct buf *text, const char *line)
{
        autobuf struct buf more = BUF_INIT;
        struct unit_source sources[2] = { { .file = "unit", .text = buf_text(text), .len = text->len },
                                          { .file = "advice" } };
        struct spec *both;

        if (strcmp(line, "User=NAME") == 0)
                line = "User=60000"; /* anybody but root */
        buf_addf(&more, "[Service]\n%s\n", line);
        sources[1].text = buf_text(&more);
        sources[1].len = more.len;
        return unit_text_parse(spec_name(s), sources, 2, &unit_host_example, NULL, NULL, &both) < 0 ? NULL : both;
}

static bool advised(const struct security_advice *advice, size_t n, const char *line)
{
        for (size_t i = 0; i < n; i++)
                if (strcmp(advice[i].line, line) == 0)
                        return true;
        return false;
}

static int by_effort(const void *a, const void *b)
{
        const struct security_advice *x = a, *y = b;

        if (x->effort != y->effort)
                return x->effort - y->effort;
        return x->gain != y->gain ? (x->gain < y->gain ? 1 : -1) : (int) x->why - (int) y->why;
}

size_t security_advise(const struct spec *s, bool root, struct security_advice *advice)
{
        autobuf struct buf text = BUF_INIT;
        struct security_report now, then;
        size_t n = 0;

        unit_text_print(s, false, &text);
        security_judge(s, root, &now);
        for (int i = 0; i < SECURITY_COUNT; i++) {
                const struct security_row *row = &security_rows[i];
                struct spec *better;

                if (now.verdicts[i].bad <= 0 || !row->line[0] || advised(advice, n, row->line))
                        continue;
                better = with_line(s, &text, row->line);
                if (!better)
                        continue;
                security_judge(better, root, &then);
                spec_unref(better);
                if (then.verdicts[i].bad < now.verdicts[i].bad)
                        advice[n++] = (struct security_advice) {
                                .line = row->line, .effort = row->effort, .why = (enum security_check) i,
                                .gain = now.score > then.score ? now.score - then.score : 0 };
        }
        qsort(advice, n, sizeof *advice, by_effort);
        return n;
}
