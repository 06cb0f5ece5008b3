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

static void put_reply(struct ctl *c, uint32_t reply, int64_t *next)
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
        if (jtok_kind(d, nodes) == JTOK_ARRAY)
                *next = jget_int(d, reply, "seq", 0) + 1;
        for (uint32_t t = jtok_first(d, records); t != JTOK_NONE; t = jtok_after(d, records, t)) {
                put_record(c, t);
                *next = jget_int(d, t, "seq", 0) + 1;
        }
        ctl_flush(c);
}

static int ask(struct ctl *c, bool since, int64_t first, bool snapshot, uint32_t *ret)
{
        autobuf struct buf params = BUF_INIT;
        struct json j = json_start(&params);

        json_open(&j, NULL, '{');
        if (since)
                json_int(&j, "since", first);
        if (snapshot)
                json_bool(&j, "snapshot", true);
        if (c->argc > 0)
                json_str(&j, "under", c->argv[0]);
        json_close(&j);
        return ctl_call(c, "Events", buf_text(&params), !c->value[OPT_NO_FOLLOW], ret);
}

/* The next reply; when the engine has ended, from the next engine, on from the record behind the last one seen. A
 * daemon that has ended has no socket any more to connect to. */
static int next_reply(struct ctl *c, int64_t next, uint32_t *ret)
{
        int r;

        c->lost_is_fine = true;
        c->turned_away = false;
        r = ctl_next(c, ret);
        if (r == CTL_OK || !c->turned_away)
                return r;
        if (!ctl_reconnect(c))
                return ctl_error(CTL_NO_DAEMON, "the daemon closed the connection");
        return ask(c, next > 0, next, false, ret);
}

static int run_events(struct ctl *c)
{
        int64_t since = 0, next = 0;
        uint32_t reply;
        int r;

        if (c->value[OPT_SINCE] && (value_decimal(c->value[OPT_SINCE], &since) < 0 || since < 0))
                return ctl_error(CTL_USAGE, "--since=%s: a record's number", c->value[OPT_SINCE]);
        next = since;
        c->follows = true;
        r = ask(c, c->value[OPT_SINCE] != NULL, since, c->value[OPT_SNAPSHOT] != NULL, &reply);
        while (r == CTL_OK) {
                put_reply(c, reply, &next);
                if (!ctl_continues(c))
                        break;
                r = next_reply(c, next, &reply);
        }
        return r;
}

const struct ctl_verb verb_events = {
        .name = "events", .args = "[NODE]", .help = "Follow what happens and what is decided.",
        .prose = "Each line is a record: its number, its time, a sentence. With a node only what concerns it and what "
                 "is below it. Records have consecutive numbers; a reader that was away goes on with --since; when "
                 "another engine takes over, this goes on by itself. One that reads too slowly is told how many it has "
                 "missed. With --json an object a line.",
        .options = options, .max_args = 1, .complete = COMPLETE_NODES, .run = run_events,
};
