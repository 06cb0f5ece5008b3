/* cmd_schema.c - schema: the table of directives as JSON Schema, for editors and programs that write units. */
#include "core/schema.h"
#include "ctl/ctl.h"

static int run_schema(struct ctl *c)
{
        schema_write(&c->out);
        if (c->out.len && c->out.data[c->out.len - 1] != '\n')
                buf_addc(&c->out, '\n');
        return CTL_OK;
}

const struct ctl_verb verb_schema = {
        .name = "schema", .args = "", .help = "Print the JSON Schema of units.",
        .prose = "A unit is an object of sections, a section an object of directives; lists are arrays of texts, all "
                 "other values texts as one writes them in a unit file. Members that begin with \"x-\" tell what JSON "
                 "Schema has no word for: the kind of value, its bounds, when a change counts, and who enforces it.",
        .run = run_schema,
};
