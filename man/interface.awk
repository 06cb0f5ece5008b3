# interface.awk - a build tool: awk -v version=V -f interface.awk INTERFACE.varlink PAGE.in: the page, with all types,
# methods or errors of the interface in the place of a line "@INTERFACE types@", "@INTERFACE methods@",
# "@INTERFACE errors@", each with the comment above it. "@ABOUT@" stands for the comment at the top of the file.
function roff(s) {
        gsub(/\\/, "\\e", s); gsub(/-/, "\\-", s)
        if (s ~ /^[.']/) s = "\\&" s
        return s
}
function finish() {
        if (kind != "") { count[kind]++; name[kind, count[kind]] = which; text[kind, count[kind]] = body; said[kind, count[kind]] = comment }
        kind = ""; body = ""; comment = ""; open = 0
}
function balance(s,    i, c, n) {
        n = 0
        for (i = 1; i <= length(s); i++) { c = substr(s, i, 1); if (c == "(") n++; if (c == ")") n-- }
        return n
}
FNR == 1 { file++ }
file == 1 && open > 0 { body = body "\n" $0; open += balance($0); if (open == 0) finish(); next }
file == 1 && /^#/ { sub(/^# ?/, ""); comment = comment (comment == "" ? "" : "\n") $0; next }
file == 1 && /^interface/ { about = comment; comment = ""; next }
file == 1 && /^(type|method|error) / {
        kind = $1; which = $2; sub(/\(.*/, "", which); body = $0; open = balance($0)
        if (open == 0) finish()
        next
}
file == 1 { if ($0 == "") comment = ""; next }
function print_lines(s,    n, i, line) {
        n = split(s, line, "\n")
        for (i = 1; i <= n; i++) print line[i] == "" ? ".PP" : roff(line[i])
}
function print_all(k,    i) {
        for (i = 1; i <= count[k]; i++) {
                printf ".TP\n.B %s\n", roff(name[k, i])
                print_lines(said[k, i] == "" ? "" : said[k, i])
                print ".RS\n.PP\n.nf"
                print_lines(text[k, i])
                print ".fi\n.RE"
        }
}
/^@INTERFACE types@$/ { print_all("type"); next }
/^@INTERFACE methods@$/ { print_all("method"); next }
/^@INTERFACE errors@$/ { print_all("error"); next }
/^@ABOUT@$/ { print_lines(about); next }
{ gsub(/@VERSION@/, version); print }
