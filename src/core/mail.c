/* mail.c - see mail.h. */
#include "core/mail.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define LEN_MAX ((1U << 27) - 1) /* struct passed */
#define FDS_MAX 31U

static const char *const overflow_text[] = {
        [OVERFLOW_BLOCK] = "block", [OVERFLOW_REJECT] = "reject", [OVERFLOW_DROP_OLDEST] = "drop-oldest",
        [OVERFLOW_DROP_NEWEST] = "drop-newest",
};
STRTAB(overflow_names, overflow_text);

static const struct {
        const char *word, *text;
} results[MAIL_RESULT_COUNT] = {
#define MAIL(id, w, t) [MAIL_##id] = { w, t },
#include "core/mail_results.def"
#undef MAIL
};

const char *mail_word(enum mail_result r)
{
        return (unsigned) r < MAIL_RESULT_COUNT ? results[r].word : "?";
}

const char *mail_sentence(enum mail_result r)
{
        return (unsigned) r < MAIL_RESULT_COUNT ? results[r].text : "?";
}

struct mail *mail_new(const void *a, size_t a_len, const void *b, size_t b_len)
{
        struct mail *m = malloc(sizeof *m + a_len + b_len);

        if (!m)
                return NULL;
        *m = (struct mail) { .len = (uint32_t) (a_len + b_len) };
        if (a_len)
                memcpy(m->bytes, a, a_len);
        if (b_len)
                memcpy(m->bytes + a_len, b, b_len);
        return m;
}

void mail_free(struct mail *m)
{
        if (m)
                free(m->fds);
        free(m);
}

void box_init(struct box *b, const struct box_limits *limits)
{
        *b = (struct box) { .limits = *limits };
}

void box_free(struct box *b)
{
        free(b->passed);
        *b = (struct box) { .limits = b->limits };
}

/* --- coming in ---------------------------------------------------------------------------------------------------- */

bool box_has_room(const struct box *b, uint32_t len)
{
        return box_count(b) < b->limits.messages && box_bytes(b) + len <= b->limits.bytes;
}

enum box_verdict box_offer(struct box *b, uint32_t len)
{
        if (len > b->limits.bytes) {
                b->rejected++;
                return BOX_TOO_LONG;
        }
        if (box_has_room(b, len))
                return BOX_ACCEPT;
        switch ((enum overflow) b->limits.overflow) {
        case OVERFLOW_REJECT:
                b->rejected++;
                return BOX_REJECT;
        case OVERFLOW_DROP_OLDEST:
                return BOX_MAKE_ROOM;
        case OVERFLOW_DROP_NEWEST:
                b->dropped++;
                return BOX_DROP;
        default:
                return BOX_WAIT;
        }
}

static struct passed *passed_at(const struct box *b, uint32_t i)
{
        return &b->passed[(b->passed_at + i) & (b->passed_cap - 1)];
}

uint32_t box_passed_len(const struct box *b, uint32_t i)
{
        return passed_at(b, i)->len;
}

int box_reserve(struct box *b, uint32_t n)
{
        uint32_t cap = b->passed_cap ? b->passed_cap : 16;
        struct passed *more;

        while (cap - b->passed_count < n)
                cap *= 2;
        if (cap == b->passed_cap)
                return 0;
        more = malloc(cap * sizeof *more);
        if (!more)
                return -ENOMEM;
        for (uint32_t i = 0; i < b->passed_count; i++)
                more[i] = *passed_at(b, i);
        free(b->passed);
        b->passed = more;
        b->passed_cap = cap;
        b->passed_at = 0;
        return 0;
}

static void note_passed(struct box *b, uint32_t len, uint8_t fds)
{
        const struct passed p = { .len = len & LEN_MAX, .fds = (unsigned) fds & FDS_MAX };

        *passed_at(b, b->passed_count++) = p;
        b->passed_bytes += p.len;
        b->passed_fds += p.fds;
        b->news++;
}

void box_pass(struct box *b, uint32_t len, uint8_t fds)
{
        note_passed(b, len, fds);
        b->accepted++;
        b->last++;
}

