/* validate_channels.c - the rules of one channel, and those between channels and the services
 * they join. See validate.h. */
#include "core/validate.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "core/channel_end.h"

static const enum directive sides[2] = { D_CHANNEL_From, D_CHANNEL_To };
static const enum directive streams[3] = { D_SERVICE_StandardInput, D_SERVICE_StandardOutput, D_SERVICE_StandardError };

static bool is_pipe(const struct spec *s)
{
        return spec_int(s, D_CHANNEL_Type) == CHANNEL_PIPE;
}

static void refuse(struct remarks *r, const struct spec *s, struct origin at, const char *hint, const char *what)
{
        remark(r, DIAG_ERROR, at.line ? at.file : spec_file(s), at.line, 0, hint, "%s", what);
}

static void warn(struct remarks *r, const struct spec *s, enum directive d, const char *hint, const char *what)
{
        struct origin at = spec_origin(s, d);

        remark(r, DIAG_WARNING, at.line ? at.file : spec_file(s), at.line, 0, hint, "%s", what);
}

/* --- one channel -------------------------------------------------------------------------------------------------- */

static void only_for(struct remarks *r, const struct spec *s, enum directive d, const char *type)
{
        struct origin at = spec_origin(s, d);

        if (spec_has(s, d))
                remark(r, DIAG_ERROR, at.file, at.line, 0, "take it out", "%s= is for channels of Type=%s",
                       directive_rows[d].key, type);
}

static void check_end(struct remarks *r, const struct spec *s, enum directive d, size_t i)
{
        struct channel_end end = channel_end_of(s, d, i);
        struct origin at = spec_item_origin(s, d, i);
        const char *dot = strrchr(end.unit, '.');

        if (!dot || strcmp(dot, ".service") != 0)
                refuse(r, s, at, "name services", "a channel is between services");
        else if (!is_pipe(s) && end.said)
                refuse(r, s, at, "name the service alone", "a message goes into a mailbox, not to a descriptor");
        else if (end.fd == 0 && d == D_CHANNEL_From)
                refuse(r, s, at, "name stdout, stderr or another number", "nobody writes to stdin");
        else if ((end.fd == 1 || end.fd == 2) && d == D_CHANNEL_To)
                refuse(r, s, at, "name stdin or another number", "nobody reads from stdout or stderr");
}

static void check_messages(struct remarks *r, const struct spec *s)
{
        bool all = spec_int(s, D_CHANNEL_Deliver) == CHANNEL_ALL;

        only_for(r, s, D_CHANNEL_Framing, "pipe");
        only_for(r, s, D_CHANNEL_Close, "pipe");
        if (spec_int(s, D_CHANNEL_Capacity) > 1000000)
                refuse(r, s, spec_origin(s, D_CHANNEL_Capacity), "1 to 1000000",
                       "Capacity= of a channel of messages counts messages");
        if (all && spec_count(s, D_CHANNEL_To) == 0)
                refuse(r, s, spec_origin(s, D_CHANNEL_Deliver), "name them in To=",
                       "Deliver=all needs to know who all are");
        if (all && spec_int(s, D_CHANNEL_Acknowledge))
                refuse(r, s, spec_origin(s, D_CHANNEL_Acknowledge), "write Deliver=one, or take it out",
                       "Acknowledge= is for a message that goes to one reader");
}

/* Bytes of several writers mix as soon as a write is longer than PIPE_BUF (FAILURES F11). */
static void check_sharing(struct remarks *r, const struct spec *s)
{
        bool stream = spec_int(s, D_CHANNEL_Framing) == CHANNEL_STREAM,
                one = spec_int(s, D_CHANNEL_Deliver) == CHANNEL_ONE;

        if (stream && spec_count(s, D_CHANNEL_From) > 1)
                warn(r, s, D_CHANNEL_From, "write Framing=packet, or give each writer a channel of its own",
                     "several writers of one stream: what is written in pieces of more than 4096 bytes gets mixed");
        if (stream && one && spec_count(s, D_CHANNEL_To) > 1)
                warn(r, s, D_CHANNEL_To, "write Deliver=all for copies, or Framing=packet to share whole packets",
                     "several readers of one stream: each gets whatever pieces it happens to read first");
}

