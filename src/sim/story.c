/* story.c - the timeline in words or as JSON. See story.h; coppice.simulate(7) documents both. */
#include "sim/story.h"

/* "    2.005" - seconds and milliseconds; more digits only when they are needed to tell two instants apart. */
static void add_time(struct buf *out, nsec t)
{
        long long us = (long long) (t / NSEC_PER_USEC);

        buf_addf(out, "%5lld.%03lld", us / 1000000, us / 1000 % 1000);
        if (us % 1000)
                buf_addf(out, "%03lld", us % 1000);
        else
                buf_adds(out, "   ");
}

static void put(struct story *t, const struct buf *line)
{
        if (t->options->line && !buf_failed(line))
                t->options->line(t->options->arg, buf_text(line));
}

static struct json json_begin(struct buf *out, nsec now, const char *kind)
{
        struct json j = json_start(out);

        json_open(&j, NULL, '{');
        json_str(&j, "kind", kind);
        json_num(&j, "at", (double) now / (double) NSEC_PER_SEC);
        return j;
}

static void record_json(struct story *t, nsec now, const struct record *r, struct buf *line)
{
        struct json j = json_begin(line, now, "record");
        autobuf struct buf text = BUF_INIT;
        char path[300], reason[300];

        core_explain(t->core, r, &text);
        json_uint(&j, "seq", r->seq);
        json_uint(&j, "cause", r->cause);
        json_str(&j, "node", core_path(t->core, r->node, path, sizeof(path)));
        json_str(&j, "rule", rule_rows[r->rule].name);
        json_uint(&j, "incarnation", r->incarnation);
        json_str(&j, "from", strtab_text(&state_names, r->from));
        json_str(&j, "to", strtab_text(&state_names, r->to));
        json_str(&j, "reason", reason_format(&r->reason, NULL, reason, sizeof(reason)));
        json_str(&j, "text", buf_text(&text));
        json_close(&j);
}

void story_record(struct story *t, nsec now, const struct record *r)
{
        autobuf struct buf line = BUF_INIT;

        if (t->options->json) {
                record_json(t, now, r, &line);
        } else {
                add_time(&line, now);
                buf_adds(&line, "   ");
                core_explain(t->core, r, &line);
        }
        put(t, &line);
}

void story_step(struct story *t, nsec now, const struct script_step *s)
{
        autobuf struct buf line = BUF_INIT, text = BUF_INIT;

        script_print(&(struct script_step) { .verb = s->verb, .argc = s->argc, .argv = s->argv }, &text);
        if (t->options->json) {
                struct json j = json_begin(&line, now, "script");

                json_uint(&j, "line", s->line);
                json_str(&j, "text", buf_text(&text));
                json_close(&j);
        } else {
                add_time(&line, now);
                buf_addf(&line, " > %s", buf_text(&text));
        }
        put(t, &line);
}

void story_expect(struct story *t, nsec now, const struct script *script, const struct script_step *s, bool met,
                  const char *found)
{
        autobuf struct buf line = BUF_INIT, text = BUF_INIT;

        t->unmet += !met;
        script_print(&(struct script_step) { .verb = s->verb, .argc = s->argc, .argv = s->argv }, &text);
        if (t->options->json) {
                struct json j = json_begin(&line, now, "expect");

                json_uint(&j, "line", s->line);
                json_str(&j, "text", buf_text(&text));
                json_bool(&j, "met", met);
                json_str(&j, "found", found);
                json_close(&j);
        } else {
                add_time(&line, now);
                if (met)
                        buf_addf(&line, " = %s", buf_text(&text));
                else
                        buf_addf(&line, " ! %s:%u: %s: not met, found: %s", script->file, s->line, buf_text(&text),
                                 found);
        }
        put(t, &line);
}

void story_note(struct story *t, nsec now, const char *text)
{
        autobuf struct buf line = BUF_INIT;

        if (t->options->json) {
                struct json j = json_begin(&line, now, "note");

                json_str(&j, "text", text);
                json_close(&j);
        } else {
                add_time(&line, now);
                buf_addf(&line, " - %s", text);
        }
        put(t, &line);
}

void story_end(struct story *t, nsec now, bool over, int code)
{
        autobuf struct buf line = BUF_INIT;

        if (!t->options->json)
                return;
        {
                struct json j = json_begin(&line, now, "end");

                json_uint(&j, "unmet", t->unmet);
                if (over)
                        json_int(&j, "exit_code", code);
                else
                        json_nil(&j, "exit_code");
                json_close(&j);
        }
        put(t, &line);
}
