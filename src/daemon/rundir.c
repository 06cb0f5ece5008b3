/* rundir.c - RuntimeDirectory= and its kin: where they are made, and the end of the former. */
#include <dirent.h>
#include <fcntl.h>
#include <string.h>

#include "daemon/engine_priv.h"
#include "daemon/rundir.h"
#include "unit/unit_set.h"

enum { DEPTH_MAX = 64 };

const char *rundir_root(const struct engine *e, const char *kind)
{
        const struct unit_host *host = unit_paths_host(e->paths);

        switch (kind[0]) {
        case 'r': return host->runtime_dir;
        case 's': return host->state_dir;
        case 'l': return host->logs_dir;
        }
        return strcmp(kind, "cache") == 0 ? host->cache_dir : host->config_dir;
}

void rundir_remove_below(int parent, const char *name, int depth, int *budget)
{
        int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        DIR *dir = fd < 0 ? NULL : fdopendir(fd);
        struct dirent *entry;

        if (!dir) {
                if (fd >= 0)
                        (void) close(fd);
                return;
        }
        while ((entry = readdir(dir))) {
                if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
                        continue;
                if (--*budget < 0)
                        break;
                if (unlinkat(fd, entry->d_name, 0) == 0 || (errno != EISDIR && errno != EPERM))
                        continue;
                if (depth < DEPTH_MAX)
                        rundir_remove_below(fd, entry->d_name, depth + 1, budget);
                (void) unlinkat(fd, entry->d_name, AT_REMOVEDIR);
        }
        (void) closedir(dir);
}

void rundir_remove(struct engine *e, node_id id)
{
        const struct node *node = core_node(e->core, id);
        const char *dir = rundir_root(e, "runtime");
        int root = dir ? open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1; /* who is not root may have none */
        int budget = INT32_MAX;

        for (size_t i = 0; node && root >= 0 && i < spec_count(node->spec, D_SERVICE_RuntimeDirectory); i++) {
                const char *name = spec_item(node->spec, D_SERVICE_RuntimeDirectory, i);

                rundir_remove_below(root, name, 0, &budget);
                (void) unlinkat(root, name, AT_REMOVEDIR);
        }
        if (root >= 0)
                (void) close(root);
}
