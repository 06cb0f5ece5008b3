/* limits_device.c - which devices a group may open (DevicePolicy=, DeviceAllow=; PrivateDevices= and
 * ProtectClock= imply some of it).
 *
 * On the v2 tree by a small program that the kernel runs at each open and mknod of a device in the group or below it
 * (every program from there to the top must agree); it works on a hybrid host as well. Else by the devices controller
 * of v1. */
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "os/cgroup_priv.h"
#include "os/fs.h"
#include "os/limits.h"

enum { RULES_MAX = 512, ANY = -1 };

struct rule {
        bool block;
        int64_t major, minor;   /* ANY */
        unsigned rights;        /* BPF_DEVCG_ACC_* */
        bool deny;              /* any of these rights */
};

/* The first that fits decides. */
struct rules {
        struct rule list[RULES_MAX];
        size_t count;
        bool open;              /* what none fits is allowed */
};

/* What programs expect to find even where devices are closed to them. */
static const char *const usual[] = {
        "/dev/null rwm", "/dev/zero rwm", "/dev/full rwm", "/dev/random rwm", "/dev/urandom rwm", "/dev/tty rwm",
        "/dev/ptmx rwm", "char-pts rw",
};

/* --- rules -------------------------------------------------------------------------------------------------------- */

static int add(struct rules *rs, struct rule r)
{
        if (rs->count == RULES_MAX)
                return -E2BIG;
        rs->list[rs->count++] = r;
        return 0;
}

static unsigned rights_of(const char *text)
{
        unsigned rights = 0;

        for (; *text; text++)
                rights |= *text == 'r' ? BPF_DEVCG_ACC_READ : *text == 'w' ? BPF_DEVCG_ACC_WRITE : BPF_DEVCG_ACC_MKNOD;
        return rights;
}

/* "char-pts", "block-*": every driver of that kind whose name matches. One that is not there allows nothing. */
static int add_drivers(struct rules *rs, const char *text, unsigned rights)
{
        bool block = text[0] == 'b', here = false;
        const char *pattern = strchr(text, '-') + 1;
        autobuf struct buf devices = BUF_INIT;
        char *save = NULL;
        int r = 0;

        if (strcmp(pattern, "*") == 0)
                return add(rs, (struct rule) { block, ANY, ANY, rights, false });
        if (fs_read("/proc/devices", 1 << 16, &devices, NULL) < 0)
                return -ENOENT;
        buf_addc(&devices, '\0');
        for (char *line = strtok_r(devices.data, "\n", &save); line && r == 0; line = strtok_r(NULL, "\n", &save)) {
                char *name;
                long major = strtol(line, &name, 10);

                if (name == line)
                        here = strncmp(line, block ? "Block" : "Character", 5) == 0;
                else if (here && fnmatch(pattern, name + strspn(name, " "), 0) == 0)
                        r = add(rs, (struct rule) { block, major, ANY, rights, false });
        }
        return r;
}

/* "/dev/null rw". A device that is not there allows nothing: its number is not known. */
static int add_text(struct rules *rs, const char *item)
{
        char text[4200];
        struct stat st;
        char *rights;

        (void) snprintf(text, sizeof text, "%s", item);
        rights = strrchr(text, ' ');
        if (!rights)
                return -EINVAL;
        *rights++ = 0;
        if (text[0] != '/')
                return add_drivers(rs, text, rights_of(rights));
        if (stat(text, &st) < 0)
                return errno == ENOENT ? 0 : -errno;
        if (!S_ISCHR(st.st_mode) && !S_ISBLK(st.st_mode))
                return -ENODEV;
        return add(rs, (struct rule) { S_ISBLK(st.st_mode), major(st.st_rdev), minor(st.st_rdev), rights_of(rights),
                                       false });
}

static bool service_says(const struct spec *s, enum directive d)
{
        return spec_kind(s) == KIND_SERVICE && spec_int(s, d) > 0;
}

/* The clock of the machine can be read, not set: all else of it is denied, whatever comes behind. */
static int add_clock(struct rules *rs)
{
        int r = add_drivers(rs, "char-rtc", BPF_DEVCG_ACC_WRITE | BPF_DEVCG_ACC_MKNOD);

        for (size_t i = 0; i < rs->count; i++)
                rs->list[i].deny = true;
        return r < 0 ? r : add_drivers(rs, "char-rtc", BPF_DEVCG_ACC_READ);
}

