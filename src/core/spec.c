/* spec.c - a spec is one block of memory:
 *
 *     struct spec | entries, sorted by directive | items of lists, and a sentinel | offsets of files | texts
 *
 * An entry is 16 bytes, an item 8 and its text, so a unit of four lines costs about 250 bytes in all.
 * See spec.h. Used by: everything.  Tested by: tests/unit/spec.c */
#include "core/spec.h"

#include <stdlib.h>
#include <string.h>

#include "core/spec_build.h"
#include "core/value.h"

struct entry {
        uint16_t directive;
        uint8_t file;
        uint8_t pad;
        uint32_t line;
        union {
                int64_t number;                   /* scalars */
                uint32_t text;                    /* texts: offset from the spec */
                struct { uint32_t first, count; }; /* lists: items */
        };
};

struct item {
        uint32_t text;    /* offset from the spec; the next item's is its end */
        uint32_t place;   /* file << 24 | line */
};

struct spec {
        uint32_t refs, size;
        uint8_t kind;
        bool foreign;
        uint16_t entry_count;
        uint8_t file_count;
        uint32_t item_count;
        uint32_t name, stem;   /* offsets of texts */
        uint32_t files;        /* offset of the files' offsets */
        struct entry entries[];
};

_Static_assert(D_COUNT < 65536, "a directive must fit in two bytes");
_Static_assert(sizeof(struct entry) == 16 && sizeof(struct item) == 8, "specs are meant to be small");

enum { LINE_BITS = 24 };

static const struct item *items_of(const struct spec *s)
{
        return (const struct item *) (const void *) (s->entries + s->entry_count);
}

static const char *text_at(const struct spec *s, uint32_t offset)
{
        return (const char *) s + offset;
}

/* --- making one ------------------------------------------------------------------------------------------------- */

struct layout {
        size_t entries, items, texts; /* counts, and bytes of texts */
};

static bool is_first_of_its_list(const struct spec_build *b, size_t i, const bool *seen)
{
        return !b->values[i].dropped && !seen[b->values[i].directive];
}

static struct layout measure(const struct spec_build *b)
{
        struct layout l = { 0 };
        bool seen[D_COUNT] = { false };

        for (size_t i = 0; i < b->count; i++) {
                const struct build_value *v = &b->values[i];

                if (v->dropped)
                        continue;
                l.entries += is_first_of_its_list(b, i, seen);
                seen[v->directive] = true;
                l.items += directive_is_list((enum directive) v->directive);
                if (directive_is_list((enum directive) v->directive) ||
                    directive_is_text((enum directive) v->directive))
                        l.texts += v->len + 1;
        }
        return l;
}

struct writer {
        struct spec *s;
        const struct spec_build *b;
        uint32_t next_item, next_text;
};

static uint32_t put_text(struct writer *w, const void *bytes, size_t len)
{
        uint32_t at = w->next_text;

        memcpy((char *) w->s + at, bytes, len);
        ((char *) w->s)[at + len] = '\0';
        w->next_text += (uint32_t) len + 1;
        return at;
}

/* Every value of one directive, whose entry is e; last_place is the last one's. */
static void put_values(struct writer *w, struct item *items, struct entry *e, enum directive d, size_t from)
{
        e->directive = (uint16_t) d;
        e->first = w->next_item;
        for (size_t i = from; i < w->b->count; i++) {
                const struct build_value *v = &w->b->values[i];

                if (v->directive != d || v->dropped)
                        continue;
                e->file = v->place.file;
                e->line = v->place.line;
                if (directive_is_list(d)) {
                        items[w->next_item].place = (uint32_t) v->place.file << LINE_BITS | v->place.line;
                        items[w->next_item++].text = put_text(w, w->b->bytes.data + v->text, v->len);
                        e->count++;
                } else if (directive_is_text(d)) {
                        e->text = put_text(w, w->b->bytes.data + v->text, v->len);
                        return;
                } else {
                        e->number = v->number;
                        return;
                }
        }
}

static void put_entries(struct writer *w, const struct layout *l)
{
        struct item *items = (struct item *) (void *) (w->s->entries + l->entries);
        size_t first[D_COUNT], n = 0;

        memset(first, 0xff, sizeof(first));
        for (size_t i = w->b->count; i-- > 0; )
                if (!w->b->values[i].dropped)
                        first[w->b->values[i].directive] = i;
        /* The items of all lists lie together, so that the next one's beginning is the end of each. */
        for (int lists = 1; lists >= 0; lists--) {
                n = 0;
                for (int d = 0; d < D_COUNT; d++) {
                        if (first[d] == SIZE_MAX)
                                continue;
                        if (directive_is_list((enum directive) d) == (bool) lists)
                                put_values(w, items, &w->s->entries[n], (enum directive) d, first[d]);
                        n++;
                }
                if (lists)
                        items[w->next_item].text = w->next_text;
        }
}

