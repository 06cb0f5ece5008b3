/* limits_device.c - which devices a group may open (DevicePolicy=, DeviceAllow=).
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

enum { RULES_MAX = 512, ANY = -1 };

struct rule {
        bool block;
        int64_t major, minor;   /* ANY */
        unsigned rights;        /* BPF_DEVCG_ACC_* */
};

struct rules {
        struct rule list[RULES_MAX];
        size_t count;
};

/* What programs expect to find even where devices are closed to them. */
static const char *const usual[] = {
        "/dev/null rwm", "/dev/zero rwm", "/dev/full rwm", "/dev/random rwm", "/dev/urandom rwm", "/dev/tty rwm",
        "/dev/ptmx rwm", "char-pts rw",
};

/* --- rules --------------------------------------------------------------------------------------------------------- */

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
                return add(rs, (struct rule) { block, ANY, ANY, rights });
        if (fs_read("/proc/devices", 1 << 16, &devices, NULL) < 0)
                return -ENOENT;
        buf_addc(&devices, '\0');
        for (char *line = strtok_r(devices.data, "\n", &save); line && r == 0; line = strtok_r(NULL, "\n", &save)) {
                char *name;
                long major = strtol(line, &name, 10);

                if (name == line)
                        here = strncmp(line, block ? "Block" : "Character", 5) == 0;
                else if (here && fnmatch(pattern, name + strspn(name, " "), 0) == 0)
                        r = add(rs, (struct rule) { block, major, ANY, rights });
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
        return add(rs, (struct rule) { S_ISBLK(st.st_mode), major(st.st_rdev), minor(st.st_rdev), rights_of(rights) });
}

/* *ret_open: everything is allowed. */
static int make_rules(const struct limits *l, struct rules *rs, bool *ret_open)
{
        enum directive policy = limit_directive(LIMIT_DEVICE_POLICY, spec_kind(l->spec));
        enum directive allow = limit_directive(LIMIT_DEVICE_ALLOW, spec_kind(l->spec));
        size_t n = spec_count(l->spec, allow);
        int r = 0;

        *ret_open = spec_int(l->spec, policy) == DEVICES_AUTO && n == 0;
        if (spec_int(l->spec, policy) != DEVICES_STRICT)
                for (size_t i = 0; i < sizeof usual / sizeof usual[0] && r == 0; i++)
                        r = add_text(rs, usual[i]);
        for (size_t i = 0; i < n && r == 0; i++)
                r = add_text(rs, spec_item(l->spec, allow, i));
        return r;
}

/* --- v2 -------------------------------------------------------------------------------------------------------------- */

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

/* r2 type, r3 rights asked for, r4 major, r5 minor; a rule that fits answers 1. */
static void emit_rule(struct buf *out, const struct rule *r)
{
        int left = 2 + 3 + (r->major != ANY) + (r->minor != ANY); /* instructions behind the first jump */

        emit(out, BPF_JMP | BPF_JNE | BPF_K, 2, 0, left, r->block ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR);
        emit(out, BPF_ALU | BPF_MOV | BPF_X, 1, 3, 0, 0);
        emit(out, BPF_ALU | BPF_AND | BPF_K, 1, 0, 0, (int32_t) r->rights);
        left -= 3;
        emit(out, BPF_JMP | BPF_JNE | BPF_X, 1, 3, left, 0);
        if (r->major != ANY)
                emit(out, BPF_JMP | BPF_JNE | BPF_K, 4, 0, --left, (int32_t) r->major);
        if (r->minor != ANY)
                emit(out, BPF_JMP | BPF_JNE | BPF_K, 5, 0, --left, (int32_t) r->minor);
        emit(out, BPF_ALU | BPF_MOV | BPF_K, 0, 0, 0, 1);
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
        emit(&code, BPF_ALU | BPF_MOV | BPF_K, 0, 0, 0, 0);
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

static int attach(int group, const struct rules *rs)
{
        union bpf_attr attr = { 0 };
        autoclose int program = load_program(rs);

        if (program < 0)
                return program;
        attr.target_fd = (uint32_t) group;
        attr.attach_bpf_fd = (uint32_t) program;
        attr.attach_type = BPF_CGROUP_DEVICE;
        attr.attach_flags = BPF_F_ALLOW_MULTI;
        return bpf(BPF_PROG_ATTACH, &attr);
}

/* First the new program, then away with the old ones: at no moment is more allowed than one of the two allows. */
int limits_devices_v2(int group, const struct limits *l, bool none)
{
        struct rules rs = { .count = 0 };
        uint32_t old[16], count;
        bool open = true;
        int r = none ? 0 : make_rules(l, &rs, &open);

        if (r < 0)
                return r;
        count = attached(group, old, 16);
        if (!open)
                r = attach(group, &rs);
        for (uint32_t i = 0; i < count && r == 0; i++)
                detach(group, old[i]);
        return r;
}

/* --- v1 -------------------------------------------------------------------------------------------------------------- */

static void number(int64_t n, char *buf, size_t size)
{
        if (n == ANY)
                (void) snprintf(buf, size, "*");
        else
                (void) snprintf(buf, size, "%lld", (long long) n);
}

static int allow_v1(int group, const struct rule *r)
{
        char text[80], a[24], b[24];

        number(r->major, a, sizeof a);
        number(r->minor, b, sizeof b);
        (void) snprintf(text, sizeof text, "%c %s:%s %s%s%s", r->block ? 'b' : 'c', a, b,
                        r->rights & BPF_DEVCG_ACC_READ ? "r" : "", r->rights & BPF_DEVCG_ACC_WRITE ? "w" : "",
                        r->rights & BPF_DEVCG_ACC_MKNOD ? "m" : "");
        return fs_write_small(group, "devices.allow", text);
}

int limits_devices_v1(int group, const struct limits *l, bool none)
{
        struct rules rs = { .count = 0 };
        bool open = true;
        int r = none ? 0 : make_rules(l, &rs, &open);

        if (r < 0)
                return r;
        r = fs_write_small(group, open ? "devices.allow" : "devices.deny", "a");
        for (size_t i = 0; i < rs.count && r == 0 && !open; i++)
                r = allow_v1(group, &rs.list[i]);
        return r;
}
