/* filter.c - filters of system calls: names and groups, what a unit means for each call, and the program that is made of
 * it, run by an interpreter for every call there is. */
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "core/filter.h"
#include "core/filter_cover.h"
#include "os/seccomp.h"
#include "tests/unit/units.h"

#define SECRET UINT64_C(0x123456789abcdef1)

/* --- names ----------------------------------------------------------------------------------------------------------- */

static void names_are_sorted_and_found(void **state)
{
        (void) state;
        assert_true(syscall_count() > 450 && syscall_count() <= SYSCALLS_MAX);
        for (size_t i = 0; i < syscall_count(); i++) {
                assert_true(i == 0 || strcmp(syscall_name(i - 1), syscall_name(i)) < 0);
                assert_int_equal(syscall_find(syscall_name(i)), i);
        }
        assert_int_equal(syscall_find("no_such_call"), -1);
        assert_int_equal(syscall_number((size_t) syscall_find("read")), SYS_read);
        assert_string_equal(syscall_by_number(SYS_keyctl), "keyctl");
        assert_null(syscall_by_number(9999));
        assert_string_equal(syscall_nearest("keyctll"), "keyctl");
        assert_string_equal(syscall_nearest("@sytem-service"), "@system-service");
}

static void count_call(void *arg, size_t index)
{
        (void) index;
        ++*(size_t *) arg;
}

static void every_member_of_a_group_is_known(void **state)
{
        (void) state;
        for (size_t g = 0; g < syscall_group_count(); g++) {
                char members[8192], *save = NULL;
                size_t n = 0;

                (void) snprintf(members, sizeof(members), "%s", syscall_group_members(g));
                for (char *word = strtok_r(members, " ", &save); word; word = strtok_r(NULL, " ", &save))
                        if (!syscall_each(word, count_call, &n))
                                fail_msg("%s: %s is unknown", syscall_group_name(g), word);
                assert_true(n > 0);
                assert_true(strlen(syscall_group_help(g)) > 3);
        }
}

/* --- what a unit means ------------------------------------------------------------------------------------------------- */

static struct spec *unit_of(const char *lines)
{
        struct buf text = BUF_INIT;
        struct spec *s;

        buf_addf(&text, "[Service]\nExecStart=/x\n%s\n", lines);
        s = parse_good("a.service", buf_text(&text));
        buf_free(&text);
        return s;
}

static int verdict(const struct filter *f, const char *name)
{
        int index = syscall_find(name);

        assert_true(index >= 0);
        return f->call[index];
}

