/* tree.c - names and places: paths, siblings, lookup. */
#include <string.h>

#include "base/buf.h"
#include "core/machine.h"

const struct node *core_node(const struct core *c, node_id id)
{
        return node_at(c, id);
}

/* A name outlives its node by a step: the actions that end it still have to say whose end it is. */
const struct node *node_or_buried(const struct core *c, node_id id)
{
        const struct node *n = node_at(c, id);

        for (const struct node *gone = c->buried; !n && gone; gone = gone->buried)
                if (gone->id == id)
                        n = gone;
        return n;
}

node_id core_meant(const struct core *c, const struct record *r, node_id id)
{
        const struct node *n = node_or_buried(c, id);

        return n && n->born < r->seq ? id : NODE_NONE;
}

node_id core_node_limit(const struct core *c)
{
        return c->limit;
}

node_id core_first_child(const struct core *c, node_id id)
{
        const struct node *n = node_at(c, id);

        return n ? n->first : NODE_NONE;
}

node_id core_last_child(const struct core *c, node_id id)
{
        const struct node *n = node_at(c, id);

        return n ? n->last : NODE_NONE;
}

node_id core_next_sibling(const struct core *c, node_id id)
{
        const struct node *n = node_at(c, id);

        return n ? n->next : NODE_NONE;
}

/* Written from the end: a path that does not fit loses its beginning, never its name. */
/* What stands before a path of which the beginning had no room: so it cannot be taken for another node's. */
#define CUT "..."

char *core_path(const struct core *c, node_id id, char *buf, size_t n)
{
        const struct node *node = node_or_buried(c, id);
        size_t at = n - 1, mark = n > sizeof(CUT) ? sizeof(CUT) - 1 : 0;

        buf[at] = '\0';
        if (!node || n < 2) {
                buf[0] = '\0';
                return buf;
        }
        for (; node && node->parent != NODE_NONE; node = node_or_buried(c, node->parent)) {
                const char *stem = spec_stem(node->spec);
                size_t len = strlen(stem);

                if (len + 1 + (node->parent == NODE_ROOT ? 0 : mark) > at) {
                        at -= mark;
                        memcpy(buf + at, CUT, mark);
                        break;
                }
                at -= len;
                memcpy(buf + at, stem, len);
                buf[--at] = '/';
        }
        if (at == n - 1)
                buf[--at] = '/';
        memmove(buf, buf + at, n - at);
        return buf;
}

bool core_path_is_cut(const char *path)
{
        return path[0] == '.';
}

void core_path_add(const struct core *c, node_id id, struct buf *out)
{
        const struct node *node = node_or_buried(c, id), *n;
        size_t len = 0;
        char *end;

        for (n = node; n && n->parent != NODE_NONE; n = node_or_buried(c, n->parent))
                len += strlen(spec_stem(n->spec)) + 1;
        if (len == 0) {
                buf_adds(out, node ? "/" : "");
                return;
        }
        end = buf_reserve(out, len);
        if (!end)
                return;
        out->len += len;
        end += len;
        *end = '\0'; /* a buf is a string at any time */
        for (n = node; n && n->parent != NODE_NONE; n = node_or_buried(c, n->parent)) {
                size_t part = strlen(spec_stem(n->spec));

                end -= part;
                memcpy(end, spec_stem(n->spec), part);
                *--end = '/';
        }
}

/* A live node wins over one of the same name that is gone. */
static node_id first_named(const struct core *c, node_id parent, const char *name, size_t len, bool whole_name)
{
        node_id found = NODE_NONE;

        for (node_id id = core_first_child(c, parent); id != NODE_NONE; id = c->nodes[id]->next) {
                const struct node *n = c->nodes[id];
                const char *mine = whole_name ? spec_name(n->spec) : spec_stem(n->spec);

                if (strncmp(mine, name, len) != 0 || mine[len])
                        continue;
                if (n->child != CHILD_GONE)
                        return id;
                found = id;
        }
        return found;
}

static node_id child_named(const struct core *c, node_id parent, const char *name, size_t len, bool whole_name)
{
        const char *dot = whole_name ? memrchr(name, '.', len) : name + len;
        bool more = false;
        node_id id;

        if (!dot)
                return NODE_NONE;
        id = index_find(c, parent, name, len, (size_t) (dot - name), &more);
        return more ? first_named(c, parent, name, len, whole_name) : id;
}

static node_id child_of_either_name(const struct core *c, node_id parent, const char *name, size_t len)
{
        node_id id = child_named(c, parent, name, len, false);

        return id != NODE_NONE ? id : child_named(c, parent, name, len, true);
}

static node_id find_path(const struct core *c, node_id from, const char *path)
{
        node_id at = from;

        while (*path && at != NODE_NONE) {
                size_t len = strcspn(path, "/");

                if (len > 0)
                        at = child_of_either_name(c, at, path, len);
                path += len;
                path += *path == '/';
        }
        return at;
}

/* Anywhere in the tree: by the unit's name, else by stem. */
static unsigned find_anywhere(const struct core *c, const char *name, node_id *ret)
{
        unsigned matches = 0;

        for (int by_stem = 0; by_stem < 2 && matches == 0; by_stem++) {
                for (node_id id = 0; id < c->limit; id++) {
                        const struct node *n = c->nodes[id];

                        if (!n || id == NODE_ROOT ||
                            strcmp(name, by_stem ? spec_stem(n->spec) : spec_name(n->spec)) != 0)
                                continue;
                        if (matches && c->nodes[*ret]->child == CHILD_GONE && c->nodes[*ret]->parent == n->parent)
                                matches--;
                        else if (matches && n->child == CHILD_GONE && c->nodes[*ret]->parent == n->parent)
                                continue;
                        *ret = id;
                        matches++;
                }
        }
        return matches;
}

node_id core_find(const struct core *c, node_id from, const char *name, unsigned *ret_matches)
{
        node_id found = NODE_NONE;
        unsigned matches = 0;

        if (name[0] == '/') {
                found = find_path(c, NODE_ROOT, name);
        } else if (name[0] && strchr(name, '/')) {
                found = find_path(c, from, name);
        } else if (name[0]) {
                for (node_id at = from; at != NODE_NONE && found == NODE_NONE && node_at(c, at);
                     at = c->nodes[at]->parent)
                        found = child_of_either_name(c, at, name, strlen(name));
                if (found == NODE_NONE)
                        matches = find_anywhere(c, name, &found);
                if (found == NODE_NONE && node_at(c, NODE_ROOT) &&
                    (strcmp(name, "root") == 0 || strcmp(name, spec_name(c->nodes[NODE_ROOT]->spec)) == 0))
                        found = NODE_ROOT;
        }
        if (found != NODE_NONE && matches == 0)
                matches = 1;
        if (ret_matches)
                *ret_matches = matches;
        return matches == 1 ? found : NODE_NONE;
}

node_id core_outward(const struct core *c, node_id super, const char *name)
{
        node_id found = NODE_NONE;

        if (name[0] == '/')
                return find_path(c, NODE_ROOT, name);
        for (node_id at = super; name[0] && at != NODE_NONE && node_at(c, at) && found == NODE_NONE;
             at = c->nodes[at]->parent)
                found = find_path(c, at, name);
        return found;
}
