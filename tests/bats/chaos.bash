# chaos.bash - trees on which the engine is killed; `load chaos` after `load lib`.

# One of each kind that the engine treats in its own way; all come back at once, and for ever.
chaos_tree() {
        printf '[Supervisor]\nMaxRestarts=1000000\n' | unit root.supervisor
        service plain RestartSec=0 "ExecStart=/bin/sleep 1000"
        service quiet RestartSec=0 StandardOutput=null StandardError=null "ExecStart=/bin/sleep 1000"
        service exec RestartSec=0 Type=exec "ExecStart=/bin/sleep 1000"
        service notify RestartSec=0 Type=notify "ExecStart=$COPPICE_BUILD/tests/programs/tell READY=1 STATUS=up -- /bin/sleep 1000"
        service newline RestartSec=0 Type=notify NotifyFd=3 "ExecStart=/bin/sh -c 'echo >&3; exec 3>&-; exec /bin/sleep 1000'"
        service before RestartSec=0 "ExecStartPre=/bin/true" "ExecStartPost=/bin/true" "ExecStopPost=/bin/true" \
                "RuntimeDirectory=before-$$" "ExecStart=/bin/sleep 1000"
}
daemon_group() { local group; group=$(field /plain .cgroup); [ -z "$group" ] || dirname "$group"; } # "" without control groups
all_run() { [ "$(ctl list --json | jq '[.[] | select(.type == "service" and .state == "running")] | length')" = "$1" ]; }

# Two that are asked for as one.
chaos_pair() {
        printf '[Supervisor]\nStrategy=one_for_all\nMaxRestarts=1000000\nChildren=left.service right.service\n' | unit pair.supervisor
        service left RestartSec=0 "ExecStart=/bin/sleep 1000"
        service right RestartSec=0 Type=notify "ExecStart=$COPPICE_BUILD/tests/programs/tell READY=1 -- /bin/sleep 1000"
}
