# units/examples/sum: producers and a summing consumer over a channel that wants to be told when a message is done with.

load lib
load script_example

setup()    { world; script_example sum; }
teardown() { end_world; }

entries() { [ "$(wc -l <"$W/var/consumer.service/ledger")" -ge "$1" ]; }
fact_is() { [ "$(ctl channel show /sum/numbers --json | jq -r "$1")" = "$2" ]; }
sum_is() { [ "$(ctl ask --timeout "${PATIENCE}s" consumer)" = "$1" ]; }

@test "the sum is exact though the consumer is killed with a message in its hands, and a producer in the middle of its work" {
        start_daemon
        wait_file "$W/var/consumer.service/ledger"
        for n in 3 6 9; do
                wait_for "$PATIENCE" entries $n
                old=$(pid_of /sum/consumer)
                # It cannot acknowledge any more: what it has is not done with.
                kill -STOP "$old"
                wait_for "$PATIENCE" fact_is .unacked 1
                # Nobody takes what the producers send: none can have finished.
                [ $n != 3 ] || ctl kill --signal KILL /sum/producer@1
                kill -KILL "$old"
                wait_restart /sum/consumer "$old"
        done
        for i in 1 2; do wait_state /sum/producer@$i finished; done
        wait_for "$PATIENCE" sum_is 930
        assert_eq "$(wc -l <"$W/var/consumer.service/ledger")" 60
        [ "$(ctl channel show /sum/numbers --json | jq .redelivered)" -ge 3 ]
}
