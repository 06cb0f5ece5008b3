# Every unit in units/ is loaded, and every page of the manual is well-formed.
load lib

setup() { world; }
teardown() { end_world; }

verified() {
        run ctl verify --units "$1"
        assert_status 0
        assert_output_has " 0 errors, "
        # What is installed here and who has an account is no matter of the examples.
        strange=$(grep -E ': (warning|error): ' <<<"$output" |
                grep -vE ': No such file or directory \(install it|there is no such (user|group) in /etc/' || :)
        assert_eq "$strange" ""
}
@test "the units of the demo are valid" { verified "$SOURCE/units/examples/demo"; }
@test "the units of common services are valid" { verified "$SOURCE/units/examples/common"; }
@test "the units of a container with a sidecar are valid" { verified "$SOURCE/units/examples/container"; }
@test "the units of a small machine are valid" { verified "$SOURCE/units/examples/machine"; }
@test "the units to simulate with are valid" { verified "$SOURCE/units/examples/simulate"; }
@test "the units of the gossip cache are valid" { verified "$SOURCE/units/examples/gossip"; }
@test "the units of the task manager are valid" { verified "$SOURCE/units/examples/tasks"; }
@test "the units of the health monitor are valid" { verified "$SOURCE/units/examples/health"; }
@test "the units of the heartbeat are valid" { verified "$SOURCE/units/examples/heartbeat"; }
@test "the units of the connection pool are valid" { verified "$SOURCE/units/examples/pool"; }
@test "the units of the pipeline are valid" { verified "$SOURCE/units/examples/pipeline"; }
@test "the units of the counter are valid" { verified "$SOURCE/units/examples/counter"; }
@test "the units of the summing consumer are valid" { verified "$SOURCE/units/examples/sum"; }
@test "the units of the bank are valid" { verified "$SOURCE/units/examples/bank"; }
@test "the units of the linked pair are valid" { verified "$SOURCE/units/examples/pair"; }
@test "the units of the traced shop are valid" { verified "$SOURCE/units/examples/trace"; }
@test "no directory of examples is left out of the tests" {
        for dir in "$SOURCE"/units/*/ "$SOURCE"/units/examples/*/; do
                name=$(basename "$dir")
                [ "$name" = examples ] || grep -qE "units/(examples/)?$name\"" "$BATS_TEST_FILENAME" || { echo "$dir is not tested"; false; }
        done
}

@test "a container's main program decides: its exit code is the container's, the sidecar is stopped" {
        for file in root.supervisor main.service sidecar.service; do
                sed -e "s|/usr/local/bin/main|/bin/sh -c 'exit 6'|" -e "s|/usr/local/bin/sidecar .*|/bin/sleep 1000|" \
                        "$SOURCE/units/examples/container/$file" >"$W/units/$file"
        done
        launch_daemon
        daemon_ends 6
}

pages() { find "$BUILD/man" "$SOURCE/man" "$W/verbs" -name '*.[1-8]' 2>/dev/null | sort -u; }
@test "the pages of the manual are well-formed" {
        skip_unless mandoc
        mkdir "$W/verbs"
        "$BUILD/src/ctl/pages" verbs "$W/verbs"
        [ -n "$(pages)" ]
        bad=0
        for page in $(pages); do
                # Style remarks are left to taste; warnings and errors are not.
                run mandoc -T lint -W warning "$page"
                [ -z "$output" ] || { echo "$output"; bad=1; }
        done
        [ $bad = 0 ]
}

@test "the manual of the interface has every type, method and error of its description" {
        local word bad=0
        while read -r word; do
                grep -q "^\.B $word\$" "$BUILD/man/io.coppice.Manager.7" || { echo "not in the manual: $word"; bad=1; }
        done < <(sed -n 's/^\(type\|method\|error\) \([A-Za-z]*\).*/\2/p' "$SOURCE/src/proto/io.coppice.Manager.varlink")
        [ $bad = 0 ]
}

@test "verify and simulate take several --units as coppiced does, the first wins" {
        service web "ExecStart=/bin/sleep 1000"
        mkdir -p "$W/more/web.service.d"
        printf '[Service]\nExecStart=/bin/sleep 2000\n' | tee "$W/more/web.service" >"$W/more/further.service"
        printf '[Service]\nNice=99\n' >"$W/more/web.service.d/nice.conf"
        run "$BUILD/coppicectl" verify --units "$W/units" --units "$W/more"
        assert_status 1
        assert_output_has "more/web.service.d/nice.conf:2:6: error: Nice=99"
        rm "$W/more/web.service.d/nice.conf"
        mkdir "$W/more/web.d"
        run "$CTL" verify --units "$W/more" --units "$W/units"
        assert_output_has "web.d: not the drop-ins of a unit: it is not read (name it after the whole unit, such as web.service.d)"
        rmdir "$W/more/web.d"
        run "$BUILD/coppicectl" simulate --units "$W/units" --units "$W/more" - <<<"1s exit web 0"
        assert_status 0
        assert_output_has "/web: started"
        assert_output_has "/further: started"
}
