/* mail_spawn.c - CALL=spawn: a service has a child started (coppice.mailbox(7)). See mail_priv.h; core/spawnable.h says
 * what it may spawn, core/bond_spawn.c how the two are tied.
 *
 * The child is a transient service like those of run and spawn of an operator: gone when it has ended, its result kept
 * for a while. The question is answered once the child has started, or has failed to. */
#include <string.h>

#include "base/pack.h"
#include "core/bond.h"
#include "core/spawnable.h"
#include "daemon/identity.h"
#include "daemon/journal.h"
#include "daemon/mail_priv.h"
#include "daemon/mail_spawn.h"
#include "daemon/touch.h"
#include "daemon/transient.h"

enum { UNIT_NAME_ROOM = 240 };

/* Somebody waits for the DONE. */
struct mail_spawn {
        struct mail_spawn *next;
        struct engine *e;
        node_id from;            /* by number and incarnation: it may be gone by then */
        uint32_t incarnation;
        uint32_t text;           /* taken: the mark of its monitor; 0 = none */
        uint64_t serial;
        node_id child;
        uint32_t token;          /* of the start */
        bool answered;           /* an engine before us knew the result, and may not have told it */
        enum result result;      /* of the start, once it is known */
        struct buf question;     /* owned: the head of the message */
};

/* What the payload says, borrowed from `copy`. */
struct wish {
        struct buf copy;         /* owned, as are the lists */
        const char **lines, **words;
        size_t line_count, word_count;
};

/* --- the payload -------------------------------------------------------------------------------------------------- */

static void wish_done(struct wish *w)
{
        buf_free(&w->copy);
        free(w->lines);
        free(w->words);
}

/* Texts behind each other, each ended by `end`; they become strings. False: the last one is not ended. */
static bool split(char *at, size_t n, char end, const char ***ret, size_t *ret_count)
{
        size_t count = 0, i = 0;
        const char **list;

        if (n > 0 && at[n - 1] != end)
                return false;
        for (size_t k = 0; k < n; k++)
                count += at[k] == end;
        list = calloc(count + 1, sizeof *list);
        for (char *p = at; list && i < count; p += strlen(p) + 1) {
                list[i++] = p;
                *(char *) memchr(p, end, n - (size_t) (p - at)) = '\0';
        }
        *ret = list;
        *ret_count = count;
        return list != NULL;
}

/* Lines Key=value, an empty line, then the words of the command, each ended by NUL. */
static bool wish_read(const struct message *m, struct wish *w)
{
        const char *gap = memmem(m->payload, m->payload_len, "\n\n", 2);
        size_t lines = gap ? (size_t) (gap - m->payload) + 1 : 0;
        char *bytes;

        if (m->payload_len == 0 || (m->payload[0] != '\n' && !gap))
                return false;
        if (m->payload[0] == '\n')
                lines = 0;
        buf_add(&w->copy, m->payload, m->payload_len);
        bytes = w->copy.data;
        return !buf_failed(&w->copy) && !memchr(bytes, '\0', lines) &&
               split(bytes, lines, '\n', &w->lines, &w->line_count) &&
               split(bytes + lines + 1, m->payload_len - lines - 1, '\0', &w->words, &w->word_count);
}

/* --- may it? ------------------------------------------------------------------------------------------------------ */

/* The supervisor the child comes below: the asker's own, or one below that. */
static enum mail_result place_of(struct postbox *from, const struct message *m, node_id *ret)
{
        const struct core *core = from->room->e->core;
        node_id own = core_node(core, from->node)->parent;
        enum mail_result r = MAIL_OK;

        *ret = own;
        if (message_has(m, MESSAGE_NODE))
                r = mail_find(from->room, from, &m->value[MESSAGE_NODE], ret);
        if (r != MAIL_OK)
                return r;
        if (!node_within(core, *ret, own) || core_node(core, *ret)->kind != KIND_SUPERVISOR)
                return MAIL_NOT_DESCENDANT;
        return core_lives(core, *ret) ? MAIL_OK : MAIL_NOPROC;
}

/* Does it run with rights that it may have given up since it was started? */
static bool has_rights(const struct engine *e, node_id id)
{
        const struct spec *s = core_node(e->core, id)->spec;
        const struct run *run = engine_peek(e, id);
        const struct user *user = run ? identity_of(e, id, run->incarnation) : NULL;

        if (spec_count(s, D_SERVICE_AmbientCapabilities) > 0)
                return true;
        return user ? user->uid == 0 : e->opt.root && !spec_int(s, D_SERVICE_DynamicUser);
}

