/* unit_read.c - the files of one unit: the main one, or its template's, and the drop-ins. See unit_dirs.h. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "unit/unit_dirs.h"

/* "worker@3.service" -> "worker@.service"; false when it is no instance. */
static bool template_of(const char *name, char buf[256])
{
        struct unit_name n;

        if (unit_name_parse(name, &n, NULL) < 0 || !n.instance[0])
                return false;
        (void) snprintf(buf, 256, "%s@.%s", n.prefix, strtab_text(&node_kind_names, (int) n.kind));
        return true;
}

static char *own(struct unit_files *f, char *text)
{
        if (text)
                f->owned[f->owned_count++] = text;
        return text;
}

/* Take the text that was read as the next source. */
static int add_source(struct unit_files *f, char *path, struct buf *text, bool foreign)
{
        size_t len = text->len;
        struct unit_source *s = &f->sources[f->count];

        s->file = own(f, path);
        s->len = len;
        s->foreign = foreign;
        s->text = own(f, buf_steal(text));
        if (!s->file || !s->text)
                return -ENOMEM;
        f->count++;
        return 0;
}

static char *join(const char *dir, const char *name)
{
        char *path = NULL;

        return asprintf(&path, "%s/%s", dir, name) < 0 ? NULL : path;
}

/* The main file under this very name. 0, -ENOENT, -EOPNOTSUPP, -EINVAL, -ENOMEM. */
static int read_main(const struct unit_index *ix, const char *name, struct remarks *remarks, struct unit_files *f)
{
        const struct unit_entry *e = unit_index_find(ix, name), *end = ix->entries + ix->count;
        autobuf struct buf text = BUF_INIT;
        struct err why = { 0 };
        const struct unit_dir *dir;
        int r;

        while (e && e < end && e->drop_ins && strcmp(unit_index_name(ix, e), name) == 0)
                e++;
        if (!e || e >= end || strcmp(unit_index_name(ix, e), name) != 0)
                return -ENOENT;
        dir = &ix->paths->dirs[e->dir];
        r = unit_file_read(ix->fds[e->dir], name, ix->paths->check_owner, &text, &why);
        if (r > 0)
                return -EOPNOTSUPP;
        if (r < 0) {
                autofree char *path = join(dir->path, name);

                remark_err(remarks, DIAG_ERROR, path, 0, 0, &why);
                return -EINVAL;
        }
        f->fallback = dir->fallback;
        return add_source(f, join(dir->path, name), &text, dir->foreign);
}

/* --- drop-ins ----------------------------------------------------------------------------------------------------- */

struct drop_in {
        char name[NAME_MAX + 1];
        unsigned rank;           /* which directory: the smallest wins */
};

struct drop_in_dir {
        int fd;
        char *path;
        bool foreign;
};

struct drop_ins {
        struct drop_in *list;    /* owned */
        size_t count, cap;
        struct drop_in_dir dirs[64];
        unsigned dir_count;
};

static int add_drop_in(struct drop_ins *d, const char *name, unsigned rank)
{
        if (d->count == d->cap) {
                size_t cap = d->cap ? 2 * d->cap : 8;
                struct drop_in *grown = reallocarray(d->list, cap, sizeof(*grown));

                if (!grown)
                        return -ENOMEM;
                d->list = grown;
                d->cap = cap;
        }
        d->list[d->count].rank = rank;
        (void) snprintf(d->list[d->count++].name, sizeof(d->list->name), "%s", name);
        return 0;
}

static bool is_conf(const char *name)
{
        size_t n = strlen(name);

        return name[0] != '.' && n > 5 && strcmp(name + n - 5, ".conf") == 0;
}

static int list_drop_ins(const struct unit_index *ix, const struct unit_entry *e, struct drop_ins *d,
                         struct remarks *remarks)
{
        struct drop_in_dir *dir = &d->dirs[d->dir_count];
        char name[NAME_MAX + 4];
        struct err why = { 0 };
        const struct dirent *de;
        DIR *stream;
        int r = 0;

