/* seccomp_program.c - the verdicts of a filter as a program. See seccomp.h.
 *
 * Shape, for each kind of call the processor has:
 *
 *      arch is this one?  (bit of x32, where it is asked for?)  binary search over ranges of numbers
 *              -> return the verdict                     for most
 *              -> jump to a check of arguments           for the few whose arguments decide
 *              -> jump to the gate                       for sendmsg and ppoll, where they are forbidden
 */
#include "os/seccomp_priv.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "os/bpf.h"

enum { PROGRAM_MAX = BPF_MAXINSNS };

static uint32_t action_of(int treat)
{
        switch (treat) {
        case FILTER_ALLOW: return SECCOMP_RET_ALLOW;
        case FILTER_LOG: return SECCOMP_RET_LOG;
        case FILTER_END: return SECCOMP_RET_KILL_PROCESS;
        case FILTER_KILL:
        case FILTER_LEARN: return SECCOMP_RET_USER_NOTIF;
        default: return SECCOMP_RET_ERRNO | ((uint32_t) treat & SECCOMP_RET_DATA);
        }
}

/* --- the program -------------------------------------------------------------------------------------------------- */

/* A conditional jump reaches 255 steps. So a verdict that is jumped to comes at most TAIL_REACH steps and TAILS_MAX
 * other verdicts later, and half a search over NEAR ranges can be jumped over: it has fewer than two steps a range, and
 * the TAILS_MAX verdicts of earlier ones that may fall into it. */
enum { TAILS_MAX = 100, TAIL_REACH = 128, NEAR = 72, REACH = UINT8_MAX };
_Static_assert(2 * NEAR + TAILS_MAX <= REACH && TAIL_REACH + TAILS_MAX + 8 <= REACH, "conditional jumps reach");

struct writer {
        struct buf *out;
        const struct table *t;
        uint64_t gate;
        int gate_numbers[2];     /* -1 = needs none */
        struct range { int from, treat; } ranges[NUMBERS + 2];
        size_t range_count;
        int bit, bit_treat;      /* numbers with this bit are of a kind that is not there; 0 = there is none such */
        int numbers;             /* so many there are */
        struct jump { size_t at; int treat, number; } jumps[NUMBERS]; /* to checks and gates */
        size_t jump_count;
        struct tail { size_t at; bool upper; int treat; } tails[TAILS_MAX]; /* conditional jumps to a verdict */
        size_t tail_count;
        bool too_far;            /* a conditional jump does not reach its goal */
};

static bool gated(const struct writer *w, int number)
{
        return w->gate && number >= 0 && (number == w->gate_numbers[0] || number == w->gate_numbers[1]) &&
               w->t->treat[number] != FILTER_ALLOW;
}

static void find_ranges(struct writer *w)
{
        for (int n = 0; n <= NUMBERS; n++) {
                int treat = n < NUMBERS ? w->t->treat[n] : w->t->f->unknown;
                bool alone = gated(w, n) || (n > 0 && gated(w, n - 1));

                if (n > 0 && !alone && w->ranges[w->range_count - 1].treat == treat)
                        continue;
                w->ranges[w->range_count++] = (struct range) { n, treat };
        }
        if (w->bit && w->ranges[w->range_count - 1].treat != w->bit_treat)
                w->ranges[w->range_count++] = (struct range) { w->bit, w->bit_treat };
}

/* A verdict that depends on nothing but the number. */
static bool is_plain(const struct writer *w, const struct range *r)
{
        return r->treat < TREAT_CHECK && !gated(w, r->from);
}

static void leaf(struct writer *w, const struct range *r)
{
        if (is_plain(w, r)) {
                bpf_return(w->out, action_of(r->treat));
                return;
        }
        w->jumps[w->jump_count++] = (struct jump) { bpf_jump(w->out), r->treat, gated(w, r->from) ? r->from : -1 };
}

