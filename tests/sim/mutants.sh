#!/bin/sh
# Can the invariants fail? Each mistake made on purpose between the core and the world must be found. Prints TAP.
trees=${COPPICE_BUILD:-.}/tests/sim/trees
n=0

for mistake in open-twice lose-close close-twice lose-answer answer-twice signal-the-dead start-in-a-past-life \
               lose-exit allocate lose-watch lose-signal-to-all; do
        n=$((n + 1))
        out=$("$trees" --events 100000 --break $mistake 2>&1)
        status=$?
        found=$(echo "$out" | sed -n 's/^not ok [0-9]* - //p')
        script=$(echo "$out" | sed -n '/^# --- script/,/^# its story/p' | grep -c '^# [a-z+0-9]')
        if [ $status = 1 ] && [ -n "$found" ] && [ "$script" -le 30 ]; then
                echo "ok $n - the mistake $mistake is found: $found"
        else
                echo "$out" | tail -n 40 | sed 's/^/# /'
                echo "not ok $n - the mistake $mistake is found"
        fi
done
echo "1..$n"
