#!/usr/bin/env bats
# Real programs under their hardened units, at real work. They get mounts and a network of their own, so that what the
# machine itself runs is neither seen nor disturbed. What the machine lacks comes from Debian's packages, which are
# unpacked and laid over /usr and /etc in that private view: nothing is installed, none of the distribution's own
# services is started. The packages are kept in $COPPICE_PROGRAMS (default: programs in the build directory).

load lib

setup() { world; }
teardown() { end_world; }

# private_daemon MOUNTS...: a daemon that sees empty directories in these places.
private_daemon() {
        local place needed
        for place in "$@"; do
                for needed in "$BUILD" "$SOURCE" "$PROGRAMS"; do
                        [[ $needed/ != "$place"/* ]] || skip "what is built lies below $place, of which this test makes an empty one"
                done
        done
        { echo 'set -e'
          for place in "$@"; do echo "mount -t tmpfs -o mode=755 tmpfs $place"; done
          echo '. "$0.more"; exec "$@"'; } >"$W/private"
        DAEMON_WRAPPER="unshare --mount --net sh $W/private" start_daemon
}
# distribution: what an installation of these would bring and this machine lacks, unpacked in $PROGRAMS.
distribution() {
        local -a wanted
        local package
        PROGRAMS=${COPPICE_PROGRAMS:-$BUILD/programs}
        skip_unless root
        unshare --mount --net true 2>/dev/null || skip "needs the right to make namespaces"
        unshare --mount mount -t overlay -o lowerdir=/usr:/etc overlay /mnt 2>/dev/null || skip "needs overlayfs"
        if [ ! -e "$PROGRAMS/complete" ]; then
                wanted=$(apt-get install --simulate --no-install-recommends nginx redis-server openssh-server openssh-client curl 2>/dev/null) ||
                        skip "needs Debian's package lists, or nginx, redis-server, sshd and curl"
                mkdir -p "$PROGRAMS/packages" "$PROGRAMS/usr" "$PROGRAMS/etc"
                mapfile -t wanted < <(sed -n 's/^Inst \([^ ]*\) .*/\1/p' <<<"$wanted")
                [ ! -e "$BATS_FILE_TMPDIR/cannot" ] || skip "cannot download ${wanted[*]}"
                [ ${#wanted[@]} = 0 ] ||
                        (cd "$PROGRAMS/packages" && timeout 60 apt-get -qq -o Acquire::Retries=0 -o APT::Sandbox::User=root download "${wanted[@]}" 2>&1) ||
                        { : >"$BATS_FILE_TMPDIR/cannot"; skip "cannot download ${wanted[*]}"; }
                for package in "$PROGRAMS"/packages/*.deb; do
                        [ ! -e "$package" ] || dpkg-deb --extract "$package" "$PROGRAMS"
                done
                : >"$PROGRAMS/complete"
        fi
        # The users that an installation would have made, on top of those there are.
        cat >"$W/private.more" <<END
ip link set lo up
mkdir -p "$W/layer"; mount -t tmpfs -o mode=755 tmpfs "$W/layer"; mkdir "$W/layer/etc" "$W/layer/work"
mount -t overlay -o "lowerdir=$PROGRAMS/etc:/etc,upperdir=$W/layer/etc,workdir=$W/layer/work" overlay /etc
mount -t overlay -o "lowerdir=$PROGRAMS/usr:/usr" overlay /usr
user() { grep -q "^\$1:" /etc/passwd || { echo "\$1:x:\$2:\$2::\$3:/bin/sh" >>/etc/passwd; echo "\$1:x:\$2:" >>/etc/group; echo "\$1:*:19000:0:99999:7:::" >>/etc/shadow; }; }
user redis 2001 /var/lib/redis; user sshd 2002 /run/sshd; user guest 2003 /home/guest; user www-data 33 /var/www
END
}
# hardened NAME LINE...: the shipped unit, with a drop-in of these lines. Not every root may raise what is left out.
hardened() {
        local name=$1; shift
        sed '/^OOMScoreAdjust/d; /^LimitNOFILE/d' "$SOURCE/units/examples/common/$name.service" >"$W/units/$name.service"
        mkdir -p "$W/units/$name.service.d"
        { echo "[Service]"; printf '%s\n' "$@"; } >"$W/units/$name.service.d/test.conf"
}
# confined NODE: a filter is in force, no privileges can be gained, and the bounding set is not full.
confined() {
        local said
        said=$(cat "/proc/$(pid_of "$1")/status")
        [[ $said =~ Seccomp:[[:space:]]2 && $said =~ NoNewPrivs:[[:space:]]1 ]] || { echo "$said"; return 1; }
        [[ ! $said =~ CapBnd:[[:space:]]0*[13]f{9,} ]] || { echo "$said"; return 1; }
        run ctl status "$1" --json
        assert_json '.not_enforced == [] or .not_enforced == null'
}
within() { nsenter --target "$DAEMON" --mount --net -- "$@"; }

@test "PostgreSQL works under its hardened unit" {
        skip_unless root
        unshare --mount --net true 2>/dev/null || skip "needs the right to make namespaces"
        POSTGRES=/usr/lib/postgresql/15/bin
        [ -x $POSTGRES/postgres ] && [ -x $POSTGRES/initdb ] && command -v psql >/dev/null || skip "needs PostgreSQL 15"
        hardened postgres "MemoryMax=256M" "TasksMax=30"
        cat >"$W/private.more" <<'END'
mkdir -p /var/lib/postgresql/15 /etc/postgresql/15/main
chown postgres /var/lib/postgresql/15
setpriv --reuid postgres --regid postgres --clear-groups /usr/lib/postgresql/15/bin/initdb -A trust -N -D /var/lib/postgresql/15/main >&2
cat >/etc/postgresql/15/main/postgresql.conf <<'CONF'
data_directory = '/var/lib/postgresql/15/main'
hba_file = '/var/lib/postgresql/15/main/pg_hba.conf'
ident_file = '/var/lib/postgresql/15/main/pg_ident.conf'
listen_addresses = ''
unix_socket_directories = '/run/postgresql'
CONF
END
        private_daemon /var/lib/postgresql /etc/postgresql /run
        ctl await postgres ready --timeout "${PATIENCE}s"
        confined /postgres
        # Work, and what the sandbox leaves of the machine: as the database's own superuser.
        run within psql -h /run/postgresql -U postgres -At \
                -c "create table t as select generate_series(1, 50000) i; select sum(i) from t; create index on t (i); checkpoint" \
                -c "select sum(i) from t where i < 10"
        echo "$output"
        assert_output_has 1250025000
        assert_output_has 45
        run within psql -h /run/postgresql -U postgres -At -c "select pg_ls_dir('/home')"
        assert_output_has "Permission denied"
        run within psql -h /run/postgresql -U postgres -At -c "copy t to '/etc/stolen'"
        assert_output_has "Read-only file system"
        run within psql -h /run/postgresql -U postgres -At -c "copy t to program 'unshare --user id'"
        [ "$status" != 0 ]
        # Its way to end is its own: a fast shutdown, which is clean.
        ctl stop postgres
        run ctl deaths postgres --json
        assert_json '.[0].reason == "shutdown" and .[0].status == 0'
}

@test "nginx serves under its hardened unit, and writes only where the unit lets it" {
        distribution
        hardened nginx "TasksMax=20" "MemoryMax=64M" "CPUQuota=50%"
        cat >>"$W/private.more" <<'END'
mkdir -p /var/lib /var/log /var/www/html /srv/open /run/open; chmod 777 /srv/open /run/open
echo "a page from behind the fence" >/var/www/html/index.html
cat >/etc/nginx/sites-enabled/default <<'CONF'
server {
        listen 127.0.0.1:80;
        root /var/www/html;
        # Anybody may write to these two, as far as their modes go.
        location /srv/open/ { root /; dav_methods PUT; }
        location /run/open/ { root /; dav_methods PUT; }
}
CONF
END
        private_daemon /var /srv /run
        wait_state /nginx running
        wait_for "$PATIENCE" within curl -sfo "$W/page" http://127.0.0.1/
        assert_eq "$(cat "$W/page")" "a page from behind the fence"
        confined /nginx
        # A hundred requests, eight at a time.
        within curl -sf --parallel --parallel-max 8 -o /dev/null "http://127.0.0.1/?[1-100]"
        run within curl -s -o /dev/null -w '%{http_code}' -T "$W/page" http://127.0.0.1/run/open/new
        assert_eq "$output" 201
        run within curl -s -o /dev/null -w '%{http_code}' -T "$W/page" http://127.0.0.1/srv/open/new
        assert_eq "$output" 500
        run within cat /var/log/nginx/error.log
        assert_output_has "Read-only file system"
        # Another generation of workers, and an end without a kill.
        ctl reload nginx
        within curl -sf --retry 3 --retry-connrefused -o /dev/null http://127.0.0.1/
        ctl stop nginx
        run ctl deaths nginx --json
        assert_json '.[0].reason == "shutdown" and .[0].status == 0'
}

@test "redis keeps what it is given under its hardened unit, and beyond its limit is out_of_memory and comes back" {
        distribution
        hardened redis "MemoryMax=48M" "MemorySwapMax=0" "RestartSec=0"
        echo "mkdir -m 777 /srv/open; echo 'enable-protected-configs local' >>/etc/redis/redis.conf" >>"$W/private.more"
        private_daemon /var/lib /var/log /srv /run
        ctl await redis ready --timeout "${PATIENCE}s"
        confined /redis
        assert_eq "$(within redis-cli set answer 42)" OK
        assert_eq "$(within redis-cli save)" OK
        # What it may not: a file outside, even where the modes let everybody write.
        within redis-cli config set dir /srv/open
        assert_eq "$(within redis-cli save)" ERR
        assert_eq "$(within ls /srv/open)" ""
        run within cat /var/log/redis/redis-server.log
        assert_output_has "Read-only file system"
        assert_eq "$(within redis-cli config set dir /var/lib/redis)" OK
        old=$(pid_of /redis)
        run within redis-cli setrange hog 200000000 x
        wait_restart /redis "$old"
        run ctl deaths redis --json
        assert_json '.[0].reason == "out_of_memory"'
        ctl await redis ready --timeout "${PATIENCE}s"
        assert_eq "$(within redis-cli get answer)" 42
        ctl stop redis
        run ctl deaths redis --json
        assert_json '.[0].reason == "shutdown" and .[0].status == 0'
}

@test "sshd lets in who has the key under its hardened unit, and the session is in the sandbox too" {
        distribution
        hardened sshd "TasksMax=40" "MemoryMax=128M"
        ssh-keygen -q -t ed25519 -N '' -f "$W/key"
        ssh-keygen -q -t ed25519 -N '' -f "$W/other"
        cat >>"$W/private.more" <<END
cp /usr/share/openssh/sshd_config /etc/ssh/sshd_config
echo 'Port 2222' >/etc/ssh/sshd_config.d/test.conf
ssh-keygen -q -t ed25519 -N '' -f /etc/ssh/ssh_host_ed25519_key
for place in /root /home/guest; do
        mkdir -p "\$place/.ssh"; cp "$W/key.pub" "\$place/.ssh/authorized_keys"
        chmod 700 "\$place/.ssh"; chmod 600 "\$place/.ssh/authorized_keys"
done
chown -R guest:guest /home/guest
END
        private_daemon /root /home /run /var/log
        ctl await sshd ready --timeout "${PATIENCE}s"
        confined /sshd
        login() {
                local who=$1; shift
                within ssh -F none -p 2222 -i "$W/key" -o BatchMode=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null \
                        -o LogLevel=ERROR -o IdentitiesOnly=yes "$who@127.0.0.1" "$@"
        }
        run login guest 'id -un; echo mine >own && cat own; grep -E "^(NoNewPrivs|Seccomp|CapEff):" /proc/self/status'
        assert_status 0
        assert_output_has guest
        assert_output_has mine
        assert_output_has "$(printf 'CapEff:\t0000000000000000')"
        assert_output_has "$(printf 'NoNewPrivs:\t1')"
        assert_output_has "$(printf 'Seccomp:\t2')"
        # Somebody who is root there is not root of the machine.
        run login root 'id -u; touch /etc/stolen; touch /usr/stolen; unshare --mount true; mount -t tmpfs none /mnt'
        assert_output_has 0
        assert_output_has "cannot touch '/etc/stolen': Read-only file system"
        assert_output_has "cannot touch '/usr/stolen': Read-only file system"
        assert_output_has "unshare failed"
        refute_output_has "Permission denied (publickey)"
        [ "$status" != 0 ]
        mv "$W/other" "$W/key"
        run login guest true
        assert_status 255
        ctl stop sshd
        run ctl deaths sshd --json
        assert_json '.[0].reason == "shutdown"'
}
