# units/examples/pool: connections that are lent as descriptors.

load lib
load library

setup_file() { install_library; }
setup()    { world; example pool; }
teardown() { end_world; }

@test "a pool lends two connections to three clients, and replaces that of one that crashes" {
        ulimit -c 0
        start_daemon
        for i in 1 2 3; do wait_state /bank/client@$i finished; done
        assert_eq "$(ctl ask --timeout "${PATIENCE}s" --topic report /bank/backend)" "sum 160 most 2"
        assert_eq "$(ctl deaths /bank/client@1 --json | jq -r 'map(.reason) | join(" ")')" "normal signal:ABRT"
        wait_for "$PATIENCE" bash -c "'$CTL' logs /bank/pool | grep -q 'client@1 has ended with a connection: it is replaced'"
}
