# What `make install` makes of it.
load lib

setup()    { world; }
teardown() { end_world; }

build_make() { env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL make -s -C "$BUILD" DESTDIR="$W/image" "$@" >"$W/make.out" 2>&1 || { tail -n 20 "$W/make.out"; return 1; }; }

@test "make install fills an empty directory, what it installed runs from its prefix, and uninstall takes all of it away" {
        local file prefix
        build_make install
        for file in bin/coppiced bin/coppicectl libexec/coppice/coppice-engine libexec/coppice/coppice-logd libexec/coppice/coppice-tee \
                lib*/libcoppice.so include/coppice.h share/man/man1/coppicectl.1 share/man/man8/coppiced.8 share/man/man5/coppice.service.5 \
                share/bash-completion/completions/coppicectl share/varlink/io.coppice.Manager.varlink share/doc/coppice/LICENSE; do
                [ -n "$(find "$W/image" -path "*/$file")" ] || { echo "there is no $file"; return 1; }
        done
        diff <("$BUILD/coppicectl" help | sed -n 's/^  \([a-z][a-z-]*\) .*/\1/p' | sort) \
                <(find "$W/image" -name 'coppicectl-*.1' | sed 's:.*/coppicectl-\(.*\)\.1:\1:' | sort)
        prefix=$(find "$W/image" -path '*/bin/coppiced'); prefix=${prefix#"$W/image"}; prefix=${prefix%/bin/coppiced}
        if unshare -m true 2>/dev/null && [ -d "$prefix" ]; then
                # shellcheck disable=SC2016
                run unshare -m sh -c 'mount --bind "$1$2" "$2" && cd / && exec "$2/bin/coppicectl" run --local --timeout 20s -- /bin/echo from its place' sh "$W/image" "$prefix"
                assert_status 0
                assert_output_has "from its place"
        fi
        build_make uninstall
        [ -z "$(find "$W/image" ! -type d)" ]
}
