/* twins.c - a core and the one that was restored from its snapshot are the same core.
 *
 *     twins [--events N] [--seed S]
 *
 * Plays the random trees of scenario.c. The linker sends every step here (-Wl,--wrap=...): it is taken twice, by the
 * core and by a twin made from a snapshot of it some steps ago, and both must ask for the same actions. Every so often
 * their snapshots are compared, byte by byte, and a new twin is born; also whenever the tree itself was changed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "core/snapshot.h"
#include "scenario.h"

enum { LIFE = 48 }; /* steps a twin lives */

static struct {
        struct core *of, *twin;
        unsigned age;
        uint64_t steps, compared, bytes;
        char broken[400];
} t;

void allocations_watch(bool on) { (void) on; }
unsigned allocations_seen(void) { return 0; }

struct actions __real_core_step(struct core *c, const struct event *event, nsec now);
struct actions __wrap_core_step(struct core *c, const struct event *event, nsec now);
void __real_core_free(struct core *c);
void __wrap_core_free(struct core *c);
int __real_core_add(struct core *c, node_id parent, struct spec *s, bool dynamic, node_id *id, struct err *err);
int __wrap_core_add(struct core *c, node_id parent, struct spec *s, bool dynamic, node_id *id, struct err *err);
int __real_core_link(struct core *c, void (*report)(void *, const struct err *), void *arg, struct err *err);
int __wrap_core_link(struct core *c, void (*report)(void *, const struct err *), void *arg, struct err *err);
int __real_core_set_spec(struct core *c, node_id id, struct spec *s, struct err *err);
int __wrap_core_set_spec(struct core *c, node_id id, struct spec *s, struct err *err);

static void complain(const char *what)
{
        if (t.broken[0] == '\0')
                (void) snprintf(t.broken, sizeof(t.broken), "step %llu: %s", (unsigned long long) t.steps, what);
}

static void drop(void)
{
        if (t.twin)
                __real_core_free(t.twin);
        t.twin = NULL;
        t.of = NULL;
}

static void save(const struct core *c, struct buf *out)
{
        pack_schema(out, &core_schema);
        core_snapshot(c, out);
}

static struct core *restore(const struct buf *bytes)
{
        struct unpack u = unpack_begin(bytes->data, bytes->len);
        struct err err = { 0 };
        struct pack_map *map = unpack_schema(&u, &core_schema, &err);
        struct core *c = NULL;

        if (map && core_restore(&u, map, &c, &err) == 0 && u.at != u.end)
                complain("bytes are left over");
        if (err.code)
                complain(err.text);
        pack_map_free(map);
        return c;
}

static void compare(void)
{
        autobuf struct buf a = BUF_INIT, b = BUF_INIT;

        save(t.of, &a);
        save(t.twin, &b);
        t.compared++;
        t.bytes += a.len;
        if (a.len != b.len || memcmp(a.data, b.data, a.len) != 0)
                complain("the twin's snapshot differs");
}

static void be_born(struct core *c)
{
        autobuf struct buf bytes = BUF_INIT;

        drop();
        save(c, &bytes);
        t.twin = restore(&bytes);
        t.of = c;
        t.age = 0;
        if (t.twin)
                compare();
        else
                complain("no twin can be made");
}

static bool same_action(const struct action *a, const struct action *b)
{
        return a->kind == b->kind && a->role == b->role && a->result == b->result && a->node == b->node &&
               a->confirm_exec == b->confirm_exec && a->incarnation == b->incarnation && a->token == b->token &&
               a->directive == b->directive && a->index == b->index && a->arg == b->arg && a->cause == b->cause &&
               reason_equal(&a->reason, &b->reason);
}

static void twin_step(const struct event *e, nsec now, const struct actions *asked)
{
        struct actions twins = __real_core_step(t.twin, e, now);

        if (twins.count != asked->count)
                complain("the twin asks for another number of actions");
        for (uint32_t i = 0; i < asked->count && i < twins.count; i++)
                if (!same_action(&asked->list[i], &twins.list[i]))
                        complain("the twin asks for another action");
        if (core_deadline(t.of) != core_deadline(t.twin))
                complain("the twin wants to be called at another time");
}

struct actions __wrap_core_step(struct core *c, const struct event *event, nsec now)
{
        const struct event copy = *event; /* the list it may lie in goes with the step */
        struct actions asked;

        if (t.of != c || !t.twin || t.age++ >= LIFE)
                be_born(c);
        asked = __real_core_step(c, event, now);
        t.steps++;
        if (t.twin) {
                twin_step(&copy, now, &asked);
                if (t.age == LIFE)
                        compare();
        }
        return asked;
}

void __wrap_core_free(struct core *c)
{
        if (c == t.of)
                drop();
        __real_core_free(c);
}

int __wrap_core_add(struct core *c, node_id parent, struct spec *s, bool dynamic, node_id *id, struct err *err)
{
        drop();
        return __real_core_add(c, parent, s, dynamic, id, err);
}

int __wrap_core_link(struct core *c, void (*report)(void *, const struct err *), void *arg, struct err *err)
{
        drop();
        return __real_core_link(c, report, arg, err);
}

int __wrap_core_set_spec(struct core *c, node_id id, struct spec *s, struct err *err)
{
        drop();
        return __real_core_set_spec(c, id, s, err);
}

static uint64_t number(int argc, char **argv, const char *name, uint64_t otherwise)
{
        for (int i = 1; i + 1 < argc; i++)
                if (strcmp(argv[i], name) == 0)
                        return strtoull(argv[i + 1], NULL, 0);
        return otherwise;
}

int main(int argc, char **argv)
{
        static struct scenario s;
        uint64_t events = number(argc, argv, "--events", 100000), seed = number(argc, argv, "--seed", 1);

        while (t.steps < events && t.broken[0] == '\0') {
                struct outcome o;

                scenario_random(&s, seed++);
                o = scenario_run(&s, MUTANT_NONE, NULL);
                if (o.broken)
                        complain(o.broken);
        }
        drop();
        if (t.broken[0] != '\0')
                printf("# seed %llu: %s\n", (unsigned long long) seed - 1, t.broken);
        printf("%s 1 - H18: a core restored from its snapshot takes the same steps as the one it was made of\n1..1\n",
               t.broken[0] ? "not ok" : "ok");
        printf("# %llu steps, %llu snapshots compared, %llu bytes each\n", (unsigned long long) t.steps,
               (unsigned long long) t.compared, (unsigned long long) (t.compared ? t.bytes / t.compared : 0));
        return t.broken[0] != '\0';
}
