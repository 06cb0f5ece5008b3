/* plan_creds.c - LoadCredential= and SetCredential= as steps. See plan_priv.h. Pure.
 *
 * The secrets lie in a file system in memory that only the service sees. The child opens what is loaded before the
 * mounts (CREDENTIAL), so the paths are the machine's; the files are made after them (CREDENTIALS). A value of
 * SetCredential= is in the plan and nowhere in its words. */
#include <errno.h>
#include <string.h>

#include "core/mounts.h"
#include "core/plan_priv.h"

/* Where a credential is looked for that names no absolute path. */
static const char *const stores[] = { "/etc/credstore", "/run/credstore", "/usr/local/lib/credstore",
                                      "/usr/lib/credstore" };

bool creds_wanted(const struct spec *s)
{
        return spec_count(s, D_SERVICE_LoadCredential) > 0 || spec_count(s, D_SERVICE_SetCredential) > 0;
}

/* "credentials/web.service", below the directory that RuntimeDirectory= is below. */
static void creds_name(const struct spec *s, struct buf *out)
{
        buf_addf(out, "credentials/%s", spec_name(s));
}

void creds_path(const struct spec *s, const struct plan_facts *f, struct buf *out)
{
        buf_addf(out, "%s/", f->runtime_root ? f->runtime_root : "/run");
        creds_name(s, out);
}

/* The bytes of a value: \n, \t, \\, \xHH, \ooo; an unknown escape stays as it is. */
static void unescape(const char *p, struct buf *out)
{
        static const char letters[] = "nn\nrr\rtt\tss \\\\\\\"\"\"''\'aa\abb\bff\fvv\v";

        for (; *p; p++) {
                const char *known = NULL;
                unsigned value = 0;
                int n = 0;

                for (size_t i = 0; p[0] == '\\' && p[1] && i + 2 < sizeof(letters); i += 3)
                        if (letters[i] == p[1])
                                known = &letters[i + 2];
                if (p[0] == '\\' && p[1] == 'x')
                        while (n < 2 && p[2 + n] && strchr("0123456789abcdefABCDEF", p[2 + n])) {
                                char c = p[2 + n++];

                                value = value * 16 + (unsigned) (c <= '9' ? c - '0' : (c | 32) - 'a' + 10);
                        }
                else if (p[0] == '\\' && p[1] >= '0' && p[1] <= '3')
                        while (n < 3 && p[1 + n] >= '0' && p[1 + n] <= '7')
                                value = value * 8 + (unsigned) (p[1 + n++] - '0');
                if (n == 2 && p[1] == 'x')
                        p += 3;
                else if (n == 3)
                        p += 3;
                else if (known)
                        p++;
                buf_addc(out, n ? (char) value : known ? *known : *p);
        }
}

static bool also_set(const struct spec *s, const char *id, size_t n)
{
        for (size_t i = 0; i < spec_count(s, D_SERVICE_SetCredential); i++) {
                const char *item = spec_item(s, D_SERVICE_SetCredential, i);

                if (strncmp(item, id, n) == 0 && item[n] == ':')
                        return true;
        }
        return false;
}

/* ID[:PATH] */
static void add_loaded(struct compiler *c, size_t i)
{
        const char *item = spec_item(c->s, D_SERVICE_LoadCredential, i);
        size_t n = strcspn(item, ":");
        const char *path = item[n] ? item + n + 1 : "";
        autobuf struct buf text = BUF_INIT;

        buf_add(&text, item, n);
        buf_addc(&text, '\0');
        if (path[0] == '/')
                buf_add(&text, path, strlen(path) + 1);
        for (size_t k = 0; path[0] != '/' && k < sizeof(stores) / sizeof(stores[0]); k++) {
                buf_addf(&text, "%s/%.*s", stores[k], path[0] ? 4096 : (int) n, path[0] ? path : item);
                buf_addc(&text, '\0');
        }
        plan_add(c, &(struct step) { .op = PLAN_CREDENTIAL, .flags = also_set(c->s, item, n) ? PLAN_MOUNT_OPTIONAL : 0,
                                     .origin = spec_item_origin(c->s, D_SERVICE_LoadCredential, i), .a = -1,
                                     .text = text.data, .len = text.len });
        c->failed |= buf_failed(&text);
}

static void add_set(struct compiler *c, size_t i)
{
        const char *item = spec_item(c->s, D_SERVICE_SetCredential, i);
        size_t n = strcspn(item, ":");
        autobuf struct buf text = BUF_INIT;

        buf_add(&text, item, n);
        buf_addc(&text, '\0');
        unescape(item[n] ? item + n + 1 : "", &text);
        buf_addc(&text, '\0');
        plan_add(c, &(struct step) { .op = PLAN_CREDENTIAL,
                                     .origin = spec_item_origin(c->s, D_SERVICE_SetCredential, i),
                                     .a = (int64_t) (text.len - n - 2), .text = text.data, .len = text.len });
        c->failed |= buf_failed(&text);
}

int plan_creds_open(struct compiler *c, struct err *err)
{
        size_t loads = spec_count(c->s, D_SERVICE_LoadCredential), sets = spec_count(c->s, D_SERVICE_SetCredential);

        if (c->privileged || !creds_wanted(c->s))
                return 0;
        if (loads + sets > PLAN_CREDENTIALS_MAX)
                return err_set(err, STAGE_CREDENTIALS, E2BIG, "pass credentials: there are more than %d",
                               PLAN_CREDENTIALS_MAX);
        for (size_t i = 0; i < loads; i++)
                add_loaded(c, i);
        for (size_t i = 0; i < sets; i++)
                add_set(c, i);
        return 0;
}

static struct origin creds_origin(const struct spec *s)
{
        return spec_origin(s, spec_count(s, D_SERVICE_LoadCredential) ? D_SERVICE_LoadCredential
                           : D_SERVICE_SetCredential);
}

/* The mount point, or where nobody may mount the directory itself. */
void plan_creds_directory(struct compiler *c)
{
        autobuf struct buf text = BUF_INIT;
        int64_t owner = c->f->root ? 0 : -1;

        if (c->privileged || !creds_wanted(c->s))
                return;
        buf_adds(&text, c->f->runtime_root ? c->f->runtime_root : "/run");
        buf_addc(&text, '\0');
        creds_name(c->s, &text);
        plan_add(c, &(struct step) { .op = PLAN_DIRECTORY, .stage = STAGE_CREDENTIALS, .a = 0700, .b = owner,
                                     .c = owner,
                                     .origin = creds_origin(c->s), .text = text.data, .len = text.len + 1 });
        c->failed |= buf_failed(&text);
}

void plan_creds_fill(struct compiler *c)
{
        const struct plan_facts *f = c->f;
        bool other = f->root && f->have_user && !c->keep_ids;
        autobuf struct buf path = BUF_INIT;

        if (c->privileged || !creds_wanted(c->s))
                return;
        creds_path(c->s, f, &path);
        plan_add(c, &(struct step) { .op = PLAN_CREDENTIALS, .a = other ? (int64_t) f->uid : -1,
                                     .b = other ? (int64_t) f->gid : -1, .c = !!(c->box.parts & SANDBOX_MOUNTS),
                                     .origin = creds_origin(c->s), .text = path.data, .len = path.len + 1 });
        c->failed |= buf_failed(&path);
}
