/* control_why.c - methods that explain: Why, Deaths, Explain. */
#include <signal.h>
#include <string.h>

#include "daemon/control_priv.h"
#include "daemon/node_json.h"

static const struct node *the_node(struct call *c, const char *name)
{
        node_id id;

        if (!call_params(c) || !call_node(c, name, &id))
                return NULL;
        return core_node(call_core(c), id);
}

static void write_path(struct call *c, struct json *j, const struct node *n)
{
        json_path(j, "path", call_core(c), n->id);
}

void method_Why(struct call *c)
{
        enum { LONGEST = 64 };
        const struct node *n = the_node(c, param_str(&c->in, "node", true));
        const struct record *chain[LONGEST];
        const struct death *d;
        struct json *j;
        size_t count;

        if (!n)
                return;
        count = core_why(call_core(c), n->id, chain, LONGEST);
        d = engine_death(call_engine(c), n->id, 0);
        j = call_open(c);
        write_path(c, j, n);
        json_str(j, "state", strtab_text(&state_names, n->state));
        json_open(j, "chain", '[');
        for (size_t i = 0; i < count; i++)
                json_record(j, NULL, call_engine(c), chain[i]);
        json_close(j);
        json_str(j, "error", d && d->incarnation == n->incarnation ? d->error : NULL);
        call_close(c, false);
}

/* --- Deaths ------------------------------------------------------------------------------------------------------ */

static const char *code_word(int code)
{
        return code == CLD_EXITED ? "exited" : code == CLD_DUMPED ? "dumped" : "killed";
}

void json_tail(struct json *j, const struct death *d)
{
        const char *at = d ? d->tail : NULL, *end = at ? at + d->tail_len : NULL, *eol;

        json_open(j, "tail", '[');
        for (; at < end; at = eol + 1) {
                eol = memchr(at, '\n', (size_t) (end - at));
                if (!eol)
                        eol = end;
                json_strn(j, NULL, at, (size_t) (eol - at));
        }
        json_close(j);
}

void json_death(struct json *j, const char *key, const struct engine *e, const struct death *d)
{
        char words[NODE_PATH_MAX + 64];

        json_open(j, key, '{');
        json_uint(j, "incarnation", d->incarnation);
        json_str(j, "reason", reason_words(engine_core(e), &d->reason, words, sizeof words));
        json_str(j, "code", d->ran ? code_word(d->code) : NULL);
        json_count(j, "status", d->ran ? d->status : -1);
        json_moment(j, "started_at", e, d->ran ? d->started : NSEC_NEVER);
        json_moment(j, "ended_at", e, d->ended);
        json_count(j, "lasted_usec", d->ran ? (d->ended - d->started) / NSEC_PER_USEC : -1);
        json_int(j, "user_usec", d->utime_usec);
        json_int(j, "system_usec", d->stime_usec);
        json_int(j, "max_rss", d->maxrss_kb * 1024);
        json_uint(j, "minor_faults", d->minflt);
        json_uint(j, "major_faults", d->majflt);
        json_uint(j, "blocks_in", d->inblock);
        json_uint(j, "blocks_out", d->oublock);
        json_count(j, "memory_peak", d->memory_peak);
        json_count(j, "tasks_peak", d->tasks_peak);
        json_count(j, "cpu_usec", d->cpu_usec);
        json_count(j, "throttled_usec", d->throttled_usec);
        json_count(j, "oom_kills", d->oom_kills);
        json_text(j, "error", d->error);
        json_tail(j, d);
        json_close(j);
}

void method_Deaths(struct call *c)
{
        const struct node *n = the_node(c, param_str(&c->in, "node", true));
        const struct death *d;
        struct json *j;

        if (!n)
                return;
        j = call_open(c);
        write_path(c, j, n);
        json_open(j, "deaths", '[');
        for (size_t i = 0; (d = engine_death(call_engine(c), n->id, i)); i++)
                json_death(j, NULL, call_engine(c), d);
        json_close(j);
        call_close(c, false);
}

/* --- Explain ----------------------------------------------------------------------------------------------------- */

static const enum directive command_lists[] = {
        D_SERVICE_ExecCondition, D_SERVICE_ExecStartPre, D_SERVICE_ExecStart, D_SERVICE_ExecStartPost,
        D_SERVICE_ExecReload,    D_SERVICE_ExecStop,     D_SERVICE_ExecStopPost,
};

static void write_command(struct call *c, struct json *j, node_id id, enum directive d, size_t i)
{
        autobuf struct buf plan = BUF_INIT;
        struct err err = { 0 };
        char text[700];
        int r = engine_plan(call_engine(c), id, d, i, &plan, &err);

        json_open(j, NULL, '{');
        json_str(j, "directive", directive_rows[d].key);
        json_uint(j, "index", i);
        if (r < 0 || plan_explain_json(plan.data, plan.len, j, "steps") < 0) {
                json_open(j, "steps", '[');
                json_close(j);
        }
        json_str(j, "error", r < 0 ? err_format(&err, text, sizeof text) : NULL);
        json_close(j);
}

void method_Explain(struct call *c)
{
        const char *name = param_str(&c->in, "node", true);
        const char *only = param_str(&c->in, "directive", false);
        const struct node *n = the_node(c, name);
        struct json *j;

        if (!n)
                return;
        if (n->kind != KIND_SERVICE) {
                call_fail(c, "BadValue", "parameter", "node", "message", "a supervisor runs no commands");
                return;
        }
        j = call_open(c);
        write_path(c, j, n);
        json_open(j, "commands", '[');
        for (size_t k = 0; k < ARRAY_LEN(command_lists); k++) {
                if (only && strcmp(only, directive_rows[command_lists[k]].key) != 0)
                        continue;
                for (size_t i = 0; i < spec_count(n->spec, command_lists[k]); i++)
                        write_command(c, j, n->id, command_lists[k], i);
        }
        json_close(j);
        call_close(c, false);
}
