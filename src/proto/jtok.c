/* jtok.c - see jtok.h. */
#include "proto/jtok.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/utf8.h"

struct parser {
        struct jdoc *d;
        char *p, *end;                 /* *end is NUL */
        uint32_t open[JTOK_DEPTH_MAX]; /* containers being read */
        unsigned depth;
};

static uint32_t token_add(struct jdoc *d, enum jtok_kind kind, size_t at)
{
        struct jtok *grown;

        if (d->count == d->cap) {
                uint32_t cap = d->cap ? d->cap * 2 : 256;

                grown = reallocarray(d->tokens, cap, sizeof *grown);
                if (!grown)
                        return JTOK_NONE;
                d->tokens = grown;
                d->cap = cap;
        }
        d->tokens[d->count] = (struct jtok) { .kind = kind, .at = (uint32_t) at, .next = d->count + 1 };
        return d->count++;
}

static void skip_space(struct parser *p)
{
        while (*p->p == ' ' || *p->p == '\n' || *p->p == '\t' || *p->p == '\r')
                p->p++;
}

static int hex4(const char *s)
{
        int v = 0;

        for (int i = 0; i < 4; i++) {
                char c = s[i];
                int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10
                          : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;

                if (digit < 0)
                        return -1;
                v = v * 16 + digit;
        }
        return v;
}

/* "\uXXXX", the pair of a surrogate included; *s is behind the 'u'. U+0000 and lone halves are refused: no text of
 * ours has them. Returns 0 on error. */
static uint32_t unicode(char **s)
{
        int u = hex4(*s), low;

        if (u <= 0 || (u >= 0xdc00 && u <= 0xdfff))
                return 0;
        *s += 4;
        if (u < 0xd800 || u > 0xdbff)
                return (uint32_t) u;
        if ((*s)[0] != '\\' || (*s)[1] != 'u')
                return 0;
        low = hex4(*s + 2);
        if (low < 0xdc00 || low > 0xdfff)
                return 0;
        *s += 6;
        return 0x10000U + ((uint32_t) (u - 0xd800) << 10) + (uint32_t) (low - 0xdc00);
}

static char unescaped(char c)
{
        switch (c) {
        case '"': case '\\': case '/': return c;
        case 'b': return '\b';
        case 'f': return '\f';
        case 'n': return '\n';
        case 'r': return '\r';
        case 't': return '\t';
        default: return '\0';
        }
}

/* A text, unescaped in place: that never makes it longer. */
static int parse_text(struct parser *p)
{
        uint32_t t = token_add(p->d, JTOK_TEXT, (size_t) (p->p + 1 - p->d->text)), u;
        char *in = p->p + 1, *out = in;

        if (t == JTOK_NONE)
                return -ENOMEM;
        while (*in != '"') {
                if ((unsigned char) *in < 0x20)
                        return -EBADMSG;
                if (*in != '\\') {
                        *out++ = *in++;
                        continue;
                }
                in++;
                if (*in == 'u') {
                        in++;
                        u = unicode(&in);
                        if (!u)
                                return -EBADMSG;
                        out += utf8_put(out, u);
                        continue;
                }
                *out = unescaped(*in++);
                if (!*out++)
                        return -EBADMSG;
        }
        *out = '\0';
        p->d->tokens[t].count = (uint32_t) (out - (p->p + 1));
        p->p = in + 1;
        return 0;
}

static char *digits(char *s)
{
        char *start = s;

        while (*s >= '0' && *s <= '9')
                s++;
        return s == start ? NULL : s;
}

static int parse_number(struct parser *p)
{
        uint32_t t = token_add(p->d, JTOK_NUMBER, (size_t) (p->p - p->d->text));
        char *s = p->p + (*p->p == '-');

        if (t == JTOK_NONE)
                return -ENOMEM;
        s = *s == '0' ? s + 1 : digits(s);
        if (s && *s == '.')
                s = digits(s + 1);
        if (s && (*s == 'e' || *s == 'E')) {
                s++;
                s = digits(s + (*s == '+' || *s == '-'));
        }
        if (!s)
                return -EBADMSG;
        p->d->tokens[t].count = (uint32_t) (s - p->p);
        p->p = s;
        return 0;
}

