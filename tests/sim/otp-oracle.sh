#!/bin/sh
# The oracle agrees with every vector recorded from the real OTP; then the core agrees with the oracle on random
# schedules nobody has seen. COPPICE_OTP_SCHEDULES sets how many (default 20000), COPPICE_SEED which.
set -eu
src=${srcdir:-.}
check=tests/sim/otp-check
replay=tests/otp-replay

found=0
for f in "$src"/tests/otp/*.jsonl.gz; do
        [ -e "$f" ] || continue
        found=1
        echo "the oracle on $(basename "$f"):"
        zcat "$f" | $check expected
done
[ $found = 1 ] || { echo "no recorded vectors in $src/tests/otp"; exit 77; }

[ -x $replay ] || { echo "$replay is not built"; exit 77; }
echo "the core against the oracle:"
$check differential "${COPPICE_SEED:-1}" "${COPPICE_OTP_SCHEDULES:-20000}" $replay
