/* fuzz_notify.c - any datagram of a service as a notification (FAILURES F12): what is understood is bounded and printable,
 * and each line counts as it would alone. */
#include <stdint.h>
#include <string.h>

#include "os/notify.h"
#include "tests/fuzz/must.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_texts(const struct notify_fields *f)
{
        MUST(memchr(f->fdname, 0, sizeof(f->fdname)) && f->fdname[0]);
        MUST(memchr(f->status, 0, sizeof(f->status)) && memchr(f->bus_error, 0, sizeof(f->bus_error)));
        for (const char *p = f->status; *p; p++)
                MUST((unsigned char) *p >= 0x20 && *p != 0x7f);
        for (const char *p = f->fdname; *p; p++)
                MUST(*p > ' ' && *p < 0x7f && *p != ':');
        MUST(!(f->has & NOTIFY_MAINPID) || f->main_pid > 1);
        MUST(f->error >= 0 && f->exit_status >= 0 && f->watchdog_nsec >= 0 && f->extend_nsec >= 0 && f->monotonic_nsec >= 0);
        MUST(f->access >= NOTIFY_NONE && f->access <= NOTIFY_ALL);
}

/* All that the lines say one by one, and no more. */
static void check_lines(const char *text, size_t size, uint32_t has)
{
        uint32_t sum = 0;

        while (size > 0) {
                const char *eol = memchr(text, '\n', size);
                size_t n = eol ? (size_t) (eol - text) : size;
                struct notify_fields f;

                notify_parse(text, n, &f);
                check_texts(&f);
                sum |= f.has;
                text += n + (eol != NULL);
                size -= n + (eol != NULL);
        }
        MUST(sum == has);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        char *text = calloc(1, size ? size : 1); /* exact, so that a step too far is seen */
        struct notify_fields f;

        MUST(text);
        if (size)
                memcpy(text, data, size);
        notify_parse(text, size, &f);
        check_texts(&f);
        check_lines(text, size, f.has);
        free(text);
        return 0;
}
