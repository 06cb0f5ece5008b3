/* pack.c - see pack.h. */
#include "base/pack.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- numbers and texts ------------------------------------------------------------------------------------------ */

void pack_u(struct buf *out, uint64_t v)
{
        unsigned char bytes[10];
        size_t n = 0;

        for (; v >= 0x80; v >>= 7)
                bytes[n++] = (unsigned char) (v | 0x80);
        bytes[n++] = (unsigned char) v;
        buf_add(out, bytes, n);
}

static uint64_t zigzag(int64_t v)
{
        return (uint64_t) v << 1 ^ (v < 0 ? UINT64_MAX : 0);
}

static int64_t unzigzag(uint64_t v)
{
        return (int64_t) (v >> 1) ^ -(int64_t) (v & 1);
}

void pack_s(struct buf *out, int64_t v)
{
        pack_u(out, zigzag(v));
}

void pack_bytes(struct buf *out, const void *bytes, size_t n)
{
        pack_u(out, n);
        if (n > 0)
                buf_add(out, bytes, n);
}

void pack_text(struct buf *out, const char *text)
{
        pack_bytes(out, text, text ? strlen(text) : 0);
}

struct unpack unpack_begin(const void *bytes, size_t n)
{
        const unsigned char *at = bytes;

        return (struct unpack) { .at = at, .end = at ? at + n : at };
}

uint64_t unpack_u(struct unpack *u)
{
        uint64_t v = 0;

        for (unsigned shift = 0; u->at < u->end && shift < 64; shift += 7) {
                unsigned char c = *u->at++;

                if (shift == 63 && c > 1)
                        break;
                v |= (uint64_t) (c & 0x7f) << shift;
                if (c < 0x80)
                        return u->bad ? 0 : v;
        }
        u->bad = true;
        return 0;
}

uint64_t unpack_max(struct unpack *u, uint64_t max)
{
        uint64_t v = unpack_u(u);

        if (v <= max)
                return v;
        u->bad = true;
        return 0;
}

int64_t unpack_s(struct unpack *u)
{
        return unzigzag(unpack_u(u));
}

const void *unpack_bytes(struct unpack *u, size_t *ret_n)
{
        size_t n = unpack_max(u, (size_t) (u->end - u->at));
        const void *bytes = u->at;

        if (!u->bad && n > (size_t) (u->end - u->at))
                u->bad = true;
        *ret_n = u->bad ? 0 : n;
        if (u->bad)
                return NULL;
        u->at += n;
        return bytes;
}

const char *unpack_text(struct unpack *u, char *buf, size_t n)
{
        size_t len;
        const void *bytes = unpack_bytes(u, &len);

        if (len >= n || (len > 0 && memchr(bytes, 0, len)))
                u->bad = true;
        if (u->bad)
                len = 0;
        if (len > 0)
                memcpy(buf, bytes, len);
        buf[len] = '\0';
        return buf;
}

char *unpack_dup(struct unpack *u)
{
        size_t len;
        const void *bytes = unpack_bytes(u, &len);
        char *copy = u->bad ? NULL : malloc(len + 1);

        if (!copy)
                return NULL;
        if (len > 0)
                memcpy(copy, bytes, len);
        copy[len] = '\0';
        return copy;
}

/* --- fields ----------------------------------------------------------------------------------------------------- */

static uint64_t load(const struct pack_field *f, const void *object)
{
        const char *at = (const char *) object + f->offset;

        switch (f->size) {
        case 1: return *(const uint8_t *) at;
        case 2: return *(const uint16_t *) (const void *) at;
        case 4: return *(const uint32_t *) (const void *) at;
        default: return *(const uint64_t *) (const void *) at;
        }
}

static void store(const struct pack_field *f, void *object, uint64_t v)
{
        char *at = (char *) object + f->offset;

        switch (f->size) {
        case 1: *(uint8_t *) at = (uint8_t) v; break;
        case 2: *(uint16_t *) (void *) at = (uint16_t) v; break;
        case 4: *(uint32_t *) (void *) at = (uint32_t) v; break;
        default: *(uint64_t *) (void *) at = v; break;
        }
}

static int64_t extend(uint64_t v, unsigned size)
{
        switch (size) {
        case 1: return (int8_t) v;
        case 2: return (int16_t) v;
        case 4: return (int32_t) v;
        default: return (int64_t) v;
        }
}

