/* pages.c - a build tool: the manual page and the completions of coppicectl, made from the table of verbs.
 *
 *     pages man < coppicectl.1.in     the page, with @VERBS@ and @OPTIONS@ replaced by sections
 *     pages bash | zsh | fish         a completion script */
#include <stdio.h>
#include <string.h>

#include "ctl/pages.h"

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
                for (const char *p = o->name; *p; p++)
                        fputs(*p == '-' ? "\\-" : (char[]) { *p, 0 }, stdout);
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

                fputs(".SS ", stdout);
                putchar('"');
                for (const char *p = v->name; *p; p++)
                        fputs(*p == '-' ? "\\-" : (char[]) { *p, 0 }, stdout);
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

int main(int argc, char **argv)
{
        const char *what = argc == 2 ? argv[1] : "";

        if (strcmp(what, "man") == 0)
                return man();
        if (strcmp(what, "bash") == 0)
                return pages_bash();
        if (strcmp(what, "zsh") == 0)
                return pages_zsh();
        if (strcmp(what, "fish") == 0)
                return pages_fish();
        fputs("usage: pages man|bash|zsh|fish\n", stderr);
        return EXIT_FAILURE;
}
