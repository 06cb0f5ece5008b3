/* value_tmpfs.c - PATH[:OPTION,OPTION...] of TemporaryFileSystem=. See value.h. The kernel would only say that one of
 * them is wrong, and only at the start. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/plan.h"
#include "base/strtab.h"
#include "core/value.h"

/* tmpfs(5), mount(8). */
enum form { NOTHING, SIZE, PART, MODE, ID, HUGE, WORD, MAYBE };
static const struct {
        const char *name;
        enum form form;
} options[] = {
        { "size", PART }, { "nr_blocks", SIZE },
        { "nr_inodes", SIZE }, { "mode", MODE }, { "uid", ID }, { "gid", ID }, { "huge", HUGE }, { "mpol", WORD },
        { "noswap", NOTHING }, { "inode32", NOTHING }, { "inode64", NOTHING }, { "casefold", MAYBE },
        { "strict_encoding", NOTHING }, { "quota", NOTHING }, { "usrquota", NOTHING }, { "grpquota", NOTHING },
        { "usrquota_block_hardlimit", SIZE }, { "usrquota_inode_hardlimit", SIZE },
        { "grpquota_block_hardlimit", SIZE }, { "grpquota_inode_hardlimit", SIZE },
};

/* Those of any mount. */
static const struct { const char *on, *off; int64_t bit; } attributes[] = {
        { "nosuid", "suid", PLAN_ATTR_NOSUID }, { "nodev", "dev", PLAN_ATTR_NODEV },
        { "noexec", "exec", PLAN_ATTR_NOEXEC }, { "ro", "rw", PLAN_ATTR_RDONLY },
        { "noatime", "atime", PLAN_TMPFS_NOATIME }, { "nodiratime", "diratime", PLAN_TMPFS_NODIRATIME },
        { "relatime", "norelatime", PLAN_TMPFS_RELATIME },
        { "strictatime", "nostrictatime", PLAN_TMPFS_STRICTATIME },
        { "nosymfollow", "symfollow", PLAN_TMPFS_NOSYMFOLLOW },
};

static const char *const form_hints[] = {
        [NOTHING] = "nothing stands behind it", [SIZE] = "write a number, with k, m or g behind it for more",
        [PART] = "write a number, with k, m or g behind it for more, or % for a part of the memory",
        [MODE] = "write a mode, such as mode=1777", [ID] = "write a number",
        [MAYBE] = "write it alone, or with =utf8-VERSION", [WORD] = "tmpfs(5) tells what may stand there",
        [HUGE] = "write never, always, within_size or advise",
};

static bool among(const char *text, const char *const *words, size_t n)
{
        for (size_t i = 0; i < n; i++)
                if (strcmp(text, words[i]) == 0)
                        return true;
        return false;
}

static bool is_number(const char *text, const char *digits, size_t most, const char *units)
{
        size_t n = strspn(text, digits);

        return n > 0 && n <= most && (!text[n] || (!text[n + 1] && strchr(units, text[n])));
}

/* The number of a user or group; the last one stands for nobody at all. */
static bool is_id(const char *text)
{
        return is_number(text, "0123456789", 10, "") && strtoull(text, NULL, 10) < UINT32_MAX;
}

/* value: NULL when there is no "=". */
static bool has_form(enum form form, const char *value)
{
        static const char *const huge[] = { "never", "always", "within_size", "advise" };

        if (!value || form == NOTHING)
                return !value && (form == NOTHING || form == MAYBE);
        switch (form) {
        case SIZE: return is_number(value, "0123456789", 15, "kKmMgGtT");
        case PART: return is_number(value, "0123456789", 15, "kKmMgGtT%");
        case MODE: return is_number(value, "01234567", 5, "");
        case ID: return is_id(value);
        case HUGE: return among(value, huge, ARRAY_LEN(huge));
        default: return *value;
        }
}

static int refuse_option(enum directive d, const char *item, const char *name, struct err *err)
{
        const char *names[ARRAY_LEN(options) + 2 * ARRAY_LEN(attributes)], *near;
        size_t n = 0;
        char what[80], hint[80] = "tmpfs(5) lists them: size=1M, mode=1777, ro, noexec";

        for (size_t i = 0; i < ARRAY_LEN(options); i++)
                names[n++] = options[i].name;
        for (size_t i = 0; i < ARRAY_LEN(attributes); i++) {
                names[n++] = attributes[i].on;
                names[n++] = attributes[i].off;
        }
        near = strtab_nearest(names, n, name);
        (void) snprintf(what, sizeof(what), "\"%.40s\" is no option of tmpfs", name);
        if (near)
                (void) snprintf(hint, sizeof(hint), "did you mean \"%s\"?", near);
        return value_refuse(d, item, err, what, hint);
}

/* `option` is taken apart. */
static int check_option(enum directive d, const char *item, char *option, struct err *err)
{
        char *value = strchr(option, '='), what[80];
        enum form form = NOTHING;
        size_t i = 0;

        if (value)
                *value++ = '\0';
        while (i < ARRAY_LEN(options) && strcmp(options[i].name, option) != 0)
                i++;
        if (i < ARRAY_LEN(options))
                form = options[i].form;
        else if (!value_tmpfs_attribute(option, strlen(option), &(int64_t) { 0 }))
                return refuse_option(d, item, option, err);
        if (has_form(form, value))
                return 0;
        (void) snprintf(what, sizeof(what), value ? "%s=%.40s cannot be" : "%s needs a value", option, value);
        return value_refuse(d, item, err, what, form_hints[form]);
}

int value_tmpfs_options(enum directive d, const char *item, const char *list, struct err *err)
{
        autofree char *copy = strdup(list);
        char *rest = copy, *option = copy;

        if (!copy)
                return err_set(err, STAGE_LOAD, ENOMEM, "no memory");
        while (rest) {
                rest = strchr(rest, ',');
                if (rest && rest[1] >= '0' && rest[1] <= '9') { /* kernel: mpol=bind:0,2 is one option */
                        rest++;
                        continue;
                }
                if (rest)
                        *rest++ = '\0';
                if (*option && check_option(d, item, option, err) < 0)
                        return -EINVAL;
                option = rest;
        }
        return 0;
}

bool value_tmpfs_attribute(const char *word, size_t n, int64_t *set)
{
        for (size_t i = 0; i < ARRAY_LEN(attributes); i++) {
                if (strlen(attributes[i].on) == n && memcmp(attributes[i].on, word, n) == 0)
                        *set |= attributes[i].bit;
                else if (strlen(attributes[i].off) == n && memcmp(attributes[i].off, word, n) == 0)
                        *set &= ~attributes[i].bit;
                else
                        continue;
                return true;
        }
        return false;
}
