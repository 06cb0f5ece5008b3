/* pages.c - a build tool: the manual page and the completions of coppicectl, made from the table of verbs.
 *
 *     pages man < coppicectl.1.in     the page, with @VERBS@ and @OPTIONS@ replaced by sections
 *     pages bash | zsh | fish         a completion script */
#include <stdio.h>
#include <string.h>

#include "ctl/ctl.h"

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

/* --- completions ------------------------------------------------------------------------------------------------ */

static void long_options(const struct ctl_option *o)
{
        for (; o && o->name; o++)
                printf(" --%s%s", o->name, o->arg ? "=" : "");
}

static int bash(void)
{
        puts("# bash completion of coppicectl; made from its table of verbs\n"
             "_coppicectl() {\n"
             "        local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} verb= i words= kind= socket=()\n"
             "        for ((i = 1; i < COMP_CWORD; i++)); do\n"
             "                case ${COMP_WORDS[i]} in\n"
             "                --socket) socket=(--socket \"${COMP_WORDS[i+1]}\"); ((i++)) ;;\n"
             "                -*) ;;\n"
             "                *) verb=${COMP_WORDS[i]}; break ;;\n"
             "                esac\n"
             "        done\n"
             "        if [ \"$prev\" = --socket ] || [ \"$prev\" = --units ]; then\n"
             "                COMPREPLY=($(compgen -f -- \"$cur\")); return\n"
             "        fi\n"
             "        case $verb in");
        printf("        '') words='");
        for (int i = 0; ctl_verbs[i]; i++)
                printf("%s%s", i ? " " : "", ctl_verbs[i]->name);
        puts("' ;;");
        for (int i = 0; ctl_verbs[i]; i++) {
                static const char *const kinds[] = {
                        [COMPLETE_NOTHING] = "", [COMPLETE_NODES] = "nodes", [COMPLETE_FILES] = "files",
                        [COMPLETE_VERBS] = "verbs", [COMPLETE_LEVELS] = "levels",
                };

                printf("        %s) kind=%s words='", ctl_verbs[i]->name, kinds[ctl_verbs[i]->complete]);
                long_options(ctl_verbs[i]->options);
                puts("' ;;");
        }
        printf("        esac\n        if [[ $cur == -* ]]; then\n                words=\"$words");
        long_options(ctl_global_options);
        puts("\"\n"
             "        elif [ -n \"$verb\" ]; then\n"
             "                case $kind in\n"
             "                nodes) words=$(coppicectl \"${socket[@]}\" --timeout 1s list --names 2>/dev/null) ;;\n"
             "                levels) words='error warning notice info debug' ;;\n"
             "                verbs) words=$(coppicectl help | sed -n 's/^  \\([a-z-]*\\)  .*/\\1/p') ;;\n"
             "                files) COMPREPLY=($(compgen -f -- \"$cur\")); return ;;\n"
             "                *) words= ;;\n"
             "                esac\n"
             "        fi\n"
             "        COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n"
             "        if [[ ${COMPREPLY[0]:-} == *= ]]; then compopt -o nospace 2>/dev/null || :; fi\n"
             "}\n"
             "complete -F _coppicectl coppicectl");
        return EXIT_SUCCESS;
}

/* Text between single quotes, with what zsh's _arguments and _describe treat specially taken out. */
static void quoted(const char *s, const char *special)
{
        for (; *s; s++) {
                if (*s == '\'')
                        fputs("'\\''", stdout);
                else if (strchr(special, *s))
                        printf("\\%c", *s);
                else
                        putchar(*s);
        }
}

static void zsh_options(const struct ctl_option *o, const char *indent)
{
        for (; o && o->name; o++) {
                printf("%s'--%s%s[", indent, o->name, o->arg ? "=" : "");
                quoted(o->help, "[]:");
                printf("]%s%s' \\\n", o->arg ? ":" : "", o->arg ? o->arg : "");
        }
}

