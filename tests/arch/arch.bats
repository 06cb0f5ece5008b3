# The rules of the house, as tests (ARCHITECTURE.md, "Who may use whom").

setup() {
        SRC=${COPPICE_SOURCE:?}
        cd "$SRC"
}

# May use: itself and these.
allowed() {
        case $1 in
        base)   echo "" ;;
        core)   echo "base" ;;
        child)  echo "base" ;;
        init)   echo "base child" ;;
        os)     echo "base core" ;;
        proto)  echo "base core" ;;
        unit)   echo "base core" ;;
        sim)    echo "base core unit" ;;
        logd)   echo "base proto" ;;
        lib)    echo "base proto" ;;
        tee)    echo "lib" ;;
        daemon) echo "base core os proto unit" ;;
        ctl)    echo "base core os proto unit sim lib" ;; # os: doctor looks around without a daemon
        *)      return 1 ;;
        esac
}

@test "a room includes only what it may use" {
        bad=0
        for file in src/*/*.[ch] src/*/*/*.[ch]; do
                [ -e "$file" ] || continue
                room=${file#src/}; room=${room%%/*}
                may=" $room $(allowed "$room") " || { echo "$file: the room $room has no rule"; bad=1; continue; }
                for used in $(sed -n 's|^ *# *include *"\([a-z]*\)/.*|\1|p' "$file" | sort -u); do
                        [[ $may == *" $used "* ]] || { echo "$file: $room may not use $used"; bad=1; }
                done
        done
        [ $bad = 0 ]
}

# So that the fuzz target of the control server can bring another engine.
@test "the control server knows the engine by engine.h and mailroom.h alone" {
        run grep -nE '#include "daemon/' src/daemon/control*.[ch] src/daemon/node_json.[ch]
        [ "$status" = 0 ]
        run grep -vE '"daemon/(control|control_priv|engine|mailroom|node_json|options|watch)\.h"' <<<"$output"
        [ -z "$output" ] || { echo "$output"; false; }
}

@test "an include names its room" {
        run grep -nE '^ *# *include *"[^/]*"' -r src --include='*.c' --include='*.h'
        # config.h comes by -include; files made by the build name their room as well.
        [ "$status" = 1 ] || { echo "$output"; false; }
}

@test "the decision core calls nothing but memory and strings" {
        command -v nm >/dev/null || skip "needs nm"
        archive=$COPPICE_BUILD/libcore.a
        [ -e "$archive" ]
        ours=$(nm -g --defined-only "$archive" "$COPPICE_BUILD/libbase.a" 2>/dev/null | awk 'NF == 3 { print $3 }' | sort -u)
        strange=$(nm -u "$archive" | awk '$1 == "U" { print $2 }' | sort -u | grep -vxF "$ours" |
                grep -vE '^(__asan_|__ubsan_|__sanitizer_|__sancov|__lsan_|__stack_chk_fail|_GLOBAL_OFFSET_TABLE_)' |
                sed 's/^__\(.*\)_chk$/\1/; s/^__isoc99_//' |
                grep -vxE 'mem(cpy|move|set|cmp|chr|rchr|mem)|str(len|nlen|cmp|ncmp|casecmp|ncasecmp|chr|chrnul|rchr|str|spn|cspn|pbrk|cpy|ncpy|dup|ndup|tol|toll|toul|toull|tod|tok_r|error|errorname_np|errordesc_np|signal|sep)|stpcpy|stpncpy|rawmemchr' |
                grep -vxE '(m|c|re)alloc|reallocarray|free|aligned_alloc|qsort|qsort_r|bsearch|v?snprintf|__ctype_(b|tolower|toupper)_loc|__errno_location|__(u?(div|mod)|mul)ti[34]|abort|__assert_fail|sigabbrev_np|ini_parse_stream|__u?divti3|__u?modti3|__muloti4|(llround|lround|floor|ceil|round|pow|fmin|fmax|log2?|exp2?)f?' || true)
        [ -z "$strange" ] || { echo "libcore.a uses: $strange"; false; }
}

@test "no function of ours has the name of one in a library, or --enable-static does not link" {
        local library
        command -v nm >/dev/null || skip "needs nm"
        for library in seccomp cap ev jansson inih z zstd; do
                library=$("${CC:-cc}" -print-file-name="lib$library.a")
                [ ! -e "$library" ] || nm "$library" 2>/dev/null
        done | awk '$2 ~ /^[TDBR]$/ { print $3 }' | sort -u >"$BATS_TEST_TMPDIR/theirs"
        nm "$COPPICE_BUILD"/lib*.a 2>/dev/null | awk '$2 ~ /^[TDBR]$/ { print $3 }' | sort -u >"$BATS_TEST_TMPDIR/ours"
        [ -s "$BATS_TEST_TMPDIR/ours" ]
        run comm -12 "$BATS_TEST_TMPDIR/theirs" "$BATS_TEST_TMPDIR/ours"
        [ -z "$output" ]
}

# A program under test may sleep for ever; a test may not wait by the clock, nor a shell that it writes.
@test "no test sleeps" {
        found=$( { grep -nE '\b(u|nano|ev_)?sleep *\(' -r tests --include='*.c' --include='*.h' || true
                   grep -nE '\bsleep +(0?\.[0-9]+|[0-9]{1,2})([^0-9]|$)' -r tests --exclude-dir=corpus || true
                 } | grep -vE 'arch\.bats|readme\.bats' || true)
        [ -z "$found" ] || { echo "$found"; false; }
}

# errexit and the trap of bats leave it out: the test goes on, whatever it says. `refute` of lib.bash is for that.
@test "no line of a test is an inverted command, which cannot fail it" {
        run grep -nE '^[[:space:]]*! ' -r tests --include='*.bats'
        [ "$status" = 1 ] || { echo "$output"; false; }
}

@test "every test file is listed where make check finds it" {
        bad=0
        for file in tests/bats/*.ba* tests/bats/*.py tests/arch/*.bats; do
                grep -qF "$file" tests/*.mk || { echo "$file is not listed in tests/*.mk"; bad=1; }
        done
        for file in tests/unit/*.c; do
                grep -qF "${file}" tests/*.mk || { echo "$file is not listed in tests/*.mk"; bad=1; }
        done
        [ $bad = 0 ]
}

@test "every source file is listed in its room's makefile" {
        bad=0
        for file in src/*/*.[ch] src/*/*.def; do
                room=${file#src/}; room=${room%%/*}
                grep -qF "$file" src/*/local.mk tests/*.mk || { echo "$file would be missing from a release"; bad=1; }
        done
        [ $bad = 0 ]
}

@test "test names are unique" {
        twice=$(sed -n 's/^@test "\(.*\)" {$/\1/p' tests/bats/*.bats tests/arch/*.bats | sort | uniq -d)
        [ -z "$twice" ] || { echo "$twice"; false; }
}

# The catalogue of failures has so many of each kind; a test that shows what becomes of one has its number in its name.
@test "every failure of the catalogue is in the name of a test" {
        local kind count i missing=
        { sed -n 's/^@test "\(.*\)" {.*/\1/p' tests/*/*.bats
          sed -n 's/^static void \(.*\)(void \*\*state)$/\1/p' tests/unit/*.c
          grep -ohE '"([A-J][0-9]+[ ,:]+)+' -r tests/unit tests/sim tests/vm; } >"$BATS_TEST_TMPDIR/names"
        while read -r kind count; do
                for ((i = 1; i <= count; i++)); do
                        grep -qE "(^|[^A-Za-z0-9])$kind$i([^0-9]|$)" "$BATS_TEST_TMPDIR/names" || missing+=" $kind$i"
                done
        done < <(printf '%s\n' 'A 19' 'B 13' 'C 16' 'D 17' 'E 21' 'F 17' 'G 15' 'H 20' 'I 10' 'J 20')
        [ -z "$missing" ] || { echo "no test has the name of$missing"; false; }
}

# The monotonic clock stands still while the machine sleeps; the others do not, and everything would be late at once.
@test "I7: no time limit goes by a clock that goes on while the machine sleeps" {
        run grep -nE 'CLOCK_(BOOTTIME|TAI|[A-Z]+_ALARM)|\bev_periodic|timerfd_create' -r src --include='*.c' --include='*.h'
        [ "$status" = 1 ] || { echo "$output"; false; }
        # The time of day is for people: stamps of records and of lines of logs.
        run grep -lE 'CLOCK_REALTIME' -r src --include='*.c' --include='*.h'
        [ "$(sort <<<"$output" | tr '\n' ' ')" = "src/ctl/print.c src/daemon/engine.c src/logd/loop.c " ] || { echo "$output"; false; }
}

# libev's default loop takes SIGCHLD for itself. Whoever listens for children has to be init alone.
@test "A6: nobody uses the default event loop or its child watchers" {
        run grep -nE '\bev_(default_loop|default_loop_uc_|child_|signal_init|loop_fork)|EV_DEFAULT' -r src
        [ "$status" = 1 ] || { echo "$output"; false; }
}

@test "functions stay short and files do one thing" {
        long=$(awk '
                FNR == 1 { if (lines > 500) print file ": " lines " lines"; file = FILENAME; lines = 0 }
                { lines = FNR }
                /^\{/ { start = FNR }
                /^\}/ { if (start && FNR - start > 80) print FILENAME ":" start ": a function of " FNR - start " lines"; start = 0 }
                END { if (lines > 500) print file ": " lines " lines" }' src/*/*.[ch])
        [ -z "$long" ] || { echo "$long"; false; }
}

