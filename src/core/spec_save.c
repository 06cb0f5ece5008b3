/* spec_save.c - a spec as bytes, with the file and line of each value, and back. See snapshot.h.
 *
 *      name, kind, foreign, files, then for each directive that is said: which, how many values, and of each
 *      file and line and the value: a number, the word of an enumeration, or bytes
 *
 * Used by: snapshot.c, the journal.  Uses: spec.h, spec_build.h.  Tested by: tests/unit/snapshot.c */
#include <string.h>

#include "core/snapshot_priv.h"
#include "core/spec_build.h"
#include "core/unit_text.h"

static bool is_number(enum directive d)
{
        return !directive_is_list(d) && !directive_is_text(d);
}

/* An origin names its file by a text of the spec itself: compare addresses. */
static unsigned file_index(const struct spec *s, const char *file)
{
        if (file == spec_file(s))
                return 0;
        for (size_t i = 0; i < spec_drop_in_count(s); i++)
                if (file == spec_drop_in(s, i))
                        return (unsigned) i + 1;
        return 0;
}

static void save_place(const struct spec *s, struct origin o, struct buf *out)
{
        pack_u(out, file_index(s, o.file));
        pack_u(out, o.line);
}

static void save_number(const struct spec *s, enum directive d, struct buf *out)
{
        if (directive_rows[d].type == VT_ENUM)
                pack_text(out, strtab_text(directive_rows[d].names, (int) spec_int(s, d)));
        else
                pack_s(out, spec_int(s, d));
}

static void save_values(const struct spec *s, enum directive d, struct buf *out)
{
        size_t n = directive_is_list(d) ? spec_count(s, d) : 1, len;

        pack_u(out, n);
        for (size_t i = 0; i < n; i++) {
                save_place(s, directive_is_list(d) ? spec_item_origin(s, d, i) : spec_origin(s, d), out);
                if (is_number(d)) {
                        save_number(s, d, out);
                } else if (directive_is_text(d)) {
                        pack_text(out, spec_str(s, d));
                } else {
                        const char *bytes = spec_item_bytes(s, d, i, &len);

                        pack_bytes(out, bytes, len);
                }
        }
}

void spec_save(const struct spec *s, struct buf *out)
{
        size_t files = spec_file(s)[0] || spec_drop_in_count(s) ? spec_drop_in_count(s) + 1 : 0;

        pack_text(out, spec_name(s));
        pack_u(out, (uint64_t) spec_kind(s));
        pack_u(out, spec_foreign(s));
        pack_u(out, files);
        for (size_t i = 0; i < files; i++)
                pack_text(out, i == 0 ? spec_file(s) : spec_drop_in(s, i - 1));
        pack_u(out, spec_said_count(s));
        for (size_t i = 0; i < spec_said_count(s); i++) {
                pack_u(out, (uint64_t) spec_said(s, i));
                save_values(s, spec_said(s, i), out);
        }
}

/* --- and back ---------------------------------------------------------------------------------------------------- */

static void load_number(struct unpack *u, struct spec_build *b, enum directive d, struct place at)
{
        char word[64];
        int v;

        if (directive_rows[d].type != VT_ENUM) {
                spec_build_number(b, d, at, unpack_s(u));
                return;
        }
        v = strtab_value(directive_rows[d].names, unpack_text(u, word, sizeof(word)));
        u->bad |= v < 0;
        spec_build_number(b, d, at, v);
}

/* Flags, the count of words, and that many texts: spec_command() believes them. */
static bool sound_command(const unsigned char *bytes, size_t len)
{
        size_t texts = 0, want;

        if (len < 4 || bytes[len - 1] != 0)
                return false;
        want = (bytes[1] | (size_t) bytes[2] << 8) + (bytes[0] & COMMAND_PATH_IS_ARGV0 ? 0 : 1);
        for (size_t i = 3; i < len; i++)
                texts += bytes[i] == 0;
        return texts == want && want > 0;
}

static void load_text(struct unpack *u, struct spec_build *b, enum directive d, struct place at)
{
        size_t len;
        const void *bytes = unpack_bytes(u, &len);

        if (u->bad)
                return;
        if (directive_rows[d].type == VT_COMMAND)
                u->bad |= !sound_command(bytes, len);
        else
                u->bad |= len > 0 && memchr(bytes, 0, len) != NULL;
        if (u->bad)
                return;
        if (directive_is_text(d))
                spec_build_drop(b, d);
        spec_build_item(b, d, at, bytes, len);
}

static void load_values(struct unpack *u, struct pack_map *map, struct spec_build *b, size_t files)
{
        enum directive d = (enum directive) unpack_name(u, map, &directive_names);
        size_t n = unpack_max(u, UNIT_TEXT_MAX * 8);

        u->bad |= d >= D_COUNT;
        for (size_t i = 0; i < n && !u->bad; i++) {
                struct place at = { .file = (uint8_t) unpack_max(u, files ? files - 1 : 0) };

                at.line = (uint32_t) unpack_max(u, (UINT32_C(1) << 24) - 1);
                if (u->bad)
                        return;
                if (is_number(d))
                        load_number(u, b, d, at);
                else
                        load_text(u, b, d, at);
        }
}

/* The paths of its files, one text after the other; files[] points to them. */
static size_t load_files(struct unpack *u, struct buf *paths, const char *files[UNIT_SOURCES_MAX])
{
        size_t offsets[UNIT_SOURCES_MAX], len, count = unpack_max(u, UNIT_SOURCES_MAX);

        for (size_t i = 0; i < count && !u->bad; i++) {
                const char *path = unpack_bytes(u, &len);

                offsets[i] = paths->len;
                if (!u->bad && len > 0)
                        buf_add(paths, path, len);
                buf_addc(paths, '\0');
        }
        if (u->bad || buf_failed(paths))
                return 0;
        for (size_t i = 0; i < count; i++)
                files[i] = paths->data + offsets[i];
        return count;
}

struct spec *spec_load(struct unpack *u, struct pack_map *map)
{
        autobuf struct buf paths = BUF_INIT;
        const char *files[UNIT_SOURCES_MAX];
        struct spec_build b = { 0 };
        struct spec *s = NULL;
        char name[256];
        enum node_kind kind;
        size_t count, said;
        bool foreign;

        (void) unpack_text(u, name, sizeof(name));
        kind = (enum node_kind) unpack_max(u, KIND_CHANNEL);
        foreign = unpack_max(u, 1);
        count = load_files(u, &paths, files);
        said = unpack_max(u, D_COUNT);
        for (size_t i = 0; i < said && !u->bad; i++)
                load_values(u, map, &b, count);
        if (!u->bad && !buf_failed(&paths) && name[0] != '\0')
                s = spec_build_finish(&b, kind, name, foreign, files, count);
        u->bad |= !s;
        spec_build_free(&b);
        return s;
}
