#!/usr/bin/env bats
# security: the score of units, of files and in the tree.

load lib

setup() { world; }
teardown() { end_world; }

@test "a bare service of root is exposed, and told what hardly ever breaks anything first" {
        service bare 'ExecStart=/bin/true'
        run ctl security "$W/units/bare.service"
        assert_status 0
        assert_output_has "it runs as root"
        assert_output_has "hardly ever breaks anything"
        assert_output_has "PrivateTmp=yes"
        run ctl security --json "$W/units/bare.service"
        assert_json '.[0].score > 9 and .[0].level == "unsafe"'
        assert_json '.[0].advice | [.[].effort] == ([.[].effort] | sort)'
        assert_json '.[0].checks | map(select(.name == "User=")) | .[0].exposed == 1'
}

@test "each line of advice lowers the score by what was said" {
        service bare 'ExecStart=/bin/true'
        line=$(ctl security --json "$W/units/bare.service" | jq -r '.[0].advice[0].line')
        gain=$(ctl security --json "$W/units/bare.service" | jq '.[0].advice[0].gain')
        before=$(ctl security --json "$W/units/bare.service" | jq '.[0].score')
        service better 'ExecStart=/bin/true' "$line"
        run ctl security --json "$W/units/better.service"
        assert_json ".[0].score <= $before - $gain + 0.001"
}

@test "--threshold makes it an exit status" {
        service bare 'ExecStart=/bin/true'
        run ctl security --threshold=10 "$W/units/bare.service"
        assert_status 0
        run ctl security --threshold=5 "$W/units/bare.service"
        assert_status 1
        run ctl security --threshold=x "$W/units/bare.service"
        assert_status 2
}

@test "the services of a running tree, as the daemon has read them" {
        service one 'ExecStart=/bin/sleep 1000'
        mkdir "$W/units/one.service.d"
        printf '[Service]\nUMask=0077\n' >"$W/units/one.service.d/a.conf"
        start_daemon
        ctl spawn --name two -p UMask=0 -- sleep 1000
        run ctl security
        assert_status 0
        assert_output_has /one
        assert_output_has /transient/two
        run ctl security --json one two
        assert_json '.[0].checks | map(select(.directive == "UMask")) | .[0].exposed == 0'
        assert_json '.[1].checks | map(select(.directive == "UMask")) | .[0].exposed == 1'
        run ctl security /transient
        assert_status 2
}

# Who cannot be in a sandbox; each file says why.
EXEMPT='machine/mounts machine/emergency machine/getty@'

@test "the shipped examples score 3 or better" {
        local file name files=()
        for file in "$SOURCE"/units/examples/*/*.service "$SOURCE"/units/examples/*/units/*.service; do
                [ -e "$file" ] || continue
                name=${file#"$SOURCE"/units/examples/}
                if [[ " $EXEMPT " == *" ${name%.service} "* ]]; then grep -q '^# In no sandbox: ' "$file"; else files+=("$file"); fi
        done
        [ ${#files[@]} -gt 10 ]
        run ctl security --threshold=3 "${files[@]}"
        assert_status 0
}