static void a_list_means_for_each_call_what_systemd_says(void **state)
{
        static const struct { const char *lines, *call; int verdict; } rows[] = {
                { "SystemCallFilter=read write", "read", FILTER_ALLOW },
                { "SystemCallFilter=read write", "keyctl", FILTER_KILL },
                { "SystemCallFilter=read write", "execve", FILTER_ALLOW },        /* @default */
                { "SystemCallFilter=read\nSystemCallErrorNumber=EPERM", "keyctl", EPERM },
                { "SystemCallFilter=~keyctl:ENOTSUP", "keyctl", EOPNOTSUPP },
                { "SystemCallFilter=read\nSystemCallErrorNumber=13", "keyctl", EACCES },
                { "SystemCallFilter=read write", "seccomp", FILTER_ALLOW },       /* @sandbox in @default */
                { "SystemCallFilter=read write", "landlock_restrict_self", FILTER_ALLOW },
                { "SystemCallFilter=~@sandbox", "seccomp", FILTER_KILL },
                { "SystemCallFilter=@file-system", "open_tree", FILTER_ALLOW },
                { "SystemCallFilter=~@mount", "open_tree_attr", FILTER_KILL },
                { "SystemCallFilter=@system-service", "socket", FILTER_ALLOW },   /* a group in a group */
                { "SystemCallFilter=@system-service", "reboot", FILTER_KILL },
                { "SystemCallFilter=@system-service\nSystemCallFilter=~@network-io", "socket", FILTER_KILL },
                { "SystemCallFilter=@system-service\nSystemCallFilter=~socket:EACCES", "socket", EACCES },
                { "SystemCallFilter=@system-service keyctl:ENOSYS", "keyctl", ENOSYS },
                { "SystemCallFilter=~@mount", "mount", FILTER_KILL },
                { "SystemCallFilter=~@mount", "read", FILTER_ALLOW },
                { "SystemCallFilter=~ @mount swapon", "swapon", FILTER_KILL },
                { "SystemCallFilter=~@mount:EPERM @swap:kill\nSystemCallErrorNumber=EACCES", "mount", EPERM },
                { "SystemCallFilter=~@mount:EPERM @swap:kill\nSystemCallErrorNumber=EACCES", "swapon", FILTER_KILL },
                { "SystemCallFilter=~@mount\nSystemCallFilter=mount", "mount", FILTER_ALLOW },
                { "SystemCallFilter=~@mount\nSystemCallFilter=mount", "umount2", FILTER_KILL },
                { "SystemCallFilter=read\nSystemCallFilter=\nSystemCallFilter=~keyctl", "reboot", FILTER_ALLOW },
                { "SystemCallFilter=~@known", "execve", FILTER_ALLOW },           /* or nothing could be started */
                { "SystemCallFilter=@system-service\nSystemCallFilterMode=learn", "reboot", FILTER_LEARN },
                { "SystemCallFilterMode=learn", "read", FILTER_LEARN },
                { "SystemCallFilterMode=learn", "execve", FILTER_ALLOW },
                { "ProtectClock=yes", "clock_settime", EPERM },
                { "ProtectClock=yes\nSystemCallFilter=~@clock", "clock_settime", FILTER_KILL },
                { "ProtectHostname=yes", "sethostname", EPERM },
                { "SystemCallLog=@mount", "mount", FILTER_LOG },
                { "SystemCallLog=@mount", "read", FILTER_ALLOW },
                { "SystemCallLog=~@mount", "read", FILTER_LOG },
                { "SystemCallFilter=~mount\nSystemCallLog=@mount", "mount", FILTER_KILL },
        };

        (void) state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                struct spec *s = unit_of(rows[i].lines);
                struct filter f;

                assert_true(filter_of(s, &f));
                if (verdict(&f, rows[i].call) != rows[i].verdict)
                        fail_msg("%s: %s gets %d, not %d", rows[i].lines, rows[i].call, verdict(&f, rows[i].call),
                                 rows[i].verdict);
                spec_unref(s);
        }
}

static void a_unit_that_asks_for_nothing_has_no_filter(void **state)
{
        static const char *const rows[] = { "", "RestrictRealtime=no", "RestrictNamespaces=no", "SystemCallErrorNumber=EPERM" };
        struct filter f;

        (void) state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                struct spec *s = unit_of(rows[i]);

                assert_false(filter_of(s, &f));
                spec_unref(s);
        }
}

static void names_that_nobody_knows_are_refused_with_the_nearest(void **state)
{
        static const struct { const char *line, *what, *way; } rows[] = {
                { "SystemCallFilter=keyctll", "no system call", "did you mean keyctl?" },
                { "SystemCallFilter=~@mout", "no group of system calls", "did you mean @mount?" },
                { "SystemCallFilter=read:EPREM", "no error", "write a name such as EPERM" },
                { "SystemCallFilter=read:4096", "no error", "write a name such as EPERM" },
                { "SystemCallErrorNumber=-1", "no error", "write a name such as EPERM" },
                { "SystemCallArchitectures=nativ", "no architecture", "did you mean native?" },
                { "RestrictAddressFamilies=AF_UNX", "no address family", "did you mean AF_UNIX?" },
                { "RestrictNamespaces=usr", "no kind of namespace", "did you mean user?" },
                { "SystemCallLog=zzzzzzzzzzzzzzz", "no system call", "coppicectl seccomp" },
        };

        (void) state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                struct buf text = BUF_INIT;
                const char *said;

                buf_addf(&text, "[Service]\nExecStart=/x\n%s\n", rows[i].line);
                said = remarks_of("a.service", buf_text(&text), text.len, false);
                assert_contains(said, "a.service:3:");
                assert_contains(said, "error:");
                assert_contains(said, rows[i].what);
                assert_contains(said, rows[i].way);
                assert_contains(remarks_of("a.service", buf_text(&text), text.len, true),
                                strstr(rows[i].line, "ErrorNumber") || strstr(rows[i].line, "Archi") ? "error:" : "warning:");
                buf_free(&text);
        }
}

