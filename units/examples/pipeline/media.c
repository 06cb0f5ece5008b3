/* media.c - three filters of a pipeline of sound, and one that looks on. A frame is one packet: one write, one read.
 *
 *      media tone FRAMES       a tone, a frame each millisecond
 *      media halve             ... half as loud
 *      media strip             what of it an encoder wants: the samples alone
 *      media meter             how many frames came, and how many did not */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { FRAME = 4096, SAMPLES = (FRAME - 8) / 2, PERIOD = 100 };

struct frame {
        char magic[4];
        uint32_t number;
        int16_t sample[SAMPLES];
};

static uint32_t came, missing, next;

/* What a filter had in its hands when it was killed is missing; the frames before and behind it are whole. */
static int receive(struct frame *f)
{
        ssize_t n = read(STDIN_FILENO, f, sizeof *f);

        if (n == 0)
                return 0;
        if (n != sizeof *f || memcmp(f->magic, "TONE", 4) != 0)
                exit(1);
        missing += f->number - next;
        next = f->number + 1;
        came++;
        return 1;
}

static void put(const void *bytes, size_t n)
{
        if (write(STDOUT_FILENO, bytes, n) != (ssize_t) n)
                exit(1);
}

static int tone(uint32_t frames)
{
        struct frame f = { "TONE", 0, { 0 } };
        const struct timespec pause = { 0, 1000000 };

        for (unsigned long at = 0; f.number < frames; f.number++) {
                for (int i = 0; i < SAMPLES; i++, at++)
                        f.sample[i] = (int16_t) ((at % PERIOD) * 600 - 30000);
                put(&f, sizeof f);
                nanosleep(&pause, NULL);
        }
        return 0;
}

static void halve(struct frame *f)
{
        for (int i = 0; i < SAMPLES; i++)
                f->sample[i] = (int16_t) (f->sample[i] / 2);
        put(f, sizeof *f);
}

int main(int argc, char **argv)
{
        const char *what = argc > 1 ? argv[1] : "";
        struct frame f;

        if (strcmp(what, "tone") == 0 && argc == 3)
                return tone((uint32_t) strtoul(argv[2], NULL, 10));
        while (receive(&f))
                if (strcmp(what, "halve") == 0)
                        halve(&f);
                else if (strcmp(what, "strip") == 0)
                        put(f.sample, sizeof f.sample);
        if (strcmp(what, "meter") == 0)
                printf("%u frames, %u missing\n", came, missing);
        return 0;
}
