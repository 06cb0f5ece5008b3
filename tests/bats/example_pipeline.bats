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

writes() { awk '/^wchar/ { print $2 }' "/proc/$tone/io"; }
plays() { [ "$(writes)" -gt $(($1 + 20 * 4096)) ]; } # some more frames

@test "the pipeline goes on when its middle is killed, and loses no more than what that had in its hands" {
        # It plays only while somebody listens: a slow machine would come with its kills when all is over.
        mkfifo "$W/play"
        chmod 644 "$W/play"
        sed -i "s|^ExecStart=\(.*\)|ExecStart=/bin/sh -c 'read x <$W/play; exec \1'|" "$W/units/tone.service"
        start_daemon
        local tone halve written play
        wait_state /media/tone running
        tone=$(pid_of /media/tone)
        exec {play}<>"$W/play"
        echo >&"$play"
        for n in 1 2 3; do
                wait_state /media/halve running
                halve=$(pid_of /media/halve) written=$(writes)
                kill -CONT "$tone"
                wait_for "$PATIENCE" plays "$written"
                kill -KILL "$halve"
                kill -STOP "$tone"
                wait_for "$PATIENCE" eval "[ \"\$(field /media/halve .restarts)\" -ge $n ]"
        done
        kill -CONT "$tone"
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
