/* channel_end.c - see channel_end.h. */
#include "core/channel_end.h"

#include <stdio.h>
#include <string.h>

#include "core/value.h"

static const char *const standard[] = { "stdin", "stdout", "stderr" };

static bool parse_name(const char *text, struct channel_end *ret)
{
        static const char safe[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-";
        size_t n = strlen(text);

        if (n == 0 || n >= sizeof ret->name || strspn(text, safe) != n)
                return false;
        memcpy(ret->name, text, n + 1);
        ret->fd = -1;
        return true;
}

static bool parse_descriptor(const char *text, struct channel_end *ret)
{
        int64_t number;

        for (int i = 0; i < 3; i++)
                if (strcmp(text, standard[i]) == 0) {
                        ret->fd = i;
                        return true;
                }
        if (strncmp(text, "fd:", 3) == 0)
                return parse_name(text + 3, ret);
        if (value_decimal(text, &number) < 0 || number < 0 || number > CHANNEL_FD_MAX)
                return false;
        ret->fd = (int) number;
        return true;
}

/* Instances and prefixes may hold colons, but the suffix ends a unit's name. */
bool channel_end_parse(const char *text, bool writes, struct channel_end *ret)
{
        static const char suffix[] = ".service:";
        const char *colon = strstr(text, suffix);
        size_t n = colon ? (size_t) (colon - text) + sizeof suffix - 2 : strlen(text);
        struct channel_end end = { .fd = writes ? 1 : 0, .said = colon != NULL };

        if (n >= sizeof end.unit)
                return false;
        memcpy(end.unit, text, n);
        if (colon && !parse_descriptor(text + n + 1, &end))
                return false;
        *ret = end;
        return true;
}

struct channel_end channel_end_of(const struct spec *s, enum directive d, size_t i)
{
        struct channel_end end = { .fd = d == D_CHANNEL_From };

        (void) channel_end_parse(spec_item(s, d, i), d == D_CHANNEL_From, &end);
        return end;
}

char *channel_end_print(const struct channel_end *end, char *buf, size_t n)
{
        if (end->fd < 0)
                (void) snprintf(buf, n, "fd:%s", end->name);
        else if (end->fd < 3)
                (void) snprintf(buf, n, "%s", standard[end->fd]);
        else
                (void) snprintf(buf, n, "%d", end->fd);
        return buf;
}

bool channel_end_same(const struct channel_end *a, const struct channel_end *b)
{
        return strcmp(a->unit, b->unit) == 0 && a->fd == b->fd && strcmp(a->name, b->name) == 0;
}