/* --- programs ------------------------------------------------------------------------------------------------------------ */

static uint32_t load(const struct seccomp_data *data, uint32_t offset)
{
        uint32_t v;

        assert_true(offset + sizeof(v) <= sizeof(*data) && offset % 4 == 0);
        memcpy(&v, (const char *) data + offset, sizeof(v));
        return v;
}

/* What the kernel would answer. */
static uint32_t run(const struct buf *program, const struct seccomp_data *data)
{
        const struct sock_filter *insns = (const void *) program->data;
        size_t count = program->len / sizeof(*insns);
        uint32_t a = 0;

        for (size_t at = 0; at < count; at++) {
                const struct sock_filter *i = &insns[at];

                switch (i->code) {
                case BPF_LD | BPF_W | BPF_ABS: a = load(data, i->k); break;
                case BPF_ALU | BPF_AND | BPF_K: a &= i->k; break;
                case BPF_JMP | BPF_JA: at += i->k; break;
                case BPF_JMP | BPF_JEQ | BPF_K: at += a == i->k ? i->jt : i->jf; break;
                case BPF_JMP | BPF_JGE | BPF_K: at += a >= i->k ? i->jt : i->jf; break;
                case BPF_JMP | BPF_JSET | BPF_K: at += a & i->k ? i->jt : i->jf; break;
                case BPF_RET | BPF_K: return i->k;
                default: fail_msg("step %zu has code %#x", at, i->code);
                }
        }
        fail_msg("it runs over its end");
        return 0;
}

static uint32_t expected(int verdict)
{
        return verdict == FILTER_ALLOW ? SECCOMP_RET_ALLOW : verdict == FILTER_LOG ? SECCOMP_RET_LOG
               : verdict < 0 ? SECCOMP_RET_USER_NOTIF : SECCOMP_RET_ERRNO | (uint32_t) verdict;
}

#if defined(__x86_64__)
#define NATIVE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define NATIVE AUDIT_ARCH_AARCH64
#else
#define NATIVE AUDIT_ARCH_I386
#endif

static struct buf program_of(const char *lines, struct filter *f)
{
        struct spec *s = unit_of(lines);
        struct buf program = BUF_INIT;
        struct err err = { 0 };

        assert_true(filter_of(s, f));
        assert_int_equal(seccomp_compile(f, SECRET, &program, &err), 0);
        assert_true(program.len > 0 && program.len / sizeof(struct sock_filter) <= BPF_MAXINSNS);
        spec_unref(s);
        return program;
}

static void a_program_answers_every_call_as_the_list_says(void **state)
{
        static const char *const rows[] = {
                "SystemCallFilter=@system-service\nSystemCallArchitectures=native",
                "SystemCallFilter=@system-service", "SystemCallFilter=~@privileged @resources", "SystemCallFilter=read",
                "SystemCallFilter=@system-service @privileged\nSystemCallErrorNumber=EPERM", "SystemCallFilter=~@known",
                "SystemCallFilter=~keyctl:EACCES", "SystemCallFilterMode=learn", "ProtectClock=yes", "SystemCallLog=@mount",
                "SystemCallFilter=@known", "SystemCallFilter=@aio @debug @ipc @obsolete @setuid @timer @chown",
        };

        (void) state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                struct filter f;
                struct buf program = program_of(rows[i], &f);

                for (int n = 0; n < 1100; n++) {
                        struct seccomp_data data = { .nr = n, .arch = NATIVE };
                        const char *name = syscall_by_number(n);
                        uint32_t want = expected(name ? verdict(&f, name) : f.unknown), got = run(&program, &data);

                        if (got != want)
                                fail_msg("%s: %d (%s) is answered %#x, not %#x", rows[i], n, name ? name : "?", got, want);
                }
                buf_free(&program);
        }
}

