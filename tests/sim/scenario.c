/* scenario.c - random trees and random mishaps. See scenario.h. */
#include "random.h"
#include "scenario.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct gen {
        uint64_t state;
        struct scenario *s;
};

__attribute__((format(printf, 2, 3))) static void key(struct scenario_node *n, const char *fmt, ...)
{
        va_list ap;

        if (n->key_count == SCENARIO_KEYS)
                return;
        va_start(ap, fmt);
        (void) vsnprintf(n->keys[n->key_count], sizeof(n->keys[0]), fmt, ap);
        va_end(ap);
        n->keep_key[n->key_count++] = true;
}

static void pacing(struct gen *g, struct scenario_node *n)
{
        key(n, "RestartSec=%s", PICK(&g->state, "0", "0", "10ms", "100ms", "1s"));
        if (percent(&g->state, 50))
                key(n, "RestartMaxDelaySec=%s", PICK(&g->state, "1s", "3s"));
        if (percent(&g->state, 20))
                key(n, "RestartResetSec=%s", PICK(&g->state, "1s", "5s"));
}

static void supervisor_keys(struct gen *g, struct scenario_node *n, bool root)
{
        const char *strategy = PICK(&g->state, "one_for_one", "one_for_one", "one_for_all", "rest_for_one");

        key(n, "Strategy=%s", strategy);
        if (strcmp(strategy, "one_for_one") == 0 && percent(&g->state, 30))
                key(n, "StartMode=sequential");
        key(n, "MaxRestarts=%d", below(&g->state, 6));
        key(n, "MaxRestartsSec=%ds", 1 + below(&g->state, 12));
        if (percent(&g->state, root ? 60 : 30))
                key(n, "Escalation=%s", PICK(&g->state, "isolate", "isolate", "escalate"));
        if (percent(&g->state, 20))
                key(n, "AutoShutdown=%s", PICK(&g->state, "any_significant", "all_significant"));
        if (root)
                return;
        key(n, "Restart=%s", PICK(&g->state, "permanent", "permanent", "permanent", "transient", "temporary"));
        pacing(g, n);
}

static void service_keys(struct gen *g, struct scenario_node *n)
{
        const char *type = PICK(&g->state, "simple", "simple", "simple", "exec", "notify", "notify", "oneshot", "forking", "idle");
        bool oneshot = strcmp(type, "oneshot") == 0;

        key(n, "Type=%s", type);
        key(n, "ExecStart=/bin/true");
        if (oneshot)
                key(n, "Restart=%s", PICK(&g->state, "temporary", "transient", "on-failure"));
        else
                key(n, "Restart=%s", PICK(&g->state, "permanent", "permanent", "permanent", "transient", "temporary",
                                          "on-success", "on-abnormal", "on-abort", "on-watchdog"));
        pacing(g, n);
        if (oneshot && percent(&g->state, 40))
                key(n, "RemainAfterExit=yes");
        key(n, "TimeoutStartSec=%s", PICK(&g->state, "500ms", "2s", "5s"));
        key(n, "TimeoutStopSec=%s", PICK(&g->state, "100ms", "1s", "3s"));
        if (percent(&g->state, 15))
                key(n, "ExecStartPre=/bin/true");
        if (percent(&g->state, 8))
                key(n, "ExecStartPost=/bin/true");
        if (percent(&g->state, 8))
                key(n, "ExecCondition=/bin/true");
        if (percent(&g->state, 8))
                key(n, "ExecStop=/bin/true");
        if (percent(&g->state, 10))
                key(n, "ExecStopPost=/bin/true");
        if (percent(&g->state, 15))
                key(n, "ExecReload=/bin/true");
        if (strcmp(type, "notify") == 0 && percent(&g->state, 30))
                key(n, "WatchdogSec=%s", PICK(&g->state, "1s", "4s"));
        if (percent(&g->state, 8) && !oneshot)
                key(n, "RuntimeMaxSec=%s", PICK(&g->state, "1s", "7s"));
        if (percent(&g->state, 15))
                key(n, "KillMode=%s", PICK(&g->state, "mixed", "process", "none"));
        if (percent(&g->state, 2))
                key(n, "SendSIGKILL=no");
}

