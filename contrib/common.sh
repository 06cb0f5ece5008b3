# shellcheck shell=sh disable=SC2034
# common.sh - what contrib/check and contrib/demo share; sourced, not run. $ROOT is the source tree.

say() { printf '%s\n' "$*"; }
die() { printf '%s: %s\n' "${0##*/}" "$*" >&2; exit 1; }

# The Debian packages that a build needs, what the tests need beyond that, and what the reviewers among the tests
# (second compiler, linters) need.
BUILD_PACKAGES="gcc make autoconf automake pkg-config libc6-dev libev-dev libinih-dev libjansson-dev libseccomp-dev
        libcap-dev zlib1g-dev libzstd-dev uthash-dev"
TEST_PACKAGES="libcmocka-dev bats jq bubblewrap runc busybox-static spin util-linux procps mandoc python3 iproute2 openssh-client"
# The virtual machine of tests/vm, where this is the kind of machine it is made for.
if [ "$(uname -m)" = x86_64 ]; then TEST_PACKAGES="$TEST_PACKAGES qemu-system-x86 busybox-static cpio"; fi
# A virtual machine of pure cgroup v2; its kernel is downloaded and unpacked, never installed.
MACHINE_PACKAGES="qemu-system-x86 cpio busybox-static"
REVIEW_PACKAGES="clang clang-tidy shellcheck cppcheck"

installed() { [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }

apt_lists_ready() { apt-cache show libev-dev >/dev/null 2>&1; }

# need PACKAGE...: installs those that are missing (root), or says what is missing and ends.
need() {
        missing=
        for package in "$@"; do
                installed "$package" || missing="$missing $package"
        done
        [ -n "$missing" ] || return 0
        command -v apt-get >/dev/null || die "missing, under the names Debian gives them:$missing"
        [ "$(id -u)" = 0 ] || die "missing packages; as root: apt-get install$missing"
        say "installing:$missing"
        apt_lists_ready || apt-get -qq update || die "apt-get update failed"
        # The list of packages is meant to be split into words.
        # shellcheck disable=SC2086
        DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends install $missing >"${APT_LOG:-/dev/null}" 2>&1 ||
                { [ -z "${APT_LOG:-}" ] || tail -n 20 "$APT_LOG" >&2; die "could not install:$missing"; }
}

# choose_build_dir NAME: sets $BUILD to ROOT/build/NAME, or to a temporary directory where the source cannot be
# written. Everything is made there.
choose_build_dir() {
        if [ -z "${BUILD:-}" ]; then
                BUILD=$ROOT/build/$1
                if ! mkdir -p "$BUILD" 2>/dev/null || [ ! -w "$BUILD" ]; then
                        BUILD=$(mktemp -d "${TMPDIR:-/tmp}/coppice-$1.XXXXXX")
                fi
        fi
        mkdir -p "$BUILD/log"
        BUILD=$(cd "$BUILD" && pwd)
}

# prepare_source: a copy of the source in $BUILD/source with its configure script, so that the tree it came from stays
# as it is. File times are kept: a second run builds only what has changed.
prepare_source() {
        mkdir -p "$BUILD/source"
        (cd "$ROOT" && tar -cf - --exclude=.dirstamp --exclude=.deps --exclude='*.o' --exclude='*.a' \
                --exclude='*.log' --exclude='*.trs' --exclude='*~' \
                .clang-format .clang-tidy .editorconfig ./*.ac ./*.am ./*.md LICENSE contrib m4 man src tests units) |
                tar -xf - -C "$BUILD/source"
        [ -x "$BUILD/source/configure" ] && [ -z "$(find "$BUILD/source" \( -name configure.ac -o -name Makefile.am \
                -o -name '*.mk' \) -newer "$BUILD/source/configure" -print -quit)" ] && return 0
        (cd "$BUILD/source" && mkdir -p build-aux m4 && autoreconf -fi) >"$BUILD/log/autoreconf.log" 2>&1 ||
                { tail -n 20 "$BUILD/log/autoreconf.log" >&2; die "autoreconf failed"; }
}

cores() { getconf _NPROCESSORS_ONLN 2>/dev/null || echo 1; }