static uint64_t encode(const struct pack_field *f, uint64_t raw)
{
        switch (f->kind) {
        case PACK_INT: return zigzag(extend(raw, f->size));
        case PACK_ID: return (uint32_t) (raw + 1);
        case PACK_TIME: return raw == INT64_MAX ? 0 : zigzag((int64_t) raw) + 1;
        default: return raw;
        }
}

/* False: it does not fit into the field. */
static bool decode(const struct pack_field *f, uint64_t v, uint64_t *ret)
{
        switch (f->kind) {
        case PACK_INT:
                *ret = (uint64_t) unzigzag(v);
                return extend(*ret, f->size) == (int64_t) *ret;
        case PACK_ID:
                *ret = (uint32_t) (v - 1);
                return v <= UINT32_MAX;
        case PACK_TIME:
                *ret = v == 0 ? INT64_MAX : (uint64_t) unzigzag(v - 1);
                return true;
        default:
                *ret = v;
                return f->boolean ? v <= 1 : f->size == 8 || v >> (8 * f->size) == 0;
        }
}

void pack_struct(struct buf *out, const struct pack_struct *s, const void *object)
{
        unsigned char *at = buf_reserve(out, s->count * 10);
        size_t n = 0;

        for (size_t i = 0; at && i < s->count; i++) {
                uint64_t v = encode(&s->fields[i], load(&s->fields[i], object));

                for (; v >= 0x80; v >>= 7)
                        at[n++] = (unsigned char) (v | 0x80);
                at[n++] = (unsigned char) v;
        }
        out->len += n;
}

/* --- the schema -------------------------------------------------------------------------------------------------- */

static void put_names(struct buf *out, const struct pack_names *n)
{
        pack_text(out, n->title);
        pack_u(out, (uint64_t) n->count);
        for (int v = 0; v < n->count; v++)
                pack_text(out, n->name(v));
}

void pack_schema(struct buf *out, const struct pack_schema *s)
{
        pack_u(out, s->name_count);
        for (size_t i = 0; i < s->name_count; i++)
                put_names(out, s->names[i]);
        pack_u(out, s->struct_count);
        for (size_t i = 0; i < s->struct_count; i++) {
                pack_text(out, s->structs[i]->name);
                pack_u(out, s->structs[i]->count);
                for (size_t f = 0; f < s->structs[i]->count; f++) {
                        pack_text(out, s->structs[i]->fields[f].name);
                        pack_u(out, s->structs[i]->fields[f].kind);
                }
        }
}

struct name_map {
        int *ours;                   /* owned; by the number that was written; -1 = unknown here */
        char (*texts)[64];           /* owned; for the message */
        size_t count;
};

struct field_map {
        const struct pack_field **fields; /* owned; in the order written; NULL = unknown here */
        size_t count;
};

struct pack_map {
        const struct pack_schema *schema;
        struct name_map *names;      /* owned; by the place in schema->names */
        struct field_map *structs;   /* owned; by the place in schema->structs */
        char problem[160];
};

enum { NAMES_MAX = 4096, FIELDS_MAX = 1024, TABLES_MAX = 64, NAME_BYTES = 64 };

static size_t names_place(const struct pack_schema *s, const char *title)
{
        size_t i = 0;

        while (i < s->name_count && strcmp(s->names[i]->title, title) != 0)
                i++;
        return i;
}

static size_t struct_place(const struct pack_schema *s, const char *name)
{
        size_t i = 0;

        while (i < s->struct_count && strcmp(s->structs[i]->name, name) != 0)
                i++;
        return i;
}

/* `guess`: numbers mostly have not moved. */
static int value_of(const struct pack_names *n, const char *text, int guess)
{
        const char *there = guess < n->count ? n->name(guess) : NULL;

        if (there && strcmp(there, text) == 0)
                return guess;
        for (int v = 0; v < n->count; v++) {
                there = n->name(v);
                if (there && strcmp(there, text) == 0)
                        return v;
        }
        return -1;
}

static void read_names(struct unpack *u, struct pack_map *m)
{
        char title[NAME_BYTES], text[NAME_BYTES];
        size_t place, count;
        struct name_map *to = NULL;

        place = names_place(m->schema, unpack_text(u, title, sizeof(title)));
        count = unpack_max(u, NAMES_MAX);
        if (!u->bad && place < m->schema->name_count && !m->names[place].ours) {
                to = &m->names[place];
                to->ours = calloc(count + 1, sizeof(*to->ours));
                to->texts = calloc(count + 1, sizeof(*to->texts));
                to->count = to->ours && to->texts ? count : 0;
        }
        for (size_t v = 0; v < count && !u->bad; v++) {
                (void) unpack_text(u, text, sizeof(text));
                if (!to || v >= to->count)
                        continue;
                to->ours[v] = value_of(m->schema->names[place], text, (int) v);
                memcpy(to->texts[v], text, sizeof(text));
        }
}

