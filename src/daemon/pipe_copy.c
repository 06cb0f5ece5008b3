/* pipe_copy.c - Deliver=all: coppice-tee between the writers' line and those of the readers. See pipe_priv.h. */
#include <string.h>

#include "daemon/pipe_priv.h"
#include "os/fs.h"

enum { FIRST_COPY = 10, NAME_MAX_LEN = 100 }; /* src/tee/main.c: where its outputs begin */

static uint64_t hash_of(const char *text)
{
        uint64_t h = 14695981039346656037ULL; /* FNV-1a */

        while (*text)
                h = (h ^ (unsigned char) *text++) * 1099511628211ULL;
        return h;
}

/* "/shop/media" -> "copies:shop:media": a name that a service may have. */
static char *copier_name(const char *path)
{
        char *name = NULL;

        if (strlen(path) > NAME_MAX_LEN)
                return asprintf(&name, "copies:%016llx", (unsigned long long) hash_of(path)) < 0 ? NULL : name;
        if (asprintf(&name, "copies%s", path) < 0)
                return NULL;
        for (char *p = name; *p; p++)
                if (*p == '/' || *p == '@')
                        *p = *p == '/' ? ':' : '-';
        return name;
}

node_id pipe_copier(const struct pipe_channel *ch)
{
        char path[PATH_MAX_NODE];

        (void) snprintf(path, sizeof path, "/" TRANSIENT_PLACE "/%s", ch->copier);
        return core_find(ch->e->core, NODE_ROOT, path, NULL);
}

static int own_end(const struct pipe_channel *ch, int fd, struct pipe_tap **ret, size_t *ret_count)
{
        struct pipe_tap *tap = calloc(1, sizeof *tap);

        if (!tap)
                return -ENOMEM;
        *tap = (struct pipe_tap) { .end = { .fd = fd }, .copier = true, .node = NODE_NONE,
                                   .origin = spec_origin(ch->spec, D_CHANNEL_Deliver) };
        *ret = tap;
        *ret_count = 1;
        return 0;
}

/* A reader keeps its line when others come or go. */
static int reader_line(struct pipe_channel *ch, size_t i)
{
        unsigned index = 1 + (unsigned) (hash_of(spec_item(ch->spec, D_CHANNEL_To, i)) % 1000000000);
        struct pipe_line *l;

        if (pipe_line_add(ch, index, &l) < 0 || own_end(ch, FIRST_COPY + (int) i, &l->from, &l->from_count) < 0 ||
            pipe_taps_read(ch->spec, D_CHANNEL_To, i, 1, &l->to) < 0)
                return -ENOMEM;
        l->to_count = 1;
        return 0;
}

int pipe_copy_lines(struct pipe_channel *ch)
{
        size_t writers = spec_count(ch->spec, D_CHANNEL_From);
        struct pipe_line *l;
        int r;

        if (!ch->copier)
                ch->copier = copier_name(ch->path);
        if (!ch->copier || pipe_line_add(ch, 0, &l) < 0 ||
            pipe_taps_read(ch->spec, D_CHANNEL_From, 0, writers, &l->from) < 0)
                return -ENOMEM;
        l->from_count = writers;
        r = own_end(ch, 0, &l->to, &l->to_count);
        for (size_t i = 0; i < spec_count(ch->spec, D_CHANNEL_To) && r == 0; i++)
                r = reader_line(ch, i);
        return r;
}

static int start(struct pipe_channel *ch, struct err *err)
{
        static const char *const fixed[] = { "Restart=on-failure", "NotifyAccess=main", "StandardError=log",
                                             "NoNewPrivileges=yes" };
        const char *properties[ARRAY_LEN(fixed) + 1], *command[1];
        struct transient_request q = { .name = ch->copier, .supervisor = NODE_NONE, .command = command, .argc = 1,
                                       .properties = properties, .property_count = ARRAY_LEN(properties),
                                       .fds = { -1, -1, -1 } };
        autofree char *description = NULL;
        char program[4096];
        uint64_t serial;
        node_id id;

        if (asprintf(&description, "Description=Copies of what comes by channel %s", ch->path) < 0)
                return err_set(err, STAGE_RESOURCES, ENOMEM, "out of memory");
        if (fs_beside("coppice-tee", program, sizeof program) < 0)
                return err_set(err, STAGE_EXEC, ENOENT, "find coppice-tee, beside coppice-engine or in " PKGLIBEXECDIR);
        memcpy(properties, fixed, sizeof fixed);
        properties[ARRAY_LEN(fixed)] = description;
        command[0] = program;
        return engine_transient(ch->e, &q, NULL, NULL, &serial, &id, err);
}

/* As long as it runs, or is about to be started again, it will come to what there is to be read. */
bool pipe_copier_see(struct pipe_channel *ch)
{
        struct err err = { 0 };
        node_id id;

        if (!ch->copier || ch->e->stopping || !pipe_line_unread(&ch->lines[0]))
                return false;
        id = pipe_copier(ch);
        if (id != NODE_NONE)
                return core_settled(ch->e->core, id); /* it goes away before another one comes */
        if (start(ch, &err) < 0)
                log_error("%s: nobody copies what comes: %s", ch->path, err.text);
        return false;
}
