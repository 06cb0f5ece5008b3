# units/examples/bank: an account that replays its journal after a kill.

load lib
load script_example

setup()    { world; script_example bank; }
teardown() { end_world; }

order() { ctl ask --timeout "${PATIENCE}s" account --topic "$1" --head "X_ID=$2" "$3"; }

@test "the account has its balance again after a kill, carries out no order twice, and counts no line that was torn off" {
        start_daemon
        assert_eq "$(order deposit a1 100)" 100
        assert_eq "$(order withdraw a2 30)" 70
        assert_eq "$(order withdraw a3 71)" 'refused: the balance is 70'
        assert_eq "$(order deposit a4 1-5)" 'refused: no amount'
        for n in 1 2; do
                old=$(pid_of /bank/account)
                kill -STOP "$old"
                printf 'a5 10' >>"$W/var/account.service/journal" # as far as it had come when it was killed
                kill -KILL "$old"
                wait_restart /bank/account "$old"
                assert_eq "$(order withdraw a2 30)" 70
        done
        wait_for "$PATIENCE" recorded '/bank/account: says: replayed 2 lines: 70'
        assert_eq "$(order deposit a5 10)" 80
        assert_eq "$(tr '\n' , <"$W/var/account.service/journal")" 'a1 100,a2 -30,a5 10,'
}
