/* unit_index.c - one listing of every directory of the search path. See unit_dirs.h. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "unit/unit_dirs.h"

const char *unit_index_name(const struct unit_index *ix, const struct unit_entry *e)
{
        return ix->names.data + e->name;
}

static int add_entry(struct unit_index *ix, size_t dir, const char *name, size_t n, bool drop_ins)
{
        if (ix->count == ix->cap) {
                size_t cap = ix->cap ? 2 * ix->cap : 256;
                struct unit_entry *grown = reallocarray(ix->entries, cap, sizeof(*grown));

                if (!grown)
                        return -ENOMEM;
                ix->entries = grown;
                ix->cap = cap;
        }
        ix->entries[ix->count++] = (struct unit_entry) {
                .name = (uint32_t) ix->names.len, .dir = (uint16_t) dir, .drop_ins = drop_ins,
        };
        buf_add(&ix->names, name, n);
        buf_addc(&ix->names, '\0');
        return buf_failed(&ix->names) ? -ENOMEM : 0;
}

static bool has_suffix(const char *name, size_t n, const char *suffix)
{
        size_t m = strlen(suffix);

        return n > m && memcmp(name + n - m, suffix, m) == 0;
}

/* In our own directories a file that looks like a unit and is none deserves a remark. */
static void odd_name(const struct unit_dir *dir, const char *name, size_t n, struct remarks *remarks)
{
        static const char *const later[] = { ".socket", ".timer", ".pool", ".queue" };
        struct unit_name parsed;
        struct err why = { 0 };

        if (dir->foreign)
                return;
        remarks->unit = name;
        for (size_t i = 0; i < ARRAY_LEN(later); i++)
                if (has_suffix(name, n, later[i]))
                        remark(remarks, DIAG_WARNING, dir->path, 0, 0, "it is not read",
                               "%s: this version has no %s units", name, later[i] + 1);
        if ((has_suffix(name, n, ".service") || has_suffix(name, n, ".supervisor") ||
             has_suffix(name, n, ".channel")) &&
            unit_name_parse(name, &parsed, &why) < 0)
                remark_err(remarks, DIAG_ERROR, dir->path, 0, 0, &why);
}

/* web.d beside web.service would be passed over without a word. */
static void odd_drop_ins(const struct unit_dir *dir, const char *stem, struct remarks *remarks)
{
        if (dir->foreign || strchr(stem, '.'))
                return;
        remarks->unit = stem;
        remark(remarks, DIAG_WARNING, dir->path, 0, 0, "name it after the whole unit, such as web.service.d",
               "%s.d: not the drop-ins of a unit: it is not read", stem);
}

static int add_name(struct unit_index *ix, size_t dir, const struct dirent *de, struct remarks *remarks)
{
        size_t n = strlen(de->d_name);
        bool drop_ins = has_suffix(de->d_name, n, ".d");
        char unit[NAME_MAX + 1];
        struct unit_name parsed;

        if (de->d_name[0] == '.')
                return 0; /* editors' and version control's own */
        if (drop_ins)
                n -= 2;
        memcpy(unit, de->d_name, n);
        unit[n] = '\0';
        if (!has_suffix(unit, n, ".service") && !has_suffix(unit, n, ".supervisor") &&
            !has_suffix(unit, n, ".channel")) {
                if (drop_ins)
                        odd_drop_ins(&ix->paths->dirs[dir], unit, remarks);
                else
                        odd_name(&ix->paths->dirs[dir], unit, n, remarks);
                return 0;
        }
        if (unit_name_parse(unit, &parsed, NULL) < 0) {
                if (!drop_ins)
                        odd_name(&ix->paths->dirs[dir], unit, n, remarks);
                return 0;
        }
        return add_entry(ix, dir, unit, n, drop_ins);
}

static void refuse_dir(const struct unit_dir *dir, const struct err *why, struct remarks *remarks)
{
        remarks->unit = "";
        remark_err(remarks, DIAG_ERROR, dir->path, 0, 0, why);
}

int unit_check_dir(int fd, const char *name, struct err *err)
{
        struct stat st;

        if (fstat(fd, &st) < 0)
                return err_sys(err, STAGE_LOAD, "look at the directory %s", name);
        return unit_check_owner(&st, name, err);
}

DIR *unit_dir_again(int fd)
{
        int copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);
        DIR *stream = copy < 0 ? NULL : fdopendir(copy);

        if (!stream && copy >= 0) {
                int saved = errno;

                (void) close(copy);
                errno = saved;
        }
        return stream;
}

static int list_dir(struct unit_index *ix, size_t i, struct remarks *remarks)
{
        const struct unit_dir *dir = &ix->paths->dirs[i];
        struct err why = { 0 };
        const struct dirent *de;
        DIR *stream;
        int r = 0;

        ix->fds[i] = open(dir->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (ix->fds[i] < 0) {
                if (dir->required || (errno != ENOENT && errno != ENOTDIR && errno != EACCES)) {
                        (void) err_sys(&why, STAGE_LOAD, "open the directory");
                        refuse_dir(dir, &why, remarks);
                }
                return 0;
        }
        if (ix->paths->check_owner && unit_check_dir(ix->fds[i], dir->path, &why) < 0) {
                refuse_dir(dir, &why, remarks);
                fd_close(&ix->fds[i]);
                return 0;
        }
        stream = unit_dir_again(ix->fds[i]);
        while (stream && r == 0 && (errno = 0, de = readdir(stream)))
                r = add_name(ix, i, de, remarks);
        /* Half of a directory is none: its other units would be taken for removed. */
        if (!stream || (r == 0 && errno)) {
                (void) err_sys(&why, STAGE_LOAD, "read the directory %s", dir->path);
                refuse_dir(dir, &why, remarks);
        }
        if (stream)
                (void) closedir(stream);
        return r;
}

static int compare(const void *a, const void *b, void *arg)
{
        const struct unit_index *ix = arg;
        const struct unit_entry *x = a, *y = b;
        int c = strcmp(unit_index_name(ix, x), unit_index_name(ix, y));

        return c ? c : (int) x->dir - (int) y->dir;
}

int unit_index_new(const struct unit_paths *paths, struct remarks *remarks, struct unit_index *ret)
{
        struct unit_index ix = { .paths = paths };

        ix.fds = calloc(paths->count + 1, sizeof(int));
        if (!ix.fds)
                return -ENOMEM;
        for (size_t i = 0; i < paths->count; i++)
                ix.fds[i] = -1;
        for (size_t i = 0; i < paths->count; i++)
                if (list_dir(&ix, i, remarks) < 0) {
                        unit_index_free(&ix);
                        return -ENOMEM;
                }
        if (ix.count)
                qsort_r(ix.entries, ix.count, sizeof(*ix.entries), compare, &ix);
        *ret = ix;
        return 0;
}

void unit_index_free(struct unit_index *ix)
{
        for (size_t i = 0; ix->fds && i < ix->paths->count; i++)
                fd_close(&ix->fds[i]);
        free(ix->fds);
        free(ix->entries);
        buf_free(&ix->names);
        *ix = (struct unit_index) { 0 };
}

const struct unit_entry *unit_index_find(const struct unit_index *ix, const char *name)
{
        size_t low = 0, high = ix->count;

        while (low < high) {
                size_t middle = (low + high) / 2;

                if (strcmp(unit_index_name(ix, &ix->entries[middle]), name) < 0)
                        low = middle + 1;
                else
                        high = middle;
        }
        return low < ix->count && strcmp(unit_index_name(ix, &ix->entries[low]), name) == 0 ? &ix->entries[low] : NULL;
}