static int parse_word(struct parser *p, const char *word, enum jtok_kind kind)
{
        size_t n = strlen(word);

        if (strncmp(p->p, word, n) != 0)
                return -EBADMSG;
        if (token_add(p->d, kind, (size_t) (p->p - p->d->text)) == JTOK_NONE)
                return -ENOMEM;
        p->p += n;
        return 0;
}

static int open_container(struct parser *p)
{
        uint32_t t = token_add(p->d, *p->p == '{' ? JTOK_OBJECT : JTOK_ARRAY, (size_t) (p->p - p->d->text));

        if (t == JTOK_NONE)
                return -ENOMEM;
        if (p->depth == JTOK_DEPTH_MAX)
                return -EBADMSG;
        p->open[p->depth++] = t;
        p->p++;
        return 0;
}

static int parse_scalar(struct parser *p)
{
        switch (*p->p) {
        case '"': return parse_text(p);
        case 't': return parse_word(p, "true", JTOK_TRUE);
        case 'f': return parse_word(p, "false", JTOK_FALSE);
        case 'n': return parse_word(p, "null", JTOK_NULL);
        default: return parse_number(p);
        }
}

static int parse_key(struct parser *p)
{
        int r;

        if (*p->p != '"')
                return -EBADMSG;
        r = parse_text(p);
        if (r < 0)
                return r;
        skip_space(p);
        if (*p->p++ != ':')
                return -EBADMSG;
        skip_space(p);
        return 0;
}

/* After a value: close what ends here. Returns 1 when another value follows, 0 when all is read. */
static int after_value(struct parser *p)
{
        while (p->depth > 0) {
                struct jtok *top = &p->d->tokens[p->open[p->depth - 1]];

                skip_space(p);
                if (*p->p == ',') {
                        p->p++;
                        skip_space(p);
                        return 1;
                }
                if (*p->p != (top->kind == JTOK_OBJECT ? '}' : ']'))
                        return -EBADMSG;
                p->p++;
                top->next = p->d->count;
                p->depth--;
        }
        return 0;
}

/* One value, or the opening of one; 1 when a container was opened and is not empty: its first value follows. */
static int parse_value(struct parser *p)
{
        int r;
        char closer = *p->p == '{' ? '}' : ']';

        if (p->depth > 0) {
                struct jtok *parent = &p->d->tokens[p->open[p->depth - 1]];

                parent->count++;
                if (parent->kind == JTOK_OBJECT) {
                        r = parse_key(p);
                        if (r < 0)
                                return r;
                        closer = *p->p == '{' ? '}' : ']';
                }
        }
        if (*p->p != '{' && *p->p != '[')
                return parse_scalar(p);
        r = open_container(p);
        if (r < 0)
                return r;
        skip_space(p);
        if (*p->p != closer)
                return 1;
        p->depth--;
        p->p++;
        return 0;
}

int jtok_parse(struct jdoc *d, char *text, size_t len)
{
        struct parser p = { .d = d, .p = text, .end = text + len };
        int r = 1;

        d->text = text;
        d->count = 0;
        if (len >= UINT32_MAX / 2)
                return -EBADMSG;
        skip_space(&p);
        while (r == 1) {
                r = parse_value(&p);
                if (r == 0)
                        r = after_value(&p);
        }
        if (r < 0)
                return r;
        skip_space(&p);
        return p.p == p.end ? 0 : -EBADMSG;
}

void jtok_free(struct jdoc *d)
{
        free(d->tokens);
        *d = (struct jdoc) { 0 };
}

static const struct jtok *token(const struct jdoc *d, uint32_t t)
{
        static const struct jtok none = { .kind = JTOK_NULL };

        return t < d->count ? &d->tokens[t] : &none;
}