/* The conditional jump at `at` goes to here. */
static void land_at(struct writer *w, size_t at, bool upper)
{
        struct sock_filter *f = (void *) w->out->data;
        size_t steps = bpf_here(w->out) - at - 1;

        if (buf_failed(w->out))
                return;
        w->too_far = w->too_far || steps > REACH;
        *(upper ? &f[at].jt : &f[at].jf) = (uint8_t) steps;
}

/* One step for each verdict that jumps wait for. The step before never leads here by itself. */
static void write_tails(struct writer *w)
{
        for (size_t i = 0; i < w->tail_count; i++) {
                const int treat = w->tails[i].treat;

                if (w->tails[i].at == SIZE_MAX)
                        continue;
                for (size_t k = i; k < w->tail_count; k++)
                        if (w->tails[k].at != SIZE_MAX && w->tails[k].treat == treat) {
                                land_at(w, w->tails[k].at, w->tails[k].upper);
                                w->tails[k].at = SIZE_MAX;
                        }
                bpf_return(w->out, action_of(treat));
        }
        w->tail_count = 0;
}

/* They are not in order: a jump over a lower half waits for its verdict only behind that half. */
static bool tails_due(const struct writer *w)
{
        size_t oldest = bpf_here(w->out);

        for (size_t i = 0; i < w->tail_count; i++)
                oldest = w->tails[i].at < oldest ? w->tails[i].at : oldest;
        return w->tail_count > TAILS_MAX - 4 || bpf_here(w->out) - oldest > TAIL_REACH;
}

/* Where a range begins among the numbers there are. */
static int begin(const struct writer *w, size_t range)
{
        return range < w->range_count && w->ranges[range].from < w->numbers ? w->ranges[range].from : w->numbers;
}

/* Where to divide: half of the numbers on either side, not half of the ranges. At installation the kernel follows the
 * program once for every number there is, to remember which are always allowed: that is most of the cost, and the
 * length of the paths, weighed by how many take them, is what it costs. */
static size_t balance(const struct writer *w, size_t first, size_t last)
{
        int from = begin(w, first), end = begin(w, last);
        size_t middle = first + 1;

        while (middle + 1 < last && begin(w, middle) - from < end - begin(w, middle))
                middle++;
        if (middle - 1 > first && 2 * begin(w, middle) - from - end > from + end - 2 * begin(w, middle - 1))
                middle--;
        return middle;
}

static bool put_off(struct writer *w, size_t at, bool upper, size_t first, size_t last)
{
        if (last - first > 1 || !is_plain(w, &w->ranges[first]) || bpf_here(w->out) - at > TAIL_REACH)
                return false;
        w->tails[w->tail_count++] = (struct tail) { at, upper, w->ranges[first].treat };
        return true;
}

/* One number that is treated unlike those on either side of it. */
static bool is_island(const struct writer *w, size_t first, size_t last)
{
        const struct range *r = &w->ranges[first];

        return last - first == 3 && r[2].from - r[1].from == 1 && r[0].treat == r[2].treat && is_plain(w, &r[0]) &&
               is_plain(w, &r[2]);
}

static void write_island(struct writer *w, size_t first)
{
        size_t at = bpf_here(w->out);

        bpf_add(w->out, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t) w->ranges[first + 1].from, 0, 0);
        if (!put_off(w, at, true, first + 1, first + 2))
                leaf(w, &w->ranges[first + 1]);
        (void) put_off(w, at, false, first, first + 1); /* it is plain */
}

/* Ranges first to last - 1: the lower half follows, the upper one behind it. Verdicts are shared: the kernel compiles
 * and checks the program anew for each process, so that its length costs a start as much as its paths do. What is too
 * far for a conditional jump is reached by a plain one. */