static size_t stem_length(const char *name)
{
        const char *dot = strrchr(name, '.');

        return dot ? (size_t) (dot - name) : strlen(name);
}

struct spec *spec_build_finish(const struct spec_build *b, enum node_kind kind, const char *name, bool foreign,
                               const char *const *files, size_t file_count)
{
        struct layout l = measure(b);
        size_t head = sizeof(struct spec) + l.entries * sizeof(struct entry) + (l.items + 1) * sizeof(struct item);
        size_t size = head + file_count * sizeof(uint32_t) + l.texts + strlen(name) + 1 + stem_length(name) + 1;
        struct writer w = { .b = b, .next_text = (uint32_t) (head + file_count * sizeof(uint32_t)) };
        uint32_t *offsets;

        for (size_t i = 0; i < file_count; i++)
                size += strlen(files[i]) + 1;
        if (b->failed || size > UINT32_MAX || file_count > UINT8_MAX)
                return NULL;
        w.s = calloc(1, size);
        if (!w.s)
                return NULL;
        *w.s = (struct spec) {
                .refs = 1, .size = (uint32_t) size, .kind = (uint8_t) kind, .foreign = foreign,
                .entry_count = (uint16_t) l.entries, .file_count = (uint8_t) file_count,
                .item_count = (uint32_t) l.items, .files = (uint32_t) head,
        };
        put_entries(&w, &l);
        w.s->name = put_text(&w, name, strlen(name));
        w.s->stem = put_text(&w, name, stem_length(name));
        offsets = (uint32_t *) (void *) ((char *) w.s + head);
        for (size_t i = 0; i < file_count; i++)
                offsets[i] = put_text(&w, files[i], strlen(files[i]));
        return w.s;
}

struct spec *spec_new_default(enum node_kind kind, const char *name)
{
        struct spec_build nothing = { 0 };

        return spec_build_finish(&nothing, kind, name, false, NULL, 0);
}

struct spec *spec_ref(struct spec *s)
{
        s->refs++;
        return s;
}

void spec_unref(struct spec *s)
{
        if (s && --s->refs == 0)
                free(s);
}

/* --- reading one ------------------------------------------------------------------------------------------------ */

const char *spec_name(const struct spec *s)
{
        return text_at(s, s->name);
}

const char *spec_stem(const struct spec *s)
{
        return text_at(s, s->stem);
}

enum node_kind spec_kind(const struct spec *s)
{
        return (enum node_kind) s->kind;
}

bool spec_foreign(const struct spec *s)
{
        return s->foreign;
}

static const char *file_at(const struct spec *s, size_t i)
{
        const uint32_t *offsets = (const uint32_t *) (const void *) text_at(s, s->files);

        return i < s->file_count ? text_at(s, offsets[i]) : "";
}

const char *spec_file(const struct spec *s)
{
        return file_at(s, 0);
}

size_t spec_drop_in_count(const struct spec *s)
{
        return s->file_count > 1 ? s->file_count - 1U : 0;
}

const char *spec_drop_in(const struct spec *s, size_t i)
{
        return file_at(s, i + 1);
}

static const struct entry *find(const struct spec *s, enum directive d)
{
        size_t low = 0, high = s->entry_count;

        while (low < high) {
                size_t middle = (low + high) / 2;

                if (s->entries[middle].directive == d)
                        return &s->entries[middle];
                if (s->entries[middle].directive < d)
                        low = middle + 1;
                else
                        high = middle;
        }
        return NULL;
}

bool spec_has(const struct spec *s, enum directive d)
{
        return find(s, d) != NULL;
}

bool spec_has_any(const struct spec *s, enum directive first, enum directive last)
{
        size_t low = 0, high = s->entry_count;

        while (low < high) {
                size_t middle = (low + high) / 2;

                if (s->entries[middle].directive < first)
                        low = middle + 1;
                else
                        high = middle;
        }
        return low < s->entry_count && s->entries[low].directive <= last;
}

struct origin spec_origin(const struct spec *s, enum directive d)
{
        const struct entry *e = find(s, d);

        if (!e)
                return (struct origin) { .file = "" };
        return (struct origin) { .file = file_at(s, e->file), .line = e->line };
}

