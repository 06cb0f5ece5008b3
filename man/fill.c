/* fill.c - a build tool: copies a page from standard input and puts the lists that belong to the table of directives
 * where the page says so, in a line of its own:
 *
 *     @DIRECTIVES Service SuccessExitStatus..RuntimeMaxSec@     rows of [Service], from key to key
 *     @DIRECTIVES Supervisor@                                   all rows of a section
 *     @SPECIFIERS@                                              rows of a table: the % specifiers
 *     @VERSION@                                                 anywhere in a line
 *
 * So no page lists an option that does not exist, and none is left out: a page that names the rows in pieces is
 * checked here to have named them all. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/directive.h"
#include "core/words.h"

static bool printed[D_COUNT];
static bool section_used[SECTION_COUNT];

/* Text of the table as roff: a backslash, a leading dot or quote and a minus sign mean themselves. */
static void put_text(const char *s)
{
        if (*s == '.' || *s == '\'')
                fputs("\\&", stdout);
        for (; *s; s++) {
                if (*s == '\\')
                        fputs("\\e", stdout);
                else if (*s == '-')
                        fputs("\\-", stdout);
                else
                        putchar(*s);
        }
}

static void put_names(const struct strtab *names)
{
        bool first = true;

        for (int i = 0; i < names->count; i++) {
                if (!names->text[i])
                        continue;
                fputs(first ? "One of " : ", ", stdout);
                put_text(names->text[i]);
                first = false;
        }
        puts(".");
}

static void put_row(enum directive d)
{
        static const char *const when[] = {
                [CHANGE_LIVE] = "A change counts at once after a reload.",
                [CHANGE_RESTART] = "A change counts from the next restart.",
                [CHANGE_START] = "A change counts from the next start.",
        };
        const struct directive_row *row = &directive_rows[d];

        printf(".TP\n.BR %s =\n", row->key);
        put_text(row->help);
        putchar('\n');
        if (row->names && row->type == VT_ENUM && !strstr(row->help, ", "))
                put_names(row->names);
        if (row->def[0]) {
                fputs("Default: ", stdout);
                put_text(row->def);
                puts(".");
        }
        if (row->section != SECTION_INSTALL && strcmp(row->enforced, "shown") != 0)
                puts(when[row->change]);
        printed[d] = true;
}

static int fail(const char *line, const char *why)
{
        fprintf(stderr, "fill: %s: %s\n", line, why);
        return EXIT_FAILURE;
}

/* "Service Type..WatchdogSec" or "Service". */
static int put_list(char *what)
{
        char *from = strchr(what, ' '), *to = NULL;
        enum directive first = 0, last = D_COUNT;
        int section;

        if (from) {
                *from++ = '\0';
                to = strstr(from, "..");
        }
        section = strtab_value(&section_names, what);
        if (section < 0)
                return fail(what, "no such section");
        section_used[section] = true;
        if (to) {
                *to = '\0';
                first = directive_find((enum section) section, from);
                last = directive_find((enum section) section, to + 2);
                if (first == D_NONE || last == D_NONE)
                        return fail(from, "no such directives");
        }
        for (int d = (int) first; d < D_COUNT && d <= (int) last; d++)
                if ((int) directive_rows[d].section == section)
                        put_row((enum directive) d);
        return EXIT_SUCCESS;
}

static void put_specifiers(void)
{
        const char *what;
        char letter;

        for (size_t i = 0; (what = specifier_row(i, &letter)); i++) {
                printf("%%%c\tT{\n", letter);
                put_text(what);
                puts("\nT}");
        }
        puts("%%\ta percent sign");
}

static int all_named(void)
{
        for (int d = 0; d < D_COUNT; d++)
                if (section_used[directive_rows[d].section] && !printed[d])
                        return fail(directive_rows[d].key, "the page leaves this directive out");
        return EXIT_SUCCESS;
}

static void put_line(const char *line)
{
        const char *mark = strstr(line, "@VERSION@");

        if (mark)
                printf("%.*s%s%s", (int) (mark - line), line, PACKAGE_VERSION, mark + strlen("@VERSION@"));
        else
                fputs(line, stdout);
}

int main(void)
{
        char line[512];

        while (fgets(line, sizeof line, stdin)) {
                char *end = strrchr(line, '@');

                if (strcmp(line, "@SPECIFIERS@\n") == 0) {
                        put_specifiers();
                        continue;
                }
                if (strncmp(line, "@DIRECTIVES ", 12) != 0 || !end || end < line + 12) {
                        put_line(line);
                        continue;
                }
                *end = '\0';
                if (put_list(line + 12) != EXIT_SUCCESS)
                        return EXIT_FAILURE;
        }
        return all_named();
}
