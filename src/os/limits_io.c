/* limits_io.c - the limits of the io controller (v1: blkio): one line for each disk.
 *
 * A limit counts for a whole disk: for a path that is no device the one its file system lies on, for a partition the
 * disk it is a part of. Lines are taken back by naming no limit for each disk that has one. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/cleanup.h"
#include "core/value.h"
#include "os/cgroup_priv.h"
#include "os/fs.h"

static const struct {
        const char *key;  /* in io.max */
        const char *v1;   /* file of blkio */
} kinds[LIMIT_COUNT] = {
        [LIMIT_IO_READ_BYTES] = { "rbps", "blkio.throttle.read_bps_device" },
        [LIMIT_IO_WRITE_BYTES] = { "wbps", "blkio.throttle.write_bps_device" },
        [LIMIT_IO_READ_COUNT] = { "riops", "blkio.throttle.read_iops_device" },
        [LIMIT_IO_WRITE_COUNT] = { "wiops", "blkio.throttle.write_iops_device" },
};

/* "8:3" of a partition -> "8:0" of its disk; what is no partition stays. */
static void whole_disk(char *device, size_t n)
{
        char path[96], text[32];

        (void) snprintf(path, sizeof path, "/sys/dev/block/%.20s/partition", device);
        if (fs_read_small(AT_FDCWD, path, text, sizeof text) < 0)
                return;
        (void) snprintf(path, sizeof path, "/sys/dev/block/%.20s/../dev", device);
        if (fs_read_small(AT_FDCWD, path, text, sizeof text) > 0)
                (void) snprintf(device, n, "%s", text);
}

/* "PATH" -> "8:0". -ENOTBLK for what lies on no disk (tmpfs, overlay, network). */
static int disk_of(const char *path, char *device, size_t n)
{
        struct stat st;
        dev_t dev;

        if (stat(path, &st) < 0)
                return -errno;
        dev = S_ISBLK(st.st_mode) ? st.st_rdev : st.st_dev;
        if (!S_ISBLK(st.st_mode) && major(dev) == 0)
                return -ENOTBLK;
        (void) snprintf(device, n, "%u:%u", major(dev), minor(dev));
        whole_disk(device, n);
        return 0;
}

/* An amount of INT64_MAX takes the limit away. */
static int write_one(int dir, bool v1, enum limit limit, const char *device, int64_t amount)
{
        char line[96];

        if (v1)
                (void) snprintf(line, sizeof line, "%.20s %lld", device,
                                amount == INT64_MAX ? 0LL : (long long) amount);
        else if (amount == INT64_MAX)
                (void) snprintf(line, sizeof line, "%.20s %s=max", device, kinds[limit].key);
        else
                (void) snprintf(line, sizeof line, "%.20s %s=%lld", device, kinds[limit].key, (long long) amount);
        return fs_write_small(dir, v1 ? kinds[limit].v1 : "io.max", line);
}

/* Every disk that has a line. */
static void clear(int dir, bool v1, enum limit limit)
{
        char text[4096], *save = NULL;

        if (fs_read_small(dir, v1 ? kinds[limit].v1 : "io.max", text, sizeof text) <= 0)
                return;
        for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
                line[strcspn(line, " ")] = 0;
                (void) write_one(dir, v1, limit, line, INT64_MAX);
        }
}

/* "/dev/vda 10M": the amount is the last word. */
static int write_item(int dir, bool v1, enum limit limit, const char *item)
{
        autofree char *path = strdup(item);
        char *amount_text = path ? strrchr(path, ' ') : NULL;
        char device[32];
        int64_t amount;
        int r;

        if (!amount_text || value_size(amount_text + 1, &amount) < 0)
                return -EINVAL;
        *amount_text = 0;
        r = disk_of(path, device, sizeof device);
        return r < 0 ? r : write_one(dir, v1, limit, device, amount);
}

const char *limits_io_weight_file(int dir, bool v1)
{
        static const char *const v1_files[] = { "blkio.bfq.weight", "blkio.weight" };
        static const char *const v2_files[] = { "io.weight", "io.bfq.weight" };

        for (int i = 0; i < 2; i++)
                if (faccessat(dir, v1 ? v1_files[i] : v2_files[i], F_OK, 0) == 0)
                        return v1 ? v1_files[i] : v2_files[i];
        return NULL;
}

static int weight(int dir, bool v1, const struct limits *l, bool none)
{
        const char *file = limits_io_weight_file(dir, v1);
        char text[32];
        int r;

        (void) snprintf(text, sizeof text, "%lld", none ? 100LL : (long long) l->value[LIMIT_IO_WEIGHT]);
        r = file ? fs_write_small(dir, file, text) : -ENOENT;
        return none ? 0 : r;
}

int limits_io(int dir, bool v1, const struct limits *l, enum limit limit, bool none)
{
        enum directive d = limit_directive(limit, spec_kind(l->spec));
        int result = 0;

        if (limit == LIMIT_IO_WEIGHT)
                return weight(dir, v1, l, none);
        clear(dir, v1, limit);
        for (size_t i = 0; !none && i < spec_count(l->spec, d); i++) {
                int r = write_item(dir, v1, limit, spec_item(l->spec, d, i));

                result = result < 0 ? result : r;
        }
        return result;
}