enum jtok_kind jtok_kind(const struct jdoc *d, uint32_t t)
{
        return (enum jtok_kind) token(d, t)->kind;
}

uint32_t jtok_size(const struct jdoc *d, uint32_t t)
{
        const struct jtok *k = token(d, t);

        return k->kind == JTOK_ARRAY || k->kind == JTOK_OBJECT ? k->count : 0;
}

uint32_t jtok_first(const struct jdoc *d, uint32_t t)
{
        return jtok_size(d, t) ? t + 1 : JTOK_NONE;
}

uint32_t jtok_after(const struct jdoc *d, uint32_t parent, uint32_t t)
{
        uint32_t value = jtok_kind(d, parent) == JTOK_OBJECT ? t + 1 : t;
        uint32_t next = token(d, value)->next;

        return next < token(d, parent)->next ? next : JTOK_NONE;
}

uint32_t jtok_get(const struct jdoc *d, uint32_t object, const char *key)
{
        size_t n = strlen(key);

        if (jtok_kind(d, object) != JTOK_OBJECT)
                return JTOK_NONE;
        for (uint32_t k = jtok_first(d, object); k != JTOK_NONE; k = jtok_after(d, object, k))
                if (d->tokens[k].count == n && memcmp(d->text + d->tokens[k].at, key, n) == 0)
                        return k + 1;
        return JTOK_NONE;
}

const char *jtok_text(const struct jdoc *d, uint32_t t)
{
        return jtok_kind(d, t) == JTOK_TEXT ? d->text + d->tokens[t].at : NULL;
}

int64_t jtok_int(const struct jdoc *d, uint32_t t, int64_t none)
{
        return jtok_kind(d, t) == JTOK_NUMBER ? strtoll(d->text + d->tokens[t].at, NULL, 10) : none;
}

double jtok_num(const struct jdoc *d, uint32_t t, double none)
{
        return jtok_kind(d, t) == JTOK_NUMBER ? strtod(d->text + d->tokens[t].at, NULL) : none;
}

bool jtok_true(const struct jdoc *d, uint32_t t)
{
        return jtok_kind(d, t) == JTOK_TRUE;
}

const char *jget_text(const struct jdoc *d, uint32_t object, const char *key)
{
        return jtok_text(d, jtok_get(d, object, key));
}

int64_t jget_int(const struct jdoc *d, uint32_t object, const char *key, int64_t none)
{
        return jtok_int(d, jtok_get(d, object, key), none);
}

bool jget_true(const struct jdoc *d, uint32_t object, const char *key)
{
        return jtok_true(d, jtok_get(d, object, key));
}

static void print_value(const struct jdoc *d, uint32_t t, struct json *j, const char *key)
{
        const struct jtok *k = token(d, t);
        bool object = k->kind == JTOK_OBJECT;
        char number[64];

        switch ((enum jtok_kind) k->kind) {
        case JTOK_NULL: json_nil(j, key); break;
        case JTOK_FALSE: case JTOK_TRUE: json_bool(j, key, k->kind == JTOK_TRUE); break;
        case JTOK_TEXT: json_strn(j, key, d->text + k->at, k->count); break;
        case JTOK_NUMBER:
                if (k->count < sizeof number) {
                        memcpy(number, d->text + k->at, k->count);
                        number[k->count] = '\0';
                        json_raw(j, key, number);
                } else {
                        json_nil(j, key);
                }
                break;
        case JTOK_ARRAY: case JTOK_OBJECT:
                json_open(j, key, object ? '{' : '[');
                for (uint32_t i = jtok_first(d, t); i != JTOK_NONE; i = jtok_after(d, t, i))
                        print_value(d, object ? i + 1 : i, j, object ? d->text + d->tokens[i].at : NULL);
                json_close(j);
                break;
        }
}

void jtok_print(const struct jdoc *d, uint32_t t, struct buf *out)
{
        struct json j = json_start(out);

        print_value(d, t, &j, NULL);
}
