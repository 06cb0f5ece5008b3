/* cmd_explain.c - explain: how the commands of a service are run, step by step. */
#include <stdio.h>
#include <string.h>

#include "base/account.h"
#include "core/plan.h"
#include "core/sandbox.h"
#include "core/value.h"
#include "ctl/offline.h"

enum { OPT_DIRECTIVE };
static const struct ctl_option options[] = {
        [OPT_DIRECTIVE] = { "directive", 'd', "KEY", "Only the commands of this directive, such as ExecStart." },
        { 0 },
};

static void put_command(struct ctl *c, uint32_t t)
{
        const struct jdoc *d = &c->doc;
        uint32_t steps = jtok_get(d, t, "steps");
        const char *error = jget_text(d, t, "error"), *file, *kind, *shown = "";

        put_color(c, COLOR_BOLD);
        buf_addf(&c->out, "%s, command %lld:\n", jget_text(d, t, "directive"),
                 (long long) jget_int(d, t, "index", 0) + 1);
        put_color(c, COLOR_NONE);
        if (error)
                buf_addf(&c->out, "  cannot be run: %s\n", error);
        for (uint32_t s = jtok_first(d, steps); s != JTOK_NONE; s = jtok_after(d, steps, s)) {
                file = jget_text(d, s, "file");
                kind = jget_text(d, s, "stage"); /* "" for a step that cannot fail */
                if (!kind || !kind[0])
                        kind = jget_text(d, s, "op");
                buf_addf(&c->out, "%3lld  %-17s ", (long long) jget_int(d, s, "step", 0), kind);
                put_safe(&c->out, jget_text(d, s, "text"));
                put_color(c, COLOR_DIM);
                if (file && jget_int(d, s, "line", 0) > 0) {
                        shown = strrchr(file, '/') ? strrchr(file, '/') + 1 : file;
                        buf_addf(&c->out, "   (%s:%lld)", shown, (long long) jget_int(d, s, "line", 0));
                }
                put_color(c, COLOR_NONE);
                buf_addc(&c->out, '\n');
        }
}

/* --- without a daemon --------------------------------------------------------------------------------------------- */

/* A number is one; everything else is a name. */
static bool is_id(const char *text, uint32_t *ret)
{
        int64_t n;

        if (value_decimal(text, &n) < 0 || n < 0 || n >= UINT32_MAX)
                return false;
        *ret = (uint32_t) n;
        return true;
}

/* Who User= and Group= are, by /etc/passwd and /etc/group alone: coppicectl asks no name service. */
static void look_up(const struct spec *s, struct plan_facts *facts, struct account *a)
{
        const char *user = spec_str(s, D_SERVICE_User), *group = spec_str(s, D_SERVICE_Group);
        uint32_t id;

        facts->have_user = *user || *group;
        if (*user && (is_id(user, &id) ? account_by_uid(id, a) : account_by_name(user, a)) == 0) {
                facts->uid = a->uid;
                facts->gid = a->gid;
                facts->user_name = a->name;
                facts->home = a->home;
                facts->shell = a->shell;
        } else if (*user && is_id(user, &id)) { /* needs no entry */
                facts->uid = facts->gid = id;
        }
        if (*group && is_id(group, &id))
                facts->gid = id;
        else if (*group)
                (void) account_group(group, &facts->gid);
}

