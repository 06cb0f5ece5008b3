/* cmd_events.c - events: what happens and what is decided, as it happens. */
#include <stdlib.h>

#include "base/json.h"
#include "core/value.h"
#include "ctl/ctl.h"

enum { OPT_SINCE, OPT_SNAPSHOT, OPT_NO_FOLLOW };
static const struct ctl_option options[] = {
        [OPT_SINCE] = { "since", 0, "SEQ", "Begin with record SEQ; 0 for all that are kept." },
        [OPT_SNAPSHOT] = { "snapshot", 0, NULL, "First the whole tree as it is (with --json)." },
        [OPT_NO_FOLLOW] = { "no-follow", 0, NULL, "End after what is there already." },
        { 0 },
};

static void put_record(struct ctl *c, uint32_t t)
{
        const struct jdoc *d = &c->doc;

        if (c->json) {
                jtok_print(d, t, &c->out);
                buf_addc(&c->out, '\n');
                return;
        }
        put_color(c, COLOR_DIM);
        buf_addf(&c->out, "%6lld ", (long long) jget_int(d, t, "seq", 0));
        put_when(&c->out, jget_text(d, t, "time"), false);
        put_color(c, COLOR_NONE);
        buf_addc(&c->out, ' ');
        put_color(c, state_color(jget_text(d, t, "to")));
        put_safe(&c->out, jget_text(d, t, "text"));
        put_color(c, COLOR_NONE);
        buf_addc(&c->out, '\n');
}

static void put_reply(struct ctl *c, uint32_t reply)
{
        const struct jdoc *d = &c->doc;
        uint32_t records = jtok_get(d, reply, "records"), nodes = jtok_get(d, reply, "nodes");
        int64_t lagged = jget_int(d, reply, "lagged", 0);

        if (c->json && jtok_kind(d, nodes) == JTOK_ARRAY) {
                buf_addf(&c->out, "{\"seq\":%lld,\"nodes\":", (long long) jget_int(d, reply, "seq", 0));
                jtok_print(d, nodes, &c->out);
                buf_adds(&c->out, "}\n");
        }
        if (lagged && c->json)
                buf_addf(&c->out, "{\"lagged\":%lld}\n", (long long) lagged);
        else if (lagged)
                (void) ctl_error(0, "%lld records were overwritten before they could be read", (long long) lagged);
        for (uint32_t t = jtok_first(d, records); t != JTOK_NONE; t = jtok_after(d, records, t))
                put_record(c, t);
        ctl_flush(c);
}

static int run_events(struct ctl *c)
{
        autobuf struct buf params = BUF_INIT;
        struct json j = json_start(&params);
        int64_t since = 0;
        uint32_t reply;
        int r;

        if (c->value[OPT_SINCE] && (value_decimal(c->value[OPT_SINCE], &since) < 0 || since < 0))
                return ctl_error(CTL_USAGE, "--since=%s: a record's number", c->value[OPT_SINCE]);
        json_open(&j, NULL, '{');
        if (c->value[OPT_SINCE])
                json_int(&j, "since", since);
        if (c->value[OPT_SNAPSHOT])
                json_bool(&j, "snapshot", true);
        if (c->argc > 0)
                json_str(&j, "under", c->argv[0]);
        json_close(&j);
        r = ctl_call(c, "Events", buf_text(&params), !c->value[OPT_NO_FOLLOW], &reply);
        while (r == CTL_OK) {
                put_reply(c, reply);
                if (!ctl_continues(c))
                        break;
                r = ctl_next(c, &reply);
        }
        return r;
}

const struct ctl_verb verb_events = {
        .name = "events", .args = "[NODE]", .help = "Follow what happens and what is decided.",
        .prose = "Each line is a record: its number, its time, a sentence. With a node only what concerns it and what is "
                 "below it. Records have consecutive numbers; a reader that was away goes on with --since. One that reads "
                 "too slowly is told how many it has missed. With --json an object a line.",
        .options = options, .max_args = 1, .complete = COMPLETE_NODES, .run = run_events,
};
