/* otp_check.c - the oracle's command.
 *
 *     otp-check expected [FILE]          every vector of FILE (or standard input) has the oracle's "expect"
 *     otp-check generate SEED COUNT      print random vectors, "expect" by the oracle
 *     otp-check compare EXPECTED ACTUAL  hold a replay's answers against vectors; both in the same order
 *     otp-check differential SEED COUNT REPLAY   generate, feed the program REPLAY, compare; nothing is stored
 *
 * Exit status 0 when all agree, 1 when not; the first few differences are printed in full. */
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "otp_oracle.h"

enum { SHOWN = 5 };

static void show_list(const char *head, const json_t *list)
{
        const json_t *o;
        size_t i;

        fputs(head, stderr);
        json_array_foreach(list, i, o)
                fprintf(stderr, "%s%s", i ? ", " : "", json_string_value(o));
        fputc('\n', stderr);
}

/* The vector, and the first step at which the answers part. */
static void show(const json_t *vector, const json_t *want, const json_t *got)
{
        char *text = json_dumps(json_object_get(vector, "tree"), JSON_COMPACT);
        size_t n = json_array_size(want);

        fprintf(stderr, "\n== %s\ntree %s\n", json_string_value(json_object_get(vector, "id")), text);
        free(text);
        if (json_object_get(vector, "fail_starts")) {
                text = json_dumps(json_object_get(vector, "fail_starts"), JSON_COMPACT);
                fprintf(stderr, "fail_starts before the start %s\n", text);
                free(text);
        }
        for (size_t i = 0; i < n; i++) {
                const json_t *w = json_array_get(want, i), *g = json_array_get(got, i);
                bool same = json_equal(w, g);

                text = i ? json_dumps(json_array_get(json_object_get(vector, "script"), i - 1), JSON_COMPACT) :
                           strdup("initial start");
                fprintf(stderr, "%3zu %s\n", i, text);
                free(text);
                show_list(same ? "      " : "      expected: ", w);
                if (same)
                        continue;
                show_list("      actual:   ", g);
                return;
        }
}

static json_t *next_line(FILE *f, char **line, size_t *cap)
{
        json_error_t e;
        json_t *v;

        do {
                if (getline(line, cap, f) < 0)
                        return NULL;
        } while ((*line)[0] == '\n');
        v = json_loads(*line, 0, &e);
        if (!v)
                fprintf(stderr, "not a vector: %s\n", e.text);
        return v;
}

static int cmd_expected(const char *path)
{
        FILE *f = path ? fopen(path, "r") : stdin;
        unsigned total = 0, bad = 0;
        char *line = NULL;
        size_t cap = 0;
        json_t *v;

        if (!f) {
                perror(path);
                return 1;
        }
        while ((v = next_line(f, &line, &cap))) {
                json_t *got = oracle_run(v), *want = json_object_get(v, "expect");

                total++;
                if (!json_equal(got, want) && bad++ < SHOWN)
                        show(v, want, got);
                json_decref(got);
                json_decref(v);
        }
        free(line);
        if (path)
                fclose(f);
        printf("%u vectors, %u of them not as the oracle says\n", total, bad);
        return bad || !total;
}

static int cmd_generate(FILE *out, uint64_t seed, unsigned count)
{
        for (unsigned i = 0; i < count; i++) {
                json_t *v = oracle_random_vector(seed, i);

                if (json_dumpf(v, out, JSON_COMPACT) < 0 || fputc('\n', out) == EOF)
                        return 1;
                json_decref(v);
        }
        return fflush(out) ? 1 : 0;
}

/* One vector and the next line of the replay. False: they differ. */
static bool agrees(const json_t *vector, FILE *actual, char **line, size_t *cap, bool loud)
{
        json_t *a = next_line(actual, line, cap), *got = json_object_get(a, "actual");
        json_t *want = json_object_get(vector, "expect");
        bool same = json_equal(want, got) &&
                    json_equal(json_object_get(vector, "id"), json_object_get(a, "id"));

        if (!same && loud)
                show(vector, want, got);
        json_decref(a);
        return same;
}

static int verdict(unsigned total, unsigned bad)
{
        printf("%u vectors, %u divergent\n", total, bad);
        return bad || !total;
}

static int cmd_compare(const char *expected, const char *actual)
{
        FILE *e = fopen(expected, "r"), *a = fopen(actual, "r");
        char *line = NULL, *aline = NULL;
        size_t cap = 0, acap = 0;
        unsigned total = 0, bad = 0;
        json_t *v;

        while (e && a && (v = next_line(e, &line, &cap))) {
                total++;
                bad += !agrees(v, a, &aline, &acap, bad < SHOWN);
                json_decref(v);
        }
        if (e)
                fclose(e);
        if (a)
                fclose(a);
        free(line);
        free(aline);
        return verdict(total, bad);
}

/* The generator runs in a child of its own, so that neither pipe can fill up while we wait for the other. */
static FILE *start_replay(const char *replay, uint64_t seed, unsigned count)
{
        int in[2], out[2];

        if (pipe(in) < 0 || pipe(out) < 0)
                return NULL;
        if (fork() == 0) {
                FILE *f = fdopen(in[1], "w");

                close(in[0]);
                close(out[0]);
                close(out[1]);
                _exit(f ? cmd_generate(f, seed, count) : 1);
        }
        if (fork() == 0) {
                dup2(in[0], 0);
                dup2(out[1], 1);
                close(in[0]);
                close(in[1]);
                close(out[0]);
                close(out[1]);
                execl(replay, replay, (char *) NULL);
                perror(replay);
                _exit(127);
        }
        close(in[0]);
        close(in[1]);
        close(out[1]);
        return fdopen(out[0], "r");
}

static int cmd_differential(uint64_t seed, unsigned count, const char *replay)
{
        FILE *actual = start_replay(replay, seed, count);
        unsigned bad = 0;
        char *line = NULL;
        size_t cap = 0;

        if (!actual)
                return 1;
        for (unsigned i = 0; i < count; i++) {
                json_t *v = oracle_random_vector(seed, i);

                bad += !agrees(v, actual, &line, &cap, bad < SHOWN);
                json_decref(v);
        }
        fclose(actual);
        free(line);
        while (wait(NULL) > 0)
                ;
        return verdict(count, bad);
}

int main(int argc, char **argv)
{
        if (argc >= 2 && argc <= 3 && strcmp(argv[1], "expected") == 0)
                return cmd_expected(argv[2]);
        if (argc == 4 && strcmp(argv[1], "generate") == 0)
                return cmd_generate(stdout, strtoull(argv[2], NULL, 0), (unsigned) strtoul(argv[3], NULL, 0));
        if (argc == 4 && strcmp(argv[1], "compare") == 0)
                return cmd_compare(argv[2], argv[3]);
        if (argc == 5 && strcmp(argv[1], "differential") == 0)
                return cmd_differential(strtoull(argv[2], NULL, 0), (unsigned) strtoul(argv[3], NULL, 0), argv[4]);
        fprintf(stderr, "usage: otp-check expected [FILE] | generate SEED COUNT | compare EXPECTED ACTUAL | "
                        "differential SEED COUNT REPLAY\n");
        return 2;
}
