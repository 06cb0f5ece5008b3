/* cmd_metrics.c - metrics: figures of the daemon, of every node and channel, as Prometheus reads them. */
#include <string.h>

#include "base/json.h"
#include "ctl/ctl.h"

/* What stands in Status or Version, by its key there. */
static const struct metric {
        const char *name, *type, *help;
        const char *key;
        int64_t divide;          /* 1; or the unit of the protocol in one of the metric's */
        const char *in;          /* the object it stands in; NULL: the node itself */
} metrics[] = {
        { "coppice_node_restarts_total", "counter", "Automatic restarts since the node was loaded.", "restarts", 1 },
        { "coppice_node_incarnation", "gauge", "The number of its present or last life.", "incarnation", 1 },
        { "coppice_node_memory_bytes", "gauge", "Memory of its control group.", "memory", 1 },
        { "coppice_node_memory_peak_bytes", "gauge", "The most memory its control group has had.", "memory_peak", 1 },
        { "coppice_node_throttled_seconds_total", "counter", "Time it was held back by CPUQuota=.", "throttled_usec",
          1000000 },
        { "coppice_node_cpu_seconds_total", "counter", "Processor time of its control group.", "cpu_usec", 1000000 },
        { "coppice_node_tasks", "gauge", "Processes and threads in its control group.", "tasks", 1 },
        { "coppice_mailbox_messages", "gauge", "Messages that wait in its mailbox.", "waiting", 1, "mailbox" },
        { "coppice_mailbox_capacity", "gauge", "Messages that may wait in its mailbox.", "capacity", 1, "mailbox" },
        { "coppice_mailbox_senders_waiting", "gauge", "Senders that wait for room in its mailbox.", "blocked", 1,
          "mailbox" },
        { "coppice_mailbox_taken_total", "counter", "Messages it has read.", "taken", 1, "mailbox" },
        { "coppice_mailbox_dropped_total", "counter", "Messages its full mailbox has dropped.", "dropped", 1,
          "mailbox" },
        { "coppice_mailbox_rejected_total", "counter", "Messages its full mailbox has refused.", "rejected", 1,
          "mailbox" },
        { "coppice_mailbox_lost_total", "counter", "Messages it had not read when it ended.", "lost", 1, "mailbox" },
        { "coppice_mailbox_sent_total", "counter", "Messages it has sent.", "sent", 1, "mailbox" },
        { "coppice_mailbox_bounced_total", "counter",
          "Messages of its own that could not be delivered or were refused.", "bounced", 1, "mailbox" },
}, channel_metrics[] = {
        { "coppice_channel_messages", "gauge", "Messages that wait in the channel.", "waiting", 1 },
        { "coppice_channel_capacity", "gauge", "Messages that may wait in the channel.", "capacity", 1 },
        { "coppice_channel_senders_waiting", "gauge", "Senders that wait for room in the channel.", "blocked", 1 },
        { "coppice_channel_readers_waiting", "gauge", "Readers that wait for a message of the channel.",
          "readers_waiting", 1 },
        { "coppice_channel_unacknowledged", "gauge", "Messages that a reader has and has not acknowledged.",
          "unacked", 1 },
        { "coppice_channel_accepted_total", "counter", "Messages that have come into the channel.", "accepted", 1 },
        { "coppice_channel_delivered_total", "counter", "Messages that have gone to readers.", "delivered", 1 },
        { "coppice_channel_redelivered_total", "counter", "Messages that came back from readers.", "redelivered", 1 },
        { "coppice_channel_dropped_total", "counter", "Messages the full channel has dropped.", "dropped", 1 },
        { "coppice_channel_rejected_total", "counter", "Messages the full channel has refused.", "rejected", 1 },
}, pipe_metrics[] = {
        { "coppice_pipe_bytes", "gauge", "Bytes that lie in the pipe.", "queued", 1, "pipe" },
        { "coppice_pipe_capacity_bytes", "gauge", "Bytes that the pipe may hold.", "capacity", 1, "pipe" },
        { "coppice_pipe_full", "gauge", "Whether a write would wait.", "full", 1, "pipe" },
}, engine_metrics[] = {
        { "coppice_nodes", "gauge", "Nodes in the tree.", "nodes", 1 },
        { "coppice_records_total", "counter", "Things that happened or were decided.", "last_seq", 1 },
        { "coppice_connections", "gauge", "Connections to the control socket.", "connections", 1 },
        { "coppice_engine_cpu_seconds_total", "counter", "Processor time of the engine.", "cpu_usec", 1000000 },
        { "coppice_engine_memory_peak_bytes", "gauge", "The most memory the engine has had in use.", "max_rss", 1 },
};

