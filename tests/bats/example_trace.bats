# units/examples/trace: messages that are watched on their way.

load lib
load script_example

setup()    { world; script_example trace; }
teardown() { end_world; }

# A tap may not listen yet when the first message is sent.
watched() { ctl send front are you there; file_has "$W/trace.out" ' 1 /shop/orders ' && file_has "$W/trace.out" ' 2 /shop/parcels '; }

@test "a tap on each channel shows the way of a message by its mark, and takes nothing out" {
        skip_unless jq
        start_daemon
        for s in front clerk packer; do wait_state /shop/$s running; done
        PATH=$W/bin:$PATH "$W/bin/trace" /shop/orders /shop/parcels >"$W/trace.out" 3>&- & tracing=$!
        wait_for "$PATIENCE" watched
        ctl send front apples
        wait_for "$PATIENCE" recorded '/shop/packer: says: [0-9]*-[0-9]* packed after 2 hops: apples'
        wait_line "$W/trace.out" ' 2 /shop/parcels /shop/clerk "apples"'
        wait_line "$W/trace.out" ' 1 /shop/orders /shop/front "apples"'
        mark=$(sed -n 's,^\([^ ]*\) 2 /shop/parcels .*"apples"$,\1,p' "$W/trace.out")
        wait_line "$W/trace.out" "^$mark 1 /shop/orders /shop/front \"apples\"$"
        # With the channels the taps end.
        ctl channel close /shop/orders; ctl channel close /shop/parcels
        wait_for "$PATIENCE" process_gone $tracing
}
