/* filter.c - see filter.h. Semantics of the settings: systemd.exec(5). */
#include "core/filter.h"

#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/socket.h>

/* All settings that a filter is made of: any of them set, and there is one. */
static const enum directive sources[] = {
        D_SERVICE_SystemCallFilter, D_SERVICE_SystemCallErrorNumber, D_SERVICE_SystemCallFilterMode,
        D_SERVICE_SystemCallArchitectures, D_SERVICE_SystemCallLog, D_SERVICE_RestrictAddressFamilies,
        D_SERVICE_RestrictNamespaces, D_SERVICE_RestrictRealtime, D_SERVICE_RestrictSUIDSGID,
        D_SERVICE_MemoryDenyWriteExecute, D_SERVICE_LockPersonality, D_SERVICE_DynamicUser,
#define DENIES(key, calls) D_SERVICE_##key,
#include "core/filter_denies.def"
#undef DENIES
};

static const struct { enum directive d; const char *calls; } denies[] = {
#define DENIES(key, calls) { D_SERVICE_##key, calls },
#include "core/filter_denies.def"
#undef DENIES
};

/* --- lists of calls ----------------------------------------------------------------------------------------------- */

struct setting {
        struct filter *f;
        int16_t value;
};

static void set_one(void *arg, size_t index)
{
        struct setting *s = arg;

        s->f->call[index] = s->value;
}

static void set_if_allowed(void *arg, size_t index)
{
        struct setting *s = arg;

        if (s->f->call[index] == FILTER_ALLOW)
                s->f->call[index] = s->value;
}

/* "name:errno" -> name; returns the errno or FILTER_KILL, `none` when nothing is said. */
static int split(const char *item, char name[64], int none)
{
        const char *colon = strchr(item, ':');
        size_t n = colon ? (size_t) (colon - item) : strlen(item);

        n = n < 63 ? n : 63;
        memcpy(name, item, n);
        name[n] = '\0';
        return colon ? filter_errno(colon + 1) : none;
}

/* Without these no program could be started, or end. */
static const char vital[] = "execve exit exit_group rt_sigreturn sigreturn";

static void set_words(const char *words, void (*fn)(void *, size_t), struct setting *to)
{
        char word[64];

        while (*words) {
                size_t n = strcspn(words, " ");

                if (n > 0 && n < sizeof(word)) {
                        memcpy(word, words, n);
                        word[n] = '\0';
                        (void) syscall_each(word, fn, to);
                }
                words += n + (words[n] == ' ');
        }
}

static bool allow_list(const struct spec *s)
{
        return spec_count(s, D_SERVICE_SystemCallFilter) > 0 && spec_item(s, D_SERVICE_SystemCallFilter, 0)[0] != '~';
}

/* An allow-list begins with every call forbidden but @default, a deny-list with every call allowed; then each item
 * does what its line says. An errno always forbids: an item of an allow-list that has one is answered with it. */
static void apply_list(const struct spec *s, struct filter *f)
{
        bool allow = allow_list(s);
        int16_t deny = (int16_t) filter_errno(spec_str(s, D_SERVICE_SystemCallErrorNumber));
        struct setting to = { .f = f, .value = FILTER_ALLOW };

        for (size_t i = 0; i < SYSCALLS_MAX; i++)
                f->call[i] = allow ? deny : FILTER_ALLOW;
        f->unknown = allow ? ENOSYS : FILTER_ALLOW;
        if (allow)
                (void) syscall_each("@default", set_one, &to);
        for (size_t i = 0; i < spec_count(s, D_SERVICE_SystemCallFilter); i++) {
                const char *item = spec_item(s, D_SERVICE_SystemCallFilter, i);
                bool out = item[0] == '~';
                char name[64];

                to.value = (int16_t) split(item + out, name, out ? deny : FILTER_ALLOW);
                if (!allow && !out)
                        to.value = FILTER_ALLOW; /* taken out of a deny-list: an errno has no meaning */
                (void) syscall_each(name, set_one, &to);
        }
        to.value = FILTER_ALLOW;
        set_words(vital, set_one, &to);
}

/* What is not allowed outright is noted, so that @default and its kin do not slow everything down. */
static void apply_learn(struct filter *f)
{
        struct setting to = { .f = f, .value = FILTER_ALLOW };

        for (size_t i = 0; i < SYSCALLS_MAX; i++)
                f->call[i] = FILTER_LEARN;
        f->unknown = FILTER_LEARN;
        (void) syscall_each("@default", set_one, &to);
        set_words(vital, set_one, &to);
}

