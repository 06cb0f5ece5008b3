# units/examples/gossip: a cache of three nodes, killed at random.

load lib
load library

setup_file() { install_library; }
setup()    { world; example gossip; }
teardown() { end_world; }

say() { local topic=$1; shift; ctl ask --timeout "${PATIENCE}s" --topic "$topic" "$@"; }
# all_know TEXT: every node says the same, and it is that.
all_know() {
        local node
        for node in a b c; do [ "$(say all "/gossip/node@$node" 2>/dev/null)" = "$1" ] || return 1; done
}

@test "a cache of three nodes forgets nothing that it has promised while they are killed at random, and converges" {
        start_daemon
        for node in a b c; do wait_state /gossip/node@$node running; done
        seed=$COPPICE_SEED
        echo "COPPICE_SEED=$seed"
        RANDOM=$seed nodes=(a b c) want=
        for i in 10 11 12 13 14 15 16 17; do
                assert_eq "$(say put "/gossip/node@${nodes[RANDOM % 3]}" "key$i old")" ok
                assert_eq "$(say put "/gossip/node@${nodes[RANDOM % 3]}" "key$i value$((RANDOM % 100))")" ok
                victim=/gossip/node@${nodes[RANDOM % 3]}
                want+="$(say get "/gossip/node@${nodes[RANDOM % 3]}" "key$i" | sed "s/^/key$i /")"$'\n'
                pid=$(pid_of "$victim")
                ctl kill --signal KILL "$victim"
                wait_restart "$victim" "$pid"
        done
        refute grep old <<<"$want"
        wait_for "$PATIENCE" all_know "${want%$'\n'}"
        assert_eq "$(say get /gossip/node@b nothing)" ""
}