/* The longest programs there can be: no two neighbours are answered alike. */
static void lists_that_change_at_every_call_are_answered_right(void **state)
{
        static const int periods[] = { 2, 3, 7, 97, 300, 4000 };
        struct buf program = BUF_INIT;
        struct err err = { 0 };

        (void) state;
        for (size_t i = 0; i < sizeof(periods) / sizeof(periods[0]); i++) {
                struct filter f = { .unknown = ENOSYS };

                for (int k = 0; k < (int) syscall_count(); k++)
                        f.call[k] = (int16_t) (k % periods[i] ? k % periods[i] : FILTER_ALLOW);
                assert_int_equal(seccomp_compile(&f, SECRET, &program, &err), 0);
                for (int n = 0; n < 1100; n++) {
                        struct seccomp_data data = { .nr = n, .arch = NATIVE };
                        const char *name = syscall_by_number(n);

                        assert_int_equal(run(&program, &data), expected(name ? verdict(&f, name) : f.unknown));
                }
        }
        buf_free(&program);
}

/* A long program has verdicts that many jumps lead to, from as far as a conditional jump reaches. */
static void lists_of_any_verdicts_are_answered_right(void **state)
{
        struct buf program = BUF_INIT;
        struct err err = { 0 };
        uint32_t chance = 1;

        (void) state;
        for (int round = 0; round < 140; round++) {
                struct filter f = { .unknown = ENOSYS };
                const int verdicts = 2 + round % 140, same = 1 + round % 3;

                for (int k = 0; k < (int) syscall_count(); k++) {
                        const int drawn = (int) (chance >> 16) % verdicts;

                        chance = chance * 1664525 + 1013904223;
                        f.call[k] = (int16_t) (drawn ? drawn : FILTER_ALLOW);
                        if (k > 0 && (int) (chance >> 24) % same)
                                f.call[k] = f.call[k - 1];
                }
                assert_int_equal(seccomp_compile(&f, SECRET, &program, &err), 0);
                for (int n = 0; n < 512; n++) {
                        struct seccomp_data data = { .nr = n, .arch = NATIVE };
                        const char *name = syscall_by_number(n);

                        assert_int_equal(run(&program, &data), expected(name ? verdict(&f, name) : f.unknown));
                }
        }
        buf_free(&program);
}

static void calls_of_another_kind_are_filtered_alike_or_not_there(void **state)
{
#if defined(__x86_64__)
        struct seccomp_data i386_getpid = { .nr = 20, .arch = AUDIT_ARCH_I386 }, i386_keyctl = { .nr = 288, .arch = AUDIT_ARCH_I386 };
        struct seccomp_data x32_read = { .nr = 0x40000000, .arch = AUDIT_ARCH_X86_64 };
        struct seccomp_data x32_keyctl = { .nr = 0x40000000 + 250, .arch = AUDIT_ARCH_X86_64 };
        struct filter f;
        struct buf program = program_of("SystemCallFilter=@system-service\nSystemCallFilter=~@keyring", &f);

        assert_int_equal(run(&program, &i386_getpid), SECCOMP_RET_USER_NOTIF);
        assert_int_equal(run(&program, &x32_read), SECCOMP_RET_ERRNO | ENOSYS);
        buf_free(&program);
        program = program_of("SystemCallFilter=@system-service\nSystemCallErrorNumber=EPERM", &f);
        assert_int_equal(run(&program, &i386_getpid), SECCOMP_RET_KILL_PROCESS);
        assert_false(filter_tells(&f));
        buf_free(&program);
        program = program_of("SystemCallFilter=@system-service\nSystemCallFilter=~@keyring\nSystemCallArchitectures=native x86", &f);
        assert_int_equal(run(&program, &i386_getpid), SECCOMP_RET_ALLOW);
        assert_int_equal(run(&program, &i386_keyctl), SECCOMP_RET_USER_NOTIF);
        buf_free(&program);
        program = program_of("RestrictRealtime=yes", &f);
        assert_int_equal(run(&program, &i386_getpid), SECCOMP_RET_ALLOW);
        buf_free(&program);
        program = program_of("SystemCallFilter=~@keyring\nSystemCallArchitectures=native x32", &f);
        assert_int_equal(run(&program, &x32_read), SECCOMP_RET_ALLOW);
        assert_int_equal(run(&program, &x32_keyctl), SECCOMP_RET_USER_NOTIF);
        buf_free(&program);
        program = program_of("SystemCallArchitectures=native", &f);
        assert_int_equal(run(&program, &i386_getpid), SECCOMP_RET_USER_NOTIF);
        assert_int_equal(run(&program, &x32_read), SECCOMP_RET_USER_NOTIF);
        buf_free(&program);
        program = program_of("SystemCallArchitectures=native x86", &f);
        assert_int_equal(run(&program, &i386_getpid), SECCOMP_RET_ALLOW);
        assert_int_equal(run(&program, &x32_read), SECCOMP_RET_USER_NOTIF);
        buf_free(&program);
#endif
        (void) state;
}

