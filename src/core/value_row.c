/* value_row.c - the numbers of a directive: parsed within the bounds of its row, refused with what would be accepted,
 * printed again. See value.h. */
#include <errno.h>
#include <string.h>

#include "core/reason.h"
#include "core/spec.h"
#include "core/value.h"

static int octal(const char *text, int64_t *ret)
{
        int64_t v = 0;

        if (!*text || strspn(text, "01234567") != strlen(text))
                return -EINVAL;
        if (strlen(text) > 8)
                return -ERANGE;
        for (; *text; text++)
                v = v * 8 + (*text - '0');
        *ret = v;
        return 0;
}

static int percent(const char *text, int64_t *ret)
{
        char number[32];
        size_t n = strlen(text);

        if (n < 2 || n > sizeof(number) || text[n - 1] != '%')
                return -EINVAL;
        memcpy(number, text, n - 1);
        number[n - 1] = '\0';
        return value_fraction(number, 2, ret);
}

int value_amount(const char *text, int64_t *ret)
{
        int64_t share;
        int r = percent(text, &share);

        if (r == -EINVAL)
                return value_size(text, ret);
        if (r < 0 || share > 10000)
                return -ERANGE;
        *ret = -share;
        return 0;
}

/* Zero is no weight: it stands for the word. */
static int weight(const char *text, int64_t *ret)
{
        int64_t v;

        if (strcmp(text, "idle") == 0) {
                *ret = 0;
                return 0;
        }
        if (value_decimal(text, &v) < 0 || v < 1)
                return -EINVAL;
        *ret = v;
        return 0;
}

/* A number with a sign or a blank before it, or leading zeros, is no signal, whatever signal_number() makes of it. */
static int signal_value(const char *text, int64_t *ret)
{
        bool digit = text[0] >= '0' && text[0] <= '9';
        int64_t number;
        int sig;

        if (digit && value_decimal(text, &number) < 0)
                return -EINVAL;
        if (!digit && (text[0] < 'A' || text[0] > 'Z'))
                return -EINVAL;
        sig = signal_number(text);
        if (sig < 1)
                return -EINVAL;
        *ret = sig;
        return 0;
}

/* Second names of values: systemd's words for ours. */
static const struct {
        const struct strtab *names;
        const char *text;
        int value;
} aliases[] = {
        { &restart_names, "always", RESTART_PERMANENT },
        { &restart_names, "on-failure", RESTART_TRANSIENT },
        { &restart_names, "no", RESTART_TEMPORARY },
        { &log_compress_names, "none", LOG_PLAIN },
};

const char *value_alias(enum directive d, size_t i)
{
        for (size_t k = 0; k < sizeof(aliases) / sizeof(aliases[0]); k++)
                if (aliases[k].names == directive_rows[d].names && i-- == 0)
                        return aliases[k].text;
        return NULL;
}

static int enumerated(const struct strtab *names, const char *text, int64_t *ret)
{
        int v = strtab_value(names, text);

        for (size_t i = 0; v < 0 && i < sizeof(aliases) / sizeof(aliases[0]); i++)
                if (aliases[i].names == names && strcmp(aliases[i].text, text) == 0)
                        v = aliases[i].value;
        if (v < 0 && strtab_value(names, "yes") >= 0 && value_bool(text, ret) == 0)
                v = strtab_value(names, *ret ? "yes" : "no"); /* a yes-or-no that has grown further words */
        if (v < 0)
                return -EINVAL;
        *ret = v;
        return 0;
}

/* Without regard to bounds. */
static int parse_plain(enum directive d, const char *text, int64_t *ret)
{
        const struct directive_row *row = &directive_rows[d];

        switch (row->type) {
        case VT_BOOL: return value_bool(text, ret);
        case VT_INT: return value_decimal(text, ret);
        case VT_DURATION: return value_span(text, NSEC_PER_SEC, ret);
        case VT_SIZE: return value_size(text, ret);
        case VT_PERCENT: return percent(text, ret);
        case VT_FACTOR: return value_fraction(text, 3, ret);
        case VT_MODE: return octal(text, ret);
        case VT_SIGNAL: return signal_value(text, ret);
        case VT_ENUM: return enumerated(row->names, text, ret);
        case VT_AMOUNT: return value_amount(text, ret);
        case VT_WEIGHT: return weight(text, ret);
        default: return -EINVAL;
        }
}

