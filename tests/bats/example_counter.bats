# units/examples/counter: request and reply.

load lib
load script_example

setup()    { world; script_example counter; }
teardown() { end_world; }

@test "the counter is asked by people and by a service, and forgets no count that it has told when it is killed" {
        start_daemon
        wait_for "$PATIENCE" recorded '/tally/visitor: says: visit 1'
        assert_eq "$(ctl ask --timeout "${PATIENCE}s" counter --topic add 5)" 6
        old=$(pid_of /tally/counter)
        ctl kill --signal KILL /tally/counter
        wait_restart /tally/counter "$old"
        assert_eq "$(ctl ask --timeout "${PATIENCE}s" counter)" 6
        assert_eq "$(ctl ask --timeout "${PATIENCE}s" counter --topic add '1 + 1')" 'not a number'
        ctl start visitor
        wait_for "$PATIENCE" recorded '/tally/visitor: says: visit 7'
}