/* Arguments: the number of the call, six arguments, the answer. */
static void arguments_are_looked_at(void **state)
{
        static const struct { const char *lines, *call; uint64_t args[6]; uint32_t answer; } rows[] = {
                { "RestrictAddressFamilies=AF_UNIX", "socket", { AF_UNIX }, SECCOMP_RET_ALLOW },
                { "RestrictAddressFamilies=AF_UNIX", "socket", { AF_INET }, SECCOMP_RET_ERRNO | EAFNOSUPPORT },
                { "RestrictAddressFamilies=AF_UNIX", "socket", { 1000 }, SECCOMP_RET_ERRNO | EAFNOSUPPORT },
                { "RestrictAddressFamilies=none", "socket", { AF_UNIX }, SECCOMP_RET_ERRNO | EAFNOSUPPORT },
                { "RestrictAddressFamilies=~AF_PACKET AF_NETLINK", "socket", { AF_PACKET }, SECCOMP_RET_ERRNO | EAFNOSUPPORT },
                { "RestrictAddressFamilies=~AF_PACKET AF_NETLINK", "socket", { AF_INET6 }, SECCOMP_RET_ALLOW },
                { "RestrictAddressFamilies=~AF_PACKET", "socket", { 1000 }, SECCOMP_RET_ALLOW },
                { "RestrictAddressFamilies=AF_INET\nSystemCallFilter=@basic-io", "socket", { AF_INET }, SECCOMP_RET_USER_NOTIF },
                { "RestrictAddressFamilies=AF_INET\nSystemCallFilter=@network-io", "socket", { AF_UNIX },
                  SECCOMP_RET_ERRNO | EAFNOSUPPORT },
                { "RestrictNamespaces=yes", "unshare", { 0x10000000 }, SECCOMP_RET_ERRNO | EPERM },
                { "RestrictNamespaces=yes", "unshare", { 0x400 }, SECCOMP_RET_ALLOW },
                { "RestrictNamespaces=yes", "clone", { 17 }, SECCOMP_RET_ALLOW },
                { "RestrictNamespaces=yes", "clone", { 17 | 0x20000 }, SECCOMP_RET_ERRNO | EPERM },
                { "RestrictNamespaces=yes", "clone3", { 0 }, SECCOMP_RET_ERRNO | ENOSYS },
                { "RestrictNamespaces=yes", "setns", { 3, 0 }, SECCOMP_RET_ERRNO | EPERM },
                { "RestrictNamespaces=user", "unshare", { 0x10000000 }, SECCOMP_RET_ALLOW },
                { "RestrictNamespaces=user", "unshare", { 0x40000000 }, SECCOMP_RET_ERRNO | EPERM },
                { "RestrictNamespaces=~net", "unshare", { 0x40000000 }, SECCOMP_RET_ERRNO | EPERM },
                { "RestrictNamespaces=~net", "unshare", { 0x10000000 }, SECCOMP_RET_ALLOW },
                { "RestrictNamespaces=~net", "setns", { 3, 0x10000000 }, SECCOMP_RET_ALLOW },
                { "RestrictRealtime=yes", "sched_setscheduler", { 0, 1 }, SECCOMP_RET_ERRNO | EPERM },
                { "RestrictRealtime=yes", "sched_setscheduler", { 0, 0x40000002 }, SECCOMP_RET_ERRNO | EPERM },
                { "RestrictRealtime=yes", "sched_setscheduler", { 0, 3 }, SECCOMP_RET_ALLOW },
                { "RestrictRealtime=yes", "sched_setattr", { 0 }, SECCOMP_RET_ERRNO | EPERM },
                { "RestrictSUIDSGID=yes", "fchmod", { 3, 04755 }, SECCOMP_RET_ERRNO | EPERM },
                { "RestrictSUIDSGID=yes", "fchmod", { 3, 0755 }, SECCOMP_RET_ALLOW },
                { "RestrictSUIDSGID=yes", "fchmodat", { 3, 0, 02755 }, SECCOMP_RET_ERRNO | EPERM },
                { "RestrictSUIDSGID=yes", "openat", { 3, 0, 0101, 06755 }, SECCOMP_RET_ERRNO | EPERM },
                { "RestrictSUIDSGID=yes", "openat", { 3, 0, 020200000, 04700 }, SECCOMP_RET_ERRNO | EPERM },
                { "RestrictSUIDSGID=yes", "openat", { 3, 0, 1, 06755 }, SECCOMP_RET_ALLOW },
                { "RestrictSUIDSGID=yes", "openat2", { 3 }, SECCOMP_RET_ERRNO | ENOSYS },
                { "RestrictSUIDSGID=yes", "mknodat", { 3, 0, 04755 }, SECCOMP_RET_ERRNO | EPERM },
                { "MemoryDenyWriteExecute=yes", "mmap", { 0, 4096, 7 }, SECCOMP_RET_ERRNO | EPERM },
                { "MemoryDenyWriteExecute=yes", "mmap", { 0, 4096, 5 }, SECCOMP_RET_ALLOW },
                { "MemoryDenyWriteExecute=yes", "mprotect", { 0, 4096, 5 }, SECCOMP_RET_ERRNO | EPERM },
                { "MemoryDenyWriteExecute=yes", "pkey_mprotect", { 0, 4096, 4 }, SECCOMP_RET_ERRNO | EPERM },
                { "MemoryDenyWriteExecute=yes", "shmat", { 0, 0, 0100000 }, SECCOMP_RET_ERRNO | EPERM },
                { "LockPersonality=yes", "personality", { 0x0400000 }, SECCOMP_RET_ERRNO | EPERM },
                { "LockPersonality=yes", "personality", { 0xffffffff }, SECCOMP_RET_ALLOW },
                { "LockPersonality=yes", "personality", { 0 }, SECCOMP_RET_ALLOW },
                { "RestrictAddressFamilies=AF_UNIX\nSystemCallLog=socket", "socket", { AF_UNIX }, SECCOMP_RET_LOG },
                /* the gate: only with the secret, only these calls */
                { "SystemCallFilter=read", "sendmsg", { 0 }, SECCOMP_RET_USER_NOTIF },
                { "SystemCallFilter=read", "sendmsg", { 0, 0, 0, 0, 0, SECRET }, SECCOMP_RET_ALLOW },
                { "SystemCallFilter=read", "sendmsg", { 0, 0, 0, 0, 0, SECRET + 1 }, SECCOMP_RET_USER_NOTIF },
                { "SystemCallFilter=read", "sendmsg", { 0, 0, 0, 0, 0, SECRET ^ UINT64_C(1) << 63 }, SECCOMP_RET_USER_NOTIF },
                { "SystemCallFilter=read", "ppoll", { 0, 0, 0, 0, 0, SECRET }, SECCOMP_RET_ALLOW },
                { "SystemCallFilter=read", "sendto", { 0, 0, 0, 0, 0, SECRET }, SECCOMP_RET_USER_NOTIF },
                { "SystemCallFilter=~sendmsg:EPERM", "sendmsg", { 0 }, SECCOMP_RET_ERRNO | EPERM },
                { "SystemCallFilter=~sendmsg:EPERM", "sendmsg", { 0, 0, 0, 0, 0, SECRET }, SECCOMP_RET_ALLOW },
        };

        (void) state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                struct seccomp_data data = { .arch = NATIVE };
                struct filter f;
                struct buf program = program_of(rows[i].lines, &f);
                uint32_t got;

                data.nr = syscall_number((size_t) syscall_find(rows[i].call));
                for (int k = 0; k < 6; k++)
                        data.args[k] = rows[i].args[k];
                got = run(&program, &data);
                if (got != rows[i].answer && data.nr >= 0)
                        fail_msg("%s: %s (row %zu) is answered %#x, not %#x", rows[i].lines, rows[i].call, i, got,
                                 rows[i].answer);
                buf_free(&program);
        }
}

