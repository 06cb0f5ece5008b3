/* pages.c - a build tool: the manual page and the completions of coppicectl, made from the table of verbs.
 *
 *     pages man < coppicectl.1.in     the page, with @VERBS@ and @OPTIONS@ replaced by sections
 *     pages verbs DIR                 a page for each verb, DIR/coppicectl-VERB.1, where man(1) looks for it when
 *                                     it is asked for "coppicectl VERB"
 *     pages bash | zsh | fish         a completion script */
#include <ctype.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "ctl/pages.h"

static void dashes(const char *s)
{
        for (; *s; s++)
                fputs(*s == '-' ? "\\-" : (char[]) { *s, 0 }, stdout);
}

/* Text as roff. */
static void roff(const char *s)
{
        bool start = true;

        for (; *s; s++) {
                if (start && (*s == '.' || *s == '\''))
                        fputs("\\&", stdout);
                start = *s == '\n';
                if (*s == '\\')
                        fputs("\\e", stdout);
                else if (*s == '-')
                        fputs("\\-", stdout);
                else if (*s == '\n')
                        fputs("\n.PP\n", stdout);
                else
                        putchar(*s);
        }
        putchar('\n');
}

static void man_options(const struct ctl_option *o)
{
        for (; o && o->name; o++) {
                fputs(".TP\n.B ", stdout);
                if (o->letter)
                        printf("\\-%c, ", o->letter);
                printf("\\-\\-");
                dashes(o->name);
                if (o->arg)
                        printf("=\\fI%s\\fR", o->arg);
                putchar('\n');
                roff(o->help);
        }
}

static void man_verbs(void)
{
        for (int i = 0; ctl_verbs[i]; i++) {
                const struct ctl_verb *v = ctl_verbs[i];

                fputs(".SS \"", stdout);
                dashes(v->name);
                printf("%s%s\"\n", *v->args ? " " : "", v->args);
                roff(v->help);
                if (v->prose)
                        roff(v->prose);
                man_options(v->options);
        }
}

static int man(void)
{
        char line[1024];

        while (fgets(line, sizeof line, stdin)) {
                if (strcmp(line, "@VERBS@\n") == 0)
                        man_verbs();
                else if (strcmp(line, "@OPTIONS@\n") == 0)
                        man_options(ctl_global_options);
                else
                        fputs(line, stdout);
        }
        return EXIT_SUCCESS;
}

/* The first word of its help may begin with a capital letter; the end is a full stop. */
static void man_name(const struct ctl_verb *v)
{
        const size_t len = strlen(v->help);

        fputs(".SH NAME\ncoppicectl\\-", stdout);
        dashes(v->name);
        printf(" \\- %c%.*s\n", tolower((unsigned char) v->help[0]),
               (int) (len - 1 - (v->help[len - 1] == '.')), v->help + 1);
}

static void man_verb(const struct ctl_verb *v)
{
        fputs(".\\\" Made from the table of verbs.\n.TH COPPICECTL\\-", stdout);
        for (const char *p = v->name; *p; p++)
                putchar(toupper((unsigned char) *p));
        fputs(" 1 \"2026-11-22\" \"Coppice\" \"User commands\"\n", stdout);
        man_name(v);
        fputs(".SH SYNOPSIS\n.B coppicectl\n[\\fIOPTION\\fR...] ", stdout);
        dashes(v->name);
        printf("%s%s\n.SH DESCRIPTION\n", *v->args ? " " : "", v->args);
        roff(v->help);
        if (v->prose)
                roff(v->prose);
        fputs(".SH OPTIONS\n", stdout);
        man_options(v->options);
        fputs("Those of every verb:\n", stdout);
        man_options(ctl_global_options);
        fputs(".SH EXIT STATUS\n0 when it was done; what else there is, what words for nodes and spans of time mean, "
              "and what goes for all verbs, is in\n.BR coppicectl (1).\n.SH SEE ALSO\n.BR coppicectl (1),\n"
              ".BR coppiced (8)\n", stdout);
}

static int man_pages(const char *dir)
{
        char path[PATH_MAX];

        for (int i = 0; ctl_verbs[i]; i++) {
                (void) snprintf(path, sizeof path, "%s/coppicectl-%s.1", dir, ctl_verbs[i]->name);
                if (!freopen(path, "w", stdout)) {
                        perror(path);
                        return EXIT_FAILURE;
                }
                man_verb(ctl_verbs[i]);
                if (fflush(stdout) != 0 || ferror(stdout)) { /* to open the next one would forget it */
                        perror(path);
                        return EXIT_FAILURE;
                }
        }
        return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
        const char *what = argc >= 2 ? argv[1] : "";

        if (argc == 3 && strcmp(what, "verbs") == 0)
                return man_pages(argv[2]);
        if (strcmp(what, "man") == 0)
                return man();
        if (strcmp(what, "bash") == 0)
                return pages_bash();
        if (strcmp(what, "zsh") == 0)
                return pages_zsh();
        if (strcmp(what, "fish") == 0)
                return pages_fish();
        fputs("usage: pages man|bash|zsh|fish, or pages verbs DIR\n", stderr);
        return EXIT_FAILURE;
}