static void search(struct writer *w, size_t first, size_t last)
{
        size_t middle, at = bpf_here(w->out), over = 0;
        bool near;

        if (last - first == 1) {
                leaf(w, &w->ranges[first]);
                return;
        }
        if (is_island(w, first, last)) {
                write_island(w, first);
                return;
        }
        middle = balance(w, first, last);
        near = middle - first < NEAR;
        bpf_add(w->out, BPF_JMP | BPF_JGE | BPF_K, (uint32_t) w->ranges[middle].from, 0, near ? 0 : 1);
        if (!near)
                over = bpf_jump(w->out);
        if (!put_off(w, at, false, first, middle))
                search(w, first, middle);
        if (tails_due(w))
                write_tails(w);
        if (near && put_off(w, at, true, middle, last))
                return;
        if (near)
                land_at(w, at, true);
        else
                bpf_land(w->out, over);
        search(w, middle, last);
}

/* Loads an argument; with any of these bits set, the call gets the error. */
static void deny_bits(struct buf *b, unsigned arg, uint32_t bits, int error)
{
        bpf_load(b, BPF_ARG_LOW(arg));
        bpf_add(b, BPF_JMP | BPF_JSET | BPF_K, bits, 0, 1);
        bpf_return(b, action_of(error));
}

static void check_family(struct buf *b, const struct filter *f, uint32_t pass)
{
        bpf_load(b, BPF_ARG_LOW(0));
        for (uint32_t family = 0; family < 64; family++) {
                if ((f->families >> family & 1) == f->families_others)
                        continue;
                bpf_add(b, BPF_JMP | BPF_JEQ | BPF_K, family, 0, 1);
                bpf_return(b, f->families_others ? action_of(EAFNOSUPPORT) : pass);
        }
        if (!f->families_others)
                bpf_return(b, action_of(EAFNOSUPPORT));
}

/* setns(fd, 0) enters whatever the descriptor is of. */
static void check_setns(struct buf *b, const struct filter *f)
{
        bpf_load(b, BPF_ARG_LOW(1));
        bpf_add(b, BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 0);
        bpf_add(b, BPF_JMP | BPF_JSET | BPF_K, (uint32_t) f->namespaces, 0, 1);
        bpf_return(b, action_of(EPERM));
}

/* Of the policies 0 to 7 only OTHER 0, BATCH 3, IDLE 5 (and EXT 7, which is none of real time). */
static void check_realtime(struct buf *b)
{
        bpf_load(b, BPF_ARG_LOW(1));
        bpf_add(b, BPF_ALU | BPF_AND | BPF_K, ~(uint32_t) SCHED_RESET_ON_FORK, 0, 0);
        bpf_add(b, BPF_JMP | BPF_JEQ | BPF_K, SCHED_OTHER, 3, 0);
        bpf_add(b, BPF_JMP | BPF_JEQ | BPF_K, SCHED_BATCH, 2, 0);
        bpf_add(b, BPF_JMP | BPF_JEQ | BPF_K, SCHED_IDLE, 1, 0);
        bpf_return(b, action_of(EPERM));
}

/* The mode counts only when a file may be made. O_TMPFILE without the bit of O_DIRECTORY is a bit of its own. */
static void check_open(struct buf *b, unsigned flags)
{
        bpf_load(b, BPF_ARG_LOW(flags));
        bpf_add(b, BPF_JMP | BPF_JSET | BPF_K, 0100 | 020000000, 0, 3); /* O_CREAT, __O_TMPFILE */
        deny_bits(b, flags + 1, S_ISUID | S_ISGID, EPERM);
}

static void check_mmap(struct buf *b)
{
        bpf_load(b, BPF_ARG_LOW(2));
        bpf_add(b, BPF_ALU | BPF_AND | BPF_K, PROT_WRITE | PROT_EXEC, 0, 0);
        bpf_add(b, BPF_JMP | BPF_JEQ | BPF_K, PROT_WRITE | PROT_EXEC, 0, 1);
        bpf_return(b, action_of(EPERM));
}