/* Names -> words that cover them. */
static void a_set_of_calls_is_said_in_few_words(void **state)
{
        static const struct { const char *used, *words; } rows[] = {
                { "read", "read" },
                { "getpid mmap brk", "" },                                /* @default has them */
                { "keyctl getpriority", "getpriority keyctl" },           /* no group for one call */
                { "read write close lseek dup pread64 readv writev", "@basic-io" },
                { "read write close dup lseek pread64 readv keyctl", "@basic-io keyctl" },
                { "init_module finit_module delete_module", "@module" },
        };

        (void) state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                bool used[SYSCALLS_MAX] = { false };
                struct buf words = BUF_INIT;
                char copy[200], *save = NULL;

                (void) snprintf(copy, sizeof(copy), "%s", rows[i].used);
                for (char *w = strtok_r(copy, " ", &save); w; w = strtok_r(NULL, " ", &save))
                        used[syscall_find(w)] = true;
                (void) filter_cover(used, &words);
                assert_string_equal(buf_text(&words), rows[i].words);
                buf_free(&words);
        }
}

static void mark_allowed(void *arg, size_t index)
{
        ((bool *) arg)[index] = true;
}

static void a_cover_allows_all_that_was_used(void **state)
{
        uint32_t random = 1;

        (void) state;
        for (int round = 0; round < 200; round++) {
                bool used[SYSCALLS_MAX] = { false }, allowed[SYSCALLS_MAX] = { false };
                struct buf words = BUF_INIT;
                size_t extra, counted = 0;
                char *save = NULL;

                for (size_t i = 0; i < syscall_count(); i++) {
                        random = random * 1664525 + 1013904223;
                        used[i] = (random >> 16) % 64 < (unsigned) round % 64;
                }
                extra = filter_cover(used, &words);
                (void) syscall_each("@default", mark_allowed, allowed);
                for (char *w = words.data ? strtok_r(words.data, " ", &save) : NULL; w; w = strtok_r(NULL, " ", &save))
                        assert_true(syscall_each(w, mark_allowed, allowed));
                for (size_t i = 0; i < syscall_count(); i++) {
                        assert_true(allowed[i] || !used[i]);
                        counted += allowed[i] && !used[i] && syscall_number(i) >= 0;
                }
                assert_int_equal(counted, extra);
                buf_free(&words);
        }
}

