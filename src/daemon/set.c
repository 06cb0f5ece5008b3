/* set.c - `set NODE Key=value`: directives that count at once, changed and kept.
 *
 * What is set lies in a drop-in of its own, so that it survives daemon-reload (and, without --runtime, the daemon), can
 * be read, and goes when the file is removed. The unit is then read anew with it: whatever is wrong with a value is
 * found by the same parser, and then the file is put back as it was. */
#include <stdio.h>
#include <string.h>

#include "core/transient.h"
#include "daemon/engine_priv.h"
#include "daemon/load.h"
#include "daemon/touch.h"
#include "os/fs.h"
#include "unit/unit_set.h"

enum { FILE_MAX = 64 * 1024 };

struct setting {
        enum directive directive;
        const char *value;         /* borrowed */
};

struct setter {
        struct engine *e;
        node_id id;
        const struct spec *before; /* borrowed from the core */
        struct setting *list;      /* owned */
        size_t count;
        char path[PATH_MAX_NODE];  /* of the drop-in; "" = in memory */
};

const char *set_dir(const struct engine *e, char *buf, size_t n)
{
        (void) snprintf(buf, n, "%s/set", e->opt.runtime_dir);
        return buf;
}

/* --- what is asked for -------------------------------------------------------------------------------------------- */

static int find_key(enum section section, const char *key, size_t len, enum directive *ret)
{
        char word[80];

        if (len == 0 || len >= sizeof(word))
                return -EINVAL;
        memcpy(word, key, len);
        word[len] = '\0';
        *ret = directive_find(section, word);
        if (*ret == D_NONE)
                *ret = directive_find(SECTION_UNIT, word);
        return *ret == D_NONE ? -ENOENT : 0;
}

static int unknown(enum section section, const char *text, size_t len, struct err *err)
{
        char word[80];
        const char *near;

        (void) snprintf(word, sizeof(word), "%.*s", (int) len, text);
        near = directive_nearest(section, word);
        (void) err_set(err, STAGE_LOAD, EINVAL, "set %.60s: there is no such directive", word);
        if (near)
                err_hint(err, "did you mean %s=?", near);
        return -EINVAL;
}

static int take(struct setter *s, const char *text, struct err *err)
{
        enum section section = spec_kind(s->before) == KIND_SERVICE ? SECTION_SERVICE : SECTION_SUPERVISOR;
        const char *eq = strchr(text, '=');
        enum directive d;

        if (!eq || strpbrk(text, "\n\r")) {
                (void) err_set(err, STAGE_LOAD, EINVAL, "set %.60s: not of the form Key=value", text);
                return -EINVAL;
        }
        if (find_key(section, text, (size_t) (eq - text), &d) < 0)
                return unknown(section, text, (size_t) (eq - text), err);
        if (directive_rows[d].change != CHANGE_LIVE) {
                (void) err_set(err, STAGE_LOAD, EINVAL, "set %s=: it does not count before the next start",
                               directive_rows[d].key);
                err_hint(err, "write it into the unit, then daemon-reload and restart");
                return -EINVAL;
        }
        s->list[s->count++] = (struct setting) { d, eq + 1 };
        return 0;
}

/* --- the text of the drop-in -------------------------------------------------------------------------------------- */

/* Lists grow over files: what was said before is taken back first. */
static void add_setting(struct buf *out, const struct setting *one)
{
        const char *key = directive_rows[one->directive].key;

        if (directive_is_list(one->directive) && one->value[0] != '\0')
                buf_addf(out, "%s=\n", key);
        buf_addf(out, "%s=%s\n", key, one->value);
}

static bool is_set_now(const struct setter *s, const char *line)
{
        size_t len = strcspn(line, "=\n");

        for (size_t i = 0; i < s->count; i++) {
                const char *key = directive_rows[s->list[i].directive].key;

                if (strlen(key) == len && memcmp(key, line, len) == 0)
                        return true;
        }
        return false;
}

/* The lines of one section of the old text whose keys are not set now. */
static void add_kept(const struct setter *s, const char *old, const char *section, struct buf *out)
{
        bool here = false;
        size_t n = strlen(section);

        for (const char *line = old; *line;) {
                size_t len = strcspn(line, "\n");

                if (line[0] == '[')
                        here = len == n + 2 && memcmp(line + 1, section, n) == 0;
                else if (here && len > 0 && !is_set_now(s, line))
                        buf_addf(out, "%.*s\n", (int) len, line);
                line += len + (line[len] == '\n');
        }
}