static enum mail_result may_command(const struct postbox *from, const struct spec *place, struct buf *why)
{
        struct engine *e = from->room->e;
        bool any = spawnable_word(place, "root-command");

        if (!any && !spawnable_word(place, "command")) {
                buf_addf(why, "AllowSpawn= of %s does not name command", spec_name(place));
                return MAIL_NOT_ALLOWED;
        }
        if (any || !has_rights(e, from->node))
                return MAIL_OK;
        buf_addf(why, "it runs as root, or with capabilities: AllowSpawn= of %s does not name root-command",
                 spec_name(place));
        return MAIL_NOT_ALLOWED;
}

static enum mail_result may_unit(const struct spec *place, const char *unit, struct buf *why)
{
        char probe[UNIT_NAME_ROOM];
        size_t n = strcspn(unit, "@");

        (void) snprintf(probe, sizeof probe, "%.*s@%s", (int) n, unit,
                        unit[n] && unit[n + 1] == '.' ? "1.service" : unit + n + 1);
        if (spawnable_unit(place, probe))
                return MAIL_OK;
        buf_addf(why, "AllowSpawn= of %s does not name the template of %s", spec_name(place), unit);
        return MAIL_NOT_ALLOWED;
}

/* --- the answer --------------------------------------------------------------------------------------------------- */

static void forget(struct mail_spawn *s)
{
        struct mail_spawn **at = &s->e->spawns;

        while (*at != s)
                at = &(*at)->next;
        *at = s->next;
        journal_text_over(s->e, s->text);
        buf_free(&s->question);
        free(s);
}

static void tell(struct mail_spawn *s, enum mail_result r, const char *path, const char *why)
{
        struct postbox *from = postbox_of(s->e, s->from);
        autobuf struct buf more = BUF_INIT;
        struct buf *entry;
        const char *problem;
        struct message m;

        message_put(&more, MESSAGE_NODE, path);
        if (why) {
                message_end(&more);
                buf_adds(&more, why);
        }
        if (from && from->incarnation == s->incarnation &&
            message_parse(s->question.data, s->question.len, &m, &problem) == 0)
                mail_tell(from, &m, r, &more);
        entry = journal_spawn(s->e, true); /* what the answer writes down is an entry of its own, before it */
        if (entry)
                pack_u(entry, s->child);
}

static void on_started(void *arg, enum result result)
{
        struct mail_spawn *s = arg;
        struct engine *e = s->e;
        char path[PATH_MAX_NODE];

        s->result = result;
        if (result != RESULT_OK)
                return; /* what did not start has an end as well, with more to say */
        tell(s, MAIL_OK, engine_path(e, s->child, path, sizeof path), NULL);
        engine_transient_leave(e, s->serial, false);
        forget(s);
}

static void on_ended(void *arg, const struct transient_end *end)
{
        struct mail_spawn *s = arg;
        char words[PATH_MAX_NODE + 80], peer[PATH_MAX_NODE], text[PATH_MAX_NODE + 1200];
        const struct reason *reason = &end->death.reason;
        bool refused = s->result != RESULT_START_FAILED && s->result != RESULT_OK;

        if (end->death.error)
                (void) snprintf(text, sizeof text, "%s", end->death.error);
        else
                (void) snprintf(text, sizeof text, "%s: did not start: %s", end->path,
                                refused ? result_text(s->result) :
                                reason_format(reason, engine_path(s->e, reason->peer, peer, sizeof peer), words,
                                              sizeof words));
        tell(s, s->result == RESULT_SHUTTING_DOWN ? MAIL_SHUTTING_DOWN : MAIL_FAILED, end->path, text);
        forget(s);
}

static const struct transient_ops spawn_ops = { .started = on_started, .ended = on_ended };

/* --- another engine takes over ------------------------------------------------------------------------------------ */

static void write_down(const struct mail_spawn *s)
{
        struct buf *out = journal_spawn(s->e, false);

        if (!out)
                return;
        pack_u(out, s->child);
        pack_u(out, s->from);
        pack_u(out, s->incarnation);
        pack_u(out, s->token);
        pack_u(out, s->text);
        pack_u(out, s->answered ? (uint64_t) s->result + 1 : 0);
        pack_bytes(out, s->question.data, s->question.len);
}

/* An answer that is to be given at the end of this turn is known already. */
static void look_at_answers(struct mail_spawn *s)
{
        const struct engine *e = s->e;

        for (size_t i = 0; i < e->answer_count; i++)
                if (e->answers[i].token == s->token) {
                        s->answered = true;
                        s->result = (enum result) e->answers[i].result;
                }
}

