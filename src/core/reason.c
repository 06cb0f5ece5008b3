/* reason.c - see reason.h. */
#include "core/reason.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/filter.h"

static const char *const signal_text[] = {
        [1] = "HUP", [2] = "INT", [3] = "QUIT", [4] = "ILL", [5] = "TRAP", [6] = "ABRT", [7] = "BUS", [8] = "FPE",
        [9] = "KILL", [10] = "USR1", [11] = "SEGV", [12] = "USR2", [13] = "PIPE", [14] = "ALRM", [15] = "TERM",
        [16] = "STKFLT", [17] = "CHLD", [18] = "CONT", [19] = "STOP", [20] = "TSTP", [21] = "TTIN", [22] = "TTOU",
        [23] = "URG", [24] = "XCPU", [25] = "XFSZ", [26] = "VTALRM", [27] = "PROF", [28] = "WINCH", [29] = "IO",
        [30] = "PWR", [31] = "SYS", [34] = "RTMIN", [35] = "RTMIN+1", [36] = "RTMIN+2", [37] = "RTMIN+3",
        [38] = "RTMIN+4", [39] = "RTMIN+5", [40] = "RTMIN+6", [41] = "RTMIN+7", [42] = "RTMIN+8", [43] = "RTMIN+9",
        [44] = "RTMIN+10", [45] = "RTMIN+11", [46] = "RTMIN+12", [47] = "RTMIN+13", [48] = "RTMIN+14",
        [49] = "RTMIN+15", [50] = "RTMIN+16", [51] = "RTMIN+17", [52] = "RTMIN+18", [53] = "RTMIN+19",
        [54] = "RTMIN+20", [55] = "RTMIN+21", [56] = "RTMIN+22", [57] = "RTMIN+23", [58] = "RTMIN+24",
        [59] = "RTMIN+25", [60] = "RTMIN+26", [61] = "RTMIN+27", [62] = "RTMIN+28", [63] = "RTMIN+29",
        [64] = "RTMAX",
};
static STRTAB(signal_table, signal_text);

enum { SIGNAL_LAST = 64, RTMIN_NUMBER = 34, ERRNO_LAST = 140 };

const char *signal_name(int sig)
{
        return sig >= 1 && sig <= SIGNAL_LAST ? signal_text[sig] : NULL;
}

/* A whole decimal number within [min, max]. */
static bool parse_number(const char *text, long min, long max, int *ret)
{
        char *end;
        long n;

        if (*text == '\0' || *text == ' ' || *text == '+')
                return false;
        errno = 0;
        n = strtol(text, &end, 10);
        if (errno || *end || n < min || n > max)
                return false;
        *ret = (int) n;
        return true;
}

int signal_number(const char *name)
{
        int n;

        if (parse_number(name, 1, SIGNAL_LAST, &n))
                return n;
        if (strncmp(name, "SIG", 3) == 0)
                name += 3;
        n = strtab_value(&signal_table, name);
        if (n > 0)
                return n;
        if (strcmp(name, "POLL") == 0)
                return 29;
        if (strncmp(name, "RTMIN+", 6) == 0 && parse_number(name + 6, 0, SIGNAL_LAST - RTMIN_NUMBER, &n))
                return RTMIN_NUMBER + n;
        if (strncmp(name, "RTMAX-", 6) == 0 && parse_number(name + 6, 0, SIGNAL_LAST - RTMIN_NUMBER, &n))
                return SIGNAL_LAST - n;
        return -1;
}

const char *signal_nearest(const char *name)
{
        return strtab_nearest(signal_text, (size_t) signal_table.count,
                              strncasecmp(name, "SIG", 3) == 0 ? name + 3 : name);
}

/* The words that stand alone; the others have an argument and are written by hand below. */
static const char *const word_text[REASON_KIND_COUNT] = {
        [REASON_NONE] = "", [REASON_NORMAL] = "normal", [REASON_SHUTDOWN] = "shutdown",
        [REASON_OUT_OF_MEMORY] = "out_of_memory", [REASON_TIMEOUT] = "timeout",
        [REASON_START_TIMEOUT] = "start_timeout", [REASON_STOP_TIMEOUT] = "stop_timeout",
        [REASON_WATCHDOG] = "watchdog", [REASON_KILLED] = "killed", [REASON_HEALTH] = "health",
        [REASON_LIMIT_PIDS] = "limit:pids", [REASON_LOST] = "lost", [REASON_CONDITION] = "condition",
        [REASON_PROTOCOL] = "protocol", [REASON_NOPROC] = "noproc",
};
static STRTAB(word_table, word_text);