/* No section may come twice in a file: what is kept and what is new stand together in each. How many sections, or
 * -ENOMEM. */
static int write_text(const struct setter *s, const char *old, bool set, struct buf *out)
{
        int count = 0;

        buf_adds(out, "# Made by coppicectl set; remove the file (and daemon-reload) to take it back.\n");
        for (int section = 0; section < SECTION_COUNT; section++) {
                const char *name = strtab_text(&section_names, section);
                autobuf struct buf lines = BUF_INIT;

                add_kept(s, old, name, &lines);
                for (size_t i = 0; set && i < s->count; i++)
                        if ((int) directive_rows[s->list[i].directive].section == section)
                                add_setting(&lines, &s->list[i]);
                if (buf_failed(&lines))
                        return -ENOMEM;
                if (lines.len > 0)
                        buf_addf(out, "[%s]\n%s", name, buf_text(&lines));
                count += lines.len > 0;
        }
        return buf_failed(out) ? -ENOMEM : count;
}

/* --- where it goes ------------------------------------------------------------------------------------------------ */

static int place_in(struct setter *s, const char *dir, const char *file)
{
        char drop_ins[PATH_MAX_NODE];
        int r;

        if (snprintf(drop_ins, sizeof(drop_ins), "%s/%s.d", dir, spec_name(s->before)) >= (int) sizeof(drop_ins) ||
            snprintf(s->path, sizeof(s->path), "%s/%s", drop_ins, file) >= (int) sizeof(s->path))
                return -ENAMETOOLONG;
        r = fs_mkdir_p(drop_ins, 0755, NULL);
        if (r == 0 && access(drop_ins, W_OK) < 0)
                r = -errno;
        return r;
}

static int place(struct setter *s, bool runtime, struct err *err)
{
        char dir[PATH_MAX_NODE];
        int r = -ENOENT;

        if (runtime) {
                r = place_in(s, set_dir(s->e, dir, sizeof(dir)), "51-set.conf");
        } else {
                /* the last is that of --runtime */
                for (size_t i = 0; r < 0 && i + 1 < unit_paths_count(s->e->paths); i++)
                        r = place_in(s, unit_paths_dir(s->e->paths, i), "50-set.conf");
        }
        if (r < 0) {
                (void) err_set(err, STAGE_LOAD, -r, "write %s: %s", s->path, strerror(-r));
                err_hint(err, "--runtime keeps it below %s", s->e->opt.runtime_dir);
        }
        return r;
}

/* --- doing it ----------------------------------------------------------------------------------------------------- */

static void first_error(void *arg, const struct diag *d)
{
        struct err *err = arg;

        if (d->severity == DIAG_ERROR && err->code == 0)
                *err = d->err;
}

static int in_memory(struct setter *s, struct spec **ret, struct err *err)
{
        autobuf struct buf text = BUF_INIT, more = BUF_INIT;
        struct unit_source sources[2];
        int r;

        unit_text_print(s->before, false, &text);
        if (write_text(s, "", true, &more) < 0 || buf_failed(&text))
                return err_set(err, STAGE_RESOURCES, ENOMEM, "out of memory");
        sources[0] = (struct unit_source) { .file = "", .text = buf_text(&text), .len = text.len };
        sources[1] = (struct unit_source) { .file = "set", .text = buf_text(&more), .len = more.len };
        r = unit_text_parse(spec_name(s->before), sources, 2, unit_paths_host(s->e->paths), first_error, err, ret);
        return r < 0 && err->code == 0 ? err_set(err, STAGE_LOAD, -r, "read the unit again: %s", strerror(-r)) : r;
}

static void put_back(const char *path, const struct buf *old, bool was_there)
{
        char dir[PATH_MAX_NODE];
        char *slash;

        if (was_there) {
                (void) fs_write_atomic(path, old->data, old->len, 0644, NULL);
                return;
        }
        (void) unlink(path);
        (void) snprintf(dir, sizeof(dir), "%s", path);
        slash = strrchr(dir, '/');
        *slash = '\0';
        (void) rmdir(dir);
}

