#!/bin/sh
# Every field of what a snapshot must hold is in the table of its struct, saved or named as left out.
src=${COPPICE_SOURCE:-.}/src/core
table=$src/snapshot_fields.c
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

while read -r struct file; do
        n=$((n + 1)) missing=
        for member in $(members "$struct" "$src/$file"); do
                grep -Eq "(F|N|OMIT|R)\($struct, $member(\.[a-z_]+)?[,)]" "$table" || missing="$missing $member"
        done
        count=$(members "$struct" "$src/$file" | wc -l)
        if [ -n "$missing" ] || [ "$count" -lt 2 ]; then
                bad=1
                echo "not ok $n - every field of struct $struct is in its table:${missing:- none was found}"
                echo "# add F(), N() or OMIT() with the reason to src/core/snapshot_fields.c; see HACKING.md"
        else
                echo "ok $n - every field of struct $struct is in its table ($count)"
        fi
done <<LIST
reason reason.h
event event.h
node node.h
record record.h
super machine.h
msg machine.h
core machine.h
dep machine.h
LIST
echo "1..$n"
exit $bad
