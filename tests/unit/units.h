/* units.h - what the tests of units share: parse a text, collect the remarks, compare. */
#ifndef TESTS_UNITS_H
#define TESTS_UNITS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "core/unit_text.h"

struct heard {
        struct buf text;    /* every remark as diag_print() has it, each with a newline */
        unsigned errors, warnings;
};

static inline void hear(void *arg, const struct diag *d)
{
        struct heard *h = arg;

        diag_print(d, &h->text);
        buf_addc(&h->text, '\n');
        if (d->severity == DIAG_ERROR)
                h->errors++;
        else
                h->warnings++;
}

/* A unit of one file; NULL when it has errors. The name's suffix is the file's. */
static inline struct spec *parse_text(const char *name, const char *text, size_t len, bool foreign, struct heard *h)
{
        struct unit_source source = { .file = name, .text = text, .len = len, .foreign = foreign };
        struct spec *s = NULL;

        if (unit_text_parse(name, &source, 1, &unit_host_example, hear, h, &s) < 0)
                return NULL;
        return s;
}

/* The same, where errors are a failure of the test. */
static inline struct spec *parse_good(const char *name, const char *text)
{
        struct heard h = { 0 };
        struct spec *s = parse_text(name, text, strlen(text), false, &h);

        if (!s)
                print_error("%s\n%s", text, buf_text(&h.text));
        assert_non_null(s);
        buf_free(&h.text);
        return s;
}

/* The remarks about a text; "" when there are none. Static storage. */
static inline const char *remarks_of(const char *name, const char *text, size_t len, bool foreign)
{
        static char all[8192];
        struct heard h = { 0 };

        spec_unref(parse_text(name, text, len, foreign, &h));
        (void) snprintf(all, sizeof(all), "%s", buf_text(&h.text));
        buf_free(&h.text);
        return all;
}

static inline void assert_contains(const char *text, const char *part)
{
        if (!strstr(text, part))
                print_error("in: %s\nnot found: %s\n", text, part);
        assert_non_null(strstr(text, part));
}

#endif
