/* dictionary.c - print the words of units for libFuzzer's -dict=, from the table of directives. */
#include <stdio.h>

#include "core/schema.h"

int main(void)
{
        struct buf words = BUF_INIT;

        schema_dictionary(&words);
        (void) fputs(buf_text(&words), stdout);
        buf_free(&words);
        return 0;
}
