/* unit_load.c - one unit at a time: a start by hand, verify, show, cat. See unit_set.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "unit/unit_dirs.h"

/* The first error is what the one sentence of err says. */
struct first_error {
        diag_fn *report;
        void *arg;
        struct err first;
        bool any;
};

static void note(void *arg, const struct diag *d)
{
        struct first_error *f = arg;

        if (d->severity == DIAG_ERROR && !f->any) {
                f->any = true;
                f->first = d->err;
        }
        if (f->report)
                f->report(f->arg, d);
}

/* What to say when there is no spec. */
static int explain(int r, const char *name, const struct first_error *f, struct err *err)
{
        if (r == -EINVAL && f->any && err)
                *err = f->first;
        else if (r == -ENOENT)
                (void) err_set(err, STAGE_LOAD, ENOENT, "there is no unit %s", name);
        else if (r == -EOPNOTSUPP)
                (void) err_set(err, STAGE_LOAD, EOPNOTSUPP, "%s is masked", name);
        else
                (void) err_set(err, STAGE_LOAD, -r, "no memory to read %s", name);
        if (r == -ENOENT)
                err_hint(err, "`coppicectl list --all` shows the units there are");
        if (r == -EOPNOTSUPP)
                err_hint(err, "remove the link to /dev/null, or the empty file");
        return r;
}

int unit_load(const struct unit_paths *p, const char *name, diag_fn *report, void *arg, struct spec **ret,
              struct err *err)
{
        struct first_error first = { .report = report, .arg = arg };
        struct remarks about_others = { 0 }, remarks = { .report = note, .arg = &first, .unit = name };
        struct unit_name parsed;
        struct unit_index ix;
        int r;

        r = unit_name_parse(name, &parsed, err);
        if (r < 0)
                return r;
        if (parsed.is_template) {
                (void) err_set(err, STAGE_LOAD, EINVAL, "%s is a template", name);
                err_hint(err, "name an instance: %s@1.%s", parsed.prefix,
                         strtab_text(&node_kind_names, (int) parsed.kind));
                return -EINVAL;
        }
        r = unit_index_new(p, &about_others, &ix);
        if (r == 0) {
                r = unit_read(&ix, name, &remarks, ret, NULL);
                unit_index_free(&ix);
        }
        return r < 0 ? explain(r, name, &first, err) : 0;
}

/* A template is read as its instance "instance". */
static int name_of_file(const char *file, char buf[256], struct err *err)
{
        const char *slash = strrchr(file, '/'), *base = slash ? slash + 1 : file;
        struct unit_name n;
        int r = unit_name_parse(base, &n, err);

        if (r < 0)
                return r;
        (void) snprintf(buf, 256, "%s%s.%s", n.stem, n.is_template ? "instance" : "",
                        strtab_text(&node_kind_names, (int) n.kind));
        return 0;
}

bool unit_file_there(const char *file)
{
        const char *slash = strrchr(file, '/'), *base = slash ? slash + 1 : file;
        autofree char *template = NULL;
        struct unit_name n;
        struct stat st;

        if (stat(file, &st) == 0)
                return S_ISREG(st.st_mode);
        if (unit_name_parse(base, &n, NULL) < 0 || !n.instance[0] ||
            asprintf(&template, "%.*s%s@.%s", (int) (base - file), file, n.prefix,
                     strtab_text(&node_kind_names, (int) n.kind)) < 0)
                return false;
        return stat(template, &st) == 0 && S_ISREG(st.st_mode);
}

int unit_load_file(const struct unit_paths *p, const char *file, diag_fn *report, void *arg, struct spec **ret,
                   struct err *err)
{
        static const char *const none[] = { NULL };
        const char *slash = strrchr(file, '/');
        autofree char *dir = slash ? strndup(file, slash == file ? 1 : (size_t) (slash - file)) : strdup(".");
        const char *dirs[] = { dir };
        struct unit_options o = { .dirs = dirs, .dir_count = 1, .systemd_dirs = none, .check_owner = p->check_owner };
        struct unit_paths *beside = NULL;
        char name[256];
        int r;

        if (!dir)
                return err_set(err, STAGE_LOAD, ENOMEM, "no memory to read %s", file);
        if (access(file, F_OK) < 0 && !unit_file_there(file))
                return err_sys(err, STAGE_LOAD, "read %s", file);
        r = name_of_file(file, name, err);
        if (r == 0)
                r = unit_paths_new(&o, &beside, err);
        if (r == 0)
                r = unit_load(beside, name, report, arg, ret, err);
        unit_paths_free(beside);
        return r;
}

/* Is there a main file of that name, or of its template? */
static bool exists(const struct unit_index *ix, const char *name)
{
        const struct unit_entry *e = unit_index_find(ix, name);
        struct unit_name n;
        char template[256];

        for (; e && e < ix->entries + ix->count && strcmp(unit_index_name(ix, e), name) == 0; e++)
                if (!e->drop_ins)
                        return true;
        if (unit_name_parse(name, &n, NULL) < 0 || !n.instance[0])
                return false;
        (void) snprintf(template, sizeof(template), "%s@.%s", n.prefix, strtab_text(&node_kind_names, (int) n.kind));
        return exists(ix, template);
}

int unit_resolve(const struct unit_paths *p, const char *typed, char *buf, size_t n, struct err *err)
{
        static const char *const suffixes[] = { "", ".service", ".supervisor" };
        struct remarks quiet = { 0 };
        struct unit_index ix;

        if (strlen(typed) >= 200)
                return err_set(err, STAGE_LOAD, ENOENT, "there is no unit %.80s", typed);
        if (unit_index_new(p, &quiet, &ix) < 0)
                return err_set(err, STAGE_LOAD, ENOMEM, "no memory to list the units");
        for (size_t i = 0; i < ARRAY_LEN(suffixes); i++) {
                char name[256];

                (void) snprintf(name, sizeof(name), "%s%s", typed, suffixes[i]);
                if (!exists(&ix, name))
                        continue;
                (void) snprintf(buf, n, "%s", name);
                unit_index_free(&ix);
                return 0;
        }
        unit_index_free(&ix);
        (void) err_set(err, STAGE_LOAD, ENOENT, "there is no unit %s", typed);
        err_hint(err, "`coppicectl list --all` shows the units there are");
        return -ENOENT;
}
