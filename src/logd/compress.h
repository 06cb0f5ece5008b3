/* compress.h - one finished log file into another, compressed.
 * May be used by: tidy.c.  May use: zlib, zstd where it was built in (configure --without-zstd leaves it out). */
#ifndef LOGD_COMPRESS_H
#define LOGD_COMPRESS_H

/* What is named on the command line of the child, and behind the dot of a file: "gzip" and ".gz". */
struct compressor {
        const char *name, *suffix;
        int (*run)(int from, int to); /* owns `to`; synced to disk when it returns 0; -errno */
};

/* NULL for "none" and what this build does not have. */
const struct compressor *compressor_named(const char *name);

#endif