/* Siblings that stand before it: no cycle. Ordering alone may also point forward; the core reports what cannot be. */
static void relations(struct gen *g, int self)
{
        struct scenario_node *n = &g->s->nodes[self];

        for (int tries = 0; tries < 2; tries++) {
                int other = below(&g->state, self);
                const char *name = g->s->nodes[other].name;

                if (g->s->nodes[other].parent != n->parent || other == 0)
                        continue;
                switch (below(&g->state, 9)) {
                case 0:
                case 1:
                case 2: key(n, "After=%s", name); break;
                case 3: key(n, "Requires=%s", percent(&g->state, 4) ? "nobody.service" : name); break;
                case 4: key(n, "Wants=%s", name); break;
                case 5: key(n, "BindsTo=%s", name); break;
                case 6: key(n, "PartOf=%s", name); break;
                case 7: key(n, "Before=%s", name); break;
                default:
                        if (percent(&g->state, 30))
                                key(n, "Conflicts=%s", name);
                }
        }
}

static int depth_of(const struct scenario *s, int n)
{
        int d = 0;

        for (; n > 0; n = s->nodes[n].parent)
                d++;
        return d;
}

static bool is_supervisor(const struct scenario_node *n)
{
        return strstr(n->name, ".supervisor") != NULL;
}

static int some_supervisor(struct gen *g, int max_depth)
{
        for (int tries = 0; tries < 30; tries++) {
                int n = below(&g->state, g->s->node_count);

                if (is_supervisor(&g->s->nodes[n]) && depth_of(g->s, n) < max_depth)
                        return n;
        }
        return 0;
}

static void add_node(struct gen *g, bool root)
{
        struct scenario *s = g->s;
        int parent = root ? -1 : some_supervisor(g, 4), self = s->node_count;
        bool sup = root || (depth_of(s, parent) < 4 && percent(&g->state, 28));
        struct scenario_node *n = &s->nodes[s->node_count++];

        *n = (struct scenario_node) { .parent = parent, .keep = true };
        if (root)
                (void) snprintf(n->name, sizeof(n->name), "root.supervisor");
        else
                (void) snprintf(n->name, sizeof(n->name), "%c%d.%s", sup ? 's' : 'w', self,
                                sup ? "supervisor" : "service");
        if (sup)
                supervisor_keys(g, n, root);
        else
                service_keys(g, n);
        if (!root) {
                bool rule = false;

                for (int i = 0; i < s->nodes[parent].key_count; i++)
                        rule = rule || strncmp(s->nodes[parent].keys[i], "AutoShutdown=", 13) == 0;
                if (percent(&g->state, 40))
                        relations(g, self);
                for (int i = 0; i < n->key_count && rule; i++)
                        if (strncmp(n->keys[i], "Restart=t", 9) == 0 && strcmp(n->keys[0], "Type=oneshot") != 0 && percent(&g->state, 50)) {
                                key(n, "Significant=yes");
                                break;
                        }
        }
}

static void stem(const struct scenario *s, int n, char *buf, size_t size)
{
        (void) snprintf(buf, size, "%.*s", (int) strcspn(s->nodes[n].name, "."), s->nodes[n].name);
}

static int some_node(struct gen *g, bool service)
{
        for (int tries = 0; tries < 40; tries++) {
                int n = below(&g->state, g->s->node_count);

                if (!service || !is_supervisor(&g->s->nodes[n]))
                        return n;
        }
        return 0;
}

static void mishap(struct gen *g, char *out, size_t size)
{
        char n[24], m[24], k[24];

        stem(g->s, some_node(g, true), n, sizeof(n));
        stem(g->s, some_node(g, true), m, sizeof(m));
        stem(g->s, some_node(g, true), k, sizeof(k));
        switch (below(&g->state, 18)) {
        case 0:
        case 1:
        case 2:  (void) snprintf(out, size, "kill %s %s", n, PICK(&g->state, "SEGV", "KILL", "TERM", "ABRT", "STOP", "CONT")); break;
        case 3:
        case 4:
        case 5:  (void) snprintf(out, size, "exit %s %s", n, PICK(&g->state, "0", "1", "3", "out_of_memory")); break;
        case 6:  (void) snprintf(out, size, "exit-many %s %s %s %s", n, m, k, PICK(&g->state, "SEGV", "0")); break;
        case 7:
        case 8:  (void) snprintf(out, size, "fail-start %s %d%s", n, 1 + below(&g->state, 6),
                                 PICK(&g->state, "", " USER", " ExecStartPre", " ExecStop", " ExecStopPost", " ExecCondition")); break;
        case 9:  (void) snprintf(out, size, "hang %s %s", n, PICK(&g->state, "on", "on", "off")); break;
        case 10: (void) snprintf(out, size, "%s %s %s", PICK(&g->state, "hang-stop", "leave", "watchdog-stop"), n, PICK(&g->state, "on", "on", "off")); break;
        case 11: (void) snprintf(out, size, "ignore-term %s %s", n, PICK(&g->state, "on", "on", "off")); break;
        case 12: (void) snprintf(out, size, "run-for %s %s %s", n, PICK(&g->state, "0", "1ms", "50ms", "900ms", "3s"), PICK(&g->state, "0", "1", "SEGV")); break;
        case 13: (void) snprintf(out, size, "condition %s %s", n, PICK(&g->state, "pass", "skip", "fail")); break;
        case 14: (void) snprintf(out, size, "ready %s", n); break;
        case 15: (void) snprintf(out, size, "late %s %s", n, PICK(&g->state, "exited", "spawned", "empty", "ready", "spawn_failed", "checked", "watchdog", "mainpid", "stopping")); break;
        case 16: (void) snprintf(out, size, "signal %s %s", n, PICK(&g->state, "HUP", "TERM", "KILL", "USR1", "STOP", "CONT")); break;
        default: (void) snprintf(out, size, "stuck %s %s", n, PICK(&g->state, "on", "off", "off")); break;
        }
}