/* What --runtime has set would hide what is set for good. *path is "" when there is nothing of it; the text is what was
 * there. */
static int uncover(const struct setter *s, char *path, size_t n, struct buf *old, struct err *err)
{
        autobuf struct buf text = BUF_INIT;
        char dir[PATH_MAX_NODE];
        int r;

        (void) set_dir(s->e, dir, sizeof(dir));
        r = snprintf(path, n, "%s/%s.d/51-set.conf", dir, spec_name(s->before)) >= (int) n
            ? -ENOENT : fs_read(path, FILE_MAX, old, err);
        if (r < 0) {
                path[0] = '\0'; /* nothing to put back */
                if (r != -ENOENT)
                        return r;
                *err = (struct err) { 0 };
                return 0;
        }
        r = write_text(s, buf_text(old), false, &text);
        if (r < 0)
                return err_set(err, STAGE_RESOURCES, ENOMEM, "out of memory");
        if (r == 0)
                return unlink(path) < 0 ? err_set(err, STAGE_LOAD, errno, "remove %s", path) : 0;
        return fs_write_atomic(path, text.data, text.len, 0644, err);
}

/* Of a long path an error keeps the end. */
static bool ends_with(const char *path, const char *file)
{
        size_t all = strlen(path), n = strlen(file);

        return n <= all && strcmp(path + all - n, file) == 0;
}

static int in_file(struct setter *s, bool runtime, struct spec **ret, struct err *err)
{
        autobuf struct buf old = BUF_INIT, text = BUF_INIT, covering = BUF_INIT;
        char cover[PATH_MAX_NODE] = "";
        struct err said = { 0 };
        bool was_there;
        int r = place(s, runtime, err);

        if (r < 0)
                return r;
        r = fs_read(s->path, FILE_MAX, &old, err);
        if (r < 0 && r != -ENOENT)
                return r;
        was_there = r == 0;
        *err = (struct err) { 0 };
        if (write_text(s, buf_text(&old), true, &text) < 0)
                return err_set(err, STAGE_RESOURCES, ENOMEM, "out of memory");
        r = fs_write_atomic(s->path, text.data, text.len, 0644, err);
        if (r < 0)
                return r;
        if (!runtime)
                r = uncover(s, cover, sizeof(cover), &covering, &said);
        if (r == 0)
                r = touch_units(s->e, &said);
        if (r == 0)
                r = unit_load(s->e->paths, spec_name(s->before), first_error, &said, ret, err);
        if (r < 0) {
                put_back(s->path, &old, was_there);
                if (cover[0])
                        put_back(cover, &covering, true);
                if (said.code)
                        *err = said;
                if (ends_with(s->path, err->file))
                        err->file[0] = '\0'; /* that line is gone; the text names the assignment */
        }
        return r;
}

static void tell(const struct setter *s, const struct spec *after, const struct engine_setting *what)
{
        char path[PATH_MAX_NODE];

        (void) engine_path(s->e, s->id, path, sizeof(path));
        for (size_t i = 0; what->change && i < s->count; i++)
                if (!spec_same(s->before, after, s->list[i].directive))
                        what->change(what->arg, RELOAD_LIVE, path, s->list[i].directive, s->before, after);
}

int engine_set(struct engine *e, node_id id, const struct engine_setting *what, struct buf *ret_file, struct err *err)
{
        struct setter s = { .e = e, .id = id, .before = core_node(e->core, id)->spec };
        struct spec *after = NULL;
        int r = 0;

        s.list = calloc(what->count + 1, sizeof(*s.list));
        if (!s.list)
                return err_set(err, STAGE_RESOURCES, ENOMEM, "out of memory");
        for (size_t i = 0; i < what->count && r == 0; i++)
                r = take(&s, what->assignments[i], err);
        if (r == 0)
                r = spec_file(s.before)[0] == '\0' ? in_memory(&s, &after, err)
                                                   : in_file(&s, what->runtime, &after, err);
        if (r == 0) {
                tell(&s, after, what);
                buf_adds(ret_file, s.path);
                r = reload_one(e, id, after, err);
                spec_unref(after);
        }
        free(s.list);
        return r;
}