static void a_long_list_makes_a_short_program(void **state)
{
        struct filter f;
        struct buf program = program_of("SystemCallFilter=@system-service\nSystemCallArchitectures=native", &f);

        (void) state;
        assert_true(program.len < 4096); /* it travels in every start */
        buf_free(&program);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(names_are_sorted_and_found),
                cmocka_unit_test(every_member_of_a_group_is_known),
                cmocka_unit_test(a_list_means_for_each_call_what_systemd_says),
                cmocka_unit_test(a_unit_that_asks_for_nothing_has_no_filter),
                cmocka_unit_test(names_that_nobody_knows_are_refused_with_the_nearest),
                cmocka_unit_test(a_program_answers_every_call_as_the_list_says),
                cmocka_unit_test(lists_that_change_at_every_call_are_answered_right),
                cmocka_unit_test(lists_of_any_verdicts_are_answered_right),
                cmocka_unit_test(calls_of_another_kind_are_filtered_alike_or_not_there),
                cmocka_unit_test(arguments_are_looked_at),
                cmocka_unit_test(a_set_of_calls_is_said_in_few_words),
                cmocka_unit_test(a_cover_allows_all_that_was_used),
                cmocka_unit_test(a_long_list_makes_a_short_program),
        };

        return cmocka_run_group_tests_name("filter", tests, NULL, NULL);
}
