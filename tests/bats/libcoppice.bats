# libcoppice as programs get it: installed, found by pkg-config, linked both ways, used below the real daemon.

load lib
load library

setup_file() { install_library; }
setup()    { world; }
teardown() { end_world; }

# compile SOURCE PROGRAM [FLAG...]: as a user's makefile does it; warnings of our headers are errors here.
compile() {
        local source=$1 program=$2; shift 2
        ${CC:-cc} -std=c99 -D_GNU_SOURCE -Wall -Wextra -Wpedantic -Werror ${COPPICE_SANITIZED:-} $(pkg-config --cflags coppice) \
                -o "$program" "$source" "$@"
}

# shop PROGRAM [LINE...]: the services that vocabulary.c speaks of; the lines are for the one that checks.
shop() {
        local program=$1; shift
        unit shop.supervisor <<<$'[Supervisor]\nMaxRestarts=100\nAllowSpawn=command root-command'
        for name in echo mortal; do
                printf '%s\n' '[Unit]' 'Supervisor=shop.supervisor' '[Service]' 'Type=notify' 'Mailbox=yes' 'RestartSec=1ms' \
                        "ExecStart=$program echo" "$@" >"$W/units/$name.service"
        done
        printf '%s\n' '[Unit]' 'Supervisor=shop.supervisor' '[Service]' 'ExecStart=sleep 1000' >"$W/units/mute.service"
        service other "ExecStart=sleep 1000"
        printf '%s\n' '[Unit]' 'Supervisor=shop.supervisor' 'After=echo.service mortal.service' '[Service]' 'Type=notify' 'Mailbox=yes' \
                'WatchdogSec=600' "ExecStart=/bin/sh -c 'exec $program all >$W/all.out'" 'Restart=no' "$@" >"$W/units/all.service"
}
passed() {
        wait_line "$W/all.out" '^done$' $((PATIENCE * 3)) || { cat "$W/all.out"; ctl status /shop/all; return 1; }
        refute grep '^not ok' "$W/all.out"
        assert_eq "$(grep -c '^ok ' "$W/all.out")" "$(grep -c '^        CHECK(' "$SOURCE/tests/programs/vocabulary.c")"
}

@test "F: a program with the shared library can say everything" {
        compile "$SOURCE/tests/programs/vocabulary.c" "$W/vocabulary" $(pkg-config --libs coppice)
        readelf -d "$W/vocabulary" | grep -q 'NEEDED.*libcoppice\.so\.0'
        shop "$W/vocabulary" "Environment=LD_LIBRARY_PATH=$LIBDIR"
        start_daemon
        passed
}

@test "F: a program with the static library can say everything, and needs no library but libc" {
        static=-static
        [ -z "${COPPICE_SANITIZED:-}" ] || static=
        compile "$SOURCE/tests/programs/vocabulary.c" "$W/vocabulary" $static -Wl,--push-state,-Bstatic $(pkg-config --static --libs coppice) -Wl,--pop-state
        run readelf -d "$W/vocabulary"
        assert_status 0
        refute grep 'NEEDED.*libcoppice' <<<"$output"
        shop "$W/vocabulary"
        start_daemon
        passed
}

@test "F: an operator's program calls methods, reads replies and streams, and sends messages" {
        compile "$SOURCE/tests/programs/vocabulary.c" "$W/vocabulary" $(pkg-config --libs coppice)
        compile "$SOURCE/tests/programs/operator.c" "$W/operator" $(pkg-config --libs coppice)
        shop "$W/vocabulary" "Environment=LD_LIBRARY_PATH=$LIBDIR"
        rm "$W/units/all.service"
        start_daemon
        wait_state /shop/mortal running; wait_state /shop/echo running
        LD_LIBRARY_PATH=$LIBDIR run "$W/operator"
        assert_status 0
        refute_output_has 'not ok'
        assert_eq "$(grep -c '^ok ' <<<"$output")" "$(grep -c '^        CHECK(' "$SOURCE/tests/programs/operator.c")"
}

