/* gossip-node.c - one node of a cache: gossip-node PEER..., the paths of all nodes, its own too.
 *
 *      TOPIC=put   "KEY VALUE"    keep it; answered when every peer that lives has it too
 *      TOPIC=get   "KEY"          answered with the value
 *      TOPIC=all                  answered with everything, a line each, sorted
 *
 * Among themselves: TOPIC=push, lines "VERSION ORIGIN KEY VALUE"; of two values of a key the higher version counts, of two
 * of one version the later origin. Every 50 ms a node tells another, chosen by chance, all it knows; one that starts asks all
 * others first (TOPIC=pull) and is ready when they have answered. So what a put has answered outlives any node. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <coppice.h>

enum { ENTRIES = 500, PUTS = 32, BODY = 50000 };
#define TICK_USEC 50000
#define PATIENCE 10 /* ticks after which nobody waits for an answer any more: who was asked has been killed */

struct entry {
        char key[32], value[64], origin[64];
        uint64_t version;
};

/* A put that waits for the peers. */
struct put {
        struct coppice_message *question;
        char ref[16];
        int missing, age;
};

struct node {
        struct coppice *c;
        char **peers;
        int peer_count;
        struct entry entries[ENTRIES]; /* sorted by key */
        size_t count;
        struct put puts[PUTS];
        unsigned last;
        int pulls, age;                /* answers that are missing before it is ready */
};

/* --- what it knows -------------------------------------------------------------------------------------------------- */

/* The entry of a key; NULL: there is none, and no room when `add` is set. */
static struct entry *entry_of(struct node *n, const char *key, int add)
{
        size_t i = 0;

        while (i < n->count && strcmp(n->entries[i].key, key) < 0)
                i++;
        if (i < n->count && strcmp(n->entries[i].key, key) == 0)
                return &n->entries[i];
        if (!add || n->count == ENTRIES)
                return NULL;
        memmove(&n->entries[i + 1], &n->entries[i], (n->count - i) * sizeof *n->entries);
        n->count++;
        n->entries[i] = (struct entry) { .version = 0 };
        (void) snprintf(n->entries[i].key, sizeof n->entries[i].key, "%s", key);
        return &n->entries[i];
}

static void learn(struct node *n, const struct entry *new)
{
        struct entry *e = entry_of(n, new->key, 1);

        if (e && (new->version > e->version || (new->version == e->version && strcmp(new->origin, e->origin) > 0)))
                *e = *new;
}

static void merge(struct node *n, const char *text)
{
        struct entry e;
        int used;

        while (sscanf(text, "%" SCNu64 " %63s %31s %63s\n%n", &e.version, e.origin, e.key, e.value, &used) == 4) {
                learn(n, &e);
                text += used;
        }
}

/* All of it, or only one entry; with versions or for people. */
static size_t print(const struct node *n, const struct entry *only, int bare, char *out)
{
        size_t len = 0;

        for (size_t i = 0; i < n->count && len < BODY - 200; i++) {
                const struct entry *e = &n->entries[i];

                if (only && e != only)
                        continue;
                len += (size_t) (bare ? snprintf(out + len, BODY - len, "%s %s\n", e->key, e->value)
                                      : snprintf(out + len, BODY - len, "%" PRIu64 " %s %s %s\n", e->version, e->origin, e->key, e->value));
        }
        return len;
}

/* --- what it says ----------------------------------------------------------------------------------------------------- */

static int is_self(const char *peer)
{
        return strcmp(peer, coppice_self()) == 0;
}

static void send_to(struct node *n, const char *peer, const char *topic, const char *ref, const char *body, size_t len)
{
        struct coppice_message *m;

        if (coppice_message_new(&m, peer) < 0)
                return;
        if (coppice_message_set(m, "TOPIC", topic) == 0 && (!ref || coppice_message_set(m, "REF", ref) == 0) &&
            coppice_message_set_body(m, body, len) == 0)
                (void) coppice_try_send(n->c, m); /* who has no room is told the next time */
        (void) coppice_message_free(m);
}

static void next_tick(struct node *n)
{
        struct coppice_message *m;

        if (coppice_message_new(&m, coppice_self()) < 0)
                return;
        if (coppice_message_set(m, "TOPIC", "tick") == 0)
                (void) coppice_schedule(n->c, m, TICK_USEC, NULL);
        (void) coppice_message_free(m);
}

static void be_ready(struct node *n)
{
        n->pulls = 0;
        (void) coppice_notifyf(0, "READY=1\nSTATUS=%zu entries", n->count);
}