@test "no line of the sources is longer than 120 columns" {
        long=$(LC_ALL=C awk 'length($0) > 120 { print FILENAME ":" FNR }' src/*/*.[ch]) # tables (.def) are one row a line
        [ -z "$long" ] || { echo "$long"; false; }
}

@test "what SECURITY.md promises has its rows in doctor, and the tests it names exist" {
        rows=$(sed -n 's/^The columns are the rows \(.*\) of `coppicectl.*/\1/p' SECURITY.md | grep -o '\*[^*]*\*' | tr -d '*')
        [ "$(grep -c . <<<"$rows")" = 4 ]
        while read -r row; do grep -q "\"$row\"" src/os/doctor.def src/os/doctor*.c || { echo "no row of doctor: $row"; false; }; done <<<"$rows"
        for file in $(grep '^|' SECURITY.md | grep -o 'tests/[a-z0-9/_.-]*' | sort -u); do [ -e "$file" ] || { echo "not there: $file"; false; }; done
        for id in $(grep '^|' SECURITY.md | grep -o '`tests/[a-z0-9/_.-]*`,* *(*[A-Z][0-9]*' | grep -o '[A-Z][0-9]*$' | sort -u); do
                grep -rq "@test \"[^\"]*\b$id\b" tests/bats || { echo "no test: $id"; false; }
        done
}

@test "no file speaks of what is left to do" {
        run grep -nE '\b(TODO|FIXME|XXX|HACK)\b' -r src tests contrib units man --include='*' --exclude=arch.bats --exclude=driver
        [ "$status" = 1 ] || { echo "$output"; false; }
}

@test "every directive has words of help and a place where it is enforced" {
        bad=$(awk '
                /^(DIRECTIVE|RESOURCE)\(/ { row = $0; while (row !~ /\)$/) { getline more; row = row more }
                        if (row !~ /"(plan|core|engine|logd|shown)",/) print "enforced by nobody: " substr(row, 1, 60)
                        if (row !~ /"[^"]{8,}[.).]? ?"[)]$/ && row !~ /\."\)$/) print "no sentence of help: " substr(row, 1, 60) }
                ' src/core/directives*.def)
        [ -z "$bad" ] || { echo "$bad"; false; }
}
