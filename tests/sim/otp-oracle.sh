#!/bin/sh
# The oracle agrees with every vector recorded from the real OTP; then the core agrees with the oracle on random
# schedules nobody has seen. COPPICE_OTP_SCHEDULES sets how many (default 20000), COPPICE_SEED which. Prints TAP.
src=${COPPICE_SOURCE:-${srcdir:-.}}
build=${COPPICE_BUILD:-.}
check=$build/tests/sim/otp-check
replay=$build/tests/otp-replay
count=${COPPICE_OTP_SCHEDULES:-20000}
seed=${COPPICE_SEED:-1}
n=0

# result STATUS NAME: the commands' own words stand before it as comments.
result() {
        n=$((n + 1))
        if [ "$1" = 0 ]; then echo "ok $n - $2"; else echo "not ok $n - $2"; fi
}

for f in "$src"/tests/otp/*.jsonl.gz; do
        out=$(zcat "$f" | "$check" expected 2>&1); status=$?
        echo "$out" | sed 's/^/# /'
        result $status "the oracle gives the answers recorded in $(basename "$f" .jsonl.gz)"
done
if [ -x "$replay" ]; then
        out=$("$check" differential "$seed" "$count" "$replay" 2>&1); status=$?
        echo "$out" | sed 's/^/# /'
        result $status "the core and the oracle agree on $count random schedules of seed $seed"
else
        n=$((n + 1))
        echo "ok $n - the core and the oracle agree # SKIP tests/otp-replay is not built"
fi
echo "1..$n"
