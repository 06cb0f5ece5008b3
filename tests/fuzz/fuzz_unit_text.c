/* fuzz_unit_text.c - any bytes as a unit file. The first byte says what kind of unit, whether it is foreign, and
 * whether the text behind the first "\n---\n" is a drop-in.
 *
 * Promises: no crash; nothing is accepted and refused at once; what is accepted prints as a unit that parses to an
 * equal spec, and prints the same again. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "core/unit_text.h"
#include "tests/fuzz/must.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void count_errors(void *arg, const struct diag *d)
{
        struct buf text = BUF_INIT;

        *(unsigned *) arg += d->severity == DIAG_ERROR;
        MUST(d->err.text[0] != '\0');
        if (getenv("FUZZ_VERBOSE")) {
                diag_print(d, &text);
                (void) fprintf(stderr, "%s\n", buf_text(&text));
                buf_clear(&text);
        }
        diag_print(d, &text);
        buf_free(&text);
}

static void check_round_trip(const char *name, const struct spec *s)
{
        struct buf text = BUF_INIT, again = BUF_INIT, all = BUF_INIT;
        struct unit_source source = { .file = "printed" };
        struct spec *copy = NULL;
        unsigned errors = 0;

        unit_text_print(s, false, &text);
        unit_text_print(s, true, &all);
        source.text = buf_text(&text);
        source.len = text.len;
        source.foreign = spec_foreign(s);
        if (text.len > UNIT_TEXT_MAX)
                goto out; /* quoting can make a text longer than a file may be */
        if (unit_text_parse(name, &source, 1, &unit_host_example, count_errors, &errors, &copy) < 0)
                (void) fprintf(stderr, "%s\n", buf_text(&text));
        MUST(copy != NULL);
        MUST(spec_diff(s, copy) == -1);
        unit_text_print(copy, false, &again);
        MUST(strcmp(buf_text(&text), buf_text(&again)) == 0);
out:
        spec_unref(copy);
        buf_free(&text);
        buf_free(&again);
        buf_free(&all);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static const char cut[] = "\n---\n";
        static const char *const names[] = { "a.service", "a@1.service", "a.supervisor", "root.supervisor" };
        struct unit_source sources[2] = { { .file = "main" }, { .file = "drop-in" } };
        struct spec *s = NULL;
        unsigned errors = 0;
        const char *name;
        const void *where;
        int r;

        if (size < 1)
                return 0;
        name = names[data[0] & 3];
        sources[0].text = (const char *) data + 1;
        sources[0].len = size - 1;
        sources[0].foreign = data[0] & 4;
        where = size > 1 ? memmem(data + 1, size - 1, cut, 5) : NULL;
        if (where && (data[0] & 8)) {
                sources[0].len = (size_t) ((const char *) where - sources[0].text) + 1;
                sources[1].text = (const char *) where + 5;
                sources[1].len = (size_t) ((const char *) data + size - sources[1].text);
        }
        r = unit_text_parse(name, sources, sources[1].text ? 2 : 1, &unit_host_example, count_errors, &errors, &s);
        MUST((r == 0) == (s != NULL));
        MUST((r == 0) == (errors == 0));
        if (s)
                check_round_trip(name, s);
        spec_unref(s);
        return 0;
}