        if (d->dir_count == ARRAY_LEN(d->dirs))
                return 0;
        (void) snprintf(name, sizeof(name), "%s.d", unit_index_name(ix, e));
        dir->fd = openat(ix->fds[e->dir], name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (dir->fd < 0 && errno != ENOENT && errno != ENOTDIR) { /* a file of that name, or gone since */
                (void) err_sys(&why, STAGE_LOAD, "open the directory %s", name);
                remark_err(remarks, DIAG_ERROR, ix->paths->dirs[e->dir].path, 0, 0, &why);
        }
        if (dir->fd < 0)
                return 0;
        dir->path = join(ix->paths->dirs[e->dir].path, name);
        dir->foreign = ix->paths->dirs[e->dir].foreign;
        d->dir_count++;
        if (!dir->path)
                return -ENOMEM;
        if (ix->paths->check_owner && unit_check_dir(dir->fd, name, &why) < 0) {
                remark_err(remarks, DIAG_ERROR, dir->path, 0, 0, &why);
                return 0;
        }
        stream = unit_dir_again(dir->fd);
        while (stream && r == 0 && (errno = 0, de = readdir(stream)))
                if (is_conf(de->d_name))
                        r = add_drop_in(d, de->d_name, d->dir_count - 1);
        if (!stream || (r == 0 && errno)) {
                (void) err_sys(&why, STAGE_LOAD, "read the directory");
                remark_err(remarks, DIAG_ERROR, dir->path, 0, 0, &why);
        }
        if (stream)
                (void) closedir(stream);
        return r;
}

/* The directories NAME.d, nearest first. A unit of ours is not changed by what lies in systemd's own directories. */
static int find_drop_ins(const struct unit_index *ix, const char *name, const struct unit_files *f, struct drop_ins *d,
                         struct remarks *remarks)
{
        const struct unit_entry *e = unit_index_find(ix, name);

        for (; e && e < ix->entries + ix->count && strcmp(unit_index_name(ix, e), name) == 0; e++)
                if (e->drop_ins && (f->fallback || !ix->paths->dirs[e->dir].fallback) &&
                    list_drop_ins(ix, e, d, remarks) < 0)
                        return -ENOMEM;
        return 0;
}

static int by_name_then_rank(const void *a, const void *b)
{
        const struct drop_in *x = a, *y = b;
        int c = strcmp(x->name, y->name);

        return c ? c : (int) x->rank - (int) y->rank;
}

static int read_drop_in(const struct drop_ins *d, const struct drop_in *one, bool check_owner, struct remarks *remarks,
                        struct unit_files *f)
{
        const struct drop_in_dir *dir = &d->dirs[one->rank];
        autobuf struct buf text = BUF_INIT;
        struct err why = { 0 };
        int r = unit_file_read(dir->fd, one->name, check_owner, &text, &why);

