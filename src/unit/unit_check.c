/* unit_check.c - what a unit names and this machine does not have. See unit_set.h.
 * Remarks, not refusals: what is missing now may be there when the unit is started. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/account.h"
#include "base/buf.h"
#include "core/value.h"
#include "unit/unit_set.h"

static void missing(struct remarks *r, struct origin at, const char *hint, enum directive d, const char *what)
{
        remark(r, DIAG_WARNING, at.file, at.line, 0, hint, "%s=%s: %s", directive_rows[d].key, what, strerror(errno));
}

/* Programs by their path; a bare name is looked up when the unit is started, and below another root nobody knows. */
static void check_programs(const struct spec *s, enum directive d, struct remarks *r)
{
        if (directive_rows[d].type != VT_COMMAND || *spec_str(s, D_SERVICE_RootDirectory))
                return;
        for (size_t i = 0; i < spec_count(s, d); i++) {
                struct command c = spec_command(s, d, i);

                if (c.path[0] == '/' && access(c.path, X_OK) < 0)
                        missing(r, c.origin, "install it, or correct the path", d, c.path);
        }
}

static void check_files(const struct spec *s, struct remarks *r)
{
        for (size_t i = 0; i < spec_count(s, D_SERVICE_EnvironmentFile); i++) {
                const char *file = spec_item(s, D_SERVICE_EnvironmentFile, i);

                if (file[0] != '-' && access(file, R_OK) < 0)
                        missing(r, spec_item_origin(s, D_SERVICE_EnvironmentFile, i),
                                "begin it with - if it may be missing", D_SERVICE_EnvironmentFile, file);
        }
        if (spec_str(s, D_SERVICE_WorkingDirectory)[0] == '/' && !*spec_str(s, D_SERVICE_RootDirectory) &&
            access(spec_str(s, D_SERVICE_WorkingDirectory), X_OK) < 0)
                missing(r, spec_origin(s, D_SERVICE_WorkingDirectory), "begin it with - if it may be missing",
                        D_SERVICE_WorkingDirectory, spec_str(s, D_SERVICE_WorkingDirectory));
}

static bool is_name(const char *text)
{
        int64_t number;

        return *text && value_decimal(text, &number) < 0;
}

static void no_account(const struct spec *s, enum directive d, size_t item, const char *name, struct remarks *r)
{
        struct origin at = d == D_SERVICE_SupplementaryGroups ? spec_item_origin(s, d, item) : spec_origin(s, d);
        bool user = d == D_SERVICE_User;

        remark(r, DIAG_WARNING, at.file, at.line, 0,
               user ? "adduser --system makes one; or is the unit for another machine?" :
                      "addgroup --system makes one; or is the unit for another machine?",
               "%s=%s: there is no such %s in %s", directive_rows[d].key, name, user ? "user" : "group",
               user ? "/etc/passwd" : "/etc/group");
}

/* Only the files are looked at: no name service is asked. */
static void check_ids(const struct spec *s, struct remarks *r)
{
        const char *user = spec_str(s, D_SERVICE_User), *group = spec_str(s, D_SERVICE_Group);
        struct account a = { 0 };
        gid_t gid;

        if (is_name(user) && !spec_int(s, D_SERVICE_DynamicUser) && account_by_name(user, &a) == -ENOENT)
                no_account(s, D_SERVICE_User, 0, user, r);
        account_done(&a);
        if (is_name(group) && account_group(group, &gid) == -ENOENT)
                no_account(s, D_SERVICE_Group, 0, group, r);
        for (size_t i = 0; i < spec_count(s, D_SERVICE_SupplementaryGroups); i++) {
                const char *name = spec_item(s, D_SERVICE_SupplementaryGroups, i);

                if (is_name(name) && account_group(name, &gid) == -ENOENT)
                        no_account(s, D_SERVICE_SupplementaryGroups, i, name, r);
        }
}

void unit_check_machine(const struct spec *s, diag_fn *report, void *arg)
{
        struct remarks r = { .report = report, .arg = arg, .unit = spec_name(s) };

        if (spec_kind(s) != KIND_SERVICE)
                return;
        for (int d = D_SERVICE_Type; d < D_SUPERVISOR_Strategy; d++)
                check_programs(s, (enum directive) d, &r);
        check_files(s, &r);
        check_ids(s, &r);
}