static void apply_log(const struct spec *s, struct filter *f)
{
        size_t n = spec_count(s, D_SERVICE_SystemCallLog);
        bool listed[SYSCALLS_MAX] = { false }, others = n > 0 && spec_item(s, D_SERVICE_SystemCallLog, 0)[0] == '~';
        struct filter chosen;
        struct setting to = { .f = &chosen };

        if (n == 0)
                return;
        for (size_t i = 0; i < SYSCALLS_MAX; i++)
                chosen.call[i] = others;
        for (size_t i = 0; i < n; i++) {
                const char *item = spec_item(s, D_SERVICE_SystemCallLog, i);
                char name[64];

                to.value = item[0] != '~';
                (void) split(item + (item[0] == '~'), name, 0);
                (void) syscall_each(name, set_one, &to);
        }
        for (size_t i = 0; i < SYSCALLS_MAX; i++) {
                listed[i] = chosen.call[i];
                if (listed[i] && f->call[i] == FILTER_ALLOW)
                        f->call[i] = FILTER_LOG;
        }
}

/* --- the settings that look at arguments -------------------------------------------------------------------------- */

/* Nobody who lists names has the numbers of other kinds in mind, and a filter for three kinds costs each start twice as
 * much. systemd's own files mean what systemd makes of them; learning forbids nothing. */
static bool means_native(const struct spec *s, bool learn)
{
        return spec_count(s, D_SERVICE_SystemCallArchitectures) == 0 && !learn && !spec_foreign(s) &&
               spec_count(s, D_SERVICE_SystemCallFilter) > 0;
}

static void apply_archs(const struct spec *s, bool learn, struct filter *f)
{
        size_t n = spec_count(s, D_SERVICE_SystemCallArchitectures);

        f->archs_implied = means_native(s, learn);
        f->archs = f->archs_implied ? 1U << FILTER_ARCH_NATIVE : 0;
        f->archs_said = n > 0 || f->archs_implied;
        for (size_t i = 0; i < n; i++) {
                int arch = strtab_value(&filter_arch_names, spec_item(s, D_SERVICE_SystemCallArchitectures, i));

                if (arch >= 0)
                        f->archs |= 1U << arch;
        }
}

static void apply_families(const struct spec *s, struct filter *f)
{
        size_t n = spec_count(s, D_SERVICE_RestrictAddressFamilies);

        f->families_said = n > 0;
        f->families_others = n > 0 && spec_item(s, D_SERVICE_RestrictAddressFamilies, 0)[0] == '~';
        f->families = f->families_others ? UINT64_MAX : 0;
        for (size_t i = 0; i < n; i++) {
                const char *item = spec_item(s, D_SERVICE_RestrictAddressFamilies, i);
                int family = filter_family(item + (item[0] == '~'));

                if (family < 0 || family > 63)
                        continue;
                if (item[0] == '~')
                        f->families &= ~(UINT64_C(1) << family);
                else
                        f->families |= UINT64_C(1) << family;
        }
}

static void apply_namespaces(const struct spec *s, struct filter *f)
{
        uint64_t all = filter_namespace("all"), allowed = all;
        bool said = false;

        for (size_t i = 0; i < spec_count(s, D_SERVICE_RestrictNamespaces); i++) {
                const char *item = spec_item(s, D_SERVICE_RestrictNamespaces, i);

                if (strcmp(item, "yes") == 0 || strcmp(item, "no") == 0)
                        allowed = *item == 'y' ? 0 : all;
                else if (item[0] == '~')
                        allowed &= ~filter_namespace(item + 1);
                else
                        allowed = (said ? allowed : 0) | filter_namespace(item);
                said = strcmp(item, "no") != 0;
        }
        f->namespaces = all & ~allowed;
}

static bool any_effect(const struct spec *s, const struct filter *f)
{
        bool denied = false;

        for (size_t i = 0; i < sizeof(denies) / sizeof(denies[0]); i++)
                denied |= spec_int(s, denies[i].d) > 0;
        return denied || spec_count(s, D_SERVICE_SystemCallFilter) || f->unknown != FILTER_ALLOW || f->archs_said ||
               spec_count(s, D_SERVICE_SystemCallLog) || f->families_said || f->namespaces || f->realtime ||
               f->suid_sgid || f->write_execute || f->personality;
}

/* Does any call by name end the process, or teach? */
static bool is_told(const struct filter *f)
{
        if (f->unknown < FILTER_ALLOW)
                return true;
        for (size_t i = 0; i < syscall_count(); i++)
                if (f->call[i] == FILTER_KILL || f->call[i] == FILTER_LEARN)
                        return true;
        return false;
}