int64_t spec_int(const struct spec *s, enum directive d)
{
        const struct entry *e = find(s, d);

        return e ? e->number : value_default(d);
}

const char *spec_str(const struct spec *s, enum directive d)
{
        const struct entry *e = find(s, d);

        return e ? text_at(s, e->text) : directive_rows[d].def;
}

size_t spec_count(const struct spec *s, enum directive d)
{
        const struct entry *e = find(s, d);

        return e ? e->count : 0;
}

static const struct item *find_item(const struct spec *s, enum directive d, size_t i)
{
        const struct entry *e = find(s, d);

        return e && i < e->count ? items_of(s) + e->first + i : NULL;
}

const char *spec_item(const struct spec *s, enum directive d, size_t i)
{
        const struct item *item = find_item(s, d, i);

        return item ? text_at(s, item->text) : "";
}

struct origin spec_item_origin(const struct spec *s, enum directive d, size_t i)
{
        const struct item *item = find_item(s, d, i);

        if (!item)
                return (struct origin) { .file = "" };
        return (struct origin) {
                .file = file_at(s, item->place >> LINE_BITS),
                .line = item->place & ((UINT32_C(1) << LINE_BITS) - 1),
        };
}

struct command spec_command(const struct spec *s, enum directive d, size_t i)
{
        const struct item *item = find_item(s, d, i);
        const unsigned char *bytes;
        struct command c = { .path = "", .args = "", .origin = { .file = "" } };

        if (!item)
                return c;
        bytes = (const unsigned char *) text_at(s, item->text);
        c.flags = bytes[0] & ~(unsigned) COMMAND_PATH_IS_ARGV0;
        c.argc = bytes[1] | (size_t) bytes[2] << 8;
        c.path = (const char *) bytes + 3;
        c.args = bytes[0] & COMMAND_PATH_IS_ARGV0 ? c.path : c.path + strlen(c.path) + 1;
        c.origin = spec_item_origin(s, d, i);
        return c;
}

size_t spec_said_count(const struct spec *s)
{
        return s->entry_count;
}

enum directive spec_said(const struct spec *s, size_t i)
{
        return (enum directive) s->entries[i].directive;
}

const char *spec_item_bytes(const struct spec *s, enum directive d, size_t i, size_t *ret_len)
{
        const struct item *item = find_item(s, d, i);

        *ret_len = item ? item[1].text - item->text - 1 : 0;
        return item ? text_at(s, item->text) : "";
}

size_t spec_bytes(const struct spec *s)
{
        return s->size;
}

/* --- comparing two ---------------------------------------------------------------------------------------------- */

static bool same_lists(const struct spec *a, const struct entry *ea, const struct spec *b, const struct entry *eb)
{
        if (!ea || !eb)
                return (ea ? ea->count : 0) == (eb ? eb->count : 0);
        if (ea->count != eb->count)
                return false;
        for (uint32_t i = 0; i < ea->count; i++) {
                const struct item *ia = items_of(a) + ea->first + i, *ib = items_of(b) + eb->first + i;
                size_t na = ia[1].text - ia->text, nb = ib[1].text - ib->text;

                if (na != nb || memcmp(text_at(a, ia->text), text_at(b, ib->text), na) != 0)
                        return false;
        }
        return true;
}

/* Is "not said" something else than the table's default? See resolve.h. */
static bool default_depends(enum directive d)
{
        return d == D_SERVICE_Restart || d == D_SERVICE_TimeoutStartSec;
}

bool spec_same(const struct spec *a, const struct spec *b, enum directive d)
{
        if (directive_is_list(d))
                return same_lists(a, find(a, d), b, find(b, d));
        if (directive_is_text(d))
                return strcmp(spec_str(a, d), spec_str(b, d)) == 0;
        if (default_depends(d) && spec_has(a, d) != spec_has(b, d))
                return false;
        return spec_int(a, d) == spec_int(b, d);
}

/* How much a change asks of the user. */
static int weight(enum change c)
{
        return c == CHANGE_RESTART ? 2 : c == CHANGE_START ? 1 : 0;
}

int spec_diff(const struct spec *a, const struct spec *b)
{
        int strongest = -1;

        for (int d = 0; d < D_COUNT; d++) {
                enum change c = directive_rows[d].change;

                if (spec_same(a, b, (enum directive) d))
                        continue;
                if (strongest < 0 || weight(c) > weight((enum change) strongest))
                        strongest = (int) c;
        }
        return strongest;
}
