/* cmd_help.c - help, and --help of every verb. */
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "ctl/help.h"

static void put_options(struct ctl *c, const struct ctl_option *o)
{
        char left[64];

        for (; o && o->name; o++) {
                (void) snprintf(left, sizeof left, "%s%c%s --%s%s%s", o->letter ? "-" : "  ",
                                o->letter ? o->letter : ' ',
                                o->letter ? "," : " ", o->name, o->arg ? "=" : "", o->arg ? o->arg : "");
                buf_addf(&c->out, "  %-26s %s\n", left, o->help);
        }
}

/* Fill to 100 columns; a "\n" in the text ends a paragraph. */
static void put_prose(struct buf *out, const char *text)
{
        size_t column = 0, n;

        while (*text) {
                n = strcspn(text, " \n");
                if (column > 0 && column + n + 1 > 100) {
                        buf_addc(out, '\n');
                        column = 0;
                }
                if (column > 0) {
                        buf_addc(out, ' ');
                        column++;
                }
                buf_add(out, text, n);
                column += n;
                text += n;
                if (*text == '\n' && text[1]) {
                        buf_adds(out, "\n\n");
                        column = 0;
                }
                text += *text != '\0';
        }
        buf_addc(out, '\n');
}

void help_verb(struct ctl *c, const struct ctl_verb *v)
{
        buf_addf(&c->out, "coppicectl %s%s%s%s\n\n%s\n", v->name, v->options ? " [OPTION...]" : "", *v->args ? " " : "",
                 v->args, v->help);
        if (v->prose) {
                buf_addc(&c->out, '\n');
                put_prose(&c->out, v->prose);
        }
        if (v->options) {
                buf_adds(&c->out, "\nOptions:\n");
                put_options(c, v->options);
        }
        buf_adds(&c->out, "\nOptions of every verb:\n");
        put_options(c, ctl_global_options);
}

void help_all(struct ctl *c)
{
        buf_adds(&c->out, "coppicectl [OPTION...] VERB [ARGUMENT...]\n\nLook at a tree of supervised processes, "
                 "change it, "
                          "ask it why.\n\nVerbs:\n");
        for (int i = 0; ctl_verbs[i]; i++)
                buf_addf(&c->out, "  %-14s %s\n", ctl_verbs[i]->name, ctl_verbs[i]->help);
        buf_adds(&c->out, "\nOptions:\n");
        put_options(c, ctl_global_options);
        buf_adds(&c->out,
                 "\nA NODE is a path (/shop/api), a unit (api.service) or an unambiguous stem (api).\n"
                 "Exit status: 0 done, 1 failed, 2 usage, 3 not running or not found, 4 not permitted, 7 no daemon.\n"
                 "\"coppicectl VERB --help\" tells more; so does coppicectl(1).\n");
}

static void options_json(struct json *j, const struct ctl_option *o)
{
        json_open(j, "options", '[');
        for (; o && o->name; o++) {
                json_open(j, NULL, '{');
                json_str(j, "name", o->name);
                json_str(j, "argument", o->arg);
                json_str(j, "help", o->help);
                json_close(j);
        }
        json_close(j);
}

static void verb_json(struct json *j, const struct ctl_verb *v)
{
        json_open(j, NULL, '{');
        json_str(j, "name", v->name);
        json_str(j, "arguments", v->args);
        json_str(j, "help", v->help);
        json_str(j, "text", v->prose);
        options_json(j, v->options);
        json_close(j);
}

static void help_json(struct ctl *c, const struct ctl_verb *only)
{
        struct json j = json_start(&c->out);

        json_open(&j, NULL, '{');
        options_json(&j, ctl_global_options);
        json_open(&j, "verbs", '[');
        for (int i = 0; ctl_verbs[i]; i++)
                if (!only || ctl_verbs[i] == only)
                        verb_json(&j, ctl_verbs[i]);
        json_close(&j);
        json_close(&j);
        buf_addc(&c->out, '\n');
}

static int run_help(struct ctl *c)
{
        const struct ctl_verb *v = c->argc > 0 ? ctl_verb_find(c->argv[0]) : NULL;

        if (c->json && (v || c->argc == 0)) {
                help_json(c, v);
                return CTL_OK;
        }
        if (c->argc == 0) {
                help_all(c);
                return CTL_OK;
        }
        if (!v)
                return ctl_unknown_verb(c->argv[0]);
        help_verb(c, v);
        return CTL_OK;
}

const struct ctl_verb verb_help = {
        .name = "help", .args = "[VERB]", .help = "Tell what the verbs do.", .max_args = 1,
        .complete = COMPLETE_VERBS, .run = run_help,
};
