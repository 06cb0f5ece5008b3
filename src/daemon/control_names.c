/* control_names.c - from the names clients use to nodes, and what to say when there is none, or a word is none. */
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "daemon/control_priv.h"
#include "daemon/node_json.h"

enum { NEAREST_AMONG = 2048 }; /* a slip of the pen is looked for among so many; more would hold up the loop */

/* The first instance of the template that he seems to mean. */
static const char *an_instance(const char *const *words, size_t n, const char *name)
{
        size_t len = strcspn(name, ".");

        for (size_t i = 0; i < n; i++)
                if (len > 0 && strncmp(words[i], name, len) == 0 && words[i][len] == '@')
                        return words[i];
        return NULL;
}

static const char *nearest(const struct core *c, const char *name)
{
        const char *words[NEAREST_AMONG];
        size_t n = 0;
        node_id limit = core_node_limit(c);
        bool unit = strchr(name, '.') != NULL;
        const char *last = strrchr(name, '/');

        if (strlen(name) > 200)
                return NULL;
        for (node_id id = 1; id < limit && n < NEAREST_AMONG; id++) {
                const struct node *node = core_node(c, id);

                if (node)
                        words[n++] = unit ? spec_name(node->spec) : spec_stem(node->spec);
        }
        last = last ? last + 1 : name;
        return strtab_nearest(words, n, last) ? strtab_nearest(words, n, last) : an_instance(words, n, last);
}

static void fail_ambiguous(struct call *c, const char *name)
{
        const struct core *core = call_core(c);
        char path[NODE_PATH_MAX];
        node_id limit = core_node_limit(core);
        struct json *j;
        int shown = 0;

        c->mark = c->conn->out.len;
        c->j = varlink_reply_open(&c->conn->out, MANAGER_INTERFACE ".AmbiguousNode");
        j = &c->j;
        json_str(j, "node", name);
        json_open(j, "candidates", '[');
        for (node_id id = 0; id < limit && shown < 20; id++) {
                const struct node *n = core_node(core, id);

                if (n && (strcmp(spec_stem(n->spec), name) == 0 || strcmp(spec_name(n->spec), name) == 0)) {
                        json_str(j, NULL, core_path(core, id, path, sizeof path));
                        shown++;
                }
        }
        json_close(j);
        call_close(c, false);
}

/* There may be a unit of that name, with a reason why it is no node. */
static void fail_absent(struct call *c, const char *name)
{
        struct err why = { 0 };
        char text[900];

        if (name[0] && engine_absent(call_engine(c), name, &why) != -ENOENT)
                call_fail(c, "NoSuchNode", "node", name, "message", err_format(&why, text, sizeof text));
        else
                call_fail(c, "NoSuchNode", "node", name, "nearest", nearest(call_core(c), name));
}

bool call_node(struct call *c, const char *name, node_id *ret)
{
        unsigned matches = 0;
        node_id id = core_find(call_core(c), NODE_ROOT, name, &matches);

        if (id != NODE_NONE) {
                *ret = id;
                return true;
        }
        if (matches > 1)
                fail_ambiguous(c, name);
        else
                fail_absent(c, name);
        return false;
}

bool call_under(struct call *c, const char *key, node_id *ret)
{
        const char *name = param_str(&c->in, key, false);

        *ret = NODE_ROOT;
        if (!call_params(c))
                return false;
        return !name || call_node(c, name, ret);
}

void call_bad_word(struct call *c, const char *key, const char *word, const char *near, const char *sentence)
{
        autobuf struct buf text = BUF_INIT;

        buf_addf(&text, "%s: %s", word, sentence);
        if (near)
                buf_addf(&text, " (did you mean %s?)", near);
        call_fail(c, "BadValue", "parameter", key, "message", buf_text(&text));
}
