#!/usr/bin/env bats
# coppicectl --json without a daemon: every verb behaves alike.

load lib

setup() { world; }
teardown() { end_world; }

# A verb, its exit status, what is on standard output (nothing, json), and its arguments.
table() {
        cat <<-'T'
                tree           7 nothing
                status         7 nothing
                list           7 nothing
                show           7 nothing x
                cat            7 nothing x
                start          7 nothing x
                stop           7 nothing x
                restart        7 nothing x
                reload         7 nothing x
                kill           7 nothing x
                exit           7 nothing x normal
                reset-failed   7 nothing
                freeze         7 nothing x
                thaw           7 nothing x
                why            7 nothing x
                deaths         7 nothing x
                events         7 nothing
                logs           7 nothing x
                explain        7 nothing x
                seccomp        7 nothing x
                verify         0 json    --units UNITS
                security       7 nothing
                simulate       0 json    --units UNITS
                schema         0 json
                diff           7 nothing
                daemon-reload  7 nothing
                daemon-reexec  7 nothing
                set            7 nothing x Nice=1
                doctor         7 json
                graph          7 nothing
                metrics        7 nothing
                run            7 nothing -- true
                spawn          7 nothing -- true
                await          7 nothing x
                send           7 nothing x
                cancel         2 nothing x
                ask            7 nothing x
                receive        2 nothing
                channel        7 nothing ls
                link           7 nothing x y
                unlink         7 nothing x y
                trap-exit      2 nothing
                monitor        7 nothing x y
                demonitor      7 nothing x y
                register       7 nothing x y
                unregister     7 nothing x
                whereis        7 nothing x
                registered     7 nothing
                emit           2 nothing x
                shutdown       7 nothing
                log-level      7 nothing
                version        7 json
                help           0 json
	T
}

# are_errors FILE STATUS: each line is an error with the exit status, or a note.
are_errors() { jq -es --argjson status "$2" 'length > 0 and all(.[]; (.error | type) == "string" and (.message | type) == "string" and
        (.exit_status == $status or .exit_status == 0)) and any(.[]; .exit_status == $status)' "$1" >/dev/null; }

@test "every verb with --json and no daemon ends with the status that is due, one error on standard error, nothing half" {
        local verb due out args status failed=0 known words=([2]=usage [7]=no_daemon)
        known=$("$CTL" help --json | jq -r '.verbs[].name')
        service web "ExecStart=/bin/true" "Type=oneshot"
        while read -r verb due out args; do
                status=0
                # shellcheck disable=SC2086 # several words
                env -u COPPICE_MAILBOX "$CTL" "$verb" --json ${args//UNITS/$W/units} </dev/null >"$W/out" 2>"$W/err" || status=$?
                [ "$status" = "$due" ] || { echo "$verb: ended with $status, not $due"; failed=1; }
                case $out in
                nothing) [ ! -s "$W/out" ] || { echo "$verb: says $(cat "$W/out")"; failed=1; } ;;
                json) { [ -s "$W/out" ] && jq -e . "$W/out" >/dev/null; } || { echo "$verb: no JSON: $(cat "$W/out")"; failed=1; } ;;
                esac
                if [ "$due" = 0 ]; then
                        [ ! -s "$W/err" ] || { echo "$verb: complains: $(cat "$W/err")"; failed=1; }
                else
                        are_errors "$W/err" "$due" || { echo "$verb: no error: $(cat "$W/err")"; failed=1; }
                        [ "$(jq -rs '.[-1].error' "$W/err")" = "${words[due]}" ] || { echo "$verb: $(cat "$W/err")"; failed=1; }
                fi
                known=$(grep -vx -- "$verb" <<<"$known" || :)
        done < <(table)
        [ -z "$known" ] || { echo "not in the table: $known"; failed=1; }
        [ $failed = 0 ]
}

@test "every verb with --json tells a mistake of the command line as an error, wherever --json stands" {
        local verb failed=0 status
        for verb in $("$CTL" help --json | jq -r '.verbs[].name'); do
                status=0
                "$CTL" --no-such-option "$verb" --json </dev/null >"$W/out" 2>"$W/err" || status=$?
                { [ "$status" = 2 ] && [ ! -s "$W/out" ] && are_errors "$W/err" 2 &&
                  [ "$(jq -r .error "$W/err")" = usage ]; } || { echo "$verb: $status $(cat "$W/out" "$W/err")"; failed=1; }
        done
        [ $failed = 0 ]
}

@test "a file that cannot be read is an entry of what verify --json prints; explain --json tells remarks as objects" {
        run "$CTL" verify --json "$W/units/gone.service"
        assert_status 1
        assert_json 'length == 1 and .[0].severity == "error" and (.[0].text | contains("gone.service"))'
        service bad "ExecStart=/bin/true" "Nice=77"
        "$CTL" explain --json "$W/units/bad.service" >"$W/out" 2>"$W/err" || [ $? = 1 ]
        [ ! -s "$W/out" ]
        jq -es '.[0].severity == "error" and .[0].line == 3 and .[-1].error == "failed"' "$W/err" >/dev/null
}
