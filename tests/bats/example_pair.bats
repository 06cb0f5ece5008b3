# units/examples/pair: two linked services, one of which traps exits.

load lib
load script_example

setup()    { world; script_example pair; }
teardown() { end_world; }

linked() { [ "$(field /pair/keeper '.links | join(" ")')" = /pair/writer ]; }

@test "who traps exits hears of the other's end and stays; the other ends with it, and both are linked again" {
        start_daemon
        wait_for "$PATIENCE" linked
        keeper=$(pid_of /pair/keeper) writer=$(pid_of /pair/writer)
        ctl kill --signal KILL /pair/writer
        wait_restart /pair/writer "$writer"
        wait_for "$PATIENCE" recorded '/pair/keeper: says: /pair/writer ended with signal:KILL, I stay'
        assert_eq "$(pid_of /pair/keeper)" "$keeper"
        wait_for "$PATIENCE" linked
        writer=$(pid_of /pair/writer)
        ctl kill --signal KILL /pair/keeper
        wait_restart /pair/keeper "$keeper"
        wait_restart /pair/writer "$writer"
        assert_eq "$(ctl deaths /pair/writer --json | jq -r 'map(.reason) | sort | join(" ")')" 'linked:/pair/keeper:signal:KILL signal:KILL'
        wait_for "$PATIENCE" linked
}