static void check_pipe(struct remarks *r, const struct spec *s)
{
        static const enum directive others[] = { D_CHANNEL_CapacityBytes, D_CHANNEL_Overflow, D_CHANNEL_Acknowledge };

        for (size_t i = 0; i < ARRAY_LEN(others); i++)
                only_for(r, s, others[i], "message");
        for (size_t k = 0; k < 2; k++)
                if (spec_count(s, sides[k]) == 0)
                        refuse(r, s, spec_origin(s, sides[k]),
                               "write From=SERVICE:stdout and To=SERVICE:stdin, or Type=message",
                               k ? "a pipe that nobody reads: there is no To=" : "a pipe that nobody writes to: there "
                               "is no From=");
        if (spec_int(s, D_CHANNEL_Deliver) == CHANNEL_ALL && spec_count(s, D_CHANNEL_To) > CHANNEL_COPIES_MAX)
                refuse(r, s, spec_origin(s, D_CHANNEL_To), "at most 31; a reader may copy for others",
                       "too many readers for Deliver=all");
        check_sharing(r, s);
}

void validate_channel(const struct spec *s, const bool *refused, struct remarks *remarks)
{
        if (refused[D_CHANNEL_Type] || refused[D_CHANNEL_From] || refused[D_CHANNEL_To] || refused[D_CHANNEL_Deliver])
                return; /* what the rest means is not known */
        if (is_pipe(s))
                check_pipe(remarks, s);
        else
                check_messages(remarks, s);
        for (size_t k = 0; k < 2; k++)
                for (size_t i = 0; i < spec_count(s, sides[k]); i++)
                        check_end(remarks, s, sides[k], i);
}

/* --- between units ------------------------------------------------------------------------------------------------ */

struct joint {                 /* one end of a pipe that is there */
        const struct spec *channel;
        struct channel_end end;
        struct origin origin;
        uint32_t node;         /* of the service */
        enum directive side;
};

struct plumbing {
        const struct unit_node *nodes;
        size_t node_count;
        struct joint *joints;
        size_t count;
        unit_known_fn *known;
        void *arg;
        bool without;          /* the channel in hand joins what somebody has masked */
        struct remarks *remarks;
};

/* Names of units in a tree are unique, so it may hang anywhere. */
static uint32_t find_service(const struct plumbing *p, const char *name)
{
        for (uint32_t i = 0; i < p->node_count; i++)
                if (spec_kind(p->nodes[i].spec) == KIND_SERVICE && strcmp(spec_name(p->nodes[i].spec), name) == 0)
                        return i;
        return UINT32_MAX;
}

static void check_stream(struct plumbing *p, const struct joint *j)
{
        const struct spec *s = p->nodes[j->node].spec;
        enum directive d = j->end.fd >= 0 && j->end.fd < 3 ? streams[j->end.fd] : D_NONE;

        if (d != D_NONE && spec_has(s, d))
                remark(p->remarks, DIAG_ERROR, j->origin.file, j->origin.line, 0, "take one of the two out",
                       "%s says %s= itself, and this channel wants that descriptor", j->end.unit,
                       directive_rows[d].key);
        if (j->end.fd >= 0 && spec_int(s, D_SERVICE_NotifyFd) == j->end.fd)
                remark(p->remarks, DIAG_ERROR, j->origin.file, j->origin.line, 0, "choose another number",
                       "%s says NotifyFd=%d, and this channel wants that descriptor", j->end.unit, j->end.fd);
}

static void check_taken(struct plumbing *p, const struct joint *j)
{
        char name[CHANNEL_NAME_MAX + 4];

        for (size_t i = 0; i < p->count; i++) {
                if (p->joints[i].node != j->node || !channel_end_same(&p->joints[i].end, &j->end))
                        continue;
                remark(p->remarks, DIAG_ERROR, j->origin.file, j->origin.line, 0,
                       "a descriptor is one end of one channel", "%s:%s is an end of %s already", j->end.unit,
                       channel_end_print(&j->end, name, sizeof name), spec_name(p->joints[i].channel));
                return;
        }
}

static void add_end(struct plumbing *p, const struct spec *channel, enum directive d, size_t i)
{
        struct joint j = { .channel = channel, .end = channel_end_of(channel, d, i),
                           .origin = spec_item_origin(channel, d, i), .side = d };

        j.node = find_service(p, j.end.unit);
        if (j.node == UINT32_MAX) {
                bool by_choice = false;
                const char *why = p->known(p->arg, j.end.unit, &by_choice);

                p->without |= by_choice;
                remark(p->remarks, by_choice ? DIAG_WARNING : DIAG_ERROR, j.origin.file, j.origin.line, 0,
                       "name a service of the tree", "%s=%s: %s", directive_rows[d].key, j.end.unit,
                       why ? why : "there is no such service");
                return;
        }
        check_stream(p, &j);
        check_taken(p, &j);
        p->joints[p->count++] = j;
}

