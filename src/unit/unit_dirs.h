/* unit_dirs.h - inside of unit/: the search path, one listing of it, one safe read. See unit_set.h for the rules.
 * Used by: unit/ only. */
#ifndef UNIT_UNIT_DIRS_H
#define UNIT_UNIT_DIRS_H

#include <dirent.h>

#include "base/buf.h"
#include "unit/unit_set.h"

struct unit_dir {
        char *path;
        bool foreign;          /* written for systemd */
        bool fallback;         /* systemd's own, behind the search path */
        bool required;         /* named with --units: that it is missing is an error */
};

struct unit_paths {
        struct unit_dir *dirs;
        size_t count, own;     /* all; without the fallback */
        bool check_owner;
        struct unit_host host; /* its texts are owned */
};

/* unit_host.c: fill it; what is not known stays NULL. */
void unit_host_learn(struct unit_host *h, const struct unit_options *o);
void unit_host_done(struct unit_host *h);

/* $VARIABLE/rest, or home/otherwise/rest; NULL when neither is known. Owned. */
char *unit_xdg(const char *variable, const char *home, const char *otherwise, const char *rest);

/* One name in one directory. */
struct unit_entry {
        uint32_t name;         /* offset in names */
        uint16_t dir;          /* index into paths->dirs */
        bool drop_ins;         /* a directory NAME.d */
};

/* What the directories held when they were listed. */
struct unit_index {
        const struct unit_paths *paths;
        int *fds;              /* of the directories, -1 where there is none */
        struct buf names;
        struct unit_entry *entries; /* sorted by name, then by directory */
        size_t count, cap;
};

/* List every directory. -ENOMEM; whatever else goes wrong is a remark. */
int unit_index_new(const struct unit_paths *paths, struct remarks *remarks, struct unit_index *ret);
void unit_index_free(struct unit_index *ix);

/* "web.service"; borrowed from the index. */
const char *unit_index_name(const struct unit_index *ix, const struct unit_entry *e);

/* The first entry of that name; those of later directories follow it. NULL when there is none. */
const struct unit_entry *unit_index_find(const struct unit_index *ix, const char *name);

/* Read a regular file into out (which is emptied first). 0; 1 when it masks (a link to /dev/null, or empty);
 * -errno with err filled. */
int unit_file_read(int dirfd, const char *name, bool check_owner, struct buf *out, struct err *err);

/* FAILURES H11: may only root and we ourselves write this? Whoever owns "/" counts as root. */
struct stat;
int unit_check_owner(const struct stat *st, const char *name, struct err *err);
int unit_check_dir(int fd, const char *name, struct err *err);

/* To list what the descriptor is of, which stays as it is. NULL with errno. */
DIR *unit_dir_again(int fd);

/* The files a unit is made of. */
struct unit_files {
        struct unit_source sources[UNIT_SOURCES_MAX + 1];
        char *owned[2 * (UNIT_SOURCES_MAX + 1)]; /* names and texts */
        size_t count, owned_count;
        bool template;         /* the main file is the template of the instance */
        bool fallback;
};

/* Find and read main file and drop-ins of `name`. 0, -ENOENT, -EOPNOTSUPP (masked), -EINVAL (remark made), -ENOMEM. */
int unit_files_read(const struct unit_index *ix, const char *name, struct remarks *remarks, struct unit_files *ret);
void unit_files_free(struct unit_files *f);

/* Both steps: files, then text. ret_husk, which may be NULL, is filled when the unit has errors; and of a masked
 * supervisor with what the mask hides, for that says which units are below it. */
int unit_read(const struct unit_index *ix, const char *name, struct remarks *remarks, struct spec **ret,
              struct husk *ret_husk);

#endif