static int zsh(void)
{
        static const char *const actions[] = {
                [COMPLETE_NOTHING] = "", [COMPLETE_NODES] = "'*:node:_coppicectl_nodes'", [COMPLETE_FILES] = "'*:file:_files'",
                [COMPLETE_VERBS] = "'*:verb:_coppicectl_verbs'",
                [COMPLETE_LEVELS] = "'*:level:(error warning notice info debug)'",
        };

        puts("#compdef coppicectl\n# zsh completion of coppicectl; made from its table of verbs\n"
             "_coppicectl_nodes() {\n"
             "        local -a nodes\n"
             "        nodes=(${(f)\"$(coppicectl --timeout 1s list --names 2>/dev/null)\"})\n"
             "        compadd -a nodes\n"
             "}\n"
             "_coppicectl_verbs() {\n"
             "        local -a verbs\n"
             "        verbs=(");
        for (int i = 0; ctl_verbs[i]; i++) {
                printf("                '%s:", ctl_verbs[i]->name);
                quoted(ctl_verbs[i]->help, "");
                puts("'");
        }
        puts("        )\n"
             "        _describe verb verbs\n"
             "}\n"
             "_coppicectl() {\n"
             "        local state line\n"
             "        _arguments -C \\");
        zsh_options(ctl_global_options, "                ");
        puts("                '1:verb:_coppicectl_verbs' '*::argument:->argument'\n"
             "        [[ $state == argument ]] || return\n"
             "        case $line[1] in");
        for (int i = 0; ctl_verbs[i]; i++) {
                printf("        %s) _arguments \\\n", ctl_verbs[i]->name);
                zsh_options(ctl_verbs[i]->options, "                ");
                printf("                %s ;;\n", *actions[ctl_verbs[i]->complete] ? actions[ctl_verbs[i]->complete] : "':'");
        }
        puts("        esac\n}\n_coppicectl \"$@\"");
        return EXIT_SUCCESS;
}

static void fish_options(const struct ctl_option *o, const char *verb)
{
        for (; o && o->name; o++) {
                fputs("complete -c coppicectl", stdout);
                if (verb)
                        printf(" -n '__fish_seen_subcommand_from %s'", verb);
                printf(" -l %s", o->name);
                if (o->letter)
                        printf(" -s %c", o->letter);
                printf("%s -d '", o->arg ? " -r" : "");
                for (const char *p = o->help; *p; p++)
                        fputs(*p == '\'' ? "\\'" : (char[]) { *p, 0 }, stdout);
                puts("'");
        }
}

static int fish(void)
{
        puts("# fish completion of coppicectl; made from its table of verbs\ncomplete -c coppicectl -f");
        fish_options(ctl_global_options, NULL);
        for (int i = 0; ctl_verbs[i]; i++) {
                const struct ctl_verb *v = ctl_verbs[i];

                printf("complete -c coppicectl -n __fish_use_subcommand -a %s -d '", v->name);
                for (const char *p = v->help; *p; p++)
                        fputs(*p == '\'' ? "\\'" : (char[]) { *p, 0 }, stdout);
                puts("'");
                if (v->complete == COMPLETE_NODES)
                        printf("complete -c coppicectl -n '__fish_seen_subcommand_from %s' -a "
                               "'(coppicectl --timeout 1s list --names 2>/dev/null)'\n", v->name);
                if (v->complete == COMPLETE_FILES)
                        printf("complete -c coppicectl -n '__fish_seen_subcommand_from %s' -F\n", v->name);
                if (v->complete == COMPLETE_LEVELS)
                        printf("complete -c coppicectl -n '__fish_seen_subcommand_from %s' -a 'error warning notice info debug'\n",
                               v->name);
                fish_options(v->options, v->name);
        }
        return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
        const char *what = argc == 2 ? argv[1] : "";

        if (strcmp(what, "man") == 0)
                return man();
        if (strcmp(what, "bash") == 0)
                return bash();
        if (strcmp(what, "zsh") == 0)
                return zsh();
        if (strcmp(what, "fish") == 0)
                return fish();
        fputs("usage: pages man|bash|zsh|fish\n", stderr);
        return EXIT_FAILURE;
}