static void end_put(struct node *n, struct put *p)
{
        (void) coppice_reply(n->c, p->question, "ok\n", 3);
        p->question = coppice_message_free(p->question);
}

/* --- what it is told ---------------------------------------------------------------------------------------------------- */

static struct coppice_message *on_put(struct node *n, struct coppice_message *m)
{
        struct entry new = { .version = 1 };
        struct put *p = n->puts;
        const struct entry *old;
        char body[300];
        size_t len;

        while (p < n->puts + PUTS && p->question)
                p++;
        if (p == n->puts + PUTS || sscanf(coppice_message_body(m, NULL), "%31s %63s", new.key, new.value) != 2) {
                (void) coppice_reply(n->c, m, "no\n", 3);
                return m;
        }
        old = entry_of(n, new.key, 0);
        if (old)
                new.version = old->version + 1;
        (void) snprintf(new.origin, sizeof new.origin, "%s", coppice_self());
        learn(n, &new);
        *p = (struct put) { .question = m };
        (void) snprintf(p->ref, sizeof p->ref, "put-%u", ++n->last);
        len = print(n, entry_of(n, new.key, 0), 0, body);
        for (int i = 0; i < n->peer_count; i++)
                if (!is_self(n->peers[i])) {
                        send_to(n, n->peers[i], "push", p->ref, body, len);
                        p->missing++;
                }
        return NULL;
}

/* The answer of a peer, or the word that it does not live. */
static void on_answer(struct node *n, const struct coppice_message *m)
{
        const char *ref = coppice_message_get(m, "REF");

        if (strcmp(ref, "pull") == 0) {
                if (!coppice_message_is(m, "TOPIC", "BOUNCE"))
                        merge(n, coppice_message_body(m, NULL));
                if (n->pulls > 0 && --n->pulls == 0)
                        be_ready(n);
        }
        for (struct put *p = n->puts; p < n->puts + PUTS; p++)
                if (p->question && strcmp(p->ref, ref) == 0 && --p->missing == 0)
                        end_put(n, p);
}

static void on_tick(struct node *n)
{
        const char *peer = n->peers[rand() % n->peer_count];
        char body[BODY];

        if (!is_self(peer))
                send_to(n, peer, "push", NULL, body, print(n, NULL, 0, body));
        if (n->pulls > 0 && ++n->age > PATIENCE)
                be_ready(n);
        for (struct put *p = n->puts; p < n->puts + PUTS; p++)
                if (p->question && ++p->age > PATIENCE)
                        end_put(n, p);
        next_tick(n);
}

/* NULL: the message is kept. */
static struct coppice_message *handle(struct node *n, struct coppice_message *m)
{
        const char *topic = coppice_message_get(m, "TOPIC"), *text = coppice_message_body(m, NULL);
        const struct entry *e;
        char body[BODY];

        if (topic && strcmp(topic, "put") == 0)
                return on_put(n, m);
        if (topic && strcmp(topic, "tick") == 0) {
                on_tick(n);
        } else if (topic && strcmp(topic, "push") == 0) {
                merge(n, text);
                if (coppice_message_get(m, "REF"))
                        (void) coppice_reply(n->c, m, "", 0);
        } else if (topic && strcmp(topic, "get") == 0) {
                e = entry_of(n, text, 0);
                (void) coppice_reply(n->c, m, e ? e->value : "", e ? strlen(e->value) : 0);
        } else if (topic && (strcmp(topic, "all") == 0 || strcmp(topic, "pull") == 0)) {
                (void) coppice_reply(n->c, m, body, print(n, NULL, topic[0] == 'a', body));
        } else if (coppice_message_get(m, "REF")) {
                on_answer(n, m);
        }
        return m;
}

int main(int argc, char **argv)
{
        static struct node n;
        struct coppice_message *m;

        n.peers = argv + 1;
        n.peer_count = argc - 1;
        if (argc < 2 || coppice_open(&n.c, 0) < 0) {
                (void) fprintf(stderr, "gossip-node is a service with Mailbox=yes: gossip-node PEER...\n");
                return EXIT_FAILURE;
        }
        srand((unsigned) time(NULL) ^ (unsigned) clock() ^ (unsigned) (uintptr_t) strlen(coppice_self()));
        for (int i = 0; i < n.peer_count; i++)
                if (!is_self(n.peers[i])) {
                        send_to(&n, n.peers[i], "pull", "pull", "", 0);
                        n.pulls++;
                }
        if (n.pulls == 0)
                be_ready(&n);
        next_tick(&n);
        while (coppice_receive(n.c, COPPICE_FOREVER, &m) == 0)
                (void) coppice_message_free(handle(&n, m));
        return EXIT_FAILURE;
}
