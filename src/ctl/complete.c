/* complete.c - the part of the build tool pages that prints completion scripts. See pages.h. */
#include <stdio.h>
#include <string.h>

#include "ctl/pages.h"

#define STATES "inactive starting running reloading stopping backoff failed finished"
#define SIGNALS "HUP INT QUIT ABRT KILL USR1 SEGV USR2 PIPE ALRM TERM CONT STOP"

/* What an option's argument may be, by the word that stands for it in --help. */
enum value { VALUE_ANY, VALUE_NODE, VALUE_FILE, VALUE_WORDS };

static enum value value_of(const struct ctl_option *o, char *words, size_t n)
{
        (void) snprintf(words, n, "%s",
                        strncmp(o->arg, "STATE", 5) == 0 ? STATES : strcmp(o->arg, "SIGNAL") == 0 ? SIGNALS :
                        strchr(o->arg, '|') ? o->arg : "");
        for (char *bar = words; (bar = strchr(bar, '|')); )
                *bar = ' ';
        if (words[0])
                return VALUE_WORDS;
        if (strcmp(o->arg, "NODE") == 0 || strcmp(o->arg, "SUPERVISOR") == 0)
                return VALUE_NODE;
        return strcmp(o->arg, "PATH") == 0 || strcmp(o->arg, "FILE") == 0 || strcmp(o->arg, "DIR") == 0
               ? VALUE_FILE : VALUE_ANY;
}

static const char *words_of(const struct ctl_verb *v)
{
        return v->words ? v->words : "";
}

/* --- bash --------------------------------------------------------------------------------------------------------- */

/* Has a verb before this one (NULL: all of them) an option of that name that takes an argument? */
static bool before(const struct ctl_verb *last, const char *name)
{
        for (int i = 0; ctl_verbs[i] && ctl_verbs[i] != last; i++)
                for (const struct ctl_option *o = ctl_verbs[i]->options; o && o->name; o++)
                        if (o->arg && strcmp(o->name, name) == 0)
                                return true;
        return false;
}

static void bash_values(const struct ctl_option *o, const struct ctl_verb *of, void (*print)(const struct ctl_option *))
{
        for (; o && o->name; o++)
                if (o->arg && !before(of, o->name))
                        print(o);
}

static void bash_each_value(void (*print)(const struct ctl_option *))
{
        bash_values(ctl_global_options, NULL, print);
        for (int i = 0; ctl_verbs[i]; i++)
                bash_values(ctl_verbs[i]->options, ctl_verbs[i], print);
}

static void bash_takes(const struct ctl_option *o)
{
        printf("|--%s", o->name);
}

static void bash_value(const struct ctl_option *o)
{
        static const char *const kinds[] = { [VALUE_NODE] = "nodes", [VALUE_FILE] = "files", [VALUE_WORDS] = "words" };
        char words[200];
        enum value value = value_of(o, words, sizeof words);

        printf("        --%s) kind=%s words='%s' ;;\n", o->name, kinds[value] ? kinds[value] : "any", words);
}

static void bash_options(const struct ctl_option *o)
{
        for (; o && o->name; o++)
                printf(" --%s%s", o->name, o->arg ? "=" : "");
}

static void bash_verb(const struct ctl_verb *v)
{
        static const char *const kinds[] = { [COMPLETE_NOTHING] = "words", [COMPLETE_NODES] = "nodes",
                                             [COMPLETE_FILES] = "files", [COMPLETE_VERBS] = "verbs" };

        printf("        %s) kind=%s words='%s' options='", v->name, kinds[v->complete], words_of(v));
        bash_options(v->options);
        puts("' ;;");
}

/* Readline parts words at "@", ":" and "=" too, and replaces what it gives as $2: the word is taken from the line, and
 * what stands before that is left out. A backslash of a name is two where no quote has been opened. */
