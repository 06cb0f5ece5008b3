/* varlink.c - see varlink.h. */
#include "proto/varlink.h"

#include <errno.h>
#include <string.h>

static bool flag_of(const json_t *root, const char *name, bool *ok)
{
        const json_t *v = json_object_get(root, name);

        if (v && !json_is_boolean(v) && !json_is_null(v))
                *ok = false;
        return json_is_true(v);
}

int varlink_call_parse(struct varlink_call *c, const char *text, size_t len)
{
        json_t *root = json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);
        json_t *params;
        bool ok = true;

        if (!root)
                return -EBADMSG;
        *c = (struct varlink_call) { .root = root };
        c->method = json_string_value(json_object_get(root, "method"));
        params = json_object_get(root, "parameters");
        if (json_is_object(params))
                c->params = params;
        else if (params && !json_is_null(params))
                ok = false;
        c->more = flag_of(root, "more", &ok);
        c->oneway = flag_of(root, "oneway", &ok);
        if (flag_of(root, "upgrade", &ok) || (c->more && c->oneway))
                ok = false;
        if (!c->method || !ok) {
                varlink_call_free(c);
                return -EBADMSG;
        }
        return 0;
}

void varlink_call_free(struct varlink_call *c)
{
        json_decref(c->root);
        *c = (struct varlink_call) { 0 };
}

static void complain(struct varlink_call *c, const char *name)
{
        if (!c->bad)
                c->bad = name;
}

/* The value, NULL when absent or null. Remembers that the method knows this name. */
static json_t *take(struct varlink_call *c, const char *name, bool required)
{
        json_t *v = json_object_get(c->params, name);

        if (c->taken_count < CALL_PARAMS_MAX)
                c->taken[c->taken_count++] = name;
        if (json_is_null(v))
                v = NULL;
        if (!v && required)
                complain(c, name);
        return v;
}

const char *param_str(struct varlink_call *c, const char *name, bool required)
{
        json_t *v = take(c, name, required);

        if (v && !json_is_string(v))
                complain(c, name);
        return json_string_value(v);
}

bool param_bool(struct varlink_call *c, const char *name)
{
        json_t *v = take(c, name, false);

        if (v && !json_is_boolean(v))
                complain(c, name);
        return json_is_true(v);
}

bool param_has(const struct varlink_call *c, const char *name)
{
        json_t *v = json_object_get(c->params, name);

        return v && !json_is_null(v);
}

int64_t param_int(struct varlink_call *c, const char *name, int64_t absent)
{
        json_t *v = take(c, name, false);

        if (v && !json_is_integer(v))
                complain(c, name);
        return json_is_integer(v) ? json_integer_value(v) : absent;
}

json_t *param_texts(struct varlink_call *c, const char *name, bool required)
{
        json_t *v = take(c, name, required);

        if (v && !json_is_array(v)) {
                complain(c, name);
                return NULL;
        }
        for (size_t i = 0; i < json_array_size(v); i++)
                if (!json_is_string(json_array_get(v, i))) {
                        complain(c, name);
                        return NULL;
                }
        return v;
}

bool params_done(struct varlink_call *c)
{
        const char *key;
        json_t *value;
        bool known;

        json_object_foreach(c->params, key, value) {
                known = false;
                for (size_t i = 0; i < c->taken_count && !known; i++)
                        known = strcmp(key, c->taken[i]) == 0;
                if (!known)
                        complain(c, key);
        }
        return !c->bad;
}

struct json varlink_reply_open(struct buf *out, const char *error)
{
        struct json j = json_start(out);

        json_open(&j, NULL, '{');
        if (error)
                json_str(&j, "error", error);
        json_open(&j, "parameters", '{');
        return j;
}

void varlink_reply_close(struct json *j, bool continues)
{
        json_close(j);
        if (continues)
                json_bool(j, "continues", true);
        json_close(j);
        buf_addc(j->out, '\0');
}