static void request(struct gen *g, char *out, size_t size)
{
        int node = some_node(g, false);
        char n[24];
        bool sup = is_supervisor(&g->s->nodes[node]);

        stem(g->s, node, n, sizeof(n));
        switch (below(&g->state, 12)) {
        case 0:
        case 1:  (void) snprintf(out, size, "start %s", n); break;
        case 2:
        case 3:  (void) snprintf(out, size, "stop %s", n); break;
        case 4:
        case 5:  (void) snprintf(out, size, "restart %s", n); break;
        case 6:  (void) snprintf(out, size, "reload %s", n); break;
        case 7:  (void) snprintf(out, size, "reset-failed %s", n); break;
        case 8:  (void) snprintf(out, size, "%s %s", PICK(&g->state, "freeze", "thaw", "thaw"), n); break;
        case 9:  (void) snprintf(out, size, "end %s %s", n, PICK(&g->state, "1", "killed", "health")); break;
        case 10:
                if (sup)
                        (void) snprintf(out, size, "change %s MaxRestarts=%d", n, below(&g->state, 6));
                else
                        (void) snprintf(out, size, "change %s %s", n, PICK(&g->state, "RestartSec=0", "RestartSec=500ms", "TimeoutStopSec=200ms", "KillMode=mixed"));
                break;
        default:
                if (percent(&g->state, 50)) {
                        (void) snprintf(out, size, "delete %s", node ? n : "nobody");
                } else {
                        stem(g->s, some_supervisor(g, 5), n, sizeof(n));
                        (void) snprintf(out, size, "add d%d.service %s ExecStart=/bin/true Restart=%s", below(&g->state, 6),
                                        n, PICK(&g->state, "permanent", "transient", "temporary"));
                }
                break;
        }
}

static void add_line(struct gen *g)
{
        struct scenario *s = g->s;
        char what[150];
        const char *time = PICK(&g->state, "", "", "", "+1ms ", "+7ms ", "+40ms ", "+300ms ", "+999ms ", "+2s ", "+6s ");

        if (percent(&g->state, 65))
                mishap(g, what, sizeof(what));
        else
                request(g, what, sizeof(what));
        s->keep_line[s->line_count] = true;
        (void) snprintf(s->lines[s->line_count++], sizeof(s->lines[0]), "%s%s", time, what);
}

void scenario_random(struct scenario *s, uint64_t seed)
{
        struct gen g = { .state = seed * UINT64_C(0x9e3779b97f4a7c15), .s = s };
        int nodes, lines;

        *s = (struct scenario) { .seed = seed };
        nodes = 2 + below(&g.state, percent(&g.state, 50) ? 8 : SCENARIO_NODES - 2);
        add_node(&g, true);
        while (s->node_count < nodes)
                add_node(&g, false);
        lines = 5 + below(&g.state, SCENARIO_LINES - 8);
        while (s->line_count < lines)
                add_line(&g);
        if (percent(&g.state, 20)) {
                s->keep_line[s->line_count] = true;
                (void) snprintf(s->lines[s->line_count++], sizeof(s->lines[0]), "shutdown %s",
                                PICK(&g.state, "1s", "9s", "100ms"));
        }
}
