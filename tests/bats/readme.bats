# Every command that the README tells to type in its first five minutes is typed here, in order, in one shell.
load lib

setup() { world; }
teardown() { end_world; }

# The blocks that begin with ```sh run, each followed by a line that says it is done.
blocks() { awk '/^```sh run$/ { on = 1; n++; next } /^```$/ { if (on) print "echo \"=== block " n " done\""; on = 0 } on' "$SOURCE/README.md"; }

@test "the README's first five minutes work as written" {
        blocks >"$W/commands"
        [ "$(grep -c '^echo "=== block' "$W/commands")" -ge 5 ]
        cd "$W"
        { echo 'exec 3>&-; set -eEu; trap '\''echo "failed: $BASH_COMMAND" >&2; coppicectl shutdown || kill %1; wait'\'' ERR'
          cat "$W/commands"; echo wait; } >"$W/all"
        unset COPPICE_SOCKET
        PATH=$BUILD:$PATH run bash "$W/all"
        assert_status 0
        refute_output_has "failed:"
        # What it promises to show is there.
        assert_output_has "clock"
        assert_output_has "signal:SEGV"
        assert_output_has "/pair/reader"
        COPPICE_SOCKET=$W/first/run/control
        [ ! -S "$W/first/run/control" ]
}

@test "what the documents name is there" {
        cd "$SOURCE"
        bad=0
        for file in README.md ARCHITECTURE.md HACKING.md CHANGELOG.md; do
                for name in $(grep -oE '(^|[^/A-Za-z])(src|tests|contrib|units|man)/[A-Za-z0-9_./@-]*[A-Za-z0-9_@]' "$file" | sed 's/^[^a-z]//' | sort -u); do
                        [ -e "$name" ] || ls "$name"* >/dev/null 2>&1 || { echo "$file speaks of $name, which is not there"; bad=1; }
                done
        done
        [ $bad = 0 ]
}

@test "functions that ARCHITECTURE.md names exist" {
        cd "$SOURCE"
        bad=0
        for name in $(grep -oE '`[a-z][a-z0-9_]*\(\)`' ARCHITECTURE.md | tr -d '`()' | sort -u); do
                grep -qrwE "$name" src --include='*.c' --include='*.h' || { echo "there is no $name()"; bad=1; }
        done
        [ $bad = 0 ]
}