        if (r > 0)
                return 0; /* masked, or empty: nothing to say either way */
        if (r < 0) {
                autofree char *path = join(dir->path, one->name);

                remark_err(remarks, DIAG_ERROR, path, 0, 0, &why);
                return 0;
        }
        if (f->count == UNIT_SOURCES_MAX) {
                remark(remarks, DIAG_ERROR, dir->path, 0, 0, "put them together", "more than %d drop-ins",
                       UNIT_SOURCES_MAX - 1);
                return 0;
        }
        return add_source(f, join(dir->path, one->name), &text, dir->foreign);
}

static int read_drop_ins(const struct unit_index *ix, const char *name, struct remarks *remarks, struct unit_files *f)
{
        struct drop_ins d = { 0 };
        char template[256];
        int r = find_drop_ins(ix, name, f, &d, remarks);

        if (r == 0 && template_of(name, template))
                r = find_drop_ins(ix, template, f, &d, remarks);
        if (d.count)
                qsort(d.list, d.count, sizeof(*d.list), by_name_then_rank);
        for (size_t i = 0; i < d.count && r == 0; i++)
                if (i == 0 || strcmp(d.list[i - 1].name, d.list[i].name) != 0)
                        r = read_drop_in(&d, &d.list[i], ix->paths->check_owner, remarks, f);
        for (unsigned i = 0; i < d.dir_count; i++) {
                fd_close(&d.dirs[i].fd);
                free(d.dirs[i].path);
        }
        free(d.list);
        return r;
}

/* The same as unit_files_read(), but what could be read stays in *ret whatever happened. */
static int read_files(const struct unit_index *ix, const char *name, struct remarks *remarks, struct unit_files *ret)
{
        char template[256];
        unsigned before = remarks->errors;
        int r;

        ret->count = ret->owned_count = 0;
        ret->template = ret->fallback = false;
        r = read_main(ix, name, remarks, ret);
        if (r == -ENOENT && template_of(name, template)) {
                ret->template = true;
                r = read_main(ix, template, remarks, ret);
        }
        if (r == 0)
                r = read_drop_ins(ix, name, remarks, ret);
        return r == 0 && remarks->errors > before ? -EINVAL : r;
}

int unit_files_read(const struct unit_index *ix, const char *name, struct remarks *remarks, struct unit_files *ret)
{
        int r = read_files(ix, name, remarks, ret);

        if (r < 0)
                unit_files_free(ret);
        return r;
}

void unit_files_free(struct unit_files *f)
{
        for (size_t i = 0; i < f->owned_count; i++)
                free(f->owned[i]);
        f->count = f->owned_count = 0;
}

/* What there is of it, without a word about mistakes: they have been told, or are nobody's concern. */
static void read_husk(const struct unit_index *ix, const char *name, const struct unit_source *sources, size_t n,
                      struct husk *ret)
{
        const struct unit_text unit = { .name = name, .sources = sources, .count = n, .host = &ix->paths->host };
        struct spec *whole = NULL;

        if (unit_text_read(&unit, &whole, ret) == 0)
                ret->spec = whole;
        ret->placed = false;
}

/* The first file that the mask hides. */
static void read_hidden(const struct unit_index *ix, const char *name, struct husk *ret)
{
        const struct unit_entry *e = unit_index_find(ix, name), *end = ix->entries + ix->count;
        autobuf struct buf text = BUF_INIT;

        for (; e && e < end && strcmp(unit_index_name(ix, e), name) == 0; e++) {
                struct err why = { 0 };
                struct unit_source source = { .file = name, .foreign = ix->paths->dirs[e->dir].foreign };

                buf_clear(&text);
                if (e->drop_ins || unit_file_read(ix->fds[e->dir], name, ix->paths->check_owner, &text, &why) != 0)
                        continue;
                source.text = text.data;
                source.len = text.len;
                read_husk(ix, name, &source, 1, ret);
                return;
        }
}

static bool is_supervisor(const char *name)
{
        struct unit_name n;

        return unit_name_parse(name, &n, NULL) == 0 && n.kind == KIND_SUPERVISOR;
}

int unit_read(const struct unit_index *ix, const char *name, struct remarks *remarks, struct spec **ret,
              struct husk *ret_husk)
{
        struct unit_files files;
        int r;

        remarks->unit = name;
        r = read_files(ix, name, remarks, &files);
        if (r == 0) {
                const struct unit_text unit = { name, files.sources, files.count, &ix->paths->host, remarks->report,
                                                remarks->arg };

                r = unit_text_read(&unit, ret, ret_husk);
                remarks->errors += r == -EINVAL;
        } else if (r == -EINVAL && ret_husk && files.count > 0) {
                read_husk(ix, name, files.sources, files.count, ret_husk);
        } else if (r == -EOPNOTSUPP && ret_husk && is_supervisor(name)) {
                read_hidden(ix, name, ret_husk);
        }
        unit_files_free(&files);
        return r;
}
