/* value_sandbox.c - the forms of directives_sandbox.def. See value.h. */
#include "core/value.h"

#include <errno.h>
#include <string.h>

#include "core/capability.h"

static int cap_item(enum directive d, const char *text, struct buf *out, struct err *err)
{
        bool without = text[0] == '~';
        int number = capability_number(text + without);

        if (number < 0 && strcmp(text + without, "none") != 0)
                return value_refuse(d, text, err, "no capability of that name",
                              "write names such as CAP_NET_BIND_SERVICE; capabilities(7) lists them");
        buf_addf(out, "%s%s", without ? "~" : "", number < 0 ? "none" : capability_name(number));
        return 0;
}

static int securebit_item(enum directive d, const char *text, struct buf *out, struct err *err)
{
        if (!securebit_from_name(text))
                return value_refuse(d, text, err, "no secure bit of that name",
                              "noroot, no-setuid-fixup, keep-caps, each also with -locked");
        buf_adds(out, text);
        return 0;
}

#define PATH_HINT "write a path that begins with /, without \"..\""

static int mount_item(enum directive d, const char *text, struct buf *out, struct err *err)
{
        const char *p = text;
        size_t from;

        if (*p == '-')
                buf_addc(out, *p++);
        if (*p == '+')
                buf_addc(out, *p++);
        from = out->len;
        if (value_path(p, out) < 0)
                return value_refuse(d, text, err, "not an absolute path", PATH_HINT);
        if (d == D_SERVICE_InaccessiblePaths && strcmp(buf_text(out) + from, "/") == 0)
                return value_refuse(d, text, err, "nothing would be left to run", "name a directory below /");
        return 0;
}

/* The text up to the next colon as a path; *p moves behind the colon, or becomes NULL. */
static int part(const char **p, struct buf *out)
{
        autobuf struct buf one = BUF_INIT;
        size_t n = strcspn(*p, ":");

        buf_add(&one, *p, n);
        *p = (*p)[n] ? *p + n + 1 : NULL;
        return value_path(buf_text(&one), out);
}

/* Kept as SOURCE:DESTINATION:rbind. */
static int bind_item(enum directive d, const char *text, struct buf *out, struct err *err)
{
        const char *p = text;
        size_t from;

        if (*p == '-')
                buf_addc(out, *p++);
        from = out->len;
        if (part(&p, out) < 0)
                return value_refuse(d, text, err, "the source is not an absolute path", PATH_HINT);
        if (p && *p) {
                buf_addc(out, ':');
                if (part(&p, out) < 0)
                        return value_refuse(d, text, err, "the destination is not an absolute path", PATH_HINT);
        } else {
                autobuf struct buf same = BUF_INIT;

                p = NULL;
                buf_adds(&same, buf_text(out) + from);
                buf_addf(out, ":%s", buf_text(&same));
        }
        if (buf_failed(out))
                return err_set(err, STAGE_LOAD, ENOMEM, "no memory");
        if (strcmp(strrchr(buf_text(out), ':'), ":/") == 0)
                return value_refuse(d, text, err, "the root directory is no place to show something at",
                                    "RootDirectory= makes another directory the root");
        if (p && strcmp(p, "rbind") != 0 && strcmp(p, "norbind") != 0 && *p)
                return value_refuse(d, text, err, "unknown option",
                                    "SOURCE:DESTINATION:rbind or SOURCE:DESTINATION:norbind");
        buf_addf(out, ":%s", p && *p ? p : "rbind");
        return 0;
}

/* Options are the file system's own; those that are the mount's are read by mounts_said.c. */
static int tmpfs_item(enum directive d, const char *text, struct buf *out, struct err *err)
{
        const char *p = text;

        if (part(&p, out) < 0)
                return value_refuse(d, text, err, "not an absolute path", PATH_HINT);
        if (p && *p) {
                if (strpbrk(p, " \t"))
                        return value_refuse(d, text, err, "not a list of options",
                                            "PATH:option,option, such as /var:ro,size=1M");
                if (value_tmpfs_options(d, text, p, err) < 0)
                        return -EINVAL;
                buf_addf(out, ":%s", p);
        }
        return 0;
}

static int landlock_item(enum directive d, const char *text, struct buf *out, struct err *err)
{
        if (strcmp(text, "none") == 0) {
                buf_adds(out, text);
                return 0;
        }
        return text[text[0] == '-'] == '+' ? value_refuse(d, text, err, "not an absolute path", PATH_HINT)
                                           : mount_item(d, text, out, err);
}

static int port_item(enum directive d, const char *text, struct buf *out, struct err *err)
{
        int64_t port;

        if (strcmp(text, "none") != 0 && (value_decimal(text, &port) < 0 || port < 0 || port > 65535))
                return value_refuse(d, text, err, "no TCP port", "write numbers from 0 to 65535, or none");
        buf_adds(out, text);
        return 0;
}

static size_t id_length(const char *text)
{
        size_t n = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-");

        return n <= 255 && strcspn(text, ":") == n && !(text[0] == '.' && (n == 1 || (n == 2 && text[1] == '.')))
               ? n : 0;
}

static int load_item(enum directive d, const char *text, struct buf *out, struct err *err)
{
        size_t n = id_length(text);
        const char *path = text[n] ? text + n + 1 : "";

        if (n == 0)
                return value_refuse(d, text, err, "no name of a credential",
                                    "ID or ID:PATH; letters, digits, _ . and -");
        buf_add(out, text, n);
        if (!text[n])
                return 0;
        buf_addc(out, ':');
        if (path[0] == '/')
                return value_path(path, out) < 0 ? value_refuse(d, text, err, "not an absolute path", PATH_HINT) : 0;
        if (!path[0] || strchr(path, '/'))
                return value_refuse(d, text, err, "not an absolute path",
                                    "or write the name of a file of the credential store");
        buf_adds(out, path);
        return 0;
}

/* No message may hold the value. */
static int set_item(enum directive d, const char *text, struct buf *out, struct err *err)
{
        size_t n = id_length(text);

        if (n == 0 || text[n] != ':')
                return value_refuse(d, n ? "..." : "", err, "no name of a credential",
                                    "ID:VALUE; letters, digits, _ . and - in the ID");
        buf_adds(out, text);
        return 0;
}

int value_sandbox_item(enum directive d, const char *text, struct buf *out, struct err *err)
{
        const char *form = directive_rows[d].min;

        if (strcmp(form, "cap") == 0) return cap_item(d, text, out, err);
        if (strcmp(form, "securebit") == 0) return securebit_item(d, text, out, err);
        if (strcmp(form, "mount") == 0) return mount_item(d, text, out, err);
        if (strcmp(form, "llpath") == 0) return landlock_item(d, text, out, err);
        if (strcmp(form, "port") == 0) return port_item(d, text, out, err);
        if (strcmp(form, "credload") == 0) return load_item(d, text, out, err);
        if (strcmp(form, "credset") == 0) return set_item(d, text, out, err);
        if (strcmp(form, "bind") == 0) return bind_item(d, text, out, err);
        if (strcmp(form, "tmpfs") == 0) return tmpfs_item(d, text, out, err);
        return 1;
}
