/* spec_build.c - see spec_build.h. */
#include "core/spec_build.h"

#include <stdlib.h>
#include <string.h>

void spec_build_free(struct spec_build *b)
{
        free(b->values);
        buf_free(&b->bytes);
        *b = (struct spec_build) { 0 };
}

void spec_build_drop(struct spec_build *b, enum directive d)
{
        for (size_t i = 0; i < b->count; i++)
                if (b->values[i].directive == d)
                        b->values[i].dropped = true;
}

static struct build_value *append(struct spec_build *b, enum directive d, struct place at)
{
        struct build_value *v;

        if (b->count == b->cap) {
                size_t cap = b->cap ? 2 * b->cap : 16;

                v = reallocarray(b->values, cap, sizeof(*v));
                if (!v) {
                        b->failed = true;
                        return NULL;
                }
                b->values = v;
                b->cap = cap;
        }
        v = &b->values[b->count++];
        *v = (struct build_value) { .directive = (uint16_t) d, .place = at };
        return v;
}

void spec_build_number(struct spec_build *b, enum directive d, struct place at, int64_t number)
{
        struct build_value *v;

        spec_build_drop(b, d);
        v = append(b, d, at);
        if (v)
                v->number = number;
}

void spec_build_item(struct spec_build *b, enum directive d, struct place at, const void *bytes, size_t len)
{
        struct build_value *v = append(b, d, at);

        if (!v)
                return;
        v->text = (uint32_t) b->bytes.len;
        v->len = (uint32_t) len;
        buf_add(&b->bytes, bytes, len);
        buf_addc(&b->bytes, '\0');
        if (buf_failed(&b->bytes))
                b->failed = true;
}

void spec_build_text(struct spec_build *b, enum directive d, struct place at, const char *text)
{
        spec_build_drop(b, d);
        spec_build_item(b, d, at, text, strlen(text));
}
