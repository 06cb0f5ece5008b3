# Each system call that can fail does (FAILURES M4): tests/faults says what is put in the way of what, and what must hold
# after it. COPPICE_FAULTS=all tries every point, which takes an hour; else it is each 20th place, failing once.
load lib

setup() { world; }
teardown() { end_world; }

faults() {
        local -a which=(--part "$((COPPICE_SEED % ${2:-20}))/${2:-20}")
        [ "$EUID" = 0 ] || skip "the services of the test need root"
        "$BUILD/tests/faults/faults" --possible || skip "written for another kind of machine, or tracing is not allowed here"
        [ "${COPPICE_FAULTS:-}" = all ] && which=(--all)
        run "$BUILD/tests/faults/faults" "${which[@]}" "$1"
        echo "$output"
        assert_status 0
}

@test "I2, I3, I4: a system call of init that fails ends nothing that runs, leaves nothing behind, and is told of" { faults init 8; }
@test "I2, I4, G9: a system call of the engine that fails ends nothing that runs, leaves nothing behind, and is told of" { faults engine; }
@test "I2, I4: a system call that fails while another engine takes over costs no service, and is told of" { faults next; }
@test "F2, I4: a system call of the log writer that fails loses no writer and blocks no service" { faults logd 10; }
@test "I3, I5: between fork and exec a system call that fails is a start that failed, with its stage and cause" { faults child 10; }

@test "I1: an allocation of the engine or the log writer that fails crashes nothing and loses nothing" {
        [ "$EUID" = 0 ] || skip "the services of the test need root"
        "$BUILD/tests/faults/faults" --possible || skip "written for another kind of machine, or tracing is not allowed here"
        cp "$BUILD/coppiced" "$BUILD/tests/faults/memory/coppiced"
        local -a which=(--part "$((COPPICE_SEED % 8))/8")
        [ "${COPPICE_FAULTS:-}" = all ] && which=(--all)
        run "$BUILD/tests/faults/faults" "${which[@]}" engine-memory logd-memory next-memory
        echo "$output"
        assert_status 0
}
