# units/examples/pipeline: sound from filter to filter, and copies of it.

load lib
load library

setup_file() { install_library; }
setup()    {
        world; example pipeline
        mkdir -m 777 "$W/out" # nothing of the test stays in /var/lib
        sed -i "s|^StateDirectory=.*|ReadWritePaths=$W/out\nEnvironment=STATE_DIRECTORY=$W/out|" "$W/units/encode.service"
}
teardown() { end_world; }

killed() { local pid; pid=$(pid_of /media/halve); [ -n "$pid" ] && [ "$pid" != 0 ] && kill -9 "$pid"; }

@test "the pipeline goes on when its middle is killed, and loses no more than what that had in its hands" {
        start_daemon
        for n in 1 2 3; do
                wait_state /media/halve running
                wait_for "$PATIENCE" killed; wait_for "$PATIENCE" eval "[ \"\$(field /media/halve .restarts)\" -ge $n ]"
        done
        for s in tone halve encode meter; do wait_state /media/$s finished; done
        said=$(ctl logs meter | grep -o "[0-9]* frames, [0-9]* missing")
        echo "$said"
        read -r frames _ missing _ <<<"$said"
        assert_eq $((frames + missing)) 1500
        [ "$missing" -le 3 ]
        assert_eq "$(gunzip -c "$W/out/tone.pcm.gz" | wc -c)" $((frames * 4088))
        # The loudest sample of the tone is 30000.
        assert_eq "$(gunzip -c "$W/out/tone.pcm.gz" 2>/dev/null | head -c 200 | od -An -v -t d2 -w2 | sort -n | head -n 1 | tr -d ' ')" -15000
}
