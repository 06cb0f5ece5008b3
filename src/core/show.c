/* show.c - see show.h. */
#include "core/show.h"

#include "core/resolve.h"
#include "core/value.h"

static bool has_section(const struct spec *s, enum section section)
{
        return section == SECTION_UNIT || section == SECTION_INSTALL ||
               section == section_of_kind(spec_kind(s));
}

static void write_setting(struct json *j, const struct spec *s, enum directive d, enum isolation isolation)
{
        const struct directive_row *row = &directive_rows[d];
        autobuf struct buf value = BUF_INIT;
        struct origin o = { "", 0 };

        if (spec_has(s, d))
                o = spec_origin(s, d);
        if (o.file[0] == '\0')
                o.line = 0; /* a property, in no file */
        if (d == D_SERVICE_Isolation)
                value_print(d, (int64_t) spec_isolation(s, isolation), &value);
        else
                spec_print(s, d, &value); /* also what a default depends on: Restart=, TimeoutStartSec=,
                                           * NotifyAccess= ... */
        json_open(j, NULL, '{');
        json_str(j, "section", strtab_text(&section_names, (int) row->section));
        json_str(j, "key", row->key);
        json_str(j, "value", buf_text(&value));
        json_bool(j, "set", spec_has(s, d));
        json_str(j, "file", o.line ? o.file : NULL);
        if (o.line)
                json_uint(j, "line", o.line);
        else
                json_nil(j, "line");
        json_close(j);
}

void json_settings(struct json *j, const char *key, const struct spec *s, enum isolation isolation)
{
        json_open(j, key, '[');
        for (int d = 0; d < D_COUNT; d++)
                if (has_section(s, directive_rows[d].section))
                        write_setting(j, s, (enum directive) d, isolation);
        json_close(j);
}
