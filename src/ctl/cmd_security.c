/* cmd_security.c - security: how exposed are services, and what would change that? */
#include <string.h>
#include <sys/socket.h>

#include "base/json.h"
#include "core/security.h"
#include "ctl/offline.h"

enum { OPT_ALL, OPT_THRESHOLD };
static const struct ctl_option options[] = {
        [OPT_ALL] = { "all", 'a', NULL, "Also what is good already, and every advice." },
        [OPT_THRESHOLD] = { "threshold", 0, "SCORE",
                            "Exit status 1 when one is more exposed than this, such as 3 or 4.5." },
        { 0 },
};

enum { ADVICE_SHOWN = 20 };

struct review {
        struct ctl *c;
        struct json j;
        int threshold;            /* tenths */
        bool over, details;
};

/* --- one unit ----------------------------------------------------------------------------------------------------- */

static void put_score(struct ctl *c, unsigned score)
{
        put_color(c, score >= 75 ? COLOR_RED : score >= 50 ? COLOR_YELLOW : score >= 10 ? COLOR_NONE : COLOR_GREEN);
        buf_addf(&c->out, "%u.%u %s", score / 10, score % 10, security_word(score));
        put_color(c, COLOR_NONE);
}

static void put_checks(struct ctl *c, const struct security_report *report)
{
        for (int i = 0; i < SECURITY_COUNT; i++) {
                const struct security_verdict *v = &report->verdicts[i];
                size_t n = strlen(security_rows[i].name);

                if (v->bad < 0 || (v->bad == 0 && !c->value[OPT_ALL]))
                        continue;
                put_colored(c, v->bad == 0 ? COLOR_GREEN : v->bad < 100 ? COLOR_YELLOW : COLOR_RED,
                            v->bad == 0 ? "+ " : v->bad < 100 ? "~ " : "- ");
                buf_adds(&c->out, security_rows[i].name);
                put_pad(&c->out, n, 60);
                buf_addf(&c->out, " %5u  %s\n", (unsigned) v->bad * security_rows[i].weight / 100, v->text);
        }
}

static const char *effort_word(int effort)
{
        return effort == 1 ? "hardly ever breaks anything" : effort == 2 ? "seldom breaks anything" : "needs thought";
}

static void put_advice(struct ctl *c, const struct security_advice *advice, size_t n)
{
        int effort = 0;
        size_t left = 0;

        for (size_t i = 0; i < n; i++) {
                if (!c->value[OPT_ALL] && (advice[i].gain == 0 || i >= ADVICE_SHOWN)) {
                        left++;
                        continue;
                }
                if (advice[i].effort != effort)
                        buf_addf(&c->out, "\nWhat would lower it, and %s:\n", effort_word(advice[i].effort));
                effort = advice[i].effort;
                buf_addf(&c->out, "  -%u.%u  %s\n", advice[i].gain / 10, advice[i].gain % 10, advice[i].line);
        }
        if (left > 0)
                buf_addf(&c->out, "  and %zu more with --all\n", left);
}

static void put_details(struct ctl *c, const char *name, const struct security_report *report,
                        const struct security_advice *advice, size_t n)
{
        put_color(c, COLOR_BOLD);
        buf_adds(&c->out, name);
        put_color(c, COLOR_NONE);
        buf_adds(&c->out, ": ");
        put_score(c, report->score);
        buf_adds(&c->out, " (0.0 is best, 10.0 fully exposed)\n\n");
        put_checks(c, report);
        put_advice(c, advice, n);
}

static void put_line(struct ctl *c, const char *name, const struct security_report *report,
                     const struct security_advice *advice, size_t n)
{
        buf_adds(&c->out, name);
        put_pad(&c->out, strlen(name), 32);
        buf_addc(&c->out, ' ');
        put_score(c, report->score);
        if (n > 0) {
                put_pad(&c->out, 4 + strlen(security_word(report->score)), 16);
                buf_addf(&c->out, "first: %s", advice[0].line);
        }
        buf_addc(&c->out, '\n');
}

static void json_checks(struct json *j, const struct security_report *report)
{
        json_open(j, "checks", '[');
        for (int i = 0; i < SECURITY_COUNT; i++) {
                if (report->verdicts[i].bad < 0)
                        continue;
                json_open(j, NULL, '{');
                json_str(j, "name", security_rows[i].name);
                json_str(j, "directive", directive_rows[security_rows[i].directive].key);
                json_uint(j, "weight", security_rows[i].weight);
                json_num(j, "exposed", report->verdicts[i].bad / 100.);
                json_str(j, "text", report->verdicts[i].text);
                json_close(j);
        }
        json_close(j);
}

static void json_review(struct json *j, const char *name, const struct security_report *report,
                        const struct security_advice *advice, size_t n)
{
        json_open(j, NULL, '{');
        json_str(j, "name", name);
        json_num(j, "score", report->score / 10.);
        json_str(j, "level", security_word(report->score));
        json_checks(j, report);
        json_open(j, "advice", '[');
        for (size_t i = 0; i < n; i++) {
                json_open(j, NULL, '{');
                json_str(j, "line", advice[i].line);
                json_int(j, "effort", advice[i].effort);
                json_num(j, "gain", advice[i].gain / 10.);
                json_str(j, "because", security_rows[advice[i].why].bad);
                json_close(j);
        }
        json_close(j);
        json_close(j);
}

