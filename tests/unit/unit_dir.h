/* unit_dir.h - a temporary directory of units, loaded as a set and drawn as a tree: for unit_set.c and unit_disk.c. */
#ifndef TESTS_UNIT_UNIT_DIR_H
#define TESTS_UNIT_UNIT_DIR_H

#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/units.h"
#include "unit/unit_set.h"

static char dir[64];          /* of the running test */

static inline int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
        (void) st, (void) flag, (void) ftw;
        return remove(path);
}

static inline int make_dir(void **state)
{
        (void) state;
        (void) snprintf(dir, sizeof(dir), "/tmp/coppice-units.XXXXXX");
        (void) umask(022);
        return mkdtemp(dir) ? 0 : -1;
}

static inline int remove_dir(void **state)
{
        (void) state;
        return nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static inline const char *at(const char *name)
{
        static char path[4][512];
        static int turn;
        char *p = path[turn++ % 4];

        (void) snprintf(p, sizeof(path[0]), "%s/%s", dir, name);
        return p;
}

static inline void put(const char *name, const char *text)
{
        char path[512];
        FILE *f;

        (void) snprintf(path, sizeof(path), "%s", at(name));
        for (char *slash = strchr(path + strlen(dir) + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
                *slash = '\0';
                (void) mkdir(path, 0755);
                *slash = '/';
        }
        f = fopen(path, "w");
        assert_non_null(f);
        (void) fputs(text, f);
        (void) fclose(f);
}

#define RUN "[Service]\nExecStart=/bin/true\n"

/* Load DIR/a, then DIR/b, with DIR/systemd/system as systemd's. */
static inline struct unit_paths *paths_of(bool check_owner)
{
        static char a[80], b[80], s[80];
        const char *dirs[] = { a, b }, *systemd[] = { s, NULL };
        struct unit_options o = { .dirs = dirs, .dir_count = 2, .systemd_dirs = systemd, .check_owner = check_owner };
        struct unit_paths *p;

        (void) snprintf(a, sizeof(a), "%s/a", dir);
        (void) snprintf(b, sizeof(b), "%s/b", dir);
        (void) snprintf(s, sizeof(s), "%s/systemd/system", dir);
        (void) mkdir(a, 0755);
        (void) mkdir(b, 0755);
        assert_int_equal(unit_paths_new(&o, &p, NULL), 0);
        return p;
}

static inline struct unit_set *load_with(bool check_owner)
{
        struct unit_paths *p = paths_of(check_owner);
        struct unit_set *set = NULL;

        assert_int_equal(unit_set_load(p, &set, NULL), 0);
        unit_paths_free(p);
        return set;
}

static inline struct unit_set *load(void)
{
        return load_with(false);
}

/* "/ web shop(api db)" - the tree in one line. */
static inline void draw(const struct unit_set *set, uint32_t parent, struct buf *out)
{
        for (uint32_t i = 0; i < unit_set_count(set); i++) {
                const struct unit_node *n = unit_set_node(set, i);

                if (n->parent != parent)
                        continue;
                buf_addf(out, "%s%s", out->len && out->data[out->len - 1] != '(' ? " " : "", spec_stem(n->spec));
                if (spec_kind(n->spec) == KIND_SUPERVISOR) {
                        buf_addc(out, '(');
                        draw(set, i, out);
                        buf_addc(out, ')');
                }
        }
}

static inline void assert_tree(const struct unit_set *set, const char *expected)
{
        struct buf text = BUF_INIT;

        draw(set, UINT32_MAX, &text);
        assert_string_equal(buf_text(&text), expected);
        buf_free(&text);
}

static inline const char *remarks_in(const struct unit_set *set)
{
        static char all[16384];
        struct buf text = BUF_INIT;

        for (size_t i = 0; i < unit_set_diag_count(set); i++) {
                diag_print(unit_set_diag(set, i), &text);
                buf_addc(&text, '\n');
        }
        (void) snprintf(all, sizeof(all), "%s", buf_text(&text));
        buf_free(&text);
        return all;
}

#endif
