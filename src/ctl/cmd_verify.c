/* cmd_verify.c - verify: are unit files right? simulate: what would the tree do? Neither needs a daemon. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "core/value.h"
#include "ctl/offline.h"
#include "sim/simulate.h"

struct verdicts {
        struct ctl *c;
        struct json j;
        unsigned errors, warnings;
};

static void on_diag(void *arg, const struct diag *d)
{
        struct verdicts *r = arg;

        r->errors += d->severity == DIAG_ERROR;
        r->warnings += d->severity == DIAG_WARNING;
        if (!r->c->json) {
                ctl_diag(NULL, d);
                return;
        }
        ctl_json_diag(&r->j, d);
}

static int verify_file(struct verdicts *r, const char *file)
{
        struct unit_paths *paths = NULL;
        struct spec *spec = NULL;
        struct err err = { 0 };
        unsigned before = r->errors;
        int code = offline_paths(NULL, &paths);

        if (code != CTL_OK)
                return code;
        if (unit_load_file(paths, file, on_diag, r, &spec, &err) < 0) {
                if (r->errors == before) /* not a mistake in it: it cannot be read */
                        on_diag(r, &(struct diag) { .severity = DIAG_ERROR, .err = err });
        }
        if (spec)
                unit_check_machine(spec, on_diag, r);
        spec_unref(spec);
        unit_paths_free(paths);
        return CTL_OK;
}

static int load_set(const struct ctl *c, struct unit_set **ret)
{
        struct unit_paths *paths = NULL;
        struct err err = { 0 };
        int r = offline_paths(c, &paths);

        if (r != CTL_OK)
                return r;
        if (unit_set_load(paths, ret, &err) < 0)
                r = ctl_fail(CTL_FAILED, &err);
        unit_paths_free(paths);
        return r;
}

/* Has an instance been read, so that all there is to say of its template has been said? */
static bool has_instance(const struct unit_set *set, size_t template)
{
        enum unit_status status;
        const char *name = unit_set_known(set, template, &status), *other;
        size_t n = (size_t) (strchr(name, '@') + 1 - name);

        for (size_t i = 0; i < unit_set_known_count(set); i++) {
                other = unit_set_known(set, i, &status);
                if (i != template && strncmp(name, other, n) == 0)
                        return true;
        }
        return false;
}

/* A template that nobody uses yet, as an instance of whatever name: what this machine has for one of that name says
 * nothing. */
static void verify_template(struct verdicts *r, const struct unit_paths *paths, const char *name)
{
        const char *rest = strchr(name, '@') + 1;
        autobuf struct buf instance = BUF_INIT;
        struct spec *spec = NULL;
        struct err err = { 0 };
        unsigned before = r->errors;

        buf_addf(&instance, "%.*sinstance%s", (int) (rest - name), name, rest);
        if (unit_load(paths, buf_text(&instance), on_diag, r, &spec, &err) < 0 && r->errors == before)
                on_diag(r, &(struct diag) { .severity = DIAG_ERROR, .err = err });
        spec_unref(spec);
}

/* Is it in a directory of ours, and not in one of systemd's? */
static bool is_ours(const struct unit_paths *paths, const char *name)
{
        for (size_t i = 0; i < unit_paths_count(paths); i++) {
                autobuf struct buf file = BUF_INIT;

                buf_addf(&file, "%s/%s", unit_paths_dir(paths, i), name);
                if (unit_file_there(buf_text(&file)))
                        return true;
        }
        return false;
}

static int verify_templates(struct verdicts *r, const struct unit_set *set)
{
        struct unit_paths *paths = NULL;
        int code = offline_paths(r->c, &paths);

        for (size_t i = 0; i < unit_set_known_count(set) && code == CTL_OK; i++) {
                enum unit_status status;
                const char *name = unit_set_known(set, i, &status);

                if (status == UNIT_TEMPLATE && !has_instance(set, i) && is_ours(paths, name))
                        verify_template(r, paths, name);
        }
        unit_paths_free(paths);
        return code;
}

static int verify_set(struct verdicts *r, size_t *ret_nodes)
{
        struct unit_set *set = NULL;
        int code = load_set(r->c, &set);

        if (code != CTL_OK)
                return code;
        for (size_t i = 0; i < unit_set_diag_count(set); i++)
                on_diag(r, unit_set_diag(set, i));
        for (size_t i = 0; i < unit_set_count(set); i++)
                unit_check_machine(unit_set_node(set, i)->spec, on_diag, r);
        code = verify_templates(r, set);
        *ret_nodes = unit_set_count(set);
        unit_set_free(set);
        return code;
}

static int run_verify(struct ctl *c)
{
        struct verdicts r = { .c = c, .j = json_start(&c->out) };
        size_t nodes = 0;
        int code = CTL_OK;

        if (c->json)
                json_open(&r.j, NULL, '[');
        for (int i = 0; i < c->argc && code == CTL_OK; i++)
                code = verify_file(&r, c->argv[i]);
        if (code == CTL_OK && (ctl_option(c, "units") || c->argc == 0))
                code = verify_set(&r, &nodes);
        if (c->json && code != CTL_OK) {
                buf_clear(&c->out); /* no half an answer */
        } else if (c->json) {
                json_close(&r.j);
                buf_addc(&c->out, '\n');
        } else if (code == CTL_OK && !c->quiet) {
                if (nodes)
                        buf_addf(&c->out, "%zu node%s, ", nodes, nodes == 1 ? "" : "s");
                buf_addf(&c->out, "%u error%s, %u warning%s\n", r.errors, r.errors == 1 ? "" : "s", r.warnings,
                         r.warnings == 1 ? "" : "s");
        }
        return code == CTL_OK && r.errors ? CTL_FAILED : code;
}

