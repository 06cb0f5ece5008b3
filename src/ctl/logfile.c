/* logfile.c - see logfile.h. */
#include "ctl/logfile.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>
#ifdef HAVE_ZSTD
#include <zstd.h>
#endif

enum { CHUNK = 64 * 1024 };

struct logfile {
        gzFile gz;       /* reads a plain file as it is, so one way serves both */
#ifdef HAVE_ZSTD
        ZSTD_DCtx *zstd; /* NULL: gz is used */
        int fd;
        ZSTD_inBuffer in;
        char chunk[CHUNK];
#endif
};

static bool is_zstd(int fd)
{
        static const unsigned char magic[4] = { 0x28, 0xb5, 0x2f, 0xfd };
        unsigned char first[4];

        return pread(fd, first, sizeof first, 0) == sizeof first && memcmp(first, magic, sizeof magic) == 0;
}

#ifdef HAVE_ZSTD
static bool open_zstd(struct logfile *f, int fd)
{
        f->zstd = ZSTD_createDCtx();
        f->fd = fd;
        f->in = (ZSTD_inBuffer) { f->chunk, 0, 0 };
        if (!f->zstd)
                (void) close(fd);
        return f->zstd != NULL;
}

static ssize_t read_zstd(struct logfile *f, char *data, size_t n)
{
        ZSTD_outBuffer out = { data, n, 0 };

        while (out.pos == 0) {
                if (f->in.pos == f->in.size) {
                        ssize_t got = read(f->fd, f->chunk, sizeof f->chunk);

                        if (got <= 0)
                                return 0;
                        f->in = (ZSTD_inBuffer) { f->chunk, (size_t) got, 0 };
                }
                if (ZSTD_isError(ZSTD_decompressStream(f->zstd, &out, &f->in)))
                        return 0;
        }
        return (ssize_t) out.pos;
}
#else
static bool open_zstd(struct logfile *f, int fd)
{
        (void) f;
        (void) close(fd);
        return false;
}
#endif

static bool open_gz(struct logfile *f, int fd)
{
        f->gz = gzdopen(fd, "rb");
        if (!f->gz)
                (void) close(fd);
        return f->gz != NULL;
}

struct logfile *logfile_open(int fd)
{
        struct logfile *f = calloc(1, sizeof *f);

        if (!f) {
                (void) close(fd);
                return NULL;
        }
        if (is_zstd(fd) ? open_zstd(f, fd) : open_gz(f, fd))
                return f;
        free(f);
        return NULL;
}

ssize_t logfile_read(struct logfile *f, char *data, size_t n)
{
#ifdef HAVE_ZSTD
        if (f->zstd)
                return read_zstd(f, data, n);
#endif
        return gzread(f->gz, data, (unsigned) n);
}

void logfile_close(struct logfile *f)
{
        if (!f)
                return;
#ifdef HAVE_ZSTD
        if (f->zstd) {
                (void) ZSTD_freeDCtx(f->zstd);
                (void) close(f->fd);
        }
#endif
        if (f->gz)
                (void) gzclose(f->gz);
        free(f);
}