bool reason_abnormal(const struct reason *r)
{
        uint8_t kind = r->kind == REASON_LINKED ? r->linked_kind : r->kind;

        return kind != REASON_NONE && kind != REASON_NORMAL && kind != REASON_SHUTDOWN;
}

bool reason_equal(const struct reason *a, const struct reason *b)
{
        return a->kind == b->kind && a->stage == b->stage && a->linked_kind == b->linked_kind && a->code == b->code &&
               a->peer == b->peer;
}

static char *format_signal(int sig, char *buf, size_t n)
{
        const char *name = signal_name(sig);

        if (name)
                (void) snprintf(buf, n, "signal:%s", name);
        else
                (void) snprintf(buf, n, "signal:%d", sig);
        return buf;
}

/* A call of another kind than the native one carries which in the upper byte: "seccomp:x86:102". */
enum { CALL_BITS = 24, CALL_MASK = (1 << CALL_BITS) - 1 };

int reason_seccomp(int number, int arch)
{
        return (number & CALL_MASK) | arch << CALL_BITS;
}

static char *format_seccomp(int code, char *buf, size_t n)
{
        const char *name = code >= 0 ? syscall_by_number(code) : NULL;

        if (code < 0)
                (void) snprintf(buf, n, "seccomp:?");
        else if (name)
                (void) snprintf(buf, n, "seccomp:%s", name);
        else if (code > CALL_MASK)
                (void) snprintf(buf, n, "seccomp:%s:%d", strtab_text(&filter_arch_names, code >> CALL_BITS),
                                code & CALL_MASK);
        else
                (void) snprintf(buf, n, "seccomp:%d", code);
        return buf;
}

char *reason_format(const struct reason *r, const char *peer_path, char *buf, size_t n)
{
        const char *peer = peer_path ? peer_path : "?";

        switch (r->kind) {
        case REASON_EXIT:
                (void) snprintf(buf, n, "exit:%d", r->code);
                return buf;
        case REASON_SIGNAL:
                return format_signal(r->code, buf, n);
        case REASON_OUT_OF_MEMORY:
                (void) snprintf(buf, n, "out_of_memory%s", r->code ? ":system" : "");
                return buf;
        case REASON_SECCOMP:
                return format_seccomp(r->code, buf, n);
        case REASON_SPAWN:
                (void) snprintf(buf, n, "spawn:%s:%s", stage_name(r->stage), errno_name(r->code));
                return buf;
        case REASON_DEPENDENCY:
                (void) snprintf(buf, n, "dependency%s%s", r->code ? "" : ":", r->code ? "" : peer);
                return buf;
        case REASON_LINKED: {
                struct reason theirs = { .kind = r->linked_kind, .stage = r->stage, .code = r->code,
                                         .peer = NODE_NONE };
                char text[80];

                if (theirs.kind == REASON_LINKED)
                        theirs.kind = REASON_NONE;
                (void) snprintf(buf, n, "linked:%s:%s", peer, reason_format(&theirs, NULL, text, sizeof(text)));
                return buf;
        }
        default:
                (void) snprintf(buf, n, "%s", strtab_text(&word_table, r->kind));
                return buf;
        }
}

static int errno_number(const char *name)
{
        for (int i = 1; i <= ERRNO_LAST; i++)
                if (strcmp(errno_name(i), name) == 0)
                        return i;
        return -1;
}

/* "STAGE:ERRNO" */
static int parse_spawn(const char *text, struct reason *ret)
{
        const char *colon = strchr(text, ':');
        char name[40];
        int stage, code;

        if (!colon || (size_t) (colon - text) >= sizeof(name))
                return -EINVAL;
        memcpy(name, text, (size_t) (colon - text));
        name[colon - text] = '\0';
        stage = stage_from_name(name);
        code = errno_number(colon + 1);
        if (stage <= STAGE_NONE || code < 0)
                return -EINVAL;
        *ret = REASON(REASON_SPAWN, code);
        ret->stage = (uint8_t) stage;
        return 0;
}