static const struct pack_field *field_of(const struct pack_struct *s, const char *name, unsigned kind)
{
        for (size_t i = 0; i < s->count; i++)
                if (strcmp(s->fields[i].name, name) == 0 && s->fields[i].kind == kind)
                        return &s->fields[i];
        return NULL;
}

static void read_fields(struct unpack *u, struct pack_map *m)
{
        char name[NAME_BYTES];
        size_t place = struct_place(m->schema, unpack_text(u, name, sizeof(name)));
        size_t count = unpack_max(u, FIELDS_MAX);
        struct field_map *to = NULL;

        if (!u->bad && place < m->schema->struct_count && !m->structs[place].fields) {
                to = &m->structs[place];
                to->fields = calloc(count + 1, sizeof(*to->fields));
                to->count = to->fields ? count : 0;
        }
        for (size_t i = 0; i < count && !u->bad; i++) {
                (void) unpack_text(u, name, sizeof(name));
                unsigned kind = (unsigned) unpack_max(u, UINT8_MAX);

                if (to && i < to->count)
                        to->fields[i] = field_of(m->schema->structs[place], name, kind);
        }
}

struct pack_map *unpack_schema(struct unpack *u, const struct pack_schema *ours, struct err *err)
{
        struct pack_map *m = calloc(1, sizeof(*m));
        size_t n;

        if (m) {
                m->schema = ours;
                m->names = calloc(ours->name_count + 1, sizeof(*m->names));
                m->structs = calloc(ours->struct_count + 1, sizeof(*m->structs));
        }
        if (!m || !m->names || !m->structs) {
                pack_map_free(m);
                (void) err_set(err, STAGE_NONE, ENOMEM, "out of memory");
                return NULL;
        }
        n = unpack_max(u, TABLES_MAX);
        for (size_t i = 0; i < n && !u->bad; i++)
                read_names(u, m);
        n = unpack_max(u, TABLES_MAX);
        for (size_t i = 0; i < n && !u->bad; i++)
                read_fields(u, m);
        if (u->bad) {
                pack_map_free(m);
                (void) err_set(err, STAGE_NONE, EBADMSG, "read the saved state: its schema is damaged");
                return NULL;
        }
        return m;
}

void pack_map_free(struct pack_map *m)
{
        if (!m)
                return;
        for (size_t i = 0; m->names && i < m->schema->name_count; i++) {
                free(m->names[i].ours);
                free(m->names[i].texts);
        }
        for (size_t i = 0; m->structs && i < m->schema->struct_count; i++)
                free(m->structs[i].fields);
        free(m->names);
        free(m->structs);
        free(m);
}

const char *pack_map_problem(const struct pack_map *m)
{
        return m->problem;
}

static int translate(struct unpack *u, struct pack_map *m, const struct pack_names *names, uint64_t v)
{
        const struct name_map *n = &m->names[names_place(m->schema, names->title)];

        if (v < n->count && n->ours[v] >= 0)
                return n->ours[v];
        if (!u->bad)
                (void) snprintf(m->problem, sizeof(m->problem), "%s %s is not known to this version", names->title,
                                v < n->count ? n->texts[v] : "?");
        u->bad = true;
        return 0;
}

int unpack_name(struct unpack *u, struct pack_map *m, const struct pack_names *names)
{
        return translate(u, m, names, unpack_u(u));
}

void unpack_struct(struct unpack *u, struct pack_map *m, const struct pack_struct *s, void *object)
{
        const struct field_map *map = &m->structs[struct_place(m->schema, s->name)];

        for (size_t i = 0; i < map->count && !u->bad; i++) {
                const struct pack_field *f = map->fields[i];
                uint64_t v = unpack_u(u), raw = 0;

                if (!f)
                        continue;
                if (f->kind == PACK_NAME)
                        v = (uint64_t) translate(u, m, f->names, v);
                if (!decode(f, v, &raw))
                        u->bad = true;
                else
                        store(f, object, raw);
        }
}