static bool zero_is_infinity(enum directive d)
{
        return strcmp(directive_rows[d].min, "0=infinity") == 0;
}

static bool below(enum directive d, int64_t v)
{
        const char *min = zero_is_infinity(d) ? "0" : directive_rows[d].min;
        int64_t bound;

        if (directive_rows[d].type == VT_AMOUNT && v < 0) /* a share */
                return false;
        return *min && parse_plain(d, min, &bound) == 0 && v < bound;
}

static bool above(enum directive d, int64_t v)
{
        int64_t bound;

        return *directive_rows[d].max && parse_plain(d, directive_rows[d].max, &bound) == 0 && v > bound;
}

void value_print_range(enum directive d, struct buf *out)
{
        const struct directive_row *row = &directive_rows[d];

        if (zero_is_infinity(d))
                buf_adds(out, "0 stands for infinity");
        else if (*row->min && *row->max)
                buf_addf(out, "%s to %s", row->min, row->max);
        else if (*row->min)
                buf_addf(out, "at least %s", row->min);
        else if (*row->max)
                buf_addf(out, "at most %s", row->max);
}

/* Every word of an enumeration with its second names. Returns how many words[] got. */
enum { WORDS_MAX = 64 };
static size_t every_word(enum directive d, const char *words[static WORDS_MAX])
{
        const struct strtab *names = directive_rows[d].names;
        const char *alias;
        size_t n = 0;

        for (int i = 0; i < names->count && n < WORDS_MAX; i++)
                if (names->text[i])
                        words[n++] = names->text[i];
        for (size_t i = 0; n < WORDS_MAX && (alias = value_alias(d, i)) != NULL; i++)
                words[n++] = alias;
        return n;
}

/* Words of systemd's that mean something we do not have. */
static const struct {
        enum directive d;
        const char *word, *hint;
} elsewhere[] = {
        { D_SERVICE_Type, "dbus",
          "there is no message bus here: write notify if the program can tell that it is ready, else exec" },
        { D_SERVICE_Type, "notify-reload", "write Type=notify and ExecReload=/bin/kill -HUP $MAINPID" },
};

static void hint_words(enum directive d, const char *text, struct buf *hint)
{
        const char *words[WORDS_MAX], *nearest;
        size_t n = every_word(d, words);

        for (size_t i = 0; i < sizeof(elsewhere) / sizeof(elsewhere[0]); i++)
                if (elsewhere[i].d == d && strcmp(elsewhere[i].word, text) == 0) {
                        buf_adds(hint, elsewhere[i].hint);
                        return;
                }
        nearest = strtab_nearest(words, n, text);
        if (nearest)
                buf_addf(hint, "did you mean %s? ", nearest);
        buf_adds(hint, "one of ");
        for (size_t i = 0; i < n; i++)
                buf_addf(hint, "%s%s", i > 0 ? ", " : "", words[i]);
}

static const char *type_noun(enum value_type t)
{
        switch (t) {
        case VT_BOOL: return "no truth value";
        case VT_INT: return "no number";
        case VT_DURATION: return "no time span";
        case VT_SIZE: return "no size";
        case VT_PERCENT: return "no percentage";
        case VT_FACTOR: return "no factor";
        case VT_MODE: return "no octal mode";
        case VT_SIGNAL: return "no signal";
        case VT_AMOUNT: return "no amount";
        case VT_WEIGHT: return "no weight";
        default: return "not one of the values";
        }
}

static const char *type_example(enum value_type t)
{
        switch (t) {
        case VT_BOOL: return "yes or no";
        case VT_INT: return "a decimal number";
        case VT_DURATION: return "a number with a unit, such as 500ms, 90s or 1min 30s, or infinity";
        case VT_SIZE: return "bytes, or a number with K, M, G or T, such as 512M, or infinity";
        case VT_PERCENT: return "a number with a percent sign, such as 10%";
        case VT_FACTOR: return "a number such as 2 or 1.5";
        case VT_MODE: return "octal digits, such as 0755";
        case VT_SIGNAL: return "a name such as SIGTERM, or a number";
        case VT_AMOUNT: return "a number, with K, M, G or T if you like, a share such as 25%, or infinity";
        case VT_WEIGHT: return "a number from 1 up, or idle";
        default: return "";
        }
}

