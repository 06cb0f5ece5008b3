/* results.c - the errno of each word of refusal. See parts.h. */
#include <errno.h>
#include <string.h>

#include "lib/parts.h"

static const struct {
        const char *word;
        int code;
} results[] = {
        { "ok", 0 },
#define RESULT(word, code, when) { word, code },
#include "lib/results.def"
#undef RESULT
};

int result_errno(const char *word)
{
        for (size_t i = 0; i < sizeof results / sizeof results[0]; i++)
                if (strcmp(results[i].word, word) == 0)
                        return -results[i].code;
        return -EIO;
}