static bool make(const struct spec *s, bool learn, struct filter *ret)
{
        struct setting to = { .f = ret, .value = EPERM };

        *ret = (struct filter) { .realtime = spec_int(s, D_SERVICE_RestrictRealtime) > 0,
                                 /* a number that somebody else may have one day must own no such file */
                                 .suid_sgid = spec_int(s, D_SERVICE_RestrictSUIDSGID) > 0 ||
                                              spec_int(s, D_SERVICE_DynamicUser) > 0,
                                 .write_execute = spec_int(s, D_SERVICE_MemoryDenyWriteExecute) > 0,
                                 .personality = spec_int(s, D_SERVICE_LockPersonality) > 0 };
        apply_list(s, ret);
        if (learn)
                apply_learn(ret);
        for (size_t i = 0; i < sizeof(denies) / sizeof(denies[0]); i++)
                if (spec_int(s, denies[i].d) > 0)
                        set_words(denies[i].calls, set_if_allowed, &to);
        apply_log(s, ret);
        apply_archs(s, learn, ret);
        apply_families(s, ret);
        apply_namespaces(s, ret);
        ret->stranger = filter_errno(spec_str(s, D_SERVICE_SystemCallErrorNumber)) < 0 || is_told(ret)
                        ? FILTER_KILL : FILTER_END;
        return any_effect(s, ret);
}

bool filter_of(const struct spec *s, struct filter *ret)
{
        return make(s, spec_int(s, D_SERVICE_SystemCallFilterMode) == FILTER_MODE_LEARN, ret);
}

bool filter_enforced(const struct spec *s, struct filter *ret)
{
        return make(s, false, ret);
}

bool filter_tells(const struct filter *f)
{
        return is_told(f) || (f->archs_said && f->stranger == FILTER_KILL);
}

/* --- in words ----------------------------------------------------------------------------------------------------- */

static bool counts(const struct spec *s, enum directive d)
{
        return spec_has(s, d) && (directive_is_list(d) || directive_is_text(d) || spec_int(s, d) > 0);
}

bool filter_source(const struct spec *s, size_t *at, enum directive *ret)
{
        while (*at < sizeof(sources) / sizeof(sources[0])) {
                enum directive d = sources[(*at)++];

                if (counts(s, d)) {
                        *ret = d;
                        return true;
                }
        }
        return false;
}

bool filter_is_all_of(enum directive d)
{
        for (size_t i = 0; i < sizeof(denies) / sizeof(denies[0]); i++)
                if (denies[i].d == d)
                        return false;
        return d != D_SERVICE_DynamicUser;
}

void filter_key(const struct spec *s, struct buf *out)
{
        const size_t begin = out->len;
        enum directive d;

        for (size_t at = 0; filter_source(s, &at, &d);) {
                buf_addf(out, "%s=", directive_rows[d].key);
                spec_print(s, d, out);
                buf_addc(out, '\n');
        }
        if (out->len > begin && spec_foreign(s))
                buf_adds(out, "foreign\n");
}

struct origin filter_origin(const struct spec *s)
{
        enum directive d;
        size_t at = 0;

        return filter_source(s, &at, &d) ? spec_origin(s, d) : (struct origin) { "", 0 };
}

static void words_list(const struct spec *s, struct buf *out)
{
        const char *denied = spec_str(s, D_SERVICE_SystemCallErrorNumber);
        bool allow = allow_list(s), turned = !allow;

        buf_adds(out, allow ? "allow" : "forbid");
        for (size_t i = 0; i < spec_count(s, D_SERVICE_SystemCallFilter); i++) {
                const char *item = spec_item(s, D_SERVICE_SystemCallFilter, i);

                if ((item[0] == '~') != turned)
                        buf_adds(out, (turned = item[0] == '~') ? ", but not" : allow ? ", and" : ", but allow");
                buf_addf(out, " %s", item + (item[0] == '~'));
        }
        if (strcmp(denied, "kill") == 0)
                buf_adds(out, "; a forbidden call ends the process");
        else
                buf_addf(out, "; a forbidden call gets %s", denied);
}

/* At each start: nothing here looks a call up. */
void filter_words(const struct spec *s, struct buf *out)
{
        bool learn = spec_int(s, D_SERVICE_SystemCallFilterMode) == FILTER_MODE_LEARN;
        size_t begin = out->len;

        if (learn)
                buf_adds(out, "note every call, forbid none");
        else if (spec_count(s, D_SERVICE_SystemCallFilter))
                words_list(s, out);
        if (means_native(s, learn))
                buf_adds(out, "; SystemCallArchitectures=native");
        for (size_t i = 3; i < sizeof(sources) / sizeof(sources[0]); i++) {
                if (!counts(s, sources[i]))
                        continue;
                buf_addf(out, "%s%s", out->len > begin ? "; " : "", directive_rows[sources[i]].key);
                if (directive_is_list(sources[i])) {
                        autobuf struct buf value = BUF_INIT;

                        spec_print(s, sources[i], &value);
                        for (char *p = value.data; p && *p; p++)
                                *p = *p == '\n' ? ' ' : *p;
                        buf_addf(out, "=%s", buf_text(&value));
                }
        }
}