static int make_rules(const struct spec *s, struct rules *rs)
{
        enum directive policy = limit_directive(LIMIT_DEVICE_POLICY, spec_kind(s));
        enum directive allow = limit_directive(LIMIT_DEVICE_ALLOW, spec_kind(s));
        size_t n = spec_count(s, allow);
        int r = service_says(s, D_SERVICE_ProtectClock) ? add_clock(rs) : 0;

        rs->open = spec_int(s, policy) == DEVICES_AUTO && n == 0 && !service_says(s, D_SERVICE_PrivateDevices);
        if (spec_int(s, policy) != DEVICES_STRICT && !rs->open)
                for (size_t i = 0; i < sizeof usual / sizeof usual[0] && r == 0; i++)
                        r = add_text(rs, usual[i]);
        for (size_t i = 0; i < n && r == 0; i++)
                r = add_text(rs, spec_item(s, allow, i));
        return r;
}

static bool all_allowed(const struct rules *rs)
{
        return rs->open && rs->count == 0;
}

/* --- v2 ----------------------------------------------------------------------------------------------------------- */

static int bpf(enum bpf_cmd cmd, union bpf_attr *attr)
{
        int r = (int) syscall(SYS_bpf, cmd, attr, sizeof *attr);

        return r < 0 ? -errno : r;
}

static void emit(struct buf *out, uint8_t code, int dst, int src, int off, int32_t imm)
{
        struct bpf_insn insn = { .code = code, .dst_reg = (uint8_t) (dst & 15), .src_reg = (uint8_t) (src & 15),
                                 .off = (int16_t) off, .imm = imm };

        buf_add(out, &insn, sizeof insn);
}

/* r2 type, r3 rights asked for, r4 major, r5 minor; a rule that fits answers. One that allows has all of the rights
 * asked for, one that denies any of them. */
