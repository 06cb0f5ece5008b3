/* explain.c - a record as a sentence.
 *
 *      /web: restart in 400ms, 2 used (RestartSec=100ms, web.service:7)
 *
 * The sentence is the rule's of rules.def; behind it stands the line of the unit that asked for it, or the directive
 * alone where the default did. */
#include <string.h>

#include "base/buf.h"
#include "core/bond.h"
#include "core/machine.h"
#include "core/value.h"

enum { PATH_TEXT = 1024 };

static void put_path(const struct core *c, node_id id, struct buf *out)
{
        if (id != NODE_NONE)
                core_path_add(c, id, out);
        else
                buf_adds(out, "(removed)");
}

static void put_reason(const struct core *c, const struct record *record, struct buf *out)
{
        const struct reason *r = &record->reason;
        char peer[PATH_TEXT], text[PATH_TEXT + 64];
        bool known = core_meant(c, record, r->peer) != NODE_NONE;

        buf_adds(out, reason_format(r, known ? core_path(c, r->peer, peer, sizeof(peer)) : NULL, text, sizeof(text)));
}

static void put_signal(int64_t sig, struct buf *out)
{
        const char *name = signal_name((int) sig);

        if (name)
                buf_addf(out, "SIG%s", name);
        else
                buf_addf(out, "%lld", (long long) sig);
}

static bool word_is(const char *word, size_t len, const char *name)
{
        return strlen(name) == len && memcmp(word, name, len) == 0;
}

/* A sentence needs three figures, not nine: from 10 ms on to the millisecond, below that to the microsecond. */
static nsec rounded(nsec span)
{
        nsec unit = span >= 10 * NSEC_PER_MSEC ? NSEC_PER_MSEC : NSEC_PER_USEC;

        return span < unit || span > NSEC_NEVER - unit ? span : (span + unit / 2) / unit * unit;
}

/* A rule that names its directive as {cmd} or {check} is about the one in a, and its item number b. */
static bool names_item(const struct core *c, const struct record *r)
{
        const struct node *n = node_or_buried(c, core_meant(c, r, r->node));

        return n && strstr(rule_rows[r->rule].text, "{c") && r->a >= 0 && r->a < D_COUNT &&
               r->b >= 0 && (size_t) r->b < spec_count(n->spec, (enum directive) r->a);
}

static void put_item(const struct core *c, const struct record *r, struct buf *out)
{
        if (names_item(c, r))
                buf_adds(out, spec_item(node_or_buried(c, core_meant(c, r, r->node))->spec, (enum directive) r->a,
                                        (size_t) r->b));
}

static void put_late(int64_t late, struct buf *out)
{
        static const char *const texts[LATE_COUNT] = {
                [LATE_CHECK] = "; who was asked about its conditions, user or files has not answered",
                [LATE_COMMAND] = "; a command of it has not ended",
                [LATE_READY] = "; READY=1 of Type=notify has not come",
                [LATE_NOTIFY_FD] = "; no line has come through NotifyFd=",
                [LATE_PID_FILE] = "; PIDFile= does not name its main process",
        };

        if (late > LATE_UNKNOWN && late < LATE_COUNT)
                buf_adds(out, texts[late]);
}

static void put_word(const struct core *c, const struct record *r, const char *word, size_t len, struct buf *out)
{
        if (word_is(word, len, "other"))
                put_path(c, core_meant(c, r, r->other), out);
        else if (word_is(word, len, "reason"))
                put_reason(c, r, out);
        else if (word_is(word, len, "a"))
                buf_addf(out, "%lld", (long long) r->a);
        else if (word_is(word, len, "b"))
                buf_addf(out, "%lld", (long long) r->b);
        else if (word_is(word, len, "t"))
                value_print_span(rounded(r->a), out);
        else if (word_is(word, len, "sig"))
                put_signal(r->a, out);
        else if (word_is(word, len, "cmd") && r->a >= 0 && r->a < D_COUNT)
                buf_adds(out, directive_rows[r->a].key);
        else if (word_is(word, len, "item"))
                put_item(c, r, out);
        else if (word_is(word, len, "text"))
                buf_adds(out, core_emitted(c, r->seq) ? core_emitted(c, r->seq) : "(not kept any more)");
        else if (word_is(word, len, "late"))
                put_late(r->b, out);
        else if (word_is(word, len, "check"))
                buf_addf(out, "%s", r->a >= 0 && r->a < D_COUNT ? directive_rows[r->a].key : "a condition");
}

