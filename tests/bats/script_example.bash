# script_example.bash - worked examples in sh: `load script_example` behind `load lib`.

# script_example NAME: the units of units/examples/NAME in $W/units, its programs in $W/bin, with our coppicectl beside them. What
# StateDirectory= would keep in /var/lib is in $W/var/UNIT, and gone with the test.
script_example() {
        local from=$SOURCE/units/examples/$1 file
        mkdir "$W/bin" "$W/var"
        install -m 755 "$COPPICE_BUILD/coppicectl" "$W/bin"
        for file in "$from"/*; do
                case $file in
                *.md) ;;
                *.service | *.supervisor | *.channel)
                        sed "s|/usr/local/bin/|$W/bin/|; s|^ExecStart=|Environment=PATH=$W/bin:/usr/bin:/bin\n&|" "$file" >"$W/units/${file##*/}"
                        [ -z "${COPPICE_SANITIZED:-}" ] || sed -i '/^SystemCall/d; /^MemoryMax/d; /^MemoryDeny/d; s/^\[Service\]/&\nEnvironment=ASAN_OPTIONS=detect_leaks=0/' "$W/units/${file##*/}"
                        if grep -q '^StateDirectory=' "$file"; then
                                mkdir -m 777 "$W/var/${file##*/}"
                                sed -i "s|^StateDirectory=.*|ReadWritePaths=$W/var/${file##*/}\nEnvironment=STATE_DIRECTORY=$W/var/${file##*/}|" "$W/units/${file##*/}"
                        fi
                        # Only root can become another user.
                        [ "$(id -u)" = 0 ] || sed -i '/^User=/d' "$W/units/${file##*/}" ;;
                *) install -m 755 "$file" "$W/bin" ;;
                esac
        done
}
# recorded TEXT: is there such a record? For wait_for.
recorded() { "$CTL" events --since 0 --no-follow 2>/dev/null | grep -q -e "$1"; }
