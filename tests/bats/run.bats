#!/usr/bin/env bats
# run, spawn, await: services made of properties instead of files.

load lib

setup() { world; }
teardown() { end_world; }

# Nothing of any transient service is left in the tree.
none_left() { [ -z "$(ctl list --names | grep -x '/transient/.*')" ]; }

@test "run gives back what the command read and wrote, and its exit status" {
        start_daemon
        run ctl run -- sh -c 'cat; echo to stderr >&2; exit 3' <<<"through it"
        assert_status 3
        assert_output_has "through it"
        assert_output_has "to stderr"
        run ctl run true
        assert_status 0
        assert_eq "$output" ""
        none_left
}

@test "run hands over pipes as they are: the reader sees the end of file" {
        start_daemon
        assert_eq "$(seq 100000 | ctl run -- sort -rn | head -n 1)" 100000
        assert_eq "$(ctl run -- cat </dev/null | wc -c)" 0
}

@test "run tells how it ended: signals, a program that is not there, a time that ran out" {
        start_daemon
        run ctl run -- sh -c 'kill -9 $$'
        assert_status 137
        run ctl run -- sh -c 'kill -TERM $$'
        assert_status 143
        run ctl run /nonexistent/program
        assert_status 203
        assert_output_has "EXEC: execute /nonexistent/program: No such file or directory"
        run ctl run --timeout 100ms sleep 1000
        assert_status 124
        assert_output_has "ended: timeout"
        none_left
}

@test "words of the command are taken as they are" {
        start_daemon
        run ctl run -- printf '[%s]' '$HOME' '%n' 'a b' ';' '"' "'" '\' ''
        assert_eq "$output" "[\$HOME][%n][a b][;][\"]['][\\][]"
        assert_eq "$(ctl run -- printf %s $'\xff\x01' | od -An -tx1 | tr -d ' \n')" ff01
}

@test "properties are lines of a unit file; a mistake is named by its position" {
        start_daemon
        run ctl run -p LimitNOFILE=77 -p 'Environment="A=b c"' -E D=100% -- sh -c 'ulimit -n; echo "$A $D"'
        assert_status 0
        assert_eq "$output" $'77\nb c 100%'
        run ctl run -p Nice=1 -p LimitNOFIL=1 true
        assert_status 1
        assert_output_has "property 2 (LimitNOFIL=1): unknown key LimitNOFIL= in [Service] (did you mean LimitNOFILE=?)"
        run ctl run -p 'Nice 1' true
        assert_output_has "property 1 (Nice 1): is no assignment"
        run ctl run -p $'Nice=1\nUser=nobody' true
        assert_output_has "is more than one line"
        none_left
}

@test "with --json the last line is a report" {
        start_daemon
        run ctl run --json --name job -- sh -c 'exit 4'
        assert_status 4
        assert_json '.node == "/transient/job" and .exit_code == 4 and .reason == "exit:4" and .status == 4 and .lasted_usec > 0'
}
