/* unit_name.c - names of units: see unit_text.h. */
#include "core/unit_text.h"

#include <errno.h>
#include <string.h>

static const char safe[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-";

static int refuse(struct err *err, const char *name, const char *what, const char *hint)
{
        (void) err_set(err, STAGE_LOAD, EINVAL, "unit name \"%.80s\": %s", name, what);
        err_hint(err, "%s", hint);
        return -EINVAL;
}

static int hex_digit(char c)
{
        static const char digits[] = "0123456789abcdef";
        const char *at = c ? strchr(digits, c >= 'A' && c <= 'F' ? c | 32 : c) : NULL;

        return at ? (int) (at - digits) : -1;
}

int unit_name_escape(const char *text, size_t n)
{
        int high, low;

        if (n < 4 || text[0] != '\\' || text[1] != 'x')
                return -1;
        high = hex_digit(text[2]);
        low = hex_digit(text[3]);
        return high < 0 || low < 0 ? -1 : high * 16 + low;
}

/* Is text[0..n) of the safe characters, one of `more`, or escapes, and does it begin well? */
static bool well_formed(const char *text, size_t n, const char *more)
{
        if (n == 0 || text[0] == '.' || text[0] == '-')
                return false;
        for (size_t i = 0; i < n; i++)
                if (!strchr(safe, text[i]) && !strchr(more, text[i]) && unit_name_escape(text + i, n - i) <= 0)
                        return false;
        return true;
}

static int find_suffix(const char *name, size_t *ret_stem, enum node_kind *ret_kind)
{
        const char *dot = strrchr(name, '.');
        int kind = dot ? strtab_value(&node_kind_names, dot + 1) : -1;

        if (kind < 0)
                return -EINVAL;
        *ret_stem = (size_t) (dot - name);
        *ret_kind = (enum node_kind) kind;
        return 0;
}

int unit_name_parse(const char *name, struct unit_name *ret, struct err *err)
{
        struct unit_name n = { 0 };
        const char *at;
        size_t stem = 0, prefix, instance;

        if (find_suffix(name, &stem, &n.kind) < 0)
                return refuse(err, name, "has no suffix that Coppice knows",
                              "write name.service, name.supervisor or name.channel");
        at = memchr(name, '@', stem);
        prefix = at ? (size_t) (at - name) : stem;
        if (prefix >= sizeof(n.prefix) - 1 || !well_formed(name, prefix, ":"))
                return refuse(err, name, "is not well formed",
                              "1 to 128 of A-Z a-z 0-9 _ . : - and escapes as \\x2d, no dot or dash first");
        if (at) {
                instance = stem - prefix - 1;
                if (instance >= sizeof(n.instance) - 1 || (instance > 0 && !well_formed(at + 1, instance, "")))
                        return refuse(err, name, "has an instance that is not well formed",
                                      "1 to 64 of A-Z a-z 0-9 _ . - and escapes as \\x2d, no dot or dash first");
                memcpy(n.instance, at + 1, instance);
                n.is_template = instance == 0;
        }
        memcpy(n.prefix, name, prefix);
        memcpy(n.stem, name, stem);
        *ret = n;
        return 0;
}