void mail_spawn_save(struct engine *e)
{
        for (struct mail_spawn *s = e->spawns; s; s = s->next) {
                if (!s->token)
                        continue; /* being asked for: written down when that is done */
                look_at_answers(s);
                write_down(s);
        }
}

void mail_spawn_read(struct engine *e, struct unpack *u)
{
        struct mail_spawn *s = calloc(1, sizeof *s);
        const void *question;
        uint64_t result;
        size_t n;

        if (!s) {
                u->bad = true;
                return;
        }
        *s = (struct mail_spawn) { .next = e->spawns, .e = e, .question = BUF_INIT };
        s->child = (node_id) unpack_max(u, UINT32_MAX);
        s->from = (node_id) unpack_max(u, UINT32_MAX);
        s->incarnation = (uint32_t) unpack_max(u, UINT32_MAX);
        s->token = (uint32_t) unpack_max(u, UINT32_MAX);
        s->text = (uint32_t) unpack_max(u, UINT32_MAX);
        result = unpack_max(u, RESULT_COUNT);
        s->answered = result > 0;
        s->result = result > 0 ? (enum result) (result - 1) : RESULT_OK;
        question = unpack_bytes(u, &n);
        if (!u->bad)
                buf_add(&s->question, question, n);
        e->spawns = s;
        if (s->token != UINT32_MAX && s->token > e->last_token)
                e->last_token = s->token;
}

static struct mail_spawn *waits_for(const struct engine *e, node_id child)
{
        struct mail_spawn *s = e->spawns;

        while (s && s->child != child)
                s = s->next;
        return s;
}

bool mail_spawn_waits(const struct engine *e, node_id child)
{
        return waits_for(e, child) != NULL;
}

void mail_spawn_told(struct engine *e, node_id child)
{
        struct mail_spawn *s = waits_for(e, child);

        if (s) {
                s->text = 0; /* that it was released is an entry of its own */
                forget(s);
        }
}

void mail_spawn_answered(struct engine *e, uint32_t token, enum result result)
{
        for (struct mail_spawn *s = e->spawns; s; s = s->next)
                if (s->token == token) {
                        s->answered = true;
                        s->result = result;
                }
}

static void resume(struct mail_spawn *s)
{
        struct engine *e = s->e;

        if (!transient_expect(e, s->child, s->token, &spawn_ops, s, &s->serial)) {
                tell(s, MAIL_FAILED, "/", "it ended while no engine ran");
                forget(s);
        } else if (s->answered) {
                engine_answer(e, s->token, s->result);
        }
}

void mail_spawn_resumed(struct engine *e)
{
        for (struct mail_spawn *s = e->spawns, *next; s; s = next) {
                next = s->next;
                resume(s);
        }
}

/* --- the question ------------------------------------------------------------------------------------------------- */

static enum mail_result in_words_of_mail(int error)
{
        switch (-error) {
        case EDQUOT: return MAIL_MAX_CHILDREN;
        case EEXIST: return MAIL_EXISTS;
        case EPERM: return MAIL_NOT_ALLOWED;
        case ENOENT: return MAIL_NOT_FOUND;
        case ESHUTDOWN: return MAIL_SHUTTING_DOWN;
        case EMFILE:
        case ENOMEM: return MAIL_BUSY;
        default: return MAIL_FAILED;
        }
}

/* VALUE=link, monitor, or both with a comma. False: something else. */
static bool read_tie(const struct message *m, unsigned *ret)
{
        bool both = message_is(m, MESSAGE_VALUE, "link,monitor") || message_is(m, MESSAGE_VALUE, "monitor,link");

        *ret = both ? SPAWN_LINK | SPAWN_MONITOR : message_is(m, MESSAGE_VALUE, "link") ? SPAWN_LINK :
               message_is(m, MESSAGE_VALUE, "monitor") ? SPAWN_MONITOR : 0;
        return *ret || !message_has(m, MESSAGE_VALUE);
}

static struct mail_spawn *remember(struct postbox *from, const struct message *m)
{
        struct mail_spawn *s = calloc(1, sizeof *s);

        if (!s)
                return NULL;
        *s = (struct mail_spawn) { .next = from->room->e->spawns, .e = from->room->e, .from = from->node,
                                   .incarnation = from->incarnation, .question = BUF_INIT };
        buf_add(&s->question, m->head, m->head_len);
        message_end(&s->question);
        from->room->e->spawns = s;
        return s;
}

