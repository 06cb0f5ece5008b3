# talker.bash - services with mailboxes that do what a test tells them: `load talker` behind `load lib`.

# talker NAME LINE...: a service with a mailbox that does what it reads from the pipe $W/NAME.do, a command a line (see
# mailbox.py), and writes what comes of it to $W/NAME.out.
talker() {
        local name=$1; shift
        mkfifo "$W/${name##*/}.do"
        { echo "[Unit]"; [ -z "${SUPERVISOR:-}" ] || echo "Supervisor=$SUPERVISOR"
          echo "[Service]"; echo "Mailbox=yes"
          echo "ExecStart=/usr/bin/env python3 $BATS_TEST_DIRNAME/mailbox.py $W/${name##*/}.do $W/${name##*/}.out"
          printf '%s\n' "$@"; } >"$W/units/${name##*/}.service"
}
# tell NAME COMMAND...: one command to a talker; said NAME TEXT: wait until it has written that.
tell() { local name=$1; shift; printf '%s\n' "$*" >"$W/$name.do"; }
said() { wait_line "$W/$1.out" "$2" || { echo "$1 has said:"; cat "$W/$1.out"; return 1; }; }
lines_of() { grep -c -- "$2" "$W/$1.out" || :; }
