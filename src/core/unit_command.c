/* unit_command.c - the value of ExecStart= and its like -> commands, as systemd.service(5) "Command lines" has it:
 * prefixes in any order before the first word, quoting, specifiers, " ; " between commands, "\;" for a semicolon.
 * $VARIABLES stay as they are: they are expanded at the start, when the environment is known. */
#include <errno.h>
#include <string.h>

#include "core/unit_apply.h"
#include "core/value.h"
#include "core/words.h"

enum { ARGS_MAX = 4096 };

/* One command line while it is read. */
struct line_reader {
        struct unit_parse *p;
        enum directive d;
        const struct unit_line *line;
        struct words words;
        struct err why;
};

static int refuse(struct line_reader *r, const char *at, const char *what, const char *hint)
{
        (void) err_set(&r->why, STAGE_LOAD, EINVAL, "%s: %s", directive_rows[r->d].key, what);
        err_hint(&r->why, "%s", hint);
        unit_complain(r->p, DIAG_ERROR, r->line, at, &r->why);
        return -EINVAL;
}

/* Take the prefixes off, wherever the program's name begins then. */
static const char *prefixes(const char *word, unsigned *flags)
{
        for (;; word++) {
                if (*word == '-')
                        *flags |= CMD_IGNORE_FAILURE;
                else if (*word == '@')
                        *flags |= CMD_ARGV0;
                else if (*word == ':')
                        *flags |= CMD_NO_ENV;
                else if (*word == '+')
                        *flags |= CMD_FULL_PRIVILEGES;
                else if (*word == '!')
                        *flags |= CMD_NO_SETUID; /* "!!" asks for the same where ambient capabilities exist */
                else
                        return word;
        }
}

static void skip_blanks(struct words *w)
{
        w->p += strspn(w->p, " \t");
}

static bool stands_alone(const char *p, size_t n)
{
        return p[n] == '\0' || p[n] == ' ' || p[n] == '\t';
}

/* The next word, expanded, into out. 1, 0 at the end of this command (the separator is taken), -EINVAL. */
static int next_word(struct line_reader *r, struct buf *out)
{
        autobuf struct buf raw = BUF_INIT;
        const char *at;
        int n;

        skip_blanks(&r->words);
        at = r->words.p;
        if (at[0] == ';' && stands_alone(at, 1)) {
                r->words.p++;
                return 0;
        }
        if (at[0] == '\\' && at[1] == ';' && stands_alone(at, 2)) {
                r->words.p += 2;
                buf_addc(out, ';');
                return 1;
        }
        n = words_next(&r->words, &raw, &r->why);
        if (n < 0 || (n > 0 && specifiers_expand(buf_text(&raw), &r->p->name, r->p->host, out, &r->why) < 0)) {
                unit_complain(r->p, DIAG_ERROR, r->line, at, &r->why);
                return -EINVAL;
        }
        return n;
}

static int check_program(struct line_reader *r, const char *at, const char *path)
{
        size_t n = strlen(path);

        if (n == 0)
                return refuse(r, at, "no program to run", "write its path behind the prefixes");
        if (path[0] != '/' && strchr(path, '/'))
                return refuse(r, at, "the program's path is relative",
                              "write a path that begins with /, or a bare name");
        if (path[n - 1] == '/' || strcmp(path, ".") == 0 || strcmp(path, "..") == 0)
                return refuse(r, at, "a directory is no program", "write the path of a program");
        if (n >= 4096 || (path[0] != '/' && n > 255))
                return refuse(r, at, "the program's path is too long", "at most 4095 bytes");
        return 0;
}

static int check_flags(struct line_reader *r, const char *at, unsigned flags)
{
        if ((flags & CMD_FULL_PRIVILEGES) && (flags & CMD_NO_SETUID))
                return refuse(r, at, "the prefixes + and ! exclude each other", "keep one of them");
        return 0;
}

/* Words behind the program, each with its NUL, appended to args. */
static int arguments(struct line_reader *r, struct buf *args, unsigned *argc)
{
        for (;;) {
                int n = next_word(r, args);

                if (n <= 0)
                        return n;
                buf_addc(args, '\0');
                if (++*argc > ARGS_MAX)
                        return refuse(r, r->words.p, "too many arguments", "at most 4096; put them into a script");
        }
}

static void keep(struct line_reader *r, unsigned flags, unsigned argc, const char *path, const struct buf *args)
{
        struct buf *item = &r->p->item;

        buf_clear(item);
        buf_addc(item, (char) (flags | (flags & CMD_ARGV0 ? 0 : COMMAND_PATH_IS_ARGV0)));
        buf_addc(item, (char) (argc & 0xff));
        buf_addc(item, (char) (argc >> 8));
        buf_add(item, path, strlen(path) + 1);
        if (args->len)
                buf_add(item, args->data, args->len);
        spec_build_item(&r->p->build, r->d, (struct place) { .file = r->p->file, .line = r->line->line },
                        buf_text(item), item->len);
}

/* One command of the line. */
static int command(struct line_reader *r)
{
        autobuf struct buf first = BUF_INIT, args = BUF_INIT;
        unsigned flags = 0, argc = 0;
        const char *at = r->words.p, *path;
        int n = next_word(r, &first);

        if (n < 0)
                return n;
        if (n == 0)
                return refuse(r, at, "an empty command", "take the ; out, or write \\; for a semicolon");
        path = prefixes(buf_text(&first), &flags);
        if (check_program(r, at, path) < 0 || check_flags(r, at, flags) < 0 || arguments(r, &args, &argc) < 0)
                return -EINVAL;
        if ((flags & CMD_ARGV0) && argc == 0)
                return refuse(r, at, "@ asks for an argv[0] and there is none", "write a second word");
        keep(r, flags, argc + !(flags & CMD_ARGV0), path, &args);
        return 0;
}

void unit_apply_command(struct unit_parse *p, enum directive d, const struct unit_line *line)
{
        struct line_reader r = { .p = p, .d = d, .line = line, .words = WORDS(line->value) };

        for (;;) {
                skip_blanks(&r.words);
                if (!*r.words.p)
                        break;
                if (command(&r) < 0)
                        return;
        }
        if (r.words.odd_escapes > 0) {
                (void) err_set(&r.why, STAGE_LOAD, EINVAL, "a backslash that begins no known escape is kept as it is");
                err_hint(&r.why, "write \\\\ for a backslash");
                unit_complain(p, DIAG_WARNING, line, line->value, &r.why);
        }
}