/* "PATH:REASON"; a link to a link keeps only the nearer one. */
static int parse_linked(const char *text, struct reason *ret)
{
        const char *colon = strchr(text, ':');
        struct reason theirs;

        if (!colon || strncmp(colon + 1, "linked:", 7) == 0 || reason_parse(colon + 1, &theirs) < 0)
                return -EINVAL;
        *ret = REASON(REASON_LINKED, theirs.code);
        ret->linked_kind = theirs.kind;
        ret->stage = theirs.stage;
        return 0;
}

static int parse_numbered(enum reason_kind kind, const char *text, long min, long max, struct reason *ret)
{
        int code;

        if (!parse_number(text, min, max, &code))
                return -EINVAL;
        *ret = REASON(kind, code);
        return 0;
}

static int parse_signal(const char *text, struct reason *ret)
{
        int sig = signal_number(text);

        if (sig < 0)
                return -EINVAL;
        *ret = REASON(REASON_SIGNAL, sig);
        return 0;
}

/* "keyctl", "250", "x86:102" */
static int parse_seccomp(const char *text, struct reason *ret)
{
        const char *colon = strchr(text, ':');
        int index = syscall_find(text), arch = 0, number;
        char name[16] = "";

        if (index >= 0 && syscall_number((size_t) index) >= 0) {
                *ret = REASON(REASON_SECCOMP, syscall_number((size_t) index));
                return 0;
        }
        if (colon && (size_t) (colon - text) < sizeof(name)) {
                memcpy(name, text, (size_t) (colon - text));
                arch = strtab_value(&filter_arch_names, name);
                text = colon + 1;
        }
        if (arch < 0 || (colon && arch == 0) || !parse_number(text, 0, CALL_MASK, &number))
                return -EINVAL;
        *ret = REASON(REASON_SECCOMP, reason_seccomp(number, arch));
        return 0;
}

int reason_parse(const char *text, struct reason *ret)
{
        int word = strcmp(text, "kill") == 0 ? REASON_KILLED : strtab_value(&word_table, text);

        if (word > REASON_NONE) {
                *ret = REASON(word, 0);
                return 0;
        }
        if (strcmp(text, "out_of_memory:system") == 0) {
                *ret = REASON(REASON_OUT_OF_MEMORY, 1);
                return 0;
        }
        if (strncmp(text, "exit:", 5) == 0)
                return parse_numbered(REASON_EXIT, text + 5, 0, 255, ret);
        if (strncmp(text, "signal:", 7) == 0)
                return parse_signal(text + 7, ret);
        if (strcmp(text, "seccomp:?") == 0) {
                *ret = REASON(REASON_SECCOMP, -1);
                return 0;
        }
        if (strncmp(text, "seccomp:", 8) == 0)
                return parse_seccomp(text + 8, ret);
        if (strncmp(text, "spawn:", 6) == 0)
                return parse_spawn(text + 6, ret);
        if (strncmp(text, "linked:", 7) == 0)
                return parse_linked(text + 7, ret);
        if (strcmp(text, "dependency") == 0 || (strncmp(text, "dependency:", 11) == 0 && text[11])) {
                *ret = REASON(REASON_DEPENDENCY, text[10] == '\0');
                return 0;
        }
        return -EINVAL;
}

struct reason reason_from_wait(int how, int status)
{
        struct reason r;

        if (how == CLD_EXITED)
                return status == 0 ? REASON(REASON_NORMAL, 0) : REASON(REASON_EXIT, status);
        r = REASON(REASON_SIGNAL, status);
        r.core_dumped = how == CLD_DUMPED;
        return r;
}

int reason_exit_code(const struct reason *r)
{
        int status;

        switch (r->kind) {
        case REASON_NONE: case REASON_NORMAL: case REASON_SHUTDOWN:
                return 0;
        case REASON_EXIT:
                return r->code & 0xff;
        case REASON_SIGNAL:
                return 128 + (r->code & 0x7f);
        case REASON_SPAWN:
                status = stage_exit_status(r->stage);
                return status ? status : 70;
        case REASON_OUT_OF_MEMORY: case REASON_KILLED:
                return 137;
        case REASON_TIMEOUT: case REASON_START_TIMEOUT: case REASON_STOP_TIMEOUT:
                return 124;
        default:
                return 1;
        }
}
