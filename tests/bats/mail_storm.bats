# Messages, and everybody who has to do with them is killed again and again: nothing is lost, nothing is there twice.
# COPPICE_MAILS and COPPICE_MAIL_KILLS make it longer (contrib/check --long: a million, a thousand).

load lib

setup()    { world; export COPPICE_ENGINE_PAUSE_MAX_MS=1; COURIER=$BUILD/tests/programs/courier; }
teardown() { end_world; }

# two_services TO [CHANNEL]
two_services() {
        "$COURIER" new "$W/book" "${COPPICE_MAILS:-20000}"
        printf '[Supervisor]\nMaxRestarts=1000000\n' | unit root.supervisor
        service receiver RestartSec=0 Mailbox=yes MailboxKeep=yes "ExecStart=$COURIER receive $W/book ${2:-}"
        service sender RestartSec=0 Mailbox=yes "ExecStart=$COURIER send $W/book $1"
}
storm() {
        run "$COURIER" storm "$W/book" "${COPPICE_MAIL_KILLS:-60}" "$COPPICE_SEED" "$DAEMON"
        echo "$output"
        echo "# $1: ${output//$'\n'/; }" >&3
        assert_status 0
}

@test "F13: from mailbox to mailbox nothing is lost and nothing comes twice, whoever is killed" {
        two_services receiver
        start_daemon
        storm mailbox
}

@test "F13: through a channel the same" {
        two_services jobs
        { echo '[Channel]'; echo 'Type=message'; echo 'To=receiver.service'; echo 'Capacity=50'; } >"$W/units/jobs.channel"
        start_daemon
        storm channel
}

@test "F13: through a channel that wants to know, nothing is lost, and what comes again had not been acknowledged" {
        two_services jobs jobs
        { echo '[Channel]'; echo 'Type=message'; echo 'To=receiver.service'; echo 'Acknowledge=yes'; } >"$W/units/jobs.channel"
        export COURIER_AGAIN=1 COPPICE_MAILS=${COPPICE_MAILS:-2000}
        "$COURIER" new "$W/book" "$COPPICE_MAILS"
        start_daemon
        storm acknowledged
}