int pages_bash(void)
{
        puts("# bash completion of coppicectl; made from its table of verbs\n"
             "_coppicectl() {\n"
             "        local line=${COMP_LINE:-${COMP_WORDS[*]:0:COMP_CWORD+1}} cur last=${2:-} "
             "kind=verbs words= options=\n"
             "        local given verb= option= i socket=() word plain quote= escape='\\'\n"
             "        COMPREPLY=()\n"
             "        if [ -n \"${COMP_LINE:-}\" ]; then line=${line:0:COMP_POINT}; fi\n"
             "        cur=${line##* }\n"
             "        if [[ $cur == [\\'\\\"]* ]]; then quote=${cur:0:1} cur=${cur:1}; fi\n"
             "        read -ra given <<<\"${line%\"$cur\"}\"\n"
             "        if [[ $cur == --*=* ]]; then option=${cur%%=*} cur=${cur#*=}\n"
             "        elif [ \"${#given[@]}\" -gt 1 ]; then option=${given[${#given[@]}-1]}; fi\n"
             "        for ((i = 1; i < ${#given[@]}; i++)); do\n"
             "                case ${given[i]} in\n"
             "                --socket) socket=(--socket \"${given[i+1]:-}\"); ((i++)) ;;\n"
             "                --socket=*) socket=(\"${given[i]}\") ;;");
        fputs("                -p", stdout);
        bash_each_value(bash_takes);
        puts(") ((i++)) ;;\n"
             "                -*) ;;\n"
             "                *) verb=${given[i]}; break ;;\n"
             "                esac\n"
             "        done\n"
             "        case $option in");
        bash_each_value(bash_value);
        puts("        *) option= ;;\n"
             "        esac\n"
             "        if [ -z \"$option\" ]; then case $verb in");
        for (int i = 0; ctl_verbs[i]; i++)
                bash_verb(ctl_verbs[i]);
        printf("        esac; fi\n"
               "        if [ -z \"$option\" ] && [[ $cur == -* ]]; then\n"
               "                kind=words words=\"$options");
        bash_options(ctl_global_options);
        puts("\"\n"
             "        fi\n"
             "        case $kind in\n"
             "        nodes)\n"
             "                words+=\" $(coppicectl \"${socket[@]}\" --timeout 1s list --names 2>/dev/null)\"\n"
             "                if [[ -n $cur && $cur != /* ]]; then "
             "words=$(printf '%s\\n' $words | sed 's|.*/||'); fi ;;\n"
             "        verbs) words=$(coppicectl help | sed -n 's/^  \\([a-z-]*\\)  .*/\\1/p') ;;\n"
             "        files) COMPREPLY=($(compgen -f -- \"$cur\")) ;;\n"
             "        any) words= ;;\n"
             "        esac\n"
             "        if [ \"$kind\" != files ]; then\n"
             "                plain=$cur\n"
             "                if [ -z \"$quote\" ]; then plain=${cur//'\\\\'/'\\'} escape='\\\\'; fi\n"
             "                for word in $words; do\n"
             "                        if [[ $word != \"$plain\"* ]]; then continue; fi\n"
             "                        word=${word//'\\'/\"$escape\"}\n"
             "                        COMPREPLY+=(\"$word\")\n"
             "                done\n"
             "        fi\n"
             "        COMPREPLY=(\"${COMPREPLY[@]#\"${cur%\"$last\"}\"}\")\n"
             "        if [[ ${COMPREPLY[0]:-} == *= ]]; then compopt -o nospace 2>/dev/null || :; fi\n"
             "}\n"
             "complete -F _coppicectl coppicectl");
        return 0;
}

/* --- zsh ---------------------------------------------------------------------------------------------------------- */

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

static void zsh_value(const struct ctl_option *o)
{
        char words[200];
        enum value value = value_of(o, words, sizeof words);

        putchar(':');
        quoted(o->arg, ":|");
        printf(":%s%s%s", value == VALUE_WORDS ? "(" : "",
               value == VALUE_NODE ? " _coppicectl_nodes" : value == VALUE_FILE ? "_files" : words,
               value == VALUE_WORDS ? ")" : "");
}

static void zsh_option_text(const struct ctl_option *o, const char *end)
{
        quoted(o->help, "[]:");
        putchar(']');
        if (o->arg)
                zsh_value(o);
        printf("'%s", end);
}

static void zsh_options(const struct ctl_option *o, const char *end)
{
        for (; o && o->name; o++) {
                printf("                '--%s%s[", o->name, o->arg ? "=" : "");
                zsh_option_text(o, end);
                if (!o->letter)
                        continue;
                printf("                '-%c%s[", o->letter, o->arg ? "+" : "");
                zsh_option_text(o, end);
        }
}