static enum mail_result ask(struct postbox *from, const struct message *m, struct transient_request *q, unsigned tie,
                            struct buf *why)
{
        struct engine *e = from->room->e;
        struct mail_spawn *s = remember(from, m);
        struct event event = { .kind = EVT_SPAWN, .node = from->node, .incarnation = from->incarnation };
        char ref[BOND_TEXT_MAX], line[1100];
        struct err err = { 0 };
        int r = s && core_bond_reserve(e->core) == 0 ? 0 : -ENOMEM;

        if (r == 0 && (tie & SPAWN_MONITOR)) {
                s->text = message_copy(m, MESSAGE_REF, ref, sizeof ref) ? journal_text(e, ref) : 0;
                r = s->text ? 0 : err_set(&err, STAGE_NONE, EINVAL, "the REF of a monitor is 1 to %d bytes",
                                          BOND_TEXT_MAX - 1);
        }
        if (r == 0) {
                event.arg2 = (int64_t) tie << 32 | s->text;
                q->event = &event;
                r = engine_transient(e, q, &spawn_ops, s, &s->serial, &s->child, &err);
                q->event = NULL; /* it was ours */
        }
        if (r == 0) {
                s->token = transient_token(e, s->serial);
                write_down(s);
                return MAIL_WAIT;
        }
        if (err.code)
                buf_adds(why, err_format(&err, line, sizeof line));
        if (s)
                forget(s);
        return in_words_of_mail(r);
}

static enum mail_result ask_unit(struct postbox *from, const struct message *m, struct transient_request *q,
                                 const char *name, unsigned tie, struct buf *why)
{
        const struct spec *place = core_node(from->room->e->core, q->supervisor)->spec;
        char unit[UNIT_NAME_ROOM];
        size_t n = strlen(name);
        enum mail_result r;

        if (m->payload_len > 0) {
                buf_adds(why, "an instance of a template has no command and no properties of its spawner's");
                return MAIL_BAD_MESSAGE;
        }
        if (n > 8 && strcmp(name + n - 8, ".service") == 0)
                n -= 8;
        (void) snprintf(unit, sizeof unit, "%.*s.service", (int) n, name);
        r = may_unit(place, unit, why);
        q->unit = unit;
        return r == MAIL_OK ? ask(from, m, q, tie, why) : r;
}

static enum mail_result ask_command(struct postbox *from, const struct message *m, struct transient_request *q,
                                    unsigned tie, struct buf *why)
{
        const struct core *core = from->room->e->core;
        struct wish w = { .copy = BUF_INIT };
        enum mail_result r = may_command(from, core_node(core, q->supervisor)->spec, why);

        if (r == MAIL_OK && (!wish_read(m, &w) || w.word_count == 0)) {
                buf_adds(why, "the payload is lines Key=value, an empty line, and the words of a command, each "
                         "ended by NUL");
                r = MAIL_BAD_MESSAGE;
        }
        if (r == MAIL_OK) {
                q->properties = w.lines;
                q->property_count = w.line_count;
                q->command = w.words;
                q->argc = w.word_count;
                q->spawner = core_node(core, from->node)->spec;
                r = ask(from, m, q, tie, why);
        }
        wish_done(&w);
        return r;
}

enum mail_result mail_spawn(struct postbox *from, const struct message *m, const struct parcel *p, struct buf *why)
{
        struct transient_request q = { .fds = { -1, -1, -1 } };
        unsigned count = p->fd_count ? *p->fd_count : 0, tie;
        char name[UNIT_NAME_ROOM];
        enum mail_result r = place_of(from, m, &q.supervisor);

        if (r == MAIL_OK && !core_lives(from->room->e->core, from->node))
                r = MAIL_NOPROC; /* its last words */
        if (r == MAIL_OK && (!message_has(m, MESSAGE_REF) || !read_tie(m, &tie) || count > 3))
                r = message_has(m, MESSAGE_REF) ? MAIL_BAD_MESSAGE : MAIL_NO_REF;
        if (r == MAIL_OK && message_has(m, MESSAGE_NAME) && !message_copy(m, MESSAGE_NAME, name, sizeof name - 8))
                r = MAIL_BAD_MESSAGE;
        if (r != MAIL_OK)
                return r;
        for (unsigned i = 0; i < count; i++)
                q.fds[i] = p->fds[i];
        q.name = message_has(m, MESSAGE_NAME) ? name : NULL;
        if (q.name && strchr(name, '@'))
                return ask_unit(from, m, &q, name, tie, why);
        return ask_command(from, m, &q, tie, why);
}

void mail_spawn_stop(struct engine *e)
{
        while (e->spawns)
                forget(e->spawns);
}
