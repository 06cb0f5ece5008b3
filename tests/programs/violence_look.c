/* violence_look.c - see violence.h: what the daemon says of its services, and whether that is right. */
#include <jansson.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tests/programs/violence.h"

long long now_ms(void)
{
        struct timespec t;

        (void) clock_gettime(CLOCK_MONOTONIC, &t);
        return (long long) t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

void wait_usec(long usec)
{
        const struct timespec t = { usec / 1000000, usec % 1000000 * 1000 };

        (void) ppoll(NULL, 0, &t, NULL);
}

static void take(struct look *l, const json_t *n)
{
        const json_t *pid = json_object_get(n, "main_pid");
        struct service *s = &l->list[l->count];

        if (strcmp(json_string_value(json_object_get(n, "type")), "service") != 0 || l->count == SERVICES_MAX)
                return;
        *s = (struct service) { .pid = (int) json_integer_value(pid) };
        (void) snprintf(s->path, sizeof(s->path), "%s", json_string_value(json_object_get(n, "path")));
        s->restarts = (unsigned) json_integer_value(json_object_get(n, "restarts"));
        (void) snprintf(s->reason, sizeof(s->reason), "%s", json_string_value(json_object_get(n, "last_reason")));
        s->running = strcmp(json_string_value(json_object_get(n, "state")), "running") == 0;
        l->count++;
}

bool look(struct look *ret)
{
        char command[300];
        json_t *all, *nodes;
        FILE *f;

        ret->count = 0;
        (void) snprintf(command, sizeof(command), "%s --timeout 5s list --json 2>/dev/null", v.ctl);
        f = popen(command, "re");
        if (!f)
                return false;
        all = json_loadf(f, 0, NULL);
        if (pclose(f) != 0 || !all) {
                json_decref(all);
                return false;
        }
        nodes = json_is_array(all) ? all : json_object_get(all, "nodes");
        for (size_t i = 0; i < json_array_size(nodes); i++)
                take(ret, json_array_get(nodes, i));
        json_decref(all);
        return ret->count > 0;
}

int processes_in(const char *path)
{
        char file[400], line[64];
        int n = 0;
        FILE *f;

        (void) snprintf(file, sizeof(file), "%s%s/cgroup.procs", v.cgroup, path);
        f = fopen(file, "re");
        if (!f)
                return -1;
        while (fgets(line, sizeof(line), f))
                n++;
        (void) fclose(f);
        return n;
}

const char *differs(const struct service *before, const struct service *now)
{
        const unsigned more = before->hit ? 1 : 0;

        if (!now->running)
                return "does not run";
        if (now->restarts != before->restarts + more)
                return "has another number of restarts";
        if (before->hit == (now->pid == before->pid))
                return before->hit ? "has the process that was killed" : "has another process";
        if (before->hit && v.reason && strcmp(now->reason, v.reason) != 0)
                return "has ended for another reason";
        if (now->pid <= 1 || kill(now->pid, 0) < 0)
                return "has a process that does not exist";
        if (v.cgroup[0] && processes_in(now->path) != 1)
                return "has not one process in its group";
        return NULL;
}

static bool agree(const struct look *before, const struct look *now, char *why, size_t n)
{
        (void) snprintf(why, n, "there are %d services, not %d", now->count, before->count);
        if (now->count != before->count)
                return false;
        for (int i = 0; i < now->count; i++) {
                const char *what = differs(&before->list[i], &now->list[i]);

                if (!what)
                        continue;
                (void) snprintf(why, n, "%s %s (pid %d, restarts %u; before %d, %u%s)", now->list[i].path,
                                what, now->list[i].pid, now->list[i].restarts, before->list[i].pid,
                                before->list[i].restarts, before->list[i].hit ? ", hit" : "");
                return false;
        }
        return true;
}

bool settle(struct look *l)
{
        const long long deadline = now_ms() + PATIENCE_MS;
        char why[400] = "nobody answers";
        struct look now;

        while (now_ms() < deadline) {
                if (look(&now) && agree(l, &now, why, sizeof(why))) {
                        *l = now;
                        return true;
                }
                wait_usec(1000);
        }
        printf("# after %u kills: %s\n", v.kills, why);
        return false;
}

pid_t engine(void)
{
        char path[64], text[4096], comm[64];
        size_t n;
        FILE *f;

        (void) snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int) v.init, (int) v.init);
        f = fopen(path, "re");
        n = f ? fread(text, 1, sizeof(text) - 1, f) : 0;
        if (f)
                (void) fclose(f);
        text[n] = '\0';
        for (char *at = text, *end; *at; at = end + strspn(end, " ")) {
                long pid = strtol(at, &end, 10);

                if (end == at)
                        break;
                (void) snprintf(path, sizeof(path), "/proc/%ld/comm", pid);
                f = fopen(path, "re");
                if (f && fgets(comm, sizeof(comm), f) && strncmp(comm, "coppice-engine", 14) == 0) {
                        (void) fclose(f);
                        return (pid_t) pid;
                }
                if (f)
                        (void) fclose(f);
        }
        return -1;
}

pid_t wait_for_engine(void)
{
        const long long deadline = now_ms() + PATIENCE_MS;
        pid_t pid;

        while ((pid = engine()) < 0 && now_ms() < deadline)
                wait_usec(1000);
        return pid;
}