/* --- simulate ----------------------------------------------------------------------------------------------------- */

static void on_line(void *arg, const char *text)
{
        struct ctl *c = arg;

        buf_adds(&c->out, text);
        buf_addc(&c->out, '\n');
        if (c->out.len > 64 << 10)
                ctl_flush(c);
}

static int read_script(const char *file, struct script *ret)
{
        autobuf struct buf text = BUF_INIT;
        autofclose FILE *f = strcmp(file, "-") == 0 ? fdopen(dup(STDIN_FILENO), "r") : fopen(file, "re");
        size_t n;
        char *at;
        int r;

        if (!f)
                return ctl_error(CTL_NOT_FOUND, "%s: %s", file, strerror(errno));
        do {
                at = buf_reserve(&text, 4096);
                n = at ? fread(at, 1, 4096, f) : 0;
                text.len += n;
        } while (n > 0);
        r = script_parse(file, buf_text(&text), text.len, ctl_diag, NULL, ret);
        return r < 0 ? ctl_error(CTL_USAGE, "%s: the script has errors; see coppicectl simulate --help", file) : CTL_OK;
}

static int play(struct ctl *c, struct unit_set *set, const struct script *script, uint64_t seed)
{
        struct core_config config = { .seed = seed };
        struct simulate_options o = { .config = sim_config_default, .json = c->json, .line = on_line, .arg = c };
        struct simulate_result result = { 0 };
        struct core *core = NULL;
        struct err err = { 0 };
        int r;

        o.config.seed = seed;
        o.config.shuffle = ctl_option(c, "shuffle") != NULL;
        r = simulate_tree(set, &config, ctl_diag, NULL, &core, &err);
        if (r >= 0)
                r = simulate_play(core, script, &o, &result, &err);
        core_free(core);
        if (r < 0)
                return ctl_fail(CTL_FAILED, &err);
        return result.unmet ? ctl_error(CTL_FAILED, "%u expectation%s not met", result.unmet,
                                        result.unmet == 1 ? " was" : "s were")
                            : CTL_OK;
}

/* Without them there would be a tree of nothing to play with; the daemon does not start, either. */
static int units_there(const struct ctl *c)
{
        for (size_t i = 0; i < c->given_count; i++) {
                const bool units = strcmp(c->given[i].option->name, "units") == 0;
                autoclose int dir = units ? open(c->given[i].arg, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;

                if (units && dir < 0)
                        return ctl_error(CTL_NOT_FOUND, "--units=%s: %s", c->given[i].arg, strerror(errno));
        }
        return CTL_OK;
}

static int run_simulate(struct ctl *c)
{
        struct script script = { 0 };
        struct unit_set *set = NULL;
        int64_t seed = 1;
        int r;

        if (ctl_option(c, "seed") && (value_decimal(ctl_option(c, "seed"), &seed) < 0 || seed < 0))
                return ctl_error(CTL_USAGE, "--seed=%s: a number", ctl_option(c, "seed"));
        r = units_there(c);
        if (r == CTL_OK && c->argc)
                r = read_script(c->argv[0], &script);
        if (r == CTL_OK)
                r = load_set(c, &set);
        for (size_t i = 0; set && i < unit_set_diag_count(set); i++)
                ctl_diag(NULL, unit_set_diag(set, i));
        if (r == CTL_OK)
                r = play(c, set, &script, (uint64_t) seed);
        unit_set_free(set);
        script_free(&script);
        return r;
}

#define UNITS_OPTION                                                                                                  \
        { "units", 0, "DIR",                                                                                           \
          "The tree of the units in this directory, instead of the standard places. May be given several times." }

static const struct ctl_option verify_options[] = {
        UNITS_OPTION,
        { 0 },
};
static const struct ctl_option simulate_options_table[] = {
        UNITS_OPTION,
        { "seed", 0, "N", "The seed of the jitter; equal seeds give equal stories. 1 if not given." },
        { "shuffle", 0, NULL,
          "Latencies vary, and what is due at one instant comes in any order, drawn from the seed." },
        { 0 },
};

const struct ctl_verb verb_verify = {
        .name = "verify", .args = "[FILE...]", .help = "Check unit files; no daemon is needed.",
        .prose = "Every mistake is told with file, line and column, the nearest spelling and the way out. Files are "
                 "checked one by one; without any, or with --units, the whole tree: who hangs where, what is missing, "
                 "cycles. Exit status 1 when there is an error; warnings (of programs, users and groups that this "
                 "machine does not have, say) are none. With --json an array of remarks.",
        .options = verify_options, .max_args = -1, .complete = COMPLETE_FILES, .run = run_verify,
};
const struct ctl_verb verb_simulate = {
        .name = "simulate", .args = "[SCRIPT]", .help = "Play failures on a virtual clock; no daemon is needed.",
        .prose = "The same decision core that the daemon runs is given the tree and a pretend world. Each line of "
                 "SCRIPT (\"-\" is standard input) is [TIME] VERB ARGUMENT..., where TIME counts from the start "
                 "(\"2s\") or from the line before (\"+10ms\"): \"2s kill redis SEGV\", \"3s fail-start api 2\", "
                 "\"+10ms exit worker 0\", \"expect api running\". What happens is told line by line; with --json an "
                 "object a line. Without a script the tree starts, and that is all. Exit status 1 when an expectation "
                 "was not met. The language is described in coppice.simulate(7).",
        .options = simulate_options_table, .max_args = 1, .complete = COMPLETE_FILES, .run = run_simulate,
};