static void zsh_verb(const struct ctl_verb *v)
{
        printf("        %s) _arguments $common \\\n", v->name);
        zsh_options(v->options, " \\\n");
        if (v->complete == COMPLETE_NODES)
                printf("                '*:node: _coppicectl_nodes %s' ;;\n", words_of(v));
        else if (v->complete == COMPLETE_FILES)
                puts("                '*:file:_files' ;;");
        else if (v->complete == COMPLETE_VERBS)
                puts("                '*:verb:_coppicectl_verbs' ;;");
        else
                printf("                '*:argument:(%s)' ;;\n", words_of(v));
}

int pages_zsh(void)
{
        puts("#compdef coppicectl\n# zsh completion of coppicectl; made from its table of verbs\n"
             "_coppicectl_nodes() {\n"
             "        local -a nodes\n"
             "        nodes=(${(f)\"$(coppicectl ${socket:+--socket=$socket} --timeout 1s list --names "
             "2>/dev/null)\"})\n"
             "        if [[ -n $PREFIX && $PREFIX != /* ]]; then nodes=(${nodes:t}); fi\n"
             "        compadd -a nodes\n"
             "        if (( $# )); then compadd -- $@; fi\n"
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
             "        local state line socket\n"
             "        local -A opt_args\n"
             "        local -a common\n"
             "        common=(");
        zsh_options(ctl_global_options, "\n");
        puts("        )\n"
             "        _arguments -C $common '1:verb:_coppicectl_verbs' '*::argument:->argument'\n"
             "        [[ $state == argument ]] || return\n"
             "        socket=${opt_args[--socket]}\n"
             "        case $line[1] in");
        for (int i = 0; ctl_verbs[i]; i++)
                zsh_verb(ctl_verbs[i]);
        puts("        esac\n}\n_coppicectl \"$@\"");
        return 0;
}

/* --- fish --------------------------------------------------------------------------------------------------------- */

static void fish_help(const char *help)
{
        fputs(" -d '", stdout);
        for (const char *p = help; *p; p++)
                fputs(*p == '\'' ? "\\'" : (char[]) { *p, 0 }, stdout);
        puts("'");
}

static void fish_value(const struct ctl_option *o)
{
        char words[200];

        switch (value_of(o, words, sizeof words)) {
        case VALUE_ANY: fputs(" -x", stdout); break;
        case VALUE_NODE: fputs(" -x -a '(__coppicectl_nodes)'", stdout); break;
        case VALUE_FILE: fputs(" -r -F", stdout); break;
        case VALUE_WORDS: printf(" -x -a '%s'", words); break;
        }
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
                if (o->arg)
                        fish_value(o);
                fish_help(o->help);
        }
}

static void fish_verb(const struct ctl_verb *v)
{
        printf("complete -c coppicectl -n __fish_use_subcommand -a %s", v->name);
        fish_help(v->help);
        if (v->complete == COMPLETE_NODES)
                printf("complete -c coppicectl -n '__fish_seen_subcommand_from %s' -a '(__coppicectl_nodes) %s'\n",
                       v->name, words_of(v));
        else if (v->complete == COMPLETE_FILES)
                printf("complete -c coppicectl -n '__fish_seen_subcommand_from %s' -F\n", v->name);
        else if (v->words)
                printf("complete -c coppicectl -n '__fish_seen_subcommand_from %s' -a '%s'\n", v->name, v->words);
        fish_options(v->options, v->name);
}

int pages_fish(void)
{
        puts("# fish completion of coppicectl; made from its table of verbs\n"
             "function __coppicectl_nodes\n"
             "        set -l given (commandline -opc)\n"
             "        set -l socket (string match -- '--socket=*' $given)\n"
             "        if set -l i (contains -i -- --socket $given)\n"
             "                set socket --socket $given[(math $i + 1)]\n"
             "        end\n"
             "        coppicectl $socket --timeout 1s list --names 2>/dev/null\n"
             "end\n"
             "complete -c coppicectl -f");
        fish_options(ctl_global_options, NULL);
        for (int i = 0; ctl_verbs[i]; i++)
                fish_verb(ctl_verbs[i]);
        return 0;
}