/* 0xffffffff asks what it is; 0 is what everybody has. */
static void check_personality(struct buf *b)
{
        bpf_load(b, BPF_ARG_LOW(0));
        bpf_add(b, BPF_JMP | BPF_JEQ | BPF_K, 0, 2, 0);
        bpf_add(b, BPF_JMP | BPF_JEQ | BPF_K, UINT32_MAX, 1, 0);
        bpf_return(b, action_of(EPERM));
}

static void write_check(struct writer *w, int treat)
{
        const struct filter *f = w->t->f;
        int code = treat - TREAT_CHECK;
        uint32_t pass = code >= TREAT_LOG ? SECCOMP_RET_LOG : SECCOMP_RET_ALLOW;

        switch ((enum check) (code % TREAT_LOG)) {
        case CHECK_FAMILY: check_family(w->out, f, pass); break;
        case CHECK_NS_FIRST: deny_bits(w->out, 0, (uint32_t) f->namespaces, EPERM); break;
        case CHECK_NS_SECOND: check_setns(w->out, f); break;
        case CHECK_REALTIME: check_realtime(w->out); break;
        case CHECK_MODE_1: deny_bits(w->out, 1, S_ISUID | S_ISGID, EPERM); break;
        case CHECK_MODE_2: deny_bits(w->out, 2, S_ISUID | S_ISGID, EPERM); break;
        case CHECK_OPEN: check_open(w->out, 1); break;
        case CHECK_OPENAT: check_open(w->out, 2); break;
        case CHECK_MMAP: check_mmap(w->out); break;
        case CHECK_PROT: deny_bits(w->out, 2, PROT_EXEC, EPERM); break;
        case CHECK_SHMAT: deny_bits(w->out, 2, SHM_EXEC, EPERM); break;
        case CHECK_PERSONALITY: check_personality(w->out); break;
        case CHECK_COUNT: break;
        }
        bpf_return(w->out, pass);
}

static void write_gate(struct writer *w, int treat)
{
        bpf_load(w->out, BPF_ARG_LOW(5));
        bpf_add(w->out, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t) w->gate, 0, 3);
        bpf_load(w->out, BPF_ARG_HIGH(5));
        bpf_add(w->out, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t) (w->gate >> 32), 0, 1);
        bpf_return(w->out, SECCOMP_RET_ALLOW);
        bpf_return(w->out, action_of(treat));
}

/* Behind the search: each check once, however many calls lead to it. */
static void write_goals(struct writer *w)
{
        for (size_t i = 0; i < w->jump_count; i++) {
                const struct jump *j = &w->jumps[i];

                if (j->at == SIZE_MAX)
                        continue;
                for (size_t k = i; k < w->jump_count; k++)
                        if (w->jumps[k].treat == j->treat && w->jumps[k].number == j->number)
                                bpf_land(w->out, w->jumps[k].at);
                if (j->number >= 0)
                        write_gate(w, j->treat);
                else
                        write_check(w, j->treat);
                for (size_t k = i + 1; k < w->jump_count; k++)
                        if (w->jumps[k].treat == j->treat && w->jumps[k].number == j->number)
                                w->jumps[k].at = SIZE_MAX;
        }
}

/* One more than the highest number that has a name. */
static int numbers_of(const struct kind *k)
{
        int highest = 0;

        for (size_t i = 0; i < syscall_count(); i++) {
                int n = seccomp_number_in(k, i);

                highest = n > highest && n < NUMBERS ? n : highest;
        }
        return highest + 1;
}

static bool wanted(const struct kind *k, const struct filter *f)
{
        return !f->archs_said ? !k->bit : f->archs >> k->arch & 1;
}

/* The kind that shares this one's architecture and differs in one bit of the number, or NULL. */
static const struct kind *twin_of(const struct kind *k)
{
        return k + 1 < seccomp_kinds + seccomp_kind_count && k[1].bit ? k + 1 : NULL;
}

/* What numbers get that have the bit of a kind that was not asked for: ENOSYS, as from a kernel without it, but where
 * the kinds were listed what any stranger gets. */