static int review(struct review *r, const char *name, const struct spec *s, bool root)
{
        struct security_advice advice[SECURITY_COUNT];
        struct security_report report;
        size_t n;

        if (spec_kind(s) == KIND_CHANNEL)
                return ctl_error(CTL_USAGE, "%s: is a channel; what runs are services", name);
        if (spec_kind(s) != KIND_SERVICE)
                return ctl_error(CTL_USAGE, "%s: is a supervisor; what runs are the services below it", name);
        security_judge(s, root, &report);
        n = security_advise(s, root, advice);
        r->over = r->over || (int) report.score > r->threshold;
        if (r->c->json)
                json_review(&r->j, name, &report, advice, n);
        else if (r->details)
                put_details(r->c, name, &report, advice, n);
        else
                put_line(r->c, name, &report, advice, n);
        return CTL_OK;
}

/* --- where units come from ---------------------------------------------------------------------------------------- */

/* For files we think of the system's daemon, whoever asks: the harsher answer. */
static int review_file(struct review *r, const char *file)
{
        struct spec *spec = NULL;
        int code = offline_load(file, &spec);

        if (code == CTL_OK)
                code = review(r, file, spec, true);
        spec_unref(spec);
        return code;
}

static bool daemon_is_root(const struct ctl *c)
{
        struct ucred peer;
        socklen_t size = sizeof peer;

        return getsockopt(c->fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0 || peer.uid == 0;
}

/* What the daemon has made of its files, as one unit. */
static int review_node(struct review *r, const char *node)
{
        struct ctl *c = r->c;
        struct unit_source source = { .file = node };
        struct spec *spec = NULL;
        uint32_t reply;
        int code = ctl_call_text(c, "Cat", "node", node, &reply);

        if (code != CTL_OK)
                return code;
        source.text = jget_text(&c->doc, reply, "text");
        source.len = source.text ? strlen(source.text) : 0;
        if (unit_text_parse(jget_text(&c->doc, reply, "unit"), &source, 1, &unit_host_example, ctl_diag, NULL,
                            &spec) < 0)
                return ctl_error(CTL_FAILED, "%s: the daemon knows directives that coppicectl does not", node);
        code = review(r, node, spec, daemon_is_root(c));
        spec_unref(spec);
        return code;
}

static int review_all(struct review *r)
{
        struct ctl *c = r->c;
        autobuf struct buf names = BUF_INIT;
        uint32_t reply, nodes;
        int code = ctl_call(c, "List", NULL, false, &reply);

        if (code != CTL_OK)
                return code;
        nodes = jtok_get(&c->doc, reply, "nodes");
        for (uint32_t t = jtok_first(&c->doc, nodes); t != JTOK_NONE; t = jtok_after(&c->doc, nodes, t))
                if (strcmp(jget_text(&c->doc, t, "type"), "service") == 0)
                        buf_add(&names, jget_text(&c->doc, t, "path"), strlen(jget_text(&c->doc, t, "path")) + 1);
        for (size_t at = 0; at < names.len && code == CTL_OK; at += strlen(names.data + at) + 1)
                code = review_node(r, names.data + at);
        return code;
}

static int read_threshold(const struct ctl *c, int *ret)
{
        const char *text = c->value[OPT_THRESHOLD];
        double score;
        char *end;

        *ret = 100;
        if (!text)
                return CTL_OK;
        score = strtod(text, &end);
        if (end == text || *end || !(score >= 0 && score <= 10))
                return ctl_error(CTL_USAGE, "--threshold=%s: a score from 0 to 10", text);
        *ret = (int) (score * 10 + 0.5);
        return CTL_OK;
}

static int run_security(struct ctl *c)
{
        struct review r = { .c = c, .details = c->argc == 1 };
        int code = read_threshold(c, &r.threshold);

        if (code != CTL_OK)
                return code;
        r.j = json_start(&c->out);
        if (c->json)
                json_open(&r.j, NULL, '[');
        if (c->argc == 0)
                code = review_all(&r);
        for (int i = 0; i < c->argc && code == CTL_OK; i++)
                code = offline_file(c->argv[i]) ? review_file(&r, c->argv[i]) : review_node(&r, c->argv[i]);
        if (c->json && code != CTL_OK) {
                buf_clear(&c->out); /* no half an answer */
        } else if (c->json) {
                json_close(&r.j);
                buf_addc(&c->out, '\n');
        }
        return code == CTL_OK && r.over ? CTL_FAILED : code;
}

const struct ctl_verb verb_security = {
        .name = "security", .args = "[NODE|FILE...]",
        .help = "Score how exposed services are, and what would change that.",
        .prose = "From 0.0, best, to 10.0, fully exposed: the share of what a service could do to the machine that its "
                 "unit leaves open, weighted as by systemd-analyze security, with limits and Landlock besides. Of one "
                 "service all that is open with its weight, and then the lines that would close it: first those that "
                 "hardly ever break a service, each with what it would gain. Without an argument one line for each "
                 "service of the tree. Files need no daemon and are judged as if a daemon of root ran them.",
        .options = options, .max_args = -1, .complete = COMPLETE_NODES, .run = run_security,
};
