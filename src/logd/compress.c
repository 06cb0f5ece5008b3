/* compress.c - see compress.h. */
#include "logd/compress.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>
#ifdef HAVE_ZSTD
#include <zstd.h>
#endif

#include "base/cleanup.h"

enum { CHUNK = 64 * 1024 };

static int gzip_all(gzFile to, int from)
{
        static char chunk[CHUNK];
        ssize_t n;

        while ((n = read(from, chunk, sizeof chunk)) > 0)
                if (gzwrite(to, chunk, (unsigned) n) != (int) n)
                        return -EIO;
        return n < 0 ? -errno : 0;
}

/* gzdopen() takes `to` and gzclose() closes it. */
static int run_gzip(int from, int to)
{
        const int again = fcntl(to, F_DUPFD_CLOEXEC, 0);
        gzFile gz = gzdopen(to, "wb4");
        int r;

        if (!gz || again < 0) {
                (void) close(to);
                return -ENOMEM;
        }
        r = gzip_all(gz, from);
        if (gzclose(gz) != Z_OK && r == 0)
                r = -EIO;
        if (fdatasync(again) < 0 && r == 0)
                r = -errno;
        (void) close(again);
        return r;
}

#ifdef HAVE_ZSTD
static int write_all(int fd, const char *data, size_t n)
{
        while (n > 0) {
                ssize_t w = write(fd, data, n);

                if (w < 0 && errno != EINTR)
                        return -errno;
                if (w > 0) {
                        data += w;
                        n -= (size_t) w;
                }
        }
        return 0;
}

/* One input through the stream; with ZSTD_e_end until the frame is closed. */
static int zstd_some(ZSTD_CCtx *z, const char *data, size_t n, ZSTD_EndDirective how, int to)
{
        static char chunk[CHUNK];
        ZSTD_inBuffer in = { data, n, 0 };
        size_t left;
        int r;

        do {
                ZSTD_outBuffer out = { chunk, sizeof chunk, 0 };

                left = ZSTD_compressStream2(z, &out, &in, how);
                if (ZSTD_isError(left))
                        return -EIO;
                r = write_all(to, chunk, out.pos);
        } while (r == 0 && (how == ZSTD_e_end ? left > 0 : in.pos < in.size));
        return r;
}

static int zstd_all(ZSTD_CCtx *z, int from, int to)
{
        static char chunk[CHUNK];
        ssize_t n;
        int r = 0;

        (void) ZSTD_CCtx_setParameter(z, ZSTD_c_compressionLevel, 3);
        (void) ZSTD_CCtx_setParameter(z, ZSTD_c_checksumFlag, 1);
        while (r == 0 && (n = read(from, chunk, sizeof chunk)) > 0)
                r = zstd_some(z, chunk, (size_t) n, ZSTD_e_continue, to);
        if (r == 0 && n < 0)
                r = -errno;
        return r == 0 ? zstd_some(z, NULL, 0, ZSTD_e_end, to) : r;
}

static int run_zstd(int from, int to)
{
        ZSTD_CCtx *z = ZSTD_createCCtx();
        int r = z ? zstd_all(z, from, to) : -ENOMEM;

        (void) ZSTD_freeCCtx(z);
        if (r == 0 && fdatasync(to) < 0)
                r = -errno;
        (void) close(to);
        return r;
}
#endif

const struct compressor *compressor_named(const char *name)
{
        static const struct compressor all[] = {
                { "gzip", ".gz", run_gzip },
#ifdef HAVE_ZSTD
                { "zstd", ".zst", run_zstd },
#endif
        };

        for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
                if (strcmp(all[i].name, name) == 0)
                        return &all[i];
        return NULL;
}
