/* cmd_seccomp.c - seccomp: the system calls a service uses, as a filter; what its present filter lacks; the groups. */
#include <string.h>

#include "base/json.h"
#include "core/filter_cover.h"
#include "ctl/ctl.h"

enum { OPT_GROUPS };
static const struct ctl_option options[] = {
        [OPT_GROUPS] = { "groups", 'g', NULL, "Print the groups of system calls and their members; needs no daemon." },
        { 0 },
};

/* --- groups ------------------------------------------------------------------------------------------------------- */

static void put_members(struct ctl *c, const char *members)
{
        while (*members) {
                size_t n = strcspn(members, " ");

                buf_adds(&c->out, "    ");
                buf_add(&c->out, members, n);
                buf_addc(&c->out, '\n');
                members += n + (members[n] == ' ');
        }
}

static void json_members(struct json *j, const char *members)
{
        json_open(j, "members", '[');
        while (*members) {
                size_t n = strcspn(members, " ");

                json_strn(j, NULL, members, n);
                members += n + (members[n] == ' ');
        }
        json_close(j);
}

static bool asked_for(const struct ctl *c, const char *group)
{
        for (int i = 0; i < c->argc; i++)
                if (strcmp(c->argv[i], group) == 0)
                        return true;
        return c->argc == 0;
}

static int run_groups(struct ctl *c)
{
        struct json j = json_start(&c->out);
        const char *near;

        for (int i = 0; i < c->argc; i++)
                if (syscall_group_find(c->argv[i]) < 0) {
                        near = syscall_nearest(c->argv[i]);
                        return ctl_error(CTL_USAGE, "no group of system calls %s%s%s", c->argv[i],
                                         near ? ": did you mean " : "", near ? near : "");
                }
        if (c->json)
                json_open(&j, NULL, '[');
        for (size_t g = 0; g < syscall_group_count(); g++) {
                if (!asked_for(c, syscall_group_name(g)))
                        continue;
                if (c->json) {
                        json_open(&j, NULL, '{');
                        json_str(&j, "group", syscall_group_name(g));
                        json_str(&j, "help", syscall_group_help(g));
                        json_members(&j, syscall_group_members(g));
                        json_close(&j);
                        continue;
                }
                buf_addf(&c->out, "%s\n    # %s\n", syscall_group_name(g), syscall_group_help(g));
                put_members(c, syscall_group_members(g));
        }
        if (c->json) {
                json_close(&j);
                buf_addc(&c->out, '\n');
        }
        return CTL_OK;
}

/* --- a node ------------------------------------------------------------------------------------------------------- */

/* An array of names as a set; returns how many. */
static size_t read_names(struct ctl *c, uint32_t list, bool used[SYSCALLS_MAX])
{
        size_t n = 0;

        for (uint32_t t = jtok_first(&c->doc, list); t != JTOK_NONE; t = jtok_after(&c->doc, list, t)) {
                int index = syscall_find(jtok_text(&c->doc, t));

                if (index >= 0)
                        used[index] = true;
                n++;
        }
        return n;
}

/* At most 100 columns a line; each is an assignment, and they add up. */
static void put_assignments(struct ctl *c, const char *words)
{
        while (*words) {
                size_t n = strlen(words), cut = n;

                if (n > 80)
                        for (cut = 80; cut > 0 && words[cut] != ' '; cut--)
                                ;
                buf_adds(&c->out, "SystemCallFilter=");
                buf_add(&c->out, words, cut);
                buf_addc(&c->out, '\n');
                words += cut + (words[cut] == ' ');
        }
}

static int put_drop_in(struct ctl *c, uint32_t reply)
{
        const char *path = jget_text(&c->doc, reply, "path");
        bool used[SYSCALLS_MAX] = { false };
        autobuf struct buf words = BUF_INIT, shorter = BUF_INIT;
        size_t n = read_names(c, jtok_get(&c->doc, reply, "used"), used), extra, more;

        if (n == 0 || !jget_true(&c->doc, reply, "learned"))
                return ctl_error(CTL_FAILED,
                                 "%s: no system calls are known: set SystemCallFilterMode=learn in the unit, "
                                 "daemon-reload, restart it, and let it do all its work", path);
        extra = filter_cover(used, &words);
        more = filter_cover_from("@system-service", used, &shorter);
        buf_addf(&c->out, "# %s used %zu system calls; this allows %zu others. As a file in its .d directory:\n", path,
                 n, extra);
        buf_adds(&c->out,
                 "[Service]\nSystemCallFilterMode=enforce\nSystemCallArchitectures=native\nSystemCallFilter=\n");
        put_assignments(c, buf_text(&words));
        buf_addf(&c->out, "# Shorter, with %zu others:\n# SystemCallFilter=%s\n", more, buf_text(&shorter));
        return CTL_OK;
}

static int put_missing(struct ctl *c, uint32_t reply)
{
        const char *path = jget_text(&c->doc, reply, "path");
        bool missing[SYSCALLS_MAX] = { false };
        autobuf struct buf words = BUF_INIT;

        if (read_names(c, jtok_get(&c->doc, reply, "missing"), missing) == 0) {
                if (!c->quiet)
                        buf_addf(&c->out, "# %s used nothing that its filter would not allow.\n", path);
                return CTL_OK;
        }
        for (size_t i = 0; i < syscall_count(); i++)
                if (missing[i])
                        buf_addf(&words, "%s%s", words.len ? " " : "", syscall_name(i));
        buf_adds(&c->out, "[Service]\n");
        put_assignments(c, buf_text(&words));
        return CTL_FAILED;
}

static int run_seccomp(struct ctl *c)
{
        bool diff = c->argc == 2 && strcmp(c->argv[0], "diff") == 0;
        uint32_t reply;
        int r;

        if (ctl_option(c, "groups"))
                return run_groups(c);
        if (c->argc == 0 || (c->argc == 2 && !diff) || c->argc > 2)
                return ctl_error(CTL_USAGE, "name one node: coppicectl seccomp NODE, coppicectl seccomp diff NODE");
        r = ctl_call_text(c, "Seccomp", "node", c->argv[diff], &reply);
        if (r != CTL_OK)
                return r;
        if (c->json) {
                ctl_put_json(c, reply);
                return diff && jtok_size(&c->doc, jtok_get(&c->doc, reply, "missing")) > 0 ? CTL_FAILED : CTL_OK;
        }
        return diff ? put_missing(c, reply) : put_drop_in(c, reply);
}

const struct ctl_verb verb_seccomp = {
        .name = "seccomp", .args = "[diff] NODE | --groups [@GROUP...]",
        .help = "Print the filter of system calls that a service needs, or what its present one lacks.",
        .prose = "Let the service run with SystemCallFilterMode=learn: nothing is forbidden, and every call it uses is "
                 "noted. `seccomp NODE` then prints a drop-in that allows these calls: by groups where that saves "
                 "words and lets in little else, the rest by name. What its code does only now and then has to have "
                 "happened.\n"
                 "`seccomp diff NODE` prints what was used and the present SystemCallFilter= would not allow, the call "
                 "it was last ended for included: run a new version in learn mode once and see what it needs beyond "
                 "the old one. Exit status 1 when there is anything.",
        .options = options, .max_args = -1, .complete = COMPLETE_NODES, .run = run_seccomp,
};
