/* left_note.c - the file `leave`: what this daemon has started and is to leave. See left.h, left.c. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "daemon/engine_priv.h"
#include "daemon/left_priv.h"
#include "os/fs.h"
#include "os/nogroup.h"

const char *left_path(const struct engine *e, const char *name, char buf[PATH_MAX])
{
        (void) snprintf(buf, PATH_MAX, "%s/%s", e->opt.runtime_dir, name);
        return buf;
}

void left_print(struct buf *out, const char *node, const char *group, pid_t pid, uint64_t born)
{
        if (group)
                buf_addf(out, "group\t%s\t%s\n", node, group);
        else
                buf_addf(out, "process\t%s\t%d %llu\n", node, (int) pid, (unsigned long long) born);
}

/* The file without what it says of this node. */
static void other_lines(struct buf *out, const char *text, const char *node)
{
        const size_t len = strlen(node);

        for (const char *end; (end = strchr(text, '\n')); text = end + 1) {
                const char *name = memchr(text, '\t', (size_t) (end - text));

                if (name && !(strncmp(name + 1, node, len) == 0 && name[1 + len] == '\t'))
                        buf_add(out, text, (size_t) (end + 1 - text));
        }
}

/* What the file says. Nobody else writes it, so it is read once. */
static int know(struct left *f)
{
        char path[PATH_MAX];
        int r;

        if (f->noted_known)
                return 0;
        buf_clear(&f->noted);
        r = fs_read(left_path(f->e, "leave", path), LEFT_FILE_MAX, &f->noted, NULL);
        f->noted_known = r >= 0 || r == -ENOENT;
        return f->noted_known ? 0 : r;
}

/* A further line. One that does not go in as a whole is none (it has no newline), and the file is written anew at the
 * next change. */
static int append(const char *path, const struct buf *line)
{
        autoclose int fd = open(path, O_WRONLY | O_APPEND | O_NOFOLLOW | O_CLOEXEC);
        ssize_t n = fd < 0 ? -1 : write(fd, line->data, line->len);

        return n < 0 ? -errno : (size_t) n < line->len ? -ENOSPC : 0;
}

/* The file says `text` from now on; of that only `more` is new, NULL: it is written anew. So it is when somebody has
 * removed the file, as cleaners of /tmp do. */
static int write_down(const char *path, const struct buf *text, const struct buf *more)
{
        int r = more ? append(path, more) : -ENOENT;

        return r == -ENOENT ? fs_write_atomic(path, buf_text(text), text->len, 0600, NULL) : r;
}

/* What the file says of this node is `line` from now on; NULL: nothing. A file that could not be read is not written:
 * the others' lines would be gone. A new node costs a line, one of which something else is said the whole file, and a
 * restart in the same group nothing but a look at what we know. */
static int change(struct engine *e, const char *node, const struct buf *line)
{
        struct left *f = left_of(e);
        struct buf text = BUF_INIT;
        char path[PATH_MAX];
        int r = f ? know(f) : -ENOMEM;
        bool new;

        if (r < 0)
                return r;
        if (line && strstr(buf_text(&f->noted), buf_text(line)))
                return 0;
        other_lines(&text, buf_text(&f->noted), node);
        new = text.len == f->noted.len;
        if (line)
                buf_add(&text, line->data, line->len);
        if (buf_failed(&text) || (line && buf_failed(line)))
                r = -ENOMEM;
        else if (line || !new)
                r = write_down(left_path(e, "leave", path), &text, new && f->noted.len > 0 ? line : NULL);
        if (r < 0) {
                f->noted_known = false;
                buf_free(&text);
                return r;
        }
        buf_free(&f->noted);
        f->noted = text;
        return 0;
}

/* The unit does not say leave: it may have when it was started last. */
static void take_out(struct engine *e, node_id id)
{
        char path[PATH_MAX], node[PATH_MAX_NODE];
        int r;

        if (access(left_path(e, "leave", path), F_OK) < 0 && errno == ENOENT)
                return;
        r = change(e, engine_path(e, id, node, sizeof(node)), NULL);
        if (r < 0)
                log_warning("%s: %s cannot be changed: %s; the next coppiced may leave it as the unit said before",
                            node, path, strerror(-r));
}

/* parent: it must be the child of this one, 0 = whosoever. */
static void note(struct engine *e, node_id id, pid_t pid, pid_t parent)
{
        autobuf struct buf line = BUF_INIT;
        char path[PATH_MAX], node[PATH_MAX_NODE], group[PATH_MAX] = "";
        bool groups = e->cgroup && cgroup_backend(e->cgroup) != CGROUP_NONE;
        struct nogroup_birth b = { 0 };
        int r = 0;

        if (groups != (pid == 0))
                return;
        if (pid > 0)
                r = nogroup_birth(pid, &b);
        if (r == -ESRCH || b.zombie || (parent && b.parent != parent)) /* it has ended: nobody is left of it */
                return;
        engine_path(e, id, node, sizeof(node));
        if (groups)
                cgroup_node_path(e->cgroup, node, group, sizeof(group));
        left_print(&line, node, groups ? group : NULL, pid, b.start);
        if (r == 0)
                r = change(e, node, &line);
        if (r < 0)
                log_warning("%s: %s cannot be written: %s; the next coppiced would not know that it is to be left",
                            node, left_path(e, "leave", path), strerror(-r));
}

static void note_or_not(struct engine *e, node_id id, pid_t pid, pid_t parent)
{
        const struct node *n = core_node(e->core, id);

        if (!n || n->kind != KIND_SERVICE || e->opt.pid1)
                return;
        if (spec_int(n->spec, D_SERVICE_OnDaemonDeath) == ON_DEATH_LEAVE)
                note(e, id, pid, parent);
        else if (pid == 0)
                take_out(e, id);
}

void left_note(struct engine *e, node_id id, pid_t pid)
{
        note_or_not(e, id, pid, 0);
}

void left_note_child(struct engine *e, node_id id, pid_t pid)
{
        note_or_not(e, id, pid, (pid_t) e->opt.pid);
}
