#!/bin/sh
# Every field of what a snapshot must hold is in the table of its struct, saved or named as left out: those of the core, and those
# of the engine that the journal has.
src=${COPPICE_SOURCE:-.}/src
n=0 bad=0

# The names of the members of `struct NAME` in a file: the last word of each declarator.
members() {
        sed -e 's,/\*.*\*/,,; s,/\*.*,,; s,.*\*/,,' "$2" | awk -v name="$1" '
                $0 ~ "^struct " name " [{]" { inside = 1; next }
                inside && /^[}];/ { exit }
                inside { print }' | tr '\n' ' ' | tr ';' '\n' | while read -r line; do
                        [ -n "$line" ] || continue
                        echo "$line" | tr ',' '\n' |
                                sed -e 's/\[[^]]*\]//g; s/:.*//; s/[[:space:]]*$//; s/.*[[:space:]*]//' | grep -v '^$'
                done
}

while read -r struct file table; do
        n=$((n + 1)) missing=
        for member in $(members "$struct" "$src/$file"); do
                grep -Eq "(F|N|OMIT|R)\($struct, $member(\.[a-z_]+|\[0\])?[,)]" "$src/$table" || missing="$missing $member"
        done
        count=$(members "$struct" "$src/$file" | wc -l)
        if [ -n "$missing" ] || [ "$count" -lt 2 ]; then
                bad=1
                echo "not ok $n - every field of struct $struct is in its table:${missing:- none was found}"
                echo "# add F(), N() or OMIT() with the reason to src/$table; see HACKING.md"
        else
                echo "ok $n - every field of struct $struct is in its table ($count)"
        fi
done <<LIST
reason core/reason.h core/snapshot_fields.c
event core/event.h core/snapshot_fields.c
node core/node.h core/snapshot_fields.c
record core/record.h core/snapshot_fields.c
super core/core_state.h core/snapshot_fields.c
msg core/core_state.h core/snapshot_fields.c
core core/core_state.h core/snapshot_fields.c
dep core/core_state.h core/snapshot_fields.c
saved_engine daemon/journal.h daemon/journal_fields.c
saved_pid daemon/journal.h daemon/journal_fields.c
run daemon/run.h daemon/journal_fields.c
said daemon/engine.h daemon/journal_fields.c
death daemon/engine.h daemon/journal_fields.c
action core/action.h daemon/journal_fields.c
LIST
echo "1..$n"
exit $bad