static int absent(const struct filter *f)
{
        return f->archs_said && !f->archs_implied ? f->stranger : ENOSYS;
}

static int write_kind(const struct kind *k, const struct filter *f, uint64_t gate, struct buf *out)
{
        const struct kind *twin = twin_of(k);
        autofree struct table *t = calloc(1, sizeof(*t));
        autofree struct writer *w = calloc(1, sizeof(*w));
        int calls[2] = { syscall_find("sendmsg"), syscall_find("ppoll") };

        if (!t || !w)
                return -ENOMEM;
        *t = (struct table) { .kind = k, .f = f };
        seccomp_table_fill(t);
        w->out = out;
        w->t = t;
        w->gate = k->token == 0 ? gate : 0;
        for (int i = 0; i < 2; i++)
                w->gate_numbers[i] = seccomp_number_in(k, (size_t) calls[i]);
        w->numbers = numbers_of(k);
        w->bit = twin && !wanted(twin, f) ? twin->bit : 0;
        w->bit_treat = absent(f);
        find_ranges(w);
        if (k->bit)
                bpf_add(out, BPF_ALU | BPF_AND | BPF_K, ~(uint32_t) k->bit, 0, 0);
        search(w, 0, w->range_count);
        write_tails(w);
        write_goals(w);
        return w->too_far ? -E2BIG : 0;
}

/* Behind the load of the number: a kind and, when it is asked for, its twin. */
static int write_kinds(const struct kind *k, const struct filter *f, uint64_t gate, struct buf *out)
{
        const struct kind *twin = twin_of(k);
        size_t other;
        int r;

        if (!twin || !wanted(twin, f))
                return write_kind(k, f, gate, out);
        bpf_add(out, BPF_JMP | BPF_JSET | BPF_K, (uint32_t) twin->bit, 0, 1);
        other = bpf_jump(out);
        r = write_kind(k, f, gate, out);
        bpf_land(out, other);
        return r < 0 ? r : write_kind(twin, f, gate, out);
}

/* The first from here on whose architecture is in the program, or NULL. A kind that is told from the native one by a
 * bit only (x32) is there only when it is asked for: nobody uses it, and its numbers would double the program. The
 * native one is never left out: the child itself could not execute anything. */
static const struct kind *next_kind(const struct kind *k, const struct filter *f)
{
        for (; k < seccomp_kinds + seccomp_kind_count; k++)
                if (!k->bit && (k->token == 0 || wanted(k, f) || twin_of(k)))
                        return k;
        return NULL;
}

int seccomp_compile(const struct filter *f, uint64_t gate, struct buf *out, struct err *err)
{
        uint32_t stranger = f->archs_said ? action_of(f->stranger) : SECCOMP_RET_ALLOW;
        int r = 0;

        buf_clear(out);
        for (const struct kind *k = next_kind(seccomp_kinds, f), *next; k && r == 0; k = next) {
                size_t past = SIZE_MAX;

                next = next_kind(k + 1, f);
                bpf_load(out, offsetof(struct seccomp_data, arch));
                bpf_add(out, BPF_JMP | BPF_JEQ | BPF_K, k->audit, 1, 0);
                if (next)
                        past = bpf_jump(out);
                else
                        bpf_return(out, stranger); /* at once: the kernel follows this for every number, too */
                bpf_load(out, offsetof(struct seccomp_data, nr));
                r = write_kinds(k, f, gate, out);
                if (next)
                        bpf_land(out, past);
        }
        if (r == -E2BIG)
                return err_set(err, STAGE_SECCOMP, E2BIG, "make the filter: a jump in it is too long");
        if (r < 0 || buf_failed(out))
                return err_set(err, STAGE_SECCOMP, ENOMEM, "make the filter: out of memory");
        if (bpf_here(out) > PROGRAM_MAX)
                return err_set(err, STAGE_SECCOMP, E2BIG, "make the filter: %zu steps, the kernel takes %d",
                               bpf_here(out), PROGRAM_MAX);
        return 0;
}
