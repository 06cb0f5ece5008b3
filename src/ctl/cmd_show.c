/* cmd_show.c - show: the value in effect of every directive; cat: the files a node is made of. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "core/show.h"
#include "ctl/offline.h"

enum { OPT_PROPERTY, OPT_ALL };
static const struct ctl_option options[] = {
        [OPT_PROPERTY] = { "property", 'p', "KEY", "Only this directive, and only its value." },
        [OPT_ALL] = { "all", 'a', NULL, "Also what has only its default." },
        { 0 },
};

static void put_setting(struct ctl *c, uint32_t t, const char **section)
{
        const struct jdoc *d = &c->doc;
        const char *key = jget_text(d, t, "key"), *value = jget_text(d, t, "value"), *name = jget_text(d, t, "section");
        bool set = jget_true(d, t, "set");

        if (c->value[OPT_PROPERTY]) {
                if (strcasecmp(key, c->value[OPT_PROPERTY]) == 0) {
                        put_safe(&c->out, value);
                        buf_addc(&c->out, '\n');
                }
                return;
        }
        if (!set && !c->value[OPT_ALL])
                return;
        if (!*section || strcmp(*section, name) != 0)
                buf_addf(&c->out, "%s[%s]\n", *section ? "\n" : "", name);
        *section = name;
        buf_addf(&c->out, "%s=", key);
        put_safe(&c->out, value);
        put_color(c, COLOR_DIM);
        if (set && jget_text(d, t, "file"))
                buf_addf(&c->out, "    # %s:%lld", jget_text(d, t, "file"), (long long) jget_int(d, t, "line", 0));
        else if (!set)
                buf_adds(&c->out, "    # default");
        put_color(c, COLOR_NONE);
        buf_addc(&c->out, '\n');
}

static bool known_key(const struct ctl *c, uint32_t settings)
{
        for (uint32_t t = jtok_first(&c->doc, settings); t != JTOK_NONE; t = jtok_after(&c->doc, settings, t))
                if (strcasecmp(jget_text(&c->doc, t, "key"), c->value[OPT_PROPERTY]) == 0)
                        return true;
        return false;
}

/* What a daemon would answer, for a file: the same text goes through the same printer. */
static int load_reply(struct ctl *c, const char *file, struct buf *text)
{
        struct json j = json_start(text);
        struct spec *spec = NULL;
        int r = offline_load(file, &spec);

        if (r != CTL_OK)
                return r;
        json_open(&j, NULL, '{');
        json_str(&j, "unit", spec_name(spec));
        json_str(&j, "file", spec_file(spec));
        json_open(&j, "drop_ins", '[');
        for (size_t i = 0; i < spec_drop_in_count(spec); i++)
                json_str(&j, NULL, spec_drop_in(spec, i));
        json_close(&j);
        json_settings(&j, "settings", spec, ISOLATION_STRICT); /* the default of --isolation= */
        json_close(&j);
        spec_unref(spec);
        return buf_failed(text) || jtok_parse(&c->doc, text->data, text->len) < 0
               ? ctl_error(CTL_FAILED, "out of memory")
                                                                                   : CTL_OK;
}

static int show_one(struct ctl *c, const char *arg)
{
        autobuf struct buf text = BUF_INIT;
        uint32_t reply = 0, settings;
        const char *section = NULL;
        int r = offline_file(arg) ? load_reply(c, arg, &text) : ctl_call_text(c, "Show", "node", arg, &reply);

        if (r != CTL_OK)
                return r;
        if (c->json) {
                ctl_put_json(c, reply);
                return CTL_OK;
        }
        settings = jtok_get(&c->doc, reply, "settings");
        if (c->value[OPT_PROPERTY] && !known_key(c, settings))
                return ctl_error(CTL_USAGE, "%s: there is no such directive for %s", c->value[OPT_PROPERTY],
                                 jget_text(&c->doc, reply, "unit"));
        for (uint32_t t = jtok_first(&c->doc, settings); t != JTOK_NONE; t = jtok_after(&c->doc, settings, t))
                put_setting(c, t, &section);
        return CTL_OK;
}

static int run_show(struct ctl *c)
{
        int r = CTL_OK;

        for (int i = 0; i < c->argc && r == CTL_OK; i++) {
                if (i > 0 && !c->json && !c->value[OPT_PROPERTY])
                        buf_addc(&c->out, '\n');
                r = show_one(c, c->argv[i]);
        }
        return r;
}

static int put_file(struct ctl *c, const char *path)
{
        autofclose FILE *f = fopen(path, "re");
        char chunk[4096];
        size_t n;

        if (!f)
                return ctl_error(CTL_FAILED, "%s: %s", path, strerror(errno));
        put_color(c, COLOR_BLUE);
        buf_addf(&c->out, "# %s\n", path);
        put_color(c, COLOR_NONE);
        while ((n = fread(chunk, 1, sizeof chunk, f)) > 0)
                buf_add(&c->out, chunk, n);
        if (c->out.len && c->out.data[c->out.len - 1] != '\n')
                buf_addc(&c->out, '\n');
        return CTL_OK;
}

static int cat_file(struct ctl *c, const char *file)
{
        struct spec *spec = NULL;
        int r = offline_load(file, &spec);

        if (r == CTL_OK)
                r = put_file(c, spec_file(spec));
        for (size_t i = 0; r == CTL_OK && i < spec_drop_in_count(spec); i++)
                r = put_file(c, spec_drop_in(spec, i));
        spec_unref(spec);
        return r;
}

static void put_text(struct ctl *c, const char *unit, const char *text)
{
        put_color(c, COLOR_BLUE);
        buf_addf(&c->out, "# %s comes from no file\n", unit);
        put_color(c, COLOR_NONE);
        buf_adds(&c->out, text ? text : "");
}

static int cat_node(struct ctl *c, const char *node)
{
        uint32_t reply, files;
        int r = ctl_call_text(c, "Cat", "node", node, &reply);

        if (r != CTL_OK)
                return r;
        if (c->json) {
                ctl_put_json(c, reply);
                return CTL_OK;
        }
        files = jtok_get(&c->doc, reply, "files");
        if (jtok_size(&c->doc, files) == 0)
                put_text(c, jget_text(&c->doc, reply, "unit"), jget_text(&c->doc, reply, "text"));
        for (uint32_t t = jtok_first(&c->doc, files); t != JTOK_NONE && r == CTL_OK; t = jtok_after(&c->doc, files, t))
                r = put_file(c, jtok_text(&c->doc, t));
        return r;
}

static int run_cat(struct ctl *c)
{
        int r = CTL_OK;

        for (int i = 0; i < c->argc && r == CTL_OK; i++)
                r = offline_file(c->argv[i]) ? cat_file(c, c->argv[i]) : cat_node(c, c->argv[i]);
        return r;
}

const struct ctl_verb verb_show = {
        .name = "show", .args = "NODE|FILE...", .help = "Show what the unit of a node says, and where it says it.",
        .prose = "The directives that are set, with file and line; with --all also the defaults. A unit file is read "
                 "without a daemon. With --json all directives.",
        .options = options, .min_args = 1, .max_args = -1, .complete = COMPLETE_NODES, .run = run_show,
};
const struct ctl_verb verb_cat = {
        .name = "cat", .args = "NODE|FILE...", .help = "Print the files a node is made of.",
        .prose = "The unit file and its drop-ins in the order they apply, each behind a line with its name. What is on "
                 "disk now: \"coppicectl diff\" tells whether the daemon has read it.",
        .min_args = 1, .max_args = -1, .complete = COMPLETE_NODES, .run = run_cat,
};