static void emit_rule(struct buf *out, const struct rule *r)
{
        int left = 2 + 3 + (r->major != ANY) + (r->minor != ANY); /* instructions behind the first jump */

        emit(out, BPF_JMP | BPF_JNE | BPF_K, 2, 0, left, r->block ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR);
        emit(out, BPF_ALU | BPF_MOV | BPF_X, 1, 3, 0, 0);
        emit(out, BPF_ALU | BPF_AND | BPF_K, 1, 0, 0, (int32_t) r->rights);
        left -= 3;
        if (r->deny)
                emit(out, BPF_JMP | BPF_JEQ | BPF_K, 1, 0, left, 0);
        else
                emit(out, BPF_JMP | BPF_JNE | BPF_X, 1, 3, left, 0);
        if (r->major != ANY)
                emit(out, BPF_JMP | BPF_JNE | BPF_K, 4, 0, --left, (int32_t) r->major);
        if (r->minor != ANY)
                emit(out, BPF_JMP | BPF_JNE | BPF_K, 5, 0, --left, (int32_t) r->minor);
        emit(out, BPF_ALU | BPF_MOV | BPF_K, 0, 0, 0, r->deny ? 0 : 1);
        emit(out, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
}

static int load_program(const struct rules *rs)
{
        autobuf struct buf code = BUF_INIT;
        union bpf_attr attr = { 0 };

        emit(&code, BPF_LDX | BPF_W | BPF_MEM, 2, 1, offsetof(struct bpf_cgroup_dev_ctx, access_type), 0);
        emit(&code, BPF_ALU | BPF_MOV | BPF_X, 3, 2, 0, 0);
        emit(&code, BPF_ALU | BPF_AND | BPF_K, 2, 0, 0, 0xffff);
        emit(&code, BPF_ALU | BPF_RSH | BPF_K, 3, 0, 0, 16);
        emit(&code, BPF_LDX | BPF_W | BPF_MEM, 4, 1, offsetof(struct bpf_cgroup_dev_ctx, major), 0);
        emit(&code, BPF_LDX | BPF_W | BPF_MEM, 5, 1, offsetof(struct bpf_cgroup_dev_ctx, minor), 0);
        for (size_t i = 0; i < rs->count; i++)
                emit_rule(&code, &rs->list[i]);
        emit(&code, BPF_ALU | BPF_MOV | BPF_K, 0, 0, 0, rs->open);
        emit(&code, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
        if (buf_failed(&code))
                return -ENOMEM;
        attr.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
        attr.insns = (uint64_t) (uintptr_t) code.data;
        attr.insn_cnt = (uint32_t) (code.len / sizeof(struct bpf_insn));
        attr.license = (uint64_t) (uintptr_t) "MIT";
        return bpf(BPF_PROG_LOAD, &attr);
}

bool limits_bpf_works(struct cgroup *c)
{
        struct rules none = { .count = 0 };

        if (c->bpf_works == 0) {
                int fd = load_program(&none);

                c->bpf_works = fd >= 0 ? 1 : -1;
                fd_close(&fd);
        }
        return c->bpf_works > 0;
}

/* Programs of ours that are on the group already. */
static uint32_t attached(int group, uint32_t *ids, uint32_t max)
{
        union bpf_attr attr = { 0 };

        attr.query.target_fd = (uint32_t) group;
        attr.query.attach_type = BPF_CGROUP_DEVICE;
        attr.query.prog_ids = (uint64_t) (uintptr_t) ids;
        attr.query.prog_cnt = max;
        return bpf(BPF_PROG_QUERY, &attr) < 0 ? 0 : attr.query.prog_cnt;
}

static void detach(int group, uint32_t id)
{
        union bpf_attr attr = { 0 };
        autoclose int program = -1;

        attr.prog_id = id;
        program = bpf(BPF_PROG_GET_FD_BY_ID, &attr);
        if (program < 0)
                return;
        attr = (union bpf_attr) { 0 };
        attr.target_fd = (uint32_t) group;
        attr.attach_bpf_fd = (uint32_t) program;
        attr.attach_type = BPF_CGROUP_DEVICE;
        (void) bpf(BPF_PROG_DETACH, &attr);
}

static int attach(int group, int program)
{
        union bpf_attr attr = { 0 };

        if (program < 0)
                return program;
        attr.target_fd = (uint32_t) group;
        attr.attach_bpf_fd = (uint32_t) program;
        attr.attach_type = BPF_CGROUP_DEVICE;
        attr.attach_flags = BPF_F_ALLOW_MULTI;
        return bpf(BPF_PROG_ATTACH, &attr);
}

/* First the new program, then away with the old ones: at no moment is more allowed than one of the two allows. */
int limits_devices_v2(int group, const struct limits *l)
{
        struct rules rs = { .count = 0 };
        autoclose int program = -1;
        uint32_t old[16], count;
        int r = make_rules(l->spec, &rs);

        if (r < 0)
                return r;
        count = attached(group, old, 16);
        if (!all_allowed(&rs)) {
                program = load_program(&rs);
                r = attach(group, program);
        }
        for (uint32_t i = 0; i < count && r == 0; i++)
                detach(group, old[i]);
        return r;
}

/* Borrowed; -errno. Four are all there can be, so they are kept. */
static int implied_program(struct cgroup *c, const struct spec *s, unsigned which)
{
        struct rules rs = { .count = 0 };
        int r;

        if (c->device_programs[which] < 0) {
                r = make_rules(s, &rs);
                if (r == 0 && all_allowed(&rs))
                        r = -ENODEV; /* there is no such clock */
                if (r == 0)
                        r = load_program(&rs);
                if (r < 0)
                        return r;
                c->device_programs[which] = r;
        }
        return c->device_programs[which];
}

void limits_devices_implied(struct cgroup *c, int group, const struct spec *s, bool fresh)
{
        unsigned which = (service_says(s, D_SERVICE_PrivateDevices) ? 1U : 0U) |
                         (service_says(s, D_SERVICE_ProtectClock) ? 2U : 0U);
        uint32_t old[16], count;

        if (spec_has(s, D_SERVICE_DevicePolicy) || spec_count(s, D_SERVICE_DeviceAllow) > 0 || group < 0)
                return; /* limits_apply() knows of all */
        if ((fresh && !which) || !limits_bpf_works(c))
                return;
        count = fresh ? 0 : attached(group, old, 16);
        if (which && count == 0)
                (void) attach(group, implied_program(c, s, which));
        for (uint32_t i = 0; i < count && !which; i++) /* of a spec that is no more */
                detach(group, old[i]);
}

/* --- v1 ----------------------------------------------------------------------------------------------------------- */

static void number(int64_t n, char *buf, size_t size)
{
        if (n == ANY)
                (void) snprintf(buf, size, "*");
        else
                (void) snprintf(buf, size, "%lld", (long long) n);
}

static int write_v1(int group, const struct rule *r)
{
        char text[80], a[24], b[24];

        number(r->major, a, sizeof a);
        number(r->minor, b, sizeof b);
        (void) snprintf(text, sizeof text, "%c %s:%s %s%s%s", r->block ? 'b' : 'c', a, b,
                        r->rights & BPF_DEVCG_ACC_READ ? "r" : "", r->rights & BPF_DEVCG_ACC_WRITE ? "w" : "",
                        r->rights & BPF_DEVCG_ACC_MKNOD ? "m" : "");
        return fs_write_small(group, r->deny ? "devices.deny" : "devices.allow", text);
}

int limits_devices_v1(int group, const struct limits *l)
{
        struct rules rs = { .count = 0 };
        int r = make_rules(l->spec, &rs);

        if (r < 0)
                return r;
        r = fs_write_small(group, rs.open ? "devices.allow" : "devices.deny", "a");
        for (size_t i = 0; i < rs.count && r == 0; i++)
                if (rs.list[i].deny == rs.open) /* what is denied anyhow, or allowed, need not be said */
                        r = write_v1(group, &rs.list[i]);
        return r;
}
