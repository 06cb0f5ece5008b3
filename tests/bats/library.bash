# library.bash - programs against the installed libcoppice: `load library` behind `load lib`.
#
#     setup_file() { install_library; }        what `make install` puts into a tree of its own, once for a file of tests
#     example NAME                             units/examples/NAME built by its Makefile; its units in $W/units, programs in $W/bin

install_library() {
        export INSTALLED=$BATS_FILE_TMPDIR/installed
        env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL make -s -C "$COPPICE_BUILD" DESTDIR="$INSTALLED" install-libcoppice >"$BATS_FILE_TMPDIR/install.log" 2>&1 ||
                { cat "$BATS_FILE_TMPDIR/install.log"; return 1; }
        LIBDIR=$(dirname "$(find "$INSTALLED" -name coppice.pc)"); LIBDIR=${LIBDIR%/pkgconfig}
        export LIBDIR PKG_CONFIG_PATH=$LIBDIR/pkgconfig PKG_CONFIG_SYSROOT_DIR=$INSTALLED
}

# The library goes where services of another user can read it: below /tmp, as the programs. A sanitizer needs calls that the filters of the units refuse.
example() {
        local from=$SOURCE/units/examples/$1 unit
        mkdir "$W/src" "$W/lib"
        cp "$from"/Makefile "$from"/*.c "$W/src"
        cp "$LIBDIR"/libcoppice.so.0 "$W/lib"
        env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL make -s -C "$W/src" install PREFIX="$W" CC="${CC:-cc}" \
                CFLAGS="-O1 -Wall -Wextra -Werror ${COPPICE_SANITIZED:-}" LDFLAGS="${COPPICE_SANITIZED:-} -Wl,-rpath,$W/lib"
        for unit in "$from"/*.service "$from"/*.supervisor "$from"/*.channel; do
                [ -e "$unit" ] || continue
                sed "s|/usr/local/bin/|$W/bin/|; /^PrivateTmp=/d" "$unit" >"$W/units/${unit##*/}"
                [ -z "${COPPICE_SANITIZED:-}" ] || sed -i '/^SystemCall/d; /^MemoryMax/d; /^MemoryDeny/d; s/^\[Service\]/&\nEnvironment=ASAN_OPTIONS=detect_leaks=0/' "$W/units/${unit##*/}"
                # Only root can become another user.
                [ "$(id -u)" = 0 ] || sed -i '/^User=/d' "$W/units/${unit##*/}"
        done
        chmod -R a+rX "$W/lib" "$W/bin"
}
