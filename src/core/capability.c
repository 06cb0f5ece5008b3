/* capability.c - see capability.h. Pure. */
#include "core/capability.h"

#include <errno.h>
#include <string.h>

static const char *const names[] = {
        "CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_DAC_READ_SEARCH", "CAP_FOWNER", "CAP_FSETID", "CAP_KILL", "CAP_SETGID",
        "CAP_SETUID", "CAP_SETPCAP", "CAP_LINUX_IMMUTABLE", "CAP_NET_BIND_SERVICE", "CAP_NET_BROADCAST",
        "CAP_NET_ADMIN", "CAP_NET_RAW", "CAP_IPC_LOCK", "CAP_IPC_OWNER", "CAP_SYS_MODULE", "CAP_SYS_RAWIO",
        "CAP_SYS_CHROOT", "CAP_SYS_PTRACE", "CAP_SYS_PACCT", "CAP_SYS_ADMIN", "CAP_SYS_BOOT", "CAP_SYS_NICE",
        "CAP_SYS_RESOURCE", "CAP_SYS_TIME", "CAP_SYS_TTY_CONFIG", "CAP_MKNOD", "CAP_LEASE", "CAP_AUDIT_WRITE",
        "CAP_AUDIT_CONTROL", "CAP_SETFCAP", "CAP_MAC_OVERRIDE", "CAP_MAC_ADMIN", "CAP_SYSLOG", "CAP_WAKE_ALARM",
        "CAP_BLOCK_SUSPEND", "CAP_AUDIT_READ", "CAP_PERFMON", "CAP_BPF", "CAP_CHECKPOINT_RESTORE",
};
#define COUNT ((int) (sizeof(names) / sizeof(names[0])))

int capability_number(const char *name)
{
        size_t skip = strncasecmp(name, "CAP_", 4) == 0 ? 4 : 0;

        for (int i = 0; i < COUNT; i++)
                if (strcasecmp(names[i] + 4, name + skip) == 0)
                        return i;
        return -EINVAL;
}

const char *capability_name(int number)
{
        return number >= 0 && number < COUNT ? names[number] : NULL;
}

uint64_t capability_mask(const struct spec *s, enum directive d, uint64_t unset)
{
        size_t n = spec_count(s, d);
        uint64_t mask = unset;

        for (size_t i = 0; i < n; i++) {
                const char *text = spec_item(s, d, i);
                bool without = text[0] == '~';
                int number = capability_number(text + without); /* "none" is no number */

                if (i == 0)
                        mask = without ? CAPABILITY_ALL : 0;
                if (number >= 0)
                        mask = without ? mask & ~(UINT64_C(1) << number) : mask | UINT64_C(1) << number;
        }
        return mask;
}

static void print_names(uint64_t mask, struct buf *out)
{
        bool first = true;

        for (int i = 0; i < COUNT; i++)
                if (mask >> i & 1) {
                        buf_addf(out, "%s%s", first ? "" : " ", names[i]);
                        first = false;
                }
}

static int count(uint64_t mask)
{
        int n = 0;

        for (; mask; mask &= mask - 1)
                n++;
        return n;
}

void capability_print(uint64_t mask, struct buf *out)
{
        const uint64_t known = (UINT64_C(1) << COUNT) - 1;

        mask &= known;
        if (mask == 0)
                buf_adds(out, "none");
        else if (mask == known)
                buf_adds(out, "all");
        else if (count(mask) > COUNT / 2) {
                buf_adds(out, "all but ");
                print_names(known & ~mask, out);
        } else {
                print_names(mask, out);
        }
}

/* Bits of prctl(PR_SET_SECUREBITS). */
static const struct { const char *name; unsigned bit; } securebits[] = {
        { "noroot", 1 }, { "noroot-locked", 2 }, { "no-setuid-fixup", 4 }, { "no-setuid-fixup-locked", 8 },
        { "keep-caps", 16 }, { "keep-caps-locked", 32 },
};

unsigned securebit_from_name(const char *name)
{
        for (size_t i = 0; i < sizeof(securebits) / sizeof(securebits[0]); i++)
                if (strcmp(securebits[i].name, name) == 0)
                        return securebits[i].bit;
        return 0;
}

unsigned securebits_mask(const struct spec *s)
{
        unsigned mask = 0;

        for (size_t i = 0; i < spec_count(s, D_SERVICE_SecureBits); i++)
                mask |= securebit_from_name(spec_item(s, D_SERVICE_SecureBits, i));
        return mask;
}

void securebits_print(unsigned mask, struct buf *out)
{
        bool first = true;

        for (size_t i = 0; i < sizeof(securebits) / sizeof(securebits[0]); i++)
                if (mask & securebits[i].bit) {
                        buf_addf(out, "%s%s", first ? "" : " ", securebits[i].name);
                        first = false;
                }
}