/* --- rings -------------------------------------------------------------------------------------------------------- */

/* Is there a way into `node` from one that is still in question? The joint by which it comes out of that one. */
static const struct joint *way_into(const struct plumbing *p, const uint8_t *settled, uint32_t node)
{
        for (size_t in = 0; in < p->count; in++) {
                if (p->joints[in].node != node || p->joints[in].side != D_CHANNEL_To)
                        continue;
                for (size_t out = 0; out < p->count; out++)
                        if (p->joints[out].channel == p->joints[in].channel && p->joints[out].side == D_CHANNEL_From &&
                            !settled[p->joints[out].node])
                                return &p->joints[out];
        }
        return NULL;
}

/* What nothing in question leads into is in no ring. */
static void settle(const struct plumbing *p, uint8_t *settled)
{
        bool more = true;

        while (more) {
                more = false;
                for (size_t i = 0; i < p->count; i++) {
                        uint32_t node = p->joints[i].node;

                        if (settled[node] || way_into(p, settled, node))
                                continue;
                        settled[node] = 1;
                        more = true;
                }
        }
}

/* Backwards from a service in question, until one comes round again. `path` has room for all joints. */
static void report_ring(const struct plumbing *p, uint8_t *settled, uint32_t node, const struct joint **path)
{
        autobuf struct buf text = BUF_INIT;
        size_t n = 0, first = SIZE_MAX;

        for (uint32_t at = node; first == SIZE_MAX; at = path[n++]->node) {
                path[n] = way_into(p, settled, at);
                for (size_t i = 0; i < n && first == SIZE_MAX; i++)
                        if (path[i]->node == path[n]->node)
                                first = i;
        }
        for (size_t i = n - 1; i > first; i--)
                buf_addf(&text, "%s -> ", path[i]->end.unit);
        buf_adds(&text, path[first]->end.unit);
        p->remarks->unit = spec_name(path[first]->channel);
        remark(p->remarks, DIAG_WARNING, path[first]->origin.file, path[first]->origin.line, 0,
               "let one of them read while it cannot write, or take one channel out",
               "pipes in a ring: %s; once all of them are full each waits for the next", buf_text(&text));
        for (size_t i = 0; i < n; i++)
                settled[path[i]->node] = 1;
}

static void find_rings(const struct plumbing *p)
{
        autofree uint8_t *settled = calloc(p->node_count + 1, 1);
        autofree const struct joint **path = calloc(p->count + 2, sizeof *path);

        for (size_t i = 0; settled && path && i < p->count; i++) {
                settle(p, settled);
                if (!settled[p->joints[i].node])
                        report_ring(p, settled, p->joints[i].node, path);
        }
}

/* --- all of them -------------------------------------------------------------------------------------------------- */

static size_t count_ends(const struct unit_node *channels, size_t count)
{
        size_t n = 0;

        for (size_t i = 0; i < count; i++)
                n += spec_count(channels[i].spec, D_CHANNEL_From) + spec_count(channels[i].spec, D_CHANNEL_To);
        return n;
}

void validate_channels(const struct unit_node *nodes, size_t n, const struct unit_node *channels, size_t count,
                       unit_known_fn *known, void *arg, struct remarks *remarks, bool *ret_broken)
{
        autofree struct joint *joints = calloc(count_ends(channels, count) + 1, sizeof *joints);
        struct plumbing p = { .nodes = nodes, .node_count = n, .joints = joints, .known = known, .arg = arg,
                              .remarks = remarks };

        for (size_t c = 0; joints && c < count; c++) {
                const struct spec *s = channels[c].spec;
                unsigned before = remarks->errors;
                size_t had = p.count;

                remarks->unit = spec_name(s);
                p.without = false;
                for (size_t k = 0; k < 2 && is_pipe(s); k++)
                        for (size_t i = 0; i < spec_count(s, sides[k]); i++)
                                add_end(&p, s, sides[k], i);
                ret_broken[c] = remarks->errors > before || p.without;
                if (ret_broken[c])
                        p.count = had;
        }
        if (joints)
                find_rings(&p);
}
