/* fuzz_value.c - any text as a value of any directive: what is accepted prints and reads back the same. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "core/value.h"
#include "core/words.h"
#include "tests/fuzz/must.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_number(enum directive d, const char *text)
{
        struct buf printed = BUF_INIT;
        struct err err = { 0 };
        int64_t v, again;

        if (value_parse(d, text, &v, &err) < 0) {
                MUST(err.text[0] && err.hint[0]);
                return;
        }
        MUST(err.code == 0);
        value_print(d, v, &printed);
        MUST(value_parse(d, buf_text(&printed), &again, &err) == 0 && again == v);
        buf_free(&printed);
}

/* The normal form of a normal form is itself. */
static void check_item(enum directive d, const char *text)
{
        struct buf once = BUF_INIT, twice = BUF_INIT;
        struct err err = { 0 };

        if (value_item(d, text, &once, &err) == 0) {
                MUST(value_item(d, buf_text(&once), &twice, &err) == 0);
                MUST(strcmp(buf_text(&once), buf_text(&twice)) == 0);
        } else {
                MUST(err.text[0] && err.hint[0]);
        }
        buf_free(&once);
        buf_free(&twice);
}

static void check_words(const char *text)
{
        struct words words = WORDS(text);
        struct buf word = BUF_INIT, quoted = BUF_INIT, back = BUF_INIT;
        struct err err = { 0 };

        while (words_next(&words, &word, &err) > 0) {
                struct words single;

                buf_clear(&quoted);
                buf_clear(&back);
                words_quote(buf_text(&word), false, &quoted);
                single = WORDS(buf_text(&quoted));
                MUST(words_next(&single, &back, &err) == 1 && single.odd_escapes == 0);
                MUST(strcmp(buf_text(&back), buf_text(&word)) == 0);
                buf_clear(&back);
                MUST(words_next(&single, &back, &err) == 0);
                buf_clear(&word);
        }
        buf_free(&word);
        buf_free(&quoted);
        buf_free(&back);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        uint64_t soft, hard;
        enum directive d;
        char *text;

        if (size < 1)
                return 0;
        text = malloc(size);
        if (!text)
                return 0;
        memcpy(text, data + 1, size - 1);
        text[size - 1] = '\0';
        d = (enum directive) (data[0] % D_COUNT);
        if (directive_rows[d].type == VT_LIMIT)
                MUST(value_limit(d, text, &soft, &hard, NULL) < 0 || soft <= hard);
        else if (directive_is_list(d) || directive_is_text(d))
                check_item(d, text);
        else
                check_number(d, text);
        check_words(text);
        free(text);
        return 0;
}