static void append(struct box *b, struct mail *m)
{
        m->next = NULL;
        if (b->tail)
                b->tail->next = m;
        else
                b->head = m;
        b->tail = m;
        b->held++;
        b->held_bytes += m->len;
}

void box_hold(struct box *b, struct mail *m)
{
        append(b, m);
        b->accepted++;
        b->last++;
}

/* The lengths of those that are left are the last in the ring; all of them go when the first of them comes here. */
void box_not_passed(struct box *b, struct mail *m, uint32_t left)
{
        struct passed *place = passed_at(b, b->passed_count - left);

        b->passed_bytes -= place->len;
        b->passed_fds -= place->fds;
        *place = (struct passed) { 0 };
        append(b, m);
        if (left == 1)
                while (b->passed_count && passed_at(b, b->passed_count - 1)->len == 0) {
                        b->passed_count--;
                        b->news -= b->news > 0;
                }
}

/* --- going out ---------------------------------------------------------------------------------------------------- */

static struct mail *unlink_head(struct box *b)
{
        struct mail *m = b->head;

        if (!m)
                return NULL;
        b->head = m->next;
        if (!b->head)
                b->tail = NULL;
        b->held--;
        b->held_bytes -= m->len;
        m->next = NULL;
        return m;
}

struct mail *box_held_passed(struct box *b)
{
        struct mail *m = unlink_head(b);

        if (m)
                note_passed(b, m->len, m->fd_count);
        return m;
}

static void oldest_passed(struct box *b)
{
        const struct passed p = b->passed[b->passed_at];

        b->passed_at = (b->passed_at + 1) & (b->passed_cap - 1);
        b->passed_count--;
        b->passed_bytes -= p.len;
        b->passed_fds -= p.fds;
}

uint32_t box_unread(struct box *b, uint64_t bytes)
{
        uint32_t n = 0;

        for (; b->passed_count && b->passed_bytes > bytes; n++)
                oldest_passed(b);
        b->taken += n;
        return n;
}

void box_passed_dropped(struct box *b)
{
        if (!b->passed_count)
                return;
        oldest_passed(b);
        b->dropped++;
}

void box_return(struct box *b, struct mail *m)
{
        m->next = b->head;
        b->head = m;
        if (!b->tail)
                b->tail = m;
        b->held++;
        b->held_bytes += m->len;
        if (b->taken)
                b->taken--;
}

struct mail *box_remove(struct box *b, enum box_end how)
{
        struct mail *m = unlink_head(b);

        if (!m)
                return NULL;
        if (how == BOX_TAKEN)
                b->taken++;
        else if (how == BOX_DROPPED)
                b->dropped++;
        else
                b->lost++;
        return m;
}

/* --- put together again ------------------------------------------------------------------------------------------- */

struct mail *box_cut(struct box *b, uint32_t i)
{
        struct mail *before = NULL, *m = b->head;

        if (i == 0)
                return unlink_head(b);
        for (; m && i > 0; i--) {
                before = m;
                m = m->next;
        }
        if (!m)
                return NULL;
        before->next = m->next;
        if (b->tail == m)
                b->tail = before;
        b->held--;
        b->held_bytes -= m->len;
        m->next = NULL;
        return m;
}

void box_put(struct box *b, struct mail *m, uint32_t i)
{
        struct mail *before = b->head;

        if (i >= b->held) {
                append(b, m);
                return;
        }
        for (uint32_t k = 1; k < i; k++)
                before = before->next;
        m->next = i ? before->next : b->head;
        if (i)
                before->next = m;
        else
                b->head = m;
        b->held++;
        b->held_bytes += m->len;
}

int box_add_passed(struct box *b, uint32_t len)
{
        if (box_reserve(b, 1) < 0)
                return -ENOMEM;
        note_passed(b, len, 0);
        b->news = 0; /* that is where it comes from */
        return 0;
}

void box_keep_passed(struct box *b, uint32_t count)
{
        while (b->passed_count > count)
                oldest_passed(b);
}