@test "the shared library shows what the header declares, and nothing else" {
        declared=$(sed 's|//.*||; s|/\*.*\*/||' "$(find "$INSTALLED" -name coppice.h)" |
                grep COPPICE_API | grep -o 'coppice_[a-z_0-9]*(' | tr -d '(' | sort)
        shown=$(nm -D --defined-only "$LIBDIR/libcoppice.so.0" | awk '$2 ~ /[TBDRVW]/ { sub(/@.*/, "", $3); print $3 }' |
                grep -vE '^(__asan_|__odr_asan|__ubsan_|_init$|_fini$)' | sort)
        listed=$(sed -n 's/^ *\(coppice_[a-z_0-9]*\);$/\1/p' "$SOURCE/src/lib/libcoppice.map" | sort)
        [ -n "$declared" ]
        assert_eq "$shown" "$declared"
        assert_eq "$listed" "$declared"
        nm -D --defined-only "$LIBDIR/libcoppice.so.0" | grep -q 'coppice_open@@COPPICE_0'
        strange=$(nm -g --defined-only "$LIBDIR/libcoppice.a" | awk 'NF == 3 { print $3 }' | grep -vE '^(coppice_|__odr_asan|__asan_)' || :)
        assert_eq "$strange" ""
}

@test "a program in C++ may use the headers of the library" {
        skip_unless "${CXX:-c++}"
        "${CXX:-c++}" -x c++ -std=c++11 -Wall -Wextra -Wpedantic -Werror -fsyntax-only $(pkg-config --cflags coppice) - \
                <<<$'#include <coppice/sd-daemon.h>\nint main() { return sd_notify(0, "READY=1") < 0; }'
}

@test "the library calls nothing that prints, ends the program or keeps state of its own" {
        used=$(nm -u "$LIBDIR/libcoppice.a" | awk '$1 == "U" { print $2 }' | sort -u)
        strange=$(grep -xE '(abort|_?exit|_Exit|err|errx|warn|perror|printf|__printf_chk|puts|putchar|fprintf|__fprintf_chk|syslog|signal|sigaction|setenv|putenv|stdout|stderr|system|pthread_.*)' <<<"$used" || :)
        assert_eq "$strange" ""
        [ -n "${COPPICE_SANITIZED:-}" ] && skip "a sanitizer keeps state"
        state=$(nm "$LIBDIR/libcoppice.a" | awk '$2 ~ /^[bBC]$/ { print $3 }')
        assert_eq "$state" ""
        # Tables are read-only, some after they were relocated.
        [ "$(readelf -SW "$LIBDIR/libcoppice.a" | sed -n 's/^ *\[ *[0-9]*\] \.data  *PROGBITS *[0-9a-f]* [0-9a-f]* \([0-9a-f]*\).*/\1/p')" = 000000 ]
}

@test "every function of libcoppice has a manual page, and the examples of the pages compile" {
        compile "$SOURCE/man/library.c" "$W/library.o" -c
        man3=$(dirname "$(find "$INSTALLED" -name coppice.3)")
        bad=0
        for name in $(sed -n 's/^ *\(coppice_[a-z_0-9]*\);$/\1/p' "$SOURCE/src/lib/libcoppice.map"); do
                page=$man3/$name.3
                [ -e "$page" ] || { echo "$name has no page"; bad=1; continue; }
                if to=$(sed -n 's|^\.so ||p' "$page") && [ -n "$to" ]; then page=$man3/../$to; fi
                grep -q "fB$name.fR" "$page" || { echo "$name is not explained in $page"; bad=1; }
        done
        for page in $(sed -n 's|^/\* page: \(.*\) \*/$|\1|p' "$SOURCE/man/library.c"); do
                grep -q '^\.SH EXAMPLE' "$man3/$page.3" || { echo "$page has lost its example"; bad=1; }
        done
        [ $bad = 0 ]
        if command -v groff >/dev/null; then
                for page in $(grep -L '^\.so' "$man3"/*.3); do
                        said=$(groff -man -Tutf8 -ww "$page" 2>&1 >/dev/null)
                        assert_eq "$said" ""
                done
        fi
}