/* Larger than can be counted: what bounds it from below is no help. */
static int refuse_overflow(enum directive d, const char *text, struct err *err)
{
        (void) err_set(err, STAGE_LOAD, ERANGE, "%s=%.60s: too large", directive_rows[d].key, text);
        err_hint(err, "write a smaller number%s", directive_rows[d].type == VT_DURATION ? ", or infinity" : "");
        return -ERANGE;
}

static int refuse(enum directive d, const char *text, int code, const char *what, struct err *err)
{
        const struct directive_row *row = &directive_rows[d];
        autobuf struct buf hint = BUF_INIT, range = BUF_INIT;
        bool says_more;

        (void) err_set(err, STAGE_LOAD, -code, "%s=%.60s: %s", row->key, text, what);
        value_print_range(d, &range);
        says_more = range.len > 0 && (strcmp(row->min, "0") != 0 || *row->max); /* "at least 0" goes without saying */
        if (row->type == VT_ENUM) {
                hint_words(d, text, &hint);
        } else if (code == -EINVAL) {
                buf_addf(&hint, "write %s%s%s", type_example(row->type), says_more ? "; " : "",
                         says_more ? buf_text(&range) : "");
        } else {
                buf_adds(&hint, range.len ? buf_text(&range) : "write a smaller number");
        }
        err_hint(err, "%s", buf_text(&hint));
        return code;
}

int value_parse(enum directive d, const char *text, int64_t *ret, struct err *err)
{
        int64_t v;
        int r = parse_plain(d, text, &v);

        if (r == -EINVAL)
                return refuse(d, text, -EINVAL, type_noun(directive_rows[d].type), err);
        if (r < 0 && !*directive_rows[d].max)
                return refuse_overflow(d, text, err);
        if (r < 0 || above(d, v))
                return refuse(d, text, -ERANGE, "too large", err);
        if (below(d, v))
                return refuse(d, text, -ERANGE, "too small", err);
        if (v == 0 && zero_is_infinity(d))
                v = NSEC_NEVER;
        *ret = v;
        return 0;
}

int64_t value_default(enum directive d)
{
        int64_t v;

        /* Most are asked for at every start, and to read the word in all its spellings takes ten times as long. */
        if (directive_rows[d].type == VT_BOOL && *directive_rows[d].def)
                return directive_rows[d].def[0] == 'y';
        if (!*directive_rows[d].def || parse_plain(d, directive_rows[d].def, &v) < 0)
                return SPEC_UNSET;
        return v;
}

static void print_fraction(int64_t v, int64_t scale, struct buf *out)
{
        int64_t rest = v % scale;

        buf_addf(out, "%lld", (long long) (v / scale));
        if (rest > 0)
                buf_addc(out, '.');
        for (; rest > 0; rest %= scale) {
                scale /= 10;
                buf_addc(out, (char) ('0' + rest / scale));
        }
}

void value_print(enum directive d, int64_t v, struct buf *out)
{
        const struct directive_row *row = &directive_rows[d];
        const char *name;

        if (v == SPEC_UNSET)
                return;
        switch (row->type) {
        case VT_BOOL:
                buf_adds(out, v ? "yes" : "no");
                break;
        case VT_DURATION:
                value_print_span(v, out);
                break;
        case VT_SIZE:
                value_print_size(v, out);
                break;
        case VT_AMOUNT:
                if (v >= 0) {
                        value_print_size(v, out);
                        break;
                }
                print_fraction(-v, 100, out);
                buf_addc(out, '%');
                break;
        case VT_WEIGHT:
                if (v == 0)
                        buf_adds(out, "idle");
                else
                        buf_addf(out, "%lld", (long long) v);
                break;
        case VT_PERCENT:
                print_fraction(v, 100, out);
                buf_addc(out, '%');
                break;
        case VT_FACTOR:
                print_fraction(v, 1000, out);
                break;
        case VT_MODE:
                buf_addf(out, "%04llo", (unsigned long long) v);
                break;
        case VT_SIGNAL:
                name = signal_name((int) v);
                if (name)
                        buf_addf(out, "SIG%s", name);
                else
                        buf_addf(out, "%lld", (long long) v);
                break;
        case VT_ENUM:
                buf_adds(out, strtab_text(row->names, (int) v));
                break;
        default:
                buf_addf(out, "%lld", (long long) v);
                break;
        }
}