static void put_sentence(const struct core *c, const struct record *r, struct buf *out)
{
        const char *at = rule_rows[r->rule].text;

        while (*at) {
                size_t plain = strcspn(at, "{");
                const char *end;

                buf_add(out, at, plain);
                at += plain;
                end = strchr(at, '}');
                if (!end)
                        return;
                put_word(c, r, at + 1, (size_t) (end - at - 1), out);
                at = end + 1;
        }
}

/* The unit and the directive a rule quotes: a rule about a child may rest on a line of its supervisor's unit, and
 * what a service's section says has its twin in a supervisor's. */
static const struct spec *quoted(const struct core *c, const struct record *r, enum directive *d)
{
        const struct node *n = node_or_buried(c, core_meant(c, r, r->node)), *p;

        if (!n || *d >= D_COUNT)
                return NULL;
        p = parent_of(c, n);
        if (directive_rows[*d].section == SECTION_UNIT)
                return n->spec;
        if (directive_rows[*d].section == SECTION_SERVICE) {
                if (is_super(n))
                        *d = directive_find(SECTION_SUPERVISOR, directive_rows[*d].key);
                return *d == D_NONE ? NULL : n->spec;
        }
        if (is_super(n) && r->rule != RULE_INTENSITY_CHILD && r->rule != RULE_INTENSITY_GROUP &&
            r->rule != RULE_GROUP_STOP && r->rule != RULE_GROUP_START)
                return n->spec;
        return p ? p->spec : NULL;
}

static void put_place(const struct origin *o, struct buf *out)
{
        const char *base = strrchr(o->file, '/');

        if (o->line && *o->file)
                buf_addf(out, "%s:%u)", base ? base + 1 : o->file, o->line);
        else
                buf_adds(out, "the default)");
}

struct origin core_quotes(const struct core *c, const struct record *r)
{
        enum directive d = (enum directive) rule_rows[r->rule].directive;
        const struct spec *s = quoted(c, r, &d);

        if (names_item(c, r))
                return spec_item_origin(node_or_buried(c, core_meant(c, r, r->node))->spec, (enum directive) r->a,
                                        (size_t) r->b);
        return s ? spec_origin(s, d) : (struct origin) { .file = "" };
}

static void put_origin(const struct core *c, const struct record *r, struct buf *out)
{
        enum directive d = (enum directive) rule_rows[r->rule].directive;
        const struct spec *s = quoted(c, r, &d);
        struct origin o = core_quotes(c, r);

        if (names_item(c, r)) {
                d = (enum directive) r->a;
                buf_adds(out, " (");
                if (directive_rows[d].type == VT_CONDITION)
                        buf_addf(out, "%s=%s, ", directive_rows[d].key,
                                 spec_item(node_or_buried(c, core_meant(c, r, r->node))->spec, d, (size_t) r->b));
        } else if (s) {
                buf_addf(out, " (%s=", directive_rows[d].key);
                spec_print(s, d, out);
                buf_adds(out, ", ");
        } else {
                return;
        }
        put_place(&o, out);
}

void core_explain(const struct core *c, const struct record *r, struct buf *out)
{
        put_path(c, core_meant(c, r, r->node), out);
        buf_adds(out, ": ");
        put_sentence(c, r, out);
        put_origin(c, r, out);
}
