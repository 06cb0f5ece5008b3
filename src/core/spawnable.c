/* spawnable.c - see spawnable.h. */
#include "core/spawnable.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/unit_text.h"

enum how { KEEP, OWN, FREE, SAME, LOWER, ON, MORE };

static const uint8_t table[D_COUNT] = {
#define SPAWNABLE(directive, how) [D_##directive] = how,
#include "core/spawnable.def"
#undef SPAWNABLE
};

static bool of_service(enum directive d)
{
        return directive_rows[d].section == SECTION_SERVICE || directive_rows[d].section == SECTION_UNIT;
}

/* The directories of a dynamic user belong to a number that is the unit's own: another unit would take them away. */
static enum how how_of(const struct spec *spawner, enum directive d)
{
        bool directory = d >= D_SERVICE_StateDirectory && d <= D_SERVICE_ConfigurationDirectoryMode;

        if (directive_rows[d].section == SECTION_UNIT && table[d] == KEEP)
                return OWN;
        return directory && spec_int(spawner, D_SERVICE_DynamicUser) ? OWN : (enum how) table[d];
}

bool spawnable_word(const struct spec *supervisor, const char *word)
{
        for (size_t i = 0; i < spec_count(supervisor, D_SUPERVISOR_AllowSpawn); i++)
                if (strcmp(spec_item(supervisor, D_SUPERVISOR_AllowSpawn, i), word) == 0)
                        return true;
        return false;
}

bool spawnable_unit(const struct spec *supervisor, const char *unit)
{
        struct unit_name name;
        char template[sizeof(name.prefix) + sizeof("@.service")];

        if (unit_name_parse(unit, &name, NULL) < 0 || name.kind != KIND_SERVICE || !name.instance[0])
                return false;
        (void) snprintf(template, sizeof(template), "%s@.service", name.prefix);
        return spawnable_word(supervisor, template);
}

void spawnable_lines(const struct spec *spawner, spawnable_said_fn *said, void *arg, struct buf *out)
{
        for (int i = 0; i < D_COUNT; i++) {
                enum directive d = (enum directive) i;
                enum how how = how_of(spawner, d);

                if (of_service(d) && spec_has(spawner, d) && how != OWN && how != FREE &&
                    (directive_is_list(d) || !said(arg, directive_rows[d].key)))
                        unit_text_print_one(spawner, d, out);
        }
}

/* --- what is asked for -------------------------------------------------------------------------------------------- */

static int refuse(struct err *err, const char *key, size_t len, const char *why)
{
        (void) err_set(err, STAGE_LOAD, EPERM, "%.*s= %s", (int) len, key, why);
        if (err)
                err_hint(err, "coppice.supervisor(5), AllowSpawn=, lists what can be asked for; a template can say "
                         "anything");
        return -EPERM;
}

int spawnable_property(const char *property, struct err *err)
{
        size_t len = strcspn(property, "= \t");
        const char *value = property + len + strspn(property + len, " \t");
        enum directive d = D_NONE;
        char key[64];

        if (snprintf(key, sizeof(key), "%.*s", (int) len, property) < (int) sizeof(key))
                d = directive_find(SECTION_SERVICE, key);
        if (d == D_NONE)
                d = directive_find(SECTION_UNIT, key);
        if (d == D_NONE)
                return 0; /* the parser knows the nearest spelling */
        if (table[d] == KEEP || table[d] == OWN)
                return refuse(err, property, len, "is not a spawner's to set");
        if (table[d] == MORE && value[strspn(value, "= \t")] == '\0')
                return refuse(err, property, len, "can only be added to");
        return 0;
}

/* Numbers, and shares of what the machine has, which are below zero (VT_AMOUNT). */
static bool no_more(int64_t spawner, int64_t child)
{
        if (spawner == SPEC_UNSET || spawner == child)
                return true;
        if (child == SPEC_UNSET || (spawner < 0) != (child < 0))
                return false;
        return spawner < 0 ? child >= spawner : child <= spawner;
}

static bool has_all_of(const struct spec *child, const struct spec *spawner, enum directive d)
{
        for (size_t i = 0; i < spec_count(spawner, d); i++)
                if (i >= spec_count(child, d) || strcmp(spec_item(child, d, i), spec_item(spawner, d, i)) != 0)
                        return false;
        return true;
}

int spawnable_check(const struct spec *spawner, const struct spec *child, struct err *err)
{
        for (int i = 0; i < D_COUNT; i++) {
                enum directive d = (enum directive) i;
                const char *key = directive_rows[d].key;

                if (!of_service(d))
                        continue;
                switch (how_of(spawner, d)) {
                case KEEP:
                        if (!spec_same(spawner, child, d))
                                return refuse(err, key, strlen(key), "would not be as the spawner has it");
                        break;
                case LOWER:
                        if (!no_more(spec_int(spawner, d), spec_int(child, d)))
                                return refuse(err, key, strlen(key), "can only be less than the spawner has");
                        break;
                case ON:
                        if (!spec_same(spawner, child, d) && spec_int(child, d) != 1)
                                return refuse(err, key, strlen(key), "can only be switched on");
                        break;
                case MORE:
                        if (!has_all_of(child, spawner, d))
                                return refuse(err, key, strlen(key), "can only be added to");
                        break;
                case OWN: case FREE: case SAME:
                        break;
                }
        }
        return 0;
}
