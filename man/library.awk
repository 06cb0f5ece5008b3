# library.awk - manual pages of section 3 from src/lib/coppice.h: its words are the manual's, so there is one place for them.
#
#      awk -v page=coppice_send -v date=2026-11-21 -v version=0.1.0 -f library.awk coppice.h results.def library.c
#      awk -v links=1 -f library.awk coppice.h          "FUNCTION PAGE" a line, of each that has not a page of its name
#
# A page is a section of the header, "/* --- coppice_send(3): title --- */". Each comment there and the declarations up to the
# next empty line belong together. The page "coppice" is the comment at the top. Examples are in man/library.c.

FNR == 1 { file++ }
file == 2 { if (page == "coppice" && /^RESULT\(/) result($0); next }
file == 3 { example($0); next }

# --- the comment at the top ---
FNR == 1 { top = 1; sub(/^\/\* [a-z.]* - /, ""); overview = $0; next }
top { last = /\*\/$/; sub(/^ \* ?/, ""); sub(/ *\*\/$/, ""); overview = overview "\n" $0; if (last) top = 0; next }

/^\/\* --- .*\(3\)/ {
        section = $3; sub(/\(3\).*/, "", section)
        if (section == page) { title = $0; sub(/^[^:]*: */, "", title); sub(/ *-+ *\*\/$/, "", title) }
        group = 0
        next
}
section == "" { next }
/^#ifdef __cplusplus/ { section = ""; next }
/^[ \t]*$/ { group = 0; next }
{ whole = whole (whole == "" ? "" : "\n") $0 }
unfinished() { next }
{ take(whole); whole = "" }

# Is what has been read up to now in the middle of a comment or a declaration?
function unfinished(   n) {
        n = split(whole, parts, "/[*]") - split(whole, parts, "[*]/")
        if (n > 0) return 1
        if (whole ~ /^\/\*/ || whole ~ /^#define/) return 0
        return !(whole ~ /;[ \t]*(\/\*([^*]|\*[^\/])*\*\/)?$/ && split(whole, parts, "{") == split(whole, parts, "}"))
}

function take(text,   comment) {
        if (!group || text ~ /^\/\*/) { groups++; group = groups; of[group] = section }
        if (text ~ /^\/\*/) {
                sub(/^\/\* /, "", text); sub(/ *\*\/$/, "", text); gsub(/\n \* ?/, "\n", text)
                said[group] = said[group] (said[group] == "" ? "" : "\n") text
                return
        }
        if (text ~ /^COPPICE_API/ && match(text, /;[ \t]*\/\*.*\*\/$/)) {
                comment = substr(text, RSTART + 1); text = substr(text, 1, RSTART)
                sub(/^[ \t]*\/\* /, "", comment); sub(/ *\*\/$/, "", comment); gsub(/\n[ \t]*\*? ?/, " ", comment)
                if (said[group] != "" || names[group] != "") { groups++; group = groups; of[group] = section }
                said[group] = comment
        }
        if (text ~ /^COPPICE_API/) {
                match(text, /coppice_[a-z_0-9]*\(/); name = substr(text, RSTART, RLENGTH - 1)
                functions[++count] = name; where[name] = section
                names[group] = names[group] (names[group] == "" ? "" : ", ") "\\fB" name "\\fR()"
                sub(/^COPPICE_API (COPPICE_CHECKED )?/, "", text); gsub(/\n[ \t]*/, " ", text)
                sub(/ __attribute__.*/, ";", text)
        }
        synopsis[section] = synopsis[section] text "\n"
}

function result(row,   part) {
        split(row, part, /[(",) ]+/)
        sub(/^[^,]*, *[A-Z0-9]*, *"/, "", row); sub(/"\)$/, "", row)
        results = results ".TP\n.B " escaped("-" part[3]) "\n" part[2] ": " escaped(row) "\n"
}

function example(line) {
        if (line ~ /^\/\* page: /) { split(line, part, /[ *]+/); to = part[3]; return }
        if (to == page) examples = examples escaped(line) "\n"
}

function escaped(text) { gsub(/\\/, "\\e", text); gsub(/-/, "\\-", text); sub(/^[.']/, "\\\\\\&&", text); return text }

# Words of running text: functions, errnos and what stands in backquotes are bold.
function bold(text,   out, word) {
        gsub(/\\/, "\\e", text)
        while (match(text, /`[^`]*`|coppice[_a-z.0-9]*\([0-9]?\)|sd_[a-z_]*\([0-9]\)|-E[A-Z0-9]+|COPPICE_[A-Z]+|\$[A-Z_]+|[A-Z][A-Za-z_]*=[A-Za-z0-9]*|(poll|free)\([0-9]?\)/)) {
                word = substr(text, RSTART, RLENGTH); gsub(/`/, "", word); gsub(/-/, "\\-", word)
                if (match(word, /\([0-9]?\)$/)) word = "\\fB" substr(word, 1, RSTART - 1) "\\fR" substr(word, RSTART)
                else word = "\\fB" word "\\fR"
                match(text, /`[^`]*`|coppice[_a-z.0-9]*\([0-9]?\)|sd_[a-z_]*\([0-9]\)|-E[A-Z0-9]+|COPPICE_[A-Z]+|\$[A-Z_]+|[A-Z][A-Za-z_]*=[A-Za-z0-9]*|(poll|free)\([0-9]?\)/)
                out = out substr(text, 1, RSTART - 1) word
                text = substr(text, RSTART + RLENGTH)
        }
        return out text
}

# A break of paragraphs is written once, and only between paragraphs: not behind a heading, not before one.
function emit(line) {
        if (line == ".PP" || line == ".IP") { if (!fresh) waiting = line; return }
        if (line ~ /^\.SH/) waiting = ""
        if (waiting != "") print waiting
        waiting = ""
        fresh = line ~ /^\.(SH|TP)/
        print line
}

# Lines that are indented are as they are, paragraphs begin with an empty line, CAPITALS. with a heading.
function prose(text, break_,   i, n, line, code) {
        n = split(text, line, "\n")
        for (i = 1; i <= n; i++) {
                if (line[i] ~ /^     /) {
                        if (!code) { emit(break_); emit(".nf") }
                        code = 1; emit(escaped(line[i])); continue
                }
                if (code && line[i] == "" && line[i + 1] ~ /^     /) { emit("\\&"); continue }
                if (code) { emit(".fi"); emit(break_); code = 0 }
                if (line[i] == "") { emit(break_); continue }
                if (match(line[i], /^[A-Z][A-Z ]+\. /)) {
                        emit(".SH " substr(line[i], 1, RLENGTH - 2))
                        line[i] = substr(line[i], RLENGTH + 1)
                }
                if (line[i] ~ /^[.']/) line[i] = "\\&" line[i]
                emit(bold(line[i]))
        }
        if (code) emit(".fi")
}

function head(name, text) {
        print ".TH " toupper(page) " 3 \"" date "\" \"coppice " version "\" \"Coppice\"\n.SH NAME"
        print name " \\- " escaped(text)
}

function see_also(   i, n) {
        print ".SH SEE ALSO"
        if (page != "coppice") print ".BR coppice (3),"
        for (i = 1; i <= groups; i++)
                if (of[i] != last_seen && of[i] != page && page == "coppice") { print ".BR " of[i] " (3),"; last_seen = of[i] }
        print page == "coppice_control" ? ".BR io.coppice.Manager (7)," : ".BR coppice.mailbox (7),"
        print ".BR coppice.service (5)"
}

END {
        if (links) {
                for (i = 1; i <= count; i++) if (functions[i] != where[functions[i]]) print functions[i], where[functions[i]]
                exit
        }
        if (page == "coppice") {
                head("coppice", "libcoppice, the library for programs that coppice runs, and for its clients")
                print ".SH SYNOPSIS\n.nf\n#include <coppice.h>\n#include <coppice/sd\\-daemon.h>\n\ncc program.c $(pkg\\-config \\-\\-cflags \\-\\-libs coppice)\n.fi"; emit(".SH DESCRIPTION")
                sub(/ The manual is\ncoppice\(3\);/, "", overview); sub(/^[^\n]*socket\./, "A library in C for programs that coppice runs, and for clients of its control socket:", overview)
                sub(/\n\nA program is linked.*/, "", overview)
                prose(overview, ".PP")
                print ".SH ERRORS\nWhat coppice refuses, by the word that" ; print ".BR coppice_refusal (3)\ntells:"
                printf "%s", results
        } else {
                list = ""
                for (i = 1; i <= count; i++) if (where[functions[i]] == page) list = list (list == "" ? "" : ", ") functions[i]
                if (list == "") exit 1
                head(list, title)
                print ".SH SYNOPSIS\n.nf\n.B #include <coppice.h>\n"
                n = split(synopsis[page], line, "\n")
                for (i = 1; i <= n; i++) print escaped(line[i])
                print ".fi"; emit(".SH DESCRIPTION")
                for (i = 1; i <= groups; i++) {
                        if (of[i] != page || said[i] == "") continue
                        emit(names[i] == "" ? ".PP" : ".TP\n" names[i])
                        prose(said[i], names[i] == "" ? ".PP" : ".IP")
                }
                print ".SH RETURN VALUE\n0 or what is said above; a negative errno, see\n.BR coppice (3)."
        }
        if (examples != "") printf ".SH EXAMPLE\n.nf\n%s.fi\n", examples
        see_also()
}