static void write_commands(const struct spec *s, struct json *j, const char *only)
{
        static const enum directive lists[] = {
                D_SERVICE_ExecCondition, D_SERVICE_ExecStartPre, D_SERVICE_ExecStart, D_SERVICE_ExecStartPost,
                D_SERVICE_ExecReload,    D_SERVICE_ExecStop,     D_SERVICE_ExecStopPost,
        };
        autofree char *node = NULL;
        struct account account = { 0 };
        struct plan_facts facts = {
                .incarnation = 1, .mark = "00000000000000000000000000000001", .root = geteuid() == 0,
                .daemon_uid = geteuid(), .fds = PLAN_FDS_NONE, .runtime_root = "/run", .state_root = "/var/lib",
                .cache_root = "/var/cache", .logs_root = "/var/log", .config_root = "/etc",
                .sandbox = { .can = SANDBOX_ALL, .stand_in_dir = "/run/coppice/hidden/directory",
                             .stand_in_file = "/run/coppice/hidden/file" },
        };
        char text[700];

        if (asprintf(&node, "/%s", spec_stem(s)) < 0)
                node = NULL;
        facts.node = node ? node : "/";
        look_up(s, &facts, &account);
        for (size_t k = 0; k < ARRAY_LEN(lists); k++)
                for (size_t i = 0; i < spec_count(s, lists[k]); i++) {
                        autobuf struct buf plan = BUF_INIT;
                        struct err err = { 0 };
                        int r;

                        if (only && strcmp(only, directive_rows[lists[k]].key) != 0)
                                continue;
                        facts.control = lists[k] != D_SERVICE_ExecStart;
                        r = plan_compile(s, &facts, lists[k], i, &plan, &err);
                        json_open(j, NULL, '{');
                        json_str(j, "directive", directive_rows[lists[k]].key);
                        json_uint(j, "index", i);
                        if (r >= 0)
                                (void) plan_explain_json(plan.data, plan.len, j, "steps");
                        json_str(j, "error", r < 0 ? err_format(&err, text, sizeof text) : NULL);
                        json_close(j);
                }
        account_done(&account);
}

static int explain_file(struct ctl *c, const char *file, struct buf *text)
{
        struct json j = json_start(text);
        struct spec *spec = NULL;
        int r = offline_load(file, &spec);

        if (r != CTL_OK)
                return r;
        if (spec_kind(spec) != KIND_SERVICE) {
                const char *kind = strtab_text(&node_kind_names, (int) spec_kind(spec));

                spec_unref(spec);
                return ctl_error(CTL_USAGE, "%s: a %s runs no commands", file, kind);
        }
        json_open(&j, NULL, '{');
        json_str(&j, "path", spec_name(spec));
        json_open(&j, "commands", '[');
        write_commands(spec, &j, c->value[OPT_DIRECTIVE]);
        json_close(&j);
        json_close(&j);
        spec_unref(spec);
        return buf_failed(text) || jtok_parse(&c->doc, text->data, text->len) < 0
               ? ctl_error(CTL_FAILED, "out of memory") : CTL_OK;
}

static int explain_node(struct ctl *c, const char *node, uint32_t *ret)
{
        autobuf struct buf params = BUF_INIT;
        struct json j = json_start(&params);

        json_open(&j, NULL, '{');
        json_str(&j, "node", node);
        if (c->value[OPT_DIRECTIVE])
                json_str(&j, "directive", c->value[OPT_DIRECTIVE]);
        json_close(&j);
        return ctl_call(c, "Explain", buf_text(&params), false, ret);
}

static int run_explain(struct ctl *c)
{
        autobuf struct buf text = BUF_INIT;
        uint32_t reply = 0, commands;
        int r = offline_file(c->argv[0]) ? explain_file(c, c->argv[0], &text) : explain_node(c, c->argv[0], &reply);

        if (r != CTL_OK)
                return r;
        commands = jtok_get(&c->doc, reply, "commands");
        if (c->json) {
                ctl_put_json(c, reply);
                return CTL_OK;
        }
        for (uint32_t t = jtok_first(&c->doc, commands); t != JTOK_NONE; t = jtok_after(&c->doc, commands, t))
                put_command(c, t);
        return CTL_OK;
}

const struct ctl_verb verb_explain = {
        .name = "explain", .args = "NODE|FILE", .help = "Tell step by step how the commands of a service are run.",
        .prose = "These are the very steps the new process performs, in their order, each with the line of the unit "
                 "that asks for it. A unit file is explained without a daemon; what only the daemon knows (control "
                 "group, descriptors) is left out then, and users are looked up in /etc/passwd alone.",
        .options = options, .min_args = 1, .max_args = 1, .complete = COMPLETE_NODES, .run = run_explain,
};
