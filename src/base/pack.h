/* pack.h - numbers, texts and structs as bytes that another version of the program can read.
 *
 * Every number is a varint (7 bits a byte, low first). A struct is its fields in the order of a table, one varint
 * each; the tables themselves are written once, by name, as a *schema*. So a reader of another version maps fields by
 * name: those it does not know are passed over, those that are missing keep what they had, and an enumeration whose
 * numbers have moved is mapped by the names of its values (FAILURES H18). A value whose name is not known is an error:
 * a state that cannot be said in our words cannot be taken over.
 *
 * Reading never looks behind the end and never believes a number that does not fit: `bad` is sticky, and whoever reads
 * asks once at the end.
 *
 * May be used by: everything.  May use: libc only. */
#ifndef BASE_PACK_H
#define BASE_PACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

/* --- writing --- */
void pack_u(struct buf *out, uint64_t v);
void pack_s(struct buf *out, int64_t v);                          /* small either way: zigzag */
void pack_bytes(struct buf *out, const void *bytes, size_t n);    /* with its length */
void pack_text(struct buf *out, const char *text);                /* "" for NULL */

/* --- reading --- */
struct unpack {
        const unsigned char *at, *end;
        bool bad;
};
struct unpack unpack_begin(const void *bytes, size_t n);
uint64_t unpack_u(struct unpack *u);
uint64_t unpack_max(struct unpack *u, uint64_t max);              /* bad when it is larger */
int64_t unpack_s(struct unpack *u);
const void *unpack_bytes(struct unpack *u, size_t *ret_n);        /* borrowed; NULL when bad */
const char *unpack_text(struct unpack *u, char *buf, size_t n);   /* into buf; bad when it does not fit. Returns buf */
char *unpack_dup(struct unpack *u);                               /* owned copy; NULL when bad or memory is short */

/* --- structs --- */
enum pack_kind {
        PACK_UINT,   /* unsigned, bool */
        PACK_INT,    /* signed */
        PACK_ID,     /* uint32_t whose "none" is the largest */
        PACK_TIME,   /* int64_t ns, or "never" (INT64_MAX) */
        PACK_NAME,   /* an enumeration: by the name of its value */
};

struct pack_names {
        const char *title;
        int count;
        const char *(*name)(int value); /* NULL: no such value */
};

struct pack_field {
        const char *name;
        uint16_t offset;
        uint8_t size;
        uint8_t kind;                    /* enum pack_kind */
        bool boolean;                    /* 0 and 1 alone are values of it */
        const struct pack_names *names;  /* PACK_NAME */
};

struct pack_struct {
        const char *name;
        const struct pack_field *fields;
        size_t count;
};

/* What a schema speaks of: structs, and enumerations that no field has but texts refer to. */
struct pack_schema {
        const struct pack_struct *const *structs;
        size_t struct_count;
        const struct pack_names *const *names;
        size_t name_count;
};

#define PACK_FIELD(type, member, kind_) \
        { .name = #member, .offset = offsetof(type, member), .size = sizeof(((type *) 0)->member), \
          .kind = PACK_##kind_, .boolean = _Generic(((type *) 0)->member, bool: true, default: false) }
#define PACK_ENUM(type, member, table) \
        { .name = #member, .offset = offsetof(type, member), .size = sizeof(((type *) 0)->member), .kind = PACK_NAME, \
          .names = &(table) }

/* The tables, once, before everything that is written by them; then any number of structs. */
void pack_schema(struct buf *out, const struct pack_schema *s);
void pack_struct(struct buf *out, const struct pack_struct *s, const void *object);

struct pack_map; /* how the numbers of a schema that was read become ours */
struct pack_map *unpack_schema(struct unpack *u, const struct pack_schema *ours, struct err *err);
void pack_map_free(struct pack_map *m);

/* Fields that were not written keep the value they have in *object. A value without a counterpart here makes `u` bad;
 * pack_map_problem() then says which, "" when it was something else. */
void unpack_struct(struct unpack *u, struct pack_map *m, const struct pack_struct *s, void *object);
/* A number of one of the schema's enumerations, written with pack_u(). */
int unpack_name(struct unpack *u, struct pack_map *m, const struct pack_names *names);
const char *pack_map_problem(const struct pack_map *m);

#endif
