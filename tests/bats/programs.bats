#!/usr/bin/env bats
# Real programs under their hardened units, at real work. They get mounts and a network of their own, so that what the
# machine itself runs is neither seen nor disturbed. (nginx and redis under theirs: contrib/demo.)

load lib

setup() { world; }
teardown() { end_world; }

# private_daemon MOUNTS...: a daemon that sees empty directories in these places.
private_daemon() {
        { echo 'set -e'
          for place in "$@"; do echo "mount -t tmpfs -o mode=755 tmpfs $place"; done
          echo '. "$0.more"; exec "$@"'; } >"$W/private"
        DAEMON_WRAPPER="unshare --mount --net sh $W/private" start_daemon
}
within() { nsenter --target "$DAEMON" --mount --net -- "$@"; }

@test "PostgreSQL works under its hardened unit" {
        skip_unless root
        unshare --mount --net true 2>/dev/null || skip "needs the right to make namespaces"
        POSTGRES=/usr/lib/postgresql/15/bin
        [ -x $POSTGRES/postgres ] && [ -x $POSTGRES/initdb ] && command -v psql >/dev/null || skip "needs PostgreSQL 15"
        # Not every root may raise what these two raise.
        sed '/^OOMScoreAdjust/d; /^LimitNOFILE/d' "$SOURCE/units/examples/common/postgres.service" >"$W/units/postgres.service"
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
        ctl await postgres ready --timeout 15s
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
