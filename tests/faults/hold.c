/* hold.c - see faults.h: who is there, how many descriptors they have, and with which rights. */
#include "faults.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

static int children_of(pid_t pid, int *list, int max)
{
        char path[64];
        int n = 0;
        FILE *f;

        (void) snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int) pid, (int) pid);
        f = fopen(path, "re");
        while (f && n < max && fscanf(f, "%d", &list[n]) == 1)
                n++;
        if (f)
                (void) fclose(f);
        return n;
}

static char state_of(int pid, char comm[32])
{
        char path[64], line[300] = "", *end;
        FILE *f;

        (void) snprintf(path, sizeof(path), "/proc/%d/stat", pid);
        f = fopen(path, "re");
        if (f && !fgets(line, sizeof(line), f))
                line[0] = '\0';
        if (f)
                (void) fclose(f);
        end = strrchr(line, ')');
        if (!end || !strchr(line, '('))
                return '-';
        *end = '\0';
        (void) snprintf(comm, 32, "%s", strchr(line, '(') + 1);
        return end[2];
}

int engine_of(const struct world *w)
{
        int list[64], n = children_of(w->trace->init, list, 64);

        for (int i = 0; i < n; i++) {
                char comm[32] = "";

                if (state_of(list[i], comm) != 'Z' && strcmp(comm, "coppice-engine") == 0)
                        return list[i];
        }
        return 0;
}

static unsigned count_fds(int pid)
{
        char path[64];
        unsigned n = 0;
        DIR *d;

        (void) snprintf(path, sizeof(path), "/proc/%d/fd", pid);
        d = opendir(path);
        while (d && readdir(d))
                n++;
        if (d)
                (void) closedir(d);
        return n;
}

struct family {
        unsigned fds[3];         /* init, engine, log writer */
        unsigned sleepers, dead, others;
};

static struct family look_around(const struct world *w)
{
        struct family f = { 0 };
        int list[64], n = children_of(w->trace->init, list, 64);

        f.fds[0] = count_fds(w->trace->init);
        for (int i = 0; i < n; i++) {
                char comm[32] = "", state = state_of(list[i], comm);

                if (state == 'Z')
                        f.dead++;
                else if (strcmp(comm, "coppice-engine") == 0)
                        f.fds[1] += count_fds(list[i]);
                else if (strcmp(comm, "coppice-logd") == 0)
                        f.fds[2] += count_fds(list[i]);
                else if (strcmp(comm, "sleep") == 0)
                        f.sleepers++;
                else
                        f.others++;
        }
        return f;
}

static bool family_is_right(struct world *w, void *arg)
{
        struct family *f = arg;

        *f = look_around(w);
        if (f->dead || f->others || f->sleepers != SERVICES || !f->fds[1] || !f->fds[2])
                return false;
        for (int i = 0; i < 3 && w->measured; i++)
                if (f->fds[i] > w->fds[i]) /* fewer: something is not to be had in this life */
                        return false;
        return true;
}

/* For whoever looks for a descriptor too many. */
static void list_fds(const struct world *w)
{
        char command[300];

        (void) snprintf(command, sizeof(command), "for p in %d $(cat /proc/%d/task/*/children); do cat /proc/$p/comm; ls -l /proc/$p/fd; done >%s/fds 2>&1",
                        (int) w->trace->init, (int) w->trace->init, w->dir);
        if (system(command) != 0)
                return;
}

bool check_family(struct world *w)
{
        struct family f = { 0 };
        bool right = until(w, family_is_right, &f);

        if (!right)
                list_fds(w);
        if (!right)
                return wrong(w, "%u services, %u zombies, %u strangers; descriptors of init %u, engine %u, logd %u; of %u, %u, %u", f.sleepers,
                             f.dead, f.others, f.fds[0], f.fds[1], f.fds[2], w->fds[0], w->fds[1], w->fds[2]);
        for (int i = 0; i < 3 && !w->measured; i++)
                if (f.fds[i] > w->fds[i])
                        w->fds[i] = f.fds[i];
        return true;
}

bool check_rights(struct world *w)
{
        static const char *const lines[] = { "\nUid:\t65534\t65534\t65534\t65534\n", "\nGid:\t65534\t65534\t65534\t65534\n",
                                             "\nCapEff:\t0000000000000000\n", "\nNoNewPrivs:\t1\n" };
        struct wanted boxed = { .name = "/boxed" };
        char path[64], text[4096];
        size_t n = 0;
        FILE *f;

        if (!until(w, runs_again, &boxed))
                return wrong(w, "/boxed does not run");
        (void) snprintf(path, sizeof(path), "/proc/%d/status", boxed.pid);
        f = fopen(path, "re");
        if (f) {
                n = fread(text, 1, sizeof(text) - 1, f);
                (void) fclose(f);
        }
        text[n] = '\0';
        for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
                if (!strstr(text, lines[i]))
                        return wrong(w, "the rights of /boxed are not those of its unit: no \"%.*s\"", (int) strlen(lines[i]) - 2, lines[i] + 1);
        return true;
}
