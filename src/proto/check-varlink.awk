# Hold methods.def and results.def against io.coppice.Manager.varlink and print the interface text as a C string.
# usage: awk -f check-varlink.awk methods.def results.def io.coppice.Manager.varlink > varlink_text.h
FNR == 1 { file++ }
file == 1 && /^METHOD\(/ {
        name = $0; sub(/^METHOD\(/, "", name); sub(/,.*/, "", name)
        table[name] = 1
}
file == 2 && /^RESULT\(/ {
        split($0, quoted, "\"")
        results[quoted[2]] = 1
}
file == 3 {
        if ($1 == "method") {
                name = $2; sub(/\(.*/, "", name); described[name] = 1
                if (!(name in table)) { print "methods.def: " name " is missing" > "/dev/stderr"; bad = 1 }
        }
        if ($0 == ")") within = 0
        if (within)
                for (i = 1; i <= NF; i++) {
                        name = $i; sub(/,$/, "", name); said[name] = 1
                        if (!(name in results)) { print "results.def: " name " is missing" > "/dev/stderr"; bad = 1 }
                }
        if ($0 == "type Result (") within = 1
        line = $0; gsub(/\\/, "\\\\", line); gsub(/"/, "\\\"", line)
        out = out "        \"" line "\\n\"\n"
}
END {
        for (name in table)
                if (!(name in described)) {
                        print "io.coppice.Manager.varlink: method " name " is missing" > "/dev/stderr"; bad = 1
                }
        for (name in results)
                if (!(name in said)) {
                        print "io.coppice.Manager.varlink: result " name " is missing" > "/dev/stderr"; bad = 1
                }
        if (bad) exit 1
        printf "/* made from io.coppice.Manager.varlink; do not edit */\n%s", out
}