enum { NODE_METRICS = ARRAY_LEN(metrics) };

struct sheet {
        struct buf samples[NODE_METRICS];
        struct buf up, ready, state, started;
        struct buf json;          /* the nodes, for --json */
};

static void put_head(struct buf *out, const char *name, const char *type, const char *help)
{
        buf_addf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

/* A label's value: backslash, quote and newline have escapes. */
static void put_label(struct buf *out, const char *text)
{
        for (; *text; text++) {
                if (*text == '\\' || *text == '"')
                        buf_addc(out, '\\');
                if (*text == '\n')
                        buf_adds(out, "\\n");
                else
                        buf_addc(out, *text);
        }
}

static void put_value(struct buf *out, int64_t value, int64_t divide)
{
        if (divide == 1)
                buf_addf(out, " %lld\n", (long long) value);
        else
                buf_addf(out, " %lld.%06lld\n", (long long) (value / divide),
                         (long long) (value % divide * (1000000 / divide)));
}

static void put_sample_of(struct buf *out, const char *name, const char *label, const char *text, int64_t value,
                          int64_t divide)
{
        buf_addf(out, "%s{%s=\"", name, label);
        put_label(out, text);
        buf_adds(out, "\"}");
        put_value(out, value, divide);
}

static void put_sample(struct buf *out, const char *name, const char *node, int64_t value, int64_t divide)
{
        put_sample_of(out, name, "node", node, value, divide);
}

static void add_node(struct sheet *s, const struct jdoc *d, uint32_t t)
{
        const char *node = jget_text(d, t, "path"), *state = jget_text(d, t, "state");
        int64_t usec;

        for (size_t i = 0; i < NODE_METRICS; i++) {
                uint32_t in = metrics[i].in ? jtok_get(d, t, metrics[i].in) : t;

                if (in != JTOK_NONE && jtok_kind(d, in) == JTOK_OBJECT &&
                    jtok_kind(d, jtok_get(d, in, metrics[i].key)) == JTOK_NUMBER)
                        put_sample(&s->samples[i], metrics[i].name, node, jget_int(d, in, metrics[i].key, 0),
                                   metrics[i].divide);
        }
        put_sample(&s->up, "coppice_node_up", node,
                   strcmp(state, "running") == 0 || strcmp(state, "reloading") == 0, 1);
        put_sample(&s->ready, "coppice_node_ready", node, jget_true(d, t, "ready"), 1);
        buf_adds(&s->state, "coppice_node_state{node=\"");
        put_label(&s->state, node);
        buf_addf(&s->state, "\",type=\"%s\",state=\"%s\"} 1\n", jget_text(d, t, "type"), state);
        if (jget_text(d, t, "started_at") && stamp_read(jget_text(d, t, "started_at"), &usec))
                put_sample(&s->started, "coppice_node_start_time_seconds", node, usec, 1000000);
}

static int gather(struct ctl *c, struct sheet *s)
{
        struct json j = json_start(&s->json);
        autobuf struct buf one = BUF_INIT;
        uint32_t reply, nodes;
        int r = ctl_call(c, "Tree", NULL, true, &reply);

        json_open(&j, NULL, '[');
        while (r == CTL_OK) {
                nodes = jtok_get(&c->doc, reply, "nodes");
                for (uint32_t t = jtok_first(&c->doc, nodes); t != JTOK_NONE; t = jtok_after(&c->doc, nodes, t)) {
                        if (!c->json) {
                                add_node(s, &c->doc, t);
                                continue;
                        }
                        buf_clear(&one);
                        jtok_print(&c->doc, t, &one);
                        json_raw(&j, NULL, buf_text(&one));
                }
                if (!ctl_continues(c))
                        break;
                r = ctl_next(c, &reply);
        }
        json_close(&j);
        return r;
}

static void put_all(struct buf *out, struct buf *samples, const char *name, const char *type, const char *help)
{
        if (samples->len == 0)
                return;
        put_head(out, name, type, help);
        buf_add(out, samples->data, samples->len);
}

static void put_nodes(struct buf *out, struct sheet *s)
{
        put_all(out, &s->up, "coppice_node_up", "gauge", "Whether it runs.");
        put_all(out, &s->ready, "coppice_node_ready", "gauge", "Whether it is started, and has said so.");
        put_all(out, &s->state, "coppice_node_state", "gauge", "Its state, as a label.");
        put_all(out, &s->started, "coppice_node_start_time_seconds", "gauge", "When its present or last life began.");
        for (size_t i = 0; i < NODE_METRICS; i++)
                put_all(out, &s->samples[i], metrics[i].name, metrics[i].type, metrics[i].help);
}

/* The samples of one metric, of all channels of its kind. */
static void put_channel_metric(struct buf *out, const struct jdoc *d, uint32_t channels, const struct metric *m)
{
        autobuf struct buf samples = BUF_INIT;

        for (uint32_t t = jtok_first(d, channels); t != JTOK_NONE; t = jtok_after(d, channels, t)) {
                uint32_t pipe = jtok_get(d, t, "pipe"), in = m->in ? pipe : t;

                if ((pipe != JTOK_NONE) == (m->in != NULL) && jtok_get(d, in, m->key) != JTOK_NONE)
                        put_sample_of(&samples, m->name, "channel", jget_text(d, t, "path"),
                                      jget_true(d, in, m->key) ? 1 : jget_int(d, in, m->key, 0), m->divide);
        }
        put_all(out, &samples, m->name, m->type, m->help);
}

static int put_channels(struct ctl *c)
{
        uint32_t reply, channels;
        int r = ctl_call(c, "Channels", NULL, false, &reply);

        if (r != CTL_OK)
                return r;
        channels = jtok_get(&c->doc, reply, "channels");
        for (size_t i = 0; i < ARRAY_LEN(channel_metrics); i++)
                put_channel_metric(&c->out, &c->doc, channels, &channel_metrics[i]);
        for (size_t i = 0; i < ARRAY_LEN(pipe_metrics); i++)
                put_channel_metric(&c->out, &c->doc, channels, &pipe_metrics[i]);
        return CTL_OK;
}

static int put_engine(struct ctl *c)
{
        const struct jdoc *d = &c->doc;
        uint32_t reply;
        int64_t usec;
        int r = ctl_call(c, "Version", NULL, false, &reply);

        if (r != CTL_OK)
                return r;
        put_head(&c->out, "coppice_build_info", "gauge", "The version of the daemon, as a label.");
        buf_addf(&c->out, "coppice_build_info{version=\"%s\"} 1\n", jget_text(d, reply, "version"));
        if (stamp_read(jget_text(d, reply, "started_at"), &usec)) {
                put_head(&c->out, "coppice_start_time_seconds", "gauge", "When the tree was started.");
                buf_adds(&c->out, "coppice_start_time_seconds");
                put_value(&c->out, usec, 1000000);
        }
        for (size_t i = 0; i < ARRAY_LEN(engine_metrics); i++) {
                put_head(&c->out, engine_metrics[i].name, engine_metrics[i].type, engine_metrics[i].help);
                buf_adds(&c->out, engine_metrics[i].name);
                put_value(&c->out, jget_int(d, reply, engine_metrics[i].key, 0), engine_metrics[i].divide);
        }
        return CTL_OK;
}

static int put_json(struct ctl *c, const struct sheet *s)
{
        autobuf struct buf daemon = BUF_INIT, channels = BUF_INIT;
        struct json j = json_start(&c->out);
        uint32_t reply;
        int r = ctl_call(c, "Channels", NULL, false, &reply);

        if (r == CTL_OK) {
                jtok_print(&c->doc, jtok_get(&c->doc, reply, "channels"), &channels);
                r = ctl_call(c, "Version", NULL, false, &reply);
        }
        if (r != CTL_OK)
                return r;
        jtok_print(&c->doc, reply, &daemon);
        json_open(&j, NULL, '{');
        json_raw(&j, "daemon", buf_text(&daemon));
        json_raw(&j, "nodes", buf_text(&s->json));
        json_raw(&j, "channels", buf_text(&channels));
        json_close(&j);
        buf_addc(&c->out, '\n');
        return CTL_OK;
}

static int run_metrics(struct ctl *c)
{
        struct sheet s = { 0 };
        int r = gather(c, &s);

        if (r == CTL_OK)
                r = c->json ? put_json(c, &s) : put_engine(c);
        if (r == CTL_OK && !c->json) {
                put_nodes(&c->out, &s);
                r = put_channels(c);
        }
        for (size_t i = 0; i < NODE_METRICS; i++)
                buf_free(&s.samples[i]);
        buf_free(&s.up);
        buf_free(&s.ready);
        buf_free(&s.state);
        buf_free(&s.started);
        buf_free(&s.json);
        return r;
}

const struct ctl_verb verb_metrics = {
        .name = "metrics", .args = "", .help = "Print figures of every node as Prometheus reads them.",
        .prose = "State, restarts, memory, processor time, tasks and mailbox of each node, figures of each channel and "
                 "of the daemon itself, in the text format of Prometheus; written to a file by a timer they can be "
                 "collected by node_exporter. What is not known here, memory without a control group, is left out. "
                 "With --json the same as everything known.",
        .complete = COMPLETE_NOTHING, .run = run_metrics,
};
